//! What the server does by itself: fits skills anew when it is time, takes back leases in quiet times, and forgets old
//! ones.

use std::time::Duration;

use crate::domain::campaign::{Campaign, CampaignState};
use crate::services::labelling::release_lease::reclaim_expired;
use crate::services::oversight::{exclude, steer};
use crate::services::people::second_factor;
use crate::services::refit::refit;
use crate::services::{Error, clock};
use crate::storage::labelling::leases;
use crate::storage::meter::METER;
use crate::storage::people::{personal_tokens, second_factors, sessions, volunteers};
use crate::storage::upkeep::backups;
use crate::storage::{Conn, Store, campaigns};

/// Pause between two rounds.
const PAUSE: Duration = Duration::from_secs(5);
/// Ended leases are remembered for 30 days, so that an answer that comes late still finds its tile.
const REMEMBER_MS: i64 = 30 * 86_400_000;
/// Guests who handed in nothing are forgotten after 90 days.
const GUESTS_MS: i64 = 90 * 86_400_000;
/// Guests forgotten in one round.
const GUESTS_AT_ONCE: i64 = 500;
/// Batches of tiles that one round brings in line with a new policy.
const POLICY_BATCHES: usize = 200;
/// By so much the clocks of two servers may differ.
const APART_MS: i64 = 60_000;

/// Keeps house for ever; stops when it is dropped. A round that fails is logged and tried again.
pub async fn keep_house(store: Store) {
    loop {
        if let Err(error) = round(&store).await {
            tracing::warn!(%error, "housekeeping failed; trying again");
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// One round over all campaigns.
pub async fn round(store: &Store) -> Result<(), Error> {
    let all = store.read(|conn| Ok::<_, Error>(campaigns::list(conn)?)).await?;
    // Leases first: a refit may take long. What fails for one campaign must not stop the others.
    for campaign in all.iter().filter(|campaign| is_running(campaign)) {
        log_failure(campaign, tidy_leases(store, campaign).await);
    }
    // What was changed before the end is followed after it too.
    for campaign in all.iter().filter(|campaign| is_running(campaign) || campaign.state == CampaignState::Closed) {
        log_failure(campaign, follow_policy(store, campaign).await);
    }
    for campaign in &all {
        log_failure(campaign, learn(store, campaign).await);
    }
    let backup = store.read(|conn| Ok::<_, Error>(backups::last(conn)?)).await?;
    METER.last_backup_at.set(backup.unwrap_or_default());
    let before = clock::now_ms() - REMEMBER_MS;
    store.write(move |conn| Ok::<_, Error>(leases::forget(conn, before)?)).await?;
    forget_people(store, clock::now_ms()).await
}

/// Removes what is over: sessions and tokens 30 days after their end, second factors that were never confirmed, and guests who came 90 days ago, handed in nothing
/// and cannot come back. Nobody should read in them later when somebody was here.
pub async fn forget_people(store: &Store, now: i64) -> Result<(), Error> {
    store
        .write(move |conn| {
            sessions::sweep(conn, now - REMEMBER_MS)?;
            personal_tokens::sweep(conn, now - REMEMBER_MS)?;
            second_factors::sweep(conn, now - second_factor::BEGUN_MS)?;
            volunteers::sweep_guests(conn, now - GUESTS_MS, GUESTS_AT_ONCE)?;
            Ok(())
        })
        .await
}

fn is_running(campaign: &Campaign) -> bool {
    matches!(campaign.state, CampaignState::Open | CampaignState::Paused)
}

fn log_failure(campaign: &Campaign, done: Result<(), Error>) {
    if let Err(error) = done {
        tracing::warn!(campaign = campaign.slug, %error, "housekeeping failed for a campaign; trying again");
    }
}

async fn tidy_leases(store: &Store, campaign: &Campaign) -> Result<(), Error> {
    shorten(store, campaign).await?;
    sweep(store, campaign).await
}

/// Goes on with a change of policy that a request began.
async fn follow_policy(store: &Store, campaign: &Campaign) -> Result<(), Error> {
    for _ in 0..POLICY_BATCHES {
        if steer::policy::follow_some(store, campaign.id).await? {
            break;
        }
    }
    Ok(())
}

/// A campaign that ends has a last model of all its labels, however few they are: gold has its say.
async fn learn(store: &Store, campaign: &Campaign) -> Result<(), Error> {
    if is_running(campaign) || campaign.state == CampaignState::Closed {
        exclude::apply(store, campaign).await?;
        refit(store, campaign, !is_running(campaign)).await?;
    }
    Ok(())
}

/// After the clock was set back, leases granted before end too far ahead and would hold their places until then: none
/// lasts longer than one granted now.
async fn shorten(store: &Store, campaign: &Campaign) -> Result<(), Error> {
    let (id, latest) = (campaign.id, clock::now_ms() + i64::from(campaign.policy.lease_seconds) * 1000);
    if store.read(move |conn| Ok::<_, Error>(leases::any_beyond(conn, id, latest + APART_MS)?)).await? {
        let shortened = store.write(move |conn| Ok::<_, Error>(leases::shorten(conn, id, latest)?)).await?;
        tracing::warn!(campaign = campaign.slug, shortened, "leases end too far ahead: was the clock set back?");
    }
    Ok(())
}

/// Takes back leases that ran out while nobody asked for tiles.
async fn sweep(store: &Store, campaign: &Campaign) -> Result<(), Error> {
    let id = campaign.id;
    let due = move |conn: &mut Conn| Ok::<_, Error>(leases::any_expired(conn, id, clock::now_ms())?);
    while store.read(due).await? {
        let reclaim = move |conn: &mut Conn| {
            campaigns::hold(conn, id)?;
            reclaim_expired(conn, id, clock::now_ms())
        };
        let reclaimed = store.write(reclaim).await?;
        if reclaimed == 0 {
            break;
        }
    }
    Ok(())
}

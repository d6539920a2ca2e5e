//! Orders the work of a campaign by how much its places changed, in the background, where its policy asks for it.
//!
//! The scores are forgotten as soon as the queue is in order: what remains is part of the ring's bucket, which no reply,
//! export or consensus holds.

use std::time::Duration;

use super::ingest::blocking;
use crate::domain::campaign::{Campaign, CampaignState};
use crate::domain::cell::MercatorBox;
use crate::domain::hint::{LEVELS, Scored, levels};
use crate::domain::scene::Scene;
use crate::imagery::Archives;
use crate::imagery::change::change_scores;
use crate::services::{Error, clock};
use crate::storage::scenes::hints;
use crate::storage::{Conn, Store, campaigns, locks, scenes};

/// Pause between two looks for campaigns whose hints are out of date.
const PAUSE: Duration = Duration::from_secs(30);
/// Tiles whose place in the queue is set in one transaction.
const AT_ONCE: usize = 200;
/// For so long one process has the work to itself.
const MINE_MS: i64 = 30 * 60_000;

/// Keeps the hints of all campaigns up to date, for ever; stops when it is dropped.
pub async fn keep_hints(store: Store, archives: Archives) {
    loop {
        if let Err(error) = round(&store, &archives).await {
            tracing::warn!(%error, "change hints failed; trying again");
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Looks once at every campaign.
pub async fn round(store: &Store, archives: &Archives) -> Result<(), Error> {
    for campaign in store.read(|conn| Ok::<_, Error>(campaigns::list(conn)?)).await? {
        if let Err(error) = hint(store, archives, &campaign).await {
            tracing::warn!(campaign = campaign.slug, %error, "change hints failed for a campaign");
        }
    }
    Ok(())
}

/// Brings the order of one campaign up to date. Returns whether there was anything to do.
pub async fn hint(store: &Store, archives: &Archives, campaign: &Campaign) -> Result<bool, Error> {
    let id = campaign.id;
    let live = matches!(campaign.state, CampaignState::Draft | CampaignState::Open | CampaignState::Paused);
    let read = move |conn: &mut Conn| Ok::<_, Error>((scenes::of_campaign(conn, id)?, hints::state(conn, id)?));
    let (scenes, state) = store.read(read).await?;
    let wanted = (live && campaign.policy.change_hints && scenes.len() > 1 && state.tiles > 0)
        .then(|| fingerprint(campaign, &scenes, &state));
    if !live || wanted == state.fingerprint {
        return Ok(false);
    }
    let me = format!("hints {}", std::process::id());
    let name = format!("hints {id}");
    let now = clock::now_ms();
    let (taken, holder) = (name.clone(), me.clone());
    if !store.write(move |conn| Ok::<_, Error>(locks::take(conn, &taken, &holder, (now, now + MINE_MS))?)).await? {
        return Ok(false);
    }
    let done = put_in_order(store, archives, campaign, scenes, wanted).await;
    store.write(move |conn| Ok::<_, Error>(locks::free(conn, &name, &me)?)).await?;
    done.map(|()| true)
}

/// What the order was made from: when it changes, the order is made anew.
fn fingerprint(campaign: &Campaign, scenes: &[Scene], state: &hints::HintState) -> String {
    let ends = scenes.first().zip(scenes.last()).map(|(first, last)| (&first.archive, &last.archive));
    format!("1 {ends:?} {} {} {}", state.tiles, state.newest, campaign.policy.change_hints_mix)
}

async fn put_in_order(
    store: &Store,
    archives: &Archives,
    campaign: &Campaign,
    scenes: Vec<Scene>,
    wanted: Option<String>,
) -> Result<(), Error> {
    let id = campaign.id;
    let places = store.read(move |conn| Ok::<_, Error>(hints::places(conn, id)?)).await?;
    let order = match wanted.is_some() {
        true => {
            let (archives, mix) = (archives.clone(), campaign.policy.change_hints_mix);
            blocking(move || Ok(levels(scored(&archives, &scenes, &places)?, mix))).await?
        }
        // Nobody wants them any more: all tiles are alike again.
        false => places.iter().map(|place| (place.tile, 0)).collect(),
    };
    for level in 0..LEVELS {
        let tiles: Vec<i64> = order.iter().filter(|(_, one)| *one == level).map(|(tile, _)| *tile).collect();
        for some in tiles.chunks(AT_ONCE) {
            let some = some.to_vec();
            store.write(move |conn| Ok::<_, Error>(hints::set(conn, &some, level)?)).await?;
        }
    }
    let now = clock::now_ms();
    store.write(move |conn| Ok::<_, Error>(hints::remember(conn, id, wanted.as_deref(), now)?)).await
}

fn scored(archives: &Archives, scenes: &[Scene], places: &[hints::Place]) -> Result<Vec<Scored>, Error> {
    let (Some(first), Some(last)) = (scenes.first(), scenes.last()) else { return Ok(Vec::new()) };
    let (first, last) = (archives.open(&first.archive)?, archives.open(&last.archive)?);
    let areas: Vec<MercatorBox> = places.iter().map(|place| MercatorBox::from_degrees(place.bbox)).collect();
    let scores = change_scores(&*first, &*last, &areas)?;
    let scored = |(place, score): (&hints::Place, Option<f64>)| Scored {
        tile: place.tile,
        score,
        shuffle_key: place.shuffle_key,
    };
    Ok(places.iter().zip(scores).map(scored).collect())
}

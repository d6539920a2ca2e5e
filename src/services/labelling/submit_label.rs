//! Takes in what somebody sends: each label is stored exactly once, whatever the network repeats, and the next tiles are
//! handed out. What becomes of one label is `accept_label`.

use std::sync::Arc;

use uuid::Uuid;

pub use super::accept_label::{Accepted, Outcome};
use super::accept_label::{Author, Incoming, body_hash, never_leased, refusal};
use super::hand_out::{self, Request, Search};
use super::tile_consensus::Rules;
use crate::domain::campaign::Campaign;
use crate::domain::label::{LabelStatus, NewLabel, RefusalCode};
use crate::domain::tile::Lease;
use crate::services::{Error, clock};
use crate::storage::labelling::labels::Logged;
use crate::storage::labelling::participations::Done;
use crate::storage::labelling::{labels, leases, participations};
use crate::storage::{Conn, Store};

/// The outcome of one label of a submission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemResult {
    /// The client's id.
    pub id: Uuid,
    /// Accepted, or refused with the reason.
    pub outcome: Outcome,
}

/// The reply to a submission.
#[derive(Debug, Clone, PartialEq)]
pub struct Submission {
    /// One result for each label, in the order sent.
    pub results: Vec<ItemResult>,
    /// As many next leases as new labels were stored.
    pub leases: Vec<Lease>,
    /// Ids of the campaigns that took something in.
    pub campaigns: Vec<i64>,
}

/// Stores the labels of one volunteer in one transaction and hands out what comes next.
pub async fn submit(
    store: &Store,
    volunteer: i64,
    items: Vec<NewLabel>,
    client: Option<String>,
) -> Result<Submission, Error> {
    let (seed, items, client) = (rand::random(), Arc::new(items), Arc::new(client));
    let send = |with_tiles: bool| {
        let (items, client) = (items.clone(), client.clone());
        store.write(move |conn: &mut Conn| {
            let sender = Sender { volunteer, client: client.as_deref(), may_label: &|_| with_tiles };
            submit_all(conn, &sender, &items, seed, clock::now_ms())
        })
    };
    match send(true).await {
        // Whatever is wrong with the tiles to come, the labels are stored.
        Err(error) if error.is_fault() => send(false).await,
        sent => sent,
    }
}

/// Who sends labels, and with what.
pub struct Sender<'a> {
    /// The volunteer.
    pub volunteer: i64,
    /// Name and version of the client program, if it gave one.
    pub client: Option<&'a str>,
    /// Whether the volunteer may have more tiles of a campaign; what is in hand may be answered in any case.
    pub may_label: &'a dyn Fn(&Campaign) -> bool,
}

/// The transaction of [`submit`], with its time and its dice given.
pub fn submit_all(
    conn: &mut Conn,
    sender: &Sender<'_>,
    items: &[NewLabel],
    seed: u64,
    now: i64,
) -> Result<Submission, Error> {
    let incoming = in_locking_order(conn, sender.volunteer, items)?;
    let mut results: Vec<Option<ItemResult>> = vec![None; items.len()];
    let (mut next, mut campaigns) = (Vec::new(), Vec::new());
    for of_campaign in incoming.chunk_by(|a, b| a.campaign() == b.campaign()) {
        let outcomes = match of_campaign[0].campaign() {
            None => without_lease(conn, sender.volunteer, of_campaign)?,
            Some(campaign) => {
                campaigns.push(campaign);
                let (outcomes, leases) = take_in_campaign(conn, sender, campaign, of_campaign, (seed, now))?;
                next.extend(leases);
                outcomes
            }
        };
        for (one, outcome) in of_campaign.iter().zip(outcomes) {
            results[one.place] = Some(ItemResult { id: one.label.id, outcome });
        }
    }
    Ok(Submission { results: results.into_iter().flatten().collect(), leases: next, campaigns })
}

/// The labels with their leases, campaign by campaign and tile by tile: everybody locks in this one order. Labels of one
/// tile keep the order in which they were sent.
fn in_locking_order<'a>(conn: &mut Conn, volunteer: i64, items: &'a [NewLabel]) -> Result<Vec<Incoming<'a>>, Error> {
    let mut incoming = Vec::with_capacity(items.len());
    for (place, label) in items.iter().enumerate() {
        let lease = leases::find(conn, label.lease_id)?.filter(|lease| lease.volunteer_id == volunteer);
        incoming.push(Incoming { place, label, lease });
    }
    incoming.sort_by_key(|one| one.lease.as_ref().map(|lease| (lease.campaign_id, lease.tile)));
    Ok(incoming)
}

/// What becomes of labels for tiles that the volunteer was never given.
fn without_lease(conn: &mut Conn, volunteer: i64, labels: &[Incoming<'_>]) -> Result<Vec<Outcome>, Error> {
    let outcome = |one: &Incoming<'_>| Ok(repeat(conn, volunteer, one.label)?.unwrap_or_else(|| Err(never_leased())));
    labels.iter().map(outcome).collect()
}

/// Takes in the labels of one campaign, and hands out as many tiles as were new. Locks in the order of everybody: the
/// campaign's state, the volunteer's turn, tiles, leases.
fn take_in_campaign(
    conn: &mut Conn,
    sender: &Sender<'_>,
    campaign_id: i64,
    labels: &[Incoming<'_>],
    (seed, now): (u64, i64),
) -> Result<(Vec<Outcome>, Vec<Lease>), Error> {
    let Sender { volunteer, client, may_label } = *sender;
    let rules = Rules::load(conn, campaign_id)?;
    let turn = participations::take_turn(conn, campaign_id, volunteer, now)?;
    let author = Author { rules, volunteer, is_excluded: turn.is_excluded(), client, now };
    let (mut done, mut fresh, mut outcomes) = (Done::default(), 0, Vec::with_capacity(labels.len()));
    for one in labels {
        if let Some(before) = repeat(conn, volunteer, one.label)? {
            outcomes.push(before);
            continue;
        }
        let (outcome, is_first) = author.accept(conn, one)?;
        let is_new = matches!(&outcome, Ok(accepted) if accepted.status != LabelStatus::Revised);
        fresh += usize::from(is_new);
        // Whoever looks again after a later scene came labelled no further tile.
        done.labels += i32::from(is_new && is_first);
        outcomes.push(outcome);
    }
    let (campaign, mut next) = (&author.rules.campaign, Vec::new());
    if fresh > 0 && may_label(campaign) {
        let request = Request { volunteer, count: fresh, again: false, seed };
        let search = Search::default();
        let given = hand_out::give_in_turn(conn, campaign, campaign.state, &turn, request, search, now)?;
        done.tiles_served = given.2 as i32;
        next = given.0;
    }
    if done != Done::default() {
        participations::add(conn, campaign_id, volunteer, done, now)?;
    }
    Ok((outcomes, next))
}

/// The stored outcome of a label that was sent before; a conflict where the id was used for something else.
fn repeat(conn: &mut Conn, volunteer: i64, label: &NewLabel) -> Result<Option<Outcome>, Error> {
    Ok(labels::logged(conn, label.id)?.map(|Logged { volunteer_id, body_hash: hash, status, tile_state }| {
        if volunteer_id == volunteer && hash == body_hash(label) {
            Ok(Accepted { status, tile_state })
        } else {
            let reason = "this id was used before for another label: make a new id for a new answer";
            Err(refusal(RefusalCode::Conflict, "id", reason))
        }
    }))
}

//! Tiles that follow a later scene: each gets its frame, and the crowd is asked again where its answer does not cover it.

use std::sync::Arc;

use rayon::prelude::*;

use crate::consensus::later_scene::{says_damage, set_aside};
use crate::domain::bbox::Bbox;
use crate::domain::cell::MercatorBox;
use crate::domain::consensus::TileState;
use crate::domain::label::Censored;
use crate::imagery::Archives;
use crate::services::labelling::rules::Rules;
use crate::services::labelling::tile_consensus;
use crate::services::oversight::review;
use crate::services::scenes::derive_tiles::VALID_SHARE;
use crate::services::scenes::ingest::blocking;
use crate::services::{Error, clock};
use crate::storage::labelling::labels::{self, CurrentLabel};
use crate::storage::labelling::queue::QueueRow;
use crate::storage::labelling::{consensus, queue};
use crate::storage::oversight::exclusions::{self, Before};
use crate::storage::oversight::reviews::{self, Review};
use crate::storage::scenes::later_scenes::{self, Joining, JoiningScene};
use crate::storage::scenes::tiles;
use crate::storage::{Conn, Store, campaigns, gold, notify, scenes};

/// Tiles that one transaction brings in line: few, so that answers that still come in never wait long.
const BATCH: i64 = 128;

/// Brings the next few tiles in line, and returns what became of the tiles so far.
pub(super) async fn some(
    store: &Store,
    archives: &Archives,
    campaign: i64,
    under_way: JoiningScene,
    actor: Option<i64>,
) -> Result<Joining, Error> {
    let after = under_way.joining.after;
    let next = move |conn: &mut Conn| Ok::<_, Error>(later_scenes::tiles_after(conn, campaign, after, BATCH)?);
    let tiles = store.read(next).await?;
    let (archives, archive) = (archives.clone(), under_way.archive.clone());
    let shares = blocking(move || shares(&archives, &archive, &tiles)).await?;
    let batch = Arc::new((under_way, shares));
    store.write(move |conn| bring_in_line(conn, campaign, &batch.0, &batch.1, (actor, clock::now_ms()))).await
}

/// Whether a label counts, or did until its author was excluded.
fn would_count(label: &CurrentLabel, before: Option<&Before>) -> bool {
    let then = |before: &Before| before.labels.contains(&(label.volunteer_id, label.label_id, true));
    label.counted || (label.excluded && before.is_some_and(then))
}

/// How much of each tile the scene shows.
fn shares(archives: &Archives, archive: &str, tiles: &[(i64, Bbox)]) -> Result<Vec<(i64, f64)>, Error> {
    let archive = archives.open(archive)?;
    let share = |(tile, bbox): &(i64, Bbox)| Ok((*tile, archive.valid_share(MercatorBox::from_degrees(*bbox))?));
    tiles.par_iter().map(share).collect()
}

/// One transaction: whoever else does the same work finds that it is done.
fn bring_in_line(
    conn: &mut Conn,
    campaign: i64,
    seen: &JoiningScene,
    shares: &[(i64, f64)],
    (actor, now): (Option<i64>, i64),
) -> Result<Joining, Error> {
    campaigns::lock(conn, campaign)?;
    let under_way = later_scenes::under_way(conn, campaign)?;
    let Some(JoiningScene { joining: mut so_far, .. }) = under_way.filter(|now| now == seen) else {
        return Ok(seen.joining);
    };
    let rules = Rules::load(conn, campaign)?;
    for (tile, share) in shares {
        if *share < VALID_SHARE {
            so_far.not_shown += 1;
        } else {
            Follower { rules: &rules, scene: seen.id, now }.follow(conn, (*tile, *share), &mut so_far)?;
        }
        so_far.after = *tile;
    }
    if (shares.len() as i64) < BATCH {
        end(conn, &rules, seen, &so_far, (actor, now))?;
    } else {
        later_scenes::advance(conn, seen.id, &so_far)?;
    }
    Ok(so_far)
}

fn end(
    conn: &mut Conn,
    rules: &Rules,
    seen: &JoiningScene,
    done: &Joining,
    by: (Option<i64>, i64),
) -> Result<(), Error> {
    later_scenes::end(conn, seen.id)?;
    let campaign = &rules.campaign;
    notify::tell(conn, &[campaign.id])?;
    let scene = scenes::of_campaign(conn, campaign.id)?.into_iter().find(|scene| scene.id == seen.id);
    let Some(scene) = scene else { return Ok(()) };
    let detail = serde_json::json!({
        "tiles_shown": done.shown, "tiles_not_shown": done.not_shown, "tiles_reopened": done.reopened,
        "tiles_still_damaged": done.still_damaged, "tiles_no_longer_gold": done.no_longer_gold,
        "labels_set_aside": done.set_aside,
    });
    super::note(conn, campaign, ("later_scene_joined", &scene), detail, by)
}

/// Lets tiles follow one scene.
struct Follower<'a> {
    rules: &'a Rules,
    scene: i64,
    now: i64,
}

impl Follower<'_> {
    fn follow(&self, conn: &mut Conn, (tile, share): (i64, f64), so_far: &mut Joining) -> Result<(), Error> {
        let mut row = queue::lock(conn, tile)?;
        let expert = if row.gold { gold::of_tile(conn, tile)? } else { None };
        let keeps_gold = match &expert {
            // Practice teaches with the pictures that its explanation is about, and everybody knows it for practice.
            Some((kind, _)) if kind == "practice" => {
                so_far.not_shown += 1;
                return Ok(());
            }
            Some((_, answer)) => says_damage(&self.rules.campaign.scale, *answer),
            None => false,
        };
        so_far.shown += 1;
        later_scenes::add_frame(conn, tile, self.scene, share)?;
        later_scenes::end_leases(conn, tile, self.now)?;
        row.leased = 0;
        if keeps_gold {
            return Ok(queue::save(conn, &row)?);
        }
        if row.gold {
            // Experts fixed "no damage" for a shorter timeline. Check gold reads as an open tile, so nothing shows.
            gold::remove(conn, tile)?;
            row = queue::unmake_gold(conn, tile, &self.rules.campaign.policy)?;
            so_far.no_longer_gold += 1;
        }
        if row.lacks_pictures && tiles::frames_of(conn, &[tile])?.get(&tile).is_some_and(|all| all.len() > 1) {
            row.lacks_pictures = false;
            queue::has_pictures(conn, tile)?;
        }
        self.ask_anew(conn, row, so_far)
    }

    /// Sets aside what says nothing about the scene, and opens the tile where that was what closed it.
    fn ask_anew(&self, conn: &mut Conn, mut row: QueueRow, so_far: &mut Joining) -> Result<(), Error> {
        let (tile, scale) = (row.tile, &self.rules.campaign.scale);
        let opinions = review::current(conn, tile)?;
        let damaged = self.is_closed_as_damaged(conn, &row, &opinions)?;
        let all = labels::all_of_tile(conn, tile)?;
        let before = exclusions::before(conn, tile)?;
        let answers: Vec<(u8, bool)> = all.iter().map(|label| (label.answer, label.counted)).collect();
        let with_all: Vec<(u8, bool)> =
            all.iter().map(|label| (label.answer, would_count(label, before.as_ref()))).collect();
        // What excluded people said decides about their own labels alone: lifted, these stand as if they had been there.
        let goes = set_aside(scale, &answers, damaged).into_iter().zip(set_aside(scale, &with_all, damaged));
        let mut moved = false;
        for ((label, (goes, goes_with_all)), (_, counts)) in all.iter().zip(goes).zip(&with_all) {
            let goes = if label.excluded { goes_with_all } else { goes };
            if goes && label.censored.is_none() {
                let was = if *counts { Censored::Counted } else { Censored::Surplus };
                later_scenes::censor(conn, (tile, label.volunteer_id), was)?;
                so_far.set_aside += 1;
                moved |= label.counted;
            }
        }
        if damaged {
            so_far.still_damaged += 1;
            if before.is_some_and(|before| before.state != row.state) {
                // Closed so without the excluded only: lifted, it has to earn its state with them.
                exclusions::forget(conn, tile)?;
            }
            queue::save(conn, &row)?;
            return tile_consensus::describe(conn, self.rules, &row, self.now);
        }
        exclusions::forget(conn, tile)?;
        if opinions.iter().any(|one| !says_damage(scale, one.opinion.answer)) {
            later_scenes::lapse_reviews(conn, tile)?;
            reviews::let_go(conn, tile)?;
            moved = true;
        }
        if row.state.is_closed() && (moved || row.counted == 0) {
            so_far.reopened += 1;
            tile_consensus::open_anew(self.rules, &mut row);
        }
        if row.state == TileState::Open {
            (row.first_settled_at, row.skips) = (None, 0);
        }
        tile_consensus::follow(conn, self.rules, row, None, self.now).map(drop)
    }

    /// Whether the crowd settled the tile as damaged, or experts decided so.
    fn is_closed_as_damaged(&self, conn: &mut Conn, row: &QueueRow, opinions: &[Review]) -> Result<bool, Error> {
        let scale = &self.rules.campaign.scale;
        Ok(match row.state {
            TileState::Settled => consensus::class_of(conn, row.tile)?.is_some_and(|class| says_damage(scale, class)),
            TileState::Reviewed => opinions.iter().any(|one| one.in_force && says_damage(scale, one.opinion.answer)),
            _ => false,
        })
    }
}

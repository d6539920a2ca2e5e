//! Check gold: looks like any other tile, stands outside the counters, and measures those who label it.

use std::collections::HashSet;

use aftermap::domain::consensus::TileState;
use aftermap::domain::gold::{GoldKind, Retired};
use aftermap::domain::label::LabelStatus;
use aftermap::domain::policy::Policy;
use aftermap::services::gold::import_gold::{GoldAnswer, import_gold};
use aftermap::services::gold::{NewMark, mark, retire};
use aftermap::services::labelling::release_lease;
use aftermap::services::oversight::statistics::progress;

use crate::town::{HOUR, MINUTE, NOON, Town, label, policy, towns};

/// Makes the first tiles check gold with the answer `destroyed`.
pub async fn make_gold(town: &Town, tiles: usize) {
    let answers: Vec<GoldAnswer> = (0..tiles)
        .map(|n| GoldAnswer { tile_id: format!("b{n}"), answer: "destroyed".into(), ..GoldAnswer::default() })
        .collect();
    let added = town.run(move |conn| import_gold(conn, "town", GoldKind::Check, &answers, NOON)).await;
    assert_eq!(added, tiles);
}

fn much_gold() -> Policy {
    Policy { gold_share: 0.5, gold_share_first: 0.5, ..policy() }
}

/// Closed tiles, as they are told to somebody who may or may not know which tiles are gold.
async fn closed(town: &Town, knows_gold: bool) -> u64 {
    let campaign = town.campaign.clone();
    town.run(move |conn| Ok(progress(conn, &campaign, knows_gold, NOON)?)).await.closed
}

#[tokio::test(flavor = "multi_thread")]
async fn check_gold_reads_as_an_open_tile_and_touches_no_counter() {
    for town in towns(40, much_gold()).await {
        make_gold(&town, 3).await;
        let gold: HashSet<i64> = town.tiles[..3].iter().copied().collect();
        assert_eq!(closed(&town, false).await, 0);
        let mut answered = 0;
        for person in town.volunteers(5).await {
            for _ in 0..10 {
                for lease in town.ask(person, 5, NOON).await {
                    if gold.contains(&lease.tile.id) {
                        let told = town.answer(person, lease.id, "damaged", NOON).await;
                        assert_eq!(told, Ok((LabelStatus::Stored, TileState::Open)));
                        // Days later it can still be changed, as on any open tile.
                        let told = town.answer(person, lease.id, "destroyed", NOON + 90 * HOUR).await;
                        assert_eq!(told, Ok((LabelStatus::Revised, TileState::Open)));
                        answered += 1;
                    } else {
                        town.run(move |conn| release_lease::release(conn, person, lease.id, false, NOON)).await;
                    }
                }
            }
        }
        assert_eq!(answered, 15, "everybody was given each gold tile once, on {}", town.name);
        for tile in gold {
            let row = town.row(tile).await;
            assert_eq!((row.state, row.counted, row.leased), (TileState::Reviewed, 0, 0));
        }
        assert_eq!((closed(&town, false).await, closed(&town, true).await), (0, 3), "only who may know sees it closed");
        town.check().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn check_gold_never_comes_when_nothing_else_is_left() {
    for town in towns(6, much_gold()).await {
        make_gold(&town, 4).await;
        for _ in 0..4 {
            let me = town.volunteer().await;
            for _ in 0..20 {
                for lease in town.ask(me, 5, NOON).await {
                    town.answer(me, lease.id, "destroyed", NOON).await.expect("a label");
                }
            }
        }
        assert!(town.row(town.tiles[4]).await.state.is_closed() && town.row(town.tiles[5]).await.state.is_closed());
        for _ in 0..30 {
            let late = town.volunteer().await;
            assert_eq!(town.ask(late, 5, NOON).await, []);
        }
        town.check().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn check_gold_comes_also_to_those_who_get_one_tile_at_a_time() {
    for town in towns(200, much_gold()).await {
        make_gold(&town, 20).await;
        let gold: HashSet<i64> = town.tiles[..20].iter().copied().collect();
        let me = town.volunteer().await;
        let mut lease = town.one(me, NOON).await;
        let mut met = 0;
        for _ in 0..60 {
            let mut reply = town.send(me, vec![label(lease.id, "damaged")], NOON).await;
            assert_eq!(reply.leases.len(), 1);
            lease = reply.leases.remove(0);
            met += usize::from(gold.contains(&lease.tile.id));
        }
        assert!((10..=20).contains(&met), "{met} of 20 in 60 tiles, half of which should be gold, on {}", town.name);
        town.check().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn worn_out_gold_is_not_handed_out() {
    let policy = Policy { gold_uses: 3, ..much_gold() };
    for town in towns(40, policy).await {
        make_gold(&town, 1).await;
        let mut uses = 0;
        for _ in 0..20 {
            let me = town.volunteer().await;
            for _ in 0..4 {
                for lease in town.ask(me, 5, NOON).await {
                    uses += usize::from(lease.tile.id == town.tiles[0]);
                    town.run(move |conn| release_lease::release(conn, me, lease.id, true, NOON)).await;
                }
            }
        }
        assert_eq!(uses, 3, "on {}", town.name);
        town.check().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn gold_can_be_skipped_and_expires_like_any_tile() {
    for town in towns(40, much_gold()).await {
        make_gold(&town, 10).await;
        let gold: HashSet<i64> = town.tiles[..10].iter().copied().collect();
        let (skipper, walker) = (town.volunteer().await, town.volunteer().await);
        let mut skipped = 0;
        for _ in 0..10 {
            for lease in town.ask(skipper, 5, NOON).await {
                skipped += usize::from(gold.contains(&lease.tile.id));
                town.skip(skipper, lease.id, NOON).await;
            }
            town.more(walker, 5, NOON).await;
        }
        assert!(skipped > 0);
        let late = town.volunteer().await;
        assert!(!town.ask(late, 5, NOON + 31 * MINUTE).await.is_empty());
        for tile in gold {
            let row = town.row(tile).await;
            assert_eq!((row.leased, row.counted, row.state), (0, 0, TileState::Reviewed));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tile_with_labels_and_leases_becomes_gold_and_an_ordinary_tile_again() {
    for town in towns(1, policy()).await {
        let tile = town.tiles[0];
        assert_eq!(town.another_says("damaged", NOON).await, Ok((LabelStatus::Stored, TileState::Open)));
        let (late, expert) = (town.volunteer().await, town.volunteer().await);
        let lease = town.one(late, NOON).await;
        let campaign = town.campaign.clone();
        let new = NewMark {
            tile_id: "b0".into(),
            kind: GoldKind::Check,
            answer: "destroyed".into(),
            window: None,
            explanations: std::collections::BTreeMap::new(),
        };
        town.run(move |conn| mark(conn, &campaign, &new, (expert, true), NOON)).await;
        let row = town.row(tile).await;
        assert_eq!((row.state, row.counted, row.leased, row.gold), (TileState::Reviewed, 0, 0, true));
        town.check().await;
        let campaign = town.campaign.clone();
        town.run(move |conn| retire(conn, &campaign, "b0", Retired::Ordinary, (expert, NOON))).await;
        let row = town.row(tile).await;
        assert_eq!((row.state, row.counted, row.leased, row.gold), (TileState::Open, 1, 1, false), "on {}", town.name);
        town.check().await;
        assert_eq!(town.answer_only(late, lease.id, "damaged", NOON).await, Ok((LabelStatus::Stored, TileState::Open)));
        assert_eq!(town.row(tile).await.counted, 2);
        town.check().await;
    }
}

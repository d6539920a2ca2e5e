//! People who were paused or excluded: no tiles for them, and nothing they send is lost.

use aftermap::domain::campaign::Campaign;
use aftermap::domain::consensus::TileState;
use aftermap::domain::damage_map::{Cuts, Sight, What};
use aftermap::domain::label::LabelStatus;
use aftermap::domain::policy::Policy;
use aftermap::domain::pseudonym::pseudonym;
use aftermap::domain::volunteer_quality::ExclusionKind;
use aftermap::services::labelling::hand_out::{Request, hand_out};
use aftermap::services::labelling::release_lease;
use aftermap::services::maps::export_map::{Request as ExportRequest, write};
use aftermap::services::oversight::exclude::{self, Order};
use aftermap::services::refit::refit;
use aftermap::services::{Error, clock};
use aftermap::storage::labelling::queue::QueueRow;
use aftermap::storage::schema::{exclusions, volunteers};
use aftermap::storage::{campaigns, new_id};
use diesel::prelude::*;

use crate::town::{HOUR, MINUTE, NOON, Town, policy, towns};

async fn exclude(town: &Town, volunteer: i64, kind: &'static str) {
    let campaign = town.campaign.id;
    town.run(move |conn| {
        let row = (
            exclusions::id.eq(new_id()),
            exclusions::campaign_id.eq(campaign),
            exclusions::volunteer_id.eq(volunteer),
            exclusions::kind.eq(kind),
            exclusions::reason.eq("a talk first"),
            exclusions::created_by.eq(volunteer),
            exclusions::created_at.eq(NOON),
        );
        diesel::insert_into(exclusions::table).values(row).execute(conn)?;
        Ok(())
    })
    .await;
}

async fn lift(town: &Town, volunteer: i64) {
    town.run(move |conn| {
        let mine = exclusions::table.filter(exclusions::volunteer_id.eq(volunteer));
        let lifted = (exclusions::lifted_at.eq(NOON), exclusions::lifted_by.eq(volunteer));
        diesel::update(mine).set(lifted).execute(conn)?;
        Ok(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_excluded_gets_no_tiles_and_is_told_why() {
    for town in towns(5, policy()).await {
        for kind in ["paused", "excluded"] {
            let me = town.volunteer().await;
            let ask =
                || hand_out(&town.store, &town.campaign, Request { volunteer: me, count: 1, again: true, seed: 1 });
            assert_eq!(ask().await.unwrap().len(), 1);
            exclude(&town, me, kind).await;
            let refused = ask().await;
            assert!(matches!(&refused, Err(Error::Excluded(why)) if why == "a talk first"), "{refused:?}");
            lift(&town, me).await;
            assert_eq!(ask().await.unwrap().len(), 1, "{kind} on {}", town.name);
        }
        town.check().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn labels_of_an_excluded_volunteer_are_kept_and_never_counted() {
    for town in towns(1, policy()).await {
        let me = town.volunteer().await;
        let lease = town.one(me, NOON).await.id;
        exclude(&town, me, "excluded").await;
        let told = town.answer(me, lease, "destroyed", NOON).await;
        assert_eq!(told, Ok((LabelStatus::Surplus, TileState::Open)));
        // Nor when a place becomes free, or when they think again.
        let other = town.volunteer().await;
        let held = town.one(other, NOON).await.id;
        town.run(move |conn| release_lease::release(conn, other, held, false, NOON)).await;
        assert_eq!(town.answer(me, lease, "damaged", NOON).await, Ok((LabelStatus::Revised, TileState::Open)));
        let row = town.row(town.tiles[0]).await;
        assert_eq!((row.counted, row.leased, town.logged().await), (0, 0, 2), "on {}", town.name);
        for _ in 0..4 {
            town.another_says("no_visible_damage", NOON).await.expect("a label");
        }
        assert_eq!(town.row(town.tiles[0]).await.state, TileState::Settled);
        town.check().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_paused_volunteer_holds_may_be_answered_and_brings_no_more() {
    for town in towns(3, policy()).await {
        let me = town.volunteer().await;
        let lease = town.one(me, NOON).await.id;
        exclude(&town, me, "paused").await;
        let reply = town.send(me, vec![crate::town::label(lease, "destroyed")], NOON).await;
        let told = crate::town::outcome(&reply.results[0]);
        assert_eq!((told, reply.leases.len()), (Ok((LabelStatus::Stored, TileState::Open)), 0), "on {}", town.name);
        town.check().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_deleted_while_the_request_was_under_way_is_given_nothing() {
    for town in towns(5, policy()).await {
        let me = town.volunteer().await;
        let ask = || hand_out(&town.store, &town.campaign, Request { volunteer: me, count: 2, again: true, seed: 1 });
        town.run(move |conn| {
            diesel::update(volunteers::table.find(me)).set(volunteers::deleted_at.eq(NOON)).execute(conn)?;
            Ok(())
        })
        .await;
        assert_eq!(ask().await.unwrap(), [], "on {}", town.name);
        town.check().await;
    }
}

/// Excludes through the service, as a coordinator does, and lets everything follow.
pub async fn excluded(town: &Town, people: &[i64]) {
    act(town, people, true).await;
}

pub async fn lifted(town: &Town, people: &[i64]) {
    act(town, people, false).await;
}

async fn act(town: &Town, people: &[i64], impose: bool) {
    let campaign = now(town).await;
    let names: Vec<String> = people.iter().map(|id| pseudonym(&campaign.pseudonym_key, *id)).collect();
    let (of, actor) = (campaign.clone(), people[0]);
    let changed = town
        .run(move |conn| {
            let order = Order { volunteers: &names, actor, reason: "they act as one" };
            let at = clock::now_ms();
            if impose {
                exclude::impose(conn, &of, ExclusionKind::Excluded, &order, at)
            } else {
                exclude::lift(conn, &of, &order, at)
            }
        })
        .await;
    assert_eq!(changed.len(), people.len());
    exclude::follow_up(&town.store, &campaign).await.unwrap();
    let fresh = now(town).await;
    let left = town.run(move |conn| exclude::recomputation(conn, &fresh)).await;
    assert!(!left.running, "on {}: {left:?}", town.name);
}

pub async fn now(town: &Town) -> Campaign {
    town.run(|conn| Ok(campaigns::find(conn, "town")?.expect("the campaign"))).await
}

/// The map as researchers download it, and the queue behind it.
async fn map(town: &Town) -> (String, Vec<QueueRow>) {
    let (store, campaign) = (town.store.clone(), now(town).await);
    let work = move || {
        let request = ExportRequest::new(What::Tiles, "csv", Cuts::default(), Sight::Researcher).unwrap();
        let mut bytes = Vec::new();
        write(&store, &campaign, &request, clock::now_ms() + HOUR, &mut bytes).unwrap();
        String::from_utf8(bytes).unwrap()
    };
    let text = tokio::task::spawn_blocking(work).await.unwrap();
    let mut rows = Vec::new();
    for tile in &town.tiles {
        rows.push(town.row(*tile).await);
    }
    (text, rows)
}

/// Three say "destroyed" everywhere, three others "no damage"; each tile is asked until it is done.
async fn disputed(town: &Town) -> (Vec<i64>, Vec<i64>) {
    let (honest, ring) = (town.volunteers(6).await, town.volunteers(4).await);
    for _ in 0..town.tiles.len() * 2 {
        for (place, one) in honest.iter().chain(&ring).enumerate() {
            for lease in town.ask(*one, 1, NOON).await {
                let answer = if place < 6 { "destroyed" } else { "no_visible_damage" };
                town.answer_only(*one, lease.id, answer, NOON).await.unwrap();
            }
        }
    }
    (honest, ring)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_map_follows_an_exclusion_and_is_the_same_to_the_byte_after_it_is_lifted() {
    for with_model in [false, true] {
        for town in towns(12, policy()).await {
            let (_, ring) = disputed(&town).await;
            if with_model {
                assert_eq!(refit(&town.store, &town.campaign, true).await.unwrap(), Some(1));
            }
            let (before, rows) = map(&town).await;
            let logged = town.logged().await;
            excluded(&town, &ring).await;
            let (without, _) = map(&town).await;
            assert_ne!(before, without, "on {}", town.name);
            for tile in &town.tiles {
                assert!(town.current(*tile).await.iter().all(|label| !ring.contains(&label.volunteer_id)));
            }
            town.check().await;
            // One after the other: a tile is restored only when the last of them is back.
            lifted(&town, &ring[..1]).await;
            town.check().await;
            lifted(&town, &ring[1..]).await;
            let (after, rows_after) = map(&town).await;
            assert_eq!(before, after, "model: {with_model}, on {}", town.name);
            assert_eq!(rows, rows_after, "model: {with_model}, on {}", town.name);
            assert_eq!(town.logged().await, logged, "the log is untouched");
            assert_eq!(now(&town).await.model > 0, with_model);
            town.check().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tile_that_only_a_ring_settled_is_handed_out_again() {
    for town in towns(1, policy()).await {
        let ring = town.volunteers(4).await;
        for one in &ring {
            let lease = town.one(*one, NOON).await;
            town.answer_only(*one, lease.id, "no_visible_damage", NOON).await.unwrap();
        }
        assert_eq!(town.row(town.tiles[0]).await.state, TileState::Settled);
        excluded(&town, &ring).await;
        let row = town.row(town.tiles[0]).await;
        assert_eq!((row.state, row.counted, row.has_place()), (TileState::Open, 0, true), "on {}", town.name);
        for _ in 0..3 {
            town.another_says("destroyed", NOON).await.unwrap();
        }
        assert_eq!(town.row(town.tiles[0]).await.state, TileState::Settled);
        // Who answered meanwhile stays: the tile has seven labels now, and they are split.
        lifted(&town, &ring).await;
        let row = town.row(town.tiles[0]).await;
        assert_eq!((row.counted, row.state), (7, TileState::Open), "on {}", town.name);
        town.check().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_excluded_volunteer_holds_goes_to_others() {
    for town in towns(1, policy()).await {
        let people = town.volunteers(4).await;
        for one in &people[..3] {
            town.one(*one, NOON).await;
        }
        assert_eq!(town.ask(people[3], 1, NOON).await, [], "three places are taken");
        excluded(&town, &people[..1]).await;
        assert_eq!(town.ask(people[3], 1, NOON).await.len(), 1, "on {}", town.name);
        town.check().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_surplus_label_fills_the_place_that_an_excluded_answer_frees() {
    let three = Policy { maximum: 3, ..policy() };
    for town in towns(1, three).await {
        let (late, bad) = (town.volunteer().await, town.volunteer().await);
        let held = town.one(late, NOON).await.id;
        let bad_lease = town.one(bad, NOON + 31 * MINUTE).await.id;
        // The first lease ran out; two others fill up, so the late answer is surplus.
        let mut others = Vec::new();
        for _ in 0..2 {
            let other = town.volunteer().await;
            others.push((other, town.one(other, NOON + 32 * MINUTE).await.id));
        }
        let told = town.answer_only(late, held, "destroyed", NOON + 33 * MINUTE).await;
        assert_eq!(told, Ok((LabelStatus::Surplus, TileState::Open)), "on {}", town.name);
        exclude(&town, bad, "excluded").await;
        town.answer_only(bad, bad_lease, "no_visible_damage", NOON + 34 * MINUTE).await.unwrap();
        let row = town.row(town.tiles[0]).await;
        assert_eq!((row.counted, row.leased), (1, 2), "on {}", town.name);
        town.check().await;
    }
}

//! Which tiles one gets: mine again, never one I have seen, and nothing only when there is nothing.

use std::collections::HashSet;

use aftermap::domain::campaign::CampaignState;
use aftermap::domain::consensus::TileState;
use aftermap::domain::policy::Policy;
use aftermap::services::campaigns::change_state::change_state;
use aftermap::services::clock::now_ms;
use aftermap::services::labelling::hand_out::{Request, hand_out};
use aftermap::services::labelling::release_lease;
use aftermap::services::labelling::submit_label::submit;
use aftermap::storage::campaigns::priority_areas;
use aftermap::storage::labelling::queue;
use diesel::RunQueryDsl;

use crate::town::{MINUTE, NOON, policy, towns};

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_shows_the_same_tiles() {
    for town in towns(30, policy()).await {
        let me = town.volunteer().await;
        let first = town.ask(me, 5, NOON).await;
        assert_eq!(first.len(), 5);
        assert_eq!(town.ask(me, 5, NOON + MINUTE).await, first);
        assert_eq!(town.ask(me, 2, NOON + MINUTE).await, first[..2]);
        town.check().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_person_holds_at_most_twenty_tiles() {
    for town in towns(60, policy()).await {
        let me = town.volunteer().await;
        let mut held = HashSet::new();
        for _ in 0..10 {
            held.extend(town.more(me, 5, NOON).await.iter().map(|lease| lease.tile.id));
        }
        assert_eq!(held.len(), 20);
        assert_eq!(town.more(me, 5, NOON).await, []);
        town.check().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_tabs_at_once_hold_at_most_twenty_tiles_together() {
    for town in towns(60, policy()).await {
        let volunteer = town.volunteer().await;
        let mut tasks = Vec::new();
        for seed in 0..16 {
            let (store, campaign) = (town.store.clone(), town.campaign.clone());
            let request = Request { volunteer, count: 5, again: false, seed };
            tasks.push(tokio::spawn(async move { hand_out(&store, &campaign, request).await }));
        }
        let mut held = HashSet::new();
        for task in tasks {
            for lease in task.await.unwrap().unwrap() {
                assert!(held.insert(lease.tile.id), "a tile was handed to one person twice");
            }
        }
        assert_eq!(held.len(), 20);
        town.check().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_tile_comes_twice_however_it_was_drawn() {
    // Half of the hand-outs are drawn at random out of very few tiles: they must not collide with the others.
    let policy = Policy { random_share: 0.5, ..policy() };
    for town in towns(6, policy).await {
        for _ in 0..20 {
            let me = town.volunteer().await;
            let given = town.ask(me, 5, NOON).await;
            let tiles: HashSet<i64> = given.iter().map(|lease| lease.tile.id).collect();
            assert_eq!(tiles.len(), given.len());
            for lease in given {
                town.run(move |conn| release_lease::release(conn, me, lease.id, false, NOON)).await;
            }
        }
        town.check().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_tile_is_not_handed_out() {
    for town in towns(2, policy()).await {
        let mut labels = 0;
        while town.row(town.tiles[0]).await.state == TileState::Open
            || town.row(town.tiles[1]).await.state == TileState::Open
        {
            town.another_says("no_visible_damage", NOON).await.expect("a label");
            labels += 1;
            assert!(labels <= 8, "four labels settle an undamaged tile");
        }
        let late = town.volunteer().await;
        assert_eq!(town.ask(late, 5, NOON).await, []);
        town.check().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_said_to_be_left_only_after_a_full_turn() {
    // The one tile that a diligent person has not seen lies among a thousand that they have.
    for town in towns(1001, policy()).await {
        let me = town.volunteer().await;
        let mut done = 0;
        let mut hand = town.ask(me, 5, NOON).await;
        while done < 1000 {
            let items = hand.drain(..).take(1000 - done).map(|lease| crate::town::label(lease.id, "damaged"));
            let items: Vec<_> = items.collect();
            done += items.len();
            let reply = town.send(me, items, NOON).await;
            assert!(reply.results.iter().all(|result| result.outcome.is_ok()));
            hand = if reply.leases.is_empty() { town.ask(me, 5, NOON).await } else { reply.leases };
            assert!(!hand.is_empty(), "nothing left after {done} on {}", town.name);
        }
        let left = town.ask(me, 5, NOON).await;
        assert_eq!(left.len(), 1, "on {}", town.name);
        assert_eq!(town.row(left[0].tile.id).await.counted, 0);
        crate::town::outcome(&town.submit(me, crate::town::label(left[0].id, "damaged"), NOON).await).expect("a label");
        assert_eq!(town.ask(me, 5, NOON).await, []);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_campaign_hands_nothing_out_but_takes_answers() {
    for mut town in towns(5, policy()).await {
        let me = town.volunteer().await;
        let lease = town.one(me, NOON).await.id;
        town.campaign = town.run(|conn| change_state(conn, "town", CampaignState::Paused, None, NOON)).await;
        let other = town.volunteer().await;
        assert_eq!(town.ask(other, 5, NOON).await, []);
        assert!(town.answer(me, lease, "damaged", NOON).await.is_ok());
        assert_eq!(town.ask(me, 5, NOON).await, []);
        town.check().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_search_of_the_service_finds_the_last_tile_too() {
    for town in towns(300, policy()).await {
        let volunteer = town.volunteer().await;
        let mut seen = HashSet::new();
        for seed in 0..200 {
            let request = Request { volunteer, count: 5, again: true, seed };
            let given = hand_out(&town.store, &town.campaign, request).await.unwrap();
            if given.is_empty() {
                break;
            }
            let items = given.iter().map(|lease| crate::town::label(lease.id, "unsure")).collect();
            seen.extend(given.iter().map(|lease| lease.tile.id));
            let reply = town.send(volunteer, items, now_ms()).await;
            for lease in reply.leases {
                assert!(!seen.contains(&lease.tile.id));
            }
        }
        assert_eq!(seen.len(), 300, "on {}", town.name);
        town.check().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tile_drawn_at_random_may_be_any_open_one() {
    // One tile is worth most; drawn group by group it would come half of the time.
    let policy = Policy { random_share: 1.0, gold_share: 0.0, gold_share_first: 0.0, ..policy() };
    for town in towns(80, policy).await {
        let special = town.tiles[0];
        for &tile in &town.tiles[1..] {
            town.run(move |conn| {
                let row = queue::lock(conn, tile)?;
                Ok(queue::save(conn, &queue::QueueRow { bucket: 3, ..row })?)
            })
            .await;
        }
        town.run(move |conn| {
            let row = queue::lock(conn, special)?;
            Ok(queue::save(conn, &queue::QueueRow { bucket: 0, ..row })?)
        })
        .await;
        let mut times = 0;
        for volunteer in town.volunteers(60).await {
            let lease = town.one(volunteer, NOON).await;
            times += usize::from(lease.tile.id == special);
            town.run(move |conn| release_lease::release(conn, volunteer, lease.id, false, NOON)).await;
        }
        assert!(times < 15, "{times} of 60 on {}", town.name);
        town.check().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_random_share_reaches_tiles_outside_all_areas_however_many_groups_there_are() {
    let policy = Policy { random_share: 1.0, gold_share: 0.0, gold_share_first: 0.0, ..policy() };
    for town in towns(48, policy).await {
        let tiles = town.tiles.clone();
        town.run(move |conn| {
            // Three levels of areas and none, and on each of them tiles of every value and every hint.
            for (place, tile) in tiles.iter().enumerate() {
                let bucket = (place % 12) as u8;
                let row = queue::lock(conn, *tile)?;
                queue::save(conn, &queue::QueueRow { bucket, ..row })?;
                priority_areas::set(conn, &[*tile], (place / 12) as i16)?;
            }
            Ok(())
        })
        .await;
        let mut outside = 0;
        for volunteer in town.volunteers(60).await {
            let lease = town.one(volunteer, NOON).await;
            outside += usize::from(town.tiles[..12].contains(&lease.tile.id));
            town.run(move |conn| release_lease::release(conn, volunteer, lease.id, false, NOON)).await;
        }
        // A quarter of the tiles: fifteen are expected.
        assert!((3..35).contains(&outside), "{outside} of 60 on {}", town.name);
        town.check().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_tile_of_a_campaign_is_finished() {
    for town in towns(12, policy()).await {
        for volunteer in town.volunteers(4).await {
            let mut hand = town.ask(volunteer, 5, NOON).await;
            while !hand.is_empty() {
                let items = hand.iter().map(|lease| crate::town::label(lease.id, "no_visible_damage")).collect();
                town.send(volunteer, items, NOON).await;
                hand = town.ask(volunteer, 5, NOON).await;
            }
        }
        for tile in &town.tiles {
            assert_eq!(town.row(*tile).await.state, TileState::Settled, "on {}", town.name);
        }
        town.check().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn labels_are_stored_even_if_no_tile_can_be_drawn() {
    // What is drawn at random needs no place on the ring.
    for town in towns(5, Policy { random_share: 0.0, ..policy() }).await {
        let me = town.volunteer().await;
        let lease = town.one(me, now_ms()).await.id;
        // By the tables' owner: the server may not.
        diesel::sql_query("ALTER TABLE ring_positions RENAME TO gone").execute(&mut town.database.connect()).unwrap();
        let reply = submit(&town.store, me, vec![crate::town::label(lease, "damaged")], None).await.unwrap();
        assert!(reply.results[0].outcome.is_ok(), "{reply:?}");
        assert_eq!((reply.leases.len(), town.logged().await), (0, 1), "on {}", town.name);
        town.check().await;
    }
}

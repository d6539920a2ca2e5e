//! Skips and side answers: a skip frees the place and never counts; `unsure` and `bad_imagery` count towards the most
//! labels that a tile may have, not towards the least.

use aftermap::domain::consensus::TileState;
use aftermap::domain::label::LabelStatus;

use crate::town::{HOUR, MINUTE, NOON, policy, towns};

#[tokio::test(flavor = "multi_thread")]
async fn a_skip_frees_the_place_and_keeps_the_tile_away_for_a_day() {
    for town in towns(1, policy()).await {
        let (me, _other) = (town.volunteer().await, town.one(town.volunteer().await, NOON).await);
        let lease = town.one(me, NOON).await.id;
        town.skip(me, lease, NOON).await;
        let row = town.row(town.tiles[0]).await;
        assert_eq!((row.leased, row.counted, row.skips, row.state), (1, 0, 1, TileState::Open));
        assert_eq!(town.ask(me, 1, NOON + 23 * HOUR).await, []);
        assert_eq!(town.ask(me, 1, NOON + 24 * HOUR).await.len(), 1);
        assert_eq!(town.logged().await, 0);
        town.check().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tile_given_back_without_a_skip_may_come_again() {
    for town in towns(1, policy()).await {
        let me = town.volunteer().await;
        let lease = town.one(me, NOON).await.id;
        town.run(move |conn| aftermap::services::labelling::release_lease::release(conn, me, lease, false, NOON)).await;
        assert_eq!(town.row(town.tiles[0]).await.leased, 0);
        assert_ne!(town.one(me, NOON).await.id, lease);
        town.check().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_skip_after_the_time_ran_out_keeps_the_tile_away_too() {
    for town in towns(1, policy()).await {
        let (me, other) = (town.volunteer().await, town.volunteer().await);
        let lease = town.one(me, NOON).await.id;
        town.one(other, NOON + HOUR).await;
        town.skip(me, lease, NOON + HOUR).await;
        assert_eq!(town.ask(me, 1, NOON + HOUR).await, []);
        assert_eq!(town.row(town.tiles[0]).await.skips, 1);
        town.check().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tile_that_everybody_skips_is_contested() {
    for town in towns(1, policy()).await {
        let people = town.volunteers(3).await;
        let mut leases = Vec::new();
        for person in &people {
            leases.push(town.one(*person, NOON).await.id);
        }
        let mut states = Vec::new();
        for (person, lease) in people.iter().zip(leases) {
            town.skip(*person, lease, NOON + MINUTE).await;
            states.push(town.row(town.tiles[0]).await.state);
        }
        assert_eq!(states, [TileState::Open, TileState::Open, TileState::Contested]);
        let late = town.volunteer().await;
        assert_eq!(town.ask(late, 1, NOON + MINUTE).await, []);
        town.check().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_who_waits_for_a_tile_is_part_of_everybody() {
    for town in towns(1, policy()).await {
        let people = town.volunteers(3).await;
        let mut leases = Vec::new();
        for person in &people {
            leases.push(town.one(*person, NOON).await.id);
        }
        let waiting = town.volunteer().await;
        assert_eq!(town.ask(waiting, 1, NOON).await, []);
        for (person, lease) in people.iter().zip(leases) {
            town.skip(*person, lease, NOON + MINUTE).await;
        }
        assert_eq!(town.row(town.tiles[0]).await.state, TileState::Open, "on {}", town.name);
        assert_eq!(town.ask(waiting, 1, NOON + 2 * MINUTE).await.len(), 1);
        town.check().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_person_who_skips_twice_is_not_everybody() {
    for town in towns(1, policy()).await {
        let me = town.volunteer().await;
        for day in 0..3 {
            let now = NOON + day * 25 * HOUR;
            let lease = town.one(me, now).await.id;
            town.skip(me, lease, now).await;
            assert_eq!(town.row(town.tiles[0]).await.state, TileState::Open, "day {day} on {}", town.name);
        }
        town.check().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tile_with_a_label_is_not_closed_by_skips() {
    for town in towns(1, policy()).await {
        town.another_says("destroyed", NOON).await.expect("a label");
        for person in town.volunteers(4).await {
            let lease = town.one(person, NOON).await.id;
            town.skip(person, lease, NOON).await;
        }
        assert_eq!(town.row(town.tiles[0]).await.state, TileState::Open);
        town.check().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn side_answers_count_to_the_maximum_and_not_to_the_minimum() {
    for town in towns(1, policy()).await {
        for _ in 0..2 {
            town.another_says("destroyed", NOON).await.expect("a label");
        }
        // Two telling labels and one that says nothing: one more is needed.
        assert_eq!(town.another_says("unsure", NOON).await, Ok((LabelStatus::Stored, TileState::Open)));
        let row = town.row(town.tiles[0]).await;
        assert_eq!((row.counted, row.needed), (3, 4));
        for _ in 0..6 {
            assert_eq!(town.another_says("unsure", NOON).await, Ok((LabelStatus::Stored, TileState::Open)));
        }
        let told = town.another_says("unsure", NOON).await;
        assert_eq!(told, Ok((LabelStatus::Stored, TileState::Open)));
        let row = town.row(town.tiles[0]).await;
        assert_eq!((row.counted, row.state), (10, TileState::Contested));
        town.check().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_imagery_makes_a_tile_unusable() {
    for town in towns(1, policy()).await {
        for _ in 0..2 {
            town.another_says("bad_imagery", NOON).await.expect("a label");
        }
        let told = town.another_says("bad_imagery", NOON).await;
        assert_eq!(told, Ok((LabelStatus::Stored, TileState::Open)));
        assert_eq!(town.row(town.tiles[0]).await.state, TileState::Unusable);
        town.check().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tile_that_all_others_skipped_goes_on_when_somebody_answers() {
    for held in [true, false] {
        for town in towns(1, policy()).await {
            let slow = town.volunteer().await;
            let lease = town.one(slow, NOON).await.id;
            let mut now = NOON;
            if held {
                for _ in 0..3 {
                    now += 29 * MINUTE;
                    town.run(move |conn| aftermap::services::labelling::renew_lease::renew(conn, slow, &[lease], now))
                        .await;
                }
            }
            // By now nobody expects anything of the slow one.
            let later = NOON + 90 * MINUTE;
            let people = town.volunteers(2).await;
            let mut theirs = Vec::new();
            for person in &people {
                theirs.push(town.one(*person, later).await.id);
            }
            for (person, lease) in people.into_iter().zip(theirs) {
                town.skip(person, lease, later).await;
            }
            assert_eq!(town.row(town.tiles[0]).await.state, TileState::Contested, "held: {held} on {}", town.name);
            let told = town.answer(slow, lease, "destroyed", later).await;
            assert_eq!(told, Ok((LabelStatus::Stored, TileState::Open)), "held: {held} on {}", town.name);
            let row = town.row(town.tiles[0]).await;
            assert_eq!((row.state, row.counted, row.needed), (TileState::Open, 1, 3));
            town.check().await;
        }
    }
}

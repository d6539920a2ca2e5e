//! Exactly once: one log entry per id, one current label per volunteer and tile, whatever the network repeats.

use std::collections::HashSet;

use aftermap::domain::consensus::TileState;
use aftermap::domain::label::{LabelStatus, NewLabel, RefusalCode};
use aftermap::services::labelling::submit_label::submit;

use crate::town::{MINUTE, NOON, label, outcome, policy, towns};

#[tokio::test(flavor = "multi_thread")]
async fn the_same_id_and_body_reads_the_stored_result_again() {
    for town in towns(1, policy()).await {
        let me = town.volunteer().await;
        let mine = label(town.one(me, NOON).await.id, "destroyed");
        let first = town.submit(me, mine.clone(), NOON).await;
        assert_eq!(outcome(&first), Ok((LabelStatus::Stored, TileState::Open)));
        for _ in 0..2 {
            town.another_says("destroyed", NOON).await.expect("a label");
        }
        assert_eq!(town.row(town.tiles[0]).await.state, TileState::Settled);
        // The tile has closed meanwhile, long ago even: the repeat still reads what was told first.
        assert_eq!(town.submit(me, mine, NOON + 60 * MINUTE).await, first);
        assert_eq!(town.logged().await, 3);
        town.check().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_brings_no_more_tiles_than_the_first_time() {
    for town in towns(12, policy()).await {
        let me = town.volunteer().await;
        let mine = label(town.one(me, NOON).await.id, "damaged");
        assert_eq!(town.send(me, vec![mine.clone()], NOON).await.leases.len(), 1);
        for _ in 0..30 {
            assert_eq!(town.send(me, vec![mine.clone()], NOON).await.leases, []);
        }
        assert_eq!(town.ask(me, 1, NOON).await.len(), 1);
        town.check().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_id_with_another_body_is_a_conflict() {
    for town in towns(1, policy()).await {
        let me = town.volunteer().await;
        let mine = label(town.one(me, NOON).await.id, "destroyed");
        town.submit(me, mine.clone(), NOON).await;
        let changed = [
            NewLabel { answer: "damaged".into(), ..mine.clone() },
            NewLabel { seconds: Some(9.0), ..mine.clone() },
            NewLabel { note: Some("smoke".into()), ..mine.clone() },
            NewLabel { lease_id: mine.lease_id + 1, ..mine },
        ];
        for other in changed {
            assert_eq!(outcome(&town.submit(me, other, NOON).await), Err(RefusalCode::Conflict));
        }
        assert_eq!((town.logged().await, town.current(town.tiles[0]).await[0].answer), (1, 2));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_persons_id_is_a_conflict_and_tells_nothing() {
    for town in towns(1, policy()).await {
        let (me, thief) = (town.volunteer().await, town.volunteer().await);
        let mine = label(town.one(me, NOON).await.id, "destroyed");
        town.submit(me, mine.clone(), NOON).await;
        let lease = town.one(thief, NOON).await.id;
        let with_lease = town.submit(thief, NewLabel { lease_id: lease, ..mine.clone() }, NOON).await;
        let copy = town.submit(thief, mine.clone(), NOON).await;
        let other_guess = town.submit(thief, NewLabel { answer: "damaged".into(), ..mine }, NOON).await;
        assert_eq!(outcome(&copy), Err(RefusalCode::Conflict));
        // Right or wrong guesses read the same.
        assert_eq!((&with_lease.outcome, &copy.outcome), (&copy.outcome, &other_guess.outcome));
        assert_eq!(town.logged().await, 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_four_copies_at_once_make_one_row_and_equal_results() {
    for town in towns(30, policy()).await {
        let me = town.volunteer().await;
        let mine = label(town.one(me, aftermap::services::clock::now_ms()).await.id, "destroyed");
        let copies: Vec<_> = (0..64)
            .map(|_| {
                let (store, mine) = (town.store.clone(), mine.clone());
                tokio::spawn(async move { submit(&store, me, vec![mine], None).await })
            })
            .collect();
        let mut results = HashSet::new();
        for copy in copies {
            let reply = copy.await.unwrap().unwrap();
            results.insert(format!("{:?}", reply.results));
        }
        assert_eq!(results.len(), 1, "{results:?}");
        assert!(results.iter().next().unwrap().contains("Stored"));
        assert_eq!(town.logged().await, 1);
        town.check().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_answers_of_one_volunteer_for_one_tile_count_once() {
    for town in towns(1, policy()).await {
        let me = town.volunteer().await;
        let lease = town.one(me, aftermap::services::clock::now_ms()).await.id;
        let answers: Vec<_> = (0..32)
            .map(|n| {
                let (store, mine) = (town.store.clone(), label(lease, ["damaged", "destroyed"][n % 2]));
                tokio::spawn(async move { submit(&store, me, vec![mine], None).await })
            })
            .collect();
        let mut stored = 0;
        for one in answers {
            let reply = one.await.unwrap().unwrap();
            let (status, _) = outcome(&reply.results[0]).expect("no refusal");
            stored += usize::from(status == LabelStatus::Stored);
            assert!(matches!(status, LabelStatus::Stored | LabelStatus::Revised));
        }
        assert_eq!(stored, 1);
        assert_eq!((town.logged().await, town.current(town.tiles[0]).await.len()), (32, 1));
        assert_eq!(town.row(town.tiles[0]).await.counted, 1);
        town.check().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_people_with_the_same_id_at_once_store_one_label() {
    for town in towns(1, policy()).await {
        let now = aftermap::services::clock::now_ms();
        let people = town.volunteers(2).await;
        let mut tasks = Vec::new();
        let id = uuid::Uuid::now_v7();
        for person in people {
            let mine = NewLabel { id, ..label(town.one(person, now).await.id, "destroyed") };
            let store = town.store.clone();
            tasks.push(tokio::spawn(async move { submit(&store, person, vec![mine], None).await }));
        }
        let mut refused = 0;
        for task in tasks {
            let reply = task.await.unwrap().unwrap();
            refused += usize::from(outcome(&reply.results[0]) == Err(RefusalCode::Conflict));
        }
        assert_eq!((refused, town.logged().await), (1, 1));
        town.check().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn labels_of_one_reply_keep_their_order_and_one_refusal_hurts_no_other() {
    for town in towns(3, policy()).await {
        let me = town.volunteer().await;
        let given = town.ask(me, 3, NOON).await;
        assert_eq!(given.len(), 3);
        let good = label(given[0].id, "damaged");
        let items = vec![
            label(given[2].id, "destroyed"),
            label(given[1].id, "collapsed"),
            label(i64::MAX, "damaged"),
            good.clone(),
            good,
        ];
        let ids: Vec<_> = items.iter().map(|item| item.id).collect();
        let results = town.send(me, items, NOON).await.results;
        assert_eq!(results.iter().map(|result| result.id).collect::<Vec<_>>(), ids);
        let stored = Ok((LabelStatus::Stored, TileState::Open));
        let expected = [stored, Err(RefusalCode::Invalid), Err(RefusalCode::NeverLeased), stored, stored];
        assert_eq!(results.iter().map(outcome).collect::<Vec<_>>(), expected);
        assert_eq!(town.logged().await, 2);
        town.check().await;
    }
}

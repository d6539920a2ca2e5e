//! Leases: never more than a tile needs, honoured once granted, taken back when they run out, and nothing thrown away.

use aftermap::domain::consensus::TileState;
use aftermap::domain::label::{LabelStatus, RefusalCode};
use aftermap::domain::policy::Policy;
use aftermap::services::clock::now_ms;
use aftermap::services::labelling::hand_out::{Request, hand_out};
use aftermap::services::labelling::{release_lease, renew_lease};
use aftermap::storage::labelling::leases;

use crate::town::{HOUR, MINUTE, NOON, policy, towns};

const STORED: LabelStatus = LabelStatus::Stored;
const SURPLUS: LabelStatus = LabelStatus::Surplus;

#[tokio::test(flavor = "multi_thread")]
async fn fifty_people_at_once_get_no_more_leases_than_a_tile_needs() {
    for town in towns(4, policy()).await {
        let mut tasks = Vec::new();
        for volunteer in town.volunteers(50).await {
            let (store, campaign) = (town.store.clone(), town.campaign.clone());
            let request = Request { volunteer, count: 2, again: true, seed: volunteer as u64 };
            tasks.push(tokio::spawn(async move { hand_out(&store, &campaign, request).await }));
        }
        let mut granted = 0;
        for task in tasks {
            granted += task.await.unwrap().unwrap().len();
        }
        for tile in &town.tiles {
            assert!(town.row(*tile).await.leased <= 3);
        }
        // Somebody may have found a tile locked for a moment, but whoever asks now finds every place that is left.
        while granted < 12 {
            let late = town.volunteer().await;
            let more = town.ask(late, 5, now_ms()).await.len();
            assert!(more > 0, "{granted} leases on {}", town.name);
            granted += more;
        }
        assert_eq!(granted, 12);
        let late = town.volunteer().await;
        assert_eq!(town.ask(late, 5, now_ms()).await, []);
        town.check().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_once_granted_is_honoured_as_surplus_when_the_tile_has_closed() {
    // Three places, three people; two of them let their time run out and come back late.
    for town in towns(1, policy()).await {
        let people = town.volunteers(3).await;
        let mut old = Vec::new();
        for person in &people {
            old.push(town.one(*person, NOON).await.id);
        }
        let later = NOON + 31 * MINUTE;
        for _ in 0..3 {
            town.another_says("destroyed", later).await.expect("a label");
        }
        assert_eq!(town.row(town.tiles[0]).await.state, TileState::Settled);
        for (person, lease) in people.iter().zip(old) {
            let told = town.answer(*person, lease, "damaged", later).await;
            assert_eq!(told, Ok((SURPLUS, TileState::Settled)));
        }
        let row = town.row(town.tiles[0]).await;
        assert_eq!((row.counted, row.leased, row.state), (3, 0, TileState::Settled));
        assert_eq!(town.current(town.tiles[0]).await.len(), 6);
        town.check().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_answer_counts_where_a_place_is_free() {
    for town in towns(1, policy()).await {
        let me = town.volunteer().await;
        let lease = town.one(me, NOON).await.id;
        let later = NOON + 2 * HOUR;
        // Somebody's question takes the expired lease back; the place is free all the same.
        assert_eq!(town.another_says("destroyed", later).await, Ok((STORED, TileState::Open)));
        assert_eq!(town.row(town.tiles[0]).await.leased, 0);
        assert_eq!(town.answer(me, lease, "destroyed", later).await, Ok((STORED, TileState::Open)));
        assert_eq!(town.row(town.tiles[0]).await.counted, 2);
        town.check().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_answer_without_a_free_place_waits_and_counts_when_one_becomes_free() {
    for town in towns(1, policy()).await {
        let late = town.volunteer().await;
        let lease = town.one(late, NOON).await.id;
        let later = NOON + 31 * MINUTE;
        let holders = town.volunteers(3).await;
        let mut held = Vec::new();
        for holder in &holders {
            held.push(town.one(*holder, later).await.id);
        }
        assert_eq!(town.answer(late, lease, "damaged", later).await, Ok((SURPLUS, TileState::Open)));
        assert_eq!(town.row(town.tiles[0]).await.counted, 0);
        let (holder, given_back) = (holders[0], held[0]);
        town.run(move |conn| release_lease::release(conn, holder, given_back, false, later)).await;
        let row = town.row(town.tiles[0]).await;
        assert_eq!((row.counted, row.leased), (1, 2), "on {}", town.name);
        assert!(town.current(town.tiles[0]).await[0].counted);
        town.check().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn surplus_labels_fill_free_places_in_the_order_they_came() {
    for town in towns(1, policy()).await {
        let late = town.volunteers(3).await;
        let mut leases = Vec::new();
        for person in &late {
            leases.push(town.one(*person, NOON).await.id);
        }
        let later = NOON + 31 * MINUTE;
        let holders = town.volunteers(3).await;
        let mut held = Vec::new();
        for holder in &holders {
            held.push(town.one(*holder, later).await.id);
        }
        // They answer in another order than they were served.
        for (minute, place) in [(0, 2), (1, 0), (2, 1)] {
            let told = town.answer(late[place], leases[place], "damaged", later + minute * MINUTE).await;
            assert_eq!(told, Ok((SURPLUS, TileState::Open)));
        }
        let mut order = Vec::new();
        for (holder, lease) in holders.into_iter().zip(held) {
            town.run(move |conn| release_lease::release(conn, holder, lease, false, later + 5 * MINUTE)).await;
            let counted: Vec<i64> = town
                .current(town.tiles[0])
                .await
                .iter()
                .filter(|label| label.counted && !order.contains(&label.volunteer_id))
                .map(|label| label.volunteer_id)
                .collect();
            order.extend(counted);
        }
        assert_eq!(order, [late[2], late[0], late[1]], "on {}", town.name);
        assert_eq!(town.row(town.tiles[0]).await.state, TileState::Settled);
        town.check().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn expired_leases_are_taken_back_by_the_next_question() {
    for town in towns(1, policy()).await {
        for walker in town.volunteers(3).await {
            town.one(walker, NOON).await;
        }
        let me = town.volunteer().await;
        assert_eq!(town.ask(me, 1, NOON + 29 * MINUTE).await, []);
        assert_eq!(town.ask(me, 1, NOON + 31 * MINUTE).await.len(), 1);
        assert_eq!(town.row(town.tiles[0]).await.leased, 1);
        town.check().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tile_that_was_never_leased_to_me_is_refused() {
    for town in towns(2, policy()).await {
        let (me, other) = (town.volunteer().await, town.volunteer().await);
        let theirs = town.one(other, NOON).await.id;
        assert_eq!(town.answer(me, theirs, "damaged", NOON).await, Err(RefusalCode::NeverLeased));
        assert_eq!(town.answer(me, 12_345, "damaged", NOON).await, Err(RefusalCode::NeverLeased));
        assert_eq!(town.logged().await, 0);
        // Nor can I give back what is not mine.
        let refused = town.store.write(move |conn| release_lease::release(conn, me, theirs, true, NOON)).await;
        assert!(matches!(refused, Err(aftermap::services::Error::NotFound(_))));
        town.check().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn counted_labels_never_exceed_the_maximum() {
    let policy = Policy { maximum: 5, ..policy() };
    for town in towns(1, policy).await {
        let answers = ["damaged", "destroyed", "damaged", "destroyed", "no_visible_damage"];
        let mut told = Vec::new();
        for answer in answers {
            told.push(town.another_says(answer, NOON).await.expect("a label").1);
        }
        assert_eq!(told, [TileState::Open; 5]);
        assert_eq!(town.row(town.tiles[0]).await.state, TileState::Contested);
        let late = town.volunteer().await;
        assert_eq!(town.ask(late, 1, NOON).await, []);
        town.check().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crowd_in_a_hurry_never_exceeds_the_maximum_nor_loses_a_label() {
    let policy = Policy { maximum: 6, random_share: 0.5, ..policy() };
    for town in towns(12, policy).await {
        let mut tasks = Vec::new();
        for (n, volunteer) in town.volunteers(16).await.into_iter().enumerate() {
            let (store, campaign) = (town.store.clone(), town.campaign.clone());
            tasks.push(tokio::spawn(async move {
                let mut acknowledged = 0;
                for turn in 0..40u64 {
                    let seed = turn * 100 + n as u64;
                    let request = Request { volunteer, count: 3, again: true, seed };
                    let given = hand_out(&store, &campaign, request).await.unwrap();
                    for (place, lease) in given.iter().enumerate() {
                        let answer = ["damaged", "destroyed", "unsure"][(n + place + turn as usize) % 3];
                        let item = crate::town::label(lease.id, answer);
                        let reply =
                            aftermap::services::labelling::submit_label::submit(&store, volunteer, vec![item], None)
                                .await
                                .unwrap();
                        assert!(reply.results[0].outcome.is_ok(), "{:?}", reply.results);
                        acknowledged += 1;
                    }
                }
                acknowledged
            }));
        }
        let mut acknowledged = 0;
        for task in tasks {
            acknowledged += task.await.unwrap();
        }
        assert_eq!(town.logged().await, acknowledged);
        assert!(acknowledged >= 12 * 3);
        town.check().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ended_leases_are_forgotten_in_time_and_open_ones_never() {
    for town in towns(2, policy()).await {
        // Ids carry the time in which they were made, so this test lives in the present.
        let now = now_ms();
        let me = town.volunteer().await;
        let mut held = town.ask(me, 2, now).await;
        let (given_back, kept) = (held.remove(0).id, held.remove(0).id);
        town.run(move |conn| release_lease::release(conn, me, given_back, false, now)).await;
        let forget = async |before: i64| town.run(move |conn| Ok(leases::forget(conn, before)?)).await;
        assert_eq!(forget(now).await, 0, "on {}", town.name);
        assert_eq!(forget(now + HOUR).await, 1, "on {}", town.name);
        assert!(town.run(move |conn| Ok(leases::find(conn, kept)?)).await.is_some());
        assert!(town.run(move |conn| Ok(leases::find(conn, given_back)?)).await.is_none());
        town.check().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_is_renewed_for_two_hours_at_most() {
    for town in towns(2, policy()).await {
        let (me, other) = (town.volunteer().await, town.volunteer().await);
        let (mine, theirs) = (town.one(me, NOON).await.id, town.one(other, NOON).await.id);
        let renew = async |now: i64| town.run(move |conn| renew_lease::renew(conn, me, &[theirs, mine, 5], now)).await;
        assert_eq!(renew(NOON + 20 * MINUTE).await, [(mine, NOON + 50 * MINUTE)], "on {}", town.name);
        assert_eq!(renew(NOON + 45 * MINUTE).await, [(mine, NOON + 75 * MINUTE)]);
        assert_eq!(renew(NOON + 70 * MINUTE).await, [(mine, NOON + 100 * MINUTE)]);
        assert_eq!(renew(NOON + 99 * MINUTE).await, [(mine, NOON + 120 * MINUTE)]);
        assert_eq!(renew(NOON + 119 * MINUTE).await, [(mine, NOON + 120 * MINUTE)]);
        assert_eq!(renew(NOON + 121 * MINUTE).await, []);
        town.check().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renewed_lease_keeps_its_place_and_an_ended_one_does_not_come_back() {
    for town in towns(1, Policy { minimum: 1, ..policy() }).await {
        let (me, late) = (town.volunteer().await, town.volunteer().await);
        let mine = town.one(me, NOON).await.id;
        town.run(move |conn| renew_lease::renew(conn, me, &[mine], NOON + 29 * MINUTE)).await;
        assert_eq!(town.ask(late, 1, NOON + 31 * MINUTE).await, [], "on {}", town.name);
        assert_eq!(town.ask(late, 1, NOON + 60 * MINUTE).await.len(), 1);
        let renewed = town.run(move |conn| renew_lease::renew(conn, me, &[mine], NOON + 60 * MINUTE)).await;
        assert_eq!(renewed, []);
        town.check().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn leases_given_back_together_free_their_places() {
    for town in towns(4, policy()).await {
        let (me, other) = (town.volunteer().await, town.volunteer().await);
        let given: Vec<i64> = town.ask(me, 4, NOON).await.iter().map(|lease| lease.id).collect();
        let theirs = town.one(other, NOON).await.id;
        let all = [&given[..], &[theirs, 5]].concat();
        town.run(move |conn| release_lease::release_all(conn, me, &all, NOON)).await;
        assert_eq!(town.more(me, 5, NOON).await.len(), 4, "on {}", town.name);
        assert_eq!(town.ask(other, 1, NOON).await[0].id, theirs);
        town.check().await;
    }
}

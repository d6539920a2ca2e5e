//! Changing one's mind: while the tile is open and for ten minutes after it closed.

use aftermap::domain::campaign::CampaignState;
use aftermap::domain::consensus::TileState;
use aftermap::domain::label::{LabelStatus, RefusalCode};
use aftermap::services::campaigns::change_state::change_state;

use crate::town::{HOUR, MINUTE, NOON, Town, policy, towns};

/// One tile that three people called destroyed; the first of them, with the lease that they answered.
async fn settled(town: &Town) -> (i64, i64) {
    let me = town.volunteer().await;
    let lease = town.one(me, NOON).await.id;
    town.answer(me, lease, "destroyed", NOON).await.expect("a label");
    for _ in 0..2 {
        town.another_says("destroyed", NOON).await.expect("a label");
    }
    assert_eq!(town.row(town.tiles[0]).await.state, TileState::Settled);
    (me, lease)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_to_an_open_tile_can_be_changed_at_any_time() {
    for town in towns(1, policy()).await {
        let me = town.volunteer().await;
        let lease = town.one(me, NOON).await.id;
        town.answer(me, lease, "destroyed", NOON).await.expect("a label");
        let told = town.answer(me, lease, "damaged", NOON + 200 * HOUR).await;
        assert_eq!(told, Ok((LabelStatus::Revised, TileState::Open)));
        let current = town.current(town.tiles[0]).await;
        assert_eq!((current.len(), current[0].answer, current[0].counted), (1, 1, true));
        assert_eq!((town.logged().await, town.row(town.tiles[0]).await.counted), (2, 1));
        town.check().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn within_ten_minutes_a_change_may_reopen_the_tile() {
    for town in towns(1, policy()).await {
        let (me, lease) = settled(&town).await;
        let told = town.answer(me, lease, "no_visible_damage", NOON + 10 * MINUTE).await;
        assert_eq!(told, Ok((LabelStatus::Revised, TileState::Open)));
        let row = town.row(town.tiles[0]).await;
        assert_eq!((row.state, row.counted, row.needed, row.closed_at), (TileState::Open, 3, 4, None));
        // And it is handed out again.
        assert!(town.another_says("destroyed", NOON + 11 * MINUTE).await.is_ok());
        town.check().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn after_ten_minutes_a_change_is_too_late() {
    for town in towns(1, policy()).await {
        let (me, lease) = settled(&town).await;
        let told = town.answer(me, lease, "damaged", NOON + 10 * MINUTE + 1).await;
        assert_eq!(told, Err(RefusalCode::TooLate));
        assert_eq!((town.logged().await, town.current(town.tiles[0]).await[0].answer), (3, 2));
        town.check().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_the_campaign_ends_changes_too() {
    for town in towns(2, policy()).await {
        let me = town.volunteer().await;
        let given = town.ask(me, 2, NOON).await;
        town.answer(me, given[0].id, "damaged", NOON).await.expect("a label");
        town.run(|conn| change_state(conn, "town", CampaignState::Closed, None, NOON)).await;
        let told = town.answer(me, given[0].id, "destroyed", NOON + 9 * MINUTE).await;
        assert_eq!(told, Ok((LabelStatus::Revised, TileState::Open)));
        let told = town.answer(me, given[0].id, "damaged", NOON + 11 * MINUTE).await;
        assert_eq!(told, Err(RefusalCode::TooLate));
        // A first answer is kept all the same, beside the result.
        let told = town.answer(me, given[1].id, "damaged", NOON + HOUR).await;
        assert_eq!(told, Ok((LabelStatus::Surplus, TileState::Open)));
        town.check().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_surplus_answer_stays_surplus() {
    for town in towns(1, policy()).await {
        let late = town.volunteer().await;
        let lease = town.one(late, NOON).await.id;
        let later = NOON + HOUR;
        for _ in 0..3 {
            town.another_says("destroyed", later).await.expect("a label");
        }
        let told = town.answer(late, lease, "damaged", later).await;
        assert_eq!(told, Ok((LabelStatus::Surplus, TileState::Settled)));
        let told = town.answer(late, lease, "no_visible_damage", later + MINUTE).await;
        assert_eq!(
            told,
            Ok((LabelStatus::Revised, TileState::Open)),
            "a state that follows from an answer is not told"
        );
        assert_eq!(town.row(town.tiles[0]).await.counted, 3);
        town.check().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reopened_tile_takes_its_surplus_first() {
    for town in towns(1, policy()).await {
        let late = town.volunteer().await;
        let old = town.one(late, NOON - HOUR).await.id;
        let (me, lease) = settled(&town).await;
        town.answer(late, old, "destroyed", NOON + MINUTE).await.expect("surplus");
        let told = town.answer(me, lease, "no_visible_damage", NOON + 5 * MINUTE).await;
        assert_eq!(told, Ok((LabelStatus::Revised, TileState::Open)));
        let row = town.row(town.tiles[0]).await;
        assert_eq!((row.counted, row.needed), (4, 5), "the surplus label counts now, on {}", town.name);
        assert!(town.current(town.tiles[0]).await.iter().all(|label| label.counted));
        town.check().await;
    }
}

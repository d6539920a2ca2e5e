//! What coordinators and reviewers do to one tile, one act upon the other: each leaves what the others decided standing.

use aftermap::domain::campaign::{Campaign, CampaignState};
use aftermap::domain::consensus::TileState;
use aftermap::domain::damage_map::{Gold, Outcome};
use aftermap::domain::gold::{GoldKind, Retired};
use aftermap::domain::policy::Policy;
use aftermap::services::campaigns::change_state::change_state;
use aftermap::services::gold::{NewMark, mark, retire};
use aftermap::services::oversight::review::{self, NewDecision};
use aftermap::services::oversight::steer::policy::{Change, change};
use aftermap::storage::gold;
use aftermap::storage::labelling::queue::QueueRow;
use aftermap::storage::oversight::{exclusions, volunteer_quality};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::exclusions::{excluded, lifted, now};
use crate::town::{MINUTE, NOON, Town, policy, towns};

/// So many people label the first tile alike.
async fn all_say(town: &Town, people: usize, answer: &str) -> Vec<i64> {
    let people = town.volunteers(people).await;
    for one in &people {
        let lease = town.one(*one, NOON).await;
        town.answer_only(*one, lease.id, answer, NOON).await.unwrap();
    }
    people
}

async fn first(town: &Town) -> QueueRow {
    town.row(town.tiles[0]).await
}

async fn policy_becomes(town: &Town, settings: Value) {
    let settings: Map<String, Value> = settings.as_object().unwrap().clone();
    let change_to = Change { settings, closed_too: false };
    let done = change(&town.store, &now(town).await, change_to, "a test".into(), None).await.unwrap();
    assert!(done.1, "all tiles follow it");
}

async fn decides(town: &Town, reviewer: i64, answer: &'static str) -> Uuid {
    let (id, campaign) = (Uuid::now_v7(), now(town).await);
    town.run(move |conn| {
        let new = NewDecision { id, tile_id: "b0".into(), answer: answer.into(), window: None, note: String::new() };
        review::decide(conn, &campaign, reviewer, &new, NOON)
    })
    .await;
    id
}

fn gold_of(kind: GoldKind) -> NewMark {
    let explanations = std::collections::BTreeMap::new();
    NewMark { tile_id: "b0".into(), kind, answer: "destroyed".into(), window: None, explanations }
}

async fn becomes_gold(town: &Town, expert: i64) {
    let campaign: Campaign = now(town).await;
    town.run(move |conn| mark(conn, &campaign, &gold_of(GoldKind::Check), (expert, true), NOON)).await;
}

async fn is_gold_no_more(town: &Town, expert: i64) {
    let campaign = now(town).await;
    town.run(move |conn| retire(conn, &campaign, "b0", Retired::Ordinary, (expert, NOON))).await;
}

fn five() -> Policy {
    Policy { minimum: 5, maximum: 6, ..policy() }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exclusion_can_be_lifted_after_the_maximum_was_lowered() {
    for town in towns(1, five()).await {
        let people = all_say(&town, 5, "destroyed").await;
        let before = first(&town).await;
        assert_eq!((before.state, before.counted), (TileState::Settled, 5), "on {}", town.name);
        excluded(&town, &people[..3]).await;
        assert_eq!(first(&town).await.state, TileState::Open);
        policy_becomes(&town, json!({"minimum": 3, "maximum": 4})).await;
        lifted(&town, &people[..3]).await;
        let after = first(&town).await;
        assert_eq!((after.state, after.counted, after.closed_at), (before.state, 5, before.closed_at));
        town.check().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn gold_can_be_retired_after_redundancy_was_raised() {
    for town in towns(1, policy()).await {
        let expert = town.volunteer().await;
        becomes_gold(&town, expert).await;
        policy_becomes(&town, json!({"minimum": 14, "maximum": 15})).await;
        is_gold_no_more(&town, expert).await;
        let row = first(&town).await;
        assert_eq!((row.state, row.needed, row.maximum), (TileState::Open, 14, 15), "on {}", town.name);
        town.check().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tile_that_opens_again_has_the_places_of_the_policy_in_force() {
    let three = Policy { minimum: 3, maximum: 3, ..policy() };
    for town in towns(1, three).await {
        let people = all_say(&town, 3, "destroyed").await;
        assert!(first(&town).await.state.is_closed());
        policy_becomes(&town, json!({"minimum": 6, "maximum": 6})).await;
        assert!(first(&town).await.state.is_closed(), "what is closed is left alone");
        excluded(&town, &people[..1]).await;
        let row = first(&town).await;
        assert_eq!((row.state, row.counted, row.needed), (TileState::Open, 2, 6), "on {}", town.name);
        all_say(&town, 4, "destroyed").await;
        assert_eq!(first(&town).await.state, TileState::Settled, "on {}", town.name);
        town.check().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn reviewers_who_differ_still_do_after_an_exclusion_and_after_its_lifting() {
    for town in towns(1, policy()).await {
        let people = all_say(&town, 3, "destroyed").await;
        let (one, other) = (town.volunteer().await, town.volunteer().await);
        decides(&town, one, "damaged").await;
        decides(&town, other, "no_visible_damage").await;
        let before = first(&town).await;
        assert_eq!(before.state, TileState::Contested, "on {}", town.name);
        excluded(&town, &people[..1]).await;
        assert_eq!(first(&town).await.state, TileState::Contested, "it waits for a third, on {}", town.name);
        lifted(&town, &people[..1]).await;
        assert_eq!(first(&town).await, before, "on {}", town.name);
        town.check().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_that_was_taken_back_does_not_come_back_with_a_lifted_exclusion() {
    for town in towns(1, policy()).await {
        let people = all_say(&town, 3, "destroyed").await;
        let reviewer = town.volunteer().await;
        let decision = decides(&town, reviewer, "damaged").await;
        excluded(&town, &people[..1]).await;
        assert_eq!(first(&town).await.state, TileState::Reviewed, "on {}", town.name);
        let campaign = now(&town).await;
        town.run(move |conn| review::withdraw(conn, &campaign, reviewer, decision, NOON)).await;
        assert_eq!(first(&town).await.state, TileState::Open, "two labels are left");
        lifted(&town, &people[..1]).await;
        let row = first(&town).await;
        assert_eq!((row.state, row.counted), (TileState::Settled, 3), "its labels decide, on {}", town.name);
        town.check().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn how_a_tile_stood_before_it_was_gold_is_forgotten() {
    for town in towns(1, policy()).await {
        let people = all_say(&town, 3, "destroyed").await;
        let (tile, expert) = (town.tiles[0], town.volunteer().await);
        excluded(&town, &people[..1]).await;
        assert!(town.run(move |conn| Ok(exclusions::before(conn, tile)?)).await.is_some());
        becomes_gold(&town, expert).await;
        assert_eq!(town.run(move |conn| Ok(exclusions::before(conn, tile)?)).await, None, "on {}", town.name);
        lifted(&town, &people[..1]).await;
        is_gold_no_more(&town, expert).await;
        assert_eq!(first(&town).await.counted, 3);
        town.check().await;
    }
}

async fn moves_to(town: &Town, state: CampaignState) {
    town.run(move |conn| change_state(conn, "town", state, None, NOON)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn check_gold_that_everybody_could_read_in_a_closed_campaign_is_handed_out_no_more() {
    for town in towns(3, policy()).await {
        let expert = town.volunteer().await;
        becomes_gold(&town, expert).await;
        let campaign = town.campaign.id;
        let served = async || town.run(move |conn| Ok(gold::to_serve(conn, campaign, 10)?)).await.len();
        moves_to(&town, CampaignState::Paused).await;
        moves_to(&town, CampaignState::Open).await;
        assert_eq!(served().await, 1, "a pause shows nothing, on {}", town.name);
        moves_to(&town, CampaignState::Closed).await;
        moves_to(&town, CampaignState::Open).await;
        assert_eq!(served().await, 0, "on {}", town.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_holds_the_gold_tile_that_wears_out_cannot_look_its_answer_up() {
    let once = Policy { gold_uses: 1, gold_share: 0.5, gold_share_first: 0.5, ..policy() };
    for town in towns(40, once).await {
        let (tile, expert) = (town.tiles[0], town.volunteer().await);
        becomes_gold(&town, expert).await;
        let mut met = false;
        for _ in 0..40 {
            let me = town.volunteer().await;
            met |= town.ask(me, 5, NOON + MINUTE).await.iter().any(|lease| lease.tile.id == tile);
        }
        assert!(met, "somebody holds it, on {}", town.name);
        let row = town.row(tile).await;
        let outcome = Outcome { state: row.state, closed_at: row.closed_at, gold: Some(Gold::WornOut) };
        let lease_ends = NOON + 31 * MINUTE;
        assert!(!outcome.is_public(CampaignState::Open, lease_ends), "on {}", town.name);
        assert!(outcome.is_public(CampaignState::Open, lease_ends + 10 * MINUTE));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn volunteers_are_compared_with_what_a_reviewer_decided_and_not_with_the_crowd() {
    for town in towns(1, policy()).await {
        let people = all_say(&town, 3, "damaged").await;
        let (reviewer, campaign) = (town.volunteer().await, now(&town).await);
        decides(&town, reviewer, "destroyed").await;
        let place = |key: &str| i16::from(campaign.scale.place_of(key).unwrap());
        let (said, truth) = (place("damaged"), place("destroyed"));
        let (id, one) = (campaign.id, people[0]);
        let of_all = town.run(move |conn| Ok(volunteer_quality::confusions(conn, id, None)?)).await;
        let mine = town.run(move |conn| Ok(volunteer_quality::confusions(conn, id, Some(one))?)).await;
        assert_eq!((of_all.len(), mine.len()), (3, 1), "on {}", town.name);
        for row in of_all.iter().chain(&mine) {
            assert_eq!((row.answer, row.class, row.gold, row.labels), (said, truth, false, 1), "on {}", town.name);
        }
        let tiles = town.run(move |conn| Ok(volunteer_quality::answers_of(conn, id, &[one])?)).await;
        assert_eq!((tiles[0].answer, tiles[0].class), (said, truth), "on {}", town.name);
    }
}

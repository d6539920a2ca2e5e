//! Refits: a numbered model, one process at a time, and every tile brought in line with it.

use aftermap::domain::campaign::{Campaign, CampaignState};
use aftermap::domain::consensus::TileState;
use aftermap::domain::label::LabelStatus;
use aftermap::domain::policy::Policy;
use aftermap::services::campaigns::change_state::change_state;
use aftermap::services::labelling::release_lease::release;
use aftermap::services::refit::refit;
use aftermap::storage::labelling::leases;
use aftermap::storage::{Store, campaigns, schema};
use diesel::prelude::*;

use crate::gold::make_gold;
use crate::town::{HOUR, MINUTE, NOON, Town, policy, towns};

const GOLD: usize = 12;

/// Hands a certain tile to a volunteer, as a hand-out would that chose it.
async fn lend(town: &Town, volunteer: i64, place: usize, now: i64) -> i64 {
    let (campaign, tile) = (town.campaign.id, town.tiles[place]);
    town.run(move |conn| {
        let gold = aftermap::storage::gold::of_tile(conn, tile)?.is_some();
        if !gold {
            assert_eq!(aftermap::storage::labelling::queue::take_places(conn, &[tile], false)?, [tile]);
        }
        let granted = leases::grant(conn, campaign, volunteer, &[tile], (now, now + 30 * MINUTE))?;
        Ok(granted[0].id)
    })
    .await
}

async fn say(town: &Town, volunteer: i64, place: usize, answer: &str) -> (LabelStatus, TileState) {
    let lease = lend(town, volunteer, place, NOON).await;
    town.answer_only(volunteer, lease, answer, NOON).await.expect("a label")
}

/// Three who know and four who do not, as gold shows; the latter settled one tile between them.
async fn crowd(town: &Town) -> (Vec<i64>, Vec<i64>) {
    make_gold(town, GOLD).await;
    let (good, bad) = (town.volunteers(3).await, town.volunteers(4).await);
    for place in 0..GOLD {
        for one in &good {
            say(town, *one, place, "destroyed").await;
        }
        for (n, one) in bad.iter().enumerate() {
            say(town, *one, place, if place == n { "destroyed" } else { "no_visible_damage" }).await;
        }
    }
    for one in &good {
        say(town, *one, GOLD, "destroyed").await;
    }
    for one in &bad {
        say(town, *one, GOLD + 1, "no_visible_damage").await;
    }
    for place in [GOLD, GOLD + 1] {
        assert_eq!(town.row(town.tiles[place]).await.state, TileState::Settled);
    }
    (good, bad)
}

async fn campaign(town: &Town) -> Campaign {
    town.run(|conn| Ok(campaigns::find(conn, "town")?.expect("the campaign"))).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refit_makes_model_one_and_measures_skill_on_check_gold() {
    for town in towns(GOLD + 3, policy()).await {
        let (good, bad) = crowd(&town).await;
        assert_eq!(refit(&town.store, &town.campaign, true).await.unwrap(), Some(1));
        assert_eq!(campaign(&town).await.model, 1);
        let skills = town
            .run(|conn| {
                use schema::skills::dsl::{gold_correct, gold_labels, skills, volunteer_id, weight};
                Ok(skills
                    .select((volunteer_id, weight, gold_labels, gold_correct))
                    .load::<(i64, f64, i32, i32)>(conn)?)
            })
            .await;
        assert_eq!(skills.len(), 7);
        let weight_of = |id: i64| skills.iter().find(|skill| skill.0 == id).expect("a skill").1;
        let least_good = good.iter().map(|id| weight_of(*id)).fold(f64::MAX, f64::min);
        let best_bad = bad.iter().map(|id| weight_of(*id)).fold(0.0, f64::max);
        assert!(least_good > best_bad, "good {least_good}, bad {best_bad}");
        for (id, _, labels, correct) in &skills {
            assert_eq!(*labels, GOLD as i32);
            assert_eq!(*correct, if good.contains(id) { GOLD as i32 } else { 1 });
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refit_brings_tiles_in_line_and_reopens_what_is_in_doubt() {
    for town in towns(GOLD + 3, policy()).await {
        crowd(&town).await;
        refit(&town.store, &town.campaign, true).await.unwrap();
        let (sure, doubtful) = (town.row(town.tiles[GOLD]).await, town.row(town.tiles[GOLD + 1]).await);
        assert_eq!(sure.state, TileState::Settled);
        assert_eq!((doubtful.state, doubtful.needed, doubtful.closed_at), (TileState::Open, 5, None));
        let behind =
            town.run(|conn| Ok(schema::consensus::table.select(schema::consensus::model).load::<i32>(conn)?)).await;
        assert_eq!(behind, [1, 1], "on {}", town.name);
        // It is handed out again, and whoever knows better settles it.
        assert!(town.another_says("destroyed", NOON + HOUR).await.is_ok());
        town.check().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refit_that_reopens_a_tile_lets_its_surplus_count() {
    for town in towns(GOLD + 3, policy()).await {
        make_gold(&town, GOLD).await;
        let late = town.volunteer().await;
        let old = lend(&town, late, GOLD + 1, NOON - HOUR).await;
        // The next question takes the expired lease back.
        let anybody = town.volunteer().await;
        for lease in town.ask(anybody, 1, NOON).await {
            town.run(move |conn| release(conn, anybody, lease.id, false, NOON)).await;
        }
        let bad = town.volunteers(4).await;
        for place in 0..GOLD {
            for (n, one) in bad.iter().enumerate() {
                say(&town, *one, place, if place == n { "destroyed" } else { "no_visible_damage" }).await;
            }
        }
        for one in &bad {
            say(&town, *one, GOLD + 1, "no_visible_damage").await;
        }
        let told = town.answer(late, old, "destroyed", NOON + MINUTE).await;
        assert_eq!(told, Ok((LabelStatus::Surplus, TileState::Settled)));
        refit(&town.store, &town.campaign, true).await.unwrap();
        let row = town.row(town.tiles[GOLD + 1]).await;
        assert_eq!((row.state, row.counted), (TileState::Open, 5), "on {}", town.name);
        town.check().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refit_waits_until_enough_labels_came_in() {
    let policy = Policy { refit_after: 6, ..policy() };
    for town in towns(4, policy).await {
        for _ in 0..5 {
            town.another_says("damaged", NOON).await.expect("a label");
        }
        assert_eq!(refit(&town.store, &town.campaign, false).await.unwrap(), None);
        town.another_says("damaged", NOON).await.expect("a label");
        assert_eq!(refit(&town.store, &town.campaign, false).await.unwrap(), Some(1));
        // No label came since: not even on demand.
        assert_eq!(refit(&town.store, &town.campaign, true).await.unwrap(), None);
        assert_eq!(campaign(&town).await.model, 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refit_of_a_campaign_without_labels_makes_nothing() {
    for town in towns(2, policy()).await {
        assert_eq!(refit(&town.store, &town.campaign, true).await.unwrap(), None);
        assert_eq!(campaign(&town).await.model, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_after_the_end_of_a_campaign_makes_no_further_model() {
    for town in towns(4, policy()).await {
        town.another_says("damaged", NOON).await.expect("a label");
        let late = town.volunteer().await;
        let lease = town.one(late, NOON).await.id;
        town.run(|conn| change_state(conn, "town", CampaignState::Closed, None, NOON + MINUTE)).await;
        assert_eq!(refit(&town.store, &campaign(&town).await, true).await.unwrap(), Some(1));
        town.answer_only(late, lease, "destroyed", NOON + 2 * MINUTE).await.expect("kept, though it is late");
        assert_eq!(refit(&town.store, &campaign(&town).await, true).await.unwrap(), None);
        assert_eq!(campaign(&town).await.model, 1, "on {}", town.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_that_refit_at_once_make_one_model() {
    for town in towns(GOLD + 3, policy()).await {
        crowd(&town).await;
        let stores: Vec<Store> = (0..4).map(|_| town.database.store()).collect();
        let tasks: Vec<_> = stores
            .into_iter()
            .map(|store| {
                let campaign = town.campaign.clone();
                tokio::spawn(async move { refit(&store, &campaign, true).await })
            })
            .collect();
        let mut made = Vec::new();
        for task in tasks {
            made.extend(task.await.unwrap().unwrap());
        }
        assert_eq!(made, [1], "on {}", town.name);
        let models = town.run(|conn| Ok(schema::models::table.count().get_result::<i64>(conn)?)).await;
        assert_eq!(models, 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn labels_may_come_in_while_tiles_are_brought_in_line() {
    for town in towns(GOLD + 20, Policy { refit_after: 1, ..policy() }).await {
        crowd(&town).await;
        let (store, campaign) = (town.store.clone(), town.campaign.clone());
        let fitting = tokio::spawn(async move {
            let mut made = 0;
            for _ in 0..5 {
                made += usize::from(refit(&store, &campaign, true).await.unwrap().is_some());
            }
            made
        });
        for _ in 0..60 {
            let me = town.volunteer().await;
            for lease in town.ask(me, 1, NOON).await {
                town.answer(me, lease.id, "damaged", aftermap::services::clock::now_ms()).await.expect("a label");
            }
        }
        assert!(fitting.await.unwrap() >= 1);
        refit(&town.store, &town.campaign, true).await.unwrap();
        let number = self::campaign(&town).await.model as i32;
        let behind = town
            .run(move |conn| {
                let behind = schema::consensus::table.filter(schema::consensus::model.ne(number));
                Ok(behind.count().get_result::<i64>(conn)?)
            })
            .await;
        assert_eq!(behind, 0, "on {}", town.name);
        town.check().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_database_comes_to_the_same_consensus() {
    let mut seen = Vec::new();
    for town in towns(GOLD + 3, policy()).await {
        crowd(&town).await;
        refit(&town.store, &town.campaign, true).await.unwrap();
        let found = town
            .run(|conn| {
                use schema::consensus::dsl::{answers, entropy, evidence, probabilities};
                Ok(schema::consensus::table
                    .inner_join(schema::tiles::table)
                    .order(schema::tiles::tile_id)
                    .select((schema::tiles::tile_id, probabilities, answers, entropy, evidence))
                    .load::<(String, String, String, f64, f64)>(conn)?)
            })
            .await;
        assert_eq!(found.len(), 2);
        seen.push(found);
    }
    assert!(seen.iter().all(|found| *found == seen[0]), "{seen:?}");
}

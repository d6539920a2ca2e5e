//! Date windows: what volunteers say about when becomes an interval with a probability.

use aftermap::domain::campaign::CampaignKind;
use aftermap::domain::label::{NewLabel, RefusalCode, Window};
use aftermap::services::oversight::steer::withdraw::{self, Target};
use aftermap::services::refit::refit;
use aftermap::storage::{campaigns, scenes, schema};
use diesel::prelude::*;

use crate::town::{HOUR, NOON, Town, label, outcome, policy, scene, towns};

/// Makes the campaign a timeline of four scenes and returns their ids by date.
async fn make_timeline(town: &mut Town) -> Vec<i64> {
    let mut campaign = town.campaign.clone();
    campaign.kind = CampaignKind::Timeline;
    town.campaign = campaign.clone();
    town.run(move |conn| {
        for (title, days) in [("second", 60), ("third", 30)] {
            scenes::insert(conn, campaign.id, &scene(title, NOON - days * 24 * HOUR), NOON)?;
        }
        campaigns::set_tiling(conn, &campaign)?;
        Ok(scenes::ids_by_date(conn, campaign.id)?)
    })
    .await
}

/// Interval and probability that are stored for a tile.
async fn dates(town: &Town, tile: i64) -> (Option<i64>, Option<i64>, Option<f64>) {
    town.run(move |conn| {
        let columns =
            (schema::consensus::date_before, schema::consensus::date_after, schema::consensus::window_probability);
        Ok(schema::consensus::table.find(tile).select(columns).first(conn)?)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn three_windows_that_agree_date_the_damage_and_survive_a_refit() {
    for mut town in towns(1, policy()).await {
        let scenes = make_timeline(&mut town).await;
        for person in town.volunteers(3).await {
            let lease = town.one(person, NOON).await;
            let window = Some(Window { last_intact: Some(scenes[1]), first_damaged: Some(scenes[2]) });
            let sent = NewLabel { window, ..label(lease.id, "destroyed") };
            assert!(outcome(&town.submit(person, sent, NOON).await).is_ok());
        }
        let (before, after, probability) = dates(&town, town.tiles[0]).await;
        assert_eq!((before, after), (Some(scenes[1]), Some(scenes[2])), "on {}", town.name);
        assert!(probability.unwrap() > 0.8);
        assert_eq!(refit(&town.store, &town.campaign, true).await.unwrap(), Some(1));
        let (before, after, _) = dates(&town, town.tiles[0]).await;
        assert_eq!((before, after), (Some(scenes[1]), Some(scenes[2])), "on {}", town.name);
        let fitted = town.run(|conn| {
            Ok(schema::skills::table
                .filter(schema::skills::window_wrong.is_not_null())
                .count()
                .get_result::<i64>(conn)?)
        });
        assert_eq!(fitted.await, 3);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn impossible_windows_are_refused() {
    for mut town in towns(1, policy()).await {
        let me = town.volunteer().await;
        let lease = town.one(me, NOON).await;
        let first = town.run({
            let id = town.campaign.id;
            move |conn| Ok(scenes::ids_by_date(conn, id)?[0])
        });
        let of_pair = Some(Window { last_intact: Some(first.await), first_damaged: None });
        let sent = NewLabel { window: of_pair, ..label(lease.id, "destroyed") };
        assert_eq!(outcome(&town.submit(me, sent, NOON).await), Err(RefusalCode::Invalid), "a pair has no window");
        let scenes = make_timeline(&mut town).await;
        for (last_intact, first_damaged) in
            [(None, None), (Some(scenes[2]), Some(scenes[1])), (Some(scenes[1]), Some(scenes[1])), (Some(7), None)]
        {
            let window = Some(Window { last_intact, first_damaged });
            let sent = NewLabel { window, ..label(lease.id, "destroyed") };
            assert_eq!(outcome(&town.submit(me, sent, NOON).await), Err(RefusalCode::Invalid), "{window:?}");
        }
        let contradictions = [("no_visible_damage", None, Some(scenes[1])), ("unsure", Some(scenes[1]), None)];
        for (answer, last_intact, first_damaged) in contradictions {
            let sent = NewLabel { window: Some(Window { last_intact, first_damaged }), ..label(lease.id, answer) };
            assert_eq!(outcome(&town.submit(me, sent, NOON).await), Err(RefusalCode::Invalid), "{answer}");
        }
        assert_eq!(town.logged().await, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_under_way_that_names_a_scene_withdrawn_meanwhile_is_kept_and_dates_nothing() {
    for mut town in towns(1, policy()).await {
        let scenes = make_timeline(&mut town).await;
        let me = town.volunteer().await;
        let lease = town.one(me, NOON).await;
        let (campaign, gone) = (town.campaign.clone(), Target::Scene(scenes[2]));
        town.run(move |conn| withdraw::withdraw(conn, &campaign, &gone, "a court order", None, NOON)).await;
        let window = Some(Window { last_intact: Some(scenes[1]), first_damaged: Some(scenes[2]) });
        let sent = NewLabel { window, ..label(lease.id, "destroyed") };
        assert!(outcome(&town.submit(me, sent.clone(), NOON).await).is_ok(), "on {}", town.name);
        // Two more, given in full knowledge: the class counts, and no date stands on a picture that nobody may see.
        for _ in 0..2 {
            let other = town.volunteer().await;
            let lease = town.one(other, NOON).await;
            assert!(
                outcome(
                    &town
                        .submit(other, NewLabel { lease_id: lease.id, id: label(0, "").id, ..sent.clone() }, NOON)
                        .await
                )
                .is_ok()
            );
        }
        let (before, after, _) = dates(&town, town.tiles[0]).await;
        assert_eq!((before, after), (None, None), "on {}", town.name);
        town.check().await;
    }
}

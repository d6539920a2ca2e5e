//! What a coordinator steers, straight through the verbs: figures beside what was withdrawn, changes that stop half way, and
//! who waits for whom.

use std::time::Duration;

use aftermap::domain::campaign::CampaignState;
use aftermap::domain::consensus::TileState;
use aftermap::domain::finish::Finish;
use aftermap::domain::gold::GoldKind;
use aftermap::domain::job::JobKind;
use aftermap::domain::policy::Policy;
use aftermap::domain::pseudonym::pseudonym;
use aftermap::domain::review::Opinion;
use aftermap::domain::volunteer_quality::ExclusionKind;
use aftermap::imagery::Archives;
use aftermap::services::campaigns::change_state::change_state;
use aftermap::services::campaigns::create_campaign::{NewCampaign, create_campaign};
use aftermap::services::gold::{NewMark, mark};
use aftermap::services::labelling::release_lease;
use aftermap::services::oversight::exclude::{self, Order};
use aftermap::services::oversight::statistics::statistics;
use aftermap::services::oversight::steer::policy::{self as steer, Change};
use aftermap::services::oversight::steer::withdraw::{self, Target};
use aftermap::services::scenes::later_scene;
use aftermap::services::upkeep::housekeeping;
use aftermap::services::{Error, clock};
use aftermap::storage::campaigns::policy_versions::{self, PolicyVersion};
use aftermap::storage::labelling::queue as rows;
use aftermap::storage::oversight::reviews::{self, NewReview};
use aftermap::storage::scenes::later_scenes;
use aftermap::storage::schema::{audit_log, queue, scenes};
use aftermap::storage::{Conn, campaigns, jobs};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::BigInt;

use crate::later_scenes::{NONE, lines};
use crate::town::{HOUR, MINUTE, NOON, Town, policy, towns};

const DAY: i64 = 24 * HOUR;

async fn withdrawn(town: &Town, target: Target) -> i64 {
    let campaign = town.campaign.clone();
    town.run(move |conn| Ok(withdraw::withdraw(conn, &campaign, &target, "a court order", None, NOON)?.id)).await
}

async fn set(town: &Town, state: CampaignState) -> Result<(), Error> {
    town.store.write(move |conn| change_state(conn, "town", state, None, NOON + HOUR).map(drop)).await
}

fn change(settings: serde_json::Value, closed_too: bool) -> Change {
    Change { settings: settings.as_object().unwrap().clone(), closed_too }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_withdrawn_is_neither_done_nor_to_do() {
    for town in towns(26, policy()).await {
        let (open, contested) = (town.tiles[24], town.tiles[25]);
        town.run(move |conn| {
            let settled = (queue::state.eq("settled"), queue::available.eq(false), queue::closed_at.eq(NOON));
            let others = queue::table.filter(queue::tile.ne(open));
            diesel::update(others).set((settled, queue::counted.eq(3))).execute(conn)?;
            let one = queue::table.find(contested);
            Ok(diesel::update(one).set(queue::state.eq("contested")).execute(conn)?)
        })
        .await;
        let campaign = town.campaign.clone();
        let told = || {
            let campaign = campaign.clone();
            town.run(move |conn| {
                let told = statistics(conn, &campaign, NOON + 30 * DAY)?;
                let effect = steer::preview(conn, &campaign, &change(serde_json::json!({}), true))?;
                Ok((told, effect))
            })
        };
        let (before, effect) = told().await;
        assert_eq!((before.waits.old_contested_tiles, effect.open), (1, 1), "on {}", town.name);
        assert!(before.labels_left.unwrap().most > 0.0 && before.finish != Finish::Done);
        for tile in ["b24", "b25"] {
            withdrawn(&town, Target::Tile(tile.into())).await;
        }
        let (after, effect) = told().await;
        assert_eq!((after.waits.old_contested_tiles, effect.open, effect.labels_wanted), (0, 0, 0), "on {}", town.name);
        assert_eq!((after.finish, after.labels_left.unwrap().most), (Finish::Done, 0.0), "on {}", town.name);
        assert_eq!(after.saved.unwrap().tiles, 24, "what was withdrawn saved nothing");
        assert_eq!(after.labels_counted, before.labels_counted, "labels stay where they were");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tiles_that_lack_pictures_are_named_and_hold_up_no_finish() {
    for town in towns(26, policy()).await {
        let closed = town.tiles[..24].to_vec();
        town.run(move |conn| {
            let settled = (queue::state.eq("settled"), queue::available.eq(false), queue::closed_at.eq(NOON));
            let these = queue::table.filter(queue::tile.eq_any(closed.clone()));
            Ok(diesel::update(these).set((settled, queue::counted.eq(3))).execute(conn)?)
        })
        .await;
        let campaign = town.campaign.id;
        let scene = town.run(move |conn| {
            let of = scenes::table.filter(scenes::campaign_id.eq(campaign));
            Ok(of.select(scenes::id).first::<i64>(conn)?)
        });
        withdrawn(&town, Target::Scene(scene.await)).await;
        let campaign = town.campaign.clone();
        let told = town.run(move |conn| statistics(conn, &campaign, NOON + HOUR)).await;
        assert_eq!((told.waits.lacks_pictures, told.finish), (2, Finish::Done), "on {}", town.name);
    }
}

/// Three agree on every tile.
async fn settle(town: &Town) {
    for _ in 0..3 {
        let one = town.volunteer().await;
        for _ in 0..town.tiles.len() {
            let lease = town.one(one, NOON).await;
            town.answer_only(one, lease.id, "destroyed", NOON).await.unwrap();
        }
    }
    for tile in &town.tiles {
        assert_eq!(town.row(*tile).await.state, TileState::Settled);
    }
}

/// A change of policy that is in force and that no tile follows yet, as a server leaves it that is killed right after.
async fn stopped_change(town: &Town, minimum: u8) {
    let campaign = town.campaign.clone();
    town.run(move |conn| {
        let (id, before) = (campaign.id, campaign.policy.clone());
        let settings = serde_json::json!({"minimum": minimum, "lead_without_model": minimum});
        let after = steer::changed(&before, settings.as_object().unwrap())?;
        for (version, policy, applied_at) in [(1, before, Some(NOON)), (2, after.clone(), None)] {
            let reason = "more".to_owned();
            let (changed_by, closed_too, in_force_from) = (None, version == 2, NOON + i64::from(version));
            let new = PolicyVersion { version, policy, reason, changed_by, in_force_from, closed_too, applied_at };
            policy_versions::insert(conn, id, &new)?;
        }
        campaigns::set_policy(conn, id, &after)?;
        Ok(campaigns::set_policy_version(conn, id, 2)?)
    })
    .await;
}

async fn now(town: &Town) -> aftermap::domain::campaign::Campaign {
    town.run(|conn| Ok(campaigns::find(conn, "town")?.expect("the campaign"))).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_overtakes_an_unfinished_one_goes_to_closed_tiles_for_it() {
    for town in towns(2, policy()).await {
        settle(&town).await;
        stopped_change(&town, 6).await;
        let next = change(serde_json::json!({"maximum": 11}), false);
        let done = steer::change(&town.store, &now(&town).await, next, "a little more".into(), None).await.unwrap();
        assert_eq!(done, (3, true), "on {}", town.name);
        for tile in &town.tiles {
            assert_eq!(town.row(*tile).await.state, TileState::Open, "six are wanted now, on {}", town.name);
        }
        let campaign = town.campaign.id;
        let all = town.run(move |conn| Ok(policy_versions::of_campaign(conn, campaign)?)).await;
        assert!(all.iter().all(|one| one.applied_at.is_some()), "{all:?}");
        assert!(all[2].closed_too, "what the second was to do, the third did");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_begun_before_the_end_is_followed_after_it_and_nothing_is_archived_half_way() {
    for town in towns(2, policy()).await {
        settle(&town).await;
        stopped_change(&town, 6).await;
        set(&town, CampaignState::Closed).await.unwrap();
        let told = set(&town, CampaignState::Archived).await.unwrap_err().to_string();
        assert!(told.contains("a change of the policy"), "{told}");
        housekeeping::round(&town.store).await.unwrap();
        for tile in &town.tiles {
            let row = town.row(*tile).await;
            assert_eq!((row.state, row.closed_at), (TileState::Contested, Some(NOON)), "nobody is asked any more");
        }
        // Nor an exclusion that nothing has followed.
        let (campaign, someone) = (now(&town).await, town.current(town.tiles[0]).await[0].volunteer_id);
        town.run(move |conn| {
            let names = [pseudonym(&campaign.pseudonym_key, someone)];
            let order = Order { volunteers: &names, actor: someone, reason: "at last" };
            exclude::impose(conn, &campaign, ExclusionKind::Excluded, &order, clock::now_ms())
        })
        .await;
        let told = set(&town, CampaignState::Archived).await.unwrap_err().to_string();
        assert!(told.contains("an exclusion"), "{told}");
        // In the millisecond in which labels followed nobody can tell whether the model knows of it: the next round does.
        for _ in 0..2 {
            tokio::time::sleep(Duration::from_millis(5)).await;
            housekeeping::round(&town.store).await.unwrap();
        }
        assert!(!town.current(town.tiles[0]).await.iter().any(|label| label.volunteer_id == someone));
        set(&town, CampaignState::Archived).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_at_a_part_of_the_closed_tiles_is_reckoned_up_to_all_of_them() {
    for town in towns(6, policy()).await {
        settle(&town).await;
        let six = || change(serde_json::json!({"minimum": 6, "lead_without_model": 6}), true);
        let campaign = town.campaign.clone();
        let reckon = |look_at: usize| {
            let campaign = campaign.clone();
            town.run(move |conn| steer::reckon(conn, &campaign, &six(), look_at))
        };
        let (all, part) = (reckon(100).await, reckon(3).await);
        assert_eq!((all.would_reopen, all.labels_wanted_then, all.estimated), (6, 18, false), "on {}", town.name);
        assert_eq!((part.would_reopen, part.labels_wanted_then, part.estimated), (6, 18, true), "on {}", town.name);
        // What reviewers differ about waits for the third of them whatever the policy says.
        let (tile, people) = (town.tiles[0], town.volunteers(2).await);
        let of = town.campaign.id;
        town.run(move |conn| {
            for (reviewer_id, answer) in people.iter().zip([0, 2]) {
                let opinion = Opinion { answer, window: None };
                let (id, campaign_id, reviewer_id) = (uuid::Uuid::now_v7(), of, *reviewer_id);
                let review = NewReview { id, body_hash: &[], tile, campaign_id, reviewer_id, opinion, note: "" };
                reviews::add(conn, &review, NOON)?;
            }
            Ok(diesel::update(queue::table.find(tile)).set(queue::state.eq("contested")).execute(conn)?)
        })
        .await;
        assert!(town.run(move |conn| Ok(reviews::is_disputed(conn, tile)?)).await, "on {}", town.name);
        assert_eq!(reckon(100).await.would_reopen, 5, "on {}", town.name);
    }
}

#[derive(QueryableByName)]
struct Waiting {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

/// Waits until somebody waits for a lock that this connection holds.
fn until_somebody_waits(conn: &mut Conn) {
    let Conn::Postgres(inner) = conn else { return };
    for _ in 0..400 {
        let statement = "SELECT COUNT(*) AS number FROM pg_stat_activity \
                         WHERE pg_backend_pid() = ANY(pg_blocking_pids(pid))";
        let found: Waiting = diesel::sql_query(statement).get_result(inner).unwrap();
        if found.number > 0 {
            return;
        }
        std::thread::sleep(Duration::from_millis(25));
    }
    panic!("nobody waits for the campaign");
}

/// Whoever steers holds the campaign and then wants tiles: whoever waits for the campaign must hold no tile.
#[tokio::test(flavor = "multi_thread")]
async fn who_gives_a_tile_back_or_makes_gold_of_it_waits_for_the_campaign_before_the_tile() {
    for town in towns(2, policy()).await {
        let me = town.volunteer().await;
        for act in 0..3 {
            let lease = town.one(me, NOON + act * MINUTE).await;
            let (campaign, tile) = (town.campaign.clone(), lease.tile.id);
            let mut steering = town.database.connect();
            if let Conn::Sqlite(_) = steering {
                // One writer: nobody can hold half of it.
                continue;
            }
            steering.batch_execute("BEGIN").unwrap();
            campaigns::lock(&mut steering, campaign.id).unwrap();
            let store = town.store.clone();
            let other = tokio::spawn(async move {
                let new = NewMark {
                    tile_id: lease.tile.tile_id.clone(),
                    kind: GoldKind::Practice,
                    answer: "destroyed".into(),
                    window: None,
                    explanations: Default::default(),
                };
                let write = move |conn: &mut Conn| match act {
                    0 => release_lease::release(conn, me, lease.id, true, NOON + MINUTE),
                    1 => release_lease::release_all(conn, me, &[lease.id], NOON + 2 * MINUTE),
                    _ => mark(conn, &campaign, &new, (me, true), NOON + 3 * MINUTE),
                };
                store.write(write).await
            });
            until_somebody_waits(&mut steering);
            let free = rows::try_lock(&mut steering, tile).unwrap();
            steering.batch_execute("COMMIT").unwrap();
            assert!(free.is_some(), "act {act}: somebody who waits for the campaign holds a tile");
            other.await.unwrap().unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scene_that_was_withdrawn_while_it_joined_joins_anew_when_it_comes_back() {
    for line in lines(2).await {
        let town = &line.town;
        let joined = line.joins().await;
        let scene = joined.scene.id;
        let names = town.run(|conn| Ok(audit_log::table.select((audit_log::subject, audit_log::detail)).load(conn)?));
        let names: Vec<(String, String)> = names.await;
        assert!(names.iter().any(|(subject, _)| *subject == scene.to_string()), "{names:?}");
        assert!(!names.iter().any(|(subject, detail)| (subject.clone() + detail).contains("later")), "{names:?}");
        line.set(CampaignState::Paused).await.unwrap();
        // As if the server had been killed before the first tile followed.
        town.run(move |conn| Ok(later_scenes::begin(conn, scene, NOON)?)).await;
        line.set(CampaignState::Open).await.expect_err("it joins");
        let id = withdrawn(town, Target::Scene(scene)).await;
        line.set(CampaignState::Open).await.unwrap();
        line.all_say(0, &[NONE; 4]).await;
        assert_eq!(line.stands(0).await.0, TileState::Settled);
        let campaign = town.campaign.clone();
        let back = || {
            let campaign = campaign.clone();
            town.store.write(move |conn| withdraw::bring_back(conn, &campaign, id, "a new licence", None, NOON + HOUR))
        };
        let told = back().await.unwrap_err().to_string();
        assert!(told.contains("pause the campaign first"), "{told}");
        line.set(CampaignState::Paused).await.unwrap();
        assert_eq!(back().await.unwrap(), Some(scene), "on {}", town.name);
        line.set(CampaignState::Open).await.expect_err("it joins");
        let archives = Archives::new(line.folder.path().join("tiles"));
        let done = later_scene::go_on(&town.store, &archives, campaign.id, scene, None).await.unwrap();
        assert_eq!(done.unwrap().set_aside, 4, "who labelled meanwhile did not see it");
        line.set(CampaignState::Open).await.unwrap();
        assert_eq!(line.stands(0).await.0, TileState::Open, "on {}", town.name);
        let now = now(town).await;
        let told = town.run(move |conn| statistics(conn, &now, NOON + HOUR)).await;
        assert_eq!((told.labels_set_aside, told.labels_surplus), (4, 0), "set aside is not waiting for a place");
        // An open campaign that finds itself with a scene that joins can still be paused.
        town.run(move |conn| Ok(later_scenes::begin(conn, scene, NOON)?)).await;
        line.set(CampaignState::Paused).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scene_that_comes_back_lets_labels_count_that_waited_for_a_place() {
    let three = Policy { maximum: 3, ..policy() };
    for town in towns(1, three).await {
        let (tile, late) = (town.tiles[0], town.volunteer().await);
        let held = town.one(late, NOON).await.id;
        let campaign = town.campaign.id;
        let scene = town.run(move |conn| {
            let of = scenes::table.filter(scenes::campaign_id.eq(campaign));
            Ok(of.select(scenes::id).first::<i64>(conn)?)
        });
        let id = withdrawn(&town, Target::Scene(scene.await)).await;
        town.answer(late, held, "destroyed", NOON + MINUTE).await.unwrap();
        assert_eq!(town.row(tile).await.counted, 0, "nobody can compare");
        let campaign = town.campaign.clone();
        town.run(move |conn| withdraw::bring_back(conn, &campaign, id, "a new licence", None, NOON + HOUR)).await;
        assert_eq!(town.row(tile).await.counted, 1, "on {}", town.name);
        town.check().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_of_campaigns_take_turns_however_many_one_of_them_has() {
    for town in towns(1, policy()).await {
        let busy = town.campaign.id;
        let quiet = town.run(move |conn| {
            let other = create_campaign(conn, &NewCampaign::new("other", "Another"), None, NOON)?.id;
            for number in 0..60 {
                jobs::add(conn, busy, (JobKind::Ingest, &format!("{{\"n\":{number}}}")), None, NOON)?;
            }
            jobs::add(conn, other, (JobKind::Ingest, "{}"), None, NOON)?;
            Ok(other)
        });
        let quiet = quiet.await;
        let next = || town.run(|conn| Ok(jobs::to_do(conn, NOON - MINUTE)?));
        let first = next().await;
        assert_eq!(first.iter().map(|(_, of)| of.unwrap()).collect::<Vec<_>>(), [busy, quiet], "on {}", town.name);
        let id = first[0].0;
        town.run(move |conn| {
            assert!(jobs::claim(conn, id, "me", NOON - MINUTE, NOON)?);
            let over = (aftermap::domain::job::JobState::Done, "", "");
            Ok(jobs::finish(conn, id, "me", over, NOON)?)
        })
        .await;
        let second = next().await;
        assert_eq!(second[0].1, Some(quiet), "whoever waited longest comes next, on {}", town.name);
        assert!(second[1].0 > id, "and then the older of the others");
        // A run that died is begun again before what waits behind it.
        let dead = second[1].0;
        town.run(move |conn| Ok(jobs::claim(conn, dead, "gone", NOON - MINUTE, NOON - 2 * MINUTE)?)).await;
        assert!(next().await.contains(&(dead, Some(busy))), "on {}", town.name);
    }
}

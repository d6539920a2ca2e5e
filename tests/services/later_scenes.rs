//! A later scene for a paused timeline: who is asked again, what stays, and what a run that was killed leaves behind.

use std::path::PathBuf;
use std::sync::Arc;

use aftermap::domain::campaign::{CampaignKind, CampaignState};
use aftermap::domain::consensus::TileState;
use aftermap::domain::gold::GoldKind;
use aftermap::domain::label::{Censored, LabelStatus, NewLabel, RefusalCode, Window};
use aftermap::domain::scene::Captured;
use aftermap::imagery::Archives;
use aftermap::services::Error;
use aftermap::services::campaigns::change_state::change_state;
use aftermap::services::gold::import_gold::{GoldAnswer, import_gold};
use aftermap::services::labelling::submit_label::{Sender, submit_all};
use aftermap::services::refit::refit;
use aftermap::services::scenes::ingest::{Ingested, NewScene, ingest};
use aftermap::storage::labelling::{leases, queue};
use aftermap::storage::maps::label_log::LabelRows;
use aftermap::storage::scenes::{later_scenes, tiles};
use aftermap::storage::{campaigns, scenes, schema};
use diesel::prelude::*;
use geotiff_writer::{Compression, GeoTiffBuilder, PhotometricInterpretation};
use ndarray::Array3;

use crate::exclusions::{excluded, lifted};
use crate::town::{HOUR, NOON, Town, label, outcome, policy, scene, towns};

const LATER: &str = "2025-07-01";
/// After a scene joined, which happens by the real clock.
const AFTER: i64 = 4_000_000_000_000;
/// South-west of the first tile, UTM zone 37 north, metres, and a little beyond.
const CORNER: (f64, f64) = (499_950.0, 3_973_400.0);

/// A paused timeline of four scenes, and a picture that shows its first eight tiles.
pub struct Line {
    pub town: Town,
    scenes: Vec<i64>,
    pub folder: tempfile::TempDir,
}

pub async fn lines(tiles: usize) -> Vec<Line> {
    let mut all = Vec::new();
    for mut town in towns(tiles, policy()).await {
        let mut campaign = town.campaign.clone();
        campaign.kind = CampaignKind::Timeline;
        town.campaign = campaign.clone();
        let scenes = town.run(move |conn| {
            for (title, days) in [("second", 60), ("third", 30)] {
                let between = scene(title, NOON - days * 24 * HOUR);
                scenes::insert(conn, campaign.id, &between, NOON)?;
                for (_, tile) in tiles::ids_of_campaign(conn, campaign.id)? {
                    later_scenes::add_frame(conn, tile, between.id, 1.0)?;
                }
            }
            campaigns::set_tiling(conn, &campaign)?;
            Ok(scenes::ids_by_date(conn, campaign.id)?)
        });
        let scenes = scenes.await;
        all.push(Line { town, scenes, folder: tempfile::tempdir().unwrap() });
    }
    all
}

impl Line {
    pub async fn set(&self, state: CampaignState) -> Result<(), Error> {
        let set = move |conn: &mut _| change_state(conn, "town", state, None, NOON).map(drop);
        self.town.store.write(set).await
    }

    fn picture(&self, name: &str, origin: (f64, f64)) -> PathBuf {
        let (file, side) = (self.folder.path().join(name), 400);
        GeoTiffBuilder::new(side as u32, side as u32)
            .bands(3)
            .epsg(32637)
            .pixel_scale(2.0, 2.0)
            .origin(origin.0, origin.1)
            .photometric(PhotometricInterpretation::Rgb)
            .compression(Compression::Deflate)
            .tile_size(256, 256)
            .write_3d(&file, Array3::<u8>::from_elem((side, side, 3), 120).view())
            .unwrap();
        file
    }

    async fn bring(&self, file: &std::path::Path, day: &str) -> Result<Ingested, Error> {
        let new = NewScene::new(file, Captured::parse("captured", day).unwrap());
        let archives = Archives::new(self.folder.path().join("tiles"));
        ingest(&self.town.store, &archives, "town", new, Arc::new(())).await
    }

    /// Pauses, lets a scene join, opens.
    pub async fn joins(&self) -> Ingested {
        self.set(CampaignState::Paused).await.unwrap();
        let done = self.bring(&self.picture("later.tif", CORNER), LATER).await.unwrap();
        self.set(CampaignState::Open).await.unwrap();
        done
    }

    /// A lease on this very tile.
    async fn lease(&self, volunteer: i64, tile: i64, now: i64) -> i64 {
        let campaign = self.town.campaign.id;
        self.town
            .run(move |conn| {
                assert_eq!(queue::take_places(conn, &[tile], true)?, [tile], "a place");
                Ok(leases::grant(conn, campaign, volunteer, &[tile], (now, now + HOUR))?[0].id)
            })
            .await
    }

    /// What somebody says of this very tile, as the page sends it: with a window where the answer has one.
    async fn says(&self, volunteer: i64, tile: i64, answer: &str, window: Option<Window>) {
        let lease = self.lease(volunteer, tile, NOON).await;
        let sent = NewLabel { window, ..label(lease, answer) };
        let done = self.town.run(move |conn| {
            let sender = Sender { volunteer, client: None, may_label: &|_| false };
            Ok(outcome(&submit_all(conn, &sender, std::slice::from_ref(&sent), 1, NOON)?.results[0]))
        });
        let done = done.await;
        assert!(matches!(done, Ok((LabelStatus::Stored, _))), "{done:?} on {}", self.town.name);
    }

    fn intact(&self) -> Option<Window> {
        Some(Window { last_intact: self.scenes.last().copied(), first_damaged: None })
    }

    fn hit(&self) -> Option<Window> {
        Some(Window { last_intact: Some(self.scenes[1]), first_damaged: Some(self.scenes[2]) })
    }

    pub async fn all_say(&self, tile: usize, answers: &[&str]) -> Vec<i64> {
        let people = self.town.volunteers(answers.len()).await;
        for (person, answer) in people.iter().zip(answers) {
            let window = match *answer {
                "no_visible_damage" => self.intact(),
                "bad_imagery" | "unsure" => None,
                _ => self.hit(),
            };
            self.says(*person, self.town.tiles[tile], answer, window).await;
        }
        people
    }

    /// State, counted labels, and what each of its labels was until the scene came.
    pub async fn stands(&self, tile: usize) -> (TileState, u32, Vec<Option<Censored>>) {
        let id = self.town.tiles[tile];
        let row = self.town.row(id).await;
        let labels = self.town.current(id).await;
        (row.state, row.counted, labels.iter().map(|label| label.censored).collect())
    }
}

pub const NONE: &str = "no_visible_damage";

#[tokio::test(flavor = "multi_thread")]
async fn who_saw_no_damage_is_no_voice_about_a_later_scene_and_damage_stays() {
    for line in lines(10).await {
        let town = &line.town;
        for (tile, answers) in [
            (0, vec![NONE; 4]),
            (1, vec!["destroyed"; 3]),
            (2, vec!["destroyed"]),
            (3, vec![NONE, "destroyed"]),
            (5, vec!["bad_imagery"; 3]),
            (9, vec![NONE; 4]),
        ] {
            line.all_say(tile, &answers).await;
        }
        assert_eq!(line.stands(5).await.0, TileState::Unusable);
        let done = line.joins().await;
        let joining = done.joining.expect("tiles followed");
        assert_eq!((joining.shown, joining.not_shown), (8, 2), "on {}", town.name);
        assert_eq!((joining.reopened, joining.still_damaged, joining.set_aside), (2, 1, 9));
        let gone = Some(Censored::Counted);
        assert_eq!(line.stands(0).await, (TileState::Open, 0, vec![gone; 4]), "no damage until the last scene");
        assert_eq!(line.stands(1).await, (TileState::Settled, 3, vec![None; 3]), "damage stays");
        assert_eq!(line.stands(2).await, (TileState::Open, 1, vec![None]), "nobody doubted it");
        assert_eq!(line.stands(3).await, (TileState::Open, 0, vec![gone; 2]), "in doubt: all are asked anew");
        assert_eq!(line.stands(5).await, (TileState::Open, 0, vec![gone; 3]), "there is another picture now");
        assert_eq!(line.stands(9).await, (TileState::Settled, 4, vec![None; 4]), "the scene does not show it");
        town.check().await;
        let again = line.set(CampaignState::Paused).await;
        again.unwrap();
        let repeated = line.bring(&line.picture("later.tif", CORNER), LATER).await.unwrap();
        assert!(!repeated.changed && repeated.joining.is_none(), "a repeat changes nothing on {}", town.name);
        assert_eq!(line.stands(0).await.1, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_labelled_a_tile_may_look_again_and_new_damage_is_dated_after_the_old_labels() {
    for line in lines(1).await {
        let (town, tile) = (&line.town, line.town.tiles[0]);
        let people = line.all_say(0, &[NONE; 3]).await;
        let later = line.joins().await.scene.id;
        for person in &people {
            let lease = town.one(*person, AFTER).await;
            assert_eq!(lease.frames.last().map(|frame| frame.scene_id), Some(later), "shown the later scene");
            let window = Some(Window { last_intact: line.scenes.last().copied(), first_damaged: Some(later) });
            let sent = NewLabel { window, ..label(lease.id, "destroyed") };
            let told = outcome(&town.submit(*person, sent, AFTER).await);
            assert!(matches!(told, Ok((LabelStatus::Stored, _))), "{told:?}");
        }
        assert_eq!(line.stands(0).await, (TileState::Settled, 3, vec![None; 3]), "on {}", town.name);
        let dates = town.run(move |conn| {
            let columns = (schema::consensus::date_before, schema::consensus::date_after);
            Ok(schema::consensus::table.find(tile).select(columns).first::<(Option<i64>, Option<i64>)>(conn)?)
        });
        assert_eq!(dates.await, (line.scenes.last().copied(), Some(later)), "on {}", town.name);
        let counted = town.run(move |conn| {
            let labels = schema::participations::table.select(schema::participations::labels);
            Ok(labels.load::<i32>(conn)?)
        });
        assert_eq!(counted.await, [1; 3], "one tile each, looked at twice");
        town.check().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_to_a_tile_handed_out_before_the_scene_came_is_kept_and_counts_for_no_class() {
    for line in lines(1).await {
        let (town, tile) = (&line.town, line.town.tiles[0]);
        let people = line.all_say(0, &[NONE; 2]).await;
        let slow = town.volunteer().await;
        let lease = line.lease(slow, tile, NOON).await;
        line.joins().await;
        let sent = NewLabel { window: line.intact(), ..label(lease, NONE) };
        assert!(outcome(&town.submit(slow, sent, NOON + HOUR / 2).await).is_ok());
        assert_eq!(line.stands(0).await.0, TileState::Open, "on {}", town.name);
        assert_eq!(line.stands(0).await.1, 0, "nobody has seen the later scene");
        assert!(line.stands(0).await.2.iter().all(Option::is_some));
        // Changing one's mind about the old pictures is no look at the new one.
        let first = town.run({
            let author = people[0];
            move |conn| {
                let mine = schema::leases::table.filter(schema::leases::volunteer_id.eq(author));
                Ok(mine.select(schema::leases::id).first::<i64>(conn)?)
            }
        });
        let changed = town.answer(people[0], first.await, "destroyed", NOON + HOUR / 2).await;
        assert!(matches!(changed, Ok((LabelStatus::Revised, _))), "{changed:?}");
        assert_eq!(line.stands(0).await.1, 0, "on {}", town.name);
        town.check().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_says_which_scene_each_author_was_shown_last() {
    for line in lines(1).await {
        let (town, campaign) = (&line.town, line.town.campaign.id);
        line.all_say(0, &[NONE; 2]).await;
        let later = line.joins().await.scene.id;
        let newcomer = town.volunteer().await;
        let lease = town.one(newcomer, AFTER).await;
        town.answer(newcomer, lease.id, NONE, AFTER).await.unwrap();
        let rows = town.run(move |conn| Ok(LabelRows::new(conn, campaign, 0).collect::<QueryResult<Vec<_>>>()?)).await;
        let seen: Vec<_> = rows.iter().map(|row| (row.last_scene, row.censored, row.counted, row.surplus)).collect();
        let old = (line.scenes.last().copied(), true, false, false);
        assert_eq!(seen, [old, old, (Some(later), false, true, false)], "on {}", town.name);
        let acts = town.run(move |conn| {
            let log = schema::audit_log::table.order(schema::audit_log::id);
            Ok(log.select((schema::audit_log::act, schema::audit_log::detail)).load::<(String, String)>(conn)?)
        });
        let acts = acts.await;
        let joined = acts.iter().find(|(act, _)| act == "later_scene_joined").expect("an entry");
        assert!(acts.iter().any(|(act, _)| act == "add_later_scene"));
        let detail: serde_json::Value = serde_json::from_str(&joined.1).unwrap();
        assert_eq!((&detail["labels_set_aside"], &detail["policy_version"]), (&2.into(), &1.into()), "{detail}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn check_gold_that_says_no_damage_is_asked_about_again_and_gold_that_says_damage_stays() {
    for line in lines(3).await {
        let town = &line.town;
        let answers = [("b0", NONE), ("b1", "destroyed")].map(|(tile, answer)| GoldAnswer {
            tile_id: tile.into(),
            answer: answer.into(),
            ..GoldAnswer::default()
        });
        town.run(move |conn| import_gold(conn, "town", GoldKind::Check, &answers, NOON)).await;
        let done = line.joins().await;
        assert_eq!(done.joining.unwrap().no_longer_gold, 1);
        let rows = [town.row(town.tiles[0]).await, town.row(town.tiles[1]).await];
        assert_eq!((rows[0].gold, rows[0].state), (false, TileState::Open), "on {}", town.name);
        assert_eq!((rows[1].gold, rows[1].state), (true, TileState::Reviewed), "on {}", town.name);
        let ids = town.tiles.clone();
        let frames = town.run(move |conn| Ok(tiles::frames_of(conn, &ids)?)).await;
        assert!(frames.values().all(|seen| seen.len() == 5), "gold is shown what all tiles are shown");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refit_after_a_later_scene_reads_old_windows_and_no_old_classes() {
    for line in lines(2).await {
        let town = &line.town;
        line.all_say(0, &[NONE; 3]).await;
        line.all_say(1, &["destroyed"; 3]).await;
        assert_eq!(refit(&town.store, &town.campaign, true).await.unwrap(), Some(1));
        line.joins().await;
        assert_eq!(refit(&town.store, &town.campaign, true).await.unwrap(), Some(2), "a scene makes the model stale");
        let model = town.run(|conn| {
            let columns = (schema::models::labels, schema::models::window_tables);
            Ok(schema::models::table
                .filter(schema::models::number.eq(2))
                .select(columns)
                .first::<(i64, Option<Vec<u8>>)>(conn)?)
        });
        let (labels, windows) = model.await;
        let windows = aftermap::consensus::window::WindowModel::from_bytes(&windows.unwrap()).unwrap();
        assert_eq!((labels, windows.prior.len()), (3, 6), "on {}", town.name);
        assert_eq!(line.stands(0).await.0, TileState::Open, "a refit closes nothing that nobody looked at");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scene_that_cannot_join_is_refused_with_what_to_do_and_leaves_nothing() {
    for line in lines(2).await {
        let (town, file) = (&line.town, line.picture("later.tif", CORNER));
        let told = line.bring(&file, LATER).await.unwrap_err().to_string();
        assert!(told.contains("is open") && told.contains("while it is paused"), "{told}");
        line.set(CampaignState::Paused).await.unwrap();
        let told = line.bring(&file, "2025-04-20").await.unwrap_err().to_string();
        assert!(told.contains("later than its last one, `after`") && told.contains("2025-06-14"), "{told}");
        let far = line.picture("far.tif", (CORNER.0 + 90_000.0, CORNER.1));
        let told = line.bring(&far, LATER).await.unwrap_err().to_string();
        assert!(told.contains("shows none of its tiles"), "{told}");
        let id = town.campaign.id;
        town.run(move |conn| {
            let pair = schema::campaigns::table.find(id);
            Ok(diesel::update(pair).set(schema::campaigns::kind.eq("pair")).execute(conn)?)
        })
        .await;
        let told = line.bring(&file, LATER).await.unwrap_err().to_string();
        assert!(told.contains("compares two scenes"), "{told}");
        let there = town.run(move |conn| Ok(scenes::ids_by_date(conn, id)?)).await;
        assert_eq!(there, line.scenes, "on {}", town.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_was_killed_is_gone_on_with_and_the_campaign_opens_only_then() {
    for line in lines(700).await {
        let (town, id) = (&line.town, line.town.campaign.id);
        line.all_say(0, &[NONE; 4]).await;
        line.set(CampaignState::Paused).await.unwrap();
        let file = line.picture("later.tif", CORNER);
        let half_done = async {
            loop {
                let found =
                    town.store.read(move |conn| Ok::<_, Error>(later_scenes::under_way(conn, id)?)).await.unwrap();
                if found.is_some_and(|scene| scene.joining.after > i64::MIN) {
                    return;
                }
                tokio::time::sleep(std::time::Duration::from_millis(1)).await;
            }
        };
        tokio::select! {
            done = line.bring(&file, LATER) => panic!("it was too fast to be stopped: {done:?}"),
            () = half_done => {}
        }
        let told = line.set(CampaignState::Open).await.unwrap_err().to_string();
        assert!(told.contains("still takes in the scene `later`"), "{told}");
        let done = line.bring(&file, LATER).await.unwrap();
        let joining = done.joining.expect("the rest follows");
        assert_eq!((joining.shown + joining.not_shown, joining.reopened), (700, 1), "each tile once on {}", town.name);
        line.set(CampaignState::Open).await.unwrap();
        let scenes = town.run(move |conn| Ok(scenes::ids_by_date(conn, id)?)).await;
        assert_eq!(scenes.len(), 5, "one scene joined");
        assert_eq!(line.stands(0).await.0, TileState::Open);
        town.check().await;
    }
}

/// What an author is told who changes an answer long after the tile closed, whatever joined meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn a_tile_that_stays_closed_takes_no_changes_after_ten_minutes() {
    for line in lines(1).await {
        let town = &line.town;
        let people = line.all_say(0, &["destroyed"; 3]).await;
        line.joins().await;
        let author = people[0];
        let lease = town.run(move |conn| {
            let mine = schema::leases::table.filter(schema::leases::volunteer_id.eq(author));
            Ok(mine.select(schema::leases::id).first::<i64>(conn)?)
        });
        let told = town.answer(author, lease.await, NONE, NOON + HOUR).await;
        assert_eq!(told, Err(RefusalCode::TooLate), "on {}", town.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_later_scene_a_lifted_exclusion_leaves_labels_as_if_it_had_never_been() {
    for line in lines(8).await {
        let town = &line.town;
        let cases = [vec![NONE; 3], vec!["destroyed"], vec!["destroyed", NONE], vec!["destroyed"; 3]];
        // The same twice: on the second four tiles nobody is excluded.
        let mut authors = Vec::new();
        for (tile, answers) in cases.iter().chain(&cases).enumerate() {
            authors.push(line.all_say(tile, answers).await[0]);
        }
        let gone = &authors[..4];
        excluded(town, gone).await;
        assert_eq!(line.joins().await.joining.expect("tiles followed").shown, 8);
        lifted(town, gone).await;
        for tile in 0..4 {
            let (here, there) = (line.stands(tile).await, line.stands(tile + 4).await);
            assert_eq!(here, there, "tile {tile} on {}", town.name);
        }
        town.check().await;
    }
}

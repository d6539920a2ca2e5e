//! Again, and half done: ids follow from what was read, so nothing is doubled and what was stopped goes on.

use aftermap::domain::campaign::CampaignState;
use aftermap::domain::damage_map::What;
use aftermap::services::Error;
use aftermap::services::import::{Meaning, Project, read_mapswipe};

use crate::helpers::*;

const HEAD: &str = "project_id,group_id,user_id,task_id,timestamp,start_time,end_time,result\n";

/// Answers of so many people for 40 tiles, three of four alike.
fn answers(people: usize) -> String {
    answers_for(people, 40)
}

fn answers_for(people: usize, tiles: usize) -> String {
    let mut text = HEAD.to_owned();
    for person in 0..people {
        for tile in 0..tiles {
            let answer = if (person + tile) % 4 == 0 { 1 - tile % 2 } else { tile % 2 };
            let at = format!("2021-09-0{} 09:{:02}:{person:02}.5", 1 + person % 7, tile % 60);
            text += &format!("p,g1,u{person},18-{}-7,{at},{at},{at},{answer}\n", 100 + tile);
        }
    }
    text
}

fn read(text: &str) -> (Project, Meaning) {
    let folder = tempfile::tempdir().unwrap();
    let meaning = Meaning::of_mapswipe("change2", &[]).unwrap();
    let project = read_mapswipe(&[file(folder.path(), "results.csv", text)], None, &meaning, None, NOW).unwrap();
    (project, meaning)
}

#[test]
fn the_same_import_again_adds_nothing() {
    for database in databases() {
        let bring = || {
            let (project, meaning) = read(&answers(6));
            database.bring_in(project, &settings("town", &meaning)).unwrap()
        };
        let first = bring();
        assert_eq!((first.labels, first.tiles, first.volunteers, first.known), (240, 40, 6, 0));
        let (map, log) = (database.rows("town", What::Tiles), database.rows("town", What::Labels));
        let again = bring();
        assert_eq!((again.labels, again.tiles, again.volunteers, again.known), (0, 0, 0, 240));
        assert_eq!((database.rows("town", What::Tiles), database.rows("town", What::Labels)), (map, log));
        assert_eq!(database.campaign("town").model, 1);
    }
}

#[test]
fn later_answers_join_those_that_are_there_and_the_map_is_that_of_all() {
    for database in databases() {
        let (early, meaning) = read(&answers(3));
        database.bring_in(early, &settings("town", &meaning)).unwrap();
        // Person 0 thought again about one tile, an hour later.
        let revised = "p,g1,u0,18-100-7,2021-09-01 10:00:00,2021-09-01 10:00:00,2021-09-01 10:00:00,3\n";
        let all = answers(6) + revised;
        let (late, _) = read(&all);
        let brought = database.bring_in(late, &settings("town", &meaning)).unwrap();
        assert_eq!((brought.labels, brought.known, brought.volunteers), (121, 120, 3));
        let (at_once, _) = read(&all);
        database.bring_in(at_once, &settings("at-once", &meaning)).unwrap();
        assert_eq!(map_of(database.rows("town", What::Tiles)), map_of(database.rows("at-once", What::Tiles)));
        let log = database.rows("town", What::Labels);
        assert_eq!(said(&log), said(&database.rows("at-once", What::Labels)));
        let revisions: Vec<_> = log.iter().filter(|row| row["revision"] == "2").collect();
        assert_eq!((revisions.len(), revisions[0]["is_current"].as_str(), log.len()), (1, "true", 241));
    }
}

#[test]
fn an_import_that_was_stopped_midway_is_a_draft_and_goes_on() {
    for database in databases() {
        let (mut broken, meaning) = read(&answers_for(60, 300));
        // The last person answers one tile more often than anybody may: the batch that holds it fails, those before it
        // are stored already.
        let last = *broken.given.last().unwrap();
        broken.given.extend((1..600).map(|more| {
            let mut again = last;
            (again.at, again.answer) = (last.at + more, (more % 2) as u8);
            again
        }));
        let refused = database.bring_in(broken, &settings("town", &meaning)).unwrap_err();
        assert!(matches!(&refused, Error::Conflict(reason) if reason.contains("more than 500 times")), "{refused}");
        let campaign = database.campaign("town");
        assert_eq!((campaign.state, campaign.model), (CampaignState::Draft, 0));
        let stored = database.rows("town", What::Labels).len();
        assert!((1..18_000).contains(&stored), "{stored}");

        let (whole, _) = read(&answers_for(60, 300));
        let brought = database.bring_in(whole, &settings("town", &meaning)).unwrap();
        assert_eq!((brought.known, brought.labels), (stored as u64, 18_000 - stored as u64));
        assert_eq!(database.campaign("town").state, CampaignState::Closed);
        let (at_once, _) = read(&answers_for(60, 300));
        database.bring_in(at_once, &settings("at-once", &meaning)).unwrap();
        assert_eq!(map_of(database.rows("town", What::Tiles)), map_of(database.rows("at-once", What::Tiles)));
    }
}

#[test]
fn another_meaning_or_a_campaign_of_our_own_is_refused() {
    let database = databases().remove(0);
    let (project, meaning) = read(&answers(3));
    database.bring_in(project, &settings("town", &meaning)).unwrap();
    let other = Meaning::of_mapswipe("change2", &[("2".into(), "unsure".into())]).unwrap();
    let refused = database.bring_in(read(&answers(3)).0, &settings("town", &other)).unwrap_err().to_string();
    assert!(refused.contains("meant something else before") && refused.contains("maybe"), "{refused}");

    let work = tempfile::tempdir().unwrap();
    database.must(work.path(), &["campaign", "create", "ours", "--title", "Ours"]);
    let refused = database.bring_in(read(&answers(3)).0, &settings("ours", &meaning)).unwrap_err().to_string();
    assert!(refused.contains("`ours`") && refused.contains("choose another name"), "{refused}");
    assert_eq!(database.campaign("ours").state, CampaignState::Draft);
    let refused = database.run(work.path(), &["campaign", "open", "town"]);
    assert!(!refused.status.success() && String::from_utf8_lossy(&refused.stderr).contains("no pictures to label"));
}

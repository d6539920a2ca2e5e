//! What a coordinator watches, and what everybody may know of a campaign's progress.

use aftermap::domain::campaign::CampaignState;
use aftermap::domain::consensus::TileState;
use aftermap::services::Error;
use aftermap::services::oversight::statistics::{Progress, Statistics, progress, statistics};
use aftermap::storage::labelling::leases;
use aftermap::storage::{campaigns, schema};
use diesel::prelude::*;

use crate::helpers::*;

fn count(town: &Database, now: i64) -> Statistics {
    town.store.read_snapshot(|conn| statistics(conn, &town.campaign(), now)).unwrap()
}

fn seen(town: &Database) -> Progress {
    town.store.read_snapshot(|conn| Ok::<_, Error>(progress(conn, &town.campaign(), false, NOW)?)).unwrap()
}

#[test]
fn every_number_is_exact() {
    for town in towns() {
        let now = count(&town, NOW);
        let tiles: Vec<u64> = now.tiles.iter().map(|(_, count)| *count).collect();
        assert_eq!(now.tiles[0].0, TileState::Open);
        assert_eq!(tiles, [2, 2, 1, 2, 0], "{}", town.name);
        assert_eq!((now.labels, now.labels_counted, now.labels_surplus, now.labels_gold), (10, 8, 1, 1));
        assert_eq!(now.labels_per_closed_tile, Some(7.0 / 3.0));
        assert_eq!((now.volunteers, now.volunteers_active, now.open_leases), (3, 1, 0));
        let answers: Vec<(&str, u64)> = now.answers.iter().map(|(key, count)| (key.as_str(), *count)).collect();
        let expected = [("no_visible_damage", 4), ("damaged", 1), ("destroyed", 2), ("unsure", 0), ("bad_imagery", 1)];
        assert_eq!(answers, expected);
        // Two of six ordered pairs agree on the first tile, six of six on the one that just closed.
        assert_eq!(now.agreement, Some(8.0 / 12.0));
        assert_eq!((now.model, now.fitted_at, now.as_of), (0, None, NOW));
    }
}

#[test]
fn the_timeline_sums_up_to_the_totals() {
    for town in towns() {
        for now in [NOW, NOW + DAY, NOW + 400 * DAY] {
            let all = count(&town, now);
            assert!(all.timeline.len() <= 60 && all.timeline[0].from <= OPENED);
            assert_eq!(all.timeline.iter().map(|point| point.labels).sum::<u64>(), all.labels);
            assert_eq!(all.timeline.iter().map(|point| point.tiles_closed).sum::<u64>(), 3);
            let steps: Vec<i64> = all.timeline.windows(2).map(|pair| pair[1].from - pair[0].from).collect();
            assert!(steps.iter().all(|&step| step == all.interval_seconds as i64 * 1_000));
        }
        let all = count(&town, NOW);
        assert_eq!(all.interval_seconds, 2 * 3_600);
        assert_eq!((all.timeline.len(), all.timeline[0].labels, all.timeline[1].labels), (37, 1, 1));
    }
}

#[test]
fn tiles_that_all_active_people_have_labelled_wait_for_new_eyes() {
    for town in towns() {
        let waiting = |now| count(&town, now).waits.for_new_eyes;
        // Only Omar was here in the last hour, and he labelled neither open tile.
        assert_eq!(waiting(NOW), 0);
        assert_eq!(waiting(NOW + DAY), 0, "nobody is active");
        town.write(|conn| add_label(conn, omar(2)));
        assert_eq!(waiting(NOW), 1);
        // He skips the other one.
        town.write(|conn| {
            let lease = &leases::grant(conn, CAMPAIGN, 503, &[6], (NOW - 1, NOW + HOUR))?[0];
            leases::end(conn, lease.id, "skipped", NOW)
        });
        assert_eq!(waiting(NOW), 2);
        // Somebody else comes who has seen neither.
        town.write(|conn| {
            add_volunteer(conn, 504, None)?;
            aftermap::storage::labelling::participations::add(conn, CAMPAIGN, 504, Default::default(), NOW)
        });
        assert_eq!(waiting(NOW), 0);
        // Who is excluded cannot help.
        town.write(|conn| {
            use schema::exclusions as e;
            let who = (e::id.eq(1), e::campaign_id.eq(CAMPAIGN), e::volunteer_id.eq(504), e::kind.eq("excluded"));
            let why = (e::reason.eq("spam"), e::created_by.eq(501), e::created_at.eq(NOW));
            diesel::insert_into(e::table).values((who, why)).execute(conn)
        });
        assert_eq!(waiting(NOW), 2);
    }
}

#[test]
fn a_withdrawn_tile_that_all_have_seen_waits_for_nobody() {
    for town in towns() {
        town.write(|conn| add_label(conn, omar(2)));
        assert_eq!(count(&town, NOW).waits.for_new_eyes, 1);
        town.write(|conn| {
            use schema::queue as q;
            diesel::update(q::table.find(2)).set((q::withdrawn.eq(true), q::available.eq(false))).execute(conn)
        });
        assert_eq!(count(&town, NOW).waits.for_new_eyes, 0, "nobody is to look at it");
        town.write(|conn| {
            use schema::queue as q;
            diesel::update(q::table.find(2)).set((q::withdrawn.eq(false), q::lacks_pictures.eq(true))).execute(conn)
        });
        assert_eq!(count(&town, NOW).waits.for_new_eyes, 0, "there is nothing to compare");
    }
}

#[test]
fn whoever_has_not_seen_the_last_scene_has_new_eyes() {
    for town in towns() {
        town.write(|conn| add_label(conn, omar(2)));
        town.write(|conn| {
            use schema::current_labels as c;
            let aside = (c::counted.eq(false), c::censored.eq("counted"));
            diesel::update(c::table.find((2, 503))).set(aside).execute(conn)
        });
        assert_eq!(count(&town, NOW).waits.for_new_eyes, 0);
    }
}

fn omar(tile: i64) -> Given {
    Given { number: 50, tile, volunteer: 503, revision: 1, answer: 0, window: None, at: NOW - 1, counted: true }
}

#[test]
fn a_tile_in_somebodys_hands_does_not_wait() {
    for town in towns() {
        town.write(|conn| {
            add_label(conn, omar(2))?;
            leases::grant(conn, CAMPAIGN, 501, &[2], (NOW - 1, NOW + HOUR))?;
            use schema::queue as q;
            diesel::update(q::table.find(2)).set((q::leased.eq(1), q::available.eq(true))).execute(conn)
        });
        let now = count(&town, NOW);
        assert_eq!((now.open_leases, now.waits.for_new_eyes), (1, 0));
        assert_eq!(count(&town, NOW + HOUR).open_leases, 0, "it ran out");
    }
}

#[test]
fn progress_counts_what_closed_ten_minutes_ago_and_secret_gold_once_the_campaign_is_over() {
    for town in towns() {
        let seen = |sees_all, now| {
            let count = |conn: &mut _| Ok::<_, Error>(progress(conn, &town.campaign(), sees_all, now)?);
            town.store.read_snapshot(count).unwrap()
        };
        let closed =
            |closed: u64| Progress { tiles: 7, open: 7 - closed, closed, contested: 1, share: closed as f64 / 7.0 };
        // Tile 3 closed a minute ago, and tile 5 is check gold in use.
        assert_eq!((seen(false, NOW), seen(true, NOW)), (closed(3), closed(5)));
        assert_eq!(seen(false, NOW + 9 * 60_000 - 1), closed(3));
        assert_eq!(seen(false, NOW + 9 * 60_000), closed(4));
        town.write(|conn| campaigns::set_state(conn, &campaign(), CampaignState::Closed, NOW));
        assert_eq!((seen(false, NOW), seen(false, NOW + 9 * 60_000)), (closed(4), closed(5)));
    }
}

#[test]
fn a_campaign_without_anything_has_zeros_and_no_ratios() {
    for database in databases() {
        database.write(|conn| campaigns::insert(conn, &campaign()));
        let now = count(&database, NOW);
        assert_eq!((now.labels, now.volunteers, now.waits.for_new_eyes), (0, 0, 0));
        assert_eq!((now.labels_per_closed_tile, now.agreement), (None, None));
        assert_eq!((now.timeline.len(), now.interval_seconds), (1, 60));
        assert_eq!(seen(&database), Progress { tiles: 0, open: 0, closed: 0, contested: 0, share: 0.0 });
    }
}

//! The label log, the volunteers and the history.

use aftermap::domain::damage_map::{Cuts, Sight, What};
use aftermap::domain::label::Window;
use aftermap::storage::{campaigns, schema};
use diesel::prelude::*;

use crate::helpers::*;

const NONE: Cuts = Cuts { min_probability: None, damaged_if: None };

#[test]
fn the_log_has_one_row_for_each_revision_in_the_order_of_receipt() {
    for town in towns() {
        let text = town.export(What::Labels, "csv", NONE, Sight::Researcher);
        let header = "campaign,tile_id,volunteer,label_id,revision,is_current,answer,answer_code,date_before,date_after,\
            leased_at,received_at,seconds,is_gold,counted,surplus,censored,last_scene,flags,weight,guest,client,app_version";
        assert_eq!(text.split("\r\n").next(), Some(header));
        let rows = town.rows(What::Labels, NONE, Sight::Researcher);
        assert_eq!(rows.len(), 11);
        assert!(rows.is_sorted_by_key(|row| (row["received_at"].clone(), row["label_id"].clone())));
        let first = [
            ("tile_id", SETTLED),
            ("label_id", "00000000-0000-0000-0000-000000000001"),
            ("revision", "1"),
            ("is_current", "true"),
            ("answer", "destroyed"),
            ("answer_code", "2"),
            ("date_before", ""),
            ("leased_at", "2024-10-04T00:59:00.000Z"),
            ("received_at", "2024-10-04T01:00:00.000Z"),
            ("seconds", "4.5"),
            ("is_gold", "false"),
            ("counted", "true"),
            ("surplus", "false"),
            ("weight", "1"),
            ("guest", "true"),
            ("client", "'=web"),
            ("app_version", "1.2"),
        ];
        for (column, expected) in first {
            assert_eq!(rows[0][column], expected, "{column} on {}", town.name);
        }
    }
}

#[test]
fn an_answer_that_was_changed_is_history() {
    for town in towns() {
        let rows = town.rows(What::Labels, NONE, Sight::Researcher);
        let of = |number: u32| rows.iter().find(|row| row["label_id"].ends_with(&format!("{number:012x}"))).unwrap();
        let standing = |number| {
            let row = of(number);
            [&*row["revision"], &*row["is_current"], &*row["counted"], &*row["surplus"], &*row["is_gold"]]
        };
        assert_eq!(standing(2), ["1", "false", "false", "false", "false"]);
        assert_eq!(standing(3), ["2", "true", "true", "false", "false"]);
        assert_eq!(standing(10), ["1", "true", "false", "true", "false"]);
        // Gold has no places, so no label waits for one.
        assert_eq!(standing(11), ["1", "true", "false", "false", "true"]);
        assert_eq!(of(2)["volunteer"], of(3)["volunteer"]);
        assert_ne!(of(1)["volunteer"], of(2)["volunteer"]);
        assert_eq!((&*of(1)["guest"], &*of(2)["guest"]), ("true", "false"));
    }
}

#[test]
fn nobody_can_be_recognised_in_a_file_and_another_campaign_uses_other_names() {
    for town in towns() {
        for what in [What::Labels, What::Volunteers] {
            let text = town.export(what, "csv", NONE, Sight::Researcher);
            for secret in ["501", "502", "503", "layla", "omar"] {
                assert!(!text.contains(secret), "{secret} in {what}");
            }
        }
        let names = |town: &Database| -> Vec<String> {
            town.rows(What::Volunteers, NONE, Sight::Researcher)
                .into_iter()
                .map(|row| row["volunteer"].clone())
                .collect()
        };
        let before = names(&town);
        assert!(before.len() == 3 && before.is_sorted());
        town.write(|conn| {
            use schema::campaigns as c;
            diesel::update(c::table).set(c::pseudonym_key.eq(vec![8; 32])).execute(conn)
        });
        assert!(names(&town).iter().all(|name| !before.contains(name)));
    }
}

#[test]
fn a_window_is_printed_as_its_author_gave_it() {
    for town in towns() {
        town.write(|conn| {
            let window = Some(Window { last_intact: Some(11), first_damaged: None });
            let at = NOW - HOUR;
            let given =
                Given { number: 99, tile: 6, volunteer: 501, revision: 1, answer: 0, window, at, counted: true };
            add_label(conn, given)
        });
        let rows = town.rows(What::Labels, NONE, Sight::Researcher);
        let row = rows.iter().find(|row| row["tile_id"] == UNTOUCHED).unwrap();
        assert_eq!((&*row["date_before"], &*row["date_after"]), ("2024-09-04", ""));
    }
}

#[test]
fn labels_of_the_same_millisecond_are_all_there_over_many_pages() {
    for town in towns() {
        town.write(|conn| {
            for number in 0..4_500u128 {
                let volunteer = 1_000 + number as i64;
                add_volunteer(conn, volunteer, None)?;
                let given = Given {
                    number: 0xabc_0000 + number,
                    tile: 6,
                    volunteer,
                    revision: 1,
                    answer: 1,
                    window: None,
                    at: OPENED + 5 * HOUR,
                    counted: false,
                };
                add_label(conn, given)?;
            }
            Ok(())
        });
        let rows = town.rows(What::Labels, NONE, Sight::Researcher);
        let ids: std::collections::BTreeSet<&str> = rows.iter().map(|row| row["label_id"].as_str()).collect();
        assert_eq!((rows.len(), ids.len()), (4_511, 4_511), "{}", town.name);
        assert_eq!(town.tile(UNTOUCHED, NONE, Sight::Researcher)["surplus_labels"], "4500");
    }
}

#[test]
fn weights_and_gold_come_from_the_model_in_use() {
    for town in towns() {
        town.write(|conn| {
            use schema::{models as m, skills as s};
            let model = (m::campaign_id.eq(CAMPAIGN), m::number.eq(1), m::method.eq("weighted_share"));
            let rest = (m::method_version.eq("1"), m::tables.eq(vec![0u8]), m::labels.eq(8), m::gold_tiles.eq(1));
            let times = (m::identifiable.eq(true), m::labels_until.eq(NOW), m::fitted_at.eq(NOW));
            diesel::insert_into(m::table).values((model, rest, times)).execute(conn)?;
            let key = (s::campaign_id.eq(CAMPAIGN), s::model.eq(1), s::volunteer_id.eq(501), s::weight.eq(0.25));
            let counts = (s::accuracy.eq(0.9), s::labels.eq(4), s::gold_labels.eq(10), s::gold_correct.eq(8));
            diesel::insert_into(s::table).values((key, counts, s::tables.eq(vec![0u8]))).execute(conn)?;
            campaigns::set_model(conn, CAMPAIGN, 1)
        });
        let labels = town.rows(What::Labels, NONE, Sight::Researcher);
        assert_eq!((&*labels[0]["weight"], &*labels[1]["weight"]), ("0.25", ""));
        let volunteers = town.rows(What::Volunteers, NONE, Sight::Researcher);
        let known = volunteers.iter().find(|row| row["weight"] == "0.25").unwrap();
        assert_eq!((&*known["labels"], &*known["accuracy"], &*known["gold_correct"]), ("4", "0.8", "8"));
        assert!(known["accuracy_low"].parse::<f64>().unwrap() < 0.8 && known["excluded"] == "false");
        let json = town.export(What::Tiles, "geojson", NONE, Sight::Everybody);
        assert!(json.contains(r#""method":"weighted_share 1","model":1"#));
    }
}

#[test]
fn the_history_adds_up_day_by_day() {
    for town in towns() {
        let rows = town.rows(What::History, NONE, Sight::Researcher);
        let columns = ["day", "labels", "labels_cumulative", "tiles_closed", "active_volunteers", "new_volunteers"];
        let lines: Vec<String> = rows.iter().map(|row| columns.map(|column| row[column].as_str()).join(" ")).collect();
        // Both gold tiles closed when they were made, on the first day.
        assert_eq!(lines, ["2024-10-04 2 2 2 2 2", "2024-10-05 2 4 1 2 1", "2024-10-06 6 10 2 3 0"]);
        let progress: Vec<f64> = rows.iter().map(|row| row["progress"].parse().unwrap()).collect();
        assert_eq!(progress, [2.0 / 7.0, 3.0 / 7.0, 5.0 / 7.0]);
    }
}

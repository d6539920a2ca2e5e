//! Downloads in the columns of other systems: under the same addresses, and for the same people as our own.

use aftermap::domain::campaign::{ReleaseLevel, Visibility};
use aftermap::domain::volunteer::Role;

use crate::helpers::on_each_database;

fn file(slug: &str, file: &str) -> String {
    format!("/api/v1/campaigns/{slug}/exports/{file}")
}

#[tokio::test]
async fn files_of_other_systems_follow_the_release_level_and_the_role() {
    on_each_database(async |app| {
        app.campaign("kept", Visibility::Public, ReleaseLevel::Private).await;
        app.public_campaign("free").await;
        let (stranger, researcher) = (app.browser(), app.signed_in_as(Role::Researcher, "kept").await);
        let of_people = [
            ("results_{}.csv.gz", "mapswipe"),
            ("users_{}.csv.gz", "mapswipe"),
            ("history_{}.csv", "mapswipe"),
            ("classifications.csv", "zooniverse"),
            ("question_extractor_extractions.csv", "zooniverse"),
        ];
        let of_places = [
            ("tasks_{}.csv.gz", "mapswipe"),
            ("yes_maybe_{}.geojson", "mapswipe"),
            ("subjects.csv", "zooniverse"),
            ("question_reducer_reductions.csv", "zooniverse"),
        ];
        let address = |slug: &str, (name, system): (&str, &str)| {
            file(slug, &format!("{}?compat={system}", name.replace("{}", slug)))
        };
        for one in of_people {
            stranger.get(&address("free", one)).await.refused(401, "unauthorized");
            researcher.get(&address("free", one)).await.refused(403, "forbidden");
            assert_eq!(researcher.get(&address("kept", one)).await.status, 200, "{one:?}");
        }
        for one in of_places {
            assert_eq!(stranger.get(&address("free", one)).await.status, 200, "{one:?}");
            stranger.get(&address("kept", one)).await.refused(401, "unauthorized");
            assert_eq!(researcher.get(&address("kept", one)).await.status, 200, "{one:?}");
        }
        // Whoever sees area cells only gets no tile, in whichever columns.
        app.campaign("coarse", Visibility::Public, ReleaseLevel::Coarsened).await;
        for one in of_people.into_iter().chain(of_places) {
            stranger.get(&address("coarse", one)).await.refused(401, "unauthorized");
        }
        let subjects = stranger.get(&file("free", "subjects.csv?compat=zooniverse")).await;
        assert_eq!(subjects.text.lines().count(), 13, "{}", subjects.text);
        // Of open tiles nobody below researcher learns more than that they are there.
        let reductions = stranger.get(&file("free", "question_reducer_reductions.csv?compat=zooniverse")).await;
        assert_eq!(reductions.text.lines().count(), 1, "{}", reductions.text);
    })
    .await;
}

#[tokio::test]
async fn a_packed_file_is_sent_as_it_is_and_not_twice() {
    on_each_database(async |app| {
        app.public_campaign("free").await;
        let (nobody, tasks) = (app.browser(), file("free", "tasks_free.csv.gz?compat=mapswipe"));
        let accepts = [("accept-encoding", "gzip")];
        let first = nobody.send(reqwest::Method::GET, &tasks, &accepts, None).await;
        assert_eq!((first.status.as_u16(), first.header("content-type")), (200, "application/gzip"));
        assert_ne!(first.header("content-encoding"), "gzip", "else it would be unpacked on its way");
        assert_eq!(first.header("content-disposition"), "attachment; filename=\"tasks_free.csv.gz\"");
        let tag = first.header("etag").to_owned();
        let again = nobody.send(reqwest::Method::GET, &tasks, &[("if-none-match", &tag)], None).await;
        assert_eq!(again.status.as_u16(), 304);
    })
    .await;
}

#[tokio::test]
async fn other_files_and_filters_are_refused() {
    on_each_database(async |app| {
        app.public_campaign("free").await;
        let nobody = app.browser();
        for name in ["tiles.csv", "tasks_other.csv.gz", "tasks_free.csv", "subjects.csv"] {
            let refused = nobody.get(&file("free", &format!("{name}?compat=mapswipe"))).await.refused(404, "not_found");
            assert!(refused["detail"].as_str().unwrap().contains("agg_results_by_task_free.csv.gz"), "{refused}");
        }
        for query in
            ["compat=tomnod", "compat=", "compat", "compat=mapswipe&bbox=1,2,3,4", "compat=mapswipe&compat=zooniverse"]
        {
            let reply = nobody.get(&file("free", &format!("yes_maybe_free.geojson?{query}"))).await;
            assert_eq!(reply.status.as_u16(), 400, "{query}: {}", reply.text);
        }
    })
    .await;
}

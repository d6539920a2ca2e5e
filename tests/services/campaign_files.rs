//! A campaign file writes texts, policy and settings: all or nothing, and again without any change.

use aftermap::domain::campaign::{Campaign, CampaignState, Visibility};
use aftermap::domain::gold::GoldKind;
use aftermap::services::Error;
use aftermap::services::campaigns::apply_campaign::apply_campaign;
use aftermap::services::campaigns::campaign_file::CampaignFile;
use aftermap::services::campaigns::change_state::find;
use aftermap::services::campaigns::texts;
use aftermap::services::gold::import_gold::{GoldAnswer, import_gold};
use aftermap::storage::schema::{audit_log, campaigns, queue};
use diesel::prelude::*;

use crate::support;
use crate::town::{NOON, Town, policy, towns};

async fn apply(town: &Town, text: &str) -> Result<Vec<String>, String> {
    let file = CampaignFile::parse(text).map_err(|error| error.to_string())?;
    let done = town.store.write(move |conn| apply_campaign(conn, &file, None, NOON));
    done.await.map(|done| done.changed).map_err(|error: Error| error.to_string())
}

async fn campaign(town: &Town) -> Campaign {
    town.run(|conn| find(conn, "town")).await
}

/// Back to a draft, as before the opening.
async fn draft(town: &Town) {
    town.run(|conn| {
        diesel::update(campaigns::table).set(campaigns::state.eq(CampaignState::Draft.key())).execute(conn)?;
        Ok(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_example_of_the_documentation_is_applied_once() {
    let example = std::fs::read_to_string(support::root().join("docs/campaign.example.toml")).unwrap();
    let example = example.replace("slug = \"example\"", "slug = \"town\"");
    for town in towns(3, policy()).await {
        draft(&town).await;
        let changed = apply(&town, &example).await.unwrap();
        for one in ["licence", "policy.practice_required", "texts.en.title", "texts.fr.guide.destroyed"] {
            assert!(changed.iter().any(|name| name == one), "{one} in {changed:?}");
        }
        let acts = town.run(|conn| Ok(audit_log::table.count().get_result::<i64>(conn)?)).await;
        assert_eq!(apply(&town, &example).await, Ok(vec![]), "again changes nothing");
        let later = town.run(|conn| Ok(audit_log::table.count().get_result::<i64>(conn)?)).await;
        assert_eq!(later, acts, "and leaves no trace");
        let after = campaign(&town).await;
        assert!(after.policy.practice_required && after.licence.as_deref() == Some("CC-BY-4.0"));
        let read = after.clone();
        let french = town.run(move |conn| texts::read(conn, &read, &["fr".into()])).await;
        assert!(french.texts.title.starts_with("Exemple") && french.texts.help_lines.contains("example.org"));
        let guide = town.run(move |conn| texts::guide(conn, &after, "fr")).await;
        assert!(guide[2].contains("décombres") && guide[1].contains("roof"), "French where there is French: {guide:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_changes_what_it_names_and_nothing_else() {
    for town in towns(2, policy()).await {
        apply(&town, "slug = \"town\"\n[texts.en]\npurpose = \"Why\"\n[policy]\ngold_share = 0.2\n").await.unwrap();
        let before = campaign(&town).await;
        let changed = apply(&town, "slug = \"town\"\n[texts.en]\nnews = \"A map\"\n").await;
        assert_eq!(changed, Ok(vec!["texts.en.news".into()]));
        let after = campaign(&town).await;
        assert_eq!((after.texts.purpose.as_str(), after.texts.news.as_str()), ("Why", "A map"));
        assert_eq!((&after.texts.title, &after.policy), (&before.texts.title, &before.policy));
        assert_eq!(after.policy.gold_share, 0.2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_decides_tiles_is_fixed_once_a_campaign_is_open() {
    for town in towns(2, policy()).await {
        let minimum = "slug = \"town\"\n[policy]\nminimum = 5\n";
        let refusal = apply(&town, minimum).await.unwrap_err();
        assert!(refusal.contains("policy") && refusal.contains("open") && refusal.contains("labels"), "{refusal}");
        let refusal =
            apply(&town, "slug = \"town\"\nlanguage = \"fr\"\n[texts.fr]\ntitle = \"T\"\n").await.unwrap_err();
        assert!(refusal.contains("language") && refusal.contains("can no longer change"), "{refusal}");
        let open = "slug = \"town\"\nvisibility = \"private\"\n[policy]\nleaderboard = true\nminimum = 3\n";
        assert_eq!(apply(&town, open).await, Ok(vec!["visibility".into(), "policy.leaderboard".into()]));
        assert_eq!(campaign(&town).await.visibility, Visibility::Private);
        draft(&town).await;
        assert_eq!(apply(&town, minimum).await, Ok(vec!["policy.minimum".into()]));
        let needed = town.run(|conn| Ok(queue::table.select(queue::needed).load::<i16>(conn)?)).await;
        assert_eq!(needed, [5, 5], "the tiles of a draft ask for as many");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_practice_gold_may_be_shown_in_a_text() {
    for town in towns(6, policy()).await {
        let gold =
            |tile: &str| GoldAnswer { tile_id: tile.into(), answer: "destroyed".into(), ..GoldAnswer::default() };
        let (practice, check) = (vec![gold("b0")], vec![gold("b1")]);
        town.run(move |conn| {
            import_gold(conn, "town", GoldKind::Practice, &practice, NOON)?;
            import_gold(conn, "town", GoldKind::Check, &check, NOON)
        })
        .await;
        let shows = |tile: &str| format!("slug = \"town\"\n[texts.en]\nintroduction = \"![a](tile:{tile})\"\n");
        assert!(apply(&town, &shows("b0")).await.is_ok());
        let refusal = async |tile: &str| apply(&town, &shows(tile)).await.unwrap_err().replace(tile, "?");
        let ordinary = refusal("b2").await;
        assert!(ordinary.contains("texts.en.introduction") && ordinary.contains("practice gold"), "{ordinary}");
        assert_eq!(
            (refusal("b1").await, refusal("nowhere").await),
            (ordinary.clone(), ordinary),
            "check gold reads alike"
        );
        let guide = "slug = \"town\"\n[texts.en.guide]\ndestroyed = \"![a](tile:b1)\"\n";
        assert!(apply(&town, guide).await.unwrap_err().contains("texts.en.guide.destroyed"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_with_a_mistake_changes_nothing() {
    for town in towns(2, policy()).await {
        let before = campaign(&town).await;
        let long = "x".repeat(20_001);
        for (wrong, names) in [
            ("[texts.en.guide]\ncollapsed = \"a\"", "texts.en.guide.collapsed"),
            ("[texts.en]\ntitle = \"\"", "title"),
            ("[texts.english]\ntitle = \"a\"", "language"),
            ("[policy]\ngold_share = 3.0", "policy.gold_share"),
            ("[policy]\nlease_seconds = \"long\"", "line 5"),
            (&format!("[texts.en]\nnews = \"{long}\""), "texts.en.news"),
        ] {
            let text = format!("slug = \"town\"\nlicence = \"X\"\n\n{wrong}\n");
            let refusal = apply(&town, &text).await.unwrap_err();
            assert!(refusal.contains(names), "{wrong}: {refusal}");
            assert_eq!(campaign(&town).await, before, "{wrong}");
        }
        assert!(apply(&town, "slug = \"city\"\n").await.unwrap_err().contains("`city`"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_setting_is_held_against_the_campaigns_own_and_not_against_the_usual_ones() {
    for town in towns(1, policy()).await {
        draft(&town).await;
        assert!(apply(&town, "slug = \"town\"\n[policy]\nmaximum = 20\n").await.is_ok());
        let twelve = "slug = \"town\"\n[policy]\nminimum = 12\n";
        assert!(apply(&town, twelve).await.is_ok(), "twelve is more than the usual maximum");
        assert_eq!(campaign(&town).await.policy.minimum, 12);
        let refusal = apply(&town, "slug = \"town\"\n[policy]\nmaximum = 11\n").await.unwrap_err();
        assert!(refusal.contains("policy."), "{refusal}");
    }
}

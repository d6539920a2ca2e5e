//! The second demo: the synthetic town on eight dates of one year, with practice, check gold and texts in five languages.

use std::collections::BTreeMap;
use std::path::Path;

use chrono::NaiveDate;

use super::super::Refused;
use super::super::ingest::watch;
use super::{DEMO_TIMELINE, synthetic_scene};
use crate::domain::campaign::CampaignState;
use crate::domain::gold::GoldKind;
use crate::imagery::Archives;
use crate::imagery::synthetic::{SyntheticTown, TownOptions};
use crate::services::campaigns::apply_campaign::apply_campaign;
use crate::services::campaigns::campaign_file::CampaignFile;
use crate::services::campaigns::change_state::change_state;
use crate::services::campaigns::create_campaign::{NewCampaign, create_campaign};
use crate::services::gold::import_gold::{GoldAnswer, import_gold};
use crate::services::scenes::ingest::ingest;
use crate::services::{Error, clock};
use crate::storage::{Conn, Store, campaigns};

/// What people read about it.
const TEXTS: &str = include_str!("timeline.toml");
/// Side of the town, metres: small, because it is drawn eight times.
const SIZE_M: f64 = 400.0;
/// Practice tiles of each class; half of them become examples in the field guide.
const PRACTICE: usize = 4;
/// One of so many other buildings is check gold.
const GOLD_EVERY: usize = 12;
/// Buildings are looked at in strides of so many.
const STRIDE: usize = 7;
/// The picture with clouds, by its place; nobody is measured by what happened just before or behind them.
const CLOUDY: usize = 3;

/// Makes the timeline demo unless it is there; each step that was done before changes nothing.
pub async fn prepare(seed: u64, data: &Path, store: &Store, archives: &Archives) -> Result<(), Refused> {
    let state =
        store.read(|conn| Ok::<_, Error>(campaigns::find(conn, DEMO_TIMELINE)?.map(|found| found.state))).await?;
    if state.is_some_and(|state| state != CampaignState::Draft) {
        return Ok(());
    }
    let folder = data.join(DEMO_TIMELINE);
    let town = tokio::task::spawn_blocking(move || SyntheticTown::draw(seed, options(), &folder)).await??;
    if state.is_none() {
        store.write(|conn| create_campaign(conn, &new_campaign(), None, clock::now_ms())).await?;
    }
    for scene in &town.scenes {
        let new = synthetic_scene(&town, scene, format!("Synthetic town, {}", scene.captured))?;
        ingest(store, archives, DEMO_TIMELINE, new, watch()).await?;
    }
    let truth = read_truth(&town.truth)?;
    let (practice, check) = choose(&truth, &options().dates);
    let file = CampaignFile::parse(&with_examples(&practice))?;
    let finish = move |conn: &mut Conn| {
        let now = clock::now_ms();
        import_gold(conn, DEMO_TIMELINE, GoldKind::Practice, &practice, now)?;
        import_gold(conn, DEMO_TIMELINE, GoldKind::Check, &check, now)?;
        apply_campaign(conn, &file, None, now)?;
        change_state(conn, DEMO_TIMELINE, CampaignState::Open, None, now)
    };
    store.write(finish).await?;
    Ok(())
}

fn options() -> TownOptions {
    let day = |month, day| NaiveDate::from_ymd_opt(2025, month, day);
    let dates = [day(2, 8), day(3, 14), day(4, 20), day(5, 9), day(6, 12), day(7, 3), day(8, 16), day(9, 24)];
    TownOptions {
        size_m: SIZE_M,
        dates: dates.into_iter().flatten().collect(),
        damaged_share: 0.25,
        destroyed_share: 0.25,
        clouds: (0..dates.len()).map(|place| if place == CLOUDY { 2 } else { 0 }).collect(),
        slide_m: 1.5,
    }
}

fn new_campaign() -> NewCampaign {
    // The file brings the texts; the title is what a campaign cannot be without.
    let draft = NewCampaign::new(DEMO_TIMELINE, "Demo: when was it destroyed?");
    NewCampaign { licence: Some("CC0-1.0".into()), synthetic: true, ..draft }
}

fn read_truth(path: &Path) -> Result<Vec<GoldAnswer>, Refused> {
    let mut truth = Vec::new();
    for record in csv::Reader::from_path(path)?.into_records() {
        let record = record?;
        let cell = |place: usize| record.get(place).unwrap_or_default().to_owned();
        let filled = |place: usize| Some(cell(place)).filter(|text| !text.is_empty());
        truth.push(GoldAnswer {
            tile_id: cell(0),
            answer: cell(1),
            explanation: String::new(),
            last_intact: filled(2),
            first_damaged: filled(3),
            ..GoldAnswer::default()
        });
    }
    Ok(truth)
}

/// Practice gold, the same number of each class, and check gold out of the other buildings.
fn choose(truth: &[GoldAnswer], dates: &[NaiveDate]) -> (Vec<GoldAnswer>, Vec<GoldAnswer>) {
    // A cloud may hide when these were hit.
    let unclear: Vec<String> =
        [CLOUDY, CLOUDY + 1].iter().filter_map(|&place| Some(dates.get(place)?.to_string())).collect();
    let clear = |one: &&GoldAnswer| one.first_damaged.as_ref().is_none_or(|day| !unclear.contains(day));
    let (mut practice, mut others) = (Vec::new(), Vec::new());
    let mut taken: BTreeMap<&str, usize> = BTreeMap::new();
    // Neighbours are hit together: far apart, buildings differ in when.
    let apart = (0..STRIDE).flat_map(|start| truth.iter().skip(start).step_by(STRIDE));
    for one in apart.filter(clear) {
        let count = taken.entry(&one.answer).or_default();
        if *count < PRACTICE {
            *count += 1;
            practice.push(GoldAnswer { explanation: explanation(one), ..one.clone() });
        } else {
            others.push(one);
        }
    }
    let explained = |one: &GoldAnswer| GoldAnswer { explanation: explanation(one), ..one.clone() };
    let check = others.into_iter().step_by(GOLD_EVERY).map(explained).collect();
    (practice, check)
}

fn explanation(one: &GoldAnswer) -> String {
    let (intact, damaged) = (one.last_intact.as_deref().unwrap_or("?"), one.first_damaged.as_deref().unwrap_or("?"));
    match one.answer.as_str() {
        "destroyed" => format!(
            "On {intact} the roof is whole and casts a sharp shadow. On {damaged} there is only **rubble, and the \
             shadow is gone**: that is *destroyed*, between these two days."
        ),
        "damaged" => format!(
            "On {intact} the roof is whole. From {damaged} on **part of it is missing**, but the walls still stand and \
             cast a shadow: that is *damaged*, not destroyed."
        ),
        _ => format!(
            "Roof and shadow are the same up to {intact}, the last picture. The light and the plants around it change \
             with the season; that is no damage."
        ),
    }
}

/// The texts, with an example of each class where they show one.
fn with_examples(practice: &[GoldAnswer]) -> String {
    practice.iter().fold(TEXTS.to_owned(), |text, one| text.replace(&format!("{{{}}}", one.answer), &one.tile_id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_texts_are_there_in_five_languages_with_every_answer_explained() {
        let file = CampaignFile::parse(TEXTS).unwrap();
        assert_eq!(file.texts.keys().collect::<Vec<_>>(), ["ar", "en", "es", "fr", "uk"]);
        for (language, texts) in &file.texts {
            let given = [&texts.title, &texts.purpose, &texts.introduction, &texts.instructions, &texts.care_notice];
            assert!(given.iter().all(|text| text.as_ref().is_some_and(|text| !text.is_empty())), "{language}");
            assert_eq!(texts.guide.len(), 5, "{language}");
        }
    }
}

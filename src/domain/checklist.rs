//! What should be there before a campaign opens: pure rules over what is known of a draft.

use serde::Serialize;
use utoipa::ToSchema;

pub use super::check_reason::Reason;
use super::words::words;

words! {
    /// How it stands with one thing.
    ItemState {
        /// As it should be.
        Ok = "ok",
        /// The campaign may open, but somebody will miss it.
        Warning = "warning",
        /// The campaign cannot open.
        Blocking = "blocking",
    }
}

words! {
    /// The step of the set-up at which a thing is mended.
    Step {
        /// Pictures, their dates and credits.
        Scenes = "scenes",
        /// Cells or footprints, zoom, area.
        Tiles = "tiles",
        /// What people read.
        Texts = "texts",
        /// When a tile is done.
        Policy = "policy",
        /// Practice and check gold.
        Training = "training",
        /// Who may have the map, and its licence.
        Release = "release",
        /// Work in the background.
        Jobs = "jobs",
    }
}

/// One thing on the list.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Item {
    /// Its name, by which pages translate it.
    pub key: &'static str,
    /// How it stands.
    pub state: ItemState,
    /// The reason as a word, by which pages say it in other languages.
    pub reason: Reason,
    /// The reason, in English.
    pub detail: String,
    /// Where to mend it.
    pub mend: Step,
    /// The numbers in the reason.
    #[schema(value_type = Object)]
    pub figures: std::collections::BTreeMap<&'static str, i64>,
    /// The names in the reason: titles of scenes, codes of languages or keys of answers.
    pub names: Vec<String>,
}

/// A scene as the list looks at it.
#[derive(Debug, Clone, Default)]
pub struct SceneFacts {
    /// Its name.
    pub title: String,
    /// When it was taken.
    pub captured: (i64, i64),
    /// Whether licence and credit line are there.
    pub credited: bool,
}

/// What is known of a draft.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// Scenes by date.
    pub scenes: Vec<SceneFacts>,
    /// Scenes that do not line up with the first: title, and a sentence on what to know.
    pub misaligned: Vec<(String, String)>,
    /// Tiles to label.
    pub tiles: i64,
    /// Jobs that wait or run.
    pub jobs: usize,
    /// Texts in the campaign's own language: name and whether it is there.
    pub texts: Vec<(&'static str, bool)>,
    /// Answers of the scale without a word in the field guide.
    pub unexplained: usize,
    /// Texts that a language lacks and the campaign's own has: code and name, as `fr/introduction`.
    pub untranslated: Vec<String>,
    /// Answers after which skills are measured anew, and all answers that the campaign will take, by the estimate.
    pub refit: (u32, u64),
    /// Whether the campaign was opened: then pictures and tiles are what they are.
    pub opened: bool,
    /// Whether the map has a licence.
    pub licensed: bool,
    /// Whether everybody may have the map tile by tile.
    pub map_is_public: bool,
    /// Keys of classes without practice gold, and without check gold.
    pub without_practice: Vec<String>,
    /// The same for check gold.
    pub without_check: Vec<String>,
    /// Practice and check gold tiles.
    pub gold: (i64, i64),
    /// Whether tiles come only after the practice.
    pub practice_required: bool,
    /// Now, milliseconds since 1970.
    pub now: i64,
}

/// Measurements of skill that a campaign should see before it ends.
const REFITS: u64 = 5;
/// Fewer answers than this say little of anybody.
const LEAST_REFIT: u64 = 50;

/// The list, in the order of the set-up.
pub fn checklist(facts: &Facts) -> Vec<Item> {
    let mut items = match facts.opened {
        true => vec![credits(facts)],
        false => vec![scenes(facts), dates(facts), credits(facts), alignment(facts), tiles(facts), jobs(facts)],
    };
    items.extend(facts.texts.iter().map(|(key, there)| text(key, *there)));
    items.push(guide(facts));
    items.push(languages(facts));
    items.extend(refit(facts));
    items.extend([practice_gold(facts), check_gold(facts), licence(facts), release_level(facts)]);
    items
}

/// Whether nothing blocks.
pub fn is_ready(items: &[Item]) -> bool {
    items.iter().all(|item| item.state != ItemState::Blocking)
}

fn item(key: &'static str, mend: Step, state: ItemState, (reason, detail): (Reason, impl Into<String>)) -> Item {
    Item { key, state, reason, detail: detail.into(), mend, figures: Default::default(), names: Vec::new() }
}

fn counted(mut item: Item, name: &'static str, figure: usize) -> Item {
    item.figures.insert(name, figure as i64);
    item
}

fn named(mut item: Item, names: Vec<String>) -> Item {
    item.names = names;
    item
}

fn scenes(facts: &Facts) -> Item {
    let count = facts.scenes.len();
    let (state, reason, detail) = match count {
        0 | 1 => {
            let detail = "of the two scenes that a comparison needs: bring a picture of before and one of after";
            (ItemState::Blocking, Reason::TooFewScenes, format!("{count} {detail}"))
        }
        2 => (ItemState::Ok, Reason::Pair, "a pair: before and after".to_owned()),
        _ => (ItemState::Ok, Reason::Timeline, format!("a timeline of {count} scenes")),
    };
    counted(item("scenes", Step::Scenes, state, (reason, detail)), "scenes", count)
}

/// Two scenes of one moment cannot be put in order, and a date to come is a slip.
fn dates(facts: &Facts) -> Item {
    let at = |state, reason, detail: String, scenes: &[&SceneFacts]| {
        let names = scenes.iter().map(|scene| scene.title.clone()).collect();
        named(item("scene_dates", Step::Scenes, state, (reason, detail)), names)
    };
    let same = facts.scenes.windows(2).find(|pair| pair[0].captured == pair[1].captured);
    let overlap = facts.scenes.windows(2).find(|pair| pair[0].captured.1 >= pair[1].captured.0);
    let future = facts.scenes.iter().find(|scene| scene.captured.1 > facts.now + 86_400_000);
    match (same, future, overlap) {
        (Some([a, b]), ..) => {
            let detail =
                format!("`{}` and `{}` were taken at the same time: nobody knows which is before", a.title, b.title);
            at(ItemState::Blocking, Reason::SameTime, detail, &[a, b])
        }
        (_, Some(scene), _) => {
            let detail = format!("`{}` is dated in the future", scene.title);
            at(ItemState::Warning, Reason::InFuture, detail, &[scene])
        }
        (.., Some([a, b])) => {
            let detail = format!("the times of `{}` and `{}` overlap", a.title, b.title);
            at(ItemState::Warning, Reason::Overlap, detail, &[a, b])
        }
        _ => at(ItemState::Ok, Reason::InOrder, "the dates are in order".into(), &[]),
    }
}

fn credits(facts: &Facts) -> Item {
    let lacking: Vec<String> =
        facts.scenes.iter().filter(|scene| !scene.credited).map(|scene| scene.title.clone()).collect();
    let (state, reason, detail) = match lacking.is_empty() {
        true => (ItemState::Ok, Reason::Credited, "every scene says whose it is".to_owned()),
        false => {
            let detail = format!("licence or credit line is missing: {}", lacking.join(", "));
            (ItemState::Warning, Reason::Uncredited, detail)
        }
    };
    let made = item("scene_credits", Step::Scenes, state, (reason, detail));
    named(counted(made, "scenes", lacking.len()), lacking)
}

/// A shift that nobody knows of looks like damage along every wall.
fn alignment(facts: &Facts) -> Item {
    let (titles, sentences): (Vec<String>, Vec<String>) = facts.misaligned.iter().cloned().unzip();
    let (state, reason, detail) = match titles.is_empty() {
        true => (ItemState::Ok, Reason::Aligned, "no scene was found to lie beside the first".to_owned()),
        false => (ItemState::Warning, Reason::Misaligned, sentences.join("; ")),
    };
    let made = item("scene_alignment", Step::Scenes, state, (reason, detail));
    named(counted(made, "scenes", titles.len()), titles)
}

fn tiles(facts: &Facts) -> Item {
    let (state, reason, detail) = match facts.tiles {
        _ if facts.scenes.len() < 2 => {
            let detail = "tiles are cut where the first and the last scene overlap: bring both first";
            (ItemState::Blocking, Reason::TilesLater, detail.to_owned())
        }
        0 => {
            let detail = "no tile to label: the first and the last scene must overlap, inside the area";
            (ItemState::Blocking, Reason::NoTiles, detail.to_owned())
        }
        count => (ItemState::Ok, Reason::Tiles, format!("{count} tiles to label")),
    };
    counted(item("tiles", Step::Tiles, state, (reason, detail)), "tiles", facts.tiles.unsigned_abs() as usize)
}

fn jobs(facts: &Facts) -> Item {
    let (state, reason) = match facts.jobs {
        0 => (ItemState::Ok, (Reason::NoJobs, "nothing is being prepared any more")),
        _ => {
            let detail = "pictures or tiles are still being prepared: wait for it";
            (ItemState::Blocking, (Reason::JobsUnderWay, detail))
        }
    };
    counted(item("jobs", Step::Jobs, state, reason), "jobs", facts.jobs)
}

/// Only the title is needed to open; who looks at destroyed homes should know it before.
fn text(key: &'static str, there: bool) -> Item {
    let warning = |reason, detail| (ItemState::Warning, (reason, detail));
    let (state, reason) = match (there, key) {
        (true, _) => (ItemState::Ok, (Reason::Written, "written")),
        (false, "title") => (ItemState::Blocking, (Reason::NoTitle, "a campaign needs a title in its own language")),
        (false, "purpose") => warning(Reason::NoPurpose, "nobody is told what the work is for"),
        (false, "instructions") => warning(Reason::NoInstructions, "nobody is told how to answer"),
        (false, "care_notice") => warning(Reason::NoCareNotice, "nobody is warned of what they may see"),
        (false, "help_lines") => warning(Reason::NoHelpLines, "nobody is told where to find help"),
        (false, _) => warning(Reason::NotWritten, "not written"),
    };
    item(key, Step::Texts, state, reason)
}

fn guide(facts: &Facts) -> Item {
    let (state, reason, detail) = match facts.unexplained {
        0 => (ItemState::Ok, Reason::Explained, "the field guide explains every answer".to_owned()),
        count => (ItemState::Warning, Reason::Unexplained, format!("the field guide lacks {count} answers")),
    };
    counted(item("guide", Step::Texts, state, (reason, detail)), "answers", facts.unexplained)
}

fn languages(facts: &Facts) -> Item {
    let lacking = &facts.untranslated;
    let (state, reason, detail) = match lacking.is_empty() {
        true => (ItemState::Ok, Reason::AllLanguages, "every language has all texts".to_owned()),
        false => {
            let detail = format!("texts are missing: {}", lacking.join(", "));
            (ItemState::Warning, Reason::LanguagesLack, detail)
        }
    };
    named(item("languages", Step::Texts, state, (reason, detail)), lacking.clone())
}

/// With too few answers nobody's skill is ever measured, and all count alike to the end.
fn refit(facts: &Facts) -> Option<Item> {
    let (after, labels) = (u64::from(facts.refit.0), facts.refit.1);
    if labels == 0 || facts.opened {
        return None;
    }
    let better = (labels / REFITS).max(LEAST_REFIT).min(after);
    let (state, reason) = match after > labels / 2 && better < after {
        true => {
            let detail = format!("skills are measured after {after} answers, and about {labels} will come");
            (ItemState::Warning, (Reason::RefitLate, detail))
        }
        false => {
            let detail = format!("skills are measured every {after} answers, of about {labels}");
            (ItemState::Ok, (Reason::RefitInTime, detail))
        }
    };
    let mut made = item("policy", Step::Policy, state, reason);
    made.figures =
        [("refit_after", after), ("labels", labels), ("better", better)].map(|(name, n)| (name, n as i64)).into();
    Some(made)
}

fn practice_gold(facts: &Facts) -> Item {
    let lacking = &facts.without_practice;
    let (state, reason, detail) = match (facts.gold.0, facts.practice_required, lacking.is_empty()) {
        (0, true, _) => {
            let detail = "the practice is required, and has no tile".to_owned();
            (ItemState::Blocking, Reason::PracticeMissing, detail)
        }
        (0, false, _) => {
            let detail = "there is no practice: volunteers learn on real tiles".to_owned();
            (ItemState::Warning, Reason::NoPractice, detail)
        }
        (_, _, false) => {
            let detail = format!("no practice tile shows {}", lacking.join(", "));
            (ItemState::Warning, Reason::PracticeLacks, detail)
        }
        (count, ..) => (ItemState::Ok, Reason::Practice, format!("{count} practice tiles, every class among them")),
    };
    let made = item("practice_gold", Step::Training, state, (reason, detail));
    named(counted(made, "tiles", facts.gold.0.unsigned_abs() as usize), lacking.clone())
}

fn check_gold(facts: &Facts) -> Item {
    let lacking = &facts.without_check;
    let (state, reason, detail) = match (facts.gold.1, lacking.is_empty()) {
        (0, _) => {
            let detail = "there is no check gold: nobody's accuracy will be measured".to_owned();
            (ItemState::Warning, Reason::NoCheck, detail)
        }
        (_, false) => {
            let detail = format!("no check gold shows {}", lacking.join(", "));
            (ItemState::Warning, Reason::CheckLacks, detail)
        }
        (count, true) => (ItemState::Ok, Reason::Check, format!("{count} check gold tiles, every class among them")),
    };
    let made = item("check_gold", Step::Training, state, (reason, detail));
    named(counted(made, "tiles", facts.gold.1.unsigned_abs() as usize), lacking.clone())
}

fn licence(facts: &Facts) -> Item {
    let (state, reason) = match facts.licensed {
        true => (ItemState::Ok, (Reason::Licensed, "the map has a licence")),
        false => {
            let detail = "no licence: people who download the map will not know what they may do with it";
            (ItemState::Warning, (Reason::Unlicensed, detail))
        }
    };
    item("licence", Step::Release, state, reason)
}

fn release_level(facts: &Facts) -> Item {
    let reason = match facts.map_is_public {
        true => (Reason::ForEverybody, "everybody sees the map tile by tile: think of who might be harmed by it"),
        false => (Reason::NotForEverybody, "the map is not given out tile by tile"),
    };
    item("release_level", Step::Release, ItemState::Ok, reason)
}

#[cfg(test)]
#[path = "checklist_tests.rs"]
mod tests;

//! The figures of an imported campaign: what was answered, how much people agree, whom the model trusts, and what a map
//! calls damaged at which threshold, beside what is known of the ground.

use std::collections::HashMap;

use serde::Serialize;

use super::comparison::{Comparison, Method};
use super::reference::Reference;
use super::{Meaning, Project, Published, SourceFile, report_text};
use crate::consensus::measures;
use crate::domain::campaign::Campaign;
use crate::domain::consensus::{Consensus, TileState};
use crate::domain::damage_map::{TileRow, VolunteerRow};
use crate::domain::pseudonym::pseudonym;
use crate::services::Error;
use crate::storage::campaigns::imports::{self, SkillRow};
use crate::storage::maps::damage_map::TileRows;
use crate::storage::maps::{damage_map, label_log};
use crate::storage::{Conn, Store, campaigns};

/// Thresholds of the table, unless others are asked for: eighths, since projects ask for about eight answers a tile.
pub const THRESHOLDS: [f64; 7] = [0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875];
/// Volunteers listed at either end.
const LISTED: usize = 10;

/// All figures. The same campaign and the same reference give the same report.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// Name of the campaign.
    pub campaign: String,
    /// Its title.
    pub title: String,
    /// The system that the answers come from.
    pub source: String,
    /// The project's id there.
    pub project: Option<String>,
    /// Licence of the map.
    pub licence: Option<String>,
    /// Version of the program that made this.
    pub made_by: String,
    /// The model: its number, method and version.
    pub model: (u32, String, String),
    /// The files that were read.
    pub files: Vec<SourceFile>,
    /// What the words of the files mean.
    pub meaning: Vec<(String, String)>,
    /// Answers.
    pub labels: Labels,
    /// Their authors.
    pub volunteers: Volunteers,
    /// Tiles.
    pub tiles: Tiles,
    /// How much people agree, all answers alike.
    pub agreement: Agreement,
    /// Counts that the other system published, held against ours.
    pub published: Option<Agrees>,
    /// Tiles called damaged at each threshold: by their share of answers that name damage, and by our probability.
    pub called: Vec<(f64, u64, u64)>,
    /// Beside what is known of the ground.
    pub reference: Option<Comparison>,
}

/// Answers in the campaign.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Labels {
    /// Entries of the log.
    pub entries: u64,
    /// Answers that stand and count.
    pub counted: u64,
    /// Rows of the files that repeated others.
    pub repeated_rows: u64,
    /// The first and the last, RFC 3339; `None` where the files have no times.
    pub span: Option<(String, String)>,
    /// Counted answers of each kind.
    pub by_answer: Vec<(String, u64)>,
}

/// Authors of the campaign.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Volunteers {
    /// How many.
    pub count: u64,
    /// Answers of each: least, median, most.
    pub labels: [u64; 3],
    /// Share of all answers that the ten busiest gave.
    pub ten_busiest: f64,
    /// Weights at 5, 25, 50, 75 and 95 % of the volunteers.
    pub weights: [f64; 5],
    /// Estimated accuracy, likewise.
    pub accuracy: [f64; 5],
    /// Those with the highest weight, then those with the lowest: pseudonym, weight, accuracy, answers.
    pub highest: Vec<Person>,
    /// Likewise.
    pub lowest: Vec<Person>,
    /// Those whose answers weigh nothing, with the reason.
    pub set_aside: Vec<(String, String)>,
}

/// One volunteer under the campaign's pseudonym.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Person {
    /// Pseudonym.
    pub volunteer: String,
    /// Weight, 0 to 1.
    pub weight: f64,
    /// Estimated accuracy.
    pub accuracy: f64,
    /// Answers.
    pub labels: u64,
}

/// Tiles of the campaign.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Tiles {
    /// How many.
    pub count: u64,
    /// With at least one answer.
    pub labelled: u64,
    /// Answers of a labelled tile: least, mean, most.
    pub labels: (u64, f64, u64),
    /// Tiles in each state.
    pub by_state: Vec<(String, u64)>,
    /// Tiles called each class, however sure.
    pub by_class: Vec<(String, u64)>,
    /// Sum of the probabilities of damage: how many damaged tiles are to be expected.
    pub expected_damaged: f64,
}

/// Agreement between people; see `measures::Agreement`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Agreement {
    /// Krippendorff's alpha, nominal.
    pub alpha_nominal: Option<f64>,
    /// The same, ordinal.
    pub alpha_ordinal: Option<f64>,
    /// Fleiss' kappa.
    pub fleiss_kappa: Option<f64>,
    /// Mean share of agreeing pairs.
    pub pairwise: Option<f64>,
}

/// How many published counts are ours too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Agrees {
    /// Tiles with published counts.
    pub tiles: u64,
    /// Of these, tiles with the same total and the same number of answers `1`.
    pub equal: u64,
}

impl Report {
    /// The report as Markdown.
    pub fn to_markdown(&self) -> String {
        report_text::markdown(self)
    }
}

/// Reads the figures of a campaign that was brought in. Blocks; one snapshot.
pub fn report(
    store: &Store,
    slug: &str,
    project: &Project,
    meaning: &Meaning,
    reference: Option<&Reference>,
    thresholds: &[f64],
) -> Result<Report, Error> {
    store.read_snapshot(|conn| {
        let missing = || Error::NotFound(format!("there is no campaign `{slug}`"));
        let campaign = campaigns::find(conn, slug)?.ok_or_else(missing)?;
        let mut seen = Seen::new(&campaign, project, meaning, reference);
        for row in TileRows::new(conn, campaign.id, &[], campaign.scale.classes().len() as u8) {
            seen.add(&row?);
        }
        complete(conn, &campaign, project, meaning, seen, thresholds)
    })
}

/// What was seen of the tiles so far.
struct Seen<'a> {
    campaign: &'a Campaign,
    reference: Option<&'a Reference>,
    yes: Option<usize>,
    published: HashMap<&'a str, &'a Published>,
    equal: u64,
    tiles: Tiles,
    states: HashMap<TileState, u64>,
    classes: Vec<u64>,
    /// Counts of each answer, tile after tile.
    counts: Vec<u32>,
    /// Share, probability, and the truth where it is known.
    values: Vec<(f64, f64, Option<bool>)>,
}

impl<'a> Seen<'a> {
    fn new(campaign: &'a Campaign, project: &'a Project, meaning: &Meaning, reference: Option<&'a Reference>) -> Self {
        let published = project.published.iter().map(|counts| (counts.task.as_str(), counts)).collect();
        let mut seen = Seen {
            campaign,
            reference,
            yes: meaning.answer("1").ok().map(usize::from),
            published,
            equal: 0,
            tiles: Tiles::default(),
            states: HashMap::new(),
            classes: vec![0; campaign.scale.classes().len()],
            counts: Vec::new(),
            values: Vec::new(),
        };
        seen.tiles.labels.0 = u64::MAX;
        seen
    }

    fn add(&mut self, row: &TileRow) {
        self.tiles.count += 1;
        *self.states.entry(row.state).or_default() += 1;
        let consensus = row.crowd.as_ref().and_then(|crowd| crowd.consensus.as_ref());
        let Some(consensus) = consensus.filter(|consensus| consensus.labels > 0) else { return };
        let labels = u64::from(consensus.labels);
        self.tiles.labelled += 1;
        self.tiles.labels.0 = self.tiles.labels.0.min(labels);
        self.tiles.labels.2 = self.tiles.labels.2.max(labels);
        if let Some(count) = consensus.class.and_then(|class| self.classes.get_mut(usize::from(class))) {
            *count += 1;
        }
        let places = self.campaign.scale.answers.len();
        self.counts.extend((0..places).map(|place| consensus.answers.get(place).copied().unwrap_or(0)));
        let probability: f64 = consensus.probabilities.iter().skip(1).sum();
        self.tiles.expected_damaged += probability;
        let truth = self.reference.and_then(|reference| reference.of(&row.tile.tile_id));
        self.values.push((share(self.campaign, consensus), probability, truth));
        if let (Some(published), Some(yes)) = (self.published.get(row.tile.tile_id.as_str()), self.yes) {
            let same = consensus.answers.get(yes).is_some_and(|count| u64::from(*count) == published.yes);
            self.equal += u64::from(same && published.total == labels);
        }
    }

    fn comparison(&self, thresholds: &[f64]) -> Option<Comparison> {
        let reference = self.reference?;
        let known: Vec<(f64, f64, bool)> =
            self.values.iter().filter_map(|&(share, p, truth)| Some((share, p, truth?))).collect();
        let shares: Vec<(f64, bool)> = known.iter().map(|&(share, _, truth)| (share, truth)).collect();
        let ours: Vec<(f64, bool)> = known.iter().map(|&(_, p, truth)| (p, truth)).collect();
        Some(Comparison {
            file: reference.file.clone(),
            column: reference.column.clone(),
            tiles: known.len() as u64,
            damaged: known.iter().filter(|known| known.2).count() as u64,
            left_out: (reference.len() - known.len()) as u64,
            share: Method::new(&shares, thresholds),
            probability: Method::new(&ours, thresholds),
        })
    }
}

/// Share of all counted answers that name a class of damage.
fn share(campaign: &Campaign, consensus: &Consensus) -> f64 {
    let classes = campaign.scale.classes().len();
    let damaged: u32 = consensus.answers.iter().take(classes).skip(1).sum();
    f64::from(damaged) / f64::from(consensus.labels)
}

fn complete(
    conn: &mut Conn,
    campaign: &Campaign,
    project: &Project,
    meaning: &Meaning,
    mut seen: Seen<'_>,
    thresholds: &[f64],
) -> Result<Report, Error> {
    let (first, last, entries) = imports::span(conn, campaign.id)?;
    let time = crate::services::clock::rfc3339;
    let scale = &campaign.scale;
    let counted: u64 = seen.counts.iter().map(|&count| u64::from(count)).sum();
    let of_answer =
        |place: usize| seen.counts.iter().skip(place).step_by(scale.answers.len()).map(|&n| u64::from(n)).sum();
    let by_answer = scale.answers.iter().enumerate().map(|(place, answer)| (answer.key.clone(), of_answer(place)));
    let labels = Labels {
        entries: entries.unsigned_abs(),
        counted,
        repeated_rows: project.repeated,
        span: first.zip(last).filter(|_| project.timed).map(|(first, last)| (time(first), time(last))),
        by_answer: by_answer.collect(),
    };
    seen.tiles.labels.1 = counted as f64 / seen.tiles.labelled.max(1) as f64;
    let state = |state: &TileState| (state.key().to_owned(), seen.states.get(state).copied().unwrap_or(0));
    seen.tiles.by_state = TileState::ALL.iter().map(state).collect();
    let class = |(class, count): (&crate::domain::scale::Answer, &u64)| (class.key.clone(), *count);
    seen.tiles.by_class = scale.classes().iter().zip(&seen.classes).map(class).collect();
    let measured = measures::agreement(&seen.counts, scale.answers.len());
    let called = |threshold: f64| {
        let count = |value: fn(&(f64, f64, Option<bool>)) -> f64| {
            seen.values.iter().filter(|values| value(values) >= threshold).count() as u64
        };
        (threshold, count(|values| values.0), count(|values| values.1))
    };
    let method = damage_map::method(conn, campaign.id, campaign.model)?.unwrap_or_default();
    Ok(Report {
        campaign: campaign.slug.clone(),
        title: campaign.texts.title.clone(),
        source: project.source.to_owned(),
        project: project.id.clone(),
        licence: campaign.licence.clone(),
        made_by: format!("aftermap {}", env!("CARGO_PKG_VERSION")),
        model: (campaign.model, method.0, method.1),
        files: project.files.clone(),
        meaning: meaning.pairs().map(|(word, key)| (word.to_owned(), key.to_owned())).collect(),
        labels,
        volunteers: volunteers(conn, campaign)?,
        called: thresholds.iter().map(|&threshold| called(threshold)).collect(),
        published: (!project.published.is_empty())
            .then_some(Agrees { tiles: seen.published.len() as u64, equal: seen.equal }),
        reference: seen.comparison(thresholds),
        agreement: Agreement {
            alpha_nominal: measured.alpha_nominal,
            alpha_ordinal: measured.alpha_ordinal,
            fleiss_kappa: measured.fleiss_kappa,
            pairwise: measured.pairwise,
        },
        tiles: seen.tiles,
    })
}

fn volunteers(conn: &mut Conn, campaign: &Campaign) -> Result<Volunteers, Error> {
    let skills = imports::skills(conn, campaign.id, campaign.model)?;
    let named = |volunteer_id: i64| pseudonym(&campaign.pseudonym_key, volunteer_id);
    let known: HashMap<i64, &SkillRow> = skills.iter().map(|row| (row.volunteer_id, row)).collect();
    let person = |row: VolunteerRow| {
        let skill = known.get(&row.volunteer_id);
        let (weight, accuracy) = skill.map_or((0.0, 0.0), |skill| (skill.weight, skill.accuracy));
        Person { volunteer: named(row.volunteer_id), weight, accuracy, labels: row.labels.into() }
    };
    let rows = label_log::volunteers(conn, campaign.id, campaign.model)?;
    let mut people: Vec<Person> = rows.into_iter().map(person).collect();
    people.sort_by(|a, b| {
        b.weight.total_cmp(&a.weight).then(b.labels.cmp(&a.labels)).then(a.volunteer.cmp(&b.volunteer))
    });
    let mut labels: Vec<u64> = people.iter().map(|person| person.labels).collect();
    labels.sort_unstable();
    let all: u64 = labels.iter().sum();
    let busiest: u64 = labels.iter().rev().take(10).sum();
    let mut set_aside: Vec<(String, String)> =
        skills.iter().filter_map(|row| Some((named(row.volunteer_id), row.quarantine.clone()?))).collect();
    set_aside.sort();
    let lowest = people.iter().rev().take(LISTED.min(people.len() / 2)).cloned().collect();
    Ok(Volunteers {
        count: people.len() as u64,
        labels: [0.0, 0.5, 1.0].map(|part| at(&labels, part).unwrap_or(0)),
        ten_busiest: busiest as f64 / all.max(1) as f64,
        weights: quantiles(people.iter().map(|person| person.weight)),
        accuracy: quantiles(people.iter().map(|person| person.accuracy)),
        highest: people.iter().take(LISTED.min(people.len().div_ceil(2))).cloned().collect(),
        lowest,
        set_aside,
    })
}

fn quantiles(values: impl Iterator<Item = f64>) -> [f64; 5] {
    let mut sorted: Vec<f64> = values.collect();
    sorted.sort_unstable_by(f64::total_cmp);
    [0.05, 0.25, 0.5, 0.75, 0.95].map(|part| at(&sorted, part).unwrap_or(0.0))
}

/// The value below which that part of a sorted list lies.
fn at<T: Copy>(sorted: &[T], part: f64) -> Option<T> {
    let place = (sorted.len().saturating_sub(1) as f64 * part).round() as usize;
    sorted.get(place).copied()
}

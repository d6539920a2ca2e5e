//! The figures of volunteers as JSON: under pseudonyms, without a name and without an id.

use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::campaign::Campaign;
use crate::domain::pseudonym::pseudonym;
use crate::domain::volunteer_quality::{ExclusionKind, Flag, Interval, Quality};
use crate::http::wire::rfc3339;
use crate::services::oversight::exclude;
use crate::services::oversight::watch_rings::{self, Ring as Suspected};
use crate::services::oversight::watch_volunteers::{self, Crowd, Line, Portrait, Wanted};
use crate::storage::oversight::exclusions::Exclusion as Imposed;

/// A share with its 95 % interval, 0 to 1.
#[derive(Serialize, ToSchema)]
pub struct ShareOfAnswers {
    share: f64,
    low: f64,
    high: f64,
    /// Answers it is a share of.
    of: u32,
}

/// How a volunteer stands in the model in use.
#[derive(Serialize, ToSchema)]
pub struct InTheModel {
    /// What a label counts, 0 to 1.
    weight: f64,
    /// The ends of its 95 % interval.
    weight_low: f64,
    weight_high: f64,
    /// Number of the suspected ring; `null` for none.
    #[schema(required)]
    ring: Option<u32>,
}

/// A pause or an exclusion.
#[derive(Serialize, ToSchema)]
pub struct Exclusion {
    kind: ExclusionKind,
    /// The person reads it too.
    reason: String,
    #[schema(format = DateTime)]
    at: String,
    /// Pseudonym of whoever did it.
    by: String,
    /// `null`: it is in force.
    #[schema(required, format = DateTime)]
    lifted_at: Option<String>,
    #[schema(required)]
    lifted_by: Option<String>,
}

/// A volunteer in figures.
#[derive(Serialize, ToSchema)]
pub struct VolunteerFigures {
    /// Pseudonym.
    name: String,
    /// Tiles labelled.
    labels: u32,
    skips: u32,
    /// Days, UTC, with an answer.
    days_active: u32,
    #[schema(format = DateTime)]
    first_at: String,
    #[schema(format = DateTime)]
    last_at: String,
    /// `null` where no answer brought its duration.
    #[schema(required)]
    median_seconds: Option<f64>,
    /// Share of the timed answers that came within a second, faster than anybody can look.
    #[schema(required)]
    too_fast: Option<f64>,
    /// On check gold; `null` without an answer there.
    #[schema(required)]
    accuracy: Option<ShareOfAnswers>,
    /// With the class of closed tiles, check gold among them.
    #[schema(required)]
    agreement: Option<ShareOfAnswers>,
    /// -1 to 1: share of graver answers less share of milder ones. Below 0 sees less damage than the outcome.
    #[schema(required)]
    bias: Option<f64>,
    /// `null` where the model in use does not know the person.
    #[schema(required)]
    model: Option<InTheModel>,
    flags: Vec<Flag>,
    /// In force; `null` for none.
    #[schema(required)]
    standing: Option<Exclusion>,
}

/// Whether everything has followed the last pause or exclusion.
#[derive(Serialize, ToSchema)]
pub struct Recomputation {
    running: bool,
    /// Labels still to be left out or brought back.
    labels: u64,
    /// A new model is still to be made.
    model: bool,
    /// Tiles still stand on an older model.
    tiles: bool,
}

/// A page of volunteers.
#[derive(Serialize, ToSchema)]
pub struct Volunteers {
    volunteers: Vec<VolunteerFigures>,
    /// How many pass the filter.
    all: usize,
    /// How many took part at all.
    everybody: usize,
    /// How many of them are paused, and excluded.
    paused: usize,
    excluded: usize,
    /// Number of suspected rings.
    rings: usize,
    /// Model in use.
    model: u32,
    #[schema(format = DateTime)]
    as_of: String,
    recomputation: Recomputation,
}

/// An answer beside the class of its tile.
#[derive(Serialize, ToSchema)]
pub struct AnswerOnTile {
    tile_id: String,
    answer: String,
    class: String,
    /// `null` for an answer that says nothing about damage.
    #[schema(required)]
    agrees: Option<bool>,
    #[schema(format = DateTime)]
    at: String,
}

/// Labels of one day.
#[derive(Serialize, ToSchema)]
pub struct LabelsOfDay {
    /// YYYY-MM-DD, UTC.
    day: String,
    labels: u64,
}

/// One volunteer in detail.
#[derive(Serialize, ToSchema)]
pub struct VolunteerInDetail {
    #[serde(flatten)]
    figures: VolunteerFigures,
    /// Classes of closed tiles, the columns of `confusion`.
    classes: Vec<String>,
    /// Answers, its rows.
    answers: Vec<String>,
    confusion: Vec<Vec<u64>>,
    activity: Vec<LabelsOfDay>,
    /// Closed tiles, those first where the answer is another; 200 at most.
    tiles: Vec<AnswerOnTile>,
    /// All that was ever imposed, newest first.
    exclusions: Vec<Exclusion>,
}

/// What two accounts, or all pairs of a ring, have in common.
#[derive(Serialize, ToSchema)]
pub struct SharedErrors {
    /// Tiles that both answered.
    tiles: u32,
    /// Of these, with the same answer against the class.
    errors: u32,
    /// As many are expected if they erred independently, each as their own table says.
    expected: f64,
    /// Base-10 logarithm of the chance of so many or more.
    log10_chance: f64,
}

/// Two accounts of a ring.
#[derive(Serialize, ToSchema)]
pub struct PairOfRing {
    names: [String; 2],
    shared: SharedErrors,
}

/// A tile on which accounts of a ring said the same against its class.
#[derive(Serialize, ToSchema)]
pub struct TileOfRing {
    tile_id: String,
    class: String,
    answer: String,
    names: Vec<String>,
    state: String,
}

/// Accounts that the model in use suspects of acting together.
#[derive(Serialize, ToSchema)]
pub struct Ring {
    /// Its number in that model; another model numbers anew.
    number: u32,
    /// Pseudonyms.
    members: Vec<String>,
    /// Over all pairs.
    shared: SharedErrors,
    /// Those with most shared errors first, 40 at most.
    pairs: Vec<PairOfRing>,
    /// Those with most accounts first, 60 at most.
    tiles: Vec<TileOfRing>,
}

/// The suspected rings.
#[derive(Serialize, ToSchema)]
pub struct Rings {
    rings: Vec<Ring>,
    model: u32,
    #[schema(format = DateTime)]
    as_of: String,
}

impl Volunteers {
    /// The page that is wanted.
    pub fn page(
        campaign: &Campaign,
        crowd: &Crowd,
        in_force: Vec<Imposed>,
        recomputation: exclude::Recomputation,
        wanted: &Wanted,
    ) -> Volunteers {
        let count = |kind| in_force.iter().filter(|one| one.kind == kind).count();
        let (paused, excluded) = (count(ExclusionKind::Paused), count(ExclusionKind::Excluded));
        let (lines, all) = watch_volunteers::page(crowd, in_force, wanted);
        Volunteers {
            volunteers: lines.into_iter().map(|line| figures(campaign, line)).collect(),
            all,
            everybody: crowd.people.len(),
            paused,
            excluded,
            rings: crowd.people.iter().map(|(_, person)| person.ring()).max().unwrap_or(0) as usize,
            model: crowd.model,
            as_of: rfc3339(crowd.as_of),
            recomputation: shown(recomputation),
        }
    }
}

impl VolunteerInDetail {
    /// One volunteer.
    pub fn of(campaign: &Campaign, name: String, quality: Quality, portrait: Portrait) -> VolunteerInDetail {
        let standing = portrait.exclusions.iter().find(|one| one.lifted_at.is_none()).cloned();
        let scale = &campaign.scale;
        let keys = |answers: &[crate::domain::scale::Answer]| answers.iter().map(|one| one.key.clone()).collect();
        VolunteerInDetail {
            figures: figures(campaign, Line { name, quality, standing }),
            classes: keys(scale.classes()),
            answers: keys(&scale.answers),
            confusion: portrait.confusion,
            activity: portrait.activity.into_iter().map(of_day).collect(),
            tiles: portrait.tiles.into_iter().map(on_tile).collect(),
            exclusions: portrait.exclusions.into_iter().map(|one| exclusion(campaign, one)).collect(),
        }
    }
}

impl Rings {
    /// The rings suspected among these people.
    pub fn of(rings: Vec<Suspected>, crowd: &Crowd) -> Rings {
        Rings { rings: rings.into_iter().map(ring).collect(), model: crowd.model, as_of: rfc3339(crowd.as_of) }
    }
}

fn figures(campaign: &Campaign, line: Line) -> VolunteerFigures {
    let Line { name, quality, standing } = line;
    let share = |interval: Option<Interval>, of: u32| {
        interval.map(|Interval { share, low, high }| ShareOfAnswers { share, low, high, of })
    };
    let Quality { labels, skips, days_active, median_seconds, .. } = quality;
    VolunteerFigures {
        name,
        labels,
        skips,
        days_active,
        first_at: rfc3339(quality.first_at),
        last_at: rfc3339(quality.last_at),
        median_seconds,
        too_fast: quality.too_fast_share(),
        accuracy: share(quality.accuracy(), quality.gold_labels),
        agreement: share(quality.agreement(), quality.closed),
        bias: quality.bias(),
        model: quality.model.map(|model| {
            let (weight_low, weight_high) = model.weight_interval(campaign.scale.classes().len());
            InTheModel {
                weight: model.weight,
                weight_low,
                weight_high,
                ring: Some(model.ring).filter(|&ring| ring > 0),
            }
        }),
        flags: quality.flags(),
        standing: standing.map(|one| exclusion(campaign, one)),
    }
}

fn exclusion(campaign: &Campaign, one: Imposed) -> Exclusion {
    let name = |id| pseudonym(&campaign.pseudonym_key, id);
    Exclusion {
        kind: one.kind,
        reason: one.reason,
        at: rfc3339(one.created_at),
        by: name(one.created_by),
        lifted_at: one.lifted_at.map(rfc3339),
        lifted_by: one.lifted_by.map(name),
    }
}

fn shown(now: exclude::Recomputation) -> Recomputation {
    let exclude::Recomputation { running, labels, model, tiles } = now;
    Recomputation { running, labels, model, tiles }
}

fn of_day((day, labels): (i64, u64)) -> LabelsOfDay {
    let moment = rfc3339(day * 86_400_000);
    LabelsOfDay { day: moment.chars().take(10).collect(), labels }
}

fn on_tile(one: watch_volunteers::OnTile) -> AnswerOnTile {
    let watch_volunteers::OnTile { tile_id, answer, class, agrees, at } = one;
    AnswerOnTile { tile_id, answer, class, agrees, at: rfc3339(at) }
}

fn ring(one: Suspected) -> Ring {
    let shared = |shared: crate::consensus::shared_errors::Shared| SharedErrors {
        tiles: shared.tiles,
        errors: shared.errors,
        expected: shared.expected,
        log10_chance: shared.log_chance / std::f64::consts::LN_10,
    };
    let Suspected { number, members, shared: all, pairs, tiles } = one;
    let tile = |watch_rings::SharedTile { tile_id, class, answer, names, state }| TileOfRing {
        tile_id,
        class,
        answer,
        names,
        state,
    };
    Ring {
        number,
        members,
        shared: shared(all),
        pairs: pairs.into_iter().map(|pair| PairOfRing { names: pair.names, shared: shared(pair.shared) }).collect(),
        tiles: tiles.into_iter().map(tile).collect(),
    }
}

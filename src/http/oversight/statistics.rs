//! How a campaign is doing, for its coordinator.

use actix_web::HttpResponse;
use actix_web::web::Data;
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::consensus::TileState;
use crate::domain::finish::{self, Basis};
use crate::domain::job::JobKind;
use crate::http::campaigns::progress::Finish;
use crate::http::error::Error;
use crate::http::gate::{App, Coordinator, InCampaign};
use crate::http::wire::rfc3339;
use crate::services::oversight::statistics;

/// Tiles by state. Gold counts as reviewed.
#[derive(Default, Serialize, ToSchema)]
pub struct TileCounts {
    open: u64,
    settled: u64,
    contested: u64,
    reviewed: u64,
    unusable: u64,
}

/// The model in use, and when the next one is made.
#[derive(Serialize, ToSchema)]
pub struct ModelNote {
    /// 0 before the first refit.
    number: u32,
    #[schema(format = DateTime, required)]
    fitted_at: Option<String>,
    /// Entries of the label log since the newest model.
    labels_since: u64,
    /// At so many of them the next model is due.
    labels_due: u64,
}

/// How often an answer was counted.
#[derive(Serialize, ToSchema)]
pub struct AnswerCount {
    key: String,
    count: u64,
}

/// One interval of the timeline.
#[derive(Serialize, ToSchema)]
pub struct Interval {
    /// Its start.
    #[schema(format = DateTime)]
    from: String,
    labels: u64,
    tiles_closed: u64,
}

/// Labels on closed tiles, compared with as many as each of them may get.
#[derive(Serialize, ToSchema)]
pub struct Saved {
    /// Closed tiles, gold aside.
    tiles: u64,
    /// Counted labels on them.
    labels: u64,
    /// The policy's maximum for each, summed up.
    most: u64,
}

/// Krippendorff's alpha over counted labels that name a class.
#[derive(Serialize, ToSchema)]
pub struct Alpha {
    /// 1: everybody always agrees; 0: no more than by chance; `null` where nothing can be compared.
    #[schema(required)]
    value: Option<f64>,
    /// With ordinal distances; else with nominal ones.
    ordinal: bool,
    /// Tiles with at least two such labels.
    tiles: u64,
}

/// How often answers on check gold are right.
#[derive(Serialize, ToSchema)]
pub struct GoldAccuracy {
    /// Answers that say something about damage.
    labels: u64,
    right: u64,
    /// `null` without labels.
    #[schema(required)]
    share: Option<f64>,
    /// Ends of Wilson's 95 % interval.
    #[schema(required)]
    low: Option<f64>,
    #[schema(required)]
    high: Option<f64>,
}

/// Calls of about the same probability.
#[derive(Serialize, ToSchema)]
pub struct CalibrationBin {
    /// The least probability of the bin; it reaches to the next.
    from: f64,
    calls: u64,
    /// Mean probability of the calls.
    mean: f64,
    /// Calls that name the right class.
    right: u64,
}

/// What probabilities of the model in use have meant, on check gold.
#[derive(Serialize, ToSchema)]
pub struct Calibration {
    tiles: u64,
    calls: u64,
    /// Answers that each call was formed from.
    answers: usize,
    /// Expected calibration error, 15 equal bins.
    error: f64,
    bins: Vec<CalibrationBin>,
}

/// Work that is left.
#[derive(Serialize, ToSchema)]
pub struct LabelsLeft {
    /// If the open tiles are like the easier half of the closed ones.
    least: u64,
    /// If they are like the harder half.
    most: u64,
}

/// Labels that went into a consensus in a stretch of time that ends now.
#[derive(Serialize, ToSchema)]
pub struct Pace {
    /// Length of the stretch.
    seconds: u64,
    labels: u64,
}

/// On what the interval of the finish stands: the stretches of time with the slowest and the fastest pace, of those of
/// the last hour, six hours, day, three days, week and, while it is younger, the whole campaign.
#[derive(Serialize, ToSchema)]
pub struct FinishBasis {
    slowest: Pace,
    fastest: Pace,
}

/// What waits for somebody, and what waits too long: of the latter each is to be 0 or false.
#[derive(Serialize, ToSchema)]
pub struct Waits {
    /// Open tiles that every active volunteer has seen.
    for_new_eyes: u64,
    /// Open tiles that nobody can compare while a scene of theirs is withdrawn.
    lacks_pictures: u64,
    /// Flagged notes that nobody saw to.
    flags: u64,
    /// Leases that ran out minutes ago and were not taken back.
    expired_leases: u64,
    /// Tiles that have labels, want more, and were not touched for a week.
    half_done_tiles: u64,
    /// Tiles contested for more than a week.
    old_contested_tiles: u64,
    /// A flag has waited for more than a week.
    old_flags: bool,
    /// Three times the labels have come in after which the next model was due.
    refit_overdue: bool,
    /// Background jobs that failed and were not done again.
    failed_jobs: u64,
    /// What kinds of jobs these are, each once: a kind says where it is mended.
    failed_kinds: Vec<JobKind>,
    /// Background jobs that do not begin, or give no sign of life.
    stuck_jobs: u64,
}

/// How a campaign is doing.
#[derive(Serialize, ToSchema)]
pub struct Statistics {
    /// When it was counted.
    #[schema(format = DateTime)]
    as_of: String,
    tiles: TileCounts,
    /// Answers that stand: one for each volunteer and tile.
    labels: u64,
    /// Of these, the ones in their tiles' consensus.
    labels_counted: u64,
    /// Of these, the ones that wait for a free place.
    labels_surplus: u64,
    /// Of these, the ones on gold, which measure their authors.
    labels_gold: u64,
    /// Of these, the ones whose authors are excluded.
    labels_excluded: u64,
    /// Of these, the ones that a later scene set aside.
    labels_set_aside: u64,
    /// First answers in the last 60 minutes of the clock, the one under way included.
    labels_last_hour: u64,
    /// Those of the 60 minutes before.
    labels_hour_before: u64,
    /// `null` while no tile is closed.
    #[schema(required)]
    labels_per_closed_tile: Option<f64>,
    /// `null` while no tile is closed.
    #[schema(required)]
    saved: Option<Saved>,
    /// Who ever asked for tiles.
    volunteers: u64,
    /// Within the last hour.
    volunteers_active: u64,
    open_leases: u64,
    model: ModelNote,
    answers: Vec<AnswerCount>,
    /// Share of agreeing pairs of labels; `null` while there is no pair.
    #[schema(required)]
    agreement: Option<f64>,
    alpha: Alpha,
    gold: GoldAccuracy,
    /// `null` without a model, or while too few labels on check gold tell.
    #[schema(required)]
    calibration: Option<Calibration>,
    /// Calls on check gold that there are for it so far.
    calibration_calls: u64,
    /// How many it takes.
    calibration_needs: u64,
    finish: Finish,
    /// `null` where no interval is told.
    #[schema(required)]
    finish_basis: Option<FinishBasis>,
    /// `null` while it cannot be said.
    #[schema(required)]
    labels_left: Option<LabelsLeft>,
    waits: Waits,
    /// Oldest first.
    timeline: Vec<Interval>,
    interval_seconds: u64,
}

/// How the campaign is doing
///
/// At most a second old where counting is cheap; in a large campaign at most twenty times as old as counting took.
#[utoipa::path(get, path = "/api/v1/campaigns/{slug}/statistics", operation_id = "get_statistics",
    params(("slug" = String, Path, description = "Name of the campaign")),
    responses((status = 200, body = Statistics)))]
pub async fn get_statistics(app: Data<App>, door: InCampaign<Coordinator>) -> Result<HttpResponse, Error> {
    let boards = app.boards.clone();
    let counted = door.serve(|store, visit| async move { boards.of(&store, &visit.campaign).await }).await?;
    Ok(HttpResponse::Ok().json(Statistics::from(statistics::Statistics::clone(&counted))))
}

impl From<statistics::Statistics> for Statistics {
    fn from(counted: statistics::Statistics) -> Statistics {
        let point = |point: statistics::Point| Interval {
            from: rfc3339(point.from),
            labels: point.labels,
            tiles_closed: point.tiles_closed,
        };
        let left = |left: crate::domain::finish::Left| LabelsLeft {
            least: left.least.round() as u64,
            most: left.most.ceil() as u64,
        };
        let saved = |statistics::Saved { tiles, labels, most }| Saved { tiles, labels, most };
        let (labels_since, labels_due) = counted.refit;
        Statistics {
            as_of: rfc3339(counted.as_of),
            tiles: tile_counts(&counted.tiles),
            labels: counted.labels,
            labels_counted: counted.labels_counted,
            labels_surplus: counted.labels_surplus,
            labels_gold: counted.labels_gold,
            labels_excluded: counted.labels_excluded,
            labels_set_aside: counted.labels_set_aside,
            labels_last_hour: counted.labels_last_hour,
            labels_hour_before: counted.labels_hour_before,
            labels_per_closed_tile: counted.labels_per_closed_tile,
            saved: counted.saved.map(saved),
            volunteers: counted.volunteers,
            volunteers_active: counted.volunteers_active,
            open_leases: counted.open_leases,
            model: ModelNote {
                number: counted.model,
                fitted_at: counted.fitted_at.map(rfc3339),
                labels_since,
                labels_due,
            },
            answers: counted.answers.into_iter().map(|(key, count)| AnswerCount { key, count }).collect(),
            agreement: counted.agreement,
            alpha: counted.alpha.into(),
            gold: counted.gold.into(),
            calibration: counted.calibration.map(Calibration::from),
            calibration_calls: counted.calibration_calls.0,
            calibration_needs: counted.calibration_calls.1,
            finish: counted.finish.into(),
            finish_basis: counted.basis.map(FinishBasis::from),
            labels_left: counted.labels_left.map(left),
            waits: counted.waits.into(),
            timeline: counted.timeline.into_iter().map(point).collect(),
            interval_seconds: counted.interval_seconds,
        }
    }
}

impl From<statistics::Alpha> for Alpha {
    fn from(statistics::Alpha { value, ordinal, tiles }: statistics::Alpha) -> Alpha {
        Alpha { value, ordinal, tiles }
    }
}

impl From<statistics::GoldAccuracy> for GoldAccuracy {
    fn from(statistics::GoldAccuracy { labels, right, share }: statistics::GoldAccuracy) -> GoldAccuracy {
        let (low, high) = (share.map(|(_, low, _)| low), share.map(|(.., high)| high));
        GoldAccuracy { labels, right, share: share.map(|(share, ..)| share), low, high }
    }
}

impl From<statistics::Calibration> for Calibration {
    fn from(measured: statistics::Calibration) -> Calibration {
        let statistics::Calibration { tiles, calls, answers, error, bins } = measured;
        let bin = |bin: statistics::Bin| CalibrationBin {
            from: bin.from,
            calls: bin.calls,
            mean: bin.mean,
            right: bin.right,
        };
        Calibration { tiles, calls, answers, error, bins: bins.into_iter().map(bin).collect() }
    }
}

impl From<Basis> for FinishBasis {
    fn from(Basis { slowest, fastest }: Basis) -> FinishBasis {
        let pace = |pace: finish::Pace| Pace { seconds: pace.ms.unsigned_abs() / 1_000, labels: pace.done };
        FinishBasis { slowest: pace(slowest), fastest: pace(fastest) }
    }
}

impl From<statistics::Waits> for Waits {
    fn from(waits: statistics::Waits) -> Waits {
        Waits {
            for_new_eyes: waits.for_new_eyes,
            lacks_pictures: waits.lacks_pictures,
            flags: waits.flags,
            expired_leases: waits.expired_leases,
            half_done_tiles: waits.half_done_tiles,
            old_contested_tiles: waits.old_contested_tiles,
            old_flags: waits.old_flags,
            refit_overdue: waits.refit_overdue,
            failed_jobs: waits.failed_jobs.len() as u64,
            failed_kinds: JobKind::ALL.iter().copied().filter(|kind| waits.failed_jobs.contains(kind)).collect(),
            stuck_jobs: waits.stuck_jobs,
        }
    }
}

pub(crate) fn tile_counts(tiles: &[(TileState, u64)]) -> TileCounts {
    let mut counts = TileCounts::default();
    for (state, tiles) in tiles {
        *match state {
            TileState::Open => &mut counts.open,
            TileState::Settled => &mut counts.settled,
            TileState::Contested => &mut counts.contested,
            TileState::Reviewed => &mut counts.reviewed,
            TileState::Unusable => &mut counts.unusable,
        } = *tiles;
    }
    counts
}

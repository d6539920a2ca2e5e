//! The damage map: what leaves the building. A header, one row for each tile, and who may see what of a row.

use uuid::Uuid;

use super::Invalid;
use super::bbox::Bbox;
use super::campaign::{Campaign, CampaignKind, CampaignState, TileSource};
use super::consensus::{Consensus, TileState};
use super::scale::Scale;
use super::scene::Scene;
use super::tile::Tile;
use super::words::words;

/// For this long after a tile closed, its authors may still change their answers, and nobody below researcher sees
/// the outcome (invariant 6). Milliseconds.
pub const QUIET_MS: i64 = 600_000;

words! {
    /// What a download holds.
    What {
        /// The damage map: one row for each tile.
        Tiles = "tiles",
        /// The label log: one row for each revision. Researchers only.
        Labels = "labels",
        /// The volunteers under their pseudonyms. Researchers only.
        Volunteers = "volunteers",
        /// The campaign day by day. Researchers only.
        History = "history",
        /// The images that were compared.
        Scenes = "scenes",
    }
}

/// How much of the map somebody sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sight {
    /// Closed tiles only, some minutes after they closed; of the others no more than that they are open.
    Everybody,
    /// Everything: researchers, coordinators, admins and the operator.
    Researcher,
}

/// Thresholds of one download. They change columns, never which tiles appear.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Cuts {
    /// The class is left blank where its probability is below this.
    pub min_probability: Option<f64>,
    /// Adds the column `damaged`: whether the probability of any damage is at least this.
    pub damaged_if: Option<f64>,
}

impl Cuts {
    /// Checks that both are probabilities.
    pub fn check(&self) -> Result<(), Invalid> {
        for (field, cut) in [("min_probability", self.min_probability), ("damaged_if", self.damaged_if)] {
            if let Some(value) = cut.filter(|value| !(0.0..=1.0).contains(value)) {
                return Err(Invalid::new(field, format!("{value} is no probability: use a number from 0 to 1")));
            }
        }
        Ok(())
    }
}

/// What a file says about itself, and what its rows refer to.
#[derive(Debug, Clone, PartialEq)]
pub struct DamageMap {
    /// Name of the campaign in addresses.
    pub campaign: String,
    /// Its name on screen.
    pub title: String,
    /// Licence of the map.
    pub licence: Option<String>,
    /// Whether the imagery was drawn by a program.
    pub synthetic: bool,
    /// Pair or timeline.
    pub kind: CampaignKind,
    /// Map cells or building outlines.
    pub tile_source: TileSource,
    /// The classes and answers that columns are named after.
    pub scale: Scale,
    /// The images, by date.
    pub scenes: Vec<Scene>,
    /// The box around all tiles.
    pub bounds: Option<Bbox>,
    /// Number of the model in use, 0 before the first refit.
    pub model: u32,
    /// Name and version of the method of that model; `None` before the first refit.
    pub method: Option<(String, String)>,
    /// Thresholds of this download.
    pub cuts: Cuts,
}

impl DamageMap {
    /// The header of a campaign's map.
    pub fn new(campaign: &Campaign, scenes: Vec<Scene>, method: Option<(String, String)>, cuts: Cuts) -> DamageMap {
        DamageMap {
            campaign: campaign.slug.clone(),
            title: campaign.texts.title.clone(),
            licence: campaign.licence.clone(),
            synthetic: campaign.synthetic,
            kind: campaign.kind,
            tile_source: campaign.tile_source,
            scale: campaign.scale.clone(),
            scenes,
            bounds: campaign.bounds,
            model: campaign.model,
            method,
            cuts,
        }
    }

    /// A scene by its id; `None` also where it was withdrawn.
    pub fn scene(&self, id: Option<i64>) -> Option<&Scene> {
        let id = id?;
        self.scenes.iter().find(|scene| scene.id == id)
    }

    /// Between which two scenes the damage of a row happened: the last intact and the first damaged one. A pair has only
    /// one window, and only where `class` is damage.
    pub fn window(&self, row: &TileRow, class: Option<u8>) -> (Option<&Scene>, Option<&Scene>) {
        let (last_intact, first_damaged) = match (self.kind, &row.crowd) {
            (CampaignKind::Pair, Some(_)) if class.is_some_and(|class| class >= 1) => row.scenes.unzip(),
            (CampaignKind::Timeline, Some(crowd)) => (crowd.last_intact, crowd.first_damaged),
            _ => (None, None),
        };
        (self.scene(last_intact), self.scene(first_damaged))
    }

    /// Credit lines of the images, each once, by date.
    pub fn attributions(&self) -> Vec<&str> {
        let mut lines: Vec<&str> = Vec::new();
        for line in self.scenes.iter().filter_map(|scene| scene.attribution.as_deref()) {
            if !lines.contains(&line) {
                lines.push(line);
            }
        }
        lines
    }
}

/// What an expert's fixed answer for a tile is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gold {
    /// Visibly practice.
    Practice,
    /// Mixed in unrecognisably.
    Check,
    /// Check gold that is no longer handed out.
    WornOut,
}

impl Gold {
    /// What a gold tile is used for, by the words of the database and whether it is worn out.
    pub fn of(kind: Option<&str>, worn_out: bool) -> Option<Gold> {
        match kind? {
            "practice" => Some(Gold::Practice),
            _ if worn_out => Some(Gold::WornOut),
            _ => Some(Gold::Check),
        }
    }
}

/// How a tile stands, as far as it decides who may see what became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outcome {
    /// Where it stands.
    pub state: TileState,
    /// When it closed; milliseconds since 1970, UTC.
    pub closed_at: Option<i64>,
    /// Whether its answer was fixed beforehand.
    pub gold: Option<Gold>,
}

impl Outcome {
    /// Whether everybody may see it: the one place for invariants 6 and 9. Not before the tile was closed for
    /// [`QUIET_MS`], and check gold not before it is worn out or the campaign is over.
    pub fn is_public(self, campaign: CampaignState, now: i64) -> bool {
        let secret = self.gold == Some(Gold::Check) && !campaign.is_over();
        let settled_down = self.closed_at.is_some_and(|at| now.saturating_sub(at) >= QUIET_MS);
        self.state.is_closed() && settled_down && !secret
    }
}

/// One tile of the map.
#[derive(Debug, Clone, PartialEq)]
pub struct TileRow {
    /// Where it is.
    pub tile: Tile,
    /// Where it stands.
    pub state: TileState,
    /// When it closed; milliseconds since 1970, UTC.
    pub closed_at: Option<i64>,
    /// Whether its answer was fixed beforehand. Never printed.
    pub gold: Option<Gold>,
    /// The earliest and the latest scene that shows it.
    pub scenes: Option<(i64, i64)>,
    /// What the crowd says; `None`: not to be seen.
    pub crowd: Option<Crowd>,
}

/// What the crowd says about a tile, as far as it is printed.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Crowd {
    /// The consensus; `None` while the tile has no label.
    pub consensus: Option<Consensus>,
    /// Last scene seen intact.
    pub last_intact: Option<i64>,
    /// First scene seen damaged.
    pub first_damaged: Option<i64>,
    /// Probability of that window.
    pub window_probability: Option<f64>,
    /// Labels that stand but are not counted.
    pub surplus: u32,
    /// Why it closed.
    pub closed_reason: Option<String>,
    /// Name and version of the method.
    pub method: Option<(String, String)>,
}

impl Crowd {
    /// Probability of any damage: of all classes but the first. `None` where no label names a class: what the model
    /// believes of a tile that nobody judged is no finding.
    pub fn damaged_probability(&self) -> Option<f64> {
        let judged = self.consensus.as_ref().filter(|consensus| consensus.class.is_some())?;
        judged.probabilities.get(1..).map(|damaged| damaged.iter().sum())
    }
}

impl TileRow {
    /// The row as somebody may see it, by [`Outcome::is_public`].
    ///
    /// Below researcher, an open tile shows that it is open and nothing else. A tile that closed less than
    /// [`QUIET_MS`] ago and check gold that is still in use (until it is worn out or the campaign is over) read exactly
    /// as an ordinary open tile.
    pub fn seen_by(self, sight: Sight, campaign: CampaignState, now: i64) -> TileRow {
        let outcome = Outcome { state: self.state, closed_at: self.closed_at, gold: self.gold };
        if sight == Sight::Researcher || outcome.is_public(campaign, now) {
            return self;
        }
        TileRow { state: TileState::Open, closed_at: None, gold: None, crowd: None, ..self }
    }
}

/// One entry of the label log.
#[derive(Debug, Clone, PartialEq)]
pub struct LabelRow {
    /// Public id of the tile.
    pub tile_id: String,
    /// Database id of the author; printed as a pseudonym only.
    pub volunteer_id: i64,
    /// The client's id.
    pub id: Uuid,
    /// 1 for the first answer.
    pub revision: u32,
    /// Whether it is the author's answer as it stands.
    pub is_current: bool,
    /// Place of the answer on the scale.
    pub answer: u8,
    /// Last scene seen intact, where a window was given.
    pub last_intact: Option<i64>,
    /// First scene seen damaged, likewise.
    pub first_damaged: Option<i64>,
    /// When the tile was handed out; milliseconds since 1970, UTC.
    pub leased_at: i64,
    /// When the answer arrived, likewise.
    pub received_at: i64,
    /// Time spent, by the client's clock.
    pub seconds: Option<f64>,
    /// Whether the answer of the tile was fixed by experts.
    pub is_gold: bool,
    /// Whether it is in the tile's consensus.
    pub counted: bool,
    /// Whether it stands but waits outside for a free place.
    pub surplus: bool,
    /// Whether it stands but was given before a later scene of its tile came, about which it says nothing.
    pub censored: bool,
    /// Timelines: the last scene that its author was shown.
    pub last_scene: Option<i64>,
    /// Weight of its author in the model in use; `None` where the model does not know them.
    pub weight: Option<f64>,
    /// Whether the author has no account.
    pub guest: bool,
    /// The program that sent it, `name/version`.
    pub client: Option<String>,
}

/// What one volunteer did in the campaign.
#[derive(Debug, Clone, PartialEq)]
pub struct VolunteerRow {
    /// Database id; printed as a pseudonym only.
    pub volunteer_id: i64,
    /// Tiles labelled.
    pub labels: u32,
    /// Check gold tiles among them.
    pub gold_labels: u32,
    /// Of these, answered as the experts did.
    pub gold_correct: u32,
    /// Weight in the model in use; `None` where the model does not know them.
    pub weight: Option<f64>,
    /// Whether their labels are left out.
    pub excluded: bool,
}

/// One day of the campaign, UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DayRow {
    /// Days since 1970-01-01.
    pub day: i64,
    /// Tiles labelled for the first time by somebody.
    pub labels: u64,
    /// Tiles that closed on this day and are closed still.
    pub tiles_closed: u64,
    /// Volunteers who labelled.
    pub active_volunteers: u64,
    /// Volunteers who labelled for the first time.
    pub new_volunteers: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_000_000_000;

    fn row(state: TileState, closed_ago: Option<i64>, gold: Option<Gold>) -> TileRow {
        let bbox = Bbox { west: 0.0, south: 0.0, east: 1.0, north: 1.0 };
        TileRow {
            tile: Tile { id: 1, tile_id: "1-0-0".into(), cell: None, bbox, footprint: None },
            state,
            closed_at: closed_ago.map(|ago| NOW - ago),
            gold,
            scenes: Some((7, 8)),
            crowd: Some(Crowd::default()),
        }
    }

    fn everybody_sees(row: TileRow, campaign: CampaignState) -> bool {
        let seen = row.clone().seen_by(Sight::Everybody, campaign, NOW);
        assert_eq!(row.clone().seen_by(Sight::Researcher, campaign, NOW), row);
        if seen == row {
            return true;
        }
        let ordinary = TileRow { crowd: None, ..self::row(TileState::Open, None, None) };
        assert_eq!(seen, ordinary, "what is hidden must read as an ordinary open tile");
        false
    }

    #[test]
    fn an_open_tile_shows_only_that_it_is_open() {
        assert!(!everybody_sees(row(TileState::Open, None, None), CampaignState::Open));
        assert!(!everybody_sees(row(TileState::Open, None, None), CampaignState::Closed));
    }

    #[test]
    fn a_closed_tile_shows_ten_minutes_after_it_closed() {
        for state in TileState::ALL.iter().copied().filter(|state| state.is_closed()) {
            assert!(!everybody_sees(row(state, Some(QUIET_MS - 1), None), CampaignState::Open));
            assert!(everybody_sees(row(state, Some(QUIET_MS), None), CampaignState::Open));
            assert!(!everybody_sees(row(state, Some(-5), None), CampaignState::Open), "closed in the future");
        }
    }

    #[test]
    fn check_gold_reads_as_an_open_tile_until_it_is_worn_out_or_the_campaign_is_over() {
        let gold = |kind| row(TileState::Reviewed, Some(QUIET_MS * 9), Some(kind));
        for state in [CampaignState::Draft, CampaignState::Open, CampaignState::Paused] {
            assert!(!everybody_sees(gold(Gold::Check), state));
            assert!(everybody_sees(gold(Gold::WornOut), state) && everybody_sees(gold(Gold::Practice), state));
        }
        assert!(everybody_sees(gold(Gold::Check), CampaignState::Closed));
        assert!(everybody_sees(gold(Gold::Check), CampaignState::Archived));
    }

    #[test]
    fn a_cut_is_a_probability() {
        let cut = |value| Cuts { min_probability: None, damaged_if: Some(value) }.check();
        assert_eq!((cut(0.0), cut(1.0)), (Ok(()), Ok(())));
        assert_eq!(cut(1.1).unwrap_err().field, "damaged_if");
        assert!(cut(f64::NAN).is_err());
    }
}

//! The damage map in short: one small record for each tile, along a curve through the map, so that counts under any
//! filter and coarse squares cost milliseconds. What a row is and who may see it is decided elsewhere, once: a record
//! is made of a row, and asked as a row again.

mod curve;
mod overview;
mod square;

use std::collections::BTreeMap;

use super::bbox::Bbox;
use super::campaign::CampaignKind;
use super::cell::{Cell, to_mercator};
use super::consensus::{Consensus, TileState};
use super::damage_map::{Crowd, DamageMap, Sight, TileRow};
use super::map_filter::MapFilter;
use super::tile::Tile;
use curve::{CURVE_ZOOM, cell_of, curve};
pub use overview::{Overview, OverviewSquare};
pub use square::Square;

/// Most tiles that one vector tile shows singly.
pub const MOST_IN_A_TILE: usize = 2_048;
/// Squares along a side of a vector tile are two to the power of this.
const SQUARE_LEVELS: u8 = 5;
/// No finer than this are single tiles asked for.
const DEEPEST: u8 = 22;
/// Steps of a probability: thresholds go by a hundredth.
const STEPS: usize = 100;

/// One tile, in short.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Spot {
    curve: u64,
    bbox: Bbox,
    probability: Option<f64>,
    damaged: Option<f64>,
    /// Share of agreeing pairs of counted labels.
    agreement: Option<f32>,
    /// Places of the last intact and the first damaged scene.
    window: (Option<u16>, Option<u16>),
    class: Option<u8>,
    state: TileState,
    /// Whether everybody could see what became of it when the picture was taken.
    public: bool,
}

/// All tiles of a campaign as they were at one moment.
pub struct Picture {
    map: DamageMap,
    as_of: i64,
    spots: Vec<Spot>,
    outlined: bool,
    detail_zoom: u8,
}

/// How many tiles there are of what, under a filter.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Counts {
    /// All tiles.
    pub tiles: u64,
    /// Those that pass the filter.
    pub shown: u64,
    /// By state, of those that pass all of the filter but its states.
    pub states: BTreeMap<TileState, u64>,
    /// By class, of those that pass all of the filter but its classes.
    pub classes: Vec<u64>,
    /// Without a class, likewise.
    pub without_class: u64,
    /// Contested, likewise: in no class, whatever the crowd leans to.
    pub contested: u64,
    /// Unusable, likewise: in no class, whatever a few people made out.
    pub unusable: u64,
    /// Of those that pass all of the filter but its probability: how many have a class with a probability of at least
    /// 0 %, 1 %, … 100 %.
    pub probability_at_least: Vec<u64>,
    /// Of those that pass the filter: how many have a probability of any damage of at least 0 %, 1 %, … 100 %.
    pub damaged_at_least: Vec<u64>,
    /// By window, of those that pass all of the filter but its dates: ids of the last intact and the first damaged scene.
    pub windows: BTreeMap<(Option<i64>, Option<i64>), u64>,
    /// A box around those that pass the filter.
    pub bounds: Option<Bbox>,
}

/// Collects rows into a picture.
pub struct Taking {
    map: DamageMap,
    spots: Vec<Spot>,
    outlined: bool,
}

impl Taking {
    /// Nothing yet; `map` is the header of the map.
    pub fn new(map: DamageMap) -> Taking {
        Taking { map, spots: Vec::new(), outlined: false }
    }

    /// Adds a row in full, and whether everybody may see what became of it.
    pub fn add(&mut self, row: &TileRow, public: bool) {
        let consensus = row.crowd.as_ref().and_then(|crowd| crowd.consensus.as_ref());
        let class = consensus.and_then(|consensus| consensus.class);
        let place = |scene: Option<i64>| {
            let at = scene.and_then(|id| self.map.scenes.iter().position(|scene| scene.id == id));
            at.and_then(|at| u16::try_from(at).ok())
        };
        let (before, after) = self.map.window(row, class);
        let (lon, lat) = row.tile.bbox.centre();
        let (x, y) = to_mercator(lon, lat);
        self.outlined |= row.tile.footprint.is_some();
        self.spots.push(Spot {
            curve: curve(Cell::at(CURVE_ZOOM, x, y)),
            bbox: row.tile.bbox,
            probability: consensus.and_then(|consensus| consensus.probability),
            damaged: row.crowd.as_ref().and_then(Crowd::damaged_probability),
            agreement: consensus.and_then(|consensus| consensus.agreement).map(|share| share as f32),
            window: (place(before.map(|scene| scene.id)), place(after.map(|scene| scene.id))),
            class,
            state: row.state,
            public,
        });
    }

    /// The picture as of that time; milliseconds since 1970, UTC.
    pub fn finish(mut self, as_of: i64) -> Picture {
        self.spots.sort_unstable_by_key(|spot| spot.curve);
        let detail_zoom = detail_zoom(&self.spots);
        Picture { map: self.map, as_of, spots: self.spots, outlined: self.outlined, detail_zoom }
    }
}

impl Picture {
    /// The header of the map.
    pub fn map(&self) -> &DamageMap {
        &self.map
    }

    /// When it was taken; milliseconds since 1970, UTC.
    pub fn as_of(&self) -> i64 {
        self.as_of
    }

    /// Number of tiles.
    pub fn len(&self) -> usize {
        self.spots.len()
    }

    /// Whether there is no tile.
    pub fn is_empty(&self) -> bool {
        self.spots.is_empty()
    }

    /// From this zoom on tiles are shown singly; below it vector tiles hold squares.
    pub fn detail_zoom(&self) -> u8 {
        self.detail_zoom
    }

    /// Whether a filter by place needs outlines, which are not in the picture.
    pub fn needs_outlines(&self, filter: &MapFilter) -> bool {
        self.outlined && filter.bbox.is_some()
    }

    /// Counts what somebody sees, under a filter. Not where [`Picture::needs_outlines`].
    pub fn count(&self, sight: Sight, filter: &MapFilter) -> Counts {
        let rows =
            self.spots.iter().map(|spot| (self.row(spot, sight), spot.seen(sight).and_then(|spot| spot.damaged)));
        count(&self.map, filter, rows)
    }

    /// The squares of a vector tile, for what somebody sees under a filter.
    pub fn squares(&self, sight: Sight, filter: &MapFilter, damaged_if: Option<f64>, cell: Cell) -> Vec<Square> {
        let zoom = (cell.z + SQUARE_LEVELS).min(CURVE_ZOOM);
        let mut squares: Vec<Square> = Vec::new();
        let mut windows = BTreeMap::<(Option<u16>, Option<u16>), u64>::new();
        for spot in self.within(cell) {
            let row = self.row(spot, sight);
            if !filter.admits(&self.map, &row) {
                continue;
            }
            let at = cell_of(spot.curve, zoom);
            if squares.last().is_none_or(|square| square.cell != at) {
                self.date(squares.last_mut(), &mut windows);
                squares.push(self.empty_square(at));
            }
            let (Some(square), spot) = (squares.last_mut(), spot.seen(sight)) else { continue };
            square.tiles += 1;
            let decided = spot.filter(|spot| spot.is_decided());
            let class = decided.and_then(|spot| square.classes.get_mut(usize::from(spot.class?)));
            match class {
                Some(tiles) => *tiles += 1,
                None => *square.apart(row.state) += 1,
            }
            let is_damaged = |spot: &Spot| match damaged_if {
                Some(least) => spot.class.is_some() && spot.damaged.is_some_and(|damaged| damaged >= least),
                None => spot.class.is_some_and(|class| class >= 1),
            };
            square.damaged += u64::from(decided.is_some_and(is_damaged));
            if let Some(spot) = decided.filter(|spot| spot.window.1.is_some()) {
                *windows.entry(spot.window).or_default() += 1;
            }
        }
        self.date(squares.last_mut(), &mut windows);
        squares
    }

    fn empty_square(&self, cell: Cell) -> Square {
        let classes = vec![0; self.map.scale.classes().len()];
        Square {
            cell,
            tiles: 0,
            classes,
            contested: 0,
            unusable: 0,
            without_class: 0,
            damaged: 0,
            window: (None, None),
        }
    }

    /// Gives a square the window that most of its tiles have.
    fn date(&self, square: Option<&mut Square>, windows: &mut BTreeMap<(Option<u16>, Option<u16>), u64>) {
        let most = windows.iter().rev().max_by_key(|(_, tiles)| **tiles);
        if let (Some(square), Some((window, _))) = (square, most) {
            square.window = (self.scene_at(window.0), self.scene_at(window.1));
        }
        windows.clear();
    }

    fn scene_at(&self, place: Option<u16>) -> Option<i64> {
        self.map.scenes.get(usize::from(place?)).map(|scene| scene.id)
    }

    /// The spots whose centre lies in a cell: one stretch of the curve.
    fn within(&self, cell: Cell) -> &[Spot] {
        if cell.z > CURVE_ZOOM {
            return &[];
        }
        let shift = 2 * u32::from(CURVE_ZOOM - cell.z);
        let code = curve(cell);
        let from = self.spots.partition_point(|spot| spot.curve >> shift < code);
        let to = self.spots.partition_point(|spot| spot.curve >> shift <= code);
        &self.spots[from..to]
    }

    /// The spot as a row again, as somebody sees it. Without outline and counts of answers, for which no filter asks.
    fn row(&self, spot: &Spot, sight: Sight) -> TileRow {
        let tile = Tile { id: 0, tile_id: String::new(), cell: None, bbox: spot.bbox, footprint: None };
        let Some(spot) = spot.seen(sight) else {
            return TileRow { tile, state: TileState::Open, closed_at: None, gold: None, scenes: None, crowd: None };
        };
        let (before, after) = (self.scene_at(spot.window.0), self.scene_at(spot.window.1));
        let (scenes, (last_intact, first_damaged)) = match self.map.kind {
            CampaignKind::Pair => (before.zip(after), (None, None)),
            CampaignKind::Timeline => (None, (before, after)),
        };
        let consensus = Consensus {
            probabilities: Vec::new(),
            class: spot.class,
            probability: spot.probability,
            labels: 0,
            answers: Vec::new(),
            agreement: None,
            entropy: 0.0,
            evidence: 0.0,
            effective_redundancy: 0.0,
            unusable_share: 0.0,
        };
        let crowd = Crowd { consensus: Some(consensus), last_intact, first_damaged, ..Crowd::default() };
        TileRow { tile, state: spot.state, closed_at: None, gold: None, scenes, crowd: Some(crowd) }
    }
}

impl Spot {
    /// Whether the crowd or the experts have decided what it is.
    fn is_decided(&self) -> bool {
        matches!(self.state, TileState::Settled | TileState::Reviewed)
    }

    fn seen(&self, sight: Sight) -> Option<&Spot> {
        (sight == Sight::Researcher || self.public).then_some(self)
    }
}

/// Counts rows as somebody sees them, each with its probability of any damage, under a filter.
pub fn count(map: &DamageMap, filter: &MapFilter, rows: impl Iterator<Item = (TileRow, Option<f64>)>) -> Counts {
    let without = |change: fn(&mut MapFilter)| {
        let mut changed = filter.clone();
        change(&mut changed);
        (changed != *filter).then_some(changed)
    };
    let any_class = without(|filter| filter.classes.clear());
    let any_state = without(|filter| filter.states.clear());
    let any_probability = without(|filter| filter.probability_at_least = None);
    let any_date = without(|filter| (filter.damaged_from, filter.damaged_to) = (None, None));
    let mut counts = Counts { classes: vec![0; map.scale.classes().len()], ..Counts::default() };
    let (mut sure, mut damaged) = (vec![0; STEPS + 1], vec![0; STEPS + 1]);
    // Where a place is asked for, most tiles are far from it, and no part of the filter lets them in.
    let near = filter.search_box().map(|bbox| [0.0, 360.0, -360.0].map(|turn| bbox.turned(turn)));
    for (row, damage) in rows {
        counts.tiles += 1;
        if near.is_some_and(|near| !near.iter().any(|bbox| row.tile.bbox.touches(*bbox))) {
            continue;
        }
        let shown = filter.admits(map, &row);
        // A filter without one of its parts is judged anew only where that part is there.
        let passes = |part: &Option<MapFilter>| part.as_ref().map_or(shown, |part| shown || part.admits(map, &row));
        let consensus = row.crowd.as_ref().and_then(|crowd| crowd.consensus.as_ref());
        let class = consensus.and_then(|consensus| consensus.class);
        if passes(&any_class) {
            match class.and_then(|class| counts.classes.get_mut(usize::from(class))) {
                _ if row.state == TileState::Contested => counts.contested += 1,
                _ if row.state == TileState::Unusable => counts.unusable += 1,
                Some(tiles) => *tiles += 1,
                None => counts.without_class += 1,
            }
        }
        if passes(&any_state) {
            *counts.states.entry(row.state).or_default() += 1;
        }
        if let Some(probability) = consensus.and_then(|consensus| consensus.probability)
            && passes(&any_probability)
        {
            sure[step(probability)] += 1;
        }
        let (before, after) = map.window(&row, class);
        if after.is_some() && passes(&any_date) {
            *counts.windows.entry((before.map(|scene| scene.id), after.map(|scene| scene.id))).or_default() += 1;
        }
        if shown {
            counts.shown += 1;
            counts.bounds = Some(counts.bounds.map_or(row.tile.bbox, |bounds| bounds.union(row.tile.bbox)));
            damage.into_iter().for_each(|damage| damaged[step(damage)] += 1);
        }
    }
    counts.probability_at_least = at_least(sure);
    counts.damaged_at_least = at_least(damaged);
    counts
}

/// The highest threshold, in hundredths, that a probability reaches.
fn step(probability: f64) -> usize {
    let reaches = |step: usize| step as f64 / STEPS as f64 <= probability;
    let near = (probability * STEPS as f64).clamp(0.0, STEPS as f64) as usize;
    // The product may miss by its last digit; the quotient is what people write as a threshold.
    (near.saturating_sub(1)..=(near + 1).min(STEPS)).rev().find(|step| reaches(*step)).unwrap_or(0)
}

/// From how many reach a step and no more to how many reach it.
fn at_least(mut steps: Vec<u64>) -> Vec<u64> {
    for at in (0..steps.len().saturating_sub(1)).rev() {
        steps[at] += steps[at + 1];
    }
    steps
}

/// The coarsest zoom at which no vector tile holds too many tiles.
fn detail_zoom(spots: &[Spot]) -> u8 {
    let fits = |zoom: u8| {
        let code = |spot: &Spot| spot.curve >> (2 * u32::from(CURVE_ZOOM - zoom));
        spots.chunk_by(|a, b| code(a) == code(b)).all(|together| together.len() <= MOST_IN_A_TILE)
    };
    (0..DEEPEST).find(|zoom| fits(*zoom)).unwrap_or(DEEPEST)
}

#[cfg(test)]
#[path = "map_picture_tests.rs"]
mod tests;

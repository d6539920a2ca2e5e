//! What came of a simulation.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use super::SimulateError;
use super::client::Progress;
use super::worker::Shared;

/// A label that the server acknowledged: it must never be lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acknowledged {
    /// The label's id.
    pub id: String,
    /// Its author.
    pub volunteer_id: String,
    /// Public id of the tile.
    pub tile_id: String,
    /// Key of the answer.
    pub answer: String,
    /// `stored`, `revised` or `surplus`.
    pub status: String,
    /// The tile's state afterwards, as its author was told.
    pub tile_state: String,
    /// When the answer came, from the beginning of the simulation.
    pub order: Duration,
}

/// What one volunteer did.
#[derive(Debug, Default)]
pub struct Done {
    pub acknowledged: Vec<Acknowledged>,
    pub refused: BTreeMap<String, u64>,
    pub submits: Vec<Duration>,
    pub skips: u64,
    pub breaks: u64,
    pub failed: Option<SimulateError>,
}

/// What came of a simulation; its `Display` is what `aftermap simulate` prints.
#[derive(Debug, Clone, Default)]
pub struct Summary {
    /// How many volunteers labelled.
    pub volunteers: u32,
    /// Every label that the server acknowledged, in the order of the answers.
    pub acknowledged: Vec<Acknowledged>,
    /// Labels that were refused, by code.
    pub refused: BTreeMap<String, u64>,
    /// Tiles that were skipped.
    pub skips: u64,
    /// Volunteers who walked away with tiles in their hands.
    pub breaks: u64,
    /// Why volunteers gave up before the end: each lost the server, or was refused.
    pub failed: Vec<SimulateError>,
    /// From the first request to the last progress.
    pub worked: Duration,
    /// How long each submission took, shortest first.
    pub submits: Vec<Duration>,
    /// Tiles of the campaign at the end.
    pub tiles: u64,
    /// Open tiles at the end, as everybody may know it: check gold and what closed within ten minutes reads as open.
    pub open: u64,
    /// Closed tiles at the end.
    pub closed: u64,
}

impl Summary {
    /// The summary of a simulation that just ended, still without what the volunteers did.
    pub(super) fn begin(shared: &Shared, progress: Progress) -> Summary {
        let Progress { tiles, open, closed } = progress;
        let (volunteers, worked) = (shared.options.volunteers, shared.worked());
        Summary { volunteers, worked, tiles, open, closed, ..Summary::default() }
    }

    /// Adds what one volunteer did.
    pub(super) fn add(&mut self, done: Done) {
        self.acknowledged.extend(done.acknowledged);
        self.submits.extend(done.submits);
        self.skips += done.skips;
        self.breaks += done.breaks;
        self.failed.extend(done.failed);
        for (code, count) in done.refused {
            *self.refused.entry(code).or_default() += count;
        }
    }

    /// Puts everything in order.
    pub(super) fn finish(&mut self) {
        self.submits.sort_unstable();
        self.acknowledged.sort_by_key(|label| label.order);
    }

    /// Labels of one status.
    pub fn count(&self, status: &str) -> usize {
        self.acknowledged.iter().filter(|label| label.status == status).count()
    }

    /// Acknowledged labels per second; 0 where there was none.
    pub fn labels_per_second(&self) -> f64 {
        let seconds = self.worked.as_secs_f64();
        if seconds > 0.0 { self.acknowledged.len() as f64 / seconds } else { 0.0 }
    }

    /// Labels acknowledged in the busiest whole second: towards the end most volunteers only wait for tiles.
    pub fn busiest_second(&self) -> usize {
        let mut seconds: BTreeMap<u64, usize> = BTreeMap::new();
        for label in &self.acknowledged {
            *seconds.entry(label.order.as_secs()).or_default() += 1;
        }
        seconds.into_values().max().unwrap_or(0)
    }

    /// The time within which this share (0 to 1) of the submissions were answered.
    pub fn quantile(&self, share: f64) -> Duration {
        let last = self.submits.len().saturating_sub(1);
        let place = (share.clamp(0.0, 1.0) * last as f64).round() as usize;
        self.submits.get(place).copied().unwrap_or_default()
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = |counts: &BTreeMap<String, u64>| {
            let list: Vec<String> = counts.iter().map(|(word, count)| format!("{count} {word}")).collect();
            if list.is_empty() { "none".to_owned() } else { list.join(", ") }
        };
        let ms = |share: f64| self.quantile(share).as_secs_f64() * 1000.0;
        let [stored, revised, surplus] = ["stored", "revised", "surplus"].map(|status| self.count(status));
        let (labels, seconds, rate) = (self.acknowledged.len(), self.worked.as_secs_f64(), self.labels_per_second());
        writeln!(f, "volunteers   {}, of whom {} walked away with tiles in hand", self.volunteers, self.breaks)?;
        writeln!(f, "labels       {labels} acknowledged: {stored} stored, {revised} revised, {surplus} surplus")?;
        writeln!(f, "refused      {}", words(&self.refused))?;
        if let Some(first) = self.failed.first() {
            writeln!(f, "gave up      {} volunteers, the first because: {first}", self.failed.len())?;
        }
        writeln!(f, "skips        {}", self.skips)?;
        writeln!(
            f,
            "speed        {rate:.0} labels/s over {seconds:.1} s, {} in the busiest second",
            self.busiest_second()
        )?;
        writeln!(f, "a submit     {:.1} ms (p50), {:.1} ms (p95)", ms(0.5), ms(0.95))?;
        write!(
            f,
            "tiles        {} of {} read as closed, {} as open (volunteers are told ten minutes after a tile closed)",
            self.closed, self.tiles, self.open
        )
    }
}

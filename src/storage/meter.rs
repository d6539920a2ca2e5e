//! What the process has done so far, counted: for `/metrics`. Counters only ever grow and name nobody.
//!
//! There is one meter for each process, as there is one `/metrics`: transactions see a connection and nothing else, and
//! are to count too. Two stores in one process (tests) share it.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

/// The meter of this process.
pub static METER: Meter = Meter::new();

/// All counters.
pub struct Meter {
    /// Labels that were answered with "stored", "revised" or "surplus".
    pub labels_acknowledged: Counter,
    /// Leases given out.
    pub leases_granted: Counter,
    /// Leases taken back because their time was over.
    pub leases_expired: Counter,
    /// Durable commits and how long each took.
    pub commits: Histogram,
    /// Transactions that shared a commit.
    pub batches: Histogram,
    /// Writing transactions that wait or are at work.
    pub writes_under_way: Gauge,
    /// Requests that the database did not serve because it was away.
    pub database_errors: Counter,
    /// Pictures that were not served because the storage of the archives was away.
    pub storage_errors: Counter,
    /// Refits that made a model.
    pub refits: Counter,
    /// When the last one was made, milliseconds since 1970; 0 before the first.
    pub last_refit_at: Gauge,
    /// When a backup was last made, by whomever, milliseconds since 1970; 0 before the first.
    pub last_backup_at: Gauge,
}

/// Upper bounds of commit times, microseconds.
const COMMIT_BOUNDS: [u64; 10] = [500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 500_000, 2_000_000];
/// Upper bounds of batch sizes.
const BATCH_BOUNDS: [u64; 10] = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512];

impl Meter {
    const fn new() -> Meter {
        Meter {
            labels_acknowledged: Counter::new(),
            leases_granted: Counter::new(),
            leases_expired: Counter::new(),
            commits: Histogram::new(COMMIT_BOUNDS),
            batches: Histogram::new(BATCH_BOUNDS),
            writes_under_way: Gauge::new(),
            database_errors: Counter::new(),
            storage_errors: Counter::new(),
            refits: Counter::new(),
            last_refit_at: Gauge::new(),
            last_backup_at: Gauge::new(),
        }
    }

    /// One durable commit that so many transactions shared.
    pub fn commit(&self, transactions: usize, took: Duration) {
        self.commits.observe(took.as_micros() as u64);
        self.batches.observe(transactions as u64);
    }
}

/// A number that only grows.
pub struct Counter(AtomicU64);

impl Counter {
    const fn new() -> Counter {
        Counter(AtomicU64::new(0))
    }

    /// So many more.
    pub fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    /// All so far.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A number that goes up and down.
pub struct Gauge(AtomicI64);

impl Gauge {
    const fn new() -> Gauge {
        Gauge(AtomicI64::new(0))
    }

    /// Sets it.
    pub fn set(&self, value: i64) {
        self.0.store(value, Ordering::Relaxed);
    }

    /// What it stands at.
    pub fn get(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Counts one as long as the value returned lives.
    pub fn hold(&'static self) -> Held {
        self.0.fetch_add(1, Ordering::Relaxed);
        Held(self)
    }
}

/// One thing under way.
pub struct Held(&'static Gauge);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// How often a value lay below each bound.
pub struct Histogram {
    bounds: [u64; 10],
    counts: [AtomicU64; 11],
    sum: AtomicU64,
}

impl Histogram {
    const fn new(bounds: [u64; 10]) -> Histogram {
        Histogram { bounds, counts: [const { AtomicU64::new(0) }; 11], sum: AtomicU64::new(0) }
    }

    /// One more value.
    pub fn observe(&self, value: u64) {
        let place = self.bounds.partition_point(|bound| *bound < value);
        self.counts[place].fetch_add(1, Ordering::Relaxed);
        self.sum.fetch_add(value, Ordering::Relaxed);
    }

    /// Each bound with the number of values up to it, then the number of all values with their sum.
    pub fn read(&self) -> (Vec<(u64, u64)>, u64, u64) {
        let mut below = 0;
        let mut upto = |place: usize| {
            below += self.counts[place].load(Ordering::Relaxed);
            below
        };
        let rows = self.bounds.iter().enumerate().map(|(place, bound)| (*bound, upto(place))).collect();
        let all = upto(self.bounds.len());
        (rows, all, self.sum.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_histogram_counts_what_lies_at_or_below_each_bound() {
        let histogram = Histogram::new(BATCH_BOUNDS);
        for value in [1, 2, 3, 4, 5_000] {
            histogram.observe(value);
        }
        let (rows, all, sum) = histogram.read();
        assert_eq!(rows[..4], [(1, 1), (2, 2), (4, 4), (8, 4)]);
        assert_eq!((all, sum), (5, 5_010));
    }

    #[test]
    fn a_gauge_counts_what_is_held() {
        static GAUGE: Gauge = Gauge::new();
        let one = GAUGE.hold();
        let two = GAUGE.hold();
        assert_eq!(GAUGE.get(), 2);
        drop((one, two));
        assert_eq!(GAUGE.get(), 0);
    }
}

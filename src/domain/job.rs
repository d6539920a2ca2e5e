//! A job: work on a campaign that takes minutes, done in the background and begun again after a crash.

use super::words::words;

words! {
    /// What a job does.
    JobKind {
        /// Cuts a picture into a scene.
        Ingest = "ingest",
        /// Reads building footprints, one tile for each.
        Footprints = "footprints",
        /// Reads tiles whose answers experts fixed.
        Gold = "gold",
        /// Derives the tiles anew.
        Tiles = "tiles",
    }
}

words! {
    /// Where a job stands.
    JobState {
        /// Not begun.
        Waiting = "waiting",
        /// Somebody works on it.
        Running = "running",
        /// Done.
        Done = "done",
        /// Not possible; its message says why.
        Failed = "failed",
        /// A coordinator did not want it any more.
        Cancelled = "cancelled",
    }
}

impl JobState {
    /// Whether nothing will happen any more.
    pub fn is_over(self) -> bool {
        !matches!(self, JobState::Waiting | JobState::Running)
    }
}

/// How fast a job goes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pace {
    /// Units a second since it was begun.
    pub per_second: f64,
    /// Seconds until it is done, if it goes on like that.
    pub seconds_left: f64,
}

/// The pace of a job that did `done` of `total` units in so many milliseconds; `None` while too little is known.
pub fn pace(done: i64, total: i64, milliseconds: i64) -> Option<Pace> {
    if done <= 0 || total < done || milliseconds < 1_000 {
        return None;
    }
    let per_second = done as f64 * 1000.0 / milliseconds as f64;
    Some(Pace { per_second, seconds_left: (total - done) as f64 / per_second })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pace_is_known_once_something_was_done_for_a_second() {
        assert_eq!(pace(0, 100, 5_000), None);
        assert_eq!(pace(10, 100, 500), None);
        assert_eq!(pace(10, 100, 2_000), Some(Pace { per_second: 5.0, seconds_left: 18.0 }));
    }
}

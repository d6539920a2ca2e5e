//! Slows down guessing: after ten wrong passwords for one name in a quarter of an hour, that name must wait.
//!
//! Kept in memory, by a hash of the name; no address is looked at. A person who is signed in already is not disturbed.

use std::collections::HashMap;
use std::sync::Mutex;

use super::Error;
use super::secrets::hash;

/// Wrong attempts that are free.
const FREE: u32 = 10;
/// How long they are remembered, milliseconds.
const WINDOW_MS: i64 = 15 * 60 * 1_000;
/// Names remembered at a time: bounds the memory (about 5 MB) against somebody who invents names.
const NAMES: usize = 50_000;

/// Wrong attempts by name.
#[derive(Default)]
pub struct Throttle {
    failures: Mutex<HashMap<[u8; 32], Failures>>,
}

#[derive(Clone, Copy)]
struct Failures {
    count: u32,
    since: i64,
}

impl Throttle {
    /// Counts an attempt before its outcome is known, so that parallel guesses are counted too; refused when the name
    /// has to wait.
    pub fn attempt(&self, name_key: &str, now: i64) -> Result<(), Error> {
        let mut failures = self.failures.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if failures.len() >= NAMES {
            failures.retain(|_, entry| entry.is_remembered(now));
        }
        if failures.len() >= NAMES {
            failures.clear();
        }
        let entry = failures.entry(hash(name_key)).or_insert(Failures { count: 0, since: now });
        if !entry.is_remembered(now) {
            *entry = Failures { count: 0, since: now };
        }
        if entry.count >= FREE {
            let wait_ms = (entry.since + WINDOW_MS - now).clamp(1, WINDOW_MS);
            return Err(Error::TooManyAttempts(wait_ms.unsigned_abs().div_ceil(1_000)));
        }
        entry.count += 1;
        Ok(())
    }

    /// Forgets the attempts of a name: the last one was right.
    pub fn succeeded(&self, name_key: &str) {
        self.failures.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).remove(&hash(name_key));
    }
}

impl Failures {
    /// A clock that was set back must not lock anybody out for longer than the window.
    fn is_remembered(self, now: i64) -> bool {
        (self.since..self.since + WINDOW_MS).contains(&now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_eleventh_wrong_attempt_must_wait_and_only_for_that_name() {
        let throttle = Throttle::default();
        for _ in 0..10 {
            assert!(throttle.attempt("layla", 1_000).is_ok());
        }
        assert!(matches!(throttle.attempt("layla", 61_000), Err(Error::TooManyAttempts(840))));
        assert!(throttle.attempt("omar", 61_000).is_ok());
        assert!(throttle.attempt("layla", 1_000 + WINDOW_MS).is_ok());
    }

    #[test]
    fn a_right_password_and_a_clock_set_back_clear_the_count() {
        let throttle = Throttle::default();
        for _ in 0..10 {
            assert!(throttle.attempt("layla", 5_000_000).is_ok());
        }
        assert!(throttle.attempt("layla", 1_000).is_ok());
        throttle.succeeded("layla");
        for _ in 0..10 {
            assert!(throttle.attempt("layla", 2_000).is_ok());
        }
    }
}

//! Ids of rows: made here, not by a database, so that both databases hold the same numbers.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use rand::RngExt;

/// Random bits below the milliseconds: two processes that make an id in the same millisecond collide once in 2 million.
const RANDOM_BITS: u32 = 21;

static LAST: AtomicI64 = AtomicI64::new(0);

/// A new id: positive, growing with time (milliseconds since 1970 in the upper bits), never repeated in one process.
pub fn new_id() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as i64);
    let candidate = (now << RANDOM_BITS) | rand::rng().random_range(0..1 << RANDOM_BITS);
    let next = |last: i64| if candidate > last { candidate } else { last + 1 };
    match LAST.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| Some(next(last))) {
        Ok(last) | Err(last) => next(last),
    }
}

/// A number that no id made before that time (milliseconds since 1970, UTC) reaches: finds old rows by their key alone.
pub(super) fn least_id_at(time: i64) -> i64 {
    time << RANDOM_BITS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_grow_and_never_repeat() {
        let ids: Vec<i64> = (0..10_000).map(|_| new_id()).collect();
        assert!(ids.is_sorted_by(|a, b| a < b));
    }

    #[test]
    fn an_id_lies_between_the_bounds_of_its_time() {
        let now = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as i64;
        let (before, id) = (now(), new_id());
        assert!(least_id_at(before) <= id && id < least_id_at(now() + 1_000));
    }
}

//! Which tile next: a pure, seeded, visible pipe.
//!
//! ```text
//! plan       how many tiles by value, how many at random, how many check gold
//! ring       walk the tiles of one value from where this volunteer stood last, once around
//! unseen     leave out what this volunteer has labelled, holds, or skipped
//! mix        put the check gold among them
//! ```
//!
//! Nothing here reads a clock or a database: the caller brings candidates and a random generator, so that a test can
//! repeat a run.

mod plan;
mod ring;

pub use plan::{Plan, mix, plan};
pub use ring::{Walk, first_behind};

/// Rows of the queue that one transaction may look at: hand-out costs the same however large the campaign is.
pub const LOOK_AT_MOST: usize = 256;

/// The candidates that this volunteer has not seen, in their order, at most `count`.
pub fn unseen(candidates: &[i64], seen: &[i64], count: usize) -> Vec<i64> {
    candidates.iter().copied().filter(|tile| !seen.contains(tile)).take(count).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_seen_is_left_out_and_the_order_stays() {
        assert_eq!(unseen(&[5, 3, 9, 7], &[3, 7], 5), [5, 9]);
        assert_eq!(unseen(&[5, 3, 9, 7], &[], 2), [5, 3]);
        assert_eq!(unseen(&[], &[1], 2), [0i64; 0]);
    }
}

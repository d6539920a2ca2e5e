//! One walk around the ring of tiles of equal value.
//!
//! Tiles lie on the ring in the order of a shuffle key. A volunteer stands somewhere on it, walks forward, wraps at the
//! end and stops where the walk began. Since everybody starts at a random place, volunteers meet rarely; since nobody
//! walks back, what one has labelled is not looked at again before a full turn.

/// A walk, as far as it has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Walk {
    start: i64,
    at: i64,
    wrapped: bool,
    ended: bool,
}

impl Walk {
    /// Begins a walk just behind `start`.
    pub fn from(start: i64) -> Walk {
        Walk { start, at: start, wrapped: false, ended: false }
    }

    /// The stretch to look at next, as an open and a closed end: `from < key <= to`. `None` after a full turn.
    pub fn stretch(&self) -> Option<(i64, i64)> {
        if self.ended {
            None
        } else if self.wrapped {
            Some((self.at, self.start))
        } else {
            Some((self.at, i64::MAX))
        }
    }

    /// Notes what was found in the stretch: its last key, and whether more may lie behind it.
    pub fn advance(&mut self, last: Option<i64>, more: bool) {
        match (more, last) {
            (true, Some(key)) => self.at = key,
            _ if self.wrapped => self.ended = true,
            _ => {
                self.wrapped = true;
                self.at = i64::MIN;
            }
        }
    }
}

/// The group whose tile comes first on the ring of all groups together, of groups with the key of their first tile each.
///
/// Behind a place that was drawn at random this draws a tile whatever its group, each being as likely as the next: keys are
/// hashes, so a group with twice the tiles comes first twice as often.
pub fn first_behind<Group: Copy>(heads: &[(Group, i64)]) -> Option<Group> {
    heads.iter().min_by_key(|(_, key)| *key).map(|(group, _)| *group)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Walks a ring of keys, looking at `limit` keys at a time, and returns them in the order they were met.
    fn walk(keys: &[i64], start: i64, limit: usize) -> Vec<i64> {
        let mut met = Vec::new();
        let mut walk = Walk::from(start);
        for _ in 0..100 {
            let Some((from, to)) = walk.stretch() else { return met };
            let found: Vec<i64> = keys.iter().copied().filter(|key| from < *key && *key <= to).take(limit).collect();
            walk.advance(found.last().copied(), found.len() == limit);
            met.extend(found);
        }
        panic!("the walk never ends");
    }

    #[test]
    fn the_group_of_the_next_tile_is_drawn_however_many_groups_there_are() {
        let heads: Vec<(i16, i64)> = (0..48).map(|group| (group, 1_000 - i64::from(group))).collect();
        assert_eq!(first_behind(&heads), Some(47));
        assert_eq!(first_behind::<i16>(&[]), None);
    }

    #[test]
    fn a_walk_meets_every_tile_once_and_ends_where_it_began() {
        for limit in 1..8 {
            assert_eq!(walk(&[10, 20, 30, 40, 50], 30, limit), [40, 50, 10, 20, 30], "limit {limit}");
            assert_eq!(walk(&[10, 20], 99, limit), [10, 20]);
            assert_eq!(walk(&[], 5, limit), [0i64; 0]);
        }
    }
}

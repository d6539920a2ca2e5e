//! The labels of a campaign sorted twice, by tile and by volunteer, so that every sum runs in one fixed order.
//!
//! Work is cut into fixed pieces by label count. Threads take pieces in any order, but each piece writes its own
//! places and totals are added piece by piece, so results are the same to the bit for any number of threads.

use std::ops::Range;

use super::columns::Columns;

/// Labels of one piece of work, about; a list is never cut.
const PIECE: usize = 1 << 15;

/// One side of the labels: for every row (tile or volunteer) the others it meets and the answers given.
#[derive(Debug, Clone, PartialEq)]
pub struct Side {
    starts: Vec<u32>,
    /// The volunteer (by tile) or the tile (by volunteer) of each label.
    pub other: Vec<u32>,
    /// The answer of each label.
    pub answers: Vec<u8>,
}

impl Side {
    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.starts.len() - 1
    }

    /// Places of the labels of a row.
    pub fn range(&self, row: usize) -> Range<usize> {
        self.starts[row] as usize..self.starts[row + 1] as usize
    }

    /// The labels of a row: the other side's number and the answer.
    pub fn row(&self, row: usize) -> impl Iterator<Item = (usize, usize)> + Clone + '_ {
        let range = self.range(row);
        let others = self.other[range.clone()].iter().map(|&other| other as usize);
        others.zip(self.answers[range].iter().map(|&answer| usize::from(answer)))
    }

    /// Number of labels of a row.
    pub fn len(&self, row: usize) -> usize {
        self.range(row).len()
    }

    /// Whether a row has no label.
    pub fn is_empty(&self, row: usize) -> bool {
        self.len(row) == 0
    }

    /// Rows in pieces of about equal work.
    pub fn pieces(&self) -> Vec<Range<usize>> {
        let (mut pieces, mut start) = (Vec::new(), 0);
        for row in 0..self.rows() {
            let labels = (self.starts[row + 1] - self.starts[start]) as usize;
            if labels + (row - start) >= PIECE || row + 1 == self.rows() {
                pieces.push(start..row + 1);
                start = row + 1;
            }
        }
        pieces
    }

    /// Sorts labels by `key`, stably, with `other` and `answers` in the order of `order`.
    fn sort(rows: usize, count: usize, label: impl Fn(usize) -> (u32, u32, u8)) -> Side {
        let mut starts = vec![0u32; rows + 1];
        for place in 0..count {
            starts[label(place).0 as usize + 1] += 1;
        }
        for row in 0..rows {
            starts[row + 1] += starts[row];
        }
        let mut next = starts.clone();
        let (mut other, mut answers) = (vec![0u32; count], vec![0u8; count]);
        for place in 0..count {
            let (row, from, answer) = label(place);
            let to = next[row as usize] as usize;
            next[row as usize] += 1;
            other[to] = from;
            answers[to] = answer;
        }
        Side { starts, other, answers }
    }
}

/// The labels that speak about damage, sorted by tile and by volunteer.
#[derive(Debug, Clone, PartialEq)]
pub struct Votes {
    /// By tile; in it by volunteer.
    pub by_tile: Side,
    /// By volunteer; in it by tile.
    pub by_volunteer: Side,
}

impl Votes {
    /// Sorts the labels and keeps those whose answer lies below `telling`. Of repeats of one volunteer on one tile only
    /// the last is looked at, unless `repeats` asks for all of them.
    pub fn new(columns: &Columns, telling: usize, repeats: bool) -> Votes {
        // Two stable passes, by volunteer, then by tile: repeats stay in the order in which they came.
        let first = Side::sort(columns.volunteer_count(), columns.len(), |at| {
            (columns.volunteers()[at], columns.tiles()[at], columns.answers()[at])
        });
        let by_tile = Votes::turn(&first, columns.tile_count());
        drop(first);
        let by_tile = keep(by_tile, telling, repeats);
        let by_volunteer = Votes::turn(&by_tile, columns.volunteer_count());
        Votes { by_tile, by_volunteer }
    }

    /// The same labels sorted by the other side.
    fn turn(side: &Side, rows: usize) -> Side {
        let mut owners = Vec::with_capacity(side.other.len());
        for row in 0..side.rows() {
            owners.resize(owners.len() + side.len(row), row as u32);
        }
        Side::sort(rows, owners.len(), |place| (side.other[place], owners[place], side.answers[place]))
    }

    /// Number of labels.
    pub fn len(&self) -> usize {
        self.by_tile.other.len()
    }

    /// Whether there is no label.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Drops all but the last of equal neighbours in each row, then the answers from `telling` on.
fn keep(side: Side, telling: usize, repeats: bool) -> Side {
    let stays = |row: &Range<usize>, at: usize| {
        let is_last = at + 1 == row.end || side.other[at + 1] != side.other[at];
        (repeats || is_last) && usize::from(side.answers[at]) < telling
    };
    if (0..side.rows()).all(|row| side.range(row).all(|at| stays(&side.range(row), at))) {
        return side;
    }
    let mut kept = Side { starts: vec![0], other: Vec::new(), answers: Vec::new() };
    for row in 0..side.rows() {
        let range = side.range(row);
        for at in range.clone().filter(|&at| stays(&range, at)) {
            kept.other.push(side.other[at]);
            kept.answers.push(side.answers[at]);
        }
        kept.starts.push(kept.other.len() as u32);
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns() -> Columns {
        // Tile, volunteer, answer; the last label repeats the first one's author and tile.
        let labels = [(1, 0, 2), (0, 2, 1), (1, 1, 0), (0, 0, 1), (1, 2, 9), (1, 0, 1)];
        let pick = |f: fn(&(u32, u32, u8)) -> u32| labels.iter().map(f).collect();
        let answers = labels.iter().map(|label| label.2).collect();
        Columns::new(pick(|l| l.0), pick(|l| l.1), answers, vec![None; 3], 3).unwrap()
    }

    fn rows(side: &Side) -> Vec<Vec<(usize, usize)>> {
        (0..side.rows()).map(|row| side.row(row).collect()).collect()
    }

    #[test]
    fn the_latest_of_a_repeated_label_counts() {
        let votes = Votes::new(&columns(), 3, false);
        assert_eq!(rows(&votes.by_tile), [vec![(0, 1), (2, 1)], vec![(0, 1), (1, 0)], vec![]]);
        assert_eq!(rows(&votes.by_volunteer), [vec![(0, 1), (1, 1)], vec![(1, 0)], vec![(0, 1)]]);
    }

    #[test]
    fn methods_of_others_count_every_row() {
        let votes = Votes::new(&columns(), 3, true);
        assert_eq!(rows(&votes.by_tile)[1], [(0, 2), (0, 1), (1, 0)]);
        assert_eq!(votes.len(), 5);
    }

    #[test]
    fn pieces_cover_every_row_once() {
        let many = 100_000u32;
        let columns = Columns::new(
            (0..many).map(|i| i % 977).collect(),
            vec![0; many as usize],
            vec![0; many as usize],
            vec![None; 1000],
            1,
        );
        let side = Votes::new(&columns.unwrap(), 1, true).by_tile;
        let covered: Vec<usize> = side.pieces().into_iter().flatten().collect();
        assert_eq!(covered, (0..1000).collect::<Vec<_>>());
        assert!(side.pieces().len() > 2);
    }
}

//! Many tiles drawn as one square of the map.

use crate::domain::cell::Cell;
use crate::domain::consensus::TileState;

/// Tiles that are drawn as one square, because they are too many.
#[derive(Debug, Clone, PartialEq)]
pub struct Square {
    /// Where it is. A tile is in the square that holds its centre.
    pub cell: Cell,
    /// Tiles in it that pass the filter.
    pub tiles: u64,
    /// Of these, decided ones by class. A square cannot show what is provisional, so open tiles are in none.
    pub classes: Vec<u64>,
    /// Of these, contested: they wait for experts.
    pub contested: u64,
    /// Of these, closed because their images show nothing usable.
    pub unusable: u64,
    /// Of these, the others: not decided yet.
    pub without_class: u64,
    /// Of these, decided ones with a probability of any damage of at least the threshold; without a threshold, with a class of damage.
    pub damaged: u64,
    /// The window that most of them have, by ids of the scenes; of equals the earliest.
    pub window: (Option<i64>, Option<i64>),
}

impl Square {
    /// Share of damaged tiles among those that have a class; `None` where none has.
    pub fn share_damaged(&self) -> Option<f64> {
        let known: u64 = self.classes.iter().sum();
        (known > 0).then(|| self.damaged as f64 / known as f64)
    }

    /// The count of tiles without a class that a state belongs to.
    pub(super) fn apart(&mut self, state: TileState) -> &mut u64 {
        match state {
            TileState::Contested => &mut self.contested,
            TileState::Unusable => &mut self.unusable,
            TileState::Open | TileState::Settled | TileState::Reviewed => &mut self.without_class,
        }
    }
}

//! Labels as columns: what a refit reads, 9 bytes a label.

use crate::domain::Invalid;

/// All counted labels of a campaign. Tiles and volunteers are numbered densely from 0 by the caller.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Columns {
    tiles: Vec<u32>,
    volunteers: Vec<u32>,
    answers: Vec<u8>,
    gold: Vec<Option<u8>>,
    volunteer_count: u32,
    seconds: Vec<f32>,
}

impl Columns {
    /// Columns of equal length, one entry a label; `gold` has one entry a tile: the class that experts fixed.
    ///
    /// # Errors
    /// When lengths differ or a number lies beyond the tiles or volunteers.
    pub fn new(
        tiles: Vec<u32>,
        volunteers: Vec<u32>,
        answers: Vec<u8>,
        gold: Vec<Option<u8>>,
        volunteer_count: u32,
    ) -> Result<Columns, Invalid> {
        if tiles.len() != volunteers.len() || tiles.len() != answers.len() {
            return Err(Invalid::new(
                "columns",
                format!("{} tiles, {} volunteers, {} answers", tiles.len(), volunteers.len(), answers.len()),
            ));
        }
        if let Some(tile) = tiles.iter().find(|&&tile| tile as usize >= gold.len()) {
            return Err(Invalid::new("tiles", format!("tile {tile}, but there are {} tiles", gold.len())));
        }
        if let Some(volunteer) = volunteers.iter().find(|&&volunteer| volunteer >= volunteer_count) {
            return Err(Invalid::new("volunteers", format!("volunteer {volunteer} of {volunteer_count}")));
        }
        Ok(Columns { tiles, volunteers, answers, gold, volunteer_count, seconds: Vec::new() })
    }

    /// Adds how long each answer took, seconds, in the order of the labels. Without it nobody is judged by speed.
    ///
    /// # Errors
    /// When there is not one entry a label.
    pub fn with_seconds(self, seconds: Vec<f32>) -> Result<Columns, Invalid> {
        if seconds.len() != self.len() {
            return Err(Invalid::new("seconds", format!("{} for {} labels", seconds.len(), self.len())));
        }
        Ok(Columns { seconds, ..self })
    }

    /// Number of labels.
    pub fn len(&self) -> usize {
        self.tiles.len()
    }

    /// Whether there is no label.
    pub fn is_empty(&self) -> bool {
        self.tiles.is_empty()
    }

    /// Number of tiles, those without labels included.
    pub fn tile_count(&self) -> usize {
        self.gold.len()
    }

    /// Number of volunteers.
    pub fn volunteer_count(&self) -> usize {
        self.volunteer_count as usize
    }

    /// Tile of each label.
    pub fn tiles(&self) -> &[u32] {
        &self.tiles
    }

    /// Volunteer of each label.
    pub fn volunteers(&self) -> &[u32] {
        &self.volunteers
    }

    /// Answer of each label, its place on the scale.
    pub fn answers(&self) -> &[u8] {
        &self.answers
    }

    /// The class that experts fixed, per tile.
    pub fn gold(&self) -> &[Option<u8>] {
        &self.gold
    }

    /// Time each answer took, seconds; empty where unknown.
    pub fn seconds(&self) -> &[f32] {
        &self.seconds
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_that_do_not_fit_are_refused() {
        let field = |result: Result<Columns, Invalid>| result.unwrap_err().field;
        assert_eq!(field(Columns::new(vec![0], vec![], vec![0], vec![None], 1)), "columns");
        assert_eq!(field(Columns::new(vec![1], vec![0], vec![0], vec![None], 1)), "tiles");
        assert_eq!(field(Columns::new(vec![0], vec![1], vec![0], vec![None], 1)), "volunteers");
        let columns = Columns::new(vec![0], vec![0], vec![0], vec![None], 1).unwrap();
        assert_eq!(field(columns.with_seconds(vec![1.0, 2.0])), "seconds");
    }
}

//! What a file of outlines may hold: its bytes say little about the memory that its contents take.

use super::Polygons;

/// Most outlines of one file.
const MOST_OUTLINES: usize = 1_000_000;
/// Most corners of all outlines of one file.
const MOST_CORNERS: usize = 10_000_000;
/// Most corners of one outline.
pub(super) const MOST_CORNERS_OF_ONE: usize = 100_000;

/// What is left of it while a file is read.
pub(super) struct Budget {
    outlines: usize,
    corners: usize,
}

impl Budget {
    /// The whole of it.
    pub fn new() -> Budget {
        Budget { outlines: MOST_OUTLINES, corners: MOST_CORNERS }
    }

    /// Takes one more outline out of it, or says what is too much.
    pub fn take(&mut self, polygons: &Polygons) -> Result<(), String> {
        let corners = weight(polygons);
        if corners > MOST_CORNERS_OF_ONE {
            return Err(too_many_corners());
        }
        self.outlines = self.outlines.checked_sub(1).ok_or("more than 1,000,000 outlines: split the file")?;
        self.corners = self.corners.checked_sub(corners).ok_or("more than 10,000,000 corners: split the file")?;
        Ok(())
    }
}

/// What is said of one outline that is too large.
pub(super) fn too_many_corners() -> String {
    "has more than 100,000 corners, which no building has".into()
}

/// Corners, where every ring and every polygon counts as one more: empty ones take memory too.
fn weight(polygons: &Polygons) -> usize {
    polygons.iter().map(|rings| 1 + rings.iter().map(|ring| 1 + ring.len()).sum::<usize>()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outlines_and_corners_run_out() {
        let house = vec![vec![vec![[0.0, 0.0]; 5]]];
        let mut budget = Budget::new();
        assert_eq!(budget.take(&house), Ok(()));
        assert!(budget.take(&vec![Vec::new(); 100_001]).unwrap_err().contains("no building"));
        budget.corners = 6;
        assert!(budget.take(&house).unwrap_err().contains("corners: split"));
        budget.outlines = 0;
        assert!(budget.take(&house).unwrap_err().contains("outlines: split"));
    }
}

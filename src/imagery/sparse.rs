//! Blocks that a file leaves out: GDAL writes none where everything is "no data" (SPARSE_OK).

use geotiff_reader::GeoTiffFile;

use super::source::Window;

/// Which strips or tiles of a picture have no bytes in the file.
#[derive(Debug)]
pub struct Missing {
    width: u32,
    height: u32,
    across: u32,
    list: Vec<bool>,
}

impl Missing {
    /// The missing blocks of an image; `None` where all are there.
    pub fn find(file: &GeoTiffFile, image: usize) -> Option<Missing> {
        let ifd = file.tiff().ifd(image).ok()?;
        let (width, height, offsets, counts) = match (ifd.tile_width(), ifd.tile_height()) {
            (Some(width), Some(height)) => (width, height, ifd.tile_offsets()?, ifd.tile_byte_counts()?),
            _ => (ifd.width(), ifd.rows_per_strip(), ifd.strip_offsets()?, ifd.strip_byte_counts()?),
        };
        let list: Vec<bool> = offsets.iter().zip(&counts).map(|(at, bytes)| *at == 0 || *bytes == 0).collect();
        let known = width > 0 && height > 0 && list.contains(&true);
        known.then(|| Missing { width, height, across: ifd.width().div_ceil(width), list })
    }

    /// Calls `blank` for each run of pixels of a window (counted row by row from 0) that lies in a missing block.
    pub fn each_run(&self, window: Window, mut blank: impl FnMut(std::ops::Range<usize>)) {
        for row in 0..window.height {
            let line = (window.row + row) / self.height * self.across;
            let mut col = 0;
            while col < window.width {
                let block = (window.col + col) / self.width;
                let end = ((block + 1).saturating_mul(self.width) - window.col).min(window.width);
                if self.list.get((line + block) as usize).is_some_and(|missing| *missing) {
                    let first = row as usize * window.width as usize;
                    blank(first + col as usize..first + end as usize);
                }
                col = end;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pixels_of_missing_blocks_are_found() {
        // Blocks of 4 x 3 pixels, three along a row; the second and the fourth are missing.
        let missing = Missing { width: 4, height: 3, across: 3, list: vec![false, true, false, true, false, false] };
        let mut runs = Vec::new();
        missing.each_run(Window { col: 2, row: 2, width: 7, height: 2 }, |run| runs.push(run));
        assert_eq!(runs, [2..6, 7..9]);
    }
}

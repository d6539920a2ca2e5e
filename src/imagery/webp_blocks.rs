//! WebP inside a TIFF with four bands: a writer may leave out the alpha of a block in which everything is visible, which
//! the TIFF decoder does not forgive. Here such a block is fully visible.

use geotiff_reader::GeoTiffFile;

use super::source::Window;

/// TIFF's code for WebP.
const WEBP: u16 = 50001;
/// Bytes of a pixel here: red, green, blue, alpha.
const BANDS: usize = 4;

/// Where the blocks of such a picture stand in the file.
#[derive(Debug)]
pub struct WebpBlocks {
    size: (u32, u32),
    block: (u32, u32),
    /// Whether the last row of blocks is cut off at the picture's end, as strips are.
    strips: bool,
    places: Vec<(u64, u64)>,
}

impl WebpBlocks {
    /// The blocks of an image of the file; `None` where it is of another kind.
    pub fn find(file: &GeoTiffFile, image: usize) -> Option<WebpBlocks> {
        let ifd = file.tiff().ifd(image).ok()?;
        if ifd.compression() != WEBP || usize::from(ifd.samples_per_pixel()) != BANDS || ifd.planar_configuration() != 1
        {
            return None;
        }
        let (width, height, offsets, counts) = match (ifd.tile_width(), ifd.tile_height()) {
            (Some(width), Some(height)) => (width, height, ifd.tile_offsets()?, ifd.tile_byte_counts()?),
            _ => (ifd.width(), ifd.rows_per_strip().min(ifd.height()), ifd.strip_offsets()?, ifd.strip_byte_counts()?),
        };
        let places = offsets.into_iter().zip(counts).collect();
        let size = (ifd.width(), ifd.height());
        let known = width > 0 && height > 0;
        known.then(|| WebpBlocks { size, block: (width, height), strips: !ifd.is_tiled(), places })
    }

    /// The pixels of a window, four bytes each; missing blocks stay empty. A reason where a block is damaged.
    pub fn read(&self, file: &GeoTiffFile, window: Window) -> Result<Vec<u8>, String> {
        let mut pixels = vec![0; window.pixels() as usize * BANDS];
        let across = self.size.0.div_ceil(self.block.0);
        let last = (window.col + window.width - 1, window.row + window.height - 1);
        for row in window.row / self.block.1..=last.1 / self.block.1 {
            for col in window.col / self.block.0..=last.0 / self.block.0 {
                let number = (row * across + col) as usize;
                let (offset, length) =
                    *self.places.get(number).ok_or_else(|| format!("block {number} is not there"))?;
                if offset == 0 || length == 0 {
                    continue;
                }
                let rows = match self.strips {
                    true => self.block.1.min(self.size.1 - row * self.block.1),
                    false => self.block.1,
                };
                let wrong = |reason: String| format!("block {number}: {reason}");
                let length = usize::try_from(length).map_err(|error| wrong(error.to_string()))?;
                let bytes =
                    file.tiff().source().read_exact_at(offset, length).map_err(|error| wrong(error.to_string()))?;
                let block = decode(&bytes, (self.block.0, rows)).map_err(wrong)?;
                self.paste(&block, (col * self.block.0, row * self.block.1, rows), window, &mut pixels);
            }
        }
        Ok(pixels)
    }

    /// Copies the part of a block that lies in the window.
    fn paste(&self, block: &[u8], (left, top, rows): (u32, u32, u32), window: Window, pixels: &mut [u8]) {
        let (from, to) = (window.col.max(left), (window.col + window.width).min(left + self.block.0));
        for row in window.row.max(top)..(window.row + window.height).min(top + rows) {
            let source = ((row - top) * self.block.0 + from - left) as usize * BANDS;
            let target = ((row - window.row) * window.width + from - window.col) as usize * BANDS;
            let count = (to - from) as usize * BANDS;
            pixels[target..target + count].copy_from_slice(&block[source..source + count]);
        }
    }
}

/// One block, four bytes a pixel. Its size is compared before a pixel is decoded.
fn decode(bytes: &[u8], (width, height): (u32, u32)) -> Result<Vec<u8>, String> {
    let broken = "is no WebP that can be decoded";
    let about = webp::BitstreamFeatures::new(bytes).ok_or(broken)?;
    if (about.width(), about.height()) != (width, height) || about.has_animation() {
        return Err(format!(
            "its WebP has {} x {} pixels instead of {width} x {height}",
            about.width(),
            about.height()
        ));
    }
    let picture = webp::Decoder::new(bytes).decode().ok_or(broken)?;
    Ok(match picture.is_alpha() {
        true => picture.to_vec(),
        false => picture.chunks_exact(3).flat_map(|pixel| [pixel[0], pixel[1], pixel[2], 255]).collect(),
    })
}

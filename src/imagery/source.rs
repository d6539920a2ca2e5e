//! What the cutter needs from a picture: its place on earth, and 8-bit colour windows of bounded size.

use serde::{Deserialize, Serialize};

use super::error::ImageryError;
use super::georef::Georef;

/// A rectangle of pixels of the source, counted from its upper left corner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// First column.
    pub col: u32,
    /// First row.
    pub row: u32,
    /// Columns.
    pub width: u32,
    /// Rows.
    pub height: u32,
}

impl Window {
    /// Number of pixels.
    pub fn pixels(self) -> u64 {
        u64::from(self.width) * u64::from(self.height)
    }
}

/// A small picture in memory: red, green, blue and straight (not premultiplied) alpha, 8 bits each, row by row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RgbaImage {
    /// Pixels along a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// `width * height * 4` bytes; alpha 0 means "no picture here".
    pub data: Vec<u8>,
}

impl RgbaImage {
    /// The four bytes of one pixel; the place must lie inside.
    pub fn pixel(&self, col: u32, row: u32) -> [u8; 4] {
        let at = (row as usize * self.width as usize + col as usize) * 4;
        [self.data[at], self.data[at + 1], self.data[at + 2], self.data[at + 3]]
    }
}

/// Pixels of a window as the cutter takes them: red, green and blue first, row by row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pixels {
    /// Pixels along a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// Bytes from one pixel to the next: 3, or 4.
    pub stride: usize,
    /// Whether every pixel is fully valid. Otherwise the fourth byte is straight alpha.
    pub opaque: bool,
    /// `width * height * stride` bytes.
    pub data: Vec<u8>,
}

impl From<RgbaImage> for Pixels {
    fn from(image: RgbaImage) -> Pixels {
        // All bytes of a run in one go, without a branch for each pixel: four times as fast.
        let full = |run: &[u8]| run.iter().skip(3).step_by(4).fold(255, |all, alpha| all & alpha) == 255;
        let opaque = image.data.chunks(4096).all(full);
        Pixels { width: image.width, height: image.height, stride: 4, opaque, data: image.data }
    }
}

/// Which numbers of the source became which colours.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Shown {
    /// Bands from 1: one for grey, three for red, green and blue.
    pub bands: Vec<u16>,
    /// For each of them the numbers that became black and white; none where bytes were taken as they are.
    pub stretch: Vec<[f32; 2]>,
}

/// A georeferenced picture that hands out windows as 8-bit colour.
pub trait RasterSource: Sync {
    /// Columns and rows.
    fn size(&self) -> (u32, u32);
    /// Where the pixels lie on earth.
    fn georef(&self) -> &Georef;
    /// How bands became colours and how "no picture" is known, in words for the scene's page.
    fn note(&self) -> &str;
    /// The same in numbers.
    fn shown(&self) -> Shown {
        Shown::default()
    }
    /// Bytes of memory that a pixel takes while a window is read.
    fn pixel_bytes(&self) -> usize {
        8
    }
    /// Of a picture that is stored in strips across its whole width: the bytes of one row while it is read.
    fn strip_row_bytes(&self) -> Option<u64> {
        None
    }
    /// Reads one window. Fails where the file is damaged; the window must lie inside the picture.
    fn read(&self, window: Window) -> Result<RgbaImage, ImageryError>;
    /// Reads one window for the cutter. Sources whose pixels lie in memory as they are to be shown give them away as they
    /// are, without a copy.
    fn read_pixels(&self, window: Window) -> Result<Pixels, ImageryError> {
        self.read(window).map(Pixels::from)
    }
}

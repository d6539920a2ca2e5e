//! GeoTIFF as a source: header checks first, then windows through the decoder's bounded block cache.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use geotiff_reader::{GeoTiffFile, GeoTiffOpenOptions};

use super::bands::{Colours, describe, find_colours, to_rgba};
use super::error::ImageryError;
use super::georef::{Crs, Georef};
use super::source::{RasterSource, RgbaImage, Window};

/// Longest accepted side, pixels.
const MAX_SIDE: u32 = 2_000_000;
/// Largest accepted picture, pixels: 2^40, a square with a side of a million.
const MAX_PIXELS: u64 = 1 << 40;
/// Largest buffer one read may need, bytes.
const MAX_READ_BYTES: usize = 512 << 20;
/// Decoded strips and tiles that are kept, bytes.
const BLOCK_CACHE_BYTES: usize = 128 << 20;

/// A GeoTIFF with 8 bits per sample, read window by window.
#[derive(Debug)]
pub struct GeoTiffSource {
    path: PathBuf,
    file: File,
    georef: Georef,
    image: usize,
    mask: Option<usize>,
    colours: Colours,
    note: String,
}

/// Keeps the derived `Debug` of the source short.
struct File(GeoTiffFile);

impl std::fmt::Debug for File {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "GeoTIFF of {} x {}", self.0.width(), self.0.height())
    }
}

impl std::fmt::Debug for Georef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.crs().name())
    }
}

impl GeoTiffSource {
    /// Opens a file and checks everything that can be known before the first pixel: size, place, bands, depth.
    pub fn open(path: &Path) -> Result<GeoTiffSource, ImageryError> {
        let refuse = |reason: String| ImageryError::unusable(path, reason);
        let file = open_tiff(path)?;
        let (width, height) = (file.width(), file.height());
        if width == 0 || height == 0 || width > MAX_SIDE || height > MAX_SIDE {
            return Err(refuse(format!("{width} x {height} pixels is no size that can be cut")));
        }
        if u64::from(width) * u64::from(height) > MAX_PIXELS {
            return Err(refuse(format!(
                "{width} x {height} pixels is too large; cut it into parts with gdal_translate"
            )));
        }
        let georef = find_georef(&file, path)?;
        let image = file.base_ifd_index();
        let mask = find_mask(&file, image);
        let colours = find_colours(&file, image, mask.is_some()).map_err(refuse)?;
        let note = describe(&file, image, colours, mask.is_some());
        Ok(GeoTiffSource { path: path.to_owned(), file: File(file), georef, image, mask, colours, note })
    }

    fn decode(&self, index: usize, stored: bool, window: Window) -> Result<Vec<u8>, ImageryError> {
        let (row, col) = (window.row as usize, window.col as usize);
        let (rows, cols) = (window.height as usize, window.width as usize);
        let tiff = self.file.0.tiff();
        let read = || match stored {
            true => tiff.read_window::<u8>(index, row, col, rows, cols),
            false => tiff.read_decoded_window::<u8>(index, row, col, rows, cols),
        };
        // The decoders are young: should one of them panic on a hostile file, that file is refused, nothing more.
        let array = match catch_unwind(AssertUnwindSafe(read)) {
            Ok(Ok(array)) => array,
            Ok(Err(error)) => return Err(self.damaged(window, &error.to_string())),
            Err(_) => return Err(self.damaged(window, "the decoder gave up")),
        };
        let (data, offset) = array.into_raw_vec_and_offset();
        match offset {
            None | Some(0) => Ok(data),
            Some(_) => Err(self.damaged(window, "the decoder returned a shifted window")),
        }
    }

    fn damaged(&self, window: Window, reason: &str) -> ImageryError {
        let rows = format!("rows {} to {}", window.row, window.row + window.height - 1);
        ImageryError::unusable(
            &self.path,
            format!(
                "its pixels cannot be read ({rows}: {reason}); it is damaged, cut short or packed in a way that is not \
                 known: fetch it again, or rewrite it with gdal_translate -co COMPRESS=DEFLATE -co TILED=YES in.tif out.tif"
            ),
        )
    }
}

impl RasterSource for GeoTiffSource {
    fn size(&self) -> (u32, u32) {
        (self.file.0.width(), self.file.0.height())
    }

    fn georef(&self) -> &Georef {
        &self.georef
    }

    fn note(&self) -> &str {
        &self.note
    }

    fn read(&self, window: Window) -> Result<RgbaImage, ImageryError> {
        let samples = self.decode(self.image, false, window)?;
        let pixels = window.pixels() as usize;
        if samples.len() != pixels * self.colours.samples {
            return Err(self.damaged(window, "the decoder returned too few samples"));
        }
        let mut data = to_rgba(&samples, self.colours);
        if let Some(mask) = self.mask {
            let valid = self.decode(mask, true, window)?;
            for (pixel, valid) in data.chunks_exact_mut(4).zip(&valid) {
                if *valid == 0 {
                    pixel[3] = 0;
                }
            }
        }
        Ok(RgbaImage { width: window.width, height: window.height, data })
    }
}

fn open_tiff(path: &Path) -> Result<GeoTiffFile, ImageryError> {
    std::fs::File::open(path).map_err(ImageryError::io(path, "opening"))?;
    let mut options = GeoTiffOpenOptions {
        block_cache_bytes: BLOCK_CACHE_BYTES,
        block_cache_slots: 4096,
        decode_output_bytes: MAX_READ_BYTES,
        ..GeoTiffOpenOptions::default()
    };
    options.parse_budgets.max_ifds = 256;
    options.parse_budgets.max_ifd_entries = 1024;
    let opened = catch_unwind(AssertUnwindSafe(|| GeoTiffFile::open_with_options(path, options)));
    let reason = match opened {
        Ok(Ok(file)) => return Ok(file),
        Ok(Err(geotiff_reader::Error::NotGeoTiff)) => {
            "the picture does not say where on earth it lies; if you know its corners: \
             gdal_translate -a_srs EPSG:<code> -a_ullr <west> <north> <east> <south> in.tif out.tif"
                .into()
        }
        Ok(Err(error)) => format!("is not a GeoTIFF that can be read: {error}"),
        Err(_) => "is not a GeoTIFF that can be read: the decoder gave up".into(),
    };
    Err(ImageryError::unusable(path, reason))
}

fn find_georef(file: &GeoTiffFile, path: &Path) -> Result<Georef, ImageryError> {
    let refuse = |reason: String| Err(ImageryError::unusable(path, reason));
    let name = path.display();
    let Some(t) = file.transform() else {
        return refuse(format!(
            "it is placed only by ground control points; lay it on a grid first: \
             gdalwarp -t_srs EPSG:3857 {name} out.tif"
        ));
    };
    let crs = match file.epsg() {
        Some(code) => Crs::from_epsg(code),
        None if file.crs().horizontal().is_none() => {
            return refuse(format!(
                "it does not name its coordinate system; if you know it: gdal_translate -a_srs EPSG:<code> {name} out.tif"
            ));
        }
        None => Err("its coordinate system has no EPSG code".into()),
    };
    let mend = |reason| format!("{reason}; turn it into one that is known: gdalwarp -t_srs EPSG:3857 {name} out.tif");
    let affine = [t.origin_x, t.pixel_width, t.skew_x, t.origin_y, t.skew_y, t.pixel_height];
    match crs.map_err(mend).and_then(|crs| Georef::new(crs, affine)) {
        Ok(georef) => Ok(georef),
        Err(reason) => refuse(reason),
    }
}

/// The internal mask: a reduced picture of kind 4 (TIFF 6.0, NewSubfileType bit 2) with the same size.
fn find_mask(file: &GeoTiffFile, image: usize) -> Option<usize> {
    let wanted = |index: usize| {
        let ifd = file.tiff().ifd(index).ok()?;
        let kind = ifd.tag(254).and_then(|tag| tag.value.as_u64())?;
        (kind & 5 == 4 && ifd.width() == file.width() && ifd.height() == file.height()).then_some(index)
    };
    (0..file.tiff().ifd_count()).filter(|&index| index != image).find_map(wanted)
}

//! Opening a TIFF within budgets, and what its header must hold before a pixel is decoded.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use geotiff_reader::{GeoTiffFile, GeoTiffOpenOptions};

use super::bands::Bands;
use super::error::ImageryError;

/// Largest buffer one read may need, bytes.
const MAX_READ_BYTES: usize = 256 << 20;
/// Decoded strips and tiles that are kept, bytes.
const BLOCK_CACHE_BYTES: usize = 96 << 20;
/// Largest decoded strip or tile, bytes: it must fit into the cache, or it would be decoded again for every window.
const MAX_BLOCK_BYTES: u64 = 80 << 20;

/// Opens a file with budgets for tags, buffers and the cache of decoded blocks; what cannot be read is refused.
pub fn open_tiff(path: &Path) -> Result<GeoTiffFile, ImageryError> {
    std::fs::File::open(path).map_err(ImageryError::io(path, "opening"))?;
    let mut options = GeoTiffOpenOptions {
        block_cache_bytes: BLOCK_CACHE_BYTES,
        block_cache_slots: 65_536,
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

/// The internal mask: a reduced picture of kind 4 (TIFF 6.0, NewSubfileType bit 2) with the same size.
pub fn find_mask(file: &GeoTiffFile, image: usize) -> Option<usize> {
    let wanted = |index: usize| {
        let ifd = file.tiff().ifd(index).ok()?;
        let kind = ifd.tag(254).and_then(|tag| tag.value.as_u64())?;
        (kind & 5 == 4 && ifd.width() == file.width() && ifd.height() == file.height()).then_some(index)
    };
    (0..file.tiff().ifd_count()).filter(|&index| index != image).find_map(wanted)
}

/// Refuses strips and tiles that cannot be held in memory, before one of them is decoded.
pub fn check_blocks(file: &GeoTiffFile, image: usize, bands: &Bands) -> Result<(), String> {
    let ifd = file.tiff().ifd(image).map_err(|error| error.to_string())?;
    let (width, height) = match (ifd.tile_width(), ifd.tile_height()) {
        (Some(width), Some(height)) => (width, height),
        _ => (ifd.width(), ifd.rows_per_strip().min(ifd.height())),
    };
    let bytes = u64::from(width) * u64::from(height) * bands.pixel_bytes as u64;
    match bytes <= MAX_BLOCK_BYTES * 2 {
        true => Ok(()),
        false => Err(format!(
            "it is packed in pieces of {width} x {height} pixels, too large to be read one at a time; rewrite it: \
             gdal_translate -co TILED=YES -co COMPRESS=DEFLATE in.tif out.tif"
        )),
    }
}

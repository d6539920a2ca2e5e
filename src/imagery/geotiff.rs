//! GeoTIFF as a source: header checks first, then windows through the decoder's bounded block cache.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use geotiff_reader::{GeoTiffFile, GeoTiffOpenOptions};

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

/// The TIFF tag with GDAL's notes.
const GDAL_METADATA: u16 = 42112;

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

/// How decoded samples become red, green, blue and validity.
#[derive(Debug, Clone, Copy)]
struct Colours {
    samples: usize,
    grey: bool,
    alpha: Option<Alpha>,
    nodata: Option<u8>,
}

#[derive(Debug, Clone, Copy)]
struct Alpha {
    sample: usize,
    premultiplied: bool,
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

fn to_rgba(samples: &[u8], colours: Colours) -> Vec<u8> {
    let mut data = Vec::with_capacity(samples.len() / colours.samples * 4);
    for pixel in samples.chunks_exact(colours.samples) {
        let mut rgb = if colours.grey { [pixel[0]; 3] } else { [pixel[0], pixel[1], pixel[2]] };
        let mut alpha = 255;
        if let Some(band) = colours.alpha {
            alpha = pixel[band.sample];
            if band.premultiplied && alpha > 0 {
                rgb = rgb.map(|v| (u32::from(v) * 255 / u32::from(alpha)).min(255) as u8);
            }
        }
        if colours.nodata.is_some_and(|nodata| rgb == [nodata; 3]) {
            alpha = 0;
        }
        data.extend_from_slice(&[rgb[0], rgb[1], rgb[2], alpha]);
    }
    data
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

fn find_colours(file: &GeoTiffFile, image: usize, masked: bool) -> Result<Colours, String> {
    let ifd = file.tiff().ifd(image).map_err(|error| error.to_string())?;
    let layout = ifd.decoded_raster_layout().map_err(|error| error.to_string())?;
    if layout.sample_format != 1 || layout.bits_per_sample != 8 {
        let kind = match layout.sample_format {
            1 => "unsigned",
            2 => "signed",
            3 => "floating-point",
            _ => "odd",
        };
        return Err(format!(
            "it has {kind} samples of {} bits, pictures to look at have 8; stretch it first: \
             gdal_translate -ot Byte -scale in.tif out.tif",
            layout.bits_per_sample
        ));
    }
    let extra = ifd.extra_samples().unwrap_or_default();
    let first_extra = layout.samples_per_pixel.saturating_sub(extra.len());
    // TIFF 6.0, ExtraSamples: 1 is associated (premultiplied) alpha, 2 unassociated; anything else is no alpha.
    // GDAL's own word on a band goes first: near infrared is often tagged as alpha and then called "Undefined".
    let notes = ifd.tag(GDAL_METADATA).and_then(|tag| tag.value.as_str()).unwrap_or_default();
    let is_alpha = |place: usize, code: u16| {
        matches!(code, 1 | 2) && colour_role(notes, first_extra + place).is_none_or(|role| role == "Alpha")
    };
    let found = extra.iter().enumerate().find(|(place, sample)| is_alpha(*place, sample.to_code()));
    let alpha =
        found.map(|(place, sample)| Alpha { sample: first_extra + place, premultiplied: sample.to_code() == 1 });
    let colour_samples = layout.samples_per_pixel - usize::from(alpha.is_some());
    let nodata = if masked { None } else { file.nodata().and_then(parse_nodata) };
    Ok(Colours { samples: layout.samples_per_pixel, grey: colour_samples < 3, alpha, nodata })
}

/// What GDAL's metadata (XML in tag 42112) calls a band, e.g. `Alpha` or `Undefined`.
fn colour_role(metadata: &str, sample: usize) -> Option<&str> {
    let head = format!("<Item name=\"COLORINTERP\" sample=\"{sample}\" role=\"colorinterp\">");
    let (_, rest) = metadata.split_once(&head)?;
    rest.split_once('<').map(|(role, _)| role)
}

fn parse_nodata(text: &str) -> Option<u8> {
    let value: f64 = text.trim_matches(['\0', ' ']).parse().ok()?;
    (value.fract() == 0.0 && (0.0..=255.0).contains(&value)).then_some(value as u8)
}

fn describe(file: &GeoTiffFile, image: usize, colours: Colours, masked: bool) -> String {
    let photometric = file.tiff().ifd(image).ok().and_then(|ifd| ifd.photometric_interpretation());
    let bands = match (photometric, colours.grey, file.band_count()) {
        (Some(3), ..) => "colour table".to_owned(),
        (_, true, _) => "one band shown in grey".to_owned(),
        (_, false, 3) => "three bands as red, green, blue".to_owned(),
        (_, false, n) => format!("first three of {n} bands as red, green, blue"),
    };
    let valid = match (masked, colours.alpha, colours.nodata) {
        (true, ..) => "internal mask".to_owned(),
        (_, Some(_), _) => "alpha band".to_owned(),
        (_, _, Some(value)) => format!("no picture where all bands are {value}"),
        _ => "picture everywhere".to_owned(),
    };
    format!("{bands}; {valid}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fourth_band_that_gdal_calls_undefined_is_no_alpha() {
        let notes = r#"<Item name="COLORINTERP" sample="3" role="colorinterp">Undefined</Item>"#;
        assert_eq!(colour_role(notes, 3), Some("Undefined"));
        assert_eq!(colour_role(notes, 2), None);
    }

    #[test]
    fn nodata_must_be_a_level() {
        assert_eq!(parse_nodata("0 \0"), Some(0));
        assert_eq!(parse_nodata("255.0"), Some(255));
        assert_eq!([parse_nodata("-9999"), parse_nodata("nan"), parse_nodata("0.5")], [None; 3]);
    }

    #[test]
    fn colours_and_validity_come_from_the_samples() {
        let four = Colours { samples: 4, grey: false, alpha: None, nodata: Some(0) };
        assert_eq!(to_rgba(&[1, 2, 3, 0, 0, 0, 0, 9], four), [1, 2, 3, 255, 0, 0, 0, 0]);
        let alpha = Some(Alpha { sample: 1, premultiplied: true });
        let grey = Colours { samples: 2, grey: true, alpha, nodata: None };
        assert_eq!(to_rgba(&[50, 100, 7, 0], grey), [127, 127, 127, 100, 7, 7, 7, 0]);
    }
}

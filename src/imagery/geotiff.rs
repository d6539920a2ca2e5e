//! GeoTIFF as a source: header checks first, then windows through the decoder's bounded block cache.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use geotiff_reader::GeoTiffFile;

use super::bands::{Bands, Look, Way, find_bands};
use super::error::ImageryError;
use super::georef::Georef;
use super::open::{check_blocks, find_mask, open_tiff};
use super::place::find_georef;
use super::samples::{Levels, Painting, Plane};
use super::source::{Pixels, RasterSource, RgbaImage, Shown, Window};
use super::sparse::Missing;
use super::stretch;
use super::webp_blocks::WebpBlocks;

/// Longest accepted side, pixels.
const MAX_SIDE: u32 = 2_000_000;
/// Largest accepted picture, pixels: 2^40, a square with a side of a million.
const MAX_PIXELS: u64 = 1 << 40;

/// Numbers that often mean "no picture" in files that do not say so.
const FILLS: [f32; 4] = [-9999.0, -32768.0, -32767.0, f32::MIN];

/// A GeoTIFF, read window by window as 8-bit colour.
#[derive(Debug)]
pub struct GeoTiffSource {
    path: PathBuf,
    file: File,
    georef: Georef,
    image: usize,
    mask: Option<usize>,
    missing: Option<Missing>,
    webp: Option<WebpBlocks>,
    bands: Bands,
    painting: Painting,
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

/// Decoded samples of one window.
enum Raw {
    /// All bands of a pixel side by side: the buffer and the number of bands.
    Whole(Vec<u8>, usize),
    /// One buffer for each wanted band, alpha last.
    ByBand(Vec<Vec<u8>>),
}

impl GeoTiffSource {
    /// Opens a file as the file itself says that it is to be shown.
    pub fn open(path: &Path) -> Result<GeoTiffSource, ImageryError> {
        GeoTiffSource::open_with(path, &Look::default())
    }

    /// Opens a file and checks everything that can be known before the first pixel: size, place, bands, depth. Then
    /// finds the stretch of samples that are no bytes, from pixels spread over the picture.
    pub fn open_with(path: &Path, look: &Look) -> Result<GeoTiffSource, ImageryError> {
        let refuse = |reason: String| ImageryError::unusable(path, reason);
        let file = open_tiff(path)?;
        let (width, height) = (file.width(), file.height());
        if width == 0 || height == 0 || width > MAX_SIDE || height > MAX_SIDE {
            return Err(refuse(format!("{width} x {height} pixels is no size that can be cut")));
        }
        if u64::from(width) * u64::from(height) > MAX_PIXELS {
            return Err(refuse(format!(
                "{width} x {height} pixels is too large; cut it into parts: gdal_translate -srcwin <col> <row> <width> \
                 <height> in.tif out.tif"
            )));
        }
        let (east, north) = look.moved.unwrap_or_default();
        let georef = find_georef(&file, path, look.epsg)?.moved(east, north).around(width, height);
        let image = file.base_ifd_index();
        let mask = find_mask(&file, image);
        let bands = find_bands(&file, image, mask.is_some(), look).map_err(refuse)?;
        check_blocks(&file, image, &bands).map_err(refuse)?;
        let painting = Painting {
            kind: bands.kind,
            levels: [Levels::BYTES; 3],
            nodata: bands.nodata,
            alpha: bands.alpha.map(|(_, premultiplied)| (bands.kind.full(), premultiplied)),
        };
        let path = path.to_owned();
        // Missing blocks hold the number for "no picture", where there is one, and zeros elsewhere.
        let missing = bands.nodata.and_then(|_| Missing::find(&file, image));
        let webp = WebpBlocks::find(&file, image);
        let (file, note) = (File(file), String::new());
        let mut source = GeoTiffSource { path, file, georef, image, mask, missing, webp, bands, painting, note };
        let measured = source.set_stretch(look)?;
        source.note = source.describe(measured);
        Ok(source)
    }

    /// Sets the levels: as asked, as they are (bytes), or from percentiles. Returns whether they were measured.
    fn set_stretch(&mut self, look: &Look) -> Result<bool, ImageryError> {
        if let Some((low, high)) = look.stretch {
            self.painting.levels = [Levels { low: low as f32, high: high as f32 }; 3];
            return Ok(false);
        }
        if self.bands.kind.is_byte() || matches!(self.bands.way, Way::Table(_)) {
            return Ok(false);
        }
        let alpha = self.bands.alpha.is_some();
        let lists = self.bands.shown.len() + usize::from(alpha);
        let mut numbers = stretch::sample(self.size(), lists, |window, lists| self.add_numbers(window, lists))?;
        if alpha && let Some(most) = numbers.pop().unwrap_or_default().into_iter().reduce(f32::max) {
            // Some programs write alpha as 0 to 255 into samples of 16 bits.
            let full = if most <= 255.0 { most.max(1.0).min(self.bands.kind.full()) } else { self.bands.kind.full() };
            self.painting.alpha = self.painting.alpha.map(|(_, premultiplied)| (full, premultiplied));
        }
        let found: Vec<Levels> = numbers.into_iter().map(stretch::levels).collect();
        for (band, levels) in self.painting.levels.iter_mut().enumerate() {
            *levels = *found.get(band).or(found.first()).unwrap_or(&Levels::BYTES);
        }
        Ok(true)
    }

    /// Adds the numbers of the valid pixels of a window: the shown bands, then alpha.
    fn add_numbers(&self, window: Window, lists: &mut [Vec<f32>]) -> Result<(), ImageryError> {
        let raw = self.samples(window)?;
        let planes = self.planes(&raw);
        let pixels = window.pixels() as usize;
        let masked = self.mask.map(|mask| self.decode_mask(mask, window)).transpose()?;
        let mut numbers = vec![vec![0.0; pixels]; planes.len()];
        for (plane, numbers) in planes.iter().zip(&mut numbers) {
            plane.fill(self.bands.kind, 0, numbers);
            if let Some(missing) = &self.missing {
                missing.each_run(window, |run| numbers[run].fill(f32::NAN));
            }
        }
        let shown = self.bands.shown.len();
        for at in 0..pixels {
            let there = |number: f32| number.is_finite() && Some(number) != self.painting.nodata;
            let visible = numbers.get(shown).is_none_or(|alpha| alpha[at] > 0.0);
            let unmasked = masked.as_ref().is_none_or(|mask| mask.get(at).is_some_and(|v| *v != 0));
            if visible && unmasked && numbers[..shown].iter().any(|band| there(band[at])) {
                for (list, numbers) in lists.iter_mut().zip(&numbers).filter(|(_, n)| n[at].is_finite()) {
                    list.push(numbers[at]);
                }
            }
        }
        Ok(())
    }

    /// The bands of a buffer: the shown ones, then alpha.
    fn planes<'a>(&self, raw: &'a Raw) -> Vec<Plane<'a>> {
        let wanted = self.bands.shown.iter().copied().chain(self.bands.alpha.map(|(band, _)| band));
        match raw {
            Raw::Whole(bytes, stride) => wanted.map(|place| Plane { bytes, stride: *stride, place }).collect(),
            Raw::ByBand(list) => list.iter().map(|bytes| Plane { bytes, stride: 1, place: 0 }).collect(),
        }
    }

    /// Reads the samples of a window.
    fn samples(&self, window: Window) -> Result<Raw, ImageryError> {
        let (row, col) = (window.row as usize, window.col as usize);
        let (rows, cols) = (window.height as usize, window.width as usize);
        let tiff = self.file.0.tiff();
        let pixels = window.pixels() as usize * self.bands.kind.bytes();
        let whole = |bytes: Vec<u8>, bands: usize| match bytes.len() == pixels * bands {
            true => Ok(Raw::Whole(bytes, bands)),
            false => Err(self.damaged(window, "the decoder returned too few samples")),
        };
        match (&self.bands.way, &self.webp) {
            (Way::Decoded(4), Some(blocks)) => whole(self.guarded(window, || blocks.read(&self.file.0, window))?, 4),
            (Way::Decoded(bands), _) => {
                // Decoding colours copies the window even where nothing is to be decoded.
                let read = || match self.bands.stored {
                    true => tiff.read_window_bytes(self.image, row, col, rows, cols),
                    false => tiff.read_decoded_window_bytes(self.image, row, col, rows, cols),
                };
                whole(self.guarded(window, read)?, *bands)
            }
            (Way::Table(_), _) => {
                let read = || tiff.read_window_bytes(self.image, row, col, rows, cols);
                whole(self.guarded(window, read)?, self.bands.count)
            }
            (Way::ByBand, _) => {
                let wanted = self.bands.shown.iter().copied().chain(self.bands.alpha.map(|(band, _)| band));
                let read =
                    |band| self.guarded(window, || tiff.read_band_window_bytes(self.image, band, row, col, rows, cols));
                Ok(Raw::ByBand(wanted.map(read).collect::<Result<_, _>>()?))
            }
        }
    }

    /// The decoders are young: should one of them panic on a hostile file, that file is refused, nothing more.
    fn guarded<T, E: ToString>(&self, window: Window, read: impl FnOnce() -> Result<T, E>) -> Result<T, ImageryError> {
        match catch_unwind(AssertUnwindSafe(read)) {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => Err(self.damaged(window, &error.to_string())),
            Err(_) => Err(self.damaged(window, "the decoder gave up")),
        }
    }

    fn decode_mask(&self, mask: usize, window: Window) -> Result<Vec<u8>, ImageryError> {
        let (row, col) = (window.row as usize, window.col as usize);
        let (rows, cols) = (window.height as usize, window.width as usize);
        let bytes = self.guarded(window, || self.file.0.tiff().read_window_bytes(mask, row, col, rows, cols))?;
        match bytes.len() as u64 == window.pixels() {
            true => Ok(bytes),
            false => Err(self.damaged(window, "its mask has another kind of samples")),
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

    /// How bands became colours, in words for the page of the scene.
    fn describe(&self, measured: bool) -> String {
        let valid = match (self.mask, self.bands.alpha, self.bands.nodata) {
            (Some(_), ..) => "internal mask".to_owned(),
            (_, Some(_), _) => "alpha band".to_owned(),
            (_, _, Some(number)) => format!("no picture where the number is {number} (nodata)"),
            _ => "picture everywhere".to_owned(),
        };
        let bands = match (&self.bands.way, self.bands.shown.as_slice(), self.bands.count) {
            (Way::Table(_), ..) => "colour table".to_owned(),
            (_, [_], 1 | 2) => "one band shown in grey".to_owned(),
            (_, [band], count) => format!("band {} of {count} shown in grey", band + 1),
            (_, [0, 1, 2], 3) => "three bands as red, green, blue".to_owned(),
            (_, [0, 1, 2], count) => format!("first three of {count} bands as red, green, blue"),
            (_, shown, count) => {
                let list: Vec<String> = shown.iter().map(|band| (band + 1).to_string()).collect();
                format!("bands {} of {count} as red, green, blue", list.join(", "))
            }
        };
        match self.stretch_in_words(measured) {
            Some(stretch) => format!("{bands}; {stretch}; {valid}"),
            None => format!("{bands}; {valid}"),
        }
    }

    fn stretch_in_words(&self, measured: bool) -> Option<String> {
        if matches!(self.bands.way, Way::Table(_)) || self.painting.levels == [Levels::BYTES; 3] {
            return None;
        }
        let kind = self.bands.kind.describe();
        let shown = &self.painting.levels[..if measured { self.bands.shown.len() } else { 1 }];
        let list: Vec<String> = shown.iter().map(|levels| format!("{} to {}", levels.low, levels.high)).collect();
        let how = if measured { "2 % to 98 % of the numbers" } else { "as asked" };
        let fill = shown.iter().find(|levels| measured && FILLS.contains(&levels.low));
        let hint = fill.map(|levels| format!("; is {0} no picture? then ingest with --nodata {0}", levels.low));
        Some(format!("{kind} numbers stretched from {} ({how}){}", list.join(", "), hint.unwrap_or_default()))
    }

    /// Whether the decoder's bytes are red, green and blue (and perhaps a fourth band that is not shown), all valid.
    fn is_plain(&self) -> bool {
        let valid = self.bands.alpha.is_none() && self.mask.is_none() && self.missing.is_none();
        let bytes = self.bands.kind.is_byte() && self.painting.levels == [Levels::BYTES; 3];
        let whole = matches!(self.bands.way, Way::Decoded(3 | 4)) && self.bands.shown == [0, 1, 2];
        valid && bytes && whole && self.painting.nodata.is_none()
    }

    fn colour(&self, raw: &Raw, window: Window) -> Vec<u8> {
        let pixels = window.pixels() as usize;
        if let (Way::Table(table), Raw::Whole(bytes, stride)) = (&self.bands.way, raw) {
            return self.look_up(table, Plane { bytes, stride: *stride, place: 0 }, pixels);
        }
        let planes = self.planes(raw);
        let (shown, alpha) = planes.split_at(self.bands.shown.len());
        self.painting.paint(shown, alpha.first().copied(), window.width as usize, pixels)
    }

    /// Colours from a table; what is not in it is no picture.
    fn look_up(&self, table: &[[u8; 3]], plane: Plane<'_>, pixels: usize) -> Vec<u8> {
        let mut places = vec![0.0; pixels];
        plane.fill(self.bands.kind, 0, &mut places);
        let colour = |place: &f32| match table.get(*place as usize) {
            Some([r, g, b]) if Some(*place) != self.bands.nodata => [*r, *g, *b, 255],
            _ => [0; 4],
        };
        places.iter().flat_map(colour).collect()
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

    fn shown(&self) -> Shown {
        let plain = matches!(self.bands.way, Way::Table(_)) || self.painting.levels == [Levels::BYTES; 3];
        let levels = self.painting.levels.iter().take(self.bands.shown.len());
        Shown {
            bands: self.bands.shown.iter().map(|band| *band as u16 + 1).collect(),
            stretch: if plain { Vec::new() } else { levels.map(|levels| [levels.low, levels.high]).collect() },
        }
    }

    fn pixel_bytes(&self) -> usize {
        self.bands.pixel_bytes + if self.is_plain() { 0 } else { 4 }
    }

    fn strip_row_bytes(&self) -> Option<u64> {
        let ifd = self.file.0.tiff().ifd(self.image).ok()?;
        let pixel = self.bands.pixel_bytes as u64;
        (!ifd.is_tiled()).then_some(u64::from(self.file.0.width()) * pixel)
    }

    fn read(&self, window: Window) -> Result<RgbaImage, ImageryError> {
        let raw = self.samples(window)?;
        let mut data = self.colour(&raw, window);
        drop(raw);
        if let Some(missing) = &self.missing {
            missing.each_run(window, |run| data[run.start * 4..run.end * 4].fill(0));
        }
        if let Some(mask) = self.mask {
            let valid = self.decode_mask(mask, window)?;
            for (pixel, valid) in data.chunks_exact_mut(4).zip(&valid) {
                if *valid == 0 {
                    pixel[3] = 0;
                }
            }
        }
        Ok(RgbaImage { width: window.width, height: window.height, data })
    }

    fn read_pixels(&self, window: Window) -> Result<Pixels, ImageryError> {
        if !self.is_plain() {
            return self.read(window).map(Pixels::from);
        }
        match self.samples(window)? {
            Raw::Whole(data, stride) => {
                Ok(Pixels { width: window.width, height: window.height, stride, opaque: true, data })
            }
            Raw::ByBand(_) => Err(self.damaged(window, "the decoder returned single bands")),
        }
    }
}

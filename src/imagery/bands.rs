//! Which samples of a GeoTIFF are red, green and blue, and which say that there is no picture.

use geotiff_reader::GeoTiffFile;
use serde::{Deserialize, Serialize};

use super::samples::Kind;

/// The TIFF tag with GDAL's notes.
const GDAL_METADATA: u16 = 42112;
/// The TIFF tag with a table of colours.
const COLOR_MAP: u16 = 320;
/// Pictures with more bands than this are read band by band, only those that are shown.
const READ_WHOLE: usize = 4;

/// How a person wants a picture to be shown; every field may be left to the file.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Look {
    /// Band numbers from 1: one for grey, three for red, green and blue.
    pub bands: Option<Vec<u16>>,
    /// The numbers that become black and white, for all bands.
    pub stretch: Option<(f64, f64)>,
    /// The number that means "no picture", where the file does not say or says it wrongly.
    pub nodata: Option<f64>,
    /// The picture is moved so far to the east and to the north before it is cut, web mercator metres.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moved: Option<(f64, f64)>,
    /// EPSG code of the system that the file lies in, where the file does not say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epsg: Option<u32>,
}

impl Look {
    /// As a part of an archive's name: two looks give two archives.
    pub(crate) fn signature(&self) -> String {
        match self == &Look::default() {
            true => String::new(),
            // Numbers and lists always serialise.
            false => format!("look {}\n", serde_json::to_string(self).unwrap_or_default()),
        }
    }

    fn check(&self) -> Result<(), String> {
        match self.stretch {
            Some((low, high)) if !(low.is_finite() && high.is_finite() && low < high) => {
                Err(format!("--stretch {low},{high}: the first number must be smaller than the second"))
            }
            _ => Ok(()),
        }
    }
}

/// How the samples lie in what the decoder returns.
#[derive(Debug, Clone, PartialEq)]
pub enum Way {
    /// All samples of a pixel side by side, colours decoded, so many.
    Decoded(usize),
    /// One buffer for each wanted band.
    ByBand,
    /// One sample: a place in this table of colours.
    Table(Vec<[u8; 3]>),
}

/// The bands that are shown, and how.
#[derive(Debug, Clone)]
pub struct Bands {
    /// How they are read.
    pub way: Way,
    /// Whether decoding colours would change nothing: the samples are shown as they are stored.
    pub stored: bool,
    /// What the samples are.
    pub kind: Kind,
    /// Numbers of the shown bands, from 0: one or three.
    pub shown: Vec<usize>,
    /// The band of alpha, and whether colours are multiplied by it.
    pub alpha: Option<(usize, bool)>,
    /// The number that means "no picture".
    pub nodata: Option<f32>,
    /// Bands in the file.
    pub count: usize,
    /// Bytes that a decoded pixel takes while it is read.
    pub pixel_bytes: usize,
}

/// Finds the bands of an image of the file, or says why its samples cannot be shown.
pub fn find_bands(file: &GeoTiffFile, image: usize, masked: bool, look: &Look) -> Result<Bands, String> {
    look.check()?;
    let ifd = file.tiff().ifd(image).map_err(|error| error.to_string())?;
    let formats = ifd.sample_format().unwrap_or_default();
    if formats.iter().any(|format| matches!(format, 5 | 6)) {
        return Err("its samples are complex numbers, no picture; take their size first: \
                    gdal_calc.py -A in.tif --calc=\"abs(A)\" --outfile=out.tif"
            .into());
    }
    let stored = ifd.raster_layout().map_err(|error| unreadable(&error.to_string()))?;
    let count = stored.samples_per_pixel;
    if let Some(table) = table(file, image)? {
        return colour_table(file, count, table, stored.bytes_per_sample, look, masked);
    }
    let layout = ifd.decoded_raster_layout().map_err(|error| unreadable(&error.to_string()))?;
    let inverted = ifd.photometric_interpretation() == Some(0);
    let simple = matches!(ifd.photometric_interpretation(), Some(1 | 2)) && !stored.is_bit_packed();
    let by_band = simple && count > READ_WHOLE;
    let way = if by_band { Way::ByBand } else { Way::Decoded(layout.samples_per_pixel) };
    let kind = Kind::new(layout.sample_format, layout.bits_per_sample)?;
    let notes = ifd.tag(GDAL_METADATA).and_then(|tag| tag.value.as_str()).unwrap_or_default();
    let alpha = find_alpha(file, image, layout.samples_per_pixel, notes);
    let shown = shown(look, notes, layout.samples_per_pixel, alpha.is_some())?;
    let nodata = if masked && look.nodata.is_none() { None } else { nodata(file, look) };
    let nodata = nodata.map(|v| if inverted { kind.full() - v } else { v });
    let as_stored = simple
        && stored.samples_per_pixel == layout.samples_per_pixel
        && stored.bits_per_sample == layout.bits_per_sample
        && stored.sample_format == layout.sample_format;
    let decoded = if as_stored { 0 } else { layout.samples_per_pixel * layout.bytes_per_sample };
    let pixel_bytes = count * stored.bytes_per_sample + decoded;
    Ok(Bands { way, stored: as_stored, kind, shown, alpha, nodata, count, pixel_bytes })
}

fn unreadable(reason: &str) -> String {
    format!("its samples cannot be read ({reason}); rewrite them: gdal_translate -co TILED=YES in.tif out.tif")
}

/// The colour table (TIFF 6.0, ColorMap), 8 bits for each colour.
fn table(file: &GeoTiffFile, image: usize) -> Result<Option<Vec<[u8; 3]>>, String> {
    let ifd = file.tiff().ifd(image).map_err(|error| error.to_string())?;
    // Some programs add a table of colours to a picture that they call grey; GDAL takes it, and so do we.
    let grey_with_table = ifd.tag(COLOR_MAP).is_some() && ifd.samples_per_pixel() == 1;
    if ifd.photometric_interpretation() != Some(3) && !grey_with_table {
        return Ok(None);
    }
    let Ok(Some(map)) = ifd.color_map() else { return Err("its table of colours is missing or damaged".into()) };
    let level = |level: &u16| (level >> 8) as u8;
    let colours = map.red().iter().zip(map.green()).zip(map.blue());
    Ok(Some(colours.map(|((r, g), b)| [level(r), level(g), level(b)]).collect()))
}

fn colour_table(
    file: &GeoTiffFile,
    count: usize,
    table: Vec<[u8; 3]>,
    bytes: usize,
    look: &Look,
    masked: bool,
) -> Result<Bands, String> {
    if look.bands.is_some() || look.stretch.is_some() {
        return Err("it has a table of colours, so --bands and --stretch do not apply; leave them out".into());
    }
    let nodata = if masked { None } else { nodata(file, look) };
    let kind = Kind::new(1, bytes as u16 * 8)?;
    let pixel_bytes = count * bytes;
    Ok(Bands { way: Way::Table(table), stored: true, kind, shown: vec![0], alpha: None, nodata, count, pixel_bytes })
}

fn find_alpha(file: &GeoTiffFile, image: usize, samples: usize, notes: &str) -> Option<(usize, bool)> {
    let extra = file.tiff().ifd(image).ok()?.extra_samples().unwrap_or_default();
    let first = samples.saturating_sub(extra.len());
    // TIFF 6.0, ExtraSamples: 1 is associated (premultiplied) alpha, 2 unassociated; anything else is no alpha.
    // GDAL's own word on a band goes first: near infrared is often tagged as alpha and then called "Undefined".
    let is_alpha = |place: usize, code: u16| {
        let there = first + place < samples;
        there && matches!(code, 1 | 2) && colour_role(notes, first + place).is_none_or(|role| role == "Alpha")
    };
    let found = extra.iter().enumerate().find(|(place, sample)| is_alpha(*place, sample.to_code()));
    found.map(|(place, sample)| (first + place, sample.to_code() == 1))
}

/// The bands to show: as asked, else as GDAL's notes call them, else the first three, else the first.
fn shown(look: &Look, notes: &str, count: usize, alpha: bool) -> Result<Vec<usize>, String> {
    if let Some(asked) = &look.bands {
        let known = asked.iter().all(|band| (1..=count).contains(&usize::from(*band)));
        return match known && matches!(asked.len(), 1 | 3) {
            true => Ok(asked.iter().map(|band| usize::from(*band) - 1).collect()),
            false => Err(format!("--bands wants one or three of its bands 1 to {count}")),
        };
    }
    let called = |role: &str| (0..count).find(|band| colour_role(notes, *band) == Some(role));
    if let (Some(red), Some(green), Some(blue)) = (called("Red"), called("Green"), called("Blue")) {
        return Ok(vec![red, green, blue]);
    }
    match count - usize::from(alpha) {
        0 => Err("it has no bands".into()),
        1 | 2 => Ok(vec![0]),
        _ => Ok(vec![0, 1, 2]),
    }
}

fn nodata(file: &GeoTiffFile, look: &Look) -> Option<f32> {
    look.nodata.or_else(|| file.nodata().and_then(parse_nodata)).map(|value| value as f32)
}

/// What GDAL's metadata (XML in tag 42112) calls a band, e.g. `Alpha` or `Undefined`.
fn colour_role(metadata: &str, sample: usize) -> Option<&str> {
    let head = format!("<Item name=\"COLORINTERP\" sample=\"{sample}\" role=\"colorinterp\">");
    let (_, rest) = metadata.split_once(&head)?;
    rest.split_once('<').map(|(role, _)| role)
}

fn parse_nodata(text: &str) -> Option<f64> {
    // "nan" needs no mark: what is no number is never picture.
    text.trim_matches(['\0', ' ']).parse().ok().filter(|value: &f64| value.is_finite())
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
    fn nodata_is_a_finite_number() {
        assert_eq!(parse_nodata("0 \0"), Some(0.0));
        assert_eq!([parse_nodata("-9999"), parse_nodata("0.5")], [Some(-9999.0), Some(0.5)]);
        assert_eq!([parse_nodata("nan"), parse_nodata(""), parse_nodata("none")], [None; 3]);
    }

    #[test]
    fn bands_are_chosen_by_the_person_then_by_name_then_by_place() {
        let look = |bands: &[u16]| Look { bands: Some(bands.to_vec()), ..Look::default() };
        assert_eq!(shown(&look(&[4, 3, 2]), "", 4, false), Ok(vec![3, 2, 1]));
        assert_eq!(shown(&look(&[2]), "", 4, false), Ok(vec![1]));
        for wrong in [&[5, 1, 2][..], &[0], &[1, 2], &[]] {
            assert!(shown(&look(wrong), "", 4, false).unwrap_err().contains("1 to 4"));
        }
        let item = |band: usize, role: &str| {
            format!("<Item name=\"COLORINTERP\" sample=\"{band}\" role=\"colorinterp\">{role}</Item>")
        };
        let notes = [item(0, "Blue"), item(1, "Green"), item(2, "Red")].concat();
        assert_eq!(shown(&Look::default(), &notes, 4, true), Ok(vec![2, 1, 0]));
        assert_eq!(shown(&Look::default(), "", 4, true), Ok(vec![0, 1, 2]));
        assert_eq!(shown(&Look::default(), "", 2, true), Ok(vec![0]));
    }

    #[test]
    fn a_stretch_upside_down_is_refused() {
        let look = Look { stretch: Some((200.0, 100.0)), ..Look::default() };
        assert!(look.check().unwrap_err().contains("--stretch 200,100"));
        assert!(Look::default().signature().is_empty() && look.signature().contains("200.0"));
    }
}

//! Which samples of a GeoTIFF are red, green and blue, and which say that there is no picture.

use geotiff_reader::GeoTiffFile;

/// The TIFF tag with GDAL's notes.
const GDAL_METADATA: u16 = 42112;

/// How decoded samples become red, green, blue and validity.
#[derive(Debug, Clone, Copy)]
pub struct Colours {
    /// Samples of one decoded pixel.
    pub samples: usize,
    grey: bool,
    alpha: Option<Alpha>,
    nodata: Option<[u8; 3]>,
}

/// The band that says how much picture there is.
#[derive(Debug, Clone, Copy)]
struct Alpha {
    sample: usize,
    premultiplied: bool,
}

/// Decoded samples as red, green, blue and straight alpha.
pub fn to_rgba(samples: &[u8], colours: Colours) -> Vec<u8> {
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
        if colours.nodata == Some(rgb) {
            alpha = 0;
        }
        data.extend_from_slice(&[rgb[0], rgb[1], rgb[2], alpha]);
    }
    data
}

/// Finds the colours of an image of the file, or says why its samples cannot be shown.
pub fn find_colours(file: &GeoTiffFile, image: usize, masked: bool) -> Result<Colours, String> {
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
    if layout.samples_per_pixel == 0 {
        return Err("it has no bands".into());
    }
    let extra = ifd.extra_samples().unwrap_or_default();
    let first_extra = layout.samples_per_pixel.saturating_sub(extra.len());
    // TIFF 6.0, ExtraSamples: 1 is associated (premultiplied) alpha, 2 unassociated; anything else is no alpha.
    // GDAL's own word on a band goes first: near infrared is often tagged as alpha and then called "Undefined".
    let notes = ifd.tag(GDAL_METADATA).and_then(|tag| tag.value.as_str()).unwrap_or_default();
    let is_alpha = |place: usize, code: u16| {
        let there = first_extra + place < layout.samples_per_pixel;
        there && matches!(code, 1 | 2) && colour_role(notes, first_extra + place).is_none_or(|role| role == "Alpha")
    };
    let found = extra.iter().enumerate().find(|(place, sample)| is_alpha(*place, sample.to_code()));
    let alpha =
        found.map(|(place, sample)| Alpha { sample: first_extra + place, premultiplied: sample.to_code() == 1 });
    let colour_samples = layout.samples_per_pixel - usize::from(alpha.is_some());
    let nodata = if masked { None } else { nodata_colour(file, image) };
    Ok(Colours { samples: layout.samples_per_pixel, grey: colour_samples < 3, alpha, nodata })
}

/// The colour that means "no picture". With a colour table the nodata value is a place in the table.
fn nodata_colour(file: &GeoTiffFile, image: usize) -> Option<[u8; 3]> {
    let value = file.nodata().and_then(parse_nodata)?;
    let Some(table) = file.tiff().ifd(image).ok()?.color_map().ok()? else { return Some([value; 3]) };
    let channel = |levels: &[u16]| levels.get(usize::from(value)).map(|level| (level >> 8) as u8);
    Some([channel(table.red())?, channel(table.green())?, channel(table.blue())?])
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

/// The same in words, for the page of the scene.
pub fn describe(file: &GeoTiffFile, image: usize, colours: Colours, masked: bool) -> String {
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
        (_, _, Some([r, g, b])) => format!("no picture where the colour is {r}, {g}, {b} (nodata)"),
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
        let four = Colours { samples: 4, grey: false, alpha: None, nodata: Some([0; 3]) };
        assert_eq!(to_rgba(&[1, 2, 3, 0, 0, 0, 0, 9], four), [1, 2, 3, 255, 0, 0, 0, 0]);
        let alpha = Some(Alpha { sample: 1, premultiplied: true });
        let grey = Colours { samples: 2, grey: true, alpha, nodata: None };
        assert_eq!(to_rgba(&[50, 100, 7, 0], grey), [127, 127, 127, 100, 7, 7, 7, 0]);
    }
}

//! Colours of damage classes: grey for no damage, then from yellow to dark red; told apart in grey tones too.

use std::io;

use geotiff_writer::ColorMap;

use crate::domain::scale::Scale;

const UNDAMAGED: [f64; 3] = [176.0, 190.0, 197.0];
const MILD: [f64; 3] = [255.0, 209.0, 102.0];
const GRAVE: [f64; 3] = [120.0, 0.0, 30.0];

/// A colour for each class code.
///
/// # Errors
/// Where a custom scale has codes that do not fit into a byte.
pub fn of(scale: &Scale) -> io::Result<ColorMap> {
    let mut channels = [vec![0u16; 256], vec![0u16; 256], vec![0u16; 256]];
    let damaged = scale.classes().len().saturating_sub(1).max(1);
    for (place, class) in scale.classes().iter().enumerate() {
        let code = usize::try_from(class.code).ok().filter(|code| *code < usize::from(super::NO_CLASS));
        let code = code.ok_or_else(|| {
            let reason = format!(
                "the code {} of `{}` does not fit into a raster of classes: ask for tif",
                class.code, class.key
            );
            io::Error::new(io::ErrorKind::InvalidInput, reason)
        })?;
        for (channel, shade) in channels.iter_mut().zip(shade(place, damaged)) {
            // TIFF's palettes have 16 bits: 255 is 65535.
            channel[code] = (shade.round() * 257.0) as u16;
        }
    }
    let [red, green, blue] = channels;
    ColorMap::new(red, green, blue).map_err(io::Error::other)
}

fn shade(place: usize, damaged: usize) -> [f64; 3] {
    if place == 0 {
        return UNDAMAGED;
    }
    let share = if damaged == 1 { 1.0 } else { (place - 1) as f64 / (damaged - 1) as f64 };
    [0, 1, 2].map(|channel| MILD[channel] + share * (GRAVE[channel] - MILD[channel]))
}

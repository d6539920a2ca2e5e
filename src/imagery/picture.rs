//! Tiles that others encoded: which kind they are, how large, and their pixels at our size.

use std::io::Cursor;

use image::{ImageFormat, ImageReader, Limits, RgbaImage};

use crate::domain::cell::CELL_PIXELS;

/// The largest side of a tile that is looked at, pixels.
const MOST_SIDE: u32 = 1024;

/// A kind of picture that every browser shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PictureKind {
    /// WebP, lossy or not.
    Webp,
    /// PNG.
    Png,
    /// JPEG.
    Jpeg,
}

impl PictureKind {
    /// What the first bytes say it is, whatever its name says.
    pub fn sniff(bytes: &[u8]) -> Option<PictureKind> {
        match bytes {
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some(PictureKind::Webp),
            [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Some(PictureKind::Png),
            [0xff, 0xd8, 0xff, ..] => Some(PictureKind::Jpeg),
            _ => None,
        }
    }

    /// Its short name.
    pub fn name(self) -> &'static str {
        match self {
            PictureKind::Webp => "webp",
            PictureKind::Png => "png",
            PictureKind::Jpeg => "jpeg",
        }
    }

    /// Its media type.
    pub fn media_type(self) -> &'static str {
        match self {
            PictureKind::Webp => "image/webp",
            PictureKind::Png => "image/png",
            PictureKind::Jpeg => "image/jpeg",
        }
    }
}

/// What a WebP, PNG or JPEG tile of 256, 512 or 1024 pixels is: its kind, pixels along its side, and 256 x 256 pixels of
/// red, green, blue and straight alpha. Size is checked before a pixel is decoded. A reason where it is no such tile.
pub fn look(bytes: &[u8]) -> Result<(PictureKind, u32, Vec<u8>), String> {
    let kind = PictureKind::sniff(bytes).ok_or("is no WebP, PNG or JPEG picture")?;
    let picture = match kind {
        PictureKind::Webp => decode_webp(bytes)?,
        PictureKind::Png => decode_with(bytes, ImageFormat::Png)?,
        PictureKind::Jpeg => decode_with(bytes, ImageFormat::Jpeg)?,
    };
    Ok((kind, picture.width(), at_our_size(picture)?))
}

/// Kind and side of a tile that was looked at before, from its header alone.
pub fn glance(bytes: &[u8]) -> Option<(PictureKind, u32)> {
    let kind = PictureKind::sniff(bytes)?;
    let width = |format| ImageReader::with_format(Cursor::new(bytes), format).into_dimensions().ok().map(|size| size.0);
    let side = match kind {
        PictureKind::Webp => webp::BitstreamFeatures::new(bytes)?.width(),
        PictureKind::Png => width(ImageFormat::Png)?,
        PictureKind::Jpeg => width(ImageFormat::Jpeg)?,
    };
    Some((kind, side))
}

/// The pixels of such a tile.
pub fn decode(bytes: &[u8]) -> Result<Vec<u8>, String> {
    look(bytes).map(|(_, _, pixels)| pixels)
}

fn check_size(width: u32, height: u32) -> Result<(), String> {
    let fits = width == height && (CELL_PIXELS..=MOST_SIDE).contains(&width) && width.is_power_of_two();
    fits.then_some(()).ok_or_else(|| format!("has {width} x {height} pixels; tiles of 256, 512 or 1024 can be used"))
}

fn decode_webp(bytes: &[u8]) -> Result<RgbaImage, String> {
    let broken = || "is a damaged WebP picture".to_owned();
    let about = webp::BitstreamFeatures::new(bytes).ok_or_else(broken)?;
    check_size(about.width(), about.height())?;
    if about.has_animation() {
        return Err("is an animation".into());
    }
    let decoded = webp::Decoder::new(bytes).decode().ok_or_else(broken)?;
    let (width, height) = (decoded.width(), decoded.height());
    let data = match decoded.is_alpha() {
        true => decoded.to_vec(),
        false => decoded.chunks_exact(3).flat_map(|pixel| [pixel[0], pixel[1], pixel[2], 255]).collect(),
    };
    RgbaImage::from_raw(width, height, data).ok_or_else(broken)
}

fn decode_with(bytes: &[u8], format: ImageFormat) -> Result<RgbaImage, String> {
    let broken = |error: image::ImageError| format!("is a damaged picture ({error})");
    let size = ImageReader::with_format(Cursor::new(bytes), format).into_dimensions().map_err(broken)?;
    check_size(size.0, size.1)?;
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut limits = Limits::default();
    (limits.max_image_width, limits.max_image_height) = (Some(MOST_SIDE), Some(MOST_SIDE));
    limits.max_alloc = Some(32 << 20);
    reader.limits(limits);
    Ok(reader.decode().map_err(broken)?.to_rgba8())
}

/// Halves a picture until it has 256 pixels along its side: each colour counts by its alpha.
fn at_our_size(picture: RgbaImage) -> Result<Vec<u8>, String> {
    let (mut side, mut data) = (picture.width() as usize, picture.into_raw());
    while side > CELL_PIXELS as usize {
        let half = side / 2;
        let mut smaller = Vec::with_capacity(half * half * 4);
        for (row, col) in (0..half).flat_map(|row| (0..half).map(move |col| (row, col))) {
            let from = |dx: usize, dy: usize| ((row * 2 + dy) * side + col * 2 + dx) * 4;
            let four = [from(0, 0), from(1, 0), from(0, 1), from(1, 1)];
            let alpha: u32 = four.iter().map(|at| u32::from(data[at + 3])).sum();
            let colour = |channel: usize| {
                let sum: u32 = four.iter().map(|at| u32::from(data[at + channel]) * u32::from(data[at + 3])).sum();
                (sum + alpha / 2).checked_div(alpha).unwrap_or(0) as u8
            };
            smaller.extend([colour(0), colour(1), colour(2), ((alpha + 2) / 4) as u8]);
        }
        (side, data) = (half, smaller);
    }
    Ok(data)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(side: u32, format: ImageFormat) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        let picture =
            RgbaImage::from_fn(side, side, |x, _| image::Rgba([if x < side / 2 { 200 } else { 20 }, 90, 40, 255]));
        let picture = image::DynamicImage::ImageRgba8(picture);
        match format {
            ImageFormat::Jpeg => picture.to_rgb8().write_to(&mut bytes, format).unwrap(),
            _ => picture.write_to(&mut bytes, format).unwrap(),
        }
        bytes.into_inner()
    }

    #[test]
    fn tiles_of_all_kinds_and_sizes_come_out_at_our_size() {
        for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP] {
            for side in [256, 512, 1024] {
                let pixels = decode(&encoded(side, format)).unwrap();
                assert_eq!(pixels.len(), 256 * 256 * 4);
                assert!(
                    pixels[0].abs_diff(200) < 4 && pixels[255 * 4].abs_diff(20) < 4 && pixels[3] == 255,
                    "{format:?}"
                );
            }
        }
    }

    #[test]
    fn what_is_no_tile_is_refused_with_the_reason() {
        assert!(decode(b"<html>not found</html>").unwrap_err().contains("no WebP"));
        assert!(decode(&encoded(2048, ImageFormat::Png)).unwrap_err().contains("2048 x 2048"));
        assert!(decode(&encoded(100, ImageFormat::Png)).unwrap_err().contains("100 x 100"));
        for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP] {
            let whole = encoded(256, format);
            assert!(decode(&whole[..30]).unwrap_err().contains("damaged"), "{format:?}");
        }
        // A header that promises 60,000 x 60,000 pixels costs nothing.
        let mut bomb = encoded(256, ImageFormat::Png);
        bomb[16..24].copy_from_slice(&[0, 0, 0xea, 0x60, 0, 0, 0xea, 0x60]);
        assert!(decode(&bomb).is_err());
    }
}

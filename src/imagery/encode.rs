//! Pixels of a tile to WebP and back: lossy colour, lossless alpha, no alpha where the tile is full.

use bytes::Bytes;

use crate::domain::cell::CELL_PIXELS;

use super::picture::{PictureKind, decode};

/// Changes whenever the same input would give other bytes, so that new archives get new names.
pub const ENCODER_VERSION: &str = "webp q80 m4, bilinear in whole numbers, box overviews, layout 2";
/// libwebp's quality, 0 to 100.
const QUALITY: f32 = 80.0;

/// Encodes 256 x 256 straight-alpha pixels. A tile that is valid everywhere becomes a simple lossy file ('VP8 '):
/// libwebp leaves out an alpha plane in which nothing is transparent.
pub fn encode(tile: &[u8]) -> Result<Bytes, String> {
    let encoded = webp::Encoder::from_rgba(tile, CELL_PIXELS, CELL_PIXELS).encode_simple(false, QUALITY);
    encoded.map(|data| Bytes::copy_from_slice(&data)).map_err(|error| format!("a tile cannot be encoded: {error:?}"))
}

/// Whether an encoded tile is known to be valid everywhere from its header alone: a simple lossy WebP and a JPEG have no
/// alpha.
pub fn is_full(encoded: &[u8]) -> bool {
    let lossy = encoded.len() > 16 && &encoded[..4] == b"RIFF" && &encoded[8..16] == b"WEBPVP8 ";
    lossy || PictureKind::sniff(encoded) == Some(PictureKind::Jpeg)
}

/// The alpha of an encoded tile, 256 x 256 bytes row by row; `None` where the bytes are no such tile.
pub fn decode_alpha(encoded: &[u8]) -> Option<Vec<u8>> {
    let pixels = decode(encoded).ok()?;
    Some(pixels.chunks_exact(4).map(|pixel| pixel[3]).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imagery::reproject::TILE_BYTES;

    #[test]
    fn a_full_tile_is_known_without_decoding() {
        let tile: Vec<u8> = (0..TILE_BYTES).map(|i| if i % 4 == 3 { 255 } else { (i / 997) as u8 }).collect();
        let encoded = encode(&tile).unwrap();
        assert!(is_full(&encoded));
        assert!(decode_alpha(&encoded).unwrap().iter().all(|&alpha| alpha == 255));
    }

    #[test]
    fn alpha_survives_exactly() {
        let tile: Vec<u8> = (0..TILE_BYTES).map(|i| if i % 4 == 3 { (i / 1031) as u8 } else { 90 }).collect();
        let encoded = encode(&tile).unwrap();
        assert!(!is_full(&encoded));
        let alpha: Vec<u8> = tile.chunks_exact(4).map(|pixel| pixel[3]).collect();
        assert_eq!(decode_alpha(&encoded).unwrap(), alpha);
        assert_eq!(decode_alpha(b"RIFF"), None);
    }
}

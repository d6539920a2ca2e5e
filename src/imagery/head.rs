//! What a file is by its first bytes, and whether a TIFF among them can lie anywhere on earth: asked before gigabytes travel.

/// So many bytes of a file say enough.
pub const HEAD_BYTES: usize = 64 << 10;
/// After so many bytes the kind is known.
pub const KIND_BYTES: usize = 64;
/// TIFF tags that say where a picture lies: scale, tie points, transform, keys; and rational polynomials.
const PLACES: [u16; 5] = [33550, 33922, 34264, 34735, 50844];
/// Most pictures that are looked for in one file, and most tags of one.
const MOST: usize = 64;
const MOST_TAGS: u64 = 512;

/// Files that people bring instead of a picture: their marks, where these stand, what they are and what mends it.
const OTHERS: [(&[u8], usize, &str, &str); 13] = [
    (&[0xff, 0xd8, 0xff], 0, "a JPEG picture", PLAIN),
    (b"\x89PNG", 0, "a PNG picture", PLAIN),
    (b"WEBP", 8, "a WebP picture", PLAIN),
    (b"jP  ", 4, "a JPEG 2000 picture", "turn it into a GeoTIFF first: gdal_translate in.jp2 out.tif"),
    (b"PK\x03\x04", 0, "a ZIP archive", UNPACK),
    (b"\x1f\x8b", 0, "a gzip archive", UNPACK),
    (b"Rar!", 0, "a RAR archive", UNPACK),
    (b"7z\xbc\xaf", 0, "a 7-Zip archive", UNPACK),
    (b"%PDF", 0, "a PDF document", "ask for the GeoTIFF"),
    (b"\x89HDF", 0, "an HDF5 file", LAYERS),
    (b"CDF", 0, "a NetCDF file", LAYERS),
    (b"<!DOCTYPE html", 0, "a web page", WEB),
    (b"<html", 0, "a web page", WEB),
];
const PLAIN: &str = "it does not say where on earth it lies; ask for the GeoTIFF or, if you know its corners: gdal_translate -a_srs \
                     EPSG:4326 -a_ullr <west> <north> <east> <south> in out.tif";
const UNPACK: &str = "unpack it, and bring what is inside";
const LAYERS: &str = "turn the layers that are wanted into a GeoTIFF with gdal_translate";
const WEB: &str = "the download wanted you to sign in: do so there, and download it again";

/// Why a file of that name cannot be what is wanted, by its first bytes ([`HEAD_BYTES`], or all that there are); `None` where
/// nothing speaks against it. A name that ends in `.tif` promises a TIFF.
pub fn unwanted(name: &str, head: &[u8]) -> Option<String> {
    let starts =
        |mark: &[u8], at: usize| head.get(at..at + mark.len()).is_some_and(|there| there.eq_ignore_ascii_case(mark));
    if let Some((_, _, what, mend)) = OTHERS.iter().find(|(mark, at, ..)| starts(mark, *at)) {
        return Some(format!("`{name}` is {what}: {mend}"));
    }
    let lower = name.to_ascii_lowercase();
    let promised = [".tif", ".tiff", ".geotiff", ".gtiff"].iter().any(|ending| lower.ends_with(ending));
    match Tiff::of(head) {
        None if promised => Some(format!("`{name}` is not a TIFF, whatever its name says: choose the GeoTIFF")),
        Some(tiff) if tiff.lies_nowhere() => Some(format!(
            "`{name}` does not say where on earth it lies; if you know its corners: gdal_translate -a_srs EPSG:4326 -a_ullr \
             <west> <north> <east> <south> in.tif out.tif"
        )),
        _ => None,
    }
}

/// The first bytes of a TIFF.
struct Tiff<'a> {
    head: &'a [u8],
    little: bool,
    big: bool,
}

impl Tiff<'_> {
    fn of(head: &[u8]) -> Option<Tiff<'_>> {
        let (little, big) = match head.get(..4)? {
            b"II*\0" => (true, false),
            b"MM\0*" => (false, false),
            b"II+\0" => (true, true),
            b"MM\0+" => (false, true),
            _ => return None,
        };
        Some(Tiff { head, little, big })
    }

    /// A whole number of that many bytes; `None` beyond the head.
    fn number(&self, at: u64, bytes: usize) -> Option<u64> {
        let at = usize::try_from(at).ok()?;
        let there = self.head.get(at..at.checked_add(bytes)?)?;
        let step = |sum: u64, byte: &u8| sum << 8 | u64::from(*byte);
        Some(if self.little { there.iter().rev().fold(0, step) } else { there.iter().fold(0, step) })
    }

    /// Whether all its pictures stand in the head and none of them says anything about its place.
    fn lies_nowhere(&self) -> bool {
        let (first, count, entry, pointer) = if self.big { (8, 8, 20, 8) } else { (4, 2, 12, 4) };
        let mut next = self.number(first, pointer);
        for _ in 0..MOST {
            let Some(at) = next else { return false };
            if at == 0 {
                return true;
            }
            let Some(tags) = self.number(at, count).filter(|tags| (1..=MOST_TAGS).contains(tags)) else { return false };
            let start = at.saturating_add(count as u64);
            for tag in 0..tags {
                match self.number(start.saturating_add(tag * entry), 2) {
                    Some(tag) if !PLACES.iter().any(|place| u64::from(*place) == tag) => {}
                    _ => return false,
                }
            }
            next = self.number(start.saturating_add(tags * entry), pointer);
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A little TIFF of one picture with these tags.
    fn tiff(tags: &[u16]) -> Vec<u8> {
        let mut bytes = [b"II*\0".as_slice(), &8u32.to_le_bytes(), &(tags.len() as u16).to_le_bytes()].concat();
        for tag in tags {
            bytes.extend([tag.to_le_bytes().as_slice(), &[3, 0, 1, 0, 0, 0, 1, 0, 0, 0]].concat());
        }
        bytes.extend(0u32.to_le_bytes());
        bytes
    }

    #[test]
    fn other_files_are_named_by_what_they_are() {
        for (head, what) in [
            (b"\xff\xd8\xff\xe0".as_slice(), "JPEG"),
            (b"\x89PNG\r\n", "PNG"),
            (b"PK\x03\x04", "ZIP"),
            (b"RIFF....WEBPVP8", "WebP"),
            (b"<!doctype HTML><html>", "web page"),
            (b"this is no picture", "not a TIFF"),
            (b"", "not a TIFF"),
        ] {
            let said = unwanted("a.TIF", head).unwrap();
            assert!(said.contains(what) && said.contains("a.TIF"), "{said}");
        }
        assert!(unwanted("outlines.geojson", b"{\"type\": \"FeatureCollection\"").is_none());
        assert!(unwanted("gold.csv", b"tile_id,answer").is_none());
        assert!(unwanted("gold.csv", b"PK\x03\x04").unwrap().contains("unpack"));
    }

    #[test]
    fn a_tiff_that_lies_nowhere_is_told_from_one_that_may() {
        assert!(unwanted("a.tif", &tiff(&[256, 257])).unwrap().contains("where on earth"));
        for place in PLACES {
            assert!(unwanted("a.tif", &tiff(&[256, place])).is_none(), "{place}");
        }
        // What stands behind the head is not known yet, and a damaged one is for the reader to refuse.
        let whole = tiff(&[256, 257]);
        for cut in 4..whole.len() {
            assert!(unwanted("a.tif", &whole[..cut]).is_none(), "{cut}");
        }
        assert!(unwanted("a.tif", &[b"II*\0".as_slice(), &[0xff; 60]].concat()).is_none());
        assert!(unwanted("a.tif", &[b"MM\0+".as_slice(), &[0xff; 60]].concat()).is_none());
        // A ring of pictures ends.
        let mut ring = tiff(&[256]);
        let end = ring.len() - 4;
        ring[end..].copy_from_slice(&8u32.to_le_bytes());
        assert!(unwanted("a.tif", &ring).is_none());
    }
}

//! Polygons out of FlatGeobuf 3: a head, an index that is skipped, then feature after feature, each a flat buffer.
//!
//! Written after the format's own description (flatgeobuf.org) and FlatBuffers' internals page: a table begins with the
//! distance back to its list of fields; every reference is a distance forward. All reads stay inside their buffer.

use std::io::{ErrorKind, Read, Seek};

use super::budget::{Budget, MOST_CORNERS_OF_ONE, too_many_corners};
use super::{Outline, Polygons};

const MAGIC: &[u8] = b"fgb\x03fgb\x01";
/// Bytes of one node of the index.
const NODE: u64 = 40;
/// Largest accepted head or feature, bytes.
const MOST_BYTES: u64 = 16 << 20;
/// Most columns that are looked at.
const MOST_COLUMNS: usize = 1_000;

/// Outlines of a file, and the code of their system in the EPSG register; `None` where the file names none. Only one
/// feature is in memory at a time.
pub(super) fn read(input: &mut (impl Read + Seek)) -> Result<(Vec<Outline>, Option<u32>), String> {
    let mut magic = [0; MAGIC.len()];
    input.read_exact(&mut magic).map_err(|_| "is cut short")?;
    if magic != MAGIC {
        return Err("is not FlatGeobuf 3".into());
    }
    let mut buffer = Vec::new();
    if !next(input, &mut buffer)? {
        return Err("is cut short".into());
    }
    let head = Table::root(&buffer)?;
    let epsg = head.table(10).and_then(|crs| {
        let named = crs.text(0).is_none_or(|org| org.eq_ignore_ascii_case("EPSG"));
        crs.scalar(1).map(i32::from_le_bytes).filter(|code| named && *code > 0)
    });
    let columns: Vec<(String, u8)> = head
        .tables(7)
        .take(MOST_COLUMNS)
        .map(|column| (column.text(0).unwrap_or_default().to_owned(), column.scalar(1).map_or(0, u8::from_le_bytes)))
        .collect();
    let kind = head.scalar(2).map_or(0, u8::from_le_bytes);
    skip_index(input, &head)?;
    let (mut outlines, mut budget) = (Vec::new(), Budget::new());
    while next(input, &mut buffer)? {
        let outline = outline(&buffer, kind, &columns).and_then(|outline| {
            budget.take(&outline.polygons)?;
            Ok(outline)
        });
        outlines.push(outline.map_err(|reason| format!("feature {}: {reason}", outlines.len() + 1))?);
    }
    Ok((outlines, epsg.map(|code| code as u32)))
}

fn outline(bytes: &[u8], kind: u8, columns: &[(String, u8)]) -> Result<Outline, String> {
    let feature = Table::root(bytes)?;
    let id = id_of(&feature, columns);
    let geometry = feature.table(0).ok_or("has no geometry")?;
    Ok(Outline { id, polygons: polygons(&geometry, kind)?, properties: Default::default() })
}

/// Reads a buffer that has its length before it; whether there was one.
fn next(input: &mut impl Read, buffer: &mut Vec<u8>) -> Result<bool, String> {
    let mut length = [0; 4];
    let read = |error: std::io::Error| match error.kind() {
        ErrorKind::UnexpectedEof => "is cut short".to_owned(),
        _ => format!("cannot be read: {error}"),
    };
    if input.read(&mut length[..1]).map_err(read)? == 0 {
        return Ok(false);
    }
    input.read_exact(&mut length[1..]).map_err(read)?;
    let length = u64::from(u32::from_le_bytes(length));
    if length > MOST_BYTES {
        return Err(format!("holds a piece of {length} bytes, more than any building takes"));
    }
    buffer.clear();
    // Grows with what is there, whatever the length says.
    input.take(length).read_to_end(buffer).map_err(read)?;
    match buffer.len() as u64 == length {
        true => Ok(true),
        false => Err("is cut short".into()),
    }
}

fn skip_index(input: &mut impl Seek, head: &Table<'_>) -> Result<(), String> {
    let count = head.scalar(8).map_or(0, u64::from_le_bytes);
    let node = head.scalar(9).map_or(16, u16::from_le_bytes);
    let bytes = i64::try_from(index_bytes(count, node)).map_err(|_| "its index is too large")?;
    input.seek_relative(bytes).map_err(|_| "is cut short in its index".to_owned())
}

/// Bytes of the packed R-tree: nodes of all levels.
fn index_bytes(count: u64, node: u16) -> u64 {
    if node < 2 || count == 0 {
        return 0;
    }
    let (mut level, mut nodes) = (count, count);
    while level > 1 {
        level = level.div_ceil(u64::from(node));
        nodes = nodes.saturating_add(level);
    }
    nodes.saturating_mul(NODE)
}

/// Type 3 is Polygon, 6 MultiPolygon; the head's type holds where a geometry does not say.
fn polygons(geometry: &Table<'_>, kind: u8) -> Result<Polygons, String> {
    let own = geometry.scalar(6).map_or(0, u8::from_le_bytes);
    match if own == 0 { kind } else { own } {
        3 => Ok(vec![rings(geometry)?]),
        6 => parts(geometry),
        other => Err(format!("is of kind {other} of FlatGeobuf; footprints are Polygon or MultiPolygon")),
    }
}

/// The parts of a MultiPolygon. A few bytes may name the same large part a million times, so they are counted.
fn parts(geometry: &Table<'_>) -> Result<Polygons, String> {
    let (mut polygons, mut corners) = (Vec::new(), 0);
    for part in geometry.tables(7) {
        corners += 1 + part.list(1, 8).len() / 16 + part.list(0, 4).len() / 4;
        if corners > MOST_CORNERS_OF_ONE {
            return Err(too_many_corners());
        }
        polygons.push(rings(&part)?);
    }
    Ok(polygons)
}

/// The rings of a polygon: positions one after the other, and where each ring ends; one ring needs no ends.
fn rings(geometry: &Table<'_>) -> Result<Vec<Vec<[f64; 2]>>, String> {
    let number = |bytes: &[u8]| bytes.first_chunk().map_or(f64::NAN, |bytes| f64::from_le_bytes(*bytes));
    let places: Vec<[f64; 2]> =
        geometry.list(1, 8).chunks_exact(16).map(|pair| [number(pair), number(&pair[8..])]).collect();
    let ends: Vec<usize> = geometry
        .list(0, 4)
        .chunks_exact(4)
        .map(|end| end.first_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes) as usize))
        .collect();
    if ends.is_empty() {
        return Ok(vec![places]);
    }
    let mut begin = 0;
    let ring = |end: usize| {
        let ring = places.get(begin..end).ok_or("its rings do not fit its positions")?.to_vec();
        begin = end;
        Ok(ring)
    };
    ends.into_iter().map(ring).collect()
}

/// The value of the column `id`, a text or a whole number.
fn id_of(feature: &Table<'_>, columns: &[(String, u8)]) -> Option<String> {
    let mut left = feature.list(1, 1);
    loop {
        let (column, rest) = left.split_first_chunk::<2>()?;
        let (name, kind) = columns.get(usize::from(u16::from_le_bytes(*column)))?;
        let (size, head): (usize, usize) = match kind {
            0..=2 => (1, 0),
            3 | 4 => (2, 0),
            5 | 6 | 9 => (4, 0),
            7 | 8 | 10 => (8, 0),
            // Texts and bytes have their length before them.
            _ => (u32::from_le_bytes(*rest.first_chunk()?) as usize, 4),
        };
        let value = rest.get(head..head.checked_add(size)?)?;
        left = rest.get(head + size..)?;
        if name.eq_ignore_ascii_case("id") {
            return match kind {
                5 => Some(i32::from_le_bytes(*value.first_chunk()?).to_string()),
                6 => Some(u32::from_le_bytes(*value.first_chunk()?).to_string()),
                7 => Some(i64::from_le_bytes(*value.first_chunk()?).to_string()),
                8 => Some(u64::from_le_bytes(*value.first_chunk()?).to_string()),
                11 => std::str::from_utf8(value).ok().map(str::to_owned),
                _ => None,
            };
        }
    }
}

/// One table of a flat buffer.
#[derive(Clone, Copy)]
struct Table<'a> {
    buffer: &'a [u8],
    at: usize,
    fields: usize,
}

impl<'a> Table<'a> {
    fn root(buffer: &'a [u8]) -> Result<Table<'a>, String> {
        let at = number(buffer, 0).ok_or("holds an empty buffer")?;
        Table::new(buffer, at).ok_or_else(|| "holds a damaged buffer".into())
    }

    fn new(buffer: &'a [u8], at: usize) -> Option<Table<'a>> {
        let back = i32::from_le_bytes(*buffer.get(at..)?.first_chunk()?);
        let fields = usize::try_from(i64::try_from(at).ok()? - i64::from(back)).ok()?;
        Some(Table { buffer, at, fields })
    }

    /// Where a field lies; `None` where it is left out.
    fn field(&self, place: usize) -> Option<usize> {
        let word =
            |at: usize| self.buffer.get(at..)?.first_chunk().map(|bytes| usize::from(u16::from_le_bytes(*bytes)));
        let entry = 4 + 2 * place;
        if entry + 2 > word(self.fields)? {
            return None;
        }
        word(self.fields + entry).filter(|offset| *offset > 0).and_then(|offset| self.at.checked_add(offset))
    }

    fn scalar<const N: usize>(&self, place: usize) -> Option<[u8; N]> {
        self.buffer.get(self.field(place)?..)?.first_chunk().copied()
    }

    /// Where what a field refers to lies.
    fn target(&self, place: usize) -> Option<usize> {
        let at = self.field(place)?;
        at.checked_add(number(self.buffer, at)?)
    }

    fn table(&self, place: usize) -> Option<Table<'a>> {
        Table::new(self.buffer, self.target(place)?)
    }

    /// The bytes of a list of numbers of `size` bytes; empty where there is none or it does not fit.
    fn list(&self, place: usize, size: usize) -> &'a [u8] {
        let find = || {
            let at = self.target(place)?;
            let bytes = number(self.buffer, at)?.checked_mul(size)?;
            self.buffer.get(at + 4..)?.get(..bytes)
        };
        find().unwrap_or_default()
    }

    fn text(&self, place: usize) -> Option<&'a str> {
        std::str::from_utf8(self.list(place, 1)).ok().filter(|text| !text.is_empty())
    }

    fn tables(&self, place: usize) -> impl Iterator<Item = Table<'a>> {
        let (buffer, begin) = (self.buffer, self.target(place).unwrap_or(0) + 4);
        let count = self.list(place, 4).len() / 4;
        (0..count).filter_map(move |i| {
            let at = begin + i * 4;
            Table::new(buffer, at.checked_add(number(buffer, at)?)?)
        })
    }
}

fn number(buffer: &[u8], at: usize) -> Option<usize> {
    buffer.get(at..)?.first_chunk().map(|bytes| u32::from_le_bytes(*bytes) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_bytes(bytes: &[u8]) -> Result<(Vec<Outline>, Option<u32>), String> {
        read(&mut std::io::Cursor::new(bytes))
    }

    #[test]
    fn the_index_has_nodes_of_all_levels() {
        assert_eq!(index_bytes(1, 16), 40);
        assert_eq!(index_bytes(16, 16), 17 * 40);
        assert_eq!(index_bytes(17, 16), (17 + 2 + 1) * 40);
        assert_eq!([index_bytes(0, 16), index_bytes(9, 0)], [0, 0]);
    }

    #[test]
    fn wild_bytes_are_refused() {
        assert!(read_bytes(b"fgb\x03GeoJSON").unwrap_err().contains("not FlatGeobuf"));
        for tail in
            [&b""[..], b"\xff\xff\xff\xff", b"\x04\0\0\0\xff\xff\xff\xff", b"\x08\0\0\0\x04\0\0\0\xff\xff\xff\x7f"]
        {
            assert!(read_bytes(&[MAGIC, tail].concat()).is_err());
        }
    }
}

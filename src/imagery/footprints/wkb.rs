//! Polygons out of well-known binary (OGC 06-103r4), as GeoPackage stores them (OGC 12-128r18, GeoPackageBinary).

use super::budget::Budget;
use super::{Outline, Polygons};

/// The outlines of a GeoPackage's layer, of which each row is an id and a geometry.
///
/// # Errors
/// A sentence that names the feature.
pub fn outlines_of_geopackage(rows: Vec<(String, Option<Vec<u8>>)>) -> Result<Vec<Outline>, String> {
    let mut budget = Budget::new();
    let outline = |(id, blob): (String, Option<Vec<u8>>)| {
        let polygons = blob.as_deref().ok_or_else(|| "has no geometry".to_owned()).and_then(from_geopackage);
        let polygons = polygons.and_then(|polygons| budget.take(&polygons).map(|()| polygons));
        let polygons = polygons.map_err(|reason| format!("feature `{id}`: {reason}"))?;
        Ok(Outline { id: Some(id), polygons, properties: Default::default() })
    };
    rows.into_iter().map(outline).collect()
}

/// Reads numbers of either byte order and never beyond the end.
struct Bytes<'a> {
    left: &'a [u8],
    little: bool,
}

impl Bytes<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], String> {
        let (bytes, left) = self.left.split_first_chunk::<N>().ok_or("its geometry is cut short")?;
        self.left = left;
        Ok(*bytes)
    }

    fn count(&mut self) -> Result<usize, String> {
        let bytes = self.take()?;
        Ok(if self.little { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) } as usize)
    }

    fn number(&mut self) -> Result<f64, String> {
        let bytes = self.take()?;
        Ok(if self.little { f64::from_le_bytes(bytes) } else { f64::from_be_bytes(bytes) })
    }
}

/// The polygons of a GeoPackage geometry.
pub fn from_geopackage(blob: &[u8]) -> Result<Polygons, String> {
    let [b'G', b'P', _, flags, rest @ ..] = blob else { return Err("its geometry is no GeoPackage geometry".into()) };
    let envelope = match flags >> 1 & 7 {
        0 => 0,
        1 => 32,
        2 | 3 => 48,
        4 => 64,
        _ => return Err("its geometry has a damaged head".into()),
    };
    if flags & 16 != 0 {
        return Err("has no geometry".into());
    }
    polygons(rest.get(4 + envelope..).ok_or("its geometry is cut short")?)
}

/// The polygons of a geometry in well-known binary: a Polygon or a MultiPolygon.
pub fn polygons(bytes: &[u8]) -> Result<Polygons, String> {
    let mut bytes = Bytes { left: bytes, little: true };
    let (kind, numbers) = head(&mut bytes)?;
    match kind {
        3 => Ok(vec![polygon(&mut bytes, numbers)?]),
        6 => {
            let count = bytes.count()?;
            // Each polygon takes at least 9 bytes: a wild count ends at the end of the bytes, and nothing is reserved.
            (0..count).map(|_| part(&mut bytes)).collect()
        }
        other => Err(format!("is of kind {other} of well-known binary; footprints are Polygon or MultiPolygon")),
    }
}

fn part(bytes: &mut Bytes<'_>) -> Result<Vec<Vec<[f64; 2]>>, String> {
    match head(bytes)? {
        (3, numbers) => polygon(bytes, numbers),
        (other, _) => Err(format!("holds a geometry of kind {other} where a polygon belongs")),
    }
}

/// The kind of a geometry, and how many numbers a position has.
fn head(bytes: &mut Bytes<'_>) -> Result<(u32, usize), String> {
    let [order] = bytes.take()?;
    bytes.little = order == 1;
    let code = bytes.count()? as u32;
    // ISO adds 1000 for z, 2000 for m, 3000 for both; PostGIS sets high bits and may add a system.
    let (z, m) = (code & 0x8000_0000 != 0, code & 0x4000_0000 != 0);
    if code & 0x2000_0000 != 0 {
        bytes.count()?;
    }
    let plain = code & 0x0fff_ffff;
    let more = usize::from(z) + usize::from(m) + [0, 1, 1, 2].get(plain as usize / 1000).copied().unwrap_or(0);
    Ok((plain % 1000, 2 + more))
}

fn polygon(bytes: &mut Bytes<'_>, numbers: usize) -> Result<Vec<Vec<[f64; 2]>>, String> {
    let rings = bytes.count()?;
    (0..rings).map(|_| ring(bytes, numbers)).collect()
}

fn ring(bytes: &mut Bytes<'_>, numbers: usize) -> Result<Vec<[f64; 2]>, String> {
    let positions = bytes.count()?;
    let position = |_| {
        let place = [bytes.number()?, bytes.number()?];
        for _ in 2..numbers {
            bytes.number()?;
        }
        Ok(place)
    };
    (0..positions).map(position).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn triangle(kind: u32, numbers: usize) -> Vec<u8> {
        let mut bytes = vec![1];
        bytes.extend(kind.to_le_bytes());
        bytes.extend([1u32.to_le_bytes(), 4u32.to_le_bytes()].concat());
        for (x, y) in [(0.0, 0.0), (2.0, 0.0), (0.0, 1.0), (0.0, 0.0)] {
            let place = [x, y, 7.0, 8.0];
            place[..numbers].iter().for_each(|v: &f64| bytes.extend(v.to_le_bytes()));
        }
        bytes
    }

    #[test]
    fn polygons_are_read_with_and_without_heights() {
        let wanted = vec![vec![vec![[0.0, 0.0], [2.0, 0.0], [0.0, 1.0], [0.0, 0.0]]]];
        for (kind, numbers) in [(3, 2), (1003, 3), (3003, 4), (0x8000_0003, 3)] {
            assert_eq!(polygons(&triangle(kind, numbers)).unwrap(), wanted);
        }
        let mut multi = [&[1u8][..], &6u32.to_le_bytes(), &2u32.to_le_bytes()].concat();
        multi.extend([triangle(3, 2), triangle(3, 2)].concat());
        assert_eq!(polygons(&multi).unwrap().len(), 2);
        let gpkg = [&b"GP\0\x01"[..], &4326i32.to_le_bytes(), &triangle(3, 2)].concat();
        assert_eq!(from_geopackage(&gpkg).unwrap(), wanted);
    }

    #[test]
    fn wild_bytes_are_refused() {
        let whole = triangle(3, 2);
        for end in 0..whole.len() {
            assert!(polygons(&whole[..end]).is_err());
        }
        let wild = [&[1u8][..], &6u32.to_le_bytes(), &u32::MAX.to_le_bytes()].concat();
        assert!(polygons(&wild).unwrap_err().contains("cut short"));
        assert!(polygons(&triangle(1, 2)).unwrap_err().contains("kind 1"));
        assert!(from_geopackage(b"XX").is_err() && from_geopackage(b"GP\0\x1f0000").is_err());
    }
}

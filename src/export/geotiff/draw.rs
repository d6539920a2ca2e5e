//! Drawing rows into a raster on disk: first all rows are kept in a scratch file and their extent found, then each is
//! drawn. Memory stays the same whatever there is to draw.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::Path;

use super::super::{Record, Records, Sheet, Value};
use super::BANDS;
use super::grid::{Extent, Grid};
use crate::domain::cell::Cell;
use crate::domain::geometry::{Geometry, Ring};

/// Bytes of a pixel.
pub const PIXEL: usize = 4 * BANDS;

/// A raster that is drawn.
pub struct Drawing {
    /// Its pixels.
    pub grid: Grid,
    /// Rows drawn.
    pub rows: u64,
    /// Pixel by pixel, row by row, each [`PIXEL`] bytes.
    pub pixels: File,
}

/// The values of a pixel; a pixel that was never written is no number in all bands.
pub fn pixel(bytes: &[u8]) -> [f32; BANDS] {
    let mut values = [f32::NAN; BANDS];
    for (value, bytes) in values.iter_mut().zip(bytes.chunks_exact(4)) {
        *value = f32::from_bits(!u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]));
    }
    values
}

/// The reverse of [`pixel`]: holes in a file read as zeros, so no number is stored as zeros.
fn bytes(values: [f32; BANDS]) -> [u8; PIXEL] {
    let mut bytes = [0; PIXEL];
    for (place, value) in values.into_iter().enumerate() {
        let bits = if value.is_nan() { 0 } else { !value.to_bits() };
        bytes[4 * place..4 * place + 4].copy_from_slice(&bits.to_le_bytes());
    }
    bytes
}

/// One row, as far as it is drawn.
enum Shape {
    Cell(Cell),
    Rings(Vec<Ring>),
}

/// Where a sheet has what is drawn.
struct Places {
    bands: [usize; BANDS],
    cell: [usize; 3],
}

impl Places {
    fn of(sheet: &Sheet<'_>) -> Option<Places> {
        let [class, damaged, redundancy] =
            ["class_code", "damaged_probability", "effective_redundancy"].map(|name| sheet.place_of(name));
        let [z, x, y] = ["z", "x", "y"].map(|name| sheet.place_of(name));
        Some(Places { bands: [class?, damaged?, redundancy?], cell: [z?, x?, y?] })
    }

    fn values(&self, record: &Record) -> [f32; BANDS] {
        self.bands.map(|place| match record.values[place] {
            Value::Int(number) => number as f32,
            Value::Number(number) => number as f32,
            _ => f32::NAN,
        })
    }

    fn cell(&self, record: &Record) -> Option<Cell> {
        let number = |place: usize| match record.values[place] {
            Value::Int(number) => u32::try_from(number).ok(),
            _ => None,
        };
        Cell::new(u8::try_from(number(self.cell[0])?).ok()?, number(self.cell[1])?, number(self.cell[2])?)
    }
}

/// Draws all records of a sheet of tiles.
pub fn draw(sheet: &Sheet<'_>, records: &mut Records<'_>, scratch: &Path) -> io::Result<Drawing> {
    let places = Places::of(sheet).ok_or_else(|| io::Error::other("the sheet has no class to draw"))?;
    let mut kept = BufWriter::with_capacity(1 << 16, tempfile::tempfile_in(scratch)?);
    let (mut extent, mut rows) = (Extent::default(), 0);
    for record in records {
        let record = record?;
        rows += 1;
        let cell = places.cell(&record);
        let Some(geometry) = &record.geometry else { continue };
        let shape = cell.map_or_else(|| Shape::Rings(rings(geometry)), Shape::Cell);
        for polygon in geometry.polygons() {
            extent.add(cell, around(polygon));
        }
        keep(&mut kept, places.values(&record), &shape)?;
    }
    let grid = extent.grid()?;
    let pixels = tempfile::tempfile_in(scratch)?;
    pixels.set_len(u64::from(grid.width) * u64::from(grid.height) * PIXEL as u64)?;
    let mut drawing = Drawing { grid, rows, pixels };
    let mut kept = kept.into_inner()?;
    kept.rewind()?;
    let mut kept = BufReader::with_capacity(1 << 16, kept);
    while let Some((values, shape)) = read(&mut kept)? {
        drawing.put(values, &shape)?;
    }
    Ok(drawing)
}

fn rings(geometry: &Geometry) -> Vec<Ring> {
    geometry.polygons().iter().flatten().cloned().collect()
}

/// Parts on both sides of the date line are counted one by one: the box around all of them would go round the earth.
fn around(polygon: &[Ring]) -> crate::domain::bbox::Bbox {
    use crate::domain::bbox::Bbox;
    let point = |&[lon, lat]: &[f64; 2]| Bbox { west: lon, south: lat, east: lon, north: lat };
    let all = polygon.iter().flatten().map(point).reduce(Bbox::union);
    all.unwrap_or(Bbox { west: 0.0, south: 0.0, east: 0.0, north: 0.0 })
}

impl Drawing {
    fn put(&mut self, values: [f32; BANDS], shape: &Shape) -> io::Result<()> {
        match shape {
            Shape::Cell(cell) if cell.z == self.grid.zoom => match self.grid.pixel(*cell) {
                Some((column, row)) => self.span(row, (column, column), values),
                None => Ok(()),
            },
            Shape::Cell(cell) => self.fill(&[cell.bbox().ring().to_vec()], values),
            Shape::Rings(rings) => self.fill(rings, values),
        }
    }

    /// Fills the pixels whose middle lies inside, by the even-odd rule; at least the one below its first corner, so that
    /// nothing is lost for being small.
    fn fill(&mut self, rings: &[Ring], values: [f32; BANDS]) -> io::Result<()> {
        let around = (1i64 << self.grid.zoom) as f64;
        let turned = |(x, y): (f64, f64)| (if x < -0.5 { x + around } else { x }, y);
        let rings: Vec<Vec<(f64, f64)>> =
            rings.iter().map(|ring| ring.iter().map(|place| turned(self.grid.place(*place))).collect()).collect();
        let heights = || rings.iter().flatten().map(|(_, y)| *y);
        let (upper, lower) = (heights().fold(f64::INFINITY, f64::min), heights().fold(f64::NEG_INFINITY, f64::max));
        let last = f64::from(self.grid.height) - 1.0;
        let mut drawn = false;
        for row in (upper.floor().clamp(0.0, last) as u32)..=(lower.floor().clamp(0.0, last) as u32) {
            let middle = f64::from(row) + 0.5;
            let mut crossings: Vec<f64> = rings
                .iter()
                .flat_map(|ring| ring.windows(2))
                .filter(|side| (side[0].1 > middle) != (side[1].1 > middle))
                .map(|side| side[0].0 + (middle - side[0].1) / (side[1].1 - side[0].1) * (side[1].0 - side[0].0))
                .collect();
            crossings.sort_unstable_by(f64::total_cmp);
            for pair in crossings.chunks_exact(2) {
                let (from, to) = ((pair[0] - 0.5).ceil().max(0.0), (pair[1] - 0.5).floor());
                let to = to.min(f64::from(self.grid.width) - 1.0);
                if from <= to {
                    self.span(row, (from as u32, to as u32), values)?;
                    drawn = true;
                }
            }
        }
        match rings.first().and_then(|ring| ring.first()) {
            Some((x, y)) if !drawn => {
                let place = |at: f64, many: u32| at.floor().clamp(0.0, f64::from(many) - 1.0) as u32;
                let column = place(*x, self.grid.width);
                self.span(place(*y, self.grid.height), (column, column), values)
            }
            _ => Ok(()),
        }
    }

    fn span(&mut self, row: u32, (from, to): (u32, u32), values: [f32; BANDS]) -> io::Result<()> {
        let start = (u64::from(row) * u64::from(self.grid.width) + u64::from(from)) * PIXEL as u64;
        self.pixels.seek(SeekFrom::Start(start))?;
        self.pixels.write_all(&bytes(values).repeat((to - from + 1) as usize))
    }
}

fn keep(to: &mut impl Write, values: [f32; BANDS], shape: &Shape) -> io::Result<()> {
    to.write_all(&bytes(values))?;
    match shape {
        Shape::Cell(cell) => {
            for number in [0, u32::from(cell.z), cell.x, cell.y] {
                to.write_all(&number.to_le_bytes())?;
            }
        }
        Shape::Rings(rings) => {
            to.write_all(&(rings.len() as u32).to_le_bytes())?;
            for ring in rings {
                to.write_all(&(ring.len() as u32).to_le_bytes())?;
                for degrees in ring.iter().flatten() {
                    to.write_all(&degrees.to_le_bytes())?;
                }
            }
        }
    }
    Ok(())
}

/// The next row that was kept; `None` after the last one.
fn read(from: &mut impl Read) -> io::Result<Option<([f32; BANDS], Shape)>> {
    let mut values = [0; PIXEL];
    match from.read_exact(&mut values) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        outcome => outcome?,
    }
    let mut number = |from: &mut dyn Read| {
        let mut bytes = [0; 4];
        from.read_exact(&mut bytes).map(|()| u32::from_le_bytes(bytes))
    };
    let shape = match number(from)? {
        0 => {
            let (z, x, y) = (number(from)? as u8, number(from)?, number(from)?);
            Shape::Cell(Cell { z, x, y })
        }
        rings => Shape::Rings((0..rings).map(|_| ring(from, &mut number)).collect::<io::Result<_>>()?),
    };
    Ok(Some((pixel(&values), shape)))
}

fn ring(from: &mut impl Read, number: &mut impl FnMut(&mut dyn Read) -> io::Result<u32>) -> io::Result<Ring> {
    let places = number(from)?;
    let mut degrees = || {
        let mut bytes = [0; 8];
        from.read_exact(&mut bytes).map(|()| f64::from_le_bytes(bytes))
    };
    (0..places).map(|_| Ok([degrees()?, degrees()?])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pixel_is_read_as_it_was_written_and_a_hole_is_no_number() {
        assert_eq!(pixel(&bytes([0.0, 1.0, -2.5])), [0.0, 1.0, -2.5]);
        assert!(pixel(&[0; PIXEL]).iter().all(|value| value.is_nan()));
        assert_eq!(bytes([f32::NAN; BANDS]), [0; PIXEL]);
    }
}

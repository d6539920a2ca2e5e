//! Which zooms and cells a scene is cut into. Pure arithmetic.

use crate::domain::bbox::Bbox;
use crate::domain::cell::{CELL_PIXELS, Cell, MAX_ZOOM, MERCATOR_HALF, MercatorBox, to_mercator};

use super::georef::Georef;

/// The cells a scene is cut into.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CutPlan {
    /// What the picture covers, web mercator.
    pub area: MercatorBox,
    /// The same in degrees.
    pub bounds: Bbox,
    /// The coarsest zoom: the whole scene fits into about one cell.
    pub min_zoom: u8,
    /// The zoom whose pixels are nearest to the coarser axis of the picture's pixels.
    pub native_zoom: u8,
    /// Side of a pixel on the ground at the scene's centre, metres, along the coarser axis.
    pub pixel_size_m: f64,
    /// Web mercator metres that a pixel spans at the centre, along a row and along a column.
    pub spans: (f64, f64),
}

/// Most cells that one scene may have at its native zoom: 16 million are 10^12 pixels.
const MAX_CELLS: u64 = 1 << 24;

/// Plans the cut of a picture of a size in pixels, or says why it cannot be cut.
pub fn plan(georef: &Georef, width: u32, height: u32) -> Result<CutPlan, String> {
    let area = covered(georef, width, height)?;
    let (mid_col, mid_row) = (f64::from(width) / 2.0, f64::from(height) / 2.0);
    let outside = || "its centre lies outside the area of its coordinate system; check that the right one is named";
    let (across, down) = georef.pixel_spans(mid_col, mid_row).ok_or_else(outside)?;
    let coarser = across.max(down);
    let native_zoom = nearest_zoom(coarser);
    let (_, middle) = georef.to_mercator(mid_col, mid_row).ok_or_else(outside)?;
    let cut = CutPlan {
        area,
        bounds: area.to_degrees(),
        min_zoom: fitting_zoom(area).min(native_zoom),
        native_zoom,
        pixel_size_m: coarser * Georef::ground_scale(middle),
        spans: (across, down),
    };
    match CellRange::of(native_zoom, area).count() {
        0..=MAX_CELLS => Ok(cut),
        cells => {
            Err(format!("it would make {cells} tiles at zoom {native_zoom}; cut it into parts with gdal_translate"))
        }
    }
}

/// The zoom whose pixels come nearest (in ratio) to pixels of `metres` web mercator.
pub fn nearest_zoom(metres: f64) -> u8 {
    let whole_world = 2.0 * MERCATOR_HALF / f64::from(CELL_PIXELS);
    (whole_world / metres).log2().round().clamp(0.0, f64::from(MAX_ZOOM)) as u8
}

/// The deepest zoom at which an area is no larger than one cell.
pub fn fitting_zoom(area: MercatorBox) -> u8 {
    let side = (area.right - area.left).max(area.top - area.bottom);
    (2.0 * MERCATOR_HALF / side).log2().floor().clamp(0.0, f64::from(MAX_ZOOM)) as u8
}

/// The cells of one zoom that an area touches: a rectangle, or two where the area crosses the date line.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CellRange {
    z: u8,
    rows: (u32, u32),
    columns: [Option<(u32, u32)>; 2],
}

impl CellRange {
    /// The cells of a zoom that an area touches. Eastings beyond the edge of the world go on at its other side.
    pub fn of(z: u8, area: MercatorBox) -> CellRange {
        let world = 2.0 * MERCATOR_HALF;
        let hair = Cell::side(z) * 1e-9;
        let rows = (Cell::at(z, 0.0, area.top - hair).y, Cell::at(z, 0.0, area.bottom + hair).y);
        let last_column = ((1u64 << z) - 1) as u32;
        let whole = CellRange { z, rows, columns: [Some((0, last_column)), None] };
        if area.right - area.left >= world - hair {
            return whole;
        }
        let turns = ((area.left + hair + MERCATOR_HALF) / world).floor() * world;
        let (left, right) = (area.left - turns, area.right - turns);
        let span = |left: f64, right: f64| (Cell::at(z, left + hair, 0.0).x, Cell::at(z, right - hair, 0.0).x);
        if right <= MERCATOR_HALF + hair {
            return CellRange { z, rows, columns: [Some(span(left, right)), None] };
        }
        let (west, east) = (span(-MERCATOR_HALF, right - world), span(left, MERCATOR_HALF));
        if west.1 >= east.0 {
            return whole;
        }
        CellRange { z, rows, columns: [Some(west), Some(east)] }
    }

    /// How many cells there are.
    pub fn count(&self) -> u64 {
        let rows = u64::from(self.rows.1 - self.rows.0 + 1);
        self.columns.iter().flatten().map(|(first, last)| u64::from(last - first + 1) * rows).sum()
    }

    /// Whether a cell of this zoom is one of them.
    pub fn contains(&self, cell: Cell) -> bool {
        let inside = |(first, last): &(u32, u32)| (*first..=*last).contains(&cell.x);
        (self.rows.0..=self.rows.1).contains(&cell.y) && self.columns.iter().flatten().any(inside)
    }

    /// The rows from north to south.
    pub fn rows(&self) -> std::ops::RangeInclusive<u32> {
        self.rows.0..=self.rows.1
    }

    /// The cells of one row from the west.
    pub fn row(&self, y: u32) -> impl Iterator<Item = Cell> + use<> {
        let z = self.z;
        self.columns.into_iter().flatten().flat_map(move |(first, last)| (first..=last).map(move |x| Cell { z, x, y }))
    }

    /// How many of them lie below a cell of a coarser zoom.
    pub fn below(&self, cell: Cell) -> u64 {
        let shift = self.z - cell.z;
        let overlap = |(low, high): (u32, u32), at: u32| {
            let (from, to) = (u64::from(at) << shift, ((u64::from(at) + 1) << shift) - 1);
            (to.min(u64::from(high)) + 1).saturating_sub(from.max(u64::from(low)))
        };
        let rows = overlap(self.rows, cell.y);
        self.columns.iter().flatten().map(|columns| overlap(*columns, cell.x) * rows).sum()
    }
}

/// What the picture covers, from points along its border (its edges may be curved in web mercator).
fn covered(georef: &Georef, width: u32, height: u32) -> Result<MercatorBox, String> {
    const STEPS: u32 = 64;
    let (width, height) = (f64::from(width), f64::from(height));
    let mut area: Option<MercatorBox> = None;
    let mut lost = 0;
    for step in 0..=STEPS {
        let t = f64::from(step) / f64::from(STEPS);
        for (col, row) in [(t * width, 0.0), (t * width, height), (0.0, t * height), (width, t * height)] {
            let Some((x, y)) = georef.to_mercator(col, row) else {
                lost += 1;
                continue;
            };
            area = Some(match area {
                None => MercatorBox { left: x, bottom: y, right: x, top: y },
                Some(a) => MercatorBox {
                    left: a.left.min(x),
                    bottom: a.bottom.min(y),
                    right: a.right.max(x),
                    top: a.top.max(y),
                },
            });
        }
    }
    // Pictures of a whole hemisphere have empty corners; a picture that lies mostly nowhere has a wrong system.
    match area {
        Some(area) if lost <= 2 * STEPS => clipped(with_poles(georef, area, width, height)),
        _ => Err("most of it lies outside the area of its coordinate system; check that the right one is named".into()),
    }
}

/// A picture that holds a pole reaches all around the world and up to the edge of the map.
fn with_poles(georef: &Georef, area: MercatorBox, width: f64, height: f64) -> MercatorBox {
    let holds = |lat: f64| {
        let (x, y) = to_mercator(0.0, lat);
        // Seen from all sides: what only some longitudes reach is the border of a map of the world, no pole.
        [0.0, 0.5, 1.0, 1.5].iter().all(|turn| {
            let inside = |(col, row): (f64, f64)| col > 0.0 && row > 0.0 && col < width && row < height;
            georef.to_pixel(x + turn * MERCATOR_HALF, y).is_some_and(inside)
        })
    };
    let around = |area: MercatorBox| MercatorBox { left: -MERCATOR_HALF, right: MERCATOR_HALF, ..area };
    match (holds(85.0), holds(-85.0)) {
        (true, true) | (false, false) => area,
        (true, false) => MercatorBox { top: MERCATOR_HALF, ..around(area) },
        (false, true) => MercatorBox { bottom: -MERCATOR_HALF, ..around(area) },
    }
}

fn clipped(area: MercatorBox) -> Result<MercatorBox, String> {
    let (bottom, top) = (area.bottom.max(-MERCATOR_HALF), area.top.min(MERCATOR_HALF));
    let once_around = area.right - area.left >= 2.0 * MERCATOR_HALF * (1.0 - 1e-9);
    let (left, right) = if once_around { (-MERCATOR_HALF, MERCATOR_HALF) } else { (area.left, area.right) };
    // What crosses the date line begins in the east of the map and goes on beyond it.
    let turn = if left < -MERCATOR_HALF * (1.0 + 1e-9) { 2.0 * MERCATOR_HALF } else { 0.0 };
    let (left, right) = (left + turn, right + turn);
    match right > left && top > bottom {
        true => Ok(MercatorBox { left, bottom, right, top }),
        false => Err("it covers nothing on the web mercator map (latitudes beyond 85 degrees are not on it)".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imagery::Crs;

    #[test]
    fn the_native_zoom_is_the_nearest_in_ratio() {
        let exact = 2.0 * MERCATOR_HALF / 256.0 / 8192.0;
        assert_eq!(nearest_zoom(exact), 13);
        assert_eq!(nearest_zoom(exact * 1.41), 13);
        assert_eq!(nearest_zoom(exact * 1.42), 12);
        assert_eq!(nearest_zoom(exact * 0.71), 13);
        assert_eq!(nearest_zoom(1e9), 0);
        assert_eq!(nearest_zoom(1e-9), MAX_ZOOM);
    }

    #[test]
    fn one_cell_is_cut_into_itself() {
        let cell = Cell { z: 10, x: 511, y: 340 };
        let area = cell.mercator();
        let pixel = Cell::side(10) / 256.0;
        let georef = Georef::new(Crs::Mercator, [area.left, pixel, 0.0, area.top, 0.0, -pixel]).unwrap();
        let cut = plan(&georef, 256, 256).unwrap();
        assert_eq!((cut.min_zoom, cut.native_zoom), (10, 10));
        let range = CellRange::of(10, cut.area);
        assert!(range.count() == 1 && range.contains(cell) && range.below(cell.parent().unwrap()) == 1);
        assert_eq!(range.rows().flat_map(|y| range.row(y)).collect::<Vec<_>>(), [cell]);
    }

    #[test]
    fn a_picture_across_the_date_line_has_cells_at_both_ends_of_the_world() {
        let georef = Georef::new(Crs::from_epsg(32660).unwrap(), [700_000.0, 100.0, 0.0, 6e5, 0.0, -100.0]).unwrap();
        let cut = plan(&georef.around(3000, 3000), 3000, 3000).unwrap();
        assert!(cut.bounds.west > 178.0 && cut.bounds.west < 180.0 && cut.bounds.east > 180.0, "{:?}", cut.bounds);
        let range = CellRange::of(8, cut.area);
        let columns: Vec<u32> = range.row(*range.rows().start()).map(|cell| cell.x).collect();
        assert_eq!(columns, [0, 1, 255]);
        assert!(cut.min_zoom > 3 && range.count() == 9, "{cut:?}");
        assert!(range.contains(Cell { z: 8, x: 0, y: 126 }) && !range.contains(Cell { z: 8, x: 128, y: 126 }));
    }

    #[test]
    fn a_picture_of_a_pole_reaches_around_the_world() {
        // NSIDC's grid of the Arctic: polar stereographic, 25 km.
        let crs = Crs::from_epsg(3413).unwrap();
        let georef = Georef::new(crs, [-3.85e6, 25_000.0, 0.0, 5.85e6, 0.0, -25_000.0]).unwrap().around(304, 448);
        let cut = plan(&georef, 304, 448).unwrap();
        assert!(cut.area.left == -MERCATOR_HALF && cut.area.top == MERCATOR_HALF && cut.area.bottom > 0.0);
    }
}

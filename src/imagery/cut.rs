//! Which zooms and cells a scene is cut into. Pure arithmetic.

use crate::domain::bbox::Bbox;
use crate::domain::cell::{CELL_PIXELS, Cell, MAX_ZOOM, MERCATOR_HALF, MercatorBox};

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
    };
    match cells_covering(native_zoom, area) {
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

/// How many cells of a zoom an area touches, without listing them.
pub fn cells_covering(z: u8, area: MercatorBox) -> u64 {
    let (first, last) = corners(z, area);
    u64::from(last.x - first.x + 1) * u64::from(last.y - first.y + 1)
}

/// The first and the last cell of the rectangle of cells that an area touches.
pub fn corners(z: u8, area: MercatorBox) -> (Cell, Cell) {
    let hair = Cell::side(z) * 1e-9;
    (Cell::at(z, area.left + hair, area.top - hair), Cell::at(z, area.right - hair, area.bottom + hair))
}

/// What the picture covers, from points along its border (its edges may be curved in web mercator).
fn covered(georef: &Georef, width: u32, height: u32) -> Result<MercatorBox, String> {
    const STEPS: u32 = 64;
    let (width, height) = (f64::from(width), f64::from(height));
    let mut area: Option<MercatorBox> = None;
    for step in 0..=STEPS {
        let t = f64::from(step) / f64::from(STEPS);
        for (col, row) in [(t * width, 0.0), (t * width, height), (0.0, t * height), (width, t * height)] {
            let (x, y) = georef.to_mercator(col, row).ok_or(
                "a part of it lies outside the area of its coordinate system; check that the right one is named",
            )?;
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
    let area = area.ok_or("it has no pixels")?;
    check_area(georef, area, width, height)
}

fn check_area(georef: &Georef, area: MercatorBox, width: f64, height: f64) -> Result<MercatorBox, String> {
    let edge = MERCATOR_HALF * (1.0 + 1e-6);
    let crosses = "it crosses the date line (180 degrees); cut it into two there with gdalwarp -te";
    if area.left < -edge || area.right > edge {
        return Err(crosses.into());
    }
    // Two neighbours on the border that are half a world apart: longitudes jumped from 180 to -180.
    let middle = georef.to_mercator(width / 2.0, height / 2.0);
    let span = area.right - area.left;
    if let (Some((across, down)), Some(_)) = (georef.pixel_spans(width / 2.0, height / 2.0), middle)
        && span > MERCATOR_HALF
        && span > 2.0 * (across * width + down * height)
    {
        return Err(crosses.into());
    }
    let bottom = area.bottom.max(-MERCATOR_HALF);
    let top = area.top.min(MERCATOR_HALF);
    match area.right > area.left && top > bottom {
        true => {
            Ok(MercatorBox { bottom, top, left: area.left.max(-MERCATOR_HALF), right: area.right.min(MERCATOR_HALF) })
        }
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
        assert_eq!(cells_covering(10, cut.area), 1);
        assert_eq!(corners(10, cut.area), (cell, cell));
    }

    #[test]
    fn a_picture_across_the_date_line_is_refused() {
        let georef = Georef::new(Crs::from_epsg(32660).unwrap(), [700_000.0, 100.0, 0.0, 6e5, 0.0, -100.0]).unwrap();
        let message = plan(&georef, 3000, 3000).unwrap_err();
        assert!(message.contains("date line"), "{message}");
    }
}

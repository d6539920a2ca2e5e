//! Where pixels lie on earth: coordinate system, affine transform, and the way to web mercator and back.

use std::f64::consts::PI;

use proj4rs::Proj;
use proj4rs::transform::transform;

use crate::domain::cell::{MERCATOR_HALF, from_mercator, to_mercator};

/// A coordinate reference system that can be turned into web mercator.
pub enum Crs {
    /// EPSG:4326, degrees.
    Degrees,
    /// EPSG:3857, metres.
    Mercator,
    /// Any other system that proj4rs can compute.
    Other {
        /// What it is called: `EPSG:` and its code, or the PROJ string of a system without a code.
        name: String,
        /// Its projection.
        proj: Box<Proj>,
        /// EPSG:4326 for proj4rs.
        degrees: Box<Proj>,
    },
}

impl Crs {
    /// The code of a system that somebody names, as `EPSG:32637` or `32637`, or why it is none that can be used.
    pub fn code_of(text: &str) -> Result<u32, String> {
        let digits = text.trim();
        let digits = digits.get(..5).filter(|word| word.eq_ignore_ascii_case("EPSG:")).map_or(digits, |_| &digits[5..]);
        let code = digits.trim().parse().map_err(|_| format!("`{text}` is no code like EPSG:32637"))?;
        Crs::from_epsg(code).map(|_| code)
    }

    /// The system of an EPSG code, or why it cannot be used.
    pub fn from_epsg(code: u32) -> Result<Crs, String> {
        if code == 4326 {
            return Ok(Crs::Degrees);
        }
        if code == 3857 {
            return Ok(Crs::Mercator);
        }
        let code = u16::try_from(code).map_err(|_| format!("EPSG:{code} is not a known coordinate system"))?;
        let definition =
            crs_definitions::from_code(code).ok_or_else(|| format!("EPSG:{code} is not a known coordinate system"))?;
        // GeoTIFF stores easting before northing whatever order the register gives.
        let text = definition.proj4.replace("+axis=neu", "");
        Crs::from_proj(format!("EPSG:{code}"), &text)
    }

    /// A system from a PROJ string, under this name, or why it cannot be used.
    pub fn from_proj(name: String, text: &str) -> Result<Crs, String> {
        let failed = |error| format!("{name} cannot be computed ({error})");
        let proj = Box::new(Proj::from_proj_string(text).map_err(failed)?);
        let degrees = Box::new(Proj::from_proj_string("+proj=longlat +datum=WGS84 +no_defs").map_err(failed)?);
        Ok(Crs::Other { name, proj, degrees })
    }

    /// Whether going once around the earth changes the coordinates by one turn, in `Some(turn)`; projections of other
    /// kinds have a seam of their own, which their own code takes care of.
    fn turn(&self) -> Option<f64> {
        match self {
            Crs::Degrees => Some(360.0),
            Crs::Mercator => Some(2.0 * MERCATOR_HALF),
            Crs::Other { proj, .. } => proj.is_latlong().then_some(360.0),
        }
    }

    /// The name, e.g. `EPSG:32638`.
    pub fn name(&self) -> String {
        match self {
            Crs::Degrees => "EPSG:4326".into(),
            Crs::Mercator => "EPSG:3857".into(),
            Crs::Other { name, .. } => name.clone(),
        }
    }

    /// Web mercator metres of a place in this system; `None` where the projection has no answer.
    pub fn forward(&self, x: f64, y: f64) -> Option<(f64, f64)> {
        let place = match self {
            Crs::Degrees => to_mercator(x, y),
            Crs::Mercator => (x, y),
            Crs::Other { proj, degrees, .. } => {
                let mut point = if proj.is_latlong() { (x.to_radians(), y.to_radians(), 0.0) } else { (x, y, 0.0) };
                transform(proj, degrees, &mut point).ok()?;
                to_mercator(point.0.to_degrees(), point.1.to_degrees())
            }
        };
        (place.0.is_finite() && place.1.is_finite()).then_some(place)
    }

    /// The place in this system of web mercator metres; `None` where the projection has no answer.
    pub fn inverse(&self, x: f64, y: f64) -> Option<(f64, f64)> {
        let place = match self {
            Crs::Degrees => from_mercator(x, y),
            Crs::Mercator => (x, y),
            Crs::Other { proj, degrees, .. } => {
                let (lon, lat) = from_mercator(x, y);
                let mut point = (lon.to_radians(), lat.to_radians(), 0.0);
                transform(degrees, proj, &mut point).ok()?;
                if proj.is_latlong() { (point.0.to_degrees(), point.1.to_degrees()) } else { (point.0, point.1) }
            }
        };
        (place.0.is_finite() && place.1.is_finite()).then_some(place)
    }
}

/// Where the pixels of one picture lie: pixel `(col, row)`, counted from the upper left *corner*, to web mercator.
pub struct Georef {
    crs: Crs,
    affine: [f64; 6],
    inverse: [f64; 6],
    moved: (f64, f64),
    home: Option<Home>,
}

/// The middle of the picture, near which all longitudes are kept, so that nothing jumps at 180 degrees.
#[derive(Clone, Copy)]
struct Home {
    /// Web mercator easting.
    x: f64,
    /// First coordinate of the picture's own system.
    own: f64,
}

/// `value` moved by whole turns to within half a turn of `home`. What is exactly half a turn away stays.
fn near(value: f64, home: f64, turn: f64) -> f64 {
    let away = (value - home) / turn;
    if away.abs() <= 0.5 + 1e-9 { value } else { value - away.round() * turn }
}

impl Georef {
    /// From a coordinate system and `x = a[0] + col a[1] + row a[2]`, `y = a[3] + col a[4] + row a[5]` (GDAL's order).
    /// Refuses a transform that squeezes the picture into a line or holds no numbers.
    pub fn new(crs: Crs, affine: [f64; 6]) -> Result<Georef, String> {
        let [x0, xc, xr, y0, yc, yr] = affine;
        let det = xc * yr - xr * yc;
        let scale = (xc * yr).abs() + (xr * yc).abs();
        if !affine.iter().all(|v| v.is_finite()) || !det.is_finite() || det.abs() <= f64::EPSILON * scale {
            return Err("its pixels have no size: the affine transform cannot be inverted".into());
        }
        let (ic, ir, jc, jr) = (yr / det, -xr / det, -yc / det, xc / det);
        let inverse = [-(ic * x0 + ir * y0), ic, ir, -(jc * x0 + jr * y0), jc, jr];
        Ok(Georef { crs, affine, inverse, moved: (0.0, 0.0), home: None })
    }

    /// The same picture, so many web mercator metres to the east and to the north.
    pub fn moved(mut self, east: f64, north: f64) -> Georef {
        self.moved = (self.moved.0 + east, self.moved.1 + north);
        self
    }

    /// The same, for a picture of this size: longitudes are counted on beyond 180 degrees where it crosses the date
    /// line, instead of jumping to the other end of the world.
    pub fn around(mut self, width: u32, height: u32) -> Georef {
        let (col, row) = (f64::from(width) / 2.0, f64::from(height) / 2.0);
        let own = self.affine[0] + col * self.affine[1] + row * self.affine[2];
        self.home = self.to_mercator(col, row).map(|(x, _)| Home { x: near(x, 0.0, 2.0 * MERCATOR_HALF), own });
        self
    }

    /// The coordinate system.
    pub fn crs(&self) -> &Crs {
        &self.crs
    }

    /// Web mercator metres of a place in the picture.
    pub fn to_mercator(&self, col: f64, row: f64) -> Option<(f64, f64)> {
        let a = &self.affine;
        let (x, y) = self.crs.forward(a[0] + col * a[1] + row * a[2], a[3] + col * a[4] + row * a[5])?;
        let (x, y) = (x + self.moved.0, y + self.moved.1);
        Some((self.home.map_or(x, |home| near(x, home.x, 2.0 * MERCATOR_HALF)), y))
    }

    /// The place in the picture of web mercator metres; may lie outside the picture.
    pub fn to_pixel(&self, x: f64, y: f64) -> Option<(f64, f64)> {
        let (x, y) = (x - self.moved.0, y - self.moved.1);
        let (x, y) = self.crs.inverse(near(x, 0.0, 2.0 * MERCATOR_HALF), y)?;
        let x = match (self.home, self.crs.turn()) {
            (Some(home), Some(turn)) => near(x, home.own, turn),
            _ => x,
        };
        // Offsets are taken from the origin first: degrees with 2 cm pixels lose digits otherwise.
        let (dx, dy) = (x - self.affine[0], y - self.affine[3]);
        let i = &self.inverse;
        Some((dx * i[1] + dy * i[2], dx * i[4] + dy * i[5]))
    }

    /// Columns and rows of mercator metres that one pixel spans at a place: `(along a row, along a column)`.
    pub fn pixel_spans(&self, col: f64, row: f64) -> Option<(f64, f64)> {
        let distance = |a: (f64, f64), b: (f64, f64)| (a.0 - b.0).hypot(a.1 - b.1);
        let here = |c: f64, r: f64| self.to_mercator(c, r);
        let across = distance(here(col - 0.5, row)?, here(col + 0.5, row)?);
        let down = distance(here(col, row - 0.5)?, here(col, row + 0.5)?);
        (across > 0.0 && down > 0.0).then_some((across, down))
    }

    /// Metres on the ground per web mercator metre at a northing (web mercator stretches by 1 / cos latitude).
    pub fn ground_scale(y: f64) -> f64 {
        1.0 / (y / MERCATOR_HALF * PI).cosh()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn utm_and_back_is_exact_to_a_millimetre() {
        for code in [32637, 32737, 26914, 2193, 27700] {
            let crs = Crs::from_epsg(code).unwrap();
            let (x, y) = (500_123.0, if code == 32737 { 9_300_000.0 } else { 300_456.0 });
            let y = if code == 2193 { 5_400_000.0 } else { y };
            let x = if code == 2193 { 1_600_000.0 } else { x };
            let (mx, my) = crs.forward(x, y).unwrap();
            let (bx, by) = crs.inverse(mx, my).unwrap();
            assert!((bx - x).abs() < 1e-3 && (by - y).abs() < 1e-3, "EPSG:{code}: {bx} {by}");
        }
    }

    #[test]
    fn a_known_utm_place_falls_on_its_degrees() {
        // The central meridian of zone 37 is 39 degrees east; the equator has northing 0.
        let (x, y) = Crs::from_epsg(32637).unwrap().forward(500_000.0, 0.0).unwrap();
        let (lon, lat) = from_mercator(x, y);
        assert!((lon - 39.0).abs() < 1e-9 && lat.abs() < 1e-9);
    }

    #[test]
    fn a_rotated_picture_is_inverted() {
        let georef = Georef::new(Crs::Mercator, [1000.0, 3.0, 1.0, 2000.0, 1.0, -4.0]).unwrap();
        let (x, y) = georef.to_mercator(12.5, 7.25).unwrap();
        let (col, row) = georef.to_pixel(x, y).unwrap();
        assert!((col - 12.5).abs() < 1e-9 && (row - 7.25).abs() < 1e-9);
    }

    #[test]
    fn a_moved_picture_is_found_where_it_was_moved_to() {
        let here = Georef::new(Crs::from_epsg(32637).unwrap(), [500_000.0, 2.0, 0.0, 3e6, 0.0, -2.0]).unwrap();
        let (x, y) = here.to_mercator(10.0, 20.0).unwrap();
        let there = here.moved(7.0, -3.0);
        assert_eq!(there.to_mercator(10.0, 20.0).unwrap(), (x + 7.0, y - 3.0));
        let (col, row) = there.to_pixel(x + 7.0, y - 3.0).unwrap();
        assert!((col - 10.0).abs() < 1e-3 && (row - 20.0).abs() < 1e-3);
    }

    #[test]
    fn longitudes_go_on_beyond_the_date_line() {
        let degrees = Georef::new(Crs::Degrees, [179.0, 0.1, 0.0, 10.0, 0.0, -0.1]).unwrap().around(30, 20);
        let utm = Georef::new(Crs::from_epsg(32660).unwrap(), [600_000.0, 100.0, 0.0, 5.8e6, 0.0, -100.0]).unwrap();
        for (georef, width) in [(degrees, 30.0), (utm.around(3000, 20), 3000.0)] {
            let (x, y) = georef.to_mercator(29.0, 1.0).unwrap();
            let (far, _) = georef.to_mercator(width, 1.0).unwrap();
            assert!(far > x && far - x < MERCATOR_HALF, "{x} {far}");
            for x in [x, x - 2.0 * MERCATOR_HALF] {
                let (col, row) = georef.to_pixel(x, y).unwrap();
                assert!((col - 29.0).abs() < 1e-3 && (row - 1.0).abs() < 1e-3, "{col} {row}");
            }
        }
    }

    #[test]
    fn a_system_is_named_by_its_code() {
        for text in ["EPSG:32637", " epsg:32637 ", "32637"] {
            assert_eq!(Crs::code_of(text), Ok(32637), "{text}");
        }
        for text in ["", "EPSG:", "EPSG:x", "EPSG:1", "UTM 37N", "EPSG:-4326", "٣٢٦٣٧"] {
            assert!(Crs::code_of(text).is_err(), "{text}");
        }
    }

    #[test]
    fn pixels_without_size_are_refused() {
        assert!(Georef::new(Crs::Mercator, [0.0, 1.0, 2.0, 0.0, 2.0, 4.0]).is_err());
        assert!(Georef::new(Crs::Mercator, [0.0, f64::NAN, 0.0, 0.0, 0.0, 1.0]).is_err());
        assert!(Crs::from_epsg(1).is_err());
    }
}

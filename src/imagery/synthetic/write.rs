//! Files of a synthetic town: GeoTIFF, footprints, truth. Each appears whole or not at all.

use std::fs;
use std::path::Path;

use chrono::NaiveDate;
use geotiff_writer::{Compression, GeoTiffBuilder, PhotometricInterpretation};
use ndarray::Array3;
use serde_json::json;

use crate::domain::cell::from_mercator;
use crate::imagery::error::ImageryError;
use crate::imagery::georef::Crs;

use super::building::{Building, Fate};
use super::canvas::PIXEL_M;
use super::plan::Plan;
use super::reference_class;

/// UTM zone 31 north.
const EPSG: u16 = 32631;
/// Easting of the upper left corner, metres: about half a degree east.
const LEFT: f64 = 222_000.0;
/// Northing of the upper left corner, metres: about half a degree north, in the open sea of the Gulf of Guinea.
const TOP: f64 = 56_000.0;

/// Writes a picture of `side * side * 3` bytes, said to lie so many metres east and north of its place.
pub fn geotiff(path: &Path, side: usize, pixels: Vec<u8>, (east, north): (f64, f64)) -> Result<(), ImageryError> {
    let broken = |error: String| ImageryError::unusable(path, format!("cannot be written: {error}"));
    let array = Array3::from_shape_vec((side, side, 3), pixels).map_err(|error| broken(error.to_string()))?;
    let builder = GeoTiffBuilder::new(side as u32, side as u32)
        .bands(3)
        .epsg(EPSG)
        .pixel_scale(f64::from(PIXEL_M), f64::from(PIXEL_M))
        .origin(LEFT + east, TOP + north)
        .photometric(PhotometricInterpretation::Rgb)
        .compression(Compression::Deflate)
        .deflate_level(1)
        .tile_size(256, 256);
    let part = path.with_extension("part");
    builder.write_3d(&part, array.view()).map_err(|error| broken(error.to_string()))?;
    fs::rename(&part, path).map_err(ImageryError::io(path, "renaming"))
}

/// The id of the building at a place of the plan.
fn id(place: usize) -> String {
    format!("b{:04}", place + 1)
}

/// Writes the outlines in degrees.
pub fn footprints(path: &Path, plan: &Plan, dates: &[NaiveDate]) -> Result<(), ImageryError> {
    let crs = Crs::from_epsg(u32::from(EPSG)).map_err(|reason| ImageryError::unusable(path, reason))?;
    let mut features = Vec::with_capacity(plan.buildings.len());
    for (place, building) in plan.buildings.iter().enumerate() {
        let ring = ring(&crs, building)
            .ok_or_else(|| ImageryError::unusable(path, "a building lies outside its coordinate system"))?;
        let from = match building.fate {
            Fate::Intact => None,
            Fate::Damaged(date) | Fate::Destroyed(date) => Some(dates[date].to_string()),
        };
        let id = id(place);
        features.push(json!({
            "type": "Feature",
            "id": id,
            "properties": {"id": id, "reference_class": reference_class(building.fate), "damaged_from": from},
            "geometry": {"type": "Polygon", "coordinates": [ring]},
        }));
    }
    let collection = json!({"type": "FeatureCollection", "features": features});
    write_text(path, &format!("{collection}\n"))
}

/// The outline as a closed ring in degrees, counter-clockwise (RFC 7946).
fn ring(crs: &Crs, building: &Building) -> Option<Vec<[f64; 2]>> {
    let degrees = |(x, y): (f32, f32)| {
        let (mx, my) = crs.forward(LEFT + f64::from(x), TOP - f64::from(y))?;
        let (lon, lat) = from_mercator(mx, my);
        // 1e-9 degrees are a tenth of a millimetre.
        let round = |v: f64| (v * 1e9).round() / 1e9;
        Some([round(lon), round(lat)])
    };
    let mut ring: Vec<[f64; 2]> = building.outline().into_iter().map(degrees).collect::<Option<_>>()?;
    // The plan's y runs to the south, so its order is clockwise on the map.
    ring.reverse();
    ring.push(*ring.first()?);
    Some(ring)
}

/// Writes what a perfect volunteer answers for each building: the label and the date window.
pub fn truth(path: &Path, plan: &Plan, dates: &[NaiveDate]) -> Result<(), ImageryError> {
    let mut text = String::from("tile_id,label,last_intact,first_damaged\n");
    let day = |place: usize| dates.get(place).map(NaiveDate::to_string).unwrap_or_default();
    for (place, building) in plan.buildings.iter().enumerate() {
        let (intact, damaged) = match building.fate {
            Fate::Intact => (day(dates.len() - 1), String::new()),
            // The first picture shows the town whole, so there is one before.
            Fate::Damaged(date) | Fate::Destroyed(date) => (day(date.saturating_sub(1)), day(date)),
        };
        text.push_str(&format!("{},{},{intact},{damaged}\n", id(place), reference_class(building.fate)));
    }
    write_text(path, &text)
}

fn write_text(path: &Path, text: &str) -> Result<(), ImageryError> {
    let part = path.with_extension("part");
    fs::write(&part, text).map_err(ImageryError::io(&part, "writing"))?;
    fs::rename(&part, path).map_err(ImageryError::io(path, "renaming"))
}

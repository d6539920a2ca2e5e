//! Scenes and tiles that no picture lies behind, for tests and benches of what happens in the database alone.

#![allow(dead_code)] // each program uses its part of this

use aftermap::domain::bbox::Bbox;
use aftermap::domain::scene::Scene;
use aftermap::storage::new_id;

/// A scene taken at one instant, milliseconds since 1970, UTC.
pub fn scene(title: &str, captured: i64) -> Scene {
    Scene {
        id: new_id(),
        title: title.into(),
        captured_from: captured,
        captured_to: captured,
        sensor: None,
        licence: None,
        attribution: None,
        source_name: format!("{title}.tif"),
        source_sha256: "0".repeat(64),
        archive: format!("{title}.pmtiles"),
        archive_sha256: "0".repeat(64),
        crs: "EPSG:4326".into(),
        pixel_size_m: 1.0,
        min_zoom: 10,
        max_zoom: 17,
        bounds: Bbox { west: 39.0, south: 35.9, east: 39.2, north: 36.9 },
    }
}

/// The square of the tile at that place: a hundred in a row, one row above the other.
pub fn square(place: usize) -> Bbox {
    let (west, south) = (39.0 + 0.001 * (place % 100) as f64, 35.9 + 0.001 * (place / 100) as f64);
    Bbox { west, south, east: west + 0.001, north: south + 0.001 }
}

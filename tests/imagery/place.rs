//! A marker at a known coordinate comes out of the tiles within a pixel, whatever the coordinate system.

use std::collections::BTreeMap;
use std::path::Path;

use aftermap::domain::cell::{Cell, MercatorBox, from_mercator};
use aftermap::imagery::{Crs, SceneArchive};
use geotiff_writer::{Compression, GeoTiffBuilder, PhotometricInterpretation};
use ndarray::Array3;

use crate::helpers::{Tiles, cut};

const SIDE: usize = 1000;

/// Writes a dark picture with one white square of 8 pixels, whose middle is the corner of pixel (col, row).
fn write_marker(file: &Path, epsg: u16, pixel: (f64, f64), origin: (f64, f64), (col, row): (usize, usize)) {
    let mut data = Array3::<u8>::from_elem((SIDE, SIDE, 3), 40);
    for (r, c) in (row - 4..row + 4).flat_map(|r| (col - 4..col + 4).map(move |c| (r, c))) {
        for band in 0..3 {
            data[(r, c, band)] = 250;
        }
    }
    GeoTiffBuilder::new(SIDE as u32, SIDE as u32)
        .bands(3)
        .epsg(epsg)
        .pixel_scale(pixel.0, pixel.1)
        .origin(origin.0, origin.1)
        .photometric(PhotometricInterpretation::Rgb)
        .compression(Compression::Deflate)
        .tile_size(256, 256)
        .write_3d(file, data.view())
        .unwrap();
}

/// The brightness-weighted middle of the white square in the tiles, web mercator metres.
fn find_marker(archive: &SceneArchive) -> (f64, f64) {
    let about = archive.metadata();
    let (mut sum, mut x, mut y) = (0.0, 0.0, 0.0);
    for cell in Cell::covering(about.max_zoom, MercatorBox::from_degrees(about.bounds)) {
        let Some(tile) = archive.tile(cell).unwrap() else { continue };
        let tile = image::load_from_memory(&tile).unwrap().to_rgba8();
        let (area, pixel) = (cell.mercator(), Cell::side(cell.z) / 256.0);
        for (col, row, value) in tile.enumerate_pixels() {
            // A threshold well above the ringing of WebP around the square.
            let weight = f64::from(value.0[1].saturating_sub(120));
            sum += weight;
            x += weight * (area.left + (f64::from(col) + 0.5) * pixel);
            y += weight * (area.top - (f64::from(row) + 0.5) * pixel);
        }
    }
    assert!(sum > 0.0, "the marker is gone");
    (x / sum, y / sum)
}

#[test]
fn a_marker_comes_out_within_half_a_pixel() {
    let work = tempfile::tempdir().unwrap();
    for (epsg, pixel, origin) in [
        (32637, (0.5, 0.5), (437_000.0, 3_978_000.0)),
        (32737, (2.0, 2.0), (700_000.0, 8_200_000.0)),
        (4326, (1.8e-7, 1.8e-7), (-0.1234, 5.6789)),
        (4326, (0.000_18, 0.000_15), (36.5, 50.25)),
        (3857, (3.0, 3.0), (4_000_000.0, 6_000_000.0)),
        (26914, (5.0, 5.0), (560_000.0, 5_206_000.0)),
    ] {
        let (col, row) = (613, 377);
        let file = work.path().join(format!("marker_{epsg}_{}.tif", pixel.0));
        write_marker(&file, epsg, pixel, origin, (col, row));
        let scene = cut(&file, &work.path().join("tiles")).unwrap();
        let archive = SceneArchive::open(&work.path().join("tiles").join(&scene.archive)).unwrap();
        let place = (origin.0 + col as f64 * pixel.0, origin.1 - row as f64 * pixel.1);
        let wanted = Crs::from_epsg(u32::from(epsg)).unwrap().forward(place.0, place.1).unwrap();
        let found = find_marker(&archive);
        let tile_pixel = Cell::side(scene.max_zoom) / 256.0;
        let off = ((found.0 - wanted.0) / tile_pixel, (found.1 - wanted.1) / tile_pixel);
        println!("EPSG:{epsg} {}: zoom {}, off by {:.2}, {:.2} tile pixels", pixel.0, scene.max_zoom, off.0, off.1);
        assert!(off.0.abs() < 0.5 && off.1.abs() < 0.5, "EPSG:{epsg}: {off:?}");
        let (lon, lat) = from_mercator(wanted.0, wanted.1);
        let mut tiles = Tiles { archive: &archive, decoded: BTreeMap::new() };
        assert!(tiles.pixel(lon, lat, 0, 0).unwrap()[0] > 200 && tiles.pixel(lon, lat, 30, 0).unwrap()[0] < 90);
    }
}

#[test]
fn valid_share_counts_what_has_a_picture() {
    let work = tempfile::tempdir().unwrap();
    let file = work.path().join("half.tif");
    let mut data = Array3::<u8>::from_elem((SIDE, SIDE, 3), 90);
    data.slice_mut(ndarray::s![.., 600.., ..]).fill(0);
    GeoTiffBuilder::new(SIDE as u32, SIDE as u32)
        .bands(3)
        .epsg(3857)
        .pixel_scale(2.0, 2.0)
        .origin(1_000_000.0, 2_000_000.0)
        .photometric(PhotometricInterpretation::Rgb)
        .nodata("0")
        .write_3d(&file, data.view())
        .unwrap();
    let scene = cut(&file, work.path()).unwrap();
    let archive = SceneArchive::open(&work.path().join(&scene.archive)).unwrap();
    let area = |left: f64, width: f64| MercatorBox {
        left: 1_000_000.0 + left,
        right: 1_000_000.0 + left + width,
        top: 1_999_500.0,
        bottom: 1_999_500.0 - width,
    };
    // The picture is valid in its first 1200 of 2000 m.
    for (left, width, wanted) in [
        (0.0, 400.0, 1.0),
        (1000.0, 400.0, 0.5),
        (1100.0, 400.0, 0.25),
        (1300.0, 400.0, 0.0),
        (1190.0, 20.0, 0.5),
        (-200.0, 400.0, 0.5),
        (-5000.0, 400.0, 0.0),
    ] {
        let share = archive.valid_share(area(left, width)).unwrap();
        assert!((share - wanted).abs() < 0.03, "{left} {width}: {share}, wanted {wanted}");
    }
}

//! Dates whose grids differ come out on one common grid, and dates that do not line up are seen.

use std::path::Path;

use aftermap::imagery::align::{ShiftEstimate, Uncut, estimate_shift};
use aftermap::imagery::{GeoTiffSource, Look, SceneArchive};
use geotiff_writer::{Compression, GeoTiffBuilder, PhotometricInterpretation, RasterType};
use ndarray::Array3;

use crate::helpers::{cut, data};

const SIDE: usize = 620;

/// Ground with detail of 8 m and more, by its place in UTM zone 37.
fn ground(x: f64, y: f64) -> f64 {
    let corner = |x: f64, y: f64, scale: f64| {
        let mix = (x * 12.9898 + y * 78.233 + scale * 37.719).sin() * 43_758.545_3;
        mix - mix.floor()
    };
    let noise = |scale: f64| {
        let (x, y) = ((x - 437_000.0) / scale, (y - 3_978_000.0) / scale);
        let soft = |t: f64| t * t * (3.0 - 2.0 * t);
        let (s, t) = (soft(x - x.floor()), soft(y - y.floor()));
        let at = |dx: f64, dy: f64| corner(x.floor() + dx, y.floor() + dy, scale);
        (at(0.0, 0.0) * (1.0 - s) + at(1.0, 0.0) * s) * (1.0 - t) + (at(0.0, 1.0) * (1.0 - s) + at(1.0, 1.0) * s) * t
    };
    [8.0, 21.0, 60.0].into_iter().map(noise).sum::<f64>() / 3.0
}

/// A picture of that ground. The grid may begin anywhere; `light` is contrast and brightness; `error` is by how much the
/// file's own word about its place is wrong, metres east and north.
struct Photo {
    origin: (f64, f64),
    pixel: f64,
    point: bool,
    light: (f64, f64),
    error: (f64, f64),
}

impl Photo {
    fn at(east: f64, south: f64) -> Photo {
        let origin = (437_000.0 + east, 3_978_000.0 - south);
        Photo { origin, pixel: 2.0, point: false, light: (200.0, 20.0), error: (0.0, 0.0) }
    }

    fn write(&self, file: &Path) {
        let place = |at: usize| (at as f64 + 0.5) * self.pixel;
        let data = Array3::from_shape_fn((SIDE, SIDE, 3), |(row, col, _)| {
            let value = ground(self.origin.0 + place(col), self.origin.1 - place(row));
            (value * self.light.0 + self.light.1).clamp(0.0, 255.0) as u8
        });
        // Pixel-is-point names the middle of the first pixel, pixel-is-area its corner.
        let half = if self.point { self.pixel / 2.0 } else { 0.0 };
        let kind = if self.point { RasterType::PixelIsPoint } else { RasterType::PixelIsArea };
        GeoTiffBuilder::new(SIDE as u32, SIDE as u32)
            .bands(3)
            .epsg(32637)
            .raster_type(kind)
            .pixel_scale(self.pixel, self.pixel)
            .tiepoint([0.0, 0.0, 0.0, self.origin.0 + self.error.0 + half, self.origin.1 + self.error.1 - half, 0.0])
            .photometric(PhotometricInterpretation::Rgb)
            .compression(Compression::Deflate)
            .tile_size(256, 256)
            .write_3d(file, data.view())
            .unwrap();
    }
}

/// The shift between two files, as their tiles are drawn.
fn between(first: &Path, second: &Path) -> Option<ShiftEstimate> {
    let (a, b) = (GeoTiffSource::open(first).unwrap(), GeoTiffSource::open(second).unwrap());
    estimate_shift(&Uncut::new(&a).unwrap(), &Uncut::new(&b).unwrap()).unwrap()
}

#[test]
fn grids_that_differ_come_out_on_one_grid_to_a_tenth_of_a_pixel() {
    let work = tempfile::tempdir().unwrap();
    let first = work.path().join("first.tif");
    Photo::at(0.0, 0.0).write(&first);
    let others = [
        ("begins 3.4 pixels away", Photo::at(6.8, -4.2)),
        ("pixel-is-point", Photo { point: true, ..Photo::at(1.0, 1.0) }),
        ("finer", Photo { pixel: 1.7, ..Photo::at(30.3, 20.9) }),
        ("in another light", Photo { light: (90.0, 110.0), ..Photo::at(-0.6, 0.4) }),
    ];
    for (what, photo) in others {
        let file = work.path().join("other.tif");
        photo.write(&file);
        let found = between(&first, &file).unwrap();
        println!("{what}: {:.3} pixels, {} of {} windows agree", found.pixels, found.agreeing, found.windows);
        assert!(found.pixels < 0.1 && found.agreeing >= 3, "{what}: {found:?}");
    }
}

#[test]
fn a_wrong_place_is_measured_and_the_moved_picture_lines_up() {
    let work = tempfile::tempdir().unwrap();
    let (first, second) = (work.path().join("first.tif"), work.path().join("second.tif"));
    Photo::at(0.0, 0.0).write(&first);
    Photo { error: (7.3, -4.1), light: (120.0, 70.0), ..Photo::at(11.0, 5.0) }.write(&second);
    let found = between(&first, &second).unwrap();
    let metres = (found.east * found.ground_scale, found.north * found.ground_scale);
    println!("7.3, -4.1 m were found as {metres:.2?}; {} of {}", found.agreeing, found.windows);
    assert!((metres.0 - 7.3).abs() < 0.3 && (metres.1 + 4.1).abs() < 0.3, "{metres:?}");
    let look = Look { moved: Some((-found.east, -found.north)), ..Look::default() };
    let moved = GeoTiffSource::open_with(&second, &look).unwrap();
    // Now against the first scene's archive, as an ingest does it.
    let archive = SceneArchive::open(&work.path().join(cut(&first, work.path()).unwrap().archive)).unwrap();
    let after = estimate_shift(&archive, &Uncut::new(&moved).unwrap()).unwrap().unwrap();
    assert!(after.pixels < 0.15, "{after:?}");
}

#[test]
fn different_places_and_flat_pictures_give_no_agreement() {
    let work = tempfile::tempdir().unwrap();
    let (first, other) = (work.path().join("first.tif"), work.path().join("other.tif"));
    Photo::at(0.0, 0.0).write(&first);
    // Another place altogether, said to lie here.
    Photo { error: (-90_000.0, 0.0), ..Photo::at(90_000.0, 0.0) }.write(&other);
    let found = between(&first, &other);
    assert!(found.is_none_or(|found| found.agreeing < 3), "{found:?}");
    Photo { light: (0.0, 120.0), ..Photo::at(0.0, 0.0) }.write(&other);
    assert_eq!(between(&first, &other), None);
}

#[test]
fn the_real_series_line_up_as_their_readme_says() {
    let sets = [
        ("demo_madre_fire_2025", vec!["madre_fire_before.tif", "madre_fire_after.tif"], 0.3),
        ("pair_clouds_isfahan", vec![], 2.0),
        ("series_naip_wetlands", vec!["naip_2009-08-18.tif", "naip_2012-07-31.tif", "naip_2017-08-27.tif"], 1.5),
        ("series_landsat_pucallpa", vec!["landsat_1985.tif", "landsat_1995.tif"], 2.0),
    ];
    for (folder, named, most) in sets {
        let Some(folder) = data(folder) else { return };
        let found: Vec<String> =
            crate::helpers::names(&folder).into_iter().filter(|name| name.ends_with(".tif")).collect();
        let files = if named.is_empty() { found } else { named.into_iter().map(String::from).collect() };
        let first = GeoTiffSource::open(&folder.join(&files[0])).unwrap();
        for name in &files[1..] {
            let second = GeoTiffSource::open(&folder.join(name)).unwrap();
            let begun = std::time::Instant::now();
            let shift = estimate_shift(&Uncut::new(&first).unwrap(), &Uncut::new(&second).unwrap()).unwrap();
            let Some(s) = shift else {
                println!("{name}: nothing to compare");
                continue;
            };
            let metres = (s.east * s.ground_scale, s.north * s.ground_scale);
            println!(
                "{name}: {:.2} m east, {:.2} m north, {:.2} pixels, {} of {} agree, {:?}",
                metres.0,
                metres.1,
                s.pixels,
                s.agreeing,
                s.windows,
                begun.elapsed()
            );
            let believed = s.agreeing >= 3 && s.agreeing * 2 >= s.windows;
            assert!(!believed || s.pixels < most, "{name}: {s:?}");
        }
    }
}

#[test]
fn a_picture_that_was_moved_is_seen_where_it_was_moved_to() {
    let Some(file) = data("demo_madre_fire_2025/madre_fire_before.tif") else { return };
    let open = |moved| GeoTiffSource::open_with(&file, &Look { moved, ..Look::default() }).unwrap();
    let (still, moved) = (open(None), open(Some((100.0, 0.0))));
    let (a, b) = (Uncut::new(&still).unwrap(), Uncut::new(&moved).unwrap());
    let found = estimate_shift(&a, &b).unwrap().unwrap();
    assert!((found.east - 100.0).abs() < 2.0 && found.north.abs() < 2.0, "{found:?}");
}

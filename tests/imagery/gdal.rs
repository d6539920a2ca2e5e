//! Our tiles beside GDAL's, drawn from the same file on the same grid. Needs a Python with rasterio, named by
//! `AFTERMAP_GDAL_PYTHON`; without it the test says that it is skipped.

use std::path::Path;
use std::process::Command;

use aftermap::domain::cell::Cell;
use aftermap::imagery::{CutRequest, GeoTiffSource, RasterSource, SceneArchive, cut_scene, draw_cell};

use crate::helpers::{data, names};

/// Cells of the native zoom that are compared for one file.
const CELLS: usize = 9;
/// Pictures that lie on a grid of web mercator, or hold one colour: every pixel is the same as GDAL's. The one with
/// number 17 is packed as WebP whose blocks lack the alpha that the file declares.
const SAME: [&str; 5] = ["04_", "08_", "13_", "17_", "18_"];

/// Pixels compared, peak signal-to-noise ratio, and the share that agrees on where there is a picture.
fn compare(python: &str, file: &Path) -> Option<(u64, f64, f64)> {
    let work = tempfile::tempdir().unwrap();
    let scene = cut_scene(&CutRequest::new(file, work.path()), &()).ok()?;
    let archive = SceneArchive::open(&work.path().join(&scene.archive)).unwrap();
    let source = GeoTiffSource::open(file).unwrap();
    let area = aftermap::domain::cell::MercatorBox::from_degrees(scene.bounds);
    let cells: Vec<Cell> =
        Cell::covering(scene.max_zoom, area).filter(|c| archive.tile(*c).unwrap().is_some()).collect();
    for cell in cells.iter().step_by(cells.len().div_ceil(CELLS).max(1)) {
        let drawn = draw_cell(&source, *cell).unwrap().unwrap();
        std::fs::write(work.path().join(format!("{cell}.rgba")), drawn).unwrap();
    }
    let shown = serde_json::to_string(&source.shown()).unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/gdal_reference.py");
    let done = Command::new(python).arg(script).arg(file).arg(work.path()).arg(shown).output().unwrap();
    assert!(done.status.success(), "{}: {}", file.display(), String::from_utf8_lossy(&done.stderr));
    let found: serde_json::Value = serde_json::from_slice(&done.stdout).unwrap();
    Some((found["compared"].as_u64()?, found["psnr"].as_f64()?, found["agree"].as_f64()?))
}

#[test]
fn every_readable_picture_looks_as_gdal_draws_it() {
    let Ok(python) = std::env::var("AFTERMAP_GDAL_PYTHON") else {
        eprintln!("SKIPPED: name a Python that has rasterio in AFTERMAP_GDAL_PYTHON");
        return;
    };
    let mut compared = 0;
    for folder in [
        "nasty_tiffs",
        "demo_madre_fire_2025",
        "series_naip_wetlands",
        "series_landsat_pucallpa",
        "pair_clouds_isfahan",
    ] {
        let Some(folder) = data(folder) else { return };
        for name in names(&folder).iter().filter(|name| name.contains(".tif")) {
            let Some((pixels, psnr, agree)) = compare(&python, &folder.join(name)) else {
                println!("{name}: refused");
                continue;
            };
            println!("{name}: {pixels} pixels, {psnr} dB, {:.3} % agree on where there is picture", agree * 100.0);
            compared += usize::from(pixels > 0);
            assert!(agree > 0.98 && (pixels == 0 || psnr > 28.0), "{name}");
            if SAME.iter().any(|start| name.starts_with(start)) {
                assert!(pixels > 0 && psnr >= 99.0, "{name} differs from what GDAL draws");
            }
        }
    }
    assert!(compared >= 32, "only {compared} pictures were compared");
}

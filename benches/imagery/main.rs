//! Cutting a scene: tiles per second beside what the WebP encoder alone can do on the same cores, and peak memory.
//!
//! `cargo bench --bench imagery`; the picture is a mosaic of the aerial series in the test data. With
//! `AFTERMAP_BENCH_FILE=scene.tif` that file is cut instead, for its time and memory. With `AFTERMAP_BENCH_KEEP=dir`
//! the mosaic is left there, so that other programs can cut the very same file.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use aftermap::domain::cell::{Cell, MercatorBox};
use aftermap::imagery::{
    CutRequest, CutScene, GeoTiffSource, RasterSource, SceneArchive, Window, cut_scene, draw_cell, encode_tile,
};
use geotiff_writer::{Compression, GeoTiffBuilder, PhotometricInterpretation};
use ndarray::Array3;
use rayon::prelude::*;

/// Side of the mosaic, pixels.
const SIDE: u32 = 6_144;
/// How often each way is measured; the best counts, since the machine may be busy.
const ROUNDS: usize = 3;

fn main() {
    if let Some(file) = std::env::var_os("AFTERMAP_BENCH_FILE") {
        let work = tempfile::tempdir().expect("a temporary folder");
        let (scene, time) = cut(Path::new(&file), work.path());
        return report("cut", scene.tiles, time);
    }
    let Some(photo) = photo() else {
        println!("SKIPPED: no test data (set AFTERMAP_TEST_DATA)");
        return;
    };
    let work = tempfile::tempdir().expect("a temporary folder");
    let folder = std::env::var_os("AFTERMAP_BENCH_KEEP").map_or_else(|| work.path().to_owned(), PathBuf::from);
    let file = folder.join("mosaic.tif");
    mosaic(&photo, &file);
    println!("threads {}, load {}", rayon::current_num_threads(), load());
    let mut best = (f64::MAX, f64::MAX);
    for round in 0..ROUNDS {
        let tiles = work.path().join(round.to_string());
        let (scene, time) = cut(&file, &tiles);
        report("cut", scene.tiles, time);
        let alone = encoder_alone(&file, &scene, &tiles);
        let per_tile = time.as_secs_f64() / scene.tiles as f64;
        println!("  encoder alone {:.1} tiles/s: the cut reaches {:.0} %", 1.0 / alone, 100.0 * alone / per_tile);
        best = (best.0.min(per_tile), best.1.min(alone));
        std::fs::remove_dir_all(&tiles).expect("the round's archive");
    }
    println!(
        "best of {ROUNDS}: cut {:.1}, encoder {:.1} tiles/s: {:.0} %",
        1.0 / best.0,
        1.0 / best.1,
        100.0 * best.1 / best.0
    );
}

fn cut(file: &Path, tiles: &Path) -> (CutScene, Duration) {
    let begun = Instant::now();
    let scene = cut_scene(&CutRequest::new(file, tiles), &()).expect("a picture that can be cut");
    (scene, begun.elapsed())
}

fn report(what: &str, tiles: u64, time: Duration) {
    let rate = tiles as f64 / time.as_secs_f64();
    println!("{what}: {tiles} tiles in {:.1} s, {rate:.1} tiles/s, peak memory {} MB", time.as_secs_f64(), peak_mb());
}

/// Seconds a tile of encoding native tiles of the scene that are in memory already, on all cores.
fn encoder_alone(file: &Path, scene: &CutScene, tiles: &Path) -> f64 {
    let archive = SceneArchive::open(&tiles.join(&scene.archive)).expect("the archive");
    let source = GeoTiffSource::open(file).expect("the mosaic");
    let area = MercatorBox::from_degrees(scene.bounds);
    let full = |cell: &Cell| matches!(archive.tile(*cell), Ok(Some(_)));
    let cells: Vec<Cell> = Cell::covering(scene.max_zoom, area).filter(full).step_by(3).collect();
    let drawn: Vec<Vec<u8>> = cells.par_iter().filter_map(|cell| draw_cell(&source, *cell).expect("a tile")).collect();
    let begun = Instant::now();
    let bytes: usize = drawn.par_iter().map(|tile| encode_tile(tile).expect("an encoded tile").len()).sum();
    assert!(bytes > 0);
    begun.elapsed().as_secs_f64() / drawn.len() as f64
}

fn photo() -> Option<PathBuf> {
    let root = std::env::var_os("AFTERMAP_TEST_DATA").map_or_else(|| PathBuf::from("../shared/data"), PathBuf::from);
    Some(root.join("imagery/series_naip_wetlands/naip_2017-08-27.tif")).filter(|path| path.exists())
}

/// The photo side by side and mirrored, as a tiled and deflated GeoTIFF in UTM.
fn mosaic(photo: &Path, file: &Path) {
    let source = GeoTiffSource::open(photo).expect("the photo");
    let (width, height) = source.size();
    let image = source.read(Window { col: 0, row: 0, width, height }).expect("the photo's pixels");
    let fold = |at: usize, side: u32| {
        let at = at as u32 % (2 * side);
        if at < side { at } else { 2 * side - 1 - at }
    };
    let side = SIDE as usize;
    let pixels = Array3::from_shape_fn((side, side, 3), |(row, col, band)| {
        image.pixel(fold(col, width), fold(row, height))[band]
    });
    GeoTiffBuilder::new(SIDE, SIDE)
        .bands(3)
        .epsg(26914)
        .pixel_scale(5.0, 5.0)
        .origin(480_000.0, 5_220_000.0)
        .photometric(PhotometricInterpretation::Rgb)
        .compression(Compression::Deflate)
        .tile_size(512, 512)
        .write_3d(file, pixels.view())
        .expect("the mosaic can be written");
}

fn load() -> String {
    std::fs::read_to_string("/proc/loadavg").unwrap_or_default().split(' ').next().unwrap_or_default().to_owned()
}

/// The most memory that this process has held, MB.
fn peak_mb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok()).unwrap_or(0) / 1024
}

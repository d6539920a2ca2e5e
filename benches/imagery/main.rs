//! Cutting a scene: tiles per second, processor time for a tile, both beside what the WebP encoder alone takes on the same
//! cores, and peak memory. Other programs change the time on the clock much and the processor time little.
//!
//! `cargo bench --bench imagery`; the picture is a mosaic of the aerial series in the test data. With
//! `AFTERMAP_BENCH_FILE=scene.tif` that file is cut instead, for its time and memory. With `AFTERMAP_BENCH_KEEP=dir`
//! the mosaic is left there, so that other programs can cut the very same file.

use std::path::{Path, PathBuf};
use std::time::Instant;

use aftermap::domain::cell::{Cell, MercatorBox};
use aftermap::imagery::{
    CutRequest, CutScene, GeoTiffSource, RasterSource, SceneArchive, Window, cut_scene, draw_cell, encode_tile,
};
use geotiff_writer::{Compression, GeoTiffBuilder, PhotometricInterpretation};
use ndarray::Array3;
use rayon::prelude::*;

/// As in the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Side of the mosaic, pixels.
const SIDE: u32 = 6_144;
/// How often each way is measured, in turns.
const ROUNDS: usize = 3;

fn main() {
    if let Some(file) = std::env::var_os("AFTERMAP_BENCH_FILE") {
        let work = tempfile::tempdir().expect("a temporary folder");
        let (scene, took) = cut(Path::new(&file), work.path());
        return report("cut", scene.tiles, took);
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
    let mut all = [Took { clock: 0.0, processor: 0.0, wanted: 0.0 }; 2];
    for round in 0..ROUNDS {
        let tiles = work.path().join(round.to_string());
        let (scene, took) = cut(&file, &tiles);
        report("cut", scene.tiles, took);
        let alone = encoder_alone(&file, &scene, &tiles);
        let each = took.each(scene.tiles as usize);
        println!("  encoder alone: {alone}; the cut reaches {}", each.share_of(alone));
        all = [all[0].and_part(each), all[1].and_part(alone)];
        std::fs::remove_dir_all(&tiles).expect("the round's archive");
    }
    println!("mean of {ROUNDS}: cut {}; encoder {}; {}", all[0], all[1], all[0].share_of(all[1]));
}

/// Seconds on the clock and of processors, and the share of the time in which a thread ran or could have run: what is
/// missing to 1 was spent waiting for each other or for the disk, which no free core would shorten.
#[derive(Clone, Copy)]
struct Took {
    clock: f64,
    processor: f64,
    wanted: f64,
}

impl Took {
    fn of<T>(work: impl FnOnce() -> T) -> (T, Took) {
        let (begun, (ran, waited)) = (Instant::now(), thread_seconds());
        let done = work();
        let (clock, (ran_then, waited_then)) = (begun.elapsed().as_secs_f64(), thread_seconds());
        let wanted = (ran_then - ran + waited_then - waited) / (clock * rayon::current_num_threads() as f64);
        // A little more than 1 where a thread woke up before another one slept.
        (done, Took { clock, processor: ran_then - ran, wanted: wanted.min(1.0) })
    }

    fn each(self, tiles: usize) -> Took {
        Took { clock: self.clock / tiles as f64, processor: self.processor / tiles as f64, ..self }
    }

    /// Adds one round's part of the mean.
    fn and_part(self, round: Took) -> Took {
        let mean = |sum: f64, round: f64| sum + round / ROUNDS as f64;
        Took {
            clock: mean(self.clock, round.clock),
            processor: mean(self.processor, round.processor),
            wanted: mean(self.wanted, round.wanted),
        }
    }

    fn share_of(self, alone: Took) -> String {
        let (clock, processor) = (alone.clock / self.clock, alone.processor / self.processor);
        let free = processor * self.wanted / alone.wanted;
        format!(
            "{:.0} % on the clock, {:.1} % of processor time, {:.1} % if all cores were free",
            clock * 100.0,
            processor * 100.0,
            free * 100.0
        )
    }
}

/// Of one tile.
impl std::fmt::Display for Took {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (rate, processor, wanted) = (1.0 / self.clock, self.processor * 1e3, self.wanted * 100.0);
        write!(f, "{rate:.1} tiles/s, {processor:.2} ms of processor a tile, cores wanted {wanted:.1} %")
    }
}

fn cut(file: &Path, tiles: &Path) -> (CutScene, Took) {
    Took::of(|| cut_scene(&CutRequest::new(file, tiles), &()).expect("a picture that can be cut"))
}

fn report(what: &str, tiles: u64, took: Took) {
    println!(
        "{what}: {tiles} tiles in {:.1} s, {}, peak memory {} MB",
        took.clock,
        took.each(tiles as usize),
        peak_mb()
    );
}

/// What a tile takes of encoding native tiles of the scene that are in memory already, on all cores.
fn encoder_alone(file: &Path, scene: &CutScene, tiles: &Path) -> Took {
    let archive = SceneArchive::open(&tiles.join(&scene.archive)).expect("the archive");
    let source = GeoTiffSource::open(file).expect("the mosaic");
    let area = MercatorBox::from_degrees(scene.bounds);
    let full = |cell: &Cell| matches!(archive.tile(*cell), Ok(Some(_)));
    let cells: Vec<Cell> = Cell::covering(scene.max_zoom, area).filter(full).step_by(3).collect();
    let drawn: Vec<Vec<u8>> = cells.par_iter().filter_map(|cell| draw_cell(&source, *cell).expect("a tile")).collect();
    let encode = || drawn.par_iter().map(|tile| encode_tile(tile).expect("an encoded tile").len()).sum::<usize>();
    let (bytes, took) = Took::of(encode);
    assert!(bytes > 0);
    took.each(drawn.len())
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

/// Seconds that the threads of this process have run, and that they waited for a core while they could have run.
fn thread_seconds() -> (f64, f64) {
    let Ok(threads) = std::fs::read_dir("/proc/self/task") else { return (0.0, 0.0) };
    // Nanoseconds on a core, nanoseconds in the queue for one, turns (Linux, Documentation/scheduler/sched-stats).
    let line = |thread: std::fs::DirEntry| std::fs::read_to_string(thread.path().join("schedstat")).unwrap_or_default();
    threads.flatten().map(line).fold((0.0, 0.0), |(ran, waited), line| {
        let mut numbers = line.split(' ').filter_map(|number| number.parse::<f64>().ok());
        (ran + numbers.next().unwrap_or(0.0) / 1e9, waited + numbers.next().unwrap_or(0.0) / 1e9)
    })
}

/// The most memory that this process has held, MB.
fn peak_mb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok()).unwrap_or(0) / 1024
}

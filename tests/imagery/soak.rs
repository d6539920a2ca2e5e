//! Damaged and hostile GeoTIFFs without end: mutations of real files go through opening, stretching and reading.
//!
//! `AFTERMAP_SOAK_SECONDS=3600 cargo test --test imagery -- --ignored --nocapture hostile` runs for an hour on the stable
//! toolchain. Memory is counted for each file: one that makes the reader hold more than [`MOST_HELD`] fails the run, and
//! is kept. `fuzz/fuzz_targets/geotiff_reader.rs` does the same with a fuzzer's own mutations.

use std::time::{Duration, Instant};

use aftermap::imagery::{GeoTiffSource, RasterSource, Window, read_footprints};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::counted::take_peak;
use crate::helpers::{data, names};

/// The decoder's budget for a read, its cache, and what is made of them; no file of a megabyte may take more, bytes.
const MOST_HELD: usize = 1 << 30;

/// Numbers that break careless arithmetic.
const WILD: [u32; 10] = [0, 1, 0x7f, 0xff, 0x7fff, 0xffff, 0x7fff_ffff, 0x8000_0000, 0xffff_fffe, 0xffff_ffff];

/// One file with some bytes, fields or pieces changed, mostly in its head, where they do most harm.
fn mutate(bytes: &mut Vec<u8>, rng: &mut ChaCha8Rng) {
    for _ in 0..rng.random_range(1..8) {
        let reach = if rng.random_range(0..3) == 0 { bytes.len() } else { bytes.len().min(900) };
        let at = rng.random_range(0..reach.saturating_sub(4).max(1));
        match rng.random_range(0..6) {
            0 => bytes[at] = rng.random(),
            1 => bytes[at] ^= 1 << rng.random_range(0..8),
            2 => {
                let wild = WILD[rng.random_range(0..WILD.len())];
                bytes[at..at + 4].copy_from_slice(&wild.to_le_bytes());
            }
            3 => {
                let wild = WILD[rng.random_range(0..WILD.len())] as u16;
                bytes[at..at + 2].copy_from_slice(&wild.to_le_bytes());
            }
            4 => {
                let from = rng.random_range(0..reach.saturating_sub(16).max(1));
                let piece: Vec<u8> = bytes[from..(from + 12).min(bytes.len())].to_vec();
                let end = (at + piece.len()).min(bytes.len());
                bytes[at..end].copy_from_slice(&piece[..end - at]);
            }
            _ => bytes.truncate(rng.random_range(bytes.len() / 2..bytes.len()).max(64)),
        }
        if bytes.len() < 64 {
            return;
        }
    }
}

/// Opens a file and reads a few windows of it; what matters is that this ends.
fn read_it(file: &std::path::Path) -> bool {
    let _ = read_footprints(file);
    let Ok(source) = GeoTiffSource::open(file) else { return false };
    let (width, height) = source.size();
    for (col, row) in [(0, 0), (width / 2, height / 2), (width.saturating_sub(65), height.saturating_sub(65))] {
        let window = Window { col, row, width: 64.min(width - col), height: 64.min(height - row) };
        if let Ok(image) = source.read(window) {
            assert_eq!(image.data.len() as u64, window.pixels() * 4);
        }
    }
    true
}

fn soak(time: Duration, seed: u64) {
    let Some(folder) = data("nasty_tiffs") else { return };
    let work = tempfile::tempdir().unwrap();
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let files: Vec<Vec<u8>> = names(&folder)
        .iter()
        .filter(|name| name.contains(".tif"))
        .map(|name| std::fs::read(folder.join(name)).unwrap())
        .filter(|bytes| bytes.len() < 1_000_000)
        .collect();
    let (begun, mut tried, mut opened, mut slowest) = (Instant::now(), 0u64, 0u64, Duration::ZERO);
    let (mut most_held, mut largest) = (0, 0);
    while begun.elapsed() < time {
        let mut bytes = files[rng.random_range(0..files.len())].clone();
        mutate(&mut bytes, &mut rng);
        let file = work.path().join("mutant.tif");
        std::fs::write(&file, &bytes).unwrap();
        let start = Instant::now();
        take_peak();
        opened += u64::from(read_it(&file));
        let (held, piece) = take_peak();
        (most_held, largest) = (held.max(most_held), piece.max(largest));
        if held > MOST_HELD {
            let kept = std::env::temp_dir().join(format!("large-{seed}-{tried}.tif"));
            std::fs::copy(&file, &kept).unwrap();
            panic!("{held} bytes held at once for {}", kept.display());
        }
        if start.elapsed() > slowest {
            slowest = start.elapsed();
            if slowest > Duration::from_secs(20) {
                let kept = std::env::temp_dir().join(format!("slow-{seed}-{tried}.tif"));
                std::fs::copy(&file, &kept).unwrap();
                println!("{slowest:?}: {}", kept.display());
            }
        }
        tried += 1;
    }
    let mega = |bytes: usize| bytes >> 20;
    println!(
        "seed {seed}: {tried} files in {:?}, {opened} opened, slowest {slowest:?}, at most {} MB held, largest piece {} MB",
        begun.elapsed(),
        mega(most_held),
        mega(largest)
    );
    assert!(tried > 0 && opened > 0);
}

#[test]
fn a_few_hundred_hostile_files_neither_panic_nor_hang() {
    soak(Duration::from_secs(5), 1);
}

#[test]
#[ignore = "runs as long as AFTERMAP_SOAK_SECONDS says"]
fn hostile_files_for_as_long_as_asked() {
    let seconds = std::env::var("AFTERMAP_SOAK_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(60);
    let seed = std::env::var("AFTERMAP_SOAK_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(2);
    soak(Duration::from_secs(seconds), seed);
}

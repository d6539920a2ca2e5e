//! Any bytes as a GeoTIFF, as FlatGeobuf, as well-known binary and as GeoJSON: no panic, no runaway allocation.
//! Run with `-rss_limit_mb=1024 -timeout=60` and the files of `nasty_tiffs` as corpus.
#![no_main]

use aftermap::imagery::footprints::parse_footprints;
use aftermap::imagery::{GeoTiffSource, RasterSource, Window, from_geopackage, read_footprints};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let _ = from_geopackage(data);
    if let Ok(text) = std::str::from_utf8(data) {
        let _ = parse_footprints(text);
    }
    let file = std::env::temp_dir().join(format!("aftermap-fuzz-{}", std::process::id()));
    if std::fs::write(&file, data).is_err() {
        return;
    }
    let _ = read_footprints(&file);
    if let Ok(source) = GeoTiffSource::open(&file) {
        let (width, height) = source.size();
        let (col, row) = (width / 2, height / 2);
        let window = Window { col, row, width: 64.min(width - col), height: 64.min(height - row) };
        if let Ok(image) = source.read(window) {
            assert_eq!(image.data.len() as u64, window.pixels() * 4);
        }
        // The way of the cutter, which takes some pictures without a copy.
        if let Ok(pixels) = source.read_pixels(window) {
            assert_eq!(pixels.data.len() as u64, window.pixels() * pixels.stride as u64);
        }
    }
});

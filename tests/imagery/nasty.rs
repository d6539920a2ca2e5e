//! Files that break careless readers: each is read or refused with a clear sentence, never a panic, never a leftover.

use aftermap::imagery::{GeoTiffSource, ImageryError, RasterSource, Window};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::helpers::{cut, data, names};

#[test]
fn every_nasty_file_is_read_or_refused_clearly() {
    let Some(folder) = data("nasty_tiffs") else { return };
    let mut readable = 0;
    for name in names(&folder).iter().filter(|name| name.contains(".tif")) {
        let tiles = tempfile::tempdir().unwrap();
        match cut(&folder.join(name), tiles.path()) {
            Ok(scene) => {
                readable += 1;
                assert_eq!(names(tiles.path()), std::slice::from_ref(&scene.archive), "{name}");
                println!(
                    "{name}: read, {} tiles, zoom {}-{}, {}, {:.3} m; {}",
                    scene.tiles, scene.min_zoom, scene.max_zoom, scene.crs, scene.pixel_size_m, scene.note
                );
            }
            Err(ImageryError::Unusable { file, reason }) => {
                assert!(file.ends_with(name.as_str()) && reason.len() > 20, "{name}: {reason}");
                assert_eq!(names(tiles.path()), [""; 0], "{name} left something behind");
                println!("{name}: refused: {reason}");
            }
            Err(other) => panic!("{name}: {other}"),
        }
    }
    assert_eq!(readable, 17, "five of the 22 files have no picture, no place, or are damaged");
}

#[test]
fn a_file_that_cannot_be_placed_says_what_mends_it() {
    let Some(folder) = data("nasty_tiffs") else { return };
    let tiles = tempfile::tempdir().unwrap();
    for (name, remedy) in [
        ("05_rotated_no_crs_packbits.tif", "gdal_translate -a_srs EPSG:"),
        ("09_gcps_only_no_crs_uint16.tif", "gdalwarp -t_srs EPSG:3857"),
        ("06_corrupt_jpeg_cog.tif", "damaged, cut short"),
        ("07_all_nodata_uint16_4band_pred2.tif", "every pixel is marked as no data"),
        ("15_south_up_float32_4326.tif", "every pixel is marked as no data"),
    ] {
        let message = cut(&folder.join(name), tiles.path()).unwrap_err().to_string();
        assert!(message.contains(name) && message.contains(remedy), "{message}");
        assert_eq!(names(tiles.path()), [""; 0]);
    }
}

#[test]
fn files_with_flipped_bytes_never_panic() {
    let Some(folder) = data("nasty_tiffs") else { return };
    let work = tempfile::tempdir().unwrap();
    let mut rng = ChaCha8Rng::seed_from_u64(20_250_918);
    let (mut opened, mut read, mut refused) = (0, 0, 0);
    for name in names(&folder).iter().filter(|name| name.contains(".tif")) {
        let whole = std::fs::read(folder.join(name)).unwrap();
        if whole.len() > 900_000 {
            continue;
        }
        for round in 0..60 {
            let mut bytes = whole.clone();
            for _ in 0..rng.random_range(1..6) {
                // Mostly in the header and the tags, where a byte does most harm.
                let reach = if round % 3 == 0 { bytes.len() } else { bytes.len().min(700) };
                bytes[rng.random_range(0..reach)] = rng.random();
            }
            let file = work.path().join(format!("{round}-{name}"));
            std::fs::write(&file, &bytes).unwrap();
            match GeoTiffSource::open(&file) {
                Err(error) => {
                    assert!(error.to_string().contains(name.as_str()), "{error}");
                    refused += 1;
                }
                Ok(source) => {
                    opened += 1;
                    let (width, height) = source.size();
                    let window = Window { col: width / 2, row: height / 2, width: 1, height: 1 };
                    read += usize::from(source.read(window).is_ok());
                }
            }
            std::fs::remove_file(&file).unwrap();
        }
    }
    println!("{refused} refused at once, {opened} opened, of which {read} could be read");
    assert!(refused > 100 && opened > 100);
}

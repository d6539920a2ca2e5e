//! Files that break careless readers: each is read or refused with a clear sentence, never a panic, never a leftover.

use aftermap::imagery::ImageryError;

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
                assert_eq!(names(tiles.path()), [scene.archive.clone()], "{name}");
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
    assert!(readable >= 10, "only {readable} of the files can be read");
}

#[test]
fn a_file_that_cannot_be_placed_says_what_mends_it() {
    let Some(folder) = data("nasty_tiffs") else { return };
    let tiles = tempfile::tempdir().unwrap();
    for (name, remedy) in [
        ("05_rotated_no_crs_packbits.tif", "gdal_translate -a_srs EPSG:"),
        ("09_gcps_only_no_crs_uint16.tif", "gdalwarp -t_srs EPSG:3857"),
        ("06_corrupt_jpeg_cog.tif", "damaged, cut short"),
        ("07_all_nodata_uint16_4band_pred2.tif", "gdal_translate -ot Byte -scale"),
        ("10_crosses_dateline_utm60n.tif", "gdal_translate -ot Byte -scale"),
        ("21_31_bands_esri102001.tif", "gdalwarp -t_srs EPSG:3857"),
    ] {
        let message = cut(&folder.join(name), tiles.path()).unwrap_err().to_string();
        assert!(message.contains(name) && message.contains(remedy), "{message}");
        assert_eq!(names(tiles.path()), [""; 0]);
    }
}

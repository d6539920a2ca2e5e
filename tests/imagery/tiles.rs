//! Tiles that exist already become a scene archive with their bytes as they are, and hostile sets are refused.

use std::fs;
use std::path::{Path, PathBuf};

use aftermap::domain::cell::{Cell, MercatorBox};
use aftermap::imagery::tileset::{PmTilesFile, TileFolder, Tileset, import_tiles};
use aftermap::imagery::{ImageryError, SceneArchive, synthetic::SyntheticTown, synthetic::TownOptions};
use image::ImageFormat;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::helpers::{cut, names};

/// A small town's first picture, cut: the archive, its path, and the tiles of its two deepest zooms.
struct Cut {
    work: tempfile::TempDir,
    file: PathBuf,
    archive: SceneArchive,
    cells: Vec<Cell>,
}

fn town() -> Cut {
    let work = tempfile::tempdir().unwrap();
    let options = TownOptions { size_m: 200.0, clouds: vec![], ..TownOptions::default() };
    let town = SyntheticTown::draw(7, options, work.path()).unwrap();
    let scene = cut(&town.scenes[0].file, &work.path().join("tiles")).unwrap();
    let file = work.path().join("tiles").join(&scene.archive);
    let archive = SceneArchive::open(&file).unwrap();
    let area = MercatorBox::from_degrees(scene.bounds);
    let there = |cell: &Cell| archive.tile(*cell).unwrap().is_some();
    let zooms = [scene.max_zoom - 1, scene.max_zoom];
    let cells = zooms.iter().flat_map(|z| Cell::covering(*z, area).filter(there).collect::<Vec<_>>()).collect();
    Cut { work, file, archive, cells }
}

impl Cut {
    /// The tiles as a folder of this format.
    fn folder(&self, name: &str, format: ImageFormat, tms: bool) -> PathBuf {
        let folder = self.work.path().join(name);
        for cell in &self.cells {
            let y = if tms { (1 << cell.z) - 1 - cell.y } else { cell.y };
            let place = folder.join(cell.z.to_string()).join(cell.x.to_string());
            fs::create_dir_all(&place).unwrap();
            let picture = image::load_from_memory(&self.archive.tile(*cell).unwrap().unwrap()).unwrap();
            let (end, picture) = match format {
                ImageFormat::Jpeg => ("jpg", picture.to_rgb8().into()),
                _ => ("png", picture),
            };
            picture.save_with_format(place.join(format!("{y}.{end}")), format).unwrap();
        }
        folder
    }

    fn import(&self, set: &dyn Tileset) -> Result<SceneArchive, ImageryError> {
        let tiles = self.work.path().join("imported");
        import_tiles(&tiles, set, &()).map(|scene| SceneArchive::open(&tiles.join(scene.archive)).unwrap())
    }
}

#[test]
fn folders_of_both_schemes_and_formats_become_the_same_scene() {
    let cut = town();
    for (name, format, tms) in
        [("xyz", ImageFormat::Png, false), ("tms", ImageFormat::Png, true), ("photos", ImageFormat::Jpeg, false)]
    {
        let folder = cut.folder(name, format, tms);
        fs::write(folder.join("leaflet.html"), "<html>").unwrap();
        let scene = cut.import(&TileFolder::open(&folder, Some(tms)).unwrap()).unwrap();
        let about = scene.metadata();
        assert_eq!((about.tiles, about.max_zoom), (cut.cells.len() as u64, cut.archive.metadata().max_zoom), "{name}");
        for cell in &cut.cells {
            let y = if tms { (1 << cell.z) - 1 - cell.y } else { cell.y };
            let end = if format == ImageFormat::Jpeg { "jpg" } else { "png" };
            let file = folder.join(format!("{}/{}/{y}.{end}", cell.z, cell.x));
            assert!(scene.tile(*cell).unwrap().unwrap() == fs::read(file).unwrap(), "bytes are passed on as they are");
        }
        let whole = MercatorBox::from_degrees(cut.archive.metadata().bounds);
        let (ours, theirs) = (cut.archive.valid_share(whole).unwrap(), scene.valid_share(whole).unwrap());
        // JPEG has no alpha: it shows a picture on the whole of each tile.
        assert!(
            if format == ImageFormat::Jpeg { theirs > 0.99 } else { (ours - theirs).abs() < 0.01 },
            "{ours} {theirs}"
        );
    }
}

#[test]
fn pmtiles_of_others_become_a_scene_and_a_repeat_is_known() {
    let cut = town();
    // Our own archive is PMTiles like any other.
    let set = PmTilesFile::open(&cut.file).unwrap();
    assert!(PmTilesFile::is_one(&cut.file) && set.count() == cut.archive.metadata().tiles);
    let tiles = cut.work.path().join("imported");
    let first = import_tiles(&tiles, &set, &()).unwrap();
    let scene = SceneArchive::open(&tiles.join(&first.archive)).unwrap();
    for cell in &cut.cells {
        assert!(scene.tile(*cell).unwrap() == cut.archive.tile(*cell).unwrap());
    }
    let again = import_tiles(&tiles, &set, &()).unwrap();
    assert!(again.reused && again.archive_sha256 == first.archive_sha256 && !first.reused);
}

fn refused<T>(outcome: Result<T, ImageryError>) -> String {
    match outcome {
        Ok(_) => panic!("this should have been refused"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn a_folder_that_cannot_be_a_scene_is_refused_with_the_reason() {
    let cut = town();
    let (root, png) = (cut.work.path().join("bad"), cut.folder("good", ImageFormat::Png, false));
    let tile = |folder: &Path| {
        let zoom = fs::read_dir(folder).unwrap().next().unwrap().unwrap().path();
        let column = fs::read_dir(zoom).unwrap().next().unwrap().unwrap().path();
        fs::read_dir(column).unwrap().next().unwrap().unwrap().path()
    };
    let good = fs::read(tile(&png)).unwrap();
    let attempt = |place: &str, bytes: &[u8]| {
        let _ = fs::remove_dir_all(&root);
        let file = root.join(place);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, bytes).unwrap();
        refused(TileFolder::open(&root, None).and_then(|set| cut.import(&set)))
    };
    assert!(attempt("3/9/1.png", &good).contains("outside of the grid"));
    assert!(attempt("40/1/1.png", &good).contains("outside of the grid"));
    assert!(attempt("3/1/1.png", b"<html>404</html>").contains("tile 3-1-1 is no WebP, PNG or JPEG"));
    assert!(attempt("3/1/1.png", &vec![0; 2 << 20]).contains("larger than 1 MB"));
    assert!(attempt("readme/1/1.png", &good).contains("no tiles named like"));
    assert!(attempt("3/1/01.png", &good).contains("no tiles named like"));
    let mut bomb = good.clone();
    bomb[16..24].copy_from_slice(&[0, 0, 0xff, 0xff, 0, 0, 0xff, 0xff]);
    assert!(attempt("3/1/1.png", &bomb).contains("tile 3-1-1"));
    // A link is not followed, wherever it leads.
    let _ = fs::remove_dir_all(&root);
    fs::create_dir_all(root.join("3/1")).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", root.join("3/1/1.png")).unwrap();
    std::os::unix::fs::symlink(&png, root.join("4")).unwrap();
    assert!(refused(TileFolder::open(&root, None)).contains("no tiles named like"));
    fs::write(png.join("tilemapresource.xml"), "<TileMap/>").unwrap();
    assert!(refused(TileFolder::open(&png, None)).contains("--scheme tms"));
    assert!(names(&cut.work.path().join("imported")).is_empty(), "a refused set leaves nothing behind");
}

#[test]
fn damaged_pmtiles_are_refused_or_read_and_never_run_away() {
    let cut = town();
    let whole = fs::read(&cut.file).unwrap();
    let mut rng = ChaCha8Rng::seed_from_u64(8);
    let file = cut.work.path().join("mutant.pmtiles");
    let (mut read, mut refused) = (0, 0);
    crate::counted::take_peak();
    for _ in 0..250 {
        let mut bytes = whole.clone();
        for _ in 0..rng.random_range(1..6) {
            let reach = if rng.random_bool(0.7) { 400 } else { bytes.len() };
            let at = rng.random_range(0..reach - 8);
            match rng.random_range(0..3) {
                0 => bytes[at] = rng.random(),
                1 => bytes[at..at + 8].copy_from_slice(&u64::MAX.to_le_bytes()),
                _ => bytes[at..at + 8].copy_from_slice(&rng.random_range(0..1u64 << 40).to_le_bytes()),
            }
        }
        if rng.random_bool(0.2) {
            bytes.truncate(rng.random_range(0..whole.len()));
        }
        fs::write(&file, &bytes).unwrap();
        let outcome = PmTilesFile::open(&file).and_then(|set| set.each(&mut |_, _| Ok(())));
        if outcome.is_ok() { read += 1 } else { refused += 1 }
    }
    let (held, _) = crate::counted::take_peak();
    println!("{read} read, {refused} refused, at most {} MB held", held >> 20);
    assert!(read > 0 && refused > 0 && held < 1 << 30);
}

//! Tiles out of MBTiles, which is a SQLite file that somebody brought: opened for reading only, not trusted.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use rusqlite::Connection;

use super::brought;

/// Longest value of a file, bytes; a tile may be much shorter, but is refused by its name.
const MOST_VALUE_BYTES: i32 = 64 << 20;

/// One tile as it is stored: zoom, column, row from the south.
pub type Visit<'a> = dyn FnMut(i64, i64, i64, Vec<u8>) -> Result<(), String> + 'a;

/// Whether a file is a SQLite database.
pub fn is_database(path: &Path) -> bool {
    let mut head = [0; 15];
    let read = std::fs::File::open(path).and_then(|mut file| std::io::Read::read_exact(&mut file, &mut head));
    read.is_ok() && &head == b"SQLite format 3"
}

/// Gives every tile of at most `most_bytes` to `visit`, and stops with a reason at the first that is larger, or when
/// there are more than `most_tiles`, or where the file is no MBTiles.
pub fn each(path: &Path, most_tiles: u64, most_bytes: u64, visit: &mut Visit<'_>) -> Result<(), String> {
    let failed = |error: String| format!("is not MBTiles that can be read: {error}");
    let conn = brought::open(path, MOST_VALUE_BYTES).map_err(failed)?;
    // Many writers put a view named `tiles` over other tables.
    brought::patiently(&conn, |rows| read(&conn, (most_tiles, most_bytes), rows, visit))
}

fn read(
    conn: &Connection,
    (most_tiles, most_bytes): (u64, u64),
    rows: &AtomicU64,
    visit: &mut Visit<'_>,
) -> Result<(), String> {
    let failed = |error: rusqlite::Error| format!("is not MBTiles that can be read: {error}");
    let mut statement = conn
        .prepare(
            "SELECT zoom_level, tile_column, tile_row, length(tile_data),
                    CASE WHEN length(tile_data) <= ?1 THEN CAST(tile_data AS BLOB) END
             FROM tiles WHERE tile_data IS NOT NULL",
        )
        .map_err(failed)?;
    let mut found = statement.query([most_bytes as i64]).map_err(failed)?;
    while let Some(row) = found.next().map_err(failed)? {
        let number = |place: usize| row.get::<_, i64>(place).map_err(failed);
        let (z, x, y) = (number(0)?, number(1)?, number(2)?);
        let tile: Option<Vec<u8>> = row.get(4).map_err(failed)?;
        let tile = tile.ok_or_else(|| format!("its tile {z}/{x}/{y} is larger than {most_bytes} bytes"))?;
        if rows.fetch_add(1, Relaxed) >= most_tiles {
            return Err(format!("holds more than {most_tiles} tiles; bring it in parts"));
        }
        visit(z, x, y, tile)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(sql: &str) -> (tempfile::TempDir, std::path::PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("set.mbtiles");
        Connection::open(&file).unwrap().execute_batch(sql).unwrap();
        (folder, file)
    }

    #[test]
    fn a_table_and_a_view_of_tiles_are_read() {
        for sql in [
            "CREATE TABLE tiles (zoom_level INT, tile_column INT, tile_row INT, tile_data BLOB);
             INSERT INTO tiles VALUES (3, 1, 2, x'0102')",
            "CREATE TABLE map (zoom_level INT, tile_column INT, tile_row INT, id TEXT);
             CREATE TABLE images (id TEXT, tile_data BLOB);
             INSERT INTO map VALUES (3, 1, 2, 'a'); INSERT INTO images VALUES ('a', x'0102');
             CREATE VIEW tiles AS SELECT zoom_level, tile_column, tile_row, tile_data FROM map JOIN images USING (id)",
        ] {
            let (_folder, file) = made(sql);
            let mut seen = Vec::new();
            each(&file, 10, 100, &mut |z, x, y, tile| {
                seen.push((z, x, y, tile));
                Ok(())
            })
            .unwrap();
            assert_eq!(seen, [(3, 1, 2, vec![1, 2])]);
        }
    }

    #[test]
    fn bombs_are_stopped() {
        let table = "CREATE TABLE tiles (zoom_level INT, tile_column INT, tile_row INT, tile_data BLOB);";
        let (_folder, file) = made(&format!("{table} INSERT INTO tiles VALUES (3, 1, 2, zeroblob(5000000))"));
        assert!(each(&file, 10, 1 << 20, &mut |_, _, _, _| Ok(())).unwrap_err().contains("3/1/2 is larger"));
        let endless = "CREATE VIEW tiles AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)
                       SELECT 3 AS zoom_level, 1 AS tile_column, 2 AS tile_row, x'00' AS tile_data FROM n";
        let (_folder, file) = made(endless);
        assert!(each(&file, 1000, 1 << 20, &mut |_, _, _, _| Ok(())).unwrap_err().contains("more than 1000 tiles"));
        let (_folder, file) = made("CREATE TABLE other (i INT)");
        assert!(each(&file, 10, 10, &mut |_, _, _, _| Ok(())).unwrap_err().contains("not MBTiles"));
    }
}

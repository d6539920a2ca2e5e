//! Outlines out of a GeoPackage, which is a SQLite file that somebody brought: opened for reading only, not trusted.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use rusqlite::{Connection, Result as Read};

use super::brought;

/// Longest value of a file, bytes: ten times what the largest outline takes.
const MOST_VALUE_BYTES: i32 = 16 << 20;
/// Most rows of a layer, and bytes of all their geometries.
const MOST: (u64, usize) = (1_000_000, 512 << 20);
/// Longest id that is read; a longer one is refused later.
const MOST_ID: usize = 201;

/// What the one layer of a GeoPackage holds.
#[derive(Debug, PartialEq)]
pub struct Layer {
    /// EPSG code of its coordinate system; `None` for another register.
    pub epsg: Option<u32>,
    /// Id and geometry (GeoPackageBinary) of each feature.
    pub rows: Vec<Row>,
}

/// Id and geometry of a feature.
pub type Row = (String, Option<Vec<u8>>);

struct Geometries {
    table: String,
    column: String,
    organization: Option<String>,
    code: Option<i64>,
}

/// Reads the layer of a GeoPackage, or says why it cannot be read. The id is the column `id`, else the primary key.
pub fn read(path: &Path) -> Result<Layer, String> {
    let failed = |error: &dyn std::fmt::Display| format!("is not a GeoPackage that can be read: {error}");
    let conn = brought::open(path, MOST_VALUE_BYTES).map_err(|error| failed(&error))?;
    let layers = layers(&conn).map_err(|error| failed(&error))?;
    let layer = match layers.as_slice() {
        [one] => one,
        [] => return Err("holds no layer of outlines".into()),
        many => {
            let names: Vec<&str> = many.iter().map(|layer| layer.table.as_str()).collect();
            return Err(format!(
                "holds the layers {}; take out the one with the buildings: ogr2ogr one.gpkg many.gpkg <layer>",
                names.join(", ")
            ));
        }
    };
    let features =
        brought::patiently(&conn, |count| features(&conn, layer, count, MOST)).map_err(|error| failed(&error))?;
    let rows = features.ok_or("holds more than 1,000,000 outlines or 512 MB of them: split it")?;
    let of_epsg = layer.organization.as_deref().is_some_and(|name| name.eq_ignore_ascii_case("EPSG"));
    let epsg = layer.code.filter(|_| of_epsg).and_then(|code| u32::try_from(code).ok());
    Ok(Layer { epsg, rows })
}

/// The layers that are real tables: a view could be a query without end.
fn layers(conn: &Connection) -> Read<Vec<Geometries>> {
    let mut statement = conn.prepare(
        "SELECT g.table_name, g.column_name, s.organization, s.organization_coordsys_id
         FROM gpkg_geometry_columns g
         JOIN gpkg_spatial_ref_sys s ON s.srs_id = g.srs_id
         JOIN sqlite_master m ON m.name = g.table_name AND m.type = 'table' AND m.sql NOT LIKE '%VIRTUAL%'
         ORDER BY g.table_name LIMIT 20",
    )?;
    let layer = |row: &rusqlite::Row<'_>| {
        Ok(Geometries { table: row.get(0)?, column: row.get(1)?, organization: row.get(2)?, code: row.get(3)? })
    };
    brought::patiently(conn, |_| statement.query_map([], layer)?.collect())
}

/// The features of a layer; `None` where there are more rows or bytes than may be.
fn features(
    conn: &Connection,
    layer: &Geometries,
    count: &AtomicU64,
    (most_rows, most_bytes): (u64, usize),
) -> Read<Option<Vec<Row>>> {
    let mut columns = conn.prepare("SELECT name, pk FROM pragma_table_info(?)")?;
    let columns = columns.query_map([&layer.table], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let columns: Vec<(String, i64)> = columns.collect::<Read<_>>()?;
    let named = columns.iter().find(|(name, _)| name.eq_ignore_ascii_case("id"));
    let id = named.or_else(|| columns.iter().find(|(_, pk)| *pk == 1)).map_or("rowid", |(name, _)| name);
    let (id, geometry, table) = (quoted(id), quoted(&layer.column), quoted(&layer.table));
    let ids = format!("substr(CAST({id} AS TEXT), 1, {MOST_ID})");
    // One row more than may be, so that the sorter never holds the whole of an endless table.
    let text = format!("SELECT {ids}, CAST({geometry} AS BLOB) FROM {table} ORDER BY {id} LIMIT {}", most_rows + 1);
    let (mut statement, mut rows, mut bytes) = (conn.prepare(&text)?, Vec::new(), 0);
    let mut found = statement.query([])?;
    while let Some(row) = found.next()? {
        let (id, geometry): (Option<String>, Option<Vec<u8>>) = (row.get(0)?, row.get(1)?);
        bytes += geometry.as_ref().map_or(0, Vec::len);
        if count.fetch_add(1, Relaxed) >= most_rows || bytes > most_bytes {
            return Ok(None);
        }
        rows.push((id.unwrap_or_default(), geometry));
    }
    Ok(Some(rows))
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_one_layer_is_read_with_its_ids_and_its_system() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("houses #1.gpkg");
        let conn = Connection::open(&path).unwrap();
        conn.execute_batch(
            "CREATE TABLE gpkg_spatial_ref_sys (srs_id INTEGER, organization TEXT, organization_coordsys_id INTEGER);
             INSERT INTO gpkg_spatial_ref_sys VALUES (7, 'epsg', 32637);
             CREATE TABLE gpkg_geometry_columns (table_name TEXT, column_name TEXT, srs_id INTEGER);
             INSERT INTO gpkg_geometry_columns VALUES ('my \"houses', 'geom', 7), ('a_view', 'geom', 7);
             CREATE TABLE \"my \"\"houses\" (fid INTEGER PRIMARY KEY, geom BLOB, ID TEXT);
             CREATE VIEW a_view AS SELECT * FROM \"my \"\"houses\";
             INSERT INTO \"my \"\"houses\" VALUES (1, x'4750', 'b'), (2, NULL, 'a');",
        )
        .unwrap();
        drop(conn);
        let layer = read(&path).unwrap();
        let rows = vec![("a".to_owned(), None), ("b".to_owned(), Some(b"GP".to_vec()))];
        assert_eq!(layer, Layer { epsg: Some(32637), rows });
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing was written beside it");
    }

    #[test]
    fn any_other_file_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.gpkg");
        assert!(read(&path).unwrap_err().contains("not a GeoPackage"));
        std::fs::write(&path, b"SQLite format 3\0 and nonsense").unwrap();
        assert!(read(&path).unwrap_err().contains("not a GeoPackage"));
    }

    /// A file with one layer whose table is made so.
    fn layer(folder: &Path, table: &str) -> std::path::PathBuf {
        let path = folder.join("bomb.gpkg");
        let _ = std::fs::remove_file(&path);
        let head =
            "CREATE TABLE gpkg_spatial_ref_sys (srs_id INTEGER, organization TEXT, organization_coordsys_id INTEGER);
             INSERT INTO gpkg_spatial_ref_sys VALUES (7, 'EPSG', 4326);
             CREATE TABLE gpkg_geometry_columns (table_name TEXT, column_name TEXT, srs_id INTEGER);
             INSERT INTO gpkg_geometry_columns VALUES ('houses', 'geom', 7);";
        Connection::open(&path).unwrap().execute_batch(&format!("{head}{table}")).unwrap();
        path
    }

    #[test]
    fn a_few_bytes_that_compute_gigabytes_are_stopped() {
        let folder = tempfile::tempdir().unwrap();
        for bomb in ["zeroblob(900000000)", "hex(zeroblob(400000000))", "printf('%.*c', 900000000, 'x')"] {
            let table = "CREATE TABLE houses (id TEXT, geom BLOB GENERATED ALWAYS AS";
            let file = layer(folder.path(), &format!("{table} ({bomb})); INSERT INTO houses VALUES ('a');"));
            let refused = read(&file).unwrap_err();
            assert!(refused.contains("too big"), "{bomb}: {refused}");
        }
        let table =
            "CREATE TABLE houses (id TEXT, geom BLOB); INSERT INTO houses VALUES (printf('%.*c', 9000, 'x'), x'47')";
        let file = layer(folder.path(), table);
        assert_eq!(read(&file).unwrap().rows[0].0.len(), MOST_ID, "an id is cut, and refused as too long later");
    }

    #[test]
    fn rows_and_bytes_have_an_end() {
        let folder = tempfile::tempdir().unwrap();
        let table = "CREATE TABLE houses (id INTEGER PRIMARY KEY, geom BLOB);
             INSERT INTO houses VALUES (1, x'4750'), (2, x'4750'), (3, NULL);";
        let conn = brought::open(&layer(folder.path(), table), 1 << 20).unwrap();
        let [one] = &layers(&conn).unwrap()[..] else { panic!("one layer") };
        let read = |most| features(&conn, one, &AtomicU64::new(0), most).unwrap().map(|rows| rows.len());
        assert_eq!(read((3, 4)), Some(3));
        assert_eq!((read((2, 4)), read((3, 3))), (None, None));
    }
}

//! Outlines out of a GeoPackage, which is a SQLite file that somebody brought: opened for reading only, not trusted.

use std::path::Path;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary, Nullable, Text};

/// What the one layer of a GeoPackage holds.
#[derive(Debug, PartialEq)]
pub struct Layer {
    /// EPSG code of its coordinate system; `None` for another register.
    pub epsg: Option<u32>,
    /// Id and geometry (GeoPackageBinary) of each feature.
    pub rows: Vec<(String, Option<Vec<u8>>)>,
}

#[derive(QueryableByName)]
struct Geometries {
    #[diesel(sql_type = Text)]
    table_name: String,
    #[diesel(sql_type = Text)]
    column_name: String,
    #[diesel(sql_type = Text)]
    organization: String,
    #[diesel(sql_type = BigInt)]
    code: i64,
}

#[derive(QueryableByName)]
struct Column {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = BigInt)]
    pk: i64,
}

#[derive(QueryableByName)]
struct Feature {
    #[diesel(sql_type = Text)]
    id: String,
    #[diesel(sql_type = Nullable<Binary>)]
    geometry: Option<Vec<u8>>,
}

/// Reads the layer of a GeoPackage, or says why it cannot be read. The id is the column `id`, else the primary key.
pub fn read(path: &Path) -> Result<Layer, String> {
    let failed = |error: &dyn std::fmt::Display| format!("is not a GeoPackage that can be read: {error}");
    let name = path.to_str().ok_or("its path is not valid UTF-8")?;
    let name = name.replace('%', "%25").replace('?', "%3f").replace('#', "%23");
    let url = format!("file:{name}?mode=ro&immutable=1");
    let mut conn = SqliteConnection::establish(&url).map_err(|error| failed(&error))?;
    let guard = "PRAGMA query_only = ON; PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON";
    conn.batch_execute(guard).map_err(|error| failed(&error))?;
    // Only real tables: a view could be a query without end.
    let layers: Vec<Geometries> = diesel::sql_query(
        "SELECT g.table_name, g.column_name, s.organization, s.organization_coordsys_id AS code
         FROM gpkg_geometry_columns g
         JOIN gpkg_spatial_ref_sys s ON s.srs_id = g.srs_id
         JOIN sqlite_master m ON m.name = g.table_name AND m.type = 'table' AND m.sql NOT LIKE '%VIRTUAL%'
         ORDER BY g.table_name LIMIT 20",
    )
    .load(&mut conn)
    .map_err(|error| failed(&error))?;
    let layer = match layers.as_slice() {
        [one] => one,
        [] => return Err("holds no layer of outlines".into()),
        many => {
            let names: Vec<&str> = many.iter().map(|layer| layer.table_name.as_str()).collect();
            return Err(format!(
                "holds the layers {}; take out the one with the buildings: ogr2ogr one.gpkg many.gpkg <layer>",
                names.join(", ")
            ));
        }
    };
    let rows = features(&mut conn, layer).map_err(|error| failed(&error))?;
    let epsg = layer.organization.eq_ignore_ascii_case("EPSG").then(|| u32::try_from(layer.code).ok()).flatten();
    Ok(Layer { epsg, rows })
}

fn features(conn: &mut SqliteConnection, layer: &Geometries) -> QueryResult<Vec<(String, Option<Vec<u8>>)>> {
    let columns: Vec<Column> = diesel::sql_query("SELECT name, CAST(pk AS BIGINT) AS pk FROM pragma_table_info(?)")
        .bind::<Text, _>(&layer.table_name)
        .load(conn)?;
    let named = columns.iter().find(|column| column.name.eq_ignore_ascii_case("id"));
    let id = named.or_else(|| columns.iter().find(|column| column.pk == 1)).map_or("rowid", |column| &column.name);
    let (id, geometry, table) = (quoted(id), quoted(&layer.column_name), quoted(&layer.table_name));
    let text = format!("SELECT CAST({id} AS TEXT) AS id, {geometry} AS geometry FROM {table} ORDER BY {id}");
    let rows: Vec<Feature> = diesel::sql_query(text).load(conn)?;
    Ok(rows.into_iter().map(|row| (row.id, row.geometry)).collect())
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
        let mut conn = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
        conn.batch_execute(
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
}

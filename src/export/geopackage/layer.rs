//! One sheet as a layer: a table of features, or of attributes where the rows have no place.

use std::io;

use rusqlite::types::{ToSqlOutput, Value as Cell, ValueRef};
use rusqlite::{Connection, Statement, ToSql, params};

use super::super::geometry::round;
use super::super::text::{push_day, push_instant};
use super::super::{Column, Geometry, Kind, Outlines, Record, Records, Sheet, Value, misplaced};
use super::{fault, schema};
use crate::domain::bbox::Bbox;

/// Stands in `last_change`, because the time at which a file is made is not part of what it says.
const NO_TIME: &str = "1970-01-01T00:00:00.000Z";
/// WGS 84, longitude first, as GeoPackage has it.
const SRS: i32 = 4326;

/// Writes a layer and returns the number of its rows.
pub fn write(database: &Connection, sheet: &Sheet<'_>, records: &mut Records<'_>) -> io::Result<u64> {
    let columns: Vec<(usize, &Column)> =
        sheet.columns.iter().enumerate().filter(|(_, column)| column.kind != Kind::Outline).collect();
    create(database, sheet, &columns)?;
    let marks = vec!["?"; columns.len() + 2].join(", ");
    let table = quoted(sheet.name);
    let has_places = sheet.outlines != Outlines::None;
    let features = if has_places { marks } else { vec!["?"; columns.len() + 1].join(", ") };
    let mut insert = database.prepare(&format!("INSERT INTO {table} VALUES ({features})")).map_err(fault)?;
    let mut index = match has_places {
        true => Some(
            database
                .prepare(&format!(
                    "INSERT INTO {} VALUES (?, ?, ?, ?, ?)",
                    quoted(&format!("rtree_{}_geom", sheet.name))
                ))
                .map_err(fault)?,
        ),
        false => None,
    };
    let (mut count, mut bounds) = (0i64, None::<Bbox>);
    for record in records {
        let record = record?;
        count += 1;
        let first = put_place(&mut insert, index.as_mut(), sheet, &record, count, &mut bounds)?;
        for (at, (place, column)) in columns.iter().enumerate() {
            let cell = cell(column, &record.values[*place])?;
            insert.raw_bind_parameter(first + at, cell).map_err(fault)?;
        }
        insert.raw_execute().map_err(fault)?;
    }
    finish(database, sheet, bounds)?;
    Ok(count.unsigned_abs())
}

/// Binds key and outline of a row and puts it into the index; returns where its columns begin.
fn put_place(
    insert: &mut Statement<'_>,
    index: Option<&mut Statement<'_>>,
    sheet: &Sheet<'_>,
    record: &Record,
    fid: i64,
    bounds: &mut Option<Bbox>,
) -> io::Result<usize> {
    insert.raw_bind_parameter(1, fid).map_err(fault)?;
    let Some(index) = index else { return Ok(2) };
    let Some(geometry) = &record.geometry else {
        insert.raw_bind_parameter(2, None::<&[u8]>).map_err(fault)?;
        return Ok(3);
    };
    let bbox = rounded(geometry.bbox());
    insert.raw_bind_parameter(2, blob(geometry, sheet.outlines, bbox)).map_err(fault)?;
    index.execute(params![fid, bbox.west, bbox.east, bbox.south, bbox.north]).map_err(fault)?;
    *bounds = Some(bounds.map_or(bbox, |all| all.union(bbox)));
    Ok(3)
}

/// The outline in GeoPackage's binary (clause 2.1.3): a header with the box around it, then WKB.
fn blob(geometry: &Geometry, outlines: Outlines, bbox: Bbox) -> Vec<u8> {
    const ENVELOPE_XY_LITTLE_ENDIAN: u8 = 0b0000_0011;
    let mut bytes = Vec::with_capacity(160);
    bytes.extend(b"GP\0");
    bytes.push(ENVELOPE_XY_LITTLE_ENDIAN);
    bytes.extend(SRS.to_le_bytes());
    for edge in [bbox.west, bbox.east, bbox.south, bbox.north] {
        bytes.extend(edge.to_le_bytes());
    }
    geometry.push_wkb(outlines == Outlines::MultiPolygons, &mut bytes);
    bytes
}

fn create(database: &Connection, sheet: &Sheet<'_>, columns: &[(usize, &Column)]) -> io::Result<()> {
    let mut sql = format!("CREATE TABLE {} (\"fid\" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL", quoted(sheet.name));
    let shape = match sheet.outlines {
        Outlines::None => None,
        Outlines::Polygons => Some("POLYGON"),
        Outlines::MultiPolygons => Some("MULTIPOLYGON"),
    };
    if let Some(shape) = shape {
        sql.push_str(&format!(", \"geom\" {shape}"));
    }
    for (_, column) in columns {
        sql.push_str(&format!(", {} {}", quoted(&column.name), type_of(column.kind)));
    }
    database.execute_batch(&format!("{sql});")).map_err(fault)?;
    let kind = if shape.is_some() { "features" } else { "attributes" };
    let srs = shape.map(|_| SRS);
    database
        .execute(
            "INSERT INTO gpkg_contents (table_name, data_type, identifier, description, last_change, srs_id)
             VALUES (?, ?, ?, ?, ?, ?)",
            params![sheet.name, kind, sheet.name, description(sheet), NO_TIME, srs],
        )
        .map_err(fault)?;
    if let Some(shape) = shape {
        database
            .execute(
                "INSERT INTO gpkg_geometry_columns VALUES (?, 'geom', ?, ?, 0, 0)",
                params![sheet.name, shape, SRS],
            )
            .map_err(fault)?;
        database.execute_batch(&schema::INDEX.replace("{t}", sheet.name)).map_err(fault)?;
    }
    for (_, column) in columns {
        database
            .execute(
                "INSERT INTO gpkg_data_columns (table_name, column_name, description) VALUES (?, ?, ?)",
                params![sheet.name, column.name, column.meaning],
            )
            .map_err(fault)?;
    }
    Ok(())
}

fn finish(database: &Connection, sheet: &Sheet<'_>, bounds: Option<Bbox>) -> io::Result<()> {
    if sheet.outlines != Outlines::None {
        database.execute_batch(&schema::TRIGGERS.replace("{t}", sheet.name)).map_err(fault)?;
    }
    let Some(all) = bounds else { return Ok(()) };
    let sql = "UPDATE gpkg_contents SET min_x = ?, min_y = ?, max_x = ?, max_y = ? WHERE table_name = ?";
    database.execute(sql, params![all.west, all.south, all.east, all.north, sheet.name]).map_err(fault)?;
    Ok(())
}

/// What a person reads about the layer in QGIS.
fn description(sheet: &Sheet<'_>) -> String {
    let map = sheet.map;
    let mut words = vec![map.title.clone(), sheet.about.to_owned()];
    words.extend(map.licence.iter().map(|licence| format!("Licence: {licence}.")));
    words.extend(map.attributions().iter().map(|credit| format!("Imagery: {credit}")));
    words.join("\n")
}

fn type_of(kind: Kind) -> &'static str {
    match kind {
        Kind::Text => "TEXT",
        Kind::Int => "INTEGER",
        Kind::Number => "DOUBLE",
        Kind::Bool => "BOOLEAN",
        Kind::Instant => "DATETIME",
        Kind::Day => "DATE",
        Kind::Outline => "GEOMETRY",
    }
}

/// A value on its way into SQLite; text is lent, not copied.
enum Bound<'a> {
    Lent(&'a str),
    Own(Cell),
}

impl ToSql for Bound<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Bound::Lent(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
            Bound::Own(cell) => ToSqlOutput::Borrowed(cell.into()),
        })
    }
}

fn cell<'a>(column: &Column, value: &'a Value) -> io::Result<Bound<'a>> {
    if !value.is_of(column.kind) {
        return Err(misplaced(column, value));
    }
    let spelled = |push: fn(&mut String, i64), ms: i64| {
        let mut text = String::with_capacity(24);
        push(&mut text, ms);
        Cell::Text(text)
    };
    Ok(match value {
        Value::Blank | Value::Outline => Bound::Own(Cell::Null),
        Value::Bool(yes) => Bound::Own(Cell::Integer((*yes).into())),
        Value::Int(number) => Bound::Own(Cell::Integer(*number)),
        Value::Number(number) => Bound::Own(Cell::Real(*number)),
        Value::Text(text) => Bound::Lent(text),
        Value::Instant(ms) => Bound::Own(spelled(push_instant, *ms)),
        Value::Day(ms) => Bound::Own(spelled(push_day, *ms)),
    })
}

fn rounded(bbox: Bbox) -> Bbox {
    let [west, south, east, north] = bbox.to_array().map(round);
    Bbox { west, south, east, north }
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

//! From the damage map to bytes: one file for each format behind one small trait, all listed in `FORMATS`.
//!
//! A format never asks the database. It is given sheets (what the file says about itself, and its columns), each with an
//! iterator of records, and writes them one by one, so memory does not grow with the number of rows; what has to be seen
//! twice goes to a scratch folder. The same records always give the same bytes: nothing here reads a clock, and numbers
//! have one spelling.

mod about;
pub mod code_book;
pub mod compat;
mod csv;
mod flatgeobuf;
pub mod geojson;
mod geojson_seq;
mod geometry;
mod geopackage;
mod geotiff;
mod gzip;
pub mod method_note;
mod parquet;
mod sheet;
mod text;
pub mod validation;
pub mod vector_tile;

use std::io::{self, Write};
use std::path::Path;

use crate::domain::damage_map::What;
pub use crate::domain::geometry::Geometry;
pub use about::about;
pub use csv::guarded;
pub use sheet::{Column, Kind, Outlines, Sheet, cells, history, labels, scenes, tiles, volunteers};
pub use text::{day, instant};

/// One way of writing a file.
pub trait Format: Sync {
    /// The end of the file's name, also its name on the command line.
    fn extension(&self) -> &'static str;

    /// What it is called in HTTP.
    fn media_type(&self) -> &'static str;

    /// Whether it can hold such rows.
    fn holds(&self, what: What) -> bool;

    /// Whether a file of tiles holds the scenes, and the labels for whoever may see them, as layers of their own.
    fn has_layers(&self) -> bool {
        false
    }

    /// Writes all records of all sheets and returns how many the first sheet has. Stops at the first error, be it of the
    /// records or of `out`. What has to be seen twice goes to nameless files in `scratch`.
    fn write(&self, sheets: &mut Sheets<'_>, out: &mut (dyn Write + Send), scratch: &Path) -> io::Result<u64>;
}

/// The rows of a sheet, one at a time. An error is the database's, wrapped.
pub type Records<'a> = dyn Iterator<Item = io::Result<Record>> + 'a;

/// What a format does with one sheet and its records.
pub type Take<'a> = dyn FnMut(&Sheet<'_>, &mut Records<'_>) -> io::Result<()> + 'a;

/// The sheets of a file: hands each over in its turn. All but formats with layers are given one.
pub type Sheets<'a> = dyn FnMut(&mut Take<'_>) -> io::Result<()> + 'a;

/// All formats, those for people first.
pub const FORMATS: [&dyn Format; 11] = [
    &csv::Csv,
    &geojson::GeoJson,
    &geojson_seq::GeoJsonSeq,
    &geopackage::GeoPackage,
    &flatgeobuf::FlatGeobuf,
    &parquet::Parquet,
    &geotiff::Bands,
    &geotiff::Classes,
    &gzip::Gzip { inner: &csv::Csv, extension: "csv.gz" },
    &gzip::Gzip { inner: &geojson::GeoJson, extension: "geojson.gz" },
    &gzip::Gzip { inner: &geojson_seq::GeoJsonSeq, extension: "geojsons.gz" },
];

/// The format of that extension.
pub fn format(extension: &str) -> Option<&'static dyn Format> {
    FORMATS.into_iter().find(|format| format.extension() == extension)
}

/// Whether such rows have a place on the earth.
fn has_places(what: What) -> bool {
    matches!(what, What::Tiles | What::Scenes)
}

/// One row: its values in the order of the sheet's columns, and its place on the earth if it has one.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// What names the row among all; not a column of its own.
    pub id: String,
    /// The outline.
    pub geometry: Option<Geometry>,
    /// One value for each column, of the column's kind.
    pub values: Vec<Value>,
}

/// One cell.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Unknown, or not to be seen.
    Blank,
    /// Yes or no.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Any other number; printed with as many digits as it takes to read the same number back.
    Number(f64),
    /// Words.
    Text(String),
    /// Milliseconds since 1970, printed in RFC 3339, UTC.
    Instant(i64),
    /// The same, printed as the day alone.
    Day(i64),
    /// The record's own outline. Formats with places of their own leave it out.
    Outline,
}

impl Value {
    /// As it is spelled in files; empty for what is blank.
    pub fn spelled(&self) -> String {
        let mut words = String::new();
        match self {
            Value::Blank | Value::Outline => {}
            Value::Bool(yes) => words.push_str(if *yes { "true" } else { "false" }),
            Value::Int(number) => words = number.to_string(),
            Value::Number(number) => words = number.to_string(),
            Value::Text(text) => words.push_str(text),
            Value::Instant(ms) => text::push_instant(&mut words, *ms),
            Value::Day(ms) => text::push_day(&mut words, *ms),
        }
        words
    }

    fn number(value: Option<f64>) -> Value {
        value.filter(|value| value.is_finite()).map_or(Value::Blank, Value::Number)
    }

    fn text(value: Option<&str>) -> Value {
        value.map_or(Value::Blank, |value| Value::Text(value.to_owned()))
    }

    /// Whether it may stand in a column of that kind.
    pub fn is_of(&self, kind: Kind) -> bool {
        match self {
            Value::Blank => true,
            Value::Bool(_) => kind == Kind::Bool,
            Value::Int(_) => kind == Kind::Int,
            Value::Number(_) => kind == Kind::Number,
            Value::Text(_) => kind == Kind::Text,
            Value::Instant(_) => kind == Kind::Instant,
            Value::Day(_) => kind == Kind::Day,
            Value::Outline => kind == Kind::Outline,
        }
    }
}

/// A value in a column that is declared to hold something else: a fault of ours.
fn misplaced(column: &Column, value: &Value) -> io::Error {
    io::Error::other(format!("{value:?} stands in the column {}, which holds {}", column.name, column.kind.key()))
}

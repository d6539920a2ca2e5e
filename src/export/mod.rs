//! From the damage map to bytes: one file for each format behind one small trait, all listed in `FORMATS`.
//!
//! A format never asks the database. It is given a sheet (what the file says about itself, and its columns) and an
//! iterator of records, and writes them one by one, so memory does not grow with the number of rows. The same records
//! always give the same bytes: nothing here reads a clock, and numbers have one spelling.

pub mod compat;
mod csv;
pub mod geojson;
mod geometry;
mod sheet;
mod text;
pub mod validation;
pub mod vector_tile;

use std::io::{self, Write};

pub use crate::domain::geometry::Geometry;
pub use sheet::{Sheet, cells, history, labels, scenes, tiles, volunteers};
pub use text::day;

/// One way of writing a file.
pub trait Format: Sync {
    /// The end of the file's name, also its name on the command line.
    fn extension(&self) -> &'static str;

    /// What it is called in HTTP.
    fn media_type(&self) -> &'static str;

    /// Whether every row must have a place on the earth.
    fn needs_places(&self) -> bool;

    /// Writes all records and returns how many. Stops at the first error, be it of the records or of `out`.
    fn write(&self, sheet: &Sheet, records: &mut Records, out: &mut dyn Write) -> io::Result<u64>;
}

/// The rows of a file, one at a time. An error is the database's, wrapped.
pub type Records<'a> = dyn Iterator<Item = io::Result<Record>> + 'a;

/// All formats.
pub const FORMATS: [&dyn Format; 2] = [&csv::Csv, &geojson::GeoJson];

/// The format of that extension.
pub fn format(extension: &str) -> Option<&'static dyn Format> {
    FORMATS.into_iter().find(|format| format.extension() == extension)
}

/// One row: its values in the order of the sheet's columns, and its place on the earth if it has one.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// What names the row among all; not a column of its own.
    pub id: String,
    /// The outline.
    pub geometry: Option<Geometry>,
    /// One value for each column.
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
}

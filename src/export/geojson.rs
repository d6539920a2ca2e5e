//! GeoJSON (RFC 7946), written feature by feature: the same names as in CSV, null where CSV is blank.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::path::Path;

use super::geometry::round;
use super::text::{push_day, push_instant};
use super::{Format, Record, Sheet, Sheets, Value, about, has_places};
use crate::domain::damage_map::What;

/// One FeatureCollection.
pub struct GeoJson;

/// Text is handed on in pieces of about this many bytes.
pub(super) const PIECE: usize = 1 << 16;

impl Format for GeoJson {
    fn extension(&self) -> &'static str {
        "geojson"
    }

    fn media_type(&self) -> &'static str {
        "application/geo+json"
    }

    fn holds(&self, what: What) -> bool {
        has_places(what)
    }

    fn write(&self, sheets: &mut Sheets<'_>, out: &mut (dyn Write + Send), _: &Path) -> io::Result<u64> {
        let mut count = 0;
        sheets(&mut |sheet, records| {
            let names = property_names(sheet);
            let mut text = opening(sheet);
            for record in records {
                text.push_str(if count == 0 { "\n" } else { ",\n" });
                push_feature(&mut text, &names, &record?);
                count += 1;
                if text.len() >= PIECE {
                    out.write_all(text.as_bytes())?;
                    text.clear();
                }
            }
            text.push_str("\n]}\n");
            out.write_all(text.as_bytes())
        })?;
        out.flush()?;
        Ok(count)
    }
}

/// The names of all columns as JSON spells them, with the colon behind.
pub(super) fn property_names(sheet: &Sheet<'_>) -> Vec<String> {
    sheet.columns.iter().map(|column| format!("{}:", quoted(&column.name))).collect()
}

/// All up to the first feature. What the map says about itself stands first, so that a reader need not wait for it.
fn opening(sheet: &Sheet<'_>) -> String {
    let mut text = r#"{"type":"FeatureCollection""#.to_owned();
    for (name, value) in about(sheet) {
        // Writing to a String cannot fail.
        let _ = write!(text, ",{}:{value}", quoted(&name));
    }
    if let Some(bounds) = sheet.bounds {
        let [west, south, east, north] = bounds.to_array().map(round);
        let _ = write!(text, r#","bbox":[{west},{south},{east},{north}]"#);
    }
    text.push_str(r#","features":["#);
    text
}

/// One feature, with further members such as `,"links":[]` before its end.
pub fn feature(columns: &[String], record: &Record, more: &str) -> String {
    let names: Vec<String> = columns.iter().map(|name| format!("{}:", quoted(name))).collect();
    let mut text = String::new();
    push_feature(&mut text, &names, record);
    text.truncate(text.len() - 1);
    text + more + "}"
}

pub(super) fn push_feature(text: &mut String, names: &[String], record: &Record) {
    text.push_str(r#"{"type":"Feature","id":"#);
    text.push_str(&quoted(&record.id));
    text.push_str(r#","geometry":"#);
    match &record.geometry {
        Some(geometry) => geometry.push_geojson(text),
        None => text.push_str("null"),
    }
    text.push_str(r#","properties":{"#);
    let mut first = true;
    for (name, value) in names.iter().zip(&record.values) {
        if *value == Value::Outline {
            continue;
        }
        if !first {
            text.push(',');
        }
        first = false;
        text.push_str(name);
        push_value(text, value);
    }
    text.push_str("}}");
}

fn push_value(text: &mut String, value: &Value) {
    // Writing to a String cannot fail.
    let _ = match value {
        Value::Blank | Value::Outline => text.write_str("null"),
        Value::Bool(yes) => write!(text, "{yes}"),
        Value::Int(number) => write!(text, "{number}"),
        Value::Number(number) if number.is_finite() => write!(text, "{number}"),
        Value::Number(_) => text.write_str("null"),
        Value::Text(words) => text.write_str(&quoted(words)),
        Value::Instant(ms) => return in_quotes(text, |text| push_instant(text, *ms)),
        Value::Day(ms) => return in_quotes(text, |text| push_day(text, *ms)),
    };
}

fn in_quotes(text: &mut String, push: impl FnOnce(&mut String)) {
    text.push('"');
    push(text);
    text.push('"');
}

/// A JSON string.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

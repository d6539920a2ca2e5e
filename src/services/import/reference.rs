//! A reference: what is known of the ground, tile by tile, from a GeoJSON file or a CSV.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use serde_json::Value as Json;

use super::files::{name, named, open, rows, wrong, wrong_cell, wrong_row};
use super::places::word;
use crate::domain::scale::Scale;
use crate::services::Error;

/// Columns that may name a tile, the first that is there.
const NAMES: [&str; 4] = ["task_id", "tile_id", "task", "id"];

/// What is known of tiles, by their public ids.
#[derive(Debug)]
pub struct Reference {
    /// Name of the file.
    pub file: String,
    /// The column that was read.
    pub column: String,
    truth: HashMap<String, bool>,
}

impl Reference {
    /// Reads a reference. Damaged is a number of at least 1, a class of the scale beyond the first, `true` or `yes`;
    /// undamaged is 0, the first class, `false` or `no`; an empty cell says nothing.
    pub fn read(path: &Path, column: &str, scale: &Scale) -> Result<Reference, Error> {
        let mut reader = open(path)?;
        let start = reader.fill_buf().map_err(|error| wrong(path, format!("cannot be read: {error}")))?;
        let is_json = start.iter().find(|byte| !byte.is_ascii_whitespace()).is_some_and(|byte| b"{[".contains(byte));
        let mut reading = Reading { path: path.to_owned(), column, scale, truth: HashMap::new() };
        match is_json {
            true => reading.features(serde_json::from_reader(reader).map_err(|error| wrong(path, error))?)?,
            false => reading.table()?,
        }
        if reading.truth.is_empty() {
            return Err(wrong(path, format!("its column `{column}` says nothing of any tile")));
        }
        Ok(Reference { file: name(path), column: column.to_owned(), truth: reading.truth })
    }

    /// Whether a tile is damaged, if that is known.
    pub fn of(&self, tile_id: &str) -> Option<bool> {
        self.truth.get(tile_id).copied()
    }

    /// Tiles of which it is known.
    pub fn len(&self) -> usize {
        self.truth.len()
    }

    /// Whether nothing is known of any.
    pub fn is_empty(&self) -> bool {
        self.truth.is_empty()
    }
}

struct Reading<'a> {
    path: PathBuf,
    column: &'a str,
    scale: &'a Scale,
    truth: HashMap<String, bool>,
}

impl Reading<'_> {
    fn features(&mut self, json: Json) -> Result<(), Error> {
        let features = json.get("features").and_then(Json::as_array);
        let features = features.ok_or_else(|| wrong(&self.path, "is no FeatureCollection"))?;
        for (place, feature) in features.iter().enumerate() {
            let fault = |reason: String| wrong(&self.path, format!("feature {}: {reason}", place + 1));
            let property = |name: &str| feature.get("properties")?.get(name);
            let tile = NAMES.iter().find_map(|name| word(property(name)?)).or_else(|| word(feature.get("id")?));
            let tile = tile.ok_or_else(|| fault(format!("has none of the properties {}", NAMES.join(", "))))?;
            let value = property(self.column).ok_or_else(|| {
                let names: Vec<&str> = feature
                    .get("properties")
                    .and_then(Json::as_object)
                    .map_or(Vec::new(), |all| all.keys().map(String::as_str).collect());
                fault(format!("has no property `{}`; it has {}", self.column, names.join(", ")))
            })?;
            let truth = self.truth_of(&word(value).unwrap_or_default()).map_err(fault)?;
            self.put(tile, truth).map_err(|reason| wrong(&self.path, format!("feature {}: {reason}", place + 1)))?;
        }
        Ok(())
    }

    fn table(&mut self) -> Result<(), Error> {
        let path = self.path.clone();
        let mut reader = rows(&path)?;
        let header = reader.headers().map_err(|error| wrong_row(&path, &error))?.clone();
        let column = |name: &str| header.iter().position(|column| column.trim() == name);
        let tile = NAMES.iter().find_map(|name| column(name));
        let (Some(tile), Some(truth)) = (tile, column(self.column)) else {
            let has = named(&header);
            return Err(wrong(
                &path,
                format!("line 1: the columns task_id and {} are needed; there are {has}", self.column),
            ));
        };
        for record in reader.records() {
            let record = record.map_err(|error| wrong_row(&path, &error))?;
            let line = record.position().map_or(0, csv::Position::line);
            let fault = |reason: String| wrong_cell(&path, line, self.column, reason);
            let value = self.truth_of(record[truth].trim()).map_err(fault)?;
            let put = self.put(record[tile].trim().to_owned(), value);
            put.map_err(|reason| wrong(&path, format!("line {line}: {reason}")))?;
        }
        Ok(())
    }

    fn truth_of(&self, text: &str) -> Result<Option<bool>, String> {
        let class = self.scale.classes().iter().position(|class| class.key == text);
        match (text, class, text.parse::<f64>()) {
            ("", ..) => Ok(None),
            (_, Some(class), _) => Ok(Some(class > 0)),
            ("true" | "yes", ..) => Ok(Some(true)),
            ("false" | "no", ..) => Ok(Some(false)),
            (_, _, Ok(number)) if number == 0.0 || number >= 1.0 => Ok(Some(number >= 1.0)),
            _ => Err(format!("`{text}` is neither damaged (1, a class of the scale) nor undamaged (0)")),
        }
    }

    fn put(&mut self, tile: String, truth: Option<bool>) -> Result<(), String> {
        let Some(truth) = truth else { return Ok(()) };
        match self.truth.insert(tile.clone(), truth) {
            Some(before) if before != truth => Err(format!("`{tile}` was said to be otherwise before")),
            _ => Ok(()),
        }
    }
}

//! Where tasks lie: cells by their ids, everything else by features that are given beside.

use std::collections::HashMap;
use std::io::Read;
use std::path::Path;

use serde_json::Value as Json;

use super::files::{open, wrong};
use super::{Place, Published};
use crate::domain::bbox::Bbox;
use crate::domain::cell::Cell;
use crate::imagery::footprints::{Footprint, parse_footprints};
use crate::services::Error;

/// Properties that may name a feature's task, the first that is there.
const NAMES: [&str; 4] = ["task_id", "tile_id", "task", "footprint_id"];
/// The largest accepted file of features, bytes.
const MOST_BYTES: u64 = 2 << 30;

/// Outlines by the id of their task.
#[derive(Debug, Default)]
pub struct Outlines {
    of: HashMap<String, (String, Bbox)>,
}

impl Outlines {
    /// Reads the features of a GeoJSON file (plain or gzip); also counts, where features have them. Returns how many.
    pub fn read(&mut self, path: &Path, published: &mut Vec<Published>) -> Result<u64, Error> {
        let mut text = String::new();
        let read = open(path)?.take(MOST_BYTES).read_to_string(&mut text);
        read.map_err(|error| wrong(path, format!("cannot be read as UTF-8: {error}")))?;
        let features = parse_footprints(&text).map_err(|reason| wrong(path, reason))?;
        let count = features.len() as u64;
        for feature in features {
            let task = task_of(&feature);
            published.extend(counts(&task, &feature));
            if self.of.insert(task.clone(), (feature.geometry, feature.bbox)).is_some() {
                return Err(wrong(path, format!("two features are the task `{task}`; ids must differ")));
            }
        }
        Ok(count)
    }

    /// The tasks that have an outline, sorted.
    pub fn tasks(&self) -> Vec<&str> {
        let mut tasks: Vec<&str> = self.of.keys().map(String::as_str).collect();
        tasks.sort_unstable();
        tasks
    }

    /// Where a task lies; otherwise what is missing.
    pub fn place(&self, task: &str) -> Result<Place, String> {
        if let Ok(cell) = task.parse::<Cell>() {
            return Ok(Place::Cell(cell));
        }
        let outline = self.of.get(task).map(|(geometry, bbox)| Place::Outline(geometry.clone(), *bbox));
        outline.ok_or_else(|| {
            format!(
                "`{task}` is no tile id like 17-65536-43690; give the outlines of such tasks with --outlines FILE.geojson"
            )
        })
    }

    /// Whether [`Outlines::place`] will find a task.
    pub fn check(&self, task: &str) -> Result<(), String> {
        match task.parse::<Cell>().is_ok() || self.of.contains_key(task) {
            true => Ok(()),
            false => self.place(task).map(drop),
        }
    }
}

/// What a feature's task is called.
pub fn task_of(feature: &Footprint) -> String {
    let named = NAMES.iter().find_map(|name| word(feature.properties.get(*name)?));
    named.unwrap_or_else(|| feature.id.clone())
}

/// A property as the word that a table would hold.
pub fn word(value: &Json) -> Option<String> {
    match value {
        Json::String(text) => Some(text.trim().to_owned()),
        Json::Number(number) => match number.as_f64() {
            // 3.0 and 3 are the same answer.
            Some(whole) if whole.fract() == 0.0 && whole.abs() < 1e15 => Some(format!("{whole:.0}")),
            _ => Some(number.to_string()),
        },
        Json::Bool(yes) => Some(yes.to_string()),
        _ => None,
    }
}

fn counts(task: &str, feature: &Footprint) -> Option<Published> {
    let count = |name: &str| feature.properties.get(name)?.as_f64().filter(|count| *count >= 0.0);
    let (yes, total) = (count("1_count")?, count("total_count")?);
    Some(Published { task: task.to_owned(), total: total as u64, yes: yes as u64 })
}

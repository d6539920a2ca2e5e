//! The columns of every file, and how a row becomes the values under them. Names and order are those of the code book.

pub mod cells;
pub mod history;
pub mod labels;
pub mod scenes;
pub mod tiles;
pub mod volunteers;

use super::Value;
use crate::domain::bbox::Bbox;
use crate::domain::damage_map::DamageMap;
use crate::domain::scene::Scene;

/// What a file says about itself, and its columns.
pub struct Sheet<'a> {
    /// What it holds: `tiles`, `labels`, …
    pub name: &'static str,
    /// The map it is a part of.
    pub map: &'a DamageMap,
    /// Names of the columns.
    pub columns: Vec<String>,
    /// The box around all its rows.
    pub bounds: Option<Bbox>,
}

impl<'a> Sheet<'a> {
    fn new(name: &'static str, map: &'a DamageMap, columns: impl IntoIterator<Item = impl Into<String>>) -> Sheet<'a> {
        Sheet { name, map, columns: columns.into_iter().map(Into::into).collect(), bounds: map.bounds }
    }
}

/// Days of the last intact and the first damaged scene; of a composite the days that make the window the widest.
fn push_dates(values: &mut Vec<Value>, before: Option<&Scene>, after: Option<&Scene>) {
    values.push(before.map_or(Value::Blank, |scene| Value::Day(scene.captured_from)));
    values.push(after.map_or(Value::Blank, |scene| Value::Day(scene.captured_to)));
}

//! The columns of every file, and how a row becomes the values under them. Names and order are those of the code book.

pub mod cells;
mod column;
pub mod history;
pub mod labels;
pub mod scenes;
pub mod tiles;
pub mod volunteers;

pub use column::{Column, Kind};

use super::Value;
use crate::domain::bbox::Bbox;
use crate::domain::damage_map::DamageMap;
use crate::domain::scene::Scene;

/// What the rows of a sheet have for outlines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outlines {
    /// None: they have no place on the earth.
    None,
    /// One polygon each.
    Polygons,
    /// One or more polygons each.
    MultiPolygons,
}

/// What a file says about itself, and its columns.
pub struct Sheet<'a> {
    /// What it holds: `tiles`, `labels`, …
    pub name: &'static str,
    /// One sentence about that.
    pub about: &'static str,
    /// The map it is a part of.
    pub map: &'a DamageMap,
    /// The columns.
    pub columns: Vec<Column>,
    /// The outlines of its rows.
    pub outlines: Outlines,
    /// The box around all its rows.
    pub bounds: Option<Bbox>,
}

impl<'a> Sheet<'a> {
    fn without_places(
        name: &'static str,
        about: &'static str,
        map: &'a DamageMap,
        columns: impl IntoIterator<Item = Column>,
    ) -> Sheet<'a> {
        let columns = columns.into_iter().collect();
        Sheet { name, about, map, columns, outlines: Outlines::None, bounds: None }
    }

    /// The place of a column among all; `None` where there is none of that name.
    pub fn place_of(&self, column: &str) -> Option<usize> {
        self.columns.iter().position(|other| other.name == column)
    }
}

/// The two columns that [`push_dates`] fills.
fn dates(blank: &'static str) -> [Column; 2] {
    [
        Column::new(
            "date_before",
            Kind::Day,
            "Day of the last scene in which it is intact; of a composite its first day",
        )
        .blank(blank),
        Column::new(
            "date_after",
            Kind::Day,
            "Day of the first scene in which it is damaged; of a composite its last day",
        )
        .blank(blank),
    ]
}

/// Days of the last intact and the first damaged scene; of a composite the days that make the window the widest.
fn push_dates(values: &mut Vec<Value>, before: Option<&Scene>, after: Option<&Scene>) {
    values.push(before.map_or(Value::Blank, |scene| Value::Day(scene.captured_from)));
    values.push(after.map_or(Value::Blank, |scene| Value::Day(scene.captured_to)));
}

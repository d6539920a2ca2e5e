//! The nouns of the project and their rules: plain types, no input or output, nothing asynchronous.

pub mod access;
pub mod alignment;
pub mod announcement;
pub mod area;
pub mod bbox;
pub mod campaign;
pub mod cell;
pub mod check_reason;
pub mod checklist;
pub mod citation;
pub mod coarse;
pub mod consensus;
pub mod crosswalk;
pub mod damage_map;
pub mod estimate;
pub mod finish;
pub mod geometry;
pub mod gold;
pub mod guessable;
pub mod hint;
pub mod job;
pub mod label;
pub mod language;
pub mod layer;
pub mod map_filter;
pub mod map_picture;
pub mod markdown;
pub mod name_key;
pub mod names;
pub mod network;
pub mod policy;
pub mod practice;
pub mod pseudonym;
pub mod release;
pub mod remote_tiles;
pub mod review;
pub mod scale;
pub mod scene;
pub mod second_factor;
pub mod spatial_key;
pub mod standing;
pub mod tile;
pub mod tiling_change;
pub mod token;
pub mod validation;
pub mod volunteer;
pub mod volunteer_quality;
pub(crate) mod words;

use std::fmt;

/// Why a value cannot enter: the field it came in and the reason, in words for the person who sent it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invalid {
    /// The field, as it is named in JSON or on the command line.
    pub field: String,
    /// The reason and what would be right.
    pub reason: String,
}

impl Invalid {
    /// Names a field and says what is wrong with it.
    pub fn new(field: impl Into<String>, reason: impl Into<String>) -> Invalid {
        Invalid { field: field.into(), reason: reason.into() }
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.reason)
    }
}

impl std::error::Error for Invalid {}

//! What an address may ask of the damage map, spelled the same wherever rows of it are given out.

use serde::Deserialize;
use utoipa::IntoParams;

use crate::domain::Invalid;
use crate::domain::damage_map::Cuts;
use crate::domain::map_filter::{FilterWords, MapFilter};
use crate::domain::scale::Scale;

/// Which rows of the map, and thresholds of its columns.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct MapQuery {
    /// Only tiles whose outline meets this box: west,south,east,north in degrees; west of east unless it crosses the date line.
    bbox: Option<String>,
    /// Only tiles whose centre lies in this area: a GeoJSON Polygon or MultiPolygon.
    area: Option<String>,
    /// Only these classes, separated by commas.
    class: Option<String>,
    /// Only these states, separated by commas.
    state: Option<String>,
    /// Only tiles whose class has at least this probability, 0 to 1.
    probability_at_least: Option<String>,
    /// Only damage that may have happened on this day or later: a day (2017-06-06) or an instant.
    damaged_from: Option<String>,
    /// Only damage that may have happened on this day or earlier.
    damaged_to: Option<String>,
    /// Leave the class blank where its probability is below this, 0 to 1. Changes columns, never which rows appear.
    min_probability: Option<f64>,
    /// Add a column that says whether the probability of any damage is at least this, 0 to 1.
    damaged_if: Option<f64>,
}

impl MapQuery {
    /// A query of these words: box, classes, states, probability, first and last day.
    pub fn of([bbox, class, state, probability_at_least, damaged_from, damaged_to]: [Option<String>; 6]) -> MapQuery {
        MapQuery { bbox, class, state, probability_at_least, damaged_from, damaged_to, ..MapQuery::default() }
    }

    /// Which rows; `scale` says which classes there are.
    pub fn filter(&self, scale: &Scale) -> Result<MapFilter, Invalid> {
        let words = FilterWords {
            bbox: self.bbox.clone(),
            area: self.area.clone(),
            class: self.class.clone(),
            state: self.state.clone(),
            probability_at_least: self.probability_at_least.clone(),
            damaged_from: self.damaged_from.clone(),
            damaged_to: self.damaged_to.clone(),
        };
        MapFilter::parse(&words, scale)
    }

    /// Thresholds of columns, unchecked.
    pub fn cuts(&self) -> Cuts {
        Cuts { min_probability: self.min_probability, damaged_if: self.damaged_if }
    }
}

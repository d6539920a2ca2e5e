//! How a part of the damage map is asked for in an address: the filter, and from which probability on a tile is damaged.

use serde::Deserialize;
use utoipa::IntoParams;

use super::gate::CampaignVisit;
use crate::domain::damage_map::{Cuts, Sight};
use crate::domain::map_filter::{FilterWords, MapFilter};
use crate::domain::volunteer::Role;
use crate::services;
use crate::services::map_tiles::Asked;

/// Which tiles of the map, judged as the person who asks sees them.
#[derive(Deserialize, IntoParams, Default)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct MapQuery {
    /// `west,south,east,north` in degrees; west of east unless the box crosses the date line.
    bbox: Option<String>,
    /// A GeoJSON Polygon or MultiPolygon; the centre of a tile must lie in it.
    area: Option<String>,
    /// Classes, separated by commas.
    class: Option<String>,
    /// States, separated by commas.
    state: Option<String>,
    /// The probability of the class is at least this, 0 to 1.
    probability_at_least: Option<String>,
    /// The damage happened on this day or after it, as far as its window says.
    damaged_from: Option<String>,
    /// The damage happened on this day or before it, likewise.
    damaged_to: Option<String>,
    /// Call a tile damaged where the probability of any damage is at least this, 0 to 1.
    damaged_if: Option<f64>,
}

impl MapQuery {
    /// A query of these words: box, classes, states, probability, first and last day.
    pub fn of([bbox, class, state, probability_at_least, damaged_from, damaged_to]: [Option<String>; 6]) -> MapQuery {
        MapQuery { bbox, class, state, probability_at_least, damaged_from, damaged_to, ..MapQuery::default() }
    }

    /// What is asked, by the person who asks.
    pub fn read(self, visit: &CampaignVisit) -> Result<Asked, services::Error> {
        let MapQuery { bbox, area, class, state, probability_at_least, damaged_from, damaged_to, damaged_if } = self;
        Cuts { damaged_if, ..Cuts::default() }.check()?;
        let words = FilterWords { bbox, area, class, state, probability_at_least, damaged_from, damaged_to };
        let filter = MapFilter::parse(&words, &visit.campaign.scale)?;
        Ok(Asked { sight: sight(visit), filter, damaged_if })
    }
}

/// How much of the map the person who asks may see.
pub fn sight(visit: &CampaignVisit) -> Sight {
    match visit.viewer.is_at_least(Role::Researcher, &visit.campaign) {
        true => Sight::Researcher,
        false => Sight::Everybody,
    }
}


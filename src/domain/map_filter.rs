//! Which rows of the damage map somebody asks for: by place, class, state, probability and date of damage.
//!
//! One way to spell it in addresses and on the command line, one function that judges a row. It judges the row as the
//! person who asks sees it, or it would tell what an open tile holds. Thresholds ([`super::damage_map::Cuts`]) are
//! something else: they change columns, never which rows appear.

use super::Invalid;
use super::bbox::Bbox;
use super::consensus::TileState;
use super::damage_map::{DamageMap, TileRow};
use super::geometry::Geometry;
use super::scale::Scale;
use super::scene::Captured;

/// A filter as it is written; blank is as good as absent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FilterWords {
    /// `west,south,east,north` in degrees, or six numbers with heights, which do not matter; west of east unless it
    /// crosses the date line.
    pub bbox: Option<String>,
    /// A GeoJSON Polygon or MultiPolygon.
    pub area: Option<String>,
    /// Classes of the campaign's scale, separated by commas.
    pub class: Option<String>,
    /// States, separated by commas.
    pub state: Option<String>,
    /// A number from 0 to 1.
    pub probability_at_least: Option<String>,
    /// A day (`2017-06-06`) or an instant.
    pub damaged_from: Option<String>,
    /// The same.
    pub damaged_to: Option<String>,
}

/// Which rows are asked for; the default asks for all.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct MapFilter {
    /// The outline shares a place with this box. Where the box crosses the date line, its longitudes go on beyond 180.
    pub bbox: Option<Bbox>,
    /// The centre lies in this area, so that each tile is in exactly one of areas that do not overlap.
    pub area: Option<Geometry>,
    /// The class is one of these places on the scale; none named: any, also none.
    pub classes: Vec<u8>,
    /// The state is one of these; none named: any.
    pub states: Vec<TileState>,
    /// The probability of the class is at least this.
    pub probability_at_least: Option<f64>,
    /// The window in which the damage happened ends at or after this; milliseconds since 1970, UTC.
    pub damaged_from: Option<i64>,
    /// The window begins at or before this.
    pub damaged_to: Option<i64>,
}

/// Corners that an area may have: each tile is compared with all of them.
const MOST_CORNERS: usize = 20_000;

impl MapFilter {
    /// Reads a filter; `scale` says which classes there are.
    ///
    /// # Errors
    /// Names the word that is wrong and says what would be right.
    pub fn parse(words: &FilterWords, scale: &Scale) -> Result<MapFilter, Invalid> {
        let day = |name, text: Option<&str>| text.map(|text| Captured::parse(name, text)).transpose();
        let filter = MapFilter {
            bbox: given(&words.bbox).map(bbox).transpose()?,
            area: given(&words.area).map(area).transpose()?,
            classes: given(&words.class).map_or(Ok(Vec::new()), |text| classes(text, scale))?,
            states: given(&words.state).map_or(Ok(Vec::new()), states)?,
            probability_at_least: given(&words.probability_at_least).map(probability).transpose()?,
            damaged_from: day("damaged_from", given(&words.damaged_from))?.map(|day| day.from),
            damaged_to: day("damaged_to", given(&words.damaged_to))?.map(|day| day.to),
        };
        if let (Some(from), Some(to)) = (filter.damaged_from, filter.damaged_to)
            && from > to
        {
            return Err(Invalid::new("damaged_to", "lies before damaged_from: exchange the two"));
        }
        Ok(filter)
    }

    /// Whether it asks for all rows.
    pub fn is_everything(&self) -> bool {
        *self == MapFilter::default()
    }

    /// A box around all that it asks for, if it asks for a place. Its longitudes may go on beyond 180.
    pub fn search_box(&self) -> Option<Bbox> {
        self.bbox.or_else(|| self.area.as_ref().map(Geometry::bbox))
    }

    /// Whether it asks for this row. The row must be as the person who asks sees it ([`TileRow::seen_by`]).
    pub fn admits(&self, map: &DamageMap, row: &TileRow) -> bool {
        self.admits_standing(row) && self.admits_window(map, row) && self.admits_place(row)
    }

    fn admits_standing(&self, row: &TileRow) -> bool {
        let consensus = row.crowd.as_ref().and_then(|crowd| crowd.consensus.as_ref());
        let class = consensus.and_then(|consensus| consensus.class);
        let probability = consensus.and_then(|consensus| consensus.probability);
        let sure = |least: f64| probability.is_some_and(|probability| probability >= least);
        (self.states.is_empty() || self.states.contains(&row.state))
            && (self.classes.is_empty() || class.is_some_and(|class| self.classes.contains(&class)))
            && self.probability_at_least.is_none_or(sure)
    }

    /// Only damage that is dated by a first damaged scene has a window; one without a last intact scene is open.
    fn admits_window(&self, map: &DamageMap, row: &TileRow) -> bool {
        if self.damaged_from.is_none() && self.damaged_to.is_none() {
            return true;
        }
        let class = row.crowd.as_ref().and_then(|crowd| crowd.consensus.as_ref()?.class);
        let (before, after) = map.window(row, class);
        let Some(after) = after else { return false };
        let begins = before.map_or(i64::MIN, |scene| scene.captured_from);
        self.damaged_from.is_none_or(|from| after.captured_to >= from) && self.damaged_to.is_none_or(|to| begins <= to)
    }

    fn admits_place(&self, row: &TileRow) -> bool {
        const TURNS: [f64; 3] = [0.0, 360.0, -360.0];
        let (lon, lat) = row.tile.bbox.centre();
        let inside = |area: &Geometry| TURNS.iter().any(|turn| area.contains((lon + turn, lat)));
        let meets = |bbox: Bbox| {
            let bbox = |turn: &f64| bbox.turned(*turn);
            // Most tiles are decided by their square; only where it is met does the footprint have to be read.
            let mut near = TURNS.iter().map(bbox).filter(|bbox| row.tile.bbox.touches(*bbox)).peekable();
            near.peek().is_some() && {
                let outline = row.tile.footprint.as_ref().map(|_| Geometry::of_tile(&row.tile));
                outline.is_none_or(|outline| near.any(|bbox| outline.meets(bbox)))
            }
        };
        self.bbox.is_none_or(meets) && self.area.as_ref().is_none_or(inside)
    }
}

fn given(text: &Option<String>) -> Option<&str> {
    text.as_deref().map(str::trim).filter(|text| !text.is_empty())
}

fn bbox(text: &str) -> Result<Bbox, Invalid> {
    let wrong = |reason: &str| Invalid::new("bbox", format!("`{}` {reason}", shortened(text)));
    let numbers: Option<Vec<f64>> =
        text.split(',').map(|number| number.trim().parse().ok().filter(|number: &f64| number.is_finite())).collect();
    let [west, south, mut east, north] = match numbers.as_deref() {
        Some(&[west, south, east, north]) | Some(&[west, south, _, east, north, _]) => [west, south, east, north],
        _ => return Err(wrong("is no box: write west,south,east,north in degrees, e.g. 38.9,35.9,39.1,36.0")),
    };
    if south > north {
        return Err(wrong("is upside down: the second number is the south, the fourth the north"));
    }
    if south < -90.0 || north > 90.0 {
        return Err(wrong("lies beyond a pole: latitudes go from -90 to 90"));
    }
    if west.abs() > 360.0 || east.abs() > 360.0 {
        return Err(wrong("is no place on the earth: longitudes go from -180 to 180"));
    }
    if west > east {
        if west > 180.0 || east < -180.0 {
            return Err(wrong("has its west beyond its east: across the date line both lie between -180 and 180"));
        }
        east += 360.0;
    }
    Ok(Bbox { west, south, east, north })
}

fn area(text: &str) -> Result<Geometry, Invalid> {
    let area = Geometry::from_geojson(text).ok_or_else(|| {
        Invalid::new("area", format!("`{}` is no GeoJSON Polygon or MultiPolygon in degrees", shortened(text)))
    })?;
    let Bbox { west, south, east, north } = area.bbox();
    if !(-360.0..=540.0).contains(&west) || !(-360.0..=540.0).contains(&east) || south < -90.0 || north > 90.0 {
        let reason =
            "has corners off the earth: use degrees, longitudes from -180 to 180 (to 540 across the date line)";
        return Err(Invalid::new("area", reason));
    }
    let corners: usize = area.polygons().iter().flatten().map(Vec::len).sum();
    if corners > MOST_CORNERS {
        return Err(Invalid::new("area", format!("has {corners} corners: simplify it to at most {MOST_CORNERS}")));
    }
    Ok(area)
}

fn classes(text: &str, scale: &Scale) -> Result<Vec<u8>, Invalid> {
    let keys: Vec<&str> = scale.classes().iter().map(|class| class.key.as_str()).collect();
    listed("class", text, |word| keys.iter().position(|key| *key == word).map(|place| place as u8), &keys)
}

fn states(text: &str) -> Result<Vec<TileState>, Invalid> {
    let keys: Vec<&str> = TileState::ALL.iter().map(|state| state.key()).collect();
    listed("state", text, TileState::from_key, &keys)
}

/// Words separated by commas, in order and each once.
fn listed<T: Ord>(name: &str, text: &str, known: impl Fn(&str) -> Option<T>, keys: &[&str]) -> Result<Vec<T>, Invalid> {
    let read = |word: &str| {
        let unknown = || Invalid::new(name, format!("`{}` is none of {}", shortened(word), keys.join(", ")));
        known(word).ok_or_else(unknown)
    };
    let mut found = text.split(',').map(str::trim).map(read).collect::<Result<Vec<T>, Invalid>>()?;
    found.sort();
    found.dedup();
    Ok(found)
}

fn probability(text: &str) -> Result<f64, Invalid> {
    let number = text.parse().ok().filter(|number| (0.0..=1.0).contains(number));
    number.ok_or_else(|| {
        let reason = format!("`{}` is no probability: use a number from 0 to 1", shortened(text));
        Invalid::new("probability_at_least", reason)
    })
}

/// As much of a word as is worth repeating.
fn shortened(text: &str) -> String {
    let mut start: String = text.chars().take(60).collect();
    if start.len() < text.len() {
        start.push('…');
    }
    start
}

#[cfg(test)]
#[path = "map_filter_tests.rs"]
mod tests;

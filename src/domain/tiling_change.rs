//! A change of how a campaign's tiles are made: what it does not name stays.

use serde::{Deserialize, Deserializer, Serialize};

use super::Invalid;
use super::campaign::{Surroundings, TileSource, Tiling};
use super::cell::MAX_ZOOM;

/// What is to be otherwise.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TilingChange {
    /// Grid cells or building footprints.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<TileSource>,
    /// Zoom of grid cells; `Some(None)`: what fits the imagery.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    pub zoom: Option<Option<u8>>,
    /// Margin around a footprint, as a share of its longer side.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub margin: Option<f64>,
    /// The smallest square around a footprint, metres.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub least_m: Option<f64>,
    /// GeoJSON geometry; `Some(None)`: wherever there is imagery.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    pub area: Option<Option<String>>,
}

/// Tells a `null` that was given from a field that was not.
pub fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(from: D) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(from).map(Some)
}

impl TilingChange {
    /// The tiling after the change.
    ///
    /// # Errors
    /// Where a number cannot be, naming `tiles.…`.
    pub fn applied_to(&self, before: &Tiling) -> Result<Tiling, Invalid> {
        let after = Tiling {
            source: self.source.unwrap_or(before.source),
            zoom: self.zoom.unwrap_or(before.zoom),
            surroundings: Surroundings {
                margin: self.margin.unwrap_or(before.surroundings.margin),
                least_m: self.least_m.unwrap_or(before.surroundings.least_m),
            },
            area: self.area.clone().unwrap_or_else(|| before.area.clone()),
        };
        after.surroundings.check()?;
        match after.zoom {
            Some(zoom) if zoom > MAX_ZOOM => {
                Err(Invalid::new("tiles.zoom", format!("the zoom of tiles lies between 0 and {MAX_ZOOM}")))
            }
            _ => Ok(after),
        }
    }

    /// The names of what differs, as in a campaign file.
    pub fn names(before: &Tiling, after: &Tiling) -> Vec<String> {
        let (b, a) = (before.surroundings, after.surroundings);
        let differ = [
            ("tiles.source", before.source != after.source),
            ("tiles.zoom", before.zoom != after.zoom),
            ("tiles.margin", b.margin != a.margin),
            ("tiles.least_m", b.least_m != a.least_m),
            ("area", before.area != after.area),
        ];
        differ.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name.to_owned()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tiling() -> Tiling {
        let area = Some("{}".into());
        Tiling { source: TileSource::Cells, zoom: Some(17), surroundings: Surroundings::default(), area }
    }

    #[test]
    fn what_is_not_named_stays_and_null_takes_away() {
        let change: TilingChange = serde_json::from_str(r#"{"zoom":null,"margin":1.0}"#).unwrap();
        let after = change.applied_to(&tiling()).unwrap();
        assert_eq!((after.zoom, after.area.as_deref(), after.surroundings.margin), (None, Some("{}"), 1.0));
        assert_eq!(TilingChange::names(&tiling(), &after), ["tiles.zoom", "tiles.margin"]);
    }

    #[test]
    fn a_change_survives_being_written_down() {
        let change = TilingChange { zoom: Some(None), area: Some(None), ..TilingChange::default() };
        let text = serde_json::to_string(&change).unwrap();
        assert_eq!(serde_json::from_str::<TilingChange>(&text).unwrap(), change, "{text}");
    }

    #[test]
    fn impossible_numbers_are_named() {
        let field = |text: &str| {
            let change: TilingChange = serde_json::from_str(text).unwrap();
            change.applied_to(&tiling()).unwrap_err().field
        };
        assert_eq!(field(r#"{"zoom":99}"#), "tiles.zoom");
        assert_eq!(field(r#"{"margin":-1}"#), "tiles.margin");
        assert_eq!(field(r#"{"least_m":0}"#), "tiles.least_m");
    }
}

//! What an address asks of a collection. A parameter that nobody knows is refused, as the standard wants it.

use actix_web::HttpRequest;
use actix_web::web::Query;

use super::links::{Format, encoded};
use crate::domain::Invalid;
use crate::domain::campaign::Campaign;
use crate::domain::damage_map::Cuts;
use crate::domain::layer::Layer;
use crate::domain::map_filter::{FilterWords, MapFilter};
use crate::domain::scene::Captured;
use crate::http::error::Error;
use crate::services::maps::features::{Condition, Wanted, property_names};

/// Features on a page where nobody says how many.
pub const DEFAULT_LIMIT: usize = 100;
/// Most features on a page; whoever asks for more gets so many.
pub const MAX_LIMIT: usize = 5_000;
/// Filters that tiles know beside their properties; `class` and `state` take several words.
pub const TILE_FILTERS: [&str; 6] = ["area", "class", "state", "probability_at_least", "damaged_from", "damaged_to"];
/// Thresholds of columns.
pub const CUTS: [&str; 2] = ["min_probability", "damaged_if"];

/// The parameters of an address, in order.
#[derive(Debug, Clone)]
pub struct Asked {
    parameters: Vec<(String, String)>,
}

impl Asked {
    /// Reads them; each may stand only once.
    pub fn of(request: &HttpRequest) -> Result<Asked, Error> {
        let read = Query::<Vec<(String, String)>>::from_query(request.query_string());
        let parameters = read.map_err(|error| Error::unreadable(error.to_string()))?.into_inner();
        for (place, (name, _)) in parameters.iter().enumerate() {
            if parameters[..place].iter().any(|(other, _)| other == name) {
                let reason = "stands twice: write several words in one, with commas between them";
                return Err(Error::bad_parameter(Invalid::new(name, reason)));
            }
        }
        Ok(Asked { parameters })
    }

    /// A parameter's text; blank is as good as absent.
    pub fn get(&self, name: &str) -> Option<&str> {
        let found = self.parameters.iter().find(|(other, _)| other == name);
        found.map(|(_, text)| text.trim()).filter(|text| !text.is_empty())
    }

    /// All parameters but these.
    pub fn others<'a>(&'a self, left_out: &'a [&str]) -> impl Iterator<Item = (&'a str, &'a str)> {
        let kept = self.parameters.iter().filter(|(name, _)| !left_out.contains(&name.as_str()));
        kept.map(|(name, text)| (name.as_str(), text.as_str()))
    }

    /// Refuses parameters that are none of these.
    pub fn only(&self, known: &[&str]) -> Result<(), Error> {
        match self.parameters.iter().find(|(name, _)| !known.contains(&name.as_str())) {
            None => Ok(()),
            Some((name, _)) => Err(unknown(name, known)),
        }
    }

    /// The format, where a document takes no other parameter.
    pub fn format_alone(request: &HttpRequest) -> Result<Format, Error> {
        let asked = Asked::of(request)?;
        asked.only(&["f"])?;
        Format::of(asked.get("f"), request)
    }

    /// The address's parameters with some of them set anew or left out, `?` included; empty where none is left.
    pub fn with(&self, changes: &[(&str, Option<&str>)]) -> String {
        let kept = self
            .parameters
            .iter()
            .filter(|(name, text)| !text.trim().is_empty() && !changes.iter().any(|(changed, _)| changed == name));
        let kept = kept.map(|(name, text)| (name.as_str(), text.as_str()));
        let new = changes.iter().filter_map(|(name, text)| Some((*name, (*text)?)));
        let words: Vec<String> =
            kept.chain(new).map(|(name, text)| format!("{}={}", encoded(name), encoded(text))).collect();
        if words.is_empty() { String::new() } else { format!("?{}", words.join("&")) }
    }

    /// Thresholds of columns.
    pub fn cuts(&self) -> Result<Cuts, Invalid> {
        let number = |name: &str| {
            let wrong = |text: &str| Invalid::new(name, format!("`{text}` is no number: write it as 0.5"));
            self.get(name).map(|text| text.parse::<f64>().map_err(|_| wrong(text))).transpose()
        };
        let cuts = Cuts { min_probability: number(CUTS[0])?, damaged_if: number(CUTS[1])? };
        cuts.check()?;
        Ok(cuts)
    }

    /// What is wanted of a layer.
    pub fn wanted(&self, layer: Layer, campaign: &Campaign) -> Result<Wanted, Error> {
        self.read(layer, campaign).map_err(Error::bad_parameter)
    }

    fn read(&self, layer: Layer, campaign: &Campaign) -> Result<Wanted, Invalid> {
        let is_tiles = layer == Layer::Tiles;
        let cuts = if is_tiles { self.cuts()? } else { Cuts::default() };
        let properties = property_names(layer, campaign, cuts);
        let mut known: Vec<&str> = vec!["f", "limit", "bbox", "datetime", "after"];
        if is_tiles {
            known.extend(TILE_FILTERS.iter().chain(&CUTS));
        }
        let mut conditions = Vec::new();
        for (name, text) in &self.parameters {
            if known.contains(&name.as_str()) {
                continue;
            }
            if !properties.contains(name) {
                return Err(unknown_parameter(name, &known));
            }
            if !text.trim().is_empty() {
                conditions.push(Condition { property: name.clone(), value: text.trim().to_owned() });
            }
        }
        let text = |name: &str| self.get(name).map(str::to_owned);
        let tiles = |name: &str| text(name).filter(|_| is_tiles);
        let words = FilterWords {
            bbox: text("bbox"),
            area: tiles("area"),
            class: tiles("class"),
            state: tiles("state"),
            probability_at_least: tiles("probability_at_least"),
            damaged_from: tiles("damaged_from"),
            damaged_to: tiles("damaged_to"),
        };
        Ok(Wanted {
            filter: MapFilter::parse(&words, &campaign.scale)?,
            between: self.get("datetime").map_or(Ok((None, None)), datetime)?,
            conditions,
            cuts,
            after: text("after").unwrap_or_default(),
            limit: self.get("limit").map_or(Ok(DEFAULT_LIMIT), limit)?,
        })
    }
}

fn unknown(name: &str, known: &[&str]) -> Error {
    Error::bad_parameter(unknown_parameter(name, known))
}

fn unknown_parameter(name: &str, known: &[&str]) -> Invalid {
    let name: String = name.chars().take(60).collect();
    let reason = format!("is no parameter of this address; there are {}, and properties by name", known.join(", "));
    Invalid::new(name, reason)
}

fn limit(text: &str) -> Result<usize, Invalid> {
    let wrong = || Invalid::new("limit", format!("`{text}` is no number of features: use 1 to {MAX_LIMIT}"));
    let number: u128 = text.parse().map_err(|_| wrong())?;
    if number == 0 {
        return Err(wrong());
    }
    Ok(number.min(MAX_LIMIT as u128) as usize)
}

/// An instant, a day, or two of these with a slash between; `..` or nothing is an open end.
fn datetime(text: &str) -> Result<(Option<i64>, Option<i64>), Invalid> {
    let read = |text: &str| match text {
        "" | ".." => Ok(None),
        text => Captured::parse("datetime", text).map(Some),
    };
    // A plus sign in an address is read as a blank: that of a time zone is meant.
    let text = &text.replace(' ', "+");
    let Some((from, to)) = text.split_once('/') else {
        let time = Captured::parse("datetime", text)?;
        return Ok((Some(time.from), Some(time.to)));
    };
    let (from, to) = (read(from)?, read(to)?);
    let (from, to) = (from.map(|time| time.from), to.map(|time| time.to));
    match (from, to) {
        (Some(from), Some(to)) if from > to => {
            Err(Invalid::new("datetime", "the interval ends before it begins: exchange the two"))
        }
        both => Ok(both),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_an_instant_a_day_or_an_interval_with_open_ends() {
        let day = 1_749_945_600_000;
        assert_eq!(datetime("2025-06-15"), Ok((Some(day), Some(day + 86_399_999))));
        assert_eq!(datetime("2025-06-15T00:00:00Z"), Ok((Some(day), Some(day))));
        assert_eq!(datetime("2025-06-15T02:00:00 02:00"), Ok((Some(day), Some(day))));
        assert_eq!(datetime("2025-06-15/.."), Ok((Some(day), None)));
        assert_eq!(datetime("/2025-06-15T00:00:00Z"), Ok((None, Some(day))));
        assert_eq!(datetime("../.."), Ok((None, None)));
        for wrong in ["yesterday", "2025-06-16/2025-06-15", "2025-06-15/x", "..", "1/2/3", "2025-13-01"] {
            assert_eq!(datetime(wrong).unwrap_err().field, "datetime", "{wrong}");
        }
    }

    #[test]
    fn a_limit_beyond_the_most_is_the_most() {
        assert_eq!(limit("7"), Ok(7));
        assert_eq!(limit("99999999999999999999"), Ok(MAX_LIMIT));
        for wrong in ["0", "-1", "ten", "1.5", "+"] {
            assert!(limit(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_address_is_written_again_with_changes() {
        let parameters =
            vec![("class".into(), "a,b".into()), ("f".into(), "html".into()), ("state".into(), " ".into())];
        let asked = Asked { parameters };
        assert_eq!(asked.with(&[("f", None), ("after", Some("é 1"))]), "?class=a,b&after=%C3%A9%201");
        assert_eq!(Asked { parameters: vec![] }.with(&[("f", None)]), "");
    }
}

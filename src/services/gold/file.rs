//! Reads gold from a file: a CSV with one line for each tile, or GeoJSON with one feature for each.

use std::fmt;
use std::io::Read;
use std::path::Path;

use serde::de::{DeserializeSeed, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::import_gold::GoldAnswer;
use crate::services::Error;

/// Most lines of one file.
const MOST: usize = 100_000;
/// The longest file, bytes.
const MOST_BYTES: u64 = 16 << 20;

/// Reads a file. What it is follows from its content, since an upload has no ending: an object is GeoJSON, else it is
/// CSV.
pub fn read_file(path: &Path) -> Result<Vec<GoldAnswer>, Error> {
    let wrong = |reason: String| Error::invalid("gold", format!("{}: {reason}", path.display()));
    let unread = |error: std::io::Error| wrong(format!("it cannot be read: {error}"));
    let mut bytes = Vec::new();
    // Never more than that, also where the file grows meanwhile.
    std::fs::File::open(path).and_then(|file| file.take(MOST_BYTES + 1).read_to_end(&mut bytes)).map_err(unread)?;
    if bytes.len() as u64 > MOST_BYTES {
        return Err(wrong("it is larger than 16 MB, which no list of 100,000 tiles is".into()));
    }
    let text = String::from_utf8(bytes).map_err(|_| wrong("it is neither CSV nor GeoJSON in UTF-8".into()))?;
    let text = text.trim_start_matches('\u{feff}').trim_start();
    if text.starts_with('{') { read_geojson(text) } else { read_csv(text) }.map_err(wrong)
}

/// Reads a CSV with the column answer (or label), and tile_id or lon and lat. Empty cells are as good as none. Columns are
/// parted by commas, or by semicolons or tabs, as spreadsheets write them in many countries; then numbers may have a comma.
pub fn read_csv(text: &str) -> Result<Vec<GoldAnswer>, String> {
    let wrong = |error: csv::Error| format!("it cannot be read as CSV: {error}");
    let text = text.trim_start_matches('\u{feff}');
    let parted = delimiter(text);
    let mut reader = csv::ReaderBuilder::new().delimiter(parted).flexible(false).from_reader(text.as_bytes());
    let degrees = |text: String| if parted == b',' { text } else { text.replace(',', ".") };
    let headers = reader.headers().map_err(wrong)?.clone();
    let column = |name: &str| headers.iter().position(|header| header.trim().eq_ignore_ascii_case(name));
    let place = (column("tile_id"), column("lon"), column("lat"));
    let (Some(answer), (Some(_), _, _) | (_, Some(_), Some(_))) = (column("answer").or(column("label")), place) else {
        let has = headers.iter().collect::<Vec<_>>().join(", ");
        return Err(format!(
            "it has the columns {has}; it needs answer and either tile_id (ids as in `aftermap export --what tiles`, not \
             locations) or lon and lat"
        ));
    };
    let (explanation, intact, damaged) = (column("explanation"), column("last_intact"), column("first_damaged"));
    let mut answers = Vec::new();
    for record in reader.records().take(MOST + 1) {
        let record = record.map_err(wrong)?;
        let cell = |at: usize| record.get(at).unwrap_or_default().trim().to_owned();
        let filled = |at: Option<usize>| at.map(cell).filter(|text| !text.is_empty());
        answers.push(GoldAnswer {
            tile_id: filled(place.0).unwrap_or_default(),
            location: filled(place.1).map(degrees).zip(filled(place.2).map(degrees)),
            answer: cell(answer),
            explanation: filled(explanation).unwrap_or_default(),
            last_intact: filled(intact),
            first_damaged: filled(damaged),
        });
    }
    bounded(answers)
}

/// What parts the columns: whatever of the three stands in the first line most often.
fn delimiter(text: &str) -> u8 {
    let head = text.lines().next().unwrap_or_default().as_bytes();
    let count = |sign: u8| head.iter().filter(|byte| **byte == sign).count();
    [b'\t', b';', b','].into_iter().max_by_key(|sign| count(*sign)).unwrap_or(b',')
}

/// Reads a GeoJSON FeatureCollection: the property answer (or label), and the property tile_id or a point inside the tile.
pub fn read_geojson(text: &str) -> Result<Vec<GoldAnswer>, String> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let read = reader.deserialize_map(Collection).and_then(|answers| reader.end().map(|()| answers));
    let answers = read.map_err(|error| format!("it cannot be read as GeoJSON: {error}"))?;
    bounded(answers.ok_or("it is no GeoJSON FeatureCollection: it has no list `features`")?)
}

/// One feature after the other, so that only the answers are kept.
struct Collection;

impl<'de> Visitor<'de> for Collection {
    type Value = Option<Vec<GoldAnswer>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a FeatureCollection")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut answers = None;
        while let Some(name) = map.next_key::<String>()? {
            match name.as_str() {
                "features" => answers = Some(map.next_value_seed(Features)?),
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(answers)
    }
}

struct Features;

impl<'de> DeserializeSeed<'de> for Features {
    type Value = Vec<GoldAnswer>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Features {
    type Value = Vec<GoldAnswer>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of features")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut answers = Vec::new();
        while let Some(feature) = list.next_element::<Feature>()? {
            if answers.len() == MOST {
                return Err(A::Error::custom(too_many()));
            }
            answers.push(feature.answer());
        }
        Ok(answers)
    }
}

#[derive(Deserialize)]
struct Feature {
    #[serde(default)]
    properties: Option<Properties>,
    #[serde(default)]
    geometry: Value,
}

/// The properties that mean something here, whatever else a feature has.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Properties {
    tile_id: Value,
    answer: Value,
    label: Value,
    explanation: Value,
    last_intact: Value,
    first_damaged: Value,
}

impl Feature {
    fn answer(self) -> GoldAnswer {
        let (location, has) = (point(&self.geometry), self.properties.unwrap_or_default());
        GoldAnswer {
            tile_id: word(has.tile_id).unwrap_or_default(),
            location,
            answer: word(has.answer).or_else(|| word(has.label)).unwrap_or_default(),
            explanation: word(has.explanation).unwrap_or_default(),
            last_intact: word(has.last_intact),
            first_damaged: word(has.first_damaged),
        }
    }
}

fn word(value: Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn point(geometry: &Value) -> Option<(String, String)> {
    let [lon, lat, ..] = geometry["coordinates"].as_array()?.as_slice() else { return None };
    (geometry["type"] == "Point").then(|| (lon.to_string(), lat.to_string()))
}

fn bounded(answers: Vec<GoldAnswer>) -> Result<Vec<GoldAnswer>, String> {
    match answers.len() {
        0 => Err("it holds no tile".into()),
        1..=MOST => Ok(answers),
        _ => Err(too_many()),
    }
}

fn too_many() -> String {
    format!("it holds more than {MOST} tiles: send at most so many at a time")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_csv_names_tiles_by_id_or_by_place() {
        let by_id = read_csv("\u{feff}tile_id,answer,explanation\n13-1-2, damaged ,\"the roof, mostly\"\n").unwrap();
        assert_eq!((&*by_id[0].tile_id, &*by_id[0].answer), ("13-1-2", "damaged"));
        assert_eq!(by_id[0].explanation, "the roof, mostly");
        let by_place = read_csv("Lon,Lat,label\n39.1,35.9,destroyed\n").unwrap();
        assert_eq!(by_place[0].location, Some(("39.1".into(), "35.9".into())));
        let semicolons = read_csv("lon;lat;answer\r\n39,1;35,9;Destroyed\r\n").unwrap();
        assert_eq!((&semicolons[0].location, &*semicolons[0].answer), (&by_place[0].location, "Destroyed"));
        assert!(read_csv("lon,answer\n1,damaged\n").unwrap_err().contains("columns lon, answer"));
        assert!(read_csv("tile_id,answer\n").unwrap_err().contains("no tile"));
        assert!(read_csv("tile_id,answer\na\n").unwrap_err().contains("CSV"));
    }

    #[test]
    fn geojson_names_tiles_by_property_or_by_point() {
        let text = r#"{"type":"FeatureCollection","features":[
            {"properties":{"answer":"damaged"},"geometry":{"type":"Point","coordinates":[39.1,35.9]}},
            {"properties":{"tile_id":"13-1-2","label":"destroyed"},"geometry":null}]}"#;
        let read = read_geojson(text).unwrap();
        assert_eq!(read[0].location, Some(("39.1".into(), "35.9".into())));
        assert_eq!((&*read[1].tile_id, &*read[1].answer, &read[1].location), ("13-1-2", "destroyed", &None));
        assert!(read_geojson("{}").unwrap_err().contains("FeatureCollection"));
        assert!(read_geojson("x").unwrap_err().contains("cannot be read"));
    }

    #[test]
    fn a_file_is_what_its_content_says_whatever_it_is_called() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("17");
        let feature = r#"{"properties":{"tile_id":"13-1-2","answer":"damaged"},"geometry":null}"#;
        for text in
            [format!("\u{feff}\n {{\"features\":[{feature}]}}"), "\u{feff}tile_id,answer\n13-1-2,damaged\n".to_owned()]
        {
            std::fs::write(&file, text).unwrap();
            assert_eq!(read_file(&file).unwrap()[0].tile_id, "13-1-2");
        }
        std::fs::write(&file, [0xff, 0xfe, b'a']).unwrap();
        assert!(read_file(&file).unwrap_err().to_string().contains("UTF-8"));
    }

    #[test]
    fn a_list_that_is_too_long_is_refused_at_its_end() {
        let line = "13-1-2,damaged\n".repeat(MOST + 1);
        assert!(read_csv(&format!("tile_id,answer\n{line}")).unwrap_err().contains("more than 100000"));
        let features = vec![r#"{"properties":{"answer":"damaged"}}"#; MOST + 1].join(",");
        assert!(read_geojson(&format!(r#"{{"features":[{features}]}}"#)).unwrap_err().contains("more than 100000"));
    }
}

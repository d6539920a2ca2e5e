//! Reads gold from the text of a file: a CSV with one line for each tile, or GeoJSON with one feature for each.

use std::path::Path;

use serde_json::Value;

use crate::services::Error;
use crate::services::import_gold::GoldAnswer;

/// Most lines of one file.
const MOST: usize = 100_000;

/// Reads a file: GeoJSON by its ending, else CSV.
pub fn read_file(path: &Path) -> Result<Vec<GoldAnswer>, Error> {
    let wrong = |reason: String| Error::invalid("gold", format!("{}: {reason}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|error| wrong(format!("it cannot be read: {error}")))?;
    let is_geojson = path.extension().is_some_and(|ending| ending == "geojson" || ending == "json");
    if is_geojson { read_geojson(&text) } else { read_csv(&text) }.map_err(wrong)
}

/// Reads a CSV with the column answer (or label), and tile_id or lon and lat. Empty cells are as good as none.
pub fn read_csv(text: &str) -> Result<Vec<GoldAnswer>, String> {
    let wrong = |error: csv::Error| format!("it cannot be read as CSV: {error}");
    let text = text.trim_start_matches('\u{feff}');
    let mut reader = csv::ReaderBuilder::new().flexible(false).from_reader(text.as_bytes());
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
    for record in reader.records() {
        let record = record.map_err(wrong)?;
        let cell = |at: usize| record.get(at).unwrap_or_default().trim().to_owned();
        let filled = |at: Option<usize>| at.map(cell).filter(|text| !text.is_empty());
        answers.push(GoldAnswer {
            tile_id: filled(place.0).unwrap_or_default(),
            location: filled(place.1).zip(filled(place.2)),
            answer: cell(answer),
            explanation: filled(explanation).unwrap_or_default(),
            last_intact: filled(intact),
            first_damaged: filled(damaged),
        });
    }
    bounded(answers)
}

/// Reads a GeoJSON FeatureCollection: the property answer (or label), and the property tile_id or a point inside the tile.
pub fn read_geojson(text: &str) -> Result<Vec<GoldAnswer>, String> {
    let json: Value = serde_json::from_str(text).map_err(|error| format!("it cannot be read as GeoJSON: {error}"))?;
    let features =
        json["features"].as_array().ok_or("it is no GeoJSON FeatureCollection: it has no list `features`")?;
    let answer = |feature: &Value| {
        let word = |name: &str| match &feature["properties"][name] {
            Value::String(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        };
        GoldAnswer {
            tile_id: word("tile_id").unwrap_or_default(),
            location: point(&feature["geometry"]),
            answer: word("answer").or_else(|| word("label")).unwrap_or_default(),
            explanation: word("explanation").unwrap_or_default(),
            last_intact: word("last_intact"),
            first_damaged: word("first_damaged"),
        }
    };
    bounded(features.iter().map(answer).collect())
}

fn point(geometry: &Value) -> Option<(String, String)> {
    let [lon, lat, ..] = geometry["coordinates"].as_array()?.as_slice() else { return None };
    (geometry["type"] == "Point").then(|| (lon.to_string(), lat.to_string()))
}

fn bounded(answers: Vec<GoldAnswer>) -> Result<Vec<GoldAnswer>, String> {
    match answers.len() {
        0 => Err("it holds no tile".into()),
        1..=MOST => Ok(answers),
        many => Err(format!("it holds {many} tiles: send at most {MOST} at a time")),
    }
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
}

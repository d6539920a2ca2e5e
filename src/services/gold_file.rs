//! A file of gold on disk: GeoJSON by its ending, else CSV.

use std::path::Path;

use super::Error;
use super::gold::{read_csv, read_geojson};
use super::import_gold::GoldAnswer;

/// Reads the answers of a file.
///
/// # Errors
/// Says what is wrong with the file, and names the columns that it needs.
pub fn read_gold(path: &Path) -> Result<Vec<GoldAnswer>, Error> {
    let wrong = |reason: String| Error::invalid("gold", format!("{}: {reason}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|error| wrong(format!("it cannot be read: {error}")))?;
    let is_geojson = path.extension().is_some_and(|ending| ending == "geojson" || ending == "json");
    let answers = if is_geojson { read_geojson(&text) } else { read_csv(&text) };
    answers.map_err(wrong)
}

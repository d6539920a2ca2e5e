//! A file of gold: CSV with the columns tile_id, answer and, if wanted, explanation, last_intact, first_damaged.

use std::path::Path;

use super::Error;
use super::import_gold::GoldAnswer;

/// Most lines of a file.
const MOST: usize = 100_000;

/// Reads the answers of a file.
///
/// # Errors
/// Says what is wrong with the file, and names the columns that it needs.
pub fn read_gold(path: &Path) -> Result<Vec<GoldAnswer>, Error> {
    let name = path.display().to_string();
    let unreadable = |error: csv::Error| Error::invalid("gold", format!("{name} cannot be read as CSV: {error}"));
    let mut reader = csv::Reader::from_path(path).map_err(unreadable)?;
    let headers = reader.headers().map_err(unreadable)?.clone();
    let column = |name: &str| headers.iter().position(|header| header.trim() == name);
    let (Some(tile), Some(answer)) = (column("tile_id"), column("answer").or(column("label"))) else {
        let has: String = headers.iter().collect::<Vec<_>>().join(", ").chars().take(200).collect();
        let wanted =
            "it needs the columns tile_id (ids as in `aftermap export --what tiles`, not locations) and answer";
        return Err(Error::invalid("gold", format!("{name} has the columns {has}; {wanted}")));
    };
    let (explanation, intact, damaged) = (column("explanation"), column("last_intact"), column("first_damaged"));
    let mut answers = Vec::new();
    for record in reader.records() {
        let record = record.map_err(unreadable)?;
        if answers.len() == MOST {
            return Err(Error::invalid("gold", format!("{name} has more than {MOST} lines: split it")));
        }
        let cell = |at: usize| record.get(at).unwrap_or_default().trim().to_owned();
        let filled = |at: Option<usize>| at.map(cell).filter(|text| !text.is_empty());
        answers.push(GoldAnswer {
            tile_id: cell(tile),
            answer: cell(answer),
            explanation: filled(explanation).unwrap_or_default(),
            last_intact: filled(intact),
            first_damaged: filled(damaged),
        });
    }
    Ok(answers)
}

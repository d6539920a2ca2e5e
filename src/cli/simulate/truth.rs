//! The right answer of each tile: out of a file, else drawn from the seed.

use std::collections::HashMap;
use std::path::Path;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use sha2::{Digest, Sha256};

use super::{Campaign, SimulateError};

/// Share of undamaged tiles where nothing is known; the rest is spread over the damage classes.
const UNDAMAGED: f64 = 0.6;

/// The right answer of each tile, as a place on the campaign's scale.
pub struct Truth {
    seed: u64,
    classes: usize,
    known: HashMap<String, usize>,
}

/// Reads a CSV file with the columns `tile_id` and `label`, or `answer` as in files of gold.
pub fn read(path: &Path) -> Result<HashMap<String, String>, SimulateError> {
    let wrong = |reason: String| SimulateError(format!("cannot use the truth in {}: {reason}", path.display()));
    let mut reader = csv::Reader::from_path(path).map_err(|error| wrong(error.to_string()))?;
    let columns = reader.headers().map_err(|error| wrong(error.to_string()))?.clone();
    let place = |names: &[&str]| {
        let found = names.iter().find_map(|name| columns.iter().position(|column| column == *name));
        found.ok_or_else(|| wrong(format!("it has no column `{}`; it needs tile_id and label", names[0])))
    };
    let (tile, label) = (place(&["tile_id"])?, place(&["label", "answer"])?);
    let mut truth = HashMap::new();
    for record in reader.records() {
        let record = record.map_err(|error| wrong(error.to_string()))?;
        truth.insert(record[tile].to_owned(), record[label].to_owned());
    }
    Ok(truth)
}

impl Truth {
    /// Checks that every known answer is on the scale.
    pub fn new(seed: u64, campaign: &Campaign, known: &HashMap<String, String>) -> Result<Truth, SimulateError> {
        let place = |(tile, label): (&String, &String)| match campaign.answers.iter().position(|key| key == label) {
            Some(place) => Ok((tile.clone(), place)),
            None => Err(SimulateError(format!(
                "the truth says `{label}` for tile `{tile}`, but the answers of this campaign are {}",
                campaign.answers.join(", ")
            ))),
        };
        let known = known.iter().map(place).collect::<Result<_, _>>()?;
        Ok(Truth { seed, classes: campaign.classes, known })
    }

    /// Place of the right answer of a tile.
    pub fn of(&self, tile: &str) -> usize {
        self.known.get(tile).copied().unwrap_or_else(|| {
            let mut rng = dice(&[&self.seed.to_le_bytes(), b"truth", tile.as_bytes()]);
            if rng.random_bool(UNDAMAGED) { 0 } else { rng.random_range(1..self.classes) }
        })
    }
}

/// A generator that depends on these words alone.
pub fn dice(words: &[&[u8]]) -> ChaCha8Rng {
    let mut hash = Sha256::new();
    for word in words {
        hash.update((word.len() as u64).to_le_bytes());
        hash.update(word);
    }
    ChaCha8Rng::from_seed(hash.finalize().into())
}

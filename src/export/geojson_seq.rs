//! GeoJSON text sequences (RFC 8142): a feature a line, each after a record separator, so that a reader can begin anywhere
//! and never needs the whole file.

use std::io::{self, Write};
use std::path::Path;

use super::geojson::{PIECE, property_names, push_feature};
use super::{Format, Sheets, has_places};
use crate::domain::damage_map::What;

/// One feature a line.
pub struct GeoJsonSeq;

/// What stands before each feature.
const RECORD_SEPARATOR: char = '\u{1e}';

impl Format for GeoJsonSeq {
    fn extension(&self) -> &'static str {
        "geojsons"
    }

    fn media_type(&self) -> &'static str {
        "application/geo+json-seq"
    }

    fn holds(&self, what: What) -> bool {
        has_places(what)
    }

    fn write(&self, sheets: &mut Sheets<'_>, out: &mut (dyn Write + Send), _: &Path) -> io::Result<u64> {
        let mut count = 0;
        sheets(&mut |sheet, records| {
            let names = property_names(sheet);
            let mut text = String::new();
            for record in records {
                text.push(RECORD_SEPARATOR);
                push_feature(&mut text, &names, &record?);
                text.push('\n');
                count += 1;
                if text.len() >= PIECE {
                    out.write_all(text.as_bytes())?;
                    text.clear();
                }
            }
            out.write_all(text.as_bytes())
        })?;
        out.flush()?;
        Ok(count)
    }
}

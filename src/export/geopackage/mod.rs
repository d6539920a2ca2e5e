//! GeoPackage (OGC 12-128r19, version 1.4): a SQLite database with a layer for each sheet and a spatial index on each
//! layer that has outlines. Its `last_change` is a fixed moment: the same rows are the same bytes.

mod layer;
mod schema;

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use rusqlite::Connection;

use super::{Format, Sheets, has_places};
use crate::domain::damage_map::What;

/// A database of layers.
pub struct GeoPackage;

impl Format for GeoPackage {
    fn extension(&self) -> &'static str {
        "gpkg"
    }

    fn media_type(&self) -> &'static str {
        "application/geopackage+sqlite3"
    }

    fn holds(&self, what: What) -> bool {
        has_places(what)
    }

    fn has_layers(&self) -> bool {
        true
    }

    fn write(&self, sheets: &mut Sheets<'_>, out: &mut (dyn Write + Send), scratch: &Path) -> io::Result<u64> {
        // SQLite wants a name; the folder with it is gone however this ends.
        let folder = tempfile::Builder::new().prefix("gpkg-").tempdir_in(scratch)?;
        let path = folder.path().join("map.gpkg");
        let database = Connection::open(&path).map_err(fault)?;
        database.execute_batch(schema::BEGINNING).map_err(fault)?;
        let mut counts = Vec::new();
        sheets(&mut |sheet, records| {
            counts.push(layer::write(&database, sheet, records)?);
            Ok(())
        })?;
        database.execute_batch("COMMIT").map_err(fault)?;
        database.close().map_err(|(_, error)| fault(error))?;
        io::copy(&mut File::open(&path)?, out)?;
        out.flush()?;
        Ok(counts.first().copied().unwrap_or(0))
    }
}

fn fault(error: rusqlite::Error) -> io::Error {
    io::Error::other(format!("the GeoPackage could not be written: {error}"))
}

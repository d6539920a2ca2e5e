//! Any text format, packed with gzip (RFC 1952). The header holds neither a time nor a system, so the bytes are the same
//! whenever and wherever they are made.

use std::io::{self, Write};
use std::path::Path;

use flate2::{Compression, GzBuilder};

use super::{Format, Sheets};
use crate::domain::damage_map::What;

/// A format, packed.
pub struct Gzip {
    /// The format.
    pub inner: &'static dyn Format,
    /// Its extension with `.gz` behind.
    pub extension: &'static str,
}

impl Format for Gzip {
    fn extension(&self) -> &'static str {
        self.extension
    }

    fn media_type(&self) -> &'static str {
        "application/gzip"
    }

    fn holds(&self, what: What) -> bool {
        self.inner.holds(what)
    }

    fn write(&self, sheets: &mut Sheets<'_>, out: &mut (dyn Write + Send), scratch: &Path) -> io::Result<u64> {
        const UNKNOWN_SYSTEM: u8 = 255;
        let mut packed = GzBuilder::new().mtime(0).operating_system(UNKNOWN_SYSTEM).write(out, Compression::default());
        let rows = self.inner.write(sheets, &mut packed, scratch)?;
        packed.finish()?.flush()?;
        Ok(rows)
    }
}

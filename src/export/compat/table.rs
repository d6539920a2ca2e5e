//! The two shapes of foreign files: tables and feature collections, plain or gzip, the same bytes every time.

use std::io::{self, Write};

use flate2::{Compression, GzBuilder};
use serde_json::{Map, Value as Json};

/// Writes plain bytes or a gzip file without a time in its head.
pub fn gzip(
    out: &mut dyn Write,
    packed: bool,
    write: &mut dyn FnMut(&mut dyn Write) -> io::Result<u64>,
) -> io::Result<u64> {
    if !packed {
        return write(out);
    }
    let mut packer = GzBuilder::new().write(out, Compression::default());
    let rows = write(&mut packer)?;
    packer.finish()?;
    Ok(rows)
}

/// A table whose cells are all text, with lines as pandas ends them.
pub struct Table<'a> {
    lines: csv::Writer<&'a mut dyn Write>,
    rows: u64,
}

impl<'a> Table<'a> {
    /// Begins with the names of the columns.
    pub fn new(out: &'a mut dyn Write, columns: &[&str]) -> io::Result<Table<'a>> {
        let mut lines = csv::WriterBuilder::new().buffer_capacity(1 << 16).from_writer(out);
        lines.write_record(columns)?;
        Ok(Table { lines, rows: 0 })
    }

    /// Rows so far: the number of the next one, from 0.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Adds a row.
    pub fn row(&mut self, cells: &[String]) -> io::Result<()> {
        self.lines.write_record(cells)?;
        self.rows += 1;
        Ok(())
    }

    /// Ends the table; the number of its rows.
    pub fn finish(mut self) -> io::Result<u64> {
        self.lines.flush()?;
        Ok(self.rows)
    }
}

/// A feature collection, one feature a line.
pub struct Features<'a> {
    out: &'a mut dyn Write,
    rows: u64,
}

impl<'a> Features<'a> {
    /// Begins a collection with a name, in CRS84 as MapSwipe says it.
    pub fn new(out: &'a mut dyn Write, name: &str) -> io::Result<Features<'a>> {
        let name = Json::String(name.to_owned());
        let crs = r#"{"type":"name","properties":{"name":"urn:ogc:def:crs:OGC:1.3:CRS84"}}"#;
        write!(out, r#"{{"type":"FeatureCollection","name":{name},"crs":{crs},"features":["#)?;
        Ok(Features { out, rows: 0 })
    }

    /// Adds a feature with its geometry as GeoJSON text.
    pub fn feature(&mut self, properties: Map<String, Json>, geometry: &str) -> io::Result<()> {
        let comma = if self.rows > 0 { "," } else { "" };
        let properties = Json::Object(properties);
        write!(self.out, "{comma}\n{{\"type\":\"Feature\",\"properties\":{properties},\"geometry\":{geometry}}}")?;
        self.rows += 1;
        Ok(())
    }

    /// Ends the collection; the number of its features.
    pub fn finish(self) -> io::Result<u64> {
        writeln!(self.out, "\n]}}")?;
        Ok(self.rows)
    }
}

//! One record as a FlatGeobuf feature: coordinates in one list with the ends of the rings, values one behind the other.

use std::io;

use flatbuffers::{FlatBufferBuilder, WIPOffset};
use flatgeobuf::{Feature, FeatureArgs, Geometry as Shape, GeometryArgs, GeometryType};

use super::super::geometry::round;
use super::super::text::{push_day, push_instant};
use super::super::{Column, Geometry, Kind, Outlines, Record, Sheet, Value, misplaced};
use crate::domain::geometry::Ring;

/// Makes features of the records of one sheet; keeps its buffers from one to the next.
pub struct Encoder<'a> {
    /// Place among the values, and what it holds.
    columns: Vec<(usize, &'a Column)>,
    multi: bool,
    buffer: FlatBufferBuilder<'a>,
    properties: Vec<u8>,
}

impl<'a> Encoder<'a> {
    /// For the records of a sheet.
    pub fn new(sheet: &'a Sheet<'_>) -> Encoder<'a> {
        let columns = sheet.columns.iter().enumerate().filter(|(_, column)| column.kind != Kind::Outline).collect();
        let multi = sheet.outlines == Outlines::MultiPolygons;
        Encoder { columns, multi, buffer: FlatBufferBuilder::new(), properties: Vec::new() }
    }

    /// The feature's bytes, its length in front.
    pub fn encode(&mut self, record: &Record) -> io::Result<&[u8]> {
        self.buffer.reset();
        self.properties.clear();
        for (number, (place, column)) in self.columns.iter().enumerate() {
            push_property(&mut self.properties, number as u16, column, &record.values[*place])?;
        }
        let geometry = record.geometry.as_ref().map(|geometry| shape(&mut self.buffer, geometry, self.multi));
        let properties = Some(self.buffer.create_vector(&self.properties));
        let feature = Feature::create(&mut self.buffer, &FeatureArgs { geometry, properties, columns: None });
        self.buffer.finish_size_prefixed(feature, None);
        Ok(self.buffer.finished_data())
    }
}

fn shape<'a>(to: &mut FlatBufferBuilder<'a>, geometry: &Geometry, multi: bool) -> WIPOffset<Shape<'a>> {
    let mut parts: Vec<_> = geometry.polygons().iter().map(|rings| polygon(to, rings)).collect();
    if !multi && parts.len() == 1 {
        return parts.remove(0);
    }
    let parts = Some(to.create_vector(&parts));
    Shape::create(to, &GeometryArgs { type_: GeometryType::MultiPolygon, parts, ..Default::default() })
}

fn polygon<'a>(to: &mut FlatBufferBuilder<'a>, rings: &[Ring]) -> WIPOffset<Shape<'a>> {
    let places: Vec<f64> = rings.iter().flatten().flatten().map(|degrees| round(*degrees)).collect();
    let xy = Some(to.create_vector(&places));
    let mut end = 0;
    let ends: Vec<u32> = rings
        .iter()
        .map(|ring| {
            end += ring.len() as u32;
            end
        })
        .collect();
    let ends = (rings.len() > 1).then(|| to.create_vector(&ends));
    Shape::create(to, &GeometryArgs { type_: GeometryType::Polygon, xy, ends, ..Default::default() })
}

/// The column's number and the value; nothing where it is blank.
fn push_property(to: &mut Vec<u8>, number: u16, column: &Column, value: &Value) -> io::Result<()> {
    if !value.is_of(column.kind) {
        return Err(misplaced(column, value));
    }
    if matches!(value, Value::Blank | Value::Outline) {
        return Ok(());
    }
    to.extend(number.to_le_bytes());
    match value {
        Value::Blank | Value::Outline => (),
        Value::Bool(yes) => to.push((*yes).into()),
        Value::Int(number) => to.extend(number.to_le_bytes()),
        Value::Number(number) => to.extend(number.to_le_bytes()),
        Value::Text(text) => push_text(to, text),
        Value::Instant(ms) => push_spelled(to, push_instant, *ms),
        Value::Day(ms) => push_spelled(to, push_day, *ms),
    }
    Ok(())
}

fn push_spelled(to: &mut Vec<u8>, push: fn(&mut String, i64), ms: i64) {
    let mut text = String::with_capacity(24);
    push(&mut text, ms);
    push_text(to, &text);
}

fn push_text(to: &mut Vec<u8>, text: &str) {
    to.extend((text.len() as u32).to_le_bytes());
    to.extend(text.as_bytes());
}

//! A group of rows, column by column, as Parquet stores it.

use std::io::{self, Write};
use std::sync::Arc;

use ::parquet::basic::{LogicalType, Repetition, TimeUnit, Type as Physical};
use ::parquet::data_type::{BoolType, ByteArray, ByteArrayType, DoubleType, Int32Type, Int64Type};
use ::parquet::errors::Result;
use ::parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter, SerializedRowGroupWriter};
use ::parquet::schema::types::Type;

use super::super::geometry::round;
use super::super::{Column, Kind, Outlines, Record, Sheet, Value, misplaced};
use crate::domain::bbox::Bbox;

const DAY_MS: i64 = 86_400_000;

/// The values of one column; blanks are left out and marked by a level of 0.
struct Cells {
    name: String,
    kind: Kind,
    levels: Vec<i16>,
    values: Values,
}

enum Values {
    Bytes(Vec<ByteArray>),
    Long(Vec<i64>),
    Day(Vec<i32>),
    Double(Vec<f64>),
    Bool(Vec<bool>),
}

/// Rows on their way into a file.
pub struct Group<'a> {
    sheet: &'a Sheet<'a>,
    columns: Vec<Cells>,
    /// West, south, east, north of each row, where rows have places.
    edges: Option<[Vec<f64>; 4]>,
    rows: usize,
}

impl<'a> Group<'a> {
    /// An empty one with room for so many rows.
    pub fn new(sheet: &'a Sheet<'a>, room: usize) -> Group<'a> {
        let cells = |column: &Column| Cells {
            name: column.name.clone(),
            kind: column.kind,
            levels: Vec::with_capacity(room),
            values: match column.kind {
                Kind::Text | Kind::Outline => Values::Bytes(Vec::with_capacity(room)),
                Kind::Int | Kind::Instant => Values::Long(Vec::with_capacity(room)),
                Kind::Day => Values::Day(Vec::with_capacity(room)),
                Kind::Number => Values::Double(Vec::with_capacity(room)),
                Kind::Bool => Values::Bool(Vec::with_capacity(room)),
            },
        };
        let mut columns: Vec<Cells> = sheet.columns.iter().map(cells).collect();
        let has_places = sheet.outlines != Outlines::None;
        // A sheet with places that prints none has them all the same.
        if has_places && sheet.columns.iter().all(|column| column.kind != Kind::Outline) {
            columns.push(cells(&Column::new("geometry", Kind::Outline, "")));
        }
        Group { sheet, columns, edges: has_places.then(Default::default), rows: 0 }
    }

    /// Rows in it.
    pub fn len(&self) -> usize {
        self.rows
    }

    /// The schema of the file.
    pub fn schema(&self) -> Result<Type> {
        let mut fields = self.columns.iter().map(field).collect::<Result<Vec<_>>>()?;
        if self.edges.is_some() {
            let edge = |name: &str| {
                let edge = Type::primitive_type_builder(name, Physical::DOUBLE).with_repetition(Repetition::REQUIRED);
                edge.build().map(Arc::new)
            };
            let edges = ["xmin", "ymin", "xmax", "ymax"].into_iter().map(edge).collect::<Result<Vec<_>>>()?;
            let bbox = Type::group_type_builder("bbox").with_repetition(Repetition::REQUIRED).with_fields(edges);
            fields.push(Arc::new(bbox.build()?));
        }
        Type::group_type_builder(self.sheet.name).with_fields(fields).build()
    }

    /// Adds a row; `bounds` grows around it.
    pub fn push(&mut self, record: &Record, bounds: &mut Option<Bbox>) -> io::Result<()> {
        let multi = self.sheet.outlines == Outlines::MultiPolygons;
        for (place, cells) in self.columns.iter_mut().enumerate() {
            let value = record.values.get(place).unwrap_or(&Value::Outline);
            if !cells.push(value, record, multi) {
                return Err(self.sheet.columns.get(place).map_or_else(
                    || io::Error::other("a row has more values than columns"),
                    |column| misplaced(column, value),
                ));
            }
        }
        if let Some(edges) = &mut self.edges {
            let bbox = record.geometry.as_ref().map(|geometry| geometry.bbox().to_array().map(round));
            let [west, south, east, north] = bbox.unwrap_or([f64::NAN; 4]);
            for (list, edge) in edges.iter_mut().zip([west, south, east, north]) {
                list.push(edge);
            }
            if bbox.is_some() {
                let bbox = Bbox { west, south, east, north };
                *bounds = Some(bounds.map_or(bbox, |all| all.union(bbox)));
            }
        }
        self.rows += 1;
        Ok(())
    }

    /// Writes the rows as one group and is empty then.
    pub fn write<W: Write + Send>(&mut self, file: &mut SerializedFileWriter<W>) -> Result<()> {
        let mut group = file.next_row_group()?;
        for cells in &mut self.columns {
            let mut column = next(&mut group)?;
            cells.write(&mut column)?;
            column.close()?;
        }
        for edge in self.edges.iter_mut().flatten() {
            let mut column = next(&mut group)?;
            column.typed::<DoubleType>().write_batch(edge, None, None)?;
            column.close()?;
            edge.clear();
        }
        group.close()?;
        self.rows = 0;
        Ok(())
    }
}

fn next<'a, W: Write + Send>(group: &'a mut SerializedRowGroupWriter<'_, W>) -> Result<SerializedColumnWriter<'a>> {
    let column = group.next_column()?;
    column.ok_or_else(|| ::parquet::errors::ParquetError::General("there are more columns than the schema has".into()))
}

fn field(cells: &Cells) -> Result<Arc<Type>> {
    let (physical, logical) = match cells.kind {
        Kind::Text => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
        Kind::Outline => (Physical::BYTE_ARRAY, None),
        Kind::Int => (Physical::INT64, None),
        Kind::Instant => (Physical::INT64, Some(LogicalType::timestamp(true, TimeUnit::MILLIS))),
        Kind::Day => (Physical::INT32, Some(LogicalType::Date)),
        Kind::Number => (Physical::DOUBLE, None),
        Kind::Bool => (Physical::BOOLEAN, None),
    };
    let field = Type::primitive_type_builder(&cells.name, physical).with_repetition(Repetition::OPTIONAL);
    field.with_logical_type(logical).build().map(Arc::new)
}

impl Cells {
    /// Adds the value of a row; whether it could be added.
    fn push(&mut self, value: &Value, record: &Record, multi: bool) -> bool {
        let blank = *value == Value::Blank || (*value == Value::Outline && record.geometry.is_none());
        self.levels.push(i16::from(!blank));
        if blank {
            return true;
        }
        match (&mut self.values, value) {
            (Values::Bytes(list), Value::Text(text)) if self.kind == Kind::Text => list.push(text.as_str().into()),
            (Values::Bytes(list), Value::Outline) if self.kind == Kind::Outline => {
                let mut bytes = Vec::with_capacity(100);
                if let Some(geometry) = &record.geometry {
                    geometry.push_wkb(multi, &mut bytes);
                }
                list.push(bytes.into());
            }
            (Values::Long(list), Value::Int(number)) if self.kind == Kind::Int => list.push(*number),
            (Values::Long(list), Value::Instant(ms)) if self.kind == Kind::Instant => list.push(*ms),
            (Values::Day(list), Value::Day(ms)) => list.push(ms.div_euclid(DAY_MS) as i32),
            (Values::Double(list), Value::Number(number)) => list.push(*number),
            (Values::Bool(list), Value::Bool(yes)) => list.push(*yes),
            _ => return false,
        }
        true
    }

    fn write(&mut self, column: &mut SerializedColumnWriter<'_>) -> Result<()> {
        let levels = Some(self.levels.as_slice());
        match &mut self.values {
            Values::Bytes(list) => {
                column.typed::<ByteArrayType>().write_batch(list, levels, None)?;
                list.clear();
            }
            Values::Long(list) => {
                column.typed::<Int64Type>().write_batch(list, levels, None)?;
                list.clear();
            }
            Values::Day(list) => {
                column.typed::<Int32Type>().write_batch(list, levels, None)?;
                list.clear();
            }
            Values::Double(list) => {
                column.typed::<DoubleType>().write_batch(list, levels, None)?;
                list.clear();
            }
            Values::Bool(list) => {
                column.typed::<BoolType>().write_batch(list, levels, None)?;
                list.clear();
            }
        }
        self.levels.clear();
        Ok(())
    }
}

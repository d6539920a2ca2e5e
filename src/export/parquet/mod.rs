//! GeoParquet 1.1 (WKB, zstd): typed columns in groups of rows, each row with its box, so that readers skip what they do
//! not want. Sheets without places are plain Parquet.

mod columns;

use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use ::parquet::basic::{Compression, ZstdLevel};
use ::parquet::errors::ParquetError;
use ::parquet::file::metadata::KeyValue;
use ::parquet::file::properties::WriterProperties;
use ::parquet::file::writer::SerializedFileWriter;
use serde_json::{Value as Json, json};

use self::columns::Group;
use super::{Format, Outlines, Sheet, Sheets, about};
use crate::domain::bbox::Bbox;
use crate::domain::damage_map::What;

/// Columns in groups of rows.
pub struct Parquet;

/// Rows of a group: what stands in memory, and the least that a reader of a part must read.
const GROUP: usize = 16_384;

impl Format for Parquet {
    fn extension(&self) -> &'static str {
        "parquet"
    }

    fn media_type(&self) -> &'static str {
        "application/vnd.apache.parquet"
    }

    fn holds(&self, _: What) -> bool {
        true
    }

    fn write(&self, sheets: &mut Sheets<'_>, out: &mut (dyn Write + Send), _: &Path) -> io::Result<u64> {
        let mut count = 0;
        sheets(&mut |sheet, records| {
            let mut group = Group::new(sheet, GROUP);
            let schema = Arc::new(group.schema().map_err(fault)?);
            let mut file = SerializedFileWriter::new(&mut *out, schema, Arc::new(properties()?)).map_err(fault)?;
            let mut bounds = None::<Bbox>;
            for record in records {
                group.push(&record?, &mut bounds)?;
                count += 1;
                if group.len() == GROUP {
                    group.write(&mut file).map_err(fault)?;
                }
            }
            if group.len() > 0 {
                group.write(&mut file).map_err(fault)?;
            }
            if sheet.outlines != Outlines::None {
                file.append_key_value_metadata(KeyValue::new("geo".into(), geo(sheet, bounds).to_string()));
            }
            let about = Json::Object(about(sheet)).to_string();
            file.append_key_value_metadata(KeyValue::new("aftermap".into(), about));
            file.close().map_err(fault)?;
            Ok(())
        })?;
        out.flush()?;
        Ok(count)
    }
}

fn properties() -> io::Result<WriterProperties> {
    const LEVEL: i32 = 3;
    let level = ZstdLevel::try_new(LEVEL).map_err(fault)?;
    let made_by = concat!("aftermap ", env!("CARGO_PKG_VERSION")).to_owned();
    Ok(WriterProperties::builder().set_compression(Compression::ZSTD(level)).set_created_by(made_by).build())
}

/// What GeoParquet wants to be told (its metadata, version 1.1). Without `crs` it is longitude and latitude on WGS 84.
fn geo(sheet: &Sheet<'_>, bounds: Option<Bbox>) -> Json {
    let shape = if sheet.outlines == Outlines::MultiPolygons { "MultiPolygon" } else { "Polygon" };
    let mut column = json!({
        "encoding": "WKB",
        "geometry_types": [shape],
        "orientation": "counterclockwise",
        "covering": {"bbox": {
            "xmin": ["bbox", "xmin"], "ymin": ["bbox", "ymin"], "xmax": ["bbox", "xmax"], "ymax": ["bbox", "ymax"],
        }},
    });
    if let Some(bounds) = bounds {
        column["bbox"] = json!(bounds.to_array());
    }
    json!({"version": "1.1.0", "primary_column": "geometry", "columns": {"geometry": column}})
}

fn fault(error: ParquetError) -> io::Error {
    match error {
        ParquetError::External(inner) => match inner.downcast::<io::Error>() {
            Ok(error) => *error,
            Err(other) => io::Error::other(other.to_string()),
        },
        other => io::Error::other(other.to_string()),
    }
}

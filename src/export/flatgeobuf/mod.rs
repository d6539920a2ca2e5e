//! FlatGeobuf (specification 3.0): features along a Hilbert curve behind a packed R-tree, so that a map can be read in part
//! over HTTP ranges. Features wait in a scratch file until their order is known; in memory are 8 bytes for each.

mod feature;
mod tree;

use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::Path;

use flatbuffers::FlatBufferBuilder;
use flatgeobuf::{ColumnArgs, ColumnType, Crs, CrsArgs, GeometryType, Header, HeaderArgs};

use self::tree::{NODE_SIZE, Node, Tree};
use super::{Column, Format, Kind, Outlines, Sheet, Sheets, about, has_places};
use crate::domain::damage_map::What;

/// A sequence of features with an index.
pub struct FlatGeobuf;

const MAGIC: [u8; 8] = *b"fgb\x03fgb\x00";

impl Format for FlatGeobuf {
    fn extension(&self) -> &'static str {
        "fgb"
    }

    fn media_type(&self) -> &'static str {
        "application/vnd.flatgeobuf"
    }

    fn holds(&self, what: What) -> bool {
        has_places(what)
    }

    fn write(&self, sheets: &mut Sheets<'_>, out: &mut (dyn Write + Send), scratch: &Path) -> io::Result<u64> {
        let mut count = 0;
        sheets(&mut |sheet, records| {
            let columns: Vec<&Column> = sheet.columns.iter().filter(|column| column.kind != Kind::Outline).collect();
            let mut features = BufWriter::with_capacity(1 << 16, tempfile::tempfile_in(scratch)?);
            let mut tree = Tree::new(scratch)?;
            let mut encoder = feature::Encoder::new(sheet);
            let mut offset = 0;
            for record in records {
                let record = record?;
                let bytes = encoder.encode(&record)?;
                features.write_all(bytes)?;
                tree.push(Node::around(record.geometry.as_ref(), offset, bytes.len() as u64))?;
                offset += bytes.len() as u64;
                count += 1;
            }
            let mut tree = tree.sorted()?;
            out.write_all(&MAGIC)?;
            out.write_all(&header(sheet, &columns, count, tree.extent()))?;
            tree.write(out)?;
            copy_in_order(&mut features.into_inner()?, &mut tree, out)
        })?;
        out.flush()?;
        Ok(count)
    }
}

/// Features in the order of the tree.
fn copy_in_order(features: &mut std::fs::File, tree: &mut Tree, out: &mut (dyn Write + Send)) -> io::Result<()> {
    let mut bytes = Vec::new();
    let mut out = BufWriter::with_capacity(1 << 16, out);
    for place in 0..tree.len() {
        let node = tree.leaf(place)?;
        bytes.resize(node.bytes as usize, 0);
        features.seek(SeekFrom::Start(node.offset))?;
        features.read_exact(&mut bytes)?;
        out.write_all(&bytes)?;
    }
    out.flush()
}

fn header(sheet: &Sheet<'_>, columns: &[&Column], count: u64, extent: Option<[f64; 4]>) -> Vec<u8> {
    let mut to = FlatBufferBuilder::new();
    let columns: Vec<_> = columns
        .iter()
        .map(|column| {
            let (name, meaning) = (to.create_string(&column.name), to.create_string(&column.meaning));
            let args = ColumnArgs {
                name: Some(name),
                type_: type_of(column.kind),
                description: Some(meaning),
                nullable: !column.blank.is_empty(),
                ..Default::default()
            };
            flatgeobuf::Column::create(&mut to, &args)
        })
        .collect();
    let columns = to.create_vector(&columns);
    let (org, crs_name) = (to.create_string("EPSG"), to.create_string("WGS 84"));
    let crs = CrsArgs { org: Some(org), code: 4326, name: Some(crs_name), ..Default::default() };
    let crs = Crs::create(&mut to, &crs);
    let envelope = extent.map(|extent| to.create_vector(&extent));
    let (name, title) = (to.create_string(sheet.name), to.create_string(&sheet.map.title));
    let description = to.create_string(sheet.about);
    let metadata = to.create_string(&serde_json::Value::Object(about(sheet)).to_string());
    let args = HeaderArgs {
        name: Some(name),
        envelope,
        geometry_type: match sheet.outlines {
            Outlines::None => GeometryType::Unknown,
            Outlines::Polygons => GeometryType::Polygon,
            Outlines::MultiPolygons => GeometryType::MultiPolygon,
        },
        columns: Some(columns),
        features_count: count,
        index_node_size: if count > 0 { NODE_SIZE as u16 } else { 0 },
        crs: Some(crs),
        title: Some(title),
        description: Some(description),
        metadata: Some(metadata),
        ..Default::default()
    };
    let header = Header::create(&mut to, &args);
    to.finish_size_prefixed(header, None);
    to.finished_data().to_vec()
}

fn type_of(kind: Kind) -> ColumnType {
    match kind {
        Kind::Text | Kind::Outline => ColumnType::String,
        Kind::Int => ColumnType::Long,
        Kind::Number => ColumnType::Double,
        Kind::Bool => ColumnType::Bool,
        Kind::Instant | Kind::Day => ColumnType::DateTime,
    }
}

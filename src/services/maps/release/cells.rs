//! The coarsened map of a release: from the tiles, their labels and what the release before showed.

use std::collections::{BTreeSet, HashMap};
use std::io::Write;
use std::path::Path;

use super::check::verify;
use super::folder::place;
use crate::domain::campaign::Campaign;
use crate::domain::cell::{Cell, to_mercator};
use crate::domain::coarse::{Backing, Coarse, CoarseTile, Shown, coarsen, finest_zoom};
use crate::domain::damage_map::{DamageMap, Sight, TileRow};
use crate::domain::map_filter::MapFilter;
use crate::domain::release::Release;
use crate::services::Error;
use crate::services::maps::read_map::{self, Question};
use crate::storage::Conn;
use crate::storage::maps::releases;

/// The file that remembers how each tile entered the figures. Researchers only.
pub const BASIS: &str = "coarse-basis.csv";
/// Labels read at once.
const PAGE: i64 = 50_000;

/// What is coarsened: the campaign with its map's header, and the time.
pub struct Source<'a> {
    /// The campaign.
    pub campaign: &'a Campaign,
    /// The header of its map.
    pub map: &'a DamageMap,
    /// Milliseconds since 1970, UTC.
    pub now: i64,
}

/// A coarsened map, with the names of its tiles.
pub struct Coarsened {
    /// Public ids of the tiles, in the order of `coarse.basis`.
    pub tile_ids: Vec<String>,
    /// Cells and basis.
    pub coarse: Coarse,
}

/// A tile: public id, database id, its middle in web mercator metres, what everybody could see of it.
type Found = (String, i64, (f64, f64), Option<Shown>);

/// Coarsens the map as everybody could see it, given the newest coarsened release before.
pub fn cells(conn: &mut Conn, source: &Source<'_>, before: Option<&Release>, home: &Path) -> Result<Coarsened, Error> {
    let (mut basis, earlier) = match before {
        Some(release) => (read_basis(home, release)?, shown_cells(conn, release)?),
        None => (HashMap::new(), BTreeSet::new()),
    };
    let mut found: Vec<Found> = Vec::new();
    let mut side = 0.0;
    let (campaign, filter) = (source.campaign, MapFilter::default());
    let question = Question { campaign, map: source.map, filter: &filter, sight: Sight::Everybody, now: source.now };
    for row in read_map::rows(conn, question)? {
        let row = row?;
        let (lon, lat) = row.tile.bbox.centre();
        let (left, _) = to_mercator(row.tile.bbox.west, lat);
        let (right, _) = to_mercator(row.tile.bbox.east, lat);
        side += right - left;
        let shown = shown(&row);
        found.push((row.tile.tile_id, row.tile.id, to_mercator(lon, lat), shown));
    }
    // Never coarser than what was shown already, or that could not be shown again.
    let shown_before = earlier.iter().map(|cell| cell.z).max().unwrap_or(0);
    let finest = finest_zoom(side / found.len().max(1) as f64).max(shown_before);
    let mut backing = backing(conn, campaign.id)?;
    let (mut tile_ids, mut tiles) = (Vec::with_capacity(found.len()), Vec::with_capacity(found.len()));
    for (tile_id, id, (x, y), now) in found {
        let before = basis.remove(&tile_id);
        let (cell, backing) = (Cell::at(finest, x, y), backing.remove(&id).unwrap_or_default());
        tiles.push(CoarseTile { cell, now, before, backing });
        tile_ids.push(tile_id);
    }
    let coarse = coarsen(finest, &earlier, &tiles, campaign.scale.classes().len());
    Ok(Coarsened { tile_ids, coarse })
}

fn shown(row: &TileRow) -> Option<Shown> {
    let consensus = row.crowd.as_ref()?.consensus.as_ref();
    let class = consensus.and_then(|consensus| consensus.class);
    Some(Shown { class, labels: consensus.map_or(0, |consensus| consensus.labels) })
}

fn shown_cells(conn: &mut Conn, release: &Release) -> Result<BTreeSet<Cell>, Error> {
    Ok(releases::cells_of(conn, release.id)?.into_iter().map(|cell| cell.cell).collect())
}

/// The counted labels of every tile, with their authors.
fn backing(conn: &mut Conn, campaign_id: i64) -> Result<HashMap<i64, Backing>, Error> {
    let mut of: HashMap<i64, Backing> = HashMap::new();
    let mut last = (i64::MIN, i64::MIN);
    loop {
        let page = releases::counted_labels(conn, campaign_id, last, PAGE)?;
        for &(tile, volunteer) in &page {
            of.entry(tile).or_default().add(volunteer);
        }
        match page.last() {
            Some(&newest) if page.len() as i64 == PAGE => last = newest,
            _ => return Ok(of),
        }
    }
}

/// Writes how each tile entered the figures; returns the number of rows.
pub fn write_basis(coarsened: &Coarsened, out: &mut dyn Write) -> Result<Option<u64>, Error> {
    let fault = |error: csv::Error| Error::Internal(format!("{BASIS} cannot be written: {error}"));
    let mut lines = csv::Writer::from_writer(out);
    lines.write_record(["tile_id", "class", "labels"]).map_err(fault)?;
    let mut rows = 0;
    for (tile_id, shown) in coarsened.tile_ids.iter().zip(&coarsened.coarse.basis) {
        let Some(Shown { class, labels }) = shown else { continue };
        let class = class.map(|class| class.to_string()).unwrap_or_default();
        lines.write_record([tile_id, &class, &labels.to_string()]).map_err(fault)?;
        rows += 1;
    }
    lines.flush().map_err(|error| fault(error.into()))?;
    Ok(Some(rows))
}

/// Reads it back, if it is what was released: the next release is judged by it.
fn read_basis(home: &Path, release: &Release) -> Result<HashMap<String, Shown>, Error> {
    let damaged = |reason: String| {
        Error::Internal(format!(
            "{BASIS} of release {} {reason}: without it nobody can tell what a new release would give away; restore it",
            release.version
        ))
    };
    let file = release.manifest.files.iter().find(|file| file.name == BASIS);
    let file = file.ok_or_else(|| damaged("is missing".into()))?;
    verify(home, release.id, file).map_err(damaged)?;
    let path = place(home, release.id).join(BASIS);
    let mut reader = csv::Reader::from_path(path).map_err(|error| damaged(error.to_string()))?;
    let mut basis = HashMap::new();
    for record in reader.records() {
        let record = record.map_err(|error| damaged(error.to_string()))?;
        let cell = |at: usize| record.get(at).unwrap_or_default();
        let class = match cell(1) {
            "" => None,
            text => Some(text.parse().map_err(|_| damaged(format!("holds the class `{text}`")))?),
        };
        let labels = cell(2).parse().map_err(|_| damaged(format!("holds the count `{}`", cell(2))))?;
        basis.insert(cell(0).to_owned(), Shown { class, labels });
    }
    Ok(basis)
}

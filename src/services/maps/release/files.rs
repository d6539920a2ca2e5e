//! The files of a release: which there are at each level, and for whom each is.

use std::path::Path;

use super::cells::{self, BASIS, Coarsened, Source};
use super::changes::compare;
use super::check::verify;
use super::folder::{Folder, place};
use crate::domain::campaign::{Campaign, ReleaseLevel};
use crate::domain::citation::Citation;
use crate::domain::coarse::CoarseCell;
use crate::domain::damage_map::{Cuts, DamageMap, Sight, What};
use crate::domain::release::{Audience, Changes, Release};
use crate::export::{self, FORMATS, Format, Take};
use crate::services::Error;
use crate::services::maps::export_map::{self, Request};
use crate::services::maps::{describe_map, read_map, validation_report};
use crate::storage::Conn;

const MARKDOWN: &str = "text/markdown; charset=utf-8";

/// What all files of one release have in common.
pub struct Making<'a> {
    /// The campaign as the snapshot holds it.
    pub campaign: &'a Campaign,
    /// All releases before, newest first.
    pub before: &'a [Release],
    /// Where releases lie.
    pub home: &'a Path,
    /// The version to be.
    pub version: u32,
    /// Milliseconds since 1970, UTC.
    pub now: i64,
    /// How it is cited.
    pub citation: &'a Citation,
    /// What its maker says about it.
    pub notes: &'a str,
}

/// What was found out while writing.
pub struct Written {
    /// What changed since the release before.
    pub changes: Changes,
    /// The cells that everybody sees; empty at other levels.
    pub cells: Vec<CoarseCell>,
    /// The header of the map.
    pub map: DamageMap,
}

impl Making<'_> {
    /// For whom the tiles are.
    fn audience(&self) -> Audience {
        match self.campaign.release_level {
            ReleaseLevel::Public => Audience::Everybody,
            ReleaseLevel::Coarsened | ReleaseLevel::Private => Audience::Researchers,
        }
    }

    /// Writes all files but the manifest, from one snapshot.
    pub fn write(&self, conn: &mut Conn, folder: &mut Folder) -> Result<Written, Error> {
        let map = read_map::header(conn, self.campaign, Cuts::default())?;
        let sight = if self.audience() == Audience::Everybody { Sight::Everybody } else { Sight::Researcher };
        for format in FORMATS.iter().filter(|format| !is_raster(**format)) {
            self.export(conn, folder, (What::Tiles, format.extension(), sight), self.audience())?;
        }
        let others =
            if self.campaign.release_level == ReleaseLevel::Private { self.audience() } else { Audience::Everybody };
        self.export(conn, folder, (What::Scenes, "csv", sight), others)?;
        self.export(conn, folder, (What::Labels, "csv", Sight::Researcher), Audience::Researchers)?;
        let cells = match self.campaign.release_level {
            ReleaseLevel::Coarsened => self.coarsen(conn, folder, &map)?,
            _ => Vec::new(),
        };
        let code_book = describe_map::code_book_markdown(conn, self.campaign, Cuts::default())?;
        folder.text(("codebook.md", MARKDOWN), others, &code_book)?;
        let method = describe_map::method_note(conn, self.campaign, sight)?;
        folder.text(("method.md", MARKDOWN), self.audience(), &method)?;
        let reports = validation_report::reports(conn, self.campaign)?;
        if let Some(report) = reports.iter().find(|report| report.complete) {
            let json = serde_json::to_string_pretty(report).map_err(|error| Error::Internal(error.to_string()))?;
            // It says how many tiles are gold.
            let audience = if self.campaign.state.is_over() { self.audience() } else { Audience::Researchers };
            folder.text(("validation.json", "application/json"), audience, &(json + "\n"))?;
        }
        let changes = self.changes(folder)?;
        folder.text(("CITATION.cff", "application/yaml"), others, &self.citation.cff())?;
        folder.text(("README.md", MARKDOWN), others, &self.readme(&changes, others))?;
        Ok(Written { changes, cells, map })
    }

    fn export(
        &self,
        conn: &mut Conn,
        folder: &mut Folder,
        (what, format, sight): (What, &str, Sight),
        audience: Audience,
    ) -> Result<(), Error> {
        let scratch = folder.path("");
        let request = Request::new(what, format, Cuts::default(), sight)?.with_scratch(scratch);
        let (name, media_type) = (request.file_name(), request.format.media_type());
        folder.write((&name, media_type), audience, |out| {
            export_map::write_from(conn, self.campaign, &request, self.now, out).map(Some)
        })
    }

    fn coarsen(&self, conn: &mut Conn, folder: &mut Folder, map: &DamageMap) -> Result<Vec<CoarseCell>, Error> {
        let before = self.before.iter().find(|release| release.level == ReleaseLevel::Coarsened);
        let source = Source { campaign: self.campaign, map, now: self.now };
        let coarsened: Coarsened = cells::cells(conn, &source, before, self.home)?;
        folder.write((BASIS, "text/csv; charset=utf-8"), Audience::Researchers, |out| {
            cells::write_basis(&coarsened, out)
        })?;
        // Whatever holds scenes holds other outlines.
        for format in FORMATS.iter().filter(|format| format.holds(What::Scenes)) {
            let scratch = folder.path("");
            let name = format!("cells.{}", format.extension());
            folder.write((&name, format.media_type()), Audience::Everybody, |out| {
                let sheet = export::cells::sheet(map);
                let mut sheets = |take: &mut Take<'_>| {
                    let cells = coarsened.coarse.cells.iter();
                    take(&sheet, &mut cells.map(|cell| Ok(export::cells::record(map, self.version, cell))))
                };
                let rows = format.write(&mut sheets, out, &scratch);
                rows.map(Some).map_err(export_map::failure)
            })?;
        }
        Ok(coarsened.coarse.cells)
    }

    /// Compares with the release before.
    fn changes(&self, folder: &mut Folder) -> Result<Changes, Error> {
        let Some(before) = self.before.first() else { return Ok(Changes::default()) };
        let tiles = before.manifest.files.iter().find(|file| file.name == "tiles.csv");
        let tiles = tiles.ok_or_else(|| Error::Internal(format!("release {} has no tiles.csv", before.version)))?;
        verify(self.home, before.id, tiles).map_err(|reason| {
            Error::Internal(format!("tiles.csv of release {} {reason}: restore it", before.version))
        })?;
        let audience = self.audience_of_changes();
        let (was, is) = (place(self.home, before.id).join("tiles.csv"), folder.path("tiles.csv"));
        let mut found = Changes::default();
        folder.write(("changes.csv", "text/csv; charset=utf-8"), audience, |out| {
            found = compare(&was, &is, before.version, out)?;
            Ok(Some(found.tiles))
        })?;
        Ok(found)
    }

    /// What changed is for everybody only where both maps were: between a map for researchers and one for everybody lies
    /// what everybody may not know.
    fn audience_of_changes(&self) -> Audience {
        let tiles = |before: &Release| {
            before.manifest.files.iter().any(|file| file.name == "tiles.csv" && file.audience == Audience::Everybody)
        };
        if self.before.first().is_some_and(tiles) { self.audience() } else { Audience::Researchers }
    }

    fn readme(&self, changes: &Changes, audience: Audience) -> String {
        let mut text = format!("# {}, version {}\n\n{}\n", self.citation.title, self.version, self.citation.text());
        let told = audience == Audience::Researchers || self.audience_of_changes() == Audience::Everybody;
        if let (Some(since), true) = (changes.since, told) {
            let Changes { tiles, state, class, window, .. } = changes;
            text += &format!(
                "\nSince version {since}, {tiles} tiles changed: {state} their state, {class} their class, {window} their \
                 date window.\n"
            );
        }
        if !self.notes.trim().is_empty() {
            text += &format!("\n{}\n", self.notes.trim());
        }
        text + "\nThe manifest gives the SHA-256 of each file.\n"
    }
}

/// Rasters are left out: cells that lie far apart do not fit into one, and that must not stop a release.
fn is_raster(format: &dyn Format) -> bool {
    !format.holds(What::Scenes)
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_release_has_the_table_by_which_the_next_is_compared() {
        assert!(super::FORMATS.iter().any(|format| format.extension() == "csv"));
    }
}

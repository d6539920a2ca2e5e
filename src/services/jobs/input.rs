//! What a job is to do: what somebody asked for over HTTP, and what stands in the database.

use serde::{Deserialize, Serialize};

use crate::domain::gold::GoldKind;
use crate::domain::job::JobKind;
use crate::domain::remote_tiles::AllowedHosts;
use crate::domain::scene::Captured;
use crate::domain::tiling_change::TilingChange;
use crate::imagery::{Crs, Look};
use crate::services::Error;
use crate::services::scenes::bring_remote::RemoteScene;

/// Longest title, credit line and the like, characters.
const LONGEST: usize = 500;

/// What a job is to do.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum JobInput {
    /// Cut a picture into a scene.
    Ingest(Box<IngestInput>),
    /// Read building footprints.
    Footprints(FootprintsInput),
    /// Read tiles whose answers experts fixed.
    Gold(GoldInput),
    /// Derive the tiles anew.
    Tiles(TilesInput),
}

/// A file that was brought: one of the two.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct FileRef {
    /// An upload's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upload: Option<String>,
    /// The name of a file in the inbox.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// What the file is called by whoever brought it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub called: String,
}

/// Tiles of another server.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RemoteInput {
    /// Their address with places for zoom, column, row and key.
    pub template: String,
    /// West, south, east, north, degrees.
    pub area: Option<[f64; 4]>,
    /// The deepest zoom to fetch.
    pub zoom: Option<u8>,
}

/// A picture and what is known about it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct IngestInput {
    /// The GeoTIFF.
    #[serde(flatten)]
    pub file: FileRef,
    /// Tiles of another server, instead of a file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remote: Option<Box<RemoteInput>>,
    /// When it was taken: a day or an instant.
    pub captured: Option<String>,
    /// Start of the interval of a composite.
    pub captured_from: Option<String>,
    /// Its end.
    pub captured_to: Option<String>,
    /// Name on screen.
    pub title: Option<String>,
    /// Satellite or aircraft.
    pub sensor: Option<String>,
    /// Licence of the imagery.
    pub licence: Option<String>,
    /// Credit line.
    pub attribution: Option<String>,
    /// Bands to show, counted from 1.
    pub bands: Option<Vec<u16>>,
    /// Numbers that become black and white.
    pub stretch: Option<(f64, f64)>,
    /// Number that means "no picture".
    pub nodata: Option<f64>,
    /// System that the file lies in, where the file does not say it: `EPSG:32637`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crs: Option<String>,
    /// The scene of that id goes when this one is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<String>,
}

/// A file of footprints.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FootprintsInput {
    /// GeoJSON, GeoPackage or FlatGeobuf.
    #[serde(flatten)]
    pub file: FileRef,
}

/// A file of gold.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct GoldInput {
    /// The CSV.
    #[serde(flatten)]
    pub file: FileRef,
    /// What the gold is for.
    pub gold: GoldKind,
}

/// What is otherwise, so that tiles have to be derived anew.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct TilesInput {
    /// How tiles are made.
    #[serde(default)]
    pub tiling: TilingChange,
    /// The scene of that id goes.
    #[serde(default)]
    pub remove: Option<i64>,
    /// The scene of that id was taken then: id, first and last millisecond.
    #[serde(default)]
    pub redate: Option<(i64, i64, i64)>,
}

impl JobInput {
    /// Reads what stands in the database.
    pub fn read(text: &str) -> Result<JobInput, Error> {
        serde_json::from_str(text).map_err(|error| Error::Internal(format!("a damaged job: {error}")))
    }

    /// What kind of job it is.
    pub fn kind(&self) -> JobKind {
        match self {
            JobInput::Ingest(_) => JobKind::Ingest,
            JobInput::Footprints(_) => JobKind::Footprints,
            JobInput::Gold(_) => JobKind::Gold,
            JobInput::Tiles(_) => JobKind::Tiles,
        }
    }

    /// The file it reads.
    pub fn file(&self) -> Option<&FileRef> {
        match self {
            JobInput::Tiles(_) => None,
            JobInput::Ingest(input) => Some(&input.file).filter(|_| input.remote.is_none()),
            JobInput::Footprints(FootprintsInput { file }) | JobInput::Gold(GoldInput { file, .. }) => Some(file),
        }
    }

    /// The same to be changed.
    pub fn file_mut(&mut self) -> Option<&mut FileRef> {
        match self {
            JobInput::Tiles(_) => None,
            JobInput::Ingest(input) => match input.remote {
                Some(_) => None,
                None => Some(&mut input.file),
            },
            JobInput::Footprints(FootprintsInput { file }) | JobInput::Gold(GoldInput { file, .. }) => Some(file),
        }
    }

    /// What it is about, in a few words.
    pub fn about(&self) -> String {
        match (self, self.file()) {
            (_, Some(file)) => file.called.clone(),
            (JobInput::Ingest(input), None) => {
                let template = input.remote.as_deref().map(|remote| remote.template.split('?').next());
                template.flatten().unwrap_or_default().to_owned()
            }
            (JobInput::Tiles(TilesInput { remove: Some(_), .. }), _) => "remove a scene".into(),
            (JobInput::Tiles(TilesInput { redate: Some(_), .. }), _) => "another date of a scene".into(),
            _ => "tiles".into(),
        }
    }

    /// Checks what can be checked without the file.
    pub fn check(&self, hosts: &AllowedHosts) -> Result<(), Error> {
        let JobInput::Ingest(input) = self else { return Ok(()) };
        input.captured()?;
        if let Some(remote) = input.remote(hosts)? {
            if input.file != FileRef::default() {
                return Err(Error::invalid("remote", "name a file or tiles of another server, not both"));
            }
            remote.credit(input.attribution.as_deref())?;
        }
        let words = [
            ("title", &input.title),
            ("sensor", &input.sensor),
            ("licence", &input.licence),
            ("attribution", &input.attribution),
        ];
        words.into_iter().try_for_each(|(field, text)| check_words(field, text.as_deref()))?;
        if input.bands.as_ref().is_some_and(|bands| !matches!(bands.len(), 1 | 3) || bands.contains(&0)) {
            return Err(Error::invalid(
                "bands",
                "name one band for grey, or three for red, green, blue, counted from 1",
            ));
        }
        input.look()?;
        match input.stretch {
            Some((low, high)) if !(low < high && low.is_finite() && high.is_finite()) => {
                Err(Error::invalid("stretch", "two numbers, the lower one first"))
            }
            _ => Ok(()),
        }
    }
}

impl IngestInput {
    /// The tiles of another server that it asks for, if the operator allows them.
    pub fn remote(&self, hosts: &AllowedHosts) -> Result<Option<RemoteScene>, Error> {
        let wanted = |one: &RemoteInput| RemoteScene::allowed(hosts, &one.template, one.area, one.zoom);
        self.remote.as_deref().map(wanted).transpose()
    }

    /// How the picture is to be shown, where the file's own word is not wanted.
    pub fn look(&self) -> Result<Look, Error> {
        Ok(Look {
            bands: self.bands.clone(),
            stretch: self.stretch,
            nodata: self.nodata,
            moved: None,
            epsg: scene_crs(self.crs.as_deref())?,
        })
    }

    /// The scene that goes when this one is there.
    pub fn replaced(&self) -> Result<Option<i64>, Error> {
        let id =
            |text: &str| text.parse().map_err(|_| Error::invalid("replaces", format!("`{text}` is no scene's id")));
        self.replaces.as_deref().map(id).transpose()
    }

    /// When the picture was taken.
    pub fn captured(&self) -> Result<Captured, Error> {
        captured(self.captured.as_deref(), self.captured_from.as_deref(), self.captured_to.as_deref())
    }
}

/// A time or an interval out of three fields, of which one or the two others are given.
pub fn captured(at: Option<&str>, from: Option<&str>, to: Option<&str>) -> Result<Captured, Error> {
    match (at, from, to) {
        (Some(at), None, None) => Ok(Captured::parse("captured", at)?),
        (None, Some(from), Some(to)) => {
            let span = (Captured::parse("captured_from", from)?, Captured::parse("captured_to", to)?);
            Captured::span(span.0, span.1)
                .map_err(|_| Error::invalid("captured_to", "the interval ends before it begins"))
        }
        _ => Err(Error::invalid(
            "captured",
            "say when the picture was taken: captured, or captured_from and captured_to",
        )),
    }
}

/// The EPSG code of the system that somebody says that a file lies in.
pub fn scene_crs(text: Option<&str>) -> Result<Option<u32>, Error> {
    let said = text.filter(|text| !text.trim().is_empty());
    said.map(|text| Crs::code_of(text).map_err(|reason| Error::invalid("crs", reason))).transpose()
}

/// A line that people read beside a picture.
pub fn check_words(field: &str, text: Option<&str>) -> Result<(), Error> {
    match text {
        Some(text) if text.chars().count() > LONGEST || text.chars().any(char::is_control) => {
            Err(Error::invalid(field, format!("one line of at most {LONGEST} characters")))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_reads_back_as_it_was_written() {
        let file = FileRef { upload: Some("17".into()), file: None, called: "a.tif".into() };
        let input = JobInput::Gold(GoldInput { file, gold: GoldKind::Check });
        let text = serde_json::to_string(&input).unwrap();
        assert!(text.contains("\"upload\":\"17\""), "{text}");
        let again = JobInput::read(&text).unwrap();
        assert_eq!((again.kind(), again.about()), (JobKind::Gold, "a.tif".to_owned()));
    }

    #[test]
    fn a_time_is_one_or_an_interval() {
        assert!(captured(Some("2025-06-15"), None, None).is_ok());
        assert!(captured(None, Some("2025-06-15"), Some("2025-06-20")).is_ok());
        for (at, from, to) in [
            (None, None, None),
            (Some("2025-06-15"), Some("2025-06-15"), None),
            (None, Some("2025-06-15"), None),
            (None, Some("2025-06-20"), Some("2025-06-15")),
            (Some("soon"), None, None),
        ] {
            assert!(captured(at, from, to).is_err());
        }
    }
}

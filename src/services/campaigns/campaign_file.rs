//! The campaign file: what a coordinator writes about a campaign, in TOML or, over HTTP, in JSON.
//! `docs/campaign.example.toml` shows all of it.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::scale_file::read_scale;
use crate::domain::area::area_of;
use crate::domain::campaign::{ReleaseLevel, Visibility};
use crate::domain::policy::Policy;
use crate::domain::scale::Scale;
use crate::domain::tiling_change::{TilingChange, given};
use crate::services::Error;

/// A campaign file. What it does not name stays as it is.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CampaignFile {
    /// The campaign it is about. Over HTTP the address names it.
    #[serde(default)]
    pub slug: String,
    /// The campaign's own language: given where somebody's language is not there.
    pub language: Option<String>,
    /// Who may take part.
    pub visibility: Option<Visibility>,
    /// Who may have the damage map.
    pub release_level: Option<ReleaseLevel>,
    /// Licence of the damage map; empty: none.
    pub licence: Option<String>,
    /// Key of a built-in scale, or a scale of its own.
    #[serde(rename = "scale")]
    scale_words: Option<Value>,
    /// The same, read.
    #[serde(skip)]
    pub scale: Option<Scale>,
    /// Texts by language.
    #[serde(default)]
    pub texts: BTreeMap<String, FileTexts>,
    /// Read to refuse what is no setting, with its line; which ones are named is in `settings`.
    #[serde(default, rename = "policy")]
    _policy: Policy,
    /// The policy settings that the file names.
    #[serde(skip)]
    pub settings: Map<String, Value>,
    /// How tiles are made, the area as well.
    #[serde(default)]
    pub tiles: TilingChange,
    /// GeoJSON in which tiles are made, or the name of its file; `null` or empty: wherever there is imagery.
    #[serde(default, deserialize_with = "given")]
    area: Option<Option<Value>>,
    /// File of the area, beside the campaign file.
    #[serde(skip)]
    pub area_file: Option<String>,
    /// Scenes that the campaign is to have. In files only: over HTTP they are uploaded.
    #[serde(default)]
    pub scenes: Vec<FileScene>,
    /// File of building footprints. In files only.
    pub footprints: Option<String>,
}

/// Texts in one language; `None` stays as it is.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FileTexts {
    /// Name on the campaign list.
    pub title: Option<String>,
    /// What it is for.
    pub purpose: Option<String>,
    /// What one learns before the first practice tile.
    pub introduction: Option<String>,
    /// How to answer, in short.
    pub instructions: Option<String>,
    /// What one may see.
    pub care_notice: Option<String>,
    /// Where to find help.
    pub help_lines: Option<String>,
    /// What the work led to.
    pub news: Option<String>,
    /// The field guide, by key of the answer.
    pub guide: BTreeMap<String, String>,
}

/// A scene in a campaign file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileScene {
    /// The GeoTIFF, relative to the campaign file.
    pub file: String,
    /// When it was taken: a day or an instant.
    pub captured: Option<String>,
    /// Start of the interval of a composite.
    pub captured_from: Option<String>,
    /// End of the interval of a composite.
    pub captured_to: Option<String>,
    /// Name on screen.
    pub title: Option<String>,
    /// Satellite or aircraft.
    pub sensor: Option<String>,
    /// Licence of the imagery.
    pub licence: Option<String>,
    /// Credit line.
    pub attribution: Option<String>,
    /// Bands to show.
    pub bands: Option<Vec<u16>>,
    /// Numbers that become black and white.
    pub stretch: Option<(f64, f64)>,
    /// Number that means "no picture".
    pub nodata: Option<f64>,
    /// System that the file lies in, where the file does not say it: `EPSG:32637`.
    pub crs: Option<String>,
}

impl CampaignFile {
    /// Reads a file. What it cannot hold is refused with its line.
    pub fn parse(text: &str) -> Result<CampaignFile, Error> {
        let wrong = |error: toml::de::Error| {
            let line = error.span().map_or(1, |span| text[..span.start.min(text.len())].matches('\n').count() + 1);
            Error::invalid("campaign file", format!("line {line}: {}", error.message()))
        };
        let file: CampaignFile = toml::from_str(text).map_err(wrong)?;
        // Read once more, without the types: only so it is known which settings are named.
        let plain: Map<String, Value> = toml::from_str(text).map_err(wrong)?;
        match file.slug.is_empty() {
            true => Err(Error::invalid("campaign file", "line 1: it does not say which campaign: add slug = \"…\"")),
            false => file.complete(plain.get("policy")),
        }
    }

    /// Reads the same words as JSON. An unknown field is refused by its name.
    pub fn from_json(json: &Value) -> Result<CampaignFile, Error> {
        let wrong = |error: serde_json::Error| {
            let message = error.to_string();
            let field = message.split('`').nth(1).unwrap_or("settings").to_owned();
            Error::invalid(&field, message)
        };
        let file: CampaignFile = serde_json::from_value(json.clone()).map_err(wrong)?;
        file.complete(json.get("policy"))?.without_files()
    }

    /// Refuses a file that names others: over HTTP they are uploaded, or taken from the inbox.
    pub fn without_files(self) -> Result<CampaignFile, Error> {
        let wrong = |field: &str, reason: &str| Err(Error::invalid(field, reason));
        match (&self.area_file, &self.footprints, self.scenes.is_empty()) {
            (Some(_), ..) => wrong("area", "must be a GeoJSON Polygon or MultiPolygon in degrees"),
            (_, Some(_), _) => wrong("footprints", "footprints are uploaded here, or taken from the inbox"),
            (.., false) => wrong("scenes", "scenes are uploaded here, or taken from the inbox"),
            _ => Ok(self),
        }
    }

    /// Reads what is more than plain words.
    fn complete(mut self, policy: Option<&Value>) -> Result<CampaignFile, Error> {
        if let Some(Value::Object(settings)) = policy {
            self.settings = settings.clone();
        }
        self.scale = self.scale_words.as_ref().map(read_scale).transpose()?;
        if self.tiles.area.is_some() {
            return Err(Error::invalid("tiles.area", "the area stands beside the tiles, as `area`"));
        }
        self.tiles.area = match &self.area {
            None => None,
            Some(None) => Some(None),
            Some(Some(Value::String(text))) if text.trim().is_empty() => Some(None),
            Some(Some(Value::String(name))) => {
                self.area_file = Some(name.clone());
                None
            }
            Some(Some(json)) => Some(Some(area_of(json)?)),
        };
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn refused(text: &str) -> String {
        CampaignFile::parse(text).unwrap_err().to_string()
    }

    #[test]
    fn an_unknown_key_is_refused_with_its_name_and_line() {
        let refusal = refused("slug = \"c\"\n\n[texts.en]\ntitle = \"T\"\ntitel = \"T\"\n");
        assert!(refusal.contains("line 5") && refusal.contains("`titel`"), "{refusal}");
        let refusal = refused("slug = \"c\"\ncolour = 1\n");
        assert!(refusal.contains("line 2") && refusal.contains("`colour`"), "{refusal}");
        let refusal = refused("slug = \"c\"\n[policy]\nminimun = 3\n");
        assert!(refusal.contains("line 3") && refusal.contains("`minimun`"), "{refusal}");
        assert!(refused("slug = \"c\"\nvisibility = \"secret\"\n").contains("line 2"));
        assert!(refused("slug = c\n").contains("line 1"));
        assert!(refused("language = \"en\"\n").contains("slug"));
    }

    #[test]
    fn only_the_settings_that_are_named_are_taken() {
        let file = CampaignFile::parse("slug = \"c\"\n[policy]\ngold_share = 0.1\npractice_required = true\n").unwrap();
        assert_eq!(file.settings.keys().collect::<Vec<_>>(), ["gold_share", "practice_required"]);
        assert!(CampaignFile::parse("slug = \"c\"\n").unwrap().settings.is_empty());
        // Alone it is more than the usual maximum; whether it fits is known beside the campaign's own settings.
        assert!(CampaignFile::parse("slug = \"c\"\n[policy]\nminimum = 12\n").is_ok());
        assert!(refused("slug = \"c\"\n[policy]\ngold_share = \"much\"\n").contains("line 3"));
    }

    #[test]
    fn the_same_words_are_read_as_json_and_unknown_ones_are_named() {
        let file = CampaignFile::from_json(&json!({"tiles": {"zoom": null}, "policy": {"minimum": 2}, "area": null}));
        let file = file.unwrap();
        assert_eq!((file.tiles.zoom, file.tiles.area.clone()), (Some(None), Some(None)));
        assert_eq!(file.settings["minimum"], 2);
        let field = |json: Value| match CampaignFile::from_json(&json).unwrap_err() {
            Error::Invalid(invalid) => invalid.field,
            other => panic!("{other}"),
        };
        assert_eq!(field(json!({"texts": {"en": {"titel": "T"}}})), "titel");
        assert_eq!(field(json!({"colour": 1})), "colour");
        assert_eq!(field(json!({"area": {"type": "Point"}})), "area");
        assert_eq!(field(json!({"scenes": [{"file": "/etc/passwd"}]})), "scenes");
    }

    #[test]
    fn a_file_may_name_scenes_and_an_area() {
        let text = "slug = \"c\"\narea = \"\"\n[[scenes]]\nfile = \"a.tif\"\ncaptured = \"2025-06-15\"\n";
        let file = CampaignFile::parse(text).unwrap();
        assert_eq!((file.scenes[0].file.as_str(), file.tiles.area), ("a.tif", Some(None)));
        assert!(refused("slug = \"c\"\n[[scenes]]\nfile = \"a.tif\"\ntaken = \"2025-06-15\"\n").contains("`taken`"));
    }
}

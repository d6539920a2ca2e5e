//! The settings of a campaign as its file would say them: read, in full.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::scale_file::ScaleFile;
use crate::domain::campaign::{Campaign, CampaignTexts, ReleaseLevel, TileSource, Visibility};
use crate::services::Error;
use crate::storage::Conn;
use crate::storage::campaigns::texts;

/// A campaign file with everything that it may hold; sent back it changes nothing.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Settings {
    /// Name in addresses.
    pub slug: String,
    /// The campaign's own language (BCP 47).
    pub language: String,
    /// Who may take part.
    pub visibility: Visibility,
    /// Who may have the damage map.
    pub release_level: ReleaseLevel,
    /// Licence of the damage map; empty: none.
    pub licence: String,
    /// Answers a volunteer may give.
    pub scale: ScaleFile,
    /// When a tile is done, and how work is handed out: all settings of `[policy]` in the campaign file.
    #[schema(value_type = Object)]
    pub policy: Value,
    /// Texts by language.
    pub texts: BTreeMap<String, SettingsTexts>,
    /// How tiles are made.
    pub tiles: SettingsTiles,
    /// GeoJSON Polygon or MultiPolygon in which tiles are made; `null`: wherever there is imagery.
    #[schema(value_type = Option<Object>, required)]
    pub area: Option<Value>,
}

/// Texts in one language, Markdown.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SettingsTexts {
    title: String,
    purpose: String,
    introduction: String,
    instructions: String,
    care_notice: String,
    help_lines: String,
    news: String,
    /// The field guide, by key of the answer.
    guide: BTreeMap<String, String>,
}

/// How tiles are made.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SettingsTiles {
    /// Grid cells or building footprints.
    source: TileSource,
    /// Zoom of grid cells; `null`: what fits the imagery.
    #[schema(required)]
    zoom: Option<u8>,
    /// Margin around a footprint, as a share of its longer side.
    margin: f64,
    /// The smallest square around a footprint, metres.
    least_m: f64,
}

/// Reads a campaign's settings.
pub fn settings(conn: &mut Conn, campaign: &Campaign) -> Result<Settings, Error> {
    let unreadable = |error: serde_json::Error| Error::Internal(format!("damaged settings: {error}"));
    let mut by_language = BTreeMap::new();
    for language in texts::languages(conn, campaign.id)? {
        let written = texts::of(conn, campaign.id, &language)?.unwrap_or_default();
        let guide = texts::guide(conn, campaign.id, &language)?;
        by_language.insert(language, in_one_language(campaign, written, guide));
    }
    Ok(Settings {
        slug: campaign.slug.clone(),
        language: campaign.language.clone(),
        visibility: campaign.visibility,
        release_level: campaign.release_level,
        licence: campaign.licence.clone().unwrap_or_default(),
        scale: ScaleFile::from(&campaign.scale),
        policy: serde_json::to_value(&campaign.policy).map_err(unreadable)?,
        texts: by_language,
        tiles: SettingsTiles {
            source: campaign.tile_source,
            zoom: campaign.labelling_zoom,
            margin: campaign.surroundings.margin,
            least_m: campaign.surroundings.least_m,
        },
        area: campaign.area.as_deref().map(serde_json::from_str).transpose().map_err(unreadable)?,
    })
}

fn in_one_language(campaign: &Campaign, written: CampaignTexts, guide: Vec<(u8, String)>) -> SettingsTexts {
    let CampaignTexts { title, purpose, introduction, instructions, care_notice, help_lines, news } = written;
    let key = |(place, text): (u8, String)| Some((campaign.scale.answer(place)?.key.clone(), text));
    let guide = guide.into_iter().filter_map(key).collect();
    SettingsTexts { title, purpose, introduction, instructions, care_notice, help_lines, news, guide }
}

impl SettingsTexts {
    /// The texts that people need, in the order of the set-up, and whether each is written.
    pub fn there(&self) -> Vec<(&'static str, bool)> {
        let texts = [
            ("title", &self.title),
            ("purpose", &self.purpose),
            ("instructions", &self.instructions),
            ("care_notice", &self.care_notice),
            ("help_lines", &self.help_lines),
        ];
        texts.into_iter().map(|(name, text)| (name, !text.trim().is_empty())).collect()
    }

    /// Names of the texts that are here and not there, the introduction and the field guide too.
    fn missing_in(&self, other: &SettingsTexts) -> Vec<String> {
        let all = |texts: &SettingsTexts| {
            let introduced = !texts.introduction.trim().is_empty();
            [texts.there(), vec![("introduction", introduced)]].concat()
        };
        let pairs = all(self).into_iter().zip(all(other));
        let mut names: Vec<String> =
            pairs.filter(|(own, theirs)| own.1 && !theirs.1).map(|(own, _)| own.0.to_owned()).collect();
        if other.explained() < self.explained() {
            names.push("guide".to_owned());
        }
        names
    }

    /// Answers that the field guide explains.
    pub fn explained(&self) -> usize {
        self.guide.values().filter(|text| !text.trim().is_empty()).count()
    }
}

impl Settings {
    /// Texts that a language lacks and the campaign's own has: code and name, as `fr/introduction`.
    pub fn untranslated(&self) -> Vec<String> {
        let Some(own) = self.texts.get(&self.language) else { return Vec::new() };
        let lacking = |(language, theirs): (&String, &SettingsTexts)| {
            let mut names = own.missing_in(theirs);
            names.iter_mut().for_each(|name| name.insert_str(0, &format!("{language}/")));
            names
        };
        self.texts.iter().flat_map(lacking).collect()
    }
}

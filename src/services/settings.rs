//! The settings of a campaign as its file would say them: read, in full.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::Error;
use super::scale_file::ScaleFile;
use crate::domain::campaign::{Campaign, CampaignTexts, ReleaseLevel, TileSource, Visibility};
use crate::storage::{Conn, texts};

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

//! Starts a campaign as a draft.

use super::Error;
use crate::domain::Invalid;
use crate::domain::campaign::{
    Campaign, CampaignKind, CampaignState, CampaignTexts, ReleaseLevel, TileSource, Visibility, check_slug,
};
use crate::domain::policy::Policy;
use crate::domain::scale::{BUILT_IN, Scale};
use crate::storage::{Conn, audit_log, campaigns, new_id};

/// What a new campaign is made of; the rest has defaults or follows from its scenes.
#[derive(Debug, Clone)]
pub struct NewCampaign {
    /// Name in addresses.
    pub slug: String,
    /// What people read about it.
    pub texts: CampaignTexts,
    /// Language of the texts (BCP 47).
    pub language: String,
    /// Name of a built-in scale.
    pub scale: String,
    /// When a tile is done.
    pub policy: Policy,
    /// Who may take part.
    pub visibility: Visibility,
    /// Who may have the damage map.
    pub release_level: ReleaseLevel,
    /// Licence of the damage map.
    pub licence: Option<String>,
    /// Whether the imagery was drawn by a program.
    pub synthetic: bool,
}

impl NewCampaign {
    /// A public campaign in English on the default scale and policy, with no licence yet.
    pub fn new(slug: &str, title: &str) -> NewCampaign {
        NewCampaign {
            slug: slug.to_owned(),
            texts: CampaignTexts { title: title.to_owned(), ..CampaignTexts::default() },
            language: "en".into(),
            scale: "conflict3".into(),
            policy: Policy::default(),
            visibility: Visibility::Public,
            release_level: ReleaseLevel::Public,
            licence: None,
            synthetic: false,
        }
    }
}

/// Stores a new draft. A name that is taken is a conflict.
pub fn create_campaign(conn: &mut Conn, new: &NewCampaign, actor: Option<i64>, now: i64) -> Result<Campaign, Error> {
    check_slug(&new.slug)?;
    new.policy.check()?;
    let scale = Scale::built_in(&new.scale).ok_or_else(|| {
        Invalid::new("scale", format!("there is no scale `{}`: use one of {}", new.scale, BUILT_IN.join(", ")))
    })?;
    if new.texts.title.trim().is_empty() {
        return Err(Error::invalid("title", "a campaign needs a title that people can recognise it by"));
    }
    if campaigns::find(conn, &new.slug)?.is_some() {
        return Err(Error::Conflict(format!("there is a campaign `{}` already: choose another name", new.slug)));
    }
    let campaign = Campaign {
        id: new_id(),
        slug: new.slug.clone(),
        state: CampaignState::Draft,
        visibility: new.visibility,
        release_level: new.release_level,
        kind: CampaignKind::Pair,
        tile_source: TileSource::Cells,
        labelling_zoom: None,
        scale,
        policy: new.policy.clone(),
        language: new.language.clone(),
        texts: new.texts.clone(),
        licence: new.licence.clone(),
        synthetic: new.synthetic,
        model: 0,
        pseudonym_key: rand::random::<[u8; 32]>().to_vec(),
        created_at: now,
        opened_at: None,
        closed_at: None,
        bounds: None,
    };
    campaigns::insert(conn, &campaign)?;
    audit_log::note(conn, actor, Some(campaign.id), ("create_campaign", &campaign.slug), now)?;
    Ok(campaign)
}

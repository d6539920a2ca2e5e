//! Starts a campaign as a draft.

use crate::domain::campaign::{
    Campaign, CampaignKind, CampaignState, CampaignTexts, ReleaseLevel, Surroundings, TileSource, Visibility,
    check_slug, check_title,
};
use crate::domain::language::check_language;
use crate::domain::policy::Policy;
use crate::domain::scale::Scale;
use crate::domain::volunteer::Role;
use crate::services::Error;
use crate::storage::oversight::audit_log;
use crate::storage::people::roles;
use crate::storage::{Conn, campaigns, is_duplicate, new_id};

/// What a new campaign is made of; the rest has defaults or follows from its scenes.
#[derive(Debug, Clone)]
pub struct NewCampaign {
    /// Name in addresses.
    pub slug: String,
    /// What people read about it.
    pub texts: CampaignTexts,
    /// Language of the texts (BCP 47).
    pub language: String,
    /// Answers a volunteer may give.
    pub scale: Scale,
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
            scale: Scale::usual(),
            policy: Policy::default(),
            visibility: Visibility::Public,
            release_level: ReleaseLevel::Public,
            licence: None,
            synthetic: false,
        }
    }
}

/// Stores a new draft; whoever makes it becomes its coordinator. A name that is taken is a conflict.
pub fn create_campaign(conn: &mut Conn, new: &NewCampaign, actor: Option<i64>, now: i64) -> Result<Campaign, Error> {
    check_slug(&new.slug)?;
    new.policy.check()?;
    new.scale.check()?;
    let language = check_language(&new.language)?;
    if new.texts.title.trim().is_empty() {
        return Err(Error::invalid("title", "a campaign needs a title that people can recognise it by"));
    }
    check_title("title", &new.texts.title)?;
    if campaigns::find(conn, &new.slug)?.is_some() {
        return Err(taken(&new.slug));
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
        surroundings: Surroundings::default(),
        area: None,
        scale: new.scale.clone(),
        policy: new.policy.clone(),
        language,
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
    // Two people who choose one name at the same moment: the constraint tells the second.
    let taken = |error| if is_duplicate(&error) { taken(&new.slug) } else { Error::Query(error) };
    campaigns::insert(conn, &campaign).map_err(taken)?;
    if let Some(maker) = actor {
        roles::grant(conn, maker, campaign.id, Role::Coordinator, actor, now)?;
    }
    audit_log::note(conn, actor, Some(campaign.id), ("create_campaign", &campaign.slug), now)?;
    Ok(campaign)
}

fn taken(slug: &str) -> Error {
    Error::Conflict(format!("there is a campaign `{slug}` already: choose another name"))
}

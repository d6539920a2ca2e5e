//! What should be there before a draft opens.

use super::estimate::estimate;
use super::settings::settings;
use crate::domain::campaign::{Campaign, CampaignState, ReleaseLevel};
use crate::domain::checklist::{Facts, Item, SceneFacts, checklist as rules};
use crate::domain::gold::GoldKind;
use crate::services::Error;
use crate::services::scenes::align_scene::misaligned_scenes;
use crate::storage::labelling::queue;
use crate::storage::{Conn, gold, jobs, scenes};

/// The list for a campaign as it is now.
pub fn checklist(conn: &mut Conn, campaign: &Campaign, now: i64) -> Result<Vec<Item>, Error> {
    let scenes = scenes::of_campaign(conn, campaign.id)?;
    let settings = settings(conn, campaign)?;
    let own = settings.texts.get(&campaign.language);
    let practice = gold::answers_of(conn, campaign.id, GoldKind::Practice.key())?;
    let check = gold::answers_of(conn, campaign.id, GoldKind::Check.key())?;
    let scene = |scene: crate::domain::scene::Scene| SceneFacts {
        credited: scene.licence.is_some() && scene.attribution.is_some(),
        captured: (scene.captured_from, scene.captured_to),
        title: scene.title,
    };
    let facts = Facts {
        scenes: scenes.into_iter().map(scene).collect(),
        misaligned: misaligned_scenes(conn, campaign.id)?,
        tiles: queue::open_tiles(conn, campaign.id)?,
        jobs: jobs::unfinished(conn, campaign.id)?.len(),
        texts: own.map_or_else(|| vec![("title", false)], |texts| texts.there()),
        unexplained: campaign.scale.answers.len().saturating_sub(own.map_or(0, |texts| texts.explained())),
        untranslated: settings.untranslated(),
        refit: (campaign.policy.refit_after, estimate(conn, campaign, None, None)?.labels),
        opened: campaign.state != CampaignState::Draft,
        licensed: campaign.licence.is_some(),
        map_is_public: campaign.release_level == ReleaseLevel::Public,
        without_practice: classes_without(campaign, &practice),
        without_check: classes_without(campaign, &check),
        gold: (practice.len() as i64, check.len() as i64),
        practice_required: campaign.policy.practice_required,
        now,
    };
    Ok(rules(&facts))
}

/// Keys of the classes that are no gold tile's answer.
fn classes_without(campaign: &Campaign, answers: &[u8]) -> Vec<String> {
    let classes = campaign.scale.classes().iter().enumerate();
    let lacking = classes.filter(|(place, _)| !answers.contains(&(*place as u8)));
    lacking.map(|(_, class)| class.key.clone()).collect()
}

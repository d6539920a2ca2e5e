//! Changes what is said about a scene, or takes a scene out of a draft. Where tiles follow, a job derives them.

use super::upload::Intake;
use crate::domain::campaign::{Campaign, CampaignState};
use crate::domain::scene::Scene;
use crate::services::Error;
use crate::services::jobs::{JobInput, TilesInput, ask, captured, check_words};
use crate::storage::jobs::Job;
use crate::storage::oversight::audit_log;
use crate::storage::{Conn, scenes};

/// What is to be said; `None` stays, empty takes it away.
#[derive(Debug, Clone, Default)]
pub struct SceneWords {
    /// Name on screen.
    pub title: Option<String>,
    /// Satellite or aircraft.
    pub sensor: Option<String>,
    /// Licence of the imagery.
    pub licence: Option<String>,
    /// Credit line.
    pub attribution: Option<String>,
    /// When it was taken: a day or an instant.
    pub captured: Option<String>,
    /// Start of the interval of a composite.
    pub captured_from: Option<String>,
    /// Its end.
    pub captured_to: Option<String>,
}

impl SceneWords {
    fn dated(&self) -> bool {
        self.captured.is_some() || self.captured_from.is_some() || self.captured_to.is_some()
    }
}

/// Writes the words at once; another date is a job, since another scene may become the first or the last.
pub fn edit_scene(
    conn: &mut Conn,
    intake: &Intake,
    campaign: &Campaign,
    id: i64,
    words: &SceneWords,
    by: Option<i64>,
    now: i64,
) -> Result<(Scene, Option<Job>), Error> {
    let mut scene = find(conn, campaign, id)?;
    if campaign.state == CampaignState::Archived {
        return Err(Error::Conflict(format!("campaign `{}` is archived: nothing of it changes", campaign.slug)));
    }
    if put_words(&mut scene, words)? {
        scenes::set_words(conn, &scene)?;
        audit_log::note(conn, by, Some(campaign.id), ("edit_scene", &id.to_string()), now)?;
    }
    if !words.dated() {
        return Ok((scene, None));
    }
    let (from, to) = (words.captured_from.as_deref(), words.captured_to.as_deref());
    let taken = captured(words.captured.as_deref(), from, to)?;
    if (taken.from, taken.to) == (scene.captured_from, scene.captured_to) {
        return Ok((scene, None));
    }
    let input = TilesInput { redate: Some((id, taken.from, taken.to)), ..TilesInput::default() };
    let job = ask(conn, intake, campaign, &JobInput::Tiles(input), by, now)?;
    Ok((scene, Some(job)))
}

/// Asks for the job that takes a scene away. Its archive stays until the folder is put in order.
pub fn remove_scene(
    conn: &mut Conn,
    intake: &Intake,
    campaign: &Campaign,
    id: i64,
    by: Option<i64>,
    now: i64,
) -> Result<Job, Error> {
    find(conn, campaign, id)?;
    let input = TilesInput { remove: Some(id), ..TilesInput::default() };
    ask(conn, intake, campaign, &JobInput::Tiles(input), by, now)
}

fn find(conn: &mut Conn, campaign: &Campaign, id: i64) -> Result<Scene, Error> {
    let unknown = || Error::NotFound(format!("campaign `{}` has no scene `{id}`", campaign.slug));
    scenes::of_campaign(conn, campaign.id)?.into_iter().find(|scene| scene.id == id).ok_or_else(unknown)
}

/// Puts the words in; whether anything changed.
fn put_words(scene: &mut Scene, words: &SceneWords) -> Result<bool, Error> {
    let before = scene.clone();
    if let Some(title) = &words.title {
        check_words("title", Some(title))?;
        if title.trim().is_empty() {
            return Err(Error::invalid("title", "a scene needs a name on screen"));
        }
        title.trim().clone_into(&mut scene.title);
    }
    let optional = [
        ("sensor", &words.sensor, &mut scene.sensor),
        ("licence", &words.licence, &mut scene.licence),
        ("attribution", &words.attribution, &mut scene.attribution),
    ];
    for (field, given, place) in optional {
        let Some(text) = given else { continue };
        check_words(field, Some(text))?;
        *place = Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    }
    Ok(*scene != before)
}

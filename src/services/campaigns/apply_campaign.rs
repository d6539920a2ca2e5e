//! Applies a campaign file: texts, policy and settings. Again it changes nothing; what it does not name stays.

use serde_json::Value;

use super::campaign_file::{CampaignFile, FileTexts};
use super::change_state::find;
use crate::domain::campaign::{Campaign, CampaignState, CampaignTexts, TileSource, check_title};
use crate::domain::language::check_language;
use crate::domain::markdown::{MAX_TEXT, tiles_named};
use crate::domain::policy::Policy;
use crate::domain::scale::Scale;
use crate::domain::tiling_change::TilingChange;
use crate::services::Error;
use crate::storage::campaigns::texts;
use crate::storage::labelling::{practice, queue};
use crate::storage::oversight::audit_log;
use crate::storage::scenes::footprints;
use crate::storage::{Conn, campaigns, gold, scenes};

/// What a file changed.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Applied {
    /// The names of what changed, in the order of the file.
    pub changed: Vec<String>,
    /// How tiles are to be made from now on, where there are scenes: not done yet, since it reads pictures.
    pub tiling: Option<TilingChange>,
}

/// Applies a file. All of it or nothing, except that tiles are not derived anew here.
///
/// Texts, what answers are called, practice, hand-out and licence may change at any time. How tiles are made and decided,
/// the answers and the campaign's own language are fixed once it has opened: labels were given under them.
pub fn apply_campaign(conn: &mut Conn, file: &CampaignFile, actor: Option<i64>, now: i64) -> Result<Applied, Error> {
    let campaign = find(conn, &file.slug)?;
    campaigns::lock(conn, campaign.id)?;
    let before = find(conn, &file.slug)?;
    let mut changed = Vec::new();
    let mut after = settings(&before, file, &mut changed)?;
    if let Some(scale) = file.scale.as_ref().filter(|scale| **scale != before.scale) {
        let renamed = scale.same_but_names(&before.scale);
        match renamed {
            true => campaigns::set_names(conn, before.id, scale)?,
            false => put_scale(conn, &before, scale)?,
        }
        after.scale = scale.clone();
        changed.push(if renamed { "scale.names" } else { "scale" }.into());
    }
    let named: Vec<String> = practice::tiles_of(conn, before.id)?.into_iter().map(|tile| tile.tile_id).collect();
    for (language, given) in &file.texts {
        let language = check_language(language)?;
        put_texts(conn, &after, &language, given, &named, &mut changed)?;
    }
    if texts::of(conn, after.id, &after.language)?.is_none_or(|texts| texts.title.trim().is_empty()) {
        let reason = format!("a campaign needs a title in its own language: add [texts.{}]", after.language);
        return Err(Error::invalid("title", reason));
    }
    if after != before {
        campaigns::set_settings(conn, &after)?;
    }
    if after.policy != before.policy {
        campaigns::set_policy(conn, after.id, &after.policy)?;
        if before.state == CampaignState::Draft {
            queue::set_needs(conn, after.id, after.policy.first_needed(), after.policy.maximum)?;
        }
    }
    let tiling = put_tiling(conn, &before, file, &mut changed)?;
    if !changed.is_empty() {
        audit_log::note(conn, actor, Some(after.id), ("apply_campaign", &changed.join(" ")), now)?;
    }
    Ok(Applied { changed, tiling })
}

/// Another scale: what was written and fixed by the answers of the old one must not be there, or goes.
fn put_scale(conn: &mut Conn, before: &Campaign, scale: &Scale) -> Result<(), Error> {
    if before.state != CampaignState::Draft {
        return Err(fixed(before, "scale", "its labels are answers of it"));
    }
    if gold::any(conn, before.id)? {
        let reason = "its gold was answered on the scale it has: take the gold away first";
        return Err(Error::Conflict(format!("the scale of campaign `{}` cannot change: {reason}", before.slug)));
    }
    texts::remove_guide(conn, before.id)?;
    Ok(campaigns::set_scale(conn, before.id, scale)?)
}

/// Keeps another tiling where there is no scene; where there is one, tiles must be derived first.
fn put_tiling(
    conn: &mut Conn,
    before: &Campaign,
    file: &CampaignFile,
    changed: &mut Vec<String>,
) -> Result<Option<TilingChange>, Error> {
    let (old, new) = (before.tiling(), file.tiles.applied_to(&before.tiling())?);
    if new == old {
        return Ok(None);
    }
    if before.state != CampaignState::Draft {
        return Err(fixed(before, "tiling", "its tiles are being labelled"));
    }
    if new.source == TileSource::Footprints && footprints::count(conn, before.id)? == 0 {
        return Err(Error::invalid("tiles.source", "this campaign has no footprints yet: bring them first"));
    }
    changed.extend(TilingChange::names(&old, &new));
    if !scenes::ids_by_date(conn, before.id)?.is_empty() {
        return Ok(Some(file.tiles.clone()));
    }
    let mut after = before.clone();
    after.set_tiling(new);
    campaigns::set_tiling(conn, &after)?;
    Ok(None)
}

/// The campaign with the settings of the file.
fn settings(before: &Campaign, file: &CampaignFile, changed: &mut Vec<String>) -> Result<Campaign, Error> {
    let mut after = before.clone();
    let mut change = |what: &str, differs: bool| differs.then(|| changed.push(what.to_owned())).is_some();
    if let Some(language) = file.language.as_deref().map(check_language).transpose()?
        && change("language", language != before.language)
    {
        if before.state != CampaignState::Draft {
            return Err(fixed(before, "language", "volunteers were given its texts as their own"));
        }
        after.language = language;
    }
    if let Some(visibility) = file.visibility.filter(|given| change("visibility", *given != before.visibility)) {
        after.visibility = visibility;
    }
    if let Some(level) = file.release_level.filter(|given| change("release_level", *given != before.release_level)) {
        after.release_level = level;
    }
    if let Some(licence) = &file.licence {
        check_text("licence", licence)?;
        let licence = Some(licence.trim().to_owned()).filter(|licence| !licence.is_empty());
        if change("licence", licence != before.licence) {
            after.licence = licence;
        }
    }
    after.policy = policy(before, file, changed)?;
    Ok(after)
}

/// The policy with the settings that the file names.
fn policy(before: &Campaign, file: &CampaignFile, changed: &mut Vec<String>) -> Result<Policy, Error> {
    let unreadable = |error: serde_json::Error| Error::invalid("policy", error.to_string());
    let old = serde_json::to_value(&before.policy).map_err(unreadable)?;
    let mut new = old.clone();
    if let Value::Object(fields) = &mut new {
        fields.extend(file.settings.clone());
    }
    let policy: Policy = serde_json::from_value(new).map_err(unreadable)?;
    policy.check()?;
    if before.state != CampaignState::Draft && policy.decides_otherwise_than(&before.policy) {
        return Err(fixed(
            before,
            "policy",
            "its labels were gathered under it; how tiles are lent, gold, refits, practice and the leaderboard may \
            change here, the rest where its effect is shown first: on the page `steer` of the campaign",
        ));
    }
    let new = serde_json::to_value(&policy).map_err(unreadable)?;
    let differ = file.settings.keys().filter(|name| old.get(*name) != new.get(*name));
    changed.extend(differ.map(|name| format!("policy.{name}")));
    Ok(policy)
}

fn fixed(campaign: &Campaign, what: &str, why: &str) -> Error {
    Error::Conflict(format!(
        "the {what} of campaign `{}`, which is {}, can no longer change: {why}",
        campaign.slug, campaign.state
    ))
}

/// Writes the texts of one language. `practice` are the tiles that a text may name.
fn put_texts(
    conn: &mut Conn,
    campaign: &Campaign,
    language: &str,
    given: &FileTexts,
    practice: &[String],
    changed: &mut Vec<String>,
) -> Result<(), Error> {
    let before = texts::of(conn, campaign.id, language)?;
    let mut after = before.clone().unwrap_or_default();
    let CampaignTexts { title, purpose, introduction, instructions, care_notice, help_lines, news } = &mut after;
    let places = [
        ("title", &given.title, title),
        ("purpose", &given.purpose, purpose),
        ("introduction", &given.introduction, introduction),
        ("instructions", &given.instructions, instructions),
        ("care_notice", &given.care_notice, care_notice),
        ("help_lines", &given.help_lines, help_lines),
        ("news", &given.news, news),
    ];
    for (name, text, place) in places {
        let Some(text) = text else { continue };
        let field = format!("texts.{language}.{name}");
        check_markdown(&field, text, practice)?;
        if name == "title" {
            check_title(&field, text.trim())?;
        }
        if place.as_str() != text.trim() {
            text.trim().clone_into(place);
            changed.push(field);
        }
    }
    if before.as_ref() != Some(&after) {
        texts::put(conn, campaign.id, language, &after)?;
    }
    let written = texts::guide(conn, campaign.id, language)?;
    for (key, text) in &given.guide {
        let field = format!("texts.{language}.guide.{key}");
        let answer = campaign.scale.place_of(key).ok_or_else(|| {
            let keys: Vec<&str> = campaign.scale.answers.iter().map(|answer| answer.key.as_str()).collect();
            Error::invalid(&field, format!("`{key}` is not an answer of this campaign: use one of {}", keys.join(", ")))
        })?;
        check_markdown(&field, text, practice)?;
        if !written.iter().any(|(place, before)| *place == answer && before == text.trim()) {
            texts::put_guide(conn, campaign.id, language, answer, text.trim())?;
            changed.push(field);
        }
    }
    Ok(())
}

/// A text may show practice tiles and no others: whatever else is named would be known as something special.
fn check_markdown(field: &str, text: &str, practice: &[String]) -> Result<(), Error> {
    check_text(field, text)?;
    match tiles_named(text).into_iter().find(|named| !practice.iter().any(|tile| tile == named)) {
        Some(tile) => Err(Error::invalid(
            field,
            format!(
                "the text shows `tile:{tile}`, which is no practice gold of this campaign; only such tiles may be shown"
            ),
        )),
        None => Ok(()),
    }
}

fn check_text(field: &str, text: &str) -> Result<(), Error> {
    if text.chars().count() > MAX_TEXT {
        return Err(Error::invalid(field, format!("a text has at most {MAX_TEXT} characters")));
    }
    match text.contains('\0') {
        true => Err(Error::invalid(field, "a text cannot hold the character U+0000: leave it out")),
        false => Ok(()),
    }
}

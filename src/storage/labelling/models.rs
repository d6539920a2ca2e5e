//! Models and skills: the outcome of each refit, and the columns it is fitted to.

use diesel::prelude::*;

use crate::consensus::window::{WindowModel, WindowSkill};
use crate::consensus::{Model, Skill};
use crate::storage::campaigns::broken;
use crate::storage::schema::{current_labels, gold, labels, models, queue, skills};
use crate::storage::{Conn, each_backend};

/// Everything a refit needs to know about one campaign's labels, in a fixed order.
pub struct RefitInput {
    /// Every label that takes part: counted ones, all on check gold, and those of which only the date window does.
    pub labels: Vec<RefitLabel>,
    /// (tile, answer) of every check gold tile.
    pub gold: Vec<(i64, i16)>,
}

/// A label as a refit reads it.
#[derive(Debug, Clone, Copy, Queryable)]
pub struct RefitLabel {
    /// Database id of the tile.
    pub tile: i64,
    /// Its author.
    pub volunteer: i64,
    /// Place of the answer on the scale.
    pub answer: i16,
    /// Whether it names a date window.
    pub window_given: bool,
    /// The last scene in which the place stands.
    pub last_intact: Option<i64>,
    /// The first scene in which it is damaged.
    pub first_damaged: Option<i64>,
    /// Whether it takes part with its window alone: a later scene came that its author had not seen.
    pub window_only: bool,
}

/// A finished refit, as it is stored.
pub struct NewModel<'a> {
    /// The campaign.
    pub campaign_id: i64,
    /// The model, with its number.
    pub model: &'a Model,
    /// Name and version of the rule that made it.
    pub method: (&'a str, u32),
    /// The date model, where windows were given.
    pub window: Option<&'a WindowModel>,
    /// Labels that took part.
    pub labels: usize,
    /// Check gold tiles that took part.
    pub gold_tiles: usize,
    /// Labels received up to this time took part; milliseconds since 1970, UTC.
    pub labels_until: i64,
    /// When it was made, likewise.
    pub fitted_at: i64,
}

/// One volunteer's skills: with classes, and with date windows where any was given.
pub type VolunteerSkill<'a> = (i64, &'a Skill, Option<WindowSkill>);

/// The encoded tables of a model, and its date model where windows were given.
pub fn tables(conn: &mut Conn, campaign_id: i64, number: u32) -> QueryResult<(Vec<u8>, Option<WindowModel>)> {
    let (tables, window) = models::table
        .find((campaign_id, number as i32))
        .select((models::tables, models::window_tables))
        .first::<(Vec<u8>, Option<Vec<u8>>)>(conn)?;
    let read = |bytes: Vec<u8>| WindowModel::from_bytes(&bytes).map_err(|_| broken("a date model".into()));
    Ok((tables, window.map(read).transpose()?))
}

/// What the next refit needs to know about the last one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LastRefit {
    /// The newest model's number; 0 before the first refit.
    pub number: u32,
    /// Labels received up to this time took part; milliseconds since 1970, UTC.
    pub labels_until: i64,
    /// Labels that took part.
    pub labels: u64,
}

/// The newest model of a campaign; all zeros before the first refit.
pub fn newest(conn: &mut Conn, campaign_id: i64) -> QueryResult<LastRefit> {
    let newest = models::table
        .filter(models::campaign_id.eq(campaign_id))
        .order(models::number.desc())
        .select((models::number, models::labels_until, models::labels))
        .first::<(i32, i64, i64)>(conn)
        .optional()?;
    let last = |(number, labels_until, labels): (i32, i64, i64)| LastRefit {
        number: number.unsigned_abs(),
        labels_until,
        labels: labels.unsigned_abs(),
    };
    Ok(newest.map_or_else(LastRefit::default, last))
}

/// Log entries of a campaign received after that time, and no later than `until`. Looks at no others, so it may be asked
/// every few seconds.
pub fn labels_since(conn: &mut Conn, campaign_id: i64, after: i64, until: i64) -> QueryResult<u64> {
    let fresh = labels::table
        .filter(labels::campaign_id.eq(campaign_id))
        .filter(labels::received_at.gt(after))
        .filter(labels::received_at.le(until))
        .count()
        .get_result::<i64>(conn)?;
    Ok(fresh.unsigned_abs())
}

/// The labels and gold of a campaign, sorted by tile and volunteer. Answers given after `until` say nothing about skill:
/// once a campaign is closed everybody can read what gold is.
pub fn refit_input(conn: &mut Conn, campaign_id: i64, until: i64) -> QueryResult<RefitInput> {
    let labels = current_labels::table
        .inner_join(queue::table.on(queue::tile.eq(current_labels::tile)))
        .inner_join(labels::table.on(labels::id.eq(current_labels::label_id)))
        .filter(labels::received_at.le(until))
        .filter(current_labels::campaign_id.eq(campaign_id))
        .filter(diesel::dsl::not(current_labels::excluded))
        .filter(
            current_labels::counted
                .or(queue::gold.assume_not_null().eq("check"))
                .or(current_labels::censored.assume_not_null().eq("counted")),
        )
        .order((current_labels::tile, current_labels::volunteer_id))
        .select((
            current_labels::tile,
            current_labels::volunteer_id,
            current_labels::answer,
            current_labels::window_given,
            current_labels::last_intact,
            current_labels::first_damaged,
            current_labels::censored.is_not_null(),
        ))
        .load(conn)?;
    let gold = gold::table
        .filter(gold::campaign_id.eq(campaign_id))
        .filter(gold::kind.eq("check"))
        .order(gold::tile)
        .select((gold::tile, gold::answer))
        .load(conn)?;
    Ok(RefitInput { labels, gold })
}

/// Stores a model with the skills of its volunteers.
pub fn insert(conn: &mut Conn, new: &NewModel<'_>, skills: &[VolunteerSkill<'_>]) -> QueryResult<()> {
    let window = new.window.map(WindowModel::to_bytes);
    diesel::insert_into(models::table)
        .values((
            models::campaign_id.eq(new.campaign_id),
            models::number.eq(new.model.number as i32),
            models::method.eq(new.method.0),
            models::method_version.eq(new.method.1.to_string()),
            models::tables.eq(new.model.to_bytes()),
            models::window_tables.eq(window),
            models::labels.eq(new.labels as i64),
            models::gold_tiles.eq(new.gold_tiles as i32),
            models::identifiable.eq(new.model.identifiable),
            models::labels_until.eq(new.labels_until),
            models::fitted_at.eq(new.fitted_at),
        ))
        .execute(conn)?;
    for chunk in skills.chunks(500) {
        insert_skills(conn, new, chunk)?;
    }
    Ok(())
}

fn insert_skills(conn: &mut Conn, new: &NewModel<'_>, skills: &[VolunteerSkill<'_>]) -> QueryResult<()> {
    let rows: Vec<_> = skills
        .iter()
        .map(|(volunteer_id, skill, window)| {
            (
                skills::campaign_id.eq(new.campaign_id),
                skills::model.eq(new.model.number as i32),
                skills::volunteer_id.eq(*volunteer_id),
                skills::weight.eq(skill.weight),
                skills::accuracy.eq(skill.accuracy),
                skills::labels.eq(skill.labels as i32),
                skills::gold_labels.eq(skill.gold_labels as i32),
                skills::gold_correct.eq(skill.gold_correct as i32),
                skills::tables.eq(skill.to_bytes()),
                skills::window_wrong.eq(window.map(|window| window.wrong)),
                skills::window_late.eq(window.map(|window| window.late)),
                skills::quarantine.eq(skill.quarantine.map(|reason| reason.key())),
            )
        })
        .collect();
    each_backend!(conn, inner => diesel::insert_into(skills::table).values(&rows).execute(inner))?;
    Ok(())
}

//! What those who run a campaign tell the people in it: to everybody, or to some.

use std::collections::BTreeMap;

use diesel::prelude::*;

use crate::domain::announcement::Level;
use crate::storage::campaigns::{broken, word};
use crate::storage::schema::{announcement_readers, announcements};
use crate::storage::{Conn, new_id};

/// Rows inserted in one statement.
const AT_ONCE: usize = 500;

/// An announcement as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announcement {
    /// Database id.
    pub id: i64,
    /// Its campaign.
    pub campaign_id: i64,
    /// How pressing it is.
    pub level: Level,
    /// Plain text by language.
    pub texts: BTreeMap<String, String>,
    /// To everybody, or to its readers only.
    pub to_everybody: bool,
    /// From when it is shown; milliseconds since 1970, UTC.
    pub shown_from: i64,
    /// Until when.
    pub shown_until: Option<i64>,
    /// When it was written.
    pub created_at: i64,
    /// When it was taken back.
    pub withdrawn_at: Option<i64>,
}

/// What is new about one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAnnouncement {
    /// How pressing it is.
    pub level: Level,
    /// Plain text by language.
    pub texts: BTreeMap<String, String>,
    /// From when it is shown; milliseconds since 1970, UTC.
    pub shown_from: i64,
    /// Until when.
    pub shown_until: Option<i64>,
}

type Columns = (i64, i64, String, String, bool, i64, Option<i64>, i64, Option<i64>);

macro_rules! columns {
    () => {
        (
            announcements::id,
            announcements::campaign_id,
            announcements::level,
            announcements::texts,
            announcements::to_everybody,
            announcements::shown_from,
            announcements::shown_until,
            announcements::created_at,
            announcements::withdrawn_at,
        )
    };
}

fn read(row: Columns) -> QueryResult<Announcement> {
    let (id, campaign_id, level, texts, to_everybody, shown_from, shown_until, created_at, withdrawn_at) = row;
    let level = word(&level)?;
    let texts = serde_json::from_str(&texts).map_err(|error| broken(error.to_string()))?;
    Ok(Announcement { id, campaign_id, level, texts, to_everybody, shown_from, shown_until, created_at, withdrawn_at })
}

/// Stores one; to these volunteers only, or to everybody where `None` is named. Returns its id.
pub fn insert(
    conn: &mut Conn,
    campaign_id: i64,
    new: &NewAnnouncement,
    to: Option<&[i64]>,
    by: i64,
    now: i64,
) -> QueryResult<i64> {
    let id = new_id();
    let texts = serde_json::to_string(&new.texts).map_err(|error| broken(error.to_string()))?;
    diesel::insert_into(announcements::table)
        .values((
            announcements::id.eq(id),
            announcements::campaign_id.eq(campaign_id),
            announcements::level.eq(new.level.key()),
            announcements::texts.eq(texts),
            announcements::to_everybody.eq(to.is_none()),
            announcements::shown_from.eq(new.shown_from),
            announcements::shown_until.eq(new.shown_until),
            announcements::created_by.eq(by),
            announcements::created_at.eq(now),
        ))
        .execute(conn)?;
    for some in to.unwrap_or_default().chunks(AT_ONCE) {
        let row = |reader: &i64| {
            (announcement_readers::announcement_id.eq(id), announcement_readers::volunteer_id.eq(*reader))
        };
        let rows: Vec<_> = some.iter().map(row).collect();
        crate::storage::each_backend!(conn, inner => {
            diesel::insert_into(announcement_readers::table).values(&rows).execute(inner)
        })?;
    }
    Ok(id)
}

/// All of a campaign, newest first, each with the number of people it goes to (0: everybody) and of those who put it away.
pub fn of_campaign(conn: &mut Conn, campaign_id: i64) -> QueryResult<Vec<(Announcement, i64, i64)>> {
    let rows = announcements::table
        .filter(announcements::campaign_id.eq(campaign_id))
        .order((announcements::created_at.desc(), announcements::id.desc()))
        .limit(200)
        .select(columns!())
        .load::<Columns>(conn)?;
    let mut all = Vec::with_capacity(rows.len());
    for row in rows {
        let one = read(row)?;
        let readers = || announcement_readers::table.filter(announcement_readers::announcement_id.eq(one.id));
        let read: i64 = readers().filter(announcement_readers::read_at.is_not_null()).count().get_result(conn)?;
        let to: i64 = if one.to_everybody { 0 } else { readers().count().get_result(conn)? };
        all.push((one, to, read));
    }
    Ok(all)
}

/// What is shown now to somebody who has not put it away; without a volunteer what goes to everybody. The most pressing
/// first, then the newest.
pub fn shown_to(conn: &mut Conn, campaign_id: i64, volunteer: Option<i64>, now: i64) -> QueryResult<Vec<Announcement>> {
    let rows = announcements::table
        .filter(announcements::campaign_id.eq(campaign_id))
        .filter(announcements::withdrawn_at.is_null())
        .filter(announcements::shown_from.le(now))
        .filter(announcements::shown_until.is_null().or(announcements::shown_until.gt(now)))
        .order((announcements::shown_from.desc(), announcements::id.desc()))
        .limit(200)
        .select(columns!())
        .load::<Columns>(conn)?;
    let mine: BTreeMap<i64, Option<i64>> = match volunteer {
        Some(volunteer) => announcement_readers::table
            .inner_join(announcements::table)
            .filter(announcement_readers::volunteer_id.eq(volunteer))
            .filter(announcements::campaign_id.eq(campaign_id))
            .select((announcement_readers::announcement_id, announcement_readers::read_at))
            .load::<(i64, Option<i64>)>(conn)?
            .into_iter()
            .collect(),
        None => BTreeMap::new(),
    };
    let mut shown = rows.into_iter().map(read).collect::<QueryResult<Vec<_>>>()?;
    shown.retain(|one| match mine.get(&one.id) {
        Some(read_at) => read_at.is_none(),
        None => one.to_everybody,
    });
    shown.sort_by_key(|one| std::cmp::Reverse(one.level));
    Ok(shown)
}

/// One of a campaign.
pub fn find(conn: &mut Conn, campaign_id: i64, id: i64) -> QueryResult<Option<Announcement>> {
    let row = announcements::table
        .find(id)
        .filter(announcements::campaign_id.eq(campaign_id))
        .select(columns!())
        .first::<Columns>(conn)
        .optional()?;
    row.map(read).transpose()
}

/// Takes one back.
pub fn withdraw(conn: &mut Conn, id: i64, now: i64) -> QueryResult<()> {
    let one = announcements::table.find(id).filter(announcements::withdrawn_at.is_null());
    diesel::update(one).set(announcements::withdrawn_at.eq(now)).execute(conn).map(drop)
}

/// Whether it goes to this volunteer.
pub fn is_for(conn: &mut Conn, one: &Announcement, volunteer: i64) -> QueryResult<bool> {
    let named = announcement_readers::table.find((one.id, volunteer)).count().get_result::<i64>(conn)?;
    Ok(one.to_everybody || named > 0)
}

/// Notes that a volunteer put it away.
pub fn put_away(conn: &mut Conn, id: i64, volunteer: i64, now: i64) -> QueryResult<()> {
    let row = (
        announcement_readers::announcement_id.eq(id),
        announcement_readers::volunteer_id.eq(volunteer),
        announcement_readers::read_at.eq(now),
    );
    let update = diesel::update(announcement_readers::table.find((id, volunteer)));
    let update = update.set(announcement_readers::read_at.eq(now));
    if crate::storage::each_backend!(conn, inner => update.execute(inner))? == 0 {
        crate::storage::each_backend!(conn, inner => {
            diesel::insert_into(announcement_readers::table).values(row).on_conflict_do_nothing().execute(inner)
        })?;
    }
    Ok(())
}

/// What was told to a volunteer by name: campaign, texts by language, when, when they put it away.
pub type Told = (i64, BTreeMap<String, String>, i64, Option<i64>);

/// All that was told to a volunteer by name.
pub fn of_volunteer(conn: &mut Conn, volunteer: i64) -> QueryResult<Vec<Told>> {
    let rows: Vec<(i64, String, i64, Option<i64>)> = announcement_readers::table
        .inner_join(announcements::table)
        .filter(announcement_readers::volunteer_id.eq(volunteer))
        .order(announcements::id)
        .select((
            announcements::campaign_id,
            announcements::texts,
            announcements::created_at,
            announcement_readers::read_at,
        ))
        .load(conn)?;
    let read = |(campaign, texts, at, read_at): (i64, String, i64, Option<i64>)| {
        Ok((campaign, serde_json::from_str(&texts).map_err(|error| broken(error.to_string()))?, at, read_at))
    };
    rows.into_iter().map(read).collect()
}

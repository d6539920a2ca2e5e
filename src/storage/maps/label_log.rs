//! The label log as researchers read it: every entry in the order of receipt, page by page; and the volunteers.

use std::collections::HashMap;

use diesel::prelude::*;
use uuid::Uuid;

use crate::domain::damage_map::{LabelRow, VolunteerRow};
use crate::storage::Conn;
use crate::storage::campaigns::broken;
use crate::storage::schema::{current_labels, exclusions, labels, participations, queue, skills, tiles, volunteers};

/// Entries read at once.
const PAGE: i64 = 2_000;

#[derive(Queryable)]
struct Row {
    id: Vec<u8>,
    tile_id: String,
    volunteer_id: i64,
    revision: i16,
    answer: i16,
    last_intact: Option<i64>,
    first_damaged: Option<i64>,
    leased_at: i64,
    received_at: i64,
    seconds: Option<f64>,
    client: Option<String>,
    last_scene: Option<i64>,
    gold: Option<String>,
    had_account: bool,
    current: Option<(Vec<u8>, bool, bool, Option<String>)>,
    weight: Option<f64>,
}

/// Reads the whole log of a campaign, one entry after the other. Must run inside one snapshot.
pub struct LabelRows<'c> {
    conn: &'c mut Conn,
    campaign_id: i64,
    model: u32,
    last: Option<(i64, Vec<u8>)>,
    page: std::vec::IntoIter<LabelRow>,
    finished: bool,
}

impl<'c> LabelRows<'c> {
    /// `model` is the one whose weights are wanted; under model 0 every label weighs 1.
    pub fn new(conn: &'c mut Conn, campaign_id: i64, model: u32) -> LabelRows<'c> {
        LabelRows { conn, campaign_id, model, last: None, page: Vec::new().into_iter(), finished: false }
    }

    fn next_page(&mut self) -> QueryResult<()> {
        let rows = page(self.conn, (self.campaign_id, self.model), self.last.as_ref())?;
        self.finished = (rows.len() as i64) < PAGE;
        if let Some(newest) = rows.last() {
            self.last = Some((newest.received_at, newest.id.clone()));
        }
        let model = self.model;
        self.page = rows.into_iter().map(|row| label_row(row, model)).collect::<QueryResult<Vec<_>>>()?.into_iter();
        Ok(())
    }
}

impl Iterator for LabelRows<'_> {
    type Item = QueryResult<LabelRow>;

    fn next(&mut self) -> Option<QueryResult<LabelRow>> {
        if self.page.len() == 0
            && !self.finished
            && let Err(error) = self.next_page()
        {
            self.finished = true;
            return Some(Err(error));
        }
        self.page.next().map(Ok)
    }
}

/// Up to [`PAGE`] entries after one that is named by its time of receipt and its id.
fn page(conn: &mut Conn, (campaign_id, model): (i64, u32), last: Option<&(i64, Vec<u8>)>) -> QueryResult<Vec<Row>> {
    let current = current_labels::tile.eq(labels::tile).and(current_labels::volunteer_id.eq(labels::volunteer_id));
    let skill = skills::volunteer_id
        .eq(labels::volunteer_id)
        .and(skills::campaign_id.eq(campaign_id))
        .and(skills::model.eq(model as i32));
    let mut query = labels::table
        .inner_join(tiles::table.on(tiles::id.eq(labels::tile)))
        .inner_join(queue::table.on(queue::tile.eq(labels::tile)))
        .inner_join(volunteers::table.on(volunteers::id.eq(labels::volunteer_id)))
        .left_join(current_labels::table.on(current))
        .left_join(skills::table.on(skill))
        .filter(labels::campaign_id.eq(campaign_id))
        // What was taken out of view stays in the log and leaves no download.
        .filter(tiles::withdrawn_at.is_null())
        .order((labels::received_at, labels::id))
        .limit(PAGE)
        .select((
            labels::id,
            tiles::tile_id,
            labels::volunteer_id,
            labels::revision,
            labels::answer,
            labels::last_intact,
            labels::first_damaged,
            labels::leased_at,
            labels::received_at,
            labels::seconds,
            labels::client,
            labels::last_scene,
            queue::gold,
            volunteers::had_account,
            (current_labels::label_id, current_labels::counted, current_labels::excluded, current_labels::censored)
                .nullable(),
            skills::weight.nullable(),
        ))
        .into_boxed();
    if let Some((received_at, id)) = last {
        let same_moment = labels::received_at.eq(*received_at).and(labels::id.gt(id.clone()));
        // The first condition says nothing new; it lets the index begin at the right place.
        query = query
            .filter(labels::received_at.ge(*received_at))
            .filter(labels::received_at.gt(*received_at).or(same_moment));
    }
    query.load(conn)
}

fn label_row(row: Row, model: u32) -> QueryResult<LabelRow> {
    let current = row.current.filter(|(label_id, ..)| *label_id == row.id);
    let counted = current.as_ref().is_some_and(|(_, counted, ..)| *counted);
    let censored = current.as_ref().is_some_and(|(.., censored)| censored.is_some());
    let waits = current.as_ref().is_some_and(|(_, counted, excluded, _)| !counted && !excluded && !censored);
    Ok(LabelRow {
        id: Uuid::from_slice(&row.id).map_err(|error| broken(format!("a label id is no UUID: {error}")))?,
        tile_id: row.tile_id,
        volunteer_id: row.volunteer_id,
        revision: u32::from(row.revision.unsigned_abs()),
        is_current: current.is_some(),
        answer: u8::try_from(row.answer).map_err(|_| broken(format!("answer {}", row.answer)))?,
        last_intact: row.last_intact,
        first_damaged: row.first_damaged,
        leased_at: row.leased_at,
        received_at: row.received_at,
        seconds: row.seconds,
        is_gold: row.gold.is_some(),
        counted,
        surplus: waits && row.gold.is_none(),
        censored,
        last_scene: row.last_scene,
        weight: if model == 0 { Some(1.0) } else { row.weight },
        guest: !row.had_account,
        client: row.client,
    })
}

/// The volunteers who labelled, in no particular order; with what the model knows about them.
pub fn volunteers(conn: &mut Conn, campaign_id: i64, model: u32) -> QueryResult<Vec<VolunteerRow>> {
    let known: HashMap<i64, (f64, i32, i32)> = skills::table
        .filter(skills::campaign_id.eq(campaign_id))
        .filter(skills::model.eq(model as i32))
        .select((skills::volunteer_id, (skills::weight, skills::gold_labels, skills::gold_correct)))
        .load::<(i64, (f64, i32, i32))>(conn)?
        .into_iter()
        .collect();
    let excluded: Vec<i64> = exclusions::table
        .filter(exclusions::campaign_id.eq(campaign_id))
        .filter(exclusions::kind.eq("excluded"))
        .filter(exclusions::lifted_at.is_null())
        .select(exclusions::volunteer_id)
        .load(conn)?;
    let rows = participations::table
        .filter(participations::campaign_id.eq(campaign_id))
        .filter(participations::labels.gt(0))
        .select((participations::volunteer_id, participations::labels))
        .load::<(i64, i32)>(conn)?;
    let row = |(volunteer_id, labels): (i64, i32)| {
        let skill = known.get(&volunteer_id);
        VolunteerRow {
            volunteer_id,
            labels: labels.unsigned_abs(),
            gold_labels: skill.map_or(0, |(_, seen, _)| seen.unsigned_abs()),
            gold_correct: skill.map_or(0, |(_, _, right)| right.unsigned_abs()),
            weight: if model == 0 { Some(1.0) } else { skill.map(|(weight, ..)| *weight) },
            excluded: excluded.contains(&volunteer_id),
        }
    };
    Ok(rows.into_iter().map(row).collect())
}

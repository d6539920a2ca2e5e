//! Everything that is stored about one person, to be read by them, and the removal of what names them.

use diesel::prelude::*;
use uuid::Uuid;

use super::volunteers::Account;
use crate::storage::Conn;
use crate::storage::campaigns::broken;
use crate::storage::schema::{
    campaigns, current_labels, exclusions, invitations, jobs, labels, leases, participations, personal_tokens,
    practice_answers, reviews, ring_positions, roles, second_factors, sessions, tiles, uploads, volunteers,
};

/// The account of that id; `None` where it was deleted.
pub fn account(conn: &mut Conn, id: i64) -> QueryResult<Option<Account>> {
    let closed = volunteers::disabled_at.is_not_null();
    volunteers::table
        .filter(volunteers::id.eq(id))
        .filter(volunteers::deleted_at.is_null())
        .select((
            volunteers::id,
            volunteers::name,
            volunteers::password_hash,
            volunteers::recovery_hash,
            volunteers::recovery_until,
            volunteers::admin,
            volunteers::creator,
            closed,
        ))
        .first(conn)
        .optional()
}

/// Open leases of a person: (campaign, tile, lease), in the order in which everybody locks.
pub fn open_leases(conn: &mut Conn, volunteer: i64) -> QueryResult<Vec<(i64, i64, i64)>> {
    leases::table
        .filter(leases::volunteer_id.eq(volunteer))
        .filter(leases::ended_at.is_null())
        .order((leases::campaign_id, leases::tile))
        .select((leases::campaign_id, leases::tile, leases::id))
        .load(conn)
}

/// Removes what names or signs in a person; labels and counters stay under the pseudonym.
pub fn forget(conn: &mut Conn, id: i64, now: i64) -> QueryResult<()> {
    diesel::delete(sessions::table.filter(sessions::volunteer_id.eq(id))).execute(conn)?;
    diesel::delete(personal_tokens::table.filter(personal_tokens::volunteer_id.eq(id))).execute(conn)?;
    diesel::delete(second_factors::table.find(id)).execute(conn)?;
    diesel::delete(roles::table.filter(roles::volunteer_id.eq(id))).execute(conn)?;
    diesel::delete(ring_positions::table.filter(ring_positions::volunteer_id.eq(id))).execute(conn)?;
    diesel::delete(practice_answers::table.filter(practice_answers::volunteer_id.eq(id))).execute(conn)?;
    crate::storage::labelling::notes::forget_texts(conn, id)?;
    forget_words(conn, id)?;
    let nothing: Option<&str> = None;
    diesel::update(volunteers::table.find(id))
        .set((
            volunteers::name.eq(nothing),
            volunteers::name_key.eq(nothing),
            volunteers::password_hash.eq(nothing),
            volunteers::recovery_hash.eq(nothing),
            volunteers::recovery_until.eq(None::<i64>),
            volunteers::language.eq(nothing),
            volunteers::admin.eq(false),
            volunteers::creator.eq(false),
            volunteers::deleted_at.eq(now),
        ))
        .execute(conn)
        .map(drop)
}

/// Empties what a person wrote, what files of theirs are called, and what was written about them; what was decided stays.
fn forget_words(conn: &mut Conn, id: i64) -> QueryResult<()> {
    diesel::update(reviews::table.filter(reviews::reviewer_id.eq(id))).set(reviews::note.eq("")).execute(conn)?;
    diesel::update(uploads::table.filter(uploads::volunteer_id.eq(id))).set(uploads::file_name.eq("")).execute(conn)?;
    // What a job was asked and what it said names its file; what it did is in the audit log.
    let over = jobs::table.filter(jobs::created_by.eq(id)).filter(jobs::state.eq_any(["done", "failed", "cancelled"]));
    diesel::delete(over).execute(conn)?;
    let about_them = exclusions::table.filter(exclusions::volunteer_id.eq(id));
    diesel::update(about_them).set(exclusions::reason.eq("")).execute(conn)?;
    let theirs = invitations::table.filter(invitations::created_by.eq(id));
    diesel::update(theirs).set(invitations::note.eq("")).execute(conn).map(drop)
}

/// The row of a person: language, made, disabled.
pub fn row(conn: &mut Conn, id: i64) -> QueryResult<(Option<String>, i64, Option<i64>)> {
    volunteers::table
        .find(id)
        .select((volunteers::language, volunteers::created_at, volunteers::disabled_at))
        .first(conn)
}

/// Browser sessions: opened, refreshed, good until, ended.
pub type Session = (i64, i64, i64, Option<i64>);

/// Browser sessions of one person, oldest first.
pub fn sessions_of(conn: &mut Conn, id: i64) -> QueryResult<Vec<Session>> {
    sessions::table
        .filter(sessions::volunteer_id.eq(id))
        .order(sessions::id)
        .select((sessions::created_at, sessions::refreshed_at, sessions::expires_at, sessions::revoked_at))
        .load(conn)
}

/// Tokens for scripts: name, scopes, made, good until, ended.
pub type Token = (String, String, i64, i64, Option<i64>);

/// Tokens for scripts of one person, oldest first.
pub fn tokens_of(conn: &mut Conn, id: i64) -> QueryResult<Vec<Token>> {
    personal_tokens::table
        .filter(personal_tokens::volunteer_id.eq(id))
        .order(personal_tokens::id)
        .select((
            personal_tokens::name,
            personal_tokens::scopes,
            personal_tokens::created_at,
            personal_tokens::expires_at,
            personal_tokens::revoked_at,
        ))
        .load(conn)
}

/// Roles: campaign, role, given.
pub fn roles_of(conn: &mut Conn, id: i64) -> QueryResult<Vec<(String, String, i64)>> {
    roles::table
        .inner_join(campaigns::table.on(campaigns::id.eq(roles::campaign_id)))
        .filter(roles::volunteer_id.eq(id))
        .order((campaigns::slug, roles::role))
        .select((campaigns::slug, roles::role, roles::granted_at))
        .load(conn)
}

/// A participation: campaign with its pseudonym key, labels, tiles served, skips, first, last, practice passed.
pub type Participation = (String, Vec<u8>, i32, i32, i32, i64, i64, Option<i64>);

/// The campaigns that a person took part in.
pub fn participations_of(conn: &mut Conn, id: i64) -> QueryResult<Vec<Participation>> {
    participations::table
        .inner_join(campaigns::table.on(campaigns::id.eq(participations::campaign_id)))
        .filter(participations::volunteer_id.eq(id))
        .order(campaigns::slug)
        .select((
            campaigns::slug,
            campaigns::pseudonym_key,
            participations::labels,
            participations::tiles_served,
            participations::skips,
            participations::first_at,
            participations::last_at,
            participations::practice_passed_at,
        ))
        .load(conn)
}

/// Pauses and exclusions: campaign, kind, reason, made, lifted.
pub type Exclusion = (String, String, String, i64, Option<i64>);

/// Pauses and exclusions of one person, oldest first.
pub fn exclusions_of(conn: &mut Conn, id: i64) -> QueryResult<Vec<Exclusion>> {
    exclusions::table
        .inner_join(campaigns::table.on(campaigns::id.eq(exclusions::campaign_id)))
        .filter(exclusions::volunteer_id.eq(id))
        .order(exclusions::id)
        .select((campaigns::slug, exclusions::kind, exclusions::reason, exclusions::created_at, exclusions::lifted_at))
        .load(conn)
}

/// Tiles handed out, as far as they are remembered: campaign, tile, granted, good until, ended, outcome.
pub type Lent = (String, String, i64, i64, Option<i64>, Option<String>);

/// The leases of a person.
pub fn leases_of(conn: &mut Conn, id: i64) -> QueryResult<Vec<Lent>> {
    leases::table
        .inner_join(tiles::table.on(tiles::id.eq(leases::tile)))
        .inner_join(campaigns::table.on(campaigns::id.eq(leases::campaign_id)))
        .filter(leases::volunteer_id.eq(id))
        .order(leases::id)
        .select((
            campaigns::slug,
            tiles::tile_id,
            leases::granted_at,
            leases::expires_at,
            leases::ended_at,
            leases::outcome,
        ))
        .load(conn)
}

/// One entry of the label log, as its author may read it: nothing that tells check gold from other tiles.
pub struct Given {
    /// The client's id.
    pub id: Uuid,
    /// Database id of the campaign.
    pub campaign_id: i64,
    /// Public id of the tile.
    pub tile_id: String,
    /// 1 for the first answer.
    pub revision: i16,
    /// Whether it is the answer as it stands.
    pub current: bool,
    /// Place of the answer on the scale.
    pub answer: i16,
    /// Window: given, last intact, first damaged.
    pub window: (bool, Option<i64>, Option<i64>),
    /// Time spent, by the client's clock.
    pub seconds: Option<f64>,
    /// The program that sent it, and when by its own clock.
    pub client: (Option<String>, Option<i64>),
    /// When the tile was handed out, and when the answer arrived.
    pub times: (i64, i64),
    /// What the author was told.
    pub told: (String, String),
}

/// The label log of a person, oldest first.
pub fn labels_of(conn: &mut Conn, id: i64) -> QueryResult<Vec<Given>> {
    type What = (Vec<u8>, i64, String, i16, Option<Vec<u8>>, i16, (bool, Option<i64>, Option<i64>));
    type How = (Option<f64>, (Option<String>, Option<i64>), (i64, i64), (String, String));
    let mine = current_labels::tile.eq(labels::tile).and(current_labels::volunteer_id.eq(labels::volunteer_id));
    let rows = labels::table
        .inner_join(tiles::table)
        .left_join(current_labels::table.on(mine))
        .filter(labels::volunteer_id.eq(id))
        .order((labels::received_at, labels::id))
        .select((
            (
                labels::id,
                labels::campaign_id,
                tiles::tile_id,
                labels::revision,
                current_labels::label_id.nullable(),
                labels::answer,
                (labels::window_given, labels::last_intact, labels::first_damaged),
            ),
            (
                labels::seconds,
                (labels::client, labels::client_at),
                (labels::leased_at, labels::received_at),
                (labels::status, labels::tile_state),
            ),
        ))
        .load::<(What, How)>(conn)?;
    let given = |(what, how): (What, How)| {
        let (id, campaign_id, tile_id, revision, current, answer, window) = what;
        let (seconds, client, times, told) = how;
        let current = current.is_some_and(|current| current == id);
        let id = Uuid::from_slice(&id).map_err(|error| broken(error.to_string()))?;
        Ok(Given { id, campaign_id, tile_id, revision, current, answer, window, seconds, client, times, told })
    };
    rows.into_iter().map(given).collect()
}

/// Practice answers: campaign, tile, place of the answer, right, when.
pub type Practised = (i64, String, i16, bool, i64);

/// Practice answers of one person, oldest first.
pub fn practice_of(conn: &mut Conn, id: i64) -> QueryResult<Vec<Practised>> {
    practice_answers::table
        .inner_join(tiles::table)
        .filter(practice_answers::volunteer_id.eq(id))
        .order((practice_answers::answered_at, practice_answers::tile))
        .select((
            practice_answers::campaign_id,
            tiles::tile_id,
            practice_answers::answer,
            practice_answers::correct,
            practice_answers::answered_at,
        ))
        .load(conn)
}

/// Decisions as a reviewer: campaign, tile, place of the answer, note, when, in force.
pub type Reviewed = (i64, String, i16, String, i64, bool);

/// Decisions as a reviewer of one person, oldest first.
pub fn reviews_of(conn: &mut Conn, id: i64) -> QueryResult<Vec<Reviewed>> {
    reviews::table
        .inner_join(tiles::table)
        .filter(reviews::reviewer_id.eq(id))
        .order((reviews::decided_at, reviews::id))
        .select((
            reviews::campaign_id,
            tiles::tile_id,
            reviews::answer,
            reviews::note,
            reviews::decided_at,
            reviews::in_force,
        ))
        .load(conn)
}

/// Files sent in: campaign, name, bytes, state, begun.
pub type Uploaded = (i64, String, i64, String, i64);

/// Files sent in of one person, oldest first.
pub fn uploads_of(conn: &mut Conn, id: i64) -> QueryResult<Vec<Uploaded>> {
    uploads::table
        .filter(uploads::volunteer_id.eq(id))
        .order(uploads::id)
        .select((uploads::campaign_id, uploads::file_name, uploads::bytes_total, uploads::state, uploads::created_at))
        .load(conn)
}

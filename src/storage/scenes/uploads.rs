//! Uploads: files on their way to the server, and how much of each is on the disk for good.

use diesel::prelude::*;

use crate::storage::schema::uploads;
use crate::storage::{Conn, new_id};

/// An upload. Times are milliseconds since 1970, UTC.
#[derive(Debug, Clone, PartialEq, Eq, Queryable)]
pub struct Upload {
    /// Database id, and the name of its file.
    pub id: i64,
    /// The campaign it is for.
    pub campaign_id: i64,
    /// Who began it.
    pub volunteer_id: i64,
    /// What its owner calls it; never a path.
    pub file_name: String,
    /// Bytes of the whole file.
    pub bytes_total: i64,
    /// Bytes that are on the disk for good.
    pub bytes_received: i64,
    /// SHA-256 that it must have, hex.
    pub sha256: Option<String>,
    /// `receiving` or `complete`.
    pub state: String,
    /// When it was begun.
    pub created_at: i64,
    /// When something last arrived.
    pub changed_at: i64,
}

impl Upload {
    /// Whether all of it is there, and is what it should be.
    pub fn is_complete(&self) -> bool {
        self.state == "complete"
    }
}

/// What is known of a file before it arrives.
pub struct NewUpload<'a> {
    /// The campaign it is for.
    pub campaign_id: i64,
    /// Who brings it.
    pub volunteer_id: i64,
    /// Its name.
    pub file_name: &'a str,
    /// Its length.
    pub bytes_total: i64,
    /// Its checksum, hex.
    pub sha256: Option<&'a str>,
}

/// Begins an upload.
pub fn add(conn: &mut Conn, new: &NewUpload<'_>, now: i64) -> QueryResult<Upload> {
    let id = new_id();
    diesel::insert_into(uploads::table)
        .values((
            uploads::id.eq(id),
            uploads::campaign_id.eq(new.campaign_id),
            uploads::volunteer_id.eq(new.volunteer_id),
            uploads::file_name.eq(new.file_name),
            uploads::bytes_total.eq(new.bytes_total),
            uploads::bytes_received.eq(0),
            uploads::sha256.eq(new.sha256),
            uploads::state.eq("receiving"),
            uploads::created_at.eq(now),
            uploads::changed_at.eq(now),
        ))
        .execute(conn)?;
    uploads::table.find(id).first(conn)
}

/// An upload of a campaign.
pub fn find(conn: &mut Conn, campaign_id: i64, id: i64) -> QueryResult<Option<Upload>> {
    uploads::table.find(id).filter(uploads::campaign_id.eq(campaign_id)).first(conn).optional()
}

/// The uploads of a campaign, newest first.
pub fn of_campaign(conn: &mut Conn, campaign_id: i64) -> QueryResult<Vec<Upload>> {
    uploads::table.filter(uploads::campaign_id.eq(campaign_id)).order(uploads::id.desc()).load(conn)
}

/// Bytes that the uploads of one campaign may come to take, or of all.
pub fn promised(conn: &mut Conn, campaign_id: Option<i64>) -> QueryResult<i64> {
    let rows = uploads::table.select((uploads::bytes_total, uploads::campaign_id)).load::<(i64, i64)>(conn)?;
    let counted = rows.into_iter().filter(|(_, of)| campaign_id.is_none_or(|wanted| wanted == *of));
    Ok(counted.map(|(bytes, _)| bytes).sum())
}

/// Bytes that were promised and are still to come, of all uploads.
pub fn outstanding(conn: &mut Conn) -> QueryResult<i64> {
    let rows = uploads::table.select((uploads::bytes_total, uploads::bytes_received)).load::<(i64, i64)>(conn)?;
    Ok(rows.into_iter().map(|(total, received)| total - received).sum())
}

/// Notes that so much is on the disk, if it was `before` until now.
pub fn advance(conn: &mut Conn, id: i64, (before, after): (i64, i64), now: i64) -> QueryResult<bool> {
    let row = uploads::table.find(id).filter(uploads::bytes_received.eq(before)).filter(uploads::state.eq("receiving"));
    let changes = (uploads::bytes_received.eq(after), uploads::changed_at.eq(now));
    Ok(diesel::update(row).set(changes).execute(conn)? == 1)
}

/// Notes that all is there and is what it should be.
pub fn complete(conn: &mut Conn, id: i64, now: i64) -> QueryResult<bool> {
    let row = uploads::table.find(id).filter(uploads::bytes_received.eq(uploads::bytes_total));
    let changes = (uploads::state.eq("complete"), uploads::changed_at.eq(now));
    Ok(diesel::update(row).set(changes).execute(conn)? == 1)
}

/// Forgets an upload; false where there was none.
pub fn remove(conn: &mut Conn, id: i64) -> QueryResult<bool> {
    Ok(diesel::delete(uploads::table.find(id)).execute(conn)? == 1)
}

/// Uploads to which nothing was added since then.
pub fn untouched(conn: &mut Conn, since: i64) -> QueryResult<Vec<Upload>> {
    uploads::table.filter(uploads::changed_at.lt(since)).load(conn)
}

/// The ids of all uploads.
pub fn ids(conn: &mut Conn) -> QueryResult<Vec<i64>> {
    uploads::table.select(uploads::id).load(conn)
}

//! The roles table: what a person may do in one campaign.

use diesel::prelude::*;

use crate::domain::volunteer::Role;
use crate::storage::Conn;
use crate::storage::schema::{campaigns, roles};

/// Gives somebody a role in a campaign; false where they had it already.
pub fn grant(
    conn: &mut Conn,
    volunteer: i64,
    campaign: i64,
    role: Role,
    granted_by: Option<i64>,
    now: i64,
) -> QueryResult<bool> {
    let held: i64 = roles::table.find((volunteer, campaign, role.key())).count().get_result(conn)?;
    if held > 0 {
        return Ok(false);
    }
    let row = (
        roles::volunteer_id.eq(volunteer),
        roles::campaign_id.eq(campaign),
        roles::role.eq(role.key()),
        roles::granted_by.eq(granted_by),
        roles::granted_at.eq(now),
    );
    diesel::insert_into(roles::table).values(row).execute(conn)?;
    Ok(true)
}

/// A person's roles with the slugs of the campaigns, in the order of slugs and roles.
pub fn of_volunteer(conn: &mut Conn, volunteer: i64) -> QueryResult<Vec<(String, Role)>> {
    let rows: Vec<(String, String)> = roles::table
        .inner_join(campaigns::table.on(campaigns::id.eq(roles::campaign_id)))
        .filter(roles::volunteer_id.eq(volunteer))
        .select((campaigns::slug, roles::role))
        .load(conn)?;
    let mut held: Vec<(String, Role)> =
        rows.into_iter().filter_map(|(slug, role)| Some((slug, Role::from_key(&role)?))).collect();
    held.sort_unstable();
    Ok(held)
}

/// A person's roles with the ids of the campaigns.
pub fn ids_of_volunteer(conn: &mut Conn, volunteer: i64) -> QueryResult<Vec<(i64, Role)>> {
    let rows: Vec<(i64, String)> =
        roles::table.filter(roles::volunteer_id.eq(volunteer)).select((roles::campaign_id, roles::role)).load(conn)?;
    Ok(rows.into_iter().filter_map(|(campaign, role)| Some((campaign, Role::from_key(&role)?))).collect())
}

/// The id of a campaign by its slug.
pub fn campaign_id(conn: &mut Conn, slug: &str) -> QueryResult<Option<i64>> {
    campaigns::table.filter(campaigns::slug.eq(slug)).select(campaigns::id).first(conn).optional()
}

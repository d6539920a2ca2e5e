//! Members: whoever holds a role in a campaign.

use std::collections::HashMap;

use diesel::prelude::*;

use crate::domain::volunteer::Role;
use crate::storage::Conn;
use crate::storage::campaigns::word;
use crate::storage::schema::{roles, volunteers};

/// Somebody with a role in a campaign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Database id.
    pub volunteer: i64,
    /// Sign-in name; `None` for a guest.
    pub name: Option<String>,
    /// Their highest role.
    pub role: Role,
    /// Since when they have it. Milliseconds since 1970, UTC.
    pub since: i64,
    /// Whether they may sign in.
    pub active: bool,
}

/// All members of a campaign: the highest role first, then by time.
pub fn of_campaign(conn: &mut Conn, campaign_id: i64) -> QueryResult<Vec<Member>> {
    let rows = roles::table
        .inner_join(volunteers::table.on(volunteers::id.eq(roles::volunteer_id)))
        .filter(roles::campaign_id.eq(campaign_id))
        .select((
            volunteers::id,
            volunteers::name,
            roles::role,
            roles::granted_at,
            volunteers::disabled_at.is_null().and(volunteers::deleted_at.is_null()),
        ))
        .load::<(i64, Option<String>, String, i64, bool)>(conn)?;
    let mut highest: HashMap<i64, Member> = HashMap::new();
    for (volunteer, name, role, since, active) in rows {
        let member = Member { volunteer, name, role: word(&role)?, since, active };
        if highest.get(&volunteer).is_none_or(|known| known.role < member.role) {
            highest.insert(volunteer, member);
        }
    }
    let mut members: Vec<Member> = highest.into_values().collect();
    members.sort_by_key(|member| (std::cmp::Reverse(member.role), member.since, member.volunteer));
    Ok(members)
}

/// The highest role that somebody may give in a campaign: their own, or any where they are an admin; `None` where they
/// have none, or may not sign in.
pub fn highest_role(conn: &mut Conn, campaign_id: i64, volunteer: i64) -> QueryResult<Option<Role>> {
    let active = volunteers::table
        .find(volunteer)
        .filter(volunteers::disabled_at.is_null())
        .filter(volunteers::deleted_at.is_null());
    match active.select(volunteers::admin).first::<bool>(conn).optional()? {
        Some(true) => Ok(Some(Role::Coordinator)),
        Some(false) => role_of(conn, campaign_id, volunteer),
        None => Ok(None),
    }
}

/// The highest role that somebody was given in a campaign.
pub fn role_of(conn: &mut Conn, campaign_id: i64, volunteer: i64) -> QueryResult<Option<Role>> {
    let held = roles::table.filter(roles::campaign_id.eq(campaign_id)).filter(roles::volunteer_id.eq(volunteer));
    let words = held.select(roles::role).load::<String>(conn)?;
    let held = words.iter().map(|text| word(text)).collect::<QueryResult<Vec<Role>>>()?;
    Ok(held.into_iter().max())
}

/// Takes all roles of somebody in a campaign away.
pub fn remove(conn: &mut Conn, campaign_id: i64, volunteer: i64) -> QueryResult<()> {
    let held = roles::table.filter(roles::campaign_id.eq(campaign_id)).filter(roles::volunteer_id.eq(volunteer));
    diesel::delete(held).execute(conn).map(drop)
}

/// Names of those of these people who have an account and, here or as an admin, a role above volunteer: the others stay
/// under their pseudonyms.
pub fn names_of_staff(conn: &mut Conn, campaign_id: i64, ids: &[i64]) -> QueryResult<HashMap<i64, String>> {
    let mut names = HashMap::new();
    for chunk in ids.chunks(500) {
        let staff = roles::campaign_id.eq(campaign_id).and(roles::role.ne(Role::Volunteer.key()));
        let rows = volunteers::table
            .left_join(roles::table.on(roles::volunteer_id.eq(volunteers::id).and(staff)))
            .filter(volunteers::id.eq_any(chunk.to_vec()))
            .filter(volunteers::admin.or(roles::role.is_not_null()))
            .select((volunteers::id, volunteers::name))
            .load::<(i64, Option<String>)>(conn)?;
        names.extend(rows.into_iter().filter_map(|(id, name)| Some((id, name?))));
    }
    Ok(names)
}

/// Those of these numbers that are ids of people.
pub fn known(conn: &mut Conn, ids: &[i64]) -> QueryResult<Vec<i64>> {
    let mut known = Vec::new();
    for chunk in ids.chunks(500) {
        known.extend(
            volunteers::table.filter(volunteers::id.eq_any(chunk.to_vec())).select(volunteers::id).load::<i64>(conn)?,
        );
    }
    Ok(known)
}

//! Work that one process does at a time, on whatever machine: held by a row, freed by its holder or by time.

use diesel::prelude::*;

use super::Conn;
use super::schema::locks;

/// Takes the lock unless somebody holds it. A holder that died loses it at `until`.
pub fn take(conn: &mut Conn, name: &str, holder: &str, (now, until): (i64, i64)) -> QueryResult<bool> {
    let free = locks::table.find(name).filter(locks::expires_at.lt(now).or(locks::holder.eq(holder)));
    let taken = diesel::update(free).set((locks::holder.eq(holder), locks::expires_at.eq(until))).execute(conn)?;
    if taken == 1 {
        return Ok(true);
    }
    let held = locks::table.find(name).count().get_result::<i64>(conn)? == 1;
    if held {
        return Ok(false);
    }
    diesel::insert_into(locks::table)
        .values((locks::name.eq(name), locks::holder.eq(holder), locks::expires_at.eq(until)))
        .execute(conn)?;
    Ok(true)
}

/// Lengthens the time of a lock that this holder still has; false where somebody else took it meanwhile.
pub fn keep(conn: &mut Conn, name: &str, holder: &str, until: i64) -> QueryResult<bool> {
    let mine = locks::table.find(name).filter(locks::holder.eq(holder));
    Ok(diesel::update(mine).set(locks::expires_at.eq(until)).execute(conn)? == 1)
}

/// Frees the lock if it is still held by this holder.
pub fn free(conn: &mut Conn, name: &str, holder: &str) -> QueryResult<()> {
    diesel::delete(locks::table.find(name).filter(locks::holder.eq(holder))).execute(conn)?;
    Ok(())
}

//! What the server's own role may do on PostgreSQL: read and write rows, and nothing to the tables themselves.

use diesel::RunQueryDsl;
use diesel::connection::SimpleConnection;
use diesel::sql_types::{Bool, Text};

use crate::storage::{Conn, DatabaseUrl, StoreError};

/// Longest name that PostgreSQL keeps whole, in bytes.
const LONGEST_NAME: usize = 63;

/// Gives a role of PostgreSQL what a server, `doctor` and `backup` need on the schema that `url` owns: rows may be read and
/// changed, those of the audit log only read and added, and no table altered or dropped. To be repeated after a migration.
///
/// Blocks. Fails on SQLite, which knows no roles, for a role that is not there and for one that owns the tables.
pub fn grant_to(url: &DatabaseUrl, role: &str) -> Result<(), StoreError> {
    check_name(role)?;
    let Conn::Postgres(mut conn) = url.connect(false)? else {
        return Err(StoreError::Setup("SQLite knows no roles: the file belongs to whoever may write it".into()));
    };
    let is_owner = diesel::sql_query(
        "SELECT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = $1 AND (rolsuper OR rolname = current_user)) AS yes",
    );
    if is_owner.bind::<Text, _>(role).get_result::<Answer>(&mut conn)?.yes {
        return Err(StoreError::Setup(format!(
            "`{role}` may do everything already: name another role, one that the server alone uses"
        )));
    }
    conn.batch_execute(&statements(role)).map_err(|error| {
        StoreError::Setup(format!("`{role}` cannot be given its rights (CREATE ROLE {role} LOGIN first?): {error}"))
    })
}

#[derive(diesel::QueryableByName)]
struct Answer {
    #[diesel(sql_type = Bool)]
    yes: bool,
}

/// A name that stands in a statement as it is.
fn check_name(role: &str) -> Result<(), StoreError> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let begins = role.starts_with(|c: char| c.is_ascii_lowercase() || c == '_');
    if begins && role.len() <= LONGEST_NAME && role.chars().all(plain) {
        return Ok(());
    }
    Err(StoreError::Setup(format!(
        "`{role}` is no role's name: use a-z, 0-9 and _, a letter first, at most 63 of them"
    )))
}

/// First everything away, so that what an earlier version gave is not kept.
fn statements(role: &str) -> String {
    format!(
        "BEGIN;
         REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {role};
         REVOKE ALL ON ALL SEQUENCES IN SCHEMA public FROM {role};
         REVOKE CREATE ON SCHEMA public FROM PUBLIC, {role};
         GRANT USAGE ON SCHEMA public TO {role};
         GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role};
         GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {role};
         REVOKE UPDATE, DELETE ON audit_log FROM {role};
         REVOKE INSERT, UPDATE, DELETE ON __diesel_schema_migrations FROM {role};
         COMMIT;"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_could_end_the_statement_is_refused() {
        for role in ["", "a b", "a\"; DROP TABLE labels; --", "Über", "1st", &"a".repeat(64)] {
            assert!(matches!(check_name(role), Err(StoreError::Setup(_))), "{role}");
        }
        assert!(check_name("aftermap_server").is_ok());
    }
}

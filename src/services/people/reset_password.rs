//! An admin helps somebody who lost both password and recovery code: a new code that works once, within a week.

use super::accounts;
use super::secrets::{hash_hex, normal_recovery_code};
use crate::domain::volunteer::check_name;
use crate::services::Error;
use crate::storage::Conn;
use crate::storage::oversight::audit_log;
use crate::storage::people::volunteers;

/// How long the code works, milliseconds: a week. It travels through hands that are not its owner's.
pub const CODE_MS: i64 = 7 * 86_400_000;

/// An account whose password was taken away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reset {
    /// The account's id.
    pub id: i64,
    /// Its name as it is shown.
    pub name: String,
    /// When the code stops working. Milliseconds since 1970, UTC.
    pub until: i64,
}

/// Takes the password of an account away, ends everything that it is signed in with, and puts this recovery code in the
/// place of the old one.
///
/// With the code its owner chooses a new password, and gets a new code; the old one works no more. `actor` is the admin;
/// `None`: the operator.
pub fn reset(conn: &mut Conn, actor: Option<i64>, name: &str, code: &str, now: i64) -> Result<Reset, Error> {
    let missing = || Error::NotFound(format!("there is no account `{name}` that is in use"));
    let account = volunteers::lock_by_name(conn, &check_name(name)?)?.filter(|one| !one.closed).ok_or_else(missing)?;
    let until = now + CODE_MS;
    volunteers::set_recovery(conn, account.id, &hash_hex(&normal_recovery_code(code)), until)?;
    accounts::end_all(conn, account.id, now)?;
    audit_log::note(conn, actor, None, ("reset_password", &account.id.to_string()), now)?;
    Ok(Reset { id: account.id, name: account.name.unwrap_or_default(), until })
}

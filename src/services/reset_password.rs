//! An admin helps somebody who lost both password and recovery code: a new code that works once.

use super::secrets::{hash_hex, normal_recovery_code};
use super::{Error, accounts};
use crate::domain::volunteer::check_name;
use crate::storage::{Conn, audit_log, volunteers};

/// Takes the password of an account away, ends everything that it is signed in with, and puts this recovery code in the
/// place of the old one. Returns the account's id and name as it is shown.
///
/// With the code its owner chooses a new password, and gets a new code; the old one works no more. `actor` is the admin;
/// `None`: the operator.
pub fn reset(conn: &mut Conn, actor: Option<i64>, name: &str, code: &str, now: i64) -> Result<(i64, String), Error> {
    let missing = || Error::NotFound(format!("there is no account `{name}` that is in use"));
    let account = volunteers::by_name(conn, &check_name(name)?)?.filter(|one| !one.closed).ok_or_else(missing)?;
    volunteers::set_recovery(conn, account.id, &hash_hex(&normal_recovery_code(code)))?;
    accounts::end_all(conn, account.id, now)?;
    audit_log::note(conn, actor, None, ("reset_password", &account.id.to_string()), now)?;
    Ok((account.id, account.name.unwrap_or_default()))
}

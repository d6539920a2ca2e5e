//! Deletes a person: what names them goes at once and for good; their labels stay under the pseudonym, so that maps
//! still add up.

use super::accounts::lock_owner;
use super::second_factor;
use super::sign_in::{Credentials, SignIn, viewer};
use super::throttle::Guess;
use crate::domain::access::Viewer;
use crate::domain::second_factor::{Code, SecondFactorRule};
use crate::domain::volunteer::check_name;
use crate::services::labelling::release_lease;
use crate::services::{Error, clock};
use crate::storage::Conn;
use crate::storage::oversight::audit_log;
use crate::storage::people::volunteers::Account;
use crate::storage::people::{person, volunteers};

/// Deletes whoever sends these credentials. An account proves itself by its password, and a code where it has a second factor; a
/// guest has neither.
///
/// It cannot be undone. Sessions and tokens end on all servers with the transaction, tiles in hand are given back, and
/// the name can be taken by anybody.
pub async fn delete_person(
    desk: &SignIn,
    from: Credentials,
    password: Option<String>,
    code: Option<Code>,
) -> Result<(), Error> {
    let now = clock::now_ms();
    let account = desk.store.read(move |conn| who(conn, &from, now)).await?;
    if account.name.is_some() {
        let password = password.ok_or_else(|| {
            Error::invalid("password", "deleting an account cannot be undone: send its password with it")
        })?;
        desk.check_own_password(&from, password, account.password_hash.clone(), now).await?;
    }
    let proved = account.password_hash;
    let code = code.filter(|_| account.name.is_some());
    let name_key = check_name(&account.name.unwrap_or_default()).unwrap_or_default();
    let work = desk.store.write(move |conn| {
        // Looked up again: in between, a guest may have made an account, or the password may have changed.
        lock_owner(conn, &from)?;
        let account = who(conn, &from, now)?;
        if account.password_hash != proved {
            return Err(Error::WrongCredentials("password"));
        }
        second_factor::ask(conn, account.id, code, now)?;
        forget(conn, account.id)
    });
    desk.with_code(Guess::code(&name_key), code, now, work).await
}

fn who(conn: &mut Conn, from: &Credentials, now: i64) -> Result<Account, Error> {
    let nobody = || Error::Unauthorized("sign in first: there is nobody to delete".into());
    let Viewer::Person(someone) = viewer(conn, from, SecondFactorRule::Optional, now)? else { return Err(nobody()) };
    if !someone.scopes.own {
        return Err(Error::Forbidden("a token cannot delete its owner: sign in and do it yourself".into()));
    }
    person::account(conn, someone.volunteer.id)?.ok_or_else(nobody)
}

fn forget(conn: &mut Conn, id: i64) -> Result<(), Error> {
    // From here on no hand-out gives them anything; what they had is in sight.
    volunteers::lock(conn, id)?;
    let now = clock::now_ms();
    for (_, _, lease) in person::open_leases(conn, id)? {
        release_lease::release(conn, id, lease, false, now)?;
    }
    person::forget(conn, id, now)?;
    Ok(audit_log::note(conn, None, None, ("delete_person", &id.to_string()), now)?)
}

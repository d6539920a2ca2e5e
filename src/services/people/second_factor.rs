//! The second factor of an account: begun, confirmed, asked for where somebody proves who they are, removed.

use rand::Rng;

use super::accounts::{lock_own_account, own_account};
use super::sign_in::{Credentials, SignIn};
use super::throttle::Guess;
use crate::domain::second_factor::{Code, SECRET_BYTES, base32, otpauth};
use crate::domain::volunteer::check_name;
use crate::services::{Error, clock};
use crate::storage::Conn;
use crate::storage::oversight::audit_log;
use crate::storage::people::{person, second_factors, sessions, volunteers};

/// How long one that was begun waits for its first code: an hour, milliseconds.
pub const BEGUN_MS: i64 = 3_600_000;

/// What the owner's app has to know. Shown this once.
pub struct Begun {
    /// The secret in base 32 (RFC 4648), to be typed.
    pub secret: String,
    /// The same with who issued it and for whom, as apps read it from a picture.
    pub uri: String,
}

/// A new secret. Made before the transaction, which may be repeated.
pub fn new_secret() -> [u8; SECRET_BYTES] {
    let mut secret = [0; SECRET_BYTES];
    rand::rng().fill_bytes(&mut secret);
    secret
}

/// Begins a second factor for the owner of an account, in place of one that was never confirmed. Nobody is asked for its code
/// before it is confirmed.
///
/// # Errors
/// For guests, and where there is one.
pub fn begin(conn: &mut Conn, owner: i64, issuer: &str, secret: &[u8; SECRET_BYTES], now: i64) -> Result<Begun, Error> {
    // One at a time for each person, or two that begin at once would both add a row.
    volunteers::lock(conn, owner)?;
    let name = person::account(conn, owner)?.and_then(|account| account.name).ok_or_else(for_accounts)?;
    if second_factors::confirmed_at(conn, owner)?.is_some() {
        return Err(there_is_one());
    }
    second_factors::begin(conn, owner, secret, now)?;
    Ok(Begun { secret: base32(secret), uri: otpauth(issuer, &name, secret) })
}

/// Confirms the factor that was begun, by a code of the app that now knows its secret. All other sessions of the account end;
/// tokens stay, because no token asks for more than its owner may.
pub async fn confirm(desk: &SignIn, from: Credentials, code: Code) -> Result<(), Error> {
    let now = clock::now_ms();
    let work = desk.store.write(move |conn| {
        let id = lock_own_account(conn, &from, now)?.id;
        let none =
            || Error::Conflict("no second factor was begun lately: begin one, then send a code of your app".into());
        let begun = second_factors::find(conn, id)?.ok_or_else(none)?;
        if begun.confirmed_at.is_some() {
            return Err(there_is_one());
        }
        if now > begun.created_at + BEGUN_MS {
            return Err(none());
        }
        let step = code.step(&begun.secret, begun.last_step, now).ok_or(Error::WrongSecondFactor)?;
        if !second_factors::confirm(conn, id, &begun, step, now)? {
            return Err(Error::WrongSecondFactor);
        }
        end_others(conn, id, &from, now)?;
        Ok(audit_log::note(conn, Some(id), None, ("set_up_second_factor", &id.to_string()), now)?)
    });
    work.await
}

/// Removes the own second factor, by one more of its codes. All other sessions of the account end.
pub async fn remove(desk: &SignIn, from: Credentials, code: Code) -> Result<(), Error> {
    let now = clock::now_ms();
    let none = || Error::NotFound("you have no second factor".into());
    // Looked at first: where there is none, no code is counted.
    let found = desk.store.read(move |conn| {
        let account = own_account(conn, &from, now)?;
        second_factors::confirmed_at(conn, account.id)?.ok_or_else(none)?;
        Ok::<_, Error>(account)
    });
    let name_key = check_name(&found.await?.name.unwrap_or_default())?;
    let work = desk.store.write(move |conn| {
        let id = lock_own_account(conn, &from, now)?.id;
        second_factors::confirmed_at(conn, id)?.ok_or_else(none)?;
        ask(conn, id, Some(code), now)?;
        second_factors::remove(conn, id)?;
        end_others(conn, id, &from, now)?;
        Ok(audit_log::note(conn, Some(id), None, ("remove_second_factor", &id.to_string()), now)?)
    });
    desk.with_code(Guess::code(&name_key), Some(code), now, work).await
}

/// Removes the second factor of somebody who lost the device. All sessions of the account end; `actor` is the admin, `None`:
/// the operator.
pub fn remove_of(conn: &mut Conn, actor: Option<i64>, name: &str, now: i64) -> Result<(), Error> {
    let missing = || Error::NotFound(format!("there is no account `{name}`"));
    let id = volunteers::by_name(conn, &check_name(name)?)?.ok_or_else(missing)?.id;
    volunteers::lock(conn, id)?;
    if !second_factors::remove(conn, id)? {
        return Err(Error::NotFound(format!("the account `{name}` has no second factor")));
    }
    sessions::revoke_all(conn, id, now)?;
    Ok(audit_log::note(conn, actor, None, ("remove_second_factor", &id.to_string()), now)?)
}

/// Asks whoever proves to be the owner of an account for a code, where there is a second factor, and uses the code up. Only
/// after everything else was right, so that nobody else learns that there is one. The caller holds the volunteer's row: else a
/// session that was opened without a code could come to light after all others had ended for its sake.
pub(super) fn ask(conn: &mut Conn, account: i64, code: Option<Code>, now: i64) -> Result<(), Error> {
    let stored = second_factors::find(conn, account)?.filter(|stored| stored.confirmed_at.is_some());
    let Some(stored) = stored else { return Ok(()) };
    let code = code.ok_or(Error::SecondFactorRequired)?;
    let step = code.step(&stored.secret, stored.last_step, now).ok_or(Error::WrongSecondFactor)?;
    match second_factors::use_step(conn, account, &stored, step)? {
        true => Ok(()),
        false => Err(Error::WrongSecondFactor),
    }
}

fn end_others(conn: &mut Conn, volunteer: i64, from: &Credentials, now: i64) -> Result<(), Error> {
    let Credentials::Session { session, .. } = from else { return Err(for_accounts()) };
    Ok(sessions::revoke_others(conn, volunteer, *session, now)?)
}

fn for_accounts() -> Error {
    Error::Forbidden("a second factor belongs to an account, and is set up by its owner: sign in to one first".into())
}

fn there_is_one() -> Error {
    Error::Conflict("you have a second factor: remove it before you set up another".into())
}

//! Proves once more, in an open session, that it is its owner who sits there: before tokens, roles and resets.

use super::accounts::{lock_own_account, own_account};
use super::second_factor;
use super::sign_in::{Credentials, SignIn};
use super::throttle::Guess;
use crate::domain::second_factor::Code;
use crate::domain::volunteer::check_name;
use crate::services::{Error, clock};
use crate::storage::people::sessions;

/// Compares the password with that of the account that is signed in, and the code with its second factor where there is one,
/// and remembers in the session that they fit.
pub async fn prove(desk: &SignIn, from: Credentials, password: String, code: Option<Code>) -> Result<(), Error> {
    let Credentials::Session { session, .. } = from else {
        return Err(Error::Forbidden("a token cannot prove who uses it: sign in for that".into()));
    };
    let now = clock::now_ms();
    let account = desk.store.read(move |conn| own_account(conn, &from, now)).await?;
    desk.check_own_password(&from, password, account.password_hash.clone(), now).await?;
    let (proved, name_key) = (account.password_hash, check_name(&account.name.unwrap_or_default())?);
    let work = desk.store.write(move |conn| {
        // Looked up again: in between the session may have ended, or the password may have changed.
        let account = lock_own_account(conn, &from, now)?;
        if account.password_hash != proved {
            return Err(Error::WrongCredentials("password"));
        }
        second_factor::ask(conn, account.id, code, now)?;
        Ok(sessions::prove(conn, session, clock::now_ms())?)
    });
    desk.with_code(Guess::code(&name_key), code, now, work).await
}

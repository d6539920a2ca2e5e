//! Proves once more, in an open session, that it is its owner who sits there: before tokens, roles and resets.

use super::accounts::own_account;
use super::sign_in::{Credentials, SignIn};
use crate::services::{Error, clock};
use crate::storage::people::sessions;

/// Compares the password with that of the account that is signed in, and remembers in the session that it fits.
pub async fn prove(desk: &SignIn, from: Credentials, password: String) -> Result<(), Error> {
    let Credentials::Session { session, .. } = from else {
        return Err(Error::Forbidden("a token cannot prove who uses it: sign in for that".into()));
    };
    let now = clock::now_ms();
    let account = desk.store.read(move |conn| own_account(conn, &from, now)).await?;
    desk.check_own_password(&from, password, account.password_hash.clone(), now).await?;
    let proved = account.password_hash;
    desk.store
        .write(move |conn| {
            // Looked up again: in between the session may have ended, or the password may have changed.
            match own_account(conn, &from, now)?.password_hash == proved {
                true => Ok(sessions::prove(conn, session, clock::now_ms())?),
                false => Err(Error::WrongCredentials("password")),
            }
        })
        .await
}

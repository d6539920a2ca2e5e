//! Guests and accounts: made, claimed, recovered.

use super::second_factor;
use super::secrets::{self, hash, hash_hex, normal_recovery_code};
use super::sign_in::{Credentials, NewSession, SESSION_MS, SignIn, Tokens, viewer};
use super::throttle::{Guess, Visitor};
use crate::domain::access::{Person, Viewer};
use crate::domain::second_factor::{Code, SecondFactorRule};
use crate::domain::volunteer::{check_name, check_password};
use crate::services::{Error, clock};
use crate::storage::people::personal_tokens::{self, NewToken};
use crate::storage::people::sessions::{self, Moments};
use crate::storage::people::volunteers::{self, NewAccount};
use crate::storage::people::{person, second_factors};
use crate::storage::{Conn, is_duplicate, new_id};

/// A guest who has just come.
#[derive(Debug)]
pub struct Guest {
    /// The volunteer's id.
    pub volunteer: i64,
    /// For tools without cookies, where it was asked for: good for 90 days or until the session ends, for labelling only.
    pub token: Option<String>,
    /// For browsers.
    pub tokens: Tokens,
}

/// An account that was just made or recovered.
#[derive(Debug)]
pub struct Account {
    /// The volunteer's id.
    pub volunteer: i64,
    /// Sign-in name as it is shown.
    pub name: String,
    /// Shown this once; the server keeps its hash.
    pub recovery_code: String,
    /// For browsers.
    pub tokens: Tokens,
    /// [`Person::has_power`].
    pub has_power: bool,
}

/// Lets somebody in without an account, with a token for a tool if they want one.
pub async fn guest(desk: &SignIn, with_token: bool) -> Result<Guest, Error> {
    let now = clock::now_ms();
    let (volunteer, fresh) = (new_id(), NewSession::prepare(&desk.keys)?);
    let token = with_token.then(secrets::token);
    let (token_hash, tokens) = (token.as_deref().map(hash), fresh.tokens(&desk.keys, volunteer, now)?);
    desk.store
        .write(move |conn| {
            volunteers::insert_guest(conn, volunteer, now)?;
            if let Some(hash) = &token_hash {
                let expires_at = now + SESSION_MS;
                let new = NewToken { volunteer_id: volunteer, hash, name: "guest", scopes: "label own", expires_at };
                personal_tokens::insert(conn, new_id(), &new, now)?;
            }
            fresh.open(conn, volunteer, Moments::at(now))
        })
        .await?;
    Ok(Guest { volunteer, token, tokens })
}

/// Makes an account. A guest who asks becomes the account and keeps the work; what the guest signed in with ends.
pub async fn create(desk: &SignIn, from: Credentials, name: String, password: String) -> Result<Account, Error> {
    let now = clock::now_ms();
    let name_key = check_name(&name)?;
    check_password(&name, &password)?;
    // A first look spares the hashing; the constraint decides.
    let (shown, key, rule) = (name.clone(), name_key.clone(), desk.rule());
    desk.store
        .read(move |conn| {
            guest_of(&viewer(conn, &from, rule, now)?)?;
            volunteers::by_name(conn, &key)?.map_or(Ok(()), |_| Err(Error::NameTaken(shown)))
        })
        .await?;
    let password_hash = desk.passwords.hash(password).await?;
    let (secrets, fresh, new_volunteer) = (Secrets::new(password_hash), NewSession::prepare(&desk.keys)?, new_id());
    let (shown, stored, session) = (name.clone(), secrets.clone(), fresh.clone());
    let volunteer = desk
        .store
        .write(move |conn| {
            let guest = guest_of(&viewer(conn, &from, rule, now)?)?;
            let volunteer = add(conn, guest.unwrap_or(new_volunteer), guest.is_some(), &shown, &stored, now)?;
            session.open(conn, volunteer, Moments::at(now))?;
            Ok::<_, Error>(volunteer)
        })
        .await?;
    let tokens = fresh.tokens(&desk.keys, volunteer, now)?;
    Ok(Account { volunteer, name, recovery_code: secrets.recovery_code, tokens, has_power: false })
}

/// Sets a new password by recovery code, makes a new code, and ends every session and token of the account. A second factor
/// stays, and is asked for: a stolen recovery code opens nothing.
pub async fn recover(
    desk: &SignIn,
    visitor: Visitor,
    name: &str,
    recovery_code: &str,
    password: String,
    code: Option<Code>,
) -> Result<Account, Error> {
    let now = clock::now_ms();
    check_password(name, &password)?;
    let name_key = check_name(name).unwrap_or_default();
    let guess = Guess::recovery(&name_key, visitor);
    desk.throttle.attempt(guess, now)?;
    let given = hash_hex(&normal_recovery_code(recovery_code));
    // Hashed before the code is looked at, so that a known name takes as long as an unknown one.
    let password_hash = desk.passwords.hash(password).await?;
    let (secrets, fresh) = (Secrets::new(password_hash), NewSession::prepare(&desk.keys)?);
    // Looked at first: whoever has no recovery code must not use up the attempts at the owner's codes.
    let (key, known, coded) = (name_key.clone(), given.clone(), Guess::code_at_recovery(&name_key));
    desk.store.read(move |conn| recovered_by(volunteers::by_name(conn, &key)?, &known, now)).await?;
    desk.throttle.succeeded(guess);
    let (stored, session, rule) = (secrets.clone(), fresh.clone(), desk.rule());
    let work = desk.store.write(move |conn| {
        let account = recovered_by(volunteers::lock_by_name(conn, &name_key)?, &given, now)?;
        second_factor::ask(conn, account.id, code, now)?;
        volunteers::set_secrets(conn, account.id, &stored.password_hash, &stored.recovery_hash())?;
        end_all(conn, account.id, now)?;
        session.open(conn, account.id, Moments::at(now))?;
        let opened = Credentials::Session { session: session.id, volunteer: account.id };
        let has_power = viewer(conn, &opened, rule, now)?.person().is_some_and(Person::has_power);
        Ok::<_, Error>((account.id, account.name.unwrap_or_default(), has_power))
    });
    let (volunteer, name, has_power) = desk.with_code(coded, code, now, work).await?;
    let tokens = fresh.tokens(&desk.keys, volunteer, now)?;
    Ok(Account { volunteer, name, recovery_code: secrets.recovery_code, tokens, has_power })
}

/// The account that was found under a name, if this is the hash of its recovery code.
fn recovered_by(found: Option<volunteers::Account>, given: &str, now: i64) -> Result<volunteers::Account, Error> {
    found
        .filter(|account| !account.closed && account.recovery_hash.as_deref() == Some(given))
        .filter(|account| account.recovery_until.is_none_or(|until| now < until))
        .ok_or(Error::WrongCredentials("recovery code"))
}

/// Sets a new password by the old one; every session and token of the account ends, and the asker gets a new session. It asks
/// for no code, so where there is a second factor the new session lasts and is proven no longer than the old one.
pub async fn change_password(
    desk: &SignIn,
    from: Credentials,
    password: String,
    new_password: String,
) -> Result<Tokens, Error> {
    let now = clock::now_ms();
    let account = desk.store.read(move |conn| own_account(conn, &from, now)).await?;
    let name = account.name.clone().unwrap_or_default();
    check_password(&name, &new_password)?;
    desk.check_own_password(&from, password, account.password_hash.clone(), now).await?;
    let (proved, new_hash) = (account.password_hash, desk.passwords.hash(new_password).await?);
    let fresh = NewSession::prepare(&desk.keys)?;
    let session = fresh.clone();
    let volunteer = desk
        .store
        .write(move |conn| {
            // Looked up again: between the two transactions it may have been changed by somebody else.
            let account = lock_own_account(conn, &from, now)?;
            if account.password_hash != proved {
                return Err(Error::WrongCredentials("password"));
            }
            volunteers::set_password(conn, account.id, &new_hash)?;
            end_all(conn, account.id, now)?;
            let moments = moments_of_change(conn, &from, account.id, now)?;
            session.open(conn, account.id, moments)?;
            Ok::<_, Error>(account.id)
        })
        .await?;
    fresh.tokens(&desk.keys, volunteer, now)
}

/// The moments of the session that a change of the password opens: of now, but where there is a second factor it is no
/// younger and proven no later than the one it follows, or whoever stole that one would have signed in without a code.
fn moments_of_change(conn: &mut Conn, from: &Credentials, account: i64, now: i64) -> Result<Moments, Error> {
    match from {
        Credentials::Session { session, .. } if second_factors::confirmed_at(conn, account)?.is_some() => {
            Ok(Moments { refreshed_at: now, ..sessions::moments(conn, *session)? })
        }
        _ => Ok(Moments::at(now)),
    }
}

/// The account of whoever sends these credentials; a guest has none.
pub(super) fn own_account(conn: &mut Conn, from: &Credentials, now: i64) -> Result<volunteers::Account, Error> {
    // What an account is asked for here, no role makes any difference to.
    let someone = viewer(conn, from, SecondFactorRule::Optional, now)?;
    let id = someone.volunteer_id().ok_or_else(|| Error::Unauthorized("sign in first".into()))?;
    person::account(conn, id)?
        .filter(|account| account.password_hash.is_some())
        .ok_or_else(|| Error::Forbidden("a guest has no password: make an account first".into()))
}

/// The same, the account held until the end of the transaction: whoever waited for it sees whether their session has ended.
pub(super) fn lock_own_account(conn: &mut Conn, from: &Credentials, now: i64) -> Result<volunteers::Account, Error> {
    lock_owner(conn, from)?;
    own_account(conn, from, now)
}

/// Holds the row of whoever has this session.
pub(super) fn lock_owner(conn: &mut Conn, from: &Credentials) -> Result<(), Error> {
    match from {
        Credentials::Session { volunteer, .. } => Ok(volunteers::lock(conn, *volunteer)?),
        Credentials::None | Credentials::Expired | Credentials::Token(_) => Ok(()),
    }
}

/// The secrets of an account that is about to be stored.
#[derive(Clone)]
pub struct Secrets {
    /// PHC string of the password.
    pub password_hash: String,
    /// Shown once to the owner.
    pub recovery_code: String,
}

impl Secrets {
    /// With a new recovery code.
    pub fn new(password_hash: String) -> Secrets {
        Secrets { password_hash, recovery_code: secrets::recovery_code() }
    }

    fn recovery_hash(&self) -> String {
        hash_hex(&normal_recovery_code(&self.recovery_code))
    }
}

/// Adds an account, or turns the guest of that id into one: what the guest signed in with ends, the work stays.
pub fn add(
    conn: &mut Conn,
    volunteer: i64,
    is_guest: bool,
    name: &str,
    secrets: &Secrets,
    now: i64,
) -> Result<i64, Error> {
    let name_key = check_name(name)?;
    let recovery_hash = secrets.recovery_hash();
    let new =
        NewAccount { name, name_key: &name_key, password_hash: &secrets.password_hash, recovery_hash: &recovery_hash };
    if volunteers::by_name(conn, &name_key)?.is_some() {
        return Err(Error::NameTaken(name.into()));
    }
    // Two people who choose one name at the same moment: the constraint tells the second.
    let taken = |error| if is_duplicate(&error) { Error::NameTaken(name.into()) } else { Error::Query(error) };
    if !is_guest {
        volunteers::insert_account(conn, volunteer, &new, now).map_err(taken)?;
    } else if volunteers::claim_guest(conn, volunteer, &new).map_err(taken)? {
        end_all(conn, volunteer, now)?;
    } else {
        return Err(already_an_account());
    }
    Ok(volunteer)
}

/// Ends everything that somebody is signed in with.
pub(super) fn end_all(conn: &mut Conn, volunteer: i64, now: i64) -> Result<(), Error> {
    sessions::revoke_all(conn, volunteer, now)?;
    Ok(personal_tokens::revoke_all(conn, volunteer, now)?)
}

/// The guest who asks for an account; `None`: nobody is signed in. Whoever has an account must sign out first.
fn guest_of(viewer: &Viewer) -> Result<Option<i64>, Error> {
    match viewer.person() {
        Some(person) if !person.is_guest() => Err(already_an_account()),
        Some(person) if !person.scopes.own => Err(Error::Forbidden("this token cannot make an account".into())),
        person => Ok(person.map(|person| person.volunteer.id)),
    }
}

fn already_an_account() -> Error {
    Error::Conflict("you are signed in to an account: sign out before you make another".into())
}

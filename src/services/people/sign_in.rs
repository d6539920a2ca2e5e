//! Who is asking: sessions and tokens, looked up in the request's own transaction; signing in, refreshing, signing out.

use std::sync::Arc;

use super::access_token::{Access, Keys};
use super::passwords::Passwords;
use super::second_factor;
use super::secrets::{self, hash};
use super::throttle::{Guess, Throttle, Visitor};
use crate::domain::access::{Person, Scopes, Viewer};
use crate::domain::second_factor::{Code, SecondFactor, SecondFactorRule};
use crate::domain::volunteer::{Role, Volunteer, check_name};
use crate::services::{Error, clock};
use crate::storage::people::sessions::{self, Moments, OpenSession, PersonRow};
use crate::storage::people::{personal_tokens, roles, volunteers};
use crate::storage::{Conn, Store, new_id};

/// How long a session lives without being refreshed, and a guest's token: 90 days, milliseconds.
pub const SESSION_MS: i64 = 90 * 86_400_000;
/// The longest that a session lives however often it is refreshed, milliseconds: a year and a day.
const LONGEST_MS: i64 = 366 * 86_400_000;
/// The same for people with power ([`Person::has_power`]): 12 hours without use, and 7 days in all, milliseconds.
const POWER_UNUSED_MS: i64 = 12 * 3_600_000;
const POWER_LONGEST_MS: i64 = 7 * 86_400_000;
/// How long the refresh token before the present one is accepted: tabs that refresh at the same moment, milliseconds.
const RACE_MS: i64 = 30_000;

/// What a request brought to show who sends it, checked as far as that needs no database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Credentials {
    /// Nothing, or nothing that is ours.
    None,
    /// A good access token: it names this session of this volunteer.
    Session {
        /// Id of the session.
        session: i64,
        /// Whose it is.
        volunteer: i64,
    },
    /// An access token whose time is over.
    Expired,
    /// The SHA-256 of a bearer token.
    Token([u8; 32]),
}

impl Credentials {
    /// Those of a script: a bearer token.
    pub fn from_bearer(token: &str) -> Credentials {
        Credentials::Token(hash(token))
    }
}

/// Whoever sends these credentials. Call it in the transaction that does the work, so that a revoked session, a disabled
/// person or a changed role act at once on all servers.
///
/// A session that has ended reads as nobody, because public pages stay open to that browser; a token that is not valid
/// is refused, because a script must learn it. Whether power needs a second factor is asked here, once for all: `rule` is
/// the server's ([`SignIn::rule`]).
pub fn viewer(conn: &mut Conn, credentials: &Credentials, rule: SecondFactorRule, now: i64) -> Result<Viewer, Error> {
    match credentials {
        Credentials::None => Ok(Viewer::Nobody),
        Credentials::Expired => Err(Error::SessionExpired),
        Credentials::Session { session, volunteer } => {
            let rows = sessions::person(conn, *session, now)?;
            let Some(moments) = rows.first().map(|(moments, _)| *moments) else { return Ok(Viewer::Nobody) };
            let person = person(rows.into_iter().map(|(_, row)| row).collect(), Scopes::ALL, Some(moments.proven_at));
            let person = person.filter(|person| person.volunteer.id == *volunteer && is_alive(person, moments, now));
            Ok(person.map_or(Viewer::Nobody, |person| Viewer::Person(person.under(rule))))
        }
        Credentials::Token(hash) => {
            let mut scopes = String::new();
            let rows = personal_tokens::person(conn, hash, now)?;
            let rows = rows.into_iter().map(|(words, row)| {
                scopes = words;
                row
            });
            let rows: Vec<PersonRow> = rows.collect();
            person(rows, Scopes::parse(&scopes), None)
                .map(|person| Viewer::Person(person.under(rule)))
                .ok_or_else(|| Error::Unauthorized("this token is unknown, or its time is over".into()))
        }
    }
}

/// Sessions of people with power end sooner: nobody should find one open on a device that was left or lost. It depends on
/// what they may do now, so whoever is given a role is bound by it at once.
fn is_alive(person: &Person, moments: Moments, now: i64) -> bool {
    !person.has_power() || now < moments.refreshed_at + POWER_UNUSED_MS && now < moments.created_at + POWER_LONGEST_MS
}

/// When a session of somebody with or without power ends if it is not used again. Milliseconds since 1970.
pub fn ends_at(has_power: bool, session: &OpenSession) -> i64 {
    let Moments { created_at, refreshed_at, .. } = session.moments;
    let soonest = (refreshed_at + POWER_UNUSED_MS).min(created_at + POWER_LONGEST_MS);
    if has_power { soonest.min(session.expires_at) } else { session.expires_at }
}

fn person(rows: Vec<PersonRow>, scopes: Scopes, proven_at: Option<i64>) -> Option<Person> {
    let (id, name, admin, creator, confirmed_at, _) = rows.first()?.clone();
    let roles = rows.into_iter().filter_map(|(.., role)| role);
    let roles = roles.filter_map(|(campaign, role)| Some((campaign, Role::from_key(&role)?))).collect();
    let second_factor = confirmed_at.map_or(SecondFactor::None, |_| SecondFactor::SetUp);
    Some(Person { volunteer: Volunteer { id, name, admin, creator }, roles, scopes, proven_at, second_factor })
}

/// Everything that signing in needs. Cheap to clone; all clones share the limits.
#[derive(Clone)]
pub struct SignIn {
    pub(super) store: Store,
    pub(super) keys: Arc<Keys>,
    pub(super) passwords: Passwords,
    pub(super) throttle: Arc<Throttle>,
    rule: SecondFactorRule,
}

/// What a browser keeps.
#[derive(Debug, Clone)]
pub struct Tokens {
    /// The access token, for every request.
    pub access: String,
    /// The refresh token, for refreshing and signing out only.
    pub refresh: String,
}

/// Who is signed in, with the names of the campaigns in which they hold a role.
#[derive(Debug, Clone)]
pub struct SessionInfo {
    /// The person; `None` when nobody is signed in.
    pub volunteer: Option<Volunteer>,
    /// Campaign slugs and roles, as far as they hold at the moment.
    pub roles: Vec<(String, Role)>,
    /// How they stand with the second factor.
    pub second_factor: SecondFactor,
    /// [`Person::has_power`].
    pub has_power: bool,
}

/// A session that is about to be opened: its id and refresh token are made before the transaction, which may be
/// repeated.
#[derive(Clone)]
pub(super) struct NewSession {
    pub(super) id: i64,
    refresh: String,
}

impl SignIn {
    /// With the limits at their start.
    pub fn new(store: Store, keys: Keys) -> SignIn {
        let rule = SecondFactorRule::default();
        SignIn { store, keys: Arc::new(keys), passwords: Passwords::default(), throttle: Arc::default(), rule }
    }

    /// The same under another rule about second factors.
    pub fn under(self, rule: SecondFactorRule) -> SignIn {
        SignIn { rule, ..self }
    }

    /// Whom the operator asks for a second factor.
    pub fn rule(&self) -> SecondFactorRule {
        self.rule
    }

    /// Forgets the wrong attempts for an account, on this server: its owner was given a new code.
    pub fn forget_attempts(&self, name: &str) {
        self.throttle.forget(&check_name(name).unwrap_or_default());
    }

    /// Compares a password with that of the account which is signed in with these credentials.
    ///
    /// Wrong attempts are counted for the session, so that whoever has it in their hands guesses ten times in a quarter of
    /// an hour, and keeps the owner from nothing elsewhere.
    pub(super) async fn check_own_password(
        &self,
        from: &Credentials,
        password: String,
        stored: Option<String>,
        now: i64,
    ) -> Result<(), Error> {
        let guess = Guess::own(from);
        self.throttle.attempt(guess, now)?;
        if !self.passwords.verify(password, stored).await? {
            return Err(Error::WrongCredentials("password"));
        }
        self.throttle.succeeded(guess);
        Ok(())
    }

    /// Does what may ask for a code of an account's second factor. An attempt counts for the account, from wherever it comes:
    /// who gets so far knows the password, and a right password clears no wrong code.
    pub(super) async fn with_code<T>(
        &self,
        guess: Guess,
        code: Option<Code>,
        now: i64,
        work: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        if code.is_some() {
            self.throttle.attempt(guess, now)?;
        }
        let done = work.await?;
        if code.is_some() {
            self.throttle.succeeded(guess);
        }
        Ok(done)
    }

    /// What a browser's access token proves.
    pub fn browser(&self, access_token: &str) -> Credentials {
        match self.keys.read(access_token, clock::now_ms()) {
            Access::Session { session, volunteer } => Credentials::Session { session, volunteer },
            Access::Expired => Credentials::Expired,
            Access::Foreign => Credentials::None,
        }
    }

    /// Signs in with name and password, and a code where the account has a second factor. The session that the request came
    /// with, if any, ends, also where only the refresh token still names it.
    pub async fn sign_in(
        &self,
        before: Credentials,
        refresh: Option<&str>,
        visitor: Visitor,
        name: &str,
        password: String,
        code: Option<Code>,
    ) -> Result<(SessionInfo, Tokens), Error> {
        let now = clock::now_ms();
        let wrong = || Error::WrongCredentials("password");
        // A name that nobody can have takes the same path and time as one that nobody has.
        let name_key = check_name(name).unwrap_or_default();
        let guess = Guess::password(&name_key, visitor);
        self.throttle.attempt(guess, now)?;
        let (key, coded) = (name_key.clone(), Guess::code(&name_key));
        let account = self.store.read(move |conn| Ok::<_, Error>(volunteers::by_name(conn, &key)?)).await?;
        let stored = account.filter(|account| !account.closed).and_then(|account| account.password_hash);
        if !self.passwords.verify(password.clone(), stored.clone()).await? {
            return Err(wrong());
        }
        self.throttle.succeeded(guess);
        let renewed = self.passwords.renewed(password, stored.as_deref()).await?;
        let (came, fresh) = (self.came(before, refresh)?, NewSession::prepare(&self.keys)?);
        let (id, refresh, rule) = (fresh.id, fresh.refresh.clone(), self.rule);
        let work = self.store.write(move |conn| {
            // Looked up again: between the two transactions the password may have been changed.
            let account = volunteers::lock_by_name(conn, &name_key)?
                .filter(|account| !account.closed && account.password_hash == stored)
                .ok_or_else(wrong)?;
            second_factor::ask(conn, account.id, code, now)?;
            came.end(conn, now)?;
            fresh.open(conn, account.id, Moments::at(now))?;
            if let (Some(before), Some(after)) = (&stored, &renewed) {
                volunteers::renew_password_hash(conn, account.id, before, after)?;
            }
            let opened = Credentials::Session { session: id, volunteer: account.id };
            let viewer = viewer(conn, &opened, rule, now)?;
            session_info(conn, &viewer)
        });
        let info = self.with_code(coded, code, now, work).await?;
        let volunteer = info.volunteer.as_ref().map_or(0, |volunteer| volunteer.id);
        Ok((info, Tokens { access: self.keys.issue(id, volunteer, now)?, refresh }))
    }

    /// New tokens for a refresh token. Tabs that refresh at the same moment get the same ones. A token that was
    /// replaced before ends the session: somebody has a copy.
    pub async fn refresh(&self, token: &str) -> Result<(SessionInfo, Tokens), Error> {
        let now = clock::now_ms();
        let refused = || Error::Unauthorized("this session has ended: sign in again".into());
        let Some((session, genuine)) = self.read_refresh_token(token)? else { return Err(refused()) };
        // Of the present key, also where the token is from before the key was replaced.
        let family = self.keys.seal("family", &session.to_string())?;
        let next = format!("{session}.{family}.{}", self.keys.seal("refresh", token)?);
        let (given_hash, next_hash, rule) = (hash(token), hash(&next), self.rule);
        let outcome = self.store.write(move |conn| {
            let Some(open) = sessions::lock_open(conn, session, now)? else { return Ok(None) };
            let in_use = open.refresh_hash == given_hash;
            let just_replaced = open.previous_hash.as_deref() == Some(&given_hash[..])
                && (open.refreshed_at..=open.refreshed_at + RACE_MS).contains(&now);
            // Asked before the token is replaced, which counts as a use.
            let credentials = Credentials::Session { session, volunteer: open.volunteer_id };
            let viewer = match viewer(conn, &credentials, rule, now)? {
                viewer @ Viewer::Person(_) if in_use || just_replaced => viewer,
                Viewer::Person(_) if !genuine => return Ok(None),
                // A copy of an old token, or a session whose time is over.
                _ => return sessions::revoke(conn, session, now).map(|()| None).map_err(Error::from),
            };
            if in_use {
                let expires_at = (now + SESSION_MS).min(open.created_at + LONGEST_MS);
                sessions::rotate(conn, &open, &next_hash, now, expires_at)?;
            }
            session_info(conn, &viewer).map(Some)
        });
        let info = outcome.await?.ok_or_else(refused)?;
        let volunteer = info.volunteer.as_ref().map_or(0, |volunteer| volunteer.id);
        Ok((info, Tokens { access: self.keys.issue(session, volunteer, now)?, refresh: next }))
    }

    /// Ends the session, on all servers at once. Ending what has ended already is no error.
    pub async fn sign_out(&self, credentials: Credentials, refresh: Option<&str>) -> Result<(), Error> {
        let now = clock::now_ms();
        let came = self.came(credentials, refresh)?;
        self.store.write(move |conn| came.end(conn, now)).await
    }

    /// What a browser came with.
    fn came(&self, credentials: Credentials, refresh: Option<&str>) -> Result<Came, Error> {
        let named = refresh.map(|token| self.read_refresh_token(token)).transpose()?.flatten();
        let hashed = refresh.map(hash).unwrap_or_default();
        Ok(Came { credentials, by_refresh: named.map(|(session, genuine)| (session, genuine, hashed)) })
    }

    /// The session that a refresh token names, and whether we made the token; `None` where it is none.
    fn read_refresh_token(&self, token: &str) -> Result<Option<(i64, bool)>, Error> {
        let mut parts = token.splitn(3, '.');
        let (Some(session), Some(family), Some(_)) = (parts.next(), parts.next(), parts.next()) else {
            return Ok(None);
        };
        let Ok(session) = session.parse::<i64>() else { return Ok(None) };
        Ok(Some((session, self.keys.seal("family", &session.to_string())? == family)))
    }
}

impl NewSession {
    /// Makes the id and the first refresh token: `session.family.secret`. The family proves that a token was once
    /// ours, so that nobody can end a session by guessing its id.
    pub(super) fn prepare(keys: &Keys) -> Result<NewSession, Error> {
        let id = new_id();
        let refresh = format!("{id}.{}.{}", keys.seal("family", &id.to_string())?, secrets::token());
        Ok(NewSession { id, refresh })
    }

    /// Adds the session to the database.
    pub(super) fn open(&self, conn: &mut Conn, volunteer: i64, moments: Moments) -> Result<(), Error> {
        let expires_at = (moments.refreshed_at + SESSION_MS).min(moments.created_at + LONGEST_MS);
        Ok(sessions::insert(conn, self.id, volunteer, &hash(&self.refresh), moments, expires_at)?)
    }

    /// The tokens of the open session.
    pub(super) fn tokens(&self, keys: &Keys, volunteer: i64, now: i64) -> Result<Tokens, Error> {
        Ok(Tokens { access: keys.issue(self.id, volunteer, now)?, refresh: self.refresh.clone() })
    }
}

/// The viewer with the roles that they hold now, where this very transaction gave them one.
pub fn with_roles(conn: &mut Conn, viewer: Viewer) -> Result<Viewer, Error> {
    let Viewer::Person(mut person) = viewer else { return Ok(viewer) };
    person.roles = roles::ids_of_volunteer(conn, person.volunteer.id)?;
    Ok(Viewer::Person(person))
}

/// What `GET /session` tells about somebody.
pub fn session_info(conn: &mut Conn, viewer: &Viewer) -> Result<SessionInfo, Error> {
    let Some(person) = viewer.person() else {
        let second_factor = SecondFactor::None;
        return Ok(SessionInfo { volunteer: None, roles: Vec::new(), second_factor, has_power: false });
    };
    let (second_factor, has_power) = (person.second_factor, person.has_power());
    let roles = match second_factor {
        SecondFactor::Missing => Vec::new(),
        SecondFactor::None | SecondFactor::SetUp => roles::of_volunteer(conn, person.volunteer.id)?,
    };
    Ok(SessionInfo { volunteer: Some(person.volunteer.clone()), roles, second_factor, has_power })
}

/// What names the session of a browser: its access token, and its refresh token with whether we made it under the present
/// key, and its hash.
#[derive(Clone, Copy)]
struct Came {
    credentials: Credentials,
    by_refresh: Option<(i64, bool, [u8; 32])>,
}

impl Came {
    /// Ends it. With a guest's session all ends that the guest was given: nothing else leads back to a guest.
    fn end(self, conn: &mut Conn, now: i64) -> Result<(), Error> {
        if let Credentials::Session { session, .. } = self.credentials {
            end_session(conn, session, now)?;
        }
        if let Some((session, genuine, hashed)) = self.by_refresh {
            // Before the key was replaced its tokens were made by another: then the token in use itself must be shown.
            let is_known =
                genuine || sessions::lock_open(conn, session, now)?.is_some_and(|open| open.refresh_hash == hashed);
            if is_known {
                end_session(conn, session, now)?;
            }
        }
        Ok(())
    }
}

/// Ends a session, and a guest's token with it.
pub(super) fn end_session(conn: &mut Conn, session: i64, now: i64) -> Result<(), Error> {
    if let Some(guest) = sessions::guest_of(conn, session)? {
        personal_tokens::revoke_all(conn, guest, now)?;
    }
    Ok(sessions::revoke(conn, session, now)?)
}

//! Hashing passwords with argon2id, at most two at a time, so that sign-ins never starve the labels.

use std::sync::{Arc, OnceLock};

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use tokio::sync::Semaphore;

use crate::services::Error;
use crate::storage::StoreError;

/// Memory of one hash, KiB; with the two numbers below what OWASP's cheat sheet asks for (2023).
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// Hashes at work at the same time.
const AT_ONCE: usize = 2;
/// Requests that may wait for their turn; one more is told to come back later.
const WAITING: usize = 64;

/// The password hasher. Cheap to clone; all clones share the limit.
#[derive(Clone)]
pub struct Passwords {
    working: Arc<Semaphore>,
    admitted: Arc<Semaphore>,
}

impl Default for Passwords {
    fn default() -> Passwords {
        Passwords { working: Arc::new(Semaphore::new(AT_ONCE)), admitted: Arc::new(Semaphore::new(AT_ONCE + WAITING)) }
    }
}

impl Passwords {
    /// The PHC string of a password, with a new random salt.
    pub async fn hash(&self, password: String) -> Result<String, Error> {
        self.in_turn(move || hash(&password)).await?
    }

    /// Whether a password belongs to a PHC string. Without one (an unknown name, a guest) it takes the same time and
    /// says no.
    pub async fn verify(&self, password: String, stored: Option<String>) -> Result<bool, Error> {
        self.in_turn(move || verify(&password, stored.as_deref())).await?
    }

    /// The PHC string of a password that was just found right, where the stored one was made with other parameters than
    /// today's: so that all are renewed little by little when those are raised.
    pub async fn renewed(&self, password: String, stored: Option<&str>) -> Result<Option<String>, Error> {
        match stored {
            Some(stored) if !stored.starts_with(&of_today()) => self.hash(password).await.map(Some),
            _ => Ok(None),
        }
    }

    async fn in_turn<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
        let _place = self.admitted.try_acquire().map_err(|_| StoreError::Busy)?;
        let _turn = self.working.acquire().await.map_err(|error| Error::Internal(error.to_string()))?;
        tokio::task::spawn_blocking(work)
            .await
            .map_err(|error| Error::Internal(format!("a password check ended early: {error}")))
    }
}

/// The PHC string of a password, on the calling thread. For the command line.
pub fn hash(password: &str) -> Result<String, Error> {
    let hash = argon2()?.hash_password(password.as_bytes()).map_err(|error| Error::Internal(error.to_string()))?;
    Ok(hash.to_string())
}

fn verify(password: &str, stored: Option<&str>) -> Result<bool, Error> {
    let known = stored.is_some();
    let text = match stored {
        Some(text) => text.to_owned(),
        None => nobodys_hash()?,
    };
    let parsed = PasswordHash::new(&text).map_err(|error| Error::Internal(format!("a stored password: {error}")))?;
    let fits = argon2()?.verify_password(password.as_bytes(), &parsed).is_ok();
    Ok(known && fits)
}

/// A hash that belongs to no password that anybody knows.
fn nobodys_hash() -> Result<String, Error> {
    static HASH: OnceLock<String> = OnceLock::new();
    if let Some(hash) = HASH.get() {
        return Ok(hash.clone());
    }
    let made = hash(&super::secrets::token())?;
    Ok(HASH.get_or_init(|| made).clone())
}

/// How a PHC string with today's parameters begins.
fn of_today() -> String {
    format!("$argon2id$v=19$m={MEMORY_KIB},t={PASSES},p={LANES}$")
}

fn argon2() -> Result<Argon2<'static>, Error> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(|error| Error::Internal(error.to_string()))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_right_password_fits_and_nobody_has_none() {
        let stored = hash("three blind mice").unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$") && stored.starts_with(&of_today()), "{stored}");
        assert!(verify("three blind mice", Some(&stored)).unwrap());
        assert!(!verify("three blind rats", Some(&stored)).unwrap());
        assert!(!verify("three blind mice", None).unwrap());
    }
}

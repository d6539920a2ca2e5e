//! Access tokens: short-lived JWTs (RFC 7519, after the advice of RFC 8725) that name a session; and the key behind them.

use std::io::Write;
use std::path::Path;

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, crypto};
use rand::Rng;
use serde::{Deserialize, Serialize};

use crate::services::Error;

/// How long an access token is good for, seconds.
pub const LIFETIME_SECONDS: i64 = 15 * 60;
/// How far two servers' clocks may differ, seconds.
const LEEWAY_SECONDS: i64 = 5;
/// Who issues the tokens, and whom they are for.
const PARTY: &str = "aftermap";
/// The header's type (RFC 9068), so that no other token of ours can be taken for an access token.
const TYPE: &str = "at+jwt";
/// Bytes of the key file: 512 bits.
const KEY_BYTES: usize = 64;

/// What an access token says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: String,
    sid: String,
    iat: i64,
    exp: i64,
}

/// What was read from an access token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// It names this session of this volunteer.
    Session {
        /// Id of the session.
        session: i64,
        /// Whose session it claims to be.
        volunteer: i64,
    },
    /// It was good, but its time is over.
    Expired,
    /// It is none of ours.
    Foreign,
}

/// The server's signing key.
pub struct Keys {
    encoding: EncodingKey,
    decoding: DecodingKey,
    validation: Validation,
}

impl Keys {
    /// Keys from the bytes of a key file; at least 256 bits.
    pub fn new(secret: &[u8]) -> Result<Keys, Error> {
        if secret.len() < 32 {
            return Err(Error::Internal("the key file holds less than 32 bytes".into()));
        }
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_issuer(&[PARTY]);
        validation.set_audience(&[PARTY]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        // The project has one clock, and this library reads another: the time is compared in `read`.
        validation.validate_exp = false;
        Ok(Keys { encoding: EncodingKey::from_secret(secret), decoding: DecodingKey::from_secret(secret), validation })
    }

    /// Reads the key file; makes it, readable by its owner only, where there is none. Blocks.
    pub fn from_file(path: &Path) -> Result<Keys, Error> {
        let failed = |what: &str, error: std::io::Error| {
            Error::Internal(format!("cannot {what} the key file {}: {error}", path.display()))
        };
        match std::fs::read(path) {
            Ok(secret) => return Keys::new(&secret),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(failed("read", error)),
        }
        create_key_file(path).map_err(|error| failed("make", error))?;
        // Read back: when two servers start together, both use the one that was first.
        Keys::new(&std::fs::read(path).map_err(|error| failed("read", error))?)
    }

    /// A token for a session, good from `now` (milliseconds since 1970) on.
    pub fn issue(&self, session: i64, volunteer: i64, now: i64) -> Result<String, Error> {
        let iat = now.div_euclid(1_000);
        let claims = Claims {
            iss: PARTY.into(),
            aud: PARTY.into(),
            sub: volunteer.to_string(),
            sid: session.to_string(),
            iat,
            exp: iat + LIFETIME_SECONDS,
        };
        let header = Header { typ: Some(TYPE.into()), ..Header::new(Algorithm::HS256) };
        jsonwebtoken::encode(&header, &claims, &self.encoding).map_err(|error| Error::Internal(error.to_string()))
    }

    /// Reads a token as it came from a client.
    pub fn read(&self, token: &str, now: i64) -> Access {
        let Ok(token) = jsonwebtoken::decode::<Claims>(token, &self.decoding, &self.validation) else {
            return Access::Foreign;
        };
        let claims = token.claims;
        let (Ok(session), Ok(volunteer)) = (claims.sid.parse(), claims.sub.parse()) else { return Access::Foreign };
        if token.header.typ.as_deref() != Some(TYPE) {
            return Access::Foreign;
        }
        if now.div_euclid(1_000) >= claims.exp.saturating_add(LEEWAY_SECONDS) {
            return Access::Expired;
        }
        Access::Session { session, volunteer }
    }

    /// A keyed hash (HMAC-SHA-256) of a message for one purpose, in letters, digits, `-` and `_`.
    pub fn seal(&self, purpose: &str, message: &str) -> Result<String, Error> {
        crypto::sign(format!("{purpose}\n{message}").as_bytes(), &self.encoding, Algorithm::HS256)
            .map_err(|error| Error::Internal(error.to_string()))
    }
}

/// Writes a new key beside its place and links it there, so that the file is never seen half-written or replaced.
fn create_key_file(path: &Path) -> std::io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    let mut secret = [0u8; KEY_BYTES];
    rand::rng().fill_bytes(&mut secret);
    let draft = folder.join(format!(".key-{}-{}", std::process::id(), crate::storage::new_id()));
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&draft)?;
    let written = file.write_all(&secret).and_then(|()| file.sync_all());
    let linked = written.and_then(|()| match std::fs::hard_link(&draft, path) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        outcome => outcome,
    });
    std::fs::remove_file(&draft)?;
    linked?;
    std::fs::File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_900_000_000_000;

    fn keys(byte: u8) -> Keys {
        Keys::new(&[byte; 32]).unwrap()
    }

    fn forged(algorithm: Algorithm, typ: Option<&str>, change: impl Fn(&mut serde_json::Value)) -> String {
        let exp = NOW / 1_000 + 60;
        let mut claims = serde_json::json!({"iss": PARTY, "aud": PARTY, "sub": "2", "sid": "1", "iat": 0, "exp": exp});
        change(&mut claims);
        let header = Header { typ: typ.map(Into::into), ..Header::new(algorithm) };
        jsonwebtoken::encode(&header, &claims, &EncodingKey::from_secret(&[1; 32])).unwrap()
    }

    #[test]
    fn a_token_is_read_back_for_a_quarter_of_an_hour() {
        let token = keys(1).issue(1, 2, NOW).unwrap();
        assert_eq!(keys(1).read(&token, NOW), Access::Session { session: 1, volunteer: 2 });
        assert_eq!(keys(1).read(&token, NOW + 899_000), Access::Session { session: 1, volunteer: 2 });
        assert_eq!(keys(1).read(&token, NOW + 906_000), Access::Expired);
        assert_eq!(keys(2).read(&token, NOW), Access::Foreign);
    }

    #[test]
    fn only_our_algorithm_type_issuer_and_audience_are_accepted() {
        let read = |token: String| keys(1).read(&token, NOW);
        let good = Access::Session { session: 1, volunteer: 2 };
        assert_eq!(read(forged(Algorithm::HS256, Some(TYPE), |_| {})), good);
        assert_eq!(read(forged(Algorithm::HS512, Some(TYPE), |_| {})), Access::Foreign);
        assert_eq!(read(forged(Algorithm::HS256, Some("JWT"), |_| {})), Access::Foreign);
        assert_eq!(read(forged(Algorithm::HS256, None, |_| {})), Access::Foreign);
        for claim in ["iss", "aud", "sub", "sid", "exp"] {
            let without = |claims: &mut serde_json::Value| drop(claims.as_object_mut().unwrap().remove(claim));
            assert_eq!(read(forged(Algorithm::HS256, Some(TYPE), without)), Access::Foreign, "{claim} missing");
        }
        let other = |claims: &mut serde_json::Value| claims["aud"] = "elsewhere".into();
        assert_eq!(read(forged(Algorithm::HS256, Some(TYPE), other)), Access::Foreign);
    }

    #[test]
    fn a_token_without_signature_is_foreign() {
        let signed = forged(Algorithm::HS256, Some(TYPE), |_| {});
        let payload = signed.split('.').nth(1).unwrap();
        // {"typ":"at+jwt","alg":"none"}
        let unsigned = format!("eyJ0eXAiOiJhdCtqd3QiLCJhbGciOiJub25lIn0.{payload}.");
        assert_eq!(keys(1).read(&unsigned, NOW), Access::Foreign);
    }

    #[test]
    fn the_key_file_is_made_once_and_for_its_owner_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sub").join("key");
        let token = Keys::from_file(&path).unwrap().issue(1, 2, NOW).unwrap();
        assert_eq!(Keys::from_file(&path).unwrap().read(&token, NOW), Access::Session { session: 1, volunteer: 2 });
        assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        std::fs::write(&path, "short").unwrap();
        assert!(Keys::from_file(&path).is_err());
    }
}

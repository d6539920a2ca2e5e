//! Personal tokens: what scripts sign in with in place of a person, for a time and for some things only.

use super::Invalid;
use super::words::words;

words! {
    /// What a personal token may be used for. None of them makes tokens, changes a password or deletes an account.
    Scope {
        /// See and download what its owner may see as a researcher.
        Read = "read",
        /// Take tiles and hand in labels.
        Label = "label",
        /// Whatever else the owner's roles allow: open, pause and close campaigns.
        Manage = "manage",
    }
}

/// Days that a token is good for where nobody says how many.
pub const DEFAULT_DAYS: u32 = 90;
/// Most days that a token is good for.
pub const MAX_DAYS: u32 = 366;
/// Most tokens of one person that are good at the same time.
pub const MAX_TOKENS: usize = 20;
/// Most characters of a token's name.
const MAX_NAME: usize = 60;

/// A token that somebody asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRequest {
    /// What its owner calls it, so as to know later what it was for.
    pub name: String,
    /// What it may be used for.
    pub scopes: Vec<Scope>,
    /// Days until it stops working.
    pub days: u32,
}

impl TokenRequest {
    /// Checks a request and puts it in order: the name without blanks around it, each scope once.
    pub fn new(name: &str, scopes: &[Scope], days: Option<u32>) -> Result<TokenRequest, Invalid> {
        let name = name.trim();
        let length = name.chars().count();
        if !(1..=MAX_NAME).contains(&length) || name.chars().any(char::is_control) {
            let reason = format!("say in 1 to {MAX_NAME} characters, on one line, what the token is for");
            return Err(Invalid::new("name", reason));
        }
        let days = days.unwrap_or(DEFAULT_DAYS);
        if !(1..=MAX_DAYS).contains(&days) {
            return Err(Invalid::new("days", format!("a token is good for 1 to {MAX_DAYS} days, not {days}")));
        }
        let mut scopes = scopes.to_vec();
        scopes.sort_unstable();
        scopes.dedup();
        if scopes.is_empty() {
            return Err(Invalid::new("scopes", format!("say what it may be used for: {}", known_scopes())));
        }
        Ok(TokenRequest { name: name.to_owned(), scopes, days })
    }

    /// The scopes as they are stored: words separated by blanks.
    pub fn words(&self) -> String {
        self.scopes.iter().map(|scope| scope.key()).collect::<Vec<_>>().join(" ")
    }
}

/// The scopes of a stored token that a person may ask for.
pub fn scopes_of(words: &str) -> Vec<Scope> {
    words.split_whitespace().filter_map(Scope::from_key).collect()
}

fn known_scopes() -> String {
    Scope::ALL.iter().map(|scope| scope.key()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_put_in_order() {
        let asked = TokenRequest::new("  QGIS at work ", &[Scope::Label, Scope::Read, Scope::Label], None).unwrap();
        assert_eq!((asked.name.as_str(), asked.words().as_str(), asked.days), ("QGIS at work", "read label", 90));
        assert_eq!(scopes_of("read own label"), [Scope::Read, Scope::Label]);
    }

    #[test]
    fn a_bad_request_names_the_field() {
        let field = |name: &str, scopes: &[Scope], days| TokenRequest::new(name, scopes, days).unwrap_err().field;
        assert_eq!(field(" ", &[Scope::Read], None), "name");
        assert_eq!(field("a\nb", &[Scope::Read], None), "name");
        assert_eq!(field(&"é".repeat(61), &[Scope::Read], None), "name");
        assert_eq!(field("x", &[], None), "scopes");
        assert_eq!(field("x", &[Scope::Read], Some(0)), "days");
        assert_eq!(field("x", &[Scope::Read], Some(367)), "days");
        assert!(TokenRequest::new(&"é".repeat(60), &[Scope::Read], Some(366)).is_ok());
    }
}

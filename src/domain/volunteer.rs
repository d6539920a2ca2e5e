//! People: volunteers with or without an account, and the roles they hold.

use super::Invalid;
use super::guessable::is_guessable;
use super::name_key::{composed, name_key};
use super::words::words;

words! {
    /// What a person may do in one campaign; a later role may do all that an earlier one may.
    Role {
        /// Label.
        Volunteer = "volunteer",
        /// Settle contested tiles; sees every label of those.
        Reviewer = "reviewer",
        /// Download everything, with pseudonyms.
        Researcher = "researcher",
        /// Run the campaign.
        Coordinator = "coordinator",
    }
}

/// A person as the server knows them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Volunteer {
    /// Database id.
    pub id: i64,
    /// Sign-in name; `None` for a guest.
    pub name: Option<String>,
    /// May do everything on this server.
    pub admin: bool,
    /// May make campaigns.
    pub creator: bool,
}

/// Checks a sign-in name: 2 to 40 letters, digits, `.`, `_` or `-`. Returns the form in which names are
/// compared.
pub fn check_name(name: &str) -> Result<String, Invalid> {
    let composed = composed(name);
    let length = composed.chars().count();
    let plain = composed.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '_' | '-'));
    if !(2..=40).contains(&length) || !plain {
        return Err(Invalid::new("name", "a name has 2 to 40 letters, digits, dots, dashes or underscores"));
    }
    Ok(name_key(name))
}

/// Checks a password: 10 to 128 characters, and not among those that everybody tries first ([`super::guessable`]).
pub fn check_password(name: &str, password: &str) -> Result<(), Invalid> {
    let length = password.chars().count();
    if !(10..=128).contains(&length) {
        return Err(Invalid::new("password", "a password has 10 to 128 characters"));
    }
    if is_guessable(password, &[name]) {
        return Err(Invalid::new(
            "password",
            "this password is one of the first that anybody would try: choose another",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_compared_without_case() {
        assert_eq!(check_name("Layla.H"), Ok("layla.h".into()));
        assert_eq!(check_name("ليلى"), Ok("ليلى".into()));
        assert!(check_name("a").is_err() && check_name("a b").is_err() && check_name("<script>").is_err());
    }

    #[test]
    fn passwords_that_everybody_tries_are_refused() {
        assert!(check_password("layla", "short").is_err());
        assert!(check_password("layla", "Password123").is_err());
        assert!(check_password("layla-layla", "Layla-Layla").is_err());
        assert!(check_password("layla", "three blind mice").is_ok());
    }
}

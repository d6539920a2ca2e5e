//! Slows down guessing: after ten wrong passwords of one visitor for one name, that visitor must wait a quarter of an hour.
//!
//! A name alone is never locked: whoever knows it could keep its owner out. Many visitors who guess at one name together
//! only have fewer attempts each; the owner, who comes from elsewhere, has those too. Signing in, recovering, and what
//! somebody does who is signed in already are counted apart, so none uses up the other. Codes of a second factor alone are
//! counted for the name, whoever tries: who gets there knows the password, and the owner can change it. Kept in memory, under
//! hashes.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::secrets::hash;
use super::sign_in::Credentials;
use crate::services::Error;

/// Wrong attempts of one visitor for one name that are free.
const FREE: u32 = 10;
/// The same while a name is under attack.
const FREE_UNDER_ATTACK: u32 = 3;
/// Wrong attempts for one name, of all visitors together, that make an attack.
const ATTACK: u32 = 200;
/// How long they are remembered, milliseconds.
const WINDOW_MS: i64 = 15 * 60 * 1_000;
/// How much later than it began an attempt may be counted, milliseconds.
const LATE_MS: i64 = 60_000;
/// Counts remembered at a time: bounds the memory (about 6 MB) against somebody who invents names.
const COUNTS: usize = 50_000;

/// Where a request comes from: a number that stands for an address for a day, and from which nobody gets the address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Visitor(pub u64);

/// What is guessed at, and by whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Guess {
    target: Target,
    visitor: Visitor,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Target {
    /// The password of this name.
    Password([u8; 32]),
    /// The recovery code of this name.
    Recovery([u8; 32]),
    /// The second factor of this name, whoever guesses.
    Code([u8; 32]),
    /// The same where the recovery code was right: no guesser at sign-in keeps its owner from that.
    RecoveryWithCode([u8; 32]),
    /// Whoever is signed in with this proves themself once more: no stranger can use that up.
    Own([u8; 32]),
}

impl Guess {
    /// At the password of a name, to sign in.
    pub fn password(name_key: &str, visitor: Visitor) -> Guess {
        Guess { target: Target::Password(hash(name_key)), visitor }
    }

    /// At the recovery code of a name.
    pub fn recovery(name_key: &str, visitor: Visitor) -> Guess {
        Guess { target: Target::Recovery(hash(name_key)), visitor }
    }

    /// At a code of the second factor of a name. All visitors count as one: six digits are few, and only who knows the password
    /// comes to guess at them.
    pub fn code(name_key: &str) -> Guess {
        Guess { target: Target::Code(hash(name_key)), visitor: Visitor(0) }
    }

    /// The same beside a right recovery code.
    pub fn code_at_recovery(name_key: &str) -> Guess {
        Guess { target: Target::RecoveryWithCode(hash(name_key)), visitor: Visitor(0) }
    }

    /// At the password of the account that is signed in with these credentials.
    pub fn own(credentials: &Credentials) -> Guess {
        let who = match credentials {
            Credentials::Session { session, .. } => hash(&session.to_string()),
            Credentials::Token(token) => *token,
            Credentials::None | Credentials::Expired => hash(""),
        };
        Guess { target: Target::Own(who), visitor: Visitor(0) }
    }
}

/// Wrong attempts: of each visitor for each target, and of all together for each target.
#[derive(Default)]
pub struct Throttle {
    failures: Mutex<HashMap<(Target, Option<Visitor>), Failures>>,
}

#[derive(Clone, Copy)]
struct Failures {
    count: u32,
    since: i64,
}

impl Throttle {
    /// Counts an attempt before its outcome is known, so that parallel guesses are counted too; refused when this visitor
    /// has to wait.
    pub fn attempt(&self, guess: Guess, now: i64) -> Result<(), Error> {
        let mut failures = self.book();
        make_room(&mut failures, now);
        let together = current(&mut failures, (guess.target, None), now).count;
        let free = if together >= ATTACK { FREE_UNDER_ATTACK } else { FREE };
        let own = current(&mut failures, (guess.target, Some(guess.visitor)), now);
        if own.count >= free {
            let wait_ms = (own.since + WINDOW_MS - now).clamp(1, WINDOW_MS);
            return Err(Error::TooManyAttempts(wait_ms.unsigned_abs().div_ceil(1_000)));
        }
        own.count += 1;
        let all = current(&mut failures, (guess.target, None), now);
        all.count = all.count.saturating_add(1);
        Ok(())
    }

    /// Forgets the attempts of a visitor: the last one was right. What others tried stays.
    pub fn succeeded(&self, guess: Guess) {
        let mut failures = self.book();
        let own = failures.remove(&(guess.target, Some(guess.visitor))).map_or(0, |own| own.count);
        if let Some(all) = failures.get_mut(&(guess.target, None)) {
            all.count = all.count.saturating_sub(own);
        }
    }

    /// Forgets all attempts for a name: its owner was given a new code.
    pub fn forget(&self, name_key: &str) {
        let name = hash(name_key);
        let targets =
            [Target::Password(name), Target::Recovery(name), Target::Code(name), Target::RecoveryWithCode(name)];
        self.book().retain(|(target, _), _| !targets.contains(target));
    }

    fn book(&self) -> MutexGuard<'_, HashMap<(Target, Option<Visitor>), Failures>> {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The count under this key, from zero where its time is over.
fn current(
    failures: &mut HashMap<(Target, Option<Visitor>), Failures>,
    key: (Target, Option<Visitor>),
    now: i64,
) -> &mut Failures {
    let entry = failures.entry(key).or_insert(Failures { count: 0, since: now });
    if !entry.is_remembered(now) {
        *entry = Failures { count: 0, since: now };
    }
    entry
}

/// Room for one more attempt. Small counts go first: names that somebody invents to fill the book have one each, and must not
/// drive out the name that is really guessed at.
fn make_room(failures: &mut HashMap<(Target, Option<Visitor>), Failures>, now: i64) {
    if failures.len() + 2 <= COUNTS {
        return;
    }
    failures.retain(|_, entry| entry.is_remembered(now));
    for most in 1..=ATTACK {
        if failures.len() + 2 <= COUNTS / 2 {
            return;
        }
        failures.retain(|_, entry| entry.count > most);
    }
}

impl Failures {
    /// A clock that was set back must not lock anybody out for longer than the window.
    fn is_remembered(self, now: i64) -> bool {
        // Requests take their time before they come here, and not all the same: one that began earlier is no clock set back.
        (self.since - LATE_MS..self.since + WINDOW_MS).contains(&now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STRANGER: Visitor = Visitor(1);
    const OWNER: Visitor = Visitor(2);

    fn is_refused(throttle: &Throttle, guess: Guess, now: i64) -> bool {
        matches!(throttle.attempt(guess, now), Err(Error::TooManyAttempts(_)))
    }

    #[test]
    fn the_eleventh_wrong_attempt_must_wait_and_only_for_that_name_and_visitor() {
        let throttle = Throttle::default();
        let layla = Guess::password("layla", STRANGER);
        for _ in 0..10 {
            assert!(throttle.attempt(layla, 1_000).is_ok());
        }
        assert!(matches!(throttle.attempt(layla, 61_000), Err(Error::TooManyAttempts(840))));
        assert!(throttle.attempt(Guess::password("omar", STRANGER), 61_000).is_ok());
        assert!(throttle.attempt(Guess::password("layla", OWNER), 61_000).is_ok());
        assert!(throttle.attempt(Guess::recovery("layla", STRANGER), 61_000).is_ok());
        assert!(throttle.attempt(layla, 1_000 + WINDOW_MS).is_ok());
    }

    #[test]
    fn a_right_password_and_a_clock_set_back_clear_the_count() {
        let throttle = Throttle::default();
        let layla = Guess::password("layla", OWNER);
        for _ in 0..10 {
            assert!(throttle.attempt(layla, 5_000_000).is_ok());
        }
        assert!(throttle.attempt(layla, 1_000).is_ok());
        throttle.succeeded(layla);
        for _ in 0..10 {
            assert!(throttle.attempt(layla, 2_000).is_ok());
        }
    }

    #[test]
    fn an_attempt_that_began_earlier_and_comes_later_buys_no_further_ones() {
        let throttle = Throttle::default();
        for _ in 0..10 {
            assert!(throttle.attempt(Guess::code("layla"), 100_000).is_ok());
        }
        assert!(is_refused(&throttle, Guess::code("layla"), 99_000));
    }

    #[test]
    fn wrong_codes_count_for_the_name_and_a_right_password_clears_none() {
        let throttle = Throttle::default();
        for _ in 0..10 {
            assert!(throttle.attempt(Guess::password("layla", STRANGER), 1_000).is_ok());
            throttle.succeeded(Guess::password("layla", STRANGER));
            assert!(throttle.attempt(Guess::code("layla"), 1_000).is_ok());
        }
        assert!(is_refused(&throttle, Guess::code("layla"), 2_000));
        assert!(throttle.attempt(Guess::code("omar"), 2_000).is_ok());
        assert!(throttle.attempt(Guess::code("layla"), 1_000 + WINDOW_MS).is_ok());
        assert!(throttle.attempt(Guess::code_at_recovery("layla"), 2_000).is_ok(), "who has the recovery code goes on");
        throttle.forget("layla");
        assert!(throttle.attempt(Guess::code("layla"), 2_000).is_ok(), "an admin took the second factor away");
    }

    #[test]
    fn whom_many_guess_at_has_fewer_attempts_from_each_place_and_is_never_locked() {
        let throttle = Throttle::default();
        for visitor in 100..120 {
            for _ in 0..10 {
                assert!(throttle.attempt(Guess::password("layla", Visitor(visitor)), 1_000).is_ok());
            }
        }
        let late = Guess::password("layla", Visitor(500));
        for _ in 0..3 {
            assert!(throttle.attempt(late, 2_000).is_ok());
        }
        assert!(is_refused(&throttle, late, 2_000));
        let owner = Guess::password("layla", OWNER);
        assert!(throttle.attempt(owner, 2_000).is_ok());
        throttle.succeeded(owner);
        assert!(throttle.attempt(owner, 2_000).is_ok(), "and again, as often as it is right");
        throttle.forget("layla");
        for _ in 0..10 {
            assert!(throttle.attempt(late, 3_000).is_ok(), "an admin's new code clears all");
        }
    }

    #[test]
    fn names_that_are_invented_drive_out_no_count_that_matters_and_memory_is_bounded() {
        let throttle = Throttle::default();
        let layla = Guess::password("layla", STRANGER);
        for _ in 0..10 {
            assert!(throttle.attempt(layla, 1_000).is_ok());
        }
        for n in 0..COUNTS {
            let _ = throttle.attempt(Guess::password(&format!("invented{n}"), Visitor(n as u64)), 2_000);
        }
        assert!(throttle.book().len() <= COUNTS);
        assert!(is_refused(&throttle, layla, 3_000));
    }
}

//! What one address may ask for in a minute, so that nobody makes guests by the million or guesses passwords of all.
//!
//! Generous, because a school or a camp may share one address. No address is stored or logged: it is counted in memory
//! under a hash whose random key lives for a day.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::http::error::Error;
use crate::services::people::throttle::Visitor;

/// How long a key for hashing addresses lives; with it goes all that was counted.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// Addresses counted at a time: bounds the memory (about 3 MB). Those beyond share one count.
const ADDRESSES: usize = 50_000;
const MINUTE: f64 = 60.0;

/// What somebody comes for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Errand {
    /// To be let in as a guest.
    Guest,
    /// To prove who they are: to sign in, recover an account or make one. Each costs a password hash.
    Proof,
}

/// What one address may do.
#[derive(Debug, Clone, Copy)]
pub struct Shares {
    /// New guests a minute.
    pub guests: u32,
    /// Sign-ins, recoveries and new accounts a minute.
    pub proofs: u32,
}

impl Default for Shares {
    fn default() -> Shares {
        Shares { guests: 300, proofs: 120 }
    }
}

/// Who came lately, and for what.
pub(crate) struct Visitors {
    shares: Shares,
    book: Mutex<Book>,
}

struct Book {
    key: RandomState,
    since: Instant,
    rest: HashMap<(u64, Errand), Rest>,
}

/// What is left to somebody, and when it was looked at.
struct Rest {
    left: f64,
    at: Instant,
}

impl Visitors {
    pub fn new(shares: Shares) -> Visitors {
        Visitors { shares, book: Mutex::new(Book::new(Instant::now())) }
    }

    /// Counts an errand; refused, with the seconds to wait, where the address has used up its share. Returns the number
    /// under which the address is counted today.
    pub fn admit(&self, address: Option<IpAddr>, errand: Errand, now: Instant) -> Result<Visitor, Error> {
        let mut book = self.book.lock().unwrap_or_else(PoisonError::into_inner);
        if now.saturating_duration_since(book.since) >= DAY {
            *book = Book::new(now);
        }
        let share = f64::from(match errand {
            Errand::Guest => self.shares.guests,
            Errand::Proof => self.shares.proofs,
        });
        let who = book.who(address);
        book.make_room(share, now);
        let counted = if book.rest.len() < ADDRESSES || book.rest.contains_key(&(who, errand)) { who } else { 0 };
        let rest = book.rest.entry((counted, errand)).or_insert(Rest { left: share, at: now });
        rest.fill(share, now);
        if rest.left < 1.0 {
            let wait = (1.0 - rest.left) / share.max(1.0) * MINUTE;
            return Err(Error::too_many(wait.ceil().max(1.0) as u64));
        }
        rest.left -= 1.0;
        Ok(Visitor(who))
    }
}

impl Book {
    fn new(now: Instant) -> Book {
        Book { key: RandomState::new(), since: now, rest: HashMap::new() }
    }

    /// A number for the address.
    fn who(&self, address: Option<IpAddr>) -> u64 {
        self.key.hash_one(address.map(subscriber))
    }

    /// Forgets those who have their whole share again.
    fn make_room(&mut self, share: f64, now: Instant) {
        if self.rest.len() >= ADDRESSES {
            self.rest.retain(|_, rest| {
                rest.fill(share, now);
                rest.left < share
            });
        }
    }
}

/// What of an address tells subscribers apart; of IPv6 the network, which is what one subscriber gets.
pub(crate) fn subscriber(address: IpAddr) -> u64 {
    match address.to_canonical() {
        IpAddr::V4(address) => u64::from(address.to_bits()),
        IpAddr::V6(address) => (address.to_bits() >> 64) as u64,
    }
}

impl Rest {
    fn fill(&mut self, share: f64, now: Instant) {
        let passed = now.saturating_duration_since(self.at).as_secs_f64();
        self.left = (self.left + passed * share / MINUTE).min(share);
        self.at = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHARES: Shares = Shares { guests: 3, proofs: 60 };

    fn address(text: &str) -> Option<IpAddr> {
        Some(text.parse().unwrap())
    }

    #[test]
    fn who_used_up_the_share_waits_and_nobody_else_does() {
        let (visitors, start) = (Visitors::new(SHARES), Instant::now());
        for _ in 0..3 {
            assert!(visitors.admit(address("192.0.2.1"), Errand::Guest, start).is_ok());
        }
        assert!(visitors.admit(address("192.0.2.1"), Errand::Guest, start).is_err());
        assert!(visitors.admit(address("::ffff:192.0.2.1"), Errand::Guest, start).is_err(), "the same, written longer");
        assert!(visitors.admit(address("192.0.2.1"), Errand::Proof, start).is_ok());
        assert!(visitors.admit(address("192.0.2.2"), Errand::Guest, start).is_ok());
        let later = start + Duration::from_secs(20);
        assert!(visitors.admit(address("192.0.2.1"), Errand::Guest, later).is_ok(), "a third of a minute gives one");
        assert!(visitors.admit(address("192.0.2.1"), Errand::Guest, later).is_err());
    }

    #[test]
    fn a_network_of_the_new_protocol_is_one_visitor() {
        let (visitors, start) = (Visitors::new(SHARES), Instant::now());
        for host in 1..=3 {
            assert!(visitors.admit(address(&format!("2001:db8:1:2::{host}")), Errand::Guest, start).is_ok());
        }
        assert!(visitors.admit(address("2001:db8:1:2:ffff::9"), Errand::Guest, start).is_err());
        assert!(visitors.admit(address("2001:db8:1:3::1"), Errand::Guest, start).is_ok());
    }

    #[test]
    fn memory_is_bounded_whoever_comes() {
        let (visitors, start) = (Visitors::new(SHARES), Instant::now());
        for n in 0..ADDRESSES as u32 + 1_000 {
            let _ = visitors.admit(Some(IpAddr::from(n.to_be_bytes())), Errand::Guest, start);
        }
        assert!(visitors.book.lock().unwrap().rest.len() <= ADDRESSES + 1);
        let tomorrow = start + DAY;
        assert!(visitors.admit(address("192.0.2.1"), Errand::Guest, tomorrow).is_ok());
        assert_eq!(visitors.book.lock().unwrap().rest.len(), 1);
    }
}

//! What somebody holds at a time: connections, lines of live news, exports that are written. A bound for each, so that
//! one address cannot take what is there for all. No address is stored: it is counted under a random key while it lasts.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hash};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How many of one kind each may hold. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Presence {
    most: u32,
    key: RandomState,
    held: Arc<Mutex<HashMap<u64, u32>>>,
}

/// One that is held, until it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    presence: Presence,
    who: u64,
}

impl Presence {
    /// So many for each.
    pub fn new(most: u32) -> Presence {
        Presence { most, key: RandomState::new(), held: Arc::default() }
    }

    /// One more for this person or address; `None` where they hold all that they may. Who is bounded by what is held at
    /// all, so this needs no bound of its own.
    pub fn enter(&self, who: impl Hash) -> Option<Place> {
        let who = self.key.hash_one(who);
        let mut book = self.book();
        let held = book.entry(who).or_default();
        if *held >= self.most {
            if *held == 0 {
                book.remove(&who);
            }
            return None;
        }
        *held += 1;
        Some(Place { presence: self.clone(), who })
    }

    fn book(&self) -> MutexGuard<'_, HashMap<u64, u32>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut book = self.presence.book();
        match book.get_mut(&self.who) {
            Some(held) if *held > 1 => *held -= 1,
            _ => drop(book.remove(&self.who)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_holds_their_share_and_gets_it_back() {
        let presence = Presence::new(2);
        let held = [presence.enter("a"), presence.enter("a"), presence.enter("b")];
        assert!(held.iter().all(Option::is_some) && presence.enter("a").is_none());
        drop(held);
        assert!(presence.enter("a").is_some());
        assert!(presence.book().is_empty(), "nobody is remembered");
        assert!(Presence::new(0).enter("a").is_none());
    }
}

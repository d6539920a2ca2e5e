//! Who was refused: told in the log, and counted for `/metrics`. A person is a number there, as in the audit log; no name,
//! no address, and nothing of what was sent.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering::Relaxed};

use actix_web::dev::ServiceResponse;
use actix_web::{HttpMessage, HttpRequest};

use crate::domain::access::Viewer;
use crate::http::error::Error;

/// A page of another site acted in somebody's name.
pub(crate) const FOREIGN: &str = "foreign_origin";
/// There is such a campaign, but not for this person, who is told that there is none.
const HIDDEN: &str = "hidden";

/// What is counted: codes of problem documents, and the two above.
const KINDS: [&str; 11] = [
    "unauthorized",
    "session_expired",
    "wrong_credentials",
    "second_factor_required",
    "wrong_second_factor",
    "too_many_attempts",
    "forbidden",
    "excluded",
    "practice_required",
    FOREIGN,
    HIDDEN,
];

static COUNTS: [AtomicU64; KINDS.len()] = [const { AtomicU64::new(0) }; KINDS.len()];

/// How often each was refused since the process began.
pub(crate) fn counts() -> impl Iterator<Item = (&'static str, u64)> {
    KINDS.iter().zip(&COUNTS).map(|(kind, count)| (*kind, count.load(Relaxed)))
}

/// What the gate found out about a request while it was answered.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    person: AtomicI64,
    hidden: AtomicBool,
}

impl Seen {
    /// Where to write it down for this request.
    pub fn of(request: &HttpRequest) -> Arc<Seen> {
        let mut notes = request.extensions_mut();
        if let Some(seen) = notes.get::<Arc<Seen>>() {
            return seen.clone();
        }
        let seen = Arc::<Seen>::default();
        notes.insert(seen.clone());
        seen
    }

    /// Who asks.
    pub fn note(&self, viewer: &Viewer) {
        self.person.store(viewer.volunteer_id().unwrap_or_default(), Relaxed);
    }

    /// A campaign was kept from them.
    pub fn note_hidden(&self) {
        self.hidden.store(true, Relaxed);
    }
}

/// Looks at an answer: if it refuses somebody what they have no right to, that is an event of its own.
pub(crate) fn note(reply: &ServiceResponse<impl Sized>, request: &str, route: &str, foreign: bool) {
    let seen = reply.request().extensions().get::<Arc<Seen>>().cloned().unwrap_or_default();
    let code = reply.response().error().and_then(|error| error.as_error::<Error>()).map(Error::code);
    let kind = match code {
        _ if foreign => FOREIGN,
        Some("not_found") if seen.hidden.load(Relaxed) => HIDDEN,
        Some(code) => code,
        None => return,
    };
    let Some(place) = KINDS.iter().position(|known| *known == kind) else { return };
    COUNTS[place].fetch_add(1, Relaxed);
    let (method, person) = (reply.request().method().as_str(), seen.person.load(Relaxed));
    match kind {
        // Every page that is opened asks who sits there, and every browser's sign-in runs out four times an hour.
        "unauthorized" | "session_expired" => tracing::debug!(request, method, route, code = kind, "refused"),
        _ if person == 0 => tracing::info!(request, method, route, code = kind, "refused"),
        _ => tracing::info!(request, method, route, code = kind, person, "refused"),
    }
}

//! How long a client may take for what it does: send a head, send a body, read an answer, do nothing. Pure rules over
//! what was seen of a connection; `stream` and `entrance` apply them.

use std::cell::Cell;
use std::time::Duration;

use tokio::time::Instant;

/// The time limits of a connection. actix has the first, but for a connection's first request only, and the last.
#[derive(Debug, Clone, Copy)]
pub struct Deadlines {
    /// From a connection's first byte, or a later request's first byte, to the end of the request's head.
    pub head: Duration,
    /// In each such stretch of time a body or an answer must make progress, see [`Deadlines::LEAST`].
    pub progress: Duration,
    /// How long a connection without a request is kept.
    pub idle: Duration,
}

impl Deadlines {
    /// Bytes in each stretch of [`Deadlines::progress`], unless the body or the answer ends before.
    pub const LEAST: usize = 8 * 1024;
}

impl Default for Deadlines {
    fn default() -> Deadlines {
        let seconds = Duration::from_secs;
        Deadlines { head: seconds(10), progress: seconds(15), idle: seconds(20) }
    }
}

/// actix ends an idle connection by itself, and more politely; we end the ones that it forgets, a moment later.
const POLITE: Duration = Duration::from_secs(1);

/// What a connection is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// A request's head is on its way.
    Head,
    /// A request is answered; the server is the one who takes time, or the body, which has a limit of its own.
    Answering,
    /// Nothing of a next request has come. The last answer may still be on its way out.
    Idle,
}

/// What was seen of one connection: shared by its stream and whoever answers its requests.
#[derive(Debug)]
pub struct Watch {
    phase: Cell<Phase>,
    since: Cell<Instant>,
}

impl Watch {
    /// A new connection: a head is due.
    pub fn new(now: Instant) -> Watch {
        Watch { phase: Cell::new(Phase::Head), since: Cell::new(now) }
    }

    /// Bytes came in.
    pub fn bytes_came(&self, now: Instant) {
        if self.phase.get() == Phase::Idle {
            self.enter(Phase::Head, now);
        }
    }

    /// Bytes of an answer went out.
    pub fn bytes_went(&self, now: Instant) {
        if self.phase.get() == Phase::Idle {
            self.since.set(now);
        }
    }

    /// A head is complete; its request is being answered.
    pub fn request_begins(&self, now: Instant) {
        self.enter(Phase::Answering, now);
    }

    /// The answer is known; its body may still follow.
    pub fn request_ends(&self, now: Instant) {
        self.enter(Phase::Idle, now);
    }

    fn enter(&self, phase: Phase, now: Instant) {
        self.phase.set(phase);
        self.since.set(now);
    }

    /// Until when the client must have sent something more; `None` while it is not its turn.
    pub fn due(&self, deadlines: &Deadlines) -> Option<Instant> {
        match self.phase.get() {
            Phase::Head => Some(self.since.get() + deadlines.head),
            Phase::Idle => Some(self.since.get() + deadlines.idle + POLITE),
            Phase::Answering => None,
        }
    }
}

/// Bytes that must flow: a stretch of time and what flowed in it.
#[derive(Debug, Clone, Copy)]
pub struct Flow {
    start: Instant,
    bytes: usize,
}

impl Flow {
    /// A stretch that begins now.
    pub fn start(now: Instant) -> Flow {
        Flow { start: now, bytes: 0 }
    }

    /// Some bytes flowed.
    pub fn add(&mut self, bytes: usize) {
        self.bytes += bytes;
    }

    /// The end of this stretch.
    pub fn end(&self, deadlines: &Deadlines) -> Instant {
        self.start + deadlines.progress
    }

    /// At the end of a stretch: whether enough flowed, and then the next stretch begins.
    pub fn goes_on(&mut self, now: Instant) -> bool {
        let enough = self.bytes >= Deadlines::LEAST;
        *self = Flow::start(now);
        enough
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(count: u64) -> Duration {
        Duration::from_secs(count)
    }

    fn limits() -> Deadlines {
        Deadlines { head: seconds(10), progress: seconds(15), idle: seconds(20) }
    }

    #[test]
    fn a_head_has_one_deadline_however_many_bytes_drip_in() {
        let start = Instant::now();
        let watch = Watch::new(start);
        for second in 0..9 {
            watch.bytes_came(start + seconds(second));
            assert_eq!(watch.due(&limits()), Some(start + seconds(10)));
        }
    }

    #[test]
    fn the_head_of_a_later_request_has_a_deadline_of_its_own() {
        let start = Instant::now();
        let watch = Watch::new(start);
        watch.request_begins(start);
        assert_eq!(watch.due(&limits()), None, "the server's turn");
        let answered = start + seconds(60);
        watch.request_ends(answered);
        assert_eq!(watch.due(&limits()), Some(answered + limits().idle + POLITE));
        watch.bytes_came(answered + seconds(19));
        watch.bytes_came(answered + seconds(21));
        assert_eq!(watch.due(&limits()), Some(answered + seconds(19) + limits().head));
    }

    #[test]
    fn a_connection_is_not_idle_while_its_answer_flows() {
        let start = Instant::now();
        let watch = Watch::new(start);
        watch.request_begins(start);
        watch.request_ends(start);
        watch.bytes_went(start + seconds(15));
        assert_eq!(watch.due(&limits()), Some(start + seconds(15) + limits().idle + POLITE));
    }

    #[test]
    fn a_trickle_is_no_progress() {
        let now = Instant::now();
        let mut flow = Flow::start(now);
        flow.add(Deadlines::LEAST);
        assert!(flow.goes_on(now));
        flow.add(Deadlines::LEAST - 1);
        assert!(!flow.goes_on(now));
    }
}

//! The entrance, before any route: lets a request in or sends it away at once, times its body, and counts.
//!
//! It stands before actix-web, so that refusing costs a few microseconds: a server at its limit must not spend its time on
//! those whom it cannot serve.

use std::cell::Cell;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use actix_http::error::PayloadError;
use actix_http::{BoxedPayloadStream, Payload, Request, Response};
use actix_service::{IntoServiceFactory, Service, ServiceFactory, apply_fn_factory};
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::ServiceResponse;
use actix_web::{HttpResponse, ResponseError};
use bytes::Bytes;
use futures::Stream;
use tokio::time::Instant as Tick;

use super::admission::{Class, Limits, Load, admits};
use super::deadlines::{Deadlines, Flow, Watch};
use super::stream::Alarm;
use crate::http::error::Error;

const CLASSES: usize = Class::ALL.len();
/// Statuses are counted by their first digit.
const STATUSES: usize = 6;
/// What an answer took is forgotten when none followed for so long.
const RECENT_MS: u64 = 1_000;

/// What all workers share: the limits and what is under way.
pub struct Entrance {
    limits: Limits,
    deadlines: Deadlines,
    start: Instant,
    under_way: [AtomicUsize; CLASSES],
    refused: [AtomicU64; CLASSES],
    answered: [[AtomicU64; STATUSES]; CLASSES],
    /// Microseconds that the last answers took to be stored, smoothed, and when the last one was (ms since the start).
    stored: (AtomicU64, AtomicU64),
}

impl Entrance {
    /// Nobody is in yet.
    pub fn new(limits: Limits, deadlines: Deadlines) -> Entrance {
        Entrance {
            limits,
            deadlines,
            start: Instant::now(),
            under_way: Default::default(),
            refused: Default::default(),
            answered: Default::default(),
            stored: Default::default(),
        }
    }

    /// Requests under way.
    pub fn under_way(&self, class: Class) -> usize {
        self.under_way[class as usize].load(Ordering::Relaxed)
    }

    /// Requests sent away so far.
    pub fn refused(&self, class: Class) -> u64 {
        self.refused[class as usize].load(Ordering::Relaxed)
    }

    /// Requests answered so far with a status of that first digit.
    pub fn answered(&self, class: Class, digit: usize) -> u64 {
        self.answered[class as usize].get(digit).map_or(0, |count| count.load(Ordering::Relaxed))
    }

    fn load(&self) -> Load {
        let now = self.start.elapsed().as_millis() as u64;
        let is_recent = now < self.stored.1.load(Ordering::Relaxed) + RECENT_MS;
        let wait = if is_recent { self.stored.0.load(Ordering::Relaxed) } else { 0 };
        let under_way = std::array::from_fn(|class| self.under_way[class].load(Ordering::Relaxed));
        Load { under_way, wait: Duration::from_micros(wait) }
    }

    fn note_stored(&self, took: Duration) {
        let before = self.stored.0.load(Ordering::Relaxed);
        // A lost update loses one of many samples.
        self.stored.0.store((before * 7 + took.as_micros() as u64) / 8, Ordering::Relaxed);
        self.stored.1.store(self.start.elapsed().as_millis() as u64, Ordering::Relaxed);
    }

    fn note_answer(&self, class: Class, status: u16) {
        if let Some(count) = self.answered[class as usize].get(usize::from(status / 100)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// A ticket for one more request of this class, unless it has to come back later.
    fn admit(self: &Arc<Self>, class: Class) -> Option<Ticket> {
        if admits(&self.limits, &self.load(), class) {
            return Some(Ticket { entrance: self.clone(), class, counted: Cell::new(None) });
        }
        self.refused[class as usize].fetch_add(1, Ordering::Relaxed);
        None
    }
}

/// One request that was let in. It counts as under way once it is complete: a body that drips in takes nobody's place.
struct Ticket {
    entrance: Arc<Entrance>,
    class: Class,
    counted: Cell<Option<Instant>>,
}

impl Ticket {
    fn is_complete(&self) {
        if self.counted.get().is_none() {
            self.counted.set(Some(Instant::now()));
            self.entrance.under_way[self.class as usize].fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let Some(since) = self.counted.get() else { return };
        self.entrance.under_way[self.class as usize].fetch_sub(1, Ordering::Relaxed);
        if self.class == Class::Submit {
            self.entrance.note_stored(since.elapsed());
        }
    }
}

/// Puts the entrance before an application.
pub fn guard<App, Factory, Body>(
    entrance: Arc<Entrance>,
    app: impl IntoServiceFactory<Factory, Request>,
) -> impl ServiceFactory<Request, Config = App, Response = Response<BoxBody>, Error = actix_web::Error, InitError = ()>
where
    Factory: ServiceFactory<
            Request,
            Config = App,
            Response = ServiceResponse<Body>,
            Error = actix_web::Error,
            InitError = (),
        >,
    Body: MessageBody + 'static,
{
    apply_fn_factory(app, move |mut request: Request, app: &Factory::Service| {
        let watch = request.conn_data::<Rc<Watch>>().cloned();
        watch.iter().for_each(|watch| watch.request_begins(Tick::now()));
        let class = Class::of(request.method().as_str(), request.path());
        let entrance = entrance.clone();
        let admitted = entrance.admit(class).map(Rc::new);
        let answer = admitted.map(|ticket| {
            time_body(&mut request, &ticket);
            (app.call(request), ticket)
        });
        async move {
            let response = match answer {
                Some((answer, _ticket)) => answer.await.map(|reply| Response::from(reply).map_into_boxed_body()),
                None => Ok(Response::from(refusal(class))),
            };
            watch.iter().for_each(|watch| watch.request_ends(Tick::now()));
            if let Ok(response) = &response {
                entrance.note_answer(class, response.status().as_u16());
            }
            response
        }
    })
}

fn refusal(class: Class) -> HttpResponse {
    // Whoever can wait is asked to wait longer.
    let seconds = match class {
        Class::Export => 10,
        Class::Dashboard => 5,
        Class::Lease => 2,
        Class::Submit | Class::Image | Class::Health => 1,
    };
    Error::busy(seconds).error_response()
}

/// Gives the body a deadline, and lets the request count once it is complete.
fn time_body(request: &mut Request, ticket: &Rc<Ticket>) {
    // A body that such a request brings is never read, so there is nothing to wait for.
    if matches!(request.method().as_str(), "GET" | "HEAD") {
        ticket.is_complete();
    }
    match request.take_payload() {
        Payload::None => ticket.is_complete(),
        payload => {
            let body = TimedBody {
                payload,
                ticket: ticket.clone(),
                deadlines: ticket.entrance.deadlines,
                flow: Flow::start(Tick::now()),
                alarm: Alarm::default(),
            };
            let payload: BoxedPayloadStream = Box::pin(body);
            *request.payload() = Payload::Stream { payload };
        }
    }
}

/// A request's body that fails where it makes no progress.
struct TimedBody {
    payload: Payload,
    ticket: Rc<Ticket>,
    deadlines: Deadlines,
    flow: Flow,
    alarm: Alarm,
}

impl Stream for TimedBody {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        let chunk = Pin::new(&mut this.payload).poll_next(cx);
        match &chunk {
            Poll::Ready(Some(Ok(bytes))) => this.flow.add(bytes.len()),
            Poll::Ready(_) => this.ticket.is_complete(),
            Poll::Pending => {
                while this.alarm.rings(this.flow.end(&this.deadlines), cx) {
                    if !this.flow.goes_on(Tick::now()) {
                        return Poll::Ready(Some(Err(PayloadError::Io(std::io::ErrorKind::TimedOut.into()))));
                    }
                }
            }
        }
        chunk
    }
}

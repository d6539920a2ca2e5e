//! `/metrics` for Prometheus, on an address of its own: what the process did, in numbers that name nobody.

use std::fmt::Write;

use actix_http::header::{CONTENT_TYPE, HeaderValue};
use actix_http::{Request, Response};
use actix_web::ResponseError;
use actix_web::body::BoxBody;

use super::admission::Class;
use super::entrance::Entrance;
use super::refusals;
use crate::http::error::Error;
use crate::storage::meter::{Histogram, METER};

/// The text format of Prometheus, version 0.0.4.
const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Answers one request at the address for metrics.
pub fn answer(request: &Request, entrance: &Entrance) -> Response<BoxBody> {
    if request.path() != "/metrics" || !request.method().is_safe() {
        return Response::from(Error::not_found("metrics are at /metrics").error_response());
    }
    let mut reply = Response::ok().set_body(BoxBody::new(text(entrance)));
    reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(TEXT));
    reply
}

fn text(entrance: &Entrance) -> String {
    let mut page = Page(String::new());
    let seconds = |ms: i64| ms as f64 / 1_000.0;
    page.one("labels_acknowledged_total", "counter", "Labels answered as stored", METER.labels_acknowledged.get());
    page.one("leases_granted_total", "counter", "Leases given out", METER.leases_granted.get());
    page.one("leases_expired_total", "counter", "Leases taken back", METER.leases_expired.get());
    page.histogram("commit_seconds", "Durable commits", &METER.commits, 1e6);
    page.histogram("commit_transactions", "Transactions that shared a commit", &METER.batches, 1.0);
    page.one("writes_under_way", "gauge", "Writing transactions that wait or work", METER.writes_under_way.get());
    page.one("database_errors_total", "counter", "Times the database was away", METER.database_errors.get());
    page.one(
        "archive_storage_errors_total",
        "counter",
        "Times the storage of archives was away",
        METER.storage_errors.get(),
    );
    page.one("refits_total", "counter", "Models made", METER.refits.get());
    page.one("last_refit_timestamp_seconds", "gauge", "Newest model", seconds(METER.last_refit_at.get()));
    page.one("last_backup_timestamp_seconds", "gauge", "Newest backup", seconds(METER.last_backup_at.get()));
    let by_class =
        |count: &dyn Fn(Class) -> u64| Class::ALL.map(|class| (format!("class=\"{}\"", class.key()), count(class)));
    page.many("requests_refused_total", "counter", "Requests sent away", by_class(&|class| entrance.refused(class)));
    let denied = refusals::counts().map(|(kind, count)| (format!("code=\"{kind}\""), count));
    page.many("requests_denied_total", "counter", "Requests of people without the right to them", denied);
    page.many("requests_under_way", "gauge", "Requests let in", by_class(&|class| entrance.under_way(class) as u64));
    let answered = Class::ALL.iter().flat_map(|class| {
        (2..=5)
            .map(|digit| (format!("class=\"{}\",status=\"{digit}xx\"", class.key()), entrance.answered(*class, digit)))
    });
    page.many("requests_total", "counter", "Requests answered", answered);
    page.0
}

/// The page as it grows.
struct Page(String);

impl Page {
    fn head(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.0, "# HELP aftermap_{name} {help}\n# TYPE aftermap_{name} {kind}");
    }

    fn one(&mut self, name: &str, kind: &str, help: &str, value: impl std::fmt::Display) {
        self.head(name, kind, help);
        let _ = writeln!(self.0, "aftermap_{name} {value}");
    }

    fn many(&mut self, name: &str, kind: &str, help: &str, rows: impl IntoIterator<Item = (String, u64)>) {
        self.head(name, kind, help);
        for (labels, value) in rows {
            let _ = writeln!(self.0, "aftermap_{name}{{{labels}}} {value}");
        }
    }

    /// `units`: so many of the histogram's units are one of the unit in the name.
    fn histogram(&mut self, name: &str, help: &str, histogram: &Histogram, units: f64) {
        self.head(name, "histogram", help);
        let (rows, all, sum) = histogram.read();
        for (bound, count) in rows {
            let _ = writeln!(self.0, "aftermap_{name}_bucket{{le=\"{}\"}} {count}", bound as f64 / units);
        }
        let _ = writeln!(self.0, "aftermap_{name}_bucket{{le=\"+Inf\"}} {all}");
        let _ = writeln!(self.0, "aftermap_{name}_sum {}\naftermap_{name}_count {all}", sum as f64 / units);
    }
}

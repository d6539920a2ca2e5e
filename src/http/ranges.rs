//! Sending a file, or the part of it that a request asks for (RFC 9110, section 14).

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use actix_web::body::SizedStream;
use actix_web::http::StatusCode;
use actix_web::http::header::{ACCEPT_RANGES, CONTENT_RANGE, ETAG, HeaderValue, IF_RANGE, RANGE};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, ResponseError};
use bytes::Bytes;
use futures::Stream;

use super::error::Error;
use crate::http::scenes::images::is_known;

/// Bytes read from the file at a time.
const CHUNK: u64 = 64 * 1024;

/// What is asked for of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    /// All of it.
    Whole,
    /// These bytes.
    Bytes(Range<u64>),
    /// Bytes that it does not have.
    Beyond,
}

/// Of which version of a file a part is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Version {
    /// The one with this tag, of which the client has a part already.
    Tagged(String),
    /// It does not say.
    Any,
}

/// Of which version a part is asked for; `None` where the whole file is.
pub fn version(request: &HttpRequest) -> Option<Version> {
    request.headers().get(RANGE)?;
    let Some(tag) = request.headers().get(IF_RANGE) else { return Some(Version::Any) };
    // A weak tag says nothing about single bytes.
    Some(Version::Tagged(tag.to_str().ok()?.strip_prefix('"')?.strip_suffix('"')?.to_owned()))
}

/// Finishes a reply with the file of this length and tag (quoted), with the part of it that is asked for, or with the word
/// that the client has it already.
pub fn send(
    request: &HttpRequest,
    mut reply: HttpResponseBuilder,
    file: Arc<File>,
    (tag, length): (&str, u64),
) -> HttpResponse {
    reply.insert_header((ETAG, tag)).insert_header((ACCEPT_RANGES, "bytes"));
    if is_known(request, tag) {
        return reply.status(StatusCode::NOT_MODIFIED).finish();
    }
    let bytes = match asked(request, tag, length) {
        Part::Whole => 0..length,
        Part::Bytes(bytes) => {
            let range = format!("bytes {}-{}/{length}", bytes.start, bytes.end - 1);
            reply.status(StatusCode::PARTIAL_CONTENT).insert_header((CONTENT_RANGE, range));
            bytes
        }
        Part::Beyond => {
            let mut refusal = Error::of_status(StatusCode::RANGE_NOT_SATISFIABLE).error_response();
            if let Ok(whole) = HeaderValue::from_str(&format!("bytes */{length}")) {
                refusal.headers_mut().insert(CONTENT_RANGE, whole);
            }
            return refusal;
        }
    };
    reply.body(SizedStream::new(bytes.end - bytes.start, chunks(file, bytes)))
}

/// Some bytes of a file, piece by piece. Read by position: others may be sent the same file.
fn chunks(file: Arc<File>, bytes: Range<u64>) -> impl Stream<Item = io::Result<Bytes>> {
    futures::stream::try_unfold((file, bytes), |(file, bytes)| async move {
        if bytes.is_empty() {
            return Ok(None);
        }
        let end = bytes.end.min(bytes.start + CHUNK);
        let (part, file) = tokio::task::spawn_blocking(move || {
            let mut part = vec![0; (end - bytes.start) as usize];
            file.read_exact_at(&mut part, bytes.start)?;
            Ok::<_, io::Error>((part, file))
        })
        .await
        .map_err(io::Error::other)??;
        Ok(Some((Bytes::from(part), (file, end..bytes.end))))
    })
}

/// Which part of a file with this tag and length is asked for. Several ranges at once, other units and what is no range are
/// answered with all of it, as the standard allows.
fn asked(request: &HttpRequest, tag: &str, length: u64) -> Part {
    let Some(range) = request.headers().get(RANGE).and_then(|range| range.to_str().ok()) else { return Part::Whole };
    let same = request.headers().get(IF_RANGE).is_none_or(|known| known.as_bytes() == tag.as_bytes());
    if !same { Part::Whole } else { part(range, length) }
}

fn part(range: &str, length: u64) -> Part {
    let Some((first, last)) = range.strip_prefix("bytes=").and_then(|range| range.split_once('-')) else {
        return Part::Whole;
    };
    let number = |text: &str| text.trim().parse::<u64>().ok();
    let bytes = match (first.trim(), last.trim()) {
        ("", last) => number(last).map(|last| length.saturating_sub(last)..length),
        (first, "") => number(first).map(|first| first..length),
        (first, last) => match (number(first), number(last)) {
            (Some(first), Some(last)) if first <= last => Some(first..last.saturating_add(1).min(length)),
            _ => None,
        },
    };
    match bytes {
        None => Part::Whole,
        Some(bytes) if bytes.is_empty() => Part::Beyond,
        Some(bytes) => Part::Bytes(bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_read_in_its_three_forms() {
        assert_eq!(part("bytes=0-0", 10), Part::Bytes(0..1));
        assert_eq!(part("bytes=2-", 10), Part::Bytes(2..10));
        assert_eq!(part("bytes=-3", 10), Part::Bytes(7..10));
        assert_eq!(part("bytes=-30", 10), Part::Bytes(0..10));
        assert_eq!(part("bytes=5-99999999999999999999", 10), Part::Whole);
        assert_eq!(part("bytes=5-18446744073709551615", 10), Part::Bytes(5..10));
    }

    #[test]
    fn what_the_file_does_not_have_is_told_and_what_is_no_range_is_all_of_it() {
        for beyond in ["bytes=10-", "bytes=10-12", "bytes=-0"] {
            assert_eq!(part(beyond, 10), Part::Beyond, "{beyond}");
        }
        assert_eq!((part("bytes=0-", 0), part("bytes=-5", 0)), (Part::Beyond, Part::Beyond));
        for nonsense in ["bytes=3-2", "bytes=0-1,4-5", "pages=1-2", "bytes=", "bytes=x-y", "bytes=--1"] {
            assert_eq!(part(nonsense, 10), Part::Whole, "{nonsense}");
        }
    }
}

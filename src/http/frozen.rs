//! Sending a file that never changes: strong ETag, ranges (RFC 9110, section 14), and leave to keep it for good.

use std::fs::File;
use std::io;

use actix_web::body::SizedStream;
use actix_web::http::StatusCode;
use actix_web::http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_RANGE, ETAG, HeaderValue, IF_RANGE, RANGE, VARY,
};
use actix_web::{HttpRequest, HttpResponse, ResponseError};
use bytes::{Bytes, BytesMut};
use futures::Stream;
use tokio::io::{AsyncReadExt, AsyncSeekExt};

use super::error::Error;
use super::images::is_known;

/// Bytes read from the file at a time.
const CHUNK: u64 = 64 * 1024;

/// A file on its way out.
pub struct Frozen {
    /// The file.
    pub file: File,
    /// Its length.
    pub bytes: u64,
    /// SHA-256 of its bytes, hex.
    pub sha256: String,
    /// What it is called in HTTP.
    pub media_type: String,
    /// The name under which browsers keep it.
    pub name: String,
    /// Whether everybody may have it, so that caches between may keep it.
    pub is_public: bool,
}

/// Answers with the file or the part of it that is asked for.
pub fn send(request: &HttpRequest, frozen: Frozen) -> HttpResponse {
    let Frozen { file, bytes, sha256, media_type, name, is_public } = frozen;
    let tag = format!("\"{sha256}\"");
    let mut reply = HttpResponse::Ok();
    let who = if is_public { "public" } else { "private" };
    reply
        .insert_header((ETAG, tag.as_str()))
        .insert_header((ACCEPT_RANGES, "bytes"))
        .insert_header((CACHE_CONTROL, format!("{who}, max-age=31536000, immutable, no-transform")))
        .insert_header((CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")))
        // Ranges are of these very bytes, never of a compressed form.
        .insert_header(("Content-Encoding", "identity"))
        .content_type(media_type);
    if !is_public {
        reply.insert_header((VARY, "Cookie, Authorization"));
    }
    if is_known(request, &tag) {
        return reply.status(StatusCode::NOT_MODIFIED).finish();
    }
    let header = |name| request.headers().get(name).and_then(|value| value.to_str().ok());
    let same = header(IF_RANGE).is_none_or(|wanted| wanted.trim() == tag);
    match header(RANGE).filter(|_| same).map_or(Part::Whole, |range| part(range, bytes)) {
        Part::Whole => reply.body(SizedStream::new(bytes, pieces(file, 0, bytes))),
        Part::From(first, last) => {
            reply.status(StatusCode::PARTIAL_CONTENT);
            reply.insert_header((CONTENT_RANGE, format!("bytes {first}-{last}/{bytes}")));
            let length = last - first + 1;
            reply.body(SizedStream::new(length, pieces(file, first, length)))
        }
        Part::Nothing => {
            let mut refusal = Error::of_status(StatusCode::RANGE_NOT_SATISFIABLE).error_response();
            if let Ok(whole) = HeaderValue::from_str(&format!("bytes */{bytes}")) {
                refusal.headers_mut().insert(CONTENT_RANGE, whole);
            }
            refusal
        }
    }
}

/// What of a file is asked for.
#[derive(Debug, PartialEq, Eq)]
enum Part {
    Whole,
    /// From this byte to that one.
    From(u64, u64),
    /// Nothing that is there.
    Nothing,
}

/// Reads a range. Several ranges at once, and what cannot be read, get the whole file, as the standard allows.
fn part(range: &str, bytes: u64) -> Part {
    let Some((first, last)) = range.trim().strip_prefix("bytes=").and_then(|range| range.split_once('-')) else {
        return Part::Whole;
    };
    let number = |text: &str| text.trim().parse::<u64>();
    match (first.trim(), last.trim()) {
        ("", last) => match number(last) {
            Ok(0) => Part::Nothing,
            Ok(_) if bytes == 0 => Part::Nothing,
            Ok(many) => Part::From(bytes.saturating_sub(many), bytes - 1),
            Err(_) => Part::Whole,
        },
        (first, last) => {
            let Ok(first) = number(first) else { return Part::Whole };
            let last = if last.is_empty() { Ok(u64::MAX) } else { number(last) };
            match last {
                Ok(last) if first > last => Part::Whole,
                Ok(_) if first >= bytes => Part::Nothing,
                Ok(last) => Part::From(first, last.min(bytes - 1)),
                Err(_) => Part::Whole,
            }
        }
    }
}

fn pieces(file: File, from: u64, length: u64) -> impl Stream<Item = io::Result<Bytes>> {
    let start = (tokio::fs::File::from_std(file), Some(from), length);
    futures::stream::try_unfold(start, |(mut file, seek, left)| async move {
        if let Some(from) = seek.filter(|&from| from > 0) {
            file.seek(io::SeekFrom::Start(from)).await?;
        }
        let mut chunk = BytesMut::with_capacity(left.min(CHUNK) as usize);
        if left == 0 || (&mut file).take(left.min(CHUNK)).read_buf(&mut chunk).await? == 0 {
            return Ok(None);
        }
        let left = left - chunk.len() as u64;
        Ok(Some((chunk.freeze(), (file, None, left))))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_read_as_the_standard_says() {
        for (range, expected) in [
            ("bytes=0-9", Part::From(0, 9)),
            ("bytes=5-", Part::From(5, 99)),
            ("bytes=-7", Part::From(93, 99)),
            ("bytes=-700", Part::From(0, 99)),
            ("bytes=90-900", Part::From(90, 99)),
            ("bytes=100-", Part::Nothing),
            ("bytes=-0", Part::Nothing),
            ("bytes=9-5", Part::Whole),
            ("bytes=a-b", Part::Whole),
            ("bytes=0-1,5-6", Part::Whole),
            ("lines=0-1", Part::Whole),
            ("bytes=99999999999999999999-", Part::Whole),
        ] {
            assert_eq!(part(range, 100), expected, "{range}");
        }
        assert_eq!((part("bytes=0-", 0), part("bytes=-5", 0)), (Part::Nothing, Part::Nothing));
    }
}

//! Sending a file that never changes: as any file, and, where everybody may have it, with leave to keep it for good.

use std::fs::File;
use std::sync::Arc;

use actix_web::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, VARY};
use actix_web::{HttpRequest, HttpResponse};

use super::ranges;

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
    let keep = if is_public { "public, max-age=86400, immutable" } else { "private, no-store" };
    reply
        .insert_header((CACHE_CONTROL, format!("{keep}, no-transform")))
        .insert_header((CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")))
        // Ranges are of these very bytes, never of a compressed form.
        .insert_header(("Content-Encoding", "identity"))
        .content_type(media_type);
    if !is_public {
        reply.insert_header((VARY, "Cookie, Authorization"));
    }
    ranges::send(request, reply, Arc::new(file), (&tag, bytes))
}

//! The page itself, embedded in the binary, and the answer for addresses that do not exist.

use actix_web::http::header::{CACHE_CONTROL, ETAG};
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpRequest, HttpResponse};
use rust_embed::{Embed, EmbeddedFile};

use crate::http::error::Error;
use crate::http::scenes::images::is_known;

/// What `make web` builds.
#[derive(Embed)]
#[folder = "web/dist/"]
#[allow_missing = true]
struct Dist;

/// Shown at `/` by a binary that was built without the front end. The API works all the same.
const NOT_BUILT: &str = "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>aftermap</title>\n\
    <h1>Front end not built</h1>\n<p>Run <code>make web</code> and build again. The API is there: \
    <a href=\"/api/v1/openapi.json\">/api/v1/openapi.json</a></p></html>\n";

/// A file of the page, the page itself at `/`, or the news that there is nothing here.
pub async fn page(request: HttpRequest) -> Result<HttpResponse, Error> {
    let path = request.path();
    let file = if path == "/" { "index.html" } else { path.trim_start_matches('/') };
    match Dist::get(file) {
        Some(_) if !matches!(*request.method(), Method::GET | Method::HEAD) => Err(Error::method_not_allowed("GET")),
        Some(content) => Ok(reply(&request, file, content)),
        None if path == "/" && *request.method() == Method::GET => {
            Ok(HttpResponse::NotFound().content_type("text/html; charset=utf-8").body(NOT_BUILT))
        }
        None => Err(Error::not_found(format!("there is nothing at {path}"))),
    }
}

fn reply(request: &HttpRequest, file: &str, content: EmbeddedFile) -> HttpResponse {
    let hash: String = content.metadata.sha256_hash()[..16].iter().map(|byte| format!("{byte:02x}")).collect();
    let tag = format!("W/\"{hash}\"");
    // What the build puts in `assets/` carries a hash in its name: a change is another file.
    let keep = if file.starts_with("assets/") { "public, max-age=31536000, immutable" } else { "no-cache" };
    let mut reply = HttpResponse::Ok();
    reply.insert_header((ETAG, tag.as_str())).insert_header((CACHE_CONTROL, keep));
    if is_known(request, &tag) {
        return reply.status(StatusCode::NOT_MODIFIED).finish();
    }
    let kind = content.metadata.mimetype().to_owned();
    let is_text = kind.starts_with("text/") || kind.ends_with("javascript") || kind.ends_with("xml");
    let charset = if is_text { "; charset=utf-8" } else { "" };
    reply.content_type(format!("{kind}{charset}")).body(content.data.into_owned())
}

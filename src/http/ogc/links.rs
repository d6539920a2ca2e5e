//! Where this server is, the links of a document, and whether somebody wants HTML or JSON.

use actix_web::HttpRequest;
use actix_web::http::header::ACCEPT;
use serde_json::{Value, json};

use crate::domain::Invalid;
pub use crate::http::base::Base;
use crate::http::error::Error;

/// JSON.
pub const JSON: &str = "application/json";
/// GeoJSON.
pub const GEOJSON: &str = "application/geo+json";
/// A JSON Schema.
pub const SCHEMA: &str = "application/schema+json";
/// HTML.
pub const HTML: &str = "text/html";
/// An OpenAPI 3.0 document, as the standard calls it.
pub const OPENAPI: &str = "application/vnd.oai.openapi+json;version=3.0";

impl Base {
    /// A link to a path below `/ogc`; `""` is the start.
    pub fn link(&self, path: &str, rel: &str, kind: &str, title: &str) -> Value {
        json!({"href": self.href(path), "rel": rel, "type": kind, "title": title})
    }

    /// The address of a path below `/ogc`.
    pub fn href(&self, path: &str) -> String {
        self.address(&format!("/ogc{path}"))
    }
}

/// How somebody wants a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// For programs.
    Json,
    /// For people.
    Html,
}

impl Format {
    /// By the parameter `f`, else by the header `Accept`: HTML only where it is wanted more than JSON.
    pub fn of(f: Option<&str>, request: &HttpRequest) -> Result<Format, Error> {
        match f {
            Some("json") => Ok(Format::Json),
            Some("html") => Ok(Format::Html),
            Some(other) => {
                Err(Error::bad_parameter(Invalid::new("f", format!("`{other}` is no format here: use json or html"))))
            }
            None => {
                let accept = request.headers().get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
                Ok(Format::wanted(accept))
            }
        }
    }

    fn wanted(accept: &str) -> Format {
        let kinds = [JSON, GEOJSON, "application/vnd.oai.openapi+json"];
        let json = kinds.iter().map(|kind| quality(accept, kind)).fold(0.0, f64::max);
        if quality(accept, HTML) > json { Format::Html } else { Format::Json }
    }
}

/// How much a media type is wanted (RFC 9110, 12.5.1), 0 to 1. What the header names itself counts a little more than
/// what it takes along with `*`, so that a browser gets HTML.
fn quality(accept: &str, kind: &str) -> f64 {
    let mut best = 0.0f64;
    for part in accept.split(',') {
        let mut words = part.split(';').map(str::trim);
        let name = words.next().unwrap_or_default();
        let q: f64 = words.find_map(|word| word.strip_prefix("q=")?.parse().ok()).unwrap_or(1.0);
        let named = name.eq_ignore_ascii_case(kind);
        let main = kind.split('/').next().unwrap_or_default();
        let along = name == "*/*" || name.strip_suffix("/*").is_some_and(|name| name.eq_ignore_ascii_case(main));
        if named || along {
            best = best.max(if named { q } else { q * 0.999 });
        }
    }
    best
}

/// A piece of text as a part of a path or a query (RFC 3986).
pub fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b',' | b':' => out.push(byte.into()),
            byte => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_get_html_and_programs_json() {
        let browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
        assert_eq!(Format::wanted(browser), Format::Html);
        for program in ["", "*/*", "application/geo+json, application/json", "application/json, text/html;q=0.9", "x"] {
            assert_eq!(Format::wanted(program), Format::Json, "{program}");
        }
        assert_eq!(Format::wanted("text/html, */*"), Format::Html);
        assert_eq!(Format::wanted("text/html;q=0.2, application/json;q=0.5"), Format::Json);
    }

    #[test]
    fn what_stands_in_an_address_is_spelled_for_it() {
        assert_eq!(encoded("a b/c?d=é&\"13-5-3\""), "a%20b%2Fc%3Fd%3D%C3%A9%26%2213-5-3%22");
    }
}

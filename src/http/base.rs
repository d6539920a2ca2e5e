//! The address of this server as links in documents name it.

use actix_web::HttpRequest;
use actix_web::http::header::HOST;

use super::gate::App;

/// The address of this server, without a slash at its end.
#[derive(Debug, Clone)]
pub struct Base(String);

impl Base {
    /// What the operator says it is, else the host that the request was sent to; what is no host gives nothing, and
    /// links then begin at the root.
    pub fn of(app: &App, request: &HttpRequest) -> Base {
        if let Some(url) = &app.public_url {
            return Base(url.trim_end_matches('/').to_owned());
        }
        let host = request.headers().get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
        let is_host = |c: char| c.is_ascii_alphanumeric() || ".-_:[]".contains(c);
        let is_plain = !host.is_empty() && host.chars().all(is_host);
        let scheme = if app.origin(request.head()).https { "https" } else { "http" };
        Base(if is_plain { format!("{scheme}://{host}") } else { String::new() })
    }

    /// The host alone, with its port; nothing where it is not known.
    pub fn host(&self) -> &str {
        self.0.split_once("://").map_or("", |(_, host)| host)
    }

    /// The address of a path, which begins with a slash.
    pub fn address(&self, path: &str) -> String {
        format!("{}{path}", self.0)
    }
}

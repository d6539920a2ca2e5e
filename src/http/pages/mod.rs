//! Pages that the server writes by itself: plain HTML in the look of the house, readable without JavaScript.

pub mod docs;
pub mod embed;
pub mod web;

use std::fmt::Write as _;

use actix_web::http::header::{CACHE_CONTROL, ETAG};
use actix_web::{HttpRequest, HttpResponse};
use sha2::{Digest, Sha256};

use crate::http::scenes::images::is_known;

/// The look of these pages: the sizes and colours of the front end, and what little they need beside.
const STYLE: &str = concat!(include_str!("../../../web/src/design/tokens.css"), include_str!("pages.css"));

/// The style sheet's address.
pub const STYLE_ADDRESS: &str = "/pages.css";

/// One page.
pub struct Page<'a> {
    /// What the browser's tab and the head of the page say; plain text.
    pub title: &'a str,
    /// The way here from the start: addresses and names, plain text.
    pub trail: &'a [(String, String)],
    /// Where the same is for machines.
    pub machine: Option<(&'a str, &'a str)>,
    /// What it says; HTML.
    pub body: String,
}

/// Text as it may stand in HTML, also between quotes.
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// A link to an address of this server.
pub fn link(address: &str, name: &str) -> String {
    format!("<a href=\"{}\" dir=\"auto\">{}</a>", escaped(address), escaped(name))
}

impl Page<'_> {
    /// The page as an answer.
    pub fn reply(self) -> HttpResponse {
        HttpResponse::Ok().content_type("text/html; charset=utf-8").body(self.text())
    }

    fn text(&self) -> String {
        let title = escaped(self.title);
        let mut trail = String::new();
        for (address, name) in self.trail {
            let _ = write!(trail, "<li>{}</li>", link(address, name));
        }
        let machine = self.machine.map(|(address, name)| format!("<p class=\"machine\">{}</p>", link(address, name)));
        format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{title} – aftermap</title>\n\
             <link rel=\"icon\" href=\"/favicon.svg\">\n<link rel=\"stylesheet\" href=\"{STYLE_ADDRESS}\">\n</head>\n<body>\n\
             <a class=\"skip\" href=\"#main\">Skip to the content</a>\n\
             <header><nav aria-label=\"Where you are\"><ol><li><a href=\"/\">aftermap</a></li>{trail}</ol></nav></header>\n\
             <main id=\"main\">\n<h1 dir=\"auto\">{title}</h1>\n{body}{machine}\n</main>\n</body>\n</html>\n",
            body = self.body,
            machine = machine.unwrap_or_default(),
        )
    }
}

/// The style sheet.
pub async fn style(request: HttpRequest) -> HttpResponse {
    let hash: String = Sha256::digest(STYLE).iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    let tag = format!("W/\"{hash}\"");
    if is_known(&request, &tag) {
        return HttpResponse::NotModified().insert_header((ETAG, tag)).finish();
    }
    let mut reply = HttpResponse::Ok();
    reply.insert_header((ETAG, tag)).insert_header((CACHE_CONTROL, "no-cache"));
    reply.content_type("text/css; charset=utf-8").body(STYLE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_never_becomes_html() {
        let title = "<script>alert('x')</script> & \"co\"";
        let page = Page { title, trail: &[("/a\"b".into(), title.into())], machine: None, body: String::new() }.text();
        assert!(!page.contains("<script") && !page.contains("a\"b"));
        assert!(page.contains("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; &amp; &quot;co&quot;"));
    }
}

//! Where programs begin: the landing page, and which parts of the standard are kept.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use serde_json::json;

use super::asked::Asked;
use super::links::{Base, Format, HTML, JSON, OPENAPI};
use crate::http::error::Error;
use crate::http::gate::App;
use crate::http::pages::{Page, link};

/// Requirements classes that are kept; `tests/api/ogc.rs` tries each.
const CLASSES: [&str; 4] = ["core", "geojson", "html", "oas30"];

const ABOUT: &str = "Damage maps made by volunteers who compare satellite images, as OGC API Features: \
    connect QGIS, GDAL, R or any other program that speaks it.";

/// The landing page
pub async fn landing(app: Data<App>, request: HttpRequest) -> Result<HttpResponse, Error> {
    let (base, format) = (Base::of(&app, &request), Asked::format_alone(&request)?);
    if format == Format::Html {
        let body = format!(
            "<p>{ABOUT}</p>\n<ul>\n<li>{}</li>\n<li>{}</li>\n<li>{}</li>\n</ul>\n\
             <p>In QGIS: Layer, Add Layer, Add WFS / OGC API Features Layer, New, and this page's address. Campaigns that \
             are not public need a personal token, made on the page {}.</p>\n",
            link("/ogc/collections", "Collections: tiles, scenes and area of each campaign"),
            link("/ogc/api", "Description of this interface"),
            link("/ogc/conformance", "Which parts of the standard it keeps"),
            link("/#/me", "My account"),
        );
        let machine = Some(("/ogc?f=json", "The same for machines (JSON)"));
        return Ok(Page { title: "Maps for programs", trail: &[], machine, body }.reply());
    }
    Ok(HttpResponse::Ok().content_type(JSON).json(json!({
        "title": "aftermap",
        "description": ABOUT,
        "links": [
            base.link("?f=json", "self", JSON, "This document"),
            base.link("?f=html", "alternate", HTML, "This document for people"),
            base.link("/api?f=json", "service-desc", OPENAPI, "Description of this interface"),
            base.link("/api?f=html", "service-doc", HTML, "Description of this interface for people"),
            base.link("/conformance", "conformance", JSON, "Which parts of the standard are kept"),
            base.link("/collections", "data", JSON, "The collections"),
        ],
    })))
}

/// Which parts of the standard are kept
pub async fn conformance(request: HttpRequest) -> Result<HttpResponse, Error> {
    let format = Asked::format_alone(&request)?;
    let classes = CLASSES.map(|class| format!("http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/{class}"));
    if format == Format::Html {
        let items: String = classes.iter().map(|class| format!("<li><code>{class}</code></li>\n")).collect();
        let body =
            format!("<p>These requirements classes of OGC API Features, part 1, are kept:</p>\n<ul>\n{items}</ul>\n");
        let machine = Some(("/ogc/conformance?f=json", "The same for machines (JSON)"));
        let trail = [("/ogc".into(), "Maps for programs".into())];
        return Ok(Page { title: "Conformance", trail: &trail, machine, body }.reply());
    }
    Ok(HttpResponse::Ok().json(json!({"conformsTo": classes})))
}

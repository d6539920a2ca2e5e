//! The features of a collection, page by page, and one of them.

use std::fmt::Write as _;

use actix_web::http::header::{HeaderName, HeaderValue, LINK, VARY};
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use serde_json::Value;

use super::asked::{Asked, CUTS, MAX_LIMIT};
use super::collections::{Collection, trail};
use super::links::{Base, Format, GEOJSON, HTML, JSON, encoded};
use super::{CRS84, plan};
use crate::domain::consensus::TileState;
use crate::domain::damage_map::Sight;
use crate::domain::layer::Layer;
use crate::domain::volunteer::Role;
use crate::export::{Record, geojson};
use crate::http::error::Error;
use crate::http::gate::{App, CampaignVisit, InCampaign, MapReader};
use crate::http::pages::{Page, escaped, link};
use crate::http::wire::rfc3339;
use crate::services::maps::features::{self, Features};
use crate::services::maps::read_map;

/// Columns on the page of all features; the page of each one shows the others.
const SHOWN: [&str; 14] = [
    "state",
    "class",
    "probability",
    "damaged_probability",
    "date_before",
    "date_after",
    "labels",
    "captured_from",
    "captured_to",
    "sensor",
    "attribution",
    "title",
    "kind",
    "tiles",
];

fn sight(visit: &CampaignVisit) -> Sight {
    match visit.viewer.is_at_least(Role::Researcher, &visit.campaign) {
        true => Sight::Researcher,
        false => Sight::Everybody,
    }
}

/// The features of a collection
pub async fn items(
    app: Data<App>,
    door: InCampaign<MapReader>,
    path: Path<(String, Layer)>,
    request: HttpRequest,
) -> Result<HttpResponse, Error> {
    let (asked, base, layer) = (Asked::of(&request)?, Base::of(&app, &request), path.1);
    let format = Format::of(asked.get("f"), &request)?;
    let words = asked.clone();
    let found = door.read(move |conn, visit| {
        let wanted = match words.wanted(layer, &visit.campaign) {
            Ok(wanted) => wanted,
            Err(refused) => return Ok(Err(refused)),
        };
        let features = features::page(conn, &visit.campaign, layer, &wanted, (sight(visit), visit.now))?;
        let map = read_map::header(conn, &visit.campaign, wanted.cuts)?;
        Ok(Ok((Collection::new(&visit.campaign, map, layer), features, visit.now)))
    });
    let (collection, features, now) = found.await??;
    let pages = Pages { asked: &asked, path: format!("/collections/{}/items", collection.id), features: &features };
    Ok(match format {
        Format::Json => pages.json(&base, now),
        Format::Html => pages.html(&collection),
    })
}

/// One page of features on its way out.
struct Pages<'a> {
    asked: &'a Asked,
    path: String,
    features: &'a Features,
}

impl Pages<'_> {
    fn next(&self, format: &str) -> Option<String> {
        let next = self.features.next.as_deref()?;
        Some(format!("{}{}", self.path, self.asked.with(&[("f", Some(format)), ("after", Some(next))])))
    }

    fn this(&self, format: &str) -> String {
        format!("{}{}", self.path, self.asked.with(&[("f", Some(format))]))
    }

    fn json(&self, base: &Base, now: i64) -> HttpResponse {
        let mut links = vec![
            base.link(&self.this("json"), "self", GEOJSON, "This page"),
            base.link(&self.this("html"), "alternate", HTML, "This page for people"),
        ];
        if let Some(next) = self.next("json") {
            links.push(base.link(&next, "next", GEOJSON, "The next page"));
        }
        let collection = self.path.trim_end_matches("/items");
        links.push(base.link(&format!("{collection}?f=json"), "collection", JSON, "The collection"));
        let Features { columns, records, matched, .. } = self.features;
        let mut text = format!(
            "{{\"type\":\"FeatureCollection\",\"links\":{},\"timeStamp\":\"{}\",\"numberReturned\":{}",
            Value::Array(links.clone()),
            rfc3339(now),
            records.len(),
        );
        if let Some(matched) = matched {
            let _ = write!(text, ",\"numberMatched\":{matched}");
        }
        text.push_str(",\"features\":[");
        for (place, record) in records.iter().enumerate() {
            text.push_str(if place == 0 { "\n" } else { ",\n" });
            text.push_str(&geojson::feature(columns, record, ""));
        }
        text.push_str("\n]}\n");
        reply(&links).body(text)
    }

    /// A form for what is asked most; what else stands in the address is kept.
    fn push_filter(&self, body: &mut String, collection: &Collection) {
        let _ = write!(body, "<form class=\"filter\" action=\"/ogc{}\">", escaped(&self.path));
        for (name, text) in self.asked.others(&["class", "state", "limit", "after", "f"]) {
            let (name, text) = (escaped(name), escaped(text));
            let _ = write!(body, "<input type=\"hidden\" name=\"{name}\" value=\"{text}\">");
        }
        let classes: Vec<&str> = collection.map.scale.classes().iter().map(|class| class.key.as_str()).collect();
        let states: Vec<&str> = TileState::ALL.iter().map(|state| state.key()).collect();
        for (name, label, words) in [("class", "Class", classes), ("state", "State", states)] {
            let chosen = self.asked.get(name);
            let _ = write!(body, "<label>{label}<select name=\"{name}\"><option value=\"\">all</option>");
            for word in words {
                let selected = if chosen == Some(word) { " selected" } else { "" };
                let _ = write!(body, "<option{selected}>{}</option>", escaped(word));
            }
            body.push_str("</select></label>");
        }
        let limit = escaped(self.asked.get("limit").unwrap_or("100"));
        let _ = writeln!(
            body,
            "<label>On a page<input name=\"limit\" type=\"number\" min=\"1\" max=\"{MAX_LIMIT}\" value=\"{limit}\"></label>\
             <input type=\"hidden\" name=\"f\" value=\"html\"><button>Show</button></form>"
        );
    }

    fn html(&self, collection: &Collection) -> HttpResponse {
        let Features { columns, records, matched, .. } = self.features;
        let total = matched.map(|matched| format!(" of {matched}")).unwrap_or_default();
        let mut body = format!("<p>{} features on this page{total}.</p>\n", records.len());
        if collection.layer == Layer::Tiles {
            self.push_filter(&mut body, collection);
        }
        body.push_str(&plan::of(records));
        let places: Vec<usize> =
            SHOWN.iter().filter_map(|name| columns.iter().position(|column| column == name)).collect();
        body.push_str("<div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"Features\">\n<table>\n<thead><tr><th scope=\"col\">id</th>");
        for place in &places {
            let _ = write!(body, "<th scope=\"col\">{}</th>", escaped(&columns[*place]));
        }
        body.push_str("</tr></thead>\n<tbody>\n");
        for record in records {
            let address = format!("/ogc{}/{}?f=html", self.path, encoded(&record.id));
            let _ = write!(body, "<tr><th scope=\"row\">{}</th>", link(&address, &record.id));
            for place in &places {
                let _ = write!(body, "<td dir=\"auto\">{}</td>", escaped(&shortened(record, *place)));
            }
            body.push_str("</tr>\n");
        }
        body.push_str("</tbody>\n</table>\n</div>\n");
        if let Some(next) = self.next("html") {
            let _ = writeln!(
                body,
                "<p class=\"pages\"><a rel=\"next\" href=\"{}\">Next page</a></p>",
                escaped(&format!("/ogc{next}"))
            );
        }
        let json = format!("/ogc{}", self.this("json"));
        let mut trail = trail();
        trail.push((format!("/ogc/collections/{}?f=html", collection.id), collection.id.clone()));
        let machine = Some((json.as_str(), "The same for machines (GeoJSON)"));
        Page { title: &collection.title, trail: &trail, machine, body }.reply()
    }
}

/// A cell as it is shown among others: numbers with four digits.
fn shortened(record: &Record, place: usize) -> String {
    match &record.values[place] {
        crate::export::Value::Number(number) => format!("{number:.4}"),
        value => value.spelled(),
    }
}

/// GeoJSON with its coordinate system, and the links in its head too.
fn reply(links: &[Value]) -> actix_web::HttpResponseBuilder {
    let mut reply = HttpResponse::Ok();
    reply.content_type(GEOJSON).insert_header((VARY, "Accept, Authorization, Cookie"));
    reply.insert_header((HeaderName::from_static("content-crs"), format!("<{CRS84}>")));
    for link in links {
        let (href, rel, kind) = (link["href"].as_str(), link["rel"].as_str(), link["type"].as_str());
        let line = format!(
            "<{}>; rel=\"{}\"; type=\"{}\"",
            href.unwrap_or_default(),
            rel.unwrap_or_default(),
            kind.unwrap_or_default()
        );
        if let Ok(value) = HeaderValue::from_str(&line) {
            reply.append_header((LINK, value));
        }
    }
    reply
}

/// One feature
pub async fn item(
    app: Data<App>,
    door: InCampaign<MapReader>,
    path: Path<(String, Layer, String)>,
    request: HttpRequest,
) -> Result<HttpResponse, Error> {
    let (slug, layer, id) = path.into_inner();
    let (asked, base) = (Asked::of(&request)?, Base::of(&app, &request));
    asked.only(if layer == Layer::Tiles { &["f", CUTS[0], CUTS[1]] } else { &["f"] })?;
    let format = Format::of(asked.get("f"), &request)?;
    let cuts = asked.cuts().map_err(Error::bad_parameter)?;
    let wanted = id.clone();
    let found = door.read(move |conn, visit| {
        let found = features::one(conn, &visit.campaign, layer, &wanted, cuts, (sight(visit), visit.now))?;
        let map = read_map::header(conn, &visit.campaign, cuts)?;
        Ok(found.map(|found| (found, Collection::new(&visit.campaign, map, layer))))
    });
    let unknown = || Error::not_found(format!("there is no feature `{id}` in `{slug}-{layer}`"));
    let ((columns, record), collection) = found.await?.ok_or_else(unknown)?;
    let parent = format!("/collections/{}", collection.id);
    let own = format!("{parent}/items/{}", encoded(&id));
    Ok(match format {
        Format::Json => {
            let links = vec![
                base.link(&format!("{own}{}", asked.with(&[("f", Some("json"))])), "self", GEOJSON, "This feature"),
                base.link(
                    &format!("{own}{}", asked.with(&[("f", Some("html"))])),
                    "alternate",
                    HTML,
                    "This feature for people",
                ),
                base.link(&format!("{parent}?f=json"), "collection", JSON, "The collection"),
            ];
            let more = format!(",\"links\":{}", Value::Array(links.clone()));
            reply(&links).body(geojson::feature(&columns, &record, &more))
        }
        Format::Html => {
            let mut body = plan::of(std::slice::from_ref(&record));
            body.push_str("<dl>");
            for (name, value) in columns.iter().zip(&record.values).filter(|(name, _)| *name != "geometry") {
                let spelled = value.spelled();
                let value = if spelled.is_empty() { "–".to_owned() } else { escaped(&spelled) };
                let name = escaped(name);
                let _ = write!(body, "<dt>{name}</dt><dd dir=\"auto\">{value}</dd>");
            }
            body.push_str("</dl>\n");
            let mut trail = trail();
            trail.push((format!("/ogc{parent}?f=html"), collection.id.clone()));
            trail.push((format!("/ogc{parent}/items?f=html"), "Features".into()));
            let json = format!("/ogc{own}?f=json");
            let machine = Some((json.as_str(), "The same for machines (GeoJSON)"));
            Page { title: &id, trail: &trail, machine, body }.reply()
        }
    })
}

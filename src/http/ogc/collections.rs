//! The collections: tiles, scenes and area of every campaign whose map somebody may see.

use std::fmt::Write as _;

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use serde_json::{Value, json};

use super::asked::Asked;
use super::links::{Base, Format, GEOJSON, HTML, JSON, SCHEMA};
use super::{CRS84, GREGORIAN};
use crate::domain::campaign::Campaign;
use crate::domain::damage_map::{Cuts, DamageMap};
use crate::domain::layer::Layer;
use crate::http::error::Error;
use crate::http::gate::{Anyone, App, By, InCampaign, MapReader};
use crate::http::pages::{Page, escaped, link};
use crate::http::wire::rfc3339;
use crate::services::maps::{features, read_map};
use crate::storage::campaigns;

/// One collection, ready to be told of.
pub struct Collection {
    /// Its name in addresses.
    pub id: String,
    /// Its name for people.
    pub title: String,
    description: String,
    /// What its features are.
    pub layer: Layer,
    /// The map that it shows.
    pub map: DamageMap,
}

impl Collection {
    /// A layer of a campaign.
    pub fn new(campaign: &Campaign, map: DamageMap, layer: Layer) -> Collection {
        let title = if map.title.is_empty() { campaign.slug.clone() } else { map.title.clone() };
        let (what, description) = match layer {
            Layer::Tiles => (
                "damage map",
                "One feature for each tile: damage class, probabilities, dates, agreement. Of a tile that is still open only its state is told.",
            ),
            Layer::Scenes => ("scenes", "The satellite images that were compared, with dates and sources."),
            Layer::Area => ("area", "The area of the campaign, one feature."),
        };
        let synthetic = if map.synthetic { " The imagery was drawn by a program." } else { "" };
        Collection {
            id: format!("{}-{layer}", campaign.slug),
            title: format!("{title} – {what}"),
            description: format!("{description}{synthetic}"),
            layer,

            map,
        }
    }

    fn json(&self, base: &Base) -> Value {
        let path = format!("/collections/{}", self.id);
        let about = |more: &str, rel, kind, title: &str| base.link(&format!("{path}{more}"), rel, kind, title);
        let mut collection = json!({
            "id": self.id,
            "title": self.title,
            "description": self.description,
            "itemType": "feature",
            "crs": [CRS84],
            "extent": self.extent(),
            "attribution": self.map.attributions().join("; "),
            "links": [
                about("?f=json", "self", JSON, "This collection"),
                about("?f=html", "alternate", HTML, "This collection for people"),
                about("/items?f=json", "items", GEOJSON, "Its features"),
                about("/items?f=html", "items", HTML, "Its features for people"),
                about("/schema", "describedby", SCHEMA, "What their properties are"),
            ],
        });
        if self.layer == Layer::Tiles {
            let tiles = base.address(&format!("/api/v1/campaigns/{}/map.json", self.map.campaign));
            let link = json!({"href": tiles, "rel": "related", "type": JSON, "title": "Vector tiles (TileJSON)"});
            collection["links"].as_array_mut().into_iter().for_each(|links| links.push(link.clone()));
        }
        if let Some(licence) = &self.map.licence {
            collection["license"] = json!(licence);
        }
        collection
    }

    fn extent(&self) -> Value {
        let mut extent = json!({});
        if let Some(bounds) = self.map.bounds {
            let [west, south, east, north] = bounds.to_array();
            // Across the date line the standard wants the east smaller than the west.
            let east = if east > 180.0 { east - 360.0 } else { east };
            extent["spatial"] = json!({"bbox": [[west, south, east, north]], "crs": CRS84});
        }
        if !self.map.scenes.is_empty() {
            let (first, last) = features::span(&self.map);
            extent["temporal"] = json!({"interval": [[rfc3339(first), rfc3339(last)]], "trs": GREGORIAN});
        }
        extent
    }

    fn html(&self, properties: &[String]) -> String {
        let address = format!("/ogc/collections/{}/items?f=html", self.id);
        let mut body =
            format!("<p>{}</p>\n<p>{}</p>\n", escaped(&self.description), link(&address, "Look at the features"));
        body.push_str("<dl>");
        let mut row = |name: &str, value: &str| {
            let _ = write!(body, "<dt>{name}</dt><dd dir=\"auto\">{}</dd>", escaped(value));
        };
        row("Name in programs", &self.id);
        if let Some(bounds) = self.map.bounds {
            row("West, south, east, north", &bounds.to_array().map(|degrees| format!("{degrees:.6}")).join(", "));
        }
        if !self.map.scenes.is_empty() {
            let (first, last) = features::span(&self.map);
            row("Images from, to", &format!("{}, {}", rfc3339(first), rfc3339(last)));
        }
        row("Licence", self.map.licence.as_deref().unwrap_or("none given"));
        row("Sources of the images", &self.map.attributions().join("; "));
        body.push_str(
            "</dl>\n<h2>Properties</h2>\n<p>Each is also a filter: its name and a value behind the address.</p>\n<p>",
        );
        let names: Vec<String> = properties.iter().map(|name| format!("<code>{}</code>", escaped(name))).collect();
        body + &names.join(", ") + "</p>\n"
    }
}

/// The way to a collection.
pub fn trail() -> Vec<(String, String)> {
    vec![("/ogc".into(), "Maps for programs".into()), ("/ogc/collections".into(), "Collections".into())]
}

/// All collections that the sender may see, by campaign.
pub async fn visible(by: &By<Anyone>) -> Result<Vec<(Campaign, Vec<Collection>)>, Error> {
    by.read(|conn, visit| {
        let all = campaigns::list(conn)?;
        let seen = all.into_iter().filter(|one| visit.viewer.may_list(one) && visit.viewer.may_see_map(one));
        let mut found = Vec::new();
        for campaign in seen {
            let map = read_map::header(conn, &campaign, Cuts::default())?;
            let layers = Layer::ALL.iter().map(|layer| Collection::new(&campaign, map.clone(), *layer)).collect();
            found.push((campaign, layers));
        }
        Ok(found)
    })
    .await
}

/// The collections
pub async fn collections(app: Data<App>, by: By<Anyone>, request: HttpRequest) -> Result<HttpResponse, Error> {
    let (base, format) = (Base::of(&app, &request), Asked::format_alone(&request)?);
    let campaigns = visible(&by).await?;
    if format == Format::Json {
        let all: Vec<Value> = campaigns.iter().flat_map(|(_, layers)| layers).map(|one| one.json(&base)).collect();
        let links = [
            base.link("/collections?f=json", "self", JSON, "This document"),
            base.link("/collections?f=html", "alternate", HTML, "This document for people"),
        ];
        return Ok(HttpResponse::Ok().json(json!({"links": links, "collections": all})));
    }
    let mut body = String::from("<ul class=\"cards\">\n");
    for (campaign, layers) in &campaigns {
        let title = if campaign.texts.title.is_empty() { &campaign.slug } else { &campaign.texts.title };
        let _ = write!(body, "<li><h2 dir=\"auto\">{}</h2>\n<ul>", escaped(title));
        for one in layers {
            let address = format!("/ogc/collections/{}?f=html", one.id);
            let _ = write!(body, "<li>{}</li>", link(&address, &one.id));
        }
        body.push_str("</ul></li>\n");
    }
    body.push_str("</ul>\n");
    if campaigns.is_empty() {
        body.push_str("<p>There is no map that you may see. Sign in, or wait for the first campaign.</p>\n");
    }
    let trail = [("/ogc".into(), "Maps for programs".into())];
    let machine = Some(("/ogc/collections?f=json", "The same for machines (JSON)"));
    Ok(Page { title: "Collections", trail: &trail, machine, body }.reply())
}

/// One collection
pub async fn collection(
    app: Data<App>,
    door: InCampaign<MapReader>,
    path: Path<(String, Layer)>,
    request: HttpRequest,
) -> Result<HttpResponse, Error> {
    let (base, format, layer) = (Base::of(&app, &request), Asked::format_alone(&request)?, path.1);
    let told = door.read(move |conn, visit| {
        let map = read_map::header(conn, &visit.campaign, Cuts::default())?;
        let properties = features::property_names(layer, &visit.campaign, Cuts::default());
        Ok((Collection::new(&visit.campaign, map, layer), properties))
    });
    let (collection, properties) = told.await?;
    if format == Format::Json {
        return Ok(HttpResponse::Ok().json(collection.json(&base)));
    }
    let json = format!("/ogc/collections/{}?f=json", collection.id);
    let machine = Some((json.as_str(), "The same for machines (JSON)"));
    let body = collection.html(&properties);
    Ok(Page { title: &collection.title, trail: &trail(), machine, body }.reply())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_layer_has_a_word_that_the_routes_know() {
        let words: Vec<&str> = Layer::ALL.iter().map(|layer| layer.key()).collect();
        assert_eq!(words.join("|"), "tiles|scenes|area");
    }
}

//! The description of the collections in OpenAPI 3.0, as the standard wants it: one path for each collection that the
//! sender may see, with its properties as parameters.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use serde_json::{Map, Value, json};

use super::asked::{Asked, CUTS, DEFAULT_LIMIT, MAX_LIMIT, TILE_FILTERS};
use super::collections::visible;
use super::links::{Base, Format, GEOJSON, HTML, JSON, OPENAPI, SCHEMA};
use crate::domain::campaign::Campaign;
use crate::domain::damage_map::Cuts;
use crate::domain::layer::Layer;
use crate::http::error::{Error, PROBLEM_JSON};
use crate::http::gate::{Anyone, App, By};
use crate::http::pages::{Page, docs};
use crate::services::maps::features::property_names;

/// The description
pub async fn api(app: Data<App>, by: By<Anyone>, request: HttpRequest) -> Result<HttpResponse, Error> {
    let (base, format) = (Base::of(&app, &request), Asked::format_alone(&request)?);
    let campaigns = visible(&by).await?;
    let campaigns: Vec<&Campaign> = campaigns.iter().map(|(campaign, _)| campaign).collect();
    let document = document(&base, &campaigns);
    if format == Format::Json {
        return Ok(HttpResponse::Ok().content_type(OPENAPI).body(document.to_string()));
    }
    let mut body =
        String::from("<p>These addresses follow the standard OGC API Features, part 1. All answer to GET.</p>\n");
    docs::push_api(&mut body, &document);
    let trail = [("/ogc".into(), "Maps for programs".into())];
    let machine = Some(("/ogc/api?f=json", "The same for machines (OpenAPI 3.0)"));
    Ok(Page { title: "Description of the interface", trail: &trail, machine, body }.reply())
}

fn document(base: &Base, campaigns: &[&Campaign]) -> Value {
    let mut paths = Map::new();
    let mut add = |path: &str, name: &str, summary: &str, kind: &str, parameters: Value| {
        paths.insert(path.to_owned(), json!({"get": operation(name, summary, kind, parameters)}));
    };
    let f = || json!([reference("f")]);
    add("/", "landing", "Where to begin", JSON, f());
    add("/conformance", "conformance", "Which parts of the standard are kept", JSON, f());
    add("/api", "api", "This description", OPENAPI, f());
    add("/collections", "collections", "All collections", JSON, f());
    for campaign in campaigns {
        for layer in Layer::ALL {
            let (id, name) = (format!("{}-{layer}", campaign.slug), format!("{}_{layer}", campaign.slug));
            let path = format!("/collections/{id}");
            add(&path, &format!("{name}_collection"), &format!("The collection {id}"), JSON, f());
            let about = format!("What the properties of {id} are (JSON Schema)");
            add(&format!("{path}/schema"), &format!("{name}_schema"), &about, SCHEMA, f());
            let items = Value::Array(item_parameters(*layer, campaign));
            add(&format!("{path}/items"), &format!("{name}_items"), &format!("Features of {id}"), GEOJSON, items);
            let mut one = vec![reference("featureId"), reference("f")];
            one.extend(CUTS.iter().filter(|_| *layer == Layer::Tiles).map(|name| reference(name)));
            add(
                &format!("{path}/items/{{featureId}}"),
                &format!("{name}_item"),
                "One feature",
                GEOJSON,
                Value::Array(one),
            );
        }
    }
    json!({
        "openapi": "3.0.3",
        "info": {
            "title": "aftermap: OGC API Features",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Damage maps made by volunteers who compare satellite images.",
        },
        "servers": [{"url": base.href("")}],
        "security": [{}, {"token": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "description": "A personal token with the scope read"}},
            "parameters": parameters(),
            "responses": {"problem": {
                "description": "Refused or failed, with the reason",
                "content": {PROBLEM_JSON: {"schema": {"type": "object", "properties": {
                    "title": {"type": "string"}, "status": {"type": "integer"}, "detail": {"type": "string"},
                }}}},
            }},
        },
    })
}

fn reference(parameter: &str) -> Value {
    json!({"$ref": format!("#/components/parameters/{parameter}")})
}

fn operation(name: &str, summary: &str, kind: &str, parameters: Value) -> Value {
    json!({
        "operationId": name.replace('-', "_"),
        "summary": summary,
        "parameters": parameters,
        "responses": {
            "200": {"description": "The document", "content": {kind: {"schema": {"type": "object"}}, HTML: {"schema": {"type": "string"}}}},
            "default": {"$ref": "#/components/responses/problem"},
        },
    })
}

fn item_parameters(layer: Layer, campaign: &Campaign) -> Vec<Value> {
    let mut all: Vec<Value> = ["limit", "bbox", "datetime", "after", "f"].map(reference).to_vec();
    if layer == Layer::Tiles {
        all.extend(TILE_FILTERS.iter().chain(&CUTS).map(|name| reference(name)));
    }
    let known = |name: &String| layer == Layer::Tiles && TILE_FILTERS.contains(&name.as_str());
    for name in property_names(layer, campaign, Cuts::default()).into_iter().filter(|name| !known(name)) {
        let description = format!("Only features whose {name} is this");
        let schema = json!({"type": "string"});
        all.push(json!({"name": name, "in": "query", "required": false, "description": description,
            "schema": schema, "style": "form", "explode": false}));
    }
    all
}

/// The parameters that several addresses share.
fn parameters() -> Value {
    let query = |name: &str, description: &str, schema: Value| {
        json!({"name": name, "in": "query", "required": false, "description": description,
            "schema": schema, "style": "form", "explode": false})
    };
    let text = |name: &str, description: &str| query(name, description, json!({"type": "string"}));
    let share =
        |name: &str, description: &str| query(name, description, json!({"type": "number", "minimum": 0, "maximum": 1}));
    let numbers = json!({"type": "array", "oneOf": [{"minItems": 4, "maxItems": 4}, {"minItems": 6, "maxItems": 6}], "items": {"type": "number"}});
    let words = json!({"type": "array", "items": {"type": "string"}});
    json!({
        "f": query("f", "json or html; else the header Accept decides", json!({"type": "string", "enum": ["json", "html"]})),
        "limit": query("limit", "Features on a page", json!({"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT})),
        "bbox": query("bbox", "Only features that meet this box: west,south,east,north in degrees; west of east unless it crosses the date line", numbers),
        "datetime": text("datetime", "Only what was going on then: an instant, a day, or two of these with a slash between and .. for an open end. Of tiles: damage that may have happened then; of scenes: images taken then"),
        "after": text("after", "Where a page begins; follow the link next instead of writing it"),
        "area": text("area", "Only tiles whose centre lies in this area: a GeoJSON Polygon or MultiPolygon"),
        "class": query("class", "Only these classes", words.clone()),
        "state": query("state", "Only these states", words),
        "probability_at_least": share("probability_at_least", "Only tiles whose class has at least this probability"),
        "damaged_from": text("damaged_from", "Only damage that may have happened on this day or later"),
        "damaged_to": text("damaged_to", "Only damage that may have happened on this day or earlier"),
        "min_probability": share("min_probability", "Leave the class blank where its probability is below this"),
        "damaged_if": share("damaged_if", "Add a property that says whether the probability of any damage is at least this"),
        "featureId": {"name": "featureId", "in": "path", "required": true, "description": "Id of the feature", "schema": {"type": "string"}},
    })
}

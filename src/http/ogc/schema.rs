//! What the properties of a collection's features are (JSON Schema), so that programs need not guess it from the first
//! few features, where whole columns may still be blank.

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use serde_json::{Map, Value, json};

use super::asked::{Asked, CUTS};
use super::links::{Base, SCHEMA};
use crate::domain::layer::Layer;
use crate::export::Kind;
use crate::http::error::Error;
use crate::http::gate::{App, InCampaign, MapReader};
use crate::services::maps::features::properties;

/// The schema of a collection's features
pub async fn schema(
    app: Data<App>,
    door: InCampaign<MapReader>,
    path: Path<(String, Layer)>,
    request: HttpRequest,
) -> Result<HttpResponse, Error> {
    let (asked, base, layer) = (Asked::of(&request)?, Base::of(&app, &request), path.1);
    asked.only(if layer == Layer::Tiles { &["f", CUTS[0], CUTS[1]] } else { &["f"] })?;
    let cuts = asked.cuts().map_err(Error::bad_parameter)?;
    let found = door.read(move |_, visit| Ok(properties(layer, &visit.campaign, cuts)));
    let fields: Map<String, Value> = found.await?.into_iter().map(|(name, kind)| (name, field(kind))).collect();
    let geometry = json!({"oneOf": [
        {"$ref": "https://geojson.org/schema/Polygon.json"},
        {"$ref": "https://geojson.org/schema/MultiPolygon.json"},
    ]});
    let document = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": base.href(&format!("/collections/{}-{layer}/schema", path.0)),
        "type": "object",
        "required": ["type", "geometry", "properties"],
        "properties": {
            "type": {"type": "string", "enum": ["Feature"]},
            "id": {"type": "string"},
            "geometry": geometry,
            "properties": {"type": "object", "properties": fields},
        },
    });
    Ok(HttpResponse::Ok().content_type(SCHEMA).body(document.to_string()))
}

fn field(kind: Kind) -> Value {
    match kind {
        Kind::Text => json!({"type": "string"}),
        Kind::Int => json!({"type": "integer"}),
        Kind::Number => json!({"type": "number"}),
        Kind::Bool => json!({"type": "boolean"}),
        Kind::Instant => json!({"type": "string", "format": "date-time"}),
        Kind::Day => json!({"type": "string", "format": "date"}),
        Kind::Outline => json!({"$ref": "https://geojson.org/schema/Geometry.json"}),
    }
}

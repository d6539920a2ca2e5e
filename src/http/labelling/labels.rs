//! Labels: each item of a body stands for itself, so that one that cannot be read never holds back the others.

use std::collections::BTreeMap;
use std::sync::Arc;

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;
use uuid::Uuid;

use super::leases::Lease;
use crate::domain::Invalid;
use crate::domain::campaign::Campaign;
use crate::domain::label::{NewLabel, RefusalCode, Window as LabelWindow};
use crate::http::body::Body;
use crate::http::error::Error;
use crate::http::gate::{App, By, Volunteer, volunteer_id};
use crate::services::labelling::submit_label::{ItemResult, Sender, submit_all};
use crate::storage::meter::METER;

/// Most labels in one body.
const MAX_ITEMS: usize = 50;

/// The window in which the damage happened, between two scenes; open where an end is `null`.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// The last scene in which the place stands.
    last_intact: Option<String>,
    /// The first scene in which it is damaged.
    first_damaged: Option<String>,
}

impl From<LabelWindow> for Window {
    fn from(window: LabelWindow) -> Window {
        let id = |scene: i64| scene.to_string();
        Window { last_intact: window.last_intact.map(id), first_damaged: window.first_damaged.map(id) }
    }
}

/// One answer.
#[derive(ToSchema)]
#[allow(dead_code, reason = "the shape in the API's description; `read` takes it apart field by field")]
pub struct LabelItem {
    /// Made by the client: the same id is the same label, however often it is sent.
    #[schema(format = "uuid")]
    id: String,
    lease_id: String,
    /// Key of an answer of the campaign's scale.
    answer: String,
    /// Timeline campaigns only; absent: cannot say.
    window: Option<Window>,
    /// A remark for the coordinator.
    #[schema(max_length = 2000)]
    note: Option<String>,
    /// Ask for the coordinator's attention.
    flagged: Option<bool>,
    /// Time spent on the tile.
    seconds: Option<f64>,
}

/// What became of one answer.
#[derive(Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum LabelResultStatus {
    /// It is the answer for this tile.
    Stored,
    /// It replaces an earlier answer.
    Revised,
    /// Kept, but the tile needed no more.
    Surplus,
    /// Not stored; the client keeps it.
    Refused,
}

/// What became of one answer, with the reason where it was refused.
#[derive(Serialize, ToSchema)]
pub struct LabelResult {
    /// As it was sent.
    id: String,
    status: LabelResultStatus,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<RefusalCode>,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tile_state: Option<&'static str>,
}

/// One result for each item, in the order sent, and as many next leases as labels were stored.
#[derive(Serialize, ToSchema)]
pub struct LabelReceipts {
    results: Vec<LabelResult>,
    leases: Vec<Lease>,
}

/// Hand in labels
#[utoipa::path(post, path = "/api/v1/labels", operation_id = "submit_labels", request_body = Vec<LabelItem>,
    responses((status = 200, body = LabelReceipts)))]
pub async fn submit_labels(
    app: Data<App>,
    by: By<Volunteer>,
    request: HttpRequest,
    body: Body<Vec<Value>>,
) -> Result<HttpResponse, Error> {
    let items = body.0;
    if items.is_empty() || items.len() > MAX_ITEMS {
        return Err(Error::unreadable(format!("send 1 to {MAX_ITEMS} labels at a time, in one list")));
    }
    let mut results: BTreeMap<usize, LabelResult> = BTreeMap::new();
    let (mut readable, mut labels) = (Vec::new(), Vec::new());
    for (place, item) in items.into_iter().enumerate() {
        let id = item.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
        match read(item) {
            Ok(label) => {
                readable.push((place, id));
                labels.push(label);
            }
            Err(invalid) => drop(results.insert(place, unreadable(id, invalid))),
        }
    }
    let (client, seed, labels) = (client(&request), rand::random(), Arc::new(labels));
    let send = |with_tiles: bool| {
        let (client, labels) = (client.clone(), labels.clone());
        by.write(move |conn, visit| {
            let volunteer = volunteer_id(&visit.viewer)?;
            let may_label = |campaign: &Campaign| with_tiles && visit.viewer.may_label(campaign);
            let sender = Sender { volunteer, client: client.as_deref(), may_label: &may_label };
            submit_all(conn, &sender, &labels, seed, visit.now)
        })
    };
    let submission = match send(true).await {
        // Whatever is wrong with the tiles to come, the labels are stored.
        Err(error) if error.is_fault() => send(false).await?,
        sent => sent?,
    };
    let accepted = submission.results.iter().filter(|result| result.outcome.is_ok()).count();
    METER.labels_acknowledged.add(accepted as u64);
    app.events.mark(&submission.campaigns);
    let stored = readable.into_iter().zip(submission.results);
    results.extend(stored.map(|((place, id), result)| (place, LabelResult { id, ..result.into() })));
    let leases = submission.leases.into_iter().map(Lease::from).collect();
    Ok(HttpResponse::Ok().json(LabelReceipts { results: results.into_values().collect(), leases }))
}

/// The program that sends, as it calls itself in `X-Aftermap-Client`; never the browser's own description.
fn client(request: &HttpRequest) -> Option<String> {
    let name = request.headers().get("x-aftermap-client")?.to_str().ok()?;
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '/' | '-' | '_' | ' ');
    (!name.is_empty() && name.len() <= 40 && name.chars().all(plain)).then(|| name.to_owned())
}

/// Takes an item apart; where that fails, the field that is wrong.
fn read(item: Value) -> Result<NewLabel, Invalid> {
    let Value::Object(mut fields) = item else {
        return Err(Invalid::new("", "each label must be a JSON object"));
    };
    let fields = &mut fields;
    let id: String = required(fields, "id")?;
    let id = Uuid::parse_str(&id).map_err(|_| Invalid::new("id", format!("`{id}` is not a UUID")))?;
    let lease_id = number("lease_id", &required::<String>(fields, "lease_id")?)?;
    let answer = required(fields, "answer")?;
    let window = optional::<Window>(fields, "window")?.map(read_window).transpose()?;
    let note = optional(fields, "note")?;
    let flagged = optional(fields, "flagged")?.unwrap_or(false);
    let seconds = optional(fields, "seconds")?;
    if let Some(unknown) = fields.keys().next() {
        return Err(Invalid::new(unknown.as_str(), format!("a label has no field `{unknown}`")));
    }
    Ok(NewLabel { id, lease_id, answer, window, note, flagged, seconds })
}

/// Reads the ids of a window.
pub fn read_window(window: Window) -> Result<LabelWindow, Invalid> {
    let scene = |field: &str, id: Option<String>| id.map(|id| number(field, &id)).transpose();
    Ok(LabelWindow {
        last_intact: scene("window.last_intact", window.last_intact)?,
        first_damaged: scene("window.first_damaged", window.first_damaged)?,
    })
}

fn required<T: DeserializeOwned>(fields: &mut Map<String, Value>, field: &str) -> Result<T, Invalid> {
    optional(fields, field)?.ok_or_else(|| Invalid::new(field, format!("`{field}` is missing")))
}

fn optional<T: DeserializeOwned>(fields: &mut Map<String, Value>, field: &str) -> Result<Option<T>, Invalid> {
    let value = fields.remove(field).unwrap_or(Value::Null);
    serde_json::from_value(value).map_err(|error| Invalid::new(field, error.to_string()))
}

fn number(field: &str, text: &str) -> Result<i64, Invalid> {
    text.parse().map_err(|_| Invalid::new(field, format!("`{text}` is not an id that this server gave out")))
}

fn unreadable(id: String, invalid: Invalid) -> LabelResult {
    LabelResult {
        id,
        status: LabelResultStatus::Refused,
        code: Some(RefusalCode::Invalid),
        field: Some(invalid.field).filter(|field| !field.is_empty()),
        reason: Some(invalid.reason),
        tile_state: None,
    }
}

impl From<ItemResult> for LabelResult {
    fn from(result: ItemResult) -> LabelResult {
        use crate::domain::label::LabelStatus;
        let id = result.id.to_string();
        match result.outcome {
            Ok(accepted) => {
                let status = match accepted.status {
                    LabelStatus::Stored => LabelResultStatus::Stored,
                    LabelStatus::Revised => LabelResultStatus::Revised,
                    LabelStatus::Surplus => LabelResultStatus::Surplus,
                };
                let tile_state = Some(accepted.tile_state.key());
                LabelResult { id, status, code: None, field: None, reason: None, tile_state }
            }
            Err(refusal) => LabelResult {
                id,
                status: LabelResultStatus::Refused,
                code: Some(refusal.code),
                field: refusal.field,
                reason: Some(refusal.reason),
                tile_state: None,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(item: Value) -> String {
        read(item).unwrap_err().to_string()
    }

    #[test]
    fn an_item_that_cannot_be_read_names_the_field() {
        let id = "0190b5c4-7a3e-7c55-8c11-0123456789ab";
        let good = serde_json::json!({"id": id, "lease_id": "7", "answer": "damaged"});
        assert_eq!(read(good.clone()).unwrap().lease_id, 7);
        let with = |field: &str, value: Value| {
            let mut item = good.clone();
            item[field] = value;
            refused(item)
        };
        assert_eq!(with("id", "x".into()), "id: `x` is not a UUID");
        assert_eq!(with("colour", 1.into()), "colour: a label has no field `colour`");
        assert!(with("lease_id", 7.into()).starts_with("lease_id: invalid type: integer `7`"));
        assert!(with("seconds", "long".into()).starts_with("seconds: "));
        assert!(with("window", serde_json::json!({"last_intact": "x"})).starts_with("window.last_intact: `x`"));
        assert_eq!(refused(serde_json::json!({"id": id, "lease_id": "7"})), "answer: `answer` is missing");
        assert_eq!(refused(5.into()), ": each label must be a JSON object");
    }
}

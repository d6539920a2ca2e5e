//! Requests made up from the description of the API: for each operation an address and a body that can be read.

use aftermap::http::Listed;
use serde_json::{Map, Value, json};

const UUID: &str = "0190163d-8694-739b-aea5-966c26f8ad90";

/// The address of a route about this campaign, with something in every place.
pub fn address_of(route: &Listed, slug: &str) -> String {
    let mut address = String::new();
    let mut rest = route.path.as_str();
    while let Some((before, after)) = rest.split_once('{') {
        let (place, after) = after.split_once('}').unwrap();
        address.push_str(before);
        let name = place.split(':').next().unwrap();
        address.push_str(match name {
            "slug" => slug,
            "layer" => "tiles",
            "tile_id" | "feature" => "13-5000-3200",
            "file" if before.ends_with("/audit/") => "audit.csv",
            "file" => "tiles.csv",
            "id" if before.ends_with("/notes/") => UUID,
            _ => "1",
        });
        rest = after;
    }
    address + rest
}

/// A body for the operation, with its type; nothing where none is asked for.
pub fn body_of(route: &Listed, api: &Value) -> (Option<String>, Option<String>) {
    let method = route.method.to_lowercase();
    let operation = &api["paths"][&described(&route.path)][&method];
    let Some(content) = operation["requestBody"]["content"].as_object() else { return (None, None) };
    let (kind, media) = content.iter().next().expect("a body has a type");
    let body = match kind.as_str() {
        "application/json" => example(&media["schema"], api, 0).to_string(),
        _ => "x".to_owned(),
    };
    (Some(kind.clone()), Some(body))
}

/// The path as the description writes it: without the patterns of the router.
fn described(path: &str) -> String {
    let mut described = String::new();
    let mut in_pattern = false;
    for c in path.chars() {
        in_pattern = (in_pattern || c == ':') && c != '}';
        if !in_pattern {
            described.push(c);
        }
    }
    described
}

/// A value that the schema allows: all that is required, nothing else.
fn example(schema: &Value, api: &Value, depth: usize) -> Value {
    assert!(depth < 20, "the schema goes round in circles: {schema}");
    if let Some(name) = schema["$ref"].as_str() {
        let pointed = api.pointer(name.trim_start_matches('#')).unwrap_or_else(|| panic!("no {name}"));
        return example(pointed, api, depth + 1);
    }
    if let Some(given) = schema.get("example") {
        return given.clone();
    }
    if let Some(first) = schema["enum"].as_array().and_then(|all| all.first()) {
        return first.clone();
    }
    for (word, all) in [("oneOf", false), ("anyOf", false), ("allOf", true)] {
        let Some(parts) = schema[word].as_array() else { continue };
        let parts: Vec<Value> = parts.iter().map(|part| example(part, api, depth + 1)).collect();
        return if all { merged(parts) } else { parts.into_iter().find(|part| !part.is_null()).unwrap_or_default() };
    }
    let kind = schema["type"].as_str().or_else(|| schema["type"].as_array()?.first()?.as_str());
    match kind {
        Some("object") => Value::Object(required(schema, api, depth)),
        Some("array") => json!([example(&schema["items"], api, depth + 1)]),
        Some("integer" | "number") => schema.get("minimum").cloned().unwrap_or(json!(1)),
        Some("boolean") => json!(false),
        Some("string") => json!(word(schema["format"].as_str())),
        _ => Value::Null,
    }
}

fn required(schema: &Value, api: &Value, depth: usize) -> Map<String, Value> {
    let names = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let value = |name: &str| match (name, &schema["properties"][name]) {
        (name, plain) if name.ends_with("_id") && plain["format"].is_null() => json!("1"),
        (name, _) if name.ends_with("_ids") => json!(["1"]),
        (_, property) => example(property, api, depth + 1),
    };
    names.map(|name| (name.to_owned(), value(name))).collect()
}

fn merged(parts: Vec<Value>) -> Value {
    let fields = parts.into_iter().filter_map(|part| part.as_object().cloned()).flatten();
    Value::Object(fields.collect())
}

fn word(format: Option<&str>) -> &'static str {
    match format {
        Some("uuid") => UUID,
        Some("date") => "2024-06-01",
        Some("date-time") => "2024-06-01T00:00:00Z",
        _ => "ten letters",
    }
}

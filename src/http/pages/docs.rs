//! A description of an API (OpenAPI 3) as a page that people can read, print and search.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use actix_web::HttpResponse;
use serde_json::Value;

use super::{Page, escaped};
use crate::http::openapi;

/// The documentation of the API
pub async fn api_docs() -> HttpResponse {
    let api: Value = serde_json::from_str(&openapi::document()).unwrap_or_default();
    let mut body = String::from(
        "<p>Everything that the pages of this server do goes through this interface, and scripts may use it alike. \
         Maps for QGIS, GDAL, R and the like are at <a href=\"/ogc\">/ogc</a>. Scripts sign in with a personal token, \
         made on the page <a href=\"/#/me\">My account</a>:</p>\n\
         <pre>curl -H \"Authorization: Bearer aftermap_…\" …</pre>\n",
    );
    push_api(&mut body, &api);
    let machine = Some(("/api/v1/openapi.json", "The same for machines (OpenAPI 3.1)"));
    Page { title: "The API", trail: &[], machine, body }.reply()
}

/// Appends all operations, grouped by what they are about, and all schemas.
pub fn push_api(body: &mut String, api: &Value) {
    let mut groups: BTreeMap<String, Vec<(&str, &str, &Value)>> = BTreeMap::new();
    for (path, methods) in object(&api["paths"]) {
        for (method, operation) in object(methods) {
            groups.entry(group_of(path)).or_default().push((path, method, operation));
        }
    }
    for (group, operations) in &groups {
        let _ = writeln!(body, "<h2>{}</h2>", escaped(group));
        for (path, method, operation) in operations {
            push_operation(body, path, method, operation);
        }
    }
    if object(&api["components"]["schemas"]).next().is_some() {
        body.push_str("<h2>Things that are sent and received</h2>\n");
        for (name, schema) in object(&api["components"]["schemas"]) {
            push_schema(body, name, schema);
        }
    }
}

/// The first words of an address that are no placeholder and no version.
fn group_of(path: &str) -> String {
    let word = |part: &&str| !part.is_empty() && !part.starts_with('{') && !["api", "v1", "ogc"].contains(part);
    let mut words = path.split('/').filter(word);
    words.next().map_or_else(|| "start".to_owned(), str::to_owned)
}

fn object(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    value.as_object().into_iter().flatten().map(|(name, value)| (name.as_str(), value))
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}

fn push_operation(body: &mut String, path: &str, method: &str, operation: &Value) {
    let _ = write!(
        body,
        "<details><summary><span class=\"method\">{}</span> <code>{}</code> {}</summary>\n<div>\n",
        escaped(&method.to_uppercase()),
        escaped(path),
        escaped(text(operation, "summary")),
    );
    push_paragraph(body, text(operation, "description"));
    let parameters: Vec<&Value> = operation["parameters"].as_array().into_iter().flatten().collect();
    if !parameters.is_empty() {
        body.push_str("<h3>Parameters</h3>\n<dl>");
        for parameter in parameters {
            push_parameter(body, parameter);
        }
        body.push_str("</dl>\n");
    }
    for (kind, content) in object(&operation["requestBody"]["content"]) {
        let (kind, shape) = (escaped(kind), shape(&content["schema"]));
        let _ = writeln!(body, "<h3>Body</h3>\n<p><code>{kind}</code>: {shape}</p>");
    }
    body.push_str("<h3>Answers</h3>\n<dl>");
    for (status, response) in object(&operation["responses"]) {
        push_response(body, status, response);
    }
    body.push_str("</dl>\n</div></details>\n");
}

fn push_paragraph(body: &mut String, words: &str) {
    if !words.is_empty() {
        let _ = writeln!(body, "<p>{}</p>", escaped(words));
    }
}

fn push_parameter(body: &mut String, parameter: &Value) {
    if let Some(named) = parameter["$ref"].as_str() {
        let name = named.rsplit('/').next().unwrap_or_default();
        let _ = write!(body, "<dt><code>{}</code></dt><dd>{}</dd>", escaped(name), shape(parameter));
        return;
    }
    let needed = if parameter["required"] == true { "" } else { ", may be left out" };
    let _ = write!(
        body,
        "<dt><code>{}</code></dt><dd>{}{} <span class=\"soft\">(in the {}, {}{needed})</span></dd>",
        escaped(text(parameter, "name")),
        escaped(text(parameter, "description")),
        if text(parameter, "description").is_empty() { "" } else { "." },
        escaped(text(parameter, "in")),
        shape(&parameter["schema"]),
    );
}

fn push_response(body: &mut String, status: &str, response: &Value) {
    let status = if status == "default" { "otherwise" } else { status };
    let kinds: Vec<String> = object(&response["content"])
        .map(|(kind, content)| format!("<code>{}</code> {}", escaped(kind), shape(&content["schema"])))
        .collect();
    let described = escaped(text(response, "description"));
    let _ = write!(body, "<dt>{}</dt><dd>{described} {}</dd>", escaped(status), kinds.join(", "));
}

fn push_schema(body: &mut String, name: &str, schema: &Value) {
    let (id, words) = (escaped(name), escaped(text(schema, "description")));
    let _ = write!(body, "<details id=\"schema-{id}\"><summary><code>{id}</code> {words}</summary>\n<div>");
    let parts: Vec<&Value> = schema["allOf"].as_array().map_or_else(|| vec![schema], |parts| parts.iter().collect());
    for part in parts {
        if part["properties"].is_null() {
            let _ = write!(body, "<p>{}</p>", shape(part));
            continue;
        }
        body.push_str("<dl>");
        for (field, about) in object(&part["properties"]) {
            let described = escaped(text(about, "description"));
            let _ = write!(body, "<dt><code>{}</code></dt><dd>{} {described}</dd>", escaped(field), shape(about));
        }
        body.push_str("</dl>");
    }
    body.push_str("</div></details>\n");
}

/// What a schema admits, in a few words of HTML.
fn shape(schema: &Value) -> String {
    if let Some(named) = schema["$ref"].as_str() {
        let name = escaped(named.rsplit('/').next().unwrap_or_default());
        let is_schema = named.contains("/schemas/");
        return if is_schema { format!("<a href=\"#schema-{name}\">{name}</a>") } else { format!("<em>{name}</em>") };
    }
    for joined in ["oneOf", "anyOf", "allOf"] {
        if let Some(parts) = schema[joined].as_array() {
            return parts.iter().map(shape).collect::<Vec<_>>().join(if joined == "allOf" { " and " } else { " or " });
        }
    }
    if let Some(words) = schema["enum"].as_array() {
        let words = words.iter().map(|word| format!("<code>{}</code>", escaped(word.as_str().unwrap_or("null"))));
        return words.collect::<Vec<_>>().join(" or ");
    }
    if schema["type"] == "array" || !schema["items"].is_null() {
        return format!("list of {}", shape(&schema["items"]));
    }
    let kinds = match &schema["type"] {
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" or "),
        kind => kind.as_str().unwrap_or("anything").to_owned(),
    };
    let format = schema["format"].as_str().map(|format| format!(" ({})", escaped(format))).unwrap_or_default();
    format!("{}{format}", escaped(&kinds))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_description_is_written_out_and_its_text_stays_text() {
        let api = json!({
            "paths": {"/api/v1/things/{id}": {"get": {
                "summary": "One <b>thing</b>",
                "parameters": [{"name": "id", "in": "path", "required": true, "schema": {"type": "string"}}],
                "responses": {"200": {"description": "It", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}}}},
            }}},
            "components": {"schemas": {"Thing": {"properties": {"size": {"type": ["integer", "null"]}}}}},
        });
        let mut body = String::new();
        push_api(&mut body, &api);
        assert!(body.contains("<h2>things</h2>") && body.contains("One &lt;b&gt;thing&lt;/b&gt;"), "{body}");
        assert!(body.contains("href=\"#schema-Thing\"") && body.contains("id=\"schema-Thing\""), "{body}");
        assert!(body.contains("integer or null") && body.contains("(in the path, string)"), "{body}");
    }
}

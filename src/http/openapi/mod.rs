//! The route table as OpenAPI 3.1, made from the rows and from the types of the wire.

mod frames;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::route::{About, Content, Form, Outcome, RateAbout, Route, Shape, Site};
use crate::config::{Limits, Rate};
use crate::wire::{Code, Problem};

const INTRODUCTION: &str = "The API of a blind message relay: every payload is ciphertext that the \
    daemon can't read, and every key that it holds is public. Text is strict JSON in UTF-8 (at most \
    16 levels deep, no member twice, unknown members ignored), binary is standard base64 with \
    padding, ids are lower-case UUIDs of version 4, times are RFC 3339 in UTC. Every path may end \
    with a slash. Every answer carries X-Request-Id; a client's own (at most 64 of A-Z a-z 0-9 . _ -) \
    is kept. Errors are problems (RFC 9457) with a stable code.";

/// The description of `routes` with the limits in force.
pub(super) fn describe<S: Site>(routes: &[Route<S>], limits: &Limits) -> Value {
    let mut schemas = Map::new();
    collect::<Problem>(&mut schemas);
    let mut paths = Map::new();
    let mut tags: Vec<&str> = Vec::new();
    for route in routes {
        for shape in shapes(&route.about) {
            schemas.extend((shape.schemas)());
        }
        if !tags.contains(&route.about.tag) {
            tags.push(route.about.tag);
        }
        let method = route.method.as_str().to_ascii_lowercase();
        let path = paths
            .entry(template(route.path))
            .or_insert_with(|| json!({}));
        path[method] = operation(route, limits);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "privcomm",
            "version": env!("CARGO_PKG_VERSION"),
            "description": INTRODUCTION,
            "license": { "name": env!("CARGO_PKG_LICENSE"), "identifier": env!("CARGO_PKG_LICENSE") },
        },
        "servers": [{ "url": "/" }],
        "tags": tags.iter().map(|tag| json!({ "name": tag })).collect::<Vec<_>>(),
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": { "token": {
                "type": "http",
                "scheme": "bearer",
                "bearerFormat": "JWT",
                "description": "A token of POST /api/v1/auth/token",
            } },
        },
        "x-codes": Code::ALL.iter().copied().map(code).collect::<Vec<_>>(),
    })
}

fn code(code: Code) -> Value {
    json!({ "code": code.as_str(), "status": code.status(), "title": code.title() })
}

fn collect<T: ToSchema>(schemas: &mut Map<String, Value>) {
    schemas.extend((Shape::of::<T>().schemas)());
}

fn shapes(about: &About) -> impl Iterator<Item = Shape> {
    let given = about
        .gives
        .iter()
        .filter_map(|outcome| match outcome.content {
            Content::Json(shape) => Some(shape),
            Content::Empty | Content::Opaque(_) => None,
        });
    about.takes.into_iter().chain(given)
}

fn operation<S: Site>(route: &Route<S>, limits: &Limits) -> Value {
    let about = &route.about;
    let mut operation = json!({
        "tags": [about.tag],
        "summary": about.summary,
        "operationId": operation_id(route.method.as_str(), route.path),
        "responses": responses(about),
    });
    if !about.notes.is_empty() {
        operation["description"] = about.notes.into();
    }
    if !about.parameters.is_empty() {
        operation["parameters"] = parameters(about);
    }
    if let Some(shape) = about.takes {
        operation["requestBody"] = json!({
            "required": true,
            "description": format!("At most {} bytes", about.limit.bytes(limits)),
            "content": { "application/json": { "schema": reference(shape) } },
        });
    }
    if route.needs_token() {
        operation["security"] = json!([{ "token": [] }]);
    }
    if !about.rates.is_empty() {
        let words = |about: &RateAbout| words((about.rate)(limits), about.per);
        let rates = about.rates.iter().map(words);
        operation["x-rate-limits"] = rates.collect();
    }
    if about.frames {
        operation["x-frames"] = frames::frames();
        operation["x-close-codes"] = frames::close_codes();
    }
    operation
}

/// A path as OpenAPI writes it, which has no word for a part with slashes in it.
pub(super) fn template(path: &str) -> String {
    path.replace("{*", "{")
}

/// `GET /api/v1/keys/{target}` is `get_api_v1_keys_target`.
fn operation_id(method: &str, path: &str) -> String {
    let words = path.split(|c: char| !c.is_ascii_alphanumeric());
    let words = words.filter(|word| !word.is_empty());
    let mut id = method.to_ascii_lowercase();
    for word in words {
        id.push('_');
        id.push_str(word);
    }
    id
}

fn words(rate: Rate, per: &str) -> String {
    format!("{} in {} s per {per}", rate.count, rate.period.as_secs())
}

fn parameters(about: &About) -> Value {
    let one = |parameter: &super::route::Parameter| {
        json!({
            "name": parameter.name,
            "in": parameter.place,
            "required": parameter.place == "path",
            "description": parameter.about,
            "schema": form(parameter.form),
        })
    };
    about.parameters.iter().map(one).collect()
}

fn form(form: Form) -> Value {
    match form {
        Form::Text => json!({ "type": "string" }),
        Form::Number => json!({ "type": "integer", "minimum": 0 }),
        Form::Id => json!({ "type": "string", "format": "uuid" }),
    }
}

fn reference(shape: Shape) -> Value {
    json!({ "$ref": format!("#/components/schemas/{}", (shape.name)()) })
}

fn responses(about: &About) -> Value {
    let mut responses = Map::new();
    for (status, codes) in by_status(&about.codes) {
        responses.insert(status.to_string(), problem(&list(&codes)));
    }
    if about.frames {
        let text = "Not the opening of a WebSocket of version 13";
        responses.insert("426".to_owned(), problem(text));
    }
    for outcome in &about.gives {
        responses.insert(outcome.status.to_string(), success(outcome));
    }
    let rest = "Anything else, such as internal, capacity or method_not_allowed";
    responses.insert("default".to_owned(), problem(rest));
    Value::Object(responses)
}

fn by_status(codes: &[Code]) -> BTreeMap<u16, BTreeSet<&'static str>> {
    let mut statuses: BTreeMap<u16, BTreeSet<&'static str>> = BTreeMap::new();
    for code in codes {
        statuses
            .entry(code.status())
            .or_default()
            .insert(code.as_str());
    }
    statuses
}

fn list(words: &BTreeSet<&str>) -> String {
    words.iter().copied().collect::<Vec<_>>().join(", ")
}

fn problem(description: &str) -> Value {
    json!({
        "description": description,
        "content": { "application/problem+json": { "schema": reference(Shape::of::<Problem>()) } },
    })
}

fn success(outcome: &Outcome) -> Value {
    let content = match outcome.content {
        Content::Empty => return json!({ "description": outcome.about }),
        Content::Json(shape) => json!({ "application/json": { "schema": reference(shape) } }),
        Content::Opaque(kind) => json!({ kind: {} }),
    };
    json!({ "description": outcome.about, "content": content })
}

#[cfg(test)]
mod tests;

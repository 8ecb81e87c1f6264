//! `/api/v1/openapi.json`: OpenAPI 3.1, from the handlers; and what is the same for all of them.
//!
//! **Invariant:** what the hub answers is what stands here: statuses, content types, shapes. Test:
//! `the_description_of_the_api_is_kept_by_the_hub`.

#![expect(
    clippy::indexing_slicing,
    reason = "the description is the same in every process, and tests read it"
)]

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde_json::{Map, Value, json};

mod bundle;
mod history;
mod order;
pub(super) mod shapes;

/// The words of the whole.
#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "OrderHub",
        description = "One central record of every order, moved safely between shops, ERP, WMS and TMS. \
                       Errors are RFC 9457 problem documents with a stable `code`.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    tags(
        (name = "orders", description = "Orders, their history and deliveries"),
        (name = "todo", description = "What needs a person"),
        (name = "systems", description = "How systems are doing, and what is done to them by hand"),
        (name = "intake", description = "Documents in")
    )
)]
pub(super) struct Api;

/// The description as it is served.
pub(super) fn document(generated: &utoipa::openapi::OpenApi) -> Bytes {
    // Plain data: it is always written.
    let mut whole = serde_json::to_value(generated).unwrap_or_default();
    let parts = &mut whole["components"];
    parts["schemas"]["Order"] = order::schema();
    parts["schemas"]["Problem"] = problem();
    parts["responses"]["Problem"] = json!({
        "description": "An error; `code` is stable, `detail` says what to do.",
        "headers": { "Retry-After": { "schema": { "type": "integer" } } },
        "content": { "application/problem+json": {
            "schema": { "$ref": "#/components/schemas/Problem" } } },
    });
    parts["securitySchemes"]["token"] = json!({
        "type": "http", "scheme": "bearer",
        "description": "An access token of `orderhub token create`; none is asked for by a hub that has no \
                        tokens in its settings and listens on loopback.",
    });
    whole["security"] = json!([{ "token": [] }]);
    if let Some(paths) = whole["paths"].as_object_mut() {
        for (path, operations) in paths {
            for (method, operation) in operations.as_object_mut().into_iter().flatten() {
                complete(path, method, operation);
            }
        }
    }
    whole.to_string().into()
}

/// Statuses that every call may answer with; the bounds and the door stand before it.
const OF_ALL: [&str; 13] =
    ["400", "401", "403", "404", "408", "413", "414", "421", "429", "431", "500", "503", "504"];
/// Those that writes may answer with besides.
const OF_WRITES: [&str; 2] = ["409", "422"];

fn complete(path: &str, method: &str, operation: &mut Value) {
    let writes = method != "get";
    let intake = path.contains("/intake/");
    let mut statuses = OF_ALL.to_vec();
    if writes {
        statuses.extend(OF_WRITES);
    }
    if operation.get("requestBody").is_some() {
        statuses.push("415");
    }
    if path.contains("/orders/{id}") {
        // A number may be that of several orders.
        statuses.push("300");
    }
    if path.ends_with("/replay") {
        // Its message was kept for its time.
        statuses.push("410");
    }
    if method == "patch" || path.ends_with("/restore") {
        statuses.extend(["412", "428"]);
    }
    for status in statuses {
        if operation["responses"].get(status).is_none() {
            operation["responses"][status] = json!({ "$ref": "#/components/responses/Problem" });
        }
    }
    if writes {
        let (words, schema) = if intake {
            let words = "The id of the message: the same one again is a `duplicate`.";
            (words, json!({ "type": "string" }))
        } else {
            let words =
                "Chosen by you: the same write again under it has the same answer, for a day.";
            (words, json!({ "type": "string", "maxLength": 255, "pattern": "^[!-~]+$" }))
        };
        parameter(operation, "Idempotency-Key", "header", words, schema);
    }
    if method == "get" && (path == "/api/v1/orders" || path == "/orders") {
        for (name, words) in order::states() {
            let schema = json!({ "type": "string", "enum": words });
            parameter(operation, &name, "query", "In this state.", schema);
        }
    }
    words_of_parameters(operation);
}

fn parameter(operation: &mut Value, name: &str, place: &str, words: &str, schema: Value) {
    let one = json!({ "name": name, "in": place, "required": false, "description": words, "schema": schema });
    match operation.get_mut("parameters").and_then(Value::as_array_mut) {
        Some(list) => list.push(one),
        None => operation["parameters"] = json!([one]),
    }
}

/// Parameters whose words the catalogue or the program knows.
fn words_of_parameters(operation: &mut Value) {
    let list = operation.get_mut("parameters").and_then(Value::as_array_mut);
    for parameter in list.into_iter().flatten() {
        let name = parameter["name"].as_str().unwrap_or_default().to_owned();
        if let Some(words) = order::words_of(&name) {
            parameter["schema"] = json!({ "type": "string", "enum": words });
        } else if parameter["in"] == "query" {
            // Absent is not null in a query.
            if let Some(kinds) = parameter["schema"]["type"].as_array() {
                let kind = kinds.iter().find(|kind| **kind != "null").cloned();
                parameter["schema"]["type"] = kind.unwrap_or_default();
            }
        }
    }
}

fn problem() -> Value {
    let mut members = Map::new();
    for (name, words) in [
        ("type", "`urn:orderhub:problem:<code>`"),
        ("title", "The words of the status"),
        ("code", "Stable: for programs"),
        ("detail", "What is wrong and what to do: for people"),
    ] {
        members.insert(name.to_owned(), json!({ "type": "string", "description": words }));
    }
    members.insert("status".to_owned(), json!({ "type": "integer" }));
    json!({
        "type": "object",
        "required": ["type", "title", "status", "code", "detail"],
        "properties": members,
    })
}

/// Serves the description.
pub(super) fn serve(document: &Bytes) -> Response {
    let kind = HeaderValue::from_static("application/json");
    let mut response = document.clone().into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

//! Documents by API: the same path as the queue; one document, or NDJSON of many, an outcome each.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use orderhub_lang::diagnostic::nearest;
use orderhub_order::ids::{OrderKey, SystemName};
use serde_json::{Value, json};

use super::caller::{May, to};
use super::openapi::shapes;
use super::{Api, Problem};
use crate::apply::UnitOutcome;
use crate::bundle::System;
use crate::intake::{Envelope, Pending, headers as kept};
use crate::store::StoreError;

/// Documents of one NDJSON body.
const MOST_DOCUMENTS: usize = 10_000;

/// Takes documents in; answers after their commit.
#[utoipa::path(
    post, path = "/intake/{system}/{document}", tag = "intake",
    params(("system" = String, Path, description = "Name of the system"), ("document" = String, Path, description = "Kind of the document, as the integration's files name it")),
    request_body(content((String = "application/json"), (String = "application/x-ndjson")), description = "One document as the system writes it, or NDJSON of many"),
    responses((status = 200, description = "What became of it", body = shapes::Taken)),
)]
pub(super) async fn take(
    caller: May<to::Intake>,
    State(api): State<Api>,
    Path((system, document)): Path<(SystemName, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    if api.stopping.is_cancelled() {
        return Err(Problem::unavailable("stopping", "the hub is stopping"));
    }
    let bundle = api.intake.bundle();
    let known = bundle.system(&system).filter(|_| caller.scope.hears(Some(&system)));
    let known = known.ok_or_else(|| Problem::not_found("system", system.as_str()))?;
    if bundle.intake(&system, &document).is_none() {
        return Err(unknown_document(known, &document));
    }
    let envelope = envelope(&api, system, &document, &headers);
    if !is_ndjson(&headers) {
        let outcome = api.intake.take(Envelope { body, ..envelope }).await?;
        return Ok(Json(shown(None, &outcome)).into_response());
    }
    let lines = lines(&body);
    if lines.len() > MOST_DOCUMENTS {
        let detail =
            format!("the body has {} documents; send at most {MOST_DOCUMENTS}", lines.len());
        return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_many", detail));
    }
    // All are handed in before the first is waited for: they share commits, in their order. One id for
    // many documents would make all but the first duplicates.
    let intake = api.intake.in_order();
    let mut pending: Vec<Result<Pending, StoreError>> = Vec::with_capacity(lines.len());
    for line in lines {
        // What could not be handed in is not overtaken by those behind it.
        if matches!(pending.last(), Some(Err(_))) {
            pending.push(Err(StoreError::Behind));
            continue;
        }
        let one = Envelope { body: line, message_id: None, ..envelope.clone() };
        pending.push(intake.queue(one).await);
    }
    let (mut items, mut failed) = (Vec::with_capacity(pending.len()), None);
    let mut any = pending.is_empty();
    for (index, pending) in pending.into_iter().enumerate() {
        let stored = match pending {
            Ok(pending) => pending.stored().await,
            Err(error) => Err(error),
        };
        items.push(match stored {
            Ok(outcome) => {
                any = true;
                shown(Some(index), &outcome)
            }
            Err(error) => {
                let item = json!({ "index": index, "outcome": "failed", "why": error.to_string() });
                failed.get_or_insert(error);
                item
            }
        });
    }
    // Who looks at the status alone must not take it for stored.
    if let Some(error) = failed.filter(|_| !any) {
        return Err(error.into());
    }
    Ok((StatusCode::OK, Json(json!({ "items": items }))).into_response())
}

/// Whoever calls can mend the name at once; from a queue or a webhook such a document is stored and
/// skipped, because its sender cannot.
fn unknown_document(system: &System, document: &str) -> Problem {
    let words = system.intakes.iter().flat_map(|intake| intake.words.iter().map(|word| &**word));
    let mut words: Vec<&str> = words.collect();
    words.sort_unstable();
    words.dedup();
    let takes = match words.as_slice() {
        [] => "it takes none".to_owned(),
        words => format!("it takes {}", words.join(", ")),
    };
    let near = nearest(document, words.iter().copied());
    let hint = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
    let detail = format!(
        "no intake of `{}` takes a document `{document}`: {takes}{hint}",
        system.integration
    );
    Problem::new(StatusCode::NOT_FOUND, "unknown_document", detail).with("documents", json!(words))
}

fn envelope(api: &Api, system: SystemName, document: &str, headers: &HeaderMap) -> Envelope {
    let pairs = headers.iter().filter_map(|(k, v)| Some((k.as_str(), v.to_str().ok()?)));
    let id = headers.get("idempotency-key").and_then(|id| id.to_str().ok());
    // An empty one would make all but the first of its callers repeaters.
    let id = id.filter(|id| !id.trim().is_empty());
    Envelope {
        source: Arc::from("api"),
        system,
        document: Arc::from(document),
        message_id: id.map(str::to_owned),
        body: Bytes::new(),
        headers: kept::keep(pairs),
        received: api.clock.now(),
        suspect: false,
    }
}

fn is_ndjson(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    kind.is_some_and(|kind| kind.contains("ndjson") || kind.contains("jsonl"))
}

/// The lines that hold something; they share the body's memory.
fn lines(body: &Bytes) -> Vec<Bytes> {
    let lines = body.split(|byte| *byte == b'\n');
    let filled = lines.filter(|line| line.iter().any(|byte| !byte.is_ascii_whitespace()));
    filled.map(|line| body.slice_ref(line)).collect()
}

fn shown(index: Option<usize>, outcome: &UnitOutcome) -> Value {
    let documents = outcome.documents.iter().map(|document| {
        json!({
            "outcome": document.outcome.as_str(),
            "order": document.order.map(OrderKey::shown),
            "why": document.why,
        })
    });
    let documents: Vec<_> = documents.collect();
    match (index, documents.as_slice()) {
        (None, [one]) => one.clone(),
        (None, _) => json!({ "items": documents }),
        (Some(index), [one]) => {
            let mut one = one.clone();
            if let Some(members) = one.as_object_mut() {
                members.insert("index".to_owned(), Value::from(index));
            }
            one
        }
        (Some(index), _) => json!({ "index": index, "items": documents }),
    }
}

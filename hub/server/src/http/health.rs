//! Alive, ready, and the numbers.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use orderhub_order::fold::TodoKind;
use serde_json::json;

use super::{Api, Problem, resting};
use crate::store::Scope;
use crate::telemetry::metrics::{UNKNOWN, announce, in_use};

/// Longest wait for the store's word on its readiness.
const STORE_WITHIN: Duration = Duration::from_secs(2);

/// The process answers. It never looks at what it depends on.
pub(super) async fn alive() -> Json<serde_json::Value> {
    Json(json!({ "alive": true }))
}

/// Work may be sent here; else 503 with every part's reason. Asks what it depends on, and writes nothing.
pub(super) async fn ready(State(api): State<Api>) -> Response {
    let mut reasons = api.readiness.reasons();
    let store = match tokio::time::timeout(STORE_WITHIN, api.store.ready()).await {
        Ok(Ok(())) => None,
        Ok(Err(error)) => Some(error.to_string()),
        Err(_) => Some(format!("no answer within {STORE_WITHIN:?}")),
    };
    reasons.extend(store.map(|why| ("store".to_owned(), why)));
    if reasons.is_empty() {
        return Json(json!({ "ready": true })).into_response();
    }
    let words: Vec<_> = reasons.iter().map(|(part, why)| format!("{part}: {why}")).collect();
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "not_ready", words.join("; "))
        .with("reasons", json!(reasons))
        .into_response()
}

/// Prometheus text. What is a state rather than an event is read here, at each scrape; the deliverer
/// counts what is its own.
pub(super) async fn metrics(State(api): State<Api>) -> Result<Response, Problem> {
    let Some(handle) = &api.metrics else {
        return Err(Problem::not_found("recorder of metrics in this process", "metrics"));
    };
    let bundle = api.intake.bundle();
    announce(&bundle);
    freshness(&api);
    todos(&api).await?;
    resting::show(&api).await?;
    handle.run_upkeep();
    let text = handle.render() + in_use(&bundle).as_str();
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response())
}

/// How long each system that may speak was silent, as far as this process knows.
fn freshness(api: &Api) {
    let (now, heard) = (api.clock.now(), api.intake.heard());
    let bundle = api.intake.bundle();
    for system in bundle.systems().filter(|system| !system.intakes.is_empty()) {
        let last = heard.get(&system.name).copied().unwrap_or(api.intake.began());
        let silent = now.duration_since(last).as_secs_f64().max(0.0);
        metrics::gauge!("orderhub_source_freshness_seconds", "system" => system.name.to_string())
            .set(silent);
    }
}

/// Open todos per kind and system; a kind that has none any more is set to zero.
async fn todos(api: &Api) -> Result<(), Problem> {
    let bundle = api.intake.bundle();
    let systems = bundle.systems().map(|system| system.name.to_string());
    let systems = systems.chain([UNKNOWN.to_owned()]);
    let mut counts: BTreeMap<(&str, String), u64> = systems
        .flat_map(|system| TodoKind::ALL.map(|kind| ((kind.as_str(), system.clone()), 0)))
        .collect();
    for row in api.store.todo_counts(&Scope::All).await? {
        let named = row.system.filter(|system| bundle.system(system).is_some());
        let system = named.map_or_else(|| UNKNOWN.to_owned(), |system| system.to_string());
        *counts.entry((row.kind.as_str(), system)).or_default() += row.open;
    }
    for ((kind, system), count) in counts {
        #[expect(clippy::cast_precision_loss, reason = "a gauge")]
        metrics::gauge!("orderhub_todo", "kind" => kind, "system" => system).set(count as f64);
    }
    Ok(())
}

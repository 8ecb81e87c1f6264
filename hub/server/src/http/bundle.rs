//! The integration files in use, and those that were refused.

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use super::Api;
use super::caller::{May, to};
use super::openapi::shapes;

/// What decides here what messages mean: each process tells what it uses itself.
#[utoipa::path(
    get, path = "/bundle", tag = "systems",
    responses((status = 200, description = "The integration files in use", body = shapes::InUse)),
)]
pub(super) async fn one(_caller: May<to::ReadSystems>, State(api): State<Api>) -> Json<Value> {
    let hash = api.intake.bundle().hash.to_string();
    let since = api.standing.since().to_string();
    Json(json!({
        "hash": hash,
        "since": since,
        "refused": api.standing.refused(),
        "changing": api.standing.is_changing(),
        "held": api.standing.held(),
        "warnings": api.standing.warnings(),
    }))
}

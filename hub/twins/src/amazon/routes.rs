//! The account's API: tokens of Login with Amazon, orders, confirmations.

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Form, Json, Router};
use serde_json::{Value, json};

use super::Amazon;
use super::plan::{self, Plans};
use super::search::{Asked, Refused};
use crate::frame::lock;
use crate::serve::Wire;

/// How long an access token lives (twin time).
const TOKEN_LIVES: Duration = Duration::from_secs(3_600);
/// Tokens that are remembered.
const MOST_TOKENS: usize = 1_000;

pub(super) fn router(amazon: &Amazon) -> Router {
    Router::new()
        .route("/auth/o2/token", post(token))
        .route("/orders/2026-01-01/orders", get(search))
        .route("/orders/2026-01-01/orders/{id}", get(one))
        .route("/orders/v0/orders/{id}/shipmentConfirmation", post(confirm))
        .route("/", post(super::queue::ask))
        .with_state(amazon.clone())
        .merge(amazon.frame.control())
}

/// A refusal in the vendor's shape.
pub(super) fn failed(status: u16, code: &str, message: &str, details: Option<&str>) -> Response {
    let mut error = json!({ "code": code, "message": message });
    if let Some(details) = details {
        error["details"] = json!(details);
    }
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
    (status, Json(json!({ "errors": [error] }))).into_response()
}

/// A refresh token of any application gets an access token.
async fn token(State(amazon): State<Amazon>, wire: Wire, Form(asked): Form<Asked>) -> Response {
    let frame = amazon.frame.clone();
    let effect = async move {
        let said = |name: &str| asked.get(name).is_some_and(|value| !value.is_empty());
        let whole = ["refresh_token", "client_id", "client_secret"].into_iter().all(said);
        if !whole || asked.get("grant_type").is_none_or(|grant| grant != "refresh_token") {
            let why = json!({ "error": "invalid_request", "error_description": "The request is missing a required parameter" });
            return (StatusCode::BAD_REQUEST, Json(why)).into_response();
        }
        let (clock, mut book) = (&amazon.frame.clock, lock(&amazon.book));
        let now = clock.elapsed();
        book.last += 1;
        let token = format!("Atza|{}", book.last);
        if book.access.len() >= MOST_TOKENS {
            book.access.retain(|_, given| now.saturating_sub(*given) <= TOKEN_LIVES);
        }
        book.access.insert(token.clone(), now);
        // The callers' unit: seconds of ours.
        let lives = clock.real(TOKEN_LIVES).as_secs();
        Json(json!({ "access_token": token, "token_type": "bearer", "expires_in": lives, "refresh_token": asked["refresh_token"] }))
            .into_response()
    };
    frame.run("log_in", &wire, effect).await
}

impl Amazon {
    /// The way of every call with a token: its credential, then its plan, then its effect.
    async fn run(
        self,
        which: usize,
        (wire, headers): (Wire, HeaderMap),
        effect: impl FnOnce(&Amazon) -> Response + Send + 'static,
    ) -> Response {
        let given = headers.get("x-amz-access-token").and_then(|token| token.to_str().ok());
        let age = given.and_then(|token| lock(&self.book).access.get(token).copied());
        let now = self.frame.clock.elapsed();
        let why = match (given, age) {
            (None, _) => Some("Access token is missing in the request header."),
            (Some(_), Some(given)) if now.saturating_sub(given) <= TOKEN_LIVES => None,
            (Some(_), _) => Some("The access token you provided has expired."),
        };
        let (frame, of) = (self.frame.clone(), Plans::operation(which));
        let effect = async move {
            if let Some(why) = why {
                return failed(
                    403,
                    "Unauthorized",
                    "Access to requested resource is denied.",
                    Some(why),
                );
            }
            let (plans, frame) = (self.plans.clone(), self.frame.clone());
            plans.run(&frame, which, async move { effect(&self) }).await
        };
        frame.run(of, &wire, effect).await
    }
}

async fn search(
    State(amazon): State<Amazon>,
    wire: Wire,
    headers: HeaderMap,
    Query(asked): Query<Asked>,
) -> Response {
    let effect = move |amazon: &Amazon| match amazon.search(&asked) {
        Ok(page) => Json(page).into_response(),
        Err(Refused) => failed(400, "InvalidInput", "Invalid Input", Some("Invalid Input")),
    };
    amazon.run(plan::SEARCH, (wire, headers), effect).await
}

async fn one(
    State(amazon): State<Amazon>,
    wire: Wire,
    headers: HeaderMap,
    (Path(id), Query(asked)): (Path<String>, Query<Asked>),
) -> Response {
    let effect = move |amazon: &Amazon| match amazon.one(&id, &asked) {
        Ok(Some(order)) => Json(order).into_response(),
        Ok(None) => failed(404, "NotFound", "The requested resource doesn't exist.", None),
        Err(Refused) => failed(400, "InvalidInput", "Invalid Input", None),
    };
    amazon.run(plan::GET, (wire, headers), effect).await
}

async fn confirm(
    State(amazon): State<Amazon>,
    wire: Wire,
    headers: HeaderMap,
    (Path(id), body): (Path<String>, Bytes),
) -> Response {
    let effect = move |amazon: &Amazon| {
        let asked: Value = serde_json::from_slice(&body).unwrap_or_default();
        match amazon.confirm(&id, &asked) {
            Ok(()) => StatusCode::NO_CONTENT.into_response(),
            Err((status, code, why)) => failed(status, code, &why, None),
        }
    };
    amazon.run(plan::CONFIRM, (wire, headers), effect).await
}

//! Bounds of one call: how large its head and body are, how long they take, how many calls run.
//!
//! At each bound stands a problem document that says what to do. What a client sends before a whole head is
//! there is bounded by [`super::listen`].

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tokio::sync::Semaphore;

use super::{Problem, problem};
use crate::intake::MOST_BYTES;

/// Longest time for one call, webhooks included.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);
/// Longest time for a whole body to arrive: sooner than [`ANSWER_WITHIN`], so that the answer says whose
/// fault it was.
const BODY_WITHIN: Duration = Duration::from_secs(15);
/// Calls served at a time; more are told to come again.
pub(super) const MOST_CALLS: usize = 256;
/// Names and values of all headers together, in bytes.
const MOST_HEAD: usize = 16 << 10;
/// Path and query, in bytes.
const LONGEST_TARGET: usize = 8 << 10;

/// Bounds how many calls run.
pub(super) async fn bounded(
    State(room): State<Arc<Semaphore>>,
    request: Request,
    next: Next,
) -> Response {
    let Ok(_permit) = room.try_acquire() else {
        let detail = format!("{MOST_CALLS} calls are being served; come again");
        let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, "too_many_calls", detail);
        return problem.retry_after(1).into_response();
    };
    timed(request, next).await
}

/// Bounds how long a call may take, and its head.
pub(super) async fn timed(request: Request, next: Next) -> Response {
    if let Some(problem) = head(&request) {
        return problem.into_response();
    }
    match tokio::time::timeout(ANSWER_WITHIN, next.run(request)).await {
        Ok(response) => problem::of_refusal(response).await,
        Err(_) => Problem::unavailable("too_slow", format!("no answer within {ANSWER_WITHIN:?}"))
            .into_response(),
    }
}

fn head(request: &Request) -> Option<Problem> {
    let headers = request.headers().iter();
    let bytes: usize = headers.map(|(name, value)| name.as_str().len() + value.len()).sum();
    if bytes > MOST_HEAD {
        let detail = format!("the headers have {bytes} bytes; send at most {MOST_HEAD}");
        let status = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
        return Some(Problem::new(status, "head_too_large", detail));
    }
    let target = request.uri().path_and_query().map_or(0, |target| target.as_str().len());
    (target > LONGEST_TARGET).then(|| {
        let detail = format!("path and query have {target} bytes; send at most {LONGEST_TARGET}");
        Problem::new(StatusCode::URI_TOO_LONG, "target_too_long", detail)
    })
}

/// Reads the whole body before the call begins, under its bounds.
pub(super) async fn whole_body(request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let too_large = || {
        let detail = format!("the body has more than {MOST_BYTES} bytes; send it in parts");
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", detail).into_response()
    };
    let said = parts.headers.get(header::CONTENT_LENGTH).and_then(|said| said.to_str().ok());
    if said.and_then(|said| said.parse().ok()).is_some_and(|said: usize| said > MOST_BYTES) {
        return too_large();
    }
    match tokio::time::timeout(BODY_WITHIN, to_bytes(body, MOST_BYTES)).await {
        Ok(Ok(body)) => next.run(Request::from_parts(parts, Body::from(body))).await,
        // The limit is the only thing that this reader itself refuses; a caller that broke off hears nothing.
        Ok(Err(_)) => too_large(),
        Err(_) => {
            let detail = format!("the body did not arrive within {BODY_WITHIN:?}; send it again");
            Problem::new(StatusCode::REQUEST_TIMEOUT, "body_too_slow", detail).into_response()
        }
    }
}

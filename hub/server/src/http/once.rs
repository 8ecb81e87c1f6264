//! `Idempotency-Key`: a write that is sent again under its key takes effect once, and has the same answer.
//!
//! The key belongs to its caller. What was answered is kept for a day, refusals too; not what failed here
//! (5xx), so that it can be tried again. The write goes on when its caller hangs up.

use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

use super::{Api, Problem, problem};
use crate::access::Caller;
use crate::store::{AnswerKey, Begun, KeptAnswer};

/// The header.
pub(super) const KEY: &str = "idempotency-key";
/// Says that an answer is one that was given before.
pub(super) const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
/// Longest key, in bytes.
const LONGEST: usize = 255;
/// Largest body of a write by a person, in bytes.
const MOST_BYTES: usize = 1 << 20;
/// Largest answer that is kept, in bytes; those to writes are far below.
const MOST_KEPT: usize = 256 << 10;
/// When to ask again for what is under way.
const AGAIN: Duration = Duration::from_secs(1);

/// Does a write once per key; without a key each time.
pub(super) async fn once(State(api): State<Api>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, MOST_BYTES).await else {
        let detail = format!("the body has more than {MOST_BYTES} bytes; send only what changes");
        return Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", detail).into_response();
    };
    let key = match given(&parts.headers) {
        Ok(key) => key,
        Err(problem) => return problem.into_response(),
    };
    let caller = parts.extensions.get::<Caller>().map(|caller| caller.actor.to_string());
    let Some((key, caller)) = key.zip(caller) else {
        return next.run(Request::from_parts(parts, Body::from(body))).await;
    };
    let mut print = Sha256::new();
    let target = parts.uri.path_and_query().map_or("", |target| target.as_str());
    let seen = parts.headers.get(header::IF_MATCH).map_or(&b""[..], |seen| seen.as_bytes());
    for part in [parts.method.as_str().as_bytes(), target.as_bytes(), seen, &body] {
        print.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        print.update(part);
    }
    let key = AnswerKey { caller, key, print: print.finalize().into() };
    match api.store.begin_answer(key.clone(), api.clock.now()).await {
        Ok(Begun::Yours) => {
            let request = Request::from_parts(parts, Body::from(body));
            // On a task of its own: a caller that hangs up would leave the key without an answer.
            let doing = tokio::spawn(do_and_keep(api, key, request, next));
            doing.await.unwrap_or_else(|error| {
                tracing::error!(%error, "a write ended badly");
                Problem::unavailable("failed", "the write failed; the hub's log says why")
                    .into_response()
            })
        }
        Ok(Begun::Done(answer)) => again(answer),
        Ok(Begun::UnderWay) => {
            let detail =
                "a write with this `Idempotency-Key` is under way; ask again for its answer";
            Problem::new(StatusCode::CONFLICT, "idempotency_key_in_flight", detail)
                .retry_after(AGAIN.as_secs())
                .into_response()
        }
        Ok(Begun::OtherWrite) => {
            let detail = "this `Idempotency-Key` was used for another write (method, path, query, \
                          `If-Match` or body differ); choose a new key for a new write";
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "idempotency_key_reused", detail)
                .into_response()
        }
        Err(error) => Problem::from(error).into_response(),
    }
}

async fn do_and_keep(api: Api, key: AnswerKey, request: Request, next: Next) -> Response {
    let (parts, body) = problem::of_refusal(next.run(request).await).await.into_parts();
    let bytes = to_bytes(body, MOST_KEPT).await;
    let kept = match &bytes {
        Ok(bytes) if !parts.status.is_server_error() => {
            let answer = KeptAnswer { status: parts.status.as_u16(), body: bytes.to_vec() };
            api.store.keep_answer(key, answer).await
        }
        Ok(_) | Err(_) => api.store.drop_answer(key).await,
    };
    if let Err(error) = kept {
        tracing::warn!(%error, "the answer to a write is not kept; its key lapses in a minute");
    }
    Response::from_parts(parts, Body::from(bytes.unwrap_or_default()))
}

fn again(answer: KeptAnswer) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
    let mut response = (status, answer.body).into_response();
    let kind = if status.is_success() { "application/json" } else { problem::KIND };
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    response
}

/// The key of a write, if it brings one.
fn given(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(key) = headers.get(KEY) else { return Ok(None) };
    let text = key.to_str().unwrap_or_default();
    let visible = text.bytes().all(|byte| byte.is_ascii_graphic());
    if text.is_empty() || text.len() > LONGEST || !visible {
        let detail = format!(
            "`Idempotency-Key` is 1 to {LONGEST} visible characters without spaces, chosen by you; a UUID does"
        );
        return Err(Problem::bad_request(detail));
    }
    Ok(Some(text.to_owned()))
}

//! Errors as RFC 9457 problem documents: a stable code, words for the caller, never a cause's inside.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::store::StoreError;

/// The content type of a problem.
pub(super) const KIND: &str = "application/problem+json";

/// An answer that is not a success.
#[derive(Debug)]
pub struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: Box<str>,
    retry_after_s: Option<u64>,
    more: Option<(&'static str, Value)>,
    challenge: Option<&'static str>,
}

impl Problem {
    /// A problem with its stable code and words for the caller.
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self {
            status,
            code,
            detail: detail.into().into_boxed_str(),
            retry_after_s: None,
            more: None,
            challenge: None,
        }
    }

    /// 404 of an order, a system, a todo.
    pub fn not_found(what: &str, word: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", format!("there is no {what} `{word}`"))
    }

    /// 400 with what to write instead.
    pub fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_request", detail)
    }

    /// 503: come again.
    pub fn unavailable(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, code, detail).retry_after(5)
    }

    /// With `Retry-After`.
    #[must_use]
    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after_s = Some(seconds);
        self
    }

    /// With `WWW-Authenticate`.
    #[must_use]
    pub fn challenge(mut self, challenge: &'static str) -> Self {
        self.challenge = Some(challenge);
        self
    }

    /// With one more member.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: Value) -> Self {
        self.more = Some((name, value));
        self
    }
}

/// Longest words of the framework that are repeated, in bytes.
const LONGEST_WORDS: usize = 4_096;

/// Gives the framework's own refusals (a body too large, a query that does not parse) the form of all
/// others.
pub(super) async fn of_refusal(response: Response) -> Response {
    let status = response.status();
    let ours = response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind == KIND);
    if ours || !status.is_client_error() {
        return response;
    }
    let words = axum::body::to_bytes(response.into_body(), LONGEST_WORDS).await.unwrap_or_default();
    let code = match status {
        StatusCode::PAYLOAD_TOO_LARGE => "too_large",
        StatusCode::UNSUPPORTED_MEDIA_TYPE => "unsupported_media_type",
        StatusCode::METHOD_NOT_ALLOWED => "method_not_allowed",
        _ => "bad_request",
    };
    let words = String::from_utf8_lossy(&words);
    let detail = match status {
        // The framework writes `Allow` behind all layers.
        StatusCode::METHOD_NOT_ALLOWED => {
            "this call does not take the method; the header `Allow` has those that it takes"
                .to_owned()
        }
        _ if words.is_empty() => "the call cannot be read".to_owned(),
        _ => words.into_owned(),
    };
    Problem::new(status, code, detail).into_response()
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Deadline(_) => {
                Self::new(StatusCode::GATEWAY_TIMEOUT, "too_slow", error.to_string())
            }
            StoreError::Cursor(_) => Self::bad_request(error.to_string()),
            StoreError::Full => Self::unavailable("store_full", error.to_string()).retry_after(30),
            StoreError::Closed => Self::unavailable("stopping", "the hub is stopping"),
            StoreError::Behind | StoreError::Fenced => {
                Self::unavailable("store_failed", error.to_string())
            }
            StoreError::Failed(_)
            | StoreError::Newer { .. }
            | StoreError::Unreleased
            | StoreError::SearchKey
            | StoreError::Unfinished(_) => {
                tracing::error!(%error, "the store failed");
                Self::unavailable("store_failed", "the store failed; the hub's log says why")
            }
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut body = json!({
            "type": format!("urn:orderhub:problem:{}", self.code),
            "title": self.status.canonical_reason().unwrap_or("error"),
            "status": self.status.as_u16(),
            "code": self.code,
            "detail": self.detail,
        });
        if let (Some((name, value)), Some(members)) = (self.more, body.as_object_mut()) {
            members.insert(name.to_owned(), value);
        }
        let mut response = (self.status, Json(body)).into_response();
        let headers = response.headers_mut();
        let kind = HeaderValue::from_static(KIND);
        headers.insert(header::CONTENT_TYPE, kind);
        if let Some(challenge) = self.challenge {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        if let Some(seconds) = self.retry_after_s {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

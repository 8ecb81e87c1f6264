//! What is told of a call to the API: an id, its span, a line in the log.
//!
//! The route is told, never the path: a path holds numbers of orders, and what people type.

use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use tokio::time::Instant;
use tracing::Instrument as _;

use crate::telemetry::trace::{self, Kind, Place};

/// Names the call in the answer, so that its lines can be found.
const ID: HeaderName = HeaderName::from_static("x-request-id");

/// Gives a call its id, under which all that is logged on its behalf stands, and its place in a trace.
pub(super) async fn observed(mut request: Request, next: Next) -> Response {
    let id = uuid::Uuid::now_v7().simple().to_string();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let route = route.as_ref().map_or("none", MatchedPath::as_str).to_owned();
    let method = request.method().clone();
    let headers = request.headers();
    let parent = Place::of(|name| headers.get(name).and_then(|value| value.to_str().ok()));
    let mut span = trace::begin(Kind::Server, parent.as_ref(), || format!("{method} {route}"));
    span.set("http.request.method", || method.to_string());
    span.set("http.route", || route.clone());
    let place = span.place();
    for (name, value) in place.iter().flat_map(Place::headers) {
        if let Ok(value) = HeaderValue::from_str(&value) {
            request.headers_mut().insert(name, value);
        }
    }
    let trace_id = place.or(parent).map(|place| place.trace_id());
    let around = tracing::info_span!("request", request = id, %method, route, trace_id);
    let began = Instant::now();
    let answer = async move {
        let mut answer = next.run(request).await;
        let took_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        tracing::debug!(status = answer.status().as_u16(), took_ms, "a call was answered");
        if let Ok(id) = HeaderValue::from_str(&id) {
            answer.headers_mut().insert(ID, id);
        }
        answer
    };
    let answer = answer.instrument(around).await;
    let status = answer.status();
    span.set("http.response.status_code", || i64::from(status.as_u16()));
    if status.is_server_error() {
        span.fail("server_error");
    }
    answer
}

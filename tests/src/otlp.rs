//! A receiver of traces, as far as tests ask: OTLP over HTTP, decoded and kept.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use orderhub_twins::serve::{Served, serve_anywhere};
use prost::Message as _;

use crate::wait;

/// A running receiver.
#[derive(Debug)]
pub struct Receiver {
    served: Served,
    kept: Kept,
}

#[derive(Clone, Debug, Default)]
struct Kept(Arc<Mutex<Vec<Span>>>);

impl Receiver {
    /// Starts it on a free port. What comes without `token` as its `authorization` is refused.
    pub async fn start(token: &'static str) -> Self {
        let kept = Kept::default();
        let take = move |State(kept): State<Kept>, headers: HeaderMap, body: Bytes| async move {
            if headers.get("authorization").is_none_or(|given| given != token) {
                return StatusCode::UNAUTHORIZED;
            }
            let Ok(request) = ExportTraceServiceRequest::decode(body) else {
                return StatusCode::BAD_REQUEST;
            };
            let scopes =
                request.resource_spans.into_iter().flat_map(|resource| resource.scope_spans);
            kept.0.lock().unwrap().extend(scopes.flat_map(|scope| scope.spans));
            StatusCode::OK
        };
        let router = Router::new().route("/v1/traces", post(take)).with_state(kept.clone());
        let served = serve_anywhere(router).await.expect("the receiver listens");
        Self { served, kept }
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        self.served.url()
    }

    /// All that came so far.
    pub fn spans(&self) -> Vec<Span> {
        self.kept.0.lock().unwrap().clone()
    }

    /// Waits for a span that fits.
    pub async fn span(&self, what: &str, fits: impl Fn(&Span) -> bool) -> Span {
        wait::until(what, Duration::from_secs(20), || {
            let found = self.spans().into_iter().find(|span| fits(span));
            async move { found }
        })
        .await
    }
}

/// An attribute of a span as text.
pub fn attribute(span: &Span, key: &str) -> Option<String> {
    let found = span.attributes.iter().find(|attribute| attribute.key == key)?;
    match found.value.as_ref()?.value.as_ref()? {
        Value::StringValue(text) => Some(text.clone()),
        Value::IntValue(number) => Some(number.to_string()),
        other => Some(format!("{other:?}")),
    }
}

/// An id as it stands in headers.
pub fn hex(id: &[u8]) -> String {
    id.iter().map(|byte| format!("{byte:02x}")).collect()
}

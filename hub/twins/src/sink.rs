//! A sink: takes one POST per changed order, and remembers which keys, orders and versions came, in the
//! order of their arrival. It is the outside judge of tests that kill the hub, so it must be able to run
//! as a process of its own (the program `twin`) and be cheap: it reads three members of a body.
//!
//! A key that it has seen is *recognised* (`repeated`), as a system does that honours idempotency keys.

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde::Deserialize;
use tokio::net::TcpListener;

use crate::clock::Clock;
use crate::frame::{Frame, key, refused};
use crate::ledger::Effect;
use crate::serve::{Served, Wire, serve};

/// The kind of effect in the ledger.
pub const CHANGED: &str = "order.changed";

/// A sink. Clones are the same one.
#[derive(Clone, Debug)]
pub struct Sink {
    /// What every twin has.
    pub frame: Frame,
}

/// What the sink reads of a body; the rest is the sender's business.
#[derive(Debug, Deserialize)]
struct Changed {
    order: String,
    version: u64,
    #[serde(default)]
    order_no: String,
}

impl Sink {
    /// An empty sink.
    pub fn new(name: &str, clock: Clock) -> Self {
        Self { frame: Frame::new(name, clock, &[]) }
    }

    /// `POST /events`, and the twin's own calls.
    pub fn router(&self) -> Router {
        Router::new()
            .route("/events", post(event))
            .with_state(self.clone())
            .merge(self.frame.control())
    }

    fn take(&self, key: Option<String>, body: &[u8]) -> Response {
        let Ok(changed) = serde_json::from_slice::<Changed>(body) else {
            return refused(StatusCode::BAD_REQUEST, "`order` and `version` are needed");
        };
        let Some(key) = key else {
            return refused(StatusCode::BAD_REQUEST, "the header `Idempotency-Key` is needed");
        };
        let new = self.frame.ledger.wrote_new(Effect {
            kind: CHANGED.to_owned(),
            key: Some(key),
            reference: changed.order,
            subject: changed.order_no,
            version: Some(changed.version),
        });
        if new { StatusCode::ACCEPTED } else { StatusCode::OK }.into_response()
    }
}

async fn event(State(sink): State<Sink>, wire: Wire, headers: HeaderMap, body: Bytes) -> Response {
    let (frame, key) = (sink.frame.clone(), key(&headers));
    frame.run("changed", &wire, async move { sink.take(key, &body) }).await
}

/// Serves a sink on a listener, on a clock that runs like ours.
///
/// # Errors
///
/// The listener has no address.
pub fn serve_sink(listener: TcpListener) -> std::io::Result<Served> {
    let clock = Clock::started_before(1.0, std::time::Duration::ZERO);
    serve(listener, Sink::new("sink", clock).router())
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;
    use axum::http::Request;
    use jiff::Timestamp;
    use tower::ServiceExt;

    async fn post(sink: &Sink, key: &str, body: &'static str) -> StatusCode {
        let request = Request::post("/events").header("idempotency-key", key);
        let request = request.body(Body::from(body)).unwrap();
        sink.router().oneshot(request).await.unwrap().status()
    }

    #[tokio::test(start_paused = true)]
    async fn a_sink_writes_each_key_once_and_judges_the_order_of_versions() {
        let sink = Sink::new("sink", Clock::new(1.0, Timestamp::UNIX_EPOCH));
        let first = r#"{"order":"o_1","version":1,"lines":[]}"#;
        assert_eq!(post(&sink, "a", first).await, StatusCode::ACCEPTED);
        assert_eq!(post(&sink, "a", first).await, StatusCode::OK);
        assert_eq!(post(&sink, "b", r#"{"order":"o_1","version":4}"#).await, StatusCode::ACCEPTED);
        assert_eq!(post(&sink, "c", r#"{"order":"o_1","version":3}"#).await, StatusCode::ACCEPTED);
        let counts = sink.frame.ledger.counts();
        assert_eq!((counts.repeated, counts.doubled, counts.out_of_order), (1, 0, 1));
        assert_eq!(counts.effects[CHANGED], 3);
    }

    #[tokio::test(start_paused = true)]
    async fn what_a_sink_cannot_read_is_refused_and_not_written() {
        let sink = Sink::new("sink", Clock::new(1.0, Timestamp::UNIX_EPOCH));
        assert_eq!(post(&sink, "a", r#"{"order":"o_1"}"#).await, StatusCode::BAD_REQUEST);
        assert!(sink.frame.ledger.entries(0, 10).is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn the_ledger_can_be_asked_for_counts_alone() {
        let sink = Sink::new("sink", Clock::new(60.0, Timestamp::UNIX_EPOCH));
        post(&sink, "a", r#"{"order":"o_1","version":1}"#).await;
        let request = Request::get("/_twin/ledger?limit=0").body(Body::empty()).unwrap();
        let answer = sink.router().oneshot(request).await.unwrap();
        let body = axum::body::to_bytes(answer.into_body(), 1 << 20).await.unwrap();
        let page: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(page["clock"]["speed"], 60.0);
        assert_eq!(page["counts"]["effects"][CHANGED], 1);
        assert_eq!(page["entries"], serde_json::json!([]));
    }
}

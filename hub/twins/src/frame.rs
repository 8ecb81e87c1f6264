//! What every twin has: a name, a clock, a ledger, a script of faults, and a way to tell the hub.

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Json;
use axum::Router;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::clock::{Clock, Shown};
use crate::faults::{Faults, MAX_RULES, Rule};
use crate::ledger::{Counts, Entry, Ledger};
use crate::outbox::Outbox;
use crate::serve::Wire;

/// Entries of a ledger's page, unless asked otherwise, and at most.
const PAGE: (usize, usize) = (1_000, 20_000);

/// What every twin has. Clones are the same twin.
#[derive(Clone, Debug)]
pub struct Frame {
    /// The system's name at the hub.
    pub name: Arc<str>,
    /// How fast its days go by.
    pub clock: Clock,
    /// What took effect.
    pub ledger: Ledger,
    /// What goes wrong.
    pub faults: Faults,
    /// Where its webhooks go; a sink tells nobody.
    pub outbox: Option<Outbox>,
}

impl Frame {
    /// A twin that does everything right; `once` names the kinds of effect that may happen only once
    /// per reference.
    pub fn new(name: &str, clock: Clock, once: &'static [&'static str]) -> Self {
        Self {
            name: name.into(),
            ledger: Ledger::new(clock.clone(), once),
            faults: Faults::none(clock.clone()),
            clock,
            outbox: None,
        }
    }

    /// The same with a way to tell the hub.
    #[must_use]
    pub fn telling(self, outbox: Outbox) -> Self {
        Self { outbox: Some(outbox), ..self }
    }

    /// The way of every request to a twin: counted, then its effect, unless a fault comes between.
    pub async fn run<F>(&self, operation: &str, wire: &Wire, effect: F) -> Response
    where
        F: Future<Output = Response> + Send + 'static,
    {
        self.ledger.received(operation);
        if self.ledger.is_full() {
            return refused(StatusCode::INSUFFICIENT_STORAGE, "the ledger is full");
        }
        match self.faults.strike(operation) {
            None => effect.await,
            Some(fault) => {
                self.ledger.faulted();
                self.faults.between(fault, wire, effect).await
            }
        }
    }

    /// `/_twin/ledger` and `/_twin/faults`.
    pub fn control(&self) -> Router {
        Router::new()
            .route("/_twin/ledger", get(ledger))
            .route("/_twin/faults", get(shown).post(set).delete(clear))
            .with_state(self.clone())
    }
}

/// `GET /_twin/ledger`
#[derive(Clone, Debug, Serialize)]
pub struct Page {
    /// The system's name at the hub.
    pub twin: Arc<str>,
    /// The clock that all times here are of.
    pub clock: Shown,
    /// What was counted.
    pub counts: Counts,
    /// The page.
    pub entries: Vec<Entry>,
    /// `?after=` of the next page; none: this was the last.
    pub next: Option<u64>,
}

#[derive(Debug, Deserialize)]
struct Paging {
    #[serde(default)]
    after: u64,
    /// 0: only the counts.
    limit: Option<usize>,
}

async fn ledger(State(frame): State<Frame>, Query(paging): Query<Paging>) -> Json<Page> {
    let limit = paging.limit.unwrap_or(PAGE.0).min(PAGE.1);
    let entries = frame.ledger.entries(paging.after, limit);
    let full = limit > 0 && entries.len() == limit;
    let next = entries.last().filter(|_| full).map(|entry| entry.seq);
    let (twin, clock) = (Arc::clone(&frame.name), frame.clock.shown());
    Json(Page { twin, clock, counts: frame.ledger.counts(), entries, next })
}

async fn shown(State(frame): State<Frame>) -> Json<Value> {
    let rules = frame.faults.shown();
    Json(json!(
        rules.iter().map(|(rule, hits)| json!({ "rule": rule, "hits": hits })).collect::<Vec<_>>()
    ))
}

async fn set(State(frame): State<Frame>, Json(rules): Json<Vec<Rule>>) -> Response {
    if rules.len() > MAX_RULES {
        let why = format!("a script has at most {MAX_RULES} rules");
        return refused(StatusCode::UNPROCESSABLE_ENTITY, &why);
    }
    frame.faults.set(rules);
    StatusCode::NO_CONTENT.into_response()
}

async fn clear(State(frame): State<Frame>) -> StatusCode {
    frame.faults.set(Vec::new());
    StatusCode::NO_CONTENT
}

/// The `Idempotency-Key` of a request.
pub(crate) fn key(headers: &HeaderMap) -> Option<String> {
    headers.get("idempotency-key").and_then(|value| value.to_str().ok()).map(str::to_owned)
}

/// A refusal in the twins' own error shape.
pub(crate) fn refused(status: StatusCode, message: &str) -> Response {
    (status, Json(json!({ "message": message }))).into_response()
}

/// Locks what a twin holds; a panicked handler does not stop the others.
pub(crate) fn lock<T>(held: &Mutex<T>) -> MutexGuard<'_, T> {
    held.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An id or a quantity, which callers may write as a number or as text.
pub(crate) fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => String::new(),
    }
}

/// A text member of an object; empty if missing.
pub(crate) fn member(value: &Value, name: &str) -> String {
    value.get(name).map(text).unwrap_or_default()
}

/// A whole number member of an object, written as a number or as text (`2`, `"2"`, `"2.000"`).
pub(crate) fn whole(value: &Value, name: &str) -> Option<u64> {
    let text = member(value, name);
    let (whole, rest) = text.split_once('.').unwrap_or((&text, ""));
    if rest.bytes().any(|digit| digit != b'0') {
        return None;
    }
    whole.parse().ok()
}

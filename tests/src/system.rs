//! A system of the outside world whose every answer a test decides: orders by number, read one by one or
//! listed, and a count of what was asked.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};

use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use orderhub_twins::serve::{Served, serve_anywhere};
use serde_json::{Value, json};
use tokio::sync::watch;

/// A system. It ends when it is dropped.
#[derive(Debug)]
pub struct System {
    shared: Arc<Shared>,
    served: Served,
}

#[derive(Debug)]
struct Shared {
    orders: Mutex<BTreeMap<String, Value>>,
    /// Path and query of each request, in the order of their coming.
    calls: Mutex<Vec<String>>,
    /// Statuses that the next requests get instead of answers.
    refusals: Mutex<VecDeque<u16>>,
    /// From which request on answers are held back.
    held: watch::Sender<usize>,
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().expect("no test panics while it holds this")
}

impl System {
    /// Starts one without orders.
    pub async fn start() -> Self {
        let shared = Arc::new(Shared {
            orders: Mutex::default(),
            calls: Mutex::default(),
            refusals: Mutex::default(),
            held: watch::channel(usize::MAX).0,
        });
        let router = Router::new()
            .route("/orders", get(list))
            .route("/orders/{id}", get(read))
            .with_state(Arc::clone(&shared));
        let served = serve_anywhere(router).await.expect("it listens");
        Self { shared, served }
    }

    /// Its address.
    pub fn url(&self) -> String {
        self.served.url()
    }

    /// An order as it is from now on.
    pub fn put(&self, id: &str, note: &str, updated: &str) {
        let order = json!({ "id": id, "note": note, "updated": updated });
        lock(&self.shared.orders).insert(id.to_owned(), order);
    }

    /// What was asked so far.
    pub fn calls(&self) -> Vec<String> {
        lock(&self.shared.calls).clone()
    }

    /// Answers wait from now on, or go.
    pub fn hold(&self, held: bool) {
        self.shared.held.send_replace(if held { 0 } else { usize::MAX });
    }

    /// Answers wait from this request on, the first being 1.
    pub fn hold_from(&self, request: usize) {
        self.shared.held.send_replace(request);
    }

    /// The next requests get these statuses; 200 is an answer.
    pub fn refuse(&self, statuses: impl IntoIterator<Item = u16>) {
        lock(&self.shared.refusals).extend(statuses);
    }
}

/// Counts a request, and decides whether it is answered.
async fn received(shared: &Shared, uri: &Uri) -> Option<Response> {
    let number = {
        let mut calls = lock(&shared.calls);
        calls.push(uri.to_string());
        calls.len()
    };
    let refusal = lock(&shared.refusals).pop_front().filter(|status| *status != 200);
    // It is there, or gone with the test.
    drop(shared.held.subscribe().wait_for(|from| number < *from).await);
    let status = StatusCode::from_u16(refusal?).expect("a status");
    let mut headers = HeaderMap::new();
    if status == StatusCode::TOO_MANY_REQUESTS {
        headers.insert(header::RETRY_AFTER, "1".parse().expect("a header"));
    }
    Some((status, headers, Json(json!({ "message": "not now" }))).into_response())
}

async fn read(State(shared): State<Arc<Shared>>, Path(id): Path<String>, uri: Uri) -> Response {
    if let Some(refusal) = received(&shared, &uri).await {
        return refusal;
    }
    match lock(&shared.orders).get(&id) {
        Some(order) => Json(json!({ "order": order })).into_response(),
        None => {
            (StatusCode::NOT_FOUND, Json(json!({ "message": "no such order" }))).into_response()
        }
    }
}

/// Orders that changed at `from` or later, by time: a page of `size`, the one that `page` or `offset` counts
/// or that `cursor` names; `next` is the link to the one behind, `cursor` its name.
async fn list(
    State(shared): State<Arc<Shared>>,
    Query(query): Query<BTreeMap<String, String>>,
    uri: Uri,
) -> Response {
    if let Some(refusal) = received(&shared, &uri).await {
        return refusal;
    }
    let asked = |name: &str| query.get(name).map(String::as_str).unwrap_or_default();
    let mut orders: Vec<Value> = lock(&shared.orders).values().cloned().collect();
    let changed = |order: &Value| order["updated"].as_str().unwrap_or_default().to_owned();
    orders.retain(|order| changed(order).as_str() >= asked("from"));
    orders.sort_by_key(changed);
    let size: usize = asked("size").parse().unwrap_or(usize::MAX);
    let number = |name: &str| asked(name).parse::<usize>().ok();
    let offset = number("page").map(|page| page * size).or_else(|| number("offset"));
    let offset = offset.or_else(|| asked("cursor").strip_prefix("c/")?.parse().ok()).unwrap_or(0);
    let behind = offset.saturating_add(size);
    let more = behind < orders.len();
    let page: Vec<Value> = orders.into_iter().skip(offset).take(size).collect();
    let next = more.then(|| format!("/orders?from={}&size={size}&offset={behind}", asked("from")));
    let cursor = more.then(|| format!("c/{behind}"));
    Json(json!({ "orders": page, "next": next, "cursor": cursor })).into_response()
}

//! Bulk operations: a query that the shop works out by itself, into a file of lines at a signed address.
//!
//! As the vendor's pages say ("Perform bulk operations", read 2026-11): so many run at a time, another one is refused
//! (`OPERATION_IN_PROGRESS`, `LIMIT_REACHED`); one is CREATED, RUNNING, then COMPLETED, or ends badly; `url` is null where
//! nothing was found; what is written stays at its address for a while, which asks for no token, and takes none.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::Shop;
use super::graph::{self, gid, number};
use super::roots::times;
use crate::frame::lock;
use crate::graphql::{self, Field};
use crate::serve::Wire;

/// How long an operation is only created (twin time).
const CREATED: Duration = Duration::from_secs(1);

/// How bulk operations go.
#[derive(Clone, Debug)]
pub struct BulkWays {
    /// So long one runs, twin time.
    pub runs: Duration,
    /// So many run at a time.
    pub most: usize,
    /// How the next ones end, the next first: `FAILED`, `CANCELED`, `EXPIRED`; the others are COMPLETED.
    pub ends: Vec<&'static str>,
    /// So many of the next downloads find the address expired.
    pub expired: u32,
}

impl Default for BulkWays {
    fn default() -> Self {
        Self { runs: Duration::from_secs(5), most: 5, ends: Vec::new(), expired: 0 }
    }
}

/// The operations of a shop.
#[derive(Clone, Debug, Default)]
pub(super) struct Bulks(Arc<Mutex<Held>>);

#[derive(Debug, Default)]
struct Held {
    /// By their number, from 1.
    all: Vec<Bulk>,
    /// Where the shop is reached, as it was asked last.
    host: String,
}

#[derive(Debug)]
struct Bulk {
    at: Timestamp,
    runs: Duration,
    ends: &'static str,
    lines: Vec<String>,
}

impl Bulk {
    fn status(&self, now: Timestamp) -> &'static str {
        let passed = Duration::try_from(now.duration_since(self.at)).unwrap_or_default();
        match passed {
            _ if passed >= self.runs => self.ends,
            _ if passed >= CREATED => "RUNNING",
            _ => "CREATED",
        }
    }

    fn is_over(&self, now: Timestamp) -> bool {
        !matches!(self.status(now), "CREATED" | "RUNNING")
    }
}

impl Bulks {
    /// Addresses of files begin with the host that callers know.
    pub(super) fn seen_at(&self, headers: &HeaderMap) {
        let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
        if let Some(host) = host {
            host.clone_into(&mut lock(&self.0).host);
        }
    }
}

impl Shop {
    /// Begins one: what it finds is written at once, and is to be had when it is over.
    pub(super) fn begin_bulk(&self, field: &Field) -> Result<Value, String> {
        let asked = field.arg("query").as_str().unwrap_or_default();
        let roots = graphql::read(asked, &Map::new())?;
        let refused = |message: &str, code: &str| {
            let error = json!({ "field": null, "message": message, "code": code });
            Ok(json!({ "bulkOperation": null, "userErrors": [error] }))
        };
        let [orders] = roots.as_slice() else {
            return refused("Bulk queries have one connection at the root", "INVALID");
        };
        if orders.name != "orders" {
            return refused("the twin writes orders only", "INVALID");
        }
        let lines = self.lines(orders)?;
        let (now, ways) = (self.frame.clock.now(), self.ways().bulk);
        let mut held = lock(&self.bulks.0);
        let running = held.all.iter().filter(|bulk| !bulk.is_over(now)).count();
        if running >= ways.most && ways.most == 1 {
            let why = "A bulk query operation for this app and shop is already in progress";
            return refused(why, "OPERATION_IN_PROGRESS");
        }
        if running >= ways.most {
            return refused(
                "Bulk operations limit reached. Please try again later.",
                "LIMIT_REACHED",
            );
        }
        let mut ends = "COMPLETED";
        self.behave(|ways| {
            if !ways.bulk.ends.is_empty() {
                ends = ways.bulk.ends.remove(0);
            }
        });
        held.all.push(Bulk { at: now, runs: ways.runs, ends, lines });
        let id = gid("BulkOperation", held.all.len());
        Ok(json!({ "bulkOperation": { "id": id, "status": "CREATED" }, "userErrors": [] }))
    }

    /// The orders of a search, one a line, each with what was selected of its node.
    fn lines(&self, orders: &Field) -> Result<Vec<String>, String> {
        let (least, most) = times(orders.arg("query").as_str().unwrap_or_default())?;
        let inner = |fields: &[Field], name: &str| {
            let found = fields.iter().find(|field| field.name == name);
            found.map(|field| field.fields.clone()).ok_or(format!("`{name}` is not selected"))
        };
        let node = inner(&inner(&orders.fields, "edges")?, "node")?;
        let book = lock(&self.book);
        let found = book
            .orders
            .values()
            .filter(|order| (least..=most).contains(&order.updated_at.as_second()));
        let line = |order| {
            let whole = graph::order(order, &self.frame.name);
            graphql::select(&whole, &node).map(|line| line.to_string())
        };
        found.map(line).collect()
    }

    /// How far one is.
    pub(super) fn bulk(&self, id: &Value) -> Value {
        let now = self.frame.clock.now();
        let held = lock(&self.bulks.0);
        let number = number(id).and_then(|id| usize::try_from(id).ok()).unwrap_or(0);
        let Some(bulk) = number.checked_sub(1).and_then(|at| held.all.get(at)) else {
            return Value::Null;
        };
        let status = bulk.status(now);
        let completed = status == "COMPLETED";
        let host = &held.host;
        let url = |kind: &str| format!("http://{host}/files/{kind}-{number}.jsonl?signature=s%2F1");
        json!({
            "id": id,
            "status": status,
            "errorCode": (status == "FAILED").then_some("INTERNAL_SERVER_ERROR"),
            "objectCount": if completed { bulk.lines.len() } else { 0 }.to_string(),
            "url": (completed && !bulk.lines.is_empty()).then(|| url("bulk")),
            "partialDataUrl": (status == "FAILED").then(|| url("part")),
        })
    }

    /// What one wrote; a part of it for one that failed.
    fn written(&self, name: &str) -> Option<String> {
        let (kind, number) = name.strip_suffix(".jsonl")?.split_once('-')?;
        let number: usize = number.parse().ok()?;
        let held = lock(&self.bulks.0);
        let bulk = held.all.get(number.checked_sub(1)?)?;
        let over = bulk.is_over(self.frame.clock.now());
        let lines = match kind {
            "bulk" if over && bulk.ends == "COMPLETED" => &bulk.lines[..],
            "part" if over => bulk.lines.get(..bulk.lines.len() / 2)?,
            _ => return None,
        };
        Some(lines.iter().map(|line| format!("{line}\n")).collect())
    }
}

/// The file, as a bucket of another host serves it: who proves himself in another way than by the signature is refused.
pub(super) async fn file(
    State(shop): State<Shop>,
    Path(name): Path<String>,
    wire: Wire,
    headers: HeaderMap,
) -> Response {
    let mut gone = false;
    shop.behave(|ways| {
        gone = ways.bulk.expired > 0;
        ways.bulk.expired = ways.bulk.expired.saturating_sub(1);
    });
    let proves = ["x-shopify-access-token", "authorization", "cookie"];
    let proves = proves.iter().any(|name| headers.contains_key(*name));
    let written = shop.written(&name);
    let effect = async move {
        match written {
            _ if proves => {
                (StatusCode::BAD_REQUEST, "<Error>InvalidArgument</Error>").into_response()
            }
            _ if gone => (StatusCode::FORBIDDEN, "<Error>ExpiredToken</Error>").into_response(),
            None => (StatusCode::NOT_FOUND, "<Error>NoSuchKey</Error>").into_response(),
            Some(lines) => ([(header::CONTENT_TYPE, "application/jsonl")], lines).into_response(),
        }
    };
    shop.frame.run("read_bulk_file", &wire, effect).await
}

#[cfg(test)]
mod tests {
    use axum::body::{Body, to_bytes};
    use axum::http::Request;
    use tower::ServiceExt;

    use super::*;
    use crate::clock::Clock;
    use crate::frame::Frame;
    use crate::shop::{Assortment, make};

    /// A shop with this many orders, at a clock that a test moves.
    fn shop(orders: u64) -> Shop {
        let clock = Clock::new(1.0, "2026-11-02T00:00:00Z".parse().unwrap());
        let shop = Shop::new(Frame::new("shop", clock, super::super::ONCE), 1);
        for number in 1..=orders {
            let mut order = make::order(&Assortment::default(), 1, number, || shop.id());
            order.updated_at = "2026-11-01T00:00:00Z".parse().unwrap();
            shop.has(order);
        }
        shop
    }

    async fn asked(shop: &Shop, query: &str) -> Value {
        let request = Request::post("/admin/api/2026-10/graphql.json").header("host", "shop:1");
        let request = request.header("x-shopify-access-token", "t");
        let request = request.body(Body::from(json!({ "query": query }).to_string())).unwrap();
        let answer = shop.router().oneshot(request).await.unwrap();
        let body = to_bytes(answer.into_body(), 1 << 20).await.unwrap();
        serde_json::from_slice::<Value>(&body).unwrap()["data"].clone()
    }

    async fn begin(shop: &Shop) -> Value {
        let query = r#"mutation { result: bulkOperationRunQuery(query: "{ orders(query: \"updated_at:>='2026-10-01T00:00:00Z'\") { edges { node { legacyResourceId updatedAt } } } }") { bulkOperation { id } userErrors { code } } }"#;
        asked(shop, query).await["result"].clone()
    }

    async fn status(shop: &Shop, number: u64) -> Value {
        let query = format!(
            "{{ node(id: \"gid://shopify/BulkOperation/{number}\") {{ ... on BulkOperation {{ status objectCount url partialDataUrl errorCode }} }} }}"
        );
        asked(shop, &query).await["node"].clone()
    }

    async fn got(shop: &Shop, url: &Value, token: bool) -> (StatusCode, String) {
        let path = url.as_str().unwrap().strip_prefix("http://shop:1").unwrap();
        let mut request = Request::get(path);
        if token {
            request = request.header("x-shopify-access-token", "t");
        }
        let answer = shop.router().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let status = answer.status();
        let body = to_bytes(answer.into_body(), 1 << 20).await.unwrap();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_asked_for_is_written_into_a_file_that_takes_no_token() {
        let shop = shop(3);
        assert_eq!(begin(&shop).await["userErrors"], json!([]));
        assert_eq!(status(&shop, 1).await["status"], "CREATED");
        tokio::time::advance(Duration::from_secs(2)).await;
        assert_eq!(status(&shop, 1).await["status"], "RUNNING");
        tokio::time::advance(Duration::from_secs(5)).await;
        let done = status(&shop, 1).await;
        assert_eq!((&done["status"], &done["objectCount"]), (&json!("COMPLETED"), &json!("3")));
        let (found, lines) = got(&shop, &done["url"], false).await;
        assert_eq!((found, lines.lines().count()), (StatusCode::OK, 3));
        let line: Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
        assert_eq!(line["updatedAt"], "2026-11-01T00:00:00Z", "{line}");
        assert_eq!(line.as_object().unwrap().len(), 2, "{line}");
        assert_eq!(got(&shop, &done["url"], true).await.0, StatusCode::BAD_REQUEST);
        shop.behave(|ways| ways.bulk.expired = 1);
        assert_eq!(got(&shop, &done["url"], false).await.0, StatusCode::FORBIDDEN);
        assert_eq!(got(&shop, &done["url"], false).await.0, StatusCode::OK);
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_fails_leaves_a_part_and_others_are_refused_while_it_runs() {
        let shop = shop(4);
        shop.behave(|ways| (ways.bulk.most, ways.bulk.ends) = (1, vec!["FAILED"]));
        begin(&shop).await;
        assert_eq!(begin(&shop).await["userErrors"][0]["code"], "OPERATION_IN_PROGRESS");
        tokio::time::advance(Duration::from_secs(7)).await;
        let failed = status(&shop, 1).await;
        assert_eq!((&failed["status"], &failed["url"]), (&json!("FAILED"), &Value::Null));
        assert_eq!(failed["errorCode"], "INTERNAL_SERVER_ERROR");
        let (found, part) = got(&shop, &failed["partialDataUrl"], false).await;
        assert_eq!((found, part.lines().count()), (StatusCode::OK, 2));
        shop.behave(|ways| ways.bulk.most = 2);
        begin(&shop).await;
        begin(&shop).await;
        assert_eq!(begin(&shop).await["userErrors"][0]["code"], "LIMIT_REACHED");
        assert_eq!(status(&shop, 9).await, Value::Null);
    }

    #[tokio::test(start_paused = true)]
    async fn where_nothing_was_found_there_is_no_file() {
        let shop = shop(0);
        begin(&shop).await;
        tokio::time::advance(Duration::from_secs(7)).await;
        let done = status(&shop, 1).await;
        assert_eq!((&done["objectCount"], &done["url"]), (&json!("0"), &Value::Null));
    }
}

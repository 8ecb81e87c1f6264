//! What the grammar of connectors says, carried out against a system that answers: judged by what the system was
//! asked, and when, and by the orders that stand at the end.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::State;
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use jiff::Timestamp;
use orderhub::clock::Clock;
use orderhub_tests::http::client;
use orderhub_tests::hub::{Hub, free_port};
use orderhub_tests::{api, wait};
use orderhub_twins::serve::{Served, serve_anywhere};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::Instant;

const PATIENCE: Duration = Duration::from_secs(60);
const SECRET: &str = "press-secret-1";

/// A request, and when it came.
#[derive(Clone, Debug)]
struct Call {
    path: String,
    query: String,
    body: Value,
    at: Instant,
}

/// Everything that the hub speaks to, at one address.
#[derive(Debug)]
struct World {
    calls: Mutex<Vec<Call>>,
    /// Orders of the queue that were not confirmed.
    queue: Mutex<Vec<Value>>,
    /// Confirmations that fail.
    unconfirmed: Mutex<u32>,
    /// It gives the first page, whichever is asked for.
    one_page: Mutex<bool>,
    /// Ids that were confirmed before the hub had them.
    early: Mutex<Vec<String>>,
    /// Lines that the desk takes from now on.
    refuses: Mutex<Vec<&'static str>>,
    hub: String,
}

impl World {
    fn calls(&self, path: &str) -> Vec<Call> {
        let calls = self.calls.lock().unwrap();
        calls.iter().filter(|call| call.path.starts_with(path)).cloned().collect()
    }

    /// Orders between two times, two a page.
    fn page(&self, query: &str) -> Response {
        let of = |name: &str| {
            let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
            let found = pairs.into_iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| value.replace("%3A", ":")).unwrap_or_default()
        };
        let (from, to) = (of("from"), of("to"));
        let asked: usize = of("page").parse().unwrap();
        let page = if *self.one_page.lock().unwrap() { 1 } else { asked };
        let queue = self.queue.lock().unwrap();
        let within = queue.iter().filter(|order| {
            let updated = order["updated"].as_str().unwrap();
            updated >= from.as_str() && updated <= to.as_str()
        });
        let orders: Vec<&Value> = within.skip((page - 1) * 2).take(2).collect();
        Json(json!({ "orders": orders })).into_response()
    }

    async fn taken(&self, body: &Value) -> Response {
        {
            let mut unconfirmed = self.unconfirmed.lock().unwrap();
            if *unconfirmed > 0 {
                *unconfirmed -= 1;
                return StatusCode::SERVICE_UNAVAILABLE.into_response();
            }
        }
        let known = client().get(format!("{}/api/v1/orders?limit=500", self.hub)).send().await;
        let known: Value = known.unwrap().json().await.unwrap();
        for id in body["ids"].as_array().unwrap() {
            let mut items = known["items"].as_array().unwrap().iter();
            if !items.any(|order| order["order_no"] == *id) {
                self.early.lock().unwrap().push(id.to_string());
            }
        }
        StatusCode::NO_CONTENT.into_response()
    }

    fn lines(&self, body: &Value) -> Response {
        let refuses = self.refuses.lock().unwrap();
        let rows = body["rows"].as_array().unwrap().iter();
        let results = rows.map(|row| {
            let sku = row["sku"].as_str().unwrap();
            if refuses.contains(&sku) {
                json!({ "ref": row["ref"], "ok": false, "message": "no such article" })
            } else {
                json!({ "ref": row["ref"], "ok": true, "row": format!("row-{sku}") })
            }
        });
        Json(json!({ "results": results.collect::<Vec<_>>() })).into_response()
    }

    fn look(&self) -> Response {
        let asked = self.calls("/jobs/J1/look").len();
        let done = json!({ "cost": 1, "state": "done", "paper": "P1" });
        let busy = json!({ "cost": 1, "state": "printing" });
        Json(if asked > 2 { done } else { busy }).into_response()
    }
}

async fn answer(
    State(world): State<Arc<World>>,
    method: Method,
    uri: Uri,
    body: axum::body::Bytes,
) -> Response {
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let (path, query) = (uri.path().to_owned(), uri.query().unwrap_or_default().to_owned());
    let call = Call { path, query: query.clone(), body: body.clone(), at: Instant::now() };
    world.calls.lock().unwrap().push(call);
    match (method.as_str(), uri.path()) {
        ("GET", "/queue") => world.page(&query),
        ("POST", "/taken") => world.taken(&body).await,
        ("POST", "/lines") => world.lines(&body),
        ("POST", "/jobs") => Json(json!({ "cost": 5, "job": "J1" })).into_response(),
        ("POST", "/jobs/J1/look") => world.look(),
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

struct Place {
    world: Arc<World>,
    _served: Served,
    folder: TempDir,
    port: u16,
}

impl Place {
    /// A hub of the queue and of one other system, which reads what the shipped flow tells.
    async fn new(other: &str) -> Self {
        let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
        let world = Arc::new(World {
            calls: Mutex::default(),
            queue: Mutex::default(),
            unconfirmed: Mutex::default(),
            one_page: Mutex::default(),
            early: Mutex::default(),
            refuses: Mutex::default(),
            hub: format!("http://127.0.0.1:{port}"),
        });
        let served = serve_anywhere(Router::new().fallback(answer).with_state(Arc::clone(&world)));
        let served = served.await.unwrap();
        let files = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/declared");
        let system = |name: &str| {
            format!("[systems.{name}]\nintegration = \"{name}\"\nbase_url = \"{}\"\n", served.url())
        };
        let other = if other.is_empty() { String::new() } else { system(other) };
        let settings = format!(
            "[server]\nlisten = \"127.0.0.1:{port}\"\n[store]\nurl = \"sqlite:hub.db\"\n\
             [mappings]\npath = \"{}\"\n[egress]\nallow_private = [\"127.0.0.1/32\"]\n{}{other}",
            files.canonicalize().unwrap().display(),
            system("queue"),
        );
        let secrets = "[systems.press.secrets]\nkey = { file = \"key\" }\n";
        let settings = match settings.contains("systems.press") {
            true => format!("{settings}{secrets}"),
            false => settings,
        };
        std::fs::write(folder.path().join("key"), SECRET).unwrap();
        std::fs::write(folder.path().join("orderhub.toml"), settings).unwrap();
        Self { world, _served: served, folder, port }
    }

    async fn start(&self) -> Hub {
        Hub::start(self.folder.path(), self.port).await
    }

    /// An order in the queue, of lines of these articles, that changed so many minutes ago.
    fn put(&self, id: &str, ago: i64, articles: &[&str]) {
        let at = Timestamp::from_second(Clock::system().now().as_second() - ago * 60).unwrap();
        let lines = articles.iter().enumerate();
        let lines: Vec<Value> = lines
            .map(|(n, sku)| json!({ "id": format!("{id}-{n}"), "sku": sku, "qty": 1 }))
            .collect();
        let order = json!({ "id": id, "updated": at.to_string(), "note": "x", "lines": lines });
        self.world.queue.lock().unwrap().push(order);
    }
}

async fn todos(hub: &Hub) -> Vec<Value> {
    api::get(hub, "/api/v1/todo?limit=500").await["items"].as_array().unwrap().clone()
}

/// The poll goes on all the while.
async fn until_delivered(hub: &Hub) {
    wait::until("nothing is to be delivered", PATIENCE, || async {
        (api::pending(hub).await == 0).then_some(())
    })
    .await;
}

async fn until_known(hub: &Hub, orders: usize) {
    wait::until(&format!("{orders} orders"), PATIENCE, || async {
        (api::all_orders(hub).await.len() >= orders).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_is_confirmed_after_it_is_stored_and_a_failure_loses_nothing() {
    let place = Place::new("").await;
    for (id, ago) in [("1", 150), ("2", 149), ("3", 148), ("4", 10)] {
        place.put(id, ago, &["A"]);
    }
    // The first page is confirmed at the second try of the hub; each try repeats a call that failed.
    *place.world.unconfirmed.lock().unwrap() = 3;
    let hub = place.start().await;
    until_known(&hub, 4).await;
    wait::until("the last is confirmed", PATIENCE, || async {
        let taken = place.world.calls("/taken");
        taken.iter().any(|call| call.body["ids"] == json!(["4"])).then_some(())
    })
    .await;
    assert!(place.world.early.lock().unwrap().is_empty(), "{:?}", place.world.early);
    let mut taken: Vec<Value> =
        place.world.calls("/taken").into_iter().map(|call| call.body["ids"].clone()).collect();
    taken.dedup();
    assert_eq!(taken[..3], [json!(["1", "2"]), json!(["3"]), json!(["4"])]);

    // An hour at once, each window from where the one before ended, up to now.
    let bound = |call: &Call, name: &str| -> Timestamp {
        let value = call.query.split('&').find_map(|pair| pair.strip_prefix(name)).unwrap();
        value.replace("%3A", ":").parse().unwrap()
    };
    let windows = wait::until("it has come to now", PATIENCE, || async {
        let calls = place.world.calls("/queue");
        let mut windows: Vec<(Timestamp, Timestamp)> =
            calls.iter().map(|call| (bound(call, "from="), bound(call, "to="))).collect();
        windows.dedup();
        (windows.len() >= 4).then_some(windows)
    })
    .await;
    for pair in windows.windows(2) {
        let [(from, to), (next, _)] = pair else { unreachable!() };
        assert!(to.duration_since(*from).as_secs() <= 3_600, "{windows:?}");
        assert_eq!(to.duration_since(*next).as_secs(), 60, "nothing is left out: {windows:?}");
    }
    assert!(todos(&hub).await.is_empty());
    assert!(hub.terminate().await.success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_listing_goes_on_past_pages_that_cannot_be_confirmed() {
    let place = Place::new("").await;
    let ids: Vec<String> = (10..26).map(|id| id.to_string()).collect();
    ids.iter().for_each(|id| place.put(id, 10, &["A"]));
    *place.world.unconfirmed.lock().unwrap() = u32::MAX;
    let hub = place.start().await;
    let began = Instant::now();
    until_known(&hub, ids.len()).await;
    assert!(began.elapsed() < Duration::from_secs(20), "eight pages: {:?}", began.elapsed());
    let told = |words: &str| hub.log().lines().filter(|line| line.contains(words)).count();
    wait::until("a person is told", PATIENCE, || async {
        (told("none was confirmed") > 0).then_some(())
    })
    .await;
    assert_eq!(
        (told("was not confirmed; the listing goes on"), told("none was confirmed")),
        (1, 1)
    );
    *place.world.unconfirmed.lock().unwrap() = 0;
    place.put("99", 0, &["A"]);
    wait::until("they are confirmed again", PATIENCE, || async {
        (told("pages are confirmed again") > 0).then_some(())
    })
    .await;
    assert!(hub.terminate().await.success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_listing_that_sends_the_same_page_again_is_ended_and_told_of() {
    let place = Place::new("").await;
    ["1", "2", "3"].iter().for_each(|id| place.put(id, 10, &["A"]));
    *place.world.one_page.lock().unwrap() = true;
    let hub = place.start().await;
    wait::until("it is told", PATIENCE, || async {
        hub.log().contains("the same page came twice running").then_some(())
    })
    .await;
    let pages =
        || place.world.calls("/queue").iter().filter(|call| call.query.contains("page=3")).count();
    assert_eq!(pages(), 0, "nothing behind it is asked for");
    // What it has not sent is passed over by no cursor.
    *place.world.one_page.lock().unwrap() = false;
    until_known(&hub, 3).await;
    assert!(hub.terminate().await.success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_taken_of_an_order_is_not_sent_again_and_a_person_decides_about_the_rest() {
    let place = Place::new("desk").await;
    place.put("1", 10, &["A", "B", "C"]);
    *place.world.refuses.lock().unwrap() = vec!["B"];
    let hub = place.start().await;
    let todo =
        wait::until("the todo is there", PATIENCE, || async { todos(&hub).await.pop() }).await;
    let why = todo["why"].as_str().unwrap();
    assert_eq!(todo["kind"], "in_doubt", "{todo}");
    assert!(why.contains("1 of 3 were refused") && why.contains("no such article"), "{todo}");
    let sent = |place: &Place| -> Vec<Vec<String>> {
        let rows = |call: &Call| {
            let rows = call.body["rows"].as_array().unwrap().iter();
            rows.map(|row| row["sku"].as_str().unwrap().to_owned()).collect()
        };
        place.world.calls("/lines").iter().map(rows).collect()
    };
    assert_eq!(sent(&place), [["A", "B", "C"]]);

    place.world.refuses.lock().unwrap().clear();
    let again = hub.url(&format!("/api/v1/todo/{}/resolve?again=true&reason=mended", todo["id"]));
    let said = client().post(again).send().await.unwrap();
    assert!(said.status().is_success(), "{}", said.text().await.unwrap());
    wait::until("the rest was sent", PATIENCE, || async {
        (sent(&place).len() >= 2).then_some(())
    })
    .await;
    until_delivered(&hub).await;
    assert_eq!(sent(&place), [vec!["A", "B", "C"], vec!["B"]], "nothing is sent twice");
    assert!(todos(&hub).await.is_empty());
    let order = &api::all_orders(&hub).await[0];
    let lane = api::get(&hub, &format!("/api/v1/orders/{}/lanes", order.id)).await;
    assert!(lane.to_string().contains("delivered"), "{lane}");
    assert!(hub.terminate().await.success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_is_asked_for_until_it_is_done_and_started_once() {
    let place = Place::new("press").await;
    place.put("1", 10, &["A"]);
    let hub = place.start().await;
    wait::until("the job is done", PATIENCE, || async {
        (place.world.calls("/jobs/J1/look").len() >= 3).then_some(())
    })
    .await;
    until_delivered(&hub).await;
    let (start, looks) = (place.world.calls("/jobs"), place.world.calls("/jobs/J1/look"));
    assert_eq!((start.len() - looks.len(), looks.len()), (1, 3), "started once");
    // The start counted as five calls of two a second.
    assert!(
        looks[0].at - start[0].at >= Duration::from_millis(1_900),
        "{:?}",
        looks[0].at - start[0].at
    );
    for pair in looks.windows(2) {
        assert!(pair[1].at - pair[0].at >= Duration::from_millis(2_900), "no sooner than `every`");
    }
    for call in start.iter().chain(&looks) {
        assert_eq!(call.body["who"]["key"], SECRET, "{call:?}");
    }
    let order = &api::all_orders(&hub).await[0];
    let known = api::get(&hub, &format!("/api/v1/orders/{}", order.id)).await;
    assert!(known["xrefs"].to_string().contains("P1"), "{known}");
    let lanes = api::get(&hub, &format!("/api/v1/orders/{}/lanes", order.id)).await;
    let everything = format!("{lanes}{known}{}", hub.log());
    assert!(!everything.contains(SECRET), "the secret stands nowhere");
    assert!(hub.terminate().await.success());
    let stored = std::fs::read(place.folder.path().join("hub.db")).unwrap();
    let stored = String::from_utf8_lossy(&stored).into_owned();
    assert!(!stored.contains(SECRET), "nor in the store");
}

//! What the hub asks systems for by itself: documents that hints name, and listings. Judged by what the system was asked,
//! and by the order that stands at the end.

use std::path::Path;
use std::time::Duration;

use orderhub::clock::Clock;
use orderhub_tests::database::Schema;
use orderhub_tests::http::client;
use orderhub_tests::hub::{self, Hub};
use orderhub_tests::system::System;
use orderhub_tests::{api, wait};
use serde_json::{Value, json};
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(60);

/// A place for a hub that has one system, of the files of a folder of `tests/data/sources`.
struct Place {
    folder: TempDir,
    port: u16,
    system: System,
}

impl Place {
    async fn new(store: &str, integration: &str) -> Self {
        let (folder, port) = (tempfile::tempdir().unwrap(), hub::free_port());
        let system = System::start().await;
        let files = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/sources");
        let settings = format!(
            "[server]\nlisten = \"127.0.0.1:{port}\"\n[store]\nurl = \"{store}\"\n\
             [mappings]\npath = \"{}\"\n[egress]\nallow_private = [\"127.0.0.1/32\"]\n\
             [systems.shop]\nintegration = \"{integration}\"\nbase_url = \"{}\"\n",
            files.canonicalize().unwrap().display(),
            system.url()
        );
        std::fs::write(folder.path().join("orderhub.toml"), settings).unwrap();
        Self { folder, port, system }
    }

    async fn start(&self) -> Hub {
        Hub::start(self.folder.path(), self.port).await
    }

    async fn until_called(&self, calls: usize) {
        wait::until(&format!("the system was asked {calls} times"), PATIENCE, || async {
            (self.system.calls().len() >= calls).then_some(())
        })
        .await;
    }
}

/// Tells the hub that an order changed.
async fn hint(hub: &Hub, order: &str, event: &str) {
    let body = json!({ "kind": "order.changed", "order": order, "event": event });
    let sent = client().post(hub.url("/webhooks/shop")).json(&body).send().await.unwrap();
    assert!(sent.status().is_success(), "{}", sent.text().await.unwrap());
}

/// Waits until the order of this number has this note.
async fn until_noted(hub: &Hub, order: &str, note: &str) {
    wait::until(&format!("order {order} says `{note}`"), PATIENCE, || async {
        let all = api::all_orders(hub).await;
        all.into_iter().find(|one| one.order_no == order && one.note == note)
    })
    .await;
}

async fn todos(hub: &Hub) -> Vec<Value> {
    api::get(hub, "/api/v1/todo?limit=500").await["items"].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hint_that_comes_during_a_fetch_wants_another() {
    let place = Place::new("sqlite:hub.db", "shop").await;
    let hub = place.start().await;
    place.system.put("7", "first", "2026-03-01T09:00:00Z");
    place.system.hold(true);
    hint(&hub, "7", "e1").await;
    place.until_called(1).await;
    for number in 2..20 {
        hint(&hub, "7", &format!("e{number}")).await;
    }
    place.system.put("7", "last", "2026-03-01T10:00:00Z");
    place.system.hold(false);
    until_noted(&hub, "7", "last").await;
    api::until_idle(&hub, PATIENCE).await;
    assert_eq!(place.system.calls(), ["/orders/7", "/orders/7"]);
    hint(&hub, "7", "e19").await;
    hint(&hub, "8", "e20").await;
    place.until_called(3).await;
    assert_eq!(place.system.calls().last().unwrap(), "/orders/8", "a hint sent twice is one");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_there_is_shown_and_asked_for_again_when_a_person_says_so() {
    let place = Place::new("sqlite:hub.db", "shop").await;
    let hub = place.start().await;
    hint(&hub, "7", "e1").await;
    let todo =
        wait::until("the todo is there", PATIENCE, || async { todos(&hub).await.pop() }).await;
    assert_eq!((&todo["kind"], &todo["cause"]), (&json!("finding"), &json!("not_there")), "{todo}");
    assert!(todo["why"].as_str().unwrap().contains("no such order"), "{todo}");
    place.system.put("7", "here", "2026-03-01T09:00:00Z");
    let replay = hub.url(&format!("/api/v1/todo/{}/replay", todo["id"]));
    let replayed = client().post(replay).json(&json!({ "reason": "it is there now" })).send().await;
    assert!(replayed.unwrap().status().is_success());
    until_noted(&hub, "7", "here").await;

    let body = json!({ "kind": "order.changed", "event": "e2" });
    let sent = client().post(hub.url("/webhooks/shop")).json(&body).send().await.unwrap();
    assert!(sent.status().is_success(), "what names nothing is kept, not sent again");
    let todo = wait::until("the todo is there", PATIENCE, || async {
        todos(&hub).await.into_iter().find(|todo| todo["cause"] == "unreadable_hint")
    });
    assert!(todo.await["why"].as_str().unwrap().contains("`id`"));
    assert_eq!(place.system.calls().len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_system_that_asks_for_time_gets_it_and_one_that_says_no_is_shown() {
    let place = Place::new("sqlite:hub.db", "shop").await;
    let hub = place.start().await;
    place.system.put("7", "here", "2026-03-01T09:00:00Z");
    place.system.refuse([429, 500, 422]);
    hint(&hub, "7", "e1").await;
    let todo =
        wait::until("the todo is there", PATIENCE, || async { todos(&hub).await.pop() }).await;
    assert_eq!((&todo["kind"], &todo["cause"]), (&json!("dead"), &json!("said_no")), "{todo}");
    assert_eq!(place.system.calls().len(), 3);
    hint(&hub, "7", "e2").await;
    until_noted(&hub, "7", "here").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_hints_make_few_calls_and_a_kill_loses_none() {
    few_calls(&Place::new("sqlite:hub.db", "shop").await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_hints_make_few_calls_and_a_kill_loses_none_on_postgres() {
    let schema = Schema::new();
    few_calls(&Place::new(&schema.url(), "shop").await).await;
}

async fn few_calls(place: &Place) {
    let hub = place.start().await;
    let orders: Vec<String> = (1..=20).map(|number| number.to_string()).collect();
    for order in &orders {
        place.system.put(order, "first", "2026-03-01T09:00:00Z");
    }
    place.system.hold(true);
    for change in 0..5 {
        for order in &orders {
            hint(&hub, order, &format!("{order}-{change}")).await;
        }
    }
    place.until_called(8).await;
    for order in &orders {
        place.system.put(order, "last", "2026-03-01T10:00:00Z");
    }
    hub.kill();
    place.system.hold(false);
    let hub = place.start().await;
    for order in &orders {
        until_noted(&hub, order, "last").await;
    }
    // Each once after the kill, and those that were in the air before it.
    assert_eq!(place.system.calls().len(), 20 + 8);
    assert!(todos(&hub).await.is_empty());
    assert!(hub.terminate().await.success());
}

/// The listings that were asked for: what stands behind `?`.
fn listed(place: &Place) -> Vec<String> {
    let calls = place.system.calls().into_iter();
    calls.filter_map(|call| Some(call.strip_prefix("/orders?")?.to_owned())).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_poll_goes_on_where_it_was_killed() {
    goes_on(&Place::new("sqlite:hub.db", "lister").await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_poll_goes_on_where_it_was_killed_on_postgres() {
    let schema = Schema::new();
    goes_on(&Place::new(&schema.url(), "lister").await).await;
}

async fn goes_on(place: &Place) {
    for number in 1..=5 {
        let updated = format!("2026-03-01T09:00:0{number}Z");
        place.system.put(&number.to_string(), "listed", &updated);
    }
    place.system.hold_from(2);
    let hub = place.start().await;
    place.until_called(2).await;
    hub.kill();
    place.system.hold(false);
    let hub = place.start().await;
    for number in 1..=5 {
        until_noted(&hub, &number.to_string(), "listed").await;
    }
    place.until_called(7).await;
    let listed = listed(place);
    // The page that was not stored is asked for again; then, once the one behind it was read, each page once more.
    let pages = [0, 1, 1, 0, 2, 1].map(|page| format!("page={page}&size=2"));
    assert_eq!(listed[..6], pages);
    assert!(
        listed[6].starts_with("from=20"),
        "the next poll asks for what changed since: {listed:?}"
    );
    let metrics = orderhub_tests::http::text(&hub.url("/metrics")).await.unwrap();
    assert!(metrics.contains("orderhub_source_freshness_seconds{system=\"shop\"}"), "{metrics}");
    assert!(todos(&hub).await.is_empty());
    assert!(hub.terminate().await.success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_poll_that_fails_moves_nothing() {
    let place = Place::new("sqlite:hub.db", "lister").await;
    for number in 1..=3 {
        let updated = format!("2026-03-01T09:00:0{number}Z");
        place.system.put(&number.to_string(), "listed", &updated);
    }
    // Ill for longer than one call is tried for; then the second page is refused: whatever named it may not
    // hold any more.
    place.system.refuse([500, 500, 500, 500, 200, 410]);
    let hub = place.start().await;
    until_noted(&hub, "3", "listed").await;
    let listed = listed(&place);
    let (first, second) = ("page=0&size=2", "page=1&size=2");
    assert_eq!(listed[..5], [first; 5]);
    assert_eq!(listed[5..8], [second, first, second]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_listing_of_ids_leads_to_fetches() {
    let place = Place::new("sqlite:hub.db", "ids").await;
    for number in 1..=5 {
        place.system.put(&number.to_string(), "listed", "2026-03-01T09:00:00Z");
    }
    let hub = place.start().await;
    for number in 1..=5 {
        until_noted(&hub, &number.to_string(), "listed").await;
    }
    // Three pages, then polls that find nothing new.
    wait::until("polls went on", PATIENCE, || async { (listed(&place).len() >= 5).then_some(()) })
        .await;
    let mut fetched = place.system.calls();
    fetched.retain(|call| !call.contains('?'));
    fetched.sort();
    assert_eq!(fetched, ["/orders/1", "/orders/2", "/orders/3", "/orders/4", "/orders/5"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_poll_that_was_put_off_goes_on_when_its_system_is_resumed() {
    goes_on_when_resumed("lister").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fetch_that_was_put_off_goes_on_when_its_system_is_resumed() {
    goes_on_when_resumed("shop").await;
}

/// The credential is refused once: by itself the hub would ask again in five minutes.
async fn goes_on_when_resumed(integration: &str) {
    let place = Place::new("sqlite:hub.db", integration).await;
    place.system.put("7", "here", "2026-03-01T09:00:00Z");
    place.system.refuse([401]);
    let hub = place.start().await;
    if integration == "shop" {
        hint(&hub, "7", "e1").await;
    }
    wait::until("the credential is refused", PATIENCE, || async {
        let system = api::get(&hub, "/api/v1/systems/shop").await;
        (system["credential"] == "refused").then_some(())
    })
    .await;
    let resume = hub.url("/api/v1/systems/shop/resume?reason=the+token+is+another+now");
    assert!(client().post(resume).send().await.unwrap().status().is_success());
    until_noted(&hub, "7", "here").await;
    assert!(hub.terminate().await.success());
}

/// Files that change: `tests/data/sources/<from>` stands as the integration `shop`.
fn switch_to(place: &Place, from: &str) {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/sources").join(from);
    let shop = place.folder.path().join("mappings/shop");
    std::fs::create_dir_all(&shop).unwrap();
    // The intakes last: before, the files do not go together.
    for name in ["connector.yaml", "order.yaml", "integration.yaml"] {
        let text = std::fs::read_to_string(data.join(name)).unwrap();
        let named = |key: &str| format!("{key}: {from}");
        let text = ["integration", "connector", "mapping"]
            .iter()
            .fold(text, |text, key| text.replace(&named(key), &format!("{key}: shop")));
        std::fs::write(shop.join(name), text).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_switch_begins_and_ends_what_is_asked_for_and_loses_and_doubles_nothing() {
    let place = Place::new("sqlite:hub.db", "shop").await;
    let settings = place.folder.path().join("orderhub.toml");
    let text = std::fs::read_to_string(&settings).unwrap();
    let shipped = text.lines().find(|line| line.starts_with("path = ")).unwrap();
    let own = "path = \"mappings\"\nreload = true";
    std::fs::write(&settings, text.replace(shipped, own)).unwrap();
    let until_switched = async |hub: &Hub, times: usize| {
        wait::until(&format!("it has switched {times} times"), PATIENCE, || async {
            (hub.log().matches("has switched to other").count() >= times).then_some(())
        })
        .await;
    };
    for number in 1..=3 {
        place.system.put(&number.to_string(), "listed", &format!("2026-03-01T09:00:0{number}Z"));
    }
    // Nothing is asked for by itself.
    switch_to(&place, "told");
    let hub = place.start().await;
    assert!(place.system.calls().is_empty());

    // A listing comes: it is asked for.
    switch_to(&place, "lister");
    until_switched(&hub, 1).await;
    for number in 1..=3 {
        until_noted(&hub, &number.to_string(), "listed").await;
    }
    // It becomes a hint at documents: one is under way while the files change again.
    switch_to(&place, "shop");
    until_switched(&hub, 2).await;
    let listings = listed(&place).len();
    place.system.hold(true);
    place.system.put("7", "fetched", "2026-03-01T10:00:00Z");
    let before = place.system.calls().len();
    hint(&hub, "7", "e1").await;
    place.until_called(before + 1).await;
    std::fs::write(
        place.folder.path().join("mappings/shop/order.yaml"),
        std::fs::read_to_string(place.folder.path().join("mappings/shop/order.yaml"))
            .unwrap()
            .replace("value: EUR", "value: SEK"),
    )
    .unwrap();
    until_switched(&hub, 3).await;
    place.system.hold(false);
    until_noted(&hub, "7", "fetched").await;
    let order = api::get(&hub, "/api/v1/orders/shop-7").await;
    assert_eq!(order["currency"], "SEK", "the answer is read by the files in use: {order}");
    let fetched = place.system.calls().into_iter().filter(|call| call == "/orders/7").count();
    assert_eq!((fetched, listed(&place).len()), (1, listings), "{:?}", place.system.calls());

    // And back: the listing goes on where it ended, and what is not fetched any more is shown.
    switch_to(&place, "lister");
    until_switched(&hub, 4).await;
    // After whatever was listed; not so far ahead that somebody is told of it.
    let soon = Clock::system().now().checked_add(jiff::SignedDuration::from_hours(1)).unwrap();
    place.system.put("4", "listed", &soon.strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
    until_noted(&hub, "4", "listed").await;
    let after = &listed(&place)[listings..];
    assert!(after.iter().all(|call| call.starts_with("from=20")), "{after:?}");
    assert!(todos(&hub).await.is_empty());
    assert!(hub.terminate().await.success());
}

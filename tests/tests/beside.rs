//! One message of many documents, one request of many notices: what one of them lacks holds up none beside it, and is
//! not lost.

use std::time::Duration;

use orderhub_tests::database::Schema;
use orderhub_tests::http::client;
use orderhub_tests::hub::{Hub, free_port};
use orderhub_tests::{api, http, wait};
use serde_json::{Value, json};
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(30);

const INTEGRATION: &str = "orderhub: 1
integration: till
role: channel
connector: declared
intake:
  - { message: orders, ordering: queue }
";

const CONNECTOR: &str = "orderhub: 1
connector: till
base: \"{base_url}\"
operations: {}
";

const ORDERS: &str = "orderhub: 1
mapping: till.orders
key: number
documents: { at: [orders.*] }
fields:
  - { hub: order_no, system: number }
  - { hub: currency, value: EUR }
  - { hub: notes.customer, system: note }
";

/// The rule that looks something up.
const REPLACES: &str =
    "  - { hub: ext.replaces, system: replaces, direction: in, as: { lookup: { xref: order } } }\n";

const NOTICES: &str = "orderhub: 1
integration: acme
role: channel
connector: declared
intake:
  - { notice: [order], apply: payload, document: order, ordering: queue }
";

/// Its system says what it sends in a header at times.
const HOOKS: &str = "orderhub: 1
connector: acme
base: \"{base_url}\"
operations: {}
webhooks:
  verify: none
  format: json
  each: body.value
  id: item.id
  kind: item.kind
  document: item
";

const MENDED: (&str, &str) = ("kind: item.kind", "kind: item.kind ?? headers.x-kind");

const ORDER: &str = "orderhub: 1
mapping: acme.order
key: number
fields:
  - { hub: order_no, system: number }
  - { hub: currency, value: EUR }
  - { hub: notes.customer, system: note }
  - { hub: ext.desk, system: desk }
";

/// A hub that a till and a system of webhooks speak to.
struct Place {
    folder: TempDir,
    port: u16,
}

impl Place {
    fn new(store: &str) -> Self {
        let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
        let settings = format!(
            "[server]\nlisten = \"127.0.0.1:{port}\"\n[store]\nurl = \"{store}\"\n\
             [mappings]\npath = \"mappings\"\nreload = true\n\
             [egress]\nallow_private = [\"127.0.0.1/32\"]\n\
             [systems.till]\nintegration = \"till\"\nbase_url = \"http://127.0.0.1:1\"\n\
             [systems.acme]\nintegration = \"acme\"\nbase_url = \"http://127.0.0.1:1\"\n"
        );
        for integration in ["till", "acme"] {
            let folder = folder.path().join("mappings").join(integration);
            std::fs::create_dir_all(folder).unwrap();
        }
        std::fs::write(folder.path().join("orderhub.toml"), settings).unwrap();
        let place = Self { folder, port };
        let orders = format!("{ORDERS}{REPLACES}");
        let files = [
            ("till/integration.yaml", INTEGRATION),
            ("till/connector.yaml", CONNECTOR),
            ("till/orders.yaml", orders.as_str()),
            ("acme/integration.yaml", NOTICES),
            ("acme/connector.yaml", HOOKS),
            ("acme/order.yaml", ORDER),
        ];
        for (name, text) in files {
            place.write(name, text);
        }
        place
    }

    /// As whoever edits files should: written beside, and put in its place whole.
    fn write(&self, name: &str, text: &str) {
        let folder = self.folder.path().join("mappings");
        let beside = self.folder.path().join("beside");
        std::fs::write(&beside, text).unwrap();
        std::fs::rename(beside, folder.join(name)).unwrap();
    }

    async fn start(&self) -> Hub {
        Hub::start(self.folder.path(), self.port).await
    }
}

/// Hands in orders as one message; what became of each: its outcome, and why.
async fn hand_in(hub: &Hub, orders: Value) -> Vec<(String, String)> {
    let body = json!({ "orders": orders });
    let sent = client().post(hub.url("/api/v1/intake/till/orders")).json(&body).send().await;
    let answer = sent.unwrap().json::<Value>().await.unwrap();
    let all = answer["items"].as_array().cloned().unwrap_or_else(|| vec![answer.clone()]);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    all.iter().map(|one| (text(&one["outcome"]), text(&one["why"]))).collect()
}

async fn outcomes(hub: &Hub, orders: Value) -> Vec<String> {
    hand_in(hub, orders).await.into_iter().map(|(outcome, _)| outcome).collect()
}

/// The order of this number, when it is there.
async fn order(hub: &Hub, number: &str) -> Value {
    wait::until(&format!("order {number} is there"), PATIENCE, || async {
        let all = api::all_orders(hub).await;
        all.into_iter().find(|one| one.order_no == number)
    })
    .await
    .whole
}

async fn is_there(hub: &Hub, number: &str) -> bool {
    api::all_orders(hub).await.iter().any(|one| one.order_no == number)
}

async fn only_what_lacks_waits(database: Option<Schema>) {
    let store = database.as_ref().map_or("sqlite:hub.db".to_owned(), Schema::url);
    let place = Place::new(&store);
    let hub = place.start().await;
    let said = outcomes(
        &hub,
        json!([
            { "number": "1", "replaces": "9" },
            { "number": "2", "note": "no look-up" },
            { "number": "3", "replaces": "8", "note": "old" },
        ]),
    )
    .await;
    assert_eq!(said, ["waiting", "applied", "waiting"]);
    // One of them is driven, though its neighbour lacks something still.
    assert_eq!(outcomes(&hub, json!([{ "number": "9" }])).await, ["applied"]);
    assert_eq!(order(&hub, "1").await["ext"]["replaces"], "till-9");
    assert!(!is_there(&hub, "3").await, "it lacks its own still");
    // A later word about what waits is the later word, whenever the earlier one is driven.
    assert_eq!(outcomes(&hub, json!([{ "number": "3", "note": "new" }])).await, ["applied"]);
    assert_eq!(outcomes(&hub, json!([{ "number": "8" }])).await, ["applied"]);
    let late = wait::until("the one that waited is driven", PATIENCE, || async {
        let late = order(&hub, "3").await;
        (late["ext"]["replaces"] == "till-8").then_some(late)
    })
    .await;
    assert_eq!(late["notes"]["customer"], "new");
    let todo = api::get(&hub, "/api/v1/todo").await;
    assert_eq!(todo["items"], json!([]), "nobody is asked");
    assert!(hub.terminate().await.success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_document_that_lacks_a_reference_waits_alone() {
    only_what_lacks_waits(None).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_document_that_lacks_a_reference_waits_alone_in_a_database_too() {
    let made = tokio::task::spawn_blocking(Schema::new).await.unwrap();
    only_what_lacks_waits(Some(made)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_many_lines_name_is_asked_for_once_and_no_message_asks_for_more_than_it_may() {
    let place = Place::new("sqlite:hub.db");
    let hub = place.start().await;
    let naming = |replaced: &dyn Fn(u64) -> String| -> Value {
        (0..1_020).map(|n| json!({ "number": format!("n{n}"), "replaces": replaced(n) })).collect()
    };
    let alone = |said: &[(String, String)]| {
        assert!(said.iter().all(|(outcome, _)| outcome == "waiting"), "{said:?}");
        said.iter().filter(|(_, why)| why.contains("driven alone")).count()
    };
    let one = hand_in(&hub, naming(&|_| "9".to_owned())).await;
    assert_eq!((one.len(), alone(&one)), (1_020, 0), "one look-up");
    let each = hand_in(&hub, naming(&|n| format!("r{n}"))).await;
    assert_eq!((each.len(), alone(&each)), (1_020, 20), "those beyond the bound");
    // The bound keeps nobody from what is known: alone, its look-up is the first.
    assert_eq!(outcomes(&hub, json!([{ "number": "r1019" }])).await, ["applied"]);
    assert_eq!(order(&hub, "n1019").await["ext"]["replaces"], "till-r1019");
    assert!(hub.terminate().await.success());
}

/// What waits for what it looks up, for files that look up something else, or nothing.
async fn other_files(database: Option<Schema>) {
    let store = database.as_ref().map_or("sqlite:hub.db".to_owned(), Schema::url);
    let place = Place::new(&store);
    let hub = place.start().await;
    let said = outcomes(&hub, json!([{ "number": "1", "replaces": "9" }])).await;
    assert_eq!(said, ["waiting"]);
    place.write("till/orders.yaml", ORDERS);
    assert_eq!(order(&hub, "1").await["ext"]["replaces"], Value::Null, "the rule is gone");
    // At a start with other files, too.
    place.write("till/orders.yaml", &format!("{ORDERS}{REPLACES}"));
    let changed = || async { api::get(&hub, "/api/v1/bundle").await["hash"].clone() };
    let plain = changed().await;
    wait::until("the hub looks up again", PATIENCE, || async {
        (changed().await != plain).then_some(())
    })
    .await;
    assert_eq!(outcomes(&hub, json!([{ "number": "2", "replaces": "9" }])).await, ["waiting"]);
    assert!(hub.terminate().await.success());
    let known = "  - { hub: ext.replaces, system: replaces, direction: in }\n";
    place.write("till/orders.yaml", &format!("{ORDERS}{known}"));
    let hub = place.start().await;
    assert_eq!(order(&hub, "2").await["ext"]["replaces"], "9", "it is mapped by the new files");
    assert!(hub.terminate().await.success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_for_a_look_up_is_tried_again_by_other_files() {
    other_files(None).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_in_a_database_is_tried_again_by_other_files() {
    let made = tokio::task::spawn_blocking(Schema::new).await.unwrap();
    other_files(Some(made)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_that_names_itself_does_not_wait_for_itself() {
    let place = Place::new("sqlite:hub.db");
    let hub = place.start().await;
    let said = outcomes(&hub, json!([{ "number": "5", "replaces": "5", "note": "hi" }])).await;
    assert_eq!(said, ["applied"]);
    let known = wait::until("it knows itself", PATIENCE, || async {
        let known = order(&hub, "5").await;
        (known["ext"]["replaces"] == "till-5").then_some(known)
    })
    .await;
    assert_eq!(known["notes"]["customer"], "hi");
    assert_eq!(api::get(&hub, "/api/v1/todo").await["items"], json!([]));
    // What it names besides is waited for as ever.
    let both = json!([{ "number": "6", "replaces": "6" }, { "number": "7", "replaces": "8" }]);
    assert_eq!(outcomes(&hub, both).await, ["applied", "waiting"]);
    assert!(hub.terminate().await.success());
}

/// Sends a webhook of acme; its status and what it says.
async fn send(hub: &Hub, kind: Option<&str>, body: String) -> (u16, String) {
    let mut request = client().post(hub.url("/webhooks/acme")).body(body);
    if let Some(kind) = kind {
        request = request.header("x-kind", kind);
    }
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

async fn todos(hub: &Hub) -> Vec<(String, String)> {
    let all = api::get(hub, "/api/v1/todo").await;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let all = all["items"].as_array().unwrap().iter();
    all.map(|todo| (text(&todo["cause"]), text(&todo["why"]))).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_notice_that_cannot_be_read_holds_back_none_beside_it() {
    let place = Place::new("sqlite:hub.db");
    let hub = place.start().await;
    let value = json!({ "value": [
        { "id": "m1", "kind": "order", "number": "1" },
        { "id": "m2", "nokind": 1 },
        { "id": "m3", "kind": "order", "number": "3" },
        { "id": "m4", "nokind": 2 },
    ] });
    assert_eq!(send(&hub, None, value.to_string()).await.0, 200);
    for number in ["1", "3"] {
        assert!(is_there(&hub, number).await, "{number} is there when the sender is told");
    }
    let told = "the webhook does not say its kind";
    let expected = format!("value[1]: {told}; value[3]: {told}");
    assert_eq!(todos(&hub).await, [("unreadable_webhook".to_owned(), expected)]);
    // More than are read of one: its sender is told to divide it, and nothing of it is taken.
    let many: Vec<Value> = (0..1_001)
        .map(|n| json!({ "id": n, "kind": "order", "number": format!("n{n}") }))
        .collect();
    let (status, said) = send(&hub, None, json!({ "value": many }).to_string()).await;
    assert_eq!(status, 413, "{said}");
    assert!(said.contains("1001 notices") && said.contains("at most 1000"), "{said}");
    assert_eq!((api::all_orders(&hub).await.len(), todos(&hub).await.len()), (2, 1));
    let metrics = http::text(&hub.url("/metrics")).await.unwrap();
    assert!(metrics.contains("orderhub_webhooks_refused_total{system=\"acme\"} 1"), "{metrics}");
    assert!(hub.log().contains("too many notices"), "{}", hub.log());
    let fewer = json!({ "value": &many[..1_000] });
    assert_eq!(send(&hub, None, fewer.to_string()).await.0, 200);
    assert_eq!(api::all_orders(&hub).await.len(), 1_002);
    assert!(hub.terminate().await.success());
}

async fn mended(database: Option<Schema>) {
    let store = database.as_ref().map_or("sqlite:hub.db".to_owned(), Schema::url);
    let place = Place::new(&store);
    let hub = place.start().await;
    // One is read at once; of the other, this connector does not know what it is.
    let first = json!({ "value": [
        { "id": "z1", "number": "7", "note": "old", "desk": "d1" },
        { "id": "z2", "kind": "order", "number": "8" },
    ] });
    assert_eq!(send(&hub, Some("order"), first.to_string()).await.0, 200);
    let weather = json!({ "value": [{ "id": "z3", "number": "9" }] });
    assert_eq!(send(&hub, Some("weather"), weather.to_string()).await.0, 200);
    assert_eq!(send(&hub, None, "no JSON".to_owned()).await.0, 200);
    let newer = json!({ "value": [{ "id": "z4", "kind": "order", "number": "7", "note": "new" }] });
    assert_eq!(send(&hub, None, newer.to_string()).await.0, 200);
    let version = order(&hub, "8").await["version"].clone();
    // Replayed by a connector that is not mended, it is what it was.
    let open = api::get(&hub, "/api/v1/todo").await["items"].as_array().unwrap().clone();
    assert_eq!(open.len(), 3, "{open:?}");
    for todo in &open {
        let url = hub.url(&format!("/api/v1/todo/{}/replay", todo["id"]));
        let answer = client().post(url).json(&json!({})).send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
    }
    let causes = |todos: &[(String, String)]| {
        let mut causes: Vec<String> = todos.iter().map(|(cause, _)| cause.clone()).collect();
        causes.sort();
        causes
    };
    wait::until("all of it was tried", PATIENCE, || async {
        let now = api::get(&hub, "/api/v1/todo").await["items"].as_array().unwrap().clone();
        let anew = now.iter().all(|todo| open.iter().all(|old| old["id"] != todo["id"]));
        (anew && now.len() == 3).then_some(())
    })
    .await;
    assert_eq!(causes(&todos(&hub).await), ["unreadable_webhook"; 3]);

    place.write("acme/connector.yaml", &HOOKS.replace(MENDED.0, MENDED.1));
    wait::until("the mended connector read them", PATIENCE, || async {
        (causes(&todos(&hub).await) == ["unknown_document", "unreadable_webhook"]).then_some(())
    })
    .await;
    let seven = order(&hub, "7").await;
    assert_eq!(seven["ext"]["desk"], "d1", "it is applied");
    assert_eq!(seven["notes"]["customer"], "new", "as it would have been: it came before");
    assert_eq!(order(&hub, "8").await["version"], version, "its neighbour is not taken twice");
    // What nobody takes is not lost by a replay either.
    let open = api::get(&hub, "/api/v1/todo?cause=unknown_document").await["items"][0].clone();
    assert!(open["why"].as_str().unwrap().contains("weather"), "{open}");
    assert!(hub.terminate().await.success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_webhook_that_could_not_be_read_is_applied_once_its_connector_is_mended() {
    mended(None).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_webhook_that_could_not_be_read_is_applied_from_a_database_too() {
    let made = tokio::task::spawn_blocking(Schema::new).await.unwrap();
    mended(Some(made)).await;
}

/// The same order is handed in by another list of its request, `value` is read at first, `news` by the mended connector.
async fn by_another_list(named: bool) -> (Vec<(String, String)>, Vec<bool>, Vec<(u64, u64)>) {
    let place = Place::new("sqlite:hub.db");
    let hooks = if named { HOOKS.to_owned() } else { HOOKS.replace("  id: item.id\n", "") };
    place.write("acme/connector.yaml", &hooks);
    let hub = place.start().await;
    let both = json!({
        "value": [
            { "id": "n1", "kind": "order", "number": "1", "note": "old" },
            { "id": "n2", "kind": "order", "number": "2" },
            { "id": "n3", "number": "3" },
        ],
        "news": [
            { "id": "n3", "kind": "order", "number": "3" },
            { "id": "n1", "kind": "order", "number": "1", "note": "old", "desk": "d1" },
        ],
    });
    assert_eq!(send(&hub, None, both.to_string()).await.0, 200);
    let before = todos(&hub).await;
    assert_eq!(before.len(), 1, "{before:?}");
    let versions = async || {
        let (one, two) = (order(&hub, "1").await, order(&hub, "2").await);
        (one["version"].as_u64().unwrap(), two["version"].as_u64().unwrap())
    };
    let first = versions().await;
    place.write("acme/connector.yaml", &hooks.replace("each: body.value", "each: body.news"));
    let after = wait::until("the other list was read", PATIENCE, || async {
        let now = todos(&hub).await;
        (now != before).then_some(now)
    })
    .await;
    let there = [is_there(&hub, "1").await, is_there(&hub, "3").await];
    let versions = vec![first, versions().await];
    assert!(hub.terminate().await.success());
    (after, there.to_vec(), versions)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_mended_connector_reads_from_another_list_is_taken_once_or_stays_a_todo() {
    let (todos, there, versions) = by_another_list(true).await;
    assert_eq!((todos, there), (Vec::new(), vec![true, true]), "each says who it is");
    assert_eq!(versions[0], versions[1], "what was taken at once is not taken again");
    let (todos, there, versions) = by_another_list(false).await;
    assert_eq!((todos.len(), there), (1, vec![true, false]), "{todos:?}");
    let (cause, why) = &todos[0];
    assert_eq!(cause, "unreadable_webhook");
    assert!(why.contains("it cannot be told which of them were taken"), "{why}");
    assert_eq!(versions[0], versions[1]);
}

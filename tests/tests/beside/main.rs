//! One message of many documents, one request of many notices: what one of them lacks holds up none beside it, and is
//! not lost.

use std::time::Duration;

use orderhub_tests::database::Schema;
use orderhub_tests::http::client;
use orderhub_tests::hub::{Hub, free_port};
use orderhub_tests::{api, wait};
use serde_json::{Value, json};
use tempfile::TempDir;

mod passed;
mod unread;

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

//! What stands elsewhere than in the document: references of the system that speaks, and master data of the hub.

use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use orderhub_tests::database::Schema;
use orderhub_tests::http::client;
use orderhub_tests::hub::{Hub, binary, free_port};
use orderhub_tests::mappings::copy;
use orderhub_tests::orders::Order;
use orderhub_tests::settings::Settings;
use orderhub_tests::{api, wait};
use serde_json::Value;

const PATIENCE: Duration = Duration::from_secs(30);

/// Rules that look up: which order one replaces, and what kind of goods it is of.
const RULES: &str = "  - { hub: ext.replaces, system: replaces, as: { lookup: { xref: order } } }
  - { hub: ext.before, system: before, as: { lookup: { xref: order, on_unknown: ignore } } }
  - { hub: ext.family, system: article, as: { lookup: { master: articles, take: family } } }
";

/// The shipped files with the rules, and a table of articles.
fn files(folder: &Path) {
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../mappings"), folder);
    let file = folder.join("shopify/order_rest.yaml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replacen("fields:\n", &format!("fields:\n{RULES}"), 1)).unwrap();
    std::fs::create_dir_all(folder.join("hub/master")).unwrap();
    let articles = "no,family,name\n17,tea,Tea\n18,mugs,Mug\n";
    std::fs::write(folder.join("hub/master/articles.csv"), articles).unwrap();
}

/// An order of the shop that says more.
fn order(number: u64, more: &str) -> String {
    Order::paid("shop_eu", number, 1).body().replacen('{', &format!("{{{more},"), 1)
}

fn id(number: u64) -> u64 {
    Order::paid("shop_eu", number, 1).id()
}

async fn hand_in(hub: &Hub, body: String) -> Value {
    let request = client().post(hub.url("/api/v1/intake/shop_eu/order_rest")).body(body);
    let answer = request.header("content-type", "application/json").send().await.unwrap();
    assert!(answer.status().is_success(), "{}", answer.status());
    answer.json().await.unwrap()
}

async fn ext(hub: &Hub, number: u64, name: &str) -> Value {
    api::get(hub, &format!("/api/v1/orders/shop_eu-{number}")).await["ext"][name].clone()
}

async fn looked_up(database: Option<Schema>) {
    let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
    let mappings = folder.path().join("mappings");
    files(&mappings);
    let mut settings = Settings::reading(port, &mappings).shop("shop_eu", "http://127.0.0.1:1");
    if let Some(database) = &database {
        settings = settings.store(&database.url());
    }
    settings.write(folder.path());
    let hub = Hub::start(folder.path(), port).await;

    // Its predecessor is not known yet: it waits for it, and is woken by it.
    let early = format!(r#""replaces":{},"before":{},"article":"17""#, id(1), id(9));
    let early = hand_in(&hub, order(2, &early)).await;
    assert_eq!(early["outcome"], "waiting", "{early}");
    assert!(early["why"].as_str().unwrap().contains(&id(1).to_string()), "{early}");
    let other = hand_in(&hub, order(3, r#""article":"18""#)).await;
    assert_eq!(other["outcome"], "applied", "it holds up no other: {other}");
    let first = hand_in(&hub, order(1, r#""article":"18""#)).await;
    assert_eq!(first["outcome"], "applied", "{first}");
    wait::until("the order that waited is there", PATIENCE, || async {
        let orders = api::all_orders(&hub).await;
        orders.iter().any(|order| order.order_no == "2").then_some(())
    })
    .await;
    assert_eq!(ext(&hub, 2, "replaces").await, "shop_eu-1");
    assert_eq!(ext(&hub, 2, "before").await, Value::Null, "what is unknown is left out");
    assert_eq!(ext(&hub, 2, "family").await, "tea");

    // Known at once.
    let late = hand_in(&hub, order(4, &format!(r#""replaces":{}"#, id(2)))).await;
    assert_eq!(late["outcome"], "applied", "{late}");
    assert_eq!(ext(&hub, 4, "replaces").await, "shop_eu-2");

    // An article that nobody knows is for a person, by its key.
    let unknown = hand_in(&hub, order(5, r#""article":"4711""#)).await;
    assert_eq!(unknown["outcome"], "todo", "{unknown}");
    assert!(unknown["why"].as_str().unwrap().contains("4711"), "{unknown}");
    let todo = api::get(&hub, "/api/v1/todo?cause=unknown_value").await;
    assert_eq!(todo["items"].as_array().unwrap().len(), 1, "{todo}");
    assert!(hub.terminate().await.success());

    recorded(folder.path());
    looked_up_now(folder.path());
}

/// `mapping what-if` with the files as they are now, as JSON.
fn what_if(folder: &Path, more: &[&str]) -> Output {
    let arguments = ["mapping", "what-if", "mappings", "-o", "json"];
    let mut command = Command::new(binary());
    command.args(arguments).args(more).current_dir(folder).output().unwrap()
}

fn recorded(folder: &Path) {
    let mappings = folder.join("mappings");
    // What was looked up is recorded: the messages give the same again, though more is known by now.
    let file = mappings.join("shopify/order_rest.yaml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, format!("{text}# changes nothing\n")).unwrap();
    let ran = what_if(folder, &["--exit-code"]);
    let words = String::from_utf8(ran.stderr).unwrap();
    assert_eq!(ran.status.code(), Some(0), "{words}");
    let report: Value = serde_json::from_slice(&ran.stdout).unwrap();
    assert_eq!((&report["messages"], &report["otherwise"]), (&5.into(), &0.into()), "{report:#}");
    assert_eq!(report["not_replayable"], serde_json::json!({}), "{report:#}");
}

fn looked_up_now(folder: &Path) {
    let file = folder.join("mappings/shopify/order_rest.yaml");
    let text = std::fs::read_to_string(&file).unwrap();
    // What a new rule looks up besides is looked up as it is now.
    let article = "  - { hub: ext.own, system: id, as: { lookup: { xref: order } } }\n";
    std::fs::write(&file, text.replacen("fields:\n", &format!("fields:\n{article}"), 1)).unwrap();
    let ran = what_if(folder, &["--exit-code"]);
    let words = String::from_utf8(ran.stderr).unwrap();
    let report: Value = serde_json::from_slice(&ran.stdout).unwrap();
    assert_eq!(
        (ran.status.code(), &report["looked_up"]),
        (Some(1), &4.into()),
        "{words}\n{report:#}"
    );
    let change = |report: &Value, field: &str| {
        let changes = report["changes"].as_array().unwrap().clone();
        let found = changes.into_iter().find(|change| change["field"] == field);
        found.unwrap_or_else(|| panic!("no {field} in {report:#}"))
    };
    let own = change(&report, "ext.own");
    assert_eq!(
        (&own["documents"], own["examples"][0]["new"].as_str().is_some()),
        (&4.into(), true),
        "{own:#}"
    );
    // The fifth is parked, and no order is known by it.
    assert!(words.contains("5 messages, 1 of them left out, 4 documents: 4 differ"), "{words}");
    assert!(
        words.contains("it was looked up as it is now") && words.contains("hint: ask again"),
        "{words}"
    );

    // And stands around a message where rules are looked for.
    let upper =
        text.replacen("{ lookup: { xref: order } }", "[{ lookup: { xref: order } }, upper]", 1);
    std::fs::write(&file, upper).unwrap();
    let ran = what_if(folder, &[]);
    let report: Value = serde_json::from_slice(&ran.stdout).unwrap();
    let change = change(&report, "ext.replaces");
    let rule = "mappings/shopify/order_rest.yaml:";
    for side in ["old_rule", "new_rule"] {
        assert!(change[side].as_str().is_some_and(|at| at.starts_with(rule)), "{side} {change:#}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_that_comes_later_ends_what_waited_for_it() {
    let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
    let mappings = folder.path().join("mappings");
    files(&mappings);
    let settings = Settings::new(port).own_mappings().shop("shop_eu", "http://127.0.0.1:1");
    settings.write(folder.path());
    let hub = Hub::start(folder.path(), port).await;
    for (number, article) in [(1, "4711"), (2, "4712")] {
        let unknown = hand_in(&hub, order(number, &format!(r#""article":"{article}""#))).await;
        assert_eq!(unknown["outcome"], "todo", "{unknown}");
    }
    let articles = "no,family,name\n17,tea,Tea\n4711,pots,Pot\n";
    std::fs::write(mappings.join("hub/master/articles.csv"), articles).unwrap();
    wait::until("the order is there", PATIENCE, || async {
        (api::all_orders(&hub).await.len() == 1).then_some(())
    })
    .await;
    assert_eq!(ext(&hub, 1, "family").await, "pots");
    // The other was tried once more, by the hub, and is a todo of its own again.
    let open = || async {
        let page = api::get(&hub, "/api/v1/todo?cause=unknown_value").await;
        page["items"].as_array().unwrap().clone()
    };
    let ids = |todos: &[Value]| todos.iter().map(|todo| todo["id"].clone()).collect::<Vec<_>>();
    let left = wait::until("one is left", PATIENCE, || async {
        let open = open().await;
        (open.len() == 1).then_some(open)
    })
    .await;
    assert!(left[0]["why"].as_str().unwrap().contains("4712"), "{left:?}");
    // A start with the same files leaves it alone.
    assert!(hub.terminate().await.success());
    let hub = Hub::start(folder.path(), port).await;
    // What wakes this one looks first for what is to be taken up again.
    let late = hand_in(&hub, order(3, &format!(r#""replaces":{}"#, id(4)))).await;
    assert_eq!(late["outcome"], "waiting", "{late}");
    hand_in(&hub, order(4, r#""article":"17""#)).await;
    wait::until("the periodic work was done", PATIENCE, || async {
        (api::all_orders(&hub).await.len() == 3).then_some(())
    })
    .await;
    let page = api::get(&hub, "/api/v1/todo?cause=unknown_value").await;
    assert_eq!(ids(page["items"].as_array().unwrap()), ids(&left));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_looked_up_is_recorded_and_what_is_unknown_is_waited_for() {
    looked_up(None).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_looked_up_in_a_database_is_recorded_too() {
    let made = tokio::task::spawn_blocking(Schema::new).await.unwrap();
    looked_up(Some(made)).await;
}

//! Nothing rests unseen: what the files cannot give is refused, or shown at once, and what rests is tried again once
//! the files are others. The warehouse of the README, with mistakes in its files.

use std::time::Duration;

use orderhub_tests::database::Schema;
use orderhub_tests::hub::Hub;
use orderhub_tests::shelf::{Scene, until_gauge};
use orderhub_tests::till::orderhub;
use orderhub_tests::{api, wait};
use serde_json::Value;

const PATIENCE: Duration = Duration::from_secs(30);

async fn todos(hub: &Hub) -> Vec<Value> {
    api::get(hub, "/api/v1/todo?cause=not_given").await["items"].as_array().unwrap().clone()
}

async fn until_todos(hub: &Hub, count: usize) -> Vec<Value> {
    wait::until(&format!("{count} todos"), PATIENCE, || async {
        let open = todos(hub).await;
        (open.len() == count).then_some(open)
    })
    .await
}

async fn missing_in_a_document(database: Option<Schema>) {
    let scene = Scene::new(database).await;
    // Written only where the settings say so, which no check can know.
    let (fine, wrong) = (
        "{ hub: ref, system: job, direction: out }",
        "{ hub: ref, system: job, direction: out, where: { $settings.speaks: [yes] } }",
    );
    scene.change("job.yaml", fine, wrong);
    let hub = scene.start().await;
    scene.order(&hub, "17").await;
    scene.order(&hub, "18").await;
    let open = until_todos(&hub, 2).await;
    for todo in &open {
        let why = todo["why"].as_str().unwrap();
        assert_eq!(
            (&todo["kind"], &todo["cause"]),
            (&"dead".into(), &"not_given".into()),
            "{todo}"
        );
        for named in ["`doc.job`", "`shelf.job`", "`put_job`"] {
            assert!(why.contains(named), "{why}");
        }
    }
    until_gauge(&hub, "orderhub_delivery_resting", &["unfit", "shelf"], "2").await;
    until_gauge(&hub, "orderhub_delivery_resting", &["not_linked", "shelf"], "0").await;
    let receipts = api::get(&hub, "/api/v1/receipts?system=shelf").await;
    assert_eq!(receipts["items"][0]["class"], "not_acted", "{receipts}");
    let why = api::get(&hub, "/api/v1/orders/17/why?system=shelf").await;
    assert_eq!(why["items"][0]["code"], "dead", "{why}");
    scene.until_told("2 orders rest for `shelf`: the files make no call").await;
    // Tried once more, by the order's change: the same todo.
    let again = scene.folder.path().join("mappings/till/samples/order.json");
    let again = std::fs::read_to_string(again)
        .unwrap()
        .replace("09:00:00Z", "10:00:00Z")
        .replace("Hamburg", "Kiel");
    api::take_in(&hub, "till", "order", again).await;
    assert_eq!(until_todos(&hub, 2).await.len(), 2);
    assert!(scene.jobs().is_empty());
    // A person may ask for it again, too: it is the same.
    let number = todos(&hub).await[0]["id"].as_i64().unwrap().to_string();
    let url = format!("http://127.0.0.1:{}", scene.port);
    let resolve = ["todo", "resolve", &number, "--again", "--reason", "tried", "--url", &url];
    // While the change is tried it goes by itself, and there is nothing to ask for.
    let ran = wait::until("it rests again", PATIENCE, || async {
        let ran = orderhub(scene.folder.path(), &resolve, "");
        (ran.code != 6).then_some(ran)
    });
    let ran = ran.await;
    assert_eq!(ran.code, 0, "{ran:?}");
    until_todos(&hub, 2).await;
    // Mended: all are sent, and nobody is asked any more.
    scene.change("job.yaml", wrong, fine);
    scene.until_taken(&hub, &["till-17-F1", "till-18-F1"]).await;
    until_todos(&hub, 0).await;
    until_gauge(&hub, "orderhub_delivery_resting", &["unfit", "shelf"], "0").await;
    assert!(hub.terminate().await.success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_no_rule_writes_is_a_todo_and_is_sent_once_mended() {
    missing_in_a_document(None).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_no_rule_writes_is_a_todo_and_is_sent_once_mended_on_a_database() {
    missing_in_a_document(Some(Schema::new())).await;
}

async fn missing_link(database: Option<Schema>) {
    let scene = Scene::new(database).await;
    let (fine, wrong) = ("/jobs/{doc.job}", "/jobs/{xref.fulfilment}");
    scene.change("connector.yaml", fine, wrong);
    let hub = scene.start().await;
    scene.order(&hub, "17").await;
    until_gauge(&hub, "orderhub_delivery_resting", &["not_linked", "shelf"], "1").await;
    // A document about a job that nobody knows yet.
    let early = r#"{ "job": "till-99-F1", "state": "done" }"#.to_owned();
    api::take_in(&hub, "shelf", "job", early).await;
    until_gauge(&hub, "orderhub_intake_waiting", &["\"waiting\""], "1").await;
    for line in [
        "1 order rests for `shelf`: a reference is not known",
        "1 message waits for an order, or a reference",
    ] {
        scene.until_told(line).await;
    }
    assert!(todos(&hub).await.is_empty());
    // The files change while the hub runs: what rests is tried, and what still lacks it rests again.
    scene.change("connector.yaml", wrong, &format!("{wrong}/x"));
    let seen = Duration::from_secs(20);
    wait::until("the hub uses them", seen, || async {
        let log = hub.log();
        (log.matches("switched").count() > 0).then_some(())
    })
    .await;
    assert!(scene.jobs().is_empty());
    assert!(hub.terminate().await.success());
    // They change while it is away.
    scene.change("connector.yaml", &format!("{wrong}/x"), fine);
    let hub = scene.start().await;
    scene.until_taken(&hub, &["till-17-F1"]).await;
    until_gauge(&hub, "orderhub_delivery_resting", &["not_linked", "shelf"], "0").await;
    assert!(hub.terminate().await.success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_rests_and_waits_is_counted_and_told() {
    missing_link(None).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lanes_at_rest_are_tried_again_at_the_start() {
    missing_link(Some(Schema::new())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_that_wait_for_what_nobody_gives_are_refused() {
    let scene = Scene::new(None).await;
    let hub = scene.start().await;
    let mistakes = [
        ("connector.yaml", "{doc.job}", "{doc.jbo}", "M0801"),
        ("job.yaml", "{ hub: ref, system: job", "{ hub: ref, system: jobb", "M0801"),
        ("connector.yaml", "{doc.job}", "{xref.fulfillment}", "M0702"),
        ("connector.yaml", "memo.job", "memo.jobb", "C0021"),
        ("integration.yaml", "    with: job\n", "", "M0801"),
    ];
    for (file, from, to, code) in mistakes {
        scene.change(file, from, to);
        let ran = orderhub(scene.folder.path(), &["check"], "");
        assert!(ran.code == 1 && format!("{}{}", ran.out, ran.err).contains(code), "{ran:?}");
        wait::until(&format!("{code} is refused"), PATIENCE, || async {
            let said = api::get(&hub, "/api/v1/bundle").await.to_string();
            said.contains(code).then_some(())
        })
        .await;
        if to.is_empty() {
            scene.change(file, "    do: put_job\n", "    do: put_job\n    with: job\n");
        } else {
            scene.change(file, to, from);
        }
    }
    // The last word is not that they are refused.
    wait::until("the log says that they are in use again", PATIENCE, || async {
        let log = hub.log();
        let (refused, again) = (log.rfind("are not used"), log.rfind("again those in use"));
        (refused < again).then_some(())
    })
    .await;
    // The files in use went on.
    scene.order(&hub, "17").await;
    scene.until_taken(&hub, &["till-17-F1"]).await;
    assert!(hub.terminate().await.success());
    // And no hub starts with such files.
    scene.change("connector.yaml", "{doc.job}", "{doc.jbo}");
    let ran = orderhub(scene.folder.path(), &["run", "-c", "orderhub.toml"], "");
    assert_eq!(ran.code, 78, "{ran:?}");
    assert!(ran.out.contains("M0801"), "{ran:?}");
}

async fn asked_for(database: Option<Schema>) {
    let scene = Scene::new(database).await;
    let order = scene.folder.path().join("mappings/till/order.yaml");
    let text = std::fs::read_to_string(&order).unwrap();
    let rule = "  - { hub: ext.replaces, system: replaces, direction: in, as: { lookup: { xref: order } } }";
    std::fs::write(&order, text.replacen("fields:\n", &format!("fields:\n{rule}\n"), 1)).unwrap();
    let hub = scene.start().await;
    scene.order(&hub, "17").await;
    let sample = scene.folder.path().join("mappings/till/samples/order.json");
    let sample = std::fs::read_to_string(sample).unwrap();
    for number in ["17", "71"] {
        let body = sample.replace("\"17\"", &format!("\"{number}\", \"replaces\": \"70\""));
        api::take_in(&hub, "till", "order", body.replace("09:00:00Z", "10:00:00Z")).await;
    }
    let url = format!("http://127.0.0.1:{}", scene.port);
    let waits = "a message of `till` about it waits since ";
    let shown = orderhub(scene.folder.path(), &["order", "show", "71", "--url", &url], "");
    assert_ne!(shown.code, 0, "{shown:?}");
    assert!(shown.err.contains(waits) && shown.err.contains("for the order `70`"), "{shown:?}");
    let other = orderhub(scene.folder.path(), &["order", "show", "72", "--url", &url], "");
    assert!(!other.err.contains("waits"), "{other:?}");
    let why = api::get(&hub, "/api/v1/orders/17/why?system=till").await;
    assert!(why["items"][0]["why"].as_str().unwrap().contains(waits), "{why}");
    let why = api::get(&hub, "/api/v1/orders/17/why?system=shelf").await;
    assert!(!why["items"][0]["why"].as_str().unwrap().contains(waits), "{why}");
    // What it waits for comes, and nothing waits any more.
    scene.order(&hub, "70").await;
    until_gauge(&hub, "orderhub_intake_waiting", &["\"waiting\""], "0").await;
    wait::until("order 71 is there", PATIENCE, || async {
        let orders = api::all_orders(&hub).await;
        orders.iter().any(|order| order.order_no == "71").then_some(())
    })
    .await;
    assert!(hub.terminate().await.success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_waits_is_told_where_its_order_is_asked_for() {
    asked_for(None).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_waits_is_told_where_its_order_is_asked_for_on_a_database() {
    asked_for(Some(Schema::new())).await;
}

//! What is not delivered because the files lack the entry for it, and what a person has sent again. The warehouse of the
//! README, whose `deliver:` goes missing while the hub runs.

use std::path::PathBuf;
use std::time::Duration;

use orderhub_tests::database::Schema;
use orderhub_tests::hub::{Hub, free_port};
use orderhub_tests::mappings::copy;
use orderhub_tests::shelf::{Scene, until_gauge};
use orderhub_tests::till::{Ran, orderhub};
use orderhub_tests::{api, wait};
use serde_json::Value;

const PATIENCE: Duration = Duration::from_secs(30);
const RESTING: &str = "orderhub_delivery_resting";

/// The shelf's integration file.
fn integration(scene: &Scene) -> PathBuf {
    scene.folder.path().join("mappings/shelf/integration.yaml")
}

/// It ends before its `deliver:`, and is whole YAML all the same.
fn cut(path: &PathBuf) -> String {
    let text = std::fs::read_to_string(path).unwrap();
    let (before, _) = text.split_once("deliver:\n").expect("it has one");
    std::fs::write(path, before).unwrap();
    text
}

/// Until the hub warns of so many things; the first of them.
async fn warned(hub: &Hub, count: usize) -> String {
    let what = format!("{count} warnings");
    wait::until(&what, PATIENCE, || async {
        let bundle = api::get(hub, "/api/v1/bundle").await;
        let warnings = bundle["warnings"].as_array().unwrap();
        let first = warnings.first().map(|one| one["why"].as_str().unwrap().to_owned());
        (warnings.len() == count).then(|| first.unwrap_or_default())
    })
    .await
}

async fn why(hub: &Hub, order: &str) -> Value {
    api::get(hub, &format!("/api/v1/orders/{order}/why?system=shelf")).await["items"][0].clone()
}

fn ran(scene: &Scene, words: &[&str]) -> Ran {
    let url = format!("http://127.0.0.1:{}", scene.port);
    let words: Vec<&str> = words.iter().copied().chain(["--url", &url]).collect();
    orderhub(scene.folder.path(), &words, "")
}

async fn missing(database: Option<Schema>) {
    let scene = Scene::new(database).await;
    let hub = scene.start().await;
    scene.order(&hub, "17").await;
    scene.until_taken(&hub, &["till-17-F1"]).await;

    // Asked before it is done, the tool tells it.
    let tried = scene.folder.path().join("tried");
    copy(&scene.folder.path().join("mappings"), &tried);
    cut(&tried.join("shelf/integration.yaml"));
    let ask = ["mapping", "what-if", "tried", "-c", "orderhub.toml", "-o", "json", "--exit-code"];
    let told = orderhub(scene.folder.path(), &ask, "");
    let report: Value = serde_json::from_str(&told.out).unwrap_or_else(|_| panic!("{told:?}"));
    assert_eq!((told.code, &report["differ"]), (1, &Value::from(0)), "{report:#}");
    let call = &report["deliveries"][0];
    assert_eq!((&call["what"], &call["system"]), (&"no_longer_delivered".into(), &"shelf".into()));
    assert_eq!(call["rule"], "fulfilment.released/put_job", "{report:#}");

    let whole = cut(&integration(&scene));
    let warning = warned(&hub, 1).await;
    for said in ["`shelf` delivered `fulfilment.released`", "does not now", "do: none"] {
        assert!(warning.contains(said), "{warning}");
    }
    assert!(hub.log().contains("`shelf` delivered `fulfilment.released`"), "{}", hub.log());
    for number in ["18", "19"] {
        scene.order(&hub, number).await;
    }
    until_gauge(&hub, RESTING, &["not_routed", "shelf"], "2").await;
    let waits = why(&hub, "18").await;
    assert_eq!(waits["code"], "not_routed", "{waits}");
    assert!(
        waits["why"].as_str().unwrap().contains("Put that entry of `deliver:` back"),
        "{waits}"
    );
    scene.until_told("2 orders rest for `shelf`: the files have no entry").await;
    scene.until_told("`shelf` delivered `fulfilment.released`").await;

    // It may die in between: what is owed stands in the store, and a start by such files warns, too.
    hub.kill();
    let hub = scene.start().await;
    warned(&hub, 1).await;
    until_gauge(&hub, RESTING, &["not_routed", "shelf"], "2").await;
    assert_eq!(scene.jobs(), ["till-17-F1"]);

    std::fs::write(integration(&scene), whole).unwrap();
    scene.until_taken(&hub, &["till-17-F1", "till-18-F1", "till-19-F1"]).await;
    until_gauge(&hub, RESTING, &["not_routed", "shelf"], "0").await;
    warned(&hub, 0).await;
    assert!(hub.terminate().await.success());
    // Nothing comes twice, whatever it starts by.
    let hub = scene.start().await;
    scene.order(&hub, "20").await;
    scene.until_taken(&hub, &["till-17-F1", "till-18-F1", "till-19-F1", "till-20-F1"]).await;
    assert!(hub.terminate().await.success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn orders_of_a_missing_entry_are_sent_once_it_is_back() {
    missing(None).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn orders_of_a_missing_entry_are_sent_once_it_is_back_on_postgresql() {
    missing(Some(Schema::new())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_meant_to_be_sent_no_more_is_owed_to_nobody() {
    let scene = Scene::new(None).await;
    let hub = scene.start().await;
    let whole = cut(&integration(&scene));
    warned(&hub, 1).await;
    scene.order(&hub, "17").await;
    until_gauge(&hub, RESTING, &["not_routed", "shelf"], "1").await;
    // Said so, it is: what waited waits no more, and what comes is told nobody.
    let (before, _) = whole.split_once("deliver:\n").unwrap();
    let nothing = format!("{before}deliver:\n  - {{ on: fulfilment.released, do: none }}\n");
    std::fs::write(integration(&scene), nothing).unwrap();
    warned(&hub, 0).await;
    until_gauge(&hub, RESTING, &["not_routed", "shelf"], "0").await;
    scene.order(&hub, "18").await;
    // A rule that is back is for what happens from now on; for the rest there is a command.
    std::fs::write(integration(&scene), whole).unwrap();
    wait::until("it is back", PATIENCE, || async {
        (hub.log().matches("the hub has switched").count() == 3).then_some(())
    })
    .await;
    scene.order(&hub, "19").await;
    scene.until_taken(&hub, &["till-19-F1"]).await;
    let again = ran(&scene, &["order", "resend", "17", "shelf", "--reason", "the entry was gone"]);
    assert_eq!(again.code, 0, "{again:?}");
    scene.until_taken(&hub, &["till-17-F1", "till-19-F1"]).await;
    assert!(hub.terminate().await.success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_is_sent_again_on_demand() {
    let scene = Scene::new(None).await;
    let hub = scene.start().await;
    scene.order(&hub, "17").await;
    scene.until_taken(&hub, &["till-17-F1"]).await;
    // It has it: nothing goes before somebody says that it shall go once more.
    for words in [&["--reason", "is it there"][..], &["--preview"]] {
        let words = [&["order", "resend", "17", "shelf"], words].concat();
        let told = ran(&scene, &words);
        assert!(
            told.code != 0 && told.err.contains("order resend till-17 shelf --all"),
            "{told:?}"
        );
    }
    let preview = ran(&scene, &["order", "resend", "17", "shelf", "--all", "--preview"]);
    assert!(preview.code == 0 && preview.out.contains("put_job"), "{preview:?}");
    assert!(preview.out.contains("would make version"), "{preview:?}");
    let words = ["order", "resend", "17", "shelf", "--all", "--reason", "the job was lost there"];
    let again = ran(&scene, &words);
    assert!(again.code == 0 && again.out.contains("is sent to shelf:"), "{again:?}");
    // Though it equals to the byte what was sent.
    scene.until_taken(&hub, &["till-17-F1", "till-17-F1"]).await;
    api::until_idle(&hub, PATIENCE).await;
    let log = ran(&scene, &["order", "log", "17", "-o", "json"]);
    assert!(
        log.out.contains("resend_all:shelf") && log.out.contains("the job was lost"),
        "{log:?}"
    );
    let receipts = api::get(&hub, "/api/v1/receipts?system=shelf").await;
    assert_eq!(receipts["items"].as_array().unwrap().len(), 2, "{receipts}");

    let refused: [(&[&str], &str); 4] = [
        (&["order", "resend", "99", "shelf", "--reason", "x"], "no order"),
        (&["order", "resend", "17", "moon", "--reason", "x"], "no system"),
        (&["order", "resend", "17", "till", "--reason", "x"], "is sent nothing"),
        (&["order", "resend", "17", "shelf"], "--reason"),
    ];
    for (words, says) in refused {
        let told = ran(&scene, words);
        assert!(told.code != 0 && told.err.contains(says), "{words:?}: {told:?}");
    }
    assert_eq!(scene.jobs().len(), 2, "nothing more was sent");
    assert!(hub.terminate().await.success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replicas_owe_together_what_no_entry_sends() {
    let scene = Scene::new(Some(Schema::new())).await;
    let (other, port) = (tempfile::tempdir().unwrap(), free_port());
    copy(scene.folder.path(), other.path());
    let settings = other.path().join("orderhub.toml");
    let text = std::fs::read_to_string(&settings).unwrap();
    let text = text.replace(&format!("127.0.0.1:{}", scene.port), &format!("127.0.0.1:{port}"));
    std::fs::write(&settings, text).unwrap();
    let (first, second) = (scene.start().await, Hub::start(other.path(), port).await);
    scene.order(&first, "17").await;
    scene.until_taken(&first, &["till-17-F1"]).await;
    // One of them has the cut file, and leads; the other follows, and warns, too.
    cut(&integration(&scene));
    warned(&first, 1).await;
    warned(&second, 1).await;
    scene.order(&first, "18").await;
    scene.order(&second, "19").await;
    until_gauge(&first, RESTING, &["not_routed", "shelf"], "2").await;
    // Whoever starts leads everybody to its own folder, which is whole.
    second.kill();
    let second = Hub::start(other.path(), port).await;
    warned(&first, 0).await;
    warned(&second, 0).await;
    scene.until_taken(&first, &["till-17-F1", "till-18-F1", "till-19-F1"]).await;
    until_gauge(&second, RESTING, &["not_routed", "shelf"], "0").await;
    api::until_idle(&first, PATIENCE).await;
    assert_eq!(scene.jobs().len(), 3, "each once");
    assert!(first.terminate().await.success() && second.terminate().await.success());
}

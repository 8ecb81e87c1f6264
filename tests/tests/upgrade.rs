//! An upgrade of several hubs one after the other: what is held while one of an earlier version runs on the store. The
//! warehouse of the README on PostgreSQL; the earlier hub is what it says to the database.

use std::path::{Path, PathBuf};
use std::time::Duration;

use orderhub_tests::database::Schema;
use orderhub_tests::hub::{Hub, free_port};
use orderhub_tests::mappings::copy;
use orderhub_tests::shelf::Scene;
use orderhub_tests::till::{Ran, orderhub};
use orderhub_tests::{api, wait};
use serde_json::Value;

const PATIENCE: Duration = Duration::from_secs(30);

fn ran(scene: &Scene, words: &[&str]) -> Ran {
    let url = format!("http://127.0.0.1:{}", scene.port);
    let words: Vec<&str> = words.iter().copied().chain(["--url", &url]).collect();
    orderhub(scene.folder.path(), &words, "")
}

fn resend(scene: &Scene) -> Ran {
    ran(scene, &["order", "resend", "17", "shelf", "--all", "--reason", "once more"])
}

/// The shelf's integration file.
fn integration(scene: &Scene) -> PathBuf {
    scene.folder.path().join(INTEGRATION)
}

const INTEGRATION: &str = "mappings/shelf/integration.yaml";

/// It ends before its `deliver:`, and is whole YAML all the same.
fn cut(scene: &Scene) -> String {
    cut_below(scene.folder.path())
}

fn cut_below(folder: &Path) -> String {
    let text = std::fs::read_to_string(folder.join(INTEGRATION)).unwrap();
    let (before, _) = text.split_once("deliver:\n").expect("it has one");
    std::fs::write(folder.join(INTEGRATION), before).unwrap();
    text
}

/// The folder of another hub on the same database, and its port.
fn another(scene: &Scene) -> (tempfile::TempDir, u16) {
    let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
    copy(&scene.folder.path().join("mappings"), &folder.path().join("mappings"));
    let settings = std::fs::read_to_string(scene.folder.path().join("orderhub.toml")).unwrap();
    let settings = settings.replace(&format!(":{}", scene.port), &format!(":{port}"));
    std::fs::write(folder.path().join("orderhub.toml"), settings).unwrap();
    std::fs::copy(scene.folder.path().join("token"), folder.path().join("token")).unwrap();
    (folder, port)
}

/// Writes into a file below a folder.
fn change(folder: &Path, file: &str, from: &str, to: &str) {
    let text = std::fs::read_to_string(folder.join(file)).unwrap();
    assert!(text.contains(from), "{file} says {from}");
    std::fs::write(folder.join(file), text.replace(from, to)).unwrap();
}

async fn bundle(hub: &Hub) -> Value {
    api::get(hub, "/api/v1/bundle").await
}

/// Until files wait, or none does; what is said of the bundle in use then.
async fn until_held(hub: &Hub, held: bool) -> Value {
    let what = format!("files wait: {held}; {}", hub.log());
    wait::until(&what, PATIENCE, || async {
        Some(bundle(hub).await).filter(|bundle| bundle["held"].is_null() != held)
    })
    .await
}

/// Until other files than these are in use; what is said of them then.
async fn until_switched(hub: &Hub, before: &Value) -> Value {
    wait::until(&format!("it is switched; {}", hub.log()), PATIENCE, || async {
        Some(bundle(hub).await).filter(|bundle| bundle["hash"] != *before)
    })
    .await
}

/// Until the hub has heard of the earlier one, or that it is gone.
async fn until_heard(scene: &Scene, heard: bool) -> Ran {
    wait::until(&format!("an earlier hub is heard: {heard}"), PATIENCE, || async {
        let ask = ["order", "resend", "17", "shelf", "--all", "--preview"];
        let told = ran(scene, &ask);
        ((told.code != 0) == heard).then_some(told)
    })
    .await
}

async fn hub_and_order() -> (Scene, Hub) {
    let scene = Scene::new(Some(Schema::new())).await;
    let hub = scene.start().await;
    scene.order(&hub, "17").await;
    scene.until_taken(&hub, &["till-17-F1"]).await;
    (scene, hub)
}

/// What is not kept for a shelf that is down, and was given up for order 18: the number of its todo.
async fn given_up(scene: &Scene, hub: &Hub) -> String {
    let breaker = |act: &str| {
        let words = ["system", "breaker", "shelf", "put_job", act, "--reason", "a test"];
        assert_eq!(ran(scene, &words).code, 0);
    };
    breaker("open");
    scene.order(hub, "18").await;
    let todo = wait::until("order 18 is given up", PATIENCE, || async {
        let todos = api::get(hub, "/api/v1/todo?cause=system_down").await;
        todos["items"][0]["id"].as_i64()
    })
    .await;
    breaker("close");
    todo.to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_sent_again_while_an_earlier_program_runs_beside() {
    let scene = Scene::new(Some(Schema::new())).await;
    scene.change("integration.yaml", "    with: job\n", "    with: job\n    while_down: fail\n");
    let hub = scene.start().await;
    scene.order(&hub, "17").await;
    scene.until_taken(&hub, &["till-17-F1"]).await;
    let former = scene.database().former("hub-a").await;
    until_heard(&scene, true).await;
    let told = resend(&scene);
    let said = format!("{} {}", told.out, told.err);
    assert_ne!(told.code, 0, "{said}");
    assert!(said.contains("hub-a of an earlier version still runs on the store"), "{said}");
    let page = orderhub(scene.folder.path(), &["explain", "older_program"], "");
    assert!(page.out.contains("docs/upgrade.md"), "{page:?}");
    scene.until_told("hub-a of an earlier program").await;
    // Nor is a decision taken that it would leave out; one about a call is.
    let about = given_up(&scene, &hub).await;
    let resolve = ["todo", "resolve", &about, "--again", "--reason", "it is not there"];
    let told = ran(&scene, &resolve);
    assert!(told.code != 0 && told.err.contains("hub-a of an earlier version"), "{told:?}");
    let version = api::get(&hub, "/api/v1/orders/17").await["version"].clone();
    scene.database().ends(former).await;
    until_heard(&scene, false).await;
    assert_eq!(api::get(&hub, "/api/v1/orders/17").await["version"], version, "nothing changed");
    // Once it is gone, the decision is taken, and the shelf gets what it never had; of 17 it gets all once more.
    let told = ran(&scene, &resolve);
    assert_eq!(told.code, 0, "{told:?}");
    scene.until_taken(&hub, &["till-17-F1", "till-18-F1"]).await;
    let told = resend(&scene);
    assert_eq!(told.code, 0, "{told:?}");
    scene.until_taken(&hub, &["till-17-F1", "till-17-F1", "till-18-F1"]).await;
    assert!(hub.terminate().await.success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_without_an_entry_wait_for_the_end_of_an_earlier_program() {
    let (scene, hub) = hub_and_order().await;
    let before = bundle(&hub).await;
    assert_eq!(before["held"], Value::Null);
    let former = scene.database().former("hub-a").await;
    until_heard(&scene, true).await;
    let whole = cut(&scene);
    let held = until_held(&hub, true).await;
    let why = held["held"]["why"].as_str().unwrap();
    assert!(
        why.contains("`fulfilment.released/put_job` of shelf") && why.contains("hub-a"),
        "{why}"
    );
    assert_eq!((&held["hash"], &held["warnings"]), (&before["hash"], &Value::Array(Vec::new())));
    assert_ne!(held["held"]["hash"], held["hash"]);
    assert_eq!(hub.log().matches("wait until the last hub").count(), 1, "{}", hub.log());
    // What is in use goes on, and other changes are taken; they end what waited.
    scene.order(&hub, "18").await;
    scene.until_taken(&hub, &["till-17-F1", "till-18-F1"]).await;
    std::fs::write(integration(&scene), format!("{whole}# looked at\n")).unwrap();
    let other = until_switched(&hub, &before["hash"]).await;
    assert_eq!((&other["held"], &other["warnings"]), (&Value::Null, &Value::Array(Vec::new())));
    // What waits goes by itself.
    cut(&scene);
    until_held(&hub, true).await;
    scene.database().ends(former).await;
    until_switched(&hub, &other["hash"]).await;
    wait::until("what is owed is told of", PATIENCE, || async {
        let warnings = bundle(&hub).await["warnings"].to_string();
        warnings.contains("`shelf` delivered `fulfilment.released`").then_some(())
    })
    .await;
    assert!(hub.terminate().await.success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_by_files_without_an_entry_uses_those_of_the_store() {
    for reload in [true, false] {
        let (scene, hub) = hub_and_order().await;
        let before = bundle(&hub).await["hash"].clone();
        let former = scene.database().former("hub-a").await;
        assert!(hub.terminate().await.success());
        cut(&scene);
        let settings = scene.folder.path().join("orderhub.toml");
        let text = std::fs::read_to_string(&settings).unwrap();
        std::fs::write(&settings, text.replace("reload = true", &format!("reload = {reload}")))
            .unwrap();
        let hub = scene.start().await;
        let held = bundle(&hub).await;
        assert_eq!(held["hash"], before, "{held}");
        assert!(held["held"]["why"].as_str().unwrap().contains("hub-a"), "{held}");
        scene.order(&hub, "18").await;
        scene.until_taken(&hub, &["till-17-F1", "till-18-F1"]).await;
        assert_eq!(bundle(&hub).await["hash"], before, "its folder is as it was at the start");
        scene.database().ends(former).await;
        let gone = until_switched(&hub, &before).await;
        assert_eq!(gone["held"], Value::Null, "reload: {reload}; {gone}");
        assert!(hub.terminate().await.success());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_that_wait_are_let_be_where_another_hub_speaks_later() {
    let (scene, hub) = hub_and_order().await;
    let before = bundle(&hub).await["hash"].clone();
    let former = scene.database().former("hub-a").await;
    until_heard(&scene, true).await;
    let (folder, port) = another(&scene);
    let whole = cut(&scene);
    until_held(&hub, true).await;
    std::fs::write(folder.path().join(INTEGRATION), format!("{whole}# the other\n")).unwrap();
    let other = Hub::start(folder.path(), port).await;
    let followed = until_switched(&hub, &before).await;
    assert_eq!(followed["held"], Value::Null, "{followed}");
    assert!(hub.log().contains("are let be"), "{}", hub.log());
    scene.database().ends(former).await;
    until_heard(&scene, false).await;
    // Whoever waited would go by itself within two looks.
    tokio::time::sleep(Duration::from_secs(2)).await;
    for hub in [&hub, &other] {
        assert_eq!(bundle(hub).await["hash"], followed["hash"], "{}", hub.log());
    }
    scene.order(&hub, "18").await;
    scene.until_taken(&hub, &["till-17-F1", "till-18-F1"]).await;
    assert!(other.terminate().await.success() && hub.terminate().await.success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_in_use_that_are_wrong_by_now_are_not_gone_round() {
    let (scene, hub) = hub_and_order().await;
    let before = bundle(&hub).await["hash"].clone();
    let former = scene.database().former("hub-a").await;
    // Its settings name a limit that its own connector has, and that of the files in use has not.
    let (folder, port) = another(&scene);
    change(
        folder.path(),
        "mappings/shelf/connector.yaml",
        "limits: { ",
        "limits: { jobs: { rate: 9/s, burst: 9 }, ",
    );
    let limit = "[systems.shelf.limits]\njobs = { rate = \"5/s\" }\n[systems.shelf.settings]";
    change(folder.path(), "orderhub.toml", "[systems.shelf.settings]", limit);
    let whole = cut_below(folder.path());
    let other = Hub::spawn(folder.path(), port);
    wait::until(&format!("it does not start: {}", other.log()), PATIENCE, || async {
        let log = other.log();
        let told = log.contains("wait until the last hub of an earlier version has ended")
            && log.contains("This program cannot use those in use meanwhile")
            && log.contains("names `jobs`");
        told.then_some(())
    })
    .await;
    drop(other);
    assert_eq!(bundle(&hub).await["hash"], before);
    // The entry is put back.
    std::fs::write(folder.path().join(INTEGRATION), whole).unwrap();
    let other = Hub::start(folder.path(), port).await;
    assert_ne!(bundle(&other).await["hash"], before);
    scene.database().ends(former).await;
    assert!(other.terminate().await.success() && hub.terminate().await.success());
}

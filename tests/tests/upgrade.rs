//! An upgrade of several hubs one after the other: what is held while one of an earlier version runs on the store. The
//! warehouse of the README on PostgreSQL; the earlier hub is what it says to the database.

use std::path::PathBuf;
use std::time::Duration;

use orderhub_tests::database::Schema;
use orderhub_tests::hub::Hub;
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
    ran(scene, &["order", "resend", "17", "shelf", "--reason", "once more"])
}

/// The shelf's integration file.
fn integration(scene: &Scene) -> PathBuf {
    scene.folder.path().join("mappings/shelf/integration.yaml")
}

/// It ends before its `deliver:`, and is whole YAML all the same.
fn cut(scene: &Scene) -> String {
    let text = std::fs::read_to_string(integration(scene)).unwrap();
    let (before, _) = text.split_once("deliver:\n").expect("it has one");
    std::fs::write(integration(scene), before).unwrap();
    text
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
        let ask = ["order", "resend", "17", "shelf", "--preview"];
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_sent_again_while_an_earlier_program_runs_beside() {
    let (scene, hub) = hub_and_order().await;
    let former = scene.database().former("hub-a").await;
    until_heard(&scene, true).await;
    let told = resend(&scene);
    let said = format!("{} {}", told.out, told.err);
    assert_ne!(told.code, 0, "{said}");
    assert!(said.contains("hub-a of an earlier version still runs on the store"), "{said}");
    let page = orderhub(scene.folder.path(), &["explain", "older_program"], "");
    assert!(page.out.contains("docs/upgrade.md"), "{page:?}");
    scene.until_told("hub-a of an earlier program").await;
    let version = api::get(&hub, "/api/v1/orders/17").await["version"].clone();
    scene.database().ends(former).await;
    until_heard(&scene, false).await;
    assert_eq!(api::get(&hub, "/api/v1/orders/17").await["version"], version, "nothing changed");
    assert_eq!(resend(&scene).code, 0);
    scene.until_taken(&hub, &["till-17-F1", "till-17-F1"]).await;
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

//! A system that is down, and what does not wait for it. The warehouse of the README, which stops answering.

use std::time::Duration;

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

/// The open todos of the cause.
async fn todos(hub: &Hub) -> Vec<Value> {
    let todos = api::get(hub, "/api/v1/todo?cause=system_down").await;
    todos["items"].as_array().unwrap().clone()
}

async fn until_todos(hub: &Hub, count: usize) -> Vec<Value> {
    let what = format!("{count} todos say that the shelf was down; {}", hub.log());
    wait::until(&what, PATIENCE, || async {
        Some(todos(hub).await).filter(|todos| todos.len() == count)
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_does_not_wait_is_given_up_while_the_target_is_down_and_sent_on_demand() {
    let mut scene = Scene::new(None).await;
    scene.change("integration.yaml", "    with: job\n", "    with: job\n    while_down: fail\n");
    let hub = scene.start().await;
    scene.order(&hub, "17").await;
    scene.until_taken(&hub, &["till-17-F1"]).await;
    scene.shelf_down().await;
    for number in ["18", "19"] {
        scene.order(&hub, number).await;
    }
    // Their attempts open the breaker; what comes then is given up at once, and nothing waits.
    until_todos(&hub, 2).await;
    for number in ["20", "21", "22"] {
        scene.order(&hub, number).await;
    }
    let todos = until_todos(&hub, 5).await;
    for todo in &todos {
        let why = todo["why"].as_str().unwrap();
        assert!(
            why.contains("`shelf` is down since") && why.contains("order resend ORDER shelf"),
            "{why}"
        );
    }
    let why = api::get(&hub, "/api/v1/orders/20/why?system=shelf").await["items"][0].clone();
    assert_eq!(why["code"], "dead", "{why}");
    // It is tried all the same: what comes once it answers is sent.
    scene.shelf_up().await;
    let mut number = 30;
    wait::until("the shelf is found to be back", PATIENCE, || {
        number += 1;
        let (scene, hub, number) = (&scene, &hub, number.to_string());
        async move {
            scene.order(hub, &number).await;
            tokio::time::sleep(Duration::from_millis(500)).await;
            scene.jobs().iter().any(|job| job.starts_with("till-3")).then_some(())
        }
    })
    .await;
    for lost in ["18", "19", "20", "21", "22"] {
        assert!(!scene.jobs().contains(&format!("till-{lost}-F1")), "nothing goes by itself");
        let again = ran(&scene, &["order", "resend", lost, "shelf", "--reason", "it is back"]);
        assert_eq!(again.code, 0, "{again:?}");
    }
    wait::until("all are there", PATIENCE, || async {
        let jobs = scene.jobs();
        (18..=22).all(|lost| jobs.contains(&format!("till-{lost}-F1"))).then_some(())
    })
    .await;
    let left = self::todos(&hub).await;
    let asks = todos.iter().any(|todo| left.iter().any(|left| left["id"] == todo["id"]));
    assert!(!asks, "who is sent asks no more: {left:#?}");
    assert!(hub.terminate().await.success());
}

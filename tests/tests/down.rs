//! A system that is down, and what does not wait for it. The warehouse of the README, which stops answering.

use std::time::Duration;

use orderhub_tests::hub::Hub;
use orderhub_tests::shelf::{Scene, until_gauge};
use orderhub_tests::till::{Ran, orderhub};
use orderhub_tests::{api, wait};
use serde_json::Value;

const PATIENCE: Duration = Duration::from_secs(30);

fn ran(scene: &Scene, words: &[&str]) -> Ran {
    let url = format!("http://127.0.0.1:{}", scene.port);
    let words: Vec<&str> = words.iter().copied().chain(["--url", &url]).collect();
    orderhub(scene.folder.path(), &words, "")
}

/// The commands that a text tells people to type.
fn commands(text: &str) -> Vec<String> {
    let words = text.split('`').skip(1).step_by(2);
    words.filter(|word| word.starts_with("orderhub ")).map(str::to_owned).collect()
}

/// Types a command as it stands.
fn typed(scene: &Scene, command: &str) -> Ran {
    let parts = command.split('"').enumerate();
    let words: Vec<&str> = parts
        .flat_map(|(at, part)| match at % 2 {
            0 => part.split_whitespace().collect(),
            _ => vec![part],
        })
        .collect();
    ran(scene, &words[1..])
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

/// Somebody discards the todo of order 20: what was not sent is said all the same.
async fn discards(scene: &Scene, hub: &Hub, todo: &Value) {
    let words = ["todo", "discard", &todo["id"].to_string(), "--reason", "not read"];
    assert_eq!(ran(scene, &words).code, 0);
    let why = api::get(hub, "/api/v1/orders/20/why?system=shelf").await["items"][0].clone();
    assert_eq!(why["code"], "dead", "{why}");
    assert!(why["why"].as_str().unwrap().contains("given up and not sent: the change of"), "{why}");
    assert!(why["do"].to_string().contains("`orderhub order resend till-20 shelf "), "{why}");
}

/// Orders come until one of them is sent.
async fn until_back(scene: &Scene, hub: &Hub) {
    let mut number = 30;
    wait::until("the shelf is found to be back", PATIENCE, || {
        number += 1;
        let number = number.to_string();
        async move {
            scene.order(hub, &number).await;
            tokio::time::sleep(Duration::from_millis(500)).await;
            scene.jobs().iter().any(|job| job.starts_with("till-3")).then_some(())
        }
    })
    .await;
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
        assert!(why.contains("`shelf` is down since"), "{why}");
        let commands = commands(why);
        assert_eq!(commands.len(), 2, "{why}");
        assert!(commands[0].contains(&format!("todo resolve {} --again", todo["id"])), "{why}");
        assert!(commands[1].contains("order resend till-"), "{why}");
    }
    // Whatever became of its todo, it is said and counted.
    let of = |number: &str| {
        let named = format!("order resend till-{number} shelf");
        let found = todos.iter().find(|todo| todo["why"].as_str().unwrap().contains(&named));
        found.unwrap_or_else(|| panic!("a todo of {number}")).clone()
    };
    discards(&scene, &hub, &of("20")).await;
    until_gauge(&hub, "orderhub_delivery_resting", &["given_up", "shelf"], "5").await;
    // It is tried all the same: what comes once it answers is sent.
    scene.shelf_up().await;
    until_back(&scene, &hub).await;
    for (lost, which) in [("18", 0), ("19", 1), ("21", 0), ("22", 1), ("20", 1)] {
        assert!(!scene.jobs().contains(&format!("till-{lost}-F1")), "nothing goes by itself");
        // As its todo prints it; and once more, which changes nothing.
        let words = commands(of(lost)["why"].as_str().unwrap()).remove(which);
        let again = typed(&scene, &words);
        assert_eq!(again.code, 0, "{again:?}");
        typed(&scene, &words);
    }
    wait::until("all are there", PATIENCE, || async {
        let jobs = scene.jobs();
        (18..=22).all(|lost| jobs.contains(&format!("till-{lost}-F1"))).then_some(())
    })
    .await;
    api::until_idle(&hub, PATIENCE).await;
    let jobs = scene.jobs();
    for lost in 18..=22 {
        let job = format!("till-{lost}-F1");
        assert_eq!(jobs.iter().filter(|known| **known == job).count(), 1, "{job} of {jobs:?}");
    }
    // What was given up before it was found to be back.
    let left = self::todos(&hub).await;
    let count = left.len().to_string();
    until_gauge(&hub, "orderhub_delivery_resting", &["given_up", "shelf"], &count).await;
    let asks = todos.iter().any(|todo| left.iter().any(|left| left["id"] == todo["id"]));
    assert!(!asks, "who is sent asks no more: {left:#?}");
    assert!(hub.terminate().await.success());
}

//! What a system says no to, or cannot be asked: nobody waits for it.

use super::*;

/// What a till says of an article that it does not like, and the words of it that a person is to read.
const NO: [(&str, u16, &str); 4] = [
    ("S400", 400, "the system said no: status 400"),
    ("S422", 422, "the system said no: status 422"),
    ("S302", 302, "the system said no: status 302"),
    ("S204", 204, "status 204: the answer has no document"),
];

/// Open todos of the cause, oldest first.
async fn refused(hub: &Hub) -> Vec<Value> {
    let page = api::get(hub, "/api/v1/todo?cause=lookup_refused").await;
    let mut items = page["items"].as_array().unwrap().clone();
    items.reverse();
    items
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plain_no_to_a_look_up_is_a_todo_at_once() {
    let system = System::start().await;
    let port = free_port();
    let folder = folder(port, &system);
    let hub = Hub::start(folder.path(), port).await;
    let mut words = Vec::new();
    for (number, (group, status, says)) in (1..).zip(NO) {
        system.refuse([status]);
        let came = hand_in(&hub, json!([{ "number": number.to_string(), "group": group }])).await;
        assert_eq!(came[0].0, "todo", "{status}: {came:?}");
        words.push((group, says));
    }
    // It would be another address.
    let came = hand_in(&hub, json!([{ "number": "9", "group": ".." }])).await;
    assert_eq!(came[0].0, "todo", "{came:?}");
    words.push(("..", "it cannot be asked: step `get`: `args.id`"));
    assert_eq!(system.calls().len(), NO.len(), "each is asked once, and `..` never");

    let todos = refused(&hub).await;
    assert_eq!(todos.len(), words.len(), "{todos:?}");
    for (todo, (group, says)) in todos.iter().zip(&words) {
        let why = todo["why"].as_str().unwrap();
        assert!(why.contains(says) && why.contains("`groups`"), "{why}");
        assert!(why.contains(&format!("`{group}`")), "the value: {why}");
        assert!(why.contains("till/orders.yaml:") && why.contains("orders.0"), "the place: {why}");
    }
    let metrics = client().get(hub.url("/metrics")).send().await.unwrap().text().await.unwrap();
    let waits = |line: &str| line.starts_with("orderhub_intake_waiting") && !line.ends_with(" 0");
    assert!(!metrics.lines().any(waits), "nothing waits: {metrics}");

    // The system is mended: a person says so.
    system.put("S400", "gold", "2026-01-01");
    let replay = hub.url(&format!("/api/v1/todo/{}/replay", todos[0]["id"]));
    assert!(client().post(replay).send().await.unwrap().status().is_success());
    until_there(&hub, 1).await;
    assert_eq!(tier(&hub, 1).await, "gold");
    assert!(hub.terminate().await.success());

    // The files are mended: nobody has to say so.
    system.put("S422", "blue", "2026-01-01");
    let file = folder.path().join("mappings/till/orders.yaml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("ext.language", "ext.tongue")).unwrap();
    let hub = Hub::start(folder.path(), port).await;
    until_there(&hub, 2).await;
    assert_eq!(tier(&hub, 2).await, "blue");
    assert!(hub.terminate().await.success());

    let told = Command::new(binary()).args(["explain", "lookup_refused"]).output().unwrap();
    assert_eq!(told.status.code(), Some(0));
    assert!(String::from_utf8(told.stdout).unwrap().contains("todo replay"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_no_that_passes_is_waited_for() {
    let system = System::start().await;
    system.put("G1", "gold", "2026-01-01");
    // The request took too long to come: of the article it says nothing.
    system.refuse([408]);
    let port = free_port();
    let folder = folder(port, &system);
    let hub = Hub::start(folder.path(), port).await;
    let came = hand_in(&hub, json!([{ "number": "1", "group": "G1" }])).await;
    assert_eq!(came[0].0, "waiting", "{came:?}");
    until_there(&hub, 1).await;
    assert_eq!(tier(&hub, 1).await, "gold");
    assert_eq!(refused(&hub).await, [] as [Value; 0]);
    assert!(hub.terminate().await.success());
}

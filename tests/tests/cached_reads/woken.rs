//! What waits for a system that has been away for long, when the reason is gone.

use rusqlite::Connection;

use super::*;

/// Of the hub's columns of time.
const SECOND: i64 = 1_000_000_000;

/// As if all that waits had waited for an hour, and were next due in ten minutes.
fn waits_long(folder: &Path) {
    let store = Connection::open(folder.join("hub.db")).unwrap();
    let sql = "UPDATE pending SET since = since - ?1, due_at = due_at + ?2, attempts = 0";
    assert!(store.execute(sql, [3_600 * SECOND, 600 * SECOND]).unwrap() > 0);
}

fn order(number: u32) -> Value {
    json!({ "number": number.to_string(), "group": format!("G{number}") })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_for_a_read_is_asked_for_once_the_system_answers() {
    let system = System::start().await;
    system.hold(true);
    let port = free_port();
    let folder = folder(port, &system);
    let hub = Hub::start(folder.path(), port).await;
    let orders: Vec<Value> = (1..=30).map(order).collect();
    let came = hand_in(&hub, json!(orders)).await;
    assert!(came.iter().all(|(outcome, _)| outcome == "waiting"), "{came:?}");
    assert!(hub.terminate().await.success());
    waits_long(folder.path());

    (1..=30).for_each(|number: u32| system.put(&format!("G{number}"), "gold", "2026-01-01"));
    system.hold(false);
    let hub = Hub::start(folder.path(), port).await;
    until_there(&hub, 30).await;
    assert_eq!(tier(&hub, 30).await, "gold");
    assert!(hub.terminate().await.success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_for_a_read_is_tried_again_by_other_files() {
    let system = System::start().await;
    system.hold(true);
    let port = free_port();
    let folder = folder(port, &system);
    let hub = Hub::start(folder.path(), port).await;
    let orders: Vec<Value> = (1..=30).map(order).collect();
    hand_in(&hub, json!(orders)).await;
    assert!(hub.terminate().await.success());
    waits_long(folder.path());

    // They look nothing up.
    let file = folder.path().join("mappings/till/orders.yaml");
    let text = std::fs::read_to_string(&file).unwrap();
    let plain = text.lines().filter(|line| !line.contains("lookup"));
    std::fs::write(&file, plain.map(|line| format!("{line}\n")).collect::<String>()).unwrap();
    let hub = Hub::start(folder.path(), port).await;
    until_there(&hub, 30).await;
    assert!(hub.terminate().await.success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_answer_stands_in_for_a_system_that_hangs() {
    let system = System::start().await;
    system.put("G1", "gold", "2026-01-01");
    let port = free_port();
    let folder = folder_of(port, &[("till", &system)], ("1000/s", "0s, stale_for: 1h"));
    let hub = Hub::start(folder.path(), port).await;
    assert_eq!(hand_in(&hub, json!([order(1)])).await[0].0, "applied");

    system.hold(true);
    let came = hand_in(&hub, json!([{ "number": "2", "group": "G1" }])).await;
    assert_eq!(came[0].0, "waiting", "{came:?}");
    until_there(&hub, 2).await;
    assert_eq!(tier(&hub, 2).await, "gold");
    // Of another it never answered.
    let other = hand_in(&hub, json!([order(3)])).await;
    assert_eq!(other[0].0, "waiting", "{other:?}");
    assert!(hub.terminate().await.success());
}

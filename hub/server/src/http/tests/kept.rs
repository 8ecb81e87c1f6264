//! What is said when what was kept for its time is gone.

use axum::http::{Method, StatusCode};
use jiff::{SignedDuration, Timestamp};

use super::orders::{SYSTEMS, files, order};
use super::{Running, start, start_with};

impl Running {
    /// So many days pass for the store, and what is over goes.
    async fn days_pass(&self, days: i64) {
        let api = self.hub.api();
        let then = api.clock.now().checked_add(SignedDuration::from_hours(24 * days)).unwrap();
        while api.store.prune(then).await.unwrap().more {}
    }
}

#[tokio::test]
async fn a_todo_whose_message_is_gone_says_since_when_and_why() {
    let hub = start().await;
    let id = hub.todo().await;
    let path = format!("/api/v1/todo/{id}");
    hub.days_pass(92).await;
    assert_eq!(hub.get(&path).await.body["raw"]["body"], "{\"id\":1}", "an open one keeps it");
    hub.call(Method::POST, &format!("{path}/discard?reason=a+test"), "").await;
    hub.days_pass(92).await;
    let shown = hub.get(&path).await.body;
    assert_eq!(shown["state"], "discarded");
    assert!(shown["raw"].is_null(), "{shown}");
    let words = shown["raw_gone"].as_str().unwrap();
    assert!(words.contains("`store.keep.messages` is `90d`"), "{words}");
}

#[tokio::test]
async fn a_replay_without_a_message_is_refused_with_the_setting() {
    let hub = start().await;
    let id = hub.todo().await;
    // No store does that to an open todo; a person at the database may.
    let file = hub._folder.path().join("hub.db");
    rusqlite::Connection::open(file).unwrap().execute("DELETE FROM messages", []).unwrap();
    let answer = hub.call(Method::POST, &format!("/api/v1/todo/{id}/replay"), "").await;
    assert_eq!((answer.status, &answer.body["code"]), (StatusCode::GONE, &"message_gone".into()));
    assert!(answer.body["detail"].as_str().unwrap().contains("`store.keep.messages`"));
    assert_eq!(hub.get(&format!("/api/v1/todo/{id}")).await.body["state"], "open");
}

#[tokio::test]
async fn a_timeline_says_that_older_attempts_are_gone() {
    let hub = start_with(SYSTEMS, files()).await;
    hub.take("shop_eu", &order(1, "#1001", "12.50").to_string()).await;
    let young = hub.get("/api/v1/orders/1001/timeline").await.body;
    assert!(young["gone"].is_null(), "{young}");
    let first = Timestamp::UNIX_EPOCH;
    let words = super::super::kept::attempts(hub.hub.api(), first).unwrap();
    assert!(words.starts_with("attempts from before 20"), "{words}");
    assert!(words.ends_with("are kept no longer: `store.keep.receipts` is `90d`"), "{words}");
    assert_eq!(super::super::kept::attempts(hub.hub.api(), hub.hub.api().clock.now()), None);
}

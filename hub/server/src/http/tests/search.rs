//! Search while it may miss orders. Who may search by what: `access`.

use axum::http::StatusCode;
use orderhub_order::ids::OrderKey;
use serde_json::json;

use super::orders::{order, shops};

#[tokio::test]
async fn a_search_that_may_miss_orders_says_so() {
    let hub = shops().await;
    hub.take("shop_eu", &order(1, "#1001", "12.50").to_string()).await;
    let q = "/api/v1/orders?q=1002";
    assert_eq!(hub.get(q).await.body.get("incomplete"), None);
    assert_eq!(hub.get("/api/v1/orders/1002").await.status, StatusCode::NOT_FOUND);
    // As a job finds it that cannot go on.
    let file = rusqlite::Connection::open(hub._folder.path().join("hub.db")).unwrap();
    file.execute("INSERT INTO meta (name, value) VALUES ('search_next', 'held')", []).unwrap();
    let listed = hub.get(q).await.body;
    assert!(listed["incomplete"].as_str().unwrap().contains("still being added"), "{listed}");
    assert_eq!(hub.get("/api/v1/orders").await.body.get("incomplete"), None);
    let answer = hub.get("/api/v1/orders/1002").await;
    assert_eq!((answer.status.as_u16(), &answer.body["code"]), (503, &json!("search_incomplete")));
    assert_eq!(hub.get("/api/v1/orders/1001").await.status, StatusCode::OK);
    let nobody = format!("/api/v1/orders/{}", OrderKey(999).shown());
    assert_eq!(hub.get(&nobody).await.status, StatusCode::NOT_FOUND);
}

//! What a word in a path means, beside what a search finds; and search while it may miss orders. Who may search by
//! what: `access`.

use axum::http::{Request, StatusCode, header};
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

#[tokio::test]
async fn a_path_names_an_order_by_its_own_number_and_never_by_that_of_a_parcel() {
    let hub = shops().await;
    let mut other = order(2, "#1002", "12.50");
    other["fulfillments"] = json!([
        { "id": 77, "status": "success", "tracking_number": "1001", "line_items": [] },
        { "id": 78, "status": "success", "tracking_number": "9999", "line_items": [] },
    ]);
    let other = hub.take("shop_eu", &other.to_string()).await.body["order"].clone();
    let edit = |word: &str| {
        Request::builder()
            .method("PATCH")
            .uri(format!("/api/v1/orders/{word}?reason=because"))
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::IF_MATCH, "\"1\"")
    };
    let change = json!({ "notes": { "internal": "fragile" } }).to_string();
    for word in ["1001", "9999", "77"] {
        let path = format!("/api/v1/orders/{word}");
        for answer in [hub.get(&path).await, hub.send(edit(word), &change).await] {
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{word}: {}", answer.body);
            let hint = format!("`GET /api/v1/orders?q={word}`");
            assert!(answer.body["detail"].as_str().unwrap().contains(&hint), "{}", answer.body);
        }
    }
    let named =
        hub.take("shop_eu", &order(1, "#1001", "12.50").to_string()).await.body["order"].clone();
    assert_eq!(hub.get("/api/v1/orders/1001").await.body["id"], named);
    let listed = hub.get("/api/v1/orders?q=1001").await.body;
    let found: Vec<_> =
        listed["items"].as_array().unwrap().iter().map(|order| &order["id"]).collect();
    assert_eq!(found, [&named, &other]);
    let edited = hub.send(edit("1001"), &change).await;
    assert_eq!(edited.status, StatusCode::OK, "{}", edited.body);
    assert_eq!(hub.get("/api/v1/orders/1002").await.body["version"], 1, "it is left alone");
}

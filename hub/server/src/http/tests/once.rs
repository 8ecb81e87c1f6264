//! Writes with a key, tags of orders, and the bounds of a call.

use axum::http::{Method, Request, StatusCode, header};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::orders::{SYSTEMS, files, order};
use super::{Answer, Running, start, start_with};

async fn shop() -> Running {
    let hub = start_with(SYSTEMS, files()).await;
    hub.take("shop_eu", &order(1, "#1001", "12.50").to_string()).await;
    hub
}

async fn edit(hub: &Running, key: &str, note: &str) -> Answer {
    let request = Request::builder()
        .method(Method::PATCH)
        .uri("/api/v1/orders/1001?reason=said+so")
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::IF_MATCH, "\"1\"")
        .header("idempotency-key", key);
    hub.send(request, &json!({ "notes.internal": note }).to_string()).await
}

async fn versions(hub: &Running) -> usize {
    let page = hub.get("/api/v1/orders/1001/versions").await.body;
    page["items"].as_array().unwrap().len()
}

#[tokio::test]
async fn a_write_with_a_key_takes_effect_once_and_is_answered_the_same() {
    let hub = shop().await;
    let first = edit(&hub, "k-1", "call first").await;
    assert_eq!((first.status, &first.body["outcome"]), (StatusCode::OK, &json!("applied")));
    assert!(!first.replayed);
    let before = versions(&hub).await;
    let again = edit(&hub, "k-1", "call first").await;
    assert_eq!((again.status, &again.body, again.replayed), (StatusCode::OK, &first.body, true));
    assert_eq!(again.kind, "application/json");
    assert_eq!(versions(&hub).await, before);
    let other = edit(&hub, "k-1", "another body").await;
    assert_eq!(other.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(other.body["code"], "idempotency_key_reused");
    assert_eq!(versions(&hub).await, before);
    let empty = edit(&hub, " ", "x").await;
    assert_eq!(empty.status, StatusCode::BAD_REQUEST, "{}", empty.body);
    let spaced = edit(&hub, "a b", "x").await;
    assert_eq!(spaced.status, StatusCode::BAD_REQUEST);
    let long = edit(&hub, &"k".repeat(256), "x").await;
    assert_eq!(long.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_refusal_is_kept_as_well_and_twins_are_told_to_wait() {
    let hub = start().await;
    let id = hub.todo().await;
    let discard = |key: &'static str| {
        let path = format!("/api/v1/todo/{id}/discard?reason=x");
        let request = Request::builder().method(Method::POST).uri(path);
        hub.send(request.header("idempotency-key", key), "")
    };
    let twins = futures_util::future::join_all((0..6).map(|_| discard("k"))).await;
    for twin in &twins {
        let in_flight = twin.body["code"] == "idempotency_key_in_flight";
        assert!(twin.status == StatusCode::OK || in_flight, "{}", twin.body);
    }
    assert_eq!(
        twins.iter().filter(|twin| twin.status == StatusCode::OK && !twin.replayed).count(),
        1
    );
    let closed = discard("k2").await;
    assert_eq!((closed.status, &closed.body["code"]), (StatusCode::CONFLICT, &json!("not_open")));
    let again = discard("k2").await;
    assert_eq!((again.status, &again.body, again.replayed), (closed.status, &closed.body, true));
    assert_eq!(again.kind, "application/problem+json");
    let ended = hub.get(&format!("/api/v1/todo/{id}")).await.body;
    assert_eq!(
        (&ended["end"]["by"], &ended["end"]["reason"]),
        (&json!("person:local"), &json!("x"))
    );
}

#[tokio::test]
async fn an_order_that_did_not_change_is_not_sent_again() {
    let hub = shop().await;
    let get = async |tag: &str| {
        let request =
            Request::builder().uri("/api/v1/orders/1001").header(header::HOST, "localhost");
        let request =
            request.header(header::IF_NONE_MATCH, tag).body(axum::body::Body::empty()).unwrap();
        let response = hub.router.clone().oneshot(request).await.unwrap();
        (response.status(), response.headers()[header::ETAG].to_str().unwrap().to_owned())
    };
    let (status, tag) = get("\"x\"").await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(get(&tag).await, (StatusCode::NOT_MODIFIED, tag.clone()));
    let request = Request::builder()
        .method(Method::PATCH)
        .uri("/api/v1/orders/1001?reason=x")
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::IF_MATCH, &tag);
    let done = hub.send(request, &json!({ "notes.internal": "x" }).to_string()).await;
    assert_eq!(done.body["outcome"], "applied", "the tag names the version: {}", done.body);
    assert_eq!(get(&tag).await.0, StatusCode::OK);
}

#[tokio::test]
async fn what_is_beyond_a_bound_is_told_what_to_do() {
    let hub = start().await;
    let deep = format!("{}1{}", "{\"a\":".repeat(200), "}".repeat(200));
    let cases: [(&str, &str, &str, &str, u16, &str); 6] = [
        ("GET", "/api/v1/orders", &"x".repeat(17 << 10), "", 431, "head_too_large"),
        (
            "GET",
            &format!("/api/v1/orders?q={}", "x".repeat(9 << 10)),
            "",
            "",
            414,
            "target_too_long",
        ),
        ("PATCH", "/api/v1/orders/1?reason=x", "", &"x".repeat((1 << 20) + 1), 413, "too_large"),
        ("PATCH", "/api/v1/orders/1?reason=x", "", &deep, 400, "bad_request"),
        ("POST", "/api/v1/orders", "", "", 405, "method_not_allowed"),
        ("GET", "/api/v2/orders", "", "", 404, "no_such_call"),
    ];
    for (method, path, header, body, status, code) in cases {
        let request = Request::builder().method(method).uri(path).header("x-more", header);
        let request = request.header(header::CONTENT_TYPE, "application/json");
        let answer = hub.send(request.header(header::IF_MATCH, "\"1\""), body).await;
        assert_eq!(
            (answer.status.as_u16(), &answer.body["code"]),
            (status, &json!(code)),
            "{method}"
        );
        assert!(answer.body["detail"].as_str().unwrap().len() > 10, "{}", answer.body);
    }
    let request = Request::post("/api/v1/orders").header(header::HOST, "localhost");
    let request = request.body(axum::body::Body::empty()).unwrap();
    let response = hub.router.clone().oneshot(request).await.unwrap();
    assert_eq!(response.headers()[header::ALLOW], "GET,HEAD");
}

#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_arrive_is_given_up() {
    let hub = start().await;
    let body = futures_util::stream::pending::<Result<Vec<u8>, std::io::Error>>();
    let request = Request::post("/api/v1/intake/nobody/order").header(header::HOST, "localhost");
    let request = request.body(axum::body::Body::from_stream(body)).unwrap();
    let response = hub.router.clone().oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::REQUEST_TIMEOUT);
}

#[tokio::test]
async fn every_call_is_described_and_each_description_is_complete() {
    let hub = start().await;
    let whole = hub.get("/api/v1/openapi.json").await.body;
    assert!(whole["openapi"].as_str().unwrap().starts_with("3.1"), "{}", whole["openapi"]);
    let mut calls = 0;
    for (path, operations) in whole["paths"].as_object().unwrap() {
        assert!(path.starts_with("/api/v1/"), "{path}");
        for (method, operation) in operations.as_object().unwrap() {
            calls += 1;
            let at = format!("{method} {path}");
            assert!(operation["summary"].as_str().is_some_and(|s| !s.is_empty()), "{at}");
            for status in ["400", "401", "403", "404", "429", "503"] {
                assert!(!operation["responses"][status].is_null(), "{at} {status}");
            }
            for parameter in operation["parameters"].as_array().into_iter().flatten() {
                let words = parameter["description"].as_str().unwrap_or_default();
                assert!(!words.is_empty(), "{at}: {parameter}");
            }
            let writes = method != "get";
            let named = |name: &str| {
                let all = operation["parameters"].as_array().cloned().unwrap_or_default();
                all.iter().any(|parameter: &Value| parameter["name"] == name)
            };
            assert_eq!(named("Idempotency-Key"), writes, "{at}");
        }
    }
    assert_eq!(calls, 27, "every call of the API");
}

//! Senders that ask first whether this address takes their webhooks.

use axum::http::{Method, Request, StatusCode, header};

use super::orders::{SYSTEMS, files};
use super::start_with;

#[tokio::test]
async fn a_handshake_is_answered_before_anything_is_proved_and_stores_nothing() {
    let greets =
        "  handshake: { when: \"has(query.challenge)\", respond: \"{query.challenge}\" }\n";
    let mut files = files();
    let connector = files.get_mut("rest_erp/connector.yaml").unwrap();
    let text = String::from_utf8(connector.clone()).unwrap();
    *connector = text.replace("webhooks:\n", &format!("webhooks:\n{greets}")).into_bytes();
    let hub = start_with(SYSTEMS, files).await;
    for method in [Method::GET, Method::POST] {
        let request = Request::builder().method(method).uri("/webhooks/erp/x?challenge=a%3Cb");
        let answer = hub.raw(request, "").await;
        assert_eq!(answer.status(), StatusCode::OK);
        let header = |name| answer.headers().get(name).unwrap().to_str().unwrap().to_owned();
        assert_eq!(header(header::CONTENT_TYPE), "text/plain; charset=utf-8");
        assert_eq!(header(header::X_CONTENT_TYPE_OPTIONS), "nosniff");
        let body = axum::body::to_bytes(answer.into_body(), 100).await.unwrap();
        assert_eq!(body, "a<b");
    }
    assert_eq!(hub.get("/webhooks/erp").await.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(hub.get("/webhooks/nobody").await.status, StatusCode::METHOD_NOT_ALLOWED);
    let unsigned = Request::builder().method(Method::POST).uri("/webhooks/erp");
    assert_eq!(hub.send(unsigned, "{}").await.status, StatusCode::UNAUTHORIZED);
}

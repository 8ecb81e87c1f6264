//! The client against a real server on loopback.

use std::net::SocketAddr;

use axum::Router;
use axum::http::{HeaderMap, StatusCode, header};
use axum::routing::{get, post};
use orderhub_connectors::contract::Idempotency;

use super::*;

async fn serve(router: Router) -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

fn request(method: &'static str, url: String) -> Request {
    Request {
        step: "s".to_owned(),
        method,
        url,
        headers: vec![("x-key".to_owned(), "k1".to_owned())],
        body: Bytes::new(),
        idempotency: Idempotency::Safe,
        limit: "default".to_owned(),
        limit_key: None,
        timeout: Duration::from_secs(5),
    }
}

fn client() -> Http {
    let egress = Egress::new(vec!["127.0.0.1/32".to_owned().try_into().unwrap()]);
    Http::new(egress, 1000).unwrap()
}

#[tokio::test]
async fn what_was_built_is_sent_and_what_came_is_brought_back() {
    let echo = async |headers: HeaderMap, body: String| {
        let key = headers.get("x-key").and_then(|v| v.to_str().ok()).unwrap_or("").to_owned();
        (StatusCode::CONFLICT, [("X-Said", "no")], format!("{key} {body}"))
    };
    let address = serve(Router::new().route("/x", post(echo))).await;
    let mut request = request("POST", format!("http://{address}/x"));
    request.body = Bytes::from("hello");
    let answer = client().send(&request).await.unwrap();
    assert_eq!((answer.status, &*answer.body), (409, &b"k1 hello"[..]));
    assert!(answer.headers.contains(&("x-said".to_owned(), "no".to_owned())));
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    let router = Router::new()
        .route("/from", get(async || (StatusCode::FOUND, [(header::LOCATION, "/to")])))
        .route("/to", get(async || "followed"));
    let address = serve(router).await;
    let answer = client().send(&request("GET", format!("http://{address}/from"))).await.unwrap();
    assert_eq!((answer.status, &*answer.body), (302, &b""[..]));
}

#[tokio::test]
async fn an_answer_beyond_the_bound_may_have_acted() {
    let address = serve(Router::new().route("/", get(async || "x".repeat(1001)))).await;
    let error = client().send(&request("GET", format!("http://{address}/"))).await.unwrap_err();
    assert!(matches!(error, CallError::MayHaveActed { .. }), "{error}");
}

#[tokio::test]
async fn a_private_target_is_refused_by_address_and_by_name_and_sees_nothing() {
    let address = serve(Router::new().route("/", get(async || "seen"))).await;
    let strict = Http::new(Egress::default(), 1000).unwrap();
    let port = address.port();
    for host in ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0x7f.1", "2130706433"] {
        let error = strict.send(&request("GET", format!("http://{host}:{port}/"))).await;
        let CallError::NotActed { why, .. } = error.unwrap_err() else { panic!("{host}") };
        assert!(why.contains("allow_private"), "{host}: {why}");
    }
    let error = strict.send(&request("GET", "file:///etc/passwd".to_owned())).await.unwrap_err();
    assert!(error.to_string().contains("`file` is not spoken"), "{error}");
}

#[tokio::test]
async fn without_a_connection_nothing_acted() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let error = client().send(&request("POST", format!("http://{address}/"))).await.unwrap_err();
    assert!(matches!(error, CallError::NotActed { .. }), "{error}");
}

#[tokio::test]
async fn a_connection_closed_after_the_request_may_have_acted() {
    use tokio::io::AsyncReadExt;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut seen = [0; 16];
        stream.read_exact(&mut seen).await.unwrap();
    });
    let error = client().send(&request("POST", format!("http://{address}/"))).await.unwrap_err();
    assert!(matches!(error, CallError::MayHaveActed { .. }), "{error}");
}

#[tokio::test]
async fn an_answer_that_does_not_come_in_time_may_have_acted() {
    let hang = get(async || std::future::pending::<()>().await);
    let address = serve(Router::new().route("/", hang)).await;
    let mut request = request("GET", format!("http://{address}/"));
    request.timeout = Duration::from_millis(50);
    let error = client().send(&request).await.unwrap_err();
    assert!(matches!(error, CallError::MayHaveActed { .. }), "{error}");
}

#[tokio::test]
async fn a_secret_in_url_or_header_is_not_in_the_error() {
    let mut bad = request("GET", "http://127.0.0.1:1/?token=SECRET".to_owned());
    let error = client().send(&bad).await.unwrap_err();
    assert!(!error.to_string().contains("SECRET"), "{error}");
    bad.headers.push(("authorization".to_owned(), "SECRET\n".to_owned()));
    let error = client().send(&bad).await.unwrap_err();
    assert!(!error.to_string().contains("SECRET"), "{error}");
}

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
        own: None,
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

/// A client whose name server answers one list after the other, the last for ever.
fn by_name(allowed: &[&str], answers: Vec<Vec<&'static str>>) -> Http {
    let nets = allowed.iter().map(|net| (*net).to_owned().try_into().unwrap());
    let egress = Arc::new(Egress::new(nets.collect()));
    let asked = std::sync::atomic::AtomicUsize::new(0);
    let resolver = Checked::by(Arc::clone(&egress), move |_| {
        let turn = asked.fetch_add(1, std::sync::atomic::Ordering::SeqCst).min(answers.len() - 1);
        let found = answers[turn].iter().map(|ip| SocketAddr::new(ip.parse().unwrap(), 0));
        let found = Ok(found.collect());
        Box::pin(async move { found })
    });
    let client = Http::resolving(resolver).pool_max_idle_per_host(0).build().unwrap();
    Http { client, egress, largest_answer: 1000 }
}

/// What a name resolves to ► whether the server on loopback is reached, and with which ranges listed.
#[tokio::test]
async fn what_a_name_resolves_to_decides() {
    let address = serve(Router::new().route("/", get(async || "seen"))).await;
    let url = format!("http://shop.example:{}/", address.port());
    let cases: [(&[&str], &[&'static str], bool); 9] = [
        (&[], &["127.0.0.1"], false),
        (&["127.0.0.1/32"], &["127.0.0.1"], true),
        (&["127.0.0.1/32"], &["::ffff:127.0.0.1"], true),
        (&["10.0.0.0/8"], &["127.0.0.1"], false),
        (&[], &["169.254.169.254"], false),
        (&[], &["fd00:ec2::254"], false),
        (&[], &["::ffff:169.254.169.254"], false),
        // One good address among bad ones: only that is tried.
        (&["127.0.0.1/32"], &["169.254.169.254", "127.0.0.1", "10.0.0.1"], true),
        (&["127.0.0.1/32"], &["::1", "10.0.0.1"], false),
    ];
    for (allowed, found, reached) in cases {
        let client = by_name(allowed, vec![found.to_vec()]);
        let sent = client.send(&request("GET", url.clone())).await;
        match sent {
            Ok(answer) => assert!(reached && &*answer.body == b"seen", "{allowed:?} {found:?}"),
            Err(CallError::NotActed { why, .. }) => {
                assert!(!reached && why.contains("allow_private"), "{allowed:?} {found:?}: {why}");
            }
            Err(other) => panic!("{allowed:?} {found:?}: {other}"),
        }
    }
}

#[tokio::test]
async fn a_name_that_turns_to_a_private_address_is_refused_at_the_next_connection() {
    let address = serve(Router::new().route("/", get(async || "seen"))).await;
    let url = format!("http://shop.example:{}/", address.port());
    let client = by_name(&["127.0.0.1/32"], vec![vec!["127.0.0.1"], vec!["169.254.169.254"]]);
    assert!(client.send(&request("GET", url.clone())).await.is_ok());
    let error = client.send(&request("GET", url)).await.unwrap_err();
    assert!(error.to_string().contains("169.254.169.254 is a private address"), "{error}");
}

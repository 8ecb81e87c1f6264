//! Traces: from a message on a queue to the request at a target, seen by a receiver of OTLP.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::routing::post;
use orderhub_tests::broker::{Broker, shared_url};
use orderhub_tests::hub::{Hub, free_port};
use orderhub_tests::orders::Order;
use orderhub_tests::otlp::{Receiver, attribute, hex};
use orderhub_tests::settings::{SECRET, Settings};
use orderhub_tests::{http, wait};
use orderhub_twins::serve::{Served, serve_anywhere};
use tokio::time::Instant;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const SENDER: &str = "00f067aa0ba902b7";

/// A target that keeps the headers of what it is told.
#[derive(Clone, Debug, Default)]
struct Told(Arc<Mutex<Vec<HeaderMap>>>);

impl Told {
    async fn serve(&self) -> Served {
        let take = async |State(told): State<Told>, headers: HeaderMap| {
            told.0.lock().unwrap().push(headers);
        };
        let router = Router::new().route("/events", post(take)).with_state(self.clone());
        serve_anywhere(router).await.unwrap()
    }

    async fn first(&self) -> HeaderMap {
        wait::until("the target is told", Duration::from_secs(20), || {
            let first = self.0.lock().unwrap().first().cloned();
            async move { first }
        })
        .await
    }
}

fn traceparent() -> String {
    format!("00-{TRACE}-{SENDER}-01")
}

#[tokio::test]
async fn one_trace_goes_from_the_queue_to_the_target() {
    let (receiver, told) = (Receiver::start(SECRET).await, Told::default());
    let (target, broker) = (told.serve().await, Broker::connect(&shared_url()).await);
    let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
    let queue = format!("traces-{}-{port}", std::process::id());
    broker.quorum_queue(&queue, Some("traces.dead")).await;
    let telemetry = format!(
        "[telemetry]\notlp = \"{}/\"\nsample = 1.0\nheaders = {{ authorization = {{ file = \"secret\" }} }}",
        receiver.url()
    );
    Settings::new(port)
        .queue(broker.url(), &queue)
        .shop("shop_eu", "http://127.0.0.1:1")
        .sink(&target.url())
        .table(&telemetry)
        .write(folder.path());
    let hub = Hub::start(folder.path(), port).await;

    let mut message = Order::paid("shop_eu", 1001, 1).message();
    message.headers.push(("traceparent", traceparent()));
    broker.publish(&queue, [message]).await;
    let headers = told.first().await;
    assert!(hub.terminate().await.success());

    let ours = |id: &[u8]| hex(id) == TRACE;
    let intake = receiver.span("intake", |s| s.name == "intake order_rest").await;
    assert!(ours(&intake.trace_id) && hex(&intake.parent_span_id) == SENDER, "{intake:?}");
    assert_eq!(attribute(&intake, "orderhub.outcome").as_deref(), Some("applied"));
    let commit = receiver
        .span("the commit", |s| intake.links.iter().any(|link| link.span_id == s.span_id))
        .await;
    assert_eq!(commit.name, "commit");
    let deliver = receiver.span("deliver", |s| s.name == "deliver changed").await;
    assert!(ours(&deliver.trace_id) && deliver.parent_span_id == intake.span_id, "{deliver:?}");
    assert_eq!(attribute(&deliver, "orderhub.order"), attribute(&intake, "orderhub.order"));
    let call = receiver.span("the call", |s| s.name == "call send").await;
    assert!(ours(&call.trace_id) && call.parent_span_id == deliver.span_id, "{call:?}");
    assert_eq!(attribute(&call, "http.response.status_code").as_deref(), Some("200"));
    let given = headers.get("traceparent").unwrap().to_str().unwrap();
    assert_eq!(given, format!("00-{TRACE}-{}-01", hex(&call.span_id)));

    let all = format!("{:?}", receiver.spans());
    for value in ["customer-1001", "Harbour", "19.90", "change 1", &target.url()] {
        assert!(!all.contains(value), "{value} is in a span");
    }
}

#[tokio::test]
async fn a_call_to_the_api_goes_on_with_its_trace() {
    let receiver = Receiver::start(SECRET).await;
    let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
    // Nothing that begins here is kept: the sender's decision counts.
    let telemetry = format!(
        "[telemetry]\notlp = \"{}\"\nsample = 0.0\nheaders = {{ authorization = {{ file = \"secret\" }} }}",
        receiver.url()
    );
    Settings::new(port)
        .shop("shop_eu", "http://127.0.0.1:1")
        .table(&telemetry)
        .write(folder.path());
    let hub = Hub::start(folder.path(), port).await;
    let url = hub.url("/api/v1/intake/shop_eu/order_rest");
    for traced in [true, false] {
        let order = Order::paid("shop_eu", 1 + u64::from(traced), 1);
        let call = http::client().post(&url).body(order.body());
        let call = if traced { call.header("traceparent", traceparent()) } else { call };
        let answer = call.send().await.unwrap();
        assert!(answer.status().is_success() && answer.headers().contains_key("x-request-id"));
    }
    assert!(hub.terminate().await.success());
    let route = "POST /api/v1/intake/{system}/{document}";
    let call = receiver.span("the call", |s| s.name == route).await;
    assert_eq!((hex(&call.trace_id), hex(&call.parent_span_id)), (TRACE.into(), SENDER.into()));
    let intake = receiver.span("intake", |s| s.name == "intake order_rest").await;
    assert_eq!((&intake.trace_id, &intake.parent_span_id), (&call.trace_id, &call.span_id));
    let others = receiver.spans().iter().filter(|s| hex(&s.trace_id) != TRACE).count();
    assert_eq!(others, 0, "what begins here is not kept");
}

#[tokio::test]
async fn a_receiver_that_is_gone_holds_up_nothing() {
    let told = Told::default();
    let target = told.serve().await;
    let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
    Settings::new(port)
        .shop("shop_eu", "http://127.0.0.1:1")
        .sink(&target.url())
        .table("[telemetry]\notlp = \"http://127.0.0.1:1\"")
        .write(folder.path());
    let hub = Hub::start(folder.path(), port).await;
    let url = hub.url("/api/v1/intake/shop_eu/order_rest");
    let bodies: Vec<_> = (1..=50).map(|number| Order::paid("shop_eu", number, 1).body()).collect();
    let answer = http::client()
        .post(&url)
        .header("content-type", "application/x-ndjson")
        .body(bodies.join("\n"))
        .send()
        .await
        .unwrap();
    assert!(answer.status().is_success());
    wait::until("all are told", Duration::from_secs(20), || {
        let count = told.0.lock().unwrap().len();
        async move { (count >= 50).then_some(()) }
    })
    .await;
    let began = Instant::now();
    assert!(hub.terminate().await.success());
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
}

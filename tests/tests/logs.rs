//! Log lines of a hub that works: objects, with the ids of what they are about, and nothing that is private.

use std::time::Duration;

use orderhub_tests::http;
use orderhub_tests::hub::{Hub, free_port};
use orderhub_tests::orders::Order;
use orderhub_tests::settings::{SECRET, Settings};
use orderhub_tests::wait;
use orderhub_twins::clock::Clock;
use orderhub_twins::serve::serve_anywhere;
use orderhub_twins::sink::Sink;
use serde_json::Value;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

#[tokio::test]
async fn logs_tell_no_secret_and_nobody_s_name() {
    let sink = Sink::new("archive", Clock::started_before(1.0, Duration::ZERO));
    let served = serve_anywhere(sink.router()).await.unwrap();
    let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
    Settings::new(port)
        .shop("shop_eu", "http://127.0.0.1:1")
        .sink(&served.url())
        .table("[log]\nformat = \"json\"\nlevel = \"trace\"\nto = \"stdout\"")
        .write(folder.path());
    let hub = Hub::start(folder.path(), port).await;
    let url = hub.url("/api/v1/intake/shop_eu/order_rest");
    let whole = Order::paid("shop_eu", 1001, 1).body();
    // One that is taken, one that cannot be mapped.
    for body in [whole.clone(), whole.replace("19.90", "Harbour")] {
        let parent = format!("00-{TRACE}-00f067aa0ba902b7-01");
        let call = http::client().post(&url).header("traceparent", parent).body(body);
        let call = call.header("authorization", format!("Bearer {SECRET}"));
        let answer = call.send().await.unwrap();
        assert!(answer.status().is_success(), "{answer:?}");
    }
    wait::until("the sink is told", Duration::from_secs(20), || async {
        (sink.frame.ledger.counts().references == 1).then_some(())
    })
    .await;
    let asked = http::client().get(hub.url("/api/v1/orders?q=customer-1001@example.com"));
    let id = asked.send().await.unwrap().headers()["x-request-id"].to_str().unwrap().to_owned();
    let log = folder.path().join("hub.log");
    assert!(hub.terminate().await.success());
    let text = std::fs::read_to_string(log).unwrap();
    for private in [SECRET, "customer-1001", "Customer 1001", "Harbour", "20457", "change 1"] {
        assert!(!text.contains(private), "{private} is in\n{text}");
    }
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}")))
        .collect();
    let line = |message: &str, key: &str, value: &Value| {
        let found = lines.iter().find(|line| line["message"] == message && &line[key] == value);
        found.cloned().unwrap_or_else(|| panic!("no `{message}` with {key} {value} in\n{text}"))
    };
    let stored = line("a message was stored", "outcome", &"applied".into());
    assert_eq!((&stored["system"], &stored["trace_id"]), (&"shop_eu".into(), &TRACE.into()));
    let ended = line("an attempt ended", "order", &stored["order"]);
    assert_eq!(ended["system"], "archive");
    assert_eq!((&ended["operation"], &ended["attempt"]), (&"changed".into(), &1.into()));
    let call = line("a call was answered", "trace_id", &TRACE.into());
    assert_eq!(call["route"], "/api/v1/intake/{system}/{document}");
    assert_eq!(stored["request"], call["request"], "what is done for a call names it");
    assert_eq!(line("a call was answered", "request", &id.into())["status"], 200);
}

//! The live view: what passes is seen before and after mapping, in the API and at the command line, and nobody's
//! name is in it.

use std::process::{Command, Stdio};
use std::time::Duration;

use orderhub_tests::hub::{Hub, binary, free_port};
use orderhub_tests::orders::Order;
use orderhub_tests::settings::Settings;
use orderhub_tests::{api, http, wait};
use orderhub_twins::clock::Clock;
use orderhub_twins::serve::serve_anywhere;
use orderhub_twins::sink::Sink;
use serde_json::Value;

/// Sends orders, one after the other, until `ended` says so.
async fn send_until(hub: &Hub, mut ended: impl FnMut() -> bool) {
    let url = hub.url("/api/v1/intake/shop_eu/order_rest");
    let mut number = 1_000;
    wait::until("the view has seen enough", Duration::from_secs(30), || {
        number += 1;
        let (url, body, ended) = (url.clone(), Order::paid("shop_eu", number, 1).body(), ended());
        async move {
            let answer = http::client().post(url).body(body).send().await.unwrap();
            assert!(answer.status().is_success());
            ended.then_some(())
        }
    })
    .await;
}

#[tokio::test]
async fn what_passes_is_seen_before_and_after_mapping_without_names() {
    let sink = Sink::new("archive", Clock::started_before(1.0, Duration::ZERO));
    let served = serve_anywhere(sink.router()).await.unwrap();
    let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
    Settings::new(port)
        .shop("shop_eu", "http://127.0.0.1:1")
        .sink(&served.url())
        .write(folder.path());
    let hub = Hub::start(folder.path(), port).await;
    for (of, way) in [("shop_eu", "in"), ("archive", "out")] {
        let mut looking = Command::new(binary())
            .args(["tap", of, "--count", "3", "-o", "jsonl", "--url", &hub.url("")])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        send_until(&hub, || looking.try_wait().unwrap().is_some()).await;
        let seen = looking.wait_with_output().unwrap();
        assert!(seen.status.success());
        let text = String::from_utf8(seen.stdout).unwrap();
        for private in ["@example.com", "Harbour", "Customer", "20457", "change 1"] {
            assert!(!text.contains(private), "{private} is in\n{text}");
        }
        let lines: Vec<Value> = text.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
        assert_eq!(lines.len(), 3, "{text}");
        for line in &lines {
            assert_eq!((&line["way"], &line["system"]), (&way.into(), &of.into()), "{line}");
        }
        if way == "in" {
            came(&lines[0]);
        } else {
            assert_eq!(lines[0]["after"]["lines"][0]["sku"], "MUG-BLUE", "{}", lines[0]);
            assert_eq!(lines[0]["class"], "ok");
        }
    }
    api::until_idle(&hub, Duration::from_secs(20)).await;
    let unknown = http::json(&hub.url("/api/v1/tap?system=shop_ue")).await;
    assert_eq!(
        (&unknown["code"], &unknown["did_you_mean"]),
        (&"not_found".into(), &"shop_eu".into())
    );
    assert_eq!(http::json(&hub.url("/api/v1/tap?queue=none")).await["code"], "not_found");
    assert!(hub.terminate().await.success());
}

fn came(line: &Value) {
    let (before, after) = (&line["before"], &line["after"][0]);
    assert_eq!(line["outcomes"][0]["outcome"], "applied", "{line}");
    assert_eq!(before["financial_status"], "paid", "{line}");
    assert_eq!(before["line_items"][0]["sku"], "MUG-BLUE", "{line}");
    assert_eq!((&before["email"], &before["note"]), (&"***".into(), &"***".into()), "{line}");
    assert_eq!(before["shipping_address"]["zip"], "***", "{line}");
    assert_eq!(after["state"]["payment"], "captured", "{line}");
    assert_eq!(after["customer"]["email"], "***", "{line}");
    assert_eq!(after["addresses"]["ship_to"], "***", "{line}");
}

#[tokio::test]
async fn a_view_does_not_keep_the_hub_from_ending() {
    let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
    Settings::new(port).shop("shop_eu", "http://127.0.0.1:1").write(folder.path());
    let hub = Hub::start(folder.path(), port).await;
    let looking = http::client().get(hub.url("/api/v1/tap")).send().await.unwrap();
    assert!(looking.status().is_success());
    let log = folder.path().join("hub.log");
    assert!(hub.terminate().await.success());
    let log = std::fs::read_to_string(log).unwrap();
    assert!(!log.contains("did not end in time"), "{log}");
}

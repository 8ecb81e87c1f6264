//! Twins as processes of their own beside a hub: told to say something, broken on purpose, and asked what took
//! effect there.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use orderhub_tests::hub::{Hub, binary, free_port};
use orderhub_tests::settings::{SECRET, Settings};
use orderhub_tests::{http, wait};
use serde_json::Value;

/// A running twin. Killed when dropped.
struct Twin {
    process: Child,
    url: String,
}

impl Twin {
    fn start(folder: &Path, kind: &str, more: &[&str]) -> Self {
        let secret = folder.join("secret");
        std::fs::write(&secret, format!("{SECRET}\n")).unwrap();
        let mut process = Command::new(binary())
            .args(["twin", kind, "--listen", "127.0.0.1:0", "--speed", "3600", "--secret-file"])
            .arg(secret)
            .args(more)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut url = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut url).unwrap();
        Self { process, url: url.trim().to_owned() }
    }

    async fn effect(&self, kind: &str) -> u64 {
        let page = http::json(&format!("{}/_twin/ledger?limit=0", self.url)).await;
        page["counts"]["effects"][kind].as_u64().unwrap_or(0)
    }
}

impl Drop for Twin {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

fn emit(twin: &Twin, arguments: &[&str]) -> (i32, Value) {
    let ran = Command::new(binary())
        .args(["twin", "emit", "shop"])
        .args(arguments)
        .args(["-o", "json", "--twin", &twin.url])
        .output()
        .unwrap();
    let said = serde_json::from_slice(&ran.stdout).unwrap_or_default();
    (ran.status.code().unwrap_or(-1), said)
}

#[tokio::test]
async fn an_order_that_a_twin_is_told_to_say_becomes_a_sale_at_another() {
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let hub_url = format!("http://127.0.0.1:{port}");
    let shop = Twin::start(folder.path(), "shop", &["--hub", &hub_url, "--system", "shop_eu"]);
    let lost = r#"[{ "operation": "create_sale", "fault": { "status": 504 }, "acts": "before", "count": 1 }]"#;
    let rules = folder.path().join("rules.json");
    std::fs::write(&rules, lost).unwrap();
    let rules = rules.display().to_string();
    let erp = Twin::start(folder.path(), "erp", &["--hub", &hub_url, "--faults", &rules]);
    let sink = Twin::start(folder.path(), "sink", &[]);
    let settings = Settings::new(port)
        .shop("shop_eu", &shop.url)
        .system("erp", "rest_erp", &erp.url, &["token", "webhook"], &[])
        .sink(&sink.url);
    settings.write(folder.path());
    let hub = Hub::start(folder.path(), port).await;

    let (code, said) = emit(&shop, &["orders/paid"]);
    assert_eq!((code, &said[0]["order"]), (0, &Value::from("#1001")), "{said}");
    wait::until(
        "the sale is made once, although its answer was lost",
        Duration::from_secs(60),
        || async {
            let waits =
                http::json(&hub.url("/api/v1/systems/erp")).await["backlog"].as_u64() != Some(0);
            (!waits
                && erp.effect("sale.created").await == 1
                && sink.effect("order.changed").await > 0)
                .then_some(())
        },
    )
    .await;
    assert_eq!(emit(&shop, &["orders/paid", "--order", "1001"]).0, 6, "it is paid already");
    assert_eq!(emit(&shop, &["orders/paid", "--order", "7"]).0, 6, "there is none");
    assert_eq!(emit(&shop, &["orders/lost"]).0, 2);
    let (code, said) = emit(&shop, &["orders/create", "--count", "2"]);
    assert_eq!((code, said.as_array().map(Vec::len)), (0, Some(2)));
    wait::until("the hub knows three orders", Duration::from_secs(30), || async {
        let page = http::json(&hub.url("/api/v1/orders")).await;
        (page["items"].as_array()?.len() == 3).then_some(())
    })
    .await;
}

//! The history of an order by commands: diff, blame, restore, as a script sees them.

use std::path::Path;
use std::process::Command;

use orderhub_tests::http::client;
use orderhub_tests::hub::{Hub, binary, free_port};
use serde_json::{Value, json};

const SYSTEMS: &str = r#"
[systems.shop_eu]
integration = "shopify"
base_url = "https://shop-eu.example"
mode = "paused"
[systems.shop_eu.secrets]
client_secret = { env = "HUSH" }
webhook = { env = "HUSH" }
[systems.shop_eu.settings]
client_id = "app"
money = "shop_money"
location_id = "1"
[systems.erp]
integration = "rest_erp"
base_url = "https://erp.example"
mode = "shadow"
[systems.erp.secrets]
token = { env = "HUSH" }
webhook = { env = "HUSH" }
"#;

struct Ran {
    code: i32,
    out: String,
    err: String,
}

fn orderhub(url: &str, arguments: &[&str]) -> Ran {
    let ran = Command::new(binary()).args(arguments).args(["--url", url]).output().unwrap();
    Ran {
        code: ran.status.code().unwrap_or(-1),
        out: String::from_utf8(ran.stdout).unwrap(),
        err: String::from_utf8(ran.stderr).unwrap(),
    }
}

async fn hub(folder: &Path) -> Hub {
    let port = free_port();
    let mappings = Path::new(env!("CARGO_MANIFEST_DIR")).join("../mappings");
    let secret = folder.join("hush");
    std::fs::write(&secret, "hush").unwrap();
    let systems = SYSTEMS.replace("env = \"HUSH\"", &format!("file = \"{}\"", secret.display()));
    let text = format!(
        "[server]\nlisten = \"127.0.0.1:{port}\"\n[mappings]\npath = \"{}\"\n{systems}",
        mappings.display()
    );
    std::fs::write(folder.join("orderhub.toml"), text).unwrap();
    Hub::start(folder, port).await
}

/// An order with one edit by a person.
async fn edited(hub: &Hub) {
    let order = json!({
        "id": 1, "name": "#1001", "currency": "EUR", "presentment_currency": "EUR",
        "created_at": "2026-11-01T10:00:00Z", "updated_at": "2026-11-01T10:00:00Z",
        "financial_status": "paid", "taxes_included": true,
        "total_price": "5.00", "current_subtotal_price": "5.00", "current_total_discounts": "0.00",
        "current_total_tax": "0.00",
        "line_items": [{ "id": 10, "sku": "MUG", "name": "Mug", "quantity": 1, "price": "5.00",
                         "requires_shipping": true }],
    });
    let taken =
        client().post(hub.url("/api/v1/intake/shop_eu/order_rest")).json(&order).send().await;
    assert!(taken.unwrap().status().is_success());
    let patch = client()
        .patch(hub.url("/api/v1/orders/1001?reason=called"))
        .header("if-match", "\"1\"")
        .json(&json!({ "customer.email": "a@b.example" }));
    assert!(patch.send().await.unwrap().status().is_success());
}

#[tokio::test]
async fn an_order_is_compared_blamed_and_led_back_by_commands() {
    let folder = tempfile::tempdir().unwrap();
    let hub = hub(folder.path()).await;
    edited(&hub).await;
    let url = hub.url("");

    let diff = orderhub(&url, &["order", "diff", "1001", "1..2"]);
    assert_eq!(diff.code, 0, "{}", diff.err);
    let line = diff.out.lines().find(|line| line.starts_with("customer.email"));
    assert!(line.unwrap().contains("person:local"), "{}", diff.out);
    assert!(diff.err.contains("versions 1..2"), "{}", diff.err);
    assert_eq!(orderhub(&url, &["order", "diff", "1001", "1..2", "--exit-code"]).code, 1);
    assert_eq!(orderhub(&url, &["order", "diff", "1001", "2..2", "--exit-code"]).code, 0);
    assert_eq!(orderhub(&url, &["order", "diff", "1001", "one"]).code, 2);
    assert_eq!(orderhub(&url, &["order", "diff", "1001", "1..9"]).code, 5);

    let blame = orderhub(&url, &["order", "blame", "1001", "customer.email", "-o", "jsonl"]);
    let blamed: Value = serde_json::from_str(blame.out.trim()).unwrap();
    assert_eq!(
        (&blamed["value"], &blamed["version"], &blamed["reason"]),
        (&json!("a@b.example"), &json!(2), &json!("called"))
    );

    assert_eq!(orderhub(&url, &["order", "restore", "1001", "1"]).code, 2, "a reason is asked for");
    let preview = orderhub(&url, &["order", "restore", "1001", "1", "--preview"]);
    assert_eq!(preview.code, 0, "{}", preview.err);
    assert!(preview.out.contains("would make version"), "{}", preview.out);
    assert!(preview.out.contains("customer.email: a@b.example ► -"), "{}", preview.out);
    assert!(preview.out.contains("erp") && preview.out.contains("shadow mode"), "{}", preview.out);

    let old = orderhub(&url, &["order", "restore", "1001", "1", "--reason", "x", "--seen", "1"]);
    assert_eq!(old.code, 6, "an order that moved is refused: {}", old.out);
    let done =
        orderhub(&url, &["order", "restore", "1001", "1", "--reason", "wrong", "-o", "json"]);
    let done: Value = serde_json::from_str(&done.out).unwrap();
    assert_eq!(done["outcome"], "applied", "{done}");
    let again = orderhub(&url, &["order", "restore", "1001", "1", "--reason", "wrong"]);
    assert!(again.code == 0 && again.out.starts_with("unchanged"), "{}", again.out);
    let log = orderhub(&url, &["order", "log", "1001"]);
    assert!(log.out.contains("restore:1") && log.out.contains("wrong"), "{}", log.out);
    assert!(hub.terminate().await.success());
}

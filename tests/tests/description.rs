//! What the API describes of itself, asked by a program that knows nothing else of it.

use std::path::Path;
use std::process::Command;

use orderhub_tests::http::client;
use orderhub_tests::hub::{Hub, binary, free_port};
use orderhub_tests::settings::Settings;
use serde_json::{Value, json};

/// Cases that are made up for each call.
const EXAMPLES: &str = "60";
/// Each run asks the same.
const SEED: &str = "20261129";

fn schemathesis() -> std::ffi::OsString {
    std::env::var_os("ORDERHUB_TEST_SCHEMATHESIS").expect(
        "ORDERHUB_TEST_SCHEMATHESIS is not set: run the tests by `tests/run`, or \
         `export $(tests/parts/schemathesis.sh install /tmp/orderhub-schemathesis)`",
    )
}

/// A token of the role, and its table.
fn token() -> (String, String) {
    let arguments = ["token", "create", "--role", "ops_lead", "--name", "ops", "-o", "json"];
    let ran = Command::new(binary()).args(arguments).output().unwrap();
    let both: Value = serde_json::from_slice(&ran.stdout).unwrap();
    let (token, hash) = (both["token"].as_str().unwrap(), both["sha256"].as_str().unwrap());
    let table = format!("\n[access.tokens.ops]\nsha256 = \"{hash}\"\nrole = \"ops_lead\"\n");
    (token.to_owned(), table)
}

/// An order and a todo, so that answers have something in them.
async fn fill(hub: &Hub, token: &str) {
    let order = json!({
        "id": 1, "name": "#1", "currency": "EUR", "presentment_currency": "EUR",
        "created_at": "2026-11-01T10:00:00Z", "updated_at": "2026-11-01T10:00:00Z",
        "financial_status": "paid", "taxes_included": true, "total_price": "12.50",
        "current_subtotal_price": "12.50", "current_total_discounts": "0.00", "current_total_tax": "0.00",
        "line_items": [{ "id": 10, "sku": "MUG", "name": "Mug", "quantity": 1, "price": "12.50",
                         "requires_shipping": true }],
    });
    for (body, outcome) in [(order.to_string(), "applied"), ("{".to_owned(), "todo")] {
        let path = hub.url("/api/v1/intake/shop/order_rest");
        let answer = client().post(path).bearer_auth(token).body(body).send().await.unwrap();
        let answer: Value = answer.json().await.unwrap();
        assert_eq!(answer["outcome"], outcome, "{answer}");
    }
}

/// All is checked but this:
/// - that what fits the description is not refused: names of systems, numbers of orders and cursors are values of
///   this hub that no description can know;
/// - the live view, whose answer has no end;
/// - that the intake refuses what is wrong with a document: it is stored, and shown to a person.
const CHECKS: &str = r#"
[checks]
positive_data_acceptance.enabled = false

[[operations]]
include-path = "/api/v1/intake/{system}/{document}"
checks.negative_data_rejection.enabled = false

[[operations]]
include-path = "/api/v1/tap"
enabled = false
"#;

fn ask(hub: &Hub, token: &str, folder: &Path) -> (bool, String) {
    std::fs::write(folder.join("schemathesis.toml"), CHECKS).unwrap();
    let ran = Command::new(schemathesis())
        .args(["run", &hub.url("/api/v1/openapi.json")])
        .args(["--max-examples", EXAMPLES, "--seed", SEED, "--phases", "examples,coverage,fuzzing"])
        .args(["--header", &format!("Authorization: Bearer {token}"), "--continue-on-failure"])
        .args(["--suppress-health-check", "all", "--warnings", "off", "--workers", "1"])
        .env("HYPOTHESIS_STORAGE_DIRECTORY", folder.join("hypothesis"))
        .current_dir(folder)
        .output()
        .expect("schemathesis starts");
    let said = String::from_utf8_lossy(&ran.stdout).into_owned();
    (ran.status.success(), format!("{said}{}", String::from_utf8_lossy(&ran.stderr)))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_description_of_the_api_is_kept_by_the_hub() {
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    Settings::new(port).shop("shop", "http://127.0.0.1:9").write(folder.path());
    let (token, table) = token();
    let settings = folder.path().join("orderhub.toml");
    let text = std::fs::read_to_string(&settings).unwrap();
    std::fs::write(&settings, format!("{text}{table}")).unwrap();
    let hub = Hub::start(folder.path(), port).await;
    fill(&hub, &token).await;
    let (kept, said) = ask(&hub, &token, folder.path());
    assert!(kept, "{said}");
    let log = hub.log();
    assert!(!log.contains("ERROR") && !log.contains("panicked"), "{log}");
}

//! The numbers of a running hub, as Prometheus reads them.

use std::io::Write as _;
use std::process::{Command, Stdio};

use orderhub_tests::http;
use orderhub_tests::hub::{Hub, free_port};
use orderhub_tests::settings::Settings;

/// What the interfaces promise, each with a label set that a fresh hub has.
const PROMISED: [&str; 27] = [
    r#"orderhub_intake_total{document="order_rest",outcome="applied",system="shop_eu"} 0"#,
    r#"orderhub_intake_rows_passed_total{document="order_rest",system="shop_eu"} 0"#,
    "orderhub_intake_commit_seconds_count 0",
    "orderhub_intake_backlog 0",
    "orderhub_intake_in_hand 0",
    "orderhub_events_exchange_missing 0",
    "orderhub_mappings_unreadable 0",
    r#"orderhub_bundle_info{hash=""#,
    r#"orderhub_bundle_switch_total{result="switched"} 0"#,
    r#"orderhub_bundle_switch_total{result="refused"} 0"#,
    "orderhub_bundle_refused 0",
    r#"orderhub_webhooks_refused_total{system="shop_eu"} 0"#,
    r#"orderhub_delivery_total{operation="changed",result="dead",system="archive"} 0"#,
    r#"orderhub_delivery_seconds_count{operation="changed",system="archive"} 0"#,
    r#"orderhub_delivery_pending{system="archive"} 0"#,
    r#"orderhub_delivery_oldest_seconds{system="archive"} 0"#,
    r#"orderhub_delivery_resting{code="not_linked",system="archive"} 0"#,
    r#"orderhub_delivery_resting{code="unfit",system="archive"} 0"#,
    r#"orderhub_intake_waiting{why="waiting"} 0"#,
    r#"orderhub_intake_waiting{why="suspect"} 0"#,
    r#"orderhub_intake_waiting_oldest_seconds{why="waiting"} 0"#,
    r#"orderhub_breaker_state{operation="changed",system="archive"} 0"#,
    r#"orderhub_limit_wait_seconds_count{system="archive"} 0"#,
    r#"orderhub_stale_answers_total{read="stock",system="erp"} 0"#,
    r#"orderhub_todo{kind="dead",system="shop_eu"} 0"#,
    r#"orderhub_source_freshness_seconds{system="shop_eu"} "#,
    r#"orderhub_log_lines_total{level="error"} 0"#,
];

fn promtool() -> String {
    std::env::var("ORDERHUB_TEST_PROMTOOL").expect(
        "ORDERHUB_TEST_PROMTOOL is not set: run the tests by `tests/run`, which finds promtool",
    )
}

#[tokio::test]
async fn every_metric_is_there_from_the_first_scrape_on() {
    let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
    Settings::new(port)
        .shop("shop_eu", "http://127.0.0.1:1")
        .sink("http://127.0.0.1:1")
        .system("erp", "rest_erp", "http://127.0.0.1:1", &["token", "webhook"], &[])
        .write(folder.path());
    let hub = Hub::start(folder.path(), port).await;
    let text = http::text(&hub.url("/metrics")).await.unwrap();
    for promised in PROMISED {
        let found = text.lines().any(|line| sorted(line).starts_with(promised));
        assert!(found, "{promised} is not in\n{text}");
    }
    check(&text);
}

/// A line with its labels in the order of their names.
fn sorted(line: &str) -> String {
    let Some((name, rest)) = line.split_once('{') else { return line.to_owned() };
    let Some((labels, value)) = rest.rsplit_once('}') else { return line.to_owned() };
    let mut labels: Vec<&str> = labels.split(',').collect();
    labels.sort_unstable();
    format!("{name}{{{}}}{value}", labels.join(","))
}

/// Prometheus's own checker; a mere lint, such as a missing help text, is a failure, too.
fn check(text: &str) {
    let mut promtool = Command::new(promtool())
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool starts");
    promtool.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = promtool.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && said.is_empty(), "{}\n{said}\n{text}", output.status);
}

//! Idle: how soon the hub is ready, and what it holds and burns when nothing happens, with a broker, the
//! five shipped integrations and an empty store; beside a web server of the same libraries that has
//! nothing to do (the sink's twin).
//!
//! Bar: below 40 MB.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use orderhub_tests::broker::{Broker, Node};
use orderhub_tests::hub::{Hub, free_port};
use orderhub_tests::measure::process::{Used, used};
use orderhub_tests::measure::twin::Sink;
use orderhub_tests::measure::watch::Watch;
use orderhub_tests::measure::{self, row};
use orderhub_tests::{http, wait};

/// Bar, in MB of 1,000,000 bytes.
const BAR_MB: f64 = 40.0;

#[tokio::main]
async fn main() {
    let folder = measure::folder();
    measure::preamble("idle: broker connected, five integrations, empty store", folder.path());
    let node = Node::start(&folder.path().join("rabbitmq"));
    let broker = Broker::connect(node.url()).await;
    broker.quorum_queue("bench.idle", None).await;
    let port = free_port();
    settings(folder.path(), port, node.url());
    let sink = Sink::start();
    let began = Watch::start();
    let hub = Hub::spawn(folder.path(), port);
    ready(&hub).await;
    row("start to ready", &format!("{:.2} s, empty store", began.elapsed().as_secs_f64()));
    let quiet = Duration::from_secs(measure::number("ORDERHUB_BENCH_SECS", 8));
    let before = [hub.pid(), sink.pid()].map(used);
    tokio::time::sleep(quiet).await;
    let after = [hub.pid(), sink.pid()].map(used);
    row("commit mode", "SQLite, WAL, synchronous=FULL; nothing to commit");
    let names = ["hub", "yardstick: idle web server (the sink's twin)"];
    for ((name, before), after) in names.into_iter().zip(before).zip(after) {
        print(name, after.since(before), quiet);
    }
    let megabytes = after[0].rss_kib as f64 * 1024.0 / 1e6;
    row("hub, memory", &format!("{megabytes:.1} MB, bar {BAR_MB:.0} MB"));
    hub.terminate().await;
}

fn print(name: &str, used: Used, quiet: Duration) {
    let mib = |kib: u64| kib as f64 / 1024.0;
    let (now, peak) = (mib(used.rss_kib), mib(used.peak_kib));
    let cpu = used.cpu_secs / quiet.as_secs_f64() * 100.0;
    let over = quiet.as_secs();
    row(
        name,
        &format!("RSS {now:.1} MiB, peak {peak:.1} MiB, CPU {cpu:.1} % of a core over {over} s"),
    );
}

async fn ready(hub: &Hub) {
    let (client, url) = (http::client(), hub.url("/readyz"));
    wait::until("the hub is ready", Duration::from_secs(30), || async {
        let answer = client.get(&url).send().await.ok()?;
        answer.status().is_success().then_some(())
    })
    .await;
}

/// One system of each shipped integration; nobody answers there, and nothing asks.
fn settings(folder: &Path, port: u16, amqp: &str) {
    let mappings = Path::new(env!("CARGO_MANIFEST_DIR")).join("../mappings");
    let mappings = mappings.canonicalize().expect("mappings/ is there");
    let mut text = format!(
        r#"
        [server]
        listen = "127.0.0.1:{port}"
        [mappings]
        path = "{}"
        [egress]
        allow_private = ["127.0.0.1/32"]
        [bus]
        url = "{amqp}"
        [bus.consume.orders]
        queue = "bench.idle"
        system = {{ header = "x-system" }}
        document = {{ fixed = "order_rest" }}
        message_id = {{ property = "message_id" }}
        "#,
        mappings.display()
    );
    let shop = "money = \"shop_money\"\nlocation_id = \"1\"";
    let systems = [
        ("shopify", shop),
        ("rest_erp", ""),
        ("rest_wms", ""),
        ("rest_tms", "user = \"bench\""),
        ("sink", ""),
    ];
    let secrets =
        ["token", "webhook", "password"].map(|name| format!("{name} = {{ file = \"secret\" }}"));
    for (integration, values) in systems {
        let written = write!(
            text,
            "\n[systems.a_{integration}]\nintegration = \"{integration}\"\nbase_url = \"http://127.0.0.1:9\"\n\
             secrets = {{ {} }}\n[systems.a_{integration}.settings]\n{values}\n",
            secrets.join(", ")
        );
        written.expect("writing to a string");
    }
    std::fs::write(folder.join("orderhub.toml"), text).expect("the folder is writable");
    std::fs::write(folder.join("secret"), "bench").expect("the folder is writable");
}

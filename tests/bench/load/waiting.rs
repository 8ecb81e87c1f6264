//! A target that is away while orders come, and then is there again.

use std::time::Duration;

use orderhub_tests::hub::free_port;
use orderhub_tests::measure::process::used;
use orderhub_tests::measure::twin::Sink;
use orderhub_tests::measure::watch::Watch;
use orderhub_tests::measure::{self, rate, row};
use orderhub_tests::{http, wait};
use serde_json::Value;

use super::place::{self, Kind, Place};

/// The number of the first order.
const FIRST: u64 = 4_000_000;
/// Bar, in MB of 1,000,000 bytes.
const BAR_MB: f64 = 200.0;

pub(crate) async fn run(place: &mut Place, kind: Kind) {
    let orders = measure::number("ORDERHUB_BENCH_ORDERS", 100_000);
    println!();
    row("waiting", &format!("{orders} orders while the sink is away, {}", kind.word()));
    let (client, port) = (http::client(), free_port());
    let work = place.hub(kind, &format!("http://127.0.0.1:{port}")).await;
    let memory = |what: &str| {
        let used = used(work.hub.pid());
        let mb = |kib: u64| kib as f64 * 1024.0 / 1e6;
        let (now, peak) = (mb(used.rss_kib), mb(used.peak_kib));
        row(
            &format!("waiting: {what}"),
            &format!("RSS {now:.0} MB, peak {peak:.0} MB, bar {BAR_MB:.0} MB"),
        );
    };
    memory("idle");
    let watch = Watch::start();
    place::publish(&place.broker, &work.queue, FIRST..FIRST + orders).await;
    let systems = work.hub.url("/api/v1/systems");
    let backlog = || async {
        let page = client.get(&systems).send().await.ok()?.bytes().await.ok()?;
        let page: Value = serde_json::from_slice(&page).ok()?;
        let sink = page["items"].as_array()?.iter().find(|system| system["system"] == "sink")?;
        sink["backlog"].as_u64()
    };
    wait::until("all of them wait", Duration::from_secs(300), || async {
        backlog().await.filter(|waiting| *waiting >= orders)
    })
    .await;
    let stored = rate(orders, watch.elapsed());
    row("waiting: published and stored", &format!("{stored:.0} orders/s"));
    memory(&format!("with {orders} waiting"));
    let sink = Sink::start_at(port);
    sink.has(&client, 1).await;
    let watch = Watch::start();
    let drained = tokio::time::timeout(Duration::from_secs(400), sink.has(&client, orders)).await;
    let counts = drained.expect("the backlog goes within its bound");
    let gone = rate(orders, watch.elapsed());
    let count = |name: &str| counts[name].as_u64().unwrap_or(0);
    let (doubled, late) = (count("doubled"), count("out_of_order"));
    let figure = format!("{gone:.0} orders/s; doubled {doubled}, out of order {late}");
    row("waiting: the sink is back", &figure);
    memory("after it went");
    work.hub.terminate().await;
}

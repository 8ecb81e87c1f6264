//! A queue that is never empty, for a long time.

use std::time::Duration;

use orderhub_tests::broker::Broker;
use orderhub_tests::measure::process::{family_cpu_secs, used};
use orderhub_tests::measure::twin::{Sink, changed};
use orderhub_tests::measure::watch::Watch;
use orderhub_tests::measure::{self, hub, rate, row};
use orderhub_tests::{http, wait};

use super::place::{self, Kind, Place};

/// Bar: orders a second.
const BAR: f64 = 1_200.0;
/// The queue is filled up to so many.
const FILLED: u64 = 4_000;
/// The number of the first order.
const FIRST: u64 = 1_000_000;
/// Slices of the time that are told apart.
const SLICES: u64 = 10;

pub(crate) async fn run(place: &mut Place, kind: Kind) {
    let secs = measure::number("ORDERHUB_BENCH_SECS", 60).max(SLICES);
    println!();
    row("steady", &format!("the queue kept filled for {secs} s, {}", kind.word()));
    let (sink, client) = (Sink::start(), http::client());
    let database = matches!(kind, Kind::Postgres).then(|| place.database.pid());
    let work = place.hub(kind, sink.url()).await;
    let publisher = Broker::connect(place.node.url()).await;
    let (end, all) = tokio::join!(
        slices(&sink, &client, (work.hub.pid(), database), secs),
        fill(&publisher, &place.broker, &work.queue, Duration::from_secs(secs)),
    );
    let mut rates = end;
    let what = "the sink has what was published";
    wait::until(what, Duration::from_secs(60), || async {
        (changed(&sink.counts(&client).await) >= all).then_some(())
    })
    .await;
    hub::settled(&work.hub, &client).await;
    let counts = sink.counts(&client).await;
    let count = |name: &str| counts[name].as_u64().unwrap_or(0);
    let (doubled, late, repeated) = (count("doubled"), count("out_of_order"), count("repeated"));
    let lost = all.saturating_sub(count("references"));
    let judged = format!(
        "{all} orders: lost {lost}, doubled {doubled}, out of order {late}, repeated {repeated}"
    );
    row("steady: counted at the sink", &judged);
    let least = rates.iter().copied().fold(f64::INFINITY, f64::min);
    let median = measure::median(&mut rates);
    row(
        "steady",
        &format!("{median:.0} orders/s, least of {SLICES} slices {least:.0}, bar {BAR:.0}"),
    );
    work.hub.terminate().await;
}

/// The rate of each slice, with the hub's memory at its end.
async fn slices(
    sink: &Sink,
    client: &reqwest::Client,
    (hub, database): (u32, Option<u32>),
    secs: u64,
) -> Vec<f64> {
    sink.has(client, 1).await;
    let mut tick = tokio::time::interval(Duration::from_secs(secs / SLICES));
    tick.tick().await;
    let (mut rates, mut before) = (Vec::new(), changed(&sink.counts(client).await));
    for slice in 1..=SLICES {
        let (watch, used_before, stored_before) =
            (Watch::start(), used(hub), database.map(family_cpu_secs));
        tick.tick().await;
        let (now, used) = (changed(&sink.counts(client).await), used(hub));
        let count = now - before;
        let rate = rate(count, watch.elapsed());
        let stored = database.map(family_cpu_secs).zip(stored_before).map(|(now, before)| {
            let stored = (now - before) * 1_000.0 / count.max(1) as f64;
            format!("; PostgreSQL CPU {stored:.3} s")
        });
        let stored = stored.unwrap_or_default();
        let used = used.since(used_before).per(count.max(1));
        let figures = format!("{rate:.0} orders/s; {used}{stored}");
        row(&format!("steady: slice {slice}"), &figures);
        rates.push(rate);
        before = now;
    }
    rates
}

/// Keeps the queue filled; how many orders that took.
async fn fill(publisher: &Broker, looker: &Broker, queue: &str, time: Duration) -> u64 {
    let (watch, mut next) = (Watch::start(), FIRST);
    let mut tick = tokio::time::interval(Duration::from_millis(250));
    while watch.elapsed() < time {
        tick.tick().await;
        let ready = u64::from(looker.ready(queue).await);
        let missing = FILLED.saturating_sub(ready);
        place::publish(publisher, queue, next..next + missing).await;
        next += missing;
    }
    next - FIRST
}

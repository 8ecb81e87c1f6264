//! How long one order takes while 500 a second come. Each is sent when it is due, however long those before it
//! take, and its time counts from there.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::routing::post;
use orderhub_tests::broker::Broker;
use orderhub_tests::measure::watch::Watch;
use orderhub_tests::measure::{self, order, row};
use orderhub_tests::{http, wait};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::place::{Kind, Place, message};

/// Orders a second.
const RATE: u64 = 500;
/// Seconds before the time that counts.
const WARM: u64 = 3;
/// The numbers of the first orders: by the API, by the queue.
const FIRST: [u64; 2] = [2_000_000, 3_000_000];

/// When each order came to the sink that this bench is, by its number.
type Arrivals = Arc<Mutex<HashMap<u64, Duration>>>;

#[derive(Clone)]
struct Seen {
    watch: Watch,
    arrivals: Arrivals,
}

pub(crate) async fn run(place: &mut Place, kind: Kind) {
    let secs = measure::number("ORDERHUB_BENCH_SECS", 20).min(60);
    println!();
    row("latency", &format!("{RATE} orders/s for {secs} s, {}", kind.word()));
    let seen = Seen { watch: Watch::start(), arrivals: Arrivals::default() };
    let (sink, serving) = serve(seen.clone()).await;
    let work = place.hub(kind, &sink).await;
    let count = (secs + WARM) * RATE;

    let client = http::client();
    let url = work.hub.url("/api/v1/intake/shop_eu/order_rest");
    let stored = paced(seen.watch, FIRST[0], count, |number| {
        let (client, url) = (client.clone(), url.clone());
        async move {
            let request = client.post(&url).header("content-type", "application/json");
            let answer = request.body(order::body(number, 1)).send().await;
            assert!(answer.expect("the hub answers").status().is_success(), "order {number}");
        }
    });
    print("received to stored (API)", stored.await);

    let publisher = Arc::new(Broker::connect(place.node.url()).await);
    let published = Arrivals::default();
    let confirmed = paced(seen.watch, FIRST[1], count, |number| {
        let (publisher, queue) = (Arc::clone(&publisher), work.queue.clone());
        let (published, watch) = (Arc::clone(&published), seen.watch);
        async move {
            note(&published, number, watch.elapsed());
            publisher.publish(&queue, [message(number)]).await;
        }
    });
    print("published to confirmed (the broker's own part)", confirmed.await);
    wait::until("the sink has all", Duration::from_secs(30), || async {
        let arrivals = seen.arrivals.lock().unwrap_or_else(PoisonError::into_inner);
        (arrivals.len() as u64 >= 2 * count).then_some(())
    })
    .await;
    let (arrivals, published) = (take(&seen.arrivals), take(&published));
    let counted = FIRST[1] + WARM * RATE;
    let took = published.iter().filter(|(number, _)| **number >= counted);
    print("published to delivered", took.map(|(number, at)| arrivals[number] - *at).collect());
    work.hub.terminate().await;
    serving.abort();
}

/// Sends so many, each when it is due; the times from there, without the first seconds.
async fn paced<F>(
    watch: Watch,
    first: u64,
    count: u64,
    mut send: impl FnMut(u64) -> F,
) -> Vec<Duration>
where
    F: Future<Output = ()> + Send + 'static,
{
    let began = watch.elapsed();
    let mut tick = tokio::time::interval(Duration::from_millis(2));
    let (mut sent, mut sending) = (0, JoinSet::new());
    while sent < count {
        tick.tick().await;
        let due = (watch.elapsed() - began).as_secs_f64() * RATE as f64;
        while sent < count && sent as f64 <= due {
            let number = first + sent;
            let at = began + Duration::from_secs_f64(sent as f64 / RATE as f64);
            let sending_one = send(number);
            sending.spawn(async move {
                sending_one.await;
                (number, watch.elapsed().saturating_sub(at))
            });
            sent += 1;
        }
    }
    let took = sending.join_all().await;
    let counted = first + WARM * RATE;
    took.into_iter().filter(|(number, _)| *number >= counted).map(|(_, took)| took).collect()
}

fn print(what: &str, mut took: Vec<Duration>) {
    let ms = |took: Duration| took.as_secs_f64() * 1000.0;
    let (median, tail) = (ms(measure::at(&mut took, 0.5)), ms(measure::at(&mut took, 0.99)));
    let most = ms(measure::at(&mut took, 1.0));
    row(
        &format!("latency: {what}"),
        &format!("{median:.1} ms median, {tail:.1} ms p99, {most:.0} ms most"),
    );
}

fn note(arrivals: &Arrivals, number: u64, at: Duration) {
    arrivals.lock().unwrap_or_else(PoisonError::into_inner).entry(number).or_insert(at);
}

fn take(arrivals: &Arrivals) -> HashMap<u64, Duration> {
    std::mem::take(&mut *arrivals.lock().unwrap_or_else(PoisonError::into_inner))
}

/// A sink in this process: a stopwatch of another one says nothing here.
async fn serve(seen: Seen) -> (String, tokio::task::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let router = Router::new().route("/events", post(arrived)).with_state(seen);
    let serving = tokio::spawn(async move {
        axum::serve(listener, router).await.expect("it serves until it is stopped");
    });
    (url, serving)
}

async fn arrived(State(seen): State<Seen>, body: Bytes) {
    let at = seen.watch.elapsed();
    let event: Value = serde_json::from_slice(&body).expect("an event is JSON");
    let number = event["order_no"].as_str().expect("an order has a number");
    let number = number.trim_start_matches('#').parse().expect("the bench's numbers");
    note(&seen.arrivals, number, at);
}

//! The main job: queue ► stored ► sink. A real RabbitMQ quorum queue is filled beforehand, the publisher
//! stops, then one candidate at a time empties it into a sink that is a process of its own and judges
//! from outside: every order once, versions of an order rising.
//!
//! Candidates: the hub (SQLite, WAL, synchronous=FULL), and on a PostgreSQL server of its own; a bare sequential loop; a bare loop of 16 lanes
//! that keep the order of each order. The bare loops parse, POST and acknowledge; they store nothing.
//!
//! Bars of this stage: at least 1,500 orders/s with order kept on SQLite, 1,200 on PostgreSQL.

#![expect(
    clippy::disallowed_types,
    reason = "the bare loops and the judge speak HTTP by themselves"
)]

mod bare;
mod run;

use std::path::Path;

use orderhub_tests::broker::{Broker, Message, Node};
use orderhub_tests::database::Server;
use orderhub_tests::measure::{self, order, row};

use run::{Candidate, Figures, Parts};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Bar: orders a second through the hub.
const BAR: f64 = 1_500.0;
/// The same on PostgreSQL.
const POSTGRES_BAR: f64 = 1_200.0;
/// Messages published before their confirms are awaited.
const WINDOW: u64 = 500;

#[tokio::main]
async fn main() {
    drop(rustls::crypto::ring::default_provider().install_default());
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        [] => bench(false).await,
        ["postgres"] => bench(true).await,
        ["bare", lanes, count, amqp, queue, sink] => {
            let number = |text: &str| text.parse::<usize>().expect("a number");
            bare::run(number(lanes), number(count) as u64, amqp, queue, sink).await;
        }
        _ => panic!(
            "usage: bench-job [postgres]   (or: bare LANES COUNT AMQP QUEUE SINK, by itself)"
        ),
    }
}

/// All candidates, or the one on PostgreSQL alone.
async fn bench(postgres_alone: bool) {
    let folder = measure::folder();
    measure::preamble("main job: quorum queue to stored to sink, order kept", folder.path());
    let orders = measure::number("ORDERHUB_BENCH_ORDERS", 10_000);
    let size = order::body(100_000, 1).len();
    let work = format!(
        "{orders} orders of {size} bytes, one change each, queued before; publisher stopped"
    );
    row("work", &work);
    let node = Node::start(&folder.path().join("rabbitmq"));
    let broker = Broker::connect(node.url()).await;
    let database = Server::start(&folder.path().join("postgres"));
    let place =
        Place { node: &node, broker: &broker, folder: folder.path(), database: &database, orders };
    if postgres_alone {
        let on_postgres = candidate(&place, Candidate::HubOnPostgres).await;
        row("hub on PostgreSQL", &format!("{:.0} orders/s", on_postgres.rate));
        return;
    }
    let sequential = candidate(&place, Candidate::Bare { lanes: 1 }).await;
    let lanes = candidate(&place, Candidate::Bare { lanes: 16 }).await;
    let hub = candidate(&place, Candidate::Hub).await;
    let on_postgres = candidate(&place, Candidate::HubOnPostgres).await;
    println!();
    row("hub", &format!("{:.0} orders/s, bar {BAR:.0}", hub.rate));
    row("hub / bare sequential loop", &format!("{:.2} x", hub.rate / sequential.rate));
    row("hub / bare loop of 16 lanes", &format!("{:.2} x", hub.rate / lanes.rate));
    row("hub on PostgreSQL", &format!("{:.0} orders/s, bar {POSTGRES_BAR:.0}", on_postgres.rate));
}

/// Where the candidates work.
struct Place<'a> {
    node: &'a Node,
    broker: &'a Broker,
    folder: &'a Path,
    database: &'a Server,
    orders: u64,
}

/// Fills a queue of its own, and lets one candidate empty it.
async fn candidate(place: &Place<'_>, candidate: Candidate) -> Figures {
    let Place { node, broker, folder, database, orders } = *place;
    let queue = format!("bench.{}", candidate.word());
    broker.quorum_queue(&queue, None).await;
    let message = |number: u64| Message {
        id: Some(order::message_id(number, 1)),
        headers: vec![("x-system", "shop_eu".to_owned())],
        body: order::body(number, 1).into_bytes(),
    };
    let numbers: Vec<u64> = (100_000..100_000 + orders).collect();
    for window in numbers.chunks(usize::try_from(WINDOW).expect("small")) {
        broker.publish(&queue, window.iter().map(|number| message(*number))).await;
    }
    let place = folder.join(candidate.word());
    std::fs::create_dir(&place).expect("the folder is writable");
    let parts = Parts {
        amqp: node.url(),
        broker: node.pid(),
        queue: &queue,
        folder: &place,
        orders,
        database,
    };
    let figures = run::run(candidate, &parts).await;
    figures.print(candidate, orders);
    // The broker forgets acknowledgements that it had not applied when the connection closed: those come
    // again, and the hub knows them by their ids.
    let left = broker.ready(&queue).await;
    row(&format!("{}: left in the queue", candidate.word()), &left.to_string());
    figures
}

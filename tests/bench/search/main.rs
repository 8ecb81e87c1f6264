//! Search: pages of orders among many, by what people type and what they filter by besides, on SQLite, and on
//! a PostgreSQL server of its own. The bar: p95 of each question under 100 ms.
//!
//! The worst questions are beginnings that all orders have, with a filter that no order passes: such a page ends at
//! its bound and is empty. Last, the search is forgotten and made anew, step by step as the job does it.

use std::sync::Arc;

use orderhub::clock::Clock;
use orderhub::store::postgres::{self, PostgresStore};
use orderhub::store::sqlite::{self, Options, SqliteStore};
use orderhub::store::{Batch, Filter, Reach, Scope, Store};
use orderhub_order::catalogue::known;
use orderhub_order::ids::OrderKey;
use orderhub_tests::database::Server;
use orderhub_tests::measure::shop::{bundle, message};
use orderhub_tests::measure::watch::Watch;
use orderhub_tests::measure::{self, row};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Orders of one commit.
const BATCH: u64 = 200;
/// How often each question is asked.
const TIMES: usize = 40;
/// Orders of a step of the job.
const STEP: usize = 50;

#[tokio::main]
async fn main() {
    let folder = measure::folder();
    measure::preamble("search: pages among many orders", folder.path());
    let orders = measure::number("ORDERHUB_BENCH_ORDERS", 100_000);
    row(
        "work",
        &format!("{orders} orders; each question {TIMES} times, pages of 50; bar: p95 100 ms"),
    );
    let path = folder.path().join("hub.db");
    let open = || Arc::new(SqliteStore::open(&Options::at(&path)).expect("the file opens"));
    measured("SQLite", open(), orders).await;
    sqlite::forget_search(&path).expect("nobody has the file");
    anew("SQLite", open(), orders).await;
    let server = Server::start(&folder.path().join("postgres"));
    let options = postgres::Options::at(server.url(), "bench");
    let open = async || Arc::new(PostgresStore::open(&options).await.expect("the database opens"));
    measured("PostgreSQL", open().await, orders).await;
    postgres::forget_search(&options).await.expect("nobody works on it");
    anew("PostgreSQL", open().await, orders).await;
}

async fn measured(who: &str, store: Arc<dyn Store>, orders: u64) {
    let bundle = Arc::new(bundle());
    let began = Watch::start();
    for first in (0..orders).step_by(usize::try_from(BATCH).expect("small")) {
        let units =
            (first..orders.min(first + BATCH)).map(|number| message(&bundle, 100_000 + number, 1));
        let batch = Batch::new(units.collect(), Arc::clone(&bundle), Clock::system().now());
        let batch = store.prepare(batch).await.expect("the store is open");
        store.commit(batch).await.expect("the store writes");
    }
    row(&format!("{who}: made"), &format!("{:.0}/s", measure::rate(orders, began.elapsed())));
    for (what, filter) in questions(orders) {
        let (mut times, mut found) = (Vec::new(), 0);
        for _ in 0..TIMES {
            let began = Watch::start();
            let page = store.list(&Scope::All, &filter).await.expect("the store answers");
            times.push(began.elapsed().as_secs_f64() * 1000.0);
            found = page.items.len();
        }
        let median = measure::median(&mut times);
        let p95 = times[TIMES * 95 / 100];
        let figure = format!("p50 {median:.1} ms, p95 {p95:.1} ms, {found} on the page");
        row(&format!("{who}: {what}"), &figure);
    }
    store.close().await;
}

fn questions(orders: u64) -> Vec<(&'static str, Filter)> {
    let q = |text: &str| Filter {
        q: Some(text.to_owned()),
        reach: Reach::People,
        limit: 50,
        ..Filter::default()
    };
    let number = 100_000 + orders / 2;
    let half = Some(OrderKey(i64::try_from(orders / 2).expect("few orders")).shown());
    let none = vec![(known::order::STATE_PAYMENT, "refunded".to_owned())];
    vec![
        ("no word", Filter { limit: 50, ..Filter::default() }),
        ("a number", q(&number.to_string())),
        ("the beginning of ten numbers", q(&(number / 10).to_string())),
        ("the beginning of a thousand", q(&(number / 1000).to_string())),
        ("the beginning of all", q("shop_eu-")),
        ("the same, from the middle on", Filter { cursor: half.clone(), ..q("shop_eu-") }),
        ("the same, in a state of none", Filter { states: none.clone(), ..q("shop_eu-") }),
        (
            "the same, in a stage of none",
            Filter { stage: Some("completed".to_owned()), ..q("shop_eu-") },
        ),
        ("an e-mail", q(&format!("buyer{number}@example.com"))),
        ("the name of all", q("buyer")),
        ("the name of all and one of its own", q(&format!("buyer {number}"))),
        ("two that all have, none of them few", Filter { cursor: half, ..q("buyer shop_eu-") }),
        ("two that all have, and a third of none", q("buyer shop_eu- nobody")),
        ("nothing like it", q("nothing-like-it")),
    ]
}

async fn anew(who: &str, store: Arc<dyn Store>, orders: u64) {
    let (began, mut longest) = (Watch::start(), 0.0_f64);
    loop {
        let step = Watch::start();
        let more = store.index_more(STEP).await.expect("the store writes");
        longest = longest.max(step.elapsed().as_secs_f64() * 1000.0);
        if !more {
            break;
        }
    }
    let rate = measure::rate(orders, began.elapsed());
    row(
        &format!("{who}: made anew"),
        &format!("{rate:.0} orders/s, longest step of {STEP}: {longest:.0} ms"),
    );
    store.close().await;
}

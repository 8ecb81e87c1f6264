//! Apply: order changes through the real store (fold in the transaction, all rows, group commit; the next
//! batch is prepared while one is committed, as in the hub), beside a bare rusqlite loop that writes the
//! same rows in the same batches and does nothing else.
//!
//! Two rounds: every order is made, then every order is read, changed and written again; the second is
//! what the bar speaks of: at least half the rate of the bare loop.

mod bare;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use orderhub::apply::{Unit, Word};
use orderhub::bundle::Bundle;
use orderhub::clock::Clock;
use orderhub::store::sqlite::{Options, SqliteStore};
use orderhub::store::{Batch, Outcomes, Store, StoreError};
use orderhub_tests::measure::shop::{bundle, message};
use orderhub_tests::measure::watch::Watch;
use orderhub_tests::measure::{self, order, process, row};
use tokio::task::JoinHandle;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Changes in one transaction.
const BATCH: usize = 100;
/// Batches that are mapped before they are timed; the last of them has nobody to be prepared beside.
const MAPPED: usize = 50;
/// Bar: share of the bare loop's rate.
const BAR: f64 = 0.5;

/// What one round took.
#[derive(Clone, Copy, Debug, Default)]
struct Round {
    took: Duration,
    cpu_secs: f64,
    written: u64,
}

#[tokio::main]
async fn main() {
    let folder = measure::folder();
    measure::preamble("apply: order changes stored in batches of 100", folder.path());
    row("commit mode", "SQLite, WAL, synchronous=FULL, one transaction a batch, one writer");
    let orders = measure::number("ORDERHUB_BENCH_ORDERS", 10_000);
    let size = order::body(100_000, 2).len();
    let shape = format!("{orders} orders of {size} bytes, made, then each changed once");
    row("work", &format!("{shape}; three times, the median counts"));
    let bundle = Arc::new(bundle());
    let (mut made, mut changed) = (Vec::new(), Vec::new());
    for turn in 0..3 {
        let place = folder.path().join(format!("turn-{turn}"));
        std::fs::create_dir(&place).expect("the folder is writable");
        let (hub, bare) = turn_of(&place, &bundle, orders).await;
        made.push((hub[0], bare[0]));
        changed.push((hub[1], bare[1]));
        if turn == 0 {
            growth(&place, orders);
        }
        std::fs::remove_dir_all(&place).expect("the folder can go");
    }
    report("making an order", &made, orders);
    let share = report("changing an order (read, fold, write)", &changed, orders);
    row(
        "apply / bare loop, changing",
        &format!("{:.0} %, bar {:.0} %", share * 100.0, BAR * 100.0),
    );
    let own = process::own();
    row("this process", &format!("peak RSS {:.0} MiB", own.peak_kib as f64 / 1024.0));
}

/// The hub's two rounds and the bare loop's, on the same disk in the same minute.
async fn turn_of(place: &Path, bundle: &Arc<Bundle>, orders: u64) -> ([Round; 2], [Round; 2]) {
    let path = place.join("hub.db");
    let store = Arc::new(SqliteStore::open(&Options::at(&path)).expect("a new store opens"));
    let made = round(&store, bundle, orders, 1).await;
    let first = bare::rows(&path, orders, 1);
    let changed = round(&store, bundle, orders, 2).await;
    store.close().await;
    drop(store);
    let second = bare::rows(&path, orders, 2);
    let mut bare = bare::Bare::open(&place.join("bare.db")).await;
    let bare = [bare.round(&first, BATCH), bare.round(&second, BATCH)];
    ([made, changed], bare)
}

/// Applies one change of every order. Only the commits are timed: bodies were mapped before, as in the hub,
/// where that runs beside the writer.
async fn round(store: &Arc<SqliteStore>, bundle: &Arc<Bundle>, orders: u64, change: u64) -> Round {
    let mut total = Round::default();
    let numbers: Vec<u64> = (0..orders).map(|place| number(place, orders, change)).collect();
    for numbers in numbers.chunks(BATCH * MAPPED) {
        let batches: Vec<Vec<Unit>> = numbers
            .chunks(BATCH)
            .map(|batch| batch.iter().map(|number| message(bundle, *number, change)).collect())
            .collect();
        let (before, cpu, began) = (process::own(), process::own_cpu_secs(), Watch::start());
        let mut under_way: Option<JoinHandle<_>> = None;
        for units in batches {
            let batch = Batch::new(units, Arc::clone(bundle), Clock::system().now());
            let batch = store.prepare(batch).await.expect("the store is open");
            check(under_way.take()).await;
            let store = Arc::clone(store);
            under_way = Some(tokio::spawn(async move { store.commit(batch).await }));
        }
        check(under_way).await;
        total.took += began.elapsed();
        total.cpu_secs += process::own_cpu_secs() - cpu;
        total.written += process::own().since(before).written;
    }
    total
}

/// Which order comes at a place: in order when they are made, spread over the table when they change.
pub(crate) fn number(place: u64, orders: u64, change: u64) -> u64 {
    let spread = if change == 1 { place } else { place * 7_919 % orders };
    100_000 + spread
}

async fn check(commit: Option<JoinHandle<Result<Outcomes, StoreError>>>) {
    let Some(commit) = commit else { return };
    let outcomes = commit.await.expect("it ends").expect("the store writes");
    let outcomes = outcomes.iter().map(|outcome| outcome.as_ref().expect("it is stored"));
    for document in outcomes.flat_map(|outcome| &outcome.documents) {
        assert_eq!(document.outcome, Word::Applied, "{:?}", document.why);
    }
}

/// Prints both rates of a round and gives the median share.
fn report(what: &str, turns: &[(Round, Round)], orders: u64) -> f64 {
    let rate = |round: &Round| measure::rate(orders, round.took);
    let mut shares: Vec<f64> = turns.iter().map(|(hub, bare)| rate(hub) / rate(bare)).collect();
    let share = measure::median(&mut shares);
    let mut sorted = turns.to_vec();
    sorted.sort_by_key(|(hub, _)| hub.took);
    let (hub, bare) = sorted[sorted.len() / 2];
    for (who, round) in [("the store", hub), ("yardstick: bare rusqlite, same rows", bare)] {
        let cpu = round.cpu_secs * 1000.0 / orders as f64;
        let kib = round.written as f64 / 1024.0 / orders as f64;
        let rate = rate(&round);
        let figure = format!("{rate:.0}/s, CPU {cpu:.3} s per 1,000, {kib:.1} KiB written each");
        row(&format!("{what}: {who}"), &figure);
    }
    share
}

/// How much the file holds per order after both rounds.
fn growth(place: &Path, orders: u64) {
    for (who, file) in [("the store", "hub.db"), ("bare loop", "bare.db")] {
        let db = rusqlite::Connection::open(place.join(file)).expect("the file opens");
        let checkpoint = db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
        checkpoint.expect("nobody else has it open");
        let size = std::fs::metadata(place.join(file)).expect("the file is there").len();
        let kib = size as f64 / 1024.0 / orders as f64;
        row(&format!("file after two changes an order: {who}"), &format!("{kib:.1} KiB an order"));
    }
}

//! Load over time: what `job` cannot show, because a filled queue is empty after seconds.
//!
//! - `steady`: the queue is kept filled for `ORDERHUB_BENCH_SECS` seconds (60; the bar speaks of 600), the sink
//!   judges from outside; rate and memory, slice by slice. Bar: 1,200 orders/s on PostgreSQL, order kept.
//! - `latency`: 500 orders a second, sent when each is due whatever the answers do: received ► stored by the
//!   API, published ► delivered through the queue, beside the fsync time of this disk.
//! - `waiting`: the sink is away while 100,000 orders come: memory, then how fast the backlog goes.
//! - `claim`: 100 due lanes among 500,000 on PostgreSQL while a transaction pins the oldest snapshot. Bar: 5 ms.

#![expect(clippy::disallowed_types, reason = "the bench speaks HTTP by itself, as a sender does")]

mod claim;
mod latency;
mod place;
mod steady;
mod waiting;

use orderhub_tests::measure;

use place::{Kind, Place};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() {
    drop(rustls::crypto::ring::default_provider().install_default());
    let words: Vec<String> = std::env::args().skip(1).collect();
    let parts = ["steady", "latency", "waiting", "claim"];
    let kinds = [("postgres", Kind::Postgres), ("sqlite", Kind::Sqlite)];
    let all: Vec<&str> = parts.into_iter().chain(kinds.map(|(word, _)| word)).collect();
    if let Some(word) = words.iter().find(|word| !all.contains(&word.as_str())) {
        panic!("no part or store `{word}`; there are: {}", all.join(", "));
    }
    let has = |word: &str| words.iter().any(|given| given == word);
    let wanted = |part: &str| has(part) || !parts.iter().any(|part| has(part));
    let any_kind = !kinds.iter().any(|(word, _)| has(word));
    let kinds = kinds.into_iter().filter(|(word, _)| any_kind || has(word));
    let kinds: Vec<Kind> = kinds.map(|(_, kind)| kind).collect();
    let folder = measure::folder();
    measure::preamble("load over time", folder.path());
    let mut place = Place::start(folder.path()).await;
    if wanted("claim") && kinds.iter().any(|kind| matches!(kind, Kind::Postgres)) {
        claim::run(&place).await;
    }
    for kind in kinds.iter().copied() {
        if wanted("latency") {
            latency::run(&mut place, kind).await;
        }
        if wanted("waiting") {
            waiting::run(&mut place, kind).await;
        }
    }
    for kind in kinds.iter().copied() {
        if wanted("steady") {
            steady::run(&mut place, kind).await;
        }
    }
}

//! Mapping: the shipped `shopify/order_rest.yaml` both ways, beside programs written by hand for this one
//! shape that give the same bytes with the same checks; long orders; checking a folder of 200 mapping files.
//!
//! Bar of both ways: at most 1.6 times the one by hand. Every run first checks that both give the same for
//! every body. Parts: `in back lines check`; default all. The same by criterion, with VRL: `tests/bench/beside`.

mod both;
mod by_hand;
mod folder;
mod lines;
mod orders;
mod shipped;
mod turns;
mod ways;

use std::time::Duration;

use orderhub_tests::measure::{self, process, row};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Bar: times the hand-written one.
const BAR: f64 = 1.6;

fn main() {
    let folder = measure::folder();
    measure::preamble(
        "mapping: one shop order both ways, long orders, a folder of files",
        folder.path(),
    );
    let asked: Vec<String> = std::env::args().skip(1).collect();
    let wanted = |part: &str| asked.is_empty() || asked.iter().any(|asked| asked == part);
    let bound = Duration::from_secs(measure::number("ORDERHUB_BENCH_SECS", 8));
    let before = process::own();
    let bench = both::Bench::new();
    if wanted("in") {
        bench.way_in(bound);
    }
    if wanted("back") {
        bench.way_back(bound);
    }
    if wanted("lines") {
        lines::measure(&bench, bound);
    }
    if wanted("check") {
        folder::measure(folder.path());
    }
    row("commit mode", "none: pure, nothing is stored");
    let used = process::own().since(before);
    let mib = |kib: u64| kib as f64 / 1024.0;
    let (now, peak) = (mib(used.rss_kib), mib(used.peak_kib));
    row(
        "this process",
        &format!("CPU {:.1} s, RSS {now:.0} MiB, peak {peak:.0} MiB", used.cpu_secs),
    );
}

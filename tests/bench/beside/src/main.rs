//! One shop order of 3.6 KB by the shipped mapping, by hand and by VRL, measured by criterion in one process: what
//! `tests/bench/run map` prints beside its own figures.
//!
//! The time is this process' own on the processor, so that what others run meanwhile is not measured. Each ratio is the
//! median over rounds, in each of which criterion measures all that are compared one right after the other.
//!
//! Before anything is measured all three have given the same for every order: VRL the same tree (it sorts the keys).

#[path = "../../map/both.rs"]
mod both;
#[path = "../../map/by_hand/mod.rs"]
mod by_hand;
mod cpu;
#[path = "../../map/orders.rs"]
#[expect(dead_code, reason = "orders of other lengths are the other bench's")]
mod orders;
#[path = "../../map/shipped.rs"]
mod shipped;
mod vector;

// The shared files name it as the tests' own crate, without all that it brings along.
extern crate self as orderhub_tests;
pub mod measure;

use std::hint::black_box;

use cpu::{Compared, Rounds};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Bar: times the one by hand.
const BAR: f64 = 1.6;
/// VRL should take more than this many times as long as the one by hand.
const VRL: f64 = 4.0;

fn main() {
    println!("\n== mapping beside others, by criterion");
    let bench = both::Bench::new();
    let vrl = vector::Program::new();
    vrl.same(&bench);
    let held = bench.held();
    let count = bench.bodies.len();
    println!("-- in: bytes of the shop to hub JSON bytes, {count} bodies of {} bytes", bench.size());
    let body = |n: usize| bench.bodies[n % count].as_str();
    let mut rounds = Rounds::new();
    let compared: [Compared<'_>; 3] = [
        ("in, by hand", &|n| drop(black_box(both::json(body(n))))),
        ("in, mapping", &|n| drop(black_box(bench.hub_json(body(n))))),
        ("in, VRL", &|n| drop(black_box(vrl.hub_json(body(n).as_bytes())))),
    ];
    let ratios = rounds.run(&compared);
    print(ratios[1], BAR, true);
    print(ratios[2], VRL, false);
    println!("-- back: the order as the hub holds it to bytes of the shop, with what went out");
    let compared: [Compared<'_>; 2] = [
        ("back, by hand", &|n| drop(black_box(both::Bench::back_by_hand(&held[n % count])))),
        ("back, mapping", &|n| drop(black_box(bench.projection(&held[n % count])))),
    ];
    let ratios = rounds.run(&compared);
    print(ratios[1], BAR, true);
}

fn print((name, ratio): (&str, f64), bar: f64, most: bool) {
    let reached = if (ratio <= bar) == most { "reached" } else { "MISSED" };
    let bound = if most { "at most" } else { "over" };
    let what = format!("  {name} / by hand");
    println!("{what:<44} {ratio:.2} x, bar {bound} {bar} x: {reached}");
}

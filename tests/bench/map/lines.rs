//! Long orders: time by lines, both ways, beside the programs by hand. Linear is an exponent of 1. What the processor
//! keeps near it no longer holds an order of thousands of lines: then the programs by hand have more than 1, too,
//! while the instructions of a line stay the same.

use std::hint::black_box;
use std::time::Duration;

use orderhub_tests::measure::row;

use crate::both::{Bench, json};
use crate::orders::{self, Held};
use crate::turns::{self, Contender};

const LINES: [usize; 4] = [2, 100, 500, 2000];

pub(crate) fn measure(bench: &Bench, bound: Duration) {
    println!("-- long orders");
    let mut before: Option<(usize, [f64; 4])> = None;
    for lines in LINES {
        let body = orders::body(100_000, lines);
        let contribution = bench.contribution(&body);
        assert_eq!(contribution, bench.by_hand(&body), "both give the same");
        assert_eq!(contribution.body.collections[0].elements.len(), lines);
        let held = Held::new(&contribution);
        let (ours, (bytes, sent)) = (bench.projection(&held), Bench::back_by_hand(&held));
        assert!(ours.bytes == bytes && ours.values == sent, "both give the same back");
        let contenders: [Contender<'_>; 4] = [
            ("in", &|_| drop(black_box(bench.hub_json(&body)))),
            ("in by hand", &|_| drop(black_box(json(&body)))),
            ("back", &|_| drop(black_box(bench.projection(&held)))),
            ("back by hand", &|_| drop(black_box(Bench::back_by_hand(&held)))),
        ];
        let figures = turns::measure(&contenders, (2000 / lines).clamp(1, 20), bound / 8);
        let [ours, hand, back, hand_back] = &figures[..] else { continue };
        let per = |micros: f64| micros / lines as f64;
        row(
            &format!("{lines} lines, {} KB", body.len() / 1000),
            &format!(
                "in {:.2} us a line ({:.2} x by hand), back {:.2} us a line ({:.2} x by hand)",
                per(ours.best),
                ours.best / hand.best,
                per(back.best),
                back.best / hand_back.best
            ),
        );
        let now = [ours.best, hand.best, back.best, hand_back.best];
        if let Some((fewer, then)) = before.filter(|(fewer, _)| *fewer >= 100) {
            let steps = (lines as f64 / fewer as f64).ln();
            let exponent = |n: usize| (now[n] / then[n]).ln() / steps;
            row(
                &format!("  exponent from {fewer} lines"),
                &format!(
                    "in {:.2} (by hand {:.2}), back {:.2} (by hand {:.2}); 1 is linear",
                    exponent(0),
                    exponent(1),
                    exponent(2),
                    exponent(3)
                ),
            );
        }
        before = Some((lines, now));
    }
}

//! Both ways of one order of 3.6 KB, in turns: the mapping, the program by hand, and what stands beside.

use std::hint::black_box;
use std::time::Duration;

use orderhub_tests::measure::row;

use crate::BAR;
use crate::both::{Bench, json};
use crate::turns::{self, Contender};

impl Bench {
    pub(crate) fn way_in(&self, bound: Duration) {
        println!("-- in: bytes of the shop to hub JSON bytes");
        row("bodies", &format!("{} different ones of {} bytes", self.bodies.len(), self.size()));
        let body = |n: usize| self.bodies[n].as_str();
        let contenders: [Contender<'_>; 2] = [
            ("mapping, to hub JSON", &|n| {
                drop(black_box(self.hub_json(body(n))));
            }),
            ("by hand, to hub JSON, same bytes", &|n| drop(black_box(json(body(n))))),
        ];
        let figures = turns::measure(&contenders, self.bodies.len(), bound);
        turns::print(&contenders, &figures, Some(BAR));
        row(
            "  CPU s per 1,000 orders, mapping",
            &format!("{:.4} (one thread)", figures[0].micros / 1e3),
        );
        let contenders: [Contender<'_>; 3] = [
            ("mapping, to what the hub works on", &|n| drop(black_box(self.contribution(body(n))))),
            ("by hand, to the same, equal", &|n| drop(black_box(self.by_hand(body(n))))),
            ("beside: serde_json::Value, unchecked", &|n| {
                drop(black_box(serde_json::from_str::<serde_json::Value>(body(n))));
            }),
        ];
        let figures = turns::measure(&contenders, self.bodies.len(), bound / 2);
        turns::print(&contenders, &figures, None);
    }

    pub(crate) fn way_back(&self, bound: Duration) {
        println!("-- back: the order as the hub holds it to bytes of the shop, with what went out");
        let held = self.held();
        let size = held.iter().map(|held| self.projection(held).bytes.len()).sum::<usize>();
        row("documents", &format!("{} bytes, the same from both", size / held.len()));
        let contenders: [Contender<'_>; 2] = [
            ("mapping, back", &|n| drop(black_box(self.projection(&held[n])))),
            ("by hand, back, same bytes and values", &|n| {
                drop(black_box(Self::back_by_hand(&held[n])));
            }),
        ];
        let figures = turns::measure(&contenders, held.len(), bound);
        turns::print(&contenders, &figures, Some(BAR));
    }
}

//! Orders that nobody would make any more: what the targets were asked for them, they would not be asked for others
//! like them.
//!
//! Bound: [`MOST`] orders are kept until it is known that no other document makes them; of more, nothing is told.

use std::collections::{BTreeMap, HashSet};

use orderhub_order::hash;
use orderhub_order::ids::OrderKey;
use orderhub_order::lane::WantKey;
use orderhub_order::model::State;

use super::calls::{Calls, Seen};
use super::compare::Found;
use super::sent::subject;

/// Orders that are kept.
const MOST: usize = 10_000;

/// What is known of the orders so far.
#[derive(Debug, Default)]
pub(super) struct Unmade {
    lost: BTreeMap<OrderKey, Lost>,
    /// Orders that a document makes by the new files.
    made: HashSet<OrderKey>,
}

/// An order whose document says nothing any more.
#[derive(Debug)]
struct Lost {
    order: String,
    why: &'static str,
    /// System, rule and subject of each call that was made, or is to be.
    calls: Vec<(String, String, String)>,
}

impl Unmade {
    /// Meets the newest message of a document that makes an order.
    pub(super) fn met(&mut self, state: &State, found: &Found<'_>) {
        let key = state.order.key;
        let Some(why) = found.lost() else {
            self.made.insert(key);
            return;
        };
        if self.lost.len() >= MOST {
            return;
        }
        let mut calls = Vec::new();
        for lane in state.lanes.iter() {
            let sent = lane.sent.keys().filter_map(|text| WantKey::parse(text));
            let wanted = lane.wants.iter().map(|want| want.key.clone());
            let all = sent.chain(wanted);
            calls.extend(
                all.map(|key| (lane.system.to_string(), key.rule.to_string(), subject(&key))),
            );
        }
        calls.sort_unstable();
        calls.dedup();
        let order = state.order.reference.to_string();
        self.lost.entry(key).or_insert(Lost { order, why, calls });
    }

    /// Tells the calls of those that no other document makes.
    /// `noted`: calls of which that is told already.
    pub(super) fn tell(self, calls: &mut Calls, noted: &mut HashSet<[u8; 16]>) {
        let Self { lost, made } = self;
        for (_, lost) in lost.into_iter().filter(|(key, _)| !made.contains(key)) {
            for (system, rule, subject) in &lost.calls {
                let (what, operation, code) = ("no_longer_delivered", None, None);
                let parts = [&*lost.order, what, system, rule, subject];
                if !noted.insert(hash::half_of_parts(parts.map(str::as_bytes))) {
                    continue;
                }
                let why = Some(lost.why);
                let seen = Seen { what, system, rule, operation, code, subject, why };
                calls.note(&lost.order, &seen);
            }
        }
    }
}

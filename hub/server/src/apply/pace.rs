//! How many messages a batch takes beside its acts, so that what the hub takes in hardly outruns what it hands on.
//!
//! A delivery is two acts, its take-off and its receipt; one message for two of them keeps a pace, but finds
//! none: as long as no system that is delivered to has [`ENOUGH`] lanes in hand, a batch takes some more, so that
//! batches grow until the targets or the machine are busy; once one has, some less. What is beyond waits in the
//! queue, not in the store. Where no delivery is under way (all targets are away), a batch takes as many as there
//! is room for: other acts, as what puts off a wish, hold nothing back, and neither does a system that takes
//! nothing for a while, as one that is paused.

use std::collections::BTreeMap;

use orderhub_order::fold::Act;
use orderhub_order::ids::SystemName;

use super::Unit;

/// Messages that always have room in a batch, however few acts go with them.
pub(super) const LEAST: usize = 8;
/// Messages that are taken besides, while lanes run short.
const MORE: usize = 16;
/// A dispatcher has so many lanes waiting or in its hands: as many as it serves at once.
const ENOUGH: usize = 128;
/// Batches without an act of a system's deliveries in a row after which none of them counts as under way.
const QUIET: u32 = 16;

/// Systems that are delivered to, each with the batches that closed since one had an act of its deliveries.
#[derive(Debug, Default)]
pub(super) struct Pace(BTreeMap<SystemName, u32>);

/// How deliveries stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flow {
    /// None is under way.
    Still,
    /// They might run out of lanes.
    Short,
    /// A system has enough lanes in hand.
    Enough,
}

impl Pace {
    /// `in_hand`: the lanes that a system has.
    pub(super) fn flow(&self, in_hand: impl Fn(&SystemName) -> usize) -> Flow {
        match self.0.keys().map(in_hand).max() {
            None => Flow::Still,
            Some(ENOUGH..) => Flow::Enough,
            Some(_) => Flow::Short,
        }
    }

    /// A batch closed with acts of deliveries to these.
    pub(super) fn closed<'a>(&mut self, systems: impl IntoIterator<Item = &'a SystemName>) {
        self.0.values_mut().for_each(|batches| *batches += 1);
        for system in systems {
            match self.0.get_mut(system) {
                Some(batches) => *batches = 0,
                None => drop(self.0.insert(system.clone(), 0)),
            }
        }
        self.0.retain(|_, batches| *batches < QUIET);
    }
}

impl Flow {
    /// Messages of a batch with so many acts of deliveries.
    pub(super) fn most_messages(self, deliveries: usize) -> usize {
        let level = deliveries / 2;
        match self {
            Flow::Still if deliveries == 0 => usize::MAX,
            Flow::Still | Flow::Short => level.max(LEAST) + MORE,
            Flow::Enough => (level - level / 4).max(LEAST),
        }
    }
}

/// The system of an act without which a delivery does not go on.
pub(super) fn delivers(unit: &Unit) -> Option<&SystemName> {
    let Unit::Order(order) = unit else { return None };
    match &order.act {
        Act::Fly { system, .. } | Act::Memo { system, .. } => Some(system),
        Act::Receipt(receipt) => Some(&receipt.system),
        Act::Document(_)
        | Act::Skip { .. }
        | Act::Unfit { .. }
        | Act::Down { .. }
        | Act::Person(_)
        | Act::Hurry { .. }
        | Act::Tick => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deliveries_count_as_under_way_for_some_batches() {
        let (mut pace, erp) = (Pace::default(), SystemName::new("erp"));
        assert_eq!(pace.flow(|_| 0), Flow::Still);
        for _ in 0..QUIET {
            pace.closed([&erp, &erp]);
        }
        for _ in 0..QUIET {
            assert_eq!((pace.flow(|_| 0), pace.flow(|_| ENOUGH)), (Flow::Short, Flow::Enough));
            pace.closed([]);
        }
        assert_eq!(pace.flow(|_| ENOUGH), Flow::Still);
    }

    #[test]
    fn a_system_that_takes_nothing_holds_no_other_back() {
        let (mut pace, erp, paused) =
            (Pace::default(), SystemName::new("erp"), SystemName::new("paused"));
        let in_hand = |system: &SystemName| if *system == paused { 1_024 } else { 8 };
        pace.closed([&erp, &paused]);
        assert_eq!(pace.flow(in_hand), Flow::Enough);
        for _ in 0..QUIET {
            pace.closed([&erp]);
        }
        assert_eq!(pace.flow(in_hand), Flow::Short);
    }

    #[test]
    fn more_is_taken_than_handed_on_until_there_is_enough() {
        assert_eq!(Flow::Still.most_messages(0), usize::MAX);
        for deliveries in [0, 2, 32, 200] {
            let level = deliveries / 2;
            assert_eq!(Flow::Short.most_messages(deliveries), level.max(LEAST) + MORE);
            assert_eq!(Flow::Enough.most_messages(deliveries), (level - level / 4).max(LEAST));
        }
    }
}

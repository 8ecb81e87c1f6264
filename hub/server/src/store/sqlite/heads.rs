//! Orders that were written or read a moment ago, kept decoded: a change is followed by calls and receipts
//! of the same order, each of which would read and decode it again.
//!
//! **Invariant:** what stands here was committed, and is the newest version that anybody was told of: an
//! order under the lock of a transaction is taken out, and comes back after its commit, before the answer. What a reader brings is kept only
//! if no transaction had the order since the reader began. Tests: `a_head_is_gone_while_it_is_locked`,
//! `what_was_read_before_a_change_is_not_kept`.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use orderhub_order::ids::OrderKey;
use orderhub_order::model::State;

use crate::store::commit::Locked;
use crate::store::recent::{Forgotten, Recent, forget};

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Heads(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    recent: Recent<Locked>,
    /// Reads under way that nothing has overtaken, by order: a batch's worth of them at most.
    reads: HashMap<OrderKey, Vec<u64>>,
    /// The number of the next read.
    next: u64,
}

/// A read of an order under way. Forgotten when dropped.
#[derive(Debug)]
pub(super) struct Reading {
    heads: Arc<Heads>,
    read: (OrderKey, u64),
}

impl Reading {
    /// Keeps what was read, unless a transaction had the order meanwhile; gives it.
    pub(super) fn keep(self, head: Locked) -> Arc<State> {
        let state = Arc::clone(&head.state);
        let mut known = self.heads.known();
        let (key, number) = self.read;
        let newest = known.reads.get(&key).is_some_and(|reads| reads.contains(&number));
        let forgotten = if newest { known.insert(key, head) } else { None };
        drop(known);
        forget(forgotten.into_iter().collect());
        state
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        let (key, number) = self.read;
        let mut known = self.heads.known();
        if let Some(reads) = known.reads.get_mut(&key) {
            reads.retain(|read| *read != number);
            if reads.is_empty() {
                known.reads.remove(&key);
            }
        }
    }
}

/// What an element or a lane takes where it is stored, about.
const PART: usize = 512;

impl Known {
    fn insert(&mut self, key: OrderKey, head: Locked) -> Option<Forgotten<Locked>> {
        let elements = head.state.order.collections.values().map(Vec::len).sum::<usize>();
        let parts = 1 + elements + head.state.lanes.iter().count();
        self.recent.insert(key, head, parts * PART)
    }

    /// From here on, what a reader has seen of an order may be outdated.
    fn overtake(&mut self, key: OrderKey) {
        self.reads.remove(&key);
    }
}

impl Heads {
    /// A head with its lanes.
    pub(super) fn get(&self, key: OrderKey) -> Option<Arc<State>> {
        self.known().recent.get(key).map(|head| Arc::clone(&head.state))
    }

    /// Begins a read of an order that does not stand here. Must come before the read's own snapshot.
    pub(super) fn reading(self: &Arc<Self>, key: OrderKey) -> Reading {
        let mut known = self.known();
        let read = (key, known.next);
        known.next += 1;
        known.reads.entry(key).or_default().push(read.1);
        drop(known);
        Reading { heads: Arc::clone(self), read }
    }

    /// Takes a head out, for the transaction that locks it.
    pub(super) fn take(&self, key: OrderKey) -> Option<Locked> {
        let mut known = self.known();
        known.overtake(key);
        known.recent.remove(key)
    }

    /// Keeps heads that were committed; of one order the last counts.
    pub(super) fn put(&self, heads: Vec<Locked>) {
        let mut known = self.known();
        let forgotten = heads.into_iter().filter_map(|head| {
            let key = head.state.order.key;
            known.overtake(key);
            known.insert(key, head)
        });
        let forgotten = forgotten.collect();
        drop(known);
        forget(forgotten);
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use orderhub_order::ids::SystemName;
    use orderhub_order::model::Order;

    use super::*;

    fn head(key: i64, version: u32) -> Locked {
        let shop = SystemName::new("shop");
        let mut order = Order::new(OrderKey(key), "ref".into(), shop, "default".into());
        order.version = version;
        let state = Arc::new(State::new(order));
        Locked { state, chain: [0; 32], since_keyframe: 0, next_timer: None }
    }

    #[test]
    fn a_head_is_gone_while_it_is_locked() {
        let heads = Heads::default();
        heads.put(vec![head(1, 1), head(1, 2)]);
        assert_eq!(heads.get(OrderKey(1)).unwrap().order.version, 2);
        assert_eq!(heads.take(OrderKey(1)).unwrap().state.order.version, 2);
        assert!(heads.get(OrderKey(1)).is_none());
        assert!(heads.take(OrderKey(1)).is_none());
    }

    #[test]
    fn what_was_read_before_a_change_is_not_kept() {
        let heads = Arc::new(Heads::default());
        let reading = heads.reading(OrderKey(1));
        assert_eq!(reading.keep(head(1, 1)).order.version, 1);
        assert_eq!(heads.get(OrderKey(1)).unwrap().order.version, 1);

        let (locked, other) = (heads.reading(OrderKey(1)), heads.reading(OrderKey(2)));
        assert_eq!(heads.take(OrderKey(1)).unwrap().state.order.version, 1);
        assert_eq!(locked.keep(head(1, 1)).order.version, 1, "the caller has what it read");
        assert!(heads.get(OrderKey(1)).is_none(), "a transaction has it");
        let (late, later) = (heads.reading(OrderKey(1)), heads.reading(OrderKey(1)));
        heads.put(vec![head(1, 2)]);
        let newest = heads.reading(OrderKey(1));
        drop(late.keep(head(1, 1)));
        drop(later);
        assert_eq!(heads.get(OrderKey(1)).unwrap().order.version, 2);
        assert_eq!(newest.keep(head(1, 2)).order.version, 2);
        drop(other);
        assert!(heads.known().reads.is_empty());
    }
}

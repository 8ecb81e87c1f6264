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

/// Orders of one generation; there are two. Measured: about 15 KiB each.
const GENERATION: usize = 512;

type Generation = HashMap<OrderKey, Locked>;

/// Two generations: when the young one is full it becomes the old one, which is forgotten.
#[derive(Debug, Default)]
pub(super) struct Heads(Mutex<Generations>);

#[derive(Debug, Default)]
struct Generations {
    young: Generation,
    old: Generation,
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
        let mut generations = self.heads.generations();
        let (key, number) = self.read;
        let known = generations.reads.get(&key).is_some_and(|reads| reads.contains(&number));
        let forgotten = if known { generations.insert(head) } else { None };
        drop(generations);
        forget(forgotten.into_iter().collect());
        state
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        let (key, number) = self.read;
        let mut generations = self.heads.generations();
        if let Some(reads) = generations.reads.get_mut(&key) {
            reads.retain(|read| *read != number);
            if reads.is_empty() {
                generations.reads.remove(&key);
            }
        }
    }
}

impl Generations {
    /// Gives the generation that is forgotten by it, if one is.
    fn insert(&mut self, head: Locked) -> Option<Generation> {
        let full = self.young.len() >= GENERATION;
        let forgotten = full.then(|| {
            let young = std::mem::take(&mut self.young);
            std::mem::replace(&mut self.old, young)
        });
        let key = head.state.order.key;
        self.old.remove(&key);
        self.young.insert(key, head);
        forgotten
    }

    /// From here on, what a reader has seen of an order may be outdated.
    fn overtake(&mut self, key: OrderKey) {
        self.reads.remove(&key);
    }
}

impl Heads {
    /// A head with its lanes.
    pub(super) fn get(&self, key: OrderKey) -> Option<Arc<State>> {
        let generations = self.generations();
        let head = generations.young.get(&key).or_else(|| generations.old.get(&key));
        head.map(|head| Arc::clone(&head.state))
    }

    /// Begins a read of an order that does not stand here. Must come before the read's own snapshot.
    pub(super) fn reading(self: &Arc<Self>, key: OrderKey) -> Reading {
        let mut generations = self.generations();
        let read = (key, generations.next);
        generations.next += 1;
        generations.reads.entry(key).or_default().push(read.1);
        drop(generations);
        Reading { heads: Arc::clone(self), read }
    }

    /// Takes a head out, for the transaction that locks it.
    pub(super) fn take(&self, key: OrderKey) -> Option<Locked> {
        let mut generations = self.generations();
        generations.overtake(key);
        let young = generations.young.remove(&key);
        let old = generations.old.remove(&key);
        drop(generations);
        young.or(old)
    }

    /// Keeps heads that were committed; of one order the last counts.
    pub(super) fn put(&self, heads: Vec<Locked>) {
        let mut generations = self.generations();
        let forgotten = heads.into_iter().filter_map(|head| {
            generations.overtake(head.state.order.key);
            generations.insert(head)
        });
        let forgotten = forgotten.collect();
        drop(generations);
        forget(forgotten);
    }

    fn generations(&self) -> MutexGuard<'_, Generations> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Freeing a generation takes milliseconds, and nobody waits for it: not the thread that writes, nor who
/// waits for the lock. At most one in so many orders, so there are few such threads at once.
fn forget(generations: Vec<Generation>) {
    if !generations.is_empty() {
        // Where no thread can be had, they are freed here.
        drop(std::thread::Builder::new().spawn(move || drop(generations)));
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
        assert!(heads.generations().reads.is_empty());
    }

    #[test]
    fn old_heads_are_forgotten_and_none_comes_back_from_before() {
        let heads = Heads::default();
        heads.put(vec![head(0, 1)]);
        let many = i64::try_from(GENERATION).unwrap();
        heads.put((1..many).map(|key| head(key, 1)).collect());
        heads.put(vec![head(0, 2)]);
        assert_eq!(heads.take(OrderKey(0)).unwrap().state.order.version, 2);
        assert!(heads.get(OrderKey(0)).is_none());
        heads.put((many..3 * many).map(|key| head(key, 1)).collect());
        assert!(heads.get(OrderKey(1)).is_none());
    }
}

//! Orders that were written a moment ago, kept decoded: a change is followed by calls and receipts of the
//! same order, each of which would read and decode it again.
//!
//! **Invariant:** what stands here was committed, and is the newest version: an order under the lock of
//! a transaction is taken out, and comes back only after its commit. Test:
//! `a_head_is_gone_while_it_is_locked`.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use orderhub_order::ids::OrderKey;
use orderhub_order::model::State;

use crate::store::commit::Locked;

/// Orders of one generation; there are two. Measured: about 15 KiB each.
const GENERATION: usize = 512;

/// Two generations: when the young one is full it becomes the old one, which is forgotten.
#[derive(Debug, Default)]
pub(super) struct Heads(Mutex<Generations>);

#[derive(Debug, Default)]
struct Generations {
    young: HashMap<OrderKey, Arc<Locked>>,
    old: HashMap<OrderKey, Arc<Locked>>,
}

impl Heads {
    /// A copy of a head with its lanes.
    pub(super) fn get(&self, key: OrderKey) -> Option<State> {
        let generations = self.generations();
        let head = generations.young.get(&key).or_else(|| generations.old.get(&key));
        let head = head.map(Arc::clone);
        drop(generations);
        head.map(|head| head.state.clone())
    }

    /// Takes a head out, for the transaction that locks it.
    pub(super) fn take(&self, key: OrderKey) -> Option<Locked> {
        let mut generations = self.generations();
        let young = generations.young.remove(&key);
        let old = generations.old.remove(&key);
        drop(generations);
        young.or(old).map(Arc::unwrap_or_clone)
    }

    /// Keeps heads that were committed; of one order the last counts.
    pub(super) fn put(&self, heads: Vec<Locked>) {
        let heads: Vec<_> = heads.into_iter().map(Arc::new).collect();
        let mut generations = self.generations();
        for head in heads {
            if generations.young.len() >= GENERATION {
                generations.old = std::mem::take(&mut generations.young);
            }
            let key = head.state.order.key;
            generations.old.remove(&key);
            generations.young.insert(key, head);
        }
    }

    fn generations(&self) -> MutexGuard<'_, Generations> {
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
        Locked { state: State::new(order), chain: [0; 32], since_keyframe: 0, next_timer: None }
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

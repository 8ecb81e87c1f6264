//! Things of orders that were touched a moment ago.
//!
//! **Bound:** two generations, each of [`GENERATION`] orders and [`MOST_BYTES`] as they are stored: when the young one
//! is full it becomes the old one, which is forgotten.

use std::collections::HashMap;

use orderhub_order::ids::OrderKey;

/// Orders of one generation. Measured: about 15 KiB of decoded state each, four times what is stored.
pub(crate) const GENERATION: usize = 512;
/// What the orders of one generation take where they are stored, about: that of long orders is filled by fewer.
pub(crate) const MOST_BYTES: usize = 4 << 20;

/// See the module.
#[derive(Debug)]
pub(crate) struct Recent<V> {
    young: HashMap<OrderKey, V>,
    /// Of the young ones, those that were taken out included.
    bytes: usize,
    old: HashMap<OrderKey, V>,
}

/// A generation to be freed, when nobody waits for a lock on the others.
pub(crate) type Forgotten<V> = HashMap<OrderKey, V>;

impl<V> Default for Recent<V> {
    fn default() -> Self {
        Self { young: HashMap::new(), bytes: 0, old: HashMap::new() }
    }
}

impl<V> Recent<V> {
    pub(crate) fn get(&self, key: OrderKey) -> Option<&V> {
        self.young.get(&key).or_else(|| self.old.get(&key))
    }

    pub(crate) fn remove(&mut self, key: OrderKey) -> Option<V> {
        let (young, old) = (self.young.remove(&key), self.old.remove(&key));
        young.or(old)
    }

    /// Gives the generation that is forgotten by it, if one is: to [`forget`]. `bytes`: what it takes where it is
    /// stored, about.
    #[must_use]
    pub(crate) fn insert(&mut self, key: OrderKey, thing: V, bytes: usize) -> Option<Forgotten<V>> {
        let full = self.young.len() >= GENERATION || self.bytes >= MOST_BYTES;
        let forgotten = full.then(|| {
            self.bytes = 0;
            let young = std::mem::take(&mut self.young);
            std::mem::replace(&mut self.old, young)
        });
        self.old.remove(&key);
        self.bytes = self.bytes.saturating_add(bytes);
        self.young.insert(key, thing);
        forgotten
    }
}

/// Freeing a generation takes milliseconds, and nobody waits for it: not the thread that writes, nor who
/// waits for the lock. At most one in so many orders, so there are few such threads at once.
pub(crate) fn forget<V: Send + 'static>(generations: Vec<Forgotten<V>>) {
    if !generations.is_empty() {
        // Where no thread can be had, they are freed here.
        drop(std::thread::Builder::new().spawn(move || drop(generations)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_ones_are_forgotten_and_none_comes_back_from_before() {
        let mut recent = Recent::default();
        let many = i64::try_from(GENERATION).unwrap();
        for key in 0..many {
            assert!(recent.insert(OrderKey(key), 1, 1).is_none());
        }
        forget(recent.insert(OrderKey(0), 2, 1).into_iter().collect());
        assert_eq!(recent.get(OrderKey(0)), Some(&2));
        assert_eq!(recent.remove(OrderKey(0)), Some(2));
        assert_eq!(recent.get(OrderKey(0)), None);
        for key in many..3 * many {
            forget(recent.insert(OrderKey(key), 1, 1).into_iter().collect());
        }
        assert_eq!(recent.get(OrderKey(1)), None);
        assert!(recent.young.len() + recent.old.len() <= 2 * GENERATION);
        for key in 0..9 {
            forget(recent.insert(OrderKey(key), 3, MOST_BYTES / 2).into_iter().collect());
        }
        assert_eq!(recent.young.len() + recent.old.len(), 3, "two fill a generation");
    }
}

//! Which numbers a batch will be given, as long as those before it take what it looks like.
//!
//! A fold depends on the number of its message and on the key of the order that it makes. Those who fold
//! ahead take these from here; a batch that is given others when its turn comes folds again.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The next numbers: of a message, of an order.
pub(crate) type Numbers = (i64, i64);

/// Numbers given by commits, and batches under way.
#[derive(Debug, Default)]
pub(crate) struct Forecast(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    /// After the last commit.
    next: Numbers,
    /// Batches that are not committed, first to last, and how many numbers each will take. As few as there
    /// are callers.
    under_way: Vec<(u64, Numbers)>,
    turns: u64,
}

/// A batch's place among those under way; it ends when dropped.
#[derive(Debug)]
pub(crate) struct Turn {
    forecast: Arc<Forecast>,
    number: u64,
    /// The first numbers that it will be given.
    pub(crate) first: Numbers,
}

impl Forecast {
    /// Says which numbers are next.
    pub(crate) fn set(&self, next: Numbers) {
        self.inner().next = next;
    }

    /// Queues a batch of so many messages behind those under way.
    pub(crate) fn queue(self: &Arc<Self>, messages: usize) -> Turn {
        let mut inner = self.inner();
        let taken = inner.under_way.iter().map(|(_, taken)| taken);
        let first = taken.fold(inner.next, |next, taken| (next.0 + taken.0, next.1 + taken.1));
        let number = inner.turns;
        inner.turns += 1;
        let messages = i64::try_from(messages).unwrap_or(i64::MAX);
        inner.under_way.push((number, (messages, 0)));
        drop(inner);
        Turn { forecast: Arc::clone(self), number, first }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turn {
    /// Says that the batch will make so many orders.
    pub(crate) fn makes(&self, orders: usize) {
        let mut inner = self.forecast.inner();
        let own = inner.under_way.iter_mut().find(|(number, _)| *number == self.number);
        if let Some((_, (_, made))) = own {
            *made = i64::try_from(orders).unwrap_or(i64::MAX);
        }
    }

    /// Ends the turn, and says which numbers are next.
    pub(crate) fn end(self, next: Numbers) {
        let mut inner = self.forecast.inner();
        inner.next = next;
        inner.under_way.retain(|(number, _)| *number != self.number);
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.forecast.inner().under_way.retain(|(number, _)| *number != self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_told_the_numbers_behind_those_under_way() {
        let forecast = Arc::new(Forecast::default());
        forecast.set((10, 100));
        let first = forecast.queue(5);
        first.makes(2);
        let second = forecast.queue(7);
        assert_eq!((first.first, second.first), ((10, 100), (15, 102)));
        // It took other numbers than it looked like.
        first.end((16, 103));
        assert_eq!(forecast.queue(1).first, (23, 103));
        drop(second);
        assert_eq!(forecast.queue(1).first, (16, 103));
    }
}

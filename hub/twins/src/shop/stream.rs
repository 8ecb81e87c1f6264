//! A day in the shop: orders come in at a pace, and each is changed once to three times while the next
//! ones come.

use std::ops::RangeInclusive;
use std::time::Duration;

use jiff::Timestamp;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::order::{Order, Payment};
use super::{Assortment, Shop, make};

/// What happens in a shop (times are twin time).
#[derive(Clone, Debug)]
pub struct Plan {
    /// The number of the first order: `1001`.
    pub first_number: u64,
    /// How many orders come.
    pub orders: u64,
    /// From one order to the next.
    pub pace: Duration,
    /// Changes of an order after its making.
    pub changes: RangeInclusive<u32>,
    /// From one change of an order to the next.
    pub gap: RangeInclusive<Duration>,
    /// Orders of a hundred that the customer cancels soon.
    pub cancelled_percent: u8,
    /// Makes the day repeatable.
    pub seed: u64,
    /// What is ordered.
    pub assortment: Assortment,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            first_number: 1_001,
            orders: 100,
            pace: Duration::from_secs(60),
            changes: 1..=3,
            gap: Duration::from_secs(5 * 60)..=Duration::from_secs(20 * 60),
            cancelled_percent: 5,
            seed: 1,
            assortment: Assortment::default(),
        }
    }
}

/// One thing that happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Event {
    Placed,
    Paid,
    /// The customer's note is changed.
    Noted(u32),
    Cancelled,
}

impl Shop {
    /// Lives through a plan: returns when everything that the customers do is done. Webhooks and
    /// fulfilments may still be under way.
    pub async fn live(&self, plan: Plan) {
        let began = self.frame.clock.elapsed();
        let mut ids = std::collections::HashMap::new();
        for (at, number, event) in plan.events() {
            let due = (began + at).saturating_sub(self.frame.clock.elapsed());
            self.frame.clock.sleep(due).await;
            if event == Event::Placed {
                let mut order = make::order(&plan.assortment, plan.seed, number, || self.id());
                if plan.is_paid_at_once(number) {
                    order.payment = Payment::Paid;
                }
                ids.insert(number, order.id);
                self.place(order).await;
            } else if let Some(id) = ids.get(&number) {
                self.change(*id, |order, now| event.happens(order, now)).await;
            }
        }
    }
}

impl Event {
    /// The topic of its webhook; none when it came too late to happen.
    fn happens(self, order: &mut Order, now: Timestamp) -> Option<&'static str> {
        match self {
            Event::Placed => None,
            Event::Paid => {
                order.payment = Payment::Paid;
                Some("orders/paid")
            }
            Event::Noted(change) => {
                order.note = Some(format!("Change {change}: please ring twice"));
                Some("orders/updated")
            }
            Event::Cancelled => order.cancel("customer", now),
        }
    }
}

impl Plan {
    fn random(&self, number: u64, salt: u64) -> StdRng {
        StdRng::seed_from_u64(self.seed.rotate_left(17) ^ number.rotate_left(40) ^ salt)
    }

    fn is_paid_at_once(&self, number: u64) -> bool {
        self.random(number, 1).random_range(0..3) > 0
    }

    /// Everything that happens, by time.
    fn events(&self) -> Vec<(Duration, u64, Event)> {
        let mut events = Vec::new();
        let mut at = Duration::ZERO;
        for number in self.first_number..self.first_number.saturating_add(self.orders) {
            self.changes_of(number, at, &mut events);
            at += self.pace;
        }
        // Stable: what happens to one order at one moment keeps its order.
        events.sort_by_key(|(at, _, _)| *at);
        events
    }

    fn changes_of(&self, number: u64, placed: Duration, events: &mut Vec<(Duration, u64, Event)>) {
        let mut random = self.random(number, 2);
        let mut at = placed;
        events.push((at, number, Event::Placed));
        let mut next = |random: &mut StdRng| {
            at += random.random_range(self.gap.clone());
            at
        };
        if random.random_range(0..100) < self.cancelled_percent {
            events.push((next(&mut random), number, Event::Cancelled));
            return;
        }
        let changes = random.random_range(self.changes.clone());
        let mut unpaid = !self.is_paid_at_once(number);
        for change in 0..changes {
            // An unpaid order is paid with its last change at the latest.
            let pays = unpaid && (change + 1 == changes || random.random_range(0..2) == 0);
            let event = if pays { Event::Paid } else { Event::Noted(change + 1) };
            unpaid &= !pays;
            events.push((next(&mut random), number, event));
        }
        if unpaid {
            events.push((next(&mut random), number, Event::Paid));
        }
    }
}

#[cfg(test)]
mod tests;

//! What is kept how long: whole days go, what is still needed stays, and nobody waits for it.

use std::sync::Arc;

use jiff::Timestamp;
use orderhub::apply::{Unit, UnitOutcome, Word};
use orderhub::store::{Scope, TodoEnd, TodoState};
use orderhub_mapping::Mapped;
use orderhub_order::contribution::{Contribution, ParentReference};
use orderhub_order::fold::Act;
use orderhub_order::ids::{OrderKey, SystemName};

use super::{Factory, World, attempt, order_of, say, todos, unit, words};

/// As the settings have it without a word.
const DAYS: i64 = 90;
const DAY: i64 = 24 * 3_600;

/// Of the order `1001`, that it waits for.
fn shipment() -> Contribution {
    say::shipment("S1", ParentReference::Ref("shop_eu-1001".into()))
}

impl World {
    fn at(&mut self, moment: &str) {
        self.now = moment.parse().unwrap();
    }

    fn days_later(&mut self, days: i64) {
        self.later(days * DAY);
    }

    /// Commits at the moment that it is, not a second later.
    async fn now(&mut self, unit: Unit) -> UnitOutcome {
        let bundle = Arc::clone(&self.bundle);
        self.store.apply(vec![unit], bundle, self.now).await.unwrap().remove(0)
    }

    /// An order of its own, said at the moment that it is; the number of its message.
    async fn order(&mut self, key: &str) -> (OrderKey, i64) {
        let message = self.message(vec![say::order("shop_eu", key, 1, key)]);
        let outcome = self.now(message).await;
        (order_of(&outcome), outcome.message.unwrap())
    }

    /// An attempt at a call for an order, noted at the moment that it is.
    async fn attempted(&mut self, key: OrderKey) {
        let mut act = Self::act(key, Act::Tick);
        if let Unit::Order(unit) = &mut act {
            unit.receipt = Some(attempt(self.now));
        }
        self.now(act).await;
    }

    async fn body(&self, message: i64) -> Option<String> {
        let row = self.store.message(&Scope::All, message).await.unwrap()?;
        Some(String::from_utf8(row.envelope.body.to_vec()).unwrap())
    }

    async fn attempts(&self, key: OrderKey) -> usize {
        self.store.receipts(&Scope::All, key).await.unwrap().len()
    }

    async fn minutes(&self) -> usize {
        let since = Timestamp::UNIX_EPOCH;
        self.store.minutes(&SystemName::new("shop_eu"), since).await.unwrap().len()
    }

    /// Steps until there is no more to do.
    pub(crate) async fn prune(&self) {
        for _ in 0..1_000 {
            if !self.store.prune(self.now).await.unwrap().more {
                return;
            }
        }
        panic!("there is always more to throw away");
    }
}

pub(crate) async fn a_day_goes_when_its_last_moment_is_over(factory: &dyn Factory) {
    let mut world = World::new(factory).await;
    let mut rows = Vec::new();
    for (moment, key) in [
        ("2026-11-01T23:59:59.999999999Z", "1"),
        ("2026-11-02T00:00:00Z", "2"),
        ("2026-11-02T23:59:59.999999999Z", "3"),
        ("2026-11-03T00:00:00Z", "4"),
    ] {
        world.at(moment);
        let (order, message) = world.order(key).await;
        world.attempted(order).await;
        rows.push((order, message));
    }
    let there = async |world: &World| {
        let mut there = Vec::new();
        for (order, message) in &rows {
            let both = (world.body(*message).await.is_some(), world.attempts(*order).await == 1);
            assert_eq!(both.0, both.1, "messages and attempts go alike");
            there.push(both.0);
        }
        there
    };
    let last = "2026-11-02T23:59:59.999999999Z".parse::<Timestamp>().unwrap();
    // The last moment of that day is not quite so old; a nanosecond later it is.
    for (seconds, nanoseconds, expected) in [
        (DAYS * DAY - DAY, 0, [true; 4]),
        (DAYS * DAY, 0, [false, true, true, true]),
        (DAYS * DAY, 1, [false, false, false, true]),
        (DAYS * DAY + DAY, 0, [false, false, false, true]),
        (DAYS * DAY + DAY, 1, [false; 4]),
    ] {
        let later = jiff::SignedDuration::new(seconds, nanoseconds);
        world.now = last.checked_add(later).unwrap();
        world.prune().await;
        assert_eq!(there(&world).await, expected, "at {}", world.now);
        // Twice is as once.
        world.prune().await;
        assert_eq!(there(&world).await, expected, "at {}", world.now);
    }
}

pub(crate) async fn versions_are_kept_for_ever(factory: &dyn Factory) {
    let mut world = World::new(factory).await;
    let (order, message) = world.order("1").await;
    world.now(say_again(&world, 2)).await;
    let before = world.store.changes(&Scope::All, order).await.unwrap();
    world.days_later(3_000);
    world.prune().await;
    assert_eq!(world.body(message).await, None);
    let kept = world.store.changes(&Scope::All, order).await.unwrap();
    assert_eq!(kept.len(), 2);
    assert_eq!(format!("{kept:?}"), format!("{before:?}"));
    let first = world.store.at(&Scope::All, order, 1).await.unwrap().unwrap();
    assert_eq!(first.version, 1);
    assert_eq!(world.version(order).await, 2);
    // Also for who changes it, now that its messages are gone.
    let outcome = world.now(say_again(&world, 3)).await;
    assert_eq!(words(&outcome), [Word::Applied]);
}

fn say_again(world: &World, revision: u32) -> Unit {
    let said = say::order("shop_eu", "1", revision.into(), &format!("note {revision}"));
    let mapped = vec![Mapped::Document(Box::new(said))];
    Unit::Message(Box::new(unit(world.now, None, &format!("body {revision}"), mapped)))
}

pub(crate) async fn minutes_go_with_their_day(factory: &dyn Factory) {
    let mut world = World::new(factory).await;
    world.at("2026-11-02T23:59:59Z");
    world.order("1").await;
    world.at("2026-11-03T00:00:00Z");
    world.order("2").await;
    assert_eq!(world.minutes().await, 2);
    world.days_later(DAYS);
    world.prune().await;
    assert_eq!(world.minutes().await, 1);
    world.days_later(1);
    world.prune().await;
    assert_eq!(world.minutes().await, 0);
}

pub(crate) async fn what_waits_or_is_an_open_todo_is_kept_beyond_its_time(factory: &dyn Factory) {
    let mut world = World::new(factory).await;
    let waits = world.message(vec![shipment()]);
    let waits = world.now(waits).await;
    assert_eq!(words(&waits), [Word::Waiting]);
    let parked = todos::failed(&world, "p", None);
    let parked = world.now(parked).await;
    assert_eq!(words(&parked), [Word::Todo]);
    let (_, plain) = world.order("plain").await;
    let (waits, parked) = (waits.message.unwrap(), parked.message.unwrap());
    let bodies = [world.body(waits).await, world.body(parked).await];
    for _ in 0..3 {
        world.days_later(DAYS + 1);
        world.store.sweep(world.now).await.unwrap();
        world.prune().await;
        assert_eq!(world.body(plain).await, None);
        assert_eq!([world.body(waits).await, world.body(parked).await], bodies, "as they came");
    }
    // What waits is woken, and driven with its body; the todo is ended. Then nothing needs them any more.
    let (order, _) = world.order("1001").await;
    let driven = world.drive(&[shipment()]).await;
    assert_eq!(driven.iter().flat_map(words).collect::<Vec<_>>(), [Word::Applied]);
    assert_eq!(order_of(&driven[0]), order);
    for todo in world.todos().await {
        let end = TodoEnd {
            state: TodoState::Discarded,
            by: "ann".to_owned(),
            reason: "done".to_owned(),
            at: world.now,
        };
        world.store.close_todo(todo.id, end).await.unwrap();
    }
    world.prune().await;
    assert_eq!([world.body(waits).await, world.body(parked).await], [None, None]);
    assert!(world.todos().await.is_empty());
}

pub(crate) async fn a_todo_that_is_replayed_late_has_its_message(factory: &dyn Factory) {
    let mut world = World::new(factory).await;
    let parked = todos::failed(&world, "p", None);
    let message = world.now(parked).await.message.unwrap();
    world.days_later(DAYS + 1);
    world.prune().await;
    let todo = world.todos().await.remove(0);
    assert!(world.store.replay(todo.id, "ann", world.now).await.unwrap());
    // Its todo is ended and its drive is not done: it is needed still.
    world.prune().await;
    assert_eq!(world.body(message).await.as_deref(), Some("body"));
    let driven = world.drive(&[say::order("shop_eu", "7", 1, "a")]).await;
    assert_eq!(driven.iter().flat_map(words).collect::<Vec<_>>(), [Word::Applied]);
    world.prune().await;
    assert_eq!(world.body(message).await, None);
}

pub(crate) async fn a_clock_that_steps_back_over_midnight_loses_nothing(factory: &dyn Factory) {
    let mut world = World::new(factory).await;
    world.at("2026-11-03T00:00:01Z");
    let (_, after) = world.order("1").await;
    world.prune().await;
    world.at("2026-11-02T23:59:59Z");
    world.prune().await;
    let (_, before) = world.order("2").await;
    world.at("2026-11-03T00:00:02Z");
    let (_, again) = world.order("3").await;
    for message in [after, before, again] {
        assert!(world.body(message).await.is_some());
    }
    // A clock that was a year ahead for a moment: what it wrote stays as long, and holds up nothing else.
    world.now = world.now.checked_add(jiff::SignedDuration::from_hours(365 * 24)).unwrap();
    let (_, ahead) = world.order("4").await;
    world.at("2026-11-03T00:00:03Z");
    let (_, last) = world.order("5").await;
    world.days_later(DAYS + 1);
    world.prune().await;
    for message in [after, before, again, last] {
        assert_eq!(world.body(message).await, None);
    }
    assert!(world.body(ahead).await.is_some());
}

pub(crate) async fn a_batch_of_yesterday_is_committed_while_days_go(factory: &dyn Factory) {
    let mut world = World::new(factory).await;
    world.at("2026-11-02T23:59:59Z");
    let late = world.message(vec![say::order("shop_eu", "late", 1, "a")]);
    let yesterday = world.now;
    let bundle = Arc::clone(&world.bundle);
    world.days_later(1);
    let store = Arc::clone(&world.store);
    let (pruned, stored) =
        tokio::join!(world.store.prune(world.now), store.apply(vec![late], bundle, yesterday));
    pruned.unwrap();
    let message = stored.unwrap()[0].message.unwrap();
    world.prune().await;
    assert!(world.body(message).await.is_some(), "its day is not over for so long");
    // From the day of its commit on it counts, whatever day it is by then.
    world.days_later(DAYS - 1);
    world.prune().await;
    assert!(world.body(message).await.is_some());
    world.days_later(1);
    world.prune().await;
    assert_eq!(world.body(message).await, None);
}

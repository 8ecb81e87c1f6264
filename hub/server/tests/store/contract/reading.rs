//! Documents that wait for what they look up: what wakes them, who finds them, and what waits behind them.

use orderhub::apply::{Redrive, Unit, Word};
use orderhub::store::{Scope, TodoEnd, TodoState};
use orderhub_mapping::Mapped;
use orderhub_mapping::facts::LookupKey;
use orderhub_order::ids::SystemName;

use super::waiting::unanswered;
use super::{Factory, World, order_of, say, words};

/// Another document that lacks an answer to a read, mapped by some files.
fn lacking(world: &World, id: &str, read: &str, bundle: &str) -> Unit {
    // Next due in ten minutes.
    let hour = jiff::SignedDuration::from_hours(1);
    let mut unit = unanswered(world, Some(world.now.checked_sub(hour).unwrap()));
    unit.envelope.message_id = Some(id.to_owned());
    unit.bundle = bundle.into();
    let of = |key: &LookupKey| LookupKey { name: read.into(), ..key.clone() };
    for mapped in &mut unit.mapped {
        let Mapped::Failed(error) = mapped else { continue };
        error.lacks.keys = error.lacks.keys.iter().map(of).collect();
    }
    let lacks = std::mem::take(&mut unit.recorded.lacks);
    unit.recorded.lacks = lacks.into_iter().map(|(key, why)| (of(&key), why)).collect();
    Unit::Message(Box::new(unit))
}

pub(crate) async fn what_waits_for_an_answer_is_woken_by_one_and_by_other_files(
    factory: &dyn Factory,
) {
    let (mut world, mut first) = (World::new(factory).await, None);
    for (id, read) in [("m1", "groups"), ("m2", "groups"), ("m3", "shops")] {
        let unit = lacking(&world, id, read, "old");
        let outcome = world.one(unit).await;
        assert_eq!(words(&outcome), [Word::Waiting]);
        first = outcome.message;
    }
    let system = SystemName::new("shop_eu");
    let due = async |world: &World| {
        let mut rows = world.store.take_asking(&system, world.now, 8).await.unwrap();
        rows.sort_by_key(|row| row.message.id);
        rows.into_iter().map(|row| row.message.envelope.message_id.unwrap()).collect::<Vec<_>>()
    };
    assert!(due(&world).await.is_empty(), "minutes away");

    // Now and then one is asked for before its time, as long as none is due.
    assert_eq!(world.store.ask_next(world.now).await.unwrap(), 1);
    assert_eq!(world.store.ask_next(world.now).await.unwrap(), 0, "one is due");
    assert_eq!(due(&world).await, ["m1"]);
    // What is under way is asked for already.
    assert_eq!(world.store.ask_next(world.now).await.unwrap(), 1);
    assert_eq!(due(&world).await, ["m2"]);

    // An answer makes due what waits for one to the same read, unless it is under way; at most so many.
    let wake = async |world: &World, read: &str, most| {
        world.store.wake_for_answer(&system, read, world.now, most).await.unwrap()
    };
    assert_eq!(wake(&world, "groups", 8).await, 0);
    assert_eq!(wake(&world, "shops", 0).await, 0);
    assert_eq!(wake(&world, "shops", 8).await, 1);
    assert_eq!(due(&world).await, ["m3"]);

    // Not answered still: another answer to the same read is no reason to ask for it so soon again.
    let again = |world: &World, id: &str, bundle: &str| {
        let Unit::Message(mut unit) = lacking(world, id, "shops", bundle) else { unreachable!() };
        let first = first.unwrap();
        unit.redrive = Some(Redrive { first, document: Some(0), attempts: 1, let_go: false });
        Unit::Message(unit)
    };
    world.one(again(&world, "m3", "old")).await;
    assert_eq!(wake(&world, "shops", 8).await, 0);
    world.later(300);
    world.one(again(&world, "m3", "old")).await;
    world.later(1);
    assert_eq!(wake(&world, "shops", 8).await, 1);
    assert!(due(&world).await.contains(&"m3".to_owned()));

    // By other files, once.
    world.one(again(&world, "m3", "old")).await;
    assert_eq!(world.store.wake_for_files("old", world.now, 8).await.unwrap(), 0);
    assert_eq!(world.store.wake_for_files("new", world.now, 8).await.unwrap(), 1);
    assert_eq!(world.store.wake_for_files("new", world.now, 8).await.unwrap(), 0);
    assert_eq!(due(&world).await, ["m3"]);
    world.one(again(&world, "m3", "new")).await;
    assert_eq!(world.store.wake_for_files("new", world.now, 8).await.unwrap(), 0);
}

pub(crate) async fn what_waits_is_found_by_what_it_is_about(factory: &dyn Factory) {
    let mut world = World::new(factory).await;
    let systems = ["shop_eu", "shop_us"].map(SystemName::new);
    let about = async |world: &World, systems: &[SystemName], word: &str| {
        let found = world.store.waiting_about(systems, &["", word], 8).await.unwrap();
        found
            .into_iter()
            .map(|one| (one.system.to_string(), one.keys, one.read))
            .collect::<Vec<_>>()
    };
    // For its order: by its own key, by what it names.
    world.say(say::payment("T1", "1001")).await;
    for word in ["T1", "1001"] {
        let found = about(&world, &systems, word).await;
        let [(system, keys, None)] = found.as_slice() else { panic!("{word}: {found:?}") };
        assert_eq!(system, "shop_eu");
        assert!(keys.contains(&("order".to_owned(), "1001".to_owned())), "{keys:?}");
    }
    // For an answer of its system.
    world.one(Unit::Message(Box::new(unanswered(&world, None)))).await;
    let read = Some("groups".to_owned());
    assert_eq!(about(&world, &systems, "5").await, [("shop_eu".to_owned(), Vec::new(), read)]);
    assert!(about(&world, &systems[1..], "5").await.is_empty(), "of another system");
    assert!(about(&world, &systems, "6").await.is_empty(), "of another order");
    assert!(about(&world, &systems, "a\0b").await.is_empty());
    // It is not what is waited for: nothing wakes it by that, and no sweep.
    world.later(601);
    world.store.sweep(world.now).await.unwrap();
    assert!(world.pending().await.is_empty());
    world.say(say::order("shop_eu", "1001", 1, "a")).await;
    assert_eq!(world.pending().await.len(), 1);
    assert!(about(&world, &systems, "1001").await.is_empty(), "what waited is driven");
}

pub(crate) async fn facts_wait_behind_a_document_that_waits_for_a_look_up(factory: &dyn Factory) {
    let mut world = World::new(factory).await;
    let order = world.say(say::order("shop_eu", "5", 1, "a")).await;
    let waits = world.one(Unit::Message(Box::new(unanswered(&world, None)))).await;
    assert_eq!(words(&waits), [Word::Waiting]);
    // In a batch of its own, and in one with a neighbour.
    let first = world.say(say::payment("T1", "5")).await;
    let second = world.message(vec![say::payment("T2", "5")]);
    let other = world.message(vec![say::order("shop_us", "6", 1, "a")]);
    let both = world.apply(vec![second, other]).await.unwrap();
    assert_eq!((words(&first), words(&both[0])), (vec![Word::Waiting], vec![Word::Waiting]));
    assert_eq!(words(&both[1]), [Word::Applied]);
    assert!(first.documents[0].why.as_deref().unwrap().contains("waits itself"), "{first:?}");
    // Another word about another order is no fact of this.
    assert_eq!(words(&world.say(say::order("shop_eu", "7", 2, "b")).await), [Word::Applied]);
    assert_eq!(words(&world.say(say::payment("T3", "7")).await), [Word::Applied]);
    let mut world = world.reopen(factory).await;
    assert!(world.pending().await.is_empty());

    // Its look-up is answered: what waited behind it is freed with it, in its order.
    let row = world.store.take_asking(&SystemName::new("shop_eu"), world.now, 8).await.unwrap();
    let (redrive, said) = (&row[0], say::order("shop_eu", "5", 3, "c"));
    let mut unit = unanswered(&world, Some(world.now));
    unit.mapped = vec![Mapped::Document(Box::new(said))];
    unit.redrive = Some(Redrive {
        first: redrive.message.id,
        document: Some(0),
        attempts: redrive.attempts,
        let_go: redrive.let_go,
    });
    let driven = world.one(Unit::Message(Box::new(unit))).await;
    assert_eq!((words(&driven), order_of(&driven)), (vec![Word::Applied], order_of(&order)));
    let rows = world.pending().await;
    let firsts: Vec<i64> = rows.iter().map(|row| row.message.id).collect();
    assert_eq!(firsts, [first.message.unwrap(), both[0].message.unwrap()]);
}

/// A document of order 5 that was asked for and is not answered still.
fn asked_again(world: &World, first: i64, attempts: u32) -> Unit {
    let mut unit = unanswered(world, Some(world.now));
    unit.redrive = Some(Redrive { first, document: Some(0), attempts, let_go: false });
    Unit::Message(Box::new(unit))
}

pub(crate) async fn a_later_document_frees_what_waits_behind_one_that_waits(factory: &dyn Factory) {
    let mut world = World::new(factory).await;
    let waits = world.one(Unit::Message(Box::new(unanswered(&world, None)))).await;
    assert_eq!(words(&waits), [Word::Waiting]);
    assert_eq!(words(&world.say(say::payment("T1", "5")).await), [Word::Waiting]);

    // It needs no look-up: what waited goes on, and what comes now waits for nothing.
    assert_eq!(words(&world.say(say::order("shop_eu", "5", 2, "b")).await), [Word::Applied]);
    let driven = world.drive(&[say::payment("T1", "5")]).await;
    assert_eq!(driven.iter().flat_map(words).collect::<Vec<_>>(), [Word::Applied]);
    assert_eq!(words(&world.say(say::payment("T2", "5")).await), [Word::Applied]);

    // Nor after the former one was asked for again in vain, in this process or another.
    assert_eq!(world.store.asking(world.now).await.unwrap(), [SystemName::new("shop_eu")]);
    let again = asked_again(&world, waits.message.unwrap(), 1);
    assert_eq!(words(&world.one(again).await), [Word::Waiting]);
    let mut world = world.reopen(factory).await;
    assert_eq!(words(&world.say(say::payment("T3", "5")).await), [Word::Applied]);
    // Nor what comes in one batch with that.
    world.later(3_600);
    let rows = world.store.take_asking(&SystemName::new("shop_eu"), world.now, 8).await.unwrap();
    assert!(rows[0].let_go);
    let mut again = unanswered(&world, Some(world.now));
    let (first, attempts) = (rows[0].message.id, rows[0].attempts);
    again.redrive = Some(Redrive { first, document: Some(0), attempts, let_go: true });
    let paid = world.message(vec![say::payment("T4", "5")]);
    let both = world.apply(vec![Unit::Message(Box::new(again)), paid]).await.unwrap();
    assert_eq!((words(&both[0]), words(&both[1])), (vec![Word::Waiting], vec![Word::Applied]));

    // Whether it is asked for before the later one or after it, in one batch.
    for (n, before) in [("8", true), ("9", false)] {
        let waits = |world: &World| {
            let mut unit = unanswered(world, None);
            unit.envelope.message_id = Some(format!("u{n}"));
            for mapped in &mut unit.mapped {
                let Mapped::Failed(error) = mapped else { continue };
                error.key = Some(n.to_owned());
            }
            unit
        };
        let first = world.one(Unit::Message(Box::new(waits(&world)))).await.message.unwrap();
        let mut again = waits(&world);
        again.redrive = Some(Redrive { first, document: Some(0), attempts: 1, let_go: false });
        let again = Unit::Message(Box::new(again));
        let later = world.message(vec![say::order("shop_eu", n, 2, "b")]);
        let batch = if before { vec![again, later] } else { vec![later, again] };
        world.apply(batch).await.unwrap();
        let paid = world.say(say::payment(&format!("T{n}"), n)).await;
        assert_eq!(words(&paid), [Word::Applied], "{n}");
    }
}

pub(crate) async fn what_waits_and_is_discarded_holds_nothing_back(factory: &dyn Factory) {
    let mut world = World::new(factory).await;
    let _order = world.say(say::order("shop_eu", "5", 1, "a")).await;
    let waits = world.one(Unit::Message(Box::new(unanswered(&world, None)))).await;
    assert_eq!(words(&world.say(say::payment("T1", "5")).await), [Word::Waiting]);
    world.later(8 * 24 * 3_600);
    world.store.sweep(world.now).await.unwrap();
    let driven = world.drive(&[say::payment("T1", "5")]).await;
    assert_eq!(driven.iter().flat_map(words).collect::<Vec<_>>(), [Word::Waiting]);

    let todos = world.todos().await;
    let todo = todos.iter().find(|todo| todo.message == waits.message).unwrap();
    assert_eq!(&*todo.item.cause, "waits_long");
    let end = TodoEnd {
        state: TodoState::Discarded,
        by: "person:ann".to_owned(),
        reason: "a typo".to_owned(),
        at: world.now,
    };
    assert!(world.store.close_todo(todo.id, end).await.unwrap());
    // It is not asked for any more, and what waited behind it is applied.
    world.later(3_600);
    assert!(world.store.asking(world.now).await.unwrap().is_empty());
    assert!(world.store.waits().await.unwrap().iter().all(|row| row.why != "reading"));
    let driven = world.drive(&[say::payment("T1", "5")]).await;
    assert_eq!(driven.iter().flat_map(words).collect::<Vec<_>>(), [Word::Applied]);
    assert_eq!(words(&world.say(say::payment("T2", "5")).await), [Word::Applied]);
    assert!(world.store.message(&Scope::All, waits.message.unwrap()).await.unwrap().is_some());
}

pub(crate) async fn a_document_that_is_driven_again_counts_with_its_end(factory: &dyn Factory) {
    let mut world = World::new(factory).await;
    let system = SystemName::new("shop_eu");
    let mut came = unanswered(&world, None);
    came.mapped.push(Mapped::Document(Box::new(say::order("shop_eu", "9", 1, "a"))));
    let outcome = world.one(Unit::Message(Box::new(came))).await;
    assert_eq!(words(&outcome), [Word::Waiting, Word::Applied]);
    let again = |world: &World, mapped: Mapped| {
        let mut unit = unanswered(world, Some(world.now));
        unit.mapped = vec![mapped, Mapped::Document(Box::new(say::order("shop_eu", "9", 1, "a")))];
        let first = outcome.message.unwrap();
        unit.redrive = Some(Redrive { first, document: Some(0), attempts: 1, let_go: false });
        Unit::Message(Box::new(unit))
    };
    for _ in 0..3 {
        let waits = unanswered(&world, None).mapped.remove(0);
        assert_eq!(words(&world.one(again(&world, waits)).await)[0], Word::Waiting);
    }
    let said = Mapped::Document(Box::new(say::order("shop_eu", "5", 1, "a")));
    assert_eq!(words(&world.one(again(&world, said)).await)[0], Word::Applied);
    let minutes = world.store.minutes(&system, jiff::Timestamp::UNIX_EPOCH).await.unwrap();
    let mut counts: Vec<(&str, u64)> =
        minutes.iter().map(|row| (row.outcome.as_str(), row.count)).collect();
    counts.sort_unstable();
    assert_eq!(counts, [("applied", 2), ("waiting", 1)]);
}

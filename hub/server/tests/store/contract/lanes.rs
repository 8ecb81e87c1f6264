//! Lanes: what a commit reserves, what is due, and what a restart makes of both.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use orderhub::apply::Unit;
use orderhub::store::Scope;
use orderhub_order::fold::{Act, Outcome, ReceiptClass};
use orderhub_order::ids::{Entity, OrderKey, SystemName};
use orderhub_order::lane::LaneCode;

use super::{Factory, World, attempt, flights, order_of, rules, say};

fn erp() -> SystemName {
    SystemName::new("erp")
}

pub(crate) async fn a_lane_made_due_is_reserved_until_the_process_ends(factory: &dyn Factory) {
    let mut world = World::new(factory).await;
    let outcome = world.say(say::order("shop_eu", "1001", 1, "a")).await;
    let key = order_of(&outcome);
    assert_eq!(outcome.reserved, [(erp(), key)]);
    assert!(world.store.claim(&erp(), world.now, 10).await.unwrap().is_empty());
    assert_eq!(world.store.next_due(&erp(), world.now).await.unwrap(), None);
    assert_eq!(world.store.backlog().await.unwrap()[0].pending, 1);

    let world = world.reopen(factory).await;
    assert!(world.store.next_due(&erp(), world.now).await.unwrap().is_some());
    assert_eq!(world.store.claim(&erp(), world.now, 10).await.unwrap(), [key]);
    let state = world.store.state(&Scope::All, key).await.unwrap().unwrap();
    assert!(state.lanes.get(&erp()).unwrap().flying.is_none(), "reserved is not flying");
}

pub(crate) async fn a_ring_without_room_gives_lanes_back(factory: &dyn Factory) {
    let mut world = World::new(factory).await;
    let outcome = world.say(say::order("shop_eu", "1001", 1, "a")).await;
    world.store.release(&outcome.reserved);
    assert_eq!(world.store.claim(&erp(), world.now, 10).await.unwrap(), [order_of(&outcome)]);
}

pub(crate) async fn a_lane_beyond_the_room_of_its_ring_is_free_for_others(factory: &dyn Factory) {
    let mut world = World::new(factory).await;
    let said = |n: i32| say::order("shop_eu", &n.to_string(), 1, "a");
    let orders = (0..1_100).map(|n| world.message(vec![said(n)])).collect();
    let outcomes = world.apply(orders).await.unwrap();
    let handed = outcomes.iter().filter(|outcome| !outcome.reserved.is_empty()).count();
    let left = outcomes.iter().filter(|outcome| outcome.left == [erp()]).count();
    assert_eq!((handed, left), (1_024, 76));
    let free = world.store.claim(&erp(), world.now, 2_000).await.unwrap();
    let expected: Vec<_> = outcomes.iter().filter(|o| !o.left.is_empty()).map(order_of).collect();
    assert_eq!(free, expected);
    assert!(world.store.claim(&erp(), world.now, 2_000).await.unwrap().is_empty(), "each once");
}

pub(crate) async fn a_call_of_a_process_that_is_another_by_now_does_not_take_off(
    factory: &dyn Factory,
) {
    let mut world = World::new(factory).await;
    let key = order_of(&world.say(say::order("shop_eu", "1001", 1, "a")).await);
    let call = flights::call(&world, key, Entity::Order).await;
    let mut world = world.reopen(factory).await;
    let outcome = world.one(call).await;
    assert_eq!(outcome.documents[0].folded, Some(Outcome::Refused(LaneCode::Retry)));
    assert_eq!(
        world.store.claim(&erp(), world.now, 10).await.unwrap(),
        [key],
        "still to be served"
    );
}

pub(crate) async fn what_the_dispatcher_skipped_is_not_due_any_more(factory: &dyn Factory) {
    let mut world = World::new(factory).await;
    let outcome = world.say(say::order("shop_eu", "1001", 1, "a")).await;
    let key = order_of(&outcome);
    let state = world.store.state(&Scope::All, key).await.unwrap().unwrap();
    let want = state.lanes.get(&erp()).unwrap().wants[0].clone();
    let skip = Act::Skip {
        system: erp(),
        want: want.key,
        version: want.version,
        code: LaneCode::Shadow,
        hash: Some([7; 16]),
        until: None,
    };
    let early = world.one(World::act(key, skip.clone())).await;
    let refused = Some(Outcome::Refused(LaneCode::Retry));
    assert_eq!(early.documents[0].folded, refused, "by other files");
    world.bundle = Arc::new(rules::shadowed());
    let settled = world.one(World::act(key, skip)).await;
    assert!(matches!(settled.documents[0].folded, Some(Outcome::Applied { .. })));
    assert!(settled.reserved.is_empty());
    assert!(world.store.claim(&erp(), world.now, 10).await.unwrap().is_empty());
    let world = world.reopen(factory).await;
    assert!(world.store.claim(&erp(), world.now, 10).await.unwrap().is_empty());
}

pub(crate) async fn what_waits_in_the_store_for_its_turn_is_claimed_then_and_not_before(
    factory: &dyn Factory,
) {
    let mut world = World::new(factory).await;
    let outcome = world.say(say::order("shop_eu", "1001", 1, "a")).await;
    let key = order_of(&outcome);
    let state = world.store.state(&Scope::All, key).await.unwrap().unwrap();
    let want = state.lanes.get(&erp()).unwrap().wants[0].clone();
    let turn = world.now.checked_add(SignedDuration::from_mins(3)).unwrap();
    let (version, code) = (want.version, LaneCode::Limited);
    let (system, want) = (erp(), want.key);
    let skip = Act::Skip { system, want, version, code, hash: None, until: Some(turn) };
    world.one(World::act(key, skip)).await;
    assert!(world.store.claim(&erp(), world.now, 10).await.unwrap().is_empty());
    assert_eq!(world.store.next_due(&erp(), world.now).await.unwrap(), Some(turn), "nobody has it");
    assert_eq!(world.store.claim(&erp(), turn, 10).await.unwrap(), [key]);
}

pub(crate) async fn what_rests_is_found_with_and_without_holds(factory: &dyn Factory) {
    let mut world = World::new(factory).await;
    let key = order_of(&world.say(say::order("shop_eu", "1001", 1, "a")).await);
    let state = world.store.state(&Scope::All, key).await.unwrap().unwrap();
    let (want, version) =
        (state.lanes.get(&erp()).unwrap().wants[0].key.clone(), state.order.version);
    let first = OrderKey(i64::MIN);
    let unfit = |version| {
        let why = "it lacks a value".to_owned();
        let act = Act::Unfit { system: erp(), want: want.clone(), version, why };
        let mut unit = World::act(key, act);
        if let Unit::Order(unit) = &mut unit {
            unit.receipt = Some(attempt(Timestamp::UNIX_EPOCH));
        }
        unit
    };
    // Looked at before the order was as it is: no attempt, and nothing rests.
    let late = world.one(unfit(version - 1)).await;
    assert_eq!(late.documents[0].folded, Some(Outcome::Refused(LaneCode::Retry)));
    assert!(world.store.receipts(&Scope::All, key).await.unwrap().is_empty());
    assert!(world.store.resting(first, 10, true).await.unwrap().is_empty());
    for (code, found) in
        [(LaneCode::Held, vec![]), (LaneCode::NotLinked, vec![key]), (LaneCode::Dead, vec![key])]
    {
        let (system, want) = (erp(), want.clone());
        let skip = Act::Skip { system, want, version, code, hash: None, until: None };
        let is_dead = code == LaneCode::Dead;
        let act = if is_dead { unfit(version) } else { World::act(key, skip) };
        world.one(act).await;
        assert_eq!(world.store.resting(first, 10, true).await.unwrap(), [key], "{code:?}");
        assert_eq!(world.store.resting(first, 10, false).await.unwrap(), found, "{code:?}");
    }
    assert_eq!(world.store.receipts(&Scope::All, key).await.unwrap().len(), 1);
    // By which files all of it was looked at is known after a restart, too.
    assert_eq!(world.store.woken().await.unwrap(), None);
    for bundle in ["one", "two"] {
        world.store.keep_woken(bundle).await.unwrap();
    }
    let world = world.reopen(factory).await;
    assert_eq!(world.store.woken().await.unwrap().as_deref(), Some("two"));
}

/// The oldest wish of the ERP.
async fn oldest(world: &World) -> Option<Timestamp> {
    let backlog = world.store.backlog().await.unwrap();
    backlog.into_iter().find(|row| row.system == erp()).and_then(|row| row.oldest)
}

pub(crate) async fn the_oldest_wish_is_told_while_it_waits(factory: &dyn Factory) {
    let mut world = World::new(factory).await;
    let key = order_of(&world.say(say::order("shop_eu", "1001", 1, "a")).await);
    let wished = world.now;
    assert_eq!(oldest(&world).await, Some(wished));
    let call = flights::call(&world, key, Entity::Order).await;
    world.later(60);
    let _flying = world.one(call).await;
    assert_eq!(oldest(&world).await, Some(wished), "in the air");
    let in_an_hour = world.now.checked_add(SignedDuration::from_hours(1)).unwrap();
    let again = flights::again(ReceiptClass::NotActed, in_an_hour, 1);
    let _again = world.one(World::act(key, again)).await;
    assert_eq!(oldest(&world).await, Some(wished), "it waits for its next try");
    let world = world.reopen(factory).await;
    assert_eq!(oldest(&world).await, Some(wished), "whoever holds it");
}

pub(crate) async fn what_was_put_off_is_found_and_hurried(factory: &dyn Factory) {
    let mut world = World::new(factory).await;
    let key = order_of(&world.say(say::order("shop_eu", "1001", 1, "a")).await);
    let found = async |world: &World| world.store.put_off(&erp(), world.now, 10).await.unwrap();
    assert!(found(&world).await.is_empty(), "it is due");
    let cases = [(1, ReceiptClass::NotActed, false), (2, ReceiptClass::NotAllowed, true)];
    for (fence, class, put_off) in cases {
        let call = flights::call(&world, key, Entity::Order).await;
        let _flying = world.one(call).await;
        assert!(found(&world).await.is_empty(), "in the air");
        let in_an_hour = world.now.checked_add(SignedDuration::from_hours(1)).unwrap();
        let _again = world.one(World::act(key, flights::again(class, in_an_hour, fence))).await;
        assert_eq!(found(&world).await.len(), usize::from(put_off), "{class:?}");
        let hurried = world.one(World::act(key, Act::Hurry { system: erp() })).await;
        assert_eq!(hurried.reserved.len(), usize::from(put_off), "{class:?}");
        assert!(found(&world).await.is_empty());
        let state = world.store.state(&Scope::All, key).await.unwrap().unwrap();
        let due = state.lanes.get(&erp()).unwrap().due_at.unwrap();
        assert_eq!(due <= world.now, put_off, "{class:?}");
    }
}

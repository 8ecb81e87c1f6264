//! Calls under way: what waits for them, what outlives a process, what an answer may not bind.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use orderhub::apply::{Unit, UnitOutcome, Word};
use orderhub::store::{Batch, Scope};
use orderhub_order::contribution::{Contribution, ParentReference};
use orderhub_order::fold::{Act, Outcome, PersonAct, Receipt, ReceiptClass};
use orderhub_order::ids::{At, Entity, OrderKey, SystemName};
use orderhub_order::lane::{Flight, LaneCode, Xref};

use super::rules::POISON;
use super::{Factory, World, attempt, order_of, say, words};

fn erp() -> SystemName {
    SystemName::new("erp")
}

/// The dispatcher takes off with what the ERP's lane wants.
async fn fly(world: &mut World, key: OrderKey, entity: Entity) -> UnitOutcome {
    let call = call(world, key, entity).await;
    world.one(call).await
}

pub(crate) async fn call(world: &World, key: OrderKey, entity: Entity) -> Unit {
    let state = world.store.state(&Scope::All, key).await.unwrap().unwrap();
    let lane = state.lanes.get(&erp()).unwrap();
    let want = &lane.wants[0];
    let flight = Flight {
        want: want.key.clone(),
        operation: "create_sale".into(),
        entity,
        creates: true,
        in_steps: false,
        attempt: 1,
        fence: lane.fence + 1,
        deadline: world.now.checked_add(SignedDuration::from_secs(30)).unwrap(),
        version: want.version,
        bundle: "test".into(),
        inputs: b"{}".to_vec(),
        hash: [1; 16],
        memo: Vec::new(),
        key: format!("{}", key.0).into(),
        values: Vec::new(),
        without: Vec::new(),
        may_have_acted: false,
        decided: false,
        awaits: false,
        wrote: false,
        process: world.store.process(),
        in_air: false,
        began: None,
        called: None,
    };
    World::act(key, Act::Fly { system: erp(), flight: Box::new(flight) })
}

/// The first call or the next came to that, and is to be tried again then.
pub(crate) fn again(class: ReceiptClass, next_due: Timestamp, fence: u64) -> Act {
    let Act::Receipt(receipt) = receipt(class, Vec::new()) else { unreachable!() };
    Act::Receipt(Box::new(Receipt { next_due: Some(next_due), fence, ..*receipt }))
}

fn receipt(class: ReceiptClass, xrefs: Vec<Xref>) -> Act {
    Act::Receipt(Box::new(Receipt {
        system: erp(),
        fence: 1,
        class,
        wrote: false,
        xrefs,
        reply: None,
        why: "test".to_owned(),
        memo: Vec::new(),
        next_due: None,
    }))
}

fn sale(ext_id: &str) -> Vec<Xref> {
    vec![Xref { kind: "order".into(), at: At::default(), ext_id: ext_id.into() }]
}

pub(crate) async fn a_document_waits_for_a_call_to_its_system_and_is_woken(factory: &dyn Factory) {
    let mut world = World::new(factory).await;
    let key = order_of(&world.say(say::order("shop_eu", "1001", 1, "a")).await);
    let _flying = fly(&mut world, key, Entity::Invoice).await;
    let mut invoice = say::payment("I1", "1001");
    invoice.system = erp();
    invoice.entity = Entity::Invoice;
    invoice.parents = vec![ParentReference::Ref("shop_eu-1001".into())];
    invoice.body.fields.clear();
    let early = world.say(invoice.clone()).await;
    assert_eq!(words(&early), [Word::Waiting]);
    assert!(world.pending().await.is_empty());
    let _settled = world.one(World::act(key, receipt(ReceiptClass::SaidNo, Vec::new()))).await;
    let driven = world.drive(&[invoice]).await;
    assert_eq!(words(&driven[0]), [Word::Applied]);
}

/// The calls are prepared on orders that change before their turn: what the change wants stays wanted.
pub(crate) async fn a_call_that_was_prepared_early_forgets_no_wish(factory: &dyn Factory) {
    let mut world = World::new(factory).await;
    let mut keys = Vec::new();
    for key in 0..20 {
        let said = say::order("shop_eu", &key.to_string(), 1, "a");
        keys.push(order_of(&world.say(said).await));
    }
    let mut calls = Vec::new();
    for key in &keys {
        calls.push(call(&world, *key, Entity::Order).await);
    }
    let change = |key| say::order("shop_eu", &format!("{key}"), 2, "b");
    let changes = (0..20).map(|key| world.message(vec![change(key)])).collect();
    let changes = Batch::new(changes, Arc::clone(&world.bundle), world.now);
    let changes = world.store.prepare(changes).await.unwrap();
    let calls = Batch::new(calls, Arc::clone(&world.bundle), world.now);
    let calls = world.store.prepare(calls).await.unwrap();
    let _changed = world.store.commit(changes).await.unwrap();
    let mut wanted = Vec::new();
    for key in &keys {
        let state = world.store.state(&Scope::All, *key).await.unwrap().unwrap();
        let lane = state.lanes.get(&erp()).unwrap();
        assert!(lane.wants.iter().any(|want| want.version == 2), "{:?}", lane.wants);
        wanted.push(lane.wants.clone());
    }
    let outcomes = world.store.commit(calls).await.unwrap();
    let world = world.reopen(factory).await;
    for ((key, wanted), outcome) in keys.iter().zip(wanted).zip(outcomes) {
        let state = world.store.state(&Scope::All, *key).await.unwrap().unwrap();
        let lane = state.lanes.get(&erp()).unwrap();
        assert_eq!(lane.wants, wanted, "{:?}", words(&outcome.unwrap()));
    }
}

pub(crate) async fn a_flight_is_its_process_s_until_its_deadline_and_anybody_s_after_its_end(
    factory: &dyn Factory,
) {
    let mut world = World::new(factory).await;
    let key = order_of(&world.say(say::order("shop_eu", "1001", 1, "a")).await);
    let _flying = fly(&mut world, key, Entity::Order).await;
    assert!(world.store.claim(&erp(), world.now, 10).await.unwrap().is_empty(), "not before");
    let late = world.now.checked_add(SignedDuration::from_secs(31)).unwrap();
    assert_eq!(world.store.claim(&erp(), late, 10).await.unwrap(), [key]);
    let before = world.store.process();
    let world = world.reopen(factory).await;
    assert_eq!(world.store.claim(&erp(), world.now, 10).await.unwrap(), [key]);
    let state = world.store.state(&Scope::All, key).await.unwrap().unwrap();
    let flight = state.lanes.get(&erp()).unwrap().flying.as_ref().unwrap();
    assert!(flight.in_air && flight.process == before);
    assert!(world.store.is_gone(before) && !world.store.is_gone(world.store.process()));
}

pub(crate) async fn an_id_that_is_bound_elsewhere_is_not_bound_again(factory: &dyn Factory) {
    let mut world = World::new(factory).await;
    let mut keys = Vec::new();
    for number in ["1001", "1002"] {
        let key = order_of(&world.say(say::order("shop_eu", number, 1, "a")).await);
        let _flying = fly(&mut world, key, Entity::Order).await;
        let mut settled = World::act(key, receipt(ReceiptClass::Ok, sale("S1")));
        if let orderhub::apply::Unit::Order(unit) = &mut settled {
            unit.receipt = Some(attempt(world.now));
        }
        let _settled = world.one(settled).await;
        keys.push(key);
    }
    assert_eq!(world.store.find(&Scope::All, "S1").await.unwrap(), [keys[0]]);
    let todo = &world.todos().await[0];
    assert_eq!((&*todo.item.cause, todo.order), ("reference_taken", Some(keys[1])));
    for key in keys {
        let rows = world.store.receipts(&Scope::All, key).await.unwrap();
        assert_eq!((rows.len(), rows[0].status), (1, Some(201)));
    }
}

pub(crate) async fn an_act_that_cannot_be_folded_holds_its_lane(factory: &dyn Factory) {
    let mut world = World::new(factory).await;
    let key = order_of(&world.say(say::order("shop_eu", "1001", 1, "a")).await);
    let _flying = fly(&mut world, key, Entity::Order).await;
    let Act::Receipt(mut broken) = receipt(ReceiptClass::Ok, sale("S1")) else { return };
    let reply = say::order("shop_eu", "1001", 1, POISON);
    broken.reply = Some(Contribution { system: erp(), ..reply });
    let outcome = world.one(World::act(key, Act::Receipt(broken))).await;
    assert_eq!(words(&outcome), [Word::Todo]);
    assert_eq!(world.causes().await, ["fault"]);
    let mut world = world.reopen(factory).await;
    world.later(3_600);
    assert!(
        world.store.claim(&erp(), world.now, 10).await.unwrap().is_empty(),
        "not tried for ever"
    );
    let state = world.store.state(&Scope::All, key).await.unwrap().unwrap();
    let lane = state.lanes.get(&erp()).unwrap();
    assert_eq!(lane.code, Some(LaneCode::InDoubt));
    assert!(lane.flying.as_ref().unwrap().may_have_acted);
}

pub(crate) async fn a_memo_that_names_another_order_stops_the_call(factory: &dyn Factory) {
    let mut world = World::new(factory).await;
    let mut keys = Vec::new();
    for number in ["1001", "1002"] {
        let key = order_of(&world.say(say::order("shop_eu", number, 1, "a")).await);
        let _flying = fly(&mut world, key, Entity::Order).await;
        keys.push(key);
    }
    let _sold = world.one(World::act(keys[0], receipt(ReceiptClass::Ok, sale("S1")))).await;
    let memo = Act::Memo { system: erp(), fence: 1, memo: b"m".to_vec(), xrefs: sale("S1") };
    let outcome = world.one(World::act(keys[1], memo)).await;
    let refused = Outcome::Refused(LaneCode::InDoubt);
    assert_eq!(outcome.documents[0].folded, Some(refused), "the call does not go on");
    // The ERP of these rules takes no updates: that is said, too.
    assert_eq!(world.causes().await, ["no_update"], "its receipt tells of the reference, once");
    let stopped = receipt(ReceiptClass::Throttled, sale("S1"));
    let _held = world.one(World::act(keys[1], stopped)).await;
    assert_eq!(world.causes().await, ["reference_taken", "no_update"]);
    let state = world.store.state(&Scope::All, keys[1]).await.unwrap().unwrap();
    assert_eq!(state.lanes.get(&erp()).unwrap().code, Some(LaneCode::InDoubt));
}

/// A call in doubt, and what a person decides about it.
async fn decided(factory: &dyn Factory, again: bool) -> (World, OrderKey, UnitOutcome) {
    let mut world = World::new(factory).await;
    let key = order_of(&world.say(say::order("shop_eu", "1001", 1, "a")).await);
    let _flying = fly(&mut world, key, Entity::Order).await;
    let _doubt = world.one(World::act(key, receipt(ReceiptClass::InDoubt, Vec::new()))).await;
    assert_eq!(world.causes().await, ["may_have_acted"]);
    world.later(3_600);
    assert!(world.store.claim(&erp(), world.now, 10).await.unwrap().is_empty(), "it waits");
    let settle = PersonAct::Settle { system: erp(), again, about: None };
    let settled = world.one(World::act(key, Act::Person(settle))).await;
    assert_eq!(words(&settled), [Word::Applied]);
    (world, key, settled)
}

pub(crate) async fn a_call_that_goes_again_is_handed_to_the_dispatcher(factory: &dyn Factory) {
    let (world, key, settled) = decided(factory, true).await;
    assert_eq!(settled.reserved, [(erp(), key)]);
    let mut world = world.reopen(factory).await;
    assert_eq!(world.store.claim(&erp(), world.now, 10).await.unwrap(), [key], "or found again");
    let flown = fly(&mut world, key, Entity::Order).await;
    assert!(matches!(flown.documents[0].folded, Some(Outcome::Applied { .. })));
}

pub(crate) async fn a_call_that_is_let_be_is_dropped(factory: &dyn Factory) {
    let (mut world, key, settled) = decided(factory, false).await;
    assert!(settled.reserved.is_empty());
    let state = world.store.state(&Scope::All, key).await.unwrap().unwrap();
    let lane = state.lanes.get(&erp()).unwrap();
    assert_eq!((lane.code, lane.wants.len()), (Some(LaneCode::LetBe), 0));
    assert!(lane.flying.is_none() && lane.due_at.is_none());
    let settle = PersonAct::Settle { system: erp(), again: true, about: None };
    let twice = world.one(World::act(key, Act::Person(settle))).await;
    let Some(Outcome::Todo(item)) = &twice.documents[0].folded else { panic!("{twice:?}") };
    assert_eq!(&*item.cause, "nothing_to_settle");
}

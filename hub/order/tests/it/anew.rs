//! What systems would be told of an order from its beginning on.

use std::collections::BTreeSet;

use orderhub_order::catalogue::known;
use orderhub_order::ids::{At, Collection};
use orderhub_order::lane::{Lane, Sent, WantKey};
use orderhub_order::model::{Shared, State};
use orderhub_order::route::{Told, anew};
use orderhub_order::value::Value;

use crate::gone::number;
use crate::route::{lane, link, name, paid, turn, world};
use crate::world::{World, publisher, rule, when};

/// `<system> <rule> <subject>` of each that is told.
fn told(state: &State, world: &World, told: Told) -> BTreeSet<String> {
    let rules = world.rules();
    let all = anew(state, &rules).into_iter().filter(|one| one.told == told);
    all.map(|one| format!("{} {} {}", one.system, one.rule.id, one.subject)).collect()
}

/// The same of what the lanes want.
fn wanted(state: &State) -> BTreeSet<String> {
    let lanes = state.lanes.iter();
    let wants = |lane: &Shared<Lane>| {
        let of = |key: &WantKey| format!("{} {} {}", lane.system, key.rule, key.subject);
        lane.wants.iter().map(|want| of(&want.key)).collect::<Vec<_>>()
    };
    lanes.flat_map(wants).collect()
}

fn hold(world: &mut World, system: &str, rule: &str, text: &str) {
    let rules = world.systems.get_mut(&name(system)).unwrap();
    let rule = rules.deliver.iter_mut().find(|one| &*one.id == rule).unwrap();
    rule.when = Some(when(text, Collection::Root));
}

#[test]
fn a_new_order_is_told_to_those_who_want_it() {
    let mut world = world();
    world.systems.insert(name("bus"), publisher(&["order.created", "order.accepted"]));
    let state = paid(&world);
    assert!(wanted(&state).len() >= 3, "{:?}", wanted(&state));
    assert_eq!(told(&state, &world, Told::Yes), wanted(&state));
}

#[test]
fn what_was_told_or_released_before_is_told_anew() {
    let mut world = world();
    let mut state = paid(&world);
    link(&mut state, "erp");
    turn(&mut state, &world, number("7"));
    let all = wanted(&state);
    assert!(all.iter().any(|one| one.starts_with("wms fulfilment.released/pick")), "{all:?}");
    for system in ["erp", "wms", "sink"] {
        let lane = lane(&mut state, system);
        for want in std::mem::take(&mut lane.wants) {
            let sent = Sent { version: 1, hash: [1; 16], overwritten: false };
            lane.sent.insert(want.key.text(), sent);
        }
    }
    // A closed order is released to nobody; another one, that is open, is.
    turn(&mut state, &world, |order| {
        order.set(&At::ROOT, known::order::STATE_LIFECYCLE, Some(Value::text("closed")));
    });
    assert!(all.is_subset(&told(&state, &world, Told::Yes)), "{all:?}");
    // Nobody has an entry for it, or has one that says that there is nothing to do.
    let sink = world.systems.get_mut(&name("sink")).unwrap();
    let own = std::mem::take(&mut sink.deliver);
    assert!(!told(&state, &world, Told::Yes).iter().any(|one| one.starts_with("sink")));
    world.systems.get_mut(&name("sink")).unwrap().deliver.push(rule("order.changed/none"));
    assert!(!told(&state, &world, Told::Yes).iter().any(|one| one.starts_with("sink")));
    world.systems.get_mut(&name("sink")).unwrap().deliver = own;
    let everybody = told(&state, &world, Told::Yes);
    assert!(everybody.contains("sink order.changed/put "), "{everybody:?}");
}

#[test]
fn a_when_that_does_not_hold_holds_it_back() {
    let mut world = world();
    let state = paid(&world);
    let put = "sink order.changed/put ";
    hold(&mut world, "sink", "order.changed/put", "{ state.payment: [captured] }");
    assert!(told(&state, &world, Told::Yes).contains(put));
    hold(&mut world, "sink", "order.changed/put", "{ state.payment: [pending] }");
    assert!(!told(&state, &world, Told::Yes).contains(put));
    assert!(told(&state, &world, Told::Held).contains(put));
}

//! What a lane is to send next.

use orderhub_order::catalogue::known;
use orderhub_order::flow::Flow;
use orderhub_order::fold::{Act, Effect, Facts, PersonAct, Receipt, ReceiptClass, fold};
use orderhub_order::history::seal;
use orderhub_order::ids::{At, Collection, Entity, OrderKey, Role, SystemName};
use orderhub_order::lane::{Facet, FieldState, Flight, Lane, LaneCode, Sent, WantKey, Xref};
use orderhub_order::model::{Element, Order, State};
use orderhub_order::route::{Choice, Plan, plan};
use orderhub_order::rules::Mode;
use orderhub_order::settle::{Turn, settle};
use orderhub_order::value::Value;

use crate::world::{World, publisher};

pub(crate) fn world() -> World {
    World::of(&["shop", "erp", "wms", "tms", "sink"].map(str::to_owned))
}

pub(crate) fn name(system: &str) -> SystemName {
    SystemName::new(system)
}

/// A paid order of one line, settled once.
pub(crate) fn paid(world: &World) -> State {
    let order = Order::new(OrderKey(7), "shop-1001".into(), name("shop"), "default".into());
    let mut state = State::new(order);
    turn(&mut state, world, |order| {
        let line = order.add(&At::ROOT, Collection::Lines, None, None).unwrap();
        order.set(&line, known::line::QTY_ORDERED, Some(Value::Decimal(2.into())));
        order.set(&At::ROOT, known::order::STATE_PAYMENT, Some(Value::text("captured")));
    });
    state
}

pub(crate) fn turn(
    state: &mut State,
    world: &World,
    change: impl FnOnce(&mut Order),
) -> Vec<Effect> {
    let before = state.order.clone();
    change(&mut state.order);
    let turn = Turn { before: &before, by: None, now: jiff::Timestamp::UNIX_EPOCH };
    let effects = settle(state, turn, &world.rules());
    seal(&before, &mut state.order);
    effects
}

pub(crate) fn lane<'a>(state: &'a mut State, system: &str) -> &'a mut Lane {
    state.lanes.get_mut(system).unwrap()
}

pub(crate) fn link(state: &mut State, system: &str) {
    let xref = Xref { kind: "order".into(), at: At::ROOT, ext_id: "9".into() };
    lane(state, system).xrefs.push(xref);
}

fn chosen(state: &State, world: &World, system: &str) -> Result<Choice, Option<LaneCode>> {
    match plan(state, &name(system), &world.rules()) {
        Plan::Send(send) => Ok(send.choice),
        Plan::Wait { code, .. } | Plan::Skip { code, .. } => Err(Some(code)),
        Plan::Idle | Plan::Resume(_) => Err(None),
    }
}

#[test]
fn an_idle_lane_that_wants_something_is_due_and_handed_over_once() {
    let world = world();
    let mut state = paid(&world);
    assert_eq!(lane(&mut state, "erp").due_at, Some(jiff::Timestamp::UNIX_EPOCH));
    let effects = turn(&mut state, &world, |order| {
        order.set(&At::ROOT, known::order::ORDER_NO, Some(Value::text("7")));
    });
    let deliver =
        |effect: &Effect| matches!(effect, Effect::Deliver { system } if system.as_str() == "erp");
    assert!(!effects.iter().any(deliver));
}

#[test]
fn create_and_update_are_chosen_by_the_live_reference() {
    let world = world();
    let mut state = paid(&world);
    assert_eq!(chosen(&state, &world, "erp"), Ok(Choice::Create));
    link(&mut state, "erp");
    assert_eq!(chosen(&state, &world, "erp"), Ok(Choice::Update));
    assert_eq!(chosen(&state, &world, "sink"), Ok(Choice::Single));
}

#[test]
fn what_was_delivered_and_is_not_linked_is_never_made_again() {
    let world = world();
    let mut state = paid(&world);
    let erp = lane(&mut state, "erp");
    let key = erp.wants[0].key.text();
    erp.sent.insert(key, Sent::new(1, [0; 16]));
    assert_eq!(chosen(&state, &world, "erp"), Err(Some(LaneCode::NotLinked)));
}

#[test]
fn what_cannot_be_updated_is_shown_to_a_person_once() {
    let mut world = world();
    let rules = world.systems.get_mut("erp").unwrap();
    rules.deliver[0].update = None;
    let mut state = paid(&world);
    link(&mut state, "erp");
    let todo = |effects: &[Effect]| {
        let is =
            |effect: &&Effect| matches!(effect, Effect::Todo(item) if &*item.cause == "no_update");
        effects.iter().filter(is).count()
    };
    let change = |number: &'static str| {
        move |order: &mut Order| {
            order.set(&At::ROOT, known::order::ORDER_NO, Some(Value::text(number)));
        }
    };
    assert_eq!(todo(&turn(&mut state, &world, change("7"))), 1);
    assert_eq!(lane(&mut state, "erp").code, Some(LaneCode::NoUpdate));
    assert_eq!(todo(&turn(&mut state, &world, change("8"))), 0);
    assert!(lane(&mut state, "erp").wants.is_empty());
}

#[test]
fn what_it_showed_before_it_took_ours_says_nothing() {
    for (taken, left) in [(3, 0), (2, 1), (0, 1)] {
        let world = world();
        let mut state = paid(&world);
        link(&mut state, "erp");
        let (number, line) =
            (Facet::Field(known::order::ORDER_NO), At::parse("lines[L1]").unwrap());
        let erp = lane(&mut state, "erp");
        let agreed = |value| FieldState { base: Some(Some(value)), ..FieldState::default() };
        let ordered = Facet::Field(known::line::QTY_ORDERED);
        erp.fields.insert(&line, ordered, agreed(Value::Decimal(2.into())));
        let stated = Some((Some(Value::text("6")), None));
        let spoke = FieldState { stated, heard: 3, taken, ..agreed(Value::text("7")) };
        erp.fields.insert(&At::ROOT, number, spoke);
        turn(&mut state, &world, |order| {
            order.set(&At::ROOT, known::order::ORDER_NO, Some(Value::text("7")));
        });
        assert_eq!(lane(&mut state, "erp").wants.len(), left, "{taken}");
    }
}

#[test]
fn a_systems_own_change_does_not_go_back_to_it() {
    let world = world();
    let mut state = paid(&world);
    link(&mut state, "erp");
    let agreed = |value| FieldState { base: Some(Some(value)), ..FieldState::default() };
    let erp = lane(&mut state, "erp");
    let line = At::parse("lines[L1]").unwrap();
    let number = Facet::Field(known::order::ORDER_NO);
    erp.fields.insert(&At::ROOT, number, agreed(Value::text("7")));
    let ordered = Facet::Field(known::line::QTY_ORDERED);
    erp.fields.insert(&line, ordered, agreed(Value::Decimal(2.into())));
    turn(&mut state, &world, |order| {
        order.set(&At::ROOT, known::order::ORDER_NO, Some(Value::text("7")));
    });
    let erp = lane(&mut state, "erp");
    assert_eq!((erp.wants.len(), erp.code), (0, Some(LaneCode::OwnChange)));
    turn(&mut state, &world, |order| {
        order.set(&At::ROOT, known::order::ORDER_NO, Some(Value::text("8")));
    });
    assert_eq!(chosen(&state, &world, "erp"), Ok(Choice::Update));
}

#[test]
fn a_paused_system_is_sent_nothing_and_a_shadow_is_told_so() {
    let mut world = world();
    world.systems.get_mut("erp").unwrap().mode = Mode::Paused;
    let state = paid(&world);
    assert_eq!(chosen(&state, &world, "erp"), Err(Some(LaneCode::Paused)));
    assert!(state.lanes.get("erp").unwrap().due_at.is_some(), "it goes when the mode is another");
    world.systems.get_mut("erp").unwrap().mode = Mode::Shadow;
    let shown = plan(&state, &name("erp"), &world.rules());
    assert!(matches!(shown, Plan::Send(send) if send.shadow));
}

#[test]
fn a_full_lane_takes_no_more_and_says_so() {
    let world = world();
    let mut state = paid(&world);
    let sink = lane(&mut state, "sink");
    sink.wants.clear();
    for number in 0..orderhub_order::lane::MOST_WANTS {
        let rule = format!("order.changed/{number}");
        sink.want(WantKey { rule: rule.into(), subject: At::ROOT, fact: None }, 1, None);
    }
    let before = state.order.clone();
    state.order.set(&At::ROOT, known::order::ORDER_NO, Some(Value::text("7")));
    let turn = Turn { before: &before, by: None, now: jiff::Timestamp::UNIX_EPOCH };
    let effects = settle(&mut state, turn, &world.rules());
    let full =
        |effect: &Effect| matches!(effect, Effect::Todo(item) if &*item.cause == "lane_full");
    assert!(effects.iter().any(full));
}

#[test]
fn a_release_by_fields_fires_once_a_turn() {
    let mut world = world();
    let text = "releases: [{ emits: order.accepted, to: erp, fields: [tags] }]";
    let source = orderhub_lang::diagnostic::Source::new("flow.yaml", text);
    world.flow = Flow::parse(&source).unwrap();
    let mut state = paid(&world);
    // A release by fields fires once a turn, however often the turn looks at it.
    let effects = turn(&mut state, &world, |order| {
        order.set(&At::ROOT, known::order::TAGS, Some(Value::List(["a".into()].into())));
    });
    let accepted = |effect: &&Effect| matches!(effect, Effect::Event { name, .. } if &**name == "order.accepted");
    assert_eq!(effects.iter().filter(accepted).count(), 1);
    assert_eq!(state.order.bound[&Role::Erp], name("erp"));
    assert!(!effects.iter().any(|effect| matches!(effect, Effect::Todo(_))));
}

#[test]
fn events_are_wished_for_once_and_in_their_order() {
    let mut world = world();
    let events = ["order.changed", "order.accepted", "order.created", "order.stage_changed"];
    world.systems.insert(name("events"), publisher(&events));
    let wishes = |state: &State| -> Vec<(String, u32)> {
        let wants = &state.lanes.get("events").unwrap().wants;
        let wish = |key: &WantKey| (key.rule.to_string(), key.fact.unwrap());
        wants.iter().map(|want| wish(&want.key)).collect()
    };
    let happened = |events: &[&str], version| -> Vec<(String, u32)> {
        events.iter().map(|event| (format!("event:{event}"), version)).collect()
    };
    let mut state = paid(&world);
    assert!(lane(&mut state, "events").due_at.is_some(), "it is woken");
    let first = ["order.created", "order.accepted", "order.stage_changed", "order.changed"];
    assert_eq!(wishes(&state), happened(&first, 1));
    turn(&mut state, &world, |_| {});
    assert_eq!(wishes(&state), happened(&first, 1), "nothing happened");
    turn(&mut state, &world, |order| {
        order.set(&At::ROOT, known::order::STATE_PAYMENT, Some(Value::text("refunded")));
    });
    let all = [happened(&first, 1), happened(&["order.changed"], 2)].concat();
    assert_eq!(wishes(&state), all);
    let fired = state.order.fired.keys().filter(|key| key.ends_with(" events")).count();
    assert_eq!(fired, 0, "no release names it");
}

/// The call that the sink's first wish makes, taken off at a moment.
pub(crate) fn call(state: &State) -> Flight {
    let lane = state.lanes.get("sink").unwrap();
    let want = &lane.wants[0];
    Flight {
        want: want.key.clone(),
        operation: "put".into(),
        entity: Entity::Order,
        creates: false,
        in_steps: false,
        attempt: 1,
        fence: lane.fence + 1,
        deadline: at(600),
        version: want.version,
        bundle: "b".into(),
        inputs: Vec::new(),
        hash: [1; 16],
        memo: Vec::new(),
        key: "k".into(),
        values: Vec::new(),
        without: Vec::new(),
        may_have_acted: true,
        decided: false,
        awaits: false,
        wrote: false,
        in_air: true,
        began: None,
        called: None,
        process: 1,
    }
}

fn at(second: i64) -> jiff::Timestamp {
    jiff::Timestamp::from_second(second).unwrap()
}

#[test]
fn a_wish_is_as_old_as_the_target_lags_behind() {
    let world = world();
    let mut state = paid(&world);
    let facts = Facts::default();
    let act = |state: &mut State, act: Act, second| {
        fold(state, &act, &world.rules(), &facts, at(second)).outcome
    };
    let since = |state: &State| state.lanes.get("sink").unwrap().waits_since();
    let system = name("sink");
    let edit = |seen, note: &str| {
        let values = vec![(At::ROOT, known::order::NOTES_INTERNAL, Some(Value::text(note)))];
        Act::Person(PersonAct::Edit { seen, values })
    };
    act(&mut state, edit(1, "one"), 10);
    assert_eq!(since(&state), Some(at(10)));
    act(&mut state, edit(2, "two"), 20);
    assert_eq!(since(&state), Some(at(10)), "a newer version of a wish is the same wish");
    let flight = Flight { may_have_acted: false, operation: "single".into(), ..call(&state) };
    let flight = Box::new(flight);
    let (system, fence) = (system, flight.fence);
    act(&mut state, Act::Fly { system: system.clone(), flight }, 30);
    act(&mut state, edit(3, "three"), 40);
    assert_eq!(since(&state), Some(at(10)), "in the air it is not met");
    let receipt = |class, next_due| Receipt {
        system: system.clone(),
        fence,
        class,
        wrote: false,
        xrefs: Vec::new(),
        reply: None,
        why: String::new(),
        memo: Vec::new(),
        next_due,
    };
    let again = receipt(ReceiptClass::MayHaveActed, Some(at(5_000)));
    let mut waits = state.clone();
    act(&mut waits, Act::Receipt(Box::new(again)), 50);
    assert_eq!(since(&waits), Some(at(10)), "it waits for its next try");
    act(&mut state, Act::Receipt(Box::new(receipt(ReceiptClass::Ok, None))), 50);
    assert_eq!(since(&state), Some(at(30)), "the target has what stood when the call began");
    let lane = state.lanes.get_mut("sink").unwrap();
    lane.wants.clear();
    lane.due_at = None;
    assert_eq!(since(&state), None, "nothing is due");
}

/// An order whose ERP knows it, and whose warehouse is asked for its line.
fn released(world: &World) -> State {
    let mut state = paid(world);
    link(&mut state, "erp");
    turn(&mut state, world, |_| {});
    assert_eq!(fulfilments(&state), ["F1 queued"]);
    state
}

fn fulfilments(state: &State) -> Vec<String> {
    let all = state.order.elements(Collection::Fulfilments);
    let status = |one: &Element| one.fields.text(known::fulfilment::STATUS).map(str::to_owned);
    all.map(|one| format!("{} {}", one.id, status(one).unwrap_or_default())).collect()
}

fn line(order: &Order) -> At {
    order.elements_at(&At::ROOT, Collection::Lines)[0].0.clone()
}

/// All of the line is cancelled, then more of it is wanted.
fn on_and_off(state: &mut State, world: &World, round: i64) {
    let number = |number: i64| Some(Value::Decimal(number.into()));
    turn(state, world, |order| {
        let line = line(order);
        order.set(&line, known::line::QTY_CANCELLED, number(1 + round));
    });
    turn(state, world, |order| {
        let line = line(order);
        order.set(&line, known::line::QTY_ORDERED, number(2 + round));
    });
}

#[test]
fn what_no_warehouse_heard_of_is_used_again() {
    let world = world();
    let mut state = released(&world);
    for round in 1..=10 {
        on_and_off(&mut state, &world, round);
    }
    assert_eq!(fulfilments(&state), ["F1 queued"]);
    let part = At::parse("fulfilments[F1].lines[L1]").unwrap();
    let quantity = state.order.record(&part).unwrap().decimal(known::fulfilment_line::QTY);
    assert_eq!(quantity, Some(1.into()), "what is wanted now");
    let lane = lane(&mut state, "wms");
    let wants: Vec<_> = lane.wants.iter().map(|want| want.key.subject.to_string()).collect();
    assert_eq!(wants, ["fulfilments[F1]"]);
    assert_eq!(chosen(&state, &world, "wms"), Ok(Choice::Create), "and it goes out");
}

#[test]
fn what_a_warehouse_may_know_is_not_used_again() {
    let world = world();
    type Told = fn(&mut Lane);
    let told: [Told; 2] = [
        |lane| {
            let at = At::parse("fulfilments[F1]").unwrap();
            lane.xrefs.push(Xref { kind: "fulfilment".into(), at, ext_id: "W1".into() });
        },
        |lane| {
            let key = lane.wants[0].key.text();
            lane.sent.insert(key, Sent::new(1, [1; 16]));
        },
    ];
    for told in told {
        let mut state = released(&world);
        told(lane(&mut state, "wms"));
        on_and_off(&mut state, &world, 1);
        let found = fulfilments(&state);
        assert!(found[0].starts_with("F1 cancel"), "{found:?}");
        assert_eq!(found[1..], ["F2 queued"], "{found:?}");
    }
}

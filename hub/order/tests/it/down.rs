//! Wishes that do not wait while their system is down.

use orderhub_order::fold::{Act, Effect, Facts, Folded, Outcome, TodoKind, fold};
use orderhub_order::lane::{Flight, LaneCode, MOST_WANTS, WantKey};
use orderhub_order::model::State;
use orderhub_order::rules::{OperationKind, WhileDown};

use crate::route::{call, lane, name, paid, turn, world};
use crate::world::{World, rule};

const NOW: jiff::Timestamp = jiff::Timestamp::UNIX_EPOCH;

/// Makes a call be there.
type There = fn(&mut Flight);

/// A world whose sink does not wait, and an order of which it is to be told; `behind`: behind what waits.
fn failing(kind: OperationKind, behind: bool) -> (World, State) {
    let mut world = world();
    let sink = world.systems.get_mut("sink").unwrap();
    let single = sink.deliver[0].single.clone();
    sink.deliver[0].single.as_mut().unwrap().kind = kind;
    sink.deliver[0].while_down = WhileDown::Fail;
    if behind {
        let first = orderhub_order::rules::DeliverRule { single, ..rule("order.changed/first") };
        sink.deliver.insert(0, first);
    }
    let state = paid(&world);
    (world, state)
}

/// The call of the last wish of the sink, of which nothing was sent.
fn last(state: &State) -> Flight {
    let want = state.lanes.get("sink").unwrap().wants.last().unwrap().key.clone();
    Flight { want, may_have_acted: false, ..call(state) }
}

fn down(state: &mut State, world: &World, flight: Flight) -> Folded {
    let (system, flight) = (name("sink"), Box::new(flight));
    let act = Act::Down { system, flight, why: "`sink` is down".to_owned() };
    fold(state, &act, &world.rules(), &Facts::default(), NOW)
}

fn refusal(folded: &Folded) -> Option<LaneCode> {
    if let Outcome::Refused(code) = folded.outcome { Some(code) } else { None }
}

#[test]
fn what_may_be_there_is_not_given_up_for_a_system_that_is_down() {
    let (world, state) = failing(OperationKind::State, false);
    let fresh = last(&state);
    let cases: [(&str, There); 3] = [
        ("in the air", |flight| flight.in_air = true),
        ("perhaps", |flight| flight.may_have_acted = true),
        ("a step of it", |flight| flight.wrote = true),
    ];
    for (what, there) in cases {
        let mut state = state.clone();
        let mut flying = Flight { in_air: false, ..fresh.clone() };
        there(&mut flying);
        lane(&mut state, "sink").flying = Some(flying);
        let before = state.lanes.clone();
        let folded = down(&mut state, &world, fresh.clone());
        assert_eq!(refusal(&folded), Some(LaneCode::Retry), "{what}");
        assert_eq!(state.lanes, before, "{what}");
    }
    // Nor is what another took since it was looked at, or what waits by the files of now.
    let mut taken = state.clone();
    lane(&mut taken, "sink").fence += 1;
    assert_eq!(refusal(&down(&mut taken, &world, fresh.clone())), Some(LaneCode::Retry));
    let (waiting, mut state) = (self::world(), state);
    assert_eq!(refusal(&down(&mut state, &waiting, fresh.clone())), Some(LaneCode::Retry));
    lane(&mut state, "sink").wants.clear();
    assert_eq!(refusal(&down(&mut state, &world, fresh)), Some(LaneCode::Dropped));
}

#[test]
fn what_waits_behind_a_decision_is_not_given_up() {
    let (world, mut state) = failing(OperationKind::Fact, true);
    let fresh = last(&state);
    let first = Flight { in_air: false, ..call(&state) };
    assert_ne!(first.want, fresh.want);
    let sink = lane(&mut state, "sink");
    (sink.flying, sink.code) = (Some(first), Some(LaneCode::InDoubt));
    let folded = down(&mut state, &world, fresh);
    assert_eq!(refusal(&folded), Some(LaneCode::InDoubt));
}

#[test]
fn what_is_given_up_leaves_the_call_before_it_alone() {
    let (world, mut state) = failing(OperationKind::Fact, true);
    let fresh = last(&state);
    let first = Flight { in_air: false, may_have_acted: true, ..call(&state) };
    let due = NOW.checked_add(jiff::SignedDuration::from_secs(60)).unwrap();
    let sink = lane(&mut state, "sink");
    (sink.flying, sink.code) = (Some(first.clone()), Some(LaneCode::Retry));
    (sink.due_at, sink.attempts) = (Some(due), 3);
    let folded = down(&mut state, &world, fresh.clone());
    assert!(matches!(folded.outcome, Outcome::Applied { .. }), "{folded:?}");
    let sink = lane(&mut state, "sink");
    assert_eq!((sink.flying.as_ref(), sink.code), (Some(&first), Some(LaneCode::Retry)));
    assert_eq!((sink.due_at, sink.attempts, sink.fence), (Some(due), 3, first.fence - 1));
    assert!(sink.wants.iter().all(|want| want.key != fresh.want));
    let todos: Vec<_> = folded
        .effects
        .iter()
        .filter_map(|effect| if let Effect::Todo(item) = effect { Some(item) } else { None })
        .collect();
    let [todo] = &todos[..] else { panic!("one todo: {todos:?}") };
    assert_eq!((todo.kind, &*todo.cause), (TodoKind::Dead, "system_down"));
    assert_eq!(todo.about.as_deref(), Some(&*fresh.want.text()), "not about the call of the lane");
    let dead = |effect: &Effect| matches!(effect, Effect::Event { name, .. } if **name == *"delivery.dead");
    assert!(folded.effects.iter().any(dead), "{folded:?}");
}

#[test]
fn what_is_given_up_leaves_the_wish_before_it_alone() {
    let (world, mut state) = failing(OperationKind::Fact, true);
    let fresh = last(&state);
    let due = NOW.checked_add(jiff::SignedDuration::from_secs(60)).unwrap();
    let sink = lane(&mut state, "sink");
    (sink.code, sink.due_at) = (Some(LaneCode::BreakerOpen), Some(due));
    assert!(sink.flying.is_none() && sink.wants.len() == 2);
    let folded = down(&mut state, &world, fresh);
    assert!(matches!(folded.outcome, Outcome::Applied { .. }), "{folded:?}");
    let sink = lane(&mut state, "sink");
    let shown = (sink.code, sink.due_at, sink.wants.len());
    assert_eq!(shown, (Some(LaneCode::BreakerOpen), Some(due), 1), "it waits for its gate");
    // The one that is left is the lane's own, once it is given up.
    let sink = lane(&mut state, "sink");
    let first = sink.wants[0].key.clone();
    let mut world = world;
    world.systems.get_mut("sink").unwrap().deliver[0].while_down = WhileDown::Fail;
    let first = Flight { want: first, may_have_acted: false, ..call(&state) };
    let folded = down(&mut state, &world, first);
    assert!(matches!(folded.outcome, Outcome::Applied { .. }), "{folded:?}");
    let sink = lane(&mut state, "sink");
    assert_eq!((sink.code, sink.due_at, sink.wants.len()), (Some(LaneCode::Dead), None, 0));
}

#[test]
fn what_does_not_wait_is_handed_over_though_its_lane_is_due() {
    use orderhub_order::catalogue::known;
    use orderhub_order::ids::At;
    use orderhub_order::value::Value;
    for (while_down, handed) in [(WhileDown::Fail, true), (WhileDown::Queue, false)] {
        let (mut world, mut state) = failing(OperationKind::Fact, true);
        let rules = world.systems.get_mut("sink").unwrap();
        rules.deliver[1].while_down = while_down;
        let sink = lane(&mut state, "sink");
        assert!(sink.due_at.is_some(), "it waits for its turn");
        sink.wants.iter_mut().for_each(|want| want.since = Some(NOW));
        let effects = turn(&mut state, &world, |order| {
            order.set(&At::ROOT, known::order::ORDER_NO, Some(Value::text("7")));
        });
        let is = |effect: &Effect| matches!(effect, Effect::Deliver { system } if *system == name("sink"));
        assert_eq!(effects.iter().any(is), handed, "{while_down:?}: {effects:?}");
    }
}

#[test]
fn what_is_asked_about_facts_given_up_is_bounded() {
    let (world, mut state) = failing(OperationKind::Fact, false);
    let key = last(&state).want;
    for firing in 1..=2 * u32::try_from(MOST_WANTS).unwrap() {
        let want = WantKey { fact: Some(firing), ..key.clone() };
        let sink = lane(&mut state, "sink");
        sink.wants.clear();
        sink.want(want.clone(), firing, None);
        let flight = Flight { want, version: firing, ..last(&state) };
        let folded = down(&mut state, &world, flight);
        assert!(matches!(folded.outcome, Outcome::Applied { .. }), "{folded:?}");
    }
    let sink = lane(&mut state, "sink");
    assert_eq!(sink.given_up.len(), MOST_WANTS);
    assert_eq!(sink.open_conflicts.len(), MOST_WANTS, "{:?}", sink.open_conflicts);
}

//! A call that waits for a person, and what happens beside it.

use orderhub_order::fold::{
    Act, Effect, Facts, Folded, Outcome, PersonAct, Receipt, ReceiptClass, fold,
};
use orderhub_order::history::{decode_lane, encode_lane};
use orderhub_order::lane::{Flight, LaneCode, Sent, WantKey};
use orderhub_order::model::State;
use orderhub_order::route::{Plan, plan};

use crate::route::{call, lane, name, paid, world};
use crate::world::{World, rule};

const NOW: jiff::Timestamp = jiff::Timestamp::UNIX_EPOCH;

fn does(state: &mut State, world: &World, act: &Act) -> Folded {
    fold(state, act, &world.rules(), &Facts::default(), NOW)
}

/// A sink with a wish, and another behind it.
fn two() -> (World, State) {
    let mut world = world();
    let sink = world.systems.get_mut("sink").unwrap();
    let single = sink.deliver[0].single.clone();
    sink.deliver
        .push(orderhub_order::rules::DeliverRule { single, ..rule("order.changed/second") });
    let state = paid(&world);
    (world, state)
}

fn answered(class: ReceiptClass, fence: u64) -> Act {
    Act::Receipt(Box::new(Receipt {
        system: name("sink"),
        fence,
        class,
        wrote: false,
        xrefs: Vec::new(),
        reply: None,
        why: "no answer".to_owned(),
        memo: Vec::new(),
        next_due: None,
    }))
}

/// The first wish of the sink is called, and nobody knows what became of it.
fn doubtful() -> (World, State, Flight) {
    let (world, mut state) = two();
    let flight = Flight { may_have_acted: false, operation: "single".into(), ..call(&state) };
    let act = Act::Fly { system: name("sink"), flight: Box::new(flight.clone()) };
    assert!(matches!(does(&mut state, &world, &act).outcome, Outcome::Applied { .. }));
    does(&mut state, &world, &answered(ReceiptClass::InDoubt, flight.fence));
    assert_eq!(waits(&state, &world), Some(LaneCode::InDoubt));
    (world, state, flight)
}

/// For what the sink waits, if that is a decision about its call.
fn waits(state: &State, world: &World) -> Option<LaneCode> {
    let lane = state.lanes.get("sink").unwrap();
    let (_, code) = lane.undecided()?;
    assert_eq!((lane.code, lane.due_at), (Some(code), None), "it is said, and nothing is due");
    let next = plan(state, &name("sink"), &world.rules());
    let Plan::Wait { code: planned, .. } = next else { panic!("it goes on: {next:?}") };
    assert_eq!(planned, code);
    Some(code)
}

fn second(state: &State) -> WantKey {
    state.lanes.get("sink").unwrap().wants[1].key.clone()
}

#[test]
fn a_look_from_before_leaves_a_decision_alone() {
    let (world, state, flight) = doubtful();
    let version = state.order.version;
    let codes = [
        LaneCode::ProjectionEqual,
        LaneCode::OwnChange,
        LaneCode::NoUpdate,
        LaneCode::Delivered,
        LaneCode::Shadow,
        LaneCode::Dropped,
        LaneCode::NotRouted,
        LaneCode::Held,
        LaneCode::Dead,
    ];
    for want in [flight.want.clone(), second(&state)] {
        let skip = |code| Act::Skip {
            system: name("sink"),
            want: want.clone(),
            version,
            code,
            hash: Some([3; 16]),
            until: None,
        };
        let unfit = Act::Unfit {
            system: name("sink"),
            want: want.clone(),
            version,
            why: "it lacks a value".to_owned(),
        };
        for act in codes.map(skip).into_iter().chain([unfit]) {
            let mut state = state.clone();
            let before = state.lanes.clone();
            let folded = does(&mut state, &world, &act);
            assert_eq!(folded.outcome, Outcome::Refused(LaneCode::InDoubt), "{act:?}");
            assert_eq!(state.lanes, before, "{act:?}");
            assert_eq!(waits(&state, &world), Some(LaneCode::InDoubt), "{act:?}");
        }
    }
    // Nor does it go on, or is it made, by who held it then, nor let go by another word on it, but for one that it was done.
    let mut state = state;
    let flight = Flight { fence: flight.fence + 1, may_have_acted: true, ..flight };
    let fence = flight.fence - 1;
    let fly = Act::Fly { system: name("sink"), flight: Box::new(flight) };
    assert_eq!(does(&mut state, &world, &fly).outcome, Outcome::Refused(LaneCode::InDoubt));
    let (system, memo, xrefs) = (name("sink"), b"more".to_vec(), Vec::new());
    let step = does(&mut state, &world, &Act::Memo { system, fence, memo, xrefs });
    assert_eq!(step.outcome, Outcome::Refused(LaneCode::InDoubt));
    for class in [ReceiptClass::MayHaveActed, ReceiptClass::NotActed, ReceiptClass::Throttled] {
        assert_eq!(does(&mut state, &world, &answered(class, fence)).outcome, Outcome::Stale);
        assert_eq!(waits(&state, &world), Some(LaneCode::InDoubt), "{class:?}");
    }
    does(&mut state, &world, &answered(ReceiptClass::Ok, fence));
    assert!(state.lanes.get("sink").unwrap().flying.is_none());
}

#[test]
fn what_is_settled_beside_a_call_leaves_its_decision_alone() {
    for again in [true, false] {
        let (world, mut state) = two();
        let first = lane(&mut state, "sink").wants[0].key.clone();
        let (version, why) = (state.order.version, "it lacks a value".to_owned());
        let unfit = Act::Unfit { system: name("sink"), want: first.clone(), version, why };
        does(&mut state, &world, &unfit);
        let want = second(&state);
        let flight =
            Flight { want, may_have_acted: false, operation: "single".into(), ..call(&state) };
        let fence = flight.fence;
        does(&mut state, &world, &Act::Fly { system: name("sink"), flight: Box::new(flight) });
        does(&mut state, &world, &answered(ReceiptClass::InDoubt, fence));
        let about = Some(first.text().into());
        let settle = Act::Person(PersonAct::Settle { system: name("sink"), again, about });
        let folded = does(&mut state, &world, &settle);
        assert!(matches!(folded.outcome, Outcome::Applied { .. }), "{folded:?}");
        let handed = |effect: &Effect| matches!(effect, Effect::Deliver { .. });
        assert!(!folded.effects.iter().any(handed), "{:?}", folded.effects);
        assert_eq!(waits(&state, &world), Some(LaneCode::InDoubt));
        let resend = PersonAct::Resend { system: name("sink"), all: false };
        let outcome = does(&mut state, &world, &Act::Person(resend)).outcome;
        let Outcome::Todo(item) = outcome else { panic!("it is sent again: {outcome:?}") };
        assert_eq!(&*item.cause, "undecided");
    }
}

#[test]
fn a_decision_is_read_back_from_what_an_earlier_program_wrote() {
    let (world, mut state, _) = doubtful();
    let sink = lane(&mut state, "sink");
    assert!(sink.flying.as_ref().unwrap().awaits);
    // It knows it by the code alone, and drops what it does not know.
    sink.flying.as_mut().unwrap().awaits = false;
    assert_eq!(waits(&state, &world), Some(LaneCode::InDoubt));
    // Whatever is said beside it, the flight says it.
    let sink = lane(&mut state, "sink");
    sink.flying.as_mut().unwrap().awaits = true;
    sink.code = Some(LaneCode::OwnChange);
    assert_eq!(sink.undecided().map(|(_, code)| code), Some(LaneCode::InDoubt));
}

#[test]
fn what_was_overwritten_is_stored_as_earlier_programs_store_it() {
    let ones = r#"{"version":3,"hash":"ffffffffffffffffffffffffffffffff"}"#;
    let sent: Sent = serde_json::from_str(ones).unwrap();
    assert_eq!((sent.version, sent.hash, sent.overwritten), (3, [0; 16], true));
    assert_eq!(serde_json::to_string(&sent).unwrap(), ones);
    let (_, mut state) = two();
    let key = lane(&mut state, "sink").wants[0].key.text();
    lane(&mut state, "sink").sent.insert(key, sent);
    let stored = encode_lane(state.lanes.get("sink").unwrap(), &state.order);
    let read = decode_lane(&stored.body, &stored.personal, &state.order);
    assert_eq!(read.unwrap().sent, lane(&mut state, "sink").sent);
}

//! What was found of a wish before the order, its lane or the files became others.

use orderhub_order::catalogue::known;
use orderhub_order::fold::{Act, Facts, Outcome, fold};
use orderhub_order::ids::At;
use orderhub_order::lane::{Flight, LaneCode, Sent, WantKey};
use orderhub_order::model::State;
use orderhub_order::rules::Mode;
use orderhub_order::value::Value;

use crate::route::{call, lane, link, name, paid, turn, world};
use crate::world::World;

const NOW: jiff::Timestamp = jiff::Timestamp::UNIX_EPOCH;
const HASH: [u8; 16] = [3; 16];

/// What comes of saying it of the sink's wish.
fn said(state: &mut State, world: &World, want: &WantKey, code: LaneCode) -> Outcome {
    let (system, version, hash) = (name("sink"), state.order.version, Some(HASH));
    let act = Act::Skip { system, want: want.clone(), version, code, hash, until: None };
    fold(state, &act, &world.rules(), &Facts::default(), NOW).outcome
}

/// The sink has a wish of something that it was sent.
fn wanted() -> (World, State, WantKey) {
    let world = world();
    let mut state = paid(&world);
    link(&mut state, "sink");
    let key = lane(&mut state, "sink").wants[0].key.clone();
    let version = state.order.version;
    lane(&mut state, "sink").sent.insert(key.text(), Sent::new(version, HASH));
    (world, state, key)
}

#[test]
fn what_was_found_before_a_wish_ended_says_nothing() {
    let (world, mut state, key) = wanted();
    lane(&mut state, "sink").wants.clear();
    let before = state.lanes.clone();
    for code in [
        LaneCode::ProjectionEqual,
        LaneCode::OwnChange,
        LaneCode::Held,
        LaneCode::NotLinked,
        LaneCode::Limited,
        LaneCode::BreakerOpen,
    ] {
        let outcome = said(&mut state, &world, &key, code);
        assert_eq!(outcome, Outcome::Refused(LaneCode::Dropped), "{code:?}");
        assert_eq!(state.lanes, before, "{code:?}");
    }
}

#[test]
fn what_was_found_by_other_files_ends_nothing() {
    let (mut world, mut state, key) = wanted();
    let before = state.lanes.clone();
    let codes = [
        LaneCode::Shadow,
        LaneCode::OwnChange,
        LaneCode::Dropped,
        LaneCode::NoUpdate,
        LaneCode::Delivered,
    ];
    for code in codes {
        let outcome = said(&mut state, &world, &key, code);
        assert_eq!(outcome, Outcome::Refused(LaneCode::Retry), "{code:?}");
        assert_eq!(state.lanes, before, "{code:?}");
    }
    // Of what was sent in earnest nothing is known by what was only shown.
    world.systems.get_mut("sink").unwrap().mode = Mode::Shadow;
    let outcome = said(&mut state, &world, &key, LaneCode::ProjectionEqual);
    assert_eq!(outcome, Outcome::Refused(LaneCode::Retry));
    lane(&mut state, "sink").sent.insert(key.text(), Sent::new(1, [4; 16]));
    lane(&mut state, "sink").shadow.insert(key.text(), Sent::new(1, HASH));
    let outcome = said(&mut state, &world, &key, LaneCode::ProjectionEqual);
    assert!(matches!(outcome, Outcome::Applied { .. }), "{outcome:?}");
    let version = state.order.version;
    let sink = lane(&mut state, "sink");
    assert_eq!(sink.shadow[&key.text()], Sent::new(version, HASH));
    assert_eq!(sink.sent[&key.text()], Sent::new(1, [4; 16]));
    assert_eq!(sink.wants, []);
}

/// Changes the order, or what was sent for a key.
type Change = fn(&mut State, &World, &str);

#[test]
fn what_was_equal_to_what_was_sent_is_looked_at_again_where_either_is_another() {
    let (world, state, key) = wanted();
    let changes: [(&str, Change); 3] = [
        ("the order", |state, world, _| {
            turn(state, world, |order| {
                let refunded = Some(Value::text("refunded"));
                order.set(&At::ROOT, known::order::STATE_PAYMENT, refunded);
            });
        }),
        ("forgotten", |state, _, key| {
            lane(state, "sink").sent.insert(key.to_owned(), Sent::new(1, [0; 16]));
        }),
        ("overwritten", |state, _, key| {
            let overwritten = Sent { overwritten: true, ..Sent::new(1, HASH) };
            lane(state, "sink").sent.insert(key.to_owned(), overwritten);
        }),
    ];
    for (what, change) in changes {
        let (mut state, version) = (state.clone(), state.order.version);
        change(&mut state, &world, &key.text());
        let before = state.lanes.clone();
        let (system, hash, code) = (name("sink"), Some(HASH), LaneCode::ProjectionEqual);
        let act = Act::Skip { system, want: key.clone(), version, code, hash, until: None };
        let outcome = fold(&mut state, &act, &world.rules(), &Facts::default(), NOW).outcome;
        assert_eq!(outcome, Outcome::Refused(LaneCode::Retry), "{what}");
        assert_eq!(state.lanes, before, "{what}");
    }
    let mut state = state;
    let outcome = said(&mut state, &world, &key, LaneCode::ProjectionEqual);
    assert!(matches!(outcome, Outcome::Applied { .. }), "{outcome:?}");
    assert_eq!(lane(&mut state, "sink").wants, []);
}

#[test]
fn a_call_that_is_over_is_not_made_again() {
    let (world, mut state, _) = wanted();
    // Seen while its attempt before might have acted; since then a document has shown that it is there.
    let flight = Flight { may_have_acted: true, operation: "single".into(), ..call(&state) };
    let fly = Act::Fly { system: name("sink"), flight: Box::new(flight.clone()) };
    let before = state.lanes.clone();
    let folded = fold(&mut state, &fly, &world.rules(), &Facts::default(), NOW);
    assert_eq!(folded.outcome, Outcome::Refused(LaneCode::Dropped));
    assert_eq!(state.lanes, before);
    // The lane's own goes on.
    lane(&mut state, "sink").flying = Some(Flight { in_air: false, ..flight });
    let folded = fold(&mut state, &fly, &world.rules(), &Facts::default(), NOW);
    assert!(matches!(folded.outcome, Outcome::Applied { .. }), "{folded:?}");
}

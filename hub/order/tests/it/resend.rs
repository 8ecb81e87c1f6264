//! What a person has sent to a system again.

use orderhub_order::catalogue::known;
use orderhub_order::fold::{Act, Effect, Facts, Folded, Outcome, PersonAct, fold};
use orderhub_order::ids::{At, Collection};
use orderhub_order::lane::{
    Facet, FieldState, Flight, GivenUp, Lane, LaneCode, MOST_WANTS, Sent, WantKey,
};
use orderhub_order::model::{Order, State};
use orderhub_order::route::{Plan, plan};
use orderhub_order::rules::OperationKind;
use orderhub_order::value::Value;

use crate::route::{call, lane, link, name, paid, turn, world};
use crate::world::{World, rule, when};

const NOW: jiff::Timestamp = jiff::Timestamp::UNIX_EPOCH;

fn asks(state: &mut State, world: &World, (system, all): (&str, bool)) -> Folded {
    let act = Act::Person(PersonAct::Resend { system: name(system), all });
    fold(state, &act, &world.rules(), &Facts::default(), NOW)
}

/// All of it once more.
fn again(state: &mut State, world: &World, system: &str) -> Folded {
    asks(state, world, (system, true))
}

/// What is missing.
fn missing(state: &mut State, world: &World, system: &str) -> Folded {
    asks(state, world, (system, false))
}

/// The version that time alone makes.
fn fold_nothing(state: &mut State, world: &World) -> Option<u32> {
    let folded = fold(state, &Act::Tick, &world.rules(), &Facts::default(), NOW);
    folded.change.map(|change| change.version)
}

/// Settles all that a lane wants as sent.
fn sent(lane: &mut Lane, version: u32) {
    for want in std::mem::take(&mut lane.wants) {
        lane.sent.insert(want.key.text(), Sent::new(version, [1; 16]));
    }
    (lane.due_at, lane.due_since, lane.code) = (None, None, Some(LaneCode::Delivered));
}

fn next(state: &State, world: &World, system: &str) -> Result<(String, bool), Option<LaneCode>> {
    match plan(state, &name(system), &world.rules()) {
        Plan::Send(send) => {
            Ok((format!("{} by {}", send.want.key.rule, send.operation.name), send.want.whole))
        }
        Plan::Wait { code, .. } | Plan::Skip { code, .. } => Err(Some(code)),
        Plan::Idle | Plan::Resume(_) => Err(None),
    }
}

fn why(folded: &Folded) -> (String, String) {
    let Outcome::Todo(item) = &folded.outcome else { panic!("it is not refused: {folded:?}") };
    (item.cause.to_string(), item.why.clone())
}

#[test]
fn what_is_sent_again_goes_whole() {
    for (system, expected) in
        [("erp", "order.accepted/sale by update"), ("sink", "order.changed/put by single")]
    {
        let world = world();
        let mut state = paid(&world);
        link(&mut state, "erp");
        // What follows from the link has followed.
        turn(&mut state, &world, |_| {});
        assert_eq!(fold_nothing(&mut state, &world), None);
        let version = state.order.version;
        let own = lane(&mut state, system);
        sent(own, version);
        // It said itself what we would say: else nothing would go.
        let agreed = |value| FieldState { base: Some(Some(value)), ..FieldState::default() };
        let line = At::parse("lines[L1]").unwrap();
        let ordered = Facet::Field(known::line::QTY_ORDERED);
        own.fields.insert(&line, ordered, agreed(Value::Decimal(2.into())));
        assert!(own.wants.is_empty());
        let folded = again(&mut state, &world, system);
        assert_eq!(folded.outcome, Outcome::Applied { version: version + 1 }, "{folded:?}");
        let change = folded.change.expect("who asked is part of its history");
        assert_eq!(change.version, version + 1);
        let handed = |effect: &&Effect| matches!(effect, Effect::Deliver { system: to } if *to == name(system));
        assert_eq!(folded.effects.iter().filter(handed).count(), 1, "{:?}", folded.effects);
        assert_eq!(next(&state, &world, system), Ok((expected.to_owned(), true)));
        let wish = lane(&mut state, system).wants.iter().find(|want| want.whole).unwrap().clone();
        assert_eq!(wish.version, version + 1, "what is under way does not end it");
        // Nobody else is sent anything whole.
        for other in ["erp", "sink", "shop"] {
            let whole =
                state.lanes.get(other).is_some_and(|lane| lane.wants.iter().any(|w| w.whole));
            assert_eq!(whole, other == system, "{other}");
        }
        // Asked twice before it went, it goes once, and nothing more is said of it.
        let before = (state.order.clone(), state.lanes.clone());
        assert_eq!(again(&mut state, &world, system).outcome, Outcome::Unchanged);
        assert_eq!((&state.order, &state.lanes), (&before.0, &before.1));
    }
}

#[test]
fn what_was_never_wanted_is_sent() {
    let mut former = world();
    // It listened to nothing when the release happened.
    let rule = former.systems.get_mut("erp").unwrap().deliver.remove(0);
    let mut state = paid(&former);
    assert!(state.lanes.get("erp").is_none_or(|lane| lane.wants.is_empty()));
    let (cause, _) = why(&missing(&mut state, &former, "erp"));
    assert_eq!(cause, "not_released", "a rule for another event says nothing of this one");
    let mut now = world();
    now.systems.get_mut("erp").unwrap().deliver[0] = rule;
    missing(&mut state, &now, "erp");
    assert_eq!(next(&state, &now, "erp"), Ok(("order.accepted/sale by create".to_owned(), false)));
}

#[test]
fn a_call_under_way_ends_first() {
    for (in_air, may_have_acted) in [(true, true), (false, true)] {
        let world = world();
        let mut state = paid(&world);
        let flight = Flight { in_air, may_have_acted, ..call(&state) };
        let key = flight.want.clone();
        lane(&mut state, "sink").flying = Some(flight.clone());
        let version = state.order.version;
        again(&mut state, &world, "sink");
        let sink = lane(&mut state, "sink");
        assert_eq!(sink.flying, Some(flight), "it stays as it is");
        // What it asked for is of an older version: its end does not end the wish.
        sink.unwant(&key, version);
        let left: Vec<_> = sink.wants.iter().map(|want| (want.key.clone(), want.whole)).collect();
        assert_eq!(left, [(key, true)]);
        assert!(matches!(plan(&state, &name("sink"), &world.rules()), Plan::Resume(_)));
    }
}

#[test]
fn a_fact_is_told_once() {
    let mut world = world();
    let sink = world.systems.get_mut("sink").unwrap();
    sink.deliver[0].single.as_mut().unwrap().kind = OperationKind::Fact;
    let mut state = paid(&world);
    let version = state.order.version;
    let key = lane(&mut state, "sink").wants[0].key.clone();
    assert_eq!(key.fact, Some(version));
    sent(lane(&mut state, "sink"), version);
    for all in [false, true] {
        let refused = asks(&mut state, &world, ("sink", all));
        assert_eq!(why(&refused).0, "nothing_missing", "all: {all}");
    }
    // One that was never told is, once.
    lane(&mut state, "sink").sent.clear();
    for _ in 0..3 {
        missing(&mut state, &world, "sink");
        assert_eq!(lane(&mut state, "sink").wants.len(), 1);
    }
}

/// Makes the world and the order otherwise, for a refusal.
type Otherwise = fn(&mut World, &mut State);

#[test]
fn what_cannot_be_sent_again_is_refused_with_a_sentence() {
    let cases: [(&str, Otherwise, &str); 6] = [
        ("unknown_system", |world, _| drop(world.systems.remove("erp")), "no system `erp`"),
        (
            "sent_nothing",
            |world, _| {
                world.systems.get_mut("erp").unwrap().deliver = vec![rule("order.accepted/none")]
            },
            "`deliver:`",
        ),
        (
            "undecided",
            |_, state| {
                let want =
                    WantKey { rule: "order.accepted/sale".into(), subject: At::ROOT, fact: None };
                let flight = Flight { in_air: false, want, ..call(state) };
                let erp = lane(state, "erp");
                (erp.flying, erp.code) = (Some(flight), Some(LaneCode::InDoubt));
            },
            "orderhub todo list --system erp",
        ),
        (
            "not_released",
            |_, state| state.order.fired.retain(|key, _| !key.starts_with("order.accepted")),
            "orderhub why",
        ),
        (
            "dropped",
            |world, state| {
                let cancel = |order: &mut Order| {
                    let cancelled = Some(Value::text("cancelled"));
                    order.set(&At::ROOT, known::order::STATE_LIFECYCLE, cancelled);
                };
                turn(state, world, cancel);
                // As if it had fired: what was never made there is not made for a cancelled order.
                state.order.fired.insert(format!("order.accepted>erp {} erp", At::ROOT), 1);
            },
            "life has ended",
        ),
        (
            "no_update",
            |world, state| {
                let erp = world.systems.get_mut("erp").unwrap();
                (erp.deliver[0].update, erp.deliver[0].once) = (None, true);
                link(state, "erp");
            },
            "no `update:`",
        ),
    ];
    for (cause, otherwise, says) in cases {
        let mut world = world();
        let mut state = paid(&world);
        otherwise(&mut world, &mut state);
        let before = (state.order.clone(), state.lanes.clone());
        let folded = again(&mut state, &world, "erp");
        let (found, why) = why(&folded);
        assert_eq!(found, cause, "{why}");
        assert!(why.contains(says), "{why}");
        assert_eq!((state.order, state.lanes), before, "nothing has changed");
    }
}

#[test]
fn what_is_there_is_not_sent_again() {
    for system in ["erp", "sink"] {
        let world = world();
        let mut state = paid(&world);
        link(&mut state, "erp");
        turn(&mut state, &world, |_| {});
        let version = state.order.version;
        sent(lane(&mut state, system), version);
        let before = (state.order.clone(), state.lanes.clone());
        let (cause, says) = why(&missing(&mut state, &world, system));
        assert_eq!(cause, "nothing_missing", "{system}");
        assert!(says.contains(&format!("order resend shop-1001 {system} --all")), "{says}");
        assert_eq!((&state.order, &state.lanes), (&before.0, &before.1));
        // A change that was given up, and one that nobody wants any more, are missing.
        let own = lane(&mut state, system);
        let key = own.sent.keys().next().unwrap().clone();
        let mut given_up = state.clone();
        let change = GivenUp { version, release: None, may_be_there: false, whole: false };
        lane(&mut given_up, system).given_up.insert(key.clone(), change);
        let mut behind = state.clone();
        lane(&mut behind, system).sent.get_mut(&key).unwrap().version = 0;
        for mut state in [given_up, behind] {
            missing(&mut state, &world, system);
            let wants: Vec<_> = lane(&mut state, system).wants.clone();
            let [want] = &wants[..] else { panic!("{system}: {wants:?}") };
            assert!(want.key.text() == key && !want.whole, "{want:?}");
        }
    }
}

#[test]
fn what_waits_is_not_asked_for_again() {
    let world = world();
    let mut state = paid(&world);
    let before = (state.order.clone(), state.lanes.clone());
    assert_eq!(missing(&mut state, &world, "sink").outcome, Outcome::Unchanged, "it waits already");
    assert_eq!((&state.order, &state.lanes), (&before.0, &before.1));
    // Whole is more than what waits; what the files made no call of is tried again.
    assert!(matches!(again(&mut state, &world, "sink").outcome, Outcome::Applied { .. }));
    let sink = lane(&mut state, "sink");
    (sink.wants[0].unfit, sink.due_at) = (true, None);
    assert!(matches!(missing(&mut state, &world, "sink").outcome, Outcome::Applied { .. }));
    let sink = lane(&mut state, "sink");
    assert!(!sink.wants[0].unfit && sink.wants[0].whole && sink.due_at.is_some());
}

#[test]
fn that_it_was_asked_for_is_told_nobody() {
    let mut world = world();
    let sink = world.systems.get_mut("sink").unwrap();
    sink.deliver[0].single.as_mut().unwrap().kind = OperationKind::Fact;
    let mut state = paid(&world);
    let version = state.order.version;
    sent(lane(&mut state, "sink"), version);
    let folded = again(&mut state, &world, "erp");
    assert_eq!(folded.outcome, Outcome::Applied { version: version + 1 });
    assert!(lane(&mut state, "sink").wants.is_empty(), "the order has not changed");
    // A change is told as ever.
    turn(&mut state, &world, |order| {
        order.set(&At::ROOT, known::order::ORDER_NO, Some(Value::text("7")));
    });
    assert_eq!(lane(&mut state, "sink").wants.len(), 1);
}

#[test]
fn what_is_held_is_not_sent_again() {
    let mut world = world();
    world.systems.get_mut("erp").unwrap().deliver[0].when =
        Some(when("order_no: [never]", Collection::Root));
    let mut state = paid(&world);
    assert_eq!(why(&again(&mut state, &world, "erp")).0, "held");
}

#[test]
fn a_full_lane_says_no_before_anything_is_changed() {
    let world = world();
    let mut state = paid(&world);
    let sink = lane(&mut state, "sink");
    let release = sink.wants.remove(0).release;
    let other = |number: usize| {
        let rule = format!("order.changed/other{number}").into();
        WantKey { rule, subject: At::ROOT, fact: None }
    };
    for number in 0..MOST_WANTS {
        assert!(sink.want(other(number), 1, release.clone()));
    }
    let before = (state.order.clone(), state.lanes.clone());
    let (cause, says) = why(&again(&mut state, &world, "sink"));
    assert_eq!(cause, "no_room", "{says}");
    assert!(says.contains("64 wishes") && says.contains("orderhub why"), "{says}");
    assert_eq!((&state.order, &state.lanes), (&before.0, &before.1), "nothing has changed");
    // With room for it, it goes.
    lane(&mut state, "sink").wants.truncate(MOST_WANTS - 1);
    assert!(matches!(again(&mut state, &world, "sink").outcome, Outcome::Applied { .. }));
}

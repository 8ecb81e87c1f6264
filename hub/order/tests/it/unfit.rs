//! Wishes that the files make no call of.

use orderhub_order::catalogue::known;
use orderhub_order::fold::{Act, Effect, Facts, Folded, Outcome, PersonAct, TodoKind, fold};
use orderhub_order::ids::{At, SystemName};
use orderhub_order::lane::{Flight, LaneCode, Rest, WantKey, Xref};
use orderhub_order::model::{Order, State};
use orderhub_order::route::{Plan, plan};
use orderhub_order::value::Value;

use crate::route::{call, lane, link, name, paid, turn, world};
use crate::world::World;

const NOW: jiff::Timestamp = jiff::Timestamp::UNIX_EPOCH;

fn sink() -> SystemName {
    name("sink")
}

fn done(state: &mut State, world: &World, act: &Act) -> Vec<Effect> {
    fold(state, act, &world.rules(), &Facts::default(), NOW).effects
}

/// A lane whose only wish has come to no call.
fn stuck() -> (World, State, WantKey, Vec<Effect>) {
    let world = world();
    let mut state = paid(&world);
    let want = lane(&mut state, "sink").wants[0].key.clone();
    let why = "`doc.ref` is not in what `sink.order` made".to_owned();
    let version = state.order.version;
    let act = Act::Unfit { system: sink(), want: want.clone(), version, why };
    let effects = done(&mut state, &world, &act);
    (world, state, want, effects)
}

fn is_over(effects: &[Effect], want: &WantKey) -> bool {
    let over = |effect: &Effect| matches!(effect, Effect::Settled { about, .. } if **about == *want.text());
    effects.iter().any(over)
}

fn is_handed_over(effects: &[Effect]) -> bool {
    effects.iter().any(|effect| matches!(effect, Effect::Deliver { system } if *system == sink()))
}

#[test]
fn what_the_files_make_no_call_of_is_a_todo_until_it_is_sent() {
    let (world, mut state, want, effects) = stuck();
    let todo = effects.iter().find(|effect| matches!(effect, Effect::Todo(_)));
    let Some(Effect::Todo(todo)) = todo else { panic!("nobody is asked: {effects:?}") };
    assert_eq!((todo.kind, &*todo.cause), (TodoKind::Dead, "not_given"));
    assert_eq!(todo.about.as_deref(), Some(want.text().as_str()));
    let rests = lane(&mut state, "sink");
    assert_eq!((rests.rests(), rests.due_at), (Some(Rest::Unfit), None));
    assert_eq!(rests.wants.len(), 1, "it stays wanted");
    // Time, or other files: it is tried again, and the todo stays until it flies.
    let effects = done(&mut state, &world, &Act::Tick);
    assert!(is_handed_over(&effects) && !is_over(&effects, &want), "{effects:?}");
    let Plan::Send(send) = plan(&state, &sink(), &world.rules()) else { panic!("it is sent") };
    let operation = send.operation.name.clone();
    let flight = Flight { may_have_acted: false, operation, ..call(&state) };
    let effects = done(&mut state, &world, &Act::Fly { system: sink(), flight: Box::new(flight) });
    assert!(is_over(&effects, &want), "{effects:?}");
    assert!(lane(&mut state, "sink").open_conflicts.is_empty());
}

#[test]
fn a_person_decides_about_what_the_files_make_no_call_of() {
    for again in [true, false] {
        let (world, mut state, want, _) = stuck();
        let settle = Act::Person(PersonAct::Settle { system: sink(), again, about: None });
        let effects = done(&mut state, &world, &settle);
        assert_eq!(is_handed_over(&effects), again, "{effects:?}");
        assert!(is_over(&effects, &want), "{effects:?}");
        let sink = lane(&mut state, "sink");
        assert_eq!((sink.due_at.is_some(), sink.wants.len()), (again, usize::from(again)));
        let code = if again { LaneCode::Retry } else { LaneCode::LetBe };
        assert_eq!(sink.code, Some(code));
    }
}

fn found(
    state: &mut State,
    world: &World,
    (system, want): (&str, &WantKey),
    version: u32,
) -> Folded {
    let (system, want, why) = (name(system), want.clone(), "it lacks a value".to_owned());
    let act = Act::Unfit { system, want, version, why };
    fold(state, &act, &world.rules(), &Facts::default(), NOW)
}

/// The wish that the lane sends next.
fn next(state: &State, world: &World, system: &str) -> Result<String, Option<LaneCode>> {
    match plan(state, &name(system), &world.rules()) {
        Plan::Send(send) => Ok(send.want.key.rule.to_string()),
        Plan::Wait { code, .. } | Plan::Skip { code, .. } => Err(Some(code)),
        Plan::Idle | Plan::Resume(_) => Err(None),
    }
}

fn cancel(order: &mut Order) {
    order.set(&At::ROOT, known::order::STATE_LIFECYCLE, Some(Value::text("cancelled")));
}

/// A cancelled order whose ERP knows it, and is still to be told of a change and of the cancellation.
fn cancelled() -> (World, State, Vec<WantKey>) {
    let world = world();
    let mut state = paid(&world);
    link(&mut state, "erp");
    turn(&mut state, &world, cancel);
    let wants = lane(&mut state, "erp").wants.iter().map(|want| want.key.clone()).collect();
    (world, state, wants)
}

#[test]
fn what_the_files_make_no_call_of_stops_nothing_behind_it() {
    let (world, mut state, wants) = cancelled();
    let version = state.order.version;
    assert_eq!(wants.len(), 2, "{wants:?}");
    let first = next(&state, &world, "erp").unwrap();
    assert_eq!(*first, *wants[0].rule);
    found(&mut state, &world, ("erp", &wants[0]), version);
    assert_eq!(next(&state, &world, "erp"), Ok("order.cancelled/cancel".to_owned()));
    let erp = lane(&mut state, "erp");
    assert_eq!((erp.rests(), erp.wants.len()), (None, 2));
    assert!(erp.due_at.is_some(), "what can go is due");
    // Nothing else to send: it rests, for all of them.
    found(&mut state, &world, ("erp", &wants[1]), version);
    assert_eq!(next(&state, &world, "erp"), Err(Some(LaneCode::Dead)));
    let erp = lane(&mut state, "erp");
    assert_eq!((erp.rests(), erp.due_at), (Some(Rest::Unfit), None));
    // A person decides about the one that is meant.
    let about = Some(wants[1].text().into());
    let settle = PersonAct::Settle { system: name("erp"), again: false, about };
    let effects = done(&mut state, &world, &Act::Person(settle));
    assert!(is_over(&effects, &wants[1]) && !is_over(&effects, &wants[0]), "{effects:?}");
    let left: Vec<_> = lane(&mut state, "erp").wants.iter().map(|want| want.key.clone()).collect();
    assert_eq!(left, wants[..1]);
}

#[test]
fn what_rests_for_people_and_for_a_hold_rests_for_people() {
    let (mut world, mut state, wants) = cancelled();
    let never = crate::world::when("order_no: [never]", orderhub_order::ids::Collection::Root);
    let erp = world.systems.get_mut("erp").unwrap();
    erp.deliver.iter_mut().find(|rule| rule.id == wants[1].rule).unwrap().when = Some(never);
    let version = state.order.version;
    found(&mut state, &world, ("erp", &wants[0]), version);
    let erp = lane(&mut state, "erp");
    assert_eq!((erp.code, erp.rests()), (Some(LaneCode::Held), Some(Rest::Unfit)));
}

#[test]
fn what_was_unfit_is_tried_again() {
    let number = |order: &mut Order| {
        order.set(&At::ROOT, known::order::ORDER_NO, Some(Value::text("7")));
    };
    for way in ["tick", "version", "reference", "nothing"] {
        let (world, mut state, want, _) = stuck();
        assert_eq!(next(&state, &world, "sink"), Err(Some(LaneCode::Dead)));
        match way {
            "tick" => drop(done(&mut state, &world, &Act::Tick)),
            "version" => drop(turn(&mut state, &world, number)),
            "reference" => {
                let erp = lane(&mut state, "erp");
                let flight =
                    Flight { want: erp.wants[0].key.clone(), fence: erp.fence + 1, ..call(&state) };
                let (fence, system) = (flight.fence, name("erp"));
                lane(&mut state, "erp").flying = Some(flight);
                lane(&mut state, "erp").fence = fence;
                let xref = Xref { kind: "sku".into(), at: At::ROOT, ext_id: "9".into() };
                let before = state.order.version;
                done(
                    &mut state,
                    &world,
                    &Act::Memo { system, fence, memo: vec![1], xrefs: vec![xref] },
                );
                assert_eq!(state.order.version, before, "nothing else has changed");
            }
            _ => {}
        }
        let due = lane(&mut state, "sink").due_at.is_some();
        let expected =
            if way == "nothing" { Err(Some(LaneCode::Dead)) } else { Ok(want.rule.to_string()) };
        assert_eq!((next(&state, &world, "sink"), due), (expected, way != "nothing"), "{way}");
    }
}

#[test]
fn what_has_changed_since_is_looked_at_again() {
    let (world, mut state, wants) = cancelled();
    let before = state.order.version - 1;
    for wish in [0, 1] {
        let folded = found(&mut state, &world, ("erp", &wants[wish]), before);
        assert_eq!(folded.outcome, Outcome::Refused(LaneCode::Retry));
        assert!(folded.effects.is_empty(), "{folded:?}");
    }
    // What was frozen before is frozen anew.
    let frozen =
        Flight { want: wants[0].clone(), in_air: false, may_have_acted: false, ..call(&state) };
    lane(&mut state, "erp").flying = Some(frozen);
    let folded = found(&mut state, &world, ("erp", &wants[0]), before);
    assert!(folded.effects.is_empty() && lane(&mut state, "erp").flying.is_none(), "{folded:?}");
    // What waits for a reference or a hold, too.
    for (version, due) in [(before, true), (before + 1, false)] {
        for code in [LaneCode::NotLinked, LaneCode::Held] {
            let mut state = state.clone();
            let (system, want) = (name("erp"), wants[0].clone());
            let skip = Act::Skip { system, want, version, code, hash: None, until: None };
            done(&mut state, &world, &skip);
            assert_eq!(lane(&mut state, "erp").due_at.is_some(), due, "{code:?} {version}");
        }
    }
    // A wish that is gone is nobody's.
    let erp = lane(&mut state, "erp");
    assert_eq!((erp.due_at.is_some(), erp.open_conflicts.len()), (true, 0));
    erp.wants.remove(0);
    let version = state.order.version;
    let folded = found(&mut state, &world, ("erp", &wants[0]), version);
    assert_eq!(folded.outcome, Outcome::Refused(LaneCode::Dropped));
    assert!(folded.effects.is_empty() && lane(&mut state, "erp").due_at.is_some(), "{folded:?}");
}

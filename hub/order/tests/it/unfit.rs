//! Wishes that the files make no call of.

use orderhub_order::fold::{Act, Effect, Facts, PersonAct, TodoKind, fold};
use orderhub_order::ids::SystemName;
use orderhub_order::lane::{Flight, LaneCode, Rest, WantKey};
use orderhub_order::model::State;
use orderhub_order::route::{Plan, plan};

use crate::route::{call, lane, name, paid, world};
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
    let effects = done(&mut state, &world, &Act::Unfit { system: sink(), want: want.clone(), why });
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
        let settle = Act::Person(PersonAct::Settle { system: sink(), again });
        let effects = done(&mut state, &world, &settle);
        assert_eq!(is_handed_over(&effects), again, "{effects:?}");
        assert!(is_over(&effects, &want), "{effects:?}");
        let sink = lane(&mut state, "sink");
        assert_eq!((sink.due_at.is_some(), sink.wants.len()), (again, usize::from(again)));
        let code = if again { LaneCode::Retry } else { LaneCode::LetBe };
        assert_eq!(sink.code, Some(code));
    }
}

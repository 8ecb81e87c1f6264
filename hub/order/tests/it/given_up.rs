//! What was given up: sent again by a person, after a decision where it may be there.

use orderhub_order::fold::{
    Act, Effect, Facts, Folded, Outcome, PersonAct, Receipt, ReceiptClass, Way, fold, left,
};
use orderhub_order::ids::{At, Collection};
use orderhub_order::lane::{Flight, GivenUp, Lane, LaneCode, MOST_WANTS, Sent, WantKey};
use orderhub_order::model::State;
use orderhub_order::rules::{OperationKind, WhileDown};

use crate::gone::{number, take};
use crate::heirs::rename;
use crate::route::{call, lane, name, paid, turn, world};
use crate::world::{World, when};

const NOW: jiff::Timestamp = jiff::Timestamp::UNIX_EPOCH;

/// A world whose sink is told facts, and an order of which it is to be told one.
fn told() -> (World, State) {
    told_as(OperationKind::Fact)
}

fn told_as(kind: OperationKind) -> (World, State) {
    let mut world = world();
    let sink = world.systems.get_mut("sink").unwrap();
    sink.deliver[0].single.as_mut().unwrap().kind = kind;
    sink.deliver[0].while_down = WhileDown::Fail;
    let state = paid(&world);
    (world, state)
}

/// The sink is down, and its wish is given up.
fn given_up(state: &mut State, world: &World) -> (WantKey, Folded) {
    let flight = Flight { may_have_acted: false, ..call(state) };
    let (system, want) = (name("sink"), flight.want.clone());
    let act = Act::Down { system, flight: Box::new(flight), why: "it is down".to_owned() };
    (want, does(state, world, &act))
}

/// Whether the todo about a wish ends.
fn ends_todo(folded: &Folded, key: &WantKey) -> bool {
    let about = key.text();
    let ends =
        |effect: &Effect| matches!(effect, Effect::Settled { about: of, .. } if **of == *about);
    folded.effects.iter().any(ends)
}

fn does(state: &mut State, world: &World, act: &Act) -> Folded {
    fold(state, act, &world.rules(), &Facts::default(), NOW)
}

/// The first wish of the sink is called, and the call ends so.
fn ends(
    state: &mut State,
    world: &World,
    class: ReceiptClass,
    (acted, wrote): (bool, bool),
) -> (WantKey, Folded) {
    let flight = Flight { may_have_acted: acted, ..call(state) };
    let (want, fence) = (flight.want.clone(), flight.fence);
    let sink = lane(state, "sink");
    (sink.fence, sink.flying) = (fence, Some(flight));
    (want, ended(state, world, class, fence, wrote))
}

/// The call that is under way ends so.
fn ended(state: &mut State, world: &World, class: ReceiptClass, fence: u64, wrote: bool) -> Folded {
    let receipt = Receipt {
        system: name("sink"),
        fence,
        class,
        wrote,
        xrefs: Vec::new(),
        reply: None,
        why: "no".to_owned(),
        memo: Vec::new(),
        next_due: None,
    };
    does(state, world, &Act::Receipt(Box::new(receipt)))
}

fn again(state: &mut State, world: &World) -> Folded {
    does(state, world, &Act::Person(PersonAct::Resend { system: name("sink"), all: false }))
}

fn decide(state: &mut State, world: &World, key: &WantKey, again: bool) -> Folded {
    let (system, about) = (name("sink"), Some(key.text().into()));
    does(state, world, &Act::Person(PersonAct::Settle { system, again, about }))
}

fn cause(folded: &Folded) -> Option<&str> {
    if let Outcome::Todo(item) = &folded.outcome { Some(&item.cause) } else { None }
}

fn abouts(folded: &Folded) -> Vec<Option<&str>> {
    let todos = folded
        .effects
        .iter()
        .filter_map(|effect| if let Effect::Todo(item) = effect { Some(item) } else { None });
    todos.map(|item| item.about.as_deref()).collect()
}

fn is_wanted(state: &mut State, key: &WantKey) -> bool {
    lane(state, "sink").wants.iter().any(|want| want.key == *key)
}

#[test]
fn a_fact_that_was_given_up_can_be_sent_again() {
    let (world, mut state) = told();
    // Another firing about the same subject was told.
    let key = lane(&mut state, "sink").wants[0].key.clone();
    let former = WantKey { fact: Some(0), ..key.clone() };
    lane(&mut state, "sink").sent.insert(former.text(), Sent::new(0, [1; 16]));
    let (dead, folded) = ends(&mut state, &world, ReceiptClass::SaidNo, (false, false));
    assert_eq!(dead, key);
    assert_eq!(abouts(&folded), [None], "nobody has to decide whether it is there");
    assert!(!is_wanted(&mut state, &key), "nothing sends it by itself");
    let folded = again(&mut state, &world);
    assert!(matches!(folded.outcome, Outcome::Applied { .. }), "{folded:?}");
    assert!(is_wanted(&mut state, &key), "this firing, and none of the others");
    assert!(!is_wanted(&mut state, &former));
    // Told, it is not owed any more.
    lane(&mut state, "sink").wants.retain(|want| want.key == key);
    ends(&mut state, &world, ReceiptClass::Ok, (false, false));
    assert!(lane(&mut state, "sink").given_up.is_empty());
    lane(&mut state, "sink").wants.clear();
    assert_eq!(cause(&again(&mut state, &world)), Some("nothing_missing"));
}

#[test]
fn a_fact_that_may_be_there_waits_for_a_person() {
    for (class, left) in [
        (ReceiptClass::SaidNo, (true, false)),
        (ReceiptClass::Dead, (false, true)),
        (ReceiptClass::Dead, (true, false)),
    ] {
        let (world, mut state) = told();
        let (key, folded) = ends(&mut state, &world, class, left);
        assert_eq!(abouts(&folded), [Some(key.text().as_str())], "it asks about this one");
        let before = (state.order.clone(), state.lanes.clone());
        assert_eq!(cause(&again(&mut state, &world)), Some("undecided"));
        assert_eq!((&state.order, &state.lanes), (&before.0, &before.1));
        let other = WantKey { fact: Some(99), ..key.clone() };
        assert_eq!(cause(&decide(&mut state, &world, &other, true)), Some("nothing_to_settle"));

        // It did not happen: it goes, and may be sent again. Its todo ends with that, not with the answer.
        let mut not_there = state.clone();
        assert!(ends_todo(&decide(&mut not_there, &world, &key, true), &key));
        assert!(is_wanted(&mut not_there, &key));
        let sink = lane(&mut not_there, "sink");
        assert!(sink.due_at.is_some() && !sink.doubts(None));
        assert_ne!(cause(&again(&mut not_there, &world)), Some("undecided"));

        // It did: it counts as told.
        assert!(ends_todo(&decide(&mut state, &world, &key, false), &key));
        let sink = lane(&mut state, "sink");
        assert!(sink.sent.contains_key(&key.text()) && sink.given_up.is_empty());
        assert_eq!(cause(&again(&mut state, &world)), Some("nothing_missing"));
    }
}

#[test]
fn what_a_person_has_to_decide_about_is_forgotten_last() {
    let mut sink = Lane::new(name("sink"), orderhub_order::ids::Role::Sink);
    let text = |version: usize| {
        let fact = Some(u32::try_from(version).unwrap());
        WantKey { rule: "order.changed/put".into(), subject: At::ROOT, fact }.text()
    };
    for version in 0..MOST_WANTS {
        let fact = GivenUp { version: 1, release: None, may_be_there: version == 0, whole: false };
        sink.given_up.insert(text(version), fact);
    }
    let (world, mut state) = told();
    let given_up = std::mem::take(&mut sink.given_up);
    lane(&mut state, "sink").wants[0].key.fact = Some(1_000);
    lane(&mut state, "sink").given_up = given_up;
    ends(&mut state, &world, ReceiptClass::SaidNo, (false, false));
    let kept = &lane(&mut state, "sink").given_up;
    assert_eq!(kept.len(), MOST_WANTS);
    assert!(kept.contains_key(&text(0)) && !kept.contains_key(&text(1)));
    assert!(kept.contains_key(&text(1_000)));
    // Lanes that were stored before know of none.
    let read: Lane = serde_json::from_str(r#"{"system":"sink","role":"sink"}"#).unwrap();
    assert!(read.given_up.is_empty());
}

#[test]
fn what_was_given_up_is_sent_by_the_rule_in_its_place() {
    for doubt in [false, true] {
        let (mut world, mut state) = told();
        // No other firing than this one is of that version.
        lane(&mut state, "sink").wants[0].key.fact = Some(1_000);
        let (key, _) = ends(&mut state, &world, ReceiptClass::SaidNo, (doubt, false));
        rename(&mut world, "sink", "order.changed/put", "order.changed/post");
        let other = WantKey { rule: "order.changed/post".into(), ..key.clone() };
        if doubt {
            // Its todo names it as it was called then.
            assert!(lane(&mut state, "sink").doubts(Some(&key.text())));
            decide(&mut state, &world, &key, true);
        } else {
            again(&mut state, &world);
        }
        assert!(is_wanted(&mut state, &other) && !is_wanted(&mut state, &key));
        let kept = lane(&mut state, "sink").given_up.keys().cloned().collect::<Vec<_>>();
        assert_eq!(kept, [other.text()], "until it is told");
        assert!(!lane(&mut state, "sink").doubts(None));
    }
}

#[test]
fn what_nobody_tells_any_more_is_not_told_again() {
    let (mut world, mut state) = told();
    let (key, _) = ends(&mut state, &world, ReceiptClass::SaidNo, (true, false));
    // Its rule is forgotten, too: taken as meant.
    let rules = world.systems.get_mut("sink").unwrap();
    let rule = rules.deliver.remove(0);
    let before = (state.order.clone(), state.lanes.clone());
    let refused = decide(&mut state, &world, &key, true);
    assert_eq!(cause(&refused), Some("nothing_sendable"), "{refused:?}");
    assert_eq!((&state.order, &state.lanes), (&before.0, &before.1), "it can still be decided");
    // It is back, and it goes.
    world.systems.get_mut("sink").unwrap().deliver.push(rule);
    decide(&mut state, &world, &key, true);
    assert!(is_wanted(&mut state, &key));
}

#[test]
fn what_was_asked_for_before_waits_for_the_decision_too() {
    let (world, mut state) = told();
    // It is on its retries, and somebody has it sent again meanwhile.
    let flight = Flight { in_air: false, ..call(&state) };
    let (key, fence, left) = (flight.want.clone(), flight.fence, flight.clone());
    let sink = lane(&mut state, "sink");
    (sink.fence, sink.flying) = (fence, Some(flight));
    // By the rules of an earlier program, which asked for what waits.
    let later = state.order.version + 1;
    let want = lane(&mut state, "sink").wants.iter_mut().find(|want| want.key == key).unwrap();
    (want.version, want.whole) = (later, true);
    let folded = ended(&mut state, &world, ReceiptClass::Dead, fence, false);
    assert_eq!(abouts(&folded), [Some(key.text().as_str())]);
    assert!(!is_wanted(&mut state, &key), "nothing sends it before a person has decided");
    assert!(lane(&mut state, "sink").flying.is_none());
    // Of a lane in which that was so already, no call is left to go by what was taken as done.
    let flight = Flight { in_air: false, may_have_acted: false, ..left };
    lane(&mut state, "sink").flying = Some(flight);
    decide(&mut state, &world, &key, false);
    assert_eq!(lane(&mut state, "sink").flying, None);
}

#[test]
fn no_room_for_what_a_person_decided_is_said_with_its_cause() {
    let (world, mut state) = told();
    let (key, _) = ends(&mut state, &world, ReceiptClass::SaidNo, (true, false));
    let sink = lane(&mut state, "sink");
    for version in 100..164 {
        let key = WantKey { fact: Some(version), ..key.clone() };
        assert!(sink.want(key, version, None));
    }
    let refused = decide(&mut state, &world, &key, true);
    assert_eq!(cause(&refused), Some("no_room"));
    let Outcome::Todo(item) = &refused.outcome else { panic!("{refused:?}") };
    assert!(item.why.contains("64 wishes"), "{}", item.why);
    assert!(lane(&mut state, "sink").doubts(Some(&key.text())), "it is still to be decided");
}

#[test]
fn what_was_given_up_is_decided_by_itself() {
    for (kind, rename_it) in
        [(OperationKind::Fact, false), (OperationKind::State, false), (OperationKind::Fact, true)]
    {
        let (mut world, mut state) = told_as(kind);
        let (key, folded) = given_up(&mut state, &world);
        assert_eq!(abouts(&folded), [Some(key.text().as_str())]);
        let mut now = key.clone();
        if rename_it {
            rename(&mut world, "sink", "order.changed/put", "order.changed/post");
            now.rule = "order.changed/post".into();
            // Whoever was asked is asked by the other name.
            let folded = does(&mut state, &world, &Act::Tick);
            assert!(!ends_todo(&folded, &key) && !ends_todo(&folded, &now), "{folded:?}");
            let [Effect::Carried { about, to, why, .. }] = &folded.effects[..] else {
                panic!("{folded:?}")
            };
            assert_eq!((&**about, &**to), (&*key.text(), &*now.text()));
            assert!(why.contains("`order.changed/put` is called `order.changed/post`"), "{why}");
            assert!(does(&mut state, &world, &Act::Tick).effects.is_empty(), "once");
        }
        // Sent: it is wanted now, by a version of its own, and the todo ends.
        let (mut sent, version) = (state.clone(), state.order.version);
        let folded = decide(&mut sent, &world, &now, true);
        assert_eq!(folded.outcome, Outcome::Applied { version: version + 1 });
        assert!(ends_todo(&folded, &now) && is_wanted(&mut sent, &now));
        let sink = lane(&mut sent, "sink");
        assert!(sink.due_at.is_some() && sink.given_up.contains_key(&now.text()));
        assert!(left(&sent, &name("sink"), &world.rules()).is_empty(), "it goes by itself");
        let folded = decide(&mut sent, &world, &now, true);
        assert_eq!(cause(&folded), Some("nothing_to_settle"), "once");
        ends(&mut sent, &world, ReceiptClass::Ok, (false, false));
        assert!(lane(&mut sent, "sink").given_up.is_empty());

        // Not wanted any more: it counts as sent, and nobody is told that it was not.
        let folded = decide(&mut state, &world, &now, false);
        assert!(ends_todo(&folded, &now), "{folded:?}");
        assert!(left(&state, &name("sink"), &world.rules()).is_empty());
        assert_eq!(cause(&again(&mut state, &world)), Some("nothing_missing"));
    }
}

#[test]
fn a_state_that_was_given_up_is_said_until_the_system_has_it() {
    let (world, mut state) = told_as(OperationKind::State);
    let (key, _) = given_up(&mut state, &world);
    let ways = |state: &State| -> Vec<(WantKey, Way)> {
        let all = left(state, &name("sink"), &world.rules()).into_iter();
        all.map(|left| (left.key, left.way)).collect()
    };
    assert_eq!(ways(&state), [(key.clone(), Way::Resend)]);
    // The next change takes its place; once that is there, nothing is missing.
    let mut changed = state.clone();
    turn(&mut changed, &world, number("7"));
    assert!(ways(&changed).is_empty() && is_wanted(&mut changed, &key));
    ends(&mut changed, &world, ReceiptClass::Ok, (false, false));
    assert!(lane(&mut changed, "sink").given_up.is_empty());
    // So it is where the system turns out to have it.
    again(&mut state, &world);
    let (system, version) = (name("sink"), state.order.version);
    let (code, hash, until) = (LaneCode::ProjectionEqual, Some([1; 16]), None);
    lane(&mut state, "sink").sent.insert(key.text(), Sent::new(1, [1; 16]));
    let want = key.clone();
    does(&mut state, &world, &Act::Skip { system, want, version, code, hash, until });
    assert!(lane(&mut state, "sink").given_up.is_empty() && ways(&state).is_empty());
}

#[test]
fn what_is_left_says_how_it_can_be_sent() {
    let (mut world, mut state) = told_as(OperationKind::Fact);
    let (key, _) = given_up(&mut state, &world);
    let way = |state: &State, world: &World| -> Vec<Way> {
        let all = left(state, &name("sink"), &world.rules()).into_iter();
        all.map(|left| left.way).collect()
    };
    assert_eq!(way(&state, &world), [Way::Resend]);
    // Not before a person has decided.
    let mut doubted = state.clone();
    let sink = lane(&mut doubted, "sink");
    sink.given_up.get_mut(&key.text()).unwrap().may_be_there = true;
    assert_eq!(way(&doubted, &world), [Way::Decide]);
    // What a `when:` keeps back goes once that holds.
    let rules = world.systems.get_mut("sink").unwrap();
    rules.deliver[0].when = Some(when("order_no: [never]", Collection::Root));
    assert_eq!(way(&state, &world), [Way::Later(LaneCode::Held)]);
    world.systems.get_mut("sink").unwrap().deliver[0].when = None;
    // One that sends states now tells no facts.
    let mut states = told_as(OperationKind::State).0;
    assert_eq!(way(&state, &states), [Way::Nobody]);
    rename(&mut states, "sink", "order.changed/put", "order.changed/post");
    assert_eq!(way(&state, &states), [Way::Nobody]);
    // Its entry is gone: waited for, or forgotten.
    let rule = take(&mut world, "sink", "order.changed/put");
    assert_eq!(way(&state, &world), [Way::Entry]);
    world.systems.get_mut("sink").unwrap().gone.clear();
    assert_eq!(way(&state, &world), [Way::Nobody]);
    world.systems.get_mut("sink").unwrap().deliver.push(rule);
    assert_eq!(way(&state, &world), [Way::Resend]);
}

#[test]
fn what_is_not_wanted_any_more_is_told_of_no_more() {
    let (world, mut state) = told();
    let sink = lane(&mut state, "sink");
    let key =
        WantKey { subject: At::parse("fulfilments[F9]").unwrap(), ..sink.wants[0].key.clone() };
    let fact = GivenUp { version: 1, release: None, may_be_there: false, whole: false };
    sink.given_up.insert(key.text(), fact.clone());
    sink.open_conflicts.push(key.text());
    // One that may be there is still a person's.
    let doubted = WantKey { fact: Some(9), ..key.clone() };
    sink.given_up.insert(doubted.text(), GivenUp { may_be_there: true, ..fact });
    let folded = does(&mut state, &world, &Act::Tick);
    assert!(ends_todo(&folded, &key) && folded.lanes.contains(&name("sink")), "{folded:?}");
    let left: Vec<_> = lane(&mut state, "sink").given_up.keys().cloned().collect();
    assert_eq!(left, [doubted.text()]);
}

#[test]
fn only_what_may_be_there_is_said_to_be_there() {
    for (acted, wrote) in [(false, false), (true, false), (false, true)] {
        let (world, mut state) = told_as(OperationKind::State);
        // An attempt began: what came of it is what its end says.
        let (creates, in_air) = (true, true);
        let flight = Flight { may_have_acted: acted, creates, in_air, ..call(&state) };
        let (fence, sink) = (flight.fence, lane(&mut state, "sink"));
        (sink.fence, sink.flying) = (fence, Some(flight));
        let folded = ended(&mut state, &world, ReceiptClass::Dead, fence, wrote);
        let said = |effect: &Effect| matches!(effect, Effect::Todo(item) if item.why.contains("it may be there all the same"));
        assert_eq!(folded.effects.iter().any(said), acted || wrote);
    }
}

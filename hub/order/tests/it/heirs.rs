//! What a rule that is gone leaves to the one in its place.

use orderhub_order::fold::{Act, Facts, Folded, Outcome, fold};
use orderhub_order::lane::{Flight, LaneCode, Sent, WantKey};
use orderhub_order::model::State;
use orderhub_order::rules::{DeliverRule, OperationKind};

use crate::gone::{NOW, done, next, number, once_more, put, resent, take};
use crate::route::{call, lane, name, paid, turn, world};
use crate::world::World;

/// Takes a rule out, and puts it back under another name, in whose place that stands.
pub(crate) fn rename(world: &mut World, system: &str, id: &str, other: &str) {
    let rule = take(world, system, id);
    let rules = world.systems.get_mut(system).unwrap();
    rules.gone[0].heir = Some(other.into());
    rules.deliver.push(DeliverRule { id: other.into(), ..rule });
}

/// The same name as another rule's.
fn as_of(key: &WantKey, rule: &str) -> WantKey {
    WantKey { rule: rule.into(), ..key.clone() }
}

fn is_refused(folded: &Folded, cause: &str) -> bool {
    matches!(&folded.outcome, Outcome::Todo(item) if *item.cause == *cause)
}

/// A world whose sink is told facts by its rule, and an order of which it was told the only one.
fn told(kind: OperationKind) -> (World, State, WantKey) {
    let mut world = world();
    world.systems.get_mut("sink").unwrap().deliver[0].single.as_mut().unwrap().kind = kind;
    let mut state = paid(&world);
    let sent = Sent::new(9, [1; 16]);
    let own = lane(&mut state, "sink");
    let key = own.wants.remove(0).key;
    own.sent.insert(key.text(), sent.clone());
    own.shadow.insert(key.text(), sent);
    (own.due_at, own.due_since, own.code) = (None, None, Some(LaneCode::Delivered));
    (world, state, key)
}

#[test]
fn what_was_told_is_told_whatever_the_rule_is_called() {
    let (mut world, mut state, key) = told(OperationKind::Fact);
    rename(&mut world, "sink", "order.changed/put", "order.changed/post");
    // Whoever has the order sent again hears that it was told, and the lane stays as it is.
    let before = (state.order.clone(), state.lanes.clone());
    let folded = resent(&mut state, &world, "sink");
    assert!(is_refused(&folded, "nothing_missing"), "{folded:?}");
    assert_eq!((&state.order, &state.lanes), (&before.0, &before.1), "undone with the act");
    assert!(folded.lanes.is_empty());
    // An act that is done writes it, whatever the act is.
    let folded = fold(&mut state, &Act::Tick, &world.rules(), &Facts::default(), NOW);
    assert_eq!(folded.lanes, [name("sink")]);
    let own = lane(&mut state, "sink");
    for sent in [&own.sent, &own.shadow] {
        for rule in ["order.changed/post", "order.changed/put"] {
            let known = sent.get(&as_of(&key, rule).text());
            assert_eq!(known, Some(&Sent::new(9, [1; 16])), "with its version");
        }
    }
    let folded = fold(&mut state, &Act::Tick, &world.rules(), &Facts::default(), NOW);
    assert!(folded.lanes.is_empty(), "once");
}

#[test]
fn a_state_that_was_told_is_no_fact_to_be_told() {
    let (mut world, mut state, _) = told(OperationKind::State);
    rename(&mut world, "sink", "order.changed/put", "order.changed/post");
    let rules = &mut world.systems.get_mut("sink").unwrap().deliver;
    rules[0].single.as_mut().unwrap().kind = OperationKind::Fact;
    let folded = resent(&mut state, &world, "sink");
    assert!(is_refused(&folded, "nothing_missing"), "{folded:?}");
    // What happens from now on is a fact of its own.
    turn(&mut state, &world, number("7"));
    assert_eq!(next(&state, &world, "sink"), Ok("order.changed/post by single".to_owned()));
}

#[test]
fn what_was_made_is_made_whatever_the_rule_is_called() {
    let mut world = world();
    let mut state = paid(&world);
    // Made there by the word of a person, who did not say what it is called.
    let erp = lane(&mut state, "erp");
    let key = erp.wants[0].key.clone();
    erp.sent.insert(key.text(), Sent::new(1, [1; 16]));
    rename(&mut world, "erp", "order.accepted/sale", "order.accepted/sale2");
    let folded = once_more(&mut state, &world, "erp");
    assert!(is_refused(&folded, "not_linked"), "no second one: {folded:?}");
    done(&mut state, &world, &Act::Tick);
    assert_eq!(next(&state, &world, "erp"), Err(Some(LaneCode::NotLinked)), "no second one");
    let erp = lane(&mut state, "erp");
    let said_nothing = Sent::new(1, [0; 16]);
    for rule in ["order.accepted/sale2", "order.accepted/sale"] {
        assert_eq!(erp.sent.get(&as_of(&key, rule).text()), Some(&said_nothing));
    }
    // Led back, it was made all the same; and what the other wrote meanwhile is not what this one wrote.
    erp.sent.insert(as_of(&key, "order.accepted/sale2").text(), Sent::new(2, [2; 16]));
    let rules = world.systems.get_mut("erp").unwrap();
    rules.gone.clear();
    rename(&mut world, "erp", "order.accepted/sale2", "order.accepted/sale");
    assert!(is_refused(&once_more(&mut state, &world, "erp"), "not_linked"));
    done(&mut state, &world, &Act::Tick);
    assert_eq!(next(&state, &world, "erp"), Err(Some(LaneCode::NotLinked)));
    let sent = lane(&mut state, "erp").sent.get(&key.text());
    assert_eq!(sent, Some(&Sent::new(2, [0; 16])));
}

#[test]
fn what_was_left_to_another_rule_is_known_to_the_first_when_it_is_back() {
    let (mut world, mut state, _) = told(OperationKind::Fact);
    rename(&mut world, "sink", "order.changed/put", "order.changed/post");
    done(&mut state, &world, &Act::Tick);
    // Somebody decides to keep both.
    let other = world.systems["sink"].deliver[0].clone();
    put(&mut world, "sink", DeliverRule { id: "order.changed/put".into(), ..other });
    let folded = resent(&mut state, &world, "sink");
    assert!(is_refused(&folded, "nothing_missing"), "told by both names: {folded:?}");
}

#[test]
fn what_a_person_asked_for_goes_whole_by_the_other_rule() {
    let mut world = world();
    let mut state = paid(&world);
    let sink = lane(&mut state, "sink");
    sink.wants[0].whole = true;
    let mut known = sink.wants[0].clone();
    known.key.rule = "order.changed/post".into();
    known.whole = false;
    sink.wants.push(known);
    // An attempt that came to nothing.
    let want = sink.wants[0].key.clone();
    let failed = Flight { in_air: false, may_have_acted: false, wrote: false, ..call(&state) };
    let failed = Flight { want, memo: Vec::new(), ..failed };
    assert!(failed.may_be_replaced());
    let sink = lane(&mut state, "sink");
    (sink.flying, sink.attempts, sink.code) = (Some(failed), 7, Some(LaneCode::Retry));
    rename(&mut world, "sink", "order.changed/put", "order.changed/post");
    // While a person is to decide about the call, it keeps its wish.
    lane(&mut state, "sink").code = Some(LaneCode::Dead);
    done(&mut state, &world, &Act::Tick);
    assert_eq!(lane(&mut state, "sink").wants.len(), 2);
    assert_eq!(lane(&mut state, "sink").attempts, 7);
    lane(&mut state, "sink").code = Some(LaneCode::Retry);
    done(&mut state, &world, &Act::Tick);
    let sink = lane(&mut state, "sink");
    let left: Vec<_> = sink.wants.iter().map(|want| (&*want.key.rule, want.whole)).collect();
    assert_eq!(left, [("order.changed/post", true)]);
    assert_eq!((&sink.flying, sink.attempts), (&None, 0), "the first attempt of the other rule");
}

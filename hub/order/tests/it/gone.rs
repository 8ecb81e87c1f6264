//! What happens while the files lack a rule that they had, and once they have it again.

use orderhub_order::catalogue::known;
use orderhub_order::fold::{Act, Effect, Facts, Folded, Outcome, PersonAct, fold};
use orderhub_order::ids::At;
use orderhub_order::lane::{Flight, LaneCode, MOST_WANTS, Rest, Sent, WantKey};
use orderhub_order::model::{Order, State};
use orderhub_order::route::{Plan, plan};
use orderhub_order::rules::{DeliverRule, GoneRule, OperationKind, Shapes as _};
use orderhub_order::value::Value;

use crate::route::{call, lane, link, name, paid, turn, world};
use crate::world::{World, rule};

pub(crate) const NOW: jiff::Timestamp = jiff::Timestamp::UNIX_EPOCH;

pub(crate) fn number(text: &'static str) -> impl FnOnce(&mut Order) {
    move |order| drop(order.set(&At::ROOT, known::order::ORDER_NO, Some(Value::text(text))))
}

fn cancel(order: &mut Order) {
    order.set(&At::ROOT, known::order::STATE_LIFECYCLE, Some(Value::text("cancelled")));
}

/// Takes a rule out of a system's, as the files do that lack it.
pub(crate) fn take(world: &mut World, system: &str, id: &str) -> DeliverRule {
    let reads = world.shapes.reads(&name(system), id);
    let rules = world.systems.get_mut(system).unwrap();
    let at = rules.deliver.iter().position(|rule| &*rule.id == id).unwrap();
    let rule = rules.deliver.remove(at);
    let creates = rule.create.is_some();
    let (id, on, kind) = (rule.id.clone(), rule.on.clone(), rule.kind());
    rules.gone.push(GoneRule { id, on, kind, creates, reads, heir: None });
    rule
}

/// Puts it back.
pub(crate) fn put(world: &mut World, system: &str, rule: DeliverRule) {
    let rules = world.systems.get_mut(system).unwrap();
    rules.gone.retain(|gone| gone.id != rule.id);
    rules.deliver.push(rule);
}

pub(crate) fn done(state: &mut State, world: &World, act: &Act) -> Vec<Effect> {
    fold(state, act, &world.rules(), &Facts::default(), NOW).effects
}

fn is_handed_over(effects: &[Effect], to: &str) -> bool {
    effects.iter().any(|effect| matches!(effect, Effect::Deliver { system } if *system == name(to)))
}

/// What the lane sends next, or why not.
pub(crate) fn next(state: &State, world: &World, system: &str) -> Result<String, Option<LaneCode>> {
    match plan(state, &name(system), &world.rules()) {
        Plan::Send(send) => Ok(format!("{} by {}", send.want.key.rule, send.operation.name)),
        Plan::Wait { code, .. } | Plan::Skip { code, .. } => Err(Some(code)),
        Plan::Idle | Plan::Resume(_) => Err(None),
    }
}

pub(crate) fn wants(state: &mut State, system: &str) -> Vec<WantKey> {
    lane(state, system).wants.iter().map(|want| want.key.clone()).collect()
}

#[test]
fn what_happened_while_its_rule_was_gone_is_wanted() {
    let (mut world, mut former) = (world(), world());
    // An order of before the system listened, and of no rule that is gone: nobody is owed anything.
    let erp = former.systems.get_mut("erp").unwrap();
    let late = erp.deliver.remove(0);
    let mut old = paid(&former);
    former.systems.get_mut("erp").unwrap().deliver.push(late);
    assert!(!is_handed_over(&done(&mut old, &former, &Act::Tick), "erp"));
    assert!(old.lanes.get("erp").is_none_or(|lane| lane.wants.is_empty()));

    for (system, id, by) in
        [("erp", "order.accepted/sale", "create"), ("sink", "order.changed/put", "single")]
    {
        let rule = take(&mut world, system, id);
        let mut state = paid(&world);
        for text in ["7", "8"] {
            turn(&mut state, &world, number(text));
        }
        let newest = state.order.version;
        let rests = lane(&mut state, system);
        assert_eq!((rests.code, rests.due_at), (Some(LaneCode::NotRouted), None));
        assert_eq!((rests.rests(), rests.wants.len()), (Some(Rest::NotRouted), 1), "{id}");
        assert_eq!(rests.wants[0].version, newest, "the newest is wanted");
        // Other files without it, or time: it rests on.
        assert!(!is_handed_over(&done(&mut state, &world, &Act::Tick), system));
        assert_eq!(next(&state, &world, system), Err(Some(LaneCode::NotRouted)));
        put(&mut world, system, rule);
        assert!(is_handed_over(&done(&mut state, &world, &Act::Tick), system), "{id}");
        assert_eq!(next(&state, &world, system), Ok(format!("{id} by {by}")));
    }
}

#[test]
fn what_stood_to_be_sent_when_its_rule_vanished_waits_for_it() {
    let mut world = world();
    let mut state = paid(&world);
    let (key, version) = (wants(&mut state, "erp").remove(0), state.order.version);
    let rule = take(&mut world, "erp", "order.accepted/sale");
    let skip = |code| {
        let (system, want) = (name("erp"), key.clone());
        Act::Skip { system, want, version, code, hash: None, until: None }
    };
    // Whoever has it in hand finds no rule.
    assert_eq!(next(&state, &world, "erp"), Err(Some(LaneCode::NotRouted)));
    done(&mut state, &world, &skip(LaneCode::NotRouted));
    assert_eq!(lane(&mut state, "erp").rests(), Some(Rest::NotRouted));
    put(&mut world, "erp", rule);
    done(&mut state, &world, &Act::Tick);
    assert_eq!(next(&state, &world, "erp"), Ok("order.accepted/sale by create".to_owned()));
    // Found by the files before, when those of now have it again: nothing ends.
    let late = fold(&mut state, &skip(LaneCode::NotRouted), &world.rules(), &Facts::default(), NOW);
    assert_eq!(late.outcome, Outcome::Refused(LaneCode::Retry));
    assert_eq!(wants(&mut state, "erp"), std::slice::from_ref(&key));
    // Forgotten: that nothing is to be sent is meant.
    take(&mut world, "erp", "order.accepted/sale");
    world.systems.get_mut("erp").unwrap().gone.clear();
    done(&mut state, &world, &skip(LaneCode::NotRouted));
    assert_eq!(wants(&mut state, "erp"), []);
}

#[test]
fn what_would_not_be_sent_any_more_does_not_wait_for_its_rule() {
    let mut world = world();
    take(&mut world, "erp", "order.accepted/sale");
    let mut state = paid(&world);
    turn(&mut state, &world, cancel);
    assert_eq!(wants(&mut state, "erp"), [], "it was cancelled before it was made there");
    // What is there is to be told of each change, and of the cancellation by a rule that is there.
    let mut state = paid(&world);
    link(&mut state, "erp");
    turn(&mut state, &world, cancel);
    let rules: Vec<_> = wants(&mut state, "erp").into_iter().map(|key| key.rule).collect();
    assert_eq!(rules.len(), 2, "{rules:?}");
    assert_eq!(next(&state, &world, "erp"), Ok("order.cancelled/cancel by update".to_owned()));
}

#[test]
fn a_change_of_what_was_sent_before_is_wanted_too() {
    let mut world = world();
    let mut state = paid(&world);
    link(&mut state, "erp");
    let erp = lane(&mut state, "erp");
    let key = erp.wants.remove(0).key;
    erp.sent.insert(key.text(), Sent::new(1, [1; 16]));
    take(&mut world, "erp", "order.accepted/sale");
    turn(&mut state, &world, |order| {
        order.set(&At::ROOT, known::order::STATE_PAYMENT, Some(Value::text("refunded")));
    });
    assert_eq!(wants(&mut state, "erp"), [], "its mapping does not read that");
    turn(&mut state, &world, number("7"));
    assert_eq!(wants(&mut state, "erp"), [key]);
}

#[test]
fn a_rule_in_the_place_of_one_that_is_gone_takes_its_wishes_over() {
    for kind in [OperationKind::State, OperationKind::Fact] {
        let mut world = world();
        let rule = take(&mut world, "sink", "order.changed/put");
        let mut state = paid(&world);
        let mut other = rule.clone();
        other.id = "order.changed/put_whole".into();
        other.single.as_mut().unwrap().kind = kind;
        let sink = world.systems.get_mut("sink").unwrap();
        sink.gone[0].heir = Some(other.id.clone());
        sink.deliver.push(other);
        assert!(is_handed_over(&done(&mut state, &world, &Act::Tick), "sink"));
        let expected = Ok("order.changed/put_whole by single".to_owned());
        assert_eq!(next(&state, &world, "sink"), expected);
        let keys = wants(&mut state, "sink");
        let version = state.order.version;
        let fact = (kind == OperationKind::Fact).then_some(version);
        assert_eq!(keys.iter().map(|key| key.fact).collect::<Vec<_>>(), [fact]);
        // From now on it alone hears of what happens.
        turn(&mut state, &world, number("7"));
        let keys = wants(&mut state, "sink");
        assert!(keys.iter().all(|key| &*key.rule == "order.changed/put_whole"), "{keys:?}");
    }
}

#[test]
fn a_call_that_may_be_there_keeps_its_wish() {
    for heir in [None, Some("order.changed/put_whole")] {
        let mut world = world();
        let mut state = paid(&world);
        let flight = Flight { in_air: false, ..call(&state) };
        let key = flight.want.clone();
        lane(&mut state, "sink").flying = Some(flight);
        let rule = take(&mut world, "sink", "order.changed/put");
        let sink = world.systems.get_mut("sink").unwrap();
        sink.gone[0].heir = heir.map(Into::into);
        sink.deliver.extend(heir.map(|id| DeliverRule { id: id.into(), ..rule }));
        done(&mut state, &world, &Act::Tick);
        assert_eq!(wants(&mut state, "sink"), [key]);
        assert!(matches!(plan(&state, &name("sink"), &world.rules()), Plan::Resume(_)));
    }
}

#[test]
fn a_cancellation_that_nobody_tells_now_is_told_once_its_rule_is_back() {
    let mut world = world();
    let cancelled = take(&mut world, "erp", "order.cancelled/cancel");
    let mut state = paid(&world);
    link(&mut state, "erp");
    let effects = turn(&mut state, &world, cancel);
    let asks =
        |effect: &Effect| matches!(effect, Effect::Todo(item) if &*item.cause == "not_routed");
    assert!(effects.iter().any(asks), "who ships is told at once: {effects:?}");
    lane(&mut state, "erp").wants.retain(|want| &*want.key.rule == "order.cancelled/cancel");
    put(&mut world, "erp", cancelled);
    done(&mut state, &world, &Act::Tick);
    assert_eq!(next(&state, &world, "erp"), Ok("order.cancelled/cancel by update".to_owned()));
    // That nothing is to be done is said by the files, and then nothing is owed.
    world.systems.get_mut("erp").unwrap().deliver.retain(|rule| &*rule.on != "order.cancelled");
    put(&mut world, "erp", rule("order.cancelled/none"));
    done(&mut state, &world, &Act::Tick);
    assert_eq!(wants(&mut state, "erp"), []);
}

#[test]
fn what_is_to_be_told_to_all_waits_for_those_who_listened() {
    let mut world = world();
    let rule = take(&mut world, "wms", "shipment.tracking_changed/track");
    let hears = |world: &World| world.systems["wms"].hears_of("shipment.tracking_changed");
    assert!(hears(&world));
    world.systems.get_mut("wms").unwrap().gone[0].heir = Some("another".into());
    assert!(!hears(&world));
    put(&mut world, "wms", rule);
    assert!(hears(&world) && world.systems["wms"].gone.is_empty());
}

pub(crate) fn resent(state: &mut State, world: &World, system: &str) -> Folded {
    asked(state, world, (system, false))
}

pub(crate) fn once_more(state: &mut State, world: &World, system: &str) -> Folded {
    asked(state, world, (system, true))
}

fn asked(state: &mut State, world: &World, (system, all): (&str, bool)) -> Folded {
    let act = Act::Person(PersonAct::Resend { system: name(system), all });
    fold(state, &act, &world.rules(), &Facts::default(), NOW)
}

/// Wishes of one rule, each about another version of the order.
fn fill(state: &mut State, system: &str, rule: &str, from: u32, count: usize) {
    for version in (from..).take(count) {
        let key = WantKey { rule: rule.into(), subject: At::ROOT, fact: Some(version) };
        let release = Some(("order.changed".into(), "all".into()));
        assert!(lane(state, system).want(key, version, release));
    }
}

fn left_out(effects: &[Effect]) -> Vec<String> {
    let todos = effects
        .iter()
        .filter_map(|effect| if let Effect::Todo(item) = effect { Some(item) } else { None });
    todos.filter(|item| &*item.cause == "lane_full").map(|item| item.why.clone()).collect()
}

#[test]
fn what_waits_for_its_rule_has_a_share_of_a_lane() {
    let mut world = world();
    world.systems.get_mut("sink").unwrap().deliver[0].single.as_mut().unwrap().kind =
        OperationKind::Fact;
    take(&mut world, "sink", "order.changed/put");
    let mut state = paid(&world);
    let mut said = Vec::new();
    while said.is_empty() {
        assert!(lane(&mut state, "sink").wants.len() <= 16, "no end");
        let text = if state.order.version.is_multiple_of(2) { "7" } else { "8" };
        said = left_out(&turn(&mut state, &world, number(text)));
    }
    assert_eq!(lane(&mut state, "sink").wants.len(), 16);
    assert!(said[0].contains("order.changed/put") && said[0].contains("`deliver:`"), "{said:?}");
}

#[test]
fn a_fact_that_has_no_room_can_be_sent_again() {
    let mut world = world();
    world.systems.get_mut("sink").unwrap().deliver[0].single.as_mut().unwrap().kind =
        OperationKind::Fact;
    let rule = take(&mut world, "sink", "order.changed/put");
    let mut state = paid(&world);
    let mut todos = Vec::new();
    for _ in 0..20 {
        let text = if state.order.version.is_multiple_of(2) { "7" } else { "8" };
        let effects = turn(&mut state, &world, number(text));
        let todo = |effect| if let Effect::Todo(item) = effect { Some(item) } else { None };
        todos.extend(effects.into_iter().filter_map(todo));
    }
    let abouts: Vec<_> = todos.iter().map(|item| item.about.as_deref()).collect();
    assert_eq!(abouts, [Some("order.changed/put"); 5], "one todo of the lane and rule");
    // The entry is back, those that waited are told: the others are owed.
    put(&mut world, "sink", rule);
    let sink = lane(&mut state, "sink");
    for want in std::mem::take(&mut sink.wants) {
        sink.sent.insert(want.key.text(), Sent::new(want.version, [1; 16]));
    }
    let told: Vec<String> = sink.sent.keys().cloned().collect();
    resent(&mut state, &world, "sink");
    let keys = wants(&mut state, "sink");
    assert_eq!(keys.len(), 5, "{keys:?}");
    assert!(keys.iter().all(|key| !told.contains(&key.text())), "{keys:?}");
}

#[test]
fn a_fact_that_gives_way_can_be_sent_again() {
    let mut world = world();
    let mut state = paid(&world);
    link(&mut state, "erp");
    lane(&mut state, "erp").wants.clear();
    take(&mut world, "erp", "order.accepted/sale");
    fill(&mut state, "erp", "order.accepted/sale", 100, MOST_WANTS);
    let newest = wants(&mut state, "erp").pop().unwrap();
    turn(&mut state, &world, cancel);
    assert_eq!(lane(&mut state, "erp").given_up.keys().collect::<Vec<_>>(), [&newest.text()]);
}

#[test]
fn what_waits_for_its_rule_gives_way_in_a_full_lane() {
    for flies in [false, true] {
        let mut world = world();
        let mut state = paid(&world);
        link(&mut state, "erp");
        lane(&mut state, "erp").wants.clear();
        take(&mut world, "erp", "order.accepted/sale");
        let gone = "order.accepted/sale";
        fill(&mut state, "erp", gone, 100, MOST_WANTS);
        let newest = wants(&mut state, "erp").pop().unwrap();
        if flies {
            let flight = Flight { in_air: false, want: newest.clone(), ..call(&state) };
            lane(&mut state, "erp").flying = Some(flight);
        }
        let said = left_out(&turn(&mut state, &world, cancel));
        let keys = wants(&mut state, "erp");
        assert_eq!(keys.len(), MOST_WANTS);
        assert!(keys.iter().any(|key| &*key.rule == "order.cancelled/cancel"), "it is told");
        assert_eq!(keys.contains(&newest), flies, "the newest gives way, unless it may be there");
        assert_eq!(said.len(), 1, "{said:?}");
        assert!(said[0].contains(gone) && said[0].contains("order.cancelled/cancel"), "{said:?}");
    }
}

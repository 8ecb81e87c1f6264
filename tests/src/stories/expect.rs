//! Looks at a world and compares it with what a step expects.

use std::collections::BTreeMap;

use orderhub_order::catalogue::known;
use orderhub_order::history;
use orderhub_order::ids::Collection;
use orderhub_order::ids::{At, OrderKey, SystemName};
use orderhub_order::json;
use orderhub_order::lane::Lane;
use orderhub_order::model::State;
use serde_json::{Value as Json, json};

use super::story::{Expect, LaneLook};
use super::world::World;

/// What a step has come to, besides what stands in the world.
#[derive(Debug, Default)]
pub struct Seen {
    /// The outcome word.
    pub outcome: String,
    /// Those of documents that it woke.
    pub woken: Vec<String>,
    /// Calls that left.
    pub calls: Vec<String>,
    /// Events.
    pub events: Vec<String>,
    /// What a restore left different, and why.
    pub remains: Vec<String>,
    /// How many todos there were before.
    pub todos_before: usize,
    /// The version before.
    pub version_before: u32,
}

/// Says every difference, each with what it is about.
pub fn compare(
    expect: &Expect,
    seen: &Seen,
    world: &dyn World,
    order: Option<OrderKey>,
) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut same = |what: &str, expected: Json, found: Json| {
        if expected != found {
            wrong.push(format!("{what}: expected {expected}, found {found}"));
        }
    };
    if let Some(word) = &expect.outcome {
        same("outcome", json!(word), json!(seen.outcome));
    }
    if let Some(words) = &expect.woken {
        same("woken", json!(words), json!(seen.woken));
    }
    if let Some(calls) = &expect.calls {
        same("calls", sorted(calls), sorted(&seen.calls));
    }
    if let Some(remains) = &expect.remains {
        same("remains", sorted(remains), sorted(&seen.remains));
    }
    if let Some(todos) = &expect.todos {
        same("todos", sorted(todos), sorted(&new_todos(world, seen.todos_before)));
    }
    let whys: Vec<String> =
        world.todos().iter().skip(seen.todos_before).map(|todo| todo.why.clone()).collect();
    for words in &expect.told {
        let told = whys.iter().any(|why| why.contains(words));
        same(&format!("`{words}` in {whys:?}"), json!(true), json!(told));
    }
    if let Some(open) = &expect.open {
        let open: Vec<String> = open.iter().map(|about| about.replace(" order", " ")).collect();
        same("open todos", sorted(&open), sorted(&world.open()));
    }
    if let Some((expected, key)) = expect.lost.as_ref().zip(order) {
        same("lost", sorted(expected), sorted(&lost(world, key, seen.version_before)));
    }
    if let Some((expected, found)) = expect.waiting.zip(world.waiting()) {
        same("waiting", json!(expected), json!(found));
    }
    if let Some(orders) = &expect.orders {
        let found = world.orders().into_iter().map(|key| world.state(key).order.reference.clone());
        let found: Vec<String> = found.map(|reference| reference.to_string()).collect();
        same("orders", json!(orders), json!(found));
    }
    for event in expect.events.iter().filter(|_| world.tells_events()) {
        same(&format!("event `{event}`"), json!(true), json!(seen.events.contains(event)));
    }
    if let Some(key) = order {
        wrong.extend(state(expect, seen, &world.state(key)));
    }
    wrong
}

/// What was heard since a version and does not stand.
fn lost(world: &dyn World, order: OrderKey, before: u32) -> Vec<String> {
    let deltas = (before + 1..).map_while(|version| world.delta(order, version));
    let mut found = Vec::new();
    for delta in deltas {
        for word in history::lost(&delta) {
            let said = plain(json::value(word.said));
            let said = said.as_str().map_or_else(|| said.to_string(), str::to_owned);
            found.push(format!("{} {said}", word.at.path_of(word.field)));
        }
    }
    found
}

fn new_todos(world: &dyn World, before: usize) -> Vec<String> {
    let todos = world.todos();
    let new = todos.iter().skip(before);
    let kind = |kind| serde_json::to_value(kind).expect("a word");
    new.map(|todo| format!("{}/{}", kind(todo.kind).as_str().unwrap_or("?"), todo.cause)).collect()
}

fn state(expect: &Expect, seen: &Seen, state: &State) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut same = |what: &str, expected: Json, found: Json| {
        if expected != found {
            wrong.push(format!("{what}: expected {expected}, found {found}"));
        }
    };
    let order = &state.order;
    if let Some(changed) = expect.changed {
        same("changed", json!(changed), json!(order.version != seen.version_before));
    }
    if let Some(stage) = &expect.stage {
        same("stage", json!(stage), json!(order.fields.text(known::order::STAGE)));
    }
    for (path, value) in &expect.fields {
        let (at, field) = At::parse_field(path).unwrap_or_else(|| panic!("no field `{path}`"));
        let found = order.get(&at, field);
        let found = found.map_or(json!("absent"), |stated| plain(json::value(&stated)));
        same(path, plain(value.clone()), found);
    }
    if let Some(holds) = &expect.holds {
        let codes = order
            .elements(Collection::Holds)
            .map(|hold| hold.fields.text(known::hold::CODE).unwrap_or_default().to_owned());
        same("holds", sorted(holds), sorted(&codes.collect::<Vec<_>>()));
    }
    if let Some(details) = &expect.details {
        let found = order
            .elements(Collection::Holds)
            .map(|hold| hold.fields.text(known::hold::DETAIL).unwrap_or_default().to_owned());
        same("details of holds", sorted(details), sorted(&found.collect::<Vec<_>>()));
    }
    for (path, number) in &expect.count {
        let collection =
            Collection::parse(path).unwrap_or_else(|| panic!("no collection `{path}`"));
        same(path, json!(number), json!(order.elements(collection).count()));
    }
    for (system, paths) in &expect.conflicts {
        let lane = state.lanes.get(&SystemName::new(system.as_str()));
        let open = lane.map(|lane| lane.open_conflicts.clone()).unwrap_or_default();
        same(&format!("conflicts of {system}"), sorted(paths), sorted(&open));
    }
    wrong.extend(lanes(&expect.lanes, state));
    wrong
}

fn lanes(looks: &BTreeMap<String, LaneLook>, state: &State) -> Vec<String> {
    let mut wrong = Vec::new();
    for (system, look) in looks {
        match state.lanes.get(&SystemName::new(system.as_str())) {
            Some(found) => wrong.extend(lane(system, look, found)),
            None => wrong.push(format!("{system} has no lane")),
        }
    }
    wrong
}

fn lane(system: &str, look: &LaneLook, found: &Lane) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut same = |what: &str, expected: Json, found: Json| {
        if expected != found {
            wrong.push(format!("{what} of {system}: expected {expected}, found {found}"));
        }
    };
    if let Some(code) = &look.code {
        let found = found.code.map_or(json!("none"), |code| json!(code));
        same("code", json!(code), found);
    }
    if let Some(wants) = &look.wants {
        let found: Vec<String> = found.wants.iter().map(|want| want.key.text()).collect();
        let wants: Vec<String> = wants.iter().map(|want| want.replace(" order", " ")).collect();
        same("wants", sorted(&wants), sorted(&found));
    }
    if let Some(given_up) = &look.given_up {
        let found: Vec<String> = found.given_up.keys().cloned().collect();
        let given_up: Vec<String> = given_up.iter().map(|key| key.replace(" order", " ")).collect();
        same("given up", sorted(&given_up), sorted(&found));
    }
    if let Some(due) = look.due {
        same("due", json!(due), json!(found.due_at.is_some()));
    }
    for xref in &look.xrefs {
        let there = found.xrefs.iter().any(|x| format!("{} {}", x.kind, x.ext_id) == *xref);
        same(&format!("reference `{xref}`"), json!(true), json!(there));
    }
    if let Some(acted) = look.may_have_acted {
        let flight = found.flying.as_ref();
        same("may have acted", json!(acted), json!(flight.is_some_and(|f| f.may_have_acted)));
    }
    wrong
}

/// Numbers compare as their shortest text: `2`, `2.0` and `"2"` are one quantity; absent parts of
/// an address are left out.
fn plain(json: Json) -> Json {
    match json {
        Json::Number(number) => json!(number.to_string()),
        Json::String(text) => match text.parse::<f64>() {
            Ok(_) if text.contains('.') => {
                json!(text.trim_end_matches('0').trim_end_matches('.'))
            }
            _ => Json::String(text),
        },
        Json::Object(members) => {
            members.into_iter().map(|(name, value)| (name, plain(value))).collect()
        }
        other => other,
    }
}

fn sorted(texts: &[String]) -> Json {
    let mut texts = texts.to_vec();
    texts.sort_unstable();
    json!(texts)
}

//! Runs `tests/data/order/**/*.yaml`: steps that set fields by keyed paths, and what must hold after
//! each. `UPDATE=1` is not needed: the expectations are the rules themselves and written by hand.

use std::collections::BTreeMap;
use std::path::Path;

use orderhub_order::catalogue::{catalogue, known};
use orderhub_order::fold::Effect;
use orderhub_order::history::seal;
use orderhub_order::ids::{At, Collection, ElementId, OrderKey, SystemName};
use orderhub_order::lane::{Lane, Sent, Xref};
use orderhub_order::model::{Order, State};
use orderhub_order::route::{Plan, plan};
use orderhub_order::settle::{Turn, settle};
use orderhub_order::value::Value;
use serde::Deserialize;
use serde_json::Value as Json;

use crate::world::{World, when};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    why: String,
    /// Default: shop, erp, wms, tms.
    systems: Option<Vec<String>>,
    /// `deliver.when` by rule, over the order.
    #[serde(default)]
    deliver_when: BTreeMap<String, String>,
    steps: Vec<Step>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    /// Keyed path ► value; places that are not there are added.
    #[serde(default)]
    set: BTreeMap<String, Json>,
    /// Elements that are gone.
    #[serde(default)]
    gone: Vec<String>,
    /// Holds that a person releases, by code.
    #[serde(default)]
    release: Vec<String>,
    /// System ► places that it has a reference of (`order` is the order itself).
    #[serde(default)]
    link: BTreeMap<String, Vec<String>>,
    /// System ► wishes that were delivered, as `expect.wants` writes them.
    #[serde(default)]
    deliver: BTreeMap<String, Vec<String>>,
    /// Who spoke.
    by: Option<String>,
    #[serde(default)]
    expect: Expect,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Expect {
    /// Keyed path ► text; null: absent.
    fields: BTreeMap<String, Option<String>>,
    /// `code scope` of all holds.
    holds: Option<Vec<String>>,
    /// System ► `rule place` of all its wishes (facts end in `#`).
    wants: BTreeMap<String, Vec<String>>,
    /// System ► the code of its lane.
    codes: BTreeMap<String, String>,
    /// System ► what its plan says: idle, wait, create, update, single.
    plan: BTreeMap<String, String>,
    /// Causes of the todo items of this step.
    todo: Option<Vec<String>>,
    /// Events that must be among those of this step.
    events: Vec<String>,
}

fn now() -> jiff::Timestamp {
    "2026-01-31T12:00:00Z".parse().unwrap()
}

/// Makes the places of a path, outermost first.
fn reach(order: &mut Order, at: &At) {
    let mut place = At::ROOT;
    for (collection, id) in &at.0 {
        let next = place.with(*collection, id.clone());
        if order.element(&next).is_none() {
            let line = ElementId::new(id.as_str());
            let made = order.add(&place, *collection, Some(&line), None).unwrap();
            assert_eq!(made, next, "elements are numbered in their order");
        }
        place = next;
    }
}

fn set(order: &mut Order, path: &str, json: &Json) {
    let (at, field) = At::parse_field(path).unwrap_or_else(|| panic!("no such path: {path}"));
    reach(order, &at);
    let value = Value::from_json(catalogue().field(field).unwrap(), json);
    order.set(&at, field, value.unwrap_or_else(|error| panic!("{error}")));
}

fn place(text: &str) -> At {
    if text == "order" { At::ROOT } else { At::parse(text).unwrap() }
}

fn lane<'a>(state: &'a mut State, world: &World, system: &str) -> &'a mut Lane {
    let name = SystemName::new(system);
    let role = world.systems.get(&name).unwrap().role;
    state.lanes.made(&name, || Lane::new(name.clone(), role))
}

fn shown(lane: &Lane) -> Vec<String> {
    let fact = |fact: Option<u32>| if fact.is_some() { "#" } else { "" };
    let wants = lane.wants.iter();
    wants
        .map(|want| {
            let place = if want.key.subject.is_root() {
                "order".to_owned()
            } else {
                want.key.subject.to_string()
            };
            format!("{} {place}{}", want.key.rule, fact(want.key.fact))
        })
        .collect()
}

fn act(state: &mut State, world: &World, step: &Step) -> Vec<Effect> {
    let before = state.order.clone();
    for (path, json) in &step.set {
        set(&mut state.order, path, json);
    }
    for path in &step.gone {
        state.order.element_mut(&place(path)).unwrap().gone = true;
    }
    for code in &step.release {
        let holds = state.order.elements_at(&At::ROOT, Collection::Holds);
        let found = holds.iter().find(|(_, h)| h.fields.text(known::hold::CODE) == Some(code));
        let id = found.unwrap_or_else(|| panic!("no hold {code}")).1.id.clone();
        assert!(orderhub_order::holds::release(&mut state.order, id.as_str()));
    }
    for (system, places) in &step.link {
        let lane = lane(state, world, system);
        for text in places {
            let at = place(text);
            let kind = at.collection().entity().unwrap().as_str().into();
            lane.xrefs.push(Xref { kind, at, ext_id: format!("{system}-{text}").into() });
        }
    }
    for (system, keys) in &step.deliver {
        let lane = lane(state, world, system);
        for text in keys {
            let found = shown(lane).iter().position(|key| key == text);
            let found = found.unwrap_or_else(|| panic!("{system} does not want {text}"));
            let want = lane.wants.remove(found);
            lane.sent.insert(want.key.text(), Sent::new(want.version, [0; 16]));
            lane.due_at = None;
        }
    }
    let by = step.by.as_deref().map(SystemName::new);
    let turn = Turn { before: &before, by: by.as_ref(), now: now() };
    let effects = settle(state, turn, &world.rules());
    seal(&before, &mut state.order);
    effects
}

fn compare(state: &State, world: &World, expect: &Expect, effects: &[Effect], why: &str) {
    for (path, wanted) in &expect.fields {
        let (at, field) = At::parse_field(path).unwrap_or_else(|| panic!("no such path: {path}"));
        let found = state.order.value(&at, field);
        let found = found.and_then(|value| value.as_text().map(std::borrow::Cow::into_owned));
        assert_eq!(&found, wanted, "{why}: {path}");
    }
    if let Some(wanted) = &expect.holds {
        let holds = state.order.elements(Collection::Holds);
        let text = |hold: &orderhub_order::model::Element, field| {
            hold.fields.text(field).unwrap_or_default().to_owned()
        };
        let mut found: Vec<String> = holds
            .map(|hold| {
                format!("{} {}", text(hold, known::hold::CODE), text(hold, known::hold::SCOPE))
            })
            .collect();
        found.sort();
        assert_eq!(&found, wanted, "{why}: holds");
    }
    for (system, wanted) in &expect.wants {
        let found = state.lanes.get(system.as_str()).map(|lane| shown(lane)).unwrap_or_default();
        assert_eq!(&found, wanted, "{why}: wants of {system}");
    }
    for (system, wanted) in &expect.codes {
        let code = state.lanes.get(system.as_str()).and_then(|lane| lane.code);
        assert_eq!(&serde_json::to_value(code).unwrap(), wanted, "{why}: code of {system}");
    }
    for (system, wanted) in &expect.plan {
        let found = match plan(state, &SystemName::new(system.as_str()), &world.rules()) {
            Plan::Idle => "idle".to_owned(),
            Plan::Resume(_) => "resume".to_owned(),
            Plan::Wait { .. } => "wait".to_owned(),
            Plan::Skip { .. } => "skip".to_owned(),
            Plan::Send(send) => format!("{:?}", send.choice).to_lowercase(),
        };
        assert_eq!(&found, wanted, "{why}: plan of {system}");
    }
    if let Some(wanted) = &expect.todo {
        let causes = effects.iter().filter_map(|effect| {
            if let Effect::Todo(item) = effect { Some(item.cause.to_string()) } else { None }
        });
        assert_eq!(&causes.collect::<Vec<_>>(), wanted, "{why}: todo");
    }
    for wanted in &expect.events {
        let is =
            |effect: &Effect| matches!(effect, Effect::Event { name, .. } if **name == **wanted);
        assert!(effects.iter().any(is), "{why}: event {wanted}");
    }
}

/// The one place that knows how a case is run.
fn check(path: &Path) {
    let text = std::fs::read_to_string(path).unwrap();
    let cases: Vec<Case> =
        serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    for case in &cases {
        let default = || ["shop", "erp", "wms", "tms"].map(str::to_owned).to_vec();
        let mut world = World::of(&case.systems.clone().unwrap_or_else(default));
        for rule in world.systems.values_mut().flat_map(|system| &mut system.deliver) {
            let text = case.deliver_when.get(&*rule.id);
            rule.when = text.map(|text| when(text, Collection::Root));
        }
        let order =
            Order::new(OrderKey(7), "shop-1001".into(), SystemName::new("shop"), "default".into());
        let mut state = State::new(order);
        lane(&mut state, &world, "shop").xrefs.push(Xref {
            kind: "order".into(),
            at: At::ROOT,
            ext_id: "1".into(),
        });
        for (number, step) in case.steps.iter().enumerate() {
            let why = format!("{}: {}: step {}", path.display(), case.why, number + 1);
            let effects = act(&mut state, &world, step);
            compare(&state, &world, &step.expect, &effects, &why);
            let sealed = state.order.clone();
            settle(&mut state, Turn { before: &sealed, by: None, now: now() }, &world.rules());
            assert_eq!(state.order, sealed, "{why}: settling again changes nothing");
        }
    }
}

fn all(subject: &str) {
    let folder = format!("{}/../../tests/data/order/{subject}", env!("CARGO_MANIFEST_DIR"));
    let mut files: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty());
    files.iter().for_each(|path| check(path));
}

#[test]
fn derived_values_follow_the_rules() {
    all("derive");
}

#[test]
fn releases_fire_and_lanes_want_what_the_flow_says() {
    all("flow");
}

//! Plays a story against a world.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use orderhub_order::catalogue::{catalogue, known};
use orderhub_order::fold::{Act, Outcome, PersonAct, Remains, remainder, restorable};
use orderhub_order::ids::{At, Collection, OrderKey, Role, SystemName};
use serde_json::json;

use super::deliver::{Found, Taken, answer, block, give_up, look, not_given, say, take_off};
use super::expect::{Seen, compare};
use super::read::{contribution, value};
use super::story::{Answer, Blocked, Person, Step, Story};
use super::world::{Settings, Told, World};

/// Plays all steps and says everything that does not hold, each with its step.
pub fn play(story: &Story, settings: &Settings, world: &mut dyn World) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut settings = settings.clone();
    let mut looks = BTreeMap::new();
    for (number, step) in story.steps.iter().enumerate() {
        let order = order(world, step);
        let mut seen = Seen {
            todos_before: world.todos().len(),
            version_before: order.map_or(0, |key| world.state(key).order.version),
            ..Seen::default()
        };
        if let Some(rename) = &step.rename {
            settings.rename(rename);
            world.switch(&settings);
        }
        happen(step, &settings, world, order, &mut seen);
        if let Some(order) = order {
            looks_at(step, &settings, world, order, (&mut looks, &mut seen));
        }
        let Some(expect) = &step.expect else { continue };
        let order = self::order(world, step);
        for difference in compare(expect, &seen, world, order) {
            let note = step.note.as_deref().unwrap_or_default();
            wrong.push(format!("step {} ({note}): {difference}", number + 1));
        }
    }
    wrong
}

/// The order a step is about: the one it names, else the first.
fn order(world: &dyn World, step: &Step) -> Option<OrderKey> {
    let orders = world.orders();
    match &step.order {
        None => orders.first().copied(),
        Some(name) => orders.into_iter().find(|key| *world.state(*key).order.reference == **name),
    }
}

fn happen(
    step: &Step,
    settings: &Settings,
    world: &mut dyn World,
    order: Option<OrderKey>,
    seen: &mut Seen,
) {
    if let Some(document) = &step.document {
        let system = settings.systems.get(&SystemName::new(document.system.as_str()));
        let channel = system.is_some_and(|system| system.role == Role::Channel);
        let told = world.document(&contribution(document, channel), document.id.as_deref());
        note(seen, told.word.to_owned(), told);
        return;
    }
    if let Some(about) = &step.discard {
        world.discard(&about.replace(" order", " "));
    }
    if let Some(seconds) = step.wait {
        world.advance(SignedDuration::from_secs(seconds));
        for key in world.orders() {
            let (outcome, told) = world.act(key, &Act::Tick);
            note(seen, word(&outcome), told);
        }
        return;
    }
    let Some(order) = order else { return };
    if let Some(systems) = &step.drain {
        drain(systems, settings, world, order, seen);
    }
    if let Some(system) = step.deliver.as_ref().or(step.fly.as_ref()) {
        let system = SystemName::new(system.as_str());
        if let Taken::Call(call) = take_off(world, settings, order, &system) {
            seen.calls.push(call);
            if step.deliver.is_some() {
                let said = step.answer.clone().unwrap_or_default();
                let (outcome, told) = answer(world, order, &system, &said);
                note(seen, word(&outcome), told);
            }
        }
    }
    if let Some(system) = &step.receipt {
        let said = step.answer.clone().unwrap_or_default();
        let (outcome, told) = answer(world, order, &SystemName::new(system.as_str()), &said);
        note(seen, word(&outcome), told);
    }
    if let Some(system) = &step.down {
        let system = SystemName::new(system.as_str());
        if let Some((outcome, told)) = give_up(world, settings, order, &system) {
            note(seen, word(&outcome), told);
        }
    }
    if let Some(system) = &step.unfit {
        let system = SystemName::new(system.as_str());
        if let Some((outcome, told)) = not_given(world, settings, order, &system) {
            note(seen, word(&outcome), told);
        }
    }
    if let Some(person) = &step.person {
        acts(person, settings, world, order, seen);
    }
}

/// The deliverer looks at a lane, says later what it has found, or finds something in its way.
fn looks_at(
    step: &Step,
    settings: &Settings,
    world: &mut dyn World,
    order: OrderKey,
    (looks, seen): (&mut BTreeMap<SystemName, Found>, &mut Seen),
) {
    if let Some(system) = &step.look {
        let system = SystemName::new(system.as_str());
        let found = look(world, settings, order, &system);
        looks.insert(system, found);
    }
    if let Some(system) = &step.looked {
        let system = SystemName::new(system.as_str());
        let found = looks.remove(&system).unwrap_or_else(|| panic!("nobody looks at {system}"));
        if let Some((outcome, told, call)) = say(world, order, &system, found) {
            seen.calls.extend(call);
            note(seen, word(&outcome), told);
        }
    }
    if let Some(Blocked { system, code }) = &step.blocked {
        let system = SystemName::new(system.as_str());
        let code = serde_json::from_value(json!(code)).unwrap_or_else(|_| panic!("no `{code}`"));
        if let Some((outcome, told)) = block(world, settings, order, (&system, code)) {
            note(seen, word(&outcome), told);
        }
    }
}

fn acts(
    person: &Person,
    settings: &Settings,
    world: &mut dyn World,
    order: OrderKey,
    seen: &mut Seen,
) {
    let act = Act::Person(person_act(person, settings, world, order));
    let (outcome, told) = world.act(order, &act);
    note(seen, word(&outcome), told);
    if let Some(version) = person.restore {
        let then = world.at(order, version);
        let left = remainder(&world.state(order), &then, &settings.rules(), false);
        let line = |one: &Remains| format!("{} {}", one.path, json!(one.why).as_str().unwrap());
        seen.remains = left.iter().map(line).collect();
    }
}

/// Serves lanes until none has anything to send. Every target says yes.
fn drain(
    systems: &[String],
    settings: &Settings,
    world: &mut dyn World,
    order: OrderKey,
    seen: &mut Seen,
) {
    for _ in 0..100 {
        let mut rested = true;
        for system in systems {
            let system = SystemName::new(system.as_str());
            if let Taken::Call(call) = take_off(world, settings, order, &system) {
                rested = false;
                seen.calls.push(call);
                let (outcome, told) = answer(world, order, &system, &Answer::default());
                note(seen, word(&outcome), told);
            }
        }
        if rested {
            return;
        }
    }
    panic!("the lanes never rest: {:?}", seen.calls);
}

fn person_act(
    person: &Person,
    settings: &Settings,
    world: &dyn World,
    order: OrderKey,
) -> PersonAct {
    let state = world.state(order);
    let seen = person.seen.unwrap_or(state.order.version);
    if let Some(to) = person.restore {
        let puts = restorable(&state, &world.at(order, to), &settings.rules());
        return PersonAct::Restore { seen, to, puts };
    }
    if let Some(code) = &person.release {
        let hold = state
            .order
            .elements(Collection::Holds)
            .find(|hold| hold.fields.text(known::hold::CODE) == Some(code.as_str()));
        let hold = hold.unwrap_or_else(|| panic!("no hold `{code}` stands")).id.to_string();
        return PersonAct::ReleaseHold { hold: hold.into() };
    }
    if let Some(system) = &person.resend {
        return PersonAct::Resend { system: SystemName::new(system.as_str()), all: person.all };
    }
    if let Some(system) = &person.settle {
        let system = SystemName::new(system.as_str());
        let about = person.about.as_deref().map(|key| key.replace(" order", " ").into());
        return PersonAct::Settle { system, again: person.again, about };
    }
    let values = person.edit.iter().map(|(path, json)| {
        let (at, field) = At::parse_field(path).unwrap_or_else(|| panic!("no field `{path}`"));
        let field = catalogue().field(field).expect("a field");
        (at, field.id, value(field, json))
    });
    PersonAct::Edit { seen, values: values.collect() }
}

fn note(seen: &mut Seen, outcome: String, told: Told) {
    seen.outcome = outcome;
    seen.events.extend(told.events);
    seen.woken.extend(told.woken.iter().map(|word| (*word).to_owned()));
}

fn word(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Applied { .. } => "applied".to_owned(),
        Outcome::Unchanged => "unchanged".to_owned(),
        Outcome::Stale => "stale".to_owned(),
        Outcome::WaitForLane => "waiting".to_owned(),
        Outcome::Todo(_) => "todo".to_owned(),
        Outcome::Refused(code) => format!("refused {code:?}"),
    }
}

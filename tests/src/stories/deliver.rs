//! The deliverer of the stories: plan, projection, flight, receipt; as the program does it, without
//! mappings and without a network.

use jiff::SignedDuration;
use orderhub_order::catalogue::FieldId;
use orderhub_order::contribution::{Contribution, Stated};
use orderhub_order::fold::{Act, Outcome, Receipt, ReceiptClass};
use orderhub_order::ids::{At, Collection, Entity, OrderKey, SystemName};
use orderhub_order::lane::{Flight, LaneCode, WantKey, Xref};
use orderhub_order::model::{Element, Order, State};
use orderhub_order::route::{Plan, plan, without};
use sha2::{Digest, Sha256};

use super::read::{at, revision, statement};
use super::story::Answer;
use super::world::{Settings, Told, World};

/// What the deliverer did with a lane.
#[derive(Debug)]
pub enum Taken {
    /// A call left: `system operation subject`.
    Call(String),
    /// Nothing is to be sent now.
    Nothing,
}

/// Takes the next call of a lane off, if there is one; wishes that need none are settled on the way.
pub fn take_off(
    world: &mut dyn World,
    settings: &Settings,
    order: OrderKey,
    system: &SystemName,
) -> Taken {
    match next(world, settings, order, system) {
        Some(flight) => fly(world, order, system, flight),
        None => Taken::Nothing,
    }
}

/// The system is down: gives up the next call of a lane; `None`: there is none.
pub fn give_up(
    world: &mut dyn World,
    settings: &Settings,
    order: OrderKey,
    system: &SystemName,
) -> Option<(Outcome, Told)> {
    let flight = Box::new(next(world, settings, order, system)?);
    let why = "as the story says".to_owned();
    Some(world.act(order, &Act::Down { system: system.clone(), flight, why }))
}

/// The files make no call of what a lane would send next; `None`: that is nothing.
pub fn not_given(
    world: &mut dyn World,
    settings: &Settings,
    order: OrderKey,
    system: &SystemName,
) -> Option<(Outcome, Told)> {
    let Flight { want, version, .. } = next(world, settings, order, system)?;
    let (system, why) = (system.clone(), "as the story says".to_owned());
    Some(world.act(order, &Act::Unfit { system, want, version, why }))
}

/// What the deliverer finds that looks at a lane.
#[derive(Debug)]
pub enum Found {
    /// Nothing is to be done now.
    Nothing,
    /// A wish needs no call.
    Skip(Box<Act>),
    /// A call, to be taken off.
    Call(Box<Flight>),
}

/// The next call of a lane; wishes that need none are settled on the way.
fn next(
    world: &mut dyn World,
    settings: &Settings,
    order: OrderKey,
    system: &SystemName,
) -> Option<Flight> {
    for _ in 0..100 {
        match look(world, settings, order, system) {
            Found::Nothing => return None,
            Found::Call(flight) => return Some(*flight),
            Found::Skip(act) => {
                let outcome = world.act(order, &act).0;
                assert!(matches!(outcome, Outcome::Applied { .. }), "{outcome:?}");
            }
        }
    }
    panic!("the lane of {system} never rests");
}

/// Looks at a lane once, and changes nothing.
pub fn look(world: &dyn World, settings: &Settings, order: OrderKey, system: &SystemName) -> Found {
    let state = world.state(order);
    let rules = settings.rules();
    // Whoever takes it off meanwhile raises the lane's.
    let fence = state.lanes.get(system).map_or(0, |lane| lane.fence) + 1;
    match plan(&state, system, &rules) {
        Plan::Idle | Plan::Wait { .. } => Found::Nothing,
        Plan::Skip { key, version, code } => {
            Found::Skip(Box::new(skip(system, (key, version, code, None))))
        }
        Plan::Resume(flight) if flight.in_air => Found::Nothing,
        Plan::Resume(flight) => Found::Call(Box::new(Flight { fence, ..flight.clone() })),
        Plan::Send(send) => {
            let values = values(&state.order, settings, system, &send.want.key);
            let hash = hash(settings, system, &values);
            let key = send.want.key.clone();
            let sent = state.lanes.get(system).unwrap().sent.get(&key.text());
            if !send.want.whole && sent.is_some_and(|sent| sent.hash == hash) {
                let code = LaneCode::ProjectionEqual;
                let act = skip(system, (key, state.order.version, code, Some(hash)));
                return Found::Skip(Box::new(act));
            }
            let operation = send.operation;
            let what = (key, &*operation.name, operation.entity, operation.creates);
            let in_steps = settings.shapes.in_steps.contains(&*operation.name);
            let without = without(&state, system, &what.0, &rules);
            let flight = fresh(&state, system, what, (values, hash));
            Found::Call(Box::new(Flight { in_steps, without, fence, ..flight }))
        }
    }
}

/// Says what a look has found: settles the wish, or takes the call off, unless the order says otherwise by now. `None`:
/// there was nothing to be said; else also the call, if one left.
pub fn say(
    world: &mut dyn World,
    order: OrderKey,
    system: &SystemName,
    found: Found,
) -> Option<(Outcome, Told, Option<String>)> {
    match found {
        Found::Nothing => None,
        Found::Skip(act) => {
            let (outcome, told) = world.act(order, &act);
            Some((outcome, told, None))
        }
        Found::Call(flight) => {
            let (outcome, told, call) = leave(world, order, system, *flight);
            let left = matches!(outcome, Outcome::Applied { .. });
            Some((outcome, told, left.then_some(call)))
        }
    }
}

/// Something stands in the way of the next call of a lane; `None`: there is none.
pub fn block(
    world: &mut dyn World,
    settings: &Settings,
    order: OrderKey,
    (system, code): (&SystemName, LaneCode),
) -> Option<(Outcome, Told)> {
    let Flight { want, version, .. } = next(world, settings, order, system)?;
    Some(world.act(order, &skip(system, (want, version, code, None))))
}

fn fly(world: &mut dyn World, order: OrderKey, system: &SystemName, flight: Flight) -> Taken {
    match leave(world, order, system, flight) {
        (Outcome::Applied { .. }, _, call) => Taken::Call(call),
        (other, _, _) => panic!("what was planned does not fly: {other:?}"),
    }
}

fn leave(
    world: &mut dyn World,
    order: OrderKey,
    system: &SystemName,
    mut flight: Flight,
) -> (Outcome, Told, String) {
    flight.process = world.process();
    flight.deadline = world.now().checked_add(SignedDuration::from_secs(60)).expect("a time");
    let subject = if flight.want.subject.is_root() {
        "order".to_owned()
    } else {
        flight.want.subject.to_string()
    };
    let call = format!("{system} {} {subject}", flight.operation);
    let act = Act::Fly { system: system.clone(), flight: Box::new(flight) };
    let (outcome, told) = world.act(order, &act);
    (outcome, told, call)
}

fn skip(
    system: &SystemName,
    (want, version, code, hash): (WantKey, u32, LaneCode, Option<[u8; 16]>),
) -> Act {
    Act::Skip { system: system.clone(), want, version, code, hash, until: None }
}

fn fresh(
    state: &State,
    system: &SystemName,
    (want, operation, entity, creates): (WantKey, &str, Entity, bool),
    (values, hash): (Vec<(At, FieldId, Stated)>, [u8; 16]),
) -> Flight {
    let version = state.order.version;
    Flight {
        key: format!("{system} {operation} {} v{version}", want.text()).into(),
        want,
        operation: operation.into(),
        entity,
        creates,
        in_steps: false,
        attempt: 1,
        fence: 0,
        deadline: jiff::Timestamp::UNIX_EPOCH,
        version,
        bundle: "story".into(),
        inputs: hash.to_vec(),
        hash,
        memo: Vec::new(),
        values,
        without: Vec::new(),
        may_have_acted: false,
        decided: false,
        awaits: false,
        wrote: false,
        process: 0,
        in_air: false,
        began: None,
        called: None,
    }
}

/// The values that a mapping of the rule would write for a subject.
pub fn values(
    order: &Order,
    settings: &Settings,
    system: &SystemName,
    want: &WantKey,
) -> Vec<(At, FieldId, Stated)> {
    let rules = settings.rules();
    let reads = rules.shapes.reads(system, &want.rule);
    let mut found = Vec::new();
    each(order, &mut |at, element| {
        let near = at.is_root()
            || at.within(&want.subject)
            || at.0.first().is_some_and(|(collection, _)| *collection == Collection::Lines);
        let record = element.map_or(&order.fields, |element| &element.fields);
        for (field, value) in record.iter().filter(|(field, _)| near && reads.contains(*field)) {
            found.push((at.clone(), field, value.clone()));
        }
    });
    found
}

fn each(order: &Order, see: &mut impl FnMut(&At, Option<&Element>)) {
    fn inner(
        at: &At,
        collection: Collection,
        element: &Element,
        see: &mut impl FnMut(&At, Option<&Element>),
    ) {
        if element.gone {
            return;
        }
        let at = at.with(collection, element.id.clone());
        see(&at, Some(element));
        for (collection, elements) in &element.collections {
            elements.iter().for_each(|element| inner(&at, *collection, element, see));
        }
    }
    see(&At::ROOT, None);
    for (collection, elements) in &order.collections {
        elements.iter().for_each(|element| inner(&At::ROOT, *collection, element, see));
    }
}

/// The hash of the document as the system would be given it.
fn hash(settings: &Settings, system: &SystemName, values: &[(At, FieldId, Stated)]) -> [u8; 16] {
    let rules = settings.rules();
    let mut text = String::new();
    for (at, field, value) in values {
        let value = rules.shapes.canon(system, *field, value);
        text.push_str(&format!("{at} {field:?} {value:?}\n"));
    }
    let whole: [u8; 32] = Sha256::digest(text.as_bytes()).into();
    whole[..16].try_into().expect("16 bytes")
}

/// Answers the call in the air.
pub fn answer(
    world: &mut dyn World,
    order: OrderKey,
    system: &SystemName,
    answer: &Answer,
) -> (Outcome, Told) {
    let state = world.state(order);
    let lane = state.lanes.get(system).unwrap();
    let flight = lane.flying.as_ref().unwrap_or_else(|| panic!("nothing flies to {system}"));
    let class = class(answer.class.as_deref().unwrap_or("ok"));
    let made = matches!(class, ReceiptClass::Ok | ReceiptClass::Already) && flight.creates;
    let subject = &flight.want.subject;
    // Unique at the system: `erp-1`, `wms-F1`; of later orders `erp-2`, `wms-2-F1`.
    let default = match subject.id() {
        None => format!("{system}-{}", order.0),
        Some(id) if order.0 == 1 => format!("{system}-{id}"),
        Some(id) => format!("{system}-{}-{id}", order.0),
    };
    let id = answer.id.clone().unwrap_or(if made { default } else { String::new() });
    let mut xrefs = Vec::new();
    if !id.is_empty() {
        let kind = flight.entity.as_str().into();
        xrefs.push(Xref { kind, at: subject.clone(), ext_id: id.as_str().into() });
    }
    for (place, kinds) in &answer.xrefs {
        for (kind, id) in kinds {
            let kind = kind.as_str().into();
            xrefs.push(Xref { kind, at: at(place), ext_id: id.as_str().into() });
        }
    }
    let receipt = Receipt {
        system: system.clone(),
        fence: flight.fence - answer.fences_ago,
        class,
        wrote: answer.wrote,
        xrefs,
        reply: answer.reply.as_ref().map(|says| Contribution {
            system: system.clone(),
            document: "reply".into(),
            entity: flight.entity,
            key: id.as_str().into(),
            parents: Vec::new(),
            creates: false,
            revision: answer.revision.as_ref().map(revision),
            body: statement(subject.collection(), says),
        }),
        why: "as the story says".to_owned(),
        memo: answer.memo.clone().into_bytes(),
        next_due: answer
            .retry_in
            .map(|s| world.now().checked_add(SignedDuration::from_secs(s)).expect("a time")),
    };
    world.act(order, &Act::Receipt(Box::new(receipt)))
}

fn class(word: &str) -> ReceiptClass {
    serde_json::from_value(serde_json::json!(word)).unwrap_or_else(|_| panic!("no class `{word}`"))
}

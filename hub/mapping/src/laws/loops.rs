//! Whether two systems could push a field back and forth.
//!
//! For each field that two integrations are sent and may change, one value goes round: the hub sends it to both,
//! each gives back what its rules make of it, and what the fold would take for a change of that system becomes
//! the hub's value and goes out again. The fold's own protections are played along: the canonical form of each
//! system, what it stated last, what both agreed on, and the last values that it was sent.
//!
//! **Invariant:** a pair that is named is named with the values of its rounds. Test: `every_loop_has_a_case`.

use std::collections::BTreeMap;
use std::sync::Arc;

use orderhub_lang::diagnostic::Diagnostic;
use orderhub_order::catalogue::{Field, Kind, Owner, catalogue};
use orderhub_order::flow::Ownership;
use orderhub_order::ids::Role;
use orderhub_order::lane::MOST_IN_RING;
use orderhub_order::value::{Address, Value};

use super::ends::{Ends, In, Key, Out, Used};
use super::find::through;
use super::trip::{Change, Road, Trip};
use super::{Place, generate, shrink, words};
use crate::codes;
use crate::integration::{Chains, Integration};

/// Rounds after which values must have settled: as many as the fold remembers of what it sent.
const ROUNDS: usize = MOST_IN_RING;
/// Values that go round for each field and pair.
const TRIED: usize = 20;
/// Values of rounds that a message shows.
const SHOWN: usize = 4;

/// An integration that is sent a field and may change it.
struct Party<'i> {
    integration: &'i Integration,
    chains: &'i Chains,
    ends: &'i Ends<'i>,
}

/// What the hub remembers of a system's field.
#[derive(Default)]
struct Memory {
    stated: Option<Value>,
    base: Option<Value>,
    /// One a round, so not more than [`ROUNDS`].
    sent: Vec<Value>,
}

/// How a value ended.
enum Ended {
    /// As it was.
    Kept,
    /// As another, by what one party gave back: which.
    Replaced(usize, Vec<Value>),
    /// It goes on.
    Never(Vec<Value>),
}

/// Pairs that do not settle (`M0504`), and values that a system's echo replaces (`M0505`).
pub fn loops(integrations: &[Arc<Integration>], ownership: &Ownership) -> Vec<Diagnostic> {
    let used: Vec<Used<'_>> = integrations.iter().map(|one| Used::of(one)).collect();
    let ends: Vec<BTreeMap<Key, Ends<'_>>> = used.iter().map(Used::ends).collect();
    let chains: Vec<Chains> = integrations.iter().map(|one| Chains::of(one)).collect();
    let mut fields: BTreeMap<&Key, Vec<Party<'_>>> = BTreeMap::new();
    for ((integration, ends), chains) in integrations.iter().zip(&ends).zip(&chains) {
        for (key, ends) in ends {
            let field = catalogue().field(key.id);
            let may = field.is_some_and(|field| writes(integration, field, ownership));
            if may && !ends.ins.is_empty() && !ends.outs.is_empty() {
                fields.entry(key).or_default().push(Party { integration, chains, ends });
            }
        }
    }
    let mut found = Vec::new();
    for (key, parties) in &fields {
        for (place, one) in parties.iter().enumerate() {
            for other in parties.get(place + 1..).unwrap_or_default() {
                found.extend(pair(key, one, other));
            }
        }
    }
    found
}

/// Whether systems of an integration may write a field, in any state of an order.
fn writes(integration: &Integration, field: &Field, ownership: &Ownership) -> bool {
    if !matches!(field.kind, Kind::Given | Kind::Atomic | Kind::Fact) {
        return false;
    }
    let path = field.full_path();
    let below = |prefix: &str| {
        path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    let owns = integration.owns.as_ref();
    if owns.is_some_and(|owns| !owns.iter().any(|prefix| below(prefix))) {
        return false;
    }
    let role = integration.role;
    let is = |owner: &Owner| match owner {
        Owner::Role(owner) => *owner == role,
        Owner::Service => role == Role::Crm,
        Owner::Any => true,
        Owner::Hub => false,
    };
    field.owners.iter().any(is) || ownership.owners(field.id).any(is)
}

fn pair(key: &Key, one: &Party<'_>, other: &Party<'_>) -> Option<Diagnostic> {
    let mut values = generate::values(key, TRIED);
    let mut tried: Vec<Value> = Vec::new();
    for party in [one, other] {
        for read in &party.ends.ins {
            let road = Road::alone(key, read.chain().unwrap_or_default(), &read.rule.none);
            tried.extend(road.map(|road| road.words()).unwrap_or_default());
        }
        for out in party.ends.outs.iter().filter(|out| out.alone) {
            tried.extend(
                Road::alone(key, out.chain(), &[]).map(|road| road.words()).unwrap_or_default(),
            );
        }
    }
    values.splice(0..0, tried);
    let mut replaced = None;
    for value in &values {
        match round(key, [one, other], value) {
            Ended::Kept => {}
            Ended::Replaced(..) => {
                replaced.get_or_insert_with(|| value.clone());
            }
            Ended::Never(_) => {
                let shows =
                    |value: &Value| matches!(round(key, [one, other], value), Ended::Never(_));
                let value = shrink::shrink(value, &key.ty(), &shows, super::judge::MOST_STEPS);
                let Ended::Never(course) = round(key, [one, other], &value) else { return None };
                return Some(endless(key, [one, other], &course));
            }
        }
    }
    let value = replaced?;
    let shows = |value: &Value| matches!(round(key, [one, other], value), Ended::Replaced(..));
    let value = shrink::shrink(&value, &key.ty(), &shows, super::judge::MOST_STEPS);
    let Ended::Replaced(who, course) = round(key, [one, other], &value) else { return None };
    Some(replaced_by(key, if who == 0 { one } else { other }, &course))
}

/// One value, sent to both and given back, until nobody changes it any more.
fn round(key: &Key, parties: [&Party<'_>; 2], value: &Value) -> Ended {
    let mut memories = [Memory::default(), Memory::default()];
    let mut current = value.clone();
    let (mut course, mut first) = (vec![value.clone()], None);
    for _ in 0..ROUNDS {
        let mut moved = false;
        for (who, (party, memory)) in parties.iter().zip(&mut memories).enumerate() {
            let same = |a: &Value, b: &Value| party.same(key, a, b);
            if memory.base.as_ref().is_some_and(|base| same(base, &current)) {
                continue;
            }
            let Some(echo) = party.echo(key, &current) else { continue };
            memory.sent.push(current.clone());
            let known = same(&current, &echo)
                || [&memory.stated, &memory.base]
                    .into_iter()
                    .flatten()
                    .any(|known| same(known, &echo))
                || memory.sent.iter().any(|sent| same(sent, &echo));
            memory.stated = Some(echo.clone());
            if known {
                memory.base = Some(current.clone());
                continue;
            }
            memory.base = Some(echo.clone());
            current = echo;
            course.push(current.clone());
            first.get_or_insert(who);
            moved = true;
        }
        if !moved {
            return first.map_or(Ended::Kept, |who| Ended::Replaced(who, course));
        }
    }
    Ended::Never(course)
}

impl<'i> Party<'i> {
    /// As the fold compares values of this system. Entries of a map are compared as they stand.
    fn same(&self, key: &Key, a: &Value, b: &Value) -> bool {
        let canon = |value: &Value| {
            let whole = match &key.part {
                None => value.clone(),
                Some(part) => address(part, value)?,
            };
            Some(self.chains.canon(key.id, &Some(whole)))
        };
        a == b || canon(a).is_some_and(|a| canon(b) == Some(a))
    }

    /// What the system gives back of a value: by the rule that reads the place that was written, if there is one.
    fn echo(&self, key: &Key, value: &Value) -> Option<Value> {
        let pairs = || {
            self.ends.outs.iter().flat_map(|out| self.ends.ins.iter().map(move |read| (out, read)))
        };
        let direct = pairs().find(|(out, read)| out.is(read) || out.same_place(read));
        let back = |trip: Trip| match trip {
            Trip::Same => Some(value.clone()),
            Trip::Changed(Change { back, .. }) => back.flatten(),
            Trip::Refused(..) | Trip::Held(_) | Trip::Unreadable(..) => None,
        };
        if let Some((out, read)) = direct {
            return back(Road::of(key, out, read)?.trip(value));
        }
        pairs().find_map(|(out, read)| {
            let written = Road::alone(key, out.chain(), &[]).filter(|_| out.alone)?;
            let shown = Road::alone(key, read.chain()?, &read.rule.none)?;
            back(through(&written, &shown, value))
        })
    }

    /// At the rule that writes the field.
    fn finding(&self, code: &'static str, message: String) -> Diagnostic {
        match self.places() {
            Some((written, _)) => Diagnostic::error(code, &written.source, written.span, message),
            None => Diagnostic::error(code, &self.integration.source, Default::default(), message),
        }
    }

    fn places(&self) -> Option<(Place, Place)> {
        let (out, read) = (self.ends.outs.first()?, self.ends.ins.first()?);
        let place = |source, span| Place { source: Arc::clone(source), span };
        let written = place(&out.mapping.source, Out::info(out)?.span);
        Some((written, place(&read.mapping.source, In::info(read)?.span)))
    }
}

/// An address of one part; `None`: it is no part of one.
fn address(part: &str, value: &Value) -> Option<Value> {
    let mut address = Address::default();
    *address.part_mut(part)? = Some(value.as_str()?.into());
    Some(Value::Address(Arc::new(address)))
}

/// The values of the first rounds.
fn shown(course: &[Value]) -> String {
    let shown: Vec<String> = course.iter().take(SHOWN).map(words::shown).collect();
    shown.join(", then ")
}

fn endless(key: &Key, [one, other]: [&Party<'_>; 2], course: &[Value]) -> Diagnostic {
    let (a, b) = (&one.integration.name, &other.integration.name);
    let (path, course) = (key.path(), shown(course));
    let message =
        format!("`{path}` goes back and forth between `{a}` and `{b}`: {course}, and so on");
    let far = other
        .places()
        .map(|(written, read)| format!(" (`{b}` writes it at {written}, reads it at {read})"));
    let far = far.unwrap_or_default();
    one.finding(codes::LOOP, message).with_label("it never settles").with_hint(format!(
        "let each read what it was sent, or let one only read or only write it{far}"
    ))
}

fn replaced_by(key: &Key, party: &Party<'_>, course: &[Value]) -> Diagnostic {
    let (name, path, course) = (&party.integration.name, key.path(), shown(course));
    let message =
        format!("what `{name}` gives back of `{path}` replaces what it was sent: {course}");
    let read = party.places().map(|(_, read)| format!("; {read} reads it")).unwrap_or_default();
    party
        .finding(codes::ECHO, message)
        .as_warning()
        .with_label("its echo is taken for a change")
        .with_hint(format!("let it read what it was sent, or say `direction:`{read}"))
}

//! Who may write what: by bound role, narrowed by `owns:`, changed by `ownership.yaml`.
//!
//! **Invariant:** a system that is not bound to the order in an owning role changes nothing of it:
//! the second shop cannot touch the first shop's order. Story `same-number-twice`.

use std::borrow::Cow;

use super::field::Spot;
use super::judge::{Standing, Writer};
use super::work::Speaker;
use crate::catalogue::{Field, Owner, catalogue, known};
use crate::flow::Others;
use crate::ids::{At, Collection, ElementId, Role, SystemName};
use crate::lane::Lane;
use crate::model::{Order, State};
use crate::rules::Rules;

/// The system that holds a role for a thing of the order: elements of a fulfilment go by their
/// warehouse, all else by what is bound.
fn holder<'a>(order: &'a Order, role: Role, at: &At) -> Option<Cow<'a, str>> {
    if role == Role::Wms
        && let Some(system) = warehouse(order, at)
    {
        return Some(system.into());
    }
    order.bound.get(&role).map(|system| system.as_str().into())
}

/// The warehouse of the fulfilment that `at` is, stands in, or was shipped for.
fn warehouse(order: &Order, at: &At) -> Option<String> {
    let (collection, id) = at.0.first()?;
    let fulfilment = if *collection == Collection::Fulfilments {
        At::of(Collection::Fulfilments, id.clone())
    } else if *collection == Collection::Shipments {
        let shipment = At::of(Collection::Shipments, id.clone());
        let named = order.record(&shipment)?.value(known::shipment::FULFILMENT)?.as_ours()?;
        At::of(Collection::Fulfilments, ElementId::new(named))
    } else {
        return None;
    };
    order.record(&fulfilment)?.text(known::fulfilment::SYSTEM).map(str::to_owned)
}

/// Whether a system acts in a role for a thing of the order.
fn acts_as(order: &Order, system: &SystemName, role: Role, as_role: Role, at: &At) -> bool {
    role == as_role && holder(order, as_role, at).is_some_and(|held| held == system.as_str())
}

fn is_owner(order: &Order, owner: Owner, system: &SystemName, role: Role, at: &At) -> bool {
    match owner {
        Owner::Role(owner) => acts_as(order, system, role, owner, at),
        Owner::Service => acts_as(order, system, role, Role::Crm, at),
        Owner::Any => true,
        Owner::Hub => false,
    }
}

/// The system's place among the owners of a field, by catalogue or exception, narrowed by `owns:`.
fn place(
    state: &State,
    rules: &Rules<'_>,
    (system, role): (&SystemName, Role),
    at: &At,
    (field, owners): (&Field, &[Owner]),
) -> Option<usize> {
    let owns = rules.systems.get(system).and_then(|system| system.owns.as_deref());
    if owns.is_some_and(|owns| !owns.iter().any(|prefix| below(field, prefix))) {
        return None;
    }
    owners.iter().position(|owner| is_owner(&state.order, *owner, system, role, at))
}

/// Whether the field stands at or below a dotted prefix of the catalogue.
fn below(field: &Field, prefix: &str) -> bool {
    let path = field.full_path();
    let rest = path.strip_prefix(prefix);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// By what right a speaker states a field.
pub(super) fn standing(
    state: &State,
    rules: &Rules<'_>,
    speaker: &Speaker<'_>,
    spot: &Spot<'_>,
) -> Standing {
    let Spot { at, field } = *spot;
    let exception = rules.ownership.exception(&state.order, at, field.id);
    let owners = exception.as_ref().map_or(field.owners.as_slice(), |rule| rule.owners);
    let who = (speaker.system, speaker.role);
    if let Some(place) = place(state, rules, who, at, (field, owners)) {
        return Standing::Owner(place);
    }
    let others = exception.as_ref().map_or(Others::Keep, |rule| rule.others);
    let element = state.order.element(at);
    let added = element.is_some_and(|e| e.added_by.as_ref() == Some(speaker.system));
    if exception.is_none() && added && !owner_spoke(state, rules, speaker.system, spot) {
        return Standing::Adder;
    }
    Standing::Foreign(others)
}

/// Whether an owner of the field, other than `but`, has stated it.
fn owner_spoke(state: &State, rules: &Rules<'_>, but: &SystemName, spot: &Spot<'_>) -> bool {
    let owners = (spot.field, spot.field.owners.as_slice());
    let stated = |lane: &Lane| spot.state(lane).is_some_and(|field| field.stated.is_some());
    state.lanes.iter().any(|lane| {
        lane.system != *but
            && stated(lane)
            && place(state, rules, (&lane.system, lane.role), spot.at, owners).is_some()
    })
}

/// Who wrote the order's value of a field, by the same list of owners as who speaks.
///
/// **Invariant:** the first of the owners of now wins, whoever speaks last. Rules `owners-listed`, `owner-alone`.
pub(super) fn writer(
    state: &State,
    rules: &Rules<'_>,
    speaker: &Speaker<'_>,
    spot: &Spot<'_>,
) -> Writer {
    let Spot { at, field } = *spot;
    let exception = rules.ownership.exception(&state.order, at, field.id);
    let owners = exception.as_ref().map_or(field.owners.as_slice(), |rule| rule.owners);
    let among = |is: fn(&Owner) -> bool| owners.iter().position(is);
    match state.lanes.iter().find(|lane| spot.wrote(lane)) {
        Some(lane) if lane.system == *speaker.system => Writer::Speaker,
        Some(lane) => {
            let who = (&lane.system, lane.role);
            let place = place(state, rules, who, at, (field, owners));
            // Whoever owned it before the exception held stands behind those who do now.
            let owned = || self::place(state, rules, who, at, (field, &field.owners));
            Writer::Other(place.or_else(|| owned().map(|_| owners.len())))
        }
        // People and rules alike leave no mark in a lane: of fields that the hub's rules may write, the
        // order remembers what people moved. People write as `service`.
        None => match field.owners.iter().position(|owner| matches!(owner, Owner::Hub)) {
            Some(_) if !was_moved(&state.order, spot) => {
                let place = among(|owner| matches!(owner, Owner::Hub));
                Writer::Hub(place.unwrap_or(owners.len()))
            }
            Some(_) | None => {
                let place = among(|owner| matches!(owner, Owner::Service | Owner::Any));
                Writer::Person(place.unwrap_or(usize::MAX))
            }
        },
    }
}

/// The key in `fired` that remembers the version in which a person moved a field.
fn moved_key(spot: &Spot<'_>) -> String {
    format!("moved@{}", spot.path())
}

/// Remembers a person's move of a field that rules may write, too.
pub(super) fn moved(order: &mut Order, spot: &Spot<'_>) {
    if spot.field.owners.iter().any(|owner| matches!(owner, Owner::Hub)) {
        let version = order.version.saturating_add(1);
        order.fired.insert(moved_key(spot), version);
    }
}

/// The last change of the field was a person's move.
fn was_moved(order: &Order, spot: &Spot<'_>) -> bool {
    let touched = order.touched.get(spot.at, &spot.field.id);
    touched.is_some() && order.fired.get(&moved_key(spot)) == touched
}

/// Whether the speaker may add (and take away) elements of a collection at a place.
pub(super) fn may_add(
    order: &Order,
    speaker: &Speaker<'_>,
    at: &At,
    collection: Collection,
) -> bool {
    // The innermost list that says who adds; lists within say so themselves or inherit.
    let mut asked = Some(collection);
    while let Some(now) = asked {
        if let Some(rules) = catalogue().rules(now)
            && !rules.adds.is_empty()
        {
            let (system, role) = (speaker.system, speaker.role);
            return rules.adds.iter().any(|owner| is_owner(order, *owner, system, role, at));
        }
        asked = now.parent();
    }
    false
}

/// Whether people may write a field: as `service`, and what is the hub's.
pub(super) fn person_may(state: &State, rules: &Rules<'_>, at: &At, field: &Field) -> bool {
    use crate::catalogue::Kind;
    match field.kind {
        Kind::Derived | Kind::Fact => return false,
        // The rest of the hub's own is its bookkeeping: what was released, to whom, when.
        Kind::Hub => return matches!(field.path, "notes.internal" | "flags"),
        Kind::Given | Kind::Atomic => {}
    }
    let exception = rules.ownership.exception(&state.order, at, field.id);
    let owners = exception.as_ref().map_or(field.owners.as_slice(), |rule| rule.owners);
    // Moves of a machine are anybody's who stands at the desk: a parcel found again, a case closed.
    field.merge == crate::catalogue::Merge::Advance
        || owners.iter().any(|owner| matches!(owner, Owner::Service | Owner::Any))
}

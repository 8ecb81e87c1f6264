//! References: a system's ids of our things, and how documents name lines and fulfilments.
//!
//! **Invariant:** one id of a system names one thing of one order; what is taken is not bound again.
//! Rule `taken-reference`. An empty id names nothing, and is neither bound nor found. Rule `empty-reference`.

use orderhub_lang::diagnostic::visible;

use super::canonical::older;
use super::field::stood;
use super::work::{Folding, Speaker, Work, item, refuse};
use super::{Effect, TodoKind};
use crate::catalogue::known;
use crate::causes;
use crate::identify::{Bound, ReferenceKey};
use crate::ids::{At, Collection, ElementId, Entity, Role, SystemName, names_nothing};
use crate::lane::{Facet, Lane, WantKey, Xref, is_shared};
use crate::value::{Reference, Value};

/// What came of binding a reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Binding {
    /// It is bound, now or before.
    Bound,
    /// The id names another thing of this order, or another order.
    Taken(Bound),
    /// The thing has another id at that system: there are two there.
    Two,
    /// An empty id names nothing, and nothing is bound.
    Nothing,
}

/// What a system's ids of a collection's elements are called.
pub fn kind_of(collection: Collection) -> &'static str {
    match collection {
        Collection::Root => Entity::Order.as_str(),
        Collection::Lines => "line",
        Collection::Payments => Entity::Payment.as_str(),
        Collection::Fulfilments => Entity::Fulfilment.as_str(),
        Collection::FulfilmentLines => "fulfilment_line",
        Collection::Shipments => Entity::Shipment.as_str(),
        Collection::ShipmentLines => "shipment_line",
        Collection::Packages => "package",
        Collection::PackageLines => "package_line",
        Collection::ShipmentEvents => "event",
        Collection::Returns => Entity::Return.as_str(),
        Collection::ReturnLines => "return_line",
        Collection::Invoices => Entity::Invoice.as_str(),
        Collection::Holds => "hold",
        Collection::Xrefs => "xref",
    }
}

/// Binds a system's id of a thing of this order: in the lane, and, where it can lead to the order,
/// in the table of cross references.
pub(super) fn bind(
    work: &mut Work<'_>,
    (system, role): (&SystemName, Role),
    kind: &str,
    at: &At,
    ext_id: &str,
) -> Binding {
    if names_nothing(ext_id) {
        return Binding::Nothing;
    }
    let own = at.collection().entity().is_some_and(|entity| entity.as_str() == kind);
    if let Some(other) = taken(work, system, kind, at, ext_id).filter(|_| !is_shared(kind)) {
        return Binding::Taken(other);
    }
    let lane = work.lane(system, role);
    if let Some(known) = lane.xrefs.iter_mut().find(|x| &*x.kind == kind && x.at == *at) {
        if &*known.ext_id == ext_id {
            return Binding::Bound;
        }
        let named = !names_nothing(&known.ext_id);
        if named && (own || kind == kind_of(at.collection())) {
            return Binding::Two;
        }
        // A free kind is a statement like another: the last one counts.
        known.ext_id = ext_id.into();
    } else {
        lane.xrefs.push(Xref { kind: kind.into(), at: at.clone(), ext_id: ext_id.into() });
    }
    if own && was_sent(lane, at) {
        let (system, reason) = (Some(system.clone()), format!("its id is `{}`", visible(ext_id)));
        work.effects.push(Effect::Settled { system, about: unknown(at), reason });
    }
    work.tally.bound += 1;
    if let Some(entity) = at.collection().entity().filter(|_| !is_shared(kind)) {
        let key =
            ReferenceKey::Xref { system: system.clone(), kind: kind.into(), ext_id: ext_id.into() };
        work.effects.push(Effect::Reference { key, entity, at: at.clone() });
    }
    Binding::Bound
}

/// What a todo is about that asks for the id of something; it ends with the id.
///
/// **Invariant:** nobody is asked for an id that is known. Rule `id-known-later`.
pub(super) fn unknown(at: &At) -> Box<str> {
    format!("id of {at}").into()
}

/// Whether something was sent, or taken as sent, of a thing whose id was not known: somebody may be asked for that.
fn was_sent(lane: &Lane, at: &At) -> bool {
    let of_it = |text: &String| WantKey::parse(text).is_some_and(|key| key.subject == *at);
    lane.sent.keys().any(of_it)
}

/// What else the id names: in this order by the lane, in others by what was looked up.
fn taken(work: &Work<'_>, system: &SystemName, kind: &str, at: &At, ext_id: &str) -> Option<Bound> {
    let order = work.state.order.key;
    // Ids within an element (packages) are only unique there.
    let beside = |other: &At| {
        other != at
            && other.0.split_last().map(|(_, outer)| outer)
                == at.0.split_last().map(|(_, outer)| outer)
    };
    let here = work.state.lanes.get(system).and_then(|lane| {
        lane.xrefs.iter().find(|x| &*x.kind == kind && &*x.ext_id == ext_id && beside(&x.at))
    });
    if let Some(xref) = here {
        return Some(Bound { order, at: xref.at.clone() });
    }
    let looked_up = |(key, bound): &&(ReferenceKey, Bound)| match key {
        ReferenceKey::Xref { system: s, kind: k, ext_id: e } => {
            s == system
                && &**k == kind
                && &**e == ext_id
                && (bound.order != order || bound.at != *at)
        }
        ReferenceKey::Ref(_) => false,
    };
    work.facts.bound.iter().find(looked_up).map(|(_, bound)| bound.clone())
}

/// What an id names already, as a todo says it: the thing, and how to look at it.
pub(super) fn named(work: &Work<'_>, other: &Bound) -> String {
    let at = shown(&other.at);
    if other.order == work.state.order.key {
        return format!("`{at}` of this order");
    }
    let order = other.order.shown();
    let thing = if other.at.is_root() { String::new() } else { format!("`{at}` of ") };
    format!("{thing}order {order} (`orderhub order show {order}`)")
}

/// Binds, and shows a person what does not fit: a second id is a finding, a taken one ends the fold.
pub(super) fn bind_stated(
    work: &mut Work<'_>,
    speaker: &Speaker<'_>,
    kind: &str,
    at: &At,
    ext_id: &str,
) -> Folding<()> {
    match bind(work, (speaker.system, speaker.role), kind, at, ext_id) {
        Binding::Bound | Binding::Nothing => Ok(()),
        Binding::Two => {
            let why =
                format!("{} has two ids for `{}`: the first is kept", speaker.system, shown(at));
            work.todo(item(TodoKind::Finding, causes::TWO_THERE, Some(speaker.system), why));
            Ok(())
        }
        Binding::Taken(other) => {
            let why = format!(
                "the {kind} id `{}` of `{}` names another thing already: {}",
                visible(ext_id),
                shown(at),
                named(work, &other)
            );
            Err(refuse(TodoKind::Ambiguous, causes::REFERENCE_TAKEN, speaker.system, why))
        }
    }
}

/// A reference stated by a rule (`$xref(kind)`): like a field, older ones change nothing.
pub(super) fn state_xref(
    work: &mut Work<'_>,
    speaker: &Speaker<'_>,
    at: &At,
    (kind, ext_id): (&str, &str),
) -> Folding<()> {
    if names_nothing(ext_id) {
        return Ok(());
    }
    let facet = Facet::Xref(kind.into());
    let lane = work.lane(speaker.system, speaker.role);
    let state = lane.fields.get(at, &facet);
    if older(speaker.revision, state.and_then(|state| stood(lane, speaker, state))) {
        work.tally.stale += 1;
        return Ok(());
    }
    let heard = lane.heard;
    let state = lane.fields.entry(at, facet);
    state.stated = Some((Some(Value::text(ext_id)), speaker.revision.cloned()));
    state.entity = Some(speaker.entity);
    state.heard = heard;
    work.tally.heard += 1;
    bind_stated(work, speaker, kind, at, ext_id)
}

/// A place as messages show it.
pub(super) fn shown(at: &At) -> String {
    if at.is_root() { "order".to_owned() } else { at.to_string() }
}

/// The order line that a document names: that system's id ► ours as sent ► the one open line with
/// that sku.
pub(super) fn line(
    work: &Work<'_>,
    speaker: &Speaker<'_>,
    reference: &Reference,
) -> Folding<ElementId> {
    let order = &work.state.order;
    let found = match reference {
        Reference::Theirs(id) => {
            let lane = work.state.lanes.get(speaker.system);
            lane.and_then(|lane| lane.element("line", id)).and_then(At::id).cloned()
        }
        Reference::Ours(id) => ours(work, Collection::Lines, id),
        Reference::Sku(sku) => {
            let with_sku = || {
                order
                    .elements(Collection::Lines)
                    .filter(|line| line.fields.text(known::line::SKU) == Some(sku))
            };
            let mut open = with_sku().filter(|line| is_open(line));
            match (open.next(), open.next()) {
                (Some(one), None) => Some(one.id.clone()),
                // All of them done: the only one there ever was.
                (None, _) => {
                    let mut all = with_sku();
                    all.next().filter(|_| all.next().is_none()).map(|line| line.id.clone())
                }
                (Some(_), Some(_)) => None,
            }
        }
    };
    found.ok_or_else(|| {
        let why = "a line that the document names is not one line of the order".to_owned();
        refuse(TodoKind::Ambiguous, causes::UNKNOWN_LINE, speaker.system, why)
    })
}

/// Something of it is neither cancelled nor shipped.
fn is_open(line: &crate::model::Element) -> bool {
    let number = |field| line.fields.decimal(field).unwrap_or_default();
    let done = number(known::line::QTY_CANCELLED).checked_add(number(known::line::QTY_SHIPPED));
    done.is_some_and(|done| number(known::line::QTY_ORDERED) > done)
}

/// Our element as it was sent: its id, or its reference.
pub(super) fn ours(work: &Work<'_>, collection: Collection, sent: &str) -> Option<ElementId> {
    let order = &work.state.order;
    let short = sent.strip_prefix(&*order.reference).and_then(|rest| rest.strip_prefix('-'));
    let at = |id: &str| At::of(collection, ElementId::new(id));
    [Some(sent), short]
        .into_iter()
        .flatten()
        .find(|id| order.element(&at(id)).is_some())
        .map(ElementId::new)
}

/// The fulfilment that a shipment names, likewise.
pub(super) fn fulfilment(
    work: &Work<'_>,
    speaker: &Speaker<'_>,
    reference: &Reference,
) -> Folding<ElementId> {
    let found = match reference {
        Reference::Theirs(id) => {
            let lane = work.state.lanes.get(speaker.system);
            let kind = kind_of(Collection::Fulfilments);
            lane.and_then(|lane| lane.element(kind, id)).and_then(At::id).cloned()
        }
        Reference::Ours(id) => ours(work, Collection::Fulfilments, id),
        Reference::Sku(_) => None,
    };
    found.or_else(|| only_open_fulfilment(work, speaker)).ok_or_else(|| {
        let why = "the fulfilment that the document names is not one of the order".to_owned();
        refuse(TodoKind::Ambiguous, causes::UNKNOWN_FULFILMENT, speaker.system, why)
    })
}

/// The one open fulfilment at the speaker's warehouse.
pub(super) fn only_open_fulfilment(work: &Work<'_>, speaker: &Speaker<'_>) -> Option<ElementId> {
    let closed = ["rejected", "cancelled", "shipped"];
    let mut open = work.state.order.elements(Collection::Fulfilments).filter(|one| {
        let status = one.fields.text(known::fulfilment::STATUS).unwrap_or_default();
        one.fields.text(known::fulfilment::SYSTEM) == Some(speaker.system.as_str())
            && !closed.contains(&status)
    });
    open.next().filter(|_| open.next().is_none()).map(|one| one.id.clone())
}

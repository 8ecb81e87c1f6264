//! Elements: matched by their system's id, else by ours, else added if the role may; gone when a
//! complete list no longer holds them.
//!
//! **Invariant:** elements match by key, never by position, and an older document adds none back.
//! Story `cancelled-after-release`, property test `law`.

use super::field;
use super::member::{born, complete, older_than_list, present};
use super::owner::may_add;
use super::refer::{bind, bind_stated, fulfilment, kind_of, line, only_open_fulfilment, ours};
use super::refer::{shown, state_xref};
use super::work::{Folding, Speaker, Work, refuse};
use super::{Outcome, TodoKind};
use crate::catalogue::{FieldId, FieldType, catalogue, known};
use crate::causes;
use crate::contribution::{CollectionStatement, ElementStatement, Stated};
use crate::ids::{At, Collection, ElementId, element_reference};
use crate::value::{Reference, Value};

/// Takes what a document says of one thing: its references, fields and lists.
pub(super) fn state(
    work: &mut Work<'_>,
    speaker: &Speaker<'_>,
    at: &At,
    statement: &ElementStatement,
) -> Folding<()> {
    if !at.is_root() && !present(work, speaker, at) {
        work.tally.stale += 1;
        return Ok(());
    }
    for (kind, ext_id) in &statement.xrefs {
        state_xref(work, speaker, at, (kind, ext_id))?;
    }
    for (id, value) in &statement.fields {
        if let Some(value) = resolved(work, speaker, at, *id, value)? {
            field::state(work, speaker, at, *id, &value);
        }
    }
    // Lines before what refers to them, whatever their order in the document.
    let mut lists: Vec<&CollectionStatement> = statement.collections.iter().collect();
    lists.sort_by_key(|list| list.collection);
    for list in lists {
        collection(work, speaker, at, list)?;
    }
    Ok(())
}

/// References become ours; the line of an element that is keyed by it says which element it is, and
/// is no field.
fn resolved(
    work: &Work<'_>,
    speaker: &Speaker<'_>,
    at: &At,
    id: FieldId,
    value: &Stated,
) -> Folding<Option<Stated>> {
    let Some(Value::Ref(reference)) = value else { return Ok(Some(value.clone())) };
    let found = match catalogue().field(id).map(|field| &field.ty) {
        Some(FieldType::Ref(Collection::Lines)) if at.collection().keyed_by_line() => {
            return Ok(None);
        }
        Some(FieldType::Ref(Collection::Lines)) => line(work, speaker, reference)?,
        Some(FieldType::Ref(_)) => fulfilment(work, speaker, reference)?,
        Some(_) | None => return Ok(None),
    };
    Ok(Some(Some(Value::Ref(Reference::Ours(found.as_str().into())))))
}

fn collection(
    work: &mut Work<'_>,
    speaker: &Speaker<'_>,
    at: &At,
    list: &CollectionStatement,
) -> Folding<()> {
    let mut shown = Vec::with_capacity(list.elements.len());
    let mut any = None;
    for statement in &list.elements {
        let place = match find(work, speaker, at, list.collection, statement)? {
            Some(place) => Some(place),
            // Rows of its own beside ours, in a list that adds none, are none of the order's business.
            None if !statement.adds && names_any(work, speaker, at, list, &mut any)? => {
                passed_over(work, speaker, list.collection, statement)?;
                continue;
            }
            None => add(work, speaker, at, list.collection, (statement, statement.adds))?,
        };
        if let Some(place) = place {
            name(work, speaker, &place, statement)?;
            state(work, speaker, &place, statement)?;
            shown.extend(place.id().cloned());
        }
    }
    if list.complete {
        complete(work, speaker, at, list.collection, &shown);
    }
    Ok(())
}

/// Whether a list names any element that the order has; found out once.
fn names_any(
    work: &Work<'_>,
    speaker: &Speaker<'_>,
    at: &At,
    list: &CollectionStatement,
    known: &mut Option<bool>,
) -> Folding<bool> {
    if let Some(known) = known {
        return Ok(*known);
    }
    let mut any = false;
    for statement in &list.elements {
        any |= find(work, speaker, at, list.collection, statement)?.is_some();
    }
    *known = Some(any);
    Ok(any)
}

/// An element that the order does not have, of a list that adds none and names others that it has.
fn passed_over(
    work: &mut Work<'_>,
    speaker: &Speaker<'_>,
    collection: Collection,
    statement: &ElementStatement,
) -> Folding<()> {
    // What is being made there may be one of them, and its receipt will say so.
    let waits = statement.ours.is_none() && !speaker.reply && being_made(work, speaker, collection);
    if waits {
        return Err(Box::new(Outcome::WaitForLane));
    }
    *work.passed.entry(collection).or_default() += 1;
    Ok(())
}

/// The element that a statement is about, if the order has it.
fn find(
    work: &Work<'_>,
    speaker: &Speaker<'_>,
    at: &At,
    collection: Collection,
    statement: &ElementStatement,
) -> Folding<Option<At>> {
    let order = &work.state.order;
    if collection.keyed_by_line() {
        let place = at.with(collection, line_of(work, speaker, collection, statement)?);
        return Ok(order.element(&place).is_some().then_some(place));
    }
    if let Some(key) = &statement.key {
        let kind = kind_of(collection);
        let here =
            |known: &&At| known.collection() == collection && known.parent().as_ref() == Some(at);
        let lane = work.state.lanes.get(speaker.system);
        let mut named = lane.into_iter().flat_map(|lane| lane.named());
        let named = named.find(|x| &*x.kind == kind && x.ext_id == **key && here(&&x.at));
        if let Some(xref) = named {
            return Ok(Some(xref.at.clone()));
        }
    }
    let Some(sent) = &statement.ours else { return Ok(None) };
    let id = ours(work, collection, sent).unwrap_or_else(|| ElementId::new(&**sent));
    let place = at.with(collection, id);
    Ok(order.element(&place).is_some().then_some(place))
}

/// The order line that an element keyed by line is about.
fn line_of(
    work: &Work<'_>,
    speaker: &Speaker<'_>,
    collection: Collection,
    statement: &ElementStatement,
) -> Folding<ElementId> {
    let named = catalogue().find(collection, "line").and_then(|field| {
        let stated = statement.fields.iter().find(|(id, _)| *id == field.id)?;
        match &stated.1 {
            Some(Value::Ref(reference)) => Some(reference.clone()),
            _ => None,
        }
    });
    let ours = || statement.ours.as_deref().map(|ours| Reference::Ours(ours.into()));
    let theirs = || statement.key.as_deref().map(|key| Reference::Theirs(key.into()));
    match named.or_else(ours).or_else(theirs) {
        Some(reference) => line(work, speaker, &reference),
        None => {
            let why = format!("an element of `{}` names no line", collection.path());
            Err(refuse(TodoKind::Ambiguous, causes::UNKNOWN_LINE, speaker.system, why))
        }
    }
}

/// Binds the speaker's id of an element. An element keyed by line has the line's.
fn name(
    work: &mut Work<'_>,
    speaker: &Speaker<'_>,
    place: &At,
    statement: &ElementStatement,
) -> Folding<()> {
    let Some(key) = &statement.key else { return Ok(()) };
    let collection = place.collection();
    if !collection.keyed_by_line() {
        return bind_stated(work, speaker, kind_of(collection), place, key);
    }
    let Some(id) = place.id() else { return Ok(()) };
    let line = At::of(Collection::Lines, id.clone());
    let lane = work.state.lanes.get(speaker.system);
    if lane.is_none_or(|lane| lane.ext_id("line", &line).is_none()) {
        // What it calls its own row is as good a name of the line as any, as long as it is free.
        let _ = bind(work, (speaker.system, speaker.role), "line", &line, key);
    }
    Ok(())
}

/// Adds an element, if the role may and no newer complete list is without it.
pub(super) fn add(
    work: &mut Work<'_>,
    speaker: &Speaker<'_>,
    at: &At,
    collection: Collection,
    (statement, adds): (&ElementStatement, bool),
) -> Folding<Option<At>> {
    if statement.ours.is_none() && !speaker.reply && being_made(work, speaker, collection) {
        return Err(Box::new(Outcome::WaitForLane));
    }
    if older_than_list(work, speaker, at, collection) {
        work.tally.stale += 1;
        return Ok(None);
    }
    if !adds || !may_add(&work.state.order, speaker, at, collection) {
        let why = format!(
            "{} names an element of `{}` that the order does not have, and may not add one",
            speaker.system,
            collection.path()
        );
        return Err(refuse(TodoKind::Ambiguous, causes::UNKNOWN_ELEMENT, speaker.system, why));
    }
    let line = match collection.keyed_by_line() {
        true => Some(line_of(work, speaker, collection, statement)?),
        false => None,
    };
    let by = Some(speaker.system.clone());
    let place = work.state.order.add(at, collection, line.as_ref(), by);
    let Some(place) = place else {
        let why = format!("`{}` does not exist", shown(at));
        return Err(refuse(TodoKind::Ambiguous, causes::UNKNOWN_ELEMENT, speaker.system, why));
    };
    born(work, speaker, at, &place);
    if collection == Collection::Shipments
        && let Some(id) = place.id()
    {
        let reference = element_reference(&work.state.order.reference, collection, id);
        work.state.order.set(&place, known::shipment::REF, Some(Value::text(reference)));
        if let Some(id) = only_open_fulfilment(work, speaker) {
            belongs_to(work, &place, &id);
        }
    }
    Ok(Some(place))
}

/// Says which fulfilment a shipment was made for, before the document does.
pub(super) fn belongs_to(work: &mut Work<'_>, shipment: &At, fulfilment: &ElementId) {
    let reference = Value::Ref(Reference::Ours(fulfilment.as_str().into()));
    work.state.order.set(shipment, known::shipment::FULFILMENT, Some(reference));
}

/// A create of such a thing, or of what surrounds it, is in the air or may have acted: what the
/// system shows may be ours, and its receipt will say so.
fn being_made(work: &Work<'_>, speaker: &Speaker<'_>, collection: Collection) -> bool {
    let lane = work.state.lanes.get(speaker.system);
    let Some(flight) = lane.and_then(|lane| lane.flying.as_ref()) else { return false };
    let surrounding = || collection.parent().and_then(Collection::entity);
    let entity = collection.entity().or_else(surrounding);
    flight.creates && flight.may_be_there() && entity == Some(flight.entity)
}

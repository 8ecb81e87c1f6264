//! Reads hub paths: fields, parts, references and fan-outs of the order.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::collections::{BTreeMap, HashMap};

use orderhub_order::catalogue::{FieldId, catalogue};
use orderhub_order::contribution::Stated;
use orderhub_order::ids::{At, Collection, element_reference};
use orderhub_order::model::{Element, Order, Record, Subject};
use orderhub_order::value::{Reference, Text, Value};
use smallvec::SmallVec;

use super::read::Read;
use crate::cell::{self, Cell};
use crate::hub_path::{HubPath, Leaf, Part, Start, Step};
use crate::program::OutSource;
use crate::{Context, ReverseError};

/// More references than this are hashed, so that long orders stay linear.
const FEW: usize = 16;

/// The hub's side while one subject goes out.
pub(crate) struct Hub<'o> {
    pub(super) subject: Subject<'o>,
    /// The record of the element whose rules run; finding it again would take longer the more elements there are.
    pub(super) here: Option<&'o Record>,
    links: OnceCell<Links<'o>>,
    /// The values of the rule that runs stand in rows, by their place: none may be left out.
    pub(super) in_rows: bool,
}

/// The system's ids by kind and place.
type Links<'o> = HashMap<(&'o str, &'o At), &'o str>;

impl<'o> Hub<'o> {
    pub(super) fn new(subject: Subject<'o>) -> Self {
        Self { subject, here: None, links: OnceCell::new(), in_rows: false }
    }

    /// One value; the fields that were read for it are noted.
    pub(super) fn source(
        &self,
        source: &OutSource,
        context: &'o Context<'o>,
        at: &At,
        read: &mut Read<'o>,
        to: &mut Cell<'o>,
    ) -> Result<(), ReverseError> {
        match source {
            OutSource::Hub(path) => look(self, at, path, read, to),
            OutSource::Setting(name) => {
                let text = context.settings.get(name);
                *to = text.map_or(Cell::Absent, |text| Cell::text(text.as_str()));
                Ok(())
            }
        }
    }

    fn link(&self, kind: &str, at: &At) -> Option<&'o str> {
        let xrefs = &self.subject.lane?.xrefs;
        if xrefs.len() <= FEW {
            let known = xrefs.iter().find(|xref| *xref.kind == *kind && xref.at == *at);
            return known.map(|xref| &*xref.ext_id);
        }
        let links = self.links.get_or_init(|| {
            let mut links = Links::with_capacity(xrefs.len());
            for xref in xrefs {
                links.entry((&*xref.kind, &xref.at)).or_insert(&*xref.ext_id);
            }
            links
        });
        links.get(&(kind, at)).copied()
    }
}

/// Reads a path from the order's side, as a fact: references that are missing are absent.
pub(crate) fn hub_value(subject: Subject<'_>, path: &HubPath) -> Cell<'static> {
    let mut hub = Hub::new(subject);
    hub.here = subject.order.record(subject.at);
    let mut cell = Cell::Absent;
    let looked = look(&hub, subject.at, path, &mut Read::default(), &mut cell);
    looked.map_or(Cell::Absent, |()| cell.into_owned())
}

/// Reads a path from an element on, and notes the fields that were read for it. `Err`: a reference is missing.
///
/// A value is put where it stays: moving it about would take as long as reading it.
#[inline]
pub(super) fn look<'o>(
    hub: &Hub<'o>,
    at: &At,
    path: &HubPath,
    read: &mut Read<'o>,
    to: &mut Cell<'o>,
) -> Result<(), ReverseError> {
    if !path.steps.is_empty() || path.start != Start::Up(0) {
        *to = look_far(hub, at, path, read)?;
        return Ok(());
    }
    // Nearly all paths are of the element itself, and nearly all fields stand in its record.
    if let Leaf::Field(id, part) = &path.leaf {
        let made = Order::may_be_made(at, *id);
        if !(made && at.is_root()) {
            if let Some(stated) = read.own(at, hub.here, *id) {
                put_part(hub, stated, part.as_ref(), to);
                return Ok(());
            }
            if !made {
                to.fill(Cell::Absent);
                return Ok(());
            }
        }
    }
    *to = leaf(hub, at, hub.here, path, read)?;
    Ok(())
}

/// What stands in a record, or a part of it.
#[inline]
fn put_part<'o>(hub: &Hub<'o>, stated: &'o Stated, wanted: Option<&Part>, to: &mut Cell<'o>) {
    match (stated, wanted) {
        (None, _) => to.fill(Cell::Null),
        (Some(Value::Text(text)), None) => to.fill(Cell::Text(Cow::Borrowed(text))),
        (Some(Value::Decimal(exact)), None) => to.fill(Cell::Decimal(*exact)),
        (Some(Value::Money(money)), None) => to.fill(Cell::Money(money.clone())),
        (Some(Value::Timestamp(moment)), None) => to.fill(Cell::Timestamp(*moment)),
        (Some(Value::Boolean(yes)), None) => to.fill(Cell::Bool(*yes)),
        (Some(Value::Address(address)), Some(Part::Address(name))) => match address.part(name) {
            Some(Some(text)) => to.fill(Cell::Text(Cow::Borrowed(text))),
            Some(None) | None => to.fill(Cell::Null),
        },
        (Some(Value::Ref(Reference::Ours(id))), None) => to.fill(named(hub, id)),
        (Some(value), wanted) => to.fill(part_of(value, wanted)),
    }
}

/// The same of a path that leaves the element.
fn look_far<'o>(
    hub: &Hub<'o>,
    at: &At,
    path: &HubPath,
    read: &mut Read<'o>,
) -> Result<Cell<'o>, ReverseError> {
    let places = reached(hub.subject, at, path);
    let one =
        |at: &At, read: &mut Read<'o>| leaf(hub, at, hub.subject.order.record(at), path, read);
    if !path.is_fan_out() {
        return places.first().map_or(Ok(Cell::Absent), |at| one(at, read));
    }
    // Of all references in one value there are those that are known: nobody waits for what other elements are.
    let refers = matches!(path.leaf, Leaf::Xref(_)) && !hub.in_rows;
    let there = |cell: &Result<Cell<'o>, ReverseError>| {
        !(refers && matches!(cell, Err(ReverseError::NotLinked(_))))
    };
    let cells = places.iter().map(|at| one(at, read)).filter(there).collect::<Result<_, _>>()?;
    Ok(Cell::Many(cells))
}

/// The elements of the collection that a path names; `None`: there is no such collection yet, which is
/// not the same as an empty one.
pub(super) fn look_places<'o>(
    subject: Subject<'o>,
    at: &At,
    path: &HubPath,
) -> Option<Vec<(At, &'o Element)>> {
    let Leaf::Collection(collection) = path.leaf else { return None };
    if path.steps.is_empty() && path.start == Start::Up(0) {
        let all = subject.order.collections_at(at)?;
        return all.contains_key(&collection).then(|| subject.order.elements_at(at, collection));
    }
    let places = reached(subject, at, path);
    let here = |at: &&At| {
        subject.order.collections_at(at).is_some_and(|known| known.contains_key(&collection))
    };
    let places: Vec<&At> = places.iter().filter(here).collect();
    let inside = |at: &&At| subject.order.elements_at(at, collection);
    let found = || places.iter().flat_map(inside).collect();
    (!places.is_empty()).then(found)
}

fn reached(subject: Subject<'_>, at: &At, path: &HubPath) -> SmallVec<[At; 1]> {
    let start = match path.start {
        Start::Order => At::ROOT,
        Start::Up(levels) => {
            let depth = at.0.len().saturating_sub(levels);
            At(at.0.iter().take(depth).cloned().collect())
        }
    };
    let mut places: SmallVec<[At; 1]> = SmallVec::from_elem(start, 1);
    for step in &path.steps {
        places = places.iter().flat_map(|at| walk(subject, at, step)).collect();
    }
    places
}

fn walk(subject: Subject<'_>, at: &At, step: &Step) -> Vec<At> {
    let elements = |collection: Collection| {
        subject.order.elements_at(at, collection).into_iter().map(|(at, _)| at)
    };
    match step {
        Step::Each(collection) => elements(*collection).collect(),
        Step::Index(collection, place) => {
            elements(*collection).nth(*place as usize).into_iter().collect()
        }
        Step::Where(collection, field, text) => elements(*collection)
            .filter(|at| {
                let value = subject.order.value(at, *field);
                value.and_then(|value| value.as_text().map(|known| *known == **text)) == Some(true)
            })
            .collect(),
        Step::Follow(field, collection) => {
            let value = subject.order.value(at, *field);
            let id = value.as_ref().and_then(Value::as_ours);
            let found = id.map(|id| At::of(*collection, orderhub_order::ids::ElementId::new(id)));
            found.into_iter().collect()
        }
    }
}

#[inline(never)]
fn leaf<'o>(
    hub: &Hub<'o>,
    at: &At,
    record: Option<&'o Record>,
    path: &HubPath,
    read: &mut Read<'o>,
) -> Result<Cell<'o>, ReverseError> {
    let Leaf::Field(id, part) = &path.leaf else { return beside_fields(hub, at, &path.leaf) };
    let Some(stated) = field(hub.subject, at, record, *id) else { return Ok(Cell::Absent) };
    read.far(at, *id, &stated);
    let cell = match stated {
        Cow::Borrowed(None) | Cow::Owned(None) => return Ok(Cell::Null),
        Cow::Borrowed(Some(value)) => part_of(value, part.as_ref()),
        Cow::Owned(Some(value)) => part_of(&value, part.as_ref()).into_owned(),
    };
    Ok(if let Cell::Ref(Reference::Ours(id)) = &cell { named(hub, id) } else { cell })
}

/// What is no field.
#[inline(never)]
fn beside_fields<'o>(hub: &Hub<'o>, at: &At, leaf: &Leaf) -> Result<Cell<'o>, ReverseError> {
    match leaf {
        Leaf::Collection(_) | Leaf::Field(..) => Ok(Cell::Absent),
        Leaf::Ordinal => Ok(ordinal(at)),
        Leaf::Xref(kind) => {
            let found = nearest_xref(hub, at, kind);
            found.map(Cell::text).ok_or_else(|| ReverseError::NotLinked(kind.clone()))
        }
    }
}

/// A field as it stands; references of fulfilments and shipments are made from their ids.
fn field<'o>(
    subject: Subject<'o>,
    at: &At,
    record: Option<&'o Record>,
    id: FieldId,
) -> Option<Cow<'o, Stated>> {
    if let Some(stated) = subject.order.get_in(at, record, id) {
        return Some(stated);
    }
    let (collection, element) = at.0.last()?;
    let field = catalogue().field(id)?;
    let made = field.path == "ref" && field.collection == *collection;
    made.then(|| {
        let reference = element_reference(&subject.order.reference, *collection, element);
        Cow::Owned(Some(Value::text(reference)))
    })
}

/// Alone, a reference goes out as the target's id, else ours.
#[inline(never)]
fn named<'o>(hub: &Hub<'o>, id: &str) -> Cell<'o> {
    let line = At::of(Collection::Lines, orderhub_order::ids::ElementId::new(id));
    let order = At::of(Collection::Fulfilments, orderhub_order::ids::ElementId::new(id));
    let known = own_id(hub, &line).or_else(|| own_id(hub, &order));
    known.map_or_else(|| Cell::text(id.to_owned()), Cell::text)
}

fn part_of<'v>(value: &'v Value, wanted: Option<&Part>) -> Cell<'v> {
    match (wanted, value) {
        // Whether an address is there; its parts are read one by one.
        (None, Value::Address(_)) => Cell::Bool(true),
        (None, value) => Cell::of(value),
        (Some(Part::Address(name)), Value::Address(address)) => match address.part(name) {
            Some(Some(text)) => Cell::text(&**text),
            Some(None) | None => Cell::Null,
        },
        (Some(Part::Amount), Value::Money(money)) => Cell::Decimal(money.amount),
        (Some(Part::Currency), Value::Money(money)) => Cell::text(cell::code(money)),
        (Some(Part::Entry(name)), Value::Map(map)) => entry(map, name),
        (Some(_), _) => Cell::Absent,
    }
}

/// An entry of a map, or the entries below a name as a map.
fn entry<'v>(map: &'v BTreeMap<Text, Option<Text>>, name: &str) -> Cell<'v> {
    if let Some(text) = map.get(name) {
        return text.as_ref().map_or(Cell::Null, |text| Cell::text(&**text));
    }
    let below = map.iter().filter_map(|(key, text)| {
        Some((Text::from(key.strip_prefix(name)?.strip_prefix('.')?), text.clone()))
    });
    let below: BTreeMap<_, _> = below.collect();
    if below.is_empty() { Cell::Absent } else { Cell::Map(below.into()) }
}

fn ordinal(at: &At) -> Cell<'static> {
    let digits = at.id().map(|id| id.as_str().trim_start_matches(|c: char| !c.is_ascii_digit()));
    digits.and_then(|digits| digits.parse().ok()).map_or(Cell::Absent, Cell::Integer)
}

/// A reference of the element or its nearest surrounding.
fn nearest_xref<'o>(hub: &Hub<'o>, at: &At, kind: &str) -> Option<&'o str> {
    let mut place = Some(Cow::Borrowed(at));
    while let Some(here) = place {
        let known = hub.link(kind, &here);
        if known.is_some() {
            return known;
        }
        place = here.parent().map(Cow::Owned);
    }
    None
}

/// The id that the system has for an element.
pub(super) fn own_id<'o>(hub: &Hub<'o>, at: &At) -> Option<&'o str> {
    let collection = at.collection();
    let own = hub.link(kind_of(collection), at);
    if own.is_some() || !collection.keyed_by_line() {
        return own;
    }
    // Elements keyed by order line may be known by the id of that line.
    let id = at.id()?;
    hub.link("line", &At::of(Collection::Lines, id.clone()))
}

/// What a system's ids of a collection's elements are called: as the fold names them.
pub(crate) fn kind_of(collection: Collection) -> &'static str {
    match collection {
        Collection::Root => "order",
        Collection::Lines => "line",
        Collection::Payments => "payment",
        Collection::Fulfilments => "fulfilment",
        Collection::FulfilmentLines => "fulfilment_line",
        Collection::Shipments => "shipment",
        Collection::ShipmentLines => "shipment_line",
        Collection::Packages => "package",
        Collection::PackageLines => "package_line",
        Collection::ShipmentEvents => "event",
        Collection::Returns => "return",
        Collection::ReturnLines => "return_line",
        Collection::Invoices => "invoice",
        Collection::Holds => "hold",
        Collection::Xrefs => "xref",
    }
}

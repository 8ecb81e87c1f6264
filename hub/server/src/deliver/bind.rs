//! Which of our things the references of a reply name. Pure.

use orderhub_connectors::contract::{Ours, ReplyXref};
use orderhub_order::ids::{At, Collection, ElementId, Entity};
use orderhub_order::lane::{Flight, Xref};
use orderhub_order::model::Order;

/// The references of a reply, bound to our things. Those that name nothing of ours are left out, and
/// counted for a person in the second part.
pub(super) fn bind(xrefs: &[ReplyXref], flight: &Flight, order: &Order) -> (Vec<Xref>, usize) {
    let bound: Vec<Xref> = xrefs
        .iter()
        .filter_map(|xref| {
            let at = place(xref, flight, order)?;
            Some(Xref { kind: xref.kind.as_str().into(), at, ext_id: xref.ext_id.as_str().into() })
        })
        .collect();
    let lost = xrefs.len() - bound.len();
    (bound, lost)
}

fn place(xref: &ReplyXref, flight: &Flight, order: &Order) -> Option<At> {
    let subject = &flight.want.subject;
    match &xref.ours {
        None => match Entity::parse(&xref.kind) {
            // A reply about a fulfilment may name the order around it.
            Some(entity) if entity != flight.entity => around(subject, entity),
            Some(_) | None => Some(subject.clone()),
        },
        Some(Ours::Id(id)) => by_id(&xref.kind, id, flight, order),
        Some(Ours::Position(position)) => {
            let sent = sent(&xref.kind, flight);
            let at = sent.get(usize::try_from(*position).ok()?)?;
            Some(of_order(&xref.kind, at))
        }
    }
}

fn around(subject: &At, entity: Entity) -> Option<At> {
    let Some(collection) = entity.collection() else { return Some(At::ROOT) };
    let mut at = Some(subject.clone());
    while let Some(inner) = at {
        if inner.collection() == collection {
            return Some(inner);
        }
        at = inner.parent();
    }
    None
}

fn by_id(kind: &str, id: &str, flight: &Flight, order: &Order) -> Option<At> {
    // Our reference of an element is the order's and the element's id; lines are sent by their id.
    let id = id.strip_prefix(&*order.reference).and_then(|id| id.strip_prefix('-')).unwrap_or(id);
    let known = |at: At| order.element(&at).is_some().then_some(at);
    let direct = collection(kind).map(|collection| At::of(collection, ElementId::new(id)));
    if let Some(at) = direct.and_then(known) {
        return Some(at);
    }
    sent(kind, flight).into_iter().find(|at| at.id().is_some_and(|own| own.as_str() == id))
}

/// The collection of the order that a kind names, where it is one of ours.
fn collection(kind: &str) -> Option<Collection> {
    match kind {
        "line" => Some(Collection::Lines),
        other => Entity::parse(other)?.collection(),
    }
}

/// The elements within the subject that went out, in the order in which they did.
fn sent(kind: &str, flight: &Flight) -> Vec<At> {
    let is_line = |at: &At| at.collection() == Collection::Lines || at.collection().keyed_by_line();
    let depth = flight.want.subject.0.len() + 1;
    let mut found: Vec<At> = Vec::new();
    for (at, _, _) in &flight.values {
        let fits = match kind {
            "line" => is_line(at),
            "package" => at.collection() == Collection::Packages,
            _ => at.0.len() == depth,
        };
        if fits && at.within(&flight.want.subject) && !found.contains(at) {
            found.push(at.clone());
        }
    }
    found
}

/// References of lines are kept at the order's line, wherever they were sent.
fn of_order(kind: &str, at: &At) -> At {
    match (kind, at.id()) {
        ("line", Some(id)) => At::of(Collection::Lines, id.clone()),
        _ => at.clone(),
    }
}

#[cfg(test)]
mod tests {
    use orderhub_order::catalogue::FieldId;
    use orderhub_order::ids::{OrderKey, SystemName};
    use orderhub_order::lane::WantKey;

    use super::*;

    fn line(id: &str) -> At {
        At::of(Collection::Lines, ElementId::new(id))
    }

    fn order() -> Order {
        let system = SystemName::new("shop");
        let mut order = Order::new(OrderKey(1), "shop-1001".into(), system, "default".into());
        for collection in [Collection::Lines, Collection::Lines, Collection::Fulfilments] {
            let id = order.next_id(collection);
            let element = orderhub_order::model::Element::new(id, None);
            order.collections.entry(collection).or_default().push(element);
        }
        order
    }

    fn flight(subject: At, entity: Entity, sent: &[At]) -> Flight {
        let values = sent.iter().map(|at| (at.clone(), FieldId(1), None)).collect();
        Flight {
            want: WantKey { rule: "r".into(), subject, fact: None },
            operation: "create".into(),
            entity,
            creates: true,
            in_steps: false,
            attempt: 1,
            fence: 1,
            deadline: jiff::Timestamp::UNIX_EPOCH,
            version: 1,
            bundle: "b".into(),
            inputs: Vec::new(),
            hash: [0; 16],
            memo: Vec::new(),
            key: "k".into(),
            values,
            without: Vec::new(),
            may_have_acted: false,
            decided: false,
            awaits: false,
            wrote: false,
            process: 0,
            in_air: true,
            began: None,
            called: None,
        }
    }

    #[test]
    fn references_of_a_reply_find_our_things_by_id_and_by_position() {
        let order = order();
        let fulfilment = At::of(Collection::Fulfilments, ElementId::new("F1"));
        let within = |id: &str| fulfilment.with(Collection::FulfilmentLines, ElementId::new(id));
        let sent = [fulfilment.clone(), within("L2"), within("L2"), within("L1")];
        let flight = flight(fulfilment.clone(), Entity::Fulfilment, &sent);
        let xref =
            |kind: &str, ours| ReplyXref { kind: kind.to_owned(), ours, ext_id: "9".to_owned() };
        let id = |id: &str| Some(Ours::Id(id.to_owned()));
        let cases = [
            (xref("fulfilment", None), Some(fulfilment.clone())),
            (xref("order", None), Some(At::ROOT)),
            (xref("customer", None), Some(fulfilment.clone())),
            (xref("shipment", None), None),
            (xref("line", id("L1")), Some(line("L1"))),
            (xref("line", id("L7")), None),
            (xref("fulfilment", id("shop-1001-F1")), Some(fulfilment.clone())),
            (xref("line", Some(Ours::Position(0))), Some(line("L2"))),
            (xref("line", Some(Ours::Position(1))), Some(line("L1"))),
            (xref("line", Some(Ours::Position(2))), None),
            (xref("release_line", Some(Ours::Position(1))), Some(within("L1"))),
        ];
        for (xref, expected) in cases {
            assert_eq!(place(&xref, &flight, &order), expected, "{xref:?}");
        }
        let (bound, lost) =
            bind(&[xref("line", id("L1")), xref("line", id("L7"))], &flight, &order);
        assert_eq!((bound.len(), lost), (1, 1));
    }
}

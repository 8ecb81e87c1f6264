//! Which order, and which element of it, a contribution is about (core: "who is an order").
//!
//! Two pure halves around the store: [`references`] says what to look up, [`identify`] judges what
//! was found.
//!
//! **Invariant:** nothing but an order document of an integration that may create makes an order;
//! references that do not meet in one place are never merged by guess. Tests:
//! `only_an_order_document_that_may_create_creates`,
//! `a_reference_to_the_own_entity_is_the_element_and_to_another_the_parent`.

use serde::{Deserialize, Serialize};

use crate::contribution::{Contribution, ParentReference};
use crate::ids::{At, Entity, OrderKey, SystemName, names_nothing};

/// A key of the table of cross references.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReferenceKey {
    /// (system, kind, external id).
    Xref {
        /// The system whose id it is.
        system: SystemName,
        /// Entity name or free kind.
        kind: Box<str>,
        /// The system's id.
        ext_id: Box<str>,
    },
    /// The hub's own `ref` of an order, fulfilment or shipment.
    Ref(Box<str>),
}

/// What a reference was found bound to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bound {
    /// The order.
    pub order: OrderKey,
    /// The element; empty is the order.
    pub at: At,
}

/// The verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identity {
    /// The order is known; `at` is the entity itself when that is known too, `parent` what named it.
    Known {
        /// Which order.
        order: OrderKey,
        /// The document's own entity, if one is bound.
        at: Option<At>,
        /// The element a parent reference named, if any.
        parent: Option<At>,
    },
    /// Nothing known, and this document may create the order.
    Create,
    /// Nothing known: wait for every reference it names.
    Wait(Vec<ReferenceKey>),
    /// References name two orders, or two elements of one.
    Ambiguous(Vec<OrderKey>),
}

/// The references to look up: the document's own first, then its parents', each once.
pub fn references(contribution: &Contribution) -> Vec<ReferenceKey> {
    let system = &contribution.system;
    let own = ReferenceKey::Xref {
        system: system.clone(),
        kind: contribution.entity.as_str().into(),
        ext_id: contribution.key.clone(),
    };
    let mut keys = vec![own];
    for parent in contribution.parents.iter().filter(|parent| !names_nothing(parent.id())) {
        let key = match parent {
            ParentReference::Xref { kind, ext_id } => ReferenceKey::Xref {
                system: system.clone(),
                kind: kind.clone(),
                ext_id: ext_id.clone(),
            },
            ParentReference::Ref(reference) => ReferenceKey::Ref(reference.clone()),
        };
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    keys
}

/// Judges what was found, in the order of [`references`].
pub fn identify(contribution: &Contribution, found: &[Option<Bound>]) -> Identity {
    let mut orders: Vec<OrderKey> = found.iter().flatten().map(|bound| bound.order).collect();
    orders.sort_unstable();
    orders.dedup();
    let order = match orders.as_slice() {
        [] => return unknown(contribution),
        [order] => *order,
        _ => return Identity::Ambiguous(orders),
    };
    let entity = contribution.entity;
    let (mut own, mut parent): (Option<&At>, Option<&At>) = (None, None);
    for Bound { at, .. } in found.iter().flatten() {
        // Whatever the reference's kind: one that is bound to an element of the document's own
        // entity is that element.
        let slot = if at.collection().entity() == Some(entity) { &mut own } else { &mut parent };
        match *slot {
            None => *slot = Some(at),
            Some(known) if at.within(known) => *slot = Some(at),
            Some(known) if known.within(at) => {}
            Some(_) => return Identity::Ambiguous(orders),
        }
    }
    let own = own.cloned().or_else(|| (entity == Entity::Order).then(At::default));
    Identity::Known { order, at: own, parent: parent.cloned() }
}

fn unknown(contribution: &Contribution) -> Identity {
    if contribution.creates && contribution.entity == Entity::Order {
        Identity::Create
    } else {
        Identity::Wait(references(contribution))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contribution::ElementStatement;
    use crate::ids::{Collection, ElementId};

    fn document(entity: Entity, creates: bool, parents: Vec<ParentReference>) -> Contribution {
        Contribution {
            system: SystemName::new("wms_a"),
            document: "release".into(),
            entity,
            key: "77".into(),
            parents,
            creates,
            revision: None,
            body: ElementStatement::default(),
        }
    }

    fn bound(order: i64, at: At) -> Option<Bound> {
        Some(Bound { order: OrderKey(order), at })
    }

    fn fulfilment(id: &str) -> At {
        At::of(Collection::Fulfilments, ElementId::new(id))
    }

    fn shipment(id: &str) -> At {
        At::of(Collection::Shipments, ElementId::new(id))
    }

    fn our(reference: &str) -> ParentReference {
        ParentReference::Ref(reference.into())
    }

    #[test]
    fn the_own_reference_is_looked_up_first_and_each_once() {
        let parent = ParentReference::Xref { kind: "order".into(), ext_id: "5".into() };
        let document =
            document(Entity::Shipment, false, vec![parent.clone(), our("shop-1-F1"), parent]);
        let keys = references(&document);
        assert_eq!(keys.len(), 3);
        assert!(matches!(&keys[0], ReferenceKey::Xref { kind, ext_id, .. }
            if &**kind == "shipment" && &**ext_id == "77"));
        assert_eq!(keys[2], ReferenceKey::Ref("shop-1-F1".into()));
    }

    #[test]
    fn an_empty_reference_of_a_parent_is_not_looked_up() {
        let empty = |id: &str| ParentReference::Xref { kind: "number".into(), ext_id: id.into() };
        let keys = references(&document(
            Entity::Shipment,
            false,
            vec![empty(""), our(" "), empty("\t"), our("a")],
        ));
        assert!(
            matches!(&keys[..], [ReferenceKey::Xref { .. }, ReferenceKey::Ref(a)] if &**a == "a")
        );
    }

    #[test]
    fn only_an_order_document_that_may_create_creates() {
        let cases = [
            (Entity::Order, true, true),
            (Entity::Order, false, false),
            (Entity::Shipment, true, false),
        ];
        for (entity, creates, created) in cases {
            let document = document(entity, creates, vec![our("r")]);
            match identify(&document, &[None, None]) {
                Identity::Create => assert!(created, "{entity}"),
                Identity::Wait(keys) => {
                    assert!(!created, "{entity}");
                    assert_eq!(keys.len(), 2, "it waits for every reference it names");
                }
                other @ (Identity::Known { .. } | Identity::Ambiguous(_)) => {
                    panic!("{entity}: {other:?}")
                }
            }
        }
    }

    #[test]
    fn a_reference_to_the_own_entity_is_the_element_and_to_another_the_parent() {
        let document = document(Entity::Shipment, false, vec![our("a"), our("b")]);
        let known = |at, parent| Identity::Known { order: OrderKey(1), at, parent };
        let cases = [
            (vec![None, bound(1, shipment("S1")), None], known(Some(shipment("S1")), None)),
            (vec![None, bound(1, fulfilment("F1")), None], known(None, Some(fulfilment("F1")))),
            (
                vec![bound(1, shipment("S1")), bound(1, fulfilment("F1")), None],
                known(Some(shipment("S1")), Some(fulfilment("F1"))),
            ),
            (
                vec![None, bound(1, At::default()), bound(1, fulfilment("F1"))],
                known(None, Some(fulfilment("F1"))),
            ),
            (
                vec![bound(1, shipment("S1")), bound(1, shipment("S2")), None],
                Identity::Ambiguous(vec![OrderKey(1)]),
            ),
            (
                vec![None, bound(1, fulfilment("F1")), bound(1, fulfilment("F2"))],
                Identity::Ambiguous(vec![OrderKey(1)]),
            ),
            (
                vec![None, bound(1, fulfilment("F1")), bound(2, fulfilment("F1"))],
                Identity::Ambiguous(vec![OrderKey(1), OrderKey(2)]),
            ),
        ];
        for (found, expected) in cases {
            assert_eq!(identify(&document, &found), expected, "{found:?}");
        }
    }

    #[test]
    fn an_order_document_named_by_our_reference_is_the_order() {
        let document = document(Entity::Order, false, vec![our("shop-1")]);
        let verdict = identify(&document, &[None, bound(4, At::default())]);
        let expected =
            Identity::Known { order: OrderKey(4), at: Some(At::default()), parent: None };
        assert_eq!(verdict, expected);
    }
}

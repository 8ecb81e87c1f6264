//! Where a thing stands in an order: by collection and id, never by position.

use std::fmt;

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Entity;
use crate::catalogue::{FieldId, catalogue};
use crate::value::Text;

/// A keyed collection of the catalogue; `Root` stands for the order's own fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Collection {
    /// The order's own fields.
    Root,
    /// `lines`
    Lines,
    /// `payments`
    Payments,
    /// `fulfilments`
    Fulfilments,
    /// `fulfilments.lines`, keyed by order line
    FulfilmentLines,
    /// `shipments`
    Shipments,
    /// `shipments.lines`, keyed by order line
    ShipmentLines,
    /// `shipments.packages`
    Packages,
    /// `shipments.packages.lines`, keyed by order line
    PackageLines,
    /// `shipments.events`
    ShipmentEvents,
    /// `returns`
    Returns,
    /// `returns.lines`, keyed by order line
    ReturnLines,
    /// `invoices`
    Invoices,
    /// `holds`
    Holds,
    /// `xrefs`, shown only: references live in the lanes
    Xrefs,
}

/// The hub's own id of an element: `L1`, `F1`, `S1`, `P1`, … an ordinal that is never reused.
///
/// Elements keyed by order line (`fulfilments.lines`, …) carry that line's id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ElementId(pub Text);

impl fmt::Display for ElementId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where something stands in an order: empty is the order, else collection and id from the outside in.
///
/// Shown and stored keyed, never by position: `shipments[S1].lines[L2]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct At(pub Vec<(Collection, ElementId)>);

impl Collection {
    /// All of them, the order's own fields first.
    pub const ALL: [Collection; 15] = [
        Collection::Root,
        Collection::Lines,
        Collection::Payments,
        Collection::Fulfilments,
        Collection::FulfilmentLines,
        Collection::Shipments,
        Collection::ShipmentLines,
        Collection::Packages,
        Collection::PackageLines,
        Collection::ShipmentEvents,
        Collection::Returns,
        Collection::ReturnLines,
        Collection::Invoices,
        Collection::Holds,
        Collection::Xrefs,
    ];

    /// The dotted path from the order on; empty for the order itself.
    pub fn path(self) -> &'static str {
        match self {
            Collection::Root => "",
            Collection::Lines => "lines",
            Collection::Payments => "payments",
            Collection::Fulfilments => "fulfilments",
            Collection::FulfilmentLines => "fulfilments.lines",
            Collection::Shipments => "shipments",
            Collection::ShipmentLines => "shipments.lines",
            Collection::Packages => "shipments.packages",
            Collection::PackageLines => "shipments.packages.lines",
            Collection::ShipmentEvents => "shipments.events",
            Collection::Returns => "returns",
            Collection::ReturnLines => "returns.lines",
            Collection::Invoices => "invoices",
            Collection::Holds => "holds",
            Collection::Xrefs => "xrefs",
        }
    }

    /// The collection at a dotted path.
    pub fn parse(path: &str) -> Option<Collection> {
        Collection::ALL.into_iter().find(|collection| collection.path() == path)
    }

    /// Its name within what surrounds it: `lines` for `shipments.lines`.
    pub fn name(self) -> &'static str {
        let path = self.path();
        path.rsplit_once('.').map_or(path, |(_, name)| name)
    }

    /// What surrounds it; `None` for the order itself.
    pub fn parent(self) -> Option<Collection> {
        match self {
            Collection::Root => None,
            Collection::FulfilmentLines => Some(Collection::Fulfilments),
            Collection::ShipmentLines | Collection::Packages | Collection::ShipmentEvents => {
                Some(Collection::Shipments)
            }
            Collection::PackageLines => Some(Collection::Packages),
            Collection::ReturnLines => Some(Collection::Returns),
            Collection::Lines
            | Collection::Payments
            | Collection::Fulfilments
            | Collection::Shipments
            | Collection::Returns
            | Collection::Invoices
            | Collection::Holds
            | Collection::Xrefs => Some(Collection::Root),
        }
    }

    /// The collections directly within it.
    pub fn children(self) -> impl Iterator<Item = Collection> {
        Collection::ALL.into_iter().filter(move |inner| inner.parent() == Some(self))
    }

    /// The collection of this name directly within it.
    pub fn child(self, name: &str) -> Option<Collection> {
        self.children().find(|inner| inner.name() == name)
    }

    /// Splits a dotted path into the innermost collection and the rest: `shipments.lines.qty` is
    /// (`shipments.lines`, `qty`).
    pub fn split(path: &str) -> (Collection, &str) {
        let (mut collection, mut rest) = (Collection::Root, path);
        while let Some((name, more)) = rest.split_once('.')
            && let Some(inner) = collection.child(name)
        {
            (collection, rest) = (inner, more);
        }
        (collection, rest)
    }

    /// The entity that its elements are, if documents can be about one.
    pub fn entity(self) -> Option<Entity> {
        if self == Collection::Root {
            return Some(Entity::Order);
        }
        Entity::ALL.into_iter().find(|entity| entity.collection() == Some(self))
    }

    /// Its elements are identified by an order line: their id is the line's.
    pub fn keyed_by_line(self) -> bool {
        match self {
            Collection::FulfilmentLines
            | Collection::ShipmentLines
            | Collection::PackageLines
            | Collection::ReturnLines => true,
            Collection::Root
            | Collection::Lines
            | Collection::Payments
            | Collection::Fulfilments
            | Collection::Shipments
            | Collection::Packages
            | Collection::ShipmentEvents
            | Collection::Returns
            | Collection::Invoices
            | Collection::Holds
            | Collection::Xrefs => false,
        }
    }

    /// The letter of its elements' ids: `L` for `L1`.
    pub fn letter(self) -> char {
        match self {
            Collection::Root => 'O',
            Collection::Lines
            | Collection::FulfilmentLines
            | Collection::ShipmentLines
            | Collection::PackageLines
            | Collection::ReturnLines => 'L',
            Collection::Payments => 'P',
            Collection::Fulfilments => 'F',
            Collection::Shipments => 'S',
            Collection::Packages => 'B',
            Collection::ShipmentEvents => 'E',
            Collection::Returns => 'R',
            Collection::Invoices => 'I',
            Collection::Holds => 'H',
            Collection::Xrefs => 'X',
        }
    }
}

impl ElementId {
    /// An id from its text.
    pub fn new(text: impl Into<Text>) -> Self {
        Self(text.into())
    }

    /// The `ordinal`-th id of a collection: `L1`.
    pub fn numbered(collection: Collection, ordinal: u32) -> Self {
        Self(smol_str::format_smolstr!("{}{ordinal}", collection.letter()))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl At {
    /// The order itself.
    pub const ROOT: At = At(Vec::new());

    /// An element of a collection of the order.
    pub fn of(collection: Collection, id: ElementId) -> At {
        At(vec![(collection, id)])
    }

    /// An element of a collection within this one.
    #[must_use]
    pub fn with(&self, collection: Collection, id: ElementId) -> At {
        let mut steps = Vec::with_capacity(self.0.len() + 1);
        steps.extend_from_slice(&self.0);
        steps.push((collection, id));
        At(steps)
    }

    /// Whether it is the order itself.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// The collection whose element it names; `Root` for the order.
    pub fn collection(&self) -> Collection {
        self.0.last().map_or(Collection::Root, |(collection, _)| *collection)
    }

    /// The id of the element it names; `None` for the order.
    pub fn id(&self) -> Option<&ElementId> {
        self.0.last().map(|(_, id)| id)
    }

    /// What surrounds it; `None` for the order.
    pub fn parent(&self) -> Option<At> {
        let (_, outer) = self.0.split_last()?;
        Some(At(outer.to_vec()))
    }

    /// Whether it is `other` or stands within it.
    pub fn within(&self, other: &At) -> bool {
        self.0.starts_with(&other.0)
    }

    /// The keyed path of one of its fields: `lines[L1].qty.ordered`, `state.payment`.
    pub fn path_of(&self, field: FieldId) -> String {
        let path = catalogue().field(field).map_or("?", |field| field.path);
        if self.is_root() { path.to_owned() } else { format!("{self}.{path}") }
    }

    /// Reads `shipments[S1].lines[L2]`; empty is the order.
    pub fn parse(text: &str) -> Option<At> {
        match At::parse_path(text)? {
            (at, "") => Some(at),
            (_, _) => None,
        }
    }

    /// Reads the keyed path of a field: `lines[L1].qty.ordered`.
    pub fn parse_field(text: &str) -> Option<(At, FieldId)> {
        let (at, path) = At::parse_path(text)?;
        let field = catalogue().find(at.collection(), path)?;
        Some((at, field.id))
    }

    /// Splits a keyed path into the place and the rest, which is not looked up.
    pub fn parse_path(text: &str) -> Option<(At, &str)> {
        let (mut at, mut rest) = (At::ROOT, text);
        while let Some((name, more)) = rest.split_once('[') {
            let collection = at.collection().child(name)?;
            let (id, more) = more.split_once(']')?;
            if id.is_empty() || id.contains('[') {
                return None;
            }
            at.0.push((collection, ElementId::new(id)));
            rest = match more.strip_prefix('.') {
                Some(inner) if !inner.is_empty() => inner,
                Some(_) => return None,
                None if more.is_empty() => more,
                None => return None,
            };
        }
        Some((at, rest))
    }
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, (collection, id)) in self.0.iter().enumerate() {
            let dot = if position == 0 { "" } else { "." };
            write!(f, "{dot}{}[{id}]", collection.name())?;
        }
        Ok(())
    }
}

impl Serialize for At {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for At {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl Visitor<'_> for Reader {
            type Value = At;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a place of an order")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<At, E> {
                At::parse(text).ok_or_else(|| E::custom("not a place of an order"))
            }
        }
        deserializer.deserialize_str(Reader)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::known;

    #[test]
    fn a_place_is_shown_keyed_and_read_back() {
        let cases =
            ["", "lines[L1]", "shipments[S1].lines[L2]", "shipments[S1].packages[B1].lines[L2]"];
        for text in cases {
            assert_eq!(At::parse(text).unwrap().to_string(), text);
        }
        for text in ["lines", "lines[]", "lines[L1", "lines[L1].", "lines[L1]x", "boxes[B1]"] {
            assert_eq!(At::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_field_path_is_keyed_and_read_back() {
        let at = At::of(Collection::Lines, ElementId::new("L1"));
        assert_eq!(at.path_of(known::line::QTY_ORDERED), "lines[L1].qty.ordered");
        assert_eq!(At::ROOT.path_of(known::order::STATE_PAYMENT), "state.payment");
        for (text, field) in [
            ("lines[L1].qty.ordered", known::line::QTY_ORDERED),
            ("state.payment", known::order::STATE_PAYMENT),
            ("shipments[S1].lines[L2].qty", known::shipment_line::QTY),
        ] {
            let (at, found) = At::parse_field(text).unwrap();
            assert_eq!((found, at.path_of(found).as_str()), (field, text));
        }
        assert_eq!(At::parse_field("lines[L1].qty"), None);
    }

    #[test]
    fn collections_know_their_paths_and_parents() {
        for collection in Collection::ALL {
            assert_eq!(Collection::parse(collection.path()), Some(collection));
            if let Some(parent) = collection.parent() {
                assert_eq!(parent.child(collection.name()), Some(collection));
            }
        }
        assert_eq!(Collection::split("shipments.lines.qty"), (Collection::ShipmentLines, "qty"));
        assert_eq!(Collection::split("qty.ordered"), (Collection::Root, "qty.ordered"));
        assert_eq!(Collection::Shipments.entity(), Some(Entity::Shipment));
        assert_eq!(Collection::Lines.entity(), None);
    }
}

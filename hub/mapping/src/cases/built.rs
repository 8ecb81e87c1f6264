//! An order made of what a case says of it.

use std::collections::BTreeMap;

use orderhub_order::catalogue::catalogue;
use orderhub_order::contribution::ElementStatement;
use orderhub_order::ids::{At, Collection, ElementId, OrderKey, Role, SystemName};
use orderhub_order::lane::{Lane, Xref};
use orderhub_order::model::{Element, Order, Subject};
use orderhub_order::value::{Reference, Value as HubValue};

use crate::reverse::kind_of;
use crate::{Mapping, view};

/// An order made of what a case says, with the references that it names.
pub(super) struct Built {
    pub(super) order: Order,
    pub(super) lane: Lane,
    pub(super) at: At,
}

impl Built {
    pub(super) fn new(mapping: &Mapping, read: &view::Read, system: &SystemName) -> Self {
        let reference = read.order.as_ref().unwrap_or(&read.body);
        let text = |path: &str| text_field(reference, path);
        let no = text("order_no").unwrap_or_else(|| "1".to_owned());
        let named = text("ref").unwrap_or_else(|| format!("{system}-{no}")).into();
        let origin = text("channel.system").map_or_else(|| system.clone(), SystemName::new);
        let mut order = Order::new(OrderKey(1), named, origin, "default".into());
        // These stand in the order itself, not among its fields.
        order.version = text("version").and_then(|version| version.parse().ok()).unwrap_or(0);
        let lane = Lane::new(system.clone(), Role::Sink);
        let mut built = Self { order, lane, at: At::ROOT };
        if let Some(order) = &read.order {
            built.fill(&At::ROOT, order);
        }
        if let Some(collection) = mapping.entity.collection() {
            let at = At::of(collection, ElementId::numbered(collection, 1));
            let element = Element::new(ElementId::numbered(collection, 1), None);
            built.order.collections.entry(collection).or_default().push(element);
            built.at = at;
        }
        let at = built.at.clone();
        built.fill(&at, &read.body);
        if let Some(key) = &read.key {
            built.link(mapping.entity.as_str(), &at, key);
        }
        built
    }

    pub(super) fn subject(&self) -> Subject<'_> {
        Subject { order: &self.order, at: &self.at, lane: Some(&self.lane) }
    }

    fn link(&mut self, kind: &str, at: &At, id: &str) {
        self.lane.xrefs.push(Xref { kind: kind.into(), at: at.clone(), ext_id: id.into() });
    }

    fn fill(&mut self, at: &At, statement: &ElementStatement) {
        for (id, value) in &statement.fields {
            self.order.set(at, *id, self.resolved(value));
        }
        for (kind, id) in &statement.xrefs {
            self.link(kind, at, id);
        }
        for collection in &statement.collections {
            self.collections_at(at, |known| {
                known.entry(collection.collection).or_default();
            });
            for (number, inner) in collection.elements.iter().enumerate() {
                let id = self.id_of(collection.collection, inner, number);
                let place = at.with(collection.collection, id.clone());
                let element = Element::new(id, None);
                self.collections_at(at, |known| {
                    known.entry(collection.collection).or_default().push(element);
                });
                if let Some(key) = &inner.key {
                    self.link(kind_of(collection.collection), &place, key);
                }
                self.fill(&place, inner);
            }
        }
    }

    fn collections_at(
        &mut self,
        at: &At,
        change: impl FnOnce(&mut BTreeMap<Collection, Vec<Element>>),
    ) {
        if at.is_root() {
            change(&mut self.order.collections);
        } else if let Some(element) = self.order.element_mut(at) {
            change(&mut element.collections);
        }
    }

    /// Elements keyed by line take the line's id; others their number.
    fn id_of(&self, collection: Collection, inner: &ElementStatement, number: usize) -> ElementId {
        if let Some(ours) = &inner.ours {
            return ElementId::new(&**ours);
        }
        let line = inner.fields.iter().find_map(|(_, value)| match value {
            Some(HubValue::Ref(reference)) => self.line(reference),
            _ => None,
        });
        let number = u32::try_from(number + 1).unwrap_or(1);
        line.filter(|_| collection.keyed_by_line())
            .unwrap_or_else(|| ElementId::numbered(collection, number))
    }

    fn line(&self, reference: &Reference) -> Option<ElementId> {
        match reference {
            Reference::Ours(id) => Some(ElementId::new(&**id)),
            Reference::Theirs(id) => {
                let known = self
                    .lane
                    .xrefs
                    .iter()
                    .find(|xref| &*xref.kind == "line" && *xref.ext_id == **id);
                known.and_then(|xref| xref.at.id().cloned())
            }
            Reference::Sku(sku) => {
                let field = catalogue().find(Collection::Lines, "sku")?;
                let lines = self.order.elements(Collection::Lines);
                let mut of = lines.filter(|line| {
                    line.fields.value(field.id).and_then(HubValue::as_str) == Some(&**sku)
                });
                of.next().map(|line| line.id.clone())
            }
        }
    }

    fn resolved(
        &self,
        value: &orderhub_order::contribution::Stated,
    ) -> orderhub_order::contribution::Stated {
        match value {
            Some(HubValue::Ref(reference)) => {
                let id = self.line(reference);
                id.map(|id| HubValue::Ref(Reference::Ours(id.as_str().into())))
            }
            other => other.clone(),
        }
    }
}

fn text_field(statement: &ElementStatement, path: &str) -> Option<String> {
    let field = catalogue().find_full(path)?;
    let (_, value) = statement.fields.iter().find(|(id, _)| *id == field.id)?;
    value.as_ref()?.as_text().map(std::borrow::Cow::into_owned)
}

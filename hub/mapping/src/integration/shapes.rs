//! What only compiled mappings know, for the fold: canonical forms, what a rule reads and writes.
//!
//! **Invariant:** `canon` is idempotent, and the identity for fields that no chain of the system names.
//! Test: `canon_is_idempotent_and_the_identity_elsewhere`.
//! **Invariant:** null is a value like others: what comes back as null is null in canonical form, and null is what it
//! comes back as. Test: `null_has_a_canonical_form_and_is_one`.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use orderhub_lang::diagnostic::Span;
use orderhub_order::catalogue::{FieldId, FieldSet, FieldType, catalogue};
use orderhub_order::contribution::Stated;
use orderhub_order::ids::{Entity, SystemName};
use orderhub_order::model::Subject;
use orderhub_order::rules::Shapes;
use orderhub_order::value::{Address, Value};

use super::Integration;
use super::chain::{Chain, Wire};
use crate::hub_path::{HubPath, Leaf, Part};
use crate::program::{
    Alternative, Element, Given, InRule, OutElement, OutGiven, OutItem, OutNode, OutRule,
    OutSource, RefName,
};
use crate::{Context, Mapping};

/// A system as the shapes see it.
#[derive(Clone, Debug)]
pub struct SystemShape {
    /// Its integration.
    pub integration: Arc<Integration>,
    /// Its settings.
    pub settings: Arc<BTreeMap<String, String>>,
}

/// The shapes of all configured systems.
#[derive(Debug)]
pub struct SystemShapes {
    systems: BTreeMap<SystemName, SystemShape>,
    /// By integration: systems of one share their chains.
    chains: BTreeMap<String, Chains>,
}

/// The chains that name each field.
#[derive(Debug, Default)]
pub(crate) struct Chains {
    fields: HashMap<FieldId, Vec<Chain>>,
    parts: HashMap<(FieldId, &'static str), Vec<Chain>>,
    /// Fields that go out: of others no null ever comes back.
    sent: HashSet<FieldId>,
    /// Parts of addresses that come in, and that go out, where the address does.
    read: HashMap<FieldId, Vec<&'static str>>,
    written: HashMap<FieldId, Vec<&'static str>>,
    /// Addresses without a place of their own: their parts stand beside other fields.
    flat: HashSet<FieldId>,
}

impl SystemShapes {
    /// Collects the chains of every integration once.
    pub fn new(systems: BTreeMap<SystemName, SystemShape>) -> Self {
        let mut chains = BTreeMap::new();
        for system in systems.values() {
            let name = &system.integration.name;
            if !chains.contains_key(name) {
                chains.insert(name.clone(), Chains::of(&system.integration));
            }
        }
        Self { systems, chains }
    }

    fn mappings<'s>(&'s self, system: &SystemName, rule: &str) -> Vec<&'s Arc<Mapping>> {
        let Some(shape) = self.systems.get(system) else { return Vec::new() };
        let deliver = shape.integration.deliver_rule(rule);
        let with = deliver.into_iter().flat_map(|deliver| deliver.with.all());
        with.filter_map(|document| shape.integration.mapping(document)).collect()
    }
}

impl Shapes for SystemShapes {
    fn canon(&self, system: &SystemName, field: FieldId, value: &Stated) -> Stated {
        let shape = self.systems.get(system);
        let chains = shape.and_then(|shape| self.chains.get(&shape.integration.name));
        chains.map_or_else(|| value.clone(), |chains| chains.canon(field, value))
    }

    fn reads(&self, system: &SystemName, rule: &str) -> FieldSet {
        let mappings = self.mappings(system, rule);
        mappings.iter().fold(FieldSet::EMPTY, |all, mapping| all.union(mapping.reads()))
    }

    fn writes(&self, system: &SystemName, rule: &str, subject: Subject<'_>) -> FieldSet {
        let mut fields = FieldSet::EMPTY;
        let Some(shape) = self.systems.get(system) else { return fields };
        let args = BTreeMap::new();
        let context = Context { system, settings: &shape.settings, args: &args, hub: None };
        for mapping in self.mappings(system, rule) {
            // What cannot be mapped out is not sent, and writes nothing.
            if let Ok(projection) = mapping.reverse(subject, &context) {
                for (_, field, _) in &projection.values {
                    fields.insert(*field);
                }
            }
        }
        fields
    }

    fn rule_of(&self, system: &SystemName, entity: Entity, field: FieldId) -> Option<String> {
        let integration = &self.systems.get(system)?.integration;
        let mut places = Vec::new();
        for mapping in heard(integration).into_iter().filter(|mapping| mapping.entity == entity) {
            let mut spans = Vec::new();
            stating(&mapping.compiled.input.root, field, &mut spans);
            places.extend(spans.into_iter().map(|span| mapping.source.place(span.start)));
        }
        (!places.is_empty()).then(|| places.join(" or "))
    }
}

/// The mappings of what comes in, each once.
fn heard(integration: &Integration) -> Vec<&Arc<Mapping>> {
    let intake = integration.intake.iter().flat_map(|intake| &intake.documents);
    let reply = integration.deliver.iter().flat_map(|deliver| deliver.reply.all());
    let mut seen = Vec::new();
    let mut mappings = Vec::new();
    for document in intake.chain(reply) {
        if !seen.contains(&document)
            && let Some(mapping) = integration.mapping(document)
        {
            mappings.push(mapping);
            seen.push(document);
        }
    }
    mappings
}

/// The rules that read a field from the document; a constant is a word of the file.
fn stating(element: &Element, field: FieldId, spans: &mut Vec<Span>) {
    for own in element.fields.iter().filter(|own| own.id == field) {
        for alternative in &own.rules {
            if let Alternative::Whole(rule, _) = alternative
                && !matches!(rule.input, Given::Constant(_))
            {
                spans.push(rule.span);
            }
        }
    }
    for source in element.collections.iter().flat_map(|collection| &collection.sources) {
        stating(&source.element, field, spans);
    }
}

impl Chains {
    pub(crate) fn of(integration: &Integration) -> Self {
        let mut chains = Self::default();
        let out = integration.deliver.iter().flat_map(|deliver| deliver.with.all());
        for mapping in out.filter_map(|document| integration.mapping(document)) {
            chains.out_element(&mapping.compiled.output.root, Wire::of(&mapping.format));
        }
        for mapping in heard(integration) {
            chains.in_element(&mapping.compiled.input.root, Wire::of(&mapping.format));
        }
        chains
    }

    fn in_element(&mut self, element: &Element, wire: Wire) {
        for field in &element.fields {
            for rule in &field.rules {
                match rule {
                    Alternative::Whole(rule, RefName::Theirs) => {
                        if let Some(chain) = plain(rule, wire) {
                            self.fields.entry(field.id).or_default().push(chain);
                        }
                    }
                    Alternative::Whole(..) | Alternative::Entries(_) => {}
                    Alternative::Address(whole, parts) => {
                        if whole.is_none() {
                            self.flat.insert(field.id);
                        }
                        for (name, rules) in parts {
                            note(&mut self.read, field.id, name);
                            let chains = rules.iter().filter_map(|rule| plain(rule, wire));
                            self.parts.entry((field.id, name)).or_default().extend(chains);
                        }
                    }
                }
            }
        }
        for collection in &element.collections {
            for source in &collection.sources {
                self.in_element(&source.element, wire);
            }
        }
    }

    fn out_element(&mut self, element: &OutElement, wire: Wire) {
        for rule in &element.rules {
            self.out_rule(rule, wire);
        }
        self.out_node(&element.node, wire);
    }

    fn out_node(&mut self, node: &OutNode, wire: Wire) {
        for (_, child) in &node.keys {
            self.out_node(child, wire);
        }
        for item in &node.items {
            match item {
                OutItem::Each(_, element, _) => self.out_element(element, wire),
                OutItem::Place(_, child) | OutItem::Where(_, _, child) | OutItem::Rows(child) => {
                    self.out_node(child, wire);
                }
            }
        }
    }

    fn out_rule(&mut self, rule: &OutRule, wire: Wire) {
        let OutGiven::First(sources) = &rule.input else { return };
        let [OutSource::Hub(HubPath { leaf: Leaf::Field(id, part), steps, .. })] =
            sources.as_slice()
        else {
            return;
        };
        if !steps.is_empty() || rule.inverse.is_some() {
            return;
        }
        let chain = Chain::written(rule, wire);
        match part {
            None => {
                self.sent.insert(*id);
                self.fields.entry(*id).or_default().insert(0, chain);
            }
            Some(Part::Address(name)) => {
                note(&mut self.written, *id, name);
                self.parts.entry((*id, name)).or_default().insert(0, chain);
            }
            Some(Part::Amount | Part::Currency | Part::Entry(_)) => {}
        }
    }

    pub(crate) fn canon(&self, field: FieldId, value: &Stated) -> Stated {
        if let Some(Value::Address(address)) = value {
            return self.address(field, address);
        }
        let Some(ty) = catalogue().field(field).map(|field| &field.ty) else {
            return value.clone();
        };
        if *ty == FieldType::Address && self.flat.contains(&field) {
            return self.address(field, &Address::default());
        }
        if value.is_none() && !self.sent.contains(&field) {
            return None;
        }
        let chains = self.fields.get(&field).map(Vec::as_slice).unwrap_or_default();
        let mut current = value.clone();
        for chain in chains {
            current = chain.through(&current, Some(field), ty).unwrap_or(current);
        }
        current
    }

    /// Parts that the system cannot give back are not compared; an address of which nothing comes back is null.
    fn address(&self, field: FieldId, address: &Address) -> Stated {
        let mut canon = address.clone();
        for name in Address::PARTS {
            let lost = |known: &HashMap<FieldId, Vec<&'static str>>| {
                known.get(&field).is_some_and(|parts| !parts.contains(&name))
            };
            let Some(part) = canon.part_mut(name) else { continue };
            if lost(&self.read) || lost(&self.written) {
                *part = None;
                continue;
            }
            if part.is_none() && !self.written.contains_key(&field) {
                continue;
            }
            let chains = self.parts.get(&(field, name)).map(Vec::as_slice).unwrap_or_default();
            for chain in chains {
                let given = part.clone().map(Value::Text);
                match chain.through(&given, None, &FieldType::Text) {
                    Some(Some(Value::Text(text))) => *part = Some(text),
                    Some(None) => *part = None,
                    Some(Some(_)) | None => {}
                }
            }
        }
        (canon != Address::default()).then(|| Value::Address(canon.into()))
    }
}

fn note(known: &mut HashMap<FieldId, Vec<&'static str>>, field: FieldId, part: &'static str) {
    let parts = known.entry(field).or_default();
    if !parts.contains(&part) {
        parts.push(part);
    }
}

/// The chain of a rule that reads one value as it stands; folds and computed values have no way back.
fn plain(rule: &InRule, wire: Wire) -> Option<Chain> {
    let path = matches!(rule.input, Given::First(_));
    (path && rule.fold.is_none()).then(|| Chain::read(rule, wire))
}

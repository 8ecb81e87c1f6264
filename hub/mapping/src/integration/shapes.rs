//! What only compiled mappings know, for the fold: canonical forms, what a rule reads and writes.
//!
//! **Invariant:** `canon` is idempotent, and the identity for fields that no chain of the system names.
//! Test: `canon_is_idempotent_and_the_identity_elsewhere`.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use orderhub_order::catalogue::{FieldId, FieldSet, FieldType, catalogue};
use orderhub_order::ids::SystemName;
use orderhub_order::model::Subject;
use orderhub_order::rules::Shapes;
use orderhub_order::value::{Address, Value};

use super::Integration;
use crate::cell::Cell;
use crate::compile::limits;
use crate::conversions::{Aside, Conversion};
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

/// A chain in the direction in.
type Chain = Vec<Arc<dyn Conversion>>;

/// The chains that name each field.
#[derive(Debug, Default)]
pub(crate) struct Chains {
    fields: HashMap<FieldId, Vec<Chain>>,
    parts: HashMap<(FieldId, &'static str), Vec<Chain>>,
    /// Parts of addresses that come in, and that go out, where the address does.
    read: HashMap<FieldId, Vec<&'static str>>,
    written: HashMap<FieldId, Vec<&'static str>>,
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
    fn canon(&self, system: &SystemName, field: FieldId, value: &Value) -> Value {
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
}

impl Chains {
    pub(crate) fn of(integration: &Integration) -> Self {
        let mut chains = Self::default();
        let out = integration.deliver.iter().flat_map(|deliver| deliver.with.all());
        for mapping in out.filter_map(|document| integration.mapping(document)) {
            chains.out_element(&mapping.compiled.output.root);
        }
        let intake = integration.intake.iter().flat_map(|intake| &intake.documents);
        let reply = integration.deliver.iter().flat_map(|deliver| deliver.reply.all());
        let mut seen = Vec::new();
        for document in intake.chain(reply) {
            if !seen.contains(&document)
                && let Some(mapping) = integration.mapping(document)
            {
                chains.in_element(&mapping.compiled.input.root);
                seen.push(document);
            }
        }
        chains
    }

    fn in_element(&mut self, element: &Element) {
        for field in &element.fields {
            for rule in &field.rules {
                match rule {
                    Alternative::Whole(rule, RefName::Theirs) => {
                        if let Some(chain) = plain(rule) {
                            self.fields.entry(field.id).or_default().push(chain);
                        }
                    }
                    Alternative::Whole(..) | Alternative::Entries(_) => {}
                    Alternative::Address(_, parts) => {
                        for (name, rules) in parts {
                            note(&mut self.read, field.id, name);
                            let chains = rules.iter().filter_map(plain);
                            self.parts.entry((field.id, name)).or_default().extend(chains);
                        }
                    }
                }
            }
        }
        for collection in &element.collections {
            for source in &collection.sources {
                self.in_element(&source.element);
            }
        }
    }

    fn out_element(&mut self, element: &OutElement) {
        for rule in &element.rules {
            self.out_rule(rule);
        }
        self.out_node(&element.node);
    }

    fn out_node(&mut self, node: &OutNode) {
        for (_, child) in &node.keys {
            self.out_node(child);
        }
        for item in &node.items {
            match item {
                OutItem::Each(_, element, _) => self.out_element(element),
                OutItem::Place(_, child) | OutItem::Where(_, _, child) | OutItem::Rows(child) => {
                    self.out_node(child);
                }
            }
        }
    }

    fn out_rule(&mut self, rule: &OutRule) {
        let OutGiven::First(sources) = &rule.input else { return };
        let [OutSource::Hub(HubPath { leaf: Leaf::Field(id, part), steps, .. })] =
            sources.as_slice()
        else {
            return;
        };
        if !steps.is_empty() || rule.inverse.is_some() {
            return;
        }
        // Out runs right to left: turned round, so that every chain stands as it is written.
        let chain: Chain = rule.chain.iter().rev().map(Arc::clone).collect();
        match part {
            None => self.fields.entry(*id).or_default().insert(0, chain),
            Some(Part::Address(name)) => {
                note(&mut self.written, *id, name);
                self.parts.entry((*id, name)).or_default().insert(0, chain);
            }
            Some(Part::Amount | Part::Currency | Part::Entry(_)) => {}
        }
    }

    pub(crate) fn canon(&self, field: FieldId, value: &Value) -> Value {
        if let Value::Address(address) = value {
            return self.address(field, address);
        }
        let Some(ty) = catalogue().field(field).map(|field| &field.ty) else {
            return value.clone();
        };
        let chains = self.fields.get(&field).map(Vec::as_slice).unwrap_or_default();
        let mut current = value.clone();
        for chain in chains {
            current = through(chain, &current, Some(field), ty).unwrap_or(current);
        }
        current
    }

    /// Parts that the system cannot give back are not compared.
    fn address(&self, field: FieldId, address: &Address) -> Value {
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
            let chains = self.parts.get(&(field, name)).map(Vec::as_slice).unwrap_or_default();
            for chain in chains {
                let Some(text) = part.clone() else { break };
                let given = through(chain, &Value::Text(text), None, &FieldType::Text);
                if let Some(Value::Text(text)) = given {
                    *part = Some(text);
                }
            }
        }
        Value::Address(canon.into())
    }
}

fn note(known: &mut HashMap<FieldId, Vec<&'static str>>, field: FieldId, part: &'static str) {
    let parts = known.entry(field).or_default();
    if !parts.contains(&part) {
        parts.push(part);
    }
}

/// The chain of a rule that reads one value as it stands; folds and computed values have no way back.
fn plain(rule: &InRule) -> Option<Chain> {
    let path = matches!(rule.input, Given::First(_));
    (path && rule.fold.is_none()).then(|| rule.each.iter().map(Arc::clone).collect())
}

/// What comes back of a value: the whole chain out right to left, and in again.
fn through(chain: &Chain, value: &Value, field: Option<FieldId>, ty: &FieldType) -> Option<Value> {
    let target = field.and_then(|id| catalogue().field(id)).map(limits).unwrap_or_default();
    let mut cell = Cell::of(value).into_owned();
    if let [only] = chain.as_slice() {
        let canon = only.two_way().then(|| only.canon(cell).into_owned())?;
        return crate::run_stated(canon, ty).flatten();
    }
    let mut beside = Vec::with_capacity(chain.len());
    for conversion in chain.iter().rev() {
        let taken = cell.is_value() || (cell == Cell::Null && conversion.takes_null());
        if !conversion.two_way() {
            return None;
        }
        if !taken {
            beside.push(Aside::None);
            continue;
        }
        let put = conversion.put(cell, target).ok()?;
        cell = put.main;
        beside.push(put.beside);
    }
    for (conversion, beside) in chain.iter().zip(beside.iter().rev()) {
        // An amount that stands beside has no value at the rule's own place.
        if cell == Cell::Absent && beside.is_empty() {
            return None;
        }
        if cell == Cell::Null && !conversion.takes_null() {
            continue;
        }
        cell = conversion.get(cell, beside, target).ok()?;
    }
    crate::run_stated(cell, ty).flatten()
}

//! The two ends of each field of an integration: the rules that write it in documents that go out, and
//! those that read it in documents that come in.

use std::collections::BTreeMap;
use std::sync::Arc;

use orderhub_order::catalogue::{FieldId, FieldType, catalogue};

use crate::conversions::Conversion;
use crate::hub_path::{HubPath, Leaf, Part};
use crate::integration::Integration;
use crate::program::{
    Alternative, Element, Given, InRule, OutElement, OutGiven, OutItem, OutNode, OutRule,
    OutSource, RefName,
};
use crate::{Mapping, RuleInfo, RuleNo};

/// A field, or a part of one: an address's `line1`, an entry of a map.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) id: FieldId,
    pub(super) part: Option<Box<str>>,
}

impl Key {
    /// `lines.qty.ordered`, `addresses.ship_to.line1`.
    pub(super) fn path(&self) -> String {
        let path = catalogue().field(self.id).map(|field| field.full_path()).unwrap_or_default();
        match &self.part {
            Some(part) => format!("{path}.{part}"),
            None => path,
        }
    }

    /// It is an entry of a map.
    pub(super) fn is_entry(&self) -> bool {
        let whole = catalogue().field(self.id).map(|field| &field.ty);
        self.part.is_some() && whole == Some(&FieldType::Map)
    }

    /// The type of its values.
    pub(super) fn ty(&self) -> FieldType {
        let whole = catalogue().field(self.id).map(|field| field.ty.clone());
        match &self.part {
            Some(part) if &**part == "country" => FieldType::Country,
            Some(_) => FieldType::Text,
            None => whole.unwrap_or(FieldType::Text),
        }
    }
}

/// A rule that reads a field.
#[derive(Clone, Copy, Debug)]
pub(super) struct In<'i> {
    pub(super) mapping: &'i Arc<Mapping>,
    pub(super) rule: &'i InRule,
    pub(super) named: RefName,
}

/// A rule that writes a field.
#[derive(Clone, Copy, Debug)]
pub(super) struct Out<'i> {
    pub(super) mapping: &'i Arc<Mapping>,
    pub(super) rule: &'i OutRule,
    /// The field alone, whole, and of one element: what goes out is this value and nothing else.
    pub(super) alone: bool,
    /// The rule, once for each place that its `inverse:` writes.
    pub(super) places: &'i [OutRule],
}

/// Who reads and who writes a field.
#[derive(Debug, Default)]
pub(super) struct Ends<'i> {
    pub(super) ins: Vec<In<'i>>,
    pub(super) outs: Vec<Out<'i>>,
}

/// How the mappings of an integration are used.
#[derive(Debug, Default)]
pub(super) struct Used<'i> {
    pub(super) ins: Vec<&'i Arc<Mapping>>,
    pub(super) outs: Vec<&'i Arc<Mapping>>,
}

impl<'i> Used<'i> {
    pub(super) fn of(integration: &'i Integration) -> Self {
        let mut used = Self::default();
        let intake = integration.intake.iter().flat_map(|intake| &intake.documents);
        let reply = integration.deliver.iter().flat_map(|deliver| deliver.reply.all());
        for document in intake.chain(reply) {
            note(&mut used.ins, integration.mapping(document));
        }
        for document in integration.deliver.iter().flat_map(|deliver| deliver.with.all()) {
            note(&mut used.outs, integration.mapping(document));
        }
        used
    }

    /// The mappings that come in and go out.
    pub(super) fn both(&self) -> impl Iterator<Item = &'i Arc<Mapping>> {
        self.ins.iter().copied().filter(|mapping| self.goes_out(mapping))
    }

    pub(super) fn goes_out(&self, mapping: &Mapping) -> bool {
        self.outs.iter().any(|known| known.name == mapping.name)
    }

    /// The ends of every field.
    pub(super) fn ends(&self) -> BTreeMap<Key, Ends<'i>> {
        let mut found = Found { ends: BTreeMap::new() };
        for mapping in &self.ins {
            found.element(mapping, &mapping.compiled.input.root);
        }
        for mapping in &self.outs {
            found.out_element(mapping, &mapping.compiled.output.root);
        }
        found.ends
    }
}

fn note<'i>(known: &mut Vec<&'i Arc<Mapping>>, mapping: Option<&'i Arc<Mapping>>) {
    if let Some(mapping) = mapping
        && !known.iter().any(|known| known.name == mapping.name)
    {
        known.push(mapping);
    }
}

struct Found<'i> {
    ends: BTreeMap<Key, Ends<'i>>,
}

impl<'i> Found<'i> {
    fn at(&mut self, id: FieldId, part: Option<&str>) -> &mut Ends<'i> {
        self.ends.entry(Key { id, part: part.map(Box::from) }).or_default()
    }

    fn element(&mut self, mapping: &'i Arc<Mapping>, element: &'i Element) {
        for field in &element.fields {
            for alternative in &field.rules {
                match alternative {
                    Alternative::Whole(rule, named) => {
                        let end = In { mapping, rule, named: *named };
                        self.at(field.id, None).ins.push(end);
                    }
                    Alternative::Address(_, parts) => {
                        for (name, rules) in parts {
                            let ends = self.at(field.id, Some(name));
                            let named = RefName::Theirs;
                            ends.ins.extend(rules.iter().map(|rule| In { mapping, rule, named }));
                        }
                    }
                    Alternative::Entries(entries) => {
                        for (name, rule) in entries {
                            let end = In { mapping, rule, named: RefName::Theirs };
                            self.at(field.id, Some(name)).ins.push(end);
                        }
                    }
                }
            }
        }
        for source in element.collections.iter().flat_map(|collection| &collection.sources) {
            self.element(mapping, &source.element);
        }
    }

    fn out_element(&mut self, mapping: &'i Arc<Mapping>, element: &'i OutElement) {
        for (number, rule) in element.rules.iter().enumerate() {
            let places = places(&element.rules, number);
            if places.is_empty() {
                continue;
            }
            let (sources, named) = match &rule.input {
                OutGiven::First(sources) => (sources.as_slice(), false),
                OutGiven::Named(sources) => (sources.as_slice(), true),
                OutGiven::Constant(_)
                | OutGiven::Expression(..)
                | OutGiven::Object(_)
                | OutGiven::Key
                | OutGiven::Ours => continue,
            };
            let single = sources.len() == 1 && !named;
            for source in sources {
                let OutSource::Hub(path) = source else { continue };
                let Leaf::Field(id, part) = &path.leaf else { continue };
                let (name, whole) = match part {
                    None => (None, true),
                    Some(Part::Address(name)) => (Some(*name), true),
                    Some(Part::Entry(name)) => (Some(name.as_str()), true),
                    Some(Part::Amount | Part::Currency) => (None, false),
                };
                let alone = single && whole && !HubPath::is_fan_out(path) && !rule.rows;
                let list = catalogue().field(*id).is_some_and(|field| field.ty == FieldType::List);
                let items = single && whole && list && rule.rows && !path.is_fan_out();
                let alone = alone || items;
                self.at(*id, name).outs.push(Out { mapping, rule, alone, places });
            }
        }
        self.out_node(mapping, &element.node);
    }

    fn out_node(&mut self, mapping: &'i Arc<Mapping>, node: &'i OutNode) {
        for (_, child) in &node.keys {
            self.out_node(mapping, child);
        }
        for item in &node.items {
            match item {
                OutItem::Each(_, element, _) => self.out_element(mapping, element),
                OutItem::Place(_, child) | OutItem::Where(_, _, child) | OutItem::Rows(child) => {
                    self.out_node(mapping, child);
                }
            }
        }
    }
}

/// A rule of an element, with those behind it that write other places of one `inverse:`; none where an earlier one
/// has it among its own.
fn places(rules: &[OutRule], number: usize) -> &[OutRule] {
    let rest = rules.get(number..).unwrap_or_default();
    let Some(first) = rest.first() else { return rest };
    let of_one = |rule: &OutRule| rule.inverse.is_some() && rule.no == first.no;
    let before = number.checked_sub(1).and_then(|before| rules.get(before));
    if before.is_some_and(of_one) && of_one(first) {
        return &[];
    }
    let count = rest.iter().take_while(|rule| of_one(rule)).count();
    rest.get(..count.max(1)).unwrap_or_default()
}

impl<'i> In<'i> {
    /// All conversions of a rule that computes its value; `None`: a fold among them has no way back.
    pub(super) fn of_formula(&self) -> Option<Vec<Arc<dyn Conversion>>> {
        let folds = self.rule.fold.as_ref().is_some_and(|fold| !fold.two_way());
        let own = self.named == RefName::Theirs;
        let chain = || self.rule.each.iter().chain(&self.rule.fold).chain(&self.rule.after);
        (own && !folds).then(|| chain().map(Arc::clone).collect())
    }

    /// The conversions of a rule that reads one value, or named inputs, as they stand.
    pub(super) fn chain(&self) -> Option<Vec<Arc<dyn Conversion>>> {
        let read = matches!(self.rule.input, Given::First(_) | Given::Named(_));
        let own = self.named == RefName::Theirs;
        // A list that is joined is parted again; what adds up has no way back.
        let folds = self.rule.fold.as_ref().is_some_and(|fold| !fold.two_way());
        let chain = || self.rule.each.iter().chain(&self.rule.fold).chain(&self.rule.after);
        (read && own && !folds).then(|| chain().map(Arc::clone).collect())
    }

    pub(super) fn info(&self) -> Option<&'i RuleInfo> {
        self.mapping.rule(self.rule.no)
    }
}

impl<'i> Out<'i> {
    pub(super) fn info(&self) -> Option<&'i RuleInfo> {
        self.mapping.rule(self.rule.no)
    }

    /// Its conversions as the file writes them.
    pub(super) fn chain(&self) -> Vec<Arc<dyn Conversion>> {
        self.rule.chain.iter().rev().map(Arc::clone).collect()
    }

    /// The rule is one with what reads: both were derived from it.
    pub(super) fn is(&self, other: &In<'_>) -> bool {
        self.mapping.name == other.mapping.name
            && self.rule.no == other.rule.no
            && self.rule.no != RuleNo::NONE
    }

    /// It writes the place that `other` reads, as far as paths tell: one path, in documents of one entity.
    pub(super) fn same_place(&self, other: &In<'_>) -> bool {
        let (Some(out), Some(read)) = (self.info(), other.info()) else { return false };
        self.mapping.entity == other.mapping.entity
            && !out.system.is_empty()
            && out.system == read.system
            && matches!(other.rule.input, Given::First(_))
    }
}

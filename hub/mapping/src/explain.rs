//! Where each value came from: per hub field the rules that were asked, what each read, what the conversions
//! made of it, and why there is no value where there is none.
//!
//! **Invariant:** what is told of a field is what the mapping gave for it. Test:
//! `what_is_explained_is_what_the_mapping_gives`. Bound: what is kept grows with the body, which the caller bounds.

mod show;
mod told;

use std::collections::BTreeMap;

use orderhub_lang::value::Value;
use orderhub_order::catalogue::{Kind as FieldKind, catalogue};
use orderhub_order::contribution::{Contribution, ParentReference};
use orderhub_order::ids::Collection;
use orderhub_order::model::Subject;

use crate::facts::Facts;
use crate::listing::{Kind, Listed, listed};
use crate::watch::{Gave, RuleAt, Seen};
use crate::{Context, Direction, Mapped, Mapping, Projection, ReverseError};

pub use show::{render, to_json};
pub(crate) use told::{Collector, Told};

/// What one document, or one subject, gave.
#[derive(Debug)]
pub struct Explained {
    /// What became of a document that came in; `None` of a subject that went out.
    pub mapped: Option<Mapped>,
    /// What came of a subject that went out.
    pub projected: Option<Result<Projection, ReverseError>>,
    /// Field by field, as the rules run.
    pub fields: Vec<Field>,
    /// Hub fields of the entity that no rule of this way names.
    pub no_rule: Vec<String>,
    /// Hub fields whose rules go the other way only, with their places.
    pub other_way: Vec<(String, String)>,
}

/// What is known of one field of one element.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// `lines[17].qty.ordered`: the hub path, elements by key.
    pub field: String,
    /// What it got.
    pub got: Got,
    /// The rules, in the order in which they are asked.
    pub tries: Vec<Try>,
}

/// What a field got.
#[derive(Clone, Debug, PartialEq)]
pub enum Got {
    /// A value.
    Value(Value),
    /// An object, whose parts are told apart.
    Object,
    /// So many elements.
    Elements(usize),
    /// Null.
    Null,
    /// A rule failed: the document cannot be mapped.
    Failed,
    /// Nothing: the document says nothing of it.
    Absent,
}

/// One rule that was, or was not, asked.
#[derive(Clone, Debug, PartialEq)]
pub struct Try {
    /// `file:line:column`
    pub rule: String,
    /// What it did; `None`: it was not asked, because an earlier rule gave the value.
    pub seen: Option<Seen>,
    /// The value is this rule's.
    pub gave: bool,
}

impl Field {
    /// The hub path without the elements' keys: `lines.qty.ordered`.
    pub fn hub(&self) -> String {
        let mut text = String::new();
        let mut rest = self.field.as_str();
        while let Some((before, after)) = rest.split_once('[') {
            text.push_str(before);
            rest = after.split_once(']').map_or("", |(_, rest)| rest);
        }
        text.push_str(rest);
        text
    }
}

/// Explains every document of a body, with what was looked up for it.
pub fn explain(
    mapping: &Mapping,
    body: &[u8],
    context: &Context<'_>,
    facts: &dyn Facts,
) -> Vec<Explained> {
    let collector = Collector::default();
    let mapped = mapping.watch_in(body, context, facts, &collector);
    let listed = listed(mapping);
    let mut documents = told::by_document(collector.into_told(), mapped.len());
    let mapped = mapped.into_iter().zip(documents.drain(..));
    mapped
        .map(|(mapped, told)| {
            let mut explained = explained(mapping, &listed, told, Direction::In);
            if let Mapped::Document(document) = &mapped {
                explained.fields.iter_mut().for_each(|field| named(field, document));
            }
            explained.mapped = Some(mapped);
            explained
        })
        .collect()
}

/// Explains what goes out for a subject.
pub fn explain_out(mapping: &Mapping, subject: Subject<'_>, context: &Context<'_>) -> Explained {
    let collector = Collector::default();
    let projected = mapping.watch_out(subject, context, &collector);
    let listed = listed(mapping);
    let mut explained = explained(mapping, &listed, collector.into_told(), Direction::Out);
    explained.projected = Some(projected);
    explained
}

fn explained(
    mapping: &Mapping,
    listed: &[Listed<'_>],
    told: Vec<Told>,
    way: Direction,
) -> Explained {
    let by_rule: BTreeMap<RuleAt, &Listed<'_>> = listed.iter().map(|one| (one.at, one)).collect();
    let mut fields: Vec<Field> = Vec::new();
    let mut asked: Vec<(String, String)> = Vec::new();
    for told in told {
        let Some(one) = by_rule.get(&told.seen.rule) else { continue };
        let (name, hub) = match one.is {
            Kind::Name(_) => {
                let Some(name) = name_of(mapping, one) else { continue };
                (name.clone(), name)
            }
            Kind::Field(_) | Kind::Object(_) | Kind::Each(_) | Kind::Out(_) => {
                (told.name(&one.hub), one.hub.clone())
            }
        };
        let rule = mapping.source.place(one.is.span().start);
        let tried = Try { rule, gave: false, seen: Some(told.seen) };
        match fields.iter_mut().rev().find(|field| field.field == name) {
            Some(field) => field.tries.push(tried),
            None => {
                asked.push((name.clone(), hub));
                fields.push(Field { field: name, got: Got::Absent, tries: vec![tried] });
            }
        }
    }
    for (field, (_, hub)) in fields.iter_mut().zip(&asked) {
        settle(field, &by_rule);
        not_asked(mapping, field, hub, listed, way);
    }
    empty_objects(&mut fields);
    let (no_rule, other_way) = without(mapping, listed, way);
    Explained { mapped: None, projected: None, fields, no_rule, other_way }
}

/// What names the document, as the hub's JSON has it: `$key`, `$parents.order`, `$parents.ref`, `$revision`; `None`: it names
/// an element.
fn name_of(mapping: &Mapping, one: &Listed<'_>) -> Option<String> {
    let mut parents = mapping.compiled.input.parents.iter();
    if let Some((kind, _)) = parents.find(|(_, rule)| RuleAt::of(rule) == one.at) {
        return Some(format!("$parents.{}", kind.as_deref().unwrap_or("ref")));
    }
    matches!(&*one.hub, "key" | "revision").then(|| format!("${}", one.hub))
}

/// What names a document, as it was taken: a template makes one key of several rules, and an empty text names nothing.
fn named(field: &mut Field, document: &Contribution) {
    if field.field == "$key" {
        field.got = Got::Value(Value::Text(document.key.to_string()));
    }
    let Some(kind) = field.field.strip_prefix("$parents.") else { return };
    let is = |parent: &ParentReference| match parent {
        ParentReference::Xref { kind: own, .. } => **own == *kind,
        ParentReference::Ref(_) => kind == "ref",
    };
    if !document.parents.iter().any(is) {
        field.got = Got::Absent;
        field.tries.iter_mut().for_each(|tried| tried.gave = false);
    }
}

/// The value that a field got, and which rule gave it.
fn settle(field: &mut Field, by_rule: &BTreeMap<RuleAt, &Listed<'_>>) {
    for tried in &mut field.tries {
        let Some(seen) = &tried.seen else { continue };
        let kind = by_rule.get(&seen.rule).map(|one| one.is);
        match (&seen.gave, kind) {
            (Gave::Value(_), Some(Kind::Each(_))) => {
                let rows = seen.rows.iter().filter(|row| row.held).count();
                let known = if let Got::Elements(known) = field.got { known } else { 0 };
                field.got = Got::Elements(known + rows);
                tried.gave = true;
            }
            (Gave::Value(_), Some(Kind::Object(_))) => {
                field.got = Got::Object;
                tried.gave = true;
            }
            (Gave::Value(value), _) if !matches!(field.got, Got::Value(_)) => {
                field.got = Got::Value(value.clone());
                tried.gave = true;
            }
            (Gave::Null, _) if field.got == Got::Absent => {
                field.got = Got::Null;
                tried.gave = true;
            }
            (Gave::Failed(_), _) => field.got = Got::Failed,
            (Gave::Value(_) | Gave::Null | Gave::Absent, _) => {}
        }
    }
}

/// An object none of whose parts has a value is nothing, as the run has it.
fn empty_objects(fields: &mut [Field]) {
    let is_part = |part: &Field, of: &str| {
        part.field.strip_prefix(of).is_some_and(|rest| rest.starts_with('.'))
            && matches!(part.got, Got::Value(_))
    };
    let empty = |field: &Field, all: &[Field]| {
        field.got == Got::Object && !all.iter().any(|part| is_part(part, &field.field))
    };
    let found: Vec<bool> = fields.iter().map(|field| empty(field, fields)).collect();
    for (field, _) in fields.iter_mut().zip(found).filter(|(_, empty)| *empty) {
        field.got = Got::Null;
    }
}

/// Adds the rules of a field that were not asked, because an earlier one gave the value.
fn not_asked(
    mapping: &Mapping,
    field: &mut Field,
    hub: &str,
    listed: &[Listed<'_>],
    way: Direction,
) {
    let asked: Vec<RuleAt> =
        field.tries.iter().filter_map(|tried| Some(tried.seen.as_ref()?.rule)).collect();
    let failed = field
        .tries
        .iter()
        .any(|tried| tried.seen.as_ref().is_some_and(|seen| matches!(seen.gave, Gave::Failed(_))));
    if failed || !matches!(field.got, Got::Value(_)) {
        return;
    }
    for one in listed.iter().filter(|one| one.hub == hub && one.is.way() == way) {
        if !asked.contains(&one.at) {
            let rule = mapping.source.place(one.is.span().start);
            field.tries.push(Try { rule, seen: None, gave: false });
        }
    }
}

/// Hub fields of the entity without a rule, and those whose rules go the other way only.
fn without(
    mapping: &Mapping,
    listed: &[Listed<'_>],
    way: Direction,
) -> (Vec<String>, Vec<(String, String)>) {
    let names = |one: &Listed<'_>| -> Vec<String> {
        one.hub.split(", ").map(|hub| hub.replace(".*.", ".")).collect()
    };
    let own: Vec<String> =
        listed.iter().filter(|one| one.is.way() == way).flat_map(names).collect();
    let named = |hub: &str| own.iter().any(|own| own == hub || own.starts_with(&format!("{hub}.")));
    let mut other: Vec<(String, String)> = Vec::new();
    for one in listed.iter().filter(|one| one.is.way() != way) {
        if matches!(one.is, Kind::Name(_) | Kind::Each(_)) {
            continue;
        }
        for hub in names(one) {
            let field = !hub.starts_with(['>', '$', '/', '^']) && !hub.ends_with("key");
            if field && !named(&hub) && !other.iter().any(|(known, _)| *known == hub) {
                other.push((hub, mapping.source.place(one.is.span().start)));
            }
        }
    }
    let root = mapping.entity.collection().unwrap_or(Collection::Root);
    let mut no_rule = Vec::new();
    let mut open = vec![(root, String::new())];
    while let Some((collection, prefix)) = open.pop() {
        for field in catalogue().fields_of(collection) {
            let hub = format!("{prefix}{}", field.path);
            let elsewhere = other
                .iter()
                .any(|(known, _)| *known == hub || known.starts_with(&format!("{hub}.")));
            let stated = !matches!(field.kind, FieldKind::Hub | FieldKind::Derived);
            if !named(&hub) && !elsewhere && (stated || way == Direction::Out) {
                no_rule.push(hub);
            }
        }
        // Of a collection that no rule fills only its name is said.
        for inner in collection.children() {
            let hub = format!("{prefix}{}", inner.name());
            if named(&hub) {
                open.push((inner, format!("{hub}.")));
            } else {
                no_rule.push(hub);
            }
        }
    }
    (no_rule, other)
}

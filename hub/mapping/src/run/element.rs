//! What a document says of one element: its fields, references and collections.

use std::collections::{BTreeMap, HashMap};
use std::hash::{Hash, Hasher};

use orderhub_order::contribution::{CollectionStatement, ElementStatement, Stated};
use orderhub_order::ids::Collection;
use orderhub_order::value::{Address, Text, Value};
use smallvec::SmallVec;

use super::copy::Copied;
use super::merge::merge;
use super::rule::Goal;
use super::value::{entry, is_text, part, stated};
use super::{Failure, Fault, Frames, Run};
use crate::cell::{Cell, Trouble};
use crate::program::{
    Alternative, CollectionProgram, EachProgram, Element, FieldProgram, InRule, RefName,
};
use crate::quote::Quote;

/// Up to so many elements are looked through; more are hashed, so that long orders stay linear.
const FEW: usize = 16;

/// What tells elements apart: the system's key, else ours.
#[derive(Clone, Debug)]
struct Name {
    key: Option<Box<str>>,
    ours: Option<Box<str>>,
}

impl Name {
    /// A key and an id of ours are never the same, whatever their text.
    fn telling(&self) -> (bool, Option<&str>) {
        match &self.key {
            Some(key) => (true, Some(key)),
            None => (false, self.ours.as_deref()),
        }
    }
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        self.telling() == other.telling()
    }
}

impl Eq for Name {}

impl Hash for Name {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.telling().hash(state);
    }
}

/// Finds elements by name.
#[derive(Debug, Default)]
struct Index {
    hashed: HashMap<Name, usize>,
}

impl Index {
    fn find<T>(&mut self, name: &Name, all: &[T], name_of: fn(&T) -> &Name) -> Option<usize> {
        if all.len() <= FEW {
            return all.iter().position(|one| name_of(one) == name);
        }
        for (at, one) in all.iter().enumerate().skip(self.hashed.len()) {
            self.hashed.insert(name_of(one).clone(), at);
        }
        self.hashed.get(name).copied()
    }
}

/// The rows of one element.
#[derive(Debug)]
struct Group {
    name: Name,
    rows: SmallVec<[Frames; 1]>,
}

impl Run<'_, '_> {
    /// What is said of one element by its rows: one, or several of the same key.
    pub(super) fn element(
        &self,
        program: &Element,
        rows: &[Frames],
    ) -> Result<ElementStatement, Failure> {
        let mut statement = ElementStatement { adds: true, ..ElementStatement::default() };
        statement.fields.reserve_exact(program.fields.len());
        for field in &program.fields {
            if let Some(value) = self.field(field, rows)? {
                statement.fields.push((field.id, value));
            }
        }
        if let Some(frames) = rows.first() {
            for (kind, rule) in &program.xrefs {
                if let Some(ext_id) = self.id(rule, frames)? {
                    statement.xrefs.push((kind.clone(), ext_id));
                }
            }
        }
        for collection in &program.collections {
            statement.collections.extend(self.collection(collection, rows)?);
        }
        Ok(statement)
    }

    /// The first rule that gives a value; else null if one gives null.
    fn field(&self, field: &FieldProgram, rows: &[Frames]) -> Result<Option<Stated>, Failure> {
        let mut best = None;
        for rule in &field.rules {
            let found = match rule {
                Alternative::Whole(rule, named) => self.whole(field, rule, *named, rows)?,
                Alternative::Address(object, parts) => {
                    self.address(field, object.as_ref(), parts, rows)?
                }
                Alternative::Entries(entries) => self.entries(field, entries, rows)?,
            };
            match found {
                None => {}
                Some(None) => best = Some(None),
                Some(Some(value)) => return Ok(Some(Some(value))),
            }
        }
        Ok(best)
    }

    fn whole(
        &self,
        field: &FieldProgram,
        rule: &InRule,
        named: RefName,
        rows: &[Frames],
    ) -> Result<Option<Stated>, Failure> {
        if is_text(&field.ty)
            && let Some(copied) = self.copied(rule, rows)
        {
            return Ok(match copied {
                Copied::Absent => None,
                Copied::Null => Some(None),
                Copied::Text(text) => {
                    self.keep_text(rule, rows, text)?;
                    Some(Some(Value::text(text)))
                }
            });
        }
        let cell = self.rule(rule, rows, goal(field))?;
        stated(cell, &field.ty, named).map_err(|trouble| {
            let quote = if field.personal { Quote::Hidden } else { Quote::of(&field.ty) };
            self.of(rule, rows, trouble, quote)
        })
    }

    fn of(&self, rule: &InRule, rows: &[Frames], trouble: Trouble, quote: Quote) -> Failure {
        let frames = rows.first().cloned().unwrap_or_default();
        self.rule_failure(rule, &frames, trouble, quote)
    }

    /// An address: null if all its parts are null, absent if all are absent.
    fn address(
        &self,
        field: &FieldProgram,
        object: Option<&InRule>,
        parts: &[(&'static str, Vec<InRule>)],
        rows: &[Frames],
    ) -> Result<Option<Stated>, Failure> {
        let hidden = Goal { personal: true, ..goal(field) };
        if let Some(rule) = object {
            match self.rule(rule, rows, hidden)? {
                Cell::Absent => return Ok(None),
                Cell::Null => return Ok(Some(None)),
                Cell::Json(text) if text.starts_with('{') => {}
                other => {
                    let trouble = Trouble::wrong_type(&other, "an object");
                    return Err(self.of(rule, rows, trouble, Quote::Hidden));
                }
            }
        }
        let mut address = Address::default();
        let mut present = object.is_some();
        for (name, rules) in parts {
            for rule in rules {
                let (there, text) = self.part(rule, rows, hidden)?;
                present |= there;
                if let (Some(text), Some(place)) = (text, address.part_mut(name)) {
                    *place = Some(if *name == "country" { upper(text) } else { text });
                    break;
                }
            }
        }
        Ok(match (present, address.is_empty()) {
            (false, _) => None,
            (true, true) => Some(None),
            (true, false) => Some(Some(Value::Address(address.into()))),
        })
    }

    /// A part of an address: whether it is there, and its text.
    fn part(
        &self,
        rule: &InRule,
        rows: &[Frames],
        hidden: Goal,
    ) -> Result<(bool, Option<Text>), Failure> {
        match self.copied(rule, rows) {
            Some(Copied::Absent) => return Ok((false, None)),
            Some(Copied::Null) => return Ok((true, None)),
            Some(Copied::Text(text)) => {
                self.keep_text(rule, rows, text)?;
                return Ok((true, Some(text.into())));
            }
            None => {}
        }
        let cell = self.rule(rule, rows, hidden)?;
        let there = cell != Cell::Absent;
        let text = part(cell).map_err(|trouble| self.of(rule, rows, trouble, Quote::Hidden))?;
        Ok((there, text))
    }

    /// Entries of a map by name; an entry that is itself a map gives `name.key` entries.
    fn entries(
        &self,
        field: &FieldProgram,
        entries: &[(Box<str>, InRule)],
        rows: &[Frames],
    ) -> Result<Option<Stated>, Failure> {
        let mut map = BTreeMap::new();
        // Absent if all are absent; a name that is null says so.
        let mut present = false;
        for (name, rule) in entries {
            let cell = self.rule(rule, rows, goal(field))?;
            present |= cell != Cell::Absent;
            match cell {
                Cell::Absent => {}
                Cell::Map(inner) => {
                    let named = |key: &Text| Text::from(format!("{name}.{key}"));
                    map.extend(inner.iter().map(|(key, text)| (named(key), text.clone())));
                }
                cell => {
                    let text = entry(&cell)
                        .map_err(|trouble| self.of(rule, rows, trouble, Quote::Hidden))?;
                    map.entry(Text::from(&**name)).or_insert(text);
                }
            }
        }
        Ok(present.then(|| Some(Value::Map(map.into()))))
    }

    /// A collection from all rules that fill it; `None`: the document says nothing of it.
    fn collection(
        &self,
        program: &CollectionProgram,
        rows: &[Frames],
    ) -> Result<Option<CollectionStatement>, Failure> {
        let mut elements: Vec<(Name, ElementStatement)> = Vec::new();
        let mut index = Index::default();
        let (mut present, mut complete) = (false, false);
        for source in &program.sources {
            if let Some(watch) = self.watch {
                self.tell_each(watch, source, rows);
            }
            let Some(groups) = self.groups(source, rows)? else { continue };
            // The elements of one rule are told apart already.
            let first = !present;
            present = true;
            complete |= source.complete;
            elements.reserve(groups.len());
            for group in groups {
                let mut statement = self.of_group(program.collection, source, &group)?;
                statement.adds = source.adds;
                let found =
                    if first { None } else { index.find(&group.name, &elements, |(name, _)| name) };
                match found.and_then(|at| elements.get_mut(at)) {
                    Some((name, known)) => {
                        merge(known, statement);
                        name.ours = name.ours.take().or(group.name.ours);
                    }
                    None => elements.push((group.name, statement)),
                }
            }
        }
        let named = |(name, statement): (Name, ElementStatement)| ElementStatement {
            key: name.key,
            ours: name.ours,
            ..statement
        };
        let elements = elements.into_iter().map(named).collect();
        let collection = program.collection;
        Ok(present.then_some(CollectionStatement { collection, complete, elements }))
    }

    /// What is said of one element of a collection.
    fn of_group(
        &self,
        collection: Collection,
        source: &EachProgram,
        group: &Group,
    ) -> Result<ElementStatement, Failure> {
        let Some(watch) = self.watch else { return self.element(&source.element, &group.rows) };
        watch.enter(collection, group.name.telling().1.unwrap_or_default());
        let statement = self.element(&source.element, &group.rows);
        watch.leave();
        statement
    }

    /// The rows of one rule by key, in the order of the document.
    fn groups(
        &self,
        source: &EachProgram,
        outer: &[Frames],
    ) -> Result<Option<Vec<Group>>, Failure> {
        let mut groups: Vec<Group> = Vec::new();
        let mut index = Index::default();
        let mut present = false;
        for frames in outer {
            let wrong = |trouble| {
                let path = source.read.text.trim_end_matches(".*").to_owned();
                Box::new(Fault { span: Some(source.span), path, trouble, shown: None })
            };
            let Some(rows) = self.rows(&source.read, frames).map_err(wrong)? else { continue };
            present = true;
            groups.reserve(rows.len());
            for row in rows {
                if !self.holds(&source.where_, &row)? {
                    continue;
                }
                let key = match &source.key {
                    Some(key) => self.key(key, &row)?,
                    None => None,
                };
                let ours = match &source.ours {
                    Some(rule) => self.id(rule, &row)?,
                    None => None,
                };
                if key.is_none() && ours.is_none() {
                    return Err(self.no_key(source, &row));
                }
                let name = Name { key, ours };
                let known = index.find(&name, &groups, |group| &group.name);
                match known.and_then(|at| groups.get_mut(at)) {
                    Some(group) => group.rows.push(row),
                    None => groups.push(Group { name, rows: SmallVec::from_iter([row]) }),
                }
            }
        }
        Ok(present.then_some(groups))
    }

    fn no_key(&self, source: &EachProgram, row: &Frames) -> Failure {
        let place = row.last().map_or(0, |frame| frame.row);
        Box::new(Fault {
            span: Some(source.span),
            path: format!("{}.{place}", source.read.text.trim_end_matches(".*")),
            trouble: Trouble::new("key_missing", "an element has no key"),
            shown: None,
        })
    }
}

fn goal(field: &FieldProgram) -> Goal {
    Goal { target: field.target, personal: field.personal }
}

fn upper(text: Text) -> Text {
    if text.len() == 2 { text.to_ascii_uppercase().into() } else { text }
}

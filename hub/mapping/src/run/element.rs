//! What a document says of one element: its fields, references and collections.

use std::collections::{BTreeMap, HashMap};

use orderhub_order::contribution::{CollectionStatement, ElementStatement, Stated};
use orderhub_order::value::{Address, Value};

use super::rule::Goal;
use super::value::{part, stated};
use super::{Failure, Frames, Run};
use crate::cell::{Cell, Trouble};
use crate::program::{
    Alternative, CollectionProgram, EachProgram, Element, FieldProgram, InRule, RefName,
};

/// An element that several rows or rules speak of.
type Known = HashMap<Box<str>, usize>;

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
                if let Some(ext_id) = self.text(rule, frames)? {
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
        let cell = self.rule(rule, rows, goal(field))?;
        let shown = (!field.personal).then(|| cell.clone());
        stated(cell, &field.ty, named).map_err(|trouble| self.of(rule, rows, trouble, shown))
    }

    fn of(
        &self,
        rule: &InRule,
        rows: &[Frames],
        trouble: Trouble,
        shown: Option<Cell<'_>>,
    ) -> Failure {
        let frames = rows.first().cloned().unwrap_or_default();
        self.rule_failure(rule, &frames, trouble, shown.as_ref())
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
                    return Err(self.of(rule, rows, trouble, None));
                }
            }
        }
        let mut address = Address::default();
        let mut present = object.is_some();
        for (name, rules) in parts {
            for rule in rules {
                let cell = self.rule(rule, rows, hidden)?;
                present |= cell != Cell::Absent;
                let text = part(&cell).map_err(|trouble| self.of(rule, rows, trouble, None))?;
                if let (Some(text), Some(place)) = (text, address.part_mut(name)) {
                    *place = Some(if *name == "country" { upper(text) } else { text });
                    break;
                }
            }
        }
        Ok(match (present, address.is_empty()) {
            (false, _) => None,
            (true, true) => Some(None),
            (true, false) => Some(Some(Value::Address(Box::new(address)))),
        })
    }

    /// Entries of a map by name; an entry that is itself a map gives `name.key` entries.
    fn entries(
        &self,
        field: &FieldProgram,
        entries: &[(Box<str>, InRule)],
        rows: &[Frames],
    ) -> Result<Option<Stated>, Failure> {
        let mut map = BTreeMap::new();
        // Absent if all are absent, null if the others are null.
        let (mut present, mut given) = (false, false);
        for (name, rule) in entries {
            let cell = self.rule(rule, rows, goal(field))?;
            present |= cell != Cell::Absent;
            given |= cell.is_value();
            match cell {
                Cell::Absent => {}
                Cell::Map(inner) => {
                    let named = |key: Box<str>| Box::from(format!("{name}.{key}"));
                    map.extend(inner.into_iter().map(|(key, text)| (named(key), text)));
                }
                cell => {
                    let text = part(&cell).map_err(|trouble| self.of(rule, rows, trouble, None))?;
                    map.entry(name.clone()).or_insert(text);
                }
            }
        }
        Ok(present.then_some(given.then_some(Value::Map(map))))
    }

    /// A collection from all rules that fill it; `None`: the document says nothing of it.
    fn collection(
        &self,
        program: &CollectionProgram,
        rows: &[Frames],
    ) -> Result<Option<CollectionStatement>, Failure> {
        let mut elements: Vec<ElementStatement> = Vec::new();
        let mut known = Known::new();
        let (mut present, mut complete) = (false, false);
        for source in &program.sources {
            let Some(groups) = self.groups(source, rows)? else { continue };
            present = true;
            complete |= source.complete;
            for (key, ours, rows) in groups {
                let mut statement = self.element(&source.element, &rows)?;
                statement.adds = source.adds;
                let name = name_of(key.as_deref(), ours.as_deref());
                (statement.key, statement.ours) = (key, ours);
                match known.get(&name).and_then(|at| elements.get_mut(*at)) {
                    Some(first) => merge(first, statement),
                    None => {
                        known.insert(name, elements.len());
                        elements.push(statement);
                    }
                }
            }
        }
        let collection = program.collection;
        Ok(present.then_some(CollectionStatement { collection, complete, elements }))
    }

    /// The rows of one rule by key, in the order of the document.
    #[expect(clippy::type_complexity, reason = "key, our id, rows")]
    fn groups(
        &self,
        source: &EachProgram,
        outer: &[Frames],
    ) -> Result<Option<Vec<(Option<Box<str>>, Option<Box<str>>, Vec<Frames>)>>, Failure> {
        let mut groups: Vec<(Option<Box<str>>, Option<Box<str>>, Vec<Frames>)> = Vec::new();
        let mut known = Known::new();
        let mut present = false;
        for frames in outer {
            let wrong = |trouble| Failure {
                span: Some(source.span),
                path: source.read.text.trim_end_matches(".*").to_owned(),
                trouble,
                shown: None,
            };
            let Some(rows) = self.rows(&source.read, frames).map_err(wrong)? else { continue };
            present = true;
            for row in rows {
                if !self.holds(&source.where_, &row)? {
                    continue;
                }
                let key = match &source.key {
                    Some(key) => self.key(key, &row)?,
                    None => None,
                };
                let ours = match &source.ours {
                    Some(rule) => self.text(rule, &row)?,
                    None => None,
                };
                if key.is_none() && ours.is_none() {
                    return Err(self.no_key(source, &row));
                }
                let name = name_of(key.as_deref(), ours.as_deref());
                match known.get(&name).and_then(|at| groups.get_mut(*at)) {
                    Some((_, _, rows)) => rows.push(row),
                    None => {
                        known.insert(name, groups.len());
                        groups.push((key, ours, vec![row]));
                    }
                }
            }
        }
        Ok(present.then_some(groups))
    }

    fn no_key(&self, source: &EachProgram, row: &Frames) -> Failure {
        let place = row.last().map_or(0, |frame| frame.row);
        Failure {
            span: Some(source.span),
            path: format!("{}.{place}", source.read.text.trim_end_matches(".*")),
            trouble: Trouble::new("key_missing", "an element has no key"),
            shown: None,
        }
    }
}

fn goal(field: &FieldProgram) -> Goal {
    Goal { target: field.target, personal: field.personal }
}

/// What tells elements apart: the system's key, else ours.
fn name_of(key: Option<&str>, ours: Option<&str>) -> Box<str> {
    match (key, ours) {
        (Some(key), _) => key.into(),
        // A blank cannot start a key of a system and ours at once.
        (None, ours) => format!("\u{0}{}", ours.unwrap_or_default()).into(),
    }
}

fn upper(text: Box<str>) -> Box<str> {
    if text.len() == 2 { text.to_ascii_uppercase().into() } else { text }
}

/// A second source of the same element: the first that gives a value for a field counts.
fn merge(first: &mut ElementStatement, second: ElementStatement) {
    first.adds |= second.adds;
    if first.ours.is_none() {
        first.ours = second.ours;
    }
    for (id, value) in second.fields {
        match first.fields.binary_search_by_key(&id, |(known, _)| *known) {
            Ok(at) => {
                if let Some((_, known)) = first.fields.get_mut(at)
                    && known.is_none()
                {
                    *known = value;
                }
            }
            Err(at) => first.fields.insert(at, (id, value)),
        }
    }
    for xref in second.xrefs {
        if !first.xrefs.iter().any(|(kind, _)| *kind == xref.0) {
            first.xrefs.push(xref);
        }
    }
    first.xrefs.sort();
    for inner in second.collections {
        match first.collections.iter_mut().find(|known| known.collection == inner.collection) {
            None => first.collections.push(inner),
            Some(known) => {
                known.complete |= inner.complete;
                for element in inner.elements {
                    let same = |known: &&mut ElementStatement| {
                        known.key == element.key && known.ours == element.ours
                    };
                    match known.elements.iter_mut().find(same) {
                        Some(known) => merge(known, element),
                        None => known.elements.push(element),
                    }
                }
            }
        }
    }
}

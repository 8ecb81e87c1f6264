//! Which parts of a mapping its cases touch: rules, alternatives, conditions both ways, rows of tables.
//!
//! **Invariant:** a part that no case touches is named with its place; a part counts as touched only where it
//! decided something: a rule gave a value or null, a condition held, or did not. Tests: the cases
//! `tests/data/mapping/coverage`.

use std::collections::BTreeSet;

use crate::cases::{self, Case};
use crate::conversions::Conversion;
use crate::explain::{Collector, Told};
use crate::listing::{Kind, Listed, listed, source_text};
use crate::program::{Given, InRule, OutGiven};
use crate::watch::{Gave, SeenStep};
use crate::{Direction, Mapping};

/// One part of a mapping.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Part {
    /// Which way.
    pub way: &'static str,
    /// Where the rule starts in the file.
    pub at: u32,
    /// `file:line:column` of the rule.
    pub rule: String,
    /// What it is: `gives`, `where holds`, `where does not hold`, ``path `email` ``, ``row `paid` ``.
    pub part: String,
    /// A case touches it.
    pub touched: bool,
}

/// What the cases of a mapping touch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// Every part, ordered by way and place.
    pub parts: Vec<Part>,
}

impl Coverage {
    /// Parts in all, and those that are touched.
    pub fn count(&self) -> (usize, usize) {
        (self.parts.len(), self.parts.iter().filter(|part| part.touched).count())
    }
}

/// Runs the cases that are asked for, and says what they touch of the ways that the mapping is used.
pub fn coverage(
    mapping: &Mapping,
    read_sample: &dyn Fn(&str) -> Option<Vec<u8>>,
    asked: &dyn Fn(&Case) -> bool,
    ways: &[Direction],
) -> Coverage {
    let mut told = Vec::new();
    for case in mapping.cases().iter().filter(|case| asked(case)) {
        let collector = Collector::default();
        cases::watch_case(mapping, case, read_sample, &collector);
        told.extend(collector.into_told());
    }
    let listed = listed(mapping);
    let mut parts: Vec<Part> = Vec::new();
    for one in listed.iter().filter(|one| ways.contains(&one.is.way())) {
        let seen: Vec<&Told> = told.iter().filter(|told| told.seen.rule == one.at).collect();
        for (part, touched) in parts_of(one, &seen) {
            let at = one.is.span().start;
            let rule = mapping.source.place(at);
            let way = if one.is.way() == Direction::In { "in" } else { "out" };
            // Rules of an alias stand once in the file: a case for one of them touches it.
            let known =
                |known: &&mut Part| known.way == way && known.at == at && known.part == part;
            match parts.iter_mut().find(known) {
                Some(known) => known.touched |= touched,
                None => parts.push(Part { way, at, rule, part, touched }),
            }
        }
    }
    parts.sort_by(|left, right| (left.way, left.at).cmp(&(right.way, right.at)));
    Coverage { parts }
}

fn parts_of(one: &Listed<'_>, seen: &[&Told]) -> Vec<(String, bool)> {
    let gave = seen.iter().any(|told| matches!(told.seen.gave, Gave::Value(_) | Gave::Null));
    let mut parts = Vec::new();
    // An object is there where its parts are.
    let object = match one.is {
        Kind::Object(_) => true,
        Kind::Out(rule) => matches!(rule.input, OutGiven::Object(_)),
        Kind::Field(_) | Kind::Name(_) | Kind::Each(_) => false,
    };
    if !object {
        parts.push(("gives".to_owned(), gave));
    }
    if one.is.is_conditional() {
        let rows = || seen.iter().flat_map(|told| &told.seen.rows);
        parts.push(("where holds".to_owned(), rows().any(|row| row.held)));
        parts.push(("where does not hold".to_owned(), rows().any(|row| !row.held)));
    }
    let chain: Vec<&dyn Conversion> = match one.is {
        Kind::Field(rule) | Kind::Name(rule) => {
            parts.extend(paths(rule, seen));
            rule.each.iter().chain(&rule.fold).chain(&rule.after).map(AsRef::as_ref).collect()
        }
        Kind::Out(rule) => rule.chain.iter().rev().map(AsRef::as_ref).collect(),
        Kind::Object(_) | Kind::Each(_) => Vec::new(),
    };
    for (link, conversion) in chain.iter().enumerate() {
        parts.extend(rows(one.is.way(), link, *conversion, seen));
    }
    parts
}

/// Each of several paths: touched where it is the one that gave the value.
fn paths(rule: &InRule, seen: &[&Told]) -> Vec<(String, bool)> {
    let Given::First(reads) = &rule.input else { return Vec::new() };
    if reads.len() < 2 {
        return Vec::new();
    }
    let used: BTreeSet<usize> = seen
        .iter()
        .flat_map(|told| &told.seen.rows)
        .filter_map(|row| {
            let last = row.reads.iter().map(|read| read.which).max()?;
            let gave = |value: &orderhub_lang::value::Value| !value.is_null();
            let of_last = row.reads.iter().filter(|read| read.which == last);
            of_last.clone().any(|read| read.value.as_ref().is_some_and(gave)).then_some(last)
        })
        .collect();
    let part = |(number, (source, _)): (usize, &(crate::program::Source, Vec<_>))| {
        (format!("path `{}`", source_text(source)), used.contains(&number))
    };
    reads.iter().enumerate().map(part).collect()
}

/// The rows of a table, and what it does with an unknown word where the file says so.
fn rows(
    way: Direction,
    link: usize,
    conversion: &dyn Conversion,
    seen: &[&Told],
) -> Vec<(String, bool)> {
    let table = conversion.rows();
    if table.is_empty() {
        return Vec::new();
    }
    let steps = seen.iter().flat_map(|told| {
        let rows = told.seen.rows.iter();
        let steps = rows
            .flat_map(|row| row.steps.iter().chain(row.reads.iter().flat_map(|read| &read.steps)));
        steps.chain(&told.seen.after)
    });
    let of_link: Vec<&SeenStep> = steps.filter(|step| step.link == link).collect();
    let text = |value: &Option<orderhub_lang::value::Value>| {
        value.as_ref().map(|value| {
            value.scalar_text().map_or_else(|| "null".to_owned(), |text| text.into_owned())
        })
    };
    let given: BTreeSet<String> = of_link.iter().filter_map(|step| text(&step.given)).collect();
    let mut parts = Vec::new();
    let mut hubs: BTreeSet<String> = BTreeSet::new();
    for (system, hub) in &table {
        let hub = hub.unwrap_or("null");
        match way {
            Direction::In => parts.push((format!("row `{system}`"), given.contains(*system))),
            // The first row of a word is its way back.
            Direction::Out => {
                if hubs.insert(hub.to_owned()) {
                    parts.push((format!("row back `{hub}`"), given.contains(hub)));
                }
            }
        }
    }
    if way == Direction::In && conversion.says_unknown() {
        let known = |word: &String| table.iter().any(|(system, _)| system == word);
        parts.push(("an unknown word".to_owned(), given.iter().any(|word| !known(word))));
    }
    parts
}

impl Coverage {
    /// The parts that no case touches.
    pub fn untouched(&self) -> impl Iterator<Item = &Part> {
        self.parts.iter().filter(|part| !part.touched)
    }
}

//! Changes of a mapping that none of its cases notices: what the cases do not prove.
//!
//! Each change is one that a hand makes: a rule gone, a conversion gone, two rows of a table swapped. A change
//! that does not compile is none. What an alias repeats is written once, and changed everywhere at once. A group
//! of rules that has cases of its own is tried there, and not again in every file that includes it.
//!
//! **Invariant:** a change that some case notices is not named, and one that none notices is. Test: the cases
//! `tests/data/mapping/mutate`. Bound: [`MOST`] changes a mapping; the first ones are tried.

use std::sync::Arc;

use orderhub_lang::diagnostic::{Findings, Span};
use orderhub_order::catalogue::{FieldType, catalogue};

use crate::ast::{Each, File, Rule, Side};
use crate::cases::{Case, run_case};
use crate::cell::Cell;
use crate::compile::hub_text;
use crate::conversions::Conversion;
use crate::{Direction, Mapping, RuleInfo, Way};

/// Most changes that are tried of one mapping.
pub const MOST: usize = 2_000;

/// What trying came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mutated {
    /// Changes that compile.
    pub tried: usize,
    /// Those that no case noticed: `file:line:column`, and what was changed, in words.
    pub survivors: Vec<(String, String)>,
    /// There were more than [`MOST`].
    pub more: bool,
}

/// One change of a file.
#[derive(Clone, Debug)]
struct Change {
    /// The rule; nothing: the file's own part.
    rule: Option<Span>,
    /// The place that is told.
    at: Span,
    what: What,
}

#[derive(Clone, Debug)]
enum What {
    Rule,
    Link(usize),
    Row(usize, String, Arc<dyn Conversion>),
    Where,
    None,
    FirstPath,
    Constant(Cell<'static>),
    Complete,
    Adds,
    FileWhere,
    FileNone,
    Revision,
    Parents,
}

impl What {
    fn words(&self, link: &str) -> String {
        match self {
            What::Rule => "this rule can go".to_owned(),
            What::Link(_) => format!("`{link}` can go"),
            What::Row(_, rows, _) => format!("{rows} can be swapped"),
            What::Where | What::FileWhere => "`where:` can go".to_owned(),
            What::None | What::FileNone => "`none:` can go".to_owned(),
            What::FirstPath => "the first path can go".to_owned(),
            What::Constant(cell) => {
                format!("the value can be `{}`", cell.scalar().unwrap_or_default())
            }
            What::Complete => "`complete:` can be the other".to_owned(),
            What::Adds => "`adds:` can be the other".to_owned(),
            What::Revision => "`revision:` can go".to_owned(),
            What::Parents => "`parent:` can go".to_owned(),
        }
    }
}

/// Tries every change of a mapping on its cases, which hold as they are.
pub fn mutate(
    mapping: &Mapping,
    read_sample: &dyn Fn(&str) -> Option<Vec<u8>>,
    asked: &dyn Fn(&Case) -> bool,
    ways: &[Direction],
) -> Mutated {
    let mut changes = Vec::new();
    of_file(&mapping.file, &mut changes);
    changes.retain(|(change, _)| counts(mapping, change, ways));
    let mut known: Vec<(Option<Span>, Span, String)> = Vec::new();
    let mut done = Mutated::default();
    for (change, words) in changes {
        let telling = (change.rule, change.at, words.clone());
        if known.contains(&telling) {
            continue;
        }
        if known.len() >= MOST {
            done.more = true;
            break;
        }
        known.push(telling);
        let Some(changed) = apply(mapping, &change) else { continue };
        done.tried += 1;
        let mut cases = mapping.cases().iter().filter(|case| asked(case));
        if cases.all(|case| run_case(&changed, case, read_sample).failures.is_empty()) {
            done.survivors.push((mapping.source.place(change.at.start), words));
        }
    }
    done
}

/// Whether a change can make a difference, and is tried here.
fn counts(mapping: &Mapping, change: &Change, ways: &[Direction]) -> bool {
    let elsewhere = change.rule.and_then(|span| mapping.source.included(span.start));
    if elsewhere.is_some_and(|group| group.text.lines().any(|line| line.starts_with("cases:"))) {
        return false;
    }
    // What a list is taken for is asked on the way in alone.
    let inward = || {
        let of = |rule: &&RuleInfo| Some(rule.span) == change.rule;
        let out = mapping.rules().iter().filter(of).all(|rule| matches!(rule.way, Way::Out { .. }));
        ways.contains(&Direction::In) && !out
    };
    !matches!(change.what, What::Complete | What::Adds) || inward()
}

fn apply(mapping: &Mapping, change: &Change) -> Option<Mapping> {
    let mut file = (*mapping.file).clone();
    match (&change.what, change.rule) {
        (What::FileWhere, _) => file.where_ = None,
        (What::FileNone, _) => file.none.clear(),
        (What::Revision, _) => file.revision = None,
        (What::Parents, _) => file.parents.clear(),
        (what, Some(span)) => rules(&mut file.fields, span, what),
        (_, None) => return None,
    }
    let mut findings = Findings::new(&mapping.source);
    let changed = Mapping::of(file, &mut findings);
    changed.filter(|_| !findings.has_errors())
}

fn rules(all: &mut Vec<Rule>, span: Span, what: &What) {
    if matches!(what, What::Rule) {
        all.retain(|rule| rule.span != span);
    }
    for rule in all {
        if rule.span == span {
            one(rule, what);
        }
        if let Some(parts) = &mut rule.fields {
            rules(parts, span, what);
        }
        if let Some(each) = &mut rule.each {
            rules(&mut each.fields, span, what);
        }
    }
}

fn one(rule: &mut Rule, what: &What) {
    match what {
        What::Link(at) => {
            if *at < rule.chain.len() {
                rule.chain.remove(*at);
            }
        }
        What::Row(at, _, swapped) => {
            if let Some(link) = rule.chain.get_mut(*at) {
                link.conversion = Arc::clone(swapped);
            }
        }
        What::Where => rule.where_ = None,
        What::None => rule.none.clear(),
        What::FirstPath => {
            if let Some(Side::Paths(paths)) = &mut rule.system
                && paths.len() > 1
            {
                paths.remove(0);
            }
        }
        What::Constant(cell) => {
            if let Some(value) = &mut rule.value {
                value.is = cell.clone();
            }
        }
        What::Complete => each(rule, |each| each.complete = !each.complete),
        What::Adds => each(rule, |each| each.adds = !each.adds),
        What::Rule | What::FileWhere | What::FileNone | What::Revision | What::Parents => {}
    }
}

fn each(rule: &mut Rule, change: impl FnOnce(&mut Each)) {
    if let Some(each) = &mut rule.each {
        change(each);
    }
}

fn of_file(file: &File, changes: &mut Vec<(Change, String)>) {
    let mut add = |at: Span, what: What| {
        let words = what.words("");
        changes.push((Change { rule: None, at, what }, words));
    };
    if let Some(test) = file.where_.as_ref().and_then(|condition| condition.tests.first()) {
        add(test.span, What::FileWhere);
    }
    if !file.none.is_empty() {
        add(file.name.as_ref().map(|name| name.span).unwrap_or_default(), What::FileNone);
    }
    if let Some(rule) = &file.revision {
        add(rule.span, What::Revision);
    }
    if let Some(parent) = file.parents.first() {
        add(parent.rule.span, What::Parents);
    }
    of_rules(&file.fields, changes);
}

fn of_rules(all: &[Rule], changes: &mut Vec<(Change, String)>) {
    for rule in all {
        of_rule(rule, changes);
        of_rules(rule.fields.as_deref().unwrap_or_default(), changes);
        of_rules(rule.each.as_ref().map_or(&[], |each| each.fields.as_slice()), changes);
    }
}

fn of_rule(rule: &Rule, changes: &mut Vec<(Change, String)>) {
    let mut add = |at: Span, what: What, link: &str| {
        let words = what.words(link);
        changes.push((Change { rule: Some(rule.span), at, what }, words));
    };
    add(rule.span, What::Rule, "");
    for (number, link) in rule.chain.iter().enumerate() {
        add(link.span, What::Link(number), link.conversion.name());
        for (rows, swapped) in link.conversion.swapped() {
            add(link.span, What::Row(number, rows, swapped), "");
        }
    }
    if let Some(test) = rule.where_.as_ref().and_then(|condition| condition.tests.first()) {
        add(test.span, What::Where, "");
    }
    if !rule.none.is_empty() {
        add(rule.span, What::None, "");
    }
    if let Some(Side::Paths(paths)) = &rule.system
        && let [first, _, ..] = paths.as_slice()
    {
        add(first.span, What::FirstPath, "");
    }
    if let Some(value) = &rule.value {
        add(value.span, What::Constant(other(rule, &value.is)), "");
    }
    if let Some(each) = &rule.each {
        add(each.span, What::Complete, "");
        add(each.span, What::Adds, "");
    }
}

/// Another value than a constant's, one that its field takes where that is known.
fn other(rule: &Rule, value: &Cell<'static>) -> Cell<'static> {
    let text = value.scalar().unwrap_or_default();
    let path = hub_text(rule);
    let words = catalogue().fields().filter(|field| field.path == path);
    let word = words.filter_map(|field| {
        let pair = match &field.ty {
            FieldType::Enum(name) => catalogue().enum_values(name),
            FieldType::Currency => &["EUR", "USD"],
            FieldType::Country => &["DE", "FR"],
            FieldType::Boolean => &["true", "false"],
            FieldType::Text
            | FieldType::Ref(_)
            | FieldType::Integer
            | FieldType::Decimal
            | FieldType::Money
            | FieldType::Timestamp
            | FieldType::Date
            | FieldType::Language
            | FieldType::Uom
            | FieldType::Address
            | FieldType::List
            | FieldType::Map => &[],
        };
        pair.iter().find(|word| ***word != *text).copied()
    });
    match (word.into_iter().next(), value) {
        (Some(word), _) => Cell::text(word),
        (None, Cell::Bool(yes)) => Cell::Bool(!yes),
        (None, Cell::Number(_)) => Cell::Number(format!("{text}7").into()),
        (None, _) => Cell::text(format!("{text}x")),
    }
}

//! Finds the class of every field of an integration.

use std::sync::Arc;

use orderhub_lang::condition::Test;
use orderhub_lang::diagnostic::Diagnostic;
use orderhub_order::catalogue::{FieldType, Kind, catalogue};
use orderhub_order::value::Value;

use super::ends::{Ends, In, Key, Out, Used};
use super::formula::Formula;
use super::joint::Joint;
use super::judge::{Judgement, Strictness, judge};
use super::parted::moved;
use super::samples::Samples;
use super::trip::{Change, Road, Trip};
use super::{Class, Effort, FieldLaw, Place, Reason, generate, words};
use crate::ast::Direction;
use crate::cell::Cell;
use crate::integration::Integration;
use crate::program::{CollectionProgram, Element, Given, KeyRead, Source, TestRead};
use crate::{Mapping, RuleInfo, Way, codes};

/// A law with what decides how it is told.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) law: FieldLaw,
    /// Both ends stand in one file: no shape of another document excuses them.
    pub(super) one_shape: bool,
    /// It is computed, and goes out by `inverse:`.
    pub(super) formula: bool,
    /// What comes in has no word on the way out.
    pub(super) wordless: bool,
}

/// Pairs of one field that share no place, and are tried all the same: two shapes of it.
pub(super) const MOST_APART: usize = 1_000;

/// Raw values of documents, to see what the way in makes of them.
pub(super) const RAW: [&str; 12] = [
    "1",
    "12.5",
    "0",
    "1250",
    "x",
    "true",
    "2026-11-20",
    "2026-11-20T09:15:30Z",
    "2026-11-20 09:15:30",
    "1700000000",
    "20.11.2026",
    "[\"a\"]",
];

/// The laws of every field, by path.
pub(super) fn laws(integration: &Integration, effort: Effort, samples: &Samples) -> Vec<Found> {
    let used = Used::of(integration);
    let values = |key: &Key| {
        let mut values = generate::values(key, effort.values());
        values.extend_from_slice(samples.all.get(key).map(Vec::as_slice).unwrap_or_default());
        values
    };
    let mut found: Vec<Found> = used
        .ends()
        .iter()
        .filter_map(|(key, ends)| law(key, ends, &used, (values(key), samples, effort.steps())))
        .collect();
    found.sort_by(|left, right| left.law.field.cmp(&right.law.field));
    found
}

fn law(
    key: &Key,
    ends: &Ends<'_>,
    used: &Used<'_>,
    (values, samples, steps): (Vec<Value>, &Samples, usize),
) -> Option<Found> {
    if ends.ins.is_empty() || ends.outs.is_empty() {
        return one_way(key, ends, used);
    }
    let (mut reasons, mut limits, none) = (Vec::new(), Vec::new(), Samples::default());
    let (mut pairs, mut apart_pairs) = (0_usize, 0_usize);
    let mut broken = None;
    for out in &ends.outs {
        for read in &ends.ins {
            if excluded(&out.rule.where_, &read.rule.where_) {
                continue;
            }
            let direct = out.is(read) || out.same_place(read);
            apart_pairs += usize::from(!direct);
            if !direct && apart_pairs > MOST_APART {
                continue;
            }
            // Of several rules nobody knows which gave what documents gave: `stuck` looks at the others' words.
            let lone =
                ends.ins.iter().filter(|one| one.mapping.name == read.mapping.name).count() == 1;
            let gave = if lone { samples } else { &none };
            let Some((judgement, one_shape)) = pair(key, (out, read), &values, (gave, steps))
            else {
                continue;
            };
            pairs += 1;
            let wordless = judgement.wordless;
            if let Some(counter) = judgement.broken {
                let law = of(key, Some(read), Some(out), Class::Broken(counter));
                let formula = out.rule.inverse.is_some();
                let law = FieldLaw { refused: one_shape, ..law };
                let found = Found { law, one_shape, formula, wordless };
                if one_shape {
                    return Some(found);
                }
                // Two shapes may differ on purpose; one that breaks by itself comes first.
                broken.get_or_insert(found);
            }
            add(&mut reasons, judgement.reasons);
            add(&mut limits, judgement.limits);
        }
    }
    if broken.is_some() {
        return broken;
    }
    let class = match (pairs, reasons.is_empty()) {
        (0, _) => apart(ends)?,
        (_, true) => Class::Lawful,
        (_, false) => Class::Canonical(reasons),
    };
    let law = of(key, ends.ins.first(), ends.outs.first(), class);
    let law = FieldLaw { limits, ..law };
    Some(Found { law, one_shape: false, formula: false, wordless: false })
}

fn add(known: &mut Vec<Reason>, more: Vec<Reason>) {
    for reason in more {
        if !known.contains(&reason) {
            known.push(reason);
        }
    }
}

/// Settings that one side asks for and the other rules out: the two never meet.
fn excluded(out: &[TestRead], read: &[TestRead]) -> bool {
    out.iter().any(|out| read.iter().any(|read| exclude(out, read)))
}

fn exclude(out: &TestRead, read: &TestRead) -> bool {
    let (Source::Setting(one), Source::Setting(other)) = (&out.source, &read.source) else {
        return false;
    };
    let (Test::AnyOf(ones), Test::AnyOf(others)) = (&out.test, &read.test) else { return false };
    one == other && ones.iter().all(|one| !others.contains(one))
}

/// One way out against one way in; `None`: they cannot be compared.
fn pair(
    key: &Key,
    (out, read): (&Out<'_>, &In<'_>),
    values: &[Value],
    (samples, steps): (&Samples, usize),
) -> Option<(Judgement, bool)> {
    let one_file = out.mapping.name == read.mapping.name;
    if let Some(joint) = Joint::of(key, out, read) {
        let travel = |value: &Value| joint.trip(value);
        let strictness = (&joint.ty, Strictness::Once, steps);
        return Some((judge(values, (&[], &[]), strictness, &travel), one_file));
    }
    let direct = out.is(read) || out.same_place(read);
    if direct {
        let road = Road::of(key, out, read)?;
        let (mut values, words) = (with(values, &road), road.words());
        let mut came_in = samples.of(&read.mapping.name, key);
        came_in.extend(taken(&road));
        // What a table gives comes in, also what stands in for words that it does not have.
        came_in.extend_from_slice(&words);
        came_in.iter().for_each(|value| note_value(&mut values, value));
        let travel = |value: &Value| road.trip(value);
        let strict = if road.formula.is_some() { Strictness::Exact } else { Strictness::Once };
        let strictness = (&road.ty, strict, steps);
        let mut judgement = judge(&values, (&words, &came_in), strictness, &travel);
        if steps > 0 && judgement.broken.is_none() {
            let count = match &read.rule.input {
                Given::Named(sources) => sources.len(),
                Given::Constant(_) | Given::First(_) | Given::Expression(..) => {
                    road.formula.as_ref().map_or(0, Formula::count)
                }
            };
            let moved =
                Some(count).filter(|count| *count > 0).and_then(|count| moved(&road, count));
            judgement.reasons.extend(moved);
        }
        return Some((judgement, one_file));
    }
    // Two shapes: each has its own form, and a value goes through both.
    let written = Road::alone(key, out.chain(), &[]).filter(|_| out.alone)?;
    let shown = Road::alone(key, read.chain()?, &read.rule.none)?;
    let values = with(values, &shown);
    let travel = |value: &Value| through(&written, &shown, value);
    Some((judge(&values, (&[], &[]), (&shown.ty, Strictness::Settles, steps), &travel), false))
}

/// The values to try, and what the way in makes of raw ones: what a field really holds.
fn with(values: &[Value], road: &Road<'_>) -> Vec<Value> {
    let mut all = road.words();
    if road.ty == FieldType::Text {
        all.extend(road.system_words());
    }
    if road.ty == FieldType::List {
        all.extend(road.cut_lists());
    }
    all.extend_from_slice(values);
    all.extend(taken(road));
    let mut tried: Vec<Value> = Vec::with_capacity(all.len());
    all.iter().for_each(|value| note_value(&mut tried, value));
    tried
}

/// What the way in makes of raw values, and of what the system would be sent for typed ones. Of a state nothing:
/// its words are those of its table.
fn taken(road: &Road<'_>) -> Vec<Value> {
    if matches!(road.ty, FieldType::Enum(_)) {
        return Vec::new();
    }
    let raw = RAW.iter().flat_map(|raw| [Cell::text(*raw), Cell::Number((*raw).into())]);
    let (day, at) = (RAW[6].parse().map(Cell::Date), RAW[7].parse().map(Cell::Timestamp));
    let typed = [day.ok(), at.ok(), Some(Cell::Bool(true)), Some(Cell::Integer(7))];
    let written = typed.into_iter().flatten().filter_map(|cell| road.written(cell));
    raw.chain(written).filter_map(|cell| road.taken(cell)).collect()
}

fn note_value(known: &mut Vec<Value>, value: &Value) {
    if !known.contains(value) {
        known.push(value.clone());
    }
}

/// A value in the form of what goes out, then in the form of what comes in.
pub(super) fn through(written: &Road<'_>, shown: &Road<'_>, value: &Value) -> Trip {
    let first = match written.trip(value) {
        Trip::Same => None,
        Trip::Changed(change) => Some(change),
        refused @ (Trip::Refused(..) | Trip::Held(_) | Trip::Unreadable(..)) => return refused,
    };
    let current = match &first {
        None => value.clone(),
        Some(Change { back: Some(Some(back)), .. }) => back.clone(),
        Some(_) => return first.map_or(Trip::Same, Trip::Changed),
    };
    match shown.trip(&current) {
        Trip::Changed(Change { back: Some(Some(back)), .. }) if back == *value => Trip::Same,
        Trip::Changed(change) => {
            Trip::Changed(first.map_or(change.clone(), |first| Change { by: first.by, ..change }))
        }
        // What only the other shape cannot say is not lost by it.
        Trip::Same | Trip::Refused(..) | Trip::Held(_) | Trip::Unreadable(..) => {
            first.map_or(Trip::Same, Trip::Changed)
        }
    }
}

/// Two ends that cannot be compared: of several values, of several fields, or computed.
fn apart(ends: &Ends<'_>) -> Option<Class> {
    let (read, out) = (ends.ins.first()?, ends.outs.first()?);
    let why = if excluded(&out.rule.where_, &read.rule.where_) {
        "the two rules hold under different settings".to_owned()
    } else if read.rule.fold.is_some() {
        "many values of the document make this one".to_owned()
    } else if matches!(read.rule.input, Given::Expression(..) | Given::Constant(_)) {
        "what comes in is computed or constant".to_owned()
    } else if !out.alone {
        "it goes out together with others".to_owned()
    } else {
        let links = read.rule.each.iter().chain(&out.rule.chain);
        let link = links.into_iter().find(|link| !link.two_way());
        let name = link.map_or("the rule", |link| link.name());
        format!("`{name}` has no way back")
    };
    Some(Class::Apart { why })
}

/// A field that is only read, or only written.
fn one_way(key: &Key, ends: &Ends<'_>, used: &Used<'_>) -> Option<Found> {
    let (read, out) = (ends.ins.first(), ends.outs.first());
    let mapping = read.map(|read| read.mapping).or(out.map(|out| out.mapping))?;
    let info = read.and_then(In::info).or(out.and_then(Out::info))?;
    let both = used.both().any(|known| known.name == mapping.name);
    let way = if read.is_some() { Direction::In } else { Direction::Out };
    let (why, asked) = match (&info.way, both) {
        (Way::In { why, asked } | Way::Out { why, asked }, true) => (why.to_string(), *asked),
        (Way::Both, true) => {
            ("the list around it, or an earlier rule, does not go the other way".to_owned(), true)
        }
        (_, false) if way == Direction::In => {
            ("no document that goes out names it".to_owned(), true)
        }
        (_, false) => ("no document that comes in names it".to_owned(), true),
    };
    let derived = catalogue()
        .field(key.id)
        .is_some_and(|field| matches!(field.kind, Kind::Derived | Kind::Hub));
    // Of a rule that cannot be made to go both ways there is nothing to say.
    let elsewhere = info.hub.starts_with(['/', '^', '$']);
    let meant = asked || derived || elsewhere || info.plain;
    let law = of(key, read, out, Class::OneWay { way, why, meant });
    Some(Found { law, one_shape: true, formula: false, wordless: false })
}

fn of(key: &Key, read: Option<&In<'_>>, out: Option<&Out<'_>>, class: Class) -> FieldLaw {
    let place = |mapping: &Mapping, info: Option<&RuleInfo>| {
        Some(Place { source: Arc::clone(&mapping.source), span: info?.span })
    };
    FieldLaw {
        field: key.path(),
        in_rule: read.and_then(|read| place(read.mapping, read.info())),
        out_rule: out.and_then(|out| place(out.mapping, out.info())),
        class,
        limits: Vec::new(),
        refused: false,
    }
}

/// Rows that are known by their position: when one goes, all behind it are taken for others.
pub(super) fn positions(integration: &Integration) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for mapping in Used::of(integration).ins {
        by_position(mapping, &mapping.compiled.input.root, &mut found);
    }
    found
}

/// Collections of files that go both ways which go one way, and nobody said so.
pub(super) fn collections(integration: &Integration) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for mapping in Used::of(integration).both() {
        half(mapping, &mapping.compiled.input.root, &mut found);
    }
    found
}

fn half(mapping: &Mapping, element: &Element, found: &mut Vec<Diagnostic>) {
    for CollectionProgram { sources, .. } in &element.collections {
        let rules = || sources.iter().filter_map(|source| mapping.rule(source.no));
        let whole = rules().any(|rule| rule.way == Way::Both);
        for rule in rules().filter(|_| !whole) {
            if let Way::In { why, asked: false } = &rule.way {
                let place = Place { source: Arc::clone(&mapping.source), span: rule.span };
                found.push(words::unsaid(&place, &rule.hub, Direction::In, why));
            }
        }
        for source in sources {
            half(mapping, &source.element, found);
        }
    }
}

fn by_position(mapping: &Mapping, element: &Element, found: &mut Vec<Diagnostic>) {
    for CollectionProgram { sources, .. } in &element.collections {
        for source in sources {
            if let Some(KeyRead::Rule(rule)) = &source.key
                && let Given::First(reads) = &rule.input
                && reads.iter().any(|(read, _)| matches!(read, Source::Index))
            {
                let message = "these elements are known by their position";
                let finding =
                    Diagnostic::error(codes::POSITION, &mapping.source, rule.span, message);
                let hint = "when a row goes, those behind it are taken for others: name a field that stays with its row, if there is one";
                found.push(finding.as_warning().with_hint(hint));
            }
            by_position(mapping, &source.element, found);
        }
    }
}

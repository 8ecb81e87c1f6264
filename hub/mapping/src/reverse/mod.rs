//! The way out: the rules of each element are computed once, then one template is written straight to
//! bytes.
//!
//! **Invariant:** the same subject, settings and references give the same bytes. A reference that is
//! missing stops the whole document: nothing is sent half. Tests:
//! `the_same_subject_gives_the_same_bytes`, and the case `tests/data/mapping/out/subject.yaml`.
//!
//! **Invariant:** what went out stands by place and field, each once. Test:
//! `what_went_out_stands_in_order_and_each_field_once`.

#![allow(
    clippy::wildcard_enum_match_arm,
    reason = "a conversion names the few kinds of cell it takes; any other is an error of the rule"
)]

mod hub;
mod json;
mod out;
mod watched;
mod write;

use orderhub_lang::condition::Test;
use orderhub_order::catalogue::FieldId;
use orderhub_order::contribution::Stated;
use orderhub_order::ids::At;
use orderhub_order::model::{Element, Record, Subject};

use crate::cell::{Cell, Trouble};
use crate::compile::VALUE;
use crate::conversions::{Conversion, Put, Shape};
use crate::facts::Lacks;
use crate::program::{Inverse, OutElement, OutGiven, OutRule, OutSource, Source, TestRead};
use crate::quote::{Shown, shown};
use crate::watch::{Gave, Watch};
use crate::{Context, MapError, Mapping, Projection, ReverseError};

use hub::{Hub, Values, look};
pub(crate) use hub::{hub_value, kind_of};
pub(crate) use watched::shown as path_shown;

/// What a rule gives on the way out.
#[derive(Debug)]
pub(crate) struct Computed<'o> {
    pub(crate) main: Cell<'o>,
    /// What stands beside, in the order of the chain; those that are missing at its end are absent.
    pub(crate) beside: Vec<Cell<'o>>,
    /// Whose they are.
    pub(crate) rule: &'o OutRule,
}

/// What the way out works on.
pub(crate) struct Out<'o> {
    mapping: &'o Mapping,
    hub: Hub<'o>,
    context: &'o Context<'o>,
    values: Values,
    /// Told of every rule, where somebody watches.
    watch: Option<&'o dyn Watch>,
}

/// Maps a subject out.
pub(crate) fn reverse<'o>(
    mapping: &'o Mapping,
    subject: Subject<'o>,
    context: &'o Context<'o>,
    watch: Option<&'o dyn Watch>,
) -> Result<Projection, ReverseError> {
    let hub = Hub::new(subject);
    let mut out = Out { mapping, hub, context, values: Vec::with_capacity(64), watch };
    if let Some(watch) = watch {
        watch.document(0);
    }
    let mut bytes = Vec::with_capacity(2048);
    let record = subject.order.record(subject.at);
    if !out.body(&mapping.compiled.output.root, subject.at, record, &mut bytes)? {
        bytes.extend_from_slice(b"{}");
    }
    let mut values = out.values;
    // Most orders stand in their order, each field once: up to the ninth line, and where no rule reads a field again.
    let ascends = |(left, field, _): &(At, FieldId, Stated),
                   (right, next, _): &(At, FieldId, Stated)| {
        if left == right { field < next } else { left < right }
    };
    if !values.is_sorted_by(ascends) {
        values.sort_by(|left, right| (&left.0, left.1).cmp(&(&right.0, right.1)));
        values.dedup_by(|left, right| left.1 == right.1 && left.0 == right.0);
    }
    let shape = out::shape(mapping, context.settings);
    let bytes = mapping.format.write(bytes, &shape).map_err(|unwritable| {
        ReverseError::Failed(Box::new(MapError {
            cause: unwritable.cause,
            rule: None,
            place: None,
            path: String::new(),
            why: unwritable.why,
            key: None,
            lacks: Lacks::default(),
        }))
    })?;
    Ok(Projection { bytes, media: mapping.format.media(), values })
}

impl<'o> Out<'o> {
    /// Writes one element of a collection; false if nothing was there to write.
    fn element(
        &mut self,
        program: &'o OutElement,
        (at, element): &(At, &'o Element),
        bytes: &mut Vec<u8>,
    ) -> Result<bool, ReverseError> {
        let record = Some(&element.fields);
        let Some(watch) = self.watch else { return self.body(program, at, record, bytes) };
        watch.enter(at.collection(), at.id().map_or("", |id| id.as_str()));
        let written = self.body(program, at, record, bytes);
        watch.leave();
        written
    }

    fn body(
        &mut self,
        program: &'o OutElement,
        at: &At,
        record: Option<&'o Record>,
        bytes: &mut Vec<u8>,
    ) -> Result<bool, ReverseError> {
        self.hub.here = record;
        let before = self.values.len();
        let mut computed: Vec<Computed<'o>> = Vec::with_capacity(program.rules.len());
        for rule in &program.rules {
            let guard = rule.guard.and_then(|guard| computed.get(guard));
            let absent = guard.is_some_and(|guard| !guard.main.is_value());
            computed.push(if absent { nothing(rule) } else { self.rule(rule, at)? });
        }
        // Those of one place, by field: what is sorted in the end are runs.
        if let Some(own) = self.values.get_mut(before..) {
            own.sort_unstable_by_key(|(_, field, _)| *field);
        }
        // An object's own rule says only whether it is there: null is written, its parts otherwise.
        for (rule, computed) in program.rules.iter().zip(&mut computed) {
            if matches!(rule.input, OutGiven::Object(_)) && computed.main.is_value() {
                computed.main = Cell::Absent;
            }
        }
        self.node(&program.node, &computed, None, at, bytes)
    }

    fn rule(&mut self, rule: &'o OutRule, at: &At) -> Result<Computed<'o>, ReverseError> {
        let Some(watch) = self.watch else { return self.compute(rule, at) };
        let computed = self.compute(rule, at);
        self.tell(watch, rule, at, gave(&computed));
        computed
    }

    fn compute(&mut self, rule: &'o OutRule, at: &At) -> Result<Computed<'o>, ReverseError> {
        if !rule.where_.is_empty() && !self.holds(&rule.where_) {
            return Ok(nothing(rule));
        }
        let mut main = self.input(rule, at)?;
        let mut beside = Vec::new();
        if !rule.chain.is_empty() {
            Put { main, beside } = self.chain(rule, main)?;
        }
        if let Some(inverse) = &rule.inverse {
            main = self.inverse(rule, inverse, main, at)?;
        }
        if matches!(main, Cell::Null) {
            main = rule.null.clone();
        }
        Ok(Computed { main, beside, rule })
    }

    fn input(&mut self, rule: &'o OutRule, at: &At) -> Result<Cell<'o>, ReverseError> {
        match &rule.input {
            OutGiven::Constant(value) => Ok(value.clone()),
            OutGiven::First(sources) => {
                let mut null = false;
                for source in sources {
                    let before = self.values.len();
                    match self.source(source, at)? {
                        Cell::Absent => self.values.truncate(before),
                        Cell::Null => null = true,
                        value => return Ok(value),
                    }
                }
                Ok(if null { Cell::Null } else { Cell::Absent })
            }
            OutGiven::Named(sources) => {
                let mut cells = Vec::with_capacity(sources.len());
                for source in sources {
                    cells.push(self.source(source, at)?);
                }
                Ok(all(cells))
            }
            OutGiven::Expression(inputs, expression) => {
                let before = self.values.len();
                let mut cells = Vec::with_capacity(inputs.len());
                for (name, source) in inputs {
                    cells.push((name.as_str(), self.source(source, at)?));
                }
                self.values.truncate(before);
                let missing = !cells.is_empty() && cells.iter().all(|(_, c)| *c == Cell::Absent);
                let given = crate::run_compute(expression.as_ref(), &cells);
                let given = given.map_err(|trouble| self.failed(rule, trouble, None))?;
                Ok(if missing { of_nothing(rule, given) } else { given })
            }
            OutGiven::Object(path) => look(&self.hub, at, path, &mut self.values),
            OutGiven::Key => Ok(hub::own_id(&self.hub, at).map_or(Cell::Absent, Cell::text)),
            OutGiven::Ours => {
                Ok(at.id().map_or(Cell::Absent, |id| Cell::text(id.as_str().to_owned())))
            }
        }
    }

    /// What is computed of a converted value; of none there is nothing.
    fn inverse(
        &mut self,
        rule: &'o OutRule,
        inverse: &'o Inverse,
        value: Cell<'o>,
        at: &At,
    ) -> Result<Cell<'o>, ReverseError> {
        if !value.is_value() {
            return Ok(value);
        }
        let mut cells = vec![(VALUE, value)];
        for (name, source) in &inverse.inputs {
            cells.push((name.as_str(), self.source(source, at)?));
        }
        let given = crate::run_compute(inverse.expression.as_ref(), &cells);
        given.map_err(|trouble| self.failed(rule, trouble, None))
    }

    /// One value of the hub's side; the fields that were read for it are noted.
    fn source(&mut self, source: &OutSource, at: &At) -> Result<Cell<'o>, ReverseError> {
        self.hub.source(source, self.context, at, &mut self.values)
    }

    /// Settings only: there is no document to look at.
    fn holds(&self, tests: &[TestRead]) -> bool {
        tests.iter().all(|test| {
            let value = match &test.source {
                Source::Setting(name) => self.context.settings.get(name),
                Source::Document(_) | Source::Argument(_) | Source::Hub(_) | Source::Index => None,
            };
            match &test.test {
                Test::AnyOf(texts) => value.is_some_and(|value| texts.contains(value)),
                Test::NotAnyOf(texts) => value.is_none_or(|value| !texts.contains(value)),
                Test::Present => there(value, &test.none),
                Test::Absent | Test::None => !there(value, &test.none),
                Test::From(_) => false,
            }
        })
    }

    /// All conversions of a rule.
    fn chain(&self, rule: &'o OutRule, mut main: Cell<'o>) -> Result<Put<'o>, ReverseError> {
        let mut beside = Vec::new();
        let mut before = 0;
        for conversion in &rule.chain {
            let put = self.put(rule, conversion.as_ref(), main)?;
            main = put.main;
            // Nearly always one conversion writes beside.
            if before == 0 {
                beside = put.beside;
            } else if !put.beside.is_empty() {
                beside.resize(before, Cell::Absent);
                beside.extend(put.beside);
            }
            before += conversion.beside().len();
        }
        Ok(Put { main, beside })
    }

    /// One conversion of one value, or of each value of a fan-out.
    fn put(
        &self,
        rule: &'o OutRule,
        conversion: &dyn Conversion,
        cell: Cell<'o>,
    ) -> Result<Put<'o>, ReverseError> {
        match cell {
            Cell::Absent => Ok(Put::main(Cell::Absent)),
            Cell::Null if !conversion.takes_null() => Ok(Put::main(Cell::Null)),
            Cell::Many(cells) if conversion.shape() == Shape::Single => {
                let count = conversion.beside().len();
                let mut columns = vec![Vec::with_capacity(cells.len()); count];
                let mut mains = Vec::with_capacity(cells.len());
                for cell in cells {
                    let put = self.put(rule, conversion, cell)?;
                    mains.push(put.main);
                    let mut beside = put.beside.into_iter();
                    for column in &mut columns {
                        column.push(beside.next().unwrap_or(Cell::Absent));
                    }
                }
                let beside = columns.into_iter().map(Cell::Many).collect();
                Ok(Put { main: Cell::Many(mains), beside })
            }
            cell => {
                // Lists and objects are not shown.
                let whole = matches!(cell, Cell::List(_) | Cell::Map(_) | Cell::Json(_));
                let given = (!rule.personal && !whole).then(|| cell.clone());
                conversion.put(cell, rule.target).map_err(|trouble| {
                    let shown = given.and_then(|given| shown(&given, conversion.quote()));
                    self.failed(rule, trouble, shown)
                })
            }
        }
    }

    fn failed(&self, rule: &OutRule, trouble: Trouble, shown: Option<Shown>) -> ReverseError {
        let why = match shown {
            Some(shown) => shown.behind(&trouble.why),
            None => trouble.why,
        };
        ReverseError::Failed(Box::new(MapError {
            cause: trouble.cause,
            rule: Some(self.mapping.source.place(rule.span.start)),
            place: None,
            path: rule.text.to_string(),
            why,
            key: None,
            lacks: Lacks::default(),
        }))
    }
}

/// What an expression gives whose inputs are all missing: no text is made of nothing, unless the expression says
/// what stands in for it; and no null, unless the rule says what is written for nothing.
fn of_nothing<'o>(rule: &OutRule, given: Cell<'o>) -> Cell<'o> {
    match given {
        Cell::Null if !rule.own_none => Cell::Absent,
        Cell::Text(_) if !rule.stands_in => Cell::Absent,
        given => given,
    }
}

/// Whether a setting is there, and none of the values that mean null.
fn there(value: Option<&String>, none: &[Cell<'_>]) -> bool {
    value.is_some_and(|value| !crate::run_means_none(&Cell::text(value.as_str()), none))
}

/// What is told of a rule's value: that beside it where the main one is not written.
fn gave(computed: &Result<Computed<'_>, ReverseError>) -> Gave {
    match computed {
        Ok(computed) => {
            let mut all = std::iter::once(&computed.main).chain(&computed.beside);
            Gave::of(all.find(|cell| cell.is_value()).unwrap_or(&computed.main))
        }
        Err(error) => Gave::Failed(watched::why(error)),
    }
}

/// Named values: absent or null if all are.
fn all(cells: Vec<Cell<'_>>) -> Cell<'_> {
    if cells.iter().any(Cell::is_value) {
        return Cell::Named(cells);
    }
    if cells.contains(&Cell::Null) { Cell::Null } else { Cell::Absent }
}

fn nothing(rule: &OutRule) -> Computed<'_> {
    Computed { main: Cell::Absent, beside: Vec::new(), rule }
}

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

mod failed;
mod hub;
mod json;
mod out;
mod read;
mod room;
mod watched;
mod write;

use orderhub_lang::condition::Test;
use orderhub_order::ids::At;
use orderhub_order::model::{Element, Record, Subject};

use crate::cell::Cell;
use crate::compile::VALUE;
use crate::conversions::{Aside, Conversion, Put, Shape};
use crate::facts::Lacks;
use crate::program::{Inverse, OutElement, OutGiven, OutRule, OutSource, Source, TestRead};
use crate::quote::shown;
use crate::watch::{Gave, Watch};
use crate::{Context, MapError, Mapping, Projection, ReverseError, Unwritten};

use failed::one_by_one;
use hub::{Hub, look};
pub(crate) use hub::{hub_value, kind_of};
use read::Read;
pub(crate) use watched::shown as path_shown;

/// What a rule gives on the way out.
#[derive(Debug)]
pub(crate) struct Computed<'o> {
    pub(crate) main: Cell<'o>,
    /// What stands beside, in the order of the chain; those that are missing at its end are absent.
    pub(crate) beside: Aside<'o>,
    /// Whose they are.
    pub(crate) rule: &'o OutRule,
}

/// What the way out works on.
pub(crate) struct Out<'o> {
    mapping: &'o Mapping,
    hub: Hub<'o>,
    context: &'o Context<'o>,
    read: Read<'o>,
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
    let mut out = Out { mapping, hub, context, read: Read::roomy(), watch };
    if let Some(watch) = watch {
        watch.document(0);
    }
    let mut bytes = Vec::with_capacity(2048);
    let record = subject.order.record(subject.at);
    if !out.body(&mapping.compiled.output.root, subject.at, record, &mut bytes)? {
        bytes.extend_from_slice(b"{}");
    }
    let values = out.read.into_values();
    let shape = out::shape(mapping, context.settings);
    let bytes = mapping.format.write(bytes, &shape).map_err(|unwritable| {
        ReverseError::Failed(Box::new(Unwritten {
            field: Box::default(),
            error: MapError {
                cause: unwritable.cause,
                rule: None,
                place: None,
                path: String::new(),
                why: unwritable.why,
                key: None,
                digest: None,
                lacks: Lacks::default(),
            },
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
        let ((_, before), room) = (self.read.mark(), room::room());
        let nothing = |rule| Computed { main: Cell::Absent, beside: Aside::None, rule };
        let mut computed: Vec<Computed<'o>> = program.rules.iter().map(nothing).collect();
        for (number, rule) in program.rules.iter().enumerate() {
            let Some((before, [to, ..])) = computed.split_at_mut_checked(number) else { break };
            let guard = rule.guard.and_then(|guard| before.get(guard));
            if guard.is_none_or(|guard| guard.main.is_value()) {
                self.rule(rule, at, to)?;
                self.keep(&room, to)?;
            }
        }
        self.read.settle(at, record, before);
        // An object's own rule says only whether it is there: null is written, its parts otherwise.
        for (rule, computed) in program.rules.iter().zip(&mut computed) {
            if matches!(rule.input, OutGiven::Object(_)) && computed.main.is_value() {
                computed.main = Cell::Absent;
            }
        }
        let any = self.node(&program.node, &computed, None, at, bytes)?;
        self.written(program.rules.first(), bytes.len())?;
        Ok(any)
    }

    fn rule(
        &mut self,
        rule: &'o OutRule,
        at: &At,
        to: &mut Computed<'o>,
    ) -> Result<(), ReverseError> {
        let Some(watch) = self.watch else { return self.compute(rule, at, to) };
        let computed = self.compute(rule, at, to);
        self.tell(watch, rule, at, gave(&computed, to));
        computed
    }

    /// Computes a rule where its value stays; it is absent there yet.
    fn compute(
        &mut self,
        rule: &'o OutRule,
        at: &At,
        to: &mut Computed<'o>,
    ) -> Result<(), ReverseError> {
        if !rule.where_.is_empty() && !self.holds(&rule.where_) {
            return Ok(());
        }
        self.hub.in_rows = rule.rows;
        match &rule.input {
            OutGiven::First(sources) => self.first(sources, at, &mut to.main)?,
            OutGiven::Object(path) => look(&self.hub, at, path, &mut self.read, &mut to.main)?,
            _ => to.main = self.input(rule, at)?,
        }
        if !rule.chain.is_empty() {
            if rule.rows {
                one_by_one(&mut to.main);
            }
            self.chain(rule, at, to)?;
        }
        if let Some(inverse) = &rule.inverse {
            let main = std::mem::replace(&mut to.main, Cell::Absent);
            to.main = self.inverse(rule, inverse, main, at)?;
        }
        match &mut to.main {
            Cell::Null => to.main = rule.null.clone(),
            Cell::Named(parts) if !matches!(rule.null, Cell::Null) => {
                parts.iter_mut().filter(|part| **part == Cell::Null).for_each(|part| {
                    part.clone_from(&rule.null);
                });
            }
            _ => {}
        }
        Ok(())
    }

    /// The first value that is there.
    fn first(
        &mut self,
        sources: &'o [OutSource],
        at: &At,
        to: &mut Cell<'o>,
    ) -> Result<(), ReverseError> {
        let mut null = false;
        for source in sources {
            let before = self.read.mark();
            self.hub.source(source, self.context, at, &mut self.read, to)?;
            match to {
                Cell::Absent => self.read.forget(before),
                Cell::Null => null = true,
                _ => return Ok(()),
            }
        }
        *to = if null { Cell::Null } else { Cell::Absent };
        Ok(())
    }

    /// What is no single value of the hub's side.
    fn input(&mut self, rule: &'o OutRule, at: &At) -> Result<Cell<'o>, ReverseError> {
        match &rule.input {
            OutGiven::Constant(value) => Ok(value.clone()),
            OutGiven::First(_) | OutGiven::Object(_) => Ok(Cell::Absent),
            OutGiven::Named(sources) => {
                let (mut cells, room) = (Vec::with_capacity(sources.len()), room::room());
                for source in sources {
                    let cell = self.source(source, at)?;
                    self.hold(&room, rule, &cell)?;
                    cells.push(cell);
                }
                Ok(all(cells))
            }
            OutGiven::Expression(inputs, expression) => {
                let before = self.read.mark();
                let (mut cells, room) = (Vec::with_capacity(inputs.len()), room::room());
                for (name, source) in inputs {
                    let cell = self.source(source, at)?;
                    self.hold(&room, rule, &cell)?;
                    cells.push((name.as_str(), cell));
                }
                self.read.forget(before);
                let missing = !cells.is_empty() && cells.iter().all(|(_, c)| *c == Cell::Absent);
                let given = crate::run_compute(expression.as_ref(), &cells);
                let given = given.map_err(|trouble| self.failed(rule, trouble, None))?;
                Ok(if missing { of_nothing(rule, given) } else { given })
            }
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
        let mut cell = Cell::Absent;
        self.hub.source(source, self.context, at, &mut self.read, &mut cell)?;
        Ok(cell)
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
                Test::Starts(texts) => {
                    value.is_some_and(|value| texts.iter().any(|text| value.starts_with(text)))
                }
                Test::Present => there(value, &test.none),
                Test::Absent | Test::None => !there(value, &test.none),
                Test::From(_) => false,
            }
        })
    }

    /// All conversions of a rule.
    fn chain(&self, rule: &'o OutRule, at: &At, to: &mut Computed<'o>) -> Result<(), ReverseError> {
        let mut before = 0;
        for (link, conversion) in rule.chain.iter().enumerate() {
            if !matches!(to.main, Cell::Absent) {
                let main = std::mem::replace(&mut to.main, Cell::Absent);
                let put = match main {
                    Cell::Null | Cell::Many(_) => self.put(rule, conversion.as_ref(), main)?,
                    main => match conversion.put(main, rule.target) {
                        Ok(put) => put,
                        Err(trouble) => return Err(self.refused(rule, at, link, trouble)),
                    },
                };
                to.main.fill(put.main);
                // Nearly always one conversion writes beside.
                if before == 0 {
                    to.beside = put.beside;
                } else if !put.beside.is_empty() {
                    to.beside.extend_from(before, put.beside);
                }
            }
            before += conversion.beside().len();
        }
        Ok(())
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
                    let mut beside = put.beside.into_vec().into_iter();
                    for column in &mut columns {
                        column.push(beside.next().unwrap_or(Cell::Absent));
                    }
                }
                let beside: Vec<_> = columns.into_iter().map(Cell::Many).collect();
                Ok(Put { main: Cell::Many(mains), beside: beside.into() })
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
fn gave(result: &Result<(), ReverseError>, computed: &Computed<'_>) -> Gave {
    match result {
        Ok(()) => {
            let mut all = std::iter::once(&computed.main).chain(&*computed.beside);
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

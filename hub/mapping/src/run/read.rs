//! From slots to values: sources, conditions, and one rule's value.

use std::borrow::Cow;

use orderhub_lang::condition::Test;
use orderhub_lang::expression::{EvalError, Name, Scope};
use orderhub_lang::path::values;
use orderhub_lang::value::Value as LangValue;

use super::{Failure, Frame, Frames, Run};
use crate::cell::{Cell, Trouble};
use crate::conversions::{Conversion, Target};
use crate::program::{Given, InRule, Read, Source, TestRead};
use crate::scan::token::unescape;
use crate::scan::trie::Address;
use crate::scan::{Kind, Slot};

impl<'a> Run<'_, 'a> {
    fn at(&self, address: Address, frames: &[Frame]) -> Slot {
        let frame = frames.get(usize::from(address.level));
        frame.map(|frame| self.scanned.slot(frame.base, address.slot)).unwrap_or_default()
    }

    /// The value in a slot. A scalar in the way of a path is null if it means none.
    fn cell(&self, slot: Slot, none: &[Cell<'_>]) -> Result<Cell<'a>, Trouble> {
        let text =
            || self.scanned.text.get(slot.start as usize..slot.end as usize).unwrap_or_default();
        let cell = match slot.kind {
            Kind::Absent => Cell::Absent,
            Kind::Null => Cell::Null,
            Kind::True => Cell::Bool(true),
            Kind::False => Cell::Bool(false),
            Kind::Number => Cell::Number(Cow::Borrowed(text())),
            Kind::Text => Cell::Text(Cow::Borrowed(text())),
            Kind::Escaped => Cell::Text(unescape(text())),
            Kind::Object | Kind::Array => Cell::Json(Cow::Borrowed(text())),
            Kind::Rows => Cell::Absent,
            Kind::Blocked => {
                let value = LangValue::from_json(text().as_bytes()).map(Cell::from_lang);
                let value = value.unwrap_or(Cell::Absent);
                if means_none(&value, none) {
                    return Ok(Cell::Null);
                }
                let why = format!("the path goes on, but {} stands here", value.kind());
                return Err(Trouble::new("wrong_type", why));
            }
        };
        Ok(if means_none(&cell, none) { Cell::Null } else { cell })
    }

    /// Calls `each` with the frames of every row of a fan-out; false if there is no array.
    fn fan(
        &self,
        rows: &[Address],
        frames: &Frames,
        each: &mut dyn FnMut(&Frames) -> Result<(), Trouble>,
    ) -> Result<Presence, Trouble> {
        let Some((first, rest)) = rows.split_first() else {
            each(frames)?;
            return Ok(Presence::Value);
        };
        let slot = self.at(*first, frames);
        match slot.kind {
            Kind::Rows => {}
            Kind::Absent => return Ok(Presence::Absent),
            Kind::Null => return Ok(Presence::Null),
            Kind::Blocked
            | Kind::True
            | Kind::False
            | Kind::Number
            | Kind::Text
            | Kind::Escaped
            | Kind::Object
            | Kind::Array => return Ok(Presence::Blocked(slot)),
        }
        let depth = usize::from(first.level) + 1;
        let mut inner: Frames = frames.iter().take(depth).copied().collect();
        for (row, base) in self.scanned.rows(slot).enumerate() {
            inner.truncate(depth);
            inner.push(Frame { base, row: u32::try_from(row).unwrap_or(u32::MAX) });
            if let Presence::Blocked(slot) = self.fan(rest, &inner, each)? {
                return Ok(Presence::Blocked(slot));
            }
        }
        Ok(Presence::Value)
    }

    /// The frames of the rows of an `each`; `None`: there is no array.
    pub(super) fn rows(
        &self,
        read: &Read,
        frames: &Frames,
    ) -> Result<Option<Vec<Frames>>, Trouble> {
        let mut all = Vec::new();
        let presence = self.fan(&read.rows, frames, &mut |frames| {
            all.push(frames.clone());
            Ok(())
        })?;
        match presence {
            // Null is no list: an unknown list destroys nothing.
            Presence::Absent | Presence::Null => Ok(None),
            Presence::Value => Ok(Some(all)),
            Presence::Blocked(slot) => self.blocked(slot, &self.mapping.none).map(|_| None),
        }
    }

    fn blocked(&self, slot: Slot, none: &[Cell<'_>]) -> Result<Cell<'a>, Trouble> {
        match self.cell(Slot { kind: Kind::Blocked, ..slot }, none)? {
            Cell::Null => Ok(Cell::Null),
            _ => Err(Trouble::new("wrong_type", "a list is needed here")),
        }
    }

    /// One value of a source that is no fan-out.
    fn single(
        &self,
        source: &Source,
        frames: &Frames,
        none: &[Cell<'_>],
    ) -> Result<Cell<'a>, Trouble> {
        match source {
            Source::Document(read) => self.cell(self.at(read.slot, frames), none),
            Source::Setting(name) => Ok(match self.context.settings.get(name) {
                Some(text) => Cell::Text(Cow::Owned(text.clone())),
                None => Cell::Absent,
            }),
            Source::Argument(segments) => Ok(self.argument(segments)),
            Source::Hub(path) => {
                let Some(subject) = self.context.hub else { return Ok(Cell::Absent) };
                Ok(crate::reverse::hub_value(subject, path))
            }
            Source::Index => {
                let row = frames.last().map_or(0, |frame| frame.row);
                Ok(Cell::Integer(i64::from(row)))
            }
        }
    }

    fn argument(&self, segments: &[orderhub_lang::path::Segment]) -> Cell<'a> {
        let Some((orderhub_lang::path::Segment::Key(name), rest)) = segments.split_first() else {
            return Cell::Absent;
        };
        let found =
            self.context.args.get(name).and_then(|value| values(rest, value).first().copied());
        found.map_or(Cell::Absent, |value| Cell::from_lang(value.clone()))
    }

    /// Whether every test holds.
    pub(super) fn holds(&self, tests: &[TestRead], frames: &Frames) -> Result<bool, Failure> {
        for test in tests {
            let mut found = Vec::new();
            let rows = match &test.source {
                Source::Document(read) => read.rows.as_slice(),
                Source::Setting(_) | Source::Argument(_) | Source::Hub(_) | Source::Index => &[],
            };
            let mut look = |frames: &Frames| {
                // What stands in the way of a path is not there for a condition.
                found.push(self.single(&test.source, frames, &[]).unwrap_or(Cell::Absent));
                Ok(())
            };
            let fanned = self.fan(rows, frames, &mut look);
            fanned.map_err(|trouble| self.failure(None, &test.source, frames, trouble, None))?;
            if !holds(&test.test, &found) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The value of one rule that is not an element's.
    pub(super) fn one(
        &self,
        rule: &InRule,
        frames: &Frames,
        target: Target,
        personal: bool,
    ) -> Result<Cell<'a>, Failure> {
        self.rule(rule, std::slice::from_ref(frames), target, personal)
    }

    /// The text of a rule; `None` for absent and null.
    pub(super) fn text(&self, rule: &InRule, frames: &Frames) -> Result<Option<Box<str>>, Failure> {
        let cell = self.one(rule, frames, Target::default(), false)?;
        if !cell.is_value() {
            return Ok(None);
        }
        match cell.scalar() {
            Some(text) => Ok(Some(text.into())),
            None => {
                let trouble = Trouble::wrong_type(&cell, "a text or number");
                Err(self.rule_failure(rule, frames, trouble, Some(&cell)))
            }
        }
    }

    /// The value of a rule over the rows of one element: one, or several that a fold makes one.
    pub(super) fn rule(
        &self,
        rule: &InRule,
        rows: &[Frames],
        target: Target,
        personal: bool,
    ) -> Result<Cell<'a>, Failure> {
        let mut found: Option<Cell<'a>> = None;
        let mut many = Vec::new();
        for frames in rows {
            if !self.holds(&rule.where_, frames)? {
                continue;
            }
            let cell = self.input_of(rule, frames, target, personal)?;
            if rule.fold.is_some() {
                match cell {
                    Cell::Absent => {}
                    Cell::Many(cells) => {
                        found.get_or_insert(Cell::Null);
                        many.extend(cells);
                    }
                    other => {
                        found.get_or_insert(Cell::Null);
                        many.push(other);
                    }
                }
                continue;
            }
            match &found {
                None => found = Some(cell),
                Some(known) if *known == cell => {}
                Some(_) => {
                    let why =
                        "this key stands twice with different values, and the rule does not fold";
                    let trouble = Trouble::new("duplicate_element", why);
                    return Err(self.rule_failure(rule, frames, trouble, None));
                }
            }
        }
        let Some(fold) = &rule.fold else { return Ok(found.unwrap_or(Cell::Absent)) };
        let Some(frames) = rows.first().filter(|_| found.is_some()) else {
            return Ok(Cell::Absent);
        };
        let wrong = |trouble| self.rule_failure(rule, frames, trouble, None);
        let folded = fold.get(Cell::Many(many), &[], target).map_err(wrong)?;
        let beside = self.beside(&rule.beside, frames).map_err(wrong)?;
        self.chain(&rule.after, folded, &beside, rule, frames, target, personal)
    }

    fn beside(&self, sources: &[Source], frames: &Frames) -> Result<Vec<Cell<'a>>, Trouble> {
        sources.iter().map(|source| self.single(source, frames, &[])).collect()
    }

    /// A rule's input with the conversions before its fold.
    fn input_of(
        &self,
        rule: &InRule,
        frames: &Frames,
        target: Target,
        personal: bool,
    ) -> Result<Cell<'a>, Failure> {
        let wrong = |trouble| self.rule_failure(rule, frames, trouble, None);
        let cell = match &rule.input {
            Given::Constant(value) => return Ok(value.clone()),
            Given::First(reads) => return self.first(rule, reads, frames, target, personal),
            Given::Named(sources) => {
                let mut cells = Vec::with_capacity(sources.len());
                for source in sources {
                    cells.push(self.single(source, frames, &rule.none).map_err(wrong)?);
                }
                match presence(&cells) {
                    Presence::Absent => return Ok(Cell::Absent),
                    Presence::Null => return Ok(Cell::Null),
                    Presence::Value | Presence::Blocked(_) => Cell::Named(cells),
                }
            }
            Given::Expression(inputs, expression) => {
                let mut values = Vec::with_capacity(inputs.len());
                for (name, source) in inputs {
                    let cell = self.expression_input(source, frames, &rule.none).map_err(wrong)?;
                    values.push((name.as_str(), cell));
                }
                let cells: Vec<Cell<'a>> = values.iter().map(|(_, cell)| cell.clone()).collect();
                match presence(&cells) {
                    Presence::Absent if !cells.is_empty() => return Ok(Cell::Absent),
                    Presence::Null if !cells.is_empty() => return Ok(Cell::Null),
                    Presence::Absent | Presence::Null | Presence::Value | Presence::Blocked(_) => {}
                }
                compute(expression.as_ref(), &values).map_err(wrong)?
            }
        };
        let beside = self.beside(&rule.beside, frames).map_err(wrong)?;
        self.chain(&rule.each, cell, &beside, rule, frames, target, personal)
    }

    fn expression_input(
        &self,
        source: &Source,
        frames: &Frames,
        none: &[Cell<'_>],
    ) -> Result<Cell<'a>, Trouble> {
        let Source::Document(read) = source else { return self.single(source, frames, none) };
        if read.rows.is_empty() {
            return self.single(source, frames, none);
        }
        let mut cells = Vec::new();
        let presence = self.fan(&read.rows, frames, &mut |frames| {
            cells.push(self.single(source, frames, none)?);
            Ok(())
        })?;
        Ok(match presence {
            Presence::Absent => Cell::Absent,
            Presence::Null => Cell::Null,
            Presence::Value => Cell::Many(cells),
            Presence::Blocked(slot) => self.blocked(slot, none)?,
        })
    }

    /// The first of several paths that is not null.
    fn first(
        &self,
        rule: &InRule,
        reads: &[(Source, Vec<Source>)],
        frames: &Frames,
        target: Target,
        personal: bool,
    ) -> Result<Cell<'a>, Failure> {
        let mut best = Cell::Absent;
        for (source, beside) in reads {
            let found = match source {
                Source::Document(read) if !read.rows.is_empty() => {
                    self.spread(rule, read, beside, frames, target, personal)?
                }
                Source::Document(_)
                | Source::Setting(_)
                | Source::Argument(_)
                | Source::Hub(_)
                | Source::Index => {
                    let wrong = |trouble| self.failure(Some(rule), source, frames, trouble, None);
                    let cell = self.single(source, frames, &rule.none).map_err(wrong)?;
                    if cell == Cell::Absent {
                        continue;
                    }
                    let beside = self.beside(beside, frames).map_err(wrong)?;
                    self.chain(&rule.each, cell, &beside, rule, frames, target, personal)?
                }
            };
            match found {
                Cell::Absent => {}
                Cell::Null => best = Cell::Null,
                value => return Ok(value),
            }
        }
        Ok(best)
    }

    /// The values of a fan-out, each through the chain.
    fn spread(
        &self,
        rule: &InRule,
        read: &Read,
        beside: &[Source],
        frames: &Frames,
        target: Target,
        personal: bool,
    ) -> Result<Cell<'a>, Failure> {
        let source = Source::Document(read.clone());
        let mut cells = Vec::new();
        let mut failed = None;
        let fanned = self.fan(&read.rows, frames, &mut |frames| {
            if failed.is_some() {
                return Ok(());
            }
            let cell = self.cell(self.at(read.slot, frames), &rule.none)?;
            let beside = self.beside(beside, frames)?;
            match self.chain(&rule.each, cell, &beside, rule, frames, target, personal) {
                Ok(cell) => cells.push(cell),
                Err(failure) => failed = Some(failure),
            }
            Ok(())
        });
        if let Some(failure) = failed {
            return Err(failure);
        }
        let wrong = |trouble| self.failure(Some(rule), &source, frames, trouble, None);
        match fanned.map_err(wrong)? {
            Presence::Absent => Ok(Cell::Absent),
            Presence::Null => Ok(Cell::Null),
            Presence::Value => Ok(Cell::Many(cells)),
            Presence::Blocked(slot) => self.blocked(slot, &rule.none).map_err(wrong),
        }
    }

    #[expect(clippy::too_many_arguments, reason = "a value, what surrounds it, and where it goes")]
    fn chain(
        &self,
        chain: &[std::sync::Arc<dyn Conversion>],
        mut cell: Cell<'a>,
        beside: &[Cell<'a>],
        rule: &InRule,
        frames: &Frames,
        target: Target,
        personal: bool,
    ) -> Result<Cell<'a>, Failure> {
        let mut rest = beside;
        for conversion in chain {
            let count = conversion.beside().len();
            let (own, more) = rest.split_at_checked(count).unwrap_or((rest, &[]));
            rest = more;
            let passes = match cell {
                Cell::Absent => true,
                Cell::Null => !conversion.takes_null(),
                _ => false,
            };
            if passes {
                continue;
            }
            let before = cell.clone();
            cell = conversion.get(cell, own, target).map_err(|trouble| {
                let shown = (!personal).then_some(&before);
                self.rule_failure(rule, frames, trouble, shown)
            })?;
        }
        Ok(if means_none(&cell, &rule.none) { Cell::Null } else { cell })
    }

    /// The failure of a rule, at the first path it reads.
    pub(super) fn rule_failure(
        &self,
        rule: &InRule,
        frames: &Frames,
        trouble: Trouble,
        shown: Option<&Cell<'_>>,
    ) -> Failure {
        let nothing = Source::Setting(String::new());
        let source = match &rule.input {
            Given::First(reads) => reads.first().map(|(source, _)| source),
            Given::Named(sources) => sources.first(),
            Given::Expression(inputs, _) => inputs.first().map(|(_, source)| source),
            Given::Constant(_) => None,
        };
        self.failure(Some(rule), source.unwrap_or(&nothing), frames, trouble, shown)
    }

    fn failure(
        &self,
        rule: Option<&InRule>,
        source: &Source,
        frames: &Frames,
        trouble: Trouble,
        shown: Option<&Cell<'_>>,
    ) -> Failure {
        let path = match source {
            Source::Document(read) => place(&read.text, frames),
            Source::Setting(name) if name.is_empty() => String::new(),
            Source::Setting(name) => format!("$settings.{name}"),
            Source::Argument(_) => "$args".to_owned(),
            Source::Hub(_) => "$hub".to_owned(),
            Source::Index => "$index".to_owned(),
        };
        let shown = shown.filter(|cell| cell.is_value()).map(Cell::shown);
        Failure { span: rule.map(|rule| rule.span), path, trouble, shown }
    }
}

/// What came of looking for an array.
#[derive(Clone, Copy, Debug)]
enum Presence {
    Absent,
    Null,
    Value,
    Blocked(Slot),
}

fn presence(cells: &[Cell<'_>]) -> Presence {
    if cells.iter().any(Cell::is_value) {
        return Presence::Value;
    }
    if cells.iter().any(|cell| *cell == Cell::Null) { Presence::Null } else { Presence::Absent }
}

/// Whether a value is one of those that mean null.
fn means_none(cell: &Cell<'_>, none: &[Cell<'_>]) -> bool {
    none.iter().any(|none| match (none, cell) {
        (Cell::Number(left), Cell::Number(right)) => {
            left == right || crate::cell::decimal(left) == crate::cell::decimal(right)
        }
        (Cell::Json(_), _) => false,
        (none, cell) => none == cell,
    })
}

/// Whether a test holds for any of what was found.
fn holds(test: &Test, found: &[Cell<'_>]) -> bool {
    let is = |cell: &Cell<'_>, texts: &[String]| {
        cell.is_value()
            && cell.scalar().is_some_and(|text| texts.iter().any(|known| **known == *text))
    };
    match test {
        Test::AnyOf(texts) => found.iter().any(|cell| is(cell, texts)),
        Test::NotAnyOf(texts) => found.is_empty() || found.iter().any(|cell| !is(cell, texts)),
        Test::Present => found.iter().any(Cell::is_value),
        Test::Absent => found.is_empty() || found.iter().any(|cell| !cell.is_value()),
        Test::None => found.iter().all(|cell| match cell {
            Cell::Absent | Cell::Null => true,
            Cell::Json(text) => matches!(text.trim(), "[]" | "{}"),
            _ => false,
        }),
        // Refused when the mapping is compiled.
        Test::From(_) => false,
    }
}

/// A path with the positions of its rows: `line_items.2.price`.
fn place(text: &str, frames: &Frames) -> String {
    let mut rows = frames.iter().skip(2);
    let parts = text.split('.').map(|part| match part {
        "*" => rows.next().map_or_else(|| "*".to_owned(), |frame| frame.row.to_string()),
        other => other.to_owned(),
    });
    parts.collect::<Vec<_>>().join(".")
}

/// Inputs of an expression.
struct Inputs<'v> {
    values: Vec<(&'v str, LangValue)>,
}

impl Scope for Inputs<'_> {
    fn get(&self, name: &Name) -> Result<LangValue, EvalError> {
        match self.values.iter().find(|(known, _)| *known == name.root) {
            Some((_, value)) => name.within(value),
            None => Ok(LangValue::Null),
        }
    }
}

/// Computes an expression. One that fails for want of an input gives what that input is.
pub(crate) fn compute<'a>(
    expression: &dyn orderhub_lang::expression::Expression,
    inputs: &[(&str, Cell<'_>)],
) -> Result<Cell<'a>, Trouble> {
    let values = inputs.iter().map(|(name, cell)| (*name, cell.to_lang())).collect();
    match expression.eval(&Inputs { values }) {
        Ok(value) => Ok(Cell::from_lang(value)),
        Err(_) if inputs.iter().any(|(_, cell)| *cell == Cell::Absent) => Ok(Cell::Absent),
        Err(_) if inputs.iter().any(|(_, cell)| *cell == Cell::Null) => Ok(Cell::Null),
        Err(error) => Err(Trouble::new("expression", error.to_string())),
    }
}

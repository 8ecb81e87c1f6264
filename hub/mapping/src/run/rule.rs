//! One rule's value: its input, its chain, its fold.

use std::sync::Arc;

use orderhub_order::ids::names_nothing;
use smallvec::SmallVec;

use super::compute::{compute, to_fold};
use super::read::{Presence, means_none, path_of, place, presence};
use super::value::name;
use super::{Failure, Fault, Frames, Run, room};
use crate::cell::{Cell, Trouble};
use crate::conversions::{Conversion, Target};
use crate::program::{Given, InRule, Read, Source};
use crate::quote::{Quote, Shown, shown};
use crate::scan::Kind;
use crate::watch::Gave;

/// Where a rule's value goes: what conversions and messages must know of the field.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Goal {
    /// Limits for conversions.
    pub(super) target: Target,
    /// Values never stand in messages.
    pub(super) personal: bool,
}

impl Goal {
    /// Of what orders documents.
    pub(super) fn revision() -> Self {
        Self { target: Target { is_revision: true, ..Target::default() }, personal: false }
    }
}

/// Values beside a rule's own: amount and currency.
pub(super) type Beside<'a> = SmallVec<[Cell<'a>; 2]>;

impl<'a> Run<'_, 'a> {
    /// The value of one rule that is not an element's.
    pub(super) fn one(
        &self,
        rule: &InRule,
        frames: &Frames,
        goal: Goal,
    ) -> Result<Cell<'a>, Failure> {
        self.rule(rule, std::slice::from_ref(frames), goal)
    }

    /// The text of a rule; `None` for absent and null.
    pub(super) fn text(&self, rule: &InRule, frames: &Frames) -> Result<Option<Box<str>>, Failure> {
        let cell = self.one(rule, frames, Goal::default())?;
        if !cell.is_value() {
            return Ok(None);
        }
        let wrong = |trouble| self.rule_failure(rule, frames, trouble, Quote::Described);
        name(&cell).map(Some).map_err(wrong)
    }

    /// The id that a rule gives: an empty text names nothing, as if it were not there.
    pub(super) fn id(&self, rule: &InRule, frames: &Frames) -> Result<Option<Box<str>>, Failure> {
        Ok(self.text(rule, frames)?.filter(|id| !names_nothing(id)))
    }

    /// The value of a rule over the rows of one element: one, or several that a fold makes one.
    pub(super) fn rule(
        &self,
        rule: &InRule,
        rows: &[Frames],
        goal: Goal,
    ) -> Result<Cell<'a>, Failure> {
        let value = self.value(rule, rows, goal);
        let value = value.and_then(|cell| self.keep(rule, rows, cell));
        if let Some(watch) = self.watch {
            self.tell(watch, rule, rows, goal, gave(&value));
        }
        value
    }

    fn value(&self, rule: &InRule, rows: &[Frames], goal: Goal) -> Result<Cell<'a>, Failure> {
        // Nearly every rule is of one row and folds nothing.
        if let ([frames], None) = (rows, &rule.fold) {
            let says = rule.where_.is_empty() || self.holds(&rule.where_, frames)?;
            return if says { self.input_of(rule, frames, goal) } else { Ok(Cell::Absent) };
        }
        self.folded(rule, rows, goal)
    }

    /// The value of a rule over several rows, or through its fold.
    fn folded(&self, rule: &InRule, rows: &[Frames], goal: Goal) -> Result<Cell<'a>, Failure> {
        let mut found: Option<Cell<'a>> = None;
        let (mut many, held) = (Vec::new(), self.held());
        for frames in rows {
            if !self.holds(&rule.where_, frames)? {
                continue;
            }
            let cell = self.input_of(rule, frames, goal)?;
            if rule.fold.is_some() {
                let wrong = |trouble| self.rule_failure(rule, frames, trouble, Quote::Hidden);
                room::take(&held, &cell).map_err(wrong)?;
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
                    return Err(self.rule_failure(rule, frames, trouble, Quote::Hidden));
                }
            }
        }
        let Some(fold) = &rule.fold else { return Ok(found.unwrap_or(Cell::Absent)) };
        let Some(frames) = rows.first().filter(|_| found.is_some()) else {
            return Ok(Cell::Absent);
        };
        let wrong = |trouble| self.rule_failure(rule, frames, trouble, Quote::Hidden);
        let folded = fold.get(Cell::Many(many), &[], goal.target).map_err(wrong)?;
        let beside = self.beside(&rule.beside, frames, &rule.none).map_err(wrong)?;
        self.chain(&rule.after, folded, &beside, rule, frames, goal)
    }

    pub(super) fn beside(
        &self,
        sources: &[Source],
        frames: &Frames,
        none: &[Cell<'_>],
    ) -> Result<Beside<'a>, Trouble> {
        let mut cells = Beside::new();
        for source in sources {
            cells.push(self.single(source, frames, none)?);
        }
        Ok(cells)
    }

    /// A rule's input with the conversions before its fold.
    fn input_of(&self, rule: &InRule, frames: &Frames, goal: Goal) -> Result<Cell<'a>, Failure> {
        let wrong = |trouble| self.rule_failure(rule, frames, trouble, Quote::Hidden);
        let cell = match &rule.input {
            Given::Constant(value) => return Ok(value.clone()),
            Given::First(reads) => return self.first(rule, reads, frames, goal),
            Given::Named(sources) => {
                let (mut cells, held) = (Vec::with_capacity(sources.len()), self.held());
                for source in sources {
                    let cell = self.single(source, frames, &rule.none).map_err(wrong)?;
                    room::take(&held, &cell).map_err(wrong)?;
                    cells.push(cell);
                }
                match presence(&cells) {
                    Presence::Absent => return Ok(Cell::Absent),
                    Presence::Null => return Ok(Cell::Null),
                    Presence::Value | Presence::Blocked(_) => Cell::Named(cells),
                }
            }
            Given::Expression(inputs, expression) => {
                let (mut values, held) = (Vec::with_capacity(inputs.len()), self.held());
                for (name, source) in inputs {
                    let cell = self.expression_input(source, frames, &rule.none).map_err(wrong)?;
                    room::take(&held, &cell).map_err(wrong)?;
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
        let beside = self.beside(&rule.beside, frames, &rule.none).map_err(wrong)?;
        if let Some(cells) = to_fold(rule, &cell) {
            let held = self.held();
            let chain = |cell| {
                let cell = self.chain(&rule.each, cell, &beside, rule, frames, goal)?;
                room::take(&held, &cell).map_err(wrong)?;
                Ok(cell)
            };
            return cells.into_iter().map(chain).collect::<Result<_, _>>().map(Cell::Many);
        }
        self.chain(&rule.each, cell, &beside, rule, frames, goal)
    }

    pub(super) fn expression_input(
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
        goal: Goal,
    ) -> Result<Cell<'a>, Failure> {
        let mut best = Cell::Absent;
        for (source, beside) in reads {
            let found = match source {
                Source::Document(read) if !read.rows.is_empty() => {
                    self.spread(rule, read, beside, frames, goal)?
                }
                Source::Document(_)
                | Source::Setting(_)
                | Source::Argument(_)
                | Source::Hub(_)
                | Source::Index => {
                    if self.nothing(source, frames) {
                        continue;
                    }
                    let wrong =
                        |trouble| failure(Some(rule), path_of(source, frames), trouble, None);
                    let cell = self.single(source, frames, &rule.none).map_err(wrong)?;
                    if cell == Cell::Absent {
                        continue;
                    }
                    let beside = self.beside(beside, frames, &rule.none).map_err(wrong)?;
                    self.chain(&rule.each, cell, &beside, rule, frames, goal)?
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

    /// Whether the document has nothing there.
    fn nothing(&self, source: &Source, frames: &Frames) -> bool {
        if let Source::Document(read) = source {
            return self.at(read.slot, frames).kind == Kind::Absent;
        }
        false
    }

    /// The values of a fan-out, each through the chain.
    fn spread(
        &self,
        rule: &InRule,
        read: &Read,
        beside: &[Source],
        frames: &Frames,
        goal: Goal,
    ) -> Result<Cell<'a>, Failure> {
        let (mut cells, held) = (Vec::new(), self.held());
        let mut failed = None;
        let fanned = self.fan(&read.rows, frames, &mut |frames| {
            if failed.is_some() {
                return Ok(());
            }
            let cell = self.cell(self.at(read.slot, frames), &rule.none)?;
            let beside = self.beside(beside, frames, &rule.none)?;
            match self.chain(&rule.each, cell, &beside, rule, frames, goal) {
                Ok(cell) => {
                    room::take(&held, &cell)?;
                    cells.push(cell);
                }
                Err(failure) => failed = Some(failure),
            }
            Ok(())
        });
        if let Some(failure) = failed {
            return Err(failure);
        }
        let wrong = |trouble| failure(Some(rule), place(&read.text, frames), trouble, None);
        match fanned.map_err(wrong)? {
            Presence::Absent => Ok(Cell::Absent),
            Presence::Null => Ok(Cell::Null),
            Presence::Value => Ok(Cell::Many(cells)),
            Presence::Blocked(slot) => self.blocked(slot, &rule.none).map_err(wrong),
        }
    }

    fn chain(
        &self,
        chain: &[Arc<dyn Conversion>],
        mut cell: Cell<'a>,
        beside: &[Cell<'a>],
        rule: &InRule,
        frames: &Frames,
        goal: Goal,
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
            let got = match conversion.asks(&cell) {
                None => conversion.get(cell, own, goal.target),
                Some(key) => {
                    let looked = self.facts.look(&key);
                    let looked = if goal.personal { looked.without(&key.id) } else { looked };
                    conversion.answered(cell, looked, goal.target)
                }
            };
            cell = got.map_err(|trouble| {
                let quote = if goal.personal { Quote::Hidden } else { conversion.quote() };
                self.rule_failure(rule, frames, trouble, quote)
            })?;
        }
        // A yes or no that a conversion made is none of the document's values.
        let made = matches!(cell, Cell::Bool(_));
        let none = !made && !rule.none.is_empty() && means_none(&cell, &rule.none);
        Ok(if none { Cell::Null } else { cell })
    }

    /// The failure of a rule, at the path whose value is to blame, the first that gives one otherwise,
    /// with what may be shown of it.
    pub(super) fn rule_failure(
        &self,
        rule: &InRule,
        frames: &Frames,
        trouble: Trouble,
        quote: Quote,
    ) -> Failure {
        let sources: Vec<&Source> = match &rule.input {
            Given::First(reads) => reads.iter().map(|(source, _)| source).collect(),
            Given::Named(sources) => sources.iter().collect(),
            Given::Expression(inputs, _) => inputs.iter().map(|(_, source)| source).collect(),
            Given::Constant(_) => Vec::new(),
        };
        let read = |source: &Source| self.single(source, frames, &rule.none).ok();
        let mut values = sources
            .iter()
            .filter_map(|source| Some((*source, read(source).filter(Cell::is_value)?)));
        // What joins named inputs takes texts: one that is none is to blame, wherever it stands.
        let joins = matches!(rule.input, Given::Named(_));
        let odd = |(_, cell): &(&Source, Cell<'a>)| joins && cell.scalar().is_none();
        let found = values.clone().find(odd).or_else(|| values.next());
        let path = found.as_ref().map(|(source, _)| *source).or(sources.first().copied());
        let path = path.map(|source| path_of(source, frames)).unwrap_or_default();
        let own = matches!(rule.input, Given::First(_));
        let shown = found.filter(|_| own).and_then(|(_, cell)| shown(&cell, quote));
        failure(Some(rule), path, trouble, shown)
    }
}

/// What is told of a rule's value.
fn gave(value: &Result<Cell<'_>, Failure>) -> Gave {
    match value {
        Ok(cell) => Gave::of(cell),
        Err(fault) => Gave::Failed(fault.trouble.why.clone()),
    }
}

/// A failure of a rule at a path.
pub(super) fn failure(
    rule: Option<&InRule>,
    path: String,
    trouble: Trouble,
    shown: Option<Shown>,
) -> Failure {
    Box::new(Fault { span: rule.map(|rule| rule.span), path, trouble, shown })
}

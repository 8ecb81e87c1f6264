//! What a rule does on the way in, step by step, for whoever watches. The value itself comes from the rule as it
//! runs with nobody watching; its steps are gone through once more beside it, and change nothing.

use std::sync::Arc;

use orderhub_lang::value::Value;

use super::compute::{compute, to_fold};
use super::read::{Presence, path_of, presence};
use super::rule::{Beside, Goal};
use super::{Frames, Run};
use crate::Direction;
use crate::cell::{Cell, Trouble};
use crate::conversions::Conversion;
use crate::facts::Facts;
use crate::program::{EachProgram, Given, InRule, Read, Source};
use crate::watch::{Gave, RuleAt, Seen, SeenRead, SeenRow, SeenStep, Watch, value};

/// One row of a rule while it is told.
struct Row<'t, 'a> {
    rule: &'t InRule,
    frames: &'t Frames,
    goal: Goal,
    facts: &'t dyn Facts,
    seen: SeenRow,
    /// What the row gave, for a fold.
    gave: Vec<Cell<'a>>,
}

impl<'a> Run<'_, 'a> {
    /// Tells what a rule did for its rows.
    #[cold]
    pub(super) fn tell(
        &self,
        watch: &dyn Watch,
        rule: &InRule,
        rows: &[Frames],
        goal: Goal,
        gave: Gave,
    ) {
        let (mut seen, mut many) = (Vec::new(), Vec::new());
        for frames in rows {
            let held = self.holds(&rule.where_, frames).unwrap_or(false);
            let (seen_row, facts) = (SeenRow::new(held), self.facts);
            let mut row = Row { rule, frames, goal, facts, seen: seen_row, gave: Vec::new() };
            if held {
                self.tell_input(&mut row);
            }
            many.extend(row.gave);
            seen.push(row.seen);
        }
        let mut after = Vec::new();
        if let (Some(fold), Some(frames)) = (&rule.fold, rows.first())
            && gave != Gave::Absent
        {
            let chain = std::iter::once(fold).chain(&rule.after);
            let beside = self.beside_of(&rule.beside, frames, &rule.none);
            steps(
                chain,
                rule.each.len(),
                Cell::Many(many),
                &beside,
                (goal, self.facts),
                &mut after,
            );
        }
        watch.rule(Seen { rule: RuleAt::of(rule), way: Direction::In, rows: seen, after, gave });
    }

    /// Tells which rows an `each` looked at.
    #[cold]
    pub(super) fn tell_each(&self, watch: &dyn Watch, source: &EachProgram, outer: &[Frames]) {
        let (mut rows, mut gave) = (Vec::new(), Gave::Absent);
        let place = Source::Document(source.read.clone());
        for frames in outer {
            let Ok(Some(found)) = self.rows(&source.read, frames) else {
                let path = path_of(&place, frames);
                let read = SeenRead { which: 0, path, value: None, steps: Vec::new() };
                rows.push(SeenRow { held: true, reads: vec![read], steps: Vec::new() });
                continue;
            };
            gave = Gave::Value(Value::List(Vec::new()));
            rows.extend(found.iter().map(|row| {
                let held = self.holds(&source.where_, row).unwrap_or(false);
                let path = path_of(&place, row);
                let read = SeenRead { which: 0, path, value: Some(Value::Null), steps: Vec::new() };
                SeenRow { held, reads: vec![read], steps: Vec::new() }
            }));
        }
        let rule = RuleAt::of(source);
        watch.rule(Seen { rule, way: Direction::In, rows, after: Vec::new(), gave });
    }

    fn tell_input(&self, row: &mut Row<'_, 'a>) {
        let rule = row.rule;
        match &rule.input {
            Given::Constant(constant) => row.gave.push(constant.clone()),
            Given::First(reads) => {
                for (which, (source, beside)) in reads.iter().enumerate() {
                    if self.tell_path(row, which, source, beside) {
                        return;
                    }
                }
            }
            Given::Named(sources) => {
                let cells = self.tell_inputs(row, sources.iter());
                if matches!(presence(&cells), Presence::Value | Presence::Blocked(_)) {
                    self.tell_chain(row, Cell::Named(cells));
                }
            }
            Given::Expression(inputs, expression) => {
                let cells = self.tell_inputs(row, inputs.iter().map(|(_, source)| source));
                let named: Vec<(&str, Cell<'a>)> =
                    inputs.iter().map(|(name, _)| name.as_str()).zip(cells.clone()).collect();
                let empty = !cells.is_empty()
                    && matches!(presence(&cells), Presence::Absent | Presence::Null);
                if empty {
                    return;
                }
                let computed = compute(expression.as_ref(), &named);
                row.seen.steps.push(SeenStep {
                    by: "expr",
                    link: 0,
                    given: None,
                    gave: told(&computed),
                });
                if let Ok(cell) = computed {
                    let cells = to_fold(row.rule, &cell).unwrap_or_else(|| vec![cell]);
                    cells.into_iter().for_each(|cell| self.tell_chain(row, cell));
                }
            }
        }
    }

    /// The conversions of named inputs together, or of what an expression gave.
    fn tell_chain(&self, row: &mut Row<'_, 'a>, cell: Cell<'a>) {
        let beside = self.beside_of(&row.rule.beside, row.frames, &row.rule.none);
        let cell =
            steps(&row.rule.each, 0, cell, &beside, (row.goal, row.facts), &mut row.seen.steps);
        if cell != Cell::Absent {
            row.gave.push(cell);
        }
    }

    fn tell_inputs<'s>(
        &self,
        row: &mut Row<'_, 'a>,
        sources: impl Iterator<Item = &'s Source>,
    ) -> Vec<Cell<'a>> {
        let mut cells = Vec::new();
        for (which, source) in sources.enumerate() {
            let cell = self.expression_input(source, row.frames, &row.rule.none);
            let cell = cell.unwrap_or(Cell::Absent);
            let path = path_of(source, row.frames);
            row.seen.reads.push(SeenRead { which, path, value: value(&cell), steps: Vec::new() });
            cells.push(cell);
        }
        cells
    }

    /// One of the paths of a rule; true if it gave a value, and the next is not looked at.
    fn tell_path(
        &self,
        row: &mut Row<'_, 'a>,
        which: usize,
        source: &Source,
        beside: &[Source],
    ) -> bool {
        if let Source::Document(read) = source
            && !read.rows.is_empty()
        {
            return self.tell_rows(row, which, read, beside);
        }
        let path = path_of(source, row.frames);
        let cell = self.single(source, row.frames, &row.rule.none).unwrap_or(Cell::Absent);
        let beside = self.beside_of(beside, row.frames, &row.rule.none);
        let cell = row.read(which, path, cell, &beside);
        let gave = cell.is_value();
        if cell != Cell::Absent {
            row.gave.push(cell);
        }
        gave
    }

    fn tell_rows(
        &self,
        row: &mut Row<'_, 'a>,
        which: usize,
        read: &Read,
        beside: &[Source],
    ) -> bool {
        let (frames, none) = (row.frames, &row.rule.none);
        let mut found = Vec::new();
        let fanned = self.fan(&read.rows, frames, &mut |frames| {
            let cell = self.cell(self.at(read.slot, frames), none)?;
            let path = path_of(&Source::Document(read.clone()), frames);
            found.push((path, cell, self.beside_of(beside, frames, none)));
            Ok(())
        });
        if found.is_empty() {
            row.read(which, path_of(&Source::Document(read.clone()), frames), Cell::Absent, &[]);
        }
        for (path, cell, beside) in found {
            let cell = row.read(which, path, cell, &beside);
            if cell != Cell::Absent {
                row.gave.push(cell);
            }
        }
        matches!(fanned, Ok(Presence::Value))
    }

    fn beside_of(&self, sources: &[Source], frames: &Frames, none: &[Cell<'_>]) -> Beside<'a> {
        self.beside(sources, frames, none).unwrap_or_default()
    }
}

impl<'a> Row<'_, 'a> {
    /// Notes a place that was read, with the conversions of what stood there; gives what they made of it.
    fn read(
        &mut self,
        which: usize,
        path: String,
        cell: Cell<'a>,
        beside: &[Cell<'a>],
    ) -> Cell<'a> {
        let stood = value(&cell);
        let mut told = Vec::new();
        let cell = steps(&self.rule.each, 0, cell, beside, (self.goal, self.facts), &mut told);
        self.seen.reads.push(SeenRead { which, path, value: stood, steps: told });
        cell
    }
}

/// Goes through conversions as the rule does, noting each.
fn steps<'a, 'c>(
    chain: impl IntoIterator<Item = &'c Arc<dyn Conversion>>,
    first: usize,
    mut cell: Cell<'a>,
    beside: &[Cell<'a>],
    (goal, facts): (Goal, &dyn Facts),
    seen: &mut Vec<SeenStep>,
) -> Cell<'a> {
    let mut rest = beside;
    for (link, conversion) in (first..).zip(chain) {
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
        let given = value(&cell);
        let got = match conversion.asks(&cell) {
            None => conversion.get(cell, own, goal.target),
            Some(key) => conversion.answered(cell, facts.look(&key), goal.target),
        };
        seen.push(SeenStep { by: conversion.name(), link, given, gave: told(&got) });
        match got {
            Ok(next) => cell = next,
            Err(_) => return Cell::Absent,
        }
    }
    cell
}

fn told(got: &Result<Cell<'_>, Trouble>) -> Result<Option<Value>, String> {
    match got {
        Ok(cell) => Ok(value(cell)),
        Err(trouble) => Err(trouble.why.clone()),
    }
}

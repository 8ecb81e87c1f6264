//! A computed field on its way out by `inverse:` and in again by its formula.
//!
//! **Invariant:** a rule with `expr:` and `inverse:` is compared like any chain, and what it does not bring back is
//! told with a value. Tests: the cases `tests/data/mapping/laws/inverse.yaml` and
//! `tests/data/mapping/loops/inverse.yaml`.

use std::sync::Arc;

use orderhub_lang::expression::Expression;
use orderhub_order::value::Value;

use super::ends::{In, Key, Out};
use super::generate;
use super::trip::wired;
use crate::cell::{Cell, Trouble};
use crate::compile::VALUE;
use crate::format::Format;
use crate::hub_path::{HubPath, Leaf, Part};
use crate::program::{Given, InRule, OutRule, OutSource, Source};

/// What stands, one after another, where the formula reads what no `inverse:` writes: in a document it is what the
/// system has there.
const FILLS: [&str; 3] = ["x", "1", "2026-11-20"];
/// Values that are tried to find one with which the formula gives anything.
const TRIED: usize = 20;

/// The places that one rule writes, and the formula that reads them.
pub(super) struct Formula<'r> {
    places: &'r [OutRule],
    read: &'r InRule,
    inputs: &'r [(String, Source)],
    expression: &'r Arc<dyn Expression>,
    fill: Cell<'static>,
    /// The document holds nothing but texts.
    texts: bool,
}

/// Why a value does not come to the end of its formula.
pub(super) enum Stopped {
    /// It is not written.
    Out(Trouble),
    /// What was written is not read: as it was written, and why.
    Back(String, Trouble),
}

impl<'r> Formula<'r> {
    /// `None`: the rule has no formula and its inverse, or the formula gives nothing for what may stand beside.
    pub(super) fn of(key: &Key, out: &Out<'r>, read: &In<'r>) -> Option<Self> {
        let Given::Expression(inputs, expression) = &read.rule.input else { return None };
        out.places.first()?.inverse.as_ref()?;
        let texts = !matches!(read.mapping.format, Format::Json);
        let (places, read) = (out.places, read.rule);
        let fill = Cell::Absent;
        let mut formula = Self { places, read, inputs, expression, fill, texts };
        if !formula.reads_more() {
            return Some(formula);
        }
        let values = generate::values(key, TRIED);
        let gives = |formula: &Self, value: &Value| {
            let given = formula.round(&Cell::of(value).into_owned());
            given.is_ok_and(|given| given.is_value())
        };
        let texts = FILLS.map(Cell::text);
        let numbers = FILLS.map(|text| Cell::Number(text.into()));
        for fill in texts.into_iter().chain(numbers.into_iter().skip(1).take(1)) {
            formula.fill = fill;
            if values.iter().any(|value| gives(&formula, value)) {
                return Some(formula);
            }
        }
        None
    }

    /// Whether it reads anything else than what it writes: a whole document that is sent out does not have it.
    pub(super) fn reads_more(&self) -> bool {
        let written = |number: &usize| self.place(*number).is_some();
        let beside = |place: &OutRule| {
            place.inverse.as_ref().is_some_and(|inverse| !inverse.inputs.is_empty())
        };
        !(0..self.inputs.len()).all(|number| written(&number)) || self.places.iter().any(beside)
    }

    /// The place that an input reads.
    fn place(&self, input: usize) -> Option<usize> {
        let reads = |place: &OutRule| {
            place.inverse.as_ref().is_some_and(|inverse| inverse.reads.contains(&input))
        };
        self.places.iter().position(reads)
    }

    /// How many inputs it has.
    pub(super) fn count(&self) -> usize {
        self.inputs.len()
    }

    /// What the formula makes of what the inverse makes of a value.
    pub(super) fn round(&self, value: &Cell<'static>) -> Result<Cell<'static>, Stopped> {
        let written = self.written(value).map_err(Stopped::Out)?;
        self.computed(&written).map_err(|trouble| {
            let shown: Vec<String> = written
                .iter()
                .map(|cell| match cell.scalar() {
                    Some(text) => format!("`{}`", super::words::cut(&text)),
                    None => cell.kind().to_owned(),
                })
                .collect();
            Stopped::Back(shown.join(" and "), trouble)
        })
    }

    /// What stands at each input once a value was written.
    pub(super) fn written(&self, value: &Cell<'static>) -> Result<Vec<Cell<'static>>, Trouble> {
        let mut places = Vec::with_capacity(self.places.len());
        for place in self.places {
            places.push(self.at_place(place, value)?);
        }
        let inputs = self.inputs.iter().enumerate().map(|(number, (_, source))| {
            match self.place(number).and_then(|place| places.get(place)) {
                Some(written) => written.clone(),
                None => self.beside(source),
            }
        });
        Ok(inputs.collect())
    }

    fn at_place(&self, place: &OutRule, value: &Cell<'static>) -> Result<Cell<'static>, Trouble> {
        let mut given = value.clone();
        if let Some(inverse) = place.inverse.as_ref().filter(|_| value.is_value()) {
            let mut inputs = vec![(VALUE, given)];
            let others = inverse.inputs.iter().map(|(name, source)| {
                let cell = match source {
                    OutSource::Hub(path) => of_hub(path),
                    OutSource::Setting(_) => Cell::text(FILLS[0]),
                };
                (name.as_str(), cell)
            });
            inputs.extend(others);
            given = crate::run_compute(inverse.expression.as_ref(), &inputs)?;
        }
        let given = if given == Cell::Null { place.null.clone() } else { wired(given) };
        Ok(match given.scalar() {
            Some(text) if self.texts => Cell::text(text.into_owned()),
            _ => given,
        })
    }

    /// What an input has that no `inverse:` writes.
    fn beside(&self, source: &Source) -> Cell<'static> {
        match source {
            Source::Hub(path) => of_hub(path),
            Source::Setting(_) => Cell::text(FILLS[0]),
            Source::Document(_) | Source::Argument(_) | Source::Index => self.fill.clone(),
        }
    }

    /// What the formula gives of its inputs, as a document is read.
    pub(super) fn computed(&self, inputs: &[Cell<'static>]) -> Result<Cell<'static>, Trouble> {
        let none = |cell: &Cell<'static>| crate::run_means_none(cell, &self.read.none);
        let given = inputs.iter().map(|cell| if none(cell) { Cell::Null } else { cell.clone() });
        let names = self.inputs.iter().map(|(name, _)| name.as_str());
        let given: Vec<(&str, Cell<'static>)> = names.zip(given).collect();
        let cells = || given.iter().map(|(_, cell)| cell);
        if !given.is_empty() && !cells().any(Cell::is_value) {
            let null = cells().any(|cell| *cell == Cell::Null);
            return Ok(if null { Cell::Null } else { Cell::Absent });
        }
        crate::run_compute(self.expression.as_ref(), &given)
    }
}

/// A value of a field of the order around the rule: the same on both ways.
fn of_hub(path: &HubPath) -> Cell<'static> {
    let name = || Cell::text(FILLS[0]);
    let Leaf::Field(id, part) = &path.leaf else { return name() };
    match part {
        None => {
            let values = generate::values(&Key { id: *id, part: None }, 1);
            values.first().map_or_else(name, |value| Cell::of(value).into_owned())
        }
        Some(Part::Amount) => Cell::Decimal(1.into()),
        Some(Part::Currency) => Cell::text("EUR"),
        Some(Part::Address(_) | Part::Entry(_)) => name(),
    }
}

//! One value on its way out and back: what is written, and what is made of it.

#![allow(
    clippy::wildcard_enum_match_arm,
    reason = "numbers are three kinds of cell; any other is none"
)]

use std::sync::Arc;

use orderhub_lang::path::Path;
use orderhub_lang::value::Value as LangValue;
use orderhub_order::catalogue::{FieldType, catalogue};
use orderhub_order::contribution::Stated;
use orderhub_order::value::{Text, Value};

use super::ends::{In, Key, Out};
use super::formula::Formula;
use crate::cell::{self, Cell, Trouble};
use crate::conversions::{Conversion, Law, Target};

/// Causes for which a document is held on purpose: nothing is lost.
pub(super) const HELD: [&str; 2] = ["ambiguous_time", "unknown_value"];

/// Why a value does not go out that a conversion leaves away.
pub(super) const NOT_WRITTEN: &str = "it is not written";

/// Most words of one table that are tried.
pub(super) const MOST_WORDS: usize = 500;

/// A way out and a way in.
pub(super) struct Road<'r> {
    /// As the file writes it: out runs from right to left.
    pub(super) out: Vec<Arc<dyn Conversion>>,
    /// What null is written as.
    pub(super) null: &'r Cell<'static>,
    pub(super) back: Vec<Arc<dyn Conversion>>,
    /// Values that mean null.
    pub(super) none: &'r [Cell<'static>],
    pub(super) out_target: Target,
    pub(super) in_target: Target,
    pub(super) ty: FieldType,
    /// An entry of a map keeps the text of what it is given.
    pub(super) entry: bool,
    /// Both ways were derived from one rule: what is lost can be laid to one conversion.
    pub(super) one: bool,
    /// The texts of a list go one by one, each in a row of its own.
    pub(super) items: bool,
    /// What is computed between the two chains.
    pub(super) formula: Option<Formula<'r>>,
}

/// What became of a value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Trip {
    /// It came back.
    Same,
    /// Another came back.
    Changed(Change),
    /// It is not written: cause and reason.
    Refused(&'static str, String),
    /// What was written is not read, on purpose.
    Held(String),
    /// What was written cannot be read: what, and why.
    Unreadable(String, String),
}

/// Another value than the one that went out.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Change {
    /// `None`: nothing came back; `Some(None)`: null.
    pub(super) back: Option<Stated>,
    /// The conversion that lost it, and what it says of itself.
    pub(super) by: Option<(&'static str, Law)>,
}

impl<'r> Road<'r> {
    /// Out by one rule and in by another, or by the same.
    pub(super) fn of(key: &Key, out: &Out<'r>, back: &In<'r>) -> Option<Self> {
        let formula = Formula::of(key, out, back).filter(|_| out.is(back));
        let chain = back.chain().or_else(|| back.of_formula().filter(|_| formula.is_some()))?;
        let written = out.chain();
        if !out.alone || !written.iter().all(|link| link.two_way()) {
            return None;
        }
        let one = out.is(back) && formula.is_none();
        Some(Self {
            out: written,
            null: &out.rule.null,
            back: chain,
            none: &back.rule.none,
            out_target: out.rule.target,
            in_target: target(key),
            ty: key.ty(),
            entry: key.is_entry(),
            one,
            items: out.rule.rows,
            formula,
        })
    }

    /// By the conversions of one rule, whichever way it is used.
    pub(super) fn alone(
        key: &Key,
        chain: Vec<Arc<dyn Conversion>>,
        none: &'r [Cell<'static>],
    ) -> Option<Self> {
        chain.iter().all(|link| link.two_way()).then(|| Self {
            out: chain.iter().map(Arc::clone).collect(),
            null: &Cell::Null,
            back: chain,
            none,
            out_target: target(key),
            in_target: target(key),
            ty: key.ty(),
            entry: key.is_entry(),
            one: true,
            items: false,
            formula: None,
        })
    }

    /// Sends a value out and takes it in again.
    pub(super) fn trip(&self, value: &Value) -> Trip {
        match value {
            Value::List(items) if self.items => self.items(items),
            value => self.single(value, &self.ty),
        }
    }

    pub(super) fn single(&self, value: &Value, ty: &FieldType) -> Trip {
        let mut cell = Cell::of(value).into_owned();
        let mut trace = vec![cell.clone()];
        let mut beside: Vec<(&Path, Cell<'static>)> = Vec::new();
        for link in self.out.iter().rev() {
            if passes(&cell, link.as_ref()) {
                trace.push(cell.clone());
                continue;
            }
            match link.put(cell, self.out_target) {
                Err(Trouble { cause, why }) => return Trip::Refused(cause, why),
                Ok(put) => {
                    let paths = link.beside().iter().map(|beside| &beside.path);
                    beside.extend(paths.zip(put.beside.into_vec()));
                    cell = put.main;
                }
            }
            trace.push(cell.clone());
        }
        if let Some(formula) = &self.formula {
            return self.by_formula(formula, &cell, &beside, value);
        }
        if cell == Cell::Null {
            cell = self.null.clone();
        }
        if cell == Cell::Absent {
            if beside.is_empty() {
                return Trip::Refused("unknown_value", NOT_WRITTEN.to_owned());
            }
            // What stands beside makes an object of the value's own place.
            cell = Cell::Json("{}".into());
        }
        let written = wired(cell);
        let shown = written.scalar().map_or_else(
            || written.kind().to_owned(),
            |text| format!("`{}`", super::words::cut(&text)),
        );
        match self.read(written, &beside, (value, ty), &trace) {
            Ok(trip) => trip,
            Err(Trouble { cause, why }) if HELD.contains(&cause) => Trip::Held(why),
            Err(Trouble { why, .. }) => Trip::Unreadable(shown, why),
        }
    }

    pub(super) fn read(
        &self,
        written: Cell<'static>,
        beside: &[(&Path, Cell<'static>)],
        (value, ty): (&Value, &FieldType),
        trace: &[Cell<'static>],
    ) -> Result<Trip, Trouble> {
        let mut lost = None;
        // What means null stands in the document, not in what is computed of it.
        let mut cell = if self.formula.is_some() { written } else { self.or_null(written) };
        if cell == Cell::Null && trace.last().is_some_and(Cell::is_value) {
            lost = Some(NONE);
        }
        for (number, link) in self.back.iter().enumerate() {
            if !passes(&cell, link.as_ref()) {
                let own: Vec<Cell<'static>> =
                    link.beside().iter().map(|own| found(&own.path, beside, value)).collect();
                cell = link.get(cell, &own, self.in_target)?;
            }
            let was = trace.get(trace.len().saturating_sub(number + 2));
            if self.one && lost.is_none() && was.is_some_and(|was| !alike(was, &cell)) {
                lost = Some((link.name(), self.law(link.as_ref(), was, &cell)));
            }
        }
        let before = cell.is_value();
        let made = matches!(cell, Cell::Bool(_));
        let cell = if made { cell } else { self.or_null(cell) };
        if before && cell == Cell::Null && lost.is_none() {
            lost = Some(NONE);
        }
        let back = crate::run_stated_checked(self.kept(cell), ty)?;
        Ok(match &back {
            Some(Some(back)) if back == value => Trip::Same,
            _ => Trip::Changed(Change { back, by: lost }),
        })
    }

    /// What a conversion promises of the step in which it gave another value. An entry holds texts: one that says a
    /// number or a time in another way than the type writes it comes back in the type's form.
    fn law(&self, link: &dyn Conversion, was: Option<&Cell<'_>>, is: &Cell<'_>) -> Law {
        let text = |cell: &Cell<'_>| matches!(cell, Cell::Text(_));
        match link.law() {
            Law::Exact if self.entry && was.is_some_and(text) && !text(is) => {
                Law::Canonical("the text comes back in the form of what it says")
            }
            law => law,
        }
    }

    /// A value as the field keeps it.
    fn kept(&self, cell: Cell<'static>) -> Cell<'static> {
        match cell {
            Cell::Json(text) if self.entry => Cell::Text(text),
            Cell::Bool(_) if self.entry => {
                Cell::text(cell.scalar().unwrap_or_default().into_owned())
            }
            cell => cell,
        }
    }

    fn or_null(&self, cell: Cell<'static>) -> Cell<'static> {
        if crate::run_means_none(&cell, self.none) { Cell::Null } else { cell }
    }

    /// The hub words that a rule's tables name: those that must come back.
    pub(super) fn words(&self) -> Vec<Value> {
        let mut words = Vec::new();
        for (number, link) in self.back.iter().enumerate() {
            // A row comes back by itself: of a long table some are enough to try what stands around it.
            for word in link.words().take(MOST_WORDS) {
                let after = self.back.get(number + 1..).unwrap_or_default();
                words.extend(self.through(Cell::text(word.to_owned()), after));
            }
        }
        words
    }

    /// Words of the system where the hub could hold them too: those of its tables, and those that mean null.
    pub(super) fn system_words(&self) -> Vec<Value> {
        let text = |cell: &Cell<'_>| cell.scalar().map(|text| Value::text(&*text));
        let mut words: Vec<Value> = self.none.iter().filter_map(text).collect();
        for word in self.words() {
            let mut cell = Cell::of(&word).into_owned();
            for link in self.out.iter().rev() {
                if !passes(&cell, link.as_ref()) {
                    match link.put(cell, self.out_target) {
                        Ok(put) => cell = put.main,
                        Err(_) => cell = Cell::Absent,
                    }
                }
            }
            words.extend(text(&cell));
        }
        words
    }

    /// Lists with a text that its conversions cut.
    pub(super) fn cut_lists(&self) -> Vec<Value> {
        let cut = |by: &str| Value::List([Text::from("a"), Text::from(format!("b{by}c"))].into());
        self.back.iter().filter_map(|link| link.cuts_at()).map(cut).collect()
    }

    /// How a document shows a typed value, where the way out can write it.
    pub(super) fn written(&self, typed: Cell<'static>) -> Option<Cell<'static>> {
        let put =
            |cell, link: &Arc<dyn Conversion>| Some(link.put(cell, self.out_target).ok()?.main);
        self.out.iter().rev().try_fold(typed, put).filter(Cell::is_value).map(wired)
    }

    /// What the way in makes of a value of a document, where it can read it; of one formula, of several.
    pub(super) fn taken(&self, raw: Cell<'static>) -> Option<Value> {
        let Some(formula) = &self.formula else { return self.through(raw, &self.back) };
        let inputs = vec![raw; formula.count()];
        self.through(formula.computed(&inputs).ok()?, &self.back)
    }

    pub(super) fn through(
        &self,
        raw: Cell<'static>,
        links: &[Arc<dyn Conversion>],
    ) -> Option<Value> {
        let mut cell = raw;
        for link in links {
            if !passes(&cell, link.as_ref()) {
                cell = link.get(cell, &[], self.in_target).ok()?;
            }
        }
        crate::run_stated(self.kept(cell), &self.ty).flatten()
    }
}

/// What a rule's `none:` is called.
const NONE: (&str, Law) = ("none", Law::Canonical("the rule reads it as nothing"));

/// The limits of a field.
fn target(key: &Key) -> Target {
    let field = catalogue().field(key.id).filter(|_| key.part.is_none());
    field.map(crate::compile::limits).unwrap_or_default()
}

fn passes(cell: &Cell<'_>, link: &dyn Conversion) -> bool {
    *cell == Cell::Absent || (*cell == Cell::Null && !link.takes_null())
}

/// A value as a document shows it once it was written.
pub(super) fn wired(cell: Cell<'static>) -> Cell<'static> {
    let text = |cell: &Cell<'static>| cell.scalar().unwrap_or_default().into_owned();
    match &cell {
        Cell::Integer(_) | Cell::Decimal(_) => Cell::Number(text(&cell).into()),
        Cell::Timestamp(_) | Cell::Date(_) | Cell::Ref(_) => Cell::text(text(&cell)),
        Cell::Money(money) => {
            let amount = LangValue::Text(money.amount.to_string());
            let currency = LangValue::Text(cell::code(money).into_owned());
            let whole = [("amount", amount), ("currency", currency)];
            let whole = whole.map(|(name, value)| (name.to_owned(), value));
            Cell::Json(LangValue::Map(whole.into()).to_json_text().into())
        }
        Cell::List(_) | Cell::Map(_) | Cell::Many(_) => {
            Cell::Json(cell.to_lang().to_json_text().into())
        }
        Cell::Absent
        | Cell::Null
        | Cell::Bool(_)
        | Cell::Number(_)
        | Cell::Text(_)
        | Cell::Json(_)
        | Cell::Named(_) => cell,
    }
}

/// What stands beside a value: as it was written, or the currency that another rule writes.
fn found(path: &Path, beside: &[(&Path, Cell<'static>)], value: &Value) -> Cell<'static> {
    let written = |(known, cell): &&(&Path, Cell<'static>)| *known == path && cell.is_value();
    if let Some((_, cell)) = beside.iter().find(written) {
        return wired(cell.clone());
    }
    value.as_money().map_or(Cell::Absent, |money| Cell::text(cell::code(money)))
}

/// One value in two steps of a chain, though a conversion may have given it another type.
fn alike(was: &Cell<'_>, is: &Cell<'_>) -> bool {
    let number = |cell: &Cell<'_>| match cell {
        Cell::Number(text) => cell::decimal(text),
        Cell::Integer(_) | Cell::Decimal(_) => cell.scalar().and_then(|text| cell::decimal(&text)),
        _ => None,
    };
    was == is
        || (was.scalar().is_some() && was.scalar() == is.scalar())
        || number(was).is_some_and(|was| number(is) == Some(was))
}

//! What comes back of a value that a system is sent: one chain out, right to left, and in again.

#![allow(
    clippy::wildcard_enum_match_arm,
    reason = "of the kinds of cell only texts, parts and numbers may be nothing in another form"
)]

use std::sync::Arc;

use orderhub_order::catalogue::{FieldId, FieldType, catalogue};
use orderhub_order::contribution::Stated;

use crate::cell::Cell;
use crate::compile::limits;
use crate::conversions::{Aside, Conversion};
use crate::format::Format;
use crate::program::{InRule, OutRule};

/// A chain as it is written, in the direction in, with what null is for its rule and its file.
#[derive(Debug)]
pub(super) struct Chain {
    links: Vec<Arc<dyn Conversion>>,
    /// What null is written as.
    null: Cell<'static>,
    /// What is read as null.
    none: Vec<Cell<'static>>,
    wire: Wire,
    /// It holds for every document: what it makes of null is what comes back of null.
    always: bool,
}

/// What a format makes of nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wire {
    /// Null is null.
    Null,
    /// Null is an empty text.
    Blank,
    /// An empty text is null.
    Empty,
}

impl Wire {
    pub(super) fn of(format: &Format) -> Self {
        match format {
            _ if format.has_no_null() => Self::Blank,
            _ if format.is_xml() => Self::Empty,
            _ => Self::Null,
        }
    }

    fn shown(self, cell: Cell<'static>) -> Cell<'static> {
        match (self, &cell) {
            (Self::Blank, Cell::Null) => Cell::text(""),
            (Self::Empty, Cell::Text(text)) if text.is_empty() => Cell::Null,
            _ => cell,
        }
    }
}

impl Chain {
    /// Of a rule that reads its values.
    pub(super) fn read(rule: &InRule, wire: Wire) -> Self {
        let links = rule.each.iter().map(Arc::clone).collect();
        let null = rule.none.first().cloned().unwrap_or(Cell::Null);
        Self { links, null, none: rule.none.clone(), wire, always: rule.where_.is_empty() }
    }

    /// Of a rule that writes them: turned round, so that every chain stands as it is written.
    pub(super) fn written(rule: &OutRule, wire: Wire) -> Self {
        let links = rule.chain.iter().rev().map(Arc::clone).collect();
        let none = Some(rule.null.clone()).filter(|null| *null != Cell::Null);
        let (null, none) = (rule.null.clone(), none.into_iter().collect());
        Self { links, null, none, wire, always: rule.where_.is_empty() }
    }

    /// What comes back of a value or of null; `None`: nothing does, or nobody can say what.
    pub(super) fn through(
        &self,
        value: &Stated,
        field: Option<FieldId>,
        ty: &FieldType,
    ) -> Option<Stated> {
        let two_way = self.links.iter().all(|link| link.two_way());
        if !two_way || value.is_none() && !self.always {
            return None;
        }
        let target = field.and_then(|id| catalogue().field(id)).map(limits).unwrap_or_default();
        let mut cell = value.as_ref().map_or(Cell::Null, |value| Cell::of(value).into_owned());
        if let (Cell::Money(_), [only]) = (&cell, self.links.as_slice()) {
            return crate::run_stated(only.canon(cell).into_owned(), ty);
        }
        let mut beside = Vec::with_capacity(self.links.len());
        for link in self.links.iter().rev() {
            let taken = cell.is_value() || (cell == Cell::Null && link.takes_null());
            if !taken {
                beside.push(Aside::None);
                continue;
            }
            let put = link.put(cell, target).ok()?;
            cell = put.main;
            beside.push(put.beside);
        }
        cell = self.or_null(self.sent(cell));
        for (link, beside) in self.links.iter().zip(beside.iter().rev()) {
            // An amount that stands beside has no value at the rule's own place.
            if cell == Cell::Absent && beside.is_empty() {
                return None;
            }
            if cell == Cell::Null && !link.takes_null() {
                continue;
            }
            cell = link.get(cell, beside, target).ok()?;
        }
        let back = if matches!(cell, Cell::Bool(_)) { cell } else { self.or_null(cell) };
        crate::run_stated(back.into_owned(), ty)
    }

    /// As the document shows it.
    fn sent(&self, cell: Cell<'static>) -> Cell<'static> {
        match cell {
            Cell::Null => self.wire.shown(self.null.clone()),
            Cell::Named(parts) => {
                Cell::Named(parts.into_iter().map(|part| self.sent(part)).collect())
            }
            cell => self.wire.shown(cell),
        }
    }

    /// As the rule reads it.
    fn or_null<'a>(&self, cell: Cell<'a>) -> Cell<'a> {
        let parts = match cell {
            Cell::Named(parts) => parts,
            cell if self.is_none(&cell) => return Cell::Null,
            cell => return cell,
        };
        let parts: Vec<Cell<'a>> = parts.into_iter().map(|part| self.or_null(part)).collect();
        let nothing = !parts.iter().any(Cell::is_value) && parts.contains(&Cell::Null);
        if nothing { Cell::Null } else { Cell::Named(parts) }
    }

    fn is_none(&self, cell: &Cell<'_>) -> bool {
        let none = |cell: &Cell<'_>| crate::run_means_none(cell, &self.none);
        match cell {
            Cell::Integer(_) | Cell::Decimal(_) => {
                cell.scalar().is_some_and(|text| none(&Cell::Number(text)))
            }
            cell => none(cell),
        }
    }
}

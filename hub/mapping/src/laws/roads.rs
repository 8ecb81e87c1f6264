//! Values that take more than one road: the texts of a list in rows of their own, what a formula computes, and the
//! parts of a document.

use orderhub_lang::path::Path;
use orderhub_order::catalogue::FieldType;
use orderhub_order::value::{Text, Value};

use super::formula::{Formula, Stopped};
use super::trip::{Change, HELD, Road, Trip};
use crate::cell::{Cell, Trouble};

impl Road<'_> {
    /// Each text of a list; those that come back as null are passed by.
    pub(super) fn items(&self, items: &[Text]) -> Trip {
        let (mut kept, mut by) = (Vec::with_capacity(items.len()), None);
        for item in items {
            match self.single(&Value::Text(item.clone()), &FieldType::Text) {
                Trip::Same => kept.push(item.clone()),
                Trip::Changed(change) => {
                    by = by.or(change.by);
                    if let Some(Some(Value::Text(text))) = change.back {
                        kept.push(text);
                    }
                }
                stopped @ (Trip::Refused(..) | Trip::Held(_) | Trip::Unreadable(..)) => {
                    return stopped;
                }
            }
        }
        if kept == items {
            return Trip::Same;
        }
        let back = Some(Some(Value::List(kept.into_iter().collect())));
        Trip::Changed(Change { back, by })
    }

    pub(super) fn by_formula(
        &self,
        formula: &Formula<'_>,
        cell: &Cell<'static>,
        beside: &[(&Path, Cell<'static>)],
        value: &Value,
    ) -> Trip {
        match formula.round(cell) {
            Err(Stopped::Out(Trouble { cause, why })) => Trip::Refused(cause, why),
            Err(Stopped::Back(shown, Trouble { why, .. })) => Trip::Unreadable(shown, why),
            Ok(computed) => match self.read(computed, beside, (value, &self.ty), &[]) {
                Ok(trip) => trip,
                Err(Trouble { cause, why }) if HELD.contains(&cause) => Trip::Held(why),
                Err(Trouble { why, .. }) => Trip::Unreadable("what the formula takes".into(), why),
            },
        }
    }

    /// What the way in makes of a document's parts.
    pub(super) fn of_parts(&self, parts: &[Cell<'static>]) -> Option<Value> {
        match &self.formula {
            Some(formula) => self.through(formula.computed(parts).ok()?, &self.back),
            None => self.through(Cell::Named(parts.to_vec()), &self.back),
        }
    }

    /// The parts that go out of a value.
    pub(super) fn parts_of(&self, value: &Value) -> Option<Vec<Cell<'static>>> {
        let mut cell = Cell::of(value).into_owned();
        for link in self.out.iter().rev() {
            if !cell.is_value() {
                break;
            }
            cell = link.put(cell, self.out_target).ok()?.main;
        }
        match (&self.formula, cell) {
            (Some(formula), cell) => formula.written(&cell).ok(),
            (None, Cell::Named(parts)) => Some(parts),
            (None, _) => None,
        }
    }
}

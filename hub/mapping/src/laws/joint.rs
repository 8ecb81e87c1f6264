//! A field that goes out together with others, in one text: the part that is cut out again at its place.
//!
//! **Invariant:** a part that comes back in another field, or not at all, is told with a value. Tests: the cases
//! `tests/data/mapping/laws/named-parts.yaml` and `tests/data/mapping/laws/named-two-words.yaml`.

use std::sync::Arc;

use orderhub_order::catalogue::FieldType;
use orderhub_order::value::Value;

use super::ends::{In, Key, Out};
use super::generate;
use super::trip::{Change, Trip, wired};
use crate::cell::{Cell, Trouble};
use crate::conversions::{Conversion, Law};
use crate::hub_path::{Leaf, Part};
use crate::program::{OutGiven, OutRule, OutSource};

/// One of several named hub fields on its way out and in.
pub(super) struct Joint<'r> {
    rule: &'r OutRule,
    /// Its place among them.
    place: usize,
    /// What the others hold where they hold something.
    others: Vec<Cell<'static>>,
    back: Vec<Arc<dyn Conversion>>,
    none: &'r [Cell<'static>],
    pub(super) ty: FieldType,
}

impl<'r> Joint<'r> {
    /// `None`: the rule is of one field, or what it reads is not what it writes.
    pub(super) fn of(key: &Key, out: &Out<'r>, read: &In<'r>) -> Option<Self> {
        let OutGiven::Named(sources) = &out.rule.input else { return None };
        let keys: Vec<Key> = sources.iter().map(whole).collect::<Option<_>>()?;
        let place = keys.iter().position(|known| known == key).filter(|_| out.is(read))?;
        let other = |key: &Key| {
            let values = generate::values(key, 1);
            values.first().map_or(Cell::text("A"), |value| Cell::of(value).into_owned())
        };
        let others = keys.iter().map(other).collect();
        let (back, none) = (read.chain()?, read.rule.none.as_slice());
        Some(Self { rule: out.rule, place, others, back, none, ty: key.ty() })
    }

    /// With nothing in the other fields, and with something in each: the first that does not bring it back.
    pub(super) fn trip(&self, value: &Value) -> Trip {
        match self.with(value, &vec![Cell::Null; self.others.len()]) {
            Trip::Same => self.with(value, &self.others),
            changed @ (Trip::Changed(_)
            | Trip::Refused(..)
            | Trip::Held(_)
            | Trip::Unreadable(..)) => changed,
        }
    }

    fn with(&self, value: &Value, others: &[Cell<'static>]) -> Trip {
        let mut parts = others.to_vec();
        if let Some(part) = parts.get_mut(self.place) {
            *part = Cell::of(value).into_owned();
        }
        let mut cell = Cell::Named(parts);
        for link in &self.rule.chain {
            if !cell.is_value() {
                break;
            }
            match link.put(cell, self.rule.target) {
                Ok(put) => cell = put.main,
                Err(Trouble { cause, why }) => return Trip::Refused(cause, why),
            }
        }
        if cell == Cell::Null {
            cell = self.rule.null.clone();
        }
        let cell = wired(cell);
        let shown = cell.scalar().map_or_else(
            || cell.kind().to_owned(),
            |text| format!("`{}`", super::words::cut(&text)),
        );
        match self.read(cell, value) {
            Ok(trip) => trip,
            Err(Trouble { why, .. }) => Trip::Unreadable(shown, why),
        }
    }

    fn read(&self, written: Cell<'static>, value: &Value) -> Result<Trip, Trouble> {
        let or_null = |cell| {
            if crate::run_means_none(&cell, self.none) { Cell::Null } else { cell }
        };
        let mut cell = or_null(written);
        for link in &self.back {
            if cell.is_value() {
                cell = link.get(cell, &[], self.rule.target)?;
            }
        }
        let back = crate::run_stated_checked(or_null(cell), &self.ty)?;
        if back.as_ref().is_some_and(|back| back.as_ref() == Some(value)) {
            return Ok(Trip::Same);
        }
        // Alone in its chain, what joins and cuts moves nothing: it only drops white space.
        let texts = |value: &Value| value.as_str().map(|text| text.trim().to_owned());
        let left = texts(value);
        let trimmed = match &back {
            Some(Some(back)) => left.is_some_and(|left| back.as_str() == Some(left.as_str())),
            Some(None) | None => left.is_some_and(|left| left.is_empty()),
        };
        let joins = self.rule.chain.first().map_or("rule", |link| link.name());
        let by = match back {
            _ if trimmed => Some((joins, Law::Canonical("white space around a part is dropped"))),
            Some(Some(_)) if self.rule.chain.len() > 1 => None,
            Some(_) | None => Some((joins, Law::Exact)),
        };
        Ok(Trip::Changed(Change { back, by }))
    }
}

/// A whole field of the element, or a part of one.
fn whole(source: &OutSource) -> Option<Key> {
    let OutSource::Hub(path) = source else { return None };
    let Leaf::Field(id, part) = &path.leaf else { return None };
    let part = match part {
        None => None,
        Some(Part::Address(name)) => Some((*name).into()),
        Some(Part::Entry(name)) => Some(name.as_str().into()),
        Some(Part::Amount | Part::Currency) => return None,
    };
    (!path.is_fan_out()).then_some(Key { id: *id, part })
}

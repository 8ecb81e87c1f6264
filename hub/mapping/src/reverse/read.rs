//! The fields that were read while a subject goes out: what went out.
//!
//! Those of the element whose rules run are borrowed until all its rules have run, so that they are moved once.

use orderhub_order::catalogue::FieldId;
use orderhub_order::contribution::Stated;
use orderhub_order::ids::At;

/// The values that were read, each with its place.
type Values = Vec<(At, FieldId, Stated)>;

/// What was read: of the element whose rules run as it stands in its record, and everything else.
#[derive(Default)]
pub(super) struct Read<'o> {
    own: Vec<(FieldId, &'o Stated)>,
    all: Values,
}

impl<'o> Read<'o> {
    /// With room for what an order of a few lines has.
    pub(super) fn roomy() -> Self {
        Self { own: Vec::with_capacity(64), all: Vec::with_capacity(64) }
    }

    /// How much was read up to now.
    pub(super) fn mark(&self) -> (usize, usize) {
        (self.own.len(), self.all.len())
    }

    /// Forgets what was read since.
    pub(super) fn forget(&mut self, (own, all): (usize, usize)) {
        self.own.truncate(own);
        self.all.truncate(all);
    }

    /// Notes a field of the element whose rules run. The parts of an address are read one by one, and are one field.
    pub(super) fn own(&mut self, id: FieldId, stated: &'o Stated) {
        if self.own.last().is_none_or(|(known, _)| *known != id) {
            self.own.push((id, stated));
        }
    }

    /// Notes any other field.
    pub(super) fn far(&mut self, at: &At, id: FieldId, stated: &Stated) {
        if self.all.last().is_none_or(|(known, field, _)| *field != id || known != at) {
            self.all.push((at.clone(), id, stated.clone()));
        }
    }

    /// The rules of one element have run: those read since stand by field, so that what is sorted in the end are
    /// runs.
    pub(super) fn settle(&mut self, at: &At, since: usize) {
        if !self.own.is_sorted_by(|(left, _), (right, _)| left < right) {
            self.own.sort_by_key(|(field, _)| *field);
            self.own.dedup_by_key(|(field, _)| *field);
        }
        let apart = self.all.len() > since;
        self.all.extend(self.own.drain(..).map(|(id, stated)| (at.clone(), id, stated.clone())));
        if let Some(both) = self.all.get_mut(since..).filter(|_| apart) {
            both.sort_by_key(|(_, field, _)| *field);
        }
    }

    /// All, by place and field, each once.
    pub(super) fn into_values(self) -> Values {
        let mut values = self.all;
        // Most orders stand in their order, each field once: up to the ninth line, and where no rule reads a field again.
        let ascends = |(left, field, _): &(At, FieldId, Stated),
                       (right, next, _): &(At, FieldId, Stated)| {
            if left == right { field < next } else { left < right }
        };
        if !values.is_sorted_by(ascends) {
            values.sort_by(|left, right| (&left.0, left.1).cmp(&(&right.0, right.1)));
            values.dedup_by(|left, right| left.1 == right.1 && left.0 == right.0);
        }
        values
    }
}

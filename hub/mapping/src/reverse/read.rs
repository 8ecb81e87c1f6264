//! The fields that were read while a subject goes out: what went out.
//!
//! Those of the element whose rules run are marked in its record until all its rules have run: so they stand by field,
//! each once, and are copied once.

use orderhub_order::catalogue::FieldId;
use orderhub_order::contribution::Stated;
use orderhub_order::ids::At;
use orderhub_order::model::Record;

/// The values that were read, each with its place.
type Values = Vec<(At, FieldId, Stated)>;

/// What was read.
#[derive(Default)]
pub(super) struct Read<'o> {
    /// The places in its record of the fields of the element whose rules run: a bit each.
    places: u128,
    /// Where the last one stands.
    near: usize,
    /// Room for them.
    own: Vec<(FieldId, &'o Stated)>,
    all: Values,
}

impl<'o> Read<'o> {
    /// With room for what an order of a few lines has.
    pub(super) fn roomy() -> Self {
        Self { own: Vec::with_capacity(32), all: Vec::with_capacity(64), ..Self::default() }
    }

    /// What was read up to now.
    pub(super) fn mark(&self) -> (u128, usize) {
        (self.places, self.all.len())
    }

    /// Forgets what was read since.
    pub(super) fn forget(&mut self, (places, all): (u128, usize)) {
        self.places = places;
        self.all.truncate(all);
    }

    /// Reads and notes a field of the element whose rules run, as it stands in its record.
    #[inline]
    pub(super) fn own(
        &mut self,
        at: &At,
        record: Option<&'o Record>,
        id: FieldId,
    ) -> Option<&'o Stated> {
        let stated = record?.get_near(id, &mut self.near)?;
        match u32::try_from(self.near).ok().and_then(|place| 1_u128.checked_shl(place)) {
            Some(place) => self.places |= place,
            None => self.far(at, id, stated),
        }
        Some(stated)
    }

    /// Notes any other field. The parts of an address are read one by one, and are one field.
    pub(super) fn far(&mut self, at: &At, id: FieldId, stated: &Stated) {
        if self.all.last().is_none_or(|(known, field, _)| *field != id || known != at) {
            self.all.push((at.clone(), id, stated.clone()));
        }
    }

    /// The rules of one element have run: what was read since stands by field, so that what is sorted in the end
    /// are runs.
    pub(super) fn settle(&mut self, at: &At, record: Option<&'o Record>, since: usize) {
        let apart = self.all.len() > since;
        let fields = record.map_or(&[][..], |record| record.0.as_slice());
        let mut places = std::mem::take(&mut self.places);
        while places != 0 {
            let next = fields.get(places.trailing_zeros() as usize);
            self.own.extend(next.map(|(id, stated)| (*id, stated)));
            places &= places - 1;
        }
        self.near = 0;
        // The order's own place holds nothing to be copied.
        let place = || if at.is_root() { At::ROOT } else { at.clone() };
        self.all.extend(self.own.iter().map(|(id, stated)| (place(), *id, (*stated).clone())));
        self.own.clear();
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

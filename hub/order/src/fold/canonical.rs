//! Comparison in a system's canonical form: what it would give back for a value of ours.
//!
//! **Invariant:** a short copy never destroys: parts of an address that are equal in canonical form
//! keep the hub's. Story `short-copy`.

use std::sync::Arc;

use crate::catalogue::FieldId;
use crate::contribution::{Revision, Stated};
use crate::ids::SystemName;
use crate::rules::Shapes;
use crate::value::{Address, Text, Value};

/// How one system sees values.
#[derive(Clone, Copy, Debug)]
pub(super) struct Canon<'a> {
    shapes: &'a dyn Shapes,
    system: &'a SystemName,
}

impl<'a> Canon<'a> {
    pub(super) fn new(shapes: &'a dyn Shapes, system: &'a SystemName) -> Self {
        Self { shapes, system }
    }

    /// Whether the system could not tell the two apart. Null equals null, never a value.
    pub(super) fn same(&self, field: FieldId, a: &Stated, b: &Stated) -> bool {
        match (a, b) {
            (None, None) => true,
            (Some(a), Some(b)) => {
                a == b
                    || self.shapes.canon(self.system, field, a)
                        == self.shapes.canon(self.system, field, b)
            }
            (None, Some(_)) | (Some(_), None) => false,
        }
    }

    /// What to keep of an accepted value: an address takes only the parts that really differ.
    pub(super) fn accepted(
        &self,
        field: FieldId,
        current: Option<&Stated>,
        value: &Stated,
    ) -> Stated {
        let (Some(Some(Value::Address(ours))), Some(Value::Address(theirs))) = (current, value)
        else {
            return value.clone();
        };
        let seen = self.shapes.canon(self.system, field, &Value::Address(Arc::clone(ours)));
        let shown = self.shapes.canon(self.system, field, &Value::Address(Arc::clone(theirs)));
        match (seen, shown) {
            (Value::Address(seen), Value::Address(shown)) => {
                Some(Value::Address(Arc::new(merged(ours, theirs, &seen, &shown))))
            }
            _ => value.clone(),
        }
    }
}

/// Part by part: ours where the system sees no difference, else theirs.
fn merged(ours: &Address, theirs: &Address, seen: &Address, shown: &Address) -> Address {
    fn pick(
        of: impl Fn(&Address) -> &Option<Text>,
        [ours, theirs, seen, shown]: [&Address; 4],
    ) -> Option<Text> {
        if of(seen) == of(shown) { of(ours).clone() } else { of(theirs).clone() }
    }
    let all = [ours, theirs, seen, shown];
    Address {
        name: pick(|a| &a.name, all),
        company: pick(|a| &a.company, all),
        line1: pick(|a| &a.line1, all),
        line2: pick(|a| &a.line2, all),
        district: pick(|a| &a.district, all),
        city: pick(|a| &a.city, all),
        region: pick(|a| &a.region, all),
        postal_code: pick(|a| &a.postal_code, all),
        country: pick(|a| &a.country, all),
        phone: pick(|a| &a.phone, all),
        email: pick(|a| &a.email, all),
    }
}

/// Whether `a` is older than `b`. Revisions of different types do not compare: arrival order counts.
pub(super) fn older(a: Option<&Revision>, b: Option<&Revision>) -> bool {
    match (a, b) {
        (Some(Revision::Integer(a)), Some(Revision::Integer(b))) => a < b,
        (Some(Revision::Timestamp(a)), Some(Revision::Timestamp(b))) => a < b,
        (Some(Revision::Integer(_)), Some(Revision::Timestamp(_)))
        | (Some(Revision::Timestamp(_)), Some(Revision::Integer(_)))
        | (None, _)
        | (_, None) => false,
    }
}

/// The newer of two, the second where they do not compare; `None` only where there is none.
pub(super) fn newest(a: Option<Revision>, b: Option<Revision>) -> Option<Revision> {
    if b.is_none() || older(b.as_ref(), a.as_ref()) { a } else { b }
}

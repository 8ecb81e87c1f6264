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

    /// Whether the system could not tell the two apart. Null is a value like others: a system that gives an empty
    /// text back as null cannot tell them apart, nor null from the word that its table has for it.
    pub(super) fn same(&self, field: FieldId, a: &Stated, b: &Stated) -> bool {
        let canon = |value| self.shapes.canon(self.system, field, value);
        a == b || canon(a) == canon(b)
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
        let canon = |address: &Arc<Address>| {
            let address = Some(Value::Address(Arc::clone(address)));
            match self.shapes.canon(self.system, field, &address) {
                Some(Value::Address(canon)) => Some(canon),
                // Nothing of it comes back.
                None => Some(Arc::default()),
                Some(_) => None,
            }
        };
        match (canon(ours), canon(theirs)) {
            (Some(seen), Some(shown)) => {
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

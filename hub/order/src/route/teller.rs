//! By which call a system was told of a value.
//!
//! A system is no single thing: one operation of it writes the sale, another the customer, a third each of two parcels.
//! That one call was taken does not mean that the others' things hold the value too, though the merge state of the lane
//! knows only one value of a system. So the state keeps the version of the call that first told it, where somebody else
//! tells it as well; who has sent that version or a later one has told it, too.
//!
//! **Invariant:** what one operation was told, and another operation or another subject is to be told as well, goes out by
//! each of them. Rules `two-resources`, `two-parcels`. **Invariant:** of rules that call one operation for one subject,
//! one sends; what makes a thing tells all that change it. Rules `two-rules`, `made-and-changed`.

use crate::catalogue::{FieldId, FieldSet};
use crate::ids::{At, SystemName};
use crate::lane::{Flight, Lane, WantKey};
use crate::rules::{DeliverRule, OperationKind, OperationRule, Rules};

/// Of a call: what it tells, and what others tell as well.
#[derive(Clone, Debug)]
pub(crate) struct Teller {
    version: u32,
    subject: At,
    reads: FieldSet,
    /// What rules of other operations read.
    others: FieldSet,
}

impl Teller {
    /// Of a call that is under way.
    pub(crate) fn of(rules: &Rules<'_>, system: &SystemName, flight: &Flight) -> Teller {
        let deliver = rules.systems.get(system).map_or(&[][..], |system| &system.deliver);
        let own = deliver.iter().find(|rule| rule.id == flight.want.rule);
        // What makes a thing tells all of it.
        let made = |rule: &DeliverRule| {
            flight.creates && operations(rule).any(|operation| operation.entity == flight.entity)
        };
        let others = deliver
            .iter()
            .filter(|rule| rule.kind() == OperationKind::State)
            .filter(|rule| !own.is_some_and(|own| alike(own, rule)) && !made(rule))
            .map(|rule| rules.shapes.reads(system, &rule.id))
            .fold(FieldSet::EMPTY, FieldSet::union);
        Teller {
            version: flight.version,
            subject: flight.want.subject.clone(),
            reads: rules.shapes.reads(system, &flight.want.rule),
            others,
        }
    }

    /// What is kept with a value that the call told: the version that it sent; zero: nobody else tells of it.
    pub(crate) fn told_at(&self, at: &At, field: FieldId) -> u32 {
        let apart = !at.within(&self.subject) || self.others.contains(field);
        if apart { self.version } else { 0 }
    }

    /// Whether calls of other operations tell of a field.
    pub(crate) fn others_tell(&self, field: FieldId) -> bool {
        self.others.contains(field)
    }

    /// Whether the call tells of a field at a place at all.
    pub(crate) fn tells(&self, at: &At, field: FieldId) -> bool {
        self.reads.contains(field) && crate::flow::near(at, &self.subject)
    }
}

/// The newest version that the rule of `key`, or one like it, sent for its subject: what was first told then, or before,
/// it has told, too. A part that was never sent was made by the system itself: it lacks only what others were told of the order
/// since its release fired last, at `fired`.
pub(super) fn newest(rules: &Rules<'_>, lane: &Lane, key: &WantKey, fired: u32) -> u32 {
    let deliver = rules.systems.get(&lane.system).map_or(&[][..], |system| &system.deliver);
    let own = deliver.iter().find(|rule| rule.id == key.rule);
    let sent = |rule: &DeliverRule| {
        let key = WantKey { rule: rule.id.clone(), subject: key.subject.clone(), fact: None };
        lane.sent.get(&key.text()).map(|sent| sent.version)
    };
    let of_all = deliver.iter().filter_map(|rule| Some((rule, sent(rule)?)));
    let (mut any, mut newest) = (false, 0);
    for (rule, version) in of_all {
        any = true;
        if own.is_some_and(|own| alike(own, rule)) {
            newest = newest.max(version);
        }
    }
    if any || key.subject.is_root() { newest } else { fired }
}

/// Whether two rules call one operation.
fn alike(one: &DeliverRule, other: &DeliverRule) -> bool {
    operations(one).any(|a| operations(other).any(|b| a.name == b.name))
}

fn operations(rule: &DeliverRule) -> impl Iterator<Item = &OperationRule> {
    [&rule.create, &rule.update, &rule.single].into_iter().flatten()
}

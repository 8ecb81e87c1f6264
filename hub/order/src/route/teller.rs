//! By which call a system was told of a value.
//!
//! A system is no single thing: one operation of it writes the sale, another the customer, a third each of two parcels.
//! That one call was taken does not mean that the others' things hold the value too, though the merge state of the lane
//! knows only one value of a system. So the state keeps the version of the call that first told it, where somebody else
//! tells it as well; who has sent that version or a later one has told it, too.
//!
//! **Invariant:** what one operation was told, and another operation or another subject is to be told as well, goes out by
//! each of them. Rules `two-resources`, `two-parcels`, `word-before-answer`, `own-part`. **Invariant:** of rules that call one operation for one subject,
//! one sends; what makes a thing tells all that change it. Rules `two-rules`, `made-and-changed`.

use super::gone;
use crate::catalogue::{FieldId, FieldSet};
use crate::flow::near;
use crate::ids::{At, SystemName};
use crate::lane::{Facet, Flight, Lane, WantKey};
use crate::model::State;
use crate::rules::{DeliverRule, OperationKind, OperationRule, Rules};

/// Of a call: what others tell as well.
#[derive(Clone, Debug)]
pub(crate) struct Teller {
    version: u32,
    subject: At,
    /// What rules of other operations read.
    others: FieldSet,
}

impl Teller {
    /// Of a call that is under way.
    pub(crate) fn of(rules: &Rules<'_>, system: &SystemName, flight: &Flight) -> Teller {
        let known = rules.systems.get(system);
        let deliver = known.map_or(&[][..], |known| &known.deliver);
        let rule = &flight.want.rule;
        let own = deliver.iter().find(|one| one.id == *rule);
        let own = own.or_else(|| gone::heir(rules, system, rule));
        // What makes a thing tells all of it.
        let made = |rule: &DeliverRule| {
            flight.creates && operations(rule).any(|operation| operation.entity == flight.entity)
        };
        let others = deliver
            .iter()
            .filter(|one| one.kind() == OperationKind::State && one.id != *rule)
            .filter(|one| !own.is_some_and(|own| alike(own, one)) && !made(one))
            .map(|one| rules.shapes.reads(system, &one.id));
        // One that is missing tells it once it is back.
        let missing = known.map_or(&[][..], |known| &known.gone).iter();
        let missing = missing
            .filter(|one| one.kind == OperationKind::State && one.heir.is_none() && one.id != *rule)
            .map(|one| one.reads);
        let others = others.chain(missing).fold(FieldSet::EMPTY, FieldSet::union);
        Teller { version: flight.version, subject: flight.want.subject.clone(), others }
    }

    /// What is kept with a value that the call told: the version that it sent; zero: nobody else tells of it.
    pub(crate) fn told_at(&self, at: &At, field: FieldId) -> u32 {
        let apart = !at.within(&self.subject) || self.others.contains(field);
        if apart { self.version } else { 0 }
    }
}

/// What `system` has of what the rule of `key` reads, and the order has not: gone with its element, or taken away. A call
/// that is mapped out of this order tells that; a fact tells only what happened.
#[must_use]
pub fn without(
    state: &State,
    system: &SystemName,
    key: &WantKey,
    rules: &Rules<'_>,
) -> Vec<(At, FieldId)> {
    let Some(lane) = state.lanes.get(system).filter(|_| key.fact.is_none()) else {
        return Vec::new();
    };
    let reads = gone::reads(rules, system, &key.rule);
    let mut found = Vec::new();
    for (at, list) in lane.fields.places().filter(|(at, _)| near(at, &key.subject)) {
        let there = state.order.standing(at);
        for (facet, theirs) in list {
            if let Facet::Field(field) = facet
                && reads.contains(*field)
                && (theirs.unsure || matches!(theirs.base, Some(Some(_))))
                && there.is_none_or(|_| state.order.get_in(at, there, *field).is_none())
            {
                found.push((at.clone(), *field));
            }
        }
    }
    found
}

/// What one rule has told of one subject.
pub(super) struct Heard {
    /// The newest version that it, or a rule like it, sent and that stands there: what was first told then, or before, it has told, too.
    newest: u32,
    /// The version with which the part came, if the subject is one: what others were told before, its system knew when it
    /// made the part. Where a call was under way by then, the version of that call: the part may have come before it.
    came: u32,
}

impl Heard {
    pub(super) fn of(state: &State, lane: &Lane, key: &WantKey, rules: &Rules<'_>) -> Heard {
        let deliver = rules.systems.get(&lane.system).map_or(&[][..], |system| &system.deliver);
        let own = deliver.iter().find(|rule| rule.id == key.rule);
        let like = deliver.iter().filter(|rule| own.is_some_and(|own| alike(own, rule)));
        let sent = like.filter_map(|rule| {
            let key = WantKey { rule: rule.id.clone(), subject: key.subject.clone(), fact: None };
            let sent = lane.sent.get(&key.text())?;
            (!sent.overwritten).then_some(sent.version)
        });
        let newest = sent.max().unwrap_or_default();
        // Names of ours are written once, when the part comes.
        let touched = state.order.touched.place(&key.subject).iter().map(|(_, version)| *version);
        let shown = lane.fields.get(&key.subject, &Facet::Shown).map_or(0, |shown| shown.told_at);
        let came = match (key.subject.is_root(), shown) {
            (true, _) => 0,
            (false, 0) => touched.min().unwrap_or_default(),
            (false, under_way) => under_way,
        };
        Heard { newest, came }
    }

    /// Whether what a call first told at a version need not be told any more.
    pub(super) fn has(&self, told_at: u32) -> bool {
        told_at <= self.newest || told_at < self.came
    }
}

/// Whether two rules call one operation.
fn alike(one: &DeliverRule, other: &DeliverRule) -> bool {
    operations(one).any(|a| operations(other).any(|b| a.name == b.name))
}

fn operations(rule: &DeliverRule) -> impl Iterator<Item = &OperationRule> {
    [&rule.create, &rule.update, &rule.single].into_iter().flatten()
}

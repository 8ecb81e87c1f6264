//! What one fold leaves behind: its version with the chain, its effects, the lanes that settled.

use jiff::Timestamp;
use orderhub_order::fold::{Change, Effect, Facts, Folded};
use orderhub_order::hash::parts;
use orderhub_order::history::{KEYFRAME_BYTES, KEYFRAME_VERSIONS, Stored, chain, encode_order};
use orderhub_order::identify::Bound;
use orderhub_order::ids::{OrderKey, SystemName};

use super::Context;
use super::working_set::{Open, WorkingSet, busy};
use super::writes::{ChangeWrite, Stands, TodoWrite, WaitKey};

impl WorkingSet<'_> {
    /// Takes over the result of a fold. `before`: the lanes that were busy before it.
    pub(super) fn absorb(
        &mut self,
        key: OrderKey,
        folded: Folded,
        facts: &Facts,
        message: Option<(i64, Option<u32>)>,
        before: &[SystemName],
    ) {
        let Some(open) = self.orders.get_mut(&key) else { return };
        open.lanes.extend(folded.lanes);
        if let Some(change) = folded.change {
            open.dirty = true;
            open.touched = open.touched.union(change.touched);
            self.changes.push(version(open, change, facts, &self.context));
        }
        let after = busy(&open.locked.state);
        let settled = before.iter().filter(|system| !after.contains(system));
        self.woken.extend(settled.map(|system| WaitKey::lane(system, key)));
        for effect in folded.effects {
            self.effect(key, effect, message);
        }
    }

    fn effect(&mut self, key: OrderKey, effect: Effect, message: Option<(i64, Option<u32>)>) {
        match effect {
            Effect::Deliver { system } => {
                if let Some(open) = self.orders.get_mut(&key) {
                    open.lanes.insert(system.clone());
                }
                self.hand_over(system, key);
            }
            Effect::Reference { key: reference, at, .. } => {
                self.bind(reference, Bound { order: key, at });
            }
            Effect::Timer(at) => {
                if let Some(open) = self.orders.get_mut(&key) {
                    let next = &mut open.locked.next_timer;
                    *next = Some(next.map_or(at, |next| next.min(at)));
                    open.dirty = true;
                }
            }
            Effect::Todo(item) => {
                let order = Some(key);
                let todo =
                    TodoWrite { item, order, message, document: None, stands: Stands::Beside };
                if let Some(field) = todo.field() {
                    // One is open at a time: the newest.
                    self.settled.remove(&field);
                    self.todos.retain(|other| other.field().as_ref() != Some(&field));
                }
                self.todos.push(todo);
            }
            Effect::Settled { system, about, reason } => {
                let field = (key, system, about);
                self.todos.retain(|other| other.field().as_ref() != Some(&field));
                self.settled.insert(field, reason);
            }
            Effect::Carried { system, about, to, why } => {
                let field = (key, Some(system), about);
                let own = |other: &&mut TodoWrite| other.field().as_ref() == Some(&field);
                if let Some(todo) = self.todos.iter_mut().find(own) {
                    (todo.item.about, todo.item.why) = (Some(to), why);
                } else if !self.settled.contains_key(&field) {
                    self.carried.insert(field, (to, why));
                }
            }
            // Holds stand in the head. Events start deliveries within the fold, those of the events system too.
            Effect::Hold { .. } | Effect::Event { .. } => {}
        }
    }

    /// A lane is due: the dispatcher gets it while it has room, else it is free for any process.
    fn hand_over(&mut self, system: SystemName, key: OrderKey) {
        if self.reserved.contains(&(system.clone(), key)) {
            return;
        }
        let handed = self.handed.entry(system.clone()).or_default();
        if self.hand.is_some_and(|hand| !hand.reserved.has_room(&system, *handed + 1)) {
            self.ended.insert((system.clone(), key));
            self.left.push(system);
            return;
        }
        *handed += 1;
        self.reserved.insert((system.clone(), key));
        self.fresh.push((system, key));
    }

    /// The lanes that the unit at hand handed over, and the systems of those that had no room.
    pub(super) fn take_handed(&mut self) -> (Vec<(SystemName, OrderKey)>, Vec<SystemName>) {
        (std::mem::take(&mut self.fresh), std::mem::take(&mut self.left))
    }
}

/// The row of a version: its delta, a keyframe when it is time, its link in the order's chain.
fn version(open: &mut Open, change: Change, facts: &Facts, context: &Context<'_>) -> ChangeWrite {
    let order = &open.locked.state.order;
    let link = link(&change, facts, context.now, context.rules.bundle);
    let Change { version, touched, delta, personal } = change;
    let bytes = u32::try_from(delta.len() + personal.len()).unwrap_or(u32::MAX);
    let since = open.locked.since_keyframe.saturating_add(bytes);
    let long = usize::try_from(since).is_ok_and(|since| since >= KEYFRAME_BYTES);
    let keyframe = (long || version % KEYFRAME_VERSIONS == 0).then(|| encode_order(order));
    open.locked.since_keyframe = if keyframe.is_some() { 0 } else { since };
    open.locked.chain = chain(&open.locked.chain, &link);
    ChangeWrite {
        key: order.key,
        version,
        actor: facts.actor.clone(),
        cause: facts.cause.clone(),
        reason: facts.reason.clone(),
        touched,
        chain: open.locked.chain,
        delta: Stored { body: delta, personal },
        keyframe,
    }
}

/// What the chain hashes of a version, each part behind its length.
///
/// **Invariant:** the chain covers who, why, when and the delta as it is stored, never personal values:
/// those can be erased, and the chain still holds. Tests:
/// `the_chain_covers_every_word_of_a_version`,
/// `the_chain_covers_who_why_when_and_what_and_holds_without_personal_values`.
fn link(change: &Change, facts: &Facts, now: Timestamp, bundle: &str) -> Vec<u8> {
    let number = change.version.to_be_bytes();
    let at = now.as_nanosecond().to_be_bytes();
    let reason = facts.reason.as_deref().unwrap_or_default();
    let (actor, cause) = (facts.actor.as_bytes(), facts.cause.as_bytes());
    parts([&number[..], &at, actor, cause, reason.as_bytes(), bundle.as_bytes(), &change.delta])
}

#[cfg(test)]
mod tests {
    use orderhub_order::catalogue::FieldSet;

    use super::*;

    #[test]
    fn the_chain_covers_every_word_of_a_version() {
        let change = |version, delta: &[u8], personal: &[u8]| Change {
            version,
            touched: FieldSet::default(),
            delta: delta.to_vec(),
            personal: personal.to_vec(),
        };
        let facts = |actor: &str, cause: &str, reason: Option<&str>| Facts {
            actor: actor.into(),
            cause: cause.into(),
            reason: reason.map(Into::into),
            ..Facts::default()
        };
        let (now, then) = (Timestamp::UNIX_EPOCH, Timestamp::MAX);
        let (one, who) = (change(1, b"d", b"p"), facts("a", "c", Some("r")));
        let links = [
            link(&one, &who, now, "b"),
            link(&change(2, b"d", b"p"), &who, now, "b"),
            link(&change(1, b"e", b"p"), &who, now, "b"),
            link(&one, &facts("x", "c", Some("r")), now, "b"),
            link(&one, &facts("a", "x", Some("r")), now, "b"),
            link(&one, &facts("a", "c", Some("x")), now, "b"),
            link(&one, &facts("a", "c", None), now, "b"),
            link(&one, &facts("a", "cr", Some("")), now, "b"),
            link(&one, &who, then, "b"),
            link(&one, &who, now, "x"),
        ];
        let different: std::collections::BTreeSet<_> = links.iter().collect();
        assert_eq!(different.len(), links.len());
        assert_eq!(link(&change(1, b"d", b""), &who, now, "b"), links[0], "never personal values");
    }
}

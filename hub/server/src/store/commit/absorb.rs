//! What one fold leaves behind: its version with the chain, its effects, the lanes that settled.

use orderhub_order::catalogue::known;
use orderhub_order::fold::{Change, Effect, Facts, Folded};
use orderhub_order::identify::{Bound, ReferenceKey};
use orderhub_order::ids::{Entity, OrderKey, SystemName};
use sha2::{Digest, Sha256};

use super::desk::{Desk, Open, busy};
use super::writes::{ChangeWrite, TodoWrite, WaitKey};
use crate::store::codec::{self, Parts};

/// A keyframe at least so often.
const KEYFRAME_VERSIONS: u32 = 50;
/// Or after so many bytes of deltas.
const KEYFRAME_BYTES: u32 = 64 << 10;

impl Desk<'_> {
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
            if change.touched.contains(known::order::ORDER_NO)
                && let Some(number) = open.locked.state.order.fields.text(known::order::ORDER_NO)
            {
                self.tokens.push((number.to_lowercase(), key));
            }
            self.changes.push(version(open, change, facts, self.context.rules.bundle));
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
                if self.reserved.insert((system.clone(), key)) {
                    self.fresh.push((system, key));
                }
            }
            Effect::Reference { key: reference, entity, at } => {
                if let (Entity::Order, ReferenceKey::Xref { ext_id, .. }) = (entity, &reference) {
                    self.tokens.push((ext_id.to_lowercase(), key));
                }
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
                self.todos.push(TodoWrite { item, order: Some(key), message, document: None });
            }
            // Holds stand in the head; events are read from it by whoever listens.
            Effect::Hold { .. } | Effect::Event { .. } => {}
        }
    }

    /// The lanes that the unit at hand reserved.
    pub(super) fn take_reserved(&mut self) -> Vec<(SystemName, OrderKey)> {
        std::mem::take(&mut self.fresh)
    }
}

/// The row of a version: its delta, a keyframe when it is time, its link in the order's chain.
///
/// **Invariant:** the chain covers what is stored, never personal values: those can be erased, and the
/// chain still holds.
fn version(open: &mut Open, change: Change, facts: &Facts, bundle: &str) -> ChangeWrite {
    let order = &open.locked.state.order;
    let Change { version, touched, delta, personal } = change;
    let bytes = u32::try_from(delta.len() + personal.len()).unwrap_or(u32::MAX);
    open.locked.since_keyframe = open.locked.since_keyframe.saturating_add(bytes);
    let due = version % KEYFRAME_VERSIONS == 0 || open.locked.since_keyframe >= KEYFRAME_BYTES;
    // A head that cannot be encoded fails the commit of the head itself, a moment later.
    let keyframe = if due { codec::order(order).ok() } else { None };
    if keyframe.is_some() {
        open.locked.since_keyframe = 0;
    }

    let mut hash = Sha256::new();
    hash.update(open.locked.chain);
    hash.update(order.key.0.to_be_bytes());
    hash.update(version.to_be_bytes());
    let body = keyframe.as_ref().map_or(&[][..], |parts| &parts.body);
    let parts = [facts.actor.as_bytes(), facts.cause.as_bytes(), bundle.as_bytes(), &delta, body];
    for part in parts {
        hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(part);
    }
    open.locked.chain = hash.finalize().into();
    ChangeWrite {
        key: order.key,
        version,
        actor: facts.actor.clone(),
        cause: facts.cause.clone(),
        touched,
        chain: open.locked.chain,
        delta: Parts { body: delta, personal },
        keyframe,
    }
}

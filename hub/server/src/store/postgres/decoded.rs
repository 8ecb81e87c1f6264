//! Orders that were committed or read a moment ago, kept decoded beside what their rows hold: a change is followed by
//! calls and receipts of the same order, each of which reads the rows again, but need not decode them.
//!
//! **Invariant:** a state is given only for rows that hold, byte for byte, what it was decoded from or encoded
//! to, whichever process wrote them. Test: `a_state_is_given_for_the_same_rows_only`.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use orderhub_order::ids::OrderKey;
use orderhub_order::model::State;

use crate::store::codec::CodecError;
use crate::store::commit::{Locked, Writes};
use crate::store::pack::{Packed, PackedWrites};
use crate::store::recent::{Recent, forget};
use crate::store::unpack::{self, PackedRow};

/// What the rows of an order hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Rows {
    head: PackedRow,
    /// By system.
    lanes: BTreeMap<Box<str>, PackedRow>,
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Decoded(Mutex<Recent<(Rows, Arc<State>)>>);

/// What a transaction has seen and written of the rows of orders.
#[derive(Debug, Default)]
pub(super) struct Touched(HashMap<OrderKey, Rows>);

impl Rows {
    /// Lanes by system.
    pub(super) fn new(
        head: PackedRow,
        lanes: impl IntoIterator<Item = (Box<str>, PackedRow)>,
    ) -> Self {
        Self { head, lanes: lanes.into_iter().collect() }
    }

    fn bytes(&self) -> usize {
        let rows = std::iter::once(&self.head).chain(self.lanes.values());
        rows.map(|(body, personal)| body.len() + personal.as_ref().map_or(0, Vec::len)).sum()
    }

    /// Decodes them.
    pub(super) fn state(&self) -> Result<State, CodecError> {
        unpack::state(&self.head, self.lanes.values())
    }
}

impl Touched {
    /// An order was locked.
    pub(super) fn locked(&mut self, key: OrderKey, rows: Rows) {
        self.0.insert(key, rows);
    }

    /// Rows were written.
    pub(super) fn wrote(&mut self, writes: &Writes<'_>, packed: PackedWrites<'_>) {
        let row = |packed: Packed| (packed.body, packed.personal);
        for (write, packed) in writes.orders.iter().zip(packed.orders) {
            // A new one has no lanes yet.
            self.0.entry(write.order.key).or_default().head = row(packed.into_owned());
        }
        for (write, packed) in writes.lanes.iter().zip(packed.lanes) {
            if let Some(rows) = self.0.get_mut(&write.order.key) {
                rows.lanes.insert(write.lane.system.as_str().into(), row(packed.into_owned()));
            }
        }
    }

    /// Part of it was undone.
    pub(super) fn forget(&mut self) {
        self.0.clear();
    }
}

impl Decoded {
    /// The order that rows hold, for who only reads it.
    pub(super) fn state(&self, key: OrderKey, rows: Rows) -> Result<Arc<State>, CodecError> {
        if let Some((_, state)) = self.recent().get(key).filter(|(known, _)| *known == rows) {
            return Ok(Arc::clone(state));
        }
        let state = Arc::new(rows.state()?);
        self.insert([(key, (rows, Arc::clone(&state)))]);
        Ok(state)
    }

    /// The order that rows hold, if it is known, for the transaction that locks it.
    pub(super) fn take(&self, key: OrderKey, rows: &Rows) -> Option<Arc<State>> {
        let known = self.recent().remove(key);
        known.filter(|(known, _)| known == rows).map(|(_, state)| state)
    }

    /// Keeps orders as a transaction left them, if they are to be served; of one order the last counts.
    pub(super) fn put(&self, heads: Vec<Locked>, Touched(mut rows): Touched) {
        let heads: HashMap<OrderKey, Arc<State>> =
            heads.into_iter().map(|head| (head.state.order.key, head.state)).collect();
        let served = heads.into_iter().filter(|(_, state)| awaits(state));
        self.insert(served.filter_map(|(key, state)| {
            let rows = rows.remove(&key)?;
            Some((key, (rows, state)))
        }));
    }

    fn insert(&self, orders: impl IntoIterator<Item = (OrderKey, (Rows, Arc<State>))>) {
        let mut recent = self.recent();
        let forgotten = orders.into_iter().filter_map(|(key, order)| {
            let bytes = order.0.bytes();
            recent.insert(key, order, bytes)
        });
        let forgotten = forgotten.collect();
        drop(recent);
        forget(forgotten);
    }

    fn recent(&self) -> MutexGuard<'_, Recent<(Rows, Arc<State>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a dispatcher will ask for the order, or bring what came of a call.
fn awaits(state: &State) -> bool {
    state.lanes.iter().any(|lane| lane.due_at.is_some() || lane.flying.is_some())
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use orderhub_order::history::{encode_lane, encode_order};
    use orderhub_order::ids::{Role, SystemName};
    use orderhub_order::lane::Lane;
    use orderhub_order::model::{Order, Shared};

    use super::*;
    use crate::store::pack::Packers;

    /// An order with a lane, and what their rows hold.
    fn order(version: u32, due_at: Option<Timestamp>) -> (Rows, Arc<State>) {
        let (shop, erp) = (SystemName::new("shop"), SystemName::new("erp"));
        let mut order = Order::new(OrderKey(1), "ref".into(), shop, "default".into());
        order.version = version;
        let mut lane = Lane::new(erp, Role::Erp);
        lane.due_at = due_at;
        let packers = Packers::default();
        let head = (packers.pack(&encode_order(&order).body), None);
        let row = (packers.pack(&encode_lane(&lane, &order).body), None);
        let mut state = State::new(order);
        state.lanes.insert(Shared::new(lane));
        (Rows::new(head, [("erp".into(), row)]), Arc::new(state))
    }

    fn head(state: &Arc<State>) -> Locked {
        let state = Arc::clone(state);
        Locked { state, chain: [0; 32], since_keyframe: 0, next_timer: None }
    }

    #[test]
    fn a_state_is_given_for_the_same_rows_only() {
        let (decoded, key) = (Decoded::default(), OrderKey(1));
        let due = Some(Timestamp::UNIX_EPOCH);
        let ((old, before), (new, after)) = (order(1, due), order(2, due));
        let mut touched = Touched::default();
        touched.locked(key, old.clone());
        decoded.put(vec![head(&before)], touched);
        let found = decoded.state(key, old.clone()).unwrap();
        assert!(Arc::ptr_eq(&found, &before), "it is not decoded again");
        let read = decoded.state(key, new.clone()).unwrap();
        assert_eq!(read.order.version, 2, "another process wrote it");
        assert!(decoded.take(key, &old).is_none(), "what is known is newer or older");

        let mut other = new.clone();
        other.lanes.insert("wms".into(), (b"lane".to_vec(), None));
        let mut touched = Touched::default();
        touched.locked(key, new.clone());
        decoded.put(vec![head(&after)], touched);
        assert!(decoded.take(key, &other).is_none(), "there is another lane");
        let mut touched = Touched::default();
        touched.locked(key, new.clone());
        decoded.put(vec![head(&after)], touched);
        let taken = decoded.take(key, &new).expect("it is known");
        assert!(Arc::ptr_eq(&taken, &after));
        assert!(decoded.take(key, &new).is_none(), "a transaction has it");

        let mut undone = Touched::default();
        undone.locked(key, new.clone());
        undone.forget();
        decoded.put(vec![head(&after)], undone);
        assert!(decoded.take(key, &new).is_none(), "nobody knows its rows");
    }

    #[test]
    fn an_order_that_wants_nothing_more_is_not_kept() {
        let (decoded, (rows, settled)) = (Decoded::default(), order(1, None));
        let mut touched = Touched::default();
        touched.locked(OrderKey(1), rows.clone());
        decoded.put(vec![head(&settled)], touched);
        assert!(decoded.take(OrderKey(1), &rows).is_none());
    }
}

//! Orders as they lie in rows, unpacked and decoded, on several cores ([`cores`]).

use orderhub_order::history::Stored;
use orderhub_order::model::{Shared, State};

use super::codec::{self, CodecError};
use super::cores;

/// Fewer orders are decoded sooner than a thread has started.
const WORTH_A_THREAD: usize = 8;

/// A thing as its row keeps it: body, and personal values where there are any.
pub(crate) type PackedRow = (Vec<u8>, Option<Vec<u8>>);

/// An order with its lanes, as their rows keep them.
#[derive(Debug)]
pub(crate) struct PackedOrder {
    /// The head.
    pub(crate) head: PackedRow,
    /// The lanes.
    pub(crate) lanes: Vec<PackedRow>,
}

impl PackedOrder {
    /// The order and its lanes.
    pub(crate) fn state(&self) -> Result<State, CodecError> {
        state(&self.head, &self.lanes)
    }
}

/// An order and its lanes, from what their rows hold.
pub(crate) fn state<'r>(
    head: &PackedRow,
    lanes: impl IntoIterator<Item = &'r PackedRow>,
) -> Result<State, CodecError> {
    let mut state = State::new(codec::order(&stored(head)?)?);
    for row in lanes {
        let lane = codec::lane(&stored(row)?, &state.order)?;
        state.lanes.insert(Shared::new(lane));
    }
    Ok(state)
}

fn stored((body, personal): &PackedRow) -> Result<Stored, CodecError> {
    let personal = personal.as_deref().map(codec::unpack).transpose()?.unwrap_or_default();
    Ok(Stored { body: codec::unpack(body)?, personal })
}

/// All of them, in their order.
pub(crate) fn states<R: Sync>(
    orders: &[R],
    state: impl Fn(&R) -> Result<State, CodecError> + Sync + Send,
) -> Vec<Result<State, CodecError>> {
    cores::map(orders, WORTH_A_THREAD, || (), |(), order| state(order))
}

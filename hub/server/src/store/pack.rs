//! What a commit writes, encoded and packed, on several cores ([`cores`]).

use std::sync::{Mutex, MutexGuard, PoisonError};

use orderhub_order::history::{Stored, encode_lane, encode_order};
use orderhub_order::lane::Lane;
use orderhub_order::model::Order;

use super::codec::Packer;
use super::commit::Writes;
use super::cores;

/// Fewer things are packed sooner than a thread has started.
const WORTH_A_THREAD: usize = 32;

/// A thing as a row keeps it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Packed {
    /// All but personal values.
    pub(crate) body: Vec<u8>,
    /// Personal values, where there are any.
    pub(crate) personal: Option<Vec<u8>>,
}

/// The bodies of a commit, in the order of its writes.
#[derive(Debug)]
pub(crate) struct PackedWrites {
    /// Of [`Writes::orders`].
    pub(crate) orders: Vec<Packed>,
    /// Of [`Writes::lanes`].
    pub(crate) lanes: Vec<Packed>,
    /// Of the deltas in [`Writes::changes`].
    pub(crate) deltas: Vec<Packed>,
    /// Of the keyframes in [`Writes::changes`], where a change has one.
    pub(crate) keyframes: Vec<Option<Packed>>,
    /// Of [`Writes::messages`]; none where the first row of a message holds it.
    pub(crate) messages: Vec<Option<Packed>>,
}

/// Compressors that rest between two batches, as many as threads packed at once: their tables are larger
/// than most bodies.
#[derive(Debug, Default)]
pub(crate) struct Packers(Mutex<Vec<Packer>>);

/// A compressor at work.
struct Lent<'a> {
    packers: &'a Packers,
    packer: Option<Packer>,
}

impl Lent<'_> {
    fn pack(&mut self, bytes: &[u8]) -> Vec<u8> {
        self.packer.get_or_insert_with(Packer::new).pack(bytes)
    }
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        self.packers.resting().extend(self.packer.take());
    }
}

#[derive(Clone, Copy)]
enum Thing<'a> {
    Nothing,
    Order(&'a Order),
    Lane(&'a Lane),
    Stored(&'a Stored),
    Raw(&'a [u8]),
}

impl Packers {
    fn resting(&self) -> MutexGuard<'_, Vec<Packer>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lend(&self) -> Lent<'_> {
        let packer = self.resting().pop();
        Lent { packers: self, packer }
    }

    /// Packs one body.
    pub(crate) fn pack(&self, bytes: &[u8]) -> Vec<u8> {
        self.lend().pack(bytes)
    }

    /// Encodes and packs everything of a commit.
    pub(crate) fn writes(&self, writes: &Writes<'_>) -> PackedWrites {
        let mut things = Vec::new();
        things.extend(writes.orders.iter().map(|write| Thing::Order(write.order)));
        things.extend(writes.lanes.iter().map(|write| Thing::Lane(write.lane)));
        things.extend(writes.changes.iter().map(|write| Thing::Stored(&write.delta)));
        let keyframes = writes.changes.iter().map(|write| write.keyframe.as_ref());
        things.extend(keyframes.map(|keyframe| keyframe.map_or(Thing::Nothing, Thing::Stored)));
        things.extend(writes.messages.iter().map(|write| match write.first {
            // The first row holds the body for all drives.
            Some(_) => Thing::Nothing,
            None => Thing::Raw(&write.envelope.body),
        }));
        let packed = cores::map(&things, WORTH_A_THREAD, || self.lend(), packed);
        let mut packed = packed.into_iter();
        let mut next = |count: usize| packed.by_ref().take(count).collect::<Vec<_>>();
        PackedWrites {
            orders: next(writes.orders.len()).into_iter().flatten().collect(),
            lanes: next(writes.lanes.len()).into_iter().flatten().collect(),
            deltas: next(writes.changes.len()).into_iter().flatten().collect(),
            keyframes: next(writes.changes.len()),
            messages: next(writes.messages.len()),
        }
    }
}

fn packed(packer: &mut Lent<'_>, thing: &Thing<'_>) -> Option<Packed> {
    match thing {
        Thing::Nothing => None,
        Thing::Order(order) => Some(stored(packer, &encode_order(order))),
        Thing::Lane(lane) => Some(stored(packer, &encode_lane(lane))),
        Thing::Stored(parts) => Some(stored(packer, parts)),
        Thing::Raw(bytes) => Some(Packed { body: packer.pack(bytes), personal: None }),
    }
}

fn stored(packer: &mut Lent<'_>, parts: &Stored) -> Packed {
    let personal = (!parts.personal.is_empty()).then(|| packer.pack(&parts.personal));
    Packed { body: packer.pack(&parts.body), personal }
}

//! What a commit writes, encoded and packed on all cores: the thread that holds the transaction does the
//! least of it alone.
//!
//! Pure on each thing; the order of the results is that of the things. Bounded by one batch, and by
//! [`MOST_THREADS`].

use orderhub_order::history::{Stored, encode_lane, encode_order};
use orderhub_order::lane::Lane;
use orderhub_order::model::Order;

use super::codec::Packer;
use super::commit::Writes;

/// Threads that pack at once, the caller's own included.
const MOST_THREADS: usize = 4;
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

/// Compressors, one a thread; their tables outlive the batch.
#[derive(Debug)]
pub(crate) struct Packers(Vec<Packer>);

#[derive(Clone, Copy)]
enum Thing<'a> {
    Nothing,
    Order(&'a Order),
    Lane(&'a Lane),
    Stored(&'a Stored),
    Raw(&'a [u8]),
}

impl Packers {
    /// As many as there are cores.
    pub(crate) fn new() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self((0..cores.min(MOST_THREADS)).map(|_| Packer::new()).collect())
    }

    /// Packs one body.
    pub(crate) fn pack(&mut self, bytes: &[u8]) -> Vec<u8> {
        match self.0.first_mut() {
            Some(packer) => packer.pack(bytes),
            None => Packer::new().pack(bytes),
        }
    }

    /// Encodes and packs everything of a commit.
    pub(crate) fn writes(&mut self, writes: &Writes<'_>) -> PackedWrites {
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
        let mut packed = self.things(&things).into_iter();
        let mut next = |count: usize| packed.by_ref().take(count).collect::<Vec<_>>();
        PackedWrites {
            orders: next(writes.orders.len()).into_iter().flatten().collect(),
            lanes: next(writes.lanes.len()).into_iter().flatten().collect(),
            deltas: next(writes.changes.len()).into_iter().flatten().collect(),
            keyframes: next(writes.changes.len()),
            messages: next(writes.messages.len()),
        }
    }

    fn things(&mut self, things: &[Thing<'_>]) -> Vec<Option<Packed>> {
        let threads = self.0.len().min(things.len() / WORTH_A_THREAD).max(1);
        let share = things.len().div_ceil(threads).max(1);
        let mut packed: Vec<Option<Packed>> = Vec::new();
        packed.resize_with(things.len(), || None);
        let mut work = things.chunks(share).zip(packed.chunks_mut(share)).zip(&mut self.0);
        std::thread::scope(|scope| {
            let own = work.next();
            for ((things, to), packer) in work {
                scope.spawn(move || some(packer, things, to));
            }
            if let Some(((things, to), packer)) = own {
                some(packer, things, to);
            }
        });
        packed
    }
}

fn some(packer: &mut Packer, things: &[Thing<'_>], to: &mut [Option<Packed>]) {
    for (thing, to) in things.iter().zip(to) {
        *to = match thing {
            Thing::Nothing => None,
            Thing::Order(order) => Some(stored(packer, &encode_order(order))),
            Thing::Lane(lane) => Some(stored(packer, &encode_lane(lane))),
            Thing::Stored(parts) => Some(stored(packer, parts)),
            Thing::Raw(bytes) => Some(Packed { body: packer.pack(bytes), personal: None }),
        };
    }
}

fn stored(packer: &mut Packer, parts: &Stored) -> Packed {
    let personal = (!parts.personal.is_empty()).then(|| packer.pack(&parts.personal));
    Packed { body: packer.pack(&parts.body), personal }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn things_are_packed_in_their_order_on_any_number_of_threads() {
        let bodies: Vec<Vec<u8>> = (0..200).map(|n| format!("body {n}").into_bytes()).collect();
        let things: Vec<Thing<'_>> = bodies.iter().map(|body| Thing::Raw(body)).collect();
        let one = Packers(vec![Packer::new()]).things(&things);
        for threads in [2, 3, 4] {
            let mut packers = Packers((0..threads).map(|_| Packer::new()).collect());
            assert_eq!(packers.things(&things), one);
            assert_eq!(packers.things(&things[..7]), one[..7]);
        }
        assert!(Packers(vec![Packer::new()]).things(&[]).is_empty());
    }
}

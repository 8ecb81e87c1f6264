//! What a commit writes, encoded and packed, on several cores ([`cores`]): before its turn
//! ([`PackedAhead`]), or when it writes.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use orderhub_order::fold::{Effect, Folded};
use orderhub_order::history::{Stored, encode_lane, encode_order};
use orderhub_order::lane::Lane;
use orderhub_order::model::{Order, State};

use super::codec::Packer;
use super::commit::Writes;
use super::cores;

/// Fewer things are packed sooner than a thread has started.
const WORTH_A_THREAD: usize = 32;

/// A thing as a row keeps it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Packed {
    /// All but personal values.
    pub(crate) body: Vec<u8>,
    /// Personal values, where there are any.
    pub(crate) personal: Option<Vec<u8>>,
}

/// The bodies of a commit, in the order of its writes.
#[derive(Debug)]
pub(crate) struct PackedWrites<'a> {
    /// Of [`Writes::orders`].
    pub(crate) orders: Vec<Cow<'a, Packed>>,
    /// Of [`Writes::lanes`].
    pub(crate) lanes: Vec<Cow<'a, Packed>>,
    /// Of the deltas in [`Writes::changes`].
    pub(crate) deltas: Vec<Cow<'a, Packed>>,
    /// Of the keyframes in [`Writes::changes`], where a change has one.
    pub(crate) keyframes: Vec<Option<Cow<'a, Packed>>>,
    /// Of [`Writes::messages`]; none where the first row of a message holds it.
    pub(crate) messages: Vec<Option<Cow<'a, Packed>>>,
}

/// Where a thing lies in memory, and how long it is, or where what it is written beside lies.
pub(crate) type Address = (usize, usize);

/// What was packed before its turn, by where it lies.
///
/// **Invariant:** what lies at an address that stands here is what was packed: bodies and deltas are never
/// changed, and of orders and lanes the table shares each, so that whoever changes one changes a copy. Test:
/// `what_is_packed_ahead_is_not_taken_for_what_came_of_it`.
#[derive(Debug, Default)]
pub(crate) struct PackedAhead {
    packed: HashMap<Address, Packed>,
    shared: Vec<State>,
}

impl PackedAhead {
    /// Keeps what was packed of a state and of the change that led to it.
    pub(crate) fn keep(&mut self, state: State, packed: Vec<(Address, Packed)>) {
        if !packed.is_empty() {
            self.shared.push(state);
            self.packed.extend(packed);
        }
    }

    /// A table of raw bodies.
    pub(crate) fn of_bodies(packed: impl Iterator<Item = (Address, Packed)>) -> Self {
        Self { packed: packed.collect(), shared: Vec::new() }
    }

    fn get(&self, thing: &Thing<'_>) -> Option<&Packed> {
        self.packed.get(&thing.address()?)
    }
}

/// Compressors that rest between two batches, as many as threads packed at once: their tables are larger
/// than most bodies.
#[derive(Debug, Default)]
pub(crate) struct Packers(Mutex<Vec<Packer>>);

/// A compressor at work.
pub(crate) struct Lent<'a> {
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
    /// A lane, beside the head of its order.
    Lane(&'a Lane, &'a Order),
    /// A body, and its personal values.
    Parts(&'a [u8], &'a [u8]),
    Raw(&'a [u8]),
}

impl Packers {
    fn resting(&self) -> MutexGuard<'_, Vec<Packer>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn lend(&self) -> Lent<'_> {
        let packer = self.resting().pop();
        Lent { packers: self, packer }
    }

    /// Packs one body.
    pub(crate) fn pack(&self, bytes: &[u8]) -> Vec<u8> {
        self.lend().pack(bytes)
    }

    /// Encodes and packs everything of a commit.
    pub(crate) fn writes<'a>(&self, writes: &'a Writes<'a>) -> PackedWrites<'a> {
        let mut things = Vec::new();
        things.extend(writes.orders.iter().map(|write| Thing::Order(write.order)));
        things.extend(writes.lanes.iter().map(|write| Thing::Lane(write.lane, write.order)));
        things.extend(writes.changes.iter().map(|write| Thing::stored(&write.delta)));
        let keyframes = writes.changes.iter().map(|write| write.keyframe.as_ref());
        things.extend(keyframes.map(|keyframe| keyframe.map_or(Thing::Nothing, Thing::stored)));
        things.extend(writes.messages.iter().map(|write| match write.first {
            // The first row holds the body for all drives.
            Some(_) => Thing::Nothing,
            None => Thing::Raw(&write.envelope.body),
        }));
        let ahead: Vec<_> = things.iter().map(|thing| writes.ahead.get(thing)).collect();
        let missing = |(thing, ahead): &(&Thing<'_>, &Option<_>)| {
            ahead.is_none() && !matches!(thing, Thing::Nothing)
        };
        let left = things.iter().zip(&ahead).filter(missing);
        let left: Vec<Thing<'_>> = left.map(|(thing, _)| *thing).collect();
        let left = cores::map(&left, WORTH_A_THREAD, || self.lend(), packed);
        let mut left = left.into_iter();
        let mut packed = things.iter().zip(ahead).map(|(thing, ahead)| match (thing, ahead) {
            (Thing::Nothing, _) => None,
            (_, Some(ahead)) => Some(Cow::Borrowed(ahead)),
            (_, None) => left.next().flatten().map(Cow::Owned),
        });
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
        Thing::Lane(lane, head) => Some(stored(packer, &encode_lane(lane, head))),
        Thing::Parts(body, personal) => Some(parts(packer, body, personal)),
        Thing::Raw(bytes) => Some(Packed { body: packer.pack(bytes), personal: None }),
    }
}

fn stored(packer: &mut Lent<'_>, stored: &Stored) -> Packed {
    parts(packer, &stored.body, &stored.personal)
}

fn parts(packer: &mut Lent<'_>, body: &[u8], personal: &[u8]) -> Packed {
    let personal = (!personal.is_empty()).then(|| packer.pack(personal));
    Packed { body: packer.pack(body), personal }
}

/// Packs what a fold will write if it stands, but for a keyframe.
pub(crate) fn folded(
    packer: &mut Lent<'_>,
    state: &State,
    fold: &Folded,
) -> Vec<(Address, Packed)> {
    let mut things = Vec::new();
    if let Some(change) = &fold.change {
        things.push(Thing::Order(&state.order));
        things.push(Thing::Parts(&change.delta, &change.personal));
    }
    let wanted = |lane: &Lane| {
        let mut effects = fold.effects.iter();
        effects.any(|effect| matches!(effect, Effect::Deliver { system } if *system == lane.system))
    };
    let written = |lane: &Lane| fold.lanes.contains(&lane.system) || wanted(lane);
    things.extend(
        state.lanes.iter().filter(|lane| written(lane)).map(|lane| Thing::Lane(lane, &state.order)),
    );
    let packed = things.iter().map(|thing| Some((thing.address()?, packed(packer, thing)?)));
    packed.flatten().collect()
}

/// Packs a raw body.
pub(crate) fn raw(packer: &mut Lent<'_>, body: &[u8]) -> Option<(Address, Packed)> {
    let thing = Thing::Raw(body);
    Some((thing.address()?, packed(packer, &thing)?))
}

impl<'a> Thing<'a> {
    fn stored(stored: &'a Stored) -> Self {
        Thing::Parts(&stored.body, &stored.personal)
    }

    /// Where it lies; `None`: nowhere in particular.
    fn address(&self) -> Option<Address> {
        let bytes =
            |bytes: &[u8]| (!bytes.is_empty()).then(|| (bytes.as_ptr().addr(), bytes.len()));
        match self {
            Thing::Nothing => None,
            Thing::Order(order) => Some((std::ptr::from_ref(*order).addr(), 0)),
            // Beside another head it is written otherwise.
            Thing::Lane(lane, head) => {
                Some((std::ptr::from_ref(*lane).addr(), std::ptr::from_ref(*head).addr()))
            }
            Thing::Parts(body, _) | Thing::Raw(body) => bytes(body),
        }
    }
}

#[cfg(test)]
mod tests {
    use orderhub_order::fold::{Folded, Outcome};
    use orderhub_order::ids::{OrderKey, Role, SystemName};
    use orderhub_order::model::Shared;

    use super::*;

    #[test]
    fn what_is_packed_ahead_is_not_taken_for_what_came_of_it() {
        let shop = SystemName::new("shop");
        let order = Order::new(OrderKey(1), "ref".into(), shop.clone(), "default".into());
        let mut state = State::new(order);
        state.lanes.insert(Shared::new(Lane::new(shop.clone(), Role::Channel)));
        let packers = Packers::default();
        let outcome = Outcome::Applied { version: 1 };
        let folded = Folded { outcome, lanes: vec![shop.clone()], ..Folded::nothing() };
        let packed = super::folded(&mut packers.lend(), &state, &folded);
        assert_eq!(packed.len(), 1, "nothing changed of the order");

        let mut ahead = PackedAhead::default();
        ahead.keep(state.clone(), packed);
        let found = |state: &State| {
            let lane = state.lanes.get("shop").unwrap();
            ahead.get(&Thing::Lane(lane, &state.order)).is_some()
        };
        assert!(found(&state));
        let mut later = state.clone();
        later.lanes.get_mut("shop").unwrap().attempts = 1;
        assert!(!found(&later), "the lane is another");
        let mut other = state.clone();
        other.order.version = 2;
        assert!(!found(&other), "the head beside it is another");
        drop(state);
        assert!(!found(&later) && !found(&other));
    }
}

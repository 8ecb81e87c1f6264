//! How a lane is stored: beside the head of its order. What nearly all fields share stands once, and a
//! field that its system shows as the order has it is only its number.
//!
//! Lanes are written with every change and call, and a shop's lane knows each field of the order: in
//! full it would be three times the order itself. **Invariant:** decoding beside the same head gives what
//! was encoded, and no personal value stands in a body. **Invariant:** whoever writes a head writes the
//! lanes that show what it changed ([`shows`]), in the same commit. Tests: `a_lane_is_stored_and_read_back`,
//! `no_personal_value_stands_in_a_body`, `what_a_bystander_said_stays_when_the_order_changes`.
//!
//! A body is a list of four: the lane without its fields and its call, the call, what fields share, and
//! the fields by place: which, value, and how they stand unless in the usual way.

use std::fmt;

use jiff::Timestamp;
use serde::de::{Deserializer, Error, SeqAccess, Visitor};
use serde::ser::Serializer;
use serde::{Deserialize, Serialize};

use super::codec::{self, CodecError, HOLE, Stored};
use super::delta::same;
use crate::catalogue::FieldId;
use crate::contribution::{Revision, Stated};
use crate::ids::{At, Entity};
use crate::lane::{Facet, FieldState, Flight, Lane};
use crate::model::{ByPlace, Order};

/// The order's value is this system's.
const WROTE: u8 = 1;
/// What was stated is what was agreed on.
const AGREED: u8 = 2;
/// Agreed on, and never stated.
const SENT: u8 = 4;
/// None of these alone: the whole state follows.
const WHOLE: u8 = 8;
/// The value was sent at the moment that most were, and the system has not outrun it.
const RUNG: u8 = 16;
/// The value is the order's, and stands there.
const SHOWN: u8 = 32;
/// How nearly all fields of the system that an order comes from stand.
const USUAL: u8 = WROTE | AGREED | SHOWN;

/// What nearly all fields share that were stated, and that were sent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Common {
    revision: Option<Revision>,
    entity: Option<Entity>,
    heard: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rung: Option<Timestamp>,
}

/// One field as it is written.
struct Written<'a> {
    facet: &'a Facet,
    value: &'a Stated,
    how: u8,
    whole: Option<FieldState>,
}

impl Serialize for Written<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match (self.how, &self.whole) {
            (USUAL, _) => self.facet.serialize(serializer),
            (how, _) if how & SHOWN != 0 => (self.facet, how).serialize(serializer),
            (how, None) => (self.facet, how, self.value).serialize(serializer),
            (how, Some(state)) => (self.facet, how, self.value, state).serialize(serializer),
        }
    }
}

/// One field as it is read.
struct Read {
    facet: Facet,
    value: Stated,
    how: u8,
    whole: Option<FieldState>,
}

impl<'de> Deserialize<'de> for Read {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Read;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a field, a value, and how it stands")
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Read, E> {
                let field = u16::try_from(number).map_err(E::custom)?;
                let facet = Facet::Field(FieldId(field));
                Ok(Read { facet, value: None, how: USUAL, whole: None })
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Read, A::Error> {
                let missing = || A::Error::custom("a field without its number and how it stands");
                let facet = list.next_element()?.ok_or_else(missing)?;
                let how: u8 = list.next_element()?.ok_or_else(missing)?;
                let known = how & !(WROTE | AGREED | SENT | WHOLE | RUNG | SHOWN) == 0;
                if !known || (how & WHOLE != 0 && how != WHOLE) {
                    return Err(A::Error::custom("a field stands in a way that is not known here"));
                }
                let shown = how & SHOWN != 0;
                let value = if shown { None } else { list.next_element()?.ok_or_else(missing)? };
                let whole = match how {
                    WHOLE => Some(list.next_element()?.ok_or_else(missing)?),
                    _ => None,
                };
                Ok(Read { facet, value, how, whole })
            }
        }
        deserializer.deserialize_any(Reader)
    }
}

/// Whether a lane speaks of a field that is not the same in both heads, and so is written with the second.
pub(crate) fn shows(lane: &Lane, before: &Order, after: &Order) -> bool {
    lane.fields.places().any(|(at, list)| {
        let (before, after) = (before.record(at), after.record(at));
        let differs = |field| {
            let (old, new) = (before.and_then(|b| b.get(field)), after.and_then(|a| a.get(field)));
            !same(old, new)
        };
        list.iter().any(|(facet, _)| field_of(facet).is_some_and(differs))
    })
}

/// A lane as the store keeps it, beside the head of its order.
pub fn encode_lane(lane: &Lane, order: &Order) -> Stored {
    let common = common(lane);
    let mut taken = codec::TakeOut::default();
    let mut fields: Vec<(&At, Vec<Written<'_>>)> = Vec::new();
    for (at, list) in lane.fields.places() {
        let head = order.record(at);
        let list = list.iter().map(|(facet, state)| {
            let shown = head.and_then(|head| head.get(field_of(facet)?));
            written(facet, state, (common.as_ref(), shown), &mut taken)
        });
        fields.push((at, list.collect()));
    }
    let flight = lane.flying.clone().map(|mut flight| {
        in_flight(&mut flight, &mut taken);
        flight
    });
    codec::stored(&(lane, flight, common, fields), taken)
}

/// What most fields share.
fn common(lane: &Lane) -> Option<Common> {
    let (said, rung) = (said(lane), rung(lane));
    if said.is_none() && rung.is_none() {
        return None;
    }
    Some(Common { rung, ..said.unwrap_or_default() })
}

/// When most fields were sent that were sent once.
fn rung(lane: &Lane) -> Option<Timestamp> {
    let mut seen: Vec<(Timestamp, usize)> = Vec::new();
    for state in lane.fields.values() {
        let [(_, at)] = state.ring.as_slice() else { continue };
        match seen.iter_mut().find(|(known, _)| known == at) {
            Some((_, count)) => *count += 1,
            None => seen.push((*at, 1)),
        }
    }
    seen.into_iter().max_by_key(|(_, count)| *count).map(|(at, _)| at)
}

/// What most fields that were stated share.
fn said(lane: &Lane) -> Option<Common> {
    let mut seen: Vec<(Common, usize)> = Vec::new();
    for state in lane.fields.values() {
        let Some((_, revision)) = &state.stated else { continue };
        let is = |(common, _): &&mut (Common, usize)| shares(state, revision.as_ref(), common);
        match seen.iter_mut().find(is) {
            Some((_, count)) => *count += 1,
            None => {
                let (revision, entity, heard) = (revision.clone(), state.entity, state.heard);
                seen.push((Common { revision, entity, heard, rung: None }, 1));
            }
        }
    }
    seen.into_iter().max_by_key(|(_, count)| *count).map(|(common, _)| common)
}

fn shares(state: &FieldState, revision: Option<&Revision>, common: &Common) -> bool {
    let Common { revision: shared, entity, heard, rung: _ } = common;
    revision == shared.as_ref() && state.entity == *entity && state.heard == *heard
}

fn written<'a>(
    facet: &'a Facet,
    state: &'a FieldState,
    (common, shown): (Option<&Common>, Option<&Stated>),
    taken: &mut codec::TakeOut,
) -> Written<'a> {
    let apart = is_personal(facet);
    let Some((how, value)) = short(state, common) else {
        let mut state = state.clone();
        if apart {
            in_state(&mut state, taken);
        }
        return Written { facet, value: &HOLE, how: WHOLE, whole: Some(state) };
    };
    if shown.is_some() && same(shown, Some(value)) {
        return Written { facet, value: &HOLE, how: how | SHOWN, whole: None };
    }
    if apart {
        taken.0.push(value.clone());
    }
    Written { facet, value: if apart { &HOLE } else { value }, how, whole: None }
}

/// How a field stands, where one value and the common part say all of it.
fn short<'a>(state: &'a FieldState, common: Option<&Common>) -> Option<(u8, &'a Stated)> {
    if state.owed || state.unsure || state.taken > 0 || state.told_at > 0 || state.rung_for > 0 {
        return None;
    }
    if state.swing.is_some() {
        return None;
    }
    let sent = match state.ring.as_slice() {
        [] => None,
        [(value, at)] if common?.rung == Some(*at) => Some(value),
        _ => return None,
    };
    let rung = if sent.is_some() { RUNG } else { 0 };
    let rung_as = |value: &Stated| sent.is_none_or(|sent| same(Some(sent), Some(value)));
    let Some((value, revision)) = &state.stated else {
        let alone = state.entity.is_none() && state.heard == 0 && !state.wrote;
        return match (&state.base, sent) {
            _ if !alone => None,
            (Some(base), _) => rung_as(base).then_some((SENT | rung, base)),
            (None, sent) => sent.map(|sent| (RUNG, sent)),
        };
    };
    if !rung_as(value) {
        return None;
    }
    if !common.is_some_and(|common| shares(state, revision.as_ref(), common)) {
        return None;
    }
    let agreed = match &state.base {
        None => 0,
        Some(base) if same(Some(base), Some(value)) => AGREED,
        Some(_) => return None,
    };
    // Nothing but a ring would be taken for one that was never stated.
    let how = agreed | rung | if state.wrote { WROTE } else { 0 };
    (how != RUNG).then_some((how, value))
}

/// Reads a lane back, beside the head that it was written with.
///
/// # Errors
///
/// [`CodecError`].
pub fn decode_lane(body: &[u8], personal: &[u8], order: &Order) -> Result<Lane, CodecError> {
    type Body = (Lane, Option<Flight>, Option<Common>, Vec<(At, Vec<Read>)>);
    let (mut lane, mut flight, common, places): Body = codec::read(body)?;
    let mut back = codec::PutBack::read(personal)?;
    let mut found = Vec::with_capacity(places.len());
    for (at, list) in places {
        let head = order.record(&at);
        let state = |mut read: Read| {
            if read.how & SHOWN != 0 {
                let shown = head.and_then(|head| head.get(field_of(&read.facet)?));
                read.value = shown.ok_or(CodecError::Head)?.clone();
            }
            Ok((read.facet.clone(), read_state(read, common.as_ref(), &mut back)))
        };
        found.push((at, list.into_iter().map(state).collect::<Result<_, CodecError>>()?));
    }
    lane.fields = ByPlace::from_places(found);
    if let Some(flight) = &mut flight {
        in_flight(flight, &mut back);
    }
    lane.flying = flight;
    back.end(lane)
}

fn read_state(
    Read { facet, mut value, how, whole }: Read,
    common: Option<&Common>,
    back: &mut codec::PutBack,
) -> FieldState {
    let apart = is_personal(&facet);
    match whole {
        Some(mut state) => {
            if apart {
                in_state(&mut state, back);
            }
            state
        }
        None => {
            if apart && how & SHOWN == 0 {
                codec::Visit::value(back, &mut value);
            }
            state_of(value, how & !SHOWN, common)
        }
    }
}

fn state_of(value: Stated, how: u8, common: Option<&Common>) -> FieldState {
    let moment = common.and_then(|common| common.rung).filter(|_| how & RUNG != 0);
    let ring = moment.map(|at| (value.clone(), at)).into_iter().collect();
    if how & SENT != 0 || how == RUNG {
        let base = (how & SENT != 0).then_some(value);
        return FieldState { base, ring, ..FieldState::default() };
    }
    let base = (how & AGREED != 0).then(|| value.clone());
    let revision = common.and_then(|common| common.revision.clone());
    FieldState {
        stated: Some((value, revision)),
        base,
        ring,
        entity: common.and_then(|common| common.entity),
        heard: common.map_or(0, |common| common.heard),
        wrote: how & WROTE != 0,
        owed: false,
        unsure: false,
        taken: 0,
        told_at: 0,
        rung_for: 0,
        swing: None,
    }
}

/// Merge state of a personal field.
fn in_state(state: &mut FieldState, visit: &mut dyn codec::Visit) {
    if let Some((value, _)) = &mut state.stated {
        visit.value(value);
    }
    if let Some(value) = &mut state.base {
        visit.value(value);
    }
    for (value, _) in &mut state.ring {
        visit.value(value);
    }
    if let Some(swing) = &mut state.swing {
        visit.value(&mut swing.from);
    }
}

/// What a flight carries: mapped-out documents hold addresses.
fn in_flight(flight: &mut Flight, visit: &mut dyn codec::Visit) {
    visit.bytes(&mut flight.inputs);
    visit.bytes(&mut flight.memo);
    for (_, field, value) in &mut flight.values {
        if codec::personal(*field) {
            visit.value(value);
        }
    }
}

fn field_of(facet: &Facet) -> Option<FieldId> {
    if let Facet::Field(field) = facet { Some(*field) } else { None }
}

/// Whether the values of a facet are personal. Ids of customers are.
fn is_personal(facet: &Facet) -> bool {
    match facet {
        Facet::Field(field) | Facet::Doubt(field) => codec::personal(*field),
        Facet::Xref(_) | Facet::Word(_) => true,
        Facet::Shown | Facet::Gone | Facet::List(_) => false,
    }
}

#[cfg(test)]
#[path = "lanes_tests.rs"]
mod tests;

//! How a lane is stored: what nearly all fields share stands once, and a field that was stated and
//! agreed on is its path and its value.
//!
//! Lanes are written with every change and call, and a shop's lane knows each field of the order: in
//! full it would be three times the order itself. **Invariant:** decoding gives what was encoded, and
//! no personal value stands in a body. Tests: `a_lane_is_stored_and_read_back`,
//! `no_personal_value_stands_in_a_body`.
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
use crate::contribution::{Revision, Stated};
use crate::ids::{At, Entity};
use crate::lane::{Facet, FieldState, Flight, Lane};
use crate::model::ByPlace;

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
/// How nearly all fields of the system that an order comes from stand.
const USUAL: u8 = WROTE | AGREED;

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
            (USUAL, _) => (self.facet, self.value).serialize(serializer),
            (how, None) => (self.facet, self.value, how).serialize(serializer),
            (how, Some(state)) => (self.facet, self.value, how, state).serialize(serializer),
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

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Read, A::Error> {
                let missing = || A::Error::custom("a field without its number and value");
                let facet = list.next_element()?.ok_or_else(missing)?;
                let value = list.next_element()?.ok_or_else(missing)?;
                let how = list.next_element()?.unwrap_or(USUAL);
                if how & !(WROTE | AGREED | SENT | WHOLE | RUNG) != 0 {
                    return Err(A::Error::custom("a field stands in a way that is not known here"));
                }
                let whole = if how == WHOLE { list.next_element()? } else { None };
                Ok(Read { facet, value, how, whole })
            }
        }
        deserializer.deserialize_seq(Reader)
    }
}

/// A lane as the store keeps it.
pub fn encode_lane(lane: &Lane) -> Stored {
    let common = common(lane);
    let mut taken = codec::TakeOut::default();
    let mut fields: Vec<(&At, Vec<Written<'_>>)> = Vec::new();
    for (at, list) in lane.fields.places() {
        let list = list.iter();
        let written = list.map(|(facet, state)| written(facet, state, common.as_ref(), &mut taken));
        fields.push((at, written.collect()));
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
    common: Option<&Common>,
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
    if apart {
        taken.0.push(value.clone());
    }
    Written { facet, value: if apart { &HOLE } else { value }, how, whole: None }
}

/// How a field stands, where one value and the common part say all of it.
fn short<'a>(state: &'a FieldState, common: Option<&Common>) -> Option<(u8, &'a Stated)> {
    if state.owed {
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

/// Reads a lane back.
///
/// # Errors
///
/// [`CodecError`].
pub fn decode_lane(body: &[u8], personal: &[u8]) -> Result<Lane, CodecError> {
    type Body = (Lane, Option<Flight>, Option<Common>, Vec<(At, Vec<Read>)>);
    let (mut lane, mut flight, common, places): Body = codec::read(body)?;
    let mut back = codec::PutBack::read(personal)?;
    let mut state = |read: Read| (read.facet.clone(), read_state(read, common.as_ref(), &mut back));
    let place = |(at, list): (At, Vec<Read>)| (at, list.into_iter().map(&mut state).collect());
    lane.fields = ByPlace::from_places(places.into_iter().map(place).collect());
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
            if apart {
                codec::Visit::value(back, &mut value);
            }
            state_of(value, how, common)
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

/// Whether the values of a facet are personal. Ids of customers are.
fn is_personal(facet: &Facet) -> bool {
    match facet {
        Facet::Field(field) | Facet::Doubt(field) => codec::personal(*field),
        Facet::Xref(_) => true,
        Facet::Shown | Facet::Gone | Facet::List(_) => false,
    }
}

#[cfg(test)]
#[path = "lanes_tests.rs"]
mod tests;

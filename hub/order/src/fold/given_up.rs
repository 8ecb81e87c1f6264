//! Facts that were given up: kept by their call's end, decided by a person where they may be there.

use super::person::refused;
use super::work::{Done, Folding, Work};
use crate::causes;
use crate::ids::SystemName;
use crate::lane::{Flight, GivenUp, Lane, MOST_WANTS, Sent, WantKey};
use crate::route::{EVENT, want};

/// Keeps a fact whose call is given up, before its wish goes. `true`: it may be there, and a person has to decide.
/// `wrote`: something of the last attempt is there, or may be.
pub(super) fn keep(lane: &mut Lane, flight: &Flight, wrote: bool) -> bool {
    let (key, may_be_there) = (&flight.want, wrote || flight.may_have_acted || flight.wrote);
    if key.fact.is_none() || key.rule.starts_with(EVENT) {
        return false;
    }
    let wish = lane.wants.iter().find(|want| want.key == *key);
    let release = wish.and_then(|want| want.release.clone());
    lane.give_up(key, GivenUp { version: flight.version, release, may_be_there });
    may_be_there
}

/// A person has decided about one that may be there: to be told again, or told. `None`: there is none of this key.
pub(super) fn decided(
    work: &mut Work<'_>,
    (system, about): (&SystemName, &str),
    again: bool,
) -> Option<Folding<Done>> {
    let lane = work.state.lanes.get(system).filter(|lane| lane.doubts(Some(about)))?;
    let (role, key) = (lane.role, WantKey::parse(about)?);
    let fact = lane.given_up.get(about)?.clone();
    let (rules, mut effects) = (work.rules, Vec::new());
    let lane = work.lane(system, role);
    if !again {
        lane.given_up.remove(about);
        lane.sent.insert(key.text(), Sent { version: fact.version, hash: [0; 16] });
        lane.unwant(&key, u32::MAX);
        return Some(Ok(Done::Merged));
    }
    if !want(lane, &key, (fact.version, fact.release), rules, &mut effects) {
        let why = format!(
            "{MOST_WANTS} wishes of this order wait for `{system}` already: `orderhub why` says what stands in their way"
        );
        return Some(refused(causes::NO_ROOM, why));
    }
    if let Some(fact) = lane.given_up.get_mut(about) {
        // The person has looked: it did not happen.
        fact.may_be_there = false;
    }
    work.effects.append(&mut effects);
    Some(Ok(Done::Merged))
}

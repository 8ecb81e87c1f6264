//! Facts that were given up: kept by their call's end, decided by a person where they may be there.
//!
//! **Invariant:** what a person decides is done: the fact goes, by the rule that tells it now, or it counts as told; where
//! neither can be, nothing is changed and a sentence says why. Its todo ends with it, and not with the answer to the
//! person: should it come to the same again, that is another todo. Tests: `a_fact_that_may_be_there_waits_for_a_person`,
//! `what_nobody_tells_any_more_is_not_told_again`, both in `tests/it/given_up.rs`.

use super::Effect;
use super::inherit::known_as;
use super::person::refused;
use super::work::{Done, Folding, Work};
use crate::causes;
use crate::ids::SystemName;
use crate::lane::{Flight, GivenUp, Lane, Sent, WantKey};
use crate::route::{EVENT, Unrouted, unrouted, want};

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
    if again && let Err(done) = tell_again(work, (system, &key), &fact) {
        return Some(done);
    }
    let lane = work.lane(system, role);
    lane.given_up.remove(about);
    if again {
        // The person has looked: it did not happen.
        let now = known_as(work.rules, system, &key, fact.version);
        let fact = GivenUp { may_be_there: false, ..fact };
        if now.fact.is_some() {
            work.lane(system, role).give_up(&now, fact);
        }
    } else {
        lane.sent.insert(key.text(), Sent { version: fact.version, hash: [0; 16] });
        lane.unwant(&key, u32::MAX);
        if lane.flying.as_ref().is_some_and(|flight| flight.want == key && !flight.in_air) {
            lane.flying = None;
            lane.attempts = 0;
        }
    }
    let (system, about) = (Some(system.clone()), about.into());
    let reason = "a person decided".to_owned();
    work.effects.push(Effect::Settled { system, about, reason });
    Some(Ok(Done::Merged))
}

/// Wants it, by the rule that tells it now.
fn tell_again(
    work: &mut Work<'_>,
    (system, key): (&SystemName, &WantKey),
    fact: &GivenUp,
) -> Result<(), Folding<Done>> {
    let (rules, mut effects) = (work.rules, Vec::new());
    if unrouted(rules, system, &key.rule) == Unrouted::Over {
        let why = format!(
            "no entry of `deliver:` of `{system}` tells it any more, and none is waited for (`{}`): put one back and decide \
             then, or tell it by hand and take it as done",
            key.rule
        );
        return Err(refused(causes::NOTHING_SENDABLE, why));
    }
    let version = work.state.order.version.max(fact.version);
    let key = known_as(rules, system, key, fact.version);
    let Some(lane) = work.lane_there(system) else { return Ok(()) };
    let asked = (version, fact.release.clone());
    want(lane, &key, asked, rules, &mut effects).map_err(|why| refused(causes::NO_ROOM, why))?;
    work.effects.append(&mut effects);
    Ok(())
}

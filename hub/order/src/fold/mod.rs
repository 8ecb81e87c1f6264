//! The fold: the one place where the rules about ownership, staleness, echoes, conflicts, states,
//! flow and routing live. Pure: `now` and facts come in, nothing is fetched.
//!
//! The way of an act: names of rules that files no longer have are brought to those of now, it is merged by the module of
//! its kind, then [`finish`] derives, fires and routes and makes the version. What cannot be applied changes nothing.
//!
//! | module | what it decides |
//! |---|---|
//! | `document` | repeated, stale, waiting; which element; first links |
//! | `element`, `member`, `refer` | elements by key, complete lists, references |
//! | `field`, `judge` | the seven cases, on values alone |
//! | `follow` | what follows from each case |
//! | `swing` | the breaker of a field that goes back and forth |
//! | `owner`, `canonical` | who may write; how a system sees a value |
//! | `flight`, `receipt`, `dead`, `given_up` | the life of a call |
//! | `inherit` | what a rule that is gone leaves to the one in its place |
//! | `person`, `restore`, `resend` | edits, leading back, holds, decisions, sending again |

use std::collections::BTreeMap;

use crate::contribution::Contribution;
use crate::history::shows;
use crate::identify::ReferenceKey;
use crate::ids::{OrderKey, SystemName, names_nothing};
use crate::lane::{Lane, is_shared};
use crate::model::{Order, Shared, State};
use crate::rules::Rules;

mod act;
mod canonical;
mod conflict;
mod dead;
mod document;
mod down;
mod element;
mod entries;
mod field;
mod finish;
mod flight;
mod follow;
mod given_up;
mod inherit;
mod judge;
mod member;
mod outcome;
mod owner;
mod person;
mod receipt;
mod refer;
mod resend;
mod restore;
mod swing;
mod unfit;
mod work;

pub use act::{Act, DocumentAct, Facts, PersonAct, Put, Receipt, ReceiptClass};
pub use document::content_hash;
pub use given_up::{Left, Way, left};
pub use outcome::{Change, Effect, Folded, Outcome, TodoItem, TodoKind};
pub use refer::kind_of;
pub(crate) use resend::RESENT;
pub use resend::nothing_missing;
pub use restore::{Remains, Why, remainder, restorable};

use work::{Done, Ended, Folding, Work};

/// The references that an act would bind at its system: what the table says of them goes into
/// [`Facts::bound`]. A document's own are looked up by [`crate::identify::references`].
pub fn binds(act: &Act) -> Vec<ReferenceKey> {
    let (system, xrefs) = match act {
        Act::Receipt(receipt) => (&receipt.system, &receipt.xrefs),
        Act::Memo { system, xrefs, .. } => (system, xrefs),
        Act::Document(_)
        | Act::Fly { .. }
        | Act::Skip { .. }
        | Act::Unfit { .. }
        | Act::Down { .. }
        | Act::Hurry { .. }
        | Act::Person(_)
        | Act::Tick => {
            return Vec::new();
        }
    };
    let xrefs = xrefs.iter().filter(|xref| !is_shared(&xref.kind) && !names_nothing(&xref.ext_id));
    xrefs
        .map(|xref| ReferenceKey::Xref {
            system: system.clone(),
            kind: xref.kind.as_str().into(),
            ext_id: xref.ext_id.as_str().into(),
        })
        .collect()
}

/// Applies one act to an order under the locks of the commit.
///
/// **Invariant:** an act that ends as `WaitForLane`, `Todo` or `Refused` leaves order and lanes as they
/// were, after every step of every story and rule. Tests: `every_story_comes_out_right`,
/// `every_rule_of_the_fold_holds`.
pub fn fold(
    state: &mut State,
    act: &Act,
    rules: &Rules<'_>,
    facts: &Facts,
    now: jiff::Timestamp,
) -> Folded {
    let mut work = Work::new(state, rules, facts, now);
    let hash = match act {
        Act::Document(act) => document::content_hash(&act.contribution),
        Act::Fly { .. }
        | Act::Memo { .. }
        | Act::Skip { .. }
        | Act::Unfit { .. }
        | Act::Down { .. }
        | Act::Receipt(_)
        | Act::Person(_)
        | Act::Hurry { .. }
        | Act::Tick => [0; 16],
    };
    let ahead = document::ahead(&work, act);
    if let Act::Document(act) = act
        && document::repeated(&mut work, act, hash)
    {
        let lanes = vec![act.contribution.system.clone()];
        document::tell_ahead(&mut work, &act.contribution, ahead);
        let (outcome, effects) = (Outcome::Unchanged, std::mem::take(&mut work.effects));
        let passed = BTreeMap::new();
        return Folded { outcome, change: None, effects, lanes, passed };
    }
    let before = work.state.order.clone();
    inherit::inherit(&mut work);
    let (outcome, change) = match merge(&mut work, act, hash) {
        Err(outcome) => {
            work.undo(before);
            let (effects, lanes) = (Vec::new(), Vec::new());
            let passed = BTreeMap::new();
            return Folded { outcome: *outcome, change: None, effects, lanes, passed };
        }
        Ok(Done::Ended(end)) => {
            // It makes no version: the head stays as it is stored.
            work.state.order = before.clone();
            (ended(end, before.version), None)
        }
        Ok(Done::Merged) => {
            let change = finish::finish(&mut work, &before, act.system());
            let quiet = change.is_none() && work.effects.is_empty() && work.tally.bound == 0;
            let outcome = said(act, quiet, &work);
            (outcome, change)
        }
    };
    if let Act::Document(act) = act {
        document::tell_ahead(&mut work, &act.contribution, ahead);
    }
    let touched_lanes = std::mem::take(&mut work.touched_lanes);
    touched_lanes.iter().for_each(|(system, _)| stamp(work.state, system, now));
    let effects = std::mem::take(&mut work.effects);
    let mut lanes: Vec<SystemName> = touched_lanes.into_iter().map(|(system, _)| system).collect();
    if change.is_some() {
        let (lanes_now, now) = (&work.state.lanes, &work.state.order);
        let shown = lanes_now.iter().filter(|lane| shows(lane, &before, now));
        lanes.extend(shown.map(|lane| lane.system.clone()));
    }
    lanes.sort();
    lanes.dedup();
    let passed = std::mem::take(&mut work.passed);
    Folded { outcome, change, effects, lanes, passed }
}

/// Notes since when a lane wants what it wants; one that says so already is not copied for it.
fn stamp(state: &mut State, system: &SystemName, now: jiff::Timestamp) {
    if state.lanes.get(system).is_some_and(|lane| lane.is_unstamped())
        && let Some(lane) = state.lanes.get_mut(system)
    {
        lane.stamp(now);
    }
}

/// What an act came to that was merged.
fn said(act: &Act, quiet: bool, work: &Work<'_>) -> Outcome {
    if !quiet || !matches!(act, Act::Document(_)) {
        Outcome::Applied { version: work.state.order.version }
    } else if work.tally.stale > 0 {
        // Something of it was too old, and the rest said nothing new: not the same as nothing new.
        Outcome::Stale
    } else {
        Outcome::Unchanged
    }
}

fn ended(end: Ended, version: u32) -> Outcome {
    match end {
        Ended::Stale => Outcome::Stale,
        Ended::Lane => Outcome::Applied { version },
    }
}

/// `hash`: of a document, what it says.
fn merge(work: &mut Work<'_>, act: &Act, hash: [u8; 16]) -> Folding<Done> {
    match act {
        Act::Document(act) => document::document(work, act, hash),
        Act::Fly { system, flight } => flight::fly(work, system, flight),
        Act::Memo { system, fence, memo, xrefs } => {
            flight::memo(work, system, *fence, (memo, xrefs))
        }
        Act::Skip { system, want, version, code, hash, until } => {
            flight::skip(work, system, (want, *version), (*code, *hash, *until))
        }
        Act::Unfit { system, want, version, why } => {
            unfit::unfit(work, system, (want, *version), why)
        }
        Act::Down { system, flight, why } => down::down(work, system, flight, why),
        Act::Receipt(receipt) => receipt::receipt(work, receipt),
        Act::Hurry { system } => flight::hurry(work, system),
        Act::Person(act) => person::person(work, act),
        // Time has passed, or the files are others: derive again, try again.
        Act::Tick => {
            unfit::again(work);
            Ok(Done::Merged)
        }
    }
}

/// Holds the lane of an act that could not be folded at all, so that it is not tried for ever. Answers
/// whether it has a call now that waits for a person.
pub fn hold(state: &mut State, system: &SystemName) -> bool {
    let Some(lane) = state.lanes.get_mut(system) else { return false };
    lane.put_in_doubt(false);
    lane.undecided().is_some()
}

/// A new order with the lane of its origin, before its first document is folded; `None`: the rules
/// know no such system. `reference` is unique ([`crate::ids::order_reference`]).
pub fn create(
    key: OrderKey,
    reference: Box<str>,
    contribution: &Contribution,
    rules: &Rules<'_>,
    now: jiff::Timestamp,
) -> Option<State> {
    let system = &contribution.system;
    let origin = rules.systems.get(system)?;
    let mut order = Order::new(key, reference, system.clone(), origin.unit.clone());
    order.bound.insert(origin.role, system.clone());
    let received = crate::value::Value::Timestamp(now);
    order.fields.set(crate::catalogue::known::order::RECEIVED_AT, Some(received));
    let mut state = State::new(order);
    let lane = Lane::new(system.clone(), origin.role);
    state.lanes.insert(Shared::new(lane));
    Some(state)
}

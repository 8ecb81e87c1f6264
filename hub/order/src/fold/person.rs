//! What people do: edit with the version they saw, lead back ([`super::restore`]), end a hold, have it sent again
//! ([`super::resend`]), decide about a flight.
//!
//! **Invariant:** an edit never overwrites what its author has not seen. Story
//! `address-after-release`.

use super::field::Spot;
use super::follow::unwritten;
use super::receipt::{delivered, taken};
use super::swing;
use super::work::{Done, Folding, Work, item};
use super::{Effect, Outcome, PersonAct, TodoItem, TodoKind};
use crate::catalogue::{FieldId, catalogue};
use crate::causes;
use crate::contribution::Stated;
use crate::ids::{At, SystemName};
use crate::lane::{Lane, LaneCode};
use crate::model::Shared;
use crate::route::{drop_refused, is_over};
use orderhub_lang::codes::Cause;

/// Does what a person did.
pub(super) fn person(work: &mut Work<'_>, act: &PersonAct) -> Folding<Done> {
    match act {
        PersonAct::Edit { seen, values } => edit(work, *seen, values),
        PersonAct::Restore { seen, to, puts } => super::restore::restore(work, *seen, *to, puts),
        PersonAct::ReleaseHold { hold } => {
            if crate::holds::release(&mut work.state.order, hold) {
                return Ok(Done::Merged);
            }
            refused(
                causes::UNKNOWN_HOLD,
                format!("no hold `{hold}` stands; it may have ended meanwhile"),
            )
        }
        PersonAct::Resend { system, all } => super::resend::resend(work, system, *all),
        PersonAct::Settle { system, again, about } => {
            settle(work, (system, about.as_deref()), *again)
        }
    }
}

/// Fields that are unchanged since the version seen are written; others are conflicts to decide.
fn edit(work: &mut Work<'_>, seen: u32, values: &[(At, FieldId, Stated)]) -> Folding<Done> {
    let mut written = 0_usize;
    let mut conflicts = Vec::new();
    for (at, id, value) in values {
        let field = catalogue().field(*id).filter(|field| field.collection == at.collection());
        let exists = work.state.order.record(at).is_some();
        let Some(field) = field.filter(|_| exists) else {
            return refused(
                causes::UNKNOWN_FIELD,
                format!("the order has no such field at `{at}`"),
            );
        };
        let spot = Spot { at, field };
        let kept = work.state.order.record(at).and_then(|record| record.get(*id)) == Some(value);
        if kept && swing::is_frozen(work, &spot) {
            // That what goes back and forth stays as it is: a decision, whoever owns it.
            swing::decided(work, &spot, true);
            settle_conflicts(work, &spot.path());
            continue;
        }
        if !super::owner::person_may(work.state, work.rules, at, field) {
            let why = format!("`{}` is not written by people", spot.path());
            return refused(causes::NOT_OWNER, why);
        }
        if kept {
            continue;
        }
        let last = work.state.order.touched.get(at, id).copied().unwrap_or(0);
        if last > seen {
            conflicts.push(stale(&spot.path(), seen, last));
            continue;
        }
        write(work, &spot, Some(value.clone()));
        written += 1;
    }
    if written == 0
        && let Some(first) = conflicts.first()
    {
        return Err(Box::new(Outcome::Todo(first.clone())));
    }
    conflicts.into_iter().for_each(|conflict| work.todo(conflict));
    Ok(Done::Merged)
}

/// What a person decides stands: it is nobody's statement any more.
pub(super) fn write(work: &mut Work<'_>, spot: &Spot<'_>, value: Option<Stated>) {
    if let Some(record) = work.state.order.record_mut(spot.at) {
        match value {
            Some(value) => record.set(spot.field.id, value),
            None => record.remove(spot.field.id),
        };
    }
    super::owner::moved(&mut work.state.order, spot);
    unwritten(work, spot, None);
    swing::decided(work, spot, false);
    settle_conflicts(work, &spot.path());
}

fn stale(path: &str, seen: u32, last: u32) -> TodoItem {
    let why =
        format!("`{path}` was changed in version {last}; the edit was made on version {seen}");
    let about = Some(path.into());
    TodoItem { about, ..item(TodoKind::Conflict, causes::MANUAL, None, why) }
}

/// A person has decided: what systems said otherwise is answered.
fn settle_conflicts(work: &mut Work<'_>, path: &str) {
    let open = |lane: &&Shared<Lane>| lane.open_conflicts.iter().any(|open| open == path);
    let systems = work.state.lanes.iter().filter(open).map(|lane| lane.system.clone());
    let decided = || "a person decided".to_owned();
    for system in systems.collect::<Vec<_>>() {
        work.settle(&system, path, decided());
    }
    // Of no system: what another person's edit met.
    work.effects.push(Effect::Settled { system: None, about: path.into(), reason: decided() });
}

/// Decides about a flight that is dead or in doubt: again from where it stood, or taken as done.
fn settle(
    work: &mut Work<'_>,
    (system, about): (&SystemName, Option<&str>),
    again: bool,
) -> Folding<Done> {
    if let Some(done) =
        about.and_then(|about| super::given_up::decided(work, (system, about), again))
    {
        return done;
    }
    let now = work.now;
    let waits = work.state.lanes.get(system).filter(|_| about.is_none());
    let waits = waits.and_then(|lane| Some((lane.role, lane.undecided()?.0.clone())));
    let Some((role, flight)) = waits else {
        if super::unfit::decided(work, (system, about), again) {
            return Ok(Done::Merged);
        }
        let lane = work.state.lanes.get(system);
        let wants = |about: &str| {
            lane.is_some_and(|lane| lane.wants.iter().any(|want| want.key.text() == about))
        };
        let why = match about.is_some_and(wants) {
            true => format!("it is to be sent to {system} already, and goes by itself"),
            false => format!("no call to {system} waits for a decision"),
        };
        return refused(causes::NOTHING_TO_SETTLE, why);
    };
    if is_over(work.state, system, work.rules) {
        if again {
            let why = format!(
                "what `{}` would make at {system} is cancelled: it is not made any more, and was not before",
                flight.operation
            );
            return refused(causes::CANCELLED, why);
        }
        work.touch(system);
        drop_refused(work.state, system, "a person decided", &mut work.effects);
        return Ok(Done::Merged);
    }
    if again {
        work.lane(system, role).tries_again(now);
        // Due already, so that the end of the turn would hand it to nobody.
        work.effects.push(Effect::Deliver { system: system.clone() });
    } else {
        taken(work, (system, role), &flight, None);
        delivered(work, (system, role), &flight);
        let lane = work.lane(system, role);
        lane.says(LaneCode::LetBe);
        if flight.creates && lane.ext_id(flight.entity.as_str(), &flight.want.subject).is_none() {
            let why = format!(
                "`{}` was taken as done, but what {system} calls it is not known: what needs it waits until a \
                 document of {system} names our reference",
                flight.operation
            );
            let about = super::refer::unknown(&flight.want.subject);
            let todo = item(TodoKind::Finding, causes::ID_UNKNOWN, Some(system), why);
            work.todo(TodoItem { about: Some(about), ..todo });
        }
    }
    Ok(Done::Merged)
}

pub(super) fn refused(cause: &Cause, why: String) -> Folding<Done> {
    Err(Box::new(Outcome::Todo(item(TodoKind::Conflict, cause, None, why))))
}

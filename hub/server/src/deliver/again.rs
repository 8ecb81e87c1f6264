//! Where a call goes on that may have acted, or that a person has made again.
//!
//! **Invariant:** what a step can look for is looked for before it is told again, whoever asks, and not before the system
//! may have stopped acting on the last attempt. **Invariant:** a call that came to its end without naming what it made goes
//! on at its last step that writes, where the one before it that looks stands in its way, and never at an earlier one that
//! nobody can look for. **Invariant:** where the look finds it, it goes on where it had ended: what stands behind is not sent
//! a second time. Tests: `what_a_person_has_made_again_is_looked_for_first`, those in `tests/again.rs`, and here.

use std::time::Duration;

use jiff::Timestamp;
use orderhub_connectors::contract::{Call, Connector, Idempotency, Memo, NextStep, StepInfo};
use orderhub_lang::value::Value;

use super::settle::{later, resume_at};

/// In the memo of a call that was begun anew at a look: the step that it looks for, and where the call had ended. No
/// expression can read it, as no name has a `$`.
const ENDED: &str = "$ended";

/// Who asks for the step that is next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asks {
    /// The hub: an attempt may have acted.
    Retry,
    /// A person. What was called last began at this time, if anything was, and may have taken so long.
    Person(Option<Timestamp>, Duration),
}

/// Sets the memo to where the call goes on. `Some`: not before this time.
pub(super) fn look_first(
    connector: &dyn Connector,
    call: &Call<'_>,
    memo: &mut Memo,
    asks: Asks,
) -> Option<Timestamp> {
    let looks = match connector.next(call, memo) {
        Ok(NextStep::Done(_)) if asks != Asks::Retry => begin_anew(connector, call, memo),
        Ok(NextStep::Send(request)) => looks(&request.idempotency),
        Ok(NextStep::Done(_) | NextStep::Wait(_) | NextStep::Part(_)) | Err(_) => None,
    };
    let (step, settles) = looks?;
    resume_at(memo, step);
    match asks {
        Asks::Person(Some(began), took) => Some(later(later(began, took), settles)),
        Asks::Person(None, _) | Asks::Retry => None,
    }
}

/// The step that looks for what another makes, and how long the system may still be making it.
fn looks(idempotency: &Idempotency) -> Option<(u32, Duration)> {
    match idempotency {
        Idempotency::FindFirst { step, settles } => Some((*step, *settles)),
        Idempotency::Safe | Idempotency::Unsafe => None,
    }
}

/// All steps are behind it, and what was made has no name: the last one that writes is next, or the look that stands in
/// its way.
fn begin_anew(
    connector: &dyn Connector,
    call: &Call<'_>,
    memo: &mut Memo,
) -> Option<(u32, Duration)> {
    let steps = connector.steps(call.operation);
    let steps: Vec<_> = (0_u32..).zip(steps).collect();
    let passed =
        |(index, step): &(u32, StepInfo<'_>)| is_passed(connector, call, memo, *index, step);
    let writes = |(_, step): &&(u32, StepInfo<'_>)| *step.idempotency != Idempotency::Safe;
    let Some(last) = steps.iter().rfind(writes) else {
        // All of it may be sent again: it is begun as it was.
        resume_at(memo, 0);
        return None;
    };
    let upto = || steps.iter().filter(|(index, _)| *index <= last.0);
    let mut found = upto().rev().filter(|step| step.0 == last.0 || !passed(step));
    if let Some((index, look)) = found.find_map(|(i, step)| Some((*i, looks(step.idempotency)?))) {
        let ended = [index, memo.step, memo.position].map(|number| Value::Int(number.into()));
        memo.saved.insert(ENDED.to_owned(), Value::List(ended.into()));
        return Some(look);
    }
    let next = match passed(last) {
        false => last.0,
        // It was found by what stands before it, which is asked once more; the one before that is not sent again.
        true => {
            let earlier = upto().rev().skip(1).find(writes);
            earlier.map_or(0, |(index, _)| index.saturating_add(1))
        }
    };
    resume_at(memo, next);
    None
}

/// Whether a step is left out, by what is known now.
fn is_passed(
    connector: &dyn Connector,
    call: &Call<'_>,
    memo: &Memo,
    index: u32,
    step: &StepInfo<'_>,
) -> bool {
    let mut memo = memo.clone();
    resume_at(&mut memo, index);
    match connector.next(call, &memo) {
        Ok(NextStep::Send(request)) => request.step != step.name,
        Ok(NextStep::Done(_)) => true,
        Ok(NextStep::Wait(_) | NextStep::Part(_)) | Err(_) => false,
    }
}

/// Before the next step of a call that was begun anew at a look: what the look has found goes on where the call had ended.
pub(super) fn go_on(connector: &dyn Connector, call: &Call<'_>, memo: &mut Memo) {
    let Some(ended) = memo.saved.get(ENDED) else { return };
    let number = |value: &Value| u32::try_from(value.as_int()?).ok();
    let numbers: Option<Vec<_>> = ended.as_list().unwrap_or_default().iter().map(number).collect();
    let Some([looked_for, step, position]) =
        numbers.as_deref().and_then(|n| n.first_chunk()).copied()
    else {
        memo.saved.remove(ENDED);
        return;
    };
    let steps = connector.steps(call.operation);
    let next = match connector.next(call, memo) {
        Ok(NextStep::Send(request)) => steps.iter().position(|step| step.name == request.step),
        Ok(NextStep::Done(_)) => Some(steps.len()),
        Ok(NextStep::Wait(_) | NextStep::Part(_)) | Err(_) => None,
    };
    let Some(next) = next.and_then(|next| u32::try_from(next).ok()) else { return };
    if next < looked_for && memo.step <= looked_for {
        // It still looks.
        return;
    }
    memo.saved.remove(ENDED);
    // One that stands behind it already was led on by a program that does not know of this.
    if next > looked_for && memo.step <= looked_for {
        (memo.step, memo.position) = (step, position);
    }
}

#[cfg(test)]
#[path = "again_tests.rs"]
mod tests;

//! Where a call goes on that may have acted, or that a person has made again.
//!
//! **Invariant:** what a step can look for is looked for before it is told again, whoever asks, and not before the system
//! may have stopped acting on the last attempt. **Invariant:** a call that came to its end without naming what it made goes
//! on at its last step that writes, where the one before it that looks stands in its way, and never at an earlier one that
//! nobody can look for. Tests: `what_a_person_has_made_again_is_looked_for_first`, and here.

use std::time::Duration;

use jiff::Timestamp;
use orderhub_connectors::contract::{Call, Connector, Idempotency, Memo, NextStep, Request};

use super::settle::{later, resume_at};

/// Who asks for the step that is next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asks {
    /// The hub: an attempt may have acted.
    Retry,
    /// A person. The last attempt began at this time, if there was one, and may have taken so long.
    Person(Option<Timestamp>, Duration),
}

/// Sets the memo to where the call goes on. `Some`: not before this time.
pub(super) fn look_first(
    connector: &dyn Connector,
    call: &Call<'_>,
    memo: &mut Memo,
    asks: Asks,
) -> Option<Timestamp> {
    if asks != Asks::Retry && matches!(connector.next(call, memo), Ok(NextStep::Done(_))) {
        begin_anew(connector, call, memo);
    }
    let Ok(NextStep::Send(request)) = connector.next(call, memo) else { return None };
    let Idempotency::FindFirst { step, settles } = request.idempotency else { return None };
    resume_at(memo, step);
    match asks {
        Asks::Person(Some(began), took) => Some(later(later(began, took), settles)),
        Asks::Person(None, _) | Asks::Retry => None,
    }
}

/// All steps are behind it, and what was made has no name: the last one that writes is next.
fn begin_anew(connector: &dyn Connector, call: &Call<'_>, memo: &mut Memo) {
    let ended = memo.step;
    let (mut last, mut looked_for) = (None, None);
    for step in (0..ended).rev() {
        resume_at(memo, step);
        let Ok(NextStep::Send(request)) = connector.next(call, memo) else { continue };
        if last.is_none() && writes(&request) {
            last = Some(step);
        }
        if matches!(request.idempotency, Idempotency::FindFirst { .. }) {
            looked_for = Some(step);
            break;
        }
    }
    // Where nothing writes, or all of it may be sent again, it is begun as it was.
    resume_at(memo, looked_for.or(last).unwrap_or_default());
}

/// Whether a step may change something. One that only asks by `POST` counts as well: to ask again does no harm.
fn writes(request: &Request) -> bool {
    request.idempotency != Idempotency::Safe || !matches!(request.method, "GET" | "HEAD")
}

#[cfg(test)]
#[path = "again_tests.rs"]
mod tests;

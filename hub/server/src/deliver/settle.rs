//! From the end of an attempt to the verdict on it: class, next attempt, where to resume. Pure.

use std::time::Duration;

use jiff::Timestamp;
use orderhub_connectors::contract::{Idempotency, Memo, Part, Reply, Wait};
use orderhub_connectors::error::{BuildError, CallError, Next};
use orderhub_order::fold::ReceiptClass;

use crate::resilience::credential::PROBE_EVERY;
use crate::resilience::retry::{Jitter, Redelivery};
use crate::resilience::{Cause, Failure};

/// How often a job is asked for before that counts as an attempt.
const MOST_ASKED: u32 = 100;

/// How an attempt ended.
#[derive(Debug)]
pub(super) enum AttemptEnd {
    /// All steps ran.
    Done(Box<Reply>),
    /// A step failed.
    Failed {
        /// Why.
        failure: Failure,
        /// The step may have taken effect: it writes, and nobody knows.
        doubt: bool,
        /// What may be done about the step.
        idempotency: Idempotency,
        /// When the step's call began.
        began: Timestamp,
        /// The step's timeout.
        timeout: Duration,
    },
    /// A job at the system is not done yet.
    Waits(Wait),
    /// The system took some of the elements of a step, and refused others.
    Part(Box<Part>),
    /// The next step cannot be built.
    Unbuilt(BuildError),
    /// The time of the attempt is used up between two steps.
    OutOfTime,
    /// Between two steps the hub did not go on: the flight is another's by now, or held.
    Lost,
    /// The process that flew it is gone.
    Lapsed {
        /// What may be done about the step that was in the air.
        idempotency: Idempotency,
        /// When what was called last began.
        began: Timestamp,
        /// The step's timeout.
        timeout: Duration,
    },
}

/// What comes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Settlement {
    /// The class for the lane.
    pub(super) class: ReceiptClass,
    /// The class of the attempt itself, as lists show it.
    pub(super) shown: &'static str,
    /// When to try again.
    pub(super) next_due: Option<Timestamp>,
    /// The step to resume at, where it is not the memo's.
    pub(super) resume: Option<u32>,
    /// For a person.
    pub(super) why: String,
    /// The call ends by an attempt of which nobody knows whether it acted: whatever it is shown as.
    ///
    /// **Invariant:** what is given up by such an attempt is never taken for not there. Test:
    /// `what_is_given_up_may_be_there_whatever_it_is_shown_as`.
    pub(super) may_be_there: bool,
}

impl Settlement {
    /// An attempt that ends so, and nothing more.
    fn of(class: ReceiptClass, shown: &'static str, why: String) -> Self {
        Self { class, shown, next_due: None, resume: None, why, may_be_there: false }
    }

    /// An earlier step of the attempt took effect there: what is shown is true of all of it, not of its last step
    /// alone. What the lane does next stays as it is.
    ///
    /// **Invariant:** no receipt says that nothing was done of an attempt that did something. Test:
    /// `a_step_that_certainly_did_not_act_is_not_in_doubt_for_the_one_before_it`.
    pub(super) fn of_all_steps(&mut self) {
        if matches!(self.class, ReceiptClass::Ok | ReceiptClass::Already) {
            return;
        }
        if self.shown == "not_acted" {
            self.shown = "may_have_acted";
        }
        self.why.push_str("; an earlier step of this attempt took effect there");
    }
}

/// What decides about further attempts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Policy<'a> {
    /// The long retries.
    pub(super) redelivery: &'a Redelivery,
    /// Randomness.
    pub(super) jitter: &'a Jitter,
    /// Attempts of this flight, this one included.
    pub(super) attempt: u32,
    /// Now.
    pub(super) now: Timestamp,
}

impl Policy<'_> {
    pub(super) fn after(&self, wait: Duration) -> Timestamp {
        later(self.now, wait)
    }

    /// A retry by the long policy, or the end of patience.
    fn retry(
        &self,
        class: ReceiptClass,
        shown: &'static str,
        at_least: Option<Duration>,
        why: String,
    ) -> Settlement {
        let wait = self.redelivery.wait(self.attempt, at_least, self.jitter);
        match wait {
            Some(wait) => {
                let next_due = Some(self.after(wait));
                Settlement { next_due, ..Settlement::of(class, shown, why) }
            }
            None => {
                let why = format!("given up after {} attempts: {why}", self.attempt);
                let may_be_there = class == ReceiptClass::MayHaveActed;
                Settlement { may_be_there, ..Settlement::of(ReceiptClass::Dead, shown, why) }
            }
        }
    }

    /// Waits for a permit: no attempt is spent.
    fn limited(
        &self,
        class: ReceiptClass,
        shown: &'static str,
        wait: Duration,
        why: String,
    ) -> Settlement {
        let next_due = Some(self.after(self.jitter.upward(wait)));
        Settlement { next_due, ..Settlement::of(class, shown, why) }
    }
}

pub(super) fn later(at: Timestamp, by: Duration) -> Timestamp {
    let by = jiff::SignedDuration::try_from(by).unwrap_or(jiff::SignedDuration::MAX);
    at.checked_add(by).unwrap_or(Timestamp::MAX)
}

/// The verdict on an attempt.
pub(super) fn judge(end: &AttemptEnd, policy: Policy<'_>) -> Settlement {
    match end {
        AttemptEnd::Done(reply) => {
            let (class, shown) = match reply.already {
                true => (ReceiptClass::Already, "already"),
                false => (ReceiptClass::Ok, "ok"),
            };
            Settlement::of(class, shown, String::new())
        }
        AttemptEnd::Failed { failure, doubt: true, idempotency, began, timeout }
            if !is_final(&failure.cause) =>
        {
            let why = failure.cause.to_string();
            doubt(idempotency, later(*began, *timeout), policy, why)
        }
        AttemptEnd::Failed { failure, idempotency, .. } => failed(failure, idempotency, policy),
        AttemptEnd::Unbuilt(error) => unbuilt(error, policy),
        AttemptEnd::Waits(wait) => waits(*wait, policy),
        AttemptEnd::Part(part) => partly(part, policy),
        // No attempt is spent on it: each one gets further than the one before.
        AttemptEnd::OutOfTime => {
            let why = "the time of one attempt was used up between two steps; it goes on at once";
            at_once(policy, why)
        }
        // The commit of this verdict finds out what is true: another's flight stays as it is.
        AttemptEnd::Lost => {
            let why = "stopped between two steps: what was found could not be stored with the call";
            at_once(policy, why)
        }
        AttemptEnd::Lapsed { idempotency, began, timeout } => {
            let why = "lapsed: the process ended before the answer came".to_owned();
            let ends = later(*began, *timeout);
            match idempotency {
                Idempotency::Safe => {
                    Settlement { next_due: Some(policy.now), ..perhaps(None, why) }
                }
                Idempotency::FindFirst { step, settles } => {
                    let next_due = later(ends, *settles).max(policy.now);
                    Settlement { next_due: Some(next_due), ..perhaps(Some(*step), why) }
                }
                Idempotency::Unsafe => in_doubt(why),
            }
        }
    }
}

/// It goes on at once, and no attempt is spent.
fn at_once(policy: Policy<'_>, why: &str) -> Settlement {
    let next_due = Some(policy.now);
    let verdict = Settlement::of(ReceiptClass::Throttled, "not_acted", why.to_owned());
    Settlement { next_due, ..verdict }
}

/// A job is waited for as its file says, and no attempt is spent on that; one that takes very long costs patience.
///
/// **Invariant:** nothing is waited for without end. Test: `a_job_that_never_ends_is_given_up`.
fn waits(wait: Wait, policy: Policy<'_>) -> Settlement {
    let why = format!(
        "the system is not done yet: it is asked again each {} s",
        wait.every.as_secs_f64().ceil()
    );
    if wait.asked <= MOST_ASKED {
        return policy.limited(ReceiptClass::Throttled, "throttled", wait.every, why);
    }
    policy.retry(ReceiptClass::NotActed, "not_acted", Some(wait.every), why)
}

/// Some of the elements are done, and are not sent again: what is left is tried later, or shown to a person, and
/// nothing else leaves for the lane before he has decided.
fn partly(part: &Part, policy: Policy<'_>) -> Settlement {
    let why = part.why();
    if part.again {
        let verdict = policy.retry(ReceiptClass::NotActed, "not_acted", None, why);
        if verdict.next_due.is_some() {
            return verdict;
        }
        return Settlement { shown: "said_no", ..in_doubt(verdict.why) };
    }
    Settlement { shown: "said_no", ..in_doubt(why) }
}

fn perhaps(resume: Option<u32>, why: String) -> Settlement {
    let verdict = Settlement::of(ReceiptClass::MayHaveActed, "may_have_acted", why);
    Settlement { resume, ..verdict }
}

/// Nobody can answer whether it took effect: a person must look.
pub(super) fn in_doubt(why: String) -> Settlement {
    Settlement::of(ReceiptClass::InDoubt, "may_have_acted", why)
}

fn failed(failure: &Failure, idempotency: &Idempotency, policy: Policy<'_>) -> Settlement {
    let why = failure.cause.to_string();
    match &failure.cause {
        Cause::Call(error) => called(error, idempotency, policy, why),
        Cause::Shut(until) => {
            let wait =
                until.map(|until| until.saturating_duration_since(tokio::time::Instant::now()));
            let wait = wait.unwrap_or(Duration::from_secs(1));
            policy.limited(ReceiptClass::Throttled, "throttled", wait, why)
        }
        Cause::Limited(wait) => policy.limited(ReceiptClass::Throttled, "throttled", *wait, why),
        Cause::Refused(wait) => policy.limited(ReceiptClass::NotAllowed, "not_allowed", *wait, why),
        // Ours to mend, not the system's: no attempt is spent on it.
        Cause::CutOff => policy.limited(ReceiptClass::Throttled, "not_acted", Duration::ZERO, why),
    }
}

/// An answer that stands, whatever an earlier attempt did.
fn is_final(cause: &Cause) -> bool {
    let Cause::Call(error) = cause else { return false };
    match error.next() {
        Next::GiveUp | Next::Look => true,
        Next::Retry { .. } | Next::Slower { .. } | Next::Doubt | Next::Renew => false,
    }
}

/// After *may have acted*.
fn doubt(
    idempotency: &Idempotency,
    ends: Timestamp,
    policy: Policy<'_>,
    why: String,
) -> Settlement {
    match idempotency {
        // The repeats inside the call are used up: the long policy goes on.
        Idempotency::Safe => policy.retry(ReceiptClass::MayHaveActed, "may_have_acted", None, why),
        Idempotency::FindFirst { step, settles } => {
            let verdict = policy.retry(ReceiptClass::MayHaveActed, "may_have_acted", None, why);
            let settled = later(ends, *settles);
            let next_due = verdict.next_due.map(|due| due.max(settled));
            Settlement { next_due, resume: Some(*step), ..verdict }
        }
        Idempotency::Unsafe => in_doubt(why),
    }
}

fn called(
    error: &CallError,
    idempotency: &Idempotency,
    policy: Policy<'_>,
    why: String,
) -> Settlement {
    match error.next() {
        Next::Retry { at_least } => {
            policy.retry(ReceiptClass::NotActed, "not_acted", at_least, why)
        }
        Next::Slower { at_least } => {
            let wait = at_least.unwrap_or(policy.redelivery.first);
            let wait = wait.min(crate::resilience::retry::LONGEST_RETRY_AFTER);
            policy.limited(ReceiptClass::Throttled, "throttled", wait, why)
        }
        // It only looked: nothing happened there.
        Next::Doubt => policy.retry(ReceiptClass::NotActed, "not_acted", None, why),
        Next::Look => match idempotency {
            Idempotency::FindFirst { step, .. } => {
                let verdict = policy.retry(ReceiptClass::MayHaveActed, "already", None, why);
                let next_due = verdict.next_due.map(|_| policy.now);
                Settlement { next_due, resume: Some(*step), ..verdict }
            }
            Idempotency::Safe => Settlement::of(ReceiptClass::Already, "already", why),
            // Done before, and no step can tell what came of it.
            Idempotency::Unsafe => in_doubt(why),
        },
        Next::GiveUp => Settlement::of(ReceiptClass::SaidNo, "said_no", why),
        // Others may be answered: it is tried again with the patience of one that fails, and then is for a person.
        Next::Renew if error.may_be_about_this() => {
            policy.retry(ReceiptClass::NotActed, "not_allowed", None, why)
        }
        Next::Renew => policy.limited(ReceiptClass::NotAllowed, "not_allowed", PROBE_EVERY, why),
    }
}

fn unbuilt(error: &BuildError, policy: Policy<'_>) -> Settlement {
    let why = error.to_string();
    match error {
        // A link that went missing comes back with a document; a secret with the settings.
        BuildError::NotLinked(_) => policy.retry(ReceiptClass::NotActed, "not_acted", None, why),
        BuildError::Secret(_) => {
            policy.limited(ReceiptClass::NotAllowed, "not_allowed", PROBE_EVERY, why)
        }
        BuildError::UnknownOperation(_) | BuildError::NotGiven { .. } | BuildError::Step { .. } => {
            Settlement::of(ReceiptClass::Dead, "not_acted", why)
        }
    }
}

/// Where a resumed attempt starts: everything found is kept, the named step looks again.
pub(super) fn resume_at(memo: &mut Memo, step: u32) {
    memo.step = step;
    memo.position = 0;
}

#[cfg(test)]
#[path = "settle_tests.rs"]
mod tests;

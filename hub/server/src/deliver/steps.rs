//! The steps of one operation, one after the other, each through the stack.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use orderhub_connectors::contract::{
    Answer, Call, Connector, Idempotency, Memo, NextStep, ReplyXref, Request, Wait,
};
use orderhub_connectors::error::BuildError;
use tokio::time::Instant;

use super::again;
use super::attempt::Attempt;
use super::dispatcher::Dispatcher;
use super::flying::Flying;
use super::settle::AttemptEnd;
use crate::resilience::purse::Reserve;
use crate::resilience::{Caller, Exchanged, Failure, Prepaid, Step};
use crate::telemetry::trace::Place;

/// Who waits for a job keeps its permits for so long, all waits together; what takes longer goes back to its lane, or its
/// poll.
pub(super) const IN_HAND: Duration = Duration::from_secs(5);
/// Less than this is no time to ask in.
const LEAST: Duration = Duration::from_secs(1);

/// What is run.
pub(super) struct Run<'a> {
    /// The system.
    pub(super) dispatcher: &'a Dispatcher,
    /// What speaks to it.
    pub(super) connector: &'a dyn Connector,
    /// The call, its inputs frozen.
    pub(super) call: &'a Call<'a>,
    /// No step begins that could not end before this moment.
    pub(super) until: Instant,
    /// So long a job is waited for, all waits together; `None`: as long as there is time, as somebody waits for it, or
    /// would begin it anew.
    pub(super) in_hand: Option<Duration>,
    /// The stored flight whose memo is committed on the way; none for reads.
    pub(super) flying: Option<&'a Flying<'a>>,
    /// Where in a trace its requests stand.
    pub(super) place: Option<&'a Place>,
}

/// How it ended, with what was found on the way.
pub(super) struct Ran {
    pub(super) end: AttemptEnd,
    pub(super) memo: Memo,
    /// The status of the last answer.
    pub(super) status: Option<u16>,
    /// References known when it ended.
    pub(super) known: Vec<ReplyXref>,
    /// A step was written there: not all of it was looking.
    pub(super) wrote: bool,
}

/// The last request of a step, and the answer to it.
#[derive(Debug, Default)]
pub(super) struct Last {
    status: AtomicU16,
    sent: Mutex<Option<Timestamp>>,
}

impl Last {
    /// Notes when a request leaves, which may have waited for its turn or a login.
    pub(super) fn leaves(&self, now: Timestamp) {
        *self.sent.lock().unwrap_or_else(PoisonError::into_inner) = Some(now);
    }

    /// When the last request left.
    fn sent(&self) -> Option<Timestamp> {
        *self.sent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes an answer as it came.
    pub(super) fn note(&self, answer: &Answer) {
        self.status.store(answer.status, Ordering::Relaxed);
    }
}

impl Run<'_> {
    /// Runs from the memo's step to the end, or to the first failure that is not repeated inside the
    /// call.
    ///
    /// **Invariant:** before a step that is not repeatable, the memo that leads to it is stored. Test:
    /// `a_flight_of_a_process_that_died_is_looked_for_and_made_once`.
    pub(super) async fn run(&self, memo: Memo, first: Option<Prepaid>) -> Ran {
        let mut prepaid = first.unwrap_or_default();
        let (mut memo, last, mut wrote) = (memo, Last::default(), false);
        let mut waited = Duration::ZERO;
        let end = loop {
            let request = match self.next(&mut memo) {
                Ok(NextStep::Done(reply)) => break AttemptEnd::Done(reply),
                Ok(NextStep::Send(request)) => match self.in_time(request) {
                    Some(request) => request,
                    None => break AttemptEnd::OutOfTime,
                },
                Ok(NextStep::Wait(wait)) => {
                    memo.go_on();
                    let Some(ends) = self.in_hand(wait, &mut waited) else {
                        break AttemptEnd::Waits(wait);
                    };
                    if let Some(flying) = self.flying {
                        // Whoever takes over shall not begin the job anew.
                        let known = self.connector.known(self.call, &memo);
                        if flying.note(&memo, &known, false).await.is_err() {
                            break AttemptEnd::Lost;
                        }
                    }
                    tokio::time::sleep_until(ends).await;
                    continue;
                }
                Ok(NextStep::Part(part)) => {
                    memo.go_on();
                    break AttemptEnd::Part(part);
                }
                Err(error) => break AttemptEnd::Unbuilt(error),
            };
            if !self.dispatcher.common.store.lives() {
                break AttemptEnd::Lost;
            }
            if let Some(flying) = self.flying {
                let known = self.connector.known(self.call, &memo);
                let repeatable = request.idempotency == Idempotency::Safe;
                if flying.note(&memo, &known, repeatable).await.is_err() {
                    break AttemptEnd::Lost;
                }
            }
            let began = self.dispatcher.common.clock.now();
            match self.step(&request, &memo, std::mem::take(&mut prepaid), &last).await {
                Ok(exchanged) => {
                    memo = exchanged.memo;
                    wrote |= writes(&request);
                }
                Err(failure) => break failed(failure, &request, &last, began),
            }
        };
        let status = Some(last.status.load(Ordering::Relaxed)).filter(|status| *status != 0);
        let known = self.connector.known(self.call, &memo);
        // What the system said is not ours to trust with our secrets.
        Ran { end: self.masked(end), memo, status, known, wrote }
    }

    fn next(&self, memo: &mut Memo) -> Result<NextStep, BuildError> {
        again::go_on(self.connector, self.call, memo);
        self.connector.next(self.call, memo)
    }

    /// Until when a job at the system is waited for in hand; `None`: it takes too long for that.
    fn in_hand(&self, wait: Wait, waited: &mut Duration) -> Option<Instant> {
        let ends = Instant::now() + wait.every;
        *waited = waited.saturating_add(wait.every);
        let keeps = self.in_hand.is_none_or(|most| *waited <= most);
        (keeps && ends + LEAST <= self.until).then_some(ends)
    }

    /// The step with the time that it gets; `None`: it could not end before the run has to. Looking changes
    /// nothing, so a step of a read gets what is left where it would take longer: it is asked all the same.
    ///
    /// **Invariant:** a read whose steps may take longer than the whole of it is asked for, not put off for ever.
    /// Test: `a_read_whose_step_may_take_longer_than_all_of_it_is_asked`.
    fn in_time(&self, mut request: Box<Request>) -> Option<Box<Request>> {
        let left = self.until.saturating_duration_since(Instant::now());
        if self.flying.is_none() && left >= LEAST {
            request.timeout = request.timeout.min(left);
        }
        (request.timeout <= left).then_some(request)
    }

    /// Longest time for one attempt at a step. Where it may have to log in first, or to wait for another's login, the
    /// attempt bounds both by itself ([`Attempt`]), so that time they take is not mistaken for a call that may have
    /// acted.
    fn longest(&self, request: &Request) -> Duration {
        match self.connector.logs_in() {
            None => request.timeout,
            Some(_) => self.until.saturating_duration_since(Instant::now()).max(request.timeout),
        }
    }

    async fn step(
        &self,
        request: &Request,
        memo: &Memo,
        prepaid: Prepaid,
        last: &Last,
    ) -> Result<Exchanged, Failure> {
        let operation = self.call.operation;
        let reserve = self.dispatcher.reserve(self.connector, operation, request).map(Reserve::new);
        let attempt = Attempt { run: self, request, memo, last, reserve: reserve.as_ref() };
        let step = Step {
            operation,
            limit: &request.limit,
            key: request.limit_key.as_deref(),
            about: about(request),
            timeout: self.longest(request),
            repeatable: request.idempotency == Idempotency::Safe,
            until: self.until,
            prepaid,
            reserve: reserve.as_ref(),
            exchange: &attempt,
        };
        self.dispatcher.stack.call(&step).await
    }
}

/// What tells a request from others: where it goes, and what it says.
fn about(request: &Request) -> u64 {
    let mut hasher = DefaultHasher::new();
    (&request.url, &request.body).hash(&mut hasher);
    hasher.finish()
}

/// Looking changes nothing there, whatever became of the answer; a file may say otherwise of a step.
fn writes(request: &Request) -> bool {
    request.idempotency != Idempotency::Safe || !matches!(request.method, "GET" | "HEAD")
}

/// `began`: when the step did, whose request may have left later.
fn failed(failure: Failure, request: &Request, last: &Last, began: Timestamp) -> AttemptEnd {
    let doubt = writes(request) && failure.may_have_acted();
    let began = last.sent().max(Some(began)).unwrap_or(began);
    let (idempotency, timeout) = (request.idempotency.clone(), request.timeout);
    AttemptEnd::Failed { failure, doubt, idempotency, began, timeout }
}

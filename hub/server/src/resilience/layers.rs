//! The layers between a call and the wire, innermost first. Their order is [`super::stack`]'s.

use std::sync::Arc;
use std::time::Duration;

use orderhub_connectors::error::{CallError, Next};
use tokio::time::Instant;

use super::gate::Health;
use super::limit::Limits;
use super::purse::{Line, Reserve, Told};
use super::retry::LONGEST_RETRY_AFTER;
use super::{Caller, Cause, Exchanged, Failure, Guards, Leave, Step};

/// The core: one attempt of the step's exchange.
#[derive(Clone, Copy, Debug)]
pub struct Wire;

impl Caller for Wire {
    async fn call(&self, step: &Step<'_>) -> Result<Exchanged, Failure> {
        Ok(step.exchange.run().await?)
    }
}

/// Ends an attempt that takes too long: it may have acted.
#[derive(Debug)]
pub struct Timed<C> {
    inner: C,
}

impl<C> Timed<C> {
    pub(super) fn new(inner: C) -> Self {
        Self { inner }
    }
}

impl<C: Caller> Caller for Timed<C> {
    async fn call(&self, step: &Step<'_>) -> Result<Exchanged, Failure> {
        let attempt = tokio::time::timeout(step.timeout, self.inner.call(step)).await;
        attempt.unwrap_or_else(|_| {
            let why = format!("no answer within {} ms", step.timeout.as_millis());
            Err(CallError::MayHaveActed { why }.into())
        })
    }
}

/// Takes a token for each attempt, unless the dispatcher took it before.
#[derive(Debug)]
pub struct Paced<C> {
    inner: C,
    guards: Arc<Guards>,
}

impl<C> Paced<C> {
    pub(super) fn new(inner: C, guards: Arc<Guards>) -> Self {
        Self { inner, guards }
    }

    /// Takes what the attempt needs; how many calls.
    async fn take(&self, step: &Step<'_>) -> Result<u32, Duration> {
        let left = step.until.saturating_duration_since(Instant::now());
        let limits = &self.guards.limits;
        if let Some(reserve) = step.reserve {
            return limits.set_aside(step.limit, reserve.calls(), left, Line::Behind).await;
        }
        // Who waits for a key holds what others could call with.
        let left = if step.key.is_some() { left.min(self.guards.token_wait) } else { left };
        limits.acquire(step.limit, step.key, left).await.map(|()| 1)
    }

    /// What was set aside for an attempt that no answer settled: it was not made, but where nobody knows.
    fn give_back(&self, step: &Step<'_>, outcome: &Result<Exchanged, Failure>) {
        let Some(held) = step.reserve.and_then(Reserve::take) else { return };
        let unknown = matches!(
            outcome,
            Err(Failure { cause: Cause::Call(CallError::MayHaveActed { .. }), .. })
        );
        let cost = if unknown { None } else { Some(0) };
        self.guards.limits.settle(step.limit, Some(held), &Told { cost, ..Told::default() });
    }
}

/// Settles what was set aside for an attempt that is dropped before its end: what it counted as nobody knows.
struct Dropped<'a> {
    limits: &'a Limits,
    limit: &'a str,
    of: Option<&'a Reserve>,
}

impl Drop for Dropped<'_> {
    fn drop(&mut self) {
        if let Some(held) = self.of.and_then(Reserve::take) {
            self.limits.settle(self.limit, Some(held), &Told::default());
        }
    }
}

impl<C: Caller> Caller for Paced<C> {
    async fn call(&self, step: &Step<'_>) -> Result<Exchanged, Failure> {
        let calls = match step.prepaid.take_calls() {
            Some(calls) => calls,
            None => self.take(step).await.map_err(Cause::Limited)?,
        };
        if let Some(reserve) = step.reserve {
            reserve.hold(self.guards.limits.begin(step.limit, calls));
        }
        let dropped = Dropped { limits: &self.guards.limits, limit: step.limit, of: step.reserve };
        let outcome = self.inner.call(step).await;
        std::mem::forget(dropped);
        self.give_back(step, &outcome);
        if let Err(Failure { cause: Cause::Call(error), .. }) = &outcome
            && let Next::Slower { at_least } = error.next()
        {
            // Who throttles without a word gets a second of peace.
            let pause = at_least.unwrap_or(Duration::from_secs(1)).min(LONGEST_RETRY_AFTER);
            self.guards.limits.throttled(step.limit, self.guards.jitter.upward(pause));
        }
        outcome
    }
}

/// Lets attempts pass while the system is well and takes the credential that they carry, and tells both how it went.
///
/// **Invariant:** only what the system did counts: what never left gives the probe back, here and for all
/// processes. Tests: `what_the_hub_did_not_send_is_no_word_of_the_system`,
/// `a_hub_that_is_cut_off_from_its_store_opens_no_breaker`.
#[derive(Debug)]
pub struct Gated<C> {
    inner: C,
    guards: Arc<Guards>,
}

impl<C> Gated<C> {
    pub(super) fn new(inner: C, guards: Arc<Guards>) -> Self {
        Self { inner, guards }
    }
}

impl<C: Caller> Caller for Gated<C> {
    async fn call(&self, step: &Step<'_>) -> Result<Exchanged, Failure> {
        let Leave { mut admission, probe } = match step.prepaid.take_leave() {
            Some(leave) => leave,
            None => self.guards.admit(step.operation).await?,
        };
        admission.begin();
        let outcome = self.inner.call(step).await;
        let now = Instant::now();
        match &outcome {
            Ok(_) => {
                probe.used();
                self.guards.took(step.operation);
                admission.settle(Health::Well, now);
            }
            Err(Failure { cause: Cause::Call(error), .. }) => {
                probe.used();
                let credential = self.guards.proofs.of(step.operation);
                match error.next() {
                    Next::GiveUp | Next::Look => credential.answered(),
                    Next::Retry { .. } | Next::Slower { .. } | Next::Doubt | Next::Renew => {}
                }
                let refused = error.next() == Next::Renew
                    && (!error.may_be_about_this() || credential.forbids(step.about));
                if refused && self.guards.refused(step.operation, now) {
                    tracing::error!(
                        operation = step.operation,
                        "credential refused: nothing is sent but one probe each five minutes"
                    );
                }
                admission.settle(if error.is_ill() { Health::Ill } else { Health::Well }, now);
            }
            // No token, or no store: nothing was sent, nothing is known.
            Err(_) => admission.withdraw(),
        }
        outcome
    }
}

/// Repeats what may be repeated, within the budget of the system and the time of the call.
#[derive(Debug)]
pub struct Retried<C> {
    inner: C,
    guards: Arc<Guards>,
}

impl<C> Retried<C> {
    pub(super) fn new(inner: C, guards: Arc<Guards>) -> Self {
        Self { inner, guards }
    }

    /// The wait before the next attempt; `None`: the call ends here.
    fn wait(&self, step: &Step<'_>, attempts: u32, error: &CallError) -> Option<Duration> {
        let at_least = match error.next() {
            Next::Retry { at_least } | Next::Slower { at_least } => at_least,
            Next::Doubt if step.repeatable => None,
            Next::Doubt | Next::Look | Next::GiveUp | Next::Renew => return None,
        };
        let wait = self.guards.retries.wait(attempts, at_least, &self.guards.jitter)?;
        let now = Instant::now();
        (now + wait < step.until && self.guards.budget.withdraw(now)).then_some(wait)
    }
}

impl<C: Caller> Caller for Retried<C> {
    async fn call(&self, step: &Step<'_>) -> Result<Exchanged, Failure> {
        self.guards.budget.deposit();
        let mut last: Option<Failure> = None;
        let mut attempts = 0;
        loop {
            let mut failure = match self.inner.call(step).await {
                Ok(exchanged) => return Ok(exchanged),
                Err(failure) => failure,
            };
            attempts += 1;
            failure.earlier_may_have_acted = last.as_ref().is_some_and(Failure::may_have_acted);
            let Cause::Call(error) = &failure.cause else {
                // A refused attempt tells less than the one before it, which was spent.
                return Err(last.unwrap_or(failure));
            };
            let Some(wait) = self.wait(step, attempts, error) else { return Err(failure) };
            last = Some(failure);
            tokio::time::sleep(wait).await;
        }
    }
}

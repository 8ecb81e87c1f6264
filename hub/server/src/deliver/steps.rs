//! The steps of one operation, one after the other, each through the stack.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU16, Ordering};

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use orderhub_connectors::contract::{
    Call, Connector, Credentials, Idempotency, Memo, NextStep, ReplyXref, Request,
};
use orderhub_connectors::error::{BuildError, CallError};
use tokio::time::Instant;

use super::dispatcher::Dispatcher;
use super::ease;
use super::send::Flying;
use super::settle::AttemptEnd;
use crate::resilience::{Caller, Cause, Exchange, Exchanged, Failure, Prepaid, Step};
use crate::telemetry::trace::{self, Kind, Place, Span};

/// Values of a rotating secret that are tried for one call.
const MOST_TURNS: usize = 4;

/// Secrets by name, with what tells their values from others.
type Used = RefCell<BTreeMap<String, u64>>;

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

impl Run<'_> {
    /// Runs from the memo's step to the end, or to the first failure that is not repeated inside the
    /// call.
    ///
    /// **Invariant:** before a step that is not repeatable, the memo that leads to it is stored. Test:
    /// `a_flight_of_a_process_that_died_is_looked_for_and_made_once`.
    pub(super) async fn run(&self, memo: Memo, first: Option<Prepaid>) -> Ran {
        let mut prepaid = first.unwrap_or_default();
        let (mut memo, status, mut wrote) = (memo, AtomicU16::new(0), false);
        let end = loop {
            let request = match self.connector.next(self.call, &memo) {
                Ok(NextStep::Done(reply)) => break AttemptEnd::Done(reply),
                Ok(NextStep::Send(request)) => request,
                Err(error) => break AttemptEnd::Unbuilt(error),
            };
            if !self.dispatcher.common.store.lives() {
                break AttemptEnd::Lost;
            }
            if Instant::now() + request.timeout > self.until {
                break AttemptEnd::OutOfTime;
            }
            if let Some(flying) = self.flying {
                let known = self.connector.known(self.call, &memo);
                let repeatable = request.idempotency == Idempotency::Safe;
                if flying.note(&memo, &known, repeatable).await.is_err() {
                    break AttemptEnd::Lost;
                }
            }
            let began = self.dispatcher.common.clock.now();
            match self.step(&request, &memo, std::mem::take(&mut prepaid), &status).await {
                Ok(exchanged) => {
                    memo = exchanged.memo;
                    wrote |= writes(&request);
                }
                Err(failure) => {
                    let doubt = writes(&request) && failure.may_have_acted();
                    break failed(failure, &request, doubt, began);
                }
            }
        };
        let status = Some(status.into_inner()).filter(|status| *status != 0);
        let known = self.connector.known(self.call, &memo);
        Ran { end, memo, status, known, wrote }
    }

    async fn step(
        &self,
        request: &Request,
        memo: &Memo,
        prepaid: Prepaid,
        status: &AtomicU16,
    ) -> Result<Exchanged, Failure> {
        let attempt = Attempt { run: self, request, memo, status };
        let step = Step {
            operation: self.call.operation,
            limit: &request.limit,
            key: request.limit_key.as_deref(),
            timeout: request.timeout,
            repeatable: request.idempotency == Idempotency::Safe,
            until: self.until,
            prepaid,
            exchange: &attempt,
        };
        self.dispatcher.stack.call(&step).await
    }
}

/// Looking changes nothing there, whatever became of the answer; a file may say otherwise of a step.
fn writes(request: &Request) -> bool {
    request.idempotency != Idempotency::Safe || !matches!(request.method, "GET" | "HEAD")
}

fn failed(failure: Failure, request: &Request, doubt: bool, began: Timestamp) -> AttemptEnd {
    let (idempotency, timeout) = (request.idempotency.clone(), request.timeout);
    AttemptEnd::Failed { failure, doubt, idempotency, began, timeout }
}

/// One attempt at one step.
struct Attempt<'a> {
    run: &'a Run<'a>,
    request: &'a Request,
    memo: &'a Memo,
    status: &'a AtomicU16,
}

impl Attempt<'_> {
    /// The request with the values of secrets of a turn, and how many values the secret with the most has.
    /// `used`: which secrets they are, told also of one that is missing.
    fn authorized(&self, turn: usize, used: &Used) -> Result<(Request, usize), BuildError> {
        let mut request = self.request.clone();
        let nonce = uuid::Uuid::new_v4().simple().to_string();
        let dispatcher = self.run.dispatcher;
        let most = Cell::new(1);
        let secret = |name: &str| {
            let mut values = (dispatcher.secret)(name);
            most.set(most.get().max(values.len()));
            used.borrow_mut().insert(name.to_owned(), ease::print(&values));
            let turn = turn.checked_rem(values.len()).unwrap_or(0);
            values.rotate_left(turn);
            values
        };
        let credentials = Credentials {
            secret: &secret,
            settings: self.run.call.settings,
            now: dispatcher.common.clock.now().as_second(),
            nonce: &nonce,
        };
        self.run.connector.authorize(&mut request, &credentials)?;
        Ok((request, most.get()))
    }

    /// One request with the values of a turn, in a span of its own.
    async fn once(&self, mut request: Request) -> Result<Exchanged, Cause> {
        if !self.run.dispatcher.common.store.lives() {
            // Others may look after this call by now.
            return Err(Cause::CutOff);
        }
        let mut span = self.span(&mut request);
        let exchanged = self.exchange(&request, &mut span).await;
        if let Err(error) = &exchanged {
            span.fail(word(error));
        }
        exchanged.map_err(Cause::Call)
    }

    /// While a secret rotates it has several values, and nobody knows which of them the system takes by now:
    /// what it refuses is asked again with the next, at once, for a refusal has no effect.
    ///
    /// **Invariant:** a rotation costs no call, whichever side is first. Test:
    /// `a_secret_is_rotated_under_load_without_a_refused_call`.
    async fn taken(&self) -> Result<Exchanged, Cause> {
        let preferred = &self.run.dispatcher.turn;
        let first = preferred.load(Ordering::Relaxed);
        let (mut turn, mut tried) = (first, 0);
        loop {
            // A missing secret is a refused credential: everything waits, one alarm, no attempt each.
            let used = Used::default();
            let authorized = self.authorized(turn, &used).inspect_err(|_| {
                self.run.dispatcher.easing.refused_with(used.take());
            });
            let (request, most) = authorized
                .map_err(|e| Cause::Call(CallError::NotAllowed { why: e.to_string() }))?;
            tried += 1;
            match self.once(request).await {
                Err(Cause::Call(CallError::NotAllowed { .. })) if tried < most.min(MOST_TURNS) => {
                    turn = (turn + 1).checked_rem(most).unwrap_or(0);
                }
                done => {
                    if matches!(done, Err(Cause::Call(CallError::NotAllowed { .. }))) {
                        self.run.dispatcher.easing.refused_with(used.take());
                    }
                    if done.is_ok() && turn != first {
                        preferred.store(turn, Ordering::Relaxed);
                    }
                    return done;
                }
            }
        }
    }

    async fn exchange(&self, request: &Request, span: &mut Span) -> Result<Exchanged, CallError> {
        let answer = self.run.dispatcher.common.transport.send(request).await?;
        self.status.store(answer.status, Ordering::Relaxed);
        span.set("http.response.status_code", || i64::from(answer.status));
        let mut memo = self.memo.clone();
        self.run.connector.answer(self.run.call, &mut memo, &answer)?;
        Ok(Exchanged { memo, status: Some(answer.status) })
    }

    /// Begins the span of a request, and tells the target where in a trace it stands; a connector that does
    /// so itself is left alone. What is signed stands before that.
    fn span(&self, request: &mut Request) -> Span {
        let mut span =
            trace::begin(Kind::Client, self.run.place, || format!("call {}", request.step));
        span.set("orderhub.system", || self.run.dispatcher.label());
        span.set("orderhub.operation", || self.run.call.operation.to_owned());
        span.set("orderhub.step", || request.step.clone());
        span.set("http.request.method", || request.method);
        let own =
            |name: &str| request.headers.iter().any(|(own, _)| own.eq_ignore_ascii_case(name));
        let place = span.place().filter(|_| !own("traceparent"));
        let given = place.iter().flat_map(Place::headers);
        request.headers.extend(given.map(|(name, value)| (name.to_owned(), value)));
        span
    }
}

/// What a failure is, in the words of receipts.
fn word(error: &CallError) -> &'static str {
    match error {
        CallError::NotActed { .. } => "not_acted",
        CallError::MayHaveActed { .. } => "may_have_acted",
        CallError::Already { .. } => "already",
        CallError::Throttled { .. } => "throttled",
        CallError::NotAllowed { .. } => "not_allowed",
        CallError::SaidNo { .. } => "said_no",
    }
}

impl Exchange for Attempt<'_> {
    fn run(&self) -> BoxFuture<'_, Result<Exchanged, Cause>> {
        Box::pin(self.taken())
    }
}

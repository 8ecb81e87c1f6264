//! One attempt at one step: a credential that the system takes, the request, and what the answer says.
//!
//! **Invariant:** what is tried anew within an attempt had no effect: a refused credential, and no other answer.
//! Tests: `a_secret_is_rotated_under_load_without_a_refused_call`,
//! `a_session_that_ended_is_renewed_without_a_refused_call`, `a_login_that_fails_leaves_no_doubt`.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::BoxFuture;
use orderhub_connectors::contract::{Answer, Credentials, Idempotency, Memo, Request, Session};
use orderhub_connectors::error::{BuildError, CallError};
use tokio::time::Instant;

use super::ease;
use super::session::Held;
use super::steps::{Last, Run};
use crate::resilience::purse::{Reserve, Told};
use crate::resilience::{Cause, Exchange, Exchanged};
use crate::telemetry::trace::{self, Kind, Place, Span};

/// Values of a rotating secret that are tried for one call.
const MOST_TURNS: usize = 4;

/// Secrets by name, with what tells their values from others.
type Used = Mutex<BTreeMap<String, u64>>;

/// One attempt at one step.
pub(super) struct Attempt<'a> {
    pub(super) run: &'a Run<'a>,
    pub(super) request: &'a Request,
    pub(super) memo: &'a Memo,
    /// The last answer.
    pub(super) last: &'a Last,
    /// What was set aside for it.
    pub(super) reserve: Option<&'a Reserve>,
}

impl Attempt<'_> {
    /// What is built by `build` with the values of secrets of a turn, and how many values the secret with the
    /// most has. `used`: which secrets they are, told also of one that is missing.
    fn with_secrets<T>(
        &self,
        (turn, session): (usize, &Session),
        used: &Used,
        build: impl FnOnce(&Credentials<'_>) -> Result<T, BuildError>,
    ) -> Result<(T, usize), CallError> {
        let nonce = uuid::Uuid::new_v4().simple().to_string();
        let dispatcher = self.run.dispatcher;
        let most = Cell::new(1);
        let secret = |name: &str| {
            let mut values = (dispatcher.secret)(name);
            most.set(most.get().max(values.len()));
            let print = ease::print(&values);
            used.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), print);
            let turn = turn.checked_rem(values.len()).unwrap_or(0);
            values.rotate_left(turn);
            values
        };
        let credentials = Credentials {
            secret: &secret,
            settings: self.run.call.settings,
            now: dispatcher.common.clock.now().as_second(),
            nonce: &nonce,
            session: &session.values,
        };
        // A missing secret is a refused credential: everything waits, one alarm, no attempt each.
        let built = build(&credentials)
            .map_err(|e| CallError::NotAllowed { status: None, why: e.to_string() })?;
        Ok((built, most.get()))
    }

    /// One request with the values of a turn, in a span of its own.
    async fn once(&self, mut request: Request) -> Result<Exchanged, CallError> {
        let mut span = self.span(&mut request);
        let exchanged = self.exchange(&request, &mut span).await;
        if let Err(error) = &exchanged {
            span.fail(word(error));
        }
        exchanged
    }

    /// While a secret rotates it has several values, and nobody knows which of them the system takes by now:
    /// what it refuses is asked again with the next, at once, for a refusal has no effect.
    ///
    /// **Invariant:** a rotation costs no call, whichever side is first. Test:
    /// `a_secret_is_rotated_under_load_without_a_refused_call`.
    async fn taken<T, F>(
        &self,
        session: &Session,
        used: &Used,
        build: impl Fn(&Credentials<'_>) -> Result<Request, BuildError>,
        send: impl Fn(Request) -> F,
    ) -> Result<T, Cause>
    where
        F: Future<Output = Result<T, CallError>>,
    {
        let dispatcher = self.run.dispatcher;
        let first = dispatcher.turn.load(Ordering::Relaxed);
        let (mut turn, mut tried) = (first, 0);
        loop {
            let built = self.with_secrets((turn, session), used, &build);
            let (request, most) = built.map_err(Cause::Call)?;
            if !dispatcher.common.store.lives() {
                // Others may look after this call by now.
                return Err(Cause::CutOff);
            }
            if self.request.idempotency != Idempotency::Safe
                && let Some(flying) = self.run.flying
                && flying.leaves().await.is_err()
            {
                return Err(Cause::CutOff);
            }
            tried += 1;
            match send(request).await {
                Err(CallError::NotAllowed { .. }) if tried < most.min(MOST_TURNS) => {
                    turn = (turn + 1).checked_rem(most).unwrap_or(0);
                }
                done => {
                    // Whatever it says, a system that answers to the call has taken the secret.
                    let taken = matches!(
                        done,
                        Ok(_) | Err(CallError::SaidNo { .. } | CallError::Already { .. })
                    );
                    if taken && turn != first {
                        dispatcher.turn.store(turn, Ordering::Relaxed);
                    }
                    return done.map_err(Cause::Call);
                }
            }
        }
    }

    /// The call with a credential that the system takes: one that ends is asked for before, and once more when
    /// it is refused.
    async fn renewed(&self, used: &Used) -> Result<Exchanged, Cause> {
        let connector = self.run.connector;
        let authorized = |with: &Credentials<'_>| {
            let mut request = self.request.clone();
            connector.authorize(&mut request, with).map(|()| request)
        };
        // An operation that proves itself by its own needs no login.
        let Some(longest) = connector.logs_in().filter(|_| self.request.own.is_none()) else {
            let session = Session::default();
            return self.taken(&session, used, authorized, |request| self.once(request)).await;
        };
        let sessions = &self.run.dispatcher.sessions;
        let mut again = true;
        loop {
            let held = self.session(longest, used).await?;
            let timed = |request| async {
                let left = self.run.until.saturating_duration_since(Instant::now());
                let most = self.request.timeout.min(left);
                let ended = tokio::time::timeout(most, self.once(request)).await;
                let why = || format!("no answer within {} ms", most.as_millis());
                ended.unwrap_or_else(|_| Err(CallError::MayHaveActed { why: why() }))
            };
            let done = self.taken(&held.session, used, authorized, timed).await;
            if !matches!(done, Err(Cause::Call(CallError::NotAllowed { .. }))) {
                return done;
            }
            sessions.refused(&held);
            if !std::mem::take(&mut again) {
                return done;
            }
        }
    }

    /// The session to send.
    ///
    /// Waiting for it, another's login too, leaves a delivery the time of its own call; a read gets what is left then.
    /// What does not come in time is no word about the call: it was not sent.
    async fn session(&self, longest: Duration, used: &Used) -> Result<Held, Cause> {
        let common = &self.run.dispatcher.common;
        let left = self.run.until.saturating_duration_since(Instant::now());
        let delivers = self.run.flying.is_some();
        let room = if delivers { left.saturating_sub(self.request.timeout) } else { left };
        let late = |most: Duration| {
            let why = format!("login: no answer within {} ms", most.as_millis());
            CallError::NotActed { why, retry_after: None }
        };
        let login = || async {
            let ended = tokio::time::timeout(longest, self.login(used)).await;
            ended.unwrap_or_else(|_| Err(late(longest)))
        };
        let held = self.run.dispatcher.sessions.now(|| common.clock.now(), login);
        let held = tokio::time::timeout(room, held).await.unwrap_or_else(|_| Err(late(room)));
        held.map_err(Cause::Call)
    }

    /// Asks for a session. Whatever fails, the call itself did not act.
    async fn login(&self, used: &Used) -> Result<Session, CallError> {
        let (connector, call) = (self.run.connector, self.run.call);
        let build = |with: &Credentials<'_>| connector.login(call.base_url, with);
        let send = |mut request: Request| async move {
            let mut span = self.span(&mut request);
            let answer = self.run.dispatcher.common.transport.send(&request).await;
            let session = answer.map_err(unsent).and_then(|answer| {
                span.set("http.response.status_code", || i64::from(answer.status));
                let session = Session::default();
                let read = |with: &Credentials<'_>| Ok(connector.logged_in(with, &answer));
                self.with_secrets((0, &session), &Used::default(), read).and_then(|(read, _)| read)
            });
            if let Err(error) = &session {
                span.fail(word(error));
            }
            session
        };
        let made = self.taken(&Session::default(), used, build, send).await;
        let result = match &made {
            Ok(_) => "ok",
            Err(Cause::Call(CallError::NotAllowed { .. })) => "refused",
            Err(_) => "failed",
        };
        let system = self.run.dispatcher.label();
        metrics::counter!("orderhub_logins_total", "system" => system.clone(), "result" => result)
            .increment(1);
        tracing::debug!(%system, result, "login");
        made.map_err(|cause| match cause {
            Cause::Call(error) => error,
            other @ (Cause::Shut(_) | Cause::Limited(_) | Cause::Refused(_) | Cause::CutOff) => {
                CallError::NotActed { why: format!("login: {other}"), retry_after: None }
            }
        })
    }

    async fn exchange(&self, request: &Request, span: &mut Span) -> Result<Exchanged, CallError> {
        let common = &self.run.dispatcher.common;
        self.last.leaves(common.clock.now());
        let answer = common.transport.send(request).await?;
        self.last.note(&answer);
        span.set("http.response.status_code", || i64::from(answer.status));
        let mut memo = self.memo.clone();
        let read = self.run.connector.answer(self.run.call, &mut memo, &answer);
        self.count(request, &answer, read.as_ref().err());
        read?;
        Ok(Exchanged { memo, status: Some(answer.status) })
    }

    /// What the answer says of the request's limit, and what it counted as: one that was throttled, as nothing of what
    /// was set aside for it. So does one that was not allowed, where it does not say: what was set aside is there for the
    /// next credential, and is given back where there is none.
    fn count(&self, request: &Request, answer: &Answer, error: Option<&CallError>) {
        let Run { connector, call, dispatcher, .. } = self.run;
        let (limits, limit) = (&dispatcher.guards.limits, &request.limit);
        let told = connector.told(call, request, answer);
        limits.told(limit, told);
        let cost = connector.cost(call, request, answer);
        if let Some(reserve) = self.reserve {
            if let Some(calls) = connector.may_cost(call, request, answer) {
                limits.learn(call.operation, &request.step, calls);
            }
            if cost.is_none() && matches!(error, Some(CallError::NotAllowed { .. })) {
                return;
            }
            let throttled = matches!(error, Some(CallError::Throttled { .. }));
            let left = told.left;
            limits.settle(limit, reserve.take(), &Told { cost, left, throttled });
        } else if let Some(calls) = cost {
            limits.charge(limit, request.limit_key.as_deref(), calls.saturating_sub(1));
        }
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

/// A login that went wrong on its way: the call that needs it was not sent.
fn unsent(error: CallError) -> CallError {
    match error {
        CallError::NotActed { why, retry_after } => {
            CallError::NotActed { why: format!("login: {why}"), retry_after }
        }
        CallError::MayHaveActed { why } => {
            CallError::NotActed { why: format!("login: {why}"), retry_after: None }
        }
        other @ (CallError::Already { .. }
        | CallError::SaidNo { .. }
        | CallError::Throttled { .. }
        | CallError::NotAllowed { .. }) => other,
    }
}

/// What a failure is, in the words of receipts.
pub(super) fn word(error: &CallError) -> &'static str {
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
        Box::pin(async {
            let used = Used::default();
            let done = self.renewed(&used).await;
            if matches!(done, Err(Cause::Call(CallError::NotAllowed { .. }))) {
                let used = used.into_inner().unwrap_or_else(PoisonError::into_inner);
                let dispatcher = self.run.dispatcher;
                let proof = dispatcher.guards.proofs.name(self.run.call.operation);
                dispatcher.easing.refused_with(proof, used);
            }
            done
        })
    }
}

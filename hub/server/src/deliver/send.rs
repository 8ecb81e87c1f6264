//! One lane in hand: claim, leave, fly, call; before and after that: [`super::outgoing`], [`super::receipt`].

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use orderhub_connectors::contract::{Call, Memo, NextStep, Request};
use orderhub_connectors::error::BuildError;
use orderhub_order::fold::{Act, Facts, Outcome};
use orderhub_order::ids::OrderKey;
use orderhub_order::lane::{Flight, Lane, LaneCode, WantKey};
use orderhub_order::model::State;
use orderhub_order::rules::Mode;
use tokio::time::Instant;

use super::again::{Asks, look_first};
use super::claim::{Claim, claim};
use super::dispatcher::Dispatcher;
use super::flying::Flying;
use super::lanes::Permits;
use super::line::{Came, Free};
use super::outgoing::{Ready, Unfit};
use super::ring::Wait;
use super::steps::{IN_HAND, Run};
use crate::apply::{OrderUnit, Unit};
use crate::bundle::{Bundle, System};
use crate::resilience::{Cause, Failure, Pass};
use crate::store::{ReceiptRow, Scope, StoreError};

/// Longest time of one attempt, all its steps together; an operation with long steps gets twice the
/// longest: to look, and to act.
const ATTEMPT: Duration = Duration::from_secs(120);
/// Beyond the attempt's own time, before its flight counts as lapsed.
const GRACE: Duration = Duration::from_secs(15);
/// A limit without a rate is taken to have one call free after each such time.
const UNKNOWN: Duration = Duration::from_millis(100);
/// Wishes of one lane looked at before others get their turn.
const MOST_TURNS: u32 = 64;

/// What becomes of the lane in hand.
#[derive(Debug)]
pub(super) enum Rest {
    /// Nothing more now; a commit brings it back.
    Done,
    /// It waits for a gate or a limit.
    Park(Wait, Option<Instant>),
    /// Nothing was done; the system as a whole must wait.
    Back,
}

/// Serves a lane until it rests.
///
/// # Errors
///
/// [`StoreError`]: nothing of the last turn is stored; the lane is due again.
///
/// # Cancel safety
///
/// Dropped after its flight is stored, the flight lapses: it may have acted.
pub(super) async fn serve(
    dispatcher: &Dispatcher,
    key: OrderKey,
    permits: Permits,
) -> Result<Rest, StoreError> {
    let permits = Mutex::new(Some(permits));
    for _ in 0..MOST_TURNS {
        let state = dispatcher.common.store.state(&Scope::All, key).await?;
        let Some(state) = state else { return Ok(Rest::Done) };
        let bundle = dispatcher.common.bundle();
        let Some(system) = bundle.system(&dispatcher.name) else { return Ok(Rest::Done) };
        let Some(lane) = state.lanes.get(&dispatcher.name) else { return Ok(Rest::Done) };
        let permits = &permits;
        let hand = Hand { dispatcher, key, bundle: &bundle, system, state: &state, lane, permits };
        match hand.turn().await? {
            Turn::Again => {}
            Turn::Rest(rest) => return Ok(rest),
        }
    }
    // The store names it again if it still wants something.
    Ok(Rest::Done)
}

#[derive(Debug)]
pub(super) enum Turn {
    /// Look at the lane again.
    Again,
    /// It rests.
    Rest(Rest),
}

/// A lane in hand, as read.
pub(super) struct Hand<'a> {
    pub(super) dispatcher: &'a Dispatcher,
    pub(super) key: OrderKey,
    pub(super) bundle: &'a Arc<Bundle>,
    pub(super) system: &'a System,
    pub(super) state: &'a State,
    pub(super) lane: &'a Lane,
    /// Until a call has ended; after it no other is made.
    permits: &'a Mutex<Option<Permits>>,
}

impl Hand<'_> {
    async fn turn(&self) -> Result<Turn, StoreError> {
        let rules = self.bundle.rules();
        let now = self.dispatcher.common.clock.now();
        let store = &self.dispatcher.common.store;
        let gone = |process| store.is_gone(process);
        match claim(self.state, &self.dispatcher.name, &rules, now, gone) {
            Claim::Rest => {
                self.give_up_others(self.lane.flying.as_ref()).await?;
                Ok(Turn::Rest(Rest::Done))
            }
            Claim::Skip { want, version, code } => self.skip(&want, version, (code, None)).await,
            Claim::Lapsed(flight) => self.lapsed(flight).await,
            Claim::Resume(flight) => match self.thaw(flight) {
                Some(ready) => self.fly(ready).await,
                None => self.unreadable(flight).await,
            },
            Claim::Fresh(send) => match self.freeze(&send) {
                Ok(mut ready) => {
                    self.only_changed(&send, &mut ready).await?;
                    ready.flight.inputs = ready.frozen.to_bytes();
                    self.fly(ready).await
                }
                Err(Unfit::Skip(code, hash)) => {
                    self.skip(&send.want.key, self.state.order.version, (code, hash)).await
                }
                Err(Unfit::Dead(why)) => self.dead(&send, why).await,
            },
        }
    }

    /// Asks for leave, stores the flight, calls, stores the receipt.
    async fn fly(&self, ready: Ready) -> Result<Turn, StoreError> {
        let Ready { mut flight, frozen, mut memo } = ready;
        let base = &self.system.base_url;
        let call = frozen.call(&flight.operation, &flight.key, flight.attempt, base);
        memo.go_on();
        if let Some(asks) = self.asks(&flight)
            && let Some(until) = look_first(&*self.system.connector, &call, &mut memo, asks)
            && until > self.dispatcher.common.clock.now()
        {
            return self.not_before(&flight, until).await;
        }
        let first = match self.first(&call, &memo) {
            Ok(first) => first,
            Err(missing) if flight.may_have_acted || flight.wrote => {
                tracing::debug!(%missing, "something went missing after the call began");
                None
            }
            Err(BuildError::NotGiven { name, .. }) => return self.not_given(&flight, &name).await,
            Err(_) => {
                let version = self.state.order.version;
                return self.skip(&flight.want, version, (LaneCode::NotLinked, None)).await;
            }
        };
        if self.system.mode == Mode::Shadow {
            return self.shadow(&flight).await;
        }
        let pass = match self.leave(&flight, first.as_deref()).await {
            Ok(pass) => pass,
            Err(failure) => return self.blocked(&flight, first.as_deref(), &failure).await,
        };
        let bound = ATTEMPT.max(2 * self.longest_step(&flight.operation) + GRACE);
        flight.deadline = add(self.dispatcher.common.clock.now(), bound + GRACE);
        let act =
            Act::Fly { system: self.dispatcher.name.clone(), flight: Box::new(flight.clone()) };
        let flies = self.commit(act, None).await;
        if !matches!(flies, Ok(Some(Outcome::Applied { .. }))) {
            // Held, dropped or taken by another meanwhile: the lane says so itself.
            self.dispatcher.unspent(first.as_deref(), pass.as_ref());
            return flies.map(|_| Turn::Rest(Rest::Done));
        }
        let span = self.told(&flight).await;
        let place = span.place();
        let flying = Flying::new(self, &flight, memo.clone());
        let connector = &*self.system.connector;
        let until = Instant::now() + bound;
        let run = Run {
            dispatcher: self.dispatcher,
            connector,
            call: &call,
            until,
            in_hand: Some(IN_HAND),
            flying: Some(&flying),
            place: place.as_ref(),
        };
        let start = Instant::now();
        let ran = run.run(memo, pass.map(Pass::into)).await;
        drop(self.permits.lock().unwrap_or_else(PoisonError::into_inner).take());
        self.settle(&flight, ran, start.elapsed(), span).await
    }

    /// Who has the call tried again, if anything of it may be there.
    fn asks(&self, flight: &Flight) -> Option<Asks> {
        if flight.decided {
            return Some(Asks::Person(flight.last_call(), self.longest_step(&flight.operation)));
        }
        flight.may_have_acted.then_some(Asks::Retry)
    }

    /// The system may still act on the last attempt: the call waits for the end of that.
    async fn not_before(&self, flight: &Flight, until: Timestamp) -> Result<Turn, StoreError> {
        let (system, want) = (self.dispatcher.name.clone(), flight.want.clone());
        let (version, code) = (flight.version, LaneCode::Retry);
        let act = Act::Skip { system, want, version, code, hash: None, until: Some(until) };
        self.commit(act, None).await?;
        Ok(Turn::Rest(Rest::Done))
    }

    /// The longest time that a step of the operation may take.
    fn longest_step(&self, operation: &str) -> Duration {
        let operations = self.system.connector.operations();
        let known = operations.iter().find(|known| known.name == operation);
        known.map_or(Duration::ZERO, |known| known.timeout)
    }

    /// The first request; none if there is nothing left to send or it cannot be built, which the run
    /// will say.
    pub(super) fn first(
        &self,
        call: &Call<'_>,
        memo: &Memo,
    ) -> Result<Option<Box<Request>>, BuildError> {
        match self.system.connector.next(call, memo) {
            Ok(NextStep::Send(request)) => Ok(Some(request)),
            Err(missing @ (BuildError::NotLinked(_) | BuildError::NotGiven { .. })) => Err(missing),
            Ok(NextStep::Done(_) | NextStep::Wait(_) | NextStep::Part(_))
            | Err(
                BuildError::UnknownOperation(_) | BuildError::Secret(_) | BuildError::Step { .. },
            ) => Ok(None),
        }
    }

    /// Leave to send the first byte: credential, gate, token.
    async fn leave(
        &self,
        flight: &Flight,
        first: Option<&Request>,
    ) -> Result<Option<Pass>, Failure> {
        let Some(request) = first else { return Ok(None) };
        let key = request.limit_key.as_deref();
        if let Some(key) = key {
            let wait = Wait::Limit(request.limit.clone(), Some(key.to_owned()));
            let now = Instant::now();
            if let Some(until) = self.dispatcher.ring().behind(self.key, &wait, now) {
                return Err(Cause::Limited(until.saturating_duration_since(now)).into());
            }
        }
        let connector = &*self.system.connector;
        let reserve = self.dispatcher.reserve(connector, &flight.operation, request);
        let pass = self.dispatcher.pass(&flight.operation, request, reserve).await?;
        self.dispatcher.asked(self.key);
        Ok(Some(pass))
    }

    /// The gate, the limit or the credential says no: no attempt is spent.
    async fn blocked(
        &self,
        flight: &Flight,
        first: Option<&Request>,
        failure: &Failure,
    ) -> Result<Turn, StoreError> {
        if matches!(failure.cause, Cause::Shut(_)) && self.does_not_wait(flight) {
            return self.do_not_wait(flight).await;
        }
        self.dispatcher.limited(&flight.operation);
        let (rest, code) = match &failure.cause {
            Cause::Limited(wait) => {
                let limit = first.map(|request| (request.limit.clone(), request.limit_key.clone()));
                let (limit, key) = limit.unwrap_or_default();
                let until = Instant::now() + *wait;
                let wait = Wait::Limit(limit, key);
                if let Some(turn) = self.comes_back(&wait, until) {
                    return self.wait_in_store(flight, turn).await;
                }
                (Rest::Park(wait, Some(until)), LaneCode::Limited)
            }
            Cause::Refused(_) => (Rest::Back, LaneCode::NotAllowed),
            Cause::Shut(_) | Cause::Call(_) | Cause::CutOff => {
                self.give_up_others(Some(flight)).await?;
                let operation = flight.operation.to_string();
                (Rest::Park(Wait::Gate(operation), None), LaneCode::BreakerOpen)
            }
        };
        if self.lane.code != Some(code) {
            self.skip(&flight.want, flight.version, (code, None)).await?;
        }
        Ok(Turn::Rest(rest))
    }

    /// When the lane shall come back from the store, if there is no room for it in hand.
    fn comes_back(&self, wait: &Wait, next: Instant) -> Option<Instant> {
        let Wait::Limit(limit, _) = wait else { return None };
        let every = self.dispatcher.guards.limits.every(limit).unwrap_or(UNKNOWN);
        let limited = self.lane.code == Some(LaneCode::Limited);
        let came = if limited { Came::Again } else { Came::Anew };
        let free = Free { now: Instant::now(), next, every };
        self.dispatcher.ring().turn((self.key, came), wait, free)
    }

    /// Gives the lane back to the store, which does not name it before its turn.
    async fn wait_in_store(&self, flight: &Flight, turn: Instant) -> Result<Turn, StoreError> {
        let left = turn.saturating_duration_since(Instant::now());
        let until = Some(add(self.dispatcher.common.clock.now(), left));
        let (system, want) = (self.dispatcher.name.clone(), flight.want.clone());
        let (version, code) = (flight.version, LaneCode::Limited);
        let act = Act::Skip { system, want, version, code, hash: None, until };
        self.commit(act, None).await?;
        Ok(Turn::Rest(Rest::Done))
    }

    async fn shadow(&self, flight: &Flight) -> Result<Turn, StoreError> {
        self.dispatcher.shadowed(&flight.operation);
        let found = (LaneCode::Shadow, Some(flight.hash));
        self.skip(&flight.want, flight.version, found).await
    }

    pub(super) async fn skip(
        &self,
        want: &WantKey,
        version: u32,
        (code, hash): (LaneCode, Option<[u8; 16]>),
    ) -> Result<Turn, StoreError> {
        let (system, want) = (self.dispatcher.name.clone(), want.clone());
        self.commit(Act::Skip { system, want, version, code, hash, until: None }, None).await?;
        Ok(Turn::Again)
    }

    /// Commits an act on the order; what the fold said of it.
    pub(super) async fn commit(
        &self,
        act: Act,
        receipt: Option<ReceiptRow>,
    ) -> Result<Option<Outcome>, StoreError> {
        let facts = Facts {
            actor: format!("system:{}", self.dispatcher.name).into(),
            cause: "delivery".into(),
            received: Some(self.dispatcher.common.clock.now()),
            ..Facts::default()
        };
        let unit = Unit::Order(Box::new(OrderUnit { key: self.key, act, facts, receipt }));
        let outcome = self.dispatcher.common.apply.submit(unit).await?;
        Ok(outcome.documents.into_iter().next().and_then(|document| document.folded))
    }
}

fn add(at: Timestamp, time: Duration) -> Timestamp {
    let time = SignedDuration::try_from(time).unwrap_or(SignedDuration::MAX);
    at.checked_add(time).unwrap_or(Timestamp::MAX)
}

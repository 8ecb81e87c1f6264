//! One lane in hand: claim, map out, freeze, fly, call, receipt.

use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use orderhub_connectors::contract::{Connector, Idempotency, Memo, Next, ReplyXref};
use orderhub_connectors::error::BuildError;
use orderhub_mapping::{Context, Mapped, Projection, ReverseError};
use orderhub_order::contribution::Contribution;
use orderhub_order::fold::{Act, Facts, Outcome, Receipt, ReceiptClass};
use orderhub_order::ids::OrderKey;
use orderhub_order::lane::{Flight, Lane, LaneCode, Want, WantKey};
use orderhub_order::model::{State, Subject};
use orderhub_order::rules::{Mode, OperationKind, OperationRule};
use tokio::time::Instant;

use super::claim::{Claim, claim};
use super::desk::Desk;
use super::freeze::{Frozen, idempotency_key, projection};
use super::ring::Wait;
use super::settle::{self, End, Policy, Verdict};
use super::steps::{Ran, Run};
use crate::apply::{OrderUnit, Unit};
use crate::bundle::{Bundle, Delivery, System};
use crate::resilience::{Cause, Failure, Pass};
use crate::store::{ReceiptRow, Scope, StoreError};

/// Longest time of one attempt, all its steps together; an operation with a longer step gets that.
const ATTEMPT: Duration = Duration::from_secs(120);
/// Beyond the attempt's own time, before its flight counts as lapsed.
const GRACE: Duration = Duration::from_secs(15);
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
pub(super) async fn serve(desk: &Desk, key: OrderKey) -> Result<Rest, StoreError> {
    for _ in 0..MOST_TURNS {
        let state = desk.hub.store.state(&Scope::All, key).await?;
        let Some(state) = state else { return Ok(Rest::Done) };
        let bundle = desk.hub.bundle();
        let Some(system) = bundle.system(&desk.name) else { return Ok(Rest::Done) };
        let Some(lane) = state.lanes.get(&desk.name) else { return Ok(Rest::Done) };
        let hand = Hand { desk, key, bundle: &bundle, system, state: &state, lane };
        match hand.turn().await? {
            Turn::Again => {}
            Turn::Rest(rest) => return Ok(rest),
        }
    }
    Ok(Rest::Back)
}

enum Turn {
    Again,
    Rest(Rest),
}

/// A lane in hand, as read.
struct Hand<'a> {
    desk: &'a Desk,
    key: OrderKey,
    bundle: &'a Arc<Bundle>,
    system: &'a System,
    state: &'a State,
    lane: &'a Lane,
}

impl Hand<'_> {
    async fn turn(&self) -> Result<Turn, StoreError> {
        let rules = self.bundle.rules();
        let now = self.desk.hub.clock.now();
        match claim(self.state, &self.desk.name, &rules, now, self.desk.hub.started) {
            Claim::Rest => Ok(Turn::Rest(Rest::Done)),
            Claim::Skip { want, version, code } => self.skip(want, version, code, None).await,
            Claim::Lapsed(flight) => self.lapsed(flight).await,
            Claim::Resume(flight) => match self.thaw(flight) {
                Some(ready) => self.fly(ready).await,
                None => self.unreadable(flight).await,
            },
            Claim::Fresh { want, operation } => match self.freeze(want, operation) {
                Ok(ready) => self.fly(ready).await,
                Err(Unfit::Skip(code, hash)) => {
                    self.skip(want.key.clone(), self.state.order.version, code, hash).await
                }
                Err(Unfit::Dead(why)) => self.dead(want, operation, why).await,
            },
        }
    }

    /// Asks for leave, stores the flight, calls, stores the receipt.
    async fn fly(&self, ready: Ready) -> Result<Turn, StoreError> {
        let Ready { mut flight, frozen, memo } = ready;
        let connector = Arc::clone(&self.system.connector);
        let call = frozen.call(&flight.operation, &flight.key, flight.attempt, &self.system.base_url);
        let first = match connector.next(&call, &memo) {
            Ok(Next::Send(request)) => Some(request),
            Ok(Next::Done(_)) => None,
            Err(BuildError::NotLinked(_)) if flight.may_be_replaced_now() => {
                return self.skip(flight.want.clone(), flight.version, LaneCode::NotLinked, None).await;
            }
            Err(_) => None,
        };
        if self.system.mode == Mode::Shadow {
            return self.shadow(&flight).await;
        }
        let pass = match &first {
            Some(request) => {
                match self.desk.pass(&flight.operation, &request.limit, request.limit_key.as_deref()).await {
                    Ok(pass) => Some(pass),
                    Err(failure) => return self.blocked(&flight, &request.limit, &failure).await,
                }
            }
            None => None,
        };
        let longest = first.map_or(Duration::ZERO, |request| request.timeout);
        let bound = ATTEMPT.max(longest + GRACE);
        let began = self.desk.hub.clock.now();
        flight.began = Some(began);
        flight.deadline = add(began, bound + GRACE);
        let act = Act::Fly { system: self.desk.name.clone(), flight: Box::new(flight.clone()) };
        match self.commit(act, None).await? {
            Some(Outcome::Applied { .. }) => {}
            // Held, dropped or taken by another meanwhile: the lane says so itself.
            Some(_) | None => return Ok(Turn::Rest(Rest::Done)),
        }
        let flying = Flying { hand: self, flight: &flight, noted: Mutex::new(memo.clone()) };
        let until = Instant::now() + bound;
        let run = Run { desk: self.desk, connector: &*connector, call: &call, until, flying: Some(&flying) };
        let start = Instant::now();
        let ran = run.run(memo, pass.map(Pass::into)).await;
        self.settle(&flight, connector.as_ref(), ran, start.elapsed()).await
    }

    /// The gate, the limit or the credential says no: no attempt is spent.
    async fn blocked(
        &self,
        flight: &Flight,
        limit: &str,
        failure: &Failure,
    ) -> Result<Turn, StoreError> {
        self.desk.counted(&flight.operation, ReceiptClass::Throttled);
        let (rest, code) = match &failure.cause {
            Cause::Limited(wait) => {
                let until = Some(Instant::now() + *wait);
                (Rest::Park(Wait::Limit(limit.to_owned()), until), LaneCode::Limited)
            }
            Cause::Refused(_) => (Rest::Back, LaneCode::Limited),
            Cause::Shut(_) | Cause::Call(_) => {
                (Rest::Park(Wait::Gate(flight.operation.as_ref().to_owned()), None), LaneCode::BreakerOpen)
            }
        };
        if self.lane.code != Some(code) {
            self.skip(flight.want.clone(), flight.version, code, None).await?;
        }
        Ok(Turn::Rest(rest))
    }

    async fn shadow(&self, flight: &Flight) -> Result<Turn, StoreError> {
        self.desk.counted(&flight.operation, ReceiptClass::Shadowed);
        self.skip(flight.want.clone(), flight.version, LaneCode::Shadow, Some(flight.hash)).await
    }

    async fn skip(
        &self,
        want: WantKey,
        version: u32,
        code: LaneCode,
        hash: Option<[u8; 16]>,
    ) -> Result<Turn, StoreError> {
        let system = self.desk.name.clone();
        self.commit(Act::Skip { system, want, version, code, hash }, None).await?;
        Ok(Turn::Again)
    }

    async fn commit(&self, act: Act, receipt: Option<ReceiptRow>) -> Result<Option<Outcome>, StoreError> {
        let facts = Facts {
            actor: format!("system:{}", self.desk.name).into(),
            cause: "delivery".into(),
            received: Some(self.desk.hub.clock.now()),
            ..Facts::default()
        };
        let unit = Unit::Order(Box::new(OrderUnit { key: self.key, act, facts, receipt }));
        let outcome = self.desk.hub.apply.submit(unit).await?;
        Ok(outcome.documents.into_iter().next().and_then(|document| document.folded))
    }
}

/// A flight in the air, whose memo is stored on the way.
pub(super) struct Flying<'a> {
    hand: &'a Hand<'a>,
    flight: &'a Flight,
    /// What is stored.
    noted: Mutex<Memo>,
}

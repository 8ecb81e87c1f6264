//! Whatever arrives becomes an [`Envelope`] and takes one path: gates, map in, apply, acknowledge.
//!
//! **Invariant:** acknowledge after commit. An envelope's acknowledgement is resolved by the commit
//! that holds its raw bytes, never before. Tests: `an_acknowledged_envelope_is_stored`,
//! `a_full_disk_acknowledges_nothing_and_passes`.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use bytes::Bytes;
use jiff::Timestamp;
use orderhub_order::ids::SystemName;
use tokio::sync::{oneshot, watch};

use crate::apply::{Apply, Beside, MessageUnit, Recorded, Unit, UnitOutcome};
use crate::bundle::{Bundle, HINT, Kept};
use crate::clock::Clock;
use crate::deliver::Deliverer;
use crate::store::{Lease, Store, StoreError};
use crate::tap::{self, Seen, Tap};
use crate::telemetry::metrics::UNKNOWN;
use crate::telemetry::trace::Span;

mod asked;
mod confirm;
pub mod fetch;
pub mod files;
pub mod gates;
mod had;
pub mod headers;
pub(crate) mod hidden;
mod job;
pub mod leased;
mod lookups;
mod pages;
pub mod poll;
pub(crate) mod questions;
pub mod queue;
mod references;
mod rounds;
mod seen;
pub(crate) mod slide;
mod tries;
pub mod webhook;
mod window;

pub(crate) use lookups::{Looks, Sources, find_out};
use questions::Questions;
pub(crate) use references::{Known, reference};
pub(crate) use rounds::{Finder, Left, rounds};
pub(crate) use seen::passed;

use gates::WEBHOOK;
pub(crate) use gates::unit_with;
pub use gates::{Gates, MOST_BYTES, renew, unit};

/// One message as it arrived. It understands no order.
///
/// **Invariant:** printing it shows neither the body nor the headers. Test:
/// `printing_a_message_shows_neither_its_body_nor_its_headers`.
#[derive(Clone)]
pub struct Envelope {
    /// The way in: `queue:orders`, `webhook`, `api`, `process`.
    pub source: Arc<str>,
    /// The account that speaks.
    pub system: SystemName,
    /// The kind of message of its integration (an intake's `message:` or `notice:`).
    pub document: Arc<str>,
    /// The sender's id of the message; `None`: revision and content decide about duplicates.
    pub message_id: Option<String>,
    /// The exact bytes.
    pub body: Bytes,
    /// Headers worth keeping, names in lower case, never credentials.
    pub headers: Vec<(String, String)>,
    /// When the hub got it.
    pub received: Timestamp,
    /// The source delivered it before and does not know what came of it: to be driven alone.
    pub suspect: bool,
}

impl fmt::Debug for Envelope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Envelope")
            .field("source", &self.source)
            .field("system", &self.system.as_str())
            .field("document", &self.document)
            .field("message_id", &self.message_id)
            .field("bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// Takes envelopes from every source. Cheap to clone.
///
/// Bounded by [`Apply`]'s queue: when it is full, sources wait and so stop consuming.
#[derive(Clone, Debug)]
pub struct Intake {
    apply: Apply,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    bundle: watch::Receiver<Arc<Bundle>>,
    gates: Gates,
    clock: Clock,
    /// When each configured system last spoke. Bounded by the settings.
    heard: Mutex<BTreeMap<SystemName, Timestamp>>,
    /// Since when this process listens.
    began: Timestamp,
    tap: Tap,
    /// Where what messages look up is found out.
    store: OnceLock<Arc<dyn Store>>,
    /// Who answers the cached reads that they look up.
    questions: OnceLock<Questions>,
}

impl Intake {
    /// Ready to take envelopes.
    pub fn new(
        apply: Apply,
        bundle: watch::Receiver<Arc<Bundle>>,
        gates: Gates,
        clock: Clock,
    ) -> Self {
        let (heard, began) = (Mutex::default(), clock.now());
        let tap = Tap::default();
        let (store, questions) = (OnceLock::new(), OnceLock::new());
        let shared = Shared { bundle, gates, clock, heard, began, tap, store, questions };
        Self { apply, shared: Arc::new(shared) }
    }

    /// What messages look up is found out there. Without, documents that look something up are driven again, one by one.
    #[must_use]
    pub fn looking_up_in(self, store: Arc<dyn Store>) -> Self {
        // Set once, when the parts are put together.
        drop(self.shared.store.set(store));
        self
    }

    /// Systems are asked through it. Without, documents that look up a cached read wait.
    pub fn asking(&self, deliverer: &Deliverer) {
        // Set once, when the parts are put together.
        drop(self.shared.questions.set(Questions::new(deliverer.clone())));
    }

    /// The same intake for one epoch of a source whose order counts: see [`Apply::in_order`].
    pub fn in_order(&self) -> Self {
        Self { apply: self.apply.in_order(), shared: Arc::clone(&self.shared) }
    }

    /// The same intake for what is done under a lease: see [`Apply::under`].
    pub fn under(&self, lease: Lease) -> Self {
        Self { apply: self.apply.under(lease), shared: Arc::clone(&self.shared) }
    }

    /// The bundle that maps messages now.
    pub fn bundle(&self) -> Arc<Bundle> {
        Arc::clone(&self.shared.bundle.borrow())
    }

    /// The same, and each that follows it.
    pub(crate) fn bundles(&self) -> watch::Receiver<Arc<Bundle>> {
        self.shared.bundle.clone()
    }

    /// Now.
    pub fn now(&self) -> Timestamp {
        self.shared.clock.now()
    }

    /// Takes an envelope in and waits for the commit that stores it.
    ///
    /// # Errors
    ///
    /// [`StoreError`]: nothing is stored; do not acknowledge.
    pub async fn take(&self, envelope: Envelope) -> Result<UnitOutcome, StoreError> {
        self.queue(envelope).await?.stored().await
    }

    /// Takes an envelope in. Envelopes are applied in the order of these calls; [`Pending::stored`]
    /// tells of the commit.
    ///
    /// # Errors
    ///
    /// [`StoreError::Closed`] while stopping.
    pub async fn queue(&self, envelope: Envelope) -> Result<Pending, StoreError> {
        self.queue_hidden(envelope, None).await
    }

    /// Takes in what the hub asked for by itself, with what it does besides, and waits for the commit.
    ///
    /// # Errors
    ///
    /// [`StoreError`]: nothing is stored, and nothing is done besides.
    pub async fn take_with(
        &self,
        mut envelope: Envelope,
        beside: Beside,
        refused: Option<(&'static str, String)>,
    ) -> Result<UnitOutcome, StoreError> {
        let bundle = self.bundle();
        let labels = self.labels(&bundle, &envelope);
        let span = seen::begin(&mut envelope);
        let mut unit = match refused {
            None => {
                let looks = self.looks(&bundle, &envelope).await?;
                unit_with(&bundle, self.shared.gates, envelope, None, looks)
            }
            Some(refused) => unmapped(&bundle, envelope, refused),
        };
        let wants = std::mem::take(&mut unit.beside.wants);
        unit.beside = Beside { wants, ..beside };
        self.hand_in(unit, labels, span).await?.stored().await
    }

    /// Takes in a message that its source could not address: stored, as a todo with this cause.
    ///
    /// # Errors
    ///
    /// [`StoreError::Closed`] while stopping.
    pub async fn queue_refused(
        &self,
        mut envelope: Envelope,
        cause: &'static str,
        why: String,
    ) -> Result<Pending, StoreError> {
        let bundle = self.bundle();
        let labels = self.labels(&bundle, &envelope);
        let span = seen::begin(&mut envelope);
        self.hand_in(unmapped(&bundle, envelope, (cause, why)), labels, span).await
    }

    /// Where people look at what passes.
    pub fn tap(&self) -> &Tap {
        &self.shared.tap
    }

    /// Since when this process listens.
    pub fn began(&self) -> Timestamp {
        self.shared.began
    }

    /// When each system last spoke, for `orderhub_source_freshness_seconds`.
    pub fn heard(&self) -> BTreeMap<SystemName, Timestamp> {
        self.shared.heard.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Notes that a system was heard of then, by a process before this one.
    pub(crate) fn heard_at(&self, system: &SystemName, at: Timestamp) {
        let mut heard = self.shared.heard.lock().unwrap_or_else(PoisonError::into_inner);
        let last = heard.entry(system.clone()).or_insert(at);
        *last = (*last).max(at);
    }

    /// What the mappings of a message look up; `None`: nothing, as nearly all.
    async fn looks(
        &self,
        bundle: &Bundle,
        envelope: &Envelope,
    ) -> Result<Option<Looks>, StoreError> {
        let fits = envelope.body.len() <= self.shared.gates.park_above_bytes;
        match self.shared.store.get().filter(|_| fits && !envelope.suspect) {
            Some(store) => {
                // Senders of webhooks give up soon: theirs are stored first, and asked for afterwards.
                let questions = self.shared.questions.get();
                let questions = questions.filter(|_| *envelope.source != *WEBHOOK);
                let asking = questions.map(Questions::briefly);
                find_out(Sources { store: &**store, asking }, bundle, envelope, None, None).await
            }
            None => Ok(None),
        }
    }

    async fn hand_in(
        &self,
        unit: MessageUnit,
        labels: Labels,
        span: Span,
    ) -> Result<Pending, StoreError> {
        let told = seen::Told::of(&unit.envelope);
        let looked = self.shared.tap.is_watched().then(|| Looked::of(self, &unit));
        let outcome = self.apply.queue(Unit::Message(Box::new(unit))).await?;
        metrics::gauge!("orderhub_intake_in_hand").increment(1);
        let (clock, began) = (self.shared.clock, self.shared.clock.now());
        Ok(Pending { outcome, labels, clock, began, span, told, looked })
    }

    /// Labels are bounded: what a sender made up is `unknown`.
    fn labels(&self, bundle: &Bundle, envelope: &Envelope) -> Labels {
        let unknown = || Arc::from(UNKNOWN);
        if bundle.system(&envelope.system).is_none() {
            return Labels { system: unknown(), document: unknown() };
        }
        // What the hub says to itself is no word of the system.
        if *envelope.source != *HINT {
            self.heard_at(&envelope.system, envelope.received);
        }
        let known = bundle.intake_of(envelope).is_some();
        let document = if known { Arc::clone(&envelope.document) } else { unknown() };
        Labels { system: Arc::from(envelope.system.as_str()), document }
    }
}

/// A message that is not even mapped, for this cause.
fn unmapped(bundle: &Bundle, envelope: Envelope, refused: (&'static str, String)) -> MessageUnit {
    MessageUnit {
        envelope,
        bundle: Arc::clone(&bundle.hash),
        recorded: Recorded::default(),
        mapped: Vec::new(),
        refused: Some(refused),
        skipped: false,
        redrive: None,
        beside: Beside::default(),
    }
}

#[derive(Debug)]
struct Labels {
    system: Arc<str>,
    document: Arc<str>,
}

/// An envelope on its way to its commit.
#[derive(Debug)]
pub struct Pending {
    outcome: oneshot::Receiver<Result<UnitOutcome, StoreError>>,
    labels: Labels,
    clock: Clock,
    began: Timestamp,
    span: Span,
    told: Option<seen::Told>,
    looked: Option<Looked>,
}

/// A message that somebody looks at.
#[derive(Debug)]
struct Looked {
    tap: Tap,
    envelope: Envelope,
    bundle: Arc<Bundle>,
    kept: Kept,
}

impl Looked {
    fn of(intake: &Intake, unit: &MessageUnit) -> Self {
        let (tap, bundle) = (intake.shared.tap.clone(), intake.bundle());
        let kept = Kept::from_bytes(unit.recorded.facts.as_deref()).unwrap_or_default();
        Self { tap, envelope: unit.envelope.clone(), bundle, kept }
    }

    fn show(self, outcome: &UnitOutcome) {
        let Self { tap, envelope, bundle, kept } = self;
        let (row, outcomes) = (outcome.message, outcome.documents.clone());
        tap.offer(Seen::In(Box::new(tap::In { envelope, bundle, kept, row, outcomes })));
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        metrics::gauge!("orderhub_intake_in_hand").decrement(1);
    }
}

impl Pending {
    /// Waits for the commit: only then may the source acknowledge.
    ///
    /// # Errors
    ///
    /// [`StoreError`]: nothing is stored; do not acknowledge.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future does not withdraw the envelope.
    pub async fn stored(mut self) -> Result<UnitOutcome, StoreError> {
        let ended = (&mut self.outcome).await.map_err(|_| StoreError::Closed).flatten();
        seen::end(&mut self.span, self.told.as_ref(), &ended);
        let outcome = ended?;
        if let Some(looked) = self.looked.take() {
            looked.show(&outcome);
        }
        let took = self.clock.now().duration_since(self.began).as_secs_f64();
        metrics::histogram!("orderhub_intake_commit_seconds").record(took);
        seen::passed(&self.labels.system, &self.labels.document, &outcome);
        for document in &outcome.documents {
            let labels = [
                ("system", self.labels.system.to_string()),
                ("document", self.labels.document.to_string()),
                ("outcome", document.outcome.as_str().to_owned()),
            ];
            metrics::counter!("orderhub_intake_total", &labels).increment(1);
        }
        Ok(outcome)
    }
}

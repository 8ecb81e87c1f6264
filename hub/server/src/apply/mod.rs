//! The way of a change, told once: units queue, a batch closes with what waits, the store folds and writes
//! it in one transaction when the last commit has ended, then acknowledgements and reserved lanes go out.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use orderhub_mapping::Mapped;
use orderhub_order::fold::{Act, Facts, Outcome};
use orderhub_order::ids::{OrderKey, SystemName};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

use crate::intake::Envelope;
use crate::store::{Lease, ReceiptRow, StoreError};
use crate::telemetry::trace::Place;

pub mod acks;
pub mod batch;
mod beside;
mod fits;
mod pace;
mod recorded;
mod renew;

use batch::Closing;
pub use batch::{Parts, start};
pub use beside::{Args, Beside, Cursor, FetchDone, FetchKey, FetchWant};
pub(crate) use fits::misfit;
pub use recorded::Recorded;

/// One thing to apply. A receipt, a person's action, a timer and a finding are units like a document.
#[derive(Debug)]
pub enum Unit {
    /// A message with what mapping in gave, one result per document.
    Message(Box<MessageUnit>),
    /// An act on a known order.
    Order(Box<OrderUnit>),
}

/// A message to store with its outcome.
#[derive(Debug)]
pub struct MessageUnit {
    /// As it arrived.
    pub envelope: Envelope,
    /// The name of the bundle that mapped it, which its row keeps. The batch that it goes into is folded by the same:
    /// after a switch it is mapped anew ([`crate::intake::renew`]).
    pub bundle: Arc<str>,
    /// How it was mapped, besides; what a test made up is mapped by nothing.
    pub recorded: Recorded,
    /// What mapping in gave; empty when gates refused the body (`refused` says why).
    pub mapped: Vec<Mapped>,
    /// A gate's verdict: stored raw as a todo `parked` with this cause and words.
    pub refused: Option<(&'static str, String)>,
    /// No intake wants it: stored, outcome `skipped`.
    pub skipped: bool,
    /// Another drive of this stored message.
    pub redrive: Option<Redrive>,
    /// What it does besides what its documents say.
    pub beside: Beside,
}

/// A drive of a message that is already stored.
#[derive(Clone, Copy, Debug)]
pub struct Redrive {
    /// The first message row.
    pub first: i64,
    /// Only this document of it; `None`: all of them.
    pub document: Option<u32>,
    /// Drives so far, this one included.
    pub attempts: u32,
    /// A later document of its key did away with it, or a person let it be: nothing waits behind it, though it waits on.
    pub let_go: bool,
}

/// An act on a known order.
#[derive(Debug)]
pub struct OrderUnit {
    /// Which.
    pub key: OrderKey,
    /// What.
    pub act: Act,
    /// Who and why.
    pub facts: Facts,
    /// The attempt to record, for receipts.
    pub receipt: Option<ReceiptRow>,
}

/// What became of a unit, after its commit.
#[derive(Clone, Debug)]
pub struct UnitOutcome {
    /// One per document; exactly one for an order unit.
    pub documents: Vec<DocumentOutcome>,
    /// The row of the raw message.
    pub message: Option<i64>,
    /// Lanes that this commit reserved for this process's dispatcher.
    pub reserved: Vec<(SystemName, OrderKey)>,
    /// Systems of which it made a lane due that this process has no room for: it is free in the store.
    pub left: Vec<SystemName>,
    /// The span of the commit, where there are traces.
    pub commit: Option<Place>,
}

/// What a commit tells the dispatcher.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Handed {
    /// A lane is due, and this process's to serve.
    Lane(SystemName, OrderKey),
    /// A lane of this system is due, and free for whoever has room.
    Left(SystemName),
}

/// What became of one document.
#[derive(Clone, Debug)]
pub struct DocumentOutcome {
    /// The order it went to.
    pub order: Option<OrderKey>,
    /// What came of it, in one word.
    pub outcome: Word,
    /// The fold's own outcome, where it folded.
    pub folded: Option<Outcome>,
    /// Why, for people and API answers.
    pub why: Option<String>,
    /// Rows of lists that add none, which its order does not have: passed over.
    pub passed: u32,
}

/// The outcome words that answers, metrics and lists use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Word {
    /// Made a change.
    Applied,
    /// Said nothing new.
    Unchanged,
    /// A hint to fetch; counted.
    Noticed,
    /// Seen before.
    Duplicate,
    /// Older than what is known.
    Stale,
    /// Waits for its order or for a flight.
    Waiting,
    /// Needs a person.
    Todo,
    /// A suspect, to be driven alone.
    Stored,
    /// No intake wants it.
    Skipped,
}

impl Word {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Applied,
        Self::Unchanged,
        Self::Noticed,
        Self::Duplicate,
        Self::Stale,
        Self::Waiting,
        Self::Todo,
        Self::Stored,
        Self::Skipped,
    ];

    /// The word itself.
    pub fn as_str(self) -> &'static str {
        match self {
            Word::Applied => "applied",
            Word::Unchanged => "unchanged",
            Word::Noticed => "noticed",
            Word::Duplicate => "duplicate",
            Word::Stale => "stale",
            Word::Waiting => "waiting",
            Word::Todo => "todo",
            Word::Stored => "stored",
            Word::Skipped => "skipped",
        }
    }
}

/// Where units are handed in. Bounded by number and by [`MOST_WAITING_KIB`]: when full, the caller
/// waits, so that sources stop consuming.
#[derive(Clone)]
pub struct Apply {
    /// Acts on known orders: few, and deliveries wait for them.
    acts: mpsc::Sender<Submission>,
    messages: mpsc::Sender<Submission>,
    room: Arc<Semaphore>,
    sequence: Option<Arc<Sequence>>,
    lease: Option<Lease>,
}

/// KiB of bodies that wait for their commit or are in it.
const MOST_WAITING_KIB: u32 = 64 * 1_024;

/// Units of one source whose order counts.
///
/// **Invariant:** once one of them was not stored, none behind it is: the source brings all of them
/// again, in their order. Test: `nothing_overtakes_what_was_not_stored`.
#[derive(Debug, Default)]
pub(crate) struct Sequence {
    broken: AtomicBool,
}

/// A unit with who waits for its outcome.
#[derive(Debug)]
pub(crate) struct Submission {
    /// The unit.
    pub(crate) unit: Unit,
    /// Whoever waits.
    pub(crate) waiter: Waiter,
}

/// What waits for a commit.
#[derive(Debug)]
pub(crate) struct Queues {
    /// Acts on known orders.
    pub(crate) acts: mpsc::Receiver<Submission>,
    /// Messages.
    pub(crate) messages: mpsc::Receiver<Submission>,
}

/// Who waits for the outcome of a unit.
#[derive(Debug)]
pub(crate) struct Waiter {
    done: oneshot::Sender<Result<UnitOutcome, StoreError>>,
    sequence: Option<Arc<Sequence>>,
    /// What allowed its source to hand it in.
    lease: Option<Lease>,
    /// Its part of [`MOST_WAITING_KIB`], until it is told.
    _room: Option<OwnedSemaphorePermit>,
}

impl Waiter {
    /// What came before the unit was not stored.
    fn is_behind(&self) -> bool {
        self.sequence.as_ref().is_some_and(|sequence| sequence.broken.load(Ordering::Acquire))
    }

    /// Why the unit is not to be committed any more.
    pub(crate) fn turned_away(&self) -> Option<StoreError> {
        if self.is_behind() {
            return Some(StoreError::Behind);
        }
        let lost = self.lease.as_ref().is_some_and(Lease::is_lost);
        lost.then_some(StoreError::Fenced)
    }

    /// The lease under which it was handed in.
    pub(crate) fn lease(&self) -> Option<&Lease> {
        self.lease.as_ref()
    }

    /// Tells the outcome, after the commit. A caller who stopped waiting loses its answer, not its
    /// commit.
    pub(crate) fn tell(self, outcome: Result<UnitOutcome, StoreError>) {
        if let (Err(_), Some(sequence)) = (&outcome, &self.sequence) {
            sequence.broken.store(true, Ordering::Release);
        }
        drop(self.done.send(outcome));
    }
}

impl fmt::Debug for Apply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Apply")
    }
}

impl Apply {
    /// The handle and the queues' other ends, for the batch loop. Each holds at most `bound` units.
    pub(crate) fn channel(bound: usize) -> (Self, Queues) {
        let (acts, next_acts) = mpsc::channel(bound);
        let (messages, next_messages) = mpsc::channel(bound);
        let room = usize::try_from(MOST_WAITING_KIB).unwrap_or(usize::MAX);
        let room = Arc::new(Semaphore::new(room));
        let apply = Self { acts, messages, room, sequence: None, lease: None };
        (apply, Queues { acts: next_acts, messages: next_messages })
    }

    /// The same queue for a source whose order counts: after a unit that was not stored, the units
    /// behind it fail with [`StoreError::Behind`]. A source that begins again takes a new one.
    pub fn in_order(&self) -> Self {
        Self { sequence: Some(Arc::default()), ..self.clone() }
    }

    /// The same queue for what is done under a lease: committed only while that is held, else it fails with
    /// [`StoreError::Fenced`].
    pub fn under(&self, lease: Lease) -> Self {
        Self { lease: Some(lease), ..self.clone() }
    }

    /// Hands in a unit and waits for its commit.
    ///
    /// # Errors
    ///
    /// [`StoreError`]: nothing of the unit is stored; do not acknowledge.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future after the unit was queued does not withdraw it.
    pub async fn submit(&self, unit: Unit) -> Result<UnitOutcome, StoreError> {
        self.queue(unit).await?.await.map_err(|_| StoreError::Closed)?
    }

    /// Hands in a unit; the receiver is told after its commit. Keeps the caller's order among messages,
    /// and among acts.
    ///
    /// # Errors
    ///
    /// [`StoreError::Closed`] while stopping.
    pub async fn queue(
        &self,
        unit: Unit,
    ) -> Result<oneshot::Receiver<Result<UnitOutcome, StoreError>>, StoreError> {
        let (done, outcome) = oneshot::channel();
        let (queue, room) = match &unit {
            // Few and small: they do not wait behind bodies.
            Unit::Order(_) => (&self.acts, None),
            Unit::Message(_) => {
                let kib = u32::try_from(size(&unit) / 1_024 + 1).unwrap_or(u32::MAX);
                let room = Arc::clone(&self.room).acquire_many_owned(kib.min(MOST_WAITING_KIB));
                (&self.messages, Some(room.await.map_err(|_| StoreError::Closed)?))
            }
        };
        let (sequence, lease) = (self.sequence.clone(), self.lease.clone());
        let waiter = Waiter { done, sequence, lease, _room: room };
        queue.send(Submission { unit, waiter }).await.map_err(|_| StoreError::Closed)?;
        Ok(outcome)
    }
}

/// Bytes of a unit's body.
fn size(unit: &Unit) -> usize {
    match unit {
        Unit::Message(message) => message.envelope.body.len(),
        Unit::Order(_) => 0,
    }
}

//! The way of a change, told once: units queue, a batch closes when the last commit ends, the store
//! folds and writes it in one transaction, then acknowledgements and reserved lanes go out.

use std::fmt;

use orderhub_mapping::Mapped;
use orderhub_order::fold::{Act, Facts, Outcome};
use orderhub_order::ids::{OrderKey, SystemName};
use tokio::sync::{mpsc, oneshot};

use crate::intake::Envelope;
use crate::store::{ReceiptRow, StoreError};

pub mod acks;
pub mod batch;

pub use batch::{Parts, start};

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
    /// What mapping in gave; empty when gates refused the body (`refused` says why).
    pub mapped: Vec<Mapped>,
    /// A gate's verdict: stored raw as a todo `parked` with this cause and words.
    pub refused: Option<(&'static str, String)>,
    /// No intake wants it: stored, outcome `skipped`.
    pub skipped: bool,
    /// Another drive of this stored message.
    pub redrive: Option<Redrive>,
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
}

/// What became of one document.
#[derive(Clone, Debug)]
pub struct DocumentOutcome {
    /// The order it went to.
    pub order: Option<OrderKey>,
    /// The word of the outcome table and what belongs to it.
    pub outcome: Word,
    /// The fold's own outcome, where it folded.
    pub folded: Option<Outcome>,
    /// Why, for people and API answers.
    pub why: Option<String>,
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

/// Where units are handed in. Bounded: when full, the caller waits, so that sources stop consuming.
#[derive(Clone)]
pub struct Apply {
    queue: mpsc::Sender<Submission>,
}

/// A unit with who waits for its outcome.
pub(crate) struct Submission {
    /// The unit.
    pub(crate) unit: Unit,
    /// Told after the commit.
    pub(crate) done: oneshot::Sender<Result<UnitOutcome, StoreError>>,
}

impl fmt::Debug for Apply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Apply")
    }
}

impl Apply {
    /// The handle and the queue's other end, for the batch loop.
    pub(crate) fn channel(bound: usize) -> (Self, mpsc::Receiver<Submission>) {
        let (queue, rest) = mpsc::channel(bound);
        (Self { queue }, rest)
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

    /// Hands in a unit; the receiver is told after its commit. Keeps the caller's order.
    ///
    /// # Errors
    ///
    /// [`StoreError::Closed`] while stopping.
    pub async fn queue(
        &self,
        unit: Unit,
    ) -> Result<oneshot::Receiver<Result<UnitOutcome, StoreError>>, StoreError> {
        let (done, outcome) = oneshot::channel();
        let submission = Submission { unit, done };
        self.queue.send(submission).await.map_err(|_| StoreError::Closed)?;
        Ok(outcome)
    }
}

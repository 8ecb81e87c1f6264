//! What rests or waits without being due: lanes that only a change brings back, messages that are driven again later.

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use orderhub_order::ids::{OrderKey, SystemName};
use orderhub_order::lane::Rest;

use super::commit::READ;
use super::{PendingRow, StoreError};

/// Lanes of a system that rest for one reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RestingRow {
    /// The system.
    pub system: SystemName,
    /// Why.
    pub rest: Rest,
    /// How many.
    pub lanes: u64,
}

/// Messages that wait to be driven again for one reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitingRow {
    /// `waiting` (for a reference), `reading` (for an answer of its system), `suspect` (a process went down on it), `woken`, `replay`.
    pub why: String,
    /// How many documents, or messages as a whole.
    pub count: u64,
    /// Since when the oldest waits.
    pub oldest: Timestamp,
}

/// What rests, for who shows it and who wakes it.
pub trait Resting {
    /// Orders with a lane that [rests](orderhub_order::lane::Lane::rests), behind `after`, at most so many, by key.
    /// `held`: those, too, that rest for a hold alone.
    fn resting(
        &self,
        after: OrderKey,
        limit: usize,
        held: bool,
    ) -> BoxFuture<'_, Result<Vec<OrderKey>, StoreError>>;

    /// The bundle by which all that rested was looked at last, to its end.
    fn woken(&self) -> BoxFuture<'_, Result<Option<String>, StoreError>>;

    /// Keeps that all that rested was looked at by this bundle.
    fn keep_woken(&self, bundle: &str) -> BoxFuture<'_, Result<(), StoreError>>;

    /// How many lanes rest, by system and reason. Where thousands do, it may be some seconds old, at most 15 s.
    fn rests(&self) -> BoxFuture<'_, Result<Vec<RestingRow>, StoreError>>;

    /// How many messages wait, by reason; as old as [`Resting::rests`].
    fn waits(&self) -> BoxFuture<'_, Result<Vec<WaitingRow>, StoreError>>;

    /// Documents of these systems that wait for references, or for answers of their system, and are about what one of
    /// these words names: their own key, what they name, a `ref` of ours. At most so many, the longest waiting first;
    /// found by an index, whatever waits.
    fn waiting_about(
        &self,
        systems: &[SystemName],
        words: &[&str],
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<WaitingDocument>, StoreError>>;

    /// Systems for whose answers documents wait that are due at `now`.
    fn asking(&self, now: Timestamp) -> BoxFuture<'_, Result<Vec<SystemName>, StoreError>>;

    /// What is due at `now` and waits for an answer of a system, the longest due first; as
    /// [`take_pending`](super::Store::take_pending), which leaves them out.
    fn take_asking(
        &self,
        system: &SystemName,
        now: Timestamp,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<PendingRow>, StoreError>>;

    /// A system has answered this read: makes due what waits for that, at most so many, and none that an answer woke
    /// within five minutes. Answers how many.
    fn wake_for_answer(
        &self,
        system: &SystemName,
        read: &str,
        now: Timestamp,
        most: usize,
    ) -> BoxFuture<'_, Result<u64, StoreError>>;

    /// Makes one document due for each system for whose answers some wait and none is: the one that would be next.
    fn ask_next(&self, now: Timestamp) -> BoxFuture<'_, Result<u64, StoreError>>;
}

/// Of the columns of a row.
pub(super) fn resting_row(system: String, rest: &str, lanes: i64) -> Option<RestingRow> {
    let rest = Rest::parse(rest)?;
    Some(RestingRow { system: SystemName::new(system), rest, lanes: u64::try_from(lanes).ok()? })
}

/// A document that waits, and for what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitingDocument {
    /// Whose it is.
    pub system: SystemName,
    /// Since when it waits.
    pub since: Timestamp,
    /// What it waits for, each of one (kind, external id); the kind `ref` is the hub's own.
    pub keys: Vec<(String, String)>,
    /// The read of its system for whose answer it waits.
    pub read: Option<String>,
}

impl WaitingDocument {
    /// `keys`: a read among them is one.
    pub(super) fn new(system: SystemName, since: Timestamp, keys: Vec<(String, String)>) -> Self {
        let (reads, keys): (Vec<_>, Vec<_>) = keys.into_iter().partition(|(kind, _)| kind == READ);
        let read = reads.into_iter().next().map(|(_, read)| read);
        Self { system, since, keys, read }
    }
}

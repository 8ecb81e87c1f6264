//! The algorithm of a commit, once for every store: what is asked of the transaction in which order,
//! the fold under its locks, and what one bad unit may not do to its neighbours.
//!
//! **Invariant:** one lock order everywhere: seen ids (as they came) ► references ► orders ► lanes, each
//! asked for as one sorted set before anything is written. Test: `a_commit_asks_in_one_order_and_writes_last`.
//! **Invariant:** a unit that cannot be written is stored raw with a todo; its neighbours commit. Tests:
//! `a_unit_that_fails_alone_hurts_no_neighbour`, `a_damaged_order_hurts_no_neighbour`.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use jiff::Timestamp;
use orderhub_order::identify::{Bound, ReferenceKey};
use orderhub_order::ids::{OrderKey, SystemName};
use orderhub_order::model::State;
use orderhub_order::rules::Rules;

use super::StoreError;
use super::codec::CodecError;
use super::reserved::Reserved;
use super::search::SearchKey;
use crate::apply::UnitOutcome;

mod absorb;
mod ahead;
mod batch;
mod documents;
mod index;
mod lookups;
mod messages;
mod orders;
mod plan;
#[cfg(test)]
mod tests;
mod working_set;
mod writes;

pub(crate) use ahead::{DoneAhead, WORTH_LOOKING, look_ahead};
pub use batch::{Batch, Outcomes};
pub(crate) use index::IndexWrites;
pub(crate) use plan::Prepared;
pub(crate) use writes::{
    ABOUT, DOCUMENT, FILES, LET_GO, OrderWrite, PendingWrite, READ, Stands, TodoWrite, WaitKey,
    Writes,
};

/// Bisections and condemnations of one batch: twice its units at most.
const MOST_FAULTS: usize = 2 * 256;

/// Why a transaction did not go on.
#[derive(Debug)]
pub(crate) enum TxError {
    /// The data of some unit: alone it would fail again.
    Data(String),
    /// Another transaction or the connection was in the way: nothing of the batch is written, and the
    /// whole of it may pass when it is tried again.
    Again(StoreError),
    /// The store: nothing of the batch is written.
    Store(StoreError),
}

impl From<TxError> for StoreError {
    fn from(error: TxError) -> Self {
        match error {
            TxError::Data(why) => StoreError::Failed(why),
            TxError::Again(error) | TxError::Store(error) => error,
        }
    }
}

impl From<CodecError> for TxError {
    fn from(error: CodecError) -> Self {
        TxError::Data(error.to_string())
    }
}

/// An id of a message under way to the table of seen ids.
#[derive(Debug)]
pub(crate) struct SeenId {
    /// Hash of (source, system, message id).
    pub(crate) id: [u8; 16],
    /// Hash of the body.
    pub(crate) body: [u8; 16],
    /// The message row that it will have.
    pub(crate) sequence: i64,
}

/// What the table of seen ids says of an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    /// It is new, and noted now.
    New,
    /// Seen with the same body, as this message row.
    Duplicate(i64),
    /// Seen with another body, as this message row.
    Reused(i64),
}

/// An order under the lock of the transaction.
#[derive(Clone, Debug)]
pub(crate) struct Locked {
    /// Head and lanes, shared with those who only read them.
    pub(crate) state: Arc<State>,
    /// Chain hash of its last change.
    pub(crate) chain: [u8; 32],
    /// Bytes of deltas since the last keyframe.
    pub(crate) since_keyframe: u32,
    /// When its timer rings.
    pub(crate) next_timer: Option<Timestamp>,
}

/// A key of a document that a todo `parked` may stand for: (system, document kind, key).
pub(crate) type DocumentKey = (SystemName, Box<str>, Box<str>);

/// What a batch asks before its first fold. Lists come sorted, without repetition.
pub(crate) trait Lookup: Send {
    /// Numbers for so many messages and orders: the first of each run. Unused ones stay unused.
    fn numbers(
        &mut self,
        messages: usize,
        orders: usize,
    ) -> impl Future<Output = Result<(i64, i64), TxError>> + Send;

    /// What references are bound to.
    fn references(
        &mut self,
        keys: &[ReferenceKey],
    ) -> impl Future<Output = Result<Vec<Option<Bound>>, TxError>> + Send;

    /// Locks orders, then their lanes, as they are in this transaction; one that does not exist is left
    /// out.
    fn lock(
        &mut self,
        keys: &[OrderKey],
    ) -> impl Future<Output = Result<Vec<Locked>, TxError>> + Send;

    /// The open todos `parked` of documents with these keys, of whatever kind.
    fn parked(
        &mut self,
        keys: &[(SystemName, Box<str>)],
    ) -> impl Future<Output = Result<Vec<DocumentKey>, TxError>> + Send;
}

/// What a commit asks of one open transaction. Lists come sorted, without repetition, but for seen ids,
/// which come as they arrived.
pub(crate) trait Tx: Lookup {
    /// Marks a point to come back to.
    fn savepoint(&mut self) -> impl Future<Output = Result<(), TxError>> + Send;

    /// Undoes everything since the last savepoint, which goes. Numbers that were given stay given.
    fn undo(&mut self) -> impl Future<Output = Result<(), TxError>> + Send;

    /// Keeps everything since the last savepoint, which goes.
    fn keep(&mut self) -> impl Future<Output = Result<(), TxError>> + Send;

    /// Notes ids, in arrival order, and says which were known.
    fn seen(&mut self, ids: &[SeenId]) -> impl Future<Output = Result<Vec<Seen>, TxError>> + Send;

    /// Binds references; answers the other binding where one is bound already, which stays.
    fn bind(
        &mut self,
        references: &[(ReferenceKey, Bound)],
    ) -> impl Future<Output = Result<Vec<Option<Bound>>, TxError>> + Send;

    /// Writes all the rest, set by set.
    fn write(&mut self, writes: &Writes<'_>) -> impl Future<Output = Result<(), TxError>> + Send;
}

/// What decides a commit besides its units.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Context<'a> {
    /// The bundle's rules.
    pub(crate) rules: Rules<'a>,
    /// The time of the commit.
    pub(crate) now: Timestamp,
}

/// Who commits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hand<'a> {
    /// The number of this process, under which the transaction runs.
    pub(crate) process: u64,
    /// What its dispatcher holds.
    pub(crate) reserved: &'a Reserved,
    /// What personal values are hashed under.
    pub(crate) search: &'a SearchKey,
}

/// What the process must know after the commit.
#[derive(Debug, Default)]
pub(crate) struct Committed {
    /// One per unit, in order.
    pub(crate) outcomes: Vec<UnitOutcome>,
    /// Lanes whose reservation ended.
    pub(crate) settled: Vec<(SystemName, OrderKey)>,
    /// Orders as they are now; of one order the last counts.
    pub(crate) heads: Vec<Locked>,
}

/// Runs a batch inside an open transaction. The caller commits, or rolls everything back on an error. A
/// batch that was rolled back can be run again: its units are as they were, but for those that failed
/// alone, which stay condemned.
///
/// # Errors
///
/// [`TxError::Again`] and [`TxError::Store`].
pub(crate) async fn run<T: Tx>(
    tx: &mut T,
    batch: &mut Batch,
    hand: Hand<'_>,
) -> Result<Committed, TxError> {
    let Batch { works, ahead, bundle, now, .. } = batch;
    let context = Context { rules: bundle.rules(), now: *now };
    run_by(tx, works, std::mem::take(ahead), (context, hand)).await
}

/// The same, by any rules.
async fn run_by<T: Tx>(
    tx: &mut T,
    works: &mut [Prepared],
    mut ahead: DoneAhead,
    (context, hand): (Context<'_>, Hand<'_>),
) -> Result<Committed, TxError> {
    let mut committed = Committed::default();
    let mut tries = Tries { ahead: &mut ahead, hand, faults: 0 };
    part(tx, works, context, &mut committed, &mut tries).await?;
    Ok(committed)
}

/// What the tries of one batch have in common.
struct Tries<'a> {
    /// What was done before its turn: for the first try.
    ahead: &'a mut DoneAhead,
    hand: Hand<'a>,
    /// Bisections and condemnations so far.
    faults: usize,
}

/// Why an attempt at some units came to nothing.
#[derive(Debug)]
enum Broken {
    /// This unit is to blame.
    Unit(usize, &'static str),
    /// One of them, or the store.
    Tx(TxError),
}

impl From<TxError> for Broken {
    fn from(error: TxError) -> Self {
        Broken::Tx(error)
    }
}

type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Tries units together; on a data error undoes them and tries each half, so that the one which fails
/// alone is found. The fold is pure and its inputs are kept: a second try gives the same.
fn part<'a, T: Tx>(
    tx: &'a mut T,
    works: &'a mut [Prepared],
    context: Context<'a>,
    committed: &'a mut Committed,
    tries: &'a mut Tries<'_>,
) -> Boxed<'a, Result<(), TxError>> {
    Box::pin(async move {
        loop {
            tx.savepoint().await.map_err(of_store)?;
            let error = match attempt(tx, works, context, tries).await {
                Ok(more) => {
                    tx.keep().await.map_err(of_store)?;
                    committed.outcomes.extend(more.outcomes);
                    committed.settled.extend(more.settled);
                    committed.heads.extend(more.heads);
                    return Ok(());
                }
                Err(Broken::Tx(error @ (TxError::Again(_) | TxError::Store(_)))) => {
                    return Err(error);
                }
                Err(Broken::Unit(at, why)) => Ok((at, why)),
                Err(Broken::Tx(TxError::Data(why))) => Err(why),
            };
            tx.undo().await.map_err(of_store)?;
            tries.faults += 1;
            if tries.faults > MOST_FAULTS {
                return Err(failed("too many units of one batch failed".to_owned()));
            }
            match error {
                Ok((at, why)) => condemn(works, at, why)?,
                Err(why) if works.len() == 1 => {
                    tracing::error!(error = %why, "a unit could not be written");
                    condemn(works, 0, "the store cannot hold what this document makes")?;
                }
                Err(_) => {
                    let (first, second) = works.split_at_mut(works.len() / 2);
                    part(tx, first, context, committed, tries).await?;
                    return part(tx, second, context, committed, tries).await;
                }
            }
        }
    })
}

/// A unit that failed is only stored raw from now on; one that fails even so is a fault of the store.
fn condemn(works: &mut [Prepared], at: usize, why: &'static str) -> Result<(), TxError> {
    match works.get_mut(at) {
        Some(work) if work.condemned.is_none() => {
            work.condemned = Some(why);
            Ok(())
        }
        Some(_) | None => Err(failed(format!("a unit cannot be stored raw: {why}"))),
    }
}

/// Savepoints are no data of any unit.
fn of_store(error: TxError) -> TxError {
    match error {
        TxError::Data(why) => failed(why),
        TxError::Again(_) | TxError::Store(_) => error,
    }
}

fn failed(why: String) -> TxError {
    TxError::Store(StoreError::Failed(why))
}

/// The steps of a commit, in the lock order.
async fn attempt<T: Tx>(
    tx: &mut T,
    works: &mut [Prepared],
    context: Context<'_>,
    tries: &mut Tries<'_>,
) -> Result<Committed, Broken> {
    let seen = plan::seen(tx, works).await?;
    let mut working_set = plan::working_set(tx, works, &seen, context).await?;
    let DoneAhead { folds, bodies } = std::mem::take(tries.ahead);
    (working_set.folds, working_set.packed) = (folds, bodies);
    working_set.hand = Some(tries.hand);
    working_set.fold_ahead(works, &seen, None);
    let mut outcomes = Vec::with_capacity(works.len());
    for (at, (work, seen)) in works.iter_mut().zip(&seen).enumerate() {
        let outcome = working_set.take(work, *seen);
        outcomes.push(outcome.map_err(|why| Broken::Unit(at, why))?);
    }
    let references = working_set.new_references();
    let clashes = tx.bind(&references).await?;
    working_set.note_clashes(&references, clashes);
    let settled = working_set.settled();
    working_set.index(tries.hand.search);
    tx.write(&working_set.writes()).await?;
    Ok(Committed { outcomes, settled, heads: working_set.into_heads() })
}

//! Opening the database: how it is reached, what works on it then, and what is run on its one writer.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use super::board::Board;
use super::connect::Connector;
use super::decoded::Decoded;
use super::error::Fault;
use super::keeper::Keeper;
use super::marks::Marks;
use super::members::Members;
use super::pool::Pool;
use super::turns::Turns;
use super::tx::PgTx;
use super::writer::{Failed, Writer};
use super::{PostgresStore, leases, schema};
use crate::apply::UnitOutcome;
use crate::config::{Keep, SecretRef, Secrets};
use crate::store::commit::{self, Batch, Committed, Hand, Outcomes, TxError};
use crate::store::counted::Counted;
use crate::store::keep::Kept;
use crate::store::reserved::Reserved;
use crate::store::{StoreError, Wanted};

/// How the database is reached.
#[derive(Clone, Debug)]
pub struct Options {
    /// `postgres://user@host:5432/database`
    pub url: String,
    /// Where its password stands, if it wants one.
    pub login: Option<Login>,
    /// How long one read may take before it is stopped.
    pub read_deadline: Duration,
    /// How long ids of messages are remembered, in days.
    pub seen_days: u16,
    /// How it is searched.
    pub search: Wanted,
    /// How long everything else is kept that grows with every message.
    pub keep: Keep,
    /// The name of this process among those on the database; one that starts again under it goes on with
    /// what the former one held.
    pub instance: String,
}

/// A password by reference: read anew for each connection.
#[derive(Clone, Debug)]
pub struct Login {
    /// Where it stands.
    pub password: SecretRef,
    /// Who reads it.
    pub secrets: Secrets,
}

impl Options {
    /// A database with the usual bounds, for the process of this name.
    pub fn at(url: impl Into<String>, instance: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            login: None,
            read_deadline: Duration::from_secs(5),
            seen_days: 30,
            search: Wanted::default(),
            keep: Keep::default(),
            instance: instance.into(),
        }
    }
}

/// Which units of a batch were refused, because their lease is lost. What was refused stays refused, however
/// often the batch is tried.
struct Refused(Vec<bool>);

impl Refused {
    fn of(units: usize) -> Self {
        Self(vec![false; units])
    }

    /// Of those that were left, only these stay.
    fn without(&mut self, stays: &[bool]) {
        let left = self.0.iter_mut().filter(|refused| !**refused);
        left.zip(stays).for_each(|(refused, stays)| *refused = !stays);
    }

    /// The outcomes of the others, each at its place.
    fn among(self, outcomes: Vec<UnitOutcome>) -> Outcomes {
        let mut outcomes = outcomes.into_iter();
        let one = |refused| match refused {
            true => Err(StoreError::Fenced),
            false => outcomes.next().ok_or(StoreError::Closed),
        };
        self.0.into_iter().map(one).collect()
    }
}

/// One short write may take so long.
const SHORT: Duration = Duration::from_secs(5);
/// One step of throwing away may take so long.
const PRUNING: Duration = Duration::from_secs(60);

impl PostgresStore {
    /// Opens the database, makes its tables where there are none, and says to the other processes that this
    /// one is there.
    ///
    /// # Errors
    ///
    /// [`StoreError::Newer`]; [`StoreError::Failed`] with a sentence when it cannot be reached or used.
    pub async fn open(options: &Options) -> Result<Self, StoreError> {
        let connector = Connector::new(options)?;
        let (install, search) = schema::open(&connector, &options.search).await?;
        let (failed, members) = (Failed::default(), Arc::new(Members::new()));
        let (reserved, marks) = (Arc::new(Reserved::default()), Arc::new(Marks::default()));
        let shorts = Arc::new(Pool::of_shorts(connector.clone(), SHORT));
        let readers = Arc::new(Pool::of_readers(connector.clone(), options.read_deadline));
        let pruner = Arc::new(Pool::of_pruner(connector.clone(), PRUNING));
        let board = Arc::new(Board::new(Arc::clone(&readers)));
        board.refresh().await?;
        let keeper = Keeper {
            board: Arc::clone(&board),
            connector: connector.clone(),
            instance: options.instance.clone(),
            members: Arc::clone(&members),
            reserved: Arc::clone(&reserved),
            marks: Arc::clone(&marks),
            to_free: AtomicBool::new(false),
            shorts: Arc::clone(&shorts),
            search_check: search.check(),
        };
        let decoded = Arc::<Decoded>::default();
        let beside = (failed.clone(), Arc::clone(&decoded));
        let writer = Writer::new(connector, Arc::clone(&members), options.keep, beside);
        let writer = Turns::new(writer)?;
        let connection = keeper.begin().await?;
        let stop = CancellationToken::new();
        let keeper = tokio::spawn(keeper.run(connection, stop.clone()));
        Ok(Self {
            install,
            search,
            kept: Kept { keep: options.keep, seen_days: options.seen_days },
            writer,
            failed,
            readers,
            shorts,
            pruner,
            board,
            members,
            reserved,
            marks,
            decoded,
            lanes: Counted::default(),
            resting: Counted::default(),
            waiting: Counted::default(),
            todos: Counted::default(),
            keeper: Mutex::new(Some(keeper)),
            keeping: stop.clone(),
            _ends: stop.drop_guard(),
        })
    }

    /// Writes something in one transaction.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        mut work: impl AsyncFnMut(&mut PgTx<'_>) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, StoreError> {
        let run = async move |writer: &mut Writer| {
            writer.run(None, async |tx: &mut PgTx<'_>| Ok(work(tx).await?)).await
        };
        self.writer.run(run).await
    }

    /// Folds and writes a batch in one transaction, without what was taken under a lease that is lost.
    pub(super) async fn batch(&self, mut batch: Batch) -> Result<Outcomes, StoreError> {
        let (reserved, search) = (Arc::clone(&self.reserved), self.search.clone());
        let decoded = Arc::clone(&self.decoded);
        let run = async move |writer: &mut Writer| {
            let now = batch.now;
            let mut refused = Refused::of(batch.len());
            let work = async |tx: &mut PgTx<'_>| -> Result<_, TxError> {
                let leases = batch.leases();
                let lost = leases::lost(tx.c, &leases, tx.process).await?;
                if !lost.is_empty() {
                    lost.iter().for_each(|lease| lease.lose());
                    let lost: Vec<i64> = lost.iter().map(|lease| lease.epoch()).collect();
                    refused.without(&batch.without(&lost));
                }
                let hand = Hand { process: tx.process, reserved: &reserved, search: &search };
                let committed = commit::run(tx, &mut batch, hand).await?;
                Ok((committed, std::mem::take(&mut tx.touched)))
            };
            let (committed, touched) = writer.run(Some(now), work).await?;
            let Committed { outcomes, settled, heads } = committed;
            decoded.put(heads, touched);
            let lanes = outcomes.iter().flat_map(|outcome| &outcome.reserved);
            reserved.update(&settled, lanes, now);
            Ok(refused.among(outcomes))
        };
        self.writer.run(run).await
    }
}

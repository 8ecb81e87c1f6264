//! Stored messages as they were mapped, newest first, for those who map them again. Read only: neither the hub
//! that works on the store nor what it keeps notices.
//!
//! **Invariant:** nothing is written. A file is opened to be read; a database refuses writes of the connection.
//! Test: `the_old_bundle_gives_what_was_recorded_to_the_byte`.

use std::fmt::Debug;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use orderhub_order::identify::{Bound, ReferenceKey};
use orderhub_order::ids::OrderKey;
use orderhub_order::model::State;

use super::{StoreError, login, postgres, sqlite};
use crate::bundle::Files;
use crate::config::{self, Secrets, StoreUrl};
use crate::intake::Envelope;

/// A message, and how it was mapped when it was driven.
#[derive(Clone, Debug)]
pub struct Drive {
    /// Its row.
    pub id: i64,
    /// The row of the first drive, where this is a later one.
    pub first: Option<i64>,
    /// When it was stored.
    pub at: Timestamp,
    /// As it arrived.
    pub envelope: Envelope,
    /// The word of the outcome.
    pub outcome: String,
    /// The bundle that mapped it.
    pub bundle: String,
    /// The name of what mapping gave; `None`: nothing was mapped, or the row is of an earlier program.
    pub said: Option<[u8; 16]>,
    /// What was read besides the message.
    pub facts: Option<Vec<u8>>,
}

/// Which messages come next.
#[derive(Clone, Debug)]
pub struct Before {
    /// Rows before this one.
    pub id: i64,
    /// Stored then or later.
    pub since: Timestamp,
    /// Of this system only.
    pub system: Option<String>,
    /// At most so many.
    pub limit: usize,
}

/// What was stored, to be read.
pub trait Traffic: Debug + Send {
    /// The next messages, newest first; none: there are no older ones.
    fn messages(&mut self, before: &Before) -> BoxFuture<'_, Result<Vec<Drive>, StoreError>>;

    /// The files of a bundle by its hash.
    fn bundle(&mut self, hash: &str) -> BoxFuture<'_, Result<Option<Files>, StoreError>>;

    /// What references are bound to, in their order.
    fn bound(
        &mut self,
        keys: &[ReferenceKey],
    ) -> BoxFuture<'_, Result<Vec<Option<Bound>>, StoreError>>;

    /// The head of an order with its lanes.
    fn state(&mut self, key: OrderKey) -> BoxFuture<'_, Result<Option<Arc<State>>, StoreError>>;
}

/// Opens the store of the settings to read it, whether a hub works on it or not.
///
/// # Errors
///
/// [`StoreError`]: it is not there, cannot be read, or has another schema than this program makes.
pub async fn traffic(
    settings: &config::Store,
    secrets: &Secrets,
) -> Result<Box<dyn Traffic>, StoreError> {
    match settings.url.clone() {
        StoreUrl::Sqlite(path) => Ok(Box::new(sqlite::FileTraffic::open(&path)?)),
        StoreUrl::Postgres(url) => {
            let login = login(settings, secrets);
            let options =
                postgres::Options { login, ..postgres::Options::at(url.as_str(), "what-if") };
            Ok(Box::new(postgres::DatabaseTraffic::open(&options).await?))
        }
    }
}

/// Only a store of this program's schema holds what is asked for.
pub(super) fn known(found: i64, known: i64) -> Result<(), StoreError> {
    match found {
        found if found > known => Err(StoreError::Newer { found, known }),
        found if found < known => Err(StoreError::Failed(format!(
            "the store has schema {found}, this program reads {known}; start the hub of this program on it once"
        ))),
        _ => Ok(()),
    }
}

/// A name of what mapping gave, from its column.
pub(super) fn name(bytes: Option<&[u8]>) -> Option<[u8; 16]> {
    bytes?.try_into().ok()
}

//! What is to be fetched, and how far listings were read, as stores answer with it.

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use orderhub_order::ids::SystemName;

use super::StoreError;
use crate::apply::{Args, Cursor, FetchKey};

/// Rows that one look may forget.
pub(super) const MOST_PRUNED: i64 = 1_000;

/// A document that is to be fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchRow {
    /// Its row: never given twice.
    pub id: i64,
    /// Which.
    pub key: FetchKey,
    /// What the operation is called with.
    pub args: Args,
    /// Hints so far: the answer settles these.
    pub wanted: i64,
    /// Attempts that failed since the last answer.
    pub attempts: u32,
    /// Since when it is wanted.
    pub since: Timestamp,
}

/// The part of the store that those who ask systems work with; commits write it ([`Beside`](crate::apply::Beside)).
pub trait Fetches {
    /// Documents of a system that are to be fetched and due at `now`: what was hinted at before what a
    /// listing named, the oldest due first.
    fn fetches(
        &self,
        system: &SystemName,
        now: Timestamp,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<FetchRow>, StoreError>>;

    /// Puts a fetch off, by its row. One that was answered meanwhile stays answered.
    fn fetch_again(
        &self,
        id: i64,
        attempts: u32,
        due: Timestamp,
        why: String,
    ) -> BoxFuture<'_, Result<(), StoreError>>;

    /// What stood in the way of a system's calls is gone: whatever was put off is due.
    fn hurry_fetches(
        &self,
        system: &SystemName,
        now: Timestamp,
    ) -> BoxFuture<'_, Result<(), StoreError>>;

    /// Forgets some of the documents of a system that nothing hinted at since `before`.
    fn prune_fetches(
        &self,
        system: &SystemName,
        before: Timestamp,
    ) -> BoxFuture<'_, Result<(), StoreError>>;

    /// How far a listing of a system was read.
    fn cursor(
        &self,
        system: &SystemName,
        document: &str,
    ) -> BoxFuture<'_, Result<Option<Cursor>, StoreError>>;
}

/// Arguments in their column: texts always serialise.
pub(super) fn write_args(args: &Args) -> String {
    serde_json::to_string(args).unwrap_or_default()
}

/// The arguments again; what nobody wrote so are none, and the connector says what it lacks.
pub(super) fn read_args(text: &str) -> Args {
    serde_json::from_str(text).unwrap_or_default()
}

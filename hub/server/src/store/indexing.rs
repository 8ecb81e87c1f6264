//! What is kept beside orders so that they are found and counted: [`super::search`] and [`super::lines`]. Commits
//! write it as they go. Orders that were written before, by a program that knew less or under another key, are
//! done by a job, a few at a time between commits.

use futures_util::future::BoxFuture;

use super::StoreError;

/// The job's side.
pub trait Indexing {
    /// Does the next orders, at most so many, in one transaction; whether there are more.
    fn index_more(&self, most: usize) -> BoxFuture<'_, Result<bool, StoreError>>;

    /// Whether orders are left that a search may miss.
    fn is_indexing(&self) -> BoxFuture<'_, Result<bool, StoreError>>;
}

//! The search of a file made anew: as a job beside commits, or forgotten while no hub runs.

use std::path::Path;

use futures_util::future::BoxFuture;

use super::writer::call;
use super::{Options, SqliteStore, schema, search};
use crate::store::{Indexing, StoreError};

impl Indexing for SqliteStore {
    fn index_more(&self, most: usize) -> BoxFuture<'_, Result<bool, StoreError>> {
        Box::pin(async move {
            // A look costs no commit; nearly always there is nothing to do.
            if !self.readers.read(search::is_indexing).await? {
                return Ok(false);
            }
            call(&self.jobs, move |writer| {
                writer.transaction(|w| Ok(search::more(&w.connection, most, &w.search)?))
            })
            .await
        })
    }

    fn is_indexing(&self) -> BoxFuture<'_, Result<bool, StoreError>> {
        Box::pin(self.readers.read(search::is_indexing))
    }
}

/// Forgets what finds orders, and its key: the next start begins anew.
///
/// # Errors
///
/// [`StoreError::Failed`] in words, when a hub has the file or it cannot be opened.
pub fn forget_search(path: &Path) -> Result<(), StoreError> {
    let mut opened = schema::open_unsearched(&Options::at(path))?;
    Ok(search::forget(&mut opened.0)?)
}

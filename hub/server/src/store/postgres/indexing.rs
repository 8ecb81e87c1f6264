//! The search of a database made anew: as a job beside commits, or forgotten while no hub runs.

use futures_util::future::BoxFuture;

use super::connect::Connector;
use super::{Options, PostgresStore, schema, search};
use crate::store::{Indexing, StoreError};

impl Indexing for PostgresStore {
    fn index_more(&self, most: usize) -> BoxFuture<'_, Result<bool, StoreError>> {
        let key = self.search.clone();
        Box::pin(async move {
            // A look costs no commit; nearly always there is nothing to do.
            if !self.is_indexing().await? {
                return Ok(false);
            }
            self.write(async move |tx| search::more(tx.c, most, &key).await).await
        })
    }

    fn is_indexing(&self) -> BoxFuture<'_, Result<bool, StoreError>> {
        Box::pin(self.readers.run(|c| Box::pin(search::is_indexing(c))))
    }
}

/// Forgets what finds orders, and its key: the next start begins anew.
///
/// # Errors
///
/// [`StoreError::Failed`] in words, when a hub works on the database or it cannot be reached.
pub async fn forget_search(options: &Options) -> Result<(), StoreError> {
    let alive = schema::forget_search(&Connector::new(options)?).await?;
    if alive.is_empty() {
        return Ok(());
    }
    Err(StoreError::Failed(format!(
        "these hubs work on the store: {}; stop them first, they go on under the key that they know",
        alive.join(", ")
    )))
}

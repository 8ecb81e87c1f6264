//! One process at a time has the file: there are no others.

use std::sync::atomic::Ordering;

use futures_util::future::BoxFuture;

use super::SqliteStore;
use crate::store::{Lease, Peers, StoreError};

impl Peers for SqliteStore {
    fn process(&self) -> u64 {
        self.process
    }

    fn is_gone(&self, process: u64) -> bool {
        // One process at a time has the file.
        process != self.process
    }

    fn lives(&self) -> bool {
        // Once it closes, another may open the file and look after what was under way here.
        !self.closing.load(Ordering::Acquire)
    }

    fn lease(&self, name: &str) -> BoxFuture<'_, Result<Option<Lease>, StoreError>> {
        // How the process before ended is not written down.
        let lease = Lease::new(name, i64::try_from(self.process).unwrap_or(i64::MAX), false);
        Box::pin(std::future::ready(Ok(Some(lease))))
    }

    fn give_back(&self, _lease: Lease) -> BoxFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }
}

//! What the processes share, as last read, for all parts of this one.

use std::sync::Arc;

use tokio::sync::{Mutex, watch};

use super::pool::Pool;
use super::shared;
use crate::store::{Shared, StoreError};

/// Read again with every word of the keeper, and after every change by this process.
///
/// **Invariant:** what is shown is never older than what was shown before: reads follow each other. Test:
/// `a_pause_holds_for_every_process`.
#[derive(Debug)]
pub(super) struct Board {
    readers: Arc<Pool>,
    shown: watch::Sender<Arc<Shared>>,
    turn: Mutex<()>,
}

impl Board {
    pub(super) fn new(readers: Arc<Pool>) -> Self {
        Self { readers, shown: watch::Sender::default(), turn: Mutex::default() }
    }

    pub(super) fn watch(&self) -> watch::Receiver<Arc<Shared>> {
        self.shown.subscribe()
    }

    pub(super) async fn refresh(&self) -> Result<(), StoreError> {
        let _turn = self.turn.lock().await;
        let shared = self.readers.run(|c| Box::pin(shared::read(c))).await?;
        self.shown.send_replace(Arc::new(shared));
        Ok(())
    }
}

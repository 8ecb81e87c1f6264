//! What one process at a time may do: read a queue, drive what waits, ring timers.
//!
//! A lease has an epoch, which every commit of what was done under it names: the transaction finds out
//! whether the lease is still held, so that whoever was away and comes back changes nothing.

use std::fmt;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

/// A lease that this process holds. Cheap to clone.
#[derive(Clone)]
pub struct Lease(Arc<Held>);

struct Held {
    name: Box<str>,
    epoch: i64,
    orderly: bool,
    lost: CancellationToken,
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease").field("name", &self.0.name).field("epoch", &self.0.epoch).finish()
    }
}

impl Lease {
    pub(crate) fn new(name: &str, epoch: i64, orderly: bool) -> Self {
        let lost = CancellationToken::new();
        Self(Arc::new(Held { name: name.into(), epoch, orderly, lost }))
    }

    /// Whether the holder before has given it back in order: then nothing that it left behind is to blame
    /// for its end.
    pub fn is_orderly(&self) -> bool {
        self.0.orderly
    }

    /// What may be done.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Which of all holders of this name, in turn, this one is.
    pub fn epoch(&self) -> i64 {
        self.0.epoch
    }

    /// Whether somebody else may hold it by now.
    pub fn is_lost(&self) -> bool {
        self.0.lost.is_cancelled()
    }

    /// Ends when somebody else may hold it.
    pub async fn lost(&self) {
        self.0.lost.cancelled().await;
    }

    pub(crate) fn lose(&self) {
        self.0.lost.cancel();
    }
}

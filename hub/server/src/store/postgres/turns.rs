//! The turns at the writer: one work after the other, each on a thread that waits for nothing but the server.
//!
//! Folding and packing take the processor, and a commit asks the server a dozen questions. A driver of its own
//! lets the thread that asks hear the answer itself: through the common one it hears it from another thread, which
//! has to get its own turn on a busy machine first. Measured on two busy cores: a third of the time of a commit.

use std::fmt;
use std::sync::Arc;

use tokio::runtime::{Builder, Runtime};
use tokio::sync::Mutex;

use super::writer::Writer;
use crate::store::StoreError;

/// See the module.
#[derive(Debug)]
pub(super) struct Turns {
    writer: Arc<Mutex<Writer>>,
    driver: Arc<Driver>,
}

/// What hears the server's answers to the writer; its connection lives here only.
struct Driver(Option<Runtime>);

impl fmt::Debug for Driver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Driver")
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            // The last store may be dropped where nothing may wait.
            runtime.shutdown_background();
        }
    }
}

impl Turns {
    /// # Errors
    ///
    /// [`StoreError::Failed`]: the system gives no more descriptors.
    pub(super) fn new(writer: Writer) -> Result<Self, StoreError> {
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| {
            StoreError::Failed(format!("the writer cannot be started: {error}"))
        })?;
        Ok(Self { writer: Arc::new(Mutex::new(writer)), driver: Arc::new(Driver(Some(runtime))) })
    }

    /// Runs something with the writer, when it is its turn, to its end: even when nobody waits for it any more.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl AsyncFnOnce(&mut Writer) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let mut writer = Arc::clone(&self.writer).lock_owned().await;
        let driver = Arc::clone(&self.driver);
        let task = tokio::task::spawn_blocking(move || {
            let runtime = driver.0.as_ref().ok_or(StoreError::Closed)?;
            runtime.block_on(async { work(&mut writer).await })
        });
        let ended = task.await;
        ended.map_err(|error| StoreError::Failed(format!("a write did not end: {error}")))?
    }
}

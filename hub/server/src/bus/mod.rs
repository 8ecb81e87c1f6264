//! Where messages come from: RabbitMQ, or the same contract without a broker.
//!
//! The contract of a source, kept by both: envelopes enter [`Intake`] in the order in which the source
//! gave them; each is acknowledged after the commit that holds its bytes; at most a bounded number
//! is unacknowledged; what was not stored stays with the source; stopping takes nothing more, waits
//! for what was taken, and acknowledges it.
//!
//! A reader of RabbitMQ lets nothing overtake what was not stored. A publisher of the in-process bus is
//! told of each envelope, and publishes again what it must before it goes on.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::apply::UnitOutcome;
use crate::intake::{Envelope, Intake, Pending};
use crate::store::StoreError;

mod alone;
pub mod amqp;
mod session;
#[cfg(test)]
mod tests;
pub(crate) mod topology;

/// Envelopes that may be unacknowledged on the in-process bus.
const MOST_IN_PROCESS: usize = 512;

/// The bus without a broker: used by the demo, by tests, and by one program that embeds another.
/// Cheap to clone; clones share the bound.
#[derive(Clone, Debug)]
pub struct Bus {
    intake: Intake,
    room: Arc<Semaphore>,
}

/// A published envelope that waits for its acknowledgement.
#[derive(Debug)]
pub struct Published {
    pending: Pending,
    _room: OwnedSemaphorePermit,
}

impl Bus {
    /// A bus in front of the intake.
    pub fn new(intake: Intake) -> Self {
        Self { intake, room: Arc::new(Semaphore::new(MOST_IN_PROCESS)) }
    }

    /// Publishes and waits for the acknowledgement: the commit that holds the envelope.
    ///
    /// # Errors
    ///
    /// [`StoreError`]: nothing is stored; publish again.
    pub async fn publish(&self, envelope: Envelope) -> Result<UnitOutcome, StoreError> {
        self.send(envelope).await?.acknowledged().await
    }

    /// Publishes; waits only while the bus is full. Envelopes keep the order of these calls.
    ///
    /// # Errors
    ///
    /// [`StoreError::Closed`] while stopping.
    pub async fn send(&self, envelope: Envelope) -> Result<Published, StoreError> {
        let room = Arc::clone(&self.room).acquire_owned().await;
        let room = room.map_err(|_| StoreError::Closed)?;
        Ok(Published { pending: self.intake.queue(envelope).await?, _room: room })
    }

    /// Takes nothing more, and waits until everything taken is stored.
    pub async fn stop(&self) {
        let all = u32::try_from(MOST_IN_PROCESS).unwrap_or(u32::MAX);
        // Closed already: another stop came first.
        if let Ok(permits) = self.room.acquire_many(all).await {
            self.room.close();
            drop(permits);
        }
    }
}

impl Published {
    /// Waits for the commit that holds the envelope.
    ///
    /// # Errors
    ///
    /// [`StoreError`]: nothing is stored; publish again.
    pub async fn acknowledged(self) -> Result<UnitOutcome, StoreError> {
        self.pending.stored().await
    }
}

//! RabbitMQ: one reader per queue, supervised for ever.
//!
//! The connection is rebuilt here and not by the library, so that a channel's epoch is plain to see:
//! acknowledgements of an old channel die with it, and delivery tags begin at 1 again.

use std::sync::Arc;
use std::time::Duration;

use lapin::uri::AMQPUri;
use secrecy::ExposeSecret;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::session::{self, Consumed, EpochEnd};
use crate::config::{self, Consume, Consumers, Secrets};
use crate::intake::Intake;
use crate::readiness::Readiness;
use crate::resilience::Jitter;
use crate::store::{Lease, Store};

/// Shortest wait before the next try to connect; doubles up to [`LONGEST_WAIT`].
const SHORTEST_WAIT: Duration = Duration::from_millis(200);
/// Longest wait between two tries, before jitter.
const LONGEST_WAIT: Duration = Duration::from_secs(4);
/// How often a reader whose queue another process reads asks whether it still does.
const ASK: Duration = Duration::from_secs(1);
/// Seconds between heartbeats, where the URL (`?heartbeat=`) says nothing. A broker misses a machine that is cut off
/// after two of them, and keeps its queues from others so long; with less, a busy machine would seem to be gone.
const HEARTBEAT_S: u16 = 5;

/// What every reader works with.
#[derive(Clone, Debug)]
pub struct Parts {
    /// Where envelopes go.
    pub intake: Intake,
    /// Asked whether it is there, before anything is consumed.
    pub store: Arc<dyn Store>,
    /// Where a reader that cannot read says so.
    pub readiness: Readiness,
    /// Randomness of waits.
    pub jitter: Jitter,
    /// For the broker's password.
    pub secrets: Secrets,
    /// Ends the readers, after what they took is stored and acknowledged.
    pub stop: CancellationToken,
}

/// One queue and how it is read.
pub(super) struct Reader {
    /// `queue:<name>`: the source of its envelopes and its name in readiness.
    pub(super) source: Arc<str>,
    pub(super) bus: config::Bus,
    pub(super) consume: Consume,
    pub(super) parts: Parts,
}

/// Starts a reader for each queue of the settings.
pub fn start(bus: &config::Bus, parts: &Parts) -> Vec<JoinHandle<()>> {
    let readers = bus.consume.iter().map(|(name, consume)| {
        let source: Arc<str> = format!("queue:{name}").into();
        parts.readiness.not(&source, "not connected yet");
        let reader =
            Reader { source, bus: bus.clone(), consume: consume.clone(), parts: parts.clone() };
        tokio::spawn(reader.run())
    });
    readers.collect()
}

impl Reader {
    /// Reads until stopped; whatever breaks is built anew, without end. Where one process at a time may read
    /// the queue, it does so under a lease.
    async fn run(self) {
        while !self.parts.stop.is_cancelled() {
            let lease = match self.consume.consumers {
                Consumers::Many => None,
                Consumers::One => match self.lease().await {
                    Some(lease) => Some(lease),
                    None => return,
                },
            };
            let goes_on = self.read(lease.as_ref()).await;
            if let Some(lease) = lease {
                self.parts.store.give_back(lease).await;
            }
            if !goes_on {
                return;
            }
        }
    }

    /// Waits for the lease of the queue. `None`: the hub stops.
    async fn lease(&self) -> Option<Lease> {
        let name = format!("queue:{}", self.consume.queue);
        loop {
            match self.parts.store.lease(&name).await {
                Ok(Some(lease)) => return Some(lease),
                // Somebody reads it: nothing is wrong here.
                Ok(None) => self.parts.readiness.ready(&self.source),
                Err(error) => self.parts.readiness.not(&self.source, error.to_string()),
            }
            tokio::select! {
                () = tokio::time::sleep(self.parts.jitter.upward(ASK)) => {}
                () = self.parts.stop.cancelled() => return None,
            }
        }
    }

    /// Reads while the lease is held; whether reading makes sense any more.
    async fn read(&self, lease: Option<&Lease>) -> bool {
        // What is redelivered may be what ended the process before, until that has ended in order, or a
        // session of this one has.
        let mut suspicious = lease.is_none_or(|lease| !lease.is_orderly());
        let mut wait = SHORTEST_WAIT;
        while !self.parts.stop.is_cancelled() && lease.is_none_or(|lease| !lease.is_lost()) {
            // Asked before anything is consumed: what is consumed and not stored comes again, and brokers
            // that count deliveries give a message up after some.
            let end = match self.parts.store.try_write().await {
                Ok(()) => session::run(self, lease, suspicious).await,
                Err(error) => {
                    EpochEnd::Broken { why: error.to_string(), consumed: Consumed::Nothing }
                }
            };
            match end {
                EpochEnd::Stopped => return false,
                EpochEnd::TooLarge { bytes } => {
                    self.give_up(bytes);
                    return false;
                }
                EpochEnd::Broken { why, consumed } => {
                    tracing::warn!(source = %self.source, %why, "the reader starts again");
                    self.parts.readiness.not(&self.source, why);
                    suspicious &= consumed == Consumed::Nothing;
                    if consumed == Consumed::Some {
                        wait = SHORTEST_WAIT;
                    }
                }
            }
            let jittered = self.parts.jitter.upward(wait);
            tokio::select! {
                () = tokio::time::sleep(jittered) => {}
                () = self.parts.stop.cancelled() => return false,
            }
            wait = (wait * 2).min(LONGEST_WAIT);
        }
        true
    }

    /// Reading on would lose the message: without a dead-letter target a rejected message is deleted,
    /// and returning it for ever ends the same where the broker counts deliveries.
    fn give_up(&self, bytes: usize) {
        let why = format!(
            "a message of {bytes} bytes (at most {} are taken) stands first in queue `{}`, which has no \
             dead-letter target; take it out, or give the queue one (`dead_letters = true` if a policy \
             has it), and restart the hub",
            crate::intake::MOST_BYTES,
            self.consume.queue
        );
        tracing::error!(source = %self.source, %why, "the reader has stopped");
        self.parts.readiness.not(&self.source, why);
    }

    /// Where to connect, with the password of the secret if one is set.
    pub(super) fn uri(&self) -> Result<AMQPUri, String> {
        address(&self.bus, &self.parts.secrets)
    }
}

/// Where to connect, with the password of the secret if one is set.
///
/// # Errors
///
/// Why the URL or the secret cannot be used, without either.
pub(crate) fn address(bus: &config::Bus, secrets: &Secrets) -> Result<AMQPUri, String> {
    let mut uri: AMQPUri = bus.url.expose().parse().map_err(|_| {
        // Never the library's words: they repeat the URL with its password.
        "`bus.url` cannot be read; write `amqp://user:password@host:5672/vhost`".to_owned()
    })?;
    if let Some(at) = &bus.password {
        let password = secrets.read(at).map_err(|error| error.to_string())?;
        uri.authority.userinfo.password = password.expose_secret().to_owned();
    }
    uri.query.heartbeat.get_or_insert(HEARTBEAT_S);
    Ok(uri)
}

//! One reader at a time, as the broker sees it: a lease says who may read, and the broker says who still does.
//!
//! A process that was killed is gone from the broker at once, because its connection closes. A machine that was
//! cut off is not: the broker holds what it gave that reader until it has missed the heartbeats of its
//! connection, and gives it out again then. Whoever reads meanwhile would read what is newer first. So the next
//! reader waits until nobody reads the queue. `exclusive` does not say so: quorum queues know no exclusive readers.
//!
//! **Invariant:** where one process at a time may read, none begins while the broker has another reader. Test:
//! `the_next_reader_waits_until_the_broker_has_let_go_of_one_that_is_cut_off`.
//! Bounds: a reader that is there after [`HEARTBEATS`] heartbeats is alive, and none of ours, or stands on a node
//! of the broker that is down, which gave its messages back then. It is told of, and read beside.

use std::time::Duration;

use lapin::options::QueueDeclareOptions;
use lapin::types::FieldTable;
use lapin::{Channel, Connection};
use tokio::time::{Instant, sleep, timeout};

use super::amqp::Reader;
use super::topology::ANSWER_WITHIN;
use crate::store::Lease;

/// Between two questions whether a former reader is still there.
const ASK: Duration = Duration::from_millis(250);
/// A broker closes a connection that was silent for two heartbeats, or a little more.
const HEARTBEATS: u32 = 4;
/// The same, where neither side wants heartbeats.
const WITHOUT_HEARTBEATS: Duration = Duration::from_secs(60);

/// What the broker says of a queue.
#[derive(Clone, Copy, Debug)]
pub(super) struct Look {
    /// Messages that are ready, without those that somebody holds unacknowledged.
    pub(super) ready: u32,
    /// Who reads it, and who holds messages of it though he stopped reading.
    pub(super) readers: u32,
}

/// Asks; changes nothing.
pub(super) async fn look(channel: &Channel, queue: &str) -> Result<Look, lapin::Error> {
    let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
    let answer = channel.queue_declare(queue.into(), passive, FieldTable::default()).await?;
    Ok(Look { ready: answer.message_count(), readers: answer.consumer_count() })
}

/// Who else reads the queue of a reader that is about to begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Others {
    /// Nobody.
    None,
    /// As many as want to, or somebody who does not go.
    May,
}

/// Waits until nobody reads the queue, where one process at a time may.
///
/// # Errors
///
/// In words: the broker does not answer, or the lease is lost.
pub(super) async fn wait(
    reader: &Reader,
    connection: &Connection,
    channel: &Channel,
    lease: Option<&Lease>,
) -> Result<Others, String> {
    let Some(lease) = lease else { return Ok(Others::May) };
    let queue = reader.consume.queue.as_str();
    let end = Instant::now() + longest(connection.configuration().heartbeat());
    let mut told = false;
    loop {
        let readers = readers(channel, queue).await?;
        if readers == 0 {
            return Ok(Others::None);
        }
        if Instant::now() >= end {
            tracing::warn!(
                source = %reader.source, readers,
                "others read the queue and do not go: they take messages away, and the order is theirs; stop them"
            );
            return Ok(Others::May);
        }
        if !told {
            // Nothing is wrong with this process: it takes whatever comes another way.
            reader.parts.readiness.ready(&reader.source);
            tracing::info!(source = %reader.source, readers, "the broker still has a former reader; this one waits");
            told = true;
        }
        tokio::select! {
            () = lease.lost() => return Err(LOST.to_owned()),
            () = sleep(ASK) => {}
        }
    }
}

/// Whether, now that this one reads, it is alone as it was meant to be: a broker that had no leader for the queue a
/// moment ago knew of no readers then. Nothing of what it gave was looked at yet.
///
/// # Errors
///
/// In words: it is not, or the broker does not answer.
pub(super) async fn still(channel: &Channel, queue: &str, others: Others) -> Result<(), String> {
    match others {
        Others::None if readers(channel, queue).await? > 1 => {
            Err(format!("another reader of queue `{queue}` came up at the same moment"))
        }
        Others::None | Others::May => Ok(()),
    }
}

/// What ends a reader whose lease is another's.
pub(super) const LOST: &str = "this process does not hold the queue any more";

async fn readers(channel: &Channel, queue: &str) -> Result<u32, String> {
    match timeout(ANSWER_WITHIN, look(channel, queue)).await {
        Ok(Ok(look)) => Ok(look.readers),
        Ok(Err(error)) => Err(format!("queue `{queue}`: {error}")),
        Err(_) => Err(format!("the broker does not answer within {ANSWER_WITHIN:?}")),
    }
}

/// How long a reader that is gone may seem to be there.
fn longest(heartbeat_s: u16) -> Duration {
    match heartbeat_s {
        0 => WITHOUT_HEARTBEATS,
        seconds => Duration::from_secs(seconds.into()) * HEARTBEATS,
    }
}

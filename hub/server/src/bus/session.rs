//! One epoch of a reader: connect, look at the queue, consume, acknowledge, until something ends it.
//!
//! **Invariant:** a tag is acknowledged only on the channel that delivered it, after its commit. Tests:
//! `a_killed_hub_goes_on_where_it_was`,
//! `a_crash_of_the_broker_and_cut_connections_lose_and_double_nothing`.

use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::{BoxFuture, FutureExt};
use futures_util::stream::{FuturesUnordered, StreamExt};
use lapin::message::Delivery;
use lapin::options::{BasicAckOptions, BasicConsumeOptions, BasicQosOptions, BasicRejectOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{Channel, Connection, ConnectionProperties, Consumer};
use tokio::time::{Instant, timeout, timeout_at};

use super::alone::{self, Others};
use super::amqp::Reader;
use super::topology::{self, ANSWER_WITHIN};
use crate::apply::UnitOutcome;
use crate::apply::acks::Acks;
use crate::intake::{Intake, MOST_BYTES, queue};
use crate::store::{Lease, StoreError};

/// How often the broker is asked whether it holds messages that it does not deliver.
const WATCH_EVERY: Duration = Duration::from_secs(10);
/// Longest wait, when ending, for what was taken to be stored.
const DRAIN_WITHIN: Duration = Duration::from_secs(3);

/// Why an epoch ended.
#[derive(Debug)]
pub(super) enum EpochEnd {
    /// The hub stops: what was taken is stored and acknowledged.
    Stopped,
    /// A message too large to store, and nowhere to reject it to.
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// To be built anew.
    Broken {
        /// For the operator.
        why: String,
        /// How far it came.
        consumed: Consumed,
    },
}

/// How far an epoch came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Consumed {
    /// It never began.
    Nothing,
    /// It read until something broke.
    Some,
    /// It read, but the store did not take it: no reason to hurry.
    Unstored,
}

/// What ends reading, before the drain.
enum Halt {
    Stop,
    TooLarge(usize),
    Broken(String),
    Unstored(StoreError),
}

impl From<StoreError> for Halt {
    fn from(error: StoreError) -> Self {
        Self::Unstored(error)
    }
}

impl From<lapin::Error> for Halt {
    fn from(error: lapin::Error) -> Self {
        Self::Broken(error.to_string())
    }
}

/// Runs one epoch to its end. `suspicious`: what comes redelivered is to be driven alone.
pub(super) async fn run(reader: &Reader, lease: Option<&Lease>, suspicious: bool) -> EpochEnd {
    let opened = tokio::select! {
        opened = open(reader, lease, suspicious) => opened,
        () = reader.parts.stop.cancelled() => return EpochEnd::Stopped,
    };
    let (connection, mut session) = match opened {
        Ok(opened) => opened,
        Err(why) => return EpochEnd::Broken { why, consumed: Consumed::Nothing },
    };
    reader.parts.readiness.ready(&reader.source);
    let halt = session.read().await;
    session.drain().await;
    // Closing the channel, not the consumer, returns what was not read in its old order.
    let closing = connection.close(200, "done".into());
    if !matches!(timeout(ANSWER_WITHIN, closing).await, Ok(Ok(()))) {
        tracing::debug!(source = %reader.source, "the connection was closed already");
    }
    match halt {
        Halt::Stop => EpochEnd::Stopped,
        Halt::TooLarge(bytes) => EpochEnd::TooLarge { bytes },
        Halt::Broken(why) => EpochEnd::Broken { why, consumed: Consumed::Some },
        Halt::Unstored(error) => {
            EpochEnd::Broken { why: error.to_string(), consumed: Consumed::Unstored }
        }
    }
}

async fn open<'a>(
    reader: &'a Reader,
    lease: Option<&'a Lease>,
    suspicious: bool,
) -> Result<(Connection, Session<'a>), String> {
    let uri = reader.uri()?;
    let name = format!("orderhub {}", reader.source);
    let properties = ConnectionProperties::default().with_connection_name(name.into());
    let place = reader.bus.url.masked();
    let connecting = timeout(ANSWER_WITHIN, Connection::connect_uri(uri, properties));
    let connection = match connecting.await {
        Ok(Ok(connection)) => connection,
        Ok(Err(error)) => return Err(format!("cannot connect to {place}: {error}")),
        Err(_) => return Err(format!("{place} does not answer within {ANSWER_WITHIN:?}")),
    };
    let silent = |_| format!("{place} does not answer within {ANSWER_WITHIN:?}");
    let look = timeout(ANSWER_WITHIN, there(reader, &connection)).await.map_err(silent)??;
    let others = alone::wait(reader, &connection, &look, lease).await?;
    let asked = prepare(reader, &connection, (lease, suspicious), (look, others));
    let session = timeout(ANSWER_WITHIN, asked).await.map_err(silent)??;
    Ok((connection, session))
}

/// A channel for questions, over which the queue was found.
async fn there(reader: &Reader, connection: &Connection) -> Result<Channel, String> {
    let queue = reader.consume.queue.as_str();
    let words = |error: lapin::Error| format!("queue `{queue}`: {error}");
    let look = connection.create_channel().await.map_err(words)?;
    if let Err(error) = alone::look(&look, queue).await {
        return Err(match error.is_amqp_soft_error() {
            true => format!(
                "queue `{queue}` cannot be read ({error}); create it, best as a durable quorum queue with a \
                 dead-letter exchange: the hub declares no queue by itself"
            ),
            false => words(error),
        });
    }
    Ok(look)
}

async fn prepare<'a>(
    reader: &'a Reader,
    connection: &Connection,
    (lease, suspicious): (Option<&'a Lease>, bool),
    (look, others): (Channel, Others),
) -> Result<Session<'a>, String> {
    let queue = reader.consume.queue.as_str();
    let words = |error: lapin::Error| format!("queue `{queue}`: {error}");
    let topology = topology::inspect(connection, queue).await.map_err(words)?;
    for worry in topology.worries(queue, reader.consume.dead_letters) {
        tracing::warn!(source = %reader.source, "{worry}");
    }
    let channel = connection.create_channel().await.map_err(words)?;
    let prefetch = reader.bus.prefetch.get();
    channel.basic_qos(prefetch, BasicQosOptions::default()).await.map_err(words)?;
    let tag = format!("orderhub-{}", uuid::Uuid::new_v4().simple());
    let (options, arguments) = (BasicConsumeOptions::default(), FieldTable::default());
    let consumer = channel.basic_consume(queue.into(), tag.into(), options, arguments);
    let consumer = consumer.await.map_err(words)?;
    alone::still(&look, queue, others).await?;
    tracing::info!(source = %reader.source, prefetch, "the reader reads");
    let intake = reader.parts.intake.in_order();
    Ok(Session {
        reader,
        lease,
        intake: lease.map_or(intake.clone(), |lease| intake.under(lease.clone())),
        channel,
        look,
        consumer,
        acks: Acks::new(),
        taken: FuturesUnordered::new(),
        rejects: reader.consume.dead_letters.unwrap_or(topology.dead_letters.is_some()),
        suspicious,
        delivered: 0,
        quiet: 0,
        backlog: 0,
    })
}

type Taken = BoxFuture<'static, (u64, Result<UnitOutcome, StoreError>)>;

struct Session<'a> {
    reader: &'a Reader,
    /// Under which the queue is read, where one process at a time may.
    lease: Option<&'a Lease>,
    /// What the store did not take of this epoch, nothing of it overtakes.
    intake: Intake,
    channel: Channel,
    /// For questions: a refusal closes a channel, never the one that consumes.
    look: Channel,
    consumer: Consumer,
    acks: Acks,
    /// Handed to apply, not yet stored. Bounded by the prefetch.
    taken: FuturesUnordered<Taken>,
    /// A rejected message goes to a dead-letter target.
    rejects: bool,
    suspicious: bool,
    /// Deliveries since the watchdog last looked.
    delivered: u64,
    /// Times in a row that it found messages ready and none delivered.
    quiet: u32,
    /// What this reader last added to the backlog.
    backlog: u32,
}

impl Drop for Session<'_> {
    fn drop(&mut self) {
        metrics::gauge!("orderhub_intake_backlog").decrement(f64::from(self.backlog));
    }
}

impl Session<'_> {
    async fn read(&mut self) -> Halt {
        let (stop, lease) = (self.reader.parts.stop.clone(), self.lease);
        let lost = async move {
            match lease {
                Some(lease) => lease.lost().await,
                None => std::future::pending().await,
            }
        };
        let mut lost = std::pin::pin!(lost);
        let mut watch = tokio::time::interval_at(Instant::now() + WATCH_EVERY, WATCH_EVERY);
        loop {
            let step = tokio::select! {
                // First what frees the broker's window, then what fills it.
                biased;
                () = stop.cancelled() => return Halt::Stop,
                () = &mut lost => {
                    return Halt::Broken(alone::LOST.to_owned());
                }
                Some(stored) = self.taken.next(), if !self.taken.is_empty() => self.settle(stored).await,
                _ = watch.tick() => self.watch().await,
                delivery = self.consumer.next() => match delivery {
                    Some(Ok(delivery)) => self.take(delivery).await,
                    Some(Err(error)) => Err(error.into()),
                    None => Err(Halt::Broken("the broker has ended the consumer".to_owned())),
                },
            };
            if let Err(halt) = step {
                return halt;
            }
        }
    }

    /// Hands a delivery to apply, in the queue's order.
    async fn take(&mut self, delivery: Delivery) -> Result<(), Halt> {
        self.delivered += 1;
        let (tag, bytes) = (delivery.delivery_tag, delivery.data.len());
        if bytes > MOST_BYTES {
            return self.refuse(tag, bytes).await;
        }
        let raw = self.raw(delivery);
        let addressed = queue::address(&self.reader.source, &self.reader.consume, raw);
        let intake = &self.intake;
        let pending = match addressed.refused {
            None => intake.queue(addressed.envelope).await?,
            Some((cause, why)) => intake.queue_refused(addressed.envelope, cause, why).await?,
        };
        self.taken.push(pending.stored().map(move |stored| (tag, stored)).boxed());
        Ok(())
    }

    async fn refuse(&mut self, tag: u64, bytes: usize) -> Result<(), Halt> {
        if !self.rejects {
            return Err(Halt::TooLarge(bytes));
        }
        tracing::warn!(source = %self.reader.source, bytes, "too large to store: dead-lettered");
        self.channel.basic_reject(tag, BasicRejectOptions { requeue: false }).await?;
        self.acks.rejected(tag);
        Ok(())
    }

    fn raw(&self, delivery: Delivery) -> queue::Raw {
        let properties = &delivery.properties;
        let named = [
            ("message_id", properties.message_id()),
            ("correlation_id", properties.correlation_id()),
            ("type", properties.kind()),
            ("app_id", properties.app_id()),
        ];
        let named = named.into_iter().filter_map(|(name, value)| {
            value.as_ref().map(|value| (name, value.as_str().to_owned()))
        });
        let headers = properties
            .headers()
            .iter()
            .flat_map(FieldTable::inner)
            .filter_map(|(name, value)| Some((name.as_str().to_owned(), text(value)?)));
        queue::Raw {
            routing_key: delivery.routing_key.as_str().to_owned(),
            headers: headers.collect(),
            properties: named.collect(),
            suspect: delivery.redelivered && self.suspicious,
            received: self.reader.parts.intake.now(),
            body: Bytes::from(delivery.data),
        }
    }

    /// Notes what is stored, and acknowledges the contiguous prefix of all that is stored by now.
    async fn settle(&mut self, first: (u64, Result<UnitOutcome, StoreError>)) -> Result<(), Halt> {
        let mut next = Some(first);
        let mut failed = None;
        while let Some((tag, stored)) = next {
            match stored {
                Ok(_) => self.acks.stored(tag),
                // Those behind it fail because it did: its own reason is the one to tell.
                Err(StoreError::Behind) if failed.is_some() => {}
                Err(error) => failed = Some(error),
            }
            next = self.taken.next().now_or_never().flatten();
        }
        self.acknowledge().await?;
        // What was not stored stays with the broker: the channel closes and it comes again.
        failed.map_or(Ok(()), |error| Err(error.into()))
    }

    async fn acknowledge(&mut self) -> Result<(), lapin::Error> {
        if let Some(tag) = self.acks.take() {
            self.channel.basic_ack(tag, BasicAckOptions { multiple: true }).await?;
        }
        Ok(())
    }

    /// Looks whether the broker holds messages that it does not deliver, and closes late gaps.
    async fn watch(&mut self) -> Result<(), Halt> {
        for tag in self.acks.take_ahead() {
            self.channel.basic_ack(tag, BasicAckOptions { multiple: false }).await?;
        }
        let queue = &self.reader.consume.queue;
        let asked = timeout(ANSWER_WITHIN, alone::look(&self.look, queue)).await;
        let asked = asked.map_err(|_| Halt::Broken("the broker does not answer".to_owned()))?;
        let ready = asked?.ready;
        metrics::gauge!("orderhub_intake_backlog")
            .increment(f64::from(ready) - f64::from(self.backlog));
        self.backlog = ready;
        let stuck = ready > 0 && self.delivered == 0 && self.taken.is_empty();
        self.delivered = 0;
        self.quiet = if stuck { self.quiet + 1 } else { 0 };
        if self.quiet < 2 {
            return Ok(());
        }
        Err(Halt::Broken(format!("{ready} messages are ready, but the broker delivers none")))
    }

    /// Waits for what was taken, and acknowledges it. What is not stored in time comes again.
    async fn drain(&mut self) {
        let end = Instant::now() + DRAIN_WITHIN;
        while let Ok(Some((tag, stored))) = timeout_at(end, self.taken.next()).await {
            if stored.is_ok() {
                self.acks.stored(tag);
            }
        }
        let told = timeout_at(end + ANSWER_WITHIN / 10, Pin::from(Box::new(self.acknowledge())));
        if !matches!(told.await, Ok(Ok(()))) {
            tracing::debug!("the channel was closed before the last acknowledgement");
        }
    }
}

/// Texts and numbers as text; what has no simple text is left out.
fn text(value: &AMQPValue) -> Option<String> {
    match value {
        AMQPValue::LongString(text) => Some(text.to_string()),
        AMQPValue::ShortString(text) => Some(text.to_string()),
        AMQPValue::Boolean(value) => Some(value.to_string()),
        AMQPValue::ShortShortInt(number) => Some(number.to_string()),
        AMQPValue::ShortShortUInt(number) => Some(number.to_string()),
        AMQPValue::ShortInt(number) => Some(number.to_string()),
        AMQPValue::ShortUInt(number) => Some(number.to_string()),
        AMQPValue::LongInt(number) => Some(number.to_string()),
        AMQPValue::LongUInt(number) => Some(number.to_string()),
        AMQPValue::LongLongInt(number) => Some(number.to_string()),
        AMQPValue::Timestamp(seconds) => Some(seconds.to_string()),
        AMQPValue::Float(_)
        | AMQPValue::Double(_)
        | AMQPValue::DecimalValue(_)
        | AMQPValue::FieldArray(_)
        | AMQPValue::FieldTable(_)
        | AMQPValue::ByteArray(_)
        | AMQPValue::Void => None,
    }
}

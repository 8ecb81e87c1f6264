//! Publishes to the exchange: a connection of its own, confirms, mandatory and persistent messages, a deadline each.
//!
//! **Invariant:** a publish succeeds only when the broker confirmed it and did not return it. Whatever else comes of
//! it is an error that its lane keeps it for. Tests: `events_come_through_a_crash_once_and_in_order`,
//! `an_event_that_nobody_is_bound_to_waits_for_a_binding`.
//! Bounds: as many publishes wait for their confirm as the deliverer has permits for one system, and
//! [`MOST_BEST_EFFORT`] events of systems.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions, ExchangeDeclareOptions};
use lapin::types::{AMQPValue, FieldTable, LongString};
use lapin::{
    BasicProperties, Channel, Confirmation, Connection, ConnectionProperties, ExchangeKind,
};
use orderhub_connectors::contract::{Answer, Request};
use orderhub_connectors::error::CallError;
use orderhub_order::ids::SystemName;
use serde_json::json;
use tokio::sync::{Mutex, Semaphore};
use tokio::time::timeout;

use super::connector::{KIND, MESSAGE_ID, confirmed};
use super::{CONTENT_TYPE, of_system};
use crate::bus::amqp::address;
use crate::config::{Bus, Secrets};
use crate::resilience::gate::GateState;

/// Longest time of a publish, its connection included, as the stack counts it.
pub(super) const WITHIN: Duration = Duration::from_secs(10);
/// Longest wait for a confirm: the channel is given up before the stack gives up the publish.
const CONFIRM_WITHIN: Duration = Duration::from_secs(6);
/// Longest wait for a connection.
const CONNECT_WITHIN: Duration = Duration::from_secs(3);
/// Events of systems that are being published; more are dropped.
const MOST_BEST_EFFORT: usize = 16;
/// Messages outlive a restart of the broker.
const PERSISTENT: u8 = 2;
/// The event of a breaker that moved.
const BREAKER: &str = "system.breaker_changed";

/// The way to the exchange. Cheap to clone; clones share the connection.
#[derive(Clone, Debug)]
pub(crate) struct Publisher(Arc<Inner>);

struct Inner {
    bus: Bus,
    secrets: Secrets,
    open: Mutex<Current<Open>>,
    best_effort: Arc<Semaphore>,
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Publisher")
            .field("exchange", &self.bus.events_exchange)
            .finish_non_exhaustive()
    }
}

/// A channel that confirms, and what keeps it open.
struct Open {
    channel: Channel,
    _connection: Arc<Connection>,
}

/// What is open now. Each thing that was opened has a number of its own: those of channels begin anew with each
/// connection.
///
/// **Invariant:** what was owed by one that is gone gives up no later one. Test:
/// `what_an_old_channel_owes_gives_up_no_new_one`.
#[derive(Debug)]
struct Current<T> {
    open: Option<T>,
    number: u64,
}

impl<T> Default for Current<T> {
    fn default() -> Self {
        Self { open: None, number: 0 }
    }
}

impl<T> Current<T> {
    /// Another takes its place; its number.
    fn put(&mut self, open: T) -> u64 {
        self.open = Some(open);
        self.number += 1;
        self.number
    }

    /// Gives up the one of this number, if it is still the one.
    fn give_up(&mut self, number: u64) {
        if self.number == number {
            self.open = None;
        }
    }
}

impl Publisher {
    /// The publisher of the settings; `None`: nothing is published.
    pub(crate) fn of(bus: Option<&Bus>, secrets: &Secrets) -> Option<Self> {
        let bus = bus.filter(|bus| !bus.events_exchange.is_empty())?;
        Some(Self(Arc::new(Inner {
            bus: bus.clone(),
            secrets: secrets.clone(),
            open: Mutex::default(),
            best_effort: Arc::new(Semaphore::new(MOST_BEST_EFFORT)),
        })))
    }

    /// Publishes what the connector asked for.
    pub(super) async fn publish(&self, request: &Request) -> Result<Answer, CallError> {
        let routing_key = request.url.rsplit('/').next().unwrap_or_default();
        let mut headers = FieldTable::default();
        let mut properties = BasicProperties::default().with_delivery_mode(PERSISTENT);
        for (name, value) in &request.headers {
            match name.as_str() {
                KIND => properties = properties.with_content_type(value.as_str().into()),
                MESSAGE_ID => properties = properties.with_message_id(value.as_str().into()),
                _ => {
                    let value = AMQPValue::LongString(LongString::from(value.as_str()));
                    headers.insert(name.as_str().into(), value);
                }
            }
        }
        let properties = properties.with_headers(headers);
        self.send(routing_key, &request.body, properties).await?;
        Ok(confirmed())
    }

    async fn send(
        &self,
        routing_key: &str,
        body: &[u8],
        properties: BasicProperties,
    ) -> Result<(), CallError> {
        let (number, channel) = self.channel().await.map_err(not_acted)?;
        let exchange = self.0.bus.events_exchange.as_str();
        let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
        let publishing = async {
            let sent = channel.basic_publish(
                exchange.into(),
                routing_key.into(),
                options,
                body,
                properties,
            );
            sent.await?.await
        };
        match timeout(CONFIRM_WITHIN, publishing).await {
            Ok(Ok(Confirmation::Ack(None))) => Ok(()),
            Ok(Ok(Confirmation::Ack(Some(_)))) => Err(not_acted(format!(
                "no queue is bound to exchange `{exchange}` for `{routing_key}`: bind one, give the exchange an \
                 alternate exchange, or leave the event out of `bus.events`"
            ))),
            Ok(Ok(Confirmation::Nack(_))) => {
                Err(not_acted("the broker refused the message (nack)".to_owned()))
            }
            Ok(Ok(Confirmation::NotRequested)) => Err(not_acted("nothing confirms".to_owned())),
            Ok(Err(error)) => {
                self.0.open.lock().await.give_up(number);
                Err(CallError::MayHaveActed { why: format!("the connection ended: {error}") })
            }
            Err(_) => {
                // The next publish opens another channel: this one owes a confirm.
                self.0.open.lock().await.give_up(number);
                let why = format!("the broker did not confirm within {CONFIRM_WITHIN:?}");
                Err(CallError::MayHaveActed { why })
            }
        }
    }

    /// The open channel, or a new one. Others wait meanwhile.
    async fn channel(&self) -> Result<(u64, Channel), String> {
        let mut current = self.0.open.lock().await;
        if let Some(open) = current.open.as_ref()
            && open.channel.status().connected()
        {
            return Ok((current.number, open.channel.clone()));
        }
        current.open = None;
        let within = || format!("the broker does not answer within {CONNECT_WITHIN:?}");
        let opened = timeout(CONNECT_WITHIN, self.connect()).await;
        let opened = opened.map_err(|_| within()).flatten();
        let missing = metrics::gauge!("orderhub_events_exchange_missing");
        missing.set(if opened.is_err() { 1.0 } else { 0.0 });
        let opened = opened?;
        let channel = opened.channel.clone();
        Ok((current.put(opened), channel))
    }

    /// Looks whether there is an exchange, before there is anything to publish.
    pub(crate) fn look(&self) {
        let publisher = self.clone();
        tokio::spawn(async move {
            if let Err(why) = publisher.channel().await {
                tracing::error!(why, "the hub's own events are not published yet; they wait");
            }
        });
    }

    async fn connect(&self) -> Result<Open, String> {
        let Inner { bus, secrets, .. } = &*self.0;
        let uri = address(bus, secrets)?;
        let properties =
            ConnectionProperties::default().with_connection_name("orderhub events".into());
        let said = |error: lapin::Error| error.to_string();
        let connection = Connection::connect_uri(uri, properties).await.map_err(said)?;
        let channel = connection.create_channel().await.map_err(said)?;
        let passive = ExchangeDeclareOptions { passive: true, ..Default::default() };
        let exchange = bus.events_exchange.as_str();
        let there = channel.exchange_declare(
            exchange.into(),
            ExchangeKind::Topic,
            passive,
            FieldTable::default(),
        );
        there.await.map_err(|error| {
            format!(
                "exchange `{exchange}` cannot be used; declare it, durable, of type topic: {error}"
            )
        })?;
        channel.confirm_select(ConfirmSelectOptions::default()).await.map_err(said)?;
        Ok(Open { channel, _connection: Arc::new(connection) })
    }

    /// Tells that a breaker has moved: once, as well as can be.
    pub(crate) fn breaker(
        &self,
        system: &SystemName,
        operation: &str,
        state: GateState,
        now: Timestamp,
    ) {
        let wanted = &self.0.bus.events;
        if !wanted.is_empty() && !wanted.iter().any(|name| name == BREAKER) {
            return;
        }
        let Ok(room) = Arc::clone(&self.0.best_effort).try_acquire_owned() else {
            count("dropped");
            return;
        };
        let data = json!({ "system": system.as_str(), "operation": operation, "state": state });
        let (id, body) = of_system(BREAKER, system, now, &data);
        let publisher = self.clone();
        tokio::spawn(async move {
            let properties = BasicProperties::default()
                .with_delivery_mode(PERSISTENT)
                .with_content_type(CONTENT_TYPE.into())
                .with_message_id(id.as_str().into());
            match publisher.send(BREAKER, &body, properties).await {
                Ok(()) => count("published"),
                Err(error) => {
                    tracing::debug!(%error, "an event of a system was not published");
                    count("failed");
                }
            }
            drop(room);
        });
    }

    /// Closes the connection.
    pub(crate) async fn close(&self) {
        if let Some(open) = self.0.open.lock().await.open.take() {
            let closing = open._connection.close(200, "done".into());
            drop(timeout(CONNECT_WITHIN, closing).await);
        }
    }
}

fn not_acted(why: String) -> CallError {
    CallError::NotActed { why, retry_after: None }
}

fn count(result: &'static str) {
    metrics::counter!("orderhub_system_events_total", "result" => result).increment(1);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_old_channel_owes_gives_up_no_new_one() {
        let mut current = Current::default();
        // Both are channel 1 of their connections.
        let old = current.put(1);
        let new = current.put(1);
        current.give_up(old);
        assert_eq!(current.open, Some(1));
        current.give_up(new);
        assert_eq!(current.open, None);
    }
}

//! A copy queue beside a queue that somebody reads today: the hub tries on the copy and takes nothing away.
//!
//! A queue shows its bindings to nobody over AMQP, so a person says which exchange feeds it. What goes to a
//! queue through the default exchange goes there alone, and cannot be copied.

use lapin::options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable, LongString};
use lapin::{Connection, ExchangeKind};

use super::broker::connect;
use crate::config::{Bus, Secrets};

/// An unread copy is gone after a week: nobody has to remember it.
const FORGOTTEN_MS: i64 = 7 * 24 * 3_600 * 1_000;

/// A copy to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copy {
    /// The queue that it stands beside.
    pub of: String,
    /// The exchange that feeds both.
    pub exchange: String,
    /// The routing keys under which it does; none: the queue's own name.
    pub routing_keys: Vec<String>,
    /// A message that nobody took is dropped after so long, in milliseconds.
    pub ttl_ms: i64,
    /// It holds at most so many; the oldest are dropped beyond.
    pub max_length: i64,
}

/// Why a copy was not made.
#[derive(Debug, thiserror::Error)]
pub enum NotMade {
    /// The broker cannot be reached.
    #[error("{0}")]
    Unreachable(String),
    /// The default exchange.
    #[error(
        "the default exchange gives each message to one queue alone; name the exchange that feeds `{0}`, or let the \
         publisher send through one"
    )]
    Default(String),
    /// There is no such exchange.
    #[error("there is no exchange `{0}`; `rabbitmqctl list_exchanges` names them")]
    NoExchange(String),
    /// The broker says no.
    #[error("the broker refuses it: {0}")]
    Refused(String),
}

impl Copy {
    /// Its name.
    pub fn queue(&self) -> String {
        format!("{}.orderhub-shadow", self.of)
    }

    /// The keys of its bindings.
    fn keys(&self) -> Vec<&str> {
        if self.routing_keys.is_empty() {
            return vec![&self.of];
        }
        self.routing_keys.iter().map(String::as_str).collect()
    }

    /// Its arguments: bounded in time and number, and gone when it is forgotten.
    fn arguments(&self) -> Vec<(&'static str, AMQPValue)> {
        vec![
            ("x-message-ttl", AMQPValue::LongLongInt(self.ttl_ms)),
            ("x-max-length", AMQPValue::LongLongInt(self.max_length)),
            ("x-overflow", AMQPValue::LongString(LongString::from("drop-head"))),
            ("x-expires", AMQPValue::LongLongInt(FORGOTTEN_MS)),
        ]
    }

    /// The commands that make it, and those that take it away.
    pub fn commands(&self) -> Vec<String> {
        let queue = self.queue();
        let (ttl, most) = (self.ttl_ms, self.max_length);
        let arguments = format!(
            "{{\"x-message-ttl\":{ttl},\"x-max-length\":{most},\"x-overflow\":\"drop-head\",\"x-expires\":{FORGOTTEN_MS}}}"
        );
        let mut commands = vec![format!(
            "rabbitmqadmin declare queue name={queue} durable=true arguments='{arguments}'"
        )];
        commands.extend(self.keys().into_iter().map(|key| {
            format!(
                "rabbitmqadmin declare binding source={} destination={queue} routing_key='{key}'",
                self.exchange
            )
        }));
        commands.push(format!("rabbitmqadmin delete queue name={queue}   # when you are done"));
        commands
    }

    /// Declares and binds it. Doing it again changes nothing.
    ///
    /// # Errors
    ///
    /// [`NotMade`]; what was made before the error stays, and is gone after a week.
    pub async fn make(&self, bus: &Bus, secrets: &Secrets) -> Result<(), NotMade> {
        if self.exchange.is_empty() {
            return Err(NotMade::Default(self.of.clone()));
        }
        let connection = connect(bus, secrets).await.map_err(NotMade::Unreachable)?;
        let made = self.on(&connection).await;
        if let Err(error) = connection.close(200, "done".into()).await {
            tracing::debug!(%error, "the broker was gone before the end");
        }
        made
    }

    async fn on(&self, connection: &Connection) -> Result<(), NotMade> {
        let refused = |error: lapin::Error| NotMade::Refused(error.to_string());
        let channel = connection.create_channel().await.map_err(refused)?;
        let passive = ExchangeDeclareOptions { passive: true, ..ExchangeDeclareOptions::default() };
        let (exchange, none) = (self.exchange.as_str(), FieldTable::default);
        let there =
            channel.exchange_declare(exchange.into(), ExchangeKind::Direct, passive, none());
        if let Err(error) = there.await {
            return Err(match error.to_string() {
                words if words.contains("NOT_FOUND") => NotMade::NoExchange(self.exchange.clone()),
                words => NotMade::Refused(words),
            });
        }
        let mut arguments = FieldTable::default();
        for (name, value) in self.arguments() {
            arguments.insert(name.into(), value);
        }
        let durable = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
        let queue = self.queue();
        let declaring = channel.queue_declare(queue.as_str().into(), durable, arguments);
        declaring.await.map_err(refused)?;
        for key in self.keys() {
            let options = QueueBindOptions::default();
            let binding = channel.queue_bind(
                queue.as_str().into(),
                exchange.into(),
                key.into(),
                options,
                none(),
            );
            binding.await.map_err(refused)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_is_bounded_in_number_and_time_and_bound_as_its_original() {
        let mut copy = Copy {
            of: "orders.in".to_owned(),
            exchange: "shop".to_owned(),
            routing_keys: Vec::new(),
            ttl_ms: 3_600_000,
            max_length: 10_000,
        };
        let commands = copy.commands();
        assert!(
            commands[0].contains("name=orders.in.orderhub-shadow durable=true"),
            "{commands:?}"
        );
        assert!(commands[0].contains("\"x-max-length\":10000"), "{commands:?}");
        assert!(commands[1].ends_with("routing_key='orders.in'"), "{commands:?}");
        copy.routing_keys = vec!["eu.#".to_owned(), "us.#".to_owned()];
        assert_eq!(copy.commands().len(), 4);
    }
}

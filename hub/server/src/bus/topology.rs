//! What a queue is like, asked without changing anything, and what of it would lose messages.
//!
//! AMQP shows a queue's arguments only in the refusal of a declaration that differs from it. So the
//! hub declares with a dead-letter exchange that no queue has, and reads each refusal; such a
//! declaration never succeeds on a queue that is there. Policies do not show: a setting says so.

use std::time::Duration;

use lapin::options::{ExchangeDeclareOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable, LongString};
use lapin::{Connection, ExchangeKind};

/// No queue has this dead-letter exchange.
const PROBE: &str = "orderhub.no-such-exchange";
/// Arguments that a queue can have; each costs one question.
const MOST_QUESTIONS: usize = 16;
/// Longest wait for one answer of the broker.
pub(crate) const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// What was found out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Topology {
    /// Survives a restart of the broker; `None`: not found out.
    pub(crate) durable: Option<bool>,
    /// Where rejected messages go; `None`: nowhere, as far as the queue's arguments say.
    pub(crate) dead_letters: Option<String>,
    /// Its arguments, as the broker wrote them, sorted.
    pub(crate) arguments: Vec<(String, String)>,
}

/// Asks the broker. Each question costs a channel, because a refusal closes it.
pub(crate) async fn inspect(
    connection: &Connection,
    queue: &str,
) -> Result<Topology, lapin::Error> {
    let mut found = Topology::default();
    let mut options = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
    let mut arguments = FieldTable::default();
    arguments.insert("x-dead-letter-exchange".into(), text(PROBE));
    for _ in 0..MOST_QUESTIONS {
        let Some(refusal) = ask(connection, queue, options, &arguments).await? else { break };
        match refusal {
            Refusal::Durable => {
                found.durable = Some(false);
                options.durable = false;
            }
            Refusal::Other => break,
            Refusal::Argument { name, value } if name == "x-dead-letter-exchange" => {
                found.durable.get_or_insert(true);
                found.dead_letters = value.map(|(value, _)| value);
                break;
            }
            Refusal::Argument { name, value } => {
                let Some((value, typed)) =
                    value.and_then(|(v, t)| Some((v.clone(), typed(&v, &t)?)))
                else {
                    break;
                };
                arguments.insert(name.as_str().into(), typed);
                found.arguments.push((name, value));
            }
        }
    }
    found.arguments.sort();
    if let Some(exchange) = &found.dead_letters
        && !exchange.is_empty()
        && !exchange_exists(connection, exchange).await?
    {
        found.dead_letters = None;
    }
    Ok(found)
}

impl Topology {
    /// What would lose messages, in plain words. `told`: the setting `dead_letters`.
    pub(crate) fn worries(&self, queue: &str, told: Option<bool>) -> Vec<String> {
        let mut worries = Vec::new();
        if self.durable == Some(false) {
            worries.push(format!(
                "queue `{queue}` is not durable: its messages are gone when the broker restarts; declare it durable"
            ));
        }
        let dead_letters = told.unwrap_or(self.dead_letters.is_some());
        if !dead_letters {
            worries.push(format!(
                "queue `{queue}` has no dead-letter exchange that exists: a message over 16 MiB stops this reader; \
                 add one, or say `dead_letters = true` when a policy has it"
            ));
        }
        for (name, value) in &self.arguments {
            match name.as_str() {
                "x-message-ttl" => worries.push(format!(
                    "queue `{queue}` drops messages after {value} ms, read or not; remove `x-message-ttl`"
                )),
                "x-max-length" | "x-max-length-bytes" => worries.push(format!(
                    "queue `{queue}` keeps at most {value} (`{name}`) and drops the oldest beyond; raise it or set `x-overflow` to `reject-publish`"
                )),
                "x-delivery-limit" if !dead_letters => worries.push(format!(
                    "queue `{queue}` deletes a message after {value} deliveries, because it has no dead-letter exchange; add one"
                )),
                "x-expires" => worries.push(format!(
                    "queue `{queue}` is deleted when nobody reads it for {value} ms; remove `x-expires`"
                )),
                _ => {}
            }
        }
        worries
    }
}

/// What the broker says against a declaration.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Refusal {
    Durable,
    /// The queue's own value, with its AMQP type; none: it has no such argument.
    Argument {
        name: String,
        value: Option<(String, String)>,
    },
    Other,
}

/// `None`: the broker agreed, so there is nothing more to learn.
async fn ask(
    connection: &Connection,
    queue: &str,
    options: QueueDeclareOptions,
    arguments: &FieldTable,
) -> Result<Option<Refusal>, lapin::Error> {
    let channel = connection.create_channel().await?;
    match channel.queue_declare(queue.into(), options, arguments.clone()).await {
        Ok(_) => {
            close(channel).await;
            Ok(None)
        }
        Err(error) if error.is_amqp_soft_error() => Ok(Some(read(&error.to_string()))),
        Err(error) => Err(error),
    }
}

/// Whether there is an exchange of this name, of whatever type.
pub(crate) async fn exchange_exists(
    connection: &Connection,
    exchange: &str,
) -> Result<bool, lapin::Error> {
    let channel = connection.create_channel().await?;
    let passive = ExchangeDeclareOptions { passive: true, ..ExchangeDeclareOptions::default() };
    let kind = ExchangeKind::Direct;
    match channel.exchange_declare(exchange.into(), kind, passive, FieldTable::default()).await {
        Ok(()) => {
            close(channel).await;
            Ok(true)
        }
        Err(error) if error.is_amqp_soft_error() => Ok(false),
        Err(error) => Err(error),
    }
}

async fn close(channel: lapin::Channel) {
    if let Err(error) = channel.close(200, "done".into()).await {
        tracing::debug!(%error, "a channel was closed already");
    }
}

/// Reads `inequivalent arg 'x' for queue 'q' in vhost '/': received … but current is …`.
fn read(words: &str) -> Refusal {
    let Some((_, rest)) = words.split_once("inequivalent arg '") else { return Refusal::Other };
    let Some((name, rest)) = rest.split_once('\'') else { return Refusal::Other };
    if name == "durable" {
        return Refusal::Durable;
    }
    let Some((_, current)) = rest.rsplit_once("current is") else { return Refusal::Other };
    let value = match current.split_once("the value '") {
        Some((_, rest)) => rest.split_once("' of type '").and_then(|(value, rest)| {
            let (kind, _) = rest.split_once('\'')?;
            Some((value.to_owned(), kind.to_owned()))
        }),
        // Both sides have a text, so the broker leaves the type out.
        None => current.split_once('\'').and_then(|(_, rest)| {
            let (value, _) = rest.split_once('\'')?;
            Some((value.to_owned(), "longstr".to_owned()))
        }),
    };
    Refusal::Argument { name: name.to_owned(), value }
}

/// The value as the broker has it, so that it agrees with the next declaration.
fn typed(value: &str, kind: &str) -> Option<AMQPValue> {
    match kind {
        "longstr" => Some(text(value)),
        "bool" => value.parse().ok().map(AMQPValue::Boolean),
        _ => value.parse().ok().map(AMQPValue::LongLongInt),
    }
}

fn text(text: &str) -> AMQPValue {
    AMQPValue::LongString(LongString::from(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_of_the_broker_are_read() {
        let quorum = "PRECONDITION_FAILED - inequivalent arg 'x-queue-type' for queue 'q' in vhost '/': \
                      received none but current is the value 'quorum' of type 'longstr'";
        let none = "PRECONDITION_FAILED - inequivalent arg 'x-dead-letter-exchange' for queue 'q' in vhost '/': \
                    received the value 'orderhub.no-such-exchange' of type 'longstr' but current is none";
        let other = "PRECONDITION_FAILED - inequivalent arg 'x-dead-letter-exchange' for queue 'q' in vhost '/': \
                     received 'orderhub.no-such-exchange' but current is 'dead'";
        let durable = "PRECONDITION_FAILED - inequivalent arg 'durable' for queue 'q' in vhost '/': \
                       received 'true' but current is 'false'";
        let value = Some(("quorum".to_owned(), "longstr".to_owned()));
        assert_eq!(read(quorum), Refusal::Argument { name: "x-queue-type".to_owned(), value });
        let name = "x-dead-letter-exchange".to_owned();
        assert_eq!(read(none), Refusal::Argument { name: name.clone(), value: None });
        let value = Some(("dead".to_owned(), "longstr".to_owned()));
        assert_eq!(read(other), Refusal::Argument { name, value });
        assert_eq!(read(durable), Refusal::Durable);
        assert_eq!(read("ACCESS_REFUSED - access to queue"), Refusal::Other);
    }

    #[test]
    fn what_would_lose_messages_is_said() {
        let careless = Topology {
            durable: Some(false),
            dead_letters: None,
            arguments: vec![
                ("x-delivery-limit".to_owned(), "5".to_owned()),
                ("x-max-length".to_owned(), "100".to_owned()),
            ],
        };
        assert_eq!(careless.worries("orders", None).len(), 4);
        assert_eq!(careless.worries("orders", Some(true)).len(), 2);
        let careful = Topology {
            durable: Some(true),
            dead_letters: Some(String::new()),
            arguments: Vec::new(),
        };
        assert!(careful.worries("orders", None).is_empty());
    }
}

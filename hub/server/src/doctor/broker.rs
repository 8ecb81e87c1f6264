//! The broker: reachable, and each queue as it must be so that nothing is lost.

use std::time::Duration;

use lapin::options::{BasicGetOptions, BasicNackOptions, QueueDeclareOptions};
use lapin::types::FieldTable;
use lapin::{Connection, ConnectionProperties};
use tokio::time::timeout;

use super::machine::{memory, size};
use super::{Level, Report};
use crate::bus::amqp::address;
use crate::bus::topology::{Topology, exchange_exists, inspect};
use crate::config::{Bus, Consume, Consumers, Intake, Secrets};

/// Longest wait for one answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// Connects as the hub does.
///
/// # Errors
///
/// Why not, in words without a password.
pub(super) async fn connect(bus: &Bus, secrets: &Secrets) -> Result<Connection, String> {
    let place = bus.url.masked();
    let properties = ConnectionProperties::default().with_connection_name("orderhub doctor".into());
    let connecting = Connection::connect_uri(address(bus, secrets)?, properties);
    match timeout(ANSWER_WITHIN, connecting).await {
        Ok(Ok(connection)) => Ok(connection),
        Ok(Err(error)) => Err(format!("cannot connect to {place}: {error}")),
        Err(_) => Err(format!("{place} does not answer within {ANSWER_WITHIN:?}")),
    }
}

/// Looks at the broker and at each queue of the settings. `processes`: hubs that run now, if that is known.
pub(super) async fn look(
    bus: &Bus,
    secrets: &Secrets,
    (processes, intake): (Option<u64>, &Intake),
    report: &mut Report,
) {
    memory_for(bus, intake, report);
    let connection = match connect(bus, secrets).await {
        Ok(connection) => connection,
        Err(why) => {
            let refused = why.contains("ACCESS_REFUSED");
            let fix = if refused {
                "correct user and password of `bus.url`, and let the user use the virtual host: `rabbitmqctl \
                 set_permissions -p <vhost> <user> '^$' '' '<queue>'`"
            } else {
                "start the broker there, or correct `bus.url`"
            };
            let level = if refused { Level::Problem } else { Level::Unreachable };
            report.fix(level, "broker", why, fix);
            return;
        }
    };
    report.fine("broker", format!("{} answers", bus.url.masked()));
    for consume in bus.consume.values() {
        let looking = queue(&connection, consume, processes, report);
        if timeout(ANSWER_WITHIN * 2, looking).await.is_err() {
            let says = format!("queue `{}`: the broker does not answer in time", consume.queue);
            report.fix(Level::Unreachable, "queue", says, "look at the broker's log and its load");
        }
    }
    if !bus.events_exchange.is_empty() {
        exchange(&connection, &bus.events_exchange, report).await;
    }
    if let Err(error) = connection.close(200, "done".into()).await {
        tracing::debug!(%error, "the broker was gone before the end");
    }
}

/// What every reader may hold unacknowledged, against what there is.
fn memory_for(bus: &Bus, intake: &Intake, report: &mut Report) {
    let Some(free) = memory() else { return };
    let readers = u64::try_from(bus.consume.len()).unwrap_or(u64::MAX);
    let body = u64::try_from(intake.park_above_bytes).unwrap_or(u64::MAX);
    let most = readers.saturating_mul(u64::from(bus.prefetch.get())).saturating_mul(body);
    let says = format!(
        "{readers} readers of {} messages up to {} each take up to {}, and {} are free",
        bus.prefetch,
        size(body),
        size(most),
        size(free)
    );
    if most > free / 2 {
        let fix =
            "lower `bus.prefetch` if most messages are that large; ordinary orders have a few KiB";
        report.fix(Level::Note, "memory", says, fix);
    } else {
        report.fine("memory", says);
    }
}

async fn queue(
    connection: &Connection,
    consume: &Consume,
    processes: Option<u64>,
    report: &mut Report,
) {
    let name = consume.queue.as_str();
    let state = match passive(connection, name).await {
        Ok(state) => state,
        Err(error) => {
            let error = error.to_string();
            let (says, fix) = if error.contains("NOT_FOUND") {
                let fix = format!(
                    "declare it, best as a durable quorum queue with a dead-letter exchange: `rabbitmqadmin declare \
                     queue name={name} durable=true queue_type=quorum`"
                );
                (format!("queue `{name}` is not there"), fix)
            } else {
                let fix = format!(
                    "let the user read it: `rabbitmqctl set_permissions -p <vhost> <user> '^$' '' '^{name}$'`"
                );
                (format!("queue `{name}` cannot be looked at: {error}"), fix)
            };
            return report.fix(Level::Problem, "queue", says, fix);
        }
    };
    let before = report.0.len();
    match inspect(connection, name).await {
        Ok(topology) => shape(&topology, consume, report),
        Err(error) => {
            let says = format!("queue `{name}`: its arguments cannot be read: {error}");
            report.add(Level::Note, "queue", says, None);
        }
    }
    readers(consume, state.consumers, processes, report);
    if state.messages == 0 && state.consumers == 0 {
        may_read(connection, name, report).await;
    }
    if !report.0.iter().skip(before).any(|finding| finding.level >= Level::Warning) {
        report
            .fine("queue", format!("queue `{name}` loses nothing; {} wait in it", state.messages));
    }
}

/// The exchange for the hub's own events.
async fn exchange(connection: &Connection, name: &str, report: &mut Report) {
    match timeout(ANSWER_WITHIN, exchange_exists(connection, name)).await {
        Ok(Ok(true)) => report.fine("exchange", format!("exchange `{name}` is there for events")),
        Ok(Ok(false)) => {
            let says =
                format!("exchange `{name}` of `bus.events_exchange` is not there: events wait");
            let fix = format!(
                "declare it, durable, of type topic, and bind queues to it: `rabbitmqadmin declare exchange \
                 name={name} type=topic durable=true`; or empty the setting"
            );
            report.fix(Level::Problem, "exchange", says, fix);
        }
        Ok(Err(error)) => {
            let says = format!("exchange `{name}` cannot be looked at: {error}");
            let fix = format!(
                "let the user write to it: `rabbitmqctl set_permissions -p <vhost> <user> '^$' '^{name}$' '<queue>'`"
            );
            report.fix(Level::Problem, "exchange", says, fix);
        }
        Err(_) => {
            let says = format!("exchange `{name}`: the broker does not answer in time");
            report.fix(
                Level::Unreachable,
                "exchange",
                says,
                "look at the broker's log and its load",
            );
        }
    }
}

struct State {
    messages: u32,
    consumers: u32,
}

async fn passive(connection: &Connection, name: &str) -> Result<State, lapin::Error> {
    let channel = connection.create_channel().await?;
    let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
    let queue = channel.queue_declare(name.into(), passive, FieldTable::default()).await?;
    let state = State { messages: queue.message_count(), consumers: queue.consumer_count() };
    drop(channel.close(200, "done".into()).await);
    Ok(state)
}

/// What of a queue would lose messages.
fn shape(topology: &Topology, consume: &Consume, report: &mut Report) {
    let name = &consume.queue;
    for worry in topology.worries(name, consume.dead_letters) {
        let (says, fix) = worry.split_once("; ").unwrap_or((&worry, ""));
        report.add(Level::Warning, "queue", says, (!fix.is_empty()).then(|| fix.to_owned()));
    }
    let argument = |wanted: &str| topology.arguments.iter().find(|(name, _)| name == wanted);
    let quorum = argument("x-queue-type").is_some_and(|(_, kind)| kind == "quorum");
    // The broker may speak of other arguments first; what it did not say is not held against the queue.
    let another = argument("x-queue-type").is_some_and(|(_, kind)| kind != "quorum");
    if another && topology.durable != Some(false) {
        let says = format!("queue `{name}` is no quorum queue: it lives on one node of the broker");
        let fix = "declare it anew with `x-queue-type: quorum`, if the broker has several nodes";
        report.fix(Level::Note, "queue", says, fix);
    }
    let dead_letters = consume.dead_letters.unwrap_or(topology.dead_letters.is_some());
    if dead_letters && quorum && argument("x-delivery-limit").is_none() {
        let says = format!(
            "queue `{name}` names no delivery limit: RabbitMQ 4 takes 20, older ones deliver for ever"
        );
        let fix =
            "set `x-delivery-limit` or a policy, so that a message that ends its reader goes aside";
        report.fix(Level::Note, "queue", says, fix);
    }
}

/// Whether somebody reads the queue who is not ours.
fn readers(consume: &Consume, consumers: u32, processes: Option<u64>, report: &mut Report) {
    let name = &consume.queue;
    let Some(processes) = processes else {
        if consumers > 0 {
            let says = format!(
                "queue `{name}` has {consumers} readers; whose they are cannot be said without the store"
            );
            report.add(Level::Note, "queue", says, None);
        }
        return;
    };
    let ours = match consume.consumers {
        Consumers::One => processes.min(1),
        Consumers::Many => processes,
    };
    if u64::from(consumers) <= ours {
        return;
    }
    let says = format!(
        "queue `{name}` has {consumers} readers, and {ours} of them can be hubs: the others take messages away"
    );
    let fix = "stop the other reader, or try beside it on a copy: `orderhub doctor bus --shadow`";
    report.fix(Level::Warning, "queue", says, fix);
}

/// Whether this user may take messages; asked only of a queue that is empty and that nobody reads, and what
/// came meanwhile is put back.
async fn may_read(connection: &Connection, name: &str, report: &mut Report) {
    let asked = async {
        let channel = connection.create_channel().await?;
        if let Some(message) = channel.basic_get(name.into(), BasicGetOptions::default()).await? {
            let back = BasicNackOptions { requeue: true, ..BasicNackOptions::default() };
            message.acker.nack(back).await?;
        }
        drop(channel.close(200, "done".into()).await);
        Ok::<_, lapin::Error>(())
    };
    if let Err(error) = asked.await {
        let says = format!("queue `{name}` may not be read: {error}");
        let fix = format!(
            "`rabbitmqctl set_permissions -p <vhost> <user> '^$' '' '^{name}$'` lets the user read it"
        );
        report.fix(Level::Problem, "queue", says, fix);
    }
}

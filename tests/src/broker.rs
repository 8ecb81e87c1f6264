//! A real RabbitMQ: the shared node that `tests/run` starts, or an own one for tests that break it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use lapin::options::{BasicPublishOptions, ConfirmSelectOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable, LongString};
use lapin::{BasicProperties, Channel, Confirmation, Connection, ConnectionProperties};

/// How often a refused message is published again, half a second apart.
const PUBLISH_TRIES: u32 = 60;

/// One message to publish.
#[derive(Clone, Debug)]
pub struct Message {
    /// AMQP `message_id`, if any.
    pub id: Option<String>,
    /// Headers, all texts.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// A connection that declares and publishes.
pub struct Broker {
    url: String,
    channel: Channel,
    // Dropping the connection closes the channel.
    _connection: Connection,
}

impl std::fmt::Debug for Broker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Broker")
    }
}

/// The node that `tests/run` started.
pub fn shared_url() -> String {
    std::env::var("ORDERHUB_TEST_AMQP").expect(
        "ORDERHUB_TEST_AMQP is not set: run the tests by `tests/run`, which starts RabbitMQ",
    )
}

impl Broker {
    /// Connects to a node.
    pub async fn connect(url: &str) -> Self {
        let connection = Connection::connect(url, ConnectionProperties::default())
            .await
            .unwrap_or_else(|e| panic!("RabbitMQ does not answer: {e}"));
        let channel = connection.create_channel().await.unwrap();
        channel.confirm_select(ConfirmSelectOptions::default()).await.unwrap();
        Self { url: url.to_owned(), channel, _connection: connection }
    }

    /// The node's address.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Declares a durable quorum queue, with a dead-letter queue beside it when asked.
    pub async fn quorum_queue(&self, name: &str, dead_letters: Option<&str>) {
        let mut arguments = FieldTable::default();
        let text = |text: &str| AMQPValue::LongString(LongString::from(text));
        arguments.insert("x-queue-type".into(), text("quorum"));
        if let Some(target) = dead_letters {
            self.declare(target, FieldTable::default()).await;
            arguments.insert("x-dead-letter-exchange".into(), text(""));
            arguments.insert("x-dead-letter-routing-key".into(), text(target));
        }
        self.declare(name, arguments).await;
    }

    async fn declare(&self, name: &str, arguments: FieldTable) {
        let durable = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
        self.channel.queue_declare(name.into(), durable, arguments).await.unwrap();
    }

    /// Publishes persistent messages until the broker confirmed every one. What it refuses (a quorum queue
    /// without a leader yet) is published again, as a careful sender does.
    pub async fn publish(&self, queue: &str, messages: impl IntoIterator<Item = Message>) {
        let mut left: Vec<Message> = messages.into_iter().collect();
        let mut pause = tokio::time::interval(Duration::from_millis(500));
        for _ in 0..PUBLISH_TRIES {
            pause.tick().await;
            left = self.publish_once(queue, left).await;
            if left.is_empty() {
                return;
            }
        }
        panic!("the broker refused {} messages {PUBLISH_TRIES} times", left.len());
    }

    /// Gives back what was refused.
    async fn publish_once(&self, queue: &str, messages: Vec<Message>) -> Vec<Message> {
        let mut confirms = Vec::with_capacity(messages.len());
        for message in messages {
            let mut headers = FieldTable::default();
            for (name, value) in &message.headers {
                let value = AMQPValue::LongString(LongString::from(value.as_str()));
                headers.insert((*name).into(), value);
            }
            let mut properties =
                BasicProperties::default().with_delivery_mode(2).with_headers(headers);
            if let Some(id) = &message.id {
                properties = properties.with_message_id(id.as_str().into());
            }
            let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
            let published = self
                .channel
                .basic_publish("".into(), queue.into(), options, &message.body, properties)
                .await;
            confirms.push((published.unwrap(), message));
        }
        let mut refused = Vec::new();
        for (confirm, message) in confirms {
            if !matches!(confirm.await.unwrap(), Confirmation::Ack(None)) {
                refused.push(message);
            }
        }
        refused
    }

    /// Messages ready in a queue (those a consumer holds unacknowledged do not count).
    pub async fn ready(&self, queue: &str) -> u32 {
        let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
        let answer = self.channel.queue_declare(queue.into(), passive, FieldTable::default());
        answer.await.unwrap().message_count()
    }
}

/// The age from which on a quorum queue survives a crash of its node (seen: gone at 0 s, there at 2 s).
pub const REGISTERED: Duration = Duration::from_secs(4);

/// An own node, for tests that restart it or cut its connections.
#[derive(Debug)]
pub struct Node {
    folder: PathBuf,
    url: String,
}

impl Node {
    /// Starts a node whose state lives in `folder`.
    pub fn start(folder: &Path) -> Self {
        let facts = script("start", folder, &[]);
        let url = facts.lines().find_map(|line| line.strip_prefix("ORDERHUB_TEST_AMQP="));
        Self { folder: folder.to_owned(), url: url.expect("the script prints the url").to_owned() }
    }

    /// Its address: the same after a restart.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Its process: another one after a restart.
    pub fn pid(&self) -> u32 {
        let text = std::fs::read_to_string(self.folder.join("pid")).expect("the script notes it");
        text.trim().parse().expect("it is a number")
    }

    /// SIGKILL, then a new start on the same data. Quorum queues must be older than [`REGISTERED`]:
    /// RabbitMQ 3.10 forgets younger ones in a crash, with all their confirmed messages.
    pub fn crash_and_restart(&self) {
        script("kill", &self.folder, &[]);
        script("start", &self.folder, &[]);
    }

    /// Closes every client connection by force.
    pub fn cut_connections(&self) {
        script("ctl", &self.folder, &["close_all_connections", "cut by a test"]);
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        script("stop", &self.folder, &[]);
    }
}

fn script(verb: &str, folder: &Path, more: &[&str]) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("parts/rabbitmq.sh");
    let output = Command::new(&path).arg(verb).arg(folder).args(more).output();
    let output = output.unwrap_or_else(|e| panic!("{path:?}: {e}"));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "rabbitmq.sh {verb}: {errors}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

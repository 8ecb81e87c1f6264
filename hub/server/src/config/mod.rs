//! `orderhub.toml`: where things run. Defaults, then the file, then `ORDERHUB__SECTION__KEY`.
//!
//! What messages *mean* stands in `mappings/`, never here. Every key, its sentence and its default
//! stand in `reference.toml`; a test compares it with the types below.
//!
//! **Invariant:** an unknown key, a value out of its range and settings that contradict each other end
//! the start, all of them in one report; nothing is ignored in silence. Test:
//! `wrong_settings_are_refused_in_words`.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroU16;
use std::path::PathBuf;

use orderhub_order::ids::SystemName;
use serde::{Deserialize, Serialize};

mod access;
mod check;
mod files;
mod keep;
mod load;
mod observe;
mod places;
mod secrets;
mod show;
#[cfg(test)]
mod tests;
mod values;

pub use access::{Access, HashRef, Hashes, Token, is_token_name};
pub use files::{Every, FileDrop};
pub use keep::{Keep, KeptFor};
pub(crate) use load::REFERENCE;
pub use load::{ConfigError, Loaded, load, parse};
pub use observe::{Log, LogFormat, LogLevel, LogTo, Telemetry};
pub use places::{SecretRef, SecretRefs, Selector};
pub use secrets::{SecretError, Secrets};
pub use show::show;
pub use values::{BrokerUrl, Limit, Net, PostgresUrl, Rate, StoreUrl};

/// The deployment's settings.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Who may reach the hub, and where.
    pub server: Server,
    /// Who may do what by the API.
    pub access: Access,
    /// Where orders live.
    pub store: Store,
    /// What is taken in from whom.
    pub intake: Intake,
    /// RabbitMQ; absent: the in-process bus only.
    pub bus: Option<Bus>,
    /// Folders that others put files into, by a name of your choice.
    pub files: BTreeMap<String, FileDrop>,
    /// The integration files.
    pub mappings: Mappings,
    /// The accounts, by name.
    #[serde(deserialize_with = "values::systems")]
    pub systems: BTreeMap<SystemName, System>,
    /// Where the hub may call.
    pub egress: Egress,
    /// What it logs.
    pub log: Log,
    /// Traces.
    pub telemetry: Telemetry,
}

/// Table `[server]`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Server {
    /// Address of the API, webhooks and metrics; loopback only, unless there are access tokens.
    pub listen: SocketAddr,
    /// The name of this process among those on one store; empty: the name of the machine, with the port.
    pub instance: String,
    /// After it was told to stop, the hub says that it is not ready and takes calls for so long, in seconds: as
    /// whoever sends the calls needs to hear of it.
    pub drain_seconds: u16,
}

impl Server {
    /// The name of this process, that listens there.
    pub fn instance(&self, address: SocketAddr) -> String {
        if !self.instance.is_empty() {
            return self.instance.clone();
        }
        let machine = rustix::system::uname();
        format!("{}:{}", machine.nodename().to_string_lossy(), address.port())
    }
}

impl Default for Server {
    fn default() -> Self {
        let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 8080));
        Self { listen, instance: String::new(), drain_seconds: 0 }
    }
}

/// Table `[store]`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Store {
    /// `sqlite:<file>` or `postgres://user@host:port/database`.
    pub url: StoreUrl,
    /// The password of the database.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password: Option<SecretRef>,
    /// How long ids of messages are remembered against duplicates, in days.
    pub seen_days: NonZeroU16,
    /// The key under which personal values are hashed for the search; without it the store keeps one itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub search_key: Option<SecretRef>,
    /// How long what grows with every message is kept.
    pub keep: Keep,
}

impl Default for Store {
    fn default() -> Self {
        let seen_days = NonZeroU16::MIN.saturating_add(29);
        let url = StoreUrl::Sqlite(PathBuf::from("orderhub.db"));
        Self { url, password: None, seen_days, search_key: None, keep: Keep::default() }
    }
}

/// Table `[intake]`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Intake {
    /// Larger bodies are stored, and parked as a todo `too_large`; at most 16 MiB.
    pub park_above_bytes: usize,
    /// Documents with more order lines are parked likewise.
    pub park_above_lines: usize,
}

impl Default for Intake {
    fn default() -> Self {
        Self { park_above_bytes: 1 << 20, park_above_lines: 1_000 }
    }
}

/// Table `[bus]`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bus {
    /// `amqp://user:password@host:port/vhost` or `amqps://…`.
    pub url: BrokerUrl,
    /// Replaces the password of the URL.
    #[serde(default)]
    pub password: Option<SecretRef>,
    /// Unacknowledged messages per reader.
    #[serde(default = "prefetch")]
    pub prefetch: NonZeroU16,
    /// The topic exchange for the hub's own events; empty: none are published.
    #[serde(default)]
    pub events_exchange: String,
    /// Which events; empty: all.
    #[serde(default, deserialize_with = "values::list")]
    pub events: Vec<String>,
    /// Queues to read, by a name of your choice.
    #[serde(default)]
    pub consume: BTreeMap<String, Consume>,
}

fn prefetch() -> NonZeroU16 {
    NonZeroU16::MIN.saturating_add(511)
}

/// Table `[bus.consume.<name>]`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Consume {
    /// The queue's name.
    pub queue: String,
    /// Where the message says which system speaks.
    pub system: Selector,
    /// Where it says which document it is.
    pub document: Selector,
    /// Where its id stands; absent: revision and content decide about duplicates.
    #[serde(default)]
    pub message_id: Option<Selector>,
    /// Whether rejected messages go to a dead-letter target; absent: the hub looks at the queue, but cannot
    /// see a policy.
    #[serde(default)]
    pub dead_letters: Option<bool>,
    /// How many replicas read it at a time.
    #[serde(default)]
    pub consumers: Consumers,
}

/// How many replicas read a queue at a time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Consumers {
    /// One, which keeps the queue's order.
    #[default]
    One,
    /// Several; only where documents carry revisions.
    Many,
}

/// Table `[mappings]`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Mappings {
    /// The folder.
    pub path: PathBuf,
    /// Switch to changed files without a restart.
    pub reload: bool,
}

impl Default for Mappings {
    fn default() -> Self {
        Self { path: PathBuf::from("mappings"), reload: false }
    }
}

/// Table `[systems.<name>]`: one account of an integration.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct System {
    /// The folder of `mappings/` that says how it is spoken to.
    pub integration: String,
    /// Where its API is; empty for a system that is never called.
    #[serde(default)]
    pub base_url: String,
    /// Whether it is really written to.
    #[serde(default)]
    pub mode: Mode,
    /// For the flow's assignment.
    #[serde(default, deserialize_with = "values::list")]
    pub tags: Vec<String>,
    /// Business unit of orders from here that name none.
    #[serde(default = "unit")]
    pub unit: String,
    /// Secrets by the name that the integration's files use, newest first while rotating.
    #[serde(default)]
    pub secrets: BTreeMap<String, SecretRefs>,
    /// Values that the integration's files ask for.
    #[serde(default)]
    pub settings: BTreeMap<String, String>,
    /// Limits by name; may only lower what the connector declares.
    #[serde(default)]
    pub limits: BTreeMap<String, Limit>,
}

fn unit() -> String {
    "default".to_owned()
}

/// Whether a system is really written to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Calls are made.
    #[default]
    Live,
    /// Everything is computed and recorded, nothing sent.
    Shadow,
    /// Nothing is taken from its lanes.
    Paused,
}

impl From<Mode> for orderhub_order::rules::Mode {
    fn from(mode: Mode) -> Self {
        match mode {
            Mode::Live => Self::Live,
            Mode::Shadow => Self::Shadow,
            Mode::Paused => Self::Paused,
        }
    }
}

/// Table `[egress]`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Egress {
    /// Private and loopback targets are refused unless one of these holds them.
    #[serde(deserialize_with = "values::list")]
    pub allow_private: Vec<Net>,
}

impl Config {
    /// Takes relative paths as relative to the folder of the settings file, wherever the program is started.
    pub(crate) fn relative_to(&mut self, folder: &std::path::Path) {
        let file = match &mut self.store.url {
            StoreUrl::Sqlite(file) => Some(file),
            StoreUrl::Postgres(_) => None,
        };
        let paths = file.into_iter().chain([&mut self.mappings.path]);
        let secrets = self.systems.values_mut().flat_map(|system| system.secrets.values_mut());
        let secrets = secrets.flat_map(|refs| refs.0.iter_mut());
        let secrets = secrets.chain(self.bus.as_mut().and_then(|bus| bus.password.as_mut()));
        let secrets = secrets.chain(self.store.password.as_mut());
        let secrets = secrets.chain(self.store.search_key.as_mut());
        let secrets = secrets.chain(self.telemetry.headers.values_mut());
        let files = secrets.filter_map(|secret| match secret {
            SecretRef::File(file) => Some(file),
            SecretRef::Env(_) => None,
        });
        let tokens = self.access.tokens.values_mut();
        let hashes = tokens.flat_map(|token| token.sha256.0.iter_mut().filter_map(HashRef::file));
        for path in paths.chain(files).chain(hashes) {
            *path = folder.join(&*path);
        }
        self.files.values_mut().for_each(|drop| drop.relative_to(folder));
    }
}

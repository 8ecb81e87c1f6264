//! OrderHub, the program: all I/O of the hub is in this crate.
//!
//! The way of a change: [`intake`] ► map in ([`bundle`]) ► [`apply`] (one transaction in [`store`]) ►
//! [`deliver`] (lane, permit, map out, call through [`resilience`] and [`mod@transport`], receipt back
//! through [`apply`]).
//!
//! [`Hub`] starts the parts, a line each, and knows the order of stopping.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub mod access;
pub mod apply;
pub mod bundle;
pub mod bus;
pub mod causes;
pub mod cli;
pub mod clock;
pub mod config;
mod cores;
pub mod deliver;
pub mod doctor;
mod events;
pub mod http;
pub mod intake;
pub mod jobs;
mod kit;
pub mod readiness;
pub mod resilience;
pub mod retention;
mod start;
pub mod store;
pub mod switch;
pub mod tap;
pub mod telemetry;
pub mod transport;
mod wake;
pub mod what_if;

use apply::{Apply, Handed};
use bundle::Bundle;
use bus::{Bus, amqp};
use clock::Clock;
use config::{Config, Secrets};
use deliver::Deliverer;
use events::{Publisher, Routed};
use http::Api;
use intake::{Gates, Intake};
use readiness::Readiness;
use resilience::Jitter;
pub use start::{Start, StartError};
use store::{PauseRow, Store};
use switch::Standing;
use switch::held::{self, begun};
use tap::Tap;

/// Units that wait for their commit; sources wait when it is full.
const WAITING_UNITS: usize = 1_024;
/// Lanes handed from commits to the dispatcher; what has no room is found by its due time.
const HANDED_LANES: usize = 8_192;
/// Longest wait for calls that are in the air when the hub stops.
const LAND_WITHIN: Duration = Duration::from_secs(4);
/// Longest wait for a part to end.
const END_WITHIN: Duration = Duration::from_millis(1_500);
/// Longest wait for sources to see their last commits.
const DRAIN_WITHIN: Duration = Duration::from_secs(4);
/// A hub that is told to stop has stopped then, `server.drain_seconds` apart: what the chart, its README and
/// everybody's supervisor go by.
const STOP_WITHIN: Duration = Duration::from_secs(15);
/// What [`Hub::stop`] waits for one after the other, at the longest: sources ► jobs ► calls ► listener ► batch loop ►
/// store and spans.
const STOPPING: [Duration; 6] = [
    DRAIN_WITHIN,
    END_WITHIN,
    LAND_WITHIN,
    END_WITHIN,
    END_WITHIN,
    longer(END_WITHIN, telemetry::trace::FLUSH_WITHIN),
];
// A wait more, or a longer one, does not compile: a supervisor would kill a hub that is still storing.
const _: () = assert!(sum(STOPPING).as_millis() <= STOP_WITHIN.as_millis());

const fn longer(one: Duration, other: Duration) -> Duration {
    if one.as_millis() > other.as_millis() { one } else { other }
}

const fn sum(waits: [Duration; 6]) -> Duration {
    let [a, b, c, d, e, f] = waits;
    a.saturating_add(b).saturating_add(c).saturating_add(d).saturating_add(e).saturating_add(f)
}

/// A running hub: the same for `run`, the demo and tests.
#[derive(Debug)]
pub struct Hub {
    address: SocketAddr,
    api: Api,
    bus: Bus,
    store: Arc<dyn Store>,
    deliverer: Deliverer,
    readiness: Readiness,
    /// Calls are still taken for so long after the hub was told to stop.
    drain: Duration,
    events: Option<Publisher>,
    stops: Stops,
    tasks: Tasks,
}

/// What most parts work with.
struct Core {
    store: Arc<dyn Store>,
    bundle: watch::Receiver<Arc<Bundle>>,
    apply: Apply,
    clock: Clock,
}

impl Core {
    fn intake(&self, gates: Gates) -> Intake {
        let intake = Intake::new(self.apply.clone(), self.bundle.clone(), gates, self.clock);
        intake.looking_up_in(Arc::clone(&self.store))
    }

    fn deliverer(
        &self,
        config: &Config,
        secrets: &Secrets,
        (handed, pauses): (mpsc::Receiver<Handed>, Vec<PauseRow>),
        (tap, events): (Tap, Option<Publisher>),
    ) -> Result<Deliverer, StartError> {
        let http = Arc::new(transport::Http::of(&config.egress)?);
        let parts = deliver::Parts {
            store: Arc::clone(&self.store),
            apply: self.apply.clone(),
            bundle: self.bundle.clone(),
            transport: Arc::new(Routed::new(http, events.clone())),
            clock: self.clock,
            jitter: Jitter::random(),
            handed,
            accounts: deliver::Account::all(config, secrets),
            bounds: deliver::Bounds::default(),
            pauses,
            tap,
            events,
        };
        Ok(Deliverer::start(parts)?)
    }

    fn switching(
        &self,
        config: &Arc<Config>,
        (active, waiting): (watch::Sender<Arc<Bundle>>, Option<held::Waiting>),
        stop: CancellationToken,
    ) -> (JoinHandle<()>, Standing) {
        let standing = Standing::new(self.clock.now());
        let parts = switch::Parts {
            store: Arc::clone(&self.store),
            config: Arc::clone(config),
            active,
            folder: config.mappings.reload.then(|| config.mappings.path.clone()),
            clock: self.clock,
            standing: standing.clone(),
            waiting,
        };
        (switch::start(parts, stop), standing)
    }

    /// The jobs, and what throws away.
    fn jobs(
        &self,
        (gates, deliverer): (Gates, &Deliverer),
        stop: &CancellationToken,
    ) -> (JoinHandle<()>, JoinHandle<()>) {
        let parts = jobs::Parts {
            store: Arc::clone(&self.store),
            bundle: self.bundle.clone(),
            apply: self.apply.clone(),
            clock: self.clock,
            gates,
            deliverer: Some(deliverer.clone()),
        };
        let retention = retention::start(Arc::clone(&self.store), self.clock, stop.clone());
        (jobs::start(parts, stop.clone()), retention)
    }
}

/// One token a stage of stopping.
#[derive(Clone, Debug, Default)]
struct Stops {
    sources: CancellationToken,
    jobs: CancellationToken,
    apply: CancellationToken,
    http: CancellationToken,
}

#[derive(Debug)]
struct Tasks {
    readers: Vec<JoinHandle<()>>,
    jobs: JoinHandle<()>,
    retention: JoinHandle<()>,
    switching: JoinHandle<()>,
    apply: JoinHandle<()>,
    http: JoinHandle<()>,
}

impl Hub {
    /// Starts the parts, each after those it needs.
    ///
    /// # Errors
    ///
    /// [`StartError`]; nothing runs then.
    pub async fn start(start: Start) -> Result<Self, StartError> {
        let Start { config, files, env, clock } = start;
        let (secrets, readiness, stops) =
            (Secrets::new(env), Readiness::default(), Stops::default());
        readiness.not("start", "the hub is starting");
        secrets.all_there(&config).map_err(StartError::Secrets)?;

        let listener = listen(config.server.listen).await?;
        let bundle = switch::compiled(&files, &config)?;
        let address = listener.local_addr().unwrap_or(config.server.listen);
        let instance = config.server.instance(address);
        telemetry::trace::start(&config.telemetry, &secrets, &instance)?;
        let store = store::open(&config.store, &secrets, &instance).await?;
        let (bundle, waiting) = begun((&*store, &config), (bundle, files), clock.now()).await?;
        let (active, bundles) = watch::channel(Arc::new(bundle));
        let (handed, due) = mpsc::channel(HANDED_LANES);
        let parts =
            apply::Parts { store: Arc::clone(&store), bundle: bundles.clone(), clock, handed };
        let (apply, applying) = apply::start(parts, WAITING_UNITS, stops.apply.clone());
        let core = Core { store: Arc::clone(&store), bundle: bundles, apply, clock };
        let gates = Gates::from(&config.intake);
        let intake = core.intake(gates);
        let events = Publisher::of(config.bus.as_ref(), &secrets).inspect(Publisher::look);
        let beside = (intake.tap().clone(), events.clone());
        let known = (due, store.pauses().await?);
        let deliverer = core.deliverer(&config, &secrets, known, beside)?;
        intake.asking(&deliverer);
        let (jobs, retention) = core.jobs((gates, &deliverer), &stops.jobs);
        let (config, bus) = (Arc::new(config), Bus::new(intake.clone()));
        let (switching, standing) = core.switching(&config, (active, waiting), stops.jobs.clone());
        let leased = leased(&store, &intake, &deliverer, clock);
        let api = Api::new(http::Parts {
            store: Arc::clone(&store),
            intake: intake.clone(),
            apply: core.apply,
            deliverer: deliverer.clone(),
            secrets: secrets.clone(),
            config: Arc::clone(&config),
            readiness: readiness.clone(),
            metrics: telemetry::recorder(),
            clock,
            standing,
            stopping: stops.sources.clone(),
        });
        let http = tokio::spawn(http::serve(listener, api.clone(), stops.http.clone()));
        let sources = amqp::Parts {
            intake,
            store: Arc::clone(&store),
            readiness: readiness.clone(),
            jitter: Jitter::random(),
            secrets,
            stop: stops.sources.clone(),
        };
        let mut readers = leased.start(&config.files, &stops.sources);
        readers.extend(config.bus.iter().flat_map(|bus| amqp::start(bus, &sources)));

        readiness.ready("start");
        tracing::info!(%address, "the hub runs");
        let tasks = Tasks { readers, jobs, retention, switching, apply: applying, http };
        let drain = Duration::from_secs(config.server.drain_seconds.into());
        Ok(Self { address, api, bus, store, deliverer, readiness, drain, events, stops, tasks })
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.address
    }

    /// What the API works with, to ask without a connection.
    pub fn api(&self) -> &Api {
        &self.api
    }

    /// The bus without a broker.
    pub fn bus(&self) -> &Bus {
        &self.bus
    }

    /// Stops within [`STOP_WITHIN`] (15 s), and the time of `server.drain_seconds` before: not ready ► nothing new ► what was taken is stored and acknowledged ► calls
    /// land ► the store closes. What is cut short is found again at the next start.
    pub async fn stop(self) {
        tracing::info!("the hub stops");
        self.readiness.not("stop", "the hub is stopping");
        tokio::time::sleep(self.drain).await;
        self.stops.sources.cancel();
        // All sources at once, under one bound: each has units whose commits it waits for.
        let readers = futures_util::future::join_all(self.tasks.readers);
        let draining = futures_util::future::join(self.bus.stop(), readers);
        match tokio::time::timeout(DRAIN_WITHIN, draining).await {
            Ok(((), ends)) => {
                for error in ends.into_iter().filter_map(Result::err) {
                    tracing::error!(%error, "a reader ended badly");
                }
            }
            Err(_) => {
                tracing::warn!("a source did not drain in time; what it took comes again");
            }
        }
        self.stops.jobs.cancel();
        // Parts that do not need each other end side by side, under one wait.
        let switching = ended("the look at the files", self.tasks.switching);
        let retention = ended("retention", self.tasks.retention);
        tokio::join!(ended("the jobs", self.tasks.jobs), switching, retention);
        self.deliverer.stop(LAND_WITHIN).await;
        self.stops.http.cancel();
        let broker = async {
            if let Some(events) = &self.events
                && tokio::time::timeout(END_WITHIN, events.close()).await.is_err()
            {
                tracing::warn!("the connection of the events did not close in time");
            }
        };
        tokio::join!(ended("the listener", self.tasks.http), broker);
        self.stops.apply.cancel();
        ended("the batch loop", self.tasks.apply).await;
        let closing = async {
            if tokio::time::timeout(END_WITHIN, self.store.close()).await.is_err() {
                tracing::warn!("the store did not close in time");
            }
        };
        tokio::join!(closing, telemetry::trace::flush());
        tracing::info!("the hub has stopped");
    }
}

/// What the sources that the hub works by itself need.
fn leased(
    store: &Arc<dyn Store>,
    intake: &Intake,
    deliverer: &Deliverer,
    clock: Clock,
) -> intake::leased::Parts {
    let (store, intake) = (Arc::clone(store), intake.clone());
    intake::leased::Parts { store, intake, deliverer: deliverer.clone(), clock }
}

async fn ended(what: &str, task: JoinHandle<()>) {
    match tokio::time::timeout(END_WITHIN, task).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::error!(%error, "{what} ended badly"),
        Err(_) => tracing::warn!("{what} did not end in time"),
    }
}

async fn listen(address: SocketAddr) -> Result<TcpListener, StartError> {
    TcpListener::bind(address).await.map_err(|source| StartError::Listen { address, source })
}

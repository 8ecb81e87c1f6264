//! A hub around the deliverer: the real store, the real batch loop, the real fold and connector; only
//! the wire is a twin with faults and a ledger of effects.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use orderhub_connectors::contract::Connector;
use orderhub_lang::diagnostic::Source;
use orderhub_mapping::integration::SendFields;
use orderhub_mapping::{Mapped, Mapping, Named};
use orderhub_order::catalogue::{FieldId, FieldSet, known};
use orderhub_order::contribution::{Contribution, ElementStatement, Revision, Stated};
use orderhub_order::flow::{Flow, Ownership};
use orderhub_order::ids::{Entity, OrderKey, SystemName};
use orderhub_order::lane::Lane;
use orderhub_order::model::Subject;
use orderhub_order::rules::{Mode, Shapes, SystemRules, WhileDown};
use orderhub_order::value::Value;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::files::{CONNECTOR, PARCEL};
use super::systems::systems;
use super::twin::Twin;
use crate::apply::{self, Apply, MessageUnit, Unit};
use crate::bundle::{Bundle, Delivery, Read, System};
use crate::clock::Clock;
use crate::deliver::{Account, Bounds, Deliverer, Parts, Secret};
use crate::intake::Envelope;
use crate::resilience::retry::{Redelivery, Retries};
use crate::resilience::share::Share;
use crate::resilience::{Jitter, Policy};
use crate::store::sqlite::{Options, SqliteStore};
use crate::store::{ReceiptRow, Scope, Store};
use crate::transport::Transport;

pub(super) const ERP: &str = "erp";
pub(super) const SINK: &str = "sink";

/// Every field is read by every rule, and given back as it is.
#[derive(Debug)]
struct All;

impl Shapes for All {
    fn canon(&self, _: &SystemName, _: FieldId, value: &Stated) -> Stated {
        value.clone()
    }

    fn reads(&self, _: &SystemName, _: &str) -> FieldSet {
        [known::order::STATE_PAYMENT, known::order::ORDER_NO].into_iter().collect()
    }

    fn writes(&self, _: &SystemName, _: &str, _: Subject<'_>) -> FieldSet {
        FieldSet::default()
    }
}

/// How the systems are configured.
#[derive(Clone, Copy, Debug)]
pub(super) struct Setup {
    /// The ERP's create.
    pub(super) create: &'static str,
    /// The sink's operation.
    pub(super) put: &'static str,
    /// The mode of the ERP.
    pub(super) mode: Mode,
    pub(super) policy: fn() -> Policy,
    /// The line of the connector that says how it is authorised.
    pub(super) auth: &'static str,
    /// The longest time of a step.
    pub(super) timeout: &'static str,
    /// The limit of calls.
    pub(super) limit: &'static str,
    /// What becomes of the wishes of ERP and sink while they are down.
    pub(super) while_down: WhileDown,
    /// The sink is told of each change as a fact besides, which does not wait.
    pub(super) tells: bool,
    /// What the sink's operations with a document send.
    pub(super) parcel: &'static str,
}

/// Calls carry a secret.
const TOKEN: &str = r#"auth: { headers: { X-Token: "{secret.token}" } }"#;

impl Default for Setup {
    fn default() -> Self {
        Self {
            create: "create_sale",
            put: "put",
            mode: Mode::Live,
            policy,
            auth: TOKEN,
            timeout: "300ms",
            limit: "{ rate: 5000/s, burst: 5000 }",
            while_down: WhileDown::Queue,
            tells: false,
            parcel: PARCEL,
        }
    }
}

/// Waits fit for tests: everything else as in life.
pub(super) fn policy() -> Policy {
    let (first_wait, longest_wait) = (Duration::from_millis(5), Duration::from_millis(50));
    Policy { retries: Retries { attempts: 2, first_wait, longest_wait }, ..Policy::default() }
}

fn parcel(text: &str) -> Arc<Mapping> {
    let parcel = Mapping::compile(&Source::new("parcel.yaml", text), &Named::default());
    Arc::new(parcel.expect("the test's mapping compiles"))
}

fn connector(setup: Setup) -> Arc<dyn Connector> {
    let text = CONNECTOR.replace("AUTH", setup.auth).replace("TIMEOUT", setup.timeout);
    let text = text.replace("LIMIT", setup.limit);
    let source = Arc::new(Source::new("connector.yaml", text));
    let twin = orderhub_connectors::declared::compile(&source);
    Arc::new(twin.expect("the test's connector compiles"))
}

/// Operations with a document are called `put_…`.
fn delivery(operation: &str, text: &str) -> Delivery {
    let (parcels, changed) = (operation.starts_with("put_"), operation.contains("changed"));
    let with = parcels.then(|| parcel(text));
    let send = if changed { SendFields::Changed } else { SendFields::All };
    Delivery { with, send, ..Delivery::default() }
}

fn bundle(setup: Setup) -> Bundle {
    let twin = connector(setup);
    let (mut rules, mut all) = (BTreeMap::new(), BTreeMap::new());
    for (name, role, deliver, mode) in systems(setup) {
        let name = SystemName::new(name);
        let deliveries = deliver.iter().filter_map(|rule| {
            let operation = rule.single.as_ref()?;
            let delivery = delivery(&operation.name, setup.parcel);
            Some(((rule.id.clone(), operation.name.clone()), delivery))
        });
        let read = Read {
            operation: "stock".into(),
            args: vec!["sku".into()],
            fresh_for: Duration::from_millis(20),
            stale_for: Duration::from_secs(60),
        };
        let system = System {
            name: name.clone(),
            integration: name.as_str().into(),
            role,
            mode,
            base_url: "http://twin".to_owned(),
            settings: BTreeMap::new().into(),
            connector: Arc::clone(&twin),
            intakes: Vec::new(),
            deliveries: deliveries.collect(),
            reads: BTreeMap::from([("stock".into(), read)]),
        };
        all.insert(name.clone(), system);
        let integration = name.as_str().into();
        let system = SystemRules {
            role,
            integration,
            tags: Vec::new(),
            unit: "default".into(),
            mode,
            owns: None,
            deliver,
            gone: Vec::new(),
        };
        rules.insert(name, system);
    }
    let (flow, ownership) = (Flow::embedded(), Ownership::embedded());
    Bundle::from_parts("test".into(), flow, ownership, rules, all, Box::new(All))
}

/// A running hub. Dropped without [`Rig::stop`] it is a crash: nothing is told that it ends.
pub(super) struct Rig {
    pub(super) store: Arc<dyn Store>,
    pub(super) apply: Apply,
    pub(super) deliverer: Deliverer,
    pub(super) twin: Arc<Twin>,
    /// The token that calls are made with.
    pub(super) token: Arc<Mutex<&'static str>>,
    stop: CancellationToken,
    folder: Arc<tempfile::TempDir>,
    setup: Setup,
}

/// What a process asks the others that call the same systems; `None`: there are none.
type Others = Option<Arc<dyn Share>>;

impl Rig {
    pub(super) fn new(setup: Setup) -> Self {
        Self::beside(None, setup)
    }

    /// One of several processes.
    pub(super) fn beside(others: Others, setup: Setup) -> Self {
        let folder = Arc::new(tempfile::tempdir().unwrap());
        Self::open(folder, (Arc::default(), others), setup)
    }

    fn open(
        folder: Arc<tempfile::TempDir>,
        (twin, others): (Arc<Twin>, Others),
        setup: Setup,
    ) -> Self {
        let path: PathBuf = Path::new(folder.path()).join("hub.db");
        let store: Arc<dyn Store> = Arc::new(SqliteStore::open(&Options::at(path)).unwrap());
        let (sender, bundle) = watch::channel(Arc::new(bundle(setup)));
        drop(sender);
        let (handed, due) = mpsc::channel(100);
        let (clock, stop) = (Clock::system(), CancellationToken::new());
        let parts =
            apply::Parts { store: Arc::clone(&store), bundle: bundle.clone(), clock, handed };
        let (apply, _) = apply::start(parts, 100, stop.clone());
        let token = Arc::new(Mutex::new("T1"));
        let now = Arc::clone(&token);
        let secret: Secret = Arc::new(move |_: &str| vec![(*now.lock().unwrap()).to_owned()]);
        let account = || Account {
            secret: Arc::clone(&secret),
            policy: (setup.policy)(),
            limits: BTreeMap::new(),
        };
        let names = [ERP, SINK, "shop"];
        let accounts = names.into_iter().map(|name| (SystemName::new(name), account())).collect();
        let first = Duration::from_millis(50);
        let redelivery = Redelivery { first, longest: first * 4, over: first * 100 };
        let transport: Arc<dyn Transport> = Arc::<Twin>::clone(&twin);
        let parts = Parts {
            store: Arc::clone(&store),
            apply: apply.clone(),
            bundle,
            transport,
            clock,
            jitter: Jitter::none(),
            handed: due,
            accounts,
            bounds: Bounds { redelivery, ..Bounds::default() },
            pauses: Vec::new(),
            tap: crate::tap::Tap::default(),
            events: None,
        };
        let deliverer = Deliverer::sharing(parts, None, |_| others.clone()).unwrap();
        Self { store, apply, deliverer, twin, token, stop, folder, setup }
    }

    /// The process dies and another opens the store. The old one is silenced, not told.
    pub(super) async fn crash(self) -> Self {
        let Self { store, deliverer, twin, stop, folder, setup, .. } = self;
        deliverer.kill().await;
        stop.cancel();
        store.close().await;
        drop(store);
        Self::open(folder, (twin, None), setup)
    }

    /// Another process, that sends something else.
    pub(super) async fn sending(mut self, parcel: &'static str) -> Self {
        self.setup.parcel = parcel;
        self.crash().await
    }

    /// Another process, with the ERP in another mode.
    pub(super) async fn restart(mut self, mode: Mode) -> Self {
        self.setup.mode = mode;
        self.crash().await
    }

    /// A paid order, or a change of it.
    pub(super) async fn order(&self, number: u32, revision: i64, payment: &str) -> OrderKey {
        let text = |text: &str| Some(Value::text(text));
        let body = ElementStatement {
            adds: true,
            fields: vec![
                (known::order::ORDER_NO, text(&number.to_string())),
                (known::order::STATE_PAYMENT, text(payment)),
            ],
            ..ElementStatement::default()
        };
        let contribution = Contribution {
            system: SystemName::new("shop"),
            document: "order".into(),
            entity: Entity::Order,
            key: number.to_string().into(),
            parents: Vec::new(),
            creates: true,
            revision: Some(Revision::Integer(revision)),
            body,
        };
        let envelope = Envelope {
            source: "process".into(),
            system: SystemName::new("shop"),
            document: "order".into(),
            message_id: Some(format!("{number}-{revision}")),
            body: Bytes::from(format!("{number} {revision}")),
            headers: Vec::new(),
            received: Clock::system().now(),
            suspect: false,
        };
        let unit = MessageUnit {
            envelope,
            bundle: "test".into(),
            recorded: Default::default(),
            mapped: vec![Mapped::Document(Box::new(contribution))],
            refused: None,
            skipped: false,
            redrive: None,
            beside: Default::default(),
        };
        let outcome = self.apply.submit(Unit::Message(Box::new(unit))).await.unwrap();
        outcome.documents[0].order.unwrap_or_else(|| panic!("{outcome:?}"))
    }

    pub(super) async fn lane(&self, key: OrderKey, system: &str) -> Option<Lane> {
        let state = self.store.state(&Scope::All, key).await.unwrap().unwrap();
        state.lanes.get(system).map(|lane| (**lane).clone())
    }

    /// Waits until the lane is as it should be.
    pub(super) async fn until(
        &self,
        key: OrderKey,
        system: &str,
        so: impl Fn(&Lane) -> bool,
    ) -> Lane {
        let mut last = None;
        for _ in 0..2_000 {
            last = self.lane(key, system).await;
            if let Some(lane) = last.as_ref().filter(|lane| so(lane)) {
                return lane.clone();
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("the lane never came to that: {last:#?}\n{:#?}", self.receipts(key).await);
    }

    /// Waits until the twin has taken so many effects, bounded.
    pub(super) async fn effects(&self, least: usize) {
        self.so("the calls came", || self.twin.effects().len() >= least).await;
    }

    /// Waits until the twin was asked so often, bounded.
    pub(super) async fn requests(&self, least: usize) {
        self.so("the requests came", || self.twin.requests() >= least).await;
    }

    /// Waits until it is so, bounded.
    pub(super) async fn so(&self, what: &str, so: impl Fn() -> bool) {
        for _ in 0..2_000 {
            if so() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("it never came to that: {what}; {} effects", self.twin.effects().len());
    }

    pub(super) async fn delivered(&self, key: OrderKey, system: &str) -> Lane {
        let idle =
            |lane: &Lane| !lane.sent.is_empty() && lane.flying.is_none() && lane.wants.is_empty();
        self.until(key, system, idle).await
    }

    pub(super) async fn receipts(&self, key: OrderKey) -> Vec<ReceiptRow> {
        self.store.receipts(&Scope::All, key).await.unwrap()
    }
}

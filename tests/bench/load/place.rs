//! Where the parts work: one broker and one PostgreSQL server for all, a queue, a schema and a folder for each.

use std::path::{Path, PathBuf};

use orderhub_tests::broker::{Broker, Message, Node};
use orderhub_tests::database::Server;
use orderhub_tests::hub::{Hub, free_port};
use orderhub_tests::measure::{hub, order};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, raw_sql};

/// Messages published before their confirms are awaited.
const WINDOW: usize = 500;

/// What the hub stores in.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    /// A file.
    Sqlite,
    /// A schema of the server.
    Postgres,
}

impl Kind {
    /// With the mode of its commits.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Kind::Sqlite => "SQLite (FULL)",
            Kind::Postgres => "PostgreSQL (fsync)",
        }
    }
}

/// The parts that are there for all.
pub(crate) struct Place {
    folder: PathBuf,
    pub(crate) node: Node,
    pub(crate) broker: Broker,
    pub(crate) database: Server,
    next: u32,
}

/// A hub that works, and what it works with.
pub(crate) struct Work {
    pub(crate) hub: Hub,
    pub(crate) queue: String,
}

impl Place {
    pub(crate) async fn start(folder: &Path) -> Self {
        let node = Node::start(&folder.join("rabbitmq"));
        let broker = Broker::connect(node.url()).await;
        let database = Server::start(&folder.join("postgres"));
        Self { folder: folder.to_owned(), node, broker, database, next: 0 }
    }

    /// Where a store may be made of its own.
    pub(crate) async fn schema(&self, name: &str) -> String {
        let mut connection = self.direct().await;
        let sql = format!("CREATE SCHEMA {name}");
        raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.expect("a new schema");
        format!("{}?options=-csearch_path%3D{name}", self.database.url())
    }

    /// A connection to the server.
    pub(crate) async fn direct(&self) -> PgConnection {
        PgConnection::connect(self.database.url()).await.expect("PostgreSQL answers")
    }

    /// Starts a hub on an empty store and an empty queue, with this sink.
    pub(crate) async fn hub(&mut self, kind: Kind, sink: &str) -> Work {
        self.next += 1;
        let name = format!("load_{}", self.next);
        let folder = self.folder.join(&name);
        std::fs::create_dir(&folder).expect("the folder is writable");
        let store = match kind {
            Kind::Sqlite => "sqlite:orderhub.db".to_owned(),
            Kind::Postgres => self.schema(&name).await,
        };
        self.broker.quorum_queue(&name, None).await;
        let port = free_port();
        let parts = hub::Place { amqp: self.node.url(), queue: &name, store: &store, sink };
        hub::settings(&folder, port, &parts);
        let hub = Hub::start(&folder, port).await;
        Work { hub, queue: name }
    }
}

/// The first change of an order, as its shop publishes it.
pub(crate) fn message(number: u64) -> Message {
    Message {
        id: Some(order::message_id(number, 1)),
        headers: vec![("x-system", "shop_eu".to_owned())],
        body: order::body(number, 1).into_bytes(),
    }
}

/// Publishes the first changes of these orders, each confirmed.
pub(crate) async fn publish(broker: &Broker, queue: &str, numbers: std::ops::Range<u64>) {
    let numbers: Vec<u64> = numbers.collect();
    for window in numbers.chunks(WINDOW) {
        broker.publish(queue, window.iter().map(|number| message(*number))).await;
    }
}

//! The database as the target of a copy. While it is written it bears a mark in `meta`, by which a hub that
//! starts on it is refused ([`schema`]).

use std::time::Duration;

use serde_json::json;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, query, query_as, query_scalar, raw_sql};
use tokio::sync::mpsc::Receiver;
use tokio::time::{sleep, timeout};

use super::Options;
use super::connect::{Bounds, Connector, ms};
use super::error::Fault;
use super::schema::{self, Marked, locks};
use crate::clock::Clock;
use crate::store::StoreError;
use crate::store::copy::check::Long;
use crate::store::copy::tables::{Described, LEFT, Plan, Planned};
use crate::store::copy::{CopyError, Given, Piece, Progress, Sum};

mod catalog;
mod rows;

/// A statement that is not about rows may take so long; so may the building of statistics, and of a COMMIT.
const STATEMENT: Duration = Duration::from_secs(600);
/// The server may take or give nothing for so long.
const SILENT: Duration = Duration::from_secs(60);

/// How often, and how far apart, the lock of copies is asked for.
const LOCK_TRIES: u32 = 40;
const LOCK_PAUSE: Duration = Duration::from_millis(50);

/// The database, under the lock of its copies.
#[derive(Debug)]
pub(in crate::store) struct Target {
    connection: PgConnection,
    place: String,
}

/// Tells which database refused.
fn at(place: &str) -> impl Fn(Fault) -> CopyError + '_ {
    |fault| CopyError::Database { place: place.to_owned(), why: fault.to_string() }
}

/// What the server was asked for in vain.
async fn within<T, E: Into<Fault>>(
    time: Duration,
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, Fault> {
    timeout(time, work).await.map_err(|_| Fault::Late(time))?.map_err(Into::into)
}

impl Target {
    /// Connects, and keeps other copies away for as long as this lasts.
    pub(in crate::store) async fn connect(options: &Options) -> Result<Self, CopyError> {
        let connector = Connector::new(options)?;
        let place = connector.place();
        let bounds: Bounds = vec![
            ms("statement_timeout", Duration::ZERO),
            ms("lock_timeout", SILENT),
            ms("idle_in_transaction_session_timeout", STATEMENT),
            // The end is written with care (`finish`); what is lost before is copied again.
            ("synchronous_commit", "off".to_owned()),
        ];
        let mut connection = connector.connect(&bounds).await.map_err(at(&place))?;
        let encoding = schema::encoding(&mut connection).await.map_err(at(&place))?;
        if encoding != "UTF8" {
            let why = format!("it is encoded in {encoding}; make one with `ENCODING 'UTF8'`");
            return Err(CopyError::Database { place, why });
        }
        if alone(&mut connection).await.map_err(at(&place))? {
            Ok(Self { connection, place })
        } else {
            Err(CopyError::UnderWay(place))
        }
    }

    /// Where it is, for people.
    pub(in crate::store) fn place(&self) -> &str {
        &self.place
    }

    /// Whether it may become the copy of this installation: it is empty, or an unfinished copy of the same.
    pub(in crate::store) async fn takes(&mut self, install: &str) -> Result<(), CopyError> {
        let looked = within(STATEMENT, look(&mut self.connection)).await;
        let place = &self.place;
        match looked.map_err(at(place))? {
            State::Newer(found) => Err(StoreError::Newer { found, known: schema::known() }.into()),
            State::Holds { install: held, orders } => {
                let same = held == install;
                Err(CopyError::Holds { place: place.clone(), install: held, orders, same })
            }
            State::Unfinished(other) if other != install => {
                Err(CopyError::Another { place: place.clone(), install: other })
            }
            State::Unfinished(_) | State::Empty => Ok(()),
        }
    }

    /// Its tables, as they will be: made, read and taken back in one transaction, where they are not there yet.
    pub(in crate::store) async fn catalog(&mut self) -> Result<Vec<Described>, CopyError> {
        let c = &mut self.connection;
        let read = async {
            prepare(c).await?;
            let described = catalog::read(c).await?;
            raw_sql("ROLLBACK").execute(c).await?;
            Ok::<_, Fault>(described)
        };
        within(STATEMENT, read).await.map_err(at(&self.place))
    }

    /// Whether the indexes can hold these; nothing of it stays.
    pub(in crate::store) async fn try_rows(
        &mut self,
        plan: &Plan,
        long: &[Long],
    ) -> Result<Vec<bool>, CopyError> {
        if long.is_empty() {
            return Ok(Vec::new());
        }
        let (c, place) = (&mut self.connection, &self.place);
        within(STATEMENT, prepare(c)).await.map_err(at(place))?;
        let mut fit = Vec::with_capacity(long.len());
        for long in long {
            let Some(table) = plan.tables.get(long.table) else { continue };
            fit.push(rows::fits(c, table, &long.row).await.map_err(at(place))?);
        }
        within(STATEMENT, raw_sql("ROLLBACK").execute(c)).await.map_err(at(place))?;
        Ok(fit)
    }

    /// Makes the tables, empties those of a copy that was not finished, and sets the mark.
    pub(in crate::store) async fn begin(
        &mut self,
        plan: &Plan,
        install: &str,
        from: &str,
    ) -> Result<(), CopyError> {
        let (c, place) = (&mut self.connection, &self.place);
        within(STATEMENT, prepare(c)).await.map_err(at(place))?;
        // Under the lock of the schema: a hub may have begun here since.
        self.takes(install).await?;
        let c = &mut self.connection;
        let mark =
            json!({ "install": install, "from": from, "at": Clock::system().now().to_string() });
        let work = async {
            let copied = plan.tables.iter().map(|table| table.name).filter(|name| *name != "meta");
            let left = LEFT.iter().map(|(name, _)| *name);
            let all: Vec<&str> = copied.chain(left).collect();
            let empty =
                format!("TRUNCATE {}; DELETE FROM meta WHERE name <> 'schema'", all.join(", "));
            raw_sql(AssertSqlSafe(empty)).execute(&mut *c).await?;
            let keep = "INSERT INTO meta (name, value) VALUES ('copying', $1)";
            query(keep).bind(mark.to_string()).execute(&mut *c).await?;
            for (table, number) in plan.parts.all() {
                let part = format!(
                    "CREATE TABLE IF NOT EXISTS {table}_{number} PARTITION OF {table} FOR VALUES IN ({number})"
                );
                raw_sql(AssertSqlSafe(part)).execute(&mut *c).await?;
            }
            // The mark is on the disk before any row.
            raw_sql("SET LOCAL synchronous_commit = on; COMMIT").execute(c).await?;
            Ok::<_, Fault>(())
        };
        within(STATEMENT, work).await.map_err(at(&self.place))
    }

    /// Writes the rows of a table, in one transaction.
    pub(in crate::store) async fn fill(
        &mut self,
        table: &Planned,
        pieces: &mut Receiver<Piece>,
        progress: &Progress,
    ) -> Result<(), CopyError> {
        rows::fill(&mut self.connection, table, pieces, progress, &self.place).await
    }

    /// What the rows of a table add up to.
    pub(in crate::store) async fn sum(
        &mut self,
        table: &Planned,
        progress: &Progress,
    ) -> Result<Sum, CopyError> {
        rows::sum(&mut self.connection, table, progress, &self.place).await
    }

    /// Sets everything that gives numbers behind those that were given, and lets the server count its rows, so
    /// that it plans the hub's first questions as it will plan the later ones.
    pub(in crate::store) async fn numbers(
        &mut self,
        plan: &Plan,
        given: &Given,
    ) -> Result<(), CopyError> {
        let c = &mut self.connection;
        let work = async {
            super::numbers::behind(c, given.messages, given.orders).await?;
            // Calls that were in the air name the process that made them, which is gone for good.
            for sequence in ["process_numbers", "lease_epochs"] {
                super::numbers::after(c, sequence, given.process).await?;
            }
            for table in &plan.tables {
                if let Some(column) = &table.identity {
                    let highest = format!("SELECT coalesce(max({column}), 0) FROM {}", table.name);
                    let highest: i64 =
                        query_scalar(AssertSqlSafe(highest)).fetch_one(&mut *c).await?;
                    let known = given.identities.get(table.name).copied().unwrap_or(0);
                    let sequence = "SELECT pg_get_serial_sequence($1, $2)";
                    let sequence = query_scalar(sequence).bind(table.name).bind(column);
                    let sequence: String = sequence.fetch_one(&mut *c).await?;
                    super::numbers::after(c, &sequence, highest.max(known)).await?;
                }
                let count = format!("ANALYZE {}", table.name);
                raw_sql(AssertSqlSafe(count)).execute(&mut *c).await?;
            }
            Ok::<_, Fault>(())
        };
        within(STATEMENT, work).await.map_err(at(&self.place))
    }

    /// Takes the mark away: from now on it is the installation.
    pub(in crate::store) async fn finish(mut self) -> Result<(), CopyError> {
        let work = async {
            let c = &mut self.connection;
            raw_sql("BEGIN; SET LOCAL synchronous_commit = on").execute(&mut *c).await?;
            query("UPDATE meta SET name = 'copied' WHERE name = 'copying'")
                .execute(&mut *c)
                .await?;
            raw_sql("COMMIT").execute(c).await?;
            Ok::<_, Fault>(())
        };
        within(STATEMENT, work).await.map_err(at(&self.place))?;
        self.close().await;
        Ok(())
    }

    /// What was committed stands, however the connection ends.
    pub(in crate::store) async fn close(self) {
        drop(self.connection.close().await);
    }
}

/// Takes the lock of copies into this schema. The server may still be about to notice that one is gone.
async fn alone(c: &mut PgConnection) -> Result<bool, Fault> {
    let lock = "SELECT pg_try_advisory_lock(hashtextextended(current_schema(), $1))";
    for _ in 0..LOCK_TRIES {
        let lock = query_scalar(lock).bind(locks::COPY).fetch_one(&mut *c);
        if within(STATEMENT, lock).await? {
            return Ok(true);
        }
        sleep(LOCK_PAUSE).await;
    }
    Ok(false)
}

/// Begins a transaction under the lock of the schema, with the tables as this program makes them.
async fn prepare(c: &mut PgConnection) -> Result<(), Fault> {
    raw_sql("BEGIN").execute(&mut *c).await?;
    let lock = query("SELECT pg_advisory_xact_lock($1)").bind(locks::SCHEMA);
    lock.execute(&mut *c).await?;
    schema::tables(c).await
}

/// What is there.
enum State {
    /// No tables, or such that nobody has begun with.
    Empty,
    /// A copy of the installation with this id.
    Unfinished(String),
    /// An installation.
    Holds { install: String, orders: i64 },
    /// Tables of a newer program.
    Newer(i64),
}

async fn look(c: &mut PgConnection) -> Result<State, Fault> {
    let found = schema::version(c).await?;
    if found == 0 {
        return Ok(State::Empty);
    }
    if found > schema::known() {
        return Ok(State::Newer(found));
    }
    if let Some(Marked { install, .. }) = schema::marked(c).await? {
        return Ok(State::Unfinished(install));
    }
    let read = "SELECT value, (SELECT count(*) FROM orders) FROM meta WHERE name = 'install'";
    let held: Option<(String, i64)> = query_as(read).fetch_optional(c).await?;
    Ok(held.map_or(State::Empty, |(install, orders)| State::Holds { install, orders }))
}

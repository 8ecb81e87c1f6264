//! A look from outside at what the database keeps: how much of each kind, since when, and what should have gone
//! and has not. Nothing is changed.

use jiff::{SignedDuration, Timestamp};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, query_as, query_scalar};

use super::connect::{Connector, ms};
use super::error::Fault;
use super::partitions::{self, MESSAGES, RECEIPTS, Standing, Table};
use super::{Login, Options, schema};
use crate::config::Keep;
use crate::store::StoreError;
use crate::store::columns::from_column;
use crate::store::keep::{NS_PER_DAY, Oldest};

/// Longest time of one question.
const ANSWER_WITHIN: std::time::Duration = std::time::Duration::from_secs(5);
/// The first schema whose rows go.
const SINCE: i64 = 9;
/// What is over for so long should have gone: rounds come more often.
const GRACE: SignedDuration = SignedDuration::from_hours(1);
/// The tables that grow.
const GROWING: [&str; 11] = [
    "orders",
    "lanes",
    "changes",
    "messages",
    "receipts",
    "seen",
    "counters",
    "xrefs",
    "search_words",
    "search_hashes",
    "order_lines",
];

/// What was seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// Tables with their bytes on the disk, indexes and all, largest first.
    pub tables: Vec<(String, u64)>,
    /// The oldest day of raw messages.
    pub messages_since: Option<Timestamp>,
    /// The oldest day of attempts.
    pub receipts_since: Option<Timestamp>,
    /// Partitions whose time was over more than an hour ago.
    pub over: Vec<String>,
    /// The transaction that is open for longest: what is over goes after it.
    pub holder: Option<Holder>,
}

/// A transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// Its process at the server.
    pub pid: i32,
    /// What calls itself so: a program, else a user.
    pub who: String,
    /// Open for so many seconds.
    pub seconds: i64,
}

/// Looks. `None`: the database has no such tables yet.
///
/// # Errors
///
/// [`StoreError`]: it cannot be reached or asked.
pub async fn held(
    url: &str,
    login: Option<Login>,
    (keep, seen_days): (&Keep, u16),
) -> Result<Option<Held>, StoreError> {
    let connector = Connector::new(&Options { login, ..Options::at(url, "doctor") })?;
    let bounds = vec![ms("statement_timeout", ANSWER_WITHIN), ms("lock_timeout", ANSWER_WITHIN)];
    let mut connection = connector.connect(&bounds).await?;
    let asked = ask(&mut connection, keep, seen_days).await;
    drop(connection.close().await);
    Ok(asked?)
}

async fn ask(c: &mut PgConnection, keep: &Keep, seen_days: u16) -> Result<Option<Held>, Fault> {
    if schema::version(c).await? < SINCE {
        return Ok(None);
    }
    let now = "SELECT (extract(epoch FROM clock_timestamp()) * 1000000000)::bigint";
    let now = from_column(query_scalar(now).fetch_one(&mut *c).await?);
    let oldest = Oldest::at(now.saturating_sub(GRACE).unwrap_or(now), keep, seen_days);
    let mut held = Held { tables: sizes(c).await?, ..Held::default() };
    held.messages_since = since(c, MESSAGES, oldest.messages, &mut held.over).await?;
    held.receipts_since = since(c, RECEIPTS, oldest.receipts, &mut held.over).await?;
    let holder = "SELECT pid, coalesce(nullif(application_name, ''), usename::text, 'somebody'),
                      extract(epoch FROM clock_timestamp() - xact_start)::bigint
                  FROM pg_stat_activity
                  WHERE xact_start IS NOT NULL AND datname = current_database()
                      AND pid <> pg_backend_pid()
                  ORDER BY xact_start LIMIT 1";
    let holder: Option<(i32, String, i64)> = query_as(holder).fetch_optional(c).await?;
    held.holder = holder.map(|(pid, who, seconds)| Holder { pid, who, seconds });
    Ok(Some(held))
}

async fn sizes(c: &mut PgConnection) -> Result<Vec<(String, u64)>, Fault> {
    let sql = "SELECT name, CAST(pg_total_relation_size(name::regclass) + coalesce((
                   SELECT sum(pg_total_relation_size(inhrelid)) FROM pg_inherits
                   WHERE inhparent = name::regclass), 0) AS bigint) AS bytes
               FROM unnest($1::text[]) AS t (name) ORDER BY bytes DESC";
    let rows: Vec<(String, i64)> = query_as(sql).bind(&GROWING[..]).fetch_all(c).await?;
    Ok(rows.into_iter().map(|(name, bytes)| (name, u64::try_from(bytes).unwrap_or(0))).collect())
}

/// When the oldest row of a table was committed, about; and what of it should have gone.
async fn since(
    c: &mut PgConnection,
    table: Table,
    oldest: i64,
    over: &mut Vec<String>,
) -> Result<Option<Timestamp>, Fault> {
    let mut first = None;
    for (number, standing) in partitions::all(c, table).await? {
        let name = format!("{}_{number}", table.name());
        if standing != Standing::Attached {
            over.push(name);
            continue;
        }
        if first.is_some() && number >= oldest {
            break;
        }
        let Some(newest) = partitions::newest(c, table, number).await? else { continue };
        if newest < oldest.saturating_mul(NS_PER_DAY) {
            over.push(name.clone());
        }
        if first.is_none() {
            let sql = format!("SELECT at FROM {name} ORDER BY id LIMIT 1");
            first = query_scalar(AssertSqlSafe(sql)).fetch_optional(&mut *c).await?;
        }
    }
    Ok(first.map(from_column))
}

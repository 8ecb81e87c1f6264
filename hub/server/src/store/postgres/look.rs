//! A look at the database from outside: nothing is made or changed.

use std::time::Duration;

use jiff::Timestamp;
use sqlx::{Connection as _, query_as, query_scalar};

use super::beats;
use super::connect::{Connector, ms};
use super::error::Fault;
use super::{Login, Options, listens, resting, schema};
use crate::bundle::Listened;
use crate::clock::Clock;
use crate::store::{RestingRow, StoreError, WaitingRow};

/// Longest time of one question.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// What was seen.
#[derive(Clone, Debug)]
pub struct Look {
    /// `host:port/database`
    pub place: String,
    /// `16.4`
    pub version: String,
    /// `160004`
    pub number: i32,
    /// `UTF8`
    pub encoding: String,
    /// The database's clock less this machine's, in milliseconds, at the middle of the question.
    pub skew_ms: i64,
    /// The schema that it has; 0: none.
    pub schema: i64,
    /// The schema that this program makes.
    pub known: i64,
    /// The file whose copy into it is not finished.
    pub unfinished: Option<String>,
    /// This user may make tables.
    pub may_create: bool,
    /// Connections that are not taken.
    pub connections_left: i64,
    /// Hubs that work on it now, by name.
    pub processes: Vec<String>,
    /// Those of them whose program is an earlier one; none are seen in another schema than this program's.
    pub older: Vec<String>,
    /// Lanes that rest; likewise.
    pub rests: Vec<RestingRow>,
    /// Messages that wait; likewise.
    pub waits: Vec<WaitingRow>,
    /// What files in use listened to; likewise.
    pub listened: Listened,
}

/// Looks.
///
/// # Errors
///
/// [`StoreError`]: it cannot be reached or asked.
pub async fn look(url: &str, login: Option<Login>) -> Result<Look, StoreError> {
    let connector = Connector::new(&Options { login, ..Options::at(url, "doctor") })?;
    let place = connector.place();
    let failed = |fault: Fault| {
        StoreError::Failed(format!("cannot look at the database at `{place}`: {fault}"))
    };
    let bounds = vec![ms("statement_timeout", ANSWER_WITHIN), ms("lock_timeout", ANSWER_WITHIN)];
    let mut connection = connector.connect(&bounds).await.map_err(failed)?;
    let asked = ask(&mut connection, &place).await.map_err(failed);
    drop(connection.close().await);
    asked
}

async fn ask(connection: &mut sqlx::PgConnection, place: &str) -> Result<Look, Fault> {
    let about = "SELECT current_setting('server_version'), current_setting('server_version_num')::int,
                        current_setting('server_encoding'),
                        coalesce(has_schema_privilege(current_schema(), 'CREATE'), false),
                        current_setting('max_connections')::bigint
                            - (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend')";
    let (version, number, encoding, may_create, connections_left): (
        String,
        i32,
        String,
        bool,
        i64,
    ) = query_as(about).fetch_one(&mut *connection).await?;
    let before = Clock::system().now();
    let there = "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint";
    let there: i64 = query_scalar(there).fetch_one(&mut *connection).await?;
    let skew_ms = skew(before, there, Clock::system().now());
    let found = schema::version(connection).await?;
    let marked = if found > schema::known() { None } else { schema::marked(connection).await? };
    let unfinished = marked.map(|mark| mark.from);
    let processes = if found >= 3 { beats::heard_in_any(connection).await? } else { Vec::new() };
    let (mut rests, mut waits, mut older, mut listened) =
        (Vec::new(), Vec::new(), Vec::new(), None);
    if found == schema::known() && unfinished.is_none() {
        rests = resting::rests(connection).await?;
        waits = resting::waits(connection).await?;
        older = beats::older(connection).await?;
        listened = listens::listened(connection).await?;
    }
    Ok(Look {
        place: place.to_owned(),
        version,
        number,
        encoding,
        skew_ms,
        schema: found,
        known: schema::known(),
        unfinished,
        may_create,
        connections_left,
        processes,
        older,
        rests,
        waits,
        listened: listened.unwrap_or_default(),
    })
}

/// The database's clock less ours at the middle of the question; what lies within the question is nothing.
fn skew(before: Timestamp, there: i64, after: Timestamp) -> i64 {
    let (before, after) = (before.as_millisecond(), after.as_millisecond());
    if there < before {
        there - before
    } else if there > after {
        there - after
    } else {
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_answer_is_no_skew() {
        let at = |ms| Timestamp::from_millisecond(ms).unwrap();
        for (there, expected) in [(1_500, 0), (900, -100), (4_200, 1_200)] {
            assert_eq!(skew(at(1_000), there, at(3_000)), expected);
        }
    }
}

//! By which rows processes know of each other. The row in `processes` says that there is one: each commit and each
//! claim locks it, so that nobody takes its process off meanwhile. The row in `beats` says how long it counts as heard.
//!
//! They are two because whoever locks a row looks up who has locked each version of it that is left: were the word of
//! every second written where everybody locks, each commit and claim would pay for all the words of the last minutes,
//! and a transaction that stays open would keep them without end.
//!
//! **Invariant:** a word changes nothing that others lock, but for one a minute while a program of the schema before
//! runs beside it. Test:
//! `however_often_a_process_speaks_what_others_lock_stays_the_same_row`.
//!
//! **Invariant:** who is heard is not taken off: neither one that speaks while it is being taken off, nor a program of
//! the schema before, which speaks in `processes`, nor by such a program one of this. Tests:
//! `who_is_silent_is_taken_off_and_who_speaks_is_not`, `who_speaks_while_it_is_being_taken_off_stays`,
//! `a_program_of_the_schema_before_goes_on_beside_this_one`.

use std::collections::BTreeSet;
use std::time::Duration;

use sqlx::{PgConnection, query, query_scalar, raw_sql};

use super::error::Fault;
use super::members::GONE_AFTER;
use super::schema::locks;
use crate::store::{LANE_FORM, search};

/// For so long a process is heard by programs of the schema before, each time that it tells them: while they run
/// beside it they take it off that much later after it is gone.
const FOR_FORMER: Duration = Duration::from_secs(120);

/// A process as its column has it.
pub(super) fn number_of(process: u64) -> i64 {
    i64::try_from(process).unwrap_or(i64::MAX)
}

/// A new number for the instance, in the place of the one that it has. Numbers are seen in the order in
/// which they are given.
pub(super) async fn number(c: &mut PgConnection, instance: &str) -> Result<u64, Fault> {
    query("DELETE FROM processes WHERE instance = $1").bind(instance).execute(&mut *c).await?;
    raw_sql("BEGIN").execute(&mut *c).await?;
    let turn = query("SELECT pg_advisory_xact_lock($1)").bind(locks::NUMBERS);
    turn.execute(&mut *c).await?;
    // By the other word a program of the schema before goes, if one is there: see `here`.
    let sql = "WITH me AS (
                   INSERT INTO processes (process, instance, until, search, form)
                   VALUES (nextval('process_numbers'), $1, clock_timestamp() + make_interval(secs => $4), $3, $5)
                   RETURNING process)
               INSERT INTO beats (process, until)
               SELECT process, clock_timestamp() + make_interval(secs => $2) FROM me
               RETURNING process";
    let number = query_scalar::<_, i64>(sql).bind(instance).bind(GONE_AFTER.as_secs_f64());
    let number = number.bind(search::VERSION).bind(FOR_FORMER.as_secs_f64()).bind(LANE_FORM);
    let number = number.fetch_one(&mut *c).await?;
    raw_sql("COMMIT").execute(c).await?;
    Ok(u64::try_from(number).unwrap_or_default())
}

/// Says that the process is there; `false`: it was taken off.
pub(super) async fn here(c: &mut PgConnection, process: u64) -> Result<bool, Fault> {
    // A program of the schema before has no row in `beats`. Seldom, for this row is locked by everybody.
    let sql = "WITH former AS (
                   UPDATE processes SET until = clock_timestamp() + make_interval(secs => $3)
                   WHERE process = $1 AND until < clock_timestamp() + make_interval(secs => $3 / 2)
                       AND EXISTS (SELECT FROM processes p
                                   WHERE NOT EXISTS (SELECT FROM beats b WHERE b.process = p.process)))
               UPDATE beats SET until = clock_timestamp() + make_interval(secs => $2)
               WHERE process = $1";
    let said = query(sql).bind(number_of(process)).bind(GONE_AFTER.as_secs_f64());
    let said = said.bind(FOR_FORMER.as_secs_f64()).execute(c).await?;
    Ok(said.rows_affected() == 1)
}

/// Whether a process of this name is heard.
pub(super) async fn is_heard(c: &mut PgConnection, instance: &str) -> Result<bool, Fault> {
    let sql = "SELECT EXISTS (SELECT FROM heard WHERE instance = $1)";
    Ok(query_scalar(sql).bind(instance).fetch_one(c).await?)
}

/// The names of those that are heard, sorted.
pub(super) async fn heard(c: &mut PgConnection) -> Result<Vec<String>, Fault> {
    Ok(query_scalar("SELECT instance FROM heard ORDER BY instance").fetch_all(c).await?)
}

/// The same in a database that may be of a schema before this, where all speak in `processes`.
pub(super) async fn heard_in_any(c: &mut PgConnection) -> Result<Vec<String>, Fault> {
    if query_scalar("SELECT to_regclass('heard') IS NOT NULL").fetch_one(&mut *c).await? {
        return heard(c).await;
    }
    let sql = "SELECT instance FROM processes WHERE until > clock_timestamp() ORDER BY instance";
    Ok(query_scalar(sql).fetch_all(c).await?)
}

/// The names of those that are heard and write lanes without what this program keeps in them, sorted.
pub(super) async fn older(c: &mut PgConnection) -> Result<Vec<String>, Fault> {
    let sql = "SELECT instance FROM heard WHERE form IS NULL OR form < $1 ORDER BY instance";
    Ok(query_scalar(sql).bind(LANE_FORM).fetch_all(c).await?)
}

/// Whether all that are heard fill the search as this program does.
pub(super) async fn all_search(c: &mut PgConnection) -> Result<bool, Fault> {
    let sql = "SELECT NOT EXISTS (SELECT FROM heard WHERE search IS NULL OR search < $1)";
    Ok(query_scalar(sql).bind(search::VERSION).fetch_one(c).await?)
}

/// All that were not taken off.
pub(super) async fn alive(c: &mut PgConnection) -> Result<BTreeSet<u64>, Fault> {
    let numbers: Vec<i64> = query_scalar("SELECT process FROM processes").fetch_all(c).await?;
    Ok(numbers.into_iter().filter_map(|number| u64::try_from(number).ok()).collect())
}

/// Takes this process off.
pub(super) async fn leave(c: &mut PgConnection, process: u64) -> Result<(), Fault> {
    let sql = "DELETE FROM processes WHERE process = $1";
    query(sql).bind(number_of(process)).execute(c).await?;
    Ok(())
}

/// Takes off whoever was silent for too long; whether there was one. One that is in a commit stays until
/// the server ends that.
pub(super) async fn take_off(c: &mut PgConnection) -> Result<bool, Fault> {
    // Both rows are locked: one that has spoken since this began is judged again by its last word, one that is
    // speaking now is passed over, and one that wants to after this finds itself gone.
    let sql = "WITH silent AS (
                   SELECT p.process FROM beats b JOIN processes p ON p.process = b.process
                   WHERE b.until < clock_timestamp() FOR UPDATE SKIP LOCKED),
               before AS (
                   SELECT process FROM processes p WHERE until < clock_timestamp()
                       AND NOT EXISTS (SELECT FROM beats b WHERE b.process = p.process)
                   FOR UPDATE SKIP LOCKED)
               DELETE FROM processes WHERE process IN (
                   SELECT process FROM silent UNION ALL SELECT process FROM before)
               RETURNING process";
    let gone: Vec<i64> = query_scalar(sql).fetch_all(c).await?;
    for process in &gone {
        tracing::warn!(process, "a process was silent for too long: others go on with its work");
    }
    Ok(!gone.is_empty())
}

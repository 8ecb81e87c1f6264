//! The table of seen ids, a partition a week, dropped whole when its time is over: no row is ever deleted.

use std::collections::{BTreeSet, HashMap, HashSet};

use jiff::Timestamp;
use sqlx::{AssertSqlSafe, PgConnection, Row as _, query, query_scalar, raw_sql};

use super::error::Fault;
use super::schema::locks;
use crate::store::columns::to_column;
use crate::store::commit::{Seen, SeenId};

const NS_PER_WEEK: i64 = 7 * 24 * 3_600 * 1_000_000_000;

/// The weeks whose partitions are known to be there.
pub(super) type Weeks = BTreeSet<i64>;

/// The week of a moment, counted from 1970.
pub(super) fn week(now: Timestamp) -> i64 {
    to_column(now).div_euclid(NS_PER_WEEK)
}

/// Sees to it that there is a partition for `week`, in a transaction of its own: the lock on the whole
/// table that it takes must not last as long as a batch.
pub(super) async fn ready(c: &mut PgConnection, weeks: &mut Weeks, week: i64) -> Result<(), Fault> {
    if weeks.contains(&week) {
        return Ok(());
    }
    // One simple query is one transaction. The number is ours, and the lock keeps others from making the same.
    let sql = format!(
        "SELECT pg_advisory_xact_lock({});
         CREATE TABLE IF NOT EXISTS seen_{week} PARTITION OF seen FOR VALUES IN ({week})",
        locks::PARTITIONS
    );
    raw_sql(AssertSqlSafe(sql)).execute(c).await?;
    weeks.insert(week);
    Ok(())
}

/// Notes ids in the partition of `week`, and says what was known: of those of one batch the first counts.
///
/// Inserted in the order of ids, not of arrival: two batches with the same ids would wait for each other.
pub(super) async fn note(
    c: &mut PgConnection,
    ids: &[SeenId],
    week: i64,
) -> Result<Vec<Seen>, Fault> {
    let mut firsts: Vec<&SeenId> = ids.iter().collect();
    firsts.sort_by_key(|id| (id.id, id.sequence));
    firsts.dedup_by_key(|id| id.id);
    let keys: Vec<&[u8]> = firsts.iter().map(|id| &id.id[..]).collect();
    let insert = query_scalar(
        "INSERT INTO seen (id, week, body, sequence)
         SELECT i.id, $4, i.body, i.sequence
         FROM UNNEST($1::bytea[], $2::bytea[], $3::bigint[]) AS i (id, body, sequence)
         WHERE NOT EXISTS (SELECT FROM seen s WHERE s.id = i.id AND s.week <> $4)
         ORDER BY i.id
         ON CONFLICT DO NOTHING RETURNING id",
    );
    let insert = insert
        .bind(&keys)
        .bind(firsts.iter().map(|id| &id.body[..]).collect::<Vec<_>>())
        .bind(firsts.iter().map(|id| id.sequence).collect::<Vec<_>>())
        .bind(week);
    let new: HashSet<Vec<u8>> = insert.fetch_all(&mut *c).await?.into_iter().collect();
    let mut known: HashMap<Vec<u8>, (Vec<u8>, i64)> = HashMap::new();
    let old: Vec<&[u8]> = keys.iter().copied().filter(|id| !new.contains(*id)).collect();
    if !old.is_empty() {
        // A statement of its own: it sees what another transaction committed while the insert waited for it.
        let find = query("SELECT id, body, sequence FROM seen WHERE id = ANY($1)").bind(old);
        for row in find.fetch_all(c).await? {
            known.insert(row.try_get(0)?, (row.try_get(1)?, row.try_get(2)?));
        }
    }
    Ok(outcomes(ids, known))
}

/// In the order of arrival; `known` is what was there before.
fn outcomes(ids: &[SeenId], mut known: HashMap<Vec<u8>, (Vec<u8>, i64)>) -> Vec<Seen> {
    let mut seen = Vec::with_capacity(ids.len());
    for id in ids {
        let outcome = match known.get(&id.id[..]) {
            Some((body, row)) if body[..] == id.body => Seen::Duplicate(*row),
            Some((_, row)) => Seen::Reused(*row),
            None => Seen::New,
        };
        known.entry(id.id.to_vec()).or_insert_with(|| (id.body.to_vec(), id.sequence));
        seen.push(outcome);
    }
    seen
}

/// Drops the partitions whose last day is older than so many days.
pub(super) async fn prune(c: &mut PgConnection, now: Timestamp, days: u16) -> Result<(), Fault> {
    let oldest = to_column(now) - i64::from(days) * (NS_PER_WEEK / 7);
    let oldest = oldest.div_euclid(NS_PER_WEEK);
    let names: Vec<String> = query_scalar(
        "SELECT relname::text FROM pg_inherits JOIN pg_class ON oid = inhrelid
         WHERE inhparent = 'seen'::regclass",
    )
    .fetch_all(&mut *c)
    .await?;
    for name in names {
        let week = name.strip_prefix("seen_").and_then(|week| week.parse::<i64>().ok());
        if let Some(week) = week.filter(|week| *week < oldest) {
            let sql = format!("DROP TABLE IF EXISTS seen_{week}");
            raw_sql(AssertSqlSafe(sql)).execute(&mut *c).await?;
        }
    }
    Ok(())
}

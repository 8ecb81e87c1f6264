//! What processes share in tables: read as one, told by each. The tables of breakers and limits are not
//! logged: a server that crashed has forgotten them, and what they said is found out again.

use std::time::Duration;

use orderhub_order::ids::SystemName;
use sqlx::postgres::types::PgInterval;
use sqlx::{PgConnection, Row as _, query, query_as, query_scalar};
use tokio::time::Instant;

use super::beats::{self, number_of};
use super::error::Fault;
use super::pauses;
use crate::store::shared::{Ask, Leave, News, Shared, ShutRow, ThrottleRow};

/// One process may try a system whose breaker is open for so long, then another may.
const PROBE: Duration = Duration::from_secs(60);
/// Longest wait that is kept: what asks for more is asked again by then.
const LONGEST: Duration = Duration::from_secs(24 * 3_600);

pub(super) async fn read(c: &mut PgConnection) -> Result<Shared, Fault> {
    let bundle = query_scalar::<_, String>("SELECT value FROM meta WHERE name = 'bundle'");
    let bundle = bundle.fetch_optional(&mut *c).await?.map(String::into_boxed_str);
    let pauses = pauses::all(c).await?;
    let now = Instant::now();
    let shuts = "SELECT system, operation, delay_ms,
                     CAST(extract(epoch FROM until - clock_timestamp()) * 1000 AS bigint)
                 FROM gates ORDER BY system, operation";
    let rows = query(shuts).fetch_all(&mut *c).await?;
    let shuts = rows.iter().map(|row| {
        Ok(ShutRow {
            system: SystemName::new(row.try_get::<String, _>(0)?),
            operation: row.try_get::<String, _>(1)?.into(),
            delay: millis(row.try_get(2)?),
            until: now + millis(row.try_get(3)?),
        })
    });
    let shuts = shuts.collect::<Result<_, Fault>>()?;
    let throttles = "SELECT system, name,
                         CAST(extract(epoch FROM paused - clock_timestamp()) * 1000 AS bigint)
                     FROM limits WHERE key = '' AND paused > clock_timestamp()";
    let rows = query(throttles).fetch_all(&mut *c).await?;
    let throttles = rows.iter().map(|row| {
        Ok(ThrottleRow {
            system: SystemName::new(row.try_get::<String, _>(0)?),
            limit: row.try_get::<String, _>(1)?.into(),
            until: now + millis(row.try_get(2)?),
        })
    });
    let throttles = throttles.collect::<Result<_, Fault>>()?;
    let older = beats::older(c).await?;
    Ok(Shared { bundle, pauses, shuts, throttles, older })
}

fn millis(number: i64) -> Duration {
    Duration::from_millis(u64::try_from(number).unwrap_or(0))
}

fn interval(time: Duration) -> PgInterval {
    let micros = i64::try_from(time.min(LONGEST).as_micros()).unwrap_or(i64::MAX);
    PgInterval { months: 0, days: 0, microseconds: micros }
}

pub(super) async fn tell(
    c: &mut PgConnection,
    system: SystemName,
    news: News,
) -> Result<(), Fault> {
    match news {
        News::Shut { operation, left, delay } => {
            let sql = "INSERT INTO gates (system, operation, until, delay_ms)
                       VALUES ($1, $2, clock_timestamp() + $3, $4)
                       ON CONFLICT (system, operation) DO UPDATE
                       SET until = excluded.until, delay_ms = excluded.delay_ms,
                           probe_by = NULL, probe_until = NULL";
            let delay = i64::try_from(delay.as_millis()).unwrap_or(i64::MAX);
            let told = query(sql).bind(system.as_str()).bind(operation).bind(interval(left));
            told.bind(delay).execute(c).await?;
        }
        News::Opened { operation } => {
            let sql = "DELETE FROM gates WHERE system = $1 AND operation = $2";
            query(sql).bind(system.as_str()).bind(operation).execute(c).await?;
        }
        News::Throttled { limit, left } => {
            let sql = "INSERT INTO limits AS l (system, name, key, next, granted, paused)
                       VALUES ($1, $2, '', clock_timestamp(), 0, clock_timestamp() + $3)
                       ON CONFLICT (system, name, key) DO UPDATE
                       SET paused = greatest(l.paused, excluded.paused)";
            let told = query(sql).bind(system.as_str()).bind(limit).bind(interval(left));
            told.execute(c).await?;
        }
        settled @ News::Settled { .. } => settle(c, &system, settled).await?,
    }
    Ok(())
}

/// A call is over for which calls were set aside.
async fn settle(c: &mut PgConnection, system: &SystemName, news: News) -> Result<(), Fault> {
    let News::Settled { limit, every, burst, back, more, left } = news else { return Ok(()) };
    let sql = "UPDATE limits SET next = greatest(
                   CASE WHEN $3 > 0 THEN next - $5 * $3
                       ELSE greatest(next, clock_timestamp()) + $5 * $4 END,
                   clock_timestamp() + $5 * $6)
               WHERE system = $1 AND name = $2 AND key = ''";
    // Where nothing is said of what is left, a moment that has passed: whatever there is stays.
    let used = left.map_or(-1.0, |left| burst.saturating_sub(left).into());
    let told = query(sql).bind(system.as_str()).bind(limit);
    let told = told.bind(f64::from(back)).bind(f64::from(more));
    told.bind(interval(every.max(Duration::from_micros(1)))).bind(used).execute(c).await?;
    Ok(())
}

/// Whether this process may be the one that tries. A breaker that nobody holds open any more may be tried
/// by all.
pub(super) async fn may_probe(
    c: &mut PgConnection,
    (system, operation): (SystemName, Box<str>),
    process: u64,
) -> Result<bool, Fault> {
    let sql = "WITH taken AS (
                   UPDATE gates g SET probe_by = $3, probe_until = clock_timestamp() + $4
                   WHERE system = $1 AND operation = $2 AND until <= clock_timestamp()
                       AND (probe_by IS NULL OR probe_by = $3 OR probe_until < clock_timestamp()
                           OR NOT EXISTS (SELECT 1 FROM processes p WHERE p.process = g.probe_by))
                   RETURNING 1)
               SELECT EXISTS (SELECT 1 FROM taken)
                   OR NOT EXISTS (SELECT 1 FROM gates WHERE system = $1 AND operation = $2)";
    let may = query_scalar(sql).bind(system.as_str()).bind(operation).bind(number_of(process));
    Ok(may.bind(interval(PROBE)).fetch_one(c).await?)
}

/// Takes calls of a limit that all processes share: the generic cell rate algorithm, its one number in a row
/// under the row's lock, by the server's clock.
///
/// **Invariant:** all processes together get no more calls than the limit allows one. Tests:
/// `several_processes_keep_one_limit`, `several_processes_set_aside_from_one_limit`.
pub(super) async fn take(c: &mut PgConnection, ask: Ask) -> Result<Leave, Fault> {
    // The time is taken once: taken twice, more could be given than is noted.
    let sql = "UPDATE limits l SET
                   granted = CASE WHEN greatest(0, floor(
                       extract(epoch FROM t.now + $4 * $5 - greatest(l.next, t.now))
                       / extract(epoch FROM $4))) < $7 THEN 0
                       ELSE least($6, greatest(0, floor(
                       extract(epoch FROM t.now + $4 * $5 - greatest(l.next, t.now))
                       / extract(epoch FROM $4)))) END,
                   next = greatest(l.next, t.now) + $4 * CASE WHEN greatest(0, floor(
                       extract(epoch FROM t.now + $4 * $5 - greatest(l.next, t.now))
                       / extract(epoch FROM $4))) < $7 THEN 0
                       ELSE least($6, greatest(0, floor(
                       extract(epoch FROM t.now + $4 * $5 - greatest(l.next, t.now))
                       / extract(epoch FROM $4)))) END
               FROM (SELECT clock_timestamp() AS now) AS t
               WHERE l.system = $1 AND l.name = $2 AND l.key = $3
               RETURNING l.granted,
                   CAST(extract(epoch FROM l.next - $4 * ($5 - $7) - t.now) * 1000 AS bigint)";
    let every = interval(ask.every.max(Duration::from_micros(1)));
    let (burst, want, least) = (f64::from(ask.burst), f64::from(ask.want), f64::from(ask.least));
    for _ in 0..2 {
        let take = query_as::<_, (i32, i64)>(sql).bind(ask.system.as_str()).bind(&*ask.limit);
        let take = take.bind(&*ask.key).bind(every).bind(burst).bind(want).bind(least);
        if let Some((granted, wait)) = take.fetch_optional(&mut *c).await? {
            return Ok(match u32::try_from(granted) {
                Ok(0) | Err(_) => Leave::Wait(millis(wait).max(Duration::from_millis(1))),
                Ok(granted) => Leave::Calls(granted),
            });
        }
        let first = "INSERT INTO limits (system, name, key, next, granted)
                     VALUES ($1, $2, $3, clock_timestamp(), 0) ON CONFLICT DO NOTHING";
        let first = query(first).bind(ask.system.as_str()).bind(&*ask.limit).bind(&*ask.key);
        first.execute(&mut *c).await?;
    }
    Ok(Leave::Wait(ask.every))
}

/// Forgets limits that are full again: a row that is not there says the same.
pub(super) async fn prune(c: &mut PgConnection) -> Result<(), Fault> {
    let sql = "DELETE FROM limits WHERE next < clock_timestamp() - interval '1 hour'
                   AND (paused IS NULL OR paused < clock_timestamp())";
    query(sql).execute(c).await?;
    Ok(())
}

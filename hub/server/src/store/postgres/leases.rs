//! Leases in their table: taken, given back, and checked by every commit that names one.

use sqlx::{PgConnection, query, query_as, query_scalar};

use super::beats::number_of;
use super::error::Fault;
use crate::store::Lease;

/// Takes a lease that nobody holds, or this process held before.
pub(super) async fn take(
    c: &mut PgConnection,
    name: String,
    process: u64,
) -> Result<Option<Lease>, Fault> {
    // A look locks nothing; most find it held.
    let look = "SELECT EXISTS (SELECT 1 FROM leases WHERE name = $1 AND process <> $2)";
    let look = query_scalar(look).bind(&name).bind(number_of(process));
    if look.fetch_one(&mut *c).await? {
        return Ok(None);
    }
    // The first holder follows nobody; in a database that was copied it follows somebody whose end nobody saw.
    let sql = "INSERT INTO leases AS l (name, epoch, process, orderly)
               SELECT $1, nextval('lease_epochs'), process,
                   NOT EXISTS (SELECT 1 FROM meta WHERE name = 'copied')
               FROM processes WHERE process = $2
               ON CONFLICT (name) DO UPDATE
               SET epoch = excluded.epoch, process = excluded.process,
                   orderly = l.ended IS NOT DISTINCT FROM l.epoch
               WHERE l.process IS NULL OR l.process = excluded.process
               RETURNING epoch, orderly";
    let taken = query_as::<_, (i64, bool)>(sql).bind(&name).bind(number_of(process));
    let taken = taken.fetch_optional(c).await?;
    Ok(taken.map(|(epoch, orderly)| Lease::new(&name, epoch, orderly)))
}

/// Gives a lease back in order. A commit under way that named it ends first.
pub(super) async fn give_back(c: &mut PgConnection, lease: Lease) -> Result<(), Fault> {
    let sql = "UPDATE leases SET process = NULL, ended = epoch WHERE name = $1 AND epoch = $2";
    query(sql).bind(lease.name()).bind(lease.epoch()).execute(c).await?;
    Ok(())
}

/// Which of these are not held any more. The others stay held until the transaction ends.
///
/// **Invariant:** what was done under a lease that another process has by now is not committed. Test:
/// `what_was_read_under_a_lease_that_another_has_is_not_stored`.
pub(super) async fn lost<'l>(
    c: &mut PgConnection,
    leases: &'l [Lease],
    process: u64,
) -> Result<Vec<&'l Lease>, Fault> {
    if leases.is_empty() {
        return Ok(Vec::new());
    }
    let sql =
        "SELECT l.epoch FROM leases l JOIN UNNEST($1::text[], $2::bigint[]) AS i (name, epoch)
                   ON l.name = i.name AND l.epoch = i.epoch AND l.process = $3
               ORDER BY l.name FOR SHARE OF l";
    let held = query_scalar::<_, i64>(sql)
        .bind(leases.iter().map(Lease::name).collect::<Vec<_>>())
        .bind(leases.iter().map(Lease::epoch).collect::<Vec<_>>())
        .bind(number_of(process));
    let held = held.fetch_all(c).await?;
    Ok(leases.iter().filter(|lease| !held.contains(&lease.epoch())).collect())
}

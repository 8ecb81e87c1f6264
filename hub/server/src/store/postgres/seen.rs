//! The table of seen ids, a partition a week ([`super::partitions`]).

use std::collections::{HashMap, HashSet};

use sqlx::{PgConnection, Row as _, query, query_scalar};

use super::error::Fault;
use crate::store::commit::{Seen, SeenId};

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

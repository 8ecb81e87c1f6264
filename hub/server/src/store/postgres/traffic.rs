//! Stored messages of a database, read from outside.

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use orderhub_order::identify::{Bound, ReferenceKey};
use orderhub_order::ids::{OrderKey, SystemName};
use orderhub_order::model::State;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row as _, query};

use super::connect::{Connector, by_key};
use super::decoded::Decoded;
use super::error::Fault;
use super::{Options, orders, schema, tx};
use crate::bundle::Files;
use crate::intake::Envelope;
use crate::store::codec;
use crate::store::columns::{from_column, to_column};
use crate::store::traffic::{self, Before, Drive, Traffic};
use crate::store::{StoreError, UNRELEASED, keep};

/// The most days whose rows share a partition.
const MOST_DAYS: i64 = 31;

/// A database that is only read.
#[derive(Debug)]
pub struct DatabaseTraffic(PgConnection);

impl DatabaseTraffic {
    pub(in crate::store) async fn open(options: &Options) -> Result<Self, StoreError> {
        let connector = Connector::new(options)?;
        let place = connector.place();
        let cannot = |fault: Fault| {
            StoreError::Failed(format!("cannot read the database at `{place}`: {fault}"))
        };
        let mut bounds = by_key();
        bounds.push(("default_transaction_read_only", "on".to_owned()));
        let mut connection = connector.connect(&bounds).await.map_err(cannot)?;
        let found = schema::version(&mut connection).await.map_err(cannot)?;
        if found == UNRELEASED {
            return Err(StoreError::Unreleased);
        }
        traffic::known(found, schema::known())?;
        Ok(Self(connection))
    }

    /// What later drives are of may be gone, of a whole page of them: then what is older is read, because a page
    /// with nothing in it is the end.
    async fn read(&mut self, before: &Before) -> Result<Vec<Drive>, Fault> {
        let mut before = before.clone();
        loop {
            let (oldest, found) = self.page(&before).await?;
            match oldest {
                Some(oldest) if found.is_empty() => before.id = oldest,
                Some(_) | None => return Ok(found),
            }
        }
    }

    /// The next rows, and which of them is the oldest; `None`: there are none.
    async fn page(&mut self, before: &Before) -> Result<(Option<i64>, Vec<Drive>), Fault> {
        // A partition is named by its first day; what is needed beyond its time lies in that of day -1.
        let sql = "SELECT id, first, at, outcome, bundle, said, facts, source, system, document, message_id,
                       received, headers, body
                   FROM messages
                   WHERE (day >= $1 OR day = -1) AND id < $2 AND at >= $3 AND ($4::text IS NULL OR system = $4)
                   ORDER BY id DESC LIMIT $5";
        let rows = query(sql)
            .bind(keep::day(before.since).saturating_sub(MOST_DAYS))
            .bind(before.id)
            .bind(to_column(before.since))
            .bind(before.system.as_deref())
            .bind(i64::try_from(before.limit).unwrap_or(i64::MAX))
            .fetch_all(&mut self.0)
            .await?;
        let oldest = rows.last().map(|row| row.try_get(0)).transpose()?;
        let later: Vec<Option<i64>> =
            rows.iter().map(|row| row.try_get(1)).collect::<Result<_, _>>()?;
        let firsts: Vec<i64> = later.iter().copied().flatten().collect();
        let firsts = firsts_of(&mut self.0, firsts).await?;
        let mut found = Vec::with_capacity(rows.len());
        for (row, first) in rows.iter().zip(later) {
            // What a later drive is of may be gone: a message goes with its time.
            let raw = match first {
                None => Some((row, 7)),
                Some(first) => firsts.get(&first).map(|raw| (raw, 1)),
            };
            if let Some((raw, at)) = raw {
                found.push(drive(row, raw, at)?);
            }
        }
        Ok((oldest, found))
    }
}

/// The bodies of first drives, by their rows.
async fn firsts_of(c: &mut PgConnection, ids: Vec<i64>) -> Result<HashMap<i64, PgRow>, Fault> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let sql = "SELECT id, source, system, document, message_id, received, headers, body
               FROM messages WHERE id = ANY($1)";
    let rows = query(sql).bind(ids).fetch_all(c).await?;
    rows.into_iter().map(|row| Ok((row.try_get(0)?, row))).collect()
}

/// `at`: where the columns of the envelope begin in its row.
fn drive(row: &PgRow, raw: &PgRow, at: usize) -> Result<Drive, Fault> {
    let (source, system, document): (&str, &str, &str) =
        (raw.try_get(at)?, raw.try_get(at + 1)?, raw.try_get(at + 2)?);
    let headers: Option<&str> = raw.try_get(at + 5)?;
    let said: Option<&[u8]> = row.try_get(5)?;
    Ok(Drive {
        id: row.try_get(0)?,
        first: row.try_get(1)?,
        at: from_column(row.try_get(2)?),
        outcome: row.try_get(3)?,
        bundle: row.try_get(4)?,
        said: traffic::name(said),
        facts: row.try_get(6)?,
        envelope: Envelope {
            source: Arc::from(source),
            system: SystemName::new(system),
            document: Arc::from(document),
            message_id: raw.try_get(at + 3)?,
            received: from_column(raw.try_get(at + 4)?),
            headers: headers.map(codec::read_headers).transpose()?.unwrap_or_default(),
            body: codec::unpack(raw.try_get(at + 6)?)?.into(),
            suspect: false,
        },
    })
}

impl Traffic for DatabaseTraffic {
    fn messages(&mut self, before: &Before) -> BoxFuture<'_, Result<Vec<Drive>, StoreError>> {
        let before = before.clone();
        Box::pin(async move { Ok(self.read(&before).await?) })
    }

    fn bundle(&mut self, hash: &str) -> BoxFuture<'_, Result<Option<Files>, StoreError>> {
        let hash = hash.to_owned();
        Box::pin(async move { Ok(orders::bundle(&mut self.0, hash).await?) })
    }

    fn bound(
        &mut self,
        keys: &[ReferenceKey],
    ) -> BoxFuture<'_, Result<Vec<Option<Bound>>, StoreError>> {
        let keys = keys.to_vec();
        Box::pin(async move { Ok(tx::bound_to(&mut self.0, &keys).await?) })
    }

    fn state(&mut self, key: OrderKey) -> BoxFuture<'_, Result<Option<Arc<State>>, StoreError>> {
        Box::pin(async move { Ok(orders::state(&mut self.0, key, &Decoded::default()).await?) })
    }
}

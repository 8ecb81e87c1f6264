//! Stored messages of a file, read from outside.

use std::path::Path;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use orderhub_order::identify::{Bound, ReferenceKey};
use orderhub_order::ids::{OrderKey, SystemName};
use orderhub_order::model::State;
use rusqlite::{Connection, Row, params};

use super::error::{Fault, of};
use super::{orders, schema, tx};
use crate::bundle::Files;
use crate::intake::Envelope;
use crate::store::codec;
use crate::store::columns::{from_column, to_column};
use crate::store::traffic::{self, Before, Drive, Traffic};
use crate::store::{StoreError, UNRELEASED};

/// A file that is only read.
#[derive(Debug)]
pub struct FileTraffic(Connection);

impl FileTraffic {
    pub(in crate::store) fn open(path: &Path) -> Result<Self, StoreError> {
        let cannot = |why: String| {
            StoreError::Failed(format!("cannot read the store at `{}`: {why}", path.display()))
        };
        if !path.exists() {
            return Err(cannot(
                "there is no such file; name that of the hub in `store.url`".to_owned(),
            ));
        }
        let connection =
            schema::open_reader(path).map_err(|error| cannot(of(&error).to_string()))?;
        let found = schema::version(&connection).map_err(|fault| cannot(fault.to_string()))?;
        if found == UNRELEASED {
            return Err(StoreError::Unreleased);
        }
        traffic::known(found, schema::known())?;
        Ok(Self(connection))
    }

    fn read(&self, before: &Before) -> Result<Vec<Drive>, Fault> {
        let mut statement = self.0.prepare_cached(
            "SELECT m.id, m.first, m.at, m.outcome, m.bundle, m.said, m.facts, raw.source, raw.system,
                 raw.document, raw.message_id, raw.received, raw.headers, raw.body
             FROM messages m JOIN messages raw ON raw.id = coalesce(m.first, m.id)
             WHERE m.id < ?1 AND m.at >= ?2 AND (?3 IS NULL OR m.system = ?3)
             ORDER BY m.id DESC LIMIT ?4",
        )?;
        let limit = i64::try_from(before.limit).unwrap_or(i64::MAX);
        let values = params![before.id, to_column(before.since), before.system, limit];
        let mut rows = statement.query(values)?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.push(drive(row)?);
        }
        Ok(found)
    }
}

fn drive(row: &Row<'_>) -> Result<Drive, Fault> {
    let headers: Option<String> = row.get(12)?;
    let body = row.get_ref(13)?.as_blob().map_err(rusqlite::Error::from)?;
    let said: Option<Vec<u8>> = row.get(5)?;
    Ok(Drive {
        id: row.get(0)?,
        first: row.get(1)?,
        at: from_column(row.get(2)?),
        outcome: row.get(3)?,
        bundle: row.get(4)?,
        said: traffic::name(said.as_deref()),
        facts: row.get(6)?,
        envelope: Envelope {
            source: Arc::from(row.get::<_, String>(7)?),
            system: SystemName::new(row.get::<_, String>(8)?),
            document: Arc::from(row.get::<_, String>(9)?),
            message_id: row.get(10)?,
            received: from_column(row.get(11)?),
            headers: headers
                .map(|text| codec::read_headers(&text))
                .transpose()?
                .unwrap_or_default(),
            body: codec::unpack(body)?.into(),
            suspect: false,
        },
    })
}

impl Traffic for FileTraffic {
    fn messages(&mut self, before: &Before) -> BoxFuture<'_, Result<Vec<Drive>, StoreError>> {
        let read = self.read(before).map_err(StoreError::from);
        Box::pin(std::future::ready(read))
    }

    fn bundle(&mut self, hash: &str) -> BoxFuture<'_, Result<Option<Files>, StoreError>> {
        let read = orders::bundle(&self.0, hash).map_err(StoreError::from);
        Box::pin(std::future::ready(read))
    }

    fn bound(
        &mut self,
        keys: &[ReferenceKey],
    ) -> BoxFuture<'_, Result<Vec<Option<Bound>>, StoreError>> {
        let read = keys.iter().map(|key| tx::bound(&self.0, key).map_err(StoreError::from));
        let read = read.collect();
        Box::pin(std::future::ready(read))
    }

    fn state(&mut self, key: OrderKey) -> BoxFuture<'_, Result<Option<Arc<State>>, StoreError>> {
        let read = tx::read_order(&self.0, key).map_err(StoreError::from);
        Box::pin(std::future::ready(read.map(|found| found.map(|locked| locked.state))))
    }
}

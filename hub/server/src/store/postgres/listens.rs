//! What files in use listened to: one row, read and written with the name of the bundle in use.

use jiff::Timestamp;
use sqlx::{PgConnection, query, query_scalar};

use super::error::Fault;
use crate::bundle::{Listened, Listens};

/// As it stands; `None`: no program has kept it yet.
pub(super) async fn listened(c: &mut PgConnection) -> Result<Option<Listened>, Fault> {
    let sql = "SELECT value FROM meta WHERE name = 'listens'";
    let text = query_scalar::<_, String>(sql).fetch_optional(c).await?;
    Ok(text.and_then(|text| Listened::read(&text)))
}

/// The bundle in use.
pub(super) async fn in_use(c: &mut PgConnection) -> Result<Option<String>, Fault> {
    let sql = "SELECT value FROM meta WHERE name = 'bundle'";
    Ok(query_scalar(sql).fetch_optional(c).await?)
}

/// After a switch to files that listen to this. Of two processes that switch at once, one waits here for the other.
/// What cannot be read stays as it is.
///
/// **Invariant:** a list that another program wrote is there when that program is back. Test:
/// `a_list_that_cannot_be_read_stays`.
pub(super) async fn next(
    c: &mut PgConnection,
    listens: &Listens,
    now: Timestamp,
) -> Result<Listened, Fault> {
    let make = "INSERT INTO meta (name, value) VALUES ('listens', '{}') ON CONFLICT DO NOTHING";
    query(make).execute(&mut *c).await?;
    let sql = "SELECT value FROM meta WHERE name = 'listens' FOR UPDATE";
    let text: String = query_scalar(sql).fetch_one(&mut *c).await?;
    let before = Listened::read(&text);
    let is_read = before.is_some();
    let listened = before.unwrap_or_default().next(listens, now);
    if !is_read {
        return Ok(listened);
    }
    let keep = "UPDATE meta SET value = $1 WHERE name = 'listens'";
    query(keep).bind(listened.to_text()).execute(c).await?;
    Ok(listened)
}

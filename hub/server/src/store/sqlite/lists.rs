//! Pages over all orders and all attempts, newest first.
//!
//! What an index finds is asked of SQLite; the rest is looked at row by row, at most so many rows a
//! page. A page that ends at that bound may be short, or empty: its `next` goes on behind it.

use jiff::Timestamp;
use orderhub_order::ids::OrderKey;
use orderhub_order::model::Order;
use rusqlite::types::Value as Column;
use rusqlite::{Connection, Row, Rows, params_from_iter};

use super::error::Fault;
use super::orders::receipt;
use super::reads::Looking;
use super::search;
use super::tx::parts;
use crate::store::codec;
use crate::store::columns::{from_column, to_column};
use crate::store::rows::MOST_ATTEMPTS;
use crate::store::search::Plan;
use crate::store::{AttemptFilter, AttemptRow, Filter, MOST_ROWS, Page, Scope};

/// Conditions that an index answers, each with its value.
#[derive(Default)]
struct Where {
    sql: String,
    values: Vec<Column>,
}

impl Where {
    /// Adds a condition whose `?` is the value.
    fn and(&mut self, condition: &str, value: impl Into<Column>) {
        self.values.push(value.into());
        self.sql.push_str(if self.sql.is_empty() { " WHERE " } else { " AND " });
        self.sql.push_str(&condition.replace('?', &format!("?{}", self.values.len())));
    }
}

/// A page of heads. The cursor is the key of the last one that was looked at.
pub(super) fn orders(
    c: &Connection,
    scope: &Scope,
    filter: &Filter,
    plan: Option<&Plan>,
    before: Option<OrderKey>,
) -> Result<Page<Order>, Fault> {
    let few = plan.map(|plan| search::candidates(c, plan)).transpose()?.flatten();
    let most = filter.most(scope, plan.is_some() && few.is_none());
    let mut found = conditions(scope, filter, before);
    let fits = plan.map(|plan| search::condition(plan, &mut found.values));
    let fits = fits.unwrap_or_else(|| "1".to_owned());
    let columns = "SELECT o.k, o.stage, o.holds, o.placed_at, o.body, o.personal";
    let sql = match few {
        // In the order of the list: the left side of a CROSS JOIN is always the outer loop, so that reading ends with
        // the page.
        Some(keys) => {
            found.values.push(serde_json::Value::from(keys).to_string().into());
            let list = found.values.len();
            let (and, sql) = (if found.sql.is_empty() { "WHERE" } else { "AND" }, &found.sql);
            format!(
                "{columns}, 1 FROM json_each(?{list}) j CROSS JOIN orders o ON o.k = j.value{sql} {and} ({fits})"
            )
        }
        None => format!("{columns}, ({fits}) FROM orders o{} ORDER BY o.k DESC", found.sql),
    };
    let mut statement = c.prepare_cached(&sql)?;
    let rows = statement.query(params_from_iter(found.values))?;
    let (items, next) = page(rows, filter.limit, most, |row| order(row, scope, filter))?;
    Ok(Page { items, next: next.map(|key| OrderKey(key).shown()) })
}

fn conditions(scope: &Scope, filter: &Filter, before: Option<OrderKey>) -> Where {
    let mut found = Where::default();
    if let Some(before) = before {
        found.and("o.k < ?", before.0);
    }
    if let Some(system) = &filter.system {
        found.and("o.origin = ?", system.as_str().to_owned());
    }
    if let Some(origins) = scope.origins() {
        // A list as JSON: one text for the cache of statements, however many there are.
        let origins = serde_json::Value::from(origins).to_string();
        found.and("o.origin IN (SELECT value FROM json_each(?))", origins);
    }
    if let Some(since) = filter.updated_since {
        found.and("o.k IN (SELECT k FROM changes WHERE at >= ?)", to_column(since));
    }
    found
}

/// The order of a row, if it is one of those that were asked for. Only then is its body read.
fn order(row: &Row<'_>, scope: &Scope, filter: &Filter) -> Result<Option<Order>, Fault> {
    let is = |column, wanted: &Option<String>| -> Result<bool, Fault> {
        let Some(wanted) = wanted else { return Ok(true) };
        Ok(row.get::<_, Option<String>>(column)?.as_ref() == Some(wanted))
    };
    let holds: String = row.get(2)?;
    let held = filter.hold.as_ref().is_none_or(|hold| holds.contains(&format!(",{hold},")));
    let placed: Option<Timestamp> = row.get::<_, Option<i64>>(3)?.map(from_column);
    let late = filter.placed_since.is_none_or(|since| placed.is_some_and(|at| at >= since));
    if !(held && late && is(1, &filter.stage)? && row.get::<_, bool>(6)?) {
        return Ok(None);
    }
    let order = codec::order(&parts(row, 4)?)?;
    Ok((scope.sees(&order) && filter.has_states(&order)).then_some(order))
}

/// A page of attempts. The cursor is the number of the last one that was looked at.
pub(super) fn attempts(
    c: &Connection,
    scope: &Scope,
    filter: &AttemptFilter,
    before: Option<i64>,
) -> Result<Page<AttemptRow>, Fault> {
    let mut found = Where::default();
    if let Some(before) = before {
        found.and("id < ?", before);
    }
    if let Some(order) = filter.order {
        found.and("k = ?", order.0);
    }
    let sql = format!(
        "SELECT id, at, system, operation, attempt, class, status, ms, why, k FROM receipts{}
         ORDER BY id DESC",
        found.sql
    );
    let mut statement = c.prepare_cached(&sql)?;
    let rows = statement.query(params_from_iter(found.values))?;
    let looking = Looking::new(c, scope);
    let (items, next) = page(rows, filter.limit, MOST_ATTEMPTS, |row| {
        let is = |column, wanted: Option<&str>| -> Result<bool, Fault> {
            let text = row.get_ref(column)?.as_str().map_err(rusqlite::Error::from)?;
            Ok(wanted.is_none_or(|wanted| wanted == text))
        };
        let system = filter.system.as_ref().map(|system| system.as_str());
        if !(is(2, system)? && is(5, filter.class.as_deref())?) {
            return Ok(None);
        }
        let order = OrderKey(row.get(9)?);
        if !looking.sees(order)? {
            return Ok(None);
        }
        Ok(Some(AttemptRow { order, receipt: receipt(row, 1)? }))
    })?;
    Ok(Page { items, next: next.map(|id| id.to_string()) })
}

/// Gathers a page from rows whose first column falls. `read` gives those that belong on it. The second
/// answer is the number behind which the next page begins; `None`: there is nothing more.
pub(super) fn page<T>(
    mut rows: Rows<'_>,
    limit: usize,
    most: usize,
    read: impl Fn(&Row<'_>) -> Result<Option<T>, Fault>,
) -> Result<(Vec<T>, Option<i64>), Fault> {
    let limit = limit.clamp(1, MOST_ROWS);
    let (mut items, mut looked, mut last) = (Vec::new(), 0, None);
    while let Some(row) = rows.next()? {
        if looked == most {
            return Ok((items, last));
        }
        looked += 1;
        match read(row)? {
            Some(_) if items.len() == limit => return Ok((items, last)),
            Some(item) => items.push(item),
            None => {}
        }
        last = Some(row.get(0)?);
    }
    Ok((items, None))
}

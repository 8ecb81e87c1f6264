//! Pages over all orders and all attempts, newest first.
//!
//! What an index finds is asked of the server; the rest is looked at row by row, so many rows at a time
//! and a page. A page that ends at that bound may be short, or empty: its `next` goes on behind it.

use orderhub_order::ids::OrderKey;
use orderhub_order::model::Order;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Postgres, QueryBuilder, Row as _};

use super::error::Fault;
use super::orders::receipt;
use super::reads::Seen;
use super::search;
use super::tx::parts;
use super::write::text;
use crate::store::codec;
use crate::store::columns::to_column;
use crate::store::rows::MOST_ATTEMPTS;
use crate::store::search::Plan;
use crate::store::{AttemptFilter, AttemptRow, Filter, MOST_ROWS, Page, Scope};

/// Rows that are asked for at once, after a first question for one page.
const AT_ONCE: usize = 2_000;

/// A page that is being gathered from rows whose first column falls.
pub(super) struct Gathered<T> {
    items: Vec<T>,
    limit: usize,
    /// Rows that may still be looked at.
    left: usize,
    /// How many the next question asks for.
    pub(super) ask: usize,
    /// The number of the last row that was looked at and is not the first of the next page.
    pub(super) before: Option<i64>,
    /// The page ends here, and there is more.
    full: bool,
}

impl<T> Gathered<T> {
    pub(super) fn new(limit: usize, most: usize, before: Option<i64>) -> Self {
        let limit = limit.clamp(1, MOST_ROWS);
        // One more tells whether there is a next page.
        Self { items: Vec::new(), limit, left: most, ask: limit + 1, before, full: false }
    }

    /// Takes the rows of one question; whether another is needed.
    pub(super) fn take(
        &mut self,
        rows: &[PgRow],
        read: impl Fn(&PgRow) -> Result<Option<T>, Fault>,
    ) -> Result<bool, Fault> {
        for row in rows {
            if self.left == 0 {
                self.full = true;
                return Ok(false);
            }
            self.left -= 1;
            match read(row)? {
                Some(_) if self.items.len() == self.limit => {
                    self.full = true;
                    return Ok(false);
                }
                Some(item) => self.items.push(item),
                None => {}
            }
            self.before = Some(row.try_get(0)?);
        }
        let more = rows.len() >= self.ask;
        self.ask = AT_ONCE;
        Ok(more)
    }

    pub(super) fn page(self, cursor: impl Fn(i64) -> String) -> Page<T> {
        Page { items: self.items, next: self.before.filter(|_| self.full).map(cursor) }
    }
}

/// A page of heads. The cursor is the key of the last one that was looked at.
pub(super) async fn orders(
    c: &mut PgConnection,
    scope: Scope,
    filter: Filter,
    plan: Option<Plan>,
    before: Option<OrderKey>,
) -> Result<Page<Order>, Fault> {
    let few = match &plan {
        Some(plan) => search::candidates(c, plan).await?,
        None => None,
    };
    let most = filter.most(&scope, plan.is_some() && few.is_none());
    let found = plan.as_ref().map(|plan| (plan, few.as_deref()));
    let before = before.map(|key| key.0);
    let mut page = Gathered::new(filter.limit, most, before);
    loop {
        let mut question = heads(&scope, &filter, found, (page.before, page.ask));
        let rows = question.build().fetch_all(&mut *c).await?;
        if !page.take(&rows, |row| order(row, &scope, &filter))? {
            return Ok(page.page(|key| OrderKey(key).shown()));
        }
    }
}

/// Bodies come only of rows whose columns fit.
fn heads(
    scope: &Scope,
    filter: &Filter,
    found: Option<(&Plan, Option<&[i64]>)>,
    (before, most): (Option<i64>, usize),
) -> QueryBuilder<Postgres> {
    let mut sql = QueryBuilder::new(
        "SELECT k, fits, CASE WHEN fits THEN body END, CASE WHEN fits THEN personal END
         FROM (SELECT k, body, personal, (true",
    );
    if let Some(stage) = &filter.stage {
        sql.push(" AND stage IS NOT DISTINCT FROM ").push_bind(text(stage).into_owned());
    }
    if let Some(hold) = &filter.hold {
        sql.push(" AND strpos(holds, ")
            .push_bind(text(&format!(",{hold},")).into_owned())
            .push(") > 0");
    }
    if let Some(since) = filter.placed_since {
        sql.push(" AND coalesce(placed_at >= ").push_bind(to_column(since)).push(", false)");
    }
    if let Some((plan, _)) = found {
        sql.push(" AND ");
        search::condition(plan, &mut sql);
    }
    sql.push(") AS fits FROM orders o WHERE true");
    if let Some((_, Some(few))) = found {
        sql.push(" AND k = ANY(").push_bind(few.to_vec()).push(")");
    }
    if let Some(before) = before {
        sql.push(" AND k < ").push_bind(before);
    }
    if let Some(system) = &filter.system {
        sql.push(" AND origin = ").push_bind(text(system.as_str()).into_owned());
    }
    if let Some(origins) = scope.origins() {
        sql.push(" AND origin = ANY(").push_bind(origins).push(")");
    }
    if let Some(since) = filter.updated_since {
        sql.push(" AND k IN (SELECT k FROM changes WHERE at >= ").push_bind(to_column(since));
        sql.push(")");
    }
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    sql.push(" ORDER BY k DESC LIMIT ").push_bind(most).push(") AS o ORDER BY k DESC");
    sql
}

/// The order of a row, if it is one of those that were asked for.
fn order(row: &PgRow, scope: &Scope, filter: &Filter) -> Result<Option<Order>, Fault> {
    if !row.try_get::<bool, _>(1)? {
        return Ok(None);
    }
    let order = codec::order(&parts(row, 2)?)?;
    Ok((scope.sees(&order) && filter.has_states(&order)).then_some(order))
}

/// A page of attempts. The cursor is the number of the last one that was looked at.
pub(super) async fn attempts(
    c: &mut PgConnection,
    scope: Scope,
    filter: AttemptFilter,
    before: Option<i64>,
) -> Result<Page<AttemptRow>, Fault> {
    let mut page = Gathered::new(filter.limit, MOST_ATTEMPTS, before);
    loop {
        let mut sql = QueryBuilder::<Postgres>::new(
            "SELECT id, at, system, operation, attempt, class, status, ms, why, k
             FROM receipts WHERE true",
        );
        if let Some(before) = page.before {
            sql.push(" AND id < ").push_bind(before);
        }
        if let Some(order) = filter.order {
            sql.push(" AND k = ").push_bind(order.0);
        }
        let most = i64::try_from(page.ask).unwrap_or(i64::MAX);
        sql.push(" ORDER BY id DESC LIMIT ").push_bind(most);
        let rows = sql.build().fetch_all(&mut *c).await?;
        let keys = rows.iter().map(|row| Ok(OrderKey(row.try_get(9)?)));
        let keys = keys.collect::<Result<Vec<_>, Fault>>()?;
        let seen = Seen::of(&mut *c, &scope, keys).await?;
        let read = |row: &PgRow| Ok(attempt(row, &filter)?.filter(|row| seen.has(row.order)));
        if !page.take(&rows, read)? {
            return Ok(page.page(|id| id.to_string()));
        }
    }
}

fn attempt(row: &PgRow, filter: &AttemptFilter) -> Result<Option<AttemptRow>, Fault> {
    let (system, class): (&str, &str) = (row.try_get(2)?, row.try_get(5)?);
    let system_fits = filter.system.as_ref().is_none_or(|wanted| wanted.as_str() == system);
    if !(system_fits && filter.class.as_deref().is_none_or(|wanted| wanted == class)) {
        return Ok(None);
    }
    Ok(Some(AttemptRow { order: OrderKey(row.try_get(9)?), receipt: receipt(row, 1)? }))
}

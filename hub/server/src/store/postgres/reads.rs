//! Reads by the scope of who asks. What an index cannot answer about a scope is seen in the order itself.

use std::collections::HashSet;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use orderhub_order::ids::OrderKey;
use orderhub_order::model::{Order, State};
use sqlx::{PgConnection, Row as _, query};

use super::error::Fault;
use super::tx::parts;
use super::{PostgresStore, lists, orders, pending, todos};
use crate::store::codec;
use crate::store::columns::from_cursor;
use crate::store::counted::timed;
use crate::store::search::Plan;
use crate::store::{
    AttemptFilter, AttemptRow, ChangeRow, Filter, MessageRow, Page, Reads, ReceiptRow, Scope,
    StoreError, TodoCount, TodoFilter, TodoRow,
};

impl Reads for PostgresStore {
    fn state(
        &self,
        scope: &Scope,
        key: OrderKey,
    ) -> BoxFuture<'_, Result<Option<Arc<State>>, StoreError>> {
        let scope = scope.clone();
        Box::pin(async move {
            let decoded = Arc::clone(&self.decoded);
            let read = self.readers.run(move |c| {
                let decoded = Arc::clone(&decoded);
                Box::pin(async move { orders::state(c, key, &decoded).await })
            });
            let found = read.await?;
            Ok(found.filter(|state| scope.sees(&state.order)))
        })
    }

    fn find(&self, scope: &Scope, word: &str) -> BoxFuture<'_, Result<Vec<OrderKey>, StoreError>> {
        let (scope, word) = (scope.clone(), word.to_owned());
        Box::pin(
            self.readers.run(move |c| Box::pin(async move { orders::find(c, &scope, word).await })),
        )
    }

    fn list(
        &self,
        scope: &Scope,
        filter: &Filter,
    ) -> BoxFuture<'_, Result<Page<Order>, StoreError>> {
        let (scope, filter) = (scope.clone(), filter.clone());
        Box::pin(async move {
            let before = from_cursor(filter.cursor.as_deref(), OrderKey::parse)?;
            let plan = filter.q.as_deref();
            let plan = plan.and_then(|text| Plan::of(text, filter.reach, &self.search));
            self.readers.run(move |c| Box::pin(lists::orders(c, scope, filter, plan, before))).await
        })
    }

    fn at(
        &self,
        scope: &Scope,
        key: OrderKey,
        version: u32,
    ) -> BoxFuture<'_, Result<Option<Order>, StoreError>> {
        let scope = scope.clone();
        Box::pin(self.readers.run(move |c| {
            Box::pin(async move {
                let seen = Seen::of(c, &scope, [key]).await?.has(key);
                if seen { orders::at(c, key, version).await } else { Ok(None) }
            })
        }))
    }

    fn changes(
        &self,
        scope: &Scope,
        key: OrderKey,
    ) -> BoxFuture<'_, Result<Vec<ChangeRow>, StoreError>> {
        let scope = scope.clone();
        Box::pin(self.readers.run(move |c| {
            Box::pin(async move {
                let seen = Seen::of(c, &scope, [key]).await?.has(key);
                if seen { orders::changes(c, key).await } else { Ok(Vec::new()) }
            })
        }))
    }

    fn receipts(
        &self,
        scope: &Scope,
        key: OrderKey,
    ) -> BoxFuture<'_, Result<Vec<ReceiptRow>, StoreError>> {
        let scope = scope.clone();
        Box::pin(self.readers.run(move |c| {
            Box::pin(async move {
                let seen = Seen::of(c, &scope, [key]).await?.has(key);
                if seen { orders::receipts(c, key).await } else { Ok(Vec::new()) }
            })
        }))
    }

    fn attempts(
        &self,
        scope: &Scope,
        filter: &AttemptFilter,
    ) -> BoxFuture<'_, Result<Page<AttemptRow>, StoreError>> {
        let (scope, filter) = (scope.clone(), filter.clone());
        Box::pin(async move {
            let before = from_cursor(filter.cursor.as_deref(), |cursor| cursor.parse().ok())?;
            self.readers.run(move |c| Box::pin(lists::attempts(c, scope, filter, before))).await
        })
    }

    fn todos(
        &self,
        scope: &Scope,
        filter: &TodoFilter,
    ) -> BoxFuture<'_, Result<Page<TodoRow>, StoreError>> {
        let (scope, filter) = (scope.clone(), filter.clone());
        Box::pin(async move {
            let before = from_cursor(filter.cursor.as_deref(), |cursor| cursor.parse().ok())?;
            self.readers.run(move |c| Box::pin(todos::list(c, scope, filter, before))).await
        })
    }

    fn todo_counts(&self, scope: &Scope) -> BoxFuture<'_, Result<Vec<TodoCount>, StoreError>> {
        let scope = scope.clone();
        Box::pin(async move {
            let count = self.readers.run(|c| Box::pin(timed(todos::counts(c))));
            let mut counts = self.todos.rows(|row| row.open, count).await?;
            counts.retain(|count| scope.hears(count.system.as_ref()));
            Ok(counts)
        })
    }

    fn todo(&self, scope: &Scope, id: i64) -> BoxFuture<'_, Result<Option<TodoRow>, StoreError>> {
        let scope = scope.clone();
        Box::pin(self.readers.run(move |c| {
            Box::pin(async move {
                let Some(row) = todos::one(c, id).await? else { return Ok(None) };
                let seen = Seen::of(c, &scope, row.order).await?;
                Ok(seen.has_todo(&row).then_some(row))
            })
        }))
    }

    fn message(
        &self,
        scope: &Scope,
        id: i64,
    ) -> BoxFuture<'_, Result<Option<MessageRow>, StoreError>> {
        let scope = scope.clone();
        Box::pin(async move {
            let found = self.readers.run(move |c| Box::pin(pending::message(c, id))).await?;
            Ok(found.filter(|message| scope.hears(Some(&message.envelope.system))))
        })
    }
}

/// Which of some orders are in a scope.
pub(super) struct Seen<'s> {
    scope: &'s Scope,
    keys: HashSet<OrderKey>,
}

impl<'s> Seen<'s> {
    /// Looks at orders, by one statement. Who sees all asks nothing.
    pub(super) async fn of(
        c: &mut PgConnection,
        scope: &'s Scope,
        keys: impl IntoIterator<Item = OrderKey> + Send,
    ) -> Result<Self, Fault> {
        let mut seen = Self { scope, keys: HashSet::new() };
        if *scope == Scope::All {
            return Ok(seen);
        }
        let mut asked: Vec<i64> = keys.into_iter().map(|key| key.0).collect();
        asked.sort_unstable();
        asked.dedup();
        let sql = "SELECT k, body, personal FROM orders WHERE k = ANY($1)";
        for row in query(sql).bind(asked).fetch_all(c).await? {
            if scope.sees(&codec::order(&parts(&row, 1)?)?) {
                seen.keys.insert(OrderKey(row.try_get(0)?));
            }
        }
        Ok(seen)
    }

    /// Whether this order, which was looked at, is there and seen. One that is not there is seen by who
    /// sees all.
    pub(super) fn has(&self, key: OrderKey) -> bool {
        *self.scope == Scope::All || self.keys.contains(&key)
    }

    /// A todo is seen with its order; one without an order by its system.
    pub(super) fn has_todo(&self, row: &TodoRow) -> bool {
        match row.order {
            Some(order) => self.has(order),
            None => self.scope.hears(row.item.system.as_ref()),
        }
    }
}

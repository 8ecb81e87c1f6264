//! Reads by the scope of who asks. What an index cannot answer about a scope is seen in the order itself.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use orderhub_order::ids::OrderKey;
use orderhub_order::model::{Order, State};
use rusqlite::{Connection, OptionalExtension as _};

use super::error::Fault;
use super::tx::{self, parts};
use super::{SqliteStore, lists, orders, pending, todos};
use crate::store::codec;
use crate::store::columns::from_cursor;
use crate::store::counted::untimed;
use crate::store::search::Plan;
use crate::store::{
    AttemptFilter, AttemptRow, ChangeRow, Filter, MessageRow, Page, Reads, ReceiptRow, Scope,
    StoreError, TodoCount, TodoFilter, TodoRow,
};

impl Reads for SqliteStore {
    fn state(
        &self,
        scope: &Scope,
        key: OrderKey,
    ) -> BoxFuture<'_, Result<Option<Arc<State>>, StoreError>> {
        let scope = scope.clone();
        Box::pin(async move {
            let found = match self.heads.get(key) {
                Some(known) => Some(known),
                None => {
                    // The call that a claim leads to is committed soon: it finds the order decoded.
                    let reading = self.heads.reading(key);
                    let read =
                        move |c: &_| Ok(tx::read_order(c, key)?.map(|head| reading.keep(head)));
                    self.readers.read(read).await?
                }
            };
            Ok(found.filter(|state| scope.sees(&state.order)))
        })
    }

    fn find(&self, scope: &Scope, word: &str) -> BoxFuture<'_, Result<Vec<OrderKey>, StoreError>> {
        let (scope, word) = (scope.clone(), word.to_owned());
        Box::pin(self.readers.read(move |c| orders::find(c, &scope, &word)))
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
            let list = move |c: &_| lists::orders(c, &scope, &filter, plan.as_ref(), before);
            self.readers.read(list).await
        })
    }

    fn at(
        &self,
        scope: &Scope,
        key: OrderKey,
        version: u32,
    ) -> BoxFuture<'_, Result<Option<Order>, StoreError>> {
        let scope = scope.clone();
        Box::pin(self.readers.read(move |c| {
            let seen = Looking::new(c, &scope).sees(key)?;
            if seen { orders::at(c, key, version) } else { Ok(None) }
        }))
    }

    fn changes(
        &self,
        scope: &Scope,
        key: OrderKey,
    ) -> BoxFuture<'_, Result<Vec<ChangeRow>, StoreError>> {
        let scope = scope.clone();
        Box::pin(self.readers.read(move |c| {
            let seen = Looking::new(c, &scope).sees(key)?;
            if seen { orders::changes(c, key) } else { Ok(Vec::new()) }
        }))
    }

    fn receipts(
        &self,
        scope: &Scope,
        key: OrderKey,
    ) -> BoxFuture<'_, Result<Vec<ReceiptRow>, StoreError>> {
        let scope = scope.clone();
        Box::pin(self.readers.read(move |c| {
            let seen = Looking::new(c, &scope).sees(key)?;
            if seen { orders::receipts(c, key) } else { Ok(Vec::new()) }
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
            self.readers.read(move |c| lists::attempts(c, &scope, &filter, before)).await
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
            self.readers.read(move |c| todos::list(c, &scope, &filter, before)).await
        })
    }

    fn todo_counts(&self, scope: &Scope) -> BoxFuture<'_, Result<Vec<TodoCount>, StoreError>> {
        let scope = scope.clone();
        Box::pin(async move {
            let count = self.readers.read(untimed(todos::counts));
            let mut counts = self.todos.rows(|row| row.open, count).await?;
            counts.retain(|count| scope.hears(count.system.as_ref()));
            Ok(counts)
        })
    }

    fn todo(&self, scope: &Scope, id: i64) -> BoxFuture<'_, Result<Option<TodoRow>, StoreError>> {
        let scope = scope.clone();
        Box::pin(self.readers.read(move |c| {
            let Some(row) = todos::one(c, id)? else { return Ok(None) };
            Ok(Looking::new(c, &scope).sees_todo(&row)?.then_some(row))
        }))
    }

    fn message(
        &self,
        scope: &Scope,
        id: i64,
    ) -> BoxFuture<'_, Result<Option<MessageRow>, StoreError>> {
        let scope = scope.clone();
        Box::pin(self.readers.read(move |c| {
            let found = pending::message(c, id)?;
            Ok(found.filter(|message| scope.hears(Some(&message.envelope.system))))
        }))
    }
}

/// A read that looks whether orders are in its scope, each once.
pub(super) struct Looking<'c> {
    connection: &'c Connection,
    scope: &'c Scope,
    known: RefCell<HashMap<OrderKey, bool>>,
}

impl<'c> Looking<'c> {
    pub(super) fn new(connection: &'c Connection, scope: &'c Scope) -> Self {
        Self { connection, scope, known: RefCell::default() }
    }

    /// Whether this order is there and seen. One that is not there is seen by who sees all.
    pub(super) fn sees(&self, key: OrderKey) -> Result<bool, Fault> {
        if *self.scope == Scope::All {
            return Ok(true);
        }
        if let Some(known) = self.known.borrow().get(&key) {
            return Ok(*known);
        }
        let head = self
            .connection
            .prepare_cached("SELECT body, personal FROM orders WHERE k = ?1")?
            .query_row([key.0], |row| Ok(parts(row, 0)))
            .optional()?
            .transpose()?;
        let seen = match head {
            Some(head) => self.scope.sees(&codec::order(&head)?),
            None => false,
        };
        self.known.borrow_mut().insert(key, seen);
        Ok(seen)
    }

    /// A todo is seen with its order; one without an order by its system.
    pub(super) fn sees_todo(&self, row: &TodoRow) -> Result<bool, Fault> {
        match row.order {
            Some(order) => self.sees(order),
            None => Ok(self.scope.hears(row.item.system.as_ref())),
        }
    }
}

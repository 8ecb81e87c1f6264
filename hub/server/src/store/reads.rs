//! The reads of the contract: each is asked with the [`Scope`] of who asks.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use orderhub_order::ids::OrderKey;
use orderhub_order::model::{Order, State};

use super::{
    AttemptFilter, AttemptRow, ChangeRow, Filter, MessageRow, Page, ReceiptRow, Scope, StoreError,
    TodoCount, TodoFilter, TodoRow,
};

/// What is read of orders. What lies outside of the scope is not there.
pub trait Reads {
    /// The head of an order with its lanes.
    fn state(
        &self,
        scope: &Scope,
        key: OrderKey,
    ) -> BoxFuture<'_, Result<Option<Arc<State>>, StoreError>>;

    /// Keys of the orders that are called by a word, newest first: the hub's id, `ref`, `order_no`, or the order's id at
    /// a system, whole. Never by what its parcels, invoices or payments are called: by those [`Reads::list`] finds.
    fn find(&self, scope: &Scope, word: &str) -> BoxFuture<'_, Result<Vec<OrderKey>, StoreError>>;

    /// A page of heads, newest first. One that had to look at many orders may be short: only a page
    /// without [`Page::next`] is the last.
    ///
    /// # Errors
    ///
    /// [`StoreError::Cursor`].
    fn list(
        &self,
        scope: &Scope,
        filter: &Filter,
    ) -> BoxFuture<'_, Result<Page<Order>, StoreError>>;

    /// An order as it was at a version; `None`: no such order or version.
    fn at(
        &self,
        scope: &Scope,
        key: OrderKey,
        version: u32,
    ) -> BoxFuture<'_, Result<Option<Order>, StoreError>>;

    /// The changes of an order, oldest first.
    fn changes(
        &self,
        scope: &Scope,
        key: OrderKey,
    ) -> BoxFuture<'_, Result<Vec<ChangeRow>, StoreError>>;

    /// Attempts at an order's deliveries, newest first.
    fn receipts(
        &self,
        scope: &Scope,
        key: OrderKey,
    ) -> BoxFuture<'_, Result<Vec<ReceiptRow>, StoreError>>;

    /// A page of attempts, newest first; it may be short like one of [`Reads::list`].
    ///
    /// # Errors
    ///
    /// [`StoreError::Cursor`].
    fn attempts(
        &self,
        scope: &Scope,
        filter: &AttemptFilter,
    ) -> BoxFuture<'_, Result<Page<AttemptRow>, StoreError>>;

    /// A page of what needs a person, newest first.
    ///
    /// # Errors
    ///
    /// [`StoreError::Cursor`].
    fn todos(
        &self,
        scope: &Scope,
        filter: &TodoFilter,
    ) -> BoxFuture<'_, Result<Page<TodoRow>, StoreError>>;

    /// How many are open, by kind and system, for metrics.
    fn todo_counts(&self, scope: &Scope) -> BoxFuture<'_, Result<Vec<TodoCount>, StoreError>>;

    /// One of them, open or not.
    fn todo(&self, scope: &Scope, id: i64) -> BoxFuture<'_, Result<Option<TodoRow>, StoreError>>;

    /// The raw message of a todo or a pending row: its envelope again.
    fn message(
        &self,
        scope: &Scope,
        id: i64,
    ) -> BoxFuture<'_, Result<Option<MessageRow>, StoreError>>;
}

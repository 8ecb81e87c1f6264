//! The key of the search: kept by the store, named by settings, refused when it is another, made anew by command;
//! and the processes of a former program, that fill less of it.

use std::sync::Arc;

use orderhub::store::postgres::{self, PostgresStore};
use orderhub::store::sqlite::{self, SqliteStore};
use orderhub::store::{Filter, Indexing as _, Reach, Scope, Store, StoreError, Wanted};
use sqlx::{query, query_scalar};

use crate::contract::{Factory, World, search};
use crate::postgres::Postgres;
use crate::sqlite::Sqlite;

fn key(letter: &str) -> Wanted {
    Wanted { key: Some(letter.repeat(32).into()) }
}

async fn anna(store: &dyn Store) -> usize {
    let q = Some("anna@example.com".to_owned());
    let filter = Filter { q, reach: Reach::People, limit: 10, ..Filter::default() };
    store.list(&Scope::All, &filter).await.unwrap().items.len()
}

/// One order under the store's own key; then others are tried.
async fn filled(place: &dyn Factory) {
    let mut world = World::new(place).await;
    world.say(search::of_one_line("1001")).await;
    assert_eq!(anna(&*world.store).await, 1);
    world.store.close().await;
}

/// Does all of it, under whatever key it was opened with.
async fn made_anew(store: Arc<dyn Store>) {
    assert!(store.is_indexing().await.unwrap());
    assert_eq!(anna(&*store).await, 0);
    while store.index_more(10).await.unwrap() {}
    assert!(!store.is_indexing().await.unwrap());
    assert_eq!(anna(&*store).await, 1);
    store.close().await;
}

fn refused<T>(opened: Result<T, StoreError>) {
    let error = opened.err().expect("it is another key");
    assert!(matches!(error, StoreError::SearchKey), "{error}");
    assert!(error.to_string().contains("orderhub reindex"), "{error}");
}

#[tokio::test]
async fn a_file_is_searched_by_the_key_that_filled_it_or_made_anew() {
    let place = Sqlite::new();
    filled(&place).await;
    let open = |search| SqliteStore::open(&sqlite::Options { search, ..place.options() });
    refused(open(key("a")));
    let path = place.options().path;
    let busy = open(Wanted::default()).unwrap();
    assert!(sqlite::forget_search(&path).is_err(), "a hub has it");
    busy.close().await;
    drop(busy);
    sqlite::forget_search(&path).unwrap();
    made_anew(Arc::new(open(key("a")).unwrap())).await;
    refused(open(Wanted::default()));
    refused(open(key("b")));
    let again: Arc<dyn Store> = Arc::new(open(key("a")).unwrap());
    assert!(!again.is_indexing().await.unwrap());
    assert_eq!(anna(&*again).await, 1);
    let rows: i64 = place
        .direct()
        .query_row("SELECT count(*) FROM meta WHERE name = 'search_key'", [], |row| row.get(0))
        .unwrap();
    assert_eq!(rows, 0, "a copy of the file alone cannot be tried");
}

#[tokio::test]
async fn a_database_is_searched_by_the_key_that_filled_it_or_made_anew() {
    let place = Postgres::new();
    filled(&place).await;
    let open =
        async |search| PostgresStore::open(&postgres::Options { search, ..place.options() }).await;
    refused(open(key("a")).await);
    let busy = open(Wanted::default()).await.unwrap();
    assert!(postgres::forget_search(&place.options()).await.is_err(), "a hub works on it");
    busy.close().await;
    postgres::forget_search(&place.options()).await.unwrap();
    made_anew(Arc::new(open(key("a")).await.unwrap())).await;
    refused(open(Wanted::default()).await);
    refused(open(key("b")).await);
    assert_eq!(anna(&open(key("a")).await.unwrap()).await, 1);
}

#[tokio::test]
async fn a_process_that_was_away_while_the_key_changed_writes_nothing() {
    let place = Postgres::new();
    let mut world = World::new(&place).await;
    world.say(search::of_one_line("1001")).await;
    let mut direct = place.direct().await;
    for sql in
        ["UPDATE meta SET value = 'other' WHERE name = 'search_check'", "DELETE FROM processes"]
    {
        query(sql).execute(&mut direct).await.unwrap();
    }
    let order = world.message(vec![search::of_one_line("1002")]);
    assert!(world.apply(vec![order]).await.is_err());
    let orders: i64 =
        query_scalar("SELECT count(*) FROM orders").fetch_one(&mut direct).await.unwrap();
    assert_eq!(orders, 1);
}

#[tokio::test]
async fn what_a_former_program_still_writes_is_waited_for() {
    let place = Postgres::new();
    filled(&place).await;
    postgres::forget_search(&place.options()).await.unwrap();
    let store = place.store().await;
    let mut direct = place.direct().await;
    let former = "INSERT INTO processes (process, instance, until)
                  VALUES (nextval('process_numbers'), 'former', now() + interval '1 hour')";
    query(former).execute(&mut direct).await.unwrap();
    let stale = "INSERT INTO search_words (word, k) VALUES ('stale', 1)";
    query(stale).execute(&mut direct).await.unwrap();
    assert!(!store.index_more(10).await.unwrap());
    assert!(store.is_indexing().await.unwrap() && anna(&*store).await == 0);
    let gone = "DELETE FROM processes WHERE instance = 'former'";
    query(gone).execute(&mut direct).await.unwrap();
    made_anew(store).await;
    let left = "SELECT count(*) FROM search_words WHERE word = 'stale'";
    let left: i64 = query_scalar(left).fetch_one(&mut direct).await.unwrap();
    assert_eq!(left, 0, "what it wrote last finds nothing");
}

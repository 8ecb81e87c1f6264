//! An installation that moves from a file to a database: what is there before is there afterwards, and goes on.

use std::path::PathBuf;
use std::sync::Arc;

use orderhub::apply::{Beside, FetchKey, FetchWant, MessageUnit, Unit, Word};
use orderhub::store::copy::{Copy, CopyError, Progress, Report, copy};
use orderhub::store::postgres::{Options, PostgresStore};
use orderhub::store::sqlite::SqliteStore;
use orderhub::store::{AnswerKey, AttemptFilter, Begun, KeptAnswer, PauseRow, Scope, StoreError};
use orderhub_mapping::Mapped;
use orderhub_order::ids::{Entity, OrderKey, SystemName};
use sqlx::{AssertSqlSafe, query_scalar, raw_sql};

use crate::contract::{Factory, World, flights, order_of, say, unit, words};
use crate::postgres::Postgres;
use crate::sqlite::Sqlite;

fn file(from: &Sqlite) -> PathBuf {
    from.0.path().join("orderhub.db")
}

fn asked(from: &Sqlite, to: &Postgres) -> Copy {
    Copy { from: file(from), to: to.options(), mend: false, rehearse: false }
}

async fn moved(from: &Sqlite, to: &Postgres) -> Result<Report, CopyError> {
    copy(&asked(from, to), &Arc::new(Progress::default())).await
}

/// Copies until rows are on their way, and is gone then.
async fn broken_off(from: &Sqlite, to: &Postgres) {
    let (asked, progress) = (asked(from, to), Arc::new(Progress::default()));
    let copying = copy(&asked, &progress);
    tokio::pin!(copying);
    while progress.look().step != "copying" {
        tokio::select! {
            ended = &mut copying => panic!("it ended before: {ended:?}"),
            () = tokio::task::yield_now() => {}
        }
    }
}

fn erp() -> SystemName {
    SystemName::new("erp")
}

fn key() -> AnswerKey {
    AnswerKey { caller: "ann".to_owned(), key: "k".to_owned(), print: [1; 32] }
}

fn hint(world: &World, id: &str) -> Unit {
    let args = [("id".to_owned(), id.to_owned())].into();
    let key = FetchKey::new(&SystemName::new("shop_eu"), "order", &args).unwrap();
    let wants = vec![FetchWant { key, args, backfill: true }];
    let beside = Beside { wants, ..Beside::default() };
    let hint = unit(world.now, Some(&format!("hint {id}")), "{}", Vec::new());
    Unit::Message(Box::new(MessageUnit { beside, ..hint }))
}

/// Orders with history, one whose call is in the air, and one of everything else that a store holds.
async fn grown(place: &Sqlite) -> World {
    let mut world = World::new(place).await;
    for number in 0..5 {
        for change in 1..=3 {
            let said = say::order("shop_eu", &number.to_string(), change, &format!("a{change}"));
            let _outcome = world.say(said).await;
        }
    }
    // What follows is of another week.
    world.later(8 * 24 * 3_600);
    let first = world.store.find(&Scope::All, "0").await.unwrap()[0];
    let call = flights::call(&world, first, Entity::Order).await;
    let _flown = world.one(call).await;
    let _waits = world.say(say::payment("T1", "late")).await;
    let mut parked = unit(world.now, Some("big"), "body", Vec::new());
    parked.refused = Some(("too_large", "too many lines".to_owned()));
    let _parked = world.one(Unit::Message(Box::new(parked))).await;
    for id in ["7", "8"] {
        let hint = hint(&world, id);
        let _hinted = world.one(hint).await;
    }
    // Its number is not given again.
    place.sql("DELETE FROM fetches WHERE id = 2").await;
    let pause = PauseRow {
        system: erp(),
        operation: None,
        reason: "audit".to_owned(),
        actor: "person:ann".to_owned(),
        at: world.now,
    };
    world.store.pause(pause).await.unwrap();
    assert_eq!(world.store.begin_answer(key(), world.now).await.unwrap(), Begun::Yours);
    let answer = KeptAnswer { status: 409, body: b"{}".to_vec() };
    world.store.keep_answer(key(), answer).await.unwrap();
    world
}

/// All that can be asked of a store without changing it, as text.
async fn shown(world: &World) -> Vec<String> {
    let (store, all) = (&world.store, &Scope::All);
    let mut shown = vec![store.install().to_owned()];
    let attempts = AttemptFilter { limit: 500, ..AttemptFilter::default() };
    shown.push(format!("{:?}", store.attempts(all, &attempts).await.unwrap().items));
    shown.push(format!("{:?}", world.todos().await));
    shown.push(format!("{:?}", store.pauses().await.unwrap()));
    shown.push(format!(
        "{:?}",
        store.fetches(&SystemName::new("shop_eu"), world.now, 9).await.unwrap()
    ));
    shown.push(format!("{:?}", store.backlog().await.unwrap()));
    shown.push(format!("{:?}", store.begin_answer(key(), world.now).await.unwrap()));
    for number in 0..5 {
        let key = store.find(all, &format!("shop_eu-{number}")).await.unwrap()[0];
        let state = store.state(all, key).await.unwrap().unwrap();
        let lanes: Vec<_> = state.lanes.iter().collect();
        shown.push(format!("{:?} {lanes:?}", state.order));
        shown.push(format!("{:?}", store.changes(all, key).await.unwrap()));
        for version in 1..=3 {
            shown.push(format!("{:?}", store.at(all, key, version).await.unwrap()));
        }
    }
    shown
}

#[tokio::test]
async fn what_was_in_the_file_is_in_the_database_and_goes_on() {
    let (from, to) = (Sqlite::new(), Postgres::new());
    let mut world = grown(&from).await;
    let newest = world.say(say::order("shop_eu", "newest", 1, "a")).await;
    let flown_by = world.store.process();
    world.store.close().await;
    // As a hub on the file would find it.
    let world = world.reopen(&from).await;
    let expected = shown(&world).await;
    let mut due = world.store.claim(&erp(), world.now, 100).await.unwrap();
    world.store.close().await;

    let report = moved(&from, &to).await.unwrap();
    assert_eq!((report.rows("orders"), report.rows("changes")), (6, 16));
    assert_eq!(report.install, expected[0]);
    assert!(report.tables.iter().all(|table| table.same && table.left_out == 0), "{report:#?}");

    let mut world = world.reopen(&to).await;
    for (found, expected) in shown(&world).await.iter().zip(&expected) {
        assert_eq!(found, expected);
    }
    // The lanes that somebody held are due and nobody's, and the call that was in the air may have acted.
    let mut claimed = world.store.claim(&erp(), world.now, 100).await.unwrap();
    due.sort_unstable();
    claimed.sort_unstable();
    assert!(!due.is_empty());
    assert_eq!(claimed, due);
    assert!(world.store.process() > flown_by && world.store.is_gone(flown_by));
    let lease = world.store.lease("queue:orders").await.unwrap().unwrap();
    assert!(!lease.is_orderly(), "how the hub on the file ended is not known");
    goes_on(&mut world, newest.message).await;
    let hint = hint(&world, "9");
    let _hinted = world.one(hint).await;
    let fetch: i64 = query_scalar("SELECT max(id) FROM fetches")
        .fetch_one(&mut to.direct().await)
        .await
        .unwrap();
    assert_eq!(fetch, 3);
}

/// Known ids stay known, no number is given twice, and what waits is woken.
async fn goes_on(world: &mut World, newest: Option<i64>) {
    // The first thing that is given numbers here.
    let late = world.say(say::order("shop_eu", "late", 1, "a")).await;
    assert!(late.message > newest, "{:?} after {newest:?}", late.message);
    assert!(late.message > Some(10_000), "the file had given a block of numbers");
    assert!(order_of(&late) > OrderKey(6));
    let said = || vec![Mapped::Document(Box::new(say::order("shop_eu", "0", 1, "a1")))];
    for (id, message) in [("m1", Some(1)), ("m17", newest)] {
        let known = unit(world.now, Some(id), &format!("body {id}"), said());
        let known = world.one(Unit::Message(Box::new(known))).await;
        assert_eq!((words(&known), known.message), (vec![Word::Duplicate], message), "{id}");
    }
    let driven = world.drive(&[say::payment("T1", "late")]).await;
    assert_eq!(words(&driven[0]), [Word::Applied]);
    let before = world.todos().await[0].id;
    let mut parked = unit(world.now, Some("big 2"), "body", Vec::new());
    parked.refused = Some(("too_large", "too many lines".to_owned()));
    let _parked = world.one(Unit::Message(Box::new(parked))).await;
    assert_eq!(world.todos().await[0].id, before + 1);
}

#[tokio::test]
async fn a_file_in_use_is_not_copied_and_a_copied_one_is_as_it_was() {
    let (from, to) = (Sqlite::new(), Postgres::new());
    let world = grown(&from).await;
    let busy = moved(&from, &to).await.unwrap_err();
    assert!(matches!(&busy, CopyError::InUse(_)), "{busy}");
    world.store.close().await;
    let tables =
        "SELECT count(*) FROM pg_class WHERE relnamespace = current_schema()::regnamespace";
    let tables: i64 = query_scalar(tables).fetch_one(&mut to.direct().await).await.unwrap();
    assert_eq!(tables, 0, "nothing was written");

    let before = std::fs::read(file(&from)).unwrap();
    let rehearsal = Copy { rehearse: true, ..asked(&from, &to) };
    copy(&rehearsal, &Arc::new(Progress::default())).await.unwrap();
    assert!(
        !file(&from).with_extension("db.copied").exists(),
        "a rehearsal keeps nobody from the file"
    );
    refused_as_unfinished(&to).await;

    moved(&from, &to).await.unwrap();
    assert!(std::fs::read(file(&from)).unwrap() == before, "the file was changed");
    let both = SqliteStore::open(&from.options()).unwrap_err().to_string();
    assert!(both.contains("was copied to PostgreSQL at") && both.contains(".copied"), "{both}");
    let held = moved(&from, &to).await.unwrap_err();
    assert!(matches!(&held, CopyError::Holds { orders: 5, same: true, .. }), "{held}");
    let other = Sqlite::new();
    grown(&other).await.store.close().await;
    let held = moved(&other, &to).await.unwrap_err();
    assert!(matches!(&held, CopyError::Holds { orders: 5, same: false, .. }), "{held}");
    let note = file(&from).with_extension("db.copied");
    let told = std::fs::read_to_string(&note).unwrap();
    let to = serde_json::from_str::<serde_json::Value>(&told).unwrap()["to"].clone();
    std::fs::write(&note, told.replace(to.as_str().unwrap(), "db.example:5432/orders")).unwrap();
    let elsewhere = Postgres::new();
    let twice = moved(&from, &elsewhere).await.unwrap_err();
    assert!(
        matches!(&twice, CopyError::Copied { to, .. } if to == "db.example:5432/orders"),
        "{twice}"
    );
    std::fs::remove_file(&note).unwrap();
    SqliteStore::open(&from.options()).unwrap();
}

async fn refused_as_unfinished(to: &Postgres) {
    let refused = PostgresStore::open(&to.options()).await.unwrap_err();
    assert!(matches!(&refused, StoreError::Unfinished(_)), "{refused}");
}

#[tokio::test]
async fn a_copy_that_dies_is_refused_by_a_hub_and_repeated() {
    let (from, other, to) = (Sqlite::new(), Sqlite::new(), Postgres::new());
    for place in [&from, &other] {
        grown(place).await.store.close().await;
    }
    broken_off(&from, &to).await;
    refused_as_unfinished(&to).await;
    let another = moved(&other, &to).await.unwrap_err();
    assert!(matches!(&another, CopyError::Another { .. }), "{another}");
    // One that is under way keeps others out; it is gone with its connection.
    let lock = "SELECT pg_advisory_lock(hashtextextended(current_schema(), $1))";
    let mut somebody = to.direct().await;
    let lock = sqlx::query(lock).bind(0x6f72_6465_7268_7562_i64 + 4);
    lock.execute(&mut somebody).await.unwrap();
    let under_way = moved(&from, &to).await.unwrap_err();
    assert!(matches!(&under_way, CopyError::UnderWay(_)), "{under_way}");
    drop(somebody);
    let report = moved(&from, &to).await.unwrap();
    assert!(report.tables.iter().all(|table| table.same));
    PostgresStore::open(&to.options()).await.unwrap();
}

/// A row that the database changes on its way in.
#[tokio::test]
async fn a_difference_is_told_by_its_table_and_the_database_stays_refused() {
    let (from, to) = (Sqlite::new(), Postgres::new());
    grown(&from).await.store.close().await;
    broken_off(&from, &to).await;
    let meddle = "CREATE FUNCTION meddle() RETURNS trigger AS 'BEGIN
                      IF NEW.k = 3 THEN NEW.version := 99; END IF; RETURN NEW; END' LANGUAGE plpgsql;
                  CREATE TRIGGER meddle BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION meddle()";
    raw_sql(meddle).execute(&mut to.direct().await).await.unwrap();
    let differs = moved(&from, &to).await.unwrap_err();
    assert_eq!(differs.to_string(), "these tables differ: orders (5 rows here, 5 there)");
    refused_as_unfinished(&to).await;
    SqliteStore::open(&from.options()).unwrap();
}

#[tokio::test]
async fn a_file_of_another_schema_or_of_nobody_is_not_copied() {
    let (from, to) = (Sqlite::new(), Postgres::new());
    let none = moved(&from, &to).await.unwrap_err();
    assert!(matches!(&none, CopyError::NoFile(_)), "{none}");
    assert!(std::fs::read_dir(from.0.path()).unwrap().next().is_none(), "a lock was made");
    grown(&from).await.store.close().await;
    for (schema, hint) in [("3", "start this program's hub"), ("99", "newer program")] {
        from.sql(&format!("UPDATE meta SET value = '{schema}' WHERE name = 'schema'")).await;
        let refused = moved(&from, &to).await.unwrap_err();
        assert!(matches!(&refused, CopyError::Schema { .. }), "{refused}");
        assert!(refused.hint().unwrap().contains(hint), "{refused}");
    }
    from.sql("DELETE FROM meta").await;
    let empty = moved(&from, &to).await.unwrap_err();
    assert!(matches!(&empty, CopyError::NoInstall(_)), "{empty}");
}

/// Digits that no compression makes short.
fn long() -> String {
    let mut state = 7_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        format!("{:016x}", state ^ (state >> 29))
    };
    (0..400).map(|_| next()).collect()
}

#[tokio::test]
async fn what_postgres_cannot_hold_is_refused_before_anything_is_written_and_mended_when_told_to() {
    let (from, to) = (Sqlite::new(), Postgres::new());
    let mut world = World::new(&from).await;
    for key in ["1001", "nul", "long", "fits"] {
        let _outcome = world.say(say::order("shop_eu", key, 1, "a")).await;
    }
    // Programs of before took such ids.
    let (long, fits) = (long(), "x".repeat(50_000));
    for (key, id) in [
        ("nul", "'nul' || char(0)"),
        ("long", &format!("'{long}'")),
        ("fits", &format!("'{fits}'")),
    ] {
        from.sql(&format!("UPDATE xrefs SET ext_id = {id} WHERE ext_id = '{key}'")).await;
    }
    from.sql("UPDATE messages SET why = 'a' || char(0) || 'b' WHERE id = 1").await;
    world.store.close().await;
    let refused = moved(&from, &to).await.unwrap_err();
    let CopyError::Unholdable { findings, count } = &refused else { panic!("{refused}") };
    assert_eq!(findings.len(), usize::try_from(*count).unwrap(), "{findings:#?}");
    let has = |table: &str, column: &str, what: &str| {
        let fits = |f: &&orderhub::store::copy::Finding| f.table == table && f.column == column;
        let finding = findings.iter().find(|f| fits(f) && f.what.contains(what));
        finding.unwrap_or_else(|| panic!("no {table}.{column} {what}: {findings:#?}")).clone()
    };
    let shown = |key| format!("order {}", OrderKey(key).shown());
    assert_eq!(has("messages", "why", "NUL").of, "message 1");
    assert_eq!(has("xrefs", "ext_id", "NUL").of, shown(2));
    assert_eq!(has("xrefs", "system+kind+ext_id", "longer").of, shown(3));
    assert!(findings.iter().all(|finding| finding.of != shown(4)), "{findings:#?}");
    let mut direct = to.direct().await;
    let tables =
        "SELECT count(*) FROM pg_class WHERE relnamespace = current_schema()::regnamespace";
    let tables: i64 = query_scalar(tables).fetch_one(&mut direct).await.unwrap();
    assert_eq!(tables, 0, "something was written");

    let mend = Copy { mend: true, ..asked(&from, &to) };
    let report = copy(&mend, &Arc::new(Progress::default())).await.unwrap();
    assert_eq!(report.mended, *findings, "what was mended is told");
    let left_out: u64 = report.tables.iter().map(|table| table.left_out).sum();
    assert!(left_out >= 2, "{report:#?}");
    let why: String = query_scalar(AssertSqlSafe("SELECT why FROM messages WHERE id = 1"))
        .fetch_one(&mut direct)
        .await
        .unwrap();
    assert_eq!(why, "a\u{fffd}b");
    let mut world = world.reopen(&to).await;
    assert_eq!(world.orders().await, 4);
    let changed = world.say(say::order("shop_eu", "1001", 2, "b")).await;
    assert_eq!(words(&changed), [Word::Applied]);
    let kept = "SELECT count(*) FROM xrefs WHERE ext_id = $1";
    let kept: i64 = query_scalar(kept).bind(&fits).fetch_one(&mut direct).await.unwrap();
    assert_eq!(kept, 1, "what fits is there");
    damaged_is_never_mended(&from).await;
}

async fn damaged_is_never_mended(from: &Sqlite) {
    let to = Postgres::new();
    std::fs::remove_file(file(from).with_extension("db.copied")).unwrap();
    from.sql("UPDATE orders SET version = 'three' WHERE k = 1").await;
    let mend = Copy { mend: true, ..asked(from, &to) };
    let refused = copy(&mend, &Arc::new(Progress::default())).await.unwrap_err();
    assert!(refused.to_string().contains("orders.version of order o_1y"), "{refused}");
    let options = Options::at(to.url_at(None), "here");
    PostgresStore::open(&options).await.unwrap();
}

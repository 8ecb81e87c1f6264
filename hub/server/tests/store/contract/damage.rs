//! What is done to the tables behind the store's back, or to the store itself.

use orderhub::apply::{Unit, Word};
use orderhub::store::{AttemptFilter, Filter, Scope, StoreError};
use orderhub_mapping::Mapped;
use orderhub_order::catalogue::known;
use orderhub_order::hash::parts;
use orderhub_order::history::chain;
use orderhub_order::value::Value;

use super::{Factory, World, order_of, say, unit, words};

pub(crate) async fn a_damaged_order_hurts_no_neighbour(factory: &dyn Factory) {
    let mut world = World::new(factory).await;
    let _first = world.say(say::order("shop_eu", "bad", 1, "a")).await;
    factory.sql("UPDATE orders SET body = x'01FF'").await;
    let mut world = world.reopen(factory).await;
    let batch: Vec<_> = (0..20)
        .map(|number| {
            let key = if number == 7 { "bad".to_owned() } else { number.to_string() };
            world.message(vec![say::order("shop_eu", &key, 2, "b")])
        })
        .collect();
    let outcomes = world.apply(batch).await.unwrap();
    let todo: Vec<usize> =
        (0..20).filter(|at| outcomes[*at].documents[0].order.is_none()).collect();
    assert_eq!(todo, [7]);
    assert_eq!(world.causes().await, ["fault"]);
}

pub(crate) async fn a_waiter_and_a_reference_that_passed_each_other_are_joined_by_the_sweep(
    factory: &dyn Factory,
) {
    let mut world = World::new(factory).await;
    let _early = world.say(say::payment("T1", "1001")).await;
    assert_eq!(world.store.sweep(world.now).await.unwrap(), 0);
    let _order = world.say(say::order("shop_eu", "1001", 1, "a")).await;
    // As if the order's commit had not seen the waiter, which two replicas can do to each other.
    factory.sql("UPDATE pending SET due_at = NULL, why = 'waiting'").await;
    assert!(world.pending().await.is_empty());
    assert_eq!(world.store.sweep(world.now).await.unwrap(), 1);
    assert_eq!(world.pending().await.len(), 1);
}

pub(crate) async fn a_closed_store_says_so(factory: &dyn Factory) {
    let mut world = World::new(factory).await;
    world.store.ready().await.unwrap();
    world.store.close().await;
    let message = world.message(vec![say::order("shop_eu", "1", 1, "a")]);
    assert!(matches!(world.apply(vec![message]).await, Err(StoreError::Closed)));
    assert!(matches!(world.store.ready().await, Err(StoreError::Closed)));
    assert!(matches!(world.store.try_write().await, Err(StoreError::Closed)));
}

pub(crate) async fn the_chain_covers_who_why_when_and_what_and_holds_without_personal_values(
    factory: &dyn Factory,
) {
    let mut world = World::new(factory).await;
    let mut last = None;
    for turn in 1..=3 {
        let said = say::order("shop_eu", "1001", turn, &format!("note {turn}"));
        last = world.say(said).await.documents[0].order;
    }
    // A customer is erased.
    factory.sql("UPDATE changes SET personal = NULL").await;
    let chains = factory.bytes("SELECT chain FROM changes ORDER BY version").await;
    let rows = world.store.changes(&Scope::All, last.unwrap()).await.unwrap();
    let mut link = [0; 32];
    for (row, stored) in rows.iter().zip(chains) {
        let (number, at) = (row.version.to_be_bytes(), row.at.as_nanosecond().to_be_bytes());
        let (who, why, by) = (row.actor.as_bytes(), row.cause.as_bytes(), row.bundle.as_bytes());
        let reason = row.reason.as_deref().unwrap_or_default().as_bytes();
        link = chain(&link, &parts([&number[..], &at, who, why, reason, by, &row.delta]));
        assert_eq!(link[..], stored, "version {}", row.version);
    }
    assert_eq!(rows.len(), 3);
    assert!(rows.iter().all(|row| row.personal.is_empty()));
}

/// Rows that no index tells apart are looked at one by one: a page ends before that takes long.
pub(crate) async fn a_page_looks_at_so_many_rows_and_the_next_goes_on(factory: &dyn Factory) {
    let mut world = World::new(factory).await;
    let key = order_of(&world.say(say::order("shop_eu", "1", 1, "a")).await);
    world.store.close().await;
    factory
        .sql(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)
             INSERT INTO receipts (k, at, system, operation, attempt, class, ms, why)
             SELECT 1, 0, 'erp', 'create_sale', 1, CASE i WHEN 1 THEN 'said_no' ELSE 'ok' END, 1, '' FROM n
             UNION ALL SELECT 1, 0, 'erp', 'create_sale', 1, 'ok', 1, '';
             WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
             INSERT INTO orders SELECT k + i, unit, origin, ref, order_no, version, 'cancelled', holds,
                 placed_at, next_timer, chain, since_keyframe, body, personal FROM orders, n;",
        )
        .await;
    let world = world.reopen(factory).await;
    let first =
        AttemptFilter { class: Some("said_no".to_owned()), limit: 50, ..Default::default() };
    let page = world.store.attempts(&Scope::All, &first).await.unwrap();
    assert!(page.items.is_empty(), "it is the oldest");
    let rest = AttemptFilter { cursor: page.next, ..first };
    let page = world.store.attempts(&Scope::All, &rest).await.unwrap();
    assert_eq!((page.items.len(), page.next), (1, None));
    let first = Filter { stage: Some("received".to_owned()), limit: 50, ..Default::default() };
    let page = world.store.list(&Scope::All, &first).await.unwrap();
    assert!(page.items.is_empty());
    let rest = Filter { cursor: page.next, ..first };
    let page = world.store.list(&Scope::All, &rest).await.unwrap();
    let found: Vec<_> = page.items.iter().map(|order| order.key).collect();
    assert_eq!((found, page.next), (vec![key], None));
    // What is only seen in the order itself costs more, and ends sooner.
    let states = vec![(known::order::STATE_PAYMENT, "refunded".to_owned())];
    let (mut filter, mut pages) = (Filter { states, limit: 50, ..Default::default() }, 0);
    loop {
        let page = world.store.list(&Scope::All, &filter).await.unwrap();
        assert!(page.items.is_empty());
        pages += 1;
        filter.cursor = page.next;
        if filter.cursor.is_none() {
            break;
        }
    }
    assert_eq!(pages, 6, "20,001 orders, 4,000 a page");
}

/// Each alone in its fault, among good neighbours: outcome, cause and words are the same in every store.
pub(crate) async fn texts_that_a_store_cannot_hold_are_todos_in_every_store(factory: &dyn Factory) {
    let mut world = World::new(factory).await;
    // Nothing that repeats: some stores pack what they index.
    let long: String =
        (0_u64..5_000).map(|n| n.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_string()).collect();
    let xref = |kind: &str, id: &str| vec![(kind.into(), id.into())];
    let order = |key: &str, note: &str| say::order("shop_eu", key, 1, note);
    let (mut number, mut other) = (order("4", "a"), order("6", "a"));
    number.body.fields[0].1 = Some(Value::text(&*long));
    other.body.xrefs = xref("customer", &long);
    let mut nul = order("7", "a");
    nul.body.xrefs = xref("cart", "c\0d");
    let wrong = [
        (order(&long, "a"), "too_long", "`0"),
        (order("1\0", "a"), "nul_character", "`1…`"),
        (order("3", "to A Person\0"), "nul_character", "a text of 12 characters"),
        (number, "too_long", "order_no"),
        (say::payment("T1", &long), "too_long", "`parent`"),
        (other, "too_long", "a cross reference"),
        (nul, "nul_character", "a cross reference"),
    ];
    let mut batch = Vec::new();
    for (place, (wrong, ..)) in wrong.iter().enumerate() {
        batch.push(world.message(vec![order(&format!("good-{place}"), "a")]));
        batch.push(world.message(vec![wrong.clone()]));
    }
    let outcomes = world.apply(batch).await.unwrap();
    for (pair, (_, cause, says)) in outcomes.chunks(2).zip(&wrong) {
        assert_eq!((words(&pair[0]), words(&pair[1])), (vec![Word::Applied], vec![Word::Todo]));
        let why = pair[1].documents[0].why.as_deref().unwrap();
        assert!(why.contains(says) && !why.contains("Person"), "{why}");
        let todos = world.todos().await;
        let todo = todos.iter().find(|todo| todo.message == pair[1].message).unwrap();
        assert_eq!(&*todo.item.cause, *cause, "{why}");
    }
    assert_eq!(world.orders().await, wrong.len());
}

/// What systems send may hold letters that some store cannot hold, and ids of any length.
pub(crate) async fn letters_that_a_store_may_not_know_hurt_no_neighbour(factory: &dyn Factory) {
    let mut world = World::new(factory).await;
    let long = "x".repeat(100_000);
    let mut batch = Vec::new();
    for (number, key) in ["1001", "nul\0", &long, "\u{10ffff}", "1002"].iter().enumerate() {
        let said = say::order("shop_eu", key, 1, "a");
        let said = vec![Mapped::Document(Box::new(said))];
        let mut unit = unit(world.now, Some(&format!("{number}\0{long}")), key, said);
        unit.envelope.document = format!("kind\0{long}").into();
        unit.envelope.headers = vec![("x-nul".to_owned(), "\0".to_owned())];
        batch.push(Unit::Message(Box::new(unit)));
    }
    let outcomes = world.apply(batch).await.unwrap();
    for good in [0, 3, 4] {
        assert_eq!(words(&outcomes[good]), [Word::Applied], "unit {good}");
    }
    // The others are shown to a person; all are kept.
    for wrong in [1, 2] {
        assert_eq!(words(&outcomes[wrong]), [Word::Todo], "unit {wrong}");
    }
    for (outcome, body) in outcomes.iter().zip(["1001", "nul\0", &long]) {
        let raw = world.store.message(&Scope::All, outcome.message.unwrap()).await.unwrap();
        let raw = raw.unwrap().envelope;
        assert_eq!((&raw.body[..], &*raw.headers[0].1), (body.as_bytes(), "\0"));
    }
    let filter = Filter { q: Some("nul\0".to_owned()), limit: 10, ..Default::default() };
    world.store.list(&Scope::All, &filter).await.unwrap();
    world.store.find(&Scope::All, "nul\0").await.unwrap();
}

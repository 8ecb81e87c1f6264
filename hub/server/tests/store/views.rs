//! What analysts read: the same answers in every store, under names that stay.

use orderhub::store::Scope;
use orderhub_order::ids::OrderKey;
use sqlx::{AssertSqlSafe, query_scalar};

use crate::contract::{Factory, World, order_of, search};
use crate::postgres::Postgres;
use crate::sqlite::Sqlite;

/// One text per view: the order's columns that both stores write alike.
const QUESTIONS: [&str; 5] = [
    "SELECT order_key || ' ' || ref || ' ' || coalesce(order_no, '-') || ' ' || unit || ' ' || origin || ' '
        || version || ' ' || coalesce(holds, '-') FROM v1_orders",
    "SELECT order_key || ' ' || system || ' ' || (due_at IS NOT NULL) FROM v1_lanes WHERE wants ORDER BY system",
    "SELECT order_key || ' ' || version || ' ' || actor FROM v1_versions",
    "SELECT 'attempts ' || count(*) FROM v1_attempts",
    "SELECT order_key || ' ' || line || ' ' || coalesce(line_no, 0) || ' ' || sku || ' ' || coalesce(gtin, '-') || ' '
        || coalesce(name, '-') || ' ' || coalesce(variant, '-') || ' ' || coalesce(uom, '-') || ' '
        || CASE WHEN removed THEN 'removed' ELSE 'there' END || ' ' || currency || ' ' || unit_price || ' '
        || coalesce(discount, '0') || coalesce(tax, '0') || coalesce(total, '0') || ' ' || qty_ordered || ' '
        || coalesce(qty_cancelled, '0') || coalesce(qty_allocated, '0') || coalesce(qty_released, '0')
        || coalesce(qty_picked, '0') || coalesce(qty_packed, '0') || coalesce(qty_short, '0')
        || coalesce(qty_shipped, '0') || coalesce(qty_delivered, '0') || coalesce(qty_returned, '0') || ' '
        || coalesce(state, '-') FROM v1_lines",
];

async fn one(factory: &dyn Factory) -> (OrderKey, [String; 5]) {
    let mut world = World::new(factory).await;
    let key = order_of(&world.say(search::of_one_line("1001")).await);
    let state = world.store.state(&Scope::All, key).await.unwrap().unwrap();
    let order = &state.order;
    let (number, reference) = (key.0, &order.reference);
    let order_no = order.fields.text(orderhub_order::catalogue::known::order::ORDER_NO);
    let expected = [
        format!("{number} {reference} {} {} shop_eu 1 ", order_no.unwrap_or("-"), order.unit),
        format!("{number} erp "),
        format!("{number} 1 "),
        "attempts 0".to_owned(),
        format!("{number} L1 0 MUG - - - - there EUR 0.100001 000 2.5 "),
    ];
    world.store.close().await;
    (key, expected)
}

fn judge(found: &[String], expected: &[String; 5]) {
    for (found, expected) in found.iter().zip(expected) {
        assert!(
            found.starts_with(expected.as_str()),
            "{found:?} begins otherwise than {expected:?}"
        );
    }
}

#[tokio::test]
async fn analysts_read_a_file_by_stable_names() {
    let place = Sqlite::new();
    let (_, expected) = one(&place).await;
    let file = place.direct();
    let found =
        QUESTIONS.map(|sql| file.query_row(sql, [], |row| row.get::<_, String>(0)).unwrap());
    judge(&found, &expected);
}

#[tokio::test]
async fn analysts_read_a_database_by_stable_names() {
    let place = Postgres::new();
    let (_, expected) = one(&place).await;
    let mut database = place.direct().await;
    let mut found = Vec::new();
    for sql in QUESTIONS {
        found.push(
            query_scalar::<_, String>(AssertSqlSafe(sql)).fetch_one(&mut database).await.unwrap(),
        );
    }
    judge(&found, &expected);
}

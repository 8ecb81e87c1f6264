//! Pages over all orders and all attempts: what the filters find, where pages end.

use orderhub::apply::Unit;
use orderhub::store::{AttemptFilter, Filter, Scope, StoreError, TodoFilter};
use orderhub_order::catalogue::known;
use orderhub_order::fold::Act;
use orderhub_order::ids::{OrderKey, SystemName};
use orderhub_order::value::Value;

use super::{Factory, World, attempt, order_of, say};

/// An order of the shop with this payment, placed at this second after the start of the year.
async fn order(world: &mut World, shop: &str, key: &str, payment: &str, placed: i64) -> OrderKey {
    let mut said = say::order(shop, key, 1, "a");
    said.body.fields.retain(|(field, _)| *field != known::order::STATE_PAYMENT);
    let start = jiff::Timestamp::from_second(1_767_225_600 + placed).unwrap();
    said.body.fields.push((known::order::STATE_PAYMENT, Some(Value::text(payment))));
    said.body.fields.push((known::order::PLACED_AT, Some(Value::Timestamp(start))));
    said.body.fields.sort_by_key(|(field, _)| *field);
    order_of(&world.say(said).await)
}

async fn found(world: &World, filter: Filter) -> Vec<OrderKey> {
    let filter = Filter { limit: 500, ..filter };
    let page = world.store.list(&Scope::All, &filter).await.unwrap();
    assert!(page.next.is_none());
    page.items.iter().map(|order| order.key).collect()
}

pub(crate) async fn orders_are_found_by_what_they_are(factory: &dyn Factory) {
    let mut world = World::new(factory).await;
    let one = order(&mut world, "shop_eu", "1", "pending", 10).await;
    let two = order(&mut world, "shop_us", "2", "captured", 20).await;
    let three = order(&mut world, "shop_eu", "3", "captured", 30).await;
    world.later(60);
    let since = world.now;
    let _changed = world.say(say::order("shop_eu", "1", 2, "b")).await;
    let heads = world.store.list(&Scope::All, &Filter { limit: 1, ..Filter::default() });
    let first = heads.await.unwrap().items.remove(0);
    let stage = first.fields.text(known::order::STAGE).map(str::to_owned);
    assert!(stage.is_some());
    let filter = Filter::default;
    let payment = |word: &str| vec![(known::order::STATE_PAYMENT, word.to_owned())];
    let lifecycle = |word: &str| vec![(known::order::STATE_LIFECYCLE, word.to_owned())];
    let placed = |second: i64| jiff::Timestamp::from_second(1_767_225_600 + second).ok();
    let cases = [
        (filter(), vec![three, two, one]),
        (Filter { system: Some(SystemName::new("shop_eu")), ..filter() }, vec![three, one]),
        (Filter { states: lifecycle("open"), ..filter() }, vec![three, two, one]),
        (Filter { states: lifecycle("closed"), ..filter() }, vec![]),
        // The second document of the first order says that it is paid.
        (Filter { states: payment("captured"), ..filter() }, vec![three, two, one]),
        (Filter { states: payment("pending"), ..filter() }, vec![]),
        (Filter { stage, ..filter() }, vec![three, two, one]),
        (Filter { stage: Some("completed".to_owned()), ..filter() }, vec![]),
        (Filter { hold: Some("manual".to_owned()), ..filter() }, vec![]),
        (Filter { placed_since: placed(20), ..filter() }, vec![three, two]),
        (Filter { placed_since: placed(31), ..filter() }, vec![]),
        (Filter { updated_since: Some(since), ..filter() }, vec![one]),
        (Filter { updated_since: Some(since), placed_since: placed(20), ..filter() }, vec![]),
        (Filter { q: Some("shop_eu".to_owned()), ..filter() }, vec![three, one]),
        (Filter { q: Some("2".to_owned()), states: payment("captured"), ..filter() }, vec![two]),
    ];
    for (filter, expected) in cases {
        assert_eq!(found(&world, filter.clone()).await, expected, "{filter:?}");
    }
}

pub(crate) async fn pages_follow_each_other_without_gap_or_end_page(factory: &dyn Factory) {
    let mut world = World::new(factory).await;
    let mut expected = Vec::new();
    for number in 0..6 {
        let payment = if number % 2 == 0 { "captured" } else { "pending" };
        let key = order(&mut world, "shop_eu", &number.to_string(), payment, 0).await;
        if number % 2 == 0 {
            expected.insert(0, key);
        }
    }
    let states = vec![(known::order::STATE_PAYMENT, "captured".to_owned())];
    let first = Filter { states, limit: 2, ..Filter::default() };
    let page = world.store.list(&Scope::All, &first).await.unwrap();
    let mut keys: Vec<_> = page.items.iter().map(|order| order.key).collect();
    assert_eq!(keys.len(), 2);
    let rest = Filter { cursor: page.next.clone(), ..first };
    assert!(rest.cursor.is_some());
    let page = world.store.list(&Scope::All, &rest).await.unwrap();
    keys.extend(page.items.iter().map(|order| order.key));
    assert_eq!(keys, expected);
    assert!(page.next.is_none());
}

pub(crate) async fn attempts_are_found_over_all_orders(factory: &dyn Factory) {
    let mut world = World::new(factory).await;
    let mut keys = Vec::new();
    for (number, class) in ["ok", "said_no", "ok", "said_no"].into_iter().enumerate() {
        let key = order(&mut world, "shop_eu", &number.to_string(), "captured", 0).await;
        let mut act = World::act(key, Act::Tick);
        if let Unit::Order(unit) = &mut act {
            let system = if number == 3 { "wms" } else { "erp" }.to_owned();
            let class = class.to_owned();
            unit.receipt =
                Some(orderhub::store::ReceiptRow { system, class, ..attempt(world.now) });
        }
        let _ticked = world.one(act).await;
        keys.push(key);
    }
    let of = |filter: AttemptFilter| {
        let (store, filter) = (&world.store, AttemptFilter { limit: 2, ..filter });
        async move {
            let page = store.attempts(&Scope::All, &filter).await.unwrap();
            let orders: Vec<_> = page.items.iter().map(|row| row.order).collect();
            (orders, page.next)
        }
    };
    let all = AttemptFilter::default;
    let class = || Some("said_no".to_owned());
    let (first, next) = of(all()).await;
    assert_eq!(first, [keys[3], keys[2]]);
    let (second, end) = of(AttemptFilter { cursor: next, ..all() }).await;
    assert_eq!((second.as_slice(), end), ([keys[1], keys[0]].as_slice(), None));
    assert_eq!(of(AttemptFilter { class: class(), ..all() }).await.0, [keys[3], keys[1]]);
    let erp = Some(SystemName::new("erp"));
    assert_eq!(of(AttemptFilter { class: class(), system: erp, ..all() }).await.0, [keys[1]]);
    let one = of(AttemptFilter { order: Some(keys[2]), ..all() }).await;
    assert_eq!(one, (vec![keys[2]], None));
}

pub(crate) async fn a_cursor_that_no_page_gave_is_refused(factory: &dyn Factory) {
    let world = World::new(factory).await;
    let cursor = || Some("seven".to_owned());
    let orders = Filter { cursor: cursor(), ..Filter::default() };
    let attempts = AttemptFilter { cursor: cursor(), ..AttemptFilter::default() };
    let todos = TodoFilter { cursor: cursor(), ..TodoFilter::default() };
    let errors = [
        world.store.list(&Scope::All, &orders).await.err(),
        world.store.attempts(&Scope::All, &attempts).await.err(),
        world.store.todos(&Scope::All, &todos).await.err(),
    ];
    for error in errors {
        assert!(
            matches!(&error, Some(StoreError::Cursor(cursor)) if cursor == "seven"),
            "{error:?}"
        );
    }
}

//! What is to be fetched is counted with the hint, and settled with the answer; a cursor moves with its page.

use jiff::{SignedDuration, Timestamp};
use orderhub::apply::{Beside, Cursor, FetchDone, FetchKey, FetchWant, MessageUnit, Unit, Word};
use orderhub::store::FetchRow;
use orderhub_order::ids::SystemName;

use super::{Factory, World, say, unit, words};

fn shop() -> SystemName {
    SystemName::new("shop_eu")
}

fn want(id: &str, backfill: bool) -> FetchWant {
    let args = [("id".to_owned(), id.to_owned())].into();
    let key = FetchKey::new(&shop(), "order", &args).unwrap();
    FetchWant { key, args, backfill }
}

fn hint(now: Timestamp, message: &str, wants: &[FetchWant]) -> MessageUnit {
    let unit = unit(now, Some(message), "{}", Vec::new());
    MessageUnit { beside: Beside { wants: wants.to_vec(), ..Beside::default() }, ..unit }
}

fn answer(now: Timestamp, id: &str, n: i64) -> MessageUnit {
    let done = Some(FetchDone { key: want(id, false).key, n });
    let unit = unit(now, Some(&format!("fetch:{id}:{n}")), "{}", Vec::new());
    MessageUnit { beside: Beside { done, ..Beside::default() }, ..unit }
}

fn boxed(unit: MessageUnit) -> Unit {
    Unit::Message(Box::new(unit))
}

impl World {
    async fn due(&self) -> Vec<FetchRow> {
        self.store.fetches(&shop(), self.now, 100).await.unwrap()
    }
}

/// (id, hints, attempts)
fn shown(rows: &[FetchRow]) -> Vec<(&str, i64, u32)> {
    rows.iter().map(|row| (&*row.key.ext_id, row.wanted, row.attempts)).collect()
}

pub(crate) async fn an_answer_settles_the_hints_before_it(factory: &dyn Factory) {
    let mut world = World::new(factory).await;
    let (now, seven) = (world.now, [want("7", false)]);
    let batch = ["a", "b", "c"].map(|id| boxed(hint(now, id, &seven)));
    let outcomes = world.apply(batch.into()).await.unwrap();
    assert!(outcomes.iter().all(|outcome| words(outcome) == [Word::Noticed]));
    assert_eq!(shown(&world.due().await), [("7", 3, 0)], "many hints make one fetch");
    let row = world.due().await.remove(0);
    assert_eq!((row.args.get("id").map(String::as_str), &*row.key.document), (Some("7"), "order"));

    // It is asked for; meanwhile another hint comes.
    world.one(boxed(hint(now, "d", &seven))).await;
    world.one(boxed(answer(now, "7", 3))).await;
    let mut world = world.reopen(factory).await;
    assert_eq!(shown(&world.due().await), [("7", 4, 0)], "the hint during the call wants another");
    assert_eq!(world.due().await[0].id, row.id);
    world.one(boxed(answer(now, "7", 4))).await;
    assert_eq!(world.due().await, []);
    world.one(boxed(answer(now, "7", 2))).await;
    assert_eq!(world.due().await, [], "an old answer changes nothing");
    world.one(boxed(hint(now, "e", &seven))).await;
    assert_eq!(shown(&world.due().await), [("7", 5, 0)]);

    let both = [boxed(hint(now, "f", &seven)), boxed(answer(now, "7", 6))];
    world.apply(both.into()).await.unwrap();
    assert_eq!(world.due().await, [], "a hint and its answer may share a commit");
}

pub(crate) async fn a_hint_is_counted_once_and_only_if_it_is_stored(factory: &dyn Factory) {
    let mut world = World::new(factory).await;
    let (now, seven) = (world.now, [want("7", false)]);
    world.one(boxed(hint(now, "a", &seven))).await;
    let again = world.one(boxed(hint(now, "a", &seven))).await;
    assert_eq!(words(&again), [Word::Duplicate]);
    let mut other = hint(now, "a", &seven);
    other.envelope.body = "{ }".into();
    assert_eq!(words(&world.one(boxed(other)).await), [Word::Todo], "its id was used before");
    let mut refused = hint(now, "b", &seven);
    refused.refused = Some(("unreadable_hint", "no id".to_owned()));
    assert_eq!(words(&world.one(boxed(refused)).await), [Word::Todo]);
    let mut suspect = hint(now, "c", &seven);
    suspect.envelope.suspect = true;
    assert_eq!(words(&world.one(boxed(suspect)).await), [Word::Stored]);
    assert_eq!(shown(&world.due().await), [("7", 1, 0)]);
}

pub(crate) async fn what_is_put_off_waits_whatever_hints_come(factory: &dyn Factory) {
    let mut world = World::new(factory).await;
    let (now, seven) = (world.now, [want("7", false)]);
    world.one(boxed(hint(now, "a", &seven))).await;
    let id = world.due().await[0].id;
    let due = world.now.checked_add(SignedDuration::from_secs(60)).unwrap();
    world.store.fetch_again(id, 2, due, "it was busy".to_owned()).await.unwrap();
    world.one(boxed(hint(now, "b", &seven))).await;
    assert_eq!(world.due().await, [], "a hint does not press a system that asked for time");
    world.later(61);
    assert_eq!(shown(&world.due().await), [("7", 2, 2)]);
    world.one(boxed(answer(now, "7", 2))).await;
    world.store.fetch_again(id, 9, world.now, "late".to_owned()).await.unwrap();
    assert_eq!(world.due().await, [], "what was answered meanwhile is not due");
    world.one(boxed(hint(now, "c", &seven))).await;
    assert_eq!(shown(&world.due().await), [("7", 3, 0)], "patience begins anew");

    world.store.prune_fetches(&shop(), Timestamp::MAX).await.unwrap();
    assert_eq!(shown(&world.due().await), [("7", 3, 0)], "what is due is not forgotten");
    world.one(boxed(answer(now, "7", 3))).await;
    world.store.prune_fetches(&shop(), Timestamp::MAX).await.unwrap();
    world.one(boxed(hint(now, "d", &seven))).await;
    let row = world.due().await.remove(0);
    assert_eq!(row.wanted, 1);
    assert!(row.id > id, "no id is given twice: messages are named by it");
}

pub(crate) async fn hints_go_before_what_a_listing_named(factory: &dyn Factory) {
    let mut world = World::new(factory).await;
    let now = world.now;
    world.one(boxed(hint(now, "a", &[want("1", true), want("2", true), want("3", true)]))).await;
    world.one(boxed(hint(now, "b", &[want("4", false)]))).await;
    world.one(boxed(hint(now, "c", &[want("3", false), want("4", true)]))).await;
    let due = world.due().await;
    let ids: Vec<&str> = due.iter().map(|row| &*row.key.ext_id).collect();
    assert_eq!(ids, ["3", "4", "1", "2"]);
    let two = world.store.fetches(&shop(), world.now, 2).await.unwrap();
    assert_eq!(two, due[..2]);
    let other = SystemName::new("erp");
    assert_eq!(world.store.fetches(&other, world.now, 100).await.unwrap(), []);
}

pub(crate) async fn a_cursor_moves_with_its_page_or_not_at_all(factory: &dyn Factory) {
    let mut world = World::new(factory).await;
    let now = world.now;
    assert_eq!(world.store.cursor(&shop(), "order").await.unwrap(), None);
    let first = Cursor {
        system: shop(),
        document: "order".into(),
        since: None,
        from: Some(now),
        until: Some(now),
        next: Some("\"p2\"".to_owned()),
        good_at: None,
    };
    let page = |cursor: &Cursor, documents| {
        let Unit::Message(mut page) = documents else { panic!("a message") };
        page.envelope.message_id = None;
        page.beside.cursor = Some(cursor.clone());
        Unit::Message(page)
    };
    let order = world.message(vec![say::order("shop_eu", "7", 1, "a")]);
    let outcome = world.one(page(&first, order)).await;
    assert_eq!(words(&outcome), [Word::Applied]);
    let mut world = world.reopen(factory).await;
    assert_eq!(world.store.cursor(&shop(), "order").await.unwrap().as_ref(), Some(&first));

    let last = Cursor { since: Some(now), next: None, from: None, good_at: Some(now), ..first };
    let empty = world.message(Vec::new());
    let outcome = world.one(page(&last, empty)).await;
    assert_eq!((words(&outcome), outcome.message), (vec![Word::Unchanged], None));
    assert_eq!(world.store.cursor(&shop(), "order").await.unwrap().as_ref(), Some(&last));
    assert_eq!(world.store.cursor(&shop(), "shipment").await.unwrap(), None);
}

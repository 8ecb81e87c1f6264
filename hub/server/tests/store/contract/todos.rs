//! What cannot be applied: parked, superseded, replayed, discarded.

use orderhub::apply::{Redrive, Unit, Word};
use orderhub::store::{Scope, TodoEnd, TodoFilter, TodoState};
use orderhub_mapping::{MapError, Mapped};
use orderhub_order::catalogue::FieldId;
use orderhub_order::catalogue::known::order;
use orderhub_order::contribution::Revision;
use orderhub_order::fold::{Act, Outcome, PersonAct, TodoKind};
use orderhub_order::ids::{At, OrderKey, SystemName};
use orderhub_order::value::Value;

use super::{Factory, World, attempt, order_of, say, unit, words};

pub(crate) fn failed(world: &World, id: &str, key: Option<&str>) -> Unit {
    let error = MapError {
        cause: "unknown_value",
        rule: Some("shopify/order_rest.yaml:12:5".to_owned()),
        place: None,
        path: "financial_status".to_owned(),
        why: "`maybe` is in no row".to_owned(),
        key: key.map(str::to_owned),
        digest: None,
        lacks: Default::default(),
    };
    Unit::Message(Box::new(unit(world.now, Some(id), "body", vec![Mapped::Failed(error)])))
}

pub(crate) async fn what_cannot_be_mapped_is_parked_with_its_place(factory: &dyn Factory) {
    let mut world = World::new(factory).await;
    let outcome = world.one(failed(&world, "f1", None)).await;
    assert_eq!(words(&outcome), [Word::Todo]);
    let todo = &world.todos().await[0];
    assert_eq!(&*todo.item.cause, "unknown_value");
    assert!(todo.item.why.contains("order_rest.yaml:12:5"), "{}", todo.item.why);
    assert!(todo.item.why.contains("financial_status"), "{}", todo.item.why);
    assert_eq!(todo.message, outcome.message);
}

pub(crate) async fn a_later_document_of_the_key_supersedes(factory: &dyn Factory) {
    let mut world = World::new(factory).await;
    let _parked = world.one(failed(&world, "f1", Some("1001"))).await;
    let _other = world.one(failed(&world, "f2", Some("1002"))).await;
    let id = world.todos().await[1].id;
    let _order = world.say(say::order("shop_eu", "1001", 1, "a")).await;
    assert_eq!(world.todos().await.len(), 1, "only that key");
    let done = world.store.todo(&Scope::All, id).await.unwrap().unwrap();
    assert_eq!(done.state, TodoState::Superseded);
    assert!(
        !world.store.replay(id, "person:ann", world.now).await.unwrap(),
        "a replay would do harm"
    );
}

pub(crate) async fn facts_wait_behind_a_parked_document_of_their_order(factory: &dyn Factory) {
    let mut world = World::new(factory).await;
    let _order = world.say(say::order("shop_eu", "1001", 1, "a")).await;
    let _parked = world.one(failed(&world, "f1", Some("1001"))).await;
    let payment = say::payment("T1", "1001");
    let early = world.say(payment.clone()).await;
    assert_eq!(words(&early), [Word::Waiting]);
    let _order = world.say(say::order("shop_eu", "1001", 2, "b")).await;
    let driven = world.drive(&[payment]).await;
    assert_eq!(words(&driven[0]), [Word::Applied]);
}

pub(crate) async fn a_replay_drives_the_message_again(factory: &dyn Factory) {
    let mut world = World::new(factory).await;
    let _parked = world.one(failed(&world, "f1", Some("1001"))).await;
    let id = world.todos().await[0].id;
    assert!(world.store.replay(id, "person:ann", world.now).await.unwrap());
    assert!(!world.store.replay(id, "person:ann", world.now).await.unwrap(), "once");
    let driven = world.drive(&[say::order("shop_eu", "1001", 1, "a")]).await;
    assert_eq!(words(&driven[0]), [Word::Applied]);
    assert_eq!(world.version(order_of(&driven[0])).await, 1);
    assert!(world.todos().await.is_empty());
}

pub(crate) async fn what_fails_again_in_the_same_way_keeps_its_number(factory: &dyn Factory) {
    let mut world = World::new(factory).await;
    let came = world.one(failed(&world, "f1", None)).await;
    let id = world.todos().await[0].id;
    // The hub tries it once more, by other files: the same.
    let drive = async |world: &mut World, cause: &'static str, by: &str| {
        let open = world.todos().await[0].id;
        assert!(world.store.replay(open, by, world.now).await.unwrap());
        assert!(world.todos().await.is_empty());
        let row = world.pending().await.remove(0);
        let Unit::Message(mut unit) = failed(world, "f1", None) else { unreachable!() };
        let Mapped::Failed(error) = &mut unit.mapped[0] else { unreachable!() };
        (error.cause, error.why) = (cause, format!("{cause}, as {by} found"));
        unit.redrive = Some(Redrive {
            first: row.message.id,
            document: row.document,
            attempts: row.attempts,
            let_go: row.let_go,
        });
        world.later(60);
        assert_eq!(words(&world.one(Unit::Message(unit)).await), [Word::Todo]);
        let open = world.todos().await;
        assert_eq!((open.len(), open[0].message), (1, came.message));
        (open[0].id, open[0].item.why.clone(), open[0].at == world.now, open[0].end.is_none())
    };
    let (kept, why, new, open) = drive(&mut world, "unknown_value", "hub").await;
    assert_eq!((kept, new, open), (id, true, true));
    assert!(why.contains("as hub found"), "{why}");
    // What fails otherwise, and what a person wanted to be tried, is another.
    let (other, ..) = drive(&mut world, "key_missing", "hub").await;
    assert_ne!(other, id);
    let (third, ..) = drive(&mut world, "key_missing", "person:ann").await;
    assert!(![id, other].contains(&third), "{third}");
    let first = world.store.todo(&Scope::All, id).await.unwrap().unwrap();
    assert_eq!(first.state, TodoState::Replayed);
}

pub(crate) async fn what_is_asked_for_again_and_cannot_be_read_is_one_todo(factory: &dyn Factory) {
    let mut world = World::new(factory).await;
    let page = |world: &World, cause: &'static str| {
        let Unit::Message(mut page) = failed(world, "-", Some("1001")) else { unreachable!() };
        page.envelope.message_id = None;
        page.envelope.source = "poll".into();
        let Mapped::Failed(error) = &mut page.mapped[0] else { unreachable!() };
        error.cause = cause;
        Unit::Message(page)
    };
    let first = page(&world, "unknown_value");
    let _first = world.one(first).await;
    let before = world.todos().await.remove(0);
    world.later(60);
    // A batch of two answers, and one that was told by the system itself, which may say something else.
    let two = vec![page(&world, "not_a_time"), page(&world, "amount_scale")];
    let outcomes = world.apply(two).await.unwrap();
    let open = world.todos().await;
    assert_eq!(open.len(), 1, "{open:#?}");
    assert_eq!((open[0].id, open[0].at), (before.id, before.at), "it keeps its number and its age");
    assert_eq!((&*open[0].item.cause, open[0].message), ("amount_scale", outcomes[1].message));
    let _told = world.one(failed(&world, "f1", Some("1001"))).await;
    assert_eq!(world.todos().await.len(), 2, "what the system sent by itself stays beside");
    let other = Unit::Message(match page(&world, "not_a_time") {
        Unit::Message(mut page) => {
            page.envelope.document = "order".into();
            page
        }
        Unit::Order(_) => unreachable!(),
    });
    let _other = world.one(other).await;
    assert_eq!(world.todos().await.len(), 3, "another document");
    let _order = world.say(say::order("shop_eu", "1001", 1, "a")).await;
    assert_eq!(world.todos().await.len(), 1, "what can be read ends those of its kind");
}

pub(crate) async fn what_is_asked_for_again_and_names_nothing_is_known_by_its_bytes(
    factory: &dyn Factory,
) {
    let mut world = World::new(factory).await;
    let page = |world: &World, digest: u8| {
        let Unit::Message(mut page) = failed(world, "-", None) else { unreachable!() };
        page.envelope.message_id = None;
        page.envelope.source = "poll".into();
        let Mapped::Failed(error) = &mut page.mapped[0] else { unreachable!() };
        (error.cause, error.digest) = ("key_missing", Some([digest; 16]));
        Unit::Message(page)
    };
    for digest in [1, 2, 1, 1, 2] {
        let next = page(&world, digest);
        let _listed = world.one(next).await;
        world.later(60);
    }
    let open = world.todos().await;
    assert_eq!(open.len(), 2, "{open:#?}");
}

pub(crate) async fn a_discarded_todo_keeps_its_reason_and_its_message(factory: &dyn Factory) {
    let mut world = World::new(factory).await;
    let parked = world.one(failed(&world, "f1", None)).await;
    let id = world.todos().await[0].id;
    let end = TodoEnd {
        state: TodoState::Discarded,
        by: "person:ann".to_owned(),
        reason: "test".to_owned(),
        at: world.now,
    };
    let close = |id| world.store.close_todo(id, end.clone());
    assert!(close(id).await.unwrap());
    assert!(!close(id).await.unwrap());
    assert!(world.todos().await.is_empty());
    let todo = world.store.todo(&Scope::All, id).await.unwrap().unwrap();
    assert_eq!((todo.state, todo.end), (TodoState::Discarded, Some(end.clone())));
    assert!(world.store.message(&Scope::All, parked.message.unwrap()).await.unwrap().is_some());
}

pub(crate) async fn a_person_who_is_refused_leaves_nothing_to_do(factory: &dyn Factory) {
    let mut world = World::new(factory).await;
    let key = order_of(&world.say(say::order("shop_eu", "1001", 1, "a")).await);
    let _second = world.say(say::order("shop_eu", "1001", 2, "b")).await;
    let hold = PersonAct::ReleaseHold { hold: "H9".into() };
    let refused = world.one(World::act(key, Act::Person(hold))).await;
    assert!(matches!(refused.documents[0].folded, Some(Outcome::Todo(_))));
    let edit = |fields: &[FieldId]| {
        let value = |field: &FieldId| (At::ROOT, *field, Some(Value::text("mine")));
        Act::Person(PersonAct::Edit { seen: 1, values: fields.iter().map(value).collect() })
    };
    let stale = world.one(World::act(key, edit(&[order::NOTES_CUSTOMER]))).await;
    assert!(matches!(stale.documents[0].folded, Some(Outcome::Todo(_))));
    assert!(world.todos().await.is_empty(), "who acts is told at once");
    let both = edit(&[order::NOTES_CUSTOMER, order::NOTES_INTERNAL]);
    let part = world.one(World::act(key, both)).await;
    assert!(matches!(part.documents[0].folded, Some(Outcome::Applied { .. })));
    assert_eq!(world.causes().await, ["manual"], "a part was written: the rest is a conflict");
}

pub(crate) async fn an_act_on_an_order_that_is_not_there_is_shown(factory: &dyn Factory) {
    let mut world = World::new(factory).await;
    let key = OrderKey(77);
    let mut act = World::act(key, Act::Tick);
    if let Unit::Order(unit) = &mut act {
        unit.receipt = Some(attempt(world.now));
    }
    let outcome = world.one(act).await;
    assert_eq!(words(&outcome), [Word::Todo]);
    assert_eq!(world.causes().await, ["order_missing"]);
    assert!(world.store.receipts(&Scope::All, key).await.unwrap().is_empty(), "of no order");
}

pub(crate) async fn the_open_ones_are_found_by_kind_system_cause_and_order(factory: &dyn Factory) {
    let mut world = World::new(factory).await;
    let missing = World::act(OrderKey(77), Act::Tick);
    let _missing = world.one(missing).await;
    let _parked = world.one(failed(&world, "f1", None)).await;
    let all = world.todos().await;
    let (parked, missing) = (&all[0], &all[1]);
    let filter = |of: TodoFilter| TodoFilter { limit: 500, ..of };
    let cases = [
        (TodoFilter { kind: Some(TodoKind::Parked), ..TodoFilter::default() }, parked.id),
        (
            TodoFilter { cause: Some("order_missing".to_owned()), ..TodoFilter::default() },
            missing.id,
        ),
        (TodoFilter { order: Some(OrderKey(77)), ..TodoFilter::default() }, missing.id),
        (
            TodoFilter { system: Some(SystemName::new("shop_eu")), ..TodoFilter::default() },
            parked.id,
        ),
    ];
    for (of, expected) in cases {
        let found = world.store.todos(&Scope::All, &filter(of.clone())).await.unwrap().items;
        let found: Vec<_> = found.iter().map(|row| row.id).collect();
        assert_eq!(found, [expected], "{of:?}");
    }
}

pub(crate) async fn gates_and_unwanted_kinds_are_stored(factory: &dyn Factory) {
    let mut world = World::new(factory).await;
    let mut refused = unit(world.now, Some("g1"), "body", Vec::new());
    refused.refused = Some(("too_large", "it is".to_owned()));
    let outcome = world.one(Unit::Message(Box::new(refused))).await;
    assert_eq!(words(&outcome), [Word::Todo]);
    assert_eq!(world.causes().await, ["too_large"]);
    let mut skipped = unit(world.now, Some("g2"), "body", Vec::new());
    skipped.skipped = true;
    let outcome = world.one(Unit::Message(Box::new(skipped))).await;
    assert_eq!(words(&outcome), [Word::Skipped]);
    let stored = world.store.message(&Scope::All, outcome.message.unwrap()).await.unwrap().unwrap();
    assert_eq!(stored.why, "no intake of `shop_eu` takes the document `order_rest`");
    let unknown = world.say(say::order("shop_asia", "1", 1, "a")).await;
    assert_eq!(words(&unknown), [Word::Todo]);
    assert_eq!(world.orders().await, 0);
}

pub(crate) async fn a_revision_that_is_still_to_come_is_told_once(factory: &dyn Factory) {
    let mut world = World::new(factory).await;
    let said = |at: &str, note: &str| {
        let mut said = say::order("shop_eu", "1001", 1, note);
        said.revision = Some(Revision::Timestamp(at.parse().unwrap()));
        said
    };
    let cases = [
        ("2026-11-02T08:00:00Z", "a", Word::Applied),
        ("2036-11-02T08:00:00Z", "b", Word::Applied),
        ("2036-11-03T08:00:00Z", "b", Word::Unchanged),
        ("2026-11-02T09:00:00Z", "c", Word::Stale),
        ("2036-11-04T08:00:00Z", "d", Word::Applied),
    ];
    for (at, note, word) in cases {
        let outcome = world.say(said(at, note)).await;
        assert_eq!(words(&outcome), [word], "{at}");
        let why = outcome.documents[0].why.clone().unwrap_or_default();
        assert_eq!(why.contains("2036-11-03"), word == Word::Stale, "{at}: {why}");
    }
    assert_eq!(world.causes().await, ["future_revision"], "once for the order and its system");
    assert!(world.todos().await[0].item.why.contains("2036-11-02"), "and since when");
}

pub(crate) async fn a_conflict_is_one_todo_that_ends_with_it(factory: &dyn Factory) {
    let mut world = World::new(factory).await;
    let key = order_of(&world.say(say::order("shop_eu", "1001", 1, "a")).await);
    let text = |text: &str| Some(Value::text(text));
    let note = |word: &str| (At::ROOT, order::NOTES_INTERNAL, text(word));
    let edit = |seen, values| World::act(key, Act::Person(PersonAct::Edit { seen, values }));
    let _first = world.one(edit(1, vec![note("first")])).await;
    // Each saw the order before the first edit: whose note shall stand is not known; of other fields it is.
    let fields = [order::CUSTOMER_EMAIL, order::CUSTOMER_PHONE, order::CUSTOMER_NAME];
    for (number, field) in fields.into_iter().enumerate() {
        let late = note(&format!("late {number}"));
        let _late = world.one(edit(1, vec![late, (At::ROOT, field, text("x"))])).await;
        let open = world.todos().await;
        assert_eq!(open.len(), 1, "one for the field: {open:#?}");
        assert_eq!(open[0].item.about.as_deref(), Some("notes.internal"));
    }
    let open = world.todos().await.remove(0);
    let version = world.version(key).await;
    let _decided = world.one(edit(version, vec![note("decided")])).await;
    assert!(world.todos().await.is_empty());
    let ended = world.store.todo(&Scope::All, open.id).await.unwrap().unwrap();
    let end = ended.end.unwrap();
    assert_eq!(
        (ended.state, &*end.by, &*end.reason),
        (TodoState::Resolved, "hub", "a person decided")
    );
    // In one commit it comes up and is settled: nothing is left open.
    let version = world.version(key).await;
    let email = (At::ROOT, order::CUSTOMER_EMAIL, text("y"));
    let late = edit(1, vec![note("late"), email]);
    let _both = world.apply(vec![late, edit(version + 1, vec![note("on time")])]).await.unwrap();
    assert!(world.todos().await.is_empty(), "{:?}", world.todos().await);
}

//! The first layer against duplicates: (source, system, message id), with the body's hash.

use orderhub::apply::{Unit, Word};
use orderhub::store::Scope;
use orderhub_mapping::Mapped;

use super::{Factory, World, order_of, say, unit, words};

fn message(world: &World, id: &str, body: &str, note: &str) -> Unit {
    let said = say::order("shop_eu", "1001", 1, note);
    Unit::Message(Box::new(unit(world.now, Some(id), body, vec![Mapped::Document(Box::new(said))])))
}

pub(crate) async fn a_known_id_is_a_duplicate_and_changes_nothing(factory: &dyn Factory) {
    let mut world = World::new(factory).await;
    let first = world.one(message(&world, "m1", "body", "a")).await;
    assert_eq!(words(&first), [Word::Applied]);
    let key = order_of(&first);
    let again = world.one(message(&world, "m1", "body", "b")).await;
    assert_eq!(words(&again), [Word::Duplicate]);
    assert_eq!(again.message, first.message, "it names the row that holds it");
    // In one batch, and after a restart, it is the same.
    let twice = vec![message(&world, "m2", "x", "c"), message(&world, "m2", "x", "c")];
    let outcomes = world.apply(twice).await.unwrap();
    assert_eq!(words(&outcomes[1]), [Word::Duplicate]);
    let mut world = world.reopen(factory).await;
    let again = world.one(message(&world, "m1", "body", "a")).await;
    assert_eq!(words(&again), [Word::Duplicate]);
    assert_eq!((world.orders().await, world.todos().await.len()), (1, 0));
    let _head = world.version(key).await;
}

pub(crate) async fn a_known_id_with_another_body_is_shown_and_not_applied(factory: &dyn Factory) {
    let mut world = World::new(factory).await;
    let first = world.one(message(&world, "m1", "body", "a")).await;
    let key = order_of(&first);
    let before = world.version(key).await;
    let other = world.one(message(&world, "m1", "another body", "b")).await;
    assert_eq!(words(&other), [Word::Todo]);
    assert_eq!(world.causes().await, ["reused_id"]);
    assert_eq!(world.version(key).await, before);
    let kept = world.store.message(&Scope::All, other.message.unwrap()).await.unwrap().unwrap();
    assert_eq!(&kept.envelope.body[..], b"another body", "the raw body is kept");
}

pub(crate) async fn ids_are_remembered_over_weeks(factory: &dyn Factory) {
    let mut world = World::new(factory).await;
    let _first = world.one(message(&world, "m1", "body", "a")).await;
    world.later(20 * 24 * 3_600);
    world.prune().await;
    let again = world.one(message(&world, "m1", "body", "a")).await;
    assert_eq!(words(&again), [Word::Duplicate]);
    world.later(60 * 24 * 3_600);
    world.prune().await;
    let again = world.one(message(&world, "m1", "body", "a")).await;
    assert_eq!(words(&again), [Word::Unchanged], "then the content decides");
}

pub(crate) async fn what_says_nothing_new_leaves_only_its_id(factory: &dyn Factory) {
    let mut world = World::new(factory).await;
    let _first = world.one(message(&world, "m1", "body", "a")).await;
    let again = world.one(message(&world, "m2", "body", "a")).await;
    assert_eq!(words(&again), [Word::Unchanged]);
    assert_eq!(again.message, None);
    let again = world.one(message(&world, "m2", "body", "a")).await;
    assert_eq!(words(&again), [Word::Duplicate]);
}

pub(crate) async fn a_document_without_a_revision_is_never_older_than_one_before_a_restart(
    factory: &dyn Factory,
) {
    let mut world = World::new(factory).await;
    let plain = |world: &World, note: &str| {
        let mut said = say::order("shop_eu", "1001", 1, note);
        said.revision = None;
        let mapped = vec![Mapped::Document(Box::new(said))];
        Unit::Message(Box::new(unit(world.now, None, note, mapped)))
    };
    for expected in [Word::Applied, Word::Unchanged, Word::Unchanged, Word::Unchanged] {
        let said = plain(&world, "a");
        assert_eq!(words(&world.one(said).await), [expected]);
    }
    // The repeats left no row behind, but their order counts.
    let mut world = world.reopen(factory).await;
    let said = plain(&world, "b");
    assert_eq!(words(&world.one(said).await), [Word::Applied]);
}

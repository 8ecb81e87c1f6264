//! Answers to writes with a key: one at a time, and the same again.

use orderhub::store::{AnswerKey, Begun, KEPT, KeptAnswer, LAPSES};

use super::{Factory, World};

fn key(caller: &str, key: &str, print: u8) -> AnswerKey {
    AnswerKey { caller: caller.to_owned(), key: key.to_owned(), print: [print; 32] }
}

pub(crate) async fn a_key_is_answered_once_and_then_the_same_again(factory: &dyn Factory) {
    let world = World::new(factory).await;
    let begin = async |world: &World, key| world.store.begin_answer(key, world.now).await.unwrap();
    // Twins: exactly one is to do it.
    let twins = (0..8).map(|_| world.store.begin_answer(key("ann", "k", 1), world.now));
    let twins = futures_util::future::join_all(twins).await;
    let yours = twins.iter().filter(|begun| *begun.as_ref().unwrap() == Begun::Yours).count();
    let under_way =
        twins.iter().filter(|begun| *begun.as_ref().unwrap() == Begun::UnderWay).count();
    assert_eq!((yours, under_way), (1, 7));
    assert_eq!(begin(&world, key("ann", "k", 2)).await, Begun::OtherWrite);
    assert_eq!(begin(&world, key("bob", "k", 2)).await, Begun::Yours, "keys of others are others");
    let answer = KeptAnswer { status: 409, body: b"{}".to_vec() };
    world.store.keep_answer(key("ann", "k", 1), answer.clone()).await.unwrap();
    let other = KeptAnswer { status: 200, body: Vec::new() };
    world.store.keep_answer(key("ann", "k", 1), other).await.unwrap();
    world.store.drop_answer(key("ann", "k", 1)).await.unwrap();
    let mut world = world.reopen(factory).await;
    assert_eq!(begin(&world, key("ann", "k", 1)).await, Begun::Done(answer.clone()), "the first");
    assert_eq!(begin(&world, key("ann", "k", 2)).await, Begun::OtherWrite);
    world.later(KEPT.as_secs());
    assert_eq!(begin(&world, key("ann", "k", 1)).await, Begun::Done(answer));
    world.later(1);
    world.store.sweep(world.now).await.unwrap();
    assert_eq!(begin(&world, key("ann", "k", 2)).await, Begun::Yours, "it is forgotten");
}

pub(crate) async fn a_key_that_nobody_answered_can_be_taken_again(factory: &dyn Factory) {
    let world = World::new(factory).await;
    let begin = async |world: &World, key| world.store.begin_answer(key, world.now).await.unwrap();
    assert_eq!(begin(&world, key("ann", "k", 1)).await, Begun::Yours);
    world.store.drop_answer(key("ann", "k", 1)).await.unwrap();
    assert_eq!(begin(&world, key("ann", "k", 1)).await, Begun::Yours, "it was given back");
    let mut world = world.reopen(factory).await;
    assert_eq!(begin(&world, key("ann", "k", 1)).await, Begun::UnderWay);
    world.later(LAPSES.as_secs() + 1);
    assert_eq!(begin(&world, key("ann", "k", 2)).await, Begun::OtherWrite);
    assert_eq!(begin(&world, key("ann", "k", 1)).await, Begun::Yours, "its process is gone");
    assert_eq!(begin(&world, key("ann", "k", 1)).await, Begun::UnderWay);
}

//! What does not wait for a system that is down.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::BoxFuture;
use orderhub_order::fold::{Act, Facts, Outcome, PersonAct, TodoKind};
use orderhub_order::ids::{OrderKey, SystemName};
use orderhub_order::lane::{Lane, LaneCode, is_of_call};
use orderhub_order::rules::WhileDown;
use tokio::time::Instant;

use super::rig::{ERP, Rig, SINK, Setup};
use super::twin::Fault;
use super::{all, erp, quick_breaker};
use crate::apply::{OrderUnit, Unit};
use crate::cli::{commands_in, is_typed};
use crate::resilience::Policy;
use crate::resilience::gate::{BreakerPolicy, Force, GateState};
use crate::resilience::limit::Rate;
use crate::resilience::share::Share;
use crate::store::{Scope, TodoRow};

/// It stays open for long enough to see that nothing waits.
fn slow_breaker() -> Policy {
    let open = Duration::from_secs(2);
    let quick = quick_breaker();
    let breaker = BreakerPolicy { first_open: open, longest_open: open, ..quick.breaker };
    Policy { breaker, ..quick }
}

/// Nothing waits for ERP and sink.
fn hub(setup: Setup) -> Rig {
    let setup = Setup { policy: slow_breaker, while_down: WhileDown::Fail, ..setup };
    let rig = Rig::new(setup);
    *rig.twin.down.lock().unwrap() = true;
    rig
}

fn up(rig: &Rig) {
    *rig.twin.down.lock().unwrap() = false;
}

async fn todos(rig: &Rig, key: OrderKey) -> Vec<TodoRow> {
    let todos = rig.store.todos(&Scope::All, &all()).await.unwrap().items;
    todos.into_iter().filter(|todo| todo.order == Some(key)).collect()
}

fn gate(rig: &Rig, system: &str) -> GateState {
    let status = rig.deliverer.status().into_iter().find(|status| status.system == system);
    status.unwrap().breakers.first().map_or(GateState::Closed, |breaker| breaker.state)
}

fn is_given_up(lane: &Lane) -> bool {
    lane.code == Some(LaneCode::Dead) && lane.wants.is_empty() && lane.flying.is_none()
}

pub(super) async fn acts(rig: &Rig, key: OrderKey, act: PersonAct) {
    let (act, facts) = (Act::Person(act), Facts::default());
    let unit = Unit::Order(Box::new(OrderUnit { key, act, facts, receipt: None }));
    let outcome = rig.apply.submit(unit).await.unwrap();
    let folded = &outcome.documents[0].folded;
    assert!(matches!(folded, Some(Outcome::Applied { .. })), "{outcome:?}");
}

#[tokio::test]
async fn what_does_not_wait_is_given_up_and_is_the_probe() {
    let rig = hub(Setup::default());
    rig.deliverer.pause(&erp(), "only the sink matters here");
    let first = rig.order(1001, 1, "captured").await;
    rig.until(first, SINK, is_given_up).await;
    assert_eq!(gate(&rig, SINK), GateState::Open);

    // What comes while it is open: nothing is sent, and a person is told at once.
    let (before, began) = (rig.twin.requests(), Instant::now());
    let second = rig.order(1002, 1, "captured").await;
    let lane = rig.until(second, SINK, is_given_up).await;
    assert!(lane.sent.is_empty() && lane.due_at.is_none(), "{lane:?}");
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    assert_eq!(rig.twin.requests(), before, "nothing was sent");
    let [todo] = &todos(&rig, second).await[..] else { panic!("one todo") };
    assert_eq!((todo.item.kind, &*todo.item.cause), (TodoKind::Dead, "system_down"));
    for said in [
        "`sink` is down since 2",
        "`put` is open",
        "`order.changed/put`",
        "the order of version 1",
        &format!("`orderhub todo resolve {} --again --reason \"it is back\"` sends it", todo.id),
        "`orderhub order resend shop-1002 sink --reason \"it is back\"` all that sink lacks",
    ] {
        assert!(todo.item.why.contains(said), "{said}: {}", todo.item.why);
    }
    assert!(commands_in(&todo.item.why).iter().all(|command| is_typed(command)));
    let [row] = &rig.receipts(second).await[..] else { panic!("one attempt is told of") };
    assert_eq!(&*row.class, "not_acted");
    assert!(todo.item.why.starts_with(&row.why) && !row.why.contains("orderhub"), "{}", row.why);

    // When it is time to try, the next that comes is the probe: given up, for it failed.
    rig.so("it is time to try", || gate(&rig, SINK) == GateState::HalfOpen).await;
    let third = rig.order(1003, 1, "captured").await;
    rig.until(third, SINK, is_given_up).await;
    assert!(rig.twin.requests() > before, "it was tried");
    assert_eq!(gate(&rig, SINK), GateState::Open);

    up(&rig);
    rig.so("it is time to try", || gate(&rig, SINK) == GateState::HalfOpen).await;
    let fourth = rig.order(1004, 1, "captured").await;
    rig.delivered(fourth, SINK).await;
    assert_eq!(gate(&rig, SINK), GateState::Closed);
    // What was given up goes by the next change, or because a person says so; nobody is asked about it any more.
    rig.order(1001, 2, "partially_refunded").await;
    rig.delivered(first, SINK).await;
    acts(&rig, second, PersonAct::Resend { system: SystemName::new(SINK), all: false }).await;
    rig.delivered(second, SINK).await;
    assert_eq!(rig.twin.effects().len(), 3);
    assert!(todos(&rig, first).await.is_empty() && todos(&rig, second).await.is_empty());
    assert_eq!(todos(&rig, third).await.len(), 1, "it was not sent so far");
}

#[tokio::test]
async fn a_create_that_does_not_wait_holds_its_lane() {
    let rig = hub(Setup::default());
    rig.deliverer.pause(&SystemName::new(SINK), "only the erp matters here");
    rig.deliverer.force(&erp(), "create_sale", Some(Force::Open));
    let key = rig.order(1001, 1, "captured").await;
    let dead = |lane: &Lane| lane.code == Some(LaneCode::Dead);
    let lane = rig.until(key, ERP, dead).await;
    assert!(lane.flying.is_some() && lane.due_at.is_none() && lane.wants.len() == 1, "{lane:?}");
    assert_eq!(rig.twin.requests(), 0, "who holds it open by hand says that it is down");
    let [todo] = &todos(&rig, key).await[..] else { panic!("one todo") };
    assert!(todo.item.why.contains(&format!("resolve {} --again", todo.id)), "{todo:?}");
    assert!(commands_in(&todo.item.why).iter().all(|command| is_typed(command)));
    let about = todo.item.about.as_deref();
    assert!(about.is_some_and(is_of_call), "it is about the call of the lane: {about:?}");
    // The order changes meanwhile; what is made is what stands then.
    rig.order(1001, 2, "partially_refunded").await;
    up(&rig);
    rig.deliverer.force(&erp(), "create_sale", None);
    acts(&rig, key, PersonAct::Settle { system: erp(), again: true, about: None }).await;
    let lane = rig.delivered(key, ERP).await;
    assert!(lane.sent.values().all(|sent| sent.version >= 2), "{:?}", lane.sent);
    assert_eq!(rig.twin.sales().len(), 1);
}

#[tokio::test]
async fn what_may_be_there_waits_for_a_system_that_is_down() {
    let rig = hub(Setup::default());
    rig.deliverer.pause(&erp(), "only the sink matters here");
    up(&rig);
    rig.twin.fail_with([Fault::LostAfterEffect, Fault::LostAfterEffect]);
    let key = rig.order(1001, 1, "captured").await;
    rig.until(key, SINK, |lane| lane.flying.as_ref().is_some_and(|f| f.may_have_acted)).await;
    *rig.twin.down.lock().unwrap() = true;
    rig.until(key, SINK, |lane| lane.code == Some(LaneCode::BreakerOpen)).await;
    assert!(todos(&rig, key).await.is_empty());
    up(&rig);
    rig.delivered(key, SINK).await;
    assert!(todos(&rig, key).await.is_empty());
}

#[tokio::test]
async fn what_does_not_wait_is_given_up_behind_what_does() {
    let setup = Setup { policy: slow_breaker, tells: true, ..Setup::default() };
    let rig = Rig::new(setup);
    rig.deliverer.pause(&erp(), "only the sink matters here");
    *rig.twin.down.lock().unwrap() = true;
    let key = rig.order(1001, 1, "captured").await;
    let kept = |count| move |lane: &Lane| lane.given_up.len() == count && lane.wants.len() == 1;
    let parked = |lane: &Lane| lane.code == Some(LaneCode::BreakerOpen);
    rig.until(key, SINK, kept(1)).await;
    rig.until(key, SINK, parked).await;
    // The lane waits for its gate already, and what comes up then is told of within seconds all the same.
    let began = Instant::now();
    rig.order(1001, 2, "partially_refunded").await;
    rig.until(key, SINK, kept(2)).await;
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    rig.until(key, SINK, parked).await;
    assert_eq!(todos(&rig, key).await.len(), 2, "each firing is a fact of its own");
    up(&rig);
    rig.delivered(key, SINK).await;
    let told = || rig.twin.effects().iter().filter(|effect| effect.starts_with("/tell")).count();
    assert_eq!(told(), 0, "what was given up is not sent by itself");
    acts(&rig, key, PersonAct::Resend { system: SystemName::new(SINK), all: false }).await;
    rig.so("both are told", || told() >= 2).await;
    rig.until(key, SINK, |lane| lane.given_up.is_empty() && lane.wants.is_empty()).await;
    assert_eq!(told(), 2, "and nothing besides");
    assert!(todos(&rig, key).await.is_empty());
}

#[tokio::test]
async fn a_lane_that_is_looked_at_again_takes_room() {
    let rig = Rig::new(Setup { policy: slow_breaker, tells: true, ..Setup::default() });
    rig.deliverer.pause(&erp(), "only the sink matters here");
    let sink = SystemName::new(SINK);
    rig.deliverer.force(&sink, "put", Some(Force::Open));
    let key = rig.order(1001, 1, "captured").await;
    rig.so("its lane is parked", || {
        rig.deliverer.dispatchers[&sink].ring().parked() == 1 && rig.store.in_hand(&sink) == 0
    })
    .await;
    rig.deliverer.pause(&sink, "nothing is taken any more");
    rig.deliverer.dispatchers[&sink].offer(key);
    assert_eq!(rig.store.in_hand(&sink), 1);
}

/// The other processes: whether they let this one try.
#[derive(Debug, Default)]
struct Others(AtomicBool);

impl Share for Others {
    fn shut(&self, _: &str, _: Duration, _: Duration) {}

    fn opened(&self, _: &str) {}

    fn throttled(&self, _: &str, _: Duration) {}

    fn may_probe<'a>(&'a self, _: &'a str) -> BoxFuture<'a, bool> {
        Box::pin(std::future::ready(self.0.load(Ordering::Relaxed)))
    }

    fn take<'a>(
        &'a self,
        _: &'a str,
        _: Option<&'a str>,
        _: Rate,
        want: u32,
    ) -> BoxFuture<'a, Result<u32, Duration>> {
        Box::pin(std::future::ready(Ok(want)))
    }
}

#[tokio::test]
async fn what_does_not_wait_waits_for_the_probe_of_another_process() {
    let others = Arc::new(Others::default());
    let share: Arc<dyn Share> = Arc::<Others>::clone(&others);
    let setup = Setup { policy: slow_breaker, while_down: WhileDown::Fail, ..Setup::default() };
    let rig = Rig::beside(Some(share), setup);
    rig.deliverer.pause(&erp(), "only the sink matters here");
    let heard = |left: Option<Duration>| {
        let shut = left.map(|left| ("put", (Instant::now() + left, Duration::from_secs(2))));
        let dispatcher = rig.deliverer.dispatchers.get(SINK).unwrap();
        dispatcher.guards.heed(&shut.into_iter().collect::<BTreeMap<_, _>>());
    };
    *rig.twin.down.lock().unwrap() = true;
    let first = rig.order(1001, 1, "captured").await;
    rig.until(first, SINK, is_given_up).await;
    rig.so("it is time to try", || gate(&rig, SINK) == GateState::HalfOpen).await;

    // Another process tries it: what comes meanwhile waits, be it found again and again that it does.
    let before = rig.twin.requests();
    let waits = |lane: &Lane| lane.code == Some(LaneCode::BreakerOpen) && lane.wants.len() == 1;
    let second = rig.order(1002, 1, "captured").await;
    rig.until(second, SINK, waits).await;
    let began = Instant::now();
    rig.so("it asks again", || {
        assert_eq!(gate(&rig, SINK), GateState::HalfOpen);
        began.elapsed() > Duration::from_millis(2500)
    })
    .await;
    rig.until(second, SINK, waits).await;
    assert!(todos(&rig, second).await.is_empty() && rig.twin.requests() == before);

    // It came to nothing.
    heard(Some(Duration::from_secs(2)));
    rig.until(second, SINK, is_given_up).await;
    assert_eq!((todos(&rig, second).await.len(), rig.twin.requests()), (1, before));

    // The next one is answered.
    up(&rig);
    rig.so("it is time to try", || gate(&rig, SINK) == GateState::HalfOpen).await;
    let third = rig.order(1003, 1, "captured").await;
    rig.until(third, SINK, waits).await;
    heard(None);
    rig.delivered(third, SINK).await;
    assert!(todos(&rig, third).await.is_empty());
    assert_eq!(gate(&rig, SINK), GateState::Closed);
}

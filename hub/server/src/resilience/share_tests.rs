//! Several processes that call one system: what one finds out holds for all.

use super::tests::{Answer, System, lost, step};
use orderhub_connectors::error::CallError;

use super::*;

/// What processes share of one system: breakers, and who tries.
#[derive(Debug, Default)]
struct Table(Mutex<BTreeMap<String, (Instant, Option<u32>)>>);

/// One of the processes.
#[derive(Debug)]
struct Process(Arc<Table>, u32);

impl Share for Process {
    fn shut(&self, operation: &str, left: Duration, _: Duration) {
        let row = (Instant::now() + left, None);
        self.0.0.lock().unwrap().insert(operation.to_owned(), row);
    }

    fn opened(&self, operation: &str) {
        self.0.0.lock().unwrap().remove(operation);
    }

    fn throttled(&self, _: &str, _: Duration) {}

    fn may_probe<'a>(&'a self, operation: &'a str) -> BoxFuture<'a, bool> {
        let mut rows = self.0.0.lock().unwrap();
        let may = match rows.get_mut(operation) {
            None => true,
            Some((until, by)) => *until <= Instant::now() && *by.get_or_insert(self.1) == self.1,
        };
        Box::pin(std::future::ready(may))
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

fn heed(table: &Table, all: &[Arc<Guards>]) {
    let rows = table.0.lock().unwrap();
    let shuts = rows.iter().map(|(name, (until, _))| (name.as_str(), (*until, ASK_AGAIN)));
    let shuts: BTreeMap<_, _> = shuts.collect();
    all.iter().for_each(|guards| guards.heed(&shuts));
}

#[tokio::test(start_paused = true)]
async fn of_all_processes_one_tries_a_refused_credential() {
    let table = Arc::new(Table::default());
    let guards = |number| {
        let share: Arc<dyn Share> = Arc::new(Process(Arc::clone(&table), number));
        Guards::shared(&Policy::default(), Jitter::none(), Some(share)).unwrap()
    };
    let all = [guards(1), guards(2), guards(3)];
    let denied =
        || Answer::Fails(CallError::NotAllowed { status: Some(401), why: "401".to_owned() });
    let system = System::new([denied(), denied()]);
    let call =
        async |guards: &Arc<Guards>| stack(Arc::clone(guards)).call(&step(&system, true)).await;
    call(&all[0]).await.unwrap_err();
    heed(&table, &all);
    for guards in &all {
        let failure = call(guards).await.unwrap_err();
        assert!(matches!(failure.cause, Cause::Refused(_)), "{failure:?}");
    }
    assert_eq!(system.calls(), 1, "what one was told holds for all");
    // When it may be tried again, one does; the others hear what came of it.
    tokio::time::advance(credential::PROBE_EVERY).await;
    heed(&table, &all);
    let probe = all[1].pass("create", "default", None, None).await.unwrap();
    for guards in [&all[0], &all[2]] {
        let failure = call(guards).await.unwrap_err();
        assert!(matches!(failure.cause, Cause::Refused(_)), "{failure:?}");
    }
    drop(probe);
    call(&all[1]).await.unwrap_err();
    heed(&table, &all);
    assert_eq!(system.calls(), 2);
    assert!(call(&all[0]).await.is_err() && system.calls() == 2, "refused again, for all");
    // A person says that it is another, to one of them.
    all[2].all_accepted();
    heed(&table, &all);
    for guards in &all {
        call(guards).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_breaker_that_a_person_closes_is_closed_for_all() {
    let table = Arc::new(Table::default());
    let guards = |number| {
        let share: Arc<dyn Share> = Arc::new(Process(Arc::clone(&table), number));
        let breaker = BreakerPolicy { consecutive: 1, ..BreakerPolicy::default() };
        let policy = Policy { breaker, ..Policy::default() };
        Guards::shared(&policy, Jitter::none(), Some(share)).unwrap()
    };
    let all = [guards(1), guards(2)];
    let system = System::new([lost()]);
    stack(Arc::clone(&all[0])).call(&step(&system, false)).await.unwrap_err();
    heed(&table, &all);
    assert!(all.iter().all(|guards| guards.would_pass("create").is_err()));
    all[1].force("create", None);
    heed(&table, &all);
    assert!(all.iter().all(|guards| guards.would_pass("create").is_ok()));
}

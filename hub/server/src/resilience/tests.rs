//! The order of the stack, pinned, and what its layers do together.

use std::collections::VecDeque;

use orderhub_connectors::error::CallError;

use super::*;

/// A system that gives scripted answers; when they run out, good ones.
#[derive(Default)]
pub(super) struct System {
    script: Mutex<VecDeque<Answer>>,
    calls: Mutex<u32>,
}

#[derive(Clone)]
pub(super) enum Answer {
    Fails(CallError),
    Hangs,
    /// Nothing left.
    CutOff,
}

impl System {
    pub(super) fn new(script: impl IntoIterator<Item = Answer>) -> Self {
        Self { script: Mutex::new(script.into_iter().collect()), ..Self::default() }
    }

    pub(super) fn calls(&self) -> u32 {
        *self.calls.lock().unwrap()
    }
}

impl Exchange for System {
    fn run(&self) -> BoxFuture<'_, Result<Exchanged, Cause>> {
        Box::pin(async {
            *self.calls.lock().unwrap() += 1;
            let answer = self.script.lock().unwrap().pop_front();
            match answer {
                None => Ok(Exchanged::default()),
                Some(Answer::Fails(error)) => Err(Cause::Call(error)),
                Some(Answer::CutOff) => Err(Cause::CutOff),
                Some(Answer::Hangs) => std::future::pending().await,
            }
        })
    }
}

fn not_acted() -> Answer {
    Answer::Fails(CallError::NotActed { why: "busy".to_owned(), retry_after: None })
}

pub(super) fn lost() -> Answer {
    Answer::Fails(CallError::MayHaveActed { why: "504".to_owned() })
}

fn throttled(seconds: u64) -> Answer {
    let retry_after = Some(Duration::from_secs(seconds));
    Answer::Fails(CallError::Throttled { why: "429".to_owned(), retry_after })
}

fn guards(consecutive: u32, limit: Option<(&str, u32)>) -> Arc<Guards> {
    let rate = limit.map(|(rate, burst): (&str, u32)| {
        let rate: crate::config::Rate = rate.parse().unwrap();
        Rate::new(rate.calls.get(), rate.per, burst.try_into().unwrap()).unwrap()
    });
    let limits = rate.map(|rate| ("default".to_owned(), rate)).into_iter().collect();
    let breaker = BreakerPolicy { consecutive, ..BreakerPolicy::default() };
    Guards::new(&Policy { breaker, limits, ..Policy::default() }, Jitter::none()).unwrap()
}

pub(super) fn step(system: &System, repeatable: bool) -> Step<'_> {
    Step {
        operation: "create",
        limit: "default",
        key: None,
        about: 0,
        timeout: Duration::from_millis(500),
        repeatable,
        until: Instant::now() + Duration::from_secs(60),
        prepaid: Prepaid::default(),
        reserve: None,
        exchange: system,
    }
}

/// What pins the order of the layers: each is run on every order, see [`orders`].
async fn waiting_for_a_token_is_not_a_slow_system<C: Caller>(build: fn(Arc<Guards>) -> C) {
    let stack = build(guards(5, Some(("1/s", 1))));
    let system = System::default();
    let (first, second) = (step(&system, false), step(&system, false));
    let (first, second) = tokio::join!(stack.call(&first), stack.call(&second));
    first.unwrap();
    second.unwrap();
}

async fn every_attempt_counts_and_a_shut_gate_ends_the_retries<C: Caller>(
    build: fn(Arc<Guards>) -> C,
) {
    let guards = guards(2, None);
    let system = System::new([not_acted(), not_acted(), not_acted()]);
    let failure = build(Arc::clone(&guards)).call(&step(&system, false)).await.unwrap_err();
    assert!(matches!(failure.cause, Cause::Call(CallError::NotActed { .. })), "{failure:?}");
    assert_eq!(system.calls(), 2, "the third attempt was not spent");
    assert_eq!(guards.gates().first().unwrap().1, GateState::Open);
}

async fn every_attempt_takes_a_token<C: Caller>(build: fn(Arc<Guards>) -> C) {
    let stack = build(guards(5, Some(("1/s", 1))));
    let system = System::new([not_acted(), not_acted()]);
    let start = Instant::now();
    stack.call(&step(&system, false)).await.unwrap();
    assert!(start.elapsed() >= Duration::from_millis(1_990), "{:?}", start.elapsed());
}

async fn a_refused_attempt_takes_no_token<C: Caller>(build: fn(Arc<Guards>) -> C) {
    let guards = guards(1, Some(("1/m", 2)));
    let stack = build(Arc::clone(&guards));
    let system = System::new([not_acted()]);
    stack.call(&step(&system, false)).await.unwrap_err();
    for _ in 0..3 {
        let failure = stack.call(&step(&system, false)).await.unwrap_err();
        assert!(matches!(failure.cause, Cause::Shut(Some(_))));
    }
    assert!(guards.limits.take("default", None).is_ok(), "the second token is still there");
}

async fn a_system_that_hangs_is_tried_again<C: Caller>(build: fn(Arc<Guards>) -> C) {
    let system = System::new([Answer::Hangs]);
    build(guards(5, None)).call(&step(&system, true)).await.unwrap();
    assert_eq!(system.calls(), 2);
}

async fn a_system_that_hangs_is_ill<C: Caller>(build: fn(Arc<Guards>) -> C) {
    let guards = guards(1, None);
    let system = System::new([Answer::Hangs]);
    let failure = build(Arc::clone(&guards)).call(&step(&system, false)).await.unwrap_err();
    assert!(matches!(failure.cause, Cause::Call(CallError::MayHaveActed { .. })), "{failure:?}");
    assert_eq!(guards.gates().first().unwrap().1, GateState::Open);
}

/// Runs one pin on one order with its own paused time: whether it holds.
fn holds<F: Future<Output = ()>>(pin: impl FnOnce() -> F) -> bool {
    let run = std::panic::AssertUnwindSafe(|| {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        let runtime = builder.enable_all().start_paused(true).build().unwrap();
        runtime.block_on(async { tokio::time::timeout(Duration::from_secs(3600), pin()).await })
    });
    matches!(std::panic::catch_unwind(run), Ok(Ok(())))
}

fn timed<C>(inner: C, _: &Arc<Guards>) -> Timed<C> {
    Timed::new(inner)
}

fn paced<C>(inner: C, guards: &Arc<Guards>) -> Paced<C> {
    Paced::new(inner, Arc::clone(guards))
}

fn gated<C>(inner: C, guards: &Arc<Guards>) -> Gated<C> {
    Gated::new(inner, Arc::clone(guards))
}

fn retried<C>(inner: C, guards: &Arc<Guards>) -> Retried<C> {
    Retried::new(inner, Arc::clone(guards))
}

/// The names of the orders, innermost layer first, that pass all pins.
macro_rules! orders {
    ($($first:ident $second:ident $third:ident $fourth:ident,)*) => {{
        let mut passing: Vec<&str> = Vec::new();
        $({
            fn build(guards: Arc<Guards>) -> impl Caller {
                let inner = $second($first(Wire, &guards), &guards);
                $fourth($third(inner, &guards), &guards)
            }
            let all = [
                holds(|| waiting_for_a_token_is_not_a_slow_system(build)),
                holds(|| every_attempt_counts_and_a_shut_gate_ends_the_retries(build)),
                holds(|| every_attempt_takes_a_token(build)),
                holds(|| a_refused_attempt_takes_no_token(build)),
                holds(|| a_system_that_hangs_is_tried_again(build)),
                holds(|| a_system_that_hangs_is_ill(build)),
            ];
            if all == [true; 6] {
                passing.push(stringify!($first $second $third $fourth));
            }
        })*
        passing
    }};
}

#[test]
fn of_all_orders_of_the_layers_exactly_the_one_of_the_stack_passes() {
    let passing = orders![
        timed paced gated retried, timed paced retried gated, timed gated paced retried,
        timed gated retried paced, timed retried paced gated, timed retried gated paced,
        paced timed gated retried, paced timed retried gated, paced gated timed retried,
        paced gated retried timed, paced retried timed gated, paced retried gated timed,
        gated timed paced retried, gated timed retried paced, gated paced timed retried,
        gated paced retried timed, gated retried timed paced, gated retried paced timed,
        retried timed paced gated, retried timed gated paced, retried paced timed gated,
        retried paced gated timed, retried gated timed paced, retried gated paced timed,
    ];
    assert_eq!(passing, ["timed paced gated retried"]);
    fn same(_: Retried<Gated<Paced<Timed<Wire>>>>) {}
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async { same(stack(guards(5, None))) });
}

#[tokio::test(start_paused = true)]
async fn a_stale_answer_stands_in_only_when_all_retries_have_failed() {
    let guards = guards(5, None);
    let stack = stack(guards);
    let clock = crate::clock::Clock::starting_at("2026-11-22T10:00:00Z".parse().unwrap());
    let cache = stale::Cache::new("erp", clock);
    let allowance =
        stale::Allowance { fresh_for: Duration::from_secs(1), stale_for: Duration::from_secs(60) };
    let system = System::new([]);
    let read = async || {
        let ask = async || match stack.call(&step(&system, true)).await {
            Ok(_) => Ok(bytes::Bytes::from("7")),
            Err(failure) => Err(failure.to_string().into()),
        };
        cache.read("stock", allowance, ask).await.unwrap()
    };
    assert!(matches!(read().await, stale::Answered::Fresh(_)));
    tokio::time::advance(Duration::from_secs(2)).await;
    *system.script.lock().unwrap() = [lost(), lost()].into();
    assert!(matches!(read().await, stale::Answered::Fresh(_)), "the third attempt answered");
    tokio::time::advance(Duration::from_secs(2)).await;
    *system.script.lock().unwrap() = [lost(), lost(), lost()].into();
    let stale::Answered::Stale(stale) = read().await else { panic!("not stale") };
    assert!(stale.age >= Duration::from_secs(2));
}

#[tokio::test(start_paused = true)]
async fn a_write_that_may_have_happened_is_not_repeated() {
    let system = System::new([lost()]);
    let failure = stack(guards(5, None)).call(&step(&system, false)).await.unwrap_err();
    assert!(failure.may_have_acted());
    assert_eq!(system.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_may_have_acted_stays_so_whatever_ends_the_call() {
    let system = System::new([lost(), not_acted(), not_acted()]);
    let failure = stack(guards(5, None)).call(&step(&system, true)).await.unwrap_err();
    assert!(matches!(failure.cause, Cause::Call(CallError::NotActed { .. })));
    assert!(failure.may_have_acted());
}

#[tokio::test(start_paused = true)]
async fn retry_after_is_a_lower_bound_and_pauses_every_caller() {
    let guards = guards(5, None);
    let stack = stack(Arc::clone(&guards));
    let system = System::new([throttled(2)]);
    let start = Instant::now();
    let (other, throttled) = (System::default(), step(&system, false));
    let second = async {
        tokio::time::sleep(Duration::from_millis(10)).await;
        stack.call(&step(&other, false)).await.unwrap();
        start.elapsed()
    };
    let (first, second) = tokio::join!(stack.call(&throttled), second);
    first.unwrap();
    assert!(start.elapsed() >= Duration::from_secs(2));
    assert!(second >= Duration::from_secs(2), "the other caller waited too: {second:?}");
}

#[tokio::test(start_paused = true)]
async fn a_long_retry_after_leaves_the_call_at_once() {
    let guards = guards(5, None);
    let system = System::new([throttled(120)]);
    let start = Instant::now();
    let failure = stack(Arc::clone(&guards)).call(&step(&system, false)).await.unwrap_err();
    assert!(matches!(failure.cause, Cause::Call(CallError::Throttled { .. })));
    assert_eq!(start.elapsed(), Duration::ZERO);
    let failure = guards.pass("create", "default", None, None).await.unwrap_err();
    assert!(matches!(failure.cause, Cause::Limited(left) if left > Duration::from_secs(100)));
    assert!(guards.would_pass("create").is_ok(), "throttling is no illness");
}

#[tokio::test(start_paused = true)]
async fn a_refused_credential_stops_the_account_but_not_the_breaker() {
    let guards = guards(1, None);
    let stack = stack(Arc::clone(&guards));
    let refused = Answer::Fails(CallError::NotAllowed { status: Some(401), why: "401".to_owned() });
    let system = System::new([refused]);
    stack.call(&step(&system, true)).await.unwrap_err();
    assert_eq!(system.calls(), 1);
    let failure = stack.call(&step(&system, true)).await.unwrap_err();
    assert!(matches!(failure.cause, Cause::Refused(_)));
    assert_eq!(guards.gates().first().unwrap().1, GateState::Closed);
    tokio::time::advance(credential::PROBE_EVERY).await;
    stack.call(&step(&system, true)).await.unwrap();
    assert!(!guards.proofs.of("create").is_refused());
}

#[tokio::test(start_paused = true)]
async fn what_is_forbidden_for_one_stops_no_other_until_it_repeats_for_different_ones() {
    let forbidden =
        || Answer::Fails(CallError::NotAllowed { status: Some(403), why: "403".to_owned() });
    let guards = guards(1, None);
    let stack = stack(Arc::clone(&guards));
    let system = System::new([forbidden(), forbidden(), forbidden(), forbidden()]);
    let step = |about| Step { about, ..step(&system, true) };
    for about in [1, 1, 1, 2] {
        stack.call(&step(about)).await.unwrap_err();
        assert!(!guards.proofs.of("create").is_refused(), "{about} is one of two");
    }
    stack.call(&step(3)).await.unwrap();
    let system = System::new([forbidden(), forbidden(), forbidden()]);
    for about in [3, 2, 1] {
        let step = Step { about, ..self::step(&system, true) };
        assert!(!guards.proofs.of("create").is_refused(), "an answer has come since");
        stack.call(&step).await.unwrap_err();
    }
    assert!(guards.proofs.of("create").is_refused(), "three in a row");
}

#[tokio::test(start_paused = true)]
async fn a_probe_without_a_token_is_not_spent() {
    let guards = guards(1, Some(("1/h", 1)));
    guards.pass("create", "default", None, None).await.unwrap();
    guards.proofs.of("create").refuse(Instant::now());
    tokio::time::advance(credential::PROBE_EVERY).await;
    let failure = guards.pass("create", "default", None, None).await.unwrap_err();
    assert!(matches!(failure.cause, Cause::Limited(_)), "{failure:?}");
    assert!(guards.proofs.of("create").would_admit(Instant::now()).is_ok(), "the next may probe");
    let pass = guards.pass("create", "other", None, None).await.unwrap();
    assert!(guards.proofs.of("create").would_admit(Instant::now()).is_err());
    drop(pass);
    assert!(guards.proofs.of("create").would_admit(Instant::now()).is_ok(), "it was not sent");
}

#[tokio::test(start_paused = true)]
async fn what_the_dispatcher_took_is_not_taken_twice() {
    let guards = guards(5, Some(("1/m", 1)));
    let pass = guards.pass("create", "default", None, None).await.unwrap();
    let system = System::default();
    let prepaid = Step { prepaid: pass.into(), ..step(&system, false) };
    let start = Instant::now();
    stack(guards).call(&prepaid).await.unwrap();
    assert_eq!(start.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_dropped_half_way_fails_its_probe() {
    let guards = guards(1, None);
    let stack = stack(Arc::clone(&guards));
    let system = System::new([not_acted(), Answer::Hangs]);
    stack.call(&step(&system, false)).await.unwrap_err();
    tokio::time::advance(Duration::from_secs(2)).await;
    let probe = step(&system, false);
    let dropped = tokio::time::timeout(Duration::from_millis(100), stack.call(&probe)).await;
    assert!(dropped.is_err());
    assert_eq!(guards.gates().first().unwrap().1, GateState::Open);
}

#[tokio::test(start_paused = true)]
async fn what_the_hub_did_not_send_is_no_word_of_the_system() {
    let guards = guards(1, None);
    let stack = stack(Arc::clone(&guards));
    let system = System::new([Answer::CutOff, not_acted(), Answer::CutOff, not_acted()]);
    let call = async || stack.call(&step(&system, true)).await;
    assert_eq!(call().await.unwrap_err().cause, Cause::CutOff);
    assert_eq!((system.calls(), guards.gates()[0].1), (1, GateState::Closed), "nobody tries again");
    call().await.unwrap_err();
    assert_eq!(guards.gates()[0].1, GateState::Open);
    guards.proofs.of("create").refuse(Instant::now());
    tokio::time::advance(credential::PROBE_EVERY).await;
    assert_eq!(call().await.unwrap_err().cause, Cause::CutOff);
    assert_eq!(guards.gates()[0].1, GateState::HalfOpen, "the probe is given back");
    assert!(guards.would_pass("create").is_ok(), "that of the credential, too");
    call().await.unwrap_err();
    assert_eq!(guards.gates()[0].1, GateState::Open, "and the next one counts");
}

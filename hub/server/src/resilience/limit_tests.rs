//! Limits of one process alone, and of several together.

use std::num::NonZeroU32;

use futures_util::future::BoxFuture;
use orderhub_connectors::contract::ToldLimit;

use super::*;

pub(super) fn rate_of(text: &str, burst: u32) -> Rate {
    let rate: crate::config::Rate = text.parse().unwrap();
    Rate::new(rate.calls.get(), rate.per, burst.try_into().unwrap()).unwrap()
}

pub(super) fn limits(name: &str, rate: &str, burst: u32) -> Limits {
    Limits::new(&BTreeMap::from([(name.to_owned(), rate_of(rate, burst))]))
}

#[test]
fn settings_only_lower() {
    let declared = rate_of("10/s", 20);
    let faster = rate_of("100/s", 40);
    let slower = rate_of("1/s", 2);
    assert_eq!(declared.lowered(faster), declared);
    assert_eq!(declared.lowered(slower), slower);
}

#[tokio::test(start_paused = true)]
async fn other_rates_take_the_place_of_those_that_changed_only() {
    let limits = limits("default", "1/s", 1);
    assert!(limits.take("default", None).is_ok());
    let both = |rate| BTreeMap::from([("default".to_owned(), rate), ("new".to_owned(), rate)]);
    limits.renew(&both(rate_of("1/s", 1)));
    assert!(limits.take("default", None).is_err(), "it goes on where it was");
    limits.renew(&both(rate_of("1/s", 2)));
    assert!(limits.take("default", None).is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_token_beyond_the_burst_is_waited_for() {
    let limits = limits("default", "10/s", 2);
    assert!(limits.take("default", None).is_ok());
    assert!(limits.take("default", None).is_ok());
    let wait = limits.take("default", None).unwrap_err();
    assert!(wait <= Duration::from_millis(100), "{wait:?}");
    let start = Instant::now();
    limits.acquire("default", None, Duration::from_secs(1)).await.unwrap();
    assert!(start.elapsed() >= Duration::from_millis(99));
}

#[tokio::test(start_paused = true)]
async fn a_wait_longer_than_allowed_is_told_at_once_and_takes_nothing() {
    let limits = limits("parcel", "1/30m", 1);
    assert!(limits.take("parcel", Some("A")).is_ok());
    let start = Instant::now();
    let longest = Duration::from_secs(2);
    let wait = limits.acquire("parcel", Some("A"), longest).await.unwrap_err();
    assert!(wait > Duration::from_secs(1700));
    assert_eq!(start.elapsed(), Duration::ZERO);
    assert!(limits.take("parcel", Some("B")).is_ok(), "each key has its own");
}

#[tokio::test(start_paused = true)]
async fn a_pause_by_the_system_holds_every_caller_of_that_name_only() {
    let limits = limits("default", "100/s", 100);
    limits.pause("default", Instant::now() + Duration::from_secs(30));
    limits.pause("default", Instant::now() + Duration::from_secs(5));
    assert!(limits.take("default", None).unwrap_err() > Duration::from_secs(29));
    assert!(limits.take("other", None).is_ok());
    tokio::time::advance(Duration::from_secs(31)).await;
    assert!(limits.take("default", None).is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_name_that_nobody_declared_is_free_until_the_system_throttles() {
    let limits = Limits::new(&BTreeMap::new());
    assert!(limits.take("default", None).is_ok());
    limits.pause("default", Instant::now() + Duration::from_secs(1));
    assert!(limits.take("default", None).is_err());
}

#[tokio::test(start_paused = true)]
async fn what_a_call_counted_as_is_paid_before_the_next() {
    let limits = limits("default", "10/s", 5);
    assert!(limits.take("default", None).is_ok());
    // It counted as 13 in all: four of the twelve others are there at once, eight take 100 ms each, and the next its own.
    limits.charge("default", None, 12);
    let wait = limits.take("default", None).unwrap_err();
    assert!(wait > Duration::from_millis(400) && wait <= Duration::from_millis(500), "{wait:?}");
    assert!(limits.take("other", None).is_ok(), "another limit owes nothing");
    let start = Instant::now();
    limits.acquire("default", None, Duration::from_secs(2)).await.unwrap();
    let took = start.elapsed();
    assert!(took >= Duration::from_millis(899) && took < Duration::from_millis(950), "{took:?}");
    limits.charge("default", Some("A"), 7);
    tokio::time::advance(Duration::from_millis(100)).await;
    assert!(limits.take("default", None).is_ok(), "the debt of a key is that key's");
    assert!(limits.take("default", Some("A")).is_err());
}

#[tokio::test(start_paused = true)]
async fn processes_pay_together_what_a_call_counted_as() {
    let others = UsedUp::new("A");
    let limits = others.limits("10/s", 5);
    limits.acquire("parcel", Some("A"), Duration::from_secs(1)).await.unwrap();
    let before = others.asked();
    limits.charge("parcel", Some("A"), 7);
    limits.acquire("parcel", Some("A"), Duration::from_secs(1)).await.unwrap();
    // Five and two of the debt, and its own.
    assert_eq!(others.asked() - before, 3);
    limits.charge("parcel", None, 2);
    let wait = limits.acquire("parcel", None, Duration::ZERO).await.unwrap_err();
    assert!(wait >= Duration::from_millis(1_199), "used up, and two are owed: {wait:?}");
}

pub(super) fn told(every_ms: u64, burst: u32) -> ToldLimit {
    let every = (every_ms > 0).then(|| Duration::from_millis(every_ms));
    ToldLimit { every, burst: NonZeroU32::new(burst), left: None }
}

/// How many calls there are at once.
fn at_once(limits: &Limits, name: &str) -> u32 {
    let mut calls = 0;
    while limits.take(name, None).is_ok() {
        calls += 1;
    }
    calls
}

fn shown(limits: &Limits, name: &str) -> (Duration, u32) {
    let row = limits.shown().into_iter().find(|(shown, ..)| shown == name).unwrap();
    let rate = row.1.unwrap();
    (rate.every, rate.burst.get())
}

#[tokio::test(start_paused = true)]
async fn a_rate_that_is_told_gives_no_fresh_burst() {
    let limits = limits("search", "1/s", 20);
    for _ in 0..15 {
        limits.take("search", None).unwrap();
    }
    // Slower, faster, a larger burst and the former one: of the five calls that are left none is lost, and none is new.
    for next in [told(4_000, 0), told(100, 0), told(0, 40), told(0, 7), told(1_000, 20)] {
        limits.told("search", next);
    }
    assert_eq!(shown(&limits, "search"), (Duration::from_secs(1), 20));
    assert_eq!(at_once(&limits, "search"), 5);
    limits.told("search", told(4_000, 0));
    let wait = limits.take("search", None).unwrap_err();
    assert!(wait > Duration::from_millis(3_900), "it is called at the new rate: {wait:?}");
    limits.told("search", told(100, 0));
    let wait = limits.take("search", None).unwrap_err();
    assert!(wait <= Duration::from_millis(100), "{wait:?}");
    tokio::time::advance(Duration::from_millis(1_000)).await;
    assert_eq!(at_once(&limits, "search"), 10, "faster than what was declared");
    limits.told("search", told(100, 3));
    tokio::time::advance(Duration::from_secs(60)).await;
    assert_eq!(at_once(&limits, "search"), 3);
}

#[tokio::test(start_paused = true)]
async fn a_slow_rate_is_told_as_well() {
    let limits = limits("search", "1/3m", 18);
    limits.take("search", None).unwrap();
    limits.told("search", told(178_571, 0));
    assert_eq!(at_once(&limits, "search"), 17);
    // What cannot be counted is not taken.
    limits.told("search", told(24 * 3_600_000, 100_000));
    assert_eq!(shown(&limits, "search").1, 18);
}

#[tokio::test(start_paused = true)]
async fn settings_stand_above_what_is_told_and_files_below() {
    let limits = limits("search", "1/s", 5);
    limits.allow(&BTreeMap::from([("search".to_owned(), rate_of("2/s", 8))]));
    limits.told("search", told(100, 50));
    assert_eq!(shown(&limits, "search"), (Duration::from_millis(500), 8));
    limits.told("search", told(3_000, 2));
    assert_eq!(shown(&limits, "search"), (Duration::from_secs(3), 2));
    // Other files declare it again: what was told holds, and nothing is free that was used.
    assert_eq!(at_once(&limits, "search"), 2);
    let declared = |name: &str| BTreeMap::from([(name.to_owned(), rate_of("1/s", 9))]);
    limits.renew(&declared("search"));
    assert_eq!(shown(&limits, "search"), (Duration::from_secs(3), 2));
    assert_eq!(at_once(&limits, "search"), 0);
    // A name that is gone is forgotten, and one that nobody declared has no rate to change.
    limits.renew(&declared("get"));
    limits.told("search", told(3_000, 2));
    limits.renew(&declared("search"));
    assert_eq!(shown(&limits, "search"), (Duration::from_secs(1), 9));
}

#[tokio::test(start_paused = true)]
async fn a_rate_that_is_told_gives_none_to_processes_together() {
    let others = UsedUp::new("");
    let limits = others.limits("1/s", 20);
    tokio::time::advance(Duration::from_secs(2)).await;
    // What they count is a time: twenty seconds that are used up are five calls at a quarter of the rate, fifteen
    // would seem to be free.
    limits.told("parcel", told(4_000, 0));
    limits.acquire("parcel", None, Duration::ZERO).await.unwrap();
    assert_eq!(others.wanted(), 16, "fifteen are paid before the next");
    limits.told("parcel", told(1_000, 0));
    limits.acquire("parcel", None, Duration::ZERO).await.unwrap();
    assert_eq!(others.wanted(), 17, "a faster one owes nothing");
}

/// Other processes that have used up a limit for a second, but for the calls of one key.
#[derive(Debug)]
struct UsedUp {
    until: Instant,
    free: &'static str,
    asked: std::sync::atomic::AtomicU32,
    wanted: std::sync::atomic::AtomicU32,
}

impl UsedUp {
    fn new(free: &'static str) -> Arc<Self> {
        let until = Instant::now() + Duration::from_secs(1);
        Arc::new(Self { until, free, asked: Default::default(), wanted: Default::default() })
    }

    fn limits(self: &Arc<Self>, rate: &str, burst: u32) -> Limits {
        let rates = BTreeMap::from([("parcel".to_owned(), rate_of(rate, burst))]);
        Limits::shared(&rates, Some(Arc::<Self>::clone(self)))
    }

    fn asked(&self) -> u32 {
        self.asked.load(std::sync::atomic::Ordering::Relaxed)
    }

    /// Calls that were asked for.
    fn wanted(&self) -> u32 {
        self.wanted.load(std::sync::atomic::Ordering::Relaxed)
    }
}

impl Share for UsedUp {
    fn shut(&self, _: &str, _: Duration, _: Duration) {}
    fn opened(&self, _: &str) {}
    fn throttled(&self, _: &str, _: Duration) {}
    fn may_probe<'a>(&'a self, _: &'a str) -> BoxFuture<'a, bool> {
        Box::pin(std::future::ready(true))
    }
    fn take<'a>(
        &'a self,
        _: &'a str,
        key: Option<&'a str>,
        _: Rate,
        want: u32,
    ) -> BoxFuture<'a, Result<u32, Duration>> {
        self.asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        self.wanted.fetch_add(want, std::sync::atomic::Ordering::Relaxed);
        let left = self.until.saturating_duration_since(Instant::now());
        let free = left.is_zero() || key == Some(self.free);
        Box::pin(std::future::ready(if free { Ok(want) } else { Err(left) }))
    }
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_a_key_holds_up_no_other() {
    let others = UsedUp::new("B");
    let limits = others.limits("1/s", 1);
    let (start, longest) = (Instant::now(), Duration::from_secs(5));
    let other = async {
        tokio::time::sleep(Duration::from_millis(10)).await;
        limits.acquire("parcel", Some("B"), longest).await.unwrap();
        start.elapsed()
    };
    let (first, other) = tokio::join!(limits.acquire("parcel", Some("A"), longest), other);
    first.unwrap();
    assert!(start.elapsed() >= Duration::from_secs(1));
    assert!(other < Duration::from_millis(20), "{other:?}");
}

#[tokio::test(start_paused = true)]
async fn what_one_was_told_all_who_wait_know() {
    let others = UsedUp::new("");
    let limits = others.limits("1000/s", 100);
    let wait = || limits.acquire("parcel", None, Duration::from_secs(5));
    let waits: Vec<_> = (0..50).map(|_| wait()).collect();
    futures_util::future::join_all(waits).await.into_iter().for_each(|took| took.unwrap());
    assert_eq!(others.asked(), 2, "once in vain, and once for all of them");
    let patience = Duration::from_millis(500);
    let others = UsedUp::new("B");
    let limits = others.limits("1/s", 1);
    for _ in 0..10 {
        let wait = limits.acquire("parcel", Some("A"), patience).await.unwrap_err();
        assert!(wait > patience);
    }
    assert_eq!(others.asked(), 1, "the answer holds until its time");
}

/// Other processes that answer when they are let.
#[derive(Debug)]
struct Slow {
    asked: Mutex<Vec<u32>>,
    answers: tokio::sync::Semaphore,
}

impl Slow {
    fn asked(&self) -> Vec<u32> {
        self.asked.lock().unwrap().clone()
    }
}

impl Share for Slow {
    fn shut(&self, _: &str, _: Duration, _: Duration) {}
    fn opened(&self, _: &str) {}
    fn throttled(&self, _: &str, _: Duration) {}
    fn may_probe<'a>(&'a self, _: &'a str) -> BoxFuture<'a, bool> {
        Box::pin(std::future::ready(true))
    }
    fn take<'a>(
        &'a self,
        _: &'a str,
        _: Option<&'a str>,
        _: Rate,
        want: u32,
    ) -> BoxFuture<'a, Result<u32, Duration>> {
        self.asked.lock().unwrap().push(want);
        Box::pin(async move {
            self.answers.acquire().await.unwrap().forget();
            Ok(want)
        })
    }
}

#[tokio::test(start_paused = true)]
async fn a_payment_that_is_dropped_forgets_no_debt() {
    let asked = Mutex::default();
    let others = Arc::new(Slow { asked, answers: tokio::sync::Semaphore::new(0) });
    let rates = BTreeMap::from([("parcel".to_owned(), rate_of("10/s", 5))]);
    let limits = Limits::shared(&rates, Some(Arc::<Slow>::clone(&others)));
    let call = || limits.acquire("parcel", Some("A"), Duration::from_secs(20));
    limits.charge("parcel", Some("A"), 7);
    let dropped = tokio::time::timeout(Duration::from_secs(5), call()).await;
    assert!(dropped.is_err(), "nobody answers");
    assert_eq!(others.asked(), [5]);
    // Who comes while another one pays waits for him, and calls after him.
    let (first, second, _) = tokio::join!(call(), call(), async {
        tokio::time::sleep(Duration::from_secs(5)).await;
        assert_eq!(others.asked(), [5, 5], "nobody calls before it is paid, nor pays it twice");
        others.answers.add_permits(4);
    });
    assert_eq!((first, second), (Ok(()), Ok(())));
    assert_eq!(others.asked(), [5, 5, 2, 1, 1], "all seven, and one each");
    // Nor does he wait for longer than he may.
    limits.charge("parcel", Some("A"), 1);
    let short = || limits.acquire("parcel", Some("A"), Duration::from_secs(1));
    let (paying, other) =
        tokio::join!(tokio::time::timeout(Duration::from_secs(9), call()), short());
    assert!(paying.is_err() && other.is_err(), "{other:?}");
    // Another key is held up by nobody.
    others.answers.add_permits(1);
    limits.acquire("parcel", Some("B"), Duration::from_secs(1)).await.unwrap();
}

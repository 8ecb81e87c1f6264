//! Cached reads: fresh ► call ► stale within its allowance, each answer with its age and source.
//!
//! One refresh at a time per key; who waits for a failed one shares its failure instead of queueing
//! behind a dead system. Bounded: at most [`MOST_ANSWERS`] answers are kept, the oldest leave first,
//! and a body over [`LARGEST_ANSWER`] is given but not kept.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use tokio::time::Instant;

use crate::clock::Clock;

/// Answers kept per system.
pub const MOST_ANSWERS: usize = 1_000;
/// A larger answer is not kept.
pub const LARGEST_ANSWER: usize = 1024 * 1024;

/// An answer that is as good as asking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fresh {
    /// The reply document.
    pub value: Bytes,
    /// When the system said so.
    pub as_of: Timestamp,
    /// How long ago that is; at most the read's `fresh_for`.
    pub age: Duration,
    /// Who said so.
    pub source: Arc<str>,
}

/// The last good answer of a system that does not answer now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stale {
    /// The reply document.
    pub value: Bytes,
    /// When the system said so.
    pub as_of: Timestamp,
    /// How long ago that is.
    pub age: Duration,
    /// Who said so.
    pub source: Arc<str>,
    /// Why it was not asked, or did not answer.
    pub why: String,
}

/// What a cached read gives.
///
/// **Invariant:** a stale answer is another type than a fresh one: who takes a [`Fresh`] cannot be
/// handed anything else, and where `stale_for` is zero there is no other. Tests:
/// `a_stale_answer_stands_in_with_its_age_and_no_longer_than_allowed`,
/// `where_nothing_may_be_stale_there_is_no_stale_answer`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answered {
    /// As good as asking.
    Fresh(Fresh),
    /// Old, with its age.
    Stale(Stale),
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoAnswer {
    /// For a person.
    pub why: String,
    /// Whether asking again may help.
    pub lack: Lack,
}

/// What kind of no it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lack {
    /// The system answered: it knows no such thing. No older answer stands in for that.
    Absent,
    /// It said no, or cannot be asked that: asked again, it gives the same.
    Refused,
    /// It may be better by itself: no answer, not now, not by us as long as our credential is refused.
    Later,
}

impl From<String> for NoAnswer {
    fn from(why: String) -> Self {
        Self { why, lack: Lack::Later }
    }
}

/// How long answers of a read are good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// No call is made so long.
    pub fresh_for: Duration,
    /// After that, so much longer the last answer may stand in when a call fails; zero: never.
    pub stale_for: Duration,
}

/// The answers of one system.
#[derive(Debug)]
pub struct Cache {
    source: Arc<str>,
    clock: Clock,
    entries: Mutex<BTreeMap<String, Arc<Entry>>>,
}

#[derive(Debug, Default)]
struct Entry {
    /// Held by the one that asks.
    asking: tokio::sync::Mutex<()>,
    last: Mutex<Last>,
}

#[derive(Clone, Debug, Default)]
struct Last {
    good: Option<(Bytes, Timestamp, Instant)>,
    failed: Option<(Instant, NoAnswer)>,
}

impl Entry {
    fn last(&self) -> Last {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Cache {
    /// An empty cache of a system.
    pub fn new(source: impl Into<Arc<str>>, clock: Clock) -> Self {
        Self { source: source.into(), clock, entries: Mutex::default() }
    }

    /// The answer for `key`: fresh, asked for by `ask`, or stale.
    ///
    /// # Errors
    ///
    /// Why `ask` failed, where no answer may stand in.
    ///
    /// # Cancel safety
    ///
    /// Dropped while asking, the next caller asks.
    pub async fn read<F>(
        &self,
        key: &str,
        allowance: Allowance,
        ask: impl FnOnce() -> F,
    ) -> Result<Answered, NoAnswer>
    where
        F: Future<Output = Result<Bytes, NoAnswer>>,
    {
        let entry = self.entry(key);
        if let Some(fresh) = self.fresh(&entry, allowance) {
            return Ok(Answered::Fresh(fresh));
        }
        let came = Instant::now();
        let _asking = entry.asking.lock().await;
        if let Some(fresh) = self.fresh(&entry, allowance) {
            return Ok(Answered::Fresh(fresh));
        }
        if let Some((at, why)) = entry.last().failed
            && at > came
        {
            return self.stale(&entry, allowance, why);
        }
        match ask().await {
            Ok(value) => Ok(Answered::Fresh(self.keep(&entry, value))),
            Err(why) => {
                let mut last = entry.last.lock().unwrap_or_else(PoisonError::into_inner);
                last.failed = Some((Instant::now(), why.clone()));
                drop(last);
                self.stale(&entry, allowance, why)
            }
        }
    }

    /// The answer for `key` if a fresh one is at hand; nobody is asked.
    pub fn at_hand(&self, key: &str, allowance: Allowance) -> Option<Fresh> {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = Arc::clone(entries.get(key)?);
        drop(entries);
        self.fresh(&entry, allowance)
    }

    /// The last good answer for `key`, if it may stand in where none came in time; nobody is asked.
    pub fn last_good(&self, key: &str, allowance: Allowance, why: &str) -> Option<Stale> {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = Arc::clone(entries.get(key)?);
        drop(entries);
        match self.stale(&entry, allowance, why.to_owned().into()) {
            Ok(Answered::Stale(stale)) => Some(stale),
            Ok(Answered::Fresh(_)) | Err(_) => None,
        }
    }

    fn entry(&self, key: &str) -> Arc<Entry> {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = entries.get(key) {
            return Arc::clone(entry);
        }
        while entries.len() >= MOST_ANSWERS {
            let age = |entry: &Entry| entry.last().good.map(|(_, _, at)| at);
            let oldest = entries.iter().min_by_key(|(_, entry)| age(entry));
            let Some(oldest) = oldest.map(|(key, _)| key.clone()) else { break };
            entries.remove(&oldest);
        }
        let entry = Arc::new(Entry::default());
        entries.insert(key.to_owned(), Arc::clone(&entry));
        entry
    }

    fn fresh(&self, entry: &Entry, allowance: Allowance) -> Option<Fresh> {
        let (value, as_of, at) = entry.last().good?;
        let age = at.elapsed();
        let source = Arc::clone(&self.source);
        (age < allowance.fresh_for).then_some(Fresh { value, as_of, age, source })
    }

    fn keep(&self, entry: &Entry, value: Bytes) -> Fresh {
        let as_of = self.clock.now();
        let mut last = entry.last.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = value.len() <= LARGEST_ANSWER;
        last.good = kept.then(|| (value.clone(), as_of, Instant::now()));
        last.failed = None;
        Fresh { value, as_of, age: Duration::ZERO, source: Arc::clone(&self.source) }
    }

    fn stale(
        &self,
        entry: &Entry,
        allowance: Allowance,
        no: NoAnswer,
    ) -> Result<Answered, NoAnswer> {
        let good = entry.last().good.filter(|_| no.lack != Lack::Absent);
        let Some((value, as_of, at)) = good else { return Err(no) };
        let age = at.elapsed();
        let bound = allowance.fresh_for.saturating_add(allowance.stale_for);
        if allowance.stale_for.is_zero() || age > bound {
            return Err(no);
        }
        let source = Arc::clone(&self.source);
        Ok(Answered::Stale(Stale { value, as_of, age, source, why: no.why }))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    const ALLOWANCE: Allowance =
        Allowance { fresh_for: Duration::from_secs(30), stale_for: Duration::from_secs(60) };

    fn cache() -> Cache {
        Cache::new("erp", Clock::starting_at("2026-11-22T10:00:00Z".parse().unwrap()))
    }

    async fn good(cache: &Cache, allowance: Allowance) -> Answered {
        cache.read("stock A", allowance, async || Ok(Bytes::from("7"))).await.unwrap()
    }

    async fn bad(cache: &Cache, allowance: Allowance) -> Result<Answered, NoAnswer> {
        cache.read("stock A", allowance, async || Err("down".to_owned().into())).await
    }

    #[tokio::test(start_paused = true)]
    async fn a_fresh_answer_is_given_without_a_call() {
        let cache = cache();
        good(&cache, ALLOWANCE).await;
        tokio::time::advance(Duration::from_secs(29)).await;
        let Answered::Fresh(fresh) = bad(&cache, ALLOWANCE).await.unwrap() else {
            panic!("not fresh")
        };
        assert_eq!((&*fresh.value, fresh.age.as_secs(), &*fresh.source), (&b"7"[..], 29, "erp"));
        assert_eq!(fresh.as_of, "2026-11-22T10:00:00Z".parse().unwrap());
    }

    #[tokio::test(start_paused = true)]
    async fn a_stale_answer_stands_in_with_its_age_and_no_longer_than_allowed() {
        let cache = cache();
        good(&cache, ALLOWANCE).await;
        tokio::time::advance(Duration::from_secs(89)).await;
        let Answered::Stale(stale) = bad(&cache, ALLOWANCE).await.unwrap() else {
            panic!("not stale")
        };
        assert_eq!((stale.age.as_secs(), stale.why.as_str()), (89, "down"));
        let last = cache.last_good("stock A", ALLOWANCE, "late").unwrap();
        assert_eq!((last.age.as_secs(), last.why.as_str()), (89, "late"));
        tokio::time::advance(Duration::from_secs(2)).await;
        assert_eq!(bad(&cache, ALLOWANCE).await.unwrap_err().why, "down");
        assert_eq!(cache.last_good("stock A", ALLOWANCE, "late"), None);
    }

    #[tokio::test(start_paused = true)]
    async fn where_nothing_may_be_stale_there_is_no_stale_answer() {
        let cache = cache();
        let never = Allowance { stale_for: Duration::ZERO, ..ALLOWANCE };
        good(&cache, never).await;
        tokio::time::advance(Duration::from_secs(30)).await;
        assert_eq!(bad(&cache, never).await.unwrap_err().why, "down");
        assert_eq!(cache.last_good("stock A", never, "late"), None);
    }

    #[tokio::test(start_paused = true)]
    async fn what_a_system_says_there_is_not_has_no_older_answer() {
        let cache = cache();
        good(&cache, ALLOWANCE).await;
        tokio::time::advance(Duration::from_secs(31)).await;
        let no = NoAnswer { why: "404".to_owned(), lack: Lack::Absent };
        let given = no.clone();
        assert_eq!(cache.read("stock A", ALLOWANCE, async || Err(given)).await, Err(no));
    }

    #[tokio::test(start_paused = true)]
    async fn many_readers_make_one_call_and_share_its_failure() {
        let cache = cache();
        let calls = AtomicU32::new(0);
        let read = || {
            cache.read("stock A", ALLOWANCE, async || {
                calls.fetch_add(1, Ordering::Relaxed);
                tokio::time::sleep(Duration::from_secs(10)).await;
                Err("down".to_owned().into())
            })
        };
        let answers = tokio::join!(read(), read(), read());
        assert!(answers.0.is_err() && answers.1.is_err() && answers.2.is_err());
        assert_eq!(calls.into_inner(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn the_oldest_answers_leave_first() {
        let cache = cache();
        for number in 0..=MOST_ANSWERS {
            let key = number.to_string();
            cache.read(&key, ALLOWANCE, async || Ok(Bytes::from("1"))).await.unwrap();
            tokio::time::advance(Duration::from_millis(1)).await;
        }
        let entries = cache.entries.lock().unwrap();
        assert_eq!(entries.len(), MOST_ANSWERS);
        assert!(!entries.contains_key("0") && entries.contains_key("1"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_huge_answer_is_given_but_not_kept() {
        let cache = cache();
        let huge = Bytes::from(vec![b'x'; LARGEST_ANSWER + 1]);
        cache.read("stock A", ALLOWANCE, async || Ok(huge)).await.unwrap();
        assert!(bad(&cache, ALLOWANCE).await.is_err());
    }
}

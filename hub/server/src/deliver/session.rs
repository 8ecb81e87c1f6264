//! The session of a system whose credential ends: asked for before the first call, shortly before it ends, and
//! once when a call is refused.
//!
//! It lives in memory alone: another process asks for its own, and a restart asks anew.
//!
//! **Invariants:** (1) of all calls that need a session at one moment, one asks for it; the others take what it got,
//! its failure too. (2) A session that was refused is not sent again, and one that came after it is not thrown away.
//! Tests: `many_calls_ask_for_one_session`, `a_session_that_ended_is_renewed_without_a_refused_call`,
//! `a_login_that_is_refused_waits_like_a_refused_credential`.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use orderhub_connectors::contract::Session;
use orderhub_connectors::error::CallError;

/// A session is renewed so long before its end, or when a tenth of its life is left: whichever is later.
const BEFORE_END: Duration = Duration::from_secs(60);

/// So many of the last sessions are hidden where a system says them again: some call with an older one may still be in the air.
const REMEMBERED: usize = 4;

/// A session that is sent.
#[derive(Clone, Debug)]
pub(super) struct Held {
    /// Counts sessions: what was refused is told from what came after it.
    number: u64,
    pub(super) session: Arc<Session>,
    until: Option<Timestamp>,
}

/// The session of one system.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    held: Mutex<Option<Held>>,
    /// The last ones, whether they are sent any more or not.
    given: Mutex<VecDeque<Arc<Session>>>,
    /// One login at a time: how many there were, and how the last one failed.
    turn: tokio::sync::Mutex<Logins>,
    /// The same number, read without waiting for a turn.
    logins: std::sync::atomic::AtomicU64,
}

#[derive(Debug, Default)]
struct Logins {
    number: u64,
    failed: Option<CallError>,
}

impl Sessions {
    /// The session to send now; `login` asks for one where there is none, or it is about to end.
    ///
    /// # Errors
    ///
    /// What the login said.
    ///
    /// # Cancel safety
    ///
    /// A login that is dropped half-way counts as none: the next call asks again.
    pub(super) async fn now<F>(
        &self,
        now: impl Fn() -> Timestamp,
        login: impl FnOnce() -> F,
    ) -> Result<Held, CallError>
    where
        F: Future<Output = Result<Session, CallError>>,
    {
        use std::sync::atomic::Ordering::{Acquire, Release};
        if let Some(held) = self.fresh(now()) {
            return Ok(held);
        }
        let before = self.logins.load(Acquire);
        let mut turn = self.turn.lock().await;
        if let Some(held) = self.fresh(now()) {
            return Ok(held);
        }
        if turn.number > before
            && let Some(error) = &turn.failed
        {
            return Err(error.clone());
        }
        let made = login().await;
        turn.number += 1;
        turn.failed = made.as_ref().err().cloned();
        self.logins.store(turn.number, Release);
        let session = Arc::new(made?);
        let until = session.lives.map(|lives| end(now(), lives));
        self.remember(&session);
        let held = Held { number: turn.number, session, until };
        *self.held() = Some(held.clone());
        Ok(held)
    }

    /// The system refused a call with this session.
    pub(super) fn refused(&self, with: &Held) {
        let mut held = self.held();
        if held.as_ref().is_some_and(|held| held.number == with.number) {
            *held = None;
        }
    }

    /// What the last logins gave.
    pub(super) fn values(&self) -> Vec<String> {
        let given = self.given.lock().unwrap_or_else(PoisonError::into_inner);
        given.iter().flat_map(|session| session.values.values().cloned()).collect()
    }

    fn remember(&self, session: &Arc<Session>) {
        let mut given = self.given.lock().unwrap_or_else(PoisonError::into_inner);
        given.push_front(Arc::clone(session));
        given.truncate(REMEMBERED);
    }

    fn fresh(&self, now: Timestamp) -> Option<Held> {
        let held = self.held();
        held.as_ref().filter(|held| held.until.is_none_or(|until| now < until)).cloned()
    }

    fn held(&self) -> std::sync::MutexGuard<'_, Option<Held>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// When a session is renewed that was given now and lives so long.
fn end(now: Timestamp, lives: Duration) -> Timestamp {
    let lasts = lives.saturating_sub(BEFORE_END.min(lives / 10));
    let lasts = SignedDuration::try_from(lasts).unwrap_or(SignedDuration::MAX);
    now.checked_add(lasts).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_764_000_000 + seconds).unwrap()
    }

    fn session(token: &str, lives: Option<u64>) -> Session {
        let values = BTreeMap::from([("token".to_owned(), token.to_owned())]);
        Session { values, lives: lives.map(Duration::from_secs) }
    }

    fn token(held: &Held) -> &str {
        held.session.values.get("token").unwrap()
    }

    #[tokio::test]
    async fn many_calls_ask_for_one_session() {
        let sessions = Sessions::default();
        let asked = AtomicU64::new(0);
        let one = || {
            sessions.now(
                || at(0),
                || async {
                    tokio::task::yield_now().await;
                    asked.fetch_add(1, Ordering::Relaxed);
                    Ok(session("T", None))
                },
            )
        };
        let all = futures_util::future::join_all((0..20).map(|_| one())).await;
        assert!(all.iter().all(|held| token(held.as_ref().unwrap()) == "T"));
        assert_eq!(asked.load(Ordering::Relaxed), 1);
    }

    #[tokio::test]
    async fn many_calls_share_the_failure_of_one_login() {
        let sessions = Sessions::default();
        let asked = AtomicU64::new(0);
        let refused = || CallError::NotAllowed { status: None, why: "wrong".to_owned() };
        let one = || {
            sessions.now(
                || at(0),
                || async {
                    tokio::task::yield_now().await;
                    asked.fetch_add(1, Ordering::Relaxed);
                    Err(refused())
                },
            )
        };
        let all = futures_util::future::join_all((0..20).map(|_| one())).await;
        assert!(all.iter().all(|held| held.as_ref().unwrap_err() == &refused()));
        assert_eq!(asked.load(Ordering::Relaxed), 1);
        // A later call asks again.
        assert!(one().await.is_err());
        assert_eq!(asked.load(Ordering::Relaxed), 2);
    }

    #[tokio::test]
    async fn a_session_is_renewed_shortly_before_it_ends() {
        let sessions = Sessions::default();
        for (lives, kept, renewed) in [(3600, 3539, 3540), (100, 89, 90)] {
            let sessions = Sessions::default();
            let first =
                |now| sessions.now(move || at(now), || async { Ok(session("1", Some(lives))) });
            let second = |now| sessions.now(move || at(now), || async { Ok(session("2", None)) });
            assert_eq!(token(&first(0).await.unwrap()), "1");
            assert_eq!(token(&second(kept).await.unwrap()), "1");
            assert_eq!(token(&second(renewed).await.unwrap()), "2");
        }
        let held = sessions.now(|| at(0), || async { Ok(session("1", Some(0))) }).await.unwrap();
        assert_eq!(token(&held), "1", "what ends at once is sent once");
    }

    #[tokio::test]
    async fn what_was_refused_is_not_sent_again_and_what_came_after_it_is_kept() {
        let sessions = Sessions::default();
        let next = |name: &'static str| {
            sessions.now(|| at(0), move || async move { Ok(session(name, None)) })
        };
        let first = next("1").await.unwrap();
        sessions.refused(&first);
        let second = next("2").await.unwrap();
        assert_eq!(token(&second), "2");
        // Another call with the first is refused late.
        sessions.refused(&first);
        assert_eq!(token(&next("3").await.unwrap()), "2");
    }
}

//! How a twin tells the hub: webhooks with duplicates, disorder and retries, as real systems send them.
//!
//! The same messages can be handed to any [`Carrier`], so that a test publishes the very bytes to a
//! queue that a shop would send as webhooks.
//!
//! **Invariant:** every message is carried at least once and given up only after [`Habits::tries`];
//! what was given up is counted. Tests:
//! `an_untidy_sender_loses_nothing_doubles_some_and_shuffles_within_its_bound`,
//! `a_message_that_nobody_takes_is_given_up_and_counted`. **Bounds:** [`QUEUE`] messages wait, `disorder` are held back for
//! shuffling, `in_flight` are under way; a full queue makes the twin wait.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::body::Bytes;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde::Serialize;
use tokio::sync::{Semaphore, mpsc};

use crate::clock::Clock;

/// Messages that wait to be sent.
pub const QUEUE: usize = 4_096;

/// One thing a twin says.
#[derive(Clone, Debug)]
pub struct Message {
    /// The sender's id of it: the same for each copy and each retry.
    pub id: String,
    /// `orders/create`, `release.updated`
    pub topic: String,
    /// What it is about, by the twin's own number.
    pub subject: String,
    /// Counts the messages about one subject.
    pub sequence: u64,
    /// Headers without the proof.
    pub headers: Vec<(String, String)>,
    /// The exact bytes.
    pub body: Bytes,
}

/// What a carrier gives back: whether the receiver has taken the message for good.
pub type Taken = Pin<Box<dyn Future<Output = bool> + Send>>;

/// Brings messages to the hub.
pub trait Carrier: Send + Sync {
    /// Brings one message.
    fn carry(&self, message: Message) -> Taken;
}

impl<F: Fn(Message) -> Taken + Send + Sync> Carrier for F {
    fn carry(&self, message: Message) -> Taken {
        self(message)
    }
}

/// How a sender behaves.
#[derive(Clone, Copy, Debug)]
pub struct Habits {
    /// Messages of a hundred that are sent twice.
    pub duplicates_percent: u8,
    /// Messages held back to be sent in any order; 0: in order.
    pub disorder: usize,
    /// When nothing new came for so long, all that is held back goes out (twin time).
    pub held: Duration,
    /// Messages under way at once; 1 with `disorder: 0` keeps the order.
    pub in_flight: usize,
    /// Attempts before a message is given up.
    pub tries: u32,
    /// Wait before the second attempt, doubled for each up to 32 times this (twin time).
    pub again_after: Duration,
    /// Makes the behaviour repeatable.
    pub seed: u64,
}

impl Habits {
    /// Every message once, in order, again after a minute of twin time when it is not taken.
    pub fn tidy() -> Self {
        Self {
            duplicates_percent: 0,
            disorder: 0,
            held: Duration::from_secs(60),
            in_flight: 1,
            tries: 1_000,
            again_after: Duration::from_secs(60),
            seed: 1,
        }
    }

    /// As shops are known to do: some twice, and out of order.
    pub fn untidy(seed: u64) -> Self {
        Self { duplicates_percent: 10, disorder: 16, in_flight: 8, seed, ..Self::tidy() }
    }
}

/// What an outbox counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Sent {
    /// Messages, copies not counted.
    pub messages: u64,
    /// Copies of messages that were sent on purpose.
    pub copies: u64,
    /// Messages and copies taken by the receiver.
    pub taken: u64,
    /// Attempts that were not taken.
    pub refused: u64,
    /// Messages and copies given up.
    pub given_up: u64,
}

#[derive(Debug, Default)]
struct Counters {
    messages: AtomicU64,
    copies: AtomicU64,
    taken: AtomicU64,
    refused: AtomicU64,
    given_up: AtomicU64,
}

/// Where a twin puts what it wants to say. Clones share it; it ends when all are dropped.
#[derive(Clone, Debug)]
pub struct Outbox {
    queue: mpsc::Sender<Message>,
    counters: Arc<Counters>,
}

impl Outbox {
    /// Starts sending.
    pub fn start(clock: Clock, habits: Habits, carrier: Arc<dyn Carrier>) -> Self {
        let (queue, waiting) = mpsc::channel(QUEUE);
        let counters = Arc::new(Counters::default());
        let round = Round {
            habits,
            permits: Arc::new(Semaphore::new(habits.in_flight.max(1))),
            random: StdRng::seed_from_u64(habits.seed),
            held: Vec::with_capacity(habits.disorder + 1),
            carrying: Carrying { clock, habits, carrier, counters: Arc::clone(&counters) },
        };
        tokio::spawn(round.run(waiting));
        Self { queue, counters }
    }

    /// Takes a message; waits while the queue is full.
    pub async fn say(&self, message: Message) {
        self.counters.messages.fetch_add(1, Ordering::SeqCst);
        if self.queue.send(message).await.is_err() {
            self.counters.given_up.fetch_add(1, Ordering::SeqCst);
        }
    }

    /// What was sent so far.
    pub fn sent(&self) -> Sent {
        let get = |counter: &AtomicU64| counter.load(Ordering::SeqCst);
        // What is done first: what is said and done meanwhile then counts as said only.
        let (taken, given_up) = (get(&self.counters.taken), get(&self.counters.given_up));
        Sent {
            messages: get(&self.counters.messages),
            copies: get(&self.counters.copies),
            taken,
            refused: get(&self.counters.refused),
            given_up,
        }
    }

    /// Whether everything that was said has been taken or given up.
    pub fn is_quiet(&self) -> bool {
        let sent = self.sent();
        sent.taken + sent.given_up >= sent.messages + sent.copies
    }
}

/// Holds back, shuffles, doubles.
struct Round {
    habits: Habits,
    permits: Arc<Semaphore>,
    random: StdRng,
    held: Vec<Message>,
    carrying: Carrying,
}

impl Round {
    async fn run(mut self, mut waiting: mpsc::Receiver<Message>) {
        let patience = self.carrying.clock.real(self.habits.held);
        loop {
            match tokio::time::timeout(patience, waiting.recv()).await {
                Ok(Some(message)) => self.hold(message).await,
                Ok(None) => break,
                // Nothing came for a while: what is held back goes out.
                Err(_) => self.release(0).await,
            }
            self.release(self.habits.disorder).await;
        }
        self.release(0).await;
    }

    async fn hold(&mut self, message: Message) {
        if self.random.random_range(0..100) < self.habits.duplicates_percent {
            self.carrying.counters.copies.fetch_add(1, Ordering::SeqCst);
            self.held.push(message.clone());
        }
        self.held.push(message);
    }

    /// Sends messages until at most `keep` are held back: any of them, or in order.
    async fn release(&mut self, keep: usize) {
        while self.held.len() > keep {
            let next = match self.habits.disorder {
                0 => 0,
                _ => self.random.random_range(0..self.held.len()),
            };
            let message = self.held.remove(next);
            let Ok(permit) = Arc::clone(&self.permits).acquire_owned().await else { return };
            let carrying = self.carrying.clone();
            tokio::spawn(async move {
                carrying.until_taken(message).await;
                drop(permit);
            });
        }
    }
}

#[derive(Clone)]
struct Carrying {
    clock: Clock,
    habits: Habits,
    carrier: Arc<dyn Carrier>,
    counters: Arc<Counters>,
}

impl Carrying {
    async fn until_taken(&self, message: Message) {
        for attempt in 0..self.habits.tries.max(1) {
            if self.carrier.carry(message.clone()).await {
                self.counters.taken.fetch_add(1, Ordering::SeqCst);
                return;
            }
            self.counters.refused.fetch_add(1, Ordering::SeqCst);
            let wait = self.habits.again_after.saturating_mul(1 << attempt.min(5));
            self.clock.sleep(wait).await;
        }
        tracing::warn!(id = message.id, topic = message.topic, "a twin gave a message up");
        self.counters.given_up.fetch_add(1, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;
    use std::sync::Mutex;

    fn message(n: u64) -> Message {
        Message {
            id: n.to_string(),
            topic: "orders/create".to_owned(),
            subject: n.to_string(),
            sequence: 1,
            headers: Vec::new(),
            body: Bytes::new(),
        }
    }

    /// Says `count` messages; gives the ids in the order in which they were taken.
    async fn said(habits: Habits, count: u64, refuse_first: u32) -> (Vec<u64>, Sent) {
        let clock = Clock::new(60.0, Timestamp::UNIX_EPOCH);
        let taken = Arc::new(Mutex::new(Vec::new()));
        let (to, refusals) = (Arc::clone(&taken), AtomicU64::new(u64::from(refuse_first)));
        let carrier = move |message: Message| -> Taken {
            let refuse = refusals
                .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1))
                .is_ok();
            if !refuse {
                to.lock().unwrap().push(message.id.parse().unwrap());
            }
            Box::pin(async move { !refuse })
        };
        let outbox = Outbox::start(clock, habits, Arc::new(carrier));
        for n in 0..count {
            outbox.say(message(n)).await;
        }
        while !outbox.is_quiet() || outbox.sent().taken < count {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        let order = taken.lock().unwrap().clone();
        (order, outbox.sent())
    }

    #[tokio::test(start_paused = true)]
    async fn a_tidy_sender_sends_each_once_in_order_also_when_it_was_refused() {
        let (order, sent) = said(Habits::tidy(), 50, 7).await;
        assert_eq!(order, (0..50).collect::<Vec<_>>());
        assert_eq!((sent.refused, sent.copies, sent.given_up), (7, 0, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn an_untidy_sender_loses_nothing_doubles_some_and_shuffles_within_its_bound() {
        let (order, sent) = said(Habits::untidy(3), 300, 0).await;
        let mut distinct = order.clone();
        distinct.sort_unstable();
        distinct.dedup();
        assert_eq!(distinct.len(), 300);
        assert!(sent.copies > 0);
        assert_eq!(order.len() as u64, 300 + sent.copies);
        assert!(order.windows(2).any(|pair| pair[0] > pair[1]), "nothing was out of order");
    }

    #[tokio::test(start_paused = true)]
    async fn a_message_that_nobody_takes_is_given_up_and_counted() {
        let habits = Habits { tries: 3, ..Habits::tidy() };
        let clock = Clock::new(60.0, Timestamp::UNIX_EPOCH);
        let carrier = |_: Message| -> Taken { Box::pin(async { false }) };
        let outbox = Outbox::start(clock, habits, Arc::new(carrier));
        outbox.say(message(1)).await;
        while !outbox.is_quiet() {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        assert_eq!((outbox.sent().refused, outbox.sent().given_up), (3, 1));
    }
}

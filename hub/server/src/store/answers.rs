//! Answers that are kept, so that a write which is sent again under its key takes effect once.
//!
//! The effect is committed before its answer is kept. A process that dies between the two leaves a key
//! without an answer: after [`LAPSES`] the same write may be sent again, and finds at its order or todo
//! what the first one did.
//!
//! **Invariant:** of the same key and body one is under way at a time, over all processes, and who comes
//! later gets the answer of the first. Test: `a_key_is_answered_once_and_then_the_same_again`.

use futures_util::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};

use super::StoreError;

/// How long an answer is kept.
pub const KEPT: SignedDuration = SignedDuration::from_hours(24);
/// After so long nobody is at it any more: longer than any call lasts.
pub const LAPSES: SignedDuration = SignedDuration::from_secs(60);

/// Which write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnswerKey {
    /// Who writes: keys of others are others.
    pub caller: String,
    /// The key that they chose.
    pub key: String,
    /// The SHA-256 of what is written.
    pub print: [u8; 32],
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptAnswer {
    /// HTTP status.
    pub status: u16,
    /// JSON.
    pub body: Vec<u8>,
}

/// What a key stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Begun {
    /// New: the caller is to do it, then to keep or drop its answer.
    Yours,
    /// Somebody is at it.
    UnderWay,
    /// It was used for another write.
    OtherWrite,
    /// It is done.
    Done(KeptAnswer),
}

/// The answers.
pub trait Answers {
    /// Takes a key, unless it is taken.
    fn begin_answer(
        &self,
        key: AnswerKey,
        now: Timestamp,
    ) -> BoxFuture<'_, Result<Begun, StoreError>>;

    /// Keeps the answer of a key that was taken.
    fn keep_answer(
        &self,
        key: AnswerKey,
        answer: KeptAnswer,
    ) -> BoxFuture<'_, Result<(), StoreError>>;

    /// Gives back a key whose write did not take effect.
    fn drop_answer(&self, key: AnswerKey) -> BoxFuture<'_, Result<(), StoreError>>;
}

/// The moments before which answers are forgotten, and keys without one lapsed; in columns.
pub(super) fn bounds(now: Timestamp) -> (i64, i64) {
    let before = |age| super::columns::to_column(now.checked_sub(age).unwrap_or(Timestamp::MIN));
    (before(KEPT), before(LAPSES))
}

/// What stands in a row of another, or an earlier, write of the key.
pub(super) fn found(
    asked: &AnswerKey,
    print: &[u8],
    status: Option<i64>,
    body: Option<Vec<u8>>,
) -> Begun {
    if asked.print != *print {
        return Begun::OtherWrite;
    }
    match (status.and_then(|status| u16::try_from(status).ok()), body) {
        (Some(status), Some(body)) => Begun::Done(KeptAnswer { status, body }),
        (_, _) => Begun::UnderWay,
    }
}

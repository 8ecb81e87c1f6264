//! What goes wrong at one step, once.

use std::time::Duration;

/// What a system, or the way there, makes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing.
    None,
    /// Our credential is refused, until the next one is sent.
    Expired,
    /// Our credential is refused, whatever it is.
    Revoked,
    /// Too many calls; it says when to come again.
    Throttled,
    /// The same, and it does not say when.
    ThrottledInSilence,
    /// A gateway's 503 before anything happened there.
    Unavailable,
    /// No connection: nothing left.
    Cut,
    /// It was done, and the answer is lost.
    Lost,
    /// It was done, and the answer takes longer than anybody waits.
    Slow,
    /// It was done, and a page for people comes with status 200.
    Page,
    /// It was done, and half of a JSON text comes with status 200.
    Half,
    /// It was done, and nothing comes with status 200.
    Empty,
    /// It was not done, and an error comes with status 200.
    ErrorInOk,
    /// It says no, in words that repeat what was sent to it.
    Refusal,
    /// It answers with a word that nobody knows.
    UnknownWord,
}

/// A wait that a throttling system asks for.
pub(crate) const RETRY_AFTER: Duration = Duration::from_millis(300);
/// The wait after one that asks for none.
pub(crate) const IN_SILENCE: Duration = Duration::from_secs(1);

impl Fault {
    /// Those that are tried at each step.
    pub(crate) const ALL: [Self; 14] = [
        Self::Expired,
        Self::Revoked,
        Self::Throttled,
        Self::ThrottledInSilence,
        Self::Unavailable,
        Self::Cut,
        Self::Lost,
        Self::Slow,
        Self::Page,
        Self::Half,
        Self::Empty,
        Self::ErrorInOk,
        Self::Refusal,
        Self::UnknownWord,
    ];

    /// Its name on a card.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::None => "goes well",
            Self::Expired => "expired credential",
            Self::Revoked => "revoked credential",
            Self::Throttled => "throttled, Retry-After",
            Self::ThrottledInSilence => "throttled, no Retry-After",
            Self::Unavailable => "status 503",
            Self::Cut => "no connection",
            Self::Lost => "lost answer",
            Self::Slow => "slow beyond the timeout",
            Self::Page => "HTML with status 200",
            Self::Half => "half a JSON text",
            Self::Empty => "empty with status 200",
            Self::ErrorInOk => "error with status 200",
            Self::Refusal => "refused",
            Self::UnknownWord => "unknown word",
        }
    }

    /// What was asked for is done there, whatever comes back.
    pub(crate) fn acts(self) -> bool {
        match self {
            Self::Lost | Self::Slow | Self::Page | Self::Half | Self::Empty => true,
            Self::None
            | Self::Expired
            | Self::Revoked
            | Self::Throttled
            | Self::ThrottledInSilence
            | Self::Unavailable
            | Self::Cut
            | Self::ErrorInOk
            | Self::Refusal
            | Self::UnknownWord => false,
        }
    }
}

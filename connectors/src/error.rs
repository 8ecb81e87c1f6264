//! What went wrong with a call, and the one classification of it.

use std::time::Duration;

use thiserror::Error;

/// Stands where a text of the system was cut: whoever masks such a text looks for halves before it.
pub const CUT: char = '…';

/// The request could not be built: nothing was sent.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BuildError {
    /// The connector has no such operation.
    #[error("the connector has no operation `{0}`")]
    UnknownOperation(String),
    /// A reference that the call needs is not there yet.
    #[error("`{0}` is not linked yet; it is sent once the link is known")]
    NotLinked(String),
    /// The document lacks what the request needs: the mapping or the connector must be mended.
    #[error("step `{step}`: `{name}` is not in the document")]
    NotGiven {
        /// The step.
        step: String,
        /// What it reads: `doc.job`.
        name: String,
    },
    /// A secret is not configured.
    #[error(
        "secret `{0}` is not configured; add `[systems.<name>.secrets] {0} = {{ env = \"…\" }}`"
    )]
    Secret(String),
    /// A template or expression failed.
    #[error("step `{step}`: {why}")]
    Step {
        /// The step.
        step: String,
        /// What failed, where.
        why: String,
    },
}

/// The call left the hub, or was about to, and did not succeed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CallError {
    /// Nothing happened there: no connection, or the system says "busy".
    #[error("did not act: {why}")]
    NotActed {
        /// For a person.
        why: String,
        /// The system asked to wait.
        retry_after: Option<Duration>,
    },
    /// No answer, or one that does not tell: the system may have acted.
    #[error("may have acted: {why}")]
    MayHaveActed {
        /// For a person.
        why: String,
    },
    /// Done before: go on as after "may have acted", by looking.
    #[error("was done before: {why}")]
    Already {
        /// For a person.
        why: String,
    },
    /// Refused: repeating it gives the same.
    #[error("the system said no: {why}")]
    SaidNo {
        /// The status, where there is one.
        status: u16,
        /// For a person.
        why: String,
    },
    /// Too many calls.
    #[error("throttled: {why}")]
    Throttled {
        /// For a person.
        why: String,
        /// The system asked to wait.
        retry_after: Option<Duration>,
    },
    /// The credential is refused, or with status 403 perhaps only this call.
    #[error("not allowed: {why}")]
    NotAllowed {
        /// The status; `None`: nothing was asked.
        status: Option<u16>,
        /// For a person.
        why: String,
    },
}

/// What may be done after a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Send it again, no sooner than the system asked.
    Retry {
        /// The system's wish.
        at_least: Option<Duration>,
    },
    /// Send it again, and everything else later too.
    Slower {
        /// The system's wish.
        at_least: Option<Duration>,
    },
    /// Send it again only if it is repeatable; else look first; else a person must.
    Doubt,
    /// It is done there: look for it, send nothing.
    Look,
    /// Repeating it gives the same: a person must see it.
    GiveUp,
    /// Stop calling the account until its credential is taken again.
    Renew,
}

impl CallError {
    /// Why, in the words of who answered, where what it means for a call is of no interest: a read acts on nothing.
    pub fn why(&self) -> &str {
        match self {
            CallError::NotActed { why, .. }
            | CallError::MayHaveActed { why }
            | CallError::Already { why }
            | CallError::SaidNo { why, .. }
            | CallError::Throttled { why, .. }
            | CallError::NotAllowed { why, .. } => why,
        }
    }

    /// The same, for who takes out of it what nobody may see.
    pub fn why_mut(&mut self) -> &mut String {
        match self {
            CallError::NotActed { why, .. }
            | CallError::MayHaveActed { why }
            | CallError::Already { why }
            | CallError::SaidNo { why, .. }
            | CallError::Throttled { why, .. }
            | CallError::NotAllowed { why, .. } => why,
        }
    }

    /// Whether it may be about what was asked for, and not about who asks: the system knows him, and forbids this (403).
    pub fn may_be_about_this(&self) -> bool {
        matches!(self, CallError::NotAllowed { status: Some(403), .. })
    }

    /// The one place where failures are classified.
    pub fn next(&self) -> Next {
        match self {
            CallError::NotActed { retry_after, .. } => Next::Retry { at_least: *retry_after },
            CallError::Throttled { retry_after, .. } => Next::Slower { at_least: *retry_after },
            CallError::MayHaveActed { .. } => Next::Doubt,
            CallError::Already { .. } => Next::Look,
            CallError::SaidNo { .. } => Next::GiveUp,
            CallError::NotAllowed { .. } => Next::Renew,
        }
    }

    /// Whether it tells of the system's health, not of this message: what breakers count.
    pub fn is_ill(&self) -> bool {
        match self.next() {
            Next::Retry { .. } | Next::Doubt => true,
            Next::Slower { .. } | Next::Look | Next::GiveUp | Next::Renew => false,
        }
    }
}

/// A webhook that is not accepted.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum VerifyError {
    /// The signature or token is wrong.
    #[error("the signature does not match")]
    Signature,
    /// A secret that the signature needs is not configured.
    #[error("secret `{0}` is not configured; no webhook can be verified")]
    Secret(String),
    /// The connector takes no webhooks.
    #[error("this integration takes no webhooks")]
    None,
}

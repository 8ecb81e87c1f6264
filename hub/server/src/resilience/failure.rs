//! Why a step did not end well, as every layer of the stack says it.

use std::time::Duration;

use orderhub_connectors::error::CallError;
use tokio::time::Instant;

use super::gate::Shut;

/// Why a step did not end well.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{cause}")]
pub struct Failure {
    /// What ended it.
    pub cause: Cause,
    /// An earlier attempt of the same call may have acted, whatever ended it.
    pub earlier_may_have_acted: bool,
}

/// What ended a step.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Cause {
    /// The last attempt failed.
    #[error(transparent)]
    Call(CallError),
    /// The gate is shut: no attempt was spent.
    #[error("the breaker is open")]
    Shut(Option<Instant>),
    /// No token within the time allowed: no attempt was spent.
    #[error("limited for another {} ms", .0.as_millis())]
    Limited(Duration),
    /// The credential was refused before: no attempt was spent.
    #[error("the credential was refused; it is tried again in {} s", .0.as_secs())]
    Refused(Duration),
    /// The hub itself may not send now: the system did nothing, so nobody counts it.
    #[error("the hub was cut off from its store: nothing was sent")]
    CutOff,
}

impl From<Cause> for Failure {
    fn from(cause: Cause) -> Self {
        Self { cause, earlier_may_have_acted: false }
    }
}

impl From<CallError> for Failure {
    fn from(error: CallError) -> Self {
        Cause::Call(error).into()
    }
}

impl From<Shut> for Failure {
    fn from(shut: Shut) -> Self {
        Cause::Shut(shut.until).into()
    }
}

impl Failure {
    /// Nobody knows whether the step took effect.
    pub fn may_have_acted(&self) -> bool {
        self.earlier_may_have_acted
            || matches!(&self.cause, Cause::Call(CallError::MayHaveActed { .. }))
    }
}

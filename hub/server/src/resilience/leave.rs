//! What is taken before the first byte of an attempt leaves, and given back if it does not.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

use super::credential::Probe;
use super::gate::Admission;

/// Leave to make one attempt: past the credential and the gate, with a token in hand.
#[derive(Debug)]
pub struct Pass {
    pub(super) leave: Leave,
    /// Calls that were taken for it.
    pub(super) calls: u32,
    /// They were set aside, and what the call does not count as is given back.
    pub(super) reserved: bool,
}

/// Past the credential and the gate; dropped unused, both are as they were.
#[derive(Debug)]
pub(super) struct Leave {
    pub(super) admission: Admission,
    pub(super) probe: Probe,
}

/// What the first attempt of a step need not take again.
#[derive(Debug, Default)]
pub struct Prepaid {
    leave: Mutex<Option<Leave>>,
    /// Calls that were taken.
    calls: AtomicU32,
}

impl From<Pass> for Prepaid {
    fn from(pass: Pass) -> Self {
        Self { leave: Mutex::new(Some(pass.leave)), calls: AtomicU32::new(pass.calls) }
    }
}

impl Prepaid {
    pub(super) fn take_leave(&self) -> Option<Leave> {
        self.leave.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// The calls that were taken, for one attempt.
    pub(super) fn take_calls(&self) -> Option<u32> {
        Some(self.calls.swap(0, Ordering::Relaxed)).filter(|calls| *calls > 0)
    }
}

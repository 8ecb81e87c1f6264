//! What is taken before the first byte of an attempt leaves, and given back if it does not.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use super::credential::Probe;
use super::gate::Admission;

/// Leave to make one attempt: past the credential and the gate, with a token in hand.
#[derive(Debug)]
pub struct Pass {
    pub(super) leave: Leave,
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
    token: AtomicBool,
}

impl From<Pass> for Prepaid {
    fn from(pass: Pass) -> Self {
        Self { leave: Mutex::new(Some(pass.leave)), token: AtomicBool::new(true) }
    }
}

impl Prepaid {
    pub(super) fn take_leave(&self) -> Option<Leave> {
        self.leave.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    pub(super) fn take_token(&self) -> bool {
        self.token.swap(false, Ordering::Relaxed)
    }
}

//! What was mapped before a switch of the files is mapped anew by those that its batch is folded by.
//!
//! **Invariant:** a batch is folded by the files that mapped it, what it looks up included. Tests:
//! `what_was_mapped_before_a_switch_is_mapped_by_the_files_that_fold_it`,
//! `what_a_message_looks_up_is_found_out_anew_after_a_switch`.
//! Bounds: only what waited while the files were switched reads anything, one message after the other.

use super::{Closing, Unit};
use crate::bundle::Bundle;
use crate::intake::renew;
use crate::store::Store;

impl Closing {
    /// Maps anew what other files mapped. What it looks up and cannot be read now is not stored, nor what is behind it.
    pub(super) async fn renewed(self, store: &dyn Store, bundle: &Bundle) -> Self {
        let mut renewed = Self::default();
        for (mut unit, waiter) in self.units.into_iter().zip(self.waiters) {
            let told = match (&mut unit, waiter.turned_away()) {
                (_, Some(error)) => Err(error),
                (Unit::Message(message), None) => renew(store, message, bundle).await,
                (Unit::Order(_), None) => Ok(()),
            };
            match told {
                Ok(()) => {
                    renewed.units.push(unit);
                    renewed.waiters.push(waiter);
                }
                Err(error) => waiter.tell(Err(error)),
            }
        }
        renewed
    }
}

//! A part of an order's state that many hold and one changes.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

/// Shared until it is written to: whoever changes it while others hold it gets a copy of its own.
///
/// Readers, what stood before a fold, and the state under the lock share orders and lanes; a call that
/// touches one lane copies that lane, and nothing else of the order.
#[derive(Clone, PartialEq, Eq)]
pub struct Shared<T>(Arc<T>);

impl<T> Shared<T> {
    /// Nobody else holds it yet.
    pub fn new(value: T) -> Self {
        Self(Arc::new(value))
    }
}

impl<T> Deref for Shared<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: Clone> DerefMut for Shared<T> {
    fn deref_mut(&mut self) -> &mut T {
        Arc::make_mut(&mut self.0)
    }
}

impl<T: fmt::Debug> fmt::Debug for Shared<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

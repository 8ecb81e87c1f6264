//! What the stack of one process tells those of others, and asks them.

use std::fmt::Debug;
use std::time::Duration;

use futures_util::future::BoxFuture;

use super::limit::Rate;

/// The other processes that call the same system.
pub trait Share: Debug + Send + Sync {
    /// The breaker of an operation opened for so long; `delay` is what it doubles from.
    fn shut(&self, operation: &str, left: Duration, delay: Duration);

    /// It closed.
    fn opened(&self, operation: &str);

    /// The system asked to be left alone under this limit.
    fn throttled(&self, limit: &str, left: Duration);

    /// Whether this process is the one that tries the system.
    fn may_probe<'a>(&'a self, operation: &'a str) -> BoxFuture<'a, bool>;

    /// Takes up to `want` calls under a limit.
    ///
    /// # Errors
    ///
    /// The wait before there is one.
    fn take<'a>(
        &'a self,
        limit: &'a str,
        key: Option<&'a str>,
        rate: Rate,
        want: u32,
    ) -> BoxFuture<'a, Result<u32, Duration>>;
}

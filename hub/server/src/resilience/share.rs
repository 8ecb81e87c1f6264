//! What the stack of one process tells those of others, and asks them.

use std::fmt::Debug;
use std::time::Duration;

use futures_util::future::BoxFuture;

use super::limit::Rate;
use super::purse::Settled;

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

    /// Sets so many calls aside under a limit, all or none; no more than its burst. Who counts nothing has them.
    ///
    /// # Errors
    ///
    /// The wait before they are there.
    fn set_aside<'a>(
        &'a self,
        _limit: &'a str,
        _rate: Rate,
        _calls: u32,
    ) -> BoxFuture<'a, Result<(), Duration>> {
        Box::pin(std::future::ready(Ok(())))
    }

    /// A call is over for which calls were set aside.
    fn settle(&self, _limit: &str, _rate: Rate, _settled: Settled) {}
}

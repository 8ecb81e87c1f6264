//! Waiting for a condition, with a bound: the only way a test here lets time pass.

use std::future::Future;
use std::time::Duration;

/// How often a condition is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Waits until `condition` gives a value.
///
/// # Panics
///
/// After `bound`, naming `what` never came true.
pub async fn until<T, F>(what: &str, bound: Duration, mut condition: impl FnMut() -> F) -> T
where
    F: Future<Output = Option<T>>,
{
    let looking = async {
        let mut tick = tokio::time::interval(LOOK_EVERY);
        loop {
            tick.tick().await;
            if let Some(value) = condition().await {
                return value;
            }
        }
    };
    match tokio::time::timeout(bound, looking).await {
        Ok(value) => value,
        Err(_) => panic!("after {bound:?} still not true: {what}"),
    }
}

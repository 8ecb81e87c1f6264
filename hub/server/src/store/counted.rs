//! Counts that cost a walk over an index, kept the longer the more there was to count.
//!
//! Metrics ask every second, and so does every replica. A few rows are as good as free, and counted anew;
//! 500,000 waiting lanes take 50 ms of SQLite and 60 ms of PostgreSQL (measured, from the index alone), which
//! have orders to write. A busy index holds far more dead entries than rows: then the time it took counts.
//!
//! **Invariant:** counting takes a bounded share of a store, whoever asks how often: a thousand rows, which
//! take under a fifth of a millisecond, are counted once in [`PER_THOUSAND`], a count that takes [`LONG`] once in
//! [`REST`] times that, and what is kept is never older than [`LONGEST`]. Tests:
//! `many_rows_are_not_counted_at_each_question`, `a_count_that_takes_long_is_made_less_often`.

use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;

use super::StoreError;

/// For so long a thousand rows are not counted again.
const PER_THOUSAND: Duration = Duration::from_millis(30);
/// Fewer rows are counted at each question, unless that takes long.
const FEW: u64 = 1_000;
/// A count that took so long rests [`REST`] times as long.
const LONG: Duration = Duration::from_millis(10);
const REST: u32 = 50;
/// No count is kept for longer.
const LONGEST: Duration = Duration::from_secs(15);

/// The last count.
#[derive(Debug)]
pub(super) struct Counted<T>(Mutex<Option<Kept<T>>>);

#[derive(Debug)]
struct Kept<T> {
    until: Instant,
    rows: Vec<T>,
}

impl<T> Default for Counted<T> {
    fn default() -> Self {
        Self(Mutex::new(None))
    }
}

impl<T: Clone> Counted<T> {
    /// What was counted last, or what `count` finds now. Who asks while somebody counts waits for that.
    /// `size`: how many rows of the store stand behind one of the answer. `count` says how long the store was at it.
    ///
    /// # Errors
    ///
    /// Those of `count`; nothing is kept then.
    pub(super) async fn rows(
        &self,
        size: impl Fn(&T) -> u64,
        count: impl Future<Output = Result<(Vec<T>, Duration), StoreError>>,
    ) -> Result<Vec<T>, StoreError> {
        let mut kept = self.0.lock().await;
        if let Some(kept) = kept.as_ref()
            && Instant::now() < kept.until
        {
            return Ok(kept.rows.clone());
        }
        *kept = None;
        let (rows, took) = count.await?;
        let kept_for = kept_for(rows.iter().map(size).sum(), took);
        *kept = Some(Kept { until: Instant::now() + kept_for, rows: rows.clone() });
        Ok(rows)
    }
}

/// Where only the number of rows counts: a file has no dead entries.
pub(super) fn untimed<C: ?Sized, T, E>(
    count: impl FnOnce(&C) -> Result<T, E>,
) -> impl FnOnce(&C) -> Result<(T, Duration), E> {
    move |c| Ok((count(c)?, Duration::ZERO))
}

/// With how long it took.
pub(super) async fn timed<T, E>(
    count: impl Future<Output = Result<T, E>>,
) -> Result<(T, Duration), E> {
    let begun = Instant::now();
    let counted = count.await?;
    Ok((counted, begun.elapsed()))
}

fn kept_for(counted: u64, took: Duration) -> Duration {
    let thousands = u32::try_from(counted / FEW).unwrap_or(u32::MAX);
    let rest = if took < LONG { Duration::ZERO } else { took.saturating_mul(REST) };
    PER_THOUSAND.saturating_mul(thousands).max(rest).min(LONGEST)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn many_rows_are_not_counted_at_each_question() {
        // Rows, then how often they are counted in a minute of a question each second.
        for (size, times) in
            [(0, 60), (999, 60), (10_000, 60), (100_000, 20), (500_000, 4), (9_000_000, 4)]
        {
            let (counted, asked) = (Counted::default(), AtomicU64::new(0));
            for _ in 0..60 {
                let count = async {
                    asked.fetch_add(1, Ordering::Relaxed);
                    Ok((vec![size], Duration::ZERO))
                };
                assert_eq!(counted.rows(|size| *size, count).await.unwrap(), [size]);
                tokio::time::advance(Duration::from_secs(1)).await;
            }
            assert_eq!(asked.into_inner(), times, "{size} rows");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_count_that_takes_long_is_made_less_often() {
        // Milliseconds of one, then how often it is made in a minute of a question each second.
        for (took, times) in [(9, 60), (40, 30), (10_000, 4)] {
            let (counted, asked) = (Counted::default(), AtomicU64::new(0));
            for _ in 0..60 {
                let count = async {
                    asked.fetch_add(1, Ordering::Relaxed);
                    Ok((vec![1], Duration::from_millis(took)))
                };
                assert_eq!(counted.rows(|size| *size, count).await.unwrap(), [1]);
                tokio::time::advance(Duration::from_secs(1)).await;
            }
            assert_eq!(asked.into_inner(), times, "{took} ms");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_count_that_failed_is_not_kept() {
        let counted = Counted::default();
        let failed = counted.rows(|_| 1, async { Err(StoreError::Closed) }).await;
        assert!(failed.is_err());
        let found = counted.rows(|_| 1, async { Ok((vec![7], Duration::ZERO)) }).await;
        assert_eq!(found.unwrap(), [7]);
    }
}

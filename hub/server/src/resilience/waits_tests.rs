//! Who waits for a limit while an answer tells another rate.

use futures_util::future::BoxFuture;

use super::tests::{limits, rate_of, told};
use super::*;

/// Other processes that leave no call the first time, and then one of each that is asked for: by which rates.
#[derive(Debug, Default)]
struct ByRate(Mutex<Vec<u64>>);

impl Share for ByRate {
    fn shut(&self, _: &str, _: Duration, _: Duration) {}
    fn opened(&self, _: &str) {}
    fn throttled(&self, _: &str, _: Duration) {}
    fn may_probe<'a>(&'a self, _: &'a str) -> BoxFuture<'a, bool> {
        Box::pin(std::future::ready(true))
    }
    fn take<'a>(
        &'a self,
        _: &'a str,
        _: Option<&'a str>,
        rate: Rate,
        want: u32,
    ) -> BoxFuture<'a, Result<u32, Duration>> {
        let mut rates = self.0.lock().unwrap();
        rates.push(rate.every.as_secs());
        let first = rates.len() == 1;
        Box::pin(std::future::ready(if first { Err(rate.every) } else { Ok(want) }))
    }
}

#[tokio::test(start_paused = true)]
async fn who_waits_goes_by_the_rate_that_is_told_meanwhile() {
    let patience = Duration::from_secs(600);
    let waited = async |limits: &Limits, every_ms: u64| {
        let start = Instant::now();
        let tells = async {
            tokio::time::sleep(Duration::from_millis(100)).await;
            limits.told("parcel", told(every_ms, 0));
        };
        let (took, ()) = tokio::join!(limits.acquire("parcel", None, patience), tells);
        took.unwrap();
        start.elapsed()
    };
    for (declared, every_ms, asked) in
        [("1/3m", 1_000, vec![180, 1]), ("1/s", 4_000, vec![1, 4, 4])]
    {
        let others = Arc::<ByRate>::default();
        let rates = BTreeMap::from([("parcel".to_owned(), rate_of(declared, 1))]);
        let limits = Limits::shared(&rates, Some(Arc::<ByRate>::clone(&others)));
        let took = waited(&limits, every_ms).await;
        assert!(took < Duration::from_secs(1), "{declared}: {took:?}");
        assert_eq!(*others.0.lock().unwrap(), asked, "{declared}");
    }
    // One process alone.
    let limits = limits("parcel", "1/3m", 1);
    limits.take("parcel", None).unwrap();
    let took = waited(&limits, 1_000).await;
    assert!(took < Duration::from_secs(2), "{took:?}");
}

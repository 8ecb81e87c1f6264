//! What is set aside before calls, of one process alone.

use std::num::NonZeroU32;

use orderhub_connectors::contract::ToldLimit;

use super::*;

/// A hundred points a second, of two thousand.
fn limits() -> Limits {
    let rate = Rate::new(100, Duration::from_secs(1), NonZeroU32::new(2_000).unwrap()).unwrap();
    Limits::new(&BTreeMap::from([("default".to_owned(), rate)]))
}

fn settle(limits: &Limits, calls: u32, cost: Option<u32>, left: Option<u32>) {
    let held = limits.begin("default", calls);
    limits.settle("default", Some(held), &Told { cost, left, throttled: false });
}

async fn aside(limits: &Limits, calls: u32) -> Result<(), Duration> {
    limits.set_aside("default", calls, Duration::ZERO, Line::First).await.map(drop)
}

#[tokio::test(start_paused = true)]
async fn what_calls_may_count_as_is_set_aside_before() {
    let limits = limits();
    for _ in 0..3 {
        aside(&limits, 600).await.unwrap();
    }
    let wait = aside(&limits, 600).await.unwrap_err();
    assert_eq!(wait, Duration::from_secs(4), "two hundred of six are there");
    settle(&limits, 600, Some(50), None);
    aside(&limits, 600).await.unwrap();
    let wait = aside(&limits, 600).await.unwrap_err();
    assert_eq!(wait, Duration::from_millis(4_500), "what it did not cost was given back, no more");
    let began = Instant::now();
    limits.set_aside("default", 600, Duration::from_secs(5), Line::First).await.unwrap();
    assert_eq!(began.elapsed(), wait);
}

#[tokio::test(start_paused = true)]
async fn no_more_comes_back_than_the_burst() {
    let limits = limits();
    aside(&limits, 1_000).await.unwrap();
    tokio::time::advance(Duration::from_secs(60)).await;
    settle(&limits, 1_000, Some(10), None);
    aside(&limits, 2_000).await.unwrap();
    assert!(aside(&limits, 1).await.is_err());
    // More than all of it is all of it: it would be waited for without end.
    tokio::time::advance(Duration::from_secs(20)).await;
    aside(&limits, 5_000).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_a_call_counted_as_beyond_is_spent_and_what_nobody_says_is_all_of_it() {
    let limits = limits();
    aside(&limits, 100).await.unwrap();
    settle(&limits, 100, Some(300), None);
    assert_eq!(aside(&limits, 1_701).await.unwrap_err(), Duration::from_millis(10));
    aside(&limits, 1_700).await.unwrap();
    settle(&limits, 1_700, None, None);
    assert_eq!(aside(&limits, 1).await.unwrap_err(), Duration::from_millis(10));
}

#[tokio::test(start_paused = true)]
async fn what_a_system_says_is_left_is_not_exceeded() {
    let limits = limits();
    aside(&limits, 600).await.unwrap();
    settle(&limits, 600, Some(0), Some(250));
    assert_eq!(aside(&limits, 300).await.unwrap_err(), Duration::from_millis(500));
    aside(&limits, 250).await.unwrap();
    settle(&limits, 250, Some(250), Some(1_900));
    assert!(aside(&limits, 1).await.is_err(), "what it says is more gives nothing");
}

#[tokio::test(start_paused = true)]
async fn what_is_said_while_others_are_under_way_takes_nothing_for_good() {
    let limits = limits();
    let mut under_way = Vec::new();
    for _ in 0..3 {
        aside(&limits, 600).await.unwrap();
        under_way.push(limits.begin("default", 600));
    }
    // The system settled the first when the others were out of its bucket; its answer comes last.
    for (held, left) in under_way.into_iter().zip([800, 1_390, 1_980]).rev() {
        let told = Told { cost: Some(10), left: Some(left), throttled: false };
        limits.settle("default", Some(held), &told);
    }
    assert!(aside(&limits, 1_980).await.is_err());
    aside(&limits, 1_970).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_was_throttled_counted_as_nothing_and_what_is_left_then_holds() {
    let limits = limits();
    aside(&limits, 600).await.unwrap();
    let other = limits.begin("default", 600);
    aside(&limits, 600).await.unwrap();
    let held = limits.begin("default", 600);
    limits.settle("default", Some(held), &Told { cost: None, left: Some(100), throttled: true });
    assert!(aside(&limits, 101).await.is_err());
    limits.settle("default", Some(other), &Told { cost: Some(0), ..Told::default() });
    aside(&limits, 700).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_plan_with_more_has_it_when_it_is_told() {
    let limits = limits();
    aside(&limits, 2_000).await.unwrap();
    let told = ToldLimit {
        every: Some(Duration::from_millis(1)),
        burst: NonZeroU32::new(20_000),
        left: Some(18_000),
    };
    limits.told("default", told);
    settle(&limits, 2_000, Some(20), told.left);
    aside(&limits, 18_000).await.unwrap();
    assert!(aside(&limits, 1).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn who_needs_little_does_not_go_before_who_waits_for_much() {
    let limits = Arc::new(limits());
    aside(&limits, 2_000).await.unwrap();
    let much = {
        let limits = Arc::clone(&limits);
        tokio::spawn(async move {
            limits.set_aside("default", 600, Duration::from_secs(9), Line::First).await
        })
    };
    tokio::time::sleep(Duration::from_secs(1)).await;
    let little = limits.set_aside("default", 10, Duration::from_secs(2), Line::First).await;
    assert!(little.is_err(), "a hundred are there, for whom came first");
    much.await.unwrap().unwrap();
    limits.set_aside("default", 10, Duration::from_secs(2), Line::First).await.unwrap();
}

#[test]
fn what_a_call_may_count_as_is_known_by_its_step() {
    let limits = limits();
    limits.learn("get_order", "read", 660);
    limits.learn("get_order", "read", 661);
    assert_eq!(limits.may_cost("get_order", "read"), Some(661));
    assert_eq!(limits.may_cost("get_order", "look"), None);
}

#[tokio::test(start_paused = true)]
async fn who_waits_has_what_comes_back_at_once() {
    let limits = Arc::new(limits());
    aside(&limits, 2_000).await.unwrap();
    let held = limits.begin("default", 2_000);
    let (other, began) = (Arc::clone(&limits), Instant::now());
    let waits = tokio::spawn(async move {
        other
            .set_aside("default", 600, Duration::from_secs(9), Line::First)
            .await
            .map(|_| began.elapsed())
    });
    tokio::time::sleep(Duration::from_millis(300)).await;
    limits.settle("default", Some(held), &Told { cost: Some(10), ..Told::default() });
    assert_eq!(waits.await.unwrap(), Ok(Duration::from_millis(300)));
}

#[tokio::test(start_paused = true)]
async fn many_who_read_let_one_who_delivers_in() {
    let limits = Arc::new(limits());
    aside(&limits, 2_000).await.unwrap();
    let began = Instant::now();
    let asks = |turn| {
        let limits = Arc::clone(&limits);
        let wait = Duration::from_secs(60);
        tokio::spawn(async move {
            limits.set_aside("default", 500, wait, turn).await.map(|_| began.elapsed())
        })
    };
    let reads: Vec<_> = (0..8).map(|_| asks(Line::Behind)).collect();
    tokio::time::sleep(Duration::from_secs(1)).await;
    // One of them stands before it, five seconds each.
    assert_eq!(asks(Line::First).await.unwrap(), Ok(Duration::from_secs(10)));
    for read in reads {
        read.await.unwrap().unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn more_than_the_burst_gives_no_more_back_than_was_taken() {
    let limits = limits();
    let taken = limits.set_aside("default", 5_000, Duration::ZERO, Line::First).await;
    assert_eq!(taken, Ok(2_000));
    settle(&limits, 2_000, Some(1_900), None);
    assert!(aside(&limits, 101).await.is_err(), "a hundred came back");
    // An answer that says anything shuts nothing for good.
    settle(&limits, 100, Some(u32::MAX), None);
    tokio::time::advance(Duration::from_secs(200)).await;
    aside(&limits, 1).await.unwrap();
}

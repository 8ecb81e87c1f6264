//! What a ring keeps, and in which order it gives it out.

use std::time::Duration;

use super::*;

fn key(number: usize) -> OrderKey {
    OrderKey(i64::try_from(number).unwrap())
}

fn take(ring: &mut Ring) -> Option<OrderKey> {
    ring.take(Instant::now(), |_| true)
}

#[test]
fn live_lanes_go_first_and_retries_are_not_starved() {
    let mut ring = Ring::default();
    ring.add_due([key(100)]);
    (0..20).for_each(|number| assert_eq!(ring.offer(key(number)), Offer::Taken));
    let taken: Vec<_> = std::iter::from_fn(|| take(&mut ring)).collect();
    assert_eq!(taken.len(), 21);
    assert_eq!(taken[..7], (0..7).map(key).collect::<Vec<_>>());
    assert_eq!(taken[7], key(100));
}

#[test]
fn a_lane_is_in_one_place_only() {
    let mut ring = Ring::default();
    ring.offer(key(1));
    ring.offer(key(1));
    assert_eq!(ring.add_due([key(1)]), 0);
    assert_eq!(take(&mut ring), Some(key(1)));
    ring.offer(key(1));
    assert_eq!(ring.add_due([key(1)]), 0);
    assert_eq!(take(&mut ring), None, "it runs");
    ring.done(key(1));
    assert_eq!(take(&mut ring), Some(key(1)), "more was wanted meanwhile");
    ring.done(key(1));
    assert_eq!((take(&mut ring), ring.places.len()), (None, 0));
}

#[test]
fn what_has_no_room_goes_back() {
    let mut ring = Ring::default();
    (0..Ring::BOUND).for_each(|number| assert_eq!(ring.offer(key(number)), Offer::Taken));
    assert_eq!(ring.offer(key(5000)), Offer::Full);
    assert_eq!(ring.offer(key(5)), Offer::Taken, "it is there already");
    assert_eq!(ring.add_due((10_000..20_000).map(key)), Ring::BOUND);
    assert_eq!(ring.room(), 0);
    for number in 0..=Ring::PARKED {
        let taken = take(&mut ring).unwrap_or(key(30_000 + number));
        let offer = ring.park(taken, Wait::Gate("create".to_owned()), None);
        ring.parked.get_mut(&Wait::Gate("create".to_owned())).unwrap().until =
            Some(Instant::now() + Duration::from_secs(3600));
        assert_eq!(offer == Offer::Full, number == Ring::PARKED);
    }
}

#[test]
fn a_shut_gate_holds_its_own_lanes_only_and_opens_in_order() {
    let mut ring = Ring::default();
    let gate = || Wait::Gate("create".to_owned());
    for number in 0..3 {
        ring.offer(key(number));
        let taken = ring.take(Instant::now(), |_| false).unwrap();
        ring.park(taken, gate(), None);
    }
    ring.offer(key(9));
    let now = Instant::now();
    assert_eq!(ring.take(now, |wait| *wait != gate()), Some(key(9)));
    assert_eq!(ring.take(now, |_| false), None);
    assert_eq!((take(&mut ring), take(&mut ring)), (Some(key(0)), Some(key(1))));
    assert_eq!(ring.parked(), 1);
}

#[test]
fn a_limited_lane_waits_for_its_time() {
    let mut ring = Ring::default();
    let (now, wait) = (Instant::now(), Duration::from_secs(5));
    ring.offer(key(1));
    let taken = take(&mut ring).unwrap();
    ring.park(taken, Wait::Limit("parcel".to_owned(), None), Some(now + wait));
    assert_eq!(ring.take(now, |_| true), None);
    assert_eq!(ring.next_ready(), Some(now + wait));
    assert_eq!(ring.take(now + wait, |_| true), Some(key(1)));
}

#[test]
fn lanes_of_one_key_go_in_their_order_and_one_asks_at_a_time() {
    let mut ring = Ring::default();
    let (now, second) = (Instant::now(), Duration::from_secs(1));
    let wait = |name: &str| Wait::Limit("parcel".to_owned(), Some(name.to_owned()));
    for number in 0..4 {
        ring.offer(key(number));
        let taken = take(&mut ring).unwrap();
        assert_eq!(ring.behind(taken, &wait("A"), now).is_some(), number > 0);
        ring.park(taken, wait("A"), Some(now + second));
    }
    assert!(ring.behind(key(9), &wait("B"), now).is_none(), "another key is another line");
    let then = now + second;
    assert_eq!(ring.take(now, |_| true), None);
    assert_eq!(ring.take(then, |_| true), Some(key(0)));
    assert_eq!(ring.take(then, |_| true), None, "the others would ask in vain");
    assert_eq!(ring.behind(key(0), &wait("A"), now), None);
    // In vain: it keeps its place, and all wait.
    ring.park(key(0), wait("A"), Some(then + second));
    assert_eq!(ring.take(then, |_| true), None);
    let then = then + second;
    assert_eq!(ring.take(then, |_| true), Some(key(0)));
    ring.asked(key(0));
    assert_eq!(ring.take(then, |_| true), Some(key(1)), "while the first calls");
    ring.done(key(1));
    assert_eq!(ring.take(then, |_| true), Some(key(2)));
    ring.put_back(key(2));
    ring.hurry();
    assert_eq!(ring.take(now, |_| true), Some(key(3)));
    ring.asked(key(3));
    assert!(ring.parked.is_empty() && ring.asking.is_empty() && ring.parked() == 0);
}

#[test]
fn a_lane_that_is_put_back_comes_first() {
    let mut ring = Ring::default();
    ring.offer(key(1));
    ring.offer(key(2));
    let taken = take(&mut ring).unwrap();
    ring.put_back(taken);
    assert_eq!(take(&mut ring), Some(key(1)));
}

#[tokio::test]
async fn a_lane_that_waits_for_a_gate_can_be_offered_anew() {
    let (mut ring, now) = (Ring::default(), Instant::now());
    let waits = [Wait::Gate("put".to_owned()), Wait::Limit("default".to_owned(), None)];
    for (key, wait) in [OrderKey(1), OrderKey(2)].into_iter().zip(waits) {
        ring.offer(key);
        assert_eq!(ring.take(now, |_| false), Some(key));
        ring.park(key, wait, None);
    }
    assert_eq!(ring.at_gates(), [OrderKey(1)]);
    for key in [OrderKey(1), OrderKey(2), OrderKey(3)] {
        ring.unpark(key);
    }
    assert_eq!((ring.parked(), ring.at_gates().len()), (1, 0), "what waits for a limit waits");
    assert_eq!(ring.offer(OrderKey(1)), Offer::Taken);
    assert_eq!(ring.take(now, |_| false), Some(OrderKey(1)));
}

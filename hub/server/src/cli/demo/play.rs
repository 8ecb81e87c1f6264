//! What happens on the stage: orders come in, the ERP breaks and comes back, everything settles.

use std::time::Duration;

use orderhub_twins::account::Account;
use orderhub_twins::faults::{Acts, Fault as Wrong, Rule};
use orderhub_twins::shop::Plan;
use orderhub_twins::webhooks::client;
use serde_json::Value;
use tokio::time::Instant;

use super::show::Screen;
use super::{Demo, Faults, Stage};

/// Nothing has moved at any twin for so long: what is open now is lost. Longer than every wait that a
/// lane takes after an outage of this length; a busy machine is slow, and loses nothing.
const STILL: Duration = Duration::from_secs(30);

/// The end, whatever still moves.
const LONGEST: Duration = Duration::from_secs(15 * 60);

/// From one look at the twins to the next.
const LOOK: Duration = Duration::from_millis(500);

/// The article whose stock is asked for while the ERP is broken.
const ARTICLE: &str = "TEA-100";

/// Sales that the broken ERP makes although its gateway says 504.
const MADE_ALL_THE_SAME: u32 = 10;

/// When what happens, in our time from the first order on.
#[derive(Clone, Copy, Debug)]
struct Times {
    /// How long orders come in.
    stream: Duration,
    /// From when the ERP is broken.
    breaks: Duration,
    /// Until when.
    back: Duration,
}

impl Times {
    /// 500 orders take a quarter of a minute; very many come as fast as a laptop keeps up.
    fn of(orders: u64) -> Self {
        let stream = Duration::from_millis(orders * 30);
        let stream = stream.clamp(Duration::from_secs(4), Duration::from_secs(15));
        let stream = stream.max(Duration::from_millis(orders * 5));
        Self { stream, breaks: stream.mul_f64(0.3), back: stream.mul_f64(0.65) }
    }
}

/// What of the outage has happened.
#[derive(Debug, Default)]
struct Outage {
    broken: bool,
    asked: bool,
    mended: bool,
}

/// When something last took effect at a twin.
#[derive(Debug)]
struct Moves {
    last: Account,
    at: Instant,
}

impl Moves {
    /// Whether nothing has moved for a while.
    fn have_ended(&mut self, now: &Account) -> bool {
        if now.twins != self.last.twins || now.messages != self.last.messages {
            self.at = Instant::now();
        }
        self.last = now.clone();
        self.at.elapsed() >= STILL
    }
}

impl Stage {
    /// Plays to the end: everything is whole, or nothing moves any more.
    pub(super) async fn play(&self, demo: &Demo) -> (Account, Duration) {
        let times = Times::of(demo.orders);
        let began = Instant::now();
        let mut screen = Screen::new(began);
        let (at, speed) = (self.hub.addr(), super::SPEED);
        screen.say(&format!(
            "The hub listens on http://{at}; the twins' clock runs {speed:.0} times as fast as ours."
        ));
        self.open_shops(demo.orders, times.stream);
        let mut outage = Outage::default();
        let mut moves = Moves { last: Account::default(), at: began };
        loop {
            tokio::time::sleep(LOOK).await;
            if demo.faults == Faults::Erp504 {
                self.outage(&mut outage, times, began.elapsed(), &mut screen).await;
            }
            let account = self.world.account();
            screen.progress(&account, demo.orders, self.ask("/api/v1/systems").await.as_ref());
            let came = account.placed == demo.orders && began.elapsed() > times.stream;
            let whole = came && account.lost() == 0 && self.world.is_quiet();
            if whole || moves.have_ended(&account) || began.elapsed() >= LONGEST {
                return (account, began.elapsed());
            }
        }
    }

    /// Breaks the ERP and mends it, and asks for stock on the way.
    async fn outage(&self, outage: &mut Outage, times: Times, now: Duration, screen: &mut Screen) {
        if !outage.broken && now >= times.breaks {
            outage.broken = true;
            // Asked while all is well, so that there is an answer to fall back to.
            self.ask_stock(screen).await;
            self.break_erp();
            screen.say(
                "The ERP's gateway answers 504 from now on; some sales are made all the same.",
            );
        }
        // Late in the outage: what was fresh when it began no longer is.
        if !outage.asked && now + 2 * LOOK >= times.back {
            outage.asked = true;
            self.ask_stock(screen).await;
        }
        if !outage.mended && now >= times.back {
            outage.mended = true;
            self.world.erp.0.frame.faults.set(Vec::new());
            screen.say("The ERP is back.");
        }
    }

    /// Each shop lives through its share of the orders.
    fn open_shops(&self, orders: u64, stream: Duration) {
        let shops = self.world.shops.len() as u64;
        for (at, (shop, _)) in (0..).zip(&self.world.shops) {
            let share = orders / shops + u64::from(at < orders % shops);
            let pace = u32::try_from(share.max(1)).unwrap_or(u32::MAX);
            let plan = Plan {
                orders: share,
                pace: self.world.clock.twin(stream) / pace,
                seed: at + 1,
                ..Plan::default()
            };
            let shop = shop.clone();
            tokio::spawn(async move { shop.live(plan).await });
        }
    }

    fn break_erp(&self) {
        let made = Rule::on("create_sale", Wrong::Status(504)).acting(Acts::Before);
        let rules = vec![made.times(MADE_ALL_THE_SAME), Rule::all(Wrong::Status(504))];
        self.world.erp.0.frame.faults.set(rules);
    }

    /// Asks the hub for stock at the ERP, and says how old the answer is.
    async fn ask_stock(&self, screen: &mut Screen) {
        let answer = self.ask(&format!("/api/v1/systems/erp/reads/stock?sku={ARTICLE}")).await;
        let Some(answer) = answer else { return };
        let on_hand = answer.pointer("/value/on_hand").and_then(Value::as_str).unwrap_or("?");
        let age = answer.get("age_s").and_then(Value::as_u64).unwrap_or(0);
        let fresh = answer.get("fresh").and_then(Value::as_bool).unwrap_or(false);
        let words = if fresh { "fresh" } else { "stale: the ERP does not answer" };
        screen.say(&format!("Stock of {ARTICLE}: {on_hand}, {age} s old ({words})."));
    }

    /// What the hub answers; none: it does not, or says no.
    async fn ask(&self, path: &str) -> Option<Value> {
        let request = client().ok()?.get(format!("http://{}{path}", self.hub.addr()));
        let answer = request.timeout(Duration::from_secs(2)).send().await.ok()?;
        let body = answer.error_for_status().ok()?.bytes().await.ok()?;
        serde_json::from_slice(&body).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_outage_lies_within_the_time_in_which_orders_come() {
        for orders in [1, 500, 100_000] {
            let times = Times::of(orders);
            assert!(times.breaks < times.back && times.back < times.stream, "{orders}");
        }
        assert_eq!(Times::of(500).stream, Duration::from_secs(15));
    }

    #[tokio::test(start_paused = true)]
    async fn what_moves_is_not_lost_however_slow_and_what_stands_still_is() {
        let mut moves = Moves { last: Account::default(), at: Instant::now() };
        let mut account = Account::default();
        for step in 1..=10 {
            tokio::time::advance(STILL - Duration::from_secs(1)).await;
            account.messages = step;
            assert!(!moves.have_ended(&account), "step {step}");
        }
        tokio::time::advance(STILL).await;
        assert!(moves.have_ended(&account));
    }
}

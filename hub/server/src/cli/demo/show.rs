//! What the demonstration prints: progress on stderr, the closing account on stdout.
//!
//! On a terminal progress is one table, drawn again in its place, with what happens above it; else lines, at
//! most one a second.

use std::time::Duration;

use orderhub_twins::account::Account;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::super::output::{self, Output};
use super::table::{self, Table};

/// Where progress is printed.
#[derive(Debug)]
pub(super) struct Screen {
    began: Instant,
    /// The last line without its time: the same again says nothing.
    last: String,
    /// When it was printed.
    at: Instant,
    /// The table on a terminal; `None`: lines.
    table: Option<Table>,
}

impl Screen {
    pub(super) fn new(began: Instant) -> Self {
        Self { began, last: String::new(), at: began, table: Table::on_terminal() }
    }

    /// Something that happens.
    pub(super) fn say(&mut self, words: &str) {
        let seconds = self.began.elapsed().as_secs_f64();
        let line = format!("{seconds:>5.1} s  {words}");
        match &mut self.table {
            Some(table) => table.above(&line),
            None => output::say(&line),
        }
    }

    /// Counts at the twins, and how the hub sees the systems: the table, or at most one line a second.
    pub(super) fn progress(&mut self, account: &Account, orders: u64, systems: Option<&Value>) {
        if let Some(table) = &mut self.table {
            table.draw(table::rows(account, (orders, self.began.elapsed()), systems));
            return;
        }
        let systems = systems.and_then(|page| page.get("items")).and_then(Value::as_array);
        let is_erp = |system: &&Value| system.get("system").is_some_and(|name| name == "erp");
        let erp = systems.into_iter().flatten().find(is_erp);
        let words = format!(
            "{} orders · {} sales · {} releases · {} labels · {} fulfilled · {} cancelled{}",
            account.placed,
            account.sales,
            account.releases,
            account.labels,
            account.fulfilled,
            account.cancelled,
            erp.map(erp_words).unwrap_or_default(),
        );
        if words == self.last || (!self.last.is_empty() && self.at.elapsed().as_secs() < 1) {
            return;
        }
        self.say(&words);
        self.last = words;
        self.at = Instant::now();
    }
}

/// The worst breaker of a system.
pub(super) fn worst(system: &Value) -> &str {
    let breakers = system.get("breakers").and_then(Value::as_array);
    let states = breakers.into_iter().flatten().filter_map(|gate| gate.get("state")?.as_str());
    let rank = |state: &&str| match *state {
        "Open" => 2,
        "HalfOpen" => 1,
        _ => 0,
    };
    states.max_by_key(rank).unwrap_or("Closed")
}

/// ` · ERP Open, 37 waiting`
fn erp_words(erp: &Value) -> String {
    let worst = worst(erp);
    let backlog = erp.get("backlog").and_then(Value::as_u64).unwrap_or(0);
    format!(" · ERP {worst}, {backlog} waiting")
}

/// The closing account.
pub(super) fn account(account: &Account, took: Duration, speed: f64, output: Output) {
    match output {
        Output::Json | Output::Jsonl => {
            let head = json!({
                "balances": account.balances(), "lost": account.lost(), "clock_speed": speed,
                "seconds": took.as_secs(), "account": account,
            });
            output::document(&head, output);
        }
        Output::Table | Output::Name => output::print(&text(account, took, speed)),
    }
}

fn text(account: &Account, took: Duration, speed: f64) -> String {
    let a = account;
    let rows = [
        ("received", a.placed, format!("orders, in {} messages of the shops", a.messages)),
        (
            "stored",
            a.stored,
            format!("orders that the sink was told of, in {} versions", a.versions),
        ),
        ("delivered to the ERP", a.sales, format!("sales, {} cancelled again", a.sales_cancelled)),
        ("delivered to the WMS", a.releases, "releases".to_owned()),
        ("delivered to the TMS", a.labels, "labels".to_owned()),
        (
            "fulfilled in the shops",
            a.fulfilled,
            format!("orders, by {} fulfilments", a.fulfilments),
        ),
        ("cancelled in the shops", a.cancelled, late(a)),
        ("duplicates dropped", a.copies, "messages were sent twice on purpose".to_owned()),
        ("lost", a.lost(), String::new()),
        ("doubled", a.doubled, String::new()),
        ("out of order", a.out_of_order, String::new()),
    ];
    let mut lines = vec![
        String::new(),
        format!(
            "Closing account, counted at the twins (their clock ran {speed:.0} times as fast as ours)"
        ),
        String::new(),
    ];
    for (what, count, words) in rows {
        lines.push(format!("  {what:<24}{count:>7}  {words}").trim_end().to_owned());
    }
    for (why, open) in &a.open {
        let more = if open.count > open.some.len() as u64 { ", …" } else { "" };
        lines.push(format!("  {why}: {} orders ({}{more})", open.count, open.some.join(", ")));
    }
    if a.given_up > 0 {
        lines.push(format!("  the hub never took {} messages", a.given_up));
    }
    let verdict =
        if a.balances() { "The account balances." } else { "The account does not balance." };
    let seconds = took.as_secs_f64();
    lines.extend([String::new(), format!("{verdict} It took {seconds:.1} s."), String::new()]);
    lines.join("\n")
}

fn late(account: &Account) -> String {
    match account.too_late {
        0 => "orders".to_owned(),
        late => format!("orders, {late} of them when the goods were packed"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_open_is_named_and_the_verdict_says_so() {
        let mut account = Account { placed: 7, ..Account::default() };
        assert!(text(&account, Duration::ZERO, 3_600.0).contains("The account balances."));
        let open = account.open.entry("no sale").or_default();
        (open.count, open.some) = (6, vec!["shop_eu #1001".to_owned()]);
        let shown = text(&account, Duration::ZERO, 3_600.0);
        assert!(shown.contains("no sale: 6 orders (shop_eu #1001, …)"), "{shown}");
        assert!(shown.contains("The account does not balance."));
    }
}

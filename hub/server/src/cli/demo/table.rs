//! The live table of the demonstration: drawn again in its place on a terminal.
//!
//! **Invariant:** no line of it is wider than the terminal, for a wrapped line would count as one and leave
//! rests behind. Test: `a_table_is_drawn_over_the_last_one_and_no_line_wraps`.

use std::io::{IsTerminal, Write};
use std::time::Duration;

use orderhub_twins::account::Account;
use serde_json::Value;

use super::show::worst;

/// Where a terminal does not say how wide it is.
const COLUMNS: usize = 80;
/// Longest words of an error in the table, in characters.
const LONGEST: usize = 48;

/// A table on stderr, below what was said.
#[derive(Debug, Default)]
pub(super) struct Table {
    lines: Vec<String>,
}

impl Table {
    /// `None`: output goes to a file, or to a terminal that cannot move its cursor.
    pub(super) fn on_terminal() -> Option<Self> {
        let dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
        let there = std::io::stdout().is_terminal() && std::io::stderr().is_terminal();
        (there && !dumb).then(Self::default)
    }

    /// Puts a line above the table.
    pub(super) fn above(&mut self, line: &str) {
        let lines = std::mem::take(&mut self.lines);
        let mut text = frame(lines.len(), &[line.to_owned()], usize::MAX);
        text.push_str(&frame(0, &lines, columns()));
        self.lines = lines;
        write(&text);
    }

    /// Draws these lines in the place of the last.
    pub(super) fn draw(&mut self, lines: Vec<String>) {
        let text = frame(self.lines.len(), &lines, columns());
        self.lines = lines;
        write(&text);
    }
}

fn write(text: &str) {
    let mut err = std::io::stderr().lock();
    // A closed terminal is nobody's fault.
    err.write_all(text.as_bytes()).and_then(|()| err.flush()).ok();
}

fn columns() -> usize {
    let size = rustix::termios::tcgetwinsize(std::io::stderr()).ok();
    size.map(|size| usize::from(size.ws_col)).filter(|columns| *columns > 0).unwrap_or(COLUMNS)
}

/// What takes back `over` lines and writes these.
fn frame(over: usize, lines: &[String], columns: usize) -> String {
    // Up to the first of them, and everything below away.
    let mut text = if over > 0 { format!("\x1b[{over}A\x1b[J") } else { String::new() };
    for line in lines {
        text.extend(line.chars().take(columns));
        text.push('\n');
    }
    text
}

/// The table's lines: a row a system, with what took effect there, what waits for it, and its breaker.
pub(super) fn rows(
    account: &Account,
    (orders, took): (u64, Duration),
    systems: Option<&Value>,
) -> Vec<String> {
    let seconds = took.as_secs_f64();
    let mut lines = vec![
        String::new(),
        format!(
            "{seconds:>5.1} s  {} of {orders} orders · {} fulfilled · {} cancelled · {} open",
            account.placed,
            account.fulfilled,
            account.cancelled,
            account.lost()
        ),
        format!(
            "         {:<10}{:>8}{:>9}  {:<9} {}",
            "SYSTEM", "EFFECTS", "WAITING", "BREAKER", "LAST ERROR"
        ),
    ];
    let known = systems.and_then(|page| page.get("items")).and_then(Value::as_array);
    for (name, counts) in &account.twins {
        let system = known
            .into_iter()
            .flatten()
            .find(|system| system.get("system").and_then(Value::as_str) == Some(name.as_str()));
        let waiting = system.and_then(|system| system.get("backlog")?.as_u64()).unwrap_or(0);
        let error = system.and_then(|system| system.pointer("/last_error/why")?.as_str());
        let error: String = error.unwrap_or("-").chars().take(LONGEST).collect();
        let (effects, breaker) = (counts.effects.values().sum::<u64>(), system.map_or("-", worst));
        lines.push(format!("         {name:<10}{effects:>8}{waiting:>9}  {breaker:<9} {error}"));
    }
    lines
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_table_is_drawn_over_the_last_one_and_no_line_wraps() {
        let lines = ["12345".to_owned(), "…wide".to_owned()];
        assert_eq!(frame(0, &lines, 80), "12345\n…wide\n");
        assert_eq!(frame(2, &lines, 4), "\x1b[2A\x1b[J1234\n…wid\n");
    }

    #[test]
    fn a_row_says_what_took_effect_what_waits_and_how_the_breaker_stands() {
        let mut account = Account { placed: 7, ..Account::default() };
        account.twins.insert("erp".to_owned(), orderhub_twins::ledger::Counts::default());
        let systems = json!({ "items": [{
            "system": "erp", "backlog": 3, "last_error": { "why": "504" },
            "breakers": [{ "state": "Closed" }, { "state": "Open" }],
        }] });
        let rows = rows(&account, (500, Duration::from_secs(2)), Some(&systems));
        assert!(rows[1].contains("7 of 500 orders"), "{rows:?}");
        let erp = rows.last().unwrap();
        assert_eq!(erp.split_whitespace().collect::<Vec<_>>(), ["erp", "0", "3", "Open", "504"]);
    }
}

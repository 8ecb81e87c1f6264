//! How results and errors are written, and which exit code goes with an error.

use std::io::Write;
use std::process::ExitCode;

use orderhub_order::value::{Money, UNIT_PRICE_DIGITS};
use serde_json::{Value, json};

/// How results are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Output {
    /// For people.
    #[default]
    Table,
    /// One JSON document.
    Json,
    /// One JSON document a row.
    Jsonl,
    /// Only the name of each row.
    Name,
}

/// Why a command did not do what it was asked.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) code: Code,
    pub(super) message: String,
    /// What to do.
    pub(super) hint: Option<String>,
}

/// Exit codes of errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Code {
    /// Ran and found problems.
    Problems,
    /// Usage error, or nothing matched.
    Usage,
    /// There is no such thing.
    NotFound,
    /// The thing changed, or does not take this now.
    Conflict,
    /// The hub cannot be reached.
    Unreachable,
    /// Later.
    Later,
    /// Settings or files are wrong.
    Settings,
    /// Somebody asked it to end before it was done.
    Interrupted,
}

impl Code {
    pub(super) fn number(self) -> u8 {
        match self {
            Code::Problems => 1,
            Code::Usage => 2,
            Code::NotFound => 5,
            Code::Conflict => 6,
            Code::Unreachable => 69,
            Code::Later => 75,
            Code::Settings => 78,
            Code::Interrupted => 130,
        }
    }
}

impl Fault {
    pub(super) fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), hint: None }
    }

    /// The same of a command that judges files: that they have errors is what it found.
    pub(super) fn found(mut self) -> Self {
        if self.code == Code::Settings {
            self.code = Code::Problems;
        }
        self
    }

    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Writes the error to stderr, in the form that was asked for.
    pub(super) fn report(&self, output: Output) -> ExitCode {
        match output {
            Output::Json | Output::Jsonl => {
                let body =
                    json!({ "error": self.message, "hint": self.hint, "code": self.code.number() });
                say(&body.to_string());
            }
            Output::Table | Output::Name => {
                say(&format!("error: {}", self.message));
                if let Some(hint) = &self.hint {
                    say(&format!("  hint: {hint}"));
                }
            }
        }
        ExitCode::from(self.code.number())
    }
}

/// `1 document`, `2 documents`.
pub(super) fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

/// A line to stderr. A closed pipe is nobody's fault.
pub(super) fn say(line: &str) {
    writeln!(std::io::stderr(), "{line}").ok();
}

/// Text to stdout. A closed pipe is nobody's fault.
pub(super) fn print(text: &str) {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes()).ok();
    if !text.ends_with('\n') {
        out.write_all(b"\n").ok();
    }
}

/// Bytes to stdout, with a line's end.
pub(super) fn bytes(bytes: &[u8]) {
    exactly(bytes);
    if !bytes.ends_with(b"\n") {
        exactly(b"\n");
    }
}

/// Bytes to stdout, and nothing else.
pub(super) fn exactly(bytes: &[u8]) {
    std::io::stdout().lock().write_all(bytes).ok();
}

/// One document: JSON as it is, for people as indented lines.
pub(super) fn document(value: &Value, output: Output) {
    match output {
        Output::Json => print(&pretty(value)),
        Output::Jsonl => print(&value.to_string()),
        Output::Name => print(&text(value.get("id").unwrap_or(value))),
        Output::Table => print(&tree(value)),
    }
}

/// A listing: `columns` are pointers into each row, the first is its name.
pub(super) fn rows(items: &[Value], columns: &[(&str, &str)], output: Output) {
    match output {
        Output::Json => print(&pretty(&Value::from(items.to_vec()))),
        Output::Jsonl => {
            let lines: Vec<_> = items.iter().map(Value::to_string).collect();
            print(&lines.join("\n"));
        }
        Output::Name => {
            let name = columns.first().map_or("/id", |(_, pointer)| pointer);
            for item in items {
                print(&cell(item, name));
            }
        }
        Output::Table => print(&table(items, columns)),
    }
}

fn table(items: &[Value], columns: &[(&str, &str)]) -> String {
    let head = columns.iter().map(|(title, _)| title.to_uppercase()).collect();
    let body =
        items.iter().map(|item| columns.iter().map(|(_, pointer)| cell(item, pointer)).collect());
    let lines: Vec<Vec<String>> = std::iter::once(head).chain(body).collect();
    let width = |column: usize| {
        lines.iter().filter_map(|line| line.get(column)).map(|c| c.chars().count()).max()
    };
    let widths: Vec<_> = (0..columns.len()).map(|column| width(column).unwrap_or(0)).collect();
    let mut text = String::new();
    for line in lines {
        let cells = line.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        let line = cells.collect::<Vec<_>>().join("  ");
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// Letters of a cell that a table shows; `-o json` has all of them.
const MOST_IN_CELL: usize = 120;

fn cell(item: &Value, pointer: &str) -> String {
    let text = item.pointer(pointer).map(text).unwrap_or_default();
    match text.char_indices().nth(MOST_IN_CELL) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

/// A value on one line, without quotes.
pub(super) fn text(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(text).collect::<Vec<_>>().join(", "),
        Value::Object(members) => match (members.get("amount"), members.get("currency")) {
            (Some(amount), Some(currency)) => {
                let (amount, currency) = (text(amount), text(currency));
                Money::parse(&amount, &currency, Some(UNIT_PRICE_DIGITS))
                    .map_or_else(|_| format!("{amount} {currency}"), |money| money.in_full())
            }
            _ => value.to_string(),
        },
        Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_else(|_| value.to_string())
}

/// Indented `name: value` lines.
fn tree(value: &Value) -> String {
    let mut lines = String::new();
    branch(value, 0, &mut lines);
    lines
}

fn branch(value: &Value, depth: usize, lines: &mut String) {
    let pad = "  ".repeat(depth);
    match value {
        Value::Object(members) => {
            for (name, inner) in members {
                if is_leaf(inner) {
                    lines.push_str(&format!("{pad}{name}: {}\n", text(inner)));
                } else {
                    lines.push_str(&format!("{pad}{name}:\n"));
                    branch(inner, depth + 1, lines);
                }
            }
        }
        Value::Array(items) => {
            for item in items {
                lines.push_str(&format!("{pad}-\n"));
                branch(item, depth + 1, lines);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            lines.push_str(&format!("{pad}{}\n", text(value)));
        }
    }
}

fn is_leaf(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.iter().all(|item| !item.is_object()),
        Value::Object(members) => members.contains_key("amount") && members.len() == 2,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_is_shown_with_the_digits_of_its_currency() {
        let shown =
            |amount: &str, currency: &str| text(&json!({ "amount": amount, "currency": currency }));
        let amounts = [
            ("2.0", "EUR", "2.00 EUR"),
            ("5220.7", "EUR", "5220.70 EUR"),
            ("-3", "EUR", "-3.00 EUR"),
            ("3", "JPY", "3 JPY"),
            ("1.5", "KWD", "1.500 KWD"),
            ("0.012345", "EUR", "0.012345 EUR"),
            // What is no amount is shown as it stands.
            ("***", "EUR", "*** EUR"),
        ];
        for (amount, currency, expected) in amounts {
            assert_eq!(shown(amount, currency), expected);
        }
    }
}

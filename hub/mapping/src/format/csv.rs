//! Rows of cells.

use std::collections::BTreeSet;

use csv::{ReaderBuilder, StringRecord};
use orderhub_lang::value::Value;

use super::{Csv, Unreadable, decode};

/// Most columns of a row.
const MOST_COLUMNS: usize = 1_000;

pub(super) fn read(format: &Csv, body: &[u8]) -> Result<Value, Unreadable> {
    let text = decode(format.encoding, body)?;
    quotes(&text, format.delimiter)?;
    // Rows of another length than the first are errors.
    let mut reader = ReaderBuilder::new()
        .delimiter(format.delimiter)
        .has_headers(false)
        .from_reader(text.as_bytes());
    let (mut names, mut rows): (Option<Vec<String>>, Vec<Value>) = (None, Vec::new());
    for record in reader.records() {
        let record = record.map_err(|error| Unreadable(words(&error)))?;
        match &names {
            None if format.header => names = Some(header(&record)?),
            None => {
                let own: Vec<String> =
                    (1..=record.len()).map(|number| format!("c{number}")).collect();
                rows.push(row(&own, &record));
                names = Some(own);
            }
            Some(names) => rows.push(row(names, &record)),
        }
    }
    Ok(Value::List(rows))
}

/// The reader of the library takes a quote that never closes for one long cell: rows would be lost in it.
///
/// **Invariant:** every row is a row: a quote closes before its cell ends, and opens only where a cell begins.
/// Test: `a_quote_that_swallows_rows_is_refused_at_its_line`.
fn quotes(text: &str, delimiter: u8) -> Result<(), Unreadable> {
    let (mut line, mut opened, mut begins) = (1_u64, None, true);
    let mut bytes = text.bytes().peekable();
    while let Some(byte) = bytes.next() {
        match (byte, opened) {
            (b'"', None) if begins => opened = Some(line),
            (b'"', Some(_)) if bytes.peek() == Some(&b'"') => {
                bytes.next();
            }
            (b'"', Some(_)) => {
                opened = None;
                let ends = |next: &u8| *next == delimiter || matches!(next, b'\n' | b'\r');
                if bytes.peek().is_some_and(|next| !ends(next)) {
                    let why = "has letters behind the quote that closes a cell";
                    return Err(Unreadable(format!(
                        "line {line} {why}; double a quote within one"
                    )));
                }
            }
            _ => {}
        }
        line += u64::from(byte == b'\n');
        begins = opened.is_none() && (byte == delimiter || matches!(byte, b'\n' | b'\r'));
    }
    match opened {
        Some(line) => Err(Unreadable(format!("line {line} opens a quote that nothing closes"))),
        None => Ok(()),
    }
}

fn row(names: &[String], record: &StringRecord) -> Value {
    let cells = names.iter().zip(record);
    Value::Map(cells.map(|(name, cell)| (name.clone(), Value::text(cell))).collect())
}

/// The names of the columns: each once, none without.
fn header(record: &StringRecord) -> Result<Vec<String>, Unreadable> {
    if record.len() > MOST_COLUMNS {
        return Err(Unreadable(format!("it has more than {MOST_COLUMNS} columns")));
    }
    let names: Vec<String> = record.iter().map(|name| name.trim().to_owned()).collect();
    let mut seen = BTreeSet::new();
    for (place, name) in names.iter().enumerate() {
        if name.is_empty() {
            return Err(Unreadable(format!("column {} has no name", place + 1)));
        }
        if !seen.insert(name) {
            return Err(Unreadable(format!("two columns are called `{name}`")));
        }
    }
    Ok(names)
}

/// What is wrong, without a cell's text.
fn words(error: &csv::Error) -> String {
    let csv::ErrorKind::UnequalLengths { pos, expected_len, len } = error.kind() else {
        return "it is not CSV".to_owned();
    };
    let line = pos.as_ref().map_or(0, csv::Position::line);
    format!("line {line} has {len} cells, the first one {expected_len}")
}

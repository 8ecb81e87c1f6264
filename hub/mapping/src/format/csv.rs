//! Rows of cells.

use std::collections::BTreeSet;

use csv::{ReaderBuilder, StringRecord};
use orderhub_lang::value::Value;

use super::{Csv, Unreadable, decode};

/// Most columns of a row.
const MOST_COLUMNS: usize = 1_000;

pub(super) fn read(format: &Csv, body: &[u8]) -> Result<Value, Unreadable> {
    let text = decode(format.encoding, body)?;
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

//! Rows of cells, in.

use std::collections::BTreeSet;

use csv::{ReaderBuilder, StringRecord};
use orderhub_lang::value::Value;

use super::{Bad, Csv, Read, Unreadable, decode, formula};

/// Most columns of a row.
const MOST_COLUMNS: usize = 1_000;

/// Reads a table. A row that cannot be read fails alone, unless nobody can tell where it ends: then what
/// stands before it is read.
pub(super) fn read(format: &Csv, body: &[u8]) -> Result<Read, Unreadable> {
    let text = decode(format.encoding, body)?;
    let (pieces, mut bad) = pieces(&text, format);
    let (mut names, mut rows, mut lines): (Option<Vec<String>>, Vec<Value>, Vec<u64>) =
        (None, Vec::new(), Vec::new());
    let first = pieces.first().map(|(line, _)| *line);
    let before = |bad: &&Bad| format.header && first.is_none_or(|line| bad.line < line);
    if let Some(header) = bad.first().filter(before) {
        return Err(Unreadable(header.why.clone()));
    }
    for (first_line, piece) in pieces {
        let mut reader = ReaderBuilder::new()
            .delimiter(format.delimiter)
            .quote(format.quote)
            .has_headers(false)
            .flexible(true)
            .from_reader(piece.as_bytes());
        for record in reader.records() {
            let record = record.map_err(|_| Unreadable("it is not CSV".to_owned()))?;
            let line = first_line - 1 + record.position().map_or(1, csv::Position::line);
            let known = match &names {
                None if format.header => {
                    names = Some(header(&record, line)?);
                    continue;
                }
                None => &*names.insert((1..=record.len()).map(|at| format!("c{at}")).collect()),
                Some(names) => names,
            };
            let row = row(known, &record, format);
            if record.len() == known.len() {
                rows.push(row);
                lines.push(line);
                continue;
            }
            let s = if record.len() == 1 { "" } else { "s" };
            let why =
                format!("line {line} has {} cell{s}, the first one {}", record.len(), known.len());
            bad.push(Bad { before: 0, line, why, row });
        }
    }
    bad.sort_by_key(|bad| bad.line);
    for bad in &mut bad {
        bad.before = lines.partition_point(|line| *line < bad.line);
    }
    Ok(Read { value: Value::List(rows), lines, bad })
}

/// The parts of a text in which every quote is in order, each with its first line, and the rows between them.
/// The reader of the library takes a quote that never closes for one long cell: rows would be lost in it.
///
/// **Invariant:** every row is a row: a quote closes before its cell ends, and opens only where a cell begins.
/// A row that breaks this within its line fails alone; behind one that runs on nothing is read. Test:
/// `a_quote_that_swallows_rows_is_refused_at_its_line`.
fn pieces<'t>(text: &'t str, format: &Csv) -> (Vec<(u64, &'t str)>, Vec<Bad>) {
    let (mut pieces, mut bad) = (Vec::new(), Vec::new());
    let bytes = text.as_bytes();
    let (mut line, mut opened, mut begins) = (1_u64, None, true);
    let (mut piece, mut row, mut at) = ((1_u64, 0), (1_u64, 0), 0);
    let mut close = |from: (u64, usize), to: usize| {
        let text = text.get(from.1..to).filter(|text| !text.is_empty());
        pieces.extend(text.map(|text| (from.0, text)));
    };
    while let Some(byte) = bytes.get(at).copied() {
        let next = bytes.get(at + 1).copied();
        at += 1;
        if byte == format.quote {
            match opened {
                None if begins => opened = Some(line),
                Some(_) if next == Some(format.quote) => at += 1,
                Some(from) => {
                    opened = None;
                    let ends = |next: u8| next == format.delimiter || matches!(next, b'\n' | b'\r');
                    if !next.is_none_or(ends) {
                        close(piece, row.1);
                        let why = "has letters behind the quote that closes a cell; double a quote within one";
                        let alone = from == line && row.0 == line;
                        let rest = bytes.get(at..).unwrap_or_default();
                        let end = rest.iter().position(|byte| *byte == b'\n').filter(|_| alone);
                        bad.push(broken(line, why, alone));
                        let Some(end) = end else { return (pieces, bad) };
                        (line, at, begins) = (line + 1, at + end + 1, true);
                        (piece, row) = ((line, at), (line, at));
                        continue;
                    }
                }
                None => {}
            }
        }
        if byte == b'\n' {
            line += 1;
            if opened.is_none() {
                row = (line, at);
            }
        }
        begins = opened.is_none() && (byte == format.delimiter || matches!(byte, b'\n' | b'\r'));
    }
    match opened {
        Some(line) => {
            close(piece, row.1);
            bad.push(broken(line, "opens a quote that nothing closes", false));
        }
        None => close(piece, bytes.len()),
    }
    (pieces, bad)
}

/// A row whose quotes are not in order.
fn broken(line: u64, why: &str, alone: bool) -> Bad {
    let rest = if alone { "" } else { "; nothing is read from there on" };
    Bad { before: 0, line, why: format!("line {line} {why}{rest}"), row: Value::Null }
}

fn row(names: &[String], record: &StringRecord, format: &Csv) -> Value {
    let cells = names.iter().zip(record);
    let cell = |cell| if format.raw { cell } else { formula::bare(cell) };
    Value::Map(cells.map(|(name, text)| (name.clone(), Value::text(cell(text)))).collect())
}

/// The names of the columns: each once, none without.
fn header(record: &StringRecord, line: u64) -> Result<Vec<String>, Unreadable> {
    if record.len() > MOST_COLUMNS {
        return Err(Unreadable(format!("line {line} has more than {MOST_COLUMNS} columns")));
    }
    let names: Vec<String> = record.iter().map(|name| name.trim().to_owned()).collect();
    let mut seen = BTreeSet::new();
    for (place, name) in names.iter().enumerate() {
        if name.is_empty() {
            return Err(Unreadable(format!("column {} has no name in line {line}", place + 1)));
        }
        if !seen.insert(name) {
            return Err(Unreadable(format!("two columns are called `{name}` in line {line}")));
        }
    }
    Ok(names)
}

//! Tables in files: `tables/<name>.csv` of an integration, or `common/tables/<name>.csv` for all.
//!
//! Comma-separated, UTF-8, quotes doubled within quotes; the first row names the columns. A row whose system's
//! word is empty is none of that system; an empty hub word is null. A table is read once for all rules that use
//! the same columns of it.
//!
//! **Invariant:** a row is never lost in silence: one of another length, a system's word that stands twice, or
//! a quote that does not close is told at its place, and the table is not used: what can be read of it is judged
//! all the same, so that all its mistakes are told in one run. Test: the cases under `tests/data/mapping/tables`.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use orderhub_lang::diagnostic::{Diagnostic, Findings, Source, Span};

use super::COMMON;
use crate::codes;
use crate::conversions::Rows;

/// Most rows of a table, its names not counted.
pub(crate) const MOST_ROWS: usize = 100_000;

/// Most columns.
const MOST_COLUMNS: usize = 100;

/// Longest cell, in bytes.
const LONGEST: usize = 256;

/// Bytes of all rows that are kept for rules; a row counts as [`ROW`] more.
const MOST_KEPT: usize = 32 << 20;

/// What a row costs besides its letters.
const ROW: usize = 100;

/// The rows that rules use.
#[derive(Debug, Default)]
struct Read {
    /// What a table gives, by its columns; `None`: there is no room for it, which was told.
    rows: BTreeMap<(String, usize, usize), Option<Arc<Rows>>>,
    /// Bytes so far.
    kept: usize,
}

/// All tables of a folder by path.
#[derive(Debug, Default)]
pub(crate) struct Tables {
    files: BTreeMap<String, Option<File>>,
    read: Mutex<Read>,
}

/// A table whose columns are known.
#[derive(Debug)]
struct File {
    source: Arc<Source>,
    columns: Vec<String>,
    count: usize,
    /// Nothing is wrong with its rows.
    whole: bool,
}

/// What is known of a table.
pub(crate) enum Known<'t> {
    /// Its columns.
    Columns(&'t [String]),
    /// It is there; what is wrong with it was told.
    Wrong,
    /// There is none.
    Nothing,
}

/// A cell with its place; only one with a doubled quote is a copy.
struct Cell<'t> {
    span: Span,
    text: Cow<'t, str>,
}

impl Tables {
    pub(super) fn load(
        files: &[(&str, Arc<Source>)],
        unread: &BTreeSet<String>,
        found: &mut Vec<Diagnostic>,
    ) -> Self {
        let unread = unread.iter().filter(|path| is_table(path)).map(|path| (path.clone(), None));
        let mut tables = Self { files: unread.collect(), read: Mutex::default() };
        for (path, source) in files.iter().filter(|(path, _)| is_table(path)) {
            let mut findings = Findings::new(source);
            let file = checked(source, &mut findings);
            found.extend(findings.into_vec());
            tables.files.insert((*path).to_owned(), file);
        }
        tables
    }

    /// The table at a path below the mappings folder.
    pub(crate) fn table(&self, path: &str) -> Known<'_> {
        match self.files.get(path) {
            None => Known::Nothing,
            Some(None) => Known::Wrong,
            Some(Some(file)) => Known::Columns(&file.columns),
        }
    }

    /// The paths that a folder may name, as it names them.
    pub(crate) fn names<'t>(&'t self, folder: &'t str) -> impl Iterator<Item = &'t str> {
        self.files.keys().filter_map(move |path| {
            let own = path.strip_prefix(folder).and_then(|rest| rest.strip_prefix('/'));
            own.or_else(|| path.starts_with(COMMON).then_some(path))
        })
    }

    /// The names of all master data.
    pub(crate) fn masters(&self) -> impl Iterator<Item = &str> {
        self.files.keys().filter_map(|path| path.strip_prefix(MASTER)?.strip_suffix(".csv"))
    }

    /// What the columns `from` and `to` of a table give; where its rows are not sound, to be judged and not used.
    /// `None`: there is no room for it. The first who asks gets the findings.
    pub(crate) fn rows(
        &self,
        path: &str,
        (from, to): (usize, usize),
        findings: &mut Findings,
    ) -> Option<Arc<Rows>> {
        let file = self.files.get(path)?.as_ref()?;
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        let asked = (path.to_owned(), from, to);
        if let Some(known) = read.rows.get(&asked) {
            return known.clone();
        }
        let mut own = Findings::new(&file.source);
        let before = read.kept;
        read.kept = before.saturating_add(file.source.text.len() + file.count * ROW);
        let fits = read.kept <= MOST_KEPT;
        let rows = fits.then(|| rows(&file.source, from, to, &mut own));
        if !fits && before <= MOST_KEPT {
            let most = MOST_KEPT >> 20;
            let message = format!("the tables that rules use have more than {most} MiB");
            let finding = own.error(codes::MOST_ROWS, Span::new(0, 0), message);
            own.report(finding.with_hint("use fewer columns of it, or keep only what is needed"));
        }
        let sound = file.whole && !own.has_errors();
        let rows = rows.map(|mut rows| {
            rows.sound = sound;
            Arc::new(rows)
        });
        findings.extend(own.into_vec());
        read.rows.insert(asked, rows.clone());
        rows
    }
}

/// Master data of the hub: `hub/master/<name>.csv`.
const MASTER: &str = "hub/master/";

/// The path of master data; `None`: they cannot have this name.
pub(crate) fn master(name: &str) -> Option<String> {
    let letters = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let plain = !name.is_empty() && name.len() <= 64 && name.chars().all(letters);
    plain.then(|| format!("{MASTER}{name}.csv"))
}

/// `<folder>/tables/<name>.csv`, or `hub/master/<name>.csv`
pub(super) fn is_table(path: &str) -> bool {
    if path.strip_prefix(MASTER).is_some_and(|name| name.ends_with(".csv")) {
        return true;
    }
    let below = path.split_once('/').and_then(|(_, rest)| rest.strip_prefix("tables/"));
    below.is_some_and(|name| name.ends_with(".csv"))
}

/// The table, if its columns are good; what is wrong with its rows is told.
fn checked(source: &Arc<Source>, findings: &mut Findings) -> Option<File> {
    let mut rows = Records::of(source);
    let head = match rows.next() {
        Some(Ok(head)) => head,
        Some(Err(wrong)) => {
            unreadable(&wrong, findings);
            return None;
        }
        None => {
            let message = "a table needs a row with the names of its columns";
            findings.report(findings.error(codes::COLUMN, Span::new(0, 0), message));
            return None;
        }
    };
    columns(&head, findings);
    let named = !findings.has_errors();
    let mut count = 0;
    for (number, row) in rows.enumerate() {
        count = number + 1;
        if findings.is_full() {
            break;
        }
        let row = match row {
            Ok(row) => row,
            Err(wrong) => {
                unreadable(&wrong, findings);
                break;
            }
        };
        let start = row.first().map_or(0, |cell| cell.span.start);
        let whole = Span { start, end: row.last().map_or(start, |cell| cell.span.end) };
        if number >= MOST_ROWS {
            let message = format!("the table has more than {MOST_ROWS} rows");
            let finding = findings.error(codes::MOST_ROWS, whole, message);
            findings.report(finding.with_hint("keep what grows in the system, and look it up"));
            break;
        }
        if row.len() != head.len() {
            let message = format!("this row has {} cells, not {}", row.len(), head.len());
            let finding = findings.error(codes::CELL, whole, message);
            findings.report(finding.with_hint("a comma within a cell needs quotes: `\"a, b\"`"));
        }
        for cell in row.iter().filter(|cell| cell.text.len() > LONGEST) {
            let message = format!("a cell has at most {LONGEST} bytes");
            findings.report(findings.error(codes::CELL, cell.span, message));
        }
    }
    let columns = head.into_iter().map(|cell| cell.text.into_owned()).collect();
    let file = File { source: Arc::clone(source), columns, count, whole: !findings.has_errors() };
    named.then_some(file)
}

/// Tells why a row cannot be read.
fn unreadable(wrong: &Wrong, findings: &mut Findings) {
    let finding = match wrong {
        Wrong::Wide(span) => {
            let message = format!("this row has more than {MOST_COLUMNS} cells");
            findings.error(codes::CELL, *span, message)
        }
        Wrong::Quote(span) => {
            let message = "a quote that closes nowhere, or letters behind the one that closes";
            let finding = findings.error(codes::CELL, *span, message);
            finding.with_hint("double a quote within quotes: `\"a \"\"b\"\"\"`")
        }
    };
    findings.report(finding);
}

fn columns(head: &[Cell<'_>], findings: &mut Findings) {
    if let [only] = head {
        let message = "a table has at least two columns";
        let finding = findings.error(codes::COLUMN, only.span, message);
        findings.report(finding.with_hint("cells are divided by commas: `theirs,ours`"));
    }
    let mut known = BTreeSet::new();
    for cell in head {
        if cell.text.is_empty() || !known.insert(cell.text.as_ref()) {
            let message = match cell.text.as_ref() {
                "" => "a column without a name".to_owned(),
                name => format!("the column `{name}` is there twice"),
            };
            findings.report(findings.error(codes::COLUMN, cell.span, message));
        }
    }
}

/// The rows of a table that can be read.
fn rows(source: &Arc<Source>, from: usize, to: usize, findings: &mut Findings) -> Rows {
    let mut table = Rows::from_file(source);
    let mut lines: HashMap<Cow<'_, str>, u32> = HashMap::new();
    let mut all = Records::of(source).filter_map(Result::ok);
    let width = all.next().map_or(0, |head| head.len());
    // A row of another length is told already: which of its cells is which is not known.
    for row in all.filter(|row| row.len() == width) {
        let (Some(theirs), Some(ours)) = (row.get(from), row.get(to)) else { continue };
        // A table of several systems has no word of each in every row.
        if theirs.text.is_empty() {
            continue;
        }
        if let Some(first) = lines.insert(theirs.text.clone(), theirs.span.start) {
            let line = source.position(first).line;
            let message = format!("`{}` stands twice", shown(&theirs.text));
            let finding = findings.error(codes::CELL, theirs.span, message);
            findings.report(
                finding
                    .with_label(format!("first on line {line}"))
                    .with_hint("of two rows for one word of the system, one would win: remove one"),
            );
            if findings.is_full() {
                break;
            }
        }
        let hub = (!ours.text.is_empty()).then(|| ours.text.to_string());
        table.row(&theirs.text, hub, Some(ours.span));
    }
    table
}

/// A word of a file within a sentence.
fn shown(text: &str) -> String {
    text.chars().take(40).collect()
}

/// Where a row cannot be read.
enum Wrong {
    /// A quote that closes nowhere, or not at the end of its cell.
    Quote(Span),
    /// Too many cells.
    Wide(Span),
}

/// The rows of a text, one after another; an `Err` ends them.
struct Records<'t> {
    text: &'t str,
    at: Option<usize>,
}

impl<'t> Records<'t> {
    fn of(source: &'t Source) -> Self {
        let text = source.text.as_str();
        let at = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
        Self { text, at: Some(at) }
    }

    /// The cell at a byte, and the byte behind it.
    fn cell(&self, at: usize) -> Result<(Cell<'t>, usize), Wrong> {
        let rest = self.text.get(at..).unwrap_or_default();
        let Some(mut inside) = rest.strip_prefix('"') else {
            // The three are ASCII: their bytes are part of no other letter.
            let ends = |byte: &u8| matches!(byte, b',' | b'\r' | b'\n');
            let length = rest.as_bytes().iter().position(ends).unwrap_or(rest.len());
            let text = Cow::Borrowed(rest.get(..length).unwrap_or_default());
            return Ok((Cell { span: Span::new(at, at + length), text }, at + length));
        };
        let mut text = Cow::Borrowed("");
        loop {
            let Some((before, after)) = inside.split_once('"') else {
                return Err(Wrong::Quote(Span::new(at, at + 1)));
            };
            text += before;
            let Some(more) = after.strip_prefix('"') else {
                let end = self.text.len() - after.len();
                if after.is_empty() || after.starts_with([',', '\r', '\n']) {
                    return Ok((Cell { span: Span::new(at, end), text }, end));
                }
                return Err(Wrong::Quote(Span::new(at, end)));
            };
            text += "\"";
            inside = more;
        }
    }
}

impl<'t> Iterator for Records<'t> {
    type Item = Result<Vec<Cell<'t>>, Wrong>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut at = self.at.take()?;
        // A line without anything is no row.
        let rest = self.text.get(at..).unwrap_or_default();
        at += rest.len() - rest.trim_start_matches(['\r', '\n']).len();
        if at >= self.text.len() {
            return None;
        }
        let mut row = Vec::new();
        loop {
            let (cell, end) = match self.cell(at) {
                Ok(found) => found,
                Err(wrong) => return Some(Err(wrong)),
            };
            if row.len() == MOST_COLUMNS {
                return Some(Err(Wrong::Wide(cell.span)));
            }
            row.push(cell);
            match self.text.as_bytes().get(end) {
                Some(b',') => at = end + 1,
                _ => {
                    self.at = Some(end);
                    return Some(Ok(row));
                }
            }
        }
    }
}

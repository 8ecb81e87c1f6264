//! The file as the source of a copy: under its lock, on one snapshot, never written.

use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use orderhub_order::ids::OrderKey;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension as _, Row};
use serde_json::json;
use tokio::sync::mpsc::Sender;

use super::error::Fault;
use super::{numbers, schema, seen};
use crate::store::StoreError;
use crate::store::copy::check::{Found, Long, SURELY_FITS};
use crate::store::copy::tables::{DAILY, Parts, Plan, Planned};
use crate::store::copy::tuple::{self, Mend};
use crate::store::copy::{self, CHUNK, CopyError, Given, Piece, Progress, Sum};
use crate::store::keep;

/// Rows between two words of the check.
const TOLD_EACH: u64 = 1_000;

/// The file.
#[derive(Debug)]
pub(in crate::store) struct Source {
    connection: Connection,
    path: PathBuf,
    pub(in crate::store) install: String,
    /// No hub starts on it meanwhile.
    _lock: File,
}

impl From<Fault> for CopyError {
    fn from(fault: Fault) -> Self {
        StoreError::from(fault).into()
    }
}

impl From<rusqlite::Error> for CopyError {
    fn from(error: rusqlite::Error) -> Self {
        Fault::from(error).into()
    }
}

impl Source {
    /// Opens it; blocks for a moment.
    pub(in crate::store) fn open(path: &Path) -> Result<Self, CopyError> {
        // Neither file nor lock is made where none is.
        if !path.is_file() {
            return Err(CopyError::NoFile(path.to_owned()));
        }
        let lock = schema::lock(path)?.ok_or_else(|| CopyError::InUse(path.to_owned()))?;
        let connection = schema::open_reader(path)?;
        connection.execute_batch("BEGIN")?;
        let (found, known) = (schema::version(&connection)?, schema::known());
        if found != known {
            if found == 0 {
                return Err(CopyError::NoInstall(path.to_owned()));
            }
            return Err(CopyError::Schema { file: path.to_owned(), found, known });
        }
        let read = "SELECT value FROM meta WHERE name = 'install'";
        let install = connection.query_row(read, [], |row| row.get(0)).optional()?;
        let install = install.ok_or_else(|| CopyError::NoInstall(path.to_owned()))?;
        Ok(Self { connection, path: path.to_owned(), install, _lock: lock })
    }

    /// The note beside it that says where it was copied to.
    pub(in crate::store) fn note_path(&self) -> PathBuf {
        schema::note_of(&self.path)
    }

    /// Where it was copied to, and when.
    pub(in crate::store) fn noted(&self) -> Option<(String, String)> {
        copy::noted(&self.note_path())
    }

    /// Its tables with their columns, but for those of the weeks.
    pub(in crate::store) fn tables(&self) -> Result<Vec<(String, Vec<String>)>, CopyError> {
        let sql = "SELECT t.name, c.name FROM sqlite_schema t JOIN pragma_table_info(t.name) c
                   WHERE t.type = 'table' AND t.name NOT GLOB 'sqlite_*' AND t.name NOT GLOB 'seen_*'
                   ORDER BY t.name";
        let mut statement = self.connection.prepare(sql)?;
        let mut rows = statement.query([])?;
        let mut tables: Vec<(String, Vec<String>)> = Vec::new();
        while let Some(row) = rows.next()? {
            let (table, column) = (row.get::<_, String>(0)?, row.get(1)?);
            match tables.last_mut().filter(|(last, _)| *last == table) {
                Some((_, columns)) => columns.push(column),
                None => tables.push((table, vec![column])),
            }
        }
        Ok(tables)
    }

    /// What its rows of tables that have partitions there lie in.
    pub(in crate::store) fn parts(&self) -> Result<Parts, CopyError> {
        let weeks = seen::Weeks::read(&self.connection)?.all();
        let numbers = |sql: &str| {
            let mut read = self.connection.prepare(sql)?;
            let numbers = read.query_map([], |row| row.get(0))?;
            numbers.collect::<Result<Vec<i64>, rusqlite::Error>>()
        };
        let day = Parts::day(1);
        let mut age = 0;
        for table in DAILY {
            let sql = format!("SELECT coalesce(max({day}) - min({day}), 0) FROM {table}");
            age = numbers(&sql)?.into_iter().fold(age, i64::max);
        }
        let (span, mut days) = (keep::span(age), Vec::new());
        for table in DAILY {
            let sql = format!("SELECT DISTINCT {} FROM {table}", Parts::day(span));
            days.extend(numbers(&sql)?.into_iter().map(|number| (table, number)));
        }
        Ok(Parts { weeks, span, days })
    }

    /// Reads every row of a table as it would be sent, and notes what the database cannot hold.
    pub(in crate::store) fn check(
        &self,
        plan: &Plan,
        place: usize,
        found: &mut Found,
        progress: &Progress,
    ) -> Result<(), CopyError> {
        let Some(table) = plan.tables.get(place) else { return Ok(()) };
        progress.table(table.name, 0);
        let (mut rows, mut out, mut bad) = (0_u64, Vec::new(), Vec::new());
        self.each(table, |row| {
            out.clear();
            bad.clear();
            let kept = tuple::encode(row, &table.columns, &mut out, &mut bad)?;
            if !bad.is_empty() {
                found.bad(plan, place, &bad, kept, &self.whose(table, row));
            } else if keys(table, row) > SURELY_FITS {
                let of = self.whose(table, row);
                found.try_later(plan, Long { table: place, row: out.clone(), of });
            }
            rows += 1;
            if rows.is_multiple_of(TOLD_EACH) {
                progress.done(TOLD_EACH, 0);
            }
            Ok(())
        })?;
        progress.count(table.name, rows);
        Ok(())
    }

    /// Sends the rows of a table, piece by piece. Answers what was sent, and how many rows were left out.
    pub(in crate::store) fn stream(
        &self,
        table: &Planned,
        mend: &Mend,
        pieces: &Sender<Piece>,
    ) -> Result<(Sum, u64), CopyError> {
        let send = |piece| pieces.blocking_send(piece).map_err(|_| CopyError::Closed);
        let (mut sum, mut left_out) = (Sum::default(), 0);
        let (mut out, mut held, mut bad) = (Vec::with_capacity(CHUNK), 0_u64, Vec::new());
        self.each(table, |row| {
            let from = out.len();
            bad.clear();
            let kept = tuple::encode(row, &table.columns, &mut out, &mut bad)?;
            let sent = out.get(from..).unwrap_or_default();
            let put = match mend {
                // The check has seen every row: it would have refused.
                Mend::Never if !bad.is_empty() => {
                    return Err(CopyError::fault("a row changed while it was copied"));
                }
                Mend::Never => true,
                Mend::With(too_long) => {
                    kept == tuple::Row::Put
                        && (too_long.is_empty() || !too_long.contains(&tuple::print(sent)))
                }
            };
            if !put {
                left_out += 1;
                out.truncate(from);
                return Ok(());
            }
            sum.add(sent);
            held += 1;
            if out.len() >= CHUNK {
                let full = std::mem::replace(&mut out, Vec::with_capacity(CHUNK));
                send(Piece::Rows(full, std::mem::take(&mut held)))?;
            }
            Ok(())
        })?;
        send(Piece::Rows(out, held))?;
        send(Piece::End)?;
        Ok((sum, left_out))
    }

    /// Numbers that were given here.
    pub(in crate::store) fn given(&self) -> Result<Given, CopyError> {
        let c = &self.connection;
        let highest = |sql: &str| -> Result<i64, CopyError> {
            Ok(c.query_row(sql, [], |row| Ok(row.get::<_, Option<i64>>(0)?.unwrap_or(0)))?)
        };
        let messages = highest("SELECT max(id) FROM messages")?.max(numbers::given(c)?);
        let process = "SELECT max(CAST(value AS INTEGER)) FROM meta WHERE name = 'process'";
        let mut identities = HashMap::new();
        // Numbers of rows that are deleted by now; there is no such table where no row ever had one.
        if c.table_exists(None, "sqlite_sequence")? {
            let mut statement = c.prepare("SELECT name, seq FROM sqlite_sequence")?;
            let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
            identities = rows.collect::<Result<_, _>>()?;
        }
        let orders = highest("SELECT max(k) FROM orders")?;
        Ok(Given { messages, orders, process: highest(process)?, identities })
    }

    /// Leaves a note beside the file, by which a hub on it is refused: see [`schema::open`]. Written aside and put
    /// in its place whole.
    pub(in crate::store) fn note(&self, to: &str, at: Timestamp) -> Result<(), CopyError> {
        let note = self.note_path();
        let failed = |error: std::io::Error| {
            CopyError::Fault(format!("cannot write `{}`: {error}", note.display()))
        };
        let text = json!({ "to": to, "at": at.to_string(), "install": self.install }).to_string();
        let aside = note.with_extension("copied.new");
        std::fs::write(&aside, text).map_err(failed)?;
        File::open(&aside).and_then(|file| file.sync_all()).map_err(failed)?;
        std::fs::rename(&aside, &note).map_err(failed)?;
        // Its name, too, is on the disk before the database counts as the installation.
        let folder = note.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new("."));
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)
    }

    fn each(
        &self,
        table: &Planned,
        mut row: impl FnMut(&Row<'_>) -> Result<(), CopyError>,
    ) -> Result<(), CopyError> {
        for sql in &table.reads {
            let mut statement = self.connection.prepare(sql)?;
            let mut rows = statement.query([])?;
            while let Some(found) = rows.next()? {
                row(found)?;
            }
        }
        Ok(())
    }

    /// Whose a row is, as people say it.
    fn whose(&self, table: &Planned, row: &Row<'_>) -> String {
        let (column, word) = table.of;
        let place = table.columns.iter().position(|known| known.name == column);
        let value = place.and_then(|place| row.get_ref(place).ok()).unwrap_or(ValueRef::Null);
        match value {
            ValueRef::Integer(key) if word == "order" => format!("order {}", OrderKey(key).shown()),
            ValueRef::Integer(number) => format!("{word} {number}"),
            ValueRef::Text(text) => {
                format!("{word} `{}`", String::from_utf8_lossy(text).escape_debug())
            }
            ValueRef::Null | ValueRef::Real(_) | ValueRef::Blob(_) => format!("some {word}"),
        }
    }
}

/// Bytes of a row's texts that stand in some index.
fn keys(table: &Planned, row: &Row<'_>) -> usize {
    let keys = table.columns.iter().enumerate().filter(|(_, column)| column.key);
    let sizes = keys.map(|(place, _)| match row.get_ref(place) {
        Ok(ValueRef::Text(text)) => text.len(),
        Ok(_) | Err(_) => 0,
    });
    sizes.sum()
}

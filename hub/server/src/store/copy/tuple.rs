//! Rows on their way: PostgreSQL's binary form of COPY, in and out.
//!
//! A row is the number of its columns (2 bytes), then each value with its length before it (4 bytes, -1: none).
//! Source: PostgreSQL manual, "COPY", Binary Format.
//!
//! **Invariant:** a value that the column cannot hold is found and named, never written otherwise in silence.
//! Test: `what_postgres_cannot_hold_is_found_in_every_column`.

use std::collections::HashSet;
use std::sync::Arc;

use rusqlite::types::ValueRef;
use sha2::{Digest as _, Sha256};

use super::CopyError;
use super::tables::{Column, Kind};

/// What a copy begins with, before the first row: the signature, no flags, no extension.
pub(crate) const HEAD: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// What stands behind the last row.
pub(crate) const END: [u8; 2] = (-1_i16).to_be_bytes();

/// Rows that no index of the database can hold, by their SHA-256: see [`Mend::With`].
pub(crate) type TooLong = HashSet<[u8; 32]>;

/// What is done about values that PostgreSQL cannot hold.
#[derive(Clone, Debug)]
pub(crate) enum Mend {
    /// They end the copy.
    Never,
    /// A text that is no key is written with U+FFFD, as a hub on PostgreSQL writes it; a row whose key it is, or
    /// that is one of these, is left out.
    With(Arc<TooLong>),
}

/// What is wrong with a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// A text with a NUL.
    Nul,
    /// A text that is not UTF-8.
    NotUtf8,
    /// A text beside numbers, or the like.
    Other,
}

impl What {
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Nul => "it holds a NUL",
            Self::NotUtf8 => "it is not UTF-8",
            Self::Other => "it is of another type than the column",
        }
    }
}

/// A value that the database cannot hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bad {
    /// The place of its column.
    pub(crate) column: usize,
    pub(crate) what: What,
}

/// What became of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Row {
    /// It is written as it is, or mended.
    Put,
    /// It cannot be written.
    LeftOut,
}

/// Writes one row behind `out`, and notes every value that the database cannot hold in `bad`; those are written
/// with U+FFFD. Answers whether the row can be kept with that.
pub(crate) fn encode(
    row: &rusqlite::Row<'_>,
    columns: &[Column],
    out: &mut Vec<u8>,
    bad: &mut Vec<Bad>,
) -> Result<Row, CopyError> {
    let mut kept = Row::Put;
    let count = i16::try_from(columns.len()).map_err(|_| CopyError::fault("too many columns"))?;
    out.extend_from_slice(&count.to_be_bytes());
    for (place, column) in columns.iter().enumerate() {
        let value = row.get_ref(place).map_err(|error| CopyError::fault(&error.to_string()))?;
        let Some(what) = put(value, column.kind, out)? else { continue };
        bad.push(Bad { column: place, what });
        if column.key || what == What::Other {
            kept = Row::LeftOut;
        }
    }
    Ok(kept)
}

fn put(value: ValueRef<'_>, kind: Kind, out: &mut Vec<u8>) -> Result<Option<What>, CopyError> {
    match (kind, value) {
        (_, ValueRef::Null) => out.extend_from_slice(&(-1_i32).to_be_bytes()),
        (Kind::Bigint, ValueRef::Integer(number)) => sized(&number.to_be_bytes(), out)?,
        (Kind::Integer, ValueRef::Integer(number)) => match i32::try_from(number) {
            Ok(number) => sized(&number.to_be_bytes(), out)?,
            Err(_) => return Ok(Some(What::Other)),
        },
        (Kind::Boolean, ValueRef::Integer(number)) => sized(&[u8::from(number != 0)], out)?,
        (Kind::Bytea, ValueRef::Blob(bytes)) => sized(bytes, out)?,
        (Kind::Text, ValueRef::Text(bytes)) => return text(bytes, out),
        (Kind::Numeric, ValueRef::Text(bytes)) => {
            match std::str::from_utf8(bytes).ok().and_then(numeric) {
                Some(number) => sized(&number, out)?,
                None => return Ok(Some(What::Other)),
            }
        }
        (
            Kind::Bigint | Kind::Integer | Kind::Boolean | Kind::Bytea | Kind::Text | Kind::Numeric,
            _,
        ) => return Ok(Some(What::Other)),
    }
    Ok(None)
}

/// A decimal as the server writes it: how many digits to the base of 10,000, the power of the first, the sign, the
/// places behind the point, then the digits without zeros at either end. `None`: it is none.
/// Source: PostgreSQL, `src/backend/utils/adt/numeric.c`, `numeric_send`.
fn numeric(text: &str) -> Option<Vec<u8>> {
    let (sign, text) = match text.strip_prefix('-') {
        Some(rest) => (0x4000_u16, rest),
        None => (0, text),
    };
    let (whole, places) = text.split_once('.').unwrap_or((text, ""));
    if whole.is_empty() || !whole.bytes().chain(places.bytes()).all(|b| b.is_ascii_digit()) {
        return None;
    }
    let scale = u16::try_from(places.len()).ok()?;
    let whole = format!("{}{whole}", "0".repeat((4 - whole.len() % 4) % 4));
    let places = format!("{places}{}", "0".repeat((4 - places.len() % 4) % 4));
    let all = format!("{whole}{places}");
    let before = all.len() / 4 - places.len() / 4;
    let mut digits = Vec::with_capacity(all.len() / 4);
    for digit in all.as_bytes().chunks(4) {
        digits.push(digit.iter().fold(0_u16, |digit, b| digit * 10 + u16::from(b - b'0')));
    }
    let zeros = digits.iter().take_while(|digit| **digit == 0).count();
    digits.drain(..zeros);
    digits.truncate(digits.iter().rposition(|digit| *digit != 0).map_or(0, |last| last + 1));
    let nothing = digits.is_empty();
    let weight =
        if nothing { 0 } else { i16::try_from(before).ok()? - i16::try_from(zeros).ok()? - 1 };
    let mut out = u16::try_from(digits.len()).ok()?.to_be_bytes().to_vec();
    out.extend_from_slice(&weight.to_be_bytes());
    out.extend_from_slice(&(if nothing { 0 } else { sign }).to_be_bytes());
    out.extend_from_slice(&scale.to_be_bytes());
    digits.iter().for_each(|digit| out.extend_from_slice(&digit.to_be_bytes()));
    Some(out)
}

fn text(bytes: &[u8], out: &mut Vec<u8>) -> Result<Option<What>, CopyError> {
    let Ok(text) = std::str::from_utf8(bytes) else {
        sized(String::from_utf8_lossy(bytes).replace('\0', "\u{fffd}").as_bytes(), out)?;
        return Ok(Some(What::NotUtf8));
    };
    if text.contains('\0') {
        sized(text.replace('\0', "\u{fffd}").as_bytes(), out)?;
        return Ok(Some(What::Nul));
    }
    sized(bytes, out)?;
    Ok(None)
}

fn sized(bytes: &[u8], out: &mut Vec<u8>) -> Result<(), CopyError> {
    let length = i32::try_from(bytes.len()).map_err(|_| CopyError::fault("a value of 2 GiB"))?;
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(bytes);
    Ok(())
}

/// What a row is known by.
pub(crate) fn print(row: &[u8]) -> [u8; 32] {
    Sha256::digest(row).into()
}

/// Takes rows out of what the server sends, wherever it cuts that.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    left: Vec<u8>,
    begun: bool,
    ended: bool,
}

impl Rows {
    /// Takes what came, and hands out each row that is whole.
    pub(crate) fn take(
        &mut self,
        bytes: &[u8],
        mut row: impl FnMut(&[u8]),
    ) -> Result<(), CopyError> {
        let odd = || CopyError::fault("the server's rows cannot be read");
        self.left.extend_from_slice(bytes);
        let mut from = 0;
        if !self.begun {
            if self.left.len() < HEAD.len() {
                return Ok(());
            }
            if !self.left.starts_with(HEAD) {
                return Err(odd());
            }
            (self.begun, from) = (true, HEAD.len());
        }
        while !self.ended {
            let rest = self.left.get(from..).unwrap_or_default();
            if rest.starts_with(&END) {
                (self.ended, from) = (true, from + END.len());
                break;
            }
            let Some(length) = length(rest) else { break };
            row(rest.get(..length).ok_or_else(odd)?);
            from += length;
        }
        self.left.drain(..from);
        Ok(())
    }

    /// Whether all came.
    pub(crate) fn is_whole(&self) -> bool {
        self.ended && self.left.is_empty()
    }
}

/// The length of the row that begins here; `None`: it is not all there.
fn length(bytes: &[u8]) -> Option<usize> {
    let columns = u16::from_be_bytes(bytes.get(..2)?.try_into().ok()?);
    let mut at = 2_usize;
    for _ in 0..columns {
        let size = i32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?);
        // None has no bytes.
        at += 4 + usize::try_from(size).unwrap_or(0);
    }
    (at <= bytes.len()).then_some(at)
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::*;

    const KINDS: [Kind; 5] = [Kind::Bigint, Kind::Integer, Kind::Boolean, Kind::Text, Kind::Bytea];

    /// One row of one column for each expression.
    fn encoded(sql: &str, kind: Kind, key: bool) -> (Vec<u8>, Vec<Bad>, Row) {
        let file = Connection::open_in_memory().unwrap();
        let mut statement = file.prepare(&format!("SELECT {sql}")).unwrap();
        let mut rows = statement.query([]).unwrap();
        let column = Column { name: "c".to_owned(), kind, key };
        let (mut out, mut bad) = (Vec::new(), Vec::new());
        let row = rows.next().unwrap().unwrap();
        let kept = encode(row, &[column], &mut out, &mut bad).unwrap();
        (out, bad, kept)
    }

    #[test]
    fn what_postgres_cannot_hold_is_found_in_every_column() {
        // (expression, kinds that hold it, what is wrong with it in a text)
        let cases = [
            ("17", &[Kind::Bigint, Kind::Integer, Kind::Boolean][..], What::Other),
            ("3000000000", &[Kind::Bigint, Kind::Boolean], What::Other),
            ("1.5", &[], What::Other),
            ("'a\u{10ffff}'", &[Kind::Text], What::Other),
            ("'a' || char(0)", &[], What::Nul),
            ("CAST(x'61ff' AS TEXT)", &[], What::NotUtf8),
            ("x'00ff'", &[Kind::Bytea], What::Other),
            ("NULL", &KINDS, What::Other),
        ];
        for (sql, held, wrong) in cases {
            for kind in KINDS {
                let (_, bad, kept) = encoded(sql, kind, false);
                assert_eq!(bad.is_empty(), held.contains(&kind), "{sql} as {kind:?}");
                if kind == Kind::Text && !held.contains(&kind) {
                    assert_eq!(bad, [Bad { column: 0, what: wrong }], "{sql}");
                    assert_eq!(kept == Row::Put, wrong != What::Other, "{sql}");
                    assert_eq!(encoded(sql, kind, true).2, Row::LeftOut, "{sql} as a key");
                }
            }
        }
        let (mended, _, _) = encoded("'a' || char(0) || 'b'", Kind::Text, false);
        assert_eq!(mended, b"\0\x01\0\0\0\x05a\xef\xbf\xbdb");
    }

    #[test]
    fn decimals_are_written_as_the_server_writes_them() {
        // As `COPY (SELECT …::numeric) TO STDOUT BINARY` of PostgreSQL 15 writes them: (text, after the length).
        for (text, written) in [
            ("0", "0000000000000000"),
            ("-0.00", "0000000000000002"),
            ("1", "00010000000000000001"),
            ("-12.50", "0002000040000002000c1388"),
            ("10000", "00010001000000000001"),
            ("0.0001", "0001ffff000000040001"),
            ("12345678.9", "000300010000000104d2162e2328"),
        ] {
            assert_eq!(numeric(text).map(hex::encode).as_deref(), Some(written), "{text}");
        }
        for text in ["", "-", ".5", "1e3", "1,5", "NaN", "٣"] {
            assert_eq!(numeric(text), None, "{text}");
        }
    }

    #[test]
    fn rows_come_out_as_they_went_in_wherever_they_are_cut() {
        let mut sent = HEAD.to_vec();
        let rows = ["'a', NULL", "'', 'bc'", "NULL, NULL"].map(|values| {
            let file = Connection::open_in_memory().unwrap();
            let mut statement = file.prepare(&format!("SELECT {values}")).unwrap();
            let mut rows = statement.query([]).unwrap();
            let column = || Column { name: "c".to_owned(), kind: Kind::Text, key: false };
            let mut out = Vec::new();
            let columns = [column(), column()];
            encode(rows.next().unwrap().unwrap(), &columns, &mut out, &mut Vec::new()).unwrap();
            out
        });
        rows.iter().for_each(|row| sent.extend_from_slice(row));
        sent.extend_from_slice(&END);
        for size in 1..sent.len() {
            let (mut taken, mut found) = (Rows::default(), Vec::new());
            for piece in sent.chunks(size) {
                assert!(!taken.is_whole());
                taken.take(piece, |row| found.push(row.to_vec())).unwrap();
            }
            assert!(taken.is_whole(), "pieces of {size}");
            assert_eq!(found, rows, "pieces of {size}");
        }
        assert!(Rows::default().take(&[0; 19], |_| {}).is_err());
    }
}

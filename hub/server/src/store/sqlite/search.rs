//! What finds orders, in a file: what a commit writes of it, how it is asked, how it is made anew.

use std::sync::LazyLock;

use orderhub_order::ids::OrderKey;
use rusqlite::types::Value as Column;
use rusqlite::{Connection, OptionalExtension as _, params, params_from_iter};
use secrecy::{ExposeSecret as _, SecretString};

use super::error::Fault;
use super::tx::read_order;
use crate::store::StoreError;
use crate::store::commit::IndexWrites;
use crate::store::lines::{AMOUNTS, LineRow, QUANTITIES, TEXTS};
use crate::store::search::{self, Kept, MOST_RARE, Plan, SearchKey, Term, VERSION, Wanted, rows};

/// Decides how the file is searched, before anything else is written to it.
pub(super) fn begin(connection: &mut Connection, wanted: &Wanted) -> Result<SearchKey, StoreError> {
    let transaction = connection.transaction().map_err(Fault::from)?;
    let c = &transaction;
    let kept = Kept {
        version: meta(c, rows::VERSION)?.and_then(|version| version.parse().ok()),
        check: meta(c, rows::CHECK)?,
        key: meta(c, rows::KEY)?.map(SecretString::from),
    };
    let begun = search::begin(kept, wanted.key.as_ref())?;
    if begun.anew {
        clear(c)?;
        set(c, rows::VERSION, &VERSION.to_string())?;
        set(c, rows::CHECK, &begun.key.check())?;
        let any = c.query_row("SELECT EXISTS (SELECT 1 FROM orders)", [], |row| row.get(0));
        if any.map_err(Fault::from)? {
            set(c, rows::NEXT, "0")?;
        }
    }
    if let Some(made) = &begun.made {
        set(c, rows::KEY, made.expose_secret())?;
    }
    transaction.commit().map_err(Fault::from)?;
    Ok(begun.key)
}

/// Forgets all of it, and the key: the next start begins anew, under the key that it is given.
pub(super) fn forget(connection: &mut Connection) -> Result<(), Fault> {
    let transaction = connection.transaction()?;
    clear(&transaction)?;
    for name in [rows::VERSION, rows::CHECK, rows::KEY, rows::NEXT] {
        unset(&transaction, name)?;
    }
    Ok(transaction.commit()?)
}

fn clear(c: &Connection) -> Result<(), Fault> {
    // Without a condition whole tables go at once.
    c.execute_batch(
        "DELETE FROM search_words; DELETE FROM search_hashes; DELETE FROM order_lines;",
    )?;
    Ok(())
}

fn meta(c: &Connection, name: &str) -> Result<Option<String>, Fault> {
    let mut read = c.prepare_cached("SELECT value FROM meta WHERE name = ?1")?;
    Ok(read.query_row([name], |row| row.get(0)).optional()?)
}

fn set(c: &Connection, name: &str, value: &str) -> Result<(), Fault> {
    let mut set = c.prepare_cached(
        "INSERT INTO meta (name, value) VALUES (?1, ?2)
         ON CONFLICT DO UPDATE SET value = excluded.value",
    )?;
    set.execute([name, value])?;
    Ok(())
}

fn unset(c: &Connection, name: &str) -> Result<(), Fault> {
    c.prepare_cached("DELETE FROM meta WHERE name = ?1")?.execute([name])?;
    Ok(())
}

/// Whether orders are left that a search may miss.
pub(super) fn is_indexing(c: &Connection) -> Result<bool, Fault> {
    Ok(meta(c, rows::NEXT)?.is_some())
}

/// Does the next orders of those that were there when it began; whether there are more. What commits have written
/// of them meanwhile is a part of what is written here.
pub(super) fn more(c: &Connection, most: usize, key: &SearchKey) -> Result<bool, Fault> {
    let Some(next) = meta(c, rows::NEXT)?.and_then(|next| next.parse::<i64>().ok()) else {
        return Ok(false);
    };
    let keys = {
        let mut read = c.prepare_cached("SELECT k FROM orders WHERE k > ?1 ORDER BY k LIMIT ?2")?;
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let keys = read.query_map([next, most], |row| row.get::<_, i64>(0))?;
        keys.collect::<Result<Vec<_>, _>>()?
    };
    let mut index = IndexWrites::default();
    for order in &keys {
        match read_order(c, OrderKey(*order)) {
            Ok(Some(locked)) => index.whole(&locked.state, key),
            Ok(None) => {}
            // Nobody can read it until it is whole again: then it is written to, and found.
            Err(error) => tracing::error!(order, %error, "an order cannot be read to be found"),
        }
    }
    index.sort();
    write(c, &index)?;
    match keys.last().filter(|_| keys.len() >= most) {
        Some(last) => set(c, rows::NEXT, &last.to_string())?,
        None => unset(c, rows::NEXT)?,
    }
    Ok(keys.len() >= most)
}

/// Writes the difference.
pub(super) fn write(c: &Connection, index: &IndexWrites) -> Result<(), Fault> {
    let mut gone = c.prepare_cached("DELETE FROM search_words WHERE word = ?1 AND k = ?2")?;
    for (word, key) in &index.words_gone {
        gone.execute(params![word, key.0])?;
    }
    let mut gone = c.prepare_cached("DELETE FROM search_hashes WHERE hash = ?1 AND k = ?2")?;
    for (hash, key) in &index.hashes_gone {
        gone.execute(params![hash, key.0])?;
    }
    let sql = "INSERT INTO search_words (word, k) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
    let mut insert = c.prepare_cached(sql)?;
    for (word, key) in &index.words {
        insert.execute(params![word, key.0])?;
    }
    let sql = "INSERT INTO search_hashes (hash, k) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
    let mut insert = c.prepare_cached(sql)?;
    for (hash, key) in &index.hashes {
        insert.execute(params![hash, key.0])?;
    }
    lines(c, index)
}

/// All columns of a line, in the order in which [`line`] binds them.
static UPSERT: LazyLock<String> = LazyLock::new(|| {
    let texts = TEXTS.iter().map(|(column, _)| *column);
    let numbers = AMOUNTS.iter().chain(&QUANTITIES).map(|(column, _)| *column);
    let columns: Vec<&str> =
        ["line_no", "removed", "currency"].into_iter().chain(texts).chain(numbers).collect();
    let places: Vec<String> = (1..=columns.len() + 2).map(|at| format!("?{at}")).collect();
    let sets: Vec<String> =
        columns.iter().map(|column| format!("{column} = excluded.{column}")).collect();
    format!(
        "INSERT INTO order_lines (k, line, {}) VALUES ({}) ON CONFLICT (k, line) DO UPDATE SET {}",
        columns.join(", "),
        places.join(", "),
        sets.join(", "),
    )
});

fn lines(c: &Connection, index: &IndexWrites) -> Result<(), Fault> {
    let mut gone = c.prepare_cached("DELETE FROM order_lines WHERE k = ?1 AND line = ?2")?;
    for (key, line) in &index.lines_gone {
        gone.execute(params![key.0, line.as_str()])?;
    }
    let mut upsert = c.prepare_cached(&UPSERT)?;
    for (key, row) in &index.lines {
        let LineRow { line, line_no, texts, currency, numbers, removed } = row;
        let mut at = 0;
        let mut next = || {
            at += 1;
            at
        };
        upsert.raw_bind_parameter(next(), key.0)?;
        upsert.raw_bind_parameter(next(), line.as_str())?;
        upsert.raw_bind_parameter(next(), line_no)?;
        upsert.raw_bind_parameter(next(), removed)?;
        for text in std::iter::once(currency).chain(texts) {
            upsert.raw_bind_parameter(next(), text.as_deref())?;
        }
        for number in numbers {
            upsert.raw_bind_parameter(next(), number.as_deref())?;
        }
        upsert.raw_execute()?;
    }
    Ok(())
}

/// The orders that may fit, newest first; `None`: they are to be looked for in the orders.
pub(super) fn candidates(c: &Connection, plan: &Plan) -> Result<Option<Vec<i64>>, Fault> {
    let mut found = Vec::with_capacity(plan.0.len());
    for way in &plan.0 {
        let keys = way.iter().map(|term| few(c, term));
        found.push(keys.collect::<Result<Vec<_>, _>>()?);
    }
    Ok(search::rarest(found))
}

/// The orders that a word finds, if they are few.
fn few(c: &Connection, term: &Term) -> Result<Option<Vec<i64>>, Fault> {
    let mut keys = Vec::new();
    let mut ask = |sql: &str, values: &[Column]| -> Result<bool, Fault> {
        let mut read = c.prepare_cached(sql)?;
        let mut rows = read.query(params_from_iter(values))?;
        while let Some(row) = rows.next()? {
            if keys.len() == MOST_RARE {
                return Ok(false);
            }
            keys.push(row.get::<_, i64>(0)?);
        }
        Ok(true)
    };
    for word in &term.exact {
        if !ask("SELECT k FROM search_words WHERE word = ?1", &[word.clone().into()])? {
            return Ok(None);
        }
    }
    for hash in &term.hashes {
        if !ask("SELECT k FROM search_hashes WHERE hash = ?1", &[(*hash).into()])? {
            return Ok(None);
        }
    }
    if let Some((from, to)) = &term.range {
        let sql = "SELECT k FROM search_words WHERE word >= ?1 AND word < ?2";
        if !ask(sql, &[from.clone().into(), to.clone().into()])? {
            return Ok(None);
        }
    }
    Ok(Some(keys))
}

/// Whether the order `o` is meant, as a condition whose values go behind those that are there.
pub(super) fn condition(plan: &Plan, values: &mut Vec<Column>) -> String {
    let mut place = |value: Column| {
        values.push(value);
        format!("?{}", values.len())
    };
    let mut term = |term: &Term| {
        let mut any = Vec::new();
        let of = |table: &str, what: String| {
            format!("EXISTS (SELECT 1 FROM {table} s WHERE s.k = o.k AND {what})")
        };
        if let Some((from, to)) = &term.range {
            let (from, to) = (place(from.clone().into()), place(to.clone().into()));
            any.push(of("search_words", format!("s.word >= {from} AND s.word < {to}")));
        }
        for word in &term.exact {
            any.push(of("search_words", format!("s.word = {}", place(word.clone().into()))));
        }
        for hash in &term.hashes {
            any.push(of("search_hashes", format!("s.hash = {}", place((*hash).into()))));
        }
        // What holds nothing is found by nothing.
        if any.is_empty() { "0".to_owned() } else { format!("({})", any.join(" OR ")) }
    };
    let ways = plan.0.iter().map(|way| {
        let all: Vec<String> = way.iter().map(&mut term).collect();
        format!("({})", all.join(" AND "))
    });
    ways.collect::<Vec<_>>().join(" OR ")
}

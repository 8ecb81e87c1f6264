//! What finds orders, in a database: what a commit writes of it, how it is asked, how it is made anew.

use std::sync::LazyLock;

use orderhub_order::ids::OrderKey;
use secrecy::{ExposeSecret as _, SecretString};
use sqlx::{PgConnection, Postgres, QueryBuilder, query, query_scalar, raw_sql};

use super::beats;
use super::error::Fault;
use super::schema::NotPrepared;
use super::together::Together;
use super::tx::lock_to_read;
use super::write::text;
use crate::store::commit::IndexWrites;
use crate::store::lines::{AMOUNTS, LineRow, QUANTITIES, TEXTS};
use crate::store::search::{self, Kept, MOST_RARE, Plan, SearchKey, Term, VERSION, Wanted, rows};

/// Nothing is done yet, and what is there is to be cleared.
const UNTOUCHED: i64 = -1;

/// Decides how the database is searched, under the lock of the schema.
pub(super) async fn begin(c: &mut PgConnection, wanted: &Wanted) -> Result<SearchKey, NotPrepared> {
    let kept = Kept {
        version: meta(c, rows::VERSION).await?.and_then(|version| version.parse().ok()),
        check: meta(c, rows::CHECK).await?,
        key: meta(c, rows::KEY).await?.map(SecretString::from),
    };
    let begun = search::begin(kept, wanted.key.as_ref()).map_err(NotPrepared::Store)?;
    if begun.anew {
        clear(c).await?;
        set(c, rows::VERSION, &VERSION.to_string()).await?;
        set(c, rows::CHECK, &begun.key.check()).await?;
        if query_scalar("SELECT EXISTS (SELECT FROM orders)").fetch_one(&mut *c).await? {
            set(c, rows::NEXT, &UNTOUCHED.to_string()).await?;
        }
    }
    if let Some(made) = &begun.made {
        set(c, rows::KEY, made.expose_secret()).await?;
    }
    Ok(begun.key)
}

/// Forgets all of it, and the key: the next start begins anew, under the key that it is given.
pub(super) async fn forget(c: &mut PgConnection) -> Result<(), Fault> {
    clear(c).await?;
    let names = [rows::VERSION, rows::CHECK, rows::KEY, rows::NEXT].map(str::to_owned);
    query("DELETE FROM meta WHERE name = ANY($1)").bind(&names[..]).execute(c).await?;
    Ok(())
}

async fn clear(c: &mut PgConnection) -> Result<(), Fault> {
    raw_sql("TRUNCATE search_words, search_hashes, order_lines").execute(c).await?;
    Ok(())
}

async fn meta(c: &mut PgConnection, name: &str) -> Result<Option<String>, Fault> {
    let read = query_scalar("SELECT value FROM meta WHERE name = $1").bind(name);
    Ok(read.fetch_optional(c).await?)
}

async fn set(c: &mut PgConnection, name: &str, value: &str) -> Result<(), Fault> {
    let set = "INSERT INTO meta (name, value) VALUES ($1, $2)
               ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    query(set).bind(name).bind(value).execute(c).await?;
    Ok(())
}

/// Whether orders are left that a search may miss.
pub(super) async fn is_indexing(c: &mut PgConnection) -> Result<bool, Fault> {
    Ok(meta(c, rows::NEXT).await?.is_some())
}

/// Does the next orders; whether there are more. Not before the last process that fills less of it is gone: it
/// would go on writing orders that were done.
pub(super) async fn more(
    c: &mut PgConnection,
    most: usize,
    key: &SearchKey,
) -> Result<bool, Fault> {
    if !beats::all_search(c).await? {
        return Ok(false);
    }
    let Some(next) = meta(c, rows::NEXT).await?.and_then(|next| next.parse::<i64>().ok()) else {
        return Ok(false);
    };
    if next == UNTOUCHED {
        // Whatever the others wrote until they were gone. Alone in its transaction: it waits for whoever is at the
        // tables, and holds nothing that they wait for.
        clear(c).await?;
        set(c, rows::NEXT, "0").await?;
        return Ok(true);
    }
    let read = query_scalar("SELECT k FROM orders WHERE k > $1 ORDER BY k LIMIT $2").bind(next);
    let read = read.bind(i64::try_from(most).unwrap_or(i64::MAX));
    let keys: Vec<i64> = read.fetch_all(&mut *c).await?;
    let mut index = IndexWrites::default();
    let all: Vec<OrderKey> = keys.iter().copied().map(OrderKey).collect();
    match lock_to_read(c, &all).await {
        Ok(locked) => locked.iter().for_each(|locked| index.whole(&locked.state, key)),
        Err(Fault::Codec(_)) => one_by_one(c, &all, (&mut index, key)).await?,
        Err(error) => return Err(error),
    }
    index.sort();
    let mut together = Together::default();
    write(c, &index, &mut together).await?;
    together.run(&mut *c).await?;
    match keys.last().filter(|_| keys.len() >= most) {
        Some(last) => set(c, rows::NEXT, &last.to_string()).await?,
        None => {
            query("DELETE FROM meta WHERE name = $1").bind(rows::NEXT).execute(c).await?;
        }
    }
    Ok(keys.len() >= most)
}

/// What cannot be read keeps no other from being found.
async fn one_by_one(
    c: &mut PgConnection,
    keys: &[OrderKey],
    (index, key): (&mut IndexWrites, &SearchKey),
) -> Result<(), Fault> {
    for order in keys {
        match lock_to_read(c, std::slice::from_ref(order)).await {
            Ok(locked) => locked.iter().for_each(|locked| index.whole(&locked.state, key)),
            Err(error @ Fault::Codec(_)) => {
                let order = order.0;
                tracing::error!(order, %error, "an order cannot be read to be found");
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Writes the difference: what is gone at once, what is new together with the rest.
pub(super) async fn write(
    c: &mut PgConnection,
    index: &IndexWrites,
    together: &mut Together,
) -> Result<(), Fault> {
    let words = |words: &[(String, OrderKey)]| -> (Vec<String>, Vec<i64>) {
        words.iter().map(|(word, key)| (word.clone(), key.0)).unzip()
    };
    let hashes = |hashes: &[(i64, OrderKey)]| -> (Vec<i64>, Vec<i64>) {
        hashes.iter().map(|(hash, key)| (*hash, key.0)).unzip()
    };
    if !index.words_gone.is_empty() {
        let sql = "DELETE FROM search_words w USING UNNEST($1::text[], $2::bigint[]) AS i (word, k)
                   WHERE w.word = i.word AND w.k = i.k";
        let (words, keys) = words(&index.words_gone);
        query(sql).bind(words).bind(keys).execute(&mut *c).await?;
    }
    if !index.hashes_gone.is_empty() {
        let sql =
            "DELETE FROM search_hashes h USING UNNEST($1::bigint[], $2::bigint[]) AS i (hash, k)
                   WHERE h.hash = i.hash AND h.k = i.k";
        let (hashes, keys) = hashes(&index.hashes_gone);
        query(sql).bind(hashes).bind(keys).execute(&mut *c).await?;
    }
    if !index.words.is_empty() {
        let sql =
            "INSERT INTO search_words (word, k) SELECT * FROM UNNEST($1::text[], $2::bigint[])
                   ON CONFLICT DO NOTHING";
        let (words, keys) = words(&index.words);
        together.add(sql).bind(words).bind(keys);
    }
    if !index.hashes.is_empty() {
        let sql =
            "INSERT INTO search_hashes (hash, k) SELECT * FROM UNNEST($1::bigint[], $2::bigint[])
                   ON CONFLICT DO NOTHING";
        let (hashes, keys) = hashes(&index.hashes);
        together.add(sql).bind(hashes).bind(keys);
    }
    lines(c, index, together).await
}

/// All columns of a line, in the order in which [`lines`] binds them.
static UPSERT: LazyLock<String> = LazyLock::new(|| {
    let texts = || TEXTS.iter().map(|(column, _)| *column);
    let numbers = || AMOUNTS.iter().chain(&QUANTITIES).map(|(column, _)| *column);
    let texts: Vec<&str> = std::iter::once("currency").chain(texts()).collect();
    let numbers: Vec<&str> = numbers().collect();
    let first = ["k", "line", "line_no", "removed"];
    let columns: Vec<&str> =
        first.into_iter().chain(texts).chain(numbers.iter().copied()).collect();
    let types =
        ["bigint", "text", "bigint", "boolean"].into_iter().chain(std::iter::repeat("text"));
    let places: Vec<String> =
        (1..=columns.len()).zip(types).map(|(at, of)| format!("${at}::{of}[]")).collect();
    let values = columns.iter().map(|column| match numbers.contains(column) {
        true => format!("i.{column}::numeric"),
        false => format!("i.{column}"),
    });
    let sets = columns.iter().skip(2).map(|column| format!("{column} = excluded.{column}"));
    format!(
        "INSERT INTO order_lines ({columns}) SELECT {} FROM UNNEST({}) AS i ({columns})
         ON CONFLICT (k, line) DO UPDATE SET {}",
        values.collect::<Vec<_>>().join(", "),
        places.join(", "),
        sets.collect::<Vec<_>>().join(", "),
        columns = columns.join(", "),
    )
});

async fn lines(
    c: &mut PgConnection,
    index: &IndexWrites,
    together: &mut Together,
) -> Result<(), Fault> {
    if !index.lines_gone.is_empty() {
        let sql = "DELETE FROM order_lines l USING UNNEST($1::bigint[], $2::text[]) AS i (k, line)
                   WHERE l.k = i.k AND l.line = i.line";
        let gone = &index.lines_gone;
        query(sql)
            .bind(gone.iter().map(|(key, _)| key.0).collect::<Vec<_>>())
            .bind(gone.iter().map(|(_, line)| text(line)).collect::<Vec<_>>())
            .execute(&mut *c)
            .await?;
    }
    if index.lines.is_empty() {
        return Ok(());
    }
    let rows = || index.lines.iter().map(|(_, row)| row);
    let texts = |of: &dyn Fn(&LineRow) -> Option<&str>| -> Vec<Option<String>> {
        rows().map(|row| Some(text(of(row)?).into_owned())).collect()
    };
    let upsert = together
        .add(&UPSERT)
        .bind(index.lines.iter().map(|(key, _)| key.0).collect::<Vec<_>>())
        .bind(texts(&|row| Some(row.line.as_str())))
        .bind(rows().map(|row| row.line_no).collect::<Vec<_>>())
        .bind(rows().map(|row| row.removed).collect::<Vec<_>>())
        .bind(texts(&|row| row.currency.as_deref()));
    for at in 0..TEXTS.len() {
        upsert.bind(texts(&|row| row.texts.get(at)?.as_deref()));
    }
    for at in 0..AMOUNTS.len() + QUANTITIES.len() {
        upsert.bind(texts(&|row| row.numbers.get(at)?.as_deref()));
    }
    Ok(())
}

/// The orders that may fit, newest first; `None`: they are to be looked for in the orders.
pub(super) async fn candidates(
    c: &mut PgConnection,
    plan: &Plan,
) -> Result<Option<Vec<i64>>, Fault> {
    let mut found = Vec::with_capacity(plan.0.len());
    for way in &plan.0 {
        let mut keys = Vec::with_capacity(way.len());
        for term in way {
            keys.push(few(c, term).await?);
        }
        found.push(keys);
    }
    Ok(search::rarest(found))
}

/// The orders that a word finds, if they are few.
async fn few(c: &mut PgConnection, term: &Term) -> Result<Option<Vec<i64>>, Fault> {
    let mut sql = QueryBuilder::<Postgres>::new("SELECT k FROM (");
    sql.push("SELECT k FROM search_words WHERE word = ANY(").push_bind(&term.exact);
    sql.push(") UNION ALL SELECT k FROM search_hashes WHERE hash = ANY(").push_bind(&term.hashes);
    sql.push(")");
    if let Some((from, to)) = &term.range {
        sql.push(" UNION ALL SELECT k FROM search_words WHERE word >= ").push_bind(from);
        sql.push(" AND word < ").push_bind(to);
    }
    let most = i64::try_from(MOST_RARE).unwrap_or(i64::MAX);
    sql.push(") AS f LIMIT ").push_bind(most.saturating_add(1));
    let keys: Vec<i64> = sql.build_query_scalar().fetch_all(c).await?;
    Ok((keys.len() <= MOST_RARE).then_some(keys))
}

/// Whether the order `o` is meant.
pub(super) fn condition(plan: &Plan, sql: &mut QueryBuilder<Postgres>) {
    sql.push("(false");
    for way in &plan.0 {
        sql.push(" OR (true");
        for term in way {
            sql.push(" AND (EXISTS (SELECT FROM search_words s WHERE s.k = o.k AND (s.word = ANY(");
            sql.push_bind(term.exact.clone()).push(")");
            if let Some((from, to)) = &term.range {
                sql.push(" OR (s.word >= ").push_bind(from.clone());
                sql.push(" AND s.word < ").push_bind(to.clone()).push(")");
            }
            // With OFFSET it is asked for order by order: else the server may gather all orders that the words find.
            sql.push(") OFFSET 0)");
            if !term.hashes.is_empty() {
                sql.push(
                    " OR EXISTS (SELECT FROM search_hashes s WHERE s.k = o.k AND s.hash = ANY(",
                );
                sql.push_bind(term.hashes.clone()).push(") OFFSET 0)");
            }
            sql.push(")");
        }
        sql.push(")");
    }
    sql.push(")");
}

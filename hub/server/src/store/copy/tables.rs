//! Which tables a copy takes, and why it leaves the others. Their columns are those that the database says it
//! has: one that a later schema adds is copied without a word here.
//!
//! **Invariant:** no table is forgotten: each that a migration of either store makes has a line here, and a table or
//! column of the file that this program does not know ends the copy before anything is written. Tests:
//! `every_table_of_both_schemas_is_copied_or_left_for_a_reason`, `what_the_program_does_not_know_ends_the_copy`.

use super::CopyError;
use crate::store::keep::NS_PER_DAY;

/// What a copy takes.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) name: &'static str,
    /// The column that says whose a row is, and what people call that.
    pub(crate) of: (&'static str, &'static str),
    /// Columns that are written otherwise, as SQL over the row of the file.
    instead: &'static [(&'static str, &'static str)],
    /// Columns that only the file has.
    without: &'static [&'static str],
    /// Which rows, as SQL that both understand.
    pub(crate) only: &'static str,
}

const fn table(name: &'static str, of: (&'static str, &'static str)) -> Table {
    Table { name, of, instead: &[], without: &[], only: "true" }
}

/// Every table that is copied, in this order.
pub(crate) const COPIED: &[Table] = &[
    // The id of the installation is part of every idempotency key; the active bundle goes along, and whatever a
    // later program writes there. What is left is each store's own: its schema, what it was last given, a ping.
    Table {
        only: "name NOT IN ('schema', 'process', 'messages_given', 'ping', 'copying', 'copied')",
        ..table("meta", ("name", "the row"))
    },
    table("bundles", ("hash", "bundle")),
    table("orders", ("k", "order")),
    // As the next start of a hub on the file would find them: what a process held is due at once and nobody's,
    // and a call that was in the air may have acted.
    Table {
        instead: &[
            ("process", "NULL"),
            ("due_at", "CASE WHEN process > 0 AND due_at IS NOT NULL THEN 0 ELSE due_at END"),
        ],
        // The number of a row, which nothing names.
        without: &["id"],
        ..table("lanes", ("k", "order"))
    },
    table("xrefs", ("k", "order")),
    table("search_words", ("k", "order")),
    table("search_hashes", ("k", "order")),
    table("order_lines", ("k", "order")),
    table("changes", ("k", "order")),
    table("messages", ("id", "message")),
    table("receipts", ("k", "order")),
    table("pending", ("message", "message")),
    table("pending_keys", ("pending", "the waiting document")),
    table("todo", ("id", "todo")),
    table("pauses", ("system", "system")),
    table("said", ("system", "system")),
    table("counters", ("system", "system")),
    table("answers", ("key", "key")),
    table("fetches", ("id", "fetch")),
    table("cursors", ("system", "system")),
    // A table a week there, a partition a week here.
    table(SEEN, ("sequence", "message")),
];

/// Tables that only one of the stores has, or that say nothing of the installation, and why they are left.
pub(crate) const LEFT: &[(&str, &str)] = &[
    ("messages_beyond", "a part of `messages`"),
    ("tokens", "only programs of an earlier schema read it"),
    ("commits", "ids of transactions of the last hour, of processes that are gone"),
    ("processes", "no process works on the copy yet"),
    ("beats", "when a process was last heard of"),
    ("leases", "nobody holds one; the first holders are told that the end before was not seen"),
    ("gates", "whether a system answers is found out again, as at each start of a hub on a file"),
    ("limits", "buckets are full at each start of a hub on a file, too"),
];

/// The ids of messages against duplicates.
pub(crate) const SEEN: &str = "seen";

/// What a column of the database holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Bigint,
    Integer,
    Boolean,
    Text,
    Bytea,
    /// Decimal text in the file.
    Numeric,
}

impl Kind {
    /// The kind by the name that the server has for it.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "bigint" => Self::Bigint,
            "integer" => Self::Integer,
            "boolean" => Self::Boolean,
            "text" => Self::Text,
            "bytea" => Self::Bytea,
            "numeric" => Self::Numeric,
            _ => return None,
        })
    }
}

/// A column of the database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    /// It is in an index.
    pub(crate) key: bool,
}

/// What the database says of a table.
#[derive(Clone, Debug)]
pub(crate) struct Described {
    pub(crate) name: String,
    pub(crate) columns: Vec<Column>,
    /// The column whose numbers the server gives, if there is one.
    pub(crate) identity: Option<String>,
}

/// One table of a copy.
#[derive(Debug)]
pub(crate) struct Planned {
    pub(crate) name: &'static str,
    pub(crate) of: (&'static str, &'static str),
    pub(crate) columns: Vec<Column>,
    pub(crate) identity: Option<String>,
    /// Which rows of the database belong to it, as SQL.
    pub(crate) only: &'static str,
    /// What is read of the file, one statement after the other.
    pub(crate) reads: Vec<String>,
}

impl Planned {
    /// The columns as SQL.
    pub(crate) fn list(&self) -> String {
        let names: Vec<&str> = self.columns.iter().map(|column| column.name.as_str()).collect();
        names.join(", ")
    }

    /// The columns that stand in an index, for people.
    pub(crate) fn keys(&self) -> String {
        let keys = self.columns.iter().filter(|column| column.key);
        let texts = keys.filter(|column| column.kind == Kind::Text);
        texts.map(|column| column.name.as_str()).collect::<Vec<_>>().join("+")
    }
}

/// Tables that consist of one partition for some days each, by the time `at` of their rows.
pub(crate) const DAILY: [&str; 2] = ["messages", "receipts"];

/// The partitions that the rows of the file lie in.
#[derive(Clone, Debug, Default)]
pub(crate) struct Parts {
    /// The weeks of [`SEEN`].
    pub(crate) weeks: Vec<i64>,
    /// Days that share a partition of [`DAILY`]: few where little was kept, so that there are never very many.
    pub(crate) span: i64,
    /// The first day of each partition of [`DAILY`], with its table.
    pub(crate) days: Vec<(&'static str, i64)>,
}

impl Parts {
    /// The partition of a row, as SQL over the row of the file.
    pub(crate) fn day(span: i64) -> String {
        format!("at / {NS_PER_DAY} - (at / {NS_PER_DAY}) % {span}")
    }

    /// Each with its table.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&'static str, i64)> {
        self.weeks.iter().map(|week| (SEEN, *week)).chain(self.days.iter().copied())
    }
}

/// All of a copy.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) tables: Vec<Planned>,
    pub(crate) parts: Parts,
}

impl Plan {
    /// Puts both sides together. `file`: its tables with their columns.
    ///
    /// # Errors
    ///
    /// A table or column that this program does not know, or that one of them lacks.
    pub(crate) fn new(
        file: &[(String, Vec<String>)],
        database: &[Described],
        parts: Parts,
    ) -> Result<Self, CopyError> {
        // Others may have tables of their own in the database.
        if let Some((name, _)) = file.iter().find(|(name, _)| !is_known(name)) {
            return Err(unknown(format!("the table `{name}`")));
        }
        let mut tables = Vec::with_capacity(COPIED.len());
        for table in COPIED {
            let lacks = || CopyError::Fault(format!("the database has no table `{}`", table.name));
            let described = database.iter().find(|found| found.name == table.name);
            let Described { columns, identity, .. } = described.ok_or_else(lacks)?.clone();
            let of_file = file.iter().filter(|(name, _)| name == table.name);
            for column in of_file.flat_map(|(_, columns)| columns) {
                let there = columns.iter().any(|known| known.name == *column);
                if !there && !table.without.contains(&column.as_str()) {
                    return Err(unknown(format!("the column `{column}` of `{}`", table.name)));
                }
            }
            let reads = reads(table, &columns, &parts);
            let Table { name, of, only, .. } = *table;
            tables.push(Planned { name, of, columns, identity, only, reads });
        }
        Ok(Self { tables, parts })
    }
}

fn is_known(name: &str) -> bool {
    COPIED.iter().any(|table| table.name == name)
}

fn unknown(what: String) -> CopyError {
    CopyError::Fault(format!(
        "this program does not know what {what} is for; copy with the program that made it"
    ))
}

/// What is read for a table.
fn reads(table: &Table, columns: &[Column], parts: &Parts) -> Vec<String> {
    let select = |from: &str, week: &str| {
        let instead = |name: &str| {
            let found = table.instead.iter().find(|(column, _)| *column == name);
            found.map_or(name.to_owned(), |(_, sql)| (*sql).to_owned())
        };
        let columns = columns.iter().map(|column| match column.name.as_str() {
            "week" if table.name == SEEN => week.to_owned(),
            "day" if DAILY.contains(&table.name) => Parts::day(parts.span),
            name => instead(name),
        });
        let columns: Vec<String> = columns.collect();
        format!("SELECT {} FROM {from} WHERE {}", columns.join(", "), table.only)
    };
    if table.name != SEEN {
        return vec![select(table.name, "")];
    }
    parts.weeks.iter().map(|week| select(&format!("seen_{week}"), &week.to_string())).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    /// The tables that the migrations of a store make.
    fn made(store: &str) -> BTreeSet<String> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations").join(store);
        let mut made = BTreeSet::new();
        let files = std::fs::read_dir(folder).unwrap();
        let files: BTreeSet<_> = files.map(|file| file.unwrap().path()).collect();
        for file in files {
            let script = std::fs::read_to_string(file).unwrap();
            for line in script.lines() {
                let words: Vec<&str> = line.split_whitespace().collect();
                let name = match words[..] {
                    ["CREATE", "TABLE", name, ..] | ["CREATE", "UNLOGGED", "TABLE", name, ..] => {
                        name
                    }
                    ["DROP", "TABLE", name] => {
                        made.remove(name.trim_end_matches(';'));
                        continue;
                    }
                    _ => continue,
                };
                made.insert(name.trim_end_matches('(').to_owned());
            }
        }
        made
    }

    #[test]
    fn every_table_of_both_schemas_is_copied_or_left_for_a_reason() {
        let copied: BTreeSet<String> = COPIED.iter().map(|table| table.name.to_owned()).collect();
        let left: BTreeSet<String> = LEFT.iter().map(|(name, _)| (*name).to_owned()).collect();
        let of_file: BTreeSet<String> =
            copied.iter().filter(|name| *name != SEEN).cloned().collect();
        assert_eq!(
            made("sqlite"),
            of_file,
            "a table of the file is copied: give it a line in COPIED"
        );
        let both = copied.union(&left).cloned().collect();
        assert_eq!(made("postgres"), both, "a table of the database has a line in COPIED or LEFT");
    }

    fn described(name: &str, columns: &[&str]) -> Described {
        let column =
            |name: &&str| Column { name: (*name).to_owned(), kind: Kind::Text, key: false };
        let columns = columns.iter().map(column).collect();
        Described { name: name.to_owned(), columns, identity: None }
    }

    #[test]
    fn what_the_program_does_not_know_ends_the_copy() {
        let database = || -> Vec<_> {
            let of_lanes = ["k", "system", "due_at", "body", "personal", "process"];
            let columns = |name| if name == "lanes" { &of_lanes[..] } else { &["k"] };
            COPIED.iter().map(|table| described(table.name, columns(table.name))).collect()
        };
        let plan = |file: &[(&str, &[&str])], database: &[Described]| {
            let owned = |columns: &[&str]| columns.iter().map(|c| (*c).to_owned()).collect();
            let file: Vec<(String, Vec<String>)> =
                file.iter().map(|(name, columns)| ((*name).to_owned(), owned(columns))).collect();
            let parts = Parts { weeks: vec![7, 9], ..Parts::default() };
            Plan::new(&file, database, parts)
        };
        let fine = plan(&[("lanes", &["id", "k", "system"])], &database()).unwrap();
        let reads = |name: &str| {
            let table = fine.tables.iter().find(|table| table.name == name).unwrap();
            table.reads.clone()
        };
        assert_eq!(
            reads("lanes"),
            [
                "SELECT k, system, CASE WHEN process > 0 AND due_at IS NOT NULL THEN 0 ELSE due_at END, body, \
              personal, NULL FROM lanes WHERE true"
            ]
        );
        assert_eq!(
            reads("seen"),
            ["SELECT k FROM seen_7 WHERE true", "SELECT k FROM seen_9 WHERE true"]
        );
        let more = [database(), vec![described("prices", &["k"])]].concat();
        assert!(plan(&[], &more).is_ok(), "others may have tables beside ours");
        for (file, database, named) in [
            (&[("prices", &["k"][..])][..], database(), "the table `prices`"),
            (&[("orders", &["k", "colour"])], database(), "the column `colour` of `orders`"),
            (&[], database()[1..].to_vec(), "no table `meta`"),
        ] {
            let refused = plan(file, &database).unwrap_err().to_string();
            assert!(refused.contains(named), "{refused}");
        }
    }
}

//! Trains a dictionary for stored bodies on the stores of a hub that has worked.
//!
//!   train-dictionary OUT STORE.db…
//!
//! The dictionaries in `hub/server/src/store/dictionaries/` were made by it, on copies of the store of
//! `orderhub demo --orders 500`: its orders are made up, so no personal data is in them. A dictionary
//! that was released is kept for ever; a better one gets the next number.

use std::path::Path;

use rusqlite::{Connection, OpenFlags};

/// Bytes of a dictionary. Measured on the demo's store: 32 KiB halve the bodies once more against 8 KiB,
/// 64 KiB gain little.
const SIZE: usize = 32 * 1_024;
/// Samples of one column: none outweighs the others.
const MOST_SAMPLES: usize = 1_500;
/// Columns with bodies.
const COLUMNS: [(&str, &str); 7] = [
    ("orders", "body"),
    ("orders", "personal"),
    ("lanes", "body"),
    ("lanes", "personal"),
    ("changes", "delta"),
    ("changes", "personal"),
    ("messages", "body"),
];

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [out, stores @ ..] = words.as_slice() else {
        panic!("usage: train-dictionary OUT STORE…")
    };
    let mut samples = Vec::new();
    for store in stores {
        let store = Connection::open_with_flags(store, OpenFlags::SQLITE_OPEN_READ_ONLY);
        let store = store.expect("a store");
        for (table, column) in COLUMNS {
            let found = bodies(&store, table, column);
            let step = found.len().div_ceil(MOST_SAMPLES).max(1);
            samples.extend(found.into_iter().step_by(step));
        }
    }
    let dictionary = zstd::dict::from_samples(&samples, SIZE).expect("enough samples");
    std::fs::write(Path::new(out), &dictionary).expect("the file is written");
    println!("{} bytes from {} samples", dictionary.len(), samples.len());
}

/// The bodies of a column as they were before packing.
fn bodies(store: &Connection, table: &str, column: &str) -> Vec<Vec<u8>> {
    let sql = format!("SELECT {column} FROM {table} WHERE {column} IS NOT NULL");
    let mut statement = store.prepare(&sql).expect("a table of bodies");
    let rows = statement.query_map([], |row| row.get::<_, Vec<u8>>(0)).expect("rows");
    rows.map(|row| orderhub::store::unpack(&row.expect("a row")).expect("a body")).collect()
}

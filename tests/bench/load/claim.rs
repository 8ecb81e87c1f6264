//! Claiming from a large backlog on PostgreSQL, while a transaction that stays open keeps dead entries of the
//! index from being cleared away.

use std::sync::Arc;
use std::time::Duration;

use orderhub::clock::Clock;
use orderhub::store::Store;
use orderhub::store::postgres::{Options, PostgresStore};
use orderhub_order::ids::SystemName;
use orderhub_tests::measure::watch::Watch;
use orderhub_tests::measure::{self, row};
use sqlx::{Connection as _, PgConnection, query, raw_sql};

use super::place::Place;

/// Due lanes.
const LANES: i64 = 500_000;
/// Lanes claimed at once.
const AT_ONCE: usize = 100;
/// Claims.
const ROUNDS: usize = 600;
/// Bar.
const BAR_MS: f64 = 5.0;

pub(crate) async fn run(place: &Place) {
    println!();
    let what =
        format!("{ROUNDS} times {AT_ONCE} of {LANES} due lanes, a snapshot held open, PostgreSQL");
    row("claim", &what);
    let url = place.schema("load_claim").await;
    let options = Options::at(url.clone(), "bench");
    let store = Arc::new(PostgresStore::open(&options).await.expect("a new store opens"));
    let mut direct = PgConnection::connect(&url).await.expect("PostgreSQL answers");
    let fill = "INSERT INTO lanes (k, system, due_at, body)
                SELECT k, 'sink', k * 1000000, decode(repeat('00', 300), 'hex')
                FROM generate_series(1, $1) AS k";
    query(fill).bind(LANES).execute(&mut direct).await.expect("lanes");
    raw_sql("ANALYZE lanes").execute(&mut direct).await.expect("statistics");
    let mut pin = PgConnection::connect(&url).await.expect("PostgreSQL answers");
    let hold = "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM meta";
    raw_sql(hold).execute(&mut pin).await.expect("a snapshot");

    let (sink, mut took) = (SystemName::new("sink"), Vec::with_capacity(ROUNDS));
    for _ in 0..ROUNDS {
        let watch = Watch::start();
        let claimed = store.claim(&sink, Clock::system().now(), AT_ONCE).await.expect("a claim");
        took.push(watch.elapsed());
        assert_eq!(claimed.len(), AT_ONCE, "there are more");
        // What a receipt does: the lane wants nothing any more, and nobody holds it.
        let settle =
            "UPDATE lanes SET process = NULL, due_at = NULL WHERE system = 'sink' AND k = ANY($1)";
        let keys: Vec<i64> = claimed.iter().map(|key| key.0).collect();
        query(settle).bind(&keys).execute(&mut direct).await.expect("settled");
        let lanes: Vec<_> = claimed.into_iter().map(|key| (sink.clone(), key)).collect();
        store.rest(&lanes);
    }
    let (first, last) = (took[..50].to_vec(), took[ROUNDS - 50..].to_vec());
    for (what, mut took) in [("the first 50", first), ("the last 50", last), ("all", took)] {
        let ms = |took: Duration| took.as_secs_f64() * 1000.0;
        let (median, tail) = (ms(measure::at(&mut took, 0.5)), ms(measure::at(&mut took, 0.99)));
        let most = ms(measure::at(&mut took, 1.0));
        let figure = format!(
            "{median:.1} ms median, {tail:.1} ms p99, {most:.1} ms most, bar {BAR_MS:.0} ms"
        );
        row(&format!("claim: {what}"), &figure);
    }
    raw_sql("ROLLBACK").execute(&mut pin).await.expect("the snapshot goes");
    store.close().await;
}

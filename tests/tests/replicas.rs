//! Several hubs on one database and one queue: killed, stopped for a while, ended in order. Nothing lost,
//! nothing twice, nothing out of order, judged by a sink outside of them.
//!
//! `ORDERHUB_TEST_SEED` chooses which hub is killed when; `ORDERHUB_TEST_ORDERS` and `ORDERHUB_TEST_KILLS` make
//! the test longer: see `tests/README.md`.

use std::time::Duration;

use orderhub_tests::database::Schema;
use orderhub_tests::hub::Hub;
use orderhub_tests::scene::{PATIENCE, Place, Scene};
use orderhub_tests::wait;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use tokio::time::Instant;

/// Whatever is asked for in the environment.
fn asked(name: &str, usual: u64) -> u64 {
    std::env::var(name).map_or(usual, |value| value.parse().expect("a number"))
}

/// Hubs on one database.
struct Replicas {
    schema: Schema,
    scene: Scene,
    places: Vec<Place>,
}

impl Replicas {
    async fn new(queue: &str, orders: u64, count: usize) -> Self {
        let (schema, scene) = (Schema::new(), Scene::new(queue, orders).await);
        let place = |_| scene.place(|settings| settings.store(&schema.url()));
        let places = (0..count).map(place).collect();
        Self { schema, scene, places }
    }

    /// All that was published is at the sink, once and in order, whoever is asked.
    async fn judge(&self, hubs: &[Option<Hub>]) {
        // What a killed reader left is driven alone, by whichever hub does that.
        wait::until("nothing waits for a drive", PATIENCE, || async {
            (self.schema.waiting().await == 0).then_some(())
        })
        .await;
        for hub in hubs.iter().flatten() {
            self.scene.judge(hub).await;
        }
    }

    /// The place in the list of whoever reads the queue.
    async fn reader(&self, hubs: &[Option<Hub>]) -> Option<usize> {
        let name = self.schema.reader().await?;
        hubs.iter().position(|hub| hub.as_ref().is_some_and(|hub| name.ends_with(&hub.port())))
    }
}

/// Ten kills take minutes: most of the time somebody waits until a killed reader is taken for gone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_kills_of_three_replicas_lose_nothing_double_nothing_and_keep_the_order() {
    let seed = asked("ORDERHUB_TEST_SEED", 20_261_129);
    let (orders, kills) = (asked("ORDERHUB_TEST_ORDERS", 3_000), asked("ORDERHUB_TEST_KILLS", 4));
    println!("seed {seed}: {orders} orders, {kills} kills");
    let mut random = StdRng::seed_from_u64(seed);
    let replicas = Replicas::new("replicas.kills", orders, 3).await;
    let mut hubs = Vec::new();
    for place in &replicas.places {
        hubs.push(Some(place.start().await));
    }
    for kill in 1..=kills {
        replicas.scene.until_told_of(orders * kill / (kills + 2)).await;
        let victim = random.random_range(0..hubs.len());
        // Every other time whoever reads the queue: then another must go on with it.
        let victim = match replicas.reader(&hubs).await {
            Some(reader) if kill % 2 == 0 => reader,
            Some(_) | None => victim,
        };
        println!("kill {kill}: replica {victim}");
        if let Some(hub) = hubs[victim].take() {
            hub.kill();
        }
        if random.random_bool(0.5) {
            // At once, or when the others have gone on.
            replicas.scene.until_told_of(replicas.scene.told_of() + orders / (2 * kills + 4)).await;
        }
        hubs[victim] = Some(replicas.places[victim].start().await);
    }
    replicas.judge(&hubs).await;
    for hub in hubs.into_iter().flatten() {
        assert!(hub.terminate().await.success());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_replica_goes_on_soon_after_a_kill_and_at_once_after_an_end_in_order() {
    let mut replicas = Replicas::new("replicas.takeover", 200, 2).await;
    let mut hubs = Vec::new();
    for place in &replicas.places {
        hubs.push(Some(place.start().await));
    }
    replicas.scene.until(10).await;
    let reader = replicas.reader(&hubs).await.expect("somebody reads");
    let killed = Instant::now();
    hubs[reader].take().unwrap().kill();
    replicas.scene.publish(200).await;
    replicas.scene.until_told_of(201).await;
    let after_kill = killed.elapsed();
    replicas.scene.until(10).await;

    hubs[reader] = Some(replicas.places[reader].start().await);
    let ended = Instant::now();
    assert!(hubs[1 - reader].take().unwrap().terminate().await.success());
    replicas.scene.publish(200).await;
    replicas.scene.until_told_of(401).await;
    let after_end = ended.elapsed();
    println!("after a kill {after_kill:?}, after an end in order {after_end:?}");
    assert!(after_kill < Duration::from_secs(10), "{after_kill:?}");
    assert!(after_end < Duration::from_secs(4), "{after_end:?}");
    replicas.judge(&hubs).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_that_was_paused_changes_nothing_when_it_comes_back() {
    let replicas = Replicas::new("replicas.paused", 2_000, 2).await;
    let mut hubs = Vec::new();
    for place in &replicas.places {
        hubs.push(Some(place.start().await));
    }
    replicas.scene.until(2).await;
    let reader = replicas.reader(&hubs).await.expect("somebody reads");
    let paused = hubs[reader].as_ref().unwrap();
    paused.signal("STOP");
    let told = replicas.scene.told_of();
    replicas.scene.until_told_of(told + 600).await;
    paused.signal("CONT");
    replicas.judge(&hubs).await;
    assert!(hubs[reader].as_ref().unwrap().log().contains("taken for gone"), "it was never missed");
}

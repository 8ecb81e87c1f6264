//! Several hubs on one database and one queue: killed, stopped for a while, ended in order. Nothing lost,
//! nothing twice, nothing out of order, judged by a sink outside of them.
//!
//! `ORDERHUB_TEST_SEED` chooses which hub is killed when; `ORDERHUB_TEST_ORDERS` and `ORDERHUB_TEST_KILLS` make
//! the test longer: see `tests/README.md`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use orderhub_tests::balanced::Balanced;
use orderhub_tests::database::Schema;
use orderhub_tests::hub::Hub;
use orderhub_tests::mappings::copy;
use orderhub_tests::orders::Order;
use orderhub_tests::scene::{PATIENCE, Place, Scene};
use orderhub_tests::settings::Settings;
use orderhub_tests::{api, wait};
use orderhub_twins::faults::{Fault, Rule};
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
        Self::with(queue, orders, count, |settings| settings).await
    }

    async fn with(
        queue: &str,
        orders: u64,
        count: usize,
        on: impl Fn(Settings) -> Settings,
    ) -> Self {
        let (schema, scene) = (Schema::new(), Scene::new(queue, orders).await);
        let place = |_| scene.place(|settings| on(settings.store(&schema.url())));
        let places = (0..count).map(place).collect();
        Self { schema, scene, places }
    }

    async fn start(&self) -> Vec<Option<Hub>> {
        let mut hubs = Vec::new();
        for place in &self.places {
            hubs.push(Some(place.start().await));
        }
        hubs
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
    let (orders, kills) = (asked("ORDERHUB_TEST_ORDERS", 1_500), asked("ORDERHUB_TEST_KILLS", 4));
    println!("seed {seed}: {orders} orders, {kills} kills");
    let mut random = StdRng::seed_from_u64(seed);
    let replicas = Replicas::new("replicas.kills", orders, 3).await;
    let mut hubs = replicas.start().await;
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
            let more = replicas.scene.told_of() + orders / (2 * kills + 4);
            replicas.scene.until_told_of(more.min(orders)).await;
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
    let mut hubs = replicas.start().await;
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
    let hubs = replicas.start().await;
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

/// The sink takes five calls a second, and every hub believes that it may make as many.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn four_replicas_call_a_slow_system_no_faster_than_one() {
    let slow = |settings: Settings| settings.limit("archive", "default", "5/s", 1);
    let replicas = Replicas::with("replicas.limit", 0, 4, slow).await;
    // A little more than what the hubs keep to: the way to the sink is not always as long.
    let rule = Rule::all(Fault::Throttled { retry_after_s: 1 }).beyond(6.0, 2);
    replicas.scene.faults().set(vec![rule]);
    let hubs = replicas.start().await;
    for (number, hub) in hubs.iter().flatten().enumerate() {
        for order in 0..10 {
            let number = u64::try_from(number * 10 + order).unwrap();
            api::take_in(hub, "shop_eu", "order_rest", Order::paid("shop_eu", number, 1).body())
                .await;
        }
    }
    replicas.scene.until_told_of(40).await;
    let struck: u32 = replicas.scene.faults().shown().iter().map(|(_, times)| times).sum();
    assert_eq!(struck, 0, "the sink was called too fast");
}

/// Callers as behind a load balancer: each call goes to a hub that said a moment ago that it is ready.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rolling_restart_under_load_fails_no_call() {
    let drain = |settings: Settings| settings.drain_seconds(2);
    let mut replicas = Replicas::with("replicas.rolling", 0, 3, drain).await;
    let mut hubs = replicas.start().await;
    let urls = hubs.iter().flatten().map(|hub| hub.url("")).collect();
    let balanced = Balanced::start(urls);
    for (slot, place) in hubs.iter_mut().zip(&replicas.places) {
        let after = balanced.taken() + 50;
        wait::until("calls are taken", PATIENCE, || async {
            (balanced.taken() > after).then_some(())
        })
        .await;
        assert!(slot.take().unwrap().terminate().await.success());
        *slot = Some(place.start().await);
    }
    let taken = balanced.end().await;
    replicas.scene.expect(taken);
    replicas.judge(&hubs).await;
}

/// The bundle that decided an order's first version.
async fn bundle_of(hub: &Hub, number: u64) -> String {
    api::take_in(hub, "shop_eu", "order_rest", Order::paid("shop_eu", number, 1).body()).await;
    let reference = format!("/api/v1/orders/shop_eu-{number}/versions");
    let versions = api::get(hub, &reference).await;
    versions["items"][0]["bundle"].as_str().expect("a version names its bundle").to_owned()
}

/// Hands in orders until one is decided by another bundle than this.
async fn until_not(hub: &Hub, bundle: &str, numbers: &mut std::ops::RangeFrom<u64>) -> String {
    let mut number = || numbers.next().unwrap();
    let found = wait::until("another bundle is in use", PATIENCE, || {
        let number = number();
        async move { Some(bundle_of(hub, number).await).filter(|found| found != bundle) }
    });
    found.await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_that_changes_is_switched_to_and_a_bad_one_is_not() {
    let replicas = Replicas::with("replicas.switch", 0, 2, Settings::own_mappings).await;
    for place in &replicas.places {
        copy(&shipped(), &place.folder().join("mappings"));
    }
    let hubs = replicas.start().await;
    let [Some(first), Some(second)] = &hubs[..] else { panic!("two hubs") };
    let mut numbers = 1..;
    let before = bundle_of(first, numbers.next().unwrap()).await;
    assert_eq!(bundle_of(second, numbers.next().unwrap()).await, before);

    let change = |place: &Place, text: &str| {
        let file = place.folder().join("mappings/sink/order.yaml");
        let shipped = std::fs::read_to_string(shipped().join("sink/order.yaml")).unwrap();
        std::fs::write(file, format!("{shipped}{text}")).unwrap();
    };
    change(&replicas.places[0], "# changed\n");
    let after = until_not(first, &before, &mut numbers).await;
    assert_eq!(until_not(second, &before, &mut numbers).await, after, "with the first one's files");

    change(&replicas.places[1], "  - { hub: no_such_field, system: x }\n");
    wait::until("the second hub says what is wrong", PATIENCE, || async {
        second.log().contains("no_such_field").then_some(())
    })
    .await;
    assert_eq!(bundle_of(second, numbers.next().unwrap()).await, after);
    assert_eq!(bundle_of(first, numbers.next().unwrap()).await, after);
}

fn shipped() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../mappings")
}

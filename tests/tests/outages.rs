//! What befalls several hubs at once: broker and database crash in the same moment; the clock of one hub is wrong.

use std::process::Command;
use std::time::Duration;

use jiff::Timestamp;
use orderhub::clock::Clock;
use orderhub_tests::broker::{Node, REGISTERED};
use orderhub_tests::database::{Schema, Server};
use orderhub_tests::hub::{Hub, binary};
use orderhub_tests::scene::{PATIENCE, Place, Scene};
use orderhub_tests::{api, wait};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_and_a_database_that_crash_together_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::start(&folder.path().join("rabbitmq"));
    let server = Server::start(&folder.path().join("postgres"));
    let mut scene = Scene::on(node.url(), "outages.both", 1_000).await;
    // Younger queues do not survive a crash of the broker.
    tokio::time::sleep(REGISTERED).await;
    let mut hubs = Vec::new();
    for _ in 0..2 {
        let place = scene.place(|settings| settings.store(server.url()));
        let hub = place.start().await;
        hubs.push((place, hub));
    }
    for tenths in [2, 6] {
        scene.until(tenths).await;
        std::thread::scope(|both| {
            both.spawn(|| node.crash_and_restart());
            both.spawn(|| server.crash_and_restart());
        });
    }
    scene.connect_again().await;
    for (_, hub) in &hubs {
        scene.judge(hub).await;
    }
    for (_, hub) in hubs {
        assert!(hub.terminate().await.success());
    }
}

/// A batch is on its way to a database that answers no more: nobody waits for it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hub_ends_in_time_though_its_database_hangs() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&folder.path().join("postgres"));
    let scene = Scene::new("outages.hangs", 1_000).await;
    let place = scene.place(|settings| settings.store(server.url()));
    let hub = place.start().await;
    scene.until(2).await;
    server.freeze();
    assert!(hub.terminate().await.success());
}

/// A hub of which the machine's clock is ten minutes ahead, by a library that says so.
fn ten_minutes_ahead() -> [(&'static str, String); 3] {
    let library = std::env::var("ORDERHUB_TEST_FAKETIME").expect(
        "ORDERHUB_TEST_FAKETIME is not set: run the tests by `tests/run`, which finds libfaketime",
    );
    // Its monotonic clock is right, as on a machine whose time was set wrongly.
    let monotonic = ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned());
    [("LD_PRELOAD", library), ("FAKETIME", "+600s".to_owned()), monotonic]
}

/// By how many milliseconds the clocks differ, as `doctor` says on that machine.
fn skew(place: &Place, env: &[(&str, &str)]) -> u64 {
    let mut doctor = Command::new(binary());
    doctor.args(["doctor", "-c", "orderhub.toml"]).current_dir(place.folder());
    let said = doctor.envs(env.iter().copied()).output().expect("doctor runs").stdout;
    let said = String::from_utf8_lossy(&said);
    let (_, after) =
        said.split_once("the database's differ by ").unwrap_or_else(|| panic!("{said}"));
    after.split_once(" ms").and_then(|(ms, _)| ms.parse().ok()).unwrap_or_else(|| panic!("{said}"))
}

/// The times of all versions of an order.
async fn times(hub: &Hub, order: &str) -> Vec<Timestamp> {
    let versions = api::get(hub, &format!("/api/v1/orders/{order}/versions")).await;
    let versions = versions["items"].as_array().expect("a list").iter();
    versions.map(|version| version["at"].as_str().unwrap().parse().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hub_with_a_wrong_clock_works_by_the_clock_of_the_database() {
    let (schema, mut scene) = (Schema::new(), Scene::new("outages.clock", 150).await);
    let wrong = scene.place(|settings| settings.store(&schema.url()));
    let right = scene.place(|settings| settings.store(&schema.url()));
    let began = Clock::system().now();
    let env = ten_minutes_ahead();
    let env = env.each_ref().map(|(name, value)| (*name, value.as_str()));
    assert!(skew(&wrong, &env) > 590_000);
    // First alone: it reads the queue, tells the sink, and writes history.
    let ahead = wrong.start_with(&env).await;
    scene.until(10).await;
    let beside = right.start().await;
    scene.publish(150).await;
    scene.until(5).await;
    // Whoever has the wrong clock is killed: the other takes over within the usual time.
    ahead.kill();
    wait::until("the other hub reads", Duration::from_secs(10), || async {
        schema.reader().await.filter(|reader| reader.ends_with(&beside.port()))
    })
    .await;
    scene.publish(150).await;
    let ahead = wrong.start_with(&env).await;
    scene.judge(&beside).await;
    scene.judge(&ahead).await;
    wait::until("nothing waits for a drive", PATIENCE, || async {
        (schema.waiting().await == 0).then_some(())
    })
    .await;
    let ended = Clock::system().now();
    for order in api::all_orders(&beside).await {
        let times = times(&beside, &order.id).await;
        assert!(times.is_sorted_by(|a, b| a <= b), "{}: {times:?}", order.reference);
        assert!(times.iter().all(|at| (began..=ended).contains(at)), "{times:?}");
    }
    for hub in [ahead, beside] {
        assert!(hub.terminate().await.success());
    }
}

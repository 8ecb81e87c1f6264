//! The folder of the integration files while the hub runs: changed again and again under load, different from hub to
//! hub, not there any more.
//!
//! `ORDERHUB_TEST_RELOADS` and `ORDERHUB_TEST_RATE` (order changes a second) make the test under load a measurement of a
//! quiet machine, with the bar of five seconds: see `tests/README.md`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use orderhub::bundle::Bundle;
use orderhub_tests::database::Schema;
use orderhub_tests::hub::{Hub, free_port};
use orderhub_tests::mappings::copy;
use orderhub_tests::orders::Order;
use orderhub_tests::scene::{Place, Scene};
use orderhub_tests::settings::{SECRET, Settings};
use orderhub_tests::{api, http, wait};
use orderhub_twins::clock::Clock;
use orderhub_twins::faults::{Fault, Rule};
use orderhub_twins::serve::{Served, serve_anywhere};
use orderhub_twins::sink::Sink;
use serde_json::Value;
use tokio::sync::watch;
use tokio::time::Instant;

const PATIENCE: Duration = Duration::from_secs(30);

/// From the files to all hubs, however busy they are: asserted where reloads are asked for, printed always.
const SWITCHED_WITHIN: Duration = Duration::from_secs(5);

/// Order changes a second: two unoptimised hubs with their broker, database and sink keep up with them on two cores, and
/// other tests beside. An optimised program does 500.
const USUAL_RATE: u64 = 100;

/// Reloads of the usual run: every kind of them twice.
const USUAL_RELOADS: u64 = 20;

/// Orders that may be on their way: what is published beyond what the hubs can do only waits at the broker.
const AHEAD: u64 = 2_000;

/// Orders that are published at once, by who is late.
const AT_ONCE: u64 = 200;

/// Whatever is asked for in the environment.
fn asked(name: &str, usual: u64) -> u64 {
    std::env::var(name).map_or(usual, |value| value.parse().expect("a number"))
}

fn shipped() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../mappings")
}

/// Writes one file of a hub's folder anew, with this at its end; the name of the whole.
fn change(place: &Place, text: &str) -> String {
    let mappings = place.folder().join("mappings");
    let shipped = std::fs::read_to_string(shipped().join("sink/order.yaml")).unwrap();
    std::fs::write(mappings.join("sink/order.yaml"), format!("{shipped}{text}")).unwrap();
    Bundle::name(&Bundle::read(&mappings).unwrap())
}

async fn bundle(hub: &Hub) -> Value {
    api::get(hub, "/api/v1/bundle").await
}

/// Until the hub says that it uses this, or that it refuses it.
async fn until(hub: &Hub, pointer: &str, hash: &str) {
    let said = async {
        let mut tick = tokio::time::interval(Duration::from_millis(20));
        while bundle(hub).await.pointer(pointer).is_none_or(|said| said != hash) {
            tick.tick().await;
        }
    };
    if tokio::time::timeout(PATIENCE, said).await.is_err() {
        panic!("`{pointer}` is not {hash}: {}\n{}", bundle(hub).await, hub.log());
    }
}

async fn metric_is(hub: &Hub, line: &str) {
    wait::until(line, PATIENCE, || async {
        let metrics = http::text(&hub.url("/metrics")).await?;
        metrics.lines().any(|one| one == line).then_some(())
    })
    .await;
}

/// Two hubs on one database, each with a folder of its own, and a target that takes calls and never answers.
struct Pair {
    schema: Schema,
    scene: Scene,
    places: [Place; 2],
    _dead: Served,
}

impl Pair {
    async fn new(queue: &str) -> Self {
        let (schema, scene) = (Schema::new(), Scene::new(queue, 0).await);
        let sink = Sink::new("dead", Clock::started_before(1.0, Duration::ZERO));
        sink.frame.faults.set(vec![Rule::all(Fault::Hang)]);
        let dead = serve_anywhere(sink.router()).await.expect("it listens");
        let place = || {
            let place = scene.place(|settings| {
                let settings = settings.own_mappings().store(&schema.url());
                settings.system("dead", "sink", &dead.url(), &[], &[])
            });
            copy(&shipped(), &place.folder().join("mappings"));
            place
        };
        let places = [place(), place()];
        Self { schema, scene, places, _dead: dead }
    }

    async fn start(&self) -> [Hub; 2] {
        [self.places[0].start().await, self.places[1].start().await]
    }
}

/// Publishes changes of orders until told to stop, `rate` a second and never more than [`AHEAD`] orders before
/// the sink; how many a second they were.
async fn publish(scene: &mut Scene, rate: u64, stop: watch::Receiver<bool>) -> f64 {
    let (began, mut tick) = (Instant::now(), tokio::time::interval(Duration::from_millis(100)));
    while !*stop.borrow() {
        tick.tick().await;
        // An order has two changes, taken over all.
        let due = (began.elapsed().as_secs_f64() * rate as f64 / 2.0) as u64;
        let room = (scene.told_of() + AHEAD).saturating_sub(scene.orders());
        let more = due.saturating_sub(scene.orders()).min(room).min(AT_ONCE);
        if more > 0 {
            scene.publish(more).await;
        }
    }
    (scene.orders() * 2) as f64 / began.elapsed().as_secs_f64()
}

/// Changes the folders again and again, each change after the last is in use by both hubs: to both folders, or to one
/// of them, and every tenth time to something wrong. How long each took.
async fn reload(hubs: &[Hub; 2], places: &[Place; 2], times: u64) -> Vec<Duration> {
    let mut took = Vec::new();
    for number in 1..=times {
        let wrong = number % 10 == 0;
        let text = match wrong {
            true => format!("  - {{ hub: no_such_field_{number}, system: x }}\n"),
            false => format!("# {number}\n"),
        };
        let before = bundle(&hubs[0]).await["hash"].clone();
        let began = Instant::now();
        // Where only one of them has the new files, the other takes them from the store.
        let only = (number % 10 == 4).then_some(0).or((number % 10 == 7).then_some(1));
        let written = (0..2).filter(|at| only.is_none_or(|only| only == *at));
        let hashes: Vec<String> = written.map(|at| change(&places[at], &text)).collect();
        for hub in hubs {
            let pointer = if wrong { "/refused/hash" } else { "/hash" };
            until(hub, pointer, &hashes[0]).await;
        }
        took.push(began.elapsed());
        if wrong {
            for hub in hubs {
                assert_eq!(
                    bundle(hub).await["hash"],
                    before,
                    "a bad one leaves the old one running"
                );
            }
        }
    }
    took
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reloads_under_load_lose_nothing() {
    let rate = asked("ORDERHUB_TEST_RATE", USUAL_RATE);
    let reloads = asked("ORDERHUB_TEST_RELOADS", USUAL_RELOADS);
    let mut pair = Pair::new(&format!("reload.hundred.{}", std::process::id())).await;
    let hubs = pair.start().await;
    let began = Instant::now();
    let (stop, stopped) = watch::channel(false);
    let reloading = async {
        let took = reload(&hubs, &pair.places, reloads).await;
        stop.send_replace(true);
        took
    };
    let (reached, mut took) = tokio::join!(publish(&mut pair.scene, rate, stopped), reloading);
    took.sort_unstable();
    let worst = *took.last().expect("there were reloads");
    println!(
        "{reloads} reloads in {:?} at {reached:.0} of {rate} changes a second, {} orders: median {:?}, worst {worst:?}",
        began.elapsed(),
        pair.scene.orders(),
        took[took.len() / 2]
    );
    if std::env::var_os("ORDERHUB_TEST_RELOADS").is_some() {
        assert!(worst < SWITCHED_WITHIN, "{worst:?}");
    }
    // Lost, doubled, out of order: the account of the sink that lives. The one that does not has its wishes.
    pair.scene.judge_but(&hubs[0], "dead").await;
    assert_eq!(pair.schema.waiting().await, 0, "nothing waits for a drive");
    wait::until("every order waits for the dead target", PATIENCE, || async {
        let dead = api::get(&hubs[0], "/api/v1/systems/dead").await;
        (dead["backlog"] == pair.scene.orders()).then_some(())
    })
    .await;
    let good = i64::try_from(reloads - reloads / 10).unwrap();
    let decided = pair.schema.bundles().await;
    assert!(decided > good * 9 / 10, "{decided} of {good} bundles decided something");
    for hub in hubs {
        told(&hub, reloads).await;
        assert!(hub.terminate().await.success());
    }
}

/// What a hub tells after that: one bundle, so many switches, no secret.
async fn told(hub: &Hub, reloads: u64) {
    let metrics = http::text(&hub.url("/metrics")).await.unwrap();
    let said = bundle(hub).await;
    let info = format!("orderhub_bundle_info{{hash={}}} 1", said["hash"]);
    let infos = metrics.lines().filter(|line| line.starts_with("orderhub_bundle_info{"));
    assert_eq!(infos.collect::<Vec<_>>(), [info.as_str()]);
    let count = |result: &str| -> u64 {
        let name = format!("orderhub_bundle_switch_total{{result=\"{result}\"}} ");
        let line = metrics.lines().find_map(|line| line.strip_prefix(&name));
        line.and_then(|count| count.parse().ok()).expect("it is counted")
    };
    assert_eq!((count("switched"), count("refused")), (reloads - reloads / 10, reloads / 10));
    for text in [metrics.as_str(), &said.to_string(), &hub.log()] {
        assert!(!text.contains(SECRET), "a secret leaked");
    }
}

/// A change that reaches the folders one after the other, as a volume of a cluster does; a hub that starts again
/// before its folder has it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hub_whose_folder_is_behind_uses_the_files_of_the_others() {
    let pair = Pair::new(&format!("reload.behind.{}", std::process::id())).await;
    let [first, second] = pair.start().await;
    let old = bundle(&second).await["hash"].as_str().unwrap().to_owned();
    let new = change(&pair.places[0], "# new\n");
    until(&first, "/hash", &new).await;
    until(&second, "/hash", &new).await;
    assert_eq!(bundle(&second).await["refused"], Value::Null);
    // One that starts with the old files has the last word, until its folder has the new ones.
    assert!(second.terminate().await.success());
    let newest = change(&pair.places[0], "# newest\n");
    until(&first, "/hash", &newest).await;
    let second = pair.places[1].start().await;
    until(&first, "/hash", &old).await;
    assert_eq!(change(&pair.places[1], "# newest\n"), newest);
    for hub in [&first, &second] {
        until(hub, "/hash", &newest).await;
    }
    // What only one of them cannot use is said by that one.
    let bad = change(&pair.places[1], "  - { hub: no_such_field, system: x }\n");
    until(&second, "/refused/hash", &bad).await;
    assert_eq!(bundle(&first).await["refused"], Value::Null);
    metric_is(&second, "orderhub_bundle_refused 1").await;
    metric_is(&first, "orderhub_bundle_refused 0").await;
    let refused = bundle(&second).await["refused"].clone();
    assert_eq!(refused["from"], "folder");
    assert_eq!(refused["findings"][0]["file"], "mappings/sink/order.yaml");
    assert_eq!(change(&pair.places[1], "# newest\n"), newest);
    metric_is(&second, "orderhub_bundle_refused 0").await;
    assert_eq!(bundle(&second).await["refused"], Value::Null);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_that_vanishes_is_told_of_and_the_hub_goes_on() {
    let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
    let mappings = folder.path().join("mappings");
    copy(&shipped(), &mappings);
    let settings = Settings::new(port).own_mappings().shop("shop_eu", "http://127.0.0.1:1");
    settings.write(folder.path());
    let hub = Hub::start(folder.path(), port).await;
    metric_is(&hub, "orderhub_mappings_unreadable 0").await;
    let away = folder.path().join("away");
    std::fs::rename(&mappings, &away).unwrap();
    metric_is(&hub, "orderhub_mappings_unreadable 1").await;
    let refused = bundle(&hub).await["refused"].clone();
    assert_eq!(refused["hash"], Value::Null, "{refused}");
    assert!(refused["why"].as_str().unwrap().contains("cannot read"), "{refused}");
    let body = Order::paid("shop_eu", 1, 1).body();
    api::take_in(&hub, "shop_eu", "order_rest", body).await;
    std::fs::rename(&away, &mappings).unwrap();
    metric_is(&hub, "orderhub_mappings_unreadable 0").await;
    metric_is(&hub, "orderhub_bundle_refused 0").await;
    let log = hub.log();
    let said = |words: &str| log.matches(words).count();
    assert_eq!(said("integration files cannot be read"), 1, "{log}");
    assert_eq!(said("can be read again"), 1, "{log}");
    assert!(hub.terminate().await.success());
}

//! An installation that moves from SQLite to PostgreSQL, by the program as an operator runs it: what the API says
//! is the same before and after, the work goes on, and nothing is lost or done twice.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use orderhub_tests::database::Schema;
use orderhub_tests::http::client;
use orderhub_tests::hub::{self, Hub, binary};
use orderhub_tests::orders::Order;
use orderhub_tests::scene::{PATIENCE, Scene};
use orderhub_tests::settings::{SECRET, Settings};
use orderhub_tests::{api, wait};
use orderhub_twins::clock::Clock;
use orderhub_twins::faults::{Fault, Rule};
use orderhub_twins::outbox::Habits;
use orderhub_twins::shop::Plan;
use orderhub_twins::tms::Pace;
use orderhub_twins::webhooks::HubAddress;
use orderhub_twins::wms::Manner;
use orderhub_twins::world::{Setting, World};
use serde_json::{Value, json};
use sqlx::{Connection as _, PgConnection, query, query_scalar, raw_sql};

/// Twin seconds in one of ours.
const SPEED: f64 = 3_600.0;

struct Ran {
    code: i32,
    out: String,
    err: String,
}

fn ran(output: Output) -> Ran {
    Ran {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

fn orderhub(folder: &Path, arguments: &[&str]) -> Ran {
    ran(Command::new(binary()).args(arguments).current_dir(folder).output().unwrap())
}

/// `store copy` of the file of a folder, with more arguments.
fn copy(folder: &Path, to: &Schema, more: &[&str]) -> Ran {
    let url = to.url();
    orderhub(folder, &[&["store", "copy", "sqlite:orderhub.db", &url], more].concat())
}

/// The settings of a hub that was moved, in its folder.
fn move_settings(folder: &Path, to: &Schema) {
    let file = folder.join("orderhub.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, format!("{text}\n[store]\nurl = \"{}\"\n", to.url())).unwrap();
}

struct Circle {
    world: World,
    folder: tempfile::TempDir,
    port: u16,
}

impl Circle {
    async fn new() -> Self {
        let port = hub::free_port();
        let address = HubAddress::default();
        address.set(format!("http://127.0.0.1:{port}"));
        let setting = Setting {
            hub: address,
            shops: vec!["shop_eu".to_owned()],
            secret: SECRET.to_owned(),
            clock: Clock::started_before(SPEED, Duration::from_secs(90 * 24 * 3_600)),
            habits: Habits::untidy(7),
            manner: Manner::default(),
            pace: Pace::default(),
        };
        let world = World::start(&setting).await.expect("the twins start");
        let mut settings = Settings::new(port);
        for (name, url) in world.addresses() {
            settings = match name.as_str() {
                "erp" => settings.system("erp", "rest_erp", &url, &["token", "webhook"], &[]),
                "wms" => settings.system("wms", "rest_wms", &url, &["token", "webhook"], &[]),
                "tms" => settings.system("tms", "rest_tms", &url, &["password", "webhook"], &[]),
                "sink" => settings.system("sink", "sink", &url, &[], &[]),
                shop => settings.shop(shop, &url),
            };
        }
        let folder = tempfile::tempdir().unwrap();
        settings.write(folder.path());
        Self { world, folder, port }
    }

    async fn start(&self) -> Hub {
        Hub::start(self.folder.path(), self.port).await
    }

    async fn live(&self, first_number: u64, orders: u64) {
        let plan = Plan { first_number, orders, seed: first_number, ..Plan::default() };
        self.world.shops[0].0.live(plan).await;
    }

    /// Until nobody has anything to say, and only what a pause holds back waits.
    async fn until_quiet(&self, hub: &Hub) {
        wait::until("only the paused system's work waits", PATIENCE, || async {
            let page = api::get(hub, "/api/v1/systems").await;
            let others = page["items"].as_array().unwrap().iter();
            let mut others = others.filter(|system| system["system"] != "erp");
            (self.world.is_quiet() && others.all(|system| system["backlog"] == 0)).then_some(())
        })
        .await;
    }
}

/// Hands in a document; answers what became of it.
async fn hand_in(hub: &Hub, to: &str, id: &str, body: String) -> Value {
    let url = hub.url(&format!("/api/v1/intake/{to}"));
    let request = client().post(url).header("idempotency-key", id).body(body);
    let answer = request.header("content-type", "application/json").send().await.unwrap();
    assert!(answer.status().is_success(), "{}", answer.status());
    answer.json().await.unwrap()
}

/// An order whose sum does not add up: held, so that nobody is sent it but the sink.
fn held(number: u64) -> String {
    Order { total: "21.90", ..Order::paid("shop_eu", number, 1) }.body()
}

async fn operate(hub: &Hub, path: &str) {
    let answer = client().post(hub.url(&format!("/api/v1/{path}"))).send().await.unwrap();
    assert!(answer.status().is_success(), "{path}: {}", answer.text().await.unwrap());
}

/// An edit by a person under a key of theirs.
async fn edit(hub: &Hub, order: &str) -> (u16, Value) {
    let patch = client()
        .patch(hub.url(&format!("/api/v1/orders/{order}?reason=called")))
        .header("if-match", "\"1\"")
        .header("idempotency-key", "an-edit")
        .json(&json!({ "customer.email": "a@b.example" }));
    let answer = patch.send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

/// All that the API says of orders and todos, by path.
async fn said(hub: &Hub) -> BTreeMap<String, Value> {
    let mut said = BTreeMap::new();
    let mut paths = vec![
        "todo?limit=500".to_owned(),
        "todo/groups".to_owned(),
        "receipts?limit=500".to_owned(),
        "orders?limit=500&q=1003".to_owned(),
        "orders?limit=500&stage=on_hold".to_owned(),
    ];
    for order in api::all_orders(hub).await {
        let of = |what: &str| format!("orders/{}{what}", order.id);
        paths.extend(["", "/versions", "/blame", "/timeline", "/lanes", "/why"].map(of));
        let number = order.order_no;
        paths.push(format!("orders/shop_eu-{number}"));
        let versions = 1..order.version;
        paths.extend(versions.map(|version| of(&format!("?at={version}"))));
    }
    for path in paths {
        let text = orderhub_tests::http::text(&hub.url(&format!("/api/v1/{path}"))).await.unwrap();
        let value = serde_json::from_str(&text).unwrap_or_else(|_| json!(text));
        said.insert(path, value);
    }
    said
}

/// Until the carrier has nothing more to say of any parcel.
async fn until_delivered(hub: &Hub) {
    wait::until("every parcel is delivered", PATIENCE, || async {
        let orders = api::all_orders(hub).await;
        let mut stages = orders.iter().map(|order| order.whole["stage"].as_str());
        stages.all(|stage| matches!(stage, Some("delivered" | "cancelled"))).then_some(())
    })
    .await;
}

/// A grown installation: orders that went all the way, orders that wait for a system that is paused, a delivery that
/// is dead, a document that waits, one that is parked, an edit.
async fn grow(circle: &Circle, hub: &Hub) {
    circle.live(1_001, 8).await;
    let account = circle.world.settled(PATIENCE).await;
    assert!(account.balances(), "{account:#?}\n{}", hub.log());
    until_delivered(hub).await;
    operate(hub, "systems/erp/pause?reason=audit").await;
    let dead = Rule::all(Fault::Status(422)).times(1);
    circle.world.sink.0.frame.faults.set(vec![dead]);
    circle.live(2_001, 6).await;
    let early = json!({ "id": "S-early", "reference": "shop_eu-9001", "finance_audit": "passed", "revision": 3 });
    let early = hand_in(hub, "erp/sale_status", "early", early.to_string()).await;
    assert_eq!(early["outcome"], "waiting", "{early}");
    let parked = hand_in(hub, "shop_eu/order_rest", "parked", "{}".to_owned()).await;
    assert_eq!(parked["outcome"], "todo", "{parked}");
    let first = hand_in(hub, "shop_eu/order_rest", "once", held(9_002)).await;
    assert_eq!(first["outcome"], "applied", "{first}");
    assert_eq!(edit(hub, "shop_eu-9002").await.0, 200);
    circle.until_quiet(hub).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_grown_installation_moves_and_goes_on() {
    let (circle, to) = (Circle::new().await, Schema::new());
    let folder = circle.folder.path();
    let hub = circle.start().await;
    grow(&circle, &hub).await;
    let before = said(&hub).await;
    let kinds = |kind: &str| {
        let todos = before["todo?limit=500"]["items"].as_array().unwrap();
        todos.iter().filter(|todo| todo["kind"] == kind).count()
    };
    assert!(kinds("dead") > 0 && kinds("parked") > 0, "{}", before["todo?limit=500"]);
    assert!(api::pending(&hub).await >= 6, "the paused system's orders wait");

    let running = copy(folder, &to, &[]);
    assert_eq!(running.code, 75, "{}", running.err);
    assert!(running.err.contains("stop the hub"), "{}", running.err);
    let edited = edit(&hub, "shop_eu-9002").await;
    assert!(hub.terminate().await.success());

    let rehearsed = copy(folder, &to, &["--rehearse"]);
    assert_eq!(rehearsed.code, 0, "{}", rehearsed.err);
    let copied = copy(folder, &to, &["-o", "json"]);
    assert_eq!(copied.code, 0, "{}", copied.err);
    assert!(copied.err.contains("compared every row"), "{}", copied.err);
    let report: Value = serde_json::from_str(&copied.out).unwrap();
    let tables = report["tables"].as_array().unwrap();
    assert!(tables.iter().all(|table| table["same"] == true), "{report}");
    let second = copy(folder, &to, &[]);
    assert_eq!(second.code, 6, "{}", second.err);
    let install = report["install"].as_str().unwrap();
    assert!(second.err.contains(install) && second.err.contains("15 orders"), "{}", second.err);
    let old = orderhub(folder, &["run", "-c", "orderhub.toml"]);
    assert_eq!(old.code, 75, "{}", old.err);
    assert!(old.err.contains("was copied to PostgreSQL"), "{}", old.err);
    assert!(orderhub(folder, &["doctor"]).out.contains("was copied to PostgreSQL"));

    move_settings(folder, &to);
    let hub = circle.start().await;
    let after = said(&hub).await;
    let new: Vec<_> = after.keys().filter(|path| !before.contains_key(*path)).collect();
    assert!(new.is_empty(), "{new:#?}");
    for (path, before) in &before {
        assert_eq!(&after[path], before, "{path}");
    }
    assert_eq!(edit(&hub, "shop_eu-9002").await, edited, "the answer was kept");
    goes_on(&circle, &hub).await;
    assert!(hub.terminate().await.success());
}

/// What was known is known, what waited wakes, what was held back goes out, each once.
async fn goes_on(circle: &Circle, hub: &Hub) {
    let again = hand_in(hub, "shop_eu/order_rest", "once", held(9_002)).await;
    assert_eq!(again["outcome"], "duplicate", "{again}");
    let order = hand_in(hub, "shop_eu/order_rest", "late", held(9_001)).await;
    let audited = format!("/api/v1/orders/{}", order["order"].as_str().unwrap());
    wait::until("what waited for the order is applied to it", PATIENCE, || async {
        let order = api::get(hub, &audited).await;
        (order["state"]["finance_audit"] == "passed").then_some(())
    })
    .await;
    operate(hub, "systems/erp/resume?reason=done").await;
    circle.live(3_001, 4).await;
    let account = circle.world.settled(PATIENCE).await;
    assert!(account.balances(), "{account:#?}\n{}", hub.log());
    assert_eq!((account.placed, account.doubled, account.out_of_order), (18, 0, 0), "{account:#?}");
    circle.until_quiet(hub).await;
}

/// Makes the next copy into a database stop at its deliveries, for as long as the connection lasts.
async fn hold(to: &Schema) -> PgConnection {
    let mut holder = PgConnection::connect(&to.url()).await.unwrap();
    let sql = "CREATE FUNCTION hold() RETURNS trigger AS 'BEGIN
                   PERFORM pg_advisory_xact_lock(hashtextextended(current_schema(), 1));
                   RETURN NEW; END' LANGUAGE plpgsql;
               CREATE TRIGGER hold BEFORE INSERT ON receipts FOR EACH ROW EXECUTE FUNCTION hold();
               SELECT pg_advisory_lock(hashtextextended(current_schema(), 1))";
    raw_sql(sql).execute(&mut holder).await.unwrap();
    holder
}

/// Until a copy waits at its deliveries.
async fn until_held(holder: &mut PgConnection) {
    let sql = "SELECT EXISTS (SELECT FROM pg_locks a JOIN pg_locks b USING (locktype, classid, objid, objsubid)
                   WHERE a.locktype = 'advisory' AND a.pid = pg_backend_pid() AND NOT b.granted)";
    let until = tokio::time::Instant::now() + PATIENCE;
    while !query_scalar::<_, bool>(sql).fetch_one(&mut *holder).await.unwrap() {
        assert!(tokio::time::Instant::now() < until, "the copy never came to its deliveries");
    }
}

fn copying(folder: &Path, to: &Schema) -> Child {
    let mut command = Command::new(binary());
    command.args(["store", "copy", "sqlite:orderhub.db", &to.url()]).current_dir(folder);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// The hub on SQLite is killed with calls in the air, the first copy is killed in its middle, the second told to
/// end: the third is whole, and the sink is told everything once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kills_of_the_hub_and_of_the_copy_lose_nothing_and_double_nothing() {
    let to = Schema::new();
    let mut scene = Scene::new("copy.kills", 600).await;
    let place = scene.place(|settings| settings);
    let folder = place.folder();
    let hub = place.start().await;
    scene.until(5).await;
    hub.kill();

    assert_eq!(copy(folder, &to, &["--rehearse"]).code, 0);
    let mut holder = hold(&to).await;
    let mut killed = copying(folder, &to);
    until_held(&mut holder).await;
    killed.kill().unwrap();
    killed.wait().unwrap();
    move_settings(folder, &to);
    let refused = orderhub(folder, &["run", "-c", "orderhub.toml"]);
    assert_eq!(refused.code, 75, "{}", refused.err);
    assert!(
        refused.err.contains("is not finished; repeat `orderhub store copy`"),
        "{}",
        refused.err
    );
    assert!(orderhub(folder, &["doctor"]).out.contains("is not finished: no hub starts on it"));
    // The server lets go of who is gone when nothing holds it up.
    let release = "SELECT pg_advisory_unlock(hashtextextended(current_schema(), 1))";
    query(release).execute(&mut holder).await.unwrap();

    let take = "SELECT pg_advisory_lock(hashtextextended(current_schema(), 1))";
    query(take).execute(&mut holder).await.unwrap();
    let stopped = copying(folder, &to);
    until_held(&mut holder).await;
    let pid = stopped.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    let stopped = ran(stopped.wait_with_output().unwrap());
    assert_eq!(stopped.code, 130, "{}", stopped.err);
    assert!(stopped.err.contains("the same command begins anew"), "{}", stopped.err);
    drop(holder);

    let copied = copy(folder, &to, &[]);
    assert_eq!(copied.code, 0, "{}", copied.err);
    let hub = place.start().await;
    scene.publish(100).await;
    scene.judge(&hub).await;
    assert!(hub.terminate().await.success());
}

/// What goes where, and with which exit code; a password is never repeated.
#[test]
fn what_cannot_be_copied_is_refused_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let away = "postgres://me@127.0.0.1:1/orders";
    std::fs::write(folder.path().join("new.toml"), format!("[store]\nurl = \"{away}\"\n")).unwrap();
    std::fs::write(folder.path().join("old.toml"), "[store]\nurl = \"sqlite:none.db\"\n").unwrap();
    for (from, to, code, words) in [
        ("sqlite:none.db", away, 5, "none.db` is not there"),
        ("old.toml", "new.toml", 5, "none.db` is not there"),
        (away, "sqlite:a.db", 2, "no way back"),
        ("sqlite:a.db", "sqlite:b.db", 2, "copy the file itself"),
        (away, away, 2, "pg_dump"),
        ("sqlite:a.db", "postgres://me:hunter2@db/orders", 2, "--password-file"),
        ("hunter2@db/orders", away, 2, "a settings file"),
        ("missing.toml", away, 78, "missing.toml"),
    ] {
        let ran = orderhub(folder.path(), &["store", "copy", from, to]);
        assert_eq!(ran.code, code, "{from} {to}: {}", ran.err);
        assert!(ran.err.contains(words), "{from} {to}: {}", ran.err);
        assert!(ran.out.is_empty() && !ran.err.contains("hunter2"), "{}{}", ran.out, ran.err);
    }
    let no_password = ["store", "copy", "old.toml", "new.toml", "--password-env", "NO_SUCH"];
    let ran = orderhub(folder.path(), &no_password);
    assert!(ran.code == 78 && ran.err.contains("`NO_SUCH` is not set"), "{}", ran.err);
    std::fs::write(folder.path().join("empty.db"), "").unwrap();
    let ran =
        orderhub(folder.path(), &["store", "copy", "sqlite:empty.db", "new.toml", "-o", "json"]);
    let told: Value = serde_json::from_str(&ran.err).unwrap();
    assert!(ran.code == 2 && told["hint"].as_str().unwrap().contains("nothing to copy"), "{told}");
}

//! What other files would have made of stored messages, by the program as an operator asks it: what was recorded comes
//! out again to the byte, nothing is written or sent, and what would change is told at its rules.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use orderhub::bundle::{Bundle, Kept, Received};
use orderhub::config::{Config, Secrets};
use orderhub::store::traffic::{Before, Drive, traffic};
use orderhub_mapping::facts::said;
use orderhub_tests::database::Schema;
use orderhub_tests::http::client;
use orderhub_tests::hub::{self, Hub, binary};
use orderhub_tests::mappings::copy;
use orderhub_tests::scene::PATIENCE;
use orderhub_tests::settings::{SECRET, Settings};
use orderhub_twins::clock::Clock;
use orderhub_twins::outbox::Habits;
use orderhub_twins::shop::Plan;
use orderhub_twins::tms::Pace;
use orderhub_twins::webhooks::HubAddress;
use orderhub_twins::wms::Manner;
use orderhub_twins::world::{Setting, World};
use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, query, query_scalar};

mod routed;

/// Twin seconds in one of ours.
const SPEED: f64 = 3_600.0;
/// Orders that come in.
const ORDERS: u64 = 8;

/// An installation with some traffic behind it, its hub stopped.
struct Past {
    world: World,
    folder: tempfile::TempDir,
    database: Option<Schema>,
}

impl Past {
    async fn lived(database: Option<Schema>) -> Self {
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
        let folder = tempfile::tempdir().unwrap();
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
        if let Some(database) = &database {
            settings = settings.store(&database.url());
        }
        settings.write(folder.path());
        let hub = Hub::start(folder.path(), port).await;
        let plan = Plan { first_number: 1_001, orders: ORDERS, seed: 5, ..Plan::default() };
        world.shops[0].0.live(plan).await;
        let account = world.settled(PATIENCE).await;
        assert!(account.balances(), "{account:#?}\n{}", hub.log());
        let early = r#"{ "id": "S-1", "reference": "shop_eu-9001", "finance_audit": "passed", "revision": 3 }"#;
        for (to, body, outcome) in
            [("erp/sale_status", early, "waiting"), ("shop_eu/order_rest", "{}", "todo")]
        {
            let url = hub.url(&format!("/api/v1/intake/{to}"));
            let request = client().post(url).header("content-type", "application/json");
            let answer: Value = request.body(body).send().await.unwrap().json().await.unwrap();
            assert_eq!(answer["outcome"], outcome, "{answer}");
        }
        assert!(hub.terminate().await.success());
        Self { world, folder, database }
    }

    /// The settings as they are now.
    fn config(&self) -> Config {
        let file = self.folder.path().join("orderhub.toml");
        let mut config = orderhub::config::load(Some(&file), &HashMap::new()).unwrap().config;
        if self.database.is_none() {
            let path = self.folder.path().join("orderhub.db");
            config.store.url = orderhub::config::StoreUrl::Sqlite(path);
        }
        config
    }

    /// All that was stored, newest first.
    async fn drives(&self) -> (Vec<Drive>, BTreeMap<String, orderhub::bundle::Files>) {
        let secrets = Secrets::new(HashMap::new());
        let mut stored = traffic(&self.config().store, &secrets).await.unwrap();
        let (mut all, mut bundles) = (Vec::new(), BTreeMap::new());
        let mut before =
            Before { id: i64::MAX, since: Timestamp::UNIX_EPOCH, system: None, limit: 7 };
        loop {
            let page = stored.messages(&before).await.unwrap();
            let Some(last) = page.last() else { break };
            before.id = last.id;
            all.extend(page);
        }
        for drive in &all {
            if !bundles.contains_key(&drive.bundle) {
                let files = stored.bundle(&drive.bundle).await.unwrap().expect("its files");
                bundles.insert(drive.bundle.clone(), files);
            }
        }
        (all, bundles)
    }

    /// `mapping what-if` with the shipped files after a change, as JSON, and its words.
    fn what_if(&self, name: &str, change: impl Fn(&Path), more: &[&str]) -> (i32, Value, String) {
        let new = self.folder.path().join(name);
        copy(&shipped(), &new);
        change(&new);
        let arguments = ["mapping", "what-if", name, "-o", "json", "--since", "1d"];
        let ran = Command::new(binary())
            .args([&arguments[..], more].concat())
            .current_dir(self.folder.path())
            .output()
            .unwrap();
        let words = String::from_utf8(ran.stderr).unwrap();
        let said = || Value::String(String::from_utf8_lossy(&ran.stdout).into_owned());
        let report = serde_json::from_slice(&ran.stdout).unwrap_or_else(|_| said());
        (ran.status.code().unwrap_or(-1), report, words)
    }

    /// What lies in the store, as one text.
    async fn stored(&self) -> String {
        let Some(database) = &self.database else {
            let bytes = std::fs::read(self.folder.path().join("orderhub.db")).unwrap();
            return format!("{:?}", orderhub_order::hash::half(&bytes));
        };
        let mut connection = PgConnection::connect(&database.url()).await.unwrap();
        let mut all = String::new();
        for table in
            ["messages", "orders", "lanes", "changes", "bundles", "todo", "pending", "meta"]
        {
            let sql =
                format!("SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) FROM {table} t");
            let sum: Option<String> =
                query_scalar(AssertSqlSafe(sql)).fetch_one(&mut connection).await.unwrap();
            all.push_str(&format!("{table} {sum:?}\n"));
        }
        all
    }

    /// What every system was asked, in numbers.
    fn asked(&self) -> String {
        let World { shops, erp, wms, tms, sink, .. } = &self.world;
        let shop = shops[0].0.frame.ledger.counts();
        let rest = [&erp.0.frame, &wms.0.frame, &tms.0.frame, &sink.0.frame];
        format!("{shop:?} {:?}", rest.map(|frame| frame.ledger.counts()))
    }
}

fn shipped() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../mappings")
}

/// Changes a text of the shop's mapping.
fn edit(folder: &Path, from: &str, to: &str) {
    let file = folder.join("shopify/order_rest.yaml");
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains(from), "{from}");
    std::fs::write(&file, text.replace(from, to)).unwrap();
}

/// Every message gives again what was recorded, although a setting that its mapping reads is another by now.
async fn gives_what_was_recorded(past: &Past) {
    let (drives, bundles) = past.drives().await;
    let mut config = past.config();
    for (name, system) in &mut config.systems {
        if name.as_str() == "shop_eu" {
            system.settings.insert("money".to_owned(), "presentment_money".to_owned());
        }
    }
    let bundles: BTreeMap<&String, Bundle> = bundles
        .iter()
        .map(|(hash, files)| (hash, Bundle::former(files, &config).unwrap()))
        .collect();
    let (mut documents, mut sources, mut otherwise) = (0, BTreeMap::new(), 0);
    for drive in &drives {
        let (envelope, bundle) = (&drive.envelope, &bundles[&drive.bundle]);
        let kept = Kept::from_bytes(drive.facts.as_deref()).expect("facts of this program");
        let gave = match bundle.receive_again(envelope, &kept) {
            Received::Documents(gave) | Received::Notices(gave, _) => gave,
            Received::Hints(_) | Received::Unreadable(..) => {
                assert_eq!(drive.said, None, "a hint says nothing of orders");
                continue;
            }
        };
        assert_eq!(Some(said(&gave)), drive.said, "{} of {}", drive.id, envelope.source);
        documents += gave.len();
        *sources.entry(envelope.source.to_string()).or_insert(0) += 1;
        if let Received::Documents(today) = bundle.receive(envelope) {
            otherwise += usize::from(Some(said(&today)) != drive.said);
        }
    }
    assert!(documents >= 50, "{documents} documents of {sources:?}");
    assert!(sources.contains_key("webhook") && sources.contains_key("api"), "{sources:?}");
    assert!(otherwise > 0, "the setting decides what some of them say");
}

fn change<'r>(report: &'r Value, what: &str, field: &str) -> &'r Value {
    let changes = report["changes"].as_array().unwrap();
    let found = changes.iter().find(|one| one["what"] == what && one["field"] == field);
    found.unwrap_or_else(|| panic!("no {what} {field} in {report:#}"))
}

fn same_files_change_nothing(past: &Past) {
    let comment = |new: &Path| edit(new, "entity: order\n", "entity: order  # the same\n");
    let (code, report, words) = past.what_if("same", comment, &["--exit-code"]);
    assert_eq!(code, 0, "{report:#}\n{words}");
    assert!(report["messages"].as_u64() >= Some(50), "{report:#}");
    for none in ["differ", "fail", "newly_mapped", "no_longer_mapped", "otherwise", "unrecorded"] {
        assert_eq!(report[none], 0, "{none}: {report:#}");
    }
    assert_eq!(report["complete"], true);
    assert_eq!(report["not_replayable"], serde_json::json!({}));
    assert_eq!(report["deliveries"], serde_json::json!([]), "{report:#}");
    let (_, less, words) = past.what_if("less", comment, &["--limit", "10"]);
    assert_eq!((&less["messages"], &less["complete"]), (&Value::from(10), &Value::from(false)));
    assert!(words.contains("`--limit` ended it"), "{words}");
}

fn changes_are_told(past: &Past) {
    let differs = |new: &Path| {
        edit(
            new,
            "{ hub: order_no, system: name, as: { strip_prefix: \"#\" } }",
            "{ hub: order_no, system: name }",
        );
        edit(
            new,
            "system: [email, contact_email, customer.email], none: [\"\"] }",
            "system: [email, contact_email, customer.email], none: [\"\"], as: upper }",
        );
    };
    let (code, report, words) =
        past.what_if("differs", differs, &["--exit-code", "--system", "shop_eu"]);
    assert_eq!(code, 1, "{report:#}\n{words}");
    assert_eq!(report["orders"], ORDERS, "{report:#}");
    let number = change(&report, "differs", "order_no");
    assert_eq!(number["documents"], report["differ"]);
    let rule = number["new_rule"].as_str().unwrap();
    assert!(rule.starts_with("differs/shopify/order_rest.yaml:15:"), "{rule}");
    let example = &number["examples"][0];
    let (old, new) = (example["old"].as_str().unwrap(), example["new"].as_str().unwrap());
    assert_eq!(new, format!("#{old}"));
    let mail = &change(&report, "differs", "customer.email")["examples"][0];
    assert_eq!((&mail["old"], &mail["new"]), (&Value::from("***"), &Value::from("***")));
    assert!(!report.to_string().contains('@'), "no address of a person: {report}");

    // Who is sent the number is sent it anew; the carrier is not.
    let told = |system: &str| {
        let all = report["deliveries"].as_array().unwrap().iter();
        let calls =
            all.filter(|call| call["system"] == system && call["what"] == "newly_delivered");
        calls.map(|call| call["orders"].as_u64().unwrap()).sum::<u64>()
    };
    assert_eq!(told("sink"), ORDERS, "{report:#}");
    assert_eq!((told("erp") > 0, told("tms")), (true, 0), "{report:#}");
}

fn what_is_not_mapped_any_more_is_told(past: &Past) {
    let fails = |new: &Path| {
        edit(
            new,
            "{ hub: language, system: customer_locale }",
            "{ hub: language, system: customer_locale }\n  - { hub: cancel.at, system: name, as: timestamp }",
        )
    };
    let (_, report, _) = past.what_if("fails", fails, &[]);
    assert!(report["fail"].as_u64() >= Some(ORDERS), "{report:#}");
    let failing = report["changes"].as_array().unwrap().iter().find(|one| one["what"] == "fails");
    let failing = failing.unwrap_or_else(|| panic!("{report:#}"));
    assert!(failing["new_rule"].as_str().unwrap().contains("order_rest.yaml"), "{failing:#}");
    for system in ["sink", "erp", "wms"] {
        let call = call_of(&report, "no_longer_delivered", system);
        assert_eq!(call["why"], "orders like these cannot be mapped any more", "{call:#}");
    }

    let gone =
        |new: &Path| edit(new, "where: { test: { not: [true] } }", "where: { test: [true] }");
    let (_, report, _) = past.what_if("gone", gone, &[]);
    assert!(report["no_longer_mapped"].as_u64() >= Some(ORDERS), "{report:#}");
    for system in ["sink", "erp", "wms"] {
        let call = call_of(&report, "no_longer_delivered", system);
        assert!(call["orders"].as_u64() > Some(0), "{call:#}");
        assert_eq!(call["why"], "orders like these are not mapped any more", "{call:#}");
    }

    let broken = |new: &Path| edit(new, "hub: order_no,", "hub: order_nr,");
    let (code, _, words) = past.what_if("broken", broken, &[]);
    assert_eq!(code, 78, "{words}");
}

/// The call of a system that is told under this word, of most orders.
fn call_of<'r>(report: &'r Value, what: &str, system: &str) -> &'r Value {
    let calls = report["deliveries"].as_array();
    let calls = calls.unwrap_or_else(|| panic!("no report: {report:#}"));
    let found = calls.iter().find(|one| one["what"] == what && one["system"] == system);
    found.unwrap_or_else(|| panic!("no {what} of {system} in {report:#}"))
}

/// A release goes out once: that new orders would carry something else is told all the same.
fn what_new_orders_would_carry_is_told(past: &Past) {
    let lower = |new: &Path| {
        edit(new, "system: sku, none: [\"\"] }", "system: sku, none: [\"\"], as: lower }");
    };
    let (_, report, words) = past.what_if("lower", lower, &[]);
    let sku = change(&report, "differs", "lines.sku");
    let sent = sku["sent_to"].as_array().unwrap_or_else(|| panic!("{report:#}\n{words}"));
    let to = |system: &str, mapping: &str, path: &str| serde_json::json!({ "system": system, "mapping": mapping, "path": path });
    assert!(sent.contains(&to("wms", "rest_wms.release", "lines.sku")), "{sku:#}");
    assert!(sent.contains(&to("erp", "rest_erp.sale", "lines.sku")), "{sku:#}");
    let call = call_of(&report, "carried_otherwise", "wms");
    assert!(call["orders"].as_u64() > Some(0), "{call:#}");
    assert_eq!(call["fields"], serde_json::json!(["lines.sku"]), "{call:#}");
    // What differs in no document is carried by none.
    let sent = |call: &Value| call["what"] == "sent_otherwise" || call["what"] == "not_sent";
    assert!(!report["deliveries"].as_array().unwrap().iter().any(sent), "{report:#}");
}

fn what_goes_out_is_compared_too(past: &Past) {
    let outgoing = |new: &Path| {
        let file = new.join("sink/order.yaml");
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, text.replace("system: lifecycle }", "system: life }")).unwrap();
    };
    let (_, report, words) = past.what_if("outgoing", outgoing, &[]);
    assert_eq!(report["differ"], 0, "{report:#}\n{words}");
    let [call] = &report["deliveries"].as_array().unwrap()[..] else { panic!("{report:#}") };
    assert_eq!((&call["what"], &call["system"]), (&"sent_otherwise".into(), &"sink".into()));
    assert_eq!(call["orders"], ORDERS, "{report:#}");
    assert_eq!(call["fields"], serde_json::json!(["life", "lifecycle"]), "{report:#}");
}

/// Later drives of messages that are gone, more than a page of them, hide none that is older.
async fn what_is_gone_ends_nothing(past: &Past) {
    let Some(database) = &past.database else { return };
    let rows = |drives: &[Drive]| drives.iter().map(|drive| drive.id).collect::<Vec<_>>();
    let before = rows(&past.drives().await.0);
    let mut connection = PgConnection::connect(&database.url()).await.unwrap();
    let sql = "INSERT INTO messages (id, day, first, source, system, document, received, at, outcome, why, bundle)
               SELECT last.id + n, -1, -n, source, system, document, received, at, outcome, why, bundle
               FROM generate_series(1, 20) n, (SELECT * FROM messages ORDER BY id DESC LIMIT 1) last";
    let added = query(sql).execute(&mut connection).await.unwrap();
    assert_eq!(added.rows_affected(), 20);
    assert_eq!(rows(&past.drives().await.0), before);
}

async fn lived(database: Option<Schema>) {
    let past = Past::lived(database).await;
    gives_what_was_recorded(&past).await;
    let (stored, asked) = (past.stored().await, past.asked());
    same_files_change_nothing(&past);
    changes_are_told(&past);
    what_is_not_mapped_any_more_is_told(&past);
    what_new_orders_would_carry_is_told(&past);
    what_goes_out_is_compared_too(&past);
    routed::what_is_delivered_by_other_entries_is_told(&past);
    routed::what_cannot_go_out_is_told_at_its_rule(&past);
    assert_eq!(past.stored().await, stored, "something was written");
    assert_eq!(past.asked(), asked, "something was sent");
    what_is_gone_ends_nothing(&past).await;
}

/// And that files compared with themselves change nothing, and that nothing is written or sent: one life of an
/// installation serves all.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_old_bundle_gives_what_was_recorded_to_the_byte() {
    lived(None).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_gives_what_was_recorded_too() {
    let made = tokio::task::spawn_blocking(|| Arc::new(Schema::new())).await.unwrap();
    lived(Some(Arc::into_inner(made).unwrap())).await;
}

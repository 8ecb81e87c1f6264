//! The doctor on real parts: a healthy place, and one where everything is wrong.

use std::path::Path;
use std::process::Command;

use lapin::options::{
    BasicPublishOptions, ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions,
};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties, ExchangeKind};
use orderhub_tests::broker::{Broker, shared_url};
use orderhub_tests::database::Schema;
use orderhub_tests::hub::{Hub, binary, free_port};
use orderhub_tests::settings::Settings;
use serde_json::Value;

struct Ran {
    code: i32,
    out: String,
    err: String,
}

fn orderhub(folder: &Path, arguments: &[&str]) -> Ran {
    let ran = Command::new(binary()).args(arguments).current_dir(folder).output().unwrap();
    Ran {
        code: ran.status.code().unwrap_or(-1),
        out: String::from_utf8(ran.stdout).unwrap(),
        err: String::from_utf8(ran.stderr).unwrap(),
    }
}

/// What it finds; the hub is asked where nobody is, unless a URL is given.
fn findings(folder: &Path, url: Option<&str>) -> (i32, Vec<Value>) {
    let nobody = format!("http://127.0.0.1:{}", free_port());
    let ran = orderhub(folder, &["doctor", "-o", "json", "--url", url.unwrap_or(&nobody)]);
    let found =
        serde_json::from_str(&ran.out).unwrap_or_else(|e| panic!("{e}: {}{}", ran.out, ran.err));
    (ran.code, found)
}

fn of<'a>(found: &'a [Value], check: &str, words: &str) -> &'a Value {
    let says =
        |one: &&Value| one["check"] == check && one["says"].as_str().unwrap().contains(words);
    found.iter().find(says).unwrap_or_else(|| panic!("no `{check}` says `{words}`: {found:#?}"))
}

/// A queue of its own shape, and what feeds it.
async fn channel() -> (Connection, Channel) {
    let connection =
        Connection::connect(&shared_url(), ConnectionProperties::default()).await.unwrap();
    let channel = connection.create_channel().await.unwrap();
    (connection, channel)
}

async fn classic(channel: &Channel, name: &str, durable: bool) {
    let mut arguments = FieldTable::default();
    arguments.insert("x-max-length".into(), AMQPValue::LongLongInt(100));
    let options = QueueDeclareOptions { durable, ..QueueDeclareOptions::default() };
    channel.queue_declare(name.into(), options, arguments).await.unwrap();
}

async fn waiting(channel: &Channel, name: &str) -> u32 {
    let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
    channel
        .queue_declare(name.into(), passive, FieldTable::default())
        .await
        .unwrap()
        .message_count()
}

#[tokio::test]
async fn a_healthy_place_is_said_to_be_so_while_the_hub_runs() {
    let folder = tempfile::tempdir().unwrap();
    let broker = Broker::connect(&shared_url()).await;
    broker.quorum_queue("doctor.good", Some("doctor.dead")).await;
    let database = Schema::new();
    let port = free_port();
    let settings = Settings::new(port)
        .store(&database.url())
        .queue(&shared_url(), "doctor.good")
        .shop("shop_eu", "http://127.0.0.1:1");
    settings.write(folder.path());
    let hub = Hub::start(folder.path(), port).await;
    let (code, found) = findings(folder.path(), Some(&hub.url("")));
    for (check, words) in [
        ("settings", "can be used"),
        ("files", "files in"),
        ("secrets", "every secret"),
        ("store", "PostgreSQL"),
        ("schema", "has schema"),
        ("clock", "differ by"),
        ("kept", "largest: "),
        ("broker", "answers"),
        ("queue", "`doctor.good` loses nothing"),
        ("bundle", "the hub uses the files"),
    ] {
        assert_eq!(of(&found, check, words)["level"], "ok", "{found:#?}");
    }
    assert_eq!(of(&found, "processes", "1 hubs work on it")["level"], "note");
    // The shop is not there: that alone decides.
    assert_eq!(of(&found, "system", "`shop_eu`")["level"], "error");
    assert_eq!(code, 69);
    assert!(hub.terminate().await.success());
}

#[tokio::test]
async fn a_hub_that_uses_other_files_than_those_in_its_folder_is_told_of() {
    let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
    let sink = folder.path().join("mappings/sink");
    std::fs::create_dir_all(&sink).unwrap();
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../mappings/sink");
    for name in ["connector.yaml", "integration.yaml", "order.yaml"] {
        std::fs::copy(shipped.join(name), sink.join(name)).unwrap();
    }
    Settings::reading(port, &folder.path().join("mappings")).write(folder.path());
    let hub = Hub::start(folder.path(), port).await;
    let url = hub.url("");
    let found = |words: &str| {
        let (_, found) = findings(folder.path(), Some(&url));
        of(&found, "bundle", words)["level"].clone()
    };
    assert_eq!(found("the hub uses the files"), "ok");
    let text = std::fs::read_to_string(sink.join("order.yaml")).unwrap();
    std::fs::write(sink.join("order.yaml"), format!("{text}# changed\n")).unwrap();
    assert_eq!(found("and not those in"), "warning");
    assert!(hub.terminate().await.success());
}

#[tokio::test]
async fn a_look_changes_nothing_and_names_every_fault_with_its_mending() {
    let folder = tempfile::tempdir().unwrap();
    let (_connection, channel) = channel().await;
    classic(&channel, "doctor.careless", false).await;
    let read = channel.basic_consume(
        "doctor.careless".into(),
        "somebody".into(),
        Default::default(),
        FieldTable::default(),
    );
    let _reader = read.await.unwrap();
    let text = format!(
        "[bus]\nurl = \"{}\"\n[mappings]\npath = \"{}/../mappings\"\n\
         [bus.consume.a]\nqueue = \"doctor.careless\"\nsystem = {{ header = \"s\" }}\ndocument = {{ fixed = \"order_rest\" }}\n\
         [bus.consume.b]\nqueue = \"doctor.missing\"\nsystem = {{ header = \"s\" }}\ndocument = {{ fixed = \"order_rest\" }}\n\
         [systems.inner]\nintegration = \"sink\"\nbase_url = \"http://10.255.0.1\"\n\
         [systems.nowhere]\nintegration = \"sink\"\nbase_url = \"https://nowhere.invalid\"\n",
        shared_url(),
        env!("CARGO_MANIFEST_DIR")
    );
    std::fs::write(folder.path().join("orderhub.toml"), text).unwrap();
    let (code, found) = findings(folder.path(), None);
    for (check, words, fix) in [
        ("queue", "is not durable", "declare it durable"),
        ("queue", "no dead-letter exchange", "add one"),
        ("queue", "1 readers, and 0 of them can be hubs", "--shadow"),
        ("queue", "`doctor.missing` is not there", "quorum"),
        ("system", "10.255.0.1 is a private address", "allow_private"),
        ("system", "`nowhere` at https://nowhere.invalid", "base_url"),
    ] {
        let finding = of(&found, check, words);
        assert!(["warning", "error"].contains(&finding["level"].as_str().unwrap()), "{finding}");
        assert!(finding["fix"].as_str().unwrap().contains(fix), "{finding}");
    }
    assert_eq!(of(&found, "store", "is made at the first start")["level"], "ok");
    assert_eq!(code, 69, "a system that does not answer is the worst here");
    let left: Vec<_> =
        std::fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left, ["orderhub.toml"], "a look makes no file");
}

#[tokio::test]
async fn settings_and_secrets_that_are_wrong_are_all_in_one_report() {
    let folder = tempfile::tempdir().unwrap();
    let text = format!(
        "[mappings]\npath = \"{}/../mappings\"\n[systems.shop]\nintegration = \"shopify\"\n\
         base_url = \"https://shop.invalid\"\nmode = \"shadow\"\n\
         secrets = {{ client_secret = {{ env = \"NO_SUCH_VARIABLE\" }}, webhook = {{ file = \"no-such-file\" }} }}\n",
        env!("CARGO_MANIFEST_DIR")
    );
    std::fs::write(folder.path().join("orderhub.toml"), text).unwrap();
    let (code, found) = findings(folder.path(), None);
    assert_eq!(code, 78);
    of(&found, "secrets", "NO_SUCH_VARIABLE");
    of(&found, "secrets", "no-such-file");
    of(&found, "files", "settings.money");
    std::fs::write(folder.path().join("orderhub.toml"), "[server]\nlissten = 1\n[stor]\n").unwrap();
    let (code, found) = findings(folder.path(), None);
    assert_eq!((code, found.len()), (78, 2), "{found:?}");
    let ran = orderhub(folder.path(), &["doctor"]);
    assert!(ran.out.starts_with("error    settings"), "{}", ran.out);
    assert!(ran.out.contains("fix: "), "{}", ran.out);
    assert!(ran.err.contains("looked at 2 things: 2 errors, 0 warnings"), "{}", ran.err);
}

/// A topic exchange with one queue on it.
async fn exchange(channel: &Channel) {
    let durable = ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() };
    channel
        .exchange_declare("doctor.shop".into(), ExchangeKind::Topic, durable, FieldTable::default())
        .await
        .unwrap();
    classic(channel, "doctor.orders", true).await;
    let options = QueueBindOptions::default();
    channel
        .queue_bind(
            "doctor.orders".into(),
            "doctor.shop".into(),
            "eu.#".into(),
            options,
            FieldTable::default(),
        )
        .await
        .unwrap();
}

async fn publish_three(channel: &Channel) {
    channel.confirm_select(Default::default()).await.unwrap();
    for n in 0..3 {
        let options = BasicPublishOptions::default();
        let body = n.to_string();
        let sent = channel.basic_publish(
            "doctor.shop".into(),
            "eu.de".into(),
            options,
            body.as_bytes(),
            BasicProperties::default(),
        );
        sent.await.unwrap().await.unwrap();
    }
}

#[tokio::test]
async fn a_copy_takes_what_its_original_takes_and_takes_nothing_away() {
    let folder = tempfile::tempdir().unwrap();
    let (_connection, channel) = channel().await;
    exchange(&channel).await;
    let text = format!(
        "[bus]\nurl = \"{}\"\n[bus.consume.orders]\nqueue = \"doctor.orders\"\n\
         system = {{ header = \"s\" }}\ndocument = {{ fixed = \"order_rest\" }}\n",
        shared_url()
    );
    std::fs::write(folder.path().join("orderhub.toml"), text).unwrap();
    let ask = |more: &[&str]| {
        let all: Vec<&str> = ["doctor", "bus", "--shadow"].iter().chain(more).copied().collect();
        orderhub(folder.path(), &all)
    };
    let ran = ask(&[]);
    assert!(ran.code == 2 && ran.err.contains("--exchange"), "{}", ran.err);
    let ran = ask(&["--exchange", "doctor.shop", "--routing-key", "eu.#"]);
    assert!(
        ran.code == 0 && ran.out.contains("rabbitmqadmin declare queue"),
        "{}{}",
        ran.out,
        ran.err
    );
    assert_eq!(ask(&["--exchange", "doctor.nothing", "--declare"]).code, 5);
    for _ in 0..2 {
        let ran = ask(&[
            "--exchange",
            "doctor.shop",
            "--routing-key",
            "eu.#",
            "--declare",
            "--max-length",
            "2",
        ]);
        assert_eq!(ran.code, 0, "{}", ran.err);
    }
    publish_three(&channel).await;
    assert_eq!(waiting(&channel, "doctor.orders").await, 3, "the original keeps all");
    assert_eq!(waiting(&channel, "doctor.orders.orderhub-shadow").await, 2, "the copy is bounded");
    for queue in ["doctor.orders", "doctor.orders.orderhub-shadow"] {
        channel.queue_delete(queue.into(), Default::default()).await.unwrap();
    }
}

#[tokio::test]
async fn an_events_exchange_that_is_missing_is_named_and_the_hub_of_the_settings_is_asked() {
    let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
    let exchange = format!("doctor.events-{port}");
    let bus = format!("[bus]\nurl = \"{}\"\nevents_exchange = \"{exchange}\"", shared_url());
    Settings::new(port).shop("shop_eu", "http://127.0.0.1:1").table(&bus).write(folder.path());
    let look = || {
        let ran = orderhub(folder.path(), &["doctor", "-o", "json"]);
        serde_json::from_str::<Vec<Value>>(&ran.out).unwrap_or_else(|e| panic!("{e}: {}", ran.err))
    };
    let found = look();
    let missing = of(&found, "exchange", "is not there");
    assert_eq!(missing["level"], "error", "{found:#?}");
    assert!(missing["fix"].as_str().unwrap().contains("type=topic"), "{missing}");
    let nobody = of(&found, "credential", "were not tried");
    assert!(nobody["says"].as_str().unwrap().contains(&format!(":{port}")), "{nobody}");

    // The hub says so, too, before it has anything to publish; it takes work all the same.
    let hub = Hub::start(folder.path(), port).await;
    let says = |value: &str| format!("orderhub_events_exchange_missing {value}");
    let until = async |value: &str| {
        orderhub_tests::wait::until(&says(value), std::time::Duration::from_secs(30), || async {
            let metrics = orderhub_tests::http::text(&hub.url("/metrics")).await?;
            metrics.lines().any(|line| line == says(value)).then_some(())
        })
        .await;
    };
    until("1").await;
    let found = look();
    let asked = found.iter().any(|one| one["says"].as_str().unwrap().contains("were not tried"));
    assert!(!asked, "the running hub answers: {found:#?}");

    let (_connection, channel) = channel().await;
    let durable = ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() };
    let name = exchange.as_str();
    let declared =
        channel.exchange_declare(name.into(), ExchangeKind::Topic, durable, FieldTable::default());
    declared.await.unwrap();
    assert_eq!(of(&look(), "exchange", "is there")["level"], "ok");
    assert!(hub.terminate().await.success());
}

//! Messages that nobody stored, as the run sees them: which of them count, and for what.

use std::collections::HashMap;
use std::path::Path;

use bytes::Bytes;
use futures_util::future::{BoxFuture, ready};
use orderhub_order::identify::{Bound, ReferenceKey};
use orderhub_order::ids::{At, OrderKey, SystemName};
use orderhub_order::model::State;

use super::*;
use crate::bundle::Files;
use crate::config::parse;
use crate::intake::{Envelope, MOST_BYTES};

pub(super) const SETTINGS: &str = r#"
[systems.shop_eu]
integration = "shopify"
base_url = "https://shop-eu.example"
secrets = { client_secret = { env = "T" }, webhook = { env = "T" } }
settings = { location_id = "1", client_id = "app", money = "shop_money" }
[systems.sink]
integration = "sink"
base_url = "https://sink.example"
"#;

/// The most that the messages of one page may weigh.
const MOST_OF_A_PAGE: usize = 256 << 20;

/// Messages, newest first, the files that mapped them, and the order that all are about, if it is known.
#[derive(Debug)]
pub(super) struct Stored {
    pub(super) drives: Vec<Drive>,
    pub(super) bundles: BTreeMap<String, Files>,
    pub(super) order: Option<Arc<State>>,
}

impl Traffic for Stored {
    fn messages(&mut self, before: &Before) -> BoxFuture<'_, Result<Vec<Drive>, StoreError>> {
        assert!(before.limit * MOST_BYTES <= MOST_OF_A_PAGE, "{}", before.limit);
        let older = self.drives.iter().filter(|drive| drive.id < before.id);
        Box::pin(ready(Ok(older.take(before.limit).cloned().collect())))
    }

    fn bundle(&mut self, hash: &str) -> BoxFuture<'_, Result<Option<Files>, StoreError>> {
        Box::pin(ready(Ok(self.bundles.get(hash).cloned())))
    }

    fn bound(
        &mut self,
        keys: &[ReferenceKey],
    ) -> BoxFuture<'_, Result<Vec<Option<Bound>>, StoreError>> {
        let known = |state: &Arc<State>| Bound { order: state.order.key, at: At::ROOT };
        Box::pin(ready(Ok(vec![self.order.as_ref().map(known); keys.len()])))
    }

    fn state(&mut self, _: OrderKey) -> BoxFuture<'_, Result<Option<Arc<State>>, StoreError>> {
        Box::pin(ready(Ok(self.order.clone())))
    }
}

pub(super) fn config(settings: &str) -> Config {
    parse("orderhub.toml", settings, &HashMap::new()).unwrap().config
}

/// The shipped files with a text of the shop's mapping changed.
pub(super) fn files(from: &str, to: &str) -> Files {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../mappings");
    let mut files = Bundle::read(&folder).unwrap();
    let order = files.get_mut("shopify/order_rest.yaml").unwrap();
    let text = String::from_utf8(order.clone()).unwrap();
    assert!(text.contains(from), "{from}");
    *order = text.replace(from, to).into_bytes();
    files
}

/// Numbers of orders keep their `#`.
fn changed() -> Files {
    files("system: name, as: { strip_prefix: \"#\" } }", "system: name }")
}

pub(super) fn paid() -> Bytes {
    files("", "")["shopify/samples/paid.json"].clone().into()
}

/// A message of the shop that was applied, of a bundle.
pub(super) fn drive(id: i64, bundle: &str, body: Bytes) -> Drive {
    let envelope = Envelope {
        source: "webhook".into(),
        system: SystemName::new("shop_eu"),
        document: "orders/create".into(),
        message_id: None,
        body,
        headers: Vec::new(),
        received: Timestamp::UNIX_EPOCH,
        suspect: false,
    };
    Drive {
        id,
        first: None,
        at: Timestamp::UNIX_EPOCH,
        envelope,
        outcome: "applied".to_owned(),
        bundle: bundle.to_owned(),
        said: None,
        facts: None,
    }
}

async fn tried(drives: Vec<Drive>, old: &Files, new: &Files, config: &Config) -> Report {
    let bundles = BTreeMap::from([(Bundle::name(old), old.clone())]);
    let files = new;
    let new = Bundle::compile(files, config).unwrap();
    let asked = Asked {
        now: Timestamp::UNIX_EPOCH,
        since: Timestamp::UNIX_EPOCH,
        system: None,
        limit: 100,
    };
    let mut stored = Stored { drives, bundles, order: None };
    what_if(&mut stored, (&new, files), config, &asked, &mut |_| {}).await.unwrap()
}

#[tokio::test]
async fn the_newest_message_of_a_document_counts() {
    let (old, new, config) = (files("", ""), changed(), config(SETTINGS));
    let (was, is) = (Bundle::name(&old), Bundle::name(&new));
    let older = || drive(1, &was, paid());
    let report = tried(vec![older()], &old, &new, &config).await;
    let call = report.deliveries.first().expect("it reaches the sink");
    assert_eq!((call.what, call.system.as_str()), ("newly_delivered", "sink"), "{report:#?}");
    let number = serde_json::from_slice::<serde_json::Value>(&paid()).unwrap();
    let number = number["name"].as_str().unwrap().trim_start_matches('#');
    assert_eq!(call.examples, [format!("shop_eu-{number}")], "by the number as it would be");

    let text = String::from_utf8(paid().to_vec()).unwrap();
    let fails = text.replacen("\"cancelled_at\":null", "\"cancelled_at\":\"never\"", 1);
    let fails = fails.replacen("\"cancelled_at\": null", "\"cancelled_at\": \"never\"", 1);
    assert_ne!(fails, text);
    let newer_program = Drive { facts: Some(b"{\"v\":2}".to_vec()), ..drive(2, &was, paid()) };
    for (what, newest) in [
        ("mapped by the new files", drive(2, &is, paid())),
        ("its files are gone", drive(2, "gone", paid())),
        ("of a newer program", newer_program),
        ("cannot be mapped", drive(2, &was, fails.into())),
    ] {
        let report = tried(vec![newest, older()], &old, &new, &config).await;
        assert_eq!((report.messages, report.differ), (2, 1), "{what}: {report:#?}");
        assert_eq!(report.deliveries, [], "{what}");
    }
}

#[tokio::test]
async fn only_what_was_mapped_may_lack_a_record() {
    let (old, new, config) = (files("", ""), changed(), config(SETTINGS));
    for bundle in [Bundle::name(&old), Bundle::name(&new)] {
        for (document, outcome, unrecorded) in [
            ("app/uninstalled", "skipped", 0),
            ("app/uninstalled", "applied", 0),
            ("orders/create", "todo", 0),
            ("orders/create", "waiting", 0),
            ("orders/create", "stored", 0),
            ("orders/create", "applied", 1),
            ("orders/create", "unchanged", 1),
        ] {
            let mut one = drive(1, &bundle, paid());
            one.envelope.document = document.into();
            one.outcome = outcome.to_owned();
            let report = tried(vec![one], &old, &new, &config).await;
            assert_eq!(report.unrecorded, unrecorded, "{document} {outcome}: {report:#?}");
        }
    }
}

#[tokio::test]
async fn what_is_of_no_system_is_left_out() {
    let (old, new, config) = (files("", ""), changed(), config(SETTINGS));
    let mut one = drive(1, &Bundle::name(&old), paid());
    one.envelope.system = SystemName::new("shop_gone");
    one.said = Some([1; 16]);
    let report = tried(vec![one], &old, &new, &config).await;
    let left = BTreeMap::from([("the settings do not name its system".to_owned(), 1)]);
    assert_eq!((report.left_out(), report.is_whole()), (1, false), "nothing was compared");
    assert_eq!((report.otherwise, report.not_replayable), (0, left));
}

#[tokio::test]
async fn what_earlier_files_mapped_is_said() {
    let (old, new, config) = (files("", ""), changed(), config(SETTINGS));
    let one = |id, bundle: &str| Drive {
        at: Timestamp::from_second(id).unwrap(),
        ..drive(id, bundle, paid())
    };
    let (newest, gone) = (Bundle::name(&old), "0".repeat(16));
    let drives = vec![one(9, &newest), one(8, &gone), one(7, &newest), one(6, &gone)];
    let report = tried(drives, &old, &new, &config).await;
    let newest_earlier = Timestamp::from_second(8).ok();
    assert_eq!((report.earlier, report.newest_earlier), (2, newest_earlier), "{report:#?}");
}

#[tokio::test]
async fn a_setting_that_was_not_there_is_not_there_again() {
    let language = "{ hub: language, system: customer_locale }";
    let asks = "{ hub: language, system: customer_locale, where: { $settings.quiet: absent } }";
    let old = files(language, asks);
    let mut new = old.clone();
    new.get_mut("shopify/order_rest.yaml").unwrap().extend_from_slice(b"# the same\n");
    let before = Bundle::compile(&old, &config(SETTINGS)).unwrap();
    let mut one = drive(1, &Bundle::name(&old), paid());
    one.facts = before.kept(&one.envelope).to_bytes();
    one.said = documents(before.receive(&one.envelope)).map(|gave| said(&gave));

    let since = SETTINGS.replace("money =", "quiet = \"yes\", money =");
    let after = Bundle::compile(&old, &config(&since)).unwrap();
    let today = documents(after.receive(&one.envelope)).map(|gave| said(&gave));
    assert_ne!(today, one.said, "the setting decides what it says");
    let report = tried(vec![one], &old, &new, &config(&since)).await;
    assert_eq!((report.documents, report.otherwise, report.unrecorded), (1, 0, 0), "{report:#?}");
    assert!(report.is_same(), "{report:#?}");
}

#[tokio::test]
async fn what_was_not_recorded_is_looked_up_as_it_is_now() {
    let rule = |unknown: &str| {
        let asks = format!(
            "{{ hub: ext.known, system: id, as: {{ lookup: {{ xref: order{unknown} }} }} }}"
        );
        let language = "  - { hub: language, system: customer_locale }\n";
        files(language, &format!("{language}  - {asks}\n"))
    };
    let (old, config) = (files("", ""), config(SETTINGS));
    let one = drive(1, &Bundle::name(&old), paid());
    // Nobody knows the order: a rule that waits leaves the message out, another does not.
    let report = tried(vec![one.clone()], &old, &rule(""), &config).await;
    assert_eq!(report.not_replayable, BTreeMap::from([(WAITS.to_owned(), 1)]), "{report:#?}");
    assert_eq!((report.documents, report.is_whole()), (0, false));
    let report = tried(vec![one], &old, &rule(", on_unknown: ignore"), &config).await;
    assert_eq!((report.looked_up, report.left_out(), report.fail), (1, 0, 0), "{report:#?}");
    assert!(report.is_whole() && report.is_same(), "{report:#?}");
}

#[tokio::test]
async fn what_a_hub_looks_up_for_a_message_is_looked_up_for_what_if_too() {
    let settings = format!(
        "{SETTINGS}\n[systems.till]\nintegration = \"till\"\nbase_url = \"https://till.example\"\n"
    );
    let rule = "  - { hub: ext.replaces, system: replaces, direction: in, as: { lookup: { xref: order, on_unknown: ignore } } }\n";
    let files = |rule: &str| {
        let mut files = files("", "");
        let own = [
            (
                "integration",
                "role: channel\nconnector: declared\nintake:\n  - { message: orders, ordering: queue }\n",
            ),
            ("connector", "base: \"{base_url}\"\noperations: {}\n"),
            (
                "orders",
                "key: number\ndocuments: { at: [orders.*] }\nfields:\n  - { hub: order_no, system: number }\n  \
                 - { hub: currency, value: EUR }\n",
            ),
        ];
        for (name, text) in own {
            let head = match name {
                "orders" => "mapping: till.orders".to_owned(),
                other => format!("{other}: till"),
            };
            let rule = if name == "orders" { rule } else { "" };
            let text = format!("orderhub: 1\n{head}\n{text}{rule}");
            files.insert(format!("till/{name}.yaml"), text.into_bytes());
        }
        files
    };
    let (old, new, config) = (files(""), files(rule), config(&settings));
    for (orders, looked_up, left) in [(800, 1, None), (1_000, 1, None), (1_001, 0, Some(TOO_MANY))]
    {
        let orders: Vec<_> = (0..orders)
            .map(|n| serde_json::json!({ "number": format!("{n}"), "replaces": format!("R-{n}") }))
            .collect();
        let body = serde_json::json!({ "orders": orders }).to_string();
        let mut one = drive(1, &Bundle::name(&old), body.into());
        (one.envelope.source, one.envelope.system) = ("queue:till".into(), SystemName::new("till"));
        one.envelope.document = "orders".into();
        let report = tried(vec![one], &old, &new, &config).await;
        let left = left.map(|why: &str| (why.to_owned(), 1)).into_iter().collect();
        assert_eq!((report.looked_up, &report.not_replayable), (looked_up, &left), "{report:#?}");
    }
}

#[tokio::test]
async fn what_is_not_looked_at_is_said() {
    let (old, config) = (files("", ""), config(SETTINGS));
    let one = || drive(1, &Bundle::name(&old), paid());
    for (file, looked_at) in [
        ("sink/connector.yaml", false),
        ("hub/ownership.yaml", false),
        ("sink/order.yaml", true),
        ("hub/flow.yaml", true),
    ] {
        let mut new = old.clone();
        new.get_mut(file).unwrap().extend_from_slice(b"# another\n");
        let report = tried(vec![one()], &old, &new, &config).await;
        let unlooked: Vec<&str> = report.not_looked_at.iter().map(String::as_str).collect();
        assert_eq!(unlooked.is_empty(), looked_at, "{file}");
        assert_eq!(
            (report.is_same(), report.is_whole()),
            (true, looked_at),
            "{file}: {unlooked:?}"
        );
        let mut gone = old.clone();
        gone.remove("hub/ownership.yaml");
        let report = tried(vec![one()], &old, &gone, &config).await;
        assert_eq!(report.not_looked_at, ["hub/ownership.yaml"]);
    }
}

#[tokio::test]
async fn the_documents_of_a_page_have_rules() {
    let settings = format!(
        "{SETTINGS}\n[systems.till]\nintegration = \"till\"\nbase_url = \"https://till.example\"\n"
    );
    let files = |path: &str| {
        let mut files = files("", "");
        let connector = "orderhub: 1\nconnector: till\nbase: \"{base_url}\"\noperations:\n  list:\n    kind: read\n    \
                         steps: [{ id: list, method: GET, path: /orders }]\n    \
                         documents: body.orders\n";
        let integration = "orderhub: 1\nintegration: till\nrole: channel\nconnector: declared\nintake:\n  \
                           - { poll: { do: list, every: 5m, reach: 7d }, document: orders, ordering: queue }\n";
        let orders = format!(
            "orderhub: 1\nmapping: till.orders\nkey: number\nfields:\n  - {{ hub: order_no, system: {path} }}\n"
        );
        for (name, text) in
            [("connector", connector), ("integration", integration), ("orders", &orders)]
        {
            files.insert(format!("till/{name}.yaml"), text.as_bytes().to_vec());
        }
        files
    };
    let (old, new, config) = (files("number"), files("other"), config(&settings));
    let body = r#"[{ "number": "1" }, { "number": "2", "other": "3" }]"#;
    let mut page = drive(1, &Bundle::name(&old), Bytes::from_static(body.as_bytes()));
    (page.envelope.source, page.envelope.system) =
        (crate::bundle::POLL.into(), SystemName::new("till"));
    page.envelope.document = "orders".into();
    let report = tried(vec![page], &old, &new, &config).await;
    let [number] = &report.changes[..] else { panic!("{report:#?}") };
    let rules =
        [&number.old_rule, &number.new_rule].map(|rule| rule.as_deref().unwrap_or_default());
    // The first that is told of has a number no more.
    assert_eq!(rules, ["mappings/till/orders.yaml:5:5", ""], "{report:#?}");
}

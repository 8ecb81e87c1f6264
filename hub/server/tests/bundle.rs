//! The shipped integration files as a bundle: they compile, map in, and disagree with settings in words.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may panic, its helpers too"
)]

use std::collections::HashMap;
use std::path::Path;

use bytes::Bytes;
use jiff::Timestamp;
use orderhub::bundle::{Bundle, BundleError, Files, Received};
use orderhub::config::{Config, parse};
use orderhub::intake::Envelope;
use orderhub_lang::diagnostic;
use orderhub_mapping::Mapped;
use orderhub_order::ids::{Role, SystemName};

const SETTINGS: &str = r#"
[systems.shop_eu]
integration = "shopify"
base_url = "https://shop-eu.example"
secrets = { client_secret = { env = "T" }, webhook = { env = "T" } }
settings = { location_id = "1", client_id = "app", money = "shop_money" }
[systems.erp]
integration = "rest_erp"
base_url = "https://erp.example"
secrets = { token = { env = "T" }, webhook = { env = "T" } }
[systems.wms]
integration = "rest_wms"
base_url = "https://wms.example"
tags = ["home"]
secrets = { token = { env = "T" }, webhook = { env = "T" } }
settings = { warehouse = "W1" }
"#;

fn files() -> Files {
    Bundle::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../mappings")).unwrap()
}

fn config(text: &str) -> Config {
    parse("orderhub.toml", text, &HashMap::new()).unwrap().config
}

fn compile(files: &Files, settings: &str) -> Result<Bundle, String> {
    Bundle::compile(files, &config(settings)).map_err(|error| match error {
        BundleError::Files(findings) => diagnostic::render(&findings),
        other @ (BundleError::Settings(_) | BundleError::Read { .. }) => other.to_string(),
    })
}

fn envelope(document: &str, body: &[u8]) -> Envelope {
    Envelope {
        source: "queue:orders".into(),
        system: SystemName::new("shop_eu"),
        document: document.into(),
        message_id: None,
        body: Bytes::copy_from_slice(body),
        headers: Vec::new(),
        received: Timestamp::UNIX_EPOCH,
        suspect: false,
    }
}

#[test]
fn the_shipped_files_are_a_bundle() {
    let bundle = compile(&files(), SETTINGS).unwrap_or_else(|why| panic!("{why}"));
    assert_eq!(bundle.hash.len(), 16);
    let shop = bundle.system(&SystemName::new("shop_eu")).unwrap();
    assert_eq!((shop.role, &*shop.integration), (Role::Channel, "shopify"));
    let webhook = bundle.intake(&shop.name, "orders/updated").unwrap();
    assert_eq!(webhook.mappings.len(), 1);
    let wms = SystemName::new("wms");
    assert_eq!(bundle.intake(&wms, "release_updated").unwrap().mappings.len(), 2);
    assert!(bundle.intake(&wms, "order_rest").is_none());

    let erp = SystemName::new("erp");
    let rules = bundle.rules();
    let rule = &rules.systems[&erp].deliver[0];
    let create = rule.create.as_ref().unwrap();
    let update = rule.update.as_ref().unwrap();
    assert!(create.creates && !update.creates);
    for operation in [create, update] {
        let delivery = bundle.delivery(&erp, &rule.id, &operation.name).unwrap();
        assert!(delivery.with.is_some() && delivery.reply.is_some());
    }
    assert!(!rules.shapes.reads(&erp, &rule.id).is_empty());
    let read = bundle.read_of(&erp, "stock").unwrap();
    assert_eq!((read.operation.as_ref(), read.args.len()), ("stock", 1));
}

#[test]
fn a_message_is_mapped_in_by_its_intake() {
    let (files, kind) = (files(), "order_rest");
    let bundle = compile(&files, SETTINGS).unwrap();
    let mapped = bundle.map_in(&envelope(kind, &files["shopify/samples/paid.json"]));
    let [Mapped::Document(said)] = mapped.as_slice() else { panic!("{mapped:?}") };
    assert!(said.creates);
    let broken = bundle.map_in(&envelope(kind, b"{ no"));
    let [Mapped::Failed(error)] = broken.as_slice() else { panic!("{broken:?}") };
    assert_eq!(error.cause, "malformed");
    assert!(bundle.map_in(&envelope("unheard_of", b"{}")).is_empty());
}

#[test]
fn settings_that_files_read_and_a_system_lacks_are_named_with_both_places() {
    let lacking = SETTINGS.replace(r#"location_id = "1", "#, "");
    let why = compile(&files(), &lacking).unwrap_err();
    assert!(why.contains("shopify/fulfillment.yaml"), "{why}");
    assert!(why.contains("`[systems.shop_eu.settings]` lacks"), "{why}");
    let lacking = SETTINGS.replace(r#"webhook = { env = "T" }"#, r#"webhok = { env = "T" }"#);
    let why = compile(&files(), &lacking).unwrap_err();
    assert!(why.contains("shopify/connector.yaml"), "{why}");
    assert!(why.contains("`[systems.shop_eu.secrets]` lacks; it has `webhok`"), "{why}");
    let unknown = SETTINGS.replace("\"rest_erp\"", "\"rest_epr\"");
    let why = compile(&files(), &unknown).unwrap_err();
    assert!(why.contains("did you mean `rest_erp`?"), "{why}");
}

#[test]
fn what_only_an_operation_reads_that_nobody_uses_is_asked_of_nobody() {
    let spare = "operations:\n  spare: { kind: read, steps: [{ id: get, method: GET, path: \"/x/{settings.spare}\" }], document: body }\n";
    let mut files = files();
    let change = |files: &mut Files, name: &str, from: &str, to: &str| {
        let text = String::from_utf8(files[name].clone()).unwrap();
        assert!(text.contains(from), "{name} has {from}");
        files.insert(name.to_owned(), text.replacen(from, to, 1).into_bytes());
    };
    change(&mut files, "shopify/connector.yaml", "operations:\n", spare);
    compile(&files, SETTINGS).unwrap();
    let own = files["shopify/integration.yaml"].clone();
    let read = "reads:\n  spare: { do: spare, fresh_for: 1m, stale_for: 0s }\n";
    let text = String::from_utf8(own).unwrap();
    let used = match text.contains("\nreads:\n") {
        true => text.replacen("\nreads:\n", &format!("\n{read}"), 1),
        false => format!("{text}\n{read}"),
    };
    files.insert("shopify/integration.yaml".to_owned(), used.into_bytes());
    let why = compile(&files, SETTINGS).unwrap_err();
    assert!(why.contains("reads `settings.spare`"), "{why}");
}

#[test]
fn settings_that_would_do_nothing_are_named() {
    let limit = format!("{SETTINGS}[systems.wms.limits]\ndefualt = {{ rate = \"1/s\" }}\n");
    let why = compile(&files(), &limit).unwrap_err();
    assert!(why.contains("`[systems.wms.limits]` names `defualt`"), "{why}");
    assert!(why.contains("did you mean `default`?"), "{why}");
    let queue = |document: &str| {
        format!(
            "[bus]\nurl = \"amqp://127.0.0.1\"\n[bus.consume.orders]\nqueue = \"in\"\n\
             system = {{ fixed = \"shop_eu\" }}\ndocument = {{ fixed = \"{document}\" }}\n{SETTINGS}"
        )
    };
    compile(&files(), &queue("order_rest")).unwrap();
    let why = compile(&files(), &queue("order_rset")).unwrap_err();
    assert!(why.contains("`bus.consume.orders.document` is `order_rset`"), "{why}");
    assert!(why.contains("did you mean `order_rest`?"), "{why}");
}

#[test]
fn what_only_the_files_together_can_tell_is_told_at_its_place() {
    let cases = [
        (
            "rest_erp/integration.yaml",
            "create: create_sale",
            "create: create_sail",
            "did you mean `create_sale`?",
        ),
        ("rest_erp/integration.yaml", "do: stock, args", "do: create_sale, args", "writes"),
        (
            "rest_tms/integration.yaml",
            "on: shipment.created",
            "on: fulfilment.released",
            "to a tms",
        ),
        (
            "sink/integration.yaml",
            "connector: declared",
            "connector: nobody",
            "there is no connector `nobody`",
        ),
        ("hub/flow.yaml", "orderhub: 1", "orderhub: 1\nflaw: default", "flaw"),
    ];
    for (file, right, wrong, expected) in cases {
        let mut files = files();
        let text = String::from_utf8(files[file].clone()).unwrap();
        assert!(text.contains(right), "{file} has no `{right}`");
        files.insert(file.to_owned(), text.replace(right, wrong).into_bytes());
        let why = compile(&files, SETTINGS).unwrap_err();
        assert!(why.contains(expected), "{why}");
        assert!(why.contains(&format!("mappings/{file}:")), "{why}");
    }
    let mut files = files();
    files.insert("sink/order.yaml".to_owned(), vec![b'a', 0xFF]);
    assert!(compile(&files, SETTINGS).unwrap_err().contains("not UTF-8"));
}

#[test]
fn a_queue_whose_order_counts_has_one_reader() {
    let many = |document: &str| {
        format!(
            "[bus]\nurl = \"amqp://127.0.0.1\"\n[bus.consume.orders]\nqueue = \"in\"\n\
             system = {{ header = \"x-system\" }}\ndocument = {{ fixed = \"{document}\" }}\n\
             consumers = \"many\"\n{SETTINGS}"
        )
    };
    compile(&files(), &many("order_rest")).unwrap();
    let mut queued = files();
    let shop = queued.get_mut("shopify/integration.yaml").unwrap();
    let text = String::from_utf8(shop.clone()).unwrap();
    let rest = "order_rest\n    ordering: ";
    *shop = text.replace(&format!("{rest}revision"), &format!("{rest}queue")).into();
    let order = queued.get_mut("shopify/order_rest.yaml").unwrap();
    let text = String::from_utf8(order.clone()).unwrap();
    let kept = text.lines().filter(|line| !line.starts_with("revision:"));
    *order = kept.flat_map(|line| [line, "\n"]).collect::<String>().into();
    let why = compile(&queued, &many("order_rest")).unwrap_err();
    assert!(why.contains("`bus.consume.orders.consumers` is `many`"), "{why}");
    assert!(why.contains("mappings/shopify/integration.yaml"), "{why}");
}

#[test]
fn what_a_fetch_needs_is_compared_with_the_connector() {
    let cases = [
        ("do: get_ordr", "the connector has no operation `get_ordr`; did you mean `get_order`?"),
        ("do: cancel_order", "`cancel_order` writes: an intake only reads"),
        ("do: get_order\n    args: { idd: id }", "takes no argument `idd`; did you mean `id`?"),
        ("do: get_order\n    args: { idd: id }", "needs the argument `id`: add it to `args`"),
        ("do: list_orders", "it cannot tell one document from another"),
        ("do: get_order", ""),
    ];
    for (fetch, expected) in cases {
        let mut files = files();
        let shop = files.get_mut("shopify/integration.yaml").unwrap();
        let text = String::from_utf8(shop.clone()).unwrap();
        let reread = text.replacen("apply: payload", &format!("apply: reread\n    {fetch}"), 1);
        assert_ne!(reread, text);
        *shop = reread.into_bytes();
        let found = compile(&files, SETTINGS).err().unwrap_or_default();
        assert!(found.contains(expected) && found.is_empty() == expected.is_empty(), "{found}");
    }
}

#[test]
fn folders_of_files_are_compared_with_what_is_taken() {
    let folder = |document: &str| {
        let table = "[files.orders]\npath = \"in\"\nsystem = \"shop_eu\"\n";
        format!("{table}document = \"{document}\"\n{SETTINGS}")
    };
    compile(&files(), &folder("order_rest")).unwrap();
    let why = compile(&files(), &folder("order_rset")).unwrap_err();
    assert!(why.contains("`files.orders.document` is `order_rset`"), "{why}");
    assert!(why.contains("did you mean `order_rest`?"), "{why}");
}

/// A shipped file, what stands in it, and what stands there instead.
type Change = (&'static str, &'static str, &'static str);

/// The findings of the shipped files, each changed where `from` stands first: `code file:line:column`.
fn changed(changes: &[Change]) -> Vec<String> {
    let mut files = files();
    // A second integration speaks through the warehouse's connector.
    let shared = "orderhub: 1\nintegration: other\nrole: wms\nconnector: rest_wms\n";
    files.insert("other/integration.yaml".to_owned(), shared.as_bytes().to_vec());
    for (file, from, to) in changes {
        let text = String::from_utf8(files[*file].clone()).unwrap();
        assert!(text.contains(from), "{file} has no `{from}`");
        files.insert((*file).to_owned(), text.replacen(from, to, 1).into_bytes());
    }
    let Err(BundleError::Files(found)) = Bundle::compile(&files, &config("")) else {
        panic!("nothing was found");
    };
    found.iter().map(|one| format!("{} {}", one.code, one.source.place(one.span.start))).collect()
}

#[test]
fn one_mistake_is_told_once_over_the_whole_folder() {
    let cases: &[(&str, &[Change], &[&str])] = &[
        (
            "an integration with a mistake has a connector all the same, which others share",
            &[("rest_wms/order.yaml", "hub: ref,", "hub: reff,")],
            &["M0107 mappings/rest_wms/order.yaml"],
        ),
        (
            "a connector with a mistake is there for those that share it",
            &[("rest_wms/connector.yaml", "timeout:", "timeuot:")],
            &["L0001 mappings/rest_wms/connector.yaml"],
        ),
        (
            "the connector of an integration with a mistake is looked at in the same run",
            &[
                ("rest_wms/order.yaml", "hub: ref,", "hub: reff,"),
                ("rest_wms/connector.yaml", "timeout:", "timeuot:"),
            ],
            &["L0001 mappings/rest_wms/connector.yaml", "M0107 mappings/rest_wms/order.yaml"],
        ),
        (
            "names of an integration.yaml that cannot be read are not judged",
            &[("shopify/integration.yaml", "role: channel", "role: [channel")],
            &["Y0001 mappings/shopify/integration.yaml"],
        ),
        (
            "nor is a name whose chain is wrong, wherever it is used",
            &[("shopify/integration.yaml", "currency: /currency", "curency: /currency")],
            &["L0001 mappings/shopify/integration.yaml", "L0002 mappings/shopify/integration.yaml"],
        ),
        (
            "a key that is given twice keeps nothing else from being found",
            &[
                ("rest_wms/order.yaml", "mapping:", "orderhub: 1\nmapping:"),
                ("rest_wms/order.yaml", "hub: ref,", "hub: reff,"),
            ],
            &["Y0003 mappings/rest_wms/order.yaml", "M0107 mappings/rest_wms/order.yaml"],
        ),
    ];
    for (why, changes, expected) in cases {
        let found = changed(changes);
        let same = found.len() == expected.len()
            && found.iter().zip(*expected).all(|(found, start)| found.starts_with(start));
        assert!(same, "{why}: {found:#?}");
    }
}

#[test]
fn of_a_webhook_that_is_read_again_only_what_could_not_be_read_is_taken() {
    let mut files = files();
    let own = [
        (
            "acme/integration.yaml",
            "orderhub: 1\nintegration: acme\nrole: channel\nconnector: declared\nintake:\n  \
             - { notice: [order], apply: payload, document: order, ordering: queue }\n",
        ),
        (
            "acme/connector.yaml",
            "orderhub: 1\nconnector: acme\nbase: \"{base_url}\"\noperations: {}\nwebhooks:\n  verify: none\n  \
             format: json\n  each: body.value\n  kind: item.kind\n  document: item\n",
        ),
        (
            "acme/order.yaml",
            "orderhub: 1\nmapping: acme.order\nkey: number\nfields:\n  - { hub: order_no, system: number }\n  \
             - { hub: currency, value: EUR }\n",
        ),
    ];
    for (name, text) in own {
        files.insert(name.to_owned(), text.as_bytes().to_vec());
    }
    let settings = format!(
        "{SETTINGS}\n[systems.acme]\nintegration = \"acme\"\nbase_url = \"https://acme.example\"\n"
    );
    let bundle = compile(&files, &settings).unwrap();
    let body = r#"{"value":[{"kind":"order","number":"1"},{"kind":"order","number":"2"},{"number":"3"},{"kind":"order","number":"4"}]}"#;
    let cases: [(&str, &[&str]); 3] = [
        ("[1]", &["2"]),
        ("[2,3]", &["unreadable_webhook", "4"]),
        ("null", &["1", "2", "unreadable_webhook", "4"]),
    ];
    for (at, expected) in cases {
        let mut again = envelope("webhook", body.as_bytes());
        (again.source, again.system) = ("webhook".into(), SystemName::new("acme"));
        again.headers = vec![("orderhub-unread".to_owned(), at.to_owned())];
        let mapped = bundle.map_in(&again);
        let found = mapped.iter().map(|mapped| match mapped {
            Mapped::Document(said) => &*said.key,
            Mapped::Failed(error) => error.cause,
            Mapped::Skipped => "skipped",
        });
        assert_eq!(found.collect::<Vec<_>>(), expected, "{at}");
    }
    // Never in silence: what an earlier program kept by a position that no list has.
    let mut gone = envelope("webhook", body.as_bytes());
    (gone.source, gone.system) = ("webhook".into(), SystemName::new("acme"));
    gone.headers = vec![("orderhub-unread".to_owned(), "[1,4]".to_owned())];
    let Received::Unreadable(cause, why) = bundle.receive(&gone) else { panic!("{gone:?}") };
    assert_eq!(cause, "unreadable_webhook");
    assert!(why.contains("of 4 elements, has not 1 of the 2 elements"), "{why}");
    // A sender's own word for it is none of the hub's.
    let mut other = envelope("webhook", body.as_bytes());
    (other.source, other.system) = ("queue:x".into(), SystemName::new("acme"));
    other.headers = vec![("orderhub-unread".to_owned(), "null".to_owned())];
    assert!(bundle.map_in(&other).is_empty());
}

//! Laws of two-way fields at the program's doors: the check, the start, the switch, and the command that shows
//! them.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use orderhub_tests::hub::{Hub, binary, free_port};
use orderhub_tests::mappings::copy;
use orderhub_tests::orders::Order;
use orderhub_tests::settings::Settings;
use orderhub_tests::{api, wait};
use serde_json::Value;
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(30);

fn shipped() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../mappings")
}

/// The shipped files, and a CRM whose customers go both ways.
fn mappings() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    copy(&shipped(), &folder.path().join("mappings"));
    let crm = folder.path().join("mappings/crm");
    std::fs::create_dir(&crm).unwrap();
    let integration = "orderhub: 1\nintegration: crm\nrole: crm\nconnector: sink\n\
                       intake: [{ message: order, ordering: queue }]\n\
                       deliver: [{ on: order.changed, do: changed, with: order }]\n";
    std::fs::write(crm.join("integration.yaml"), integration).unwrap();
    tier(&folder, "{ table: { rows: { A: gold, B: silver } } }");
    folder
}

/// How the CRM writes and reads the tier of a customer.
fn tier(folder: &TempDir, chain: &str) {
    let text = format!(
        "orderhub: 1\nmapping: crm.order\nkey: id\nfields:\n  - {{ hub: customer.tier, system: tier, as: {chain} }}\n"
    );
    std::fs::write(folder.path().join("mappings/crm/order.yaml"), text).unwrap();
}

const BROKEN: &str = "[lower, { table: { rows: { A: gold, B: silver } } }]";
const SENTENCE: &str = "`customer.tier` is lost on the way back: `gold` becomes `a`";

fn orderhub(folder: &TempDir, arguments: &[&str]) -> Output {
    Command::new(binary()).args(arguments).current_dir(folder.path()).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

async fn bundle(hub: &Hub, number: u64) -> String {
    api::take_in(hub, "shop_eu", "order_rest", Order::paid("shop_eu", number, 1).body()).await;
    let versions = api::get(hub, &format!("/api/v1/orders/shop_eu-{number}/versions")).await;
    versions["items"][0]["bundle"].as_str().expect("a version names its bundle").to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_two_way_field_that_breaks_its_law_is_refused_by_run_check_and_reload() {
    let (folder, port) = (mappings(), free_port());
    let settings = Settings::new(port).own_mappings().shop("shop_eu", "http://127.0.0.1:1");
    settings.write(folder.path());
    let hub = Hub::start(folder.path(), port).await;
    let before = bundle(&hub, 1).await;

    tier(&folder, BROKEN);
    wait::until("the hub says what is lost", PATIENCE, || async {
        hub.log().contains(SENTENCE).then_some(())
    })
    .await;
    assert_eq!(bundle(&hub, 2).await, before, "what was in use stays in use");
    assert!(hub.terminate().await.success());

    let checked = orderhub(&folder, &["check"]);
    let out = text(&checked.stdout);
    assert_eq!(checked.status.code(), Some(1), "{out}");
    assert!(out.contains("error[M0501]") && out.contains(SENTENCE), "{out}");
    assert!(out.contains("mappings/crm/order.yaml:5:5"), "{out}");
    let started = orderhub(&folder, &["run"]);
    let err = format!("{}{}", text(&started.stderr), text(&started.stdout));
    assert_eq!(started.status.code(), Some(78), "{err}");
    assert!(err.contains(SENTENCE), "{err}");
}

#[test]
fn the_laws_of_every_field_are_shown_and_a_broken_one_ends_with_1() {
    let folder = mappings();
    let good = orderhub(&folder, &["mapping", "laws", "mappings/crm"]);
    assert_eq!(good.status.code(), Some(0), "{}", text(&good.stderr));
    let out = text(&good.stdout);
    assert!(
        out.contains("lawful up to a canonical form") && out.contains("`A` becomes `gold`"),
        "{out}"
    );
    assert!(!out.contains("shopify"), "only what is asked for: {out}");
    let err = text(&good.stderr);
    assert!(
        err.contains(
            "1 fields: 0 lawful, 1 up to a canonical form, 0 one way, 0 not compared, 0 broken"
        ),
        "{err}"
    );

    // What cannot be tried as a whole is told, and stops nothing.
    let order = folder.path().join("mappings/crm/order.yaml");
    let kept = std::fs::read_to_string(&order).unwrap();
    let left =
        kept.replace("fields:", "where: { kind: [a] }\nfields:\n  - { system: kind, value: b }");
    std::fs::write(&order, left).unwrap();
    let untried = orderhub(&folder, &["mapping", "laws", "mappings/crm"]);
    assert_eq!(untried.status.code(), Some(0), "{}", text(&untried.stderr));
    let out = text(&untried.stdout);
    assert!(out.contains("M0507") && out.contains("cannot be tried as a whole"), "{out}");

    tier(&folder, BROKEN);
    let broken = orderhub(&folder, &["mapping", "laws", "-o", "json"]);
    assert_eq!(broken.status.code(), Some(1));
    let json: Value = serde_json::from_slice(&broken.stdout).unwrap();
    let fields = json["fields"].as_array().unwrap();
    let tier = fields.iter().find(|field| field["field"] == "customer.tier").unwrap();
    assert_eq!((tier["law"].as_str(), tier["refused"].as_bool()), (Some("broken"), Some(true)));
    assert_eq!(tier["counter_example"]["value"], "`gold`");
    assert_eq!(tier["counter_example"]["back"], "`a`");
    assert_eq!(tier["out"], "mappings/crm/order.yaml:5:5");
    let shop = fields.iter().find(|field| {
        field["field"] == "shipments.tracking_no" && field["integration"] == "shopify"
    });
    assert_eq!(shop.unwrap()["law"], "lawful");

    assert_eq!(orderhub(&folder, &["mapping", "laws", "nowhere"]).status.code(), Some(2));
    std::fs::write(folder.path().join("mappings/crm/order.yaml"), "orderhub: 1\n").unwrap();
    // What judges files ends alike where it finds errors in them.
    for judges in [&["mapping", "laws"][..], &["check"], &["test"]] {
        assert_eq!(orderhub(&folder, judges).status.code(), Some(1), "{judges:?}");
    }
}

#[test]
fn a_check_names_each_rule_that_goes_one_way_where_it_is_asked_to() {
    let folder = mappings();
    let checked = orderhub(&folder, &["check", "--one-way", "mappings/shopify/order_rest.yaml"]);
    let out = text(&checked.stdout);
    assert_eq!(checked.status.code(), Some(0), "{out}");
    let wanted = "order_rest.yaml:29:5: `customer.name` comes in only: `concat` has no way back";
    assert!(out.contains(wanted), "{out}");
    assert!(!out.contains("sink"), "{out}");
    let checked = orderhub(&folder, &["check"]);
    assert_eq!(text(&checked.stdout), "", "nothing is told that was not asked for");
}

//! The tools of those who write connectors, as a script sees them: report cards, what would be sent, drafts.

use std::fs;
use std::path::Path;

use orderhub_tests::till::orderhub;
use serde_json::Value;
use tempfile::TempDir;

/// A folder with two of the shipped integrations.
fn shipped() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mappings = Path::new(env!("CARGO_MANIFEST_DIR")).join("../mappings");
    for name in ["rest_wms", "csv_wms"] {
        let own = folder.path().join("mappings").join(name);
        fs::create_dir_all(&own).unwrap();
        let file = "connector.yaml";
        fs::copy(mappings.join(name).join(file), own.join(file)).unwrap();
    }
    folder
}

/// One that makes a job again although it may be there, and takes no notice of throttling.
const CARELESS: &str = "orderhub: 1
connector: careless
base: \"{base_url}\"
auth: { headers: { x-token: \"{secret.token}\" } }
answer: { throttled: \"status == 999\" }
operations:
  make_job:
    kind: state
    entity: order
    creates: true
    steps:
      - { id: find, method: GET, path: /jobs, query: { ref: \"{doc.ref}\" }, save: { id: body.items.one.id } }
      - { id: make, method: POST, path: /jobs, body: \"{doc}\", idempotency: { find_first: find, settles: 1s }, save: { id: body.id } }
    reply: { xrefs: { order: memo.id } }
";

fn careless(folder: &TempDir) {
    let own = folder.path().join("mappings/careless");
    fs::create_dir_all(&own).unwrap();
    fs::write(own.join("connector.yaml"), CARELESS).unwrap();
}

#[test]
fn a_table_has_a_line_for_each_connector_and_what_it_was_tried_against() {
    let folder = shipped();
    let ran = orderhub(folder.path(), &["connector", "test"], "");
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    let lines: Vec<&str> = ran.out.lines().collect();
    assert_eq!(lines.len(), 3, "{}", ran.out);
    assert!(lines[0].ends_with("tested against"), "{}", ran.out);
    assert!(
        lines[1].starts_with("csv_wms ") && lines[1].ends_with("its documentation"),
        "{lines:?}"
    );
    assert!(lines[2].starts_with("rest_wms ") && lines[2].contains("the twin of this program"));
    assert_eq!(ran.err, "tried 2 connectors: 0 with failures, 0 checks failed\n");
    let ran = orderhub(folder.path(), &["connector", "test", "rest_wms"], "");
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    for check in ["lost answer", "throttled, Retry-After", "forged webhook", "webhook twice"] {
        let line = ran.out.lines().find(|line| line.contains(check));
        assert!(
            line.is_some_and(|line| line.trim_start().starts_with("pass")),
            "{check}\n{}",
            ran.out
        );
    }
}

#[test]
fn a_careless_connector_fails_its_card_which_says_what_to_mend() {
    let folder = shipped();
    careless(&folder);
    let ran = orderhub(folder.path(), &["connector", "test"], "");
    assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
    assert!(ran.out.contains("it does not say (`tested:` of connector.yaml)"), "{}", ran.out);
    assert!(ran.out.contains("FAIL lost answer make_job/make: what the look finds"), "{}", ran.out);
    assert!(ran.err.contains("1 with failures"), "{}", ran.err);
    let json = ["connector", "test", "careless", "--format", "json"];
    let ran = orderhub(folder.path(), &json, "");
    assert_eq!(ran.code, 1, "{}", ran.err);
    let card: Value = serde_json::from_str(&ran.out).unwrap();
    let card = &card["connectors"][0];
    assert_eq!((&card["connector"], &card["tested"]), (&"careless".into(), &Value::Null));
    let failed = |check: &str| {
        let is = |line: &&Value| line["check"] == check && line["result"] == "fail";
        card["checks"].as_array().unwrap().iter().filter(is).count()
    };
    assert_eq!(failed("throttled, Retry-After"), 2, "{card:#}");
    assert!(card["failed"].as_u64().unwrap() >= 3, "{card:#}");
}

#[test]
fn what_is_wrong_with_a_command_is_said_before_anything_is_tried() {
    let folder = shipped();
    let ran = orderhub(folder.path(), &["connector", "test", "rest_wsm"], "");
    assert_eq!(ran.code, 5, "{}", ran.err);
    assert!(ran.err.contains("did you mean `rest_wms`?"), "{}", ran.err);
    let ran = orderhub(folder.path(), &["connector", "test", "--mappings", "nowhere"], "");
    assert_eq!(ran.code, 2, "{}{}", ran.out, ran.err);
    let ran = orderhub(folder.path(), &["connector", "ask", "rest_wms", "make_release"], "");
    assert_eq!(ran.code, 5, "{}", ran.err);
    assert!(ran.err.contains("operations: create_release"), "{}", ran.err);
    let wrong = folder.path().join("mappings/csv_wms/connector.yaml");
    let text = fs::read_to_string(&wrong).unwrap();
    fs::write(&wrong, text.replace("operations:", "operation:")).unwrap();
    let ran = orderhub(folder.path(), &["connector", "test"], "");
    assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
    assert!(ran.err.contains("mappings/csv_wms/connector.yaml"), "{}", ran.err);
}

#[test]
fn what_would_be_sent_is_shown_without_its_secrets() {
    let folder = shipped();
    let ask = ["connector", "ask", "rest_wms", "create_release"];
    let ran = orderhub(folder.path(), &ask, "{ \"ref\": \"F1\" }");
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    assert!(ran.out.starts_with("POST https://system.example/api/v1/releases\n"), "{}", ran.out);
    assert!(ran.out.contains("\nX-Api-Key: ***\n"), "{}", ran.out);
    assert!(ran.out.contains("\"ref\": \"F1\""), "{}", ran.out);
    let update = ["connector", "ask", "rest_wms", "update_release", "--xref", "fulfilment=R 7"];
    let ran = orderhub(folder.path(), &[&update[..], &["-o", "json"]].concat(), "{}");
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    let request: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(request["url"], "https://system.example/api/v1/releases/R%207");
    let ran = orderhub(folder.path(), &update[..4], "{}");
    assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
    assert!(ran.err.contains("cannot be built"), "{}", ran.err);
    // Nor the session of one that logs in.
    let all = concat!(env!("CARGO_MANIFEST_DIR"), "/../mappings");
    let ask = ["connector", "ask", "shopify", "get_order", "--arg", "id=1", "--mappings", all];
    let ran = orderhub(folder.path(), &ask, "{}");
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    assert!(ran.out.contains("\nX-Shopify-Access-Token: ***\n"), "{}", ran.out);
}

/// A warehouse that writes times in its own way.
const DEPOT: [(&str, &str); 3] = [
    (
        "connector.yaml",
        "orderhub: 1\nconnector: depot\nbase: \"{base_url}\"\noperations:\n  list:\n    kind: read\n    steps: [{ id: page, method: GET, path: /jobs, query: { from: \"{since}\", to: \"{until}\" } }]\n    documents: body\n",
    ),
    (
        "integration.yaml",
        "orderhub: 1\nintegration: depot\nrole: wms\nconnector: declared\nintake:\n  - poll: { do: list, every: 5m, overlap: 1m, reach: 7d }\n    document: job\n    ordering: revision\n",
    ),
    (
        "job.yaml",
        "orderhub: 1\nmapping: depot.job\nentity: fulfilment\nkey: id\nparent: [{ ref: ref }]\nrevision: { system: changed, as: { timestamp: { format: \"%d.%m.%Y %H:%M:%S\", zone: Europe/Berlin, twice: later } } }\nfields: [{ hub: ref, system: ref, direction: out }]\n",
    ),
];

#[test]
fn a_listing_is_shown_as_its_poll_asks() {
    let folder = tempfile::tempdir().unwrap();
    let own = folder.path().join("mappings/depot");
    fs::create_dir_all(&own).unwrap();
    DEPOT.iter().for_each(|(name, text)| fs::write(own.join(name), text).unwrap());
    let ask = ["connector", "ask", "depot", "list"];
    let of = |more: &[&str]| {
        let ran = orderhub(folder.path(), &[&ask[..], more].concat(), "");
        assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
        ran
    };
    let ran = of(&["--arg", "since=2026-11-02T09:00:00Z", "--arg", "until=2026-11-02T10:00:00Z"]);
    let first = ran.out.lines().next().unwrap();
    assert!(first.contains("from=02.11.2026%2010%3A00%3A00"), "{first}");
    assert!(first.contains("to=02.11.2026%2011%3A00%3A00") && ran.err.is_empty(), "{ran:?}");
    // What is no time is sent as it is; nothing: as a poll asks now.
    let ran = of(&["--arg", "since=yesterday"]);
    assert!(ran.out.contains("from=yesterday&to=") && ran.err.contains("`until` is 2"), "{ran:?}");
    let ran = of(&[]);
    let since = ran.out.split("from=").nth(1).unwrap();
    assert!(since.get(2..3) == Some(".") && since.contains("&to="), "{ran:?}");
    assert!(ran.err.contains("as a poll asks at 2") && ran.err.contains("`since` is 2"), "{ran:?}");
}

#[test]
fn a_drafted_connector_passes_check_and_its_card() {
    let folder = tempfile::tempdir().unwrap();
    let url = "https://api.depot.example/v2";
    for (name, role, auth) in [
        ("depot", "wms", "bearer"),
        ("books", "erp", "basic"),
        ("carrier", "tms", "key"),
        ("club", "crm", "oauth2"),
        ("archive", "sink", "none"),
        ("ledger", "finance", "bearer"),
    ] {
        let new = ["connector", "new", name, "--base-url", url, "--role", role, "--auth", auth];
        let ran = orderhub(folder.path(), &new, "");
        assert_eq!(ran.code, 0, "{name}: {}{}", ran.out, ran.err);
        assert!(ran.err.contains(&format!("wrote mappings/{name}/connector.yaml")), "{}", ran.err);
        assert!(ran.err.contains(&format!("[systems.{name}]")), "{}", ran.err);
    }
    for command in [
        ["check", "--deny-warnings"].as_slice(),
        &["test"],
        &["fmt", "--check"],
        &["connector", "test"],
    ] {
        let ran = orderhub(folder.path(), command, "");
        assert_eq!(ran.code, 0, "{command:?} {}{}", ran.out, ran.err);
    }
    let ran = orderhub(folder.path(), &["connector", "test", "depot"], "");
    assert!(ran.out.contains("4 of 4 steps"), "{}", ran.out);
    // What is there is not written over, and nothing else is written beside it.
    let own = folder.path().join("mappings/depot/connector.yaml");
    let text = fs::read_to_string(&own).unwrap();
    assert!(text.contains("# guess\n"), "{text}");
    fs::remove_file(folder.path().join("mappings/depot/release.yaml")).unwrap();
    let ran = orderhub(folder.path(), &["connector", "new", "depot", "--base-url", url], "");
    assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
    assert!(ran.err.contains("is there already") && ran.err.contains("hint:"), "{}", ran.err);
    assert_eq!(fs::read_to_string(&own).unwrap(), text);
    assert!(!folder.path().join("mappings/depot/release.yaml").exists());
}

#[test]
fn a_draft_of_nothing_that_can_be_is_refused_with_a_hint() {
    let folder = tempfile::tempdir().unwrap();
    let good = "https://api.depot.example";
    for (arguments, said) in [
        (["Depot", good, "wms"], "names no integration"),
        (["hub", good, "wms"], "names no integration"),
        (["../depot", good, "wms"], "names no integration"),
        (["depot", "api.depot.example", "wms"], "no address"),
        (["depot", "ftp://api.depot.example", "wms"], "no address"),
        (["depot", "https://", "wms"], "no host"),
        (["depot", "https://me:pass@api.depot.example", "wms"], "a user in it"),
        (["depot", "https://api.depot.example?x=1", "wms"], "a query"),
        (["depot", good, "channel"], "nothing is drafted for the role `channel`"),
        (["depot", good, "shop"], "nothing is drafted for the role `shop`"),
    ] {
        let [name, url, role] = arguments;
        let new = ["connector", "new", name, "--base-url", url, "--role", role];
        let ran = orderhub(folder.path(), &new, "");
        assert_eq!(ran.code, 2, "{arguments:?}: {}{}", ran.out, ran.err);
        assert!(ran.err.contains(said) && ran.err.contains("hint:"), "{arguments:?}: {}", ran.err);
        assert!(!ran.err.contains("me:pass"), "{}", ran.err);
    }
    assert!(!folder.path().join("mappings").exists());
}

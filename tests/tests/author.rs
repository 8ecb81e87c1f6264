//! The tools of those who write mapping files, as a script sees them.

use std::fs;
use std::path::{Path, PathBuf};

use orderhub_tests::till::{MAPPING, PAID, folder, orderhub};
use serde_json::Value;
use tempfile::TempDir;

fn order(folder: &TempDir) -> PathBuf {
    folder.path().join("mappings/till/order.yaml")
}

const RUN: [&str; 3] = ["mapping", "run", "mappings/till/order.yaml"];

#[test]
fn a_document_is_mapped_in_and_what_the_hub_says_out() {
    let folder = folder();
    let ran = orderhub(folder.path(), &RUN, PAID);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    let given: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(given["state"]["payment"], "captured");
    assert!(given["notes"].is_null(), "{given}");
    assert!(ran.err.contains("note: the mapping reads `$settings.notes`"), "{}", ran.err);
    assert!(ran.err.ends_with("1 document: 1 mapped, 0 skipped, 0 failed\n"), "{}", ran.err);
    let sample = "mappings/till/samples/paid.json";
    let with: Vec<&str> = RUN.into_iter().chain([sample, "--set", "notes=taken"]).collect();
    let ran = orderhub(folder.path(), &with, "");
    let given: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(given["notes"]["customer"], "hi");
    let hub = "{ \"order_no\": \"5\", \"state\": { \"payment\": \"pending\" } }";
    let out: Vec<&str> = RUN.into_iter().chain(["--out"]).collect();
    let ran = orderhub(folder.path(), &out, hub);
    assert_eq!((ran.code, ran.out.as_str()), (0, "{\"number\":\"5\",\"paid\":\"false\"}\n"));
    // One a line, as `-o jsonl` prints them.
    let ran = orderhub(folder.path(), &out, "{ \"order_no\": \"5\" }\n{ \"order_no\": \"6\" }\n");
    assert_eq!((ran.code, ran.out.as_str()), (0, "{\"number\":\"5\"}\n{\"number\":\"6\"}\n"));
}

#[test]
fn a_document_that_cannot_be_mapped_ends_with_1_and_its_rule() {
    let folder = folder();
    let ran = orderhub(
        folder.path(),
        &RUN,
        "{ \"number\": 1, \"currency\": \"EUR\", \"total\": \"much\" }",
    );
    assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
    assert!(ran.err.contains("--> mappings/till/order.yaml:8:5"), "{}", ran.err);
    assert!(ran.err.contains("^ `total`"), "{}", ran.err);
    let given: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((&given["$error"], &given["key"]), (&"not_a_number".into(), &"1".into()));
    let ran = orderhub(folder.path(), &["mapping", "run", "mappings/till"], "");
    assert_eq!(ran.code, 2, "{}", ran.err);
    assert!(ran.err.contains("is a folder") && ran.err.contains("hint:"), "{}", ran.err);
    fs::write(order(&folder), MAPPING.replace("hub: order_no", "hub: order_nr")).unwrap();
    let ran = orderhub(folder.path(), &RUN, PAID);
    assert_eq!(ran.code, 78, "{}{}", ran.out, ran.err);
    assert!(ran.out.contains("error[M0107]"), "{}", ran.out);
}

#[test]
fn settings_of_a_system_stand_around_a_document() {
    let folder = folder();
    let settings =
        "[systems.shop]\nintegration = \"till\"\n[systems.shop.settings]\nnotes = \"taken\"\n";
    fs::write(folder.path().join("orderhub.toml"), settings).unwrap();
    let with: Vec<&str> = RUN.into_iter().chain(["--system", "shop"]).collect();
    let ran = orderhub(folder.path(), &with, PAID);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(ran.out.contains("\"customer\": \"hi\""), "{}", ran.out);
    let with: Vec<&str> = RUN.into_iter().chain(["--system", "shpo"]).collect();
    let ran = orderhub(folder.path(), &with, PAID);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("did you mean `shop`?"), "{}", ran.err);
}

#[test]
fn a_field_is_explained_with_its_rule_its_place_and_its_conversions() {
    let folder = folder();
    let explain = ["mapping", "explain", "mappings/till/order.yaml", "--field"];
    let ask = |more: &[&str]| {
        let all: Vec<&str> = explain.iter().chain(more).copied().collect();
        orderhub(folder.path(), &all, PAID)
    };
    let ran = ask(&["state"]);
    let expected = "state.payment = \"captured\"\n  ► mappings/till/order.yaml:7:5\n      `paid` true ► table \"captured\"\n";
    assert!(ran.out.starts_with(expected), "{}", ran.out);
    let ran = ask(&["notes.customer"]);
    assert!(
        ran.out.contains("is absent") && ran.out.contains("`where:` does not hold"),
        "{}",
        ran.out
    );
    let ran = ask(&["tags"]);
    assert!(ran.out.contains("no rule: tags"), "{}", ran.out);
    let ran = ask(&["state.paiment"]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("did you mean `state.payment`?"), "{}", ran.err);
    // One that is right does not hide one that is wrong.
    let ran = ask(&["order_no", "--field", "totals.totl"]);
    assert_eq!(ran.code, 2, "{}", ran.out);
    assert!(ran.err.contains("did you mean `totals.total`?"), "{}", ran.err);
    let ran = ask(&["totals", "-o", "json"]);
    let told: Value = serde_json::from_str(&ran.out).unwrap();
    let total = &told[0]["fields"][0];
    assert_eq!((&total["field"], &total["got"]), (&"totals.total".into(), &"value".into()));
    assert_eq!(total["rules"][0]["rows"][0]["reads"][0]["steps"][0]["by"], "money");
}

#[test]
fn a_change_is_shown_on_documents_with_both_rules() {
    let folder = folder();
    let old = folder.path().join("old.yaml");
    fs::write(&old, MAPPING.replace("system: number }", "system: nr }")).unwrap();
    let diff = ["mapping", "diff", "old.yaml", "mappings/till/order.yaml"];
    let on = ["--on", "mappings/till/samples/paid.json"];
    let ran = orderhub(folder.path(), &[diff.as_slice(), &on].concat(), "");
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    let expected = "mappings/till/samples/paid.json\n  order_no: absent ► \"17\"\n    new mappings/till/order.yaml:5:5\n";
    assert_eq!(ran.out, expected);
    assert!(ran.err.ends_with("1 document: 1 different, in 1 field\n"), "{}", ran.err);
    // Without documents: those of the cases; as a script asks.
    let ran = orderhub(folder.path(), &[diff.as_slice(), &["--exit-code"]].concat(), "");
    assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
    // Two folders.
    let ran =
        orderhub(folder.path(), &["mapping", "diff", "mappings", "mappings", "--exit-code"], "");
    assert_eq!((ran.code, ran.out.as_str()), (0, ""), "{}", ran.err);
    let ran = orderhub(folder.path(), &["mapping", "diff", "mappings", "old.yaml"], "");
    assert_eq!(ran.code, 2, "{}", ran.err);
    // What goes out.
    let hub = folder.path().join("hub.json");
    fs::write(hub, "{ \"order_no\": \"5\" }").unwrap();
    let out = [diff.as_slice(), &["--out", "--on", "hub.json"]].concat();
    let ran = orderhub(folder.path(), &out, "");
    assert!(ran.out.contains("nr: \"5\" ► absent\n    old old.yaml:5:5"), "{}{}", ran.out, ran.err);
}

#[test]
fn what_cannot_be_compared_is_not_said_to_be_the_same() {
    let folder = folder();
    let old = MAPPING.replace("system: number }", "system: nr }");
    fs::write(folder.path().join("old.yaml"), old).unwrap();
    let diff = |more: &[&str], text: &str| {
        fs::write(folder.path().join("one.json"), text).unwrap();
        let diff = ["mapping", "diff", "old.yaml", "mappings/till/order.yaml", "--on", "one.json"];
        orderhub(folder.path(), &[&diff[..], more].concat(), "")
    };
    let two = format!("{}\n{}\n", PAID.trim(), PAID.trim());
    for text in ["{broken", "", "\n", &two] {
        let ran = diff(&[], text);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{text}: {}", ran.err);
        assert!(ran.err.contains("error: `one.json` cannot be read: "), "{text}: {}", ran.err);
        assert_eq!(ran.err.contains("hand them in one by one"), text == two, "{}", ran.err);
    }
    // Both fail, by the same rule.
    let ran = diff(&[], &PAID.replace("19.90", "much"));
    assert!(ran.err.contains("note: `one.json`: neither maps it: not_a_number"), "{}", ran.err);
    assert!(ran.err.contains("`total` (mappings/till/order.yaml:8:5)"), "{}", ran.err);
    let said = "1 document: 0 different, in 0 fields; 1 document mapped by neither\n";
    assert!(ran.code == 0 && ran.err.ends_with(said), "{}", ran.err);
    // What `mapping run -o jsonl` prints goes the other way.
    let ran = diff(&["--out"], "{ \"order_no\": \"5\" }\n{ \"order_no\": \"6\" }\n");
    assert!(ran.out.contains("  document 2\n  nr: \"6\" ► absent\n"), "{}{}", ran.out, ran.err);
}

#[test]
fn update_writes_what_cases_give_and_no_failure() {
    let folder = folder();
    let ran = orderhub(folder.path(), &["test"], "");
    assert_eq!(ran.code, 1, "{}", ran.err);
    assert!(
        ran.out.contains("failed: a paid one\n  --> mappings/till/order.yaml:11:5"),
        "{}",
        ran.out
    );
    let ran = orderhub(folder.path(), &["test", "--update"], "");
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    assert!(ran.err.contains("wrote mappings/till/samples/paid.hub.json"), "{}", ran.err);
    let hub = folder.path().join("mappings/till/samples/paid.hub.json");
    let good = fs::read_to_string(&hub).unwrap();
    assert!(good.contains("\"order_no\": \"17\""), "{good}");
    // A document that fails is no expectation.
    let sample = folder.path().join("mappings/till/samples/paid.json");
    fs::write(&sample, PAID.replace("19.90", "much")).unwrap();
    let ran = orderhub(folder.path(), &["test", "--update"], "");
    assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
    assert!(ran.err.contains("`not_a_number`: mend the mapping first"), "{}", ran.err);
    assert_eq!(fs::read_to_string(&hub).unwrap(), good);
    // Nor is a file outside the folder written.
    fs::write(&sample, PAID).unwrap();
    fs::write(order(&folder), MAPPING.replace("samples/paid.hub.json", "../paid.hub.json"))
        .unwrap();
    let ran = orderhub(folder.path(), &["test", "--update"], "");
    assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
    assert!(ran.err.contains("not in the integration's folder"), "{}", ran.err);
    assert!(!folder.path().join("mappings/paid.hub.json").exists());
}

#[test]
fn cases_are_chosen_by_text_and_told_to_build_servers() {
    let folder = folder();
    let ran = orderhub(folder.path(), &["test", "--filter", "refund"], "");
    assert_eq!(ran.code, 2, "{}", ran.err);
    assert!(ran.err.contains("`--filter refund` fits no"), "{}", ran.err);
    let ran = orderhub(folder.path(), &["test", "--filter", "paid", "--junit", "cases.xml"], "");
    assert_eq!(ran.code, 1);
    let xml = fs::read_to_string(folder.path().join("cases.xml")).unwrap();
    assert!(
        xml.contains("<testsuites name=\"orderhub test\" tests=\"1\" failures=\"1\">"),
        "{xml}"
    );
    assert!(xml.contains("file=\"mappings/till/order.yaml\" line=\"11\""), "{xml}");
    assert!(xml.contains("message=\"`order_no` is &quot;17&quot;"), "{xml}");
}

#[test]
fn what_cases_do_not_touch_and_would_not_notice_is_named() {
    let folder = folder();
    let ran = orderhub(folder.path(), &["test", "--mutate"], "");
    let untried = "1 failed; no change of 1 mapping tried: a case fails there";
    assert!(ran.code == 1 && ran.err.contains(untried), "{}{}", ran.out, ran.err);
    orderhub(folder.path(), &["test", "--update"], "");
    let ran = orderhub(folder.path(), &["test", "--coverage"], "");
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    assert!(ran.out.contains("mappings/till/order.yaml:9:5 in: where holds"), "{}", ran.out);
    assert!(!ran.out.contains("order.yaml:5:5 in: gives"), "{}", ran.out);
    assert!(ran.err.contains("% of the rules'"), "{}", ran.err);
    let ran = orderhub(folder.path(), &["test", "--mutate"], "");
    assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
    let expected = "unnoticed: this rule can go\n  --> mappings/till/order.yaml:9:5";
    assert!(ran.out.contains(expected), "{}", ran.out);
    let ran = orderhub(folder.path(), &["test", "--coverage", "--mutate", "-o", "json"], "");
    let told: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(told["cases"].as_array().unwrap().len(), 1);
    assert_eq!(told["mappings"][0]["mapping"], "till.order");
    assert_eq!(told["mappings"][0]["mutate"]["unnoticed"].as_array().unwrap().len(), 1);
}

#[test]
fn files_are_laid_out_once_and_kept_as_they_mean() {
    let folder = folder();
    fs::write(order(&folder), MAPPING.replace("- { hub: order_no", "-   {hub:   order_no"))
        .unwrap();
    let ran = orderhub(folder.path(), &["fmt", "--check"], "");
    let named = "mappings/till/order.yaml:5\n";
    assert!(ran.code == 1 && ran.out.ends_with(named), "{}{}", ran.out, ran.err);
    let before = fs::read_to_string(order(&folder)).unwrap();
    assert!(before.contains("-   {hub:   order_no"), "--check changes nothing");
    let ran = orderhub(folder.path(), &["fmt", "-"], &before);
    assert_eq!((ran.code, ran.out.as_str()), (0, MAPPING));
    // A link stays one.
    let link = folder.path().join("link.yaml");
    std::os::unix::fs::symlink(order(&folder), &link).unwrap();
    let ran = orderhub(folder.path(), &["fmt", "link.yaml"], "");
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(fs::read_to_string(order(&folder)).unwrap(), MAPPING);
    let ran = orderhub(folder.path(), &["fmt", "--check", "mappings/till/order.yaml"], "");
    assert_eq!((ran.code, ran.out.as_str()), (0, ""), "{}", ran.err);
    // What cannot be read is told at its place, and left.
    fs::write(order(&folder), "fields: [\n").unwrap();
    let ran = orderhub(folder.path(), &["fmt"], "");
    assert_eq!(ran.code, 1, "{}", ran.err);
    assert!(ran.out.contains("order.yaml:1:9"), "{}", ran.out);
    assert_eq!(fs::read_to_string(order(&folder)).unwrap(), "fields: [\n");
    assert_eq!(orderhub(folder.path(), &["fmt", "nowhere"], "").code, 2);
}

#[test]
fn shipped_files_are_in_their_layout() {
    let mappings = Path::new(env!("CARGO_MANIFEST_DIR")).join("../mappings");
    let ran = orderhub(&mappings, &["fmt", "--check", "."], "");
    assert_eq!((ran.code, ran.out.as_str()), (0, ""), "{}", ran.err);
}

#[test]
fn a_draft_passes_check_and_its_own_case() {
    let folder = folder();
    orderhub(folder.path(), &["test", "--update"], "");
    fs::write(folder.path().join("receipt.json"), PAID).unwrap();
    let new = ["mapping", "new", "till.receipt", "receipt.json"];
    let ran = orderhub(folder.path(), &new, "");
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    assert!(ran.out.contains("- { hub: order_no, system: number } # guess"), "{}", ran.out);
    assert!(ran.err.ends_with("without a guess\n"), "{}", ran.err);
    let out = [new.as_slice(), &["--out", "mappings"]].concat();
    let ran = orderhub(folder.path(), &out, "");
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    let draft = folder.path().join("mappings/till/receipt.yaml");
    let text = fs::read_to_string(&draft).unwrap();
    for command in
        [["check"].as_slice(), &["test", "--filter", "till.receipt"], &["fmt", "--check"]]
    {
        let ran = orderhub(folder.path(), command, "");
        assert_eq!(ran.code, 0, "{command:?} {}{}\n{text}", ran.out, ran.err);
    }
    // A folder of its own is checked and tested at once, whatever format its samples have.
    let table = "no;when;currency;sku;qty\n1;2026-03-01 09:00:00;EUR;MUG;2\n1;2026-03-01 09:00:00;EUR;CAP;1\n";
    fs::write(folder.path().join("rows.csv"), table).unwrap();
    let new = ["mapping", "new", "post.order", "rows.csv", "--key", "no", "--out", "other"];
    let ran = orderhub(folder.path(), &new, "");
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    assert!(ran.err.contains("wrote other/post/integration.yaml"), "{}", ran.err);
    for command in [
        ["check", "other", "--deny-warnings"].as_slice(),
        &["test", "other"],
        &["fmt", "--check", "other"],
    ] {
        let ran = orderhub(folder.path(), command, "");
        assert_eq!(ran.code, 0, "{command:?} {}{}", ran.out, ran.err);
    }
    // What is there is not written over.
    let ran = orderhub(folder.path(), &out, "");
    assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
    assert!(ran.err.contains("is there already"), "{}", ran.err);
    assert_eq!(fs::read_to_string(&draft).unwrap(), text);
    for wrong in ["receipt", "till.Receipt", "../till.receipt"] {
        let ran = orderhub(folder.path(), &["mapping", "new", wrong, "receipt.json"], "");
        assert_eq!(ran.code, 2, "{wrong}: {}", ran.err);
    }
}

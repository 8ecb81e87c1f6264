//! The tools take exactly the files that are named, and documents of cases with what stands around them.

use std::fs;
use std::path::Path;
use std::process::Command;

use orderhub_tests::hub::binary;
use tempfile::TempDir;

/// What a command writes to both, and how it ends.
fn orderhub(folder: &Path, arguments: &[&str]) -> (i32, String) {
    let ran = Command::new(binary()).args(arguments).current_dir(folder).output().unwrap();
    let text = [ran.stdout, ran.stderr].concat();
    (ran.status.code().unwrap_or(-1), String::from_utf8(text).unwrap())
}

/// Two integrations, the name of one of which begins like the other.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in ["till", "till_stock"] {
        let own = folder.path().join("mappings").join(name);
        fs::create_dir_all(own.join("samples")).unwrap();
        let write = |file: &str, text: &str| fs::write(own.join(file), text).unwrap();
        write(
            "integration.yaml",
            &format!(
                "orderhub: 1\nintegration: {name}\nrole: channel\nconnector: declared\n\
                 intake: [{{ message: order, ordering: queue }}]\n"
            ),
        );
        write(
            "connector.yaml",
            &format!("orderhub: 1\nconnector: {name}\nbase: \"{{base_url}}\"\noperations: {{}}\n"),
        );
        write("order.yaml", &mapping(name, "region"));
        write("samples/a.json", "{ \"id\": \"1\", \"x\": \"v\" }");
        write("samples/a.hub.json", "{ \"$key\": \"1\" }");
        write("samples/b.hub.json", "{ \"$key\": \"1\", \"region\": \"v\" }");
    }
    folder
}

/// One sample in two cases, of which the second has another setting.
fn mapping(name: &str, field: &str) -> String {
    let case = |expected: &str, mode: &str| {
        format!(
            "  - {{ why: of mode {mode}, system: samples/a.json, hub: samples/{expected}, \
             context: {{ $settings.mode: {mode} }} }}\n"
        )
    };
    format!(
        "orderhub: 1\nmapping: {name}.order\nkey: id\nfields:\n\
         \x20 - {{ hub: {field}, system: x, where: {{ $settings.mode: [b] }} }}\ncases:\n{}{}",
        case("a.hub.json", "a"),
        case("b.hub.json", "b")
    )
}

#[test]
fn an_integration_is_not_taken_for_one_whose_name_begins_alike() {
    let folder = folder();
    for path in ["mappings/till", "mappings/till/", "mappings/till/order.yaml"] {
        let (code, said) = orderhub(folder.path(), &["test", path]);
        assert_eq!((code, said.as_str()), (0, "2 cases, 0 failed\n"), "{path}");
    }
    let (_, said) = orderhub(folder.path(), &["check", "mappings/till"]);
    let (_, all) = orderhub(folder.path(), &["check", "mappings"]);
    assert!(said.contains("checked 6 files") && all.contains("checked 12 files"), "{said}{all}");
}

#[test]
fn a_document_is_compared_under_the_settings_of_each_case() {
    let folder = folder();
    fs::write(folder.path().join("old.yaml"), mapping("till", "business_unit")).unwrap();
    let diff = ["mapping", "diff", "old.yaml", "mappings/till/order.yaml", "--exit-code"];
    let (code, said) = orderhub(folder.path(), &diff);
    assert!(code == 1 && said.contains("2 documents: 1 different"), "{said}");
}

fn an_integration_that_is_gone_is_missed_by_the_name_of_the_folder(place: &Path) {
    fs::create_dir_all(place.join("h/gone/hub")).unwrap();
    fs::write(place.join("h/gone/hub/flow.yaml"), "orderhub: 1\nflow: own\nreleases: []\n")
        .unwrap();
    let (_, said) = orderhub(place, &["mapping", "what-if", "h/gone"]);
    assert!(said.contains("`h/gone/` has no such folder"), "{said}");
}

#[test]
fn findings_name_the_file_that_was_asked_for() {
    let folder = folder();
    let live = folder.path().join("mappings");
    for other in ["h/new", "h/old"] {
        orderhub_tests::mappings::copy(&live, &folder.path().join(other));
    }
    let wrong = mapping("till", "regio");
    fs::write(folder.path().join("h/new/till/order.yaml"), &wrong).unwrap();
    let failing =
        mapping("till", "placed_at").replace("where: { $settings.mode: [b] }", "as: date");
    fs::write(folder.path().join("h/old/till/order.yaml"), &failing).unwrap();
    fs::write(folder.path().join("orderhub.toml"), "[systems.till]\nintegration = \"till\"\n")
        .unwrap();
    let new = "h/new/till/order.yaml:5:12";
    let asked = ["check", "h/new"];
    let absolute = folder.path().join("h/new/till");
    for (arguments, place) in [
        (&asked[..], new.to_owned()),
        (&["check", "./h/new/till/order.yaml"], new.to_owned()),
        (&["check", absolute.to_str().unwrap()], new.to_owned()),
        (&["test", "h/new"], new.to_owned()),
        (&["mapping", "laws", "h/new"], new.to_owned()),
        (&["mapping", "diff", "mappings", "h/new"], new.to_owned()),
        (&["mapping", "what-if", "h/new"], new.to_owned()),
        (
            &["mapping", "run", "h/new/till/order.yaml", "mappings/till/samples/a.json"],
            new.to_owned(),
        ),
        (
            &["mapping", "run", "h/old/till/order.yaml", "mappings/till/samples/a.json"],
            "h/old/till/order.yaml:5:5".to_owned(),
        ),
        (
            &["mapping", "explain", "h/old/till/order.yaml", "mappings/till/samples/a.json"],
            "h/old/till/order.yaml:5:5".to_owned(),
        ),
    ] {
        let (_, said) = orderhub(folder.path(), arguments);
        assert!(
            said.contains(&place) && !said.contains("mappings/till/order.yaml"),
            "{arguments:?}: {said}"
        );
    }
    an_integration_that_is_gone_is_missed_by_the_name_of_the_folder(folder.path());
    for (format, file) in [
        ("json", "\"file\": \"h/new/till/order.yaml\""),
        ("github", "file=h/new/till/order.yaml,line=5"),
        ("sarif", "\"uri\": \"h/new/till/order.yaml\""),
    ] {
        let (_, said) = orderhub(folder.path(), &["check", "h/new", "--format", format]);
        assert!(said.contains(file), "{format}: {said}");
    }
    let (_, said) = orderhub(&folder.path().join("h/new/till"), &["check", "."]);
    assert!(said.contains("--> order.yaml:5:12"), "{said}");
    // An old file beside a folder is read as if it stood there, and is told by its own name.
    fs::write(folder.path().join("old.yaml"), &wrong).unwrap();
    let (_, said) =
        orderhub(folder.path(), &["mapping", "diff", "old.yaml", "mappings/till/order.yaml"]);
    assert!(said.contains("--> old.yaml:5:12"), "{said}");
}

#[test]
fn what_is_looked_up_is_given_along() {
    let folder = folder();
    let own = folder.path().join("mappings/till");
    let asks = |lookup: &str| {
        format!(
            "orderhub: 1\nmapping: till.order\nkey: id\nfields:\n\
             \x20 - {{ hub: ext.replaces, system: x, as: {lookup} }}\ncases:\n\
             \x20 - {{ why: w, system: samples/a.json, hub: samples/a.hub.json, context: {{ $lookup.order.v: till-7 }} }}\n"
        )
    };
    fs::write(own.join("order.yaml"), asks("{ lookup: { xref: order } }")).unwrap();
    fs::write(
        folder.path().join("old.yaml"),
        asks("{ lookup: { xref: order, on_unknown: ignore } }"),
    )
    .unwrap();
    fs::write(folder.path().join("upper.yaml"), asks("[{ lookup: { xref: order } }, upper]"))
        .unwrap();
    let sample = "mappings/till/samples/a.json";
    let file = "mappings/till/order.yaml";
    let run = ["mapping", "run", file, sample];
    let with = |arguments: &[&'static str], more: &[&'static str]| {
        orderhub(folder.path(), &[arguments, more].concat())
    };
    let (code, said) = with(&run, &[]);
    assert!(
        code == 1
            && said.contains("looks up the order `v`, which nothing gives: `--lookup order.v=…`"),
        "{said}"
    );
    let (code, said) = with(&run, &["--lookup", "order.v=till-9"]);
    assert!(code == 0 && said.contains("\"replaces\": \"till-9\""), "{said}");
    let (code, said) = with(&run, &["--lookup", "order.v="]);
    assert!(code == 1 && said.contains("nothing is known by the order `v`"), "{said}");
    assert_eq!(with(&run, &["--lookup", "order=till-9"]).0, 2);
    let explain = ["mapping", "explain", file, sample, "--lookup", "order.v=till-9"];
    let (code, said) = with(&explain, &[]);
    assert!(code == 0 && said.contains("`x` \"v\" ► lookup \"till-9\""), "{said}");
    // A case's own look-ups stand around its document: both map it, and differ where they do.
    for (old, differ) in [("old.yaml", false), ("upper.yaml", true)] {
        let (code, said) = with(&["mapping", "diff", old, file, "--exit-code"], &[]);
        assert_eq!(
            (code == 1, said.contains("\"TILL-7\" ► \"till-7\"")),
            (differ, differ),
            "{said}"
        );
    }
    let (_, said) = with(
        &["mapping", "diff", "upper.yaml", file, "--on", sample, "--lookup", "order.v=b"],
        &[],
    );
    assert!(said.contains("\"B\" ► \"b\""), "{said}");
}

//! Folders as they are found.

use orderhub_order::ids::Role;
use orderhub_order::rules::Mode;

use super::*;

#[test]
fn holds_are_judged_by_these_files_alone() {
    let files = |changed: &str| -> Files {
        let names =
            ["hub/flow.yaml", "erp/integration.yaml", "erp/connector.yaml", "erp/sale.yaml"];
        let text = |name: &str| if name == changed { "b" } else { "a" };
        names.map(|name| (name.to_owned(), text(name).into())).into_iter().collect()
    };
    let of = |tags: &[&str], unit: &str, integration: &str| SystemRules {
        role: Role::Wms,
        integration: integration.into(),
        tags: tags.iter().map(|tag| (*tag).into()).collect(),
        unit: unit.into(),
        mode: Mode::Live,
        owns: None,
        deliver: Vec::new(),
        gone: Vec::new(),
    };
    let name = SystemName::new("wms");
    let judged =
        |changed: &str, rules: &SystemRules| judging(&files(changed), [(&name, rules)].into_iter());
    let rules = of(&[], "default", "wms");
    let by = |changed: &str| judged(changed, &rules);
    let before = by("");
    for changed in ["hub/flow.yaml", "erp/integration.yaml", "erp/connector.yaml"] {
        assert_ne!(by(changed), before, "{changed}");
    }
    assert_eq!(by("erp/sale.yaml"), before);
    let nobody = judging(&files(""), std::iter::empty());
    assert_ne!(nobody, before, "a system is gone from the settings");
    for (what, rules) in [
        ("another kind", of(&[], "default", "erp")),
        ("what it is assigned by", of(&["home"], "default", "wms")),
        ("whose orders it is for", of(&[], "eu", "wms")),
    ] {
        assert_ne!(judged("", &rules), before, "{what}");
    }
    let paused = SystemRules { mode: Mode::Paused, ..of(&[], "default", "wms") };
    assert_eq!(judged("", &paused), before);
}

#[test]
fn a_folder_is_read_with_its_folders_and_without_hidden_files() {
    let folder = tempfile::tempdir().unwrap();
    let make = |path: &str, text: &str| {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    make("shopify/integration.yaml", "a");
    make("shopify/samples/paid.json", "b");
    make(".git/config", "c");
    let files = read(folder.path()).unwrap();
    let names: Vec<&str> = files.keys().map(String::as_str).collect();
    assert_eq!(names, ["shopify/integration.yaml", "shopify/samples/paid.json"]);
    let before = hash(&files);
    assert_eq!(before, "83bc11965dcd999b", "every stored change names its bundle so");
    make("shopify/integration.yaml", "b");
    assert_ne!(hash(&read(folder.path()).unwrap()), before);
}

#[test]
fn a_file_over_its_bound_is_not_read() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("shop/tables")).unwrap();
    let make = |path: &str, bytes: u64| {
        fs::File::create(folder.path().join(path)).unwrap().set_len(bytes).unwrap();
    };
    make("shop/order.yaml", MOST_YAML + 1);
    make("shop/tables/a.csv", MOST_TABLE + 1);
    make("shop/huge.json", 1 << 40);
    make("shop/a.json", MOST_SAMPLE);
    let looked = look(folder.path()).unwrap();
    let names: Vec<&str> = looked.files.keys().map(String::as_str).collect();
    assert_eq!(names, ["shop/a.json"]);
    let told = diagnostic::render(&looked.findings);
    assert_eq!(told.matches("error[Y0005]").count(), 3, "{told}");
    assert!(told.contains("--> mappings/shop/tables/a.csv\n"), "{told}");
    assert!(
        matches!(super::read(folder.path()), Err(BundleError::Files(found)) if found.len() == 3)
    );
}

#[test]
fn names_that_are_no_text_or_differ_in_case_only_are_told() {
    use std::os::unix::ffi::OsStrExt as _;
    let folder = tempfile::tempdir().unwrap();
    let named = |name: &[u8]| folder.path().join(std::ffi::OsStr::from_bytes(name));
    for name in [&b"a.yaml"[..], b"A.yaml", b"b\xff.yaml", b"c\n.yaml"] {
        fs::write(named(name), "a: 1").unwrap();
    }
    let told = diagnostic::render(&look(folder.path()).unwrap().findings);
    assert_eq!(told.matches("error[M0005]").count(), 3, "{told}");
    assert!(told.contains("`mappings/A.yaml` differ in the case"), "{told}");
    assert!(told.contains("--> mappings/c\\n.yaml\n"), "{told}");
}

#[test]
fn one_file_that_cannot_be_read_hides_no_other() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.yaml"), "a: 1").unwrap();
    std::os::unix::fs::symlink("nowhere", folder.path().join("b.yaml")).unwrap();
    let looked = look(folder.path()).unwrap();
    assert!(looked.files.contains_key("a.yaml") && looked.unread.contains("b.yaml"));
    let told = diagnostic::render(&looked.findings);
    assert!(told.contains("error[M0301]: this file is a link to what is not there"), "{told}");
    assert!(told.contains("--> mappings/b.yaml\n"), "{told}");
    assert!(matches!(read(folder.path()), Err(BundleError::Files(found)) if found.len() == 1));
}

#[test]
fn what_is_no_file_and_is_named_like_one_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let named = |name: &str| folder.path().join("till").join(name);
    fs::create_dir_all(named("tables")).unwrap();
    std::os::unix::fs::symlink("/dev/null", named("extra.yaml")).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(named("tables/t.csv")).unwrap();
    let _other = std::os::unix::net::UnixListener::bind(named("editor.sock")).unwrap();
    let rule =
        "{ hub: order_no, system: a, as: { table: { file: tables/t.csv, from: a, to: b } } }";
    let order = format!("orderhub: 1\nmapping: till.order\nkey: id\nfields: [{rule}]\n");
    fs::write(named("order.yaml"), order).unwrap();
    let looked = look(folder.path()).unwrap();
    let told = diagnostic::render(&looked.findings);
    assert_eq!(told.matches("error[M0301]: this is a pipe, a socket or a device").count(), 2);
    for name in ["till/extra.yaml", "till/tables/t.csv"] {
        assert!(looked.unread.contains(name), "{name}");
        assert!(told.contains(&format!("--> mappings/{name}\n")), "{told}");
    }
    // Who names it hears of that, and not that there is none.
    let found = orderhub_mapping::library::Folder::load(&looked.files, &looked.unread);
    let found = diagnostic::render(&found.findings());
    assert!(!found.contains("there is no `tables/t.csv`"), "{found}");
}

#[test]
fn a_folder_where_a_file_is_meant_is_told() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("till/order.yaml/samples")).unwrap();
    fs::write(folder.path().join("till/order.yaml/a.yaml"), "a").unwrap();
    let looked = look(folder.path()).unwrap();
    assert!(looked.files.is_empty() && looked.unread.contains("till/order.yaml"));
    let told = diagnostic::render(&looked.findings);
    assert!(told.contains("error[M0301]: this is a folder"), "{told}");
    assert!(told.contains("--> mappings/till/order.yaml\n"), "{told}");
}

#[test]
fn a_folder_within_itself_ends_with_words() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.yaml"), "a").unwrap();
    std::os::unix::fs::symlink(folder.path(), folder.path().join("again")).unwrap();
    let BundleError::Files(found) = read(folder.path()).unwrap_err() else { panic!() };
    let error = diagnostic::render(&found);
    assert!(error.contains("folders within each other"), "{error}");
    // It hides nothing that stands beside it.
    let looked = look(folder.path()).unwrap();
    assert!(looked.files.contains_key("a.yaml") && looked.findings.len() == 1, "{error}");
    let nothing = read(&folder.path().join("nothing")).unwrap_err().to_string();
    assert!(nothing.contains("cannot read"), "{nothing}");
}

#[test]
fn a_file_of_rules_by_another_ending_is_told() {
    let files: Files =
        ["a/order.yml", "a/order.YAML", "a/order.yaml.txt", "a/order.yaml", "a/samples/a.json"]
            .into_iter()
            .map(|path| (path.to_owned(), Vec::new()))
            .collect();
    let found = unread_by_name(&files);
    let told: Vec<_> =
        found.iter().map(|one| (one.source.name.as_ref(), one.hint.as_deref())).collect();
    let hint = Some("rename it to `order.yaml`, or move it out of the mappings");
    let wrong = ["mappings/a/order.YAML", "mappings/a/order.yaml.txt", "mappings/a/order.yml"];
    assert_eq!(told, wrong.map(|name| (name, hint)));
}

//! Work on one file of a mappings folder: what is wrong beside it, and the bytes of formats that are not JSON.

use std::fs;

use orderhub_tests::till::{MAPPING, PAID, folder, orderhub};

const RUN: [&str; 3] = ["mapping", "run", "mappings/till/order.yaml"];

#[test]
fn one_file_is_worked_on_whatever_is_wrong_beside_it() {
    let folder = folder();
    let write = |file: &str, text: &str| {
        let path = folder.path().join("mappings").join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write(
        "till/late.yaml",
        &MAPPING.replace("till.order", "till.late").replace("hub: order_no", "hub: order_nr"),
    );
    write(
        "other/order.yaml",
        "orderhub: 1\nmapping: other.order\nkey: id\nfields: [{ include: common/no, under: { hub: x } }]\n",
    );
    let group = "orderhub: 1\nsnippet: common/no\nfields: [{ hub: order_no, system: number }]\ncases: [{ why: w, system: samples/n.json, hub: samples/n.hub.json }]\n";
    write("common/no.yaml", group);
    write("common/samples/n.json", "{ \"number\": \"1\" }");
    write("common/samples/n.hub.json", "{ \"order_no\": \"1\" }");
    write(
        "new/order.yaml",
        "orderhub: 1\nmapping: new.order\nkey: id\nfields: [{ include: common/no }]\n",
    );
    let ran = orderhub(folder.path(), &RUN, PAID);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    let ran = orderhub(folder.path(), &["test", "mappings/till/order.yaml", "--update"], "");
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    assert!(ran.err.starts_with("wrote mappings/till/samples/paid.hub.json\n"), "{}", ran.err);
    let ran = orderhub(folder.path(), &["check", "mappings/till/order.yaml"], "");
    assert_eq!((ran.code, ran.out.as_str()), (0, ""), "{}", ran.err);
    assert!(
        ran.err.contains("not shown (`mappings/new`, `mappings/other`, `mappings/till`)"),
        "{}",
        ran.err
    );
    let ran = orderhub(folder.path(), &["check", "mappings/till"], "");
    assert!(
        ran.code == 1 && ran.out.contains("order_nr") && !ran.out.contains("other"),
        "{}",
        ran.out
    );
    // A folder without integration.yaml finds what it includes, and its file is checked by itself.
    let ran = orderhub(
        folder.path(),
        &["mapping", "run", "mappings/new/order.yaml"],
        "{ \"id\": 1, \"number\": \"5\" }",
    );
    assert!(ran.code == 0 && ran.out.contains("\"5\""), "{}{}", ran.out, ran.err);
    let ran = orderhub(folder.path(), &["check", "mappings/new/order.yaml"], "");
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    let ran = orderhub(folder.path(), &["mapping", "laws", "mappings/common"], "");
    assert!(ran.code == 0 && ran.out.contains("common/no order_no"), "{}{}", ran.out, ran.err);
}

#[test]
fn cases_of_tables_compare_and_write_the_bytes_that_are_sent() {
    let folder = folder();
    let write = |file: &str, text: &str| {
        let path = folder.path().join("mappings/till").join(file);
        fs::write(path, text).unwrap();
    };
    let table = "orderhub: 1\nmapping: till.table\nentity: fulfilment\nformat: { csv: { delimiter: \";\", bom: true } }\nfields:\n  - { hub: ref, system: release }\n  - { hub: $xref(fulfilment), system: theirs }\ncases:\n  - { why: one, hub: samples/t.hub.json, out: samples/t.csv }\n  - { why: unlinked, hub: samples/u.hub.json, out: samples/u.out.json }\n";
    write("table.yaml", table);
    write("samples/t.hub.json", "{ \"$xref\": { \"fulfilment\": \"9\" }, \"ref\": \"F1\" }");
    write("samples/u.hub.json", "{ \"ref\": \"F1\" }");
    write("samples/u.out.json", "{ \"$error\": \"not_linked\", \"kind\": \"fulfilment\" }");
    let test = ["test", "mappings/till/table.yaml", "--update"];
    let ran = orderhub(folder.path(), &test, "");
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    let sent = fs::read_to_string(folder.path().join("mappings/till/samples/t.csv")).unwrap();
    assert_eq!(sent, "\u{feff}release;theirs\r\nF1;9\r\n");
    write("samples/t.csv", &sent.replace("\r\n", "\n"));
    let ran = orderhub(folder.path(), &test[..2], "");
    assert!(
        ran.code == 1 && ran.out.contains("ends its lines with CR and LF, expected LF"),
        "{}",
        ran.out
    );
    write("samples/t.csv", &sent.replace('\u{feff}', ""));
    let ran = orderhub(folder.path(), &test[..2], "");
    assert!(ran.code == 1 && ran.out.contains("begins with a mark of byte order"), "{}", ran.out);
}

#[test]
fn a_document_that_cannot_be_read_is_named_with_its_place() {
    let folder = folder();
    let broken = "{ \"number\": \"17\",\n  \"paid\": tru }";
    fs::write(folder.path().join("mappings/till/samples/paid.json"), broken).unwrap();
    let place = "(line 2, column 11)";
    let ran = orderhub(folder.path(), &["test"], "");
    let lines: Vec<&str> = ran.out.lines().filter(|line| line.starts_with("    ")).collect();
    let [line] = lines[..] else { panic!("one reason: {}", ran.out) };
    assert!(line.contains("`samples/paid.json` cannot be mapped: malformed: "), "{line}");
    assert!(ran.code == 1 && line.contains(place), "{line}");
    assert_eq!(ran.err, "1 case, 1 failed\n");
    let sample = "mappings/till/samples/paid.json";
    let ran = orderhub(folder.path(), &[&RUN[..], &[sample]].concat(), "");
    let said = format!("error: `{sample}`: malformed: ");
    assert!(ran.err.contains(&said) && ran.err.contains(place), "{}", ran.err);
    let ran = orderhub(folder.path(), &["mapping", "new", "a.b", sample], "");
    assert!(ran.code == 1 && ran.err.contains(place), "{}", ran.err);
    let ran = orderhub(folder.path(), &RUN, "{ \"number\": 1 }\n{ \"number\": 2 }\n");
    assert!(
        ran.err.contains("(line 2, column 1)") && ran.err.contains("hand them in one by one"),
        "{}",
        ran.err
    );
    // A rule that fails is told at its place, and what follows of that is not.
    let much = PAID.replace("19.90", "much");
    fs::write(folder.path().join(sample), much).unwrap();
    let ran = orderhub(folder.path(), &["test", "mappings/till"], "");
    assert_eq!(ran.out.lines().filter(|line| line.starts_with("    ")).count(), 1, "{}", ran.out);
    assert!(ran.out.contains("at `total`, rule `mappings/till/order.yaml:8:5`"), "{}", ran.out);
}

#[test]
fn a_draft_is_never_called_like_another_file() {
    let folder = folder();
    let sample = "mappings/till/samples/paid.json";
    for name in ["acme.integration", "acme.connector", "common.order", "hub.flow"] {
        let ran = orderhub(folder.path(), &["mapping", "new", name, sample, "--out", "q"], "");
        assert!(ran.code == 2 && ran.err.contains("is another file"), "{name}: {}", ran.err);
        assert!(!folder.path().join("q").exists(), "{name}: nothing is written");
    }
    let ran = orderhub(folder.path(), &["mapping", "new", "acme.order", sample], "");
    assert!(ran.out.contains("\"true\": captured, \"false\": pending"), "both words: {}", ran.out);
}

/// With settings, too, the file itself is told of, and not that it were missing.
#[test]
fn what_is_no_file_is_told_with_settings_too() {
    let at = "mappings/till/integration.yaml";
    let pipe = "error[M0301]: this is a pipe, a socket or a device, and its name is a file's";
    for (make, said) in [
        (format!("mkfifo {at}"), pipe),
        (format!("ln -s /dev/zero {at}"), pipe),
        (format!("ln -s integration.yaml {at}"), "error[M0301]: this file cannot be read"),
    ] {
        let folder = folder();
        let settings = "[systems.t]\nintegration = \"till\"\nsettings = { notes = \"taken\" }\n\
                        [systems.u]\nintegration = \"none\"\n";
        fs::write(folder.path().join("orderhub.toml"), settings).unwrap();
        let ran = orderhub(folder.path(), &["check", "-c", "orderhub.toml"], "");
        assert!(ran.code != 0 && !ran.err.contains("systems.t"), "{}", ran.err);
        assert!(ran.err.contains("`[systems.u] integration` is `none`"), "as ever: {}", ran.err);
        shell(folder.path(), &format!("rm {at} && {make}"));
        for command in ["check", "run"] {
            let ran = orderhub(folder.path(), &[command, "-c", "orderhub.toml"], "");
            let all = format!("{}{}", ran.out, ran.err);
            assert!(all.contains(said) && all.contains(&format!("--> {at}")), "{make}: {all}");
            assert!(ran.code != 0 && !all.contains("no such folder"), "{make}: {all}");
        }
    }
}

/// Nobody writes into the pipe: who reads it waits for ever.
#[test]
fn settings_stand_in_a_file_or_in_a_link_to_one() {
    let folder = folder();
    for (make, said) in [
        (
            "mkfifo orderhub.toml",
            "`orderhub.toml` is a pipe, a socket or a device; settings stand in a regular file",
        ),
        ("ln -s /dev/zero orderhub.toml", "`orderhub.toml` is a pipe, a socket or a device"),
        (
            "mkdir orderhub.toml",
            "`orderhub.toml` is a folder; settings stand in a regular file, or in a link to one",
        ),
    ] {
        shell(folder.path(), make);
        for command in ["check", "run", "config"] {
            let ran = orderhub(folder.path(), &[command, "-c", "orderhub.toml"], "");
            assert!(ran.code == 78 && ran.err.contains(said), "{make}: {} {}", ran.code, ran.err);
        }
        shell(folder.path(), "rm -r orderhub.toml");
    }
    shell(
        folder.path(),
        "echo '[systems.t]' > a && echo 'integration = \"till\"' >> a && echo 'settings = { notes = \"taken\" }' >> a && ln -s a ..data && ln -s ..data orderhub.toml",
    );
    let ran = orderhub(folder.path(), &["check", "-c", "orderhub.toml"], "");
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
}

fn shell(folder: &std::path::Path, line: &str) {
    let ran = std::process::Command::new("sh").args(["-c", line]).current_dir(folder).status();
    assert!(ran.unwrap().success(), "{line}");
}

#[test]
fn what_cannot_be_read_hides_nothing_else() {
    let folder = folder();
    let own = folder.path().join("mappings/till");
    fs::write(own.join("order.yaml"), MAPPING.replace("hub: order_no", "hub: order_nr")).unwrap();
    std::os::unix::fs::symlink("nowhere", own.join("broken.yaml")).unwrap();
    let ran = orderhub(folder.path(), &["check"], "");
    assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
    for said in [
        "error[M0301]: this file is a link to what is not there",
        "--> mappings/till/broken.yaml",
        "error[M0107]",
    ] {
        assert!(ran.out.contains(said), "{said}: {}", ran.out);
    }
    let ran = orderhub(folder.path(), &["fmt"], "");
    assert!(
        ran.code == 1 && ran.err.contains("left as it is: mappings/till/broken.yaml"),
        "{}",
        ran.err
    );
    assert!(ran.err.contains("4 files"), "the others are laid out: {}", ran.err);
}

#[test]
fn an_update_is_not_written_through_a_link_that_leads_out() {
    let folder = folder();
    let (own, outside) = (folder.path().join("mappings/till/samples"), folder.path().join("kept"));
    fs::rename(&own, &outside).unwrap();
    std::os::unix::fs::symlink(&outside, &own).unwrap();
    let before = fs::read(outside.join("paid.hub.json")).unwrap();
    let ran = orderhub(folder.path(), &["test", "--update"], "");
    let said = "not written: mappings/till/samples/paid.hub.json: a link leads out of the integration's folder";
    assert!(ran.code == 1 && ran.err.contains(said), "{}", ran.err);
    assert_eq!(fs::read(outside.join("paid.hub.json")).unwrap(), before);
    // A link to a file beside it is kept, and what it leads to is replaced.
    fs::remove_file(&own).unwrap();
    fs::rename(&outside, &own).unwrap();
    fs::rename(own.join("paid.hub.json"), own.join("real.json")).unwrap();
    std::os::unix::fs::symlink("real.json", own.join("paid.hub.json")).unwrap();
    let ran = orderhub(folder.path(), &["test", "--update"], "");
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(fs::symlink_metadata(own.join("paid.hub.json")).unwrap().is_symlink());
    assert!(fs::read_to_string(own.join("real.json")).unwrap().contains("\"order_no\": \"17\""));
}

#[test]
fn update_writes_over_expectations_alone() {
    let sample = "{ \"number\": \"17\" }\n";
    let rules = "orderhub: 1\nmapping: till.order\nkey: number\nfields:\n  - { hub: order_no, system: number, as: upper }\n";
    let late = |cases: &str| {
        format!(
            "{}cases:\n{cases}",
            rules.replace("till.order", "till.late").replace(", as: upper", "")
        )
    };
    let comes_in = "it is a document that comes in, `system:` of a case";
    let no_sample = "it is a file of the mappings, and no sample";
    for (case, file, why) in [
        ("system: samples/a.json, hub: samples/a.json", "samples/a.json", comes_in),
        ("system: samples/a.json, hub: samples/b.json", "samples/b.json", comes_in),
        ("system: samples/a.json, hub: samples/link.json", "samples/link.json", comes_in),
        ("hub: samples/h.json, out: samples/b.json", "samples/b.json", comes_in),
        ("hub: samples/h.json, out: samples/h.json", "samples/h.json", "it is what the hub says"),
        ("system: samples/a.json, hub: order.yaml", "order.yaml", no_sample),
        ("system: samples/a.json, hub: integration.yaml", "integration.yaml", no_sample),
        ("system: samples/a.json, hub: tables/rows.csv", "tables/rows.csv", no_sample),
        ("system: samples/a.json, hub: README.md", "README.md", no_sample),
        ("system: samples/a.json, hub: samples/.a.json", "samples/.a.json", no_sample),
        ("system: samples/a.json, hub: samples/A.json", "samples/A.json", "differs in case only"),
    ] {
        let folder = folder();
        let own = folder.path().join("mappings/till");
        let write = |file: &str, text: &str| fs::write(own.join(file), text).unwrap();
        fs::create_dir(own.join("tables")).unwrap();
        write("tables/rows.csv", "a,b\n1,2\n");
        write("samples/a.json", sample);
        write("samples/b.json", &sample.replace("17", "b"));
        write("samples/h.json", "{ \"order_no\": \"h\" }");
        std::os::unix::fs::symlink("a.json", own.join("samples/link.json")).unwrap();
        write("order.yaml", &format!("{rules}cases:\n  - {{ why: w, {case} }}\n"));
        // Another mapping of the folder begins with `b.json`.
        write(
            "late.yaml",
            &late("  - { why: b, system: samples/b.json, hub: samples/b.hub.json }\n"),
        );
        let files = [
            "order.yaml",
            "integration.yaml",
            "tables/rows.csv",
            "samples/a.json",
            "samples/b.json",
            "samples/h.json",
        ];
        let before = files.map(|file| fs::read(own.join(file)).unwrap());
        let ran = orderhub(folder.path(), &["test", "mappings/till/order.yaml", "--update"], "");
        assert_eq!(before, files.map(|file| fs::read(own.join(file)).unwrap()), "{case}");
        let said = format!("not written: mappings/till/{file}: ");
        assert!(
            ran.code == 1 && ran.err.contains(&said) && ran.err.contains(why),
            "{case}: {}{}",
            ran.out,
            ran.err
        );
        assert!(ran.err.contains("  --> mappings/till/order.yaml:7:5"), "{case}: {}", ran.err);
        assert!(ran.err.contains("0 expectations written, 1 refused"), "{case}: {}", ran.err);
        assert!(!own.join("samples/A.json").exists());
    }
}

#[test]
fn a_file_of_which_two_cases_expect_different_things_is_left_as_it_is() {
    let folder = folder();
    let own = folder.path().join("mappings/till");
    let write = |file: &str, text: &str| fs::write(own.join(file), text).unwrap();
    let rules = "orderhub: 1\nmapping: till.order\nkey: number\nfields:\n  - { hub: order_no, system: number }\n";
    let case =
        |n: &str| format!("  - {{ why: {n}, system: samples/{n}.json, hub: samples/h.json }}\n");
    write("order.yaml", &format!("{rules}cases:\n{}{}", case("a"), case("b")));
    write("samples/a.json", "{ \"number\": \"17\" }");
    write("samples/b.json", "{ \"number\": \"18\" }");
    let ran = orderhub(folder.path(), &["test", "--update"], "");
    assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
    assert!(ran.err.contains("0 expectations written, 2 refused"), "{}", ran.err);
    let other = "the case at mappings/till/order.yaml:8:5 gives something else for it";
    assert!(ran.err.contains(other), "{}", ran.err);
    assert!(!own.join("samples/h.json").exists());
    // What goes out may be what came in: then there is nothing to write over it.
    let back = format!("{rules}cases:\n{}", case("a").replace(" }", ", out: samples/a.json }"));
    write("order.yaml", &back);
    let ran = orderhub(folder.path(), &["test", "--update"], "");
    assert!(ran.code == 0 && ran.err.contains("1 expectation written, 0 refused"), "{}", ran.err);
    fs::remove_file(own.join("samples/h.json")).unwrap();
    // The same by both is one expectation.
    write("order.yaml", &format!("{rules}cases:\n{}{}", case("a"), case("b")));
    write("samples/b.json", "{ \"number\": \"17\", \"more\": 1 }");
    let ran = orderhub(folder.path(), &["test", "--update"], "");
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    assert!(own.join("samples/h.json").exists());
}

#[test]
fn what_goes_out_is_made_from_what_was_written() {
    let folder = folder();
    let own = folder.path().join("mappings/till");
    let write = |file: &str, text: &str| fs::write(own.join(file), text).unwrap();
    let tiers = "{ hub: customer.tier, system: tier, as: { table: { rows: { a: gold }, on_unknown: pass } } }";
    let out = "{ hub: customer.tier, system: level, direction: out, as: { table: { rows: { g: gold }, on_unknown: fail } } }";
    let cases = "  - { why: in, system: samples/a.json, hub: samples/h.json }\n  - { why: out, hub: samples/h.json, out: samples/o.json }\n";
    let rules = format!(
        "orderhub: 1\nmapping: till.order\nkey: number\nfields:\n  - {tiers}\n  - {out}\ncases:\n{cases}"
    );
    write("order.yaml", &rules);
    write("samples/h.json", "{ \"$key\": \"1\", \"customer\": { \"tier\": \"gold\" } }");
    write("samples/a.json", "{ \"number\": \"1\", \"tier\": \"zinc\" }");
    write("samples/o.json", "{}");
    let ran = orderhub(folder.path(), &["test", "--update"], "");
    let said =
        |what: &str, file: &str| ran.err.contains(&format!("{what} mappings/till/samples/{file}"));
    assert!(said("wrote", "h.json") && said("not written:", "o.json"), "{}", ran.err);
    assert!(!said("wrote", "o.json"), "one file is told of once: {}", ran.err);
    assert_eq!(fs::read_to_string(own.join("samples/o.json")).unwrap(), "{}");
}

//! Files as newcomers write them: what `orderhub check` says of each is kept as it is read in a terminal, so
//! that a change of a message is seen, and read aloud. A case below `tests/data/mapping/wrong` holds the files
//! that differ from those of `base`; `<file>.gone` leaves one out. `UPDATE=1` rewrites what is expected.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use orderhub_tests::hub::binary;

/// Cases that the language owes its newcomers.
const LEAST: usize = 40;
/// What stands beside a case's files.
const EXPECTED: &str = "expected.txt";
const WHY: &str = "why.txt";

fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("data/mapping/wrong")
}

/// Every file below a folder, by its path within it.
fn files(folder: &Path, below: &str, found: &mut BTreeMap<String, Vec<u8>>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy();
        let name = if below.is_empty() { name.into_owned() } else { format!("{below}/{name}") };
        if path.is_dir() {
            files(&path, &name, found);
        } else if name != EXPECTED && name != WHY {
            found.insert(name, std::fs::read(&path).unwrap());
        }
    }
}

/// What `orderhub check` prints for the files of `base` with those of a case in their place.
fn checked(base: &BTreeMap<String, Vec<u8>>, case: &Path) -> String {
    let mut all = base.clone();
    let mut own = BTreeMap::new();
    files(case, "", &mut own);
    for (name, bytes) in own {
        match name.strip_suffix(".gone") {
            Some(gone) => drop(all.remove(gone)),
            None => drop(all.insert(name, bytes)),
        }
    }
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in &all {
        let path = folder.path().join("mappings").join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
    let ran = Command::new(binary()).arg("check").current_dir(folder.path()).output().unwrap();
    assert!(matches!(ran.status.code(), Some(0 | 1)), "{}: {ran:?}", case.display());
    let (out, err) =
        (String::from_utf8(ran.stdout).unwrap(), String::from_utf8(ran.stderr).unwrap());
    if out.is_empty() { err } else { format!("{out}\n{err}") }
}

#[test]
fn forty_wrong_files_say_what_to_type() {
    let update = std::env::var_os("UPDATE").is_some();
    let mut base = BTreeMap::new();
    files(&data().join("base"), "", &mut base);
    let none = tempfile::tempdir().unwrap();
    let fine = checked(&base, none.path());
    assert!(fine.ends_with("0 errors, 0 warnings\n"), "what the cases start from is right: {fine}");
    let entries = std::fs::read_dir(data()).unwrap().map(|entry| entry.unwrap().path());
    let mut cases: Vec<PathBuf> = entries.filter(|path| !path.ends_with("base")).collect();
    cases.sort();
    assert!(cases.len() >= LEAST, "only {} cases", cases.len());
    let mut failures = Vec::new();
    for case in cases {
        let why = std::fs::read_to_string(case.join(WHY)).unwrap_or_default();
        assert!(!why.trim().is_empty(), "{} says no why", case.display());
        let said = checked(&base, &case);
        assert!(said.contains("error["), "{}: nothing is said", case.display());
        let expected = case.join(EXPECTED);
        if update {
            std::fs::write(&expected, &said).unwrap();
        }
        let wanted = std::fs::read_to_string(&expected).unwrap_or_default();
        if said != wanted {
            failures.push(format!("{}: {why}expected\n{wanted}\nsaid\n{said}", case.display()));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

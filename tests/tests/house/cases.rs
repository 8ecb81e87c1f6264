//! Cases as data: each says why it is there.

use std::path::Path;

use serde_json::Value;

use crate::files::{files, none, read, root, shown};

/// How the files of a folder hold their cases.
enum Form {
    /// The file is one case.
    One,
    /// The file is a list of cases.
    List,
    /// The file is something else, with a list of cases under `cases`.
    Under,
    /// What cases name, or a form without a place for reasons.
    None,
}

/// Every folder of cases; files below belong to the longest path that fits.
const FOLDERS: &[(&str, Form)] = &[
    ("mappings", Form::Under),
    ("tests/data/belt", Form::None),
    ("tests/data/connectors", Form::One),
    ("tests/data/connectors/files", Form::None),
    ("tests/data/connectors/wrong", Form::None),
    ("tests/data/declared", Form::None),
    ("tests/data/fuzz", Form::None),
    ("tests/data/given", Form::One),
    ("tests/data/lang", Form::List),
    ("tests/data/mapping", Form::One),
    ("tests/data/mapping/wrong", Form::None),
    ("tests/data/order", Form::List),
    ("tests/data/packing", Form::None),
    ("tests/data/rules", Form::One),
    ("tests/data/sources", Form::Under),
    ("tests/data/stories", Form::One),
    ("tests/data/stories/_systems.yaml", Form::None),
];

#[test]
fn every_case_says_why_it_is_there() {
    let mut findings = Vec::new();
    for top in ["mappings", "tests/data"] {
        for path in files(&root().join(top), "yaml") {
            let Some((_, form)) = form(&path) else {
                findings.push(format!("{}: its folder stands in no line of FOLDERS", shown(&path)));
                continue;
            };
            let lacking = lacking(form, &path);
            findings.extend(lacking.into_iter().map(|n| format!("{}: case {n}", shown(&path))));
        }
    }
    none(findings);
}

fn form(path: &Path) -> Option<&'static (&'static str, Form)> {
    let fits = FOLDERS.iter().filter(|(folder, _)| path.starts_with(root().join(folder)));
    fits.max_by_key(|(folder, _)| folder.len())
}

/// The cases of a file without a reason, counted from 1.
fn lacking(form: &Form, path: &Path) -> Vec<usize> {
    if let Form::None = form {
        return Vec::new();
    }
    let file: Value = serde_saphyr::from_str(&read(path))
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let cases = match form {
        Form::One | Form::None => vec![file],
        Form::List => file.as_array().cloned().unwrap_or_default(),
        Form::Under => file["cases"].as_array().cloned().unwrap_or_default(),
    };
    let says = |case: &Value| case["why"].as_str().is_some_and(|why| !why.trim().is_empty());
    (1..).zip(&cases).filter(|(_, case)| !says(case)).map(|(number, _)| number).collect()
}

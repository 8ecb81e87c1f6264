//! The mappings that bodies and orders are tried on: those of `tests/data/fuzz/mappings`, and those that are shipped.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, OnceLock};

use orderhub_lang::diagnostic::{Source, render};
use orderhub_mapping::library::Folder;
use orderhub_mapping::{Mapping, Named};

/// Compiled mappings by name.
pub(super) struct Known {
    /// Of JSON, the shipped ones among them.
    pub(super) json: BTreeMap<String, Arc<Mapping>>,
    /// Of other formats.
    pub(super) formats: BTreeMap<String, Arc<Mapping>>,
    /// Own ones of which every field goes both ways.
    pub(super) both: BTreeMap<String, Arc<Mapping>>,
}

/// Compiled once.
pub(super) fn known() -> &'static Known {
    static KNOWN: OnceLock<Known> = OnceLock::new();
    KNOWN.get_or_init(|| {
        let own = own();
        let that = |fits: &dyn Fn(&str) -> bool| {
            let chosen = own.iter().filter(|(name, _)| fits(name));
            chosen.map(|(name, mapping)| (name.clone(), Arc::clone(mapping))).collect()
        };
        let mut json: BTreeMap<String, Arc<Mapping>> = that(&|name| name.starts_with("json."));
        json.extend(shipped());
        let formats = that(&|name| !name.starts_with("json."));
        Known { json, formats, both: that(&|name| name != "json.in") }
    })
}

/// The mapping that the first line of an input names, and the rest; another name stands for any of them.
pub(super) fn chosen<'k, 'i>(
    among: &'k BTreeMap<String, Arc<Mapping>>,
    input: &'i [u8],
) -> (&'k Mapping, &'i [u8]) {
    let end = input.iter().take(64).position(|byte| *byte == b'\n');
    let (name, rest) = match end {
        Some(end) => (&input[..end], &input[end + 1..]),
        None => (&b""[..], input),
    };
    let named = std::str::from_utf8(name).ok().and_then(|name| among.get(name));
    let any = || {
        let sum: usize = name.iter().map(|byte| usize::from(*byte)).sum();
        among.values().nth(sum % among.len()).expect("there are mappings")
    };
    (named.unwrap_or_else(any), rest)
}

fn root() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn own() -> BTreeMap<String, Arc<Mapping>> {
    let mut own = BTreeMap::new();
    for (name, bytes) in read(&root().join("tests/data/fuzz/mappings")) {
        let text = String::from_utf8(bytes).expect("it is text");
        let mapping = Mapping::compile(&Source::new(name, text), &Named::default());
        let mapping = mapping.unwrap_or_else(|found| panic!("{}", render(&found)));
        own.insert(mapping.name.clone(), Arc::new(mapping));
    }
    own
}

fn shipped() -> impl Iterator<Item = (String, Arc<Mapping>)> {
    let folder = Folder::load(&read(&root().join("mappings")), &BTreeSet::new());
    let integrations = folder.integrations.into_values().filter_map(|loaded| loaded.integration);
    let mappings = integrations.flat_map(|integration| integration.mappings.into_values());
    mappings.map(|mapping| (mapping.name.clone(), mapping))
}

/// The files below a folder, by path.
fn read(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let (mut files, mut open) = (BTreeMap::new(), vec![folder.to_owned()]);
    while let Some(at) = open.pop() {
        for entry in std::fs::read_dir(&at).expect("the folder is there") {
            let path = entry.expect("it can be read").path();
            if path.is_dir() {
                open.push(path);
                continue;
            }
            let name = path.strip_prefix(folder).expect("it lies there").to_string_lossy();
            files.insert(name.into_owned(), std::fs::read(&path).expect("it can be read"));
        }
    }
    files
}

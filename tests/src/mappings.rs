//! The mapping files that ship, as tests read them: the whole folder, as a hub does.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use orderhub_lang::diagnostic::render;
use orderhub_mapping::library::Folder;
use orderhub_mapping::{Integration, Named};

/// The folder.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../mappings")
}

/// Its files, by path below it.
pub fn files() -> &'static BTreeMap<String, Vec<u8>> {
    static FILES: OnceLock<BTreeMap<String, Vec<u8>>> = OnceLock::new();
    FILES.get_or_init(|| {
        let (mut files, mut open) = (BTreeMap::new(), vec![root()]);
        while let Some(folder) = open.pop() {
            for entry in std::fs::read_dir(folder).expect("the mappings are there") {
                let path = entry.expect("the mappings can be read").path();
                if path.is_dir() {
                    open.push(path);
                    continue;
                }
                let name = path.strip_prefix(root()).expect("it is below its folder");
                let name = name.to_str().expect("names are UTF-8").to_owned();
                files.insert(name, std::fs::read(&path).expect("the mappings can be read"));
            }
        }
        files
    })
}

/// What ships, compiled.
#[derive(Debug)]
pub struct Shipped {
    /// The integrations by name.
    pub integrations: BTreeMap<String, Arc<Integration>>,
    /// The names that each gives to conversions.
    pub named: BTreeMap<String, Named>,
    /// Groups of rules, tables, connectors' documents.
    pub folder: Folder,
}

/// All of it, compiled once. Any finding, also a warning, fails the test.
pub fn shipped() -> &'static Shipped {
    static SHIPPED: OnceLock<Shipped> = OnceLock::new();
    SHIPPED.get_or_init(|| {
        let mut folder = Folder::load(files(), &BTreeSet::new());
        let found = folder.findings();
        assert!(found.is_empty(), "{}", render(&found));
        let names = folder.integrations.keys();
        let named = names.map(|name| (name.clone(), folder.named(name))).collect();
        let loaded = std::mem::take(&mut folder.integrations).into_iter();
        let integrations: BTreeMap<_, _> = loaded
            .filter_map(|(name, loaded)| Some((name, Arc::new(loaded.integration?))))
            .collect();
        assert!(integrations.len() >= 5, "they are there: {:?}", integrations.keys());
        Shipped { integrations, named, folder }
    })
}

/// The integration of this name.
pub fn integration(name: &str) -> Arc<Integration> {
    let found = shipped().integrations.get(name);
    Arc::clone(found.unwrap_or_else(|| panic!("`{name}` does not ship")))
}

/// Copies a folder with all that is in it.
pub fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("the folder is there") {
        let entry = entry.expect("the folder can be read");
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            copy(&path, &target);
        } else {
            std::fs::copy(&path, target).expect("a file is copied");
        }
    }
}

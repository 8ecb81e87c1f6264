//! The shipped files, as the hub compiles them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use orderhub_mapping::{Integration, Mapping};

/// Where they stand.
pub(crate) fn folder() -> PathBuf {
    let above = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    let found = above.map(|folder| folder.join("mappings")).find(|folder| folder.is_dir());
    found.expect("the mappings stand at the top of the repository")
}

/// One mapping of an integration.
pub(crate) fn mapping(integration: &str, document: &str) -> Arc<Mapping> {
    let mut files = texts(&folder().join(integration), "");
    files.extend(texts(&folder().join("common"), "common/"));
    let files: Vec<(&str, &str)> =
        files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let loaded = Integration::load(integration, &files);
    let integration = loaded.integration.unwrap_or_else(|| panic!("{:?}", loaded.diagnostics));
    Arc::clone(integration.mapping(document).expect("the document is shipped"))
}

/// The files of the language and the tables of a folder, each behind what its name begins with.
fn texts(folder: &Path, prefix: &str) -> Vec<(String, String)> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).expect("the folder is shipped") {
        let path = entry.expect("the folder is readable").path();
        let name = format!("{prefix}{}", path.file_name().unwrap_or_default().display());
        if path.is_dir() {
            all.extend(texts(&path, &format!("{name}/")));
        } else if name.ends_with(".yaml") || name.ends_with(".csv") {
            all.push((name, std::fs::read_to_string(&path).expect("a shipped file is readable")));
        }
    }
    all
}

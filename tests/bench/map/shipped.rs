//! The shipped files, as the hub compiles them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use orderhub_mapping::{Integration, Mapping};

/// Where they stand.
pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../mappings")
}

/// One mapping of an integration.
pub(crate) fn mapping(integration: &str, document: &str) -> Arc<Mapping> {
    let read = |entry: std::io::Result<std::fs::DirEntry>| {
        let path = entry.expect("the folder is readable").path();
        let name = path.file_name()?.to_str()?.to_owned();
        name.ends_with(".yaml")
            .then(|| (name, std::fs::read_to_string(&path).expect("a shipped file is readable")))
    };
    let files = std::fs::read_dir(folder().join(integration)).expect("the integration is there");
    let files: Vec<(String, String)> = files.filter_map(read).collect();
    let files: Vec<(&str, &str)> =
        files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let loaded = Integration::load(integration, &files);
    let integration = loaded.integration.unwrap_or_else(|| panic!("{:?}", loaded.diagnostics));
    Arc::clone(integration.mapping(document).expect("the document is shipped"))
}

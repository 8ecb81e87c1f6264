//! A whole mappings folder: what is shared is read first, then each integration, all mistakes in one run.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use orderhub_lang::diagnostic::{self, Diagnostic, Source};
use orderhub_lang::yaml::source_from_bytes;

use super::{COMMON, Library};
use crate::integration::Parts;
use crate::{Integration, Loaded, Named};

/// The folder of the hub's own side.
const HUB: &str = "hub";

/// What a mappings folder holds.
#[derive(Debug, Default)]
pub struct Folder {
    /// The integrations by name, right or wrong.
    pub integrations: BTreeMap<String, Loaded>,
    /// The `connector.yaml` of each folder that has one.
    pub connectors: BTreeMap<String, Arc<Source>>,
    /// Documents beside each `connector.yaml` (`order.graphql`), by folder and by name within it.
    pub documents: BTreeMap<String, BTreeMap<String, Arc<Source>>>,
    /// Folders whose `connector.yaml` is there and could not be read.
    pub unread_connectors: BTreeSet<String>,
    /// Files of the hub's own side by name within their folder.
    pub hub: Vec<(String, Arc<Source>)>,
    /// Groups of rules and tables.
    pub library: Arc<Library>,
    /// What was found in files that no integration holds, and in bytes that are no text.
    pub diagnostics: Vec<Diagnostic>,
}

impl Folder {
    /// The conversions that the files of a folder may name.
    pub fn named(&self, name: &str) -> Named {
        self.integrations.get(name).map(|loaded| loaded.named.clone()).unwrap_or_default()
    }

    /// Loads everything. Paths start at the mappings folder; files that are neither of the language
    /// nor tables (samples) are left alone. `unread` are files that are there and could not be read, which was told.
    pub fn load(files: &BTreeMap<String, Vec<u8>>, unread: &BTreeSet<String>) -> Folder {
        let (mut sources, mut found, mut unread) = (Vec::new(), Vec::new(), unread.clone());
        for (path, bytes) in files.iter().filter(|(path, _)| is_text(path)) {
            match source_from_bytes(&format!("mappings/{path}"), bytes) {
                Ok(source) => sources.push((path.as_str(), source)),
                Err(finding) => {
                    found.push(*finding);
                    unread.insert(path.clone());
                }
            }
        }
        let (library, more) = Library::load(&sources, &unread);
        found.extend(more);
        let mut folder = Folder { library, diagnostics: found, ..Folder::default() };
        let mut below: BTreeMap<&str, Vec<(&str, Arc<Source>)>> = BTreeMap::new();
        for (path, source) in sources {
            let Some((name, file)) = path.split_once('/') else { continue };
            if path.ends_with(".yaml") {
                below.entry(name).or_default().push((file, source));
            } else if path.ends_with(".graphql") {
                let documents = folder.documents.entry(name.to_owned()).or_default();
                documents.insert(file.to_owned(), source);
            }
        }
        for name in unread.iter().filter_map(|path| Some(path.split_once('/')?.0)) {
            below.entry(name).or_default();
        }
        for (name, files) in below {
            let own =
                |path: &'_ String| path.strip_prefix(name)?.strip_prefix('/').map(str::to_owned);
            let unread: Vec<String> = unread.iter().filter_map(own).collect();
            let unread: Vec<&str> = unread.iter().map(String::as_str).collect();
            match name {
                HUB => {
                    let owned = |(file, source): (&str, _)| (file.to_owned(), source);
                    folder.hub = files.into_iter().map(owned).collect();
                }
                COMMON => {}
                _ => folder.integration(name, &files, &unread),
            }
        }
        folder
    }

    fn integration(&mut self, name: &str, files: &[(&str, Arc<Source>)], unread: &[&str]) {
        if let Some((_, source)) = files.iter().find(|(file, _)| *file == "connector.yaml") {
            self.connectors.insert(name.to_owned(), Arc::clone(source));
        } else if unread.contains(&"connector.yaml") {
            self.unread_connectors.insert(name.to_owned());
        }
        let loaded = Integration::of(name, &Parts { files, unread, library: &self.library });
        self.integrations.insert(name.to_owned(), loaded);
    }

    /// All findings, ordered, each once.
    pub fn findings(&self) -> Vec<Diagnostic> {
        let loaded = self.integrations.values().flat_map(|loaded| &loaded.diagnostics);
        let mut all: Vec<Diagnostic> = self.diagnostics.iter().chain(loaded).cloned().collect();
        diagnostic::sort(&mut all);
        diagnostic::distinct(&mut all);
        all
    }
}

/// What is read as text: the language's files, documents of connectors, and tables.
fn is_text(path: &str) -> bool {
    let language = path.ends_with(".yaml") || path.ends_with(".graphql");
    path.contains('/') && (language || super::table::is_table(path))
}

//! A whole mappings folder: what is shared is read first, then each integration, all mistakes in one run.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use orderhub_lang::diagnostic::{self, Diagnostic, Source};
use orderhub_lang::yaml::source_from_bytes;
use rayon::prelude::*;

use super::{COMMON, Library};
use crate::integration::Parts;
use crate::{Integration, Loaded, Named};

/// The folder of the hub's own side.
const HUB: &str = "hub";

const CONNECTOR: &str = "connector.yaml";

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
        let texts: Vec<_> = files.iter().filter(|(path, _)| is_text(path)).collect();
        let texts = texts
            .into_par_iter()
            .map(|(path, bytes)| (path, source_from_bytes(&format!("mappings/{path}"), bytes)));
        for (path, source) in texts.collect::<Vec<_>>() {
            match source {
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
        let hub = below.remove(HUB).unwrap_or_default();
        folder.hub = hub.into_iter().map(|(file, source)| (file.to_owned(), source)).collect();
        below.remove(COMMON);
        folder.integrations(&below, &unread);
        folder
    }

    /// Loads the integrations, on as many cores as there are.
    ///
    /// What they include is counted together, and which of them is the one too much would be luck: where it is too
    /// much, all are loaded again, one after the other.
    fn integrations(
        &mut self,
        below: &BTreeMap<&str, Vec<(&str, Arc<Source>)>>,
        unread: &BTreeSet<String>,
    ) {
        let weight = self.library.weight();
        let load = |name: &&str, files: &Vec<(&str, Arc<Source>)>| {
            let own =
                |path: &'_ String| path.strip_prefix(name)?.strip_prefix('/').map(str::to_owned);
            let unread: Vec<String> = unread.iter().filter_map(own).collect();
            let unread: Vec<&str> = unread.iter().map(String::as_str).collect();
            let parts = Parts { files, unread: &unread, library: &self.library };
            ((*name).to_owned(), Integration::of(name, &parts))
        };
        let mut loaded: BTreeMap<String, Loaded> =
            below.par_iter().map(|(name, files)| load(name, files)).collect();
        if self.library.is_overweight() {
            self.library.weigh_from(weight);
            loaded = below.iter().map(|(name, files)| load(name, files)).collect();
        }
        self.integrations = loaded;
        for (name, files) in below {
            if let Some((_, source)) = files.iter().find(|(file, _)| *file == CONNECTOR) {
                self.connectors.insert((*name).to_owned(), Arc::clone(source));
            } else if unread.contains(&format!("{name}/{CONNECTOR}")) {
                self.unread_connectors.insert((*name).to_owned());
            }
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codes;

    #[test]
    fn the_file_that_includes_too_much_is_the_same_every_time() {
        let rows: Vec<String> = (0..500).map(|row| format!("r{row}: s{row}")).collect();
        let table =
            format!("{{ table: {{ rows: {{ {} }}, on_unknown: ignore }} }}", rows.join(", "));
        let rule = |n| format!("  - {{ hub: line1, system: x{n}, direction: in, as: {table} }}\n");
        let rules: String = (0..40).map(rule).collect();
        let group = format!("orderhub: 1\nsnippet: common/large\npart: address\nfields:\n{rules}");
        let mut files = BTreeMap::from([("common/large.yaml".to_owned(), group.into_bytes())]);
        for name in ["a", "b", "c", "d", "e", "f", "g", "h"] {
            let head =
                format!("orderhub: 1\nintegration: {name}\nrole: channel\nconnector: declared\n");
            files.insert(format!("{name}/integration.yaml"), head.into_bytes());
            files.insert(format!("{name}/connector.yaml"), Vec::new());
            let order = format!(
                "orderhub: 1\nmapping: {name}.order\nkey: id\nfields:\n  - {{ include: common/large, under: {{ hub: addresses.ship_to }} }}\n"
            );
            files.insert(format!("{name}/order.yaml"), order.into_bytes());
        }
        for _ in 0..4 {
            let found = Folder::load(&files, &BTreeSet::new()).findings();
            let found = found.iter().filter(|finding| finding.code == codes::EXPANSION);
            let places: Vec<String> = found.map(|one| one.source.place(one.span.start)).collect();
            assert_eq!(places, ["mappings/e/order.yaml:5:16"]);
        }
    }
}

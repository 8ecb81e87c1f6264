//! What files are called in what is told: as they were asked for.
//!
//! The language calls a file `mappings/<path>`, wherever the folder stands: that is how a hub stores places. Whoever
//! asks for `mappings.new` or for one file reads the name that they can open.
//!
//! **Invariant:** no finding, no rule's place and no sentence of a tool names a file by a path at which it does not
//! stand. Test: `findings_name_the_file_that_was_asked_for`.

use std::path::{Component, Path, PathBuf};

use orderhub_lang::diagnostic::{self, Diagnostic};

/// What the language calls the folder.
const FOLDER: &str = "mappings/";
/// Between a place and that of what includes its file.
const INCLUDED: &str = ", included at ";

/// The names of the files of one folder.
#[derive(Clone, Debug, Default)]
pub(in crate::cli) struct Names {
    /// Where the folder stands; `None`: a file by itself, which is called as it was asked for.
    root: Option<PathBuf>,
    /// A file below the folder in whose place another was read.
    instead: Option<(String, String)>,
}

impl Names {
    /// The files of this folder.
    pub(in crate::cli) fn below(root: &Path) -> Self {
        Self { root: Some(root.to_owned()), instead: None }
    }

    /// One file by itself.
    pub(in crate::cli) fn alone() -> Self {
        Self::default()
    }

    /// The same with a file that was read in the place of another.
    pub(in crate::cli) fn instead(self, below: &str, path: &Path) -> Self {
        Self { instead: Some((below.to_owned(), path.display().to_string())), ..self }
    }

    /// The path of a file of which the language says `mappings/…`.
    pub(in crate::cli) fn file(&self, name: &str) -> String {
        let (Some(root), Some(below)) = (&self.root, name.strip_prefix(FOLDER)) else {
            return name.to_owned();
        };
        match &self.instead {
            Some((instead, path)) if instead == below => path.clone(),
            Some(_) | None => shown(&root.join(below)),
        }
    }

    /// `file:line:column`, and what includes the file.
    pub(in crate::cli) fn place(&self, place: &str) -> String {
        let one = |place: &str| {
            let mut parts = place.rsplitn(3, ':');
            match (parts.next(), parts.next(), parts.next()) {
                (Some(column), Some(line), Some(file)) => {
                    format!("{}:{line}:{column}", self.file(file))
                }
                _ => self.file(place),
            }
        };
        place.split(INCLUDED).map(one).collect::<Vec<_>>().join(INCLUDED)
    }

    /// A sentence in which paths stand in backticks.
    pub(in crate::cli) fn said(&self, text: &str) -> String {
        let Some(root) = &self.root else { return text.to_owned() };
        let root = shown(root);
        let folder = if root == "." { String::new() } else { format!("{root}/") };
        text.replace("`mappings/", &format!("`{folder}"))
    }

    /// Findings, by the names of their files here.
    pub(in crate::cli) fn findings(&self, findings: Vec<Diagnostic>) -> Vec<Diagnostic> {
        if self.root.is_none() {
            return findings;
        }
        diagnostic::renamed(findings, &|name| self.file(name), &|text| self.said(text))
    }
}

/// A path as people write it: from the folder that they are in, where it stands there.
pub(in crate::cli) fn shown(path: &Path) -> String {
    let inside = || {
        let here = std::env::current_dir().and_then(|here| here.canonicalize()).ok()?;
        path.strip_prefix(here).ok()
    };
    let path = if path.is_absolute() { inside().unwrap_or(path) } else { path };
    let parts = path.components().filter(|part| *part != Component::CurDir);
    let shown = parts.collect::<PathBuf>().display().to_string();
    if shown.is_empty() { ".".to_owned() } else { shown }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_those_of_the_folder_that_was_asked_for() {
        let names = Names::below(Path::new("./new")).instead("till/old.yaml", Path::new("a.yaml"));
        assert_eq!(names.file("mappings/till/order.yaml"), "new/till/order.yaml");
        assert_eq!(names.place("mappings/till/old.yaml:7:12"), "a.yaml:7:12");
        assert_eq!(
            names.place("mappings/common/a.yaml:1:2, included at mappings/till/old.yaml:3:4"),
            "new/common/a.yaml:1:2, included at a.yaml:3:4"
        );
        assert_eq!(names.place("samples/a.json:1:2"), "samples/a.json:1:2");
        assert_eq!(names.said("`mappings/till` has no"), "`new/till` has no");
        assert_eq!(Names::below(Path::new(".")).said("`mappings/till` has no"), "`till` has no");
        assert_eq!(Names::alone().place("mappings/order.yaml:1:2"), "mappings/order.yaml:1:2");
    }
}

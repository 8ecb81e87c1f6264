//! Where the files stand that are asked for: in a mappings folder, or by themselves.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use orderhub_connectors::declared::{self, Documents};
use orderhub_lang::codes::TOO_LARGE;
use orderhub_lang::diagnostic::{self, Diagnostic, Source, Span};
use orderhub_lang::yaml::{self, Budget, source_from_bytes, too_large};
use orderhub_mapping::library::{Folder, Library};
use orderhub_mapping::{Integration, Mapping, Named};

use super::names::Names;
use crate::bundle::{Bundle, BundleError, Files as Mappings};
use crate::cli::output::{Code, Fault, Output};

/// A folder with an `integration.yaml` stands in the mappings folder; so does its every file, what stands in
/// `common` or `hub` beside such a folder, and a file whose folder stands there without one. A file elsewhere is
/// its own root.
pub(super) fn root(path: &Path) -> (PathBuf, String) {
    let own = |folder: &&Path| folder.join("integration.yaml").is_file();
    let shared = |folder: &&Path| {
        let named = folder.file_name().is_some_and(|name| name == "common" || name == "hub");
        named && folder.parent().is_some_and(holds_integrations)
    };
    // A relative path ends before the folder that it starts in: what surrounds that one counts too.
    let whole = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let folder = whole.ancestors().find(|folder| own(folder) || shared(folder));
    // A file of a folder without integration.yaml, beside folders of a mappings folder.
    let beside = whole.parent().filter(|folder| {
        whole.is_file()
            && folder
                .parent()
                .is_some_and(|root| root.join("common").is_dir() || holds_integrations(root))
    });
    let Some(root) = folder.or(beside).and_then(Path::parent) else {
        return (path.to_owned(), String::new());
    };
    let below = whole.strip_prefix(root).unwrap_or(&whole);
    (as_asked(path, root, below), below.display().to_string())
}

/// The mappings folder `root` as whoever asked for `path` would write it.
fn as_asked(path: &Path, root: &Path, below: &Path) -> PathBuf {
    let above = path.ends_with(below).then(|| path.ancestors().nth(below.components().count()));
    let above = above.flatten().map(|above| match above.as_os_str().is_empty() {
        true => Path::new("."),
        false => above,
    });
    let same = |above: &&Path| above.canonicalize().is_ok_and(|above| above == root);
    above.filter(same).unwrap_or(root).to_owned()
}

fn holds_integrations(folder: &Path) -> bool {
    let Ok(entries) = std::fs::read_dir(folder) else { return false };
    entries.flatten().any(|entry| entry.path().join("integration.yaml").is_file())
}

pub(super) fn nothing(root: &Path) -> Fault {
    let fault = Fault::new(Code::Usage, format!("no files in `{}`", root.display()));
    fault.hint("name the mappings folder")
}

/// A file that stands in no mappings folder is looked at by itself, as what it says that it is.
pub(super) fn alone(path: &Path) -> Result<Vec<Diagnostic>, Fault> {
    let failed = |error: std::io::Error| {
        Fault::new(Code::Usage, format!("cannot read `{}`: {error}", path.display()))
    };
    let length = std::fs::metadata(path).map_err(failed)?.len();
    let name = path.display().to_string();
    let most = Budget::default().bytes as u64;
    if length > most {
        let message = too_large(length, most);
        let source = Source::new(name, "");
        return Ok(vec![Diagnostic::error(TOO_LARGE, &source, Span::default(), message)]);
    }
    let bytes = std::fs::read(path).map_err(failed)?;
    let source = match source_from_bytes(&name, &bytes) {
        Ok(source) => source,
        Err(finding) => return Ok(vec![*finding]),
    };
    let found = match yaml::parse(&source, &Budget::default()) {
        Ok(root) if root.get("connector").is_some() && root.get("integration").is_none() => {
            let beside = documents(path).map_err(failed)?;
            declared::compile_naming(&source, &beside, &Named::default())
                .map(|found| found.warnings().to_vec())
        }
        Ok(root) if root.get("snippet").is_some() => Ok(Library::alone(&source)),
        // One that cannot be read says the same whatever it is.
        Ok(_) | Err(_) => {
            Mapping::compile(&source, &Named::default()).map(|found| found.warnings().to_vec())
        }
    };
    Ok(found.unwrap_or_else(|found| found))
}

/// The documents beside a connector file.
fn documents(path: &Path) -> std::io::Result<Documents> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let mut documents = Documents::new();
    for entry in std::fs::read_dir(folder.unwrap_or(Path::new(".")))? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
        let most = Budget::default().bytes as u64;
        if !name.ends_with(".graphql") || std::fs::metadata(&path)?.len() > most {
            continue;
        }
        if let Ok(source) = source_from_bytes(&path.display().to_string(), &std::fs::read(&path)?) {
            documents.insert(name, source);
        }
    }
    Ok(documents)
}

/// A mappings folder with all that is in it.
pub(super) struct Loaded {
    pub(super) files: Mappings,
    pub(super) folder: Folder,
    pub(super) names: Names,
}

/// Reads a folder.
pub(super) fn load(root: &Path) -> Result<Loaded, Fault> {
    let files = read(root)?;
    let folder = folder(&files);
    Ok(Loaded { files, folder, names: Names::below(root) })
}

/// The files of a folder.
pub(super) fn read(root: &Path) -> Result<Mappings, Fault> {
    Bundle::read(root).map_err(|error| usage(error, root))
}

/// What files hold that were all read.
pub(super) fn folder(mappings: &Mappings) -> Folder {
    Bundle::folder(mappings, &BTreeSet::new())
}

/// An integration without errors; those of one that has some are told first.
pub(super) fn whole<'f>(
    loaded: &'f Loaded,
    name: &str,
    output: Output,
) -> Result<&'f Integration, Fault> {
    let found = loaded.folder.integrations.get(name);
    found.and_then(|found| found.integration.as_ref()).ok_or_else(|| {
        super::report(loaded.names.findings(loaded.folder.findings()), output);
        let folder = loaded.names.file(&format!("mappings/{name}"));
        let fault = Fault::new(Code::Settings, format!("`{folder}` has errors"));
        fault.hint(format!("`orderhub check {folder}` shows the same; mend them first"))
    })
}

/// Why a folder cannot be read.
pub(in crate::cli) fn usage(error: BundleError, root: &Path) -> Fault {
    if let BundleError::Files(found) = error {
        let found = Names::below(root).findings(found);
        let message = format!("files cannot be read:\n{}", diagnostic::render(&found).trim_end());
        return Fault::new(Code::Settings, message);
    }
    let fault = Fault::new(Code::Usage, error.to_string());
    match &error {
        BundleError::Read { .. } => fault.hint("name a folder that the program may read"),
        BundleError::Settings(_) | BundleError::Files(_) => fault,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_finds_its_mappings_folder() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().canonicalize().unwrap();
        let make = |path: &str| {
            let path = place.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        };
        for path in [
            "m/shop/integration.yaml",
            "m/common/tables/a.csv",
            "m/hub/flow.yaml",
            "m/new/order.yaml",
            "lone.yaml",
        ] {
            make(path);
        }
        let found = |path: &str| {
            let (root, below) = root(&place.join(path));
            (root.strip_prefix(&place).unwrap().display().to_string(), below)
        };
        let is = |root: &str, below: &str| (root.to_owned(), below.to_owned());
        assert_eq!(found("m"), is("m", ""));
        assert_eq!(found("m/shop"), is("m", "shop"));
        assert_eq!(found("m/shop/integration.yaml"), is("m", "shop/integration.yaml"));
        assert_eq!(found("m/common"), is("m", "common"));
        assert_eq!(found("m/common/tables/a.csv"), is("m", "common/tables/a.csv"));
        assert_eq!(found("m/hub/flow.yaml"), is("m", "hub/flow.yaml"));
        assert_eq!(found("m/new/order.yaml"), is("m", "new/order.yaml"));
        assert_eq!(found("lone.yaml"), is("lone.yaml", ""));
    }

    #[test]
    fn a_file_that_stands_alone_is_looked_at_as_what_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let codes = |text: &str| {
            let path = folder.path().join("a.yaml");
            std::fs::write(&path, text).unwrap();
            let found = alone(&path).unwrap();
            found.iter().map(|finding| finding.code).collect::<Vec<_>>()
        };
        let mapping = "orderhub: 1\nmapping: t.a\nkey: id\nfields: [{ hub: order_n, system: n }]\n";
        assert_eq!(codes(mapping), ["M0107"]);
        let group =
            "orderhub: 1\nsnippet: common/a\npart: address\nfields: [{ hub: lin1, system: n }]\n";
        assert_eq!(codes(group), ["M0107"]);
        assert_eq!(codes("a: [\n"), ["Y0001"]);
        assert!(codes("orderhub: 1\nconnector: c\n").iter().all(|code| !code.starts_with('M')));
        std::fs::File::create(folder.path().join("b.yaml")).unwrap().set_len(2 << 20).unwrap();
        assert_eq!(alone(&folder.path().join("b.yaml")).unwrap()[0].code, "Y0005");
    }
}

//! Reading a folder of integration files, bounded: it is untrusted input.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use orderhub_order::hash::half_of_parts;

use super::{BundleError, Files};

/// Files in all.
const MOST_FILES: usize = 5_000;
/// Bytes in all.
const MOST_BYTES: u64 = 64 << 20;
/// Folders within each other; a link that leads back ends here.
const MOST_DEPTH: usize = 6;

/// Reads every file below `path`. What begins with a dot is left alone (editors and mounts put their own
/// there); links are followed, because mounted settings are links.
pub(super) fn read(path: &Path) -> Result<Files, BundleError> {
    let mut files = BTreeMap::new();
    let mut bytes = 0;
    folder(path, "", 0, &mut files, &mut bytes)?;
    if files.is_empty() {
        let why = format!("`{}` has no files; `[mappings] path` names the folder", path.display());
        return Err(BundleError::Settings(why));
    }
    Ok(files)
}

fn folder(
    path: &Path,
    below: &str,
    depth: usize,
    files: &mut Files,
    bytes: &mut u64,
) -> Result<(), BundleError> {
    let failed = |source| BundleError::Read { path: path.display().to_string(), source };
    for entry in fs::read_dir(path).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name();
        let Some(name) = name.to_str().filter(|name| !name.starts_with('.')) else { continue };
        let at = entry.path();
        let failed = |source| BundleError::Read { path: at.display().to_string(), source };
        let inner = if below.is_empty() { name.to_owned() } else { format!("{below}/{name}") };
        let found = fs::metadata(&at).map_err(failed)?;
        if found.is_dir() {
            if depth + 1 >= MOST_DEPTH {
                return Err(bound(&at, "folders within each other", MOST_DEPTH as u64));
            }
            folder(&at, &inner, depth + 1, files, bytes)?;
        } else if found.is_file() {
            *bytes = bytes.saturating_add(found.len());
            if *bytes > MOST_BYTES {
                return Err(bound(&at, "bytes", MOST_BYTES));
            }
            if files.len() >= MOST_FILES {
                return Err(bound(&at, "files", MOST_FILES as u64));
            }
            files.insert(inner, fs::read(&at).map_err(failed)?);
        }
    }
    Ok(())
}

fn bound(at: &Path, what: &str, most: u64) -> BundleError {
    let at = at.display();
    BundleError::Settings(format!("`{at}`: the mappings have more than {most} {what}"))
}

/// Names the files as they are: paths and bytes.
pub(super) fn hash(files: &Files) -> String {
    let parts = files.iter().flat_map(|(path, bytes)| [path.as_bytes(), bytes]);
    let mut name = hex::encode(half_of_parts(parts));
    name.truncate(16);
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_read_with_its_folders_and_without_hidden_files() {
        let folder = tempfile::tempdir().unwrap();
        let make = |path: &str, text: &str| {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        make("shopify/integration.yaml", "a");
        make("shopify/samples/paid.json", "b");
        make(".git/config", "c");
        let files = read(folder.path()).unwrap();
        let names: Vec<&str> = files.keys().map(String::as_str).collect();
        assert_eq!(names, ["shopify/integration.yaml", "shopify/samples/paid.json"]);
        let before = hash(&files);
        assert_eq!(before, "83bc11965dcd999b", "every stored change names its bundle so");
        make("shopify/integration.yaml", "b");
        assert_ne!(hash(&read(folder.path()).unwrap()), before);
    }

    #[test]
    fn a_folder_within_itself_ends_with_words() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a.yaml"), "a").unwrap();
        std::os::unix::fs::symlink(folder.path(), folder.path().join("again")).unwrap();
        let error = read(folder.path()).unwrap_err().to_string();
        assert!(error.contains("folders within each other"), "{error}");
        let nothing = read(&folder.path().join("nothing")).unwrap_err().to_string();
        assert!(nothing.contains("cannot read"), "{nothing}");
    }
}

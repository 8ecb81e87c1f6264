//! The mapping files that the program carries, and the folder that the demonstration runs.

use std::path::{Path, PathBuf};

use include_dir::{Dir, include_dir};

use super::{Code, Fault};

/// `mappings/` as it was when the program was built.
static EMBEDDED: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/../../mappings");

/// Folders without which the demonstration has nobody to talk to.
const NEEDED: [&str; 5] = ["shopify", "rest_erp", "rest_wms", "rest_tms", "sink"];

/// A folder of mapping files: as it is if it holds some, else the embedded ones are written there.
pub(super) fn folder(folder: &Path) -> Result<PathBuf, Fault> {
    let cannot = |error: std::io::Error| {
        Fault::new(Code::Problems, format!("cannot use `{}`: {error}", folder.display()))
    };
    if is_empty(folder).map_err(cannot)? {
        std::fs::create_dir_all(folder).map_err(cannot)?;
        EMBEDDED.extract(folder).map_err(cannot)?;
        return Ok(folder.to_owned());
    }
    let there = |name: &&str| folder.join(name).join("integration.yaml").is_file();
    let missing: Vec<&str> = NEEDED.into_iter().filter(|name| !there(name)).collect();
    if missing.is_empty() {
        return Ok(folder.to_owned());
    }
    let message =
        format!("`{}` is not empty and has no {}", folder.display(), missing.join(", no "));
    let hint = "name an empty folder, or one that an earlier demonstration wrote";
    Err(Fault::new(Code::Settings, message).hint(hint))
}

fn is_empty(folder: &Path) -> std::io::Result<bool> {
    match std::fs::read_dir(folder) {
        Ok(mut entries) => Ok(entries.next().is_none()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(true),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_folder_gets_the_embedded_files_and_an_edited_one_is_kept() {
        let work = tempfile::tempdir().unwrap();
        let path = work.path().join("new");
        folder(&path).unwrap();
        let sink = path.join("sink/integration.yaml");
        std::fs::write(&sink, "edited").unwrap();
        folder(&path).unwrap();
        assert_eq!(std::fs::read_to_string(sink).unwrap(), "edited");
    }

    #[test]
    fn a_folder_of_other_files_is_left_alone() {
        let work = tempfile::tempdir().unwrap();
        std::fs::write(work.path().join("letter.txt"), "dear").unwrap();
        let fault = folder(work.path()).unwrap_err();
        assert!(fault.message.contains("shopify"), "{}", fault.message);
        assert_eq!(std::fs::read_dir(work.path()).unwrap().count(), 1);
    }
}

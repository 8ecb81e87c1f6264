//! Files that a draft writes.
//!
//! **Invariant:** no file that is there is written over. Tests: `a_draft_passes_check_and_its_own_case`,
//! `a_drafted_connector_passes_check_and_its_card`.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use crate::cli::output::{Code, Fault, say};

/// Longest name of a file or folder.
const LONGEST: usize = 64;

/// Whether a folder or a file may be called so: small letters, digits and `_`, a letter first.
pub(in crate::cli) fn is_name(word: &str) -> bool {
    let first = word.bytes().next().is_some_and(|letter| letter.is_ascii_lowercase());
    let letter =
        |letter: u8| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == b'_';
    first && word.len() <= LONGEST && word.bytes().all(letter)
}

/// Writes all files with their folders; none where one of them is there already.
pub(in crate::cli) fn write(files: &[(PathBuf, Vec<u8>)]) -> Result<(), Fault> {
    if let Some((there, _)) = files.iter().find(|(path, _)| path.exists()) {
        let fault = Fault::new(Code::Problems, format!("`{}` is there already", there.display()));
        return Err(fault.hint("nothing was written; choose another name, or move it away"));
    }
    for (path, bytes) in files {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(|error| failed(folder, &error))?;
        }
        let made = fs::File::create_new(path).and_then(|mut file| file.write_all(bytes));
        made.map_err(|error| failed(path, &error))?;
        say(&format!("wrote {}", path.display()));
    }
    Ok(())
}

fn failed(path: &Path, error: &std::io::Error) -> Fault {
    Fault::new(Code::Problems, format!("cannot write `{}`: {error}", path.display()))
}

//! The texts of the project's own files, for tests that read them.

use std::path::{Path, PathBuf};

/// Files below a folder with one of the endings, and their texts.
///
/// # Panics
///
/// A file cannot be read.
pub fn walk(folder: &Path, endings: &[&str], found: &mut Vec<(PathBuf, String)>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        if path.is_dir() {
            walk(&path, endings, found);
        } else if endings.contains(&ending) {
            // Some are not UTF-8 on purpose.
            let text = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned();
            found.push((path, text));
        }
    }
}

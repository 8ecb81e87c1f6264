//! Reading a folder of integration files, bounded: it is untrusted input.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use orderhub_lang::codes;
use orderhub_lang::diagnostic::{self, Diagnostic, Source, Span};
use orderhub_lang::yaml::too_large;
use orderhub_mapping::codes as mapping_codes;
use orderhub_order::hash::half_of_parts;
use orderhub_order::ids::SystemName;
use orderhub_order::rules::SystemRules;
use rayon::prelude::*;

use super::{BundleError, Files, Looked, cores};

/// Files in all.
const MOST_FILES: usize = 5_000;
/// Bytes in all.
const MOST_BYTES: u64 = 64 << 20;
/// Folders within each other; a link that leads back ends here.
const MOST_DEPTH: usize = 6;
/// Bytes of a file of the language; its reader takes no more.
const MOST_YAML: u64 = 1 << 20;
/// Bytes of a table.
const MOST_TABLE: u64 = 8 << 20;
/// Bytes of anything else: samples.
const MOST_SAMPLE: u64 = 4 << 20;

/// Reads every file below `path`. What begins with a dot is left alone (editors and mounts put their own
/// there); links are followed, because mounted settings are links.
pub(super) fn read(path: &Path) -> Result<Files, BundleError> {
    let looked = look(path)?;
    if !looked.findings.is_empty() {
        return Err(BundleError::Files(looked.findings));
    }
    if looked.files.is_empty() {
        let why = format!("`{}` has no files; `[mappings] path` names the folder", path.display());
        return Err(BundleError::Settings(why));
    }
    Ok(looked.files)
}

/// The same as far as it goes.
///
/// **Invariant:** a file over its bound is never read into memory. Test: `a_file_over_its_bound_is_not_read`.
pub(super) fn look(path: &Path) -> Result<Looked, BundleError> {
    let mut reader = Reader { looked: Looked::default(), there: Vec::new(), bytes: 0, seen: 0 };
    reader.folder(path, "", 0)?;
    cores::run(|| reader.contents());
    reader.alike();
    diagnostic::sort(&mut reader.looked.findings);
    Ok(reader.looked)
}

struct Reader {
    looked: Looked,
    there: Vec<There>,
    bytes: u64,
    seen: usize,
}

/// A file that is small enough, to be read.
struct There {
    at: PathBuf,
    inner: String,
    length: usize,
    most: u64,
}

impl There {
    fn read(&self) -> std::io::Result<Vec<u8>> {
        // One more than it has: the end is found without asking for room first.
        let mut bytes = Vec::with_capacity(self.length + 1);
        // It may have grown since it was looked at: never more than its bound is taken.
        fs::File::open(&self.at)?.take(self.most).read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

impl Reader {
    fn folder(&mut self, path: &Path, below: &str, depth: usize) -> Result<(), BundleError> {
        let failed = |source| BundleError::Read { path: path.display().to_string(), source };
        for entry in fs::read_dir(path).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let at = entry.path();
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if name.starts_with('.') {
                continue;
            }
            let inner = if below.is_empty() { name.to_string() } else { format!("{below}/{name}") };
            self.seen += 1;
            if self.seen > MOST_FILES {
                return Err(bound(&at, "files", MOST_FILES as u64));
            }
            if entry.file_name().to_str().is_none() || name.chars().any(char::is_control) {
                let message = "the name of this file is no plain text";
                self.tell(inner, mapping_codes::NAME, message.to_owned(), "rename it");
                continue;
            }
            // One that cannot be read keeps nobody from hearing of the others.
            let found = match fs::metadata(&at) {
                Ok(found) => found,
                Err(error) => {
                    self.unreadable(&at, inner, &error);
                    continue;
                }
            };
            if found.is_file() {
                self.file(&at, inner, found.len())?;
                continue;
            }
            if !found.is_dir() {
                self.neither(inner);
                continue;
            }
            if depth + 1 >= MOST_DEPTH {
                let message = format!(
                    "there are more than {MOST_DEPTH} folders within each other here; this one is not read"
                );
                let hint = "move it up, or out of the mappings folder; a link that leads back to a folder above it is one, too";
                self.tell(inner, mapping_codes::FILE, message, hint);
                continue;
            }
            if inner.ends_with(".yaml") {
                let hint = "write the file, and delete the folder; what else there is stands in folders of other names";
                self.tell(
                    inner,
                    mapping_codes::FILE,
                    "this is a folder, and its name is a file's".to_owned(),
                    hint,
                );
                continue;
            }
            match fs::read_dir(&at) {
                Ok(_) => self.folder(&at, &inner, depth + 1)?,
                Err(error) => self.unreadable(&at, inner, &error),
            }
        }
        Ok(())
    }

    /// Tells of what is neither file nor folder, where its name is a file's.
    fn neither(&mut self, inner: String) {
        if is_meant(&inner) {
            let message = "this is a pipe, a socket or a device, and its name is a file's";
            let hint = "put the file there, or delete it; a link leads to a file";
            self.tell(inner, mapping_codes::FILE, message.to_owned(), hint);
        }
    }

    fn file(&mut self, at: &Path, inner: String, length: u64) -> Result<(), BundleError> {
        let most = most(&inner);
        if length > most {
            let hint = match most {
                MOST_YAML => "a file of rules is small: move tables into `.csv` files of their own",
                MOST_TABLE => "cut the table down to the rows that are asked for",
                _ => "cut the sample down: a case needs a few lines of each kind",
            };
            self.tell(inner, codes::TOO_LARGE, too_large(length, most), hint);
            return Ok(());
        }
        self.bytes = self.bytes.saturating_add(length);
        if self.bytes > MOST_BYTES {
            return Err(bound(at, "bytes", MOST_BYTES));
        }
        self.there.push(There { at: at.to_owned(), inner, length: length as usize, most });
        Ok(())
    }

    /// Reads the files that were found, on as many cores as there are.
    fn contents(&mut self) {
        let there = std::mem::take(&mut self.there);
        let read: Vec<_> = there.par_iter().map(There::read).collect();
        for (file, bytes) in there.into_iter().zip(read) {
            match bytes {
                Ok(bytes) => drop(self.looked.files.insert(file.inner, bytes)),
                Err(error) => self.unreadable(&file.at, file.inner, &error),
            }
        }
    }

    /// Tells of a file that is there and cannot be read.
    fn unreadable(&mut self, at: &Path, inner: String, error: &std::io::Error) {
        let link = fs::symlink_metadata(at).is_ok_and(|found| found.is_symlink());
        let (what, hint) = if link && error.kind() == std::io::ErrorKind::NotFound {
            ("is a link to what is not there", "mend the link, or delete it")
        } else if error.kind() == std::io::ErrorKind::PermissionDenied {
            ("cannot be read: permission denied", "let the program read it: `chmod a+r`")
        } else {
            ("cannot be read", "see whether it is a file that stands still, or delete it")
        };
        self.tell(inner, mapping_codes::FILE, format!("this file {what}"), hint);
    }

    /// Of names that differ in the case of letters only, some machines keep one file.
    fn alike(&mut self) {
        let mut known: BTreeMap<String, &String> = BTreeMap::new();
        let mut alike = Vec::new();
        for name in self.looked.files.keys() {
            if let Some(first) = known.insert(name.to_lowercase(), name) {
                alike.push((name.clone(), first.clone()));
            }
        }
        for (name, first) in alike {
            let message =
                format!("this name and `mappings/{first}` differ in the case of letters only");
            self.tell(name, mapping_codes::NAME, message, "rename one of the two");
        }
    }

    /// Tells of a file that is not read.
    fn tell(&mut self, name: String, code: &'static str, message: String, hint: &str) {
        let source = Source::new(format!("mappings/{}", name.escape_debug()), "");
        let finding = Diagnostic::error(code, &source, Span::default(), message);
        self.looked.findings.push(finding.with_hint(hint));
        self.looked.files.remove(&name);
        self.looked.unread.insert(name);
    }
}

/// Whether a file of that name would be read for something.
fn is_meant(name: &str) -> bool {
    let ending = name.rsplit_once('.').map(|(_, ending)| ending);
    matches!(ending, Some("yaml" | "graphql" | "csv" | "json"))
}

/// Most bytes of a file.
fn most(name: &str) -> u64 {
    match name.rsplit_once('.') {
        Some((_, "yaml" | "graphql")) => MOST_YAML,
        Some((below, "csv")) if below.contains("/tables/") || below.contains("hub/master/") => {
            MOST_TABLE
        }
        _ => MOST_SAMPLE,
    }
}

fn bound(at: &Path, what: &str, most: u64) -> BundleError {
    let at = at.display();
    BundleError::Settings(format!(
        "`{at}`: the mappings have more than {most} {what}; name the mappings folder itself, and keep all else out of it"
    ))
}

/// Files that look like files of rules by their names, and are read by nobody. They change nothing that runs.
pub(super) fn unread_by_name(files: &Files) -> Vec<Diagnostic> {
    let misnamed = |path: &&String| {
        let name = path.to_ascii_lowercase();
        let name = name.strip_suffix(".txt").unwrap_or(&name);
        !path.ends_with(".yaml") && (name.ends_with(".yaml") || name.ends_with(".yml"))
    };
    let told = |path: &String| {
        let source = Source::new(format!("mappings/{}", path.escape_debug()), "");
        let message = "this file is read by nobody: the name of a file of rules ends in `.yaml`";
        let finding =
            Diagnostic::error(mapping_codes::NAME, &source, Span::default(), message).as_warning();
        let stem = path.rsplit_once('/').map_or(path.as_str(), |(_, name)| name);
        let stem = stem.split('.').next().unwrap_or(stem);
        finding.with_hint(format!("rename it to `{stem}.yaml`, or move it out of the mappings"))
    };
    files.keys().filter(misnamed).map(told).collect()
}

/// Names the files as they are: paths and bytes.
pub(super) fn hash(files: &Files) -> String {
    let parts = files.iter().flat_map(|(path, bytes)| [path.as_bytes(), bytes]);
    let mut name = hex::encode(half_of_parts(parts));
    name.truncate(16);
    name
}

/// Names what a hold, a lifecycle or a `when` is judged by, and nothing else: the flow, what systems listen to, what their
/// operations make, and which systems there are, each by what the settings say of it.
pub(super) fn judging<'a>(
    files: &Files,
    systems: impl Iterator<Item = (&'a SystemName, &'a SystemRules)>,
) -> String {
    let judging = ["hub/flow.yaml", "/integration.yaml", "/connector.yaml"];
    let is = |name: &&String| judging.iter().any(|end| name.ends_with(end));
    let judging = files.keys().filter(is).filter_map(|name| files.get_key_value(name));
    // Paused or in shadow mode it is judged alike.
    let named = systems.map(|(name, rules)| {
        let SystemRules { role, integration, tags, unit, owns, .. } = rules;
        format!("{name} {integration} {role:?} {tags:?} {unit} {owns:?}\n")
    });
    let named: Vec<String> = named.collect();
    let named = ("systems".to_owned(), named.concat().into());
    hash(&judging.map(|(name, bytes)| (name.clone(), bytes.clone())).chain([named]).collect())
}

#[cfg(test)]
#[path = "files_tests.rs"]
mod tests;

//! Reading a folder of integration files, bounded: it is untrusted input.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::path::Path;

use orderhub_lang::codes;
use orderhub_lang::diagnostic::{self, Diagnostic, Source, Span};
use orderhub_lang::yaml::too_large;
use orderhub_mapping::codes as mapping_codes;
use orderhub_order::hash::half_of_parts;
use orderhub_order::ids::SystemName;
use orderhub_order::rules::SystemRules;

use super::{BundleError, Files, Looked};

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
    let mut reader = Reader { looked: Looked::default(), bytes: 0, seen: 0 };
    reader.folder(path, "", 0)?;
    reader.alike();
    diagnostic::sort(&mut reader.looked.findings);
    Ok(reader.looked)
}

struct Reader {
    looked: Looked,
    bytes: u64,
    seen: usize,
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
        // It may grow between the two calls: never more than its bound is taken.
        let mut bytes = Vec::new();
        let read = fs::File::open(at).and_then(|file| file.take(most).read_to_end(&mut bytes));
        match read {
            Ok(_) => drop(self.looked.files.insert(inner, bytes)),
            Err(error) => self.unreadable(at, inner, &error),
        }
        Ok(())
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
mod tests {
    use orderhub_order::ids::Role;
    use orderhub_order::rules::Mode;

    use super::*;

    #[test]
    fn holds_are_judged_by_these_files_alone() {
        let files = |changed: &str| -> Files {
            let names =
                ["hub/flow.yaml", "erp/integration.yaml", "erp/connector.yaml", "erp/sale.yaml"];
            let text = |name: &str| if name == changed { "b" } else { "a" };
            names.map(|name| (name.to_owned(), text(name).into())).into_iter().collect()
        };
        let of = |tags: &[&str], unit: &str, integration: &str| SystemRules {
            role: Role::Wms,
            integration: integration.into(),
            tags: tags.iter().map(|tag| (*tag).into()).collect(),
            unit: unit.into(),
            mode: Mode::Live,
            owns: None,
            deliver: Vec::new(),
            gone: Vec::new(),
        };
        let name = SystemName::new("wms");
        let judged = |changed: &str, rules: &SystemRules| {
            judging(&files(changed), [(&name, rules)].into_iter())
        };
        let rules = of(&[], "default", "wms");
        let by = |changed: &str| judged(changed, &rules);
        let before = by("");
        for changed in ["hub/flow.yaml", "erp/integration.yaml", "erp/connector.yaml"] {
            assert_ne!(by(changed), before, "{changed}");
        }
        assert_eq!(by("erp/sale.yaml"), before);
        let nobody = judging(&files(""), std::iter::empty());
        assert_ne!(nobody, before, "a system is gone from the settings");
        for (what, rules) in [
            ("another kind", of(&[], "default", "erp")),
            ("what it is assigned by", of(&["home"], "default", "wms")),
            ("whose orders it is for", of(&[], "eu", "wms")),
        ] {
            assert_ne!(judged("", &rules), before, "{what}");
        }
        let paused = SystemRules { mode: Mode::Paused, ..of(&[], "default", "wms") };
        assert_eq!(judged("", &paused), before);
    }

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
    fn a_file_over_its_bound_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("shop/tables")).unwrap();
        let make = |path: &str, bytes: u64| {
            fs::File::create(folder.path().join(path)).unwrap().set_len(bytes).unwrap();
        };
        make("shop/order.yaml", MOST_YAML + 1);
        make("shop/tables/a.csv", MOST_TABLE + 1);
        make("shop/huge.json", 1 << 40);
        make("shop/a.json", MOST_SAMPLE);
        let looked = look(folder.path()).unwrap();
        let names: Vec<&str> = looked.files.keys().map(String::as_str).collect();
        assert_eq!(names, ["shop/a.json"]);
        let told = diagnostic::render(&looked.findings);
        assert_eq!(told.matches("error[Y0005]").count(), 3, "{told}");
        assert!(told.contains("--> mappings/shop/tables/a.csv\n"), "{told}");
        assert!(
            matches!(super::read(folder.path()), Err(BundleError::Files(found)) if found.len() == 3)
        );
    }

    #[test]
    fn names_that_are_no_text_or_differ_in_case_only_are_told() {
        use std::os::unix::ffi::OsStrExt as _;
        let folder = tempfile::tempdir().unwrap();
        let named = |name: &[u8]| folder.path().join(std::ffi::OsStr::from_bytes(name));
        for name in [&b"a.yaml"[..], b"A.yaml", b"b\xff.yaml", b"c\n.yaml"] {
            fs::write(named(name), "a: 1").unwrap();
        }
        let told = diagnostic::render(&look(folder.path()).unwrap().findings);
        assert_eq!(told.matches("error[M0005]").count(), 3, "{told}");
        assert!(told.contains("`mappings/A.yaml` differ in the case"), "{told}");
        assert!(told.contains("--> mappings/c\\n.yaml\n"), "{told}");
    }

    #[test]
    fn one_file_that_cannot_be_read_hides_no_other() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a.yaml"), "a: 1").unwrap();
        std::os::unix::fs::symlink("nowhere", folder.path().join("b.yaml")).unwrap();
        let looked = look(folder.path()).unwrap();
        assert!(looked.files.contains_key("a.yaml") && looked.unread.contains("b.yaml"));
        let told = diagnostic::render(&looked.findings);
        assert!(told.contains("error[M0301]: this file is a link to what is not there"), "{told}");
        assert!(told.contains("--> mappings/b.yaml\n"), "{told}");
        assert!(matches!(read(folder.path()), Err(BundleError::Files(found)) if found.len() == 1));
    }

    #[test]
    fn what_is_no_file_and_is_named_like_one_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let named = |name: &str| folder.path().join("till").join(name);
        fs::create_dir_all(named("tables")).unwrap();
        std::os::unix::fs::symlink("/dev/null", named("extra.yaml")).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(named("tables/t.csv")).unwrap();
        let _other = std::os::unix::net::UnixListener::bind(named("editor.sock")).unwrap();
        let rule =
            "{ hub: order_no, system: a, as: { table: { file: tables/t.csv, from: a, to: b } } }";
        let order = format!("orderhub: 1\nmapping: till.order\nkey: id\nfields: [{rule}]\n");
        fs::write(named("order.yaml"), order).unwrap();
        let looked = look(folder.path()).unwrap();
        let told = diagnostic::render(&looked.findings);
        assert_eq!(told.matches("error[M0301]: this is a pipe, a socket or a device").count(), 2);
        for name in ["till/extra.yaml", "till/tables/t.csv"] {
            assert!(looked.unread.contains(name), "{name}");
            assert!(told.contains(&format!("--> mappings/{name}\n")), "{told}");
        }
        // Who names it hears of that, and not that there is none.
        let found = orderhub_mapping::library::Folder::load(&looked.files, &looked.unread);
        let found = diagnostic::render(&found.findings());
        assert!(!found.contains("there is no `tables/t.csv`"), "{found}");
    }

    #[test]
    fn a_folder_where_a_file_is_meant_is_told() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("till/order.yaml/samples")).unwrap();
        fs::write(folder.path().join("till/order.yaml/a.yaml"), "a").unwrap();
        let looked = look(folder.path()).unwrap();
        assert!(looked.files.is_empty() && looked.unread.contains("till/order.yaml"));
        let told = diagnostic::render(&looked.findings);
        assert!(told.contains("error[M0301]: this is a folder"), "{told}");
        assert!(told.contains("--> mappings/till/order.yaml\n"), "{told}");
    }

    #[test]
    fn a_folder_within_itself_ends_with_words() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a.yaml"), "a").unwrap();
        std::os::unix::fs::symlink(folder.path(), folder.path().join("again")).unwrap();
        let BundleError::Files(found) = read(folder.path()).unwrap_err() else { panic!() };
        let error = diagnostic::render(&found);
        assert!(error.contains("folders within each other"), "{error}");
        // It hides nothing that stands beside it.
        let looked = look(folder.path()).unwrap();
        assert!(looked.files.contains_key("a.yaml") && looked.findings.len() == 1, "{error}");
        let nothing = read(&folder.path().join("nothing")).unwrap_err().to_string();
        assert!(nothing.contains("cannot read"), "{nothing}");
    }
}

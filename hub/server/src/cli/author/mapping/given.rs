//! What the commands of one mapping are given: the file, a document, and what stands around it.
//!
//! Bound: a document is at most [`MOST_BYTES`], the largest body that the hub takes.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{IsTerminal as _, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use orderhub_lang::diagnostic::{self, Diagnostic, Span};
use orderhub_lang::value::Value;
use orderhub_lang::yaml::source_from_bytes;
use orderhub_mapping::facts::{Facts, Looked, LookupKey};
use orderhub_mapping::{Context, MapError, Mapping, Named};
use orderhub_order::ids::SystemName;

use super::super::names::Names;
use super::super::{Loaded, folder, load, read, report, root, whole};
use crate::cli::output::{Code, Fault, Output, say};
use crate::cli::serve;
use crate::intake::gates::MOST_BYTES;

/// What stands around a document.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Around {
    /// A setting that the mapping reads as `$settings.NAME`; may be given several times.
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = pair)]
    set: Vec<(String, String)>,
    /// An argument that the mapping reads as `$args.NAME`, as JSON or as text; may be given several times.
    #[arg(long = "arg", value_name = "NAME=VALUE", value_parser = pair)]
    arg: Vec<(String, String)>,
    /// What a reference that the mapping looks up is bound to, such as `order.4711=till-70`; nothing behind the `=`:
    /// nobody knows it. May be given several times.
    #[arg(long = "lookup", value_name = "KIND.ID=VALUE", value_parser = lookup)]
    lookup: Vec<((String, String), String)>,
    /// Take the settings of this system of the settings file; `--set` goes before them.
    #[arg(long, value_name = "NAME")]
    system: Option<String>,
    /// The settings file that `--system` is of.
    #[arg(short, long, env = "ORDERHUB_CONFIG", default_value = "orderhub.toml")]
    config: PathBuf,
}

/// What stands around, read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Surroundings {
    system: SystemName,
    settings: BTreeMap<String, String>,
    args: BTreeMap<String, Value>,
    lookups: BTreeMap<(String, String), String>,
    /// What is not among the look-ups is known to be unknown, as in a case.
    closed: bool,
}

/// Asked for by name, or not at all.
impl Facts for Surroundings {
    fn look(&self, key: &LookupKey) -> Looked {
        match self.lookups.get(&(key.name.to_string(), key.id.to_string())) {
            Some(found) if !found.is_empty() => Looked::Found(found.as_str().into()),
            Some(_) => Looked::Unknown,
            None if self.closed => Looked::Unknown,
            None => Looked::Open,
        }
    }
}

impl Around {
    /// Reads what stands around; settings that the mapping reads and that nobody gave are told.
    pub(super) fn read(&self, mapping: &Mapping) -> Result<Surroundings, Fault> {
        let around = self.read_quietly()?;
        for name in mapping.needed_settings().filter(|name| !around.settings.contains_key(*name)) {
            say(&format!(
                "note: the mapping reads `$settings.{name}`, which nothing gives: `--set {name}=…`"
            ));
        }
        Ok(around)
    }

    /// The same where cases give what the mapping reads.
    pub(super) fn read_quietly(&self) -> Result<Surroundings, Fault> {
        let mut settings = match &self.system {
            None => BTreeMap::new(),
            Some(name) => self.of_system(name)?,
        };
        settings.extend(self.set.iter().cloned());
        let value = |text: &String| {
            Value::from_json(text.as_bytes()).unwrap_or_else(|_| Value::Text(text.clone()))
        };
        let args = self.arg.iter().map(|(name, text)| (name.clone(), value(text))).collect();
        let system = SystemName::new(self.system.as_deref().unwrap_or("system"));
        let lookups = self.lookup.iter().cloned().collect();
        Ok(Surroundings { system, settings, args, lookups, closed: false })
    }

    fn of_system(&self, name: &str) -> Result<BTreeMap<String, String>, Fault> {
        let config = serve::load(&self.config)?.config;
        let known = config.systems.iter().find(|(known, _)| known.as_str() == name);
        if let Some((_, system)) = known {
            return Ok(system.settings.clone());
        }
        let message = format!("`{}` has no system `{name}`", self.config.display());
        let names = config.systems.keys().map(SystemName::as_str);
        let near = diagnostic::nearest(name, names);
        let hint = near.map_or_else(
            || "systems stand there as `[systems.<name>]`".to_owned(),
            |near| format!("did you mean `{near}`?"),
        );
        Err(Fault::new(Code::Usage, message).hint(hint))
    }
}

impl Surroundings {
    pub(super) fn context(&self) -> Context<'_> {
        Context { system: &self.system, settings: &self.settings, args: &self.args, hub: None }
    }

    /// The same with what a case says, where nothing else does.
    pub(super) fn with(&self, case: &orderhub_mapping::cases::Case) -> Surroundings {
        let (mut settings, mut args) = case.surroundings();
        settings.extend(self.settings.clone());
        args.extend(self.args.clone());
        let mut lookups = case.lookups();
        lookups.extend(self.lookups.clone());
        Surroundings { system: self.system.clone(), settings, args, lookups, closed: true }
    }

    /// Tells what mappings look up for a body and nobody gave.
    pub(super) fn tell_wants(&self, mappings: &[&Mapping], body: &[u8]) {
        let wants = mappings.iter().flat_map(|one| one.wants(body, &self.context(), self));
        let wants: BTreeSet<LookupKey> = wants.collect();
        for want in wants.iter().take(MOST_WANTS) {
            let name = format!("{}.{}", want.name, want.id);
            say(&format!(
                "note: the mapping looks up the {} `{}`, which nothing gives: `--lookup {name}=…`",
                want.name, want.id
            ));
        }
        if let Some(more @ 1..) = wants.len().checked_sub(MOST_WANTS) {
            say(&format!("note: it looks up {more} more"));
        }
    }
}

/// Look-ups that nobody gave and that are told one by one.
const MOST_WANTS: usize = 10;

fn lookup(text: &str) -> Result<((String, String), String), String> {
    let form = "write KIND.ID=VALUE: `order.4711=till-70`";
    // An id may hold the sign; what it is bound to does not.
    let (name, value) = text.rsplit_once('=').ok_or(form)?;
    let (kind, id) = name.split_once('.').ok_or(form)?;
    if kind.is_empty() || id.is_empty() {
        return Err(form.to_owned());
    }
    Ok(((kind.to_owned(), id.to_owned()), value.to_owned()))
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE")?;
    if name.is_empty() {
        return Err("write NAME=VALUE".to_owned());
    }
    Ok((name.to_owned(), value.to_owned()))
}

/// A mapping file, and what its files are called.
#[derive(Clone, Debug)]
pub(in crate::cli::author) struct One {
    pub(in crate::cli::author) mapping: Arc<Mapping>,
    pub(in crate::cli::author) names: Names,
}

/// A mapping file, compiled with the integration whose folder it stands in; alone, if it stands in none.
pub(in crate::cli::author) fn mapping(path: &Path, output: Output) -> Result<One, Fault> {
    if !path.is_file() {
        let what = if path.is_dir() { "is a folder" } else { "is not there" };
        let fault = Fault::new(Code::Usage, format!("`{}` {what}", path.display()));
        return Err(fault.hint("name one mapping file: `mappings/shop/order.yaml`"));
    }
    let (root, below) = root(path);
    let Some((integration, file)) = below.split_once('/') else { return alone(path, output) };
    let all = load(&root)?;
    let mut groups = all.folder.library.mappings();
    if let Some((_, group)) = groups.find(|(name, _)| *name == below) {
        return Ok(One { mapping: Arc::clone(group), names: all.names });
    }
    let mapping = one_of(&all, integration, file, output)?.ok_or_else(|| {
        let fault = Fault::new(Code::Usage, format!("`{}` is no mapping", path.display()));
        fault.hint("mappings are the files beside integration.yaml and connector.yaml")
    })?;
    Ok(One { mapping, names: all.names })
}

/// One mapping of an integration's folder, whatever is wrong with the files beside it.
fn one_of(
    all: &Loaded,
    integration: &str,
    file: &str,
    output: Output,
) -> Result<Option<Arc<Mapping>>, Fault> {
    let document = file.strip_suffix(".yaml").unwrap_or(file);
    let loaded = all.folder.integrations.get(integration);
    let sound = loaded.and_then(|loaded| loaded.mappings.get(document));
    match sound {
        Some(mapping) => Ok(Some(Arc::clone(mapping))),
        None => Ok(whole(all, integration, output)?.mapping(document).map(Arc::clone)),
    }
}

/// The same; a file that stands in no integration's folder is read as if it stood where `like` stands, so that
/// an older copy finds what it uses.
pub(super) fn mapping_like(path: &Path, like: &Path, output: Output) -> Result<One, Fault> {
    let alone = path.is_file() && root(path).1.is_empty();
    let (root, below) = root(like);
    let Some((integration, name)) = below.split_once('/').filter(|_| alone && like.is_file())
    else {
        return mapping(path, output);
    };
    let mut files = read(&root)?;
    files.insert(below.clone(), file(path)?);
    let names = Names::below(&root).instead(&below, path);
    let all = Loaded { folder: folder(&files), files, names };
    let mapping = one_of(&all, integration, name, output)?
        .ok_or_else(|| Fault::new(Code::Usage, format!("`{}` is no mapping", path.display())))?;
    Ok(One { mapping, names: all.names })
}

fn alone(path: &Path, output: Output) -> Result<One, Fault> {
    let bytes = file(path)?;
    let name = path.display().to_string();
    let compiled = source_from_bytes(&name, &bytes)
        .map_err(|finding| vec![*finding])
        .and_then(|source| Mapping::compile(&source, &Named::default()));
    let mapping = compiled.map_err(|findings| {
        report(findings, output);
        Fault::new(Code::Settings, format!("`{name}` has errors"))
            .hint(format!("`orderhub check {name}` shows the same; mend them first"))
    })?;
    Ok(One { mapping: Arc::new(mapping), names: Names::alone() })
}

/// A document: of a file, or what comes in at the standard input.
pub(in crate::cli::author) fn body(document: Option<&Path>) -> Result<Vec<u8>, Fault> {
    match document.filter(|path| *path != Path::new("-")) {
        Some(path) => file(path),
        None => {
            let input = std::io::stdin();
            if input.is_terminal() {
                say("reading a document from the terminal; Ctrl-D ends it");
            }
            bounded(input.lock(), "the standard input")
        }
    }
}

/// A file, bounded.
pub(in crate::cli::author) fn file(path: &Path) -> Result<Vec<u8>, Fault> {
    let name = format!("`{}`", path.display());
    let opened = File::open(path)
        .map_err(|error| Fault::new(Code::Usage, format!("cannot read {name}: {error}")))?;
    bounded(opened, &name)
}

fn bounded(input: impl Read, name: &str) -> Result<Vec<u8>, Fault> {
    let mut bytes = Vec::new();
    let most = MOST_BYTES as u64;
    let read = input.take(most + 1).read_to_end(&mut bytes);
    read.map_err(|error| Fault::new(Code::Usage, format!("cannot read {name}: {error}")))?;
    if bytes.len() > MOST_BYTES {
        let message = format!("{name} has more than {} MiB", MOST_BYTES >> 20);
        return Err(Fault::new(Code::Usage, message).hint("the hub takes no larger body"));
    }
    Ok(bytes)
}

/// The hub JSON of a document, as cases hold it.
pub(super) fn hub_json(bytes: &[u8]) -> Result<serde_json::Value, Fault> {
    serde_json::from_slice(unmarked(bytes)).map_err(|error| no_json(&error))
}

/// The same, one behind another: what `-o jsonl` prints.
pub(super) fn hub_documents(bytes: &[u8]) -> Result<Vec<serde_json::Value>, Fault> {
    let documents = serde_json::Deserializer::from_slice(unmarked(bytes)).into_iter();
    let documents: Vec<serde_json::Value> =
        documents.collect::<Result<_, _>>().map_err(|error| no_json(&error))?;
    if documents.is_empty() { hub_json(bytes).map(|one| vec![one]) } else { Ok(documents) }
}

fn unmarked(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes)
}

fn no_json(error: &serde_json::Error) -> Fault {
    let fault = Fault::new(Code::Usage, format!("the hub's side is no JSON: {error}"));
    fault.hint("on the way out the document is what the hub says, as in the `hub:` of a case")
}

impl One {
    /// A failure of a document, shown at its rule; of one that cannot be read, with its name.
    pub(super) fn failure(&self, error: &MapError, document: Option<&Path>) -> String {
        let place = error.rule.as_deref().unwrap_or_default();
        let source = &self.mapping.source;
        let Some(span) = self.mapping.rule_span(place) else {
            let rule = error.rule.as_ref().map(|rule| self.names.place(rule));
            let name = document.filter(|path| *path != Path::new("-"));
            let name = name
                .map_or("the standard input".to_owned(), |path| format!("`{}`", path.display()));
            return format!("error: {name}: {}", MapError { rule, ..error.clone() });
        };
        // Its first line; the file may be one that the mapping includes.
        let first = source.slice(span).split('\n').next().unwrap_or_default().len();
        let end = span.start.saturating_add(u32::try_from(first).unwrap_or_default());
        let finding = Diagnostic::error(error.cause, source, Span { end, ..span }, &error.why);
        let label = if error.path.is_empty() { String::new() } else { format!("`{}`", error.path) };
        let finding = self.names.findings(vec![finding.with_label(label)]);
        diagnostic::render(&finding).trim_end().to_owned()
    }
}

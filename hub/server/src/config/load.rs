//! Reads settings: defaults, then the file, then the environment; knows where each value came from.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::path::Path;

use config::{Environment, File, FileFormat, Value, ValueKind};
use orderhub_lang::diagnostic::nearest;

use super::{Config, check};

/// Settings with the origin of every value that is not a default.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The settings.
    pub config: Config,
    /// `server.listen` ► `orderhub.toml` or `environment`.
    pub origins: BTreeMap<String, String>,
}

/// Settings that cannot be used: every problem in one report, a line each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError(pub Vec<String>);

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("\n"))
    }
}

impl std::error::Error for ConfigError {}

/// Every key with its sentence and default; also what the known keys are read from.
pub(crate) const REFERENCE: &str = include_str!("reference.toml");

/// In [`REFERENCE`]: any name.
const ANY: &str = "NAME";

/// Reads the file, if one is given, and `ORDERHUB__…` of `env` on top.
///
/// # Errors
///
/// [`ConfigError`] with every unknown key (and the nearest known one), or the first value of a wrong
/// type, or every rule between settings that is broken.
pub fn load(file: Option<&Path>, env: &HashMap<String, String>) -> Result<Loaded, ConfigError> {
    let Some(file) = file else { return parse("", "", env) };
    if let Some(what) = no_file(file) {
        return Err(one(format!(
            "`{}` is {what}; settings stand in a regular file, or in a link to one",
            file.display()
        )));
    }
    let text = std::fs::read_to_string(file)
        .map_err(|error| one(format!("cannot read `{}`: {error}", file.display())))?;
    let mut loaded = parse(&file.display().to_string(), &text, env)?;
    if let Some(folder) = file.parent() {
        loaded.config.relative_to(folder);
    }
    Ok(loaded)
}

/// What a file is that is there and is none: a pipe would be waited for until somebody writes, a device without end.
fn no_file(file: &Path) -> Option<&'static str> {
    let found = std::fs::metadata(file).ok()?;
    match (found.is_file(), found.is_dir()) {
        (true, _) => None,
        (false, true) => Some("a folder"),
        (false, false) => Some("a pipe, a socket or a device"),
    }
}

/// As [`load`], from text; `name` is what messages and origins call it.
///
/// # Errors
///
/// As [`load`].
pub fn parse(name: &str, text: &str, env: &HashMap<String, String>) -> Result<Loaded, ConfigError> {
    let environment = Environment::with_prefix("ORDERHUB").prefix_separator("__").separator("__");
    let env = env.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
    let raw = config::Config::builder()
        .add_source(Named { name: name.to_owned(), text: text.to_owned() })
        .add_source(environment.source(Some(env)))
        .build();
    let raw = raw.map_err(|error| one(error.to_string()))?;

    let mut origins = BTreeMap::new();
    let unknown = unknown_keys(&raw.cache, &mut origins)?;
    if !unknown.is_empty() {
        return Err(ConfigError(unknown));
    }
    let config: Config = raw.try_deserialize().map_err(|error| one(words(error, &origins)))?;
    let broken = check::rules(&config);
    if broken.is_empty() { Ok(Loaded { config, origins }) } else { Err(ConfigError(broken)) }
}

/// A value of a wrong type or form: the place it came from, its key, what is wrong.
#[expect(clippy::wildcard_enum_match_arm, reason = "the library may add variants; all have words")]
fn words(error: config::ConfigError, origins: &BTreeMap<String, String>) -> String {
    use config::ConfigError as Raw;
    let (key, problem) = match error {
        Raw::At { error, key, .. } => (key, error.to_string()),
        Raw::Type { unexpected, expected, key, .. } => {
            (key, format!("is {unexpected}, but must be {expected}"))
        }
        Raw::NotFound(key) => (Some(key), "is missing".to_owned()),
        other => (None, other.to_string()),
    };
    let Some(key) = key else { return problem };
    let below = |found: &String| found == &key || found.starts_with(&format!("{key}."));
    let origin = origins.iter().find(|(found, _)| below(found)).map(|(_, origin)| origin.as_str());
    match origin {
        Some(origin) => format!("{origin}: `{key}` {problem}"),
        None => format!("`{key}` {problem}"),
    }
}

fn one(problem: String) -> ConfigError {
    ConfigError(vec![problem])
}

/// A file's text under the name that messages and origins show.
#[derive(Clone, Debug)]
struct Named {
    name: String,
    text: String,
}

impl config::Source for Named {
    fn clone_into_box(&self) -> Box<dyn config::Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<config::Map<String, Value>, config::ConfigError> {
        let parsed = config::Source::collect(&File::from_str(&self.text, FileFormat::Toml));
        let table = parsed
            .map_err(|error| config::ConfigError::Message(format!("{}: {error}", self.name)))?;
        Ok(table.into_iter().map(|(key, value)| (key, self.renamed(value))).collect())
    }
}

impl Named {
    /// The same value, with this file as its origin.
    fn renamed(&self, value: Value) -> Value {
        let kind = match value.kind {
            ValueKind::Table(table) => ValueKind::Table(
                table.into_iter().map(|(key, inner)| (key, self.renamed(inner))).collect(),
            ),
            ValueKind::Array(list) => {
                ValueKind::Array(list.into_iter().map(|inner| self.renamed(inner)).collect())
            }
            other @ (ValueKind::Nil
            | ValueKind::Boolean(_)
            | ValueKind::I64(_)
            | ValueKind::I128(_)
            | ValueKind::U64(_)
            | ValueKind::U128(_)
            | ValueKind::Float(_)
            | ValueKind::String(_)) => other,
        };
        Value::new(Some(&self.name), kind)
    }
}

/// Compares what is set with the reference, and notes origins on the way.
fn unknown_keys(
    set: &Value,
    origins: &mut BTreeMap<String, String>,
) -> Result<Vec<String>, ConfigError> {
    let reference = config::Config::builder()
        .add_source(File::from_str(REFERENCE, FileFormat::Toml))
        .build()
        .map_err(|error| one(error.to_string()))?;
    let mut walk = Walk { unknown: Vec::new(), origins };
    walk.value("", set, Some(&reference.cache));
    walk.unknown.sort();
    Ok(walk.unknown)
}

struct Walk<'a> {
    unknown: Vec<String>,
    origins: &'a mut BTreeMap<String, String>,
}

impl Walk<'_> {
    /// `known` is what the reference has here; `None` below a value whose shape its type checks.
    fn value(&mut self, path: &str, set: &Value, known: Option<&Value>) {
        let ValueKind::Table(table) = &set.kind else {
            let origin = set.origin().unwrap_or("default").to_owned();
            self.origins.insert(path.to_owned(), origin);
            return;
        };
        let known = known.and_then(table_of).filter(|known| !known.is_empty());
        for (key, inner) in table {
            let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            let Some(known) = known else {
                self.value(&path, inner, None);
                continue;
            };
            match known.get(key).or_else(|| known.get(ANY)) {
                Some(next) => self.value(&path, inner, Some(next)),
                None => {
                    let hint = match nearest(key, known.keys().map(String::as_str)) {
                        Some(near) => format!("did you mean `{near}`?"),
                        None => format!("known here: {}", names(known)),
                    };
                    let origin = origin_of(inner).map(|o| format!("{o}: ")).unwrap_or_default();
                    self.unknown.push(format!("{origin}unknown setting `{path}`; {hint}"));
                }
            }
        }
    }
}

/// Merged tables have no origin of their own: that of the first value in them counts.
fn origin_of(value: &Value) -> Option<&str> {
    let inner = || table_of(value)?.values().find_map(origin_of);
    value.origin().or_else(inner)
}

fn table_of(value: &Value) -> Option<&config::Map<String, Value>> {
    if let ValueKind::Table(table) = &value.kind { Some(table) } else { None }
}

fn names(known: &config::Map<String, Value>) -> String {
    let mut names: Vec<_> = known.keys().map(|key| format!("`{key}`")).collect();
    names.sort();
    names.join(", ")
}

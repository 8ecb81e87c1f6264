//! Secrets by reference: from the environment, or from files that are read again when they change.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use secrecy::{ExposeSecret, SecretString};

use super::{Config, SecretRef};

/// Largest file of a secret, in bytes.
const MOST_BYTES: u64 = 64 * 1024;

/// Why there is no secret.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The variable is not set.
    #[error("environment variable `{0}` is not set")]
    Env(String),
    /// The file cannot be read.
    #[error("cannot read the secret file `{}`: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is too large to be a secret.
    #[error("`{}` has more than {MOST_BYTES} bytes; that is no secret", .0.display())]
    TooLarge(PathBuf),
}

/// Reads secrets. Cheap to clone; clones share what was read.
///
/// **Invariant:** a value is handed out as [`SecretString`] only, which does not print.
#[derive(Clone, Default)]
pub struct Secrets {
    env: Arc<HashMap<String, SecretString>>,
    files: Arc<Mutex<HashMap<PathBuf, Read>>>,
}

#[derive(Clone)]
struct Read {
    changed: Option<SystemTime>,
    length: u64,
    value: SecretString,
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secrets(..)")
    }
}

impl Secrets {
    /// Takes the environment as it was at the start.
    pub fn new(env: HashMap<String, String>) -> Self {
        let env = env.into_iter().map(|(name, value)| (name, value.into())).collect();
        Self { env: Arc::new(env), files: Arc::default() }
    }

    /// The present value; a file's without the line end at its end.
    ///
    /// # Errors
    ///
    /// [`SecretError`].
    pub fn read(&self, at: &SecretRef) -> Result<SecretString, SecretError> {
        match at {
            SecretRef::Env(name) => {
                self.env.get(name).cloned().ok_or_else(|| SecretError::Env(name.clone()))
            }
            SecretRef::File(path) => self.file(path),
        }
    }

    /// The values that can be read, newest first: what a connector is handed.
    pub fn values(&self, refs: &[SecretRef]) -> Vec<String> {
        let read = refs.iter().filter_map(|at| match self.read(at) {
            Ok(value) => Some(value.expose_secret().to_owned()),
            Err(error) => {
                tracing::warn!(%error, "a secret cannot be read");
                None
            }
        });
        read.collect()
    }

    /// Whether every secret that the settings name is there.
    ///
    /// # Errors
    ///
    /// What is missing, with the setting that names it, a sentence each.
    pub fn all_there(&self, config: &Config) -> Result<(), Vec<String>> {
        let of_systems = config.systems.iter().flat_map(|(system, settings)| {
            settings.secrets.iter().flat_map(move |(name, refs)| {
                refs.0.iter().map(move |at| (format!("systems.{system}.secrets.{name}"), at))
            })
        });
        let of_bus = config.bus.iter().flat_map(|bus| bus.password.iter());
        let all = of_systems.chain(of_bus.map(|at| ("bus.password".to_owned(), at)));
        let missing =
            all.filter_map(|(key, at)| Some(format!("`{key}`: {}", self.read(at).err()?)));
        let missing: Vec<_> = missing.collect();
        if missing.is_empty() { Ok(()) } else { Err(missing) }
    }

    fn file(&self, path: &Path) -> Result<SecretString, SecretError> {
        let failed = |source| SecretError::File { path: path.to_owned(), source };
        let meta = std::fs::metadata(path).map_err(failed)?;
        if meta.len() > MOST_BYTES {
            return Err(SecretError::TooLarge(path.to_owned()));
        }
        let (changed, length) = (meta.modified().ok(), meta.len());
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = files.get(path)
            && known.changed == changed
            && known.length == length
        {
            return Ok(known.value.clone());
        }
        let text = std::fs::read_to_string(path).map_err(failed)?;
        let value = SecretString::from(text.trim_end_matches(['\r', '\n']));
        files.insert(path.to_owned(), Read { changed, length, value: value.clone() });
        Ok(value)
    }
}

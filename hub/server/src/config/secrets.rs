//! Secrets by reference: from the environment, or from files that are read again when they change.

use std::collections::HashMap;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use tokio::time::Instant;

use super::{Config, HashRef, SecretRef};

/// So long a value stands in for its file while that is missing or empty, as it is for a moment when somebody
/// writes it anew. Whoever takes a secret away for good waits no longer than this.
const STANDS_IN: Duration = Duration::from_secs(60);
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
    /// The file holds nothing.
    #[error("the secret file `{}` is empty", .0.display())]
    Empty(PathBuf),
    /// The file is too large to be a secret.
    #[error("`{}` has more than {MOST_BYTES} bytes; that is no secret", .0.display())]
    TooLarge(PathBuf),
    /// The value cannot stand in a header, where most secrets go.
    #[error(
        "the value of {at} has a line break or another control character, which no header can carry; \
         write it as one line"
    )]
    Control {
        /// Where it was read.
        at: String,
    },
}

/// Reads secrets. Cheap to clone; clones share what was read.
///
/// **Invariant:** a value is kept as [`SecretString`], which does not print, leaves it only by
/// [`Secrets::values`], for what signs and verifies, and holds no control character. Tests:
/// `a_secret_does_not_print`, `a_secret_that_no_header_can_carry_is_named_by_its_setting_at_the_start`.
///
/// **Invariant:** a file that is written anew, in place or by another in its stead, is read anew, and at no
/// moment in between is there no value. Test: `a_file_that_is_written_anew_is_read_anew_and_never_missing`.
#[derive(Clone, Default)]
pub struct Secrets {
    env: Arc<HashMap<String, SecretString>>,
    files: Arc<Mutex<HashMap<PathBuf, Read>>>,
}

#[derive(Clone)]
struct Read {
    stamp: Stamp,
    value: SecretString,
    /// Since when the file cannot stand for itself.
    gone: Option<Instant>,
}

/// What tells one state of a file from the next: times alone are too coarse for two writes in a row.
type Stamp = (u64, u64, (i64, i64), (i64, i64), u64);

fn stamp(meta: &std::fs::Metadata) -> Stamp {
    let changed = (meta.mtime(), meta.mtime_nsec());
    (meta.dev(), meta.ino(), changed, (meta.ctime(), meta.ctime_nsec()), meta.len())
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
        let value = match at {
            SecretRef::Env(name) => {
                self.env.get(name).cloned().ok_or_else(|| SecretError::Env(name.clone()))?
            }
            SecretRef::File(path) => self.file(path)?,
        };
        // Found here and not at the first call: a request that cannot be built looks like a mistake of
        // the connector's file, hours after the start.
        let control = |letter: char| letter.is_control() && letter != '\t';
        if value.expose_secret().contains(control) {
            let at = match at {
                SecretRef::Env(name) => format!("environment variable `{name}`"),
                SecretRef::File(path) => format!("the secret file `{}`", path.display()),
            };
            return Err(SecretError::Control { at });
        }
        Ok(value)
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

    /// The same without a word about those that cannot be read: to know a secret again where it stands.
    pub fn readable(&self, refs: &[SecretRef]) -> Vec<String> {
        let read = refs.iter().filter_map(|at| self.read(at).ok());
        read.map(|value| value.expose_secret().to_owned()).collect()
    }

    /// Whether every secret that the settings name is there and can be used.
    ///
    /// # Errors
    ///
    /// What is missing or wrong, with the setting that names it and never the value, a sentence each.
    pub fn all_there(&self, config: &Config) -> Result<(), Vec<String>> {
        let of_systems = config.systems.iter().flat_map(|(system, settings)| {
            settings.secrets.iter().flat_map(move |(name, refs)| {
                refs.0.iter().map(move |at| (format!("systems.{system}.secrets.{name}"), at))
            })
        });
        let of_bus = config.bus.iter().flat_map(|bus| bus.password.iter());
        let all = of_systems.chain(of_bus.map(|at| ("bus.password".to_owned(), at)));
        let of_store = config.store.password.iter();
        let all = all.chain(of_store.map(|at| ("store.password".to_owned(), at)));
        let of_search = config.store.search_key.iter();
        let all = all.chain(of_search.map(|at| ("store.search_key".to_owned(), at)));
        let of_tokens = config.access.tokens.iter().flat_map(|(name, token)| {
            let places = token.sha256.0.iter().filter_map(|at| match at {
                HashRef::At(place) => Some(place),
                HashRef::Hash(_) => None,
            });
            places.map(move |place| (format!("access.tokens.{name}.sha256"), place))
        });
        let all = all.chain(of_tokens);
        let of_traces = config.telemetry.headers.iter();
        let all = all.chain(of_traces.map(|(name, at)| (format!("telemetry.headers.{name}"), at)));
        let wrong = all.filter_map(|(key, at)| Some(format!("`{key}`: {}", self.read(at).err()?)));
        let wrong: Vec<_> = wrong.collect();
        if wrong.is_empty() { Ok(()) } else { Err(wrong) }
    }

    fn file(&self, path: &Path) -> Result<SecretString, SecretError> {
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        match afresh(path, files.get(path)) {
            Ok(Some(read)) => {
                let value = read.value.clone();
                files.insert(path.to_owned(), read);
                Ok(value)
            }
            Ok(None) => files
                .get_mut(path)
                .map(|known| {
                    known.gone = None;
                    known.value.clone()
                })
                .ok_or_else(|| SecretError::Empty(path.to_owned())),
            Err(error) => {
                let Some(known) = files.get_mut(path) else { return Err(error) };
                let since = *known.gone.get_or_insert_with(Instant::now);
                if since.elapsed() < STANDS_IN { Ok(known.value.clone()) } else { Err(error) }
            }
        }
    }
}

/// The file, if it is not as it was read last.
fn afresh(path: &Path, known: Option<&Read>) -> Result<Option<Read>, SecretError> {
    let failed = |source| SecretError::File { path: path.to_owned(), source };
    let meta = std::fs::metadata(path).map_err(failed)?;
    if meta.len() > MOST_BYTES {
        return Err(SecretError::TooLarge(path.to_owned()));
    }
    let stamp = stamp(&meta);
    if known.is_some_and(|known| known.stamp == stamp) {
        return Ok(None);
    }
    let text = std::fs::read_to_string(path).map_err(failed)?;
    let text = text.trim_end_matches(['\r', '\n']);
    if text.is_empty() {
        return Err(SecretError::Empty(path.to_owned()));
    }
    Ok(Some(Read { stamp, value: SecretString::from(text), gone: None }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::parse;

    /// `file` is the mounted file of the webhook's secret, `TOKEN` the variable of the other.
    fn secrets_of(token: &str, file: &[u8]) -> (tempfile::TempDir, Result<(), Vec<String>>) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("webhook");
        std::fs::write(&path, file).unwrap();
        let text = format!(
            "[systems.shop]\nintegration = \"shopify\"\nbase_url = \"https://shop.example\"\n\
             secrets = {{ client_secret = {{ env = \"TOKEN\" }}, webhook = {{ file = \"{}\" }} }}\n",
            path.display()
        );
        let config = parse("orderhub.toml", &text, &HashMap::new()).unwrap().config;
        (
            folder,
            Secrets::new(HashMap::from([("TOKEN".to_owned(), token.to_owned())]))
                .all_there(&config),
        )
    }

    #[test]
    fn a_secret_that_no_header_can_carry_is_named_by_its_setting_at_the_start() {
        let wrong: [(&str, &[u8]); 4] = [
            ("PLAN\nTED", b"PLAN\nTED\n"),
            ("PLANTED\r\n", b"PLAN\r\nTED"),
            ("\0", b"\0"),
            ("a\x7f", b"a\x1b"),
        ];
        for (token, file) in wrong {
            let (_folder, found) = secrets_of(token, file);
            let found = found.unwrap_err();
            assert_eq!(found.len(), 2, "{found:?}");
            assert!(
                found[0].starts_with(
                    "`systems.shop.secrets.client_secret`: the value of environment variable `TOKEN` has"
                ),
                "{found:?}"
            );
            assert!(
                found[1]
                    .starts_with("`systems.shop.secrets.webhook`: the value of the secret file"),
                "{found:?}"
            );
            assert!(
                found.iter().all(|line| !line.contains("PLAN") && !line.contains('\n')),
                "{found:?}"
            );
        }
    }

    #[test]
    fn the_line_end_of_a_mounted_secret_is_no_part_of_it() {
        for file in [&b"PLANTED"[..], b"PLANTED\n", b"PLANTED\r\n", b"PLANTED with\ttab\n"] {
            let (folder, found) = secrets_of("t", file);
            assert_eq!(found, Ok(()));
            let at = [SecretRef::File(folder.path().join("webhook"))];
            let text = String::from_utf8(file.to_vec()).unwrap();
            assert_eq!(Secrets::default().values(&at), [text.trim_end()]);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_file_that_is_written_anew_is_read_anew_and_never_missing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        let (secrets, at) = (Secrets::default(), [SecretRef::File(path.clone())]);
        std::fs::write(&path, "").unwrap();
        assert!(secrets.values(&at).is_empty(), "an empty secret is none");
        for value in ["one", "two", "six"] {
            std::fs::write(&path, value).unwrap();
            assert_eq!(secrets.values(&at), [value], "as long as the one before, at once after it");
            std::fs::write(&path, "").unwrap();
            assert_eq!(secrets.values(&at), [value], "truncated, and not written yet");
        }
        let next = folder.path().join("next");
        std::fs::write(&next, "ten").unwrap();
        std::fs::rename(&next, &path).unwrap();
        assert_eq!(secrets.values(&at), ["ten"], "another file in its stead");
        std::fs::remove_file(&path).unwrap();
        assert_eq!(secrets.values(&at), ["ten"]);
        tokio::time::advance(STANDS_IN).await;
        assert!(secrets.values(&at).is_empty(), "taken away for good");
        std::fs::write(&path, "new").unwrap();
        assert_eq!(secrets.values(&at), ["new"]);
    }

    #[test]
    fn a_secret_does_not_print() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("webhook");
        std::fs::write(&path, "PLANTED").unwrap();
        let secrets = Secrets::new(HashMap::from([("TOKEN".to_owned(), "PLANTED".to_owned())]));
        for at in [SecretRef::Env("TOKEN".to_owned()), SecretRef::File(path)] {
            let read = secrets.read(&at).unwrap();
            let printed = format!("{read:?} {secrets:?} {at:?}");
            assert!(!printed.contains("PLANTED"), "{printed}");
        }
    }
}

//! Table `[files.<name>]`: folders in which others put files for the hub.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use orderhub_order::ids::SystemName;
use serde::{Deserialize, Serialize};

/// A folder that is looked at.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileDrop {
    /// The folder; files are worked on in `work/` below it.
    pub path: PathBuf,
    /// The account whose files they are.
    pub system: SystemName,
    /// The kind of document that they hold, as an intake's `message:` names it.
    pub document: String,
    /// Where files go that were stored; relative to the folder.
    #[serde(default = "done")]
    pub done: PathBuf,
    /// Where files go of which something was parked, with the reason beside; relative to the folder.
    #[serde(default = "failed")]
    pub failed: PathBuf,
    /// From one look to the next; a file that stood still in between is taken.
    #[serde(default)]
    pub every: Every,
}

fn done() -> PathBuf {
    PathBuf::from("done")
}

fn failed() -> PathBuf {
    PathBuf::from("failed")
}

impl FileDrop {
    /// Where files lie while they are taken in.
    pub fn work(&self) -> PathBuf {
        self.path.join("work")
    }

    /// Takes relative paths as relative to the folder of the settings file, and to its own folder.
    pub(super) fn relative_to(&mut self, folder: &Path) {
        self.path = folder.join(&self.path);
        self.done = self.path.join(&self.done);
        self.failed = self.path.join(&self.failed);
    }

    /// What is wrong with it, after its key.
    pub(super) fn wrong(&self) -> Option<&'static str> {
        let same = self.done == self.failed
            || [&self.done, &self.failed]
                .into_iter()
                .any(|to| *to == self.path || *to == self.work());
        if self.path.as_os_str().is_empty() {
            Some("`path` is empty; name the folder that files are put into")
        } else if same {
            Some(
                "files cannot go where others come from; give `done` and `failed` folders of their own",
            )
        } else {
            None
        }
    }
}

/// A time between a second and a day, written `5s`, `1m`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Every(pub Duration);

impl Default for Every {
    fn default() -> Self {
        Self(Duration::from_secs(5))
    }
}

impl TryFrom<String> for Every {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let fits = |time: &Duration| {
            (Duration::from_secs(1)..=Duration::from_secs(24 * 3_600)).contains(time)
        };
        let time = orderhub_lang::units::duration(&text).filter(fits);
        time.map(Self).ok_or("is no time between a second and a day; write `5s` or `1m`")
    }
}

impl From<Every> for String {
    fn from(every: Every) -> Self {
        every.to_string()
    }
}

impl fmt::Display for Every {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.subsec_millis() {
            0 => write!(f, "{}s", self.0.as_secs()),
            _ => write!(f, "{}ms", self.0.as_millis()),
        }
    }
}

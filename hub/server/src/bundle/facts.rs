//! What mapping in reads besides the message: recorded with it, so that it can be mapped again as it was.
//!
//! **Invariant:** a message that is mapped again by the bundle and with the facts of its row gives what was
//! recorded, whatever the settings are by then, those that were not there too. Tests:
//! `the_old_bundle_gives_what_was_recorded_to_the_byte`, `a_setting_that_was_not_there_is_not_there_again`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use orderhub_lang::diagnostic::Diagnostic;
use orderhub_mapping::Mapping;
use orderhub_mapping::codes::INTEGRATION;
use orderhub_mapping::facts::{Facts, Looked, LookupKey, LookupOf};
use orderhub_mapping::integration::Integration;
use serde::{Deserialize, Serialize};

use super::{Bundle, Received};
use crate::intake::Envelope;

/// The form of facts in rows.
const VERSION: u8 = 1;

/// What a row keeps: by value, because the settings of the next start may be others. Settings are no secrets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// The form's version.
    v: u8,
    /// The settings that the mappings of its intake read; null: one that was not there.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    settings: BTreeMap<String, Option<String>>,
    /// What references were bound to: kind ► what was taken of it ► id ► that; null: none was known.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    lookups: Lookups,
    /// What cached reads answered: read ► path in its answer ► argument ► the value there; null: none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    reads: Lookups,
    /// What cached reads were refused: read ► argument ► why.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    refused: BTreeMap<Box<str>, BTreeMap<Box<str>, Box<str>>>,
}

type Lookups = BTreeMap<Box<str>, BTreeMap<Box<str>, BTreeMap<Box<str>, Option<Box<str>>>>>;

impl Facts for Kept {
    fn look(&self, key: &LookupKey) -> Looked {
        let of = match key.of {
            LookupOf::Xref => &self.lookups,
            LookupOf::Read => &self.reads,
        };
        let known = of.get(&key.name).and_then(|taken| taken.get(&key.take)?.get(&key.id));
        let refused =
            || self.refused.get(&key.name)?.get(&key.id).filter(|_| key.of == LookupOf::Read);
        match known {
            None => refused().map_or(Looked::Open, |why| Looked::Refused(why.clone())),
            Some(None) => Looked::Unknown,
            Some(Some(found)) => Looked::Found(found.clone()),
        }
    }
}

impl Default for Kept {
    fn default() -> Self {
        Self {
            v: VERSION,
            settings: BTreeMap::new(),
            lookups: Lookups::new(),
            reads: Lookups::new(),
            refused: BTreeMap::new(),
        }
    }
}

impl Kept {
    /// The settings that these mappings read.
    pub fn of(mappings: &[Arc<Mapping>], settings: &BTreeMap<String, String>) -> Self {
        let names = mappings.iter().flat_map(|mapping| mapping.settings());
        let read = names.map(|name| (name.to_owned(), settings.get(name).cloned()));
        Self { settings: read.collect(), ..Self::default() }
    }

    /// With the settings of another, which are those of the same system.
    pub(super) fn and(mut self, other: Self) -> Self {
        self.settings.extend(other.settings);
        self
    }

    /// The settings of today as they were for the message; those that are not kept stay.
    pub fn settings(&self, today: &BTreeMap<String, String>) -> BTreeMap<String, String> {
        let mut settings = today.clone();
        for (name, kept) in &self.settings {
            match kept {
                Some(kept) => settings.insert(name.clone(), kept.clone()),
                None => settings.remove(name),
            };
        }
        settings
    }

    /// Notes what something that was looked up is.
    pub fn learn(&mut self, key: &LookupKey, found: Option<Box<str>>) {
        let of = match key.of {
            LookupOf::Xref => &mut self.lookups,
            LookupOf::Read => &mut self.reads,
        };
        let named = of.entry(key.name.clone()).or_default();
        named.entry(key.take.clone()).or_default().insert(key.id.clone(), found);
    }

    /// Notes why a cached read is refused.
    pub(crate) fn refuse(&mut self, key: &LookupKey, why: &str) {
        let named = self.refused.entry(key.name.clone()).or_default();
        named.insert(key.id.clone(), why.into());
    }

    /// With what cached reads answered before.
    pub(crate) fn with_reads_of(mut self, before: &Self) -> Self {
        self.reads.clone_from(&before.reads);
        self
    }

    /// Whether more was answered than `before`, whose answers it has.
    pub(crate) fn knows_more_reads_than(&self, before: Option<&Self>) -> bool {
        match before {
            Some(before) => self.reads != before.reads,
            None => !self.reads.is_empty(),
        }
    }

    /// For the row; `None`: there is nothing to keep.
    pub fn to_bytes(&self) -> Option<Vec<u8>> {
        // Maps of texts always serialise.
        (*self != Self::default()).then(|| serde_json::to_vec(self).unwrap_or_default())
    }

    /// From a row. `None`: not a form that this program knows.
    pub fn from_bytes(bytes: Option<&[u8]>) -> Option<Self> {
        let Some(bytes) = bytes else { return Some(Self::default()) };
        serde_json::from_slice(bytes).ok().filter(|kept: &Self| kept.v == VERSION)
    }
}

/// Replies whose mappings look up what is not in the files: nobody finds it out for them.
pub(super) fn waiting_replies(of: &Integration) -> Vec<Diagnostic> {
    let replies = of.deliver.iter().flat_map(|rule| {
        let named = [&rule.reply.single, &rule.reply.create, &rule.reply.update];
        named.into_iter().flatten().map(|document| (rule.span, document.as_str()))
    });
    let asks = |document: &str| of.mappings.get(document).is_some_and(|mapping| mapping.looks_up());
    let found = replies.filter(|(_, document)| asks(document)).map(|(span, document)| {
        let message = format!("the reply `{document}` looks up references: only what comes in can");
        Diagnostic::error(INTEGRATION, &of.source, span, message)
    });
    found.collect()
}

impl Bundle {
    /// Whether the mappings of a message look anything up that is not in the files.
    pub fn looks_up(&self, envelope: &Envelope) -> bool {
        self.intakes_of(envelope).any(|intake| intake.looks_up)
    }

    /// What the documents of a message look up and nobody asked for yet, each once; `only`: what this one of them does.
    pub fn wants(&self, envelope: &Envelope, kept: &Kept, only: Option<u32>) -> Vec<LookupKey> {
        let mapped = match self.receive_again(envelope, kept) {
            Received::Documents(mapped) | Received::Notices(mapped, _) => mapped,
            Received::Hints(_) | Received::Unreadable(..) => return Vec::new(),
        };
        let own = (0..).zip(&mapped).filter(|(at, _)| only.is_none_or(|only| only == *at));
        let lacks = own.flat_map(|(_, one)| one.lacks());
        let open: BTreeSet<&LookupKey> =
            lacks.filter(|key| kept.look(key) == Looked::Open).collect();
        open.into_iter().cloned().collect()
    }
}

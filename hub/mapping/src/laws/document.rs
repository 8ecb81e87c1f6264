//! A hub document with some fields, sent through one file and read back by it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use orderhub_lang::condition::Test;
use orderhub_lang::value::Value as Lang;
use orderhub_order::ids::SystemName;
use serde_json::{Map, Value as Json};

use super::body::{self, Wanted};
use super::ends::{Ends, Key};
use super::find::RAW;
use super::place;
use super::whole::Sent;
use crate::program::{Source, TestRead};
use crate::{Context, Mapping, ReverseError, cases};

/// The key of a document that says none.
const KEY: &str = "k-1";

/// Why a document does not come back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Untaken {
    /// `where:` leaves it to others.
    Left,
    /// It cannot be written, or be read.
    Refused(String),
}

impl fmt::Display for Untaken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Untaken::Left => f.write_str("`where:` of the file leaves it to others"),
            Untaken::Refused(why) => f.write_str(why),
        }
    }
}

/// Sends hub documents through one file.
pub(super) struct Document<'d> {
    mapping: &'d Arc<Mapping>,
    settings: BTreeMap<String, String>,
    wanted: Wanted<'d>,
    /// The key that documents come in with, where nothing is written.
    key: Lang,
    revision: Lang,
}

impl<'d> Document<'d> {
    /// With a key and a revision that a document with nothing else is taken with; `Err`: why none is.
    pub(super) fn of(
        mapping: &'d Arc<Mapping>,
        settings: BTreeMap<String, String>,
    ) -> Result<Self, Untaken> {
        let wanted = Wanted::of(mapping);
        let (key, revision) = (Lang::text(KEY), Lang::text(RAW[0]));
        let mut document = Self { mapping, settings, wanted, key, revision };
        let Err(first) = document.back(&[]) else { return Ok(document) };
        let texts = || RAW.iter().map(|raw| Lang::text(*raw));
        // Times in a form of the system's own are written as the rule itself would write them.
        let own = RAW[7].parse().ok().and_then(|at| mapping.revision_at(at));
        let values = || {
            own.clone().into_iter().chain(texts()).chain([Lang::Int(1), Lang::Int(1_700_000_000)])
        };
        for key in std::iter::once(Lang::text(KEY)).chain(values()) {
            document.key = key;
            for revision in values() {
                document.revision = revision;
                if document.back(&[]).is_ok() {
                    return Ok(document);
                }
            }
        }
        Err(first)
    }

    /// What comes back of some fields, as the hub's JSON.
    pub(super) fn back(&self, fields: &[&Sent<'_>]) -> Result<Json, Untaken> {
        let mut hub = Map::new();
        hub.insert("$key".to_owned(), "1".into());
        for field in fields {
            place::put(&mut hub, self.mapping, field.key, &field.value);
        }
        let args = self.wanted.arguments(&self.key, &self.revision);
        let (system, settings) = (SystemName::new("case"), &self.settings);
        let context = Context { system: &system, settings, args: &args, hub: None };
        let sent = match cases::project(self.mapping, &Json::Object(hub), &context) {
            Ok(Ok(projection)) => projection.bytes,
            // Without a field there is no element around all others: what a document must have makes one.
            Ok(Err(ReverseError::Failed(_)))
                if fields.is_empty() && self.mapping.format.is_xml() =>
            {
                Vec::new()
            }
            Ok(Err(ReverseError::Failed(error))) => return Err(Untaken::Refused(error.error.why)),
            Ok(Err(ReverseError::NotLinked(kind))) => {
                return Err(Untaken::Refused(format!("it needs a reference `{kind}`")));
            }
            Err(why) => return Err(Untaken::Refused(why)),
        };
        let around = (&self.wanted, settings);
        let body = body::body(self.mapping, &sent, around, (&self.key, &self.revision));
        let given = cases::given(self.mapping, &body.map_err(Untaken::Refused)?, &context);
        if given.get("$skipped").is_some() {
            return Err(Untaken::Left);
        }
        if let Some(cause) = given.get("$error") {
            let why = given.get("why").unwrap_or(cause).as_str().unwrap_or_default();
            return Err(Untaken::Refused(why.to_owned()));
        }
        let several = || Untaken::Refused("it comes in as several documents".to_owned());
        if given.is_object() { Ok(given) } else { Err(several()) }
    }
}

/// Settings under which the file, and the rules that look at settings, hold.
pub(super) fn settings(
    mapping: &Mapping,
    ends: &BTreeMap<Key, Ends<'_>>,
) -> BTreeMap<String, String> {
    let mut settings: BTreeMap<String, String> =
        mapping.settings().map(|name| (name.to_owned(), "x".to_owned())).collect();
    let tests = ends.values().flat_map(|ends| {
        let ins = ends.ins.iter().flat_map(|read| &read.rule.where_);
        ins.chain(ends.outs.iter().flat_map(|out| &out.rule.where_))
    });
    let tests = mapping.compiled.input.where_.iter().chain(tests);
    for TestRead { source, test, .. } in tests {
        if let (Source::Setting(name), Test::AnyOf(texts)) = (source, test)
            && let (Some(known), Some(text)) = (settings.get_mut(name), texts.first())
            && known == "x"
        {
            known.clone_from(text);
        }
    }
    settings
}

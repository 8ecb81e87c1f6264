//! What a poll asks with at a time, by the files that name its operation.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use orderhub_lang::value::Value;
use orderhub_mapping::Mapping;
use orderhub_mapping::integration::{ConnectorUse, IntakeFrom, Poll};

use super::Folder;
use crate::bundle::{Bundle, written};
use crate::cli::author::usage;
use crate::cli::output::{Fault, say};

/// The arguments of a read: those of the command; of one that is polled, `since` and `until` as a poll sends them. A time of
/// the command is written as the mapping's `revision` is; what is no time is sent as it is.
///
/// # Errors
///
/// The folder cannot be read.
pub(super) fn arguments(
    folder: &Folder,
    (connector, operation): (&str, &str),
    given: BTreeMap<String, String>,
    now: Timestamp,
) -> Result<BTreeMap<String, Value>, Fault> {
    let polled = polled(folder, connector, operation)?;
    let text = |(name, value): (&String, &String)| (name.clone(), Value::text(value.as_str()));
    let mut args: BTreeMap<String, Value> = given.iter().map(text).collect();
    let Some((poll, mappings)) = polled else { return Ok(args) };
    let (since, until) = times(&poll, now);
    let mut made_up = Vec::new();
    for (name, at) in [("since", since), ("until", until)] {
        let own = given.get(name);
        let at = match own.map(|text| text.parse()) {
            Some(Ok(own)) => own,
            Some(Err(_)) => continue,
            None => {
                made_up.push(format!("`{name}` is {at}"));
                at
            }
        };
        args.insert(name.to_owned(), written(&mappings, at));
    }
    if !made_up.is_empty() {
        let made_up = made_up.join(", ");
        say(&format!(
            "as a poll asks at {now}: {made_up}; `--arg since=TIME` asks from another time"
        ));
    }
    Ok(args)
}

/// A poll, and the mappings that read what it lists.
type Polled = (Poll, Vec<Arc<Mapping>>);

/// The poll of an operation, where there is one.
fn polled(folder: &Folder, connector: &str, operation: &str) -> Result<Option<Polled>, Fault> {
    let root = &folder.mappings;
    let files = Bundle::read(root).map_err(|error| usage(error, root))?;
    let loaded = Bundle::folder(&files, &BTreeSet::new()).integrations.into_iter();
    let speaks = |name: &str, used: &ConnectorUse| match used {
        ConnectorUse::Declared => name == connector,
        ConnectorUse::Named(named) => named == connector,
    };
    let integrations = loaded.filter_map(|(name, loaded)| Some((name, loaded.integration?)));
    for (_, integration) in integrations.filter(|(name, own)| speaks(name, &own.connector)) {
        for intake in &integration.intake {
            let IntakeFrom::Poll(poll) = &intake.from else { continue };
            if poll.operation == operation {
                let own = intake.documents.iter();
                let mappings =
                    own.filter_map(|name| integration.mappings.get(name).map(Arc::clone));
                return Ok(Some((poll.clone(), mappings.collect())));
            }
        }
    }
    Ok(None)
}

/// From when until when a poll asks that follows another.
fn times(poll: &Poll, now: Timestamp) -> (Timestamp, Timestamp) {
    let back = |from: Timestamp, by: Duration| {
        let by = SignedDuration::try_from(by).unwrap_or(SignedDuration::MAX);
        from.checked_sub(by).unwrap_or(Timestamp::MIN)
    };
    let until = back(now, poll.lag);
    (back(until, poll.every.saturating_add(poll.overlap)), until)
}

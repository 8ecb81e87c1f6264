//! What settings say of queues and folders, beside what the files say of those who speak through them.

use std::collections::BTreeMap;

use orderhub_lang::diagnostic;
use orderhub_mapping::integration::Ordering;
use orderhub_order::ids::SystemName;

use super::System;
use crate::config::{Config, Consume, Consumers, FileDrop, Selector};

/// Each problem in a sentence.
pub(super) fn problems(config: &Config, systems: &BTreeMap<SystemName, System>) -> Vec<String> {
    let consumed = || config.bus.iter().flat_map(|bus| &bus.consume);
    let unknown = consumed().filter_map(|(name, consume)| unknown(name, consume, systems));
    let unordered = consumed().filter_map(|(name, consume)| unordered(name, consume, systems));
    unknown.chain(unordered).chain(dropped(config, systems)).collect()
}

/// A fixed system or document that nobody has.
fn unknown(
    name: &str,
    consume: &Consume,
    systems: &BTreeMap<SystemName, System>,
) -> Option<String> {
    let (Selector::Fixed(system), Selector::Fixed(document)) = (&consume.system, &consume.document)
    else {
        return None;
    };
    let Some(known) = systems.get(system.as_str()) else {
        return Some(format!("`bus.consume.{name}.system` is `{system}`, which is no system"));
    };
    let taken: Vec<&str> = known.documents().collect();
    if taken.contains(&document.as_str()) {
        return None;
    }
    let near = diagnostic::nearest(document, taken.iter().copied());
    let hint = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
    Some(format!(
        "`bus.consume.{name}.document` is `{document}`, but no intake of `{system}` takes it{hint}"
    ))
}

/// A queue that several replicas read at a time, and documents of it whose order is that of the queue.
///
/// **Invariant:** where arrival order decides, one process at a time reads. Test:
/// `a_queue_whose_order_counts_has_one_reader`.
fn unordered(
    name: &str,
    consume: &Consume,
    systems: &BTreeMap<SystemName, System>,
) -> Option<String> {
    if consume.consumers == Consumers::One {
        return None;
    }
    let may_be = |selector: &Selector, word: &str| match selector {
        Selector::Fixed(fixed) => fixed == word,
        Selector::Header(_)
        | Selector::RoutingKey(_)
        | Selector::Body(_)
        | Selector::Property(_) => true,
    };
    let speakers = systems.values().filter(|system| may_be(&consume.system, system.name.as_str()));
    let mut intakes = speakers.flat_map(|system| system.intakes.iter().map(move |it| (system, it)));
    let (system, document) = intakes.find_map(|(system, intake)| {
        let ordered = intake.ordering == Ordering::Queue;
        let word = intake.words.iter().find(|word| may_be(&consume.document, word));
        word.filter(|_| ordered).map(|word| (system, word))
    })?;
    Some(format!(
        "`bus.consume.{name}.consumers` is `many`, but the order of the queue decides about `{document}` of \
         `{}` (`ordering: queue` in mappings/{}/integration.yaml); leave it at `one`, or give the documents a \
         revision",
        system.name, system.integration
    ))
}

/// Folders whose settings name a document that nothing takes.
fn dropped(config: &Config, systems: &BTreeMap<SystemName, System>) -> Vec<String> {
    let problem = |(name, drop): (&String, &FileDrop)| {
        let known = systems.get(&drop.system)?;
        let taken: Vec<&str> = known.documents().collect();
        if taken.contains(&drop.document.as_str()) {
            return None;
        }
        let near = diagnostic::nearest(&drop.document, taken.iter().copied());
        let hint = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        Some(format!(
            "`files.{name}.document` is `{}`, but no intake of `{}` takes it{hint}",
            drop.document, drop.system
        ))
    };
    config.files.iter().filter_map(problem).collect()
}

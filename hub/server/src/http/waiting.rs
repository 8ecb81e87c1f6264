//! Messages that wait for a reference, or for an answer of their system, found by what they are about: an acknowledged message is never out of sight.
//!
//! **Invariant:** who asks for an order that is not there is told of a message about it that waits. Test:
//! `a_message_that_waits_is_told_where_its_order_is_asked_for`.
//!
//! **Bounds:** one question to an index of the store, however much waits; of what is found, the [`MOST`] that have waited
//! longest are told.

use orderhub_order::ids::SystemName;

use super::{Api, Problem};
use crate::store::{Scope, WaitingDocument};

/// Documents that are told.
const MOST: usize = 100;

/// A message that waits.
#[derive(Debug)]
pub(super) struct Waiting {
    /// Whose it is.
    pub(super) system: SystemName,
    /// For people.
    pub(super) says: String,
}

/// What waits about the order that one of these words names: its `ref`, its number, its key at a system.
pub(super) async fn about(
    api: &Api,
    scope: &Scope,
    words: &[&str],
) -> Result<Vec<Waiting>, Problem> {
    let bundle = api.intake.bundle();
    let systems = bundle.systems().map(|system| &system.name);
    let systems = systems.filter(|name| scope.hears(Some(name)));
    let systems: Vec<SystemName> = systems.cloned().collect();
    let waiting = api.store.waiting_about(&systems, words, MOST).await?;
    Ok(waiting.iter().map(said).collect())
}

fn said(one: &WaitingDocument) -> Waiting {
    let system = one.system.clone();
    let keys: Vec<String> = one
        .keys
        .iter()
        .map(|(kind, id)| match kind.as_str() {
            "ref" => format!("our `{id}`"),
            kind => format!("the {kind} `{id}`"),
        })
        .collect();
    let (what, then) = match &one.read {
        Some(read) => (format!("an answer of `{system}` (read `{read}`)"), "it answers"),
        None if keys.is_empty() => ("its order".to_owned(), "that is known"),
        None => (keys.join(" or "), "that is known"),
    };
    let says = format!(
        "a message of `{system}` about it waits since {} for {what}, and is taken in once {then}",
        one.since
    );
    Waiting { system, says }
}

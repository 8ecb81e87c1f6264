//! Messages that wait for a reference, or for an answer of their system, found by what they are about: an acknowledged message is never out of sight.
//!
//! **Invariant:** who asks for an order that is not there is told of a message about it that waits. Test:
//! `a_message_that_waits_is_told_where_its_order_is_asked_for`.
//!
//! **Bounds:** the [`MOST`] that have waited longest are mapped again, by the files in use, only to learn their keys.

use orderhub_mapping::Mapped;
use orderhub_order::contribution::ParentReference;
use orderhub_order::ids::SystemName;

use super::{Api, Problem};
use crate::bundle::{Bundle, Received};
use crate::intake::Envelope;
use crate::store::{Scope, WaitingMessage};

/// Messages that are looked at.
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
    let waiting = api.store.waiting(MOST).await?;
    let bundle = api.intake.bundle();
    let own = |one: &WaitingMessage| {
        let envelope = &one.message.envelope;
        scope.hears(Some(&envelope.system)) && is_about(&bundle, envelope, words)
    };
    Ok(waiting.iter().filter(|one| own(one)).map(said).collect())
}

fn is_about(bundle: &Bundle, envelope: &Envelope, words: &[&str]) -> bool {
    let named = |word: &str| words.contains(&word);
    let kept = bundle.kept(envelope);
    let Received::Documents(documents) = bundle.receive_again(envelope, &kept) else {
        return false;
    };
    documents.iter().any(|document| match document {
        Mapped::Document(said) => {
            let parent = |parent: &ParentReference| match parent {
                ParentReference::Xref { ext_id, .. } => named(ext_id),
                ParentReference::Ref(reference) => named(reference),
            };
            named(&said.key) || said.parents.iter().any(parent)
        }
        Mapped::Failed(error) => error.key.as_deref().is_some_and(named),
        Mapped::Skipped => false,
    })
}

fn said(one: &WaitingMessage) -> Waiting {
    let system = one.message.envelope.system.clone();
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

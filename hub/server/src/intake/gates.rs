//! What a body must pass before it is mapped in. What does not pass is stored whole, as a todo.

use std::fmt::Write as _;
use std::sync::Arc;

use bytes::Bytes;
use orderhub_mapping::facts::{Lacks, said};
use orderhub_mapping::{MapError, Mapped};
use orderhub_order::causes::UNKNOWN_SYSTEM;
use orderhub_order::ids::Collection;

use super::Envelope;
use super::lookups::{Looks, Sources, find_out};
use crate::apply::{Beside, MessageUnit, Recorded, Redrive};
use crate::bundle::{Bundle, Received, unknown_document};
use crate::causes;
use crate::store::{Store, StoreError};

/// The source of webhooks.
pub const WEBHOOK: &str = "webhook";
/// What a webhook is kept as that could not be read: as a document it is none.
pub const UNREAD: &str = "webhook";
/// Largest body that is stored at all; a larger one is refused at its source.
pub const MOST_BYTES: usize = 16 << 20;
/// The cause of a message, or a document, that only a person lets in: explained with those of mappings.
const TOO_LARGE: &str = "too_large";

/// The bounds above which a body waits for a person.
#[derive(Clone, Copy, Debug)]
pub struct Gates {
    /// Larger bodies are parked.
    pub park_above_bytes: usize,
    /// Documents with more lines are parked.
    pub park_above_lines: usize,
}

impl From<&crate::config::Intake> for Gates {
    fn from(settings: &crate::config::Intake) -> Self {
        Self {
            park_above_bytes: settings.park_above_bytes,
            park_above_lines: settings.park_above_lines,
        }
    }
}

/// Makes the unit of a message: gates, then map in. `redrive` is another drive of a stored message; then
/// the bounds of size do not count, because a person or the worker asked for it.
///
/// A suspect is not even looked at: it is stored, and driven alone later.
pub fn unit(
    bundle: &Bundle,
    gates: Gates,
    envelope: Envelope,
    redrive: Option<Redrive>,
) -> MessageUnit {
    unit_with(bundle, gates, envelope, redrive, None)
}

/// The same with what its mappings look up.
pub(crate) fn unit_with(
    bundle: &Bundle,
    gates: Gates,
    envelope: Envelope,
    redrive: Option<Redrive>,
    looks: Option<Looks>,
) -> MessageUnit {
    let beside = Beside::default();
    let mut unit = MessageUnit {
        envelope,
        bundle: Arc::clone(&bundle.hash),
        recorded: Recorded { gates: Some(gates), ..Recorded::default() },
        mapped: Vec::new(),
        refused: None,
        skipped: false,
        redrive,
        beside,
    };
    if unit.envelope.suspect && unit.redrive.is_none() {
        return unit;
    }
    if bundle.system(&unit.envelope.system).is_none() {
        unit.refused = Some(unknown_system(&unit.envelope));
        return unit;
    }
    let intake = bundle.intake_of(&unit.envelope);
    let unread = bundle.is_unread(&unit.envelope);
    if intake.is_none() && !unread {
        // A system that sends webhooks sends more kinds than anybody wants. Whoever puts a message into
        // a queue of the hub means it: it waits for its intake.
        if &*unit.envelope.source == WEBHOOK {
            unit.skipped = true;
        } else {
            unit.refused =
                Some((causes::UNKNOWN_DOCUMENT.word, unknown_document(bundle, &unit.envelope)));
        }
        return unit;
    }
    // Others say themselves in which letters they are written.
    let utf8 = !unread
        && intake.is_none_or(|intake| intake.mappings.iter().all(|mapping| mapping.is_utf8()));
    unit.refused = refuse(&unit.envelope.body, gates, unit.redrive.is_some(), utf8);
    if unit.refused.is_none() {
        map(&mut unit, bundle, looks);
        if unit.redrive.is_none() {
            park_long(&mut unit.mapped, gates.park_above_lines);
        }
    }
    unit
}

/// Maps in what passed the gates, and records how.
fn map(unit: &mut MessageUnit, bundle: &Bundle, looks: Option<Looks>) {
    let facts = match &looks {
        None => bundle.facts_of(&unit.envelope),
        Some(looks) => looks.kept.to_bytes().map(Arc::from),
    };
    let received = match looks {
        None => bundle.receive(&unit.envelope),
        Some(Looks { kept, lacks, deep, answered: _ }) => {
            (unit.recorded.lacks, unit.recorded.deep) = (lacks, deep);
            bundle.receive_again(&unit.envelope, &kept)
        }
    };
    let mapped = match received {
        Received::Documents(mapped) => mapped,
        Received::Notices(mapped, wants) => {
            // One document of it is driven: its hints were counted with the first.
            if unit.redrive.is_none_or(|redrive| redrive.document.is_none()) {
                unit.beside.wants = wants;
            }
            mapped
        }
        Received::Hints(wants) => {
            unit.beside.wants = wants;
            return;
        }
        Received::Unreadable(cause, why) => {
            unit.refused = Some((cause, why));
            return;
        }
    };
    unit.recorded.said = Some(said(&mapped));
    unit.recorded.facts = facts;
    unit.mapped = mapped;
    itself(unit);
}

/// A document that looks itself up, and is not there yet, would wait for itself: it is taken without that, and driven
/// once more when it is there.
fn itself(unit: &mut MessageUnit) {
    let recorded = &mut unit.recorded;
    for (position, one) in (0..).zip(&mut unit.mapped) {
        let Mapped::Failed(error) = one else { continue };
        let unbound = |key| recorded.lacks.contains_key(key);
        if !error.lacks.keys.iter().all(unbound) {
            continue;
        }
        if let Some(rest) = error.lacks.rest.take() {
            recorded.again.insert(position);
            *one = Mapped::Document(rest);
        }
    }
}

/// Maps a message anew where another bundle is in use by now than when it came: what is mapped and folded by
/// different files might be given to systems as neither of them means it. What it looks up is found out for the files
/// that map it.
///
/// # Errors
///
/// [`StoreError`]: what it looks up cannot be read; it is not to be folded.
pub async fn renew(
    store: &dyn Store,
    message: &mut MessageUnit,
    bundle: &Bundle,
) -> Result<(), StoreError> {
    let Some(gates) = message.recorded.gates else { return Ok(()) };
    if message.bundle == bundle.hash {
        return Ok(());
    }
    let (envelope, redrive) = (&message.envelope, message.redrive);
    let fits = envelope.body.len() <= gates.park_above_bytes && !envelope.suspect;
    let looks = if fits || redrive.is_some() {
        let only = redrive.and_then(|redrive| redrive.document);
        // No system is asked while a batch waits: what looks up a cached read is asked for afterwards.
        find_out(Sources { store, asking: None }, bundle, envelope, only, None).await?
    } else {
        None
    };
    let mut fresh = unit_with(bundle, gates, envelope.clone(), redrive, looks);
    let wants = std::mem::take(&mut fresh.beside.wants);
    let beside = std::mem::take(&mut message.beside);
    *message = MessageUnit { beside: Beside { wants, ..beside }, ..fresh };
    Ok(())
}

fn unknown_system(envelope: &Envelope) -> (&'static str, String) {
    let why = format!(
        "there is no `[systems.{}]` in the settings; add it and replay, or discard",
        envelope.system
    );
    (UNKNOWN_SYSTEM.word, why)
}

fn refuse(body: &Bytes, gates: Gates, again: bool, utf8: bool) -> Option<(&'static str, String)> {
    if !again && body.len() > gates.park_above_bytes {
        let why = format!(
            "the body has {} bytes, more than `intake.park_above_bytes` = {}; replay it to take it in all the same",
            body.len(),
            gates.park_above_bytes
        );
        return Some((TOO_LARGE, why));
    }
    match std::str::from_utf8(body) {
        Ok(_) => None,
        Err(_) if !utf8 => None,
        Err(error) => {
            let mut why = format!("byte {} is not UTF-8", error.valid_up_to());
            if let Some(byte) = body.get(error.valid_up_to()) {
                // Writing to a string cannot fail.
                let _infallible = write!(why, " (0x{byte:02x})");
            }
            Some((causes::NOT_UTF8.word, why))
        }
    }
}

fn park_long(mapped: &mut [Mapped], most: usize) {
    for one in mapped {
        let Mapped::Document(contribution) = one else { continue };
        let lines = contribution.body.collections.iter();
        let lines = lines.filter(|collection| collection.collection == Collection::Lines);
        let count: usize = lines.map(|collection| collection.elements.len()).sum();
        if count > most {
            *one = Mapped::Failed(MapError {
                cause: TOO_LARGE,
                rule: None,
                place: None,
                path: "lines".to_owned(),
                why: format!(
                    "the document has {count} lines, more than `intake.park_above_lines` = {most}; replay it to take it in all the same"
                ),
                key: Some(contribution.key.to_string()),
                digest: None,
                lacks: Lacks::default(),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GATES: Gates = Gates { park_above_bytes: 8, park_above_lines: 2 };

    #[test]
    fn a_body_that_is_not_utf8_is_refused_at_its_byte() {
        let body = Bytes::from_static(b"{\"a\":\xff}");
        let (cause, why) = refuse(&body, GATES, false, true).unwrap();
        assert_eq!((cause, why.as_str()), ("not_utf8", "byte 5 is not UTF-8 (0xff)"));
    }

    #[test]
    fn a_large_body_is_parked_unless_somebody_asks_for_it_again() {
        let body = Bytes::from_static(b"123456789");
        assert_eq!(refuse(&body, GATES, false, true).unwrap().0, "too_large");
        assert_eq!(refuse(&body, GATES, true, true), None);
        assert_eq!(refuse(&Bytes::from_static(b"12345678"), GATES, false, true), None);
    }
}

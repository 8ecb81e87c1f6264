//! What the mappings of a message look up, round by round, whoever finds it out: a hub that takes it in, or what-if, which
//! only reads what a hub stored.
//!
//! **Invariant:** as much is found out for a message that is tried by other files as for one that is taken in. Test:
//! `what_a_hub_looks_up_for_a_message_is_looked_up_for_what_if_too`.
//! Bounds: [`ROUNDS`] rounds for a message, where one look-up needs what another gives; [`MOST`] look-ups in all of them.

use futures_util::future::BoxFuture;
use orderhub_mapping::facts::{LookupKey, LookupOf};

use super::Envelope;
use super::lookups::Looks;
use super::references::{Known, answer};
use crate::bundle::Bundle;
use crate::store::StoreError;

/// Questions for one message.
pub(crate) const ROUNDS: usize = 3;
/// Look-ups of one message.
pub(crate) const MOST: usize = 1_000;

/// Who finds out what is looked up.
pub(crate) trait Finder: Send {
    /// Who knows what references are bound to.
    fn known(&mut self) -> &mut dyn Known;

    /// Asks for cached reads, each want noted in `looks` as known, refused or lacking.
    fn read<'a>(&'a mut self, wants: &'a [LookupKey], looks: &'a mut Looks) -> BoxFuture<'a, ()>;

    /// Whether it is not found out at all.
    fn leaves(&self, want: &LookupKey) -> bool;

    /// Whether it looks no further, by what was found.
    fn is_done(&self, looks: &Looks) -> bool;
}

/// What was left open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Left {
    /// Nothing, but for what is lacking.
    Nothing,
    /// Whatever was behind the point where nothing more was looked for.
    Rest,
    /// What is beyond [`MOST`].
    Many,
    /// What needs what others give, behind [`ROUNDS`].
    Deep,
}

/// Finds out what the documents of a message look up, or `only` this one of them; adds it to `looks`.
pub(crate) async fn rounds(
    finder: &mut dyn Finder,
    bundle: &Bundle,
    (envelope, only): (&Envelope, Option<u32>),
    looks: &mut Looks,
) -> Result<Left, StoreError> {
    let mut room = MOST;
    for round in 0..=ROUNDS {
        let mut wants = bundle.wants(envelope, &looks.kept, only);
        wants.retain(|want| !looks.lacks.contains_key(want) && !finder.leaves(want));
        if wants.is_empty() {
            break;
        }
        if room == 0 {
            return Ok(Left::Many);
        }
        if round == ROUNDS {
            return Ok(Left::Deep);
        }
        wants.truncate(room);
        room -= wants.len();
        let (reads, references): (Vec<_>, Vec<_>) =
            wants.into_iter().partition(|want| want.of == LookupOf::Read);
        answer(finder.known(), &envelope.system, &references, looks).await?;
        finder.read(&reads, looks).await;
        if finder.is_done(looks) {
            return Ok(Left::Rest);
        }
    }
    Ok(Left::Nothing)
}

//! What new files look up and was not recorded with a message: as it stands now.
//!
//! Bounds: those of a hub, [`ROUNDS`] questions to the store for a message and [`MOST`] look-ups in all of them.

use orderhub_mapping::facts::{LookupKey, LookupOf};

use crate::bundle::{Bundle, Kept};
use crate::intake::{Envelope, Looks, MOST, ROUNDS, answer};
use crate::store::StoreError;
use crate::store::traffic::Traffic;

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Now {
    /// Nothing had to be looked up.
    Recorded,
    /// All is known.
    Known,
    /// A reference that the message would wait for is not known.
    Waits,
    /// A system would have to be asked.
    Asks,
    /// There is more to be looked up than may be.
    TooMany,
}

/// Adds to `kept` what a bundle looks up besides for a message, but for what is `open` by the files of then, too.
pub(super) async fn look_up(
    mut traffic: &mut dyn Traffic,
    bundle: &Bundle,
    envelope: &Envelope,
    kept: &mut Kept,
    open: &[LookupKey],
) -> Result<Now, StoreError> {
    let (mut now, mut room) = (Now::Recorded, MOST);
    let mut looks = Looks::with(std::mem::take(kept));
    for _ in 0..ROUNDS {
        let mut wants = bundle.wants(envelope, &looks.kept, None);
        wants.retain(|want| !open.contains(want));
        wants.truncate(room);
        if wants.is_empty() {
            break;
        }
        now = Now::Known;
        room -= wants.len();
        if wants.iter().any(|want| want.of == LookupOf::Read) {
            now = Now::Asks;
            break;
        }
        answer(&mut traffic, &envelope.system, &wants, &mut looks).await?;
        if !looks.lacks.is_empty() {
            now = Now::Waits;
            break;
        }
    }
    *kept = looks.kept;
    if matches!(now, Now::Waits | Now::Asks) {
        return Ok(now);
    }
    let rest = bundle.wants(envelope, kept, None);
    Ok(if rest.iter().all(|want| open.contains(want)) { now } else { Now::TooMany })
}

//! Any version of an order, and what each change was: deltas, keyframes, diffs, blame, chain.
//!
//! The store keeps the head, a delta per version and a keyframe now and then. **Invariant:** applying
//! the deltas that follow a keyframe gives the head, byte for byte. Test: `replaying_deltas_gives_the_head`.

use crate::catalogue::FieldSet;
use crate::fold::Change;
use crate::model::Order;

mod chain;
mod codec;
mod delta;
mod diff;
mod heard;
mod lanes;
#[cfg(test)]
mod tests;
mod touched;

pub use chain::chain;
pub use codec::{CodecError, Stored, decode_delta, decode_order, encode_delta, encode_order};
pub use delta::{ApplyError, Collections, Delta, Edit, apply, between};
pub use diff::{Difference, MASK, blame, changed_fields, describe, shown};
pub use heard::{Heard, Lost, changed, lost};
pub(crate) use lanes::shows;
pub use lanes::{decode_lane, encode_lane};

/// A keyframe is written at least every so many versions.
pub const KEYFRAME_VERSIONS: u32 = 50;
/// A keyframe is written when the deltas since the last are this long together.
pub const KEYFRAME_BYTES: usize = 64 * 1024;

/// Ends a turn: if anything changed since `before`, raises the version, notes in `touched` which
/// fields it changed, and gives the change with its delta; else nothing.
pub fn seal(before: &Order, after: &mut Order) -> Option<Change> {
    seal_with(before, after, &[])
}

/// The same of a turn in which something was heard that does not stand: that alone makes a version, too.
pub(crate) fn seal_with(before: &Order, after: &mut Order, heard: &[Heard]) -> Option<Change> {
    // A rule may have raised or kept these along the way: they are decided here alone.
    after.version = before.version;
    let changed = changed_fields(before, after);
    if changed.is_empty() && heard.is_empty() && between(before, after).is_empty() {
        return None;
    }
    after.version = before.version.saturating_add(1);
    let mut touched = FieldSet::default();
    for (at, field) in &changed {
        touched.insert(*field);
        after.touched.insert(at, *field, after.version);
    }
    let mut delta = between(before, after);
    heard::write(&mut delta, heard, (before, after));
    let stored = encode_delta(delta);
    Some(Change { version: after.version, touched, delta: stored.body, personal: stored.personal })
}

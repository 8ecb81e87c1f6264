//! The audit chain of an order: each link hashes the one before it and the stored delta.

use sha2::{Digest, Sha256};

/// The next link: SHA-256 over the previous link and the delta as it is stored, which holds no
/// personal value. Version 1 follows 32 zero bytes.
///
/// **Invariant:** a stored delta that was altered, dropped or moved breaks every later link. Test:
/// `the_chain_breaks_where_a_delta_was_altered`.
pub fn chain(previous: &[u8; 32], delta: &[u8]) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(previous);
    hash.update(delta);
    hash.finalize().into()
}

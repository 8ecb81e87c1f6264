//! Short names of contents: half of a SHA-256, and lists of parts that cannot be taken for one another.
//!
//! **Invariant:** what is computed here lies in stores and at systems, so the same input gives the same
//! bytes for ever. Tests: `half_is_the_first_half_of_a_sha_256`, `parts_stand_behind_their_lengths`.

use sha2::{Digest, Sha256};

/// The first 16 bytes of the SHA-256.
pub fn half(bytes: &[u8]) -> [u8; 16] {
    halved(Sha256::new_with_prefix(bytes))
}

/// [`half`] of [`parts`], without a copy of them.
pub fn half_of_parts<'a>(list: impl IntoIterator<Item = &'a [u8]>) -> [u8; 16] {
    let mut hash = Sha256::new();
    write(list, |bytes| hash.update(bytes));
    halved(hash)
}

/// The parts one after the other, each behind its length (eight bytes, the highest first): `ab`, `c` is
/// not `a`, `bc`.
pub fn parts<'a>(list: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut whole = Vec::new();
    write(list, |bytes| whole.extend_from_slice(bytes));
    whole
}

fn write<'a>(list: impl IntoIterator<Item = &'a [u8]>, mut to: impl FnMut(&[u8])) {
    for part in list {
        to(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        to(part);
    }
}

fn halved(hash: Sha256) -> [u8; 16] {
    let whole: [u8; 32] = hash.finalize().into();
    let mut half = [0; 16];
    half.iter_mut().zip(whole).for_each(|(to, from)| *to = from);
    half
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The digests were computed with another implementation.
    #[test]
    fn half_is_the_first_half_of_a_sha_256() {
        assert_eq!(hex(&half(b"")), "e3b0c44298fc1c149afbf4c8996fb924");
        assert_eq!(hex(&half(b"abc")), "ba7816bf8f01cfea414140de5dae2223");
    }

    #[test]
    fn parts_stand_behind_their_lengths() {
        let list: [&[u8]; 2] = [b"ab", b"c"];
        assert_eq!(hex(&parts(list)), "00000000000000026162000000000000000163");
        assert_eq!(half_of_parts(list), half(&parts(list)));
        assert_eq!(hex(&half_of_parts(list)), "601d5476e2ccfe2c87a2bba7a3226597");
        let others: [&[u8]; 2] = [b"a", b"bc"];
        assert_eq!(hex(&half_of_parts(others)), "3fafa1cf2f19a7c1129beb20cf0983f7");
        assert!(parts([]).is_empty());
    }
}

//! What rows add up to: the same on both sides only if the same rows are there, in whatever order.

use sha2::{Digest as _, Sha256};

/// A sum over rows. Two tables with the same rows have the same sum; others have the same only by a chance
/// that is none: it is the sum of the SHA-256 of each row, modulo 2^256.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sum {
    /// How many.
    pub rows: u64,
    /// Their bytes on the way.
    pub bytes: u64,
    hash: [u64; 4],
}

impl Sum {
    /// Adds a row, as it is on the way ([`tuple`](super::tuple)).
    pub(crate) fn add(&mut self, row: &[u8]) {
        self.rows += 1;
        self.bytes += u64::try_from(row.len()).unwrap_or(0);
        let digest = Sha256::digest(row);
        let words = digest
            .chunks_exact(8)
            .map(|word| word.iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte)));
        let mut carry = 0_u64;
        // The last word of a digest is its lowest.
        for (sum, word) in self.hash.iter_mut().zip(words.rev()) {
            let (first, over) = sum.overflowing_add(word);
            let (second, again) = first.overflowing_add(carry);
            (*sum, carry) = (second, u64::from(over) + u64::from(again));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(rows: &[&[u8]]) -> Sum {
        let mut sum = Sum::default();
        rows.iter().for_each(|row| sum.add(row));
        sum
    }

    #[test]
    fn order_is_nothing_and_every_byte_and_repetition_counts() {
        assert_eq!(of(&[b"a", b"b", b"c"]), of(&[b"c", b"a", b"b"]));
        let all = [
            of(&[]),
            of(&[b"ab", b"c"]),
            of(&[b"a", b"bc"]),
            of(&[b"a", b"a", b"b"]),
            of(&[b"a", b"b", b"b"]),
            of(&[b"a", b"b", b"d"]),
        ];
        for (place, one) in all.iter().enumerate() {
            assert_eq!(all.iter().position(|other| other == one), Some(place));
        }
    }

    #[test]
    fn the_sum_carries_from_word_to_word() {
        let mut sum = Sum { hash: [u64::MAX; 4], ..Sum::default() };
        sum.add(b"a");
        let mut one = Sum::default();
        one.add(b"a");
        // All ones are minus one.
        let less = one.hash[0] - 1;
        assert_eq!(sum.hash, [less, one.hash[1], one.hash[2], one.hash[3]]);
    }
}

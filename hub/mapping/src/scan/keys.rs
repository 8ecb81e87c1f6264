//! Finds a key among those of one node of the trie. Nearly all keys of a document are looked up here, and
//! most of them are not read: two words of eight bytes tell a name from another without its text.
//!
//! **Invariant:** a key is found exactly if its bytes are those of a name. Tests:
//! `every_key_of_a_large_object_is_found_and_no_other`, `names_that_differ_anywhere_are_told_apart`.

use super::trie::NodeId;

/// A name's first and last bytes, and how many it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Marks {
    head: u64,
    tail: u64,
    length: u32,
}

/// Up to so many bytes the marks hold the whole name.
const HELD: u32 = 16;

impl Marks {
    fn of(name: &[u8]) -> Self {
        let length = u32::try_from(name.len()).unwrap_or(u32::MAX);
        let word = |four: &[u8; 4]| u64::from(u32::from_le_bytes(*four));
        if let (Some(head), Some(tail)) = (name.first_chunk(), name.last_chunk()) {
            return Self {
                head: u64::from_le_bytes(*head),
                tail: u64::from_le_bytes(*tail),
                length,
            };
        }
        let head = match (name.first_chunk(), name.last_chunk(), name) {
            (Some(first), Some(last), _) => word(first) | word(last) << 32,
            (_, _, [first, middle @ .., last]) => {
                let middle = middle.first().copied().unwrap_or_default();
                u64::from(*first) | u64::from(middle) << 8 | u64::from(*last) << 16
            }
            (_, _, [only]) => u64::from(*only),
            (_, _, []) => 0,
        };
        Self { head, tail: 0, length }
    }

    fn hash(self) -> usize {
        let mixed = self.head ^ self.tail.rotate_left(29) ^ u64::from(self.length) << 56;
        usize::try_from(mixed.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40).unwrap_or_default()
    }
}

/// One place of the table.
#[derive(Clone, Copy, Debug)]
struct Place {
    marks: Marks,
    /// The number of the name.
    number: u32,
}

/// The names of one node: open addressing, built when the mapping is compiled.
#[derive(Debug, Default)]
pub(super) struct KeyIndex {
    /// Its length is a power of two, at least twice the names; empty where there are none.
    table: Vec<Option<Place>>,
}

impl KeyIndex {
    /// Takes up the last of the names; all the others are known.
    pub(super) fn add(&mut self, keys: &[(Box<str>, NodeId)]) {
        let size = (keys.len() * 2).next_power_of_two();
        let fresh = if size == self.table.len() {
            keys.len().saturating_sub(1)
        } else {
            self.table = vec![None; size];
            0
        };
        let numbers = u32::try_from(fresh).unwrap_or(u32::MAX)..;
        for (number, (name, _)) in numbers.zip(keys.get(fresh..).unwrap_or_default()) {
            let marks = Marks::of(name.as_bytes());
            let mut place = marks.hash() & (size - 1);
            while self.table.get(place).is_some_and(Option::is_some) {
                place = (place + 1) & (size - 1);
            }
            if let Some(free) = self.table.get_mut(place) {
                *free = Some(Place { marks, number });
            }
        }
    }

    pub(super) fn find(&self, name: &str, keys: &[(Box<str>, NodeId)]) -> Option<NodeId> {
        let mask = self.table.len().checked_sub(1)?;
        let marks = Marks::of(name.as_bytes());
        let mut place = marks.hash() & mask;
        loop {
            let taken = self.table.get(place)?.as_ref()?;
            if taken.marks == marks {
                let (known, node) = keys.get(taken.number as usize)?;
                if marks.length <= HELD || **known == *name {
                    return Some(*node);
                }
            }
            place = (place + 1) & mask;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_of_a_large_object_is_found_and_no_other() {
        let names = (0..300).map(|n| (format!("field_{n}").into(), NodeId(n)));
        let mut keys: Vec<(Box<str>, NodeId)> = Vec::new();
        let mut index = KeyIndex::default();
        for name in names {
            keys.push(name);
            index.add(&keys);
            for (name, node) in &keys {
                assert_eq!(index.find(name, &keys), Some(*node));
            }
        }
        assert_eq!(index.find("field_", &keys), None);
        assert_eq!(index.find("", &keys), None);
        assert_eq!(KeyIndex::default().find("", &[]), None);
    }

    #[test]
    fn names_that_differ_anywhere_are_told_apart() {
        for length in 0..40 {
            let name = "a".repeat(length);
            let keys = [(name.as_str().into(), NodeId(1))];
            let mut index = KeyIndex::default();
            index.add(&keys);
            assert_eq!(index.find(&name, &keys), Some(NodeId(1)), "{length}");
            assert_eq!(index.find(&format!("{name}a"), &keys), None, "{length}");
            for place in 0..length {
                let mut other = name.clone();
                other.replace_range(place..=place, "b");
                assert_eq!(index.find(&other, &keys), None, "{length} at {place}");
            }
        }
    }
}

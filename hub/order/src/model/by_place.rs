//! What is kept of many fields of many places: one sorted list a place, places sorted, too.
//!
//! An order has few places and few dozen fields in each, and both are read and copied with every change:
//! lists are found faster than a map of paths, and copied without an allocation for each entry.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::ids::At;

/// Values by place and key.
///
/// **Invariant:** places are sorted, each once, none empty; keys within a place likewise. Test:
/// `what_is_kept_by_place_stays_sorted`.
#[derive(Clone, PartialEq, Eq)]
pub struct ByPlace<K, V>(Vec<(At, Vec<(K, V)>)>);

impl<K, V> Default for ByPlace<K, V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<K: fmt::Debug, V: fmt::Debug> fmt::Debug for ByPlace<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let entries = self.0.iter().flat_map(|(at, list)| list.iter().map(move |e| (at, e)));
        f.debug_map().entries(entries.map(|(at, (key, value))| ((at, key), value))).finish()
    }
}

impl<K: Ord, V> ByPlace<K, V> {
    /// From places with their lists; of what stands twice the first counts.
    pub(crate) fn from_places(mut places: Vec<(At, Vec<(K, V)>)>) -> Self {
        // As they were written, nearly always: then this only looks.
        places.sort_by(|(a, _), (b, _)| a.cmp(b));
        places.dedup_by(|(a, _), (b, _)| a == b);
        for (_, list) in &mut places {
            list.sort_by(|(a, _), (b, _)| a.cmp(b));
            list.dedup_by(|(a, _), (b, _)| a == b);
        }
        places.retain(|(_, list)| !list.is_empty());
        Self(places)
    }

    /// The keys and values of a place, sorted by key.
    pub fn place(&self, at: &At) -> &[(K, V)] {
        let list = self.find(at).ok().and_then(|place| self.0.get(place));
        list.map_or(&[], |(_, list)| list)
    }

    /// One value.
    pub fn get(&self, at: &At, key: &K) -> Option<&V> {
        let list = self.place(at);
        let place = list.binary_search_by(|(known, _)| known.cmp(key)).ok()?;
        list.get(place).map(|(_, value)| value)
    }

    /// One value, to be written.
    pub fn get_mut(&mut self, at: &At, key: &K) -> Option<&mut V> {
        let place = self.find(at).ok()?;
        let (_, list) = self.0.get_mut(place)?;
        let place = list.binary_search_by(|(known, _)| known.cmp(key)).ok()?;
        list.get_mut(place).map(|(_, value)| value)
    }

    /// One value, made where there is none.
    #[expect(clippy::indexing_slicing, reason = "both places were found or made a line before")]
    pub fn entry(&mut self, at: &At, key: K) -> &mut V
    where
        V: Default,
    {
        let place = self.find(at).unwrap_or_else(|place| {
            self.0.insert(place, (at.clone(), Vec::new()));
            place
        });
        let list = &mut self.0[place].1;
        let place = list.binary_search_by(|(known, _)| known.cmp(&key)).unwrap_or_else(|place| {
            list.insert(place, (key, V::default()));
            place
        });
        &mut list[place].1
    }

    /// Writes one value.
    pub fn insert(&mut self, at: &At, key: K, value: V)
    where
        V: Default,
    {
        *self.entry(at, key) = value;
    }

    /// Takes one value out.
    pub fn remove(&mut self, at: &At, key: &K) -> Option<V> {
        let place = self.find(at).ok()?;
        let (_, list) = self.0.get_mut(place)?;
        let within = list.binary_search_by(|(known, _)| known.cmp(key)).ok()?;
        let (_, value) = list.remove(within);
        if list.is_empty() {
            self.0.remove(place);
        }
        Some(value)
    }

    /// All of them: place, key, value, sorted.
    pub fn iter(&self) -> impl Iterator<Item = (&At, &K, &V)> {
        self.0.iter().flat_map(|(at, list)| list.iter().map(move |(key, value)| (at, key, value)))
    }

    /// All values.
    pub fn values(&self) -> impl Iterator<Item = &V> {
        self.iter().map(|(_, _, value)| value)
    }

    /// The places with their keys and values.
    pub fn places(&self) -> impl Iterator<Item = (&At, &[(K, V)])> {
        self.0.iter().map(|(at, list)| (at, list.as_slice()))
    }

    /// What stands at a place and within it.
    pub fn within(&self, outer: &At) -> impl Iterator<Item = (&At, &K, &V)> {
        let first = self.0.partition_point(|(at, _)| at < outer);
        let places = self.0.get(first..).unwrap_or_default().iter();
        let places = places.take_while(move |(at, _)| at.within(outer));
        places.flat_map(|(at, list)| list.iter().map(move |(key, value)| (at, key, value)))
    }

    /// What stands at a place and within it, to be written.
    pub fn within_mut(&mut self, outer: &At) -> impl Iterator<Item = (&At, &K, &mut V)> {
        let first = self.0.partition_point(|(at, _)| at < outer);
        let places = self.0.get_mut(first..).unwrap_or_default().iter_mut();
        let places = places.take_while(move |(at, _)| at.within(outer));
        places.flat_map(|(at, list)| {
            let at = &*at;
            list.iter_mut().map(move |(key, value)| (at, &*key, value))
        })
    }

    fn find(&self, at: &At) -> Result<usize, usize> {
        self.0.binary_search_by(|(known, _)| known.cmp(at))
    }
}

impl<K: Ord, V: Default> FromIterator<(At, K, V)> for ByPlace<K, V> {
    fn from_iter<I: IntoIterator<Item = (At, K, V)>>(entries: I) -> Self {
        let mut all = Self::default();
        for (at, key, value) in entries {
            all.insert(&at, key, value);
        }
        all
    }
}

impl<K: Serialize, V: Serialize> Serialize for ByPlace<K, V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de, K: Ord + Deserialize<'de>, V: Deserialize<'de>> Deserialize<'de> for ByPlace<K, V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::deserialize(deserializer).map(Self::from_places)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> At {
        At::parse(text).unwrap()
    }

    #[test]
    fn what_is_kept_by_place_stays_sorted() {
        let mut all: ByPlace<u8, u32> = ByPlace::default();
        let entries =
            [("lines[L2]", 1), ("", 9), ("lines[L1]", 7), ("", 3), ("lines[L2]", 0), ("", 9)];
        for (number, (place, key)) in (0..).zip(entries) {
            all.insert(&at(place), key, number);
        }
        let shown: Vec<String> = all.iter().map(|(at, k, v)| format!("{at}/{k}={v}")).collect();
        assert_eq!(shown, ["/3=3", "/9=5", "lines[L1]/7=2", "lines[L2]/0=4", "lines[L2]/1=0"]);
        let text = serde_json::to_string(&all).unwrap();
        assert_eq!(serde_json::from_str::<ByPlace<u8, u32>>(&text).unwrap(), all);
        let damaged = r#"[["lines[L1]",[[2,0],[1,5],[2,9]]],["",[]],["lines[L1]",[[3,3]]]]"#;
        let read: ByPlace<u8, u32> = serde_json::from_str(damaged).unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), r#"[["lines[L1]",[[1,5],[2,0]]]]"#);
        assert_eq!(all.get(&at("lines[L1]"), &7), Some(&2));
        assert_eq!(all.remove(&at("lines[L1]"), &7), Some(2));
        assert_eq!(all.remove(&at("lines[L1]"), &7), None);
        assert_eq!(all.places().count(), 2);
    }

    #[test]
    fn what_stands_within_a_place_is_found_together() {
        let places =
            ["", "lines[L1]", "shipments[S1]", "shipments[S1].lines[L1]", "shipments[S10]"];
        let mut all: ByPlace<u8, u8> = places.iter().map(|place| (at(place), 1, 0)).collect();
        let outer = at("shipments[S1]");
        let inner = all.within(&outer).map(|(at, _, _)| at.to_string());
        assert_eq!(inner.collect::<Vec<_>>(), ["shipments[S1]", "shipments[S1].lines[L1]"]);
        all.within_mut(&at("shipments[S1].lines[L1]")).for_each(|(_, _, value)| *value = 5);
        assert_eq!(all.get(&at("shipments[S1].lines[L1]"), &1), Some(&5));
        assert_eq!(all.within(&at("")).count(), 5);
        assert_eq!(all.within(&at("shipments[S2]")).count(), 0);
    }
}

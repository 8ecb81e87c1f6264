//! The lanes of an order: as few as the systems that know it, and asked for with every field of a document.

use std::borrow::Borrow;

use super::Shared;
use crate::ids::SystemName;
use crate::lane::Lane;

/// Lanes by system.
///
/// **Invariant:** sorted by system, each once. Test: `lanes_stay_sorted`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lanes(Vec<Shared<Lane>>);

impl Lanes {
    /// A system's lane.
    pub fn get(&self, system: &(impl Borrow<str> + ?Sized)) -> Option<&Shared<Lane>> {
        let system = system.borrow();
        self.0.iter().find(|lane| lane.system.as_str() == system)
    }

    /// A system's lane, to be written.
    pub fn get_mut(&mut self, system: &(impl Borrow<str> + ?Sized)) -> Option<&mut Shared<Lane>> {
        let system = system.borrow();
        self.0.iter_mut().find(|lane| lane.system.as_str() == system)
    }

    /// Whether a system has one.
    pub fn contains_key(&self, system: &(impl Borrow<str> + ?Sized)) -> bool {
        self.get(system).is_some()
    }

    /// A system's lane, made where there is none.
    #[expect(clippy::indexing_slicing, reason = "the place was found or made a line before")]
    pub fn made(&mut self, system: &SystemName, fresh: impl FnOnce() -> Lane) -> &mut Shared<Lane> {
        let place = self.0.iter().position(|lane| lane.system == *system);
        let place = place.unwrap_or_else(|| self.put(Shared::new(fresh())));
        &mut self.0[place]
    }

    /// Puts a lane in the place of its system's.
    pub fn insert(&mut self, lane: Shared<Lane>) {
        self.remove(&lane.system.clone());
        self.put(lane);
    }

    /// Takes a lane out.
    pub fn remove(&mut self, system: &SystemName) {
        self.0.retain(|lane| lane.system != *system);
    }

    /// The systems that have one.
    pub fn systems(&self) -> impl Iterator<Item = &SystemName> {
        self.0.iter().map(|lane| &lane.system)
    }

    /// All lanes.
    pub fn iter(&self) -> impl Iterator<Item = &Shared<Lane>> {
        self.0.iter()
    }

    /// Puts one that is not there, and answers where it stands.
    fn put(&mut self, lane: Shared<Lane>) -> usize {
        let place = self.0.partition_point(|known| known.system < lane.system);
        self.0.insert(place, lane);
        place
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::Role;

    #[test]
    fn lanes_stay_sorted() {
        let mut lanes = Lanes::default();
        let lane = |name: &str| Lane::new(SystemName::new(name), Role::Erp);
        for name in ["wms", "erp", "shop", "erp"] {
            lanes.insert(Shared::new(lane(name)));
        }
        lanes.made(&SystemName::new("sink"), || lane("sink")).attempts = 3;
        lanes.made(&SystemName::new("sink"), || lane("sink")).attempts += 1;
        let names: Vec<&str> = lanes.systems().map(SystemName::as_str).collect();
        assert_eq!(names, ["erp", "shop", "sink", "wms"]);
        assert_eq!(lanes.get("sink").unwrap().attempts, 4);
        lanes.remove(&SystemName::new("shop"));
        assert!(!lanes.contains_key("shop"));
        assert_eq!(lanes.iter().count(), 3);
    }
}

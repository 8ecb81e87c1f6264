//! Which delivery tags of a channel may be acknowledged: the contiguous prefix of what is stored with
//! one multiple-ack, late gaps one by one.
//!
//! **Invariant:** never a multiple-ack over a tag that is not stored, and no tag is told twice (a
//! broker closes the channel over a tag that it does not know any more). Test:
//! `no_acknowledgement_covers_what_is_not_stored_and_none_is_told_twice`.

use std::collections::BTreeMap;

/// The tags of one channel epoch. A rebuilt channel starts a new one: old tags mean nothing there.
///
/// Bounded by the prefetch: a tag is held from its commit until the prefix reaches it.
#[derive(Debug, Default)]
pub struct Acks {
    /// Every tag up to here is stored or was settled on its own.
    prefix: u64,
    /// The highest tag of the prefix that the broker was not told of.
    untold: Option<u64>,
    /// Beyond the prefix.
    ahead: BTreeMap<u64, Told>,
}

/// Whether the broker knows of a tag beyond the prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    No,
    Yes,
}

impl Acks {
    /// A fresh channel: its first tag is 1.
    pub fn new() -> Self {
        Self::default()
    }

    /// The commit that holds this tag's message has ended. Twice the same is once.
    pub fn stored(&mut self, tag: u64) {
        self.settle(tag, Told::No);
    }

    /// This tag was rejected on its own (dead-lettered): later acknowledgements pass over it.
    pub fn rejected(&mut self, tag: u64) {
        self.settle(tag, Told::Yes);
    }

    /// The tag to acknowledge with `multiple`, if there is something new to tell.
    pub fn take(&mut self) -> Option<u64> {
        self.untold.take()
    }

    /// Stored tags beyond the gap, each to be acknowledged alone, each given once: for a gap that stays
    /// open long, so that the broker's window does not close over neighbours that are stored.
    pub fn take_ahead(&mut self) -> Vec<u64> {
        let untold = self.ahead.iter_mut().filter(|(_, told)| **told == Told::No);
        untold
            .map(|(tag, told)| {
                *told = Told::Yes;
                *tag
            })
            .collect()
    }

    /// Tags held beyond the first gap.
    pub fn waiting(&self) -> usize {
        self.ahead.len()
    }

    fn settle(&mut self, tag: u64, told: Told) {
        if tag <= self.prefix {
            return;
        }
        self.ahead.entry(tag).or_insert(told);
        while let Some(told) = self.ahead.remove(&(self.prefix + 1)) {
            self.prefix += 1;
            if told == Told::No {
                self.untold = Some(self.prefix);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[derive(Clone, Debug)]
    enum Step {
        Stored(u64),
        Rejected(u64),
        Take,
        TakeAhead,
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            6 => (1_u64..40).prop_map(Step::Stored),
            1 => (1_u64..40).prop_map(Step::Rejected),
            3 => Just(Step::Take),
            1 => Just(Step::TakeAhead),
        ];
        prop::collection::vec(step, 0..120)
    }

    proptest! {
        #[test]
        fn no_acknowledgement_covers_what_is_not_stored_and_none_is_told_twice(steps in steps()) {
            let mut acks = Acks::new();
            let (mut settled, mut told) = (BTreeSet::new(), BTreeSet::new());
            for step in steps {
                match step {
                    Step::Stored(tag) => {
                        settled.insert(tag);
                        acks.stored(tag);
                    }
                    Step::Rejected(tag) => {
                        // The broker is told of a rejection at once, and only of what it still holds.
                        if settled.insert(tag) {
                            prop_assert!(told.insert(tag));
                            acks.rejected(tag);
                        }
                    }
                    Step::Take => {
                        if let Some(upto) = acks.take() {
                            prop_assert!((1..=upto).all(|tag| settled.contains(&tag)));
                            prop_assert!(told.insert(upto), "{upto} was told already");
                            told.extend(1..=upto);
                        }
                    }
                    Step::TakeAhead => {
                        for tag in acks.take_ahead() {
                            prop_assert!(settled.contains(&tag));
                            prop_assert!(told.insert(tag), "{tag} was told already");
                        }
                    }
                }
            }
            // Nothing is forgotten: what is stored is told in the end.
            told.extend(1..=acks.take().unwrap_or(0));
            told.extend(acks.take_ahead());
            prop_assert_eq!(settled, told);
        }
    }

    #[test]
    fn a_gap_holds_back_the_multiple_ack_until_it_closes() {
        let mut acks = Acks::new();
        acks.stored(2);
        acks.stored(3);
        assert_eq!((acks.take(), acks.waiting()), (None, 2));
        acks.stored(1);
        assert_eq!((acks.take(), acks.waiting()), (Some(3), 0));
        assert_eq!(acks.take(), None);
    }
}

//! Which elements of a webhook that is read again are those that could not be read when it came: its mended connector
//! may name another list, or the same in another order.
//!
//! **Invariant:** each element that could not be read is taken once, none that was taken at once is taken again, and where
//! that cannot be told nothing is taken and why is said. Test:
//! `what_could_not_be_read_is_found_in_whatever_list_it_is_read_from`.
//! Bounds: [`MOST_NOTICES`] elements before, and as many now.
//!
//! [`MOST_NOTICES`]: orderhub_connectors::contract::MOST_NOTICES

use std::collections::BTreeSet;

use orderhub_connectors::contract::Element;
use orderhub_connectors::element::print;
use serde::{Deserialize, Serialize};

/// What an element is known by: its print, and that of its sender's id, where it could be read and has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Seen(u64, Option<u64>);

impl Seen {
    /// What an element is known by.
    pub(crate) fn of(element: &Element) -> Self {
        let id = element.read.as_ref().ok().and_then(|notice| notice.id.as_deref());
        Self(element.print, id.map(|id| print(id.as_bytes())))
    }
}

/// What was read of a webhook when it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Before {
    /// The positions of what could not be read.
    pub(super) at: Vec<usize>,
    /// All of its elements; none: an earlier program kept the positions alone.
    pub(super) all: Vec<Seen>,
}

impl Before {
    /// The positions in the list as it is read `now` of what is to be taken.
    ///
    /// # Errors
    ///
    /// Why it cannot be told.
    pub(super) fn in_list(&self, now: &[Seen]) -> Result<BTreeSet<usize>, String> {
        if self.all.is_empty() {
            let gone = self.at.iter().filter(|at| **at >= now.len()).count();
            let there = self.at.iter().copied().collect();
            return if gone == 0 { Ok(there) } else { Err(self.gone(gone, now)) };
        }
        let mut found = BTreeSet::new();
        let same = |at: usize, print: u64| now.get(at).is_some_and(|seen| seen.0 == print);
        let (stays, moved): (Vec<usize>, Vec<usize>) =
            self.at.iter().partition(|at| self.print(**at).is_some_and(|print| same(**at, print)));
        found.extend(stays);
        let mut missing = 0;
        for at in moved {
            let print = self.print(at);
            let other = (0..now.len())
                .find(|other| !found.contains(other) && print.is_some_and(|it| same(*other, it)));
            match other {
                Some(other) => drop(found.insert(other)),
                None => missing += 1,
            }
        }
        if missing > 0 {
            let rest = self.rest((&found, missing), now)?;
            if rest.len() < missing {
                return Err(self.gone(missing - rest.len(), now));
            }
            found.extend(rest);
        }
        Ok(found)
    }

    fn print(&self, at: usize) -> Option<u64> {
        self.all.get(at).map(|seen| seen.0)
    }

    /// The elements of another list that are none of those that were taken at once.
    fn rest(
        &self,
        (found, missing): (&BTreeSet<usize>, usize),
        now: &[Seen],
    ) -> Result<Vec<usize>, String> {
        let all = self.all.iter().enumerate();
        let taken: Vec<Seen> =
            all.filter(|(at, _)| !self.at.contains(at)).map(|(_, seen)| *seen).collect();
        let prints: BTreeSet<u64> = taken.iter().map(|seen| seen.0).collect();
        let ids: BTreeSet<u64> = taken.iter().filter_map(|seen| seen.1).collect();
        let was =
            |seen: &Seen| prints.contains(&seen.0) || seen.1.is_some_and(|id| ids.contains(&id));
        let rest: Vec<usize> = (0..now.len())
            .filter(|at| !found.contains(at) && now.get(*at).is_some_and(|seen| !was(seen)))
            .collect();
        // Where all that was taken is in it, the rest is something else; so it is where each says who it is. More than
        // there should be may be what was taken, by other ids.
        let (now_prints, now_ids): (BTreeSet<u64>, BTreeSet<Option<u64>>) =
            now.iter().map(|seen| (seen.0, seen.1)).unzip();
        let is_there = |seen: &Seen| {
            now_prints.contains(&seen.0) || seen.1.is_some() && now_ids.contains(&seen.1)
        };
        let named = |seen: &Seen| seen.1.is_some();
        let each_named =
            taken.iter().all(named) && rest.iter().all(|at| now.get(*at).is_some_and(named));
        if each_named && rest.len() == missing || taken.iter().all(is_there) {
            return Ok(rest);
        }
        Err(format!(
            "its connector reads another list now, of {}, and it cannot be told which of them were taken when it came: \
             let `each` name the list of then too, or hand in what is missing, and discard it",
            elements(now.len())
        ))
    }

    fn gone(&self, missing: usize, now: &[Seen]) -> String {
        format!(
            "the list that its connector reads now, of {}, has not {missing} of the {} that could not be read: \
             mend `each` in its connector.yaml, or hand in what is missing, and discard it",
            elements(now.len()),
            elements(self.at.len())
        )
    }
}

fn elements(count: usize) -> String {
    if count == 1 { "1 element".to_owned() } else { format!("{count} elements") }
}

#[cfg(test)]
mod tests {
    use super::{Before, Seen};

    /// Elements as `print` or `print/id`, separated by blanks.
    fn list(text: &str) -> Vec<Seen> {
        let one = |text: &str| {
            let (print, id) =
                text.split_once('/').map_or((text, None), |(print, id)| (print, Some(id)));
            Seen(print.parse().unwrap(), id.map(|id| id.parse().unwrap()))
        };
        text.split_whitespace().map(one).collect()
    }

    const GONE: &str = "has not 1 of the 1 element that could not be read";

    /// Why; which could not be read; the list of then; the list of now; what is found.
    type Case = (
        &'static str,
        &'static [usize],
        &'static str,
        &'static str,
        Result<&'static [usize], &'static str>,
    );

    #[test]
    fn what_could_not_be_read_is_found_in_whatever_list_it_is_read_from() {
        let cases: &[Case] = &[
            ("the list of then", &[1], "10 11 12", "10 11/1 12", Ok(&[1])),
            ("in another order", &[0, 2], "10 11 12", "12 11 10", Ok(&[0, 2])),
            ("one before it is left out", &[2], "10 11 12", "10 12", Ok(&[1])),
            ("more than the list of then", &[1], "10 11", "9 10 11", Ok(&[2])),
            ("the same element twice", &[0, 1], "10 10", "9 10 10", Ok(&[1, 2])),
            (
                "two of them, one moved to where the other stays",
                &[0, 2],
                "10 11 10",
                "11 10 10",
                Ok(&[1, 2]),
            ),
            ("another list, nothing of which was taken", &[0, 1], "10 11", "20 21", Ok(&[0, 1])),
            ("another list that has all that was taken", &[1], "10 11", "20 10", Ok(&[0])),
            (
                "another list whose elements say who they are",
                &[1],
                "10/1 11",
                "20/2 21/1",
                Ok(&[0]),
            ),
            (
                "another list, and who is who is not told",
                &[1],
                "10 11",
                "20 21",
                Err("cannot be told"),
            ),
            ("nor by only some of them", &[1], "10/1 11", "20/2 21", Err("cannot be told")),
            ("nor by other ids", &[1], "10/1 11", "20/2 21/3", Err("cannot be told")),
            ("what it was is in none", &[1], "10 11", "10", Err(GONE)),
            ("nor in a list of nothing", &[0], "10", "", Err(GONE)),
            (
                "fewer than could not be read",
                &[0, 1],
                "10 11",
                "20",
                Err("has not 1 of the 2 elements"),
            ),
            ("kept by an earlier program", &[0, 2], "", "10 11 12", Ok(&[0, 2])),
            ("kept by an earlier program, and not there", &[2], "", "10 11", Err(GONE)),
            ("a position that was none", &[5], "10 11", "10 11", Err(GONE)),
        ];
        for (why, at, all, now, expected) in cases {
            let before = Before { at: at.to_vec(), all: list(all) };
            match (before.in_list(&list(now)), expected) {
                (Ok(found), Ok(expected)) => {
                    assert_eq!(found.into_iter().collect::<Vec<_>>(), *expected, "{why}");
                }
                (Err(told), Err(expected)) => assert!(told.contains(expected), "{why}: {told}"),
                (found, _) => panic!("{why}: {found:?}"),
            }
        }
    }
}

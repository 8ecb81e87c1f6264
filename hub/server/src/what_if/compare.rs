//! The documents that two bundles made of one message, side by side: by what they are about, not by their place.

use std::collections::BTreeMap;

use orderhub_mapping::diff::{Difference, between};
use orderhub_mapping::{MapError, Mapped};
use orderhub_order::contribution::Contribution;

/// Whether it may make an order: no field, but told like one.
const CREATES: &str = "$creates";

/// What became of one document.
#[derive(Debug)]
pub(super) enum Found<'m> {
    /// It says the same; or nothing: it cannot be mapped either way, or is left to others.
    Same(Option<&'m Contribution>),
    /// It says something else: what it said, and what it would say.
    Differs([&'m Contribution; 2], Vec<Difference>),
    /// It was mapped, and cannot be any more.
    Fails(&'m Contribution, &'m MapError),
    /// It could not be mapped, and now can.
    Mended(&'m Contribution),
    /// Nobody mapped it, and now it is.
    Newly(&'m Contribution),
    /// It was mapped, and now nobody does.
    NoLonger(&'m Contribution),
}

impl<'m> Found<'m> {
    /// The new files give it.
    pub(super) fn is_given(&self) -> bool {
        match self {
            Found::Same(said) => said.is_some(),
            Found::Differs(..) | Found::Mended(_) | Found::Newly(_) => true,
            Found::Fails(..) | Found::NoLonger(_) => false,
        }
    }

    /// What the document says, by the new files where those map it.
    pub(super) fn said(&self) -> Option<&'m Contribution> {
        match self {
            Found::Same(said) => *said,
            Found::Differs([_, said], _)
            | Found::Fails(said, _)
            | Found::Mended(said)
            | Found::Newly(said)
            | Found::NoLonger(said) => Some(said),
        }
    }

    /// What the new files make of it and the old ones did not.
    pub(super) fn changed(&self) -> Option<&'m Contribution> {
        match self {
            Found::Differs([_, said], _) | Found::Mended(said) | Found::Newly(said) => Some(said),
            Found::Same(_) | Found::Fails(..) | Found::NoLonger(_) => None,
        }
    }

    /// What the old files made of it, where the new ones make something else.
    pub(super) fn before(&self) -> Option<&'m Contribution> {
        match self {
            Found::Differs([said, _], _) => Some(said),
            Found::Same(_)
            | Found::Mended(_)
            | Found::Newly(_)
            | Found::Fails(..)
            | Found::NoLonger(_) => None,
        }
    }

    /// Why the new files make nothing of it; `None`: they do, or the old ones did not either.
    pub(super) fn lost(&self) -> Option<&'static str> {
        match self {
            Found::Fails(..) => Some("orders like these cannot be mapped any more"),
            Found::NoLonger(_) => Some("orders like these are not mapped any more"),
            Found::Same(_) | Found::Differs(..) | Found::Mended(_) | Found::Newly(_) => None,
        }
    }
}

/// What a document is about: several of one message may be about the same, in their order.
type About<'m> = (&'m str, &'m str, &'m str);

fn about(said: &Contribution) -> About<'_> {
    (&said.document, said.entity.as_str(), &said.key)
}

/// One for each document of either.
pub(super) fn documents<'m>(was: &'m [Mapped], is: &'m [Mapped]) -> Vec<Found<'m>> {
    let (mut was, mut is) = (Side::of(was), Side::of(is));
    let mut found = Vec::new();
    let keys: Vec<About<'m>> = was.said.keys().chain(is.said.keys()).copied().collect();
    for key in keys {
        let old = was.said.remove(&key).unwrap_or_default();
        let new = is.said.remove(&key).unwrap_or_default();
        for at in 0..old.len().max(new.len()) {
            found.push(match (old.get(at), new.get(at)) {
                (Some(old), Some(new)) => pair(old, new),
                (Some(old), None) => match is.failure(&old.key) {
                    Some(error) => Found::Fails(old, error),
                    None => Found::NoLonger(old),
                },
                (None, Some(new)) => match was.failure(&new.key) {
                    Some(_) => Found::Mended(new),
                    None => Found::Newly(new),
                },
                (None, None) => continue,
            });
        }
    }
    // Neither gave a document of these.
    let rest = was.failures.len().max(is.failures.len()) + was.skipped.min(is.skipped);
    found.extend((0..rest).map(|_| Found::Same(None)));
    found
}

/// Of several that are about one document, what comes last counts, as far as the new files give any.
pub(super) fn last_first<'f, 'm>(found: &'f [Found<'m>]) -> impl Iterator<Item = &'f Found<'m>> {
    let (given, gone): (Vec<_>, Vec<_>) = found.iter().partition(|found| found.is_given());
    given.into_iter().rev().chain(gone)
}

fn pair<'m>(old: &'m Contribution, new: &'m Contribution) -> Found<'m> {
    if old == new {
        return Found::Same(Some(new));
    }
    let mut fields = between(old, new);
    if old.creates != new.creates {
        fields.push(Difference {
            document: 0,
            field: CREATES.to_owned(),
            old: Some(old.creates.into()),
            new: Some(new.creates.into()),
            old_rule: None,
            new_rule: None,
        });
    }
    if fields.is_empty() { Found::Same(Some(new)) } else { Found::Differs([old, new], fields) }
}

/// What one bundle gave.
struct Side<'m> {
    said: BTreeMap<About<'m>, Vec<&'m Contribution>>,
    failures: Vec<&'m MapError>,
    skipped: usize,
}

impl<'m> Side<'m> {
    fn of(mapped: &'m [Mapped]) -> Self {
        let mut side = Self { said: BTreeMap::new(), failures: Vec::new(), skipped: 0 };
        for one in mapped {
            match one {
                Mapped::Document(said) => side.said.entry(about(said)).or_default().push(said),
                Mapped::Failed(error) => side.failures.push(error),
                Mapped::Skipped => side.skipped += 1,
            }
        }
        side
    }

    /// Takes the failure of the document with this key; of one whose key cannot be read, any.
    fn failure(&mut self, key: &str) -> Option<&'m MapError> {
        let own = |error: &&MapError| error.key.as_deref() == Some(key);
        let at = self.failures.iter().position(own);
        let at = at.or_else(|| self.failures.iter().position(|error| error.key.is_none()))?;
        Some(self.failures.remove(at))
    }
}

#[cfg(test)]
mod tests {
    use orderhub_order::catalogue::known;
    use orderhub_order::contribution::ElementStatement;
    use orderhub_order::ids::{Entity, SystemName};
    use orderhub_order::value::Value;

    use super::*;

    fn said(key: &str, number: &str) -> Mapped {
        let fields = vec![(known::order::ORDER_NO, Some(Value::text(number)))];
        Mapped::Document(Box::new(Contribution {
            system: SystemName::new("shop"),
            document: "order".into(),
            entity: Entity::Order,
            key: key.into(),
            parents: Vec::new(),
            creates: true,
            revision: None,
            body: ElementStatement { fields, ..ElementStatement::default() },
        }))
    }

    fn failed(key: Option<&str>) -> Mapped {
        Mapped::Failed(MapError {
            cause: "missing",
            rule: None,
            place: None,
            path: String::new(),
            why: String::new(),
            key: key.map(str::to_owned),
            digest: None,
            lacks: Default::default(),
        })
    }

    fn words(was: &[Mapped], is: &[Mapped]) -> Vec<String> {
        documents(was, is).iter().map(word).collect()
    }

    fn word(found: &Found<'_>) -> String {
        match found {
            Found::Same(_) => "same".to_owned(),
            Found::Differs([_, said], fields) => {
                format!("{} differs in {}", said.key, fields.first().map_or("", |one| &one.field))
            }
            Found::Fails(said, _) => format!("{} fails", said.key),
            Found::Mended(said) => format!("{} is mended", said.key),
            Found::Newly(said) => format!("{} is new", said.key),
            Found::NoLonger(said) => format!("{} is gone", said.key),
        }
    }

    #[test]
    fn documents_are_compared_by_what_they_are_about() {
        let moved = words(&[said("a", "1"), said("b", "2")], &[said("b", "3"), said("a", "1")]);
        assert_eq!(moved, ["same", "b differs in order_no"]);
        assert_eq!(words(&[said("a", "1")], &[failed(Some("a"))]), ["a fails"]);
        assert_eq!(words(&[said("a", "1")], &[failed(None)]), ["a fails"]);
        assert_eq!(words(&[said("a", "1")], &[failed(Some("b"))]), ["a is gone", "same"]);
        assert_eq!(words(&[failed(None)], &[said("a", "1")]), ["a is mended"]);
        assert_eq!(words(&[Mapped::Skipped], &[said("a", "1")]), ["a is new"]);
        assert_eq!(words(&[said("a", "1")], &[Mapped::Skipped]), ["a is gone"]);
        assert_eq!(words(&[failed(None)], &[failed(None)]), ["same"]);
        let twice = words(&[said("a", "1"), said("a", "2")], &[said("a", "1"), said("a", "3")]);
        assert_eq!(twice, ["same", "a differs in order_no"]);
    }

    #[test]
    fn of_several_about_one_the_last_that_is_given_comes_first() {
        let turns = |was: &[Mapped], is: &[Mapped]| {
            last_first(&documents(was, is)).map(word).collect::<Vec<_>>()
        };
        let one = |number| said("a", number);
        let was = [one("1"), one("2")];
        assert_eq!(turns(&was, &[one("1"), one("3")]), ["a differs in order_no", "same"]);
        assert_eq!(turns(&was, &[one("3")]), ["a differs in order_no", "a is gone"]);
        assert_eq!(turns(&was, &[]), ["a is gone", "a is gone"]);
    }

    #[test]
    fn what_may_be_made_is_told_like_a_field() {
        let mut never = said("a", "1");
        if let Mapped::Document(said) = &mut never {
            said.creates = false;
        }
        assert_eq!(words(&[said("a", "1")], &[never]), ["a differs in $creates"]);
    }
}

//! What a stated value means: the seven cases of the merge, decided on values alone.
//!
//! One function, no effects: [`judge`] says what a statement is, `follow.rs` does what comes of it.

use rust_decimal::Decimal;

use super::canonical::{Canon, older};
use super::entries;
use crate::catalogue::{Field, FieldType, Merge, catalogue};
use crate::contribution::{Revision, Stated};
use crate::flow::Others;
use crate::lane::FieldState;
use crate::value::{Text, Value};

/// Whether, and by what right, the speaker may write the field in this state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// As an owner; the first (0) wins a conflict.
    Owner(usize),
    /// It added the element, and no owner has stated the field.
    Adder,
    /// It may not, and this happens to what it says.
    Foreign(Others),
}

/// Who wrote the order's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Writer {
    /// The speaker itself.
    Speaker,
    /// Another system, by its place among the owners; `None`: it owned nothing, it only added the
    /// element.
    Other(Option<usize>),
    /// A rule of the hub, by the hub's place among the owners.
    Hub(usize),
    /// A person, by the place of `service` among the owners, or nobody yet.
    Person(usize),
}

/// All that decides about one stated value.
#[derive(Clone, Copy)]
pub(super) struct Case<'a> {
    /// The field.
    pub(super) field: &'a Field,
    /// The order's value; `None` is absent.
    pub(super) current: Option<&'a Stated>,
    /// The merge state of the field at the speaker.
    pub(super) state: &'a FieldState,
    /// What is stated.
    pub(super) value: &'a Stated,
    /// At which revision.
    pub(super) revision: Option<&'a Revision>,
    /// The revision at which the speaker last stated this field, where the two compare.
    pub(super) stood: Option<&'a Revision>,
    /// The revision of the writer's statement, for `newest`.
    pub(super) written: Option<&'a Revision>,
    /// The speaker's eyes.
    pub(super) canon: Canon<'a>,
    /// The speaker's right, and who wrote `current`: asked only of a value that is new.
    pub(super) right: &'a dyn Fn() -> (Standing, Writer),
    /// First link: nothing is overwritten.
    pub(super) match_only: bool,
}

/// What a statement is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// 1: older than what the speaker said itself.
    Stale,
    /// 2: what the order says too.
    Agreed,
    /// 3: the speaker did not touch it.
    Untouched,
    /// 4: ours, come back: its place in the ring.
    Echo(usize),
    /// 5: not the speaker's to write.
    Foreign(Others),
    /// 6, or 7 won: becomes the order's value. `won` against another writer; `left_final`: from a final rank.
    Accept {
        /// Another's value loses by it.
        won: bool,
        /// The state machine does not allow it: a hold shows it.
        left_final: bool,
    },
    /// `advance`, `max`: lower or equal, kept without a conflict; `behind` what the speaker itself
    /// said.
    Late {
        /// Also lower than the speaker's own best.
        behind: bool,
    },
    /// 7 as `union`: both.
    Both(Vec<Text>),
    /// A map: what the speaker changed of it comes in, what others gave stays.
    Entries {
        /// The order's value from now on.
        merged: Stated,
        /// What becomes of names that both changed, where there are any.
        clash: Option<Box<Verdict>>,
    },
    /// 7 lost.
    Lost,
    /// 7 as `manual`: a person decides.
    Manual,
    /// A first link that differs: listed.
    Differs,
    /// A value that no machine ranks: kept as said, with a hold.
    Unknown,
}

/// Decides, in the order of the cases. `advance` and `max` are ranked, not aged: no case 1.
///
/// **Invariant:** a target that goes on saying what it said before it took a value of ours has not touched it; what its
/// user sets back is heard once it has shown ours. Rules `repeats-its-own`, `set-back-there`, `set-back-by-number`.
pub(super) fn judge(case: &Case<'_>) -> Verdict {
    let ranked = matches!(case.field.merge, Merge::Advance | Merge::Max);
    if !ranked && older(case.revision, case.stood) {
        return Verdict::Stale;
    }
    let same = |other: &Stated| case.canon.same(case.field.id, other, case.value);
    if case.current.is_some_and(same) {
        return Verdict::Agreed;
    }
    // A target that has never shown ours repeats its own: nobody can tell that from a user who sets it back.
    let stated = case.state.stated.as_ref().map(|(stated, _)| stated);
    if stated.is_some_and(same) || case.state.base.as_ref().is_some_and(same) {
        return Verdict::Untouched;
    }
    // Before the ranks: our own value come back is nobody's move.
    if let Some(place) = case.state.ring.iter().rposition(|(value, _)| same(value)) {
        return Verdict::Echo(place);
    }
    let (standing, writer) = (case.right)();
    if let Standing::Foreign(others) = standing {
        return Verdict::Foreign(others);
    }
    if ranked {
        return rank(case, (standing, writer));
    }
    if case.field.ty == FieldType::Map {
        // Who wrote the map last did not give each of its names.
        let writer = if writer == Writer::Speaker { Writer::Other(Some(0)) } else { writer };
        let clash =
            if case.match_only { Verdict::Differs } else { clash(case, (standing, writer)) };
        return entries::judge(case, clash);
    }
    owned(case, (standing, writer))
}

/// By what right the speaker speaks, and whose value it would replace.
type Right = (Standing, Writer);

/// Cases 6 and 7, for a speaker that may write.
fn owned(case: &Case<'_>, right: Right) -> Verdict {
    let accept = Verdict::Accept { won: false, left_final: false };
    let Some(Some(_)) = case.current else { return accept };
    if case.match_only {
        return Verdict::Differs;
    }
    let untouched = case.state.base.as_ref().zip(case.current);
    if untouched.is_some_and(|(base, current)| case.canon.same(case.field.id, base, current)) {
        return accept;
    }
    if case.value.is_none() && case.state.is_silent() {
        // A null that was never anything else is no opinion: the value came from somebody else.
        return Verdict::Untouched;
    }
    clash(case, right)
}

/// What becomes of a value that another has given, and the speaker says differently.
fn clash(case: &Case<'_>, right: Right) -> Verdict {
    match right.1 {
        // An adder gives way to the first owner that speaks, without a conflict.
        Writer::Hub(_) | Writer::Other(None) => Verdict::Accept { won: false, left_final: false },
        Writer::Speaker | Writer::Other(Some(_)) | Writer::Person(_) => conflict(case, right),
    }
}

/// Case 7: both changed.
fn conflict(case: &Case<'_>, right: Right) -> Verdict {
    let won = Verdict::Accept { won: true, left_final: false };
    match case.field.merge {
        Merge::Manual => Verdict::Manual,
        Merge::Union => Verdict::Both(union(case)),
        Merge::Newest => match (case.revision, case.written) {
            (Some(Revision::Timestamp(ours)), Some(Revision::Timestamp(theirs))) => {
                if ours > theirs { won } else { Verdict::Lost }
            }
            _ => by_owner(right, won),
        },
        Merge::OwnerWins | Merge::Max | Merge::Advance => by_owner(right, won),
    }
}

fn by_owner((standing, writer): Right, won: Verdict) -> Verdict {
    let place = match standing {
        Standing::Owner(place) => place,
        Standing::Adder => usize::MAX,
        Standing::Foreign(_) => return Verdict::Lost,
    };
    let writer = match writer {
        // Its own value, which it says differently now without having agreed: the last word.
        Writer::Speaker => return won,
        Writer::Other(place) => place.unwrap_or(usize::MAX),
        Writer::Hub(place) | Writer::Person(place) => place,
    };
    if place < writer { won } else { Verdict::Lost }
}

/// Three-way: what the speaker added comes in, what it took away goes, the rest stays.
fn union(case: &Case<'_>) -> Vec<Text> {
    fn items(stated: Option<&Stated>) -> &[Text] {
        match stated {
            Some(Some(Value::List(items))) => items,
            _ => &[],
        }
    }
    let (mut both, base) = (items(case.current).to_vec(), items(case.state.base.as_ref()));
    let said = items(Some(case.value));
    both.retain(|item| said.contains(item) || !base.contains(item));
    for item in said {
        if !both.contains(item) && !base.contains(item) {
            both.push(item.clone());
        }
    }
    both
}

/// `advance` and `max`: higher wins even at an older revision.
///
/// **Invariant:** the result of a set of statements does not depend on their order: the highest
/// rank; among equals the first owner; of one system its newest. Property test `law`.
fn rank(case: &Case<'_>, right: Right) -> Verdict {
    let Some(said) = level(case.field, case.value) else {
        return if case.value.is_none() { Verdict::Untouched } else { Verdict::Unknown };
    };
    let own = case.state.stated.as_ref().and_then(|(value, _)| level(case.field, value));
    let behind =
        own.is_some_and(|own| said < own || (said == own && older(case.revision, case.stood)));
    if behind {
        return Verdict::Late { behind };
    }
    let accept = Verdict::Accept { won: false, left_final: false };
    let Some(current) = case.current.and_then(|current| level(case.field, current)) else {
        return accept;
    };
    if said > current {
        let left_final = case.current.is_some_and(|current| is_final(case.field, current));
        return Verdict::Accept { won: false, left_final };
    }
    let first = match right {
        (_, Writer::Speaker) => true,
        (Standing::Owner(place), Writer::Other(other)) => other.is_none_or(|other| place < other),
        (Standing::Owner(place), Writer::Hub(hub)) => place < hub,
        // A person's move of equal rank stands.
        (_, Writer::Person(_)) | (Standing::Adder | Standing::Foreign(_), _) => false,
    };
    if said == current && first { accept } else { Verdict::Late { behind: false } }
}

/// How high a value stands: its machine's rank, or the number itself.
pub(super) fn level(field: &Field, value: &Stated) -> Option<Decimal> {
    let value = value.as_ref()?;
    match (field.merge, &field.ty) {
        (Merge::Advance, FieldType::Enum(machine)) => {
            catalogue().rank(machine, value.as_str()?).map(Decimal::from)
        }
        (Merge::Max, FieldType::Timestamp) => {
            let Value::Timestamp(time) = value else { return None };
            Some(Decimal::from(time.as_nanosecond()))
        }
        (Merge::Max, _) => value.as_decimal().or_else(|| Some(value.as_money()?.amount)),
        (_, _) => None,
    }
}

fn is_final(field: &Field, value: &Stated) -> bool {
    let FieldType::Enum(machine) = field.ty else { return false };
    let text = value.as_ref().and_then(Value::as_str);
    text.is_some_and(|text| catalogue().is_final(machine, text))
}

//! What one way out and one way in do to a field's values, and whether that is lawful.

use orderhub_order::catalogue::{FieldType, catalogue};
use orderhub_order::value::Value;

use super::shrink::shrink;
use super::trip::{Change, Trip};
use super::{Counter, Reason, words};
use crate::conversions::Law;

/// Steps of making a finding simpler.
pub(super) const MOST_STEPS: usize = 200;

/// Reasons that one field shows.
const MOST_REASONS: usize = 6;

/// Trips after which a value that goes through two files must have settled.
const MOST_TRIPS: usize = 4;

/// One way or another from a value to what came of it.
pub(super) type Travel<'t> = &'t dyn Fn(&Value) -> Trip;

/// How strict it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Strictness {
    /// A formula, of which no canonical form is known: what comes back changed is taken for a change of the system.
    Exact,
    /// One rule, or two that share a place: a value changes once at most.
    Once,
    /// Two shapes of one thing: it settles.
    Settles,
}

/// What holds for the values that were tried.
#[derive(Clone, Debug, Default)]
pub(super) struct Judgement {
    pub(super) broken: Option<Counter>,
    /// By a value that comes in and that nothing has a word for on the way out.
    pub(super) wordless: bool,
    pub(super) reasons: Vec<Reason>,
    pub(super) limits: Vec<Reason>,
}

/// Why a value shows something: two values of one finding show the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// It cannot be read back.
    Unreadable,
    /// A word comes back as another, or not at all.
    Word,
    /// It keeps changing.
    Restless,
    /// What was computed is another.
    Formula,
    /// It comes back changed, and no conversion says that it does that.
    Unsaid,
    /// It came in, and does not go out.
    Stuck,
}

/// Causes for which what came in does not go out on purpose: it is finer than what the system counts.
const ON_PURPOSE: [&str; 2] = ["amount_scale", "currency"];

/// The cause of a value that no row and no list has.
pub(super) const UNKNOWN: &str = "unknown_value";

/// Tries all values. `words` are those that must come back as they are, beside the type's own; `came_in` those
/// that the way in makes of documents, which must go out.
pub(super) fn judge(
    values: &[Value],
    (words, came_in): (&[Value], &[Value]),
    (ty, strictness, steps): (&FieldType, Strictness, usize),
    travel: Travel<'_>,
) -> Judgement {
    let judge = Judge { words, came_in, ty, strictness, steps, travel };
    let mut found = Judgement::default();
    for value in values {
        let trip = travel(value);
        match judge.fault(value, &trip) {
            Some(fault) => {
                let shows = |other: &Value| judge.fault(other, &travel(other)) == Some(fault);
                let value = shrink(value, judge.ty, &shows, MOST_STEPS);
                found.wordless = matches!(travel(&value), Trip::Refused(UNKNOWN, _));
                found.broken = Some(judge.counter(&value));
                return found;
            }
            None => judge.reason(value, &trip, &mut found),
        }
    }
    found
}

struct Judge<'j> {
    words: &'j [Value],
    came_in: &'j [Value],
    ty: &'j FieldType,
    strictness: Strictness,
    /// Of making the examples of reasons simpler.
    steps: usize,
    travel: Travel<'j>,
}

impl Judge<'_> {
    fn fault(&self, value: &Value, trip: &Trip) -> Option<Fault> {
        let change = match trip {
            Trip::Refused(cause, _) => {
                let stuck = !self.on_purpose(cause, value) && self.came_in.contains(value);
                return stuck.then_some(Fault::Stuck);
            }
            // A row whose word the way in never sees as it stands there.
            Trip::Held(_) if self.words.contains(value) => return Some(Fault::Word),
            Trip::Same | Trip::Held(_) => return None,
            Trip::Unreadable(..) => return Some(Fault::Unreadable),
            Trip::Changed(change) => change,
        };
        if self.strictness == Strictness::Exact {
            return Some(Fault::Formula);
        }
        let closed = matches!(self.ty, FieldType::Enum(_) | FieldType::Boolean);
        if closed || self.words.contains(value) {
            return Some(Fault::Word);
        }
        if self.restless(change) {
            return Some(Fault::Restless);
        }
        let unsaid = matches!(change.by, Some((_, Law::Exact | Law::None)));
        unsaid.then_some(Fault::Unsaid)
    }

    /// Whether what came in may stay here: nobody has a word for what a state is held for.
    fn on_purpose(&self, cause: &str, value: &Value) -> bool {
        let held = || {
            let FieldType::Enum(name) = self.ty else { return false };
            let known = catalogue().enum_values(name);
            value.as_str().is_some_and(|word| !known.contains(&word))
        };
        ON_PURPOSE.contains(&cause) || cause == UNKNOWN && held()
    }

    /// Whether what came back does not come back.
    fn restless(&self, change: &Change) -> bool {
        let Some(Some(first)) = &change.back else { return false };
        let mut current = first.clone();
        let most = if self.strictness != Strictness::Settles { 1 } else { MOST_TRIPS };
        for _ in 0..most {
            match (self.travel)(&current) {
                Trip::Changed(Change { back: Some(Some(next)), .. }) => current = next,
                Trip::Changed(_) | Trip::Unreadable(..) => return true,
                Trip::Same | Trip::Refused(..) | Trip::Held(_) => return false,
            }
        }
        true
    }

    /// What becomes of a value, as far as it changes.
    fn counter(&self, value: &Value) -> Counter {
        let shown = words::shown(value);
        match (self.travel)(value) {
            Trip::Unreadable(written, why) => {
                let sentence =
                    format!("{shown} goes out as {written}, which cannot be read back: {why}");
                Counter { value: shown, back: why, sentence }
            }
            Trip::Changed(change) => {
                let back = words::stated(change.back.as_ref());
                let mut sentence = format!("{shown} becomes {back}");
                if let Some(Some(first)) = &change.back
                    && let Trip::Changed(next) = (self.travel)(first)
                {
                    sentence = format!("{sentence}, then {}", words::stated(next.back.as_ref()));
                }
                Counter { value: shown, back, sentence }
            }
            Trip::Refused(_, why) => {
                let sentence = format!("{shown} comes in, and does not go out: {why}");
                Counter { value: shown, back: why, sentence }
            }
            Trip::Held(why) => {
                let sentence = format!("{shown} goes out, and is held when it comes back: {why}");
                Counter { value: shown, back: why, sentence }
            }
            Trip::Same => {
                let sentence = format!("{shown} comes back");
                Counter { back: shown.clone(), value: shown, sentence }
            }
        }
    }

    /// Notes why a value is not the same afterwards, each reason with its simplest value.
    fn reason(&self, value: &Value, trip: &Trip, found: &mut Judgement) {
        let Some((conversion, why)) = told(trip) else { return };
        let changed = matches!(trip, Trip::Changed(_));
        let reasons = if changed { &mut found.reasons } else { &mut found.limits };
        let known = |reason: &Reason| reason.conversion == conversion && reason.why == why;
        if reasons.len() >= MOST_REASONS || reasons.iter().any(known) {
            return;
        }
        let shows = |other: &Value| {
            let trip = (self.travel)(other);
            told(&trip).is_some_and(|told| told == (conversion.clone(), why.clone()))
                && self.fault(other, &trip).is_none()
        };
        let value = shrink(value, self.ty, &shows, self.steps);
        let example = match (self.travel)(&value) {
            Trip::Refused(_, why) => {
                let shown = words::shown(&value);
                let sentence = format!("{shown} does not go out: {why}");
                Counter { value: shown, back: why, sentence }
            }
            Trip::Same | Trip::Changed(_) | Trip::Held(_) | Trip::Unreadable(..) => {
                self.counter(&value)
            }
        };
        reasons.push(Reason { conversion, why, example });
    }
}

/// The conversion and the reason, where a trip changes or refuses a value.
fn told(trip: &Trip) -> Option<(String, String)> {
    Some(match trip {
        Trip::Same | Trip::Unreadable(..) => return None,
        Trip::Refused(..) => (String::new(), "some values do not go out".to_owned()),
        Trip::Held(_) => (String::new(), "some values are held when they come back".to_owned()),
        Trip::Changed(Change { by: Some((name, Law::Canonical(why))), .. }) => {
            ((*name).to_owned(), (*why).to_owned())
        }
        Trip::Changed(_) => {
            (String::new(), "it is read in another form than it was written".to_owned())
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_in_and_does_not_go_out_breaks_its_field() {
        let (came, other) = (Value::text("2026-03-02"), Value::text("a"));
        let values = [other, came.clone()];
        let broken = |cause: &'static str, came_in: &[Value]| {
            let travel = |_: &Value| Trip::Refused(cause, "why".to_owned());
            let strictness = (&FieldType::Text, Strictness::Once, MOST_STEPS);
            let judgement = judge(&values, (&[], came_in), strictness, &travel);
            judgement.broken.map(|counter| counter.sentence)
        };
        let came_in = std::slice::from_ref(&came);
        let sentence = "`2026-03-02` comes in, and does not go out: why";
        assert_eq!(broken("wrong_type", came_in).as_deref(), Some(sentence));
        assert_eq!(broken("wrong_type", &[]), None, "a value that never comes in is a limit");
        assert_eq!(broken(UNKNOWN, came_in).as_deref(), Some(sentence));
        for cause in ON_PURPOSE {
            assert_eq!(broken(cause, came_in), None, "{cause}");
        }
        // What a state is held for has no word anywhere.
        let state = catalogue().find_full("state.payment").unwrap().ty.clone();
        let travel = |_: &Value| Trip::Refused(UNKNOWN, "why".to_owned());
        let broken = |word: &str| {
            let value = [Value::text(word)];
            let strictness = (&state, Strictness::Once, MOST_STEPS);
            judge(&value, (&[], &value), strictness, &travel).broken.is_some()
        };
        assert!(!broken("unknown:lost") && broken("captured"));
    }
}

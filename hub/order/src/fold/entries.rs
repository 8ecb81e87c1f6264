//! Maps of names and texts, `ext` above all: each name is merged by itself, so that what one system gave stands beside
//! what another gave.
//!
//! **Invariant:** a statement touches only the names of which its system says something else than it said before; what
//! others gave stays. Story `side-by-side`.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::judge::{Case, Verdict};
use crate::contribution::Stated;
use crate::value::{Text, Value};

type Names = BTreeMap<Text, Option<Text>>;

/// Judges a map that is neither the order's nor what the speaker said before. `clash` is what becomes of a name that both
/// sides changed.
pub(super) fn judge(case: &Case<'_>, clash: Verdict) -> Verdict {
    let none = Names::new();
    let said = names(case.state.stated.as_ref().map(|(said, _)| said)).unwrap_or(&none);
    let current = names(case.current).unwrap_or(&none);
    let value = names(Some(case.value)).unwrap_or(&none);
    let (mut merged, mut clashes) = (current.clone(), false);
    let wins = matches!(clash, Verdict::Accept { .. });
    let touched = value.keys().chain(said.keys().filter(|name| !value.contains_key(*name)));
    for name in touched {
        let (before, now, here) = (said.get(name), value.get(name), current.get(name));
        if now == before || now == here || came_back(case, name, now) {
            continue;
        }
        let both = here.is_some() && here != before;
        clashes |= both;
        if both && !wins {
            continue;
        }
        match now {
            Some(text) => merged.insert(name.clone(), text.clone()),
            None => merged.remove(name),
        };
    }
    let changes = merged != *current;
    let merged = Some(Value::Map(Arc::new(merged)));
    match (changes, clashes) {
        (false, false) => Verdict::Untouched,
        (false, true) => clash,
        (true, clashes) => {
            Verdict::Entries { merged, clash: clashes.then_some(clash).map(Box::new) }
        }
    }
}

/// Whether the speaker only shows what the hub sent, or last agreed to.
fn came_back(case: &Case<'_>, name: &Text, now: Option<&Option<Text>>) -> bool {
    let sent = case.state.ring.iter().map(|(sent, _)| sent).chain(&case.state.base);
    now.is_some() && sent.filter_map(|sent| names(Some(sent))).any(|sent| sent.get(name) == now)
}

fn names(stated: Option<&Stated>) -> Option<&Names> {
    match stated {
        Some(Some(Value::Map(names))) => Some(names),
        _ => None,
    }
}

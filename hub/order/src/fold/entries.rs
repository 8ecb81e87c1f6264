//! Maps of names and texts, `ext` above all: each name is merged by itself, so that what one system gave stands beside
//! what another gave.
//!
//! **Invariant:** a statement touches only the names of which its system says something else than it said before, in
//! whatever document; what others gave stays, and a name that is absent says nothing. Only null ends one, and a list of
//! names that is given again without it: `attributes.gift` where `attributes` are given whole. Story `side-by-side`.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::judge::{Case, Verdict};
use crate::catalogue::{FieldId, known};
use crate::contribution::Stated;
use crate::lane::FieldState;
use crate::value::{Text, Value};

type Names = BTreeMap<Text, Option<Text>>;

/// All that a system says of a map, by what it said before and what it says now. Of `ext` a document says a part; other
/// maps are given whole.
pub(super) fn spoken(field: FieldId, before: Option<&Stated>, now: &Stated) -> Stated {
    let (Some(before), Some(says)) = (names(before), names(Some(now))) else { return now.clone() };
    if field != known::order::EXT {
        return now.clone();
    }
    let group = |name: &Text| name.split_once('.').map(|(group, _)| group.to_owned());
    let given = |of: &str| says.keys().any(|name| group(name).as_deref() == Some(of));
    let mut spoken = before.clone();
    // Without any name all lists of names are empty.
    spoken.retain(|name, _| group(name).is_none_or(|of| !says.is_empty() && !given(&of)));
    spoken.extend(says.iter().map(|(name, text)| (name.clone(), text.clone())));
    Some(Value::Map(Arc::new(spoken)))
}

/// The text of a name; `None`: there is no such name.
type Named<'a> = Option<&'a Option<Text>>;

/// A name of which a speaker says something else than it said before, and than the order says.
struct Changed<'a> {
    name: &'a Text,
    now: Named<'a>,
    /// The other side changed it, too.
    both: bool,
}

/// Such names, of what `state` says that the speaker said before.
fn changed<'a>(
    state: &'a FieldState,
    current: Option<&'a Stated>,
    value: &'a Stated,
) -> impl Iterator<Item = Changed<'a>> {
    let said = names(state.stated.as_ref().map(|(said, _)| said));
    let (value, current) = (names(Some(value)), names(current));
    let agreed = names(state.base.as_ref());
    let silent = said.into_iter().flatten().map(|(name, _)| name);
    let silent = silent.filter(move |name| text(value, name).is_none());
    let all = value.into_iter().flatten().map(|(name, _)| name).chain(silent);
    all.filter_map(move |name| {
        let (before, now, here) = (text(said, name), text(value, name), text(current, name));
        if now == before || now == here || came_back(state, name, (before, now)) {
            return None;
        }
        // What stands as both last agreed was not changed by another.
        let both = here.is_some() && here != before && here != text(agreed, name);
        Some(Changed { name, now, both })
    })
}

/// Of what a speaker says of a map the names that do not stand, null where it says that there is none: those that both sides
/// changed, where it may write the others.
pub(super) fn lost(
    state: &FieldState,
    (current, value): (Option<&Stated>, &Stated),
    may_write: bool,
) -> Stated {
    let all = changed(state, current, value).filter(|one| one.both || !may_write);
    let all = all.map(|one| (one.name.clone(), one.now.cloned().flatten()));
    Some(Value::Map(Arc::new(all.collect())))
}

/// Of a word what is not among those that are kept, and all that is kept then.
pub(super) fn unkept(word: &Stated, kept: Option<&Stated>) -> Option<(Stated, Stated)> {
    let Some(said) = names(Some(word)) else {
        return (kept != Some(word)).then(|| (word.clone(), word.clone()));
    };
    let mut all = names(kept).cloned().unwrap_or_default();
    let new = said.iter().filter(|(name, text)| all.get(*name) != Some(*text));
    let new: Names = new.map(|(name, text)| (name.clone(), text.clone())).collect();
    all.extend(new.clone());
    let map = |names| Some(Value::Map(Arc::new(names)));
    (!new.is_empty()).then(|| (map(new), map(all)))
}

/// What a word is about, as people are shown it: of a map its names, `ext.shared`.
pub(super) fn about(path: &str, word: &Stated) -> String {
    let all = names(Some(word)).into_iter().flat_map(Names::keys);
    let all: Vec<String> = all.map(|name| format!("{path}.{name}")).collect();
    match all.split_first() {
        Some((first, [])) => first.clone(),
        Some((first, more)) => format!("{first}` and {} more of `{path}", more.len()),
        None => path.to_owned(),
    }
}

/// Judges a map that is neither the order's nor what the speaker said before. `clash` is what becomes of a name that both
/// sides changed.
pub(super) fn judge(case: &Case<'_>, clash: Verdict) -> Verdict {
    let none = Names::new();
    let current = names(case.current).unwrap_or(&none);
    let (mut merged, mut clashes) = (current.clone(), false);
    let wins = matches!(clash, Verdict::Accept { .. });
    for Changed { name, now, both } in changed(case.state, case.current, case.value) {
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

/// What both agree on from now on: of the names that the speaker states, and of those it was shown.
pub(super) fn agreed(base: Option<&Stated>, value: &Stated, merged: &Stated) -> Stated {
    let mut agreed = names(base).cloned().unwrap_or_default();
    let none = Names::new();
    let merged = names(Some(merged)).unwrap_or(&none);
    agreed.retain(|name, _| merged.contains_key(name));
    for name in names(Some(value)).into_iter().flat_map(Names::keys) {
        if let Some(text) = merged.get(name) {
            agreed.insert(name.clone(), text.clone());
        }
    }
    Some(Value::Map(Arc::new(agreed)))
}

/// Whether the speaker only shows what the hub sent and it had not shown yet, or what both last agreed on.
fn came_back(state: &FieldState, name: &Text, (before, now): (Named<'_>, Named<'_>)) -> bool {
    let sent = |stated| text(names(Some(stated)), name);
    let ring: Vec<Named<'_>> = state.ring.iter().map(|(value, _)| sent(value)).collect();
    // It has shown that one already: what was sent before it is its own word again.
    let shown = ring.iter().rposition(|value| before.is_some() && *value == before);
    let later = ring.get(shown.map_or(0, |place| place + 1)..).unwrap_or_default();
    let base = state.base.as_ref().and_then(sent);
    now.is_some() && (later.contains(&now) || base == now)
}

fn text<'a>(names: Option<&'a Names>, name: &Text) -> Named<'a> {
    names.and_then(|names| names.get(name))
}

fn names(stated: Option<&Stated>) -> Option<&Names> {
    match stated {
        Some(Some(Value::Map(names))) => Some(names),
        _ => None,
    }
}

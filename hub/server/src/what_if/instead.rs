//! An order as it would stand had a document said something else from the start: what new orders like it will be.
//!
//! Folding the document anew does not show that: what equals the order's own value in canonical form, and what others
//! own by now, leaves an order as it is. So the values that the order has of the document are put in the place of each
//! other, in maps name by name. What somebody else said since, and elements that only the new files give, stay as they are.

use std::collections::BTreeMap;
use std::sync::Arc;

use orderhub_order::catalogue::FieldId;
use orderhub_order::contribution::{ElementStatement, Stated};
use orderhub_order::ids::At;
use orderhub_order::lane::Xref;
use orderhub_order::model::{Record, State};
use orderhub_order::value::{Text, Value};

/// Puts what the new files say in the place of what the old ones say. `xrefs`: by which the system that speaks names
/// the elements.
pub(super) fn put(state: &mut State, at: &At, xrefs: &[Xref], [old, new]: [&ElementStatement; 2]) {
    let mut fields: Vec<FieldId> =
        old.fields.iter().chain(&new.fields).map(|(field, _)| *field).collect();
    fields.sort_unstable();
    fields.dedup();
    for field in fields {
        if let Some(record) = state.order.record_mut(at) {
            put_field(record, field, [stated(old, field), stated(new, field)]);
        }
    }
    for before in &old.collections {
        let after = new.collections.iter().find(|after| after.collection == before.collection);
        let Some(after) = after else { continue };
        for element in &before.elements {
            let other = after.elements.iter().find(|other| other.key == element.key);
            let known = element.key.as_ref().and_then(|key| {
                let own = |xref: &&Xref| {
                    *xref.ext_id == **key
                        && xref.at.collection() == before.collection
                        && xref.at.parent().is_some_and(|parent| parent == *at)
                };
                xrefs.iter().find(own)
            });
            if let (Some(other), Some(known)) = (other, known) {
                put(state, &known.at, xrefs, [element, other]);
            }
        }
    }
}

/// Puts a value in the place of another that the record has of the document; of maps each name by itself, as they are
/// merged.
fn put_field(record: &mut Record, field: FieldId, [was, is]: [Option<&Stated>; 2]) {
    if was == is {
        return;
    }
    if let Some(merged) = entries(record.get(field), [was, is]) {
        if merged.is_empty() && is.is_none() {
            record.remove(field);
        } else {
            record.set(field, Some(Value::Map(Arc::new(merged))));
        }
    } else if record.get(field) == was {
        match is {
            Some(is) => drop(record.set(field, is.clone())),
            None => drop(record.remove(field)),
        }
    }
}

type Names = BTreeMap<Text, Option<Text>>;

/// A map with what is said in the place of what was said; `None`: it is no map, or nothing of it changes.
fn entries(current: Option<&Stated>, [was, is]: [Option<&Stated>; 2]) -> Option<Names> {
    let none = Names::new();
    let names = |stated: Option<&Stated>| match stated {
        Some(Some(Value::Map(names))) => Some(Some(Arc::clone(names))),
        Some(None) | None => Some(None),
        Some(Some(_)) => None,
    };
    let [current, was, is] = [names(current)?, names(was)?, names(is)?];
    let [current, was, is] = [&current, &was, &is].map(|names| names.as_deref().unwrap_or(&none));
    let mut merged = current.clone();
    for name in was.keys().chain(is.keys()) {
        let (before, now) = (was.get(name), is.get(name));
        if before == now || current.get(name) != before {
            continue;
        }
        match now {
            Some(text) => drop(merged.insert(name.clone(), text.clone())),
            None => drop(merged.remove(name)),
        }
    }
    (merged != *current).then_some(merged)
}

/// What a statement says of a field.
fn stated(statement: &ElementStatement, field: FieldId) -> Option<&Stated> {
    statement.fields.iter().find(|(id, _)| *id == field).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use orderhub_order::catalogue::known::order::{EXT, LANGUAGE};

    use super::*;

    /// `a=1,b`: a map of names, one of them with null; `-`: the field is absent; `null`: it is null; else a text.
    fn stated(text: &str) -> Option<Stated> {
        let one = |entry: &str| {
            let (name, text) = entry.split_once('=').map_or((entry, None), |(n, t)| (n, Some(t)));
            (Text::from(name), text.map(Text::from))
        };
        match text {
            "-" => None,
            "null" => Some(None),
            map => Some(Some(Value::Map(Arc::new(map.split_terminator(',').map(one).collect())))),
        }
    }

    #[test]
    fn of_maps_each_name_is_put_by_itself() {
        for (why, has, was, is, expected) in [
            ("one system alone", "a=1", "a=1", "a=2", "a=2"),
            ("another one gave a name", "a=1,b=9", "a=1", "a=2", "a=2,b=9"),
            ("a new name", "a=1,b=9", "a=1", "a=1,c=3", "a=1,b=9,c=3"),
            ("it said none before", "b=9", "-", "c=3", "b=9,c=3"),
            ("nor is there any", "-", "-", "c=3", "c=3"),
            ("a name is said no more", "a=1,b=9", "a=1", "-", "b=9"),
            ("no name is left", "a=1", "a=1", "-", "-"),
            ("somebody else said it since", "a=7,b=9", "a=1", "a=2", "a=7,b=9"),
            ("and gave what is new", "a=1,c=7", "a=1", "a=2,c=3", "a=2,c=7"),
            ("a name without a text", "a,b=9", "a", "a=2", "a=2,b=9"),
            ("null is said", "a=1,b=9", "a=1", "null", "b=9"),
            ("what equals changes nothing", "b=9", "a=1", "a=1", "b=9"),
        ] {
            let mut record: Record = stated(has).map(|has| (EXT, has)).into_iter().collect();
            put_field(&mut record, EXT, [stated(was).as_ref(), stated(is).as_ref()]);
            assert_eq!(record.get(EXT), stated(expected).as_ref(), "{why}");
        }
        let text = |text: &str| Some(Value::Text(text.into()));
        for (has, expected) in [("de", "fr"), ("en", "en")] {
            let mut record: Record = [(LANGUAGE, text(has))].into_iter().collect();
            put_field(&mut record, LANGUAGE, [Some(&text("de")), Some(&text("fr"))]);
            assert_eq!(record.get(LANGUAGE), Some(&text(expected)));
        }
    }
}

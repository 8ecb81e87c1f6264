//! What was heard of an order and did not stand, as its log and blame tell it.

use std::collections::BTreeMap;

use orderhub_order::catalogue::{FieldId, Merge, catalogue};
use orderhub_order::contribution::Stated;
use orderhub_order::history::{self, Delta, Edit, Lost, MASK, decode_delta};
use orderhub_order::ids::At;
use orderhub_order::model::Element;
use orderhub_order::value::{Text, Value as Hub};
use serde_json::{Value, json};

use crate::store::ChangeRow;

/// A word that did not stand, for people: of a map each name is one.
pub(super) struct Word<'a> {
    /// The version in which it was heard.
    pub(super) change: &'a ChangeRow,
    /// Of which field, by its keyed path.
    pub(super) field: String,
    /// The same, of a map with the name.
    pub(super) path: String,
    said: Value,
    personal: bool,
    merge: Option<Merge>,
    /// The version whose value stands instead.
    stays: Option<&'a ChangeRow>,
    /// Nothing does: the order does not say it.
    unsaid: bool,
}

/// All such words of an order, oldest first.
pub(super) fn words<'a>(changes: &[&'a ChangeRow]) -> Vec<Word<'a>> {
    let rows: BTreeMap<u32, &ChangeRow> = changes.iter().map(|row| (row.version, *row)).collect();
    let (mut found, mut named) = (Vec::new(), Named::default());
    for change in changes {
        let delta = match decode_delta(&change.delta, &change.personal) {
            Ok(delta) => delta,
            Err(error) => {
                tracing::warn!(%error, version = change.version, "a stored change cannot be read");
                continue;
            }
        };
        named.note(&delta);
        for lost in history::lost(&delta) {
            for (name, said, unsaid) in said(&lost) {
                let field = lost.at.path_of(lost.field);
                let since = name.map_or(lost.since, |name| named.since(&lost, name));
                found.push(Word {
                    change,
                    path: name.map_or_else(|| field.clone(), |name| format!("{field}.{name}")),
                    field,
                    said,
                    personal: catalogue().personal().contains(lost.field),
                    merge: catalogue().field(lost.field).map(|field| field.merge),
                    stays: since.and_then(|version| rows.get(&version)).copied(),
                    unsaid,
                });
            }
        }
    }
    found
}

/// The words of a version, of a field: whatever `of` says.
pub(super) fn by<'w, 'a, K: Ord>(
    words: &'w [Word<'a>],
    of: impl Fn(&'w Word<'a>) -> K,
) -> BTreeMap<K, Vec<&'w Word<'a>>> {
    let mut found: BTreeMap<K, Vec<&Word<'_>>> = BTreeMap::new();
    for word in words {
        found.entry(of(word)).or_default().push(word);
    }
    found
}

/// What was said, of a map by its names, and whether nothing stands there. Earlier programs kept all that was said of a map:
/// what stands of that was not lost.
fn said<'l>(lost: &Lost<'l>) -> Vec<(Option<&'l Text>, Value, bool)> {
    let Some(Hub::Map(names)) = lost.said else {
        let unsaid = lost.stands.is_none_or(Option::is_none);
        return vec![(None, orderhub_order::json::value(lost.said), unsaid)];
    };
    let stands = |name: &Text| names_of(lost.stands).and_then(|stands| stands.get(name));
    let other = names.iter().filter(|(name, text)| stands(name) != Some(*text));
    let text = |text: &Option<Text>| json!(text.as_ref().map(ToString::to_string));
    let unsaid = |name: &Text| stands(name).is_none_or(Option::is_none);
    other.map(|(name, said)| (Some(name), text(said), unsaid(name))).collect()
}

/// The version that gave a name of a map its text, or took it away: each name is merged by itself.
#[derive(Default)]
struct Named(BTreeMap<(At, FieldId), BTreeMap<Text, u32>>);

impl Named {
    fn note(&mut self, delta: &Delta) {
        for edit in &delta.edits {
            if let Edit::Add { at, collection, element } = edit {
                self.added(&at.with(*collection, element.id.clone()), element, delta.version);
            }
        }
        for edit in history::changed(delta) {
            if let Edit::Field { at, field, old, new } = edit {
                self.changed((at, *field), (old.as_ref(), new.as_ref()), delta.version);
            }
        }
    }

    fn added(&mut self, at: &At, element: &Element, version: u32) {
        for (field, value) in element.fields.iter() {
            self.changed((at, field), (None, Some(value)), version);
        }
        for (collection, all) in &element.collections {
            for inner in all {
                self.added(&at.with(*collection, inner.id.clone()), inner, version);
            }
        }
    }

    fn changed(
        &mut self,
        (at, field): (&At, FieldId),
        (old, new): (Option<&Stated>, Option<&Stated>),
        version: u32,
    ) {
        let (old, new) = (names_of(old), names_of(new));
        if old.is_none() && new.is_none() {
            return;
        }
        let of = self.0.entry((at.clone(), field)).or_default();
        for name in old.into_iter().chain(new).flat_map(BTreeMap::keys) {
            if old.and_then(|old| old.get(name)) != new.and_then(|new| new.get(name)) {
                of.insert(name.clone(), version);
            }
        }
    }

    fn since(&self, lost: &Lost<'_>, name: &Text) -> Option<u32> {
        self.0.get(&(lost.at.clone(), lost.field))?.get(name).copied()
    }
}

fn names_of(stated: Option<&Stated>) -> Option<&BTreeMap<Text, Option<Text>>> {
    match stated {
        Some(Some(Hub::Map(names))) => Some(names),
        _ => None,
    }
}

impl Word<'_> {
    /// As answers have it. `mask`: personal values are not shown.
    pub(super) fn shown(&self, mask: bool) -> Value {
        let Self { path, said, .. } = self;
        let value = if mask && self.personal && !said.is_null() { &MASK.into() } else { said };
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        // Whose it is that came in with the same message is not known.
        let other = self.stays.filter(|stays| stays.version != self.change.version).map(name);
        let stayed = match other {
            Some(other) => format!("the value of {other} stayed"),
            None if self.unsaid => "the order says nothing there".to_owned(),
            None => "the value of the order stayed".to_owned(),
        };
        let why = match self.merge {
            Some(Merge::Newest) => "the other side owns it, or said it later",
            _ => "the other side owns it",
        };
        let system = name(self.change);
        let words = format!("`{path}` of {system}: `{text}` did not stand; {stayed}: {why}");
        json!({
            "field": path,
            "value": value,
            "version": self.change.version,
            "at": self.change.at.to_string(),
            "actor": self.change.actor,
            "stays": self.stays.map(|change| change.version),
            "words": words,
        })
    }
}

/// Who spoke: a system by its name.
fn name(change: &ChangeRow) -> &str {
    change.actor.strip_prefix("system:").unwrap_or(&change.actor)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use jiff::Timestamp;
    use orderhub_order::catalogue::{FieldSet, known};
    use orderhub_order::history::{Delta, Edit, encode_delta};
    use orderhub_order::ids::At;

    use super::*;

    fn change(version: u32, actor: &str, edits: Vec<Edit>) -> ChangeRow {
        let stored = encode_delta(Delta { version, edits });
        ChangeRow {
            version,
            at: Timestamp::UNIX_EPOCH,
            actor: actor.to_owned(),
            cause: "message:1".to_owned(),
            reason: None,
            bundle: "b".to_owned(),
            touched: FieldSet::default(),
            delta: stored.body,
            personal: stored.personal,
        }
    }

    #[test]
    fn what_did_not_stand_is_told_with_whose_value_stayed() {
        let field = known::order::NOTES_CUSTOMER;
        let text = |text: &str| Some(Some(Hub::text(text)));
        let edit = |old, new| Edit::Field { at: At::ROOT, field, old, new };
        let first = change(1, "system:till", vec![edit(None, text("TILL"))]);
        let touched = Edit::Touched { at: At::ROOT, field, version: Some(1) };
        let edits =
            vec![edit(text("TILL"), text("USER")), edit(text("USER"), text("TILL")), touched];
        let second = change(2, "system:crm", edits);
        let all = [&first, &second];
        let found = words(&all);
        let [word] = &found[..] else { panic!("not one word") };
        let shown = word.shown(false);
        assert_eq!((&shown["value"], &shown["version"]), (&json!("USER"), &json!(2)));
        assert_eq!(shown["stays"], 1);
        let sentence = "`notes.customer` of crm: `USER` did not stand; the value of till stayed: the other side owns it";
        assert_eq!(shown["words"], sentence);
        let masked = word.shown(true);
        assert_eq!((&masked["value"], masked.to_string().contains("USER")), (&json!("***"), false));
    }

    #[test]
    fn of_a_map_each_name_that_did_not_stand_is_told_by_itself() {
        let field = known::order::EXT;
        let map = |names: &[(&str, &str)]| {
            let names = names.iter().map(|(name, text)| (Text::from(*name), Some((*text).into())));
            Some(Some(Hub::Map(Arc::new(names.collect()))))
        };
        let edit = |old, new| Edit::Field { at: At::ROOT, field, old, new };
        let (a, b) = (map(&[("gift", "a")]), map(&[("gift", "b"), ("pack", "x")]));
        let c = map(&[("desk", "7"), ("gift", "b"), ("pack", "x")]);
        let first = change(1, "system:till", vec![edit(None, a.clone())]);
        let second = change(2, "system:till", vec![edit(a, b.clone())]);
        // As it is kept, and as earlier programs kept it.
        for said in [map(&[("gift", "c")]), map(&[("desk", "7"), ("gift", "c")])] {
            let word = [edit(c.clone(), said.clone()), edit(said, c.clone())];
            let came = [vec![edit(b.clone(), c.clone())], word.to_vec()].concat();
            let third = change(3, "system:crm", came);
            // Another name has come since, which says nothing of this one.
            let d = map(&[("desk", "8"), ("gift", "b"), ("pack", "x")]);
            let fourth = change(4, "system:erp", vec![edit(c.clone(), d.clone())]);
            let said = map(&[("gift", "d")]);
            let touched = Edit::Touched { at: At::ROOT, field, version: Some(4) };
            let word = vec![edit(d.clone(), said.clone()), edit(said, d), touched];
            let fifth = change(5, "system:crm", word);
            let found = [&first, &second, &third, &fourth, &fifth];
            let found = words(&found);
            let found: Vec<Value> = found.iter().map(|word| word.shown(false)).collect();
            let sentence = |text: &str| {
                format!(
                    "`ext.gift` of crm: `{text}` did not stand; the value of till stayed: the other side owns it"
                )
            };
            let told =
                |text: &str, version: u32| json!(["ext.gift", text, version, 2, sentence(text)]);
            let seen = found.iter().map(|word| {
                json!([word["field"], word["value"], word["version"], word["stays"], word["words"]])
            });
            assert_eq!(seen.collect::<Vec<_>>(), [told("c", 3), told("d", 5)]);
        }
    }

    #[test]
    fn of_what_the_order_does_not_say_nobody_is_named() {
        let field = known::order::CANCEL_REASON;
        let said = Some(Some(Hub::text("fraud")));
        let edit = |old, new| Edit::Field { at: At::ROOT, field, old, new };
        let touched = Edit::Touched { at: At::ROOT, field, version: None };
        let edits = vec![edit(None, said.clone()), edit(said, None), touched];
        let all = [&change(2, "system:crm", edits)];
        let found = words(&all);
        let [word] = &found[..] else { panic!("not one word") };
        let shown = word.shown(false);
        assert_eq!((&shown["value"], &shown["stays"]), (&json!("fraud"), &Value::Null));
        let sentence = "`cancel.reason` of crm: `fraud` did not stand; the order says nothing there: the other side owns it";
        assert_eq!(shown["words"], sentence);
    }
}

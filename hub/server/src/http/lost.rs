//! What was heard of an order and does not stand, as its log and blame tell it.

use orderhub_order::catalogue::{Merge, catalogue};
use orderhub_order::contribution::Stated;
use orderhub_order::history::{self, Lost, MASK, decode_delta};
use orderhub_order::value::{Text, Value as Hub};
use serde_json::{Value, json};

use crate::store::ChangeRow;

/// A word that does not stand, for people.
pub(super) struct Word<'a> {
    /// The version in which it was heard.
    pub(super) change: &'a ChangeRow,
    /// Of which field, by its keyed path.
    pub(super) path: String,
    said: Stated,
    personal: bool,
    merge: Option<Merge>,
    stays: Option<&'a ChangeRow>,
}

/// All such words of an order, oldest first.
pub(super) fn words<'a>(changes: &[&'a ChangeRow]) -> Vec<Word<'a>> {
    let mut found = Vec::new();
    for change in changes {
        let delta = match decode_delta(&change.delta, &change.personal) {
            Ok(delta) => delta,
            Err(error) => {
                tracing::warn!(%error, version = change.version, "a stored change cannot be read");
                continue;
            }
        };
        let lost = history::lost(&delta).into_iter();
        found.extend(lost.map(|lost| word(change, &lost, changes)));
    }
    found
}

fn word<'a>(change: &'a ChangeRow, lost: &Lost<'_>, changes: &[&'a ChangeRow]) -> Word<'a> {
    let of = |version: u32| changes.iter().find(|change| change.version == version).copied();
    Word {
        change,
        path: lost.at.path_of(lost.field),
        said: lost.said.clone(),
        personal: catalogue().personal().contains(lost.field),
        merge: catalogue().field(lost.field).map(|field| field.merge),
        stays: lost.since.and_then(of),
    }
}

impl Word<'_> {
    /// As answers have it. `mask`: personal values are not shown.
    pub(super) fn shown(&self, mask: bool) -> Value {
        self.told(&self.path, &orderhub_order::json::value(&self.said), mask)
    }

    /// What it says of one name of a map; `None`: nothing.
    pub(super) fn of_name(&self, name: &Text, mask: bool) -> Option<Value> {
        let Some(Hub::Map(names)) = &self.said else { return None };
        let said = json!(names.get(name)?.as_ref().map(ToString::to_string));
        Some(self.told(&format!("{}.{name}", self.path), &said, mask))
    }

    fn told(&self, path: &str, said: &Value, mask: bool) -> Value {
        let value = if mask && self.personal && !said.is_null() { &MASK.into() } else { said };
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let (system, stays) = (name(self.change), self.stays);
        let other = stays.map_or("another", name);
        let why = match self.merge {
            Some(Merge::Newest) => "the newer one wins",
            _ => "the other side owns it",
        };
        let words = format!(
            "`{path}` of {system}: `{text}` does not stand; the value of {other} stays: {why}"
        );
        json!({
            "field": path,
            "value": value,
            "version": self.change.version,
            "at": self.change.at.to_string(),
            "actor": self.change.actor,
            "stays": stays.map(|change| change.version),
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
    fn what_does_not_stand_is_told_with_whose_value_stays() {
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
        let sentence = "`notes.customer` of crm: `USER` does not stand; the value of till stays: the other side owns it";
        assert_eq!(shown["words"], sentence);
        let masked = word.shown(true);
        assert_eq!((&masked["value"], masked.to_string().contains("USER")), (&json!("***"), false));
    }
}

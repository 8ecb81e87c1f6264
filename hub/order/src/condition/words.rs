//! Why a condition does not hold, in words: what must be, and what is.

use super::{Condition, FieldLook, Found, Look, Must, Scene, Test, start};
use crate::catalogue::{Personal, catalogue};
use crate::ids::{At, Collection};
use crate::model::Order;

/// Holds and elements that are named.
const MOST_NAMED: usize = 5;

impl Condition {
    /// The tests that do not hold for the subject at `at`, a sentence each. Personal values are not told.
    pub fn unmet(&self, scene: Scene<'_>, at: &At) -> Vec<String> {
        let unmet = self.tests.iter().filter(|test| !test.holds(scene, at));
        unmet.map(|test| test.words(scene.order, at)).collect()
    }
}

impl Test {
    fn words(&self, order: &Order, at: &At) -> String {
        match &self.look {
            Look::Linked(roles) => {
                let roles: Vec<&str> = roles.iter().map(|role| role.as_str()).collect();
                let not = if matches!(self.must, Must::NotAnyOf(_)) { "must not" } else { "must" };
                format!("{} {not} know the order first", either(&roles))
            }
            Look::Elements { root, within, collection } => {
                let places = start(order, at, *root, within);
                let found = places.iter().flat_map(|place| order.elements_at(place, *collection));
                let found: Vec<String> = found.map(|(at, _)| name(order, &at)).collect();
                let shown = found.iter().take(MOST_NAMED).map(String::as_str).collect::<Vec<_>>();
                if found.is_empty() {
                    format!("there must be {}, and there are none", collection.path())
                } else {
                    format!("no {} may stand: {}", collection.path(), shown.join(", "))
                }
            }
            Look::Field(look) => format!("`{}` {}", path(look), self.field_words(look, order, at)),
        }
    }

    fn field_words(&self, look: &FieldLook, order: &Order, at: &At) -> String {
        let must = match &self.must {
            Must::AnyOf(words) => format!("must be {}", either(words)),
            Must::NotAnyOf(words) => format!("must not be {}", either(words)),
            Must::Starts(begins) => format!("must begin with {}", either(begins)),
            Must::Present => "must be there".to_owned(),
            Must::Absent | Must::None => "must not be there".to_owned(),
            Must::From { machine, rank } => match catalogue().at_rank(machine, *rank) {
                Some(word) => format!("must have come to {word}"),
                None => "must have come further".to_owned(),
            },
        };
        let personal = catalogue().field(look.field).is_none_or(|f| f.personal != Personal::None);
        let places = start(order, at, look.root, &look.within);
        let mut found = places.iter().map(|place| look.text(order, place));
        match found.find(|found| *found != Found::Nothing) {
            None => format!("{must}; it is not there"),
            Some(Found::Text(text)) if !personal => format!("{must}; it is {text}"),
            Some(Found::Text(_) | Found::Some | Found::Nothing) => format!("{must}; it is not so"),
        }
    }
}

fn path(look: &FieldLook) -> String {
    let field = catalogue().field(look.field).map(|field| field.full_path()).unwrap_or_default();
    match &look.part {
        Some(part) => format!("{field}.{part}"),
        None => field,
    }
}

fn either<T: AsRef<str>>(words: &[T]) -> String {
    let words: Vec<&str> = words.iter().map(AsRef::as_ref).collect();
    match words.as_slice() {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [most @ .., last] => format!("{} or {last}", most.join(", ")),
    }
}

/// A hold by its code, with what it is about; anything else by its place.
fn name(order: &Order, at: &At) -> String {
    use crate::catalogue::known::hold;
    let fields = order.element(at).map(|element| &element.fields);
    match (at.collection(), fields) {
        (Collection::Holds, Some(fields)) => {
            let text = |field| fields.text(field).unwrap_or_default();
            let id = at.id().map(|id| id.as_str()).unwrap_or_default();
            format!("{} ({id}, {})", text(hold::CODE), text(hold::SCOPE))
        }
        (_, _) => at.to_string(),
    }
}

//! What the `when:` of a step that makes asks for, beside what else the step that looks keeps.
//!
//! A save that has a value of any answer (`id: body.items.0.id ?? ()`) says nothing by itself: of `{ "items": [null] }`
//! it keeps nothing, as where there is none. One beside it that is there anyway (`n: body.items`) does not make it say
//! more. It does where it shows that the thing itself is there: `label: body.label.id ?? ()` is a part of what
//! `id: body.id` names.

use orderhub_lang::expression::{EvalError, Name, Scope};
use orderhub_lang::path::Segment;
use orderhub_lang::value::Value;

use super::super::model::{Expr, Save, Step};
use super::super::walk::yes;
use super::looked::{Page, keeps_anything};

/// A save by which the step that looks tells nothing, and by which `when` lets the thing be made. What other steps keep by
/// the same name is trusted.
pub(super) fn untold<'s>(
    looks: &'s Step,
    when: &Expr,
    kept_by_others: &dyn Fn(&str) -> bool,
) -> Option<&'s Save> {
    let of_memo = |name: &Name| matches!(name.root.as_str(), "memo" | "mine");
    let asked =
        |save: &Save| when.reads().iter().any(|n| of_memo(n) && n.key() == Some(&save.name));
    let untold = looks.save.iter().find(|save| {
        asked(save) && !kept_by_others(&save.name) && keeps_anything(save) && !is_part(save, looks)
    })?;
    // Where all that it asks is known here, it may say no by the other names that it asks for.
    let known = when.reads().iter().all(of_memo);
    let makes = !known || yes(when, &Kept(&looks.save)).unwrap_or(false);
    makes.then_some(untold)
}

fn paths(save: &Save) -> impl Iterator<Item = &Name> {
    save.value.reads().iter().filter(|name| name.root == "body" && !name.segments.is_empty())
}

/// Whether another save names the thing that all of this one are parts of.
fn is_part(save: &Save, looks: &Step) -> bool {
    let told = || looks.save.iter().filter(|other| !keeps_anything(other));
    let part = |name: &Name| told().any(|other| paths(other).all(|of| is_part_of(name, of)));
    paths(save).count() > 0 && paths(save).all(part)
}

/// `body.label.id` is a part of what `body.id` names, and `body.items.0.id` is none of what `body.items` is.
fn is_part_of(part: &Name, of: &Name) -> bool {
    let Some((_, thing)) = of.segments.split_last() else { return false };
    let Some(within) = part.segments.strip_prefix(thing) else { return false };
    let key = |segment: &Segment| matches!(segment, Segment::Key(key) if key != "one");
    !part.segments.starts_with(&of.segments) && !within.is_empty() && within.iter().all(key)
}

/// What is kept of an answer that has what is held to its path, and nothing else.
struct Kept<'s>(&'s [Save]);

impl Scope for Kept<'_> {
    fn get(&self, name: &Name) -> Result<Value, EvalError> {
        let save = self.0.iter().find(|save| name.key() == Some(&save.name));
        match save {
            Some(save) if keeps_anything(save) => save.value.eval(&Page),
            Some(_) => Ok(Value::text("kept")),
            None => Ok(Value::Null),
        }
    }
}

//! Adds compiled rules to the program of an element: to a field, to a part of an address, to an entry of a map.

use orderhub_order::catalogue::{Field, Personal};

use super::target::{InTarget, limits};
use crate::program::{Alternative, Element, FieldProgram, InRule};

/// Gives `alternatives` of a field the rule, making the field's program where it is the first.
pub(super) fn with_field(
    element: &mut Element,
    field: &'static Field,
    add: impl FnOnce(&mut Vec<Alternative>),
) {
    if let Some(known) = element.fields.iter_mut().find(|known| known.id == field.id) {
        add(&mut known.rules);
        return;
    }
    let mut rules = Vec::new();
    add(&mut rules);
    element.fields.push(FieldProgram {
        id: field.id,
        ty: field.ty.clone(),
        personal: field.personal != Personal::None,
        target: limits(field),
        rules,
    });
}

/// Adds a rule to the field it writes.
pub(super) fn add(element: &mut Element, target: InTarget, rule: InRule) {
    match target {
        InTarget::Xref(kind) => element.xrefs.push((kind.into(), rule)),
        InTarget::Field(field, named) => {
            with_field(element, field, |rules| rules.push(Alternative::Whole(rule, named)));
        }
        InTarget::AddressPart(field, part) => {
            with_field(element, field, |rules| add_part(rules, part, rule));
        }
        InTarget::Entry(field, name) => {
            with_field(element, field, |rules| add_entry(rules, (name.into(), rule)));
        }
    }
}

fn add_part(rules: &mut Vec<Alternative>, part: &'static str, rule: InRule) {
    let known = rules.iter_mut().find_map(|known| match known {
        Alternative::Address(None, parts) => Some(parts),
        Alternative::Address(Some(_), _) | Alternative::Whole(..) | Alternative::Entries(_) => None,
    });
    let Some(parts) = known else {
        rules.push(Alternative::Address(None, vec![(part, vec![rule])]));
        return;
    };
    match parts.iter_mut().find(|(name, _)| *name == part) {
        Some((_, rules)) => rules.push(rule),
        None => parts.push((part, vec![rule])),
    }
}

fn add_entry(rules: &mut Vec<Alternative>, entry: (Box<str>, InRule)) {
    let known = rules.iter_mut().find_map(|known| match known {
        Alternative::Entries(entries) => Some(entries),
        Alternative::Address(..) | Alternative::Whole(..) => None,
    });
    match known {
        Some(entries) => entries.push(entry),
        None => rules.push(Alternative::Entries(vec![entry])),
    }
}

//! What references of the system that speaks are bound to, `lookup: { xref: order, take: ref }`.

use orderhub_lang::yaml::Node;

use super::super::Options;
use super::Unknown;
use super::asked::Asked;
use crate::facts::LookupOf;

/// What may be taken of what a reference is bound to.
const TAKEN: &[(&str, &str)] = &[("ref", "ref"), ("id", "id")];

/// Reads what is looked up: what references of a kind are bound to.
pub(super) fn read(
    kind: &Node,
    (from, take): (Option<&Node>, Option<&Node>),
    on_unknown: Unknown,
    options: &mut Options<'_>,
) -> Option<Asked> {
    let name = options.only_text(kind, "a kind is needed: `xref: order`")?;
    if let Some(from) = from {
        options.wrong(from, "`from` names a column of master data: a reference is known by its id");
        return None;
    }
    // Those are of the hub's customers and products, and identify no order.
    if ["customer", "sku"].contains(&name.as_str()) {
        let why = "references of customers and articles are shared by many orders: articles stand in master data, `master: skus`";
        options.wrong(kind, why);
        return None;
    }
    if name == "line" {
        let why = "a line has no reference of its own: it is known by the order and its key there";
        options.wrong(kind, why);
        return None;
    }
    let take = match take {
        Some(take) => options.word(take, TAKEN)?,
        None => "ref",
    };
    Some(Asked { of: LookupOf::Xref, name: name.into(), take: take.into(), on_unknown })
}

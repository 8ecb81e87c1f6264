//! `lookup: { master: skus, from: erp_no, take: sku, on_unknown: hold }`: a value that stands elsewhere than in the
//! document. Master data stand in `hub/master/<name>.csv` of the mappings folder, and are part of the bundle: what was
//! looked up is known by the bundle's hash.
//!
//! `from` is the column of the system's value, the first unless it is named; `take` the column of the hub's, which a
//! table of two columns need not name. Where each value of `take` stands in one row only, the lookup goes both ways.
//! `on_unknown: hold` (the default) keeps an unknown word of a state, for which the order is held, and parks a
//! document with any other, naming the key.
//!
//! `lookup: { xref: order, take: ref }`: what a reference of the system that speaks is bound to, our `ref` of the order,
//! fulfilment or shipment (the default), or its `id`. It comes in only, and is recorded with the message. With
//! `on_unknown: hold` the message waits until the reference is known, as it waits for its order.
//!
//! `lookup: { read: products, take: code }`: the value at the path `take` of what a cached read of the integration
//! answers for the document's value, the read's one argument. It comes in only, and is recorded with the message.
//! What the system answered without such a value is unknown; a message whose read is not answered waits.

mod asked;
mod master;
mod read;
mod reference;

use std::borrow::Cow;

use orderhub_lang::yaml::Node;
use orderhub_order::value::held;

use super::table::{Unknown, unknown};
use super::{Conversion, Options, Target};
use crate::cell::{Cell, Trouble};

/// What is to be written.
const FORM: &str = "what is looked up is needed: lookup: { master: skus, take: sku }";
const ONE: &str = "one thing is looked up: a `master`, an `xref` or a `read`, and not two of them";

/// Reads the conversion: one of `master`, `xref` and `read`.
pub(crate) fn read(node: &Node, options: &mut Options<'_>) -> Option<Box<dyn Conversion>> {
    if node.is_null() {
        options.wrong(node, FORM);
    }
    let mut fields = options.fields(node, "lookup")?;
    let sources = [fields.optional("master"), fields.optional("xref"), fields.optional("read")];
    let names = (fields.optional("from"), fields.optional("take"));
    let on_unknown = fields.optional("on_unknown");
    fields.finish(options.findings);
    let on_unknown = match on_unknown {
        Some(node) => unknown(node, options)?,
        None => Unknown::Hold,
    };
    match sources {
        [Some(name), None, None] => {
            Some(Box::new(master::Master::read(name, names, on_unknown, options)?))
        }
        [None, Some(kind), None] => {
            Some(Box::new(reference::read(kind, names, on_unknown, options)?))
        }
        [None, None, Some(name)] => Some(Box::new(read::read(name, names, on_unknown, options)?)),
        _ => {
            let none = sources.iter().all(Option::is_none);
            options.wrong(node, if none { FORM } else { ONE });
            None
        }
    }
}

/// What becomes of a value that is not known where it is looked up.
fn unknown_gives<'a>(
    on_unknown: &Unknown,
    text: Cow<'a, str>,
    target: Target,
    trouble: impl Fn() -> Trouble,
) -> Result<Cell<'a>, Trouble> {
    match on_unknown {
        Unknown::Ignore => Ok(Cell::Absent),
        Unknown::Use(other) => Ok(Cell::text(other.clone())),
        Unknown::Fail => Err(trouble()),
        // Only a state can be held for its value: the fold knows its words.
        Unknown::Hold if !target.is_enum => Err(trouble()),
        // A code that looks like a word of ours is still none of them.
        Unknown::Hold => Ok(Cell::text(held(&text, target.words).to_string())),
        Unknown::Pass => Ok(Cell::Text(text)),
    }
}

//! What a rule writes in the hub: a field, a part of one, a reference, a collection.

use orderhub_lang::path::Root;
use orderhub_order::catalogue::{Field, FieldType, Kind, catalogue};
use orderhub_order::ids::Collection;

use super::Compiler;
use crate::ast::PathAt;
use crate::conversions::Target;
use crate::hub_path::{HubPath, Leaf, Part, Resolver, Start, Step};
use crate::program::RefName;

/// A resolved hub side.
#[derive(Clone, Debug)]
pub(crate) enum HubSide {
    /// A place in the order.
    Place(HubPath),
    /// A setting: goes out only.
    Setting(String),
}

/// What a rule may write on the way in.
#[derive(Clone, Debug)]
pub(crate) enum InTarget {
    /// A field.
    Field(&'static Field, RefName),
    /// A part of an address.
    AddressPart(&'static Field, &'static str),
    /// An entry of a map.
    Entry(&'static Field, String),
    /// A reference of the element.
    Xref(String),
}

impl Compiler<'_> {
    /// Resolves one path of a hub side.
    pub(super) fn hub_side(&mut self, path: &PathAt, stack: &[Collection]) -> Option<HubSide> {
        if path.is.root == Root::Settings {
            let scope = super::Scope::body(crate::scan::trie::Trie::BODY);
            let (source, _) = self.source(path, &scope)?;
            let crate::program::Source::Setting(name) = source else { return None };
            return Some(HubSide::Setting(name));
        }
        let resolver = &mut Resolver { findings: self.findings };
        resolver.resolve(&path.is, path.span, stack).map(HubSide::Place)
    }
}

/// What a hub path is on the way in; `Err`: why it goes out only.
pub(super) fn in_target(path: &HubPath, stack: &[Collection]) -> Result<InTarget, String> {
    let here = stack.last().copied().unwrap_or(Collection::Root);
    let at_order = path.start == Start::Order && here != Collection::Root;
    if at_order || matches!(path.start, Start::Up(1..)) {
        return Err("a document states fields of its own element only".to_owned());
    }
    let named = match path.steps.as_slice() {
        [] => RefName::Theirs,
        [Step::Follow(id, _)] => return followed(path, *id),
        _ => return Err("elements are matched by key: use `each:`".to_owned()),
    };
    let (id, part) = match &path.leaf {
        Leaf::Field(id, part) => (*id, part),
        Leaf::Xref(kind) => return Ok(InTarget::Xref(kind.clone())),
        Leaf::Collection(_) => return Err("a collection is mapped with `each:`".to_owned()),
        Leaf::Ordinal => return Err("`$n` is the hub's own".to_owned()),
    };
    let field = catalogue().field(id).ok_or("no such field")?;
    match field.kind {
        Kind::Derived => {
            return Err(format!(
                "`{}` is computed by the hub: it goes out only, or nowhere",
                field.full_path()
            ));
        }
        Kind::Hub => {
            return Err(format!(
                "`{}` is written by the hub: it goes out only, or nowhere",
                field.full_path()
            ));
        }
        Kind::Given | Kind::Atomic | Kind::Fact => {}
    }
    match part {
        None => Ok(InTarget::Field(field, named)),
        Some(Part::Address(part)) => Ok(InTarget::AddressPart(field, part)),
        Some(Part::Entry(name)) => Ok(InTarget::Entry(field, name.clone())),
        Some(Part::Amount | Part::Currency) => {
            Err("an amount comes in whole: `as: { money: { currency: … } }`".to_owned())
        }
    }
}

/// `line.id`, `line.sku`, `fulfilment.ref`: how the document names the element.
fn followed(path: &HubPath, id: orderhub_order::catalogue::FieldId) -> Result<InTarget, String> {
    let why = "a reference comes in as `line`, `line.id` or `line.sku`";
    let field = catalogue().field(id).ok_or(why)?;
    let named = path.field().map(|field| field.path);
    match named {
        Some("id" | "ref") => Ok(InTarget::Field(field, RefName::Ours)),
        Some("sku") => Ok(InTarget::Field(field, RefName::Sku)),
        _ => Err(why.to_owned()),
    }
}

/// Limits that a field sets to conversions.
pub(crate) fn limits(field: &Field) -> Target {
    Target {
        money_digits: field.money_digits(),
        is_enum: matches!(field.ty, FieldType::Enum(_)),
        is_state: field.is_state(),
        is_revision: false,
        words: field.words(),
    }
}

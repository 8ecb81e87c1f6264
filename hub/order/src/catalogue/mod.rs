//! The hub fields, from `catalogue.yaml`: path, id, type, owners, merge policy, personal-data class.
//!
//! Read once from the embedded file; every mapping, check, page and export speaks these paths.
//!
//! **Invariant:** a field's number never changes and is below 256, so that a [`FieldSet`] holds any of
//! them. Test: `numbers_are_unique_and_fit_a_set`.

use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::ids::{Collection, Role};

pub mod known;
mod parse;
mod set;
#[cfg(test)]
mod tests;

pub(crate) use parse::read_owner;
pub use set::FieldSet;

/// A field's number in the catalogue, for ever: stored with every change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FieldId(pub u16);

/// The type of a field's values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FieldType {
    /// Text.
    Text,
    /// A reference to an element of another collection.
    Ref(Collection),
    /// A whole number.
    Integer,
    /// An exact decimal.
    Decimal,
    /// Amount and currency.
    Money,
    /// A moment.
    Timestamp,
    /// A day.
    Date,
    /// Yes or no.
    Boolean,
    /// One of the named enum's values.
    Enum(&'static str),
    /// ISO 3166-1 alpha-2.
    Country,
    /// ISO 4217.
    Currency,
    /// BCP 47.
    Language,
    /// UN/ECE Rec 20.
    Uom,
    /// A postal address.
    Address,
    /// A list of texts.
    List,
    /// Names and texts.
    Map,
}

/// How a field comes about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// From systems or people, merged field by field.
    Given,
    /// Given, merged as one unit.
    Atomic,
    /// Append only, identified by its key.
    Fact,
    /// Computed by the hub, never mapped in.
    Derived,
    /// Written by the hub, or by people through it.
    Hub,
}

/// Who may write a field by default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// The bound system of this role (channel: the order's origin; crm writes as service).
    Role(Role),
    /// People and service systems.
    Service,
    /// The hub itself.
    Hub,
    /// Anyone.
    Any,
}

/// What decides when both sides changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Merge {
    /// The first owner in the list wins.
    OwnerWins,
    /// The newer revision time wins.
    Newest,
    /// The larger value wins.
    Max,
    /// Both, as a set.
    Union,
    /// The higher rank of the field's machine wins.
    Advance,
    /// A person decides.
    Manual,
}

/// Which kind of personal data a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Personal {
    /// None.
    None,
    /// Phone, e-mail, free notes.
    Contact,
    /// A postal address.
    Address,
    /// A name, a tax number.
    Identity,
    /// Payment references.
    Payment,
}

/// One field of the catalogue.
#[derive(Clone, Debug)]
pub struct Field {
    /// Its number.
    pub id: FieldId,
    /// The collection it stands in.
    pub collection: Collection,
    /// The path within that collection: `state.payment`, `qty.ordered`.
    pub path: &'static str,
    /// The type of its values.
    pub ty: FieldType,
    /// How it comes about.
    pub kind: Kind,
    /// Who may write it, first wins.
    pub owners: Vec<Owner>,
    /// What decides a conflict.
    pub merge: Merge,
    /// Whether it is personal data.
    pub personal: Personal,
}

impl Field {
    /// A state: an order is held for a word of it that nobody knows. Other enums are open.
    pub fn is_state(&self) -> bool {
        let named = self.path == "status" || self.path.starts_with("state.");
        named && matches!(self.ty, FieldType::Enum(_))
    }

    /// The words of an enum; of another type none.
    pub fn words(&self) -> &'static [&'static str] {
        if let FieldType::Enum(name) = self.ty { catalogue().enum_values(name) } else { &[] }
    }

    /// The path from the order on, as mappings write it: `shipments.lines.qty`.
    pub fn full_path(&self) -> String {
        match self.collection.path() {
            "" => self.path.to_owned(),
            collection => format!("{collection}.{}", self.path),
        }
    }

    /// Most digits after the point that an amount may have beyond the currency's own: unit prices
    /// are finer than what is paid.
    pub fn money_digits(&self) -> Option<u32> {
        (self.id == known::line::UNIT_PRICE).then_some(crate::value::UNIT_PRICE_DIGITS)
    }
}

/// How a collection's elements are matched and who may add one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CollectionRules {
    /// The fields that identify an element: `id`, `line`, or several.
    pub key: Vec<&'static str>,
    /// Who may add an element.
    pub adds: Vec<Owner>,
}

/// The whole catalogue.
#[derive(Debug, Default)]
pub struct Catalogue {
    /// By number: `fields[n]` is field `n`.
    fields: Vec<Option<Field>>,
    by_place: HashMap<(Collection, &'static str), FieldId>,
    collections: BTreeMap<Collection, CollectionRules>,
    enums: BTreeMap<&'static str, Vec<&'static str>>,
    machines: BTreeMap<&'static str, Vec<Vec<&'static str>>>,
    finals: BTreeMap<&'static str, Vec<&'static str>>,
    personal: FieldSet,
}

/// The catalogue of this build.
pub fn catalogue() -> &'static Catalogue {
    // A broken embedded file cannot be built past the tests; it would give an empty catalogue.
    static CATALOGUE: LazyLock<Catalogue> =
        LazyLock::new(|| parse::parse(include_str!("../../catalogue.yaml")).unwrap_or_default());
    &CATALOGUE
}

impl Catalogue {
    /// The field with this number.
    pub fn field(&self, id: FieldId) -> Option<&Field> {
        self.fields.get(usize::from(id.0))?.as_ref()
    }

    /// The field at `path` within a collection: `(Lines, "qty.ordered")`.
    pub fn find(&self, collection: Collection, path: &str) -> Option<&Field> {
        self.by_place.get(&(collection, path)).and_then(|id| self.field(*id))
    }

    /// The field at a path from the order on: `state.payment`, `shipments.lines.qty`.
    pub fn find_full(&self, path: &str) -> Option<&Field> {
        let (collection, rest) = Collection::split(path);
        self.find(collection, rest)
    }

    /// All fields, by number.
    pub fn fields(&self) -> impl Iterator<Item = &Field> {
        self.fields.iter().flatten()
    }

    /// The fields of one collection, by number.
    pub fn fields_of(&self, collection: Collection) -> impl Iterator<Item = &Field> {
        self.fields().filter(move |field| field.collection == collection)
    }

    /// The fields at or below a dotted prefix from the order on: `customer`, `lines`, `state.payment`.
    pub fn below(&self, prefix: &str) -> FieldSet {
        let mut set = FieldSet::default();
        for field in self.fields() {
            let path = field.full_path();
            let rest = path.strip_prefix(prefix);
            if rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.')) {
                set.insert(field.id);
            }
        }
        set
    }

    /// Key and adders of a collection.
    pub fn rules(&self, collection: Collection) -> Option<&CollectionRules> {
        self.collections.get(&collection)
    }

    /// The known values of an enum. Enums are open: others are kept raw.
    pub fn enum_values(&self, name: &str) -> &[&'static str] {
        self.enums.get(name).map_or(&[], Vec::as_slice)
    }

    /// The names of all enums.
    pub fn enum_names(&self) -> impl Iterator<Item = &'static str> {
        self.enums.keys().copied()
    }

    /// The rank of a value in its machine, from 0; `None`: no machine, or an unknown value.
    pub fn rank(&self, machine: &str, value: &str) -> Option<usize> {
        self.machines.get(machine)?.iter().position(|rank| rank.contains(&value))
    }

    /// The first value of a rank of a machine.
    pub fn at_rank(&self, machine: &str, rank: usize) -> Option<&'static str> {
        self.machines.get(machine)?.get(rank)?.first().copied()
    }

    /// Whether a machine must not leave this value.
    pub fn is_final(&self, machine: &str, value: &str) -> bool {
        self.finals.get(machine).is_some_and(|finals| finals.contains(&value))
    }

    /// The machine of a field: its enum's ranks, where it has any.
    pub fn machine(&self, id: FieldId) -> Option<&'static str> {
        let FieldType::Enum(name) = self.field(id)?.ty else { return None };
        self.machines.contains_key(name).then_some(name)
    }

    /// The fields that hold personal data: stored apart from the others.
    pub fn personal(&self) -> FieldSet {
        self.personal
    }

    /// The known path nearest to a wrong one, from the order on: "did you mean".
    pub fn nearest(&self, wrong: &str) -> Option<String> {
        let paths: Vec<String> = self.fields().map(Field::full_path).collect();
        let names =
            paths.iter().map(String::as_str).chain(Collection::ALL.iter().map(|c| c.path()));
        orderhub_lang::diagnostic::nearest(wrong, names).map(str::to_owned)
    }
}

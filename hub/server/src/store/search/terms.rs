//! What finds an order, from its head and its lanes.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use orderhub_order::catalogue::{FieldSet, catalogue, known};
use orderhub_order::ids::{At, Collection, Entity};
use orderhub_order::lane::is_shared;
use orderhub_order::model::{Element, Order, State};
use orderhub_order::value::{Address, Value};

use super::key::{Kind, SearchKey};
use super::{MOST_HASHES, MOST_WORDS, Terms, normal};

/// The elements whose ids at systems find the order, the most asked for first.
const NAMED: [Collection; 6] = [
    Collection::Root,
    Collection::Shipments,
    Collection::Invoices,
    Collection::Returns,
    Collection::Fulfilments,
    Collection::Payments,
];

/// The fields that a change of what finds an order touches, but for ids at systems, which stand in lanes. A
/// tombstone touches every field of its element.
static SEARCHED: LazyLock<FieldSet> = LazyLock::new(|| {
    let fields = [
        known::order::ORDER_NO,
        known::order::CUSTOMER_NAME,
        known::order::CUSTOMER_EMAIL,
        known::order::CUSTOMER_PHONE,
        known::order::CUSTOMER_COMPANY,
        known::order::CUSTOMER_TAX_NO,
        known::order::ADDRESSES_SHIP_TO,
        known::order::ADDRESSES_BILL_TO,
        known::fulfilment::REF,
        known::shipment::REF,
        known::shipment::TRACKING_NO,
        known::package::TRACKING_NO,
        known::package::SSCC,
        known::package::ID,
    ];
    let wholes = ["payments", "returns", "invoices"].map(|path| catalogue().below(path));
    wholes.into_iter().fold(fields.into_iter().collect(), FieldSet::union)
});

/// Whether a change of these fields may change what finds the order.
pub(super) fn searched(touched: &FieldSet) -> bool {
    touched.intersects(&SEARCHED)
}

impl Terms {
    /// What finds an order as it is.
    pub(crate) fn of(state: &State, key: &SearchKey) -> Self {
        let mut gathered = Gathered { terms: Self::default(), key };
        gathered.words(state);
        gathered.people(&state.order);
        gathered.terms
    }

    /// Whether the change from one state to another, that touched these fields, may have changed it.
    pub(crate) fn may_differ(before: &State, after: &State, touched: &FieldSet) -> bool {
        searched(touched)
            || after.lanes.iter().any(|lane| {
                let known = before.lanes.get(&lane.system);
                known.map_or(!lane.xrefs.is_empty(), |known| known.xrefs != lane.xrefs)
            })
    }
}

struct Gathered<'a> {
    terms: Terms,
    key: &'a SearchKey,
}

impl Gathered<'_> {
    /// What the order itself is called: all of it before the other words.
    fn called(&mut self, text: Option<&str>) {
        self.add(text.and_then(normal::identifier).map(|word| normal::called(&word)));
    }

    /// What something of it is called; no second time where the order is called so.
    fn word(&mut self, text: Option<&str>) {
        let word = text.and_then(normal::identifier);
        self.add(word.filter(|word| !self.terms.words.contains(&normal::called(word))));
    }

    fn add(&mut self, word: Option<String>) {
        let words: &mut BTreeSet<String> = &mut self.terms.words;
        if words.len() < MOST_WORDS {
            words.extend(word);
        }
    }

    fn hash(&mut self, kind: Kind, value: impl IntoIterator<Item = String>) {
        for value in value {
            if self.terms.hashes.len() < MOST_HASHES {
                self.terms.hashes.insert(self.key.hash(kind, &value));
            }
        }
    }

    fn words(&mut self, state: &State) {
        let order = &state.order;
        self.called(Some(&order.reference));
        self.called(order.fields.text(known::order::ORDER_NO));
        for collection in NAMED {
            for xref in state.lanes.iter().flat_map(|lane| &lane.xrefs) {
                let here = xref.at.collection() == collection && !is_shared(&xref.kind);
                if here && collection == Collection::Root && is_of_order(&xref.kind) {
                    self.called(Some(&xref.ext_id));
                } else if here && is_there(order, &xref.at) {
                    self.word(Some(&xref.ext_id));
                }
            }
            if collection == Collection::Root {
                self.numbers(order);
            }
        }
    }

    fn numbers(&mut self, order: &Order) {
        for invoice in order.elements(Collection::Invoices) {
            self.word(invoice.fields.text(known::invoice::NO));
        }
        for shipment in newest(order, Collection::Shipments) {
            self.word(shipment.fields.text(known::shipment::TRACKING_NO));
            for package in shipment.elements(Collection::Packages) {
                self.word(package.fields.text(known::package::TRACKING_NO));
                self.word(package.fields.text(known::package::SSCC));
            }
        }
    }

    fn people(&mut self, order: &Order) {
        let text = |field| order.fields.text(field);
        self.hash(Kind::Email, text(known::order::CUSTOMER_EMAIL).and_then(normal::email));
        self.hash(Kind::Phone, text(known::order::CUSTOMER_PHONE).and_then(normal::phone));
        self.hash(
            Kind::Name,
            text(known::order::CUSTOMER_NAME).map(normal::names).unwrap_or_default(),
        );
        self.hash(Kind::TaxNo, text(known::order::CUSTOMER_TAX_NO).and_then(normal::piece));
        let company = text(known::order::CUSTOMER_COMPANY);
        self.hash(Kind::Company, company.map(normal::names).unwrap_or_default());
        for field in [known::order::ADDRESSES_SHIP_TO, known::order::ADDRESSES_BILL_TO] {
            if let Some(Value::Address(address)) = order.fields.value(field) {
                self.address(address);
            }
        }
        for payment in newest(order, Collection::Payments) {
            self.hash(
                Kind::Payment,
                payment.fields.text(known::payment::REF).and_then(normal::identifier),
            );
        }
    }

    fn address(&mut self, address: &Address) {
        let Address { name, company, postal_code, phone, email, .. } = address;
        self.hash(Kind::Email, email.as_deref().and_then(normal::email));
        self.hash(Kind::Phone, phone.as_deref().and_then(normal::phone));
        self.hash(Kind::Name, name.as_deref().map(normal::names).unwrap_or_default());
        self.hash(Kind::Postal, postal_code.as_deref().and_then(normal::piece));
        self.hash(Kind::Company, company.as_deref().map(normal::names).unwrap_or_default());
    }
}

fn newest(order: &Order, collection: Collection) -> impl Iterator<Item = &Element> {
    let elements: Vec<&Element> = order.elements(collection).collect();
    elements.into_iter().rev()
}

fn is_there(order: &Order, at: &At) -> bool {
    at.is_root() || order.element(at).is_some_and(|element| !element.gone)
}

/// Whether an id that the order itself has is its own: a system may also say of an order which invoice it has.
fn is_of_order(kind: &str) -> bool {
    matches!(Entity::parse(kind), None | Some(Entity::Order))
}

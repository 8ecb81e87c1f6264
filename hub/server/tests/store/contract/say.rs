//! What systems say in the tests of stores.

use orderhub_order::catalogue::FieldId;
use orderhub_order::catalogue::known::{order, payment, shipment};
use orderhub_order::contribution::{Contribution, ElementStatement, ParentReference, Revision};
use orderhub_order::ids::{Entity, SystemName};
use orderhub_order::value::Value;

/// A paid order of a shop; `note` is free to change, `revision` orders what the shop says.
pub(crate) fn order(shop: &str, key: &str, revision: i64, note: &str) -> Contribution {
    let mut said = document(shop, "order_rest", Entity::Order, key);
    said.creates = true;
    said.revision = Some(Revision::Integer(revision));
    said.body.fields = fields(&[
        (order::ORDER_NO, key),
        (order::STATE_LIFECYCLE, "open"),
        (order::STATE_PAYMENT, "captured"),
        (order::NOTES_CUSTOMER, note),
        (order::CUSTOMER_NAME, "A person"),
    ]);
    said
}

/// A shipment that the shop knows of, for the order that `parent` names.
pub(crate) fn shipment(key: &str, parent: ParentReference) -> Contribution {
    let mut said = document("shop_eu", "parcel", Entity::Shipment, key);
    said.parents = vec![parent];
    said.body.adds = true;
    said.body.fields = fields(&[(shipment::STATUS, "planned"), (shipment::TRACKING_NO, "T1")]);
    said
}

/// A payment of the shop's order `parent`.
pub(crate) fn payment(key: &str, parent: &str) -> Contribution {
    let mut said = document("shop_eu", "transaction", Entity::Payment, key);
    said.parents = vec![at_shop(parent)];
    said.body.adds = true;
    said.body.fields = fields(&[(payment::KIND, "capture"), (payment::STATUS, "succeeded")]);
    said
}

/// The order's id at the system that speaks.
pub(crate) fn at_shop(key: &str) -> ParentReference {
    ParentReference::Xref { kind: "order".into(), ext_id: key.into() }
}

fn document(system: &str, document: &str, entity: Entity, key: &str) -> Contribution {
    Contribution {
        system: SystemName::new(system),
        document: document.into(),
        entity,
        key: key.into(),
        parents: Vec::new(),
        creates: false,
        revision: None,
        body: ElementStatement { adds: true, ..ElementStatement::default() },
    }
}

fn fields(values: &[(FieldId, &str)]) -> Vec<(FieldId, Option<Value>)> {
    let mut fields: Vec<_> =
        values.iter().map(|(field, text)| (*field, Some(Value::text(*text)))).collect();
    fields.sort_by_key(|(field, _)| *field);
    fields
}

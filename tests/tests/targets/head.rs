//! The systems of random stories: the heads of their rule files.

use crate::act::Kind;

impl Kind {
    /// The head of a rule file.
    pub(crate) fn head(self) -> String {
        match self {
            Kind::Note => NOTE.to_owned(),
            Kind::Lines => LINES.to_owned(),
            Kind::Two => TWO.to_owned(),
            Kind::Made => MADE.to_owned(),
            Kind::Steps => MADE.replace("update: change,", "update: change, in_steps: true,"),
            Kind::Parts => PARTS.to_owned(),
        }
    }
}

const NOTE: &str = "with: []
systems:
  shop: { role: channel }
  crm: { role: crm, deliver: [{ on: order.changed, do: put, reads: [notes.customer, customer.tier] }] }
";

const LINES: &str = "with: []
systems:
  shop: { role: channel }
  crm: { role: crm, deliver: [{ on: order.changed, do: put, reads: [notes.customer, customer.tier, lines.sku, lines.qty.ordered] }] }
";

const TWO: &str = "with: []
systems:
  shop: { role: channel }
  crm:
    role: crm
    deliver:
      - { on: order.changed, do: put_deal, reads: [notes.customer, lines.sku, lines.qty.ordered] }
      - { on: order.changed, do: put_person, reads: [notes.customer, customer.tier] }
";

const MADE: &str = "with: []
ownership: |
  rules:
    - { fields: [notes.customer, customer.tier], when: { currency: absent }, owner: [channel, service], others: correct }
systems:
  shop: { role: channel }
  erp: { role: erp, deliver: [{ on: order.accepted, create: make, update: change, reads: [notes.customer, customer.tier] }] }
";

const PARTS: &str = "with: []
systems:
  shop: { role: channel }
  tms: { role: tms }
  erp: { role: erp, deliver: [{ on: order.accepted, do: make_sale, creates: true, reads: [order_no] }] }
  wms:
    role: wms
    deliver:
      - { on: fulfilment.released, create: make, update: change, entity: fulfilment, reads: [addresses.ship_to, fulfilments.reason] }
      - { on: shipment.tracking_changed, update: label, entity: shipment, reads: [addresses.ship_to, shipments.tracking_no, shipments.label_url] }
";

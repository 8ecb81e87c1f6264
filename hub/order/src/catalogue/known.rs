//! The numbers of the fields that the hub itself works with, so that no rule looks a path up.
//!
//! **Invariant:** each constant is the number that `catalogue.yaml` gives to that path. Test:
//! `every_known_field_is_the_one_of_the_catalogue` in `tests/it/known_fields.rs`.

use super::FieldId;

/// Fields of `order`.
#[expect(missing_docs, reason = "each is named as its path")]
pub mod order {
    use super::FieldId;

    pub const ID: FieldId = FieldId(1);
    pub const REF: FieldId = FieldId(2);
    pub const VERSION: FieldId = FieldId(3);
    pub const ORDER_NO: FieldId = FieldId(4);
    pub const BUSINESS_UNIT: FieldId = FieldId(5);
    pub const REGION: FieldId = FieldId(6);
    pub const CHANNEL_SYSTEM: FieldId = FieldId(7);
    pub const BOUND: FieldId = FieldId(8);
    pub const CHANNEL_NAME: FieldId = FieldId(9);
    pub const ORIGIN: FieldId = FieldId(10);
    pub const PLACED_AT: FieldId = FieldId(11);
    pub const RECEIVED_AT: FieldId = FieldId(12);
    pub const PROMISED_SHIP_BY: FieldId = FieldId(13);
    pub const PROMISED_DELIVER_BY: FieldId = FieldId(14);
    pub const PRIORITY: FieldId = FieldId(15);
    pub const CURRENCY: FieldId = FieldId(16);
    pub const LANGUAGE: FieldId = FieldId(17);
    pub const STAGE: FieldId = FieldId(18);
    pub const STATE_LIFECYCLE: FieldId = FieldId(19);
    pub const STATE_PAYMENT: FieldId = FieldId(20);
    pub const STATE_FINANCE_AUDIT: FieldId = FieldId(21);
    pub const STATE_FULFILMENT: FieldId = FieldId(22);
    pub const STATE_RETURN: FieldId = FieldId(23);
    pub const STATE_SETTLEMENT: FieldId = FieldId(24);
    pub const CUSTOMER_ID: FieldId = FieldId(25);
    pub const CUSTOMER_NAME: FieldId = FieldId(26);
    pub const CUSTOMER_EMAIL: FieldId = FieldId(27);
    pub const CUSTOMER_PHONE: FieldId = FieldId(28);
    pub const CUSTOMER_COMPANY: FieldId = FieldId(29);
    pub const CUSTOMER_TAX_NO: FieldId = FieldId(30);
    pub const CUSTOMER_TIER: FieldId = FieldId(31);
    pub const ADDRESSES_SHIP_TO: FieldId = FieldId(32);
    pub const ADDRESSES_BILL_TO: FieldId = FieldId(33);
    pub const TOTALS_ITEMS: FieldId = FieldId(34);
    pub const TOTALS_DISCOUNT: FieldId = FieldId(35);
    pub const TOTALS_SHIPPING: FieldId = FieldId(36);
    pub const TOTALS_TAX: FieldId = FieldId(37);
    pub const TOTALS_FEES: FieldId = FieldId(38);
    pub const TOTALS_TOTAL: FieldId = FieldId(39);
    pub const TOTALS_TAX_INCLUDED: FieldId = FieldId(40);
    pub const TOTALS_PAID: FieldId = FieldId(41);
    pub const TOTALS_REFUNDED: FieldId = FieldId(42);
    pub const TOTALS_DUE: FieldId = FieldId(43);
    pub const NOTES_CUSTOMER: FieldId = FieldId(44);
    pub const NOTES_INTERNAL: FieldId = FieldId(45);
    pub const TAGS: FieldId = FieldId(46);
    pub const FLAGS: FieldId = FieldId(47);
    pub const CANCEL_REASON: FieldId = FieldId(48);
    pub const CANCEL_AT: FieldId = FieldId(49);
    pub const EXT: FieldId = FieldId(50);
}

/// Fields of `lines`.
#[expect(missing_docs, reason = "each is named as its path")]
pub mod line {
    use super::FieldId;

    pub const ID: FieldId = FieldId(51);
    pub const LINE_NO: FieldId = FieldId(52);
    pub const SKU: FieldId = FieldId(53);
    pub const GTIN: FieldId = FieldId(54);
    pub const NAME: FieldId = FieldId(55);
    pub const VARIANT: FieldId = FieldId(56);
    pub const UOM: FieldId = FieldId(57);
    pub const UNIT_PRICE: FieldId = FieldId(58);
    pub const DISCOUNT: FieldId = FieldId(59);
    pub const TAX: FieldId = FieldId(60);
    pub const TOTAL: FieldId = FieldId(61);
    pub const REQUIRES_SHIPPING: FieldId = FieldId(62);
    pub const PROPERTIES: FieldId = FieldId(63);
    pub const QTY_ORDERED: FieldId = FieldId(64);
    pub const QTY_CANCELLED: FieldId = FieldId(65);
    pub const QTY_ALLOCATED: FieldId = FieldId(66);
    pub const QTY_RELEASED: FieldId = FieldId(67);
    pub const QTY_PICKED: FieldId = FieldId(68);
    pub const QTY_PACKED: FieldId = FieldId(69);
    pub const QTY_SHORT: FieldId = FieldId(70);
    pub const QTY_SHIPPED: FieldId = FieldId(71);
    pub const QTY_DELIVERED: FieldId = FieldId(72);
    pub const QTY_RETURNED: FieldId = FieldId(73);
    pub const STATE: FieldId = FieldId(74);
}

/// Fields of `payments`.
#[expect(missing_docs, reason = "each is named as its path")]
pub mod payment {
    use super::FieldId;

    pub const ID: FieldId = FieldId(75);
    pub const KIND: FieldId = FieldId(76);
    pub const STATUS: FieldId = FieldId(77);
    pub const METHOD: FieldId = FieldId(78);
    pub const AMOUNT: FieldId = FieldId(79);
    pub const AT: FieldId = FieldId(80);
    pub const REF: FieldId = FieldId(81);
}

/// Fields of `fulfilments`.
#[expect(missing_docs, reason = "each is named as its path")]
pub mod fulfilment {
    use super::FieldId;

    pub const ID: FieldId = FieldId(82);
    pub const REF: FieldId = FieldId(83);
    pub const SYSTEM: FieldId = FieldId(84);
    pub const STATUS: FieldId = FieldId(85);
    pub const RELEASED_AT: FieldId = FieldId(86);
    pub const ACCEPTED_AT: FieldId = FieldId(87);
    pub const REASON: FieldId = FieldId(88);
}

/// Fields of `fulfilments.lines`.
#[expect(missing_docs, reason = "each is named as its path")]
pub mod fulfilment_line {
    use super::FieldId;

    pub const LINE: FieldId = FieldId(89);
    pub const QTY: FieldId = FieldId(90);
    pub const ALLOCATED: FieldId = FieldId(91);
    pub const PICKED: FieldId = FieldId(92);
    pub const PACKED: FieldId = FieldId(93);
    pub const SHORT: FieldId = FieldId(94);
}

/// Fields of `shipments`.
#[expect(missing_docs, reason = "each is named as its path")]
pub mod shipment {
    use super::FieldId;

    pub const ID: FieldId = FieldId(95);
    pub const REF: FieldId = FieldId(96);
    pub const FULFILMENT: FieldId = FieldId(97);
    pub const STATUS: FieldId = FieldId(98);
    pub const SHIPPED_AT: FieldId = FieldId(99);
    pub const DELIVERED_AT: FieldId = FieldId(100);
    pub const CARRIER: FieldId = FieldId(101);
    pub const CARRIER_NAME: FieldId = FieldId(102);
    pub const SERVICE: FieldId = FieldId(103);
    pub const TRACKING_NO: FieldId = FieldId(104);
    pub const TRACKING_URL: FieldId = FieldId(105);
    pub const LABEL_URL: FieldId = FieldId(106);
    pub const COST: FieldId = FieldId(107);
}

/// Fields of `shipments.lines`.
#[expect(missing_docs, reason = "each is named as its path")]
pub mod shipment_line {
    use super::FieldId;

    pub const LINE: FieldId = FieldId(108);
    pub const QTY: FieldId = FieldId(109);
}

/// Fields of `shipments.packages`.
#[expect(missing_docs, reason = "each is named as its path")]
pub mod package {
    use super::FieldId;

    pub const ID: FieldId = FieldId(110);
    pub const SSCC: FieldId = FieldId(111);
    pub const WEIGHT_KG: FieldId = FieldId(112);
    pub const LENGTH_CM: FieldId = FieldId(113);
    pub const WIDTH_CM: FieldId = FieldId(114);
    pub const HEIGHT_CM: FieldId = FieldId(115);
    pub const TRACKING_NO: FieldId = FieldId(116);
}

/// Fields of `shipments.packages.lines`.
#[expect(missing_docs, reason = "each is named as its path")]
pub mod package_line {
    use super::FieldId;

    pub const LINE: FieldId = FieldId(117);
    pub const QTY: FieldId = FieldId(118);
}

/// Fields of `shipments.events`.
#[expect(missing_docs, reason = "each is named as its path")]
pub mod shipment_event {
    use super::FieldId;

    pub const ID: FieldId = FieldId(119);
    pub const STATUS: FieldId = FieldId(120);
    pub const AT: FieldId = FieldId(121);
    pub const PLACE: FieldId = FieldId(122);
    pub const TEXT: FieldId = FieldId(123);
}

/// Fields of `returns`.
#[expect(missing_docs, reason = "each is named as its path")]
pub mod return_case {
    use super::FieldId;

    pub const ID: FieldId = FieldId(124);
    pub const STATUS: FieldId = FieldId(125);
    pub const REASON: FieldId = FieldId(126);
    pub const REFUND: FieldId = FieldId(130);
    pub const RECEIVED_AT: FieldId = FieldId(131);
}

/// Fields of `returns.lines`.
#[expect(missing_docs, reason = "each is named as its path")]
pub mod return_line {
    use super::FieldId;

    pub const LINE: FieldId = FieldId(127);
    pub const QTY: FieldId = FieldId(128);
    pub const CONDITION: FieldId = FieldId(129);
}

/// Fields of `invoices`.
#[expect(missing_docs, reason = "each is named as its path")]
pub mod invoice {
    use super::FieldId;

    pub const ID: FieldId = FieldId(132);
    pub const NO: FieldId = FieldId(133);
    pub const STATUS: FieldId = FieldId(134);
    pub const AMOUNT: FieldId = FieldId(135);
    pub const ISSUED_AT: FieldId = FieldId(136);
    pub const URL: FieldId = FieldId(137);
}

/// Fields of `holds`.
#[expect(missing_docs, reason = "each is named as its path")]
pub mod hold {
    use super::FieldId;

    pub const ID: FieldId = FieldId(138);
    pub const SCOPE: FieldId = FieldId(139);
    pub const CODE: FieldId = FieldId(140);
    pub const DETAIL: FieldId = FieldId(141);
    pub const PLACED_BY: FieldId = FieldId(142);
    pub const PLACED_AT: FieldId = FieldId(143);
    pub const RELEASE: FieldId = FieldId(144);
}

/// Fields of `xrefs`.
#[expect(missing_docs, reason = "each is named as its path")]
pub mod xref {
    use super::FieldId;

    pub const KIND: FieldId = FieldId(145);
    pub const ENTITY: FieldId = FieldId(146);
    pub const ENTITY_ID: FieldId = FieldId(147);
    pub const SYSTEM: FieldId = FieldId(148);
    pub const EXT_ID: FieldId = FieldId(149);
    pub const EXT_NO: FieldId = FieldId(150);
}

//! What systems call what stands around fields: keys, parents, revisions, lists and their rows, envelopes; and their
//! words for the hub's states.

use orderhub_order::ids::{Collection, Entity};

/// A list of a document whose rows are elements of the hub.
#[derive(Debug)]
pub(super) struct List {
    /// Whose documents have it.
    pub(super) entity: Entity,
    /// The hub side of its rule.
    pub(super) hub: &'static str,
    pub(super) collection: Collection,
    /// What the list is called.
    pub(super) names: &'static [&'static str],
    /// What a row's id is called.
    pub(super) keys: &'static [&'static str],
    /// The id is ours, as it was sent.
    pub(super) ours: bool,
}

const LINES: &[&str] = &[
    "lines",
    "lineitems",
    "items",
    "orderlines",
    "orderitems",
    "products",
    "positions",
    "positionen",
    "artikel",
    "contents",
    "rows",
    "商品",
    "明细",
];

/// What a system calls our id of an order line that it was sent.
const OUR_LINE: &[&str] = &[
    "lineref",
    "line",
    "ourline",
    "lineid",
    "orderline",
    "orderlineid",
    "orderlineref",
    "linereference",
    "orderitemid",
    "externallineid",
    "externalid",
    "ref",
    "reference",
    "行号",
];

/// Lists by the entity of the document.
pub(super) const LISTS: &[List] = &[
    List {
        entity: Entity::Order,
        hub: "lines",
        collection: Collection::Lines,
        names: LINES,
        keys: &[
            "id",
            "lineid",
            "itemid",
            "orderitemid",
            "position",
            "pos",
            "lineno",
            "linenumber",
            "行号",
            "sku",
            "article",
            "articleno",
        ],
        ours: false,
    },
    List {
        entity: Entity::Fulfilment,
        hub: "lines",
        collection: Collection::FulfilmentLines,
        names: LINES,
        keys: OUR_LINE,
        ours: true,
    },
    List {
        entity: Entity::Shipment,
        hub: "lines",
        collection: Collection::ShipmentLines,
        names: LINES,
        keys: OUR_LINE,
        ours: true,
    },
    List {
        entity: Entity::Shipment,
        hub: "packages",
        collection: Collection::Packages,
        names: &["packages", "parcels", "boxes", "cartons", "pakete", "kartons", "包裹"],
        keys: &[
            "id",
            "no",
            "number",
            "parcelno",
            "packageno",
            "packageid",
            "parcelid",
            "sscc",
            "boxno",
        ],
        ours: false,
    },
    List {
        entity: Entity::Shipment,
        hub: "events",
        collection: Collection::ShipmentEvents,
        names: &["events", "trackingevents", "checkpoints", "scans"],
        keys: &["id", "eventid"],
        ours: false,
    },
    List {
        entity: Entity::Return,
        hub: "lines",
        collection: Collection::ReturnLines,
        names: LINES,
        keys: OUR_LINE,
        ours: true,
    },
];

/// What an amount is called beside its currency.
pub(super) const AMOUNTS: &[&str] = &["amount", "value", "betrag", "金额"];

/// How names of an address begin that stand in the document itself, with their address.
pub(super) const BESIDE: &[(&str, &[&str])] = &[
    (
        "addresses.ship_to",
        &[
            "shippingaddress",
            "shipping",
            "shipto",
            "ship",
            "delivery",
            "receiver",
            "recipient",
            "liefer",
            "收货人",
            "收货",
        ],
    ),
    ("addresses.bill_to", &["billingaddress", "billing", "billto", "bill", "invoice", "rechnung"]),
];

/// Words of systems for the hub's: (enum, the hub's word, theirs).
pub(super) const WORDS: &[(&str, &str, &[&str])] = &[
    ("payment", "captured", &["true", "paid", "bezahlt", "已付款"]),
    ("payment", "pending", &["false", "unpaid", "offen", "未付款"]),
    ("lifecycle", "cancelled", &["canceled", "void", "voided", "storniert", "已取消"]),
    ("lifecycle", "open", &["new", "neu", "confirmed"]),
    ("shipment", "handed_over", &["shipped", "dispatched", "sent", "gone", "versandt", "已发货"]),
    ("shipment", "planned", &["packed", "created", "new"]),
    ("shipment", "label_created", &["labelled", "labeled", "labelprinted"]),
    ("shipment", "delivered", &["zugestellt", "已签收"]),
    ("shipment", "cancelled", &["canceled", "void", "voided"]),
    ("fulfilment_order", "cancelled", &["canceled", "void", "voided"]),
    ("fulfilment_order", "on_hold", &["hold", "held"]),
];

/// What says which of two documents is newer.
pub(super) const REVISIONS: &[&str] = &[
    "revision",
    "updatedat",
    "updated",
    "changedat",
    "changed",
    "modifiedat",
    "modified",
    "lastmodified",
    "lastmodifiedat",
    "lastmodifieddatetime",
    "dateupdated",
    "datemodified",
    "updatetime",
    "exportno",
    "geaendert",
    "geändert",
    "geaendertam",
    "更新时间",
    "修改时间",
];

/// What names the fulfilment or the order that a document belongs to.
pub(super) const PARENTS: &[&str] = &[
    "releaseref",
    "releaseno",
    "releaseid",
    "release",
    "job",
    "jobno",
    "fulfilmentref",
    "fulfillmentref",
    "fulfilment",
    "ourref",
    "clientref",
    "clientreference",
    "customerreference",
    "externalref",
    "externalreference",
    "externalid",
    "reference",
    "ref",
    "orderref",
    "orderreference",
    "orderid",
    "orderno",
    "ordernumber",
    "order",
    "订单号",
];

/// What holds documents, and says nothing of its own.
pub(super) const ENVELOPES: &[&str] = &[
    "data",
    "result",
    "results",
    "response",
    "body",
    "payload",
    "list",
    "content",
    "value",
    "records",
    "items",
    "order",
    "orders",
    "shipment",
    "shipments",
    "parcel",
    "parcels",
    "fulfilments",
    "fulfillments",
    "releases",
    "jobs",
    "resource",
    "object",
    "event",
    "数据",
];

/// What a document's own id is called, the surest first.
pub(super) fn keys_of(entity: Entity) -> impl Iterator<Item = &'static str> {
    let own: &[&str] = match entity {
        Entity::Order => &[
            "orderid",
            "ordernumber",
            "orderno",
            "ordersn",
            "orderref",
            "bestellnummer",
            "auftragsnummer",
            "订单号",
            "订单编号",
        ],
        Entity::Fulfilment => &[
            "fulfilmentid",
            "fulfillmentid",
            "fulfilmentno",
            "fulfillmentno",
            "releaseid",
            "releaseno",
            "jobid",
            "jobno",
            "pickingid",
            "出库单号",
        ],
        Entity::Shipment => &[
            "shipmentid",
            "shipmentno",
            "shipmentnumber",
            "parcelid",
            "parcelno",
            "deliveryid",
            "deliveryno",
            "lieferscheinnummer",
            "trackingno",
            "trackingnumber",
            "sendungsnummer",
            "运单号",
        ],
        Entity::Payment => &["paymentid", "transactionid", "transactionno", "支付单号"],
        Entity::Return => &["returnid", "returnno", "rmaid", "rmano", "rma", "退货单号"],
        Entity::Invoice => {
            &["invoiceid", "invoiceno", "invoicenumber", "rechnungsnummer", "发票号"]
        }
    };
    let any = ["number", "no", "name", "reference", "ref", "code"];
    ["id", "uuid", "guid"].into_iter().chain(own.iter().copied()).chain(any)
}

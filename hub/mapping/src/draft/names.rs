//! What systems call the hub's fields: in English, German, Chinese and its Latin spelling.

/// A hub field and other names of it, in small letters and without signs.
pub(super) const FIELDS: &[(&str, &[&str])] = &[
    (
        "order_no",
        &[
            "ordernumber",
            "orderno",
            "ordername",
            "number",
            "ordersn",
            "bestellnummer",
            "auftragsnummer",
            "dingdanhao",
            "订单号",
            "订单编号",
            "no",
            "name",
        ],
    ),
    (
        "currency",
        &[
            "currencycode",
            "currencyisocode",
            "presentmentcurrency",
            "waehrung",
            "währung",
            "bizhong",
            "币种",
        ],
    ),
    (
        "placed_at",
        &[
            "createdat",
            "orderdate",
            "orderedat",
            "ordered",
            "processedat",
            "createtime",
            "created",
            "bestelldatum",
            "xiadanshijian",
            "下单时间",
            "date",
        ],
    ),
    ("language", &["locale", "customerlocale", "sprache", "语言"]),
    (
        "state.payment",
        &[
            "paymentstatus",
            "financialstatus",
            "paystatus",
            "paid",
            "bezahlt",
            "zahlungsstatus",
            "支付状态",
        ],
    ),
    ("state.lifecycle", &["orderstatus", "status", "bestellstatus", "订单状态"]),
    (
        "customer.name",
        &["customername", "buyername", "clientname", "kundenname", "买家姓名", "customerfullname"],
    ),
    ("customer.email", &["customeremail", "email", "buyeremail", "mail", "邮箱"]),
    (
        "customer.phone",
        &["customerphone", "phone", "mobile", "telephone", "telefon", "shouji", "手机", "电话"],
    ),
    ("customer.company", &["customercompany", "company", "firma", "公司"]),
    (
        "totals.total",
        &[
            "total",
            "totalprice",
            "grandtotal",
            "totalamount",
            "ordertotal",
            "gesamt",
            "gesamtbetrag",
            "总金额",
            "amount",
        ],
    ),
    (
        "totals.shipping",
        &[
            "shippingtotal",
            "shippingprice",
            "shippingcost",
            "freight",
            "postfee",
            "versandkosten",
            "yunfei",
            "运费",
            "shipping",
        ],
    ),
    ("totals.tax", &["totaltax", "taxtotal", "taxamount", "tax", "mwst", "税额"]),
    (
        "totals.discount",
        &["totaldiscounts", "totaldiscount", "discounttotal", "discount", "rabatt", "优惠金额"],
    ),
    ("totals.items", &["subtotal", "subtotalprice", "itemstotal", "zwischensumme", "商品金额"]),
    (
        "notes.customer",
        &["note", "notes", "remark", "comment", "buyermessage", "bemerkung", "beizhu", "备注"],
    ),
    ("tags", &["labels", "标签"]),
    ("cancel.reason", &["cancelreason", "取消原因"]),
    ("lines.line_no", &["position", "pos", "lineno", "linenumber", "行号"]),
    (
        "lines.sku",
        &[
            "skucode",
            "article",
            "articleno",
            "productcode",
            "itemcode",
            "artikelnummer",
            "artikel",
            "商品编码",
            "product",
        ],
    ),
    ("lines.gtin", &["barcode", "ean", "upc", "条码"]),
    ("lines.name", &["title", "productname", "itemname", "description", "bezeichnung", "商品名称"]),
    ("lines.variant", &["varianttitle", "规格"]),
    ("lines.qty.ordered", LINE_QUANTITIES),
    ("lines.unit_price", &["price", "unitprice", "preis", "einzelpreis", "单价"]),
    ("lines.discount", &["totaldiscount", "rabatt"]),
    ("lines.tax", &["taxamount", "mwst"]),
    ("lines.total", &["linetotal", "amount", "subtotal", "lineprice", "小计"]),
    ("fulfilments.accepted_at", &["accepted", "confirmedat"]),
    ("fulfilments.status", &["state", "fulfilmentstatus", "fulfillmentstatus", "状态"]),
    ("fulfilments.lines.picked", &["pickedqty", "qtypicked", "pickedquantity"]),
    ("fulfilments.lines.packed", &["packedqty", "qtypacked", "packedquantity"]),
    ("shipments.status", &["state", "shipmentstatus", "parcelstatus", "trackingstatus", "状态"]),
    (
        "shipments.shipped_at",
        &["shippedon", "shipdate", "dispatchedat", "sentat", "versanddatum", "发货时间"],
    ),
    ("shipments.delivered_at", &["deliveredon", "deliverydate", "zugestelltam", "签收时间"]),
    (
        "shipments.tracking_no",
        &[
            "trackingnumber",
            "trackingcode",
            "awb",
            "waybill",
            "sendungsnummer",
            "运单号",
            "快递单号",
        ],
    ),
    ("shipments.tracking_url", &["trackinglink", "trackurl"]),
    ("shipments.label_url", &["label", "labellink"]),
    ("shipments.service", &["servicecode", "servicelevel", "shippingmethod"]),
    (
        "shipments.carrier_name",
        &["carrier", "couriername", "courier", "shippingcompany", "logisticscompany", "快递公司"],
    ),
    ("shipments.cost", &["shippingcost", "freight", "postage", "rate"]),
    ("shipments.lines.qty", LINE_QUANTITIES),
    ("shipments.packages.weight_kg", &["weight", "weightg", "grams", "gewicht", "重量"]),
    ("shipments.packages.length_cm", &["length", "lengthmm"]),
    ("shipments.packages.width_cm", &["width", "widthmm"]),
    ("shipments.packages.height_cm", &["height", "heightmm"]),
    ("shipments.packages.tracking_no", &["trackingnumber", "trackingcode", "awb"]),
    ("shipments.events.at", &["time", "timestamp", "datetime", "occurredat"]),
    ("shipments.events.text", &["message", "description", "detail"]),
    ("shipments.events.place", &["location", "city"]),
    ("returns.lines.qty", LINE_QUANTITIES),
    ("payments.at", &["createdat", "date", "paidat", "processedat"]),
    ("payments.amount", &["total", "value"]),
    ("payments.method", &["gateway", "paymentmethod"]),
    ("payments.ref", &["reference", "transactionid"]),
    ("invoices.no", &["number", "invoiceno", "invoicenumber"]),
    ("invoices.amount", &["total", "totalamount", "grandtotal"]),
    ("invoices.issued_at", &["date", "createdat", "invoicedate"]),
];

const LINE_QUANTITIES: &[&str] =
    &["quantity", "qty", "pieces", "count", "num", "menge", "anzahl", "shuliang", "数量"];

/// Objects that are addresses.
pub(super) const ADDRESSES: &[(&str, &[&str])] = &[
    (
        "addresses.ship_to",
        &[
            "shippingaddress",
            "shipto",
            "deliveryaddress",
            "delivery",
            "receiver",
            "recipient",
            "lieferadresse",
            "收货地址",
            "收货人",
            "to",
            "address",
        ],
    ),
    (
        "addresses.bill_to",
        &["billingaddress", "billto", "invoiceaddress", "rechnungsadresse", "账单地址"],
    ),
];

/// Parts of an address.
pub(super) const PARTS: &[(&str, &[&str])] = &[
    ("name", &["fullname", "recipient", "contact", "receivername", "empfaenger", "收货人", "姓名"]),
    ("company", &["companyname", "firma", "公司"]),
    (
        "line1",
        &[
            "address1",
            "street",
            "street1",
            "addressline1",
            "strasse",
            "straße",
            "address",
            "detail",
            "详细地址",
        ],
    ),
    ("line2", &["address2", "street2", "addressline2"]),
    ("district", &["area", "county", "区", "区县"]),
    ("city", &["town", "ort", "stadt", "市", "城市"]),
    ("region", &["province", "state", "provincecode", "bundesland", "省", "省份"]),
    ("postal_code", &["zip", "zipcode", "postcode", "plz", "邮编"]),
    ("country", &["countrycode", "land", "国家"]),
    ("phone", &["mobile", "telephone", "tel", "telefon", "手机", "电话"]),
];

/// Small letters without signs: `Order-No.` ► `orderno`.
pub(super) fn plain(name: &str) -> String {
    name.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

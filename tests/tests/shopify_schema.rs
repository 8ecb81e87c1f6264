//! Each document of the Shopify integration is valid for each version of the vendor's schema that it supports, and so is
//! what the connector sends with it; and of an order that was not read whole nothing is taken.
//!
//! What the schema allows is not yet what the shop takes: some directives are mandatory there and optional here
//! (`tests/data/shopify/README.md` says where the schemas are from).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use apollo_compiler::request::coerce_variable_values;
use apollo_compiler::{ExecutableDocument, Schema, validation::Valid};
use bytes::Bytes;
use orderhub_connectors::contract::{Answer, Call, Connector, Memo, NextStep, Request};
use orderhub_connectors::declared::{self, Declared};
use orderhub_connectors::error::CallError;
use orderhub_lang::diagnostic::render;
use orderhub_lang::value::Value;
use orderhub_tests::mappings::shipped;
use serde_json::json;

/// Those of the last year, the connector's own the last.
const VERSIONS: [&str; 5] = ["2025-10", "2026-01", "2026-04", "2026-07", "2026-10"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn schemas() -> BTreeMap<String, Valid<Schema>> {
    let packed = std::fs::read(root().join("tests/data/shopify/admin.graphql.zst")).unwrap();
    let text = String::from_utf8(zstd::decode_all(packed.as_slice()).unwrap()).unwrap();
    let parts = text.split("\n# 20").map(|part| part.trim_start_matches("# 20"));
    let schema = |part: &str| {
        let (version, sdl) = part.split_once('\n').expect("a version, then its schema");
        let version = format!("20{version}");
        let schema = Schema::parse(sdl, &version);
        // The vendor's is valid.
        (version, Valid::assume_valid(schema.unwrap_or_else(|found| panic!("{}", found.errors))))
    };
    parts.map(schema).collect()
}

fn documents() -> Vec<(String, String)> {
    let folder = root().join("mappings/shopify");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let documents = files.filter(|path| path.extension().is_some_and(|kind| kind == "graphql"));
    let read = |path: PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        (name, std::fs::read_to_string(path).unwrap())
    };
    documents.map(read).collect()
}

#[test]
fn every_document_is_valid_for_every_version() {
    let schemas = schemas();
    assert_eq!(schemas.keys().map(String::as_str).collect::<Vec<_>>(), VERSIONS);
    let documents = documents();
    assert!(documents.len() >= 10, "they are there");
    for (version, schema) in &schemas {
        for (name, text) in &documents {
            let found = ExecutableDocument::parse_and_validate(schema, text, name);
            assert!(found.is_ok(), "{version}: {}", found.unwrap_err().errors);
        }
    }
}

#[test]
fn what_the_vendor_does_not_have_is_refused() {
    let schemas = schemas();
    let schema = &schemas["2026-10"];
    for wrong in [
        "query Q($id: ID!) { order(id: $id) { id totalPriceOfAll } }",
        "query Q($id: String!) { order(id: $id) { id } }",
        "mutation M($id: ID!) { orderCancel(orderId: $id, reason: BECAUSE, restock: true) { job { id } } }",
    ] {
        assert!(ExecutableDocument::parse_and_validate(schema, wrong, "wrong").is_err(), "{wrong}");
    }
}

#[test]
fn the_connector_names_the_newest_version() {
    let file = std::fs::read_to_string(root().join("mappings/shopify/connector.yaml")).unwrap();
    let newest = VERSIONS.last().unwrap();
    assert!(file.contains(&format!("/admin/api/{newest}\"")), "`base` names {newest}");
}

/// The connector as it is shipped.
fn connector() -> Declared {
    let folder = &shipped().folder;
    let (source, beside) = (&folder.connectors["shopify"], &folder.documents["shopify"]);
    let compiled = declared::compile_naming(source, beside, &shipped().named["shopify"]);
    compiled.unwrap_or_else(|found| panic!("{}", render(&found)))
}

/// A call on its way through its steps.
struct Walk {
    connector: Declared,
    operation: &'static str,
    document: String,
    args: BTreeMap<String, Value>,
    memo: Memo,
}

impl Walk {
    fn of(operation: &'static str, document: &str, args: &[(&str, &str)]) -> Self {
        let args = args.iter().map(|(name, value)| ((*name).to_owned(), Value::text(*value)));
        let (connector, document) = (connector(), document.to_owned());
        Self { connector, operation, document, args: args.collect(), memo: Memo::default() }
    }

    fn with<T>(&mut self, work: impl FnOnce(&Declared, &Call<'_>, &mut Memo) -> T) -> T {
        let settings = BTreeMap::from([("location_id".to_owned(), "1".to_owned())]);
        let xrefs = ["order", "shipment"].map(|kind| (kind.to_owned(), Value::text("7")));
        let call = Call {
            operation: self.operation,
            document: self.document.as_bytes(),
            changed: None,
            media: "application/json",
            key: "K",
            attempt: 1,
            base_url: "https://shop.example",
            settings: &settings,
            xrefs: &BTreeMap::from(xrefs),
            args: &self.args,
            fields: &[],
        };
        work(&self.connector, &call, &mut self.memo)
    }

    /// The next request; none: it is done.
    fn request(&mut self) -> Option<Box<Request>> {
        match self.with(|connector, call, memo| connector.next(call, memo)).unwrap() {
            NextStep::Send(request) => Some(request),
            NextStep::Done(_) => None,
            other => panic!("{other:?}"),
        }
    }

    fn answer(&mut self, body: &serde_json::Value) -> Result<(), CallError> {
        let body = Bytes::from(body.to_string());
        let answer = Answer { status: 200, headers: Vec::default(), body };
        self.with(|connector, call, memo| connector.answer(call, memo, &answer))
    }
}

fn sample(name: &str) -> String {
    std::fs::read_to_string(root().join("mappings/shopify/samples").join(name)).unwrap()
}

/// The operations of the connector with what they are given and what they are answered, step by step.
fn walks() -> Vec<(Walk, Vec<serde_json::Value>)> {
    let of = |operation, document: &str, args: &[_], answers: &[serde_json::Value]| {
        (Walk::of(operation, document, args), answers.to_vec())
    };
    let left = |id: &str, pieces: u32| json!({ "id": "gid://shopify/FulfillmentOrderLineItem/1", "remainingQuantity": pieces, "lineItem": { "id": id } });
    let lines = [
        left("gid://shopify/LineItem/13000000000001", 2),
        left("gid://shopify/LineItem/13000000000002", 1),
    ];
    let at = json!({ "name": "Main", "location": { "id": "gid://shopify/Location/81" } });
    let whole = json!({ "hasNextPage": false });
    let part = json!({ "id": "gid://shopify/FulfillmentOrder/1", "status": "OPEN", "assignedLocation": at, "lineItems": { "pageInfo": whole, "nodes": lines } });
    let order = json!({ "id": "gid://shopify/Order/7", "fulfillments": [], "fulfillmentOrders": { "pageInfo": whole, "nodes": [part] } });
    let order = json!({ "data": { "order": order } });
    let made =
        json!({ "data": { "result": { "fulfillment": { "id": "gid://shopify/Fulfillment/9" } } } });
    let ok = json!({ "data": { "result": { "userErrors": [] } } });
    let open =
        json!({ "data": { "order": { "id": "gid://shopify/Order/7", "cancelledAt": null } } });
    let begun = json!({ "data": { "result": { "job": { "id": "gid://shopify/Job/1" } } } });
    let ended = json!({ "data": { "job": { "id": "gid://shopify/Job/1", "done": true } } });
    let gone = json!({ "data": { "order": { "id": "gid://shopify/Order/7", "cancelledAt": "2026-11-02T00:00:00Z" } } });
    let time = [("since", "2026-11-01T00:00:00Z"), ("until", "2026-11-01T06:00:00Z")];
    let none = json!({ "data": { "orders": { "nodes": [], "pageInfo": { "hasNextPage": false, "endCursor": null } } } });
    let stock = json!({ "data": { "productVariants": { "nodes": [] } } });
    let places =
        json!({ "data": { "locations": { "nodes": [], "pageInfo": { "hasNextPage": false } } } });
    let bulk = json!({ "data": { "result": { "bulkOperation": { "id": "gid://shopify/BulkOperation/1" }, "userErrors": [] } } });
    let empty =
        json!({ "data": { "node": { "status": "COMPLETED", "objectCount": "0", "url": null } } });
    let sweep = [bulk, empty];
    let parcel = [order, made];
    let cancel = [open, begun, ended, gone];
    vec![
        of("get_order", "", &[("id", "7")], &[json!({ "data": { "order": { "id": "7" } } })]),
        of("list_orders", "", &time, &[none]),
        of("sweep_orders", "", &time, &sweep),
        of("create_fulfillment", &sample("shipment.fulfillment.json"), &[], &parcel),
        of("create_fulfillment", &sample("shipment-packages.fulfillment.json"), &[], &parcel),
        of("update_tracking", &sample("shipment.tracking.json"), &[], std::slice::from_ref(&ok)),
        of(
            "update_tracking",
            &sample("shipment-packages.fulfillment.json"),
            &[],
            std::slice::from_ref(&ok),
        ),
        of("cancel_order", &sample("cancel.out.json"), &[], &cancel),
        of("annotate_order", &sample("annotated.out.json"), &[], &[ok.clone(), ok]),
        of("stock", "", &[("sku", "O'N-1")], &[stock]),
        of("locations", "", &[], &[places]),
    ]
}

/// Why a request is not one of the schema: its document, or a value that it sends with it.
fn refused(schema: &Valid<Schema>, request: &serde_json::Value) -> Option<String> {
    let text = request["query"].as_str().unwrap_or_default();
    let document = match ExecutableDocument::parse_and_validate(schema, text, "sent") {
        Ok(document) => document,
        Err(found) => return Some(found.errors.to_string()),
    };
    let operation = document.operations.get(None).expect("it has one operation");
    let values = serde_json::from_value(request["variables"].clone()).unwrap_or_default();
    coerce_variable_values(schema, operation, &values).err().map(|error| format!("{error:?}"))
}

#[test]
fn what_is_sent_is_of_the_vendors_types() {
    let schemas = schemas();
    let mut steps = std::collections::BTreeSet::new();
    for (mut walk, answers) in walks() {
        for answer in &answers {
            let request = walk.request().unwrap_or_else(|| panic!("{} ends early", walk.operation));
            let body: serde_json::Value = serde_json::from_slice(&request.body).unwrap();
            for (version, schema) in &schemas {
                let why = refused(schema, &body);
                assert_eq!(why, None, "{version}: {} {}", walk.operation, request.step);
            }
            steps.insert((walk.operation, request.step.clone()));
            walk.answer(answer).unwrap();
        }
        assert!(walk.request().is_none(), "{} is done", walk.operation);
    }
    let all = shipped().folder.connectors["shopify"].text.matches(" graphql: ").count();
    assert_eq!(steps.len(), all, "each step of the connector: {steps:?}");
}

#[test]
fn what_a_bulk_operation_writes_is_asked_for_validly() {
    let time = [("since", "2026-11-01T00:00:00Z"), ("until", "2026-11-01T06:00:00Z")];
    let request = Walk::of("sweep_orders", "", &time).request().unwrap();
    let sent: serde_json::Value = serde_json::from_slice(&request.body).unwrap();
    let query = sent["variables"]["query"].as_str().unwrap();
    let search = "updated_at:>='2026-11-01T00:00:00Z' updated_at:<='2026-11-01T06:00:00Z'";
    assert!(query.contains(search), "{query}");
    for (version, schema) in &schemas() {
        let found = ExecutableDocument::parse_and_validate(schema, query, "bulk");
        assert!(found.is_ok(), "{version}: {}", found.unwrap_err().errors);
    }
}

#[test]
fn what_the_vendor_does_not_take_is_seen() {
    let schema = &schemas()["2026-10"];
    let (mut walk, answers) = walks().remove(3);
    walk.request().unwrap();
    walk.answer(&answers[0]).unwrap();
    let sent: serde_json::Value = serde_json::from_slice(&walk.request().unwrap().body).unwrap();
    assert_eq!(refused(schema, &sent), None);
    let wrong = |at: &str, value: serde_json::Value| {
        let mut sent = sent.clone();
        *sent.pointer_mut(at).unwrap() = value;
        refused(schema, &sent)
    };
    let orders = "/variables/fulfillment/lineItemsByFulfillmentOrder";
    assert!(wrong("/variables/fulfillment", json!({ "lineItems": [] })).is_some());
    assert!(wrong(orders, json!([{ "orderId": "gid://shopify/FulfillmentOrder/1" }])).is_some());
    assert!(wrong("/variables/fulfillment/notifyCustomer", json!("no")).is_some());
    assert!(wrong("/variables", json!({})).is_some());
}

/// What an order is answered as, with a list in it replaced.
fn order_with(at: &str, value: serde_json::Value) -> serde_json::Value {
    let page =
        |nodes: serde_json::Value| json!({ "pageInfo": { "hasNextPage": false }, "nodes": nodes });
    let none = || page(json!([]));
    let mut order = json!({
        "id": "gid://shopify/Order/7",
        "lineItems": none(),
        "fulfillmentOrders": none(),
        "fulfillments": [{ "fulfillmentLineItems": none() }, { "fulfillmentLineItems": none() }],
        "transactions": [],
        "returns": page(json!([{ "returnLineItems": none() }])),
    });
    *order.pointer_mut(at).unwrap() = value;
    json!({ "data": { "order": order } })
}

#[test]
fn of_an_order_of_which_a_list_is_cut_nothing_is_taken() {
    let read = |body: &serde_json::Value| {
        let mut walk = Walk::of("get_order", "", &[("id", "7")]);
        walk.request().unwrap();
        walk.answer(body)
    };
    let many = |count: usize| serde_json::Value::from(vec![json!({}); count]);
    for (at, whole) in [
        ("/fulfillments", many(100)),
        ("/transactions", many(100)),
        ("/returns/nodes", json!([])),
        ("/fulfillments", json!([])),
    ] {
        read(&order_with(at, whole)).unwrap_or_else(|error| panic!("{at}: {error}"));
    }
    let cut = json!(true);
    for (at, value) in [
        ("/lineItems/pageInfo/hasNextPage", cut.clone()),
        ("/fulfillmentOrders/pageInfo/hasNextPage", cut.clone()),
        ("/fulfillments/1/fulfillmentLineItems/pageInfo/hasNextPage", cut.clone()),
        ("/returns/pageInfo/hasNextPage", cut.clone()),
        ("/returns/nodes/0/returnLineItems/pageInfo/hasNextPage", cut),
        ("/fulfillments", many(101)),
        ("/transactions", many(101)),
    ] {
        let refused = read(&order_with(at, value)).unwrap_err();
        let CallError::SaidNo { why, .. } = &refused else { panic!("{at}: {refused:?}") };
        assert!(why.contains("larger than what is read at once"), "{at}: {why}");
    }
}

/// Every list that a document asks for and of which a part may be left out is looked at: by its page, or by one more than
/// is taken.
#[test]
fn every_list_that_a_document_asks_for_says_whether_it_is_cut() {
    for (name, text) in documents() {
        let lists = text.matches("(first: ").count() - text.matches("(first: 2, query").count();
        let pages = text.matches("pageInfo { hasNextPage").count();
        let plain = text.matches("(first: 101)").count();
        assert_eq!(pages + plain, lists, "{name}");
    }
}

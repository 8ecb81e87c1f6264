//! GraphQL as far as a twin needs it: reads a document with its variables, and picks what it selects out of a tree.
//!
//! No schema stands behind it: a field that a twin's tree does not have is refused by its name, as a vendor would, and
//! that documents are valid for the vendor's schema is tested apart (`tests/tests/shopify_schema.rs`).
//!
//! **Bounds:** [`MOST_TOKENS`] and [`DEEPEST`] of a document.

use apollo_parser::Parser;
use apollo_parser::cst::{
    self, Argument, CstNode, Definition, FragmentDefinition, Selection, SelectionSet,
};
use serde_json::{Map, Value};

/// Words and signs of a document.
const MOST_TOKENS: usize = 20_000;
/// Selections within each other, fragments among them.
const DEEPEST: usize = 60;

/// A selected field.
#[derive(Clone, Debug)]
pub(crate) struct Field {
    /// What it is called in the answer.
    pub(crate) alias: String,
    /// What it is.
    pub(crate) name: String,
    /// Its arguments, variables filled in.
    pub(crate) args: Map<String, Value>,
    /// What is selected of it; none: it is a leaf.
    pub(crate) fields: Vec<Field>,
}

impl Field {
    /// An argument; null if there is none.
    pub(crate) fn arg(&self, name: &str) -> &Value {
        self.args.get(name).unwrap_or(&Value::Null)
    }

    /// Points that it may cost, of its own and of what is selected in it: an object 1, values and the page nothing, a list
    /// 2 and for each whole point of 2 ln(n) what an element costs, so that lists within lists multiply.
    ///
    /// Sources: "GraphQL Admin API rate limits" of the vendor ("sized by first and last", "the maximum of possible
    /// fields"), its staff in community.shopify.dev/t/24364, and costs that were measured, which the test
    /// `costs_are_those_that_were_measured` holds it against. A list that is no connection and takes `first`
    /// (`Order.fulfillments`) was measured without it only, as one object: here it counts as a connection, which is the
    /// most that it may be.
    pub(crate) fn cost(&self) -> u64 {
        if self.fields.is_empty() || self.is_value() {
            return 0;
        }
        let inner: u64 = self.fields.iter().map(Field::cost).sum();
        match self.args.get("first").and_then(Value::as_u64) {
            Some(first) => 2 + inner.saturating_mul(points(first)),
            // The way to the nodes, which are the objects.
            None if self.name == "edges" => inner,
            None => 1 + inner,
        }
    }

    /// What has no life of its own in a shop: amounts, addresses, the page of a list.
    fn is_value(&self) -> bool {
        let name = self.name.as_str();
        name.ends_with("Set")
            || name.ends_with("Address")
            || matches!(name, "pageInfo" | "price" | "compareAtPrice")
    }
}

/// The whole points of 2 ln(n), of a list that asks for so many.
fn points(first: u64) -> u64 {
    // The first numbers that reach 1, 2, 3 … points; no list asks for more than 250.
    const REACH: [u64; 11] = [2, 3, 5, 8, 13, 21, 34, 55, 91, 149, 245];
    REACH.iter().map(|least| u64::from(first.max(2) >= *least)).sum()
}

/// The fields that the document's one operation selects.
///
/// # Errors
///
/// The first mistake, in words.
pub(crate) fn read(text: &str, variables: &Map<String, Value>) -> Result<Vec<Field>, String> {
    let tree = Parser::new(text).token_limit(MOST_TOKENS).recursion_limit(DEEPEST).parse();
    if let Some(error) = tree.errors().next() {
        return Err(error.message().to_owned());
    }
    let (mut operations, mut fragments) = (Vec::new(), Vec::new());
    for definition in tree.document().definitions() {
        if let Definition::OperationDefinition(operation) = definition {
            operations.push(operation);
        } else if let Definition::FragmentDefinition(fragment) = definition {
            fragments.push(fragment);
        } else {
            return Err("a document has operations and fragments".to_owned());
        }
    }
    let [operation] = operations.as_slice() else {
        return Err("a document has exactly one operation".to_owned());
    };
    let selected = operation.selection_set().ok_or("nothing is selected")?;
    let reading = Reading { variables, fragments };
    let mut fields = Vec::new();
    reading.selections(&selected, 0, &mut fields)?;
    Ok(fields)
}

struct Reading<'a> {
    variables: &'a Map<String, Value>,
    fragments: Vec<FragmentDefinition>,
}

impl Reading<'_> {
    fn selections(
        &self,
        set: &SelectionSet,
        depth: usize,
        into: &mut Vec<Field>,
    ) -> Result<(), String> {
        if depth > DEEPEST {
            return Err("fragments go too deep".to_owned());
        }
        for selection in set.selections() {
            match selection {
                Selection::Field(field) => into.push(self.field(&field, depth)?),
                Selection::InlineFragment(fragment) => {
                    let set = fragment.selection_set().ok_or("nothing is selected")?;
                    self.selections(&set, depth + 1, into)?;
                }
                Selection::FragmentSpread(spread) => {
                    let name = spread.fragment_name().and_then(|name| name.name());
                    let name = name.map(|name| word(&name)).unwrap_or_default();
                    let named = |fragment: &&FragmentDefinition| {
                        let known = fragment.fragment_name().and_then(|name| name.name());
                        known.is_some_and(|known| word(&known) == name)
                    };
                    let found = self.fragments.iter().find(named);
                    let found = found.and_then(FragmentDefinition::selection_set);
                    let set = found.ok_or_else(|| format!("there is no fragment `{name}`"))?;
                    self.selections(&set, depth + 1, into)?;
                }
            }
        }
        Ok(())
    }

    fn field(&self, field: &cst::Field, depth: usize) -> Result<Field, String> {
        let name = field.name().map(|name| word(&name)).unwrap_or_default();
        let alias = field.alias().and_then(|alias| alias.name()).map(|name| word(&name));
        let mut args = Map::new();
        for argument in field.arguments().into_iter().flat_map(|list| list.arguments()) {
            args.insert(key(&argument), self.value(argument.value())?);
        }
        let mut fields = Vec::new();
        if let Some(set) = field.selection_set() {
            self.selections(&set, depth + 1, &mut fields)?;
        }
        Ok(Field { alias: alias.unwrap_or_else(|| name.clone()), name, args, fields })
    }

    fn value(&self, value: Option<cst::Value>) -> Result<Value, String> {
        let Some(value) = value else { return Ok(Value::Null) };
        let written = || value.syntax().text().to_string().trim().to_owned();
        Ok(match &value {
            cst::Value::Variable(variable) => {
                let name = variable.name().map(|name| word(&name)).unwrap_or_default();
                self.variables.get(&name).cloned().unwrap_or_default()
            }
            cst::Value::ListValue(list) => {
                let values = list.values().map(|value| self.value(Some(value)));
                Value::Array(values.collect::<Result<_, _>>()?)
            }
            cst::Value::ObjectValue(object) => {
                let mut members = Map::new();
                for member in object.object_fields() {
                    let name = member.name().map(|name| word(&name)).unwrap_or_default();
                    members.insert(name, self.value(member.value())?);
                }
                Value::Object(members)
            }
            cst::Value::EnumValue(_) => written().into(),
            cst::Value::StringValue(_)
            | cst::Value::FloatValue(_)
            | cst::Value::IntValue(_)
            | cst::Value::BooleanValue(_)
            | cst::Value::NullValue(_) => {
                let text = written();
                serde_json::from_str(&text).map_err(|_| format!("`{text}` is no value"))?
            }
        })
    }
}

fn word(name: &cst::Name) -> String {
    name.syntax().text().to_string().trim().to_owned()
}

fn key(argument: &Argument) -> String {
    argument.name().map(|name| word(&name)).unwrap_or_default()
}

/// What the fields select of a tree: of a list, of each element; of a connection with `first:`, of so many nodes.
///
/// # Errors
///
/// The field that the tree does not have.
pub(crate) fn select(tree: &Value, fields: &[Field]) -> Result<Value, String> {
    match tree {
        _ if fields.is_empty() => Ok(tree.clone()),
        Value::Array(list) => list.iter().map(|one| select(one, fields)).collect(),
        Value::Object(object) => {
            let mut picked = Map::new();
            for field in fields {
                let whole = object.get(&field.name);
                let whole = whole.ok_or_else(|| format!("Field '{}' doesn't exist", field.name))?;
                let page = paged(whole, field);
                let value = select(page.as_ref().unwrap_or(whole), &field.fields)?;
                picked.insert(field.alias.clone(), value);
            }
            Ok(Value::Object(picked))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(tree.clone()),
    }
}

/// The first page of a connection, or of a list; `None`: it is not cut.
fn paged(found: &Value, field: &Field) -> Option<Value> {
    let first = usize::try_from(field.arg("first").as_u64()?).ok()?;
    if let Value::Array(list) = found {
        return (list.len() > first).then(|| list.iter().take(first).cloned().collect());
    }
    let nodes = found.get("nodes")?.as_array()?;
    let mut page = found.as_object()?.clone();
    let more = nodes.len() > first;
    page.insert("nodes".to_owned(), nodes.iter().take(first).cloned().collect());
    if more || !page.contains_key("pageInfo") {
        let info = serde_json::json!({ "hasNextPage": more, "endCursor": null });
        page.insert("pageInfo".to_owned(), info);
    }
    Some(Value::Object(page))
}

/// Objects of an answer to what was selected, without values: what it cost in the end.
pub(crate) fn objects(answer: &Value, fields: &[Field]) -> u64 {
    match answer {
        Value::Array(list) => list.iter().map(|one| objects(one, fields)).sum(),
        Value::Object(object) => {
            let inside = fields.iter().filter(|field| !field.is_value());
            let cost = |field: &Field| Some(objects(object.get(&field.alias)?, &field.fields));
            1 + inside.filter_map(cost).sum::<u64>()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const TEXT: &str = "query Q($n: Int!) { all: orders(first: $n, query: \"a:>='b'\", sortKey: UPDATED_AT) { \
        pageInfo { hasNextPage } nodes { id ...Price ... on Order { name } } } } fragment Price on Order { price { amount } }";

    fn variables() -> Map<String, Value> {
        json!({ "n": 1 }).as_object().unwrap().clone()
    }

    #[test]
    fn a_document_picks_its_fields_by_alias_fragment_and_page() {
        let fields = read(TEXT, &variables()).unwrap();
        assert_eq!(fields[0].arg("query"), "a:>='b'");
        assert_eq!(fields[0].arg("sortKey"), "UPDATED_AT");
        let order =
            |id: u64| json!({ "id": id, "name": "#1", "price": { "amount": "1.00", "more": 1 } });
        let tree = json!({ "orders": { "nodes": [order(1), order(2)] } });
        let picked = select(&tree, &fields).unwrap();
        let wanted = json!({ "all": { "pageInfo": { "hasNextPage": true }, "nodes": [
            { "id": 1, "price": { "amount": "1.00" }, "name": "#1" }] } });
        assert_eq!(picked, wanted);
        // The answer, its list and the order in it; neither its price nor the page.
        assert_eq!(objects(&picked, &fields), 3);
    }

    #[test]
    fn what_the_tree_does_not_have_is_refused_by_its_name() {
        let fields = read(TEXT, &variables()).unwrap();
        let tree = json!({ "orders": { "nodes": [{ "id": 1, "name": "#1" }] } });
        assert_eq!(select(&tree, &fields).unwrap_err(), "Field 'price' doesn't exist");
        for wrong in ["", "query { a", "query A { a } query B { b }", "query { ...Nobody }"] {
            assert!(read(wrong, &variables()).is_err(), "{wrong}");
        }
    }

    /// Of documents whose cost the vendor's answers said (`requestedQueryCost`); the selections are cut to what counts.
    const MEASURED: [(u64, &str); 7] = [
        // community.shopify.dev, thread 23101
        (25, "product { variants(first: 250) { nodes { inventoryItem { id } } } }"),
        // github.com/microsoft/BCApps, src/Apps/W1/Shopify/App/src/GraphQL, and the costs measured in a fork of it
        (
            48,
            "location { inventoryLevels(first: 100) { pageInfo { hasNextPage } edges { node { quantities { quantity } item { variant { product { id } } } } } } }",
        ),
        (
            33,
            "order { fulfillmentOrders(first: 25) { edges { node { assignedLocation { location { id } } order { id } deliveryMethod { id } } } } }",
        ),
        (
            31,
            "catalog { priceList { prices(first: 100) { edges { node { variant { product { id } } price { amount } } } } } }",
        ),
        (
            15,
            "order { fulfillments { location { id } trackingInfo { number } service { type } fulfillmentLineItems(first: 10) { nodes { originalTotalSet { shopMoney { amount } } lineItem { id } } } } }",
        ),
        (8, "assignedFulfillmentOrders(first: 25) { edges { node { id } } }"),
        // github.com/hrdwdmrbl/graphql-ruby, spec/graphql/analysis/shopify_complexity_spec.rb: a list within a list
        (
            629,
            "orders(first: 250) { nodes { app { icon { id } } channelInformation { app { icon { id } } channelDefinition { id } } publication { id } retailLocation { id } refunds { id } fulfillments { id } lineItems(first: 250) { nodes { variant { id } product { id } image { id } } pageInfo { hasNextPage } } } pageInfo { hasNextPage } }",
        ),
    ];

    #[test]
    fn costs_are_those_that_were_measured() {
        for (cost, text) in MEASURED {
            let fields = read(&format!("query {{ {text} }}"), &Map::new()).unwrap();
            assert_eq!(fields[0].cost(), cost, "{text}");
        }
        assert_eq!([1, 2, 10, 25, 50, 100, 250].map(points), [1, 1, 4, 6, 7, 9, 11]);
    }

    #[test]
    fn no_document_may_cost_what_the_shop_refuses() {
        let folder =
            std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../mappings/shopify");
        let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let mut most = (0, String::new());
        for path in files.filter(|path| path.extension().is_some_and(|kind| kind == "graphql")) {
            let fields = read(&std::fs::read_to_string(&path).unwrap(), &Map::new()).unwrap();
            let cost: u64 = fields.iter().map(Field::cost).sum();
            assert!(cost <= 500, "{}: {cost}", path.display());
            most = most.max((cost, path.display().to_string()));
        }
        assert!(most.0 > 450 && most.1.ends_with("/order.graphql"), "{most:?}");
    }

    #[test]
    fn a_list_within_a_list_that_is_cut_says_so() {
        let text = "query { order { parts(first: 1) { pageInfo { hasNextPage } nodes { lines(first: 2) { pageInfo { hasNextPage } nodes { id } } } } } }";
        let fields = read(text, &Map::new()).unwrap();
        let page = |more: bool| json!({ "hasNextPage": more });
        let lines =
            json!({ "nodes": [{ "id": 1 }, { "id": 2 }, { "id": 3 }], "pageInfo": page(false) });
        let tree = json!({ "order": { "parts": { "nodes": [{ "lines": lines }], "pageInfo": page(false) } } });
        let picked = select(&tree, &fields).unwrap();
        let cut = json!({ "pageInfo": page(true), "nodes": [{ "id": 1 }, { "id": 2 }] });
        let wanted = json!({ "order": { "parts": { "pageInfo": page(false), "nodes": [{ "lines": cut }] } } });
        assert_eq!(picked, wanted);
    }
}

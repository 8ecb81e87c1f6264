//! The schemas that editors read: they take every shipped file and every right example, and refuse what the
//! program refuses by its shape.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use orderhub_mapping::codes::CODES;
use orderhub_tests::hub::binary;
use serde_json::{Value, json};

/// A schema as the program prints it.
fn schema(kind: &str) -> Value {
    let ran = Command::new(binary()).args(["schema", kind]).output().unwrap();
    assert!(ran.status.success(), "{kind}: {}", String::from_utf8_lossy(&ran.stderr));
    serde_json::from_slice(&ran.stdout).unwrap()
}

/// What does not fit, each with its place. Only the words of JSON Schema that our schemas use; another word
/// fails the test that reads it.
fn misfits(root: &Value, schema: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
    let Some(words) = schema.as_object() else { return };
    for (word, wanted) in words {
        match word.as_str() {
            "$schema" | "title" | "description" | "definitions" | "default" | "examples" => {}
            // Of texts only the shape is looked at.
            "pattern" | "format" => {}
            "properties" | "additionalProperties" => {}
            "$ref" => {
                let pointer = wanted.as_str().unwrap().trim_start_matches('#');
                misfits(root, root.pointer(pointer).unwrap(), value, at, found);
            }
            "type" => {
                let kinds = wanted.as_array().cloned().unwrap_or_else(|| vec![wanted.clone()]);
                if !kinds.iter().any(|kind| is(kind.as_str().unwrap(), value)) {
                    found.push(format!("{at}: {value} is no {wanted}"));
                }
            }
            "enum" => {
                if !wanted.as_array().unwrap().contains(value) {
                    found.push(format!("{at}: {value} is none of {wanted}"));
                }
            }
            "const" if value == wanted => {}
            "const" => found.push(format!("{at}: {value} is not {wanted}")),
            "required" => {
                for key in wanted.as_array().unwrap() {
                    if value.is_object() && value.get(key.as_str().unwrap()).is_none() {
                        found.push(format!("{at}: {key} is missing"));
                    }
                }
            }
            "anyOf" | "oneOf" => {
                let fits = |one: &&Value| {
                    let mut inner = Vec::new();
                    misfits(root, one, value, at, &mut inner);
                    inner.is_empty()
                };
                let count = wanted.as_array().unwrap().iter().filter(fits).count();
                if count == 0 || word == "oneOf" && count > 1 {
                    found.push(format!("{at}: {value} fits {count} of {word}"));
                }
            }
            "items" => {
                for (number, item) in value.as_array().into_iter().flatten().enumerate() {
                    misfits(root, wanted, item, &format!("{at}.{number}"), found);
                }
            }
            "minItems" => bound(value.as_array().map(Vec::len), wanted, false, at, found),
            "minProperties" => bound(value.as_object().map(|o| o.len()), wanted, false, at, found),
            "maxProperties" => bound(value.as_object().map(|o| o.len()), wanted, true, at, found),
            "minimum" => {
                if value.as_f64().is_some_and(|number| number < wanted.as_f64().unwrap()) {
                    found.push(format!("{at}: {value} is less than {wanted}"));
                }
            }
            other => panic!("no word of our schemas: {other}"),
        }
    }
    keys(root, schema, value, at, found);
}

fn keys(root: &Value, schema: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
    let Some(object) = value.as_object() else { return };
    for (key, inner) in object {
        let at = format!("{at}.{key}");
        let own = schema.get("properties").and_then(|properties| properties.get(key));
        match (own, schema.get("additionalProperties")) {
            (Some(own), _) => misfits(root, own, inner, &at, found),
            (None, Some(Value::Bool(false))) => found.push(format!("{at}: unknown key")),
            (None, Some(other)) => misfits(root, other, inner, &at, found),
            (None, None) => {}
        }
    }
}

fn is(kind: &str, value: &Value) -> bool {
    match kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        other => panic!("no type of JSON: {other}"),
    }
}

fn bound(size: Option<usize>, wanted: &Value, most: bool, at: &str, found: &mut Vec<String>) {
    let wanted = usize::try_from(wanted.as_u64().unwrap()).unwrap();
    if size.is_some_and(|size| if most { size > wanted } else { size < wanted }) {
        found.push(format!("{at}: {} entries", size.unwrap_or_default()));
    }
}

fn found(schema: &Value, value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    misfits(schema, schema, value, "", &mut found);
    found
}

fn yaml(text: &str) -> Value {
    serde_saphyr::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn mappings() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../mappings")
}

/// The kind of a shipped file.
fn kind(path: &Path) -> &'static str {
    if path.parent().unwrap().ends_with("common") {
        return "snippet";
    }
    match path.file_stem().unwrap().to_str().unwrap() {
        "integration" => "integration",
        "connector" => "connector",
        "flow" => "flow",
        "ownership" => "ownership",
        _ => "mapping",
    }
}

#[test]
fn schemas_take_every_shipped_file() {
    let kinds = ["integration", "connector", "flow", "ownership", "mapping", "snippet"];
    let schemas: Vec<(&str, Value)> = kinds.into_iter().map(|kind| (kind, schema(kind))).collect();
    let mut wrong = Vec::new();
    let mut count = 0;
    for folder in fs::read_dir(mappings()).unwrap().map(|entry| entry.unwrap().path()) {
        let files = folder.is_dir().then(|| fs::read_dir(&folder).unwrap()).into_iter().flatten();
        for path in files.map(|entry| entry.unwrap().path()) {
            if path.extension().is_none_or(|extension| extension != "yaml") {
                continue;
            }
            count += 1;
            let (_, schema) = schemas.iter().find(|(name, _)| *name == kind(&path)).unwrap();
            let misfits = found(schema, &yaml(&fs::read_to_string(&path).unwrap()));
            wrong.extend(misfits.into_iter().map(|one| format!("{}: {one}", path.display())));
        }
    }
    assert!(wrong.is_empty() && count > 20, "{count} files\n{}", wrong.join("\n"));
}

/// A whole file of an example, and its kind.
fn whole(example: &str) -> (&'static str, Value) {
    if example.starts_with("# connector.yaml") {
        let mut file = yaml("orderhub: 1\nconnector: shop\nbase: \"{base_url}\"\n");
        file["operations"] = yaml(example)["operations"].clone();
        return ("connector", file);
    }
    if example.contains("integration: ") {
        return ("integration", yaml(example));
    }
    if example.contains("snippet: ") {
        return ("snippet", yaml(example));
    }
    if example.starts_with("orderhub") {
        return ("mapping", yaml(example));
    }
    let mut file = yaml("orderhub: 1\nmapping: shop.order\nkey: id\n");
    file["fields"] = yaml(example);
    ("mapping", file)
}

#[test]
fn schemas_take_every_right_example_and_refuse_unknown_keys() {
    let (mapping, integration) = (schema("mapping"), schema("integration"));
    let (snippet, connector) = (schema("snippet"), schema("connector"));
    for entry in CODES {
        let (kind, file) = whole(entry.right);
        let of = match kind {
            "mapping" => &mapping,
            "snippet" => &snippet,
            "connector" => &connector,
            _ => &integration,
        };
        let misfits = found(of, &file);
        assert!(misfits.is_empty(), "{}: {misfits:?}", entry.code);
    }
    let rule = |rule: Value| json!({ "orderhub": 1, "mapping": "a.b", "fields": [rule] });
    let wrong = [
        json!({ "orderhub": 2, "mapping": "a.b", "fields": [] }),
        json!({ "orderhub": 1, "mapping": "a.b", "fields": [], "feilds": [] }),
        json!({ "orderhub": 1, "mapping": "a.b", "fields": [], "entity": "ordre" }),
        rule(json!({ "hub": "order_no", "sytem": "name" })),
        rule(json!({ "hub": "order_no", "system": "name", "direction": "both" })),
        rule(json!({ "hub": "lines", "system": "items", "each": { "kye": "id" } })),
        rule(json!({ "hub": "order_no", "system": "name", "as": { "trim": null, "upper": null } })),
    ];
    for file in wrong {
        assert!(!found(&mapping, &file).is_empty(), "{file}");
    }
}

#[test]
fn an_order_and_the_settings_are_told_from_what_the_program_knows() {
    let order = schema("order");
    let good = json!({ "order_no": "1", "state": { "payment": "captured" }, "totals": { "total": { "amount": "1.50", "currency": "EUR" } }, "lines": [{ "sku": "A", "qty": { "ordered": "2" } }] });
    assert_eq!(found(&order, &good), Vec::<String>::new());
    let wrong = json!({ "totals": { "total": 1.5 } });
    assert!(!found(&order, &wrong).is_empty());
    let settings = schema("settings");
    let good = json!({
        "server": { "listen": "127.0.0.1:1" },
        "systems": { "shop": { "integration": "shopify", "settings": { "client_id": "app", "money": "shop_money" }, "secrets": { "client_secret": { "env": "T" } } } },
        "bus": { "url": "amqp://x", "consume": { "orders": { "queue": "q", "system": { "fixed": "shop" } } } },
    });
    assert_eq!(found(&settings, &good), Vec::<String>::new());
    for wrong in [
        json!({ "servr": {} }),
        json!({ "server": { "lisen": "x" } }),
        json!({ "server": { "listen": 8080 } }),
        json!({ "systems": { "shop": { "integation": "x" } } }),
        json!({ "systems": { "shop": { "settings": { "money": 1 } } } }),
    ] {
        assert!(!found(&settings, &wrong).is_empty(), "{wrong}");
    }
}

#[test]
fn schemas_are_written_where_the_hub_does_not_look() {
    let folder = tempfile::tempdir().unwrap();
    let mut write = Command::new(binary());
    let write = write.args(["schema", "--write", "."]).current_dir(folder.path()).output().unwrap();
    assert!(write.status.success(), "{}", String::from_utf8_lossy(&write.stderr));
    let kinds = ["integration", "mapping", "snippet", "connector", "flow", "ownership"];
    for kind in kinds.into_iter().chain(["order", "settings"]) {
        let text = fs::read_to_string(folder.path().join(format!(".schema/{kind}.json"))).unwrap();
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), schema(kind), "{kind}");
    }
    let neither = Command::new(binary()).arg("schema").output().unwrap();
    assert_eq!(neither.status.code(), Some(2));
}

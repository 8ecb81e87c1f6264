//! What passed as the watcher's JSON.

use orderhub_mapping::open::Open;
use orderhub_mapping::{Mapped, view};
use orderhub_order::catalogue::catalogue;
use orderhub_order::json::value;
use serde_json::{Value as Json, json};

use super::mask::{Known, MASK, is_open, without_personal};
use super::{In, MOST_BYTES, Out, Seen};
use crate::bundle::Received;
use crate::events;

/// One thing that passed, masked: the name of its event, and what there is to see.
pub(crate) fn shown(seen: &Seen) -> (&'static str, Json) {
    match seen {
        Seen::In(seen) => ("in", came(seen)),
        Seen::Out(seen) => ("out", went(seen)),
    }
}

fn came(seen: &In) -> Json {
    let envelope = &seen.envelope;
    // Mapping is pure: this is what the message was mapped to.
    let mapped = match envelope.body.len() > MOST_BYTES {
        true => Vec::new(),
        false => documents(seen.bundle.receive_again(envelope, &seen.kept)),
    };
    let mut known = Known::default();
    for one in &mapped {
        if let Mapped::Document(contribution) = one {
            known.contribution(contribution);
        }
    }
    let intake = seen.bundle.intake(&envelope.system, &envelope.document);
    let mappings = intake.map_or(&[][..], |intake| &intake.mappings);
    let open: Vec<Open> = mappings.iter().map(|mapping| mapping.open()).collect();
    let outcomes = seen.outcomes.iter().map(|outcome| {
        json!({
            "outcome": outcome.outcome.as_str(),
            "order": outcome.order.map(|order| order.shown()),
            "why": outcome.why.as_ref().map(|why| known.sentence(why)),
        })
    });
    json!({
        "at": envelope.received.to_string(),
        "source": &*envelope.source,
        "system": envelope.system.as_str(),
        "document": &*envelope.document,
        "message_id": envelope.message_id,
        "message_row": seen.row,
        "outcomes": outcomes.collect::<Vec<_>>(),
        "before": body(&known, &envelope.body, &open),
        "after": mapped.iter().map(|one| after(one, &known)).collect::<Vec<_>>(),
    })
}

/// Of what only hints at documents there is nothing to see yet.
fn documents(received: Received) -> Vec<Mapped> {
    match received {
        Received::Documents(mapped) | Received::Notices(mapped, _) => mapped,
        Received::Hints(_) | Received::Unreadable(..) => Vec::new(),
    }
}

fn body(known: &Known, body: &[u8], open: &[Open]) -> Json {
    if body.len() > MOST_BYTES {
        return Json::from(format!("{} bytes, too many to show", body.len()));
    }
    known.body(body, open)
}

fn after(mapped: &Mapped, known: &Known) -> Json {
    match mapped {
        Mapped::Document(contribution) => view::contribution(&without_personal(contribution)),
        Mapped::Skipped => json!({ "skipped": "its `where:` leaves it to others" }),
        Mapped::Failed(error) => json!({
            "failed": error.cause,
            "why": known.sentence(&error.why),
            "path": error.path,
            "rule": error.rule,
        }),
    }
}

/// The hub's own events have nothing personal in them; of another document only known values are shown.
fn open(seen: &Out) -> Vec<Open> {
    if seen.system.as_str() != events::SYSTEM {
        return Vec::new();
    }
    let document: Json = serde_json::from_slice(&seen.document).unwrap_or_default();
    let paths = document.as_object().into_iter().flatten().map(|(name, _)| name.clone()).collect();
    vec![Open { roots: vec![String::new()], paths }]
}

fn went(seen: &Out) -> Json {
    let mut known = Known::default();
    for (_, field, stated) in &seen.values {
        known.value(*field, stated);
    }
    let before = seen.values.iter().filter_map(|(at, id, stated)| {
        let field = catalogue().field(*id)?;
        let shown = if is_open(*id) || stated.is_none() { value(stated) } else { MASK.into() };
        Some(json!({ "of": at.to_string(), "field": field.full_path(), "value": shown }))
    });
    json!({
        "at": seen.at.to_string(),
        "system": seen.system.as_str(),
        "order": seen.order.shown(),
        "version": seen.version,
        "operation": &*seen.operation,
        "attempt": seen.attempt,
        "class": seen.class,
        "status": seen.status,
        "took_ms": seen.took_ms,
        "why": known.sentence(&seen.why),
        "before": before.collect::<Vec<_>>(),
        "after": body(&known, &seen.document, &open(seen)),
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::path::Path;
    use std::sync::Arc;

    use jiff::Timestamp;
    use orderhub_order::ids::SystemName;

    use super::*;
    use crate::bundle::Bundle;
    use crate::config::parse;
    use crate::intake::Envelope;

    const SETTINGS: &str = "[systems.shop]\nintegration = \"shopify\"\nbase_url = \"https://shop.example\"\n\
        secrets = { client_secret = { env = \"T\" }, webhook = { env = \"T\" } }\n\
        settings = { location_id = \"1\", client_id = \"app\", money = \"shop_money\" }\n";

    #[test]
    fn what_was_looked_up_is_shown_with_what_it_gave() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../mappings");
        let mut files = Bundle::read(&folder).unwrap();
        let sample = files["shopify/samples/paid.json"].clone();
        let order = files.get_mut("shopify/order_rest.yaml").unwrap();
        let rule = "fields:\n  - { hub: region, system: id, as: { lookup: { xref: order } } }\n";
        let text = String::from_utf8(order.clone()).unwrap().replacen("fields:\n", rule, 1);
        *order = text.into_bytes();
        let config = parse("orderhub.toml", SETTINGS, &HashMap::new()).unwrap().config;
        let bundle = Arc::new(Bundle::compile(&files, &config).unwrap());
        let envelope = Envelope {
            source: "api".into(),
            system: SystemName::new("shop"),
            document: "order_rest".into(),
            message_id: None,
            body: sample.into(),
            headers: Vec::new(),
            received: Timestamp::UNIX_EPOCH,
            suspect: false,
        };
        let mut kept = bundle.kept(&envelope);
        let wants = bundle.wants(&envelope, &kept, None);
        assert_eq!(wants.len(), 1, "{wants:?}");
        kept.learn(&wants[0], Some("till-7".into()));
        let seen = In { envelope, bundle, kept, row: None, outcomes: Vec::new() };
        let shown = came(&seen);
        assert_eq!(shown["after"][0]["region"], "till-7", "{shown:#}");
    }
}

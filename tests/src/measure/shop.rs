//! A shop's orders, mapped in by the shipped files: what the benches of the store write.

use std::collections::HashMap;
use std::path::Path;

use bytes::Bytes;
use orderhub::apply::Unit;
use orderhub::bundle::Bundle;
use orderhub::clock::Clock;
use orderhub::config;
use orderhub::intake::{Envelope, Gates, unit};
use orderhub_order::ids::SystemName;

use super::order;

/// A message of order `number` at its `change`, mapped.
pub fn message(bundle: &Bundle, number: u64, change: u64) -> Unit {
    let envelope = Envelope {
        source: "queue:orders".into(),
        system: SystemName::new("shop_eu"),
        document: "order_rest".into(),
        message_id: Some(order::message_id(number, change)),
        body: Bytes::from(order::body(number, change)),
        headers: vec![("x-system".to_owned(), "shop_eu".to_owned())],
        received: Clock::system().now(),
        suspect: false,
    };
    let gates = Gates { park_above_bytes: 1 << 20, park_above_lines: 1_000 };
    Unit::Message(Box::new(unit(bundle, gates, envelope, None)))
}

/// The shipped files, with a shop and a sink: the shop's lane and a lane that wants something.
///
/// # Panics
///
/// When the shipped files are not good.
pub fn bundle() -> Bundle {
    let settings = "
        [systems.shop_eu]
        integration = \"shopify\"
        base_url = \"http://127.0.0.1:9\"
        [systems.shop_eu.secrets]
        client_secret = { env = \"NONE\" }
        webhook = { env = \"NONE\" }
        [systems.shop_eu.settings]
        client_id = \"app\"
        money = \"shop_money\"
        location_id = \"1\"
        [systems.sink]
        integration = \"sink\"
        base_url = \"http://127.0.0.1:9\"
        [egress]
        allow_private = [\"127.0.0.1/32\"]
        ";
    let config = config::parse("bench", settings, &HashMap::new()).expect("the settings are good");
    let mappings = Path::new(env!("CARGO_MANIFEST_DIR")).join("../mappings");
    let files = Bundle::read(&mappings).expect("mappings/ is readable");
    Bundle::compile(&files, &config.config).unwrap_or_else(|error| panic!("{error:?}"))
}

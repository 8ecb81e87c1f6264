//! The hub as the benches run it: one shop as the source, a sink as the only target.

use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use crate::hub::Hub;
use crate::wait;

/// What it works with.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// The broker's address.
    pub amqp: &'a str,
    /// The queue that it reads.
    pub queue: &'a str,
    /// The URL of its store.
    pub store: &'a str,
    /// The sink's address.
    pub sink: &'a str,
}

/// Writes the settings into its folder, with the shipped files as mappings.
///
/// # Panics
///
/// When the folder cannot be written.
pub fn settings(folder: &Path, port: u16, place: &Place<'_>) {
    let mappings = Path::new(env!("CARGO_MANIFEST_DIR")).join("../mappings");
    let mappings = mappings.canonicalize().expect("mappings/ is there");
    let (Place { amqp, queue, store, sink }, mappings) = (place, mappings.display());
    let text = format!(
        r#"
        [server]
        listen = "127.0.0.1:{port}"
        [store]
        url = "{store}"
        [mappings]
        path = "{mappings}"
        [egress]
        allow_private = ["127.0.0.1/32"]
        [bus]
        url = "{amqp}"
        [bus.consume.orders]
        queue = "{queue}"
        system = {{ header = "x-system" }}
        document = {{ fixed = "order_rest" }}
        message_id = {{ property = "message_id" }}
        [systems.shop_eu]
        integration = "shopify"
        base_url = "http://127.0.0.1:9"
        secrets = {{ client_secret = {{ file = "secret" }}, webhook = {{ file = "secret" }} }}
        settings = {{ client_id = "app", money = "shop_money", location_id = "1" }}
        [systems.sink]
        integration = "sink"
        base_url = "{sink}"
        "#
    );
    std::fs::write(folder.join("orderhub.toml"), text).expect("the folder is writable");
    std::fs::write(folder.join("secret"), "bench").expect("the folder is writable");
}

/// Waits until the last receipts are stored: only then is the job over for the hub.
///
/// # Panics
///
/// After 20 s.
pub async fn settled(hub: &Hub, client: &reqwest::Client) {
    let url = hub.url("/api/v1/systems");
    wait::until("no lane of the hub wants anything", Duration::from_secs(20), || async {
        let page = client.get(&url).send().await.ok()?.bytes().await.ok()?;
        let page: Value = serde_json::from_slice(&page).ok()?;
        let systems = page["items"].as_array()?;
        let idle = |system: &Value| system["backlog"] == 0 && system["in_flight"] == 0;
        systems.iter().all(idle).then_some(())
    })
    .await;
}

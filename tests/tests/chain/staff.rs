//! The people of the warehouse, who know Tryton alone: they pick and pack what waits, and hand over what has a label.

use std::time::Duration;

use orderhub_tests::tryton::{Records, Tryton};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

/// What they look at a shipment for.
const FIELDS: &[&str] = &["state", "reference"];

/// People at work; they go home when this is dropped.
#[derive(Debug)]
pub(crate) struct Staff(JoinHandle<()>);

impl Staff {
    /// They begin.
    pub(crate) fn begin(tryton: &Tryton) -> Self {
        let records = tryton.records();
        Self(tokio::spawn(async move {
            let mut look = tokio::time::interval(Duration::from_millis(500));
            loop {
                look.tick().await;
                work(&records).await;
            }
        }))
    }
}

impl Drop for Staff {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// One look at all that is to be done. Where the server is away, they come again.
async fn work(records: &Records) {
    let open = json!([["state", "in", ["waiting", "assigned", "picked", "packed", "shipped"]]]);
    let Ok(open) = records.find("stock.shipment.out", &open, FIELDS).await else { return };
    for shipment in open {
        let buttons: &[&str] = match shipment["state"].as_str() {
            Some("waiting") => &["assign_try", "pick", "pack"],
            Some("assigned") => &["pick", "pack"],
            Some("picked") => &["pack"],
            Some("packed") if labelled(&shipment) => &["ship", "do"],
            Some("shipped") => &["do"],
            _ => &[],
        };
        for button in buttons {
            if records.press("stock.shipment.out", &shipment["id"], button).await.is_err() {
                break;
            }
        }
    }
}

fn labelled(shipment: &Value) -> bool {
    shipment["reference"].as_str().is_some_and(|number| !number.is_empty())
}

//! A release as the warehouse keeps and shows it.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::clock::stamp;
use crate::frame::{member, whole};

/// A release as the WMS keeps it.
#[derive(Clone, Debug)]
pub struct Release {
    /// `R000017`
    pub id: String,
    /// The sender's reference of the fulfilment.
    pub reference: String,
    /// The sender's reference of the order.
    pub order_ref: String,
    /// `received`, `accepted`, `picking`, `packed`, `shipped`, `rejected`, `cancelled`
    pub status: &'static str,
    /// When it was accepted.
    pub accepted_at: Option<Timestamp>,
    /// Why it was rejected or cancelled.
    pub reason: Option<&'static str>,
    /// Counts changes.
    pub revision: u64,
    /// What shall leave.
    pub lines: Vec<Line>,
    /// What was packed.
    pub parcels: Vec<Parcel>,
    /// Wakes the floor when a label came.
    pub(super) labelled: Arc<Notify>,
}

/// A line of a release.
#[derive(Clone, Debug)]
pub struct Line {
    /// The sender's name of the line.
    pub line_ref: String,
    /// The article.
    pub sku: String,
    /// How many shall leave.
    pub quantity: u64,
    /// How many were picked.
    pub picked: u64,
    /// How many were packed.
    pub packed: u64,
    /// How many are missing.
    pub short: u64,
}

/// A packed parcel.
#[derive(Clone, Debug)]
pub struct Parcel {
    /// `P000017-1`
    pub id: String,
    /// `packed` or `shipped`
    pub status: &'static str,
    /// When it was handed over.
    pub shipped_at: Option<Timestamp>,
    /// The number on its label.
    pub tracking_no: Option<String>,
    /// (line reference, quantity)
    pub lines: Vec<(String, u64)>,
}

/// The lines of a release as sent. None, or a quantity that is none, is refused.
pub(super) fn lines(document: &Value) -> Result<Vec<Line>, &'static str> {
    let sent = document.get("lines").and_then(Value::as_array).ok_or("`lines` is needed")?;
    if sent.is_empty() {
        return Err("`lines` is empty");
    }
    sent.iter()
        .map(|line| {
            let quantity = whole(line, "quantity").ok_or("every line needs a whole `quantity`")?;
            Ok(Line {
                line_ref: member(line, "line_ref"),
                sku: member(line, "sku"),
                quantity,
                picked: 0,
                packed: 0,
                short: 0,
            })
        })
        .collect()
}

/// A release as the API and the webhooks show it.
pub(super) fn shown(release: &Release) -> Value {
    let lines: Vec<Value> = release
        .lines
        .iter()
        .enumerate()
        .map(|(at, line)| {
            json!({
                "id": format!("{}-{}", release.id, at + 1),
                "line_ref": line.line_ref,
                "sku": line.sku,
                "quantity": line.quantity,
                "allocated": line.quantity - line.short,
                "picked": line.picked,
                "packed": line.packed,
                "short": line.short,
            })
        })
        .collect();
    json!({
        "id": release.id,
        "ref": release.reference,
        "order_ref": release.order_ref,
        "status": release.status,
        "accepted_at": release.accepted_at.map(stamp),
        "reason": release.reason,
        "revision": release.revision,
        "lines": lines,
    })
}

/// The parcels of a release as the webhooks show them.
pub(super) fn parcels(release: &Release) -> Value {
    let parcel = |parcel: &Parcel| {
        let lines: Vec<Value> = parcel
            .lines
            .iter()
            .map(|(line, quantity)| json!({ "line_ref": line, "quantity": quantity }))
            .collect();
        let pieces: u64 = parcel.lines.iter().map(|(_, quantity)| quantity).sum();
        json!({
            "id": parcel.id,
            "release_id": release.id,
            "release_ref": release.reference,
            "status": parcel.status,
            "shipped_at": parcel.shipped_at.map(stamp),
            "revision": release.revision,
            "lines": lines,
            "packages": [{
                "id": format!("{}-A", parcel.id),
                "weight_kg": format!("{}.{}", pieces * 4 / 10, pieces * 4 % 10),
                "lines": lines,
            }],
        })
    };
    release.parcels.iter().map(parcel).collect()
}

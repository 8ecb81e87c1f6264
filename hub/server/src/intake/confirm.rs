//! Tells a system that a page of a listing is stored here, where it wants to know.
//!
//! **Invariant:** a page is confirmed after the commit that stores it, never before, and whatever becomes of that, the
//! cursor stays where it is. What was not confirmed the system lists again, and says nothing new then. Test:
//! `a_page_is_confirmed_after_it_is_stored_and_a_failure_loses_nothing`.

use std::time::Duration;

use orderhub_connectors::contract::Ack;
use orderhub_order::ids::SystemName;
use tokio_util::sync::CancellationToken;

use super::leased::Parts;
use super::window::until;
use crate::deliver::{Asked, Question};
use crate::store::Lease;

/// How often one page is confirmed before it is left.
const MOST_TRIES: u32 = 5;
/// The longest wait between two tries: the listing waits for it.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// Confirms a page, unless the hub stops or the lease is lost meanwhile.
pub(super) async fn confirm(
    parts: &Parts,
    (system, document): (&SystemName, &str),
    ack: &Ack,
    (stop, lease): (&CancellationToken, &Lease),
) {
    for attempts in 0..MOST_TRIES {
        let question =
            Question { operation: &ack.operation, args: ack.args.clone(), fields: &[], attempts };
        let asked = tokio::select! {
            () = stop.cancelled() => return,
            () = lease.lost() => return,
            asked = parts.deliverer.ask(system, question) => asked,
        };
        let (at, why) = match asked {
            Asked::Answer(_) => return,
            Asked::Again { at, why, .. } => (Some(at), why),
            Asked::No { why, .. } | Asked::GivenUp(why) => (None, why),
        };
        metrics::counter!("orderhub_polls_failed_total", "system" => system.to_string())
            .increment(1);
        let operation = ack.operation.as_str();
        tracing::warn!(%system, document, operation, why, "a page is stored, and was not confirmed");
        let Some(at) = at else { return };
        let wait = until(parts.clock.now(), at).min(LONGEST_WAIT);
        tokio::select! {
            () = stop.cancelled() => return,
            () = lease.lost() => return,
            () = parts.clock.sleep(wait) => {}
        }
    }
}

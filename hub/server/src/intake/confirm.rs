//! Tells a system that a page of a listing is stored here, where it wants to know.
//!
//! **Invariant:** a page is confirmed after the commit that stores it, never before, and whatever becomes of that, the
//! cursor stays where it is. What was not confirmed the system lists again, and says nothing new then. Test:
//! `a_page_is_confirmed_after_it_is_stored_and_a_failure_loses_nothing`.
//! **Invariant:** a confirmation that fails holds up a listing for [`WITHIN`] at most, and the pages behind it for one
//! call each. Test: `a_listing_goes_on_past_pages_that_cannot_be_confirmed`.

use std::time::Duration;

use orderhub_connectors::contract::Ack;
use orderhub_order::ids::SystemName;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::leased::Parts;
use super::window::until;
use crate::deliver::{Asked, Question};
use crate::store::Lease;

/// How often one page is confirmed before it is left; while the one before it was not confirmed, once.
const MOST_TRIES: u32 = 5;
/// All tries of one page, and the waits between them: the listing waits for it.
const WITHIN: Duration = Duration::from_secs(10);
/// Between two tries of what failed.
const BREATH: Duration = Duration::from_secs(2);
/// So many pages in a row are a matter for a person: what the system keeps for us grows.
const MANY: u32 = 5;

/// Pages in a row that were not confirmed.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Unconfirmed(u32);

impl Unconfirmed {
    /// Confirms a page, unless the hub stops or the lease is lost meanwhile. `false`: it is not confirmed.
    pub(super) async fn confirm(
        &mut self,
        parts: &Parts,
        about: (&SystemName, &str),
        ack: &Ack,
        ends: (&CancellationToken, &Lease),
    ) -> bool {
        let tries = if self.0 == 0 { MOST_TRIES } else { 1 };
        let why = tokio::select! {
            () = ends.0.cancelled() => return false,
            () = ends.1.lost() => return false,
            why = tried(parts, about.0, ack, tries) => why,
        };
        self.told(about, &ack.operation, why);
        self.0 == 0
    }

    /// The first is told, and that they are many; what is between says nothing new.
    fn told(
        &mut self,
        (system, document): (&SystemName, &str),
        operation: &str,
        why: Option<String>,
    ) {
        let before = self.0;
        let Some(why) = why else {
            self.0 = 0;
            if before > 0 {
                tracing::info!(%system, document, operation, pages = before,
                    "pages are confirmed again; those that were not are listed again by the system");
            }
            return;
        };
        self.0 = before.saturating_add(1);
        metrics::counter!("orderhub_polls_failed_total", "system" => system.to_string())
            .increment(1);
        match self.0 {
            1 => tracing::warn!(%system, document, operation, why,
                "a page is stored, and was not confirmed; the listing goes on"),
            MANY => tracing::error!(%system, document, operation, why, pages = MANY,
                "pages in a row are stored, and none was confirmed: the system keeps them for us until it is; mend \
                 the operation of `ack`, or the system"),
            _ => {}
        }
    }
}

/// Tries to confirm a page; why it is not.
async fn tried(parts: &Parts, system: &SystemName, ack: &Ack, tries: u32) -> Option<String> {
    let ends = Instant::now() + WITHIN;
    let mut last = String::new();
    for attempts in 0..tries {
        if parts.deliverer.shut_for(system, &ack.operation).is_some() {
            // It costs no call, and opens later than the page is to wait.
            let open = format!("the breaker of `{}` is open", ack.operation);
            return Some(if last.is_empty() { open } else { last });
        }
        let question =
            Question { operation: &ack.operation, args: ack.args.clone(), fields: &[], attempts };
        let asked = tokio::time::timeout_at(ends, parts.deliverer.ask(system, question)).await;
        let (at, why) = match asked {
            Err(_) => return Some(format!("no answer within {} s", WITHIN.as_secs())),
            Ok(Asked::Answer(_)) => return None,
            Ok(Asked::Again { at, spent, why }) => (Some((at, spent)), why),
            Ok(Asked::No { why, .. } | Asked::GivenUp(why)) => (None, why),
        };
        last = why;
        let Some((at, spent)) = at else { break };
        let wait = until(parts.clock.now(), at);
        // What failed is tried sooner than deliveries are; what was throttled, when the system says.
        let wait = if spent { wait.min(BREATH) } else { wait };
        if Instant::now() + wait >= ends {
            break;
        }
        parts.clock.sleep(wait).await;
    }
    Some(last)
}

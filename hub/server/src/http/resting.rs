//! The gauges of what rests: lanes that no time makes due, messages that wait to be driven again.
//!
//! **Invariant:** no order and no message waits unseen, though nothing is due. Test:
//! `what_rests_and_waits_is_counted_and_told`.

use std::collections::BTreeMap;

use metrics::gauge;
use orderhub_order::lane::Rest;

use super::{Api, Problem};
use crate::telemetry::metrics::{UNKNOWN, WAITS};

/// Reads them, of the whole store; what there is none of any more is set to zero.
pub(super) async fn show(api: &Api) -> Result<(), Problem> {
    let bundle = api.intake.bundle();
    let systems = bundle.systems().map(|system| system.name.to_string());
    let zeros = systems.flat_map(|system| Rest::ALL.map(|rest| ((system.clone(), rest), 0)));
    let mut lanes: BTreeMap<(String, Rest), u64> = zeros.collect();
    for row in api.store.rests().await? {
        let known = bundle.system(&row.system).is_some();
        let system = if known { row.system.to_string() } else { UNKNOWN.to_owned() };
        *lanes.entry((system, row.rest)).or_default() += row.lanes;
    }
    for ((system, rest), count) in lanes {
        #[expect(clippy::cast_precision_loss, reason = "a gauge")]
        gauge!("orderhub_delivery_resting", "system" => system, "code" => rest.as_str())
            .set(count as f64);
    }
    let (now, waits) = (api.clock.now(), api.store.waits().await?);
    for why in WAITS {
        let row = waits.iter().find(|row| row.why == why);
        let age = row.map_or(0.0, |row| now.duration_since(row.oldest).as_secs_f64().max(0.0));
        #[expect(clippy::cast_precision_loss, reason = "a gauge")]
        gauge!("orderhub_intake_waiting", "why" => why).set(row.map_or(0, |row| row.count) as f64);
        gauge!("orderhub_intake_waiting_oldest_seconds", "why" => why).set(age);
    }
    Ok(())
}

//! Orders: list, show, log, diff, blame, restore, send again, release a hold.

use std::process::ExitCode;

use clap::Subcommand;
use reqwest::Method;

use super::{done, gather, history, listing};
use crate::cli::Shared;
use crate::cli::output::{self, Code, Fault};
use crate::cli::remote::call;

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum Order {
    /// The newest orders.
    List {
        /// Words that all find it: reference, number, id at a system, tracking or invoice number, exact or the
        /// beginning; and, exact, e-mail, phone, words of a name, postal code, for who may read personal data.
        q: Option<String>,
        /// From this system.
        #[arg(long)]
        system: Option<String>,
        /// In this stage.
        #[arg(long)]
        stage: Option<String>,
        /// With this hold.
        #[arg(long)]
        hold: Option<String>,
        /// In this state, of an axis: `payment=captured`. May be given for several.
        #[arg(long = "state", value_name = "AXIS=STATE")]
        states: Vec<String>,
        /// Changed then or later: `2026-03-01T09:00:00Z`.
        #[arg(long, value_name = "TIME")]
        updated_since: Option<String>,
        /// Placed then or later.
        #[arg(long, value_name = "TIME")]
        placed_since: Option<String>,
        /// At most so many.
        #[arg(long, default_value_t = 50)]
        limit: usize,
    },
    /// One order, whole.
    Show {
        /// Its id, ref or number.
        order: String,
        /// As it was at this version.
        #[arg(long)]
        at: Option<u32>,
    },
    /// Its versions: who, when, why, which fields.
    Log {
        /// Its id, ref or number.
        order: String,
    },
    /// What differs between two versions, and who made each difference.
    Diff {
        /// Its id, ref or number.
        order: String,
        /// The versions: `7..9`; `7` is 7 and the newest. Without: the newest and the one before.
        versions: Option<String>,
        /// End with 1 when they differ.
        #[arg(long)]
        exit_code: bool,
    },
    /// Who set each field, in which version, when, why, and what it replaced.
    Blame {
        /// Its id, ref or number.
        order: String,
        /// One field, or all below a path: `customer.email`, `lines[L1]`, `state`.
        field: Option<String>,
    },
    /// Leads it back to an earlier version, by a new one.
    Restore {
        /// Its id, ref or number.
        order: String,
        /// The version.
        #[arg(value_name = "VERSION")]
        to: u32,
        /// Why.
        #[arg(long, required_unless_present = "preview")]
        reason: Option<String>,
        /// Only say which fields would change, which systems would be called, and what cannot be undone.
        #[arg(long, alias = "dry-run")]
        preview: bool,
        /// Only if the order is still at this version, which a preview names.
        #[arg(long)]
        seen: Option<u64>,
    },
    /// Sends a system what it lacks of it: what was given up, never sent, or has changed since. Nothing that it has.
    Resend {
        /// Its id, ref or number.
        order: String,
        /// The system.
        system: String,
        /// All states once more, whole, also those that the system has. A fact that was told is told once.
        #[arg(long)]
        all: bool,
        /// Why.
        #[arg(long, required_unless_present = "preview")]
        reason: Option<String>,
        /// Only list each call that would be made.
        #[arg(long, alias = "dry-run")]
        preview: bool,
    },
    /// Releases a hold.
    Release {
        /// Its id, ref or number.
        order: String,
        /// The hold's id.
        hold: String,
        /// Why.
        #[arg(long)]
        reason: String,
    },
}

pub(in crate::cli) fn order(shared: &Shared, command: &Order) -> Result<ExitCode, Fault> {
    match command {
        Order::List { q, system, stage, hold, states, updated_since, placed_since, limit } => {
            let states = states.iter().map(|state| axis(state)).collect::<Result<Vec<_>, _>>()?;
            let mut query = vec![
                ("q", q.as_deref()),
                ("system", system.as_deref()),
                ("stage", stage.as_deref()),
                ("hold", hold.as_deref()),
                ("updated_since", updated_since.as_deref()),
                ("placed_since", placed_since.as_deref()),
            ];
            query.extend(states.iter().map(|(name, state)| (name.as_str(), Some(*state))));
            let page = gather(shared, &["orders"], &query, *limit)?;
            let columns = [
                ("ref", "/ref"),
                ("id", "/id"),
                ("no", "/order_no"),
                ("stage", "/stage"),
                ("payment", "/state/payment"),
                ("fulfilment", "/state/fulfilment"),
                ("total", "/totals/total"),
                ("version", "/version"),
            ];
            listing(&page, &columns, shared.output)
        }
        Order::Show { order, at } => {
            let at = at.map(|at| at.to_string());
            let path = ["orders", order];
            let shown = call(shared, Method::GET, &path, &[("at", at.as_deref())])?;
            output::document(&shown, shared.output);
            Ok(ExitCode::SUCCESS)
        }
        Order::Log { order } => {
            let page = call(shared, Method::GET, &["orders", order, "versions"], &[])?;
            let columns = [
                ("version", "/version"),
                ("at", "/at"),
                ("actor", "/actor"),
                ("cause", "/cause"),
                ("reason", "/reason"),
                ("fields", "/fields"),
            ];
            history::with_lost(&page, &columns, shared.output)
        }
        Order::Diff { order, versions, exit_code } => {
            history::diff(shared, order, versions.as_deref(), *exit_code)
        }
        Order::Blame { order, field } => history::blame(shared, order, field.as_deref()),
        Order::Restore { order, to, reason, preview, seen } => {
            let asked = history::Restore { version: *to, reason: reason.as_deref(), seen: *seen };
            history::restore(shared, order, &asked, *preview)
        }
        Order::Resend { order, system, all, reason, preview } => {
            history::resend(shared, (order, system), (*all, reason.as_deref()), *preview)
        }
        Order::Release { order, hold, reason } => {
            let path = ["orders", order, "holds", hold, "release"];
            done(shared, &path, Some(reason))
        }
    }
}

/// `payment=captured` as the filter that the API knows.
fn axis(given: &str) -> Result<(String, &str), Fault> {
    let (axis, state) = given.split_once('=').ok_or_else(|| {
        Fault::new(Code::Usage, format!("`--state {given}`"))
            .hint("write the axis and its state: `--state payment=captured`")
    })?;
    Ok((format!("state.{axis}"), state))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_names_its_axis() {
        assert_eq!(axis("payment=captured").unwrap(), ("state.payment".to_owned(), "captured"));
        assert_eq!(axis("captured").unwrap_err().code, Code::Usage);
    }
}

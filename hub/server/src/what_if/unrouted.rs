//! Calls that the old files make, and for whose event no entry of the new ones sends anything: an entry of `deliver:` was
//! taken out, or its file was cut short. Asked of every order that the messages are about, whether they change or not.

use orderhub_order::lane::WantKey;
use orderhub_order::model::State;

use super::calls::Seen;
use super::sent::subject;
use super::targets::{Both, Targets};

impl Targets {
    /// Of what an order's targets were sent, or are to be.
    pub(super) fn unrouted(&mut self, (old, new): Both<'_>, state: &State) {
        let (was, is) = (old.rules().systems, new.rules().systems);
        let order = state.order.reference.to_string();
        for lane in state.lanes.iter() {
            let (Some(was), Some(is)) = (was.get(&lane.system), is.get(&lane.system)) else {
                continue;
            };
            let sent = lane.sent.keys().filter_map(|text| WantKey::parse(text));
            for key in sent.chain(lane.wants.iter().map(|want| want.key.clone())) {
                let rule = was.deliver.iter().find(|rule| rule.id == key.rule);
                let Some(rule) = rule.filter(|rule| !rule.is_nothing()) else { continue };
                if is.deliver.iter().any(|other| other.on == rule.on && !other.is_nothing()) {
                    continue;
                }
                let (system, subject) = (lane.system.as_str(), subject(&key));
                let (what, operation, code) = ("no_longer_delivered", None, None);
                let why = format!("no entry of `deliver:` sends anything on `{}`", rule.on);
                let (rule, subject, why) = (&*key.rule, &*subject, Some(&*why));
                self.tell(&order, &Seen { what, system, rule, operation, code, subject, why });
            }
        }
    }
}

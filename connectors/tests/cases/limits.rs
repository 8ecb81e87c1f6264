//! What answers say of limits.

use orderhub_connectors::contract::*;
use orderhub_lang::value::Value;

use crate::Walk;
use crate::shown::{expect, map};

impl Walk<'_> {
    /// What a call counted as, and the limit that it was told.
    pub(super) fn limits(&self, turn: &Value, request: &Request, answer: &Answer) {
        if let Some(cost) = turn.get("cost") {
            let shown = self.connector.cost(&self.call, request, answer);
            assert_eq!(shown.map(i64::from), cost.as_int(), "{}", self.why);
        }
        if let Some(most) = turn.get("may_cost") {
            let shown = self.connector.may_cost(&self.call, request, answer);
            assert_eq!(shown.map(i64::from), most.as_int(), "{}", self.why);
            assert!(self.connector.reserve(&request.limit).is_some(), "{}", self.why);
        }
        if let Some(told) = turn.get("told") {
            let shown = self.connector.told(&self.call, request, answer);
            let number = |number: Option<i64>| number.map_or(Value::Null, Value::Int);
            let every = shown.every.and_then(|every| i64::try_from(every.as_millis()).ok());
            let burst = shown.burst.map(|burst| burst.get().into());
            let mut all = vec![("every_ms", number(every)), ("burst", number(burst))];
            // Said where it is read, by limits that set calls aside.
            if told.get("left").is_some() {
                all.push(("left", number(shown.left.map(i64::from))));
            }
            let shown = map(all);
            expect(&self.why, told, &shown);
        }
    }
}

//! Who asks, as far as stores must know it: of which orders an answer may speak.
//!
//! **Invariant:** what lies outside of a scope is answered like what is not there, in every read. Test:
//! `what_lies_outside_of_a_scope_is_not_there`.

use std::collections::BTreeSet;
use std::sync::Arc;

use orderhub_order::catalogue::{FieldId, known};
use orderhub_order::ids::SystemName;
use orderhub_order::model::Order;

/// Who asks: an unscoped query does not compile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Everything.
    All,
    /// What all of this allows.
    Part(Arc<Part>),
}

/// A part of all orders. What is `None` limits nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Part {
    /// Orders that came from these systems.
    pub systems: Option<BTreeSet<SystemName>>,
    /// Orders of these business units.
    pub units: Option<BTreeSet<String>>,
    /// Orders with one of these words in one of these fields; a list without any limits nothing.
    pub rows: &'static [(FieldId, &'static [&'static str])],
    /// What belongs to no order (a message that cannot be mapped, its todo) is seen for these systems only.
    pub heard: Option<BTreeSet<SystemName>>,
}

impl Scope {
    /// Whether an order is seen.
    pub fn sees(&self, order: &Order) -> bool {
        match self {
            Self::All => true,
            Self::Part(part) => part.sees(order),
        }
    }

    /// Whether what belongs to no order is seen, of this system.
    pub fn hears(&self, system: Option<&SystemName>) -> bool {
        match self {
            Self::All => true,
            Self::Part(part) => part.hears(system),
        }
    }

    /// The systems that orders must come from, for stores that can ask an index.
    pub(super) fn origins(&self) -> Option<Vec<String>> {
        match self {
            Self::All => None,
            Self::Part(part) => {
                let systems = part.systems.as_ref()?;
                Some(systems.iter().map(|system| system.as_str().to_owned()).collect())
            }
        }
    }
}

impl Part {
    fn sees(&self, order: &Order) -> bool {
        let unit = || order.fields.text(known::order::BUSINESS_UNIT).unwrap_or(&order.unit);
        let has_word = |(field, words): &(FieldId, &[&str])| {
            order.fields.text(*field).is_some_and(|word| words.contains(&word))
        };
        self.systems.as_ref().is_none_or(|systems| systems.contains(&order.origin))
            && self.units.as_ref().is_none_or(|units| units.contains(unit()))
            && (self.rows.is_empty() || self.rows.iter().any(has_word))
    }

    fn hears(&self, system: Option<&SystemName>) -> bool {
        match &self.heard {
            None => true,
            // What names no system is of nobody in particular.
            Some(heard) => system.is_some_and(|system| heard.contains(system)),
        }
    }
}

#[cfg(test)]
mod tests {
    use orderhub_order::ids::OrderKey;
    use orderhub_order::value::Value;

    use super::*;

    fn order(origin: &str, unit: &str) -> Order {
        Order::new(OrderKey(1), "ref".into(), SystemName::new(origin), unit.into())
    }

    fn set<T: Ord>(items: impl IntoIterator<Item = T>) -> Option<BTreeSet<T>> {
        Some(items.into_iter().collect())
    }

    #[test]
    fn an_order_is_seen_when_all_that_limits_lets_it_through() {
        let part = |part| Scope::Part(Arc::new(part));
        let of_shop = part(Part { systems: set([SystemName::new("shop")]), ..Part::default() });
        assert!(of_shop.sees(&order("shop", "eu")) && !of_shop.sees(&order("other", "eu")));
        let of_unit = part(Part { units: set(["eu".to_owned()]), ..Part::default() });
        assert!(of_unit.sees(&order("shop", "eu")) && !of_unit.sees(&order("shop", "us")));
        let mut named = order("shop", "eu");
        named.fields.set(known::order::BUSINESS_UNIT, Some(Value::text("us")));
        assert!(!of_unit.sees(&named), "the order's own unit counts before that of its origin");
        let rows = part(Part {
            rows: &[
                (known::order::STATE_PAYMENT, &["captured"]),
                (known::order::STATE_SETTLEMENT, &["pending"]),
            ],
            ..Part::default()
        });
        assert!(!rows.sees(&order("shop", "eu")));
        named.fields.set(known::order::STATE_SETTLEMENT, Some(Value::text("pending")));
        assert!(rows.sees(&named), "one of the words is enough");
    }

    #[test]
    fn what_belongs_to_no_order_is_seen_by_its_system() {
        let shop = SystemName::new("shop");
        let scope = Scope::Part(Arc::new(Part { heard: set([shop.clone()]), ..Part::default() }));
        assert!(scope.hears(Some(&shop)));
        assert!(!scope.hears(Some(&SystemName::new("other"))) && !scope.hears(None));
        assert!(Scope::All.hears(None));
    }
}

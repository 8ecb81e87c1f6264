//! Small orders for tests.

use crate::ids::{OrderKey, SystemName};
use crate::model::Order;

/// An empty order `shop-1001` of the system `shop`.
pub(crate) fn order() -> Order {
    Order::new(OrderKey(7), "shop-1001".into(), SystemName::new("shop"), "default".into())
}

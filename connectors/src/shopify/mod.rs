//! What Shopify needs beyond its connector file (`mappings/shopify/connector.yaml`).

mod fulfillment;

pub(crate) use fulfillment::FULFILLMENT;

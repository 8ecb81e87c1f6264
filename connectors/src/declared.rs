//! The connector that a `connector.yaml` describes.

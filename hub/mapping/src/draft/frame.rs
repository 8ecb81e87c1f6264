//! What stands around a drafted mapping: an `integration.yaml` and a `connector.yaml`, so that the draft is
//! checked and tested at once.

use orderhub_order::ids::{Entity, Role};

/// The files of a new integration's folder, with what they hold. `revision`: the mapping says which of two
/// documents is newer.
pub fn frame(
    integration: &str,
    document: &str,
    entity: Entity,
    revision: bool,
) -> [(&'static str, String); 2] {
    let role = match entity {
        Entity::Order => Role::Channel,
        Entity::Fulfilment | Entity::Shipment | Entity::Return => Role::Wms,
        Entity::Payment => Role::Finance,
        Entity::Invoice => Role::Erp,
    };
    let roles = Role::ALL.map(Role::as_str).join(", ");
    let ordering = if revision {
        "revision # a document that is older than what the hub has changes nothing; or queue, reread, commutative"
    } else {
        "queue # what comes later is newer; revision, where the mapping says `revision:`; or reread, commutative"
    };
    let frame = format!(
        "# A draft. What comes in stands in `intake`; what goes out, in `deliver`: `- {{ on: order.changed, do: <operation>, with: {document} }}`.
orderhub: 1
integration: {integration}
role: {} # guess; one of {roles}
connector: declared # the connector.yaml beside this file
intake:
  - message: {document} # over the queue, the API or a file; or `notice:` for webhooks, `poll:` for listings
    ordering: {ordering}
",
        role.as_str()
    );
    let connector = format!(
        "# A draft: how {integration} is spoken to. Without operations it is only heard.
orderhub: 1
connector: {integration}
base: \"{{base_url}}\" # a setting of the system; paths of steps are relative to it
timeout: 10s
operations: {{}}
"
    );
    [("integration.yaml", frame), ("connector.yaml", connector)]
}

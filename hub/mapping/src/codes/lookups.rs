//! Codes of what is looked up outside of the document, and of what files give each other.

use super::Explanation;

/// Master data that are not there.
pub const NO_MASTER: &str = "M0701";
/// References of a kind that nothing binds.
pub const NO_KIND: &str = "M0702";
/// A cached read that is not there, or is no look-up.
pub const NO_READ: &str = "M0703";
/// Read by an operation, and written by no rule.
pub const NOT_GIVEN: &str = "M0801";

pub(super) const NO_MASTER_PAGE: Explanation = Explanation {
    code: NO_MASTER,
    title: "no such master data",
    text: "`lookup: { master: … }` names a file `hub/master/<name>.csv` of the mappings folder, without its `.csv`. Its \
           first row names the columns: `from` is that of the system's value (the first unless it is named), `take` \
           that of the hub's. The hint names the nearest one that is there.",
    wrong: "- { hub: customer.tier, system: tier, as: { lookup: { master: tires, take: ours } } }",
    right: "- { hub: customer.tier, system: tier, as: { lookup: { master: tiers, take: ours } } }",
};

pub(super) const NO_KIND_PAGE: Explanation = Explanation {
    code: NO_KIND,
    title: "references of a kind that nothing binds",
    text: "A reference is bound by the key of an entity (`order`, `fulfilment`, `shipment`, `return`, `invoice`, `payment`), by \
           a rule `{ hub: $xref(kind), system: … }` of a mapping of the same integration, or by `reply: { xrefs: { kind: … } }` \
           of an operation of its connector. What reads a reference of another kind, `{xref.kind}`, `$xref(kind)`, `lookup: { \
           xref: kind }` or `parent: [{ xref: kind }]`, waits for ever. The hint names the nearest kind that is bound.",
    wrong: "- { hub: order_no, system: name }\n\
            - { hub: ext.replaces, system: replaces, direction: in, as: { lookup: { xref: ordr } } }\n",
    right: "- { hub: order_no, system: name }\n\
            - { hub: ext.replaces, system: replaces, direction: in, as: { lookup: { xref: order } } }\n",
};

pub(super) const NO_READ_PAGE: Explanation = Explanation {
    code: NO_READ,
    title: "no such read",
    text: "`lookup: { read: … }` names a cached read of this integration, one entry of `reads:` in its integration.yaml. The \
           document's value is the read's argument, so that it has one entry in `args:`; `take` is the path of the value \
           in its reply document.",
    wrong: "- { hub: customer.tier, system: group, as: { lookup: { read: group, take: name } } }",
    right: "- { hub: customer.tier, system: group, as: { lookup: { read: groups, take: name } } }",
};

pub(super) const NOT_GIVEN_PAGE: Explanation = Explanation {
    code: NOT_GIVEN,
    title: "an operation reads what its document does not have",
    text: "`{doc.a.b}` of a connector is a place of the document that the mapping named by `with:` in `deliver:` writes. Where \
           no rule of that mapping can write it, the call is never made, or always made without it. Write the place as \
           the rule's `system:` has it (of a list every element, `doc.items.*.article`), or add a rule. Without `with:` there \
           is no document. Of a format that is not JSON there is `doc.raw` alone.",
    wrong: "# connector.yaml\n\
            operations:\n\
            \x20 put: { kind: state, steps: [{ id: put, method: PUT, path: \"/jobs/{doc.nam}\", body: \"{doc}\", idempotency: safe }] }\n",
    right: "# connector.yaml\n\
            operations:\n\
            \x20 put: { kind: state, steps: [{ id: put, method: PUT, path: \"/jobs/{doc.name}\", body: \"{doc}\", idempotency: safe }] }\n",
};

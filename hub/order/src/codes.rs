//! The codes of findings in the hub's own files, each with what `orderhub explain` prints.
//!
//! **Invariant:** as in [`orderhub_lang::codes`]. Test: `every_code_is_shown_by_its_own_example`.

use orderhub_lang::codes::Explanation;

/// A field that the catalogue does not have.
pub const FIELD: &str = "F0001";
/// A value that an enum does not have.
pub const ENUM_VALUE: &str = "F0002";
/// A role that there is not.
pub const ROLE: &str = "F0003";
/// A test that does not fit what it tests.
pub const TEST: &str = "F0004";
/// An event that there is not.
pub const EVENT: &str = "F0005";
/// A release that is there twice.
pub const TWICE: &str = "F0006";
/// A target that there is not.
pub const TARGET: &str = "F0007";
/// A subject that a release cannot have.
pub const SUBJECT: &str = "F0008";
/// A thing that a release cannot make.
pub const CREATES: &str = "F0009";
/// An assignment that cannot be read.
pub const ASSIGN: &str = "F0010";
/// An owner that there is not.
pub const OWNER: &str = "F0011";
/// What happens to others' values, in a word that there is not.
pub const OTHERS: &str = "F0012";

/// Every code of this crate.
pub const CODES: &[Explanation] = &[
    Explanation {
        code: FIELD,
        title: "unknown hub field",
        text: "Flow, ownership and conditions name fields of the hub's catalogue by their dotted paths, from \
               the subject on or, with a leading `/`, from the order on. `orderhub explain state` lists those below a name.",
        wrong: "- { emits: order.accepted, to: erp, when: { state.lifecyle: [open] } }",
        right: "- { emits: order.accepted, to: erp, when: { state.lifecycle: [open] } }",
    },
    Explanation {
        code: ENUM_VALUE,
        title: "unknown value",
        text: "The field is an enum, and the catalogue does not list this value: the condition could never \
               hold as it is meant.",
        wrong: "- { emits: order.accepted, to: erp, when: { state.lifecycle: [opened] } }",
        right: "- { emits: order.accepted, to: erp, when: { state.lifecycle: [open] } }",
    },
    Explanation {
        code: ROLE,
        title: "unknown role",
        text: "Roles are channel, erp, wms, tms, finance, crm and sink. Names of systems never stand in these \
               files: they are settings.",
        wrong: "- { emits: order.cancelled, to: linked, when: { linked: warehouse } }",
        right: "- { emits: order.cancelled, to: linked, when: { linked: wms } }",
    },
    Explanation {
        code: TEST,
        title: "a test that does not fit",
        text: "Fields take a list of values, `present`, `absent`, `{ not: [...] }` and, where they have ranks, \
               `{ from: rank }`. Collections take `none` and `present`. `linked` takes roles.",
        wrong: "- { emits: order.accepted, to: erp, when: { placed_at: none } }",
        right: "- { emits: order.accepted, to: erp, when: { placed_at: absent } }",
    },
    Explanation {
        code: EVENT,
        title: "unknown event",
        text: "A release emits one of the hub's events, and an integration listens to one. Their names are a \
               promise to others, so a new one cannot be made up in a file.",
        wrong: "- { emits: order.acepted, to: erp }",
        right: "- { emits: order.accepted, to: erp }",
    },
    Explanation {
        code: TWICE,
        title: "release given twice",
        text: "A release is known by what it emits and to whom: of two with the same pair nobody could say \
               which one fired. Merge their conditions.",
        wrong: "- { emits: order.accepted, to: erp, when: { holds: none } }\n\
                - { emits: order.accepted, to: erp, when: { state.lifecycle: [open] } }\n",
        right: "- { emits: order.accepted, to: erp, when: { holds: none, state.lifecycle: [open] } }",
    },
    Explanation {
        code: TARGET,
        title: "unknown target",
        text: "`to` is a role, `origin` (where the order came from), `linked` (every system that knows the \
               order) or `all` (every bound or linked system and every sink that listens).",
        wrong: "- { emits: order.accepted, to: warehouse }",
        right: "- { emits: order.accepted, to: wms }",
    },
    Explanation {
        code: SUBJECT,
        title: "unknown subject",
        text: "`for` is `fulfilments`, `shipments`, `returns`, `invoices` or `payments`; without it the subject \
               is the order.",
        wrong: "- { emits: shipment.created, to: tms, for: parcels }",
        right: "- { emits: shipment.created, to: tms, for: shipments }",
    },
    Explanation {
        code: CREATES,
        title: "a release cannot make this",
        text: "The only thing that a release makes is a fulfilment: `creates: fulfilment`, without `for`.",
        wrong: "- { emits: fulfilment.released, to: wms, creates: shipment }",
        right: "- { emits: fulfilment.released, to: wms, creates: fulfilment }",
    },
    Explanation {
        code: ASSIGN,
        title: "an assignment that cannot be read",
        text: "An assignment says by which field of the order a system of a role is chosen, which of its values \
               means which tag, and what else: `{ by: addresses.ship_to.country, table: { CN: home }, else: only }`.",
        wrong: "assign: { wms: { by: addresses.ship_to.country, table: { CN: home }, else: first } }\n",
        right: "assign: { wms: { by: addresses.ship_to.country, table: { CN: home }, else: only } }\n",
    },
    Explanation {
        code: OWNER,
        title: "unknown owner",
        text: "Owners are the roles, `service` (people and service systems), `hub` and `any`.",
        wrong: "- { fields: [addresses.ship_to], owner: [warehouse] }",
        right: "- { fields: [addresses.ship_to], owner: [wms] }",
    },
    Explanation {
        code: OTHERS,
        title: "unknown treatment of others",
        text: "What others than the owners say is kept (`keep`), shown to a person (`propose`) or corrected back \
               (`correct`): nobody is asked then, and `orderhub order log ORDER` has what was said.",
        wrong: "- { fields: [addresses.ship_to], owner: [service], others: ignore }",
        right: "- { fields: [addresses.ship_to], owner: [service], others: keep }",
    },
];

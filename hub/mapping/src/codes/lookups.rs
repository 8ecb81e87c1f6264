//! Codes of what is looked up outside of the document.

use super::Explanation;

/// Master data that are not there.
pub const NO_MASTER: &str = "M0701";

pub(super) const NO_MASTER_PAGE: Explanation = Explanation {
    code: NO_MASTER,
    title: "no such master data",
    text: "`lookup: { master: … }` names a file `hub/master/<name>.csv` of the mappings folder, without its `.csv`. Its \
           first row names the columns: `from` is that of the system's value (the first unless it is named), `take` \
           that of the hub's. The hint names the nearest one that is there.",
    wrong: "- { hub: customer.tier, system: tier, as: { lookup: { master: tires, take: ours } } }",
    right: "- { hub: customer.tier, system: tier, as: { lookup: { master: tiers, take: ours } } }",
};

/// A cached read that is not there, or is no look-up.
pub const NO_READ: &str = "M0703";

pub(super) const NO_READ_PAGE: Explanation = Explanation {
    code: NO_READ,
    title: "no such read",
    text: "`lookup: { read: … }` names a cached read of this integration, one entry of `reads:` in its integration.yaml. The \
           document's value is the read's argument, so that it has one entry in `args:`; `take` is the path of the value \
           in its reply document.",
    wrong: "- { hub: customer.tier, system: group, as: { lookup: { read: group, take: name } } }",
    right: "- { hub: customer.tier, system: group, as: { lookup: { read: groups, take: name } } }",
};

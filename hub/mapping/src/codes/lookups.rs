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

//! Codes of what files share: groups of rules and tables.

use super::Explanation;

/// A group of rules that is not there.
pub const NO_SNIPPET: &str = "M0401";
/// A group of rules that includes itself.
pub const CIRCLE: &str = "M0402";
/// A name that leads out of its folder.
pub const OUTSIDE: &str = "M0403";
/// A group of rules that does not fit where it is included.
pub const MISFIT: &str = "M0404";
/// More is included than a file may.
pub const EXPANSION: &str = "M0405";
/// A table that is not there.
pub const NO_TABLE: &str = "M0411";
/// A cell or a row of a table that is wrong.
pub const CELL: &str = "M0412";
/// More rows than a table may have.
pub const MOST_ROWS: &str = "M0413";
/// A column of a table that is not there, or not named.
pub const COLUMN: &str = "M0414";

pub(super) const NO_SNIPPET_PAGE: Explanation = Explanation {
    code: NO_SNIPPET,
    title: "no such group of rules",
    text: "`include:` names a file below `mappings/common` without its `.yaml`: `common/address_cn` stands in \
           `mappings/common/address_cn.yaml`. The hint names the nearest one that is there.",
    wrong: "- { hub: addresses.ship_to, system: to, fields: [{ include: common/adress_xx }] }",
    right: "- { hub: addresses.ship_to, system: to, fields: [{ include: common/address_xx }] }",
};
pub(super) const CIRCLE_PAGE: Explanation = Explanation {
    code: CIRCLE,
    title: "a group of rules includes itself",
    text: "Groups of rules may include others, but never, by any way round, themselves: there would be no end of \
           rules. The label shows the circle. Put what both need into a third group.",
    wrong: "orderhub: 1\nsnippet: common/address_xx\npart: address\nfields: [{ include: common/address_xx }]\n",
    right: "orderhub: 1\nsnippet: common/address_xx\npart: address\nfields: [{ hub: city, system: city }]\n",
};
pub(super) const OUTSIDE_PAGE: Explanation = Explanation {
    code: OUTSIDE,
    title: "a name that leads out of the folder",
    text: "Groups of rules stand below `mappings/common`, tables in `tables` of the integration's own folder or in \
           `mappings/common/tables`. Nothing else is read: no `..`, no absolute path.",
    wrong: "- { hub: customer.tier, system: tier, as: { table: { file: ../tiers.csv } } }",
    right: "- { hub: customer.tier, system: tier, as: { table: { file: tables/tiers.csv } } }",
};
pub(super) const MISFIT_PAGE: Explanation = Explanation {
    code: MISFIT,
    title: "a group of rules does not fit where it is included",
    text: "A group is checked by itself first, so what is wrong is the place that includes it. A group for \
           `part: address` stands in the `fields:` of an address, one for elements in the `fields:` of an `each:`, \
           and `under:` must lead to what the group is written for. The note shows the rule that does not fit.",
    wrong: "- { include: common/address_xx }",
    right: "- { include: common/address_xx, under: { hub: addresses.ship_to, system: to } }",
};
pub(super) const EXPANSION_PAGE: Explanation = Explanation {
    code: EXPANSION,
    title: "more than a mapping may hold",
    text: "A mapping has at most 5,000 paths. Groups of rules stand within each other at most 8 deep, and all that \
           one file includes has at most 50,000 nodes (of all files together 200,000), groups within groups counted \
           each time: a few lines could stand for millions of rules.",
    wrong: "- { hub: addresses.ship_to, system: to, fields: [{ include: common/huge_xx }] }",
    right: "- { hub: addresses.ship_to, system: to, fields: [{ include: common/address_xx }] }",
};
pub(super) const NO_TABLE_PAGE: Explanation = Explanation {
    code: NO_TABLE,
    title: "no such table",
    text: "`file:` names a `.csv` file in `tables` of the integration's own folder, or in `common/tables`, by its \
           path from there on. The hint names the nearest one that is there.",
    wrong: "- { hub: customer.tier, system: tier, as: { table: { file: tables/tires.csv } } }",
    right: "- { hub: customer.tier, system: tier, as: { table: { file: tables/tiers.csv } } }",
};
pub(super) const CELL_PAGE: Explanation = Explanation {
    code: CELL,
    title: "a row or a cell of a table is wrong",
    text: "Every row has as many cells as the first, which names the columns. A cell with a comma, a quote or a line \
           break stands in quotes, quotes doubled; it has at most 256 bytes. A word of the system stands once: of \
           two rows one would win.",
    wrong: "- { hub: customer.tier, system: tier, as: { table: { file: tables/wrong.csv } } }",
    right: "- { hub: customer.tier, system: tier, as: { table: { file: tables/tiers.csv } } }",
};
pub(super) const MOST_ROWS_PAGE: Explanation = Explanation {
    code: MOST_ROWS,
    title: "too many rows",
    text: "A table has at most 100,000 rows, and all that rules use together at most 32 MiB. Code tables are short; what grows with the business belongs into the \
           system that keeps it.",
    wrong: "- { hub: customer.tier, system: tier, as: { table: { file: tables/long.csv } } }",
    right: "- { hub: customer.tier, system: tier, as: { table: { file: tables/tiers.csv } } }",
};
pub(super) const COLUMN_PAGE: Explanation = Explanation {
    code: COLUMN,
    title: "a column that is not there",
    text: "The first row of a table names its columns, each once. A rule names the column of the system's words with \
           `from:` and that of the hub's with `to:`; a table of two columns needs neither.",
    wrong: "- { hub: customer.tier, system: tier, as: { table: { file: tables/tiers.csv, from: theirs, to: our } } }",
    right: "- { hub: customer.tier, system: tier, as: { table: { file: tables/tiers.csv, from: theirs, to: ours } } }",
};

//! The codes of this crate's findings, each with what `orderhub explain` prints.
//!
//! **Invariant:** a code is never given another meaning; every code stands in [`CODES`] with a wrong
//! and a right example. Test: `every_code_is_shown_by_its_own_example`.

mod laws;
mod lookups;
mod shared;

pub use lookups::{NO_KIND, NO_MASTER, NO_READ, NOT_GIVEN};
pub use orderhub_lang::codes::Explanation;
pub use shared::{
    CELL, CIRCLE, COLUMN, EXPANSION, MISFIT, MOST_ROWS, NO_SNIPPET, NO_TABLE, OUTSIDE,
};

/// Another version of the language.
pub const VERSION: &str = "M0001";
/// Keys that do not go together, or a part that is missing.
pub const SHAPE: &str = "M0002";
/// A word that is not one of a few.
pub const WORD: &str = "M0003";
/// In the language, not in this version.
pub const LATER: &str = "M0004";
/// A name that does not fit its file.
pub const NAME: &str = "M0005";
/// A key is missing.
pub const KEY: &str = "M0006";
/// An unknown hub field.
pub const HUB_FIELD: &str = "M0107";
/// A path of the hub side that cannot be followed.
pub const HUB_PATH: &str = "M0108";
/// A path of the system side that cannot be followed.
pub const SYSTEM_PATH: &str = "M0109";
/// A condition that a document cannot meet.
pub const WHERE: &str = "M0110";
/// A rule that can go no way, or not the way it says.
pub const NO_WAY: &str = "M0111";
/// Many values for one field.
pub const FAN_OUT: &str = "M0112";
/// An unknown conversion.
pub const CONVERSION: &str = "M0201";
/// A wrong option of a conversion.
pub const OPTION: &str = "M0202";
/// Types that do not fit.
pub const TYPE: &str = "M0203";
/// A word that an enum of the hub does not have.
pub const ENUM: &str = "M0204";
/// A way back that gives another number of parts than inputs are named.
pub const PARTS: &str = "M0220";
/// A file that an integration needs is missing, or one that it names.
pub const FILE: &str = "M0301";
/// An entry of an integration that cannot work.
pub const INTEGRATION: &str = "M0302";
/// Two deliver rules of one name.
pub const TWICE: &str = "M0303";
/// A two-way field that breaks its law.
pub const LAW: &str = "M0501";
/// A field that goes one way, and nobody said so.
pub const ONE_WAY: &str = "M0502";
/// Elements that are known by their position.
pub const POSITION: &str = "M0503";
/// Two systems that push a field back and forth.
pub const LOOP: &str = "M0504";
/// What a system gives back is taken for a change of it.
pub const ECHO: &str = "M0505";
/// Two files write and read one place in two ways.
pub const TWO_SHAPES: &str = "M0506";
/// A file, or a field of it, that cannot be tried as a whole document.
pub const UNTRIED: &str = "M0507";
/// What one rule gives a field another rule cannot write.
pub const STUCK: &str = "M0508";
/// An option of a format that cannot be.
pub const FORMAT_OPTION: &str = "M0601";
/// A path that the format cannot write.
pub const FORMAT_PATH: &str = "M0602";
/// An empty cell that fails its document.
pub const BLANK: &str = "M0603";

/// Every code of this crate.
pub const CODES: &[Explanation] = &[
    Explanation {
        code: VERSION,
        title: "another version of the language",
        text: "Every file says in its first line which version of the language it is written in. This program \
               reads version 1.",
        wrong: "orderhub: 7\nmapping: shop.order\nkey: id\nfields:\n  - { hub: order_no, system: name }\n",
        right: "orderhub: 1\nmapping: shop.order\nkey: id\nfields:\n  - { hub: order_no, system: name }\n",
    },
    Explanation {
        code: SHAPE,
        title: "a part is missing, or two do not go together",
        text: "A rule has a hub side and a system side: a path, a list of paths of which the first counts, or \
               named inputs. `value:` or `expr:` stands in for one side. `fields:` maps an object part by part, \
               `each:` the elements of a list; their conversions stand inside.",
        wrong: "- { hub: order_no }",
        right: "- { hub: order_no, system: name }",
    },
    Explanation {
        code: WORD,
        title: "not one of the words that may stand here",
        text: "This key takes one of a few words. The hint names the nearest, or all of them.",
        wrong: "- { hub: order_no, system: name, direction: both }",
        right: "- { hub: order_no, system: name }",
    },
    Explanation {
        code: LATER,
        title: "not in this version",
        text: "The language has this, but this version of the program does not do it yet. Nothing is ignored in \
               silence: leave the part out. Where another part stands in for it until then, the hint names it.",
        wrong: "orderhub: 1\nintegration: shop\nrole: channel\nconnector: declared\n\
                deliver: [{ on: order.changed, do: put, while_down: { side_channel: files } }]\n",
        right: "orderhub: 1\nintegration: shop\nrole: channel\nconnector: declared\n\
                deliver: [{ on: order.changed, do: put, while_down: queue }]\n",
    },
    Explanation {
        code: NAME,
        title: "the name does not fit the file",
        text: "A mapping is called after its integration and its file: `shopify.order_rest` stands in \
               `mappings/shopify/order_rest.yaml`. An integration is called after its folder.",
        wrong: "orderhub: 1\nmapping: order\nkey: id\nfields:\n  - { hub: order_no, system: name }\n",
        right: "orderhub: 1\nmapping: shop.order\nkey: id\nfields:\n  - { hub: order_no, system: name }\n",
    },
    Explanation {
        code: KEY,
        title: "a key is missing",
        text: "Documents and elements are matched by key, never by position. `key:` names the system's own id; \
               `ours:` the place where our id comes back as it was sent.",
        wrong: "- { hub: lines, system: items, each: { fields: [{ hub: sku, system: sku }] } }",
        right: "- { hub: lines, system: items, each: { key: id, fields: [{ hub: sku, system: sku }] } }",
    },
    Explanation {
        code: HUB_FIELD,
        title: "unknown hub field",
        text: "The hub's fields are those of its catalogue. `orderhub explain <prefix>` lists them; within `each:` and \
               `fields:` names are of the element or of the address. What has no field goes to `ext.<name>`.",
        wrong: "- { hub: customer.e_mail, system: email }",
        right: "- { hub: customer.email, system: email }",
    },
    Explanation {
        code: HUB_PATH,
        title: "a hub path that leads nowhere",
        text: "Hub paths start at the mapping's subject, `^` at what surrounds it, `/` at the order. \
               A collection is followed by `*`, a place, or `(field=value)`, or mapped with `each:`.",
        wrong: "- { hub: lines.sku, system: sku }",
        right: "- { hub: lines, system: items, each: { key: id, fields: [{ hub: sku, system: sku }] } }",
    },
    Explanation {
        code: SYSTEM_PATH,
        title: "a path that is no place in the document",
        text: "System paths start at the element, `^` at what surrounds it, `/` at the document. `$settings.x`, \
               `$args.x` and `$index` stand for what is not in it; `$xref(kind)` is of the hub side. Where `documents: at` gives \
               parts of a body, the part is the document: `key`, `parent` and `revision` say `no` for what is in it and `^no` for \
               what is around it, and `/no` is refused there. A `revision`, or a `parent`, that no document of any case has is a \
               warning.",
        wrong: "- { hub: order_no, system: $xref(order) }",
        right: "- { hub: $xref(order), system: id }",
    },
    Explanation {
        code: WHERE,
        title: "a condition that a document cannot meet",
        text: "`where:` compares with texts, `present`, `absent`, `none` and `{ not: [...] }`. What `none:` of the \
               rule, or of the whole file, says means null is not present; a list of values looks at what stands \
               there. Ranks (`{ from: … }`) belong to the hub's states and stand in `when:`.",
        wrong: "- { hub: order_no, system: name, where: { status: { from: shipped } } }",
        right: "- { hub: order_no, system: name, where: { status: [shipped, delivered] } }",
    },
    Explanation {
        code: NO_WAY,
        title: "the rule cannot go this way",
        text: "A rule goes both ways where it can. Computed fields and those that the hub writes go out only; \
               constants, folds and conditions on the document come in only. The hint says what stands in the way.",
        wrong: "- { hub: state.fulfilment, system: status, direction: in }",
        right: "- { hub: state.fulfilment, system: status, direction: out }",
    },
    Explanation {
        code: FAN_OUT,
        title: "many values for one field",
        text: "A path with `*` gives a value for each element. A field that holds one needs a fold at the end of \
               its chain: `sum`, `min`, `max`, `first`, `count` or `join`.",
        wrong: "- { hub: order_no, system: items.*.name }",
        right: "- { hub: order_no, system: items.*.name, as: first }",
    },
    Explanation {
        code: CONVERSION,
        title: "unknown conversion",
        text: "A conversion is one of the language's, or a name that `use:` gives to a chain, in this file or in \
               integration.yaml. Several are a list: `as: [trim, upper]`.",
        wrong: "- { hub: order_no, system: name, as: uper }",
        right: "- { hub: order_no, system: name, as: upper }",
    },
    Explanation {
        code: OPTION,
        title: "a wrong option of a conversion",
        text: "The option is not what the conversion can use. The message says what is needed.",
        wrong: "- { hub: order_no, system: name, as: { truncate: short } }",
        right: "- { hub: order_no, system: name, as: { truncate: 35 } }",
    },
    Explanation {
        code: TYPE,
        title: "types that do not fit",
        text: "The hub's fields have types. What a chain gives must fit its field, and what a conversion is given \
               must fit the conversion. Amounts need `money`, times `timestamp`, quantities `decimal`.",
        wrong: "- { hub: totals.total, system: total }",
        right: "- { hub: totals.total, system: total, as: { money: { currency: /currency } } }",
    },
    Explanation {
        code: ENUM,
        title: "not a word of this state",
        text: "States of the hub are words of its catalogue. A constant, and each row of a table, gives one of them.",
        wrong: "- { hub: state.lifecycle, value: canceled, where: { cancelled_at: present } }",
        right: "- { hub: state.lifecycle, value: cancelled, where: { cancelled_at: present } }",
    },
    Explanation {
        code: PARTS,
        title: "a way back for another number of inputs",
        text: "`concat` with `back:` cuts the hub's text in two on the way out: by its last or first blank, or before the \
               number of a house. Three inputs have no way back: name two, or say `direction: in`.",
        wrong: "- { hub: customer.name, system: { a: title, b: first, c: last }, as: { concat: { by: \" \", back: last_space } } }",
        right: "- { hub: customer.name, system: { a: first, b: last }, as: { concat: { by: \" \", back: last_space } } }",
    },
    Explanation {
        code: FILE,
        title: "a file is missing, or cannot be read",
        text: "An integration is a folder with an integration.yaml and a file for each document that it names. \
               A declared connector also needs a connector.yaml, and cases the documents that they name, below \
               the same folder. A file that is there and cannot be read counts as missing: a link that leads nowhere, \
               or one that the program may not open.",
        wrong: "orderhub: 1\nintegration: shop\nrole: channel\nconnector: declared\n\
                intake: [{ message: ordre, ordering: revision }]\n",
        right: "orderhub: 1\nintegration: shop\nrole: channel\nconnector: declared\n\
                intake: [{ message: order, ordering: revision }]\n",
    },
    Explanation {
        code: INTEGRATION,
        title: "an entry of the integration that cannot work",
        text: "Every intake says where documents come from (`notice`, `message` or `poll`) and what orders them. A \
               document that comes in needs a key; one that has a revision is ordered by it, and no other is. `do:` names an \
               operation of the connector that writes, or a pair `{ create: …, update: … }`; `do: none` and `update: none` say \
               that nothing is to be done. `send: changed` needs a mapping in `with:` and a change to send; `on:` is an event \
               of the flow that goes to this role. What `reads:` names is an operation of `kind: read`. The message says which \
               of it does not fit.",
        wrong: "orderhub: 1\nintegration: shop\nrole: channel\nconnector: declared\n\
                intake: [{ message: order }]\n",
        right: "orderhub: 1\nintegration: shop\nrole: channel\nconnector: declared\n\
                intake: [{ message: order, ordering: revision }]\n",
    },
    Explanation {
        code: TWICE,
        title: "two entries with one name",
        text: "A deliver rule is known by its event and its operation. Two rules of one name could not be told \
               apart in lanes, receipts and answers to why nothing was sent.",
        wrong: "orderhub: 1\nintegration: shop\nrole: channel\nconnector: declared\n\
                intake: [{ message: order, ordering: revision }]\n\
                deliver: [{ on: order.changed, do: put }, { on: order.changed, do: put }]\n",
        right: "orderhub: 1\nintegration: shop\nrole: channel\nconnector: declared\n\
                intake: [{ message: order, ordering: revision }]\n\
                deliver: [{ on: order.changed, do: put }, { on: order.cancelled, do: put }]\n",
    },
    shared::NO_SNIPPET_PAGE,
    shared::CIRCLE_PAGE,
    shared::OUTSIDE_PAGE,
    shared::MISFIT_PAGE,
    shared::EXPANSION_PAGE,
    shared::NO_TABLE_PAGE,
    shared::CELL_PAGE,
    shared::MOST_ROWS_PAGE,
    shared::COLUMN_PAGE,
    Explanation {
        code: LAW,
        title: "a two-way field breaks its law",
        text: "What goes out must come back: as it was, or in a form that does not change any more (cut, rounded, in \
               capitals); what `inverse:` writes of a formula, always as it was. And what a rule gives must go \
               out by it: a word of `on_unknown: { use: word }` has a row of its own. The message shows the simplest value that \
               does not. Such a field cannot be activated: let the conversions read what they write, or let the field go \
               one way with `direction:`. `orderhub mapping laws` shows every field.",
        wrong: "- { hub: order_no, system: name, as: [lower, { table: { rows: { A1: b2 } } }] }",
        right: "- { hub: order_no, system: name, as: [{ table: { rows: { A1: b2 } } }] }",
    },
    Explanation {
        code: ONE_WAY,
        title: "a field goes one way, and nobody said so",
        text: "The file maps documents both ways, and this field goes one way only. Where that is meant, say \
               `direction: in` or `direction: out`; else take what stands in the way out of the rule.",
        wrong: "- { hub: order_no, system: name }\n- { hub: customer.name, system: { f: first, l: last }, as: { concat: \" \" } }",
        right: "- { hub: order_no, system: name }\n- { hub: customer.name, system: { f: first, l: last }, as: { concat: { by: \" \", back: last_space } } }",
    },
    Explanation {
        code: POSITION,
        title: "elements are known by their position",
        text: "When a row goes, or the order of rows changes, those behind it are taken for others. `$index` is for rows \
               that have nothing else; name a field that stays with its row, if there is one.",
        wrong: "- { hub: lines, system: items, each: { key: $index, fields: [{ hub: sku, system: sku }] } }",
        right: "- { hub: lines, system: items, each: { key: id, fields: [{ hub: sku, system: sku }] } }",
    },
    laws::LOOP_PAGE,
    laws::ECHO_PAGE,
    laws::TWO_SHAPES_PAGE,
    laws::UNTRIED_PAGE,
    laws::STUCK_PAGE,
    Explanation {
        code: FORMAT_OPTION,
        title: "an option of a format that cannot be",
        text: "Options of a format are about its bytes: the encoding of the letters, the signs between and around \
               cells. A mark of byte order (`bom`) is of UTF-8 alone. UTF-16 is read where a body says so itself by \
               its mark, and never written.",
        wrong: "orderhub: 1\nmapping: shop.order\nformat: { csv: { encoding: windows-1252, bom: true } }\nkey: id\n\
                fields:\n  - { hub: order_no, system: name }\n",
        right: "orderhub: 1\nmapping: shop.order\nformat: { csv: { encoding: windows-1252 } }\nkey: id\n\
                fields:\n  - { hub: order_no, system: name }\n",
    },
    Explanation {
        code: FORMAT_PATH,
        title: "a path that the format cannot write",
        text: "A row of a table has columns, each with one text: a path is the name of a column, a list needs `join`, \
               and rows that belong together stand under `rows`, with `documents: { by: … }`. A document of XML has one \
               element around all others, and names begin with a letter. A rule that only comes in says \
               `direction: in`.",
        wrong: "orderhub: 1\nmapping: shop.order\nformat: csv\nkey: id\n\
                fields:\n  - { hub: order_no, system: order.no }\n",
        right: "orderhub: 1\nmapping: shop.order\nformat: csv\nkey: id\n\
                fields:\n  - { hub: order_no, system: order_no }\n",
    },
    Explanation {
        code: BLANK,
        title: "an empty cell fails its document",
        text: "A table and a form have no null: what is empty comes in as an empty text, which is no number, no amount \
               and no time. `none: [\"\"]` says that it means null, for one rule or for the whole file.",
        wrong: "orderhub: 1\nmapping: shop.order\nformat: csv\nkey: id\n\
                fields:\n  - { hub: placed_at, system: at, as: timestamp }\n",
        right: "orderhub: 1\nmapping: shop.order\nformat: csv\nkey: id\nnone: [\"\"]\n\
                fields:\n  - { hub: placed_at, system: at, as: timestamp }\n",
    },
    lookups::NO_MASTER_PAGE,
    lookups::NO_KIND_PAGE,
    lookups::NO_READ_PAGE,
    lookups::NOT_GIVEN_PAGE,
];

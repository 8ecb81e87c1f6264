//! Pages of what the laws find between rules, files and systems.

use super::{ECHO, Explanation, LOOP, STUCK, TWO_SHAPES, UNTRIED};

pub(super) const LOOP_PAGE: Explanation = Explanation {
    code: LOOP,
    title: "two systems push a field back and forth",
    text: "Both systems are sent the field, and both may change it. What one gives back is not what it was sent, so \
           the hub takes it for a change and sends it to the other, which does the same. The message shows the values \
           of the first rounds. Let each system read what it was sent, or let one of them only read or only write.",
    wrong: "# sent.yaml\n\
            - { hub: notes.customer, system: note, as: { strip_prefix: \"*\" } }\n\
            # seen.yaml\n\
            - { hub: notes.customer, system: note }\n\
            ",
    right: "# sent.yaml\n\
            - { hub: notes.customer, system: note, as: { strip_prefix: \"*\" } }\n\
            # seen.yaml\n\
            - { hub: notes.customer, system: note, as: { strip_prefix: \"*\" } }\n\
            ",
};

pub(super) const ECHO_PAGE: Explanation = Explanation {
    code: ECHO,
    title: "what a system gives back replaces what it was sent",
    text: "The system gives a value back in another form than the hub expects, the hub takes that for a change of the \
           system, and the value that nobody chose goes to all others. It ends there, but the first value is gone. Let \
           the rule that reads the field read what the other writes.",
    wrong: "# sent.yaml\n\
            - { hub: customer.tier, system: tier, as: { table: { rows: { A: gold, B: silver }, on_unknown: fail } } }\n\
            # seen.yaml\n\
            - { hub: customer.tier, system: tier }\n\
            ",
    right: "# sent.yaml\n\
            - { hub: customer.tier, system: tier, as: { table: { rows: { A: gold, B: silver }, on_unknown: fail } } }\n\
            # seen.yaml\n\
            - { hub: customer.tier, system: tier, as: { table: { rows: { A: gold, B: silver }, on_unknown: fail } } }\n\
            ",
};

pub(super) const TWO_SHAPES_PAGE: Explanation = Explanation {
    code: TWO_SHAPES,
    title: "two files write and read one place in two ways",
    text: "One file writes a place of the system's document, another reads the same path, and the value does not come \
           back. Where the system really shows the field in another form than it takes it, nothing is wrong; else let \
           both files use one conversion, named under `use:` of the integration.",
    wrong: "# sent.yaml\n\
            - { hub: notes.customer, system: note, as: { strip_prefix: \"*\" } }\n\
            # seen.yaml\n\
            - { hub: notes.customer, system: note }\n\
            ",
    right: "# sent.yaml\n\
            - { hub: notes.customer, system: note, as: { strip_prefix: \"*\" } }\n\
            # seen.yaml\n\
            - { hub: notes.customer, system: note, as: { strip_prefix: \"*\" } }\n\
            ",
};

pub(super) const UNTRIED_PAGE: Explanation = Explanation {
    code: UNTRIED,
    title: "what goes out cannot be tried on its way back",
    text: "A file that goes both ways is tried with whole documents: what it sends must come back by it, each field \
           beside all others. Here a document that the file sends is never one that it takes: `where:` leaves it to \
           others, or it cannot be read. So two rules that share a place would not be found. Let the file take what it \
           sends, or split it in two, one for each way. A file is tried with so many documents: fields that none was \
           left for are told so, too; mend what else is found in it first.",
    wrong: "orderhub: 1\nmapping: shop.order\nkey: id\nwhere: { kind: [order] }\n\
            fields:\n  - { hub: order_no, system: name }\n  - { system: kind, value: sale }\n",
    right: "orderhub: 1\nmapping: shop.order\nkey: id\nwhere: { kind: [order] }\n\
            fields:\n  - { hub: order_no, system: name }\n  - { system: kind, value: order }\n",
};

pub(super) const STUCK_PAGE: Explanation = Explanation {
    code: STUCK,
    title: "what one rule gives cannot go out by another",
    text: "Several rules may give one field. Here one of them gives a word that another, which writes the field, has no row \
           for: an order that has it fails on its way to the system, with all else that it says. Add the row; or let \
           the rule say nothing of other words, with `on_unknown: ignore`; or let it only read, with `direction: in`.",
    wrong: "- { hub: state.payment, system: paid, as: { table: { rows: { 1: captured } } } }\n- { hub: state.payment, value: pending }",
    right: "- { hub: state.payment, system: paid, as: { table: { rows: { 1: captured, 0: pending } } } }\n- { hub: state.payment, value: pending }",
};

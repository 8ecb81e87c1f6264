//! The codes of this crate's findings, each with what `orderhub explain` prints, and the form of that
//! page for the codes of all crates.
//!
//! **Invariant:** a code is never given another meaning, and every code that a finding carries stands
//! in a list like [`CODES`], with an example that shows it and one that does not. `Y…` is about YAML,
//! `L…` about the language inside it (paths, conditions, expressions, templates). Test:
//! `every_code_is_shown_by_its_own_example`, for all crates.

/// One code, explained.
///
/// An example is a whole file where it begins with `orderhub:`; else it is what a newcomer would look
/// at: rules of a mapping (`- …`), steps of an operation, releases of the flow, or some keys of a file.
/// A line `# ...` stands for many more like the one above it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// `Y0003`
    pub code: &'static str,
    /// A few words.
    pub title: &'static str,
    /// What it means and what to do, in sentences.
    pub text: &'static str,
    /// What has the mistake, and no other.
    pub wrong: &'static str,
    /// The same without it.
    pub right: &'static str,
}

/// Why something needs a person, or a document failed: one word, explained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cause {
    /// `unknown_value`
    pub word: &'static str,
    /// A few words.
    pub title: &'static str,
    /// What happened, what it means and what to do, in sentences. Commands are whole, but for `ID` of a todo, `ORDER` and
    /// `SYSTEM`.
    pub text: &'static str,
}

/// Not YAML.
pub const SYNTAX: &str = "Y0001";
/// Tab in the indentation.
pub const TAB: &str = "Y0002";
/// Key given twice.
pub const DUPLICATE_KEY: &str = "Y0003";
/// Several documents.
pub const SEVERAL_DOCUMENTS: &str = "Y0004";
/// File too large.
pub const TOO_LARGE: &str = "Y0005";
/// Too many nodes.
pub const TOO_MANY_NODES: &str = "Y0006";
/// Nested too deeply.
pub const TOO_DEEP: &str = "Y0007";
/// Unknown or recursive alias.
pub const ALIAS: &str = "Y0008";
/// Tags are not supported.
pub const TAG: &str = "Y0009";
/// A key that is not a text.
pub const COMPLEX_KEY: &str = "Y0010";
/// A merge of something that is not a mapping.
pub const MERGE: &str = "Y0011";
/// Not UTF-8.
pub const NOT_UTF8: &str = "Y0012";
/// A key with letters that only look like those of another.
pub const LOOK_ALIKE: &str = "Y0013";
/// A character that nobody sees.
pub const HIDDEN: &str = "Y0014";
/// More findings than are shown.
pub const MORE: &str = "Y0015";
/// Quotes or blanks of print, which belong to the text.
pub const PRINTED: &str = "Y0016";
/// Unknown key.
pub const UNKNOWN_KEY: &str = "L0001";
/// Missing key.
pub const MISSING_KEY: &str = "L0002";
/// Another type is needed.
pub const WRONG_TYPE: &str = "L0003";
/// A path that does not parse.
pub const PATH: &str = "L0004";
/// A condition that does not parse.
pub const CONDITION: &str = "L0005";
/// An expression that does not parse.
pub const EXPRESSION: &str = "L0006";
/// A name that nothing defines.
pub const UNKNOWN_NAME: &str = "L0007";
/// A function that there is not.
pub const UNKNOWN_FUNCTION: &str = "L0008";
/// A template that does not parse.
pub const TEMPLATE: &str = "L0009";
/// A call with other arguments than its function takes.
pub const CALL: &str = "L0010";
/// An element that is looked for by the letters of a name.
pub const FILTER: &str = "L0011";

/// Every code of this crate.
pub const CODES: &[Explanation] = &[
    Explanation {
        code: SYNTAX,
        title: "not YAML",
        text: "The file cannot be read as YAML 1.2. The place is where the reader had to stop; the cause \
               often stands just before it: a missing quote, a bracket that was not closed, a `-` or a colon that \
               is missing, or a line that is indented less or more than its neighbours. What is copied from a web \
               page or typed on a Chinese keyboard brings signs that only look like those of YAML (`：`, `｛`, a \
               no-break space), and a merge that was not finished leaves its marks.",
        wrong: "- { hub: order_no, system: name",
        right: "- { hub: order_no, system: name }",
    },
    Explanation {
        code: TAB,
        title: "tab in the indentation",
        text: "YAML is indented by blanks only. Replace the tab by blanks; most editors can do that for the \
               whole file.",
        wrong: "fields:\n\t- { hub: order_no, system: name }\n",
        right: "fields:\n  - { hub: order_no, system: name }\n",
    },
    Explanation {
        code: DUPLICATE_KEY,
        title: "key given twice",
        text: "A mapping may have each key once. Of two equal keys one would silently win, so the file is \
               refused: remove one, or make it a list.",
        wrong: "- { hub: order_no, system: name, system: number }",
        right: "- { hub: order_no, system: [name, number] }",
    },
    Explanation {
        code: SEVERAL_DOCUMENTS,
        title: "several documents in one file",
        text: "A file holds one document. Put what follows `---` into its own file.",
        wrong: "a: 1\n---\nb: 2\n",
        right: "a: 1\nb: 2\n",
    },
    Explanation {
        code: TOO_LARGE,
        title: "file too large",
        text: "Integration files are untrusted input: a file of rules has at most 1 MiB, a table 8 MiB, a sample 4 MiB. Move \
               tables out of a mapping into files of their own, and cut samples down.",
        wrong: "- { hub: ext.colour, system: colour }\n# ...\n",
        right: "- { hub: ext.colour, system: colour }\n",
    },
    Explanation {
        code: TOO_MANY_NODES,
        title: "too many nodes",
        text: "After its aliases are expanded the file has more nodes than are allowed (200,000). A few nested \
               aliases can stand for billions of nodes: write the parts out, or use fewer aliases.",
        wrong: "a: &a [x, x, x, x, x, x, x, x, x, x]\n\
                b: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a, *a]\n\
                c: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b, *b]\n\
                d: &d [*c, *c, *c, *c, *c, *c, *c, *c, *c, *c]\n\
                e: &e [*d, *d, *d, *d, *d, *d, *d, *d, *d, *d]\n",
        right: "a: &a [x, y]\nb: [*a, *a]\n",
    },
    Explanation {
        code: TOO_DEEP,
        title: "nested too deeply",
        text: "Lists and mappings may be nested 64 levels deep, aliases counted where they are used.",
        wrong: "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]",
        right: "[[1]]",
    },
    Explanation {
        code: ALIAS,
        title: "alias without an anchor",
        text: "`*name` repeats the node that `&name` marked earlier in the same file, and never a node that \
               it stands in itself.",
        wrong: "- { hub: order_no, system: name, as: *tidy }",
        right: "- { hub: order_no, system: name, as: &tidy [trim, upper] }\n\
                - { hub: customer.name, system: buyer, as: *tidy }\n",
    },
    Explanation {
        code: TAG,
        title: "tags are not supported",
        text: "Only `!!str` may stand before a value, to make it a text. Quotes do the same.",
        wrong: "- { hub: order_no, value: !text 17 }",
        right: "- { hub: order_no, value: \"17\" }",
    },
    Explanation {
        code: COMPLEX_KEY,
        title: "a key must be a text",
        text: "Keys of mappings are texts; numbers are taken as their text. A list or mapping cannot be a key.",
        wrong: "[a, b]: 1\n",
        right: "a: 1\nb: 1\n",
    },
    Explanation {
        code: MERGE,
        title: "only mappings can be merged",
        text: "`<<: *name` takes over the keys of a mapping, or of a list of mappings, that are not given here.",
        wrong: "- { <<: order_no, system: name }",
        right: "- &first { hub: order_no, system: name }\n- { <<: *first, hub: ext.number }\n",
    },
    Explanation {
        code: NOT_UTF8,
        title: "not UTF-8",
        text: "Files are UTF-8. Save the file in that encoding; the place names the first byte that is not.",
        wrong: "- { hub: ext.colour, value: gr\u{fc}n }",
        right: "- { hub: ext.colour, value: gr\u{fc}n }",
    },
    Explanation {
        code: LOOK_ALIKE,
        title: "a key that only looks like another",
        text: "A letter of another alphabet looks like one of the key that is meant (a Cyrillic `а`, an Armenian \
               `ս`, a full-width `ｉ`): to a program it is another key. It comes from copied text, or from a \
               keyboard in another layout. Type the key anew.",
        wrong: "- { h\u{57d}b: order_no, system: name }",
        right: "- { hub: order_no, system: name }",
    },
    Explanation {
        code: HIDDEN,
        title: "a character that nobody sees",
        text: "The file has a character without a width, or one that turns the direction of the text: what you \
               see is not what is read. Delete it; reports show it as `\\u{200B}`. Where a value needs it, write \
               it in double quotes by its number: `\"\\u200B\"`.",
        wrong: "- { hub: order_no, system: na\u{200b}me }",
        right: "- { hub: order_no, system: name }",
    },
    Explanation {
        code: MORE,
        title: "more findings than are shown",
        text: "Of one file at most 100 findings are shown, so that the first ones are read. Many alike often have \
               one cause: mend what is shown, and check again.",
        wrong: "- { hub: order_no, sytem: name }\n# ...\n",
        right: "- { hub: order_no, system: name }\n",
    },
    Explanation {
        code: PRINTED,
        title: "quotes or blanks of print",
        text: "Copied text brings quotes that only look like those of YAML (`“#”`, `‘#’`, `„#“`, `「#」`), and blanks that are \
               not the ordinary one (U+00A0, U+3000). To YAML they belong to the text: a value that is compared, or \
               a prefix that is cut off, never fits. Type `\"#\"`. If they are meant, put the whole into quotes: \
               `\"“#”\"`.",
        wrong: "- { hub: order_no, system: name, as: [{ strip_prefix: “#” }] }",
        right: "- { hub: order_no, system: name, as: [{ strip_prefix: \"#\" }] }",
    },
    Explanation {
        code: UNKNOWN_KEY,
        title: "unknown key",
        text: "Every key means something; one that means nothing is refused, because it is most often a \
               misspelled one whose effect would be missed.",
        wrong: "- { hub: order_no, sytem: name }",
        right: "- { hub: order_no, system: name }",
    },
    Explanation {
        code: MISSING_KEY,
        title: "missing key",
        text: "Something that must be said is not: the message names the key. Add it.",
        wrong: "orderhub: 1\nkey: id\nfields:\n  - { hub: order_no, system: name }\n",
        right: "orderhub: 1\n\
                mapping: shop.order\n\
                key: id\n\
                fields:\n\
                \x20 - { hub: order_no, system: name }\n",
    },
    Explanation {
        code: WRONG_TYPE,
        title: "another type is needed",
        text: "A text, a number, a list or a mapping stands where another of them is needed.",
        wrong: "- { hub: lines, system: items, each: id }",
        right: "- { hub: lines, system: items, each: { key: id, fields: [{ hub: sku, system: sku }] } }",
    },
    Explanation {
        code: PATH,
        title: "a path that cannot be read",
        text: "Paths are `a.b`, `a.0` (a place in a list), `a.*.b` (every element), `list(k=v).b` (the element \
               where k is v), `a.'odd key'`, `a.($settings.money)`, `.` (the element itself), `^b` (of the \
               surrounding element), `/b` (of the document), and `$settings.x`, `$args.x`, `$hub./x`, \
               `$xref(kind)`, `$index`, `$position`, `$n`. In `list(k=v)` v is letters or a number, not a value; letters \
               that begin like `$settings.` stand in quotes.",
        wrong: "- { hub: order_no, system: head..number }",
        right: "- { hub: order_no, system: head.number }",
    },
    Explanation {
        code: CONDITION,
        title: "a condition that cannot be read",
        text: "A condition is a mapping of paths to what must hold: `[a, b]` (any of), `present`, `absent`, \
               `none` (no elements), `{ not: [a] }`, `{ from: rank }`. All keys must hold.",
        wrong: "- { hub: order_no, system: name, where: { status: paid } }",
        right: "- { hub: order_no, system: name, where: { status: [paid] } }",
    },
    Explanation {
        code: EXPRESSION,
        title: "an expression that cannot be read",
        text: "Expressions have names (`doc.lines`, a hyphen inside belongs to the name), texts in '…', whole \
               and decimal numbers, true, false, () for nothing, lists in [ ], the operators + - * == != < <= \
               > >= && || ! in ??, and functions. Division is `div(a, b, scale)`, so that the number of \
               decimals is always said.",
        wrong: "- { hub: order_no, with: { year: year, no: number }, expr: \"year + no +\" }",
        right: "- { hub: order_no, with: { year: year, no: number }, expr: \"year + no\" }",
    },
    Explanation {
        code: UNKNOWN_NAME,
        title: "a name that nothing defines",
        text: "An expression sees only the names of its place. Between a name and a minus write blanks: `a - b` \
               is a difference, `a-b` a name.",
        wrong: "- { hub: order_no, with: { year: year }, expr: \"year + no\" }",
        right: "- { hub: order_no, with: { year: year, no: number }, expr: \"year + no\" }",
    },
    Explanation {
        code: UNKNOWN_FUNCTION,
        title: "a function that there is not",
        text: "Functions: int decimal text json parse base64 b64url hex upper lower md5 sha256 hmac_sha256 \
               urlencode len sum has quote div replace part starts. `int` of a yes or no is 1 or 0.",
        wrong: "- { hub: order_no, with: { no: number }, expr: \"uppercase(no)\" }",
        right: "- { hub: order_no, with: { no: number }, expr: \"upper(no)\" }",
    },
    Explanation {
        code: TEMPLATE,
        title: "a template that cannot be read",
        text: "A template is text with expressions in braces: `/orders/{memo.id}`. A brace itself is `{{`.",
        wrong: "- { id: put, method: PUT, path: \"/jobs/{doc.ref\", body: \"{doc}\", idempotency: safe }",
        right: "- { id: put, method: PUT, path: \"/jobs/{doc.ref}\", body: \"{doc}\", idempotency: safe }",
    },
    Explanation {
        code: CALL,
        title: "a call with other arguments than its function takes",
        text: "Every function takes a certain number of arguments: `div(a, b, scale)`, `part(text, from, length)`, \
               `replace(text, what, with)`, `starts(text, with)`, `quote(text, \"'\")`, `hmac_sha256(key, x)`; all \
               others take one.",
        wrong: "- { hub: order_no, with: { no: number }, expr: \"part(no, 2)\" }",
        right: "- { hub: order_no, with: { no: number }, expr: \"part(no, 2, 4)\" }",
    },
    Explanation {
        code: FILTER,
        title: "an element that is looked for by the letters of a name",
        text: "In `list(k=v)` v is letters or a number, never a value: `body.items(ref=doc.ref)` is the element whose `ref` is \
               the text `doc.ref`, and most likely there is none. Ask the system for the one that is meant, by a `query:` or an \
               argument of a read, and take `list.one`; `doc.ref in body.items.*.ref` tells whether a list has it. Letters that \
               only look like a name stand in quotes: `list(k='doc.ref')`.",
        wrong: "- { id: find, method: GET, path: /jobs, save: { id: body.items(ref=doc.ref).id } }\n",
        right: "- { id: find, method: GET, path: /jobs, query: { ref: \"{doc.ref}\" }, save: { id: body.items.one.id } }\n",
    },
];

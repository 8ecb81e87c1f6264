//! Why a document could not be mapped, in one word each: the causes of [`crate::MapError`], with what
//! `orderhub explain` prints.
//!
//! **Invariant:** a cause is never given another meaning, and every cause that a failed document can have
//! stands in [`CAUSES`]. Test: `every_cause_of_a_failed_document_is_explained`.

pub use orderhub_lang::codes::Cause;

/// Every cause, in alphabetical order.
pub const CAUSES: &[Cause] = &[
    Cause {
        word: "ambiguous_time",
        title: "a time that there is twice, or not at all",
        text: "When clocks are set, an hour of the zone is there twice, or is left out. Say in the rule which one is \
               meant: `as: { timestamp: { zone: Europe/Berlin, twice: earlier } }`, or `later`. Better, let the \
               system send times with their offset.",
    },
    Cause {
        word: "amount",
        title: "not an amount",
        text: "The value is no number that money can be: letters in it, or too many digits. Where the system writes \
               `1.234,50`, say so: `as: { money: { currency: EUR, mark: \",\", group: \".\" } }`.",
    },
    Cause {
        word: "amount_scale",
        title: "an amount with more decimals than its currency has",
        text: "Nothing is rounded in silence. Where rounding is right, say how: `as: { money: { currency: EUR, round: \
               half_up } }`. Where the system sends cents, write `minor: true`.",
    },
    Cause {
        word: "country",
        title: "not a country",
        text: "Countries are the two letters of ISO 3166: `DE`, `CN`. Where the system writes names, translate them: \
               `as: { table: { rows: { Germany: DE, China: CN } } }`.",
    },
    Cause {
        word: "currency",
        title: "an amount without a currency, with an unknown one, or with two",
        text: "Every amount has one currency of ISO 4217, from the document (`currency: /currency`) or as a constant \
               (`currency: EUR`). Amounts of two currencies are neither added nor compared, and a currency that the \
               rule names as a constant is not changed by what the document says.",
    },
    Cause {
        word: "duplicate_element",
        title: "two elements with one key",
        text: "Elements are known by the key of their `each:`. Name a key that tells them apart, such as a line's id \
               instead of its article; where several make one, fold their fields: `as: [decimal, sum]`.",
    },
    Cause {
        word: "duplicate_key",
        title: "a JSON object that has a key twice",
        text: "Of two equal keys nobody can say which one counts. The system that sent it has to mend this: no rule can.",
    },
    Cause {
        word: "expression",
        title: "an expression that could not be computed",
        text: "The expression of the rule met a value that it cannot take, such as a text where it adds, or a division \
               by nothing. Convert inside it (`decimal(a) + decimal(b)`), and say what stands in for what is missing: \
               `discount ?? 0`.",
    },
    Cause {
        word: "format",
        title: "a document that the format cannot write",
        text: "What the rules give has no place in the format: a list or an object in a cell of a table, more than one \
               element around a document of XML, a text where another rule writes an object. The message names it. Join lists (`as: { join: \", \" }`), or write \
               rows that belong together under `rows`.",
    },
    Cause {
        word: "key_missing",
        title: "a document or element without a key",
        text: "At the place that `key:` names nothing stands. Without a key nobody knows which order it is. Look at \
               the document: most often the path is another one, or these documents are another shape that `where:` \
               should leave to another mapping.",
    },
    Cause {
        word: "letters",
        title: "letters that the format or its encoding cannot write",
        text: "The system's encoding does not have a letter of the value, such as `€` in ISO 8859-1, or XML does not \
               take a control character. Nothing is replaced in silence. Write the file in UTF-8 if the system takes \
               it (`encoding: utf-8`), or let a rule take such letters out.",
    },
    Cause {
        word: "lookup_refused",
        title: "a look-up to which the system says no",
        text: "The rule looks a value up by a cached read, and the system refused the question (400, 422), answered with a \
               redirect or with 204, or cannot be asked that at all, such as for an id `..` in an address. Asked \
               again it says the same, so nothing waits for it; `on_unknown` is for what the system says that it does \
               not have (404, 410). What the system said, the rule and the value are told beside. Often the value is a \
               typing error: let it be mended where it comes from. Or the read asks in a way that the system does not \
               take: mend `reads` or its operation. A change of the files drives the document again by itself; after \
               a change at the system: `orderhub todo replay ID`.",
    },
    Cause {
        word: "lookup_waits",
        title: "what a rule looks up was not found out",
        text: "What is looked up is asked for when a message comes in, and recorded with it. In a case, say what is \
               known: `context: { $lookup.order.W-17: shop_eu-1001 }`, or of a read `$lookup.products.MUG-BLUE: 4711`; with \
               `orderhub mapping run FILE --lookup products.MUG-BLUE=4711`.",
    },
    Cause {
        word: "malformed",
        title: "a body that cannot be read",
        text: "The body is not what `format:` of the mapping says: cut off, in other letters, or another format. What \
               is said beside it names the place. The system that sent it has to mend this, or `format:` is wrong.",
    },
    Cause {
        word: "not_a_boolean",
        title: "neither yes nor no",
        text: "Only true and false are read by themselves. Name the words of the system: `as: { boolean: { true: [Y, \
               yes], false: [N, no] } }`.",
    },
    Cause {
        word: "not_a_number",
        title: "not a number",
        text: "The value is no exact number. Where the system writes `1.234,5`, say so: `as: { decimal: { mark: \",\", \
               group: \".\" } }`. Where an empty text means that there is none, write `none: [\"\"]`.",
    },
    Cause {
        word: "not_a_time",
        title: "not a time, or not in the format of the rule",
        text: "Without a word, times are read as RFC 3339: `2026-11-29T08:00:00Z`. Name another format, with a zone \
               where the text has none: `as: { timestamp: { format: \"%Y-%m-%d %H:%M\", zone: Asia/Shanghai } }`; \
               `epoch_s` and `epoch_ms` are numbers. A value that means \"never\" is named by `never:`.",
    },
    Cause {
        word: "one_way",
        title: "a conversion without a way back",
        text: "The rule has to go out, and one of its conversions cannot. Take a second rule for the way out, with \
               `direction: out`.",
    },
    Cause {
        word: "too_deep",
        title: "nested too deeply",
        text: "The body has more lists and objects within each other than are allowed. No system that means well sends \
               this.",
    },
    Cause {
        word: "too_large",
        title: "more than can be held",
        text: "A number with more digits, or a body with more bytes or elements, than are allowed; or rules that make more of \
               a document than there is room for: a text of the whole document in each of its lines, a long text between \
               many others. What is said beside it names the size and the bound, the place is that of the rule: let it \
               read less, or join less. Fetch large listings page by page. What is larger than `intake.park_above_bytes`, or has more \
               lines than `intake.park_above_lines`, of the settings is only set aside: `orderhub todo replay ID` takes it \
               in all the same.",
    },
    Cause {
        word: "unknown_value",
        title: "a value that the table of the rule does not have",
        text: "The system sent a word that nobody has translated, and the table says that this stops the document. Add a \
               row for it, or say what happens to others: `on_unknown: hold`, `pass`, `ignore`, or `{ use: Other }`. Then \
               replay what was parked: `orderhub todo replay ID`; a change of the files does so by itself.",
    },
    Cause {
        word: "wrong_type",
        title: "another kind of value than the rule takes",
        text: "A text where a number is needed, a list where one value is, or an object where neither is. Read it by a \
               conversion (`as: decimal`, `as: integer`, `as: { split: \", \" }`), or name the path of the value \
               inside.",
    },
];

/// The cause of that name.
pub fn find(word: &str) -> Option<&'static Cause> {
    CAUSES.iter().find(|cause| cause.word == word)
}

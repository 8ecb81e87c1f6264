//! The codes of this crate's findings, each with what `orderhub explain` prints.
//!
//! **Invariant:** a code is never given another meaning, and every code that a finding carries stands
//! in [`CODES`]. `Y…` is about YAML, `L…` about the language inside it (paths, conditions, expressions,
//! templates). Test: `every_code_that_a_finding_can_carry_is_explained`.

/// One code, explained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// `Y0003`
    pub code: &'static str,
    /// A few words.
    pub title: &'static str,
    /// What it means and what to do, in sentences.
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

/// Every code of this crate.
pub const CODES: &[Explanation] = &[
    Explanation {
        code: SYNTAX,
        title: "not YAML",
        text: "The file cannot be read as YAML 1.2. The place is where the reader had to stop; the cause \
               often stands just before it: a missing quote, a bracket that was not closed, or a line that \
               is indented less or more than its neighbours.",
    },
    Explanation {
        code: TAB,
        title: "tab in the indentation",
        text: "YAML is indented by blanks only. Replace the tab by blanks; most editors can do that for the \
               whole file.",
    },
    Explanation {
        code: DUPLICATE_KEY,
        title: "key given twice",
        text: "A mapping may have each key once. Of two equal keys one would silently win, so the file is \
               refused: remove one, or make it a list.",
    },
    Explanation {
        code: SEVERAL_DOCUMENTS,
        title: "several documents in one file",
        text: "A file holds one document. Put what follows `---` into its own file.",
    },
    Explanation {
        code: TOO_LARGE,
        title: "file too large",
        text: "Integration files are untrusted input and at most 1 MiB. Move tables into files of their own.",
    },
    Explanation {
        code: TOO_MANY_NODES,
        title: "too many nodes",
        text: "After its aliases are expanded the file has more nodes than are allowed (200,000). A few nested \
               aliases can stand for billions of nodes: write the parts out, or use fewer aliases.",
    },
    Explanation {
        code: TOO_DEEP,
        title: "nested too deeply",
        text: "Lists and mappings may be nested 64 levels deep, aliases counted where they are used.",
    },
    Explanation {
        code: ALIAS,
        title: "alias without an anchor",
        text: "`*name` repeats the node that `&name` marked earlier in the same file, and never a node that \
               it stands in itself.",
    },
    Explanation {
        code: TAG,
        title: "tags are not supported",
        text: "Only `!!str` may stand before a value, to make it a text. Quotes do the same.",
    },
    Explanation {
        code: COMPLEX_KEY,
        title: "a key must be a text",
        text: "Keys of mappings are texts; numbers are taken as their text. A list or mapping cannot be a key.",
    },
    Explanation {
        code: MERGE,
        title: "only mappings can be merged",
        text: "`<<: *name` takes over the keys of a mapping, or of a list of mappings, that are not given here.",
    },
    Explanation {
        code: NOT_UTF8,
        title: "not UTF-8",
        text: "Files are UTF-8. Save the file in that encoding; the place names the first byte that is not.",
    },
    Explanation {
        code: UNKNOWN_KEY,
        title: "unknown key",
        text: "Every key means something; one that means nothing is refused, because it is most often a \
               misspelled one whose effect would be missed.",
    },
    Explanation { code: MISSING_KEY, title: "missing key", text: "The mapping needs this key." },
    Explanation {
        code: WRONG_TYPE,
        title: "another type is needed",
        text: "A text, a number, a list or a mapping stands where another of them is needed.",
    },
    Explanation {
        code: PATH,
        title: "a path that cannot be read",
        text: "Paths are `a.b`, `a.0` (a place in a list), `a.*.b` (every element), `list(k=v).b` (the element \
               where k is v), `a.'odd key'`, `a.($settings.money)`, `.` (the element itself), `^b` (of the \
               surrounding element), `/b` (of the document), and `$settings.x`, `$args.x`, `$hub./x`, \
               `$xref(kind)`, `$index`, `$position`, `$n`.",
    },
    Explanation {
        code: CONDITION,
        title: "a condition that cannot be read",
        text: "A condition is a mapping of paths to what must hold: `[a, b]` (any of), `present`, `absent`, \
               `none` (no elements), `{ not: [a] }`, `{ from: rank }`. All keys must hold.",
    },
    Explanation {
        code: EXPRESSION,
        title: "an expression that cannot be read",
        text: "Expressions have names (`doc.lines`, a hyphen inside belongs to the name), texts in '…', whole \
               and decimal numbers, true, false, () for nothing, lists in [ ], the operators + - * == != < <= \
               > >= && || ! in ??, and functions. Division is `div(a, b, scale)`, so that the number of \
               decimals is always said.",
    },
    Explanation {
        code: UNKNOWN_NAME,
        title: "a name that nothing defines",
        text: "An expression sees only the names of its place. Between a name and a minus write blanks: `a - b` \
               is a difference, `a-b` a name.",
    },
    Explanation {
        code: UNKNOWN_FUNCTION,
        title: "a function that there is not",
        text: "Functions: int decimal text json parse base64 b64url hex upper lower md5 sha256 hmac_sha256 \
               urlencode len sum has quote div replace part starts.",
    },
    Explanation {
        code: TEMPLATE,
        title: "a template that cannot be read",
        text: "A template is text with expressions in braces: `/orders/{memo.id}`. A brace itself is `{{`.",
    },
    Explanation {
        code: CALL,
        title: "a call with other arguments than its function takes",
        text: "Every function takes a certain number of arguments: `div(a, b, scale)`, `part(text, from, length)`, \
               `replace(text, what, with)`, `starts(text, with)`, `quote(text, \"'\")`, `hmac_sha256(key, x)`; all \
               others take one.",
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_explained_once_and_in_order_of_its_kind() {
        let mut codes: Vec<&str> = CODES.iter().map(|entry| entry.code).collect();
        let count = codes.len();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), count);
        assert!(CODES.iter().all(|entry| entry.text.ends_with('.') && entry.code.len() == 5));
    }

    #[test]
    fn every_code_that_a_finding_can_carry_is_explained() {
        let named = include_str!("codes.rs").lines().filter(|line| line.starts_with("pub const"));
        let codes: Vec<&str> = named.filter_map(|line| line.split('"').nth(1)).collect();
        assert!(codes.len() > 10);
        for code in codes {
            assert!(CODES.iter().any(|entry| entry.code == code), "{code}");
        }
    }
}

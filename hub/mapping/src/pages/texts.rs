//! Pages of conversions of texts and lists.

use super::{Example, Page};

pub(super) const PAGES: &[Page] = &[
    Page {
        name: "concat",
        title: "several texts as one",
        text: r#"The named inputs of `system:` one after another; null and empty parts are left out. It goes in only, unless `back:` says how one text is cut again. Short form: `concat: " "`."#,
        options: &[
            ("by", "what stands between two parts"),
            (
                "back",
                "how two parts are told apart on the way out: `last_space`, `first_space` or `house_number`",
            ),
        ],
        example: Some(Example {
            rule: r#"{ hub: customer.name, system: { f: first, l: last }, as: { concat: { by: " ", back: last_space } } }"#,
            document: Some(r#"{"first":"Ada","last":"Byron"}"#),
            hub: r#"{"customer":{"name":"Ada Byron"}}"#,
            out: Some(r#"{"first":"Ada","last":"Byron"}"#),
        }),
    },
    Page {
        name: "count",
        title: "how many there are",
        text: "Folds a path with `*`: the number of values that are there. It goes in only.",
        options: &[],
        example: Some(Example {
            rule: "{ hub: ext.pieces, system: serials.*.no, as: count }",
            document: Some(r#"{"serials":[{"no":"a"},{"no":"b"}]}"#),
            hub: r#"{"ext":{"pieces":"2"}}"#,
            out: None,
        }),
    },
    Page {
        name: "first",
        title: "the first that is there",
        text: "Folds a path with `*`: the first value that is neither absent nor null. It goes in only.",
        options: &[],
        example: Some(Example {
            rule: "{ hub: ext.carrier, system: parcels.*.carrier, as: first }",
            document: Some(r#"{"parcels":[{"carrier":null},{"carrier":"dhl"}]}"#),
            hub: r#"{"ext":{"carrier":"dhl"}}"#,
            out: None,
        }),
    },
    Page {
        name: "html_text",
        title: "HTML as plain text",
        text: "A note that a system keeps as HTML is plain text in the hub; out, signs are escaped and lines end with `<br>`.",
        options: &[],
        example: Some(Example {
            rule: "{ hub: notes.customer, system: note, as: html_text }",
            document: Some(r#"{"note":"<p>Ring <b>twice</b> &amp; wait</p>"}"#),
            hub: r#"{"notes":{"customer":"Ring twice & wait"}}"#,
            out: Some(r#"{"note":"Ring twice &amp; wait"}"#),
        }),
    },
    Page {
        name: "join",
        title: "a list as one text",
        text: "The texts of a list, or of a path with `*`, with the option between them; out, the text is cut at it again.",
        options: &[("join", "the text between two of them")],
        example: Some(Example {
            rule: r#"{ hub: ext.colours, system: colours, as: { join: ", " } }"#,
            document: Some(r#"{"colours":["red","blue"]}"#),
            hub: r#"{"ext":{"colours":"red, blue"}}"#,
            out: Some(r#"{"colours":["red","blue"]}"#),
        }),
    },
    Page {
        name: "lower",
        title: "small letters",
        text: "Letters are small, both ways.",
        options: &[],
        example: Some(Example {
            rule: "{ hub: ext.channel, system: channel, as: lower }",
            document: Some(r#"{"channel":"WEB"}"#),
            hub: r#"{"ext":{"channel":"web"}}"#,
            out: Some(r#"{"channel":"web"}"#),
        }),
    },
    Page {
        name: "max",
        title: "the largest",
        text: "Folds a path with `*`: the largest of numbers, amounts of one currency, times or days. It goes in only.",
        options: &[],
        example: Some(Example {
            rule: "{ hub: cancel.at, system: refunds.*.at, as: [timestamp, max] }",
            document: Some(
                r#"{"refunds":[{"at":"2026-03-01T09:00:00Z"},{"at":"2026-03-02T09:00:00Z"}]}"#,
            ),
            hub: r#"{"cancel":{"at":"2026-03-02T09:00:00Z"}}"#,
            out: None,
        }),
    },
    Page {
        name: "min",
        title: "the smallest",
        text: "Folds a path with `*`: the smallest of numbers, amounts of one currency, times or days. It goes in only.",
        options: &[],
        example: Some(Example {
            rule: "{ hub: placed_at, system: payments.*.at, as: [timestamp, min] }",
            document: Some(
                r#"{"payments":[{"at":"2026-03-02T09:00:00Z"},{"at":"2026-03-01T09:00:00Z"}]}"#,
            ),
            hub: r#"{"placed_at":"2026-03-01T09:00:00Z"}"#,
            out: None,
        }),
    },
    Page {
        name: "pairs",
        title: "names and texts from a list of pairs",
        text: "A list of objects that each hold a name and a value is a map. A repeated name is a list.",
        options: &[
            ("key", "the key that holds the name"),
            ("value", "the key that holds the value"),
        ],
        example: Some(Example {
            rule: "{ hub: lines, system: items, each: { key: id, fields: [{ hub: properties, system: options, as: { pairs: { key: name, value: value } } }] } }",
            document: Some(
                r#"{"items":[{"id":"a","options":[{"name":"colour","value":"blue"}]}]}"#,
            ),
            hub: r#"{"lines":[{"$key":"a","properties":{"colour":"blue"}}]}"#,
            out: Some(r#"{"items":[{"id":"a","options":[{"name":"colour","value":"blue"}]}]}"#),
        }),
    },
    Page {
        name: "split",
        title: "one text as a list",
        text: "The text is cut at the option; out, the list is put together again. With named fields on the hub's side one text fills them all.",
        options: &[("split", "the text between two of them")],
        example: Some(Example {
            rule: r#"{ hub: tags, system: labels, as: { split: "," } }"#,
            document: Some(r#"{"labels":"gift,fragile"}"#),
            hub: r#"{"tags":["gift","fragile"]}"#,
            out: Some(r#"{"labels":"gift,fragile"}"#),
        }),
    },
    Page {
        name: "strip_prefix",
        title: "without what stands before",
        text: "The prefix goes on the way in and comes on the way out. A text without it passes.",
        options: &[("strip_prefix", "the prefix")],
        example: Some(Example {
            rule: r##"{ hub: order_no, system: name, as: { strip_prefix: "#" } }"##,
            document: Some(r##"{"name":"#1001"}"##),
            hub: r#"{"order_no":"1001"}"#,
            out: Some(r##"{"name":"#1001"}"##),
        }),
    },
    Page {
        name: "sum",
        title: "everything added",
        text: "Folds a path with `*`: numbers or amounts of one currency, added exactly; nothing to add is null. It goes in only.",
        options: &[],
        example: Some(Example {
            rule: "{ hub: ext.pieces, system: rows.*.pieces, as: [decimal, sum] }",
            document: Some(r#"{"rows":[{"pieces":2},{"pieces":"0.5"}]}"#),
            hub: r#"{"ext":{"pieces":"2.5"}}"#,
            out: None,
        }),
    },
    Page {
        name: "text",
        title: "a text",
        text: "Reads numbers and yes or no as text; it goes out as text.",
        options: &[],
        example: Some(Example {
            rule: "{ hub: business_unit, system: unit, as: text }",
            document: Some(r#"{"unit":17}"#),
            hub: r#"{"business_unit":"17"}"#,
            out: Some(r#"{"unit":"17"}"#),
        }),
    },
    Page {
        name: "trim",
        title: "without blanks at the ends",
        text: "White space at both ends goes; a text that is nothing else is null.",
        options: &[],
        example: Some(Example {
            rule: "{ hub: customer.company, system: company, as: trim }",
            document: Some(r#"{"company":" Works  "}"#),
            hub: r#"{"customer":{"company":"Works"}}"#,
            out: Some(r#"{"company":"Works"}"#),
        }),
    },
    Page {
        name: "truncate",
        title: "not too long for the system",
        text: "Out, at most so many characters; in, the text as it comes. What was cut never overwrites the long original.",
        options: &[("truncate", "the most characters that the system takes")],
        example: Some(Example {
            rule: "{ hub: notes.customer, system: note, as: { truncate: 10 } }",
            document: Some(r#"{"note":"Ring twice"}"#),
            hub: r#"{"notes":{"customer":"Ring twice"}}"#,
            out: Some(r#"{"note":"Ring twice"}"#),
        }),
    },
    Page {
        name: "upper",
        title: "capital letters",
        text: "Letters are capitals, both ways.",
        options: &[],
        example: Some(Example {
            rule: "{ hub: currency, system: currency_code, as: upper }",
            document: Some(r#"{"currency_code":"eur"}"#),
            hub: r#"{"currency":"EUR"}"#,
            out: Some(r#"{"currency_code":"EUR"}"#),
        }),
    },
];

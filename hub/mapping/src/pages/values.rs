//! Pages of conversions of single values.

use super::{Example, Page};

pub(super) const PAGES: &[Page] = &[
    Page {
        name: "boolean",
        title: "yes and no",
        text: "Reads and writes yes and no as the system does. Without options they are JSON's own `true` and `false`.",
        options: &[
            ("true", "what means yes; a list names several spellings, the first is written"),
            ("false", "what means no, likewise"),
        ],
        example: Some(Example {
            rule: "{ hub: totals.tax_included, system: gross, as: { boolean: { true: [Y, J], false: N } } }",
            document: Some(r#"{"gross":"J"}"#),
            hub: r#"{"totals":{"tax_included":true}}"#,
            out: Some(r#"{"gross":"Y"}"#),
        }),
    },
    Page {
        name: "date",
        title: "a day",
        text: r#"A day without a time. Without options it is ISO 8601, `2026-03-02`; otherwise a strftime pattern. Short form: `date: "%d.%m.%Y"`."#,
        options: &[("format", "the strftime pattern that is read and written")],
        example: Some(Example {
            rule: r#"{ hub: ext.due, system: due, direction: in, as: { date: "%d.%m.%Y" } }"#,
            document: Some(r#"{"due":"02.03.2026"}"#),
            hub: r#"{"ext":{"due":"2026-03-02"}}"#,
            out: None,
        }),
    },
    Page {
        name: "decimal",
        title: "an exact number",
        text: "Reads numbers and the texts of numbers alike, exactly. It goes out as a JSON number, with `text: true` as text.",
        options: &[
            ("mark", "the sign before the fraction, `.` by default"),
            ("group", "the sign between thousands; it is read, and never written"),
            ("text", "`true`: it goes out as text"),
        ],
        example: Some(Example {
            rule: r#"{ hub: ext.weight, system: weight, as: { decimal: { mark: ",", group: ".", text: true } } }"#,
            document: Some(r#"{"weight":"1.250,5"}"#),
            hub: r#"{"ext":{"weight":"1250.5"}}"#,
            out: Some(r#"{"weight":"1250,5"}"#),
        }),
    },
    Page {
        name: "integer",
        title: "a whole number",
        text: "Reads numbers and the texts of numbers alike; it goes out as a JSON number. A fraction is an error.",
        options: &[],
        example: Some(Example {
            rule: "{ hub: ext.boxes, system: boxes, as: integer }",
            document: Some(r#"{"boxes":"3"}"#),
            hub: r#"{"ext":{"boxes":"3"}}"#,
            out: Some(r#"{"boxes":3}"#),
        }),
    },
    Page {
        name: "json",
        title: "JSON inside a text",
        text: "The text is read as JSON; out, the value is written as JSON into a text.",
        options: &[],
        example: Some(Example {
            rule: "{ hub: tags, system: tags, as: json }",
            document: Some(r#"{"tags":"[\"gift\",\"fragile\"]"}"#),
            hub: r#"{"tags":["gift","fragile"]}"#,
            out: Some(r#"{"tags":"[\"gift\",\"fragile\"]"}"#),
        }),
    },
    Page {
        name: "lookup",
        title: "a value from elsewhere",
        text: "Master data of the hub (a table in `mappings/hub/master/NAME.csv`), both ways where what is taken stands once; or what a cross reference of the system is bound to, in only: it is asked for before the message is mapped, and kept with it; or what a cached read of the system answers for the value, in only and kept with the message likewise: with `reads: { products: { do: get_product, args: [sku], fresh_for: 1h } }` in integration.yaml, a rule says `as: { lookup: { read: products, take: code } }`.",
        options: &[
            ("master", "the table's name: `master: skus`"),
            ("from", "of master data, the column that is looked up in; without it, the first"),
            (
                "take",
                "of master data, the column that is taken; of a reference `ref` or `id`; of a read the value's path in its answer",
            ),
            ("xref", "the kind of a reference: `xref: order`"),
            ("read", "a cached read of the integration, with one argument: `read: products`"),
            (
                "on_unknown",
                "`hold`, `fail`, `ignore`, `pass` or `{ use: word }`: what becomes of a key that nobody knows",
            ),
        ],
        example: None,
    },
    Page {
        name: "money",
        title: "an amount with its currency",
        text: "An amount is nothing without its currency. Paths start at the amount's own place: where the value is a plain amount, the currency stands at `/currency` of the document or beside it at `^currency`; where it is an object, `amount:` and `currency:` are keys of it.",
        options: &[
            ("currency", "where the currency stands, or its code as a constant: `EUR`; needed"),
            (
                "amount",
                "where the amount stands below the value; without it the value is the amount",
            ),
            ("minor", "`true`: the system counts cents"),
            ("mark", "the sign before the fraction, `.` by default"),
            ("group", "the sign between thousands; it is read, and never written"),
            (
                "round",
                "what becomes of more digits than the currency has: `half_up`, `half_even` or `down`; without it they are an error",
            ),
            ("number", "`true`: the amount goes out as a number, not as a text"),
        ],
        example: Some(Example {
            rule: "{ hub: totals.total, system: total, as: { money: { amount: value, currency: code } } }",
            document: Some(r#"{"total":{"value":"19.90","code":"EUR"}}"#),
            hub: r#"{"totals":{"total":{"amount":"19.90","currency":"EUR"}}}"#,
            out: Some(r#"{"total":{"value":"19.90","code":"EUR"}}"#),
        }),
    },
    Page {
        name: "negate",
        title: "the other sign",
        text: "A number or an amount that the system writes below zero, or the other way round; both ways.",
        options: &[],
        example: Some(Example {
            rule: "{ hub: totals.discount, system: discount, as: [{ money: { currency: EUR } }, negate] }",
            document: Some(r#"{"discount":"-5.00"}"#),
            hub: r#"{"totals":{"discount":{"amount":"5.00","currency":"EUR"}}}"#,
            out: Some(r#"{"discount":"-5.00"}"#),
        }),
    },
    Page {
        name: "phone",
        title: "a telephone number",
        text: "A number in the form of E.164, both ways. What is no number that can be told for certain stays as it is.",
        options: &[(
            "country",
            "how a number without `+` is meant: a country of ISO 3166, or where it stands. Paths start at the number itself: `/country` of the document, `^country` beside it",
        )],
        example: Some(Example {
            rule: "{ hub: customer.phone, system: phone, as: { phone: { country: ^country } } }",
            document: Some(r#"{"phone":"030 123456","country":"DE"}"#),
            hub: r#"{"customer":{"phone":"+4930123456"}}"#,
            out: Some(r#"{"phone":"+4930123456"}"#),
        }),
    },
    Page {
        name: "scale",
        title: "another unit",
        text: "Times `by` on the way in, divided by it on the way out: grams to kilograms, packs to pieces.",
        options: &[
            ("by", "the factor; needed"),
            ("round", "the most digits after the point, both ways, half away from zero"),
        ],
        example: Some(Example {
            rule: "{ hub: ext.weight_kg, system: grams, as: { scale: { by: 0.001 } } }",
            document: Some(r#"{"grams":1250}"#),
            hub: r#"{"ext":{"weight_kg":"1.25"}}"#,
            out: Some(r#"{"grams":1250}"#),
        }),
    },
    Page {
        name: "shell",
        title: "commands around a list",
        text: "The nested commands that some systems want around the elements of a list: `$items` is the whole list, `$item` one element, for each of which the command is repeated. It goes out only.",
        options: &[("shell", "the list of commands")],
        example: Some(Example {
            rule: "{ hub: tags, system: tag_ids, direction: out, as: { shell: [[6, 0, $items]] } }",
            document: None,
            hub: r#"{"tags":["a","b"]}"#,
            out: Some(r#"{"tag_ids":[[6,0,["a","b"]]]}"#),
        }),
    },
    Page {
        name: "table",
        title: "a system's words for the hub's",
        text: "Rows compare as text; the first row that gives a word is its way back. Null passes unless a row `null` says otherwise.",
        options: &[
            ("rows", "the system's word and the hub's: `{ paid: captured }`"),
            ("file", "instead of rows, a table in a file: `tables/carriers.csv`"),
            ("from", "the column of the file with the system's words"),
            ("to", "the column of the file with the hub's"),
            (
                "on_unknown",
                "what becomes of a word without a row: `hold` (kept, and the order waits for a person), `pass` (kept), `ignore` (nothing is said), `fail` (the document fails) or `{ use: other }`; by default `hold` for money and states, `pass` elsewhere",
            ),
        ],
        example: Some(Example {
            rule: "{ hub: state.payment, system: status, as: { table: { rows: { paid: captured, open: pending }, on_unknown: hold } } }",
            document: Some(r#"{"status":"paid"}"#),
            hub: r#"{"state":{"payment":"captured"}}"#,
            out: Some(r#"{"status":"paid"}"#),
        }),
    },
    Page {
        name: "timestamp",
        title: "a moment",
        text: "The hub keeps moments in UTC. Without options it is RFC 3339, `2026-03-02T13:05:00Z`. Short form: `timestamp: epoch_s`.",
        options: &[
            (
                "format",
                "a strftime pattern, `rfc3339`, `epoch_s`, `epoch_ms`, or a list of them: each is read, the first is written",
            ),
            (
                "zone",
                "the zone of times that say none: `Europe/Berlin`; needed where the format has none",
            ),
            (
                "twice",
                "which is meant of a local time that comes twice when clocks go back: `earlier`, `later` or `hold` (the document fails, the default)",
            ),
            ("never", r#"the value that means none: `"0000-00-00 00:00:00"`"#),
        ],
        example: Some(Example {
            rule: r#"{ hub: placed_at, system: ordered, as: { timestamp: { format: "%d.%m.%Y %H:%M", zone: Europe/Berlin, twice: earlier } } }"#,
            document: Some(r#"{"ordered":"02.03.2026 14:05"}"#),
            hub: r#"{"placed_at":"2026-03-02T13:05:00Z"}"#,
            out: Some(r#"{"ordered":"02.03.2026 14:05"}"#),
        }),
    },
    Page {
        name: "wrap",
        title: "a value inside an envelope",
        text: "The value stands at `$value` of an object or list; days and times stand in their parts at `$year`, `$month`, `$day`, `$hour`, `$minute`, `$second` and `$micro`. In, what the envelope has besides must be as written.",
        options: &[("wrap", "the envelope")],
        example: Some(Example {
            rule: "{ hub: order_no, system: no, as: { wrap: { type: text, is: $value } } }",
            document: Some(r#"{"no":{"type":"text","is":"17"}}"#),
            hub: r#"{"order_no":"17"}"#,
            out: Some(r#"{"no":{"type":"text","is":"17"}}"#),
        }),
    },
];

//! How the values of a place become what a field holds.

use orderhub_lang::value::Value;
use orderhub_order::catalogue::{Field, FieldType, catalogue};

use super::leaf::{Currency, Leaf};
use super::names::plain;
use super::structure::WORDS;
use super::write::scalar;

/// Most words of a state that a line names.
const MOST_WORDS: usize = 12;
/// Letters of the longest of them.
const LONGEST_WORD: usize = 24;

/// What is drafted for a field and a place.
#[derive(Debug)]
pub(super) enum Rule {
    /// It maps the samples, as far as can be seen.
    Guess(String),
    /// What it lacks is said at the end of its line.
    Lacks(String, String),
}

/// A rule, where the values can be what the field holds.
pub(super) fn rule(field: &Field, leaf: &Leaf<'_>, currency: Option<&Currency>) -> Option<Rule> {
    let values = &leaf.shape.values;
    if let Some(money) = leaf.money().filter(|_| field.ty == FieldType::Money) {
        let rule = format!("as: {{ money: {{ amount: {}, currency: {} }} }}", money.0, money.1);
        return Some(Rule::Guess(written(field, leaf, &format!(", {rule}"))));
    }
    if values.is_empty() || !leaf.shape.is_scalar() {
        return None;
    }
    let texts = values.iter().all(|value| value.as_text().is_some());
    let marks = marks(values);
    let numbers = marks.is_some();
    let booleans = values.iter().all(|value| value.as_bool().is_some());
    let chain = match &field.ty {
        FieldType::Text | FieldType::Language | FieldType::Uom if !booleans => String::new(),
        FieldType::Country if texts => String::new(),
        FieldType::Currency if texts && is_code(values, u8::is_ascii_uppercase) => String::new(),
        FieldType::Currency if texts && is_code(values, u8::is_ascii_alphabetic) => {
            ", as: upper".to_owned()
        }
        FieldType::Integer if numbers => ", as: integer".to_owned(),
        FieldType::Decimal if numbers => format!(", as: {}", decimal(leaf, marks?)),
        FieldType::Boolean if booleans => ", as: boolean".to_owned(),
        FieldType::Boolean if texts => format!(", as: {}", spelled(values)?),
        FieldType::Money if numbers => return Some(money(field, leaf, currency, marks?)),
        FieldType::Timestamp => format!(", as: {}", time(values)?),
        FieldType::Date if texts => ", as: date".to_owned(),
        FieldType::Enum(name) => return table(name, field, leaf),
        FieldType::List if texts => ", as: { split: \",\" }".to_owned(),
        FieldType::Text
        | FieldType::Language
        | FieldType::Uom
        | FieldType::Currency
        | FieldType::Country
        | FieldType::Integer
        | FieldType::Decimal
        | FieldType::Boolean
        | FieldType::Money
        | FieldType::Date
        | FieldType::List
        | FieldType::Map
        | FieldType::Address
        | FieldType::Ref(_) => return None,
    };
    Some(Rule::Guess(written(field, leaf, &chain)))
}

fn written(field: &Field, leaf: &Leaf<'_>, chain: &str) -> String {
    format!("hub: {}, system: {}{chain}", field.path, scalar(&leaf.path()))
}

fn money(field: &Field, leaf: &Leaf<'_>, currency: Option<&Currency>, marks: &str) -> Rule {
    let chain = |currency: &str| format!(", as: {{ money: {{ currency: {currency}{marks} }} }}");
    let Some(currency) = currency else {
        let rule = written(field, leaf, &chain("?"));
        return Rule::Lacks(
            rule,
            "an amount; no place of the samples says its currency".to_owned(),
        );
    };
    Rule::Guess(written(field, leaf, &chain(&scalar(&currency.path))))
}

/// Decimals in the unit that the name ends with.
fn decimal(leaf: &Leaf<'_>, marks: &str) -> String {
    let name = leaf.keys.last().map(|key| plain(key)).unwrap_or_default();
    let ends = |ends: &[&str]| ends.iter().any(|end| name.ends_with(end));
    let by = if ends(&["weightg", "grams", "gramm", "gewichtg"]) {
        Some("0.001")
    } else if ends(&["lengthmm", "widthmm", "heightmm"]) {
        Some("0.1")
    } else {
        None
    };
    match (by, marks) {
        (Some(by), "") => format!("{{ scale: {{ by: {by} }} }}"),
        (Some(by), marks) => {
            format!(
                "[{{ decimal: {{ {} }} }}, {{ scale: {{ by: {by} }} }}]",
                marks.trim_start_matches(", ")
            )
        }
        (None, "") => "decimal".to_owned(),
        (None, marks) => format!("{{ decimal: {{ {} }} }}", marks.trim_start_matches(", ")),
    }
}

/// How numbers are written, as further options; nothing: these are none.
fn marks(values: &[Value]) -> Option<&'static str> {
    let text = |value: &Value| match value {
        Value::Int(_) | Value::Decimal(_) => Some("0".to_owned()),
        Value::Text(text) => Some(text.clone()),
        Value::Null | Value::Bool(_) | Value::List(_) | Value::Map(_) => None,
    };
    let texts: Vec<String> = values.iter().map(text).collect::<Option<_>>()?;
    let all = |mark: char, group: char| {
        texts.iter().all(|text| {
            let whole = text.split(mark).next().unwrap_or_default();
            let groups: Vec<&str> = whole.split(group).collect();
            let parted = groups.len() < 2 || groups.iter().skip(1).all(|group| group.len() == 3);
            let plain = text.replace(group, "").replace(mark, ".");
            let once = text.matches(mark).count() < 2;
            parted && once && crate::cell::decimal(&plain).is_some()
        })
    };
    if texts.iter().all(|text| crate::cell::decimal(text).is_some()) {
        return Some("");
    }
    if all(',', '.') {
        let grouped = texts.iter().any(|text| text.contains('.'));
        return Some(if grouped { ", mark: \",\", group: \".\"" } else { ", mark: \",\"" });
    }
    all('.', ',').then_some(", mark: \".\", group: \",\"")
}

/// Codes of three letters.
pub(super) fn is_code(values: &[Value], letter: impl Fn(&u8) -> bool) -> bool {
    let code = |value: &Value| {
        let text = value.as_text().unwrap_or_default();
        text.len() == 3 && text.bytes().all(|byte| letter(&byte))
    };
    !values.is_empty() && values.iter().all(code)
}

/// Yes and no in words.
fn spelled(values: &[Value]) -> Option<&'static str> {
    const PAIRS: [(&str, &str, &str); 4] = [
        ("true", "false", "{ boolean: { true: \"true\", false: \"false\" } }"),
        ("Y", "N", "{ boolean: { true: Y, false: N } }"),
        ("yes", "no", "{ boolean: { true: \"yes\", false: \"no\" } }"),
        ("1", "0", "{ boolean: { true: \"1\", false: \"0\" } }"),
    ];
    let all = |yes: &str, no: &str| {
        values.iter().all(|value| value.as_text().is_some_and(|text| text == yes || text == no))
    };
    PAIRS.iter().find(|(yes, no, _)| all(yes, no)).map(|(_, _, chain)| *chain)
}

/// How times are written.
pub(super) fn time(values: &[Value]) -> Option<String> {
    const CIVIL: [&str; 7] = [
        "%Y-%m-%d %H:%M:%S",
        "%Y-%m-%dT%H:%M:%S",
        "%Y-%m-%d %H:%M",
        "%Y/%m/%d %H:%M:%S",
        "%d.%m.%Y %H:%M:%S",
        "%d.%m.%Y %H:%M",
        "%Y%m%d%H%M%S",
    ];
    let all = |fits: &dyn Fn(&str) -> bool| {
        let fits = |value: &Value| value.scalar_text().is_some_and(|text| fits(&text));
        !values.is_empty() && values.iter().all(fits)
    };
    let digits = |from: i64, to: i64| {
        move |text: &str| text.parse::<i64>().is_ok_and(|number| (from..to).contains(&number))
    };
    if all(&|text| text.parse::<jiff::Timestamp>().is_ok()) {
        return Some("timestamp".to_owned());
    }
    let civil = |format: &str, text: &str| {
        // The pattern takes fewer digits, too: as written it must have all of them.
        let read = jiff::civil::DateTime::strptime(format, text);
        read.is_ok_and(|time| time.strftime(format).to_string() == text)
    };
    if let Some(format) = CIVIL.iter().find(|format| all(&|text| civil(format, text))) {
        return Some(format!("{{ timestamp: {{ format: \"{format}\", zone: UTC }} }}"));
    }
    // From 2001 to 2286, in seconds and in thousandths.
    if all(&digits(1_000_000_000, 10_000_000_000)) {
        return Some("{ timestamp: epoch_s }".to_owned());
    }
    let thousandths = all(&digits(1_000_000_000_000, 10_000_000_000_000));
    thousandths.then(|| "{ timestamp: epoch_ms }".to_owned())
}

/// A table of the words that were seen. Where none of them is known it lacks the hub's words, which are named.
fn table(name: &str, field: &Field, leaf: &Leaf<'_>) -> Option<Rule> {
    let words = catalogue().enum_values(name);
    let mut rows: Vec<(String, Option<&str>)> = Vec::new();
    for value in &leaf.shape.values {
        let seen = value.scalar_text()?;
        let same = |word: &&&str| plain(word) == plain(&seen);
        let known = WORDS
            .iter()
            .find(|(of, _, seen_as)| *of == name && seen_as.contains(&plain(&seen).as_str()));
        let word = words.iter().find(same).copied().or_else(|| known.map(|(_, word, _)| *word));
        let row = (Value::text(seen.as_ref()).to_json_text(), word);
        if seen.chars().count() <= LONGEST_WORD && !rows.contains(&row) {
            rows.push(row);
        }
    }
    // A yes or no has two words, whichever of them the samples show.
    if rows.iter().all(|(seen, _)| seen == "\"true\"" || seen == "\"false\"") {
        for seen in ["true", "false"] {
            let row = format!("\"{seen}\"");
            let of = WORDS.iter().find(|(of, _, theirs)| *of == name && theirs.contains(&seen));
            if let Some((_, word, _)) = of.filter(|_| rows.iter().all(|(known, _)| *known != row)) {
                rows.push((row, Some(word)));
            }
        }
    }
    let known: Vec<String> =
        rows.iter().filter_map(|(seen, word)| Some(format!("{seen}: {}", (*word)?))).collect();
    let table = |rows: &[String]| {
        let rows = rows.join(", ");
        written(
            field,
            leaf,
            &format!(", as: {{ table: {{ rows: {{ {rows} }}, on_unknown: hold }} }}"),
        )
    };
    if !known.is_empty() {
        return Some(Rule::Guess(table(&known)));
    }
    let all: Vec<String> =
        rows.iter().take(MOST_WORDS).map(|(seen, _)| format!("{seen}: ?")).collect();
    (!all.is_empty()).then(|| Rule::Lacks(table(&all), format!("one of {}", words.join(", "))))
}

/// What stands at a place, in a word; never a value, which may be a name.
pub(super) fn told(leaf: &super::shape::Shape) -> &'static str {
    match leaf.values.first() {
        _ if leaf.items.is_some() => "a list",
        None if leaf.keys.is_empty() => "always null",
        None => "an object",
        Some(value) => value.kind(),
    }
}

//! Trees as XML and as rows.

use std::borrow::Cow;

use csv::{QuoteStyle, Terminator, WriterBuilder};
use encoding_rs::{Encoding, UTF_8};
use orderhub_lang::value::Value;

use super::{Csv, formula};

/// The key of what stands in every row of a document of rows: what a rule writes to `rows.0`.
pub(crate) const EVERY: &str = "\u{1}every";

/// What the tree alone does not say.
#[derive(Debug, Default)]
pub(crate) struct Shape<'s> {
    /// The elements around a document, from the root on.
    pub(crate) around: &'s [String],
    /// The columns of a table, in the order of the rules.
    pub(crate) columns: Vec<Cow<'s, str>>,
    /// The document's rows stand under `rows`.
    pub(crate) grouped: bool,
}

/// Why a tree cannot be written.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unwritable {
    /// A stable cause: `format`, `letters`.
    pub(crate) cause: &'static str,
    /// A sentence without the value.
    pub(crate) why: String,
}

impl Unwritable {
    pub(super) fn format(why: String) -> Self {
        Self { cause: "format", why }
    }
}

/// The bytes of a text whose letters must all be of the encoding.
fn encoded(encoding: &'static Encoding, text: &str) -> Result<Vec<u8>, Unwritable> {
    let (bytes, _, wrong) = encoding.encode(text);
    if wrong {
        let why = format!("it has letters that {} does not have", encoding.name());
        return Err(Unwritable { cause: "letters", why });
    }
    Ok(bytes.into_owned())
}

/// A table: of one row, or of the rows of a document that has several.
pub(super) fn csv(csv: &Csv, tree: &Value, shape: &Shape<'_>) -> Result<Vec<u8>, Unwritable> {
    let mut writer = WriterBuilder::new()
        .delimiter(csv.delimiter)
        .quote(csv.quote)
        .quote_style(QuoteStyle::Necessary)
        .terminator(Terminator::CRLF)
        .from_writer(Vec::new());
    let nothing = Value::Null;
    let every = tree.get(EVERY).unwrap_or(&nothing);
    let rows: Vec<&Value> = match tree.get("rows").and_then(Value::as_list) {
        Some([_, ..]) if shape.grouped => {
            tree.get("rows").and_then(Value::as_list).into_iter().flatten().collect()
        }
        Some(_) | None if shape.grouped => vec![every],
        Some(_) | None => vec![tree],
    };
    let full = |_| Unwritable::format("the row cannot be written".to_owned());
    if csv.header {
        writer.write_record(shape.columns.iter().map(|name| name.as_bytes())).map_err(full)?;
    }
    for row in rows {
        let cell = |name: &str| row.get(name).or_else(|| every.get(name)).unwrap_or(&nothing);
        let cells: Result<Vec<Cow<'_, str>>, Unwritable> = if csv.header {
            shape.columns.iter().map(|name| text(csv, name, cell(name))).collect()
        } else {
            let last = shape.columns.iter().filter_map(|name| place(name)).max().unwrap_or(0);
            let names = (1..=last).map(|place| format!("c{place}"));
            names.map(|name| text(csv, &name, cell(&name))).collect()
        };
        writer.write_record(cells?.iter().map(|cell| cell.as_bytes())).map_err(full)?;
    }
    let bytes = writer.into_inner().unwrap_or_default();
    let mark: &[u8] = if csv.bom { b"\xef\xbb\xbf" } else { b"" };
    Ok([mark, &encoded(csv.encoding, &String::from_utf8_lossy(&bytes))?].concat())
}

/// The place of a column without a name: `c3`.
pub(crate) fn place(name: &str) -> Option<usize> {
    let digits = name.strip_prefix('c').filter(|digits| !digits.starts_with(['0', '+']))?;
    digits.parse().ok().filter(|place| (1..=1_000).contains(place))
}

fn text<'v>(csv: &Csv, name: &str, value: &'v Value) -> Result<Cow<'v, str>, Unwritable> {
    match value {
        Value::Null => Ok(Cow::Borrowed("")),
        Value::Text(text) if csv.raw => Ok(Cow::Borrowed(text)),
        Value::Text(text) => Ok(formula::safe(text)),
        Value::List(_) | Value::Map(_) => {
            let why = format!("the cell `{name}` holds one text, not {}", value.kind());
            Err(Unwritable::format(why))
        }
        Value::Bool(_) | Value::Int(_) | Value::Decimal(_) => {
            Ok(value.scalar_text().unwrap_or_default().into_owned().into())
        }
    }
}

/// A document of XML. Letters that the encoding does not have are written by their number.
pub(super) fn xml(
    encoding: &'static Encoding,
    tree: Value,
    shape: &Shape<'_>,
) -> Result<Vec<u8>, Unwritable> {
    let around = |inner: Value, name: &String| Value::Map(vec![(name.clone(), inner)]);
    let tree = shape.around.iter().rev().fold(tree, around);
    let mut out = format!("<?xml version=\"1.0\" encoding=\"{}\"?>", encoding.name());
    match tree.as_map() {
        Some([(name, root)]) if root.as_list().is_none() => element(name, root, &mut out)?,
        Some(_) | None => {
            let why = "a document of XML has one element around all others";
            return Err(Unwritable::format(why.to_owned()));
        }
    }
    let bytes =
        if encoding == UTF_8 { out.into_bytes() } else { encoding.encode(&out).0.into_owned() };
    Ok(bytes)
}

/// Whether XML takes a name of an element or an attribute.
pub(crate) fn is_name(name: &str) -> bool {
    let first = |letter: char| letter.is_alphabetic() || letter == '_';
    let inner = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '-' | '.' | ':');
    name.starts_with(first) && name.chars().all(inner) && !name.ends_with(':')
}

fn element(name: &str, value: &Value, out: &mut String) -> Result<(), Unwritable> {
    if !is_name(name) {
        return Err(Unwritable::format(format!("`{name}` is no name of an element")));
    }
    let nothing: &[(String, Value)] = &[];
    let entries = match value {
        Value::List(items) => {
            for item in items {
                if item.as_list().is_some() {
                    let why = format!("`{name}` is a list in a list, which XML does not have");
                    return Err(Unwritable::format(why));
                }
                element(name, item, out)?;
            }
            return Ok(());
        }
        Value::Map(entries) => entries,
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Decimal(_) | Value::Text(_) => {
            nothing
        }
    };
    out.push('<');
    out.push_str(name);
    for (key, value) in entries {
        let Some(key) = key.strip_prefix('@') else { continue };
        let text = match value.scalar_text() {
            Some(text) if is_name(key) => text,
            None if value.is_null() => continue,
            Some(_) | None => {
                return Err(Unwritable::format(format!("`@{key}` is no attribute with a text")));
            }
        };
        out.push_str(&format!(" {key}=\""));
        letters(&text, true, out)?;
        out.push('"');
    }
    let inner = value.scalar_text().or_else(|| value.get("#text").and_then(Value::scalar_text));
    let children = || entries.iter().filter(|(key, _)| !key.starts_with('@') && key != "#text");
    if inner.as_deref().unwrap_or_default().is_empty() && children().next().is_none() {
        out.push_str("/>");
        return Ok(());
    }
    out.push('>');
    letters(&inner.unwrap_or_default(), false, out)?;
    for (key, child) in children() {
        element(key, child, out)?;
    }
    out.push_str(&format!("</{name}>"));
    Ok(())
}

/// Text within an element or an attribute. What a reader would change (the ends of lines) goes by its number.
fn letters(text: &str, attribute: bool, out: &mut String) -> Result<(), Unwritable> {
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' if attribute => out.push_str("&quot;"),
            '\r' => out.push_str("&#13;"),
            '\n' | '\t' if attribute => out.push_str(&format!("&#{};", u32::from(letter))),
            '\n' | '\t' => out.push(letter),
            '\u{0}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => {
                let why = "it has control characters, which XML does not take";
                return Err(Unwritable { cause: "letters", why: why.to_owned() });
            }
            other => out.push(other),
        }
    }
    Ok(())
}

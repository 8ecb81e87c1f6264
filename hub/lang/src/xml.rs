//! XML as a tree: elements, attributes (`'@no'`) and text (`'#text'` beside others); elements of one name are a list.
//!
//! Document types and entities are refused, and no more than [`DEPTH`] levels are read. **Invariant:** reading takes time by
//! the length of a document, however many names an element has. Test: `an_element_of_many_names_is_read_at_once`.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use encoding_rs::{Encoding, UTF_8};
use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

use crate::diagnostic::Position;
use crate::value::Value;

/// Levels of elements: as deep as JSON may be.
const DEPTH: usize = 100;
/// The name under which text stands beside elements and attributes.
const TEXT: &str = "#text";
/// Where a document may say its encoding.
const DECLARATION: usize = 200;

/// An element that is being read.
struct Open {
    name: String,
    entries: Entries,
    text: String,
    nil: bool,
}

/// What an element has, in the order of the document.
#[derive(Default)]
struct Entries {
    list: Vec<(String, Value)>,
    /// Where names stand, once there are more than [`FEW`].
    places: HashMap<String, usize>,
}

/// Names that are compared one after the other.
const FEW: usize = 16;

/// The tree of a document.
///
/// # Errors
///
/// Why it cannot be read, and where.
pub fn read(body: &[u8]) -> Result<Value, String> {
    let text = decode(encoding(body)?, body)?;
    let mut reader = Reader::from_str(&text);
    reader.config_mut().trim_text(false);
    let (mut open, mut root): (Vec<Open>, Option<Value>) = (Vec::new(), None);
    loop {
        let at = usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX);
        let wrong = |why: &str| place(&text, at, why);
        match reader.read_event().map_err(|_| wrong("it is not XML"))? {
            Event::Start(start) => {
                if open.len() >= DEPTH {
                    return Err(wrong("its elements are nested too deeply"));
                }
                open.push(begin(&start).map_err(|why| wrong(&why))?);
            }
            Event::Empty(start) => {
                let element = begin(&start).map_err(|why| wrong(&why))?;
                end(element, &mut open, &mut root).map_err(|why| wrong(&why))?;
            }
            Event::End(_) => {
                let element = open.pop().ok_or_else(|| wrong("an element ends that none began"))?;
                end(element, &mut open, &mut root).map_err(|why| wrong(&why))?;
            }
            Event::Text(text) => {
                let text = text.decode().map_err(|_| wrong("its text cannot be read"))?;
                say(&text, &mut open).map_err(|why| wrong(&why))?;
            }
            Event::CData(text) => {
                let text = text.decode().map_err(|_| wrong("its text cannot be read"))?;
                say(&text, &mut open).map_err(|why| wrong(&why))?;
            }
            Event::GeneralRef(reference) => {
                let text = resolve(&reference).map_err(|why| wrong(&why))?;
                say(&text, &mut open).map_err(|why| wrong(&why))?;
            }
            // A document type may define entities: none is read.
            Event::DocType(_) => return Err(wrong("a document type is not read")),
            Event::Decl(_) | Event::Comment(_) | Event::PI(_) => {}
            Event::Eof => break,
        }
    }
    match root {
        Some(root) if open.is_empty() => Ok(root),
        Some(_) | None => Err(place(&text, text.len(), "it ends too early")),
    }
}

/// The text of bytes; letters that the encoding has not are not passed over.
///
/// # Errors
///
/// Bytes that are none of the encoding.
pub fn decode<'b>(encoding: &'static Encoding, body: &'b [u8]) -> Result<Cow<'b, str>, String> {
    let (encoding, body) = match Encoding::for_bom(body) {
        Some((own, length)) => (own, body.get(length..).unwrap_or_default()),
        None => (encoding, body),
    };
    let text = encoding.decode_without_bom_handling_and_without_replacement(body);
    text.ok_or_else(|| {
        let why = format!("it has bytes that are no {}", encoding.name());
        match std::str::from_utf8(body) {
            Err(error) if encoding == UTF_8 => {
                format!("{why} ({})", Position::of(body, error.valid_up_to()))
            }
            Ok(_) | Err(_) => why,
        }
    })
}

/// What is wrong at a byte of the text.
fn place(text: &str, byte: usize, why: &str) -> String {
    format!("{why} ({})", Position::of(text.as_bytes(), byte))
}

/// What the document says of its letters; a mark of byte order says it before.
fn encoding(body: &[u8]) -> Result<&'static Encoding, String> {
    let head = body.get(..body.len().min(DECLARATION)).unwrap_or_default();
    let head = String::from_utf8_lossy(head);
    let declaration =
        head.trim_start().strip_prefix("<?xml").and_then(|rest| rest.split("?>").next());
    let label = declaration.and_then(|text| {
        let rest = text.split_once("encoding")?.1.trim_start().strip_prefix('=')?.trim_start();
        let quote = rest.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
        rest.get(1..)?.split(quote).next()
    });
    let Some(label) = label else { return Ok(UTF_8) };
    Encoding::for_label(label.as_bytes())
        .ok_or_else(|| "its encoding is none that is known".to_owned())
}

fn begin(start: &BytesStart<'_>) -> Result<Open, String> {
    let unreadable = |_| "a name cannot be read".to_owned();
    let name = String::from_utf8(start.local_name().as_ref().to_vec()).map_err(unreadable)?;
    let entries = Entries::default();
    let mut element = Open { name, entries, text: String::new(), nil: false };
    // Its own check compares each with each.
    let mut attributes = start.attributes();
    let mut keys = HashSet::new();
    for attribute in attributes.with_checks(false) {
        let attribute = attribute.map_err(|_| "an attribute cannot be read".to_owned())?;
        let key = attribute.key;
        if !keys.insert(key.0) {
            return Err("an attribute stands twice in one element".to_owned());
        }
        if key.as_namespace_binding().is_some() {
            continue;
        }
        let value = attribute
            .normalized_value(XmlVersion::Implicit1_0)
            .map_err(|_| "an attribute cannot be read".to_owned())?;
        let local = key.local_name();
        if local.as_ref() == b"nil" && key.prefix().is_some() {
            element.nil = matches!(&*value, "true" | "1");
            continue;
        }
        let name = String::from_utf8(local.as_ref().to_vec()).map_err(unreadable)?;
        element.entries.add(format!("@{name}"), Value::text(value.into_owned()));
    }
    Ok(element)
}

/// Closes an element: it becomes a value of the one around it.
fn end(element: Open, open: &mut [Open], root: &mut Option<Value>) -> Result<(), String> {
    let Open { name, entries, text, nil } = element;
    let mut entries = entries.list;
    let blank = text.trim().is_empty();
    let value = match (entries.is_empty(), nil || blank) {
        (_, true) if nil => Value::Null,
        (true, true) => Value::Null,
        (true, false) => Value::Text(text),
        (false, blank) => {
            if !blank {
                entries.push((TEXT.to_owned(), Value::Text(text)));
            }
            Value::Map(entries)
        }
    };
    match open.last_mut() {
        Some(around) => around.entries.add(name, value),
        None if root.is_none() => *root = Some(Value::Map(vec![(name, value)])),
        None => return Err("something stands behind the document".to_owned()),
    }
    Ok(())
}

impl Entries {
    /// Elements of one name are a list, at the place of the first.
    fn add(&mut self, name: String, value: Value) {
        let place = if self.places.is_empty() {
            self.list.iter().position(|(known, _)| *known == name)
        } else {
            self.places.get(&name).copied()
        };
        let Some((_, known)) = place.and_then(|place| self.list.get_mut(place)) else {
            return self.push(name, value);
        };
        if let Value::List(list) = known {
            list.push(value);
        } else {
            *known = Value::List(vec![std::mem::take(known), value]);
        }
    }

    fn push(&mut self, name: String, value: Value) {
        self.list.push((name, value));
        if self.list.len() > FEW {
            let known = if self.places.is_empty() { 0 } else { self.list.len().saturating_sub(1) };
            let new = self.list.iter().enumerate().skip(known);
            self.places.extend(new.map(|(place, (name, _))| (name.clone(), place)));
        }
    }
}

fn say(text: &str, open: &mut [Open]) -> Result<(), String> {
    match open.last_mut() {
        Some(element) => element.text.push_str(text),
        None if text.trim_matches(['\u{feff}', ' ', '\t', '\r', '\n']).is_empty() => {}
        None => return Err("text stands outside of the document".to_owned()),
    }
    Ok(())
}

/// The five names that every document has, and letters by their number.
fn resolve(reference: &BytesRef<'_>) -> Result<String, String> {
    let letter = reference.resolve_char_ref();
    if let Ok(Some(letter)) = letter {
        return Ok(letter.to_string());
    }
    let known = match reference.as_ref() {
        b"amp" => "&",
        b"lt" => "<",
        b"gt" => ">",
        b"quot" => "\"",
        b"apos" => "'",
        _ => return Err("it uses an entity of its own".to_owned()),
    };
    Ok(known.to_owned())
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    #[test]
    fn an_element_of_many_names_is_read_at_once() {
        let (mut attributes, mut elements) = (String::new(), String::new());
        for n in 0..100_000 {
            write!(attributes, " a{n}='{n}'").unwrap();
            write!(elements, "<e{n}>{n}</e{n}>").unwrap();
        }
        let text = format!("<all{attributes}>{elements}<e7>again</e7></all>");
        // Compared each with each they take longer than a test may.
        let read = read(text.as_bytes()).unwrap();
        let all = read.get("all").unwrap();
        let Value::Map(entries) = all else { panic!("{all:?}") };
        assert_eq!(entries.len(), 200_000);
        assert_eq!(entries[0], ("@a0".to_owned(), Value::text("0")));
        let twice = Value::List(vec![Value::text("7"), Value::text("again")]);
        assert_eq!(entries[100_007], ("e7".to_owned(), twice));
    }

    #[test]
    fn an_attribute_stands_once() {
        let twice = read(b"<a no='1' no='2'/>").unwrap_err();
        assert_eq!(twice, "an attribute stands twice in one element (line 1, column 1)");
        let other = read(b"<a x:no='1' y:no='2'/>").unwrap();
        let both = Value::List(vec![Value::text("1"), Value::text("2")]);
        assert_eq!(other.get("a").and_then(|a| a.get("@no")), Some(&both));
    }
}

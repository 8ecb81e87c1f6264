//! What of an XML body is hidden: attributes, and the text of elements as it is read.
//!
//! A letter may be written by its number or its name, and the text of an element may be divided by sections of data,
//! comments, instructions and elements: who reads it puts it together, so that it is compared put together.
//! **Invariant:** what the reading of an element gives ([`orderhub_lang::xml`]) holds no secret, however it was written.
//! Tests: `a_secret_goes_wherever_it_stands_and_the_rest_stays`, `what_is_read_of_a_hidden_document_holds_no_secret`.

use std::borrow::Cow;

use super::Mask;

/// A part of the body, as it came.
#[derive(Clone, Copy, Debug)]
enum Part<'t> {
    Text(&'t str),
    /// A section of data, with its marks.
    Data(&'t str),
    Begin(&'t str),
    End(&'t str),
    /// A tag that is begin and end, or what says nothing: a comment, an instruction, a declaration.
    Other(&'t str),
}

/// The marks of a section of data.
const DATA: (&str, &str) = ("<![CDATA[", "]]>");

/// Texts and attributes of an XML body.
pub(super) fn xml(text: &str, mask: Mask<'_>) -> String {
    let parts = parts(text);
    let mut out: Vec<Cow<'_, str>> = parts.iter().map(|part| hidden(*part, mask)).collect();
    // The texts of the elements that are open, and of those that ended, by the places of their parts.
    let (mut open, mut ended) = (vec![Vec::new()], Vec::new());
    for (at, part) in parts.iter().enumerate() {
        match part {
            Part::Begin(_) => open.push(Vec::new()),
            Part::End(_) if open.len() > 1 => ended.extend(open.pop()),
            Part::Text(_) | Part::Data(_) => open.last_mut().into_iter().for_each(|of| of.push(at)),
            Part::End(_) | Part::Other(_) => {}
        }
    }
    ended.extend(open);
    for places in ended.iter().filter(|places| places.len() > 1) {
        together(places, &mut out, mask);
    }
    out.concat()
}

/// The text of one element that is divided: where it is a secret, its first part says what is left of it.
fn together(places: &[usize], out: &mut [Cow<'_, str>], mask: Mask<'_>) {
    let read = |at: &usize| out.get(*at).map(|part| said(part)).unwrap_or_default();
    let whole: String = places.iter().map(read).collect();
    let own = whole.trim();
    let Some(masked) = mask(own).filter(|_| !own.is_empty()) else { return };
    let before = whole.len() - whole.trim_start().len();
    let before = whole.get(..before).unwrap_or_default();
    let mut left = Some(format!("{before}{}", escaped(&masked)));
    for at in places {
        if let Some(part) = out.get_mut(*at) {
            *part = Cow::Owned(left.take().unwrap_or_default());
        }
    }
}

/// What a text or a section of data says.
fn said(part: &str) -> Cow<'_, str> {
    match part.strip_prefix(DATA.0) {
        Some(inner) => Cow::Borrowed(inner.strip_suffix(DATA.1).unwrap_or(inner)),
        None => decoded(part),
    }
}

/// A part by itself without what `mask` takes.
fn hidden<'t>(part: Part<'t>, mask: Mask<'_>) -> Cow<'t, str> {
    match part {
        Part::Text(text) => piece(text, mask),
        Part::Data(section) => {
            let (before, behind) = DATA;
            let inner = section.strip_prefix(before).unwrap_or(section);
            let closed = inner.strip_suffix(behind);
            match mask(closed.unwrap_or(inner).trim()) {
                Some(masked) => {
                    let behind = if closed.is_some() { behind } else { "" };
                    // What would end the section is no part of it.
                    Cow::Owned(format!("{before}{}{behind}", masked.replace(DATA.1, "]]")))
                }
                None => Cow::Borrowed(section),
            }
        }
        Part::Other(comment) if comment.starts_with("<!--") => bare(comment, ("<!--", "-->"), mask),
        Part::Other(tag) if tag.starts_with("<?") => {
            let tag = attributes(tag, mask);
            let name = tag.find(char::is_whitespace).unwrap_or(2);
            match bare(&tag, (tag.get(..name).unwrap_or_default(), "?>"), mask) {
                Cow::Owned(masked) => Cow::Owned(masked),
                Cow::Borrowed(_) => tag,
            }
        }
        Part::Begin(tag) | Part::Other(tag) => attributes(tag, mask),
        Part::End(tag) => Cow::Borrowed(tag),
    }
}

/// A comment or an instruction, whose text is not read.
fn bare<'t>(part: &'t str, (open, close): (&str, &str), mask: Mask<'_>) -> Cow<'t, str> {
    let inner = part.strip_prefix(open).unwrap_or(part);
    let own = inner.strip_suffix(close).unwrap_or(inner).trim();
    match mask(own).filter(|_| !own.is_empty()) {
        Some(masked) => Cow::Owned(part.replacen(own, &masked.replace(close, ""), 1)),
        None => Cow::Borrowed(part),
    }
}

fn parts<'t>(text: &'t str) -> Vec<Part<'t>> {
    let (mut parts, mut rest) = (Vec::new(), text);
    while let Some((before, from)) = rest.find('<').and_then(|at| rest.split_at_checked(at)) {
        if !before.is_empty() {
            parts.push(Part::Text(before));
        }
        let until = |end: &str| from.find(end).map_or(from.len(), |at| at + end.len());
        let (length, part): (usize, fn(&'t str) -> Part<'t>) = if from.starts_with(DATA.0) {
            (until(DATA.1), Part::Data)
        } else if from.starts_with("<!--") {
            (until("-->"), Part::Other)
        } else if from.starts_with("<?") {
            (until("?>"), Part::Other)
        } else if from.starts_with("</") {
            (until(">"), Part::End)
        } else {
            let length = tag(from);
            let alone = from.get(..length).is_none_or(|tag| tag.ends_with("/>"));
            (length, if alone || from.starts_with("<!") { Part::Other } else { Part::Begin })
        };
        let (one, behind) = from.split_at_checked(length).unwrap_or((from, ""));
        parts.push(part(one));
        rest = behind;
    }
    if !rest.is_empty() {
        parts.push(Part::Text(rest));
    }
    parts
}

/// A tag; the values of its attributes without what `mask` takes.
fn attributes<'t>(tag: &'t str, mask: Mask<'_>) -> Cow<'t, str> {
    let (mut out, mut rest) = (String::with_capacity(tag.len()), tag);
    while let Some((before, quote)) =
        rest.find(['"', '\'']).and_then(|at| rest.split_at_checked(at))
    {
        let mark = if quote.starts_with('"') { '"' } else { '\'' };
        let inner = quote.get(1..).unwrap_or_default();
        let (value, behind) = inner.split_once(mark).unwrap_or((inner, ""));
        out.push_str(before);
        out.push(mark);
        out.push_str(&piece(value, mask));
        if value.len() < inner.len() {
            out.push(mark);
        }
        rest = behind;
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// The length of the tag that begins here; a `>` within quotes does not end it.
fn tag(from: &str) -> usize {
    let mut quote = None;
    for (at, c) in from.char_indices() {
        match quote {
            Some(open) if c == open => quote = None,
            Some(_) => {}
            None if c == '"' || c == '\'' => quote = Some(c),
            None if c == '>' => return at + 1,
            None => {}
        }
    }
    from.len()
}

/// Bytes of the longest reference, without zeros before its number: looked for in no more, a text of `&` alone takes time
/// by its length.
const LONGEST: usize = 12;

const ENTITIES: [(&str, &str); 5] =
    [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&amp;", "&")];

/// A text of XML, the blanks around it as they are.
fn piece<'t>(text: &'t str, mask: Mask<'_>) -> Cow<'t, str> {
    let own = text.trim();
    match mask(&decoded(own)).filter(|_| !own.is_empty()) {
        Some(masked) => Cow::Owned(text.replacen(own, &escaped(&masked), 1)),
        None => Cow::Borrowed(text),
    }
}

/// A text of XML as it is read.
fn decoded(text: &str) -> Cow<'_, str> {
    if !text.contains('&') {
        return Cow::Borrowed(text);
    }
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    while let Some((before, from)) = rest.find('&').and_then(|at| rest.split_at_checked(at)) {
        out.push_str(before);
        let (letter, length) = reference(from.as_bytes()).unwrap_or(('&', 1));
        out.push(letter);
        rest = from.get(length..).unwrap_or_default();
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// The letter that a reference names, and how long it is written.
pub(super) fn reference(from: &[u8]) -> Option<(char, usize)> {
    let head = if from.starts_with(b"&#x") { 3 } else { 2 };
    // A number may begin with any number of zeros.
    let zeros = from.get(head..)?.iter().take_while(|byte| **byte == b'0').count();
    let near = from.iter().skip(zeros).take(LONGEST);
    let length = zeros + near.take_while(|byte| **byte != b';').count() + 1;
    let reference = std::str::from_utf8(from.get(..length)?).ok()?;
    let known = ENTITIES.iter().find(|(entity, _)| *entity == reference);
    let known = known.and_then(|(_, letter)| letter.chars().next());
    known.or_else(|| letter(reference)).map(|letter| (letter, length))
}

/// The letter that a reference names by its number.
fn letter(reference: &str) -> Option<char> {
    let number = reference.strip_prefix("&#")?.strip_suffix(';')?;
    let number = match number.strip_prefix('x') {
        Some(hex) => u32::from_str_radix(hex, 16),
        None => number.parse(),
    };
    char::from_u32(number.ok()?)
}

pub(super) fn escaped(text: &str) -> String {
    ENTITIES.iter().rev().fold(text.to_owned(), |text, (entity, c)| text.replace(c, entity))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECRET: &str = "a-secret-of-letters";

    fn mask(value: &str) -> Option<String> {
        value.contains(SECRET).then(|| value.replace(SECRET, "***"))
    }

    /// A letter, written in one of the ways in which it may be.
    fn written(letter: char, way: u8) -> String {
        match way % 6 {
            0 => format!("&#{};", u32::from(letter)),
            1 => format!("&#x{:x};", u32::from(letter)),
            2 => format!("<![CDATA[{letter}]]>"),
            3 => format!("<!-- it's -->{letter}"),
            4 => format!("<b no='1'/>{letter}"),
            _ => letter.to_string(),
        }
    }

    proptest! {
        #[test]
        fn what_is_read_of_a_hidden_document_holds_no_secret(
            ways in proptest::collection::vec(any::<u8>(), SECRET.len()), around in "[a-z ]{0,5}",
        ) {
            let secret: String = SECRET.chars().zip(ways).map(|(c, way)| written(c, way)).collect();
            let body = format!("<r>{around}{secret}{around}<b>x</b></r>");
            let read = orderhub_lang::xml::read(body.as_bytes()).unwrap().to_json_text();
            prop_assert!(read.contains(SECRET), "{body}");
            let masked = xml(&body, &mask);
            let read = orderhub_lang::xml::read(masked.as_bytes()).unwrap().to_json_text();
            prop_assert!(!read.contains(SECRET) && read.contains("***"), "{body}\n{masked}");
            prop_assert_eq!(xml(&masked, &mask), masked);
        }
    }
}

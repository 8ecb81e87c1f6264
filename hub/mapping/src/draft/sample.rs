//! What format samples are of, and what they hold as a tree.

use orderhub_lang::path::{Path, Root, Segment};
use orderhub_lang::value::Value;

use super::shape::{Lists, Shape};
use super::{Asked, Refused, Sample, find};
use crate::format::{Csv, Format, Grouping};
use crate::scan::trie::Trie;

/// The samples, read.
#[derive(Debug)]
pub(super) struct Read {
    /// `format:` of the mapping; nothing for JSON.
    pub(super) format: Option<String>,
    /// It knows texts alone: an empty one is nothing.
    pub(super) texts: bool,
    /// It is a table.
    pub(super) rows: bool,
    /// What stands in all of them.
    pub(super) shape: Shape,
    /// The column that puts rows together, if one does.
    pub(super) by: Option<String>,
}

/// Reads samples, which must be of one format.
pub(super) fn read(asked: &Asked<'_>, samples: &[Sample<'_>]) -> Result<Read, Refused> {
    let mut kinds = samples.iter().map(|sample| (sample, kind(sample)));
    let Some((first, kind)) = kinds.next() else {
        return Err(Refused::new("a draft needs a sample"));
    };
    if let Some((other, unlike)) = kinds.find(|(_, other)| *other != kind) {
        let why = format!(
            "`{}` is {}, `{}` is {}: one mapping reads one format",
            first.file,
            kind.word(),
            other.file,
            unlike.word()
        );
        return Err(Refused::new(why).hint("draft a mapping for each"));
    }
    let (format, text) = kind.format(samples);
    let texts = format.has_no_null();
    let mut read = Read { format: text, texts, rows: false, shape: Shape::default(), by: None };
    read.shape = shape(&format, None, samples)?;
    if matches!(kind, Kind::Xml) {
        read.shape.lists_of_one();
    }
    let rows = read.shape.rows().filter(|_| matches!(kind, Kind::Csv));
    read.rows = rows.is_some();
    if let Some(by) = rows.and_then(|rows| find::shared(asked, rows)) {
        let path = |segment| Path { root: Root::Here, segments: vec![segment] };
        let grouping =
            Grouping { at: vec![path(Segment::Each)], by: path(Segment::Key(by.clone())) };
        read.shape = shape(&format, Some(&grouping), samples)?;
        read.by = Some(by);
    }
    Ok(read)
}

fn shape(
    format: &Format,
    grouping: Option<&Grouping>,
    samples: &[Sample<'_>],
) -> Result<Shape, Refused> {
    let (mut shape, mut lists) = (Shape::default(), Lists::default());
    for sample in samples {
        let body = sample.body.strip_prefix("\u{feff}".as_bytes()).unwrap_or(sample.body);
        let unread = |why: String| {
            let why = format!("`{}` is no {} that can be read: {why}", sample.file, word(format));
            Refused::new(why).hint("samples are documents as they come: JSON, XML, CSV or a form")
        };
        let read = format.read(body, &Trie::new(), grouping).map_err(|error| unread(error.0))?;
        if let Some(bad) = read.bad.first() {
            return Err(unread(format!("line {}: {}", bad.line, bad.why)));
        }
        let mut value = Value::from_json(&read.json).map_err(|error| unread(error.to_string()))?;
        if format.has_no_null() {
            without_empty(&mut value);
        }
        shape.add(&value, &mut lists);
    }
    Ok(shape)
}

fn word(format: &Format) -> &'static str {
    match format {
        Format::Json => "JSON",
        Format::Xml(_) => "XML",
        Format::Csv(_) => "CSV",
        Format::Form(_) => "form",
    }
}

/// An empty text says nothing.
fn without_empty(value: &mut Value) {
    match value {
        Value::Text(text) if text.is_empty() => *value = Value::Null,
        Value::List(items) => items.iter_mut().for_each(without_empty),
        Value::Map(map) => map.iter_mut().for_each(|(_, inner)| without_empty(inner)),
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Decimal(_) | Value::Text(_) => {}
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Json,
    Xml,
    Csv,
    Form,
}

/// By how it begins, by its name, and by what is in its first line.
fn kind(sample: &Sample<'_>) -> Kind {
    let body = sample.body.strip_prefix("\u{feff}".as_bytes()).unwrap_or(sample.body);
    let name = sample.file.to_ascii_lowercase();
    match body.trim_ascii_start().first() {
        _ if [".csv", ".tsv"].iter().any(|end| name.ends_with(end)) => Kind::Csv,
        _ if name.ends_with(".json") => Kind::Json,
        _ if name.ends_with(".xml") => Kind::Xml,
        _ if name.ends_with(".form") => Kind::Form,
        Some(b'{' | b'[') => Kind::Json,
        Some(b'<') => Kind::Xml,
        _ => {
            let text = String::from_utf8_lossy(body);
            let line = text.lines().next().unwrap_or_default();
            let pairs = !line.contains(' ') && line.split('&').all(|pair| pair.contains('='));
            if pairs && text.lines().count() <= 1 {
                Kind::Form
            } else if line.contains(delimiter(line) as char) {
                Kind::Csv
            } else {
                Kind::Json
            }
        }
    }
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Kind::Json => "JSON",
            Kind::Xml => "XML",
            Kind::Csv => "CSV",
            Kind::Form => "a form",
        }
    }

    /// The format, and how a mapping says it.
    fn format(self, samples: &[Sample<'_>]) -> (Format, Option<String>) {
        match self {
            Kind::Json => (Format::Json, None),
            Kind::Xml => (Format::Xml(encoding_rs::UTF_8), Some("xml".to_owned())),
            Kind::Csv => csv(samples),
            Kind::Form => form(samples),
        }
    }
}

/// The sign that stands most often in the row of names.
fn delimiter(line: &str) -> u8 {
    let often = |sign: &u8| line.bytes().filter(|byte| byte == sign).count();
    // Of several that stand as often, the last: the comma, which is the default.
    [b'|', b'\t', b';', b','].into_iter().max_by_key(often).unwrap_or(b',')
}

fn csv(samples: &[Sample<'_>]) -> (Format, Option<String>) {
    let marked = samples.iter().any(|one| one.body.starts_with("\u{feff}".as_bytes()));
    let all = |fits: &dyn Fn(&[u8]) -> bool| samples.iter().all(|one| fits(one.body));
    let encoding = if all(&|body| std::str::from_utf8(body).is_ok()) {
        encoding_rs::UTF_8
    } else if all(&|body| body.is_ascii() || chinese(body)) {
        encoding_rs::GB18030
    } else {
        encoding_rs::WINDOWS_1252
    };
    let first = samples.first().map(|one| encoding.decode(one.body).0).unwrap_or_default();
    let line = first.lines().next().unwrap_or_default();
    let delimiter = delimiter(line);
    let cells: Vec<&str> =
        line.split(char::from(delimiter)).map(|cell| cell.trim_matches('"')).collect();
    let name = |cell: &&str| !cell.is_empty() && crate::cell::decimal(cell).is_none();
    let distinct: std::collections::BTreeSet<_> = cells.iter().collect();
    let header = cells.iter().all(name) && distinct.len() == cells.len();
    let csv = Csv { delimiter, encoding, header, bom: marked, ..Csv::default() };
    let mut options = Vec::new();
    if delimiter != b',' {
        let sign =
            if delimiter == b'\t' { "\\t".to_owned() } else { char::from(delimiter).to_string() };
        options.push(format!("delimiter: \"{sign}\""));
    }
    if encoding != encoding_rs::UTF_8 {
        options.push(format!("encoding: {}", encoding.name().to_ascii_lowercase()));
    }
    if !header {
        options.push("header: false".to_owned());
    }
    if marked && encoding == encoding_rs::UTF_8 {
        options.push("bom: true".to_owned());
    }
    let text = match options.is_empty() {
        true => "csv".to_owned(),
        false => format!("{{ csv: {{ {} }} }}", options.join(", ")),
    };
    (Format::Csv(csv), Some(text))
}

/// Whether a text that is no UTF-8 is Chinese. Nearly every text of Windows-1252 can be read as GB18030, too: a
/// letter with an accent and the plain one behind it are a rare sign there. The usual Chinese ones are two high bytes.
fn chinese(body: &[u8]) -> bool {
    let (text, _, wrong) = encoding_rs::GB18030.decode(body);
    let letter = |letter: char| ('\u{4e00}'..='\u{9fff}').contains(&letter);
    let (mut usual, mut rare, mut bytes) = (0, 0, body.iter());
    while let Some(first) = bytes.next() {
        match bytes.as_slice().first() {
            _ if first.is_ascii() => continue,
            Some(0xa1..) => usual += 1,
            Some(_) | None => rare += 1,
        }
        bytes.next();
    }
    !wrong && text.chars().any(letter) && rare * 4 <= usual
}

/// Fields whose texts are JSON objects are read as such.
fn form(samples: &[Sample<'_>]) -> (Format, Option<String>) {
    let plain = Format::Form(Vec::new());
    let mut json: Vec<String> = Vec::new();
    for sample in samples {
        let Ok(read) = plain.read(sample.body, &Trie::new(), None) else { continue };
        let Ok(Value::Map(map)) = Value::from_json(&read.json) else { continue };
        for (name, value) in &map {
            let inner = value.as_text().and_then(|text| Value::from_json(text.as_bytes()).ok());
            let holds = matches!(inner, Some(Value::Map(_) | Value::List(_)));
            if holds && !json.contains(name) {
                json.push(name.clone());
            }
        }
    }
    let text = match json.as_slice() {
        [] => "form".to_owned(),
        names => {
            let names: Vec<String> = names.iter().map(|name| super::write::scalar(name)).collect();
            format!("{{ form: {{ json: [{}] }} }}", names.join(", "))
        }
    };
    (Format::Form(json), Some(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn western_letters_are_not_taken_for_chinese_ones() {
        for (text, encoding, is) in [
            ("Bestellnr;Größe;Straße\n1;XL;Königsallee 5, Düsseldorf\n", "windows-1252", false),
            ("numéro;prénom;adresse\n1;Zoë;12 rue de l'Église\n", "windows-1252", false),
            ("订单号;尺码;地址\n1;XL;上海市浦东新区\n", "gb18030", true),
            ("id;name\n1;王\n", "gb18030", true),
            ("名称;数量\n朱镕基;1\n", "gb18030", true),
        ] {
            let encoding = encoding_rs::Encoding::for_label(encoding.as_bytes()).unwrap();
            assert_eq!(chinese(&encoding.encode(text).0), is, "{text}");
        }
    }
}

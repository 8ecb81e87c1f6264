//! The results of cases as JUnit XML, which every build server shows.

use std::fs;
use std::io;
use std::path::Path;

use orderhub_mapping::cases::CaseResult;
use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};

use super::Ran;
use crate::cli::output::{Code, Fault};

/// Writes one suite a mapping.
pub(super) fn write(path: &Path, all: &[Ran]) -> Result<(), Fault> {
    let failed = |error: io::Error| {
        Fault::new(Code::Problems, format!("cannot write `{}`: {error}", path.display()))
    };
    let mut text = document(all).map_err(failed)?;
    text.push(b'\n');
    fs::write(path, text).map_err(failed)
}

fn document(all: &[Ran]) -> io::Result<Vec<u8>> {
    let mut xml = Writer::new_with_indent(Vec::new(), b' ', 2);
    xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let of = |ran: &Ran| (ran.results.len(), ran.results.iter().filter(|(_, r)| failed(r)).count());
    let counts = all.iter().map(of);
    let (tests, failures) = counts.fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
    xml.create_element("testsuites")
        .with_attribute(("name", "orderhub test"))
        .with_attribute(("tests", tests.to_string().as_str()))
        .with_attribute(("failures", failures.to_string().as_str()))
        .write_inner_content(|xml| {
            for ran in all {
                let (tests, failures) = of(ran);
                xml.create_element("testsuite")
                    .with_attribute(("name", plain(&ran.mapping.name).as_str()))
                    .with_attribute(("tests", tests.to_string().as_str()))
                    .with_attribute(("failures", failures.to_string().as_str()))
                    .write_inner_content(|xml| {
                        ran.results.iter().try_for_each(|(_, result)| case(xml, ran, result))
                    })?;
            }
            Ok(())
        })?;
    Ok(xml.into_inner())
}

fn failed(result: &CaseResult) -> bool {
    !result.failures.is_empty()
}

fn case(xml: &mut Writer<Vec<u8>>, ran: &Ran, result: &CaseResult) -> io::Result<()> {
    let (file, line) = place(&result.place);
    let element = xml
        .create_element("testcase")
        .with_attribute(("name", plain(&result.why).as_str()))
        .with_attribute(("classname", plain(&ran.mapping.name).as_str()))
        .with_attribute(("file", plain(file).as_str()))
        .with_attribute(("line", line));
    if !failed(result) {
        element.write_empty()?;
        return Ok(());
    }
    element.write_inner_content(|xml| {
        let first = result.failures.first().map(|line| plain(line)).unwrap_or_default();
        let lines = plain(&format!("{}\n{}", result.failures.join("\n"), result.place));
        xml.create_element("failure")
            .with_attribute(("type", "case"))
            .with_attribute(("message", first.as_str()))
            .write_text_content(BytesText::new(&lines))?;
        Ok(())
    })?;
    Ok(())
}

/// The file and the line of `file:line:column`.
fn place(place: &str) -> (&str, &str) {
    let mut parts = place.rsplitn(3, ':').skip(1);
    let line = parts.next().unwrap_or("1");
    (parts.next().unwrap_or(place), line)
}

/// A text with the letters that XML may hold.
fn plain(text: &str) -> String {
    let letter = |letter: char| match letter {
        '\t' | '\n' | '\r' => letter,
        '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => '\u{fffd}',
        other => other,
    };
    text.chars().map(letter).collect()
}

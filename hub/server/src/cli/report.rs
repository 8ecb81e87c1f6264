//! Findings as each reader wants them: people, programs, code scanning (SARIF 2.1.0), and the annotations of
//! GitHub's actions. All say the same: code, place, what is wrong, what to do.
//!
//! **Invariant:** nothing of a file breaks out of its place in a form: a message with line ends and colons
//! is still one annotation. Test: `an_annotation_is_one_line_whatever_a_file_holds`.

use orderhub_lang::codes::Explanation;
use orderhub_lang::diagnostic::{self, Diagnostic, Note, Severity, visible};
use serde_json::{Value, json};

use super::explain;
use super::output::{self, Output};

/// How findings are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Format {
    /// For people: each with its line, what is wrong and what to do.
    Text,
    /// One JSON list.
    Json,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
    /// Annotations of GitHub's actions.
    Github,
}

impl Format {
    /// What `--output` means for findings.
    pub(super) fn of(output: Output) -> Option<Self> {
        match output {
            Output::Table | Output::Name => Some(Format::Text),
            Output::Json => Some(Format::Json),
            Output::Jsonl => None,
        }
    }
}

/// Writes findings to stdout. `None`: one JSON document a line.
pub(super) fn write(found: &[Diagnostic], format: Option<Format>) {
    let rows = || found.iter().map(|one| json!(one.to_json())).collect::<Vec<_>>();
    match format {
        None => output::rows(&rows(), &[], Output::Jsonl),
        Some(Format::Json) => output::rows(&rows(), &[], Output::Json),
        Some(Format::Text) => {
            if !found.is_empty() {
                output::print(&diagnostic::render(found));
            }
        }
        Some(Format::Sarif) => output::document(&sarif(found), Output::Json),
        Some(Format::Github) => {
            let lines: String = found.iter().map(annotation).collect();
            if !lines.is_empty() {
                output::print(&lines);
            }
        }
    }
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}

/// What is wrong and what to do, a sentence a line.
fn sentences(finding: &Diagnostic) -> String {
    let label = Some(finding.label.as_str()).filter(|label| !label.is_empty());
    let hint = finding.hint.as_ref().map(|hint| format!("hint: {hint}"));
    let more = format!("more: orderhub explain {}", finding.code);
    let told = |note: &Note| format!("note: {}: {}", note.text, note.place());
    let notes: Vec<String> = finding.notes.iter().map(told).collect();
    let said = [Some(finding.message.as_str()), label, hint.as_deref()].into_iter().flatten();
    let said = said.chain(notes.iter().map(String::as_str)).chain([more.as_str()]);
    said.map(visible).collect::<Vec<_>>().join("\n")
}

fn sarif(found: &[Diagnostic]) -> Value {
    let codes: Vec<&Explanation> = explain::codes().collect();
    let results: Vec<Value> = found.iter().map(|one| result(one, &codes)).collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "orderhub",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": codes.iter().map(|known| rule(known)).collect::<Vec<_>>(),
            } },
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn rule(known: &Explanation) -> Value {
    let help = explain::page(known);
    let markdown = format!(
        "{}\n\nWrong:\n\n```yaml\n{}\n```\n\nRight:\n\n```yaml\n{}\n```\n",
        known.text,
        visible_lines(known.wrong),
        visible_lines(known.right)
    );
    json!({
        "id": known.code,
        "shortDescription": { "text": known.title },
        "fullDescription": { "text": known.text },
        "help": { "text": help, "markdown": markdown },
        "defaultConfiguration": { "level": "error" },
    })
}

fn visible_lines(example: &str) -> String {
    example.trim_end().lines().map(visible).collect::<Vec<_>>().join("\n")
}

fn result(finding: &Diagnostic, codes: &[&Explanation]) -> Value {
    let (start, end) = ends(finding);
    let index = codes.iter().position(|known| known.code == finding.code);
    json!({
        "ruleId": finding.code,
        "ruleIndex": index.and_then(|index| i64::try_from(index).ok()).unwrap_or(-1),
        "level": level(finding.severity),
        "message": { "text": sentences(finding) },
        "locations": [{ "physicalLocation": {
            "artifactLocation": { "uri": uri(&finding.source.name) },
            "region": {
                "startLine": start.line,
                "startColumn": start.column,
                "endLine": end.line,
                "endColumn": end.column,
            },
        } }],
    })
}

fn ends(finding: &Diagnostic) -> (diagnostic::Position, diagnostic::Position) {
    let span = finding.span;
    (finding.position(), finding.source.position(span.end.max(span.start)))
}

/// A path as a reference by RFC 3986: relative, or of this machine where it begins with `/`.
fn uri(path: &str) -> String {
    let mut uri = String::from(if path.starts_with('/') { "file://" } else { "" });
    for byte in path.bytes() {
        match byte {
            b'/' | b'-' | b'.' | b'_' | b'~' => uri.push(char::from(byte)),
            byte if byte.is_ascii_alphanumeric() => uri.push(char::from(byte)),
            byte => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri
}

/// `::error file=…,line=…,title=M0107::…`
fn annotation(finding: &Diagnostic) -> String {
    let (start, end) = ends(finding);
    // Columns of a finding over several lines would be taken for those of one.
    let columns = if start.line == end.line {
        format!(",col={},endColumn={}", start.column, end.column)
    } else {
        String::new()
    };
    format!(
        "::{} file={},line={},endLine={}{columns},title={}::{}\n",
        level(finding.severity),
        escaped(&finding.source.name, true),
        start.line,
        end.line,
        finding.code,
        escaped(&sentences(finding), false)
    )
}

/// Text as a workflow command holds it; properties end at colons and commas.
fn escaped(text: &str, property: bool) -> String {
    let text = text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A");
    if property { text.replace(':', "%3A").replace(',', "%2C") } else { text }
}

#[cfg(test)]
mod tests {
    use orderhub_lang::diagnostic::{Source, Span};

    use super::*;

    fn found(name: &str, text: &str, message: &str) -> Diagnostic {
        let source = Source::new(format!("deploy/{name}"), text);
        let finding = Diagnostic::error("M0107", &source, Span::new(2, 4), message);
        finding.with_label("a, b: c").with_hint("50 % off")
    }

    #[test]
    fn an_annotation_is_one_line_whatever_a_file_holds() {
        let one = found("mappings/shop/a,b:c.yaml", "a\nxy\n", "bad\n::error::x\u{202e}");
        let text = annotation(&one);
        assert_eq!(
            text,
            "::error file=deploy/mappings/shop/a%2Cb%3Ac.yaml,line=2,endLine=2,col=1,endColumn=3,title=M0107::\
             bad\\u{A}::error::x\\u{202E}%0Aa, b: c%0Ahint: 50 %25 off%0Amore: orderhub explain M0107\n"
        );
        assert_eq!(text.lines().count(), 1);
    }

    #[test]
    fn a_place_over_several_lines_has_no_columns() {
        let text = annotation(&found("mappings/a.yaml", "abcd", "x"));
        assert!(text.starts_with("::error file=deploy/mappings/a.yaml,line=1,endLine=1,col=3"));
        let text = annotation(&found("mappings/a.yaml", "abc\n", "x"));
        assert!(text.contains("line=1,endLine=2,title="), "{text}");
    }

    #[test]
    fn a_result_names_its_rule_and_its_place() {
        let report = sarif(&[found("mappings/名.yaml", "a\nxy\n", "x")]);
        let run = &report["runs"][0];
        let result = &run["results"][0];
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(run["tool"]["driver"]["rules"][index]["id"], result["ruleId"]);
        let place = &result["locations"][0]["physicalLocation"];
        assert_eq!(place["artifactLocation"]["uri"], "deploy/mappings/%E5%90%8D.yaml");
        let region = json!({ "startLine": 2, "startColumn": 1, "endLine": 2, "endColumn": 3 });
        assert_eq!(place["region"], region);
    }
}

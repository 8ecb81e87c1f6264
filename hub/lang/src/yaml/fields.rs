//! Reads the keys of a mapping and reports the ones that nobody asked for.

use super::hidden::between_quotes;
use super::{Key, Node};
use crate::codes;
use crate::diagnostic::{Diagnostic, Findings, Severity, Span, is_hidden, looks_like};

/// A mapping whose keys are taken one by one; [`Fields::finish`] reports the rest.
///
/// **Invariant:** a key that is never asked for is an error: unknown means unknown. Test:
/// `unknown_keys_are_reported_with_the_nearest_name`.
#[derive(Debug)]
pub struct Fields<'n> {
    what: &'n str,
    span: Span,
    entries: &'n [(Key, Node)],
    known: Vec<&'static str>,
}

impl<'n> Fields<'n> {
    /// The keys of `node`, called `what` in messages; reports a node that is not a mapping.
    pub fn of(node: &'n Node, what: &'n str, findings: &mut Findings) -> Option<Self> {
        match node.as_map() {
            Some(entries) => Some(Self { what, span: node.span, entries, known: Vec::new() }),
            None if node.is_null() && is_empty(&findings.source().text) => {
                let place = Span { start: node.span.start, end: node.span.start };
                let finding = findings.error(codes::WRONG_TYPE, place, "this file is empty");
                findings.report(finding.with_hint("begin it with `orderhub: 1`"));
                None
            }
            None => {
                let finding = wrong_type(findings, node, &format!("{what} is made of keys"));
                let separated = node.as_text().and_then(separated);
                let finding = match (&finding.hint, separated) {
                    (_, Some((name, how))) if is_key(name) => finding.with_hint(how),
                    (Some(_), _) => finding,
                    (None, _) => {
                        finding.with_hint("write `key: value`, a line each, or `{ key: value }`")
                    }
                };
                findings.report(finding);
                None
            }
        }
    }

    /// Where the mapping stands.
    pub fn span(&self) -> Span {
        self.span
    }

    /// The value of a key that may be missing.
    pub fn optional(&mut self, name: &'static str) -> Option<&'n Node> {
        self.entry(name).map(|(_, node)| node)
    }

    /// The same with the key's place.
    pub fn entry(&mut self, name: &'static str) -> Option<(&'n Key, &'n Node)> {
        self.known.push(name);
        self.entries.iter().find(|(key, _)| key.name == name).map(|(key, node)| (key, node))
    }

    /// The value of a key that must be there.
    pub fn required(&mut self, name: &'static str, findings: &mut Findings) -> Option<&'n Node> {
        let node = self.optional(name);
        if node.is_none() {
            let first = Span { start: self.span.start, end: self.span.start };
            let span = self.entries.first().map_or(first, |(key, _)| key.span);
            let message = format!("{} needs the key `{name}`", self.what);
            let finding = findings.error(codes::MISSING_KEY, span, message);
            findings.report(match name {
                "orderhub" => finding.with_hint("begin the file with `orderhub: 1`"),
                _ => finding.with_hint(format!("add `{name}: …`")),
            });
        }
        node
    }

    /// The text of a key that may be missing; reports another type. Numbers are their text.
    pub fn text(&mut self, name: &'static str, findings: &mut Findings) -> Option<String> {
        let node = self.optional(name)?;
        text_of(node, name, findings)
    }

    /// The text of a key that must be there.
    pub fn required_text(&mut self, name: &'static str, findings: &mut Findings) -> Option<String> {
        let node = self.required(name, findings)?;
        text_of(node, name, findings)
    }

    /// The boolean of a key that may be missing; reports another type.
    pub fn bool(&mut self, name: &'static str, findings: &mut Findings) -> Option<bool> {
        let node = self.optional(name)?;
        if node.as_bool().is_none() {
            findings.report(wrong_type(findings, node, &format!("`{name}` is true or false")));
        }
        node.as_bool()
    }

    /// The texts of a list or of a single scalar; reports other types. Missing: none.
    pub fn texts(&mut self, name: &'static str, findings: &mut Findings) -> Vec<String> {
        let Some(node) = self.optional(name) else { return Vec::new() };
        node.list_or_single().iter().filter_map(|item| text_of(item, name, findings)).collect()
    }

    /// Names keys as known without reading them.
    pub fn allow(&mut self, names: &[&'static str]) {
        self.known.extend(names);
    }

    /// Reports every key that was not asked for.
    pub fn finish(self, findings: &mut Findings) {
        let mut known = self.known.clone();
        known.sort_unstable();
        known.dedup();
        let mut in_text = false;
        for (at, (key, value)) in self.entries.iter().enumerate() {
            let unknown = !known.contains(&key.name.as_str());
            // What follows the first comma of a text was told with it.
            if in_text && unknown && value.is_null() {
                continue;
            }
            in_text = false;
            if !unknown {
                continue;
            }
            // Looking for the nearest name is costly: it is done for those that are shown.
            if findings.is_full() {
                findings.count(key.span, Severity::Error);
            } else {
                let finding = unknown_key(key, self.what, &known, findings);
                let named = finding.hint.as_ref().is_some_and(|hint| hint.starts_with("did you"));
                let cut = finding.code == codes::UNKNOWN_KEY && value.is_null() && !named;
                let whole = cut.then(|| self.cut_text(at, &known)).flatten();
                in_text = whole.is_some();
                findings.report(match whole {
                    Some(hint) => finding.with_hint(hint),
                    None => finding,
                });
            }
        }
    }
}

impl Fields<'_> {
    /// The hint for a key without a value that is the rest of a text with a comma.
    fn cut_text(&self, at: usize, known: &[&'static str]) -> Option<String> {
        let (name, text) = self.entries.get(at.checked_sub(1)?)?;
        let mut whole = text.scalar_text()?.into_owned();
        let rest = self.entries.get(at..)?.iter();
        let rest =
            rest.take_while(|(key, value)| value.is_null() && !known.contains(&key.name.as_str()));
        rest.for_each(|(key, _)| whole.push_str(&format!(", {}", key.name)));
        let quoted = crate::value::Value::text(whole).to_json_text();
        Some(format!("a text with a comma stands in quotes: `{}: {quoted}`", name.name))
    }
}

fn unknown_key(key: &Key, what: &str, known: &[&'static str], findings: &Findings) -> Diagnostic {
    if let Some(alike) = looks_like(&key.name, known.iter().copied()) {
        let message = format!("`{}` only looks like `{}`", key.name, alike.name);
        return findings
            .error(codes::LOOK_ALIKE, key.span, message)
            .with_label(alike.how)
            .with_hint(format!("type it anew: `{}`", alike.name));
    }
    let plain: String = key.name.chars().filter(|c| !c.is_whitespace() && !is_hidden(*c)).collect();
    if let (Some(name), Some(odd)) = (
        known.iter().find(|name| **name == plain),
        key.name.chars().find(|c| c.is_whitespace() || is_hidden(*c)),
    ) {
        let message = format!("`{}` only looks like `{name}`", key.name);
        return findings
            .error(codes::LOOK_ALIKE, key.span, message)
            .with_label(format!(
                "U+{:04X} stands in it, which is no ordinary blank",
                u32::from(odd)
            ))
            .with_hint(format!("type it anew: `{name}`"));
    }
    let message = format!("unknown key `{}` in {what}", key.name);
    let finding = findings.error(codes::UNKNOWN_KEY, key.span, message);
    let finding = match (separated(&key.name), between_quotes(&key.name)) {
        (Some((name, how)), _) if known.contains(&name) => finding.with_hint(how),
        (_, Some(name)) if known.contains(&name) => {
            finding.with_hint(format!("write it without these quotes: `{name}`"))
        }
        _ => finding.with_nearest(&key.name, known.iter().copied()),
    };
    match finding.hint {
        Some(_) => finding,
        None => finding.with_hint(format!("known keys: {}", known.join(", "))),
    }
}

/// A key and its value with something else than a colon and a blank between them, and what to type.
fn is_key(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase() || c == '_')
}

fn separated(text: &str) -> Option<(&str, String)> {
    let at = text.find([':', '=', '：', '＝'])?;
    let (name, rest) = (text.get(..at)?.trim_end(), text.get(at..)?);
    let sign = rest.chars().next()?;
    let value = rest.get(sign.len_utf8()..)?;
    let odd = value.chars().next().filter(|c| c.is_whitespace() && *c != ' ');
    let value = value.trim();
    // An address is a text.
    if value.starts_with("//") {
        return None;
    }
    let how = match (sign, odd) {
        (':', Some(odd)) => {
            format!("U+{:04X} is no ordinary blank, type `{name}: {value}`", u32::from(odd))
        }
        (':', None) => format!("a blank stands behind a colon: `{name}: {value}`"),
        _ => format!(
            "between a key and its value stand a colon and a blank, not `{sign}`: `{name}: {value}`"
        ),
    };
    Some((name, how))
}

fn text_of(node: &Node, name: &str, findings: &mut Findings) -> Option<String> {
    let text = node.scalar_text();
    if text.is_none() {
        findings.report(wrong_type(findings, node, &format!("`{name}` is a text")));
    }
    text.map(std::borrow::Cow::into_owned)
}

/// Nothing but blanks and comments.
fn is_empty(text: &str) -> bool {
    let mut lines = text.lines().map(|line| line.trim_start_matches('\u{feff}').trim());
    lines.all(|line| line.is_empty() || line == "---" || line.starts_with('#'))
}

/// The finding that another type is needed: ``wrong_type(…, "`rate` is a text")``.
pub(super) fn wrong_type(findings: &Findings, node: &Node, needed: &str) -> Diagnostic {
    let message = format!("{needed}, not {}", node.kind().trim_start_matches("a "));
    findings
        .error(codes::WRONG_TYPE, node.span, message)
        .with_label(format!("this is {}", node.kind()))
}

impl Findings {
    /// The finding that another type is needed: ``wrong_type(node, "`rate` is a text")``.
    #[must_use]
    pub fn wrong_type(&self, node: &Node, needed: &str) -> Diagnostic {
        wrong_type(self, node, needed)
    }
}

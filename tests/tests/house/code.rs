//! A source as a reader without a compiler sees it: its code without comments and texts, and the paths
//! that its `use` trees name.

/// The code of a source: comments and literals of text are blanks; lines stay where they are.
pub(crate) fn code_of(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let skipped = comment(rest).or_else(|| literal(rest));
        let length = skipped.unwrap_or_else(|| first.len_utf8());
        let (part, after) = rest.split_at(length);
        match skipped {
            Some(_) => code.extend(part.chars().map(|c| if c == '\n' { c } else { ' ' })),
            None => code.push_str(part),
        }
        rest = after;
    }
    code
}

/// The length of the comment that begins here.
fn comment(rest: &str) -> Option<usize> {
    if rest.starts_with("//") {
        return Some(rest.find('\n').unwrap_or(rest.len()));
    }
    rest.strip_prefix("/*")?;
    let (mut depth, mut at) = (0, 0);
    while at < rest.len() {
        let here = &rest[at..];
        depth += i32::from(here.starts_with("/*"));
        depth -= i32::from(here.starts_with("*/"));
        let marks = here.starts_with("/*") || here.starts_with("*/");
        at += if marks { 2 } else { here.chars().next().map_or(1, char::len_utf8) };
        if depth == 0 {
            break;
        }
    }
    Some(at)
}

/// The length of the text (`"…"`, `r#"…"#`) or character that begins here; a lifetime is neither.
fn literal(rest: &str) -> Option<usize> {
    if let Some(raw) = rest.strip_prefix('r') {
        let inner = raw.trim_start_matches('#').strip_prefix('"')?;
        let hashes = raw.len() - inner.len() - 1;
        let end = format!("\"{}", "#".repeat(hashes));
        return Some(match inner.find(&end) {
            Some(at) => rest.len() - inner.len() + at + end.len(),
            None => rest.len(),
        });
    }
    if rest.starts_with('"') {
        return Some(closed(rest, '"'));
    }
    let mut inner = rest.strip_prefix('\'')?.chars();
    let escaped = inner.next()? == '\\';
    (escaped || inner.next() == Some('\'')).then(|| closed(rest, '\''))
}

/// The length of a literal up to its closing mark.
fn closed(rest: &str, mark: char) -> usize {
    let mut chars = rest.char_indices().skip(1);
    while let Some((at, char)) = chars.next() {
        match char {
            '\\' => drop(chars.next()),
            _ if char == mark => return at + char.len_utf8(),
            _ => {}
        }
    }
    rest.len()
}

/// Every path that code imports, with its line: `use std::{fs, io::Read as R}` names `std::fs` and
/// `std::io::Read`.
pub(crate) fn imports(code: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices("use ") {
        let before = code[..at].chars().next_back();
        if before.is_some_and(|c| !c.is_whitespace() && !matches!(c, '{' | '}' | ';')) {
            continue;
        }
        let line = code[..at].matches('\n').count() + 1;
        let tree = code[at + 4..].split(';').next().unwrap_or_default();
        let mut paths = Vec::new();
        expand("", tree, &mut paths);
        found.extend(paths.into_iter().map(|path| (line, path)));
    }
    found
}

fn expand(prefix: &str, tree: &str, paths: &mut Vec<String>) {
    let tree = tree.trim();
    if tree.is_empty() {
        // After the last comma of a group.
        return;
    }
    let Some((head, inner)) = tree.split_once('{') else {
        let path = tree.split(" as ").next().unwrap_or_default();
        let path = format!("{prefix}{}", path.trim().trim_start_matches("::"));
        paths.push(path.strip_suffix("::self").unwrap_or(&path).to_owned());
        return;
    };
    let prefix = format!("{prefix}{}", head.trim().trim_start_matches("::"));
    let inner = inner.strip_suffix('}').unwrap_or(inner);
    let (mut depth, mut from) = (0, 0);
    for (at, char) in inner.char_indices() {
        depth += i32::from(char == '{');
        depth -= i32::from(char == '}');
        if char == ',' && depth == 0 {
            expand(&prefix, &inner[from..at], paths);
            from = at + 1;
        }
    }
    expand(&prefix, &inner[from..], paths);
}

/// Whether text says a word or path as a whole: `Instant`, not `Instantly`.
pub(crate) fn says(text: &str, word: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(word).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + word.len()..].chars().next();
        !before.is_some_and(part) && !after.is_some_and(part)
    })
}

#[test]
fn a_comment_begins_outside_of_texts_only() {
    let source = "let a = \"http://x\"; std::fs::read(a); // std::net\nlet b = r#\"/* \"# ; '\"'; 'x: loop {} /* a /* b */ c */ std::env;";
    let code = code_of(source);
    for (word, expected) in
        [("std::fs", true), ("std::net", false), ("std::env", true), ("loop", true), ("c", false)]
    {
        assert_eq!(says(&code, word), expected, "{word} in {code}");
    }
    assert_eq!(code.lines().count(), 2);
}

#[test]
fn grouped_imports_are_seen_one_by_one() {
    let code =
        "pub use std::{\n    fs, io::{self, Read as R}, collections::*,\n};\nuse ::std::net as n;";
    let found = imports(code);
    let paths: Vec<&str> = found.iter().map(|(_, path)| path.as_str()).collect();
    let expected = ["std::fs", "std::io", "std::io::Read", "std::collections::*", "std::net"];
    assert_eq!(paths, expected);
    assert_eq!(found.last().unwrap().0, 4);
}

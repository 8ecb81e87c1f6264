//! Keeps a system's secrets out of what of its messages is stored and shown: some senders prove themselves by a secret
//! that stands within the body, a header, or the address.
//!
//! A webhook is verified over the bytes that came; from then on it is read, stored and shown without its secrets, so that
//! one that is read again later reads as it did at once. In what is stored only a whole value that is a secret goes, and
//! a secret of at least [`LONG`] characters within one: a short one may be part of any number of an order, and a document
//! must not be spoilt for it. What is only shown hides shorter ones too.
//! A copy of it goes, too, wherever it stands (the name of a member, a comment, an instruction) and however its letters are
//! written; what is not hidden is said in [`written`].
//!
//! **Invariant:** no secret that a webhook is proved by reaches the store with it, none of its system is shown in the raw
//! excerpt of a todo, and everything else of the document is stored, and read, as it came, byte for byte, also where it
//! equals another secret of the system.
//! Tests: `a_secret_goes_wherever_it_stands_and_the_rest_stays`, `a_short_secret_spoils_no_document`,
//! `a_secret_within_a_webhook_is_neither_stored_nor_shown`.

use std::collections::BTreeSet;

use bytes::Bytes;
use orderhub_lang::escape::percent;
use orderhub_lang::form;
use orderhub_order::ids::SystemName;

mod utf16;
mod written;
mod xml;

use self::xml::{escaped, xml};
use super::gates::unit_with;
use super::{Envelope, Intake, Pending, headers, seen};
use crate::http::Api;
use crate::store::StoreError;
use crate::tap::mask::MASK;

/// Characters of a secret that is hidden within a longer value: none of so many stands there by accident.
const LONG: usize = 12;
/// Characters of one that a whole value is taken for.
const WORD: usize = 6;
/// Characters of base64 that do not stand in a document by accident.
const CODED: usize = 12;
/// Such characters of one that is only shown.
const CODED_SHOWN: usize = 5;
/// Characters of one that is hidden in what is only shown.
const SHOWN: usize = 4;

impl Intake {
    /// Takes an envelope in, as [`Intake::queue`] does. `came`: the hash of what came, where the envelope holds it without
    /// secrets.
    ///
    /// # Errors
    ///
    /// As [`Intake::queue`].
    pub(super) async fn queue_hidden(
        &self,
        mut envelope: Envelope,
        came: Option<[u8; 16]>,
    ) -> Result<Pending, StoreError> {
        let bundle = self.bundle();
        let labels = self.labels(&bundle, &envelope);
        let span = seen::begin(&mut envelope);
        let looks = self.looks(&bundle, &envelope).await?;
        let mut unit = unit_with(&bundle, self.shared.gates, envelope, None, looks);
        unit.beside.came = came;
        self.hand_in(unit, labels, span).await
    }
}

/// Secrets of one system.
#[derive(Default)]
pub(crate) struct Hidden {
    /// The longest first: a part of one must not be what is left of it.
    values: Vec<String>,
    /// What stands in base64 where a long one does.
    coded: Vec<String>,
}

impl Hidden {
    /// These, whoever they are of; shorter ones than a few characters are none.
    pub(crate) fn new(mut values: Vec<String>) -> Self {
        values.retain(|value| value.chars().count() >= SHOWN);
        values.sort_by_key(|value| std::cmp::Reverse(value.len()));
        let long = values.iter().filter(|value| is_long(value));
        let coded = long.flat_map(|value| written::in_base64(value, CODED)).collect();
        Self { values, coded }
    }

    /// Whatever the settings name as a secret of a system: for what is shown.
    pub(crate) fn of(api: &Api, system: &SystemName) -> Self {
        Self::named(api, system, &|_| true)
    }

    /// What a webhook was proved by: for what is stored. Any other secret, such as the name of a user, may be a value of an
    /// order, too.
    pub(crate) fn proofs(api: &Api, system: &SystemName, names: &BTreeSet<String>) -> Self {
        Self::named(api, system, &|name| names.contains(name))
    }

    fn named(api: &Api, system: &SystemName, is: &dyn Fn(&str) -> bool) -> Self {
        let settings = api.config.systems.get(system);
        let all = settings.into_iter().flat_map(|settings| &settings.secrets);
        let refs = all.filter(|(name, _)| is(name)).map(|(_, refs)| refs);
        Self::new(refs.flat_map(|refs| api.secrets.readable(&refs.0)).collect())
    }

    /// A value without secrets, as it may be stored; `None`: it holds none.
    fn value(&self, value: &str) -> Option<String> {
        let is = |secret: &String| {
            secret.chars().count() >= WORD
                && (secret.eq_ignore_ascii_case(value) || written::is(value, secret))
        };
        if self.values.iter().any(is) {
            return Some(MASK.to_owned());
        }
        let long = self.values.iter().filter(|secret| is_long(secret)).map(String::as_str);
        let masked = self.without_all(value, long);
        (masked != value).then_some(masked)
    }

    /// A text without secrets, however they are written.
    fn without_all<'s>(
        &self,
        text: &str,
        secrets: impl Iterator<Item = &'s str> + Clone,
    ) -> String {
        let plain = secrets.clone();
        let masked = plain.fold(text.to_owned(), |text, secret| without_one(&text, secret));
        let masked = written::without(&masked, secrets).unwrap_or(masked);
        self.coded.iter().fold(masked, |text, coded| match text.contains(coded) {
            true => text.replace(coded, MASK),
            false => text,
        })
    }

    /// A text without secrets, as it may be stored.
    pub(crate) fn text(&self, text: &str) -> String {
        self.value(text).unwrap_or_else(|| text.to_owned())
    }

    /// The pairs of a query that hold none.
    pub(crate) fn query(&self, query: &str) -> String {
        let fine = |pair: &&str| {
            let pairs = form::pairs(pair.as_bytes()).unwrap_or_default();
            pairs.iter().all(|(_, value)| self.value(value).is_none())
        };
        query.split('&').filter(fine).collect::<Vec<_>>().join("&")
    }

    /// The headers that may be kept.
    pub(crate) fn headers(&self, all: &[(String, String)]) -> Vec<(String, String)> {
        let fine = all.iter().filter(|(_, value)| self.value(value).is_none());
        headers::keep(fine.map(|(name, value)| (name.as_str(), value.as_str())))
    }

    /// A body as it may be stored; `None`: as it is.
    pub(crate) fn body(&self, body: &[u8]) -> Option<Bytes> {
        if self.values.is_empty() {
            return None;
        }
        let mask = |value: &str| self.value(value);
        if let Ok(text) = std::str::from_utf8(body) {
            let masked = without(text, &mask);
            return (masked != text).then(|| masked.into());
        }
        if let Some((order, text)) = utf16::read(body) {
            let masked = without(&text, &mask);
            return (masked != text).then(|| utf16::write(order, &masked));
        }
        // Another encoding: what is not ASCII goes through as it is.
        let text: String = body.iter().copied().map(char::from).collect();
        let masked = without(&text, &mask);
        let bytes = || masked.chars().filter_map(|c| u8::try_from(c).ok());
        (masked != text).then(|| bytes().collect())
    }

    /// A text as people may see it.
    pub(crate) fn shown(&self, text: &str) -> String {
        let text = self.values.iter().fold(text.to_owned(), |text, secret| {
            let text = without_one(&text, secret);
            forms(secret).iter().fold(text, |text, form| without_one(&text, form))
        });
        let text = self.without_all(&text, self.values.iter().map(String::as_str));
        self.in_base64().fold(text, |text, coded| text.replace(&coded, MASK))
    }

    /// Every writing of them that is looked for as it is: where a text was cut, the beginning of one may be left.
    pub(crate) fn writings(&self) -> Vec<String> {
        let forms = self.values.iter().flat_map(|secret| forms(secret));
        self.values.iter().cloned().chain(forms).chain(self.in_base64()).collect()
    }

    /// Also of the shorter ones: in what is only shown, more may go.
    fn in_base64(&self) -> impl Iterator<Item = String> + '_ {
        self.values.iter().flat_map(|secret| written::in_base64(secret, CODED_SHOWN))
    }
}

/// A secret within a text of JSON, within XML, and within an address.
fn forms(secret: &str) -> [String; 3] {
    let quoted = serde_json::Value::from(secret).to_string();
    let inner = quoted.strip_prefix('"').and_then(|inner| inner.strip_suffix('"'));
    [inner.unwrap_or(&quoted).to_owned(), escaped(secret), percent(secret)]
}

fn is_long(secret: &str) -> bool {
    secret.chars().count() >= LONG
}

/// A text without a secret, in capitals or not: what proves a webhook may be compared without regard to them.
fn without_one(text: &str, secret: &str) -> String {
    let (lower, sought) = (text.to_ascii_lowercase(), secret.to_ascii_lowercase());
    let mut out = String::with_capacity(text.len());
    let mut done = 0;
    // Letters of ASCII keep their places.
    for (at, _) in lower.match_indices(&sought) {
        out.push_str(text.get(done..at).unwrap_or_default());
        out.push_str(MASK);
        done = at + sought.len();
    }
    out.push_str(text.get(done..).unwrap_or_default());
    out
}

type Mask<'m> = &'m dyn Fn(&str) -> Option<String>;

/// A body without what `mask` takes, in the form that it begins like.
fn without(text: &str, mask: Mask<'_>) -> String {
    match text.trim_start_matches('\u{feff}').trim_start().chars().next() {
        Some('{' | '[' | '"') => json(text, mask),
        Some('<') => xml(text, mask),
        Some(_) | None => pairs(text, mask),
    }
}

/// Texts and numbers of a JSON body, names of members too.
fn json(text: &str, mask: Mask<'_>) -> String {
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    while let Some((before, from)) = rest.find('"').and_then(|at| rest.split_at_checked(at)) {
        numbers(before, mask, &mut out);
        let (token, behind) = from.split_at_checked(closing(from)).unwrap_or((from, ""));
        let value: Option<String> = serde_json::from_str(token).ok();
        match value.and_then(|value| mask(&value)) {
            Some(masked) => out.push_str(&serde_json::Value::from(masked).to_string()),
            None => out.push_str(token),
        }
        rest = behind;
    }
    numbers(rest, mask, &mut out);
    out
}

/// What stands between the texts of a JSON body.
fn numbers(between: &str, mask: Mask<'_>, out: &mut String) {
    let part = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
    for token in between.split_inclusive(|c: char| !part(c)) {
        let number = token.trim_end_matches(|c: char| !part(c));
        match mask(number).filter(|_| !number.is_empty()) {
            Some(masked) => out.push_str(&token.replacen(number, &format!("\"{masked}\""), 1)),
            None => out.push_str(token),
        }
    }
}

/// The length of the text that begins with a quote.
fn closing(from: &str) -> usize {
    let mut escaped = false;
    for (at, c) in from.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    from.len()
}

/// Values of a form; a text that is none.
fn pairs(text: &str, mask: Mask<'_>) -> String {
    let one = |pair: &str| {
        let read = form::pairs(pair.as_bytes()).unwrap_or_default();
        let masked = read.first().and_then(|(_, value)| mask(value));
        match (pair.split_once('='), masked) {
            (Some((name, _)), Some(masked)) => format!("{name}={}", percent(&masked)),
            _ => mask(pair).unwrap_or_else(|| pair.to_owned()),
        }
    };
    text.split('&').map(one).collect::<Vec<_>>().join("&")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hidden(secrets: &[&str]) -> Hidden {
        Hidden::new(secrets.iter().map(|&secret| secret.to_owned()).collect())
    }

    /// Bodies, and what is left of them.
    const BODIES: &[(&str, &str)] = &[
        (
            r#"{"state" : "hook\/\"secret\"&81","n":1.10, "a":["x-hook\/\u0022secret\"&81-y", "é\u00e9"]}"#,
            r#"{"state" : "***","n":1.10, "a":["x-***-y", "é\u00e9"]}"#,
        ),
        (r#"[87654321, 187654321, {"87654321": -1e5}]"#, r#"["***", 187654321, {"***": -1e5}]"#),
        (
            "<a pin=\"87654321\" b='x > \"y' c='hook/\"secret\"&amp;81'>\n hook/&quot;secret&quot;&amp;81 <![CDATA[hook/\"secret\"&81]]><87654321/>&#38;</a>",
            "<a pin=\"***\" b='x > \"y' c='***'>\n *** <![CDATA[***]]><87654321/>&#38;</a>",
        ),
        // However its letters are written, and wherever its text is divided: it is read as one.
        (
            "<a pin='8765&#x34;&#51;21'>hook&#47;&#34;secret&quot;&#x26;81</a>",
            "<a pin='***'>***</a>",
        ),
        (
            "<a> 8765<![CDATA[43]]><!-- it's --><?b '?>&#50;1\n<c>87654321</c></a>",
            "<a> ***<!-- it's --><?b '?><c>***</c></a>",
        ),
        ("<a>x hook/\"sec<b no=\"1\"/>ret\"&amp;81 y</a>", "<a>x *** y<b no=\"1\"/></a>"),
        (
            "<a>8765&#x110000;&#;&none;4321<![CDATA[8765",
            "<a>8765&#x110000;&#;&none;4321<![CDATA[8765",
        ),
        (
            "state=hook%2F%22secret%22%2681&no=87654321&more=187654321&x",
            "state=%2A%2A%2A&no=%2A%2A%2A&more=187654321&x",
        ),
        ("hook/\"secret\"", "hook/\"secret\""),
        // Whoever proves it may compare without regard to capitals.
        (
            r#"{"a":"HOOK/\"Secret\"&81","b":"é x HOOK/\"SECRET\"&81"}"#,
            r#"{"a":"***","b":"é x ***"}"#,
        ),
        // Copies of it: names, comments, instructions, and letters that are written by their numbers.
        (r#"{"x-hook\/\"secret\"&81-y": {"87654321": 1}}"#, r#"{"x-***-y": {"***": 1}}"#),
        (
            "<?p hook/\"secret\"&81 ?><a><?q 87654321?><!-- 87654321 --><!-- a hook/\"secret\"&81-->x</a><?r a='87654321'?>",
            "<?p *** ?><a><?q ***?><!-- *** --><!-- a ***-->x</a><?r a='***'?>",
        ),
        (
            r#"{"cb":"https://x/?t=hook%2f%22secret%22%2681&a=100%","no":"%38765432%31"}"#,
            r#"{"cb":"https://x/?t=***&a=100%","no":"***"}"#,
        ),
        (
            r#"{"a":"x hook/&quot;secret&#x22;&amp;8&#0000000000000049; y &b;","b":"hook%252F%2522secret&#37;22%2681","c":"{\"t\":\"hook\\/\\u0022secret\\\"&81\"}"}"#,
            r#"{"a":"x *** y &b;","b":"***","c":"{\"t\":\"***\"}"}"#,
        ),
        (
            "<a b='hook%2F%22secret%22%2681'>hook/&amp;quot;secret&amp;quot;&amp;amp;81</a>",
            "<a b='***'>***</a>",
        ),
        ("a=hook%252F%2522secret%2522%252681&b=100%25&c=%", "a=%2A%2A%2A&b=100%25&c=%"),
        (r#"{"a":"aG9vay8ic2VjcmV0IiY4MQ=="}"#, r#"{"a":"***Q=="}"#),
        (r#"{"a":"dXNlcjpob29rLyJzZWNyZXQiJjgxOng="}"#, r#"{"a":"dXNlcjp***Ong="}"#),
        (r#"{"a":"YWhvb2svInNlY3JldCImODE="}"#, r#"{"a":"YW***E="}"#),
        (r#"{"a":"100% & more: 50%25, \\u00e9"}"#, r#"{"a":"100% & more: 50%25, \\u00e9"}"#),
        ("{\"cut\": \"hook/", "{\"cut\": \"hook/"),
    ];

    #[test]
    fn a_secret_goes_wherever_it_stands_and_the_rest_stays() {
        let hidden = hidden(&["hook/\"secret\"&81", "87654321"]);
        for &(body, wanted) in BODIES {
            let masked = hidden.body(body.as_bytes());
            let masked = masked.as_deref().unwrap_or(body.as_bytes());
            assert_eq!(std::str::from_utf8(masked).unwrap(), wanted, "{body}");
            assert_eq!(hidden.body(masked), None, "once is enough: {wanted}");
        }
        let utf16 = |text: &str| {
            let units = std::iter::once(0xfeff).chain(text.encode_utf16());
            units.flat_map(u16::to_le_bytes).collect::<Vec<u8>>()
        };
        let masked = hidden.body(&utf16("<a>8765&#52;321é</a><b>87654321</b>")).unwrap();
        assert_eq!(masked, utf16("<a>8765&#52;321é</a><b>***</b>"));
        let encoded = [b"{\"a\":\"\xc4\xe3\",\"b\":\"87654321\"}".as_slice()].concat();
        assert_eq!(hidden.body(&encoded).unwrap(), &b"{\"a\":\"\xc4\xe3\",\"b\":\"***\"}"[..]);
    }

    #[test]
    fn a_short_secret_spoils_no_document() {
        let hidden = hidden(&["1234", "secret7", "x"]);
        let body = r#"{"no":"1001234","n":1234,"pin":"1234","note":"my secret7x","b":"secret7"}"#;
        let wanted = r#"{"no":"1001234","n":1234,"pin":"1234","note":"my secret7x","b":"***"}"#;
        assert_eq!(hidden.body(body.as_bytes()).unwrap(), wanted);
        let shown = r#"{"no":"100***","n":***,"pin":"***","note":"my ***x","b":"***"}"#;
        assert_eq!(hidden.shown(body), shown);
    }

    #[test]
    fn what_is_kept_beside_the_body_holds_no_secret() {
        let hidden = hidden(&["a-long secret/1"]);
        assert_eq!(hidden.text("orders/a-long secret/1/new"), "orders/***/new");
        let query = "topic=order&state=a-long%20secret%2F1&x=a-long+secret%2F1";
        assert_eq!(hidden.query(query), "topic=order");
        let all = [("x-sender", "a-long secret/1"), ("x-topic", "orders")];
        let all = all.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(hidden.headers(&all), [("x-topic".to_owned(), "orders".to_owned())]);
    }
}

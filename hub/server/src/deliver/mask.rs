//! Takes secrets and personal values out of what a system answered, before it is stored, logged or shown.
//!
//! Whatever a system says of a call comes out of [`super::steps::Run`], and leaves it without the system's secrets
//! ([`Run::masked`]): deliveries, polls, fetches, look-ups, confirmations, cached reads, logins and the tries of the kit
//! alike. What was sent with it is known to those who sent it: they take it out, too ([`masked`]).
//!
//! **Invariant:** no secret of the system, and no personal value of at least [`SHORTEST`] characters that was
//! sent to it, stands in the text that is given back, nor the beginning of one where the text was cut. Shorter values are
//! words of any sentence. A secret goes in whatever writing a system may give it back: by itself, within an address, a JSON
//! text or XML, and in base64. Tests: `what_a_system_echoes_is_masked_and_the_rest_stays`, `what_is_cut_in_two_is_masked`,
//! `a_secret_that_is_written_otherwise_is_masked`, `no_text_of_a_system_that_echoes_its_secrets_tells_one`.

use orderhub_connectors::contract::Connector;
use orderhub_connectors::error::{BuildError, CUT};
use orderhub_order::catalogue::{FieldId, Personal, catalogue};
use orderhub_order::contribution::Stated;
use orderhub_order::ids::At;
use orderhub_order::value::{Address, Value};

use super::dispatcher::Dispatcher;
use super::settle::AttemptEnd;
use super::steps::Run;
use crate::intake::hidden::Hidden;
use crate::resilience::Cause;

/// Shorter values are left: they would take ordinary words out.
const SHORTEST: usize = 4;

/// What stands instead.
const MASK: &str = "***";

/// The text without `secrets` and without the personal ones of the values that were sent.
pub(super) fn masked(text: &str, secrets: Vec<String>, values: &[(At, FieldId, Stated)]) -> String {
    let mut hidden = secrets.clone();
    for (_, field, stated) in values {
        let known = catalogue().field(*field);
        // A field that this catalogue does not know might be personal.
        let personal = known.is_none_or(|field| field.personal != Personal::None);
        if let (true, Some(value)) = (personal, stated) {
            collect(value, &mut hidden);
        }
    }
    // Those that stand in one another go together, before any is looked for in other writings.
    let text = without(text, &hidden);
    let secrets = Hidden::new(secrets);
    let text = secrets.shown(&text);
    match text.contains(CUT) {
        true => halves(&text, &secrets.writings()),
        false => text,
    }
}

impl Run<'_> {
    /// The end of the run, without secrets.
    pub(super) fn masked(&self, mut end: AttemptEnd) -> AttemptEnd {
        let mask = |said: &mut String| {
            *said = masked(said, self.dispatcher.hidden(self.connector), &[]);
        };
        match &mut end {
            AttemptEnd::Failed { failure, .. } => match &mut failure.cause {
                Cause::Call(error) => mask(error.why_mut()),
                Cause::Shut(_) | Cause::Limited(_) | Cause::Refused(_) | Cause::CutOff => {}
            },
            AttemptEnd::Unbuilt(BuildError::Step { why, .. }) => mask(why),
            AttemptEnd::Part(part) => part.refused.iter_mut().for_each(|one| mask(&mut one.why)),
            AttemptEnd::Unbuilt(_)
            | AttemptEnd::Done(_)
            | AttemptEnd::Waits(_)
            | AttemptEnd::OutOfTime
            | AttemptEnd::Lost
            | AttemptEnd::Lapsed { .. } => {}
        }
        end
    }
}

impl Dispatcher {
    /// What nobody may see: every secret that the connector reads, and what logins gave.
    pub(super) fn hidden(&self, connector: &dyn Connector) -> Vec<String> {
        let names = connector.needs().secrets.iter();
        let secrets = names.flat_map(|(name, _)| (self.secret)(name));
        secrets.chain(self.sessions.values()).collect()
    }
}

/// The text without these values, in whatever case their letters are; shorter ones than [`SHORTEST`] stay.
pub(super) fn without(text: &str, values: &[String]) -> String {
    let long = values.iter().filter(|value| value.chars().count() >= SHORTEST);
    let mut hidden: Vec<&String> = long.collect();
    // The longest first: a part of a value must not be what is left of it.
    hidden.sort_by_key(|value| std::cmp::Reverse(value.len()));
    let text = hidden.iter().fold(text.to_owned(), |text, value| replaced(&text, value));
    match text.contains(CUT) {
        true => halves(&text, &hidden),
        false => text,
    }
}

/// The text without the beginnings of these values that stand where it was cut.
fn halves<V: AsRef<str>>(text: &str, values: &[V]) -> String {
    let mut parts = text.split(CUT).peekable();
    let mut out = String::with_capacity(text.len());
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            out.push_str(part);
            break;
        }
        let half = values.iter().filter_map(|value| half(part, value.as_ref())).max();
        out.push_str(part.get(..part.len() - half.unwrap_or(0)).unwrap_or_default());
        out.extend(half.map(|_| MASK));
        out.push(CUT);
    }
    out
}

/// How many bytes at the end of a text are the beginning of a value: the most, and at least [`SHORTEST`] letters.
fn half(text: &str, value: &str) -> Option<usize> {
    let small = |text: &str| text.to_ascii_lowercase();
    let (text, value) = (small(text), small(value));
    let ends = value.char_indices().skip(SHORTEST).map(|(at, _)| at);
    ends.filter(|end| value.get(..*end).is_some_and(|half| text.ends_with(half))).last()
}

/// Letters beyond ASCII are compared as they are.
fn replaced(text: &str, value: &str) -> String {
    // Both keep their lengths: a place in one is the place in the other.
    let (small, value) = (text.to_ascii_lowercase(), value.to_ascii_lowercase());
    let (mut out, mut from) = (String::with_capacity(text.len()), 0);
    for (at, found) in small.match_indices(&value) {
        out.push_str(text.get(from..at).unwrap_or_default());
        out.push_str(MASK);
        from = at + found.len();
    }
    out.push_str(text.get(from..).unwrap_or_default());
    out
}

fn collect(value: &Value, into: &mut Vec<String>) {
    match value {
        Value::Text(text) => into.push(text.to_string()),
        Value::Address(address) => into.extend(parts(address)),
        Value::List(texts) => into.extend(texts.iter().map(ToString::to_string)),
        Value::Map(map) => into.extend(map.values().flatten().map(ToString::to_string)),
        Value::Integer(_)
        | Value::Decimal(_)
        | Value::Money(_)
        | Value::Timestamp(_)
        | Value::Date(_)
        | Value::Boolean(_)
        | Value::Ref(_) => {}
    }
}

fn parts(address: &Address) -> impl Iterator<Item = String> + '_ {
    let Address { name, company, line1, line2, district, city, region, postal_code, .. } = address;
    let Address { country: _, phone, email, .. } = address;
    let parts = [name, company, line1, line2, district, city, region, postal_code, phone, email];
    parts.into_iter().flatten().map(ToString::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;
    use orderhub_order::catalogue::known;

    #[test]
    fn what_is_cut_in_two_is_masked() {
        let secrets = ["topsecret".to_owned(), "Müller-Lüdenscheidt".to_owned()];
        let cases = [
            ("bad token TopSec…", "bad token ***…"),
            (
                "status 422: for müller-lüden…; an earlier step",
                "status 422: for ***…; an earlier step",
            ),
            ("topsecret and tops… and top…", "*** and ***… and top…"),
            ("it ends with topsec", "it ends with topsec"),
        ];
        for (said, shown) in cases {
            assert_eq!(without(said, &secrets), shown);
        }
    }

    #[test]
    fn what_a_system_echoes_is_masked_and_the_rest_stays() {
        let address = Address { name: Some("Customer 17".into()), ..Address::default() };
        let values = vec![
            (At::ROOT, known::order::ADDRESSES_SHIP_TO, Some(Value::Address(address.into()))),
            (At::ROOT, known::order::ORDER_NO, Some(Value::text("1001"))),
        ];
        let said = "bad token topsecret for Customer 17, order 1001";
        let shown = masked(said, vec!["topsecret".to_owned(), "for".to_owned()], &values);
        assert_eq!(shown, "bad token *** for ***, order 1001");
        let asked = ["ada@example.com".to_owned(), "A1".to_owned(), "müller".to_owned()];
        let said = "no ADA@Example.com, no A1, MÜLLER or Müller: ada@example.com";
        assert_eq!(without(said, &asked), "no ***, no A1, MÜLLER or ***: ***");
    }

    #[test]
    fn a_secret_that_is_written_otherwise_is_masked() {
        let secret = || vec!["pa/ss \"wörd\"".to_owned(), "falsch".to_owned()];
        let cases = [
            ("by itself pa/ss \"wörd\" and PA/SS \"wörd\"", "by itself *** and ***"),
            ("an address ?k=pa%2Fss%20%22w%C3%B6rd%22&x=1", "an address ?k=***&x=1"),
            (r#"a text {"k":"pa\/ss \u0022w\u00f6rd\""}"#, r#"a text {"k":"***"}"#),
            (r#"a text {"k":"pa/ss \"wörd\""}"#, r#"a text {"k":"***"}"#),
            ("<k>pa/ss &quot;w&#246;rd&quot;</k>", "<k>***</k>"),
            ("Basic ZmFsc2No and ZmFsc2No", "Basic *** and ***"),
            ("hub:falsch is Basic aHViOmZhbHNjaA==", "hub:*** is Basic aHViOm***A=="),
            ("it was cut: ?k=pa%2Fss%20%22w…", "it was cut: ?k=***…"),
            ("it was cut: Basic cGEvc3Mg…", "it was cut: Basic ***…"),
            ("it was cut: pa/ss &quot;wö…", "it was cut: ***…"),
            (r#"it was cut: pa/ss \"w…"#, "it was cut: ***…"),
        ];
        for (said, shown) in cases {
            assert_eq!(masked(said, secret(), &[]), shown, "{said}");
        }
    }
}

//! What lists are asked for. A value that means nothing is refused with those that do: an empty page
//! would look like an answer.

use jiff::Timestamp;
use orderhub_lang::diagnostic::nearest;
use orderhub_order::catalogue::{Field, FieldId, FieldType, catalogue};
use orderhub_order::ids::{Collection, SystemName};

use super::{Api, Problem};
use crate::store::{Filter, MOST_ASKED, MOST_LETTERS, MOST_ROWS, Page, Scope};

/// Rows of one page, where the caller says nothing.
const PAGE: usize = 50;
/// The filters of orders, besides one for each state.
const FILTERS: [&str; 8] =
    ["q", "system", "stage", "hold", "updated_since", "placed_since", "cursor", "limit"];
/// What the filters for states begin with: the path of their field.
const STATE: &str = "state.";

/// How many rows a page has.
pub(super) fn page_size(limit: Option<usize>) -> Result<usize, Problem> {
    match limit.unwrap_or(PAGE) {
        limit @ 1..=MOST_ROWS => Ok(limit),
        other => Err(bad_limit(&other.to_string())),
    }
}

fn bad_limit(limit: &str) -> Problem {
    Problem::bad_request(format!("`limit` is a number from 1 to {MOST_ROWS}, not `{limit}`"))
}

/// The word, if it is one of these.
pub(super) fn one_of(what: &str, word: String, known: &[&str]) -> Result<String, Problem> {
    if known.contains(&word.as_str()) {
        return Ok(word);
    }
    Err(unknown(what, &word, known))
}

/// What a word is not, and what it may be.
pub(super) fn unknown(what: &str, word: &str, known: &[&str]) -> Problem {
    let near = nearest(word, known.iter().copied());
    let hint = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
    let known = match known {
        [] => "there is none".to_owned(),
        known => format!("one of {}", known.join(", ")),
    };
    Problem::bad_request(format!("`{word}` is no {what}; {known}{hint}"))
}

/// A list that names a system and has nothing at all: is there such a system? One that is in no
/// settings any more is known as long as rows of the answer name it.
pub(super) fn system_exists<T>(
    api: &Api,
    scope: &Scope,
    system: Option<&SystemName>,
    cursor: Option<&String>,
    found: &Page<T>,
) -> Result<(), Problem> {
    let nothing = found.items.is_empty() && found.next.is_none() && cursor.is_none();
    let Some(system) = system.filter(|_| nothing) else { return Ok(()) };
    let bundle = api.intake.bundle();
    // Who sees a part is told of that part only.
    let seen = bundle.systems().filter(|system| scope.hears(Some(&system.name)));
    let known: Vec<&str> = seen.map(|system| system.name.as_str()).collect();
    if known.contains(&system.as_str()) {
        return Ok(());
    }
    Err(unknown("configured system", system.as_str(), &known))
}

/// Reads the filters of orders.
pub(super) fn orders(pairs: Vec<(String, String)>) -> Result<Filter, Problem> {
    let mut filter = Filter { limit: PAGE, ..Filter::default() };
    let mut seen: Vec<String> = Vec::new();
    for (name, value) in pairs {
        if seen.contains(&name) {
            return Err(Problem::bad_request(format!("`{name}` is given twice")));
        }
        match name.as_str() {
            "q" => filter.q = Some(words(value)?),
            "system" => filter.system = Some(SystemName::new(value)),
            "stage" => filter.stage = Some(enum_value("stage", value)?),
            "hold" => filter.hold = Some(enum_value("hold", value)?),
            "updated_since" => filter.updated_since = Some(time(&name, &value)?),
            "placed_since" => filter.placed_since = Some(time(&name, &value)?),
            "cursor" => filter.cursor = Some(value),
            "limit" => filter.limit = limit(&value)?,
            axis => filter.states.push(state(axis, value)?),
        }
        seen.push(name);
    }
    Ok(filter)
}

/// Words to find orders by. More than are looked for are refused, not cut: the rest would be taken for fitting.
fn words(value: String) -> Result<String, Problem> {
    if value.len() > MOST_LETTERS || value.split_whitespace().count() > MOST_ASKED {
        return Err(Problem::bad_request(format!(
            "`q` has at most {MOST_ASKED} words and {MOST_LETTERS} bytes; leave out the commonest words"
        )));
    }
    Ok(value)
}

fn limit(value: &str) -> Result<usize, Problem> {
    let limit = value.parse().map_err(|_| bad_limit(value))?;
    page_size(Some(limit))
}

fn time(name: &str, value: &str) -> Result<Timestamp, Problem> {
    value.parse().map_err(|_| {
        Problem::bad_request(format!(
            "`{name}` is a time like `2026-03-01T09:00:00Z`, not `{value}`; a `+` of a time zone is \
             written `%2B`"
        ))
    })
}

fn enum_value(name: &str, value: String) -> Result<String, Problem> {
    one_of(name, value, catalogue().enum_values(name))
}

/// `state.payment=captured`: one of the order's own states.
fn state(name: &str, value: String) -> Result<(FieldId, String), Problem> {
    let states = || catalogue().fields_of(Collection::Root).filter_map(axis);
    let Some((field, values)) = states().find(|(field, _)| field.path == name) else {
        let known: Vec<&str> =
            FILTERS.into_iter().chain(states().map(|(field, _)| field.path)).collect();
        return Err(unknown("filter", name, &known));
    };
    Ok((field.id, one_of(field.path, value, catalogue().enum_values(values))?))
}

fn axis(field: &'static Field) -> Option<(&'static Field, &'static str)> {
    let FieldType::Enum(values) = field.ty else { return None };
    field.path.starts_with(STATE).then_some((field, values))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Filter, String> {
        let pairs = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        orders(pairs.collect()).map_err(|problem| format!("{problem:?}"))
    }

    #[test]
    fn every_filter_is_read() {
        let filter = read(&[
            ("state.payment", "captured"),
            ("state.lifecycle", "open"),
            ("updated_since", "2026-03-01T10:00:00+01:00"),
            ("stage", "released"),
            ("hold", "manual"),
            ("limit", "500"),
        ])
        .unwrap();
        assert_eq!(filter.states.len(), 2);
        assert_eq!(filter.updated_since, Some("2026-03-01T09:00:00Z".parse().unwrap()));
        assert_eq!(filter.limit, MOST_ROWS);
        assert_eq!(read(&[]).unwrap().limit, PAGE);
    }

    #[test]
    fn what_means_nothing_is_refused_with_what_does() {
        for (name, value, words) in [
            ("stage", "relaesed", "did you mean `released`?"),
            ("hold", "mine", "amount_mismatch"),
            ("state.payment", "payed", "authorized"),
            ("state.paymnt", "captured", "did you mean `state.payment`?"),
            ("staeg", "released", "did you mean `stage`?"),
            ("updated_since", "yesterday", "%2B"),
            ("placed_since", "2026-03-01T10:00:00 01:00", "%2B"),
            ("limit", "0", "from 1 to 500"),
            ("limit", "501", "from 1 to 500"),
            ("limit", "many", "from 1 to 500"),
            ("q", "1 2 3 4 5 6 7 8 9", "at most 8 words"),
            ("q", &"x".repeat(257), "256 bytes"),
        ] {
            let problem = read(&[(name, value)]).unwrap_err();
            assert!(problem.contains(words), "{name}={value}: {problem}");
        }
        assert!(read(&[("q", "a"), ("q", "b")]).unwrap_err().contains("given twice"));
    }
}

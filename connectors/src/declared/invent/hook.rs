//! Makes up webhooks: what the file reads of one, with the proof that it asks for.

use bytes::Bytes;
use orderhub_lang::escape::percent;
use orderhub_lang::expression::Name;
use orderhub_lang::path::Segment;
use orderhub_lang::value::Value;

use super::super::Declared;
use super::super::model::{Hooks, Text};
use crate::contract::{Connector as _, Credentials, Heard};
use crate::invent::{ANY, Hook};
use crate::shape;
use crate::sign::Format;

/// So often a text is repeated where parts of a long one may be read.
const LONG: usize = 60;

/// A webhook before it is sent.
struct Draft {
    path: String,
    query: Vec<(String, String)>,
    headers: Vec<(String, String)>,
    body: Value,
}

/// One that the connector takes; one that it takes for authentic and cannot read, if there is no better one.
pub(super) fn hook(declared: &Declared, said: &str, with: &Credentials<'_>) -> Option<Hook> {
    let hooks = declared.hooks.as_ref()?;
    let texts = [said.to_owned(), said.repeat(LONG)];
    let made = texts.iter().filter_map(|text| proved(hooks, draft(hooks, text), with));
    let heard = made.filter_map(|made| {
        let heard = declared.webhook(&made.as_webhook(), with).ok()?;
        Some((made, heard))
    });
    let mut heard: Vec<(Hook, Heard)> = heard.collect();
    let says = |heard: &Heard| {
        let notices = heard.notices.as_ref();
        notices.is_ok_and(|all| !all.is_empty() && all.iter().all(|one| one.read.is_ok()))
    };
    let best = heard.iter().position(|(_, heard)| says(heard)).unwrap_or(0);
    (best < heard.len()).then(|| heard.swap_remove(best).0)
}

/// One that says something at each place that is read.
fn draft(hooks: &Hooks, said: &str) -> Draft {
    let (mut headers, mut query, mut places) = (Vec::new(), Vec::new(), Vec::new());
    for name in names(hooks) {
        let pair = |key: &str| (key.to_ascii_lowercase(), said.to_owned());
        match (name.root.as_str(), name.key()) {
            ("headers", Some(key)) => headers.push(pair(key)),
            ("query", Some(key)) => query.push((key.to_owned(), said.to_owned())),
            ("body", Some(_)) => places.push(name.segments.clone()),
            ("item", _) => {
                places.push([list(hooks), vec![Segment::Each], name.segments.clone()].concat());
            }
            _ => {}
        }
    }
    // The longer ones say more of what stands at the shorter ones.
    places.sort_by_key(|place| std::cmp::Reverse(place.len()));
    let mut body = Value::Null;
    places.iter().for_each(|place| shape::put(&mut body, place, &Value::text(said)));
    if body.is_null() {
        shape::put(&mut body, &[Segment::Key("kit".to_owned())], &Value::text(said));
    }
    [&mut headers, &mut query].into_iter().for_each(|pairs: &mut Vec<_>| {
        pairs.sort();
        pairs.dedup();
    });
    Draft { path: ANY.to_owned(), query, headers, body }
}

/// The list of which each element is a notice.
fn list(hooks: &Hooks) -> Vec<Segment> {
    let name = hooks.each.as_ref().and_then(|each| each.reads().first());
    name.map(|name| name.segments.clone()).unwrap_or_default()
}

/// What is read of a webhook but for its proof.
fn names(hooks: &Hooks) -> Vec<&Name> {
    let mut names: Vec<&Name> = hooks.document.reads().iter().collect();
    for text in [Some(&hooks.kind), hooks.id.as_ref()].into_iter().flatten() {
        match text {
            Text::Template(template) => names.extend(template.reads()),
            Text::Expression(expression) => names.extend(expression.reads()),
        }
    }
    names.extend(hooks.verify.iter().flat_map(|verify| verify.want.reads()));
    names
}

/// The same with the proof, by the first value of each secret; `None`: where it stands is not known.
fn proved(hooks: &Hooks, mut draft: Draft, with: &Credentials<'_>) -> Option<Hook> {
    let Some(verify) = &hooks.verify else { return draft.sent(hooks.format) };
    let [got] = verify.got.reads() else { return None };
    let want = verify.wanted(&draft.sent(hooks.format)?.as_webhook(), with)?;
    let key = got.key().unwrap_or_default();
    match got.root.as_str() {
        "headers" => {
            draft.headers.retain(|(name, _)| !name.eq_ignore_ascii_case(key));
            draft.headers.push((key.to_ascii_lowercase(), want));
        }
        "query" => {
            draft.query.retain(|(name, _)| name != key);
            draft.query.push((key.to_owned(), want));
        }
        "path" => draft.path = want,
        "body" => shape::put(&mut draft.body, &got.segments, &Value::Text(want)),
        _ => return None,
    }
    draft.sent(hooks.format)
}

impl Draft {
    fn sent(&self, format: Format) -> Option<Hook> {
        let pairs = |pairs: &[(String, String)]| {
            let pairs = pairs.iter();
            let pairs = pairs.map(|(name, value)| format!("{}={}", percent(name), percent(value)));
            pairs.collect::<Vec<_>>().join("&")
        };
        let body = match format {
            Format::Json => self.body.to_json(),
            Format::Form => {
                let fields = self.body.as_map()?.iter();
                let texts = fields
                    .map(|(name, value)| Some((name.clone(), value.scalar_text()?.into_owned())));
                pairs(&texts.collect::<Option<Vec<_>>>()?).into_bytes()
            }
            // No file that is shipped hears it.
            Format::Xml => return None,
        };
        let (path, headers, query) = (self.path.clone(), self.headers.clone(), pairs(&self.query));
        Some(Hook { path, query, headers, body: Bytes::from(body) })
    }
}

//! What templates and expressions of steps and answers see.

use std::cell::{OnceCell, RefCell};
use std::collections::BTreeMap;
use std::fmt::Write as _;

use orderhub_lang::expression::{EvalError, Name, Scope};
use orderhub_lang::room::Room;
use orderhub_lang::template::{RenderError, Tree};
use orderhub_lang::value::Value;
use sha2::{Digest as _, Sha256};

use super::ACTED;
use super::walk::At;
use crate::contract::{Answer, Call, Memo};
use crate::sign::header;

/// Characters of a step's idempotency key: 128 bits in hex, which fit wherever a UUID fits.
const KEY_LENGTH: usize = 32;

/// The mapped-out document, parsed at most once and only if somebody reads it.
#[derive(Debug)]
pub(super) struct Document<'a> {
    bytes: &'a [u8],
    changed: Option<&'a [u8]>,
    json: bool,
    parsed: OnceCell<Option<Value>>,
}

impl<'a> Document<'a> {
    pub(super) fn new(call: &Call<'a>) -> Self {
        let json = call.media.starts_with("application/json");
        Self { bytes: call.document, changed: call.changed, json, parsed: OnceCell::new() }
    }

    /// A document that is no JSON is one text, `doc.raw`.
    fn raw(&self) -> Option<Value> {
        let text = std::str::from_utf8(self.bytes).ok()?;
        Some(Value::Map(vec![("raw".to_owned(), Value::text(text))]))
    }

    /// What of it stands for the whole, where only what changed is sent.
    fn changed(&self) -> Option<Result<Value, EvalError>> {
        let why = || EvalError::Failed("what changed of the document is not JSON".to_owned());
        self.changed.map(|bytes| Value::from_json(bytes).map_err(|_| why()))
    }

    fn value(&self) -> Result<&Value, EvalError> {
        const NOTHING: &Value = &Value::Null;
        if self.bytes.is_empty() {
            return Ok(NOTHING);
        }
        let read = || if self.json { Value::from_json(self.bytes).ok() } else { self.raw() };
        let why = if self.json { "the document is not JSON" } else { "the document is not UTF-8" };
        let parsed = self.parsed.get_or_init(read);
        parsed.as_ref().ok_or_else(|| EvalError::Failed(why.to_owned()))
    }
}

/// An answer, parsed at most once.
#[derive(Debug)]
pub(super) struct Answered<'a> {
    pub(super) answer: &'a Answer,
    body: OnceCell<Option<Value>>,
}

impl<'a> Answered<'a> {
    pub(super) fn new(answer: &'a Answer) -> Self {
        Self { answer, body: OnceCell::new() }
    }

    /// The body; `None` when it is not JSON.
    pub(super) fn body(&self) -> Option<&Value> {
        self.body.get_or_init(|| Value::from_json(&self.answer.body).ok()).as_ref()
    }
}

/// The names of a step, and of its answer where there is one.
pub(super) struct CallScope<'a> {
    call: &'a Call<'a>,
    memo: &'a Memo,
    document: &'a Document<'a>,
    /// What its key is made of: few steps send it.
    keyed: (String, u32),
    item: Option<&'a Value>,
    position: u32,
    /// The elements that one request is about.
    left: &'a [(u32, Value)],
    lets: &'a [(String, Tree)],
    /// What those of them gave that were read.
    given: RefCell<BTreeMap<usize, Value>>,
    answered: Option<&'a Answered<'a>>,
    /// For what its templates make, all together: trees that have names, and what is sent.
    room: Room,
}

impl<'a> CallScope<'a> {
    /// For a step at its element.
    pub(super) fn of(
        at: &'a At<'_>,
        call: &'a Call<'a>,
        memo: &'a Memo,
        document: &'a Document<'a>,
    ) -> Self {
        let around = (call, memo, document);
        let scope = Self::element(&at.step.id, at.item.as_ref(), at.position, around);
        let keyed = match at.round {
            0 => scope.keyed,
            // Other elements than before: another request.
            round => (format!("{}:{round}", at.step.id), 0),
        };
        Self { keyed, left: &at.left, lets: &at.step.lets, ..scope }
    }

    /// With trees that have names.
    pub(super) fn naming(mut self, lets: &'a [(String, Tree)]) -> Self {
        self.lets = lets;
        self
    }

    /// The operation that is carried out.
    pub(super) fn operation(&self) -> &str {
        self.call.operation
    }

    /// Whether a step that is not safe was answered before.
    pub(super) fn acted(&self) -> bool {
        self.memo.saved.contains_key(ACTED)
    }

    /// Room for what is sent.
    pub(super) fn within(&self) -> &Room {
        &self.room
    }

    /// The element.
    pub(super) fn item(&self) -> Option<&Value> {
        self.item
    }

    /// The same for one of the elements that a request was about, as the answer speaks of it.
    pub(super) fn about<'b>(&'b self, item: &'b Value, position: u32) -> CallScope<'b> {
        CallScope {
            call: self.call,
            memo: self.memo,
            document: self.document,
            keyed: self.keyed.clone(),
            item: Some(item),
            position,
            left: self.left,
            lets: self.lets,
            given: RefCell::default(),
            answered: self.answered,
            room: Room::default(),
        }
    }

    /// For a step's id and an element, while it is not known yet whether it runs.
    pub(super) fn element(
        step: &str,
        item: Option<&'a Value>,
        position: u32,
        (call, memo, document): (&'a Call<'a>, &'a Memo, &'a Document<'a>),
    ) -> Self {
        let keyed = (step.to_owned(), position);
        let (left, lets, given, room) = (&[][..], &[][..], RefCell::default(), Room::default());
        let answered = None;
        Self { call, memo, document, keyed, item, position, left, lets, given, answered, room }
    }

    /// With the step's answer.
    pub(super) fn answered(mut self, answered: &'a Answered<'a>) -> Self {
        self.answered = Some(answered);
        self
    }

    fn of_answer(&self, name: &Name) -> Result<Value, EvalError> {
        let Some(answered) = self.answered else { return Ok(Value::Null) };
        match name.root.as_str() {
            "status" => Ok(Value::Int(answered.answer.status.into())),
            "headers" => Ok(header(&answered.answer.headers, name)),
            "body" => answered.body().map_or(Ok(Value::Null), |body| name.within(body)),
            _ => Ok(Value::Text(String::from_utf8_lossy(&answered.answer.body).into_owned())),
        }
    }

    /// A tree by its name: computed when it is read, once. It reads those before it only, which the file's check
    /// holds it to.
    fn named(&self, name: &Name) -> Result<Value, EvalError> {
        let key = name.key().unwrap_or_default();
        let found = self.lets.iter().enumerate().find(|(_, (known, _))| known == key);
        let Some((index, (_, tree))) = found else { return Ok(Value::Null) };
        let known = self.given.borrow().get(&index).cloned();
        let value = match known {
            Some(value) => value,
            None => {
                let value = tree.value(self).map_err(|error| match error {
                    RenderError::Missing(name) => EvalError::Missing(name),
                    RenderError::Eval { why, .. } => why,
                    error @ (RenderError::Place { .. } | RenderError::Large { .. }) => {
                        EvalError::Failed(error.to_string())
                    }
                })?;
                self.given.borrow_mut().insert(index, value.clone());
                value
            }
        };
        name.within_key(&value)
    }

    /// The whole document, whatever of it is sent.
    pub(super) fn document(&self) -> Result<&'a Value, EvalError> {
        self.document.value()
    }

    fn mine(&self, name: &Name) -> Result<Value, EvalError> {
        let saved = name.key().and_then(|key| self.memo.saved.get(key));
        let list = saved.and_then(Value::as_list);
        let index = usize::try_from(self.position).ok();
        let value = list.zip(index).and_then(|(list, index)| list.get(index));
        value.map_or(Ok(Value::Null), |value| name.within_key(value))
    }
}

impl Scope for CallScope<'_> {
    fn get(&self, name: &Name) -> Result<Value, EvalError> {
        let keyed = |value: Option<&Value>| value.map_or(Ok(Value::Null), |v| name.within_key(v));
        let key = name.key().unwrap_or_default();
        match name.root.as_str() {
            "doc" => match self.document.changed() {
                Some(changed) if name.segments.is_empty() => changed,
                _ => name.within(self.document.value()?),
            },
            "key" => {
                let (step, position) = &self.keyed;
                Ok(Value::Text(step_key(self.call.key, step, *position)))
            }
            "memo" => keyed(self.memo.saved.get(key)),
            "item" => self.item.map_or(Ok(Value::Null), |item| name.within(item)),
            "position" => Ok(Value::Int(self.position.into())),
            "items" => {
                let items = self.left.iter().map(|(_, item)| item.clone());
                name.within(&Value::List(items.collect()))
            }
            "let" => self.named(name),
            "mine" => self.mine(name),
            "xref" => keyed(self.call.xrefs.get(key)),
            "attempt" => Ok(Value::Int(self.call.attempt.into())),
            "settings" => {
                Ok(self.call.settings.get(key).map_or(Value::Null, |v| v.as_str().into()))
            }
            "base_url" => Ok(Value::text(self.call.base_url)),
            "fields" => {
                let list = self.call.fields.iter().map(|field| field.as_str().into()).collect();
                name.within(&Value::List(list))
            }
            "args" => keyed(self.call.args.get(key)),
            // The dispatcher of polls passes them like arguments.
            since_until @ ("since" | "until" | "cursor") => {
                self.call.args.get(since_until).map_or(Ok(Value::Null), |v| name.within(v))
            }
            _ => self.of_answer(name),
        }
    }

    fn room(&self) -> Option<&Room> {
        Some(&self.room)
    }
}

/// The idempotency key of a step and element: the same on every retry, different from every other.
fn step_key(key: &str, step: &str, position: u32) -> String {
    let mut hash = Sha256::new();
    // Lengths keep `a` + `bc` apart from `ab` + `c`.
    for part in [key, step] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    hash.update(position.to_be_bytes());
    let mut hex = String::with_capacity(KEY_LENGTH);
    for byte in hash.finalize().iter().take(KEY_LENGTH / 2) {
        // Writing to a String does not fail.
        let _fine = write!(hex, "{byte:02x}");
    }
    hex
}

/// What a reply sees: the memo and the last answer's body.
pub(super) struct ReplyScope<'a> {
    pub(super) inner: CallScope<'a>,
    pub(super) body: Option<&'a Value>,
    pub(super) text: &'a [u8],
}

impl Scope for ReplyScope<'_> {
    fn get(&self, name: &Name) -> Result<Value, EvalError> {
        match name.root.as_str() {
            "body" => self.body.map_or(Ok(Value::Null), |body| name.within(body)),
            "text" => Ok(Value::Text(String::from_utf8_lossy(self.text).into_owned())),
            _ => self.inner.get(name),
        }
    }

    fn room(&self) -> Option<&Room> {
        self.inner.room()
    }
}

//! Which values that a step keeps are ids of what it made, besides the one of the operation's entity: what is sent with
//! them would name nothing where they are empty.
//!
//! Only what is certain: the step writes, what it keeps is one value by its path alone, and a later step puts it, alone in
//! its braces, into the address, or into what it sends, where it is an id by its own name (`body.id`, `body.party_id`) or
//! by the step's `when:`, which no longer holds once it is known. Lists and objects that are kept for later steps
//! (`each: memo.lines`), texts and flags are none of these. What a step is asked for in its own `when:` may be missing.
//! Test: the cases `told-sent.yaml` and `told-sent-whole.yaml` in `tests/data/connectors`.

use orderhub_lang::expression::{EvalError, Name, Scope, StandIn};
use orderhub_lang::path::Segment;
use orderhub_lang::template::Tree;
use orderhub_lang::value::Value;

use super::super::model::{Body, Expr, Save, Step};
use super::super::walk::yes;
use crate::contract::Idempotency;

pub(super) fn mark(steps: &mut [Step]) {
    for at in 0..steps.len() {
        let Some((step, later)) = steps.get_mut(at..).and_then(<[Step]>::split_first_mut) else {
            continue;
        };
        let written = step.idempotency != Idempotency::Safe;
        let when = step.when.clone();
        for save in &mut step.save {
            save.written = written;
            save.sent = written && is_sent(save, when.as_ref(), later);
        }
    }
}

fn is_sent(save: &Save, when: Option<&Expr>, later: &[Step]) -> bool {
    let Some(path) = path_of(save) else { return false };
    let is = |name: &Name| {
        matches!(name.root.as_str(), "memo" | "mine")
            && name.segments.len() == 1
            && name.key() == Some(save.name.as_str())
    };
    let asks = |step: &&Step| step.when.iter().any(|when| when.reads().iter().any(is));
    let mut unasked = later.iter().filter(|step| !asks(step));
    let is_id = called_id(path) || when.is_some_and(|when| until_known(when, &is));
    unasked.any(|step| in_address(step, &is) || is_id && in_content(step, &is))
}

/// The path of one value that is all there is to it.
fn path_of(save: &Save) -> Option<&Name> {
    let path = save.value.reads().first().filter(|_| save.value.is_name())?;
    let one = !path.segments.is_empty() && !path.segments.contains(&Segment::Each);
    (path.root == "body" && one && save.stands_in == StandIn::Unsaid).then_some(path)
}

/// Whether what stands at a path is called an id there.
fn called_id(path: &Name) -> bool {
    let Some(Segment::Key(key)) = path.segments.last() else { return false };
    let whole = ["id", "uuid", "guid", "gid"].iter().any(|word| key.eq_ignore_ascii_case(word));
    whole || ["_id", "-id", "Id", "ID", "_uuid", "Uuid"].iter().any(|end| key.ends_with(end))
}

/// Whether a step runs as long as a name is not known, and no more once it is.
fn until_known(when: &Expr, is: &dyn Fn(&Name) -> bool) -> bool {
    let holds = |known| yes(when, &Only { is, known }).ok();
    holds(false) == Some(true) && holds(true) == Some(false)
}

fn in_address(step: &Step, is: &dyn Fn(&Name) -> bool) -> bool {
    step.path.only_name().into_iter().chain(step.path.needs()).any(is)
}

fn in_content(step: &Step, is: &dyn Fn(&Name) -> bool) -> bool {
    let mut found = false;
    let mut see = |tree: &Tree| tree.puts(&mut |name| found |= is(name));
    step.query.iter().chain(&step.lets).for_each(|(_, tree)| see(tree));
    match &step.body {
        Body::None | Body::Document => {}
        Body::Json { tree, put } => {
            see(tree);
            put.iter().for_each(|(_, tree)| see(tree));
        }
        Body::Form(fields) => fields.iter().for_each(|(_, tree)| see(tree)),
        Body::Graphql { variables, .. } => variables.iter().for_each(|(_, tree)| see(tree)),
    }
    let headers = || step.headers.iter().map(|(_, text)| text);
    found || headers().any(|text| text.only_name().into_iter().chain(text.needs()).any(is))
}

/// Nothing is known but one name, or not even that.
struct Only<'a> {
    is: &'a dyn Fn(&Name) -> bool,
    known: bool,
}

impl Scope for Only<'_> {
    fn get(&self, name: &Name) -> Result<Value, EvalError> {
        Ok(if self.known && (self.is)(name) { Value::text("1") } else { Value::Null })
    }
}

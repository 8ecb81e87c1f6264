//! The paths of an answer that a file reads: at the step itself, in its reply, and later, by the names that it keeps.

use orderhub_lang::expression::Name;
use orderhub_lang::path::Segment;

use super::super::model::{Body, Compiled, Each, Expr, OursRule, PageKind, Save, Step, XrefRule};

/// A path within a body.
pub(super) type Place = Vec<Segment>;

/// What is read of the answer to a step, each path once.
pub(super) struct Reads {
    /// What it is judged by; what makes it a good one comes first, as another one may have another shape.
    pub(super) judged: Vec<Place>,
    /// The rest: what the step keeps, then what the reply reads of the last one; the longer ones first of both.
    pub(super) kept: Vec<Place>,
    /// Those of both that decide which steps are sent.
    pub(super) turns: Vec<Place>,
    /// Those that a later step goes to.
    pub(super) addresses: Vec<Place>,
}

pub(super) fn of(compiled: &Compiled, step: &Step) -> Reads {
    let (mut judged, mut kept) = (Vec::new(), Vec::new());
    let classes = &step.classes;
    let rules = [
        &classes.ok,
        &classes.throttled,
        &classes.not_allowed,
        &classes.not_acted,
        &classes.may_have_acted,
        &classes.already,
        &classes.none,
    ];
    rules.into_iter().flatten().for_each(|rule| body(rule, &mut judged));
    step.until.iter().for_each(|until| body(&until.done, &mut judged));
    if let Some(page) = &step.page {
        page.more.iter().for_each(|more| body(more, &mut judged));
        if let PageKind::Next(rule) | PageKind::Cursor(rule) | PageKind::Again(rule) = &page.kind {
            body(rule, &mut judged);
        }
    }
    items(step, &mut judged);
    step.gives.iter().for_each(|gives| body(&gives.value, &mut kept));
    for save in &step.save {
        body(&save.value, &mut kept);
        later(compiled, (&save.name, step.each.is_some()), &save.value, &mut kept);
    }
    distinct(&mut judged);
    // The longer ones say more of what stands at the shorter ones.
    kept.sort_by_key(|path| std::cmp::Reverse(path.len()));
    let mut last = Vec::new();
    reply(compiled, &mut last);
    last.sort_by_key(|path| std::cmp::Reverse(path.len()));
    kept.append(&mut last);
    kept.retain(|path| !judged.contains(path));
    distinct(&mut kept);
    let (turns, addresses) = (turns(compiled, step), addresses(compiled, step));
    Reads { judged, kept, turns, addresses }
}

/// Where the addresses stand to which later steps go, where a path alone keeps them.
fn addresses(compiled: &Compiled, step: &Step) -> Vec<Place> {
    let asked = compiled.steps.iter().filter(|step| step.elsewhere);
    let asked: Vec<&Name> = asked.filter_map(|step| step.path.only_name()).collect();
    let is = |save: &&Save| asked.iter().any(|name| name.key() == Some(&save.name));
    let mut paths = Vec::new();
    step.save.iter().filter(is).for_each(|save| body(&save.value, &mut paths));
    paths
}

/// What decides whether there is another page, and what is kept under names by which a step is sent or not.
fn turns(compiled: &Compiled, step: &Step) -> Vec<Place> {
    let mut paths = Vec::new();
    step.page.iter().flat_map(|page| &page.more).for_each(|more| body(more, &mut paths));
    let whens = compiled.steps.iter().filter_map(|step| step.when.as_ref());
    let names: Vec<&Name> = whens.flat_map(|when| when.reads()).collect();
    for save in &step.save {
        let is = |name: &&&Name| {
            matches!(name.root.as_str(), "memo" | "mine") && name.key() == Some(&save.name)
        };
        for name in names.iter().filter(is) {
            body(&save.value, &mut paths);
            let base = save.value.reads().first().filter(|name| name.root == "body");
            let rest = name.segments.get(1..).unwrap_or_default();
            paths.extend(base.map(|base| [base.segments.clone(), rest.to_vec()].concat()));
        }
        of_elements(compiled, save, &mut paths);
    }
    distinct(&mut paths);
    paths
}

/// What decides which steps are sent of what an operation is asked with.
pub(super) fn asked(compiled: &Compiled) -> Vec<Name> {
    let mut asked = Vec::new();
    for step in &compiled.steps {
        let mut see = |name: &Name| deciding(step, name, &mut asked);
        step.when.iter().flat_map(|when| when.reads()).for_each(&mut see);
        match &step.each {
            Some(Each::Expression(each)) => each.reads().iter().for_each(&mut see),
            Some(Each::Tree(tree)) => tree.reads(&mut see),
            None => {}
        }
    }
    asked
}

/// A name as it would be written outside of its step.
fn deciding(step: &Step, name: &Name, asked: &mut Vec<Name>) {
    match name.root.as_str() {
        "doc" | "settings" | "xref" => asked.push(name.clone()),
        "item" => {
            let Some(Each::Expression(each)) = &step.each else { return };
            if let Some(list) = each.reads().first().filter(|list| list.root == "doc") {
                let place = [one_of(&list.segments), name.segments.clone()].concat();
                asked.push(Name::of(&list.root, place));
            }
        }
        "let" => {
            let named = step.lets.iter().find(|(known, _)| name.key() == Some(known));
            if let Some((_, tree)) = named {
                // Those before it: what they read is read as well.
                tree.reads(&mut |inner| deciding(step, inner, asked));
            }
        }
        _ => {}
    }
}

/// What decides about each element of a list that is kept.
fn of_elements(compiled: &Compiled, save: &Save, paths: &mut Vec<Place>) {
    let base = save.value.reads().first();
    let Some(base) = base.filter(|name| save.value.is_name() && name.root == "body") else {
        return;
    };
    for step in &compiled.steps {
        let (Some(Each::Expression(each)), Some(when)) = (&step.each, &step.when) else { continue };
        let is = |name: &&Name| name.root == "memo" && name.key() == Some(&save.name);
        let Some(list) = each.reads().iter().find(is).filter(|_| each.is_name()) else { continue };
        let list = one_of(list.segments.get(1..).unwrap_or_default());
        for item in when.reads().iter().filter(|name| name.root == "item") {
            paths.push([base.segments.clone(), list.clone(), item.segments.clone()].concat());
        }
    }
}

fn distinct(paths: &mut Vec<Place>) {
    let mut seen: Vec<Place> = Vec::new();
    paths.retain(|path| {
        let new = !seen.contains(path);
        if new {
            seen.push(path.clone());
        }
        new
    });
}

fn body(rule: &Expr, into: &mut Vec<Place>) {
    names(rule.reads().iter(), into);
}

fn names<'n>(names: impl Iterator<Item = &'n Name>, into: &mut Vec<Place>) {
    into.extend(names.filter(|name| name.root == "body").map(|name| name.segments.clone()));
}

/// The elements of which an answer says what became of each.
fn items(step: &Step, into: &mut Vec<Place>) {
    let Some(items) = &step.items else { return };
    for at in items.at.reads().iter().filter(|name| name.root == "body") {
        let one = |rest: &[Segment]| [one_of(&at.segments), rest.to_vec()].concat();
        let rules = [Some(&items.ok), items.again.as_ref()];
        let names = rules.into_iter().flatten().flat_map(|rule| rule.reads());
        into.extend(names.filter(|name| name.root == "item").map(|name| one(&name.segments)));
        if let OursRule::Id(path) = &items.ours {
            into.push(one(&path.segments));
        }
        into.push(at.segments.clone());
    }
}

/// One element of a list.
fn one_of(list: &[Segment]) -> Place {
    let mut path = list.to_vec();
    if path.last() != Some(&Segment::Each) {
        path.push(Segment::Each);
    }
    path
}

fn reply(compiled: &Compiled, into: &mut Vec<Place>) {
    let reply = &compiled.reply;
    [&reply.document, &reply.documents].into_iter().flatten().for_each(|rule| body(rule, into));
    reply.ack.iter().flat_map(|ack| &ack.args).for_each(|(_, rule)| body(rule, into));
    for xref in &reply.xrefs {
        match &xref.rule {
            XrefRule::Value(template) => names(template.reads(), into),
            XrefRule::Expression(rule) => body(rule, into),
            XrefRule::Elements { at, ours, ext } => {
                for at in at.reads().iter().filter(|name| name.root == "body") {
                    into.push([one_of(&at.segments), ext.segments.clone()].concat());
                    if let OursRule::Id(path) = ours {
                        into.push([one_of(&at.segments), path.segments.clone()].concat());
                    }
                }
            }
        }
    }
}

/// What the operation reads of a value that is kept, where that is a path of the body itself; `of_each`: of every element
/// one is kept.
fn later(compiled: &Compiled, (kept, of_each): (&str, bool), value: &Expr, into: &mut Vec<Place>) {
    let Some(base) = value.reads().first().filter(|name| value.is_name() && name.root == "body")
    else {
        return;
    };
    let is =
        |name: &Name| matches!(name.root.as_str(), "memo" | "mine") && name.key() == Some(kept);
    let mut rests: Vec<Place> = Vec::new();
    let mut see = |name: &Name| {
        if is(name) {
            let rest = name.segments.get(1..).unwrap_or_default();
            let which = of_each && name.root == "memo";
            let rest = match rest.split_first() {
                Some((Segment::Index(_) | Segment::Each, rest)) if which => rest,
                _ => rest,
            };
            rests.push(rest.to_vec());
        }
    };
    for step in &compiled.steps {
        seen(step, &mut see);
    }
    for xref in &compiled.reply.xrefs {
        match &xref.rule {
            XrefRule::Value(template) => template.reads().for_each(&mut see),
            XrefRule::Expression(rule) => rule.reads().iter().for_each(&mut see),
            XrefRule::Elements { at, .. } => at.reads().iter().for_each(&mut see),
        }
    }
    for xref in &compiled.reply.xrefs {
        let XrefRule::Elements { at, ours, ext } = &xref.rule else { continue };
        let Some(name) = at.reads().iter().find(|name| is(name)) else { continue };
        let list = one_of(name.segments.get(1..).unwrap_or_default());
        rests.push([list.clone(), ext.segments.clone()].concat());
        if let OursRule::Id(path) = ours {
            rests.push([list, path.segments.clone()].concat());
        }
    }
    // What is read of the elements of a list that is kept.
    for step in &compiled.steps {
        let Some(Each::Expression(each)) = &step.each else { continue };
        let Some(name) = each.reads().iter().find(|name| each.is_name() && is(name)) else {
            continue;
        };
        let list = one_of(name.segments.get(1..).unwrap_or_default());
        seen(step, &mut |name| {
            if name.root == "item" {
                rests.push([list.clone(), name.segments.clone()].concat());
            }
        });
    }
    into.extend(rests.into_iter().map(|rest| [base.segments.clone(), rest].concat()));
}

/// Calls `see` with every name that a step reads, but for those of its answer's classes.
pub(super) fn seen(step: &Step, see: &mut dyn FnMut(&Name)) {
    let rule = |rule: &Expr, see: &mut dyn FnMut(&Name)| rule.reads().iter().for_each(see);
    step.when.iter().for_each(|when| rule(when, see));
    match &step.each {
        Some(Each::Expression(each)) => rule(each, see),
        Some(Each::Tree(tree)) => tree.reads(see),
        None => {}
    }
    step.path.reads().for_each(&mut *see);
    for (_, header) in &step.headers {
        header.reads().for_each(&mut *see);
    }
    step.lets.iter().chain(&step.query).for_each(|(_, tree)| tree.reads(see));
    step.save.iter().for_each(|save| rule(&save.value, see));
    match &step.body {
        Body::None | Body::Document => {}
        Body::Json { tree, put } => {
            tree.reads(see);
            put.iter().for_each(|(_, tree)| tree.reads(see));
        }
        Body::Form(trees) | Body::Graphql { variables: trees, .. } => {
            trees.iter().for_each(|(_, tree)| tree.reads(see));
        }
    }
}

/// Headers that name a page.
pub(super) fn header(rule: &Expr) -> Option<&str> {
    rule.reads().iter().find(|name| name.root == "headers").and_then(Name::key)
}

/// What rules over the answer of a login read.
pub(super) fn of_login(rules: impl Iterator<Item = Expr>) -> Vec<Place> {
    let mut paths = Vec::new();
    rules.for_each(|rule| body(&rule, &mut paths));
    distinct(&mut paths);
    paths
}

//! What a document must look like for an operation's steps, where that is more than the names that it reads.

use orderhub_lang::expression::Name;
use orderhub_lang::path::Segment;
use orderhub_lang::template::Tree;
use orderhub_lang::value::Value;

use super::super::model::{Body, Compiled, Each, Step};
use super::reads::seen;
use crate::invent::ANY;
use crate::shape;

/// What native steps read, what is read of the elements of lists that the file makes itself, and an element of each list
/// into whose elements something is put.
pub(super) fn document(compiled: &Compiled) -> Value {
    let native = compiled.steps.iter().find_map(|step| step.native);
    let native = native.map(|native| Value::from_json(native.example.document.as_bytes()));
    let mut document = native.and_then(Result::ok).unwrap_or_default();
    for step in &compiled.steps {
        elements(step, &mut document);
        puts(step, &mut document);
    }
    document
}

fn elements(step: &Step, document: &mut Value) {
    let mut lists: Vec<Name> = Vec::new();
    match &step.each {
        Some(Each::Tree(tree)) => tree.reads(&mut |name| of_document(step, name, &mut lists)),
        Some(Each::Expression(each)) => {
            let named = each.reads().iter().filter(|name| name.root == "let");
            named.for_each(|name| of_document(step, name, &mut lists));
        }
        None => {}
    }
    let mut read: Vec<Vec<Segment>> = Vec::new();
    seen(step, &mut |name| {
        if name.root == "item" && matches!(name.segments.first(), Some(Segment::Key(_))) {
            read.push(name.segments.clone());
        }
    });
    for list in lists.iter().filter(|list| !list.segments.is_empty()) {
        for rest in &read {
            let place = [list.segments.clone(), rest.clone()].concat();
            shape::put(document, &place, &Value::text(ANY));
        }
    }
}

/// Names of the document that stand behind a name.
fn of_document(step: &Step, name: &Name, found: &mut Vec<Name>) {
    match name.root.as_str() {
        "doc" => found.push(name.clone()),
        "let" => {
            let named = step.lets.iter().find(|(known, _)| name.key() == Some(known));
            if let Some((_, tree)) = named {
                tree.reads(&mut |inner| of_document(step, inner, found));
            }
        }
        _ => {}
    }
}

fn puts(step: &Step, document: &mut Value) {
    let Body::Json { tree, put } = &step.body else { return };
    for (path, _) in put {
        let Some(at) = path.iter().position(|segment| *segment == Segment::Each) else { continue };
        let (list, _) = path.split_at(at);
        let whole = put.iter().find(|(place, _)| place == list).map(|(_, tree)| tree);
        let place = match (whole.and_then(name), name(tree)) {
            (Some(name), _) => name.segments.clone(),
            (None, Some(body)) => [body.segments.clone(), list.to_vec()].concat(),
            (None, None) => continue,
        };
        let element = [Segment::Each, Segment::Key("kit".to_owned())];
        shape::put(document, &[place, element.to_vec()].concat(), &Value::text(ANY));
    }
}

/// The name of the document that a tree is, and nothing else.
fn name(tree: &Tree) -> Option<&Name> {
    match tree {
        Tree::Template(template) => {
            template.only_name().filter(|name| name.root == "doc" && !name.segments.is_empty())
        }
        Tree::Constant(_) | Tree::List(_) | Tree::Map(_) => None,
    }
}

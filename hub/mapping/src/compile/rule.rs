//! One rule on the way in.

use orderhub_lang::diagnostic::Span;
use orderhub_order::catalogue::FieldType;

use super::scope::Scope;
use super::source_type::{computed, either};
use super::typing::one_text;
use super::{Compiler, Shared};
use crate::ast::{Key, Link, Piece, Rule, Side};
use crate::codes;
use crate::conversions::{Shape, Type};
use crate::program::{Given, InRule, KeyPiece, KeyRead, Source};

/// How many values a rule gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Count {
    /// One, or one that a fold makes of many.
    One,
    /// Those of a fan-out.
    Many,
}

impl Compiler<'_> {
    /// A rule on the way in and the type of what it gives. `scope` is what its paths start at.
    pub(super) fn in_rule(&mut self, rule: &Rule, scope: &Scope) -> Option<(InRule, Type, Count)> {
        let (each, fold, after) = split(&rule.chain);
        let mut beside = Vec::new();
        let (input, from, fan) = if let Some(value) = &rule.value {
            (Given::Constant(value.is.clone()), Type::Raw, false)
        } else if rule.expr.is_some() {
            let inputs = self.named_inputs(&rule.with, scope);
            let expression = self.expression(rule);
            beside = self.beside(&each, scope, rule.span);
            let expression = expression?;
            let ty = computed(expression.kind());
            (Given::Expression(inputs?, expression), ty, false)
        } else {
            match rule.system.as_ref()? {
                Side::Named(named) => {
                    let inputs = self.named_inputs(named, scope)?;
                    beside = self.beside(&each, scope, rule.span);
                    let sources = inputs.into_iter().map(|(_, source)| source).collect();
                    (Given::Named(sources), Type::Named, false)
                }
                Side::Paths(paths) => {
                    let (mut reads, mut fan, mut from) = (Vec::new(), false, None);
                    for path in paths {
                        let (source, at) = self.source(path, scope)?;
                        let ty = self.source_type(&source);
                        from = Some(from.map_or(ty, |from| either(from, ty)));
                        fan |= path.is.is_fan_out();
                        let beside = self.beside(&each, &at, path.span);
                        reads.push((source, beside));
                    }
                    (Given::First(reads), from.unwrap_or(Type::Raw), fan)
                }
            }
        };
        beside.extend(self.beside(&after, scope, rule.span));
        let ty = self.chain_type(&rule.chain, from)?;
        let where_ = self.tests(rule.where_.as_ref(), &rule.none, scope);
        let mut none = rule.none.clone();
        none.extend(self.none.iter().cloned());
        let fold = fold.map(|link| link.conversion);
        let shared = |links: Vec<Link>| -> Vec<Shared> {
            links.into_iter().map(|link| link.conversion).collect()
        };
        let count = if fan && fold.is_none() { Count::Many } else { Count::One };
        let (each, after) = (shared(each), shared(after));
        Some((
            InRule { span: rule.span, no: rule.no, where_, input, none, each, fold, after, beside },
            ty,
            count,
        ))
    }

    /// The values beside, of every conversion of a part of a chain.
    fn beside(&mut self, links: &[Link], at: &Scope, span: Span) -> Vec<Source> {
        let mut sources = Vec::new();
        for link in links {
            for beside in link.conversion.beside() {
                let path = crate::ast::PathAt { span, is: beside.path.clone() };
                if path.is.is_fan_out() {
                    let message = format!("`{}` beside a value is one place", path.is);
                    self.wrong(codes::SYSTEM_PATH, link.span, message, "without `*`");
                } else if let Some((source, _)) = self.source(&path, at) {
                    sources.push(source);
                }
            }
        }
        sources
    }

    fn named_inputs(
        &mut self,
        named: &[(String, crate::ast::PathAt)],
        scope: &Scope,
    ) -> Option<Vec<(String, Source)>> {
        let mut inputs = Vec::new();
        for (name, path) in named {
            let (source, _) = self.source(path, scope)?;
            inputs.push((name.clone(), source));
        }
        Some(inputs)
    }

    /// A rule that gives a text: a key, a reference.
    pub(super) fn plain(&mut self, rule: &Rule, scope: &Scope) -> Option<InRule> {
        let (compiled, ty, count) = self.in_rule(rule, scope)?;
        if count == Count::Many || !one_text(ty) {
            self.wrong(codes::TYPE, rule.span, "one text or number is needed here", "");
            return None;
        }
        Some(compiled)
    }

    pub(super) fn key(&mut self, key: &Key, scope: &Scope) -> Option<KeyRead> {
        match key {
            Key::Rule(rule) => self.plain(rule, scope).map(KeyRead::Rule),
            Key::Template(span, pieces) => {
                let mut read = Vec::new();
                for piece in pieces {
                    read.push(match piece {
                        Piece::Text(text) => KeyPiece::Text(text.as_str().into()),
                        Piece::Path(path) => {
                            let system = Some(Side::Paths(vec![path.clone()]));
                            let rule = Rule { span: path.span, system, ..Rule::default() };
                            KeyPiece::Value(self.plain(&rule, scope)?)
                        }
                    });
                }
                Some(KeyRead::Template(*span, read))
            }
        }
    }

    pub(super) fn revision(&mut self, rule: &Rule, scope: &Scope) -> Option<InRule> {
        let (compiled, ty, count) = self.in_rule(rule, scope)?;
        if count == Count::Many || !matches!(ty, Type::Integer | Type::Timestamp) {
            let hint = "write `{ system: updated_at, as: timestamp }`, or `as: integer`";
            self.wrong(codes::TYPE, rule.span, "a revision is a whole number or a time", hint);
            return None;
        }
        Some(compiled)
    }

    /// Whether a rule that gives many values fits its field.
    pub(super) fn many(&mut self, rule: &Rule, ty: &FieldType) -> bool {
        if *ty == FieldType::List {
            return true;
        }
        let hint = "add a fold: `sum`, `first`, `min`, `max`, `count` or `join`";
        self.wrong(codes::FAN_OUT, rule.span, "this path gives many values for one field", hint);
        false
    }
}

/// A chain before its fold, the fold, and what comes after it.
pub(super) fn split(chain: &[Link]) -> (Vec<Link>, Option<Link>, Vec<Link>) {
    let fold = chain.iter().position(|link| link.conversion.shape() == Shape::Fold);
    match fold {
        None => (chain.to_vec(), None, Vec::new()),
        Some(at) => (
            chain.get(..at).unwrap_or_default().to_vec(),
            chain.get(at).cloned(),
            chain.get(at + 1..).unwrap_or_default().to_vec(),
        ),
    }
}

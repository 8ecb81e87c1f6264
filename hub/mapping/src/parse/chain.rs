//! Chains of conversions and their names.

use std::sync::Arc;

use orderhub_lang::diagnostic::{Findings, Span};
use orderhub_lang::yaml::{Node, NodeValue};

use super::Reader;
use crate::Named;
use crate::ast::{Chain, Link};
use crate::codes;
use crate::conversions::{self, Options};

/// Most conversions of a chain, those of the names that it uses counted.
const MOST_LINKS: usize = 32;

impl Named {
    /// Reads `use:` of an integration.
    pub(crate) fn read(node: &Node, named: Named, findings: &mut Findings) -> Named {
        let mut reader = Reader::new(findings, named);
        reader.uses(node);
        reader.named
    }
}

impl Reader<'_> {
    /// `use:`: names for chains. A later name may use an earlier one.
    pub(super) fn uses(&mut self, node: &Node) {
        let Some(entries) = node.as_map() else {
            let finding = self.findings.wrong_type(node, "`use` is a mapping of names");
            self.findings.report(finding);
            return;
        };
        for (key, value) in entries {
            if conversions::find(&key.name).is_some() {
                let message = format!("`{}` is a conversion already", key.name);
                self.error(codes::CONVERSION, key.span, message, "take another name");
                continue;
            }
            let before = (self.findings.len(), self.unjudged);
            let chain = self.chain(value);
            if before == (self.findings.len(), self.unjudged) {
                Arc::make_mut(&mut self.named.chains).insert(key.name.clone(), chain);
            } else {
                // Rules that use it would each seem wrong for what is wrong here.
                Arc::make_mut(&mut self.named.chains).remove(&key.name);
                Arc::make_mut(&mut self.named.wrong).insert(key.name.clone());
            }
        }
    }

    /// `as:`: one conversion or a list of them; of one that cannot be read, those behind it.
    pub(crate) fn chain(&mut self, node: &Node) -> Chain {
        let mut chain = Chain::new();
        for item in node.list_or_single() {
            self.link(item, &mut chain);
            // Names may stand for names: a few lines could make a chain without end.
            if chain.len() > MOST_LINKS {
                let message = format!("a chain has at most {MOST_LINKS} conversions");
                let hint = "what a system writes needs a few: take out what changes nothing";
                self.error(codes::CONVERSION, item.span, message, hint);
                break;
            }
        }
        chain
    }

    fn link(&mut self, node: &Node, chain: &mut Chain) {
        let (count, mistakes) = (chain.len(), (self.findings.len(), self.unjudged));
        self.links(node, chain);
        // What stands before a link that is missing is not the end of the chain, and not judged as such.
        if chain.len() == count && mistakes != (self.findings.len(), self.unjudged) {
            chain.clear();
        }
    }

    fn links(&mut self, node: &Node, chain: &mut Chain) {
        let nothing = Node { span: node.span, value: NodeValue::Null };
        match &node.value {
            NodeValue::Text(name) => self.named(name, node.span, &nothing, chain),
            NodeValue::Map(entries) => match entries.as_slice() {
                [(key, options)] => self.named(&key.name, key.span, options, chain),
                _ => {
                    let hint = "several conversions are a list: `as: [trim, upper]`";
                    self.error(codes::CONVERSION, node.span, "one conversion is one key", hint);
                }
            },
            NodeValue::Null | NodeValue::Bool(_) | NodeValue::Number(_) | NodeValue::List(_) => {
                let finding = self.findings.wrong_type(node, "a conversion is a name");
                self.findings.report(finding);
            }
        }
    }

    fn named(&mut self, name: &str, span: Span, options: &Node, chain: &mut Chain) {
        if let Some(known) = self.named.chains.get(name).cloned() {
            if !options.is_null() {
                let message = format!("`{name}` has its options where it is defined");
                self.error(codes::CONVERSION, options.span, message, "name it alone");
            }
            chain.extend(known.iter().map(|link| Link { span, ..link.clone() }));
            return;
        }
        let Some(entry) = conversions::find(name) else {
            if self.named.unjudged(name) {
                self.unjudged += 1;
                return;
            }
            return self.unknown(name, span);
        };
        let mut reader = Options::new(self.findings, self.named.clone());
        let made = (entry.read)(options, &mut reader);
        self.unjudged += usize::from(reader.unjudged);
        chain.extend(made.map(|made| Link { span, conversion: made.into() }));
    }

    fn unknown(&mut self, name: &str, span: Span) {
        let names = self.named.chains.keys().map(String::as_str);
        let names = names.chain(conversions::names());
        let message = format!("unknown conversion `{name}`");
        let finding = self.findings.error(codes::CONVERSION, span, message);
        let finding = finding.with_label("no such conversion, and no name under `use:`");
        // What is not shown needs no hint: a hostile file misspells thousands.
        let shown = !self.findings.is_full();
        self.findings.report(if shown { finding.with_one_of(name, names) } else { finding });
    }
}

//! Every rule of a compiled mapping with what it is for: what explanations, coverage and differences name.

use orderhub_lang::diagnostic::Span;
use orderhub_order::catalogue::catalogue;

use crate::program::{
    Alternative, EachProgram, Element, Given, InRule, KeyPiece, KeyRead, OutElement, OutGiven,
    OutItem, OutKey, OutNode, OutRule, OutSource, Source,
};
use crate::reverse::path_shown;
use crate::watch::RuleAt;
use crate::{Direction, Mapping};

/// One rule.
#[derive(Debug)]
pub(crate) struct Listed<'m> {
    /// What identifies it while the mapping lives.
    pub(crate) at: RuleAt,
    /// The hub side from the mapping's subject on, `lines.qty.ordered`; of what is no field: `key`,
    /// `revision`, `parent`, and `> path` of what is only written.
    pub(crate) hub: String,
    /// The system side from the document on, without the positions of rows: `line_items.quantity`.
    pub(crate) system: String,
    /// What it is.
    pub(crate) is: Kind<'m>,
}

/// What a rule is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind<'m> {
    /// It gives a hub field.
    Field(&'m InRule),
    /// It says whether an object is there, whose parts have rules of their own.
    Object(&'m InRule),
    /// It names the document or an element of it.
    Name(&'m InRule),
    /// It gives the elements of a collection.
    Each(&'m EachProgram),
    /// It writes.
    Out(&'m OutRule),
}

impl Kind<'_> {
    pub(crate) fn span(self) -> Span {
        match self {
            Kind::Field(rule) | Kind::Object(rule) | Kind::Name(rule) => rule.span,
            Kind::Each(each) => each.span,
            Kind::Out(rule) => rule.span,
        }
    }

    pub(crate) fn way(self) -> Direction {
        match self {
            Kind::Field(_) | Kind::Object(_) | Kind::Name(_) | Kind::Each(_) => Direction::In,
            Kind::Out(_) => Direction::Out,
        }
    }

    /// It asks for something before it says anything.
    pub(crate) fn is_conditional(self) -> bool {
        match self {
            Kind::Field(rule) | Kind::Object(rule) | Kind::Name(rule) => !rule.where_.is_empty(),
            Kind::Each(each) => !each.where_.is_empty(),
            Kind::Out(rule) => !rule.where_.is_empty(),
        }
    }
}

impl Mapping {
    /// The span of the rule that stands at a place, `file:line:column`, for messages that show its line.
    pub fn rule_span(&self, place: &str) -> Option<Span> {
        let spans = listed(self).into_iter().map(|one| one.is.span());
        spans.into_iter().find(|span| self.source.place(span.start) == place)
    }
}

/// All rules, those of the way in first, as they run.
pub(crate) fn listed(mapping: &Mapping) -> Vec<Listed<'_>> {
    let input = &mapping.compiled.input;
    let mut list = List(Vec::new());
    if let Some(key) = &input.key {
        list.key("key", key);
    }
    for (_, rule) in &input.parents {
        list.name("parent".to_owned(), rule);
    }
    if let Some(rule) = &input.revision {
        list.name("revision".to_owned(), rule);
    }
    list.element("", &input.root);
    list.out("", "", &mapping.compiled.output.root);
    list.0
}

struct List<'m>(Vec<Listed<'m>>);

impl<'m> List<'m> {
    fn add(&mut self, at: RuleAt, hub: String, system: String, is: Kind<'m>) {
        self.0.push(Listed { at, hub, system, is });
    }

    fn name(&mut self, hub: String, rule: &'m InRule) {
        self.add(RuleAt::of(rule), hub, read(rule), Kind::Name(rule));
    }

    fn key(&mut self, hub: &str, key: &'m KeyRead) {
        match key {
            KeyRead::Rule(rule) => self.name(hub.to_owned(), rule),
            KeyRead::Template(_, pieces) => {
                for piece in pieces {
                    if let KeyPiece::Value(rule) = piece {
                        self.name(hub.to_owned(), rule);
                    }
                }
            }
        }
    }

    fn field(&mut self, hub: String, rule: &'m InRule) {
        self.add(RuleAt::of(rule), hub, read(rule), Kind::Field(rule));
    }

    fn element(&mut self, prefix: &str, element: &'m Element) {
        for field in &element.fields {
            let path = catalogue().field(field.id).map_or("", |field| field.path);
            let hub = format!("{prefix}{path}");
            for alternative in &field.rules {
                match alternative {
                    Alternative::Whole(rule, _) => self.field(hub.clone(), rule),
                    Alternative::Address(object, parts) => {
                        if let Some(rule) = object {
                            self.add(RuleAt::of(rule), hub.clone(), read(rule), Kind::Object(rule));
                        }
                        for (part, rules) in parts {
                            for rule in rules {
                                self.field(format!("{hub}.{part}"), rule);
                            }
                        }
                    }
                    Alternative::Entries(entries) => {
                        for (name, rule) in entries {
                            self.field(format!("{hub}.{name}"), rule);
                        }
                    }
                }
            }
        }
        for (kind, rule) in &element.xrefs {
            self.field(format!("{prefix}$xref({kind})"), rule);
        }
        for program in &element.collections {
            let hub = format!("{prefix}{}", program.collection.name());
            for each in &program.sources {
                let system = each.read.text.to_string();
                self.add(RuleAt::of(each), hub.clone(), system, Kind::Each(each));
                if let Some(key) = &each.key {
                    self.key(&format!("{hub}.key"), key);
                }
                if let Some(rule) = &each.ours {
                    self.name(format!("{hub}.ours"), rule);
                }
                self.element(&format!("{hub}."), &each.element);
            }
        }
    }

    fn out(&mut self, prefix: &str, system: &str, element: &'m OutElement) {
        for rule in &element.rules {
            let path = join(system, &rule.text);
            let hub = match &rule.input {
                OutGiven::Constant(_) | OutGiven::Expression(..) => format!("> {path}"),
                OutGiven::First(sources) | OutGiven::Named(sources) => sides(prefix, sources),
                OutGiven::Object(path) => format!("{prefix}{}", path_shown(path)),
                OutGiven::Key => format!("{prefix}key"),
                OutGiven::Ours => format!("{prefix}ours"),
            };
            self.add(RuleAt::of(rule), hub, path, Kind::Out(rule));
        }
        self.node(prefix, system, &element.node);
    }

    fn node(&mut self, prefix: &str, system: &str, node: &'m OutNode) {
        for (key, child) in &node.keys {
            let path = match key {
                OutKey::Name(name) => join(system, name),
                OutKey::Setting(name) => join(system, &format!("($settings.{name})")),
            };
            self.node(prefix, &path, child);
        }
        for item in &node.items {
            match item {
                OutItem::Each(path, inner, _) => {
                    self.out(&format!("{prefix}{}.", path_shown(path)), system, inner);
                }
                OutItem::Place(_, child) | OutItem::Where(_, _, child) | OutItem::Rows(child) => {
                    self.node(prefix, system, child);
                }
            }
        }
    }
}

fn join(system: &str, more: &str) -> String {
    if system.is_empty() { more.to_owned() } else { format!("{system}.{more}") }
}

/// The places that a rule reads.
fn read(rule: &InRule) -> String {
    let sources: Vec<&Source> = match &rule.input {
        Given::Constant(_) => Vec::new(),
        Given::First(reads) => reads.iter().map(|(source, _)| source).collect(),
        Given::Named(sources) => sources.iter().collect(),
        Given::Expression(inputs, _) => inputs.iter().map(|(_, source)| source).collect(),
    };
    sources.into_iter().map(source_text).collect::<Vec<_>>().join(", ")
}

/// A place that a rule reads, as files write it.
pub(crate) fn source_text(source: &Source) -> String {
    match source {
        Source::Document(read) => read.text.to_string(),
        Source::Setting(name) => format!("$settings.{name}"),
        Source::Argument(_) => "$args".to_owned(),
        Source::Hub(path) => format!("$hub.{}", path_shown(path)),
        Source::Index => "$index".to_owned(),
    }
}

fn sides(prefix: &str, sources: &[OutSource]) -> String {
    let one = |source: &OutSource| match source {
        OutSource::Setting(name) => format!("$settings.{name}"),
        OutSource::Hub(path) => {
            let text = path_shown(path);
            if text.starts_with(['/', '^']) { text } else { format!("{prefix}{text}") }
        }
    };
    sources.iter().map(one).collect::<Vec<_>>().join(", ")
}

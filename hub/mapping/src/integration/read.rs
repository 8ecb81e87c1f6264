//! Reads an `integration.yaml`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use orderhub_lang::diagnostic::{Diagnostic, Findings, Source, Span};
use orderhub_lang::units;
use orderhub_lang::yaml::{Fields, Node};
use orderhub_order::catalogue::catalogue;
use orderhub_order::condition::Condition;
use orderhub_order::flow::EVENTS;
use orderhub_order::ids::{Collection, Entity, Role};
use orderhub_order::rules::WhileDown;

use super::{ByLink, ConnectorUse, Deliver, Intake, Read, SendFields};
use crate::{Named, codes};

/// Most entries of `intake`, and of `deliver`.
const MOST_ENTRIES: usize = 500;

/// The operation that is none.
const NONE: &str = "none";

/// An `integration.yaml` as it was read; which mappings there are is judged afterwards.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) name: Option<(String, Span)>,
    pub(super) role: Option<Role>,
    pub(super) connector: Option<(ConnectorUse, Span)>,
    pub(super) named: Named,
    pub(super) intake: Vec<Intake>,
    pub(super) deliver: Vec<Deliver>,
    pub(super) reads: BTreeMap<String, Read>,
    pub(super) owns: Option<Vec<Box<str>>>,
}

/// Reads the file; mistakes go to `findings`.
pub(super) fn read(root: &Node, named: &Named, findings: &mut Findings) -> Option<Draft> {
    let mut fields = Fields::of(root, "an integration", findings)?;
    crate::parse::Reader::new(findings, named.clone()).version(&mut fields);
    let name = fields.required("integration", findings);
    let role = fields.required("role", findings);
    let connector = fields.required("connector", findings);
    let uses = fields.optional("use");
    let intake = fields.optional("intake");
    let deliver = fields.optional("deliver");
    let reads = fields.optional("reads");
    let owns = fields.optional("owns");
    fields.finish(findings);
    let named = match uses {
        Some(node) => Named::read(node, named.clone(), findings),
        None => named.clone(),
    };
    let text = |node: &Node| node.scalar_text().map(|text| (text.into_owned(), node.span));
    let mut reader = Reader { findings };
    Some(Draft {
        name: name.and_then(text),
        role: role.and_then(|node| reader.role(node)),
        connector: connector.and_then(|node| reader.connector(node)),
        named,
        intake: reader.entries(intake).iter().filter_map(|node| reader.intake(node)).collect(),
        deliver: reader.entries(deliver).iter().filter_map(|node| reader.deliver(node)).collect(),
        reads: reads.map(|node| reader.reads(node)).unwrap_or_default(),
        owns: owns.map(|node| reader.owns(node)),
    })
}

pub(super) struct Reader<'f> {
    pub(super) findings: &'f mut Findings,
}

impl Reader<'_> {
    pub(super) fn error(
        &mut self,
        code: &'static str,
        span: Span,
        message: impl Into<String>,
        hint: &str,
    ) {
        let finding = self.findings.error(code, span, message).with_hint(hint);
        self.findings.report(finding);
    }

    /// The entries of a list, as far as it may be long.
    fn entries<'n>(&mut self, node: Option<&'n Node>) -> &'n [Node] {
        let entries = node.map(Node::list_or_single).unwrap_or_default();
        if let Some(first) = entries.get(MOST_ENTRIES) {
            let message = format!("an integration has at most {MOST_ENTRIES} entries of a kind");
            self.error(codes::INTEGRATION, first.span, message, "make it two integrations");
        }
        entries.get(..MOST_ENTRIES).unwrap_or(entries)
    }

    /// Reports what the language has and this version has not, with what to write for now.
    fn later(&mut self, span: Span, what: &str, hint: &str) {
        self.error(codes::LATER, span, format!("{what}: not in this version"), hint);
    }

    pub(super) fn word<T: Copy>(
        &mut self,
        node: &Node,
        what: &str,
        words: &[(&str, T)],
    ) -> Option<T> {
        let text = node.scalar_text().unwrap_or_default();
        let found = words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
        if found.is_none() {
            let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            let message = format!("`{what}` cannot be `{text}`");
            let finding = self.findings.error(codes::WORD, node.span, message);
            let finding = match finding.with_nearest(&text, known.iter().copied()) {
                near if near.hint.is_some() => near,
                other => other.with_hint(format!("one of {}", known.join(", "))),
            };
            self.findings.report(finding);
        }
        found
    }

    fn role(&mut self, node: &Node) -> Option<Role> {
        let words: Vec<(&str, Role)> =
            Role::ALL.into_iter().map(|role| (role.as_str(), role)).collect();
        self.word(node, "role", &words)
    }

    fn connector(&mut self, node: &Node) -> Option<(ConnectorUse, Span)> {
        let Some(name) = node.as_text() else {
            let finding = self.findings.wrong_type(node, "`connector` is a name");
            self.findings.report(finding);
            return None;
        };
        let used = match name {
            "declared" => ConnectorUse::Declared,
            other => ConnectorUse::Named(other.to_owned()),
        };
        Some((used, node.span))
    }

    pub(super) fn duration(&mut self, node: Option<&Node>, default: Duration) -> Duration {
        let Some(node) = node else { return default };
        let read = node.scalar_text().and_then(|text| units::duration(&text));
        if read.is_none() {
            let message = "a duration is a number and a unit";
            self.error(codes::WORD, node.span, message, "write `30s`, `5m`, `24h` or `7d`");
        }
        read.unwrap_or(default)
    }

    fn deliver(&mut self, node: &Node) -> Option<Deliver> {
        let mut fields = Fields::of(node, "an entry of `deliver`", self.findings)?;
        let on = fields.required("on", self.findings);
        let operation = fields.required("do", self.findings);
        let (with, reply) = (fields.optional("with"), fields.optional("reply"));
        let send = fields.optional("send");
        let when = fields.optional("when");
        let while_down = fields.optional("while_down");
        fields.finish(self.findings);
        let on = on?;
        let event = on.scalar_text()?.into_owned();
        let operation = operation?;
        let named = self.by_link(operation, "do")?;
        let (operation, once) = self.nothing(named, operation, with.or(reply))?;
        let with =
            with.map(|node| self.by_link(node, "with")).unwrap_or(Some(ByLink::default()))?;
        let reply =
            reply.map(|node| self.by_link(node, "reply")).unwrap_or(Some(ByLink::default()))?;
        let subject = self.subject(&event, on.span)?;
        let when = match when {
            Some(node) => Some(self.condition(node, subject)?),
            None => None,
        };
        let words = [("all", SendFields::All), ("changed", SendFields::Changed)];
        let send = send.and_then(|node| self.word(node, "send", &words)).unwrap_or_default();
        let while_down = while_down.and_then(|node| self.while_down(node)).unwrap_or_default();
        let name = operation.all().next().map_or(NONE, String::as_str);
        let id = format!("{event}/{name}");
        let span = node.span;
        let on = event;
        Some(Deliver { id, on, operation, once, with, reply, send, when, while_down, span })
    }

    /// What happens to a delivery while the system is down: it waits, or fails. Another way out comes later.
    fn while_down(&mut self, node: &Node) -> Option<WhileDown> {
        if node.get("side_channel").is_none() {
            let words = [("queue", WhileDown::Queue), ("fail", WhileDown::Fail)];
            return self.word(node, "while_down", &words);
        }
        let hint = "comes in a later version; for now use `while_down: queue`, what is to be sent waits, or `while_down: fail`, \
                    a person is told at once";
        self.later(node.span, "`side_channel`", hint);
        None
    }

    /// `none` for an operation says that there is nothing to do: for any subject, or for one that was made.
    fn nothing(
        &mut self,
        named: ByLink<String>,
        node: &Node,
        mapped: Option<&Node>,
    ) -> Option<(ByLink<String>, bool)> {
        let is_none = |name: &Option<String>| name.as_deref() == Some(NONE);
        if is_none(&named.create) {
            let message = "what is not made cannot be left as it is: `create: none`";
            self.error(
                codes::INTEGRATION,
                node.span,
                message,
                "write `do: none`, or `{ update: … }`",
            );
            return None;
        }
        if is_none(&named.single) {
            if let Some(mapped) = mapped {
                let message = "`do: none` sends nothing: there is nothing to map";
                let hint = "take `with` and `reply` out, or name the operation";
                self.error(codes::INTEGRATION, mapped.span, message, hint);
            }
            return Some((ByLink::default(), false));
        }
        let once = is_none(&named.update);
        if once && named.create.is_none() {
            let message = "`update: none` alone does nothing";
            self.error(codes::INTEGRATION, node.span, message, "write `do: none`");
            return None;
        }
        let update = named.update.filter(|_| !once);
        Some((ByLink { update, ..named }, once))
    }

    /// A name for all, or `{ create, update }`.
    fn by_link(&mut self, node: &Node, what: &str) -> Option<ByLink<String>> {
        if let Some(name) = node.as_text() {
            return Some(ByLink { single: Some(name.to_owned()), ..ByLink::default() });
        }
        if node.as_map().is_none() {
            let needed = format!("`{what}` is a name, or `{{ create: …, update: … }}`");
            let finding = self.findings.wrong_type(node, &needed);
            let hint = match what {
                "do" => {
                    "name an operation of the connector: `do: put_job`; `do: none` where nothing is to be done"
                }
                _ => "name a mapping of this folder, without `.yaml`",
            };
            self.findings.report(finding.with_hint(hint));
            return None;
        }
        let mut fields = Fields::of(node, what, self.findings)?;
        let create = fields.text("create", self.findings);
        let update = fields.text("update", self.findings);
        fields.finish(self.findings);
        if create.is_none() && update.is_none() {
            let hint = "write a name, or `{ create: …, update: … }`";
            self.error(codes::INTEGRATION, node.span, format!("`{what}` names nothing"), hint);
            return None;
        }
        Some(ByLink { single: None, create, update })
    }

    /// What an event is about.
    fn subject(&mut self, event: &str, span: Span) -> Option<Collection> {
        let about = event.split('.').next().unwrap_or_default();
        let entity = Entity::parse(about).filter(|_| event.contains('.'));
        if entity.is_none() {
            let names = Entity::ALL.map(Entity::as_str).join(", ");
            let hint = match orderhub_lang::diagnostic::nearest(event, EVENTS) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("events are `<entity>.<what happened>`, of {names}"),
            };
            self.error(codes::INTEGRATION, span, format!("`{event}` is no event"), &hint);
        }
        entity.map(|entity| entity.collection().unwrap_or(Collection::Root))
    }

    fn condition(&mut self, node: &Node, subject: Collection) -> Option<Condition> {
        let source: Arc<Source> = Arc::clone(self.findings.source());
        let read: Result<Condition, Vec<Diagnostic>> = Condition::parse(&source, node, subject);
        match read {
            Ok(condition) => Some(condition),
            Err(more) => {
                self.findings.extend(more);
                None
            }
        }
    }

    fn reads(&mut self, node: &Node) -> BTreeMap<String, Read> {
        let mut reads = BTreeMap::new();
        let Some(entries) = node.as_map() else {
            let finding = self.findings.wrong_type(node, "`reads` is a mapping of names");
            self.findings.report(finding);
            return reads;
        };
        for (key, node) in entries {
            let Some(mut fields) = Fields::of(node, "a read", self.findings) else { continue };
            let operation = fields.required_text("do", self.findings);
            let args = fields.texts("args", self.findings);
            let (fresh, stale) =
                (fields.required("fresh_for", self.findings), fields.optional("stale_for"));
            fields.finish(self.findings);
            let fresh_for = self.duration(fresh, Duration::ZERO);
            let stale_for = self.duration(stale, Duration::ZERO);
            if let Some(operation) = operation {
                reads.insert(key.name.clone(), Read { operation, args, fresh_for, stale_for });
            }
        }
        reads
    }

    fn owns(&mut self, node: &Node) -> Vec<Box<str>> {
        let mut owns = Vec::new();
        for item in node.list_or_single() {
            let Some(text) = item.scalar_text() else { continue };
            if catalogue().below(&text).is_empty() {
                let near = catalogue().nearest(&text);
                let hint = near.map_or_else(String::new, |near| format!("did you mean `{near}`?"));
                let message = format!("unknown hub field `{text}`");
                self.error(codes::HUB_FIELD, item.span, message, &hint);
            } else {
                owns.push(text.into());
            }
        }
        owns
    }
}

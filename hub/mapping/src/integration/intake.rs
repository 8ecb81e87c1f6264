//! Reads the entries of `intake:`: where documents come from, and what orders them.

use std::time::Duration;

use orderhub_lang::diagnostic::Span;
use orderhub_lang::path::{Path, Root};
use orderhub_lang::yaml::{Fields, Node};

use super::read::Reader;
use super::{Fetch, Intake, IntakeFrom, Ordering, Poll};
use crate::codes;

/// The shortest time between two polls: what should be known sooner is for webhooks to tell.
const LEAST_EVERY: Duration = Duration::from_secs(1);

/// What an entry says besides what it begins with.
struct Said<'n> {
    apply: Option<&'n Node>,
    operation: Option<&'n Node>,
    args: Option<&'n Node>,
}

impl Said<'_> {
    fn first_span(&self) -> Option<Span> {
        [self.apply, self.operation, self.args].into_iter().flatten().map(|node| node.span).next()
    }
}

impl Reader<'_> {
    pub(super) fn intake(&mut self, node: &Node) -> Option<Intake> {
        let mut fields = Fields::of(node, "an intake", self.findings)?;
        let notice = fields.optional("notice").is_some();
        let kinds = fields.texts("notice", self.findings);
        let message = fields.text("message", self.findings);
        let poll = fields.optional("poll");
        let said = Said {
            apply: fields.optional("apply"),
            operation: fields.optional("do"),
            args: fields.optional("args"),
        };
        let documents = fields.texts("document", self.findings);
        let ordering = fields.optional("ordering");
        fields.finish(self.findings);
        let from = match (notice, &message, poll) {
            (true, None, None) => IntakeFrom::Notice { kinds, reread: self.reread(&said)? },
            (false, Some(kind), None) => {
                if let Some(span) = said.first_span() {
                    let message = "`apply`, `do` and `args` belong to a `notice`";
                    let hint = "leave it out: a message is the document";
                    self.error(codes::INTEGRATION, span, message, hint);
                }
                IntakeFrom::Message { kind: kind.clone() }
            }
            (false, None, Some(poll)) => IntakeFrom::Poll(self.poll(poll, &said)?),
            (both, _, _) => {
                let message = "an intake is either a `notice`, a `message` or a `poll`";
                let several = both || poll.is_some();
                let hint =
                    if several { "split it into several entries" } else { "add `message: order`" };
                self.error(codes::INTEGRATION, node.span, message, hint);
                return None;
            }
        };
        let ordering = self.ordering(node, ordering, &from)?;
        let documents =
            if documents.is_empty() { message.into_iter().collect() } else { documents };
        Some(Intake { from, documents, ordering, span: node.span })
    }

    /// What a notice is: a hint to fetch the document, or the document. The outer `None`: it has mistakes.
    fn reread(&mut self, said: &Said<'_>) -> Option<Option<Fetch>> {
        let apply = match said.apply {
            Some(node) => self.word(node, "apply", &[("payload", false), ("reread", true)])?,
            None => false,
        };
        if !apply {
            let span = said.operation.or(said.args).map(|node| node.span);
            if let Some(span) = span {
                let message = "`do` and `args` say how a document is fetched";
                let hint =
                    "add `apply: reread`, or leave them out: the body that came is the document";
                self.error(codes::INTEGRATION, span, message, hint);
            }
            return Some(None);
        }
        let Some(operation) = said.operation else {
            let span = said.apply.map(|node| node.span).unwrap_or_default();
            let message = "`apply: reread` needs the operation that fetches the document";
            self.error(codes::INTEGRATION, span, message, "add `do: get_order`");
            return None;
        };
        self.fetch(operation, said.args).map(Some)
    }

    fn fetch(&mut self, operation: &Node, args: Option<&Node>) -> Option<Fetch> {
        let Some(name) = operation.as_text() else {
            let finding = self.findings.wrong_type(operation, "an operation is a name");
            self.findings.report(finding);
            return None;
        };
        let args = args.map(|node| self.args(node)).unwrap_or_default();
        Some(Fetch { operation: name.to_owned(), args })
    }

    /// `{ id: order.id }`: name ► where its value stands in the hint.
    fn args(&mut self, node: &Node) -> Vec<(String, Path)> {
        let Some(entries) = node.as_map() else {
            let finding = self.findings.wrong_type(node, "`args` is a mapping of names to paths");
            self.findings.report(finding);
            return Vec::new();
        };
        let mut args = Vec::new();
        for (key, node) in entries {
            args.extend(self.place(node).map(|path| (key.name.clone(), path)));
        }
        args
    }

    /// Where one value stands in what came.
    fn place(&mut self, node: &Node) -> Option<Path> {
        let text = node.scalar_text().unwrap_or_default();
        let one =
            |path: &Path| matches!(path.root, Root::Here | Root::Document) && !path.is_fan_out();
        let path = Path::parse(&text).ok().filter(one);
        if path.is_none() {
            let message = format!("`{text}` is no place of one value in what came");
            let hint = "write the path of the value, such as `id` or `order.id`";
            self.error(codes::INTEGRATION, node.span, message, hint);
        }
        path
    }

    /// Where a listing names the revision of what it names.
    fn newer(&mut self, node: Option<&Node>, fetches: bool) -> Option<Path> {
        let node = node?;
        if !fetches {
            let message = "`newer` is about documents that a listing only names";
            let hint = "add `fetch: get_order` to the poll, or leave it out: older documents change nothing";
            self.error(codes::INTEGRATION, node.span, message, hint);
        }
        self.place(node)
    }

    fn poll(&mut self, node: &Node, said: &Said<'_>) -> Option<Poll> {
        let mut fields = Fields::of(node, "a poll", self.findings)?;
        let operation = fields.required_text("do", self.findings);
        let every = fields.required("every", self.findings);
        let (overlap, reach) = (fields.optional("overlap"), fields.optional("reach"));
        let lag = fields.optional("lag");
        let (fetch, newer) = (fields.optional("fetch"), fields.optional("newer"));
        fields.finish(self.findings);
        if let Some(node) = said.apply.or(said.operation) {
            let message = "`apply` and `do` belong to a `notice`";
            let hint =
                "write `poll: { do: …, fetch: … }`: what lists, and what fetches one of them";
            self.error(codes::INTEGRATION, node.span, message, hint);
        }
        if let (Some(args), None) = (said.args, fetch) {
            let message = "`args` say how a document is fetched";
            self.error(
                codes::INTEGRATION,
                args.span,
                message,
                "add `fetch: get_order` to the poll",
            );
        }
        let newer = self.newer(newer, fetch.is_some());
        let fetch = match fetch {
            Some(node) => Some(self.fetch(node, said.args)?),
            None => None,
        };
        let span = every.map(|node| node.span).unwrap_or_default();
        let every = self.duration(every, LEAST_EVERY);
        if every < LEAST_EVERY {
            let hint = "write `every: 5m`; what should be known sooner is for webhooks to tell";
            self.error(codes::INTEGRATION, span, "a poll rests for at least a second", hint);
        }
        let overlap = self.duration(overlap, Duration::ZERO);
        let reach = reach.map(|node| self.duration(Some(node), Duration::ZERO));
        let ends = lag.map(|node| node.span).unwrap_or_default();
        let lag = self.duration(lag, Duration::ZERO);
        if reach.is_some_and(|reach| reach <= lag) && !lag.is_zero() {
            let message = "the first poll would end before it begins: `lag` is as long as `reach`";
            let hint = "write a longer `reach`: how far back the first poll looks";
            self.error(codes::INTEGRATION, ends, message, hint);
        }
        Some(Poll { operation: operation?, every, overlap, reach, lag, fetch, newer })
    }

    fn ordering(
        &mut self,
        intake: &Node,
        node: Option<&Node>,
        from: &IntakeFrom,
    ) -> Option<Ordering> {
        let Some(node) = node else {
            let hint = "revision: documents carry one; queue: arrival order counts; commutative: order does \
                        not matter; reread: each is fetched";
            let message = "an intake says what orders its documents: `ordering:`";
            self.error(codes::INTEGRATION, intake.span, message, hint);
            return None;
        };
        let ordering = self.word(node, "ordering", ORDERINGS)?;
        if ordering == Ordering::Reread && from.fetch().is_none() {
            let message = "`ordering: reread` is for documents that are fetched one by one";
            let hint = "add `apply: reread` and `do:` to the notice, or `fetch:` to the poll";
            self.error(codes::INTEGRATION, node.span, message, hint);
            return None;
        }
        Some(ordering)
    }
}

const ORDERINGS: &[(&str, Ordering)] = &[
    ("revision", Ordering::Revision),
    ("queue", Ordering::Queue),
    ("commutative", Ordering::Commutative),
    ("reread", Ordering::Reread),
];

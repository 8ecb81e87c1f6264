//! What a story runs against: the fold in memory, or a store.

use std::collections::BTreeMap;
use std::fmt::Debug;

use jiff::{SignedDuration, Timestamp};
use orderhub_order::contribution::Contribution;
use orderhub_order::flow::{Flow, Ownership};
use orderhub_order::fold::{Act, Outcome, TodoItem};
use orderhub_order::history::Delta;
use orderhub_order::ids::{OrderKey, SystemName};
use orderhub_order::model::{Order, State};
use orderhub_order::rules::{DeliverRule, GoneRule, Rules, SystemRules};

use super::shapes::StoryShapes;
use super::story::Rename;

/// The rules of a story, owned.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// The configured systems.
    pub systems: BTreeMap<SystemName, SystemRules>,
    /// Releases.
    pub flow: Flow,
    /// Exceptions to ownership.
    pub ownership: Ownership,
    /// What mappings would know.
    pub shapes: StoryShapes,
    /// Rules that were taken out, to be put back.
    pub gone: Vec<DeliverRule>,
}

impl Settings {
    /// As the fold takes them.
    pub fn rules(&self) -> Rules<'_> {
        Rules {
            bundle: "story",
            flow: &self.flow,
            ownership: &self.ownership,
            systems: &self.systems,
            shapes: &self.shapes,
        }
    }

    /// A rule is called otherwise from now on: what is gone has it as its heir, as the program would say. Or it is gone, or
    /// back.
    ///
    /// # Panics
    ///
    /// Where there is no such rule.
    pub fn rename(&mut self, Rename { system, rule, to }: &Rename) {
        let name = SystemName::new(system.as_str());
        let known = self.systems.get_mut(&name).expect("a system of the story");
        let reads = self.shapes.reads.get(&(name.clone(), rule.clone())).copied();
        let reads = reads.expect("what it reads");
        if let Some(at) = self.gone.iter().position(|gone| *gone.id == **rule) {
            known.gone.retain(|gone| *gone.id != **rule);
            known.deliver.push(self.gone.remove(at));
            return;
        }
        let at = known.deliver.iter().position(|one| *one.id == **rule).expect("a rule of it");
        let own = known.deliver.remove(at);
        let (id, on, kind, creates) = (own.id.clone(), own.on.clone(), own.kind(), own.makes());
        known.gone.push(GoneRule { id, on, kind, creates, reads, heir: None });
        let Some(to) = to else {
            self.gone.push(own);
            return;
        };
        known.gone.retain(|gone| *gone.id != **to);
        known.gone.iter_mut().for_each(|gone| gone.heir = Some(to.as_str().into()));
        known.deliver.push(DeliverRule { id: to.as_str().into(), ..own });
        self.shapes.reads.insert((name, to.clone()), reads);
    }
}

/// What became of a document or an act.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// The outcome word.
    pub word: &'static str,
    /// Outcome words of waiting documents that it woke.
    pub woken: Vec<&'static str>,
    /// Events, each with its subject.
    pub events: Vec<String>,
}

/// A place where documents are applied and deliveries settled. The runner plays the deliverer and the
/// targets itself.
pub trait World: Debug {
    /// Takes a document as intake would.
    fn document(&mut self, contribution: &Contribution, id: Option<&str>) -> Told;

    /// Applies an act to a known order.
    fn act(&mut self, order: OrderKey, act: &Act) -> (Outcome, Told);

    /// All orders, oldest first.
    fn orders(&self) -> Vec<OrderKey>;

    /// The head of an order with its lanes.
    fn state(&self, order: OrderKey) -> State;

    /// An order as it was at a version.
    fn at(&self, order: OrderKey, version: u32) -> Order;

    /// All todos, oldest first.
    fn todos(&self) -> Vec<TodoItem>;

    /// What the todos are about that are open and about something, each once.
    fn open(&self) -> Vec<String>;

    /// A person discards the open todo that is about this.
    fn discard(&mut self, about: &str);

    /// What led to a version of an order; `None`: there is no such version.
    fn delta(&self, order: OrderKey, version: u32) -> Option<Delta>;

    /// How many documents wait, where the world can say.
    fn waiting(&self) -> Option<usize>;

    /// Whether what is told of an act holds its events.
    fn tells_events(&self) -> bool;

    /// The number of the process that calls: the store's, where there is one.
    fn process(&self) -> u64;

    /// Starts anew, with other rules.
    fn switch(&mut self, settings: &Settings);

    /// The time.
    fn now(&self) -> Timestamp;

    /// Lets time pass.
    fn advance(&mut self, by: SignedDuration);
}

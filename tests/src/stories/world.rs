//! What a story runs against: the fold in memory, or a store.

use std::collections::BTreeMap;
use std::fmt::Debug;

use jiff::{SignedDuration, Timestamp};
use orderhub_order::contribution::Contribution;
use orderhub_order::flow::{Flow, Ownership};
use orderhub_order::fold::{Act, Outcome, TodoItem};
use orderhub_order::ids::{OrderKey, SystemName};
use orderhub_order::model::{Order, State};
use orderhub_order::rules::{Rules, SystemRules};

use super::shapes::StoryShapes;

/// The rules of a story, owned.
#[derive(Debug, Default)]
pub struct Settings {
    /// The configured systems.
    pub systems: BTreeMap<SystemName, SystemRules>,
    /// Releases.
    pub flow: Flow,
    /// Exceptions to ownership.
    pub ownership: Ownership,
    /// What mappings would know.
    pub shapes: StoryShapes,
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

    /// How many documents wait, where the world can say.
    fn waiting(&self) -> Option<usize>;

    /// Whether what is told of an act holds its events.
    fn tells_events(&self) -> bool;

    /// The number of the process that calls: the store's, where there is one.
    fn process(&self) -> u64;

    /// The time.
    fn now(&self) -> Timestamp;

    /// Lets time pass.
    fn advance(&mut self, by: SignedDuration);
}

//! The form of a story file.

use std::collections::BTreeMap;
use std::path::Path;

use orderhub_lang::diagnostic::Source;
use orderhub_order::catalogue::catalogue;
use orderhub_order::flow::{Flow, Ownership};
use orderhub_order::ids::{Entity, Role, SystemName};
use orderhub_order::rules::{
    DeliverRule, Mode, OperationKind, OperationRule, SystemRules, WhileDown,
};
use serde::Deserialize;
use serde_json::{Map, Value as Json};

use super::read::Document;
use super::shapes::{Shape, StoryShapes};
use super::world::Settings;

/// A story.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Story {
    /// What must come out right.
    pub why: String,
    /// Which systems of `_systems.yaml` take part.
    pub with: Vec<String>,
    /// Systems of its own, or other forms of the common ones.
    #[serde(default)]
    pub systems: BTreeMap<String, System>,
    /// `flow.yaml`; default: the embedded one.
    pub flow: Option<String>,
    /// `ownership.yaml`; default: the embedded one.
    pub ownership: Option<String>,
    /// How systems give values back: system ► field path ► shape.
    #[serde(default)]
    pub canon: BTreeMap<String, BTreeMap<String, Shape>>,
    /// What happens.
    pub steps: Vec<Step>,
}

/// A system of a story.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct System {
    /// Its role.
    pub role: String,
    /// What it listens to.
    #[serde(default)]
    pub deliver: Vec<Deliver>,
    /// Tags for the flow's assignment.
    #[serde(default)]
    pub tags: Vec<String>,
    /// Narrows ownership.
    pub owns: Option<Vec<String>>,
}

/// A deliver rule of a story.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deliver {
    /// The event.
    pub on: String,
    /// Operation for what is not linked.
    pub create: Option<String>,
    /// Operation for what is linked.
    pub update: Option<String>,
    /// The one operation for both.
    pub r#do: Option<String>,
    /// The single operation makes something.
    #[serde(default)]
    pub creates: bool,
    /// Its operations write in several steps.
    #[serde(default)]
    pub in_steps: bool,
    /// It is a fact, not a state.
    #[serde(default)]
    pub fact: bool,
    /// Its wishes do not wait while the system is down.
    #[serde(default)]
    pub fails_down: bool,
    /// What the operations are about; default: order.
    pub entity: Option<String>,
    /// Catalogue paths that the mapping reads.
    pub reads: Vec<String>,
}

/// One step: one thing that happens, then what must hold.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Step {
    /// Why it is here.
    pub note: Option<String>,
    /// A document arrives.
    pub document: Option<Document>,
    /// The deliverer serves these lanes until nothing is due, every target says yes.
    pub drain: Option<Vec<String>>,
    /// The deliverer takes one call off for this system, and it is answered as `answer` says.
    pub deliver: Option<String>,
    /// The deliverer takes one call off; nothing is answered yet.
    pub fly: Option<String>,
    /// The call in the air is answered as `answer` says.
    pub receipt: Option<String>,
    /// What the target says; default: yes.
    pub answer: Option<Answer>,
    /// Something stands in the way of the call that the deliverer would take off next: nothing of it leaves.
    pub blocked: Option<Blocked>,
    /// The deliverer looks at what to send this system next, and says nothing of it yet.
    pub look: Option<String>,
    /// It says now what it has found, or takes off what it saw.
    pub looked: Option<String>,
    /// The system is down: the deliverer gives up what it would have sent next.
    pub down: Option<String>,
    /// The files make no call of what would be sent next.
    pub unfit: Option<String>,
    /// A person acts.
    pub person: Option<Person>,
    /// A person discards the todo that is open about this: `rule subject`, of a fact with `#` and its firing.
    pub discard: Option<String>,
    /// Time passes, in seconds; then timers fire.
    pub wait: Option<i64>,
    /// The hub starts anew, by files in which a deliver rule is called otherwise. Nothing is driven by that alone.
    pub rename: Option<Rename>,
    /// Which order the step and its expectations are about, by reference; default: the first.
    pub order: Option<String>,
    /// What must hold now.
    pub expect: Option<Expect>,
}

/// What stands in the way of a call.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Blocked {
    /// Of whom.
    pub system: String,
    /// The lane's code for it: `limited`, `breaker_open`, `not_allowed`.
    pub code: String,
}

/// A deliver rule that is called otherwise by other files, is gone from them, or is back.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rename {
    /// Whose.
    pub system: String,
    /// Its id, `<on>/<do>`.
    pub rule: String,
    /// The id of the one in its place; its own: it is back; none: it is gone.
    pub to: Option<String>,
}

/// What a target says.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Answer {
    /// Class of the receipt: `ok`, `not_acted`, …
    pub class: Option<String>,
    /// Its id of what was made; default: `<system>-<subject>`; empty: none.
    pub id: Option<String>,
    /// More references: place ► kind ► id.
    pub xrefs: BTreeMap<String, BTreeMap<String, String>>,
    /// The reply, as a document of the subject.
    pub reply: Option<Map<String, Json>>,
    /// The reply's revision.
    pub revision: Option<Json>,
    /// Seconds until the next attempt.
    pub retry_in: Option<i64>,
    /// Answers an earlier flight: its fence lies so far behind.
    pub fences_ago: u64,
    /// A step was written there before the one that the class is about, or that one may have.
    pub wrote: bool,
    /// What is kept of the steps that were done.
    pub memo: String,
}

/// What a person does.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Person {
    /// Keyed path ► value.
    pub edit: Map<String, Json>,
    /// The version that was seen; default: the newest.
    pub seen: Option<u32>,
    /// Leads the order back to this version.
    pub restore: Option<u32>,
    /// Ends the hold of this code.
    pub release: Option<String>,
    /// Has what this system lacks sent to it.
    pub resend: Option<String>,
    /// And all that it has once more.
    pub all: bool,
    /// Decides about this system's call.
    pub settle: Option<String>,
    /// Of something that was given up: `rule subject`, of a fact with `#` and its firing.
    pub about: Option<String>,
    /// Try it again; else let it be.
    pub again: bool,
}

/// What must hold. What is not named is not looked at.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Expect {
    /// The outcome word of this step.
    pub outcome: Option<String>,
    /// Outcome words of documents that this step woke.
    pub woken: Option<Vec<String>>,
    /// Whether the step made a version.
    pub changed: Option<bool>,
    /// The stage.
    pub stage: Option<String>,
    /// Keyed path ► value as the hub's JSON shows it; `absent` for no field.
    pub fields: BTreeMap<String, Json>,
    /// Codes of the holds that stand, all of them.
    pub holds: Option<Vec<String>>,
    /// What these holds say, all of them.
    pub details: Option<Vec<String>>,
    /// `kind/cause` of the todos that this step made, all of them.
    pub todos: Option<Vec<String>>,
    /// What the sentences of these todos have, among others.
    pub told: Vec<String>,
    /// What the todos are about that are open and about something, all of them.
    pub open: Option<Vec<String>>,
    /// `path value` of what was heard in this step and does not stand, by the versions it made, all of it.
    pub lost: Option<Vec<String>>,
    /// `path why` of what a restore of this step left different, all of it.
    pub remains: Option<Vec<String>>,
    /// `system operation subject` of the calls that left in this step, all of them.
    pub calls: Option<Vec<String>>,
    /// `kind/cause` of open conflicts, by system: keyed paths.
    pub conflicts: BTreeMap<String, Vec<String>>,
    /// System ► its lane.
    pub lanes: BTreeMap<String, LaneLook>,
    /// References of all orders.
    pub orders: Option<Vec<String>>,
    /// How many documents wait.
    pub waiting: Option<usize>,
    /// Live elements of a collection.
    pub count: BTreeMap<String, usize>,
    /// Events of this step, `name subject`, among others.
    pub events: Vec<String>,
}

/// A look at a lane.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LaneLook {
    /// Its code; `none`.
    pub code: Option<String>,
    /// `rule subject` of what it wants, all of them.
    pub wants: Option<Vec<String>>,
    /// Whether it is due.
    pub due: Option<bool>,
    /// `rule subject` of what was given up and not sent since, all of it; of a fact with `#` and its firing.
    pub given_up: Option<Vec<String>>,
    /// `kind id` of its references, among others.
    pub xrefs: Vec<String>,
    /// Whether a flight is there that may have acted.
    pub may_have_acted: Option<bool>,
}

/// Reads a YAML file.
///
/// # Panics
///
/// If it cannot be read.
pub fn read<T: for<'a> Deserialize<'a>>(path: &Path) -> T {
    let text = std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    // As in the hub's own files: `Y` and `NO` are text.
    let options = serde_saphyr::options! { strict_booleans: true };
    serde_saphyr::from_str_with_options(&text, options)
        .unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// The rules of a story, with the common systems.
pub fn settings(story: &Story, common: &BTreeMap<String, System>) -> Settings {
    let mut settings = Settings {
        flow: story.flow.as_deref().map_or_else(Flow::embedded, |text| {
            Flow::parse(&Source::new("flow.yaml", text)).expect("the story's flow is right")
        }),
        ownership: story.ownership.as_deref().map_or_else(Ownership::embedded, |text| {
            let source = Source::new("ownership.yaml", text);
            Ownership::parse(&source).expect("the story's ownership is right")
        }),
        ..Settings::default()
    };
    let common = story.with.iter().map(|name| {
        (name, common.get(name).unwrap_or_else(|| panic!("no common system `{name}`")))
    });
    for (name, system) in common.chain(&story.systems) {
        let system_name = SystemName::new(name.as_str());
        let rules = system_rules(system);
        for (rule, deliver) in rules.deliver.iter().zip(&system.deliver) {
            let reads = StoryShapes::fields(&deliver.reads);
            settings.shapes.reads.insert((system_name.clone(), rule.id.to_string()), reads);
            if deliver.in_steps {
                let names = [&deliver.create, &deliver.update, &deliver.r#do];
                settings.shapes.in_steps.extend(names.into_iter().flatten().cloned());
            }
        }
        settings.systems.insert(system_name, rules);
    }
    for (name, fields) in &story.canon {
        let fields = fields.iter().map(|(path, shape)| {
            let field = catalogue().find_full(path).unwrap_or_else(|| panic!("no field `{path}`"));
            (field.id, shape.clone())
        });
        settings.shapes.canon.insert(SystemName::new(name.as_str()), fields.collect());
    }
    settings
}

fn system_rules(system: &System) -> SystemRules {
    SystemRules {
        role: Role::parse(&system.role).unwrap_or_else(|| panic!("no role `{}`", system.role)),
        integration: "story".into(),
        tags: system.tags.iter().map(|tag| tag.as_str().into()).collect(),
        unit: "default".into(),
        mode: Mode::Live,
        owns: system
            .owns
            .as_ref()
            .map(|owns| owns.iter().map(|prefix| prefix.as_str().into()).collect()),
        deliver: system.deliver.iter().map(deliver_rule).collect(),
        gone: Vec::new(),
    }
}

fn deliver_rule(deliver: &Deliver) -> DeliverRule {
    let entity = deliver.entity.as_deref().unwrap_or("order");
    let entity = Entity::parse(entity).unwrap_or_else(|| panic!("no entity `{entity}`"));
    let kind = if deliver.fact { OperationKind::Fact } else { OperationKind::State };
    let operation = |name: &Option<String>, creates: bool| {
        name.as_ref().map(|name| OperationRule {
            name: name.as_str().into(),
            kind,
            entity,
            creates,
        })
    };
    let names = [&deliver.create, &deliver.update, &deliver.r#do];
    let first = names.into_iter().flatten().next().expect("a rule has an operation");
    DeliverRule {
        once: false,
        id: format!("{}/{first}", deliver.on).into(),
        on: deliver.on.as_str().into(),
        create: operation(&deliver.create, true),
        update: operation(&deliver.update, false),
        single: operation(&deliver.r#do, deliver.creates),
        when: None,
        while_down: if deliver.fails_down { WhileDown::Fail } else { WhileDown::Queue },
    }
}
